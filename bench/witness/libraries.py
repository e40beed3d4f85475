"""The worker: one library, asked by one line of JSON and answering by another.

Run by the library's own interpreter as a script. Only the standard library is imported at the top, so that any interpreter can.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

WARM_ROWS = 300
BOOTSTRAP = 10
"""Samples of ananke's bootstrap, which has none by default."""


@dataclass
class Row:
    """What one method says of one question: the effect of 1 against 0, or why there is none, and the seconds it took."""

    method: str
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    seconds: float = 0.0
    processor: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Problem:
    """A graph, a treatment, an outcome, and the columns."""

    nodes: list[str]
    directed: list[list[str]]
    bidirected: list[list[str]]
    treatment: str
    outcome: str
    columns: Mapping[str, list[float]]


Method = Callable[[bool], Any]
"""Estimate and ends of the interval, None without one, from whether an interval is asked for."""


class CapError(Exception):
    """A method ran past the cap."""


def latentdo_methods(problem: Problem) -> Iterator[tuple[str, Method]]:
    """latentdo's methods: all in one call, which share what they fit, and each alone."""
    import numpy as np

    import latentdo as ld
    from latentdo.estimators import Options, all_methods, estimates
    from latentdo.query import Query

    edges = [f"{a} -> {b}" for a, b in problem.directed] + [f"{a} <-> {b}" for a, b in problem.bidirected]
    graph = ld.graph("; ".join([*problem.nodes, *edges]))
    t, y = problem.treatment, problem.outcome
    query = Query.parse(f"E[{y} | do({t}=1)] - E[{y} | do({t}=0)]")
    data = {name: np.array(column) for name, column in problem.columns.items()}

    def asked(intervals: bool, methods: Any = None) -> Any:
        options = Options(level=0.95, replicates=200 if intervals else 0)
        return estimates(graph, data, query, methods=methods, options=options)

    def together(intervals: bool) -> Any:
        asked(intervals)
        return None, None, None

    yield "all methods", together
    for method in all_methods():

        def alone(intervals: bool, method: Any = method) -> Any:
            (row,) = asked(intervals, [method])
            if not row.applies:
                raise RuntimeError("not identified")
            return row.estimate, row.lower, row.upper

        yield method.name, alone


def ananke_methods(problem: Problem) -> Iterator[tuple[str, Method]]:
    """Every estimator of ananke-causal that does not refuse the graph; intervals are of 10 bootstrap samples."""
    import pandas as pd
    from ananke.estimation import CausalEffect
    from ananke.graphs import ADMG

    graph = ADMG(
        problem.nodes, di_edges=list(map(tuple, problem.directed)), bi_edges=list(map(tuple, problem.bidirected))
    )
    effect = CausalEffect(graph, problem.treatment, problem.outcome)
    frame = pd.DataFrame(dict(problem.columns))
    for name in effect.estimators:

        def ask(intervals: bool, name: str = name) -> Any:
            count = BOOTSTRAP if intervals else 0
            found = effect.compute_effect(frame, name, n_bootstraps=count, report_log_odds=False)
            return found if intervals else (found, None, None)

        yield name, ask


def dowhy_methods(problem: Problem) -> Iterator[tuple[str, Method]]:
    """DoWhy's estimators for a binary treatment, with their default interval; hidden causes are nodes without a column."""
    import networkx as nx
    import pandas as pd
    from dowhy import CausalModel
    from sklearn.linear_model import LogisticRegression

    arcs = [(f"U_{a}_{b}", end) for a, b in problem.bidirected for end in (a, b)]
    graph = nx.DiGraph([*map(tuple, problem.directed), *arcs])
    frame = pd.DataFrame(dict(problem.columns))
    model = CausalModel(frame, problem.treatment, problem.outcome, graph=graph)
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    given: dict[str, Any] = {}
    if estimand.estimands["backdoor"] is not None:
        fitted = LogisticRegression().fit(frame[estimand.get_adjustment_set()], frame[problem.treatment])
        given = {"init_params": {"propensity_score_model": fitted}}
    asked: dict[str, dict[str, Any]] = {
        "backdoor.linear_regression": {},
        "backdoor.propensity_score_weighting": {},
        "backdoor.propensity_score_stratification": {},
        "backdoor.propensity_score_matching": {},
        "backdoor.doubly_robust": {},
        "backdoor.doubly_robust, with a fitted model": given,
        "frontdoor.two_stage_regression": {},
    }
    for name, extra in asked.items():

        def ask(intervals: bool, name: str = name, extra: dict[str, Any] = extra) -> Any:
            method, options = name.split(",")[0], {"method_params": extra} if extra else {}
            if estimand.estimands[method.split(".")[0]] is None:
                raise RuntimeError("not identified")
            found = model.estimate_effect(estimand, method, confidence_intervals=intervals, **options)
            if not intervals:
                return float(found.value), None, None
            ends = found.get_confidence_intervals()
            low, high = ends[0] if len(ends) == 1 else ends
            return float(found.value), float(low), float(high)

        yield name, ask


def y0_methods(problem: Problem) -> Iterator[tuple[str, Method]]:
    """y0's `estimate_ace` with the estimator that it chooses; it calls ananke-causal."""
    import pandas as pd
    from y0.algorithm.estimation import estimate_ace
    from y0.dsl import Variable
    from y0.graph import NxMixedGraph

    # Some names, P for one, are taken by its language.
    names = {node: f"V_{node}" for node in problem.nodes}
    graph = NxMixedGraph()
    for node in names.values():
        graph.add_node(node)
    for a, b in problem.directed:
        graph.add_directed_edge(names[a], names[b])
    for a, b in problem.bidirected:
        graph.add_undirected_edge(names[a], names[b])
    frame = pd.DataFrame({names[name]: column for name, column in problem.columns.items()})
    treatment, outcome = Variable(names[problem.treatment]), Variable(names[problem.outcome])

    def ask(intervals: bool) -> Any:
        found = estimate_ace(graph, treatment, outcome, frame, bootstraps=BOOTSTRAP if intervals else None)
        return found if intervals else (found, None, None)

    yield "estimate_ace", ask


LIBRARIES: dict[str, tuple[str, Callable[[Problem], Iterator[tuple[str, Method]]]]] = {
    "latentdo": ("latentdo", latentdo_methods),
    "ananke": ("ananke-causal", ananke_methods),
    "dowhy": ("dowhy", dowhy_methods),
    "y0": ("y0", y0_methods),
}
REFUSALS = ("will not return valid estimates", "not identified", "not identifiable")


def rows_of(library: str, problem: Problem, *, intervals: bool, cap: float, chosen: list[str] | None) -> list[Row]:
    """One row per method; methods that refuse the graph have none."""
    found: list[Row] = []
    for name, ask in LIBRARIES[library][1](problem):
        if chosen is not None and name not in chosen:
            continue
        row = Row(name)
        begun, processor = time.perf_counter(), time.process_time()
        try:
            with capped(cap):
                answer = ask(intervals)
        except Exception as error:  # noqa: BLE001 a peer may fail in any way, and that is a finding
            if any(text in str(error) for text in REFUSALS):
                continue
            row.error = f"{type(error).__name__}: {str(error)[:160]}".rstrip(": ")
            answer = (None, None, None)
        row.seconds, row.processor = time.perf_counter() - begun, time.process_time() - processor
        found.append(row)
        row.estimate, row.lower, row.upper = (None if value is None else float(value) for value in answer)
    return found


@contextlib.contextmanager
def capped(seconds: float) -> Iterator[None]:
    """An error in what runs longer; no cap where the system has no alarm."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: Any) -> None:
        raise CapError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def answered(library: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The reply to a request: the rows of every method, after a call on few rows that loads what is loaded on first use."""
    problem = Problem(**request["problem"])
    options: dict[str, Any] = {
        "intervals": request["intervals"],
        "cap": request["cap"],
        "chosen": request.get("methods"),
    }
    if request.get("warm"):
        few = {name: column[:WARM_ROWS] for name, column in problem.columns.items()}
        rows_of(library, Problem(**{**request["problem"], "columns": few}), **options | {"intervals": False})
    return {"rows": [asdict(row) for row in rows_of(library, problem, **options)]}


def serve(library: str) -> None:
    """Answer requests until there are no more."""
    from importlib.metadata import version

    replies = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stdout = io.StringIO()  # what a library prints must not pass for a reply
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    package = LIBRARIES[library][0]
    replies.write(json.dumps({"version": version(package)}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request.get("do") == "defects":
                from defects import measured

                reply: dict[str, Any] = {"defects": measured()}
            else:
                reply = answered(library, request)
        except Exception as error:  # noqa: BLE001 the other side says what failed
            reply = {"rows": [], "error": f"{type(error).__name__}: {str(error)[:300]}"}
        replies.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    serve(sys.argv[1])
