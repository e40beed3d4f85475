"""Sums of products of small tables, one per draw, by variable elimination.

Source:
    Dechter (1999), Bucket elimination: a unifying framework for reasoning; the order is greedy, smallest table first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name


@dataclass(frozen=True, eq=False)
class Factor:
    """A table per draw: an axis of levels per node of its scope, draws last."""

    scope: tuple[Name, ...]
    table: FloatArray


@dataclass(frozen=True)
class EliminationPlan:
    """In which order nodes are summed out, and what that costs.

    Attributes:
        order: The nodes that are summed out.
        largest: Entries per draw of the largest table on the way.
        total: Entries per draw of all of them.
    """

    order: tuple[Name, ...]
    largest: int
    total: int


def plan_elimination(
    scopes: Sequence[Collection[Name]], sizes: Mapping[Name, int], kept: Collection[Name], most: int
) -> EliminationPlan | None:
    """The greedy order; None where it meets a table of more than `most` entries.

    Args:
        scopes: Of each factor.
        sizes: Number of levels of each node.
        kept: Nodes that are not summed out.
    """
    buckets = [frozenset(scope) for scope in scopes]
    waiting = {node for scope in buckets for node in scope} - set(kept)
    union = {node: frozenset().union(*(scope for scope in buckets if node in scope)) for node in waiting}

    def entries(scope: Collection[Name]) -> int:
        return math.prod(sizes[node] for node in scope)

    order: list[Name] = []
    # Factors are tables on the way too.
    largest = max(map(entries, buckets), default=1)
    total = sum(map(entries, buckets))
    while waiting and largest <= most:
        # Names settle ties, so that the order is the same in every run.
        node = min(waiting, key=lambda name: (entries(union[name]), name))
        scope = union.pop(node)
        largest, total = max(largest, entries(scope)), total + entries(scope)
        rest = scope - {node}
        buckets = [other for other in buckets if node not in other] + [rest]
        for other in rest & waiting:
            union[other] = frozenset().union(*(scope for scope in buckets if other in scope))
        waiting.remove(node)
        order.append(node)
    last = entries(frozenset().union(*buckets))
    largest, total = max(largest, last), total + last
    return EliminationPlan(tuple(order), largest, total) if largest <= most else None


def eliminate(factors: Sequence[Factor], order: Sequence[Name], kept: Sequence[Name]) -> FloatArray:
    """The product of all factors with the nodes of `order` summed out.

    Args:
        kept: All other nodes of the factors, in the order of the axes wanted; one that no factor has gets an axis of length 1.

    Returns:
        An axis per kept node, draws last.
    """
    waiting = list(factors)
    for node in order:
        bucket = [factor for factor in waiting if node in factor.scope]
        waiting = [factor for factor in waiting if node not in factor.scope]
        waiting.append(_summed(bucket, node))
    return _summed(waiting, None, kept).table


def _summed(bucket: Sequence[Factor], node: Name | None, scope: Sequence[Name] | None = None) -> Factor:
    """The product of some factors, summed over one node: the smallest tables first, the sum with the last product."""
    ordered = sorted(bucket, key=lambda factor: factor.table.size)
    found = ordered[0] if ordered else Factor((), np.ones(1))
    rest = ordered[1:] or [Factor((), np.ones(1))]
    for k, factor in enumerate(rest):
        union = tuple(dict.fromkeys((*found.scope, *factor.scope)))
        last = k == len(rest) - 1
        wanted = tuple(scope) if last and scope is not None else union
        wanted = tuple(name for name in wanted if not last or name != node)
        found = Factor(wanted, _product(found, factor, wanted))
    return found


def _product(first: Factor, second: Factor, wanted: tuple[Name, ...]) -> FloatArray:
    """The product of two factors, over the nodes that are wanted."""
    names = {name: k for k, name in enumerate(dict.fromkeys((*first.scope, *second.scope)))}
    draw = len(names)
    present = [name for name in wanted if name in names]
    axes: list[Any] = [[*(names[name] for name in factor.scope), draw] for factor in (first, second)]
    n_draws = max(first.table.shape[-1], second.table.shape[-1])
    tables: list[Any] = [_with_draws(factor.table, n_draws) for factor in (first, second)]
    found = np.einsum(tables[0], axes[0], tables[1], axes[1], [*(names[name] for name in present), draw])
    shape = [found.shape[present.index(name)] if name in names else 1 for name in wanted]
    return found.reshape(*shape, n_draws)


def _with_draws(table: FloatArray, n_draws: int) -> FloatArray:
    return np.broadcast_to(table, (*table.shape[:-1], n_draws))
