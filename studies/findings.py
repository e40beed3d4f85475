"""What the rows of a study say, in sentences: where the model wins, ties and loses, what holds and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from latentdo.simulators import PopulationValue

from .accuracy import (
    FEWEST,
    FLOOR,
    MEAN,
    MISSPECIFIED,
    OURS,
    Accuracy,
    Coverage,
    Ratio,
    accuracies,
    cell_of,
    cells,
    is_yes,
    matches,
    number,
    ratios,
    root_mean_square,
    says,
)
from .cases import Study
from .records import Row
from .sheets import duration, figure, percent, with_error
from .tables import (
    BIAS,
    CLOSE,
    EXPECTED,
    PUBLISHED_TIMES,
    RATIO_TARGETS,
    TOO_FEW,
    failures,
    intervals_missing,
    judged_against,
    main_rows,
    methods_of,
    ratio,
    rivalries,
    targets,
    times,
)

_SAME_PROJECTION = (
    "Both models have the same projection on the measured nodes, so that the same formula identifies the answer. They promise "
    "the same answer only with endless rows, and only where both can reproduce the law of the measured nodes."
)
VERDICTS = {"wins": "wins", "ties": "ties", "loses": "loses", "not known": "is not judged"}


def findings(study: Study, rows: Sequence[Row]) -> list[str]:
    """The sentences about a study, those of a kind together."""
    return [
        *against_rivals(study, rows),
        *about_targets(study, rows),
        *about_floor(study, rows),
        *about_intervals(study, rows),
        *about_misspecified(study, rows),
        *about_multiples(study, rows),
        *about_time(study, rows),
        *about_failures(study, rows),
    ]


def against_rivals(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence per rival: where the model wins, ties and loses against it."""
    found = rivalries(study, rows)
    said = []
    for rival in methods_of(match.rival for match in found):
        parts = []
        for verdict, word in VERDICTS.items():
            where = [(m.query, m.n) for m in found if m.rival == rival and m.verdict == verdict]
            if where:
                parts.append(f"{word} ({_places(where)})")
        said.append(f"Against {rival} the model {_joined(parts)}.")
    few = any(match.n_datasets < FEWEST for match in found)
    return [*said, TOO_FEW] if few else said


def about_targets(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence per error that was to be reached: met or missed, by how much; none if the model was not run."""
    said = []
    for target in targets(study, rows):
        place = f"{target.query}, n = {target.n}"
        if target.reached is None or target.distance is None:
            said.append(
                f"{place}: a median error of at most {figure(target.wanted)} was wanted; this size was not run."
            )
            continue
        median, error = target.reached.quartiles[1], target.reached.median_error
        own = "" if error is None else f" ± {figure(error)}"
        sample = (
            "" if target.by_sample is None else f" ({figure(target.by_sample.quartiles[1])} against the sample value)"
        )
        said.append(
            f"{place}: a median error of at most {figure(target.wanted)} was wanted, {figure(median)}{own} was reached{sample}, "
            f"{figure(abs(target.distance))} {'above' if target.distance > 0 else 'below'} it: {_judged(target.verdict)}."
        )
    return said


def about_floor(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence per question and size: the error as a multiple of the floor, and whether that is what was wanted."""
    return [
        f"{_place(r)}: the median error is {_multiple(r)} that of one who knows all but the last equation; at most {CLOSE:g} "
        f"times was wanted: {_surely(r, CLOSE)}."
        for r in ratios(main_rows(study, rows), OURS, FLOOR)
    ]


def about_intervals(study: Study, rows: Sequence[Row]) -> list[str]:
    """How often the intervals of the models hold the population's answer, or what the formula gives where that is another;
    whether their errors have a bias, and whether all fits had converged."""
    against, words = judged_against(study)
    said = [_formula(study, value) for value in study.formula if value.query in study.main]
    found = accuracies(main_rows(study, rows), against)
    for method in (OURS, MISSPECIFIED):
        own = [a for a in found if a.cell.method == method]
        said += [*_held(own, method, words), *_biases(own, method, words)]
        said += intervals_missing(own)
    return [*said, *about_convergence(study, rows)]


def _held(own: Sequence[Accuracy], method: str, words: str) -> list[str]:
    """How many intervals of a method hold the truth; nothing where there are none."""
    judged = [(a, a.coverage) for a in own if a.coverage is not None]
    if not judged:
        return []
    short = [(a, c) for a, c in judged if c.falls_short]
    few = not all(c.is_judged for _, c in judged)
    level = percent(judged[0][1].level)
    if short:
        places = "; ".join(f"{a.cell.query}, n = {a.cell.n}: {c.held} of {c.n}" for a, c in short)
        return [f"The {level} intervals of {method} hold {words} more seldom than chance explains, at {places}."]
    shares = [c.share for _, c in judged]
    span = _range(min(shares), max(shares), percent)
    end = f". {TOO_FEW}" if few else f": nowhere so seldom that chance does not explain it{_lowest(judged)}."
    return [f"The {level} intervals of {method} hold {words} in {span} of the data sets{end}"]


def _lowest(judged: Sequence[tuple[Accuracy, Coverage]]) -> str:
    """How likely so low a share as the lowest is, where that is below the level; empty where none is."""
    a, c = min(judged, key=lambda each: (each[1].share, each[1].probability))
    if c.share >= c.level:
        return ""
    several = f" of {len(judged)}" * (len(judged) > 1)
    return (
        f"; the lowest{several}, {c.held} of {c.n} at {a.cell.query}, n = {a.cell.n}, or fewer has a probability of "
        f"{c.probability:.2g} at that level"
    )


def _biases(own: Sequence[Accuracy], method: str, words: str) -> list[str]:
    """Where the mean error of a method is more than chance, and how large it is beside the other errors."""
    places = [
        f"{a.cell.query}, n = {a.cell.n}: {with_error(a.bias, a.bias_error, signed=True)}, RMSE {figure(a.rmse)}"
        for a in own
        if a.is_biased
    ]
    return [f"{method} is biased ({BIAS}) against {words}, at {'; '.join(places)}."] if places else []


def about_convergence(study: Study, rows: Sequence[Row]) -> list[str]:
    """How many fits of each model had not converged, for whatever they were asked; none is a sentence too."""
    fits: dict[str, dict[tuple[int, int], bool]] = {}
    for cell, own in cells(row for row in rows if cell_of(row).study == study.name).items():
        for k, row in own.items():
            if says(row, "converged") and number(row, "estimate") is not None:
                of = fits.setdefault(cell.method, {})
                of[cell.n, k] = of.get((cell.n, k), True) and is_yes(row, "converged")
    said = []
    for method in methods_of(fits):
        count, unsure = len(fits[method]), sum(not sure for sure in fits[method].values())
        whole = f"{count} fit{'s' * (count != 1)} of {method}"
        if unsure:
            counted = "it is counted" if unsure == 1 else "they are counted"
            said.append(f"{unsure} of {whole} had not converged for some question; {counted} like the others.")
        else:
            said.append(f"{'All' if count > 1 else 'The'} {whole} had converged.")
    return said


def _formula(study: Study, value: PopulationValue) -> str:
    truth = next((t for t in study.population if t.query in (value.query, str(dict(study.queries)[value.query]))), None)
    beside = "" if truth is None else f", where the population's answer is {truth.value:g}"
    return (
        f"With endless rows the graph's formula gives {value.value:g} ± {value.error:g} for {value.query}{beside}: that is "
        "what an interval can be expected to hold."
    )


def about_misspecified(study: Study, rows: Sequence[Row]) -> list[str]:
    """The misspecified model against the true one."""
    own = main_rows(study, rows)
    verdicts = {(m.query, m.n): m.verdict for m in matches(own, method=MISSPECIFIED) if m.rival == OURS}
    found = ratios(own, MISSPECIFIED, OURS)
    said = [_SAME_PROJECTION] if found else []
    for r in found:
        squared = f"; by squared error it {VERDICTS[verdicts[r.query, r.n]]} against the true one" if _enough(r) else ""
        said.append(
            f"{_place(r)}: the median error of the misspecified model is {_multiple(r)} that of the true one{squared}; at most "
            f"{EXPECTED:g} times was wanted: {_surely(r, EXPECTED)}."
        )
    return said


def about_multiples(study: Study, rows: Sequence[Row]) -> list[str]:
    """RMSE of the model as a multiple of that of the plug-in and of the mean, and whether that is what was wanted."""
    own = main_rows(study, rows)
    wanted = dict(RATIO_TARGETS.get(study.name, ()))
    said = []
    for reference in ("plug-in", MEAN):
        found = ratios(own, OURS, reference, statistic=root_mean_square)
        if found:
            each = "; ".join(f"{_place(r)}: {ratio(r)}" for r in found)
            said.append(f"The RMSE of the model is so many times that of {reference}: {each}.")
        if found and reference in wanted:
            limit = wanted[reference]
            each = "; ".join(f"{_place(r)}: {_reached(r, limit)}" for r in found)
            said.append(f"At most {limit:g} times that of {reference} was wanted. {each}.")
    return said


def _judged(verdict: str) -> str:
    return "too few data sets to judge" if verdict.startswith("too few") else verdict


def _enough(r: Ratio) -> bool:
    return r.n_datasets >= FEWEST


def _reached(r: Ratio, limit: float) -> str:
    if not _enough(r):
        return "too few data sets to judge"
    if r.value <= limit:
        return "met"
    return "missed" if r.low > limit else "missed, within chance"


def _surely(r: Ratio, limit: float) -> str:
    """Whether a ratio stays below a limit with its whole interval, lies above it with all of it, or neither."""
    if not _enough(r):
        return "too few data sets to judge"
    return "met" if r.high <= limit else "missed" if r.low > limit else "open, as its interval holds the limit"


def about_time(study: Study, rows: Sequence[Row]) -> list[str]:
    """How long the model's fits took in all, and beside the published time for as many of them."""
    fits = [seconds for each in times(study, rows) if each.method == OURS for seconds in each.fits]
    if not fits:
        return []
    everything = sum(each.total for each in times(study, rows))
    said = [
        f"{len(fits)} fit{'s' * (len(fits) > 1)} of the true model took {duration(sum(fits))}"
        f"{' one after the other' * (len(fits) > 1)}; with all answers, other models and rivals it was {duration(everything)}."
    ]
    published = PUBLISHED_TIMES.get(study.name)
    if published is None:
        return said
    low, high = published.hours
    same = sum(fits) / len(fits) * published.n_fits
    quicker = _range(3600 * low / same, 3600 * high / same, "{:.0f}".format)
    return [
        *said,
        f"Published: {published.words}. As many fits take {duration(same)} here: {quicker} times as fast.",
    ]


def about_failures(study: Study, rows: Sequence[Row]) -> list[str]:
    """Whether anything failed."""
    found = sum(count for *_, count in failures(study, rows))
    if not found:
        return ["Nothing failed."]
    if found == 1:
        return ["1 answer failed and is listed below; it is left out of the errors."]
    return [f"{found} answers failed and are listed below; they are left out of the errors."]


def _range(low: float, high: float, shown: Callable[[float], str]) -> str:
    return " to ".join(dict.fromkeys((shown(low), shown(high))))


def _place(r: Ratio) -> str:
    return f"{r.query}, n = {r.n}"


def _multiple(r: Ratio) -> str:
    return f"{ratio(r)} times"


def _places(where: Iterable[tuple[str, int]]) -> str:
    by_query: dict[str, list[int]] = {}
    for query, n in where:
        by_query.setdefault(query, []).append(n)
    return "; ".join(f"{query}: n = {', '.join(map(str, sizes))}" for query, sizes in by_query.items())


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
