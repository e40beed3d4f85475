"""Moves of answers beside exact ones: binary rows that depart from the model a little, and the printed formula on them."""

import itertools

import numpy as np
import pytest

import latentdo as ld
from latentdo.criticism import moves
from latentdo.criticism.evidence import Evidence
from latentdo.criticism.plans import planned
from latentdo.errors import UnsupportedError
from latentdo.graphs import parse_graph, project
from latentdo.query import Query
from latentdo.tables import Dataset
from tests.posteriors import posterior_of

N = 400
CASES = {
    "back door": ("Z ~ bernoulli; X ~ bernoulli(Z); Y ~ bernoulli(X, Z)", "P(Y=1 | do(X=1))"),
    "front door": (
        "latent U ~ normal; X ~ bernoulli(U); M ~ bernoulli(X); Y ~ bernoulli(M, U)",
        "P(Y=1 | do(X=1))",
    ),
    "napkin": (
        "latent U, V ~ normal; W ~ bernoulli(U, V); R ~ bernoulli(W); X ~ bernoulli(R, U); Y ~ bernoulli(X, V)",
        "P(Y=1 | do(X=1))",
    ),
    "two treatments, one of them confounded": (
        "latent U ~ normal; A ~ bernoulli(U); M ~ bernoulli(A); B ~ bernoulli(M); Y ~ bernoulli(B, M, U)",
        "P(Y=1 | do(A=1, B=0))",
    ),
    "evidence before the outcome": (
        "Z ~ bernoulli; X ~ bernoulli(Z); Y ~ bernoulli(X, Z)",
        "P(Y=1 | do(X=1), Z=1)",
    ),
    "evidence after the outcome": (
        "Z ~ bernoulli; X ~ bernoulli(Z); Y ~ bernoulli(X, Z); S ~ bernoulli(Y)",
        "P(Y=1 | do(X=1), S=1)",
    ),
    "several outcomes": (
        "Z ~ bernoulli; X ~ bernoulli(Z); Y ~ bernoulli(X, Z); S ~ bernoulli(Y, X)",
        "P(Y=1, S=1 | do(X=1))",
    ),
}


def departing(posterior, size, seed):
    """Rows whose laws of nodes given their pillows depart from the model's by so much, and their joint law."""
    random = np.random.default_rng(seed)
    evidence = Evidence.of(posterior, Dataset.of({name: [0, 1] for name in posterior.spec.measured}))
    names = tuple(evidence.pillows)
    cells = np.array(list(itertools.product([0.0, 1.0], repeat=len(names))))
    columns = {name: cells[None, :, k] for k, name in enumerate(names)}
    chance = np.ones(len(cells))
    for name, pillow in evidence.pillows.items():
        given = {each: columns[each] for each in pillow} or {"": np.zeros((1, len(cells)))}
        one = evidence.law(name, pillow, 1).mean(given)[0]
        terms = [np.ones(len(cells)), *(columns[each][0] for each in pillow)]
        one = np.clip(one + size * sum(random.normal() * term for term in terms), 0.02, 0.98)
        chance *= np.where(columns[name][0] == 1, one, 1 - one)
    counts = np.round(chance * N).astype(int)
    rows = {name: np.repeat(cells[:, k], counts) for k, name in enumerate(names)}
    return rows, (counts / counts.sum()).reshape((2,) * len(names)), names


def exact(query, graph, joint, names):
    """The printed formula on a joint law; of the napkin with R as the worlds have it, for these rows depend on it."""
    (term,) = query.terms
    if "R" in names:
        law = np.transpose(joint, [names.index(name) for name in ("W", "R", "X", "Y")])
        w, x = law.sum((1, 2, 3)), law[:, 0, 1].sum(-1) / law[:, 0].sum((1, 2))
        return float((w * x * law[:, 0, 1, 1] / law[:, 0, 1].sum(-1)).sum() / (w * x).sum())
    found = ld.identify(graph, query).estimand.evaluate(joint, list(names))
    wanted = {setting.name: setting.value for setting in term.do} | {item.name: item.value for item in term.given}
    wanted |= {item.name: item.value for item in term.outcomes}
    return float(found.values[tuple(int(wanted.get(name, 0)) for name in found.names)])


@pytest.mark.parametrize(("model", "question"), CASES.values(), ids=CASES)
def test_a_move_leads_to_the_formula_on_the_rows(model, question, monkeypatch):
    monkeypatch.setattr(moves, "WITHIN", 1e9)
    posterior = posterior_of(model, spread=1e-9, shape=(1, 20))
    query = Query.parse(question)
    rows, joint, names = departing(posterior, 0.04, 3)
    found = moves.replaced(Evidence.of(posterior, Dataset.of(rows)), query, 0)
    model_says = ld.ask(posterior, query).mean
    truth = exact(query, posterior.spec.graph, joint, names)
    assert abs(truth - model_says) > 0.01
    moved = found.whole.of("quadratic").move
    assert moved == pytest.approx(truth - model_says, abs=0.003 + 0.05 * abs(truth - model_says))


def test_factors_are_named_as_they_are_printed():
    model, question = CASES["napkin"]
    posterior = posterior_of(model, spread=1e-9, shape=(1, 20))
    rows = {name: values[::8] for name, values in departing(posterior, 0.0, 1)[0].items()}
    found = moves.replaced(Evidence.of(posterior, Dataset.of(rows)), Query.parse(question), 0)
    assert list(found.factors) == ["P(W)", "P(X | W, R)", "P(Y | W, R, X)"]


def test_a_fraction_that_differs_from_world_to_world_is_refused():
    graph = project(parse_graph("C -> R; W -> R -> X -> Y; C -> X; C -> Y; W <-> X; W <-> Y; C <-> W"))
    (term,) = Query.parse("P(Y=1 | do(X=1))").terms
    with pytest.raises(UnsupportedError, match="divides by a law of X"):
        planned(graph, term)


def test_a_learner_of_one_term_is_tried_on_the_other_too():
    one = moves.Moves({"spline": moves.Move(1.0, np.ones(2))}, "spline")
    other = moves.Moves({"tree": moves.Move(2.0, np.ones(2))}, "tree")
    both = one.plus(other.scaled(-1.0))
    assert {kind: move.move for kind, move in both.kept.items()} == {"spline": -1.0, "tree": -1.0}
