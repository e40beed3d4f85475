"""The JSON of Causal Fusion: nodes, and edges that are directed or bidirected.

Source:
    causalfusion.net, "Export", as y0's reader takes it: `edges[].from`, `.to`, `.type`.
"""

from __future__ import annotations

from latentdo.errors import GraphError, nearest
from latentdo.graphs import Name, quote

from ..documents import Field, document
from ..draft import Draft
from ..report import Read

_REFUSED = ("select", "transport")


def read_causal_fusion(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph, with the nodes that no edge touches.

    Raises:
        NotationError: It is no JSON.
        GraphError: A field is missing or unknown, or a node stands for selection or transport; says which.
    """
    draft = Draft("Causal Fusion", source)
    whole = document(text)
    ids: dict[str, Name] = {}
    names: dict[str, Name] = {}
    for node in whole.at("nodes").items() if whole.has("nodes") else ():
        kind = str(node.object().get("type", "basic"))
        name = draft.node(_name(node), f"{node.path}.name", latent=kind == "latent")
        if any(word in kind.lower() for word in _REFUSED):
            raise GraphError(
                f"{node.path}.type: {quote(name)} is a node of {kind!r}, and selection and transport are not supported. "
                "Remove it if the data are not selected by it."
            )
        if kind not in ("basic", "latent", "treatment", "outcome"):
            draft.notes.append(f"the type {kind!r} of {quote(name)} is not read.")
        if name in names:
            raise GraphError(f"{node.path}.name: a second node is called {name!r}. Give each a name of its own.")
        names[name] = name
        if node.has("id"):
            ids[node.at("id").text()] = name
    for edge in whole.at("edges").items():
        a, b = (_end(edge.at(end), names, ids) for end in ("from", "to"))
        match edge.at("type").text():
            case "directed":
                draft.edge(a, b, edge.path)
            case "bidirected":
                draft.arc(a, b, edge.path)
            case other:
                raise GraphError(
                    f"{edge.path}.type: {other!r} is neither directed nor bidirected. "
                    f"{nearest(other, ('directed', 'bidirected'))}"
                )
    return draft.read(cycles)


def _name(node: Field) -> str:
    return next((node.at(key) for key in ("name", "id", "label") if node.has(key)), node.at("name")).text()


def _end(end: Field, names: dict[str, Name], ids: dict[str, Name]) -> Name:
    found = end.text()
    if not names:
        return found
    if found not in names and found not in ids:
        raise GraphError(f"{end.path}: there is no node {found!r}. {nearest(found, names)}")
    return names.get(found) or ids[found]
