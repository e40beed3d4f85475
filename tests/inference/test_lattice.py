"""Cells of binary columns with their latents integrated on a lattice, against Gauss-Hermite quadrature row by row."""

from __future__ import annotations

import threading

import jax
import numpy as np
import pytest
import scipy.special

import latentdo as ld
from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import coordinates_on
from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.lattice import Cells, lattice_form, spacings
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers.ensemble import JAX
from latentdo.inference.samplers.modes import climb
from latentdo.inference.samplers.ridges import Target, scored
from latentdo.models import ModelSpec
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

NOWHERE = np.empty((0, 1))
ONE = "latent U ~ normal; A ~ bernoulli(U); B ~ bernoulli(U, A); C ~ bernoulli(U, B, U:B); D ~ bernoulli(U, A)"
WIDE = "latent U, V ~ normal; A, B, C, D ~ bernoulli(U, V); E ~ bernoulli(U, A); F ~ bernoulli(V, B); G, H ~ bernoulli(U, V)"
"""With more pairs of patterns than rows."""
DEEP = "latent U ~ normal; latent V ~ normal(U, sd=0.7); A ~ bernoulli(U); B ~ bernoulli(V, A); C ~ bernoulli(U, V)"


def binary(text: str, n: int = 60, seed: int = 2) -> tuple[ModelSpec, Dataset]:
    spec = ModelSpec.parse(text)
    random = np.random.default_rng(seed)
    return spec, Dataset.of({node: random.integers(0, 2, n) for node in spec.measured})


def task_of(text: str, data: Dataset | None = None) -> Task:
    spec, rows = binary(text)
    rows = rows if data is None else data
    (block,) = (block for block in blocks_of(spec) if block.latent)
    return Task(
        spec, block, coordinates_on(spec, rows), rows, 0, (16, 250), lambda name, share: None, threading.Event()
    )


def integrated(task: Task, u: np.ndarray, n_points: int = 21) -> float:
    """The general form, its noise integrated by a product rule in every row."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_points)
    n = task.layout.n_noise
    grid = np.stack(np.meshgrid(*[nodes] * n, indexing="ij"), axis=-1).reshape(-1, n)
    chances = np.prod(np.stack(np.meshgrid(*[weights] * n, indexing="ij"), axis=-1).reshape(-1, n), axis=1)
    rows, prior = [], 0.0
    for node in grid:
        noise = np.repeat(node[:, None], task.rows.n_stored, axis=1)
        log_prior, each = task.layout.log_parts(NUMPY, task.numbers, u, noise)
        prior = float(log_prior)
        rows.append(each + task.numbers.weights * 0.5 * (node**2).sum())
    counted = task.numbers.weights > 0
    return prior + float(scipy.special.logsumexp(np.array(rows), axis=0, b=chances[:, None])[counted].sum())


@pytest.mark.parametrize("text", [ONE, DEEP, WIDE])
def test_it_is_the_general_form_with_the_noise_integrated_out(text):
    task = task_of(text)
    found = lattice_form(task, 0.5)
    assert not isinstance(found, str), found
    form, numbers = found
    assert numbers.counts.sum() == 60 and form.full == (text != WIDE)
    random = np.random.default_rng(1)
    points = 0.7 * random.standard_normal((3, task.layout.n_free))
    ours = [float(log_posterior(NUMPY, form, numbers, u, NOWHERE)) for u in points]
    assert np.diff(ours) == pytest.approx(np.diff([integrated(task, u) for u in points]), abs=5e-3)
    with jax.enable_x64(True):
        value, gradient = jax.jit(jax.value_and_grad(lambda u: log_posterior(JAX, form, numbers, u, NOWHERE)))(
            points[0]
        )
    assert float(value) == pytest.approx(ours[0], rel=1e-10)
    steps = 1e-5 * np.eye(len(points[0]))
    up, down = (
        [float(log_posterior(NUMPY, form, numbers, points[0] + side * step, NOWHERE)) for step in steps]
        for side in (1.0, -1.0)
    )
    assert np.asarray(gradient) == pytest.approx((np.array(up) - down) / 2e-5, abs=1e-5)


def test_squares_of_features_are_shares_of_rows():
    """Twice the roots of all cells' probabilities, each times the share of rows with the cell's inputs."""
    spec, _ = binary("latent U ~ normal; A ~ bernoulli(U); M ~ bernoulli(A); Y ~ bernoulli(M, U)")
    random = np.random.default_rng(4)
    task = task_of(str(spec), Dataset.of({node: random.integers(0, 2, 200) for node in spec.measured}))
    assert task.block.inputs == ("M",)
    found = lattice_form(task)
    assert not isinstance(found, str), found
    with jax.enable_x64(True):
        cells = Cells(*found)
        u = 0.5 * random.standard_normal((3, task.layout.n_free))
        squares = cells.features(u) ** 2 / 4.0
        log_prior, logs = cells.logs(u)
        density = cells.density(u)
    assert squares.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
    assert np.sum(squares > 0, axis=1).tolist() == [8, 8, 8]
    assert density == pytest.approx(log_prior + logs @ found[1].counts)


def test_scoring_leads_to_the_mode_of_cells():
    random = np.random.default_rng(5)
    u = random.normal(size=2_000)
    chances = {
        name: scipy.special.expit(weight * u) for name, weight in zip("ABCD", (1.0, 1.5, -1.2, 0.8), strict=True)
    }
    rows = {name: 1.0 * (random.uniform(size=2_000) < chance) for name, chance in chances.items()}
    task = task_of("latent U ~ normal; A ~ bernoulli(+U); B, C, D ~ bernoulli(U)", Dataset.of(rows))
    found = lattice_form(task)
    assert not isinstance(found, str), found
    with jax.enable_x64(True):
        cells = Cells(*found)
        program = found[0].program
        target = Target(
            cells.density,
            lambda at: np.asarray(program.placed(NUMPY, found[1].program, at)[0]),
            cells.features,
            2_000.0,
        )
        start = np.full(task.layout.n_free, 0.5)
        mode = scored(target, start, np.eye(len(start)), 60)
        best = climb(cells.density, start)
    assert mode is not None and best is not None
    assert mode.height == pytest.approx(best.height, abs=0.02)
    # As wide as the curvature says, which is the expected one but for chance.
    covariance, expected = (each.axes @ each.axes.T for each in (mode, best))
    assert np.diag(covariance) == pytest.approx(np.diag(expected), rel=0.15)


def test_counts_are_rows_repeated():
    spec, rows = binary(ONE)
    twice = Dataset.of({name: np.tile(values, 2) for name, values in rows.columns})
    del spec
    u = 0.5 * np.ones(task_of(ONE).layout.n_free)
    once_found, twice_found = lattice_form(task_of(ONE, rows)), lattice_form(task_of(ONE, twice))
    assert not isinstance(once_found, str) and not isinstance(twice_found, str)
    assert twice_found[1].counts.sum() == 2 * once_found[1].counts.sum()
    logs = [form.log_cells(numbers, u)[1] for form, numbers in (once_found, twice_found)]
    assert len(logs[0]) == len(logs[1])
    counted = once_found[1].counted(2.0)
    assert np.asarray(counted.counts).sum() == twice_found[1].counts.sum()


def test_larger_loadings_and_more_rows_ask_for_a_finer_lattice():
    loadings = np.array([[4.0, 0.6, 0.5], [2.0, 1.0, 0.5]])
    few, many = spacings(loadings, 1e3), spacings(loadings, 1e6)
    assert (many <= few).all() and few[0] < few[1] <= 1.2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("latent U ~ normal; A ~ bernoulli(U); B ~ normal(U)", "a measured node is not bernoulli"),
        ("latent U ~ bernoulli; A ~ bernoulli(U); B ~ bernoulli(U)", "no latent has noise"),
        (
            "latent P, Q, R, S, T ~ normal; A ~ bernoulli(P, Q, R, S, T); B ~ bernoulli(P, Q, R, S, T)",
            "more than 4 latents",
        ),
    ],
)
def test_what_has_no_lattice_says_why(text, reason):
    assert lattice_form(task_of(text)) == reason


def test_rows_that_differ_have_no_lattice_and_are_declined_in_no_time():
    """Each row has predictors of its own: how often each pattern has each of them would be 20,000 x 80,000 numbers."""
    random = np.random.default_rng(2)
    rows = {"X": random.integers(0, 2, 20_000), "Y": random.integers(0, 2, 20_000), "M": random.normal(size=20_000)}
    task = task_of("latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)", Dataset.of(rows))
    assert lattice_form(task, least_repeated=4) == "most rows differ"
    found = lattice_form(task)
    assert isinstance(found, str) and found.endswith("distinct predictors")


@pytest.mark.slow
def test_the_law_is_that_of_nuts():
    """Rows with latents of their own, moved by NUTS, against merged rows."""
    random = np.random.default_rng(3)
    u = random.normal(size=1_200)
    a = random.uniform(size=1_200) < scipy.special.expit(1.2 * u)
    m = random.uniform(size=1_200) < scipy.special.expit(1.5 * a - 0.7)
    y = random.uniform(size=1_200) < scipy.special.expit(m + 1.1 * u - 0.5)
    text = "latent U ~ normal; A ~ bernoulli(U); M ~ bernoulli(A); Y ~ bernoulli(M, U)"
    rows = {"A": a.astype(float), "M": m.astype(float), "Y": y.astype(float)}
    ours = ld.fit(text, rows, progress=False)
    assert ours.converged and "distinct rows, latents integrated over" in ours.plan
    reference = ld.fit(text, rows, ld.Nuts(draws=1500, warmup=800), progress=False)
    for query in ("E[Y | do(A=1)]", "E[Y | do(A=1)] - E[Y | do(A=0)]", "E[Y]"):
        found, expected = (ld.ask(p, query) for p in (ours, reference))
        assert abs(found.mean - expected.mean) < max(0.1 * expected.sd, 4 * np.hypot(found.mcse, expected.mcse))
        assert found.sd == pytest.approx(expected.sd, rel=0.1)
