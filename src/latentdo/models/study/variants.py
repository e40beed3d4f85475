"""The variants of a study: from their form to values, every mistake at its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latentdo.errors import NotationError, StudyError, nearest
from latentdo.graphs import EdgeStatement, LatentDag, Name, parse_statements

from ..variant import Variant
from .form import VariantForm
from .places import Places


@dataclass(frozen=True)
class VariantReader:
    """Reads one variant.

    Attributes:
        places: Of the document.
        graph: That of the model as it is typed, with its `<->`.
        name: Of the variant.
    """

    places: Places
    graph: LatentDag
    name: str

    def variant(self, form: VariantForm) -> Variant:
        """The variant that a form states.

        Raises:
            StudyError: It changes nothing, names what the graph does not have, or contradicts itself; with its place.
        """
        if not self.name.strip():
            raise self.error("this variant has no name. Write one before the colon.")
        stated = {key: getattr(form, key) for key in ("drop", "merge", "split", "hide", "latents")}
        stated = {key: value for key, value in stated.items() if value is not None}
        if not stated:
            raise self.error("the variant changes nothing. Say what it drops, merges, splits or hides.")
        for key in stated.keys() & {"drop", "hide"}:
            for i, node in enumerate(stated[key]):
                self.check_node(node, key, i)
                if key == "hide" and node in self.graph.latent:
                    raise self.error(f"{node!r} is latent already. Name a measured node.", key, i)
                if node in stated[key][:i]:
                    raise self.error(f"{node!r} is listed twice. Keep one.", key, i)
        self.check_merge(stated.get("merge", {}))
        self.check_split(stated.get("split", {}))
        self.check_together(stated)
        return Variant(
            self.name,
            tuple(stated.get("drop", ())),
            tuple((new, tuple(old)) for new, old in stated.get("merge", {}).items()),
            tuple((old, tuple(new)) for old, new in stated.get("split", {}).items()),
            tuple(stated.get("hide", ())),
            tuple(self.arc(key, count) for key, count in stated.get("latents", {}).items()),
        )

    def error(self, problem: str, *keys: str | int) -> StudyError:
        """A problem with the value under the keys of this variant, to be raised."""
        return self.places.error(problem, "variants", self.name, *keys)

    def check_node(self, node: Name, *keys: str | int) -> None:
        with self.places.located("variants", self.name, *keys):
            self.graph.require(node)

    def check_latent(self, node: Name, *keys: str | int) -> None:
        self.check_node(node, *keys)
        if node not in self.graph.latent:
            raise self.error(f"{node!r} is measured. Only latents are merged or split.", *keys)

    def check_merge(self, merge: dict[str, list[str]]) -> None:
        merged: set[Name] = set()
        for new, old in merge.items():
            for i, node in enumerate(old):
                self.check_latent(node, "merge", new, i)
                if node in merged:
                    raise self.error(f"{node!r} is merged twice. Name it once.", "merge", new, i)
                merged.add(node)
            if new in self.graph.nodes and new not in old:
                raise self.error(f"{new!r} is a node already. Give the merged latent a new name.", "merge", new)
            if len(old) < 2:
                raise self.error(
                    f"a merged latent replaces two at least, and this is {old[0]!r} alone. Name the others, or leave it out.",
                    "merge",
                    new,
                )

    def check_split(self, split: dict[str, list[str]]) -> None:
        made: set[Name] = set()
        for old, new in split.items():
            self.check_latent(old, "split", old)
            for i, node in enumerate(new):
                if node in made or (node in self.graph.nodes and node != old):
                    raise self.error(f"{node!r} is a node already. Give each part a new name.", "split", old, i)
                made.add(node)

    def check_together(self, stated: dict[str, Any]) -> None:
        """Raise where two changes are made to one node, or no measured node is left."""
        parts = {
            "drop": stated.get("drop", ()),
            "merge": [node for old in stated.get("merge", {}).values() for node in old],
            "split": stated.get("split", {}),
            "hide": stated.get("hide", ()),
        }
        before: dict[Name, str] = {}
        for key, nodes in parts.items():
            for node in nodes:
                if node in before:
                    raise self.error(f"{node!r} stands under `{before[node]}` and `{key}`. Keep one of the two.", key)
            before.update(dict.fromkeys(nodes, key))
        if all(before.get(node) in ("drop", "hide") for node in self.graph.measured):
            raise self.error(
                "no measured node would be left. Keep at least one.", "drop" if "drop" in stated else "hide"
            )

    def arc(self, key: str, count: int) -> tuple[Name, Name, int]:
        """The pair that a key such as `A <-> B` names, in the order of the model."""
        place = ("latents", key)
        try:
            statements = parse_statements(key)
        except NotationError as error:
            raise self.error(f"the key is written A <-> B: {error.problem}", *place) from None
        match statements:
            case (EdgeStatement(kind="<->", left=left, right=right, latents=1),):
                for a, b, _ in self.graph.bidirected:
                    if {a, b} == {left, right}:
                        return a, b, count
            case _:
                raise self.error("the key is written A <-> B.", *place)
        self.check_node(left, *place)
        self.check_node(right, *place)
        known = [f"{a} <-> {b}" for a, b, _ in self.graph.bidirected]
        raise self.error(f"the model has no {left} <-> {right}. {nearest(key, known)}", *place)
