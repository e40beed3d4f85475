"""The study file, read from YAML and checked by key: from the form to values."""

from __future__ import annotations

import bisect
import math
from dataclasses import replace
from functools import cached_property
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from latentdo.errors import LatentdoError, NotationError, StudyError
from latentdo.files import read_bytes
from latentdo.graphs import STUDY_SUFFIXES, Call, Statement, graph_of, is_study_path, parse_call, parse_weight_key
from latentdo.query import Query, draft_query

from ..document import Scalar, plain, read_document
from ..spec import ModelSpec, statements_of
from ..units import Units, check_counted, checked_units, unit_text
from ..variant import Variant
from .form import InferenceForm, Misfit, StudyForm, fit_form, settings_of
from .places import Places
from .settings import InferenceSettings
from .study import Study
from .table import StudyTable, tables_of
from .variants import VariantReader


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
    places = Places(read_document(text, "the study" if path is None else path.name))
    try:
        form, own = fit_form(plain(places.document.root))
    except Misfit as misfit:
        raise places.misfit(misfit) from None
    study = _Reader(places, form, own).study(path)
    return study if data is None else replace(study, data=Path(data))


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


class _Reader:
    """Turns the form into values, and tells every mistake with its place in the file."""

    def __init__(self, places: Places, form: StudyForm, own: dict[str, Any]) -> None:
        self.places = places
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
            missing=self.form.missing,
            check=settings_of(self.form.check),
        )

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Those of the model."""
        return statements_of(self.form.model)

    def model(self) -> ModelSpec:
        node = self.places.node("model")
        text = self.form.model
        if isinstance(node, Scalar) and node.style != "|" and node.last_line > node.place.line:
            raise self.places.error(
                "YAML joins the lines of this text into one. Write `model: |` and the statements below it, indented.",
                "model",
            )
        with self.places.located("model"):
            return ModelSpec.stated(self.statements, text)

    def data(self, path: Path | None) -> Path | tuple[StudyTable, ...] | None:
        return tables_of(self.form.data, lambda file: Path(file) if path is None else path.parent / file)

    def priors(self, model: ModelSpec) -> tuple[tuple[tuple[str, Call | float], ...], ModelSpec]:
        if self.form.priors is None:
            return (), model
        found: dict[str, Call | float] = {}
        for key, value in self.form.priors.items():
            self.prior_key(key)
            if isinstance(value, str):
                with self.places.located("priors", key):
                    found[key] = parse_call(value)
            elif math.isfinite(value):
                found[key] = float(value)
            else:
                raise self.places.error("a fixed parameter is a finite number.", "priors", key)
        with self.places.located("priors", *self.first_misfit(model, found)):
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
            problem = f"the key {key!r} under `priors` names no parameter: {error.problem}"
            raise self.places.key_error(problem, "priors", key) from None

    def units(self, model: ModelSpec) -> Units:
        if self.form.units is None:
            return ()
        for key, text in self.form.units.items():
            try:
                check_counted(model, key)
            except LatentdoError as error:
                raise self.places.key_error(f"`units`: {error}", "units", key) from None
            with self.places.located("units", key):
                unit_text(key, text)
        return checked_units(model, self.form.units)

    def inference(self) -> InferenceSettings:
        form = InferenceForm() if self.form.inference is None else self.form.inference
        stated = {key: value for key in InferenceForm.known({}) if (value := getattr(form, key)) is not None}
        settings = InferenceSettings(**stated, own=tuple(self.own.items()))
        if (found := settings.misplaced()) is not None:
            name, takers = found
            raise self.places.error(
                f"the engine {form.engine} has no argument {name}. It belongs to engine: {' or '.join(takers)}.",
                "inference",
                name,
            )
        return settings

    def queries(self, model: ModelSpec) -> tuple[tuple[str, Query], ...]:
        if self.form.queries is None:
            return ()
        given = self.form.queries
        pairs = list(given.items()) if isinstance(given, dict) else list(enumerate(given))
        # A list gives no names, so that nothing in it can refer to anything.
        texts = {key: text for key, text in pairs if isinstance(key, str)}
        found: dict[str, Query] = {}
        waiting: dict[str, tuple[str, ...]] = {}
        for key, text in pairs:
            with self.places.located("queries", key):
                query, needed = draft_query(text, texts)
                if query is None:
                    waiting[str(key)] = needed
                    continue
                query = query.settled(model.ones)
                query.check(model.graph)
            name = key if isinstance(key, str) else str(query)
            if name in found:
                raise self.places.error(f"{name} is listed twice. Keep one.", "queries", key)
            found[name] = query
        for key in self.after_what_they_need(waiting):
            with self.places.located("queries", key):
                found[key] = Query.parse(texts[key], found).settled(model.ones)
                found[key].check(model.graph)
        return tuple((key, found[key]) for key in texts) if waiting else tuple(found.items())

    def after_what_they_need(self, waiting: dict[str, tuple[str, ...]]) -> list[str]:
        """The names of queries that need others, in an order in which they can be read."""
        try:
            order = TopologicalSorter(waiting).static_order()
            return [key for key in order if key in waiting]
        except GraphCycle as cycle:
            chain = cycle.args[1][::-1]
            raise self.places.error(
                f"the query needs itself: {' -> '.join(chain)}. Write out one of them.", "queries", chain[0]
            ) from None

    def compare(self) -> tuple[str, ...]:
        if self.form.compare is None:
            return ()
        for i, method in enumerate(self.form.compare):
            if method in self.form.compare[:i]:
                raise self.places.error(f"{method} is listed twice. Keep one.", "compare", i)
        return tuple(self.form.compare)

    def variants(self) -> tuple[Variant, ...]:
        if self.form.variants is None:
            return ()
        # As it is typed: the model's graph has a node for each hidden cause of `<->`.
        graph = graph_of(self.statements, self.form.model)
        forms = self.form.variants.items()
        return tuple(VariantReader(self.places, graph, name).variant(form) for name, form in forms)
