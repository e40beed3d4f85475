"""Whether the data can answer a question, and the formula that does: verdict, estimand, hedge.

A verdict is loaded at once, all that explains it on first use (PEP 562). The sub-rooms, from the top down: `advice` and `proof`,
`engine`, `criteria`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .engine.decision import Hedge
from .engine.estimand import Estimand, Solution
from .engine.experiments import Experiments, experiments_of
from .engine.functional import functions_of
from .verdict import LONG_PROOF, Identified, NotIdentified, identify

if TYPE_CHECKING:
    from .advice.leads import Leads
    from .advice.measurements import Measurements, measurements_of
    from .advice.remedies import Remedies
    from .advice.testable import (
        Independence,
        InstrumentalInequality,
        TestableImplications,
        VermaConstraint,
        testable_implications,
    )
    from .criteria.fixability import Fixability, Fixing, Kernel
    from .criteria.forms import BestAdjustment, Forms, Instrument, forms_of
    from .engine.construct import Formula
    from .engine.evaluate import Law
    from .engine.expression import Expression, Prob, Product, Quotient, Sum, parts
    from .pairs import Answerable, Nodes, Pair, answerable
    from .proof.derivation import Derivation
    from .proof.steps import CutGraph, Separation, Step, Theorem, Written
    from .proof.witness import Witness, witness_of

_NAMES = {
    "advice.leads": "Leads",
    "advice.measurements": "Measurements measurements_of",
    "advice.remedies": "Remedies",
    "advice.testable": "Independence InstrumentalInequality TestableImplications VermaConstraint testable_implications",
    "criteria.fixability": "Fixability Fixing Kernel",
    "criteria.forms": "BestAdjustment Forms Instrument forms_of",
    "engine.construct": "Formula",
    "engine.evaluate": "Law",
    "engine.expression": "Expression Prob Product Quotient Sum parts",
    "pairs": "Answerable Nodes Pair answerable",
    "proof.derivation": "Derivation",
    "proof.steps": "CutGraph Separation Step Theorem Written",
    "proof.witness": "Witness witness_of",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "LONG_PROOF",
    "Answerable",
    "BestAdjustment",
    "CutGraph",
    "Derivation",
    "Estimand",
    "Experiments",
    "Expression",
    "Fixability",
    "Fixing",
    "Forms",
    "Formula",
    "Hedge",
    "Identified",
    "Independence",
    "Instrument",
    "InstrumentalInequality",
    "Kernel",
    "Law",
    "Leads",
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
    "experiments_of",
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
