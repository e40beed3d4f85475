"""The built-in studies: data drawn from their truths, whole reproductions, and the planning of experiments.

Names that need training are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import STUDIES, held_of, simulate, study
from .study import PopulationValue, Study

if TYPE_CHECKING:
    from .planned_size import Predicted, SampleSize, SizePoint
    from .planning import Budget, goal_of, plan_size
    from .report import write_report
    from .reproduction import Reproduction, processors, reproduce, stored_rows
    from .results_folder import check_folder
    from .scoreboard import lines, overview
    from .truth import BuiltIn, truth_of

_LAZY = {
    "Budget": "planning",
    "BuiltIn": "truth",
    "Predicted": "planned_size",
    "Reproduction": "reproduction",
    "SampleSize": "planned_size",
    "SizePoint": "planned_size",
    "check_folder": "results_folder",
    "goal_of": "planning",
    "lines": "scoreboard",
    "overview": "scoreboard",
    "plan_size": "planning",
    "processors": "reproduction",
    "reproduce": "reproduction",
    "stored_rows": "reproduction",
    "truth_of": "truth",
    "write_report": "report",
}

__all__ = [
    "STUDIES",
    "Budget",
    "BuiltIn",
    "PopulationValue",
    "Predicted",
    "Reproduction",
    "SampleSize",
    "SizePoint",
    "Study",
    "check_folder",
    "goal_of",
    "held_of",
    "lines",
    "overview",
    "plan_size",
    "processors",
    "reproduce",
    "simulate",
    "stored_rows",
    "study",
    "truth_of",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
