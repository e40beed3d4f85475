"""What data and graph leave open of a question that they do not answer: bounds over all laws of response types."""

from .bounds import Assuming, Bounds
from .districts import Plan, plan_of
from .find import bounds_of, parsed_edges, solved_on
from .reading import frequencies_in, frequencies_of

__all__ = [
    "Assuming",
    "Bounds",
    "Plan",
    "bounds_of",
    "frequencies_in",
    "frequencies_of",
    "parsed_edges",
    "plan_of",
    "solved_on",
]
