"""`latentdo draw`: a graph or a model as a picture, with what a question and a fit say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentdo.api import load_study
from latentdo.drawings import drawing_of
from latentdo.errors import MissingExtraError, UnsupportedError
from latentdo.graphs import is_fit_path, is_study_path
from latentdo.opening import is_fit, stated, value_of
from latentdo.query import query_of

from .failures import DONE
from .options import Names, Output, Source, name_groups
from .output import output_path, replacing, say, tell
from .sources import source_text

if TYPE_CHECKING:
    from latentdo.plots import Drawing

USAGE = "latentdo draw MODEL [QUERY] [-o GRAPH.svg] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo draw "W -> R -> X -> Y; W <-> X; W <-> Y" -o napkin.svg
  latentdo draw "Z -> X -> Y; Z -> Y" "E[Y | do(X=1)]" -o adjusted.png
  latentdo draw study.yaml -o graph.tikz
  latentdo draw pathway.dot -o pathway.mmd
  latentdo draw fit.ldo "E[Y | do(X=1)]" -o effects.pdf"""

CODES = "Exit codes: 0 done, 2 bad input."

FILES = (".svg", ".png", ".pdf", ".tikz", ".tex", ".mmd", ".mermaid")


def command(
    model: Source,
    query: str | None = None,
    /,
    *,
    adjustment: Names = None,
    title: str = "",
    output: Output = None,
) -> int:
    """Draw a graph or a model: causes on the left, latent nodes dashed, hidden common causes as dashed curves.

    What inhibits ends in a T. With a question, what it sets, asks about and sees
    is marked, and the best set to adjust for, where there is one. Of a fit each
    edge has its weight beside it, with its 90 % interval.

    Args:
        model: A graph or model as text, the path of a study (.yaml), of a saved fit (.ldo) or of a graph in another format,
            or - for a text on standard input.
        query: A question to mark; of a study or a fit the name of one of its own, too.
        adjustment: Nodes to mark as adjusted for, in place of the best set; again, or with commas, for more.
        title: What stands above the drawing.
        output: Where to write (.svg, .png, .pdf, .tikz, .tex, .mmd); left out, stdout, as SVG. .png and .pdf need matplotlib.
    """
    path = None if output is None else output_path("-o", output, "graph", FILES)
    source = source_text(model, fits=True)
    value: Any = (
        load_study(source) if is_study_path(source) else value_of(source) if is_fit_path(source) else stated(source)
    )
    asked = None if query is None else query_of(query, dict(getattr(value, "queries", ())))
    names = [each for group in name_groups("--adjustment", adjustment) or [] for each in group]
    posterior = value if is_fit(value) else None
    subject = posterior.spec if posterior is not None else getattr(value, "model", value)
    made = drawing_of(
        subject, asked, adjustment=None if adjustment is None else names, posterior=posterior, title=title
    )
    if path is None:
        say(made.svg)
        return DONE
    content = _content(made, path.suffix)
    with replacing(path) as beside:
        beside.write_bytes(content)
    tell(f"Drew {len(made.scene.nodes)} nodes and {len(made.scene.links)} edges to {path}.")
    return DONE


def _content(made: Drawing, suffix: str) -> bytes:
    try:
        return made.content(suffix)
    except MissingExtraError as problem:
        raise UnsupportedError(f"{problem} Without it, {suffix} can be .svg, .tikz or .mmd.") from None
