"""Posterior + query -> answer. Loaded on first use of `ld.ask`: it needs NumPy and SciPy.

What a question alone does not need is loaded on first use (PEP 562): tables of effects, reports on models, and LaTeX.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .answer import Answer, Answers
from .ask import ask_all
from .estimate import Computation
from .laws import law_quantile
from .support import check_complete, check_values
from .units import Scale, scale_of

if TYPE_CHECKING:
    from .effect import Effect
    from .effect_matrix import EffectMatrix
    from .effects import Effects, effects_of
    from .judge import judge_fit
    from .latex import latex_question
    from .report import Report, check_model
    from .variants import VariantReport, check_variants

_NAMES = {
    "effect": "Effect",
    "effect_matrix": "EffectMatrix",
    "effects": "Effects effects_of",
    "judge": "judge_fit",
    "latex": "latex_question",
    "report": "Report check_model",
    "variants": "VariantReport check_variants",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

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
    "judge_fit",
    "latex_question",
    "law_quantile",
    "scale_of",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
