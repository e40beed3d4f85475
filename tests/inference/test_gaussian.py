"""Linear-Gaussian blocks with their latents integrated out, against SciPy's multivariate normal and integration over noise."""

from __future__ import annotations

import threading

import jax
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.gaussian import gaussian_form
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers.ensemble import JAX
from latentdo.models import ModelSpec
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset
from small_blocks import SmallBlock, only_block, product_of, random_rows

NOWHERE = np.empty((0, 1))

MODELS = [
    "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)",
    "latent U, V ~ normal; W ~ normal(U, V); X ~ normal(U, V); Y ~ normal(U, V); Z ~ normal(V)",
    "latent U ~ normal(mean=normal(1, 2), sd=halfnormal(2)); X ~ normal(+U); Y ~ normal(-U, X)",
    "latent U ~ normal(mean=3, sd=0.5); X ~ normal(U, intercept=normal(0, 1)); Y ~ normal(U, weight=normal(0, 1))",
    "latent U ~ normal; latent V ~ normal(U, W, sd=gamma(2, 2)); W ~ normal; X ~ normal(V, W); Y ~ normal(U, V)",
    "latent U ~ normal; latent V ~ normal(U, -X); X ~ normal(U); Y ~ normal(X, V, sd=0.7); Z ~ normal(Y, U)",
    "latent U ~ normal; A ~ normal; B ~ normal; X ~ normal(U, A, B, A:B); Y ~ normal(U, A:X, weight=student(4, 0, 2))",
    "Y ~ normal(X, weight=2); X ~ normal(W); W ~ normal; X <-> Y; W <-> Y [latents=2]",
    "latent U ~ normal; X ~ normal(U); V ~ normal; Y ~ normal(X, X^2, X^3, V, X^2:V, U)",
    "latent U ~ normal; W ~ gamma; X ~ normal(log(W), U); Y ~ normal(X^2, -log(W), U, X)",
    "latent U ~ normal; V ~ normal; X ~ normal(s(V), U); Y ~ normal(s(X, k=5), V, s(X, k=5):V, U)",
    "latent U ~ normal; X ~ normal(U); V ~ normal; Y ~ normal(+s(X), -s(V, k=4), U, wiggle=halfnormal(0.3))",
    "latent U ~ normal; X ~ normal(U); Y ~ normal(s(X, k=6), U, wiggle=0.3, intercept=normal(0, 1))",
]


def task_of(block: SmallBlock, data: Dataset | None = None) -> Task:
    rows = block.data if data is None else data
    return Task(
        block.spec, block.block, block.coordinates, rows, 0, (16, 250), lambda name, share: None, threading.Event()
    )


def in_closed_form(block: SmallBlock, u: np.ndarray, data: Dataset | None = None) -> float:
    found = gaussian_form(task_of(block, data))
    assert not isinstance(found, str), found
    return float(log_posterior(NUMPY, *found, u, NOWHERE))


def law_of_row(block: SmallBlock, u: np.ndarray, row: int) -> float:
    """The log density of one row's measured nodes given its inputs: moments from the raw equations, law from SciPy."""
    numbers, order = block.unpacked(u), block.block.nodes
    n = len(order)
    values: dict[str, np.ndarray | float] = {name: block.rows.column(name)[row] for name in block.rows.names}
    # Each node as a linear function of all noises; measured ones enter products by their values.
    noise, means, sds = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    exact: dict[str, tuple[float, np.ndarray]] = {}
    for k, node in enumerate(order):
        at = numbers[node]
        raw = np.asarray(at.raw)
        mean, loading = float(raw[0]), np.zeros(n)
        for weight, coefficient in zip(block.spec[node].weights, raw[1:], strict=True):
            if weight.parents[0] in block.block.latent:
                mean += coefficient * exact[weight.parents[0]][0]
                loading = loading + coefficient * exact[weight.parents[0]][1]
            else:
                mean += coefficient * product_of(weight, values)
        sds[k] = float(at.parameters["sd"])
        means[k] = mean
        noise[k] = loading
        noise[k, k] += sds[k]
        if node in block.block.latent:
            exact[node] = (mean, noise[k])
    chosen = [k for k, node in enumerate(order) if node not in block.block.latent]
    # Given the measured values, each equation's residual is normal, and the Jacobian of the residuals is one.
    residual = np.array([float(values[order[k]]) - means[k] for k in chosen])
    covariance = noise[chosen] @ noise[chosen].T
    return float(scipy.stats.multivariate_normal(np.zeros(len(chosen)), covariance).logpdf(residual))


@pytest.mark.parametrize("text", MODELS)
def test_the_density_is_that_of_the_multivariate_normal(text):
    block = only_block(text, "Y")
    random = np.random.default_rng(1)
    points = [block.point(random) for _ in range(3)]
    found = [in_closed_form(block, u) for u in points]
    expected = [block.log_prior(u) + sum(law_of_row(block, u, i) for i in range(block.rows.n_rows)) for u in points]
    assert np.diff(found) == pytest.approx(np.diff(expected), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("text", MODELS[:1] + MODELS[2:4])
def test_the_density_is_the_general_one_with_the_noise_integrated_out(text):
    """Gauss-Hermite, row by row; the general form needs no closed form to be integrated."""
    block = only_block(text, "Y")
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    random = np.random.default_rng(2)

    def integrated(u: np.ndarray) -> float:
        parts = [
            block.layout.log_parts(NUMPY, block.numbers, u, np.full((1, block.rows.n_stored), node)) for node in nodes
        ]
        rows = np.array([row + 0.5 * node**2 for (_, row), node in zip(parts, nodes, strict=True)])
        return float(parts[0][0]) + float(scipy.special.logsumexp(rows, axis=0, b=weights[:, None]).sum())

    points = [block.point(random) for _ in range(3)]
    found = [in_closed_form(block, u) for u in points]
    assert np.diff(found) == pytest.approx(np.diff([integrated(u) for u in points]), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("text", MODELS)
def test_jax_and_numpy_agree_and_points_may_come_many_at_once(text):
    block = only_block(text, "Y")
    found = gaussian_form(task_of(block))
    assert not isinstance(found, str)
    form, numbers = found
    random = np.random.default_rng(3)
    points = np.array([block.point(random) for _ in range(4)])
    log_prior, rows = form.log_parts(NUMPY, numbers, points, NOWHERE)
    together = log_prior + rows.sum(axis=-1)
    assert together == pytest.approx([in_closed_form(block, u) for u in points], rel=1e-10)
    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(lambda u: log_posterior(JAX, form, numbers, u, NOWHERE)))(
            points[0]
        )
    steps = 1e-5 * np.eye(len(points[0]))
    slopes = [(in_closed_form(block, points[0] + e) - in_closed_form(block, points[0] - e)) / 2e-5 for e in steps]
    assert float(value) == pytest.approx(together[0], rel=1e-10)
    assert np.asarray(gradient) == pytest.approx(slopes, rel=1e-4, abs=1e-4)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99))
def test_counted_rows_are_rows_repeated(seed):
    """And the coordinates keep their meaning for other rows than those that they were made for."""
    data = random_rows(ModelSpec.parse(MODELS[0]), seed=seed)
    counts = np.random.default_rng(seed).integers(0, 4, data.n_stored).astype(float)
    counted = Dataset(data.columns, counts)
    block = only_block(MODELS[0], "Y", data, counted.expanded(data.names))
    points = [block.point(np.random.default_rng([seed, k])) for k in range(2)]
    no_noise = np.zeros((1, block.rows.n_stored))
    general = [float(log_posterior(NUMPY, block.layout, block.numbers, u, no_noise)) for u in points]
    assert np.diff([in_closed_form(block, u, counted) for u in points]) == pytest.approx(np.diff(general), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("latent U ~ normal; X ~ bernoulli(U); Y ~ normal(U, X)", "X is bernoulli"),
        ("latent U ~ normal; X ~ normal; Y ~ normal(U, X, U:X)", "Y has an interaction with a latent"),
        ("latent U, V ~ normal; X ~ normal(U); Y ~ normal(U, V, U:V)", "Y has an interaction with a latent"),
        ("X ~ normal; Y ~ normal(X)", "no node is latent"),
    ],
)
def test_what_cannot_be_integrated_out_says_why(text, reason):
    assert gaussian_form(task_of(only_block(text, "Y"))) == reason


def test_a_point_where_loadings_drown_the_noise_has_no_density_instead_of_an_error() -> None:
    block = only_block("latent U ~ normal; X ~ normal(U); Y ~ normal(U)", "Y")
    found = gaussian_form(task_of(block))
    assert not isinstance(found, str), found
    form, numbers = found
    u = np.zeros((2, block.layout.n_free))
    # The noise has a floor, so that loadings are a billion times it.
    u[1] = -1e8
    with np.errstate(all="ignore"):
        _, rows = form.log_parts(NUMPY, numbers, u, NOWHERE)
    assert np.isfinite(rows[0]).all()
    assert not np.isfinite(rows[1]).any()
