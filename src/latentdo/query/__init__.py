"""The question as a value, how it is read, and `Summary`, the row every answer reduces to.

The laws that a node may be drawn from are loaded on first use (PEP 562): few questions have one.
"""

from typing import TYPE_CHECKING

from .question import Query, draft_query, queries_of, query_of, renamed_query
from .summary import Summary
from .sweep import Axis
from .term import (
    Binary,
    Comparison,
    Distribution,
    Expression,
    Kind,
    Number,
    Outcome,
    Setting,
    Term,
    Value,
    changes_of,
    measure,
    operations_of,
)

if TYPE_CHECKING:
    from .laws import OFFERED, Law, form_of, law_of

__all__ = [
    "OFFERED",
    "Axis",
    "Binary",
    "Comparison",
    "Distribution",
    "Expression",
    "Kind",
    "Law",
    "Number",
    "Outcome",
    "Query",
    "Setting",
    "Summary",
    "Term",
    "Value",
    "changes_of",
    "draft_query",
    "form_of",
    "law_of",
    "measure",
    "operations_of",
    "queries_of",
    "query_of",
    "renamed_query",
]


def __getattr__(name: str) -> object:
    if name not in ("OFFERED", "Law", "form_of", "law_of"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import laws

    return getattr(laws, name)
