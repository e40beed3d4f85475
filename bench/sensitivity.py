"""Whether `ld.sensitivity` gives the right answer at the true strength of what the graph leaves out.

    python sensitivity.py [DATA SETS [CASE …]]

A front door whose treatment acts directly too, with normal and with bernoulli nodes, and a back door with a hidden cause.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

import latentdo as ld

N = 500
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
RISK = "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def normal_front_door(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], float, float]:
    """Rows, the true effect, and the true strength of X -> Y."""
    u, x, m, y = rng.normal(size=(4, N))
    x += u
    m += 0.8 * x
    y += 0.9 * m + 0.5 * x + u
    return {"X": x, "M": m, "Y": y}, 0.8 * 0.9 + 0.5, 0.5 * x.std() / y.std()


def bernoulli_front_door(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], float, float]:
    """The same with an outcome and a treatment of two levels; the truth by a million draws."""

    def rows(n: int, rng: np.random.Generator, do: int | None = None) -> dict[str, np.ndarray]:
        u = rng.normal(size=n)
        x = (rng.random(n) < logistic(u)).astype(int) if do is None else np.full(n, do)
        m = 1.2 * x + rng.normal(size=n)
        y = (rng.random(n) < logistic(-0.5 + 0.8 * m + 1.0 * x + u)).astype(int)
        return {"X": x, "M": m, "Y": y}

    big = np.random.default_rng(99)
    truth = rows(1_000_000, big, 1)["Y"].mean() - rows(1_000_000, big, 0)["Y"].mean()
    table = rows(N, rng)
    return table, float(truth), float(table["X"].std())


def hidden_cause(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], float, float]:
    """A back door with a hidden cause whose strength is the same at both ends: that of the population."""
    z, h, x, y = rng.normal(size=(4, N))
    x += 0.7 * z + 0.75 * h
    # What is left of X has variance 1 + 0.75²; of Y, with X's own bias, so that both strengths are 0.6.
    left = 1.25
    size = 0.6
    # Given X and Z the short regression leaves b² + 1 - (b * 0.75 / left)² of Y where b is the weight of the hidden cause.
    b = size / np.sqrt(1 - size**2 * (1 - (0.75 / left) ** 2))
    y += 0.4 * x + 0.5 * z + b * h
    return {"Z": z, "X": x, "Y": y}, 0.4, size


CASES = {
    "front door, normal": (
        "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)",
        "X -> Y",
        EFFECT,
        normal_front_door,
    ),
    "front door, bernoulli": (
        "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)",
        "X -> Y",
        RISK,
        bernoulli_front_door,
    ),
    "hidden cause": ("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)", "X <-> Y", EFFECT, hidden_cause),
}


def results(name: str, count: int) -> Iterator[tuple[bool, float, float, float, bool]]:
    text, edge, query, simulate = CASES[name]
    for k in range(count):
        rows, truth, strength = simulate(np.random.default_rng(1_000 + k))
        posterior = ld.fit(ld.model(text), rows, check=False, progress=False)
        found = ld.sensitivity(posterior, query, edge=edge, strengths=[strength], progress=False)
        # The curve has points of its own too, as strong as what was measured.
        point = next(each for each in found.points if each.strength == strength)
        plain = found.answer
        yield (
            point.lower <= truth <= point.upper,
            point.estimate - truth,
            point.sd,
            plain.estimate - truth,
            point.converged,
        )


def main(count: int, names: list[str]) -> None:
    for name in names or CASES:
        held, errors, sds, plain, sure = map(np.array, zip(*results(name, count), strict=True))
        share = held.mean()
        print(
            f"{name:24s} coverage of the 90 % interval {share:.2f} (se {np.sqrt(share * (1 - share) / count):.2f}); bias "
            f"{errors.mean():+.3f} (se {errors.std() / np.sqrt(count):.3f}), posterior sd {sds.mean():.3f}; without the edge "
            f"bias {plain.mean():+.3f}; converged {sure.mean():.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:])
