"""`Sensitivity`: how an answer moves with an edge that the graph leaves out, as a value to read, print and draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import QueryError
from latentdo.graphs import Name, quote
from latentdo.plots import COLOURS, Band, Curve, curves
from latentdo.query import Query
from latentdo.sheet import (
    AbstractSheets,
    Cell,
    Column,
    Note,
    Sheet,
    listed,
    number,
    percent,
)

from .closed_forms import Robustness
from .omitted import Measured, Omitted, Unit

STEPS = 400
"""Places at which a curve is looked at between its points."""


@dataclass(frozen=True)
class Point:
    """The answer where the edge has one strength.

    Attributes:
        strength: In the units of the edge; 0 is the model as it is.
        estimate: The answer.
        lower: The lower end of its interval.
        upper: The upper end.
        sd: The posterior sd.
        converged: Whether the answer converged.
    """

    strength: float
    estimate: float
    lower: float
    upper: float
    sd: float
    converged: bool

    def to_json(self) -> dict[str, Any]:
        """The point as plain values."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(AbstractSheets):
    """How an answer moves with the strength of one edge that the graph does not have: what no table can say.

    Attributes:
        query: The question.
        edge: The edge.
        units: For each end what a strength of 1 is.
        points: The answers of models that have the edge, by strength.
        target: The value that the tipping point is about.
        level: The probability of the intervals.
        measured: Causes that the model has, and how strong they are in the same units.
        robustness: What a linear regression says without a refit, where one answers the question; None elsewhere.
        e_value: Of a risk ratio the E-values of the answer and of the nearer end of its interval; None elsewhere.
        notes: Sentences for people.
        unit: What the answer is, in words.
    """

    query: Query
    edge: Omitted
    units: tuple[tuple[Name, Unit], ...]
    points: tuple[Point, ...]
    target: float | None
    level: float
    measured: tuple[Measured, ...] = ()
    robustness: Robustness | None = None
    e_value: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    unit: str = ""

    @property
    def strengths(self) -> FloatArray:
        """The strengths of the points, from the lowest to the highest."""
        return np.array([point.strength for point in self.points])

    @property
    def answer(self) -> Point:
        """The point of the model as it is."""
        return next(point for point in self.points if point.strength == 0)

    def at(self, strength: float) -> tuple[float, float, float]:
        """Estimate and interval at a strength between the points, by a curve that goes through them.

        Raises:
            QueryError: It lies outside of them.
        """
        low, high = self.strengths[[0, -1]]
        if not low <= strength <= high:
            raise QueryError(
                f"The strengths run from {low:g} to {high:g}, and {strength:g} lies outside. Add strengths=."
            )
        estimate, lower, upper = (float(curve(strength)) for curve in self._curves)
        return estimate, lower, upper

    @cached_property
    def _curves(self) -> tuple[Any, Any, Any]:
        from scipy.interpolate import PchipInterpolator

        def through(name: str) -> Any:
            values = [getattr(point, name) for point in self.points]
            return PchipInterpolator(self.strengths, values) if len(values) > 1 else lambda _: values[0]

        return through("estimate"), through("lower"), through("upper")

    @cached_property
    def tipping(self) -> float | None:
        """The weakest strength at which the interval holds the target, where the answer's own leaves it out; or the reverse.

        None where no strength between the points does that, or there is no target.
        """
        if self.target is None or len(self.points) < 2:
            return None
        found = [self._first(side) for side in (self.strengths.min(), self.strengths.max()) if side]
        return min((strength for strength in found if strength is not None), key=abs, default=None)

    def _first(self, end: float) -> float | None:
        """Where the interval changes its mind about the target on the way from 0 to one end."""
        steps = np.linspace(0, end, STEPS + 1)
        _, lower, upper = (np.asarray(curve(steps)) for curve in self._curves)
        target = self.target if self.target is not None else np.nan
        holds = (lower <= target) & (target <= upper)
        changed = np.flatnonzero(holds != holds[0])
        if not len(changed):
            return None
        after, before = steps[changed[0]], steps[changed[0] - 1]
        for _ in range(30):
            middle = (after + before) / 2
            _, low, high = (float(curve(middle)) for curve in self._curves)
            if (low <= target <= high) == holds[0]:
                before = middle
            else:
                after = middle
        return float(after)

    @property
    def holds_target(self) -> bool:
        """Whether the interval of the answer as it is holds the target."""
        return self.target is not None and self.answer.lower <= self.target <= self.answer.upper

    # --- for people

    @property
    def sheets(self) -> list[Sheet]:
        """What tips the answer, how strong measured causes are, the curve, and what is known without a refit."""
        parts = [self._headline()]
        if self.measured:
            parts.append(self._benchmarks())
        parts.append(self._table())
        if self.robustness is not None:
            parts.append(_regression_sheet(self.robustness))
        return parts

    def _headline(self) -> Sheet:
        lead = [f"a strength of 1: {self._scale}", f"the answer as it is: {self._shown(self.answer)}"]
        notes = [Note(self._tipped())] if self.target is not None else []
        if self.e_value is not None:
            point, end = self.e_value
            notes.append(
                Note(
                    f"{point:.3g}, of the interval's nearer end {end:.3g}: the risk ratio with treatment and outcome that a "
                    "hidden cause needs to explain it away",
                    "E-value",
                )
            )
        return Sheet(
            f"{self.query}, if the graph left out {self.edge}",
            lead=tuple(lead),
            notes=(*notes, *map(Note, self.notes)),
        )

    @property
    def _scale(self) -> str:
        per = "sd of a hidden cause" if self.edge.bidirected else f"sd of {quote(self.edge.source)}"
        return f"1 {listed(unit.words for _, unit in self.units)}, per {per}"

    def _tipped(self) -> str:
        verb, low = ("leave out", "holds") if self.holds_target else ("hold", "leaves out")
        if self.tipping is None:
            tried = f"from {self.strengths[0]:.3g} to {self.strengths[-1]:.3g}"
            return f"The interval {low} {self.target:g}, and no strength {tried} makes it {verb} it."
        return f"The interval {low} {self.target:g}; from a strength of {self.tipping:.3g} on it would {verb} it."

    def _shown(self, point: Point) -> str:
        low, high = (number(end, point.sd) for end in (point.lower, point.upper))
        return f"{number(point.estimate, point.sd)} ({percent(self.level)} interval {low} to {high})"

    def _benchmarks(self) -> Sheet:
        columns = (Column("as strong as"), Column("strength", "number"), Column("answer then"))
        rows = []
        for each in self.measured:
            strength = self.toward(each.strength)
            inside = self.strengths[0] <= strength <= self.strengths[-1]
            cell = Cell(f"beyond {self.strengths[0 if strength < 0 else -1]:.3g}, not tried", None)
            if inside:
                estimate, lower, upper = self.at(strength)
                cell = Cell(self._shown(Point(strength, estimate, lower, upper, self.answer.sd, True)), estimate)
            rows.append((Cell(quote(each.node)), Cell(f"{strength:.2g}", strength), cell))
        return Sheet("A cause left out that is as strong as a measured one:", columns, tuple(rows))

    def toward(self, strength: float) -> float:
        """A strength with the sign that moves the answer towards the target, or down where there is none."""
        if len(self.points) < 2:
            return abs(strength)
        slope = self.points[-1].estimate - self.points[0].estimate
        wish = -1.0 if self.target is None else np.sign(self.target - self.answer.estimate) or -1.0
        return abs(strength) * float(np.sign(slope * wish) or 1.0)

    def _table(self) -> Sheet:
        columns = (Column("strength", "number"), Column("answer"), Column("lower", "number"), Column("upper", "number"))
        rows = []
        for point in self.points:
            low, high = (number(end, point.sd) for end in (point.lower, point.upper))
            mark = "" if point.converged else "!"
            shown = Cell(number(point.estimate, point.sd) + mark, point.estimate)
            rows.append(
                (Cell(f"{point.strength:.3g}", point.strength), shown, Cell(low, point.lower), Cell(high, point.upper))
            )
        unsure = any(not point.converged for point in self.points)
        notes = (Note("this answer did not converge", sign="!"),) if unsure else ()
        return Sheet("Fitted anew with each strength:", columns, tuple(rows), notes=notes)

    @property
    def _title(self) -> str:
        return f"Sensitivity to {self.edge}"

    def _records(self) -> Sheet:
        return Sheet.of_records([point.to_json() for point in self.points])

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, strings and lists."""
        robust = self.robustness
        return {
            "query": str(self.query),
            "edge": str(self.edge),
            "units": {node: {"size": unit.size, "words": unit.words} for node, unit in self.units},
            "level": self.level,
            "target": self.target,
            "tipping": self.tipping,
            "points": [point.to_json() for point in self.points],
            "measured": [{"node": each.node, "strength": each.strength} for each in self.measured],
            "robustness": None
            if robust is None
            else {
                **vars(robust),
                "adjusted": list(robust.adjusted),
                "benchmarks": [dict(vars(b)) for b in robust.benchmarks],
            },
            "e_value": None if self.e_value is None else list(self.e_value),
            "notes": list(self.notes),
        }

    def plot(self, ax: Any = None) -> Any:
        """The curve of the answer with its band, the tipping point, and how strong measured causes are; the axes.

        Args:
            ax: matplotlib axes to draw into; a figure of its own unless given.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        at = np.linspace(self.strengths[0], self.strengths[-1], 61) if len(self.points) > 1 else self.strengths
        estimate, lower, upper = (np.asarray([float(curve(x)) for x in at]) for curve in self._curves)
        band = Band(self.level, lower, upper)
        series = Curve("", tuple(map(float, at)), estimate, (band,))
        ax = curves(
            [series],
            ax=ax,
            xlabel=f"strength of {self.edge}",
            ylabel=self.unit,
            title=str(self.query),
            null=self.target,
        )
        marks = [(self.toward(each.strength), f"as {each.node}", ":") for each in self.measured]
        marks += [(self.tipping, "tips", "--")] if self.tipping is not None else []
        ax.plot(self.strengths, [point.estimate for point in self.points], "o", color=COLOURS["lvm"], markersize=4)
        top = ax.get_ylim()[1]
        for strength, words, style in marks:
            if self.strengths[0] <= strength <= self.strengths[-1]:
                ax.axvline(strength, color="0.35", linestyle=style, linewidth=1)
                ax.text(
                    strength, top, f" {words}".replace("$", r"\$"), rotation=90, va="top", ha="right", fontsize="small"
                )
        return ax


def _regression_sheet(robust: Robustness) -> Sheet:
    """What a linear regression says, and hidden causes as strong as what it adjusts for."""
    given = f" and {listed(map(quote, robust.adjusted))}" if robust.adjusted else ""
    lead = (
        f"estimate {number(robust.estimate, robust.se)}, standard error {robust.se:.2g}; robustness value {robust.value:.3g}, "
        f"of the interval {robust.value_of_interval:.3g}",
    )
    columns = (
        Column("as strong as"),
        Column("share of the treatment", "number"),
        Column("of the outcome", "number"),
        Column("estimate then", "number"),
    )
    rows = tuple(
        (
            Cell(quote(each.node)),
            Cell(f"{each.r2_treatment:.2g}", each.r2_treatment),
            Cell(f"{each.r2_outcome:.2g}", each.r2_outcome),
            Cell(number(each.estimate, robust.se), each.estimate),
        )
        for each in robust.benchmarks
    )
    notes = (
        Note(
            "the share of what is left of treatment and outcome that a hidden cause has to explain to make the estimate 0, or "
            f"the {percent(robust.level)} interval reach 0 (Cinelli & Hazlett 2020)",
            "robustness value",
        ),
    )
    title = f"By linear regression on the treatment{given}, without a refit:"
    return Sheet(title, columns if rows else (), rows, lead=lead, notes=notes)
