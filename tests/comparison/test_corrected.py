"""The corrected posterior: its influence functions against enumeration, its row beside the others."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import expit

import latentdo as ld
from exact_laws import cells_of
from latentdo.criticism import TrainedLaws
from latentdo.errors import QueryError
from latentdo.estimators import Options, Task, influence_under, tasks_of
from latentdo.estimators.task import task_of
from latentdo.graphs import project
from latentdo.identification import Identified, identify
from latentdo.inference import Posterior
from latentdo.query import Query, Term
from latentdo.tables import Dataset
from posteriors import numbers, posterior_of

NAMES = ("C", "X", "M", "Y")
FRONT_DOOR = """
latent U ~ bernoulli
C ~ bernoulli; X ~ bernoulli(C, U); M ~ bernoulli(X, C); Y ~ bernoulli(M, C, U)
"""
RIGHT = {"X -> M": 1.3, "M -> Y": 1.7, "U -> X": 1.5, "U -> Y": -2.0, "intercept(Y)": -0.5}


def law_of(posterior: Posterior, draw: int, do: dict[str, int] | None = None) -> np.ndarray:
    """P(C, X, M, Y) of one draw, after surgery."""
    n = {label: values[draw] for label, values in numbers(posterior).items()}
    joint = np.zeros((2, 2, 2, 2))
    for u, c, x, m, y in product((0, 1), repeat=5):
        chances = {
            "U": expit(n["intercept(U)"]),
            "C": expit(n["intercept(C)"]),
            "X": expit(n["intercept(X)"] + n["C -> X"] * c + n["U -> X"] * u),
            "M": expit(n["intercept(M)"] + n["X -> M"] * x + n["C -> M"] * c),
            "Y": expit(n["intercept(Y)"] + n["M -> Y"] * m + n["C -> Y"] * c + n["U -> Y"] * u),
        }
        values = {"U": u, "C": c, "X": x, "M": m, "Y": y}
        weight = 1.0
        for name, value in values.items():
            one = (do or {}).get(name)
            weight *= float(value == one) if one is not None else (chances[name] if value else 1 - chances[name])
        joint[c, x, m, y] += weight
    return joint


def task_on(posterior: Posterior, text: str) -> tuple[Task, Term]:
    term = Query.parse(text).term
    task = task_of(project(posterior.spec.graph), term, cells_of(np.full((2,) * 4, 1 / 16), NAMES))
    assert isinstance(task, Task)
    return task, term


@pytest.mark.parametrize("text", ["E[Y | do(X=1)]", "P(Y=0 | do(X=0))"])
def test_each_draws_influence_function_has_that_draws_answer_as_its_mean(text: str):
    posterior = posterior_of(FRONT_DOOR, RIGHT, spread=0.4, shape=(1, 3))
    task, term = task_on(posterior, text)
    found = influence_under(task, TrainedLaws(posterior, np.arange(3), task.outcome, task.event)).values
    for draw in range(3):
        after = law_of(posterior, draw, {"X": int(term.do[0].value)})  # pyright: ignore[reportArgumentType]
        wanted = after[..., 1 if term.kind == "mean" else 0].sum()
        assert (law_of(posterior, draw).ravel() * found[draw]).sum() == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize(
    ("wrong", "holds"),
    [({"M -> Y": -1.0, "U -> Y": 0.0}, True), ({"X -> M": -0.5}, True), ({"X -> M": -0.5, "M -> Y": -1.0}, False)],
    ids=["outcome wrong", "mediator wrong", "both wrong"],
)
def test_one_wrong_half_of_the_model_is_corrected(wrong: dict[str, float], holds: bool):
    right, other = (posterior_of(FRONT_DOOR, {**RIGHT, **own}, spread=0.0, shape=(1, 1)) for own in ({}, wrong))
    task, _ = task_on(other, "E[Y | do(X=1)]")
    found = influence_under(task, TrainedLaws(other, np.arange(1), task.outcome, task.event)).values[0]
    wanted = law_of(right, 0, {"X": 1})[..., 1].sum()
    off = abs((law_of(right, 0).ravel() * found).sum() - wanted)
    assert off < 1e-10 if holds else off > 0.01
    assert abs(law_of(other, 0, {"X": 1})[..., 1].sum() - wanted) > 0.02, "the model alone is off"


def test_a_front_door_of_numbers_has_the_truth_as_its_mean():
    model = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ normal(M, U)"
    centres = {"X -> M": 0.8, "M -> Y": 1.5, "U -> X": 1.2, "U -> Y": 1.0, "intercept(Y)": 0.3}
    posterior = posterior_of(model, centres, spread=0.0, shape=(1, 1))
    random = np.random.default_rng(4)
    u = random.normal(size=4000)
    x = (random.uniform(size=4000) < expit(1.2 * u)).astype(float)
    m = 0.8 * x + random.normal(size=4000)
    y = 0.3 + 1.5 * m + u + random.normal(size=4000)
    query = Query.parse("E[Y | do(X=1)]")
    graph = project(posterior.spec.graph)
    verdict = identify(graph, query)
    assert isinstance(verdict, Identified)
    (task,) = tasks_of(graph, Dataset.of({"X": x, "M": m, "Y": y}), query, verdict, Options(), ["M", "Y"])
    found = influence_under(task, TrainedLaws(posterior, np.arange(1), "Y")).values[0]
    assert abs(found.mean() - 1.5) < 4 * found.std() / 4000**0.5
    # Where the law of Y is wrong, that of M is enough.
    wrong = posterior_of(model, {**centres, "M -> Y": 0.2, "U -> Y": 0.0}, spread=0.0, shape=(1, 1))
    found = influence_under(task, TrainedLaws(wrong, np.arange(1), "Y")).values[0]
    assert abs(found.mean() - 1.5) < 4 * found.std() / 4000**0.5
    assert found.std() / 4000**0.5 < 0.06


@pytest.fixture(scope="module")
def adjusted() -> Posterior:
    """A fit of a back door without latents, in tables: nothing about it can be wrong."""
    random = np.random.default_rng(11)
    z = random.normal(size=400)
    x = (random.uniform(size=400) < expit(z)).astype(int)
    y = (random.uniform(size=400) < expit(x + 0.3 * z)).astype(int)
    z = (z > 0).astype(int)
    model = "Z ~ table; X ~ table(Z); Y ~ table(X, Z)"
    return ld.fit(ld.model(model), {"Z": z, "X": x, "Y": y}, seed=0, progress=False)


EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


def test_the_row_stands_behind_that_of_the_model(adjusted):
    found = ld.compare(adjusted, EFFECT, methods=["lvm, corrected", "aipw"])
    assert found.methods == ("lvm", "lvm, corrected", "aipw")
    row = found["lvm, corrected"]
    # Tables are saturated: model, correction and rival are all the same but for the prior.
    assert abs(row.estimate - found["lvm"].estimate) < 0.1 * row.sd
    assert row.sd == pytest.approx(found["aipw"].sd, rel=0.15)
    assert row.lower < row.estimate < row.upper
    assert row.interval == "corrected posterior"
    assert row.note == "one step from lvm along the influence function; before X {Z}; 400 draws"
    assert row.sets == {"C": ("Z",), "L": ("X",), "M": ("Y",)}
    again = ld.compare(adjusted, EFFECT, methods="lvm, corrected")["lvm, corrected"]
    assert (again.estimate, again.lower) == (row.estimate, row.lower)


def test_a_law_and_a_sweep_have_a_corrected_row_per_level_and_point(adjusted):
    events = ["P(Y=0 | do(X=1))", "P(Y=1 | do(X=1))", "P(Y=1 | do(X=0))"]
    alone = [ld.compare(adjusted, event, methods="corrected")["lvm, corrected"].estimate for event in events]
    law, sweep = (
        [row.estimate for row in ld.compare(adjusted, text, methods="corrected") if row.method == "lvm, corrected"]
        for text in ("P(Y | do(X=1))", "P(Y=1 | do(X)) for X in [1, 0]")
    )
    assert law == alone[:2]
    assert sweep == alone[1:]


def test_ratios_and_numbers_needed_to_treat_are_corrected_draw_by_draw(adjusted):
    found = ld.compare(adjusted, "RR[Y | X: 0 -> 1]", "RD[Y | X: 0 -> 1]", "NNT[Y | X: 0 -> 1]", methods="corrected")
    ratio, difference, needed = (row for row in found if row.method == "lvm, corrected")
    assert 0 < ratio.lower < ratio.estimate < ratio.upper
    assert (needed.lower, needed.upper) == pytest.approx((1 / difference.upper, 1 / difference.lower))


def test_a_ratio_of_rare_outcomes_stays_above_zero_and_says_how_little_it_knows():
    random = np.random.default_rng(5)
    z = random.normal(size=400)
    x = 1.0 * (random.random(400) < expit(z))
    y = 1.0 * (random.random(400) < expit(-5 + 0.5 * x + 0.5 * z))
    model = "Z ~ normal; X ~ bernoulli(Z); Y ~ bernoulli(X, Z)"
    rare = ld.fit(model, {"Z": z, "X": x, "Y": y}, ld.Laplace(), seed=0, progress=False, check=False)
    row = ld.compare(rare, "RR[Y | X: 0 -> 1]", methods="corrected")["lvm, corrected"]
    assert 0 < row.lower < row.estimate < row.upper
    assert any("too few rows have the outcome" in caution for caution in row.warnings)


def test_the_row_is_there_only_where_it_is_asked_for_or_nothing_is(adjusted):
    assert "lvm, corrected" in ld.compare(adjusted, EFFECT, replicates=5).methods
    assert ld.compare(adjusted, EFFECT, methods="aipw").methods == ("lvm", "aipw")
    with pytest.raises(QueryError, match="there is no trained one here"):
        ld.compare("Z -> X -> Y; Z -> Y", {"Z": [0, 1], "X": [0, 1], "Y": [0, 1]}, EFFECT, methods="lvm, corrected")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("P(Y=1 | do(X=1), Z=1)", "it has no form for conditions after do"),
        ("Var[Y | do(X=1)]", "estimators give means and probabilities"),
        ("E[Z | do(X=1)]", "X does not cause Z"),
    ],
)
def test_a_question_without_an_influence_function_says_why(adjusted, query: str, said: str):
    row = ld.compare(adjusted, query, methods="lvm, corrected")["lvm, corrected"]
    assert row.estimate is None and not row.applies
    assert said in row.note


def test_a_treatment_that_is_a_number_has_no_influence_function(front_door):
    row = ld.compare(front_door, "E[Y | do(X=1)]", methods="lvm, corrected")["lvm, corrected"]
    assert row.note == "X is a number: what setting it to one value does has no influence function."
