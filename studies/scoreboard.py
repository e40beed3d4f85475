"""A reproduction on one screen: published, ours and reference beside each other, for the main questions."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .accuracy import Accuracy, Against, Cell, Coverage, accuracies
from .cases import Study
from .cited import Cited, Key
from .findings import about_convergence
from .published import Figure
from .records import Row
from .sheets import figure, percent, with_quartiles
from .tables import (
    BIAS,
    NO_SPREAD,
    SHORTFALL,
    TOO_FEW,
    data_sets,
    intervals_missing,
    judged_against,
    main_rows,
    methods_of,
    unanswered,
    unfit,
)

SHORT: Mapping[str, str] = {"sample": "s", "population": "p"}
"""What heads and cells call the truth that an error is against."""
SHORTEST = 0.01
"""Seconds below which a time is not told more closely."""
REASONS = 5
"""Of missing answers, that are told one by one."""
WIDEST = 100
"""Columns beyond which prose is hard to read."""


class Detail(NamedTuple):
    """How much tables show.

    Attributes:
        most: How many figures of a cell that others have reported; None for all of them.
        rest: Whether standard errors and seconds are there.
    """

    quartiles: bool
    most: int | None
    rest: bool


DETAILS = (Detail(True, None, True), Detail(False, None, True), Detail(False, 1, True), Detail(False, 1, False))
"""From wide to narrow; the widest that fits is shown."""


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
    own = main_rows(study, rows)
    against, _ = judged_against(study)
    judged, sample, population = (
        {found.cell: found for found in accuracies(own, truth)} for truth in (against, "sample", "population")
    )
    published, reference = Cited.of(study.published), Cited.of(study.reference)
    formula = {value.query: value.value for value in study.formula}
    missing = unanswered(study, own)
    sizes = {cell.n for cell in (*sample, *population, *missing)}
    cited = [Cell(study.name, *key) for key in (*published.by_key, *reference.by_key) if key[1] in sizes]
    known = dict.fromkeys([*population, *sample, *missing, *cited])
    methods = methods_of(cell.method for cell in known)
    order = sorted(known, key=lambda cell: (study.main.index(cell.query) if cell.query in study.main else 99, cell.n,
                                            methods.index(cell.method)))  # fmt: skip
    found = []
    for cell in order:
        said, checked = (each.by_key.get((cell.query, cell.n, cell.method), ()) for each in (published, reference))
        found.append(
            Line(
                cell,
                said[0] if said else None,
                checked[0] if checked else None,
                sample.get(cell),
                population.get(cell),
                judged.get(cell),
                against,
                said[1:],
                checked[1:],
                formula.get(cell.query),
                missing.get(cell, {}),
            )
        )
    return tuple(found)


def overview(study: Study, rows: Sequence[Row], *, width: int | None = None, as_published: bool = False) -> str:
    """The lines of a study as a text table for each main question, and how to read them.

    Args:
        width: Columns that there are: where the tables are wider they leave something out, and prose is folded.
        as_published: Whether the rows are those of the published code.
    """
    found = lines(study, rows)
    parts = [f"{study.title} ({study.name}){', done as published, errors included' * as_published}"]
    outside = unfit(study, rows)
    table = _Board(study)
    detail = next(
        d
        for d in DETAILS
        if width is None or d == DETAILS[-1] or all(len(line) <= width for line in table.drawn(found, d))
    )
    for label in dict.fromkeys(line.cell.query for line in found):
        question = dict(study.queries).get(label, label)
        mine = [line for line in found if line.cell.query == label]
        parts += ["", f"{question}", *table.drawn(mine, detail)]
        parts += [each.words for each in outside if label in each.queries]
    parts += ["", *legend(study, found, detail), *about_convergence(study, rows)]
    return "\n".join(line for part in parts for line in _folded(part, width))


def legend(study: Study, found: Sequence[Line], detail: Detail = DETAILS[0]) -> list[str]:
    """How to read the lines of a study, a sentence or two each."""
    against, words = judged_against(study)
    ours = [accuracy for line in found if (accuracy := line.population or line.sample)]
    if not ours:
        return [*_sources(study, found, detail), *_missing(found)]
    counts = {accuracy.n_datasets for accuracy in ours}
    span = data_sets(max(counts)) if len(counts) == 1 else f"{min(counts)} to {data_sets(max(counts))}"
    spread = any(accuracy.has_spread for accuracy in ours)
    shown = "medians; a wider terminal has quartiles too, and so has report.html" if spread else "medians"
    shown = "median [quartiles]" if spread and detail.quartiles else shown
    said = [
        f"Absolute errors over {span}: {shown}. (s): against the sample value, the mean of the outcome in the "
        "interventional data set of the same seed; (p), RMSE and bias: against the population's answer."
    ]
    said += [NO_SPREAD] * (not all(accuracy.has_spread for accuracy in ours))
    said += _sources(study, found, detail)
    judged = [line.judged for line in found if line.judged is not None]
    covered = [accuracy.coverage for accuracy in judged if accuracy.coverage is not None]
    if covered:
        few = not all(c.is_judged for c in covered)
        level = percent(covered[0].level)
        said.append(f"`covers`: how many {level} intervals hold {words}; – without intervals.{f' {TOO_FEW}' * few}")
    elif judged:
        said.append(f"`covers`: how many intervals hold {words}; no method here gives intervals.")
    said += intervals_missing(judged)
    if any(c.falls_short for c in covered):
        said.append(f"! falls short: {SHORTFALL}.")
    if any(accuracy.is_biased for accuracy in judged):
        said.append(f"* biased: {BIAS}{f', against {words}' * (against != 'population')}.")
    if detail.rest:
        said.append("`seconds`: median of an answer with the fit that it rests on.")
    return [*said, *_missing(found)]


def _missing(found: Sequence[Line]) -> list[str]:
    """How many answers are missing, and why: a sentence for each reason, the most frequent first."""
    reasons: Counter[str] = Counter()
    for line in found:
        reasons.update(line.missing)
    if not reasons:
        return []
    count = reasons.total()
    missing = f"{count} answer{'s are' if count > 1 else ' is'} missing"
    if len(reasons) == 1:
        return [f"{missing}: {next(iter(reasons)).rstrip('.')}."]
    said = [f"{missing}; the rows say of each why (`error` or `note`):"]
    said += [f"- {number} of them: {reason.rstrip('.')}." for reason, number in reasons.most_common(REASONS)]
    if more := count - sum(number for _, number in reasons.most_common(REASONS)):
        said.append(f"- {more} for other reasons.")
    return said


def _sources(study: Study, found: Sequence[Line], detail: Detail) -> list[str]:
    """What the published errors and those of checked estimators are, as their notes say, behind their letters."""
    keys = [line.key for line in found]
    both = {"published": Cited.of(study.published), "reference": Cited.of(study.reference)}
    said = [sentence for name, each in both.items() for sentence in each.told(f"`{name}`", keys, most=detail.most)]
    if detail.most is not None and any(each.leaves_out(keys, detail.most) for each in both.values()):
        said.append(
            "Where there are several published or reference errors the first is shown; report.html has the others."
        )
    return said


@dataclass(frozen=True)
class _Board:
    """The lines of a study as rows of a table."""

    study: Study

    @cached_property
    def _published(self) -> Cited:
        return Cited.of(self.study.published)

    @cached_property
    def _reference(self) -> Cited:
        return Cited.of(self.study.reference)

    def drawn(self, found: Sequence[Line], detail: Detail) -> list[str]:
        """The lines under the names of their columns, below which is what they are against; one without a number is left out."""
        signs = [f"({SHORT[each.against]})" if each.against else "" for each in (self._published, self._reference)]
        names = ("n", "method", "published", "ours", "ours", "reference", "RMSE", "covers", "missing", "seconds")
        below = ("", "", signs[0], "(s)", "(p)", signs[1], "(SE)" * detail.rest, "", "", "")
        return _table([names, below], [self._cells(line, detail) for line in found])

    def _cells(self, line: Line, detail: Detail) -> tuple[str, ...]:
        published, reference = (
            each.cell(line.key, quartiles=detail.quartiles, most=detail.most, words=SHORT)
            for each in (self._published, self._reference)
        )
        whole = line.population
        rmse = "" if whole is None else figure(whole.rmse)
        if whole is not None and whole.rmse_error is not None and detail.rest:
            rmse += f" ({figure(whole.rmse_error)})"
        timed = line.population or line.sample
        seconds = None if timed is None else _seconds(timed)
        return (
            str(line.cell.n),
            line.cell.method,
            "" if line.published is None else published,
            _quartiles(line.sample, quartiles=detail.quartiles),
            _quartiles(line.population, quartiles=detail.quartiles),
            "" if line.reference is None else reference,
            rmse,
            _covers(line.judged),
            f"{line.n_missing}" if line.missing else "",
            "" if seconds is None or not detail.rest else f"{seconds:.2g}" if seconds >= SHORTEST else f"<{SHORTEST:g}",
        )


def _covers(found: Accuracy | None) -> str:
    """The share of intervals that hold the truth, of how many where some are missing, and the marks of the verdicts."""
    if found is None:
        return ""
    c = found.coverage
    share = "–" if c is None else percent(c.share) + f" of {c.n}" * bool(found.n_open)
    return share + " !" * bool(c and c.falls_short) + " *" * bool(found.is_biased)


def _folded(part: str, width: int | None) -> list[str]:
    """A sentence in lines of so many columns; a line of a table as it is."""
    if width is None or "  " in part or len(part) <= min(width, WIDEST):
        return [part]
    return textwrap.wrap(part, max(min(width, WIDEST), 40), break_long_words=False, break_on_hyphens=False)


def _quartiles(found: Accuracy | None, *, quartiles: bool) -> str:
    if found is None:
        return ""
    low, median, high = found.quartiles
    return with_quartiles(median, low, high) if quartiles and found.has_spread else figure(median)


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
    return {
        "median": found.median,
        "low": found.low,
        "high": found.high,
        "note": found.note,
        "against": found.against or None,
    }


def _accuracy_json(found: Accuracy | None) -> dict[str, Any] | None:
    if found is None:
        return None
    low, median, high = found.quartiles
    return {
        "datasets": found.n_datasets,
        "median": median,
        "low": low if found.has_spread else None,
        "high": high if found.has_spread else None,
        "median_error": found.median_error,
        "rmse": found.rmse,
        "rmse_error": found.rmse_error,
        "bias": found.bias,
        "bias_error": found.bias_error,
    }


def _table(heads: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> list[str]:
    used = [i for i in range(len(heads[0])) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in (*heads, *rows)) for i in used}
    return ["  ".join(row[i].ljust(widths[i]) for i in used).rstrip() for row in (*heads, *rows)]
