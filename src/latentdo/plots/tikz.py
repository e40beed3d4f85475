"""A drawing as TikZ, for papers: the same places and curves as on screen."""

from __future__ import annotations

from latentdo.sheet import latex

from .layout import HEIGHT, LINE, Box, Curve, Layout, shown
from .scene import Link, Node, Scene
from .svg import COLOURS, FILLS, WORDS, colour_of

DOCUMENT = r"""\documentclass[tikz,border=4pt]{standalone}
\usepackage[T1]{fontenc}
\usepackage{amsmath, amssymb}
\usetikzlibrary{arrows.meta}
\begin{document}
%s\end{document}
"""


def document(scene: Scene, layout: Layout) -> str:
    """A whole file that LaTeX sets alone."""
    return DOCUMENT % tikz(scene, layout)


def tikz(scene: Scene, layout: Layout) -> str:
    """The drawing as a `tikzpicture`; it needs `\\usetikzlibrary{arrows.meta}`."""
    used = {colour_of(link) for link in scene.links} | {COLOURS[node.role] for node in scene.nodes}
    used |= {FILLS[node.role] for node in scene.nodes if node.role in FILLS}
    lines = [
        f"% needs \\usetikzlibrary{{arrows.meta}}; {len(scene.nodes)} nodes",
        "\\begin{tikzpicture}[x=0.75pt, y=-0.75pt]",
    ]
    lines += [f"  \\definecolor{{c{colour[1:]}}}{{HTML}}{{{colour[1:].upper()}}}" for colour in sorted(used)]
    lines += [_link(link, curve) for link, curve in zip(scene.links, layout.curves, strict=True)]
    lines += [_node(node, layout.boxes[node.name]) for node in scene.nodes]
    for link, curve in zip(scene.links, layout.curves, strict=True):
        if link.label:
            (x, y), words = curve.label, latex.escaped(link.label)
            lines.append(f"  \\node[fill=white, inner sep=1pt, font=\\tiny] at ({x:.1f},{y:.1f}) {{{words}}};")
    roles = [f"{role}: {WORDS[role]}" for role in WORDS if any(node.role == role for node in scene.nodes)]
    below: list[str] = [*([", ".join(roles)] if roles else []), *scene.notes]
    for k, note in enumerate(below):
        lines.append(
            f"  \\node[anchor=west, font=\\scriptsize] at (0,{layout.height + LINE * k:.1f}) {{{latex.escaped(note)}}};"
        )
    return "\n".join([*lines, "\\end{tikzpicture}", ""])


def _link(link: Link, curve: Curve) -> str:
    # The end of a bar is its middle, and the node would cover half of it.
    tip = "Bar[width=6pt, sep=1.5pt]" if link.sign == "-" else "Latex"
    ends = {"->": f"-{{{tip}}}", "<->": "{Latex}-{Latex}", "--": "-"}[link.kind]
    look = (
        ", dotted"
        if link.gone
        else ", dashed"
        if link.kind == "<->"
        else ", line width=2pt"
        if link.kind == "--"
        else ""
    )
    pieces = "".join(
        f" .. controls ({a[0]:.1f},{a[1]:.1f}) and ({b[0]:.1f},{b[1]:.1f}) .. ({c[0]:.1f},{c[1]:.1f})"
        for a, b, c in curve.pieces
    )
    return f"  \\draw[{ends}, c{colour_of(link)[1:]}{look}] ({curve.start[0]:.1f},{curve.start[1]:.1f}){pieces};"


def _node(node: Node, box: Box) -> str:
    corner = 1 if node.role in ("given", "adjusted") else 9
    fill = f", fill=c{FILLS[node.role][1:]}" if node.role in FILLS else ", fill=white"
    dash = ", dashed" if node.latent else ""
    return (
        f"  \\node[draw=c{COLOURS[node.role][1:]}, rounded corners={corner}pt, minimum width={0.75 * box.width:.1f}pt, "
        f"minimum height={0.75 * HEIGHT:.1f}pt, inner sep=1pt, font=\\small{fill}{dash}] at ({box.x:.1f},{box.y:.1f}) "
        f"{{{latex.escaped(shown(node.name))}}};"
    )
