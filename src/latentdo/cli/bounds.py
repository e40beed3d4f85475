"""`latentdo bounds`: the smallest and the largest value of a question that data and graph allow, without JAX."""

from __future__ import annotations

from typing import Literal

from latentdo.graphs import is_fit_path, is_study_path

from .failures import DONE
from .options import Flag, Names, Output, Source, Whole
from .output import one_form, result_path, say_result, write_result
from .sources import source_text, study_of

USAGE = "latentdo bounds GRAPH|STUDY|FIT.ldo DATA QUERY [--monotone EDGE] [-o FILE]"

EXAMPLES = """\
Examples:
  latentdo bounds "Z -> X -> Y; X <-> Y" trial.csv "P(Y=1 | do(X=1))"
  latentdo bounds study.yaml trial.csv effect --monotone "X -> Y" --json
  latentdo bounds "X -> Y; X <-> Y" trial.csv "E[Y | do(X=1)]" -o bounds.png"""

CODES = "Exit codes: 0 done, 2 bad input, too many response types included."


def command(
    source: Source,
    data: str,
    query: str,
    /,
    *,
    monotone: Names = None,
    missing: Literal["any", "drop"] | None = None,
    level: float = 0.9,
    seed: Whole = 0,
    latex: Flag = False,
    output: Output = None,
    json: Flag = False,
) -> int:
    """Bound a question that the graph does not identify, by all models of the graph that fit the frequencies.

    For columns of levels. Response types are weighed by a linear programme; no
    mechanism is assumed, so that of a model only its graph counts. The interval
    holds both ends with its probability.

    Args:
        source: A graph or a model as text, the path of a study (.yaml) or of a fit (.ldo), or - for a text on standard input.
        data: The table (.csv, .tsv, .parquet).
        query: One number, such as "P(Y=1 | do(X=1))" or a contrast.
        monotone: An edge "Z -> X" whose cause is assumed never to lower its effect, or "Z -| X" never to raise it; again for
            more.
        missing: Missing cells: any takes those of an outcome for any of its levels, drop leaves out rows with one; left out,
            they are refused.
        level: Probability of the interval, between 0 and 1.
        seed: A whole number; the same seed gives the same numbers.
        latex: Print a LaTeX table in place of text.
        output: Write a page (.html), a table (.tex, .csv) or a picture (.png, .svg, .pdf) too.
        json: Print query, lower, upper, interval, level, sharp, identifiable, n_rows, assumed, types, violated, p, notes.
    """
    from latentdo.beyond import bounds

    one_form(latex=latex, json=json)
    text = source_text(source, fits=True)
    path = result_path(output, "bounds")
    subject = study_of(text) if is_study_path(text) and not is_fit_path(text) else text
    found = bounds(subject, data, query, monotone=monotone or (), missing=missing, level=level, seed=seed)
    say_result(found, json=json, latex=latex)
    write_result(found, path, "bounds")
    return DONE
