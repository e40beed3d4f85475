"""The model beside its rivals, one table. Loaded on first use of `ld.compare`: it needs NumPy and SciPy."""

from .compare import Rivals, check_rows, compare_fit, compare_rivals
from .comparison import Comparison
from .methods import adjust_of, is_corrected, method_names, methods_of
from .pictures import check_drawable
from .row import ComparisonRow, Question

__all__ = [
    "Comparison",
    "ComparisonRow",
    "Question",
    "Rivals",
    "adjust_of",
    "check_drawable",
    "check_rows",
    "compare_fit",
    "compare_rivals",
    "is_corrected",
    "method_names",
    "methods_of",
]
