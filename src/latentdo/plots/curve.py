"""Answers along one axis: a curve with its bands over numbers, points with intervals over levels, several in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .canvas import COLOURS, SERIES, bare, check_axes, own_figure, plain, reach

FloatArray = npt.NDArray[np.float64]
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
        estimate: The number at each point.
        bands: Around it, from wide to narrow.
        role: `doing` for an answer, `seeing` or `prior` for what stands beside one.
        within: Of a numeric axis, the smallest and largest value in the data.
        rug: Of a numeric axis, the values in the data, where they are at hand.
        hollow: Whether it must not be taken for an identified answer that converged.
        medians: Whether the numbers are medians.
    """

    label: str
    at: tuple[float | str, ...]
    estimate: FloatArray
    bands: tuple[Band, ...] = ()
    role: str = "doing"
    within: tuple[float, float] | None = None
    rug: FloatArray | None = None
    hollow: bool = False
    medians: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether the axis has numbers."""
        return not any(isinstance(value, str) for value in self.at)


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
        series: Answers, and what stands beside them.
        ax: Where to draw; a new figure if None.
        null: The value that means no effect, for a thin line.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure = own_figure(6.4, 4.2)
    own = ax is None
    if own:
        ax = figure.subplots()
    check_axes(ax)
    numeric = all(each.is_numeric for each in series)
    answers = [each for each in series if each.role == "doing"]
    colour_of = _colours(series, len(answers))
    for each in series:
        if numeric:
            _line(ax, each, colour_of[id(each)])
    if not numeric:
        _levels(ax, series, colour_of)
    if null is not None:
        ax.axhline(null, color="0.4", linewidth=1.0, zorder=1)
    beyond = _limits(ax, series, null)
    if numeric:
        _coverage(ax, series)
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel(plain(ylabel))
    ax.grid(axis="y", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    bare(ax)
    handles = _handles(series, colour_of, numeric=numeric, beyond=beyond)
    labels = [words for _, words in handles]
    handles = [handle for handle, _ in handles]
    if own:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
        if handles:
            figure.legend(
                handles,
                labels,
                loc="outside lower center",
                frameon=False,
                fontsize="small",
                ncols=_columns(labels),
            )
    else:
        ax.set_title(plain(title), fontsize="medium", loc="left")
        if handles and not numeric:
            # Room above the points: matplotlib does not see intervals when it looks for the best place.
            low, high = ax.get_ylim()
            ax.set_ylim(low, high + 0.35 * (high - low))
            ax.legend(handles, labels, loc="upper left", fontsize="small", frameon=False, ncols=_columns(labels))
        elif handles:
            ax.legend(handles, labels, loc="best", fontsize="small", edgecolor="none", framealpha=0.75)
    return ax


def _colours(series: Sequence[Curve], n_answers: int) -> dict[int, str]:
    """The colour of each series; what stands beside one of several answers takes the answer's colour."""
    found, k = {}, -1
    for each in series:
        k += each.role == "doing"
        own = SERIES[max(k, 0) % len(SERIES)]
        fixed = COLOURS["prior"] if each.role == "prior" else COLOURS["seeing"]
        found[id(each)] = own if each.role == "doing" or (n_answers > 1 and each.role == "seeing") else fixed
    return found


def _line(ax: Any, curve: Curve, colour: str) -> None:
    x = np.array(curve.at, dtype=float)
    order = np.argsort(x)
    x, y = x[order], curve.estimate[order]
    z = {"prior": 1.0, "seeing": 1.5}.get(curve.role, 2.0)
    for band in curve.bands:
        lower, upper = band.lower[order], band.upper[order]
        if band.simultaneous:
            ax.plot(x, lower, color=colour, linewidth=0.8, zorder=z)
            ax.plot(x, upper, color=colour, linewidth=0.8, zorder=z)
        elif curve.role == "seeing":
            ax.fill_between(x, lower, upper, color=colour, alpha=0.1, linewidth=0, zorder=z)
        else:
            ax.fill_between(x, lower, upper, color=colour, alpha=0.22, linewidth=0, zorder=z)
    if curve.role == "seeing":
        ax.plot(
            x, y, color=colour, linewidth=1.0, linestyle=":", marker="s", markevery=max(1, len(x) // 12), zorder=z + 0.1
        )
        ax.lines[-1].set_markerfacecolor("white")
        ax.lines[-1].set_markersize(5)
        return
    inside = np.ones(len(x), dtype=bool) if curve.within is None else (x >= curve.within[0]) & (x <= curve.within[1])
    width = 1.2 if curve.role == "prior" else 2.0
    marker = {"marker": "o", "markersize": 4} if len(x) < 8 else {}
    if marker and curve.hollow:
        marker["markerfacecolor"] = "white"
    for part, style in _stretches(x, y, inside, curve.within):
        ax.plot(
            *part, color=colour, linewidth=width, linestyle="-." if curve.role == "prior" else style, zorder=z + 0.2
        )
    ax.plot(x, y, color=colour, linestyle="none", zorder=z + 0.3, **marker)


def _stretches(
    x: FloatArray, y: FloatArray, inside: npt.NDArray[np.bool_], within: tuple[float, float] | None
) -> list[tuple[tuple[FloatArray, FloatArray], str]]:
    """The parts of a curve with their line styles, cut exactly where the data end."""
    if within is None or inside.all() or len(x) < 2:
        return [((x, y), "-")]
    cuts = [edge for edge in within if x[0] < edge < x[-1]]
    xs = np.sort(np.concatenate([x, cuts]))
    ys = np.interp(xs, x, y)
    low, high = within
    parts = [
        (xs <= low, "--"),
        ((xs >= low) & (xs <= high), "-"),
        (xs >= high, "--"),
    ]
    return [((xs[chosen], ys[chosen]), style) for chosen, style in parts if chosen.sum() > 1]


def _levels(ax: Any, series: Sequence[Curve], colour_of: dict[int, str]) -> None:
    """Points with intervals, side by side at each level."""
    names = list(dict.fromkeys(str(_shown(value)) for each in series for value in each.at))
    step = min(0.18, 0.7 / max(1, len(series)))
    for k, each in enumerate(series):
        colour = colour_of[id(each)]
        place = np.array([names.index(str(_shown(value))) for value in each.at])
        x = place + (k - (len(series) - 1) / 2) * step
        for band in each.bands:
            width = 0.8 if band.simultaneous else 1.5 if band is _widest(each) else 4.0
            ax.vlines(x, band.lower, band.upper, color=colour, linewidth=width, zorder=2)
        ax.plot(
            x,
            each.estimate,
            color=colour,
            linestyle="none",
            marker={"seeing": "s", "prior": "D"}.get(each.role, "o"),
            markerfacecolor="white" if each.hollow or each.role == "seeing" else colour,
            markersize=6,
            zorder=3,
        )
    ax.set_xticks(range(len(names)), [plain(name) for name in names])
    ax.set_xlim(-0.6, len(names) - 0.4)


def _widest(curve: Curve) -> Band | None:
    return next((band for band in curve.bands if not band.simultaneous), None)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _limits(ax: Any, series: Sequence[Curve], null: float | None) -> frozenset[int]:
    """Show the answers with their intervals whole; returns what goes on beyond the picture, by identity.

    A prior, and a band of a whole curve with heavy tails, may be thousands of times as wide as the rest, which would then
    be a line.
    """
    near: list[float] = [] if null is None else [null]
    far: list[float] = []
    prior: list[float] = []
    wide: dict[int, list[float]] = {}
    for each in series:
        own = _ends(each.estimate, *(end for band in each.bands if not band.simultaneous for end in _edges(band)))
        joint = [_ends(*_edges(band)) for band in each.bands if band.simultaneous]
        (prior if each.role == "prior" else near).extend(own)
        far += [end for pair in joint for end in pair]
        wide |= {id(band): pair for band, pair in zip((b for b in each.bands if b.simultaneous), joint, strict=True)}
        wide |= {id(each): own} if each.role == "prior" else {}
    limits = reach(near or prior, far)
    if limits is None:
        return frozenset()
    ax.set_ylim(*limits)
    return frozenset(key for key, (low, high) in wide.items() if low < limits[0] or high > limits[1])


def _edges(band: Band) -> tuple[FloatArray, FloatArray]:
    return band.lower, band.upper


def _ends(*parts: FloatArray) -> list[float]:
    return [float(min(part.min() for part in parts)), float(max(part.max() for part in parts))]


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
    for edge, outside in ((low, (left, low)), (high, (high, right))):
        if left < edge < right:
            ax.axvspan(*outside, color="0.5", alpha=0.07, linewidth=0, zorder=0)
    if (high < left or low > right) and series:
        ax.axvspan(left, right, color="0.5", alpha=0.07, linewidth=0, zorder=0)
    ax.set_xlim(left, right)


def _handles(
    series: Sequence[Curve], colour_of: dict[int, str], *, numeric: bool, beyond: frozenset[int]
) -> list[tuple[Any, str]]:
    """The legend: series where there are several, bands, and what dashes mean; each once, with its words."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    found: list[tuple[Any, str]] = []
    alone = len(series) == 1
    for each in series if not alone or series[0].medians else ():
        said = [*(["median"] if each.medians else []), *([BEYOND] if id(each) in beyond else [])]
        words = ", ".join(said) if alone else each.label + (f" ({', '.join(said)})" if said else "")
        found.append((_swatch(each, colour_of[id(each)], numeric=numeric), plain(words)))
    first = next((each for each in series if each.role == "doing"), None)
    if first is None:
        return found
    several = sum(each.role == "doing" for each in series) > 1
    colour = "0.4" if several else colour_of[id(first)]
    bands = [band for band in first.bands if not band.simultaneous]
    for k, band in enumerate(bands):
        words = f"{100 * band.level:g} % interval"
        if numeric:
            found.append((Patch(facecolor=colour, alpha=0.22 if k == 0 else 0.4), words))
        else:
            found.append((Line2D([], [], color=colour, linewidth=1.5 if k == 0 else 4.0), words))
    for band in first.bands:
        if band.simultaneous:
            words = f"{100 * band.level:g} % {'band of the whole curve' if numeric else 'for all at once'}"
            if id(band) in beyond:
                words = f"{words.replace('band of the ', '')} ({BEYOND})"
            found.append((Line2D([], [], color=colour, linewidth=0.8), words))
    if numeric and any(map(_leaves_the_data, series)):
        found.append((Line2D([], [], color=colour, linewidth=2, linestyle="--"), OUTSIDE))
    return found


def _columns(labels: Sequence[str]) -> int:
    """How many columns of a legend fit below a picture."""
    longest = max(map(len, labels))
    return min(len(labels), 3 if longest <= 30 else 2 if longest <= 42 else 1)


def _swatch(curve: Curve, colour: str, *, numeric: bool) -> Any:
    """A series in the legend; of what stands beside an answer, the band too, which is nobody else's."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marker = {"seeing": "s", "prior": "" if numeric else "D"}.get(curve.role, "" if numeric else "o")
    style = {"seeing": ":", "prior": "-."}.get(curve.role, "-") if numeric else "-"
    white = curve.hollow or curve.role == "seeing"
    line = Line2D(
        [], [], color=colour, linewidth=2, marker=marker or None, markerfacecolor="white" if white else colour
    )
    line.set(linestyle=style)
    if not numeric or curve.role == "doing" or not curve.bands:
        return line
    return Patch(facecolor=colour, alpha=0.1 if curve.role == "seeing" else 0.22), line


def _leaves_the_data(curve: Curve) -> bool:
    if curve.within is None:
        return False
    x = [float(value) for value in curve.at]
    return min(x) < curve.within[0] or max(x) > curve.within[1]
