"""Which picture shows a comparison: a forest per question, or of a sweep a curve per method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import QueryError
from latentdo.graphs import Name, quote
from latentdo.query import Summary

from .row import ComparisonRow
from .text import groups, heading, without_number

if TYPE_CHECKING:
    from .comparison import Comparison

CURVE_HEIGHT = 4.0
FOREST_MARGIN = 1.3
"""Inches of a panel of a forest beside those of its rows: for its title and the words at its axis."""
MOST_PANELS = 24


def picture_of(comparison: Comparison, ax: Any) -> Any:
    """Forests and curves, one panel per question; returns the matplotlib axes (of the first)."""
    parts = groups(comparison)
    if len(parts) > MOST_PANELS:
        raise QueryError(
            f"{len(parts)} questions are too many for one picture. Draw some of them: comparison[name].plot()."
        )
    drawings = [_drawing(part) for part in parts]
    if len(drawings) == 1:
        return drawings[0][1](ax=ax)
    if ax is not None:
        raise QueryError(
            f"There are {len(parts)} questions, and one pair of axes. Draw one: comparison[name].plot(ax)."
        )
    from latentdo.plots import stacked

    axes = stacked([height for height, _ in drawings] or [1.0])
    for each, (_, draw) in zip(axes, drawings, strict=True):
        draw(ax=each)
    return axes[0]


def can_be_drawn(part: Comparison) -> bool:
    """Whether there is a picture for the rows of one question or sweep."""
    return len(part.questions) == 1 or len(part.questions[0].at) == 1


def _drawing(part: Comparison) -> tuple[float, Callable[..., Any]]:
    """How high the panel of a question is, and what draws it."""
    question = part.questions[0]
    if question.source is None or len(part.questions) == 1:
        rows = [row for row in part if row.estimate is not None]
        return FOREST_MARGIN + 0.42 * len(rows), partial(_forest, part)
    if len(question.at) > 1:
        raise QueryError(
            f"{question.source} has two axes, for which there is no picture of several methods. Sweep one, or see .to_pandas()."
        )
    return CURVE_HEIGHT, partial(_curves, part)


def _forest(part: Comparison, *, ax: Any) -> Any:
    from latentdo.plots import forest

    rows = [row for row in part if row.estimate is not None]
    level = part[0].level if len(part) else 0.9
    words = [f"estimate and {100 * level:g} % interval"]
    words += [said] if (said := _absent(part)) else []
    return forest([_summary(row, part) for row in rows], ax=ax, xlabel="\n".join(words), title=_title(part))


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


def _title(part: Comparison) -> str:
    """The question, and what must not be overlooked."""
    answers = [row.answer for row in part if row.answer is not None]
    standing = [] if all(answer.identified for answer in answers) else ["NOT nonparametrically identified"]
    standing += [] if all(answer.converged for answer in answers) else ["NOT converged"]
    kinds = ", ".join(dict.fromkeys(answer.approximate for answer in answers if answer.approximate))
    standing += [f"APPROXIMATE: {kinds}"] if kinds else []
    return "   ".join([heading(part), *standing])


def _curves(part: Comparison, *, ax: Any) -> Any:
    from latentdo.plots import method_curves

    (axis,) = (name for name, _ in part.questions[0].at)
    series: dict[str, list[ComparisonRow]] = {}
    for row in part:
        series.setdefault(part.labels[row], []).append(row)
    shown = {name: rows for name, rows in series.items() if any(row.estimate is not None for row in rows)}
    unit = dict(part.units).get(axis)
    absent = _absent(part)
    scale = part.questions[0].scale
    return method_curves(
        [_curve(name, rows, axis) for name, rows in shown.items()],
        ax=ax,
        xlabel=f"{quote(axis)}{f' ({unit})' if unit else ''}" + (f"\n{absent}" if absent else ""),
        ylabel=str(scale),
        title=_title(part),
        null=scale.null,
    )


def _curve(name: str, rows: Sequence[ComparisonRow], axis: Name) -> Any:
    from latentdo.plots import MethodCurve

    def numbers(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    first = rows[0]
    level = f", {100 * first.level:g} % interval" if first.answer is not None and not first.answer.is_point else ""
    sound = all(
        row.answer is None or (row.identified and row.answer.converged and not row.answer.approximate) for row in rows
    )
    return MethodCurve(
        name + (" (baseline)" if first.is_baseline else "") + level,
        tuple(dict(row.at)[axis] for row in rows),
        numbers([row.estimate for row in rows]),
        numbers([row.lower for row in rows]),
        numbers([row.upper for row in rows]),
        first.summary.method,
        hollow=not sound,
    )
