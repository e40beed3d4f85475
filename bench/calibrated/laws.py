"""What a node is given its parents, written without latentdo: quantiles and log densities, and draws of typed priors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import special, stats

Array = np.ndarray
Own = Mapping[str, Array]
"""A family's own parameters (`sd`, `shape`), each (draw, 1)."""


class Law(NamedTuple):
    """A family: its quantiles and its log density, of uniforms or values, a predictor, and own parameters.

    The predictor is (draw, unit); of families with levels it is the log probability of each, (level, draw, unit).
    """

    quantile: Callable[[Array, Array, Own], Array]
    log_density: Callable[[Array, Array, Own], Array]


def prior_draw(prior: tuple[str, ...], random: np.random.Generator) -> float:
    """One value of a prior as typed, `("gamma", "4", "0.5", "low=2")`."""
    family, *numbers = prior
    a = [float(number) for number in numbers if "=" not in number]
    low = next((float(number.partition("=")[2]) for number in numbers if number.startswith("low=")), -math.inf)
    while True:
        match family:
            case "normal":
                value = random.normal(a[0], a[1])
            case "gamma":
                value = random.gamma(a[0]) / a[1]
            case "beta":
                value = random.beta(a[0], a[1])
            case _:
                raise AssertionError(family)
        if value >= low:
            return value


def expit(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _normal(y: Array, mean: Array, sd: Array) -> Array:
    return -0.5 * ((y - mean) / sd) ** 2 - np.log(sd) - 0.5 * math.log(2 * math.pi)


def _gamma(y: Array, eta: Array, own: Own) -> Array:
    shape = own["shape"]
    scaled = np.log(shape) - eta + np.log(y)
    return shape * scaled - np.exp(scaled) - np.log(y) - special.gammaln(shape)


def _student(y: Array, eta: Array, own: Own) -> Array:
    df, scale = own["df"], own["scale"]
    constant = special.gammaln(0.5 * (df + 1)) - special.gammaln(0.5 * df) - 0.5 * np.log(math.pi * df) - np.log(scale)
    return constant - 0.5 * (df + 1) * np.log1p(((y - eta) / scale) ** 2 / df)


def _counts(law: Callable[[Array, Own], Any]) -> Law:
    """Of a law of counts; with `zi` among the parameters that is the probability of an extra zero."""

    def quantile(uniform: Array, eta: Array, own: Own) -> Array:
        share = own.get("zi", np.zeros((1, 1)))
        return np.maximum(law(eta, own).ppf(np.maximum(uniform - share, 0.0) / (1.0 - share)), 0.0)

    def log_density(y: Array, eta: Array, own: Own) -> Array:
        share = own.get("zi", np.zeros((1, 1)))
        with np.errstate(divide="ignore"):  # no extra zeros, or a count that is none
            extra = np.log(share * (y == 0))
        return np.logaddexp(extra, np.log1p(-share) + law(eta, own).logpmf(y))

    return Law(quantile, log_density)


def _negbin(eta: Array, own: Own) -> Any:
    return stats.nbinom(own["shape"], own["shape"] / (own["shape"] + np.exp(eta)))


def _beta(eta: Array, own: Own) -> tuple[Array, Array]:
    return own["shape"] * expit(eta), own["shape"] * expit(-eta)


def _ordinal(eta: Array, own: Own) -> Array:
    """The log probabilities of three levels, (level, draw, unit)."""
    first, second = expit(-eta), expit(own["gap2"] - eta)
    return np.log(np.maximum(np.stack([first, second - first, 1.0 - second]), 1e-300))


def _level_at(uniform: Array, logs: Array) -> Array:
    """Levels are 0, 1, 2, …: as many as there are cumulative probabilities below the uniform."""
    return (uniform > np.exp(logs).cumsum(axis=0)[:-1]).sum(axis=0).astype(float)


def _log_of_level(y: Array, logs: Array) -> Array:
    return sum(np.where(y == k, logs[k], 0.0) for k in range(len(logs)))


LEVELLED = Law(lambda q, logs, own: _level_at(q, logs), lambda y, logs, own: _log_of_level(y, logs))
LAWS: Mapping[str, Law] = {
    "normal": Law(
        lambda q, eta, own: eta + own["sd"] * special.ndtri(q), lambda y, eta, own: _normal(y, eta, own["sd"])
    ),
    "hill": Law(
        lambda q, eta, own: 100 * expit(eta) + own["sd"] * special.ndtri(q),
        lambda y, eta, own: _normal(y, 100 * expit(eta), own["sd"]),
    ),
    "bernoulli": Law(
        lambda q, eta, own: (q > expit(-eta)).astype(float),
        lambda y, eta, own: np.where(y > 0.5, -np.logaddexp(0, -eta), -np.logaddexp(0, eta)),
    ),
    "gamma": Law(
        lambda q, eta, own: special.gammaincinv(own["shape"], q) / own["shape"] * np.exp(eta),
        _gamma,
    ),
    "student": Law(lambda q, eta, own: eta + own["scale"] * special.stdtrit(own["df"], q), _student),
    "categorical": LEVELLED,
    "ordinal": Law(
        lambda q, eta, own: _level_at(q, _ordinal(eta, own)), lambda y, eta, own: _log_of_level(y, _ordinal(eta, own))
    ),
    "lognormal": Law(
        lambda q, eta, own: np.exp(eta + own["sd"] * special.ndtri(q)),
        lambda y, eta, own: _normal(np.log(y), eta, own["sd"]) - np.log(y),
    ),
    "beta": Law(
        lambda q, eta, own: np.clip(special.betaincinv(*_beta(eta, own), q), 1e-12, 1.0 - 1e-12),
        lambda y, eta, own: stats.beta(*_beta(eta, own)).logpdf(y),
    ),
    "poisson": _counts(lambda eta, own: stats.poisson(np.exp(eta))),
    "negbin": _counts(_negbin),
    "table": LEVELLED,
}
