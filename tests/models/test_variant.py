"""Variants of a model: which mechanisms, weights and priors carry over, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

import oracles
from latentdo.errors import SpecError, StudyError
from latentdo.graphs import project, same_admg
from latentdo.models import Mechanism, ModelSpec, Normal, Variant, Weight, vary
from latentdo.models.study import load_study


def varied(text: str, **changes) -> ModelSpec:
    return vary(ModelSpec.parse(text), Variant("v", **changes)).model


def same(model: ModelSpec, text: str) -> bool:
    """Whether a model is the one that a text states, node order aside."""
    other = ModelSpec.parse(text)
    return dict(model.mechanisms) == dict(other.mechanisms) and model.latent == other.latent


SIGNALS = "latent EGF, IGF ~ normal; SOS ~ normal(+EGF, +IGF, EGF:IGF2); IGF2 ~ normal(IGF, EGF)"


def test_what_is_dropped_takes_its_weights_along():
    text = "latent U, V ~ normal; X ~ normal(U, V, weight=normal(0, 1)); Y ~ normal(X, U, V, U:X, V:X)"
    assert same(
        varied(text, drop=("V",)), "latent U ~ normal; X ~ normal(U, weight=normal(0, 1)); Y ~ normal(X, U, U:X)"
    )
    assert same(
        varied("M ~ normal; X ~ normal(M); Y ~ normal(X, M); X <-> M", drop=("M",)), "X ~ normal; Y ~ normal(X)"
    )


def test_children_of_merged_latents_depend_on_the_new_one_once():
    text = "latent U1, U2, U3 ~ normal; X ~ bernoulli(U1, U2); M ~ normal(X, U2, U2:X); Y ~ normal(M, U1, U2, U3)"
    assert same(
        varied(text, merge=(("U", ("U1", "U2", "U3")),)),
        "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X, U, U:X); Y ~ normal(M, U)",
    )
    kept = varied(
        "Z ~ normal; latent A ~ normal(Z); latent B ~ normal(A); X ~ normal(+A, +B)", merge=(("A", ("A", "B")),)
    )
    assert same(kept, "Z ~ normal; latent A ~ normal(Z); X ~ normal(+A)")


def test_each_part_of_a_split_latent_has_its_mechanism_and_weights():
    assert same(
        varied(
            "Z ~ normal; latent V ~ normal(Z, sd=2); W ~ gamma(+V); Y ~ normal(V, V:W, W)", split=(("V", ("V1", "V2")),)
        ),
        "Z ~ normal; latent V1, V2 ~ normal(Z, sd=2); W ~ gamma(+V1, +V2); Y ~ normal(V1, V2, V1:W, V2:W, W)",
    )


def test_a_hidden_node_is_latent_on_a_latent_scale():
    model = varied("X ~ normal; M ~ normal(X, sd=2); Y ~ normal(M); M <-> Y", hide=("M",))
    assert model.latent == {"M", "M<->Y.1"}
    assert model["M"] == replace(Mechanism(Normal(), model["M"].weights, 0.0), parameters=(("sd", 2.0),))
    assert varied("X ~ normal; M ~ normal(X); Y ~ normal(M)", hide=("M",))["M"].parameter("sd") == 1.0


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 2), (1, 2)])
def test_an_arc_gets_the_latents_that_are_asked_for(before, after):
    text = "X ~ normal; Y ~ normal(X); X <-> Y"
    model = varied(f"{text} [latents={before}]", latents=(("X", "Y", after),))
    assert same(model, f"{text} [latents={after}]")


def test_new_latents_of_an_arc_are_like_the_first():
    spec = ModelSpec.parse("X ~ normal; Y ~ normal(X); X <-> Y").with_priors({"`X<->Y.1` -> X": 2.0})
    model = vary(spec, Variant("v", latents=(("X", "Y", 2),))).model
    assert Weight(("X<->Y.2",), "", 2.0) in model["X"].weights


CONFLICTS = {
    "signs": (
        "latent U, V ~ normal; X ~ normal(U, V); Y ~ normal(+U, -V)",
        {"merge": (("W", ("U", "V")),)},
        "become one weight of W in Y have different signs or priors",
    ),
    "mechanisms": (
        "latent U ~ normal(mean=37); latent V ~ normal(mean=5); X ~ normal(U, V)",
        {"merge": (("W", ("U", "V")),)},
        "are merged into W, which cannot be both",
    ),
    "interaction": (
        "latent U, V ~ normal; X ~ normal(U, V, U:V)",
        {"merge": (("W", ("U", "V")),)},
        "an interaction of merged latents",
    ),
    "sign beside interaction": (
        "latent U, V ~ normal; Z ~ normal; X ~ normal(+U, V:Z, Z)",
        {"merge": (("W", ("U", "V")),)},
        "sign of W cannot be constrained beside an interaction",
    ),
    "family": (
        "X ~ gamma; Y ~ normal(X)",
        {"hide": ("X",)},
        "X is latent and declared gamma; the families of latent nodes",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_what_contradicts_itself_is_a_graph_and_no_model(case):
    text, changes, message = case
    found = vary(ModelSpec.parse(text), Variant("v", **changes))
    assert found.graph.nodes
    with pytest.raises(SpecError, match="The variant 'v' states no model: ") as caught:
        _ = found.model
    assert message in str(caught.value)


def test_merged_latents_must_not_cause_themselves():
    text = "latent U ~ normal; X ~ normal(U); latent V ~ normal(X); Y ~ normal(V, U)"
    with pytest.raises(SpecError, match="directed cycle"):
        vary(ModelSpec.parse(text), Variant("v", merge=(("W", ("U", "V")),)))


def random_spec(rng: random.Random) -> ModelSpec:
    graph = oracles.random_latent_dag(rng)
    mechanisms = {
        node: Mechanism(Normal(), tuple(Weight((parent,)) for parent in graph.parents(node))) for node in graph.nodes
    }
    return ModelSpec.of(graph, mechanisms)


def test_split_and_hide_keep_the_projection_of_what_is_still_measured():
    rng = random.Random(1)
    for _ in range(200):
        spec = random_spec(rng)
        latent, node = rng.choice(sorted(spec.latent)), rng.choice(spec.measured)
        assert same_admg(spec.graph, vary(spec, Variant("v", split=((latent, ("P", "Q")),))).graph) or any(
            spec.graph.parents(latent)
        )
        hidden = vary(spec, Variant("v", hide=(node,))).graph
        assert project(hidden) == project(replace(spec.graph, latent=spec.graph.latent | {node}))
        assert vary(spec, Variant("v", split=((latent, (latent,)),))).graph == spec.graph


STUDY = """\
model: |
  latent U, V ~ normal
  X ~ normal(U, V)
  M ~ normal(X)
  Y ~ normal(M, U, V)
priors:
  weight: normal(0, 3)
queries:
  effect: E[Y | do(X=1)]
  through: E[Y | do(M=1)]
variants:
  one: {merge: {W: [U, V]}}
  none: {drop: [U, V]}
  hidden: {hide: [M]}
"""


def test_a_study_has_its_variants_as_studies():
    study = load_study(STUDY)
    one = study.variant("one")
    assert one.name == "study-one"
    assert one.model.latent == {"W"}
    assert [name for name, _ in one.queries] == ["effect", "through"]
    assert str(one.model["Y"].weights[1].belief) == "normal(0, 3)"
    assert one.variants == ()
    assert [name for name, _ in study.variant("hidden").queries] == ["effect"]
    with pytest.raises(StudyError, match=r"study has no variant 'on'\. Did you mean 'one'"):
        study.variant("on")
