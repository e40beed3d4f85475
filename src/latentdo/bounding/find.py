"""Bounds of a question on a graph, from a table or from an exact law."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import QueryError, UnsupportedError
from latentdo.graphs import Admg, LatentDag, Name, format_level, quote
from latentdo.identification import identify
from latentdo.query import Query
from latentdo.sheet import listed, percent

from .bounds import Bounds
from .districts import Plan, plan_of
from .frequencies import Frequencies
from .programme import Laws, Programme
from .reading import frequencies_in
from .solving import Asked, End, Infeasible, Violation, end_of, nearest, violation
from .spread import Drawn, Reach, contradiction, reach_of

Read = Callable[[Plan], Frequencies]


def bounds_of(
    graph: LatentDag | Admg,
    query: Query,
    read: Read,
    *,
    monotone: Mapping[tuple[Name, Name], int] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> Bounds:
    """What the frequencies leave open of a question.

    Args:
        read: Gives the frequencies of the columns that a plan needs.
        monotone: For each edge 1 where its cause never lowers its effect, -1 where it never raises it.

    Raises:
        QueryError: The question is no ratio of sums of probabilities, or makes no sense for the graph; a direction between
            names that have no order.
        DataError: The table lacks a column, or rows that the question needs.
        UnsupportedError: The programme is too large.
    """
    query.check(graph)
    if query.axes:
        raise QueryError(f"{query} is asked along an axis, and bounds are of one number. Give the node a value.")
    edges = monotone or {}
    found = [_One.of(programme, seed) for programme in _programmes(graph, query, read, edges)]
    low = max(found, key=lambda one: one.ends[0].value)
    high = min(found, key=lambda one: one.ends[1].value)
    broken = next((one for one in found if one.broken), None)
    plan = low.programme.plan
    rows = low.programme.rows
    opened = [name for name, each in rows.levels.items() if each.is_open]
    reaches = None
    if rows.n_rows is not None:
        reaches = low.reach(upper=False), high.reach(upper=True)
    return Bounds(
        query,
        low.ends[0].value,
        high.ends[1].value,
        sharp=plan.sharp and not _cut(plan, rows) and all(_filled_apart(plan, name) for name in opened),
        identified=identify(graph, query).identified and not opened,
        n_rows=rows.n_rows,
        level=level,
        assumed=tuple(f"{quote(a)} {'->' if sign > 0 else '-|'} {quote(b)}" for (a, b), sign in edges.items()),
        types=max(one.programme.types_in_all for one in found),
        violated=said(broken.programme, broken.broken) if broken and broken.broken else "",
        p=broken.p if broken else None,
        notes=(*_orders(rows, edges), *_notes(low, high)),
        reaches=reaches,
    )


@dataclass(frozen=True, eq=False)
class _One:
    """One programme with its ends."""

    programme: Programme
    laws: Laws
    drawn: Drawn | None
    feasible: FloatArray
    ends: tuple[End, End]
    broken: Violation | None = None
    p: float | None = None

    @staticmethod
    def of(programme: Programme, seed: int) -> _One:
        rows = programme.rows
        laws = programme.laws(rows.weights)
        cells = (programme.constraints.count,)
        probabilities = np.broadcast_to(programme.constraints.probabilities(laws.free), cells)
        drawn = Drawn.of(programme, seed) if rows.n_rows is not None else None
        try:
            return _One(programme, laws, drawn, probabilities, _ends(programme, laws, probabilities))
        except Infeasible:
            pass
        if drawn is None:
            broken, p, errors = violation(programme, probabilities), None, np.ones(cells)
        else:
            told = contradiction(programme, drawn, probabilities)
            broken, p, errors = told.violation, told.p, drawn.errors
        feasible = nearest(programme, probabilities, errors)
        return _One(programme, laws, drawn, feasible, _ends(programme, laws, feasible), broken, p)

    def reach(self, *, upper: bool) -> Reach:
        assert self.drawn is not None
        return reach_of(self.programme, self.drawn, self.laws, self.ends[upper], self.feasible, upper=upper)


def solved_on(plan: Plan, joint: Any, names: Sequence[Name]) -> tuple[Programme, tuple[End, End]]:
    """The programme of a plan on an exact law, and its ends with the laws of response types that reach them."""
    programme = Programme(plan, frequencies_in(joint, names, {}, plan))
    return programme, _One.of(programme, 0).ends


def _programmes(
    graph: LatentDag | Admg, query: Query, read: Read, monotone: Mapping[tuple[Name, Name], int]
) -> list[Programme]:
    """The programme of whole districts; where its bounds may be too wide, or it is too large, that of ancestors alone too."""
    plan = plan_of(graph, query)
    _check_monotone(plan, monotone)
    found, refused = [], None
    try:
        found.append(_programme(plan, read, monotone))
    except UnsupportedError as error:
        refused = error
    if refused or not plan.sharp:
        smaller = plan_of(graph, query, ancestors=True)
        if smaller.masks.names != plan.masks.names:
            with suppress(UnsupportedError):
                found.append(_programme(smaller, read, monotone))
    if not found and refused:
        raise refused
    return found


def _programme(plan: Plan, read: Read, monotone: Mapping[tuple[Name, Name], int]) -> Programme:
    rows = read(plan)
    _check_order(rows, monotone)
    _check_open_ratio(plan, rows)
    return Programme(plan, rows, monotone)


def _check_monotone(plan: Plan, monotone: Mapping[tuple[Name, Name], int]) -> None:
    masks = plan.masks
    for cause, effect in monotone:
        if (
            cause not in masks.index
            or effect not in masks.index
            or not masks.parents[masks.index[effect]] >> masks.index[cause] & 1
        ):
            raise QueryError(
                f"monotone= names {quote(cause)} -> {quote(effect)}, and the graph has no such edge between measured nodes."
            )
        if not plan.free >> masks.index[effect] & 1:
            raise QueryError(
                f"monotone= names {quote(cause)} -> {quote(effect)}, which does not narrow the bounds of {plan.query}: "
                f"the law of {quote(effect)} given its causes is known. Leave it out."
            )


def _check_order(rows: Frequencies, monotone: Mapping[tuple[Name, Name], int]) -> None:
    """Raise where a direction is assumed between names that nobody put in order."""
    for edge in monotone:
        for levels in (rows.levels[name] for name in edge):
            if levels.are_names and not levels.ordered:
                name = quote(levels.name)
                raise QueryError(
                    f"monotone= says that a cause never lowers its effect, and the levels of {name} are names "
                    f"({levels.listed}), which have no order. State one in a model in place of the graph, from low to "
                    f"high: {name} ~ ordinal(…, levels=[…]), or bernoulli of two. Or recode the column as numbers."
                )


def _orders(rows: Frequencies, monotone: Mapping[tuple[Name, Name], int]) -> list[str]:
    """The order of names between which a direction is assumed, a sentence."""
    named = [rows.levels[name] for name in dict.fromkeys(name for edge in monotone for name in edge)]
    shown = [f"{quote(each.name)}: {' < '.join(map(format_level, each.values))}" for each in named if each.are_names]
    return [f"The order of the levels is {'; '.join(shown)}."] if shown else []


def _ends(programme: Programme, laws: Laws, probabilities: np.ndarray) -> tuple[End, End]:
    low, high = (
        end_of(programme, Asked.of(programme, laws, upper=upper), probabilities, upper=upper) for upper in (False, True)
    )
    return low, high


def _filled_apart(plan: Plan, name: Name) -> bool:
    """Whether a missing outcome is asked about once in each unit: then its best and its worst level can be had at once."""
    parents = plan.masks.nodes(plan.masks.parents[plan.masks.index[name]])
    places = [
        {setting.name: setting.value for setting in term.do if setting.name in parents}
        for term in plan.terms
        if name in term.outcome_names
    ]
    return all(
        any(one.get(parent, None) != other.get(parent, None) for parent in one.keys() & other.keys())
        for one, other in combinations(places, 2)
    )


def _check_open_ratio(plan: Plan, rows: Frequencies) -> None:
    """Refuse a ratio whose ends no one level of missing outcomes gives: where its sign is not known.

    Raises:
        QueryError: It is one.
    """
    ratio = plan.ratio
    if ratio.is_linear or not any(each.is_open for each in rows.levels.values()):
        return
    factors = [*(factor for _, factor in (*ratio.above, *ratio.below)), ratio.top, ratio.bottom]
    values = [rows.levels[name].values for term in plan.terms if term.kind == "mean" for name in term.outcome_names]
    negative = any(isinstance(value, float | int) and value < 0 for each in values for value in each)
    if negative or min(factors) < 0:
        raise QueryError(
            f"{plan.query} divides what may have either sign, and outcomes are missing: no one level of theirs gives its ends. "
            "Ask what stands above and below the stroke one by one."
        )


def _cut(plan: Plan, rows: Frequencies) -> list[Name]:
    """The columns of numbers that were cut at the question's values."""
    return [name for name in plan.needed if rows.levels[name].cuts]


def _notes(low: _One, high: _One) -> list[str]:
    notes = []
    plan, rows = low.programme.plan, low.programme.rows
    opened = [name for name, each in rows.levels.items() if each.is_open]
    if all(term in plan.known for term in plan.terms) and not opened:
        notes.append(
            "The graph identifies this question: there is no gap between the ends. ld.compare and a fit answer it."
        )
    elif not plan.sharp:
        notes.append(f"The true value lies between them; narrower bounds may hold, because {plan.why}.")
    notes += [_gap_note(plan, rows, name) for name in opened]
    for name in _cut(plan, rows):
        where = listed(format_level(cut.value) for cut in rows.levels[name].cuts if cut.value is not None)
        notes.append(
            f"{quote(name)} was cut at {where}; its whole law may narrow the bounds, and they are valid as they are."
        )
    if not (np.isfinite(low.ends[0].value) and np.isfinite(high.ends[1].value)):
        notes.append("A denominator may be 0: the ratio has no bound on that side.")
    if constant := [quote(name) for name, each in rows.levels.items() if each.count < 2]:
        notes.append(f"{listed(constant)} never varies: what other levels would do is not known.")
    return notes


def _gap_note(plan: Plan, rows: Frequencies, name: Name) -> str:
    """What was assumed of missing cells of an outcome."""
    share = rows.weights[rows.column(name) == rows.levels[name].count - 1].sum() / rows.weights.sum()
    told = (
        f"{percent(share)} of the cells of {quote(name)} are missing, and may be any level that was seen. Which are missing "
        f"may depend on {quote(name)} and on all that it depends on in the graph; if on more, draw its edge to {quote(name)}."
    )
    if _filled_apart(plan, name):
        return told
    return f"{told} A cell has one level in all parts of the question, and here it may have several."


def said(programme: Programme, broken: Violation) -> str:
    """An inequality with its numbers: `P(X=1, Y=0 | Z=0) + P(X=1, Y=1 | Z=1) = 1.04 > 1`."""
    constraints = programme.constraints
    terms = []
    for weight, cell in zip(broken.weights, constraints.cells, strict=True):
        if weight:
            shown = [programme.rows.levels[name].shown(k) for name, k in cell]
            given = shown[: constraints.outer]
            law = f"P({', '.join(shown[constraints.outer :])}{' | ' + ', '.join(given) if given else ''})"
            terms.append(law if abs(weight - 1) < 1e-6 else f"{weight:.3g} {law}")
    return f"{' + '.join(terms)} = {broken.value:.4g}, which no law of the graph lets be over 1"


def parsed_edges(given: Sequence[str]) -> dict[tuple[Name, Name], int]:
    """Edges as they are typed, `Z -> X` or `Z -| X`, with 1 or -1.

    Raises:
        QueryError: One is no edge.
    """
    from latentdo.graphs import parse_graph

    found: dict[tuple[Name, Name], int] = {}
    for text in given:
        graph = parse_graph(text) if isinstance(text, str) else None
        if graph is None or not graph.directed or graph.bidirected:
            raise QueryError(
                f"monotone= takes edges such as 'Z -> X', or 'Z -| X' for one that never raises, got {text!r}."
            )
        found.update({edge: -1 if edge in graph.inhibiting else 1 for edge in sorted(graph.directed)})
    return found
