"""The worker: one library in a process of its own, asked by one line of JSON and answering by another.

Only the standard library is imported here, so that any interpreter that has the library can run it.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beside.cases import Case

# A quick call is repeated this often, or for this many seconds, and its median counts.
REPEATS, REPEAT_SECONDS = 7, 0.2
FIRST = Case("", ["X", "Y"], [("X", "Y")], [], ["X"], ["Y"])


@dataclass(frozen=True)
class Library:
    """How a library is asked: `prepare` makes its own graph and query, `solve` is what is timed, None for a "no"."""

    version: str
    prepare: Callable[[Case], tuple[Any, ...]]
    solve: Callable[..., Any]
    show: Callable[[Any], str]


def load_latentdo() -> Library:
    """latentdo, with the formula made."""
    import latentdo as ld
    from latentdo.types import Admg, Query

    def prepare(case: Case) -> tuple[Any, ...]:
        directed, bidirected = (frozenset(map(tuple, edges)) for edges in (case.directed, case.bidirected))
        return Admg(tuple(case.nodes), directed, bidirected), Query.parse(case.query)

    def solve(graph: Any, query: Any) -> Any:
        found = ld.identify(graph, query)
        if not found.identified:
            return None
        assert found.estimand.expression is not None
        return found.estimand

    return Library(version_of("latentdo"), prepare, solve, lambda estimand: estimand.text)


def load_y0() -> Library:
    """y0, ID and IDC."""
    from y0.algorithm.identify import identify_outcomes
    from y0.dsl import Variable
    from y0.graph import NxMixedGraph

    def prepare(case: Case) -> tuple[Any, ...]:
        graph = NxMixedGraph()
        for node in case.nodes:
            graph.add_node(node)
        for a, b in case.directed:
            graph.add_directed_edge(a, b)
        for a, b in case.bidirected:
            graph.add_undirected_edge(a, b)
        treatments, outcomes, given = (set(map(Variable, part)) for part in parts_of(case))
        return graph, treatments, outcomes, given or None

    return Library(version_of("y0"), prepare, identify_outcomes, str)


def load_causaleffect() -> Library:
    """causaleffect for Python; its formulas are LaTeX."""
    from causaleffect import ID
    from igraph import Graph

    def prepare(case: Case) -> tuple[Any, ...]:
        index = {node: i for i, node in enumerate(case.nodes)}
        arcs = [(a, b, sign) for x, y in case.bidirected for a, b, sign in ((x, y, 1), (y, x, -1))]
        edges = [(index[a], index[b]) for a, b in case.directed] + [(index[a], index[b]) for a, b, _ in arcs]
        graph = Graph(len(index), edges, directed=True, vertex_attrs={"name": case.nodes})
        graph.es["confounding"] = [0] * len(case.directed) + [sign for *_, sign in arcs]
        treatments, outcomes, given = map(set, parts_of(case))
        return outcomes, treatments, graph, given

    def solve(*question: Any) -> Any:
        found = ID(*question)
        return found if found.identifiable else None

    return Library(version_of("causaleffect"), prepare, solve, lambda found: found.printLatex())


LOADERS = {"latentdo": load_latentdo, "y0": load_y0, "causaleffect": load_causaleffect}


def parts_of(case: Case) -> tuple[list[str], list[str], list[str]]:
    """What is set, asked about and seen."""
    return case.treatments, case.outcomes, case.given


def version_of(package: str) -> str:
    """The installed version."""
    from importlib.metadata import version

    return version(package)


@dataclass
class Desk:
    """What a worker has before it: its library, the case, and what the last call found."""

    library: Library
    case: Case = FIRST
    found: Any = None

    def call(self) -> float:
        """The seconds of one call on a new graph."""
        self.found = None
        prepared = self.library.prepare(self.case)
        begun = time.perf_counter()
        self.found = self.library.solve(*prepared)
        return time.perf_counter() - begun


def serve(name: str, gibibytes: float) -> None:
    """Answer requests until there are no more: `answer` a case, `repeat` it, `print` its formula, `pairs` of its graph."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stdout = sys.stderr  # what a library prints must not pass for a reply
    limit_memory(gibibytes)
    desk = Desk(LOADERS[name]())
    desk.call()  # what is loaded on first use is loaded
    gc.collect()
    gc.freeze()  # collections during a call do not walk the modules: those are not the call's work
    replies.write(json.dumps({"version": desk.library.version, "peak": peak()}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        desk.case = Case(**request["case"]) if "case" in request else desk.case
        try:
            reply = DUTIES[request["do"]](desk)
        except Exception as error:  # noqa: BLE001 a peer may fail in any way, and that is a finding
            reply = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        replies.write(json.dumps(reply | {"peak": peak()}) + "\n")


def answer(desk: Desk) -> dict[str, Any]:
    """The verdict, and the seconds of the first call."""
    seconds = desk.call()
    return {"identified": desk.found is not None, "seconds": seconds}


def repeat(desk: Desk) -> dict[str, Any]:
    """The median of several calls."""
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < REPEAT_SECONDS:
        times.append(desk.call())
    return {"seconds": statistics.median(times)}


def print_formula(desk: Desk) -> dict[str, Any]:
    """The seconds of printing what was found, and the length of that; a formula may remember its text, so each is new."""
    times: list[float] = []
    end = time.perf_counter() + REPEAT_SECONDS
    while True:
        begun = time.perf_counter()
        size = len(desk.library.show(desk.found))
        times.append(time.perf_counter() - begun)
        if len(times) == REPEATS or time.perf_counter() + times[-1] > end or desk.call() > REPEAT_SECONDS:
            return {"seconds": statistics.median(times), "size": size}


def judge_pairs(desk: Desk) -> dict[str, Any]:
    """The seconds for a verdict on every ordered pair, one by one and as a table, with latentdo."""
    import latentdo as ld
    from latentdo.types import Query

    graph, _ = desk.library.prepare(desk.case)
    pairs = list(itertools.permutations(graph.nodes, 2))
    queries = [Query.parse(f"P({y} | do({x}))") for x, y in pairs]
    begun = time.perf_counter()
    single = [ld.identify(graph, query).identified for query in queries]
    halfway = time.perf_counter()
    graph, _ = desk.library.prepare(desk.case)
    rebuilt = time.perf_counter()
    table = ld.answerable(graph)
    verdicts = time.perf_counter()
    found = table.forms
    end = time.perf_counter()
    rows = {x: i for i, x in enumerate(table.treatments)}
    agree = all(table.verdicts[rows[x]][rows[y]] == one for (x, y), one in zip(pairs, single, strict=True))
    return {
        "pairs": len(pairs), "identified": sum(single), "agree": agree and len(found) == len(rows),
        "one_by_one": halfway - begun, "table": verdicts - rebuilt, "forms": end - verdicts,
    }  # fmt: skip


DUTIES = {"answer": answer, "repeat": repeat, "print": print_formula, "pairs": judge_pairs}


def high_water(pid: int | str) -> int:
    """The most memory that a process has held, in KiB; 0 where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")), 0)


def peak() -> int:
    """The most memory that this process ever held, in KiB; 0 where the system does not tell."""
    if most := high_water("self"):  # ru_maxrss would count the process that started this one
        return most
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def limit_memory(gibibytes: float) -> None:
    """Make a formula that grows without end an error, not a full machine."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(gibibytes * 2**30),) * 2)
    except (ImportError, ValueError, OSError):
        return
