"""How the world that a question describes is made of the laws of measured nodes: which are as in the rows, drawn, set, or met.

The formula of an identified term is a product over districts, each a product of laws of nodes given their pillows, summed over
what is not asked about. So it can be simulated node by node. Where a treatment has a child in its own district, as in the
napkin, it is met at its value: worlds count by how likely the value is there.

Source:
    Tian & Pearl (2002), A general identification condition for causal effects, lemmas 1 to 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from latentdo.errors import UnsupportedError
from latentdo.graphs import Admg, Name, m_separated, quote
from latentdo.query import Term


@dataclass(frozen=True)
class Plan:
    """The nodes of a term's formula.

    Attributes:
        order: Every node that has a law in the formula, causes first.
        pillows: What each is given.
        inside: Per node, what of its pillow is in its district: there a treatment is as it was, elsewhere as it is set.
        treated: Nodes that are set.
        anywhere: Nodes that the formula names and does not depend on: any value will do.
        met: Nodes that are held at a value, and whose law there is a weight: evidence, and treatments of the napkin's kind.
        natural: Nodes that are as in the rows.
    """

    order: tuple[Name, ...]
    pillows: dict[Name, tuple[Name, ...]]
    inside: dict[Name, frozenset[Name]]
    treated: frozenset[Name]
    anywhere: frozenset[Name]
    met: frozenset[Name]
    natural: frozenset[Name]


def planned(graph: Admg, term: Term) -> Plan:
    """The plan of a term.

    Raises:
        UnsupportedError: Its formula divides within a sum, and why that is not followed.
    """
    treated, seen = set(term.treatments), _telling(graph, term)
    problem: UnsupportedError | None = None
    # Evidence that may as well be set is tried as evidence first: then it is what the question says.
    for setting in (frozenset[Name](), *([_settable(graph, term, seen)] if seen else [])):
        try:
            values = {item.name for item in term.given if item.op in ("", "=")}
            return _of(graph, [*term.outcome_names, *seen], treated | setting, frozenset(seen) & values - setting)
        except UnsupportedError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _telling(graph: Admg, term: Term) -> tuple[Name, ...]:
    """The evidence that says something of the outcome."""
    cut = graph.without_incoming(term.treatments)
    seen = list(dict.fromkeys(name for name in term.conditions if name not in term.outcome_names))
    for name in list(seen):
        rest = [other for other in seen if other != name]
        if m_separated(cut, [name], term.outcome_names, given=[*rest, *term.treatments]):
            seen.remove(name)
    return tuple(seen)


def _settable(graph: Admg, term: Term, seen: Iterable[Name]) -> frozenset[Name]:
    """The evidence by value that is as good as an intervention.

    Source:
        Shpitser & Pearl (2006), Identification of conditional interventional distributions, algorithm IDC.
    """
    values = {item.name for item in term.given if item.op == "="}
    found = set[Name]()
    for name in seen:
        set_too = {*term.treatments, *found}
        cut = graph.without_incoming(set_too).without_outgoing([name])
        rest = [other for other in seen if other != name and other not in found]
        if name in values and m_separated(cut, [name], term.outcome_names, given=[*rest, *set_too]):
            found.add(name)
    return frozenset(found)


def _of(graph: Admg, targets: list[Name], treated: set[Name], seen: frozenset[Name]) -> Plan:
    above = graph.induced(graph.ancestors(targets))
    treated = treated & set(above.nodes)
    wanted = above.induced(set(above.nodes) - treated).ancestors([name for name in targets if name not in treated])
    order = [name for name in graph.topological_order() if name in set(above.nodes)]
    pillows = pillows_of(above, order)
    met: dict[Name, frozenset[Name]] = {}
    for district in {above.district(node) for node in wanted}:
        own = district & wanted
        fixed = above.induced(district).ancestors(own) - own
        if fixed:
            early = [name for name in order if name in district]
            _check_fixed(above, own, fixed, early, pillows, wanted)
            met |= dict.fromkeys(fixed, district)
    needed, waiting = set(wanted), list(wanted)
    while waiting:
        node = waiting.pop()
        near = {name for name in pillows[node] if name in above.district(node)} - needed
        needed |= near
        waiting += near
    chain = tuple(name for name in order if name in needed)
    inside = {name: above.district(name) & set(pillows[name]) for name in chain}
    outside = {name for node in chain for name in pillows[node] if name not in inside[node]}
    anywhere = frozenset(outside - treated - wanted)
    plan = Plan(
        chain,
        {name: pillows[name] for name in chain},
        inside,
        frozenset(treated),
        anywhere | (frozenset(met) - treated),
        frozenset(met) | seen,
        frozenset(),
    )
    return replace(plan, natural=_natural(plan))


def _check_fixed(
    graph: Admg,
    own: frozenset[Name],
    fixed: frozenset[Name],
    district: Sequence[Name],
    pillows: Mapping[Name, tuple[Name, ...]],
    wanted: frozenset[Name],
) -> None:
    """That what is divided by is one number for all worlds.

    Args:
        district: Of these, causes first.
    """
    inner = graph.induced(own | fixed)
    last = max(district.index(name) for name in fixed)
    name = quote(min(fixed))
    if any(inner.district(node) & fixed for node in own):
        raise UnsupportedError(f"its formula fixes {name} within a fraction of a fraction, which is not followed")
    early = district[: last + 1]
    if any(node in own for node in early):
        raise UnsupportedError(f"its formula divides by a law of {name} that differs from world to world")
    if any(other in wanted and other not in district for node in early for other in pillows[node]):
        raise UnsupportedError(f"its formula divides by a law of {name} that differs from world to world")


def pillows_of(graph: Admg, order: Sequence[Name]) -> dict[Name, tuple[Name, ...]]:
    """The Markov pillow of each node: its district among what comes before it, and all their parents.

    Args:
        order: All nodes, causes first.

    Source:
        Richardson et al. (2023), Nested Markov properties for ADMGs, section 2.3.
    """
    found, earlier = dict[Name, tuple[Name, ...]](), list[Name]()
    for node in order:
        district = graph.induced([*earlier, node]).district(node)
        chosen = {parent for each in district for parent in graph.parents(each)} | set(district)
        found[node] = tuple(name for name in earlier if name in chosen)
        earlier.append(node)
    return found


def _natural(plan: Plan) -> frozenset[Name]:
    found = set[Name]()
    for node in plan.order:
        apart = set(plan.pillows[node]) - plan.inside[node]
        if node in plan.met or apart & (plan.treated | plan.anywhere):
            continue
        if set(plan.pillows[node]) <= found:
            found.add(node)
    return frozenset(found)
