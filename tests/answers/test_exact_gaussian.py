"""Linear-Gaussian terms against closed forms by matrix inversion, adaptive quadrature and long simulation, draw by draw."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from scipy.special import log_ndtr, ndtr, ndtri

import latentdo as ld
from latentdo.answers.exact.gaussian import GaussianWorld
from latentdo.answers.exact.normal_boxes import box_moments, log_box, log_interval, truncated
from latentdo.answers.plan import plan_term
from latentdo.inference import Posterior
from latentdo.query import Query
from posteriors import Gaussian, numbers, posterior_of

MODEL = """
latent U ~ normal
Z ~ normal
X ~ normal(Z, U)
M ~ normal(X)
Y ~ normal(M, U, Z)
C ~ normal(Y, U)
"""
FEW = (2, 4)
INF = np.inf


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return posterior_of(MODEL, {"X -> M": 0.8, "M -> Y": 0.9, "Y -> C": 0.7, "intercept(Y)": 0.5}, shape=FEW)


def exact(posterior: Posterior, text: str) -> np.ndarray | None:
    plan = plan_term(posterior.spec, Query.parse(text).term)
    world = GaussianWorld(posterior.spec, posterior.by_node)
    found = world.value(plan)
    assert world.applies(plan) or found is None
    return found


def behind(do: dict[str, float | tuple[float, float]], given: dict[str, object]) -> str:
    """What stands after the bar, the bar included."""
    settings = [f"{n} ~ normal{v}" if isinstance(v, tuple) else f"{n}={v}" for n, v in do.items()]
    parts = ([f"do({', '.join(settings)})"] if do else []) + [
        value if isinstance(value, str) else f"{name}={value}" for name, value in given.items()
    ]
    return f" | {', '.join(parts)}" if parts else ""


class Law:
    """The law of some nodes given the values of others: mean (draw, node), covariance (draw, node, node)."""

    def __init__(self, posterior: Posterior, do: dict, seen: dict[str, float], *names: str) -> None:
        mean, cov = Gaussian(posterior, do).of(*names, *seen)
        k = len(names)
        gain = np.linalg.solve(cov[:, k:, k:], cov[:, k:, :k]).swapaxes(1, 2)
        self.mean = mean[:, :k] + np.einsum("nij,nj->ni", gain, np.array(list(seen.values())) - mean[:, k:])
        self.cov = cov[:, :k, :k] - gain @ cov[:, k:, :k]

    def integral(self, draw: int, boxes: list[tuple[float, float]], of=lambda x: 1.0) -> float:
        """The integral of a function of the first node over a box, by adaptive quadrature."""
        law = scipy.stats.multivariate_normal(self.mean[draw], self.cov[draw])
        sd = np.sqrt(np.diag(self.cov[draw]))
        ends = [
            (max(low, m - 12 * s), min(high, m + 12 * s))
            for (low, high), m, s in zip(boxes, self.mean[draw], sd, strict=True)
        ]
        tight = {"epsabs": 1e-13, "epsrel": 1e-11, "limit": 200}
        if len(ends) == 1:
            return scipy.integrate.quad(lambda x: of(x) * law.pdf(x), *ends[0], **tight)[0]
        return _double(self, draw, ends, of)


def _double(law: Law, draw: int, ends: list[tuple[float, float]], of) -> float:
    """The same of two nodes: the second integrated by the normal cdf given the first."""
    (m1, m2), ((v1, c), (_, v2)) = law.mean[draw], law.cov[draw]
    sd, rest = np.sqrt(v1), np.sqrt(v2 - c * c / v1)

    def inner(x: float) -> float:
        centre = m2 + c / v1 * (x - m1)
        return (
            of(x) * np.exp(-0.5 * ((x - m1) / sd) ** 2) * (ndtr((high - centre) / rest) - ndtr((low - centre) / rest))
        )

    (start, stop), (low, high) = ends
    found = scipy.integrate.quad(inner, start, stop, epsabs=1e-14, epsrel=1e-11, limit=400)[0]
    return found / (sd * np.sqrt(2 * np.pi))


DOES: list[dict[str, float | tuple[float, float]]] = [{}, {"X": 1.0}, {"X": (1.0, 0.5)}, {"Z": (0.0, 2.0), "M": 1.0}]
SEEN: list[dict[str, float]] = [{}, {"C": 1.0}, {"X": -0.5, "C": 0.5}, {"Z": 0.5, "M": 2.0, "C": -1.0}]
CASES = [(do, seen) for do, seen in itertools.product(DOES, SEEN) if not do.keys() & seen.keys()]


@pytest.mark.parametrize(("do", "seen"), CASES, ids=str)
def test_every_kind_of_term_given_values_has_its_closed_form(posterior, do, seen):
    law = Law(posterior, do, seen, "Y")
    mean, sd = law.mean[:, 0], np.sqrt(law.cov[:, 0, 0])
    after = behind(do, seen)
    close = {"rtol": 1e-11, "atol": 1e-12}
    np.testing.assert_allclose(exact(posterior, f"E[Y{after}]"), mean, **close)
    np.testing.assert_allclose(exact(posterior, f"Var[Y{after}]"), sd**2, **close)
    np.testing.assert_allclose(exact(posterior, f"SD[Y{after}]"), sd, **close)
    np.testing.assert_allclose(exact(posterior, f"Quantile[Y, 0.9{after}]"), mean + sd * ndtri(0.9), **close)
    np.testing.assert_allclose(exact(posterior, f"P(Y > 1{after})"), ndtr((mean - 1) / sd), **close)
    between = ndtr((2 - mean) / sd) - ndtr((1 - mean) / sd)
    np.testing.assert_allclose(exact(posterior, f"P(Y > 1, Y <= 2{after})"), between, **close)
    np.testing.assert_allclose(exact(posterior, f"density(Y=1.3{after})"), scipy.stats.norm.pdf(1.3, mean, sd), **close)


EVENTS = {"C > 0": (0.0, INF), "C < -1": (-INF, -1.0), "C > 0.2, C <= 0.7": (0.2, 0.7)}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("do", "seen"),
    [({}, {}), ({"X": 1.0}, {}), ({"X": (1.0, 0.5)}, {"Z": 0.5}), ({"Z": 1.0}, {"X": 1.0, "M": 0.0})],
    ids=str,
)
def test_terms_given_an_event_agree_with_quadrature(posterior, event, do, seen):
    box = EVENTS[event]
    law, other = Law(posterior, do, seen, "Y", "C"), Law(posterior, do, seen, "C")
    after = behind(do, {**seen, "event": event})
    asked = {
        text: exact(posterior, text.format(after))
        for text in ("E[Y{}]", "Var[Y{}]", "P(Y > 1, Y < 3{})", "density(Y=0.5{})", "Quantile[Y, 0.9{}]", "Median[Y{}]")
    }
    for draw in range(0, 8, 3):
        chance = other.integral(draw, [box])
        mean = law.integral(draw, [(-INF, INF), box], lambda y: y) / chance
        variance = law.integral(draw, [(-INF, INF), box], lambda y, m=mean: (y - m) ** 2) / chance
        between = law.integral(draw, [(1.0, 3.0), box]) / chance
        there = Law(posterior, do, {**seen, "Y": 0.5}, "C").integral(draw, [box])
        alone = Law(posterior, do, seen, "Y")
        density = scipy.stats.norm.pdf(0.5, alone.mean[draw, 0], np.sqrt(alone.cov[draw, 0, 0])) * there / chance
        expected = [mean, variance, between, density]
        np.testing.assert_allclose([value[draw] for value in list(asked.values())[:4]], expected, rtol=1e-8)
        for level, text in ((0.9, "Quantile[Y, 0.9{}]"), (0.5, "Median[Y{}]")):
            reached = law.integral(draw, [(-INF, asked[text][draw]), box]) / chance
            assert reached == pytest.approx(level, abs=1e-8)


def test_two_events_agree_with_quadrature(posterior):
    law = Law(posterior, {"X": 1.0}, {}, "Y", "C")
    found = exact(posterior, "P(Y > 1, C < 1 | do(X=1))")
    for draw in range(8):
        assert found[draw] == pytest.approx(law.integral(draw, [(1.0, INF), (-INF, 1.0)]), rel=1e-9)


@pytest.mark.parametrize("events", ["C > 0, Z < 1", "C > 0.1, C < 0.5, M > 1"])
def test_moments_given_two_events_agree_with_a_grid(posterior, events):
    names = ("Y", "C", "Z" if "Z" in events else "M")
    mean, cov = Gaussian(posterior, {"X": 1.0}).of(*names)
    boxes = [(0.0, INF), (-INF, 1.0)] if "Z" in events else [(0.1, 0.5), (1.0, INF)]
    found = [exact(posterior, f"{kind}[Y | do(X=1), {events}]") for kind in ("E", "Var")]
    points, weights = np.polynomial.legendre.leggauss(200)
    for draw in (0, 5):
        m, s = mean[draw], cov[draw]
        sd = np.sqrt(np.diag(s))[1:]
        ends = [(max(a, k - 9 * d), min(b, k + 9 * d)) for (a, b), k, d in zip(boxes, m[1:], sd, strict=True)]
        axes = [low + (high - low) * (points + 1) / 2 for low, high in ends]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - m[1:]
        inverse = np.linalg.inv(s[1:, 1:])
        weight = weights[:, None] * weights * np.exp(-0.5 * np.einsum("abi,ij,abj->ab", grid, inverse, grid))
        weight /= weight.sum()
        centre = m[0] + grid @ inverse @ s[1:, 0]
        expected = (weight * centre).sum()
        rest = s[0, 0] - s[0, 1:] @ inverse @ s[1:, 0]
        assert found[0][draw] == pytest.approx(expected, rel=1e-9)
        assert found[1][draw] == pytest.approx(rest + (weight * (centre - expected) ** 2).sum(), rel=1e-8)


def test_tails_keep_their_digits(posterior):
    """P(Y > y | C > c) where P(C > c) is about 1e-12: ratios of tiny numbers, taken in logs."""
    law, other = Law(posterior, {"X": 1.0}, {}, "Y", "C"), Law(posterior, {"X": 1.0}, {}, "C")
    c = float(np.median(other.mean[:, 0] + 7.03 * np.sqrt(other.cov[:, 0, 0])))
    y = float(np.median(law.mean[:, 0] + 5.0 * np.sqrt(law.cov[:, 0, 0])))
    found = exact(posterior, f"P(Y > {y} | do(X=1), C > {c})")
    mean = exact(posterior, f"E[Y | do(X=1), C > {c}]")
    rare = exact(posterior, f"P(C > {c} | do(X=1))")
    assert np.median(rare) == pytest.approx(1e-12, rel=0.5)
    for draw in range(8):
        (m1, m2), ((v1, k), (_, v2)) = law.mean[draw], law.cov[draw]
        sd, rest = np.sqrt(v2), np.sqrt(v1 - k * k / v2)
        start = (c - m2) / sd

        def density(z: float, start: float = start) -> float:
            return np.exp(-0.5 * (z * z - start * start))

        def above(z: float, m: float = m1, slope: float = k / sd, rest: float = rest) -> float:
            return ndtr((m + slope * z - y) / rest)

        tight = {"epsabs": 0.0, "epsrel": 1e-11}
        total = scipy.integrate.quad(density, start, start + 6, **tight)[0]
        chance = scipy.integrate.quad(lambda z, f=density, g=above: f(z) * g(z), start, start + 6, **tight)[0]
        assert found[draw] == pytest.approx(chance / total, rel=1e-8)
        centre = scipy.integrate.quad(lambda z, f=density: f(z) * z, start, start + 6, **tight)[0] / total
        assert mean[draw] == pytest.approx(m1 + k / sd * centre, rel=1e-9)
        assert rare[draw] == pytest.approx(np.exp(log_ndtr(-start)), rel=1e-9)


def random_model(random: np.random.Generator) -> tuple[str, list[str], list[str]]:
    """A linear-Gaussian model of up to 9 nodes in some order, its measured normal nodes, and all measured ones."""
    names = [f"N{k}" for k in range(random.integers(4, 10))]
    lines, measured, noisy = [], [], []
    for k, name in enumerate(names):
        parents = [p for p in names[:k] if random.uniform() < 0.5]
        kind = random.choice(["normal", "normal", "normal", "latent", "linear"]) if k < len(names) - 1 else "normal"
        if kind == "linear" and not parents:
            kind = "normal"
        inside = f"({', '.join(parents)})" if parents else ""
        lines.append(
            f"{'latent ' if kind == 'latent' else ''}{name} ~ {'linear' if kind == 'linear' else 'normal'}{inside}"
        )
        measured += [name] if kind != "latent" else []
        noisy += [name] if kind == "normal" else []
    return "\n".join(lines), noisy, measured


@pytest.mark.parametrize("seed", range(12))
def test_random_models_agree_with_matrix_inversion(seed):
    random = np.random.default_rng(seed)
    text, noisy, measured = random_model(random)
    posterior = posterior_of(text, spread=0.5, shape=(1, 3), seed=seed)
    outcome = noisy[-1]
    for _ in range(6):
        others = list(random.permutation([name for name in measured if name != outcome]))
        n_set = int(random.integers(0, min(3, len(others) + 1)))
        do = {name: (0.3, 0.7) if random.uniform() < 0.3 else float(random.normal()) for name in others[:n_set]}
        seen = {name: float(random.normal()) for name in others[n_set:] if name in noisy and random.uniform() < 0.5}
        law = Law(posterior, do, seen, outcome)
        mean, sd = law.mean[:, 0], np.sqrt(law.cov[:, 0, 0])
        after = behind(do, seen)
        np.testing.assert_allclose(exact(posterior, f"E[{outcome}{after}]"), mean, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(exact(posterior, f"SD[{outcome}{after}]"), sd, rtol=1e-8)
        np.testing.assert_allclose(exact(posterior, f"P({outcome} > 0.5{after})"), ndtr((mean - 0.5) / sd), atol=1e-9)


def test_an_interaction_with_what_is_set_is_a_slope(posterior):
    varied = posterior_of("V ~ normal; X ~ normal(V); Y ~ normal(X, V, X:V)", shape=FEW)
    n = numbers(varied)
    slope = n["V -> Y"] + 3.0 * n["X:V -> Y"]
    base = n["intercept(Y)"] + 3.0 * n["X -> Y"]
    assert exact(varied, "E[Y | do(X=3)]") == pytest.approx(base + slope * n["intercept(V)"], rel=1e-12)
    spread = np.sqrt(slope**2 * n["sd(V)"] ** 2 + n["sd(Y)"] ** 2)
    assert exact(varied, "SD[Y | do(X=3)]") == pytest.approx(spread, rel=1e-12)
    assert exact(varied, "E[Y]") is None
    assert exact(varied, "E[Y | do(X ~ normal(0, 1))]") is None
    assert exact(varied, "E[Y | X > 0]") is None


def test_what_is_seen_with_a_value_is_a_number_to_its_children_and_still_tells_of_its_parents():
    varied = posterior_of("V ~ normal; X ~ normal(V); Y ~ normal(X, V, X:V)", shape=FEW)
    n = numbers(varied)
    precision = n["sd(V)"] ** -2 + n["V -> X"] ** 2 * n["sd(X)"] ** -2
    pull = n["intercept(V)"] * n["sd(V)"] ** -2 + n["V -> X"] * (3.0 - n["intercept(X)"]) * n["sd(X)"] ** -2
    v = pull / precision
    slope = n["V -> Y"] + 3.0 * n["X:V -> Y"]
    expected = n["intercept(Y)"] + 3.0 * n["X -> Y"] + slope * v
    assert exact(varied, "E[Y | X=3]") == pytest.approx(expected, rel=1e-12)
    assert exact(varied, "SD[Y | X=3]") == pytest.approx(np.sqrt(slope**2 / precision + n["sd(Y)"] ** 2), rel=1e-12)


def test_part_of_a_model_is_enough():
    """What is not linear and normal does not matter where nothing asked depends on it."""
    mixed = posterior_of(
        "latent V ~ normal; W ~ gamma(V); R ~ normal(W); X ~ bernoulli(R); G ~ bernoulli; Y ~ normal(X, V, G)",
        shape=FEW,
    )
    n = numbers(mixed)
    expected = n["intercept(Y)"] + n["X -> Y"]
    assert exact(mixed, "E[Y | do(X=1, G=0)]") == pytest.approx(expected, rel=1e-12)
    # A root that is seen says nothing of anything but its children.
    assert exact(mixed, "E[Y | do(X=1), G=1]") == pytest.approx(expected + n["G -> Y"], rel=1e-12)
    assert exact(mixed, "E[Y | do(X=1)]") is None
    assert exact(mixed, "E[Y | do(X=1), W=2, G=1]") is None


def test_levels_of_a_parent_that_is_set_enter_by_their_indicators():
    posterior = posterior_of("D ~ bernoulli; Y ~ normal(D)", shape=FEW)
    n = numbers(posterior)
    assert exact(posterior, "E[Y | do(D=1)]") == pytest.approx(n["intercept(Y)"] + n["D -> Y"], rel=1e-12)


def test_noise_free_nodes_are_exact_events_and_correlate_fully():
    posterior = posterior_of("X ~ normal; L ~ linear(X, intercept=0, weight=2); Y ~ normal(L)", shape=FEW)
    n = numbers(posterior)
    above = ndtr((n["intercept(X)"] - 0.5) / n["sd(X)"])
    assert exact(posterior, "P(L > 1)") == pytest.approx(above, rel=1e-12)
    assert exact(posterior, "P(L > 1, X > 1)") == pytest.approx(ndtr((n["intercept(X)"] - 1) / n["sd(X)"]), rel=1e-9)
    assert exact(posterior, "P(L > 1, X < 0.5)") == pytest.approx(0.0, abs=1e-12)
    assert exact(posterior, "P(L <= 2 | do(X=1))") == pytest.approx(1.0)
    assert exact(posterior, "P(L < 2 | do(X=1))") == pytest.approx(0.0)
    assert exact(posterior, "SD[L | do(X=1)]") == pytest.approx(0.0)
    assert exact(posterior, "Quantile[L, 0.9 | do(X=1)]") == pytest.approx(2.0)
    # Evidence that cannot occur leaves no value, also where the outcome does not depend on it.
    assert np.isnan(exact(posterior, "E[Y | do(X=1), L > 3]")).all()
    assert np.isnan(exact(posterior, "E[Y | do(L=1), X > 1, X < 0]")).all()


def test_effects_that_cancel_leave_no_rounding():
    posterior = posterior_of(
        "X ~ normal; A ~ linear(X, intercept=0, weight=0.3); B ~ linear(X, A, intercept=0, weight=1); D ~ linear(B, A, X)",
        {"B -> D": 1.0, "A -> D": -1.0, "X -> D": -1.0, "intercept(D)": 0.0},
        spread=0.0,
        shape=FEW,
    )
    assert exact(posterior, "P(D > 0.0)") == pytest.approx(0.0)
    assert exact(posterior, "P(D >= 0.0)") == pytest.approx(1.0)


def test_evidence_that_all_but_repeats_other_evidence_is_left_to_simulation():
    posterior = posterior_of("X ~ normal; A ~ normal(X); B ~ normal(A, sd=1e-9); Y ~ normal(X)", shape=FEW)
    assert exact(posterior, "E[Y | B=1.0]") is not None
    found = exact(posterior, "E[Y | A=1.0, B=1.0]")
    # What is seen is cut from its children, so that even so little noise is told apart.
    n = numbers(posterior)
    precision = n["sd(X)"] ** -2 + n["X -> A"] ** 2 * n["sd(A)"] ** -2
    x = (n["intercept(X)"] * n["sd(X)"] ** -2 + n["X -> A"] * (1 - n["intercept(A)"]) * n["sd(A)"] ** -2) / precision
    assert found == pytest.approx(n["intercept(Y)"] + n["X -> Y"] * x, rel=1e-9)
    twins = posterior_of("X ~ normal; A ~ normal(X, sd=1e-9); B ~ normal(X, sd=1e-9); Y ~ normal(X)", shape=FEW)
    assert exact(twins, "E[Y | A=1.0, B=1.0]") is None


def test_more_events_than_two_that_hang_together_are_left_to_simulation(posterior):
    assert exact(posterior, "P(Y > 1, C > 1, M > 1)") is None
    assert exact(posterior, "P(Y > 1 | C > 1, M > 1)") is None
    assert exact(posterior, "Quantile[Y, 0.5 | C > 1, M > 1]") is None


def test_values_are_arguments_of_what_is_kept(posterior):
    """A thousand values of one intervention share their total effects, and none is taken for another's."""
    world = GaussianWorld(posterior.spec, posterior.by_node)
    n = numbers(posterior)
    slope = n["M -> Y"] * n["X -> M"]
    base = exact(posterior, "E[Y | do(X=0)]")
    for x in np.linspace(-3, 3, 50):
        found = world.value(plan_term(posterior.spec, Query.parse(f"E[Y | do(X={x})]").term))
        assert found == pytest.approx(base + slope * x, rel=1e-11, abs=1e-11)
    assert len(world._sums) == 1


CORRELATIONS = [0.0, 1e-5, -0.4, 0.9, -0.999, 1 - 1e-9, -1 + 1e-12]


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_boxes_agree_with_adaptive_quadrature(correlation):
    random = np.random.default_rng(3)
    slack = np.sqrt((1 - correlation) * (1 + correlation))
    for scale in (0.7, 2.0):
        a1, a2 = random.normal(size=2) * scale
        for b1, b2 in ((INF, INF), (a1 + 0.3, INF), (a1 + 1.0, a2 + 0.05)):
            if slack < 1e-5:
                sign = np.sign(correlation)
                low, high = (a2, b2) if sign > 0 else (-b2, -a2)
                expected = max(ndtr(min(b1, high)) - ndtr(max(a1, low)), 0.0)
            else:

                def inner(z: float, a: float = a1, b: float = b1) -> float:
                    centre = correlation * z
                    given = ndtr((b - centre) / slack) - ndtr((a - centre) / slack)
                    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) * given

                passing = [e / correlation for e in (a1, b1) if correlation and np.isfinite(e)]
                steps = [p + k * slack for p in passing for k in (-9, -1, 1, 9)]
                points = sorted(p for p in steps if a2 < p < min(b2, 12.0))
                edges = [a2, *points, min(b2, 12.0)]
                tight = {"epsabs": 1e-15, "epsrel": 1e-12, "limit": 200}
                expected = sum(scipy.integrate.quad(inner, x, y, **tight)[0] for x, y in itertools.pairwise(edges))
            arrays = [np.array([value]) for value in (a1, a2, b1, b2, correlation, slack)]
            found = np.exp(log_box((arrays[0], arrays[1]), (arrays[2], arrays[3]), arrays[4], arrays[5]))
            assert found[0] == pytest.approx(
                expected, rel=2e-8 if slack < 1e-5 else 1e-9, abs=1e-9 if slack < 1e-5 else 1e-14
            )


@pytest.mark.parametrize("t", [6.0, 12.0, 30.0])
@pytest.mark.parametrize("correlation", [-0.3, 0.5, 0.999])
def test_boxes_in_the_corner_keep_their_digits(t, correlation):
    slack = np.sqrt(1 - correlation**2)

    def log(z: float) -> float:
        return -0.5 * z * z + log_ndtr(-(t - correlation * z) / slack)

    grid = np.linspace(t, t + 8, 40001)
    top = max(map(log, grid))
    ends = grid[[log(z) > top - 40 for z in grid]]
    pieces = itertools.pairwise(np.linspace(ends[0], ends[-1], 7))
    tight = {"epsabs": 0.0, "epsrel": 1e-12}
    total = sum(scipy.integrate.quad(lambda z: np.exp(log(z) - top), a, b, **tight)[0] for a, b in pieces)
    low, high = np.array([t]), np.array([INF])
    found = log_box((low, low), (high, high), np.array([correlation]), np.array([slack]))
    assert found[0] == pytest.approx(top + np.log(total) - 0.5 * np.log(2 * np.pi), abs=1e-8)


@pytest.mark.parametrize("low", [-40.0, -3.0, 0.0, 2.0, 11.0, 40.0])
def test_truncated_moments_agree_with_quadrature(low):
    for width in (1e-4, 0.2, 1.0, 5.0, INF):
        high = low + width
        start = min(max(0.0, low), high)

        def density(z: float, start: float = start) -> float:
            return np.exp(-0.5 * (z - start) * (z + start))

        # Beyond ten scales of the density nothing is left.
        reach = 12.0 / max(1.0, abs(start) / 3)
        a, b = max(low, start - reach), min(high, start + reach)
        tight = {"epsabs": 1e-13 * min(width, 1.0) ** 3, "epsrel": 1e-12, "limit": 400}
        total = scipy.integrate.quad(density, a, b, **tight)[0]
        excess = scipy.integrate.quad(lambda z, s=start: (z - s) * density(z, s), a, b, **tight)[0] / total
        spread = scipy.integrate.quad(lambda z, s=start, m=excess: (z - s - m) ** 2 * density(z, s), a, b, **tight)[0]
        found = truncated(np.array([low]), np.array([high]))
        assert found.mean[0] == pytest.approx(start + excess, rel=1e-10, abs=1e-12)
        assert found.variance[0] == pytest.approx(spread / total, rel=1e-9)
        log_total = np.log(total) - 0.5 * start * start - 0.5 * np.log(2 * np.pi)
        assert log_interval(np.array([low]), np.array([high]))[0] == pytest.approx(log_total, rel=1e-11, abs=1e-11)


def test_an_empty_interval_has_no_moments():
    one = np.array([1.0])
    assert np.isnan(truncated(one, one).mean).all()
    assert log_interval(one, one)[0] == -INF
    assert box_moments((one - 1, one - 1), (one + INF, one + INF), 0 * one, one).covariance[0] == pytest.approx(
        0, abs=1e-12
    )


@pytest.mark.slow
def test_a_long_simulation_agrees(posterior):
    """Four million units of one draw of the mutilated model, within five standard errors."""
    n = {label: values[3] for label, values in numbers(posterior).items()}
    random = np.random.default_rng(11)
    u, z, *noise = random.normal(size=(5, 4_000_000))
    z = n["intercept(Z)"] + n["sd(Z)"] * z
    m = n["intercept(M)"] + n["X -> M"] * 1.0 + n["sd(M)"] * noise[0]
    y = n["intercept(Y)"] + n["M -> Y"] * m + n["U -> Y"] * u + n["Z -> Y"] * z + n["sd(Y)"] * noise[1]
    c = n["intercept(C)"] + n["Y -> C"] * y + n["U -> C"] * u + n["sd(C)"] * noise[2]
    for event, kept in {"C > 0, Z < 0.5": (c > 0) & (z < 0.5), "C > 1, C < 1.5": (c > 1) & (c < 1.5)}.items():
        seen = y[kept]
        root = np.sqrt(len(seen))
        after = f"| do(X=1), {event}"
        assert exact(posterior, f"E[Y {after}]")[3] == pytest.approx(seen.mean(), abs=5 * seen.std() / root)
        error = ((seen - seen.mean()) ** 2).std() / root
        assert exact(posterior, f"Var[Y {after}]")[3] == pytest.approx(seen.var(), abs=5 * error)
    seen = y[(c > 1) & (c < 1.5)]
    share = (seen > 1).mean()
    found = exact(posterior, "P(Y > 1 | do(X=1), C > 1, C < 1.5)")[3]
    assert found == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / len(seen)))
    high = exact(posterior, "Quantile[Y, 0.9 | do(X=1), C > 1, C < 1.5]")[3]
    assert (seen <= high).mean() == pytest.approx(0.9, abs=5 * 0.3 / np.sqrt(len(seen)))


def test_means_and_variances_of_student_nodes_are_those_of_their_noise():
    rows = {"X": np.arange(40.0) % 7, "M": np.arange(40.0) % 5, "Y": np.arange(40.0) % 11}
    text = (
        "X ~ normal; M ~ student(X, intercept=1, weight=2, scale=3, df=5); "
        "Y ~ normal(M, intercept=-1, weight=0.5, sd=2)"
    )
    posterior = ld.fit(text, rows, seed=0, progress=False)
    mean, variance = ld.ask(posterior, ["E[Y | do(X=2)]", "Var[Y | do(X=2)]"])
    assert mean.is_exact and variance.is_exact
    assert mean.computation.by == "linear"
    assert mean.mean == pytest.approx(-1 + 0.5 * (1 + 2 * 2))
    assert variance.mean == pytest.approx(0.25 * 9 * 5 / 3 + 4)
    # What needs more than moments is simulated: a law with heavy tails is no normal law.
    assert not ld.ask(posterior, "P(M > 9 | do(X=2))").is_exact
    assert not ld.ask(posterior, "E[M | do(X=2), Y > 3]").is_exact
