"""Whether the time left that a fit tells is right: random small models, and every estimate set beside what was left in truth.

Run with `python bench/time_left.py --fits 60`. Models have one or two hidden causes behind two or three nodes of random families,
and 50 to 5,000 rows. Time is that of the processor, so that other work on the machine does not count; estimates are those that
`progress=True` shows, and are looked at once a tenth of the fit is done. The goal is a factor of three in nine of ten fits.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import latentdo as ld
from latentdo.inference import progress

FAMILIES = ("normal", "bernoulli", "gamma", "student", "hill")
WANTED, FIRST = 3.0, 0.1


def drawn(family: str, eta: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A column of a family from its linear predictor."""
    match family:
        case "bernoulli":
            return (random.uniform(size=len(eta)) < 1 / (1 + np.exp(-eta))).astype(float)
        case "gamma":
            return random.gamma(4.0, np.exp(0.4 * eta) / 4.0)
        case "hill":
            return 100 / (1 + np.exp(-eta)) + 10 * random.normal(size=len(eta))
        case "student":
            return eta + random.standard_t(4, len(eta))
        case _:
            return eta + random.normal(size=len(eta))


def problem(seed: int) -> tuple[str, dict[str, np.ndarray]]:
    """A model and its rows."""
    random = np.random.default_rng([31, seed])
    n = round(float(np.exp(random.uniform(np.log(50), np.log(5_000)))))
    latents = ["U", "V"][: random.integers(1, 3)]
    hidden = {name: random.normal(size=n) for name in latents}
    first, second, last = random.choice(FAMILIES, 3)
    both = ", ".join(latents)
    shared = sum(hidden.values())
    # A hill node runs to 100.
    scale = {"hill": 0.02}
    x = drawn(first, 0.8 * shared, random)
    m = scale.get(first, 0.5) * x + random.normal(size=n)
    rows = {"X": x, "M": m, "Y": drawn(last, 0.6 * m + 0.8 * shared, random)}
    text = f"latent {both} ~ normal; X ~ {first}({both}); M ~ normal(X); Y ~ {last}(M, {both})"
    if len(latents) > 1 or random.uniform() < 0.5:
        rows["Z"] = drawn(second, 0.8 * shared, random)
        text += f"; Z ~ {second}({both})"
    return text, rows


def fitted(seed: int) -> tuple[str, float, list[tuple[float, float]]]:
    """What was fitted, its processor seconds, and when how much was told to be left."""
    told: list[tuple[float, float]] = []

    @contextmanager
    def recorded(course: progress.Course) -> Iterator[Any]:
        class Display:
            def update(self, block: str) -> None:
                del block
                if (left := course.left) is not None:
                    told.append((time.process_time(), left))

            def note(self, text: str) -> None:
                del text

        yield Display()

    progress._now, progress._lines = time.process_time, recorded
    text, rows = problem(seed)
    begun = time.process_time()
    posterior = ld.fit(text, rows, seed=seed, progress=True)
    ended = time.process_time()
    size = f"{text}, {len(rows['X']):,} rows{'' if posterior.converged else ', NOT CERTIFIED'}"
    took = ended - begun
    return size, took, [((at - begun) / took, left / max(ended - at, 0.5)) for at, left in told]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fits", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    worst: list[float] = []
    shares: list[float] = []
    for seed in range(options.first, options.first + options.fits):
        size, took, told = fitted(seed)
        # The last second is as good as over.
        late = [ratio for gone, ratio in told if FIRST <= gone <= 1.0 - 1.0 / max(took, 1.1)]
        if not late:
            print(f"{seed}: {took:.1f} s, nothing told; {size}", flush=True)
            continue
        typical = statistics.median(late)
        right = statistics.fmean(1 / WANTED <= ratio <= WANTED for ratio in late)
        worst.append(typical)
        shares.append(right)
        print(
            f"{seed}: {took:.1f} s, told / left {typical:.2f}, {100 * right:.0f} % of {len(late)}; {size}", flush=True
        )
    if worst:
        within = sum(1 / WANTED <= ratio <= WANTED for ratio in worst)
        print(
            f"{len(worst)} of {options.fits} fits told their time; the median estimate is within a factor of {WANTED:g} in "
            f"{within}, and {100 * statistics.fmean(shares):.0f} % of all estimates are"
        )


if __name__ == "__main__":
    main()
