"""`latentdo answerable`: the verdict on every pair of measured nodes, as a table, a picture or an object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.api import answerable, load_study
from latentdo.graphs import is_study_path

from .failures import DONE
from .options import Flag, Names, Output, Source, name_groups
from .output import output_path, replacing, say, say_json, tell
from .sources import source_text

if TYPE_CHECKING:
    from latentdo.types import Answerable

USAGE = "latentdo answerable GRAPH [--treatment X] [--outcome Y] [-o MATRIX.png]"

EXAMPLES = """\
Examples:
  latentdo answerable "W -> R -> X -> Y; W <-> X; W <-> Y"
  latentdo answerable study.yaml -o matrix.png
  latentdo answerable study.yaml --outcome Erk --treatment SOS --treatment Ras
  latentdo answerable "Z -> X -> Y; Z <-> X; Z <-> Y" --experiment Z
  latentdo answerable study.yaml --treatment EGFR,TNF --given AGTR1 --json"""

CODES = "Exit codes: 0 all were judged, whatever the verdicts, 2 bad input."

FILES = (".png", ".svg", ".pdf", ".html", ".csv")


def command(
    graph: Source,
    /,
    *,
    treatment: Names = None,
    outcome: Names = None,
    given: Names = None,
    experiment: Names = None,
    output: Output = None,
    json: Flag = False,
) -> int:
    """Which questions P(Y | do(X)) the measured nodes can answer, every pair at once.

    Rows are set, columns asked about. A letter says by which form: · no effect,
    = seeing is doing, B back-door, F front-door, C conditional front-door, G
    general formula, E with an experiment, x not identified. `latentdo identify`
    gives the formula or the proof of one of them.

    Args:
        graph: A graph or model as text, the path of a study (.yaml) or of a saved fit (.ldo), or - for a text on standard input.
        treatment: A node that is set, several together with commas (X,Z); again for more; all, if left out.
        outcome: A node that is asked about; likewise.
        given: A node that is seen after the intervention; again, or with commas, for more.
        experiment: A node that was set in an experiment whose rows you have too, several set together with commas (A,B);
            again for another experiment.
        output: Where to write a picture (.png, .svg, .pdf) or a table (.html, .csv) in place of the text.
        json: Print an object: treatments, outcomes, given, asked, identified, forms, pairs.
    """
    source = source_text(graph, fits=True)
    path = None if output is None else output_path("-o", output, "matrix", FILES)
    subject = load_study(source) if is_study_path(source) else source
    table = answerable(
        subject,
        name_groups("--treatment", treatment),
        name_groups("--outcome", outcome),
        given=[name for group in name_groups("--given", given) or [] for name in group],
        experiments=name_groups("--experiment", experiment) or (),
    )
    if path is not None:
        _write(table, path)
        tell(f"Wrote {len(table.treatments)} rows and {len(table.outcomes)} columns to {path}.")
    if json:
        say_json(table.to_json())
    elif path is None:
        say(str(table))
    return DONE


def _write(table: Answerable, path: Path) -> None:
    """The table as a file, there whole or not at all."""
    with replacing(path) as beside:
        match path.suffix.lower():
            case ".csv":
                beside.write_text(table.to_csv(), encoding="utf-8")
            case ".html":
                beside.write_text(table.to_html(), encoding="utf-8")
            case _:
                table.plot().figure.savefig(beside, format=path.suffix[1:].lower())
