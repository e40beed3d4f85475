"""A drawing as a flowchart of Mermaid, which pages and wikis lay out themselves.

Source:
    mermaid.js.org, "Flowcharts": entities such as #quot; stand for signs that would end a text.
"""

from __future__ import annotations

from latentdo.errors import visible

from .scene import Link, Role, Scene
from .svg import COLOURS, FILLS


def mermaid(scene: Scene) -> str:
    """The drawing as text: `--x` inhibits, a dotted line with two heads is a hidden common cause, latent nodes are dashed."""
    names = {node.name: f"n{k}" for k, node in enumerate(scene.nodes)}
    lines = ["flowchart LR"]
    for node in scene.nodes:
        marks = (f":::{node.role}" if node.role in FILLS else "") if not node.latent else ":::latent"
        lines.append(f'  {names[node.name]}(["{_text(node.name)}"]){marks}')
    lines += [f"  {names[link.a]} {_arrow(link)} {names[link.b]}" for link in scene.links]
    lines.append("  classDef latent stroke-dasharray: 5 4")
    used: list[Role] = [role for role in FILLS if any(node.role == role for node in scene.nodes)]
    lines += [f"  classDef {role} fill:{FILLS[role]},stroke:{COLOURS[role]},color:#222" for role in used]
    return "\n".join([*lines, ""])


def _arrow(link: Link) -> str:
    arrow = {"->": "--x" if link.sign == "-" else "-->", "<->": "<-.->", "--": "---"}[link.kind]
    return f'{arrow}|"{_text(link.label)}"|' if link.label else arrow


def _text(text: str) -> str:
    """A text between quotes: signs that Mermaid or HTML would read are entities."""
    return "".join(char if char.isalnum() or char in " _.,:()-+=%" else f"#{ord(char)};" for char in visible(text))
