"""Whether what the data say supports a graph, and the numbers of a fit. Loaded on first use of such a check: it needs NumPy."""

from .check_fit import check_posterior
from .evidence import influence_at_hand
from .fit_check import FitCheck
from .graph_check import check_graph, graph_rows, holm
from .refits import with_calibration, with_folds
from .standing import checked_as_asked, known, with_standing
from .trained_laws import TrainedLaws
from .values import CheckedQuery, CheckRow, Layer, Repair, Word
from .variants import with_variants

__all__ = [
    "CheckRow",
    "CheckedQuery",
    "FitCheck",
    "Layer",
    "Repair",
    "TrainedLaws",
    "Word",
    "check_graph",
    "check_posterior",
    "checked_as_asked",
    "graph_rows",
    "holm",
    "influence_at_hand",
    "known",
    "with_calibration",
    "with_folds",
    "with_standing",
    "with_variants",
]
