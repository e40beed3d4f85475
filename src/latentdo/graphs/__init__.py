"""Who causes whom: graphs, their notation, projection, separation and surgery.

What compares and rewrites latent structures, and what reads a text to change it, is loaded on first use (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .admg import Admg
from .bitset import Mask, Masks, Name, bits, components, hidden, reach, union
from .dag import LatentDag, mutilate, project
from .drawn import AbstractDrawn
from .file_names import STUDY_SUFFIXES, is_fit_path, is_study_path
from .notation import parse_call, parse_graph, parse_statements, parse_weight_key
from .separation import connected, m_separated
from .statements import (
    Call,
    EdgeStatement,
    Form,
    LatentStatement,
    LinearPredictor,
    MeasureStatement,
    MechanismStatement,
    NodeStatement,
    Option,
    Parent,
    Statement,
    graph_of,
)
from .tokens import Level, Lexicon, Position, Token, Tokens, format_level, format_number, normalised, quote

if TYPE_CHECKING:
    from .equality import Difference, SameAdmg, same_admg
    from .latents import canonical, exogenise, folded, merge_latents, prune_latents
    from .source import Source, SourceItem, SourceStatement, renamed_key, source_of

_NAMES = {
    "equality": "Difference SameAdmg same_admg",
    "latents": "canonical exogenise folded merge_latents prune_latents",
    "source": "Source SourceItem SourceStatement renamed_key source_of",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = [
    "STUDY_SUFFIXES",
    "AbstractDrawn",
    "Admg",
    "Call",
    "Difference",
    "EdgeStatement",
    "Form",
    "LatentDag",
    "LatentStatement",
    "Level",
    "Lexicon",
    "LinearPredictor",
    "Mask",
    "Masks",
    "MeasureStatement",
    "MechanismStatement",
    "Name",
    "NodeStatement",
    "Option",
    "Parent",
    "Position",
    "SameAdmg",
    "Source",
    "SourceItem",
    "SourceStatement",
    "Statement",
    "Token",
    "Tokens",
    "bits",
    "canonical",
    "components",
    "connected",
    "exogenise",
    "folded",
    "format_level",
    "format_number",
    "graph_of",
    "hidden",
    "is_fit_path",
    "is_study_path",
    "m_separated",
    "merge_latents",
    "mutilate",
    "normalised",
    "parse_call",
    "parse_graph",
    "parse_statements",
    "parse_weight_key",
    "project",
    "prune_latents",
    "quote",
    "reach",
    "renamed_key",
    "same_admg",
    "source_of",
    "union",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
