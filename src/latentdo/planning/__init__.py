"""How many samples a question needs, from simulated experiments, and the spreading of work over processes."""

from .coverage import CHANCE, FEWEST, Coverage
from .executor import ATTEMPTS, Outcome, check_executor, described, spreading
from .plan import Budget, goal_of, plan_size
from .planned_size import Predicted, SampleSize, SizePoint
from .truth import BuiltIn, truth_of

__all__ = [
    "ATTEMPTS",
    "CHANCE",
    "FEWEST",
    "Budget",
    "BuiltIn",
    "Coverage",
    "Outcome",
    "Predicted",
    "SampleSize",
    "SizePoint",
    "check_executor",
    "described",
    "goal_of",
    "plan_size",
    "spreading",
    "truth_of",
]
