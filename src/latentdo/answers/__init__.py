"""Posterior + query -> answer.

Each name is loaded on first use (PEP 562): an answer needs NumPy and SciPy, a report on a model does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .answer import Answer, Answers
    from .ask import ask_all
    from .effect import Effect
    from .effect_matrix import EffectMatrix
    from .effects import Effects, effects_of
    from .estimate import Computation
    from .judge import judge_fit
    from .latex import latex_question
    from .laws import law_quantile
    from .report import Report, check_model
    from .subgroups import one_for_all
    from .support import check_complete, check_values, verdict_on
    from .units import Scale, scale_of
    from .variants import VariantReport, check_variants

_NAMES = {
    "answer": "Answer Answers",
    "ask": "ask_all",
    "effect": "Effect",
    "effect_matrix": "EffectMatrix",
    "effects": "Effects effects_of",
    "estimate": "Computation",
    "judge": "judge_fit",
    "latex": "latex_question",
    "laws": "law_quantile",
    "report": "Report check_model",
    "subgroups": "one_for_all",
    "support": "check_complete check_values verdict_on",
    "units": "Scale scale_of",
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
    "one_for_all",
    "scale_of",
    "verdict_on",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
