"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge.

A verdict is loaded at once, all that explains it on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .arguments import functions_of
from .decision import identify
from .estimand import Estimand, Solution
from .verdict import Identified, NotIdentified

if TYPE_CHECKING:
    from .construct import Formula
    from .derivation import Derivation, Step, Theorem
    from .evaluate import Law
    from .expression import Expression, Prob, Product, Quotient, Sum, parts
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
    "Expression": "expression",
    "Fixability": "fixability",
    "Fixing": "fixability",
    "Forms": "forms",
    "Formula": "construct",
    "Independence": "testable",
    "Instrument": "forms",
    "Kernel": "fixability",
    "Law": "evaluate",
    "Measurements": "measurements",
    "Nodes": "pairs",
    "Pair": "pairs",
    "Prob": "expression",
    "Product": "expression",
    "Quotient": "expression",
    "Remedies": "remedies",
    "Step": "derivation",
    "Sum": "expression",
    "TestableImplications": "testable",
    "Theorem": "derivation",
    "VermaConstraint": "testable",
    "Witness": "witness",
    "answerable": "pairs",
    "forms_of": "forms",
    "omissible": "measurements",
    "parts": "expression",
    "testable_implications": "testable",
    "witness_of": "witness",
}

__all__ = [
    "Answerable",
    "BestAdjustment",
    "Derivation",
    "Estimand",
    "Expression",
    "Fixability",
    "Fixing",
    "Forms",
    "Formula",
    "Identified",
    "Independence",
    "Instrument",
    "Kernel",
    "Law",
    "Measurements",
    "Nodes",
    "NotIdentified",
    "Pair",
    "Prob",
    "Product",
    "Quotient",
    "Remedies",
    "Solution",
    "Step",
    "Sum",
    "TestableImplications",
    "Theorem",
    "VermaConstraint",
    "Witness",
    "answerable",
    "forms_of",
    "functions_of",
    "identify",
    "omissible",
    "parts",
    "testable_implications",
    "witness_of",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
