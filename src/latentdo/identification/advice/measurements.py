"""The reverse of what would help: what could be left unmeasured, given what each measurement costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Name, quote
from latentdo.query import Query
from latentdo.sheet import AbstractShown, Sheet, listed

from ..engine.experiments import Experiments
from .measuring import Limits, Measuring, with_arcs_as_nodes

# So that the sum over any graph is finite.
MAX_COST = 1e100
# How many minimal sets are printed.
SHOWN = 10


@dataclass(frozen=True, repr=False)
class Measurements(AbstractShown):
    """Sets of nodes whose measurement is enough to identify the questions.

    Attributes:
        queries: The questions; the nodes that they name are in every set.
        cheapest: A sufficient set of least cost.
        cost: What it costs.
        proved: Whether it is proved to be the cheapest.
        minimal: Sufficient sets from which nothing can be left out, smallest first.
        cut: How far `minimal` was searched, empty where it holds all.
        needed: The nodes in every sufficient set.
        unneeded: The measured nodes in no set of `minimal`.
        experiments: What is set in each experiment whose rows there are too; a set can use those of which it has all nodes.
    """

    queries: tuple[Query, ...]
    cheapest: frozenset[Name]
    cost: float
    proved: bool
    minimal: tuple[frozenset[Name], ...]
    cut: str
    needed: frozenset[Name]
    unneeded: frozenset[Name]
    experiments: Experiments = ()

    def sheet(self) -> Sheet:
        """The cheapest set, what is needed in any case, and the minimal sets."""
        proved = "" if self.proved else ", the best that was found in the time given"
        sets = [f"  {_named(names)}" for names in self.minimal[:SHOWN]]
        more = len(self.minimal) - SHOWN
        lines = [
            f"Cheapest: measure {_named(self.cheapest)} (cost {self.cost:g}{proved}).",
            f"Needed in any case: {_named(self.needed)}.",
            f"Minimal sets{f' (searched: {self.cut})' if self.cut else ''}:",
            *sets,
            *([f"  and {more} more"] if more > 0 else []),
            f"In none of these sets: {_named(self.unneeded)}.",
        ]
        known = listed(f"do({', '.join(map(quote, names))})" for names in self.experiments)
        with_rows = f" with rows of {known} too" if known else ""
        return Sheet(f"To identify {'; '.join(map(str, self.queries))}{with_rows}:", lead=tuple(lines))

    def to_json(self) -> dict[str, Any]:
        """The sets as sorted lists of names."""
        return {
            "queries": [str(query) for query in self.queries],
            "cheapest": sorted(self.cheapest),
            "cost": self.cost,
            "proved": self.proved,
            "minimal": [sorted(names) for names in self.minimal],
            "cut": self.cut,
            "needed": sorted(self.needed),
            "unneeded": sorted(self.unneeded),
            **({"experiments": list(map(list, self.experiments))} if self.experiments else {}),
        }


def _named(names: frozenset[Name]) -> str:
    return ", ".join(map(quote, sorted(names))) or "none"


def measurements_of(
    graph: LatentDag | Admg,
    *queries: Query,
    costs: Mapping[Name, float] | None = None,
    experiments: Experiments = (),
    max_count: int = 50,
    seconds: float = 5.0,
) -> Measurements:
    """Which measured nodes could be left unmeasured, with all questions, identified as they are, still so.

    Measuring more never makes a question harder, so that the sufficient sets are those that hold a minimal one.

    Args:
        queries: The questions; what they name stays measured.
        costs: What it costs to measure a node, 1 where it is not said.
        experiments: What is set in each experiment whose rows there are too. It helps those who measure all that it sets.
        max_count: The most minimal sets to list.
        seconds: How long to look for the cheapest set, and as long again for the list.

    Raises:
        UnknownNodeError: A cost is given for a node that the graph does not have.
        QueryError: There is no question; a cost is negative, no number or beyond `MAX_COST`, or is that of a latent node.

    Source:
        Mohammad-Taheri et al. (2022), Experimental design for causal query estimation in partially observed
        biomolecular networks, for the question; the search is exact, by minimal hitting sets of hedges.
    """
    if not queries:
        raise QueryError("There is no question. Give one, such as P(Y | do(X)): what is needed depends on it.")
    priced = _checked(graph, {} if costs is None else costs)
    terms = tuple(term for query in queries for term in query.terms)
    named = frozenset(name for term in terms for name in term.names)
    opened, _ = with_arcs_as_nodes(graph)
    search = Measuring(opened, terms, [node for node in graph.measured if node not in named], experiments)
    best = search.cheapest(priced, seconds)
    assert best is not None, "with everything measured the questions are identified"
    found = search.minimal(Limits(len(graph.nodes), max_count, seconds))
    minimal = tuple(names | named for names in found.sets)
    needed = named.union(node for node in best[0] if search.breaking(search.candidates - {node}) is not None)
    return Measurements(
        queries,
        best[0] | named,
        math.fsum(priced[node] for node in best[0] | named),
        best[1],
        minimal,
        found.cut,
        needed,
        frozenset(graph.measured).difference(*minimal) - best[0],
        experiments,
    )


def _checked(graph: LatentDag | Admg, costs: Any) -> dict[Name, float]:
    if not isinstance(costs, Mapping):
        raise QueryError(
            f"`costs` takes a mapping from nodes to numbers, such as {{'X': 3}}, got {arguments.shown(costs)}."
        )
    measured = set(graph.measured)
    for node in arguments.names("`costs`", costs, QueryError):
        cost = costs[node]
        graph.require(node)
        if node not in measured:
            raise QueryError(f"{node!r} has a cost but is latent: nobody can measure it. Leave it out of the costs.")
        if not arguments.is_number(cost) or not 0 <= cost <= MAX_COST:
            raise QueryError(
                f"The cost of {node!r} is {arguments.shown(cost)}. A cost is a number from 0 to {MAX_COST:g}."
            )
    return {node: float(costs.get(node, 1.0)) for node in graph.measured}
