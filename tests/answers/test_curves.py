"""Long curves: interpolated where that cannot be seen, else point by point."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from latentdo.answers import curves
from latentdo.inference import Posterior
from posteriors import posterior_of

SMOOTH = "latent U ~ normal; X ~ normal(U); G ~ gamma(X, U); Y ~ hill(G, U, max=10)"
RANGES = {"Y": (-1.0, 11.0), "G": (0.05, 9.0)}
LONG = "E[Y | do(X)] for X in -2..2 by 0.05"


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return posterior_of(SMOOTH, {"X -> G": 0.4, "U -> G": 0.3, "intercept(Y)": -1.0}, shape=(4, 50), ranges=RANGES)


def point_by_point(posterior: Posterior, query: str, monkeypatch: pytest.MonkeyPatch) -> ld.types.Answers:
    monkeypatch.setattr(curves, "LEAST_POINTS", 10**9)
    found = ld.ask(posterior, query, allow_unidentified=True)
    monkeypatch.undo()
    return found


def test_a_smooth_curve_is_interpolated_and_nobody_can_tell(posterior, monkeypatch):
    quick = ld.ask(posterior, LONG, allow_unidentified=True)
    assert "interpolated" in quick[3].method
    slow = point_by_point(posterior, LONG, monkeypatch)
    assert "interpolated" not in slow[3].method
    assert len(quick) == len(slow) == 81
    for one, other in zip(quick, slow, strict=True):
        assert one.at == other.at
        assert np.sqrt(((one.draws - other.draws) ** 2).mean()) < 0.05 * other.sd
        assert one.simulation_error <= 0.06 * one.sd


def test_a_curve_with_a_kink_is_not_interpolated():
    posterior = posterior_of(
        "X ~ normal; S ~ linear(X, weight=1); A ~ gamma(S); Y ~ normal(A)",
        {"intercept(S)": 0.0},
        spread=0.02,
        shape=(4, 20),
    )
    found = ld.ask(posterior, "P(S > 0.3 | do(X)) - E[Y | do(X)] for X in -1..1 by 0.03")
    assert not any("interpolated" in answer.method for answer in found)
    # The step is where it belongs, and as high as it is.
    values = np.array([answer.mean for answer in found])
    where = np.array([answer.at[0][1] for answer in found])
    assert where[np.argmax(np.diff(values))] == pytest.approx(0.3, abs=0.05)
    assert np.diff(values).max() > 0.3


def test_short_curves_and_levels_go_point_by_point(posterior):
    short = ld.ask(posterior, "E[Y | do(X)] for X in -2..2", allow_unidentified=True)
    assert len(short) == 21
    binary = posterior_of("B ~ bernoulli; G ~ gamma(B); Y ~ hill(G)", shape=(4, 20))
    two = ld.ask(binary, "E[Y | do(B)] for B in [0, 1]", allow_unidentified=True)
    assert [answer.at for answer in two] == [(("B", 0.0),), (("B", 1.0),)]


def test_a_law_swept_has_every_level_at_every_point():
    posterior = posterior_of("X ~ normal; B ~ bernoulli(X)", shape=(4, 20))
    found = ld.ask(posterior, "P(B | do(X)) for X in [0, 1, 2]")
    assert len(found) == 6
    assert [(answer.at[0][1], str(answer.query)) for answer in found][:2] == [
        (0, "P(B=0 | do(X=0))"),
        (0, "P(B=1 | do(X=0))"),
    ]
    np.testing.assert_allclose(found[0].draws + found[1].draws, 1.0, rtol=1e-12)


def test_points_that_would_fill_the_memory_are_refused(posterior, monkeypatch):
    monkeypatch.setattr("latentdo.answers.ask.MOST_BYTES", 30_000)
    with pytest.raises(ld.LatentdoError, match=r"21 answers of 200 draws each take 0\.0 GiB\. Ask for fewer points"):
        ld.ask(posterior, "E[G | do(X)] for X in 0..1", allow_unidentified=True)
    assert len(ld.ask(posterior, "E[G | do(X)] for X in 0..1 by 0.1", allow_unidentified=True)) == 11
