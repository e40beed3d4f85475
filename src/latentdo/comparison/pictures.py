"""Which picture shows a comparison: a forest per question, or of a sweep a curve per method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from latentdo.errors import MissingExtraError, QueryError
from latentdo.graphs import Name, quote
from latentdo.query import Query, Summary

from .group import Group
from .row import LVM, NOT_CONVERGED, NOT_IDENTIFIED, ComparisonRow

if TYPE_CHECKING:
    from latentdo.plots import Curve

CURVE_HEIGHT = 4.0
FOREST_MARGIN = 1.3
"""Inches of a panel of a forest beside those of its rows: for its title and the words at its axis."""
MOST_PANELS = 24
FEW_RIVALS = 6
"""Rivals along an axis of numbers up to which each has its interval at every point."""
TITLE = 78
"""Characters that a line of a title has room for over the whole width of a picture."""
LEAST_TITLE = 36
LONGEST_NAME = 42
"""Characters of a name of a row, beyond which a forest folds it."""
TITLE_LINE = 0.17
"""Inches of a line of a title."""
TWO_AXES = "No picture: a sweep over two nodes has none of several methods."


def picture_of(groups: Sequence[Group], ax: Any) -> Any:
    """Forests and curves, one panel per question; returns the matplotlib axes (of the first)."""
    check_drawable([group.source for group in groups])
    if len(groups) == 1:
        return _drawn(groups[0], _title(groups[0], TITLE), ax)
    if ax is not None:
        raise QueryError(
            f"There are {len(groups)} questions, and one pair of axes. Draw one: comparison[name].plot(ax)."
        )
    from latentdo.plots import stacked

    # A title begins where the axes do, and they begin where the longest name of a row ends.
    longest = max(
        [len(_summary(row, each).label) for each in groups if _is_forest(each) for row in each.rows], default=0
    )
    titles = [_title(group, max(LEAST_TITLE, TITLE - min(longest, LONGEST_NAME))) for group in groups]
    heights = [
        (FOREST_MARGIN + 0.42 * len(group.numbered) if _is_forest(group) else CURVE_HEIGHT)
        + TITLE_LINE * title.count("\n")
        for group, title in zip(groups, titles, strict=True)
    ]
    axes = stacked(heights or [1.0])
    for each, group, title in zip(axes, groups, titles, strict=True):
        _drawn(group, title, each)
    return axes[0]


def embedded(group: Group) -> tuple[str, str]:
    """The picture as a data URI, empty without matplotlib, and why there is none in words."""
    from latentdo.plots import data_uri

    if not _can_be_drawn(group):
        return "", TWO_AXES
    try:
        axes = picture_of([group], None)
    except MissingExtraError:
        return "", ""
    return data_uri(axes.figure), ""


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


def _can_be_drawn(group: Group) -> bool:
    return len(group.questions) == 1 or len(group.first.at) == 1


def _is_forest(group: Group) -> bool:
    return group.source is None or len(group.questions) == 1


def _drawn(group: Group, title: str, ax: Any) -> Any:
    if not _is_forest(group):
        check_drawable([group.source])
        return _curves(group, title, ax)
    from latentdo.plots import forest

    words = [f"estimate and {100 * group.level:g} % interval", _absent(group)]
    rows = [_summary(row, group) for row in group.numbered]
    return forest(rows, ax=ax, xlabel="\n".join(filter(None, words)), title=title)


def _summary(row: ComparisonRow, group: Group) -> Summary:
    """The row as it is drawn, with its adjustment set where the method has several."""
    summary = row.summary
    name = group.labels[row] + (" (baseline)" if row.is_baseline else "")
    return replace(summary, label=name + summary.label.removeprefix(row.method))


def _absent(group: Group) -> str:
    """How many methods are not drawn."""
    names = [name for listed in group.silent.values() for name in listed]
    if len(names) > 2:
        return f"{len(names)} methods are not drawn: they have no number"
    return f"not drawn, as without a number: {', '.join(names)}" if names else ""


def _title(group: Group, width: int) -> str:
    """The question, and on lines of its own what must not be overlooked."""
    words = {NOT_IDENTIFIED: "NOT nonparametrically identified", NOT_CONVERGED: "NOT converged"}
    standing = [shown for doubt, shown in words.items() if doubt in group.doubts]
    kinds = ", ".join(doubt for doubt in group.doubts if doubt not in words)
    standing += [f"APPROXIMATE: {kinds}"] if kinds else []
    together = "   ".join(standing)
    lines = [group.heading, *(standing if len(together) > width else [together][: len(standing)])]
    return "\n".join(fill(line, width) for line in lines)


def _curves(group: Group, title: str, ax: Any) -> Any:
    from latentdo.plots import curves

    (axis,) = (name for name, _ in group.first.at)
    unit = dict(group.units).get(axis)
    over_levels = any(isinstance(value, str) for question in group.questions for _, value in question.at)
    n_rivals = sum(rows[0].kind == "rival" for rows in group.by_method.values())
    series = [
        _curve(
            name, rows, axis, with_ends=over_levels or rows[0].kind in (LVM, *(["rival"] * (n_rivals <= FEW_RIVALS)))
        )
        for name, rows in group.by_method.items()
    ]
    drawn = {each.role for each in series if each.bands}
    level = f"{100 * group.level:g} %"
    ends = [f"band: {level} interval of lvm"] if LVM in drawn and not over_levels else []
    ends += [f"bars: {level} intervals"] if drawn - (set() if over_levels else {LVM}) else []
    below = [f"{quote(axis)}{f' ({unit})' if unit else ''}", "; ".join(ends), _absent(group)]
    scale = group.first.scale
    words = "\n".join(filter(None, below))
    return curves(series, ax=ax, xlabel=words, ylabel=str(scale), title=title, null=scale.null)


def _curve(name: str, rows: Sequence[ComparisonRow], axis: Name, *, with_ends: bool) -> Curve:
    from latentdo.plots import Band, Curve

    def numbers(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    first = rows[0]
    # What the model's points must not be taken for stands in its name.
    doubts = next((row.doubts for row in rows if row.doubts), ())
    band = Band(first.level, numbers(row.lower for row in rows), numbers(row.upper for row in rows))
    return Curve(
        name + (" (baseline)" if first.is_baseline else "") + "".join(f" [{doubt}]" for doubt in doubts),
        tuple(dict(row.at)[axis] for row in rows),
        numbers(row.estimate for row in rows),
        (band,) if with_ends and any(row.lower is not None for row in rows) else (),
        first.kind,
        hollow=bool(doubts),
    )
