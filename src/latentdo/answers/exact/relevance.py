"""Which nodes the answer to a term depends on, once what is set or seen with a value is a number to its children."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.graphs import Name
from latentdo.models import Constant, ModelSpec, Table
from latentdo.query import Distribution

from ..comparisons import by_node, holds, limits
from ..plan import TermPlan

StructureKey = tuple[object, ...]


@dataclass(frozen=True)
class Relevant:
    """What of a term does not depend on its numbers.

    Attributes:
        nodes: The random nodes that the term depends on, in topological order.
        fixed: Nodes that are a number to their children: set to a value, or seen with one.
        drawn: Nodes of `nodes` that are drawn from a law of their own.
        seen: Nodes of `nodes` that are seen with a value, in topological order.
        events: Nodes of `nodes` that are seen as an event such as Z > 0, in topological order.
    """

    nodes: tuple[Name, ...]
    fixed: frozenset[Name]
    drawn: frozenset[Name]
    seen: tuple[Name, ...]
    events: tuple[Name, ...]

    def fixed_parents(self, spec: ModelSpec) -> tuple[Name, ...]:
        """The fixed nodes that the random ones depend on."""
        parents = (name for node in self.nodes if node not in self.drawn for name in spec[node].parents)
        return tuple(dict.fromkeys(name for name in parents if name in self.fixed))


def structure_key(plan: TermPlan) -> StructureKey:
    """What terms have in common whose relevant nodes are the same."""
    term = plan.term
    settings = tuple((setting.name, isinstance(setting.value, Distribution)) for setting in term.do)
    given = tuple((item.name, item.op == "=") for item in term.given)
    return term.outcome_names, settings, given, tuple(_doubtful(plan)) if given else ()


def relevant(plan: TermPlan) -> Relevant:
    """The nodes that a term depends on.

    The density of all nodes at the values seen is a product of one factor per node, in which what is set or seen is a
    number: so the children of such a node are cut from it, and parts that no longer hang together are independent.
    Evidence in a part without an outcome cancels, if it can occur at all.
    """
    spec, term = plan.spec, plan.term
    drawn = {setting.name for setting in term.do if isinstance(setting.value, Distribution)}
    constant = {node for node in plan.order if isinstance(spec[node].family, Constant)} - drawn
    seen = {item.name for item in term.given if item.op == "="}
    fixed = frozenset(constant | seen)
    part = _parts(spec, [node for node in plan.order if node not in constant], fixed)
    wanted = {part[name] for name in (*term.outcome_names, *_doubtful(plan))}
    nodes = tuple(node for node in plan.order if node in part and part[node] in wanted)
    events = {item.name for item in term.given} - seen
    return Relevant(
        nodes,
        fixed,
        frozenset(drawn.intersection(nodes)),
        tuple(node for node in nodes if node in seen),
        tuple(node for node in nodes if node in events),
    )


def _doubtful(plan: TermPlan) -> list[Name]:
    """The nodes whose evidence may be impossible in some draw, as far as family and values tell."""
    found = []
    for node, items in by_node(plan.spec, plan.term.given).items():
        family = plan.spec[node].family
        low, high = limits(items)
        if family.noiseless or isinstance(family, Table):
            possible = False
        elif family.points:
            possible = any(holds(items, point) for point in family.points)
        else:
            inside = max(low, family.support[0]) < min(high, family.support[1])
            possible = inside or any(item.op == "=" for item in items)
        found += [] if possible else [node]
    return found


def _parts(spec: ModelSpec, nodes: list[Name], fixed: frozenset[Name]) -> dict[Name, Name]:
    """Per node one that stands for all that hang together with it."""
    leader = {node: node for node in nodes}

    def find(node: Name) -> Name:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for node in nodes:
        for parent in spec[node].parents:
            if parent not in fixed:
                leader[find(parent)] = find(node)
    return {node: find(node) for node in nodes}
