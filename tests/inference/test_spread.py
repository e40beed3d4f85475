"""Fits with `sd=loglinear(X)`: densities beside SciPy and brute force, default priors, files, words, pictures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from scipy.special import expit, logsumexp

import latentdo as ld
from latentdo.drawings import drawing_of
from latentdo.errors import LatentdoError
from latentdo.inference.likelihood import pointwise
from latentdo.inference.samplers.sign_symmetry import symmetries_of
from posteriors import posterior_of
from tasks import task_of

N = 60


def table(seed: int = 0, n: int = N) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), (random.uniform(size=n) < 0.4).astype(float)
    y = 1.0 + 0.8 * x + np.exp(-0.3 + 0.5 * x - 0.4 * z) * random.normal(size=n)
    return {
        "X": x,
        "Z": z,
        "Y": y,
        "P": np.exp(0.3 * y + 0.3 * random.normal(size=n)),
        "S": expit(0.4 * y),
        "C": random.poisson(np.exp(0.3 * x)) * 1.0,
    }


LAWS = {
    "Y ~ normal(X, sd=loglinear(X, Z, X:Z))": lambda eta, own, _: scipy.stats.norm(eta, own),
    "Y ~ normal(sd=loglinear(X^2))": lambda eta, own, _: scipy.stats.norm(eta, own),
    "Y ~ student(X, scale=loglinear(X, Z))": lambda eta, own, more: scipy.stats.t(more["df"], eta, own),
    "P ~ lognormal(X, sd=loglinear(X, Z))": lambda eta, own, _: scipy.stats.lognorm(own, scale=np.exp(eta)),
    "P ~ gamma(X, shape=loglinear(X, Z))": lambda eta, own, _: scipy.stats.gamma(own, scale=np.exp(eta) / own),
    "Y ~ hill(X, max=6, sd=loglinear(Z))": lambda eta, own, _: scipy.stats.norm(6 * expit(eta), own),
    "S ~ beta(X, shape=loglinear(X))": lambda eta, own, _: scipy.stats.beta(expit(eta) * own, expit(-eta) * own),
    "C ~ negbin(X, shape=loglinear(Z))": lambda eta, own, _: scipy.stats.nbinom(own, own / (own + np.exp(eta))),
}


@pytest.mark.parametrize("mechanism", LAWS)
def test_the_log_likelihood_of_the_rows_is_that_of_scipy(mechanism):
    rows = table()
    text = f"X ~ normal; Z ~ bernoulli; {mechanism}"
    fit = ld.fit(text, rows, ld.Map(), check=False, progress=False)
    node = mechanism[0]
    draws, weights = fit.by_node[node], fit.spec[node].weights
    first, *others = np.split(draws.coefficients[0, 0], 2)
    columns = np.stack(
        [
            np.ones(N),
            *(np.prod([rows[f] if f in rows else rows[f[0]] ** 2 for f in w.factors], axis=0) for w in weights),
        ]
    )
    assert len(others) == 1
    law = LAWS[mechanism](first @ columns, np.exp(others[0] @ columns), {k: v[0, 0] for k, v in draws.parameters})
    x, z = (fit.by_node[name] for name in "XZ")
    expected = scipy.stats.norm(x.coefficients[0, 0], x.parameters[0][1][0, 0]).logpdf(rows["X"])
    expected = expected + scipy.stats.bernoulli(expit(z.coefficients[0, 0])).logpmf(rows["Z"])
    expected = expected + (law.logpmf if node == "C" else law.logpdf)(rows[node])
    assert fit.log_likelihood(rows)[0] == pytest.approx(expected, rel=1e-8, abs=1e-8)
    # What a predictor does not have is no parameter, and 0 in all draws.
    labels = [name for name, _ in fit.parameters]
    assert "" not in labels
    absent = [w.absent for w in weights]
    assert (np.array(first)[1:][absent] == 0.0).all()


HIDDEN = {
    "of a measured node, by a latent": "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U, sd=loglinear(U, X))",
    "of a latent": "X ~ normal; latent U ~ normal(X, sd=loglinear(X)); Y ~ normal(U); P ~ lognormal(U)",
    "of a measured node, by a measured one": "latent U ~ normal; X ~ normal(U); Y ~ student(X, U, scale=loglinear(X))",
}


def _eta(values: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    return values[0] + sum(value * column for value, column in zip(values[1:], columns, strict=True))


@pytest.mark.parametrize("name", HIDDEN)
def test_rows_with_a_latent_are_as_by_brute_force(name, monkeypatch):
    rows = {key: values[:12] for key, values in table(3).items()}
    fit = posterior_of(HIDDEN[name], shape=(1, 1))
    monkeypatch.setattr(pointwise, "FINE", 1e-9)
    found = fit.log_likelihood(rows)[0]
    u = np.linspace(-14.0, 14.0, 40_001)[:, None]
    values, logs = {key: own[None] for key, own in rows.items()} | {"U": u}, 0.0
    for node in fit.spec.graph.topological_order():
        weights, draws = fit.spec[node].weights, fit.by_node[node]
        columns = [values[weight.parents[0]] for weight in weights]
        parts = np.split(draws.coefficients[0, 0], len(fit.spec[node].predictors))
        own = {key: value[0, 0] for key, value in draws.parameters}
        if len(parts) > 1:
            own[fit.spec[node].spread.parameter] = np.exp(_eta(parts[1], columns))
        at = _eta(parts[0], columns)
        match fit.spec[node].family.name:
            case "student":
                law = scipy.stats.t(own["df"], at, own["scale"])
            case "lognormal":
                law = scipy.stats.lognorm(own["sd"], scale=np.exp(at))
            case _:
                law = scipy.stats.norm(at, own["sd"])
        logs = logs + law.logpdf(values[node])
    expected = logsumexp(np.broadcast_to(logs, (len(u), 12)), axis=0) + np.log(u[1, 0] - u[0, 0])
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_cell_that_is_missing_is_averaged_over_with_the_spread_of_its_row():
    rows = table(4)
    rows["Y"][:15] = np.nan
    text = "X ~ normal; Y ~ normal(X, sd=loglinear(X)); P ~ lognormal(Y)"
    fit = ld.fit(text, rows, ld.Map(), missing="latent", check=False, progress=False)
    (x, y, p), own = (fit.by_node[node].coefficients[0, 0] for node in "XYP"), fit.by_node
    sd, of_p = np.exp(y[2] + y[3] * rows["X"]), own["P"].parameters[0][1][0, 0]
    mean, log_p = y[0] + y[1] * rows["X"], np.log(rows["P"])
    missing = np.isnan(rows["Y"])
    without = scipy.stats.norm(p[0] + p[1] * mean, np.hypot(of_p, p[1] * sd)).logpdf(log_p)
    whole = scipy.stats.norm(mean, sd).logpdf(rows["Y"]) + scipy.stats.norm(p[0] + p[1] * rows["Y"], of_p).logpdf(log_p)
    expected = scipy.stats.norm(x[0], own["X"].parameters[0][1][0, 0]).logpdf(rows["X"]) - log_p
    expected = expected + np.where(missing, without, whole)
    assert fit.log_likelihood(rows)[0] == pytest.approx(expected, abs=1e-4)


def test_default_priors_say_as_much_of_a_spread_as_one_row():
    fit = ld.fit("X ~ normal; Z ~ bernoulli; Y ~ normal(X, sd=loglinear(X, Z))", table(), ld.Map(), check=False)
    page = " ".join(str(fit.summary()).split())
    sd = table()["Y"].std(ddof=1)
    assert f"sd intercept(Y) normal({np.log(sd):.4g}, 1.414) default, at X = " in page
    assert "sd weight X -> Y normal(0, 0.7" in page
    assert "(sd intercept and sd weights on log sd)" in page
    assert "fixed" not in page
    words = ld.ask(fit, "E[Y | do(X=1)]").methods()
    assert (
        "weights of log sd are normal(0, 1/√2) and intercepts of log sd are normal(log s, √2), with s the sd" in words
    )


@pytest.mark.slow
def test_intervals_hold_the_numbers_that_rows_were_made_with():
    """40 tables of 100 rows: 90 % intervals hold each number in 80 % of them or more, and errors have no side."""
    truth = {"X -> Y": 0.8, "sd intercept(Y)": -0.3, "sd weight X -> Y": 0.5, "sd weight Z -> Y": -0.4}
    errors = {name: [] for name in truth}
    for seed in range(40):
        rows = table(1_000 + seed, 100)
        fit = ld.fit("X ~ normal; Z ~ bernoulli; Y ~ normal(X, sd=loglinear(X, Z))", rows, check=False, progress=False)
        draws = dict(fit.parameters)
        for name, number in truth.items():
            errors[name].append(((draws[name].mean() - number) / draws[name].std(), (draws[name] < number).mean()))
    for name, found in errors.items():
        z, below = np.array(found).T
        assert abs(z.mean()) < 4.0 / np.sqrt(40), name
        assert 0.8 <= ((below > 0.05) & (below < 0.95)).mean() <= 1.0, name


def test_a_saved_fit_answers_as_before(tmp_path):
    text = "X ~ normal; Z ~ bernoulli; Y ~ normal(X, sd=loglinear(X, Z)); P ~ gamma(Y, shape=loglinear(+Z))"
    model = ld.model(text).with_priors({"sd weight Z -> Y": 0.25})
    fit = ld.fit(model, table(), ld.Laplace(draws=40), check=False, progress=False)
    fit.save(tmp_path / "it.ldo", data=True)
    again = ld.load(tmp_path / "it.ldo")
    assert again.spec == fit.spec
    assert [name for name, _ in again.parameters] == [name for name, _ in fit.parameters]
    assert ld.ask(again, "SD[P | do(Y=1)]").mean == ld.ask(fit, "SD[P | do(Y=1)]").mean


def test_weights_of_a_spread_are_variables_of_their_own_for_arviz():
    pytest.importorskip("arviz_base")
    fit = posterior_of("X ~ normal; Z ~ normal; Y ~ normal(X, sd=loglinear(X, Z))")
    found = fit.to_arviz().posterior
    assert list(found["sd_weight_of"].values) == ["X -> Y", "Z -> Y"]
    assert list(found["sd_intercept_of"].values) == ["Y"]
    assert list(found["weight_of"].values) == ["X -> Y"]


def test_the_sign_of_a_latent_means_nothing_in_a_spread_either():
    text = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U, sd=loglinear(U, X))"
    task = task_of(text, table(), "Y")
    (symmetry,) = symmetries_of(task.layout, task.numbers)
    free = [
        label
        for own in task.own
        for label, c in zip((c.label for c in own.all), own.all, strict=True)
        if c.fixed is None
    ]
    assert [free[k] for k in symmetry.coordinates] == ["U -> X", "U -> Y", "sd weight U -> Y"]


def test_a_column_without_noise_is_refused():
    rows = table()
    rows["Y"] = 1.0 + 2.0 * rows["X"]
    with pytest.raises(
        LatentdoError, match=r"no spread that sd=loglinear\(X\) could describe\. Write Y ~ normal\(…\) without it"
    ):
        ld.fit("X ~ normal; Y ~ normal(X, sd=loglinear(X))", rows, progress=False)


def test_pictures_show_the_spread_beside_sizes_of_residuals():
    from latentdo.inference.posterior.shapes import fitted_shapes

    fit = ld.fit("X ~ normal; Y ~ normal(X, X^2, sd=loglinear(X))", table(1, 400), ld.Laplace(draws=200), check=False)
    line, spread = fitted_shapes(fit, None)
    assert (line.of, spread.of, spread.terms) == ("", "sd", ("X",))
    near = np.abs(spread.dots - 0.5) < 0.5
    assert spread.left[near].mean() == pytest.approx(np.interp(0.5, spread.x, spread.mean), rel=0.2)
    assert (spread.low < spread.mean).all() and (spread.mean < spread.high).all()
    fit.plot_shapes()


def test_a_drawing_says_what_a_cause_of_the_spread_alone_does():
    fit = ld.fit(
        "X ~ normal; Z ~ bernoulli; Y ~ normal(X, sd=loglinear(Z))", table(1, 400), ld.Laplace(draws=200), check=False
    )
    assert "sd: -0." in drawing_of(fit.spec, posterior=fit).svg


def test_the_check_of_a_fit_proposes_a_spread_that_changes():
    rows = table(2, 400)
    plain = ld.check(ld.fit("X ~ normal; Y ~ normal(X)", rows, ld.Laplace(), check=False), rows)
    advice = {row.what: row.advice for row in plain.rows}
    assert advice["spread of Y given X"] == "the spread of Y changes with X: write Y ~ normal(…, sd=loglinear(X))"
    text = "X ~ normal; Z ~ bernoulli; Y ~ normal(X, sd=loglinear(X, Z))"
    better = ld.check(ld.fit(text, rows, ld.Laplace(), check=False), rows)
    assert better.word == "no misfit found"
