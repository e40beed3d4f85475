"""L5: models that look the same from the measured nodes, judged by how well each predicts rows that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from latentdo.answers import ask_all
from latentdo.arrays import FloatArray
from latentdo.errors import DataError, SpecError
from latentdo.graphs import same_admg
from latentdo.inference import Posterior, left_out
from latentdo.tables import Dataset

from .fit_check import FitCheck
from .values import CheckedQuery, CheckRow, Layer, Word

CLEARLY = 2.58
"""Standard errors of a difference that count."""
LEAST_DIFFERENCE = 4.0
"""Of log densities: below it models predict alike, whatever the error says."""
HERE = "this fit"


def with_variants(
    found: FitCheck, posterior: Posterior, data: Dataset, others: Mapping[str, Posterior], *, stack: bool, seed: int
) -> FitCheck:
    """The check with a row per other fit, and each question's answer over all of them where they are stacked.

    Raises:
        SpecError: A fit whose graph looks different from the measured nodes.
        DataError: A fit of other rows.

    Source:
        Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation; marginal
        over latents, as Merkle, Furr & Rabe-Hesketh (2019), Bayesian comparison of latent variable models.
    """
    for name, other in others.items():
        if not same_admg(posterior.spec.graph, other.spec.graph):
            raise SpecError(
                f"{name} looks different from the measured nodes, so its constraints decide, not how well it predicts. Check "
                "its graph: ld.check(other.spec.graph, data)."
            )
        digest = posterior.facts.rows_digest
        if other.facts.hash != posterior.facts.hash and (digest is None or other.facts.rows_digest != digest):
            raise DataError(f"{name} was trained on other rows than this fit. Train both on one table.")
    pointwise = {HERE: left_out(posterior, data)} | {name: left_out(other, data) for name, other in others.items()}
    rows = tuple(_row(name, pointwise[HERE][0], *pointwise[name]) for name in others)
    out = replace(found, rows=(*found.rows, *rows))
    if not stack:
        return out
    weights = stacked({name: each for name, (each, _) in pointwise.items()})
    fits = {HERE: posterior, **others}
    said = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
    return replace(
        out,
        queries=tuple(_stacked(each, fits, weights, seed) for each in found.queries),
        notes=(*found.notes, f"stacked: {said}"),
    )


def _row(name: str, own: FloatArray, other: FloatArray, khat: float) -> CheckRow:
    difference = other - own
    total = float(difference.sum())
    se = math.sqrt(len(difference)) * float(difference.std())
    what = f"{name} beside {HERE}, rows left out"
    better = total > max(LEAST_DIFFERENCE, CLEARLY * se)
    advice = f"{name} predicts rows that it has not seen better" if better else ""
    advice += f"{'; ' if advice else ''}a Pareto k-hat of {khat:.2f} makes this unsure" if khat > 0.7 else ""
    word = Word.MISFIT if better else Word.NO_MISFIT
    return CheckRow(Layer.VARIANT, what, word, effect=total, scale=f"± {se:.2g} log density", advice=advice)


def stacked(pointwise: Mapping[str, FloatArray]) -> dict[str, float]:
    """The weights with which a mixture of the models predicts best.

    Source:
        Yao, Vehtari, Simpson & Gelman (2018), Using stacking to average Bayesian predictive distributions.
    """
    logs = np.stack(list(pointwise.values()))

    def loss(free: FloatArray) -> float:
        weights = softmax(np.append(free, 0.0))
        return -float(np.logaddexp.reduce(logs + np.log(weights + 1e-300)[:, None], axis=0).mean())

    best = minimize(loss, np.zeros(len(logs) - 1), method="Nelder-Mead" if len(logs) == 2 else "BFGS")
    return dict(zip(pointwise, map(float, softmax(np.append(best.x, 0.0))), strict=True))


def _stacked(
    asked: CheckedQuery, fits: Mapping[str, Posterior], weights: Mapping[str, float], seed: int
) -> CheckedQuery:
    answers = {
        name: ask_all(fit, [(None, asked.query)], seed, allow_unidentified=False)[0] for name, fit in fits.items()
    }
    mean = sum(weights[name] * answer.point for name, answer in answers.items())
    square = sum(weights[n] * ((a.sd or 0.0) ** 2 + (a.point - mean) ** 2) for n, a in answers.items())
    says = f"stacked over {len(fits)} models: {mean:.3g} (sd {math.sqrt(square):.2g})"
    return replace(asked, stacked=(mean, math.sqrt(square)), advice=(*asked.advice, says))
