"""SBML-qual: qualitative models of regulation; what moves a species is a cause of it.

Source:
    Chaouiya et al. (2013), SBML qualitative models; Level 3 package "qual", version 1.
"""

from __future__ import annotations

from collections import Counter

from latentdo.errors import GraphError, nearest
from latentdo.graphs import Name

from ..draft import Draft
from ..markup import Element, parsed
from ..report import Read

SIGNS = {"positive": "+", "negative": "-", "dual": "", "unknown": "", "": ""}


def read_sbml_qual(content: str | bytes, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph: an edge from each input of a transition to each output.

    A species is called by its name where every species has one of its own, else by its id.

    Raises:
        GraphError: It is no XML, or a transition names no species; says the line.
    """
    draft = Draft("SBML-qual", source, signed=True)
    root = parsed(content)
    species = list(root.all("qualitativeSpecies"))
    if not species:
        kind = "has species of reactions, not of regulation" if any(root.all("species")) else "has none"
        raise GraphError(f"line {root.line}: <{root.name}> {kind}; expected qualitativeSpecies, as SBML-qual has them.")
    names = _names(species)
    for element in species:
        name = draft.node(names[element.get("id")], f"line {element.line}")
        if name != element.get("id"):
            draft.references[name] = {"id": element.get("id")}
    for transition in root.all("transition"):
        inputs, outputs = list(transition.all("input")), list(transition.all("output"))
        for cause in inputs:
            said = cause.attributes.get("sign", "")
            if said not in SIGNS:
                raise GraphError(f"line {cause.line}: sign={said!r} is not known. {nearest(said, SIGNS)}")
            for effect in outputs:
                a, b = _named(cause, names), _named(effect, names)
                draft.edge(a, b, f"line {cause.line}", SIGNS[said])
    return draft.read(cycles)


def _names(species: list[Element]) -> dict[str, Name]:
    ids = [element.get("id") for element in species]
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        line = next(element.line for element in reversed(species) if element.get("id") == twice[0])
        raise GraphError(f"line {line}: a second species has the id {twice[0]!r}.")
    called = [element.attributes.get("name", "").strip() for element in species]
    return dict(zip(ids, called if all(called) and len(set(called)) == len(called) else ids, strict=True))


def _named(element: Element, names: dict[str, Name]) -> Name:
    found = element.get("qualitativeSpecies")
    if found not in names:
        raise GraphError(f"line {element.line}: there is no species {found!r}. {nearest(found, names)}")
    return names[found]
