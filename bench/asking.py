"""A thousand different questions of one posterior: seconds cold and warm beside NumPyro, and whether errors are as large as told.

Run with `python bench/asking.py`; `--output FILE` keeps the figures. The posterior is the napkin's, 100 rows. None of the
thousand questions has a closed form: 250 each of E[Y | do(R=r)], E[Y | do(W=w)], P(Y > y | do(R=r)) and E[Y | do(R=r), W=w], no
two alike. latentdo decides on the number of units by its own rule (simulation error at most 5 % of the posterior sd). NumPyro's
`Predictive` draws fresh units for every posterior draw, which adds their noise to the spread of the answer: it gets as many
units per draw as make that added variance equal to latentdo's own, and its error of the mean is then smaller still. Each kind is
timed on a few questions and scaled to 250, and a second time with just enough units for its mean alone.

`--errors` asks the same question under many seeds and counts how often the true error, against the exact value for that
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
from studies.napkin import NAPKIN

HERE = Path(__file__).resolve().parent
N, SEED = 100, 0
EACH = 250
KINDS = {
    "E[Y | do(R=r)]": "R mean -",
    "E[Y | do(W=w)]": "W mean -",
    "P(Y > y | do(R=r))": "R event -",
    "E[Y | do(R=r), W=w]": "R mean W",
}
PILOT_UNITS = 64
MEAN_ONLY = 0.05
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
            for a, b in zip(within(kind[0], share), within("W" if kind[-1] == "W" else "Y", other), strict=True)
        ]
        for text, kind in KINDS.items()
    }


def written(text: str, value: float, other: float) -> str:
    """One question."""
    own = text.replace("do(R=r)", f"do(R={value})").replace("do(W=w)", f"do(W={value})")
    return own.replace("> y", f"> {other}").replace("W=w", f"W={other}")


def exact_questions() -> list[str]:
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
    """Both thousands, and the one with closed forms, in a fresh process with nothing compiled before, and in one after it."""
    texts = []
    for name, shift in (("first", 0.25), ("second", 0.75)):
        path = folder / f"{name}.txt"
        path.write_text("\n".join(written(t, *p) for t, each in points(shift).items() for p in each), encoding="utf8")
        texts.append(str(path))
    path = folder / "exact.txt"
    path.write_text("\n".join(exact_questions()), encoding="utf8")
    cache = {"LATENTDO_CACHE": str(folder / "cache")}
    seconds, found = child("latentdo_asking.py", str(fit), *texts, str(path), str(len(KINDS)), environment=cache)
    _, again = child("latentdo_asking.py", str(fit), *texts, str(path), str(len(KINDS)), environment=cache)
    return found | {"process": seconds, "next_process": again["cold"], "next_warm": again["warm"]}


def accuracy(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Per kind: error and posterior sd, units, and the variance that finitely many units add to each draw's number."""
    by_kind = {}
    for k, text in enumerate(KINDS):
        own = found["first"][k * EACH : (k + 1) * EACH]
        asked = {written(text, *p): i for i, p in enumerate(points(0.25)[text])}
        shares = [noise / own[asked[q]]["sd"] ** 2 for q, noise in found["noise"].items() if q in asked]
        by_kind[text] = {
            "error": max(a["error"] / a["sd"] for a in own),
            "sd": statistics.median(a["sd"] for a in own),
            "units": statistics.mean(a["n_units"] for a in own),
            "added": statistics.median(shares),
        }
    return by_kind


def theirs(folder: Path, n_units: dict[str, int], timed: int, judged: int) -> dict[str, Any]:
    """The peer with some number of units per draw and kind of question."""
    spread = {KINDS[text]: each[:: EACH // max(timed, judged)] for text, each in points(0.25).items()}
    request = {"n_units": n_units, "points": spread, "timed": timed, "judged": judged}
    path = folder / "request.json"
    path.write_text(json.dumps(request), encoding="utf8")
    seconds, found = child("numpyro_asking.py", str(folder / "draws.npz"), str(path), environment={})
    return found | {"process": seconds}


def compare(options: argparse.Namespace) -> None:
    """Both sides, one after the other, and the ratio."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        fit = saved_fit(folder)
        own = ours(folder, fit)
        known = accuracy(own)
        print_own(own, known)
        pilot = theirs(folder, dict.fromkeys(KINDS.values(), PILOT_UNITS), 2, 4)
        matched, mean_only = {}, {}
        for text, kind in KINDS.items():
            seen = pilot["kinds"][kind]
            unit = statistics.median(n / s**2 for n, s in zip(seen["noise"], seen["sd"], strict=True)) * PILOT_UNITS
            matched[kind] = max(1, math.ceil(unit / known[text]["added"]))
            n_draws = len(np.load(folder / "draws.npz")["Y.0"])
            mean_only[kind] = max(1, math.ceil(unit / n_draws / MEAN_ONLY**2))
        same = theirs(folder, matched, options.timed, 4)
        cheap = theirs(folder, mean_only, options.timed, 4)
        print_peer("as little added to the spread", same, own, known)
        print_peer(f"its mean alone as exact ({MEAN_ONLY:.0%} of the sd)", cheap, own, known)
        if options.output:
            small = {k: v for k, v in own.items() if k not in ("first", "second", "exactly", "noise")}
            record = {"own": small, "accuracy": known, "matched": same, "mean_only": cheap, "timed": options.timed}
            options.output.write_text(json.dumps(record, indent=1), encoding="utf8")


def print_own(found: dict[str, Any], known: dict[str, dict[str, float]]) -> None:
    """What latentdo took."""
    print(f"latentdo, {len(found['first'])} questions:")
    print(
        f"  cold    {found['cold']:.1f} s (fresh process, nothing compiled; import {found['import']:.1f}, load "
        f"{found['load']:.1f})"
    )
    print(f"  again   {found['next_process']:.1f} s (fresh process, programs kept on disk)")
    print(
        f"  warm    {found['warm']:.2f} s (processor {found['warm_processor']:.2f}; {found['compiled']} compilations; another "
        "1,000 numbers of the same shapes)"
    )
    print(f"  closed  {found['exact']:.2f} s (1,000 questions about do(X=x), which have closed forms)")
    print(f"  peak    {found['peak']:,.0f} MiB")
    for (text, values), spent in zip(known.items(), found["kinds"], strict=True):
        print(
            f"  {text:<22} {values['units']:>6.0f} units, {spent['seconds'] / EACH:.4f} s a question (processor "
            f"{spent['processor'] / EACH:.4f}), error at most {values['error']:.1%} of the sd, added to the variance "
            f"{values['added']:.2%}"
        )


def print_peer(title: str, found: dict[str, Any], own: dict[str, Any], known: dict[str, dict[str, float]]) -> None:
    """What the peer takes, and how many times as long."""
    kinds = found["kinds"]
    total = {
        f"{start}{clock}": sum(
            EACH * each[f"each{clock}"] + (each[f"first{clock}"] if start == "cold" else 0.0) for each in kinds.values()
        )
        for start in ("warm", "cold")
        for clock in ("", "_processor")
    }
    print(
        f"NumPyro Predictive + do, jitted, {title}: {total['warm']:,.0f} s warm (processor {total['warm_processor']:,.0f}), "
        f"{total['cold']:,.0f} s cold, peak {found['peak']:,.0f} MiB"
    )
    for (text, kind), spent in zip(KINDS.items(), own["kinds"], strict=True):
        each = kinds[kind]
        added = statistics.median(n / known[text]["sd"] ** 2 for n in each["noise"])
        print(
            f"  {text:<22} {each['n_units']:>6} units, {each['each']:.3f} s a question, added to the variance {added:.2%}, "
            f"{'at once' if each['parallel'] else 'draw by draw'}: latentdo is {each['each'] * EACH / spent['seconds']:,.0f}x as "
            f"fast ({each['each_processor'] * EACH / spent['processor']:,.0f}x by processor time)"
        )
    ratios = {name: seconds / own[name] for name, seconds in total.items()}
    print(
        f"  latentdo is {ratios['warm']:,.0f}x as fast warm ({ratios['warm_processor']:,.0f}x by processor time), "
        f"{ratios['cold']:,.0f}x cold ({ratios['cold_processor']:,.0f}x)"
    )


def errors(options: argparse.Namespace) -> None:
    """How often the true simulation error is within the t quantile times the error told."""
    from scipy.stats import t

    import latentdo as ld
    from latentdo.answers import ask as asking
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
