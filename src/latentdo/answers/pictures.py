"""Which picture shows some answers best, and what it is given: curves of a sweep, a surface of two axes, else a forest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from latentdo.errors import MissingExtraError, QueryError
from latentdo.graphs import Name, format_level, quote
from latentdo.query import Query, Summary, Term, Value

from .estimate import Estimate, FloatArray, axes_of, band_of

if TYPE_CHECKING:
    from latentdo.plots import Band, Curve

Role = Literal["doing", "seeing", "prior"]
"""Whose numbers a curve shows: the answer's own, or those of what stands beside it."""
BESIDE: tuple[tuple[Role, str], ...] = (("seeing", "seeing"), ("prior", "prior alone"))
FEWEST_POINTS = 4
"""Points from which on a notebook shows a picture of a sweep."""
INNER = 0.5
"""Level of the narrower band of a curve."""
CURVE_HEIGHT = 3.4
"""Inches of a panel of curves among others."""
FOREST_MARGIN = 0.4
"""Inches of a panel of a forest among others, beside those of its rows: for the words at its axis."""
MOST_SERIES = 6
"""Curves that one picture can hold apart."""
MOST_POINTS = 2000
"""Points along an axis that are drawn: more than a picture has pixels across."""


def picture_of(answers: Sequence[Estimate], ax: Any, level: float) -> Any:
    """Curves, surfaces and forests; returns the matplotlib axes (of the first panel).

    Of several kinds each has panels of its own, one below the other; axes that were handed in hold one kind, a forest.
    """
    curves, surfaces, rest = _kinds(answers)
    panels: list[tuple[float, Callable[[Any], Any]]] = [
        (CURVE_HEIGHT, partial(_panel, group, level=level)) for group in _groups(curves)
    ]
    panels += [(CURVE_HEIGHT, partial(_surface, sweep, level=level)) for sweep in surfaces]
    if len(panels) == 1 and not rest:
        return panels[0][1](ax)
    if ax is not None and curves and not surfaces and not rest and len(curves) <= MOST_SERIES:
        return _panel(curves, ax, level)
    if ax is not None or not panels:
        return _forest(answers, ax, level)
    from latentdo.plots import forest_panels, stacked

    for rows in forest_panels([answer.summary(level) for answer in rest]) if rest else ():
        part = tuple(rest[k] for k in rows.places)
        panels.append((rows.height + FOREST_MARGIN, partial(_forest, part, level=level, font=rows.font, words="")))
    drawn = stacked([height for height, _ in panels])
    for axes, (_, draw) in zip(drawn, panels, strict=True):
        draw(axes)
    if rest:
        drawn[-1].figure.supxlabel(_estimates(level), fontsize="medium")
    return drawn[0]


def _kinds(answers: Sequence[Estimate]) -> tuple[list[_Sweep], list[_Sweep], list[Estimate]]:
    """The sweeps that are curves, those that are surfaces, and the answers that are neither."""
    curves: list[_Sweep] = []
    surfaces: list[_Sweep] = []
    rest = [answer for answer in answers if not answer.at]
    for sweep in _sweeps(answers):
        split = _by_levels(sweep) if len(sweep.axes) == 2 else None
        if len(sweep.answers) == 1:
            rest += sweep.answers
        elif split is not None or len(sweep.axes) == 1:
            curves += split or [sweep]
        elif len(sweep.axes) == 2 and sweep.is_grid:
            surfaces.append(sweep)
        else:
            rest += sweep.answers
    return curves, surfaces, rest


def _groups(sweeps: Sequence[_Sweep]) -> list[list[_Sweep]]:
    """The curves that share a panel: over one axis, of one kind of number, and no more than can be told apart."""
    panels: dict[tuple[Any, ...], list[_Sweep]] = {}
    for sweep in sweeps:
        scale, (axis,) = sweep.answers[0].scale, sweep.axes
        spread = scale.base == "standard deviation"
        key = (axis, scale.unit, scale.null, "" if scale.unit else scale.name, spread)
        panels.setdefault(key, []).append(sweep)
    return [
        group[start : start + MOST_SERIES] for group in panels.values() for start in range(0, len(group), MOST_SERIES)
    ]


def inline(answers: Sequence[Estimate], level: float) -> str:
    """Of sweeps the picture as a data URI, for notebooks; else, and without matplotlib, nothing."""
    if len(answers) < FEWEST_POINTS or not all(answer.at for answer in answers):
        return ""
    from latentdo.plots import data_uri

    try:
        axes = picture_of(answers, None, level)
    except MissingExtraError:
        return ""
    return data_uri(axes.figure)


@dataclass(frozen=True)
class _Sweep:
    """The points of one question over its axes, in order."""

    label: str
    answers: tuple[Estimate, ...]

    @property
    def axes(self) -> tuple[Name, ...]:
        return axes_of(self.answers)

    def places(self, axis: Name) -> tuple[Any, ...]:
        """The different values on an axis, in order."""
        return tuple(dict.fromkeys(dict(answer.at)[axis] for answer in self.answers))

    @property
    def is_grid(self) -> bool:
        """Whether there is a point for each combination of values."""
        size = int(np.prod([len(self.places(axis)) for axis in self.axes]))
        return size == len(self.answers) == len({answer.at for answer in self.answers})


def _sweeps(answers: Sequence[Estimate]) -> list[_Sweep]:
    """The answers that are points of sweeps, by the sweep they belong to."""
    found: dict[tuple[str | None, Query | None, int], list[Estimate]] = {}
    seen: dict[tuple[str | None, Query | None, Any], int] = {}
    for answer in (answer for answer in answers if answer.at):
        place = (answer.name, answer.source, answer.at)
        # A law has an answer for each level at every point: the k-th at one place belongs to the k-th level.
        k = seen.get(place, 0)
        seen[place] = k + 1
        found.setdefault((answer.name, answer.source, k), []).append(answer)
    several = {(name, source) for name, source, k in found if k}
    return [
        _Sweep(_label(points[0], level=(name, source) in several), tuple(points))
        for (name, source, _), points in found.items()
    ]


def _label(answer: Estimate, *, level: bool) -> str:
    """What a sweep is called: its name or question, and of a law the level."""
    expression = answer.query.expression
    if level and isinstance(expression, Term):
        return ", ".join(map(str, expression.outcomes))
    if answer.name is not None or answer.source is None:
        return answer.name or str(answer.query)
    return str(answer.source.expression)


def _by_levels(sweep: _Sweep) -> list[_Sweep] | None:
    """Of two axes one with names of levels: a curve over the other for each of its levels; None where there is no such."""
    named = [
        axis for axis in sweep.axes if any(isinstance(value, str) for value in sweep.places(axis))
    ]  # both may be: then the second makes the series
    if not named or len(sweep.places(named[-1])) > MOST_SERIES:
        return None
    series = named[-1]
    parts = []
    for value in sweep.places(series):
        points = [answer for answer in sweep.answers if dict(answer.at)[series] == value]
        own = tuple(replace(a, at=tuple(pair for pair in a.at if pair[0] != series)) for a in points)
        parts.append(_Sweep(f"{quote(series)} = {format_level(value)}", own))
    return parts


# --- the kinds of pictures


def _estimates(level: float) -> str:
    return f"posterior estimate and {100 * level:g} % interval"


def _forest(
    answers: Sequence[Estimate], ax: Any, level: float, *, words: str | None = None, font: float | None = None
) -> Any:
    from latentdo.plots import forest

    beside = [
        [
            _beside(other, method, level)
            for method, other in (("seeing", answer.naive), ("prior", answer.prior))
            if other is not None
        ]
        for answer in answers
    ]
    axes = forest(
        [_row(answer, level) for answer in answers],
        ax=ax,
        beside=beside,
        xlabel=_estimates(level) if words is None else words,
        title=_title("", answers, approximate_only=True),
    )
    if font is not None:
        axes.tick_params(axis="y", labelsize=font)
    return axes


def _row(answer: Estimate, level: float) -> Summary:
    """The row of an answer, whose label says so where its point is a median."""
    row = answer.summary(level)
    if answer.has_mean or answer.is_level:
        return row
    return replace(row, label=f"{answer.label} (median){row.label.removeprefix(answer.label)}")


def _beside(answer: Estimate, method: str, level: float) -> Summary:
    return replace(answer.summary(level), method=method)


def _panel(sweeps: Sequence[_Sweep], ax: Any, level: float) -> Any:
    """Curves over one axis in one picture."""
    from latentdo.plots import curves

    series: list[Curve] = []
    axes = dict.fromkeys(sweep.axes[0] for sweep in sweeps)
    for sweep in sweeps:
        series += _series(sweep, sweep.axes[0], level, alone=len(sweeps) == 1)
    scales = dict.fromkeys(str(sweep.answers[0].scale) for sweep in sweeps)
    units = dict.fromkeys(sweep.answers[0].scale.unit for sweep in sweeps)
    unit = next(iter(units))
    counted = f"in {unit}" if unit and not unit.startswith("per ") else unit or ""
    shared = next(iter(scales)) if len(scales) == 1 else counted if len(units) == 1 else ""
    return curves(
        series,
        ax=ax,
        xlabel=", ".join(_axis_label(axis, sweeps[0].answers[0]) for axis in axes),
        ylabel=shared,
        title=_heading(sweeps),
        null=sweeps[0].answers[0].scale.null,
    )


def _axis_label(axis: Name, answer: Estimate) -> str:
    """The node of an axis; with its unit, where that is known, and whether it was set or observed."""
    unit = dict(answer.posterior.units).get(axis) if answer.posterior is not None else None
    if unit is None:
        return quote(axis)
    terms = answer.query.terms
    seen = any(outcome.name == axis for term in terms for outcome in term.given)
    is_set = any(setting.name == axis for term in terms for setting in term.do)
    return f"{quote(axis)} set to ({unit})" if is_set and not seen else f"{quote(axis)} ({unit})"


def _heading(sweeps: Sequence[_Sweep]) -> str:
    first = sweeps[0].answers[0]
    source = str(first.source.expression) if first.source is not None else ""
    shared = {sweep.answers[0].source for sweep in sweeps}
    words = sweeps[0].label if len(sweeps) == 1 else (first.name or source) if len(shared) == 1 else ""
    return _title(words, [answer for sweep in sweeps for answer in sweep.answers])


def _title(words: str, answers: Sequence[Estimate], *, approximate_only: bool = False) -> str:
    """What must not be overlooked stands in the title: not identified, not converged, approximate."""
    standing = []
    if not approximate_only:
        if not all(answer.identified for answer in answers):
            standing.append("NOT nonparametrically identified")
        if not all(answer.converged for answer in answers):
            standing.append("NOT converged")
    kinds = ", ".join(dict.fromkeys(answer.approximate for answer in answers if answer.approximate))
    standing += [f"APPROXIMATE: {kinds}"] if kinds else []
    return "   ".join(part for part in (words, *standing) if part)


def _series(sweep: _Sweep, axis: Name, level: float, *, alone: bool) -> list[Curve]:
    """The curve of a sweep, after it what stands beside it."""
    answers = sweep.answers
    shown = [answers[k] for k in _spread(_places(answers, axis))]
    found = [_curve(sweep.label if not alone else "doing", shown, shown, axis, level, "doing")]
    for role, words in BESIDE:
        # Seeing a value that hardly occurs has no answer, and some points may be without.
        pairs = [(one, other) for one in answers if (other := one.naive if role == "seeing" else one.prior) is not None]
        if pairs:
            shown = [pairs[k] for k in _spread(_places([one for one, _ in pairs], axis))]
            places, others = zip(*shown, strict=True)
            found.append(_curve(words if alone else f"{sweep.label}, {words}", places, others, axis, level, role))
    return found


def _places(answers: Sequence[Estimate], axis: Name) -> list[Value]:
    return [dict(answer.at)[axis] for answer in answers]


def _spread(places: Sequence[Value]) -> list[int]:
    """Which places on an axis are drawn: all, or of very many one for each small step along it, and both ends."""
    if len(places) <= MOST_POINTS or any(isinstance(place, str) for place in places):
        return list(range(len(places)))
    # By halves: the range itself may be no number.
    x = np.array(places, dtype=float) / 2
    steps = np.floor((x - x.min()) / np.ptp(x) * (MOST_POINTS - 1))
    _, first = np.unique(steps, return_index=True)
    return sorted({*first.tolist(), int(x.argmin()), int(x.argmax())})


def _curve(
    label: str, places: Sequence[Estimate], answers: Sequence[Estimate], axis: Name, level: float, role: Role
) -> Curve:
    from latentdo.plots import Curve

    at = tuple(dict(answer.at)[axis] for answer in places)
    numeric = not any(isinstance(value, str) for value in at)
    made = _bands(answers, level, role, n_points=len(at)) if not answers[0].is_point else ()
    # One statistic for all points: between a mean and a median next to it the curve would jump.
    medians = any(answer.is_median for answer in answers)
    within, rug = _data(places[0], axis) if numeric and role == "doing" else (None, None)
    return Curve(
        label,
        at,
        np.array([answer.median if medians else answer.mean for answer in answers]),
        made,
        role,
        within,
        rug,
        hollow=not all(answer.identified and answer.converged and not answer.approximate for answer in answers),
        medians=medians and not all(answer.is_level for answer in answers),
    )


def _bands(answers: Sequence[Estimate], level: float, role: Role, *, n_points: int) -> tuple[Band, ...]:
    from latentdo.plots import Band

    turned = any(answer.reciprocal is not None for answer in answers)
    levels = (level, INNER) if role == "doing" and level > INNER and not turned else (level,)
    found = [Band(each, *_ends(answers, each, simultaneous=False)) for each in levels]
    if role == "doing" and n_points > 1 and len({len(answer.draws) for answer in answers}) == 1:
        found.append(Band(level, *_ends(answers, level, simultaneous=True), simultaneous=True))
    return tuple(each for each in found if np.isfinite(each.lower).any())


def _ends(answers: Sequence[Estimate], level: float, *, simultaneous: bool) -> tuple[FloatArray, FloatArray]:
    if simultaneous:
        ends = band_of(answers, level, simultaneous=True)
        assert ends is not None, "one draw has no band"
        return _finite(ends[0]), _finite(ends[1])
    pairs = _finite(np.array([answer.interval(level) for answer in answers], dtype=float))
    return pairs[:, 0], pairs[:, 1]


def _finite(ends: FloatArray) -> FloatArray:
    """What can be drawn: a gap where an interval goes through infinity."""
    return np.where(np.isfinite(ends), ends, np.nan)


def _data(answer: Estimate, axis: Name) -> tuple[tuple[float, float] | None, FloatArray | None]:
    """Range of a column in the data, and its values where the posterior still has them."""
    posterior = answer.posterior
    if posterior is None or axis not in posterior.spec.measured:
        return None, None
    column = posterior.facts.column(axis)
    rug = None
    if posterior.data is not None:
        rug = posterior.data.complete([axis], held=True).column(axis)
    return (column.minimum, column.maximum), rug


def _surface(sweep: _Sweep, ax: Any, level: float) -> Any:
    from latentdo.plots import Surface, surface

    answers = sweep.answers
    x_axis, y_axis = sweep.axes
    x, y = (tuple(own[k] for k in _spread(own)) for own in map(sweep.places, (x_axis, y_axis)))
    by_place = {answer.at: answer for answer in answers}
    grid = [[by_place[((x_axis, a), (y_axis, b))] for a in x] for b in y]
    medians = any(answer.is_median for answer in answers)
    estimate = np.array([[one.median if medians else one.mean for one in row] for row in grid])
    width = None
    if not answers[0].is_point:
        ends = _finite(np.array([[one.interval(level) for one in row] for row in grid], dtype=float))
        width = ends[..., 1] - ends[..., 0]
    scale = answers[0].scale
    ranges = [
        None if any(isinstance(value, str) for value in places) else _data(answers[0], axis)[0]
        for axis, places in ((x_axis, x), (y_axis, y))
    ]
    return surface(
        Surface(x, y, estimate, width, (ranges[0], ranges[1])),
        ax=ax,
        xlabel=_axis_label(x_axis, answers[0]),
        ylabel=_axis_label(y_axis, answers[0]),
        scale=f"{scale} (median)" if medians else str(scale),
        spread=f"width of the {100 * level:g} % interval",
        title=_title(sweep.label, list(answers)),
        null=scale.null,
    )


def density_of(answer: Estimate, ax: Any, level: float) -> Any:
    """The law of one answer's draws, with what stands beside it."""
    from latentdo.plots import Law, densities

    if answer.is_point:
        raise QueryError(f"{answer.query} has one draw alone, and so no density. Train by ld.Auto() for draws.")
    support = (0.0, 1.0) if (answer.scale.base, answer.scale.kind) == ("probability", "value") else (-np.inf, np.inf)
    shaded = None if answer.gap(level) is not None else answer.interval(level)
    words = f"posterior, {100 * level:g} % interval shaded" if shaded is not None else "posterior"
    laws = [Law(words, answer.draws, shaded, support=support)]
    for role, words, other in (("seeing", "seeing", answer.naive), ("prior", "prior alone", answer.prior)):
        if other is not None and not other.is_point:
            laws.append(Law(words, other.draws, role=role, support=support))
    return densities(
        laws, ax=ax, xlabel=str(answer.scale), title=_title(answer.label, [answer]), null=answer.scale.null
    )
