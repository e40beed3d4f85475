"""Variational inference against conjugate forms, grids and quadrature; its guides, its batches, and going on after a break."""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest
import scipy.special
import scipy.stats

import latentdo as ld
from latentdo.errors import FitError
from latentdo.inference.likelihood import memory
from latentdo.inference.likelihood.density import Layout
from latentdo.inference.likelihood.program import Program
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.guides import Guide, Place, nodes_of
from latentdo.inference.samplers.svi import _find_start, _optimiser, _settled, svi
from latentdo.inference.storage.checkpoint import Checkpoint
from latentdo.models.build import NUMPY
from tasks import REGRESSION, raw_draws, regression_rows, regression_truth, task_of

MIXED = "latent U ~ normal; X ~ bernoulli(U); M ~ gamma(X, U); Y ~ normal(M, U)"
CLASSES = "latent C ~ bernoulli; X ~ bernoulli(C); Y ~ normal(X, C); Z ~ table(C, levels=[0, 1, 2])"
FOUR = "latent A, B, C, D ~ normal; X ~ bernoulli(A, B); Y ~ normal(X, A, B, C, D)"


def rows_of(n=60, seed=0):
    """Columns that every model here can be fitted to."""
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    x = (random.uniform(size=n) < scipy.special.expit(1.5 * u)) * 1.0
    m = random.gamma(3.0, np.exp(0.5 + 0.7 * x + 0.3 * u) / 3.0)
    return {"X": x, "M": m, "Y": 1 + 0.5 * m + u + 0.5 * random.normal(size=n), "Z": random.integers(0, 3, n) * 1.0}


def trained(model, rows, node, engine, **changes):
    task = task_of(model, rows, node, engine)
    for name, value in changes.items():
        object.__setattr__(task, name, value)
    try:
        with float64():
            found = svi(task, engine)
    finally:
        memory.release(task)
    assert not isinstance(found, str)
    return found


# Guides


@pytest.mark.parametrize("rank", [None, 2])
def test_draws_of_a_guide_have_the_density_that_it_states(rank):
    guide, random = Guide(4, 0, 0, rank), np.random.default_rng(1)
    numbers = guide.start(random)._replace(mean=random.normal(size=4), log_scale=0.3 * random.normal(size=4))
    numbers = numbers._replace(factor=random.normal(size=numbers.factor.shape))
    place = Place(random.normal(size=4), random.normal(size=(4, 4)))
    draws = guide.draw_many(numbers, place, random, 20_000)
    scale = np.exp(numbers.log_scale)
    if rank is None:
        lower = np.diag(scale) + np.tril(numbers.factor, -1)
        covariance = lower @ lower.T
    else:
        covariance = np.diag(scale**2) + numbers.factor @ numbers.factor.T
    law = scipy.stats.multivariate_normal(
        place.centre + place.axes @ numbers.mean, place.axes @ covariance @ place.axes.T
    )
    errors = draws.log_density - law.logpdf(draws.u)
    assert np.ptp(errors) < 1e-8  # the same but for a constant
    assert np.cov(draws.u.T) == pytest.approx(law.cov, rel=0.05, abs=0.05 * np.diag(law.cov).max())
    with float64():
        compiled = [guide.draw(numbers, random.standard_normal(guide.n_normals)) for _ in range(3)]
    errors = [float(log) - law.logpdf(place.centre + place.axes @ np.asarray(x)) for x, log in compiled]
    assert np.ptp(errors) < 1e-8


@pytest.mark.parametrize("rank", [None, 2])
def test_whitening_leaves_the_law_as_it_is(rank):
    guide, random = Guide(4, 0, 0, rank), np.random.default_rng(2)
    numbers = guide.start(random)._replace(mean=random.normal(size=4), log_scale=0.3 * random.normal(size=4))
    numbers = numbers._replace(factor=random.normal(size=numbers.factor.shape))
    place = Place(random.normal(size=4), random.normal(size=(4, 4)))
    before = guide.draw_many(numbers, place, np.random.default_rng(3), 50)
    white, moved = guide.whitened(numbers, place)
    assert not white.mean.any() and not white.log_scale.any()
    after = guide.draw_many(white, moved, np.random.default_rng(3), 50)
    np.testing.assert_allclose(after.u, before.u, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_nodes_integrate_what_is_nearly_normal(n):
    nodes = nodes_of(n)
    density = scipy.stats.multivariate_normal(0.3 * np.ones(n), 0.9 * np.eye(n)).logpdf(nodes.points).reshape(-1)
    # Weights hold the standard normal density but for its constant.
    total = scipy.special.logsumexp(density + nodes.log_weights) + 0.5 * n * np.log(2 * np.pi)
    assert total == pytest.approx(0.0, abs=0.02 * n)
    assert nodes_of(0) is None and nodes_of(4) is None


# Batches


@pytest.mark.parametrize(("model", "form"), [(MIXED, Program), (CLASSES, Layout)])
def test_rows_of_a_batch_are_rows_of_the_table(model, form):
    engine = ld.Svi(batch=16)
    task = task_of(model, rows_of(), "Y", engine)
    with float64():
        optimiser, _ = _optimiser(task, engine)
    memory.release(task)
    problem, random = optimiser.problem, np.random.default_rng(0)
    assert isinstance(problem.form, form)
    assert len(optimiser.table) == 60 and task.rows.n_stored > 60
    u = 0.3 * random.normal(size=task.layout.n_free)
    z = random.normal(size=(problem.form.n_noise, 60))
    constants = [np.asarray(part) for part in optimiser.constants]

    def log_rows(index):
        numbers, _ = problem.numbers(constants, optimiser.table[index])
        return problem.form.log_parts(NUMPY, jax.tree.map(np.asarray, numbers), u, z[:, index])[1]

    picked = random.choice(60, 16, replace=False)
    np.testing.assert_allclose(log_rows(picked), log_rows(np.arange(60))[picked], rtol=1e-5)


def test_an_epoch_shows_every_row_once():
    engine = ld.Svi(batch=16)
    task = task_of(MIXED, rows_of(), "Y", engine)
    with float64():
        optimiser, _ = _optimiser(task, engine)
    memory.release(task)
    optimiser.table = np.arange(60, dtype=optimiser.table.dtype)[:, None]
    seen = np.concatenate([optimiser._picked(step)[:, 0] for step in range(3)])
    assert len(set(seen)) == 48  # 12 are left over, and others in the next epoch
    assert not np.array_equal(seen, np.concatenate([optimiser._picked(step)[:, 0] for step in range(3, 6)]))


# Posteriors that are known


@pytest.mark.parametrize("guide", ["full-rank", pytest.param("low-rank", marks=pytest.mark.sample)])
def test_a_conjugate_regression_is_its_own_approximation(guide):
    rows = regression_rows()
    mean, covariance = regression_truth(rows)
    engine = ld.Svi(steps=1_000, guide=guide, draws=4_000)
    block = trained(REGRESSION, rows, "Y", engine)
    draws, _ = raw_draws(block, "Y")
    sds = np.sqrt(np.diag(covariance))
    assert (draws.mean(axis=0) - mean) / sds == pytest.approx(np.zeros(2), abs=0.02 + 3 / np.sqrt(4_000))
    assert np.cov(draws.T) / np.outer(sds, sds) == pytest.approx(covariance / np.outer(sds, sds), abs=0.09)
    assert block.khat < 0.5
    assert re.search(r"settled, .*; weighted by the posterior, (9\d|1e\+02) % of such draws would count", block.why)
    assert (block.approximate, block.certified, block.independent) == ("variational approximation", False, True)
    assert re.search(rf"SVI, {guide} guide of parameters, 1,000 steps", str(block.method))


@pytest.mark.parametrize(
    "guide",
    [
        pytest.param("full-rank", marks=pytest.mark.sample),
        pytest.param("low-rank", marks=pytest.mark.slow),
        pytest.param("amortised", marks=pytest.mark.slow),
    ],
)
def test_hidden_causes_agree_with_nuts(guide):
    model, rows = "latent U ~ normal; X ~ bernoulli(U); M ~ gamma(X); Y ~ normal(M, U)", rows_of(120)
    query = "E[Y | do(X=1)]"
    fits = [
        ld.fit(ld.model(model), rows, engine, progress=False)
        for engine in (ld.Svi(steps=2_000, guide=guide, draws=4_000), ld.Nuts(draws=1_000, warmup=500))
    ]
    found, right = (ld.ask(fit, query) for fit in fits)
    # A tenth of an sd, and three Monte Carlo errors of either.
    assert abs(found.mean - right.mean) < 0.1 * right.sd + 3 * np.hypot(found.mcse, right.mcse)
    assert 0.8 * right.sd < found.sd < 1.1 * right.sd


@pytest.mark.slow
def test_minibatches_lead_where_all_rows_do():
    rows = rows_of(400)
    parts, whole = (trained(MIXED, rows, "Y", ld.Svi(steps=3_000, batch=batch, draws=2_000)) for batch in (50, None))
    for node in ("X", "M", "Y"):
        (a, _), (b, _) = raw_draws(parts, node), raw_draws(whole, node)
        assert np.abs(a.mean(axis=0) - b.mean(axis=0)) / b.std(axis=0) == pytest.approx(0.0, abs=0.4)
        assert a.std(axis=0) / b.std(axis=0) == pytest.approx(1.0, abs=0.35)
    assert "3,000 steps of 50 of 400 rows" in str(parts.method)


@pytest.mark.sample
def test_guides_of_many_coordinates_do_not_run_away():
    random = np.random.default_rng(4)
    u = random.normal(size=(60, 3))
    names = ["A", "B", "C", "D", "E", "F"]
    rows = {name: (random.uniform(size=60) < scipy.special.expit(u @ random.normal(size=3))) * 1.0 for name in names}
    model = f"latent U, V, W ~ normal; {', '.join(names)} ~ bernoulli(U, V, W)"
    engine = ld.Svi(steps=600)
    task = task_of(model, rows, "A", engine)
    with float64():
        optimiser, _ = _optimiser(task, engine)
        _find_start(task, optimiser)
        while optimiser.made < optimiser.steps:
            optimiser.advance()
    memory.release(task)
    assert optimiser.problem.guide.n_coordinates >= 24
    assert optimiser.n_lost == 0
    # Priors have sds of about two natural units, and a posterior is narrower.
    assert np.sqrt((optimiser.place.axes**2).sum(axis=1)).max() < 3.0


FAMILIES = {
    "hill": ("latent U ~ normal; X ~ hill(U, max=1); Y ~ normal(X, U)", "Y"),
    "student": ("latent U ~ student; X ~ student(U); Y ~ normal(X, U)", "Y"),
    "categorical": ("latent U ~ normal; Z ~ categorical(U, levels=[0, 1, 2]); Y ~ normal(Z, U)", "Y"),
    "classes": (CLASSES, "Y"),
    "mixed": (MIXED, "Y"),
    "both": ("latent U ~ normal; latent C ~ bernoulli(U); X ~ bernoulli(C, U); Y ~ normal(X, C)", "Y"),
    "two": ("latent U, V ~ normal; X ~ bernoulli(U, V); Y ~ normal(X, U, V)", "Y"),
    "four": (FOUR, "Y"),
}


@pytest.mark.slow
@pytest.mark.parametrize("guide", ["full-rank", "low-rank", "amortised"])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_trained_by_every_guide(name, guide):
    model, node = FAMILIES[name]
    for batch in (None, 16):
        block = trained(model, rows_of(), node, ld.Svi(steps=60, guide=guide, batch=batch, draws=50))
        assert block.approximate is not None and block.approximate.startswith("variational approximation")
        assert all(np.isfinite(draws.coefficients).all() for _, draws in block.draws)
        assert block.khat is not None


# Running


def test_a_run_that_was_killed_goes_on_to_the_same_numbers(tmp_path):
    engine = ld.Svi(steps=400, draws=50)
    model, rows = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)", rows_of()
    whole = trained(model, rows, "Y", engine)

    class Killed(Exception):
        pass

    class Dying(Checkpoint):
        left = 5

        def part(self, name):
            return self

        def save(self, state):
            super().save(state)
            self.left -= 1
            if not self.left:
                raise Killed

    dying = Dying(tmp_path / "state", 0)
    with pytest.raises(Killed):
        trained(model, rows, "Y", engine, checkpoint=dying)
    dying.left = -1
    again = trained(model, rows, "Y", engine, checkpoint=dying)
    for node, draws in whole.draws:
        np.testing.assert_array_equal(draws.coefficients, dict(again.draws)[node].coefficients)


def test_short_runs_are_said_to_be_unsettled():
    block = trained(REGRESSION, regression_rows(), "Y", ld.Svi(steps=3, draws=50))
    assert block.approximate == "variational approximation, not yet settled"
    assert "too few steps to tell whether it has settled; ask for more steps" in block.why


def test_a_mean_that_still_moves_is_told():
    engine = ld.Svi(steps=1_000, draws=50)
    task = task_of(REGRESSION, regression_rows(), "Y", engine)
    with float64():
        optimiser, _ = _optimiser(task, engine)
    memory.release(task)
    n = optimiser.problem.guide.n_coordinates
    optimiser.bounds = [0.0] * 10
    optimiser.means = [0.1 * k * np.ones(n) for k in range(10)]
    rise, drift = _settled(optimiser)
    assert rise == 0.0 and drift == pytest.approx(0.25)
    optimiser.bounds = [1.0 * k for k in range(10)]
    assert _settled(optimiser)[0] > 0.5


def test_what_does_not_fit_is_refused_before_it_is_trained(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1e3)
    with pytest.raises(FitError, match="Ask for a smaller batch, or fit a sample of the rows"):
        trained(MIXED, rows_of(), "Y", ld.Svi(draws=50))


def test_khat_is_left_out_where_rows_are_many(monkeypatch):
    monkeypatch.setattr("latentdo.inference.samplers.svi.KHAT_CELLS", 10)
    block = trained("X ~ bernoulli", {"X": np.tile([0.0, 1.0, 1.0], 10)}, "X", ld.Svi(steps=3, draws=50))
    assert block.khat is None
    assert "with so many rows Pareto k-hat would take too long" in block.why
