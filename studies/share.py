"""How many intervals hold the truth, against their level: a sign per method, with its binomial error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latentdo.plots import WIDTH, bare, laid_out, own_figure, plain

from .box import LEGEND_LINE, PANEL_HEIGHT, PER_LINE, edge_of, method_colours, slot_of


@dataclass(frozen=True)
class Share:
    """A share of one series in one group.

    Attributes:
        share: The fraction; None where there are no intervals.
        error: Its standard error, that of a share of just the level.
        least: Below it a share falls short; None where nothing is judged.
        note: A word or a number to stand beside its sign.
    """

    series: str
    group: str
    share: float | None
    error: float = 0.0
    least: float | None = None
    note: str = ""

    @property
    def falls_short(self) -> bool:
        """Whether it lies below what chance explains."""
        return self.share is not None and self.least is not None and self.share < self.least


@dataclass(frozen=True)
class SharePanel:
    """The shares of one question, and the level that they should have."""

    title: str
    level: float
    shares: tuple[Share, ...]


def shares(panels: Sequence[SharePanel], *, xlabel: str = "", ylabel: str = "", title: str = "") -> Any:
    """The panels one below the other, a line at the level; returns the matplotlib axes of the first.

    A short grey line marks the share below which one falls short; the sign of one that does is a triangle, of another a circle,
    and that of a method without intervals a cross on the lower edge.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from matplotlib.lines import Line2D

    series = tuple(dict.fromkeys(share.series for panel in panels for share in panel.shares))
    colours = {name: "#000000" if colour == "#FFFFFF" else colour for name, colour in method_colours(series).items()}
    figure = own_figure(WIDTH, 1.0)
    lines = -(-len(series) // PER_LINE)
    drawn = laid_out(figure, [0.8 * PANEL_HEIGHT] * len(panels), margin=0.5 + LEGEND_LINE * lines)
    for axes, panel in zip(drawn, panels, strict=True):
        _panel(axes, panel, series, colours)
        axes.set_ylabel(plain(ylabel))
    drawn[-1].set_xlabel(plain(xlabel))
    if title:
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium")
    handles = [
        Line2D([], [], marker="s", color=edge_of(colours[name]), markerfacecolor=colours[name], label=plain(name))
        for name in series
    ]
    every = [share for panel in panels for share in panel.shares]
    signs = [("v", "falls short", any(share.falls_short for share in every)),
             ("x", "no intervals", any(share.share is None for share in every))]  # fmt: skip
    handles += [
        Line2D([], [], marker=sign, color="0.25", markerfacecolor="white", linestyle="none", label=label)
        for sign, label, used in signs
        if used
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=PER_LINE, frameon=False, fontsize="small")
    return drawn[0]


def _panel(axes: Any, panel: SharePanel, series: Sequence[str], colours: Any) -> None:
    groups = tuple(dict.fromkeys(share.group for share in panel.shares))
    own = [name for name in series if any(share.series == name for share in panel.shares)]
    slot = slot_of(len(own))
    axes.axhline(panel.level, color="black", linewidth=1.0, zorder=1)
    known = [share for share in panel.shares if share.share is not None]
    lowest = min([panel.level, *(share.share - share.error for share in known if share.share is not None)])
    bottom = max(-0.02, min(0.7, lowest - 0.05))
    axes.set_xlim(-0.5, max(1, len(groups)) - 0.5)
    axes.set_ylim(bottom, 1.02)
    for share in panel.shares:
        x = groups.index(share.group) + (own.index(share.series) + 0.5 - len(own) / 2) * slot
        _sign(axes, share, x, slot, colours[share.series], bottom)
    for k in range(1, len(groups)):
        axes.axvline(k - 0.5, color="0.85", linewidth=0.8)
    axes.set_xticks(range(len(groups)), [plain(group) for group in groups])
    axes.tick_params(axis="x", length=0)
    axes.set_title(plain(panel.title), fontsize="medium", loc="left")
    axes.yaxis.set_major_formatter(lambda value, _place: f"{100 * value:.0f} %")
    bare(axes)


def _sign(axes: Any, share: Share, x: float, slot: float, colour: str, bottom: float) -> None:
    """A share with its error and what it is judged by, in its slot."""
    edge = edge_of(colour)
    if share.share is None:
        axes.plot([x], [bottom], marker="x", markersize=6, color=edge, linestyle="none", clip_on=False, zorder=3)
        return
    if share.least is not None:
        axes.plot([x - 0.4 * slot, x + 0.4 * slot], [share.least] * 2, color="0.6", linewidth=1.0, zorder=1)
    axes.plot(
        [x, x], [share.share - share.error, min(1.0, share.share + share.error)], color=edge, linewidth=1.6, zorder=2
    )
    axes.plot(
        [x],
        [share.share],
        marker="v" if share.falls_short else "o",
        markersize=7 if share.falls_short else 5.5,
        color=edge,
        markerfacecolor=colour,
        linestyle="none",
        clip_on=False,
        zorder=3,
    )
    if share.note:
        axes.annotate(
            plain(share.note), (x, share.share), xytext=(5, 0), textcoords="offset points", fontsize=7, va="center"
        )
