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
import itertools
import json
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from agreement import Comparison, compared, reference
from cases import STUDIES
from references.queries import ANSWERS

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
    """What one program did on one study, run by run.

    Attributes:
        cold, warm: Seconds.
        draws: Effective draws of the worst question of each run.
        worth: The same by kind of run, 0 where the answers disagree with the reference.
        processor: Processor seconds by kind of run.
        note: Why no more runs were made, if they were ended or failed.
    """

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    draws: list[float] = field(default_factory=list)
    worth: dict[str, list[float]] = field(default_factory=lambda: {"cold": [], "warm": []})
    rhat: list[float] = field(default_factory=list)
    agree: list[bool] = field(default_factory=list)
    processor: dict[str, list[float]] = field(default_factory=lambda: {"cold": [], "warm": []})
    note: str = ""

    def add(self, record: Mapping[str, Any]) -> None:
        """One run; of one that was ended or failed only why."""
        if "complaint" in record:
            self.note = record["complaint"]
            return
        (self.cold if record["kind"] == "cold" else self.warm).append(record["seconds"])
        self.processor[record["kind"]].append(record["processor"])
        self.draws.append(record["ess"])
        # Answers that disagree are worth nothing, however fast.
        self.worth[record["kind"]].append(record["ess"] * record["agrees"])
        self.rhat.append(record["rhat"])
        self.agree.append(record["agrees"])

    def rate(self, kind: str, *, processor: bool = False) -> float:
        """Effective draws of the worst question per second: the median over runs, those that disagree counting 0.

        Args:
            processor: Per second of processor time, which depends less on what else the machine does.
        """
        seconds = self.processor[kind] if processor else self.cold if kind == "cold" else self.warm
        each = [ess / time for ess, time in zip(self.worth[kind], seconds, strict=True)]
        return statistics.median(each) if each else math.nan


def gathered(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Runs]]:
    """The runs by study and program."""
    found: dict[str, dict[str, Runs]] = {}
    for record in records:
        found.setdefault(record["study"], {}).setdefault(record["program"], Runs()).add(record)
    return found


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


def processor_seconds() -> float:
    """Processor time, of all cores together, of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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


def race(study: str, programs: list[str], options: argparse.Namespace, done: set[tuple]) -> Iterator[dict[str, Any]]:
    """All programs on one data set, by turns, but for what is done: (study, program, repeat)."""
    case, stored = STUDIES[study], reference(study)
    rows = case.draw(stored["n"], stored["data_seed"])
    ended: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / f"{study}.npz"
        np.savez(table, **dict(rows))
        table.with_suffix(".model").write_text(case.model, encoding="utf8")
        table.with_suffix(".queries").write_text("\n".join(stored["answers"]), encoding="utf8")
        for repeat, program in itertools.product(range(options.repeats), programs):
            beyond = repeat >= options.peer_repeats and program != "latentdo"
            if program in ended or beyond or (study, program, repeat) in done:
                continue
            cache = Path(scratch) / f"cache-{program}-{repeat}"
            cache.mkdir()
            # A study that takes minutes to sample has no need of a second run that saves seconds.
            for kind in ("cold", "warm") if options.peer_warm or program == "latentdo" else ("cold",):
                output = Path(scratch) / ("answers.json" if program == "latentdo" else "draws.npz")
                command = [options.peer_python if program in NEEDS else sys.executable]
                command += [str(HERE / "peers" / PROGRAMS[program]), study, str(table), str(output)]
                command += ["--seed", str(2 * repeat + (kind == "warm"))]
                environment = os.environ | {"LATENTDO_CACHE": str(cache), "PEER_CACHE": str(cache)}
                environment |= {"XDG_CACHE_HOME": str(cache), "NUMBA_CACHE_DIR": str(cache)}
                load, before = os.getloadavg()[0], processor_seconds()
                seconds, reply, complaint = timed(command, environment, scratch, options.cap)
                record = {"study": study, "program": program, "repeat": repeat, "kind": kind, "seconds": seconds}
                # Both tell what a machine that was busy with other things would have done alone.
                record |= {"processor": processor_seconds() - before, "load": load}
                if reply is None:
                    ended.add(program)
                    print(f"  {program:<9}{kind:<5} {complaint}", flush=True)
                    yield record | {"complaint": complaint}
                    break
                found = answers_of(study, program, rows, output, stored)
                record |= {"parts": reply, **worst_of(found)}
                print_run(record)
                yield record


def worst_of(found: list[Comparison]) -> dict[str, Any]:
    """Of all questions of a run the worst in each respect."""
    return {
        "ess": min(answer.ess for answer in found),
        "rhat": max(answer.rhat or 1.0 for answer in found),
        "agrees": all(answer.agrees for answer in found),
        "shift": max((answer.shift for answer in found), key=abs),
        "sd_ratio": math.exp(max((answer.log_ratio for answer in found), key=abs)),
    }


def print_run(record: Mapping[str, Any]) -> None:
    """One line."""
    parts = [f"{name} {value:.1f}" for name, value in record["parts"].items() if isinstance(value, float)]
    parts.append(f"processor {record['processor']:.1f}")
    doubt = "" if record["agrees"] else ": DISAGREES"
    doubt += "" if record["parts"].get("converged", True) else ", not converged"
    print(
        f"  {record['program']:<9}{record['kind']:<5}{record['seconds']:>7.1f} s ({', '.join(parts)}); worst question: "
        f"R-hat {record['rhat']:.3f}, ESS {record['ess']:.0f}, shift {record['shift']:+.2f} sd, "
        f"sd ratio {record['sd_ratio']:.2f}{doubt}",
        flush=True,
    )


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
        cold, warm = runs.rate("cold"), runs.rate("warm")
        times = ""
        if own is not None and program != "latentdo" and own.cold:
            ratios = [a / b if b else math.inf for a, b in ((own.rate("cold"), cold), (own.rate("warm"), warm))]
            times = f"{ratios[0]:,.0f}x cold, {ratios[1]:,.0f}x warm"
        ess = middle(runs.draws)
        print(
            f"  {program:<10}{len(runs.cold):>5}{middle(runs.cold):>8.1f}{middle(runs.warm):>8.1f}"
            f"{f'{sum(runs.agree)}/{len(runs.agree)}':>8}{max(runs.rhat):>8.3f}{ess:>8.0f}"
            f"{cold:>12.1f}{warm:>8.1f}{times:>22}"
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
    parser.add_argument("--no-peer-warm", dest="peer_warm", action="store_false", help="run the others cold only")
    parser.add_argument("--cap", type=float, default=900.0, help="seconds after which a run is ended")
    parser.add_argument("--output", type=Path, help="a file for the results, one line of JSON per run, as they come")
    parser.add_argument("--resume", action="store_true", help="keep what the file has, and go on")
    options = parser.parse_args()
    if unknown := set(options.studies) - STUDIES.keys():
        parser.error(f"no study is called {sorted(unknown)[0]!r}; there are {', '.join(STUDIES)}")
    programs = ["latentdo"]
    for peer in options.peers:
        if peer in NEEDS and not available(options.peer_python, NEEDS[peer]):
            print(f"{peer} is not installed in {options.peer_python}: it does not run (see --peer-python)")
            continue
        programs.append(peer)
    if options.output and options.output.exists() and not options.resume:
        parser.error(f"{options.output} exists: go on with --resume, or name another file")
    kept = options.output.read_text(encoding="utf8").splitlines() if options.output and options.output.exists() else []
    records = [json.loads(line) for line in kept]
    # A pair of runs is done with its warm one if that is wanted, or with a complaint.
    done = {
        (r["study"], r["program"], r["repeat"])
        for r in records
        if r["kind"] == "warm" or "complaint" in r or (r["program"] != "latentdo" and not options.peer_warm)
    }
    for study in options.studies or STUDIES:
        print(f"\n{study}")
        for record in race(study, programs, options, done):
            records.append(record)
            if options.output:
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(record) + "\n")
        print_table(study, gathered(records)[study])


if __name__ == "__main__":
    main()
