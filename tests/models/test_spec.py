"""Specs: what is checked when one is made, surgery, and the text that reads back as the same value."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.errors import SpecError, SupportError, UnknownNodeError
from latentdo.graphs import LatentDag, parse_call, parse_graph
from latentdo.models import Bernoulli, Constant, Linear, Mechanism, ModelSpec, Normal, Prior, Weight
from strategies import specs

NAPKIN = """
latent U, V ~ normal
W ~ gamma(U, V)
R ~ normal(W)
X ~ bernoulli(R, U)
Y ~ normal(X, V, X:V)
"""


def read_back(spec: ModelSpec) -> ModelSpec:
    text, priors = spec.source
    return ModelSpec.parse(text).with_priors({key: parse_call(prior) for key, prior in priors})


# The text of a spec


@settings(max_examples=150, deadline=None)
@given(spec=specs())
def test_the_text_of_a_spec_reads_back_as_an_equal_spec(spec):
    again = read_back(spec)
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.source == spec.source


@settings(max_examples=30, deadline=None)
@given(spec=specs())
def test_a_pickled_spec_is_equal_and_has_the_same_hash(spec):
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert hash(again) == hash(spec)
    assert {spec: 1}[again] == 1


@settings(max_examples=30, deadline=None)
@given(spec=specs())
def test_a_prior_of_every_weight_survives_the_text(spec):
    is_open = any(weight.belief is None for _, mechanism in spec.mechanisms for weight in mechanism.weights)
    changed = spec.with_priors({"weight": parse_call("normal(0, 2)")} if is_open else {})
    assert read_back(changed) == changed


@pytest.mark.parametrize(
    "text",
    [
        "Y ~ normal(X); X ~ normal",
        "A; B; C; A ~ normal(C); B ~ normal; C ~ normal",
        "A -| B; B ~ normal(A); A ~ normal",
        "A, B ~ normal; B <-> A [latents=2]",
        "latent `A<->B.1` ~ normal; A, B ~ normal(`A<->B.1`)",
        "latent `A<->B.1` ~ normal; A, B ~ normal(`A<->B.1`); C ~ normal(A); C <-> B",
        "latent `A<->B.2` ~ normal; A, B ~ normal(`A<->B.2`)",
        "Y ~ normal(X, weight=uniform(-1, 2)); X ~ normal(sd=uniform(-1, 2))",
        "Y ~ hill(+X, -Z, max=2.5, weight=0, sd=halfnormal(3)); X, Z ~ bernoulli(intercept=-1)",
        "latent U ~ normal(mean=normal(37, 1), sd=normal(3, 1)); Y ~ hill(U)",
        NAPKIN,
    ],
)
def test_orders_arrows_and_latents_survive_the_text(text):
    spec = ModelSpec.parse(text)
    assert read_back(spec) == spec


def test_a_spec_prints_as_people_type_it():
    spec = ModelSpec.parse(
        "latent EGF ~ normal(mean=normal(37,1)); Y ~ hill(+X,-EGF, max=50,sd=halfnormal( 2.50 )); X ~ normal; X ~~ Y"
    )
    assert str(spec) == (
        "latent EGF ~ normal(intercept=normal(37, 1))\nY ~ hill(+X, -EGF, max=50, sd=halfnormal(2.5))\nX ~ normal\nY <-> X"
    )


def test_priors_of_single_weights_stand_beside_the_text():
    spec = ModelSpec.parse("Y ~ normal(X, Z); X, Z ~ normal").with_priors({"X -> Y": parse_call("normal(0, 1)")})
    assert spec.source == ("Y ~ normal(X, Z)\nX ~ normal\nZ ~ normal", (("X -> Y", "normal(0, 1)"),))
    assert str(spec).endswith("# prior of X -> Y: normal(0, 1)")


def test_a_latent_of_an_arc_with_a_prior_of_its_own_is_written_out():
    spec = ModelSpec.parse("A, B ~ normal; A <-> B").with_priors({"weight": 0.5})
    assert spec.source[0] == (
        "A; B; `A<->B.1`\nA ~ normal(`A<->B.1`, weight=0.5)\nB ~ normal(`A<->B.1`, weight=0.5)\nlatent `A<->B.1` ~ normal"
    )


# What is checked when a spec is made


def test_a_node_without_a_mechanism_is_named_with_the_repair():
    with pytest.raises(SpecError) as caught:
        ModelSpec.parse("Y ~ normal(X, `IL-6`)")
    assert str(caught.value) == (
        "No mechanism for X, IL-6. Every node needs one, latent nodes included: write `latent X ~ normal` if nobody "
        "measured it, else `X ~ normal`."
    )
    assert caught.value.node == "X"


def test_a_declared_latent_needs_a_mechanism_too():
    with pytest.raises(SpecError, match="No mechanism for U"):
        ModelSpec.parse("latent U; Y ~ normal(U)")


def test_a_latent_of_another_family_is_refused_by_name():
    with pytest.raises(SpecError) as caught:
        ModelSpec.parse("latent `my U` ~ gamma; Y ~ normal(`my U`)")
    assert str(caught.value) == (
        "my U is latent and declared gamma; the families of latent nodes are normal, student, bernoulli, categorical, hill, "
        "linear, table. Write `latent `my U` ~ normal(…)`."
    )
    assert caught.value.node == "my U"


def test_mechanism_and_graph_must_agree():
    with pytest.raises(SpecError, match=r"The mechanism of Y has parents \['Z'\], the graph \['X'\]. They must agree"):
        ModelSpec(
            parse_graph("X -> Y; Z"),
            (("X", Mechanism(Normal())), ("Z", Mechanism(Normal())), ("Y", Mechanism(Normal(), (Weight(("Z",)),)))),
        )


def test_the_latents_of_an_arc_must_be_written_out():
    graph = parse_graph("X <-> Y")
    mechanisms = {"X": Mechanism(Normal()), "Y": Mechanism(Normal())}
    with pytest.raises(SpecError, match=r"The graph holds X <-> Y\. Use `ModelSpec\.of`, which writes its latents out"):
        ModelSpec(graph, tuple(mechanisms.items()))
    assert ModelSpec.of(graph, mechanisms) == ModelSpec.parse("X, Y ~ normal; X <-> Y")


def test_a_mechanism_of_no_node_is_refused():
    with pytest.raises(UnknownNodeError, match=r"'Yy' is not a node of the graph\. Did you mean 'Y'"):
        ModelSpec(LatentDag(("Y",)), (("Y", Mechanism(Normal())), ("Yy", Mechanism(Normal()))))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([("X",), ("X",)], "X is listed twice among the parents. Keep one."),
        ([("X", "V"), ("V", "X")], "X:V is listed twice among the parents. Keep one."),
        ([("X", "X")], "X:X multiplies a node with itself. Interactions join different nodes."),
    ],
)
def test_a_mechanism_has_each_term_once(weights, message):
    with pytest.raises(SpecError) as caught:
        Mechanism(Normal(), tuple(Weight(term) for term in weights))
    assert str(caught.value) == message


def test_a_mechanism_has_the_parameters_of_its_family():
    assert Mechanism(Normal()) == Mechanism(Normal(), parameters=(("sd", None),))
    with pytest.raises(SpecError, match=r"normal has no parameter 'shape'\. Known are: sd"):
        Mechanism(Normal(), parameters=(("shape", 1.0),))


def test_a_mapping_of_mechanisms_is_accepted_and_stored_in_node_order():
    graph = parse_graph("X -> Y")
    spec = ModelSpec(graph, {"Y": Mechanism(Normal(), (Weight(("X",)),)), "X": Mechanism(Normal())})
    assert [node for node, _ in spec.mechanisms] == ["X", "Y"]
    assert spec == ModelSpec.parse("X ~ normal; Y ~ normal(X)")


def test_location_and_scale_of_a_latent_are_fixed_unless_given():
    spec = ModelSpec.parse(
        "latent U ~ normal; latent V ~ normal(U); latent L ~ linear(U, V); latent M ~ normal(mean=2, sd=3); Y ~ normal(L, M)"
    )
    assert (spec["U"].intercept, spec["U"].parameter("sd")) == (0.0, 1.0)
    assert (spec["V"].intercept, spec["V"].parameter("sd")) == (0.0, 1.0)
    assert (spec["L"].intercept, spec["L"].parameters) == (0.0, ())
    assert (spec["M"].intercept, spec["M"].parameter("sd")) == (2.0, 3.0)
    assert (spec["Y"].intercept, spec["Y"].parameter("sd")) == (None, None)


def test_unknown_nodes_are_refused_with_the_nearest_name():
    with pytest.raises(UnknownNodeError, match="Did you mean 'Y'"):
        ModelSpec.parse("Y ~ normal")["y"]


# Surgery


@settings(max_examples=60, deadline=None)
@given(spec=specs(), data=st.data())
def test_surgeries_on_different_nodes_commute(spec, data):
    nodes = data.draw(st.lists(st.sampled_from(spec.graph.nodes), min_size=1, unique=True))
    cut = data.draw(st.integers(0, len(nodes)))
    values = dict.fromkeys(nodes, 1.0)
    first, second = dict(list(values.items())[:cut]), dict(list(values.items())[cut:])
    assert spec.do(first).do(second) == spec.do(second).do(first) == spec.do(values)
    assert hash(spec.do(first).do(second)) == hash(spec.do(values))
    assert str(spec.do(values))


@settings(max_examples=60, deadline=None)
@given(spec=specs(), data=st.data())
def test_surgery_removes_the_parents_and_changes_nothing_else(spec, data):
    node = data.draw(st.sampled_from(spec.graph.nodes))
    cut = spec.do({node: 1.0})
    assert cut[node] == Mechanism(Constant(1.0))
    assert cut.graph.parents(node) == ()
    assert cut.graph.nodes == spec.graph.nodes
    assert cut.latent == spec.latent
    for other in spec.graph.nodes:
        if other != node:
            assert cut[other] == spec[other]
            assert cut.graph.parents(other) == spec.graph.parents(other)


def test_surgery_on_one_end_leaves_the_latent_as_a_cause_of_the_other():
    spec = ModelSpec.parse("A, B ~ normal; A <-> B [latents=2]")
    cut = spec.do({"A": 0})
    assert cut.graph.parents("A") == ()
    assert cut.graph.parents("B") == ("A<->B.1", "A<->B.2")
    assert cut["A<->B.1"] == spec["A<->B.1"]
    assert "A = 0  # set by an intervention" in str(cut)


def test_surgery_takes_levels_of_the_family_only():
    spec = ModelSpec.parse("X ~ bernoulli; Y ~ gamma(X)")
    with pytest.raises(SupportError, match=r"X is bernoulli: its values are 0 and 1, not 0\.5"):
        spec.do({"X": 0.5})
    with pytest.raises(SupportError, match="Y was set to 2, it cannot be 3"):
        spec.do({"Y": 2}).do({"Y": 3})
    assert spec.do({"Y": 2}).do({"Y": 2}) == spec.do({"Y": 2})
    with pytest.raises(UnknownNodeError, match="'Z' is not a node"):
        spec.do({"Z": 0})
    with pytest.raises(UnknownNodeError, match="'Z' is not a node"):
        spec.do({"Z": Normal()})


def test_surgery_takes_a_root_mechanism_and_no_policy():
    spec = ModelSpec.parse("Z ~ normal; X ~ normal(Z)")
    drawn = spec.do({"X": Bernoulli()})
    assert drawn["X"] == Mechanism(Bernoulli())
    assert drawn.graph.parents("X") == ()
    assert spec.do({"X": Mechanism(Normal(), (), 3.0, (("sd", 2.0),))})["X"].parameter("sd") == 2.0
    with pytest.raises(SupportError, match=r"do\(X\) with a mechanism that has parents is a policy, not surgery"):
        spec.do({"X": Mechanism(Linear(), (Weight(("Z",)),))})


# Priors of a study file

TEXT = "Y ~ normal(X, Z, weight=normal(0, 2), intercept=1); X, Z ~ normal; latent U ~ normal; W ~ gamma(U, X)"


def believed(priors: dict[str, str], text: str = TEXT) -> ModelSpec:
    return ModelSpec.parse(text).with_priors({key: parse_call(value) for key, value in priors.items()})


def weight(spec: ModelSpec, node: str, *parents: str) -> Prior | float | None:
    return next(w.belief for w in spec[node].weights if w.parents == parents)


def test_one_weight_wins_over_its_node_that_over_the_text_that_over_the_model():
    broad, node, one = {"weight": "normal(0, 9)"}, {"weight(Y)": "normal(0, 5)"}, {"X -> Y": "normal(0, 4)"}
    nine, five, four, two = (Prior("normal", (0.0, sd)) for sd in (9.0, 5.0, 4.0, 2.0))
    assert weight(believed(broad), "Y", "X") == two
    assert weight(believed(broad), "W", "X") == nine
    assert weight(believed(broad | node), "Y", "X") == five
    for order in (one | node | broad, broad | node | one):
        spec = believed(order)
        assert [weight(spec, "Y", "X"), weight(spec, "Y", "Z")] == [four, five]
        assert weight(spec, "W", "U") == nine


LEVELS = "C ~ categorical(levels=[low, mid, 'very high']); X ~ normal; Y ~ normal(C, X, C:X)"


def test_the_weight_of_one_level_wins_over_that_of_the_parent():
    priors = {"C[mid] -> Y": "normal(0, 4)", "X:C['very high'] -> Y": "2", "C -> Y": "normal(0, 5)", "weight(Y)": "1"}
    for order in (priors, dict(reversed(priors.items()))):
        spec = believed(order, LEVELS)
        assert {w.label: w.belief for w in spec["Y"].weights} == {
            "C[mid]": Prior("normal", (0.0, 4.0)),
            "C['very high']": Prior("normal", (0.0, 5.0)),
            "X": 1.0,
            "C[mid]:X": 1.0,
            "C['very high']:X": 2.0,
        }
        text, own = spec.source
        assert believed(dict(own), text) == spec


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("C[low] -> Y", LEVELS, r"Y has no parent C\[low\]. Known are: C\[mid\], C\['very high'\], X"),
        ("C[mdi] -> Y", LEVELS, r"Did you mean 'C\[mid\]'"),
        (
            "C[mid] -> Y",
            "C ~ categorical; Y ~ normal(C)",
            r"the levels of C are told by its column. To name one here, state",
        ),
    ],
)
def test_a_level_that_has_no_weight_is_refused(key, text, message):
    with pytest.raises(SpecError, match=message):
        believed({key: "2"}, text)


def test_parameters_and_intercepts_follow_the_same_order():
    spec = believed({"intercept": "normal(0, 3)", "sd": "2", "sd(X)": "halfnormal(1)", "shape": "exponential(0.5)"})
    assert spec["Y"].intercept == 1.0
    assert spec["X"].intercept == Prior("normal", (0.0, 3.0))
    assert spec["X"].parameter("sd") == Prior("halfnormal", (1.0,))
    assert spec["Z"].parameter("sd") == 2.0
    assert spec["W"].parameter("shape") == Prior("exponential", (0.5,))
    assert believed({"intercept(Y)": "7"})["Y"].intercept == 7.0
    assert believed({"mean(X)": "7"})["X"].intercept == 7.0


def test_the_fixed_scale_of_a_latent_is_not_a_parameter_of_the_whole_model():
    spec = believed({"sd": "5", "intercept": "9"}, "latent U ~ normal; A, B ~ normal(U); A <-> B")
    for latent in ("U", "A<->B.1"):
        assert (spec[latent].intercept, spec[latent].parameter("sd")) == (0.0, 1.0)
    assert spec["A"].parameter("sd") == 5.0
    own = believed({"sd(U)": "halfnormal(2)", "mean(U)": "3"}, "latent U ~ normal; A ~ normal(U)")
    assert (own["U"].intercept, own["U"].parameter("sd")) == (3.0, Prior("halfnormal", (2.0,)))


def test_priors_respect_signs_and_positive_parameters():
    spec = believed(
        {"weight": "normal(0, 1)", "sd": "normal(1, 2)"}, "Y ~ normal(+X, -Z, U); X, Z ~ normal; U ~ normal"
    )
    assert [w.belief for w in spec["Y"].weights] == [
        Prior("normal", (0.0, 1.0), low=0.0),
        Prior("normal", (0.0, 1.0), high=0.0),
        Prior("normal", (0.0, 1.0)),
    ]
    assert spec["Y"].parameter("sd") == Prior("normal", (1.0, 2.0), low=0.0)


@pytest.mark.parametrize(
    ("priors", "idle"),
    [
        ({"weight": "normal(0, 1)"}, "weight"),
        ({"sd": "2", "sd(Z)": "1"}, "sd"),
        ({"weight(Y)": "normal(0, 1)", "X -> Y": "1", "Z -> Y": "2"}, "weight(Y)"),
        ({"intercept": "1", "mean(X)": "0", "mean(Z)": "0"}, "intercept"),
    ],
)
def test_a_prior_that_others_hide_everywhere_is_refused(priors, idle):
    text = "Y ~ normal(X, Z, weight=0.5, sd=1, intercept=2); X ~ normal(sd=3); Z ~ normal"
    with pytest.raises(SpecError) as caught:
        believed(priors, text)
    assert str(caught.value).startswith(f"The prior {idle!r} has no effect: ")
    # With one place less stated it has one.
    believed({key: value for key, value in priors.items() if key == idle}, text.replace("weight=0.5, ", ""))


def test_an_interaction_has_a_key_in_any_order():
    spec = believed({"V:X -> Y": "normal(0, 3)"}, "Y ~ normal(X, V, X:V); X, V ~ normal")
    assert weight(spec, "Y", "X", "V") == Prior("normal", (0.0, 3.0))
    assert weight(spec, "Y", "X") is None


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"shape": "1"}, "The prior 'shape' reaches no parameter of the model. Remove it, or name a node: sd(Y)."),
        ({"weight(X)": "1"}, "normal has no option 'weight' for X (it has no parents). Known are: intercept, sd."),
        (
            {"rate": "1"},
            "No parameter is called 'rate'. Known are: weight, intercept, sd, scale, df, shape, ",
        ),
        ({"shape(Y)": "1"}, "normal has no option 'shape' for Y. Known are: intercept, weight, sd."),
        ({"mean(Y)": "1"}, "mean is for a normal node without parents; Y has parents. Write intercept=…"),
        ({"XX -> Y": "1"}, "The prior 'XX -> Y': Y has no parent XX. Did you mean 'X'?"),
        ({"X:Z -> Y": "1"}, "The prior 'X:Z -> Y': Y has no parent X:Z. "),
        ({"X -> Y": "-1"}, "The weight of X in Y is fixed at -1, against its sign +. Change one of the two."),
        ({"sd(Y)": "0"}, "sd(Y) must be positive, got 0."),
        ({"sd": "-1"}, "sd must be positive, got -1."),
        ({"sd(Y)": "normal(0, 1, high=-1)"}, "The prior normal leaves no values: low=0 is not below high=-1."),
        ({"sd(Y)": "gauss(0, 1)"}, "No prior is called 'gauss'. Known are: normal, student, "),
        ({"max(Y)": "3"}, "max of Y is a fixed number: write it in the model, Y ~ hill(…, max=…)."),
        ({"X -> Y": "1", "X->Y": "2"}, "The priors 'X -> Y' and 'X->Y' are of the same parameter. Keep one."),
        (
            {"mean(X)": "1", "intercept(X)": "2"},
            "The priors 'mean(X)' and 'intercept(X)' are of the same parameter. Keep one.",
        ),
    ],
)
def test_a_prior_that_cannot_be_is_explained(priors, message):
    with pytest.raises(SpecError) as caught:
        believed(priors, "Y ~ normal(+X, Z); X, Z ~ normal")
    assert str(caught.value).startswith(message)


def test_a_prior_of_no_node_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNodeError, match=r"'y' is not a node of the graph\. Did you mean 'Y'"):
        believed({"sd(y)": "1"})


def test_with_priors_leaves_the_spec_as_it_was():
    spec = ModelSpec.parse(TEXT)
    before = spec.source
    spec.with_priors({"weight": parse_call("normal(0, 1)")})
    assert spec.source == before
    assert spec.with_priors({}) == spec


def test_a_node_may_be_called_like_its_family():
    spec = ModelSpec.parse("normal ~ normal(); X ~ normal(); Y ~ linear(normal, X)")
    assert str(spec) == "normal ~ normal()\nX ~ normal()\nY ~ linear(normal, X)"
    assert ModelSpec.parse(str(spec)) == spec


def test_a_thousand_latents_behind_one_arc_are_written_out_and_back():
    spec = ModelSpec.parse("X ~ normal; Y ~ normal; X <-> Y [latents=1000]")
    assert len(spec.latent) == 1000
    assert str(spec) == "X ~ normal\nY ~ normal\nX <-> Y [latents=1000]"


def test_more_latents_than_a_model_can_hold_are_refused_before_they_are_made():
    nodes = "; ".join(f"A{i} ~ normal" for i in range(100))
    arcs = "; ".join(f"A{i} <-> A{i + 1} [latents=1000]" for i in range(99))
    with pytest.raises(SpecError, match="has 99000 latents behind its <->, and a model has at most 10000"):
        ModelSpec.parse(f"{nodes}; {arcs}")


@pytest.mark.parametrize("text", ["model: |\n  X ~ normal\n", "name: a\nmodel:\n  X ~ normal\n"])
def test_the_text_of_a_study_is_no_model_and_says_how_to_load_it(text):
    with pytest.raises(
        SpecError, match=r"text of a study, and a model is expected\. Load it with ld\.load_study\(text\)"
    ):
        ModelSpec.parse(text)
