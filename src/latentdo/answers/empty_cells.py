"""Which cells of a table a question leans on although no row of the data is in them: there the prior alone speaks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, format_level, quote
from latentdo.inference import NodeDraws, Posterior, even_uniforms, row_of, simulate_nodes
from latentdo.models import ModelSpec, Table
from latentdo.query import Distribution, Term

from .comparisons import by_node, holds, number_of
from .laws import law_quantile

LEANS = 0.05
"""Share of the units in such cells from which on it is said."""
NAMED = 3
"""Cells that are named."""
DRAWS, UNITS = 16, 256
"""Units that are counted: the share is then known to about 0.01."""
FEWEST = 100
"""Units with the evidence below which nothing is counted."""


def leaning(posterior: Posterior, terms: tuple[Term, ...], used: frozenset[Name]) -> list[str]:
    """A caution per table that some term leans on where there are no data, with the cells.

    Args:
        used: The nodes whose parameters the answer depends on.
    """
    empty = {node: frozenset(rows) for node, rows in posterior.facts.empty if node in used}
    if not empty:
        return []
    most: dict[Name, tuple[float, Counter[int]]] = {}
    for term in terms:
        values, weights = _units(posterior, term, frozenset(empty))
        if weights.sum() < FEWEST:
            continue
        for node in empty.keys() - set(term.treatments):
            family = posterior.spec[node].family
            assert isinstance(family, Table)
            parents = [values[parent] for parent in posterior.spec[node].parents]
            rows = np.broadcast_to(row_of(family, parents), weights.shape)
            found = np.bincount(rows[weights], minlength=family.n_rows)
            cells = Counter({row: int(found[row]) for row in empty[node] if found[row]})
            share = cells.total() / weights.sum()
            if share > most.get(node, (0.0, cells))[0]:
                most[node] = (share, cells)
    return [
        f"{100 * share:.0f} % of the units that the question looks at are where {quote(node)} has no row of data "
        f"({_named(posterior.spec, node, cells)}): what {quote(node)} is there is told by its prior alone"
        for node, (share, cells) in most.items()
        if share >= LEANS
    ]


def _units(
    posterior: Posterior, term: Term, tables: frozenset[Name]
) -> tuple[Mapping[Name, FloatArray], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Units of the world that a term speaks of, (draw, unit), and which of them show its evidence."""
    spec = posterior.spec
    random = np.random.default_rng(0)
    values: dict[Name, FloatArray] = {}
    for setting in term.do:
        match setting.value:
            case Distribution():
                points = spec[setting.name].family.points
                values[setting.name] = law_quantile(setting.value, random.uniform(size=(1, UNITS)), points)
            case None:
                raise AssertionError("a question that is asked says what it sets")
            case value:
                values[setting.name] = np.full((1, UNITS), number_of(spec, setting.name, value))
    cut = spec.graph.without_incoming(term.treatments)
    needed = cut.ancestors([*tables, *term.conditions])
    order = [node for node in spec.graph.topological_order() if node in needed]
    picked = np.linspace(0, posterior.n_chains * posterior.n_draws - 1, DRAWS).round().astype(int)
    draws = {node: _picked(posterior.by_node[node], picked) for node in order}
    with np.errstate(all="ignore"):
        simulate_nodes(spec, order, draws, even_uniforms(order, UNITS, random).__getitem__, values)
    shown = np.ones((DRAWS, UNITS), dtype=bool)
    for node, items in by_node(spec, term.given).items():
        # A value of a continuous node is shown by no unit: it is left out of the account.
        if spec[node].family.discrete or all(item.op != "=" for item in items):
            shown &= holds(items, values[node])
    return values, shown


def _picked(draws: NodeDraws, picked: np.ndarray[tuple[int], np.dtype[np.intp]]) -> NodeDraws:
    coefficients = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])[picked]
    return NodeDraws(coefficients[None], tuple((name, own.reshape(-1)[picked][None]) for name, own in draws.parameters))


def _named(spec: ModelSpec, node: Name, cells: Counter[int]) -> str:
    """The cells that most units are in, by the levels of the parents."""
    parents = spec[node].parents
    combinations = list(itertools.product(*(spec[parent].family.states for parent in parents)))
    shown = [
        ", ".join(
            f"{quote(parent)}={format_level(level)}" for parent, level in zip(parents, combinations[row], strict=True)
        )
        for row, _ in cells.most_common(NAMED)
    ]
    more = len(cells) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
