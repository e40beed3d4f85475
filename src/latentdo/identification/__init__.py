"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge.

A verdict is loaded at once, all that explains it on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .arguments import functions_of
from .decision import identify
from .estimand import Estimand
from .verdict import Identified, NotIdentified

if TYPE_CHECKING:
    from .derivation import Derivation, Step, Theorem
    from .evaluate import Law
    from .fixability import Fixability, Fixing, Kernel
    from .forms import BestAdjustment, Forms, Instrument, forms_of
    from .measurements import Measurements, omissible
    from .pairs import Answerable, Nodes, Pair, answerable
    from .remedies import Remedies
    from .testable import Independence, TestableImplications, VermaConstraint, testable_implications
    from .witness import Witness, witness_of

_HOMES = {
    "Answerable": "pairs",
    "BestAdjustment": "forms",
    "Derivation": "derivation",
    "Fixability": "fixability",
    "Fixing": "fixability",
    "Forms": "forms",
    "Independence": "testable",
    "Instrument": "forms",
    "Kernel": "fixability",
    "Law": "evaluate",
    "Measurements": "measurements",
    "Nodes": "pairs",
    "Pair": "pairs",
    "Remedies": "remedies",
    "Step": "derivation",
    "TestableImplications": "testable",
    "Theorem": "derivation",
    "VermaConstraint": "testable",
    "Witness": "witness",
    "answerable": "pairs",
    "forms_of": "forms",
    "omissible": "measurements",
    "testable_implications": "testable",
    "witness_of": "witness",
}

__all__ = [
    "Answerable",
    "BestAdjustment",
    "Derivation",
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
    "Step",
    "TestableImplications",
    "Theorem",
    "VermaConstraint",
    "Witness",
    "answerable",
    "forms_of",
    "functions_of",
    "identify",
    "omissible",
    "testable_implications",
    "witness_of",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
