"""Posterior + query -> answer. Loaded on first use of `ld.ask`: it needs NumPy and SciPy."""

from .answer import Answer, Answers
from .ask import ask_all
from .checkup import Report, check_model
from .judge import judge, judge_fit
from .support import check_values
from .variants import VariantReport, check_variants

__all__ = [
    "Answer",
    "Answers",
    "Report",
    "VariantReport",
    "ask_all",
    "check_model",
    "check_values",
    "check_variants",
    "judge",
    "judge_fit",
]
