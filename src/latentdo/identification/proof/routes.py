"""How what the two models of a hedge disagree about reaches the answer: the plan of a witness.

Below the hedge, and where evidence has to be explained, nodes pass on a message of one bit; that part is the
same in both models.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from latentdo.graphs import Mask, Masks, bits, reach

from ..criteria.districts import HedgeMasks, shrunk, ways
from ..engine.reduction import Problem, exchange

Step = tuple[int, str]  # a node, and what it is of the node before: "parent", "child" or "spouse"


@dataclass
class Routes:
    """Where the parity of the smaller set of a hedge goes.

    Attributes:
        hedge: The hedge, with no more nodes than it needs.
        child: The next node on the way of each node that is on one.
        inputs: For each node with a message, the nodes whose messages it adds up.
        arcs: Pairs joined by a bidirected edge that share a coin for their messages.
        roots: The nodes of the smaller set at which the parity leaves it.
    """

    hedge: HedgeMasks
    child: dict[int, int]
    inputs: dict[int, Mask] = field(default_factory=dict[int, Mask])
    arcs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def roots(self) -> Mask:
        """The nodes of the smaller set at which the parity leaves it."""
        small = self.hedge.smaller
        return sum(1 << i for i in bits(small) if i not in self.child or not small >> self.child[i] & 1)

    @property
    def passed(self) -> Mask:
        """The nodes whose message another node reads."""
        nodes = 0
        for inputs in self.inputs.values():
            nodes |= inputs
        return nodes

    @property
    def sources(self) -> Mask:
        """The nodes that start a message with a coin of their own."""
        fed = self.roots | sum(1 << i for i in {end for arc in self.arcs for end in arc})
        return sum(1 << i for i, inputs in self.inputs.items() if not inputs and not fed >> i & 1)


def routes_of(problem: Problem, hedge: HedgeMasks) -> Routes:
    """The ways from a hedge to the answer; where all of them end in evidence, with a path that it opens.

    Source:
        Shpitser & Pearl (2006a), theorem 4; (2006b), Identification of conditional interventional
        distributions, theorem 6: where rule 2 cannot move evidence into do(), a path that the evidence opens
        joins it to the outcome.
    """
    return _Planner(problem).plan(hedge)


class _Planner:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.masks = problem.masks
        self.treatments, joint = exchange(problem)
        self.known = joint & ~problem.outcomes  # evidence that is a value: no message passes through it
        self.evidence = joint & ~problem.asked
        self.open = ~(self.treatments | self.known)
        self.to_outcome = ways(self.masks, problem.asked, self.open)
        self.above_outcome = problem.asked | sum(1 << i for i in self.to_outcome)

    def plan(self, hedge: HedgeMasks) -> Routes:
        smaller = shrunk(self.masks, self.treatments, hedge, self._keeps)
        # A smaller hedge may be one that an experiment tells apart.
        touched = any(z & smaller.larger and not z & smaller.smaller for z in self.problem.regimes)
        hedge = hedge if touched else smaller
        child = ways(self.masks, self.evidence, self.open) | self.to_outcome
        for i in bits(self.problem.asked):
            child.pop(i, None)
        routes = Routes(hedge, child)
        starts = 0
        if not hedge.smaller & self.above_outcome:
            for i in bits(self.evidence):
                child.pop(i, None)
            starts = self._meet(routes)
        self._follow(routes, starts)
        return routes

    def _keeps(self, smaller: Mask, part: Mask) -> bool:
        return bool(part & self.above_outcome) or not smaller & self.above_outcome

    def _follow(self, routes: Routes, starts: Mask) -> None:
        """Pass the messages of roots, and of nodes at which two arms of a path meet, down to their ends."""
        for start in bits(routes.roots | starts):
            routes.inputs.setdefault(start, 0)
            i, on = start, True
            while on and i in routes.child:
                j = routes.child[i]
                on = j not in routes.inputs or not routes.inputs[j] >> i & 1
                routes.inputs[j] = routes.inputs.get(j, 0) | 1 << i
                i = j

    def _meet(self, routes: Routes) -> Mask:
        """Lay a path from the outcome to a node that hears of the hedge; the nodes at which two arms meet."""
        small, children = routes.hedge.smaller, self.masks.children
        heard = reach(small & self.open, children, self.open)
        for i in bits(heard):
            heard |= children[i] & self.known
        explained = reach(self.evidence, self.masks.parents, ~self.treatments)
        path = self._opened((heard | small) & explained, explained)
        if not path:
            return 0
        self._send_to(routes, path[-1][0])
        starts = 1 << path[-1][0]
        for (a, _), (b, kind) in itertools.pairwise(path):
            tail, head = (b, a) if kind == "parent" else (a, b)
            routes.inputs.setdefault(tail, 0)
            routes.inputs[head] = routes.inputs.get(head, 0) | (0 if kind == "spouse" else 1 << tail)
            if kind == "spouse":
                routes.arcs.append((a, b))
        # At the colliders, which the path enters and leaves by an arrowhead, two arms meet.
        arms = itertools.pairwise(path[1:])
        return starts | sum({1 << a for (a, came), (_, goes) in arms if came != "parent" and goes != "child"})

    def _send_to(self, routes: Routes, meeting: int) -> None:
        """Lead one node of the smaller set to the meeting point."""
        if routes.hedge.smaller >> meeting & 1:
            return
        near = ways(self.masks, 1 << meeting, self.open)
        chains: list[list[int]] = []
        for i in bits(routes.hedge.smaller):
            chain = [i]
            while chain[-1] in near:
                chain.append(near[chain[-1]])
            chains += [chain] if chain[-1] == meeting else []
        shortest = min(chains, key=len)
        routes.child.update(itertools.pairwise(shortest))

    def _opened(self, goals: Mask, explained: Mask) -> list[Step]:
        """A shortest path from the outcome to a goal, into it, that the evidence leaves open."""
        cut = self.masks.cut(self.treatments)
        layer: list[Step] = [(i, "parent") for i in bits(self.problem.asked)]
        reached_from: dict[Step, Step | None] = dict.fromkeys(layer)
        while layer:
            later: list[Step] = []
            for here in layer:
                for step in self._steps(cut, here, explained):
                    if step in reached_from:
                        continue
                    reached_from[step] = here
                    later.append(step)
                    if step[1] != "parent" and goals >> step[0] & 1:
                        return _back(reached_from, step)
            layer = later
        return []

    def _steps(self, cut: Masks, here: Step, explained: Mask) -> Iterator[Step]:
        i, kind = here
        free = ~(self.treatments & ~self.problem.drawn)
        passes = not self.known >> i & 1
        if passes:
            yield from ((j, "child") for j in bits(cut.children[i] & free))
        if passes if kind == "parent" else explained >> i & 1:
            yield from ((j, "spouse") for j in bits(cut.spouses[i] & free))
            yield from ((j, "parent") for j in bits(cut.parents[i] & free))


def _back(before_step: dict[Step, Step | None], last: Step) -> list[Step]:
    path = [last]
    while (before := before_step[path[-1]]) is not None:
        path.append(before)
    return path[::-1]
