"""What is known without a refit: the robustness value of a regression, the bias of a hidden cause of known size, E-values.

Source:
    Cinelli & Hazlett (2020), Making sense of sensitivity: extending omitted variable bias. VanderWeele & Ding (2017), Sensitivity
    analysis in observational research: introducing the E-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from latentdo.arrays import FloatArray
from latentdo.graphs import Name


def partial_r2(t: float, df: int) -> float:
    """The share of what is left of the outcome that a regressor of this t value explains."""
    return t**2 / (t**2 + df)


def robustness_value(t: float, df: int, *, share: float = 1.0, alpha: float | None = None) -> float:
    """The partial R² with both treatment and outcome that a hidden cause needs to take this share of the estimate away.

    Args:
        t: Estimate over standard error.
        df: Degrees of freedom of the regression.
        share: Of the estimate: 1 for an estimate of 0.
        alpha: In place of the estimate the end of its interval of level 1 - alpha: as strong as that makes it include 0.
    """
    f = share * abs(t) / math.sqrt(df)
    critical = 0.0 if alpha is None else float(stats.t.ppf(1 - alpha / 2, df - 1)) / math.sqrt(df - 1)
    left = f - critical
    if left <= 0:
        return 0.0
    if critical and f >= 1 / critical:
        return (f**2 - critical**2) / (1 + f**2)
    return (math.sqrt(left**4 + 4 * left**2) - left**2) / 2


def bias(se: float, df: int, r2_treatment: float, r2_outcome: float) -> float:
    """How far off an estimate is if a hidden cause explains these shares of what is left of treatment and of outcome."""
    return se * math.sqrt(df) * math.sqrt(r2_outcome * r2_treatment / (1 - r2_treatment))


def as_strong_as(r2_treatment: float, r2_outcome: float, times: float = 1.0) -> tuple[float, float]:
    """The shares of a hidden cause that is so many times as strong as a measured one.

    Args:
        r2_treatment: Of the measured one with the treatment given the others.
        r2_outcome: Of it with the outcome given treatment and the others.

    Source:
        Cinelli & Hazlett (2020), section 4.4; the shares are of what the measured causes leave.
    """
    ratio = times * r2_treatment / (1 - r2_treatment)
    cross = times * r2_treatment**2 / ((1 - times * r2_treatment) * (1 - r2_treatment))
    grown = (math.sqrt(times) + math.sqrt(cross)) / math.sqrt(1 - cross)
    return ratio, min(1.0, grown**2 * r2_outcome / (1 - r2_outcome))


def e_value(ratio: float) -> float:
    """The risk ratio with both treatment and outcome that a hidden cause needs to explain a risk ratio away."""
    over = max(ratio, 1 / ratio)
    return over + math.sqrt(over * (over - 1))


@dataclass(frozen=True)
class Benchmark:
    """A hidden cause as strong as a measured one, in a regression.

    Attributes:
        node: The measured one.
        r2_treatment: Its share of what is left of the treatment.
        r2_outcome: Its share of what is left of the outcome.
        estimate: What the estimate would be.
    """

    node: Name
    r2_treatment: float
    r2_outcome: float
    estimate: float


@dataclass(frozen=True)
class Robustness:
    """A linear regression of the outcome on the treatment and what is adjusted for, and what it would take to undo it.

    Attributes:
        estimate: Per unit of the treatment.
        se: Its standard error.
        df: Degrees of freedom.
        r2: The share of what is left of the outcome that the treatment explains.
        value: The share of both that a hidden cause needs to make the estimate 0.
        value_of_interval: The same to make the interval reach 0.
        level: That of the interval.
        adjusted: What is adjusted for.
        benchmarks: Hidden causes as strong as the measured ones.
    """

    estimate: float
    se: float
    df: int
    r2: float
    value: float
    value_of_interval: float
    level: float
    adjusted: tuple[Name, ...]
    benchmarks: tuple[Benchmark, ...]


def _regression(
    outcome: FloatArray, columns: list[FloatArray], weights: FloatArray
) -> tuple[FloatArray, FloatArray, int]:
    """Coefficients, their standard errors, degrees of freedom; the intercept last."""
    design = np.stack([*columns, np.ones(len(outcome))], axis=1)
    root = np.sqrt(weights)
    coefficients, *_ = np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)
    df = int(weights.sum()) - design.shape[1]
    left = outcome - design @ coefficients
    covariance = np.linalg.pinv((design * weights[:, None]).T @ design) * (weights @ left**2) / df
    return np.asarray(coefficients, float), np.sqrt(np.diag(covariance)).astype(float), df


def robustness_of(
    outcome: FloatArray,
    treatment: FloatArray,
    others: dict[Name, FloatArray],
    weights: FloatArray,
    *,
    level: float = 0.9,
) -> Robustness:
    """The robustness of the regression of an outcome on a treatment and other columns."""
    columns = [treatment, *others.values()]
    coefficients, errors, df = _regression(outcome, columns, weights)
    estimate, se = float(coefficients[0]), float(errors[0])
    t = estimate / se
    on_treatment, its_errors, its_df = _regression(treatment, list(others.values()), weights)
    benchmarks = []
    for k, name in enumerate(others):
        first = partial_r2(float(on_treatment[k] / its_errors[k]), its_df)
        second = partial_r2(float(coefficients[k + 1] / errors[k + 1]), df)
        if first >= 1:
            continue
        shares = as_strong_as(first, second)
        moved = estimate - math.copysign(bias(se, df, *shares), estimate) if shares[0] < 1 else 0.0
        benchmarks.append(Benchmark(name, *shares, moved))
    return Robustness(
        estimate,
        se,
        df,
        partial_r2(t, df),
        robustness_value(t, df),
        robustness_value(t, df, alpha=1 - level),
        level,
        tuple(others),
        tuple(benchmarks),
    )
