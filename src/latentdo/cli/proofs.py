"""Verdicts with their proofs as files: a page, LaTeX or plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from latentdo.graphs import project, quote
from latentdo.identification import Hedge, Identified, NotIdentified
from latentdo.sheet import web

from .output import replacing

FILES = (".html", ".tex", ".txt")

_LATEX = r"""\documentclass{article}
\usepackage{amsmath, amssymb}
\allowdisplaybreaks
\begin{document}
%s
\end{document}
"""


@dataclass(frozen=True)
class Page:
    """A verdict, and what else was asked for: values that print, or a sentence."""

    verdict: Identified | NotIdentified
    beside: list[Any]
    name: str | None = None


def write_pages(pages: Sequence[Page], tests: Any, path: Path) -> None:
    """The verdicts with their proofs, in the form that the suffix of the path names; there whole or not at all."""
    with replacing(path) as beside:
        match path.suffix.lower():
            case ".html":
                sections = [*map(_section, pages), *([_shown(tests)] if tests is not None else [])]
                title = ", ".join(str(page.verdict.query) for page in pages)
                text = web.page(title or "implications", "<hr>".join(sections))
            case ".tex":
                parts = [*map(_latex, pages), *([_verbatim(str(tests))] if tests is not None else [])]
                text = _LATEX % "\n\n".join(parts)
            case _:
                parts = [*map(_text, pages), *([str(tests)] if tests is not None else [])]
                text = "\n\n".join(parts) + "\n"
        beside.write_text(text, encoding="utf-8")


def _section(page: Page) -> str:
    match page.verdict:
        case Identified(derivation=derivation):
            head = f"{page.verdict._repr_html_()}<h2>Proof</h2>{derivation._repr_html_()}"
        case NotIdentified(hedge=(larger, smaller)) as verdict:
            hedge = "".join(f"<p>{web.escape(line)}</p>" for line in hedge_lines(verdict))
            from latentdo.plots import diagram

            graph = verdict.decided_on or verdict.graph
            picture = diagram(project(graph), first=larger - smaller, second=smaller)
            head = f"{verdict._repr_html_()}{hedge}{picture}"
    name = f"<h1>{web.escape(page.name)}</h1>" if page.name else ""
    return name + head + "".join(_shown(thing) for thing in page.beside)


def _shown(thing: Any) -> str:
    made = getattr(thing, "_repr_html_", None)
    return made() if made is not None else f"<pre>{web.escape(str(thing))}</pre>"


def hedge_lines(verdict: NotIdentified) -> list[str]:
    """The hedge as two sets, and for each experiment with one of its own the one that it leaves."""

    def shown(around: Hedge) -> str:
        larger, smaller = (f"{{{', '.join(sorted(names))}}}" for names in around)
        return f"{larger} around {smaller}"

    lines = [f"Hedge: {shown(verdict.hedge)}"] if verdict.hedge[0] else []
    others = [(names, around) for names, around in verdict.thicket if around != verdict.hedge]
    return lines + [f"Hedge left by do({', '.join(map(quote, names))}): {shown(around)}" for names, around in others]


def _latex(page: Page) -> str:
    match page.verdict:
        case Identified(derivation=derivation):
            head = derivation.latex
        case NotIdentified() as verdict:
            head = _verbatim(fill(str(verdict), 80))
    return "\n".join([head, *(_verbatim(str(thing)) for thing in page.beside)])


def _verbatim(text: str) -> str:
    return f"\\begin{{verbatim}}\n{text}\n\\end{{verbatim}}"


def _text(page: Page) -> str:
    parts = [*([f"{page.name}:"] if page.name else []), str(page.verdict)]
    match page.verdict:
        case Identified(derivation=derivation):
            parts.append(f"Proof:\n{derivation}")
        case NotIdentified() as verdict:
            parts += hedge_lines(verdict)
    return "\n\n".join([*parts, *map(str, page.beside)])
