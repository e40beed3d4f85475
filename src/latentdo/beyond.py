"""The verbs for what data and graph do not settle: bounds and sensitivity. They stand beside those of `api`, and read alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latentdo import arguments
from latentdo.errors import DataError, QueryError
from latentdo.query import Query, query_of

from .opening import checked_engine, fitted_rows, graph_of, is_fit, rival_rows, settled, spec_of, value_of, with_graph

if TYPE_CHECKING:
    from latentdo.bounding import Assuming, Bounds
    from latentdo.estimators import Estimate
    from latentdo.graphs import Admg, LatentDag, Name
    from latentdo.inference import Engine, Posterior
    from latentdo.models import ModelSpec
    from latentdo.omissions import Sensitivity
    from latentdo.query import Value
    from latentdo.tables import Dataset

ANY_OR_DROP = (
    'Let those of an outcome be any of its levels, missing="any", or leave out rows that have them, missing="drop".'
)


@arguments.with_known_options
def bounds(
    graph: Any,
    data: Any,
    query: str | Query,
    *,
    monotone: str | Sequence[str] = (),
    level: float = 0.9,
    seed: int = 0,
    names: Sequence[Name] | None = None,
    levels: Mapping[Name, Sequence[Value | None]] | None = None,
    missing: Literal["any", "drop"] | None = None,
) -> Bounds:
    """The smallest and the largest value of a question that data and graph allow, whatever the hidden causes do.

    For columns of levels: response types of the nodes are weighed by a linear programme. No mechanism is assumed, so that of a
    model only the graph counts.

    Args:
        graph: A graph, its text, a model, a study or a fit.
        data: A table or its path, as for `fit`; or, with `names`, an exact law as an array of probabilities.
        query: One number: a probability of levels, a mean of numeric levels, sums, differences and ratios of these.
        monotone: Edges of which a direction is assumed in each unit: `"Z -> X"` never lowers X (no defiers), `"Z -| X"` never
            raises it.
        level: The probability of the interval that is printed.
        seed: Of the bootstrap: same seed, same numbers.
        names: The nodes of the array's axes.
        levels: Of an array what the levels of a node are called; 0, 1, … unless given. None behind the levels of an outcome
            stands for missing cells, which may be any of them.
        missing: What is done about missing cells of a table, refused unless it is given: with `any` those of an outcome may be
            any of its levels, and the bounds hold whatever they are; `drop` leaves out rows with one.

    Returns:
        A `Bounds`: `.lower`, `.upper`, `.sharp`, `.interval(level)`, `.violated`.

    Raises:
        QueryError: The question is no ratio of sums of probabilities, or names a level that never occurs.
        DataError: The table lacks a column, or a column has too many values for levels.
        UnsupportedError: There are too many response types; the message says how many, and of which nodes.
    """
    from latentdo.bounding import bounds_of, frequencies_in, frequencies_of, parsed_edges
    from latentdo.estimators import instrument_columns, with_instrument

    level = arguments.number("level=", level, QueryError, above=0, below=1, repair="0.9 is usual.")
    seed = arguments.seed(seed)
    opened = with_graph(value_of(graph))
    drawn, _ = graph_of(opened)
    asked = settled(query_of(query, dict(getattr(opened, "queries", ()))), opened)
    if missing is not None:
        arguments.choice("missing", missing, ("any", "drop"), QueryError)
    edges = parsed_edges((monotone,) if isinstance(monotone, str) else tuple(monotone))
    if names is not None:
        table = getattr(data, "values", data)
        return bounds_of(
            drawn,
            asked,
            lambda plan: frequencies_in(table, names, levels or {}, plan),
            monotone=edges,
            level=level,
            seed=seed,
        )
    if levels is not None:
        raise QueryError("levels= belongs to an exact law: give names= too, the nodes of the array's axes.")
    if getattr(data, "ndim", 0) > 1 and not hasattr(data, "columns"):
        raise DataError("An array of probabilities needs names=, the nodes of its axes: names=['Z', 'X', 'Y'].")
    source = opened.data if data is None and is_fit(opened) else data
    if source is None:
        raise DataError("There is no data, and bounds are found from frequencies. Give a table or a path.")
    spec, way = spec_of(opened), "latent" if missing == "any" else missing
    ordered = () if spec is None else (*spec.ordered, *spec.ones)
    rows_of = _Observed(drawn, spec, source, way)
    found = bounds_of(
        drawn,
        asked,
        lambda plan: frequencies_of(rows_of(plan.needed), plan, ordered),
        monotone=edges,
        level=level,
        seed=seed,
    )
    found = replace(found, notes=(*rows_of.said, *found.notes))
    wished = () if missing == "any" else instrument_columns(drawn, [asked])
    if found.identified or not wished:
        return found
    named = [name for term in asked.terms for name in (*term.outcome_names, *term.treatments)]
    rows = rows_of(tuple(dict.fromkeys(named)), tuple(wished)).complete()
    assuming = with_instrument(drawn, rows, asked, level=level)
    return replace(found, assuming=tuple(_assuming(each) for each in assuming))


class _Observed:
    """The rows of a table that frequencies are taken from: those in which no node was set.

    Attributes:
        said: What the last reading left out, as a sentence; empty where it left out nothing.
    """

    def __init__(self, graph: LatentDag | Admg, spec: ModelSpec | None, source: Any, missing: str | None) -> None:
        from latentdo.tables import Dataset

        self.graph, self.spec, self.source, self.missing, self.n_set = graph, spec, source, missing, 0
        self.said: tuple[str, ...] = ()
        if isinstance(source, Dataset):
            # Other nodes than those that are read may have been set.
            self.source = source.untouched()
            self.n_set = source.n_rows - self.source.n_rows

    def __call__(self, needed: Sequence[Name], wished: Sequence[Name] = ()) -> Dataset:
        given = self.graph, self.spec, self.source, needed, wished
        rows = rival_rows(*given, missing=self.missing, advice=ANY_OR_DROP)
        seen = rows.untouched()
        n_set = self.n_set + rows.n_rows - seen.n_rows
        if n_set and seen.n_rows < 2:
            raise DataError(
                f"Bounds are found from rows in which no node was set, and of {seen.n_rows + n_set:,} rows {seen.n_rows} are "
                "such. Give rows that were only observed."
            )
        said = f"The bounds see {seen.n_rows:,} of the {seen.n_rows + n_set:,} rows: in {n_set:,} some node was set."
        self.said = (said,) if n_set else ()
        return seen


def _assuming(row: Estimate) -> Assuming:
    """An estimate under an instrument as bounds show it."""
    from latentdo.bounding import Assuming

    assert row.estimate is not None
    assert row.lower is not None
    assert row.upper is not None
    note = row.note.removeprefix("needs more than the graph: ")
    return Assuming(row.method, "; ".join((note, *row.cautions)), row.estimate, row.lower, row.upper)


@arguments.with_known_options
def sensitivity(
    posterior: Posterior | str | Path,
    query: str | Query,
    data: Any = None,
    *,
    edge: str | None = None,
    strengths: Sequence[float] | None = None,
    value: float | None = None,
    level: float = 0.9,
    engine: Engine | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: bool | None = None,
) -> Sensitivity:
    """How an answer moves with one edge that the graph leaves out, which no table of its columns can show.

    The edge is put into the model with a strength that is fixed, the model is fitted anew, and the question asked again, for each
    strength of a grid. The tipping point is where the interval reaches no effect, or the value that is given.

    Args:
        posterior: A fit, or the path of one.
        query: One number, which the graph identifies; or the name of a query of the study.
        data: The table that it was trained on, where the fit holds no rows.
        edge: `"X -> Y"` or `"X <-> Y"` between measured nodes; unless given, a hidden cause of treatment and outcome, or where
            the graph has one, a direct effect.
        strengths: Those to fit. Of `X -> Y` in sds of Y per sd of X, of `X <-> Y` in sds of what their causes leave of both per
            sd of the hidden cause; log odds of a bernoulli node. Of `X <-> Y` with a numeric end between -1 and 1: 1 would leave
            nothing else. Unless given, a few. Further ones are fitted around the tipping point and as strong as measured causes.
        value: The value that the tipping point is about; no effect unless given.
        level: The probability of the intervals.
        engine: How to train, as for `fit`.
        seed: Same seed, same numbers.
        workers: How many processes train.
        progress: As for `fit`.

    Returns:
        A `Sensitivity`: `.points`, `.at(strength)`, `.tipping`, `.measured` (how strong measured causes are), `.robustness`.

    Raises:
        NotIdentifiedError: The graph does not identify the question.
        QueryError: An edge that the graph has, or between nodes whose families have no single weight.
        DataError: The fit holds no rows and there is no table.
    """
    from latentdo.comparison import check_rows
    from latentdo.inference import Auto, Posterior, watch
    from latentdo.omissions import sensitivity_of

    fitted = value_of(posterior)
    if not isinstance(fitted, Posterior):
        raise QueryError(f"ld.sensitivity takes a trained model from ld.fit or ld.load, got {type(fitted).__name__}.")
    level = arguments.number("level=", level, QueryError, above=0, below=1, repair="0.9 is usual.")
    target = None if value is None else arguments.number("value=", value, QueryError)
    tried = None
    if strengths is not None:
        given = arguments.listed(strengths)
        if not given:
            raise QueryError(f"strengths= takes numbers such as [-0.5, 0.5], got {strengths!r}.")
        tried = [arguments.number("A strength", each, QueryError, least=-20, most=20) for each in given]
    folder = Path(posterior).parent if isinstance(posterior, str | Path) else Path()
    call = 'ld.sensitivity(posterior, query, "data.csv")'
    rows, _ = fitted_rows(fitted, data, folder, "each strength is fitted to them", call)
    check_rows(fitted, rows)
    with watch(progress) as told:
        return sensitivity_of(
            fitted,
            rows,
            settled(query_of(query, dict(fitted.queries)), fitted),
            Auto() if engine is None else checked_engine(engine),
            edge=edge,
            strengths=tried,
            target=target,
            level=level,
            seed=arguments.seed(seed),
            tell=told,
            workers=arguments.whole("workers=", workers, QueryError),
        )


__all__ = ["bounds", "sensitivity"]
