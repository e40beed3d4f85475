"""Programs that are compiled say what NumPy says, and are compiled once."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import latentdo as ld
from latentdo.answers.simulation import simulate
from posteriors import posterior_of

pytestmark = pytest.mark.usefixtures("simulated", "short")

MIXED = """
latent U ~ normal
A ~ bernoulli(U)
B ~ table(A, levels=[low, mid, high])
G ~ gamma(U, A)
T ~ student(G, B, df=5)
H ~ hill(T, U, max=10)
K ~ categorical(H, levels=[a, b, c])
"""
QUERIES = [
    "E[H | do(G={})]",
    "P(K=b | do(T={}))",
    "E[T | do(G=1), H > {}]",
    "Var[T | do(G={})]",
    "P(T > {}, H > 2 | do(A=1), B=mid)",
    "E[H | do(A=0), T={}]",
    "Quantile[H, 0.3 | do(G={})]",
    "density(H={} | do(A=1), B=mid)",
]


@pytest.fixture(scope="module")
def posterior():
    return posterior_of(MIXED, shape=(4, 20))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many units a question needs is not what is tested here."""
    monkeypatch.setattr("latentdo.answers.ask.UNITS", (64, 256))


@pytest.mark.parametrize("query", QUERIES)
def test_numpy_and_the_compiler_agree(posterior, query, monkeypatch):
    asked = [query.format(value) for value in (0.5, 1.5)]
    plain = ld.ask(posterior, *asked, allow_unidentified=True)
    monkeypatch.setattr(simulate, "MANY", 1)
    compiled = ld.ask(posterior, *asked, allow_unidentified=True)
    for one, other in zip(plain, compiled, strict=True):
        assert one.n_units == other.n_units
        np.testing.assert_allclose(one.draws, other.draws, rtol=1e-9, atol=1e-9)


def test_a_second_call_of_the_same_shape_compiles_nothing(posterior, monkeypatch):
    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compiled.append(event) if "backend_compile" in event else None
    )
    monkeypatch.setattr(simulate, "MANY", 4)
    ld.ask(posterior, *(f"P(H > {k} | do(G=1), A=1)" for k in range(1, 6)), allow_unidentified=True)
    assert compiled
    compiled.clear()
    ld.ask(posterior, *(f"P(H > {k / 3} | do(G={k}), A=0)" for k in range(1, 9)), seed=3, allow_unidentified=True)
    assert compiled == []


def test_few_questions_are_not_compiled(posterior, monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("something was compiled")

    monkeypatch.setattr("latentdo.answers.simulation.compiled.run_compiled", never)
    ld.ask(posterior, *(f"E[H | do(G={k})]" for k in range(1, 6)), allow_unidentified=True)


def test_memory_is_bounded_by_taking_draws_in_pieces(posterior, monkeypatch):
    query = "E[H | do(G=1), K=b]"
    whole = ld.ask(posterior, query, allow_unidentified=True)
    monkeypatch.setattr(simulate, "MOST_CELLS", 5000)
    pieces = ld.ask(posterior, query, allow_unidentified=True)
    np.testing.assert_allclose(pieces.draws, whole.draws, rtol=1e-12)
