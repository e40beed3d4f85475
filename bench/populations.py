"""The true answers of the built-in studies, computed again and set beside those that are stored.

Run: `python bench/populations.py [NAME ...] [--draws 10000000] [--cells 20000] [--seed 1]`. Multi-cause and
napkin by quadrature, the others by simulation under common noise: the mean of the chance of the outcome, or of the outcome.
The exit code is 1 if one of them is more than five standard errors, or a unit of the last stored digit, off.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from latentdo.simulators import STUDIES, covid, multicause, multicause_strong, signaling, signaling_strong
from latentdo.simulators.structural import sigmoid

Values = Mapping[str, tuple[float, float]]
CHUNK = 250_000


def grid(mean: float = 0.0, sd: float = 1.0, points: int = 81, reach: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of a normal law: the trapezoid rule, whose error falls exponentially for smooth functions."""
    z = np.linspace(-reach, reach, points)
    weights = np.exp(-0.5 * z * z)
    return mean + sd * z, weights / weights.sum()


def five_causes(of_m: Sequence[float], of_y: Sequence[float]) -> Values:
    """Means of Y, set and seen, over a grid of the three hidden causes and all 32 settings of X."""
    axes = [grid(mean, sd) for mean, sd in multicause.HIDDEN.values()]
    u = np.stack([a.ravel() for a in np.meshgrid(*(points for points, _ in axes), indexing="ij")])
    mass = np.einsum("i,j,k->ijk", *(weights for _, weights in axes)).ravel()
    chances = [sigmoid(w[0] + np.array(w[1:]) @ u) for w in multicause.OF_CAUSES.values()]
    behind = np.array(of_y[2:]) @ u
    y = [sigmoid(of_y[0] + of_y[1] * m + behind) for m in (0, 1)]
    total, seen, shares = 0.0, {}, {}
    for x in itertools.product((0, 1), repeat=5):
        m = float(sigmoid(np.asarray(of_m[0] + np.dot(of_m[1:], x))))
        mean = (1 - m) * y[0] + m * y[1]
        likely = mass.copy()
        for value, chance in zip(x, chances, strict=True):
            likely *= chance if value else 1 - chance
        total += float(likely @ mean)
        if sum(x) in (0, 5):
            shares[x[0]] = float(likely.sum())
            seen[x[0]] = float(likely @ mean) / shares[x[0]]
            seen["do", x[0]] = float(mass @ mean)
    low, high = seen["do", 0], seen["do", 1]
    at = [f"X1={k}, X2={k}, X3={k}, X4={k}, X5={k}" for k in (0, 1)]
    answers = {
        "E[Y]": total,
        f"E[Y | do({at[0]})]": low,
        f"E[Y | do({at[1]})]": high,
        f"E[Y | do({at[0]})] - E[Y]": low - total,
        f"E[Y | do({at[1]})] - E[Y | do({at[0]})]": high - low,
        f"E[Y | {at[0]}]": seen[0],
        f"E[Y | {at[1]}]": seen[1],
    }
    return {query: (value, 0.0) for query, value in answers.items()}


def napkin() -> Values:
    """Set, from the mean of V; seen, over a grid of U, V, the gamma of W and the noise of R."""
    (u, pu), (v, pv), (e, pe) = grid(points=61), grid(1.0, 1.0, 61), grid(points=41)
    log = np.linspace(-6.0, 2.5, 301)
    pg = np.exp(6 * (log - np.exp(log)))
    pg /= pg.sum()
    shares = np.zeros(len(v))
    for one, p in zip(u, pu, strict=True):
        w = np.exp(0.2 + 0.4 * one + 0.5 * v)[:, None] * np.exp(log)
        r = 0.5 + 0.8 * w[..., None] + 0.7 * e
        shares += p * np.einsum("vge,g,e->v", sigmoid(-1.7 + r + 1.2 * one), pg, pe, optimize=True)
    treated = float(pv @ shares)
    seen = {1: float((pv * v) @ shares) / treated, 0: float((pv * v) @ (1 - shares)) / (1 - treated)}
    mean = 0.2 + 1.5 * treated + 1.5
    answers = {
        "E[Y]": mean,
        "E[Y | do(X=0)]": 1.7,
        "E[Y | do(X=1)]": 3.2,
        "E[Y | do(X=0)] - E[Y]": 1.7 - mean,
        "E[Y | do(X=1)] - E[Y | do(X=0)]": 1.5,
        "E[Y | X=0]": 0.2 + 1.5 * seen[0],
        "E[Y | X=1]": 0.2 + 1.5 + 1.5 * seen[1],
        "P(X=1)": treated,
    }
    return {query: (value, 0.0) for query, value in answers.items()}


def moments(columns: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Means of columns, (arm, unit) a chunk at a time, and the covariance of those means."""
    count, total, squares = 0, np.zeros(1), np.zeros((1, 1))
    for chunk in columns:
        count += chunk.shape[1]
        total = total + chunk.sum(axis=1)
        squares = squares + chunk @ chunk.T
    mean = total / count
    return mean, (squares / count - np.outer(mean, mean)) / count


def arms(
    settings: Mapping[str, Mapping[str, float]],
    draw: Callable[[int, Mapping[str, float]], np.ndarray],
    chunks: int,
    contrasts: Sequence[tuple[str, str]],
) -> Values:
    """Mean of the outcome under each setting, and differences of arms, the noise of a chunk being common to its arms."""
    mean, covariance = moments(np.stack([draw(k, do) for do in settings.values()]) for k in range(chunks))
    names = list(settings)
    found = {name: (mean[i], math.sqrt(covariance[i, i])) for i, name in enumerate(names)}
    for a, b in contrasts:
        i, j = names.index(a), names.index(b)
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        found[f"{a} - {b}"] = (mean[i] - mean[j], math.sqrt(max(variance, 0.0)))
    return found


def covid_values(draws: int, seed: int) -> Values:
    """From the chance of Cytokine given IL6_AMP."""

    def draw(chunk: int, do: Mapping[str, float]) -> np.ndarray:
        rows = covid.PROCESS.simulate(CHUNK, seed=seed * 10_000 + chunk, do=do)
        return sigmoid(covid.chance_of_cytokine(rows["IL6_AMP"]))

    low, other, both = (
        "E[Cytokine | do(sIL6R=20)]",
        "E[Cytokine | do(EGFR=20)]",
        "E[Cytokine | do(sIL6R=20, EGFR=20)]",
    )
    settings = {
        "E[Cytokine]": {},
        low: {"sIL6R": 20},
        other: {"EGFR": 20},
        both: {"sIL6R": 20, "EGFR": 20},
    }
    return arms(settings, draw, draws // CHUNK, [(name, "E[Cytokine]") for name in (low, other, both)])


def strong_signaling_values(draws: int, seed: int) -> Values:
    """From Erk itself: its noise is common to the arms of a contrast."""

    def draw(chunk: int, do: Mapping[str, float]) -> np.ndarray:
        return signaling_strong.PROCESS.simulate(CHUNK, seed=seed * 10_000 + chunk, do=do)["Erk"]

    low, high = "E[Erk | do(SOS=20)]", "E[Erk | do(SOS=70)]"
    settings = {"E[Erk]": {}, low: {"SOS": 20}, high: {"SOS": 70}}
    return arms(settings, draw, draws // CHUNK, [(high, low), (high, "E[Erk]"), (low, "E[Erk]")])


def signaling_values(cells: int, seed: int) -> Values:
    """From cells simulated molecule by molecule; the arms are independent but for the growth factors."""
    found: dict[str, tuple[float, float]] = {}
    for k, level in enumerate((None, 20, 30, 46, 60, 70, 90)):
        do = {} if level is None else {"SOS": level}
        erk = signaling.simulate(cells, seed=seed * 10_000 + k, do=do)["Erk"]
        query = "E[Erk]" if level is None else f"E[Erk | do(SOS={level})]"
        found[query] = (float(erk.mean()), float(erk.std(ddof=1)) / math.sqrt(cells))
    held, seen = found["E[Erk | do(SOS=70)]"], found["E[Erk]"]
    found["E[Erk | do(SOS=70)] - E[Erk]"] = (held[0] - seen[0], math.hypot(held[1], seen[1]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(STUDIES), help="studies; all unless given")
    parser.add_argument("--draws", type=int, default=10_000_000, help=f"rows per arm, in chunks of {CHUNK}")
    parser.add_argument("--cells", type=int, default=20_000, help="cells per arm of signaling")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    compute: dict[str, Callable[[], Values]] = {
        "multicause": lambda: five_causes(multicause.OF_M, multicause.OF_Y),
        "napkin": napkin,
        "signaling": lambda: signaling_values(options.cells, options.seed),
        "covid": lambda: covid_values(options.draws, options.seed),
        "multicause-strong": lambda: five_causes(multicause_strong.OF_M, multicause_strong.OF_Y),
        "signaling-strong": lambda: strong_signaling_values(options.draws, options.seed),
    }
    off = 0
    for name in options.names:
        begun = time.perf_counter()
        values = compute[name]()
        stored = {truth.query: truth for truth in STUDIES[name].population}
        print(f"{name} ({time.perf_counter() - begun:.0f} s)")
        for query, (value, error) in values.items():
            kept = stored.pop(query, None)
            shown = "not stored"
            if kept is not None:
                allowed = 5 * math.hypot(error, kept.error) + 10.0 ** -decimals(kept.value)
                wrong = abs(kept.value - value) > allowed
                off += wrong
                shown = f"{kept.value} ± {kept.error}{'   OFF' if wrong else ''}"
            print(f"  {query:<72}{value:>13.7f} ± {error:.7f}   {shown}")
        off += len(stored)
        for query in stored:
            print(f"  {query:<72} is stored and not computed here")
    return int(off > 0)


def decimals(value: float) -> int:
    """Digits after the point, as stored."""
    return len(repr(value).partition(".")[2])


if __name__ == "__main__":
    sys.exit(main())
