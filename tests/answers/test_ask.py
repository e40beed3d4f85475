"""Asking: what is refused and said, the noise of a call, its stated error, and what a number rests on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from scipy.special import ndtr

import latentdo as ld
from latentdo.answers import cautions
from latentdo.answers.ask import ask_all
from latentdo.answers.cautions import INSISTED
from latentdo.answers.estimate import Computation
from latentdo.answers.simulation import REPLICATES
from latentdo.answers.values import ENOUGH_EVIDENCE, SIMULATION_SHARE, UNITS, Computed, is_enough
from latentdo.errors import NotIdentifiedError, QueryError, SupportError, UnknownNodeError
from latentdo.inference import Diagnostic, Posterior
from latentdo.query import Outcome, Query, Setting, Term
from posteriors import Gaussian, numbers, posterior_of

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); C ~ normal(Y)"
MIXED = """
Z ~ normal
B ~ bernoulli(Z)
G ~ gamma(Z)
H ~ hill(Z, max=10)
Y ~ normal(G, B, H)
"""
RANGES = {"G": (0.1, 6.0), "H": (-1.0, 11.0)}
BOW = "X ~ bernoulli; Y ~ normal(X); X <-> Y"


pytestmark = pytest.mark.usefixtures("simulated")


@pytest.fixture(scope="module")
def front_door() -> Posterior:
    return posterior_of(FRONT_DOOR)


@pytest.fixture(scope="module")
def mixed() -> Posterior:
    return posterior_of(MIXED, {"Z -> G": 0.3, "intercept(Z)": 0.2}, ranges=RANGES)


@pytest.fixture(scope="module")
def bow() -> Posterior:
    return posterior_of(BOW)


def asked(posterior: Posterior, query: str, **keywords: object) -> ld.Answer:
    answer = ld.ask(posterior, query, **keywords)
    assert isinstance(answer, ld.Answer)
    return answer


# What is refused


REFUSED = [
    ("E[Y | do(B=0.5)]", "B is bernoulli: its values are 0 and 1, not 0.5."),
    ("E[Y | do(B=a)]", "B is bernoulli and takes 0 or 1, not the level 'a'."),
    ("E[Y | do(Z=high)]", "Z is normal and takes any number, not the level 'high'."),
    ("E[Y | do(G=0)]", "G is gamma: its values are positive numbers, not 0."),
    ("E[Y | do(G=-2)]", "G is gamma: its values are positive numbers, not -2."),
    ("E[Y | B=2]", "B is bernoulli: its values are 0 and 1, not 2."),
    ("E[Y | G=-1]", "G is gamma: its values are positive numbers, not -1."),
    ("E[Y | B > b]", "B is bernoulli: B > b needs a number, not the level 'b'."),
    ("P(Y > big)", "Y is normal: Y > big needs a number, not the level 'big'."),
    ("P(B=0.5 | do(Z=1))", "B is bernoulli: its values are 0 and 1, not 0.5."),
    (
        "P(Y=1 | do(B=1))",
        "P(Y=1) is 0 for a continuous node: Y is normal. Ask for an interval, P(Y > …, Y < …), "
        "or for the density, density(Y=1 | …).",
    ),
    (
        "P(H=1, B=1)",
        "P(H=1) is 0 for a continuous node: H is hill. Ask for an interval, P(H > …, H < …), "
        "or for the density, density(H=1 | …).",
    ),
    (
        "P(Y | do(B=1))",
        "P(Y | do(B=1)) is a whole law, and Y is normal, with infinitely many values. Ask for a mean, E[Y | …], for a "
        "quantile, Quantile[Y, 0.9 | …], for an event, P(Y > … | …), or for its density, density(Y=… | …).",
    ),
    (
        "P(B, G | do(Z=1))",
        "P(B, G | do(Z=1)) is a whole law, and G is gamma, with infinitely many values. Ask for a mean, E[G | …], for "
        "a quantile, Quantile[G, 0.9 | …], for an event, P(G > … | …), or for its density, density(G=… | …).",
    ),
    (
        "E[Y | do(B ~ normal(1, 0.5))]",
        "do(B ~ normal(1, 0.5)) draws numbers that B cannot take: B is bernoulli: its values are 0 and 1, not -0.5. Draw "
        "it from bernoulli(p), or set it, do(B=…).",
    ),
    (
        "E[Y | do(G ~ bernoulli(0.5))]",
        "do(G ~ bernoulli(0.5)) draws numbers that G cannot take: G is gamma: its values are positive numbers, not 0. "
        "Draw it from a law of positive numbers, lognormal(mean, sd), or set it, do(G=…).",
    ),
]


@pytest.mark.parametrize(("query", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_values_outside_a_family_are_refused_with_the_legal_ones(mixed, query, message):
    with pytest.raises(SupportError) as caught:
        ld.ask(mixed, query)
    assert str(caught.value) == message
    assert caught.value.node in query


def test_a_normal_node_may_be_drawn_from_either_law(mixed):
    assert np.isfinite(asked(mixed, "E[Y | do(Z ~ bernoulli(0.5))]").mean)
    assert np.isfinite(asked(mixed, "E[Y | do(H ~ normal(5, 1))]").mean)


SENSELESS = [
    (
        "E[Y | do(B)]",
        "do(B) in E[Y | do(B)] has no value, so there is no number to compute. Write do(B=…), or sweep "
        "it: for B in [0, 1].",
    ),
    (
        "E[Y | B]",
        "The condition B in E[Y | B] has no value, so there is no number to compute. Write B=…, or sweep it: for B in [0, 1].",
    ),
    (
        "P(B | do(Z=1)) - P(B=1)",
        "P(B | do(Z=1)) is a law of several numbers and cannot stand in arithmetic. Give its outcome a value.",
    ),
    (
        "E[Y | do(Y=1)]",
        "'Y' is both set and asked about in E[Y | do(Y=1)]. What is set is known: ask about another.",
    ),
]


@pytest.mark.parametrize(("query", "message"), SENSELESS, ids=[case[0] for case in SENSELESS])
def test_questions_without_a_number_are_refused(mixed, query, message):
    with pytest.raises(QueryError) as caught:
        ld.ask(mixed, query)
    assert str(caught.value) == message


@pytest.mark.parametrize("query", ["E[Y | do(U=1), M=1]", "E[U | do(X=1)]", "E[Y | U=1]"])
def test_latent_nodes_are_refused(front_door, query):
    with pytest.raises(QueryError, match="'U' is latent and cannot be"):
        ld.ask(front_door, query)


def test_unknown_nodes_are_refused_with_the_nearest(front_door):
    with pytest.raises(UnknownNodeError, match=r"'YY' is not a node of the graph. Did you mean 'Y'\?"):
        ld.ask(front_door, "E[YY | do(X=1)]")


@pytest.fixture
def no_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("something was computed")

    monkeypatch.setattr("latentdo.answers.ask.compute", never)


@pytest.mark.usefixtures("no_simulation")
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("E[Y | do(X=1)]", NotIdentifiedError),
        ("P(Y > 1 | do(X=1)) / P(Y > 1)", NotIdentifiedError),
        ("E[Y | X=0.5]", SupportError),
        ("E[Y | do(X)]", QueryError),
        ("E[X | do(Y ~ gamma(1))]", QueryError),
    ],
)
def test_nothing_is_computed_where_one_question_of_a_call_is_refused(bow, bad, error, place):
    queries = ["E[Y]", "P(X=1)"]
    queries.insert(place, bad)
    with pytest.raises(error):
        ld.ask(bow, *queries)


def test_what_is_not_identified_says_why_and_carries_its_verdict(bow):
    with pytest.raises(NotIdentifiedError) as caught:
        ld.ask(bow, "E[Y]", "E[Y | do(X=1)]")
    assert str(caught.value).startswith("Not identified: E[Y | do(X=1)]. Unmeasured causes join X and Y (X <-> Y)")
    assert caught.value.verdict.hedge == ({"X", "Y"}, {"Y"})


@pytest.mark.parametrize(
    ("queries", "advice"),
    [
        (["E[Y | do(X=1)]"], "allow_unidentified=True computes"),
        (["E[Y | do(X=1)]"], ".verdict.remedies() of this error"),
        (["E[Y | do(X=1)]"], 'latentdo identify GRAPH "E[Y | do(X=1)]" --remedies --witness'),
        (
            ["E[Y]", "E[Y | do(X=1)]"],
            "Nothing was computed. 1 of the 2 questions is identified: ask it without the rest",
        ),
        (
            ["E[Y]", "E[X]", "E[Y | do(X=1)]"],
            "2 of the 3 questions are identified: ask them without the rest; or allow_",
        ),
        (["E[Y | do(X=0)]", "E[Y | do(X=1)]"], "None of the 2 is identified. allow_unidentified=True"),
    ],
)
def test_what_is_not_identified_says_how_to_go_on(bow, queries, advice):
    with pytest.raises(NotIdentifiedError) as caught:
        ld.ask(bow, *queries)
    assert advice in str(caught.value).splitlines()[-1]
    assert caught.value.advice == str(caught.value).splitlines()[-1]


def test_an_insisted_answer_is_labelled(bow):
    fine, insisted = ld.ask(bow, "E[Y | X=1]", "E[Y | do(X=1)]", allow_unidentified=True)
    assert fine.identified
    assert fine.warnings == ()
    assert not insisted.identified
    assert insisted.warnings == (INSISTED,)
    assert "NOT nonparametrically identified" in str(insisted)
    assert INSISTED in str(insisted)


def test_evidence_with_a_drawn_treatment_is_judged_as_the_joint_question():
    # X > Z, X ~ Z, X > Y, Z > Y: with a set X the evidence can be divided by, with a drawn one P(z | do x) is a bow.
    posterior = posterior_of("X ~ normal; Z ~ normal(X); Y ~ normal(X, Z); X <-> Z", shape=(4, 10))
    assert asked(posterior, "E[Y | do(X=1), Z=1]").identified
    assert asked(posterior, "E[Y | do(X ~ normal(0, 1))]", allow_unidentified=True).identified is False
    with pytest.raises(NotIdentifiedError, match="Not identified: E"):
        ld.ask(posterior, "E[Y | do(X ~ normal(0, 1)), Z=1]")


def test_a_model_is_asked_for_something():
    posterior = posterior_of("X ~ normal", shape=(4, 10))
    with pytest.raises(QueryError, match="There is nothing to ask"):
        ld.ask(posterior)


# The noise of a call


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(front_door):
    first, again, other = (asked(front_door, "E[Y | do(X=1)]", seed=seed).draws for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(first.mean() - other.mean()) < 0.02


def test_an_answer_does_not_depend_on_what_is_asked_beside_it(front_door):
    queries = ["E[Y | do(X=1)]", "P(Y > 1 | do(X=0), C=2)", "E[Y | do(X=1)] - E[Y | do(X=0)]", "E[M]"]
    together = ld.ask(front_door, *queries, seed=1)
    for query, answer in zip(queries, together, strict=True):
        alone = asked(front_door, query, seed=1)
        np.testing.assert_array_equal(answer.draws, alone.draws)
        assert answer.n_units == alone.n_units
    backwards = ld.ask(front_door, *queries[::-1], seed=1)
    np.testing.assert_array_equal(backwards[3].draws, together[0].draws)


def test_answers_do_not_share_memory(front_door):
    first, second = ld.ask(front_door, "E[M]", "E[M]")
    assert not np.shares_memory(first.draws, second.draws)


def test_there_is_one_number_per_draw_in_the_order_of_the_draws():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", shape=(3, 40))
    answer = asked(posterior, "E[Y | do(X=1)]")
    assert answer.draws.shape == (120,)
    b = posterior.by_node["Y"].coefficients.reshape(120, 2)
    np.testing.assert_allclose(answer.draws, b.sum(axis=1), rtol=1e-12)


def test_mcse_joins_sampling_and_simulation(front_door):
    answer = asked(front_door, "E[Y | do(X=1), C=2]")
    assert answer.mcse == pytest.approx(math.sqrt(answer.sd**2 / answer.ess + answer.simulation_error**2), rel=1e-12)


def test_units_escalate_until_the_error_is_small_beside_the_spread(front_door):
    # One rung after the first that is good enough.
    assert asked(front_door, "E[M | do(X=1)]").n_units == UNITS[1]
    sure = posterior_of(FRONT_DOOR, spread=0.003)
    answer = asked(sure, "E[Y | do(X=1), C=2]")
    assert answer.n_units > UNITS[0]
    assert answer.simulation_error <= SIMULATION_SHARE * answer.sd or answer.n_units == UNITS[-1]


@pytest.mark.parametrize(("share", "enough"), [(0.1, True), (0.19, True), (0.21, False), (1.0, False)])
def test_units_are_enough_where_they_do_not_widen_the_answer(share, enough):
    draws = np.random.default_rng(0).standard_normal(400)
    found = Computed(draws, 0.0, 64, None, Computation("simulated", ""), widening=share * float(draws.std(ddof=1)))
    assert is_enough(found) is enough


def test_noise_that_stays_large_is_said(front_door, monkeypatch):
    query = "E[Y | do(X=1), C=2]"
    assert not any("simulation noise" in one for one in asked(front_door, query).warnings)
    monkeypatch.setattr(cautions, "WIDENED_SHARE", 1e-6)
    assert any("simulation noise is" in one for one in asked(front_door, query).warnings)


def test_an_error_that_stays_large_is_said():
    certain = posterior_of(FRONT_DOOR, spread=1e-6, shape=(4, 25))
    answer = asked(certain, "E[Y | do(X=1), C=2]")
    assert answer.n_units == UNITS[-1]
    share = 100 * answer.simulation_error / answer.sd
    assert f"the simulation error is {share:.0f} % of the posterior sd" in answer.warnings


def test_units_escalate_where_evidence_is_rare():
    posterior = posterior_of("Z ~ normal; Y ~ normal(Z); C ~ normal(Y)", {"sd(C)": 0.2}, shape=(4, 25))
    common = asked(posterior, "E[Y | C=0.5]")
    assert common.n_units <= 2048
    assert common.evidence_units >= ENOUGH_EVIDENCE
    rare = asked(posterior, "E[Y | C=2]")
    assert rare.n_units > common.n_units
    rarer = asked(posterior, "E[Y | C=3.3]")
    assert rarer.n_units == UNITS[-1]
    assert rarer.evidence_units < ENOUGH_EVIDENCE
    mean, cov = Gaussian(posterior).of("Y", "C")
    exact = mean[:, 0] + cov[:, 0, 1] / cov[:, 1, 1] * (3.3 - mean[:, 1])
    assert abs(rarer.mean - exact.mean()) < 5 * math.sqrt(cov[:, 0, 0].max() / rarer.evidence_units / REPLICATES)
    assert (
        f"the evidence is rare: behind the number stand only {rarer.evidence_units:.0f} effective units of 16,384 in the "
        "worst 5 % of draws"
    ) in rarer.warnings
    with pytest.raises(QueryError, match=r"the evidence is too rare|too rarely to be met"):
        ld.ask(posterior, "E[Y | C=12]")


@pytest.mark.parametrize(("limit", "says"), [(0.0, False), (2.4, False), (4.0, True), (9.0, True)])
def test_evidence_that_is_an_event_leaves_all_units_and_says_how_likely_it_is(limit, says):
    posterior = posterior_of("Z ~ normal; Y ~ normal(Z)", shape=(4, 25))
    answer = asked(posterior, f"E[Y | Z > {limit}]")
    assert answer.n_units == answer.evidence_units == UNITS[1]
    mean, cov = Gaussian(posterior).of("Y", "Z")
    a = (limit - mean[:, 1]) / np.sqrt(cov[:, 1, 1])
    ratio = np.exp(-0.5 * a**2 - 0.5 * math.log(2 * math.pi) - scipy.special.log_ndtr(-a))
    exact = mean[:, 0] + cov[:, 0, 1] / np.sqrt(cov[:, 1, 1]) * ratio
    assert abs(answer.mean - exact.mean()) < 5 * answer.simulation_error + 1e-6
    chance = float(ndtr(-a).mean())
    said = [words for words in answer.warnings if words.startswith("the evidence is rare: its probability")]
    assert len(said) == says
    assert all(f"is {chance:.1g}, about" in words for words in said)


def test_evidence_between_two_limits_is_drawn_between_them(mixed):
    answer = asked(mixed, "E[Y | Z > 1, Z < 1.25]")
    assert answer.evidence_units == pytest.approx(answer.n_units)
    low, high = (asked(mixed, f"E[Y | Z={at}]").mean for at in (1, 1.25))
    assert min(low, high) < answer.mean < max(low, high)


def test_rare_evidence_is_counted_in_the_worst_term(front_door):
    answer = asked(front_door, "E[Y | do(X=1), C=4] - E[Y | do(X=1)]")
    assert answer.evidence_units == asked(front_door, "E[Y | do(X=1), C=4]").evidence_units
    assert asked(front_door, "E[Y | do(X=1)]").evidence_units is None


@pytest.mark.parametrize("query", ["E[Y | B > 1]", "P(Y > 1 | Z > 80)"])
def test_evidence_that_cannot_be_is_refused(query):
    with pytest.raises(QueryError) as caught:
        ld.ask(posterior_of(MIXED, shape=(4, 10)), query)
    assert str(caught.value) == (
        f"{query} has no value in 40 of 40 posterior draws: its evidence never occurs there, or too rarely to be met. "
        "Condition on less."
    )


def test_a_division_by_zero_is_refused(mixed):
    with pytest.raises(QueryError) as caught:
        ld.ask(mixed, "E[Y] / P(B > 1)")
    assert str(caught.value) == (
        "E[Y] / P(B > 1) has no value in 1000 of 1000 posterior draws: a denominator is 0 there, or a number is too large. "
        "Ask for the parts one by one."
    )


def test_a_denominator_on_both_sides_of_zero_is_said():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", {"X -> Y": 0.02}, spread=0.1, shape=(4, 250))
    answer = asked(posterior, "1 / (E[Y | do(X=1)] - E[Y | do(X=0)])")
    (said,) = [warning for warning in answer.warnings if "denominator" in warning]
    below = 100 * (numbers(posterior)["X -> Y"] < 0).mean()
    assert said.startswith(
        f"the denominator E[Y | do(X=1)] - E[Y | do(X=0)] is on both sides of 0, in {below:.2g} % of the draws on the rarer one"
    )
    sure = posterior_of("X ~ normal; Y ~ normal(X)", {"X -> Y": 2.0}, spread=0.1, shape=(4, 250))
    assert not any("denominator" in w for w in asked(sure, "1 / (E[Y | do(X=1)] - E[Y | do(X=0)])").warnings)


def test_numbers_too_large_to_hold_are_refused_without_a_numpy_warning(mixed):
    for query in ("E[G | do(Z=1000000)]", "1e300 * E[G | do(Z=400)]"):
        with pytest.raises(QueryError, match="too large"):
            ld.ask(mixed, query)
    falling = posterior_of(MIXED, shape=(4, 10))
    assert np.isfinite(asked(falling, "E[Y | do(Z=-1000000)]").mean)
    assert asked(falling, "P(G > 1 | do(Z=-1000000))").mean == 0


# What is said


def test_evidence_that_the_treatment_changes_is_cautioned_in_every_arm():
    posterior = posterior_of("Z ~ normal; X ~ normal(Z); M ~ normal(X); Y ~ normal(M, X)")
    for query in ("E[Y | do(X=1), M=0.5] - E[Y | do(X=0), M=0.5]", "P(Y > 1 | do(X=1), M=0.5)"):
        (said,) = [words for words in asked(posterior, query).warnings if "consequence" in words]
        assert said == (
            "M is a consequence of X, which the question sets: under another setting other units have M=0.5. A difference "
            "between such answers is not an effect in one group of units, and it leaves out what works through M. For the whole "
            "effect ask without M"
        )
    for fine in ("E[Y | do(X=1), Z=0.5]", "E[Y | X=1, M=0.5]", "E[Y | do(X=1, M=0.5)]", "E[Y | do(M=1), X=1]"):
        assert not [words for words in asked(posterior, fine).warnings if "consequence" in words]


def test_a_number_within_the_data_needs_no_caution(mixed):
    for query in ("E[Y | do(H=5)]", "E[Y | Z=1, B=1]", "E[Y | Z > 1]", "E[Y | do(Z ~ normal(0, 1))]"):
        assert asked(mixed, query).warnings == ()


CAUTIONS = [
    (
        "E[Y | do(H=12)]",
        [
            "H = 12 lies outside the data (-1 to 11; 2.33 sd from the mean): an extrapolation along the fitted curve",
            "H = 12 lies outside (0, 10), the range of its mean.",
        ],
    ),
    ("E[Y | do(H=10.5)]", ["H = 10.5 lies outside (0, 10), the range of its mean."]),
    (
        "E[Y | do(Z=9)]",
        ["Z = 9 lies outside the data (-5 to 5; 3.6 sd from the mean): an extrapolation along the fitted curve"],
    ),
    (
        "E[Y | do(Z ~ normal(4, 1))]",
        [
            "do(Z ~ normal(4, 1)) reaches outside the data (-5 to 5): there it is an extrapolation along the fitted curve",
        ],
    ),
]


@pytest.mark.parametrize(("query", "cautions"), CAUTIONS, ids=[case[0] for case in CAUTIONS])
def test_values_outside_the_data_and_outside_a_hill_curve_are_said(query, cautions):
    found = asked(posterior_of(MIXED, ranges=RANGES, shape=(4, 10)), query).warnings
    assert [caution for caution in found if "outside" in caution] == cautions


def test_a_caution_is_said_once_per_answer(mixed):
    answer = asked(mixed, "E[Y | do(Z=9)] - E[G | do(Z=9)]")
    assert sum("outside" in caution for caution in answer.warnings) == 1


def test_a_fit_that_did_not_converge_is_repeated_on_every_answer():
    judged = (Diagnostic("mean(X)", 1.002, 900.0), Diagnostic("cov(X, Y)", 1.0371, 150.0))
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", diagnostics=judged)
    answers = ld.ask(posterior, "E[Y | do(X=1)]", "E[X]")
    for answer in answers:
        assert answer.warnings == (
            "the fit did not converge (R-hat 1.037, 150 effective draws for cov(X, Y)): train longer before you rely on "
            "this",
        )
    assert str(answers).count("the fit did not converge") == 1


def test_a_fit_is_judged_by_its_draws_too_and_the_failing_one_is_named():
    judged = (Diagnostic("mean(X)", 1.009, 900.0), Diagnostic("sd(Y)", 1.001, 120.0))
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", diagnostics=judged)
    assert "(R-hat 1.001, 120 effective draws for sd(Y))" in asked(posterior, "E[X]").warnings[0]


def test_a_question_that_did_not_converge_says_so():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", shape=(4, 25))
    answer = asked(posterior, "E[Y | do(X=1)]")
    assert not answer.converged
    assert (
        f"this question did not converge (R-hat {answer.rhat:.3f}, {answer.ess:.0f} effective draws): train longer"
        in answer.warnings
    )
    # Chains apart: the question is judged by itself, whatever the fit's own diagnostics say.
    apart = posterior_of("X ~ normal; Y ~ normal(X)")
    apart.by_node["Y"].coefficients[0] += 1.0
    assert asked(apart, "E[Y | do(X=1)]").rhat > 1.1
    assert asked(apart, "E[X]").converged


def test_cautions_about_the_data_are_repeated():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", warnings=("Y is nearly a function of X.",))
    assert asked(posterior, "E[Y | do(X=1)]").warnings == ("Y is nearly a function of X.",)


def test_a_ratio_with_heavy_tails_reports_the_median():
    # The denominator comes near 0 in some draws: a Cauchy-like ratio.
    posterior = posterior_of("X ~ normal; M ~ normal(X); Y ~ normal(X)", {"X -> M": 0.1}, spread=0.1)
    answer = asked(
        posterior, "(E[Y | do(X=1)] - E[Y | do(X=0)]) / (E[M | do(X=1)] - E[M | do(X=0)])", allow_unidentified=True
    )
    assert answer.tail_index > 0.7
    assert not answer.has_mean
    assert (
        f"the draws have heavy tails (Pareto k-hat {answer.tail_index:.2f}): the median is reported, the mean is unreliable"
        in answer.warnings
    )
    assert "median" in str(answer)
    assert answer.summary().estimate == answer.median
    light = asked(posterior, "E[Y | do(X=1)]")
    assert light.has_mean
    assert light.warnings == ()


# Laws, names, study queries


def test_one_question_gives_an_answer_and_a_law_or_several_give_answers(mixed):
    assert isinstance(ld.ask(mixed, "E[Y | do(B=1)]"), ld.Answer)
    law = ld.ask(mixed, "P(B | do(Z=1))")
    assert len(law) == 2
    both = ld.ask(mixed, "P(B | do(Z=1))", "E[Y]")
    assert [str(answer.query) for answer in both] == ["P(B=0 | do(Z=1))", "P(B=1 | do(Z=1))", "E[Y]"]


def test_names_of_questions_are_kept(mixed):
    questions = [("arm", Query.parse("E[Y | do(B=1)]")), ("law", Query.parse("P(B)"))]
    answers = ask_all(mixed, questions, 0, allow_unidentified=False)
    assert [answer.name for answer in answers] == ["arm", "law", "law"]


def test_whole_numbers_in_a_built_query_are_numbers(mixed):
    built = Query(Term("mean", (Outcome("Y"),), (Setting("B", 1),), (Outcome("Z", "=", 1),)))
    np.testing.assert_array_equal(ld.ask(mixed, built).draws, asked(mixed, "E[Y | do(B=1), Z=1]").draws)


# Honesty of the simulation error


HONEST = [
    ("E[Y | do(X=1), C=1]", lambda law: law.given("Y", {"C": 1.0})[0]),
    ("E[M | do(X=1), C=1] - E[M | do(X=1)]", lambda law: law.given("M", {"C": 1.0})[0] - law.of("M")[0][:, 0]),
    ("P(Y > 2 | do(X=1)) / P(Y > 0 | do(X=1))", lambda law: _above(law, 2.0) / _above(law, 0.0)),
]


def _above(law: Gaussian, level: float) -> np.ndarray:
    mean, cov = law.of("Y")
    return ndtr((mean[:, 0] - level) / np.sqrt(cov[:, 0, 0]))


def coverage(query: str, exact_of: object, n_seeds: int) -> tuple[int, float, float]:
    """How often the error of the mean is within the 95 % t bound, its rms, and the rms of the stated error."""
    # A posterior so narrow that all error is simulation error, in fits of few draws to be quick.
    posterior = posterior_of(FRONT_DOOR, spread=1e-4, shape=(4, 8))
    exact = exact_of(Gaussian(posterior, {"X": 1.0})).mean()
    bound = scipy.stats.t.ppf(0.975, REPLICATES - 1)
    errors, stated = [], []
    for seed in range(n_seeds):
        answer = asked(posterior, query, seed=seed)
        errors.append(answer.mean - exact)
        stated.append(answer.simulation_error)
    inside = int((np.abs(errors) <= bound * np.array(stated)).sum())
    return inside, float(np.sqrt(np.mean(np.square(errors)))), float(np.sqrt(np.mean(np.square(stated))))


@pytest.mark.sample
def test_the_stated_simulation_error_covers_sample():
    inside, error, stated = coverage(*HONEST[0], 40)
    # 95 % of 40, less three standard errors.
    assert inside >= 40 * (0.95 - 3 * math.sqrt(0.95 * 0.05 / 40))
    assert error < 1.5 * stated


@pytest.mark.slow
@pytest.mark.parametrize(("query", "exact_of"), HONEST, ids=[case[0] for case in HONEST])
def test_the_stated_simulation_error_covers(query, exact_of):
    n = 240
    inside, error, stated = coverage(query, exact_of, n)
    # Both sides: three standard errors of a count around 95 %.
    assert abs(inside / n - 0.95) < 3 * math.sqrt(0.95 * 0.05 / n)
    assert 1 / 1.2 < error / stated < 1.2


@pytest.mark.parametrize(("query", "exact_of"), HONEST, ids=[case[0] for case in HONEST])
def test_the_error_of_an_ordinary_answer_is_within_its_monte_carlo_error(front_door, query, exact_of):
    exact = exact_of(Gaussian(front_door, {"X": 1.0}))
    for seed in range(3):
        answer = asked(front_door, query, seed=seed)
        assert abs(answer.mean - exact.mean()) < 3 * answer.mcse
