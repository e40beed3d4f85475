"""Several methods' answers along one axis: the model with its band, a line per rival, baselines in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .canvas import COLOURS, SERIES, bare, check_axes, own_figure, plain, reach

FloatArray = npt.NDArray[np.float64]
STYLES = ("-", "--", "-.", (0, (1, 1)))
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
        hollow: Whether it must not be taken for an identified answer that converged.
    """

    label: str
    at: tuple[float | str, ...]
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    kind: str = "rival"
    hollow: bool = False


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
    n_rivals = sum(each.kind == "rival" for each in series)
    counts = {"lvm": 0, "rival": 0, "naive": 0}
    for k, each in enumerate(series):
        x = np.array([names.index(value) if isinstance(value, str) else value for value in each.at], dtype=float)
        order = np.argsort(x)
        shift = _shift(x, k, len(series)) if names else 0.0
        colour, style = _look(each, counts[each.kind])
        counts[each.kind] += 1
        _draw(
            ax,
            each,
            (x[order] + shift, order),
            colour,
            style,
            bars=bool(names) or n_rivals <= FEW_METHODS,
            levels=bool(names),
        )
    if null is not None:
        ax.axhline(null, color="0.4", linewidth=1.0, zorder=1)
    _limit(ax, series, null, bars=bool(names) or n_rivals <= FEW_METHODS)
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


def _look(curve: MethodCurve, place: int) -> tuple[str, Any]:
    """Colour and line style; rivals beyond the colours get further styles."""
    if curve.kind != "rival":
        return COLOURS[curve.kind], "-" if curve.kind == "lvm" else (":", "-.")[place % 2]
    others = SERIES[1:]
    return others[place % len(others)], STYLES[(place // len(others)) % len(STYLES)]


def _shift(x: FloatArray, place: int, count: int) -> float:
    return (place - (count - 1) / 2) * 2 * SPREAD / max(1, count)


def _draw(
    ax: Any, curve: MethodCurve, where: tuple[FloatArray, Any], colour: str, style: Any, *, bars: bool, levels: bool
) -> None:
    x, order = where
    y, lower, upper = curve.estimate[order], curve.lower[order], curve.upper[order]
    is_model = curve.kind == "lvm"
    # The model's line is the widest: what agrees with it is seen on top of it.
    z = {"lvm": 1.8, "rival": 2.0}.get(curve.kind, 1.5)
    if is_model and not levels and np.isfinite(lower).all() and len(x) > 1:
        ax.fill_between(x, lower, upper, color=colour, alpha=0.2, linewidth=0, zorder=1.2)
    elif levels or (bars and curve.kind == "rival"):
        ax.vlines(x, lower, upper, color=colour, linewidth=1.2, alpha=1.0 if levels else 0.35, zorder=z)
    ax.plot(
        x,
        y,
        color=colour,
        linestyle="none" if levels else style,
        linewidth=3.0 if is_model else 1.3,
        marker={"lvm": "o", "rival": "s"}.get(curve.kind, "D") if levels or len(x) < 8 else None,
        markersize=8 if is_model else 4,
        markerfacecolor="white" if curve.hollow or curve.kind == "naive" else colour,
        label=plain(curve.label),
        zorder=z + 0.1,
    )


def _limit(ax: Any, series: Sequence[MethodCurve], null: float | None, *, bars: bool) -> None:
    """Show all points, and of intervals as much as leaves them readable: a few rows may have very wide ones."""
    near = [float(value) for each in series for value in each.estimate if np.isfinite(value)]
    near += [float(v) for each in series if each.kind == "lvm" for v in (*each.lower, *each.upper) if np.isfinite(v)]
    far = [float(v) for each in series if bars for v in (*each.lower, *each.upper) if np.isfinite(v)]
    limits = reach([*near, *([] if null is None else [null])], far)
    if limits is not None:
        ax.set_ylim(*limits)
