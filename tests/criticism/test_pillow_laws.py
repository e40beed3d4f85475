"""Laws of nodes given their pillows, beside plain importance sampling of the latents from their prior."""

import numpy as np
import pytest
from scipy.special import ndtri

from latentdo.criticism.pillow_laws import PillowLaw
from latentdo.errors import UnsupportedError
from latentdo.inference import flat, predictor
from latentdo.models.build import NUMPY, numerics
from tests.posteriors import posterior_of

CASES = {
    "normal": (
        "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)",
        "Y",
        {"X": [0.3, 2.0], "M": [-1.0, 0.5]},
    ),
    "product with a latent": (
        "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U, M:U)",
        "Y",
        {"X": [0.3, 2.0], "M": [-1.0, 0.5]},
    ),
    "binary outcome": (
        "latent U ~ normal; X ~ normal(U); Y ~ bernoulli(X, U)",
        "Y",
        {"X": [0.3, -2.0]},
    ),
    "binary pillow": (
        "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ normal(M, U)",
        "Y",
        {"X": [0.0, 1.0], "M": [0.4, 1.5]},
    ),
    "two latents": (
        "latent U, V ~ normal; W ~ gamma(U, V); R ~ normal(W); X ~ bernoulli(R, U); Y ~ normal(X, V)",
        "Y",
        {"W": [0.7, 3.0], "R": [0.4, 1.5], "X": [0.0, 1.0]},
    ),
    "levels of a latent": (
        "latent C ~ categorical(levels=[a, b, c]); X ~ normal(C); Y ~ normal(X, C)",
        "Y",
        {"X": [-1.0, 1.5]},
    ),
    "heavy-tailed latent": (
        "latent U ~ student(df=4); X ~ normal(U); Y ~ bernoulli(U)",
        "Y",
        {"X": [-1.0, 2.5]},
    ),
    "spread by a measured node": (
        "latent U ~ normal; X ~ normal(U, sd=loglinear(Z)); Z ~ normal; Y ~ normal(X, U, sd=loglinear(Z))",
        "Y",
        {"Z": [0.5, -1.0], "X": [-1.0, 1.5]},
    ),
    "spread by a latent": (
        "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U, sd=loglinear(U))",
        "Y",
        {"X": [-1.0, 1.5]},
    ),
    "spread of a latent": (
        "Z ~ normal; latent U ~ normal(Z, sd=loglinear(Z)); X ~ normal(U); Y ~ lognormal(U, sd=loglinear(Z))",
        "Y",
        {"Z": [0.5, -1.0], "X": [-1.0, 1.5]},
    ),
    "latent below a measured node": (
        "Z ~ normal; latent U ~ normal(Z); X ~ normal(U); Y ~ gamma(U)",
        "Y",
        {"Z": [0.5, -1.0], "X": [-1.0, 1.5]},
    ),
}


def sampled(posterior, node, given, draw, n=200_000):
    """Mean and P(node <= 0.5 | given) by importance sampling, per row."""
    spec = posterior.spec
    random = np.random.default_rng(0)
    env = {name: np.asarray(values)[:, None] for name, values in given.items()}
    logs = np.zeros((len(next(iter(env.values()))), n))
    for name in spec.graph.topological_order():
        coefficients, parameters = flat(posterior.by_node[name])
        own = {key: values[draw] for key, values in parameters.items()}
        rows = [
            predictor(spec[name], coefficients[draw : draw + 1], {k: v[i : i + 1] for k, v in env.items()})
            for i in range(len(logs))
        ]
        eta = np.concatenate([np.broadcast_to(row, (*np.shape(row)[:-1], n)) for row in rows], axis=-2)
        family = spec[name].family
        if name in spec.latent:
            env[name] = numerics(family).draw(random.uniform(size=(1, n)), eta, own)
        elif name in given:
            logs = logs + family.log_density(NUMPY, env[name], eta, own)
        elif name == node:
            target = family.mean(NUMPY, eta, own), family.cdf(NUMPY, 0.5, eta, own)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return [(weights * np.broadcast_to(own, weights.shape)).sum(axis=1) for own in target]


@pytest.mark.parametrize("name", CASES)
def test_latents_are_integrated_out_as_by_plain_sampling(name):
    model, node, given = CASES[name]
    posterior = posterior_of(model, shape=(1, 3))
    law = PillowLaw(posterior, node, tuple(given), np.array([0, 2]))
    env = {key: np.array(values)[None] for key, values in given.items()}
    family = law.family
    means, below = law.averages(
        env, [lambda eta, own: family.mean(NUMPY, eta, own), lambda eta, own: family.cdf(NUMPY, 0.5, eta, own)]
    )
    for place, draw in enumerate((0, 2)):
        mean, chance = sampled(posterior, node, given, draw)
        assert means[place] == pytest.approx(mean, rel=0.03, abs=0.02)
        assert below[place] == pytest.approx(chance, abs=0.01)


def test_draws_of_a_law_have_its_mean():
    model, node, given = CASES["binary pillow"]
    posterior = posterior_of(model, shape=(1, 3))
    law = PillowLaw(posterior, node, tuple(given), np.array([0, 1, 2]))
    n = 40_000
    env = {key: np.full((1, n), values[1]) for key, values in given.items()}
    random = np.random.default_rng(1)
    drawn = law.draw(env, random.uniform(size=(1, n)), random.uniform(size=(1, n)))
    assert drawn.shape == (3, n)
    mean = law.mean({key: np.array([[values[1]]]) for key, values in given.items()})[:, 0]
    assert drawn.mean(axis=1) == pytest.approx(mean, abs=5 * drawn.std() / np.sqrt(n))


def test_a_node_without_noise_is_not_checked():
    posterior = posterior_of("X ~ normal; L ~ linear(X); Y ~ normal(L)", shape=(1, 2))
    with pytest.raises(UnsupportedError, match="exact function"):
        PillowLaw(posterior, "L", ("X",), np.array([0])).mean({"X": np.zeros((1, 2))})


def test_a_law_without_pillow_is_the_margin():
    posterior = posterior_of(
        "latent U ~ normal; X ~ normal(U); Y ~ bernoulli(U)", {"sd(X)": 0.75}, spread=1e-6, shape=(1, 2)
    )
    law = PillowLaw(posterior, "X", (), np.array([0]))
    family = numerics(law.family)
    (below,) = law.averages({"": np.zeros((1, 1))}, [lambda eta, own: family.cdf(1.25 * ndtri(0.9), eta, own)])
    assert below[0, 0] == pytest.approx(0.9, abs=1e-5)
