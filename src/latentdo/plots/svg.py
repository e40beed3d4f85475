"""A drawing as SVG: well-formed, every text escaped, described in words, readable on light and on dark ground."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable

from latentdo.errors import visible

from .colours import BLUE, GREEN, ORANGE, VERMILION
from .layout import HEIGHT, LINE, MARGIN, Box, Curve, Layout, shown, text_width
from .scene import Link, Node, Role, Scene

LINES, CUT, ARC, APART = "#6b727a", "#b0b4b9", "#9466b0", VERMILION
"""Colours of lines: of a middle tone, so that they are seen on white and on black."""
TEXT, PAPER, HIDDEN = "#222222", "#ffffff", "#e6e9ed"
COLOURS: dict[Role, str] = {
    "": LINES, "treatment": BLUE, "outcome": VERMILION, "given": GREEN, "adjusted": ORANGE, "first": BLUE, "second": VERMILION,
}  # fmt: skip
FILLS: dict[Role, str] = {
    "treatment": "#dcecf7", "outcome": "#fbe3d6", "given": "#d9f0e8", "adjusted": "#fdf0d2",
}  # fmt: skip
WORDS: dict[Role, str] = {
    "treatment": "set", "outcome": "asked about", "given": "seen", "adjusted": "adjusted for",
}  # fmt: skip


def svg(scene: Scene, layout: Layout, *, bare: bool = False) -> str:
    """The drawing as an SVG element that may stand in a page, in a file, or in a notebook.

    Args:
        bare: Whether the lines below it are left out, as the page says what its colours mean.
    """
    mark = hashlib.sha256(repr((scene.nodes, scene.links, scene.title)).encode("utf-8", "replace")).hexdigest()[:8]
    lines = [_link(link, curve, mark) for link, curve in zip(scene.links, layout.curves, strict=True)]
    lines += [_node(node, layout.boxes[node.name]) for node in scene.nodes]
    lines += [_label(link, curve) for link, curve in zip(scene.links, layout.curves, strict=True) if link.label]
    legend, below = ([], 0.0) if bare else _legend(scene, layout)
    width = max(layout.width, below)
    height = layout.height + LINE * len(legend) + (6 if legend else 0)
    title = scene.title or f"Graph over {', '.join(node.name for node in scene.nodes)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t{mark} d{mark}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" font-family="system-ui, sans-serif" font-size="13" '
        f'style="display:block;max-width:100%;height:auto"><title id="t{mark}">{escape(title)}</title>'
        f'<desc id="d{mark}">{escape(scene.description)}</desc>{_markers(scene.links, mark)}{"".join(lines)}'
        f"{''.join(legend)}</svg>"
    )


def printable(text: str) -> str:
    """Text with characters that are not seen, or that no file may hold, as escapes."""
    return "".join(f"\\u{ord(c):04x}" if ord(c) in (0xFFFE, 0xFFFF) else c for c in visible(text))


def escape(text: str) -> str:
    """Text for XML: names are drawn, and never run; characters that XML has not are shown as escapes."""
    return html.escape(printable(text))


def colour_of(link: Link) -> str:
    """The colour of an edge."""
    return CUT if link.gone else {"->": LINES, "<->": ARC, "--": APART}[link.kind]


def fill_of(node: Node) -> str:
    """The colour inside a node: dashes alone are hard to see on a dark ground."""
    return FILLS.get(node.role, HIDDEN if node.latent else PAPER)


def _markers(links: Iterable[Link], mark: str) -> str:
    """The heads that these edges need: arrows, and a T for what inhibits."""
    kinds = sorted({(colour_of(link), link.sign == "-") for link in links if link.kind != "--"})
    return "<defs>" + "".join(
        f'<marker id="{_head(colour, tee=tee, mark=mark)}" viewBox="0 0 8 8" refX="{6 if tee else 7}" refY="4" '
        f'markerWidth="{12 if tee else 7}" markerHeight="{12 if tee else 7}" markerUnits="userSpaceOnUse" '
        f'orient="auto-start-reverse">'
        + (f'<path d="M6 0V8" stroke="{colour}" stroke-width="1.5"/>' if tee else f'<path d="M0 0 8 4 0 8z" fill="{colour}"/>')
        + "</marker>"
        for colour, tee in kinds
    ) + "</defs>"  # fmt: skip


def _head(colour: str, *, tee: bool, mark: str) -> str:
    return f"{'t' if tee else 'h'}{colour[1:]}{mark}"


def path_data(curve: Curve) -> str:
    """The curve in the language of SVG paths."""
    pieces = "".join(f" C{a[0]:.1f} {a[1]:.1f} {b[0]:.1f} {b[1]:.1f} {c[0]:.1f} {c[1]:.1f}" for a, b, c in curve.pieces)
    return f"M{curve.start[0]:.1f} {curve.start[1]:.1f}{pieces}"


def _link(link: Link, curve: Curve, mark: str) -> str:
    colour = colour_of(link)
    if link.kind == "--":
        return f'<path d="{path_data(curve)}" fill="none" stroke="{colour}" stroke-width="4" stroke-opacity="0.75"/>'
    dash = ' stroke-dasharray="2 4"' if link.gone else ' stroke-dasharray="6 3"' if link.kind == "<->" else ""
    head = f"url(#{_head(colour, tee=link.sign == '-', mark=mark)})"
    start = f' marker-start="{head}"' if link.kind == "<->" else ""
    many = ""
    if link.count > 1:
        x, y = curve.middle
        many = (
            f'<text x="{x:.1f}" y="{y - 3:.1f}" text-anchor="middle" font-size="10" fill="{colour}">{link.count}</text>'
        )
    look = f'fill="none" stroke="{colour}" stroke-width="1.3"{dash}{start} marker-end="{head}"'
    return f'<path d="{path_data(curve)}" {look}/>{many}'


def _node(node: Node, box: Box) -> str:
    colour = COLOURS[node.role]
    corner = 3 if node.role in ("given", "adjusted") else HEIGHT / 2
    dash = ' stroke-dasharray="4 3"' if node.latent else ""
    ink = colour if node.role in ("first", "second") else TEXT
    known = f"<title>{escape(node.name)}</title>" if len(shown(node.name)) < len(node.name) else ""
    return (
        f'<g>{known}<rect x="{box.x - box.width / 2:.1f}" y="{box.y - HEIGHT / 2:.1f}" width="{box.width:.1f}" '
        f'height="{HEIGHT:g}" rx="{corner:g}" fill="{fill_of(node)}" stroke="{colour}" '
        f'stroke-width="{2 if node.role else 1.2:g}"{dash}/><text x="{box.x:.1f}" y="{box.y + 4.5:.1f}" text-anchor="middle" '
        f'fill="{ink}"{_fitting(node.name, box)}>{escape(shown(node.name))}</text></g>'
    )


def _fitting(name: str, box: Box) -> str:
    """An attribute that keeps a name in its box where letters are wider than was thought."""
    room = box.width - 10
    return f' textLength="{room:.1f}" lengthAdjust="spacingAndGlyphs"' if text_width(shown(name)) > room else ""


def _label(link: Link, curve: Curve) -> str:
    x, y = curve.label
    width = text_width(link.label, 10.5) + 4
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - 7.5:.1f}" width="{width:.1f}" height="15" rx="3" fill="{PAPER}" '
        f'fill-opacity="0.92"/><text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="10.5" fill="{TEXT}">'
        f"{escape(link.label)}</text>"
    )


def _legend(scene: Scene, layout: Layout) -> tuple[list[str], float]:
    """What the marks mean, below the drawing, and how wide that is."""
    lines: list[str] = []
    widest = 0.0
    y = layout.height + 4
    found: list[Role] = [role for role in WORDS if any(node.role == role for node in scene.nodes)]
    if found:
        x, parts = MARGIN, list[str]()
        for role in found:
            parts.append(
                f'<rect x="{x:.1f}" y="{y - 8:.1f}" width="18" height="11" rx="{2 if role in ("given", "adjusted") else 5}" '
                f'fill="{FILLS[role]}" stroke="{COLOURS[role]}" stroke-width="1.6"/><text x="{x + 23:.1f}" y="{y + 1.5:.1f}" '
                f'font-size="11" fill="{LINES}">{WORDS[role]}</text>'
            )
            x += 23 + text_width(WORDS[role], 11) + 16
        lines.append("".join(parts))
        widest = x
    for note in scene.notes:
        height = y + LINE * len(lines) + 1.5
        lines.append(f'<text x="{MARGIN}" y="{height:.1f}" font-size="11" fill="{LINES}">{escape(note)}</text>')
        widest = max(widest, MARGIN * 2 + text_width(note, 11))
    return lines, widest
