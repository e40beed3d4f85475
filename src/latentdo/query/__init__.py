"""The question as a value, how it is read, and `Summary`, the row every answer reduces to."""

from .laws import OFFERED, Law, form_of, law_of
from .question import Query, draft_query, queries_of, query_of
from .summary import Summary
from .sweep import Axis
from .term import Binary, Comparison, Distribution, Expression, Kind, Number, Outcome, Setting, Term, Value

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
    "draft_query",
    "form_of",
    "law_of",
    "queries_of",
    "query_of",
]
