"""What the rows of a study say, in a few sentences; the numbers behind them stand in the tables."""

from __future__ import annotations

from collections.abc import Sequence

from latentdo.sheet import counted, duration, listed

from .accuracy import MISSPECIFIED, OURS, Accuracy, accuracies, cell_of, cells, is_yes, number, says
from .cases import Study
from .printed import percent
from .records import Row
from .tables import (
    BIAS,
    PUBLISHED_TIMES,
    TOO_FEW,
    intervals_missing,
    judged_against,
    main_rows,
    methods_of,
    rivalries,
    targets,
    times,
)


def findings(study: Study, rows: Sequence[Row]) -> list[str]:
    """The sentences about a study."""
    return [
        *_against_rivals(study, rows),
        *_targets(study, rows),
        *_intervals(study, rows),
        *about_convergence(study, rows),
        *_time(study, rows),
    ]


def _against_rivals(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence per rival: how often the model wins, ties and loses against it, over questions and sizes."""
    judged = rivalries(study, rows)
    sentences = []
    for rival in methods_of(match.rival for match in judged):
        verdicts = [match.verdict for match in judged if match.rival == rival]
        parts = [
            f"{words} {verdicts.count(verdict)}"
            for verdict, words in (
                ("wins", "wins"),
                ("ties", "ties"),
                ("loses", "loses"),
                ("not known", "is not judged in"),
            )
            if verdict in verdicts
        ]
        sentences.append(f"Against {rival} the model {listed(parts)} of {counted(len(verdicts), 'comparison')}.")
    return [*sentences, *([TOO_FEW] if any(match.verdict == "not known" for match in judged) else [])]


def _targets(study: Study, rows: Sequence[Row]) -> list[str]:
    listed = targets(study, rows)
    met = sum(target.verdict == "met" for target in listed)
    return (
        [f"Of {counted(len(listed), 'target')} for the median error {met} {'is' if met == 1 else 'are'} met."]
        if listed
        else []
    )


def _intervals(study: Study, rows: Sequence[Row]) -> list[str]:
    """How often the intervals of the models hold what they are judged by, and where they fall short or are biased."""
    against, truth = judged_against(study)
    every = accuracies(main_rows(study, rows), against)
    sentences = [
        f"With endless rows the graph's formula gives {value.value:g} ± {value.error:g} for {value.query}: that is what an "
        "interval can be expected to hold."
        for value in study.formula
        if value.query in study.main
    ]
    for method in (OURS, MISSPECIFIED):
        listed = [a for a in every if a.cell.method == method]
        judged = [(a, a.coverage) for a in listed if a.coverage is not None]
        if judged:
            shares = [c.share for _, c in judged]
            span = " to ".join(dict.fromkeys(map(percent, (min(shares), max(shares)))))
            sentences.append(
                f"The {percent(judged[0][1].level)} intervals of {method} hold {truth} in {span} of the data sets."
            )
        if short := [a for a, c in judged if c.falls_short]:
            sentences.append(f"They hold it more seldom than chance explains at {_places(short)}.")
        if biased := [a for a in listed if a.is_biased]:
            sentences.append(f"{method} is biased at {_places(biased)}: {BIAS}.")
        sentences += intervals_missing(listed)
    return sentences


def about_convergence(study: Study, rows: Sequence[Row]) -> list[str]:
    """How many fits of each model had not converged, for whatever they were asked."""
    fits: dict[str, dict[tuple[int, int], bool]] = {}
    for cell, by_dataset in cells(row for row in rows if cell_of(row).study == study.name).items():
        for k, row in by_dataset.items():
            if says(row, "converged") and number(row, "estimate") is not None:
                of = fits.setdefault(cell.method, {})
                of[cell.n, k] = of.get((cell.n, k), True) and is_yes(row, "converged")
    sentences = []
    for method in methods_of(fits):
        count, unsure = len(fits[method]), sum(not sure for sure in fits[method].values())
        if unsure:
            sentences.append(
                f"{unsure} of {counted(count, 'fit')} of {method} had not converged for some question; they are counted like the "
                "others."
            )
        else:
            sentences.append(
                f"All {counted(count, 'fit')} of {method} had converged."
                if count > 1
                else f"The fit of {method} had converged."
            )
    return sentences


def _places(listed: Sequence[Accuracy]) -> str:
    return "; ".join(f"{a.cell.query}, n = {a.cell.n}" for a in listed)


def _time(study: Study, rows: Sequence[Row]) -> list[str]:
    """How long the model's fits took in all, and beside the published time for as many of them."""
    fits = [seconds for each in times(study, rows) if each.method == OURS for seconds in each.fits]
    if not fits:
        return []
    sentences = [f"{counted(len(fits), 'fit')} of the true model took {duration(sum(fits))} one after the other."]
    if (published := PUBLISHED_TIMES.get(study.name)) is not None:
        same = sum(fits) / len(fits) * published.n_fits
        quicker = " to ".join(dict.fromkeys(f"{3600 * hours / same:.0f}" for hours in published.hours))
        sentences.append(
            f"Published: {published.words}. As many fits take {duration(same)} here: {quicker} times as fast."
        )
    return sentences
