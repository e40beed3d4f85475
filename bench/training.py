"""How long a study takes from nothing to answers, beside Stan, nutpie and NumPyro on hand-written models, and what it is worth.

Run with `make bench`, or some: `python bench/training.py napkin covid --peers numpyro stan nutpie --peer-python PYTHON`. Every
run is a process of its own, timed from outside: cold with an empty compilation cache, then warm with the cache that it left.
The others sample 4 chains x (500 + 500). Their time ends with their draws; latentdo's ends with its answers. Effective draws
are those of the worst question, and count only where mean and sd of every question agree with the stored long run (see
agreement.py). Stan (PyStan, or CmdStan where it is installed) and nutpie (with PyMC and Numba) are looked for in the Python of
`--peer-python`; without them the others run alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from agreement import Comparison, compared, reference
from references.queries import ANSWERS

from studies import STUDIES

HERE = Path(__file__).resolve().parent
PROGRAMS = {
    "latentdo": "latentdo_auto.py",
    "numpyro": "numpyro_nuts.py",
    "stan": "stan_nuts.py",
    "nutpie": "nutpie_nuts.py",
}
NEEDS = {"stan": "stan", "nutpie": "nutpie, pymc"}


@dataclass
class Runs:
    """What one program did on one study, run by run."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    ess: list[float] = field(default_factory=list)
    rhat: list[float] = field(default_factory=list)
    agree: list[bool] = field(default_factory=list)
    note: str = ""

    def rate(self, seconds: list[float]) -> float:
        """Effective draws of the worst question per second: the median over runs, those that disagree counting 0."""
        worth = [ess * agree for ess, agree in zip(self.ess, self.agree, strict=True)]
        # Cold and warm runs take turns: the k-th of each has results of its own.
        kept = worth[0::2] if seconds is self.cold else worth[1::2]
        return statistics.median(w / s for w, s in zip(kept, seconds, strict=False)) if kept else math.nan


def timed(
    command: list[str], environment: dict[str, str], folder: str, cap: float
) -> tuple[float, dict[str, Any] | None, str]:
    """Seconds of a whole process, the last line that it printed, and what went wrong, if anything did."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, complaints = process.communicate(timeout=cap)
    except subprocess.TimeoutExpired:
        # Stan's chains are processes of their own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return cap, None, f"more than {cap:.0f} s"
    seconds = time.perf_counter() - begun
    if process.returncode != 0:
        return seconds, None, (complaints.strip().splitlines() or ["failed"])[-1][:100]
    return seconds, json.loads(printed.strip().splitlines()[-1]), ""


def answers_of(study: str, program: str, rows: Mapping[str, np.ndarray], path: Path, stored: Any) -> list[Comparison]:
    """Every question of a run beside the reference."""
    if program == "latentdo":
        found = json.loads(path.read_text(encoding="utf8"))
        return [
            compared(
                query,
                (a["mean"], a["mcse"], a["sd"], a["sd"] / math.sqrt(2 * max(a["ess"], 1))),
                a["ess"],
                a["rhat"],
                stored["answers"][query],
            )
            for query, a in found.items()
        ]
    from references.make import moments

    raw = dict(np.load(path))
    draws = {site: raw[site.replace(".+", "_").replace(".-", "_").replace(".", "_")] for site in stored["sites"]}
    chains = len(next(iter(draws.values())))
    answers = ANSWERS[study](rows, {site: values.reshape(-1) for site, values in draws.items()})
    result = []
    for query, values in answers.items():
        m = moments(values.reshape(chains, -1))
        found = (m["mean"], m["mcse_mean"], m["sd"], m["mcse_sd"])
        result.append(compared(query, found, m["ess"], m["rhat"], stored["answers"][query]))
    return result


def race(study: str, programs: list[str], options: argparse.Namespace) -> dict[str, Runs]:
    """All programs on one data set, by turns."""
    case, stored = STUDIES[study], reference(study)
    rows = case.draw(stored["n"], stored["data_seed"])
    results = {program: Runs() for program in programs}
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / f"{study}.npz"
        np.savez(table, **dict(rows))
        table.with_suffix(".model").write_text(case.model, encoding="utf8")
        table.with_suffix(".queries").write_text("\n".join(stored["answers"]), encoding="utf8")
        for repeat in range(options.repeats):
            for program, runs in results.items():
                if runs.note or (repeat >= options.peer_repeats and program != "latentdo"):
                    continue
                cache = Path(scratch) / f"cache-{program}-{repeat}"
                cache.mkdir()
                for kind in ("cold", "warm"):
                    output = Path(scratch) / ("answers.json" if program == "latentdo" else "draws.npz")
                    command = [options.peer_python if program in NEEDS else sys.executable]
                    command += [str(HERE / "peers" / PROGRAMS[program]), study, str(table), str(output)]
                    command += ["--seed", str(2 * repeat + (kind == "warm"))]
                    environment = os.environ | {"LATENTDO_CACHE": str(cache), "PEER_CACHE": str(cache)}
                    environment |= {"XDG_CACHE_HOME": str(cache), "NUMBA_CACHE_DIR": str(cache)}
                    seconds, reply, complaint = timed(command, environment, scratch, options.cap)
                    if reply is None:
                        runs.note = complaint
                        break
                    found = answers_of(study, program, rows, output, stored)
                    (runs.cold if kind == "cold" else runs.warm).append(seconds)
                    runs.ess.append(min(answer.ess for answer in found))
                    runs.rhat.append(max(answer.rhat or 1.0 for answer in found))
                    runs.agree.append(all(answer.agrees for answer in found))
                    parts = ", ".join(f"{k} {v:.1f}" for k, v in reply.items() if isinstance(v, float))
                    worst = max(found, key=lambda answer: abs(answer.shift))
                    print(
                        f"  {program:<9}{kind:<5}{seconds:>7.1f} s ({parts}); worst question: R-hat {runs.rhat[-1]:.3f}, "
                        f"ESS {runs.ess[-1]:.0f}, shift {worst.shift:+.2f} sd, sd ratio "
                        f"{max((math.exp(a.log_ratio) for a in found), key=lambda r: abs(math.log(r))):.2f}"
                        f"{'' if runs.agree[-1] else ': DISAGREES'}{'' if reply.get('converged', True) else ', not converged'}",
                        flush=True,
                    )
    return results


def print_table(study: str, results: Mapping[str, Runs]) -> None:
    """Medians and the ratios to the first program."""

    def middle(values: list[float]) -> float:
        return statistics.median(values) if values else math.nan

    print(f"\n{study}: medians; effective draws of the worst question per second of the whole process")
    print(
        f"  {'':<10}{'runs':>5}{'cold s':>8}{'warm s':>8}{'agree':>8}{'R-hat':>8}{'ESS':>8}{'ESS/s cold':>12}{'warm':>8}"
        f"{'latentdo is':>22}"
    )
    own = results.get("latentdo")
    for program, runs in results.items():
        if not runs.cold:
            print(f"  {program:<10}{runs.note}")
            continue
        cold, warm = runs.rate(runs.cold), runs.rate(runs.warm)
        times = ""
        if own is not None and program != "latentdo" and own.cold:
            ratios = [a / b if b else math.inf for a, b in ((own.rate(own.cold), cold), (own.rate(own.warm), warm))]
            times = f"{ratios[0]:,.0f}x cold, {ratios[1]:,.0f}x warm"
        print(
            f"  {program:<10}{len(runs.cold):>5}{middle(runs.cold):>8.1f}{middle(runs.warm):>8.1f}"
            f"{f'{sum(runs.agree)}/{len(runs.agree)}':>8}{max(runs.rhat):>8.3f}{middle(runs.ess):>8.0f}{cold:>12.1f}{warm:>8.1f}{times:>22}"
            f"{'  ' + runs.note if runs.note else ''}"
        )


def available(python: str, modules: str) -> bool:
    """Whether a Python has what a program needs."""
    return subprocess.run([python, "-c", f"import {modules}"], capture_output=True, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"any of {', '.join(STUDIES)}; all by default")
    parser.add_argument(
        "--peers", nargs="*", choices=("numpyro", "stan", "nutpie"), default=["numpyro", "stan", "nutpie"]
    )
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that has PyStan and nutpie")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of a cold and a warm run of latentdo")
    parser.add_argument("--peer-repeats", type=int, default=1, help="pairs of runs of each other program")
    parser.add_argument("--cap", type=float, default=900.0, help="seconds after which a run is ended")
    options = parser.parse_args()
    if unknown := set(options.studies) - STUDIES.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(STUDIES)}")
    programs = ["latentdo"]
    for peer in options.peers:
        if peer in NEEDS and not available(options.peer_python, NEEDS[peer]):
            print(f"{peer} is not installed in {options.peer_python}: it does not run (see --peer-python)")
            continue
        programs.append(peer)
    for study in options.studies or STUDIES:
        print(f"\n{study}")
        print_table(study, race(study, programs, options))


if __name__ == "__main__":
    main()
