"""Which picture shows a comparison: a forest per question, or of a sweep a curve per method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import QueryError
from latentdo.graphs import Name, quote
from latentdo.query import Query, Summary

from .row import ComparisonRow
from .text import groups, heading, without_number

if TYPE_CHECKING:
    from .comparison import Comparison

CURVE_HEIGHT = 4.0
FOREST_MARGIN = 1.3
"""Inches of a panel of a forest beside those of its rows: for its title and the words at its axis."""
MOST_PANELS = 24
TITLE = 78
"""Characters that a line of a title has room for over the whole width of a picture."""
LEAST_TITLE = 36
LONGEST_NAME = 42
"""Characters of a name of a row, beyond which a forest folds it."""
TITLE_LINE = 0.17
"""Inches of a line of a title."""


def picture_of(comparison: Comparison, ax: Any) -> Any:
    """Forests and curves, one panel per question; returns the matplotlib axes (of the first)."""
    parts = groups(comparison)
    check_drawable([question.source for question in (part.questions[0] for part in parts)])
    if len(parts) == 1:
        return _drawn(parts[0], _title(parts[0], TITLE), ax)
    if ax is not None:
        raise QueryError(
            f"There are {len(parts)} questions, and one pair of axes. Draw one: comparison[name].plot(ax)."
        )
    from latentdo.plots import stacked

    # A title begins where the axes do, and they begin where the longest name of a row ends.
    longest = max([len(_summary(row, part).label) for part in parts if _is_forest(part) for row in part], default=0)
    room = max(LEAST_TITLE, TITLE - min(longest, LONGEST_NAME))
    titles = [_title(part, room) for part in parts]
    heights = [_height(part) + TITLE_LINE * title.count("\n") for part, title in zip(parts, titles, strict=True)]
    axes = stacked(heights or [1.0])
    for each, part, title in zip(axes, parts, titles, strict=True):
        _drawn(part, title, each)
    return axes[0]


def check_drawable(sources: Sequence[Query | None]) -> None:
    """Raise if there is no picture for so many questions, or for one of them.

    Args:
        sources: Per question the sweep; None of a single one.

    Raises:
        QueryError: A sweep over two nodes, or too many questions.
    """
    for source in sources:
        if source is not None and len(source.axes) > 1 and all(len(axis.values) > 1 for axis in source.axes):
            raise QueryError(
                f"{source} has two axes, for which there is no picture of several methods. Sweep one, or take the numbers: "
                ".to_pandas(), or --csv rows.csv."
            )
    if len(sources) > MOST_PANELS:
        raise QueryError(
            f"{len(sources)} questions are too many for one picture. Draw some of them: comparison[name].plot()."
        )


def can_be_drawn(part: Comparison) -> bool:
    """Whether there is a picture for the rows of one question or sweep."""
    return len(part.questions) == 1 or len(part.questions[0].at) == 1


def _is_forest(part: Comparison) -> bool:
    return part.questions[0].source is None or len(part.questions) == 1


def _height(part: Comparison) -> float:
    """Inches of the panel of a question with a title of one line."""
    if not _is_forest(part):
        return CURVE_HEIGHT
    return FOREST_MARGIN + 0.42 * sum(row.estimate is not None for row in part)


def _drawn(part: Comparison, title: str, ax: Any) -> Any:
    if _is_forest(part):
        return _forest(part, title, ax)
    if not can_be_drawn(part):
        check_drawable([part.questions[0].source])
    return _curves(part, title, ax)


def _forest(part: Comparison, title: str, ax: Any) -> Any:
    from latentdo.plots import forest

    rows = [row for row in part if row.estimate is not None]
    level = part[0].level if len(part) else 0.9
    words = [f"estimate and {100 * level:g} % interval"]
    words += [said] if (said := _absent(part)) else []
    return forest([_summary(row, part) for row in rows], ax=ax, xlabel="\n".join(words), title=title)


def _summary(row: ComparisonRow, part: Comparison) -> Summary:
    """The row as it is drawn, with its adjustment set where the method has several."""
    summary = row.summary
    name = part.labels[row] + (" (baseline)" if row.is_baseline else "")
    return replace(summary, label=name + summary.label.removeprefix(row.method))


def _absent(part: Comparison) -> str:
    """How many methods are not drawn."""
    silent = [name for names, _ in without_number(part) for name in names.split(", ")]
    if not silent:
        return ""
    if len(silent) <= 2:
        return f"not drawn, as without a number: {', '.join(silent)}"
    return f"{len(silent)} methods are not drawn: they have no number"


def _title(part: Comparison, width: int) -> str:
    """The question, and on lines of its own what must not be overlooked."""
    answers = [row.answer for row in part if row.answer is not None]
    standing = [] if all(answer.identified for answer in answers) else ["NOT nonparametrically identified"]
    standing += [] if all(answer.converged for answer in answers) else ["NOT converged"]
    kinds = ", ".join(dict.fromkeys(answer.approximate for answer in answers if answer.approximate))
    standing += [f"APPROXIMATE: {kinds}"] if kinds else []
    together = "   ".join(standing)
    return "\n".join(
        fill(line, width)
        for line in [heading(part), *(standing if len(together) > width else [together][: len(standing)])]
    )


def _curves(part: Comparison, title: str, ax: Any) -> Any:
    from latentdo.plots import method_curves

    (axis,) = (name for name, _ in part.questions[0].at)
    series: dict[str, list[ComparisonRow]] = {}
    for row in part:
        series.setdefault(part.labels[row], []).append(row)
    shown = {name: rows for name, rows in series.items() if any(row.estimate is not None for row in rows)}
    unit = dict(part.units).get(axis)
    scale = part.questions[0].scale
    below = [f"{quote(axis)}{f' ({unit})' if unit else ''}", _intervals(part, shown), _absent(part)]
    return method_curves(
        [_curve(name, rows, axis) for name, rows in shown.items()],
        ax=ax,
        xlabel="\n".join(line for line in below if line),
        ylabel=str(scale),
        title=title,
        null=scale.null,
    )


def _intervals(part: Comparison, shown: Mapping[str, Sequence[ComparisonRow]]) -> str:
    """Which intervals the bars and the band are."""
    from latentdo.plots import bars_of

    kinds = [rows[0].summary.method for rows in shown.values() if any(row.lower is not None for row in rows)]
    over_levels = any(isinstance(value, str) for question in part.questions for _, value in question.at)
    barred = [
        kind for kind in kinds if kind in bars_of([rows[0].summary.method for rows in shown.values()], over_levels)
    ]
    level = f"{100 * part[0].level:g} %"
    words = []
    if "lvm" in kinds and not over_levels:
        words.append(f"band: {level} interval of lvm")
    if barred:
        words.append(f"bars: {level} intervals")
    return "; ".join(words)


def _standing(rows: Sequence[ComparisonRow]) -> str:
    """What the model's points must not be taken for, as in the name of a row."""
    return next((tail for row in rows if (tail := row.summary.label.removeprefix(row.method))), "")


def _curve(name: str, rows: Sequence[ComparisonRow], axis: Name) -> Any:
    from latentdo.plots import MethodCurve

    def numbers(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    first = rows[0]
    sound = all(
        row.answer is None or (row.identified and row.answer.converged and not row.answer.approximate) for row in rows
    )
    return MethodCurve(
        name + (" (baseline)" if first.is_baseline else "") + _standing(rows),
        tuple(dict(row.at)[axis] for row in rows),
        numbers([row.estimate for row in rows]),
        numbers([row.lower for row in rows]),
        numbers([row.upper for row in rows]),
        first.summary.method,
        hollow=not sound,
    )
