"""Forward simulation: predictors, nodes and their moments, against arithmetic by hand."""

from __future__ import annotations

import numpy as np
from scipy.stats import gamma, norm, qmc

from latentdo.inference.likelihood.forward import moments, node_parameters, predictor, simulate_nodes
from latentdo.models import ModelSpec
from posteriors import numbers, posterior_of

MODEL = "latent U ~ normal; W ~ gamma(U); X ~ bernoulli(W); Y ~ hill(X, U, X:U, max=10); S ~ linear(Y)"
NODES = ("U", "W", "X", "Y", "S")


def uniforms(n: int, names: tuple[str, ...] = NODES, seed: int = 0) -> dict[str, np.ndarray]:
    points = qmc.Sobol(len(names), scramble=True, rng=np.random.default_rng(seed)).random(n).T
    return dict(zip(names, points, strict=True))


def test_a_predictor_adds_weights_and_products_of_parents():
    mechanism = ModelSpec.parse("X ~ normal; V ~ normal; Y ~ normal(X, V, X:V)")["Y"]
    coefficients = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, -1.0, 0.5, 0.25]])
    x, v = np.array([0.0, 1.0, 2.0]), np.array([[1.0, 1.0, -1.0], [2.0, 0.0, 4.0]])
    eta = predictor(mechanism, coefficients, {"X": x, "V": v})
    expected = [[1 + 2 * x[j] + 3 * v[0, j] + 4 * x[j] * v[0, j] for j in range(3)]]
    expected += [[-x[j] + 0.5 * v[1, j] + 0.25 * x[j] * v[1, j] for j in range(3)]]
    np.testing.assert_allclose(eta, expected, rtol=1e-14)


def test_a_predictor_without_parents_is_the_intercept_per_draw():
    mechanism = ModelSpec.parse("X ~ normal")["X"]
    np.testing.assert_array_equal(predictor(mechanism, np.array([[1.0], [2.0]]), {}), [[1.0], [2.0]])


def test_parameters_broadcast_over_units():
    assert node_parameters({"sd": np.ones(7)})["sd"].shape == (7, 1)


def test_nodes_are_the_quantiles_of_their_laws_at_the_uniforms():
    posterior = posterior_of(MODEL, {"shape(W)": 3.0}, shape=(2, 3))
    own = {label: values[:, None] for label, values in numbers(posterior).items()}
    u = uniforms(64)
    values = simulate_nodes(posterior.spec, NODES, posterior.by_node, u.__getitem__, {})
    assert tuple(values) == NODES
    assert all(value.shape == (6, 64) for value in values.values())
    np.testing.assert_allclose(values["U"], np.broadcast_to(norm.ppf(u["U"]), (6, 64)), rtol=1e-12)
    mean = np.exp(own["intercept(W)"] + own["U -> W"] * values["U"])
    shape = own["shape(W)"]
    np.testing.assert_allclose(values["W"], gamma.ppf(u["W"], shape, scale=mean / shape), rtol=1e-9)
    one = 1 / (1 + np.exp(-own["intercept(X)"] - own["W -> X"] * values["W"]))
    np.testing.assert_array_equal(values["X"], u["X"] > 1 - one)
    eta = own["intercept(Y)"] + own["X -> Y"] * values["X"] + own["U -> Y"] * values["U"]
    eta = eta + own["X:U -> Y"] * values["X"] * values["U"]
    curve = 10 / (1 + np.exp(-eta))
    np.testing.assert_allclose(values["Y"], norm.ppf(u["Y"], curve, own["sd(Y)"]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(values["S"], own["intercept(S)"] + own["Y -> S"] * values["Y"], rtol=1e-12)


def test_what_is_given_is_kept_and_needs_neither_draws_nor_uniforms():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", shape=(1, 4))
    given = np.array([1.0, 2.0])
    draws = {"Y": posterior.by_node["Y"]}
    values = simulate_nodes(posterior.spec, ("X", "Y"), draws, {"Y": np.array([0.5, 0.5])}.__getitem__, {"X": given})
    assert values["X"] is given
    own = numbers(posterior)
    expected = own["intercept(Y)"][:, None] + own["X -> Y"][:, None] * given
    np.testing.assert_allclose(values["Y"], expected, rtol=1e-12)


def test_moments_are_those_of_the_units_per_draw():
    random = np.random.default_rng(0)
    values = {"A": random.normal(size=(6, 50)), "B": random.normal(2.0, 3.0, size=(6, 50)), "I": random.normal(size=50)}
    found = moments(values, ("I", "A", "B"), n_chains=2)
    assert set(found) == {"mean(A)", "sd(A)", "mean(B)", "sd(B)", "cov(I, A)", "cov(I, B)", "cov(A, B)"}
    assert all(value.shape == (2, 3) for value in found.values())
    for row in range(6):
        cov = np.cov([values["I"], values["A"][row], values["B"][row]], ddof=0)
        place = divmod(row, 3)
        assert np.isclose(found["mean(B)"][place], values["B"][row].mean())
        assert np.isclose(found["sd(A)"][place] ** 2, cov[1, 1])
        assert np.isclose(found["cov(A, B)"][place], cov[1, 2])
        assert np.isclose(found["cov(I, A)"][place], cov[0, 1])


def test_two_inputs_have_no_moments_of_their_own():
    assert moments({"A": np.ones(5), "B": np.ones(5)}, ("A", "B"), 2) == {}


def test_moments_of_a_simulated_gaussian_are_the_models():
    # Mean 0.5, sd and covariance by the path rules, within five standard errors of a plain sample.
    posterior = posterior_of(
        "X ~ normal; Y ~ normal(X)", {"X -> Y": 2.0, "intercept(Y)": 0.5}, spread=0.0, shape=(1, 2)
    )
    n = 4096
    u = uniforms(n, ("X", "Y"), seed=3)
    found = moments(simulate_nodes(posterior.spec, ("X", "Y"), posterior.by_node, u.__getitem__, {}), ("X", "Y"), 1)
    exact = {"mean(X)": 0.0, "sd(X)": 1.0, "mean(Y)": 0.5, "sd(Y)": np.sqrt(5), "cov(X, Y)": 2.0}
    for name, value in exact.items():
        assert abs(found[name][0, 0] - value) < 5 * 3.0 / np.sqrt(n), name
