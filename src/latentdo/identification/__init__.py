"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge.

A verdict is loaded at once, all that explains it on first use (PEP 562). The sub-rooms, from the top down: `advice` and `proof`,
`engine`, `criteria`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .engine.estimand import Estimand, Solution
from .engine.functional import functions_of
from .verdict import Identified, NotIdentified, identify

if TYPE_CHECKING:
    from .advice.measurements import Measurements, measurements_of
    from .advice.remedies import Remedies
    from .advice.testable import Independence, TestableImplications, VermaConstraint, testable_implications
    from .criteria.fixability import Fixability, Fixing, Kernel
    from .criteria.forms import BestAdjustment, Forms, Instrument, forms_of
    from .engine.construct import Formula
    from .engine.evaluate import Law
    from .engine.expression import Expression, Prob, Product, Quotient, Sum, parts
    from .pairs import Answerable, Nodes, Pair, answerable
    from .proof.derivation import Derivation
    from .proof.steps import CutGraph, Separation, Step, Theorem, Written
    from .proof.witness import Witness, witness_of

_HOMES = {
    "Answerable": "pairs",
    "BestAdjustment": "criteria.forms",
    "CutGraph": "proof.steps",
    "Derivation": "proof.derivation",
    "Expression": "engine.expression",
    "Fixability": "criteria.fixability",
    "Fixing": "criteria.fixability",
    "Forms": "criteria.forms",
    "Formula": "engine.construct",
    "Independence": "advice.testable",
    "Instrument": "criteria.forms",
    "Kernel": "criteria.fixability",
    "Law": "engine.evaluate",
    "Measurements": "advice.measurements",
    "Nodes": "pairs",
    "Pair": "pairs",
    "Prob": "engine.expression",
    "Product": "engine.expression",
    "Quotient": "engine.expression",
    "Remedies": "advice.remedies",
    "Separation": "proof.steps",
    "Step": "proof.steps",
    "Sum": "engine.expression",
    "TestableImplications": "advice.testable",
    "Theorem": "proof.steps",
    "VermaConstraint": "advice.testable",
    "Witness": "proof.witness",
    "Written": "proof.steps",
    "answerable": "pairs",
    "forms_of": "criteria.forms",
    "measurements_of": "advice.measurements",
    "parts": "engine.expression",
    "testable_implications": "advice.testable",
    "witness_of": "proof.witness",
}

__all__ = [
    "Answerable",
    "BestAdjustment",
    "CutGraph",
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
    "Separation",
    "Solution",
    "Step",
    "Sum",
    "TestableImplications",
    "Theorem",
    "VermaConstraint",
    "Witness",
    "Written",
    "answerable",
    "forms_of",
    "functions_of",
    "identify",
    "measurements_of",
    "parts",
    "testable_implications",
    "witness_of",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
