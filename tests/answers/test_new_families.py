"""Counts, shares, ordered and named levels from the text of a model to answers, each beside its law at the fitted numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from scipy.special import expit

import latentdo as ld
from latentdo.errors import LatentdoError, SupportError

N = 300
MODELS = {
    "poisson": "Y ~ poisson(X)",
    "zeros": "Y ~ poisson(X, zi=true)",
    "negbin": "Y ~ negbin(X)",
    "lognormal": "Y ~ lognormal(X)",
    "beta": "Y ~ beta(X)",
    "ordinal": "Y ~ ordinal(X)",
    "named": "Y ~ ordinal(X, levels=[low, mid, high])",
    "two": "Y ~ bernoulli(X, levels=[1, 4])",
    "yes": "Y ~ bernoulli(X, levels=[no, yes])",
}
COUNTS = {"poisson", "zeros", "negbin"}
NAMED = {"named", "yes"}
EACH = pytest.mark.parametrize("name", MODELS)


def columns(random: np.random.Generator, x: np.ndarray) -> dict[str, np.ndarray]:
    """A column of each family, with the predictor 0.5 + 0.6 X."""
    eta, noise = 0.5 + 0.6 * x, random.logistic(size=N)
    place = (eta + noise > 0).astype(int) + (eta + noise > 1.5)
    return {
        "poisson": random.poisson(np.exp(eta)),
        "zeros": random.poisson(np.exp(eta)) * (random.uniform(size=N) > 0.3),
        "negbin": random.poisson(np.exp(eta) * random.gamma(2.0, 0.5, size=N)),
        "lognormal": np.exp(eta + 0.5 * random.normal(size=N)),
        "beta": random.beta(8 * expit(eta), 8 * expit(-eta)),
        "ordinal": np.array([1.0, 2.0, 4.0])[place],
        "named": np.array(["low", "mid", "high"])[place],
        "two": np.array([1, 4])[(place > 0).astype(int)],
        "yes": np.array(["no", "yes"])[(place > 0).astype(int)],
    }


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, np.ndarray]]:
    random = np.random.default_rng(5)
    x = random.normal(size=N)
    found = {}
    for name, y in columns(random, x).items():
        code = {"low": 0.0, "mid": 1.0, "high": 2.0, "no": 0.0, "yes": 1.0}
        number = np.array([code[level] for level in y]) if name in NAMED else y
        found[name] = {"X": x, "Y": y, "Z": number + random.normal(size=N)}
    return found


@pytest.fixture(scope="module")
def fit(rows) -> Callable[[str], ld.Posterior]:
    """Trained when first asked for, by the quickest engine that has draws."""
    found: dict[str, ld.Posterior] = {}

    def trained(name: str) -> ld.Posterior:
        if name not in found:
            text = f"X ~ normal; {MODELS[name]}; Z ~ normal(Y)"
            found[name] = ld.fit(text, rows[name], ld.Laplace(draws=200), seed=0, check=False, progress=False)
        return found[name]

    return trained


class Law:
    """Y's law at do(X=x) in each draw: on many points, with their probabilities."""

    def __init__(self, name: str, fit: ld.Posterior, x: float) -> None:
        draws = fit.by_node["Y"]
        flat = draws.coefficients.reshape(-1, 2)
        eta = flat[:, 0] + flat[:, 1] * x
        own = {key: np.ravel(values) for key, values in draws.parameters}
        shape = own.get("shape", np.ones(len(eta)))
        self.at = np.arange(400.0)[:, None] if name in COUNTS else (np.arange(500)[:, None] + 0.5) / 500
        if name in ("poisson", "zeros"):
            self.mass = scipy.stats.poisson(np.exp(eta)).pmf(self.at)
        elif name == "negbin":
            self.mass = scipy.stats.nbinom(shape, shape / (shape + np.exp(eta))).pmf(self.at)
        elif name == "lognormal":
            self.at = scipy.stats.lognorm(own["sd"], scale=np.exp(eta)).ppf(self.at)
            self.mass = np.full(self.at.shape, 1 / 500)
        elif name == "beta":
            self.at = scipy.stats.beta(shape * expit(eta), shape * expit(-eta)).ppf(self.at)
            self.mass = np.full(self.at.shape, 1 / 500)
        else:
            gap = own.get("gap2", np.full(len(eta), np.inf))
            above = np.stack([np.ones(len(eta)), expit(eta), expit(eta - gap), np.zeros(len(eta))])
            self.mass = above[:-1] - above[1:]
            self.at = np.array({"ordinal": [1.0, 2.0, 4.0], "two": [1.0, 4.0, 9.0]}.get(name, [0.0, 1.0, 2.0]))[:, None]
        if name == "zeros":
            self.mass = (1 - own["zi"]) * self.mass + own["zi"] * (self.at == 0)

    def mean(self, function: Callable[[Any], Any]) -> float:
        """The mean of a function, averaged over draws."""
        return float((function(self.at) * self.mass).sum(axis=0).mean())


@EACH
def test_answers_are_what_the_law_says(name, fit):
    law = Law(name, fit(name), 1.0)
    questions: dict[str, Callable[[Any], Any]] = {}
    if name in NAMED:
        last = {"named": "high", "yes": "yes"}[name]
        questions[f"P(Y={last} | do(X=1))"] = lambda y: y == law.at[-1 if name == "named" else 1]
        questions[f"E[Z | do(Y={last})] - E[Z | do(Y={'low' if name == 'named' else 'no'})]"] = lambda y: 0.0 * y
    else:
        questions["E[Y | do(X=1)]"] = lambda y: y
        questions["P(Y > 1, Y <= 2.5 | do(X=1))"] = lambda y: (y > 1) & (y <= 2.5)
        questions["P(Y <= 0.6 | do(X=1))"] = lambda y: y <= 0.6
        if name not in ("beta", "lognormal"):
            questions["P(Y=4 | do(X=1))"] = lambda y: y == 4
            questions["P(Y >= 4 | do(X=1))"] = lambda y: y >= 4
    for query, function in questions.items():
        answer = ld.ask(fit(name), query)
        if "Z" in query:
            assert abs(answer.mean - (2.0 if name == "named" else 1.0)) < 4 * answer.sd
            continue
        # Integrals by many points have errors of their own.
        assert answer.mean == pytest.approx(law.mean(function), abs=4 * answer.mcse + 2e-3), query


@pytest.mark.parametrize("name", sorted(set(MODELS) - NAMED))
def test_spreads_and_quantiles_are_what_the_law_says(name, fit):
    law = Law(name, fit(name), 1.0)
    mean = (law.at * law.mass).sum(axis=0)
    answer = ld.ask(fit(name), "Var[Y | do(X=1)]")
    assert answer.mean == pytest.approx(float(((law.at - mean) ** 2 * law.mass).sum(axis=0).mean()), rel=0.02)
    found = ld.ask(fit(name), "Quantile[Y, 0.8 | do(X=1)]")
    below = np.cumsum(law.mass, axis=0)
    at = np.broadcast_to(law.at, law.mass.shape)
    each = at[(below < 0.8 - 1e-9).sum(axis=0), np.arange(at.shape[1])]
    assert found.point == pytest.approx(float(np.median(each) if name in COUNTS else each.mean()), rel=0.02)


def test_the_density_of_what_is_continuous_is_its_own(fit):
    for name in ("lognormal", "beta"):
        answer = ld.ask(fit(name), "P(Y > 0.49, Y < 0.51 | do(X=1)) - density(Y=0.5 | do(X=1)) / 50")
        assert abs(answer.mean) < 1e-3


def test_ordered_names_are_compared(fit):
    least = ld.ask(fit("named"), "P(Y >= mid | do(X=1)) + P(Y < mid | do(X=1))")
    assert least.mean == pytest.approx(1.0)
    both = ld.ask(fit("named"), "P(Y >= mid | do(X=1)) - P(Y=mid | do(X=1)) - P(Y=high | do(X=1))")
    assert both.mean == pytest.approx(0.0, abs=1e-12)


def test_parents_with_names_stand_as_indicators_and_numbers_as_numbers(fit):
    for name, labels in (
        ("named", ["Y[mid]", "Y[high]"]),
        ("yes", ["Y[yes]"]),
        ("two", ["Y[4]"]),
        ("ordinal", ["Y"]),
        ("negbin", ["Y"]),
    ):
        assert [weight.label for weight in fit(name).spec["Z"].weights] == labels


@EACH
def test_evidence_on_it_weighs_as_its_law_does(name, fit, rows):
    """P(X > 0 | Y=y) of a root X is in each draw the ratio of two integrals over X."""
    fitted, y = fit(name), rows[name]["Y"][0]
    x = np.linspace(-6, 6, 1201)[:, None]
    at, spread = (np.ravel(part) for part in (fitted.by_node["X"].coefficients, fitted.by_node["X"].parameters[0][1]))
    draws = fitted.by_node["Y"]
    flat = draws.coefficients.reshape(-1, 2)
    family = fitted.spec["Y"].family
    from latentdo.models.build import NUMPY

    own = {key: np.ravel(values) for key, values in draws.parameters}
    number = family.check_value("Y", str(y) if name in NAMED else float(y))
    weight = np.exp(family.log_density(NUMPY, np.array(number), flat[:, 0] + flat[:, 1] * x, own))
    weight = weight * scipy.stats.norm(at, spread).pdf(x)
    expected = (weight * (x > 0)).sum(axis=0) / weight.sum(axis=0)
    answer = ld.ask(fitted, f"P(X > 0 | Y={y})")
    assert answer.mean == pytest.approx(expected.mean(), abs=5 * answer.mcse + 5e-3)


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [
        ("poisson", "E[Z | do(Y=2.5)]", "Y is poisson: its values are whole numbers from 0, not 2.5."),
        ("negbin", "P(X > 0 | Y=-1)", "Y is negbin: its values are whole numbers from 0, not -1."),
        ("poisson", "density(Y=2 | do(X=1))", "Y is poisson and has no density: single values have a probability"),
        ("poisson", "P(Y | do(X=1))", "for an event, P(Y = … | …)."),
        ("poisson", "E[Z | do(Y ~ normal(3, 1))]", "draws numbers that Y cannot take"),
        (
            "poisson",
            "E[Z | do(Y)] for Y in 0..10",
            "whole numbers from 0, not 0.5. Sweep its values: for Y in 0..10 by 1.",
        ),
        ("lognormal", "E[Z | do(Y=0)]", "Y is lognormal: its values are positive numbers, not 0."),
        ("beta", "E[Z | do(Y=1)]", "Y is beta: its values lie between 0 and 1, not 1."),
        ("beta", "P(Y=0.5 | do(X=1))", "is 0 for a continuous node: Y is beta"),
        ("ordinal", "E[Z | do(Y=3)]", "Y is ordinal with the levels 1, 2, 4, not 3."),
        ("named", "E[Y | do(X=1)]", "the levels of Y are names (low, mid, high)"),
        ("named", "P(Y >= middle | do(X=1))", "Y is ordinal with the levels low, mid, high, not middle."),
        ("two", "E[Z | do(Y=0)]", "Y is bernoulli with the levels 1, 4, not 0."),
        ("yes", "P(Y > no | do(X=1))", "The levels of Y are names (no, yes), which have no order"),
    ],
)
def test_questions_that_it_cannot_answer_are_explained(name, query, message, fit):
    with pytest.raises(SupportError) as caught:
        ld.ask(fit(name), query)
    assert message in str(caught.value)


def log_probabilities(name: str, y: np.ndarray, eta: np.ndarray, own: dict[str, float]) -> np.ndarray:
    """Of each row's Y, by SciPy."""
    if name in ("poisson", "zeros"):
        zi = own.get("zi", 0.0)
        return np.log((1 - zi) * scipy.stats.poisson(np.exp(eta)).pmf(y) + zi * (y == 0))
    shape = own.get("shape", 1.0)
    if name == "negbin":
        return scipy.stats.nbinom(shape, shape / (shape + np.exp(eta))).logpmf(y)
    if name == "lognormal":
        return scipy.stats.lognorm(own["sd"], scale=np.exp(eta)).logpdf(y)
    if name == "beta":
        return scipy.stats.beta(shape * expit(eta), shape * expit(-eta)).logpdf(y)
    above = np.stack([np.ones(N), expit(eta), expit(eta - own.get("gap2", np.inf)), np.zeros(N)])
    at = places(y)
    return np.log(above[at, np.arange(N)] - above[at + 1, np.arange(N)])


def places(y: np.ndarray) -> np.ndarray:
    """Which of its levels each row has."""
    order = {"low": 0, "mid": 1, "high": 2, "no": 0, "yes": 1, 1: 0, 2: 1, 4: 1 + (2 in y.tolist())}
    return np.array([order[level] for level in y.tolist()])


@EACH
def test_the_log_likelihood_of_the_rows_is_that_of_scipy(name, fit, rows):
    fitted, table = fit(name), rows[name]
    found = fitted.log_likelihood(table, np.arange(2))
    for k in range(2):
        x, y, z = (fitted.by_node[node].coefficients.reshape(200, -1)[k] for node in "XYZ")
        own = {node: {key: np.ravel(v)[k] for key, v in fitted.by_node[node].parameters} for node in "XYZ"}
        expected = scipy.stats.norm(x[0], own["X"]["sd"]).logpdf(table["X"])
        expected = expected + log_probabilities(name, table["Y"], y[0] + y[1] * table["X"], own["Y"])
        by_level = name in (*NAMED, "two")
        terms = [places(table["Y"]) == place for place in range(1, len(z))] if by_level else [table["Y"]]
        mean = z[0] + sum(weight * term for weight, term in zip(z[1:], terms, strict=True))
        expected = expected + scipy.stats.norm(mean, own["Z"]["sd"]).logpdf(table["Z"])
        assert found[k] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_names_without_their_order_are_refused(rows):
    with pytest.raises(LatentdoError) as caught:
        ld.check("Y ~ ordinal", {"Y": rows["named"]["Y"]})
    assert str(caught.value) == (
        "Column Y holds names (high, low, mid), and nothing says their order. Write it in the model, from low to high: "
        "Y ~ ordinal(…, levels=[…])."
    )


def test_two_values_without_names_are_refused_with_the_repair():
    with pytest.raises(LatentdoError) as caught:
        ld.check("S ~ bernoulli", {"S": [1, 2, 2, 1]})
    assert (
        "Recode it to 0/1, or name its levels, S ~ bernoulli(…, levels=[1, 2]), of which the second counts as the 1"
        in str(caught.value)
    )
    with pytest.raises(LatentdoError, match=r"levels=\[no, yes\]"):
        ld.check("S ~ bernoulli", {"S": ["no", "yes", "yes", "no"]})


@EACH
def test_a_saved_fit_answers_as_before(name, fit, tmp_path):
    fit(name).save(tmp_path / "it.ldo")
    again = ld.load(tmp_path / "it.ldo")
    assert again.spec == fit(name).spec
    assert ld.ask(again, "E[Z | do(X=1)]").mean == ld.ask(fit(name), "E[Z | do(X=1)]").mean


def test_rows_with_missing_levels_count_as_the_sum_over_these(rows):
    """An ordinal cell that is missing is averaged over: as a number in its child's equation, each level with its chance."""
    table = {name: values[:100].astype(float) for name, values in rows["ordinal"].items()}
    table["Y"][:40] = np.nan
    text = "X ~ normal; Y ~ ordinal(X, levels=[1, 2, 4]); Z ~ normal(Y)"
    fitted = ld.fit(text, table, ld.Laplace(draws=10), seed=0, missing="latent", check=False, progress=False)
    x, y, z = (fitted.by_node[node].coefficients.reshape(10, -1)[0] for node in "XYZ")
    own = {node: {key: np.ravel(v)[0] for key, v in fitted.by_node[node].parameters} for node in "XYZ"}
    eta = y[0] + y[1] * table["X"]
    above = np.stack([np.ones(100), expit(eta), expit(eta - own["Y"]["gap2"]), np.zeros(100)])
    levels = np.array([1.0, 2.0, 4.0])[:, None]
    each = (above[:-1] - above[1:]) * scipy.stats.norm(z[0] + z[1] * levels, own["Z"]["sd"]).pdf(table["Z"])
    each = np.where(np.isnan(table["Y"]) | (levels == table["Y"]), each, 0.0)
    expected = scipy.stats.norm(x[0], own["X"]["sd"]).logpdf(table["X"]) + np.log(each.sum(axis=0))
    assert fitted.log_likelihood(table, np.arange(1))[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_missing_count_that_others_depend_on_is_refused_with_the_repair(rows):
    table = {name: values[:50].astype(float) for name, values in rows["poisson"].items()}
    table["Y"][0] = np.nan
    with pytest.raises(
        LatentdoError, match=r'over the values of a poisson node no row can be averaged.* say missing="drop"'
    ):
        ld.fit("X ~ normal; Y ~ poisson(X); Z ~ normal(Y)", table, missing="latent", progress=False)


def test_rivals_answer_beside_it_where_names_have_an_order_too(fit, rows):
    table = ld.compare(
        fit("named"), "P(Y >= mid | do(X=1))", data=rows["named"], methods=["naive regression", "plug-in"]
    )
    for row in table[1:]:
        assert row.estimate == pytest.approx(table[0].estimate, abs=4 * (row.sd + table[0].sd))
    counts = ld.compare(fit("negbin"), "E[Y | do(X=1)]", data=rows["negbin"], methods=["plug-in"])
    assert counts[1].estimate == pytest.approx(counts[0].estimate, abs=4 * (counts[1].sd + counts[0].sd))


def test_a_count_is_swept_by_whole_numbers(fit):
    curve = ld.ask(fit("poisson"), "E[Z | do(Y)] for Y in 0..4 by 1")
    assert [round(answer.mean) for answer in curve] == [0, 1, 2, 3, 4]


def test_discrete_models_with_ordinal_nodes_are_enumerated():
    random = np.random.default_rng(1)
    a = random.integers(0, 2, size=N).astype(float)
    place = a + random.logistic(size=N)
    rows = {"A": a, "O": 1.0 + (place > 0) + (place > 1.2)}
    fitted = ld.fit("A ~ bernoulli; O ~ ordinal(A)", rows, ld.Laplace(draws=50), seed=0, check=False, progress=False)
    first, second = (fitted.by_node[node].coefficients.reshape(50, -1) for node in "AO")
    gap = np.ravel(fitted.by_node["O"].parameters[0][1])
    share = expit(first[:, 0])
    middle = [expit(second[:, 0] + second[:, 1] * k) - expit(second[:, 0] + second[:, 1] * k - gap) for k in (0, 1)]
    answer = ld.ask(fitted, "P(A=1 | O=2)")
    assert answer.method == "exact: enumeration"
    assert answer.draws == pytest.approx(share * middle[1] / (share * middle[1] + (1 - share) * middle[0]))
