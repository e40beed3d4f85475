"""Whether latentdo's answers are those of a long NUTS run on the same data: means in reference sds, ratios of sds.

Run with `make bench`, or some: `python bench/agreement.py signaling covid --engine auto nuts laplace svi --seeds 3 --plan`. The
references are stored beside this file (`references/*.json`, made by `python -m references.make STUDY`): hand-written NumPyro
models that share no code with latentdo. The goal is a mean within 0.1 sd and an sd within 5 %; beside each number stands the
Monte Carlo error of the two runs together, and a miss counts as one only where it is beyond twice that error.

Models of many rows, whose hidden causes `Auto` integrates out, have no stored references: `python bench/agreement.py --nuts
front-binary seven --rows 300 2000` runs `ld.Nuts`, which moves the hidden causes of every row, on the same data instead.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from cases import CASES, Case
from cases.many_rows import cases

import latentdo as ld

REFERENCES = Path(__file__).parent / "references"
ENGINES = {"auto": "Auto", "nuts": "Nuts", "laplace": "Laplace", "svi": "Svi"}
MEAN_GOAL, SD_GOAL = 0.1, 0.05
CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
LONG = {
    "front-binary": (CONTRAST, "P(Y=1 | do(X=1))", "P(Y=1, X=1)"),
    "front-normal-outcome": (CONTRAST, "E[Y | do(X=1)]", "P(Y > 1 | do(X=1))"),
    "front-hill-outcome": ("E[Y | do(X=2)] - E[Y | do(X=1)]", "E[Y | do(X=2)]", "P(Y > 50 | do(X=1))"),
    "seven": ("E[E | do(A=1)] - E[E | do(A=0)]", "E[D | do(B=2)]", "E[C | do(A=1)]", "E[E | do(C=50)]"),
    "two-causes": (CONTRAST, "P(Y=1 | do(X=1))", "E[Z]", "P(Y=1, X=1)"),
    "weak-instrument": (CONTRAST, "E[Y | do(X=1)]", "E[Y | X=1]"),
}
"""What is asked of models that are set beside NUTS on the same data."""


class Comparison(NamedTuple):
    """One question: the difference of means in reference sds and the log ratio of sds, each with its Monte Carlo error."""

    query: str
    mean: float
    shift: float
    shift_error: float
    log_ratio: float
    log_ratio_error: float
    rhat: float | None
    ess: float

    @property
    def met(self) -> bool:
        """Whether both goals are met, whatever Monte Carlo error contributed."""
        return abs(self.shift) <= MEAN_GOAL and abs(self.log_ratio) <= SD_GOAL

    @property
    def agrees(self) -> bool:
        """Whether nothing is off by more than its goal and twice its Monte Carlo error."""
        return (
            abs(self.shift) <= MEAN_GOAL + 2 * self.shift_error
            and abs(self.log_ratio) <= SD_GOAL + 2 * self.log_ratio_error
        )


def reference(name: str, n: int = 100, data_seed: int = 1) -> Mapping[str, Any]:
    """The stored reference of a study; refused where the data are no longer those that it was made from."""
    stored = json.loads((REFERENCES / f"{name}.json").read_text(encoding="utf8"))
    digest = CASES[name].digest(n, data_seed)
    if (stored["n"], stored["data_seed"], stored["data_digest"]) != (n, data_seed, digest):
        sys.exit(f"The reference of {name} belongs to other data: run python -m references.make {name} in bench/.")
    return stored


def compared(
    query: str, found: tuple[float, float, float, float], ess: float, rhat: float | None, stored: Any
) -> Comparison:
    """`found`: mean, its Monte Carlo error, sd, its Monte Carlo error."""
    mean, mean_error, sd, sd_error = found
    return Comparison(
        query,
        mean,
        (mean - stored["mean"]) / stored["sd"],
        math.hypot(mean_error, stored["mcse_mean"]) / stored["sd"],
        math.log(sd / stored["sd"]) if sd > 0 else -math.inf,
        math.hypot(sd_error / sd if sd > 0 else 0.0, stored["mcse_sd"] / stored["sd"]),
        rhat,
        ess,
    )


def compare(case: Case, stored: Mapping[str, Any], posterior: ld.Posterior, seed: int) -> Iterator[Comparison]:
    """Every question of the study that has a reference."""
    queries = [query for query in case.queries if query in stored["answers"]]
    for query, answer in zip(queries, ld.ask(posterior, *queries, seed=seed, allow_unidentified=True), strict=True):
        # The sd's own error as for a normal law; draws of heavier tails have more.
        sd_error = answer.sd / math.sqrt(2 * max(answer.ess, 1.0))
        found = (answer.mean, answer.mcse, answer.sd, sd_error)
        yield compared(query, found, answer.ess, answer.rhat, stored["answers"][query])


def long_nuts(spec: Any, rows: Any, queries: tuple[str, ...], options: argparse.Namespace) -> dict[str, Any]:
    """What a long run of NUTS says, which moves the hidden causes of every row: as a stored reference has it."""
    spent = time.process_time()
    posterior = ld.fit(spec, rows, ld.Nuts(draws=options.draws, warmup=1_000), seed=1_000, progress=False)
    spent = time.process_time() - spent
    asked = ld.ask(posterior, *queries, seed=1, allow_unidentified=True)
    answers = {
        query: {
            "mean": answer.mean,
            "sd": answer.sd,
            "mcse_mean": answer.mcse,
            "mcse_sd": answer.sd / math.sqrt(2 * max(answer.ess, 1.0)),
            "ess": answer.ess,
            "rhat": answer.rhat,
        }
        for query, answer in zip(queries, asked, strict=True)
    }
    return {"answers": answers, "processor": spent}


def beside_nuts(options: argparse.Namespace) -> int:
    """Each model and number of rows: `Auto` beside long NUTS on the same data."""
    off = 0
    for n, name in itertools.product(options.rows, options.studies or LONG):
        case = cases()[name]
        rows = case.draw(n, options.data_seed)
        asked = replace(case, truths=dict.fromkeys(LONG[name]))
        spent = time.process_time()
        posterior = ld.fit(case.model, rows, seed=0, progress=False)
        spent = time.process_time() - spent
        stored = long_nuts(case.model, rows, asked.queries, options)
        comparisons = list(compare(asked, stored, posterior, 0))
        worst = max((of["rhat"] for of in stored["answers"].values()), default=None)
        state = "converged" if posterior.converged else f"NOT CONVERGED: {posterior.doubt}"
        title = (
            f"{name}, {n:,} rows: {spent:.1f} processor s, {state}; NUTS {stored['processor']:.1f}, R-hat {worst:.3f}"
        )
        print_table(title, comparisons)
        sys.stdout.flush()
        if options.output:
            record = {"model": name, "n": n, "data_seed": options.data_seed, "processor": spent, "nuts": stored}
            record |= {"converged": posterior.converged, "plan": posterior.plan.splitlines()}
            record["answers"] = [found._asdict() for found in comparisons]
            with options.output.open("a", encoding="utf8") as file:
                file.write(json.dumps(record) + "\n")
        off += sum(not found.agrees for found in comparisons)
    return off


def print_table(title: str, comparisons: list[Comparison]) -> None:
    """One line per question."""
    print(f"\n{title}")
    print(f"  {'query':<56}{'mean':>9}{'shift/sd':>10}{'± mce':>7}{'sd ratio':>10}{'± mce':>7}{'R-hat':>7}{'ESS':>8}")
    for found in comparisons:
        query = found.query if len(found.query) <= 55 else found.query[:52] + "..."
        rhat = "–" if found.rhat is None else f"{found.rhat:.3f}"
        verdict = "" if found.met else "  (within Monte Carlo error)" if found.agrees else "  DISAGREES"
        print(
            f"  {query:<56}{found.mean:>9.4f}{found.shift:>10.3f}{found.shift_error:>7.3f}{math.exp(found.log_ratio):>10.3f}"
            f"{found.log_ratio_error:>7.3f}{rhat:>7}{found.ess:>8.0f}{verdict}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(CASES)}; all by default")
    parser.add_argument("--engine", nargs="+", choices=tuple(ENGINES), default=["auto"])
    parser.add_argument("--seeds", type=int, default=1, help="fits of the same data with other seeds")
    parser.add_argument("--plan", action="store_true", help="print which method trained each block")
    parser.add_argument("--output", type=Path, help="a file for the results, one line of JSON per fit, as they come")
    parser.add_argument("--resume", action="store_true", help="keep what the file has, and go on")
    parser.add_argument("--nuts", action="store_true", help=f"beside NUTS on the same data: any of {', '.join(LONG)}")
    parser.add_argument("--rows", type=int, nargs="+", default=[300, 2_000], help="of these data")
    parser.add_argument("--data-seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=1_500, help="of each of four chains of NUTS")
    options = parser.parse_args()
    known = LONG if options.nuts else CASES
    if unknown := set(options.studies) - known.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(known)}")
    if options.output and options.output.exists() and not options.resume:
        parser.error(f"{options.output} exists: go on with --resume, or name another file")
    if options.nuts:
        return 1 if beside_nuts(options) else 0
    kept = options.output.read_text(encoding="utf8").splitlines() if options.output and options.output.exists() else []
    done = {(record["study"], record["engine"], record["seed"]) for record in map(json.loads, kept)}
    off = 0
    for name in options.studies or CASES:
        stored = reference(name)
        rows = CASES[name].draw(stored["n"], stored["data_seed"])
        for engine, seed in itertools.product(options.engine, range(options.seeds)):
            if (name, engine, seed) in done:
                continue
            begun = time.perf_counter()
            posterior = ld.fit(CASES[name].model, rows, getattr(ld, ENGINES[engine])(), seed=seed, progress=False)
            seconds = time.perf_counter() - begun
            comparisons = list(compare(CASES[name], stored, posterior, seed))
            state = "converged" if posterior.converged else f"NOT CONVERGED: {posterior.doubt}"
            print_table(f"{name}, n = {stored['n']}, {engine}, seed {seed}: {seconds:.1f} s, {state}", comparisons)
            if options.plan:
                print("  " + str(posterior.plan).replace("\n", "\n  "))
            sys.stdout.flush()
            if options.output:
                record = {"study": name, "n": stored["n"], "engine": engine, "seed": seed, "seconds": seconds}
                record |= {"converged": posterior.converged, "doubt": posterior.doubt, "plan": posterior.plan}
                record["answers"] = [found._asdict() for found in comparisons]
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(record) + "\n")
            off += sum(not found.agrees for found in comparisons) if engine in ("auto", "nuts") else 0
    if off:
        print(f"\n{off} answers of engines that claim to be exact disagree with the reference.")
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
