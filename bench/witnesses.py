"""What other libraries say of effects that are known, beside latentdo's rivals; with `--speed` how long each takes.

Run with `python bench/witnesses.py --environments FOLDER --output bench/results/witnesses.json`: the first run makes an
environment for each library with pip (several GB), later ones use it. The data are those of `bench/rivals.py`, the models
those that each library takes by itself. `--speed` writes seconds for one query on 10,000 rows, all sides in the same run and by
turns, each with one thread. The other libraries are witnesses: where they are off, that is said, and nothing more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rivals import RIVALRIES, Rivalry
from scipy.special import expit
from witness.asking import NEEDED, Witness, fresh_import, make_environment, python_of

import latentdo as ld
from latentdo.graphs import project

LIBRARIES = ("latentdo", *NEEDED)
ENDS = {"napkin": ("X", "Y")}
"""Treatment and outcome, where they are not T and Y."""
TRUTHS = {"napkin": float(expit(-0.5) + expit(2) - expit(-1.5) - expit(1)) / 2}
"""The effect of 1 against 0, where the question of the rivals is another."""
WITH_INTERVALS = {
    "ananke": ["ipw", "gformula", "aipw", "p-ipw", "d-ipw", "apipw", "n-ipw", "anipw"],
    "dowhy": [
        "backdoor.linear_regression",
        "backdoor.propensity_score_weighting",
        "backdoor.doubly_robust, with a fitted model",
        "frontdoor.two_stage_regression",
    ],
}
"""What is timed with its interval, where that is not everything: the others' bootstraps take minutes."""
SLOW = 60.0
"""A method that takes longer than this is timed once."""


def truth_of(name: str) -> float:
    """The effect of the treatment, 1 against 0."""
    return TRUTHS.get(name, RIVALRIES[name].truth)


def problem(name: str, n: int, seed: int) -> dict[str, Any]:
    """The graph and the rows as a worker reads them."""
    rivalry: Rivalry = RIVALRIES[name]
    graph = project(ld.graph(rivalry.graph))
    treatment, outcome = ENDS.get(name, ("T", "Y"))
    columns = rivalry.draw(n, np.random.default_rng([seed, n]))
    return {
        "nodes": list(graph.nodes),
        "directed": sorted(map(list, graph.directed)),
        "bidirected": sorted(sorted(pair) for pair in graph.bidirected),
        "treatment": treatment,
        "outcome": outcome,
        "columns": {key: column.tolist() for key, column in columns.items()},
    }


def compared(name: str, witnesses: Iterable[Witness], options: argparse.Namespace) -> dict[str, Any]:
    """By library and method the estimates over the data sets, or the error."""
    found: dict[str, dict[str, Any]] = {}
    for witness in witnesses:
        methods: dict[str, Any] = {}
        for seed in range(options.datasets):
            request = {"problem": problem(name, options.n, seed), "intervals": False, "cap": options.cap}
            reply = witness.ask(request)
            if "error" in reply:
                sys.exit(f"{witness.library} cannot be asked about {name}: {reply['error']}")
            for row in reply["rows"]:
                own = methods.setdefault(row["method"], {"estimates": [], "errors": []})
                own["errors" if row["error"] or row["estimate"] is None else "estimates"].append(
                    row["error"] or row["estimate"]
                )
        methods.pop("all methods", None)
        found[witness.library] = {method: summary(own) for method, own in methods.items()}
        print(name, witness.library, found[witness.library], flush=True)
    return {"truth": truth_of(name), "n": options.n, "datasets": options.datasets, "libraries": found}


def summary(own: dict[str, list[Any]]) -> dict[str, Any]:
    """Mean, its standard error, spread, how often there was no number, and the first error."""
    values = np.array(own["estimates"], dtype=float)
    errors = [error for error in own["errors"] if error]
    found: dict[str, Any] = {"failed": len(own["errors"]), "error": errors[0] if errors else ""}
    if len(values):
        sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        found |= {"mean": float(values.mean()), "se": sd / len(values) ** 0.5, "sd": sd}
    return found


def timed(name: str, witnesses: Iterable[Witness], options: argparse.Namespace) -> dict[str, Any]:
    """By library and method the median seconds, without and with intervals; the sides take turns."""
    question = problem(name, options.rows, 0)
    taken: dict[str, dict[str, dict[str, Any]]] = {}
    done: set[tuple[str, str, bool]] = set()
    for repeat in range(options.repeats):
        for witness in witnesses:
            for intervals in (False, True):
                known = taken.setdefault(witness.library, {})
                asked = WITH_INTERVALS.get(witness.library) if intervals else None
                if repeat:
                    asked = [m for m in asked or known if (witness.library, m, intervals) not in done]
                request = {
                    "problem": question, "intervals": intervals, "cap": options.cap, "warm": True, "methods": asked,
                }  # fmt: skip
                for row in witness.ask(request)["rows"]:
                    own = known.setdefault(row["method"], {"point": [], "interval": [], "error": ""})
                    if row["error"]:
                        own["error"] = row["error"]
                    else:
                        own["interval" if intervals else "point"].append([row["seconds"], row["processor"]])
                    if row["error"] or row["seconds"] > SLOW:
                        done.add((witness.library, row["method"], intervals))
                print(name, witness.library, "intervals" if intervals else "points", flush=True)
    found = {library: {method: medians(own) for method, own in methods.items()} for library, methods in taken.items()}
    return {"n": options.rows, "repeats": options.repeats, "libraries": found}


def medians(own: dict[str, Any]) -> dict[str, Any]:
    """Median seconds and processor seconds of points and of intervals."""
    found: dict[str, Any] = {"error": own["error"]}
    for kind in ("point", "interval"):
        if own[kind]:
            found[kind] = [statistics.median(pair[k] for pair in own[kind]) for k in range(2)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graphs", nargs="*", metavar="GRAPH", help=f"any of {', '.join(RIVALRIES)}; all by default")
    parser.add_argument(
        "--environments", type=Path, required=True, metavar="FOLDER", help="where they are, or are made"
    )
    parser.add_argument("--only", nargs="+", choices=LIBRARIES, default=LIBRARIES, metavar="LIBRARY")
    parser.add_argument("--datasets", type=int, default=40)
    parser.add_argument("--n", type=int, default=1000, help="rows of each data set")
    parser.add_argument("--speed", action="store_true", help="seconds instead of estimates")
    parser.add_argument("--rows", type=int, default=10_000, help="rows, where seconds are measured")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side, by turns")
    parser.add_argument("--cap", type=float, default=180.0, help="seconds after which a method is stopped")
    parser.add_argument(
        "--output", type=Path, help="a file for the numbers, as JSON; what it has of other graphs and libraries stays"
    )
    options = parser.parse_args()
    if unknown := set(options.graphs) - RIVALRIES.keys():
        parser.error(f"no graph is called {sorted(unknown)[0]!r}; there are {', '.join(RIVALRIES)}")
    for library in options.only:
        if library != "latentdo":
            make_environment(options.environments, library)
    witnesses = [Witness(library, python_of(options.environments, library)) for library in options.only]
    path: Path | None = options.output
    record: dict[str, Any] = json.loads(path.read_text("utf8")) if path and path.exists() else {}
    record["versions"] = record.get("versions", {}) | {witness.library: witness.version for witness in witnesses}
    for name in options.graphs or RIVALRIES:
        part = record.setdefault("speed" if options.speed else "estimates", {})
        found = (timed if options.speed else compared)(name, witnesses, options)
        part[name] = {
            **part.get(name, {}),
            **found,
            "libraries": part.get(name, {}).get("libraries", {}) | found["libraries"],
        }
        save(path, record)
    if not options.speed and "ananke" in options.only:
        (ananke,) = (witness for witness in witnesses if witness.library == "ananke")
        fresh = {"case": "import after `pip install ananke-causal`", "found": fresh_import(options.environments)}
        record["ananke"] = [fresh, *ananke.ask({"do": "defects"})["defects"]]
        save(path, record)
    for witness in witnesses:
        witness.stop()


def save(path: Path | None, record: dict[str, Any]) -> None:
    """Write what there is so far."""
    if path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
