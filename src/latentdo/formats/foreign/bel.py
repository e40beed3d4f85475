"""BEL as node-link JSON, which PyBEL writes: the causal relations among its terms.

Source:
    Hoyt et al. (2018), PyBEL; the relations are those of the BEL 2.1 specification, section "Relations".
"""

from __future__ import annotations

from collections import Counter

from latentdo.errors import GraphError
from latentdo.graphs import Name, quote

from ..documents import Field, document
from ..draft import Draft
from ..report import Read

RELATIONS = {"increases": "+", "directlyIncreases": "+", "decreases": "-", "directlyDecreases": "-", "regulates": ""}
_SHORT = {
    "Protein": "p", "RNA": "r", "miRNA": "m", "Gene": "g", "Abundance": "a", "BiologicalProcess": "bp", "Pathology": "path",
    "Complex": "complex", "Composite": "composite", "Reaction": "rxn", "Population": "pop",
}  # fmt: skip


def read_bel(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of the causal relations; terms that take part in none are left out and counted.

    Raises:
        NotationError: It is no JSON.
        GraphError: A field is missing or names nothing; says which.
    """
    draft = Draft("BEL", source, signed=True)
    whole = document(text)
    nodes = list(whole.at("nodes").items())
    labels = _labels(nodes)
    places: dict[str, int] = {}
    for k, node in enumerate(nodes):
        for key in ("id", "bel"):
            if isinstance(found := node.object().get(key), str | int) and not isinstance(found, bool):
                places.setdefault(f"{type(found).__name__} {found}", k)
        places.setdefault(f"name {labels[k]}", k)
    links = whole.at("links") if whole.has("links") or not whole.has("edges") else whole.at("edges")
    for link in links.items():
        ends = [_end(link.at(end), places, len(nodes)) for end in ("source", "target")]
        relation = link.at("relation").text()
        a, b = (labels[k] for k in ends)
        if relation in RELATIONS:
            evidence = int(link.has("citation") or link.has("evidence"))
            draft.edge(a, b, link.path, RELATIONS[relation], evidence=evidence)
        else:
            draft.drop(link.path, f"{quote(a)} {relation} {quote(b)} is no causal relation")
    for node, label in zip(nodes, labels, strict=True):
        if label in draft.nodes and (found := _identifier(node)):
            draft.references.setdefault(label, found)
    if left := len(set(labels) - draft.nodes.keys()):
        draft.notes.append(f"terms without a causal relation are no nodes: {left} of {len(set(labels))}.")
    return draft.read(cycles)


def _end(end: Field, places: dict[str, int], count: int) -> int:
    value = end.value
    if isinstance(value, bool) or not isinstance(value, str | int):
        end.fail("the number or the id of a node")
    if (known := places.get(f"{type(value).__name__} {value}", places.get(f"name {value}"))) is not None:
        return known
    if isinstance(value, int) and 0 <= value < count:
        return value
    raise GraphError(f"{end.path}: there is no node {value!r} among the {count} nodes.")


def _labels(nodes: list[Field]) -> list[Name]:
    """A name per term: the plain one where no other term has it, else its term in full."""
    short = [_concept(node).get("name") or "" for node in nodes]
    full = [_term(node, 0) for node in nodes]
    simple = [not any(node.object().get(key) for key in ("variants", "members", "fusion")) for node in nodes]
    counts = Counter(name for name, is_simple in zip(short, simple, strict=True) if is_simple)
    return [
        name if is_simple and name and counts[name] == 1 else whole
        for name, whole, is_simple in zip(short, full, simple, strict=True)
    ]


def _concept(node: Field) -> dict[str, str]:
    found = node.at("concept") if node.has("concept") else node
    return {key: str(found.object()[key]) for key in ("name", "namespace", "identifier") if found.has(key)}


def _identifier(node: Field) -> dict[str, str]:
    found = _concept(node)
    return {found["namespace"]: found.get("identifier", found.get("name", ""))} if "namespace" in found else {}


def _term(node: Field, depth: int) -> str:
    """The term as BEL writes it, without namespaces."""
    if isinstance(bel := node.object().get("bel"), str) and bel:
        return bel
    function = node.at("function").text() if node.has("function") else "node"
    inner = [_concept(node).get("name", "")]
    for key in ("members", "variants", "reactants", "products"):
        if node.has(key) and depth < 5:
            inner += [_term(each, depth + 1) if key != "variants" else _variant(each) for each in node.at(key).items()]
    shown = ", ".join(piece for piece in inner if piece)
    if not shown:
        node.fail("a term with a name, members or bel")
    return f"{_SHORT.get(function, function)}({shown})"


def _variant(variant: Field) -> str:
    kind = str(variant.object().get("kind", "var"))
    words = [str(variant.object()[key]) for key in ("hgvs", "code", "pos") if variant.has(key)]
    name = [_concept(variant).get("name", "")] if not words or kind == "pmod" else []
    return f"{kind}({', '.join(piece for piece in (*name, *words) if piece)})"
