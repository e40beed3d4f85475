"""Whether a fit says rightly how long it will take and how much memory it needs: random models, tables of random sizes.

Run with `python bench/time_left.py`, or fewer: `--fits 20`. Every fit is a process of its own with nothing compiled. Told are
seconds in all, the time left as it was said once a tenth of them had gone by (or as soon as anything was said) beside what was
left in truth, the memory that was asked for before training beside what the process came to hold more than before, and which
method trained the largest block. At the end stand the shares within a factor of two (time) and of three (memory), and how many
fits were over before anything was said.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from latentdo.inference.progress import Course

HERE = Path(__file__).resolve().parent
FAMILIES = ("normal", "normal", "bernoulli", "bernoulli", "gamma", "student", "hill")
FEWEST, MOST = 40, 20_000
TENTH, QUICK = 0.1, 10.0
"""Share of the time after which what is said counts, and seconds of a fit of which nothing need be said."""

RUN = """
import json, resource, sys, time
import latentdo as ld
from latentdo.inference import progress
from latentdo.inference.samplers import rows, sampling, regression, planner
from latentdo.inference.likelihood import memory
from time_left import drawn

text, table = drawn(int(sys.argv[1]), int(sys.argv[2]))
asked, said, events = [], [], []
claim, tell = memory.claim, progress.Course.tell

def claimed(task, needed, repair):
    asked.append(needed + memory.programs_ahead())
    claim(task, needed, repair)

def told(course, block, share):
    tell(course, block, share)
    said.append((course.seconds, course.left))
    events.append((round(course.seconds, 3), block, share))

for room in (rows, sampling, regression, planner):
    room.claim = claimed
progress.Course.tell = told
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun, spent = time.perf_counter(), time.process_time()
posterior = ld.fit(text, table, seed=0, progress=True, check=False)
seconds = time.perf_counter() - begun
largest = max(posterior.blocks, key=lambda block: len(block.block.nodes))
print(json.dumps({
    "model": text,
    "rows": len(next(iter(table.values()))),
    "seconds": seconds,
    "processor": time.process_time() - spent,
    "said": said,
    "events": events,
    "asked": max(asked, default=0.0),
    "taken": 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before),
    "converged": posterior.converged,
    "method": str(largest.method),
}))
"""


def drawn(number: int, most: int = MOST) -> tuple[str, dict[str, np.ndarray]]:
    """A random model and a table that it might have made: one or two hidden causes, three to six nodes."""
    random = np.random.default_rng([21, number])
    n = round(math.exp(random.uniform(math.log(FEWEST), math.log(most))))
    latents = ["U", "V"][: random.integers(1, 3)]
    values: dict[str, np.ndarray] = {name: random.standard_normal(n) for name in latents}
    statements = [f"latent {', '.join(latents)} ~ normal"]
    nodes = [chr(ord("A") + k) for k in range(random.integers(3, 7))]
    for k, node in enumerate(nodes):
        parents = [name for name in nodes[:k] if random.uniform() < 0.4]
        parents += [name for name in latents if random.uniform() < 0.6]
        family = str(random.choice(FAMILIES))
        eta = sum((_standard(values[name]) * random.normal(0.0, 0.7) for name in parents), 0.3 * np.ones(n))
        values[node] = _noisy(family, eta, random)
        statements.append(f"{node} ~ {family}({', '.join(parents)})" if parents else f"{node} ~ {family}")
    return "; ".join(statements), {name: values[name] for name in nodes}


def _standard(column: np.ndarray) -> np.ndarray:
    return (column - column.mean()) / (column.std() or 1.0)


def _noisy(family: str, eta: np.ndarray, random: np.random.Generator) -> np.ndarray:
    share = 1.0 / (1.0 + np.exp(-eta))
    match family:
        case "bernoulli":
            return (random.uniform(size=len(eta)) < share).astype(float)
        case "gamma":
            return random.gamma(3.0, np.exp(np.clip(eta, -3, 3)) / 3.0)
        case "hill":
            return 100.0 * share + 10.0 * random.standard_normal(len(eta))
        case "student":
            return eta + random.standard_t(4, len(eta))
        case _:
            return eta + random.standard_normal(len(eta))


def run(number: int, most: int, limit: float) -> dict[str, object] | str:
    """One process; what it found, or why it found nothing."""
    with tempfile.TemporaryDirectory() as cache:
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"LATENTDO_CACHE": cache, "PYTHONPATH": path}
        command = [sys.executable, "-c", RUN, str(number), str(most)]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=limit)
        except subprocess.TimeoutExpired:
            return f"not done in {limit:,.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:200]
    return {"number": number, **json.loads(done.stdout.strip().splitlines()[-1])}


def again(found: Mapping[str, object]) -> list[tuple[float, float | None]]:
    """What today's reckoning says where a kept fit told how far it is."""
    now = 0.0
    course = Course(lambda: now)
    said = []
    for now, block, share in found["events"]:  # type: ignore[attr-defined]
        course.tell(block, share)
        said.append((now, course.left))
    return said


def judged(found: dict[str, object]) -> dict[str, object]:
    """The same with what was said first after a tenth of the time, and what was left then."""
    seconds, said = float(found["seconds"]), found.pop("said")  # type: ignore[arg-type]
    first = next(((at, left) for at, left in said if at >= TENTH * seconds and left is not None), None)  # type: ignore[union-attr]
    found["told_at"], found["told"] = first if first is not None and first[0] < seconds else (None, None)
    found["left"] = None if found["told_at"] is None else seconds - float(found["told_at"])  # type: ignore[arg-type]
    return found


def within(a: float, b: float, factor: float) -> bool:
    """Whether two numbers are within a factor of each other; below a second and ten MB all are."""
    return max(a, b) <= factor * min(a, b)


def row(number: int, of: Mapping[str, object]) -> str:
    """One line of the table."""
    told = "–" if of["told"] is None else f"{of['told']:.0f} | {of['left']:.0f}"
    told = told if of["told"] is not None else "– | –"
    return (
        f"| {number} | {of['rows']:,} | {of['seconds']:.0f} | {of['processor']:.1f} | {told} "
        f"| {float(of['asked']) / 2**20:.0f} | {float(of['taken']) / 2**20:.0f} "  # type: ignore[arg-type]
        f"| {'yes' if of['converged'] else 'NO'} | {str(of['method'])[:60]} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first model")
    parser.add_argument("--most", type=int, default=MOST, help="rows of the largest table")
    parser.add_argument("--limit", type=float, default=1_800.0, help="seconds by the clock after which a fit is ended")
    parser.add_argument(
        "--output", type=Path, help="a file of results, a line of JSON a fit; what it has is reckoned anew, not run"
    )
    options = parser.parse_args()
    print(
        "| model | rows | seconds | processor seconds | told left | left | MiB asked | MiB taken | converged | method |"
    )
    print("| --- " + "| ---: " * 7 + "| --- | --- |", flush=True)
    lines = options.output.read_text(encoding="utf8").splitlines() if options.output and options.output.exists() else []
    kept = {of["number"]: of for of in map(json.loads, lines)}
    found = []
    for number in range(options.first, options.first + options.fits):
        if number in kept:
            one = judged(kept[number] | {"said": again(kept[number])})
        else:
            one = run(number, options.most, options.limit)
            if options.output and not isinstance(one, str):
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(one) + "\n")
            one = one if isinstance(one, str) else judged(one)
        print(f"| {number} | {one} |" if isinstance(one, str) else row(number, one), flush=True)
        found += [] if isinstance(one, str) else [one]
    told = [one for one in found if one["told"] is not None]
    right = [within(max(one["told"], 1.0), max(one["left"], 1.0), 2.0) for one in told]
    asked = [within(max(one["asked"], 2e7), max(one["taken"], 2e7), 3.0) for one in found if one["asked"]]
    silent = [one for one in found if one["told"] is None and one["seconds"] > QUICK]
    print(
        f"{len(found)} fits: time left within a factor of two in {sum(right)} of {len(right)} that told it, "
        f"{len(silent)} of more than {QUICK:.0f} s told nothing; memory within a factor of three in {sum(asked)} of {len(asked)}"
    )


if __name__ == "__main__":
    main()
