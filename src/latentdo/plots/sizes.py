"""What experiments of different sizes come to: simulated ones, the law through them with its band, the goal and its size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray

from .canvas import bare, headline, home, plain
from .colours import COLOURS

LEAST_TICKS = 3
STEPS = (
    (1,),
    (1, 3),
    (1, 2, 5),
    (1, 1.5, 2, 3, 4, 5, 7),
    *(np.arange(parts, 10 * parts) / parts for parts in (1, 2, 5, 10, 20, 50)),
)
"""Ticks per power of ten, from few to many, each time at most some three times as many."""
Z = 1.645
"""Standard errors to each side of a share: 90 %."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A law of what experiments of each size come to, and the size that reaches a target.

    Attributes:
        at: Sizes.
        value, lower, upper: The law there, with its band.
        target: What is to be reached.
        n: The size that reaches it, None where there is none.
        interval: Of that size; None where it is the smallest that was simulated, and only known to suffice.
        simulated: The smallest and largest simulated size: beyond them the law is dashed.
        points: Size and width of every experiment, both axes logarithmic; None where shares are shown.
        shares: Size, share and number of experiments behind it.
    """

    at: FloatArray
    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    target: float
    n: int | None
    interval: tuple[float, float] | None
    simulated: tuple[float, float]
    points: tuple[FloatArray, FloatArray] | None = None
    shares: Sequence[tuple[int, float, int]] = ()


def size_curve(planned: Planned, *, ax: Any = None, title: str = "", ylabel: str = "", law: str = "") -> Any:
    """The law over the number of samples; returns the matplotlib axes.

    Args:
        ax: Where to draw; a new figure if None.
        law: What the line is called.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    ax, alone = home(ax, 6.4, 4.4)
    ax.set_xscale("log")
    if planned.points is not None:
        ax.set_yscale("log")
    _experiments(ax, planned)
    _law(ax, planned, law)
    _goal(ax, planned)
    ax.set_xlabel("number of samples")
    ax.set_ylabel(plain(ylabel))
    _ticked(ax.xaxis, ax.get_xlim(), "{:,.0f}")
    if planned.points is not None:
        _ticked(ax.yaxis, ax.get_ylim(), "{:.3g}")
    ax.tick_params(axis="both", which="both", labelsize="small")
    ax.grid(which="major", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    bare(ax)
    headline(ax, title, alone=alone)
    if alone:
        ax.figure.legend(loc="outside lower center", frameon=False, fontsize="small", ncols=2)
    else:
        ax.legend(loc="best", fontsize="small", edgecolor="none", framealpha=0.75)
    return ax


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, no more than read easily and at least three where three digits allow it."""
    powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in STEPS:
        ticks = sorted({float(f"{power * step:.3g}") for power in powers for step in steps})
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= LEAST_TICKS:
            break
    return ticks


def _ticked(axis: Any, ends: tuple[float, float], form: str) -> None:
    """Ticks with numbers on a logarithmic axis, and none without."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator(log_ticks(*ends)))
    axis.set_major_formatter(lambda value, place: form.format(value))
    axis.set_minor_locator(NullLocator())


def _experiments(ax: Any, planned: Planned) -> None:
    if planned.points is not None:
        n, width = planned.points
        # Side by side, in an order of their own, so that those of one size are seen one by one.
        aside = np.exp(0.05 * (np.modf(np.arange(len(n)) * 0.618034)[0] - 0.5))
        ax.plot(n * aside, width, ".", color="0.45", markersize=4, alpha=0.55, zorder=2, label="simulated experiments")
        return
    for k, (n, share, count) in enumerate(planned.shares):
        # Wilson (1927): an interval that stays within 0 and 1.
        middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
        half = Z * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
        ax.vlines(n, middle - half, middle + half, color="0.45", linewidth=1.2, zorder=2)
        label = "simulated experiments, with 90 % interval" if k == 0 else None
        ax.plot([n], [share], "o", color="0.45", markersize=4, zorder=2, label=label)


def _law(ax: Any, planned: Planned, label: str) -> None:
    colour = COLOURS["lvm"]
    first, last = planned.simulated
    inside = (planned.at >= first) & (planned.at <= last)
    ax.plot(planned.at[inside], planned.value[inside], color=colour, linewidth=2, zorder=4, label=plain(label))
    ax.fill_between(
        planned.at,
        planned.lower,
        planned.upper,
        color=colour,
        alpha=0.22,
        linewidth=0,
        zorder=3,
        label="90 % interval of it",
    )
    for beyond in (planned.at <= first, planned.at >= last):
        if beyond.sum() > 1:
            ax.plot(planned.at[beyond], planned.value[beyond], color=colour, linewidth=2, linestyle="--", zorder=4)
    if not inside.all():
        ax.plot([], [], color=colour, linewidth=2, linestyle="--", label="extrapolated")


def _goal(ax: Any, planned: Planned) -> None:
    colour = COLOURS["baseline"]
    ax.axhline(planned.target, color=colour, linewidth=1.2, zorder=3, label=f"goal: {planned.target:g}")
    if planned.n is None:
        return
    label = f"at most {planned.n:,} samples"
    if planned.interval is not None:
        label = f"{planned.n:,} samples, with 90 % interval"
        ax.axvspan(*planned.interval, color=colour, alpha=0.15, linewidth=0, zorder=1)
    ax.axvline(
        planned.n,
        color=colour,
        linewidth=1.2,
        linestyle=":",
        zorder=3,
        label=label,
    )
