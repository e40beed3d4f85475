"""Whether what the data say supports a graph, and the numbers of a fit. Loaded on first use of such a check: it needs NumPy."""

from .fit_check import FitCheck
from .values import CheckedQuery, CheckRow, Layer, Repair, Word

__all__ = ["CheckRow", "CheckedQuery", "FitCheck", "Layer", "Repair", "Word"]
