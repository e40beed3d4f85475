"""What users hand to the verbs, as values: a path, a text, a study or a fit in place of a model; a table; an engine; a seed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import DataError, QueryError, SpecError, StudyError
from latentdo.extensions import blamed, is_own
from latentdo.files import is_file
from latentdo.graphs import (
    Admg,
    LatentDag,
    MechanismStatement,
    Name,
    is_fit_path,
    is_study_path,
    parse_graph,
    parse_statements,
    project,
)
from latentdo.graphs import graph_of as graph_stated
from latentdo.query import Query, queries_of

if TYPE_CHECKING:
    from latentdo.formats import Report
    from latentdo.inference import Engine, Fit, Posterior
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study
    from latentdo.tables import Dataset

_MODEL_SAYS = "A model also says how each node is generated: 'latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)'."


def value_of(source: Any) -> Any:
    """The study, fit, model or graph that a path names; whatever is no path as it is."""
    if not isinstance(source, str | Path):
        return source
    if is_fit_path(str(source)):
        from latentdo.inference import read_archive

        return read_archive(Path(source))
    from latentdo.formats import is_graph_path

    if is_study_path(str(source)):
        from latentdo.models.study import load_study

        return load_study(source)
    if isinstance(source, Path) or is_graph_path(source):
        return _opened(Path(source))
    return source


def _opened(path: Path) -> Any:
    """What a file that is neither a study nor a fit by its name holds: a study all the same, a model, or a graph."""
    from latentdo.formats import read

    found = read(path)
    if found.report.format == "a study":
        from latentdo.models.study import load_study

        return load_study(path)
    told(found.report)
    return found.graph if found.model is None else found.model


def told(report: Report) -> None:
    """Log what a graph does not hold of its source: nothing is left out unsaid."""
    if report.telling:
        _logged(str(report).replace("\n", " "))


@lru_cache(maxsize=256)
def _logged(said: str) -> None:
    """Log it, the first time: one text goes through many verbs."""
    logging.getLogger("latentdo").warning("%s latentdo.formats.read(source).report has it all.", said)


def stated(value: Any) -> Any:
    """The model or the graph that a text states, parsed once; whatever is no text as it is."""
    if isinstance(value, LatentDag | Admg):  # a verdict on a graph does not pay for other programs' formats
        return value
    from latentdo.formats import guess

    if not isinstance(value, str):
        return graph_from(value)
    # Every mechanism has a tilde: the models are not loaded for arrows alone.
    if "~" not in value or guess(value):
        return graph_from(value)
    statements = parse_statements(value)
    if not any(isinstance(statement, MechanismStatement) for statement in statements):
        return graph_stated(statements, value)
    # A model's families and options are checked too: a verdict on a text that could not be trained would mislead.
    from latentdo.models import ModelSpec

    return ModelSpec.stated(statements, value)


def graph_from(source: Any) -> Any:
    """The graph of a text or of a foreign object; a model as it is.

    Raises:
        NotationError: A text cannot be read; says where.
        GraphError: It is no graph, or one that a latent DAG cannot hold.
    """
    if isinstance(source, LatentDag):
        return source
    from latentdo.formats import guess

    if isinstance(source, str) and not guess(source):
        if "~" in source:
            stated(source)  # families are checked: `Y ~ X` of another language is no node of ours without causes
        return parse_graph(source)
    if not isinstance(source, str) and spec_of(source) is not None:
        return source
    from latentdo.formats import read, read_text

    found = read_text(source) if isinstance(source, str) else read(source)
    told(found.report)
    return found.graph if found.model is None else found.model


def graph_of(model: Any) -> tuple[LatentDag | Admg, dict[Name, tuple[Name, ...]]]:
    """The graph, and the nodes that the model declares to be functions of their parents."""
    model = stated(model)
    if isinstance(model, LatentDag | Admg):
        return model, {}
    spec = spec_of(model)
    assert spec is not None, "what is no graph is a model"
    return spec.graph, dict(getattr(model, "functional", spec.functional))


def regimes_of(value: Any, given: Any = ()) -> Any:
    """What is set in the experiments that are given, and in those whose rows a fit was trained on or a study names."""
    own = getattr(value, "regimes", ())
    if not own:
        return given
    return [*own, *([given] if isinstance(given, str) else given)]


def with_graph(value: Any) -> Any:
    """The model or the graph that a text states, the graph that a foreign one is, and whatever else it is as it is."""
    if isinstance(value, str):
        return stated(value)
    is_list = isinstance(value, list) and bool(value) and all(isinstance(pair, tuple | list) for pair in value)
    if is_list or (hasattr(value, "nodes") and hasattr(value, "edges")):
        return graph_from(value)
    return value


def spec_of(value: Any) -> ModelSpec | None:
    """The model that a value is or has: a study is told by its model and a fit by its spec, without loading YAML or NumPy."""
    from latentdo.models import ModelSpec

    found = (value, getattr(value, "model", None), getattr(value, "spec", None))
    return next((each for each in found if isinstance(each, ModelSpec)), None)


def settled(query: Query, value: Any) -> Query:
    """The query, in which an outcome without a value is at the level that counts as the 1 in a model."""
    if not query.assumes:
        return query
    spec = spec_of(value)
    return query if spec is None else query.settled(spec.ones)


def model_of(text: Any) -> ModelSpec:
    """The model that a text states, or the model itself.

    Raises:
        SpecError: It is neither.
    """
    from latentdo.formats import guess, is_graph_path
    from latentdo.models import ModelSpec

    if isinstance(text, ModelSpec):
        return text
    if isinstance(text, Path):
        raise SpecError(f"{text} is a path, and a model is a text. A study is read by ld.load_study({str(text)!r}).")
    if not isinstance(text, str):
        raise SpecError(f"A model is a text such as 'X ~ normal; Y ~ normal(X)', got {type(text).__name__}.")
    if is_study_path(text):
        raise SpecError(f"{text} is the path of a study. Its model is ld.load_study({text!r}).model.")
    if is_graph_path(text):
        raise SpecError(f"{text} is the path of a graph, which ld.graph reads. {_MODEL_SAYS}")
    if format := guess(text).replace("study", ""):
        raise SpecError(f"This is {format} text, a graph without mechanisms, which ld.graph reads. {_MODEL_SAYS}")
    return ModelSpec.parse(text)


def study_of(model: Any, *, fits: bool = False) -> Study:
    """The study, or one around a model or its text.

    Args:
        fits: Whether a fit is taken too, for the model that was trained and what it is asked.
    """
    from latentdo.models.study import Study

    opened = value_of(model)
    if fits and is_fit(opened):
        return Study("fit", opened.spec, queries=opened.queries, compare=opened.compare, units=opened.units)
    return opened if isinstance(opened, Study) else Study("model", model_of(opened))


def is_fit(value: Any) -> bool:
    """Whether it is a fit, told by its spec: nothing is loaded that a fit has not loaded already."""
    return hasattr(value, "spec") and hasattr(value, "blocks")


def rows_of(spec: ModelSpec, data: Any, study: Study, *, missing: str | None = None, do: str | None = None) -> Dataset:
    """The rows that a model is trained on: of the table given, or else of the one that the study names.

    Args:
        missing: What is done about missing cells; what the study says unless given.
        do: The column that names the nodes that were set in each row.

    Raises:
        StudyError: There is neither.
        DataError: The table cannot have come from the model.
    """
    from latentdo.tables import LATENT_OR_DROP, MISSING, read_table

    source = study.data if data is None else data
    if source is None:
        raise StudyError("There is no data: give a table or a path, or name one under `data:` in the study.", "data")
    missing = study.missing if missing is None else missing
    if missing is not None:
        arguments.choice("missing", missing, MISSING, DataError)
    if not (do is None or isinstance(do, str)):
        raise DataError(
            f"do= is the name of a column that names, row by row, the nodes that were set; got {do!r}. Where they were set in "
            "all rows of a table, write ld.experiment(table, do=[…])."
        )
    options = {"missing": missing, "do": do or "", "advice": LATENT_OR_DROP}
    return read_table(tables_named(source), spec.measured, spec.latent, spec.levels, **options)


def tables_named(source: Any) -> Any:
    """The tables that a study names, or the file of one, as they are read; whatever else it is as it is.

    Raises:
        StudyError: The study names none.
    """
    from latentdo.models.study import Study, StudyTable, load_study
    from latentdo.tables import Experiment

    if isinstance(source, str | Path) and is_study_path(str(source)):
        source = load_study(source)
    if isinstance(source, Study):
        if source.data is None:
            raise StudyError(f"{source.name} names no table: there is no `data:` in it. Give the table itself.", "data")
        source = source.data
    if isinstance(source, tuple) and all(isinstance(each, StudyTable) for each in source):
        return [Experiment(each.file, each.do, each.do_column) for each in source]
    return source


def reread(posterior: Posterior, data: Any) -> Dataset:
    """The rows of a table that a fit knows, or of several, read as that of the fit was."""
    from latentdo.tables import LATENT_OR_DROP, as_before, read_table

    spec, facts = posterior.spec, posterior.facts
    tables = as_before(tables_named(data), facts.origins, facts.do_column)
    return read_table(tables, spec.measured, spec.latent, spec.levels, missing=facts.handled, advice=LATENT_OR_DROP)


def engine_of(study: Study) -> Engine:
    """The engine that a study names, with its arguments; raises `FitError` where they make no sense."""
    from latentdo.inference import ENGINES

    engine = ENGINES[study.inference.engine]
    with blamed(engine, "__init__", "engine"):
        made = engine(**study.inference.arguments)
    return checked_engine(made)


def checked_engine(engine: Any) -> Engine:
    """The engine, once it is sure to be one.

    Raises:
        SpecError: It is none, or one of the user's own that lacks something.
    """
    from latentdo.inference import AbstractEngine, Trains

    if not isinstance(engine, AbstractEngine):
        raise SpecError(f"An engine is a value such as ld.Auto() or ld.Nuts(draws=1000), got {engine!r}.")
    if is_own(own := type(engine)):
        if not isinstance(engine, Trains):
            raise SpecError(f"The engine {own.__name__} lacks train. Define train(self, task) in the class.")
        if not is_dataclass(own):
            raise SpecError(
                f"The engine {own.__name__} is no dataclass, whose repr is kept with a fit. Put @dataclass(frozen=True) above "
                "the class."
            )
        shape = engine.shape
        if not (isinstance(shape, tuple) and len(shape) == 2 and all(type(n) is int and n > 0 for n in shape)):
            raise SpecError(
                f"The engine {own.__name__} has shape = {shape!r}; expected: a pair of whole numbers, chains and draws of each. "
                "Correct it in the class."
            )
    return engine


def table_first(arguments: Sequence[Any], data: Any) -> tuple[Any, tuple[Any, ...]]:
    """The table and the queries among what was handed in: a table stands in front of the queries, or under its own name.

    Raises:
        QueryError: There are two tables.
    """
    if not arguments or not (arguments[0] is None or _is_table(arguments[0])):
        return data, tuple(arguments)
    if data is not None and arguments[0] is not None:
        raise QueryError("The data were given twice, in front of the queries and as data=. Keep one.")
    return (data if arguments[0] is None else arguments[0]), tuple(arguments[1:])


def _is_table(value: Any) -> bool:
    from latentdo.tables import is_path

    match value:
        case str():
            return is_path(value) or is_study_path(value)
        case Query() | list() | tuple():
            return False
        case Mapping():
            # From names to queries, or from names to columns.
            return not all(isinstance(each, str | Query) for each in value.values())
        case _:
            return True


def fitted_rows(posterior: Posterior, data: Any, folder: Path, purpose: str, call: str) -> tuple[Dataset, str]:
    """The rows of a fit, those that it still has or of the table given, and where they were found if neither.

    A fit without rows knows what its table was called: a file of that name is taken if it holds the very same rows.

    Args:
        folder: That of the fit's file.
        purpose: What the rows are for, as an error says it: `rivals estimate from them`.
        call: How the table is given.

    Raises:
        DataError: There are none.
    """
    if data is not None:
        return reread(posterior, data), ""
    if posterior.data is not None:
        return posterior.data, ""
    found, why = kept_tables(posterior, folder)
    if found:
        return reread(posterior, list(found)), said_of_kept(found)
    raise DataError(
        f"This fit holds no rows of its data, as it was saved without, and {purpose}{why}. Give the table that it was trained "
        f"on: {call}."
    )


def said_of_kept(found: Sequence[Path]) -> str:
    """Where the rows of a fit were found, as a sentence."""
    from latentdo.sheet import listed

    return f"The rows are those of {listed(map(str, found))}, which the fit was trained on."


def kept_tables(posterior: Posterior, folder: Path) -> tuple[tuple[Path, ...], str]:
    """The files that a fit was trained on, looked for here and beside the fit; if there are none, why, if that can be said."""
    from latentdo.sheet import listed
    from latentdo.tables import is_path

    facts = posterior.facts
    files = [origin.file for origin in facts.origins] or [facts.source]
    if not all(map(is_path, files)):
        return (), ""
    is_one, why = len(files) == 1, ""
    called = "as its table was called" if is_one else "as its tables were called"
    for places in ((Path(), folder), (folder, Path())):
        paths = [next((path for place in places if is_file(path := place / file)), None) for file in files]
        found = tuple(path for path in paths if path is not None)
        if len(found) < len(files):
            absent = [file for file, path in zip(files, paths, strict=True) if path is None]
            return (
                (),
                f"; {listed(absent)}, which it was trained on, {'is' if len(absent) == 1 else 'are'} neither here nor beside it",
            )
        shown = listed(map(str, found))
        try:
            rows = reread(posterior, list(found))
        except DataError as fault:
            why = f"; {shown}, {called}, cannot be read: {str(fault).rstrip('.')}"
            continue
        if rows.hash == facts.hash:
            return found, ""
        why = f"; {shown}, {called}, {'holds' if is_one else 'hold'} other rows now"
    return (), why


def rival_rows(
    graph: LatentDag | Admg,
    spec: ModelSpec | None,
    data: Any,
    needed: Sequence[Name],
    wished: Sequence[Name] = (),
    *,
    missing: str | None = None,
    advice: str | None = None,
) -> Dataset:
    """The columns that rivals need, of a table for which there may be no more than a graph.

    Args:
        needed: The nodes without whose columns there is no answer.
        wished: Nodes whose columns are read where the table has them.
        missing: What a study does about missing cells; None refuses them.
        advice: What to do about them then.

    Raises:
        DataError: There is no table; a column is missing, has missing cells, or mixes numbers and names.
    """
    from latentdo.tables import read_table

    if data is None:
        raise DataError("There is no data, and rivals estimate from it. Give a table or a path behind the graph.")
    # A graph says of no column whether it holds names: each may.
    names = (*needed, *wished)
    levels = dict.fromkeys(names, ()) if spec is None else spec.levels
    latent = graph.latent if isinstance(graph, LatentDag) else ()
    options = {"missing": missing, "others": project(graph).nodes, **({} if advice is None else {"advice": advice})}
    rows = read_table(tables_named(data), names, latent, levels, optional=wished, **options)
    for name, labels in rows.levels if spec is None else ():
        if numbers := [label for label in labels if _is_number(label)]:
            other = next((label for label in labels if label not in numbers), None)
            if other is not None:
                raise DataError(
                    f"Column {name!r} holds numbers, such as {numbers[0]}, and other texts, such as {other!r}. Correct the "
                    "cells, or say in a model what its levels are.",
                    column=name,
                )
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def tables_of(datasets: Any) -> dict[Any, Any]:
    """Table by name, or by place in the sequence."""
    if isinstance(datasets, Mapping):
        return dict(datasets)
    listed = None if hasattr(datasets, "columns") else arguments.listed(datasets)
    if listed is None:
        raise DataError(
            f"ld.fit_many takes tables in a list or a dict, got {type(datasets).__name__}. Put one table into a list: [table]."
        )
    return dict(enumerate(listed))


def checked_fits(
    study: Study, tables: Mapping[Any, Any], engine: Engine, seed: int, **reading: str | None
) -> list[Fit]:
    """A fit per table, once all of them can be trained on; `reading` is `missing` and `do` of `rows_of`."""
    from latentdo.inference import Fit

    fits, faults = [], []
    for name, table in tables.items():
        try:
            rows = rows_of(study.model, table, study, **reading)
            fit = Fit.of(study.model, rows, engine, seed, dict(study.units))
            fits.append(replace(fit, label=f"{name}: "))
        except DataError as fault:
            faults.append((name, fault))
    if len(faults) == 1:
        name, fault = faults[0]
        raise DataError(f"Data set {name!r}: {fault}", column=fault.column, line=fault.line)
    if faults:
        listed = "\n".join(f"- {name!r}: {fault}".replace("\n", "\n  ") for name, fault in faults)
        first = faults[0][1]
        raise DataError(f"{len(faults)} data sets cannot be used:\n{listed}", column=first.column, line=first.line)
    return fits


def study_and_engine(model: Any, engine: Any) -> tuple[Study, Engine]:
    """The study, its queries checked, and the engine."""
    from latentdo.answers import check_values

    study = study_of(model)
    for _, query in study.queries:
        check_values(study.model, query)
    return study, checked_engine(engine if engine is not None else engine_of(study))


def questions_of(queries: Sequence[Any], own: Sequence[tuple[str, Query]]) -> list[tuple[str | None, Query]]:
    """(name, query) of what was asked, or else of the study's own questions."""
    found = queries_of(queries, dict(own)) or list(own)
    if not found:
        raise QueryError("There is nothing to ask: give a query such as 'E[Y | do(X=1)]'.")
    return found


def unpacked(queries: Sequence[Any]) -> tuple[Any, ...]:
    """The queries themselves, where they were handed in as one list, or as one dict from names."""
    if len(queries) == 1 and isinstance(queries[0], list | tuple | Mapping):
        return tuple(queries[0].items() if isinstance(queries[0], Mapping) else queries[0])
    return tuple(queries)
