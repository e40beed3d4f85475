"""SIF, the simple interaction format of Cytoscape: `source relation target …` in lines.

Source:
    Cytoscape manual, "Supported network file formats": with tabs between words names may hold blanks.
"""

from __future__ import annotations

from latentdo.errors import NotationError
from latentdo.graphs import LatentDag, Name, quote

from ..draft import Draft
from ..relations import relation_kind
from ..report import Read


def read_sif(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of lines `A activates B`; a relation without a direction is dropped and told, an unknown one has no sign.

    Raises:
        NotationError: A line with a source and a relation, and no target.
    """
    draft = Draft("SIF", source, signed=True)
    tabbed = "\t" in text
    unknown: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word.strip() for word in line.strip("\r\n").split("\t")] if tabbed else line.split()
        words = [word for word in words if word]
        where = f"line {number}"
        match words:
            case []:
                pass
            case [alone]:
                draft.node(alone, where)
            case [_, relation]:
                raise NotationError(
                    f"the relation {relation[:40]!r} has no target. A line is: source relation target.", text, number, 1
                )
            case [cause, relation, *effects]:
                kind = relation_kind(relation)
                if kind == "unknown":
                    unknown.setdefault(relation, number)
                for effect in effects:
                    _add(draft, cause, kind, effect, where, relation)
    for relation, number in unknown.items():
        draft.notes.append(
            f"the relation {relation!r} (line {number}) is not known here and is read as an edge without a sign."
        )
    return draft.read(cycles)


def _add(draft: Draft, cause: Name, kind: str, effect: Name, where: str, relation: str) -> None:
    match kind:
        case "undirected":
            draft.node(cause, where)
            draft.node(effect, where)
            draft.drop(where, f"{quote(cause)} {relation} {quote(effect)} has no direction")
        case "hidden":
            draft.arc(cause, effect, where)
        case "unknown":
            draft.edge(cause, effect, where)
        case sign:
            draft.edge(cause, effect, where, sign)


def write_sif(graph: LatentDag, signs: dict[tuple[Name, Name], str]) -> str:
    """The graph in lines with tabs; which nodes are latent has no place there."""
    order = {node: k for k, node in enumerate(graph.nodes)}
    joined = {node for edge in (*graph.directed, *(arc[:2] for arc in graph.bidirected)) for node in edge}
    words = {"+": "activates", "-": "inhibits", "": "causes"}
    # The tab tells readers that words are not split at blanks.
    rows = [[node, ""] for node in graph.nodes if node not in joined]
    rows += [
        [a, words[signs.get((a, b), "")], b]
        for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]]))
    ]
    rows += [[a, "<->", b] for a, b, _ in graph.bidirected]
    return "".join("\t".join(row) + "\n" for row in rows)
