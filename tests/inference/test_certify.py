"""What a fit is judged on: densities against SciPy, effects against closed forms, and what is left out."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import scipy.special
import scipy.stats

import latentdo as ld
from latentdo.answers import judge_fit
from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import coordinates_on
from latentdo.inference.blocks.draws import NodeDraws
from latentdo.inference.likelihood.certify import (
    FEWER_PAIRS,
    LIKELIHOOD_ROWS,
    _mirrored,
    judged,
    judged_pairs,
    log_likelihood,
)
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers.outcome import node_draws
from latentdo.models import ModelSpec
from latentdo.tables import Dataset
from posteriors import posterior_of


def only_task(text: str, rows: Mapping[str, np.ndarray], node: str) -> Task:
    """The task of the block that holds a node."""
    spec, data = ModelSpec.parse(text), Dataset.of(rows)
    (block,) = (block for block in blocks_of(spec) if node in block.nodes)
    return Task(spec, block, coordinates_on(spec, data), data, 0, (2, 3), lambda *_: None, threading.Event())


def points(task: Task) -> tuple[np.ndarray, dict[str, NodeDraws]]:
    u = 0.5 * np.random.default_rng(1).normal(size=(2, 3, task.layout.n_free))
    return u, dict(node_draws(task, u))


def test_the_likelihood_of_linear_normal_nodes_is_that_of_their_joint_normal_law():
    random = np.random.default_rng(0)
    rows = {name: random.normal(k, 1.5, 40) for k, name in enumerate("AXYZ")}
    text = "latent U, V ~ normal; A ~ normal; X ~ normal(U, A); Y ~ normal(X, U, V); Z ~ normal(V, sd=0.7)"
    task = only_task(text, rows, "X")
    u, draws = points(task)
    found = log_likelihood(task, u)
    for c, d in np.ndindex(2, 3):
        number = {node: own.coefficients[c, d] for node, own in draws.items()}
        sd = {node: dict(own.parameters)["sd"][c, d] for node, own in draws.items()}
        (x0, xu, xa), (y0, yx, yu, yv), (z0, zv) = number["X"], number["Y"], number["Z"]
        mean_x = x0 + xa * rows["A"]
        mean = np.stack([mean_x, y0 + yx * mean_x, np.full(40, z0)], axis=1)
        loadings = np.array([[xu, 0], [yx * xu + yu, yv], [0, zv]])
        noise = np.array([[sd["X"], 0, 0], [yx * sd["X"], sd["Y"], 0], [0, 0, sd["Z"]]])
        law = scipy.stats.multivariate_normal(np.zeros(3), loadings @ loadings.T + noise @ noise.T)
        seen = np.stack([rows[name] for name in "XYZ"], axis=1)
        assert found[c, d] == pytest.approx(law.logpdf(seen - mean).sum(), rel=1e-9)


def test_the_likelihood_without_latents_is_the_sum_of_the_rows():
    random = np.random.default_rng(2)
    rows = {"X": random.normal(size=50), "B": (random.uniform(size=50) < 0.4).astype(float)}
    task = only_task("X ~ normal; B ~ bernoulli(X)", rows, "B")
    u, draws = points(task)
    b0, bx = np.moveaxis(draws["B"].coefficients, -1, 0)[..., None]
    eta = b0 + bx * rows["X"]
    expected = scipy.special.log_expit(np.where(rows["B"] == 1, eta, -eta)).sum(axis=-1)
    assert log_likelihood(task, u) == pytest.approx(expected, rel=1e-10)


def test_the_likelihood_of_many_rows_is_that_of_a_sample():
    random = np.random.default_rng(3)
    n = 40 * LIKELIHOOD_ROWS
    rows = {"X": random.normal(size=n), "Y": random.normal(size=n)}
    task = only_task("latent U ~ normal; X ~ normal(U); Y ~ normal(U)", rows, "X")
    u, draws = points(task)
    x, y = draws["X"], draws["Y"]
    for c, d in np.ndindex(2, 3):
        w = np.array([x.coefficients[c, d, 1], y.coefficients[c, d, 1]])
        noise = [dict(own.parameters)["sd"][c, d] ** 2 for own in (x, y)]
        centre = [own.coefficients[c, d, 0] for own in (x, y)]
        law = scipy.stats.multivariate_normal(centre, np.outer(w, w) + np.diag(noise))
        each = law.logpdf(np.stack([rows["X"], rows["Y"]], axis=1))
        error = each.std() / np.sqrt(LIKELIHOOD_ROWS)
        assert log_likelihood(task, u)[c, d] / LIKELIHOOD_ROWS == pytest.approx(each.mean(), abs=5 * error)


def chained(text: str, rows: Mapping[str, np.ndarray], centres: Mapping[str, float]) -> ld.Posterior:
    """A posterior of independent draws that counts as one of chains, with its rows."""
    data = Dataset.of(rows)
    posterior = posterior_of(text, centres, spread=0.05)
    return replace(posterior, data=data, facts=replace(posterior.facts, columns=data.summaries))


FRONT = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
RANDOM = np.random.default_rng(4)
FRONT_ROWS = {name: RANDOM.normal(size=200) for name in "XMY"}


def test_effects_that_the_graph_identifies_are_judged_and_no_other():
    posterior = chained(FRONT, FRONT_ROWS, {"X -> M": 0.8, "M -> Y": 0.9})
    names = [d.name for d in judge_fit(posterior, ()).diagnostics[len(posterior.diagnostics) :]]
    pairs = {(name.partition(" | ")[0][2:], name.partition("do(")[2].partition("=")[0]) for name in names}
    assert pairs == {("M", "X"), ("Y", "X"), ("Y", "M")}
    low, high = (float(f"{q:.4g}") for q in np.quantile(FRONT_ROWS["X"], (0.1, 0.9), method="inverted_cdf"))
    assert f"E[Y | do(X={low!r})]" in names and f"E[Y | do(X={high!r})]" in names
    bow = chained("X ~ normal; Y ~ normal(X); X <-> Y", {k: FRONT_ROWS[k] for k in "XY"}, {})
    assert judge_fit(bow, ()).diagnostics == bow.diagnostics


@pytest.mark.parametrize(
    ("levels", "values", "shown"),
    [("I, 'stage 2'", (0.0, 1.0), ["I", "'stage 2'"]), ("3, 7", (3.0, 7.0), ["3", "7"])],
)
def test_levels_of_a_treatment_are_named_as_they_are_typed(levels, values, shown):
    rows = {"S": np.resize(values, 200), "M": FRONT_ROWS["M"], "Y": FRONT_ROWS["Y"]}
    text = f"latent U ~ normal; S ~ categorical(levels=[{levels}]); M ~ normal(S, U); Y ~ normal(U)"
    posterior = chained(text, rows, {})
    names = [d.name for d in judge_fit(posterior, ()).diagnostics[len(posterior.diagnostics) :]]
    assert names == [f"E[M | do(S={level})]" for level in shown]


CLASSES = (
    "latent U ~ normal; X ~ normal(U); C ~ categorical(X, levels=[low, mid, 'very high']); D ~ table(C, levels=[n, y])"
)


def test_of_an_outcome_with_names_probabilities_are_judged():
    rows = {"X": FRONT_ROWS["X"], "C": np.resize([0.0, 1.0, 2.0], 200), "D": np.resize([0.0, 1.0, 1.0], 200)}
    posterior = chained(CLASSES, rows, {})
    names = [d.name for d in judge_fit(posterior, ()).diagnostics[len(posterior.diagnostics) :]]
    assert not [name for name in names if name.startswith("E[")]
    asked = {name.partition(" |")[0] for name in names}
    assert asked == {"P(C=mid", "P(C='very high'", "P(D=y"}
    assert "P(D=y | do(C='very high'))" in names
    means = import_module("latentdo.answers.judge")._SharedNoise(posterior).means("X", 0.5, ["C"])
    for level, typed in (("mid", "mid"), ("very high", "'very high'")):
        assert means["C", level] == pytest.approx(ld.ask(posterior, f"P(C={typed} | do(X=0.5))").draws, abs=1e-12)


def test_of_many_levels_with_names_some_are_judged():
    levels = [f"city{k}" for k in range(9)]
    text = f"latent U ~ normal; X ~ normal(U); C ~ categorical(X, levels=[{', '.join(levels)}])"
    posterior = chained(text, {"X": FRONT_ROWS["X"], "C": np.resize(np.arange(9.0), 200)}, {})
    names = [d.name for d in judge_fit(posterior, ()).diagnostics[len(posterior.diagnostics) :]]
    assert len(names) == 8 and "city8" in "".join(names)


def test_a_chain_in_which_an_effect_differs_is_found_whatever_was_asked():
    posterior = chained(FRONT, FRONT_ROWS, {"X -> M": 0.8, "M -> Y": 0.9})
    assert judge_fit(posterior, ()).converged
    posterior.by_node["Y"].coefficients[0, :, 1] += 1.0
    again = judge_fit(posterior, ())
    assert not again.converged
    failed = {d.name.partition("|")[2].partition("=")[0] for d in again.diagnostics if not d.passed}
    assert failed == {" do(X", " do(M"}


def test_the_means_are_those_of_the_mutilated_model(monkeypatch: pytest.MonkeyPatch):
    room = import_module("latentdo.answers.judge")
    monkeypatch.setattr(room, "UNITS", 4096)
    posterior = chained(FRONT, FRONT_ROWS, {"X -> M": 0.8, "M -> Y": 0.9, "intercept(M)": 0.5, "intercept(Y)": -1.0})
    means = room._SharedNoise(posterior).means("X", 2.0, ["M", "Y"])
    n = {name: values.reshape(-1) for name, values in posterior.parameters}
    m = n["intercept(M)"] + 2.0 * n["X -> M"]
    assert means["M", None] == pytest.approx(m)
    assert means["Y", None] == pytest.approx(n["intercept(Y)"] + n["M -> Y"] * m, abs=0.05)


def test_effects_on_independent_draws_are_not_judged_again():
    posterior = chained(FRONT, FRONT_ROWS, {})
    independent = replace(posterior, blocks=tuple(replace(block, independent=True) for block in posterior.blocks))
    assert judge_fit(independent, ()).diagnostics == independent.diagnostics


def test_above_the_cap_an_even_choice_is_judged_and_told(monkeypatch: pytest.MonkeyPatch):
    room = import_module("latentdo.answers.judge")
    monkeypatch.setattr(room, "MOST_EFFECTS", 2)
    found = judge_fit(chained(FRONT, FRONT_ROWS, {}), ())
    assert found.unjudged == ("1 of 3 identified effects",)
    assert len([d for d in found.diagnostics if d.name.startswith("E[")]) == 4


def test_the_mean_of_a_binary_node_does_not_move_in_steps():
    posterior = posterior_of("B ~ bernoulli", {"intercept(B)": 0.3}, spread=1e-6)
    posterior.by_node["B"].coefficients[0] += 1e-5
    by_name = {d.name: d for d in judged(posterior)}
    assert not by_name["mean(B)"].passed, "a share that differs by a millionth between chains"


def test_densities_of_chains_are_judged(front_door: ld.Posterior):
    names = {d.name for d in front_door.diagnostics}
    for block in front_door.blocks:
        if not block.independent:
            assert {f"log posterior of {block.block.name}", f"log likelihood of {block.block.name}"} <= names
            assert block.log_posterior is not None
            assert block.log_posterior.shape == front_door.shape


def test_of_very_many_nodes_the_joined_pairs_are_judged_and_some_others():
    names = [f"X{k}" for k in range(120)]
    spec = ModelSpec.parse("; ".join(["Y ~ normal", *(f"{name} ~ normal(Y)" for name in names)]))
    pairs = judged_pairs(spec)
    assert {frozenset((name, "Y")) for name in names} <= {frozenset(pair) for pair in pairs}
    assert len(pairs) == len(set(pairs)) == 120 + FEWER_PAIRS


def test_pairs_without_a_cause_in_common_are_not_judged():
    text = "latent U ~ normal; X ~ normal(U); Y ~ normal(U); Z ~ normal; W ~ normal(Z)"
    assert judged_pairs(ModelSpec.parse(text)) == [("X", "Y"), ("Z", "W")]


def test_doubtful_moments_are_judged_over_causes_that_have_nothing_in_common():
    """What noise and hidden cause make of a node is not pinned down; its covariance with another is, and is 0.6 in every draw."""
    random = np.random.default_rng(3)
    half = random.uniform(size=(40, 32))
    even = _mirrored({"U": half[0], **{f"X{k}": row for k, row in enumerate(half[1:31])}}, {"U"})
    scores = scipy.stats.norm.ppf(np.array(list(even.values())))
    assert scores @ scores.T / 64 == pytest.approx(np.eye(31), abs=1e-9)
    share = random.uniform(-1.0, 1.0, 500)
    shares = np.sqrt(1.0 - share**2)
    x = 0.6 * scores[1] + share[:, None] * scores[0] + shares[:, None] * scores[2]
    assert (x * scores[1]).mean(axis=1) == pytest.approx(np.full(500, 0.6))


def test_more_causes_than_units_are_mirrored_alone():
    even = _mirrored({f"X{k}": u for k, u in enumerate(np.random.default_rng(4).uniform(size=(9, 8)))}, {"X0"})
    assert even["X0"][:8] + even["X0"][8:] == pytest.approx(np.ones(8))
    assert even["X1"][:8] == pytest.approx(even["X1"][8:])
