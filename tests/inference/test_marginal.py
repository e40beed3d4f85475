"""Blocks with their latents integrated out: each way of sampling them against numbers known otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference.samplers import marginal

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"


def front_door(n: int, seed: int = 5) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    m = 0.8 * x + random.normal(size=n)
    return {"X": x, "M": m, "Y": 0.9 * m + u + random.normal(size=n)}


def adjusted(rows: dict[str, np.ndarray]) -> tuple[float, float]:
    """The front door's effect and its standard error by two regressions and the delta method."""
    x, m, y = (rows[name] - rows[name].mean() for name in "XMY")
    n = len(x)
    first = x @ m / (x @ x)
    first_error = (m - first * x).var() / (x @ x)
    design = np.column_stack([m, x])
    second = np.linalg.lstsq(design, y, rcond=None)[0]
    second_error = np.linalg.inv(design.T @ design)[0, 0] * (y - design @ second).var() * n / (n - 3)
    return first * second[0], float(np.sqrt(second[0] ** 2 * first_error + first**2 * second_error))


@pytest.mark.parametrize("n", [30_000, 1_000_000])
def test_a_ridge_of_many_rows_is_followed(n):
    """Two children of one latent: loadings and noise lie on a curve as thin as rows are many; the effect is that of the
    regressions."""
    rows = front_door(n)
    posterior = ld.fit(FRONT_DOOR, rows, progress=False)
    (block, _) = posterior.blocks
    assert "along ridges" in str(block.method)
    assert posterior.converged and block.khat is not None and block.khat < 0.7
    answer = ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    effect, error = adjusted(rows)
    assert answer.mean == pytest.approx(effect, abs=0.15 * error)
    assert answer.sd == pytest.approx(error, rel=0.08)


@pytest.mark.parametrize("chained", [False, True])
def test_a_sheet_that_two_directions_leave_open_is_followed(chained: bool, monkeypatch: pytest.MonkeyPatch):
    """X acts on Y beside a hidden cause of both: the slope of the rows says what the weight and two loadings add up to."""
    n = 1_000 if chained else 5_000
    monkeypatch.setattr(marginal, "MANY_COORDINATES", 3 if chained else 20)
    random = np.random.default_rng(4)
    u = random.normal(size=n)
    x = u + random.normal(size=n)
    rows = {"X": x, "Y": 0.9 * x + u + random.normal(size=n)}
    posterior = ld.fit("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)", rows, progress=False)
    assert posterior.converged
    assert ("from draws along ridges on, 16 chains" if chained else "along ridges, ") in posterior.plan
    draws = dict(posterior.parameters)
    to_x, to_y = draws["U -> X"], draws["U -> Y"]
    slopes = draws["X -> Y"] + to_x * to_y / (to_x**2 + draws["sd(X)"] ** 2)
    slope, _ = np.polyfit(rows["X"], rows["Y"], 1)
    error = np.sqrt(np.var(rows["Y"] - slope * rows["X"]) / (n * np.var(rows["X"])))
    assert slopes.mean() == pytest.approx(slope, abs=0.15 * error)
    assert slopes.std() == pytest.approx(error, rel=0.1)
    # The prior alone tells the loadings apart.
    assert draws["X -> Y"].std() > 20 * error


def test_what_the_data_pin_down_needs_no_chains():
    random = np.random.default_rng(3)
    u = random.normal(size=400)
    rows = {name: weight * u + random.normal(size=400) for name, weight in (("A", 1.0), ("B", -0.8), ("C", 0.9))}
    posterior = ld.fit("latent U ~ normal; A ~ normal(+U); B ~ normal(U); C ~ normal(U)", rows, progress=False)
    (block,) = posterior.blocks
    assert block.independent and block.khat is not None and block.khat < 0.5
    assert "importance sampling of parameters, latents integrated out in closed form" in posterior.plan
    # The loading of A is what the covariances say: cov(A, B) cov(A, C) / cov(B, C).
    draws = dict(posterior.parameters)
    covariance = np.cov([rows["A"], rows["B"], rows["C"]])
    expected = np.sqrt(covariance[0, 1] * covariance[0, 2] / covariance[1, 2])
    loading = draws["U -> A"]
    assert loading.min() > 0
    assert loading.mean() == pytest.approx(expected, abs=0.5 * loading.std())


@pytest.mark.parametrize("seed", range(3))
def test_a_mode_is_as_wide_in_its_reflection(seed):
    """The mode that is climbed to may lie on the far side of a latent whose sign means nothing."""
    random = np.random.default_rng([seed, 8])
    u, v = random.normal(size=(2, 2_000))
    first = {name: w * u + random.normal(size=2_000) for name, w in zip("ABC", (0.9, -0.8, 1.1), strict=True)}
    second = {
        name: w * v + 0.5 * first["A"] + random.normal(size=2_000)
        for name, w in zip("DEF", (1.0, 0.8, -0.9), strict=True)
    }
    both = {"G": u - v + random.normal(size=2_000)}
    model = "latent U, V ~ normal; A, B, C ~ normal(U); D, E, F ~ normal(V, A); G ~ normal(U, V)"
    posterior = ld.fit(model, first | second | both, seed=seed, progress=False)
    block = posterior.blocks[0]
    assert len(block.block.nodes) == 9 and block.independent
    assert block.khat is not None and block.khat < 0.3 and block.weight_ess == 4_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        FRONT_DOOR,
        "latent U, V ~ normal; A ~ normal(U, V); B ~ normal(U, V, A); C ~ normal(U, V)",
        "latent U ~ normal; latent V ~ normal(U); A ~ normal(U); B ~ normal(V, A); C ~ normal(V, U)",
        "latent U ~ normal; A ~ normal(+U); B ~ normal(-U); C ~ normal(U, A:B)",
    ],
)
def test_the_law_is_that_of_nuts(text):
    random = np.random.default_rng(9)
    u, v = random.normal(size=(2, 150))
    a = u + random.normal(size=150)
    rows = {"A": a, "B": 0.5 * a + v - u + random.normal(size=150), "C": u + 0.5 * v + random.normal(size=150)}
    rows |= front_door(150)
    ours = ld.fit(text, rows, progress=False)
    reference = ld.fit(text, rows, ld.Nuts(draws=2000, warmup=1000), progress=False)
    assert ours.converged
    last = ours.spec.measured[-1]
    first = ours.spec.measured[0]
    for query in (f"E[{last} | do({first}=1)]", f"P({last} > 1 | do({first}=0))", f"E[{last}]"):
        found, expected = (ld.ask(p, query, allow_unidentified=True) for p in (ours, reference))
        assert abs(found.mean - expected.mean) < max(0.1 * expected.sd, 4 * np.hypot(found.mcse, expected.mcse))
        assert found.sd == pytest.approx(expected.sd, rel=0.1)
