"""Posterior + query -> answer. Loaded on first use of `ld.ask`: it needs NumPy and SciPy."""

from .answer import Answer, Answers
from .ask import ask_all
from .computation import Computation
from .effect import Effect
from .effect_matrix import EffectMatrix
from .effects import Effects, effects_of
from .judge import judge, judge_fit
from .latex import question as latex_question
from .report import Report, check_model
from .support import check_complete, check_values
from .units import Scale, scale_of
from .variants import VariantReport, check_variants

__all__ = [
    "Answer",
    "Answers",
    "Computation",
    "Effect",
    "EffectMatrix",
    "Effects",
    "Report",
    "Scale",
    "VariantReport",
    "ask_all",
    "check_complete",
    "check_model",
    "check_values",
    "check_variants",
    "effects_of",
    "judge",
    "judge_fit",
    "latex_question",
    "scale_of",
]
