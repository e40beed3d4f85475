"""What to measure, and where to experiment: searches that let every hedge say what could break it."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Mask, Masks, Name, bits, components, project, quote, reach
from latentdo.query import Term

from ..criteria.districts import HedgeMasks, closure, decide, shrunk, spanning_tree, ways
from ..engine.experiments import Experiments
from ..engine.reduction import exchange, problem_of

Names = frozenset[Name]
_Breaking = Callable[[Names], Names | None]


@dataclass(frozen=True)
class Limits:
    """How far a search goes.

    Attributes:
        size: The most members of a set.
        count: The most sets.
        seconds: The most time.

    Raises:
        QueryError: A bound that is no number or too small.
    """

    size: int
    count: int
    seconds: float

    def __post_init__(self) -> None:
        arguments.whole("`max_size`, the most members of a set,", self.size, QueryError)
        arguments.whole("`max_count`, the most sets of a kind,", self.count, QueryError)
        seconds: Any = self.seconds
        if not (arguments.is_number(seconds) and seconds == math.inf):
            arguments.number("`seconds`, the most time for a kind,", seconds, QueryError, least=0, most=1e9)


@dataclass(frozen=True)
class MinimalSets:
    """Minimal sets, smallest first.

    Attributes:
        sets: Each works, and none of its proper subsets does.
        cut: What ended the search before it was through, such as "sets of up to 3"; empty if nothing did.
    """

    sets: tuple[Names, ...]
    cut: str = ""


def obstacles(masks: Masks, terms: Iterable[Term], experiments: Experiments = ()) -> list[HedgeMasks]:
    """The hedges of the first term that has one, as small as may be: all have to be broken, or what is left is one; else none."""
    regimes = tuple(map(masks.mask, experiments))
    for term in terms:
        treatments, outcomes = exchange(problem_of(masks, term))
        hedge = decide(masks, treatments, outcomes, regimes)
        if isinstance(hedge, HedgeMasks):
            # One law is enough: to break any of these may do, and to break none of them never does.
            left = [HedgeMasks(larger, hedge.smaller) for _, larger in hedge.thicket]
            return [HedgeMasks(hedge.larger, hedge.smaller), *left] if regimes else [shrunk(masks, treatments, hedge)]
    return []


def with_arcs_as_nodes(graph: LatentDag | Admg) -> tuple[LatentDag, dict[Name, str]]:
    """The graph with one latent node for each `<->`, and what each of these is called for people."""
    taken = set(graph.nodes)
    edges: set[tuple[Name, Name]] = set()
    called: dict[Name, str] = {}
    for a, b in sorted((edge[0], edge[1]) for edge in graph.bidirected):
        node = f"{a} <-> {b}"
        while node in taken:
            node += "'"
        taken.add(node)
        called[node] = f"{quote(a)} <-> {quote(b)}"
        edges |= {(node, a), (node, b)}
    latent = graph.latent if isinstance(graph, LatentDag) else frozenset[Name]()
    return LatentDag((*graph.nodes, *called), graph.directed | edges, (), latent.union(called)), called


class Measuring:
    """Questions on a graph some of whose hidden nodes could be measured.

    Source:
        A set that measures nothing that makes an edge of a hedge leaves the hedge as it is, so that every set
        that helps has a member that does; the branching is that of minimal hitting sets, Reiter (1987), A theory
        of diagnosis from first principles.
    """

    def __init__(
        self, graph: LatentDag, terms: Iterable[Term], candidates: Iterable[Name], experiments: Experiments = ()
    ) -> None:
        self.terms = tuple(terms)
        near = graph.ancestors(
            name for term in self.terms for name in term.names
        )  # other nodes make no edge among these
        nodes = tuple(node for node in graph.nodes if node in near)
        edges = frozenset(edge for edge in graph.directed if near.issuperset(edge))
        self.graph = LatentDag(nodes, edges, (), graph.latent & near)
        self.candidates = frozenset(candidates) & near
        # What else an experiment sets makes no difference here: it is no cause of what is asked.
        self.experiments = tuple(filter(None, (tuple(n for n in names if n in near) for names in experiments)))

    def breaking(self, chosen: Names) -> Names | None:
        """With `chosen` measured: None if all is identified, else the candidates that some hedge owes its edges to."""
        graph = self.graph
        left = LatentDag(graph.nodes, graph.directed, (), (graph.latent | self.candidates) - chosen)
        seen = project(left).sorted_masks
        # To what an experiment sets a node is known only where the node is measured.
        usable = tuple(names for names in self.experiments if left.latent.isdisjoint(names))
        hedges = obstacles(seen, self.terms, usable)
        if not hedges:
            return None
        found = {name for hedge in hedges for name in _makers(left, seen, hedge)}
        return self.candidates & found.union(
            name for names in self.experiments for name in left.latent.intersection(names)
        )

    def minimal(self, limits: Limits) -> MinimalSets:
        """The minimal sets of candidates with which all is identified."""
        return minimal_sets(self.breaking, limits)

    def cheapest(self, costs: Mapping[Name, float], seconds: float) -> tuple[Names, bool] | None:
        """A set of least total cost with which all is identified, and whether it is proved to be; None if none is.

        Sets are tried in the order of their cost, so that the first that works is the cheapest.
        """
        if self.breaking(self.candidates) is not None:
            return None
        end = time.monotonic() + seconds
        waiting: list[tuple[float, int, tuple[Name, ...]]] = [(0.0, 0, ())]
        seen: set[tuple[Name, ...]] = {()}
        while waiting and time.monotonic() < end:
            cost, _, chosen = heapq.heappop(waiting)
            breaking = self.breaking(frozenset(chosen))
            if breaking is None:
                return frozenset(chosen), True
            for node in breaking:
                more = tuple(sorted((*chosen, node)))
                if more not in seen:
                    seen.add(more)
                    heapq.heappush(waiting, (cost + costs[node], len(more), more))
        return self._thinned(costs), False

    def _thinned(self, costs: Mapping[Name, float]) -> Names:
        """Candidates that do, without those that can be left out, the dearest first."""
        chosen = self.candidates
        order = sorted(chosen, key=lambda node: (-costs[node], node))
        size = len(order)
        while size:
            for start in range(0, len(order), size):
                rest = chosen.difference(order[start : start + size])
                chosen = rest if rest != chosen and self.breaking(rest) is None else chosen
            size //= 2
        return chosen


class Experimenting:
    """Questions, with data from further experiments on a set of nodes and on each of its subsets.

    Every district D that the outcomes need must be identified from one of the laws P(V | do(Z')) with Z' outside D.
    Setting more nodes never makes a district harder, so that Z' = Z without D decides.

    Source:
        Bareinboim & Pearl (2012), Causal inference by surrogate experiments: z-identifiability; Lee, Correa &
        Bareinboim (2019), General identifiability with arbitrary surrogate experiments, theorem 3; with evidence
        Kivva, Etesami & Kiyavash (2023), On identifiability of conditional causal effects, theorem 1.
    """

    def __init__(
        self, masks: Masks, terms: Iterable[Term], experiments: Experiments = (), *, itself: bool = False
    ) -> None:
        self.masks = masks
        self.districts: list[Mask] = []
        asked: Mask = 0
        regimes = tuple(map(masks.mask, experiments))
        for term in terms:
            asked |= masks.mask(term.treatments)
            treatments, outcomes = exchange(problem_of(masks, term))
            for district in components(reach(outcomes, masks.parents, ~treatments), masks.spouses):
                # What is known already needs no experiment more.
                if isinstance(decide(masks, masks.all & ~district, district, regimes), HedgeMasks):
                    self.districts.append(district)
        self.candidates = asked if itself else masks.all & ~asked

    def breaking(self, chosen: Names) -> Names | None:
        """None if experiments on `chosen` identify all, else the nodes of a hedge that an experiment could set."""
        held = self.masks.mask(chosen)
        for district in self.districts:
            hedge = closure(self.masks, district, self.masks.all & ~(held & ~district))
            if hedge != district:
                return frozenset(self.masks.nodes(hedge & ~district & self.candidates))
        return None

    def minimal(self, limits: Limits) -> MinimalSets:
        """The minimal sets on which experiments identify all: of nodes that no question sets, or with `itself` of those."""
        return minimal_sets(self.breaking, limits)

    def series(self, chosen: Names) -> tuple[tuple[Name, ...], ...]:
        """The experiments that a set needs: one on all of it, or several, where a part of it has to be left alone."""
        held = self.masks.mask(chosen)
        regimes = dict.fromkeys(held & ~district for district in self.districts)
        return tuple(tuple(sorted(self.masks.nodes(regime))) for regime in regimes)


def minimal_sets(breaking: _Breaking, limits: Limits) -> MinimalSets:
    """All minimal sets, by size, of a question whose every failure names what could mend it.

    `breaking(chosen)` is None where `chosen` works, and then any larger set does too; else every larger set that
    works has one of the names it gives.
    """
    end = time.monotonic() + limits.seconds
    minimal: list[Names] = []
    layer: set[Names] = {frozenset()}
    size = 0
    while layer:
        if size > limits.size:
            return MinimalSets(tuple(minimal), f"sets of up to {limits.size}")
        later: set[Names] = set()
        for chosen in sorted(layer, key=sorted):
            if time.monotonic() > end:
                return MinimalSets(tuple(minimal), f"the sets that were reached in {limits.seconds:g} s")
            if any(smaller <= chosen for smaller in minimal):
                continue
            mending = breaking(chosen)
            if mending is None:
                if len(minimal) == limits.count:
                    return MinimalSets(tuple(minimal), f"the first {limits.count} sets")
                minimal.append(chosen)
            else:
                later |= {chosen | {name} for name in mending}
        layer = later
        size += 1
    return MinimalSets(tuple(minimal))


def _makers(graph: LatentDag, seen: Masks, hedge: HedgeMasks) -> Iterator[Name]:
    """The hidden nodes on one path for each edge that the hedge needs: if none is measured, it stays a hedge."""
    masks = graph.masks
    latent = masks.mask(graph.latent)
    place = [masks.index[name] for name in seen.names]
    for a, b in ways(seen, hedge.smaller, hedge.larger).items():
        to_b = ways(masks, 1 << place[b], latent)
        if not masks.children[place[a]] >> place[b] & 1:
            first = min((i for i in bits(masks.children[place[a]]) if i in to_b), key=lambda i: len(_way(to_b, i)))
            yield from (masks.names[i] for i in _way(to_b, first))
    for a, b in spanning_tree(seen, hedge):
        to_a, to_b = (ways(masks, 1 << place[end], latent) for end in (a, b))
        arms = [_way(to_a, i) + _way(to_b, i) for i in to_a if i in to_b]
        yield from (masks.names[i] for i in min(arms, key=len))


def _way(following: Mapping[int, int], start: int) -> list[int]:
    """The nodes from `start` to the goal, the goal left out."""
    way = [start]
    while following[way[-1]] in following:
        way.append(following[way[-1]])
    return way
