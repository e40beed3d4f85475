"""The study file: a model with its data, priors, engine and queries, read from YAML and checked by key."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from msgspec import UNSET

from latentdo.errors import ExtensionError, LatentdoError, NotationError, StudyError, nearest
from latentdo.files import read_bytes
from latentdo.graphs import (
    STUDY_SUFFIXES,
    Call,
    EdgeStatement,
    LatentDag,
    Name,
    Statement,
    graph_of,
    is_study_path,
    parse_call,
    parse_statements,
    parse_weight_key,
)
from latentdo.query import Query, draft_query

from .check_settings import CheckSettings
from .document import Document, Entries, Items, Node, Place, Scalar, plain, read_document
from .spec import ModelSpec, statements_of
from .study_format import (
    InferenceForm,
    Misfit,
    StudyForm,
    VariantForm,
    engine_names,
    fit_form,
    own_arguments,
    settings_of,
)
from .study_format import method_names as method_names  # enters by this door
from .study_table import StudyTable, tables_of
from .units import Units, check_counted, checked_units, unit_text
from .variant import Variant, Varied, vary

# A place that is part of a quoted name is none.
_OTHER_PLACE = re.compile(r"`[^`\n]*`|(?<!\w)'[^'\n]*'|\bline (\d+)\b(?:, column (\d+))?")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "auto": ("max_steps",),
    "nuts": ("draws", "warmup", "chains"),
    "svi": ("steps", "guide", "rank", "batch", "draws", "learning_rate"),
    "laplace": ("draws",),
    "map": (),
}
"""The arguments that each engine of latentdo takes."""


def arguments_of(engine: str) -> tuple[str, ...]:
    """The arguments that an engine takes, one of the user's own too."""
    return ARGUMENTS.get(engine) or own_arguments(engine)


@dataclass(frozen=True)
class InferenceSettings:
    """How to train; an argument that is None keeps the engine's default.

    Attributes:
        engine: `auto` chooses for itself.
        max_steps: Most transitions per chain that a block may take under `auto`.
        draws: Kept draws, per chain where there are chains.
        warmup: Draws per chain that adapt the sampler.
        chains: Chains side by side.
        steps: Optimiser steps.
        guide: Laws that `svi` chooses from.
        rank: Directions of the low-rank guide.
        batch: Rows per optimiser step.
        learning_rate: Of the optimiser.
        own: The arguments of an engine of the user's own, as the study has them.
    """

    engine: str = "auto"
    max_steps: int | None = None
    draws: int | None = None
    warmup: int | None = None
    chains: int | None = None
    steps: int | None = None
    guide: str | None = None
    rank: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    own: tuple[tuple[str, Any], ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are stated, by name."""
        stated = {field.name: getattr(self, field.name) for field in fields(self)[1:-1]}
        return {**dict(self.own), **{name: value for name, value in stated.items() if value is not None}}

    def misplaced(self) -> tuple[str, tuple[str, ...]] | None:
        """The first argument that the engine does not take, and the engines that do; None where there is none."""
        for name in self.arguments:
            if name not in arguments_of(self.engine):
                return name, tuple(engine for engine in engine_names() if name in arguments_of(engine))
        return None


@dataclass(frozen=True)
class Study:
    """A model and what to do with it.

    Attributes:
        name: The file's name without its suffix, or "study".
        model: The model, its priors included.
        data: Where the table is, if the study says so, or the tables, if some come from experiments; they need not exist yet.
        priors: The entries under `priors:`, as typed; they are part of `model` already.
        inference: How to train.
        queries: (name, query); a query without a name goes by its text.
        variants: Other latent structures.
        compare: Names of rival methods.
        path: The study file, where it was read from one.
        units: Measured node and what it is measured in, in the order of the model.
        missing: What is done about missing cells, `latent` or `drop`; None refuses them.
        check: Whether a fit is set against its rows, and how; None where the study does not say.
    """

    name: str
    model: ModelSpec
    data: Path | tuple[StudyTable, ...] | None = None
    priors: tuple[tuple[str, Call | float], ...] = ()
    inference: InferenceSettings = InferenceSettings()
    queries: tuple[tuple[str, Query], ...] = ()
    variants: tuple[Variant, ...] = ()
    compare: tuple[str, ...] = ()
    path: Path | None = None
    units: Units = ()
    missing: str | None = None
    check: CheckSettings | None = None

    @property
    def regimes(self) -> tuple[tuple[Name, ...], ...]:
        """The sets of nodes that were set in whole tables of the study."""
        return tuple(dict.fromkeys(table.do for table in self.data if table.do)) if isinstance(self.data, tuple) else ()

    @property
    def files(self) -> str:
        """The tables that the study names, as they are said."""
        return " and ".join(map(str, [self.data] if isinstance(self.data, Path) else [t.file for t in self.data or ()]))

    def varied(self, name: str) -> Varied:
        """The graph of a variant, and its model where its mechanisms make one.

        Raises:
            StudyError: The study has no such variant.
            SpecError: The variant's latents would cause themselves.
        """
        found = {variant.name: variant for variant in self.variants}
        if name not in found:
            offered = nearest(name, found) if found else "It has no variants at all: they stand under `variants:`."
            raise StudyError(f"{self.name} has no variant {name!r}. {offered}", "variants")
        return vary(self.model, found[name])

    def variant(self, name: str) -> Study:
        """This study with the model of one of its variants, and with the queries that can be asked of it.

        Raises:
            StudyError: The study has no such variant.
            SpecError: The variant states no model: a hidden node whose family cannot be latent in this version,
                or merged latents that contradict each other.
        """
        model = self.varied(name).model
        units = tuple((node, unit) for node, unit in self.units if node in model.measured)
        queries = tuple((key, query) for key, query in self.queries if not unaskable(query, model.graph))
        # What stands under `priors:` is in the mechanisms, and may name nodes that are gone.
        return replace(
            self, name=f"{self.name}-{name}", model=model, priors=(), queries=queries, variants=(), units=units
        )


def unaskable(query: Query, graph: LatentDag) -> str:
    """Why the query makes no sense for the graph, or nothing."""
    try:
        query.check(graph)
    except LatentdoError as error:
        return str(error)
    return ""


def load_study(source: str | Path, data: str | Path | None = None) -> Study:
    """The study that a file or a text states.

    Args:
        source: A path, or YAML text; a string is a path if it is one line that ends in .yaml or .yml.
        data: The table's path, in place of the one that the study names.

    Raises:
        StudyError: The file cannot be read, is no YAML, or a key or value is wrong; with line and column.
        NotationError: A model, prior or query cannot be read; with its line and column in the file.
    """
    match source:
        case Path():
            path = source
        case str():
            path = Path(source) if is_study_path(source) else None
        case _:
            raise StudyError(f"A study is a path or a YAML text, got {type(source).__name__}.")
    text = str(source) if path is None else _text_of(path)
    document = read_document(text, "the study" if path is None else path.name)
    try:
        form, own = fit_form(plain(document.root))
    except Misfit as misfit:
        raise _misfit(document, misfit) from None
    study = _Reader(document, form, own).study(path)
    if data is None:
        return study
    return Study(**{**study.__dict__, "data": Path(data)})


def _text_of(path: Path) -> str:
    content = read_bytes(path, StudyError, what="The study file", suffixes=STUDY_SUFFIXES)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(
            f"{path.name}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8. Save the file as UTF-8.",
            line=line,
        ) from None


def _misfit(document: Document, misfit: Misfit) -> StudyError:
    node: Node = document.root
    place = node.place
    for key in misfit.path:
        match node, key:
            case Entries(), str():
                place, node = node.keys[key], node.entries[key]
            case Items(), int():
                node = node.items[key]
                place = node.place
            case _:
                break
    if misfit.unknown is not None and isinstance(node, Entries):
        place = node.keys[misfit.unknown]
    keys = [*misfit.path, *([misfit.unknown] if misfit.unknown is not None else [])]
    shown = _dotted(keys)
    return document.error(f"`{shown}`: {misfit.problem}" if keys else misfit.problem, shown or None, place)


def _dotted(keys: Iterable[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


class _Reader:
    """Turns the form into values, and tells every mistake with its place in the file."""

    def __init__(self, document: Document, form: StudyForm, own: dict[str, Any]) -> None:
        self.document = document
        self.form = form
        self.own = own

    def study(self, path: Path | None) -> Study:
        priors, model = self.priors(self.model())
        return Study(
            name="study" if path is None else path.stem,
            model=model,
            data=self.data(path),
            priors=priors,
            inference=self.inference(),
            queries=self.queries(model),
            variants=self.variants(),
            compare=self.compare(),
            path=path,
            units=self.units(model),
            missing=None if self.form.missing is UNSET else self.form.missing,
            check=settings_of(self.form.check),
        )

    def node(self, *keys: str | int) -> Node:
        node: Node = self.document.root
        for key in keys:
            match node, key:
                case Entries(), str():
                    node = node.entries[key]
                case Items(), int():
                    node = node.items[key]
                case _:
                    raise AssertionError(keys)
        return node

    def error(self, problem: str, *keys: str | int) -> StudyError:
        """A problem with the value under the keys, to be raised."""
        shown = _dotted(keys)
        return self.document.error(f"`{shown}`: {problem}", shown, self.node(*keys).place)

    @contextmanager
    def located(self, *keys: str | int) -> Iterator[None]:
        """Give errors about the text under the keys their place in the file."""
        try:
            yield
        except (StudyError, ExtensionError):
            raise
        except NotationError as error:
            node = self.node(*keys)
            place = self.document.place_in(node, error.line, error.column) if isinstance(node, Scalar) else None
            raise self.notation_error(error, keys, node, place) from None
        except LatentdoError as error:
            raise self.error(str(error), *keys) from error

    def notation_error(
        self, error: NotationError, keys: tuple[str | int, ...], node: Node, place: Place | None
    ) -> NotationError:
        where = f"in `{_dotted(keys)}` of {self.document.name}"
        if place is None or not isinstance(node, Scalar):
            # YAML has joined or unescaped lines: the place is one in the text that came out.
            problem = f"{where}, which starts in line {node.place.line}: {error.problem}"
            return NotationError(problem, error.source, error.line, error.column)
        problem = _OTHER_PLACE.sub(lambda found: self.other_place(node, found), error.problem)
        return NotationError(f"{where}: {problem}", self.document.text, place.line, place.column)

    def other_place(self, node: Scalar, found: re.Match[str]) -> str:
        """A place that a message mentions besides its own, as a place in the file."""
        place = self.document.place_in(node, int(found[1]), int(found[2] or 1)) if found[1] else None
        if place is None:
            return found[0]
        return f"line {place.line}" + (f", column {place.column}" if found[2] else "")

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Those of the model."""
        return statements_of(self.form.model)

    def model(self) -> ModelSpec:
        node = self.node("model")
        text = self.form.model
        if isinstance(node, Scalar) and node.style != "|" and node.last_line > node.place.line:
            raise self.error(
                "YAML joins the lines of this text into one. Write `model: |` and the statements below it, indented.",
                "model",
            )
        with self.located("model"):
            return ModelSpec.stated(self.statements, text)

    def data(self, path: Path | None) -> Path | tuple[StudyTable, ...] | None:
        return tables_of(self.form.data, lambda file: Path(file) if path is None else path.parent / file)

    def priors(self, model: ModelSpec) -> tuple[tuple[tuple[str, Call | float], ...], ModelSpec]:
        if self.form.priors is UNSET:
            return (), model
        found: dict[str, Call | float] = {}
        for key, value in self.form.priors.items():
            self.prior_key(key)
            if isinstance(value, str):
                with self.located("priors", key):
                    found[key] = parse_call(value)
            elif math.isfinite(value):
                found[key] = float(value)
            else:
                raise self.error("a fixed parameter is a finite number.", "priors", key)
        with self.located("priors", *self.first_misfit(model, found)):
            return tuple(found.items()), model.with_priors(found)

    def first_misfit(self, model: ModelSpec, priors: dict[str, Call | float]) -> tuple[str, ...]:
        """The first key that does not go with the model and the keys before it, or nothing: found by halving."""
        rows = list(priors.items())

        def fits(count: int) -> bool:
            try:
                model.with_priors(dict(rows[:count]))
            except LatentdoError:
                return False
            return True

        if fits(len(rows)):
            return ()
        return (rows[bisect.bisect_left(range(1, len(rows)), True, key=lambda count: not fits(count))][0],)

    def prior_key(self, key: str) -> None:
        try:
            parse_weight_key(key)
        except NotationError as error:
            entries = self.node("priors")
            assert isinstance(entries, Entries)
            place = entries.keys[key]
            raise self.document.error(
                f"the key {key!r} under `priors` names no parameter: {error.problem}", f"priors.{key}", place
            ) from None

    def units(self, model: ModelSpec) -> Units:
        if self.form.units is UNSET:
            return ()
        entries = self.node("units")
        assert isinstance(entries, Entries)
        for key, text in self.form.units.items():
            try:
                check_counted(model, key)
            except LatentdoError as error:
                raise self.document.error(f"`units`: {error}", f"units.{key}", entries.keys[key]) from None
            with self.located("units", key):
                unit_text(key, text)
        return checked_units(model, self.form.units)

    def inference(self) -> InferenceSettings:
        form = InferenceForm() if self.form.inference is UNSET else self.form.inference
        stated = {key: value for key in form.__struct_fields__ if (value := getattr(form, key)) is not UNSET}
        settings = InferenceSettings(**stated, own=tuple(self.own.items()))
        if (found := settings.misplaced()) is not None:
            name, takers = found
            raise self.error(
                f"the engine {form.engine} has no argument {name}. It belongs to engine: {' or '.join(takers)}.",
                "inference",
                name,
            )
        return settings

    def queries(self, model: ModelSpec) -> tuple[tuple[str, Query], ...]:
        if self.form.queries is UNSET:
            return ()
        given = self.form.queries
        pairs = list(given.items()) if isinstance(given, dict) else list(enumerate(given))
        # A list gives no names, so that nothing in it can refer to anything.
        texts = {key: text for key, text in pairs if isinstance(key, str)}
        found: dict[str, Query] = {}
        waiting: dict[str, tuple[str, ...]] = {}
        for key, text in pairs:
            with self.located("queries", key):
                query, needed = draft_query(text, texts)
                if query is None:
                    waiting[str(key)] = needed
                    continue
                query.check(model.graph)
            name = key if isinstance(key, str) else str(query)
            if name in found:
                raise self.error(f"{name} is listed twice. Keep one.", "queries", key)
            found[name] = query
        for key in self.after_what_they_need(waiting):
            with self.located("queries", key):
                found[key] = Query.parse(texts[key], found)
                found[key].check(model.graph)
        return tuple((key, found[key]) for key in texts) if waiting else tuple(found.items())

    def after_what_they_need(self, waiting: dict[str, tuple[str, ...]]) -> list[str]:
        """The names of queries that need others, in an order in which they can be read."""
        try:
            order = TopologicalSorter(waiting).static_order()
            return [key for key in order if key in waiting]
        except GraphCycle as cycle:
            chain = cycle.args[1][::-1]
            raise self.error(
                f"the query needs itself: {' -> '.join(chain)}. Write out one of them.", "queries", chain[0]
            ) from None

    def compare(self) -> tuple[str, ...]:
        if self.form.compare is UNSET:
            return ()
        for i, method in enumerate(self.form.compare):
            if method in self.form.compare[:i]:
                raise self.error(f"{method} is listed twice. Keep one.", "compare", i)
        return tuple(self.form.compare)

    def variants(self) -> tuple[Variant, ...]:
        if self.form.variants is UNSET:
            return ()
        # As it is typed: the model's graph has a node for each hidden cause of `<->`.
        graph = graph_of(self.statements, self.form.model)
        return tuple(self.variant(name, form, graph) for name, form in self.form.variants.items())

    def variant(self, name: str, form: VariantForm, graph: LatentDag) -> Variant:
        if not name.strip():
            raise self.error("this variant has no name. Write one before the colon.", "variants", name)
        stated = {key: getattr(form, key) for key in ("drop", "merge", "split", "hide", "latents")}
        stated = {key: value for key, value in stated.items() if value is not UNSET}
        if not stated:
            raise self.error(
                "the variant changes nothing. Say what it drops, merges, splits or hides.", "variants", name
            )
        for key in stated.keys() & {"drop", "hide"}:
            for i, node in enumerate(stated[key]):
                self.check_node(graph, node, "variants", name, key, i)
                if key == "hide" and node in graph.latent:
                    raise self.error(f"{node!r} is latent already. Name a measured node.", "variants", name, key, i)
                if node in stated[key][:i]:
                    raise self.error(f"{node!r} is listed twice. Keep one.", "variants", name, key, i)
        self.check_merge(graph, name, stated.get("merge", {}))
        self.check_split(graph, name, stated.get("split", {}))
        self.check_together(graph, name, stated)
        return Variant(
            name,
            tuple(stated.get("drop", ())),
            tuple((new, tuple(old)) for new, old in stated.get("merge", {}).items()),
            tuple((old, tuple(new)) for old, new in stated.get("split", {}).items()),
            tuple(stated.get("hide", ())),
            tuple(self.arc(graph, name, key, count) for key, count in stated.get("latents", {}).items()),
        )

    def check_node(self, graph: LatentDag, node: Name, *keys: str | int) -> None:
        with self.located(*keys):
            graph.require(node)

    def check_latent(self, graph: LatentDag, node: Name, *keys: str | int) -> None:
        self.check_node(graph, node, *keys)
        if node not in graph.latent:
            raise self.error(f"{node!r} is measured. Only latents are merged or split.", *keys)

    def check_merge(self, graph: LatentDag, name: str, merge: dict[str, list[str]]) -> None:
        merged: set[Name] = set()
        for new, old in merge.items():
            for i, node in enumerate(old):
                self.check_latent(graph, node, "variants", name, "merge", new, i)
                if node in merged:
                    raise self.error(f"{node!r} is merged twice. Name it once.", "variants", name, "merge", new, i)
                merged.add(node)
            if new in graph.nodes and new not in old:
                raise self.error(
                    f"{new!r} is a node already. Give the merged latent a new name.",
                    "variants",
                    name,
                    "merge",
                    new,
                )
            if len(old) < 2:
                raise self.error(
                    f"a merged latent replaces two at least, and this is {old[0]!r} alone. Name the others, or leave it out.",
                    "variants",
                    name,
                    "merge",
                    new,
                )

    def check_together(self, graph: LatentDag, name: str, stated: dict[str, Any]) -> None:
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
                    raise self.error(
                        f"{node!r} stands under `{before[node]}` and `{key}`. Keep one of the two.",
                        "variants",
                        name,
                        key,
                    )
            before.update(dict.fromkeys(nodes, key))
        if all(before.get(node) in ("drop", "hide") for node in graph.measured):
            key = "drop" if "drop" in stated else "hide"
            raise self.error("no measured node would be left. Keep at least one.", "variants", name, key)

    def check_split(self, graph: LatentDag, name: str, split: dict[str, list[str]]) -> None:
        made: set[Name] = set()
        for old, new in split.items():
            self.check_latent(graph, old, "variants", name, "split", old)
            for i, node in enumerate(new):
                if node in made or (node in graph.nodes and node != old):
                    raise self.error(
                        f"{node!r} is a node already. Give each part a new name.",
                        "variants",
                        name,
                        "split",
                        old,
                        i,
                    )
                made.add(node)

    def arc(self, graph: LatentDag, name: str, key: str, count: int) -> tuple[Name, Name, int]:
        """The pair that a key such as `A <-> B` names, in the order of the model."""
        place = ("variants", name, "latents", key)
        try:
            statements = parse_statements(key)
        except NotationError as error:
            raise self.error(f"the key is written A <-> B: {error.problem}", *place) from None
        match statements:
            case (EdgeStatement(kind="<->", left=left, right=right, latents=1),):
                for a, b, _ in graph.bidirected:
                    if {a, b} == {left, right}:
                        return a, b, count
            case _:
                raise self.error("the key is written A <-> B.", *place)
        self.check_node(graph, left, *place)
        self.check_node(graph, right, *place)
        known = [f"{a} <-> {b}" for a, b, _ in graph.bidirected]
        raise self.error(f"the model has no {left} <-> {right}. {nearest(key, known)}", *place)
