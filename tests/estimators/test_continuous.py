"""A continuous treatment in the p-fixable family, with right and with wrong models: biases of an independent program."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from latentdo.estimators import Glm, Models
from latentdo.estimators.laws import AbstractLaw, ContinuousLaw, Residuals
from latentdo.estimators.methods.primal import PrimalProblem, augmented_terms, dual_terms, primal_terms
from latentdo.estimators.nuisances import Nuisances
from latentdo.estimators.sample import sample_of
from latentdo.estimators.weighting import average

N = 1000
DATASETS = 100


class _Shifted:
    """Laws of which that of T is wrong: normal about its mean plus one, with one and a half times the spread."""

    def __init__(self, laws: Nuisances) -> None:
        self._laws = laws

    def law(self, target: str, given: Iterable[str]) -> AbstractLaw:
        law = self._laws.law(target, given)
        if target != "T":
            return law
        assert isinstance(law, ContinuousLaw)
        scale = law.residuals.scale
        return ContinuousLaw(lambda env: law.mean(env) + 1, lambda: Residuals(lambda env: 1.5 * scale(env), None))


def _one(seed: int, value: float, wrong: str) -> list[float]:
    """Primal, dual raw and normalised, plug-in and augmented of one data set, and whether the last covers."""
    u, a, b, c = np.random.default_rng([seed, 77]).normal(size=(4, N))
    t = u + a
    m = 0.8 * t + b
    sample = sample_of({"T": t, "M": m, "Y": 1.5 * m + 1.2 * u + c}, "TMY", numbers="TMY")
    seen = {"": {}, "M": {"M": ()}, "L": {"Y": ("M",)}}[wrong]
    fitted = Nuisances(sample, np.ones((1, N)), Models(Glm(1), seen=seen, normal=True))
    problem = PrimalProblem(
        sample,
        _Shifted(fitted) if wrong == "L" else fitted,
        "T",
        value,
        "Y",
        ("T", "M", "Y"),
        frozenset({"T", "Y"}),
        {"T": (), "M": ("T",), "Y": ("T", "M")},
        1.42 * 0.5 * N**-0.2,
    )
    ones = np.ones((1, N))
    (weights, means), (ratios, outcomes) = primal_terms(problem), dual_terms(problem)
    terms = augmented_terms(problem, ones, levelled=True)[0]
    error = terms.mean() - 1.2 * value
    return [
        float(average(np.broadcast_to(weights, (1, N)), means)[0]),
        float(average(ones, ratios * outcomes)[0]),
        float(average(ratios, outcomes)[0]),
        float(problem.regression(1, problem.seen).mean()),
        float(terms.mean()),
        float(abs(error) < 1.96 * terms.std() / np.sqrt(N)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "wrong", "biases", "coverage"),
    [
        (1.0, "", (-0.006, -0.032, -0.005, -0.001, 0.005), 0.930),
        (1.0, "M", (-0.006, -1.198, -1.198, -1.198, -0.006), 0.957),
        (1.0, "L", (0.304, -0.032, -0.005, 0.334, 0.030), 0.943),
        (3.0, "", (0.049, -0.446, -0.038, 0.004, 0.082), 0.940),
    ],
    ids=["right", "M wrong", "L wrong", "far out"],
)
def test_what_wrong_models_do_to_a_continuous_treatment(value, wrong, biases, coverage):
    found = np.array([_one(seed, value, wrong) for seed in range(DATASETS)])
    errors = found[:, :5] - 1.2 * value
    noise = errors.std(axis=0) * np.sqrt(1 / DATASETS + 1 / 300)
    assert np.all(np.abs(errors.mean(axis=0) - biases) < 0.02 + 2.5 * noise), errors.mean(axis=0)
    # Between the two programs, the standard error of a coverage of 100 data sets is 0.025.
    assert found[:, 5].mean() == pytest.approx(coverage, abs=0.065)
