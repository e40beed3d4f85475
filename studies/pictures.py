"""The figures of a reproduction: errors beside published ones, intervals that hold the answer, times of fits."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from latentdo.plots import WIDTH, bare, laid_out, own_figure, plain
from latentdo.sheet import counted, duration

from .accuracy import FEWEST, OURS, Accuracy, accuracies
from .cases import Study
from .published import Figure
from .records import Row
from .tables import PUBLISHED_TIMES, intervals_missing, judged_against, main_rows, sorted_by, times

METHODS = {
    "lvm": "#0072B2",
    "lvm misspecified": "#56B4E9",
    "mean": "#6E6E6E",
    "naive mean": "#9A9A9A",
    "naive regression": "#C8C8C8",
    "floor": "#FFFFFF",
}
"""Colours that a method has in every picture; the rivals take the next free one."""
RIVALS = ("#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#000000")
TALLEST = 6.0
"""How many times as high as the middle of the largest errors a panel is at most."""
DOTS = 160
"""Per inch, of PNG images."""
# The moment of writing is no part of a figure.
_WITHOUT_DATE: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}


@dataclass(frozen=True)
class Picture:
    """A figure: what its file is called, what it shows, and what is said below it."""

    name: str
    figure: Any
    title: str
    caption: str


def pictures_of(study: Study, rows: Sequence[Row]) -> list[Picture]:
    """Absolute errors beside the published ones, and how often intervals hold the answer.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    main = main_rows(study, rows)
    against, truth = judged_against(study)
    errors = sorted_by(study, accuracies(main, "sample"))
    judged = sorted_by(study, accuracies(main, against))
    drawn = []
    if errors:
        title = f"{study.title}: absolute error against the sample value"
        # Of several published values the first, with its quartiles, is that of the stored results.
        published = {(f.query, f.n, f.method): f for f in reversed(study.published)}
        above: list[str] = []
        draw = _boxes(published, above)
        figure = _panels(
            study, errors, title, "absolute error", draw, published=any(a.cell[1:] in published for a in errors)
        )
        caption = (
            "Box: quartiles and median over data sets; whiskers: to the last within 1.5 interquartile ranges; dots: beyond. "
            "Diamond: published median, bar: its quartiles."
        )
        drawn.append(Picture(f"{study.name}-errors", figure, title, " ".join([caption, *above])))
    if any(a.coverage is not None for a in judged):
        title = f"{study.title}: intervals that hold {truth}"
        figure = _panels(study, judged, title, "hold the answer", _shares)
        caption = (
            "Circle: share of the intervals, bar: a binomial standard error. Black line: the level. Below its grey line a "
            "method falls short, because chance no longer explains it (exact binomial): a triangle in place of the circle. "
            f"Fewer than {FEWEST} intervals are not judged. A number beside a sign: so many intervals, others are missing. "
            "× on the lower edge: no intervals."
        )
        drawn.append(Picture(f"{study.name}-intervals", figure, title, " ".join([caption, *intervals_missing(judged)])))
    return drawn


Draw = Callable[[Any, Sequence[tuple[float, float, str, Accuracy]]], None]
"""Draws on axes, for each accuracy, at a place with a width in a colour."""


def _panels(
    study: Study, listed: Sequence[Accuracy], title: str, ylabel: str, draw: Draw, *, published: bool = False
) -> Any:
    """A panel per main question, a group per size, a place and a colour per method."""
    from matplotlib.lines import Line2D

    methods = list(dict.fromkeys(a.cell.method for a in listed))
    colours = method_colours(methods)
    queries = [query for query in study.main if any(a.cell.query == query for a in listed)]
    figure = own_figure(WIDTH, 1.0)
    drawn = laid_out(figure, [3.0] * len(queries), margin=0.5 + 0.26 * -(-(len(methods) + 1) // 4))
    for axes, query in zip(drawn, queries, strict=True):
        here_drawn = [a for a in listed if a.cell.query == query]
        sizes = list(dict.fromkeys(a.cell.n for a in here_drawn))
        here = [method for method in methods if any(a.cell.method == method for a in here_drawn)]
        slot = min(0.22, 0.86 / len(here))
        draw(axes, [
            (sizes.index(a.cell.n) + (here.index(a.cell.method) + 0.5 - len(here) / 2) * slot, slot, colours[a.cell.method], a)
            for a in here_drawn
        ])  # fmt: skip
        for k in range(1, len(sizes)):
            axes.axvline(k - 0.5, color="0.85", linewidth=0.8)
        axes.set_xlim(-0.5, len(sizes) - 0.5)
        axes.set_xticks(range(len(sizes)), [f"n = {n}" for n in sizes])
        axes.tick_params(axis="x", length=0)
        axes.set_title(plain(query), fontsize="medium", loc="left")
        axes.set_ylabel(ylabel)
        bare(axes)
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize="medium")
    handles = [
        Line2D(
            [], [], marker="s", linestyle="none", color=_edge(colours[m]), markerfacecolor=colours[m], label=plain(m)
        )
        for m in methods
    ]
    if published:
        handles.append(
            Line2D([], [], marker="D", linestyle="none", color="0.25", markerfacecolor="white", label="published")
        )
    figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize="small")
    return figure


def method_colours(methods: Iterable[str]) -> Mapping[str, str]:
    """A colour for each method, of the palette of Okabe & Ito."""
    names = list(dict.fromkeys(methods))
    rivals = iter(RIVALS * (1 + len(names) // len(RIVALS)))
    return {name: METHODS[name] if name in METHODS else next(rivals) for name in names}


def _edge(colour: str) -> str:
    """The colour of lines: that of the box, or dark where the box is too light for a line."""
    return "#404040" if colour in ("#FFFFFF", "#F0E442", "#C8C8C8") else colour


def _boxes(published: Mapping[tuple[str, int, str], Figure], above: list[str]) -> Draw:
    """Draws boxes of errors and published medians; what lies above a panel is said in `above`."""

    def draw(axes: Any, places: Sequence[tuple[float, float, str, Accuracy]]) -> None:
        highest = [float(a.absolute.max()) for *_, a in places]
        top = 1.08 * min(max(highest), TALLEST * median(highest)) or 1.0
        beyond: list[float] = []
        for x, slot, colour, a in places:
            edge, values = _edge(colour), a.absolute
            figure = published.get((a.cell.query, a.cell.n, a.cell.method))
            axes.boxplot(
                [values],
                positions=[x - (0.12 * slot if figure else 0)],
                widths=[0.6 * slot],
                manage_ticks=False,
                patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.55, "edgecolor": edge},
                medianprops={"color": "black", "linewidth": 1.6},
                whiskerprops={"color": edge},
                capprops={"color": edge},
                flierprops={"marker": ".", "markersize": 3, "markerfacecolor": edge, "markeredgecolor": "none"},
            )
            middles = [float(np.median(values))]
            if figure:
                axes.plot(
                    [x + 0.36 * slot],
                    [figure.median],
                    "D",
                    markersize=4.5,
                    color=edge,
                    markerfacecolor="white",
                    zorder=5,
                )
                middles.append(figure.median)
                if figure.low is not None and figure.high is not None:
                    axes.plot([x + 0.36 * slot] * 2, [figure.low, figure.high], color=edge, linewidth=1.4, zorder=4)
            beyond += [value for value in (*values.tolist(), *middles[1:]) if value > top]
            for middle in middles:
                if middle > top:
                    axes.plot([x], [top], "^", markersize=5, color=edge, clip_on=False, zorder=6)
                    axes.annotate(f"{middle:.2g}", (x, top), rotation=90, fontsize=7, ha="center", va="top")
        axes.set_ylim(0, top)
        if beyond:
            query = places[0][-1].cell.query
            above.append(
                f"{query}: {counted(len(beyond), 'error')} above the picture (▲ at a median; up to {max(beyond):.3g})."
            )

    return draw


def _shares(axes: Any, places: Sequence[tuple[float, float, str, Accuracy]]) -> None:
    """Draws the share of intervals that hold the answer, its error and the least that chance explains."""
    known = [(x, slot, colour, a, a.coverage) for x, slot, colour, a in places if a.coverage is not None]
    if known:
        axes.axhline(known[0][-1].level, color="black", linewidth=1.0, zorder=1)
    bottom = max(-0.02, min([0.7, *(c.share - c.error - 0.05 for *_, c in known)]))
    axes.set_ylim(bottom, 1.02)
    for x, slot, colour, a, c in known:
        edge = _edge(colour)
        if c.is_judged:
            axes.plot([x - 0.4 * slot, x + 0.4 * slot], [c.least] * 2, color="0.6", linewidth=1.0, zorder=1)
        axes.plot([x, x], [c.share - c.error, min(1.0, c.share + c.error)], color=edge, linewidth=1.6, zorder=2)
        sign = "v" if c.falls_short else "o"
        axes.plot([x], [c.share], sign, markersize=6, color=edge, markerfacecolor=colour, clip_on=False, zorder=3)
        if a.n_open:
            axes.annotate(f"{c.n}", (x, c.share), xytext=(5, 0), textcoords="offset points", fontsize=7, va="center")
    for x, _, colour, a in places:
        if a.coverage is None:
            axes.plot([x], [bottom], "x", markersize=6, color=_edge(colour), clip_on=False, zorder=3)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def picture_of_times(chosen: Sequence[Study], rows: Sequence[Row]) -> Picture | None:
    """The time of a fit of the true model, by study and size, beside the published time; None where nothing was fitted.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    taken = [(study, each) for study in chosen for each in times(study, rows) if each.method == OURS and each.fits]
    if not taken:
        return None
    title = "Time of one fit of the true model"
    figure = own_figure(WIDTH, 1.2 + 0.3 * len(taken))
    axes = figure.add_subplot()
    for k, (study, each) in enumerate(taken):
        axes.plot([min(each.fits), max(each.fits)], [k, k], color=METHODS[OURS], linewidth=2)
        axes.plot(
            [median(each.fits)],
            [k],
            "o",
            color=METHODS[OURS],
            label="here: median, shortest to longest" if not k else "",
        )
        if (published := PUBLISHED_TIMES.get(study.name)) and each.n in study.sizes:
            axes.plot(published.seconds_per_fit, [k, k], "D-", color="0.4", linewidth=2, markersize=5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: duration(value))
    axes.set_yticks(range(len(taken)), [plain(f"{study.name}, n = {each.n}") for study, each in taken])
    axes.invert_yaxis()
    axes.set_title(title, fontsize="medium", loc="left")
    axes.grid(axis="x", color="0.9")
    bare(axes, sides=("top", "right", "left"))
    names = {study.name for study, _ in taken}
    words = "; ".join(f"{name}: {published.words}" for name, published in PUBLISHED_TIMES.items() if name in names)
    caption = "Circle: median, line: shortest to longest fit. "
    caption += f"Diamonds: published, divided by the number of fits ({words})." if words else "No time was published."
    return Picture("times", figure, title, caption)


# --- files


def write_figure(figure: Any, path: Path) -> tuple[Path, ...]:
    """Write the figure beside `path` as PNG, SVG and PDF, and return the paths; the same figure gives the same bytes."""
    # The places of its parts are the same in each file: to find them takes longer than to draw.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return tuple(_written(figure, path))


def _written(figure: Any, path: Path) -> Iterator[Path]:
    from matplotlib import rc_context

    for suffix, metadata in _WITHOUT_DATE.items():
        content = io.BytesIO()
        with rc_context({"svg.hashsalt": "latentdo"}):
            figure.savefig(content, format=suffix, dpi=DOTS, metadata=metadata)
        target = path.with_name(f"{path.name}.{suffix}")
        target.write_bytes(content.getvalue())
        yield target


def inlined(path: Path) -> str:
    """An SVG file as a data URI, for a page that stands alone."""
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
