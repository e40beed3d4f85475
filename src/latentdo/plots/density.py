"""The law of one answer's draws as a smooth density, with what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray

from .canvas import bare, headline, home, plain, reach
from .colours import COLOURS


@dataclass(frozen=True, eq=False)
class Law:
    """Draws of one number.

    Attributes:
        label: What the legend calls it.
        draws: The draws.
        interval: Its ends, shaded.
        role: `doing`, `seeing` or `prior`.
        support: Bounds that the number cannot pass, as 0 and 1 of a probability.
    """

    label: str
    draws: FloatArray
    interval: tuple[float, float] | None = None
    role: str = "doing"
    support: tuple[float, float] = (-np.inf, np.inf)


def densities(
    laws: Sequence[Law], *, ax: Any = None, xlabel: str = "", title: str = "", null: float | None = None
) -> Any:
    """Each law as a curve over one axis, the first with its interval shaded; returns the matplotlib axes.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    ax, alone = home(ax, 6.0, 3.4)
    near = [float(end) for law in laws if law.role != "prior" for end in np.quantile(law.draws, [0.001, 0.999])]
    far = [float(end) for law in laws if law.role == "prior" for end in np.quantile(law.draws, [0.001, 0.999])]
    limits = reach([*near, *([] if null is None else [null])], far) or (0.0, 1.0)
    for law in laws:
        _draw(ax, law, limits)
    if null is not None:
        ax.axvline(null, color="0.6", linewidth=0.8, zorder=1)
    ax.set_xlim(*limits)
    ax.set_ylim(bottom=0)
    ax.set_yticks([])
    ax.set_xlabel(plain(xlabel))
    bare(ax, sides=("top", "right", "left"))
    headline(ax, title, alone=alone)
    ax.legend(frameon=False, fontsize="small", loc="best")
    return ax


def _draw(ax: Any, law: Law, limits: tuple[float, float]) -> None:
    colour = COLOURS["lvm"] if law.role == "doing" else COLOURS[law.role]
    style = {"seeing": "--", "prior": "-."}.get(law.role, "-")
    if np.ptp(law.draws) == 0:
        # A number without spread has no density.
        ax.axvline(law.draws[0], color=colour, linewidth=2, linestyle=style, label=plain(law.label))
        return
    x = np.linspace(*limits, 512)
    y = smooth(law.draws, x, law.support)
    ax.plot(x, y, color=colour, linewidth=2, linestyle=style, label=plain(law.label), zorder=3)
    if law.interval is not None:
        inside = (x >= law.interval[0]) & (x <= law.interval[1])
        ax.fill_between(x, 0, y, where=inside, color=colour, alpha=0.2, linewidth=0, zorder=2)


def smooth(draws: FloatArray, x: FloatArray, support: tuple[float, float] = (-np.inf, np.inf)) -> FloatArray:
    """A kernel density estimate at x; mass beyond the support is reflected back into it.

    Source:
        Silverman (1986), Density estimation, equation 3.31 for the width and section 2.10 for the reflection.
    """
    low, high = np.quantile(draws, [0.25, 0.75])
    spread = min(draws.std(ddof=1), (high - low) / 1.349) or draws.std(ddof=1)
    width = 0.9 * spread * len(draws) ** -0.2
    # On a fine grid: one kernel per bin, not per draw.
    edge = np.linspace(min(draws.min(), x[0]) - 4 * width, max(draws.max(), x[-1]) + 4 * width, 2049)
    counts, _ = np.histogram(draws, edge)
    centres = (edge[1:] + edge[:-1]) / 2
    filled = counts > 0
    centres, shares = centres[filled], counts[filled] / len(draws)

    def kernels(places: FloatArray) -> FloatArray:
        z = (places[:, None] - centres) / width
        return np.asarray((np.exp(-0.5 * z**2) * shares).sum(axis=1) / (width * np.sqrt(2 * np.pi)))

    heights = kernels(x)
    for bound in support:
        if np.isfinite(bound):
            heights = heights + kernels(2 * bound - x)
    return np.where((x >= support[0]) & (x <= support[1]), heights, 0.0)
