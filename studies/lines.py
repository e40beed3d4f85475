"""A reproduction on one screen: published, ours and reference beside each other, for the main questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from latentdo.planning import Coverage
from latentdo.sheet import Column, Note, Sheet, counted

from .accuracy import Accuracy, Against, Cell, accuracies
from .cases import Study
from .cited import Cited, Key
from .findings import about_convergence
from .printed import figure, percent, with_error, with_quartiles
from .published import Figure
from .records import Row
from .tables import (
    BIAS,
    NO_SPREAD,
    SHORTFALL,
    TOO_FEW,
    intervals_missing,
    judged_against,
    main_rows,
    methods_of,
    unanswered,
    unfit,
)

REASONS = 5
"""Of missing answers, that are told one by one."""


@dataclass(frozen=True)
class Line:
    """One method at one size.

    Attributes:
        published: What the paper or its stored results say; the first, where they say several things.
        reference: The error of a simple estimator, checked; likewise.
        sample: Our errors against the interventional data sets, as in the paper; None where there are none.
        population: Our errors against the population's answer.
        judged: Our errors against what intervals are judged by: the population's answer, or what the graph's formula gives.
        against: Which of them that is.
        more_published: The other published errors.
        more_reference: The other errors of simple estimators.
        formula_truth: What the graph's formula gives with endless rows, where the study says it.
        missing: Why answers are missing, and on how many data sets each reason was given.
    """

    cell: Cell
    published: Figure | None
    reference: Figure | None
    sample: Accuracy | None
    population: Accuracy | None
    judged: Accuracy | None = None
    against: Against = "population"
    more_published: tuple[Figure, ...] = ()
    more_reference: tuple[Figure, ...] = ()
    formula_truth: float | None = None
    missing: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_missing(self) -> int:
        """Data sets on which the method should have answered and did not."""
        return sum(self.missing.values())

    @property
    def coverage(self) -> Coverage | None:
        """How many intervals hold what they are judged by; None without intervals."""
        return None if self.judged is None else self.judged.coverage

    @property
    def key(self) -> Key:
        """Question, size, method."""
        return self.cell.query, self.cell.n, self.cell.method

    def to_json(self) -> dict[str, Any]:
        """The line as plain numbers."""
        whole = self.population or self.sample
        return {
            **self.cell._asdict(),
            "published": _figure_json(self.published),
            "more_published": [_figure_json(each) for each in self.more_published],
            "reference": _figure_json(self.reference),
            "more_reference": [_figure_json(each) for each in self.more_reference],
            "sample": _accuracy_json(self.sample),
            "population": _accuracy_json(self.population),
            "judged_against": self.against,
            "formula_truth": self.formula_truth,
            "coverage": _coverage_json(self.coverage),
            "without_interval": 0 if whole is None else whole.n_open,
            "biased": None if self.judged is None else self.judged.is_biased,
            "seconds": None if whole is None else _seconds(whole),
            "missing": self.n_missing,
            "missing_because": list(self.missing),
            "not_converged": None if whole is None else whole.unsure,
        }


def lines(study: Study, rows: Sequence[Row]) -> tuple[Line, ...]:
    """A line for each main question, size and method of a study that has an error, should have answered or was published."""
    main = main_rows(study, rows)
    against, _ = judged_against(study)
    judged, sample, population = (
        {listed.cell: listed for listed in accuracies(main, truth)} for truth in (against, "sample", "population")
    )
    published, reference = Cited.of(study.published), Cited.of(study.reference)
    formula = {value.query: value.value for value in study.formula}
    missing = unanswered(study, main)
    sizes = {cell.n for cell in (*sample, *population, *missing)}
    cited = [Cell(study.name, *key) for key in (*published.by_key, *reference.by_key) if key[1] in sizes]
    known = dict.fromkeys([*population, *sample, *missing, *cited])
    methods = methods_of(cell.method for cell in known)
    order = sorted(known, key=lambda cell: (study.main.index(cell.query) if cell.query in study.main else 99, cell.n,
                                            methods.index(cell.method)))  # fmt: skip
    listed = []
    for cell in order:
        reported, checked = (each.by_key.get((cell.query, cell.n, cell.method), ()) for each in (published, reference))
        listed.append(
            Line(
                cell,
                reported[0] if reported else None,
                checked[0] if checked else None,
                sample.get(cell),
                population.get(cell),
                judged.get(cell),
                against,
                reported[1:],
                checked[1:],
                formula.get(cell.query),
                missing.get(cell, {}),
            )
        )
    return tuple(listed)


def overview(study: Study, rows: Sequence[Row], *, as_published: bool = False) -> list[Sheet]:
    """A table of its lines for each main question of a study, and how to read them.

    Args:
        as_published: Whether the rows are those of the published code.
    """
    listed = lines(study, rows)
    published, reference = Cited.of(study.published), Cited.of(study.reference)
    outside = unfit(study, rows)
    sheets = [Sheet(f"{study.title} ({study.name}){', done as published, errors included' * as_published}")]
    for label in dict.fromkeys(line.cell.query for line in listed):
        columns = [Column("n, method"), *(Column(name, "number") for name in (
            published.head("published"), "ours, sample value", "ours, population", reference.head("reference"),
            "RMSE", "hold", "missing", "seconds",
        ))]  # fmt: skip
        cells = [_cells(line, published, reference) for line in listed if line.cell.query == label]
        empty = [column.title for k, column in enumerate(columns) if not any(row[k] for row in cells)]
        notes = tuple(Note(each.words) for each in outside if label in each.queries)
        question = str(dict(study.queries).get(label, label))
        sheets.append(Sheet.of(question, columns, cells, notes=notes).without(*empty))
    legend = [*_legend(study, listed, published, reference), *_missing(listed), *about_convergence(study, rows)]
    return [*sheets, Sheet(notes=tuple(map(Note, legend)))]


def _cells(line: Line, published: Cited, reference: Cited) -> tuple[str, ...]:
    reported, checked = (
        each.cell(line.key, quartiles=True) if each.by_key.get(line.key) else "" for each in (published, reference)
    )
    whole = line.population
    timed = line.population or line.sample
    seconds = None if timed is None else _seconds(timed)
    return (
        f"{line.cell.n}  {line.cell.method}",
        reported,
        _quartiles(line.sample),
        _quartiles(line.population),
        checked,
        "" if whole is None else with_error(whole.rmse, whole.rmse_error),
        _covers(line.judged),
        f"{line.n_missing}" if line.missing else "",
        "" if seconds is None else f"{seconds:.2g}",
    )


def _legend(study: Study, listed: Sequence[Line], published: Cited, reference: Cited) -> list[str]:
    """How to read the lines of a study, a sentence or two each."""
    _, truth = judged_against(study)
    ours = [accuracy for line in listed if (accuracy := line.population or line.sample)]
    keys = [line.key for line in listed]
    sources = [*published.told("published", keys), *reference.told("reference", keys)]
    if not ours:
        return sources
    counts = sorted({accuracy.n_datasets for accuracy in ours})
    span = counted(counts[-1], "data set") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} data sets"
    judged = [line.judged for line in listed if line.judged is not None]
    covered = [accuracy.coverage for accuracy in judged if accuracy.coverage is not None]
    return [
        f"Absolute errors over {span}: median [quartiles]. The sample value is the mean of the outcome in the "
        "interventional data set of the same seed; RMSE and bias are against the population's answer.",
        *([] if all(accuracy.has_spread for accuracy in ours) else [NO_SPREAD]),
        *sources,
        f"hold: how many intervals hold {truth}; – without intervals.",
        *([] if all(c.is_judged for c in covered) else [TOO_FEW]),
        *intervals_missing(judged),
        *([f"! falls short: {SHORTFALL}."] if any(c.falls_short for c in covered) else []),
        *([f"* biased: {BIAS}, against {truth}."] if any(accuracy.is_biased for accuracy in judged) else []),
    ]


def _missing(listed: Sequence[Line]) -> list[str]:
    """How many answers are missing, and why, the most frequent reasons first."""
    reasons: Counter[str] = Counter()
    for line in listed:
        reasons.update(line.missing)
    if not reasons:
        return []
    frequent = [f"{reason.rstrip('.')} ({count})" for reason, count in reasons.most_common(REASONS)]
    more = reasons.total() - sum(count for _, count in reasons.most_common(REASONS))
    others = [f"other reasons ({more})"] * bool(more)
    return [f"{counted(reasons.total(), 'answer is', 'answers are')} missing: {'; '.join([*frequent, *others])}."]


def _covers(accuracy: Accuracy | None) -> str:
    """The share of intervals that hold the truth, of how many where some are missing, and the marks of the verdicts."""
    if accuracy is None:
        return ""
    c = accuracy.coverage
    share = "–" if c is None else percent(c.share) + f" of {c.n}" * bool(accuracy.n_open)
    return share + " !" * bool(c and c.falls_short) + " *" * bool(accuracy.is_biased)


def _quartiles(accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return ""
    low, median, high = accuracy.quartiles
    return with_quartiles(median, low, high) if accuracy.has_spread else figure(median)


def _seconds(accuracy: Accuracy) -> float | None:
    """Of a fit and its answer, or of a rival."""
    if accuracy.seconds is None:
        return accuracy.fit_seconds
    return accuracy.seconds + (accuracy.fit_seconds or 0.0)


def _coverage_json(coverage: Coverage | None) -> dict[str, Any] | None:
    if coverage is None:
        return None
    judged = coverage.falls_short if coverage.is_judged else None
    return {"held": coverage.held, "n": coverage.n, "level": coverage.level, "falls_short": judged}


def _figure_json(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {
        "median": figure.median,
        "low": figure.low,
        "high": figure.high,
        "note": figure.note,
        "against": figure.against or None,
    }


def _accuracy_json(accuracy: Accuracy | None) -> dict[str, Any] | None:
    if accuracy is None:
        return None
    low, median, high = accuracy.quartiles
    return {
        "datasets": accuracy.n_datasets,
        "median": median,
        "low": low if accuracy.has_spread else None,
        "high": high if accuracy.has_spread else None,
        "median_error": accuracy.median_error,
        "rmse": accuracy.rmse,
        "rmse_error": accuracy.rmse_error,
        "bias": accuracy.bias,
        "bias_error": accuracy.bias_error,
    }
