"""One-equation blocks against conjugate formulas and grids, and what is done where importance sampling fails."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import latentdo as ld
from latentdo.inference import Method
from latentdo.inference.likelihood.density import unpack
from latentdo.inference.runtime import float64
from latentdo.inference.samplers import planner
from latentdo.inference.samplers.outcome import from_independent
from latentdo.inference.samplers.regression import find_modes, log_density_of, regression, sample_of_rows
from latentdo.models.build import NUMPY
from tasks import raw_draws, task_of


def trained(model, rows, node="Y"):
    with float64():
        return regression(task_of(model, rows, node), ld.Auto())


def moments_by_grid(log_density, first, second):
    """Means and sds of two parameters whose joint log density is given on a grid."""
    a, b = np.meshgrid(first, second, indexing="ij")
    log = log_density(a, b)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    means = np.array([(weights * a).sum(), (weights * b).sum()])
    squares = np.array([(weights * a**2).sum(), (weights * b**2).sum()])
    return means, np.sqrt(squares - means**2)


def assert_agrees(draws, means, sds, ess):
    """Within four Monte Carlo errors of means, and within as much of the log sds."""
    assert ess > 1_000
    np.testing.assert_allclose((draws.mean(axis=0) - means) / sds, 0.0, atol=4 / np.sqrt(ess))
    np.testing.assert_allclose(np.log(draws.std(axis=0) / sds), 0.0, atol=6 / np.sqrt(ess))


def test_a_normal_node_has_the_posterior_of_a_grid():
    y = np.random.default_rng(0).normal(1.0, 2.0, size=12)
    block = trained("Y ~ normal(mean=normal(0, 5), sd=halfnormal(3))", {"Y": y})

    def log_density(a, b):
        squares = ((y - y.mean()) ** 2).sum() + len(y) * (y.mean() - a) ** 2
        return -len(y) * np.log(b) - 0.5 * squares / b**2 - 0.5 * (a / 5) ** 2 - 0.5 * (b / 3) ** 2

    means, sds = moments_by_grid(log_density, np.linspace(-4, 6, 500), np.linspace(0.4, 8, 500))
    coefficients, own = raw_draws(block, "Y")
    assert block.certified
    assert block.khat < 0.5
    assert_agrees(np.column_stack([coefficients[:, 0], own["sd"]]), means, sds, block.weight_ess)


@pytest.mark.parametrize("separated", [False, True], ids=["mixed", "separated"])
def test_a_logistic_node_has_the_posterior_of_a_grid_even_of_separated_data(separated):
    random = np.random.default_rng(1)
    x = random.normal(size=25)
    y = (x > 0.1) * 1.0 if separated else (random.uniform(size=25) < scipy.special.expit(x)) * 1.0
    model = "X ~ normal; Y ~ bernoulli(X, weight=normal(0, 5), intercept=normal(0, 3))"
    block = trained(model, {"X": x, "Y": y})

    def log_density(a, b):
        eta = a[..., None] + b[..., None] * x
        return (y * eta - np.logaddexp(0, eta)).sum(axis=-1) - 0.5 * (a / 3) ** 2 - 0.5 * (b / 5) ** 2

    means, sds = moments_by_grid(log_density, np.linspace(-12, 12, 400), np.linspace(-8, 30, 400))
    assert block.khat < 0.7
    assert_agrees(raw_draws(block, "Y")[0], means, sds, block.weight_ess)


@pytest.mark.parametrize(
    ("model", "low"),
    [
        ("X ~ normal; Y ~ normal(X, weight=normal(0, 1, low=0, high=2), intercept=0, sd=halfnormal(2))", 0.0),
        ("X ~ normal; Y ~ normal(+X, weight=normal(0, 1), intercept=0, sd=halfnormal(2))", 0.0),
        ("X ~ normal; Y ~ normal(X, weight=normal(0, 1, low=0.2), intercept=0, sd=halfnormal(2))", 0.2),
    ],
    ids=["interval", "sign", "half-line"],
)
def test_a_weight_that_is_pressed_against_its_bound_has_the_posterior_of_a_grid(model, low):
    random = np.random.default_rng(2)
    x = random.normal(size=30)
    y = -0.4 * x + random.normal(size=30)
    block = trained(model, {"X": x, "Y": y})

    def log_density(a, b):
        squares = (y**2).sum() - 2 * a * (x * y).sum() + a**2 * (x**2).sum()
        return -len(y) * np.log(b) - 0.5 * squares / b**2 - 0.5 * a**2 - 0.5 * (b / 2) ** 2

    means, sds = moments_by_grid(log_density, np.linspace(low, 2, 3000), np.linspace(0.4, 3, 300))
    coefficients, own = raw_draws(block, "Y")
    assert coefficients[:, 1].min() >= low
    assert block.khat < 0.7
    assert_agrees(np.column_stack([coefficients[:, 1], own["sd"]]), means, sds, block.weight_ess)


def test_a_gamma_node_has_the_posterior_of_a_grid():
    y = np.random.default_rng(3).gamma(2.0, 1.5, size=20)
    block = trained("Y ~ gamma(intercept=normal(1, 2), shape=halfnormal(5))", {"Y": y})

    def log_density(a, b):
        each = scipy.stats.gamma.logpdf(y, b[..., None], scale=np.exp(a[..., None]) / b[..., None])
        return each.sum(axis=-1) - 0.5 * ((a - 1) / 2) ** 2 - 0.5 * (b / 5) ** 2

    means, sds = moments_by_grid(log_density, np.linspace(-0.5, 3, 300), np.linspace(0.05, 12, 400))
    coefficients, own = raw_draws(block, "Y")
    assert_agrees(np.column_stack([coefficients[:, 0], own["shape"]]), means, sds, block.weight_ess)


def test_a_table_has_the_dirichlet_posterior_of_its_counts():
    x = np.repeat([0.0, 1.0], [30, 50])
    y = np.concatenate([np.repeat([0.0, 1.0], [24, 6]), np.repeat([0.0, 1.0], [5, 45])])
    draws = raw_draws(trained("X ~ table; Y ~ table(X)", {"X": x, "Y": y}), "Y")[0]
    block = trained("X ~ table; Y ~ table(X)", {"X": x, "Y": y})
    assert draws.shape[-1] == 4
    # Every row begins with one row's worth of the shares of Y in all rows, each level counted once more.
    share = 52 / 82
    for column, (yes, n) in zip((1, 3), ((6, 30), (45, 50)), strict=True):
        law = scipy.stats.beta(share + yes, 1 - share + n - yes)
        assert_agrees(draws[:, [column]], [law.mean()], [law.std()], block.weight_ess)
    np.testing.assert_allclose(draws[:, 0] + draws[:, 1], 1.0)


def test_collinear_columns_pin_down_their_sum():
    random = np.random.default_rng(4)
    x = random.normal(size=80)
    rows = {"A": x, "B": x + 1e-5 * random.normal(size=80), "Y": 2 * x + random.normal(size=80)}
    block = trained("A ~ normal; B ~ normal; Y ~ normal(A, B)", rows)
    coefficients, _ = raw_draws(block, "Y")
    total = coefficients[:, 1] + coefficients[:, 2]
    assert block.certified
    assert block.khat < 0.7
    assert total.mean() == pytest.approx(np.polyfit(x, rows["Y"], 1)[0], abs=0.05)
    assert total.std() == pytest.approx(1 / np.sqrt(80), rel=0.25)
    # The difference is left to the prior, which is normal(0, sd(Y)) per sd of a parent for each.
    wide = np.sqrt(2.0) * np.std(rows["Y"], ddof=1) / np.std(x, ddof=1)
    assert (coefficients[:, 1] - coefficients[:, 2]).std() == pytest.approx(wide, rel=0.1)


def test_a_million_rows_of_a_normal_node_cost_no_more_than_their_moments():
    random = np.random.default_rng(5)
    x = random.normal(size=1_000_000)
    y = 1.0 + 0.25 * x + 0.5 * random.normal(size=len(x))
    block = trained("X ~ normal; Y ~ normal(X)", {"X": x, "Y": y})
    coefficients, own = raw_draws(block, "Y")
    truth = np.polyfit(x, y, 1)[::-1]
    np.testing.assert_allclose(coefficients.mean(axis=0), truth, atol=1e-4)
    np.testing.assert_allclose(coefficients.std(axis=0), 0.5e-3, rtol=0.1)
    assert own["sd"].mean() == pytest.approx(np.std(y - np.polyval(truth[::-1], x)), abs=1e-4)
    assert str(block.method) == "importance sampling around the mode, 8,000 draws"


def test_a_long_column_of_another_family_is_weighted_by_a_cubic():
    random = np.random.default_rng(6)
    x = random.normal(size=60_000)
    y = (random.uniform(size=len(x)) < scipy.special.expit(-0.5 + x)) * 1.0
    block = trained("X ~ normal; Y ~ bernoulli(X)", {"X": x, "Y": y})
    assert "weighted by a cubic through" in block.method.note
    assert block.certified
    coefficients, _ = raw_draws(block, "Y")
    chance = scipy.special.expit(-0.5 + x)
    design = np.column_stack([np.ones(len(x)), x])
    sds = np.sqrt(np.diag(np.linalg.inv((design * (chance * (1 - chance))[:, None]).T @ design)))
    np.testing.assert_allclose(coefficients.std(axis=0), sds, rtol=0.1)
    np.testing.assert_allclose((coefficients.mean(axis=0) - [-0.5, 1.0]) / sds, 0.0, atol=4)


def test_a_sample_of_many_rows_counts_for_all_of_them():
    random = np.random.default_rng(7)
    x = random.normal(size=25_000)
    y = (random.uniform(size=len(x)) < 0.3) * 1.0
    task = task_of("X ~ normal; Y ~ bernoulli(X)", {"X": x, "Y": y}, "Y")
    with float64():
        exact, sampled = log_density_of(task), sample_of_rows(task)
        assert sampled is not None
        (mode,) = find_modes(task, exact, sampled)
        near = mode.point + 60 * mode.axes.T
        falls = exact(near) - exact(mode.point[None]), sampled(near) - sampled(mode.point[None])
    assert np.all(falls[0] < -20)
    # A fifth of the rows says the same of so steep a fall to within their own noise.
    np.testing.assert_allclose(falls[1] / falls[0], 1.0, atol=0.5)
    assert sample_of_rows(task_of("Y ~ bernoulli", {"Y": y}, "Y")) is None


def test_equal_rows_count_as_often_as_they_occur():
    y = np.repeat([0.0, 1.0], [700, 300])
    task = task_of("Y ~ bernoulli", {"Y": y}, "Y")
    assert (task.rows.weights > 0).sum() == 2
    with float64():
        u = task.starts(3)
        values = log_density_of(task)(u)
        eta = np.array([unpack(NUMPY, task.layout, task.numbers, point)[0].raw[0] for point in u])
    likelihood = 300 * eta - 1000 * np.logaddexp(0, eta)
    prior = -0.5 * (eta / 3) ** 2
    np.testing.assert_allclose(np.diff(values), np.diff(likelihood + prior), rtol=1e-9)


def test_blocks_with_latents_are_not_its_business():
    rows = {"X": np.arange(5.0), "Y": np.arange(5.0) ** 2}
    assert trained("latent U ~ normal; X ~ normal(U); Y ~ normal(U)", rows) == "the block has latent nodes"


@pytest.mark.parametrize("heavy", [True, False])
def test_a_bad_k_hat_is_reported_and_the_next_method_tried(heavy, monkeypatch):
    rows = {"Y": np.arange(20.0)}
    task = task_of("Y ~ normal", rows, "Y")

    def weighted(task, engine):
        random = np.random.default_rng(0)
        u = 0.1 * random.normal(size=(8_000, task.layout.n_free))
        log_weights = 2.0 * random.exponential(size=len(u)) if heavy else 0.01 * random.normal(size=len(u))
        return from_independent(task, u, Method("other", "importance sampling"), log_weights=log_weights)

    def second(task, engine):
        u = np.zeros((task.n_kept, task.layout.n_free))
        return from_independent(task, u, Method("other", "the next method"))

    with float64():
        poor = weighted(task, ld.Auto())
        assert (poor.khat > 0.7) == heavy
        assert poor.certified != heavy
        assert {diagnostic.passed for diagnostic in poor.diagnostics} == {not heavy}
        monkeypatch.setattr(planner, "_methods", lambda engine: ((weighted,), second))
        found = planner.train_block(task, ld.Auto())
    assert str(found.method) == ("the next method" if heavy else "importance sampling")
    assert found.why == ("importance sampling was tried first and not certified" if heavy else "")


def with_many_parents(family, n_parents, n_rows=400):
    random = np.random.default_rng(3)
    x = random.normal(size=(n_rows, n_parents))
    eta = x @ random.normal(size=n_parents) / np.sqrt(n_parents)
    y = (
        eta + random.normal(size=n_rows)
        if family == "normal"
        else (random.uniform(size=n_rows) < scipy.special.expit(eta)) * 1.0
    )
    names = [f"X{k}" for k in range(n_parents)]
    model = "; ".join([*(f"{name} ~ normal" for name in names), f"Y ~ {family}({', '.join(names)})"])
    return model, {**dict(zip(names, x.T, strict=True)), "Y": y}


@pytest.mark.parametrize("family", ["normal", "bernoulli"])
def test_exact_derivatives_and_differences_lead_to_one_mode(family, monkeypatch):
    task = task_of(*with_many_parents(family, 12), "Y")
    with float64():
        (by_differences,) = find_modes(task, log_density_of(task), None)
        monkeypatch.setattr("latentdo.inference.samplers.regression.MANY_COORDINATES", 5)
        (exact,) = find_modes(task, log_density_of(task), None)
    np.testing.assert_allclose(exact.point, by_differences.point, atol=1e-3)
    assert exact.log_mass() == pytest.approx(by_differences.log_mass(), abs=0.05)


@pytest.mark.parametrize("family", ["normal", "bernoulli"])
def test_a_node_of_very_many_parents_is_trained_in_closed_form_or_by_chains_from_its_mode(family):
    model, rows = with_many_parents(family, 80)
    block = trained(model, rows)
    assert block.certified
    assert block.method.kind == ("conjugate" if family == "normal" else "ensemble HMC")
    coefficients = raw_draws(block, "Y")[0]
    if family == "normal":
        design = np.column_stack([np.ones(400), *(rows[f"X{k}"] for k in range(80))])
        best = np.linalg.lstsq(design, rows["Y"], rcond=None)[0]
        np.testing.assert_allclose(coefficients.mean(axis=0), best, atol=0.03)


def test_a_categorical_node_of_very_many_levels_is_told_before_it_is_trained():
    def checked(n_levels):
        levels = np.arange(n_levels).tolist()
        return str(
            ld.check(f"C ~ categorical(levels={levels}); Y ~ normal", {"C": levels * 2, "Y": np.arange(2.0 * n_levels)})
        )

    assert "C is categorical with 500 levels and has 499 parameters" in checked(500)
    assert "has 49 parameters" not in checked(50)


def test_a_node_whose_matrices_do_not_fit_is_refused_by_name(monkeypatch):
    monkeypatch.setattr("latentdo.inference.likelihood.memory.available_bytes", lambda: 1e6)
    with pytest.raises(ld.LatentdoError, match=r"Training \{Y\} needs about .* fewer parents or levels"):
        trained(*with_many_parents("bernoulli", 80))


def test_a_long_column_with_too_many_parents_for_a_cubic_is_trained_by_chains():
    model, rows = with_many_parents("bernoulli", 24, n_rows=6_000)
    block = trained(model, rows)
    assert block.certified
    assert block.method.kind == "ensemble HMC"
    x = np.column_stack([np.ones(6_000), *(rows[f"X{k}"] for k in range(24))])
    coefficients = raw_draws(block, "Y")[0]
    chances = scipy.special.expit(x @ coefficients.mean(axis=0))
    sds = np.sqrt(np.diag(np.linalg.inv((x * (chances * (1.0 - chances))[:, None]).T @ x)))
    np.testing.assert_allclose(coefficients.std(axis=0) / sds, 1.0, atol=0.1)
    # At the posterior mean the score is about 0: no coefficient is off by more than its prior and curvature move it.
    np.testing.assert_allclose((x.T @ (rows["Y"] - chances)) * sds, 0.0, atol=0.2)


def test_laplace_of_many_parents_is_about_the_draws():
    model, rows = with_many_parents("bernoulli", 70, n_rows=3_000)
    task = task_of(model, rows, "Y", ld.Laplace())
    approximate = raw_draws(planner.train_block(task, ld.Laplace()), "Y")[0]
    draws = raw_draws(trained(model, rows), "Y")[0]
    np.testing.assert_allclose((approximate.mean(axis=0) - draws.mean(axis=0)) / draws.std(axis=0), 0.0, atol=0.5)
    np.testing.assert_allclose(approximate.std(axis=0) / draws.std(axis=0), 1.0, atol=0.25)
