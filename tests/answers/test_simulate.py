"""Terms against closed forms, enumeration and quadrature, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from scipy.special import ndtr, ndtri

import latentdo as ld
from latentdo.answers.plan import plan_term
from latentdo.answers.simulation import REPLICATES
from latentdo.errors import QueryError, UnsupportedError
from latentdo.inference import Posterior
from latentdo.query import Distribution, Outcome, Query, Setting, Term
from posteriors import Binary, Gaussian, numbers, posterior_of

GAUSSIAN = """
latent U ~ normal
Z ~ normal
X ~ normal(Z, U)
M ~ normal(X)
Y ~ normal(M, U, Z)
C ~ normal(Y, U)
"""
BINARY = """
latent U ~ normal
Z ~ bernoulli(U)
X ~ bernoulli(Z, U)
M ~ bernoulli(X, Z, X:Z)
Y ~ bernoulli(M, U)
"""
CURVED = "Z ~ normal; G ~ gamma(Z); H ~ hill(G, max=10); Y ~ normal(H, G)"
FEW = (4, 25)


pytestmark = pytest.mark.usefixtures("simulated")


@pytest.fixture(scope="module")
def gaussian() -> Posterior:
    return posterior_of(GAUSSIAN, {"X -> M": 0.8, "M -> Y": 0.9, "Y -> C": 0.7, "intercept(Y)": 0.5}, shape=FEW)


@pytest.fixture(scope="module")
def binary() -> Posterior:
    centres = {"intercept(X)": -0.5, "X -> M": 1.5, "intercept(M)": -1.0, "X:Z -> M": -0.7, "M -> Y": 2.0}
    return posterior_of(BINARY, centres, shape=FEW)


@pytest.fixture(scope="module")
def curved() -> Posterior:
    centres = {"Z -> G": 0.4, "shape(G)": 3.0, "intercept(G)": 0.3, "intercept(H)": -1.0}
    return posterior_of(CURVED, centres, shape=FEW)


def asked(posterior: Posterior, query: str) -> ld.Answer:
    answer = ld.ask(posterior, query, allow_unidentified=True)
    assert isinstance(answer, ld.Answer)
    return answer


def assert_draws(answer: ld.Answer, exact: np.ndarray, unit_sd: float) -> None:
    """Every draw within 5 standard errors of a plain sample of as many units, and their mean within 5 of all replicates.

    The points are better spread than a plain sample, so that the bound is a loose one.
    """
    assert answer.draws.shape == exact.shape
    units = answer.n_units if answer.evidence_units is None else answer.evidence_units
    error = unit_sd / np.sqrt(units)
    assert np.abs(answer.draws - exact).max() < 5 * error
    assert abs(answer.mean - exact.mean()) < 5 * error / np.sqrt(REPLICATES)


MEANS = [
    ({}, {}),
    ({"X": 1.0}, {}),
    ({"X": 1.0, "M": 0.0}, {}),
    ({"M": -0.5, "Z": 2.0}, {}),
    ({}, {"Z": 0.5}),
    ({}, {"C": 1.0}),
    ({}, {"X": 1.0, "C": 0.5}),
    ({"X": 1.0}, {"Z": 0.5}),
    ({"X": 1.0}, {"C": 1.0}),
    ({"X": 1.0}, {"C": 1.0, "Z": 0.5}),
    ({"X": (1.0, 0.5)}, {}),
    ({"X": (1.0, 0.5)}, {"C": 1.0}),
    ({"Z": (0.0, 2.0), "M": 1.0}, {"X": 1.0}),
]


def inside(do: dict[str, float | tuple[float, float]], given: dict[str, float]) -> str:
    """What stands after the bar, the bar included."""
    settings = [f"{n} ~ normal{v}" if isinstance(v, tuple) else f"{n}={v}" for n, v in do.items()]
    parts = ([f"do({', '.join(settings)})"] if do else []) + [f"{n}={v}" for n, v in given.items()]
    return f" | {', '.join(parts)}" if parts else ""


@pytest.mark.parametrize(("do", "given"), MEANS, ids=str)
def test_a_linear_gaussian_model_answers_as_in_closed_form(gaussian, do, given):
    law = Gaussian(gaussian, do)
    mean, sd = law.given("Y", given)
    # Where evidence descends from Y its draws are weighed, not integrated: sd is their spread.
    assert_draws(asked(gaussian, f"E[Y{inside(do, given)}]"), mean, sd.max())
    behind = inside(do, given)
    assert_draws(asked(gaussian, f"P(Y > 1{behind})"), ndtr((mean - 1) / sd), 0.5)
    between = ndtr((2 - mean) / sd) - ndtr((1 - mean) / sd)
    assert_draws(asked(gaussian, f"P(Y > 1, Y <= 2{behind})"), between, 0.5)


def truncated_mean(law: Gaussian, outcome: str, seen: str, low: float, high: float) -> np.ndarray:
    """E[outcome | low < seen < high] of a bivariate normal."""
    mean, cov = law.of(outcome, seen)
    sd = np.sqrt(cov[:, 1, 1])
    a, b = (low - mean[:, 1]) / sd, (high - mean[:, 1]) / sd
    ratio = (scipy.stats.norm.pdf(a) - scipy.stats.norm.pdf(b)) / (ndtr(b) - ndtr(a))
    return mean[:, 0] + cov[:, 0, 1] / sd * ratio


@pytest.mark.parametrize("seen", ["Z", "C"])
@pytest.mark.parametrize(("event", "low", "high"), [("{} > 0", 0, np.inf), ("{} > -1, {} < 1.5", -1, 1.5)])
@pytest.mark.parametrize("do", [{}, {"X": 1.0}], ids=str)
def test_evidence_that_is_an_event_truncates_upstream_and_downstream(gaussian, seen, event, low, high, do):
    law = Gaussian(gaussian, do)
    exact = truncated_mean(law, "Y", seen, low, high)
    behind = inside(do, {}) + (", " if do else " | ") + event.format(seen, seen)
    sd = np.sqrt(law.of("Y")[1].max())
    assert_draws(asked(gaussian, f"E[Y{behind}]"), exact, sd)


def both_above(law: Gaussian, first: str, second: str, low: tuple[float, float]) -> np.ndarray:
    """P(first > low, second > low) by quadrature over the second."""
    mean, cov = law.of(first, second)
    points, weights = np.polynomial.legendre.leggauss(200)
    start = ndtr((low[1] - mean[:, 1:]) / np.sqrt(cov[:, 1:, 1]))
    z = ndtri(start + (1 - start) * (points + 1) / 2)
    gain = cov[:, 0, 1] / np.sqrt(cov[:, 1, 1])
    sd = np.sqrt(cov[:, 0, 0] - gain**2)
    inner = ndtr((mean[:, :1] + gain[:, None] * z - low[0]) / sd[:, None])
    return (1 - start[:, 0]) * (inner * weights / 2).sum(axis=1)


@pytest.mark.parametrize("names", [("Y", "C"), ("Z", "Y"), ("M", "Z")], ids=str)
@pytest.mark.parametrize("do", [{}, {"X": 1.0}], ids=str)
def test_joint_events_on_two_nodes(gaussian, names, do):
    exact = both_above(Gaussian(gaussian, do), *names, (0.5, 0.2))
    first, second = names
    assert_draws(asked(gaussian, f"P({first} > 0.5, {second} > 0.2{inside(do, {})})"), exact, 0.5)


def test_an_event_given_an_event(gaussian):
    law = Gaussian(gaussian, {"X": 1.0})
    mean, cov = law.of("C")
    exact = both_above(law, "Y", "C", (1.0, 0.5)) / ndtr((mean[:, 0] - 0.5) / np.sqrt(cov[:, 0, 0]))
    assert_draws(asked(gaussian, "P(Y > 1 | do(X=1), C > 0.5)"), exact, 0.5)


def test_latent_causes_are_drawn_afresh_after_surgery():
    # Conditioning tells about U, setting does not: the two must differ as the algebra says.
    posterior = posterior_of("latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)", shape=FEW)
    own = numbers(posterior)
    through = own["M -> Y"] * (own["intercept(M)"] + 2 * own["X -> M"]) + own["intercept(Y)"]
    assert_draws(asked(posterior, "E[Y | do(X=2)]"), through, 1.3)
    gain = own["U -> X"] / (own["U -> X"] ** 2 + own["sd(X)"] ** 2)
    seen = through + own["U -> Y"] * gain * (2 - own["intercept(X)"])
    assert_draws(asked(posterior, "E[Y | X=2]"), seen, 1.3)


def test_surgery_on_one_side_of_a_bidirected_edge_keeps_its_latent_as_a_cause_of_the_other():
    posterior = posterior_of("A ~ normal; B ~ normal(A); A <-> B", {"A<->B.1 -> B": 2.0}, shape=FEW)
    own = numbers(posterior)
    mean = own["intercept(B)"] + own["A -> B"]
    spread = np.sqrt(own["A<->B.1 -> B"] ** 2 + own["sd(B)"] ** 2)
    assert_draws(asked(posterior, "P(B > 2 | do(A=1))"), ndtr((mean - 2) / spread), 0.5)
    # Without the latent the spread would be about 1, and P(B > 4) nearly 0.
    assert_draws(asked(posterior, "P(B > 4 | do(A=1))"), ndtr((mean - 4) / spread), 0.5)


def test_interactions_multiply_their_parents():
    posterior = posterior_of("V ~ normal; X ~ normal; Y ~ normal(X, V, X:V)", {"intercept(V)": 0.5}, shape=FEW)
    own = numbers(posterior)
    slope = own["V -> Y"] + 2 * own["X:V -> Y"]
    mean = own["intercept(Y)"] + 2 * own["X -> Y"] + slope * own["intercept(V)"]
    spread = np.sqrt((slope * own["sd(V)"]) ** 2 + own["sd(Y)"] ** 2)
    assert_draws(asked(posterior, "E[Y | do(X=2)]"), mean, spread.max())
    assert_draws(asked(posterior, "P(Y < 3 | do(X=2))"), ndtr((3 - mean) / spread), 0.5)


def test_a_linear_node_is_exact_as_outcome_parent_and_event():
    posterior = posterior_of("X ~ normal; S ~ linear(X); Y ~ normal(S)", shape=FEW)
    own = numbers(posterior)
    s = own["intercept(S)"] + own["X -> S"] * 1.5
    np.testing.assert_allclose(asked(posterior, "E[S | do(X=1.5)]").draws, s, rtol=1e-12)
    np.testing.assert_allclose(
        asked(posterior, "E[Y | do(X=1.5)]").draws, own["intercept(Y)"] + own["S -> Y"] * s, rtol=1e-12
    )
    np.testing.assert_array_equal(asked(posterior, "P(S >= 1.5 | do(X=1.5))").draws, (s >= 1.5).astype(float))
    spread = np.abs(own["X -> S"]) * own["sd(X)"]
    mean = own["intercept(S)"] + own["X -> S"] * own["intercept(X)"]
    assert_draws(asked(posterior, "P(S > 1)"), ndtr((mean - 1) / spread), 0.5)


BINARY_CASES = [
    ("P(Y=1)", {}, {"Y": 1}, {}),
    ("E[Y | do(X=1)]", {"X": 1}, {"Y": 1}, {}),
    ("P(Y=0 | do(X=0))", {"X": 0}, {"Y": 0}, {}),
    ("P(Y=1 | do(X=1, M=0))", {"X": 1, "M": 0}, {"Y": 1}, {}),
    ("P(Y=1, M=0 | do(X=1))", {"X": 1}, {"Y": 1, "M": 0}, {}),
    ("P(M=1, Z=0)", {}, {"M": 1, "Z": 0}, {}),
    ("P(M=1 | do(X=1), Y=1)", {"X": 1}, {"M": 1}, {"Y": 1}),
    ("P(Y=1 | do(X=0), Z=1)", {"X": 0}, {"Y": 1}, {"Z": 1}),
    ("P(Z > 0 | X=1, Y < 1)", {}, {"Z": 1}, {"X": 1, "Y": 0}),
    ("E[Y | do(X ~ bernoulli(0.3))]", {"X": (0.3,)}, {"Y": 1}, {}),
    ("P(Y=1 | do(X ~ bernoulli(0.3)), M=1)", {"X": (0.3,)}, {"Y": 1}, {"M": 1}),
    ("P(Z=1, Y=1 | do(X ~ bernoulli(p=0.8)), M=0)", {"X": (0.8,)}, {"Z": 1, "Y": 1}, {"M": 0}),
]


@pytest.mark.parametrize(("query", "do", "event", "given"), BINARY_CASES, ids=[case[0] for case in BINARY_CASES])
def test_a_binary_model_answers_as_enumerated(binary, query, do, event, given):
    law = Binary(binary, do)
    assert_draws(asked(binary, query), law.chance(**event, **given) / law.chance(**given), 0.5)


def test_a_law_gives_one_answer_per_level_and_they_add_to_one(binary):
    law = Binary(binary, {"X": 1})
    answers = ld.ask(binary, "P(Y | do(X=1))", allow_unidentified=True)
    assert [str(answer.query) for answer in answers] == ["P(Y=0 | do(X=1))", "P(Y=1 | do(X=1))"]
    for level, answer in enumerate(answers):
        assert_draws(answer, law.chance(Y=level), 0.5)
    np.testing.assert_allclose(sum(answer.draws for answer in answers), 1.0, rtol=1e-12)


def test_a_joint_law_gives_one_answer_per_combination(binary):
    law = Binary(binary, {"X": 1})
    answers = ld.ask(binary, "P(M, Y, Z=1 | do(X=1))", allow_unidentified=True)
    assert [str(answer.query) for answer in answers] == [
        f"P(M={m}, Y={y}, Z=1 | do(X=1))" for m in (0, 1) for y in (0, 1)
    ]
    for answer, (m, y) in zip(answers, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        assert_draws(answer, law.chance(M=m, Y=y, Z=1), 0.5)


def gamma_points(posterior: Posterior, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature points of G given Z=z, (draw, point), and their weights."""
    own = numbers(posterior)
    points, weights = np.polynomial.legendre.leggauss(400)
    mean, shape = np.exp(own["intercept(G)"] + own["Z -> G"] * z)[:, None], own["shape(G)"][:, None]
    return scipy.stats.gamma.ppf((points + 1) / 2, shape, scale=mean / shape), weights / 2


def hill_mean(posterior: Posterior, g: np.ndarray) -> np.ndarray:
    own = numbers(posterior)
    return 10 / (1 + np.exp(-own["intercept(H)"][:, None] - own["G -> H"][:, None] * g))


def test_gamma_and_hill_answer_as_by_quadrature(curved):
    own = numbers(curved)
    g, weights = gamma_points(curved, 1.0)
    h, sd = hill_mean(curved, g), own["sd(H)"][:, None]
    np.testing.assert_allclose(
        asked(curved, "E[G | do(Z=1)]").draws, np.exp(own["intercept(G)"] + own["Z -> G"]), rtol=1e-12
    )
    law = scipy.stats.gamma(own["shape(G)"], scale=np.exp(own["intercept(G)"] + own["Z -> G"]) / own["shape(G)"])
    np.testing.assert_allclose(
        asked(curved, "P(G > 1, G < 2 | do(Z=1))").draws, law.cdf(2) - law.cdf(1), rtol=0, atol=1e-10
    )
    spread = np.sqrt((h**2 @ weights - (h @ weights) ** 2).max())
    assert_draws(asked(curved, "E[H | do(Z=1)]"), h @ weights, spread)
    assert_draws(asked(curved, "P(H > 6 | do(Z=1))"), ndtr((h - 6) / sd) @ weights, 0.5)
    y = own["intercept(Y)"] + own["H -> Y"] * (h @ weights) + own["G -> Y"] * (g @ weights)
    assert_draws(asked(curved, "E[Y | do(Z=1)]"), y, 2 * spread + g.std())


def test_evidence_on_gamma_and_hill_weighs_by_their_densities(curved):
    own = numbers(curved)
    g, weights = gamma_points(curved, 1.0)
    density = scipy.stats.norm.pdf(6, hill_mean(curved, g), own["sd(H)"][:, None]) * weights
    exact = (g * density).sum(axis=1) / density.sum(axis=1)
    assert_draws(asked(curved, "E[G | do(Z=1), H=6]"), exact, g.std())
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    z = own["intercept(Z)"][:, None] + own["sd(Z)"][:, None] * points
    shape = own["shape(G)"][:, None]
    scale = np.exp(own["intercept(G)"][:, None] + own["Z -> G"][:, None] * z) / shape
    density = scipy.stats.gamma.pdf(2.0, shape, scale=scale) * weights
    assert_draws(asked(curved, "E[Z | G=2]"), (z * density).sum(axis=1) / density.sum(axis=1), z.std())


def test_a_gamma_node_can_be_set_and_a_hill_node_takes_any_number(curved):
    own = numbers(curved)
    h = 10 / (1 + np.exp(-own["intercept(H)"] - own["G -> H"] * 3))
    exact = own["intercept(Y)"] + own["H -> Y"] * h + own["G -> Y"] * 3
    assert_draws(asked(curved, "E[Y | do(G=3)]"), exact, 1.3)
    exact = own["intercept(Y)"] + own["H -> Y"] * -2 + own["G -> Y"] * 3
    np.testing.assert_allclose(asked(curved, "E[Y | do(G=3, H=-2)]").draws, exact, rtol=1e-12)


def test_contrasts_ratios_and_odds_are_formed_within_each_draw():
    posterior = posterior_of(BINARY, {"intercept(Y)": -3.0, "X -> M": 3.0, "M -> Y": 3.0}, spread=0.8, shape=FEW)
    one, zero = (Binary(posterior, {"X": x}).chance(Y=1) for x in (1, 0))
    arms = "P(Y=1 | do(X=1))", "P(Y=1 | do(X=0))"
    none = "P(Y=0 | do(X=1))", "P(Y=0 | do(X=0))"
    assert_draws(asked(posterior, f"{arms[0]} - {arms[1]}"), one - zero, 0.5)
    ratio = asked(posterior, f"{arms[0]} / {arms[1]}")
    assert_draws(ratio, one / zero, 4.0)
    # The ratio of the means is another number.
    assert abs((one / zero).mean() - one.mean() / zero.mean()) > 0.02
    odds = f"({arms[0]} / {none[0]}) / ({arms[1]} / {none[1]})"
    assert_draws(asked(posterior, odds), one / (1 - one) / (zero / (1 - zero)), 8.0)
    assert_draws(asked(posterior, f"100 * {arms[0]} + 1"), 100 * one + 1, 50.0)


def test_arms_share_their_noise(gaussian, curved):
    for posterior, node in ((gaussian, "X"), (curved, "Z")):
        equal = asked(posterior, f"E[Y | do({node}=1)] - E[Y | do({node}=1)]")
        assert (equal.draws == 0).all()
    # In a linear model the noise drops out of a contrast, so that it is exact although its arms are not.
    own = numbers(gaussian)
    exact = own["X -> M"] * own["M -> Y"]
    contrast = asked(gaussian, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    np.testing.assert_allclose(contrast.draws, exact, rtol=0, atol=1e-12)
    assert (
        np.abs(asked(gaussian, "E[Y | do(X=1)]").draws - Gaussian(gaussian, {"X": 1.0}).of("Y")[0][:, 0]).max() > 1e-6
    )


def plan(posterior: Posterior, query: str):
    return plan_term(posterior.spec, Query.parse(query).term)


@pytest.mark.parametrize(
    ("query", "order", "integrated"),
    [
        ("E[M | do(X=1)]", ("X", "M"), {"M"}),
        ("E[Y | do(X=1)]", ("U", "Z", "X", "M", "Y"), {"Y"}),
        ("E[Y | do(X=1), C > 0]", ("U", "Z", "X", "M", "Y", "C"), {"C"}),
        ("P(M > 0, Z > 0)", ("U", "Z", "X", "M"), {"M"}),
        ("P(M > 0, Z > 0 | do(X=1))", ("Z", "X", "M"), {"M", "Z"}),
        ("E[Z]", ("Z",), {"Z"}),
    ],
)
def test_only_ancestors_are_simulated_and_only_last_steps_integrated(gaussian, query, order, integrated):
    found = plan(gaussian, query)
    assert set(found.order) == set(order)
    assert found.integrated & set(order) == integrated


@pytest.mark.parametrize(
    ("query", "drawn"),
    [
        ("E[Y | do(X=1)]", {"U", "Z", "M"}),
        ("P(Y > 1 | do(X=1))", {"U", "Z", "M"}),
        ("E[Y | do(X=1), C=1]", {"U", "Z", "M", "Y"}),
        ("E[Y | do(X=1), C > 1]", {"U", "Z", "M", "Y"}),
        ("E[Y | Z=1, X=1]", {"U", "M"}),
        ("E[M | do(X ~ normal(0, 1))]", set()),
        ("E[M | do(X=0)]", set()),
    ],
)
def test_nothing_is_drawn_that_need_not_be(gaussian, query, drawn):
    found = plan(gaussian, query)
    roles = dict(zip(found.order, (step.role for step in found.program.steps), strict=True))
    assert {node for node, role in roles.items() if role == "drawn"} == drawn


def test_a_probability_far_in_the_lower_tail_keeps_its_digits(gaussian):
    mean, cov = Gaussian(gaussian, {"X": 0.0, "M": 0.0, "Z": 0.0}).of("Y")
    answer = asked(gaussian, "P(Y < -12 | do(X=0, M=0, Z=0))")
    exact = ndtr((-12 - mean[:, 0]) / np.sqrt(cov[:, 0, 0]))
    assert 0 < exact.max() < 1e-10
    assert (answer.draws > 0).any()


def test_a_probability_far_in_the_upper_tail_keeps_its_digits():
    lone = posterior_of("X ~ normal; Y ~ normal(X)", shape=FEW)
    own = numbers(lone)
    exact = ndtr(-(40 - own["intercept(Y)"] - own["X -> Y"]) / own["sd(Y)"])
    np.testing.assert_allclose(asked(lone, "P(Y > 40 | do(X=1))").draws, exact, rtol=1e-9)
    assert exact.max() < 1e-100


def test_a_law_may_name_its_numbers(gaussian):
    plain = asked(gaussian, "E[Y | do(X ~ normal(1, 0.5))]").draws
    for law in ("normal(mean=1, sd=0.5)", "normal(1, sd=0.5)", "normal(sd=0.5, mean=1)"):
        np.testing.assert_array_equal(asked(gaussian, f"E[Y | do(X ~ {law})]").draws, plain)
    # A query that was built rather than parsed may hold whole numbers.
    built = Term("mean", (Outcome("Y"),), (Setting("X", Distribution("normal", (1, 2))),))
    np.testing.assert_array_equal(
        asked(gaussian, str(built)).draws, ld.ask(gaussian, Query(built), allow_unidentified=True).draws
    )


def test_evidence_on_a_node_without_noise_is_refused_and_an_event_is_not():
    posterior = posterior_of("X ~ normal; S ~ linear(X); Y ~ normal(X)", shape=FEW)
    with pytest.raises(UnsupportedError) as caught:
        ld.ask(posterior, "E[Y | S=1]")
    assert str(caught.value) == (
        "S is linear (no noise), so S=1 has no density to weigh by. Condition on its parents instead, or on an event "
        "such as S > 0."
    )
    own = numbers(posterior)
    law = Gaussian(posterior)
    exact = truncated_mean(law, "Y", "S", 0, np.inf)
    assert own["X -> S"].min() > 0
    assert_draws(ld.ask(posterior, "E[Y | S > 0]"), exact, np.sqrt(law.of("Y")[1].max()))


def test_extreme_quantiles_of_a_positive_law_are_found_with_a_bounded_number_of_units():
    posterior = posterior_of("X ~ normal; Y ~ gamma(X)", {"shape(Y)": 3.0, "X -> Y": 0.0}, shape=(1, 40), spread=0.0)
    for level in (1e-9, 0.9, 1 - 1e-9):
        answer = ld.ask(posterior, f"Quantile[Y, {level:.10g}]")
        assert isinstance(answer, ld.Answer)
        assert answer.draws == pytest.approx(scipy.stats.gamma.ppf(level, 3.0) / 3.0, rel=1e-6)
    spread = posterior_of("X ~ normal; Y ~ gamma(X)", {"X -> Y": 0.6}, shape=(4, 20))
    answer = ld.ask(spread, "Quantile[Y, 0.999999999]")
    assert isinstance(answer, ld.Answer) and answer.n_units <= 1024
    assert any("simulation error" in words for words in answer.warnings) == (answer.simulation_error > 0.05 * answer.sd)


def test_a_model_without_free_parameters_is_simulated_once_for_all_draws_until_the_error_is_small():
    posterior = posterior_of(
        "X ~ normal(mean=0, sd=1); Z ~ gamma(X, weight=0.3, intercept=0, shape=3); Y ~ normal(X, weight=1, intercept=0, sd=1)",
        shape=(4, 1000),
    )
    answer = ld.ask(posterior, "Median[Y | Z=2]")
    assert answer.sd == 0.0
    assert answer.interval() == (answer.mean, answer.mean)
    assert 0 < answer.simulation_error <= 0.002 * posterior.facts.column("Y").sd
    assert answer.n_units <= 4096
    assert any(said.startswith("every draw is the same, and so the sd is 0; the error") for said in answer.warnings)
    curve = ld.ask(posterior, "Median[Y | Z] for Z in 0.5..4 by 0.05")
    assert max(point.n_units for point in curve) <= 4096
    # Against a grid over X, weighed by the density of Z.
    x = np.linspace(-8, 8, 4001)
    mean = np.exp(0.3 * x)
    weight = scipy.stats.norm.pdf(x) * scipy.stats.gamma.pdf(2.0, 3, scale=mean / 3)
    below = (weight * scipy.stats.norm.cdf(answer.mean - x)).sum() / weight.sum()
    assert below == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("X ~ normal; Y ~ gamma(X)", "Quantile[Y, 0.999 | do(X=1000)]"),
        ("X ~ normal; Y ~ student(X)", "Median[Y | do(X=1e200)]"),
    ],
)
def test_a_quantile_too_large_to_hold_is_refused(model, query):
    with pytest.raises(QueryError, match=r"it is too large to compute with. Ask at values nearer to the data."):
        ld.ask(posterior_of(model, shape=(4, 10)), query)
