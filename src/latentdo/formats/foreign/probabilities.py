"""Tables of probabilities from files: checked, made a network with its graph and model; and those of a fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from latentdo.errors import GraphError, LatentdoError, UnsupportedError
from latentdo.graphs import LatentDag, Level, Name, quote

from ..draft import Draft
from ..network import Network, Row, Variable, combinations
from ..report import Read

if TYPE_CHECKING:
    from latentdo.models import ModelSpec

ROUNDING = 0.02
"""How far the probabilities of one row may miss 1: files give few digits."""
MOST_CELLS = 20_000_000
"""Probabilities in one table, at most."""


def checked_rows(
    name: Name,
    parents: Sequence[Name],
    states: Mapping[Name, Sequence[str]],
    rows: Mapping[tuple[str, ...], Row],
    where: str,
) -> tuple[tuple[tuple[str, ...], Row], ...]:
    """The rows in order, once each is there and sums to 1.

    Raises:
        GraphError: One is missing, has another number of probabilities than states, or is no law.
    """
    found = []
    for key in combinations(parents, states):
        row = rows.get(key)
        given = f" given {', '.join(f'{p}={s}' for p, s in zip(parents, key, strict=True))}" if key else ""
        if row is None:
            raise GraphError(f"{where}: the table of {quote(name)} has no probabilities{given}.")
        if len(row) != len(states[name]):
            raise GraphError(
                f"{where}: {quote(name)} has {len(states[name])} states and {len(row)} probabilities{given}."
            )
        if any(not 0 <= p <= 1 + ROUNDING for p in row) or abs(sum(row) - 1) > ROUNDING:
            raise GraphError(f"{where}: the probabilities of {quote(name)}{given} sum to {sum(row):.6g}, not to 1.")
        found.append((key, row))
    return tuple(found)


def check_size(name: Name, parents: Iterable[Name], states: Mapping[Name, Sequence[str]], where: str) -> int:
    """The number of combinations of the parents' states, once the table is sure to fit."""
    count = math.prod(len(states[parent]) for parent in parents)
    if count * len(states[name]) > MOST_CELLS:
        raise GraphError(
            f"{where}: the table of {quote(name)} has {count * len(states[name]):,} cells, too many to read."
        )
    return count


def read_network(format: str, source: str, network: Network, notes: Sequence[str], cycles: str) -> Read:
    """The network with its graph and model.

    Raises:
        CycleError: It has a cycle: no edge of a table can be left out.
    """
    draft = Draft(format, source)
    for variable in network.variables:
        draft.node(variable.name, "a variable")
    for variable in network.variables:
        for parent in variable.parents:
            draft.edge(parent, variable.name, f"the table of {quote(variable.name)}")
    draft.notes += notes
    # A table without one of its parents would be another table.
    return draft.read("refuse", network=network, model=_model(network, draft))


def _model(network: Network, draft: Draft) -> ModelSpec | None:
    if any(parent == v.name for v in network.variables for parent in v.parents):
        return None
    try:
        return network.model()
    except LatentdoError as problem:
        draft.notes.append(f"there is no model of it: {problem}")
        return None


def network_of(value: Any) -> Network:
    """The network that a value is, has, or was trained to be.

    Raises:
        UnsupportedError: It has no tables of probabilities.
    """
    if isinstance(value, Network):
        return value
    if isinstance(network := getattr(value, "network", None), Network):
        return network
    if hasattr(value, "blocks") and hasattr(value, "spec"):
        return _fitted(value)
    is_graph = isinstance(value, LatentDag) or (isinstance(value, Read) and value.model is None)
    what = "a graph" if is_graph else "a model that was not trained"
    raise UnsupportedError(
        f"BIF states a probability for every cell of a table, and {what} has none. Train a model of `table` nodes, and convert "
        "the fit: latentdo convert fit.ldo network.bif."
    )


def _fitted(posterior: Any) -> Network:
    """The posterior means of the tables of a fit."""
    from latentdo.models import Table

    spec = posterior.spec
    for node, mechanism in spec.mechanisms:
        if node in spec.latent:
            raise UnsupportedError(f"BIF has no latent nodes, and {quote(node)} is one. It cannot be written.")
        if not isinstance(mechanism.family, Table):
            raise UnsupportedError(
                f"BIF has tables alone, and {quote(node)} is {mechanism.family.name}. It cannot be written."
            )
    states = {node: tuple(map(format_plain, spec[node].family.states)) for node in spec.graph.nodes}
    variables = []
    for node, mechanism in spec.mechanisms:
        draws = posterior.by_node[node].coefficients
        means = draws.mean(axis=(0, 1)).reshape(-1, len(states[node])).tolist()
        means = [tuple(p / sum(row) for p in row) for row in means]
        rows = tuple(zip(combinations(mechanism.parents, states), means, strict=True))
        variables.append(Variable(node, states[node], mechanism.parents, rows))
    return Network("latentdo", tuple(variables))


def format_plain(level: Level) -> str:
    """A level without quotes."""
    return level if isinstance(level, str) else f"{level:g}"
