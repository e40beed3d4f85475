"""The generic block program against the general form of the same block, which is tested against plain transcriptions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.program import Program
from latentdo.inference.likelihood.writing import program_of
from latentdo.inference.runtime import float64
from latentdo.models import Linear, ModelSpec
from latentdo.models.build import NUMPY
from small_blocks import SmallBlock, small_blocks
from strategies import specs

MODELS = [
    "latent U ~ normal; X ~ hill(+U); Y ~ hill(+U, -X, max=50)",
    "latent U, V ~ normal; W ~ gamma(U, V); X ~ bernoulli(W, U); Y ~ normal(X, V, X:V)",
    "latent U ~ normal(mean=normal(3, 1), sd=normal(2, 1)); X ~ normal(U, sd=2); Y ~ gamma(U, X)",
    "latent U ~ normal; latent V ~ normal(U, X); X ~ normal; Y ~ normal(V, X, X:V); Z ~ bernoulli(V, U)",
    "latent U ~ normal; X ~ normal(U, weight=normal(0, 3), intercept=student(4, 0, 2), sd=gamma(2, 1)); "
    "Y ~ hill(U, X, weight=cauchy(0, 2, low=-3, high=4), sd=lognormal(0, 1))",
    "latent U ~ normal; X ~ student(U, df=4); Y ~ student(U, X, X:U); Z ~ hill(U, Y); W ~ gamma(U); V ~ student(Y)",
    "latent U ~ normal; X ~ normal(U, sd=halfnormal(2)); Y ~ normal(U, X, weight=uniform(-4, 4), sd=exponential(1))",
    "latent U ~ normal; X ~ normal(U); V ~ gamma; Y ~ hill(s(X), U, log(V), s(X):U, wiggle=uniform(0.1, 2))",
    "latent U ~ normal; X ~ bernoulli(U, +s(V), wiggle=0.3); V ~ gamma; Y ~ gamma(X, U, -s(V, k=4))",
]


def assert_the_same_up_to_a_constant(block: SmallBlock, seed: int) -> None:
    found = program_of(block.layout, block.numbers)
    assert not isinstance(found, str)
    form, numbers = found
    random = np.random.default_rng(seed)
    general, generic = [], []
    for _ in range(4):
        u = block.point(random)
        z = random.standard_normal((block.layout.n_noise, block.rows.n_stored))
        general.append(float(log_posterior(NUMPY, block.layout, block.numbers, u, z)))
        generic.append(float(log_posterior(NUMPY, form, numbers, u, z)))
    assert np.diff(generic) == pytest.approx(np.diff(general), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("text", MODELS)
def test_it_is_the_general_form(text):
    for block in small_blocks(text).values():
        assert_the_same_up_to_a_constant(block, 1)


@settings(max_examples=60, deadline=None)
@given(spec=specs(4, tame=True), seed=st.integers(0, 99))
def test_it_is_the_general_form_of_any_block_it_covers(spec, seed):
    if not spec.measured:
        return
    for block in small_blocks(spec).values():
        if any(isinstance(spec[node].family, Linear) for node in block.block.nodes):
            continue
        if not isinstance(program_of(block.layout, block.numbers), str):
            assert_the_same_up_to_a_constant(block, seed)


def test_gradients_are_finite_and_jax_agrees():
    for text in MODELS[:8]:
        for block in small_blocks(text).values():
            found = program_of(block.layout, block.numbers)
            assert not isinstance(found, str)
            form, numbers = found
            random = np.random.default_rng(2)
            u = block.point(random)
            z = random.standard_normal((block.layout.n_noise, block.rows.n_stored))
            with float64():
                from latentdo.inference.samplers.ensemble import JAX

                # Compiled as a whole: operation by operation it takes twice as long.
                value, slopes = jax.jit(
                    jax.value_and_grad(
                        lambda u, z, form=form, numbers=numbers: log_posterior(JAX, form, numbers, u, z), argnums=(0, 1)
                    )
                )(jnp.asarray(u), jnp.asarray(z))
            assert float(value) == pytest.approx(float(log_posterior(NUMPY, form, numbers, u, z)), rel=1e-9)
            assert all(np.isfinite(slope).all() for slope in slopes)


def test_blocks_of_one_shape_have_one_program():
    hill = "latent U ~ normal; X ~ hill(+U); Y ~ hill(+U, -X, max=50)"
    other = "latent U ~ normal; X ~ normal(U, sd=normal(0, 2)); Y ~ hill(-U, X)"
    forms = []
    for text in (hill, other):
        (block,) = small_blocks(text).values()
        found = program_of(block.layout, block.numbers)
        assert not isinstance(found, str)
        forms.append(found[0])
    assert forms[0] == forms[1] and isinstance(forms[0], Program)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("latent U, V ~ normal; X ~ normal(U, V, U:V); Y ~ normal(U, V)", "multiplied"),
        ("latent U ~ linear(X); X ~ normal; Y ~ normal(U)", "linear"),
    ],
)
def test_what_it_does_not_cover_is_said(text, why):
    reasons = [program_of(block.layout, block.numbers) for block in small_blocks(ModelSpec.parse(text)).values()]
    assert any(isinstance(reason, str) and why in reason for reason in reasons)
