"""Verdicts with their proofs as files: a page, LaTeX or plain text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from latentdo.identification import Identified, NotIdentified

from .output import replacing

FILES = (".html", ".tex", ".txt")

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; line-height: 1.45; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
code {{ font-size: 1rem; overflow-wrap: anywhere; }}
li {{ margin: 0.8rem 0; }}
li svg {{ margin-top: 0.3rem; }}
hr {{ margin: 2.5rem 0; border: 0; border-top: 1px solid #ccc; }}
</style>
{body}
</html>
"""

_LATEX = r"""\documentclass{article}
\usepackage{amsmath, amssymb}
\allowdisplaybreaks
\begin{document}
%s
\end{document}
"""


def write_verdicts(verdicts: Sequence[Identified | NotIdentified], path: Path) -> None:
    """The verdicts and their proofs, in the form that the suffix of the path names; there whole or not at all."""
    with replacing(path) as beside:
        match path.suffix.lower():
            case ".html":
                text = _PAGE.format(title=html.escape(_title(verdicts)), body="<hr>".join(map(_section, verdicts)))
            case ".tex":
                text = _LATEX % "\n\n".join(map(_latex, verdicts))
            case _:
                text = "\n\n".join(map(_text, verdicts)) + "\n"
        beside.write_text(text, encoding="utf-8")


def _title(verdicts: Sequence[Identified | NotIdentified]) -> str:
    return ", ".join(str(verdict.query) for verdict in verdicts)


def _section(verdict: Identified | NotIdentified) -> str:
    match verdict:
        case Identified(derivation=derivation):
            return f"{verdict._repr_html_()}<h2>Proof</h2>{derivation._repr_html_()}"
        case NotIdentified():
            return verdict._repr_html_()


def _latex(verdict: Identified | NotIdentified) -> str:
    match verdict:
        case Identified(derivation=derivation):
            return derivation.latex
        case NotIdentified():
            return "".join(_SPECIAL.get(sign, sign) for sign in str(verdict))


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "<": r"$<$",
    ">": r"$>$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"$\mid$",
}


def _text(verdict: Identified | NotIdentified) -> str:
    match verdict:
        case Identified(derivation=derivation):
            return f"{verdict}\n\nProof:\n{derivation}"
        case NotIdentified():
            return str(verdict)
