"""Pearl's instrumental inequality on rows, with its bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from scipy.stats import norm as normal_law

from latentdo.arrays import FloatArray, IntArray
from latentdo.estimators import Column
from latentdo.graphs import Name, quote
from latentdo.identification import InstrumentalInequality

from .independence import Tested
from .verma import NotTestable

MOST_CASES = 4_000
"""Sums that are looked at: one for each treatment, and each choice of an instrument's level for each outcome."""
BINS = 4
"""Parts into which an outcome of numbers is cut."""
DRAWS = 1_000


def inequality_test(
    statement: InstrumentalInequality, columns: Mapping[Name, Column], seed: int
) -> Tested | NotTestable:
    """Whether Σ_y max_z P(x, y | z) is over 1 for some x by more than chance.

    Every sum of the inequality is a sum of independent shares; the bootstrap draws the largest of them, studentised, as if all
    were equal to one, so that the p value is too large rather than too small.

    Source:
        Pearl (1995), On the testability of causal models with latent and instrumental variables; the bootstrap is that of
        Chernozhukov, Lee & Rosen (2013), Intersection bounds, without the selection of inequalities.
    """
    instrument, treatment, outcome = (columns[name] for name in statement.names)
    z, y = _codes(instrument), _codes(outcome)
    # Parts of an instrument or an outcome are one as well, those of a treatment are none.
    x = treatment.codes(treatment.values)
    sizes = [int(code.max()) + 1 for code in (z, x, y)]
    if sizes[0] ** sizes[2] * sizes[1] > MOST_CASES:
        return NotTestable(
            f"{sizes[1]} levels of {quote(treatment.name)} are too many for {sizes[0]} of the instrument"
        )
    counts = np.zeros((sizes[0], sizes[1], sizes[2]))
    np.add.at(counts, (z, x, y), 1)
    rows = counts.sum(axis=(1, 2))
    choices = np.array([each for each in product(range(sizes[0]), repeat=sizes[2]) if len(set(each)) > 1])
    # Of each choice the outcomes that each level of the instrument has.
    chosen = np.equal(choices[:, None, :], np.arange(sizes[0])[None, :, None]).astype(float)
    sums, errors = _sums(counts / rows[:, None, None], chosen, rows)
    largest = float(((sums - 1) / errors).max())
    if largest <= 0:
        return Tested(1.0, float(sums.max() - 1))
    rng = np.random.default_rng(seed)
    flat = (counts / rows[:, None, None]).reshape(sizes[0], -1)
    drawn = np.stack([rng.multinomial(int(n), p, size=DRAWS) / n for n, p in zip(rows, flat, strict=True)], axis=1)
    exceed = 0
    for shares in drawn.reshape(DRAWS, *counts.shape):
        again, _ = _sums(shares, chosen, rows)
        exceed += float(((again - sums) / errors).max()) >= largest
    bound = float(min(1.0, sums.size * normal_law.sf(largest)))
    p = exceed / DRAWS if exceed else min(1 / (DRAWS + 1), bound)
    return Tested(p, float(sums.max() - 1))


def _codes(column: Column) -> IntArray:
    """The levels; of numbers, and of many levels, a few parts of about the same size."""
    if column.is_discrete and len(column.all_levels) <= BINS + 1:
        return column.codes(column.values)
    cuts = np.unique(np.quantile(column.values, np.linspace(0, 1, BINS + 1)[1:-1]))
    _, codes = np.unique(np.searchsorted(cuts, column.values), return_inverse=True)
    return codes


def _sums(shares: FloatArray, chosen: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(choice, treatment): the sums, and their standard errors."""
    parts = np.einsum("azy,zxy->azx", chosen, shares)
    floor = np.clip(parts, 0.5 / rows[None, :, None], 1 - 0.5 / rows[None, :, None])
    variance = np.where(chosen.max(axis=2)[:, :, None] > 0, floor * (1 - floor) / rows[None, :, None], 0.0).sum(axis=1)
    return parts.sum(axis=1), np.sqrt(variance)
