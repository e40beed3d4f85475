"""Errors of the rivals on the four studies, beside those of other programs for the same formulas.

Run with `python bench/reference_errors.py --output FILE`, or `python bench/reference_errors.py covid --output FILE`.
A run that is cut off goes on where it was. Every error is |estimate - truth|; the truth of the first two studies is that of
the process, of the others the mean of an interventional data set of 500 rows, as it was for the reference. `z` is the
difference of the two medians in its standard errors; that of a reference is 0.4 of its value for ten data sets, and
shrinks with the root of their number.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cases import COVID, MULTICAUSE, NAPKIN, SIGNALING, Rows
from cases.covid import draw as draw_covid
from cases.multicause import set_all

import latentdo as ld
from latentdo.estimators import (
    AbstractMethod,
    Aipw,
    Dipw,
    GFormula,
    NaiveMean,
    NaiveRegression,
    Options,
    PlugIn,
    WermId,
    estimates,
)
from latentdo.graphs import Admg, LatentDag
from latentdo.query import Query

NEAR = frozenset({"AGTR1", "IL6_STAT3", "TNF"})
PILLOW = frozenset({"ADAM17", "EGF", "Gefi", "IL6_STAT3", "sIL6R", "TNF"})


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        label: What the reference is called.
        method: Ours; None for the mean of the outcome.
        query: The question.
        reference: The median error of the other program, by number of rows.
        options: How ours is run.
    """

    label: str
    method: AbstractMethod | None
    query: str
    reference: Mapping[int, float]
    options: Options = field(default_factory=lambda: Options(replicates=0))


@dataclass(frozen=True)
class Reference:
    """A study with its reference errors, medians over `datasets` data sets."""

    graph: LatentDag | Admg
    draw: Callable[[int, int], Rows]
    truth: Callable[[str, int], float]
    rows: Sequence[Row]
    datasets: int

    @property
    def sizes(self) -> list[int]:
        """All numbers of rows that some line has."""
        return sorted({n for row in self.rows for n in row.reference})


def by_size(sizes: Sequence[int], *errors: float) -> dict[int, float]:
    """Errors by number of rows."""
    return dict(zip(sizes, errors, strict=True))


def signaling_truth(_: str, seed: int) -> float:
    """The mean of Erk in 500 cells whose SOS is held at 70."""
    return float(np.mean(ld.simulate("signaling", n=500, seed=50_000 + seed, do={"SOS": 70})["Erk"]))


def covid_truth(query: str, seed: int) -> float:
    """The mean of Cytokine in the 500 patients, treated."""
    name = query.partition("do(")[2].partition("=")[0]
    return float(draw_covid(500, seed, {name: 20.0})["Cytokine"].mean())


MULTI = f"E[Y | {set_all(0)}]"
HELD = "E[Erk | do(SOS=70)]"
S, E = "E[Cytokine | do(sIL6R=20)]", "E[Cytokine | do(EGFR=20)]"
FEW, SIGNAL, HOST = (15, 60, 100, 200, 1000), (30, 60, 100, 200, 500), (60, 100, 200, 500)
WIDE = Options(replicates=0, bandwidth=0.4)
REFERENCES: dict[str, Reference] = {
    "multicause": Reference(
        ld.model(MULTICAUSE.model).graph,
        MULTICAUSE.draw,
        lambda query, _: MULTICAUSE.truths[query] or 0.0,
        (
            Row("plug-in", PlugIn(), MULTI, by_size((15, 60, 100, 200), 0.083, 0.033, 0.030, 0.022)),
            Row("mean of Y", None, MULTI, by_size((15, 60, 100, 200), 0.085, 0.032, 0.028, 0.022)),
        ),
        200,
    ),
    "napkin": Reference(
        ld.model(NAPKIN.model).graph,
        NAPKIN.draw,
        lambda query, _: NAPKIN.truths[query] or 0.0,
        (
            Row("plug-in", PlugIn(), "E[Y | do(X=0)]", by_size(FEW, 0.58, 0.35, 0.26, 0.19, 0.19)),
            Row("werm-id", WermId(), "E[Y | do(X=0)]", by_size(FEW, 0.54, 0.33, 0.35, 0.30, 0.21)),
            Row("naive mean", NaiveMean(), "E[Y | do(X=0)]", by_size(FEW, 0.48, 0.38, 0.38, 0.36, 0.36)),
        ),
        100,
    ),
    "signaling": Reference(
        ld.model(SIGNALING.model).graph,
        SIGNALING.draw,
        signaling_truth,
        (
            Row("front-door, linear: plug-in", PlugIn(), HELD, by_size(SIGNAL, 0.547, 0.489, 0.717, 0.290, 0.145)),
            Row("dipw, raw weights", Dipw(normalised=False), HELD, by_size(SIGNAL, 13.9, 7.9, 9.1, 5.8, 4.8)),
            Row("dipw", Dipw(), HELD, by_size(SIGNAL, 0.755, 0.582, 0.583, 0.399, 0.272)),
            Row("naive regression", NaiveRegression(), HELD, by_size(SIGNAL, 1.456, 1.233, 0.634, 0.854, 0.493)),
            Row("mean of Erk", None, HELD, by_size(SIGNAL, 0.276, 0.239, 0.339, 0.272, 0.204)),
        ),
        20,
    ),
    "covid": Reference(
        ld.model(COVID.model).graph,
        COVID.draw,
        covid_truth,
        (
            Row(
                "sIL6R: g-formula",
                GFormula(frozenset({"ADAM17", "AGTR1"})),
                S,
                by_size(HOST, 0.129, 0.114, 0.094, 0.055),
            ),
            Row(
                "sIL6R: aipw", Aipw(frozenset({"ADAM17", "AGTR1"})), S, by_size(HOST, 0.132, 0.142, 0.133, 0.084), WIDE
            ),
            Row("sIL6R: naive regression", NaiveRegression(), S, by_size(HOST, 0.085, 0.075, 0.060, 0.047)),
            Row("sIL6R: mean of Cytokine", None, S, by_size(HOST, 0.149, 0.108, 0.131, 0.138)),
            Row("EGFR: g-formula", GFormula(NEAR), E, by_size(HOST, 0.110, 0.067, 0.028, 0.029)),
            Row("EGFR: g-formula, pillow", GFormula(PILLOW), E, by_size(HOST, 0.226, 0.232, 0.154, 0.146)),
            Row("EGFR: aipw", Aipw(NEAR), E, by_size(HOST, 0.106, 0.086, 0.031, 0.049), WIDE),
            Row("EGFR: g-formula, our set", GFormula(), E, by_size(HOST, 0.110, 0.067, 0.028, 0.029)),
            Row("EGFR: naive regression", NaiveRegression(), E, by_size(HOST, 0.141, 0.132, 0.087, 0.100)),
            Row("EGFR: mean of Cytokine", None, E, by_size(HOST, 0.023, 0.022, 0.036, 0.030)),
        ),
        10,
    ),
}


def record(name: str, seed: int) -> dict[str, Any]:
    """The error of every line in every number of rows, of one data set; None where it has no number, with the reason."""
    reference = REFERENCES[name]
    graph, columns = reference.graph, reference.draw(max(reference.sizes), seed)
    truths = {query: reference.truth(query, seed) for query in dict.fromkeys(row.query for row in reference.rows)}
    errors: dict[str, dict[str, float | None]] = {row.label: {} for row in reference.rows}
    reasons: list[str] = []
    for row in reference.rows:
        for n in row.reference:
            part = {node: values[:n] for node, values in columns.items()}
            value: float | None = None
            try:
                if row.method is None:
                    value = float(part[Query.parse(row.query).term.outcome_names[0]].mean())
                else:
                    (found,) = estimates(
                        graph, part, Query.parse(row.query), methods=[row.method], options=row.options, seed=seed
                    )
                    value = found.estimate
            except ld.LatentdoError as error:
                reasons.append(f"{row.label}, {n} rows: {error}")
            errors[row.label][str(n)] = None if value is None else abs(value - truths[row.query])
    return {"study": name, "seed": seed, "errors": errors, "reasons": reasons}


def median(errors: np.ndarray) -> tuple[float, float]:
    """The median, and its standard error by resampling data sets."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(errors, (2000, len(errors))), axis=1)
    return float(np.median(errors)), float(medians.std())


def table(name: str, records: list[dict[str, Any]]) -> str:
    """One line per method and number of rows: ours with its standard error, the reference with its, and the difference."""
    reference = REFERENCES[name]
    lines = [
        f"\n{name}; {len(records)} data sets, reference {reference.datasets}",
        "| method | rows | ours | its SE | reference | its SE | z |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in reference.rows:
        for n, other in row.reference.items():
            every = [r["errors"][row.label][str(n)] for r in records]
            own = np.array([error for error in every if error is not None])
            ours, spread = median(own)
            other_spread = 0.4 * other * np.sqrt(10 / reference.datasets)
            z = (ours - other) / np.hypot(spread, other_spread)
            lost = f" ({len(every) - len(own)} without number)" if len(own) < len(every) else ""
            lines.append(
                f"| {row.label} | {n} | {ours:.3f}{lost} | {spread:.3f} | {other:.3f} | {other_spread:.3f} | {z:+.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(REFERENCES)}; all by default")
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--output", type=Path, help="one line of JSON per data set, as they come")
    options = parser.parse_args()
    if unknown := set(options.studies) - REFERENCES.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(REFERENCES)}")
    path: Path | None = options.output
    records: list[dict[str, Any]] = []
    if path is not None and path.exists():
        records = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    done = {(r["study"], r["seed"]) for r in records}
    for name in options.studies or REFERENCES:
        for seed in range(options.datasets):
            if (name, seed) not in done:
                records.append(record(name, seed))
                if path:
                    with path.open("a", encoding="utf8") as file:
                        file.write(json.dumps(records[-1]) + "\n")
        print(table(name, [r for r in records if r["study"] == name]), flush=True)


if __name__ == "__main__":
    main()
