"""A reproduction on one screen: published, ours and reference beside each other, for the main questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .accuracy import Accuracy, Cell, accuracies
from .records import Row
from .study import Figure, Study
from .tables import methods_of

HEADER = (
    "n",
    "method",
    "published",
    "ours",
    "reference",
    "to population",
    "RMSE (SE)",
    "covers",
    "seconds",
)


@dataclass(frozen=True)
class Line:
    """One method at one size.

    Attributes:
        published: What the paper or its stored results say.
        reference: The error of a simple estimator, checked.
        sample: Our errors against the interventional data sets, as in the paper; None where there are none.
        population: Our errors against the population's answer.
    """

    cell: Cell
    published: Figure | None
    reference: Figure | None
    sample: Accuracy | None
    population: Accuracy | None

    def to_json(self) -> dict[str, Any]:
        """The line as plain numbers."""
        whole = self.population or self.sample
        coverage = None if self.population is None else self.population.coverage
        return {
            **self.cell._asdict(),
            "published": _figure_json(self.published),
            "reference": _figure_json(self.reference),
            "sample": _accuracy_json(self.sample),
            "population": _accuracy_json(self.population),
            "coverage": None if coverage is None else {"held": coverage.held, "n": coverage.n, "level": coverage.level},
            "seconds": None if whole is None else _seconds(whole),
            "missing": 0 if whole is None else whole.n_missing,
            "not_converged": 0 if whole is None else whole.unsure,
        }


def lines(study: Study, rows: Sequence[Row]) -> tuple[Line, ...]:
    """A line for each main question, size and method of a study that has an error or was published."""
    own = [row for row in rows if row["study"] == study.name and row["query"] in study.main]
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
        Line(cell, published.get(cell), reference.get(cell), sample.get(cell), population.get(cell)) for cell in order
    )


def overview(study: Study, rows: Sequence[Row]) -> str:
    """The lines of a study as a text table for each main question."""
    found = lines(study, rows)
    parts = [f"{study.title} ({study.name})"]
    for label in dict.fromkeys(line.cell.query for line in found):
        question = dict(study.queries).get(label, label)
        mine = [line for line in found if line.cell.query == label]
        parts += ["", f"{question}", *_table([HEADER, *map(_cells, mine)])]
    counts = {accuracy.n_datasets for line in found if (accuracy := line.population or line.sample)}
    if counts:
        span = f"{max(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
        parts += [
            "",
            f"Absolute errors over {span} data sets, median [quartiles]: published and ours against the sample value of the",
        ]
        parts += [
            "interventional data; `to population`, RMSE and coverage of 90 % intervals against the population value."
        ]
    unsure = sum(line.population.unsure for line in found if line.population is not None)
    missing = sum(line.population.n_missing for line in found if line.population is not None)
    if unsure:
        parts += [f"{unsure} answers had not converged; they are counted as they are."]
    if missing:
        parts += [f"{missing} answers are missing: the rows say why (`error`)."]
    return "\n".join(parts)


def _cells(line: Line) -> tuple[str, ...]:
    whole = line.population
    rmse = covers = ""
    if whole is not None:
        rmse = f"{whole.rmse:.3f}" + ("" if whole.rmse_error is None else f" ({whole.rmse_error:.3f})")
        covers = "" if whole.coverage is None else f"{100 * whole.coverage.share:.0f} %"
        covers += " !" if whole.coverage is not None and whole.coverage.falls_short else ""
    timed = line.population or line.sample
    seconds = None if timed is None else _seconds(timed)
    return (
        str(line.cell.n),
        line.cell.method,
        _figure(line.published),
        _quartiles(line.sample),
        _figure(line.reference),
        _quartiles(line.population),
        rmse,
        covers,
        "" if seconds is None else f"{seconds:.2g}",
    )


def _quartiles(found: Accuracy | None) -> str:
    if found is None:
        return ""
    low, median, high = found.quartiles
    return f"{median:.3f} [{low:.3f}, {high:.3f}]"


def _figure(found: Figure | None) -> str:
    if found is None:
        return ""
    span = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.median:.3f}{span}"


def _seconds(found: Accuracy) -> float | None:
    """Of a fit and its answer, or of a rival."""
    if found.seconds is None:
        return found.fit_seconds
    return found.seconds + (found.fit_seconds or 0.0)


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
