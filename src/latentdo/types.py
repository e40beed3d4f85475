"""Types for annotations and `isinstance`; everything here has a room of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentdo.answers import Answers, Effect, EffectMatrix, Effects, Report, Scale, VariantReport
    from latentdo.comparison import Comparison, ComparisonRow
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
    from latentdo.planning import Predicted, SampleSize, SizePoint
    from latentdo.query import Axis, Query, Summary, Term
    from latentdo.tables import Dataset, Table

_HOMES = {
    "Admg": "graphs",
    "Answerable": "identification",
    "Answers": "answers",
    "Axis": "query",
    "BlockDraws": "inference",
    "Boosted": "estimators",
    "ColumnSummary": "models",
    "Comparison": "comparison",
    "ComparisonRow": "comparison",
    "Dataset": "tables",
    "Derivation": "identification",
    "Diagnostic": "inference",
    "Effect": "answers",
    "EffectMatrix": "answers",
    "Effects": "answers",
    "Estimand": "identification",
    "Fixability": "identification",
    "Foreign": "estimators",
    "Forms": "identification",
    "Glm": "estimators",
    "LatentDag": "graphs",
    "Law": "identification",
    "Measurements": "identification",
    "Mechanism": "models",
    "ModelSpec": "models",
    "Models": "estimators",
    "NodeDraws": "inference",
    "Pair": "identification",
    "ParameterLabel": "inference",
    "Predicted": "planning",
    "Prior": "models",
    "PriorCheck": "inference",
    "PriorNode": "inference",
    "Query": "query",
    "Remedies": "identification",
    "Report": "answers",
    "SameAdmg": "graphs",
    "SampleSize": "planning",
    "Scale": "answers",
    "SizePoint": "planning",
    "Step": "identification",
    "Study": "models.study",
    "Summary": "query",
    "Table": "tables",
    "Term": "query",
    "TestableImplications": "identification",
    "Theorem": "identification",
    "Variant": "models",
    "VariantReport": "answers",
    "Witness": "identification",
}

__all__ = [
    "Admg",
    "Answerable",
    "Answers",
    "Axis",
    "BlockDraws",
    "Boosted",
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
    "Fixability",
    "Foreign",
    "Forms",
    "Glm",
    "LatentDag",
    "Law",
    "Measurements",
    "Mechanism",
    "ModelSpec",
    "Models",
    "NodeDraws",
    "Pair",
    "ParameterLabel",
    "Predicted",
    "Prior",
    "PriorCheck",
    "PriorNode",
    "Query",
    "Remedies",
    "Report",
    "SameAdmg",
    "SampleSize",
    "Scale",
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
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"latentdo.{_HOMES[name]}"), name)
