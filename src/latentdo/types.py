"""Types for annotations and `isinstance`; everything here has a room of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentdo.answers import Answers, Effect, EffectMatrix, Effects, Report, Scale, VariantReport
    from latentdo.bounding import Bounds
    from latentdo.comparison import Comparison, ComparisonRow
    from latentdo.criticism import CheckedQuery, CheckRow, FitCheck, Layer, Repair, Word
    from latentdo.estimators import Boosted, Foreign, Glm, Models
    from latentdo.graphs import Admg, LatentDag, SameAdmg
    from latentdo.identification import (
        Answerable,
        Derivation,
        Estimand,
        Fixability,
        Forms,
        Law,
        Measurements,
        Pair,
        Remedies,
        Step,
        TestableImplications,
        Theorem,
        Witness,
    )
    from latentdo.inference import BlockDraws, Diagnostic, NodeDraws, ParameterLabel, PriorCheck, PriorNode
    from latentdo.models import ColumnSummary, Mechanism, ModelSpec, Prior, Variant
    from latentdo.models.study import Study
    from latentdo.omissions import Point, Robustness, Sensitivity
    from latentdo.planning import Predicted, SampleSize, SizePoint
    from latentdo.query import Axis, Query, Summary, Term
    from latentdo.tables import Dataset, Table

_NAMES = {
    "answers": "Answers Effect EffectMatrix Effects Report Scale VariantReport",
    "bounding": "Bounds",
    "comparison": "Comparison ComparisonRow",
    "criticism": "CheckRow CheckedQuery FitCheck Layer Repair Word",
    "estimators": "Boosted Foreign Glm Models",
    "graphs": "Admg LatentDag SameAdmg",
    "identification": (
        "Answerable Derivation Estimand Fixability Forms Law Measurements Pair Remedies Step "
        "TestableImplications Theorem Witness"
    ),
    "inference": "BlockDraws Diagnostic NodeDraws ParameterLabel PriorCheck PriorNode",
    "models": "ColumnSummary Mechanism ModelSpec Prior Variant",
    "models.study": "Study",
    "omissions": "Point Robustness Sensitivity",
    "planning": "Predicted SampleSize SizePoint",
    "query": "Axis Query Summary Term",
    "tables": "Dataset Table",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "Admg",
    "Answerable",
    "Answers",
    "Axis",
    "BlockDraws",
    "Boosted",
    "Bounds",
    "CheckRow",
    "CheckedQuery",
    "ColumnSummary",
    "Comparison",
    "ComparisonRow",
    "Dataset",
    "Derivation",
    "Diagnostic",
    "Effect",
    "EffectMatrix",
    "Effects",
    "Estimand",
    "FitCheck",
    "Fixability",
    "Foreign",
    "Forms",
    "Glm",
    "LatentDag",
    "Law",
    "Layer",
    "Measurements",
    "Mechanism",
    "ModelSpec",
    "Models",
    "NodeDraws",
    "Pair",
    "ParameterLabel",
    "Point",
    "Predicted",
    "Prior",
    "PriorCheck",
    "PriorNode",
    "Query",
    "Remedies",
    "Repair",
    "Report",
    "Robustness",
    "SameAdmg",
    "SampleSize",
    "Scale",
    "Sensitivity",
    "SizePoint",
    "Step",
    "Study",
    "Summary",
    "Table",
    "Term",
    "TestableImplications",
    "Theorem",
    "Variant",
    "VariantReport",
    "Witness",
    "Word",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"latentdo.{_HOMES[name]}"), name)
