"""The question as a value, how it is read, and `Summary`, the row every answer reduces to."""

from .question import (
    Binary,
    Comparison,
    Distribution,
    Expression,
    Number,
    Outcome,
    Query,
    Setting,
    Term,
    Value,
    query_of,
)
from .summary import Summary

__all__ = [
    "Binary",
    "Comparison",
    "Distribution",
    "Expression",
    "Number",
    "Outcome",
    "Query",
    "Setting",
    "Summary",
    "Term",
    "Value",
    "query_of",
]
