"""Tables of measured nodes: the Dirichlet posterior, in every shape of table and for every engine that uses it."""

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.conjugate import conjugate
from latentdo.inference.samplers.outcome import node_draws
from latentdo.inference.samplers.regression import find_modes, log_density_of
from tasks import raw_draws, task_of

MODEL = "A ~ table(levels=[lo, mid, hi]); B ~ bernoulli; Y ~ table(A, B, levels=[0, 2, 5], concentration=0.7)"


def rows(n=60):
    random = np.random.default_rng(0)
    a = np.array(["lo", "mid", "hi"])[random.integers(0, 3, n)]
    b = random.integers(0, 2, n)
    return {"A": a, "B": b, "Y": np.array([0, 2, 5])[random.integers(0, 3, n)]}


def counts(table):
    """Of each level of Y under each combination of A and B, counted one by one."""
    combinations = [(a, b) for a in ("lo", "mid", "hi") for b in (0, 1)]
    units = list(zip(table["A"], table["B"], table["Y"], strict=True))
    return np.array([[units.count((a, b, y)) for y in (0, 2, 5)] for a, b in combinations])


def test_every_row_of_a_table_is_dirichlet():
    table = rows()
    block = conjugate(task_of(MODEL, table, "Y"), ld.Auto())
    draws, _ = raw_draws(block, "Y")
    draws = draws.reshape(-1, 6, 3)
    n = len(draws)
    alpha = counts(table) + 0.7
    np.testing.assert_allclose(draws.sum(axis=-1), 1.0)
    total = alpha.sum(axis=1, keepdims=True)
    mean = alpha / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    np.testing.assert_allclose((draws.mean(axis=0) - mean) / sd, 0.0, atol=4.5 / np.sqrt(n))
    for row in range(6):
        law = scipy.stats.beta(alpha[row, 1], alpha[row, [0, 2]].sum())
        assert scipy.stats.kstest(draws[:, row, 1], law.cdf).pvalue > 1e-4
    assert (block.certified, block.approximate, block.khat) == (True, None, None)
    # Rows of a table are independent of each other.
    assert abs(np.corrcoef(draws[:, 0, 0], draws[:, 1, 0])[0, 1]) < 4.5 / np.sqrt(n)


def test_the_mode_is_that_of_the_sticks_on_the_logit_scale():
    table = rows()
    task = task_of(MODEL, table, "Y", ld.Map())
    block = conjugate(task, ld.Map())
    draws, _ = raw_draws(block, "Y")
    alpha = counts(table) + 0.7
    np.testing.assert_allclose(draws[0], (alpha / alpha.sum(axis=1, keepdims=True)).reshape(-1))
    with float64():
        (mode,) = find_modes(task, log_density_of(task), None)
    climbed = dict(node_draws(task, mode.point[None, None]))["Y"].coefficients.reshape(-1)
    np.testing.assert_allclose(draws[0], climbed, atol=1e-3)
    assert (block.approximate, block.certified) == ("posterior mode alone", False)


def test_small_counts_do_not_underflow():
    block = conjugate(
        task_of("Y ~ table(levels=[a, b, c], concentration=1e-4)", {"Y": ["a", "b", "a"]}, "Y"), ld.Auto()
    )
    draws, _ = raw_draws(block, "Y")
    assert np.isfinite(draws).all()
    np.testing.assert_allclose(draws.sum(axis=1), 1.0)
    assert draws[:, 0].mean() == pytest.approx(2 / 3, abs=0.02)


def test_equal_rows_and_levels_never_seen_are_counted_right():
    block = conjugate(
        task_of("Y ~ table(levels=[a, b, c])", {"Y": np.repeat(["a", "c"], [9_000, 1_000])}, "Y"), ld.Auto()
    )
    draws, _ = raw_draws(block, "Y")
    np.testing.assert_allclose(draws.mean(axis=0), [9_001 / 10_003, 1 / 10_003, 1_001 / 10_003], atol=5e-4)


@pytest.mark.parametrize(
    ("engine", "kind"), [(ld.Auto(), None), (ld.Laplace(), None), (ld.Map(), "posterior mode alone")], ids=str
)
def test_a_network_of_large_tables_is_trained_at_once(engine, kind):
    random = np.random.default_rng(1)
    names = np.array([f"level {k}" for k in range(8)])
    table = {name: names[random.integers(0, 8, 2_000)] for name in "ABC"}
    posterior = ld.fit("A ~ table; B ~ table; C ~ table(A, B)", table, engine, progress=False)
    assert "{C} given A, B: conjugate" in posterior.plan
    answer = ld.ask(posterior, "P(C='level 3' | do(A='level 1'))")
    assert answer.approximate == kind
    assert posterior.converged


def test_what_is_no_table_of_measured_nodes_is_left_to_others():
    random = np.random.default_rng(2)
    indicators = {name: random.integers(0, 2, 30) for name in "XY"}
    hidden = task_of("latent C ~ table(levels=[0, 1]); X ~ table(C); Y ~ table(C)", indicators, "X")
    assert conjugate(hidden, ld.Auto()) == "the block has latent nodes"
    assert conjugate(task_of("X ~ bernoulli", indicators, "X"), ld.Auto()) == "X is no table"


def test_a_table_of_more_combinations_than_rows_is_told_before_it_is_trained():
    random = np.random.default_rng(0)
    names = [f"X{k}" for k in range(11)]
    table = {name: random.integers(0, 2, 50) for name in (*names, "Y")}
    model = "; ".join([*(f"{name} ~ bernoulli" for name in names), f"Y ~ table({', '.join(names)}, levels=[0, 1])"])
    assert "the table of Y has 2,048 combinations of its parents' levels" in str(ld.check(model, table))


def test_a_table_whose_draws_do_not_fit_into_memory_is_refused_by_name(monkeypatch):
    from latentdo.inference.likelihood import memory

    monkeypatch.setattr(memory, "available_bytes", lambda: 1e5)
    monkeypatch.setattr(memory, "_claims", {})
    with pytest.raises(ld.LatentdoError, match="fewer parents, or make it categorical"):
        conjugate(task_of(MODEL, rows(), "Y"), ld.Auto())
