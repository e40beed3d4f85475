"""Who causes whom: graphs, their notation, projection, separation and surgery."""

from __future__ import annotations

from .admg import Admg
from .bitset import Mask, Masks, bits, components, reach
from .checks import Name
from .dag import LatentDag
from .notation import parse_call, parse_graph, parse_statements, parse_weight_key
from .projection import project
from .separation import connected, m_separated
from .statements import (
    Call,
    EdgeStatement,
    LatentStatement,
    MeasureStatement,
    MechanismStatement,
    NodeStatement,
    Option,
    Parent,
    Statement,
    graph_of,
)
from .surgery import mutilate
from .tokens import Level, Lexicon, Position, Token, Tokens, format_level, format_number, quote

__all__ = [
    "Admg",
    "Call",
    "EdgeStatement",
    "LatentDag",
    "LatentStatement",
    "Level",
    "Lexicon",
    "Mask",
    "Masks",
    "MeasureStatement",
    "MechanismStatement",
    "Name",
    "NodeStatement",
    "Option",
    "Parent",
    "Position",
    "Statement",
    "Token",
    "Tokens",
    "bits",
    "components",
    "connected",
    "format_level",
    "format_number",
    "graph_of",
    "m_separated",
    "mutilate",
    "parse_call",
    "parse_graph",
    "parse_statements",
    "parse_weight_key",
    "project",
    "quote",
    "reach",
]
