"""Counts and the like from the text of a model to answers: each beside its closed form at the fitted numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import latentdo as ld
from latentdo.errors import SupportError

N = 400


def drawn(random: np.random.Generator, x: np.ndarray) -> dict[str, np.ndarray]:
    """A column of each family, with the predictor 0.5 + 0.6 X."""
    mean = np.exp(0.5 + 0.6 * x)
    return {
        "poisson": random.poisson(mean),
        "poisson zi": random.poisson(mean) * (random.uniform(size=N) > 0.3),
    }


MODELS = {"poisson": "Y ~ poisson(X)", "poisson zi": "Y ~ poisson(X, zi=true)"}


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, np.ndarray]]:
    random = np.random.default_rng(5)
    x = random.normal(size=N)
    return {name: {"X": x, "Y": y, "Z": y + random.normal(size=N)} for name, y in drawn(random, x).items()}


@pytest.fixture(scope="module")
def fits(rows) -> dict[str, ld.Posterior]:
    """By the quickest engine that has draws."""
    return {
        name: ld.fit(f"X ~ normal; {text}; Z ~ normal(Y)", rows[name], ld.Laplace(draws=400), seed=0, check=False)
        for name, text in MODELS.items()
    }


def law(name: str, fit: ld.Posterior, x: float):
    """The law of Y at do(X=x), draw by draw."""
    draws = fit.by_node["Y"]
    mean = np.exp(draws.coefficients[..., 0] + draws.coefficients[..., 1] * x).ravel()
    own = {key: values.ravel() for key, values in draws.parameters}
    return scipy.stats.poisson(mean), own


@pytest.mark.parametrize("name", MODELS)
def test_counts_are_answered_as_their_law_says(name, fits):
    fit = fits[name]
    d, own = law(name, fit, 1.0)
    zi = own.get("zi", 0.0)
    for query, expected in (
        ("E[Y | do(X=1)]", (1 - zi) * d.mean()),
        ("Var[Y | do(X=1)]", (1 - zi) * (d.var() + d.mean() ** 2) - ((1 - zi) * d.mean()) ** 2),
        ("P(Y=0 | do(X=1))", zi + (1 - zi) * d.pmf(0)),
        ("P(Y=3 | do(X=1))", (1 - zi) * d.pmf(3)),
        ("P(Y >= 5 | do(X=1))", (1 - zi) * d.sf(4)),
        ("P(Y > 1, Y < 4 | do(X=1))", (1 - zi) * (d.pmf(2) + d.pmf(3))),
    ):
        answer = ld.ask(fit, query)
        assert answer.mean == pytest.approx(expected.mean(), abs=4 * answer.mcse + 1e-9), query
    found = ld.ask(fit, "Quantile[Y, 0.8 | do(X=1)]")
    assert set(found.draws) <= set(np.arange(30.0))
    assert found.median == np.median(d.ppf(np.maximum(0.8 - zi, 0) / (1 - zi)))


def test_a_count_is_a_number_to_its_children(fits):
    answer = ld.ask(fits["poisson"], "E[Z | do(Y=4)] - E[Z | do(Y=1)]")
    assert abs(answer.mean - 3.0) < 4 * answer.sd


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("E[Z | do(Y=2.5)]", "Y is poisson: its values are whole numbers from 0, not 2.5."),
        ("P(X > 0 | Y=-1)", "Y is poisson: its values are whole numbers from 0, not -1."),
        ("density(Y=2 | do(X=1))", "Y is poisson and has no density: single values have a probability of their own."),
        ("P(Y | do(X=1))", "for an event, P(Y = … | …)."),
        ("E[Z | do(Y ~ normal(3, 1))]", "draws numbers that Y cannot take"),
    ],
)
def test_questions_that_counts_cannot_answer_are_explained(fits, query, message):
    with pytest.raises(SupportError) as caught:
        ld.ask(fits["poisson"], query)
    assert message in str(caught.value)


def test_the_log_likelihood_of_the_rows_is_that_of_scipy(fits, rows):
    fit, table = fits["poisson"], rows["poisson"]
    draws = fit.by_node["Y"]
    found = fit.log_likelihood(table, np.arange(3))
    for k in range(3):
        at = {node: fit.by_node[node].coefficients.reshape(-1, 2 if node != "X" else 1)[k] for node in "XYZ"}
        sd = {node: dict(fit.by_node[node].parameters)["sd"].ravel()[k] for node in "XZ"}
        expected = scipy.stats.norm(at["X"][0], sd["X"]).logpdf(table["X"])
        expected = expected + scipy.stats.poisson(np.exp(at["Y"][0] + at["Y"][1] * table["X"])).logpmf(table["Y"])
        expected = expected + scipy.stats.norm(at["Z"][0] + at["Z"][1] * table["Y"], sd["Z"]).logpdf(table["Z"])
        assert found[k] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert draws.parameters == ()
