"""Easier coordinates of cells: a bijection with its Jacobian, so that the law of what the sampler moves stays."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.special import expit as sigmoid

from latentdo.inference.likelihood.attenuation import Eased, attenuated, easier, usual
from latentdo.inference.likelihood.lattice import lattice_form
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.runtime import JAX
from latentdo.inference.samplers.outcome import node_draws
from latentdo.models.build import NUMPY
from tasks import task_of

ROTATED = "latent U, V ~ normal; A ~ bernoulli(U, V); B ~ bernoulli(U, V, A); C ~ bernoulli(U, V); D ~ bernoulli(U, V)"
ONE = "latent U ~ normal; A ~ bernoulli(U); B ~ bernoulli(U, A); C ~ bernoulli(U, B, U:B)"


@pytest.mark.parametrize("text", [ROTATED, ONE])
def test_they_go_there_and_back_and_their_density_is_that_of_the_block(text):
    random = np.random.default_rng(1)
    rows = {node: random.integers(0, 2, 300).astype(float) for node in "ABCD" if f"{node} ~" in text}
    task = task_of(text, rows, "A")
    found = lattice_form(task)
    assert not isinstance(found, str), found
    form, numbers = attenuated(*found, found[0].program, found[1].program, task.layout.n_free)
    assert (numbers.loadings > 0).any() and numbers.powers.any()
    u = 2.0 * random.standard_normal((5, task.layout.n_free))
    x = easier(numbers, u)
    back, log_jacobian = usual(NUMPY, numbers, x)
    assert back == pytest.approx(u, abs=1e-9)
    with jax.enable_x64(True):
        slopes = [np.asarray(jax.jacobian(lambda at: usual(JAX, numbers, at)[0])(point)) for point in x]
    assert log_jacobian == pytest.approx([np.linalg.slogdet(slope)[1] for slope in slopes], abs=1e-9)
    none = np.empty((0, 1))
    ours, plain = form.log_parts(NUMPY, numbers, x[0], none), found[0].log_parts(NUMPY, found[1], u[0], none)
    assert ours[0] == pytest.approx(plain[0] + log_jacobian[0]) and ours[1] == pytest.approx(plain[1])


NORMAL = "latent U ~ normal; A ~ bernoulli(U); B ~ gamma(U); C ~ normal(U, B); D ~ student(U)"
PARENTS = "latent U, V ~ normal; A ~ bernoulli(U); B ~ normal(A, U, V); C ~ normal(U, A, B); D ~ bernoulli(A, B, V)"
STILL = "latent U ~ normal; A ~ normal(U, sd=1); B ~ normal(A, U, sd=1)"


@pytest.mark.parametrize(("text", "moved"), [(NORMAL, 8), (PARENTS, 14), (STILL, 0)])
def test_of_other_columns_they_are_what_data_see(text, moved):
    random = np.random.default_rng(2)
    rows = {node: random.gamma(2.0, size=60) for node in "ABCD" if f"{node} ~" in text}
    rows |= {node: random.integers(0, 2, 60).astype(float) for node in "AD" if f"{node} ~ bernoulli" in text}
    task = task_of(text, rows, "A")
    form, numbers = RowLikelihood(task, task.rows, np.ones(60)).halves
    eased = Eased.of(form, numbers, form.inner, numbers.inner, task.layout.n_free)
    assert (eased.own is not None) == bool(moved)
    u = 1.5 * random.standard_normal((5, task.layout.n_free))
    x = eased.easier(u)
    back, log_jacobian = eased.usual(x)
    assert back == pytest.approx(u, abs=1e-9)
    assert (~np.isclose(x, u).all(axis=0)).sum() == moved
    if eased.own is not None:
        with jax.enable_x64(True):
            slopes = [np.asarray(jax.jacobian(lambda at: usual(JAX, eased.own, at)[0])(point)) for point in x]
        assert log_jacobian == pytest.approx([np.linalg.slogdet(slope)[1] for slope in slopes], abs=1e-9)
    none = np.empty((0, 1))
    for k in range(5):
        ours = eased.form.log_parts(NUMPY, eased.numbers, x[k], none)
        plain = form.log_parts(NUMPY, numbers, u[k], none)
        assert ours[0] == pytest.approx(plain[0] + log_jacobian[k]) and ours[1] == pytest.approx(plain[1])


def _seen(task, u):
    """The effect of X on Y, and of what data see: means of Y by X, and its mean variance given X, by quadrature."""
    at = dict(node_draws(task, u[:, None]))
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    (a, w), (_, effect, c) = (at[node].coefficients[:, 0].T for node in "XY")
    chances = sigmoid(a[:, None] + w[:, None] * points)
    shares = [chances * weights, (1.0 - chances) * weights]
    means = np.array([(share @ points) / share.sum(axis=1) for share in shares])
    squares = np.array([(share @ points**2) / share.sum(axis=1) for share in shares])
    spread = c**2 * (squares - means**2).mean(axis=0) + dict(at["Y"].parameters)["sd"][:, 0] ** 2
    return effect, effect + c * (means[0] - means[1]), np.sqrt(spread)


def test_the_effect_of_a_parent_is_moved_with_what_it_tells_of_their_hidden_cause():
    random = np.random.default_rng(3)
    x = np.tile([0.0, 1.0], 200)
    task = task_of(
        "latent U ~ normal; X ~ bernoulli(U); Y ~ normal(X, U)", {"X": x, "Y": random.standard_normal(400)}, "X"
    )
    form, numbers = RowLikelihood(task, task.rows, np.ones(400)).halves
    eased = Eased.of(form, numbers, form.inner, numbers.inner, task.layout.n_free)
    assert eased.own is not None
    moved = np.zeros((5, task.layout.n_free))
    (of_x, of_y) = np.flatnonzero(eased.own.loadings.any(axis=(0, 1)))
    size = np.abs(eased.own.loadings).sum(axis=(0, 1)) * np.where(
        np.arange(moved.shape[1]) == of_x, eased.own.units[1], 1.0
    )
    moved[:, of_x] = np.array([0.6, 0.3, 0.9, 1.2, 0.6]) / size[of_x]
    moved[:, of_y] = np.array([0.5, 0.5, 0.5, 0.5, -0.8]) / size[of_y]
    widths = eased.own.widths.sum(axis=0)
    moved[:, np.flatnonzero(widths)] = 1.0 / widths[widths > 0]
    effect, difference, spread = _seen(task, eased.usual(moved)[0])
    assert np.ptp(effect) > 1.0
    assert np.ptp(difference) < 0.1
    assert np.ptp(np.log(spread)) < 0.05
