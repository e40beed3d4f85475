"""What the published code did, done again: its priors, its parameter averages, its miscoded estimators.

A study is reproduced rightly without any of this; here stands what explains the published numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.inference import Auto
from latentdo.query import Query, Term

from .cases import study
from .published_models import PUBLISHED_MODELS, PublishedModel
from .published_rivals import PIPW_CELLS, multicause_plug_in, signaling_dipw, signaling_pipw, signaling_plug_in
from .tasks import RIVALS, Task, data_of, finished, rows_of

if TYPE_CHECKING:
    from latentdo.inference import NodeDraws, Posterior


AVERAGES = (
    "parameter averages: each parameter averaged over the posterior, then one simulation, as in the published code"
)
CHAIN_LENGTH = 3000
"""Transitions of each published chain, warm-up included."""
_Rival = tuple[str, Callable[[Task], float]]

# Study, method: what its published code gives, and the mistake in words. Each is about the study's one main query.
MISCODED: Mapping[tuple[str, str], _Rival] = {
    ("multicause", "plug-in"): (
        "as published: X = 0 stays inside P(Y | m, x)",
        lambda task: multicause_plug_in(data_of(task)),
    ),
    ("signaling", "plug-in"): (
        "as published: no negative intercepts or weights, so that every sigmoid saturates, and SOS = 70 in every conditional",
        lambda task: signaling_plug_in(data_of(task), task.fit_seed),
    ),
    ("signaling", "pipw"): (
        "as published: the plain mean of Erk over 300 cells, whatever n",
        lambda task: signaling_pipw(data_of(replace(task, n=PIPW_CELLS))),
    ),
    ("signaling", "dipw"): ("as published: weights not normalised", lambda task: signaling_dipw(data_of(task))),
}


def published_rows(task: Task) -> list[dict[str, Any]]:
    """The rows of a task, done as the published code did it; where nothing was published, rows that say so."""
    if task.study not in PUBLISHED_MODELS:
        return _not_applicable(task, f"{task.study} was not published")
    if task.what == RIVALS:
        return _rival_rows(task)
    model = PUBLISHED_MODELS[task.study].get(task.what)
    if model is None:
        return _not_applicable(task, f"the variant {task.what} was not published")
    return _model_rows(task, model)


def _not_applicable(task: Task, why: str) -> list[dict[str, Any]]:
    method = "plug-in" if task.what == RIVALS else task.method
    return [
        {"query": label, "method": method, "applies": False, "note": f"{why}: there is nothing to do as published"}
        for label, _ in study(task.study).queries
    ]


def _rival_rows(task: Task) -> list[dict[str, Any]]:
    """The rivals as they are, but for those that were coded wrong: these answer the main question alone."""
    main = study(task.study).main
    rows = []
    for row in finished(replace(task, as_published=False), rows_of):
        label, method = row["query"], row["method"]
        if (task.study, method) not in MISCODED:
            rows.append(dict(row))
        elif label in main:
            rows.append(_miscoded_row(task, label, method))
        else:
            rows.append({"query": label, "method": method, "applies": False, "note": _only(main, method)})
    return rows


def _only(main: Sequence[str], method: str) -> str:
    return f"as published: the code of {method}, with its mistake, answers {', '.join(main)} alone"


def _miscoded_row(task: Task, label: str, method: str) -> dict[str, Any]:
    started = time.perf_counter()
    note, compute = MISCODED[task.study, method]
    estimate = compute(task)
    seconds = time.perf_counter() - started
    return {
        "query": label,
        "method": method,
        "estimate": estimate,
        "applies": True,
        "note": note,
        "seconds": seconds,
    }


def _model_rows(task: Task, model: PublishedModel) -> list[dict[str, Any]]:
    from latentdo.inference import Fit, train_all
    from latentdo.tables import read_table

    spec = model.spec
    rows = read_table(data_of(task), spec.measured, spec.latent, spec.levels)
    queries = [(label, query) for label, query in study(task.study).queries if not query.axes]
    # As long as the published chains, unless the caller wants something else.
    engine = Auto(max_steps=CHAIN_LENGTH) if task.engine == Auto() else task.engine
    (posterior,) = train_all([Fit.of(spec, rows, engine, task.fit_seed)], lambda block, share: None)
    averages = parameter_averages(posterior, model.noise)
    note = "; ".join([AVERAGES, *([model.note] if model.note else [])])
    made = []
    for label, query in queries:
        started = time.perf_counter()
        estimate = simulated_once(posterior, averages, query, model.units, task.fit_seed)
        made.append(
            {
                "query": label,
                "method": task.method,
                "estimate": estimate,
                "applies": True,
                "note": note,
                "seconds": time.perf_counter() - started,
                "fit_seconds": posterior.seconds,
                "converged": posterior.converged,
            }
        )
    return made


def parameter_averages(posterior: Posterior, noise: Mapping[str, float]) -> dict[str, NodeDraws]:
    """One draw: the mean of each parameter over all draws, and the given noise in place of the fitted one.

    Where the hidden causes have a sign or an order that the data leave open, the mean lies between the modes, and fits
    nothing. The published code averages so.
    """
    from latentdo.inference import NodeDraws

    def mean(values: FloatArray) -> FloatArray:
        return np.mean(values, axis=(0, 1), keepdims=True)

    averages = {}
    for node, draws in posterior.by_node.items():
        parameters = {name: mean(values) for name, values in draws.parameters}
        if node in noise:
            parameters["sd"] = np.full((1, 1), noise[node])
        averages[node] = NodeDraws(mean(draws.coefficients), tuple(parameters.items()))
    return averages


def simulated_once(
    posterior: Posterior, averages: Mapping[str, NodeDraws], query: Query, units: int, seed: int
) -> float:
    """The query, each term from one simulation of so many units; the terms have their units in common."""
    from latentdo.estimators import linearised

    values = {term: np.asarray(_simulated_mean(posterior, averages, term, units, seed)) for term in query.terms}
    return float(linearised(query.expression, values)[0])


def _simulated_mean(
    posterior: Posterior, averages: Mapping[str, NodeDraws], term: Term, units: int, seed: int
) -> float:
    from latentdo.inference import simulate_nodes

    spec = posterior.spec
    order = spec.graph.topological_order()
    random = np.random.default_rng([seed, 12])
    uniforms = {node: random.uniform(1e-12, 1 - 1e-12, units) for node in order}
    held: dict[str, FloatArray] = {}
    for setting in term.do:
        assert isinstance(setting.value, int | float)
        held[setting.name] = np.full((1, units), float(setting.value))
    values = simulate_nodes(spec, order, averages, uniforms.__getitem__, held)
    return float(np.mean(values[term.outcome_names[0]]))


__all__ = ["AVERAGES", "CHAIN_LENGTH", "MISCODED", "parameter_averages", "published_rows", "simulated_once"]
