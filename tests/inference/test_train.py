"""Training against posteriors that are known: conjugate regressions, and marginal likelihoods on a grid."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.inference.likelihood.task import padded_size
from shared_fits import NAPKIN, front_door_rows, napkin_rows


def quiet_fit(text, rows, engine=None, seed=0):
    return ld.fit(ld.model(text), rows, engine, seed=seed, progress=False)


def draws_of(posterior, label):
    return dict(posterior.parameters)[label]


def assert_same_law(draws, mean, sd):
    """Within 4 Monte Carlo standard errors of a known mean and sd (of the sd: 1 / sqrt(2 ESS), roughly)."""
    from latentdo.inference.blocks.diagnostics import ess

    n = ess(draws)
    assert n > 400
    assert draws.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(n))
    assert draws.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * n) + 0.02)


REGRESSION = "X ~ normal; Y ~ normal(X, weight=normal(0.5, 0.4), intercept=normal(1, 2), sd=1.3)"


def conjugate(x, y):
    """Posterior of (intercept, slope) under the priors of REGRESSION: Gaussian, in closed form."""
    design = np.column_stack([np.ones_like(x), x])
    precision = design.T @ design / 1.3**2 + np.diag([1 / 2**2, 1 / 0.4**2])
    mean = np.linalg.solve(precision, design.T @ y / 1.3**2 + np.array([1 / 2**2, 0.5 / 0.4**2]))
    return mean, np.sqrt(np.diag(np.linalg.inv(precision)))


@pytest.mark.parametrize(
    "engine",
    [ld.Auto(), pytest.param(ld.Nuts(draws=500, warmup=300, chains=4), marks=pytest.mark.sample)],
    ids=["auto", "nuts"],
)
def test_a_regression_has_its_conjugate_posterior(engine):
    random = np.random.default_rng(0)
    x = random.normal(20, 3, 40)  # far from 0: raw intercept and slope are correlated at -0.99
    y = 2 + 0.7 * x + 1.3 * random.normal(size=40)
    posterior = quiet_fit(REGRESSION, {"X": x, "Y": y}, engine)
    mean, sd = conjugate(x, y)
    assert_same_law(draws_of(posterior, "intercept(Y)"), mean[0], sd[0])
    assert_same_law(draws_of(posterior, "X -> Y"), mean[1], sd[1])


@pytest.mark.sample
def test_equal_rows_count_as_often_as_they_occur():
    x = np.repeat([19.0, 20.0, 21.5, 24.0], 10)
    y = np.tile([15.0, 16.5, 18.0, 17.0, 16.0], 8)
    posterior = quiet_fit(REGRESSION, {"X": x, "Y": y})
    mean, sd = conjugate(x, y)
    assert_same_law(draws_of(posterior, "X -> Y"), mean[1], sd[1])


@pytest.mark.sample
def test_a_hidden_cause_of_two_normal_nodes_has_its_marginal_posterior():
    """All but one weight fixed: the posterior is one-dimensional and the latent integrates out in closed form."""
    text = (
        "latent U ~ normal; X ~ normal(U, weight=1.2, intercept=0, sd=0.4);"
        "Y ~ normal(U, weight=normal(0, 2), intercept=0, sd=0.3)"
    )
    random = np.random.default_rng(1)
    u = random.normal(size=30)
    x, y = 1.2 * u + 0.4 * random.normal(size=30), 0.9 * u + 0.3 * random.normal(size=30)
    posterior = quiet_fit(text, {"X": x, "Y": y})
    grid = np.linspace(-0.5, 2.5, 3001)
    logs = scipy.stats.norm(0, 2).logpdf(grid)
    for k, b in enumerate(grid):
        covariance = [[1.2**2 + 0.4**2, 1.2 * b], [1.2 * b, b**2 + 0.3**2]]
        logs[k] += scipy.stats.multivariate_normal([0, 0], covariance).logpdf(np.column_stack([x, y])).sum()
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ grid
    assert_same_law(draws_of(posterior, "U -> Y"), mean, np.sqrt(weights @ (grid - mean) ** 2))


def test_a_hidden_cause_of_mixed_nodes_has_its_marginal_posterior():
    """Hill, gamma and bernoulli children: the latent is integrated by Gauss-Hermite quadrature, the weight on a grid."""
    text = (
        "latent U ~ normal; A ~ hill(U, weight=0.8, intercept=0.2, sd=4);"
        "B ~ gamma(U, weight=0.5, intercept=1, shape=3); C ~ bernoulli(U, weight=normal(0, 2), intercept=-0.3)"
    )
    random = np.random.default_rng(2)
    u = random.normal(size=40)
    a = 100 / (1 + np.exp(-(0.2 + 0.8 * u))) + 4 * random.normal(size=40)
    b = random.gamma(3, np.exp(1 + 0.5 * u) / 3)
    c = (random.uniform(size=40) < 1 / (1 + np.exp(0.3 - 1.5 * u))).astype(float)
    posterior = quiet_fit(text, {"A": a, "B": b, "C": c})
    nodes, quadrature = np.polynomial.hermite_e.hermegauss(201)
    quadrature = quadrature / quadrature.sum()
    fixed = scipy.stats.norm(100 / (1 + np.exp(-(0.2 + 0.8 * nodes))), 4).pdf(a[:, None])
    fixed = fixed * scipy.stats.gamma(3, scale=np.exp(1 + 0.5 * nodes) / 3).pdf(b[:, None])
    grid = np.linspace(-2, 8, 1001)
    logs = scipy.stats.norm(0, 2).logpdf(grid)
    for k, w in enumerate(grid):
        chance = 1 / (1 + np.exp(0.3 - w * nodes))
        logs[k] += np.log((fixed * np.where(c[:, None] == 1, chance, 1 - chance)) @ quadrature).sum()
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ grid
    assert_same_law(draws_of(posterior, "U -> C"), mean, np.sqrt(weights @ (grid - mean) ** 2))


@pytest.mark.sample
def test_a_single_signed_weight_leaves_no_chain_in_the_mirror_image():
    """Two weights on a grid, the latent integrated out: with b > 0 the posterior of a has one side only."""
    text = (
        "latent U ~ normal; A ~ normal(U, weight=normal(0, 2), intercept=0, sd=0.5);"
        "B ~ normal(+U, weight=normal(0, 2), intercept=0, sd=1.5)"
    )
    random = np.random.default_rng(7)
    u = random.normal(size=40)
    a_column, b_column = -2 * u + 0.5 * random.normal(size=40), 0.8 * u + 1.5 * random.normal(size=40)
    posterior = quiet_fit(text, {"A": a_column, "B": b_column})
    a, b = np.meshgrid(np.linspace(-4, 4, 401), np.linspace(0.005, 4, 300), indexing="ij")
    logs = -0.5 * (a**2 + b**2) / 4
    va, vb, cov = a**2 + 0.25, b**2 + 2.25, a * b
    det = va * vb - cov**2
    for x, y in zip(a_column, b_column, strict=True):
        logs += -0.5 * np.log(det) - 0.5 * (vb * x**2 - 2 * cov * x * y + va * y**2) / det
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    for label, grid in (("U -> A", a), ("U -> B", b)):
        mean = (weights * grid).sum()
        assert_same_law(draws_of(posterior, label), mean, np.sqrt((weights * (grid - mean) ** 2).sum()))
    assert draws_of(posterior, "U -> B").min() >= 0


def test_what_the_data_pin_down_converges(front_door, napkin):
    for posterior in (front_door, napkin):
        assert posterior.converged
        assert {d.name for d in posterior.diagnostics} >= {"mean(X)", "sd(Y)", "cov(X, Y)"}
        assert all(block.n_divergent < 0.01 * block.n_made * 16 for block in posterior.blocks)


def test_identified_questions_are_near_their_truths(front_door, napkin):
    """Within 4 posterior sds: a wrong formula or a lost confounder is off by far more (the naive slope is 1.5)."""
    slope = ld.ask(front_door, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    assert abs(slope.mean - 0.72) < 4 * slope.sd < 0.72
    effect = ld.ask(napkin, "E[Y | do(X=1)]")
    assert abs(effect.mean - 3.2) < 4 * effect.sd


def test_the_posterior_is_kept_by_block_with_chain_and_draw_axes(napkin):
    assert [block.block.nodes for block in napkin.blocks] == [("U", "V", "W", "X", "Y"), ("R",)]
    for block in napkin.blocks:
        for _, draws in block.draws:
            assert draws.coefficients.shape[:2] == (napkin.n_chains, napkin.n_draws)
    assert pickle.loads(pickle.dumps(napkin)).by_node["R"].coefficients.tobytes() == (
        napkin.by_node["R"].coefficients.tobytes()
    )


@pytest.mark.sample
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    rows = {name: values for name, values in front_door_rows(30).items() if name != "Y"}
    text = "X ~ normal; M ~ normal(X)"
    one, two, three = (quiet_fit(text, rows, seed=seed) for seed in (3, 3, 4))
    assert draws_of(one, "X -> M").tobytes() == draws_of(two, "X -> M").tobytes()
    assert not np.array_equal(draws_of(one, "X -> M"), draws_of(three, "X -> M"))


def test_a_run_that_is_too_short_says_so_and_the_answer_repeats_it():
    posterior = quiet_fit(NAPKIN, napkin_rows(), ld.Auto(max_steps=200))
    assert not posterior.converged
    answer = ld.ask(posterior, "E[Y | do(X=1)]")
    assert any("did not converge" in warning for warning in answer.warnings)
    assert "NOT CONVERGED" in str(posterior)


def test_noise_free_and_collinear_columns_are_found_and_named():
    """L is declared linear and solved; M is declared normal and fitted with a floor; Y has three parents of one dimension."""
    random = np.random.default_rng(4)
    x = random.normal(50, 10, 60)
    rows = {"X": x, "L": 20 - 0.1 * x, "M": 3 + 0.2 * x, "Y": 0.4 * x + random.normal(size=60)}
    posterior = quiet_fit("X ~ normal; L ~ linear(X); M ~ normal(X); Y ~ normal(L, M)", rows)
    assert posterior.by_node["L"].coefficients[3, 5] == pytest.approx([20, -0.1])
    assert any("M is an exact function of X" in warning for warning in posterior.warnings)
    assert any("parents of Y are collinear" in warning for warning in posterior.warnings)
    assert draws_of(posterior, "sd(M)").min() >= 0.05 * rows["M"].std(ddof=1)
    answer = ld.ask(posterior, "E[Y | do(X=60)] - E[Y | do(X=50)]")
    assert answer.mean == pytest.approx(4.0, abs=4 * answer.sd)
    # The graph alone would tell the two routes to Y apart; the data, in which both are X, do not.
    assert posterior.functional == {"L": ("X",), "M": ("X",)}
    with pytest.raises(ld.NotIdentifiedError, match="functional dependence: L is a function of X; M is a") as caught:
        ld.ask(posterior, "E[Y | do(M=12)]")
    assert not caught.value.verdict.proved
    insisted = ld.ask(posterior, "E[Y | do(M=12)]", allow_unidentified=True)
    assert any("not nonparametrically identified" in warning for warning in insisted.warnings)
    assert "Functions  L of X: verdicts treat it as one" in posterior.summary()


def test_a_linear_node_that_does_not_fit_is_refused():
    random = np.random.default_rng(3)
    x = random.normal(50, 10, 60)
    rows = {"X": x, "Y": 0.4 * x + random.normal(size=60)}
    with pytest.raises(ld.LatentdoError, match=r"Y is declared linear .* leave a residual of .* Declare it normal"):
        quiet_fit("X ~ normal; Y ~ linear(X)", rows)


@pytest.mark.parametrize(
    ("equation", "said"),
    [
        ("L ~ linear(+X)", r"gives X -> L = -0\.1, which the model does not allow \(sign \+\)"),
        ("L ~ linear(X, weight=0.3)", r"which the model does not allow \(0\.3\)"),
        ("L ~ linear(X, intercept=normal(0, 1, high=5))", r"gives intercept\(L\) = 20, which .* high=5"),
    ],
)
def test_a_linear_node_keeps_to_what_the_user_allows(equation, said):
    x = np.random.default_rng(3).normal(50, 10, 60)
    with pytest.raises(ld.LatentdoError, match=said):
        quiet_fit(f"X ~ normal; {equation}", {"X": x, "L": 20 - 0.1 * x})


def test_an_event_at_the_very_value_of_a_noise_free_node_is_decided_exactly():
    x = np.random.default_rng(1).normal(size=60)
    posterior = quiet_fit("X ~ normal; Y ~ linear(X)", {"X": x, "Y": 2 * x + 1}, ld.Auto(max_steps=200))
    chances = [ld.ask(posterior, f"P(Y {op} 1 | do(X=0))").mean for op in ("<", "<=", ">", ">=")]
    assert chances == [0.0, 1.0, 0.0, 1.0]


@pytest.mark.sample
@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_the_unit_of_a_column_changes_the_unit_of_the_answer_alone(unit):
    random = np.random.default_rng(2)
    x, noise = random.normal(size=(2, 60))
    posterior = quiet_fit("X ~ normal; Y ~ normal(X)", {"X": x, "Y": (x + noise) * unit})
    assert posterior.converged
    answer = ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    slope, error = np.polyfit(x, x + noise, 1, cov=True)
    assert answer.mean / unit == pytest.approx(slope[0], abs=0.3 * np.sqrt(error[0, 0]))


def test_a_value_far_from_all_others_is_told():
    x = np.random.default_rng(3).normal(size=60)
    rows = {"X": x, "Y": np.where(np.arange(60) == 3, 1e9, x)}
    report = ld.check("X ~ normal; Y ~ normal(X)", rows)
    (caution,) = report.cautions
    assert caution.startswith("in Y, 1 cell lies more than 8 robust standard deviations from the median")
    assert "1e+09" in caution
    assert "the family student has longer tails (Y ~ student(…))" in caution


@pytest.mark.parametrize(("value", "said"), [(84.0, False), (115.0, False), (135.0, True)])
def test_a_slip_in_a_normal_column_is_told_from_eight_robust_sds_on(value, said):
    random = np.random.default_rng(5)
    age = random.normal(50.0, 10.0, size=200)
    score = 42.0 + 0.5 * (age - 50.0) + random.normal(0.0, 8.7, size=200)
    score[7] = value
    report = ld.check("Age ~ normal; Score ~ normal(Age)", {"Age": age, "Score": score})
    assert bool(report.cautions) is said


def test_a_long_tail_that_comes_from_a_parent_is_no_slip():
    random = np.random.default_rng(5)
    dose = np.exp(random.normal(size=300))
    rows = {"Dose": dose, "Y": 3.0 * dose + random.normal(size=300)}
    assert ld.check("Dose ~ gamma; Y ~ normal(Dose)", rows).cautions == ()


def test_a_column_without_measurable_spread_is_refused():
    with pytest.raises(ld.LatentdoError, match=r"Column X runs from .*: its spread is too small .* Change its unit"):
        ld.check("X ~ normal", {"X": [1e-200, 2e-200, 5e-200]})


def test_the_questions_of_a_study_are_judged_with_the_fit():
    study = ld.load_study(
        "model: |\n  X ~ normal\n  Y ~ normal(X)\nqueries:\n  a: E[Y | do(X=1)]\n  b: P(Y | do(X))\n  c: P(Y > 0 | do(X=0))\n"
    )
    random = np.random.default_rng(6)
    x = random.normal(size=40)
    posterior = ld.fit(study, {"X": x, "Y": x + random.normal(size=40)}, ld.Auto(max_steps=400), progress=False)
    judged = [diagnostic.name for diagnostic in posterior.diagnostics]
    assert judged[-2:] == ["E[Y | do(X=1)]", "P(Y > 0 | do(X=0))"], "b has no value to judge"
    assert [name for name, _ in posterior.queries] == ["a", "b", "c"]


def test_values_of_a_study_are_checked_before_training():
    study = ld.load_study("model: |\n  X ~ bernoulli\n  Y ~ normal(X)\nqueries:\n  a: E[Y | do(X=0.5)]\n")
    with pytest.raises(ld.LatentdoError, match=r"X is bernoulli: its values are 0 and 1, not 0\.5"):
        ld.fit(study, {"X": [0, 1, 1], "Y": [1.0, 2.0, 3.0]}, progress=False)


def test_a_model_without_measured_nodes_is_refused():
    with pytest.raises(ld.LatentdoError, match="Every node of the model is latent"):
        quiet_fit("latent U ~ normal", {"X": [1.0, 2.0]})


def test_sizes_are_padded_to_few_shapes():
    sizes = [padded_size(n) for n in range(1, 1000)]
    assert all(size >= n for n, size in enumerate(sizes, start=1))
    assert all(size <= max(16, 1.5 * n) for n, size in enumerate(sizes, start=1))
    assert len(set(sizes)) <= 26


@pytest.mark.slow
@pytest.mark.parametrize("name", ["front door", "napkin"])
def test_nuts_agrees_with_the_default_engine(name, front_door, napkin):
    posterior = {"front door": front_door, "napkin": napkin}[name]
    rows = {"front door": front_door_rows, "napkin": napkin_rows}[name]()
    long = ld.fit(posterior.spec, rows, ld.Nuts(draws=2000, warmup=1000), progress=False)
    for query in ("E[Y | do(X=1)]", "E[Y | do(X=1)] - E[Y | do(X=0)]", "P(Y > 1 | do(X=0))"):
        ours, reference = ld.ask(posterior, query), ld.ask(long, query)
        assert abs(ours.mean - reference.mean) < max(0.1 * reference.sd, 4 * np.hypot(ours.mcse, reference.mcse))
        assert ours.sd == pytest.approx(reference.sd, rel=0.1)


@pytest.mark.parametrize(
    "latent", ["latent U ~ normal(X)", "latent U ~ linear(X)", "latent U ~ normal(X); latent V ~ normal(U)"]
)
def test_latents_that_nothing_measured_depends_on_are_trained_too(latent):
    random = np.random.default_rng(3)
    posterior = ld.fit(f"{latent}; X ~ normal", {"X": random.normal(size=30)}, ld.Auto(max_steps=400))
    assert np.isfinite(posterior.by_node["U"].coefficients).all()


def test_an_approximation_that_has_not_settled_has_not_converged():
    random = np.random.default_rng(4)
    posterior = ld.fit("X ~ normal", {"X": random.normal(size=30)}, ld.Svi(steps=5, draws=1000))
    assert not posterior.converged
    assert posterior.doubt == "{X}: variational approximation, not yet settled; ask for more steps"
