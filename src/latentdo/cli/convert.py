"""`latentdo convert`: a graph or a model from one format to another, with what the other has no place for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from latentdo.errors import UsageError
from latentdo.files import is_file
from latentdo.formats import FORMATS, Read, Report, as_model, read, write, written

from .failures import DONE
from .options import Flag, Names, Source, WholeOrNone, name_groups
from .output import say, say_json, tell
from .sources import standard_input

USAGE = "latentdo convert IN OUT [--from FORMAT] [--to FORMAT] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo convert pathway.dot pathway.sif
  latentdo convert statements.json pathway.dot --min-belief 0.8 --cycles drop-weakest
  latentdo convert "X -> M -> Y; X <-> Y" model.lavaan
  latentdo convert fit.ldo network.bif
  latentdo convert weights.csv graph.txt --from matrix --convention lingam --name X,M,Y
  latentdo convert pathway.dot - --to dagitty"""

CODES = "Exit codes: 0 done, whatever was lost (stderr says it), 2 bad input."

FormatName = Annotated[str | None, Parameter(name="--from")]


def command(
    source: Source,
    target: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    from_: FormatName = None,
    to: str | None = None,
    cycles: str = "refuse",
    min_belief: float | None = None,
    min_evidence: WholeOrNone = None,
    convention: str | None = None,
    name: Names = None,
    json: Flag = False,
) -> int:
    """Write a graph, a model or a network in another format, and say what was lost on the way.

    Formats are told by the ends of names and by what stands in the file:
    arrows, dagitty, DOT, GML, GraphML, SIF, tables of edges, OmniPath, lavaan,
    BIF, XMLBIF in and out; INDRA, BEL, SBML-qual, Causal Fusion, matrices,
    studies and fits in; drawings (svg, png, pdf, tikz, mermaid) out.

    Args:
        source: The path of a file, a text, or - for a text on standard input.
        target: Where to write; - for stdout, which needs --to.
        from_: The format of the source, where neither name nor content tell it: edges, indra, matrix, …
        to: The format to write, where the name does not tell it.
        cycles: What is done about directed cycles: refuse, or drop-weakest, which lists what it leaves out.
        min_belief: Belief that a statement of INDRA needs at least, from 0 to 1.
        min_evidence: Pieces of evidence that a statement of INDRA or a row of OmniPath needs at least.
        convention: What an entry of a matrix means: causal-learn, lingam, gcastle, row-to-column, column-to-row.
        name: The nodes of a matrix in order, with commas between them.
        json: Print an object: from and to, each a report with nodes, edges, dropped, unsigned, contradictory, cycles, broken,
            notes.
    """
    names = [each for group in name_groups("--name", name) or [] for each in group] or None
    given = standard_input() if source == "-" else Path(source) if is_file(Path(source)) else source
    if isinstance(given, str) and not given.strip():
        raise UsageError("The source is empty. Give the path of a file, or a text such as 'X -> Y'.")
    options = {"min_belief": min_belief, "min_evidence": min_evidence, "convention": convention, "names": names}
    found = read(given, from_, cycles=cycles, **options)
    lost = _written(_with_tables(found, given), target, to)
    if found.model is not None and (to == "model" or (to is None and target.endswith(".model"))):
        found = as_model(found)
    if not (json or (found.report.lossless and not found.report.notes)):
        tell(f"note: {found.report}")
    if lost.dropped and not json:
        tell(f"note: {lost}")
    if target != "-":
        tell(f"Wrote {lost.format} with {lost.nodes} nodes and {lost.edges} edges to {target}.")
    if json:
        say_json({"from": found.report.to_json(), "to": lost.to_json()})
    return DONE


def _written(found: Read | object, target: str, to: str | None) -> Report:
    if target != "-":
        return write(found, target, to)
    if to is None:
        raise UsageError(f"- writes to stdout, and --to says in which format. One of {', '.join(FORMATS)}.")
    content, report = written(found, to)
    if isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        say(content.rstrip("\n"))
    return report


def _with_tables(found: Read, given: str | Path) -> Read | object:
    """A saved fit itself, whose tables of probabilities stand in its draws; anything else as it was read."""
    if found.report.format != "a saved fit":
        return found
    from latentdo.api import load

    return load(given)
