"""Each new family as the outcome of a front door, trained by the default engine: the effect beside the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import latentdo as ld

EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
OUTCOMES = {
    "poisson": "poisson(M, U)",
    "zeros": "poisson(M, U, zi=true)",
    "negbin": "negbin(M, U)",
    "lognormal": "lognormal(M, U)",
    "beta": "beta(M, U)",
    "ordinal": "ordinal(M, U)",
    "spread": "normal(M, U, sd=loglinear(M))",
}


def drawn(family: str, n: int, seed: int, do: float | None = None) -> dict[str, np.ndarray]:
    """Rows of U -> X -> M -> Y <- U; with `do`, of the world in which X is set."""
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    x = (random.uniform(size=n) < expit(0.8 * u)).astype(float) if do is None else np.full(n, do)
    m = 0.5 + x + random.normal(size=n)
    eta = 0.3 + 0.5 * m + 0.7 * u
    match family:
        case "poisson":
            y = random.poisson(np.exp(eta))
        case "zeros":
            y = random.poisson(np.exp(eta)) * (random.uniform(size=n) < 0.7)
        case "negbin":
            y = random.poisson(np.exp(eta) * random.gamma(3.0, 1 / 3, size=n))
        case "lognormal":
            y = np.exp(eta + 0.5 * random.normal(size=n))
        case "spread":
            y = eta + np.exp(0.4 * m - 0.3) * random.normal(size=n)
        case "beta":
            y = random.beta(8 * expit(eta), 8 * expit(-eta))
        case _:
            y = 1.0 + (eta + random.logistic(size=n) > np.array([[0.0], [1.5], [2.5]])).sum(axis=0)
    return {"X": x, "M": m, "Y": y}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param("poisson", marks=pytest.mark.sample),
        *(pytest.param(name, marks=pytest.mark.slow) for name in OUTCOMES if name != "poisson"),
    ],
)
def test_the_effect_through_a_front_door_is_found(family):
    text = f"latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ {OUTCOMES[family]}"
    fit = ld.fit(text, drawn(family, 300, 11), seed=0, check=False, progress=False)
    answer = ld.ask(fit, EFFECT)
    truth = drawn(family, 1_000_000, 3, 1.0)["Y"].mean() - drawn(family, 1_000_000, 3, 0.0)["Y"].mean()
    assert abs(answer.mean - truth) < 3 * answer.sd
    assert answer.converged
