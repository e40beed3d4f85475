"""`latentdo sample-size`: how many samples a question needs, from simulated experiments."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.errors import LatentdoError, UsageError

from .failures import DONE, NOT_CONVERGED, stop_at_once
from .options import DEFAULT, Flag, Source, Training, Whole
from .output import notes_told, output_path, picture_path, save_picture, say, say_json, tell
from .sources import source_text, study_of, variant_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latentdo.models.study import Study
    from latentdo.types import SampleSize

USAGE = "latentdo sample-size STUDY [QUERY] --truth TRUTH --width W [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo sample-size study.yaml effect --truth truth.yaml --width 0.5
  latentdo sample-size study.yaml --truth pilot.ldo --excludes 0 --plot plan.png
  latentdo sample-size pathway.yaml held --truth signaling --width 2 --workers 2
  latentdo sample-size study.yaml --truth truth.json --width 0.5 --json"""

KEYWORDS = "(?:width|excludes|level|assurance|datasets|precision|smallest|largest|truth)"

CODES = """\
Exit codes: 0 done, 3 the query is not identified (nothing is simulated),
4 over 5 % of the fits did not converge, or experiments were lost with their
process (the result was printed), 2 bad input."""


def command(
    study: Source,
    query: str | None = None,
    /,
    *,
    truth: str,
    width: float | None = None,
    excludes: float | None = None,
    level: float = 0.9,
    assurance: float | None = None,
    datasets: Whole = 200,
    precision: float = 0.1,
    smallest: Whole = 20,
    largest: Whole = 20_000,
    variant: str | None = None,
    training: Training = DEFAULT,
    workers: Whole = 1,
    seed: Whole = 0,
    csv: str | None = None,
    plot: str | None = None,
    progress: bool | None = None,
    json: Flag = False,
) -> int:
    """Say how many samples a question needs, before there are any.

    Experiments of several sizes are simulated from the truth; on each the model
    is trained and asked, as with real data. The number comes with its own
    interval, because finitely many experiments were simulated. --engine laplace
    plans fast.

    The truth is a file with a number for each parameter of the model (.yaml,
    .json), a study (.yaml) or the text of a model with fixed numbers alone, a fit
    (.ldo) as a pilot, or the name of a built-in study, for its simulator.

    Args:
        study: The path of a study (.yaml), a model as text, or - for a text on standard input: what will be trained.
        query: One number, such as "E[Y | do(X=1)]", or its name in the study; left out, the study's query, if it has one alone.
        truth: Where rows come from: a file, a text or a name, as above.
        width: The full width that the interval may have, in the query's units.
        excludes: In place of --width: a value that the interval must not contain, 0 for a difference.
        level: Probability of the interval, between 0 and 1.
        assurance: Share of experiments whose interval has to be so; left out, 0.5 with --width, 0.8 with --excludes.
        datasets: Data sets to simulate at most, 60 or more.
        precision: Half of the 90 % interval of n, relative to n, at which no more are simulated.
        smallest: Smallest size of a data set.
        largest: Largest size of a data set; beyond it n is extrapolated or only bounded, and says so.
        variant: One of the study's variants, in place of its model.
        workers: Number of processes that share the experiments; 1 for this one alone. The numbers are the same.
        seed: A whole number; the same seed gives the same numbers.
        csv: Write one row per simulated size into this file (.csv).
        plot: Draw experiments, law, goal and number into this file (.png, .svg, .pdf).
        progress: Show progress and the time left on stderr; left out, only at a terminal.
        json: Print {"query", "n", "lower", "upper", "level", "assurance", "width", "truth", "curve", "warnings", …}
    """
    if (width is None) == (excludes is None):
        raise UsageError(
            "State one goal: --width 0.2, the full width that the interval may have, or --excludes 0, a value that it must not "
            "contain."
        )
    rows = None if csv is None else output_path("--csv", csv, "sizes", (".csv",))
    picture = None if plot is None else picture_path("--plot", plot)
    from latentdo.experiments import sample_size

    with _options_named():
        chosen = training.of(variant_of(study_of(source_text(study)), variant))
    with stop_at_once(as_json=json, workers=workers), notes_told(), _options_named():
        plan = sample_size(
            chosen,
            truth,
            _query(chosen, query),
            width=width,
            excludes=excludes,
            level=level,
            assurance=assurance,
            datasets=datasets,
            precision=precision,
            smallest=smallest,
            largest=largest,
            seed=seed,
            workers=workers,
            progress=progress,
        )
    if json:
        say_json(plan.to_json())
    else:
        say(plan.text(_columns()))
    _write(plan, rows, picture)
    return DONE if plan.converged else NOT_CONVERGED


@contextlib.contextmanager
def _options_named() -> Iterator[None]:
    """Errors that name arguments of Python name the options of the command line."""
    try:
        yield
    except LatentdoError as error:
        error.args = tuple(_with_options(each) if isinstance(each, str) else each for each in error.args)
        raise


def _with_options(message: str) -> str:
    message = message.replace(
        "Load it with ld.load_study(text).", "Write it into a file that ends in .yaml, and give its path."
    )
    # Other messages may show a user's text, in which a node may have such a name.
    if not re.match(f"{KEYWORDS}=", message):
        return message
    return re.sub(rf"\b({KEYWORDS})=\s?", r"--\1 ", message)


def _query(study: Study, given: str | None) -> str:
    """The query that was typed, or the only one of the study."""
    if given is not None:
        return given
    names = [name for name, _ in study.queries]
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError(f'{study.name} has no query. Give one behind it, such as "E[Y | do(X=1)]".')
    raise UsageError(
        f"{study.name} has {len(names)} queries, and an experiment is planned for one. Name it behind the study: "
        f"{', '.join(names)}."
    )


def _columns() -> int | None:
    """Those of the terminal; where stdout is a file, lines are whole."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


def _write(plan: SampleSize, rows: Path | None, picture: Path | None) -> None:
    """The files that were asked for, each there whole or not at all."""
    if rows is not None:
        plan.to_csv(rows)
        tell(f"Wrote {len(plan.curve)} rows to {rows}.")
    if picture is not None:
        save_picture(plan.plot(), picture)
        tell(f"Drawn in {picture}.")
