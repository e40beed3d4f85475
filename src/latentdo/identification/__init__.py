"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge."""

from __future__ import annotations

from .answerable import Answerable, Nodes, Pair, answerable
from .decision import identify
from .estimand import Estimand
from .evaluate import Law
from .verdict import Identified, NotIdentified
from .witness import Witness, witness_of

__all__ = [
    "Answerable",
    "Estimand",
    "Identified",
    "Law",
    "Nodes",
    "NotIdentified",
    "Pair",
    "answerable",
    "Witness",
    "identify",
    "witness_of",
]
