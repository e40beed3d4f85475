"""The verbs for what data and graph do not settle: bounds. They stand beside the verbs of `api` and read as they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import DataError, QueryError
from latentdo.query import Query, query_of

from .opening import graph_of, is_fit, rival_rows, spec_of, value_of, with_graph

if TYPE_CHECKING:
    from latentdo.bounding import Bounds
    from latentdo.graphs import Name
    from latentdo.query import Value


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
    levels: Mapping[Name, Sequence[Value]] | None = None,
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
        levels: Of an array what the levels of a node are called; 0, 1, … unless given.

    Returns:
        A `Bounds`: `.lower`, `.upper`, `.sharp`, `.interval(level)`, `.violated`.

    Raises:
        QueryError: The question is no ratio of sums of probabilities, or names a level that never occurs.
        DataError: The table lacks a column, or a column has too many values for levels.
        UnsupportedError: There are too many response types; the message says how many, and of which nodes.
    """
    from latentdo.bounding import bounds_of, frequencies_in, frequencies_of, parsed_edges

    level = arguments.number("level=", level, QueryError, above=0, below=1, repair="0.9 is usual.")
    seed = arguments.seed(seed)
    opened = with_graph(value_of(graph))
    drawn, _ = graph_of(opened)
    asked = query_of(query, dict(getattr(opened, "queries", ())))
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
    spec = spec_of(opened)
    return bounds_of(
        drawn,
        asked,
        lambda plan: frequencies_of(rival_rows(drawn, spec, source, plan.needed), plan),
        monotone=edges,
        level=level,
        seed=seed,
    )


__all__ = ["bounds"]
