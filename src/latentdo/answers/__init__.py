"""Posterior + query -> answer. Loaded on first use of `ld.ask`: it needs NumPy and SciPy."""

from .answer import Answer, Answers
from .ask import ask_all
from .checkup import Report, check_model
from .judge import judge
from .support import check_values

__all__ = ["Answer", "Answers", "Report", "ask_all", "check_model", "check_values", "judge"]
