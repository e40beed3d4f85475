"""What nodes are measured in, `SBP: mmHg`: words for people, checked once and never computed with."""

from __future__ import annotations

from collections.abc import Mapping

from latentdo.errors import SpecError
from latentdo.graphs import Name, quote

from .levels import listed, named
from .spec import ModelSpec

Units = tuple[tuple[Name, str], ...]
LONGEST_UNIT = 40
"""Characters of a unit: it stands beside every number, and on axes."""


def checked_units(spec: ModelSpec, units: Mapping[Name, str]) -> Units:
    """Nodes and what they are measured in, in the order of the model.

    Raises:
        UnknownNodeError: A name that is no node of the model.
        SpecError: A node that has no unit, or a text that is none.
    """
    for node in units:
        check_counted(spec, node)
    found = {node: unit_text(node, unit) for node, unit in units.items()}
    return tuple((node, found[node]) for node in spec.graph.nodes if node in found)


def check_counted(spec: ModelSpec, node: Name) -> None:
    """Raise unless the node is a measured number, which may have a unit.

    Raises:
        UnknownNodeError: It is no node of the model.
        SpecError: It is latent, or its values are names or a yes and a no.
    """
    spec.graph.require(node)
    if node in spec.latent:
        raise SpecError(
            f"{quote(node)} is latent, and no question asks for its value: it has no unit. Name a measured node.", node
        )
    levels = spec.levels.get(node, ())
    if named(levels):
        raise SpecError(
            f"The levels of {quote(node)} are names ({listed(levels)}): it has no unit. Leave it out of the units.",
            node,
        )
    if spec[node].family.binary:
        raise SpecError(
            f"{quote(node)} is {spec[node].family.name}, a 0 or a 1: it has no unit. Leave it out of the units.", node
        )


def unit_text(node: Name, unit: object) -> str:
    """The unit without spaces around it.

    Raises:
        SpecError: It is no text, empty, too long, or has a character that cannot be printed.
    """
    if not isinstance(unit, str):
        raise SpecError(f"The unit of {quote(node)} is a text such as 'mmHg', got {type(unit).__name__}.", node)
    text = unit.strip()
    if not text:
        raise SpecError(f"The unit of {quote(node)} is empty. Write one such as 'mmHg', or leave the node out.", node)
    if len(text) > LONGEST_UNIT:
        raise SpecError(
            f"The unit of {quote(node)} has {len(text):,} characters, and a unit at most {LONGEST_UNIT}. Abbreviate it.",
            node,
        )
    if strange := next((char for char in text if not char.isprintable()), None):
        raise SpecError(
            f"The unit of {quote(node)} has the character U+{ord(strange):04X}, which cannot be printed. Remove it.",
            node,
        )
    return text
