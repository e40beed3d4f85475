"""`latentdo sensitivity`: how an answer moves with an edge that the graph leaves out."""

from __future__ import annotations

from pathlib import Path

from latentdo.errors import UsageError
from latentdo.graphs import is_fit_path

from .failures import DONE, NOT_CONVERGED
from .options import Flag, Output, Whole
from .output import one_form, result_path, say_result, write_result
from .sources import kept_rows

USAGE = "latentdo sensitivity FIT.ldo QUERY [DATA] [--edge EDGE] [-o FILE]"

EXAMPLES = """\
Examples:
  latentdo sensitivity fit.ldo "E[Y | do(X=1)] - E[Y | do(X=0)]" data.csv
  latentdo sensitivity fit.ldo effect data.csv --edge "M <-> Y" --json
  latentdo sensitivity fit.ldo effect data.csv --strengths 0.1,0.3,0.5
  latentdo sensitivity fit.ldo effect data.csv --value 0.2 -o curve.png"""

CODES = """\
Exit codes: 0 done, 2 bad input, 3 the question is not identified,
4 an answer did not converge (the curve is printed)."""


def command(
    fit: str,
    query: str,
    data: str | None = None,
    /,
    *,
    edge: str | None = None,
    strengths: str | None = None,
    value: float | None = None,
    level: float = 0.9,
    seed: Whole = 0,
    workers: Whole = 1,
    latex: Flag = False,
    output: Output = None,
    progress: bool | None = None,
    json: Flag = False,
) -> int:
    """Put an edge that the graph leaves out into the model, as strong as this and that, and ask again.

    No table can show that a graph lacks such an edge. What the answer is then is
    found by fitting the model with the edge, its strength fixed. The tipping
    point is where the interval reaches no effect, or the value that is given.

    Args:
        fit: A saved fit (.ldo).
        query: One number, such as "E[Y | do(X=1)] - E[Y | do(X=0)]", or the name of a query of the study.
        data: The table that it was trained on, or the study that names it, where the fit holds no rows and none is at hand.
        edge: "X -> Y" or "X <-> Y" between measured nodes; left out, a hidden cause of treatment and outcome, or a direct
            effect.
        strengths: Numbers with commas between them: of X -> Y sds of Y per sd of X, of X <-> Y sds of what is left of both per sd
            of the hidden cause, log odds of a bernoulli node.
        value: The value that the tipping point is about; left out, no effect.
        level: Probability of the intervals, between 0 and 1.
        seed: A whole number; the same seed gives the same numbers.
        workers: How many processes train.
        latex: Print a LaTeX table in place of text.
        output: Write a page (.html), a table (.tex, .csv) or a picture (.png, .svg, .pdf) too.
        progress: Show progress on stderr; left out, only at a terminal.
        json: Print query, edge, units, level, target, tipping, points, measured, robustness, e_value, notes.
    """
    from latentdo.api import load
    from latentdo.beyond import sensitivity

    if not is_fit_path(fit):
        raise UsageError(f"{fit} is no saved fit. Train one first: latentdo fit study.yaml data.csv -o fit.ldo.")
    one_form(latex=latex, json=json)
    path = result_path(output, "sensitivity")
    posterior = load(Path(fit))
    call = f"latentdo sensitivity {fit} QUERY data.csv"
    kept = [] if data is not None else kept_rows(posterior, fit, "each strength is fitted to them", call)
    found = sensitivity(
        posterior,
        query,
        kept or data,
        edge=edge,
        strengths=None if strengths is None else _numbers(strengths),
        value=value,
        level=level,
        seed=seed,
        workers=workers,
        progress=progress,
    )
    say_result(found, json=json, latex=latex)
    write_result(found, path, "sensitivity")
    return DONE if all(point.converged for point in found.points) else NOT_CONVERGED


def _numbers(text: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise UsageError(f"--strengths {text}: expected numbers with commas between them, such as -0.5,0.5.") from None
