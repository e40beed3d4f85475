"""How wide the default priors are where the columns decide it: of weights, and of the rows of a table.

Both follow one rule: a default prior says no more than one row of the data would (unit information), whatever the parents have in
common. So ten rows or more outvote it, also where parents are nearly collinear and their effects cancel.

Source:
    Kass & Wasserman (1995), A reference Bayesian test for nested hypotheses and its relationship to the Schwarz criterion: unit
    information. Gelman, Jakulin, Pittau & Su (2008), A weakly informative default prior distribution for logistic and other
    regression models: parents with two values count by the difference of these, the others by their spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.models import ModelSpec, Predictor, Table
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from .block import blocks_of

ROWS_PER_PARENT = 10.0
"""Rows per parent from which on the columns alone decide; with fewer, weights are held nearer to one sd of their parent."""
WIDEST = 50.0
"""How many times wider than per sd of the parent a weight's prior may be: parents that are all but collinear."""
ROUNDING = 1e-9
"""How near to 1 a width is 1."""
DEPENDENT = 1e-10
"""Share of the largest eigenvalue of the parents' correlations below which some of them depend on each other exactly."""


def weight_widths(
    spec: ModelSpec,
    node: Name,
    predictor: Predictor,
    data: Dataset,
    scales: Mapping[str, tuple[float, float]],
    centred: tuple[bool, ...],
) -> tuple[float, ...]:
    """Of each weight of a node's predictor: its default prior's sd over that of a prior per sd of the parent.

    A parent with two values counts by half of their difference where the node's mean has bounds: there a weight may grow for ever
    along a few rows that agree. Elsewhere the weight is per sd of the parent given the node's other measured parents, and wider
    by the root of λ_k = Σ_j |partial correlation of parents k and j|. With S the covariance of the parents and D the diagonal
    matrix of what the priors say, D <= S then holds in every direction: by Gershgorin's theorem the partial correlations are at
    most diag(λ).

    Args:
        scales: Centre and scale of each factor.
        centred: For each weight whether its parents are centred.
    """
    family = spec[node].family
    widths = np.ones(len(predictor.weights))
    if isinstance(family, Table):
        return ()
    # Spread has no bound that a few rows could drive it to.
    bounded = (family.log_odds or family.bounded_mean) and not predictor.of
    halves = _halves(spec, node, data, scales)
    terms: list[int] = []
    columns = []
    for k, weight in enumerate(predictor.weights):
        by_half = math.prod(halves.get(factor, 1.0) for factor in weight.factors)
        if spec.latent.intersection((node, *weight.parents)):
            widths[k] = by_half if bounded else 1.0
            continue
        if isinstance(weight.belief, float | int) or weight.bends:
            continue
        column = np.ones(data.n_stored)
        for at, factor in enumerate(weight.factors):
            centre, scale = scales[factor]
            column = column * (weight.factor(at, dict(data.columns), NUMPY) - (centre if centred[k] else 0.0)) / scale
        column = column - np.average(column, weights=data.weights)
        if not np.any(column[data.weights > 0]):
            widths[k] = by_half
            continue
        terms.append(k)
        columns.append(column)
        # What is known of the others stands; this one has its own unit.
        widths[k] = by_half if bounded and not halves.keys().isdisjoint(weight.factors) else math.nan
    free = np.isnan(widths[terms])
    if free.any():
        given_others = _given_others(np.stack(columns), data)
        widths[np.array(terms)[free]] = given_others[free]
    return tuple(widths.tolist())


def _halves(spec: ModelSpec, node: Name, data: Dataset, scales: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The sd of each measured parent with two values, over half of the difference of these: 1 where both are as frequent."""
    halves = {}
    for weight in spec[node].weights:
        for at, (parent, factor) in enumerate(zip(weight.parents, weight.factors, strict=True)):
            if parent in spec.latent or weight.bends:
                continue
            summary = data.summary(parent)
            if weight.levels and weight.levels[at] is not None:
                halves[factor] = 2.0 * scales[factor][1]
            elif summary.n_distinct == 2:
                low, high = (weight.factor(at, {parent: end}, NUMPY) for end in (summary.minimum, summary.maximum))
                halves[factor] = 2.0 * scales[factor][1] / float(abs(high - low))
    return halves


def _given_others(columns: FloatArray, data: Dataset) -> FloatArray:
    """The widths of the weights of some columns (term, row): one over the sd of each given the others, as far as rows tell."""
    size, n = len(columns), float(data.n_rows)
    covariance = (columns * data.weights) @ columns.T / (n - 1.0)
    sds = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(sds, sds))
    null = values <= DEPENDENT * values[-1]
    # Where the others determine a column the rows say nothing of its weight: it is per sd, and a caution says so.
    determined = (vectors[:, null] ** 2).sum(axis=1) > DEPENDENT**0.5
    precision = (vectors[:, ~null] / values[~null]) @ vectors[:, ~null].T
    along = np.sqrt(np.diag(precision))
    partial = np.abs(precision / np.outer(along, along))
    shared = np.where(determined, 0.0, partial).sum(axis=1)
    widths = np.minimum(along * np.sqrt(shared), WIDEST) / sds
    widths = widths ** min(1.0, n / (ROWS_PER_PARENT * size))
    # A parent alone has exactly the prior per sd, so that its draws are to the last digit what they would be.
    return np.where(determined | (np.abs(widths - 1.0) < ROUNDING), 1.0, widths)


def table_row(spec: ModelSpec, node: Name, data: Dataset) -> tuple[float, ...]:
    """The pseudo-counts that every row of a table begins with, one per level.

    Rows of a measured node begin with the node's own shares in the data, each level counted once more, which together are worth
    one row. A row without data then says what the node does elsewhere, and says it weakly: nearly any level may be nearly
    certain. A strength that is learned from the other rows was measured too: it draws rows together which differ, as few rows
    can hardly tell how much they do. Where a hidden parent, or another node that is trained with it, is no table, each level
    begins with 1: smaller counts make modes between which no chain crosses that follows a gradient.

    Source:
        Azzimonti, Corani & Zaffalon (2019), Hierarchical estimation of parameters in Bayesian networks: rows that share a mean.
        Perks (1947), Some observations on inverse probability: pseudo-counts that sum to one.
    """
    family = spec[node].family
    assert isinstance(family, Table)
    n = len(family.levels)
    if family.concentration is not None:
        return (family.concentration,) * n
    if node in spec.latent or not spec[node].parents or not _beside_tables(spec, node):
        return (1.0,) * n
    counts = np.bincount(np.searchsorted(family.points, data.column(node)), weights=data.weights, minlength=n)
    return tuple(((counts + 1.0) / (counts.sum() + n)).tolist())


def _beside_tables(spec: ModelSpec, node: Name) -> bool:
    """Whether all is a table that a node is trained with because of hidden causes."""
    block = next(block for block in blocks_of(spec) if node in block.nodes)
    return all(isinstance(spec[each].family, Table) for each in block.nodes)
