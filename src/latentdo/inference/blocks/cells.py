"""What missing and set cells mean for the factors of a model: which are cut out of a row, and over which cells a row is averaged.

A node that was set did not answer to its causes: its factor is cut out of the row, and its cell is a constant that its effects
read. A missing cell that no other factor of the row needs drops its own factor, for its law sums to one; any other is hidden: the
row is averaged over it as over a latent node. That is right where cells are missing at random given the rest of the model.

Source:
    Rubin (1976), Inference and missing data: ignorability; Pearl (2009), Causality, §3.2.3: the truncated factorisation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from latentdo.errors import DataError
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.tables import Dataset, Pattern

from .block import Block


@dataclass(frozen=True)
class Roles:
    """What becomes of the nodes of a row.

    Attributes:
        cut: Whose factor does not count.
        hidden: Over whose missing cell the row is averaged.
    """

    cut: frozenset[Name]
    hidden: frozenset[Name]


def roles(spec: ModelSpec, pattern: Pattern) -> Roles:
    """The roles of the nodes in a row of this pattern."""
    held, missing = frozenset(pattern.held), frozenset(pattern.missing)
    idle: set[Name] = set()
    for node in reversed(spec.graph.topological_order()):
        unseen = node in missing or node in spec.latent
        if unseen and all(child in idle or child in held for child in spec.graph.children(node)):
            idle.add(node)
    return Roles(held | (missing & idle), missing - idle)


def hidden_nodes(spec: ModelSpec, data: Dataset) -> frozenset[Name]:
    """The nodes whose missing cells some row is averaged over."""
    return frozenset[Name]().union(*(roles(spec, each).hidden for each in data.patterns))


def check_cells(spec: ModelSpec, data: Dataset) -> None:
    """Raise `DataError` where rows with missing cells cannot be averaged over."""
    for node in sorted(hidden_nodes(spec, data)):
        exact = [each for each in (node, *spec.graph.children(node)) if spec[each].family.noiseless]
        measured = next((each for each in exact if each not in spec.latent), None)
        if measured is not None:
            why = f"{measured} is declared linear (no noise), which leaves nothing to average over. Declare it normal"
        elif not spec[node].family.may_be_hidden:
            why = f"over the values of a {spec[node].family.name} node no row can be averaged. Leave {node} out of the model"
        else:
            continue
        raise DataError(
            f"{node} is missing in {data.n_missing[node]:,} rows in which its effects were seen, and {why}, or say "
            'missing="drop".',
            column=node,
        )


def left_out(n: int) -> str:
    """What is assumed by leaving out so many rows with missing cells, as a clause; empty where there are none."""
    if not n:
        return ""
    rows = "1 row with a missing cell was" if n == 1 else f"{n:,} rows with missing cells were"
    return (
        f"{rows} left out: assumed is that complete rows are like all rows, which says more than missing at random given what "
        'the model holds (missing="latent")'
    )


def block_rows(spec: ModelSpec, block: Block, data: Dataset) -> Dataset:
    """The columns of a block, each row with the pattern of factors that are cut (`held`) and of hidden cells (`missing`).

    Rows that have the same number for the block are told apart only where their patterns differ for it.
    """
    rows = data.restricted((*block.measured, *block.inputs)) if block.measured or block.inputs else data
    if data.pattern is None:
        return rows
    found = [roles(spec, each) for each in data.patterns]
    own = [Pattern.of(each.hidden & set(block.nodes), each.cut & set(block.nodes)) for each in found]
    return Dataset(
        rows.columns,
        rows.weights,
        rows.ignored,
        rows.unread,
        rows.source,
        rows.levels,
        patterns=data.patterns,
        pattern=data.pattern,
    ).patterned(own)


def trained_rows(spec: ModelSpec, block: Block, data: Dataset) -> Dataset:
    """`block_rows` without rows of which no factor of the block counts; without patterns where no factor is cut in others."""
    rows = block_rows(spec, block, data)
    if rows.pattern is None or not block.measured:
        return rows
    says = np.array([not set(block.measured) <= set(each.held) for each in rows.patterns])[rows.pattern]
    left = rows.picked(np.flatnonzero(says))
    return left.patterned(left.patterns)


def seen_rows(spec: ModelSpec, node: Name, data: Dataset, others: Iterable[Name] = ()) -> Dataset:
    """The rows in which a node was left alone and seen beside its measured parents; all rows where there are no such two.

    Args:
        others: Columns that have to be seen too.
    """
    if data.pattern is None:
        return data
    parents = {parent for parent in spec[node].parents if parent not in spec.latent}
    needed = {node, *others} | parents if node not in spec.latent else {*others} | parents
    kept = [not needed.intersection(each.missing) and node not in each.held for each in data.patterns]
    rows = data.picked(np.flatnonzero(np.array(kept)[data.pattern]))
    if rows.weights.sum() < 2:
        rows = data
    return Dataset(rows.columns, rows.weights, rows.ignored, rows.unread, rows.source, rows.levels)
