"""The arithmetic of the families against SciPy's laws, for NumPy and for JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from latentdo.models import (
    Bernoulli,
    Beta,
    Constant,
    Gamma,
    Hill,
    Linear,
    LogNormal,
    NegBin,
    Normal,
    Ordinal,
    Poisson,
)
from latentdo.models.build import NUMPY, Arithmetic, numerics

JAX = Arithmetic(jnp, jax.scipy.special)
BOTH = pytest.mark.parametrize("m", [NUMPY, JAX], ids=["numpy", "jax"])

ETA = np.array([-3.0, -0.4, 0.0, 0.7, 2.5])


class WithZeros:
    """A law of counts by summation, with a share of zeros: beside those of the law, or in place of them."""

    def __init__(self, law, share, *, apart):
        self.counts = np.arange(2_000.0)
        own = law.pmf(self.counts[:, None])
        own = np.where(self.counts[:, None] > 0, own / law.sf(0), 0.0) if apart else own
        self.chances = (1.0 - share) * own + share * (self.counts[:, None] == 0)

    def logpmf(self, y):
        return np.log(self.chances[y.astype(int), np.arange(len(y))])

    def mean(self):
        return self.counts @ self.chances

    def var(self):
        return self.counts**2 @ self.chances - self.mean() ** 2

    def cdf(self, y):
        at = np.floor(np.maximum(y, 0)).astype(int)[..., 0]
        return np.where(y < 0, 0.0, np.cumsum(self.chances, axis=0)[at])

    def sf(self, y):
        return 1.0 - self.cdf(y)

    def ppf(self, uniform):
        return (np.cumsum(self.chances, axis=0)[:, None] < uniform).sum(axis=0)


class Levels:
    """The law of levels with these thresholds on the scale of a logistic variable around eta."""

    def __init__(self, eta, thresholds, points):
        below = scipy.stats.logistic(eta[None]).cdf(np.array(thresholds)[:, None])
        self.below = np.concatenate([below, np.ones((1, len(eta)))])
        self.points = np.array(points)
        self.chances = np.diff(self.below, axis=0, prepend=0.0)

    def logpmf(self, y):
        return np.log(self.chances[np.searchsorted(self.points, y), np.arange(len(y))])

    def mean(self):
        return self.points @ self.chances

    def var(self):
        return self.points**2 @ self.chances - self.mean() ** 2

    def cdf(self, y):
        at = np.searchsorted(self.points, y[..., 0], side="right")
        return np.concatenate([np.zeros((1, self.below.shape[1])), self.below])[at]

    def sf(self, y):
        return 1.0 - self.cdf(y)

    def ppf(self, uniform):
        return self.points[(self.below[:, None] < uniform).sum(axis=0)]


def counted(eta):
    return scipy.stats.poisson(np.exp(eta))


def varied(eta):
    return scipy.stats.nbinom(1.7, 1.7 / (1.7 + np.exp(eta)))


def shared(eta):
    mean = scipy.special.expit(eta)
    return scipy.stats.beta(6.5 * mean, 6.5 * (1.0 - mean))


LAWS = {
    "normal": (Normal(), {"sd": 1.7}, lambda eta: scipy.stats.norm(eta, 1.7)),
    "hill": (Hill(80.0), {"sd": 5.4}, lambda eta: scipy.stats.norm(80 * scipy.special.expit(eta), 5.4)),
    "bernoulli": (Bernoulli(), {}, lambda eta: scipy.stats.bernoulli(scipy.special.expit(eta))),
    "gamma": (Gamma(), {"shape": 2.3}, lambda eta: scipy.stats.gamma(2.3, scale=np.exp(eta) / 2.3)),
    "poisson": (Poisson(), {}, counted),
    "poisson zi": (Poisson("zi"), {"zi": 0.3}, lambda eta: WithZeros(counted(eta), 0.3, apart=False)),
    "poisson hurdle": (Poisson("hurdle"), {"hurdle": 0.4}, lambda eta: WithZeros(counted(eta), 0.4, apart=True)),
    "negbin": (NegBin(), {"shape": 1.7}, varied),
    "negbin zi": (NegBin("zi"), {"shape": 1.7, "zi": 0.3}, lambda eta: WithZeros(varied(eta), 0.3, apart=False)),
    "negbin hurdle": (
        NegBin("hurdle"),
        {"shape": 1.7, "hurdle": 0.4},
        lambda eta: WithZeros(varied(eta), 0.4, apart=True),
    ),
    "lognormal": (LogNormal(), {"sd": 0.8}, lambda eta: scipy.stats.lognorm(0.8, scale=np.exp(eta))),
    "beta": (Beta(), {"shape": 6.5}, shared),
    "ordinal": (
        Ordinal((1.0, 2.0, 5.0)),
        {"gap2": 1.3},
        lambda eta: Levels(eta, (0.0, 1.3), (1.0, 2.0, 5.0)),
    ),
    "levels": (Bernoulli((1.0, 4.0)), {}, lambda eta: Levels(eta, (0.0,), (1.0, 4.0))),
}
FAMILIES = pytest.mark.parametrize("name", LAWS)


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def values_of(name: str) -> np.ndarray:
    return {
        "normal": np.array([-4.0, 0.0, 0.3, 2.0, 9.0]),
        "hill": np.array([-7.0, 3.0, 40.0, 61.0, 85.0]),
        "bernoulli": np.array([0.0, 1.0, 0.0, 1.0, 1.0]),
        "gamma": np.array([1e-3, 0.2, 1.0, 3.0, 40.0]),
        "poisson": np.array([1.0, 0.0, 2.0, 0.0, 17.0]),
        "negbin": np.array([1.0, 0.0, 2.0, 0.0, 17.0]),
        "lognormal": np.array([1e-3, 0.2, 1.0, 3.0, 40.0]),
        "beta": np.array([1e-3, 0.2, 0.5, 0.9, 0.999]),
        "ordinal": np.array([1.0, 2.0, 5.0, 2.0, 1.0]),
        "levels": np.array([1.0, 4.0, 4.0, 1.0, 4.0]),
    }[name.split()[0]]


@BOTH
@FAMILIES
def test_means_and_log_densities_are_those_of_scipy(m, name):
    family, parameters, law = LAWS[name]
    y = values_of(name)
    density = law(ETA).logpmf(y) if family.discrete else law(ETA).logpdf(y)
    found = numerics(family)
    assert np.asarray(found.mean(m, m.np.asarray(ETA), parameters)) == pytest.approx(law(ETA).mean(), rel=1e-12)
    assert np.asarray(found.log_density(m, m.np.asarray(y), m.np.asarray(ETA), parameters)) == pytest.approx(
        density, rel=1e-10
    )


@FAMILIES
def test_cdfs_are_those_of_scipy(name):
    family, parameters, law = LAWS[name]
    y = np.concatenate([values_of(name), values_of(name) - 0.5, [-1e3, 0.0]])[:, None]
    assert numerics(family).cdf(y, ETA, parameters) == pytest.approx(law(ETA).cdf(y), rel=1e-9, abs=1e-12)
    assert family.survival(NUMPY, y, ETA, parameters) == pytest.approx(law(ETA).sf(y), rel=1e-9, abs=1e-12)


@FAMILIES
def test_variances_are_those_of_scipy(name):
    family, parameters, law = LAWS[name]
    assert family.variance(NUMPY, ETA, parameters) == pytest.approx(law(ETA).var(), rel=1e-9)


@FAMILIES
def test_events_have_the_probabilities_of_scipy(name):
    family, parameters, law = LAWS[name]
    d, chance = law(ETA), numerics(family).chance
    low, high = np.array([[1.0]]), np.array([[4.0]])
    step = 1.0 if family.discrete else 0.0
    for operators, expected in (
        ((">",), d.sf(low)),
        ((">=",), d.sf(low - step)),
        (("<",), d.cdf(low - step)),
        ((">", "<="), d.cdf(high) - d.cdf(low)),
        ((">=", "<"), d.cdf(high - step) - d.cdf(low - step)),
        (("=",), d.cdf(low) - d.cdf(low - step)),
    ):
        found = chance(NUMPY, operators, [low, high][: len(operators)], ETA, parameters)
        assert found == pytest.approx(expected[0] if found.ndim == 1 else expected, rel=1e-9, abs=1e-12), operators


@FAMILIES
def test_draws_are_the_quantiles(name):
    family, parameters, law = LAWS[name]
    uniform = np.array([1e-6, 0.03, 0.2, 0.5, 0.77, 0.999])[:, None]
    assert numerics(family).draw(uniform, ETA, parameters) == pytest.approx(law(ETA).ppf(uniform), rel=1e-8)


@FAMILIES
def test_parameters_broadcast_over_draws(name):
    family, parameters, _ = LAWS[name]
    found = numerics(family)
    many = {key: np.full((3, 1), value) for key, value in parameters.items()}
    eta = np.tile(ETA, (3, 1))
    for one, all_draws in (
        (found.mean(NUMPY, ETA, parameters), found.mean(NUMPY, eta, many)),
        (found.draw(np.full(5, 0.3), ETA, parameters), found.draw(np.full((1, 5), 0.3), eta, many)),
        (found.cdf(values_of(name), ETA, parameters), found.cdf(values_of(name), eta, many)),
    ):
        assert all_draws.shape == (3, 5)
        assert all_draws == pytest.approx(np.tile(one, (3, 1)))


def test_links_are_those_of_the_default_priors():
    assert numerics(Normal()).link(np.array([-2.0, 3.0])).tolist() == [-2.0, 3.0]
    assert numerics(Bernoulli()).link(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert numerics(Gamma()).link(np.array([0.5, 3.0])) == pytest.approx(np.log([0.5, 3.0]))
    # Shares of max beyond 0.01 and 0.99 count as these.
    shares = np.array([0.01, 0.01, 0.25, 0.99, 0.99])
    assert numerics(Hill(80.0)).link(np.array([-5.0, 0.4, 20.0, 79.9, 200.0])) == pytest.approx(
        np.log(shares / (1 - shares))
    )


EXTREME = np.array([-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])


@BOTH
@FAMILIES
def test_extreme_predictors_do_not_overflow(m, name):
    """Warnings are errors, so an overflow in NumPy fails by itself."""
    family, parameters, _ = LAWS[name]
    found = numerics(family)
    y = np.array(family.points) if family.points else np.array([1e-100, 1e-3, 50.0, 1e100])
    y = np.array([1e-100, 1e-3, 0.5, 0.999]) if name == "beta" else y
    eta = EXTREME[:, None]
    density = np.asarray(found.log_density(m, m.np.asarray(y), m.np.asarray(eta), parameters))
    assert not np.isnan(density).any()
    assert np.isfinite(np.asarray(found.mean(m, m.np.asarray(eta), parameters))).all()
    slope = jax.grad(lambda e: jnp.sum(found.log_density(JAX, jnp.asarray(y), e, parameters)))(jnp.asarray(eta))
    assert np.isfinite(np.asarray(slope)).all()


@FAMILIES
def test_extreme_draws_and_cdfs_are_numbers(name):
    family, parameters, _ = LAWS[name]
    found = numerics(family)
    uniform = np.array([1e-12, 0.5, 1 - 1e-12])[:, None]
    drawn = found.draw(uniform, EXTREME, parameters)
    assert np.isfinite(drawn).all()
    assert (np.diff(drawn, axis=0) >= 0).all()
    assert np.isfinite(drawn**2).all(), "variances are formed of them"
    chance = found.cdf(np.array([-3.0, 0.0, 1.0, 1e50])[:, None], EXTREME, parameters)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert (np.diff(chance, axis=0) >= 0).all()


@BOTH
def test_the_working_parabola_is_exact_for_normal_nodes(m):
    found, parameters, y = numerics(Normal()), {"sd": 1.7}, values_of("normal")
    eta = m.np.asarray(ETA)
    precision, pull = found.working(m, m.np.asarray(y), eta, parameters)
    for step in (0.5, -3.0):
        moved = found.log_density(m, y, eta + step, parameters) - found.log_density(m, y, eta, parameters)
        assert np.asarray(moved) == pytest.approx(np.asarray(pull * step - precision * step**2 / 2), rel=1e-9)


def test_the_working_parabola_is_the_score_and_information_of_bernoulli_nodes():
    found, y = numerics(Bernoulli()), values_of("bernoulli")
    precision, pull = found.working(JAX, y, jnp.asarray(ETA), {})
    score = jax.vmap(jax.grad(lambda eta, y: found.log_density(JAX, y, eta, {})))(jnp.asarray(ETA), jnp.asarray(y))
    assert np.asarray(pull) == pytest.approx(np.asarray(score))
    p = scipy.special.expit(ETA)
    assert np.asarray(precision) == pytest.approx(p * (1 - p))


@pytest.mark.parametrize("name", [name for name in LAWS if name not in ("normal", "bernoulli")])
def test_the_working_parabola_is_positive_and_finite(name):
    family, parameters, _ = LAWS[name]
    precision, pull = numerics(family).working(NUMPY, values_of(name), ETA, parameters)
    # A zero behind a hurdle says nothing of the predictor.
    assert (precision > 0).all() or "hurdle" in name
    assert (precision >= 0).all()
    assert np.isfinite(pull).all()


@pytest.mark.parametrize("family", [Linear(), Constant(3.0)])
def test_a_node_without_noise_is_its_predictor(family):
    found = numerics(family)
    assert found.mean(NUMPY, ETA, {}).tolist() == ETA.tolist()
    assert found.draw(np.array([[0.1], [0.9]]), ETA, {}).tolist() == [ETA.tolist()] * 2
    assert found.cdf(np.array([[0.0], [3.0]]), ETA, {}).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert found.link(ETA).tolist() == ETA.tolist()
    with pytest.raises(AssertionError, match="a noise-free node has no density"):
        found.log_density(NUMPY, ETA, ETA, {})
    with pytest.raises(AssertionError, match="a noise-free node has no density"):
        found.working(NUMPY, ETA, ETA, {})
