"""One equation as matrices, its closed form and its chains: against the general density, differences, integrals and grids."""

import numpy as np
import pytest
import scipy.special

import latentdo as ld
from latentdo.inference.runtime import float64
from latentdo.inference.samplers.conjugate import normal_posterior
from latentdo.inference.samplers.equation import Priors
from latentdo.inference.samplers.modes import Mode, newton
from latentdo.inference.samplers.near_gaussian import NearGaussian
from latentdo.inference.samplers.planner import train_block
from latentdo.inference.samplers.regression import equation_of, log_density_of
from latentdo.laws import LAWS
from tasks import raw_draws, task_of

RANDOM = np.random.default_rng(0)
A, B = RANDOM.normal(size=40), RANDOM.gamma(2.0, 1.0, size=40)
COLUMNS = {
    "normal": A + RANDOM.normal(size=40),
    "student": A + RANDOM.standard_t(3, size=40),
    "gamma": RANDOM.gamma(2.0, np.exp(0.3 * A)),
    "hill": 100.0 * scipy.special.expit(A) + RANDOM.normal(size=40),
    "bernoulli": (RANDOM.uniform(size=40) < 0.4) * 1.0,
    "categorical": RANDOM.permutation(np.arange(40) % 4),
}
BELIEFS = {
    "default": "Y ~ {}(A, B)",
    "signs": "Y ~ {}(+A, -B)",
    "product": "Y ~ {}(A, B, A:B, weight=cauchy(0, 2))",
    "splines": "Y ~ {}(s(A), B, s(B, k=4):A)",
    "bounded splines": "Y ~ {}(s(A, k=5), s(B, k=4), wiggle=uniform(0.1, 2), intercept=normal(0, 1, low=-3))",
    "a fixed wiggle": "Y ~ {}(s(A), B, wiggle=0.4)",
    "bounds": "Y ~ {}(A, B, weight=normal(0, 1, low=-1, high=2), intercept=0)",
}


def equation(model, rows, node="Y"):
    task = task_of(model, rows, node)
    return task, equation_of(task, task.rows)


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("family", COLUMNS)
def test_it_is_the_general_density_with_the_derivatives_of_differences(family, belief):
    if (family, belief) == ("categorical", "signs"):
        pytest.skip("a categorical node has no signs")
    model = "A ~ normal; B ~ gamma; " + BELIEFS[belief].format(family)
    with float64():
        task, found = equation(model, {"A": A, "B": B, "Y": COLUMNS[family]})
        u = task.starts(5)
        apart = log_density_of(task)(u) - found.log_density(u)
        _, gradient = found.slopes(u)
        steps = 1e-5 * np.eye(u.shape[1])
        by_differences = (found.log_density(u[0] + steps) - found.log_density(u[0] - steps)) / 2e-5
        curved = (found.slopes(u[0] + steps)[1] - found.slopes(u[0] - steps)[1]) / 2e-5
        hessian = found.curvature(u[0])
    assert np.ptp(apart) < 1e-9
    np.testing.assert_allclose(gradient[0], by_differences, atol=1e-7 * np.abs(gradient).max())
    np.testing.assert_allclose(hessian, curved, atol=1e-6 * np.abs(hessian).max())


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.continuous is not None])
def test_the_slope_and_curvature_of_every_prior_are_those_of_differences(name):
    arguments = np.array([[3.0, 1.3, 0.7]])
    priors, x = Priors((name,), arguments), np.array([0.4])
    value, slope = priors.slopes(x[None])
    given = arguments[0, : len(LAWS[name].parameters)]
    assert value[0, 0] == pytest.approx(LAWS[name].formulas.log_density(np, 0.4, *given))
    ends = np.array([[0.4 - 1e-5], [0.4 + 1e-5]])
    values, slopes = priors.slopes(ends)
    assert slope[0, 0] == pytest.approx(np.diff(values[:, 0])[0] / 2e-5, abs=1e-6)
    assert priors.curvature(x)[0] == pytest.approx(np.diff(slopes[:, 0])[0] / 2e-5, rel=1e-5, abs=1e-6)


def moments_of_a_normal_node(x, y, means, sds, log_prior_of_sd, grid):
    """Means and covariance of the coefficients, and mean and sd of the sd, by an integral over a grid of it."""
    log, centres, spreads = [], [], []
    for sd in grid:
        precision = x.T @ x / sd**2 + np.diag(1.0 / sds**2)
        centre = np.linalg.solve(precision, x.T @ y / sd**2 + means / sds**2)
        left = y @ y / sd**2 + means @ (means / sds**2) - centre @ precision @ centre
        log.append(-0.5 * left - 0.5 * np.linalg.slogdet(precision)[1] - len(y) * np.log(sd) + log_prior_of_sd(sd))
        centres.append(centre)
        spreads.append(np.linalg.inv(precision))
    weights = np.exp(np.array(log) - max(log))
    weights /= weights.sum()
    centres = np.array(centres)
    mean = weights @ centres
    covariance = np.einsum("s,sij->ij", weights, np.array(spreads) + np.einsum("si,sj->sij", centres, centres))
    sd_mean = weights @ grid
    return mean, covariance - np.outer(mean, mean), (sd_mean, np.sqrt(weights @ grid**2 - sd_mean**2))


def test_a_normal_node_with_normal_priors_has_the_posterior_of_an_integral():
    rows = {"A": A, "B": B, "Y": COLUMNS["normal"]}
    model = "A ~ normal; B ~ gamma; Y ~ normal(A, B, weight=normal(0.5, 0.3), intercept=normal(1, 2), sd=halfnormal(2))"
    task, found = equation(model, rows)
    u = normal_posterior(found, 40_000, np.random.default_rng(1))
    assert not isinstance(u, str)
    points = found.bounds(u)[0] @ found.place.T + found.place_offset
    raw = points[:, :3] @ np.asarray(task.numbers.nodes[0].to_raw).T
    x = np.column_stack([np.ones(40), A, B])
    priors = np.array([1.0, 0.5, 0.5]), np.array([2.0, 0.3, 0.3])
    mean, covariance, (sd_mean, sd_sd) = moments_of_a_normal_node(
        x, rows["Y"], *priors, lambda sd: -0.5 * (sd / 2) ** 2, np.linspace(0.3, 3.0, 2_000)
    )
    sds = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((raw.mean(axis=0) - mean) / sds, 0.0, atol=0.02)
    np.testing.assert_allclose(np.cov(raw.T) / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=0.03)
    assert points[:, 3].mean() == pytest.approx(sd_mean, abs=0.02 * sd_sd)
    assert points[:, 3].std() == pytest.approx(sd_sd, rel=0.03)


def test_with_a_known_sd_the_coefficients_are_drawn_alone():
    rows = {"A": A, "Y": COLUMNS["normal"]}
    task, found = equation("A ~ normal; Y ~ normal(A, weight=normal(0, 1), intercept=0, sd=2)", rows)
    u = normal_posterior(found, 40_000, np.random.default_rng(2))
    assert not isinstance(u, str)
    weight = (found.bounds(u)[0] @ found.place.T + found.place_offset) @ np.eye(3)[1]
    precision = A @ A / 4.0 + 1.0
    raw = weight * task.numbers.nodes[0].to_raw[1, 1]
    assert raw.mean() == pytest.approx(A @ rows["Y"] / 4.0 / precision, abs=0.02 * precision**-0.5)
    assert raw.std() == pytest.approx(precision**-0.5, rel=0.02)


@pytest.mark.parametrize("belief", ["signs", "product"])
def test_bounds_and_other_priors_have_no_closed_form(belief):
    _, found = equation("A ~ normal; B ~ gamma; " + BELIEFS[belief].format("normal"), {"A": A, "B": B, "Y": A + B})
    assert "bound or a prior" in normal_posterior(found, 10, np.random.default_rng(0))


def skewed(u):
    """A standard normal coordinate, and the log of an exponential one."""
    value = -0.5 * u[:, 0] ** 2 + u[:, 1] - np.exp(u[:, 1])
    return value, np.column_stack([-u[:, 0], 1.0 - np.exp(u[:, 1])])


def test_chains_around_a_mode_have_the_moments_of_the_density_and_not_of_the_approximation():
    chains = NearGaussian.start(skewed, Mode(np.zeros(2), -1.0, np.eye(2)), 16, (0,))
    chains.warm_up(100)
    chains.advance(2_000)
    u = chains.run().u.reshape(-1, 2)
    assert chains.run().n_warmup == 100
    assert u.mean(axis=0) == pytest.approx([0.0, -np.euler_gamma], abs=0.03)
    assert u.std(axis=0) == pytest.approx([1.0, np.pi / np.sqrt(6)], rel=0.03)


def test_chains_that_are_taken_up_again_draw_the_same():
    mode = Mode(np.zeros(2), -1.0, np.eye(2))
    chains = NearGaussian.start(skewed, mode, 4, (7,))
    chains.warm_up(20)
    chains.advance(20)
    other = NearGaussian.start(skewed, mode, 4, (7,))
    other.restore({name: np.asarray(part) for name, part in chains.state().items()})
    for each in (chains, other):
        each.advance(20)
    np.testing.assert_array_equal(chains.run().u, other.run().u)
    assert chains.run().acceptance == other.run().acceptance


def test_exact_derivatives_lead_to_the_mode_also_from_where_the_density_curves_upwards():
    def derivatives(u):
        x = u[0]
        slope = -4.0 * x / (1.0 + x**2)
        return -2.0 * np.log1p(x**2), np.array([slope]), np.array([[4.0 * (x**2 - 1.0) / (1.0 + x**2) ** 2]])

    mode = newton(lambda u: -2.0 * np.log1p(u[:, 0] ** 2), derivatives, np.array([30.0]))
    assert mode is not None
    assert mode.point == pytest.approx([0.0], abs=1e-4)
    assert mode.axes[0, 0] == pytest.approx(0.5, rel=1e-3)


def test_signs_that_the_data_agree_with_change_nothing():
    random = np.random.default_rng(5)
    x = random.normal(size=(600, 70))
    rows = {f"X{k}": x[:, k] for k in range(70)} | {"Y": x.sum(axis=1) + random.normal(size=600)}
    parents = "; ".join(f"X{k} ~ normal" for k in range(70))
    signed, free = (
        train_block(
            task_of(f"{parents}; Y ~ normal({', '.join(f'{sign}X{k}' for k in range(70))})", rows, "Y"), ld.Auto()
        )
        for sign in ("+", "")
    )
    assert signed.method.kind == "ensemble HMC"
    assert free.method.kind == "conjugate"
    assert signed.certified
    assert free.certified
    (ours, own), (exact, exact_own) = raw_draws(signed, "Y"), raw_draws(free, "Y")
    np.testing.assert_allclose((ours.mean(axis=0) - exact.mean(axis=0)) / exact.std(axis=0), 0.0, atol=0.1)
    np.testing.assert_allclose(ours.std(axis=0) / exact.std(axis=0), 1.0, atol=0.07)
    assert own["sd"].mean() == pytest.approx(exact_own["sd"].mean(), abs=0.1 * exact_own["sd"].std())


def test_levels_without_parents_have_the_shares_of_their_counts():
    counts = RANDOM.integers(20, 60, size=90)
    rows = {"C": np.repeat(np.arange(90), counts)}
    block = train_block(
        task_of(f"C ~ categorical(levels={list(range(90))}, intercept=normal(0, 50))", rows, "C"), ld.Auto()
    )
    assert block.certified
    odds = np.exp(np.column_stack([np.zeros(4_000), raw_draws(block, "C")[0]]))
    shares = odds / odds.sum(axis=1, keepdims=True)
    # Under a nearly flat prior of log odds the shares are Dirichlet(counts).
    mean = counts / counts.sum()
    sd = np.sqrt(mean * (1.0 - mean) / counts.sum())
    np.testing.assert_allclose((shares.mean(axis=0) - mean) / sd, 0.0, atol=0.12)
    np.testing.assert_allclose(shares.std(axis=0) / sd, 1.0, atol=0.08)
