"""The model language, from text to a spec: every form, and every mistake with its place."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from latentdo.errors import CycleError, NotationError, SpecError
from latentdo.models import (
    Bernoulli,
    Gamma,
    Hill,
    Linear,
    Mechanism,
    ModelSpec,
    Normal,
    Prior,
    Weight,
)


def parse(text: str) -> ModelSpec:
    return ModelSpec.parse(text)


def normal(mean: float, sd: float, **bounds: float) -> Prior:
    return Prior("normal", (mean, sd), **bounds)


# Forms


def test_the_napkin_is_read():
    spec = parse(
        """
        latent U, V ~ normal            # a node nobody measured
        W ~ gamma(U, V)                 # family(parents)
        R ~ normal(W)
        X ~ bernoulli(R, U)
        Y ~ normal(X, V, X:V)           # X:V is an interaction
        """
    )
    assert spec.graph.nodes == ("U", "V", "W", "R", "X", "Y")
    assert spec.latent == {"U", "V"}
    assert spec.measured == ("W", "R", "X", "Y")
    assert spec["W"] == Mechanism(Gamma(), (Weight(("U",)), Weight(("V",))))
    assert spec["X"].family == Bernoulli()
    assert spec["Y"].weights == (Weight(("X",)), Weight(("V",)), Weight(("X", "V")))
    assert spec.graph.parents("Y") == ("V", "X")


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("Y ~ normal", Normal()),
        ("Y ~ bernoulli", Bernoulli()),
        ("Y ~ gamma()", Gamma()),
        ("Y ~ hill", Hill(100.0)),
        ("Y ~ hill(max=2.5)", Hill(2.5)),
        ("Y ~ linear", Linear()),
    ],
)
def test_each_family_is_read(text, family):
    assert parse(text)["Y"].family == family


def test_several_names_share_one_mechanism():
    spec = parse("X, Y, Z ~ hill(+U, max=50, sd=halfnormal(2)); latent U ~ normal")
    assert spec["X"] == spec["Y"] == spec["Z"]
    assert spec["X"] == Mechanism(Hill(50.0), (Weight(("U",), "+"),), parameters=(("sd", Prior("halfnormal", (2.0,))),))


def test_latents_are_normal_or_linear_of_other_nodes():
    spec = parse("latent U ~ normal(X); latent L ~ linear(U, X); X ~ normal; Y ~ normal(L)")
    assert spec.latent == {"U", "L"}
    assert spec["L"].family == Linear()
    assert spec["U"].parents == ("X",)


def test_options_stand_behind_the_parents():
    spec = parse(
        "SOS ~ hill(+EGF, +IGF, max=80, sd=5.4)\nlatent EGF, IGF ~ normal(mean=normal(37, 1), sd=normal(3, 1))"
    )
    assert spec["SOS"].family == Hill(80.0)
    assert spec["SOS"].parameter("sd") == 5.4
    assert spec["EGF"].intercept == normal(37, 1)
    assert spec["EGF"].parameter("sd") == normal(3, 1, low=0.0)


def test_priors_of_weights_and_intercept_are_read_with_their_bounds():
    spec = parse(
        "Y ~ normal(X, +Z, -V, weight=normal(0, 10, low=-2, high=2), intercept=student(3, 0, 10)); X, Z, V ~ normal"
    )
    assert [weight.belief for weight in spec["Y"].weights] == [
        normal(0, 10, low=-2, high=2),
        normal(0, 10, low=0, high=2),
        normal(0, 10, low=-2, high=0),
    ]
    assert spec["Y"].intercept == Prior("student", (3.0, 0.0, 10.0))


def test_the_mean_of_a_normal_root_is_its_intercept():
    assert parse("X ~ normal(mean=2)") == parse("X ~ normal(intercept=2)")
    assert parse("X ~ normal(mean=normal(2, 1))")["X"].intercept == normal(2, 1)
    # A latent of `<->` has mean 0: the node's intercept is still its mean.
    assert parse("X ~ normal(mean=2); Y ~ normal; X <-> Y")["X"].intercept == 2.0


def test_numbers_of_any_form_fix_a_parameter():
    spec = parse("Y ~ gamma(X, weight=-1e-3, intercept=+2, shape=1.5E2); X ~ normal")
    assert (spec["Y"].weights[0].belief, spec["Y"].intercept, spec["Y"].parameter("shape")) == (-1e-3, 2.0, 150.0)


def test_a_weight_fixed_at_zero_is_on_either_side():
    assert [w.belief for w in parse("Y ~ normal(+X, -Z, weight=0); X, Z ~ normal")["Y"].weights] == [0.0, 0.0]


def test_latents_of_an_arc_are_written_out():
    spec = parse("A ~ normal(X); B ~ hill; X ~ normal; B <-> A [latents=2]; B ~~ X")
    assert spec.graph.nodes == ("A", "X", "B", "A<->B.1", "A<->B.2", "X<->B.1")
    assert spec.latent == {"A<->B.1", "A<->B.2", "X<->B.1"}
    assert spec["A<->B.1"] == Mechanism(Normal(), (), 0.0, (("sd", 1.0),))
    assert spec["A"].weights == (Weight(("X",)), Weight(("A<->B.1",)), Weight(("A<->B.2",)))
    assert spec["B"].parents == ("A<->B.1", "A<->B.2", "X<->B.1")
    assert spec.graph.bidirected == ()


def test_arcs_equal_their_latents_written_out():
    arcs = parse("A, B ~ normal; A <-> B [latents=2]")
    typed = parse(
        "A; B; A, B ~ normal(`A<->B.1`, `A<->B.2`); latent `A<->B.1`, `A<->B.2` ~ normal",
    )
    assert arcs == typed


def test_arrows_may_repeat_parents():
    plain = parse("latent U ~ normal; X, Y ~ normal(U)")
    assert parse("latent U ~ normal; X, Y ~ normal(U); U =~ X + Y") == plain
    assert parse("latent U ~ normal; X, Y ~ normal(U); U -> X; Y <- U") == plain


def test_an_inhibiting_arrow_over_a_parent_sets_the_sign():
    spec = parse("Y ~ hill(A, B); A, B ~ normal; A -| Y")
    assert [weight.sign for weight in spec["Y"].weights] == ["-", ""]
    assert spec.graph.inhibiting == {("A", "Y")}
    assert parse("A -| Y; Y ~ hill(-A, B, weight=normal(0, 2)); A, B ~ normal")["Y"].weights[0] == Weight(
        ("A",), "-", normal(0, 2, high=0.0)
    )


def test_order_does_not_matter():
    """Nodes are listed in the order of first mention, and the latent of an arc is named by it; all else is the same."""
    statements = ["latent U ~ normal", "X ~ normal(U)", "Y ~ hill(X, Z)", "X -| Y", "Z ~ bernoulli", "Z <-> Y"]

    def meaning(text: str) -> set[object]:
        spec = parse(text)
        (arc,) = (latent for latent in spec.latent if latent != "U")
        assert arc in ("Y<->Z.1", "Z<->Y.1")
        return {
            (node if node != arc else "arc", mechanism.family, mechanism.parameters, mechanism.intercept, weight)
            for node, mechanism in spec.mechanisms
            for weight in (
                None,
                *(replace(w, parents=("arc",)) if w.parents == (arc,) else w for w in mechanism.weights),
            )
        }

    expected = meaning("; ".join(statements))
    for order in itertools.permutations(statements):
        assert meaning("\n".join(order)) == expected


def test_names_in_backticks_are_ordinary_names():
    spec = parse(
        "`IL-6` ~ normal(`my X`, `my X`:`latent`); `my X`, `latent` ~ normal; `IL-6` <-> `a:b`; `a:b` ~ normal"
    )
    assert spec["IL-6"].weights[:2] == (Weight(("my X",)), Weight(("my X", "latent")))
    assert spec["IL-6"].parents[-1] == "IL-6<->a:b.1"


def test_an_interaction_alone_brings_no_main_effect():
    spec = parse("Y ~ normal(X:V); X, V ~ normal")
    assert spec["Y"].weights == (Weight(("X", "V")),)
    assert spec["Y"].parents == ("X", "V")


def test_newlines_within_parentheses_are_blanks():
    assert parse("Y ~ normal(\n  X,  # why\n  sd=normal(\n1, 2)\n); X ~ normal;") == parse(
        "Y ~ normal(X, sd=normal(1, 2)); X ~ normal"
    )


# Mistakes

REST = "; X, Z ~ normal"


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("Y ~ nromal(X)" + REST, 1, 5, "No family is called 'nromal'. Did you mean 'normal'?"),
        (
            "Y ~ weibull(X)" + REST,
            1,
            5,
            "No family is called 'weibull'. Known are: normal, student, bernoulli, categorical, ordinal, gamma, lognormal, "
            "beta, poisson, negbin, hill, linear, table. "
            "One of your own is known once its module is imported (on the command line: --import MODULE).",
        ),
        (
            "X ~ normal\nY ~ normal(X, scale=2)",
            2,
            15,
            "normal has no option 'scale' for Y. Known are: intercept, weight, sd.",
        ),
        ("Y ~ normal(sdd=2)", 1, 12, "normal has no option 'sdd' for Y. Did you mean 'sd'?"),
        ("Y ~ bernoulli(X, sd=2)" + REST, 1, 18, "bernoulli has no option 'sd' for Y. "),
        ("Y ~ linear(X, sd=2)" + REST, 1, 15, "linear has no option 'sd' for Y. "),
        ("Y ~ normal(X, max=2)" + REST, 1, 15, "normal has no option 'max' for Y. "),
        ("Y ~ normal(X, levels=[a, b])" + REST, 1, 15, "normal has no option 'levels' for Y. "),
        ("X ~ normal(weight=2)", 1, 12, "normal has no option 'weight' for X (it has no parents). "),
        (
            "Y ~ normal(X, mean=2)" + REST,
            1,
            15,
            "mean is for a normal node without parents; Y has parents. Write intercept=…",
        ),
        (
            "X ~ bernoulli(mean=0.5)",
            1,
            15,
            "mean is for a normal node without parents; X is bernoulli, whose intercept is on the link scale. "
            "Write intercept=…",
        ),
        ("X ~ normal(mean=1, intercept=2)", 1, 20, "mean and intercept of X are the same parameter. Keep one."),
        ("Y ~ normal(sd=0)", 1, 12, "sd of Y must be positive, got 0."),
        ("Y ~ gamma(shape=-1)", 1, 11, "shape of Y must be positive, got -1."),
        ("Y ~ hill(max=0)", 1, 10, "max of Y must be a positive number, got 0."),
        ("Y ~ hill(max=normal(0, 1))", 1, 10, "max of Y must be a positive number, got normal(0, 1)."),
        ("Y ~ normal(sd=[1, 2])", 1, 12, "sd of Y takes a number or a prior such as normal(0, 1), got (1.0, 2.0)."),
        ("Y ~ normal(sd=gauss(0, 1))", 1, 12, "No prior is called 'gauss'. "),
        (
            "Y ~ normal(sd=normal(0, 1, high=-1))",
            1,
            12,
            "The prior normal leaves no values: low=0 is not below high=-1.",
        ),
        ("Y ~ normal(sd=normal(0))", 1, 12, "The prior normal(0) lacks sd: write normal(mean, sd)."),
        (
            "Y ~ normal(X, +Z, weight=-1)" + REST,
            1,
            15,
            "The weight of Z in Y is fixed at -1, against its sign +. Change one of the two.",
        ),
        (
            "Y ~ normal(-X, weight=1)" + REST,
            1,
            12,
            "The weight of X in Y is fixed at 1, against its sign -. Change one of the two.",
        ),
        (
            "X, Z ~ normal\n  Y ~ normal(+X, Z, X:Z)",
            2,
            3,
            "The sign of X cannot be constrained beside an interaction with it: its effect then depends on the other "
            "parent. Remove the + or the interaction.",
        ),
        (
            "Y ~ normal(X, Z, X:Z); X -| Y" + REST,
            1,
            26,
            "The sign of X cannot be constrained beside an interaction with it",
        ),
        (
            "Y ~ normal(X:Z); X -| Y" + REST,
            1,
            20,
            "X -| Y constrains a weight that Y does not have: X is a parent only within an interaction. "
            "Write the sign on the interaction, or use ->.",
        ),
        ("Y ~ normal(+X); X -| Y" + REST, 1, 19, "X -| Y says that X inhibits, but the parent is written +X."),
        ("Y ~ normal(X, weight=1); X -| Y" + REST, 1, 28, "The weight of X in Y is fixed at 1, against its sign -. "),
        ("Y ~ normal(X, sd=1, sd=2)" + REST, 1, 21, "'sd' is given twice."),
        ("Y ~ normal(X, X)" + REST, 1, 15, "'X' is given twice."),
        ("Y ~ normal(X:Z, Z:X)" + REST, 1, 17, "'Z:X' is given twice."),
        ("Y ~ normal\nX ~ normal\nX -> Y", 3, 3, "X -> Y repeats no parent. Beside mechanisms an arrow only repeats "),
        ("Y ~ normal\n\nY ~ normal", 3, 1, "'Y' has a second mechanism: the first is in line 1. Keep one."),
        ("Y ~ normal(X", 1, 11, "'(' is never closed: ')' is missing."),
        ("Y ~ X; X ~ normal", 1, 5, "X is a node, and '~' is followed by a family: Y ~ normal(X)."),
    ],
)
def test_a_mistake_is_told_with_its_place(text, line, column, problem):
    with pytest.raises(NotationError) as caught:
        parse(text)
    assert caught.value.problem.startswith(problem)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column}: {problem}")
    # The caret stands under the place.
    message = str(caught.value).splitlines()
    assert message[-2].strip() == text.splitlines()[line - 1].strip()
    assert message[-1].index("^") == message[-2].index(text.splitlines()[line - 1]) + column - 1


def test_a_graph_is_no_model():
    with pytest.raises(SpecError) as caught:
        parse("X -> Y; latent U")
    assert str(caught.value) == (
        "The text has no mechanism (`Y ~ normal(X)`), so it states a graph, not a model. Say how each node is "
        "generated, or use `ld.graph`."
    )


def test_an_empty_text_is_refused():
    with pytest.raises(NotationError, match="the text states no node"):
        parse("  # nothing\n")


def test_a_cycle_is_refused():
    with pytest.raises(CycleError, match="directed cycle"):
        parse("X ~ normal(Y); Y ~ normal(X)")
