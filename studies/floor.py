"""What better inference could not improve: the answer of one who knows everything but the last equation.

Where the outcome is a binary node with one measured cause, most of an answer's error at small sizes comes from that last
equation. Such a reader takes the true law of the cause under the intervention, from a large simulation, and learns from the
data only how the outcome depends on it, under the default priors and by quadrature. Errors of a fit are judged against those
of this answer on the same data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import StudyError
from latentdo.graphs import Name
from latentdo.query import Query, Term

from .accuracy import FLOOR
from .cases import Study

LEVEL = 0.9
SIMULATED = 400_000
SEED = 10**6
"""Of the simulation that knows the truth; the same for every data set."""
QUANTILES = 200
POINTS = 240
"""Of the quadrature, along the intercept and along the weight."""
INTERCEPT, WEIGHT = (-5.0, 4.0), (0.0, 7.0)
"""Log odds at the mean of the cause, and per standard deviation of the cause: the range that the quadrature covers."""
PRIOR_INTERCEPT, PRIOR_WEIGHT = 3.0, 2.0
"""The default priors: normal(0, 3) and half-normal(2), on those scales."""
NEGLIGIBLE = 1e-9


def last_cause(study: Study) -> Name | None:
    """The one measured cause of a binary outcome, which acts with a known positive sign; None of any other study."""
    mechanism = dict(study.model.mechanisms)[study.outcome]
    if mechanism.family.name != "bernoulli" or len(mechanism.weights) != 1:
        return None
    weight = mechanism.weights[0]
    if len(weight.parents) != 1 or weight.sign != "+" or weight.parents[0] in study.model.latent:
        return None
    return weight.parents[0]


def floor_rows(study: Study, data: Mapping[str, FloatArray], n: int) -> tuple[dict[str, Any], ...]:
    """A row of results for each main question, from the first `n` rows of a data set; `method` is `floor`.

    Raises:
        StudyError: The study's outcome is not a binary node with one measured cause, or a main question is not its mean under do.
    """
    cause = last_cause(study)
    if cause is None:
        raise StudyError(
            f"The floor of {study.name} is not defined: it needs a bernoulli outcome with one measured cause of positive sign, "
            f"and {study.outcome} is none.",
            key="floor",
        )
    since = time.perf_counter()
    intercept, weight, mass = last_equation(
        np.asarray(data[cause][:n], float), np.asarray(data[study.outcome][:n], float)
    )
    fit_seconds = time.perf_counter() - since
    rows = []
    for label in study.main:
        since = time.perf_counter()
        do = _arm(study, label, dict(study.queries)[label])
        levels = _true_levels(study, cause, do)
        answers = _sigmoid(intercept[:, None] + weight[:, None] * levels).mean(axis=1)
        order = np.argsort(answers)
        lower, upper = np.interp(((1 - LEVEL) / 2, (1 + LEVEL) / 2), np.cumsum(mass[order]), answers[order])
        mean = float(mass @ answers)
        rows.append(
            {
                "query": label,
                "method": FLOOR,
                "estimate": mean,
                "sd": float(np.sqrt(mass @ (answers - mean) ** 2)),
                "lower": float(lower),
                "upper": float(upper),
                "level": LEVEL,
                "applies": True,
                "note": f"knows the true law of {cause} under the intervention",
                "seconds": time.perf_counter() - since,
                "fit_seconds": fit_seconds,
                "converged": True,
            }
        )
    return tuple(rows)


def last_equation(cause: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The posterior of the outcome's intercept and weight, in raw units, as points with weights that add up to 1."""
    mean, sd = cause.mean(), cause.std(ddof=1)
    z = (cause - mean) / sd
    intercept, weight = np.meshgrid(np.linspace(*INTERCEPT, POINTS), np.linspace(*WEIGHT, POINTS), indexing="ij")
    log = -0.5 * (intercept / PRIOR_INTERCEPT) ** 2 - 0.5 * (weight / PRIOR_WEIGHT) ** 2
    # Unit by unit: all at once would take gigabytes for a long table.
    for unit, value in zip(z, outcome, strict=True):
        eta = intercept + weight * unit
        log += value * eta - np.logaddexp(0.0, eta)
    mass = np.exp(log - log.max())
    kept = mass > NEGLIGIBLE
    slope = weight[kept] / sd
    return intercept[kept] - slope * mean, slope, mass[kept] / mass[kept].sum()


def _arm(study: Study, label: str, query: Query) -> tuple[tuple[Name, float], ...]:
    """What a question sets."""
    term = query.expression
    settings = term.do if isinstance(term, Term) and term.kind == "mean" and not term.given else ()
    values = tuple((s.name, float(s.value)) for s in settings if isinstance(s.value, int | float))
    if not isinstance(term, Term) or not values or len(values) != len(settings):
        raise StudyError(
            f"The floor of {study.name} is defined for means under do() at given values, and {label!r} asks {query}.",
            key="floor",
        )
    return values


@lru_cache(maxsize=16)
def _true_levels(study: Study, cause: Name, do: tuple[tuple[Name, float], ...]) -> FloatArray:
    """Equally spaced quantiles of the cause under an intervention, from a large simulation of the true process."""
    drawn = study.simulate(SIMULATED, seed=SEED, do=dict(do), latents=False, progress=None)[cause]
    return np.quantile(np.asarray(drawn, float), (np.arange(QUANTILES) + 0.5) / QUANTILES)


def _sigmoid(z: FloatArray) -> FloatArray:
    return 0.5 * (1.0 + np.tanh(0.5 * z))
