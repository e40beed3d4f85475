"""Other people's graphs in and out: files, texts and objects ↔ values, each with a report of what was lost on the way.

Pure standard library but for GML, GraphML and networkx objects, so that it runs in a browser. Each format is one file
of `foreign`. All is loaded on first use (PEP 562), as arrows alone need none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue import FORMATS, READ, Format
    from .foreign.by_networkx import is_networkx, to_networkx
    from .foreign.matrix import CONVENTIONS
    from .foreign.ours import as_model
    from .network import Network, Variable, combinations
    from .pairs import graph_from_pairs
    from .reading import read, read_named, read_text
    from .recognition import guess, is_dagitty, is_graph_path
    from .report import Read, Report
    from .writing import write, written

_NAMES = {
    "foreign.by_networkx": "is_networkx to_networkx",
    "catalogue": "FORMATS READ Format",
    "foreign.matrix": "CONVENTIONS",
    "foreign.ours": "as_model",
    "network": "Network Variable combinations",
    "pairs": "graph_from_pairs",
    "reading": "read read_named read_text",
    "recognition": "guess is_dagitty is_graph_path",
    "report": "Read Report",
    "writing": "write written",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "CONVENTIONS",
    "FORMATS",
    "READ",
    "Format",
    "Network",
    "Read",
    "Report",
    "Variable",
    "as_model",
    "combinations",
    "graph_from_pairs",
    "guess",
    "is_dagitty",
    "is_graph_path",
    "is_networkx",
    "read",
    "read_named",
    "read_text",
    "to_networkx",
    "write",
    "written",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
