"""The tables of a study: errors beside the published ones, intervals, rivals on the same data, targets, times, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from latentdo.planning import CHANCE
from latentdo.sheet import Sheet, counted, duration

from .accuracy import (
    BIASED,
    FEWEST,
    FLOOR,
    MEAN,
    MISSPECIFIED,
    NAIVE,
    OURS,
    SPREAD,
    Accuracy,
    Against,
    Cell,
    Match,
    Ratio,
    accuracies,
    cell_of,
    cells,
    in_order,
    is_yes,
    matches,
    number,
    ratios,
    root_mean_square,
)
from .cases import Study
from .cited import Cited
from .printed import figure, percent, table, with_error, with_quartiles
from .records import Row

FIRST = (OURS, MISSPECIFIED, "plug-in")
LAST = (MEAN, *NAIVE, FLOOR)
CLOSE = 1.1
"""How many times the floor an error may be before more than the last equation is to blame."""
EXPECTED = 1.5
"""How many times the error of the true model that of a misspecified one is expected to stay below, where it fits P(V)."""
TOO_FEW = f"There are no verdicts from fewer than {FEWEST} data sets."
SHORTFALL = f"intervals of just that level would hold it so seldom with a probability below {CHANCE:g} (exact binomial)"

NO_SPREAD = (
    f"From fewer than {SPREAD} data sets there are neither quartiles nor standard errors nor intervals of ratios."
)
BEHIND = "Behind ± is one standard error; that of a share is binomial, at the level of the interval."
BIAS = f"the mean error is more than {BIASED:g} of its standard errors away from 0"
"""When a method is called biased, as the end of a sentence."""

RATIO_TARGETS: Mapping[str, tuple[tuple[str, float], ...]] = {"multicause-strong": (("plug-in", 1.0), (MEAN, 0.5))}
"""How many times the RMSE of a rival that of the model may be, where a study has such targets."""


@dataclass(frozen=True)
class PublishedTime:
    """How long the published computation took, and for what."""

    hours: tuple[float, float]
    n_fits: int
    words: str

    @property
    def seconds_per_fit(self) -> tuple[float, float]:
        """Both ends of the range, for one fit."""
        low, high = self.hours
        return 3600 * low / self.n_fits, 3600 * high / self.n_fits


# Taheri, Ness, Zucker & Vitek (arXiv 2102.06626), text of the second and of the fourth study; ten data sets per size.
PUBLISHED_TIMES = {
    "signaling": PublishedTime((49.5 / 60, 49.5 / 60), 30, "49.5 minutes for 30 fits"),
    "covid": PublishedTime((14.0, 20.0), 10, "14 to 20 hours per sample size, taken as 10 fits"),
}


def methods_of(names: Iterable[str]) -> tuple[str, ...]:
    """The model first, then the formula itself and the other rivals as they come, what needs no method last."""
    ordered = in_order(names, FIRST)
    return (*(name for name in ordered if name not in LAST), *(name for name in LAST if name in ordered))


def main_rows(study: Study, rows: Sequence[Row]) -> list[Row]:
    """The rows of a study that are about its main questions, with what the graph's formula gives where the study says it."""
    return [row for row in _own(study, rows) if row["query"] in study.main]


def _own(study: Study, rows: Sequence[Row]) -> list[Row]:
    of_study = [row for row in rows if cell_of(row).study == study.name]
    if not study.formula:
        return of_study
    stated = {value.query: value.value for value in study.formula}
    return [{**row, "formula_truth": stated.get(str(row["query"]))} for row in of_study]


def judged_against(study: Study) -> tuple[Against, str]:
    """What intervals must hold, and its name: where data cannot tell the population's answer, what the formula gives."""
    if study.formula:
        return "formula", "what the graph's formula gives with endless rows"
    return "population", "the population's answer"


@dataclass(frozen=True)
class Unfit:
    """A method that does not answer some questions, and why."""

    method: str
    queries: tuple[str, ...]
    reason: str

    @property
    def words(self) -> str:
        """That as a sentence."""
        return f"{self.method} does not apply to {', '.join(self.queries)}: {self.reason.rstrip('.')}."


def unfit(study: Study, rows: Sequence[Row]) -> list[Unfit]:
    """The methods that answer a main question on no data set because they do not apply, with the first reason given for each."""
    return _unfit(main_rows(study, rows))


def _unfit(rows: Iterable[Row]) -> list[Unfit]:
    reasons: dict[tuple[str, str], str] = {}
    answered = set()
    for row in rows:
        key = (str(row["method"]), str(row["query"]))
        if number(row, "estimate") is not None:
            answered.add(key)
        elif not is_yes(row, "applies"):
            reasons.setdefault(key, str(row.get("note") or "no reason was given"))
    queries_by_reason: dict[tuple[str, str], list[str]] = {}
    for (method, query), reason in reasons.items():
        if (method, query) not in answered:
            queries_by_reason.setdefault((method, reason), []).append(query)
    listed = [Unfit(method, tuple(queries), reason) for (method, reason), queries in queries_by_reason.items()]
    order = methods_of(each.method for each in listed)
    return sorted(listed, key=lambda each: order.index(each.method))


def unanswered(study: Study, rows: Sequence[Row]) -> dict[Cell, dict[str, int]]:
    """Where answers are missing: by cell the reasons, and on how many data sets each."""
    by_cell: dict[Cell, dict[str, int]] = {}
    for method, query, n, message, count in failures(study, rows):
        by_cell.setdefault(Cell(study.name, query, n, method), {})[message] = count
    return by_cell


def errors_sheet(study: Study, rows: Sequence[Row], *, quartiles: bool = True) -> Sheet:
    """Median absolute errors: published, ours against both truths, and those of simple estimators that were checked.

    Args:
        quartiles: Whether they stand behind the medians; a narrow page has no room for them.
    """
    main = main_rows(study, rows)
    by_sample, by_population = ({a.cell: a for a in accuracies(main, against)} for against in ("sample", "population"))
    published, reference = Cited.of(study.published), Cited.of(study.reference)
    missing = unanswered(study, main)
    computed = {(c.query, c.n, c.method): c for c in (*by_population, *by_sample, *missing)}
    outside = unfit(study, rows)
    without = {(query, each.method) for each in outside for query in each.queries}
    lines = {}
    for query in study.main:
        for n in sorted({n for q, n, _ in computed if q == query}):
            known = [m for q, k, m in (*computed, *published.by_key, *reference.by_key) if (q, k) == (query, n)]
            for method in methods_of([*known, *(m for q, m in without if q == query)]):
                key = (query, n, method)
                cell = computed.get(key)
                nothing = "does not apply" if (query, method) in without else "–"
                if cell is not None and cell not in by_population and cell not in by_sample:
                    cell, nothing = None, f"{sum(missing[cell].values())} failed"
                lines[key] = (
                    query,
                    str(n),
                    method,
                    published.cell(key, quartiles=quartiles),
                    _ours(by_sample.get(cell), quartiles=quartiles) if cell else nothing,
                    _ours(by_population.get(cell), quartiles=quartiles) if cell else nothing,
                    reference.cell(key, quartiles=quartiles),
                )
    spread = any(a.has_spread for a in by_population.values())
    notes = [f"Median{' ± its standard error' * spread} over data sets{' [quartiles]' * (quartiles and spread)}."]
    notes += [NO_SPREAD] * (not all(a.has_spread for a in by_population.values()))
    notes += [*published.told("Published", lines), *reference.told("Reference", lines)]
    return table(
        f"{study.title}: absolute error of the answer",
        (
            *("question", "n", "method", published.head("published")),
            *("ours, sample value", "ours, population", reference.head("reference")),
        ),
        tuple(lines.values()),
        3,
        (*notes, *(each.words for each in outside)),
    )


def _ours(accuracy: Accuracy | None, *, quartiles: bool) -> str:
    if accuracy is None or not quartiles or not accuracy.has_spread:
        return _with_error(accuracy)
    low, median, high = accuracy.quartiles
    return with_quartiles(median, low, high, accuracy.median_error)


def intervals_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """Mean errors, and how many intervals hold the population's answer, or what the formula gives where that is another."""
    main = main_rows(study, rows)
    against, words = judged_against(study)
    judged = {a.cell: a for a in accuracies(main, against)}
    listed = sorted_by(study, accuracies(main))
    two = against != "population"
    empty = _empty_lines(study, main, 12 if two else 10)
    by_cell = empty | {a.cell: _interval_line(a, judged.get(a.cell), two=two) for a in listed}
    lines = [by_cell[cell] for cell in in_table_order(study, by_cell)]
    biases = ("bias, population", "bias, formula") if two else ("bias",)
    both = ("hold the population's answer", "hold the formula's") if two else ("intervals hold",)
    errors = ("question", "n", "method", "data sets", "RMSE", *biases)
    verdicts = dict.fromkeys(line[-3] for line in lines)
    return table(
        f"{study.title}: errors against the population's answer, and intervals",
        (*errors, *both, "verdict", "width", "not converged"),
        tuple(lines),
        3,
        (
            *([BEHIND] if any(a.has_spread for a in listed) else []),
            *([NO_SPREAD] if not all(a.has_spread for a in listed) else []),
            f"A method falls short where its intervals hold {words} so seldom that chance does not explain it: {SHORTFALL}. "
            "Otherwise they are within chance: so many could be of just that level, and of a somewhat lower one too.",
            *([f"A method is biased where {BIAS}{', the formula taken as the truth' * two}."] if listed else []),
            TOO_FEW,
            *intervals_missing(listed),
            *(each.words for each in unfit(study, rows)),
        ),
        tuple(verdict for verdict in verdicts if "falls short" in verdict or "biased" in verdict),
    )


def _interval_line(accuracy: Accuracy, judged: Accuracy | None, *, two: bool) -> tuple[str, ...]:
    """The cells of a method at a size; with two truths, bias and coverage of each."""
    biases = [accuracy, *([judged] if two else [])]
    return (
        accuracy.cell.query,
        str(accuracy.cell.n),
        accuracy.cell.method,
        f"{accuracy.n_datasets}" + (f" (+{accuracy.n_missing} failed)" if accuracy.n_missing else ""),
        with_error(accuracy.rmse, accuracy.rmse_error),
        *("–" if a is None else with_error(a.bias, a.bias_error, signed=True) for a in biases),
        *("–" if a is None else _share(a) for a in biases),
        "–" if judged is None else verdict_of(judged),
        figure(accuracy.width),
        "" if accuracy.unsure is None else f"{accuracy.unsure}",
    )


def _empty_lines(study: Study, rows: Sequence[Row], width: int) -> dict[Cell, tuple[str, ...]]:
    """A line of so many columns for each method at a size at which answers are missing: it stands where there is no other."""
    return {
        cell: (cell.query, str(cell.n), cell.method, f"0 (+{sum(reasons.values())} failed)", *["–"] * (width - 4))
        for cell, reasons in unanswered(study, rows).items()
    }


def verdict_of(accuracy: Accuracy) -> str:
    """Whether the intervals fall short, and whether the method is biased."""
    c = accuracy.coverage
    words = "" if c is None else "falls short" if c.falls_short else "within chance" if c.is_judged else "too few"
    return "; ".join(word for word in (words, "biased" * bool(accuracy.is_biased)) if word) or "–"


def intervals_missing(accuracies: Iterable[Accuracy]) -> list[str]:
    """A sentence per method that gives no interval on some data sets, and what that means for its share."""
    by_method: dict[str, list[Accuracy]] = {}
    for a in accuracies:
        if a.n_open:
            by_method.setdefault(a.cell.method, []).append(a)
    return [_missing(method, listed) for method, listed in by_method.items()]


def _missing(method: str, listed: Sequence[Accuracy]) -> str:
    if all(a.coverage is None for a in listed):
        return f"{method} gives estimates and no intervals ({'; '.join(f'{a.cell.query}, n = {a.cell.n}' for a in listed)})."
    places = "; ".join(
        f"{a.n_open} of {counted(a.n_datasets, 'data set')} ({a.cell.query}, n = {a.cell.n})" for a in listed
    )
    return f"{method} gives an estimate and no interval on {places}: its share is of the others."


def _share(accuracy: Accuracy) -> str:
    """How many intervals hold the truth, and on how many data sets there is none."""
    c, none = accuracy.coverage, f"none in {accuracy.n_open} of {accuracy.n_datasets}"
    if c is None:
        return none if accuracy.n_open else "–"
    binomial = f" ± {percent(c.error)}" * (c.n >= SPREAD)
    return f"{c.held} of {c.n} ({percent(c.share)}{binomial})" + f"; {none}" * bool(accuracy.n_open)


def sorted_by(study: Study, unordered: Iterable[Accuracy]) -> list[Accuracy]:
    """Accuracies by question, size and method, in the order of the study and of its tables."""
    by_cell = {a.cell: a for a in unordered}
    return [by_cell[cell] for cell in in_table_order(study, by_cell)]


def in_table_order(study: Study, unordered: Iterable[Cell]) -> list[Cell]:
    """Cells by question, size and method, in the order of the study and of its tables."""
    listed = list(unordered)
    methods = methods_of(cell.method for cell in listed)
    order = questions_of(study)
    return sorted(listed, key=lambda cell: (order.index(cell.query), cell.n, methods.index(cell.method)))


def questions_of(study: Study) -> tuple[str, ...]:
    """The labels of all questions of the study file, the main ones first."""
    return in_order([label for label, _ in study.queries], study.main)


def others_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """The errors of the questions that are no main ones."""
    others = [row for row in _own(study, rows) if row["query"] not in study.main]
    by_sample = {a.cell: a for a in accuracies(others, "sample")}
    listed = sorted_by(study, accuracies(others))
    by_cell = _empty_lines(study, others, 9) | {
        a.cell: (
            a.cell.query,
            str(a.cell.n),
            a.cell.method,
            f"{a.n_datasets}" + (f" (+{a.n_missing} failed)" if a.n_missing else ""),
            _with_error(by_sample.get(a.cell)),
            _with_error(a),
            with_error(a.rmse, a.rmse_error),
            with_error(a.bias, a.bias_error, signed=True),
            _share(a),
        )
        for a in listed
    }
    return table(
        f"{study.title}: the other questions",
        (
            *("question", "n", "method", "data sets", "ours, sample value", "ours, population"),
            *("RMSE", "bias", "intervals hold"),
        ),
        tuple(by_cell[cell] for cell in in_table_order(study, by_cell)),
        3,
        (
            "Median absolute errors against the sample value; then, against the population's answer, these, RMSE, bias and "
            "intervals. Nothing is judged here.",
            *intervals_missing(listed),
            *(each.words for each in _unfit(others)),
        ),
    )


def rivals_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """The model against each rival on the same data sets, judged by squared error against the population's answer."""
    lines = [
        (
            match.query,
            str(match.n),
            match.rival,
            str(match.n_datasets),
            figure(match.rmse),
            figure(match.rival_rmse),
            "–" if match.distance is None or match.n_datasets < SPREAD else f"{match.distance:+.1f}",
            match.verdict if match.n_datasets >= FEWEST else "too few",
        )
        for match in rivalries(study, rows)
    ]
    return table(
        f"{study.title}: the model against each rival, same data",
        ("question", "n", "rival", "data sets", "RMSE of lvm", "of the rival", "difference, SE", "lvm"),
        tuple(lines),
        3,
        (
            "The difference of the squared errors, in its own standard errors; negative where the model is closer.",
            "Within two it is a tie.",
            TOO_FEW,
        ),
        ("loses",),
    )


def rivalries(study: Study, rows: Sequence[Row]) -> list[Match]:
    """The model against each rival, the misspecified model and the floor left out, in the order of the tables."""
    judged = [m for m in matches(main_rows(study, rows)) if m.rival not in (MISSPECIFIED, FLOOR)]
    methods = methods_of(m.rival for m in judged)
    return sorted(judged, key=lambda m: (study.main.index(m.query), m.n, methods.index(m.rival)))


def ratios_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """Errors as multiples of those of the floor, of the true model, of the plug-in and of the mean, on the same data."""
    main = main_rows(study, rows)
    lines, few = [], False
    for method, reference in ((OURS, FLOOR), (MISSPECIFIED, OURS), (OURS, "plug-in"), (OURS, MEAN)):
        medians = ratios(main, method, reference)
        roots = ratios(main, method, reference, statistic=root_mean_square)
        for median, root in sorted(
            zip(medians, roots, strict=True), key=lambda pair: (study.main.index(pair[0].query), pair[0].n)
        ):
            few = few or median.n_datasets < SPREAD
            names = (f"{method} / {reference}", median.query, str(median.n), str(median.n_datasets))
            lines.append((*names, ratio(median), ratio(root), *_wanted(study, median, root)))
    return table(
        f"{study.title}: errors as multiples of a reference",
        ("errors", "question", "n", "data sets", "median absolute error", "RMSE", "wanted", "verdict"),
        lines,
        3,
        (
            "Behind a ratio is its 95 % bootstrap interval over data sets, paired. What was wanted is met where the whole "
            "interval lies below it, missed where all of it lies above, and open where the interval holds it.",
            *([NO_SPREAD] if few else []),
        ),
        ("missed",),
    )


def _wanted(study: Study, median: Ratio, root: Ratio) -> tuple[str, str]:
    """The limit that a judged was to stay below, if there was one, and whether it does."""
    if (median.method, median.reference) in (limits := {(OURS, FLOOR): CLOSE, (MISSPECIFIED, OURS): EXPECTED}):
        judged, limit, which = median, limits[median.method, median.reference], "median"
    elif median.reference in (limits := dict(RATIO_TARGETS.get(study.name, ()))):
        judged, limit, which = root, limits[median.reference], "RMSE"
    else:
        return "", ""
    if judged.n_datasets < FEWEST:
        return f"{which} ≤ {limit:g}", "too few"
    return f"{which} ≤ {limit:g}", "met" if judged.high <= limit else "missed" if judged.low > limit else "open"


def ratio(value: Ratio) -> str:
    """A ratio with its interval, `0.90 [0.85, 0.96]`; without it from few data sets."""
    return f"{value.value:.2f}" + f" [{value.low:.2f}, {value.high:.2f}]" * (value.n_datasets >= SPREAD)


@dataclass(frozen=True)
class Target:
    """A median error that was to be reached, and what was."""

    query: str
    n: int
    wanted: float
    reached: Accuracy | None
    by_sample: Accuracy | None

    @property
    def distance(self) -> float | None:
        """How far the median absolute error lies above what was wanted; None where it was not measured."""
        return None if self.reached is None else self.reached.quartiles[1] - self.wanted

    @property
    def verdict(self) -> str:
        """Whether it was met, and if not by how many standard errors."""
        if self.reached is None or self.distance is None:
            return "not measured"
        if self.reached.n_datasets < FEWEST:
            return "too few data sets"
        if self.distance <= 0:
            return "met"
        error = self.reached.median_error
        return "missed" if not error else f"missed by {self.distance / error:.1f} SE"


def targets(study: Study, rows: Sequence[Row]) -> list[Target]:
    """The targets of a study, with what the model reached against the population's answer and the sample value; none if only
    other methods were run."""
    main = main_rows(study, rows)
    if not any(row["method"] == OURS for row in main):
        return []
    reached = {
        against: {(a.cell.query, a.cell.n): a for a in accuracies(main, against) if a.cell.method == OURS}
        for against in ("population", "sample")
    }
    return [
        Target(query, n, wanted, reached["population"].get((query, n)), reached["sample"].get((query, n)))
        for query, n, wanted in study.targets
    ]


def targets_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """What was to be reached, and what was."""
    lines = [
        (
            target.query,
            str(target.n),
            f"≤ {figure(target.wanted)}",
            _with_error(target.reached),
            _with_error(target.by_sample),
            figure(target.distance, signed=True),
            target.verdict,
        )
        for target in targets(study, rows)
    ]
    return table(
        f"{study.title}: what we had set ourselves",
        ("question", "n", "median error wanted", "reached", "against the sample value", "distance", "verdict"),
        tuple(lines),
        2,
        ("Limits that this project set itself, judged against the population's answer.", TOO_FEW),
        tuple({line[-1] for line in lines if line[-1].startswith("missed")}),
    )


def _with_error(accuracy: Accuracy | None) -> str:
    return "–" if accuracy is None else with_error(accuracy.quartiles[1], accuracy.median_error)


@dataclass(frozen=True)
class Times:
    """Seconds of all fits of a method at one size, and of its answers.

    Attributes:
        fits: Seconds of each fit; a fit that answers several questions counts once.
        answers: Seconds of each answer, the fit not counted.
    """

    n: int
    method: str
    fits: tuple[float, ...]
    answers: tuple[float, ...]

    @property
    def total(self) -> float:
        """Seconds of all of it, one after the other."""
        return sum(self.fits) + sum(self.answers)


def times(study: Study, rows: Sequence[Row]) -> list[Times]:
    """The times by size and method."""
    fits: dict[tuple[int, str], dict[int, float]] = {}
    answers: dict[tuple[int, str], list[float]] = {}
    for cell, by_dataset in cells(row for row in rows if cell_of(row).study == study.name).items():
        key = (cell.n, cell.method)
        fits.setdefault(key, {})
        answers.setdefault(key, [])
        for k, row in by_dataset.items():
            if (seconds := number(row, "fit_seconds")) is not None:
                fits[key][k] = seconds
            if (seconds := number(row, "seconds")) is not None:
                answers[key].append(seconds)
    methods = methods_of(method for _, method in fits)
    ordered = sorted(fits, key=lambda key: (methods.index(key[1]), key[0]))
    return [Times(n, method, tuple(fits[n, method].values()), tuple(answers[n, method])) for n, method in ordered]


def times_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """How long fits and answers took, beside the published times."""
    published = PUBLISHED_TIMES.get(study.name)
    lines = [
        (
            each.method,
            str(each.n),
            str(len(each.fits)) if each.fits else "–",
            duration(_middle(each.fits)),
            duration(max(each.fits, default=None)),
            duration(_middle(each.answers)),
            duration(each.total),
            _span(published) if published and each.method == OURS else "–",
        )
        for each in times(study, rows)
    ]
    return table(
        f"{study.title}: time",
        (
            *("method", "n", "fits", "a fit, median", "longest fit", "an answer, median"),
            *("sum of all fits and answers", "published, a fit"),
        ),
        tuple(lines),
        2,
        (
            "In each process the first fit of a size is longer, by the seconds or the minute that compiling takes: the sum has "
            "that in it, a median of many fits has not.",
            *([f"Published: {published.words}."] if published else []),
        ),
    )


def _middle(seconds: Sequence[float]) -> float | None:
    ordered = sorted(seconds)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2 if ordered else None


def _span(published: PublishedTime) -> str:
    return " to ".join(dict.fromkeys(map(duration, published.seconds_per_fit)))


def failures(study: Study, rows: Sequence[Row]) -> list[tuple[str, str, int, str, int]]:
    """What failed: method, question, size, the message, and on how many data sets."""
    counts = Counter(
        (cell.method, cell.query, cell.n, str(row.get("error") or row.get("note") or "no estimate and no reason given"))
        for cell, by_dataset in cells(row for row in rows if cell_of(row).study == study.name).items()
        for row in by_dataset.values()
        if row.get("error") or (is_yes(row, "applies") and number(row, "estimate") is None)
    )
    return [(*key, count) for key, count in counts.items()]


def failures_sheet(study: Study, rows: Sequence[Row]) -> Sheet:
    """What failed, with its message."""
    lines = tuple((m, q, str(n), str(count), message) for m, q, n, message, count in failures(study, rows))
    # The message is words, so that all columns are.
    return table(f"{study.title}: failures", ("method", "question", "n", "data sets", "message"), lines, 5)
