"""`Laplace` and `Map` against closed forms, grids and dense quadrature."""

import re

import numpy as np
import pytest
import scipy.special
import scipy.stats

import latentdo as ld
from latentdo.inference.likelihood.density import unpack
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.laplace import _marginal as marginal
from latentdo.inference.samplers.laplace import by_quadrature, laplace, posterior_mode
from latentdo.inference.samplers.modes import climb
from latentdo.models.build import NUMPY
from small_blocks import only_block
from tasks import REGRESSION, raw_draws, regression_rows, regression_truth, task_of

ENGINE = ld.Laplace(draws=4_000)


def test_a_conjugate_regression_is_its_own_approximation():
    rows = regression_rows()
    mean, covariance = regression_truth(rows)
    block = laplace(task_of(REGRESSION, rows, "Y", ENGINE), ENGINE)
    draws, _ = raw_draws(block, "Y")
    assert draws.shape == (4_000, 2)
    sds = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((draws.mean(axis=0) - mean) / sds, 0.0, atol=4 / np.sqrt(4_000))
    np.testing.assert_allclose(np.cov(draws.T) / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=0.09)
    assert block.khat < 0.3
    assert (block.approximate, block.certified, block.independent) == ("Laplace approximation", False, True)


def test_the_mode_of_a_conjugate_regression_is_its_mean():
    rows = regression_rows()
    mean, covariance = regression_truth(rows)
    block = posterior_mode(task_of(REGRESSION, rows, "Y", ld.Map()), ld.Map())
    draws, _ = raw_draws(block, "Y")
    assert draws.shape == (1, 2)
    np.testing.assert_allclose((draws[0] - mean) / np.sqrt(np.diag(covariance)), 0.0, atol=1e-3)
    assert (block.weight_ess, block.khat, block.diagnostics) == (None, None, ())


def test_a_logistic_regression_has_the_mode_and_the_width_of_a_grid():
    random = np.random.default_rng(1)
    x = random.normal(size=60)
    y = (random.uniform(size=60) < scipy.special.expit(0.5 + x)) * 1.0
    model = "X ~ normal; Y ~ bernoulli(X, weight=normal(0, 2), intercept=normal(0, 3))"
    grid = np.meshgrid(np.linspace(-2, 3.5, 401), np.linspace(-1.5, 5, 401), indexing="ij")
    a, b = (axis.reshape(-1) for axis in grid)
    eta = a[:, None] + b[:, None] * x
    log = (y * eta - np.logaddexp(0, eta)).sum(axis=1) - 0.5 * (a / 3) ** 2 - 0.5 * (b / 2) ** 2
    top = np.array([a[np.argmax(log)], b[np.argmax(log)]])
    chance = scipy.special.expit(top[0] + top[1] * x)
    design = np.column_stack([np.ones(60), x])
    covariance = np.linalg.inv((design * (chance * (1 - chance))[:, None]).T @ design + np.diag([1 / 9, 1 / 4]))
    rows = {"X": x, "Y": y}
    mode, _ = raw_draws(posterior_mode(task_of(model, rows, "Y", ld.Map()), ld.Map()), "Y")
    np.testing.assert_allclose(mode[0], top, atol=0.015)
    draws, _ = raw_draws(laplace(task_of(model, rows, "Y", ENGINE), ENGINE), "Y")
    sds = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(np.cov(draws.T) / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=0.09)


FACTOR = "latent U ~ normal; X ~ normal(U); Y ~ normal(U, X); Z ~ normal(U)"


def factor_rows(n=30):
    random = np.random.default_rng(2)
    u, noise = random.normal(size=n), random.normal(size=(3, n))
    return {"X": u + noise[0], "Y": 0.5 * u + noise[1], "Z": 3 - u + 0.5 * noise[2]}


def test_a_gaussian_factor_is_integrated_in_closed_form():
    """Against the law of the three columns written out: rows are Normal(mean, loadings loadings' + noise)."""
    rows = factor_rows()
    task = task_of(FACTOR, rows, "Y", ENGINE)
    small = only_block(FACTOR, "Y", task.data)
    random = np.random.default_rng(3)
    with float64():
        found = marginal(task)
        assert (found.points, found.rough) == (0, None)
        points = np.array([small.point(random) for _ in range(6)])
        values = found.density(points)
        truth = []
        for u in points:
            at = dict(zip(task.block.nodes, unpack(NUMPY, task.layout, task.numbers, u), strict=True))
            (ax, bx), (ay, by, cy), (az, bz) = (at[node].raw for node in ("X", "Y", "Z"))
            sx, sy, sz = (float(at[node].parameters["sd"]) for node in ("X", "Y", "Z"))
            # In terms of the noise (U, X, Y, Z): X = ax + bx U, Y = ay + by U + cy X, Z = az + bz U.
            weights = np.array([[bx, sx, 0, 0], [by + cy * bx, cy * sx, sy, 0], [bz, 0, 0, sz]])
            law = scipy.stats.multivariate_normal([ax, ay + cy * ax, az], weights @ weights.T)
            data = np.column_stack([rows[node] for node in ("X", "Y", "Z")])
            truth.append(law.logpdf(data).sum() + small.log_prior(u))
    np.testing.assert_allclose(values - values[0], np.array(truth) - truth[0], atol=1e-4)


NOT_GAUSSIAN = (
    "latent U ~ normal; X ~ bernoulli(U); Y ~ normal(U, X)",
    "latent U ~ normal; X ~ gamma(U); Y ~ normal(U, X)",
    "latent U ~ normal; X ~ hill(U, max=10); Y ~ normal(U, X)",
    "latent U ~ normal; X ~ student(U); Y ~ normal(U, X)",
    "latent U ~ student; X ~ bernoulli(U); Y ~ normal(U, X)",
)


def columns_of(model, n=25):
    random = np.random.default_rng(4)
    u = random.normal(size=n)
    if "bernoulli" in model:
        x = (random.uniform(size=n) < scipy.special.expit(1.5 * u)) * 1.0
    elif "gamma" in model:
        x = random.gamma(3.0, np.exp(0.5 * u) / 3.0)
    elif "hill" in model:
        x = 10 * scipy.special.expit(u) + 0.5 * random.normal(size=n)
    else:
        x = u + random.standard_t(3, size=n)
    return {"X": x, "Y": u + 0.3 * x + 0.5 * random.normal(size=n)}


@pytest.mark.parametrize("model", NOT_GAUSSIAN)
def test_other_latents_are_integrated_as_by_dense_quadrature(model):
    """Trapezoids over the noise of the latent: `log_parts` is the density of that noise and the columns at any z."""
    task = task_of(model, columns_of(model), "Y", ENGINE)
    grid = np.linspace(-9, 9, 721)
    with float64():
        found = marginal(task)
        assert found.points == 9
        mode = climb(found.density, task.starts(1)[0])
        assert mode is not None
        points = mode.point + np.random.default_rng(5).normal(size=(4, len(mode.point))) @ mode.axes.T
        values = found.density(points)
        log_prior, each = task.layout.log_parts(NUMPY, task.numbers, points[None, :, None], grid[None, :, None, None])
        dense = scipy.special.logsumexp(each, axis=0) + np.log((grid[1] - grid[0]) / np.sqrt(2 * np.pi))
        truth = log_prior[0, :, 0] + dense[:, task.rows.weights > 0].sum(axis=-1)
    # Of the log density of 25 rows; one point per row is off by up to three.
    np.testing.assert_allclose(values, truth, atol=0.2)


def test_latents_beside_tables_are_integrated_node_by_node():
    random = np.random.default_rng(6)
    u = random.normal(size=20)
    rows = {"X": u + random.normal(size=20), "Z": (u > 0) * 1.0, "Y": u}
    model = "latent U ~ normal; latent C ~ table(levels=[0, 1]); X ~ normal(U, C); Z ~ table(C); Y ~ normal(U)"
    task = task_of(model, rows, "Y", ENGINE)
    grid = np.linspace(-8, 8, 161)
    with float64():
        found = marginal(task)
        points = task.starts(3)
        values = found.density(points)
        truth = []
        for u_point in points:
            parts = [task.layout.log_parts(NUMPY, task.numbers, u_point[None, None], np.full((1, 1), z)) for z in grid]
            each = np.array([rows_of[0] for _, rows_of in parts])
            dense = scipy.special.logsumexp(each, axis=0) + np.log((grid[1] - grid[0]) / np.sqrt(2 * np.pi))
            truth.append(parts[0][0].item() + dense[task.rows.weights > 0].sum())
    np.testing.assert_allclose(values, truth, atol=0.1)


def test_two_latents_have_a_grid_of_points_and_many_have_one_point_each():
    random = np.random.default_rng(7)
    rows = {name: (random.uniform(size=30) < 0.5) * 1.0 for name in "ABCDE"}
    two = task_of("latent U, V ~ normal; A ~ bernoulli(U); B ~ bernoulli(U, V); C ~ bernoulli(V)", rows, "A", ENGINE)
    four = "; ".join(f"{name} ~ bernoulli(U{k}, U{(k + 1) % 4})" for k, name in enumerate("ABCD"))
    many = task_of(f"latent U0, U1, U2, U3 ~ normal; {four}", rows, "A", ENGINE)
    with float64():
        assert (marginal(two).points, marginal(many).points) == (25, 1)
        assert "each row's latents by 25 points of quadrature" in marginal(two).words
        assert "each row's latents by Laplace's approximation" in marginal(many).words


def test_equal_rows_are_integrated_once_and_count_as_often_as_they_occur():
    random = np.random.default_rng(11)
    u = random.normal(size=200_000)
    rows = {
        name: (random.uniform(size=len(u)) < scipy.special.expit(a * u)) * 1.0
        for name, a in zip("ABC", (1, 2, 1), strict=True)
    }
    model = "latent U ~ normal; A ~ bernoulli(U); B ~ bernoulli(U); C ~ bernoulli(U)"
    task = task_of(model, rows, "A", ENGINE)
    few = task_of(model, {name: column[:30] for name, column in rows.items()}, "A", ENGINE)
    with float64():
        assert (marginal(task).n_rows, marginal(task).points, marginal(task).rough is None) == (8, 9, False)
        u = few.starts(3)
        assert few.rows.expanded(few.names).n_stored == 30
        one_by_one = by_quadrature(few, few.rows.expanded(few.names), 9)(u)
        np.testing.assert_allclose(marginal(few).density(u), one_by_one, rtol=1e-12)
    posterior = ld.fit(model, rows, ld.Map(), progress=False)
    answers = ld.ask(posterior, "P(A=1)", "P(A=1, B=1)", "P(A=1, B=1, C=1)")
    both = [rows["A"], rows["A"] * rows["B"], rows["A"] * rows["B"] * rows["C"]]
    for answer, column in zip(answers, both, strict=True):
        assert answer.mean == pytest.approx(column.mean(), abs=0.003)


def test_many_rows_are_first_looked_at_in_a_sample():
    random = np.random.default_rng(8)
    x = random.normal(size=30_000)
    rows = {"X": x, "Y": (random.uniform(size=30_000) < scipy.special.expit(0.5 + x)) * 1.0}
    posterior = ld.fit("X ~ normal; Y ~ bernoulli(X)", rows, ENGINE, progress=False)
    draws = posterior.by_node["Y"].coefficients.reshape(-1, 2)
    # The width that 30,000 rows leave, and the truth within it.
    assert np.all(draws.std(axis=0) < 0.03)
    np.testing.assert_allclose((draws.mean(axis=0) - [0.5, 1.0]) / draws.std(axis=0), 0.0, atol=4)
    # A normal node's k-hat costs nothing however many rows it has.
    assert posterior.blocks[0].khat is not None


def test_a_k_hat_that_would_take_too_long_is_left_out_and_said_to_be(monkeypatch):
    monkeypatch.setattr("latentdo.inference.samplers.laplace.KHAT_CELLS", 1_000)
    posterior = ld.fit("X ~ bernoulli; Y ~ student(X)", family_rows("student"), ld.Laplace(draws=400), progress=False)
    line = next(line for line in posterior.plan.splitlines() if line.startswith("{Y}"))
    assert line.endswith("400 effective draws; with so many rows Pareto k-hat would take too long")


FAMILIES = {
    "X ~ table; Y ~ table(X)": "P(Y=1 | do(X=1))",
    "X ~ bernoulli; Y ~ student(X)": "E[Y | do(X=1)]",
    "X ~ bernoulli; Y ~ categorical(X)": "P(Y=1 | do(X=1))",
    "X ~ bernoulli; Y ~ hill(+X, max=10)": "E[Y | do(X=1)]",
    "X ~ bernoulli; Y ~ gamma(X)": "E[Y | do(X=1)]",
    "X ~ bernoulli; Y ~ bernoulli(X)": "E[Y | do(X=1)]",
    "latent C ~ bernoulli; X ~ bernoulli(C); M ~ normal(X); Y ~ normal(C, M)": "E[Y | do(X=1)]",
    "latent C ~ table(levels=[a, b]); X ~ table(C); M ~ table(X); Y ~ table(C, M)": "P(Y=1 | do(X=1))",
    "latent C ~ categorical(levels=[0, 1, 2]); X ~ bernoulli(C); M ~ bernoulli(X); Y ~ bernoulli(C, M)": "E[Y | do(X=1)]",
}


def family_rows(model, n=150):
    random = np.random.default_rng(9)
    chance = random.uniform(size=(4, n))
    c = chance[0] < 0.5
    x = (chance[1] < 0.3 + 0.4 * c) * 1.0
    m = (chance[2] < 0.2 + 0.6 * x) * 1.0 if "M ~ normal" not in model else x + random.normal(size=n)
    if re.search(r"Y ~ (table|categorical|bernoulli)", model):
        y = (chance[3] < 0.2 + 0.3 * c + 0.2 * m) * 1.0
    elif "student" in model:
        y = x + random.normal(size=n)
    else:
        y = random.gamma(4.0, 0.5 + 0.5 * x)
    return {"X": x, "M": m, "Y": y}


@pytest.mark.parametrize("model", FAMILIES)
def test_every_family_answers_about_as_the_plain_estimate_does(model):
    rows = family_rows(model)
    posterior = ld.fit(
        model, {name: rows[name] for name in "XMY" if f"{name} ~" in model}, ld.Laplace(), progress=False
    )
    answer = ld.ask(posterior, FAMILIES[model])
    x, m, y = rows["X"], rows["M"], rows["Y"]
    if "M ~" not in model:
        plain = y[x == 1].mean()
    elif "M ~ normal" in model:
        # The front door of lines: E[M | X] through the slope of Y on M given X.
        design = np.column_stack([np.ones_like(x), m, x])
        slope = np.linalg.lstsq(design, y, rcond=None)[0][1]
        plain = y.mean() + slope * (m[x == 1].mean() - m.mean())
    else:
        inner = [sum((y[(m == level) & (x == at)]).mean() * (x == at).mean() for at in (0, 1)) for level in (0, 1)]
        plain = inner[0] * (1 - m[x == 1].mean()) + inner[1] * m[x == 1].mean()
    # A table of measured nodes has a conjugate posterior, and needs no approximation.
    assert answer.approximate == (None if model == "X ~ table; Y ~ table(X)" else "Laplace approximation")
    assert abs(answer.mean - plain) < 0.6 * answer.sd + 0.02
    mode = ld.ask(
        ld.fit(posterior.spec, {n: rows[n] for n in posterior.spec.measured}, ld.Map(), progress=False), FAMILIES[model]
    )
    assert abs(mode.mean - answer.mean) < 0.6 * answer.sd + 0.02


def test_rotated_latents_leave_what_the_data_pin_down():
    random = np.random.default_rng(10)
    u, noise = random.normal(size=(2, 200)), random.normal(size=(4, 200))
    loadings = np.array([[1.0, 0.0], [1.0, 1.0], [0.5, -1.0], [0.0, 1.0]])
    rows = dict(zip("ABCD", loadings @ u + 0.7 * noise, strict=True))
    model = "latent U, V ~ normal; A ~ normal(U, V); B ~ normal(U, V); C ~ normal(U, V); D ~ normal(U, V)"
    posterior = ld.fit(model, rows, ld.Laplace(), progress=False)
    answers = ld.ask(posterior, *(f"E[{a} | {b} = 1]" for a, b in ("AB", "CD", "AD")))
    data = np.array([rows[name] for name in "ABCD"])
    covariance, mean = np.cov(data), data.mean(axis=1)
    for answer, (a, b) in zip(answers, ((0, 1), (2, 3), (0, 3)), strict=True):
        plain = mean[a] + covariance[a, b] / covariance[b, b] * (1 - mean[b])
        assert abs(answer.mean - plain) < 1.0 * answer.sd


def test_a_direction_that_a_symmetry_leaves_flat_stays_at_the_mode_and_is_told():
    """Bounds far out keep the loadings from being written in triangular form, and do not keep them from turning."""
    random = np.random.default_rng(12)
    u, noise = random.normal(size=(2, 120)), random.normal(size=(3, 120))
    rows = dict(zip("ABC", np.array([[1.0, 0.0], [1.0, 1.0], [0.5, -1.0]]) @ u + 0.6 * noise, strict=True))
    options = "U, V, weight=normal(0, 1, low=-50, high=50)"
    model = "latent U, V ~ normal; " + "; ".join(f"{name} ~ normal({options})" for name in "ABC")
    posterior = ld.fit(model, rows, ld.Laplace(), progress=False)
    (block,) = posterior.blocks
    assert block.why.startswith("1 direction is flat by a symmetry and stayed at the mode; weighted by the posterior, ")
    # Two loadings and an sd for each of three columns are more than their covariances tell: a poor Gaussian, and it says so.
    assert float(re.search(r"([\d.]+) % of such draws would count", block.why)[1]) < 20
    assert block.khat is not None
    answer = ld.ask(posterior, "E[A | B = 1]")
    covariance = np.cov(rows["A"], rows["B"])
    plain = rows["A"].mean() + covariance[0, 1] / covariance[1, 1] * (1 - rows["B"].mean())
    assert abs(answer.mean - plain) < answer.sd < 0.3


def test_known_and_noise_free_nodes_stay_exact():
    x = np.arange(30.0) / 10 - 1.4
    rows = {"X": x, "Y": 1 + 2 * x, "Z": np.sin(17 * x)}
    model = "X ~ normal(mean=0, sd=2); Y ~ linear(X); Z ~ normal(X)"
    for engine in (ld.Laplace(draws=400), ld.Map()):
        posterior = ld.fit(model, rows, engine, progress=False)
        kinds = [block.approximate for block in posterior.blocks]
        assert kinds[:2] == [None, None]
        assert kinds[2] is not None
        assert posterior.by_node["Y"].coefficients[0, 0] == pytest.approx([1.0, 2.0])
        assert [block.method.kind for block in posterior.blocks[:2]] == ["fixed", "least squares"]


def test_a_posterior_without_a_mode_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr("latentdo.inference.samplers.laplace.find_modes", lambda *_: ())
    with pytest.raises(ld.LatentdoError, match=r"No posterior mode of \{X\} was found .* Train it by ld\.Auto\(\)"):
        ld.fit("X ~ normal", {"X": [0.0, 1.0, 3.0]}, ld.Map(), progress=False)


def test_the_plan_tells_method_and_k_hat():
    posterior = ld.fit(FACTOR, factor_rows(), ld.Laplace(draws=400), progress=False)
    assert re.search(
        r"\{U, X, Y, Z\}: Laplace approximation at the posterior mode; APPROXIMATE: .*; Pareto k-hat \d\.\d\d.*; "
        r"400 effective draws; weighted by the posterior, [\d.]+ % of such draws would count",
        posterior.plan,
    )
    assert ld.fit(FACTOR, factor_rows(), ld.Laplace(draws=400), progress=False).plan == posterior.plan
