"""`latentdo fit`: train a model once and save it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latentdo import arguments
from latentdo.errors import UsageError
from latentdo.executor import MOST_WORKERS
from latentdo.graphs import quote

from .failures import DONE, NOT_CONVERGED, stop_at_once
from .options import DEFAULT, Flag, Output, Source, Training, Whole
from .output import notes_told, output_path, say, say_json, tell
from .sources import source_text, study_of, variant_of

if TYPE_CHECKING:
    from latentdo.inference import Posterior

USAGE = "latentdo fit STUDY [DATA] [-o FIT.ldo] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo fit study.yaml data.csv -o fit.ldo --seed 1
  latentdo fit "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)" data.csv
  latentdo fit study.yaml --engine nuts --draws 2000 --chains 4
  latentdo fit study.yaml more.csv -o new.ldo --start fit.ldo"""

CODES = "Exit codes: 0 done, 4 did not converge (but was saved), 2 bad input."


def command(
    study: Source,
    data: str | None = None,
    /,
    *,
    output: Output = None,
    variant: str | None = None,
    flexible: Flag = False,
    seed: Whole = 0,
    training: Training = DEFAULT,
    start: str | None = None,
    store_rows: Flag = False,
    workers: Whole = 1,
    progress: bool | None = None,
    check: bool | None = None,
    missing: Literal["latent", "drop"] | None = None,
    do_column: str | None = None,
    json: Flag = False,
) -> int:
    """Train a model once and save the fit, from which `latentdo ask` answers any number of questions.

    Prints the fit on one page: priors, convergence, parameters. What is finished
    is kept in FIT.ldo.part until all is: after Ctrl-C or a crash the same command
    goes on from there, to the same numbers.

    Args:
        study: The path of a study (.yaml), a model as text, or - for a text on standard input.
        data: The table (.csv, .tsv, .parquet); left out, the one that the study names.
        output: Where to save (.ldo); left out, the study's name and .ldo, in this folder.
        variant: One of the study's variants, in place of its model.
        flexible: Give every measured numeric parent a smooth curve, s(X), in the place of a straight line.
        seed: A whole number; the same seed gives the same numbers.
        start: An earlier fit (.ldo): blocks that are the same in it are kept, and only the others trained.
        store_rows: Save the rows of the data too; left out, only their hash and column summaries.
        workers: Number of processes that share the blocks; 1 for the threads of this one. The numbers are the same.
        progress: Show progress and the time left on stderr; left out, only at a terminal.
        check: Set graph and nodes against the rows at the end, where that takes seconds; the fit keeps what was found. Left
            out, as the study says, and else yes.
        missing: Missing cells: latent averages over each, drop leaves out rows with one; left out, they are refused.
        do_column: A column that names, row by row, the nodes that were set there, with commas between them.
        json: Print an object about the fit in place of the page.
    """
    from latentdo.api import load
    from latentdo.fitting import facts_of, fit_resumably

    arguments.whole("--workers", workers, UsageError, most=MOST_WORKERS, repair="1 is this process alone.")
    chosen = variant_of(study_of(source_text(study)), variant)
    if flexible:
        chosen = replace(chosen, model=chosen.model.flexible())
    path = output_path("-o", f"{chosen.name}.ldo" if output is None else output, "fit", [".ldo"])
    chosen = training.of(chosen)
    earlier = None if start is None else load(Path(start))
    kept = path.with_name(f"{path.name}.part")
    with stop_at_once(as_json=json, kept=kept, workers=workers), notes_told():
        posterior, discard = fit_resumably(
            chosen,
            data,
            seed=seed,
            progress=progress,
            start=earlier,
            checkpoint=kept,
            workers=workers,
            check=check,
            missing=missing,
            do=do_column,
        )
    posterior.save(path, data=store_rows)
    discard()
    if json:
        say_json({"path": str(path), **facts_of(posterior)})
    else:
        say(posterior.summary())
    tell(_farewell(posterior, path))
    return DONE if posterior.converged else NOT_CONVERGED


def _farewell(posterior: Posterior, path: Path) -> str:
    """Where the fit is, whether it can be relied on, and what to type next."""
    lines = [f"Saved to {path}."]
    if not posterior.converged:
        repair = "train longer, for example with --engine nuts --warmup 4000 --draws 4000"
        if posterior.approximate and posterior.independent():
            repair = "keep more draws: --draws 1000"
        lines.append(f"It did not converge: {repair}.")
    if posterior.approximate:
        kinds = " and ".join(posterior.approximate)
        lines.append(f"APPROXIMATE ({kinds}): every answer says so. Compare with --engine auto before you rely on it.")
    if posterior.checked:
        from latentdo.criticism import known

        found = known(posterior)
        if found is not None and found.word.fails:
            lines.append(f"The rows do not fit: {found.word}. latentdo check {path} DATA says where.")
    query = [] if posterior.queries else [_example(posterior)]
    return "\n".join([*lines, f"Next: {shlex.join(['latentdo', 'ask', str(path), *query])}"])


def _example(posterior: Posterior) -> str:
    """A question that this fit can answer."""
    from latentdo.api import identify

    graph = posterior.spec.graph
    for outcome in reversed(posterior.spec.measured):
        for treatment in graph.parents(outcome):
            query = f"E[{quote(outcome)} | do({quote(treatment)}=1)]"
            if (
                treatment in posterior.spec.measured
                and identify(posterior, query, functional=posterior.functional).identified
            ):
                return query
    return f"E[{quote(posterior.spec.measured[-1])}]"
