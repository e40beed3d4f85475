"""Shapes of a parent in a linear predictor: how they are read, printed, named by priors, and refused."""

from __future__ import annotations

import pytest

import latentdo as ld
from latentdo.errors import LatentdoError, NotationError, SpecError
from latentdo.models import Log, ModelSpec, Variant, vary

NODES = "X ~ gamma; V ~ normal; C ~ categorical(levels=[a, b, c]); B ~ bernoulli; "


@pytest.mark.parametrize(
    "line",
    [
        "Y ~ normal(log(X))",
        "Y ~ bernoulli(X, X^2, X^3, V)",
        "Y ~ normal(+log(X), -V^3, B)",
        "Y ~ gamma(log(X), V, log(X):V, log(X):C)",
        "latent U ~ normal(X^2)",
    ],
)
def test_shapes_print_as_they_are_typed_and_read_back(line):
    spec = ModelSpec.parse(NODES + line)
    assert str(spec).splitlines()[-1] == line
    assert ModelSpec.parse(str(spec)) == spec
    assert ld.graph(NODES + line).directed == spec.graph.directed


def test_a_shape_leaves_the_graph_as_it_is():
    curved, straight = "X ~ gamma; Y ~ normal(log(X), X^2)", "X ~ gamma; Y ~ normal(X)"
    assert ld.model(curved).graph == ld.model(straight).graph
    assert ld.same_admg(curved, straight)


def test_names_in_backticks_have_shapes_too():
    spec = ModelSpec.parse("`a b` ~ gamma; Y ~ normal(log(`a b`), `a b`^2)")
    assert [weight.label for weight in spec["Y"].weights] == ["log(`a b`)", "`a b`^2"]
    assert ModelSpec.parse(str(spec)) == spec


def test_a_node_may_be_called_log():
    spec = ModelSpec.parse("log ~ gamma; Y ~ normal(log(log), log)")
    assert [weight.shapes for weight in spec["Y"].weights] == [(Log(),), ()]


def test_priors_name_a_weight_by_the_shape_as_it_is_typed():
    spec = ModelSpec.parse(NODES + "Y ~ normal(X, log(X), V^2:B, B)")
    found = spec.with_priors({"log(X) -> Y": 2.0, "V^2:B -> Y": 3.0, "X -> Y": 1.0})
    assert [weight.belief for weight in found["Y"].weights] == [1.0, 2.0, 3.0, None]
    text, priors = found.source
    assert ModelSpec.parse(text).with_priors({key: float(value) for key, value in priors}) == found
    with pytest.raises(SpecError, match=r"Y has no parent X\^2"):
        spec.with_priors({"X^2 -> Y": 1.0})


def test_an_inhibiting_arrow_is_a_sign_of_a_rising_shape():
    spec = ModelSpec.parse("X ~ gamma; Y ~ normal(log(X)); X -| Y")
    assert spec["Y"].weights[0].sign == "-"
    with pytest.raises(NotationError, match=r"X\^2 both rises and falls with it"):
        ModelSpec.parse("X ~ gamma; Y ~ normal(X^2); X -| Y")


def test_variants_rename_what_stands_in_a_shape():
    spec = ModelSpec.parse("latent U, V ~ normal; X ~ normal(U^2, V); Y ~ normal(U, V)")
    varied = vary(spec, Variant("merged", merge=(("W", ("U", "V")),))).model
    assert [weight.label for weight in varied["X"].weights] == ["W^2", "W"]
    with pytest.raises(SpecError, match="U is latent and normal"):
        _ = vary(ModelSpec.parse("U ~ normal; Y ~ normal(log(U))"), Variant("hidden", hide=("U",))).model


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Y ~ normal(X^1)", "a power is a whole number from 2 on"),
        ("Y ~ normal(X^2.5)", "a power is a whole number from 2 on"),
        ("Y ~ normal(X^-2)", "a power is a whole number from 2 on"),
        ("Y ~ normal(X^9)", "from 2 to 5, got 9"),
        ("Y ~ normal(X**2)", r"a power is written X\^2"),
        ("Y ~ normal(exp(X))", "a parent has no parentheses, but for its shape"),
        ("Y ~ normal(log(X, k=3))", "takes one parent"),
        ("Y ~ normal(log())", "the name of a parent"),
        ("Y ~ normal(log(X), log(X))", "given twice"),
        ("Y ~ normal(X:log(X))", "between different nodes"),
        ("Y ~ normal(+log(X), X:V)", "depends on V too"),
        ("Y ~ normal(+log(X), log(X):V)", "beside an interaction with it"),
        ("Y ~ normal(+X, X^2)", "depends on X too"),
        ("Y ~ normal(B^2)", "B is bernoulli: only a number has a shape"),
        ("Y ~ normal(log(C))", "C is categorical: only a number has a shape"),
        ("Y ~ table(B, X^2)", "A table has no shape of a parent"),
        ("latent U ~ normal; Y ~ normal(log(U))", "U is latent and normal, with values on both sides of 0"),
        ("`log(X)` ~ normal; Y ~ normal(log(X))", "called like a level or a shape"),
    ],
)
def test_what_cannot_be_is_refused_with_its_repair(line, said):
    with pytest.raises(LatentdoError, match=said):
        ModelSpec.parse(NODES + line)


def test_two_signs_of_one_way_may_stand_side_by_side():
    spec = ModelSpec.parse("X ~ gamma; Y ~ normal(+X, +X^3)")
    assert [weight.sign for weight in spec["Y"].weights] == ["+", "+"]


MIXED = (
    "latent U ~ normal; C ~ categorical(levels=[a, b]); B ~ bernoulli; X ~ normal(U); Z ~ gamma(X); "
    "Y ~ normal(X, -Z, B, C, U); W ~ normal(log(X), Y); V ~ normal(X, weight=2); T ~ table(B); L ~ linear(X)"
)


def test_a_flexible_model_has_a_curve_of_every_measured_number():
    spec = ModelSpec.parse(MIXED)
    lines = str(spec.flexible()).splitlines()
    assert "Z ~ gamma(s(X))" in lines
    assert "Y ~ normal(s(X), -s(Z), B, C, U)" in lines
    assert "W ~ normal(log(X), s(Y))" in lines
    for kept in ("V ~ normal(X, weight=2)", "T ~ table(B)", "L ~ linear(X)", "X ~ normal(U)"):
        assert kept in lines
    assert spec.flexible().graph == spec.graph
    assert spec.flexible().flexible() == spec.flexible()
    assert ModelSpec.parse(str(spec.flexible())) == spec.flexible()


def test_a_flexible_model_has_products_where_they_are_asked_for():
    spec = ModelSpec.parse(MIXED)
    assert spec.flexible(interactions=True)["Y"].text() == "normal(s(X), -s(Z), B, C, U, X:B, X:C, B:C)"
    assert spec.flexible(interactions=["B"])["Y"].text() == "normal(s(X), -s(Z), B, C, U, X:B, B:C)"
    assert spec.flexible(interactions="B")["Y"] == spec.flexible(interactions=["B"])["Y"]
    with pytest.raises(LatentdoError, match="Q"):
        spec.flexible(interactions=["Q"])


def test_ordered_levels_that_are_numbers_have_a_shape_as_a_count_has():
    model = ld.model("K ~ ordinal(levels=[1, 2, 4]); Y ~ normal(log(K), K^2)")
    assert "log(K)" in str(model)
    assert ld.model("K ~ ordinal; Y ~ normal(log(K))")
    for line in ("K ~ ordinal(levels=[a, b, c])", "K ~ categorical(levels=[1, 2])"):
        with pytest.raises(SpecError, match="only a number has a shape"):
            ld.model(f"{line}; Y ~ normal(log(K))")
