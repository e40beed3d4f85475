"""A thousand different questions of one posterior: seconds cold and warm beside NumPyro, and whether errors are as large as told.

Run with `python bench/asking.py`; `--output FILE` keeps the figures. The posterior is the napkin's, 100 rows. None of the
thousand questions has a closed form: 250 each of E[Y | do(R=r)], E[Y | do(W=w)], P(Y > y | do(R=r)) and P(Y > y | do(W=w)), no
two alike. What is hardest for weights, E[Y | do(R=r), W=w], is asked 10 times, apart. latentdo decides on the number of units by
its own rule (simulation error at most 5 % of the posterior sd). NumPyro's `Predictive` draws fresh units for every posterior
draw, which adds their noise to the spread of the answer: it gets as many units per draw as make that added variance equal to
latentdo's own, and its error of the mean is then smaller still; and, as a second figure, a number of units that makes an
interval 5 % too wide. Each kind is timed on a few questions and scaled to 250.

`--errors` asks the same questions under many seeds and counts how often the true error, against the exact value for that
posterior, is within the 95 % t quantile times the error told.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from cases.napkin import NAPKIN

HERE = Path(__file__).resolve().parent
N, SEED = 100, 0
EACH = 250
KINDS = {
    "E[Y | do(R=r)]": "R mean -",
    "E[Y | do(W=w)]": "W mean -",
    "P(Y > y | do(R=r))": "R event -",
    "P(Y > y | do(W=w))": "W event -",
}
HARDEST, N_HARDEST = "E[Y | do(R=r), W=w]", 10
ALL = {**KINDS, HARDEST: "R mean W="}
PILOT_UNITS = 64
COARSE = 0.1025
"""Added to the variance of an answer, what makes its interval 5 % too wide."""
FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); C ~ normal(Y)"
ERRORS = [
    "E[Y | do(X=1)]",
    "P(Y > 1 | do(X=1))",
    "E[Y | do(X=1), C=0.5]",
    "P(Y > 1 | do(X=1), C > 0)",
    "P(Y > 1 | do(X=1)) / P(Y > 1 | do(X=0))",
    "Quantile[Y, 0.9 | do(X=1)]",
    "Var[Y | do(X=1)]",
]


def points(shift: float) -> dict[str, list[list[float]]]:
    """Per kind of question 250 pairs (value, threshold or evidence), inside the data; another shift, other numbers."""
    rows = NAPKIN.draw(N, SEED)
    share = (np.arange(EACH) + shift) / EACH

    def within(name: str, at: np.ndarray) -> np.ndarray:
        low, high = np.quantile(rows[name], [0.05, 0.95])
        return low + (high - low) * at

    # Second numbers in another order than the first, so that the two do not move together.
    other = (np.arange(EACH) * 97 % EACH + shift) / EACH
    return {
        text: [
            [round(float(a), 6), round(float(b), 6)]
            for a, b in zip(within(kind[0], share), within("W" if text == HARDEST else "Y", other), strict=True)
        ]
        for text, kind in ALL.items()
    }


def written(text: str, value: float, other: float) -> str:
    """One question."""
    own = text.replace("do(R=r)", f"do(R={value})").replace("do(W=w)", f"do(W={value})")
    return own.replace("> y", f"> {other}").replace("W=w", f"W={other}")


def questions(shift: float) -> list[str]:
    """The thousand."""
    each = points(shift)
    return [written(text, *point) for text in KINDS for point in each[text]]


def closed_questions() -> list[str]:
    """A thousand questions that have a closed form, for comparison: set X, and ask for the law of Y."""
    rows = NAPKIN.draw(N, SEED)
    at = np.linspace(*np.quantile(rows["Y"], [0.05, 0.95]), EACH)
    level = np.linspace(0.01, 0.99, EACH)
    found = [f"P(Y > {y:.6f} | do(X={k % 2}))" for k, y in enumerate(at)]
    found += [f"density(Y={y:.6f} | do(X={k % 2}))" for k, y in enumerate(at)]
    found += [f"Quantile[Y, {p:.6f} | do(X={k % 2})]" for k, p in enumerate(level)]
    return found + [f"P(Y < {y:.6f} | do(X=1)) - P(Y < {y:.6f} | do(X=0))" for y in at]


def child(program: str, *arguments: str, environment: dict[str, str]) -> tuple[float, dict[str, Any]]:
    """Seconds of a whole process, and what it printed."""
    begun = time.perf_counter()
    command = [sys.executable, str(HERE / "peers" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(f"{program} failed:\n{done.stderr}")
    return seconds, json.loads(done.stdout.strip().splitlines()[-1])


def saved_fit(folder: Path) -> Path:
    """The napkin's fit, and beside it its draws as a peer reads them."""
    import latentdo as ld

    posterior = ld.fit(NAPKIN.model, NAPKIN.draw(N, SEED), seed=0, progress=False)
    assert isinstance(posterior, ld.Posterior)
    draws = {}
    for node in "WRXY":
        own = posterior.by_node[node]
        coefficients = own.coefficients.reshape(-1, own.coefficients.shape[-1])
        draws |= {f"{node}.{k}": coefficients[:, k] for k in range(coefficients.shape[1])}
        draws |= {f"{node}.{name}": values.reshape(-1) for name, values in own.parameters}
    np.savez(folder / "draws.npz", **draws)
    return posterior.save(folder / "napkin.ldo")


def ours(folder: Path, fit: Path) -> dict[str, Any]:
    """Both thousands in a fresh process with nothing compiled before, and in one after it; then each kind apart."""
    hardest = points(0.75)[HARDEST][:: EACH // N_HARDEST][:N_HARDEST]
    kinds = {text: [written(text, *point) for point in each] for text, each in points(0.75).items() if text in KINDS}
    request = {
        "first": questions(0.25),
        "second": questions(0.75),
        "closed": closed_questions(),
        "kinds": {**kinds, HARDEST: [written(HARDEST, *point) for point in hardest]},
    }
    path = folder / "questions.json"
    cache = {"LATENTDO_CACHE": str(folder / "cache")}
    path.write_text(json.dumps(request), encoding="utf8")
    _, found = child("latentdo_asking.py", str(fit), str(path), environment=cache)
    path.write_text(json.dumps(request | {"closed": []}), encoding="utf8")
    _, again = child("latentdo_asking.py", str(fit), str(path), environment=cache)
    return found | {"again": again["cold"]}


def theirs(folder: Path, n_units: dict[str, int], timed: int, judged: int) -> dict[str, Any]:
    """The peer with some number of units per draw and kind of question."""
    most = max(timed, judged)
    spread = {kind: points(0.75)[text][:: EACH // most][:most] for text, kind in ALL.items()}
    request = {"n_units": n_units, "points": spread, "timed": timed, "judged": judged}
    path = folder / "request.json"
    path.write_text(json.dumps(request), encoding="utf8")
    found = child("numpyro_asking.py", str(folder / "draws.npz"), str(path), environment={})[1]
    return found | {"stride": EACH // most}


def compare(options: argparse.Namespace) -> None:
    """Both sides, one after the other, and the ratio."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        own = ours(folder, saved_fit(folder))
        print_own(own)
        pilot = theirs(folder, dict.fromkeys(ALL.values(), PILOT_UNITS), 2, 3)
        units: dict[str, dict[str, int]] = {"matched": {}, "coarse": {}}
        for text, kind in ALL.items():
            seen = pilot["kinds"][kind]
            # What one unit adds to the variance of an answer, in posterior variances: the pilot's own sd has its noise in it.
            unit = statistics.median(seen["noise"]) / own["kinds"][text]["sd"] ** 2 * PILOT_UNITS
            units["matched"][kind] = max(1, math.ceil(unit / own["kinds"][text]["added"]))
            units["coarse"][kind] = max(1, math.ceil(unit / COARSE))
        found = {name: theirs(folder, each, options.timed, 1) for name, each in units.items()}
        if options.output:
            options.output.write_text(json.dumps({"own": own, **found}), encoding="utf8")
        print_peer("as little added to the spread as by latentdo", found["matched"], own)
        print_peer("intervals 5 % too wide", found["coarse"], own)


def print_own(found: dict[str, Any]) -> None:
    """What latentdo took."""

    def both(spent: dict[str, float]) -> str:
        return f"{spent['seconds']:.2f} s (processor {spent['processor']:.2f})"

    print(f"latentdo, {len(KINDS) * EACH:,} questions:")
    print(
        f"  cold    {both(found['cold'])}: a fresh process, nothing compiled; the fit was loaded at {found['cold']['load']:.1f} s"
    )
    print(f"  again   {both(found['again'])}: a fresh process, programs kept on disk")
    print(f"  warm    {both(found['warm'])}: {found['compiled']} compilations; other numbers of the same shapes")
    print(f"  closed  {both(found['closed'])}: 1,000 questions about do(X=x), which have closed forms")
    print(f"  peak    {found['peak']:,.0f} MiB")
    for text, kind in found["kinds"].items():
        print(
            f"  {text:<23}{kind['units']:>6.0f} units, {kind['seconds'] / kind['n']:.4f} s a question (processor "
            f"{kind['processor'] / kind['n']:.4f}), error at most {kind['error']:.1%} of the sd, added to the variance "
            f"{kind['added']:.2%}",
            flush=True,
        )


def print_peer(title: str, found: dict[str, Any], own: dict[str, Any]) -> None:
    """What the peer takes, and how many times as long."""
    kinds = found["kinds"]
    thousand = [kinds[kind] for kind in KINDS.values()]
    total = {"warm": {}, "cold": {}}
    for clock, name in (("seconds", ""), ("processor", "_processor")):
        total["warm"][clock] = sum(EACH * each[f"each{name}"] for each in thousand)
        total["cold"][clock] = total["warm"][clock] + sum(each[f"first{name}"] for each in thousand)
    print(
        f"NumPyro Predictive + do, jitted, {title}: {total['warm']['seconds']:,.0f} s warm (processor "
        f"{total['warm']['processor']:,.0f}), {total['cold']['seconds']:,.0f} s cold, peak {found['peak']:,.0f} MiB"
    )
    for text, kind in ALL.items():
        each, mine = kinds[kind], own["kinds"][text]
        added = statistics.median(noise / mine["sd"] ** 2 for noise in each["noise"])
        ratios = each["each"] * mine["n"] / mine["seconds"], each["each_processor"] * mine["n"] / mine["processor"]
        agrees = ""
        if text in KINDS:
            off = [abs(mean - mine["mean"][k * found["stride"]]) / mine["sd"] for k, mean in enumerate(each["mean"])]
            agrees = f"answers within {max(off):.1%} of an sd, "
        print(
            f"  {text:<23}{each['n_units']:>6} units, {agrees}{each['each']:.3f} s a question, added to the variance "
            f"{added:.2%}, {'at once' if each['parallel'] else 'draw by draw'}: latentdo is {ratios[0]:,.0f}x as fast "
            f"({ratios[1]:,.0f}x by processor time)"
        )
    times = {start: {clock: total[start][clock] / own[start][clock] for clock in total[start]} for start in total}
    print(
        f"  the thousand: latentdo is {times['warm']['seconds']:,.0f}x as fast warm ({times['warm']['processor']:,.0f}x by "
        f"processor time), {times['cold']['seconds']:,.0f}x cold ({times['cold']['processor']:,.0f}x)",
        flush=True,
    )


def errors(options: argparse.Namespace) -> None:
    """How often the true simulation error is within the t quantile times the error told."""
    from scipy.stats import t

    import latentdo as ld
    from latentdo.answers import simulation as asking
    from latentdo.answers.exact import Exact

    random = np.random.default_rng([3, 1])
    u, *noise = random.normal(size=(5, 200))
    x = u + noise[0]
    m = 0.8 * x + noise[1]
    y = 0.9 * m + u + noise[2]
    posterior = ld.fit(FRONT_DOOR, {"X": x, "M": m, "Y": y, "C": y + noise[3]}, seed=0, progress=False)
    true = {text: ld.ask(posterior, text, allow_unidentified=True) for text in ERRORS}
    assert all(answer.simulation_error == 0 for answer in true.values())
    limit = t.ppf(0.975, asking.REPLICATES - 1)
    seen: dict[str, list[tuple[float, float, int]]] = {text: [] for text in ERRORS}
    with mock.patch.object(Exact, "engine", lambda self, plan: None):
        for seed in range(options.seeds):
            for text, answer in zip(
                ERRORS, ld.ask(posterior, *ERRORS, seed=seed, allow_unidentified=True), strict=True
            ):
                seen[text].append((answer.mean - true[text].mean, answer.simulation_error, answer.n_units))
    if options.output:
        options.output.write_text(json.dumps(record_of(seen, true, limit)), encoding="utf8")
    print(f"{options.seeds} seeds; errors within {limit:.2f} e, {asking.REPLICATES} replicates")
    for text, found in seen.items():
        off, told, units = map(np.array, zip(*found, strict=True))
        share = float((np.abs(off) <= limit * told).mean())
        spread = math.sqrt(0.05 * 0.95 / len(off))
        print(
            f"  {text:<42} {share:6.1%} (95 % ± {2 * spread:.1%}); rms error {np.sqrt((off**2).mean()):.2e}, rms e "
            f"{np.sqrt((told**2).mean()):.2e}, bias {off.mean():+.1e} ± {off.std(ddof=1) / math.sqrt(len(off)):.0e}, "
            f"e {100 * np.median(told) / true[text].sd:.2f} % of the sd, {int(np.median(units))} units"
        )


def record_of(seen: Any, true: Any, limit: float) -> dict[str, Any]:
    """What is kept of each question: how many errors were within the limit, and how large they were."""
    record = {}
    for text, found in seen.items():
        off, told, units = map(np.array, zip(*found, strict=True))
        record[text] = {
            "n": len(off),
            "within": int((np.abs(off) <= limit * told).sum()),
            "error": float(np.sqrt((off**2).mean()) / true[text].sd),
            "told": float(np.sqrt((told**2).mean()) / true[text].sd),
            "units": int(np.median(units)),
        }
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--errors", action="store_true", help="check the simulation errors instead")
    parser.add_argument("--seeds", type=int, default=400, help="of --errors")
    parser.add_argument("--timed", type=int, default=4, help="questions of each kind that the peer is timed on")
    parser.add_argument("--output", type=Path, help="a file for the figures")
    options = parser.parse_args()
    (errors if options.errors else compare)(options)


if __name__ == "__main__":
    main()
