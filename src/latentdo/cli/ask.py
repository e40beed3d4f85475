"""`latentdo ask`: questions answered from a saved fit."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.errors import MissingExtraError, UsageError

from .failures import DONE, NOT_CONVERGED
from .options import Flag, Whole
from .output import output_path, replacing, say, say_json, tell

if TYPE_CHECKING:
    from latentdo.answers import Answer

NAME = "ask"

USAGE = "latentdo ask FIT.ldo [QUERY ...] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo ask fit.ldo "E[Y | do(X=1)]"
  latentdo ask fit.ldo "E[Y | do(X=1)] - E[Y | do(X=0)]" --json
  latentdo ask fit.ldo --level 0.95 --plot answers.png"""

CODES = """\
Exit codes: 0 done, 3 some query is not identified (nothing is computed),
4 an answer did not converge (but is printed), 2 bad input."""

PICTURES = (".png", ".svg", ".pdf")


def command(
    fit: str,
    /,
    *queries: str,
    seed: Whole = 0,
    level: float = 0.9,
    allow_unidentified: Flag = False,
    plot: str | None = None,
    json: Flag = False,
) -> int:
    """Answer causal questions from one saved fit, each with its uncertainty.

    The nodes in do( ) are cut from their causes and set, and everything
    downstream is drawn afresh. Conditions beside do( ) are seen after it.

    Args:
        fit: A fit that `latentdo fit` saved (.ldo).
        queries: Such as "E[Y | do(X=0)]", "P(Y > 1 | do(X=1), Z=0)" or a contrast; left out, those of the study.
        seed: A whole number; the same seed gives the same numbers.
        level: Probability of the intervals, between 0 and 1.
        allow_unidentified: Compute what the measured nodes cannot answer, and label it so.
        plot: Draw the answers into this file (.png, .svg, .pdf).
        json: Print {"answers": […]}: query, mean, sd, interval, level, mcse, rhat, ess, identified, warnings, approximate.
    """
    if not 0 < level < 1:
        raise UsageError(f"--level {level:g}: the level of an interval lies between 0 and 1. Write 0.9 for 90 %.")
    picture = None if plot is None else _picture_path(plot)
    from latentdo.answers import Answer
    from latentdo.api import ask, load

    found = ask(load(Path(fit)), *queries, seed=seed, allow_unidentified=allow_unidentified)
    answers = [found] if isinstance(found, Answer) else list(found)
    if json:
        say_json({"answers": [answer.to_json(level) for answer in answers]})
    else:
        say("\n\n".join(_text(answer, level) for answer in answers))
    if picture is not None:
        _draw(answers, level, picture)
        tell(f"Drawn in {picture}.")
    return DONE if all(answer.converged for answer in answers) else NOT_CONVERGED


def _text(answer: Answer, level: float) -> str:
    query = str(answer.query)
    label = query if answer.name in (None, query) else f"{query}   ({answer.name})"
    return "\n".join([label, *("  " + line for line in answer.text(level).splitlines())])


def _picture_path(plot: str) -> Path:
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("--plot", "matplotlib", "plot")
    return output_path("--plot", plot, "picture", PICTURES)


def _draw(answers: Sequence[Answer], level: float, path: Path) -> None:
    from latentdo.answers import Answers

    axes = Answers(tuple(answers)).plot(level=level)
    with replacing(path) as beside:
        axes.figure.savefig(beside, format=path.suffix[1:].lower(), dpi=200)
