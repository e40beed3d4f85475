"""Ordinary models of many rows whose hidden causes have no closed form, their true answers by quadrature or by simulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .case import Case, Rows, sigmoid

CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
SIMULATED = 4_000_000


def _front_door(name: str, outcome: str, binary: bool) -> Case:
    """X <- U -> Y and X -> M -> Y, with a normal hidden cause and M; X and Y as said."""

    def mean(eta: np.ndarray) -> np.ndarray:
        return {"bernoulli": sigmoid, "gamma": np.exp}.get(outcome, lambda eta: eta)(eta)

    def noisy(eta: np.ndarray, random: np.random.Generator) -> np.ndarray:
        match outcome:
            case "bernoulli":
                return (random.uniform(size=len(eta)) < sigmoid(eta)).astype(float)
            case "gamma":
                return random.gamma(3.0, np.exp(eta) / 3.0)
            case "student":
                return eta + random.standard_t(4, len(eta))
            case _:
                return eta + random.normal(size=len(eta))

    def draw(n: int, seed: int) -> Rows:
        random = np.random.default_rng([11, seed, n])
        u = random.normal(size=n)
        x = (random.uniform(size=n) < sigmoid(0.2 + u)).astype(float) if binary else 0.2 + u + random.normal(size=n)
        m = 0.5 * x + random.normal(size=n)
        return {"X": x, "M": m, "Y": noisy(-0.3 + 0.8 * m + u, random)}

    # 0.8 times the noise of M and the hidden cause together are normal.
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    at = [float(weights @ mean(-0.3 + 0.4 * x + np.sqrt(1.64) * points)) for x in (0.0, 1.0)]
    first = "bernoulli" if binary else "normal"
    model = f"latent U ~ normal; X ~ {first}(U); M ~ normal(X); Y ~ {outcome}(M, U)"
    return Case(name, model, draw, {CONTRAST: at[1] - at[0]}, (200, 2_000, 20_000, 200_000, 1_000_000))


def _latent_class(n: int, seed: int) -> Rows:
    random = np.random.default_rng([12, seed, n])
    c = (random.uniform(size=n) < 0.4).astype(float)
    rows = {f"I{k}": (random.uniform(size=n) < sigmoid(-1 + 2 * c)).astype(float) for k in range(3)}
    return rows | {"Y": 1 + 1.5 * c + random.normal(size=n)}


def _factor(n: int, seed: int) -> Rows:
    random = np.random.default_rng([13, seed, n])
    u = random.normal(size=n)
    rows = {f"A{k}": 0.8 * u + random.normal(size=n) for k in range(4)}
    return rows | {"B": (random.uniform(size=n) < sigmoid(0.3 + u)).astype(float)}


def _seven(n: int, seed: int, a: float | None = None) -> Rows:
    """Two hidden causes behind five nodes of four families; A set to `a`, if given."""
    random = np.random.default_rng([14, seed, n])
    u, v = random.normal(size=(2, n))
    drawn = (random.uniform(size=n) < sigmoid(u)).astype(float)
    held = drawn if a is None else np.full(n, a)
    b = random.gamma(4.0, np.exp(0.3 + 0.5 * held + 0.4 * v) / 4.0)
    c = 100 * sigmoid(0.5 * b - 0.6 + 0.8 * u) + 10 * random.normal(size=n)
    d = 0.02 * c + 0.6 * v + random.normal(size=n)
    e = (random.uniform(size=n) < sigmoid(-0.2 + 0.5 * d + 0.6 * u)).astype(float)
    return {"A": held, "B": b, "C": c, "D": d, "E": e}


def _hill_outcome(n: int, seed: int, x: float | None = None) -> Rows:
    """A front door from a gamma treatment to a bounded outcome; X set to `x`, if given."""
    random = np.random.default_rng([15, seed, n])
    u = random.normal(size=n)
    drawn = random.gamma(4.0, np.exp(0.2 + 0.5 * u) / 4.0)
    held = drawn if x is None else np.full(n, x)
    m = 0.5 * held + random.normal(size=n)
    return {"X": held, "M": m, "Y": 100 * sigmoid(0.8 * m - 0.6 + 0.7 * u) + 10 * random.normal(size=n)}


def _two_causes(n: int, seed: int) -> Rows:
    """Two hidden causes in one block, which share two of their children."""
    random = np.random.default_rng([17, seed, n])
    u, v = random.normal(size=(2, n))
    x = (random.uniform(size=n) < sigmoid(0.2 + u)).astype(float)
    z = random.gamma(4.0, np.exp(0.2 + 0.4 * u + 0.4 * v) / 4.0)
    m = 0.5 * x + random.normal(size=n)
    y = (random.uniform(size=n) < sigmoid(-0.3 + 0.8 * m + u - v)).astype(float)
    return {"X": x, "Z": z, "M": m, "Y": y, "W": 0.7 * v + random.normal(size=n)}


def _weak_instrument(n: int, seed: int) -> Rows:
    """A switch whose instrument says little: the effect of X and its hidden cause can hardly be told apart."""
    random = np.random.default_rng([16, seed, n])
    u, z = random.normal(size=(2, n))
    x = (random.uniform(size=n) < sigmoid(0.3 * z + u)).astype(float)
    return {"Z": z, "X": x, "Y": 0.5 * x + u + random.normal(size=n)}


def _mean(simulate: Callable[..., Mapping[str, np.ndarray]], node: str, *args: float) -> float:
    return float(np.mean(simulate(SIMULATED, 0, *args)[node]))


def _case(name: str, model: str, draw: Callable[[int, int], Rows], query: str, truth: float) -> Case:
    return Case(name, model, draw, {query: truth}, (200, 2_000, 20_000))


def cases() -> dict[str, Case]:
    """By name; made when they are asked for, as some truths are simulated."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    share = float(weights @ sigmoid(0.3 + points) / weights.sum())
    items = "; ".join(f"I{k} ~ bernoulli(C)" for k in range(3))
    arms = "; ".join(f"A{k} ~ normal(U)" for k in range(4))
    seven = (
        "latent U, V ~ normal; A ~ bernoulli(U); B ~ gamma(A, V); C ~ hill(B, U); D ~ normal(C, V); E ~ bernoulli(D, U)"
    )
    effect = _mean(_seven, "E", 1.0) - _mean(_seven, "E", 0.0)
    hill = "latent U ~ normal; X ~ gamma(U); M ~ normal(X); Y ~ hill(M, U)"
    of_hill = _mean(_hill_outcome, "Y", 2.0) - _mean(_hill_outcome, "Y", 1.0)
    two = (
        "latent U, V ~ normal; X ~ bernoulli(U); Z ~ gamma(U, V); M ~ normal(X); Y ~ bernoulli(M, U, V); W ~ normal(V)"
    )
    # 0.8 times the noise of M and the hidden causes together are normal.
    of_two = float(weights @ (sigmoid(0.1 + np.sqrt(2.64) * points) - sigmoid(-0.3 + np.sqrt(2.64) * points)))
    of_two /= float(weights.sum())
    weak = "latent U ~ normal; Z ~ normal; X ~ bernoulli(Z, U); Y ~ normal(X, U)"
    made = [
        _front_door("front-binary", "bernoulli", True),
        _front_door("front-normal-outcome", "normal", True),
        _front_door("front-gamma-outcome", "gamma", False),
        _front_door("front-student-outcome", "student", False),
        _case("seven", seven, _seven, "E[E | do(A=1)] - E[E | do(A=0)]", effect),
        _case("front-hill-outcome", hill, _hill_outcome, "E[Y | do(X=2)] - E[Y | do(X=1)]", of_hill),
        _case("two-causes", two, _two_causes, CONTRAST, of_two),
        _case("weak-instrument", weak, _weak_instrument, CONTRAST, 0.5),
        _case("latent-class-mixed", f"latent C ~ bernoulli; {items}; Y ~ normal(C)", _latent_class, "E[Y]", 1.6),
        _case("factor-mixed", f"latent U ~ normal; {arms}; B ~ bernoulli(U)", _factor, "E[B]", share),
    ]
    return {case.name: case for case in made}
