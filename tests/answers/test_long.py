"""Questions of a mixed model against long simulations, draw by draw, by lines that share no code with the engine."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference import Posterior
from posteriors import numbers, posterior_of

MODEL = """
latent U ~ normal
B ~ bernoulli(U)
X ~ gamma(B, U)
H ~ hill(X, U, max=10)
Y ~ normal(H, B, X:B, X)
Z ~ student(Y, df=6)
"""
CENTRES = {
    "intercept(H)": -1.0,
    "X -> H": 0.8,
    "H -> Y": 0.3,
    "shape(X)": 4.0,
    "U -> X": 0.3,
    "B -> X": 0.4,
    "Y -> Z": 0.5,
}
N = 4_000_000


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return posterior_of(MODEL, CENTRES, shape=(1, 4), ranges={"X": (0.05, 8.0), "H": (0.0, 11.0)})


def units(posterior: Posterior, k: int, x: float | None) -> dict[str, np.ndarray]:
    """Plain random units of the k-th draw; X set where a number is given."""
    own = {label: float(values[k]) for label, values in numbers(posterior).items()}
    random = np.random.default_rng(k)
    u = random.normal(size=N)
    b = (random.uniform(size=N) < 1 / (1 + np.exp(-(own["intercept(B)"] + own["U -> B"] * u)))).astype(float)
    mean = np.exp(own["intercept(X)"] + own["B -> X"] * b + own["U -> X"] * u)
    shape = own["shape(X)"]
    at = random.gamma(shape, mean / shape) if x is None else np.full(N, x)
    h = 10 / (1 + np.exp(-(own["intercept(H)"] + own["X -> H"] * at + own["U -> H"] * u)))
    h += own["sd(H)"] * random.normal(size=N)
    y = own["intercept(Y)"] + own["H -> Y"] * h + own["B -> Y"] * b + own["X:B -> Y"] * at * b + own["X -> Y"] * at
    y += own["sd(Y)"] * random.normal(size=N)
    z = own["intercept(Z)"] + own["Y -> Z"] * y + own["scale(Z)"] * random.standard_t(6, size=N)
    return {"B": b, "X": at, "H": h, "Y": y, "Z": z}


def near(values: np.ndarray, at: float) -> np.ndarray:
    """Units so near a value that the outcome's mean does not change within the window."""
    return abs(values - at) < 0.02


CASES = {
    "E[Y | do(X=1)]": (1.0, lambda v: v["Y"].mean()),
    "E[Y | do(X=1), Z=2]": (1.0, lambda v: v["Y"][near(v["Z"], 2.0)].mean()),
    "E[Y | do(X=1), Z > 0]": (1.0, lambda v: v["Y"][v["Z"] > 0].mean()),
    "P(Y > 3 | do(X=1), Z > 0)": (1.0, lambda v: (v["Y"][v["Z"] > 0] > 3).mean()),
    "P(Y > 3 | do(X=1), Z > 0, B=1)": (1.0, lambda v: (v["Y"][(v["Z"] > 0) & (v["B"] == 1)] > 3).mean()),
    "P(Y > 3 | do(X=1)) / P(Y > 3 | do(X=1), B=0)": (
        1.0,
        lambda v: (v["Y"] > 3).mean() / (v["Y"][v["B"] == 0] > 3).mean(),
    ),
    "E[X | Y > 3]": (None, lambda v: v["X"][v["Y"] > 3].mean()),
    "P(X > 1, H < 5 | Z > 1)": (None, lambda v: ((v["X"] > 1) & (v["H"] < 5))[v["Z"] > 1].mean()),
    "Quantile[Y, 0.9 | do(X=1)]": (1.0, lambda v: np.quantile(v["Y"], 0.9)),
    "Median[Y | do(X=1), Z > 0]": (1.0, lambda v: np.median(v["Y"][v["Z"] > 0])),
    "Var[Y | do(X=1)]": (1.0, lambda v: v["Y"].var()),
    "SD[H | B=1]": (None, lambda v: v["H"][v["B"] == 1].std()),
    "density(Y=2 | do(X=1))": (1.0, lambda v: near(v["Y"], 2.0).mean() / 0.04),
    "density(Y=2 | do(X=1), Z > 0)": (1.0, lambda v: near(v["Y"], 2.0)[v["Z"] > 0].mean() / 0.04),
}


@pytest.mark.slow
def test_mixed_models_are_answered_as_by_long_simulation(posterior):
    answers = ld.ask(posterior, *CASES, allow_unidentified=True)
    worlds = {x: [units(posterior, k, x) for k in range(4)] for x in (None, 1.0)}
    for (query, (x, statistic)), answer in zip(CASES.items(), answers, strict=True):
        halves = [
            [statistic({node: part[half::2] for node, part in world.items()}) for half in (0, 1)] for world in worlds[x]
        ]
        exact = np.mean(halves, axis=1)
        noise = np.std(np.array(halves)[:, 0] - np.array(halves)[:, 1]) / 2 + 0.002 * abs(exact).max()
        assert answer.n_units > 0, query
        assert abs(answer.mean - exact.mean()) < 4 * answer.simulation_error + 4 * noise, (query, answer.mean, exact)
        np.testing.assert_allclose(answer.draws, exact, atol=0.03 * max(1.0, abs(exact).max()), err_msg=query)
