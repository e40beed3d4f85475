"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge."""

from __future__ import annotations

from .answerable import Answerable, Nodes, Pair, answerable
from .decision import identify
from .estimand import Estimand
from .evaluate import Law
from .fixability import Fixability, Fixing, Kernel
from .forms import BestAdjustment, Forms, Instrument, forms_of
from .testable import Independence, TestableImplications, VermaConstraint, testable_implications
from .measurements import Measurements, omissible
from .remedies import Remedies
from .verdict import Identified, NotIdentified
from .witness import Witness, witness_of

__all__ = [
    "Answerable",
    "BestAdjustment",
    "Estimand",
    "Fixability",
    "Fixing",
    "Forms",
    "Identified",
    "Independence",
    "Instrument",
    "Kernel",
    "Law",
    "Measurements",
    "Nodes",
    "NotIdentified",
    "Pair",
    "Remedies",
    "TestableImplications",
    "VermaConstraint",
    "Witness",
    "answerable",
    "forms_of",
    "identify",
    "omissible",
    "testable_implications",
    "witness_of",
]
