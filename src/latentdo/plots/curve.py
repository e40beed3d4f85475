"""Numbers along one axis: a curve with its bands over numbers, points with intervals over levels, several in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from latentdo.arrays import FloatArray

from .canvas import bare, headline, home, plain, reach
from .colours import COLOURS, SERIES

Role = Literal["doing", "seeing", "prior", "lvm", "rival", "naive"]
METHODS = frozenset({"lvm", "rival", "naive"})
"""Roles of methods side by side, of which each has its name in a legend beside the axes."""
MARKERS = ("s", "^", "v", "P")
STYLES = ("-", "--", "-.", (0, (1, 1)))
FEW_POINTS = 8
"""Points below which each has a marker."""
ASIDE = 0.25
"""Share of their spread over levels that intervals have beside a line over numbers."""
MANY_TICKS = 400
"""Rows beyond which the rug shows evenly spaced quantiles of them."""
BEYOND = "beyond the picture"
OUTSIDE = "outside the data: extrapolated"


@dataclass(frozen=True, eq=False)
class Band:
    """Lower and upper ends, one per point, and their probability; of the whole curve where `simultaneous`."""

    level: float
    lower: FloatArray
    upper: FloatArray
    simultaneous: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """One series: a number at each point, and bands around it.

    Attributes:
        label: What the legend calls it.
        at: Where the points are on the axis: numbers, or names of levels.
        estimate: The number at each point, NaN where there is none.
        bands: Around it, from wide to narrow.
        role: `doing` for an answer, `seeing` or `prior` for what stands beside one; of methods that are compared `lvm` for
            the model, `rival` or `naive`.
        within: Of a numeric axis, the smallest and largest value in the data.
        rug: Of a numeric axis, the values in the data, where they are at hand.
        hollow: Whether it must not be taken for an identified answer that converged.
        medians: Whether the numbers are medians.
    """

    label: str
    at: tuple[float | str, ...]
    estimate: FloatArray
    bands: tuple[Band, ...] = ()
    role: Role = "doing"
    within: tuple[float, float] | None = None
    rug: FloatArray | None = None
    hollow: bool = False
    medians: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether the axis has numbers."""
        return not any(isinstance(value, str) for value in self.at)

    @property
    def pointwise(self) -> list[Band]:
        """The bands that hold at each point by itself."""
        return [band for band in self.bands if not band.simultaneous]

    @property
    def leaves_the_data(self) -> bool:
        """Whether it goes on where no row is."""
        if self.within is None:
            return False
        x = [float(value) for value in self.at]
        return min(x) < self.within[0] or max(x) > self.within[1]


@dataclass(frozen=True)
class _Look:
    """How a series is drawn.

    Attributes:
        shade: How opaque a band is; 0 where intervals are bars.
        face: Of its markers, white where they are hollow.
        half: Whether a marker is half full: the model, with a doubt.
        above: Series with larger numbers are drawn over others.
    """

    colour: str
    style: Any = "-"
    width: float = 2.0
    marker: str = "o"
    size: float = 4.0
    face: str = ""
    half: bool = False
    shade: float = 0.22
    above: float = 2.0

    def markers(self, **others: Any) -> dict[str, Any]:
        """The arguments of matplotlib's `plot` for the markers."""
        fill = {"fillstyle": "left", "markerfacecoloralt": "white"} if self.half else {}
        return {"marker": self.marker, "markerfacecolor": self.face or self.colour, **fill, **others}


def _looks(series: Sequence[Curve]) -> list[_Look]:
    """The look of each series; what stands beside one of several answers takes the answer's colour."""
    n_answers = sum(each.role == "doing" for each in series)
    counts = dict.fromkeys(("doing", *METHODS), 0)
    looks: list[_Look] = []
    for each in series:
        place = counts.get(each.role, 0)
        answer = SERIES[max(counts["doing"] - (each.role != "doing"), 0) % len(SERIES)]
        match each.role:
            case "doing":
                look = _Look(answer, face="white" if each.hollow else "")
            case "seeing":
                colour = answer if n_answers > 1 else COLOURS["seeing"]
                look = _Look(colour, ":", 1.0, "s", 5.0, "white", shade=0.1, above=1.5)
            case "prior":
                look = _Look(COLOURS["prior"], "-.", 1.2, "D", above=1.0)
            case "lvm":
                # The widest line: what agrees with it is seen on top of it.
                style = "--" if each.hollow else "-"
                look = _Look(COLOURS["lvm"], style, 3.0, "o", 8.0, half=each.hollow, shade=0.2, above=1.8)
            case "rival":
                # Rivals beyond the colours get further styles.
                turn, k = divmod(place, len(SERIES) - 1)
                style, marker = STYLES[turn % len(STYLES)], MARKERS[turn % len(MARKERS)]
                look = _Look(SERIES[1:][k], style, 1.3, marker, 4.5, shade=0.0)
            case "naive":
                style = (":", "-.")[place % 2]
                look = _Look(COLOURS["naive"], style, 1.3, "D", 4.5, "white", shade=0.0, above=1.5)
        counts[each.role] = place + 1
        looks.append(look)
    return looks


def curves(
    series: Sequence[Curve],
    *,
    ax: Any = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    null: float | None = None,
) -> Any:
    """All series over one axis; returns the matplotlib axes.

    Outside the data a curve is dashed, and what the data cover is marked at the bottom.

    Args:
        series: Answers, and what stands beside them; or methods side by side.
        ax: Where to draw; a new figure if None.
        null: The value that means no effect, for a thin line.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    methods = any(each.role in METHODS for each in series)
    ax, alone = home(ax, *((7.0, 4.6) if methods else (6.4, 4.2)))
    looks = _looks(series)
    numeric = all(each.is_numeric for each in series)
    for k, (each, look) in enumerate(zip(series, looks, strict=True)):
        aside = (k - (len(series) - 1) / 2) * min(0.18, 0.7 / max(1, len(series)))
        if numeric:
            _line(ax, each, look, aside)
        else:
            _points(ax, each, look, _level_names(series), aside)
    if null is not None:
        ax.axhline(null, color="0.4", linewidth=1.0, zorder=1)
    beyond = _limits(ax, series, null)
    if numeric:
        _coverage(ax, series)
    else:
        names = _level_names(series)
        ax.set_xticks(range(len(names)), [plain(name) for name in names])
        ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel(plain(ylabel))
    ax.grid(axis="y", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    bare(ax)
    headline(ax, title, alone=alone)
    if methods:
        # Beside the axes: curves fill the picture, and a legend over them would hide some.
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize="small")
    else:
        _legend(ax, _handles(series, looks, numeric=numeric, beyond=beyond), alone=alone, numeric=numeric)
    return ax


def _level_names(series: Sequence[Curve]) -> list[str]:
    return list(dict.fromkeys(_shown(value) for each in series for value in each.at))


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _label(curve: Curve) -> str | None:
    """What a legend that is made of what is drawn calls it: only methods have such a one."""
    return plain(curve.label) if curve.role in METHODS else None


def _line(ax: Any, curve: Curve, look: _Look, aside: float) -> None:
    """Over numbers: a line with its bands, or with bars beside it."""
    x = np.array(curve.at, dtype=float)
    order = np.argsort(x)
    x, y, z = x[order], curve.estimate[order], look.above
    for band in curve.bands:
        lower, upper = band.lower[order], band.upper[order]
        if band.simultaneous:
            for end in (lower, upper):
                ax.plot(x, end, color=look.colour, linewidth=0.8, zorder=z)
        elif look.shade:
            ax.fill_between(x, lower, upper, color=look.colour, alpha=look.shade, linewidth=0, zorder=z - 0.1)
        else:
            steps = np.diff(np.unique(x))
            beside = ASIDE * aside * (float(steps.min()) if len(steps) else 1.0)
            ax.vlines(x + beside, lower, upper, color=look.colour, linewidth=1.2, alpha=0.5, zorder=z)
    if curve.role == "seeing":
        every = max(1, len(x) // 12)
        style = look.markers(markersize=look.size, markevery=every, linestyle=look.style, linewidth=look.width)
        ax.plot(x, y, color=look.colour, zorder=z + 0.1, **style)
        return
    marked = look.markers(markersize=look.size) if len(x) < FEW_POINTS and curve.role != "prior" else {}
    parts = _stretches(x, y, curve.within, look.style)
    label = _label(curve)
    for part, style in parts:
        markers = marked if len(parts) == 1 else {}
        ax.plot(*part, color=look.colour, linewidth=look.width, linestyle=style, label=label, zorder=z + 0.2, **markers)
    if marked and len(parts) > 1:
        ax.plot(x, y, color=look.colour, linestyle="none", zorder=z + 0.3, **marked)


def _stretches(
    x: FloatArray, y: FloatArray, within: tuple[float, float] | None, style: Any
) -> list[tuple[tuple[FloatArray, FloatArray], Any]]:
    """The parts of a curve with their line styles, cut exactly where the data end."""
    if within is None or len(x) < 2 or (x[0] >= within[0] and x[-1] <= within[1]):
        return [((x, y), style)]
    low, high = within
    xs = np.sort(np.concatenate([x, [edge for edge in within if x[0] < edge < x[-1]]]))
    ys = np.interp(xs, x, y)
    parts = [(xs <= low, "--"), ((xs >= low) & (xs <= high), style), (xs >= high, "--")]
    return [((xs[chosen], ys[chosen]), line) for chosen, line in parts if chosen.sum() > 1]


def _points(ax: Any, curve: Curve, look: _Look, names: Sequence[str], aside: float) -> None:
    """Over levels: points with intervals, side by side at each level."""
    x = np.array([names.index(_shown(value)) for value in curve.at]) + aside
    for k, band in enumerate(curve.bands):
        width = 1.2 if curve.role in METHODS else 0.8 if band.simultaneous else 1.5 if k == 0 else 4.0
        ax.vlines(x, band.lower, band.upper, color=look.colour, linewidth=width, zorder=2)
    style = look.markers(markersize=look.size if curve.role in METHODS else 6)
    ax.plot(x, curve.estimate, color=look.colour, linestyle="none", label=_label(curve), zorder=3, **style)


def _limits(ax: Any, series: Sequence[Curve], null: float | None) -> frozenset[int]:
    """Show the numbers and the intervals of answers whole; returns what goes on beyond the picture, by identity.

    A prior, a band of a whole curve with heavy tails, and intervals that rest on a few rows may be thousands of times as wide
    as the rest, which would then be a line.
    """
    near: list[float] = [] if null is None else [null]
    far: list[float] = []
    prior: list[float] = []
    wide: dict[int, list[float]] = {}
    for each in series:
        ends = _ends(*(end for band in each.pointwise for end in (band.lower, band.upper)))
        if each.role == "prior":
            wide[id(each)] = [*_ends(each.estimate), *ends]
            prior += wide[id(each)]
            continue
        near += _ends(each.estimate)
        (far if each.role in ("rival", "naive") else near).extend(ends)
        for band in each.bands:
            if band.simultaneous:
                wide[id(band)] = _ends(band.lower, band.upper)
                far += wide[id(band)]
    limits = reach(near or prior, far)
    if limits is None:
        return frozenset()
    ax.set_ylim(*limits)
    return frozenset(key for key, ends in wide.items() if ends and (min(ends) < limits[0] or max(ends) > limits[1]))


def _ends(*parts: FloatArray) -> list[float]:
    """The smallest and the largest number; none where there is no finite one."""
    known = [part[np.isfinite(part)] for part in parts]
    known = [part for part in known if len(part)]
    return [float(min(part.min() for part in known)), float(max(part.max() for part in known))] if known else []


def _coverage(ax: Any, series: Sequence[Curve]) -> None:
    """Where the data are: ticks of the rows at the bottom, or their range as a bar."""
    known = [each for each in series if each.within is not None]
    if not known:
        return
    low, high = known[0].within or (0.0, 0.0)
    x = [float(value) for each in series for value in each.at]
    span = (max(x) - min(x)) or 1.0
    left, right = min(x) - 0.02 * span, max(x) + 0.02 * span
    across = ax.get_xaxis_transform()
    rug = known[0].rug
    if rug is not None:
        shown = rug[(rug >= left) & (rug <= right)]
        if len(shown) > MANY_TICKS:
            shown = np.quantile(shown, np.linspace(0, 1, MANY_TICKS))
        ax.vlines(shown, 0.0, 0.025, color="0.35", linewidth=0.6, alpha=0.7, transform=across, zorder=4)
    else:
        ax.hlines(0.01, max(low, left), min(high, right), color="0.35", linewidth=3, transform=across, zorder=4)
    outside = [(left, low)] * (left < low < right) + [(high, right)] * (left < high < right)
    for span_outside in [(left, right)] if high < left or low > right else outside:
        ax.axvspan(*span_outside, color="0.5", alpha=0.07, linewidth=0, zorder=0)
    ax.set_xlim(left, right)


# --- the legend of answers


def _handles(
    series: Sequence[Curve], looks: Sequence[_Look], *, numeric: bool, beyond: frozenset[int]
) -> list[tuple[Any, str]]:
    """The legend: series where there are several, bands, and what dashes mean; each once, with its words."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[tuple[Any, str]] = []
    alone = len(series) == 1
    for each, look in zip(series, looks, strict=True) if not alone or series[0].medians else ():
        words = [*(["median"] if each.medians else []), *([BEYOND] if id(each) in beyond else [])]
        name = ", ".join(words) if alone else each.label + (f" ({', '.join(words)})" if words else "")
        handles.append((_swatch(each, look, numeric=numeric), plain(name)))
    first = next((k for k, each in enumerate(series) if each.role == "doing"), None)
    if first is None:
        return handles
    several = sum(each.role == "doing" for each in series) > 1
    colour = "0.4" if several else looks[first].colour
    for k, band in enumerate(series[first].pointwise):
        handle = (
            Patch(facecolor=colour, alpha=0.22 if k == 0 else 0.4)
            if numeric
            else Line2D([], [], color=colour, linewidth=1.5 if k == 0 else 4.0)
        )
        handles.append((handle, f"{100 * band.level:g} % interval"))
    for band in series[first].bands:
        if band.simultaneous:
            words = f"{100 * band.level:g} % {'band of the whole curve' if numeric else 'for all at once'}"
            if id(band) in beyond:
                words = f"{words.replace('band of the ', '')} ({BEYOND})"
            handles.append((Line2D([], [], color=colour, linewidth=0.8), words))
    if numeric and any(each.leaves_the_data for each in series):
        handles.append((Line2D([], [], color=colour, linewidth=2, linestyle="--"), OUTSIDE))
    return handles


def _swatch(curve: Curve, look: _Look, *, numeric: bool) -> Any:
    """A series in the legend; of what stands beside an answer, the band too, which is nobody else's."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marker = look.marker if curve.role == "seeing" or not numeric else None
    style = look.style if numeric else "-"
    face = look.face or look.colour
    line = Line2D([], [], color=look.colour, linewidth=2, marker=marker, markerfacecolor=face, linestyle=style)
    if not numeric or curve.role == "doing" or not curve.bands:
        return line
    return Patch(facecolor=look.colour, alpha=look.shade), line


def _legend(ax: Any, handles: Sequence[tuple[Any, str]], *, alone: bool, numeric: bool) -> None:
    """Below a figure of its own; in axes that were handed in, where there is room."""
    if not handles:
        return
    signs, words = zip(*handles, strict=True)
    longest = max(map(len, words))
    n_columns = min(len(words), 3 if longest <= 30 else 2 if longest <= 42 else 1)
    if alone:
        place = {"loc": "outside lower center", "frameon": False, "ncols": n_columns}
        ax.figure.legend(signs, words, fontsize="small", **place)
    elif numeric:
        ax.legend(signs, words, loc="best", fontsize="small", edgecolor="none", framealpha=0.75)
    else:
        # Room above the points: matplotlib does not see intervals when it looks for the best place.
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.35 * (high - low))
        ax.legend(signs, words, loc="upper left", fontsize="small", frameon=False, ncols=n_columns)
