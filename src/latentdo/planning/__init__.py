"""How many samples a question needs, from simulated experiments."""

from .coverage import CHANCE, FEWEST, Coverage
from .plan import Budget, goal_of, plan_size
from .planned_size import Predicted, SampleSize, SizePoint
from .truth import BuiltIn, truth_of

__all__ = [
    "CHANCE",
    "FEWEST",
    "Budget",
    "BuiltIn",
    "Coverage",
    "Predicted",
    "SampleSize",
    "SizePoint",
    "goal_of",
    "plan_size",
    "truth_of",
]
