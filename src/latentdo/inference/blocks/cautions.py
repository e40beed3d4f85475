"""What is to be said of a table's columns, as values: each with its node, and the same of many nodes once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from latentdo.graphs import Name, quote
from latentdo.sheet import listed

SET_ALONE = " alone: what other settings of it do is told by the model's form and by rows in which it was not set"
"""The end of a caution that concerns what follows from a node, and not what the node follows from."""
MANY_ALIKE = 3
"""Columns from which on the same caution is printed once."""
MOST_NAMED = 8


class ColumnCaution(NamedTuple):
    """What is to be said of a node's column; of the rows as such where the node is empty."""

    node: Name
    words: str


def said_once(cautions: Iterable[ColumnCaution]) -> tuple[str, ...]:
    """The words of each, those that say the same of many columns once: in the words for the first, with the others' names."""
    alike: dict[str, list[ColumnCaution]] = {}
    for each in cautions:
        alike.setdefault(_form(each), []).append(each)
    words: list[str] = []
    for same in alike.values():
        if len(same) < MANY_ALIKE:
            words += [each.words for each in same]
            continue
        names = [quote(each.node) for each in same[1:]]
        rest = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
        words.append(f"{same[0].words}. The like is true of {listed([*names[:MOST_NAMED], *rest])}")
    return tuple(words)


def _form(caution: ColumnCaution) -> str:
    """The words without the node's own name and figures."""
    if not caution.node:
        return caution.words
    own = re.compile(rf"(?<!\w){re.escape(caution.node)}(?!\w)")
    return re.sub(r"[-+]?\d[\d.,e+-]*", "#", own.sub("\0", caution.words.replace(quote(caution.node), "\0")))
