"""What more training tells of a check: the model trained without a part of the rows, and on tables drawn from the fit itself."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentdo.answers import ask_all
from latentdo.arrays import FloatArray
from latentdo.errors import LatentdoError
from latentdo.inference import Auto, Fit, NodeDraws, Posterior, flat, simulate_nodes, train_all, watch
from latentdo.query import Query
from latentdo.tables import Dataset

from .check_fit import Asked, check_nodes, check_queries
from .fit_check import FitCheck
from .values import CheckedQuery


def with_folds(found: FitCheck, posterior: Posterior, data: Dataset, folds: int, seed: int) -> FitCheck:
    """The check with how far each answer goes apart where the model is trained without each of some parts of the rows.

    Source:
        Kott (2001), The delete-a-group jackknife, Journal of Official Statistics 17:521.
    """
    rows = data.expanded(posterior.spec.measured)
    fold = np.random.default_rng([seed, 3]).permutation(rows.n_stored) % folds
    tables = [rows.picked(np.flatnonzero(fold != k)) for k in range(folds)]
    fits = _trained(posterior, tables, seed)
    return replace(found, queries=tuple(_folded(each, fits, folds, seed) for each in found.queries))


def _folded(asked: CheckedQuery, fits: Sequence[Posterior], folds: int, seed: int) -> CheckedQuery:
    try:
        points = np.array(
            [ask_all(fit, [(None, asked.query)], seed, allow_unidentified=False)[0].point for fit in fits]
        )
    except LatentdoError as problem:
        return replace(asked, advice=(*asked.advice, f"without a part of the rows it has no number: {problem}"))
    sd = math.sqrt((folds - 1) / folds * float(((points - points.mean()) ** 2).sum()))
    says = f"trained {folds} times without a part of the rows it lies between {points.min():.3g} and {points.max():.3g}"
    return replace(asked, sd_by_folds=sd, advice=(*asked.advice, f"{says}: an sd of {sd:.2g}"))


def with_calibration(
    found: FitCheck, posterior: Posterior, data: Dataset, asked: Asked, tables: int, tolerance: float | None, seed: int
) -> FitCheck:
    """The check with what it says of as many tables that are drawn from the fit, where nothing is wrong.

    Source:
        Efron & Tibshirani (1993), An introduction to the bootstrap, section 6.5, for the parametric bootstrap.
    """
    words: dict[Query, Counter[str]] = {query: Counter() for _, query in asked}
    larger: dict[Query, int] = dict.fromkeys(words, 0)
    observed = {each.query: abs(each.z or 0.0) for each in found.queries}
    drawn = [_table_of(posterior, k, tables, data.n_rows, seed) for k in range(tables)]
    for fit, table in zip(_trained(posterior, drawn, seed), drawn, strict=True):
        check = check_queries(fit, table, asked, check_nodes(fit, table, seed=seed), tolerance=tolerance, seed=seed)
        for each in check.queries:
            words[each.query][str(each.word)] += 1
            larger[each.query] += abs(each.z or 0.0) >= observed[each.query]
    queries = []
    for each in found.queries:
        shares = tuple((word, count / tables) for word, count in words[each.query].most_common())
        p = (1 + larger[each.query]) / (1 + tables)
        said = ", ".join(f"{word} {share:.0%}" for word, share in shares)
        says = f"of {tables} tables drawn from the fit: {said}"
        says += "" if each.z is None else f"; the move here is as large by chance in {p:.2g}"
        queries.append(
            replace(each, calibration=shares, p_calibrated=None if each.z is None else p, advice=(*each.advice, says))
        )
    return replace(found, queries=tuple(queries))


def _trained(posterior: Posterior, tables: Sequence[Dataset], seed: int) -> list[Posterior]:
    with watch(False) as told:
        return train_all([Fit.of(posterior.spec, table, Auto(), seed) for table in tables], told)


def _table_of(posterior: Posterior, place: int, tables: int, n: int, seed: int) -> Dataset:
    """Rows from one draw of the fit, the draws evenly chosen."""
    total = posterior.n_chains * posterior.n_draws
    one = posterior_draw(posterior, round(place * (total - 1) / max(tables - 1, 1)))
    random = np.random.default_rng([seed, 5, place])
    spec = posterior.spec
    order = spec.graph.topological_order()
    values = simulate_nodes(spec, order, one, lambda _: random.uniform(1e-12, 1 - 1e-12, size=(1, n)), {})
    columns: Mapping[str, FloatArray] = {name: np.broadcast_to(values[name], (1, n))[0] for name in spec.measured}
    return Dataset.of({name: _varied(posterior, name, column) for name, column in columns.items()})


def _varied(posterior: Posterior, name: str, column: FloatArray) -> FloatArray:
    """The column; where a rare level is missing, with each level in a row of its own, as a fit needs all that are known."""
    points = posterior.spec[name].family.points
    missing = [point for point in points if point not in column]
    return np.concatenate([missing, column[len(missing) :]]) if missing else column


def posterior_draw(posterior: Posterior, place: int) -> dict[str, NodeDraws]:
    """Every node's numbers at one draw."""
    found = {}
    for node, own in posterior.by_node.items():
        coefficients, parameters = flat(own)
        one = tuple((name, values[place].reshape(1, 1)) for name, values in parameters.items())
        found[node] = NodeDraws(coefficients[place][None, None], one)
    return found
