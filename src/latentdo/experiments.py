"""The verbs on experiments: one plans them, one brings in their rows. They stand beside those of `api` and read as they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.query import Query, query_of

from .opening import checked_engine, engine_of, settled, study_of, value_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from latentdo.graphs import Name
    from latentdo.inference import Engine, Posterior
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study
    from latentdo.planning import SampleSize
    from latentdo.tables import Experiment


@arguments.with_known_options
def experiment(table: Any, do: Iterable[Name]) -> Experiment:
    """Rows in which some nodes were set from outside: knock-outs, doses, randomised arms; for `ld.fit` beside observed ones.

    In such a row the nodes did not answer to their causes, and what their columns hold is what they were set to, any value
    that they can take. `ld.fit(model, [observed, ld.experiment(knockout, do=["fur"])])`.

    Args:
        table: One table, as for `fit`.
        do: The nodes that were set in every row of it. Where that differs from row to row, `ld.fit(…, do="column")`.

    Raises:
        DataError: No list of names. Whether they are nodes of the model is said by `fit`.
    """
    from latentdo.tables import experiment as _experiment

    return _experiment(table, do)


@arguments.with_known_options
def sample_size(
    model: ModelSpec | Study | str | Path,
    truth: Mapping[Name, float] | ModelSpec | Study | Posterior | str | Path | Callable[[int, int], Any],
    query: str | Query,
    *,
    width: float | None = None,
    excludes: float | None = None,
    level: float = 0.9,
    assurance: float | None = None,
    engine: Engine | None = None,
    datasets: int = 200,
    precision: float = 0.1,
    smallest: int = 20,
    largest: int = 20_000,
    seed: int = 0,
    executor: Executor | None = None,
    workers: int = 1,
    progress: bool | None = None,
) -> SampleSize:
    """How many samples a question needs for an interval of some width, with the uncertainty of that number.

    Experiments of several sizes are simulated from the truth; on each the model is trained and asked, as with real data. The
    numbers depend neither on the executor nor on the number of workers.

    Args:
        model: The model that will be trained, as for `fit`.
        truth: Where the planned rows come from. A mapping that gives every parameter of the model a number, with the keys of a
            study's priors, or the path of a YAML or JSON file that holds it: `{"X -> Y": 2, "intercept(Y)": 0, "sd(Y)": 1, …}`;
            a model, its text or a study with fixed numbers alone, which may be another model of the same measured nodes; the
            name of a built-in study, for its simulator; a pilot, a posterior from `ld.fit` or its path, each of whose draws is
            a world that rows may come from; or a function `(n, seed) -> columns`.
        query: One number that `ask` gives, which must be identified, or its name in the study.
        width: The full width that the interval may have at most, in the query's units.
        excludes: In place of a width, a value that the interval must not contain: 0 for a difference.
        level: Probability of that interval.
        assurance: Share of experiments whose interval has to be so: 0.5 unless given for a width, 0.8 with `excludes`.
        engine: How to train, as for `fit`.
        datasets: Data sets to simulate at most, 60 or more: fewer do not tell how the width falls with n.
        precision: Half of the 90 % interval of n, relative to n, at which no more data sets are made, once 30 lie near n.
        smallest: Smallest size of a data set.
        largest: Largest size of a data set; beyond it n is extrapolated or only bounded, and says so.
        seed: Same seed, same numbers.
        executor: Where experiments are done: any `concurrent.futures.Executor` that does not fork, or a Dask client.
        workers: Without an executor, how many processes do them; 1 for this process alone.
        progress: As for `fit`.

    Returns:
        A `SampleSize`: `.n` with `.lower` and `.upper`, `.curve`, `.at(n)`, `.for_width(width)`, `.warnings`; `.n` is None where
        no number of samples leads there, and where no more than a bound is known, which is `.lower`. Where the smallest data sets
        reach the goal, `.n` is their size and `.lower` is None.

    Raises:
        NotIdentifiedError: No number of samples answers the question.
        SpecError: The truth has a parameter that is no number or not the model's, does not measure what the model needs, or is a
            function that raises, ignores its seed or gives no table of n rows.
        QueryError: No single number is asked for, or a query that is not there; a goal that makes no sense, or an assurance of
            which so few data sets say nothing.
        DataError: The truth gives tables without a column of the model or with holes in it, or none that the model can be
            trained on.
        StudyError: No built-in study of that name, an executor that forks, or experiments most of which failed where they were
            done.
    """
    from latentdo.inference import watch
    from latentdo.planning import Budget, BuiltIn, goal_of, plan_size, truth_of

    goal = goal_of(width=width, excludes=excludes, level=level, assurance=assurance)
    budget = Budget(datasets, precision, smallest, largest)
    study = study_of(model)
    chosen = checked_engine(engine if engine is not None else engine_of(study))
    source = truth_of(_opened(truth), study.model)
    built_in = dict(source.study.queries) if isinstance(source, BuiltIn) else {}
    asked = _asked(query, study, {**built_in, **dict(study.queries)})
    with watch(progress) as tell:
        return plan_size(
            study.model,
            source,
            asked,
            goal,
            chosen,
            budget,
            arguments.seed(seed),
            tell,
            executor=executor,
            workers=workers,
        )


def _asked(query: Any, study: Study, named: Mapping[str, Query]) -> Query:
    """The query, read where it is a text or one of the names; raises `QueryError` for a name that no query has."""
    is_name = isinstance(query, str) and re.fullmatch(r"[^\W\d][\w-]*", query.strip())
    if is_name and query.strip() not in {*named, *study.model.graph.nodes}:
        known = f"It has: {', '.join(named)}." if named else "It has none."
        raise QueryError(
            f"The study {study.name!r} has no query {query.strip()!r}. {known} Or give a query such as 'E[Y | do(X=1)]'."
        )
    return settled(query_of(query, named), study)


def _opened(truth: Any) -> Any:
    """The truth itself, or what stands in the file of which it is the path."""
    from latentdo.models.numbers import is_numbers_path, read_numbers

    if isinstance(truth, str | Path) and is_numbers_path(str(truth)):
        numbers = read_numbers(Path(truth))
        if numbers is not None:
            return numbers
    return value_of(truth)


__all__ = ["experiment", "sample_size"]
