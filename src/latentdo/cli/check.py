"""`latentdo check`: of a model all that can be said before training; of a graph and of a fit whether rows contradict it.

Only the check of a fit loads JAX.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latentdo.errors import UsageError
from latentdo.graphs import Admg, LatentDag, is_fit_path, is_study_path
from latentdo.opening import spec_of, with_graph

from .failures import DONE, MISFIT, NOT_IDENTIFIED
from .options import Flag, Names, Output, Source, Whole, WholeOrNone
from .output import result_path, say, say_json, say_result, tell, write_result
from .sources import no_variants, source_text, study_of, table_first, variant_of

if TYPE_CHECKING:
    from latentdo.criticism import FitCheck

USAGE = "latentdo check STUDY|GRAPH|FIT [DATA] [QUERY ...] [--strict] [-o FILE]"

EXAMPLES = """\
Examples:
  latentdo check study.yaml
  latentdo check study.yaml data.csv --json
  latentdo check study.yaml --variant misspecified
  latentdo check study.yaml data.csv --prior
  latentdo check "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)" data.csv
  latentdo check "X -> M -> Y" data.csv "E[Y | do(X=1)]" --json
  latentdo check "X -> M -> Y; X -> Y; latent U" data.csv -o check.html
  latentdo check fit.ldo data.csv "E[Y | do(X=1)]" --tolerance 0.2 --strict"""

CODES = """\
Exit codes: 0 ready to fit, or a graph or a fit was checked, 2 bad input,
3 some query of a model is not identified, 5 with --strict: the rows contradict
the graph, or a misfit moves an answer."""


def command(
    study: Source,
    data: str | None = None,
    /,
    *queries: str,
    variant: str | None = None,
    prior: Flag = False,
    every: Flag = False,
    level: float = 0.01,
    tolerance: float | None = None,
    folds: WholeOrNone = None,
    calibrate: WholeOrNone = None,
    beside: Names = None,
    stack: Flag = False,
    seed: Whole = 0,
    strict: Flag = False,
    missing: Literal["latent", "drop"] | None = None,
    do_column: str | None = None,
    output: Output = None,
    json: Flag = False,
) -> int:
    """Of a model whether the table fits it, of a graph whether rows contradict it, of a fit whether rows support its numbers.

    Of a model or a study the verdict of each query, and every column against its
    family: refuses what `fit` would refuse, missing cells, constant columns,
    values that a family cannot produce. Trains nothing. Of the study's variants
    it says whether they look the same from the measured nodes.

    Of a graph without mechanisms every constraint that it puts on the measured
    columns, tested without a model: independences, Verma constraints,
    instrumental inequalities; and which single edges would remove those that fail.

    Of a fit and the table that it was trained on also each node given its parents,
    and how far another shape could move the answer to each question.

    Args:
        study: The path of a study (.yaml) or of a saved fit (.ldo), a model or a graph as text, or - for a text on standard
            input. Of a fit without a table its model is checked.
        data: The table (.csv, .tsv, .parquet); left out, the one that the study names, if it exists.
        queries: Of a graph or a fit, questions; of a fit those of its study unless given.
        variant: One of the study's variants, in place of its model.
        prior: Simulate the measured nodes from the priors alone, and set them beside their columns.
        every: Of a graph, test each minimal separating set of a pair, in place of one.
        level: Of a graph, the chance that a right one has any constraint that fails.
        tolerance: Of a fit, by how much an answer may move before that matters, in its units.
        folds: Of a fit, train it so many times more, each time without a part of the rows.
        calibrate: Of a fit, draw so many tables from it, and say how often each word comes up on them.
        beside: Of a fit, another one (.ldo) of the same rows whose graph looks the same; again for more.
        stack: Give each answer over these fits too.
        seed: Of what is simulated or drawn: the same seed gives the same numbers.
        strict: Of a graph or a fit, end with exit code 5 where the rows contradict it or a misfit moves an answer.
        missing: Of a model, missing cells: latent averages over each, drop leaves out rows with one; else they are refused.
        do_column: Of a model, a column that names, row by row, the nodes that were set there.
        output: Of a graph or a fit, write a page (.html), a table (.tex, .csv) or a picture (.png, .svg, .pdf) too.
        json: Print an object: of a model measured, latent, verdicts, n_rows, columns, counts, cautions, functional, ignored,
            unread, variants, prior, units; of a graph or a fit word, queries, rows, repairs, testable, n_rows, level, notes.
    """
    from latentdo.checks import check

    source = source_text(study, fits=True)
    of_model = "--missing" if missing is not None else "--do-column" if do_column is not None else ""
    if of_model and (is_fit_path(source) or not (is_study_path(source) or spec_of(with_graph(source)))):
        raise UsageError(
            f"{of_model} belongs to the check of a model. A graph is checked on complete, observed rows, and a fit knows how its "
            "table was read."
        )
    if not is_fit_path(source) and not is_study_path(source):
        known = with_graph(source)
        if isinstance(known, LatentDag | Admg):
            no_variants(variant)
            return _graph(known, data, queries, prior, every, level, seed, output, json=json, strict=strict)
    if is_fit_path(source) and (data is not None or queries) and not prior:
        no_variants(variant)
        if every or level != 0.01:
            raise UsageError(f"{'--every' if every else '--level'} belongs to the check of a graph, and this is a fit.")
        path = result_path(output, "check")
        from latentdo.api import load

        others = {name: load(Path(name)) for name in beside or []}
        table, asked = table_first(data, queries)
        found = check(
            Path(source),
            next(iter(table), None),
            *asked,
            tolerance=tolerance,
            folds=folds,
            calibrate=calibrate,
            beside=others,
            stack=stack,
            seed=seed,
        )
        return _printed(found, path, json=json, strict=strict)
    of_fit = {
        "--tolerance": tolerance,
        "--folds": folds,
        "--calibrate": calibrate,
        "--beside": beside,
        "--stack": stack or None,
    }
    if given := [name for name, value in of_fit.items() if value is not None]:
        raise UsageError(
            f"{given[0]} belongs to the check of a fit, and this is a model. Train it, and check the fit: "
            "latentdo check fit.ldo data.csv QUERY."
        )
    of_graph = {"A query": queries, "--every": every, "--strict": strict, "-o": output, "--level": level != 0.01}
    if given := [name for name, value in of_graph.items() if value]:
        raise UsageError(
            f'{given[0]} belongs to the check of a graph, and this is a model. Give its graph: "X -> M -> Y; X <-> Y".'
        )
    if is_fit_path(source):
        no_variants(variant)
        report = check(Path(source), data, prior=prior, seed=seed)
    else:
        chosen = variant_of(study_of(source), variant)
        report = check(chosen, data, prior=prior, seed=seed, missing=missing, do=do_column)
        if report.n_rows is None and chosen.data is not None:
            tell(f"note: {chosen.files} does not exist yet, so no column was checked.")
    if json:
        say_json(report.to_json())
    else:
        say(str(report))
    return DONE if report.identified else NOT_IDENTIFIED


def _graph(
    graph: LatentDag | Admg,
    data: str | None,
    queries: tuple[str, ...],
    prior: bool,
    every: bool,
    level: float,
    seed: int,
    output: str | None,
    *,
    json: bool,
    strict: bool,
) -> int:
    """The check of a graph, printed and written."""
    from latentdo.checks import check

    if prior:
        raise UsageError("--prior belongs to the check of a model: a graph has no priors.")
    if every and (loose := [text for text in queries if not set("([") & set(text)]):
        raise UsageError(
            f"--every stands alone, and {loose[0]!r} behind it is no question. Write --every, and E[Y | do(X=1)]."
        )
    if data is None:
        raise UsageError(
            'A graph is checked against rows. Name a table behind it: latentdo check "X -> M -> Y" data.csv.'
        )
    path = result_path(output, "check")
    return _printed(check(graph, data, *queries, every=every, level=level, seed=seed), path, json=json, strict=strict)


def _printed(found: FitCheck, path: Path | None, *, json: bool, strict: bool) -> int:
    """The check, printed and written; its exit code."""
    say_result(found, json=json)
    write_result(found, path, "check")
    return MISFIT if strict and found.word.is_alarm else DONE
