"""Easier coordinates of cells: a bijection with its Jacobian, so that the law of what the sampler moves stays."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from latentdo.inference.likelihood.attenuation import Eased, attenuated, easier, usual
from latentdo.inference.likelihood.lattice import lattice_form
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.runtime import JAX
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
    assert (numbers.loadings > 0).any() and numbers.weights.any()
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


MIXED = "latent U ~ normal; A ~ bernoulli(U); B ~ bernoulli(U, A); C ~ normal(U, B)"


@pytest.mark.parametrize(("text", "eases"), [(MIXED, True), (MIXED.replace("bernoulli", "normal"), False)])
def test_of_mixed_columns_only_what_belongs_to_the_binary_ones_is_drawn_in(text, eases):
    random = np.random.default_rng(2)
    rows = {node: random.integers(0, 2, 60).astype(float) for node in "AB"} | {"C": random.standard_normal(60)}
    task = task_of(text, rows, "A")
    whole = RowLikelihood(task, task.rows, np.ones(60))
    form, numbers = whole.halves
    eased = Eased.of(form, numbers, form.inner, numbers.inner, task.layout.n_free)
    assert (eased.own is not None) == eases
    u = 2.0 * random.standard_normal((5, task.layout.n_free))
    x = eased.easier(u)
    back, log_jacobian = eased.usual(x)
    assert back == pytest.approx(u, abs=1e-9)
    moved = [name for name, same in zip(range(u.shape[1]), np.isclose(x, u).all(axis=0), strict=True) if not same]
    # Intercept and weight of A; those of B, with that of A on it; nothing of C.
    assert moved == (list(range(5)) if eases else [])
    none = np.empty((0, 1))
    for k in range(5):
        ours = eased.form.log_parts(NUMPY, eased.numbers, x[k], none)
        plain = form.log_parts(NUMPY, numbers, u[k], none)
        assert ours[0] == pytest.approx(plain[0] + log_jacobian[k]) and ours[1] == pytest.approx(plain[1])
