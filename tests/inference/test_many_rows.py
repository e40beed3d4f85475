"""Blocks of many rows: what stands for them, and that draws which do not belong to all rows never pass for such."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import latentdo as ld
from latentdo.inference.blocks.draws import BlockDraws
from latentdo.inference.blocks.method import Method
from latentdo.inference.likelihood.certify import LOG_LIKELIHOOD, LOG_POSTERIOR
from latentdo.inference.likelihood.coreset import candidates, coreset
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.runtime import JAX, float64
from latentdo.inference.samplers import rows as sampler
from latentdo.inference.samplers.ensemble import ChainDraws
from tasks import task_of

MODEL = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)"
CENTRE = np.array([0.2, 1.0, -0.2, 1.0, 1.0])


def table(n: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    u = random.normal(size=n)
    x = (random.uniform(size=n) < 1 / (1 + np.exp(-0.2 - u))).astype(float)
    m = 0.5 * x + random.normal(size=n)
    y = (random.uniform(size=n) < 1 / (1 + np.exp(0.3 - 0.8 * m - u))).astype(float)
    return {"X": x, "M": m, "Y": y}


@pytest.fixture
def task():
    return task_of(MODEL, table(1_000), "X")


def draws(n: int) -> np.ndarray:
    return CENTRE + 0.15 * np.random.default_rng(0).standard_normal((n, len(CENTRE)))


def test_few_weighted_rows_agree_with_all_at_draws_that_they_were_not_chosen_by(task):
    with float64():
        rows = RowLikelihood(task, task.cells, task.cells.weights, 1)
        chosen = coreset(rows, draws(120))
        few = RowLikelihood(task, chosen.data, chosen.counts, 1)
        other = draws(400)[200:]
        whole = rows.sums(other)[1]
        off = few.sums(other)[1] - whole
    assert len(chosen.counts) < 130
    assert (chosen.counts > 0).all()
    assert chosen.counts.sum() == pytest.approx(1_000)
    assert whole.std() > 1.0
    assert off.std() < 0.02


def test_candidates_hold_rows_of_every_combination_of_levels(task):
    picked = candidates(task, task.cells, task.cells.weights, 100)
    levels = {(x, y) for x, y in zip(task.cells.column("X")[picked], task.cells.column("Y")[picked], strict=True)}
    assert levels == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}


@pytest.fixture
def no_chains(monkeypatch):
    """Chains give draws around the same place at once."""

    def run(task, engine, form, numbers, words, *, near, finish, **options):
        u = near[:4_000].reshape(16, 250, -1)
        made = ChainDraws(u, -0.5 * ((u - CENTRE) ** 2).sum(axis=-1), 0.9, 0, 160)
        return finish(task, made, Method("ensemble HMC", of=words, chains=16, transitions=250, warmup=160, draws=250))

    monkeypatch.setattr(sampler, "run_ensemble", run)
    monkeypatch.setattr(sampler, "pilot", lambda *args: draws(4_000))
    monkeypatch.setattr(sampler, "ROUNDS", 1)
    monkeypatch.setattr(sampler, "FINE", 1.0)


def test_draws_of_which_all_rows_say_something_else_are_told_as_such(task, no_chains, monkeypatch):
    monkeypatch.setattr(sampler._Few, "_off", lambda self, n_draws: 5.0)
    with float64():
        result = sampler.integrated(task, ld.Auto())
    assert isinstance(result, BlockDraws)
    assert result.approximate == "draws with rows that do not stand for all"
    assert not result.certified
    # The fit is judged by these too: it does not say that it has converged.
    assert all(one.ess == 0.0 for one in result.diagnostics if one.name in (LOG_POSTERIOR, LOG_LIKELIHOOD))
    assert any(one.name == LOG_LIKELIHOOD for one in result.diagnostics)


def test_draws_by_a_rule_that_is_too_coarse_are_told_as_such(task, no_chains, monkeypatch):
    monkeypatch.setattr(RowLikelihood, "error", lambda self, u: 5.0)
    with float64():
        result = sampler.integrated(task, ld.Auto())
    assert isinstance(result, BlockDraws)
    assert result.approximate == "draws with a rule of quadrature that is too coarse"
    assert not result.certified


@pytest.mark.parametrize(
    ("errors", "level"),
    [([1.0, 0.01, 0.0], 1), ([1.0, 0.2, 0.3, 0.4, 0.5, 0.6], 1), ([np.inf] * 6, 5)],
    ids=["the coarsest that is fine", "the best where none is fine", "the finest where none can be told"],
)
def test_which_rule_is_taken(task, monkeypatch, errors, level):
    monkeypatch.setattr(RowLikelihood, "error", lambda self, u: errors[self.level])
    with float64():
        rows = RowLikelihood(task, task.cells, task.cells.weights)
        few = sampler._Few(task, rows, draws(100), 1.0)
        few._take(rows)
    assert few.core.level == few.rows.level == level


def test_rules_hold_where_switches_are_sharp_and_rows_count_for_many(task):
    with float64():
        rows = RowLikelihood(task, task.cells, 200.0 * task.cells.weights)
        sharp = draws(40) + np.array([0.0, 1.0, 0.0, 0.0, 1.0]) * np.linspace(0.0, 18.0, 40)[:, None]
        errors = [RowLikelihood(task, rows.data, rows.counts, level).error(sharp) for level in (0, 3, 4)]
    assert errors[0] > 10.0
    assert errors[1] > 1.0
    assert errors[2] < sampler.LARGEST_ERROR


def test_chains_start_where_a_density_that_got_narrower_has_its_mass(task):
    with float64():
        rows = RowLikelihood(task, task.cells, task.cells.weights, 1)
        wide = CENTRE + 0.8 * np.random.default_rng(0).standard_normal((1_600, len(CENTRE)))
        few = sampler._Few(task, rows, wide, 0.1)
        few._take(rows)
        likelihood = few.core.sums(wide)[1]
        starts = few.core.sums(few._starts(1.0))[1]
    assert len(starts) == 16
    assert starts.min() > np.quantile(likelihood, 0.9)


def test_a_reference_point_takes_a_constant_off_the_log_likelihood(task):
    with float64():
        rows = RowLikelihood(task, task.cells, task.cells.weights, 1)
        u = draws(5)
        for one in (rows, rows.seen_from(CENTRE)):
            form, numbers = one.halves

            def total(point, form=form, numbers=numbers):
                return form.log_parts(JAX, numbers, point, np.empty((0, 1)))[1].sum()

            values = jax.jit(jax.vmap(total))(u) + numbers.counts @ numbers.reference
            np.testing.assert_allclose(values, rows.sums(u)[1])
        assert abs(total(CENTRE)) < 1e-8


@pytest.mark.parametrize(("worth", "steps"), [(500.0, 64), (5_000.0, 64), (20_000.0, 128), (500_000.0, 640)])
def test_paths_lengthen_as_ridges_get_narrower(worth, steps):
    assert sampler.longest(worth) == steps


def test_rows_count_at_most_eight_times_as_much_in_each_stage_as_before():
    assert sampler.worths(2_000.0) == pytest.approx([2_000.0])
    for n in (20_000.0, 1e6):
        stages = np.array([sampler.PILOT_WORTH, *sampler.worths(n)])
        assert stages[-1] == pytest.approx(n)
        assert (stages[1:] / stages[:-1]).max() <= 8.0


def test_few_rows_and_blocks_without_latents_are_left_to_others(task):
    assert isinstance(sampler.integrated(task_of(MODEL, table(300), "X"), ld.Auto()), str)
    assert isinstance(sampler.integrated(task_of(MODEL, table(1_000), "M"), ld.Auto()), str)
