"""Triangular loadings: the prior on what the data see is that of iid normal loadings, and kept draws have the user's prior."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import coordinates_on
from latentdo.inference.blocks.rotation import Rotation, rotations, triangular
from latentdo.inference.blocks.unfolding import unfolded
from latentdo.models import ModelSpec
from latentdo.tables import Dataset
from small_blocks import random_rows


def groups_of(text: str) -> list[tuple[Rotation, ...]]:
    spec = ModelSpec.parse(text)
    data = random_rows(spec, 30)
    coordinates = unfolded(spec, coordinates_on(spec, data))
    return [rotations(spec, block, coordinates, data) for block in blocks_of(spec)]


@pytest.mark.parametrize(
    ("text", "latents"),
    [
        ("latent U, V ~ normal; X ~ normal(U, V); Y ~ bernoulli(U, V, X)", {("U", "V")}),
        ("latent U, V ~ normal; X ~ normal(+U, V); Y ~ normal(U, V)", set()),
        ("latent U, V ~ normal; X ~ normal(U, V); Y ~ normal(U)", set()),
        ("latent U ~ normal; latent V ~ normal(sd=2); X ~ normal(U, V); Y ~ normal(U, V)", set()),
        ("latent U, V ~ normal; X ~ normal(U, V, weight=normal(1, 1)); Y ~ normal(U, V)", set()),
        ("latent U, V ~ normal; X ~ normal(U, V, weight=student(4, 0, 1)); Y ~ normal(U, V)", set()),
        ("latent U, V ~ normal; X ~ normal(U, V, Z, U:Z); Y ~ normal(U, V); Z ~ normal", set()),
        # Loadings in several predictors of one child are turned together, or not at all.
        ("latent U, V ~ normal; X ~ normal(U, V); Y ~ categorical(U, V, levels=[0, 1, 2])", set()),
        ("latent U, V ~ normal; X ~ normal(U, V); Y ~ normal(U, V, sd=loglinear(U, V))", set()),
    ],
)
def test_only_exchangeable_latents_are_rotated(text, latents):
    assert {group.latents for found in groups_of(text) for group in found} == latents


def test_loadings_that_are_turned_back_are_iid_normal():
    """T with its prior, turned by a random rotation, is a matrix of independent normal numbers."""
    text = "latent U, V, W ~ normal; X, Y, Z, A ~ normal(U, V, W, weight=normal(0, 2))"
    spec = ModelSpec.parse(text)
    data = random_rows(spec, 30)
    coordinates = coordinates_on(spec, data)
    (block,) = blocks_of(spec)
    (group,) = rotations(spec, block, coordinates, data)
    changed = triangular(coordinates, (group,))
    random = np.random.default_rng(0)
    n = 20_000
    draws = {}
    for child, index in group.loadings:
        values = np.zeros((1, n, 4))
        for k in index:
            coordinate = changed[child].coefficients[k]
            if coordinate.prior is None:
                assert coordinate.fixed == 0.0
                continue
            law = {
                "normal": lambda a: scipy.stats.norm(*a),
                "chi": lambda a: scipy.stats.chi(a[0], scale=a[1]),
                "halfnormal": lambda a: scipy.stats.halfnorm(scale=a[0]),
            }[coordinate.prior.family](coordinate.prior.args)
            values[..., k] = law.rvs((1, n), random_state=random)
        draws[child] = values
    turned = group.turned(draws, random)
    loadings = np.array([turned[child][0][:, list(index)].T for child, index in group.loadings]).reshape(12, n)
    for row in loadings:
        assert scipy.stats.kstest(row, scipy.stats.norm(0, 2).cdf).pvalue > 1e-4
    assert np.abs(np.corrcoef(loadings) - np.eye(12)).max() < 0.04
    assert np.abs(np.corrcoef(loadings**2) - np.eye(12)).max() < 0.04
    before = np.einsum("rk,sk->rs", *[[draws[c][0, 7, list(i)] for c, i in group.loadings]] * 2)
    after = np.einsum("rk,sk->rs", *[[turned[c][0, 7, list(i)] for c, i in group.loadings]] * 2)
    assert after == pytest.approx(before)


def test_the_strongest_children_are_pivots():
    random = np.random.default_rng(1)
    u, v = random.standard_normal((2, 400))
    rows = {
        "A": random.standard_normal(400),
        "B": 3 * u + random.standard_normal(400),
        "C": u + 3 * v + random.standard_normal(400),
        "D": 0.1 * u + random.standard_normal(400),
        "E": 3 * v + 2 * u + random.standard_normal(400),
    }
    spec = ModelSpec.parse("latent U, V ~ normal; A, B, C, D, E ~ normal(U, V)")
    data = Dataset.of(rows)
    (block,) = blocks_of(spec)
    (group,) = rotations(spec, block, coordinates_on(spec, data), data)
    assert {child for child, _ in group.loadings[:2]} <= {"B", "C", "E"}
