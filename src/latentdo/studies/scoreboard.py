"""A reproduction on one screen: published, ours and reference beside each other, for the main questions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .accuracy import Accuracy, Cell, Coverage, accuracies
from .records import Row
from .study import Figure, Study
from .tables import SHORTFALL, TOO_FEW, judged_against, main_rows, methods_of, unfit

HEADER = (
    "n",
    "method",
    "published",
    "ours",
    "reference",
    "population",
    "RMSE (SE)",
    "covers",
    "seconds",
)

WIDEST = 100
"""Columns beyond which prose is hard to read."""
DETAIL = (2, 1, 0)
"""How much tables show: 2 everything, 1 no quartiles, 0 neither these nor standard errors nor seconds."""


@dataclass(frozen=True)
class Line:
    """One method at one size.

    Attributes:
        published: What the paper or its stored results say.
        reference: The error of a simple estimator, checked.
        sample: Our errors against the interventional data sets, as in the paper; None where there are none.
        population: Our errors against the population's answer.
        coverage: How many intervals hold what they are judged by: the population's answer, or what the graph's formula gives.
    """

    cell: Cell
    published: Figure | None
    reference: Figure | None
    sample: Accuracy | None
    population: Accuracy | None
    coverage: Coverage | None = None

    def to_json(self) -> dict[str, Any]:
        """The line as plain numbers."""
        whole = self.population or self.sample
        return {
            **self.cell._asdict(),
            "published": _figure_json(self.published),
            "reference": _figure_json(self.reference),
            "sample": _accuracy_json(self.sample),
            "population": _accuracy_json(self.population),
            "coverage": _coverage_json(self.coverage),
            "seconds": None if whole is None else _seconds(whole),
            "missing": 0 if whole is None else whole.n_missing,
            "not_converged": 0 if whole is None else whole.unsure,
        }


def lines(study: Study, rows: Sequence[Row]) -> tuple[Line, ...]:
    """A line for each main question, size and method of a study that has an error or was published."""
    own = main_rows(study, rows)
    judged = {found.cell: found.coverage for found in accuracies(own, judged_against(study)[0])}
    sample = {found.cell: found for found in accuracies(own, "sample")}
    population = {found.cell: found for found in accuracies(own, "population")}
    published = {Cell(study.name, f.query, f.n, f.method): f for f in reversed(study.published)}
    reference = {Cell(study.name, f.query, f.n, f.method): f for f in reversed(study.reference)}
    sizes = {cell.n for cell in (*sample, *population)}
    known = dict.fromkeys([*population, *sample, *(cell for cell in (*published, *reference) if cell.n in sizes)])
    methods = methods_of(cell.method for cell in known)
    order = sorted(known, key=lambda cell: (study.main.index(cell.query) if cell.query in study.main else 99, cell.n,
                                            methods.index(cell.method)))  # fmt: skip
    return tuple(
        Line(cell, published.get(cell), reference.get(cell), sample.get(cell), population.get(cell), judged.get(cell))
        for cell in order
    )


def overview(study: Study, rows: Sequence[Row], *, width: int | None = None, as_published: bool = False) -> str:
    """The lines of a study as a text table for each main question, and how to read them.

    Args:
        width: Columns that there are: where the tables are wider they leave something out, and prose is folded.
        as_published: Whether the rows are those of the published code.
    """
    found = lines(study, rows)
    parts = [f"{study.title} ({study.name}){', done as published, errors included' * as_published}"]
    outside = unfit(study, rows)
    detail = next(d for d in DETAIL if width is None or d == 0 or all(len(line) <= width for line in _drawn(found, d)))
    for label in dict.fromkeys(line.cell.query for line in found):
        question = dict(study.queries).get(label, label)
        mine = [line for line in found if line.cell.query == label]
        parts += ["", f"{question}", *_drawn(mine, detail)]
        parts += [each.words for each in outside if label in each.queries]
    parts += ["", *legend(study, found, quartiles=detail == DETAIL[0])]
    return "\n".join(line for part in parts for line in _folded(part, width))


def legend(study: Study, found: Sequence[Line], *, quartiles: bool = True) -> list[str]:
    """How to read the lines of a study, a sentence or two each."""
    _, words = judged_against(study)
    counts = {accuracy.n_datasets for line in found if (accuracy := line.population or line.sample)}
    if not counts:
        return []
    span = f"{max(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    shown = "median [quartiles]" if quartiles else "medians; a wider terminal has quartiles too, and so has report.html"
    said = [
        f"Absolute errors over {span} data sets: {shown}. `ours` is against the sample value, the mean of the outcome "
        "in the interventional data set of the same seed; `population` and RMSE are against the population's answer."
    ]
    said += [f"`{name}`: {' '.join(notes)}" for name, notes in _sources(found).items() if notes]
    if any(line.coverage for line in found):
        few = not all(line.coverage.is_judged for line in found if line.coverage)
        said.append(f"`covers`: how many 90 % intervals hold {words}.{f' {TOO_FEW}' * few}")
    if any(line.coverage and line.coverage.falls_short for line in found):
        said.append(f"! falls short: {SHORTFALL}.")
    unsure = sum(line.population.unsure for line in found if line.population is not None)
    missing = sum(line.population.n_missing for line in found if line.population is not None)
    if unsure:
        said.append(f"{unsure} answer{'s' * (unsure > 1)} had not converged; all are counted as they are.")
    if missing:
        said.append(f"{missing} answer{'s are' if missing > 1 else ' is'} missing: the rows say why (`error`).")
    return said


def _sources(found: Sequence[Line]) -> dict[str, list[str]]:
    """What the published errors and those of checked estimators are, as their notes say."""
    cited = {"published": [line.published for line in found], "reference": [line.reference for line in found]}
    return {
        name: [
            f"{note.rstrip('.')}."
            for note in dict.fromkeys(figure.note for figure in figures if figure and figure.note)
        ]
        for name, figures in cited.items()
    }


def _drawn(found: Sequence[Line], detail: int) -> list[str]:
    return _table([HEADER, *(_cells(line, detail) for line in found)])


def _folded(part: str, width: int | None) -> list[str]:
    """A sentence in lines of so many columns; a line of a table as it is."""
    if width is None or "  " in part or len(part) <= min(width, WIDEST):
        return [part]
    return textwrap.wrap(part, max(min(width, WIDEST), 40), break_long_words=False, break_on_hyphens=False)


def _cells(line: Line, detail: int) -> tuple[str, ...]:
    whole, quartiles = line.population, detail == DETAIL[0]
    rmse = covers = ""
    if whole is not None:
        rmse = f"{whole.rmse:.3f}" + ("" if whole.rmse_error is None or not detail else f" ({whole.rmse_error:.3f})")
    if line.coverage is not None:
        covers = f"{100 * line.coverage.share:.0f} %{' !' * line.coverage.falls_short}"
    timed = line.population or line.sample
    seconds = None if timed is None else _seconds(timed)
    return (
        str(line.cell.n),
        line.cell.method,
        _figure(line.published, quartiles=quartiles),
        _quartiles(line.sample, quartiles=quartiles),
        _figure(line.reference, quartiles=quartiles),
        _quartiles(line.population, quartiles=quartiles),
        rmse,
        covers,
        "" if seconds is None or not detail else f"{seconds:.2g}",
    )


def _quartiles(found: Accuracy | None, *, quartiles: bool) -> str:
    if found is None:
        return ""
    low, median, high = found.quartiles
    return f"{median:.3f}" + (f" [{low:.3f}, {high:.3f}]" if quartiles else "")


def _figure(found: Figure | None, *, quartiles: bool) -> str:
    if found is None:
        return ""
    span = "" if not quartiles or found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.median:.3f}{span}"


def _seconds(found: Accuracy) -> float | None:
    """Of a fit and its answer, or of a rival."""
    if found.seconds is None:
        return found.fit_seconds
    return found.seconds + (found.fit_seconds or 0.0)


def _coverage_json(found: Coverage | None) -> dict[str, Any] | None:
    if found is None:
        return None
    judged = found.falls_short if found.is_judged else None
    return {"held": found.held, "n": found.n, "level": found.level, "falls_short": judged}


def _figure_json(found: Figure | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"median": found.median, "low": found.low, "high": found.high, "note": found.note}


def _accuracy_json(found: Accuracy | None) -> dict[str, Any] | None:
    if found is None:
        return None
    low, median, high = found.quartiles
    return {
        "datasets": found.n_datasets,
        "median": median,
        "low": low,
        "high": high,
        "median_error": found.median_error,
        "rmse": found.rmse,
        "rmse_error": found.rmse_error,
        "bias": found.bias,
        "bias_error": found.bias_error,
    }


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    used = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in used}
    return ["  ".join(row[i].ljust(widths[i]) for i in used).rstrip() for row in rows]
