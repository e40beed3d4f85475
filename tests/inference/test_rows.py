"""The log likelihood of rows with latents integrated out, against sums and integrals over fine grids by SciPy's laws."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats as stats
from scipy.special import expit, log_softmax, logsumexp

import latentdo as ld
from handmade_fits import handmade
from latentdo.errors import DataError, SpecError, UnsupportedError
from latentdo.inference.likelihood import pointwise
from latentdo.inference.likelihood.coreset import coreset
from latentdo.inference.likelihood.density import unpack
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.likelihood.task import Task
from latentdo.inference.posterior import row_likelihood
from latentdo.inference.runtime import float64
from latentdo.models import ModelSpec
from latentdo.models.build import NUMPY
from small_blocks import predictor
from tasks import task_of

Row = Mapping[str, float]
Parameters = Mapping[str, tuple[np.ndarray, Mapping[str, float]]]

OUTCOMES = ["normal", "bernoulli", "gamma", "hill", "student"]
ONE = "latent U ~ normal; X ~ bernoulli(U); Y ~ {}(X, U)"
TWO = "latent U ~ normal; latent V ~ normal; X ~ bernoulli(U); Y ~ {}(U, V); Z ~ normal(V)"
CLASSES = "latent C ~ bernoulli; X ~ normal(C); Y ~ gamma(C, X); Z ~ bernoulli(C)"
CLASSES_AND_MORE = "latent C ~ bernoulli; latent U ~ normal; X ~ normal(C, U); Y ~ bernoulli(C, U)"


def table(model: str, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Columns that have something in common, as their families allow."""
    random = np.random.default_rng([seed, 7])
    common = random.standard_normal(n)
    columns = {}
    for node in (spec := ld.model(model)).measured:
        x = 0.8 * common + random.standard_normal(n)
        draw = {
            "bernoulli": lambda x=x: 1.0 * (x > 0),
            "gamma": lambda x=x: np.exp(0.5 * x),
            "hill": lambda x=x: 100.0 * expit(x) + random.normal(0.0, 5.0, n),
            "student": lambda: common + random.standard_t(3, n),
        }
        columns[node] = draw.get(spec[node].family.name, lambda x=x: 2.0 + x)()
    return columns


def log_law(spec: ModelSpec, node: str, y: Any, eta: Any, own: Mapping[str, float]) -> Any:
    """The log density of a node by SciPy."""
    match spec[node].family.name:
        case "normal":
            return stats.norm.logpdf(y, eta, own["sd"])
        case "bernoulli":
            return stats.bernoulli.logpmf(y, expit(eta))
        case "gamma":
            return stats.gamma.logpdf(y, own["shape"], scale=np.exp(eta) / own["shape"])
        case "hill":
            return stats.norm.logpdf(y, 100.0 * expit(eta), own["sd"])
        case "student":
            return stats.t.logpdf(y, own["df"], eta, own["scale"])
        case name:
            raise AssertionError(name)


def brute(spec: ModelSpec, parameters: Parameters, row: Row, n: int = 401) -> float:
    """The log likelihood of a row: sums over levels, and the trapezium rule where the normal latents may lie."""
    discrete = [latent for latent in spec.latent if spec[latent].family.points]
    noisy = [latent for latent in spec.latent if latent not in discrete]
    totals = []
    for levels in itertools.product([0.0, 1.0], repeat=len(discrete)):
        known = {**row, **dict(zip(discrete, levels, strict=True))}
        totals.append(_integral(spec, parameters, known, noisy, n))
    return float(logsumexp(totals))


def _integral(spec: ModelSpec, parameters: Parameters, known: Row, noisy: list[str], n: int) -> float:
    """On a grid of the noise, laid anew along the axes of what was found on the last one."""
    centre, root = np.zeros(len(noisy)), np.eye(len(noisy))
    grid = np.array(list(itertools.product(np.linspace(-9.0, 9.0, n), repeat=len(noisy)))).reshape(
        n ** len(noisy), len(noisy)
    )
    log_cell = len(noisy) * np.log(18.0 / (n - 1))
    result = 0.0
    for _ in range(4 if noisy else 1):
        noise = centre + grid @ root.T
        values: dict[str, Any] = {**known, **dict(zip(noisy, noise.T, strict=True))}
        total = np.full(len(grid), log_cell + float(np.linalg.slogdet(root).logabsdet))
        for node in spec.graph.topological_order():
            raw, own = parameters[node]
            total = total + log_law(spec, node, values[node], predictor(spec, node, raw, values), own)
        result = float(np.asarray(logsumexp(total)))
        weights = np.exp(total - result)
        centre = weights @ noise
        # Never narrower than what the last grid could see.
        seen = (root / (n - 1) * 9.0) @ (root / (n - 1) * 9.0).T
        root = np.linalg.cholesky((noise - centre).T @ (weights[:, None] * (noise - centre)) + seen)
    return result


def at_point(task: Task, u: np.ndarray) -> Parameters:
    values: Any = zip(task.block.nodes, unpack(NUMPY, task.layout, task.priors, u), strict=True)
    return {node: (np.asarray(at.raw), {k: float(v) for k, v in at.parameters.items()}) for node, at in values}


def at_draw(posterior: ld.Posterior, draw: int) -> dict[str, Any]:
    return {
        node: (
            own.coefficients.reshape(-1, own.coefficients.shape[-1])[draw],
            {name: float(values.reshape(-1)[draw]) for name, values in own.parameters},
        )
        for node, own in posterior.by_node.items()
    }


def rows_of(columns: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    return [dict(zip(columns, map(float, values), strict=True)) for values in zip(*columns.values(), strict=True)]


def likelihood_of(model: str, n: int = 8) -> tuple[Task, RowLikelihood]:
    task = task_of(model, table(model, n), "X")
    return task, RowLikelihood(task, task.cells, np.asarray(task.cells.weights))


def points(task: Task, n: int, spread: float) -> np.ndarray:
    return spread * np.random.default_rng(3).standard_normal((n, task.layout.n_free))


# One block, at free coordinates: up to a constant of each row


@pytest.mark.parametrize(
    ("model", "family", "n_grid"),
    [
        *((ONE, family, 401) for family in OUTCOMES),
        *((TWO, family, 181) for family in ("gamma", "student")),
    ],
)
def test_quadrature_is_the_integral_and_knows_its_error(model: str, family: str, n_grid: int):
    task, rows = likelihood_of(model.format(family), 5)
    near, far = points(task, 5, 0.4), points(task, 5, 1.5)
    cells = rows_of(dict(rows.data.columns))
    u = np.concatenate([near, far])
    exact = np.array([[brute(task.spec, at_point(task, point), row, n_grid) for row in cells] for point in u])
    with float64():
        off = (rows.parts(u)[1] - exact) @ rows.counts
        error = rows.error(u)
    off = off - np.median(off)
    assert np.abs(off[:5]).max() < 0.02
    assert np.abs(off).max() <= 1.5 * error + 1e-5


@pytest.mark.parametrize("model", [CLASSES, CLASSES_AND_MORE])
def test_discrete_latents_are_summed_out(model: str):
    task, rows = likelihood_of(model, 12)
    u = points(task, 5, 0.7)
    exact = [[brute(task.spec, at_point(task, point), row) for row in rows_of(dict(rows.data.columns))] for point in u]
    with float64():
        off = rows.parts(u)[1] - np.array(exact)
    assert np.ptp(off, axis=0).max() < (1e-4 if task.layout.n_noise else 1e-9)


def test_a_few_weighted_rows_stand_for_all_at_other_draws():
    task, rows = likelihood_of(ONE.format("normal"), 900)
    near = points(task, 400, 0.08)
    with float64():
        few = coreset(rows, near[:300])
        core = RowLikelihood(task, few.data, few.counts)
        off = core.sums(near[300:])[1] - rows.sums(near[300:])[1]
    assert (few.counts > 0).all()
    assert len(few.counts) <= 120
    assert few.counts.sum() == pytest.approx(900.0, rel=1e-5)
    assert few.error < 0.05
    assert np.std(off) < 0.1


# A fit, at its draws: complete densities


@pytest.mark.parametrize(
    "model", [*(ONE.format(family) for family in OUTCOMES), TWO.format("gamma"), CLASSES, CLASSES_AND_MORE]
)
def test_log_likelihood_is_a_complete_density(model: str):
    columns = table(model, 60)
    posterior = ld.fit(model, columns, ld.Map(), progress=False)
    got = posterior.log_likelihood()
    assert got.shape == (1, 60)
    exact = [brute(posterior.spec, at_draw(posterior, 0), row, 201) for row in rows_of(columns)[:8]]
    assert np.allclose(got[0, :8], exact, atol=2e-3)


@pytest.mark.parametrize("model", [*(ONE.format(family) for family in OUTCOMES), TWO.format("hill")])
def test_it_is_exact_where_hidden_causes_are_strong(model: str):
    """A saturating outcome leaves a shelf as wide as the prior, one with heavy tails a second peak."""
    columns = table(model, 40)
    posterior = ld.fit(model, columns, ld.Map(), progress=False)
    hidden = set(posterior.spec.latent)

    def strong(node: str, own: Any) -> Any:
        weights = posterior.spec[node].weights
        scales = np.array([1.0, *(4.0 if hidden & set(weight.parents) else 1.0 for weight in weights)])
        return replace(own, coefficients=own.coefficients * scales)

    blocks = [
        replace(block, draws=tuple((node, strong(node, own)) for node, own in block.draws))
        for block in posterior.blocks
    ]
    posterior = replace(posterior, blocks=tuple(blocks))
    exact = [brute(posterior.spec, at_draw(posterior, 0), row, 301) for row in rows_of(columns)]
    assert posterior.log_likelihood()[0].sum() == pytest.approx(sum(exact), abs=0.01)


def test_log_likelihood_of_a_gaussian_model_is_that_of_its_covariance(front_door: ld.Posterior):
    data = front_door.data
    assert data is not None
    index = np.array([0, 7, 100])
    got = front_door.log_likelihood(draws=index)
    names = tuple(front_door.spec.measured)
    for k, draw in enumerate(index):
        parameters = at_draw(front_door, int(draw))
        means: dict[str, np.ndarray] = {}
        # Each node as a combination of a one and the noise of every node.
        order = front_door.spec.graph.topological_order()
        for i, node in enumerate(order):
            raw, own = parameters[node]
            means[node] = raw[0] * np.eye(1 + len(order))[0] + own["sd"] * np.eye(1 + len(order))[i + 1]
            for weight, slope in zip(front_door.spec[node].weights, raw[1:], strict=True):
                means[node] = means[node] + slope * means[weight.parents[0]]
        whole = np.array([means[name] for name in names])
        columns = np.column_stack([data.column(name) for name in names])
        logs: Any = stats.multivariate_normal.logpdf(columns, whole[:, 0], whole[:, 1:] @ whole[:, 1:].T)  # type: ignore[arg-type]
        assert np.allclose(got[k], logs, atol=1e-9)


def test_levels_tables_and_noiseless_nodes():
    model = "A ~ bernoulli; T ~ table(A); C ~ categorical(A); Z ~ normal(C); W ~ linear(Z)"
    random = np.random.default_rng(0)
    a = 1.0 * (random.uniform(size=80) < 0.4)
    t, c = random.choice(["p", "q", "r"], 80), random.choice(["u", "v", "w"], 80)
    z = random.normal(size=80)
    posterior = ld.fit(
        model, {"A": a, "T": t, "C": c, "Z": z, "W": 1.0 + 2.0 * z}, ld.Laplace(draws=50), progress=False
    )
    got = posterior.log_likelihood(draws=[3])[0]
    own = at_draw(posterior, 3)
    at_t, at_c = np.searchsorted(["p", "q", "r"], t), np.searchsorted(["u", "v", "w"], c)
    chances = own["T"][0].reshape(2, 3)[a.astype(int), at_t]
    etas = np.array([np.zeros(80), *(b[0] + b[1] * a for b in own["C"][0].reshape(2, 2))])
    logs = stats.bernoulli.logpmf(a, expit(own["A"][0][0])) + np.log(chances)
    logs += log_softmax(etas, axis=0)[at_c, np.arange(80)]
    effect = np.array([0.0, *own["Z"][0][1:]])[at_c]
    logs += stats.norm.logpdf(z, own["Z"][0][0] + effect, own["Z"][1]["sd"])
    assert np.allclose(got, logs, atol=1e-9)


def test_a_hidden_cause_with_heavy_tails_is_complete():
    model = "latent U ~ student; X ~ normal(U); Y ~ bernoulli(U)"
    columns = table(model, 60)
    posterior = ld.fit(model, columns, ld.Map(), progress=False)
    got = posterior.log_likelihood()[0, :8]
    spec, own = posterior.spec, at_draw(posterior, 0)
    grid = np.linspace(-200.0, 200.0, 200_001)
    for value, row in zip(got, rows_of(columns), strict=False):
        total = stats.t.logpdf(grid, 4.0) + np.log(grid[1] - grid[0])
        for node in ("X", "Y"):
            total = total + log_law(spec, node, row[node], own[node][0][0] + own[node][0][1] * grid, own[node][1])
        assert value == pytest.approx(logsumexp(total), abs=0.02)


# Which rows and which draws


def test_other_rows_repeated_rows_and_draws():
    model = ONE.format("bernoulli")
    columns = table(model, 50)
    posterior = ld.fit(model, columns, ld.Laplace(draws=40), progress=False)
    every = posterior.log_likelihood()
    assert every.shape == (posterior.n_chains * posterior.n_draws, 50)
    # Cells are four, and equal rows have equal numbers.
    assert len(np.unique(every[0].round(12))) == 4
    twice = {name: np.append(values, values[:3]) for name, values in columns.items()}
    more = posterior.log_likelihood(twice, draws=[0, 5])
    assert np.allclose(more, every[[0, 5]][:, [*range(50), 0, 1, 2]], atol=1e-3)
    assert posterior.log_likelihood(draws=3).shape == (3, 50)
    assert posterior.log_likelihood({"X": [1, 0], "Y": [0, 1]}, draws=1).shape == (1, 2)


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    model = ONE.format("bernoulli")
    posterior = ld.fit(model, table(model, 50), ld.Laplace(draws=40), progress=False)
    without = ld.load(posterior.save(tmp_path / "fit.ldo"))
    with pytest.raises(DataError, match=r"holds no rows .* posterior\.log_likelihood\(\"data\.csv\"\)"):
        without.log_likelihood()
    assert np.array_equal(without.log_likelihood(posterior.data), posterior.log_likelihood())
    with pytest.raises(DataError, match="bernoulli"):
        posterior.log_likelihood({"X": [0, 2], "Y": [0, 1]})
    with pytest.raises(SpecError, match="draws is"):
        posterior.log_likelihood(draws=[-1])
    with pytest.raises(SpecError, match="draws is a whole number"):
        posterior.log_likelihood(draws=0)
    monkeypatch.setattr(row_likelihood, "MOST_NUMBERS", 1_000)
    with pytest.raises(UnsupportedError, match=r"draws=20\)"):
        posterior.log_likelihood()


def test_what_is_not_fine_enough_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    model = ONE.format("bernoulli")
    posterior = ld.fit(model, table(model, 50), ld.Map(), progress=False)
    monkeypatch.setattr(pointwise, "FINE", 1e-16)
    posterior.log_likelihood()
    assert "The latents of {X, Y, U} are hard to integrate" in caplog.text.replace("{U, X, Y}", "{X, Y, U}")


# In ArviZ


def test_loo_runs_on_the_tree(front_door: ld.Posterior):
    arviz_stats = pytest.importorskip("arviz_stats")
    tree = front_door.to_arviz()
    logs: Any = tree["log_likelihood"]["rows"]
    assert logs.dims == ("chain", "draw", "row")
    assert np.array_equal(logs.values.reshape(-1, logs.sizes["row"]), front_door.log_likelihood())
    assert tree["log_likelihood"].attrs["integrated"] == ", ".join(front_door.spec.latent)
    loo = arviz_stats.loo(tree)
    best = float(front_door.log_likelihood().sum(axis=1).max())
    assert best - 30.0 < loo.elpd < best


def test_a_long_log_likelihood_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("arviz_base")
    from latentdo.inference.posterior import data_tree

    posterior = handmade()
    for limit in ("MOST_NUMBERS", "MOST_EVALUATIONS"):
        with monkeypatch.context() as patched:
            patched.setattr(data_tree, limit, 10)
            tree = posterior.to_arviz()
        assert "log_likelihood" not in tree.children


def test_rows_of_which_nothing_is_learnt_may_be_one_or_of_one_experiment_or_never_vary():
    posterior = handmade("Z ~ normal; X ~ bernoulli(Z, levels=[no, yes]); K ~ bernoulli(X, Z)")
    rows = {"Z": [0.3, -1.0, 0.3], "X": ["yes", "no", "yes"], "K": [1, 0, 0]}
    every = posterior.log_likelihood(rows)
    for k in range(3):
        alone = posterior.log_likelihood({name: values[k : k + 1] for name, values in rows.items()})
        np.testing.assert_allclose(alone[:, 0], every[:, k])
    same = posterior.log_likelihood({name: values[::2] for name, values in rows.items()})
    np.testing.assert_allclose(same, every[:, ::2])
    # Of what was set its own law says nothing.
    trial = ld.experiment({name: values[:1] for name, values in rows.items()}, do=["X"])
    parts = dict(posterior.parameters)
    chance = expit(parts["intercept(X)"] + parts["Z -> X"] * 0.3)
    np.testing.assert_allclose(posterior.log_likelihood(trial)[:, 0], every[:, 0] - np.log(chance).ravel())
    with pytest.raises(DataError, match="has the level 'maybe'"):
        posterior.log_likelihood({"Z": [0.1], "X": ["maybe"], "K": [1]})
