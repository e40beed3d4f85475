"""Power-scaling: how far a parameter moves with its prior, against closed forms, and what labels make of it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import latentdo as ld
from latentdo.inference.posterior.power_scaling import POWER, SENSITIVE, PowerScaled, distance

RANGE = (-4.2, 4.2)
"""From the smallest to the largest of 40,000 normal draws."""


def normal_divergence(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The cumulative Jensen-Shannon distance of two normal laws, by quadrature, on the larger side."""

    def side(p, q):
        def integrand(x):
            a, b = p(x), q(x)
            return a * np.log2(2 * a / (a + b)) + b * np.log2(2 * b / (a + b))

        value = scipy.integrate.quad(integrand, *RANGE)[0]
        return np.sqrt(value / scipy.integrate.quad(lambda x: p(x) + q(x), *RANGE)[0])

    laws = [scipy.stats.norm(*law) for law in (one, other)]
    return max(side(laws[0].cdf, laws[1].cdf), side(laws[0].sf, laws[1].sf))


@pytest.mark.parametrize("shift", [0.1, 0.3])
def test_the_distance_of_weighted_draws_is_that_of_the_laws(shift):
    draws = np.sort(scipy.stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000))
    weights = np.exp(shift * draws)
    found = distance(draws, weights / weights.sum())
    assert found == pytest.approx(normal_divergence((0.0, 1.0), (shift, 1.0)), rel=0.05)
    assert distance(draws, np.full(40_000, 1 / 40_000)) < 1e-6


@pytest.mark.parametrize(("pull", "sensitive"), [(0.05, False), (1.0, True)])
def test_a_prior_that_pulls_is_seen_and_one_that_does_not_is_not(pull, sensitive):
    """A normal posterior with sd 1 whose prior moves its mean by `pull`: its log density is about pull · x there."""
    draws = np.random.default_rng(1).standard_normal(4_000)
    scaled = PowerScaled.of(pull * draws)
    assert scaled.trusted
    assert scaled.weights.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert (scaled.sensitivity(draws) >= SENSITIVE) == sensitive
    assert POWER > 1.0


def cancelling(n: int = 100) -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    z, e = random.standard_normal((2, n))
    x = 0.99 * z + 0.14 * e
    return {"Z": z, "X": x, "Y": 5 * x - 5 * z + random.standard_normal(n)}


def labels(text: str) -> dict[str, str]:
    posterior = ld.fit(text, cancelling(), seed=0, progress=False)
    return {label.name: str(label) for label in posterior.parameter_labels}


def test_what_a_prior_pulls_is_not_called_pinned_down_though_its_sd_shrank():
    found = labels("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z, weight=normal(0, 2))")
    for name in ("X -> Y", "Z -> Y"):
        assert found[name].startswith("narrowed by the data (and its prior has a say: sensitivity 0.")
    assert found["Z -> X"] == "pinned down by the data"


def test_the_same_weights_under_default_priors_are_pinned_down():
    found = labels("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)")
    assert set(found.values()) == {"pinned down by the data"}


def test_rows_of_a_table_are_scaled_one_by_one():
    a = np.repeat([0.0, 1.0], [400, 4])
    y = np.concatenate([np.tile([0.0, 1.0], 200), [0.0, 0.0, 0.0, 1.0]])
    posterior = ld.fit("A ~ table; Y ~ table(A, concentration=3)", {"A": a, "Y": y}, seed=0, progress=False)
    found = {label.name: str(label) for label in posterior.parameter_labels}
    assert found["P(Y=1 | A=0)"] == "pinned down by the data"
    assert "its prior has a say" in found["P(Y=1 | A=1)"]
