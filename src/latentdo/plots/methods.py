"""Several methods' answers along one axis: the model with its band, a line per rival, baselines in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .canvas import COLOURS, SERIES, bare, check_axes, own_figure, plain, reach

FloatArray = npt.NDArray[np.float64]
MARKERS = ("s", "^", "v", "P")
BESIDE = 0.25
"""Share of their spread that intervals have beside a line over numbers."""
STYLES = ("-", "--", "-.", (0, (1, 1)))
FEW_POINTS = 8
"""Points below which each has a marker."""
FEW_METHODS = 6
"""Rivals up to which each has its interval at every point."""
SPREAD = 0.35
"""Share of the step between two points over which the methods are spread side by side."""


@dataclass(frozen=True, eq=False)
class MethodCurve:
    """One method's number at each point, NaN where it has none.

    Attributes:
        label: What the legend calls it.
        at: Where the points are on the axis: numbers, or names of levels.
        estimate: The numbers.
        lower: Lower ends of their intervals.
        upper: Upper ends.
        kind: `lvm`, `rival` or `naive`.
        hollow: Whether it must not be taken for an identified answer that converged: half-full points, dashes.
    """

    label: str
    at: tuple[float | str, ...]
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    kind: str = "rival"
    hollow: bool = False


@dataclass(frozen=True)
class _Look:
    """Colour, line style and marker of a method."""

    colour: str
    style: Any
    marker: str


def method_curves(
    series: Sequence[MethodCurve],
    *,
    ax: Any = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    null: float | None = None,
) -> Any:
    """All methods over one axis; returns the matplotlib axes.

    Args:
        ax: Where to draw; a new figure if None.
        null: The value that means no effect, for a thin line.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    own = ax is None
    if own:
        ax = own_figure(7.0, 4.6).subplots()
    check_axes(ax)
    names = list(dict.fromkeys(str(value) for each in series for value in each.at if isinstance(value, str)))
    bars = bool(bars_of([each.kind for each in series], bool(names)))
    counts = {"lvm": 0, "rival": 0, "naive": 0}
    for k, each in enumerate(series):
        x = np.array([names.index(value) if isinstance(value, str) else value for value in each.at], dtype=float)
        order = np.argsort(x)
        shift = _shift(k, len(series)) * (1.0 if names else BESIDE * _step(x))
        look = _look(each, counts[each.kind])
        counts[each.kind] += 1
        if names:
            _points(ax, each, x + shift, look)
        else:
            _line(ax, each, (x[order], shift, order), look, bars=bars)
    if null is not None:
        ax.axhline(null, color="0.4", linewidth=1.0, zorder=1)
    _limit(ax, series, null, bars=bars)
    if names:
        ax.set_xticks(range(len(names)), [plain(name) for name in names])
        ax.set_xlim(-0.6, len(names) - 0.4)
    ax.set_xlabel(plain(xlabel))
    ax.set_ylabel(plain(ylabel))
    ax.grid(axis="y", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    bare(ax)
    if own:
        ax.figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium", wrap=True)
    else:
        ax.set_title(plain(title), fontsize="medium", loc="left")
    # Beside the axes: curves fill the picture, and a legend over them would hide some.
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize="small")
    return ax


def bars_of(kinds: Sequence[str], over_levels: bool) -> frozenset[str]:
    """The kinds whose intervals are bars, of methods of these kinds: over levels all of them, over numbers a few rivals."""
    if over_levels:
        return frozenset(kinds)
    return frozenset({"rival"} if kinds.count("rival") <= FEW_METHODS else ())


def _look(curve: MethodCurve, place: int) -> _Look:
    """How the method is drawn that is the so-many-th of its kind; rivals beyond the colours get further styles."""
    if curve.kind != "rival":
        model = curve.kind == "lvm"
        own = ("--" if curve.hollow else "-") if model else (":", "-.")[place % 2]
        return _Look(COLOURS[curve.kind], own, "o" if model else "D")
    round_of, own = divmod(place, len(SERIES) - 1)
    return _Look(SERIES[1:][own], STYLES[round_of % len(STYLES)], MARKERS[round_of % len(MARKERS)])


def _step(x: FloatArray) -> float:
    """The smallest distance between two points."""
    return float(np.diff(np.unique(x)).min()) if len(np.unique(x)) > 1 else 1.0


def _shift(place: int, count: int) -> float:
    """How far beside its place a method stands, so that intervals do not cover each other."""
    return (place - (count - 1) / 2) * 2 * SPREAD / max(1, count)


def _points(ax: Any, curve: MethodCurve, x: FloatArray, look: _Look) -> None:
    """Over levels: a point with its interval at each."""
    ax.vlines(x, curve.lower, curve.upper, color=look.colour, linewidth=1.2, zorder=2)
    _markers(ax, curve, (x, curve.estimate), look, linestyle="none", zorder=3)


def _line(ax: Any, curve: MethodCurve, where: tuple[FloatArray, float, Any], look: _Look, *, bars: bool) -> None:
    """Over numbers: a line; of the model with its band, of a few rivals with their intervals."""
    x, shift, order = where
    y, lower, upper = curve.estimate[order], curve.lower[order], curve.upper[order]
    # The model's line is the widest: what agrees with it is seen on top of it.
    z = {"lvm": 1.8, "rival": 2.0}.get(curve.kind, 1.5)
    if curve.kind == "lvm" and np.isfinite(lower).all() and len(x) > 1:
        ax.fill_between(x, lower, upper, color=look.colour, alpha=0.2, linewidth=0, zorder=1.2)
    elif curve.kind == "rival" and bars:
        ax.vlines(x + shift, lower, upper, color=look.colour, linewidth=1.2, alpha=0.5, zorder=z)
    if len(x) < FEW_POINTS:
        _markers(ax, curve, (x, y), look, linestyle=look.style, zorder=z + 0.1)
    else:
        width = 3.0 if curve.kind == "lvm" else 1.3
        label = plain(curve.label)
        ax.plot(x, y, color=look.colour, linestyle=look.style, linewidth=width, label=label, zorder=z + 0.1)


def _markers(ax: Any, curve: MethodCurve, points: tuple[FloatArray, FloatArray], look: _Look, **style: Any) -> None:
    model = curve.kind == "lvm"
    ax.plot(
        *points,
        color=look.colour,
        linewidth=3.0 if model else 1.3,
        marker=look.marker,
        markersize=8 if model else 4.5,
        # Half full, and not hollow as a baseline: it is the model, with a doubt.
        fillstyle="left" if curve.hollow and model else "full",
        markerfacecoloralt="white",
        markerfacecolor="white" if curve.kind == "naive" else look.colour,
        label=plain(curve.label),
        **style,
    )


def _limit(ax: Any, series: Sequence[MethodCurve], null: float | None, *, bars: bool) -> None:
    """Show all points, and of intervals as much as leaves them readable: a few rows may have very wide ones."""
    near = [float(value) for each in series for value in each.estimate if np.isfinite(value)]
    near += [float(v) for each in series if each.kind == "lvm" for v in (*each.lower, *each.upper) if np.isfinite(v)]
    far = [float(v) for each in series if bars for v in (*each.lower, *each.upper) if np.isfinite(v)]
    limits = reach([*near, *([] if null is None else [null])], far)
    if limits is not None:
        ax.set_ylim(*limits)
