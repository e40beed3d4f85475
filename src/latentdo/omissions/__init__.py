"""What an answer rests on and no data can show: edges that the graph leaves out, put in with a strength that is fixed."""

from .closed_forms import (
    Benchmark,
    Robustness,
    as_strong_as,
    bias,
    e_value,
    partial_r2,
    robustness_of,
    robustness_value,
)
from .find import sensitivity_of
from .omitted import Measured, Omitted, Unit
from .sensitivity import Point, Sensitivity

__all__ = [
    "Benchmark",
    "Measured",
    "Omitted",
    "Point",
    "Robustness",
    "Sensitivity",
    "Unit",
    "as_strong_as",
    "bias",
    "e_value",
    "partial_r2",
    "robustness_of",
    "robustness_value",
    "sensitivity_of",
]
