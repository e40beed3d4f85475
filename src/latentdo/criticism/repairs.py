"""Which single edges, when added to a graph, remove the constraints that fail, and what they do to a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from latentdo.errors import CycleError
from latentdo.graphs import Admg, LatentDag, Masks, bits, connected, project, reach
from latentdo.identification import (
    Identified,
    Independence,
    InstrumentalInequality,
    VermaConstraint,
    identify,
    testable_implications,
)
from latentdo.query import Query

from .values import CheckRow, Repair, Word

MOST_FAILED = 200
"""Constraints that fail by which edges are judged: those with the smallest p values."""
MOST_TRIED = 12
"""Edges that are put into the graph: what fails then, and what they do to a question."""


def repairs_of(
    graph: LatentDag | Admg,
    rows: Sequence[CheckRow],
    left: Callable[[Admg], int],
    queries: Sequence[tuple[str | None, Query]] = (),
) -> tuple[Repair, ...]:
    """The edges that remove most of what fails, the best first: those after which least fails, and which give up least.

    Args:
        graph: The graph as it was given.
        rows: Every constraint that was tested, the smallest p value first.
        left: How many constraints of another graph fail on the same rows.
        queries: Questions whose verdicts are compared.
    """
    admg = project(graph)
    failed = [row.about for row in rows if row.word is Word.CONTRADICTED][:MOST_FAILED]
    kept = [row.about for row in rows if row.word is Word.NO_MISFIT]
    masks = admg.masks
    found: list[Repair] = []
    most = 1
    for source, target, bidirected in _candidates(masks):
        wider = _with_edge(masks, source, target, bidirected=bidirected)
        # Independences first: they are quick, and most edges remove none.
        removes = sum(not _implied(wider, each) for each in failed if isinstance(each, Independence))
        others = [each for each in failed if not isinstance(each, Independence)]
        if removes + len(others) < most:
            continue
        removes += _removed(masks, wider, others)
        if removes and removes >= most:
            most = removes
            found.append(Repair(masks.names[source], masks.names[target], bidirected, removes))
    best = [_priced(masks, repair, kept) for repair in found if repair.removes == most]
    best.sort(key=lambda repair: (repair.gives_up, repair.bidirected, repair.edge))
    # With the edge the graph says other things, which the rows may contradict too.
    best[:MOST_TRIED] = [
        replace(repair, fails_then=left(project(with_edge(admg, repair)))) for repair in best[:MOST_TRIED]
    ]
    best[:MOST_TRIED] = sorted(best[:MOST_TRIED], key=lambda repair: repair.fails_then or 0)
    return tuple(_judged(graph, repair, queries) if k < MOST_TRIED else repair for k, repair in enumerate(best))


def _candidates(masks: Masks) -> Iterator[tuple[int, int, bool]]:
    """Edges that the graph lacks and that make no cycle."""
    for i in range(len(masks.names)):
        for j in bits(masks.all & ~(1 << i)):
            if not masks.parents[j] >> i & 1 and not reach(1 << j, masks.children) >> i & 1:
                yield i, j, False
        for j in bits(masks.all & ~((2 << i) - 1) & ~masks.spouses[i]):
            yield i, j, True


def _with_edge(masks: Masks, i: int, j: int, *, bidirected: bool) -> Masks:
    parents, children, spouses = list(masks.parents), list(masks.children), list(masks.spouses)
    if bidirected:
        spouses[i] |= 1 << j
        spouses[j] |= 1 << i
    else:
        parents[j] |= 1 << i
        children[i] |= 1 << j
    return Masks(masks.names, masks.index, tuple(parents), tuple(children), tuple(spouses))


def _implied(masks: Masks, statement: Independence) -> bool:
    first, second, given = (masks.mask(names) for names in (statement.first, statement.second, statement.given))
    return not connected(masks, first, given) & second & ~given


def _removed(before: Masks, wider: Masks, others: Sequence[Any]) -> int:
    """How many constraints that are no independences the wider graph does not imply."""
    if not others:
        return 0
    names = before.names
    graph = Admg(
        names,
        frozenset((names[i], names[j]) for j, mask in enumerate(wider.parents) for i in bits(mask)),
        frozenset((names[i], names[j]) for i, mask in enumerate(wider.spouses) for j in bits(mask) if i < j),
    )
    implied = testable_implications(graph)
    apart = {
        frozenset((a, b))
        for each in (*implied.verma, *implied.independences)
        for a in (each.nodes if isinstance(each, VermaConstraint) else each.first)
        for b in (each.free if isinstance(each, VermaConstraint) else each.second)
    }
    triples = {each.names for each in implied.inequalities}
    count = 0
    for each in others:
        match each:
            case VermaConstraint(nodes=nodes, free=free):
                count += not any(frozenset((a, b)) in apart for a in nodes for b in free)
            case InstrumentalInequality():
                count += each.names not in triples and frozenset((each.instrument, each.outcome)) not in apart
            case _:
                pass
    return count


def _priced(masks: Masks, repair: Repair, kept: Sequence[Any]) -> Repair:
    """With the number of constraints that hold and that the wider graph no longer implies."""
    i, j = masks.index[repair.source], masks.index[repair.target]
    wider = _with_edge(masks, i, j, bidirected=repair.bidirected)
    lost = sum(not _implied(wider, each) for each in kept if isinstance(each, Independence))
    lost += _removed(masks, wider, [each for each in kept if not isinstance(each, Independence)])
    return replace(repair, gives_up=lost)


def _judged(graph: LatentDag | Admg, repair: Repair, queries: Sequence[tuple[str | None, Query]]) -> Repair:
    """With what it does to each question."""
    if not queries:
        return repair
    try:
        wider = with_edge(graph, repair)
    except CycleError:  # through latent nodes
        return repair
    verdicts = []
    for name, query in queries:
        before, after = identify(graph, query), identify(wider, query)
        match before, after:
            case Identified(), Identified() if before.estimand.text == after.estimand.text:
                says = "identified, same formula"
            case Identified(), Identified():
                says = "identified, another formula"
            case _, Identified():
                says = "becomes identified"
            case Identified(), _:
                says = "NOT identified any more"
            case _:
                says = "not identified, as before"
        verdicts.append((name or str(query), after.identified, says))
    return replace(repair, verdicts=tuple(verdicts))


def with_edge(graph: LatentDag | Admg, repair: Repair) -> LatentDag | Admg:
    """The graph with one edge more."""
    pair = repair.source, repair.target
    match graph:
        case Admg(nodes=nodes, directed=directed, bidirected=pairs):
            return Admg(nodes, directed, pairs | {pair}) if repair.bidirected else Admg(nodes, directed | {pair}, pairs)
        case LatentDag(nodes=nodes, directed=directed, bidirected=pairs, latent=latent, inhibiting=inhibiting):
            if repair.bidirected:
                return LatentDag(nodes, directed, (*pairs, (*pair, 1)), latent, inhibiting)
            return LatentDag(nodes, directed | {pair}, pairs, latent, inhibiting)
