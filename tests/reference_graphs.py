"""Graphs of the literature with their questions and verdicts, where LATENTDO_REFERENCE names a folder that has them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentdo.graphs import LatentDag

FOLDER = os.environ.get("LATENTDO_REFERENCE")


@dataclass(frozen=True)
class Reference:
    """A graph, a question, and whether it is identified."""

    name: str
    graph: LatentDag
    question: str
    identified: bool


def _read(case: dict[str, Any]) -> Reference:
    arcs, latents = case.get("bidirected", []), case.get("latents", [])
    roles = case["treatments"] + case["outcomes"] + case.get("conditions", [])
    nodes = tuple(dict.fromkeys([node for edge in case["directed"] + arcs for node in edge] + latents + roles))
    graph = LatentDag(nodes, frozenset(map(tuple, case["directed"])), tuple(map(tuple, arcs)), frozenset(latents))
    behind = ", ".join([f"do({', '.join(case['treatments'])})", *case.get("conditions", [])])
    return Reference(case["name"], graph, f"P({', '.join(case['outcomes'])} | {behind})", case["identifiable"])


CASES = tuple(map(_read, json.loads((Path(FOLDER) / "graphs.json").read_text()))) if FOLDER else ()
