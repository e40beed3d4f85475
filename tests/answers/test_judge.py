"""Which questions of a study are judged at training time, and where."""

from __future__ import annotations

import pytest

import posteriors
from latentdo.answers.judge import judge
from latentdo.inference import Posterior
from latentdo.query import Query


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return posteriors.posterior_of("Z ~ normal; B ~ bernoulli(Z); Y ~ normal(B, Z)", shape=(2, 30))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("E[Y | do(Z=1)]", ["E[Y | do(Z=1)]"]),
        ("SD[Y | do(Z=1)]", ["SD[Y | do(Z=1)]"]),
        ("E[Y | do(Z)] for Z in 0..10", ["E[Y | do(Z=0)]", "E[Y | do(Z=5)]", "E[Y | do(Z=10)]"]),
        ("E[Y | do(B)] for B in [0, 1]", ["E[Y | do(B=0)]", "E[Y | do(B=1)]"]),
        (
            "E[Y | do(B, Z)] for B in [0, 1], Z in [1, 2, 3]",
            ["E[Y | do(B=0, Z=1)]", "E[Y | do(B=1, Z=2)]", "E[Y | do(B=1, Z=3)]"],
        ),
        # Without a value there is nothing to judge; `ask` says so.
        ("E[Y | do(Z)]", []),
    ],
)
def test_a_sweep_is_judged_at_its_ends_and_its_middle(posterior: Posterior, query: str, names: list[str]):
    assert [diagnostic.name for diagnostic in judge(posterior, [("asked", Query.parse(query))])] == names
