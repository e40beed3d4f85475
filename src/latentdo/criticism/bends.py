"""What to write where a node's mean has another shape than the model gives it: a curve, a jump, or a product.

A spline with few knots bends so far towards a jump that curves see nothing, and errs beside it: jumps have a test of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import t as t_law

from latentdo.arrays import BoolArray, FloatArray
from latentdo.errors import UnsupportedError
from latentdo.graphs import Name, format_number, quote
from latentdo.models import ModelSpec, Power, Spline

from .evidence import Evidence
from .values import CheckRow, Layer, Word

MOST_KNOTS = 40
"""Of a spline in an advice: as many as the model language takes."""
MOST_PLACES = 100
"""Places of a jump that are tried around the best of a few."""
PLACES = 60
LEAST_SIDE = 10
"""Rows on each side of a place."""
LEAST_DF = 3.0
SMALL = 0.1
"""Of a standard deviation: what a residual counts as at least where it divides; of a row: what it leaves of itself at least."""
Columns = Sequence[tuple[Name, FloatArray]]


def shape_advice(spec: ModelSpec, node: Name, columns: Columns, residuals: FloatArray) -> str:
    """What to add to a node's parents: a curve, a column for a jump, or a product; empty where no column has room for one."""
    n = len(residuals)
    lines = np.column_stack([np.ones(n), *(standardised(values) for _, values in columns)])
    tried: list[tuple[float, str]] = []
    for name, values in columns:
        if len(np.unique(values)) <= 2:
            continue
        curve = explained(np.column_stack([lines, standardised(values) ** 2]), residuals)
        tried.append((curve, _bend(spec, node, name)))
        jump, place = _best_cut(values, lines, residuals)
        # A place that was searched for counts as two terms more.
        tried.append((jump - 2.0 / n, _jump(spec, node, name, place)))
    for (a, x), (b, z) in combinations(columns, 2):
        product = explained(np.column_stack([lines, standardised(x) * standardised(z)]), residuals)
        tried.append((product, f"{quote(node)} depends on {quote(a)}:{quote(b)}: add it to the parents"))
    return max(tried, default=(0.0, ""))[1]


def missing_shape(evidence: Evidence, node: Name) -> str:
    """The same for a node whose test of the mean found nothing; empty where its residuals say nothing of a shape."""
    pillow = evidence.pillows[node]
    columns = [(name, evidence.rows.column(name)) for name in pillow]
    y = evidence.rows.column(node)
    if says := follows(evidence.posterior.spec, node, y, columns):
        return says
    try:
        residuals = y - evidence.moments(node, pillow).mean.mean(axis=0)
    except UnsupportedError:
        return ""
    return shape_advice(evidence.posterior.spec, node, columns, residuals)


def follows(spec: ModelSpec, node: Name, y: FloatArray, columns: Columns) -> str:
    """That a node of two values is one parent cut at a place, and what a question then sets; empty where it is not."""
    levels = np.unique(y)
    if len(levels) != 2:
        return ""
    for name, values in columns:
        if name not in spec[node].parents or len(np.unique(values)) <= 2:
            continue
        upper, lower = values[y == levels[1]], values[y == levels[0]]
        for above, below, word in ((upper, lower, "above"), (lower, upper, "at most")):
            if below.max() < above.min():
                own, place = quote(name), format_number(_between(float(below.max()), float(above.min())))
                return (
                    f"{quote(node)} is {own} cut at {place} ({format_number(float(levels[1]))} where it is {word} that), without "
                    f"chance: a question that sets {own} sets both, do({own}=…, {quote(node)}=…)"
                )
    return ""


def _bend(spec: ModelSpec, node: Name, name: Name) -> str:
    """What to write for a curve along a column, by what stands there already."""
    own, says = quote(name), f"{quote(node)} bends with {quote(name)}"
    if name not in spec[node].parents:
        return f"{says}, which is no parent of it: a hidden cause that both have, or a parent of it, enters by another shape"
    if (spline := _spline(spec, node, name)) is not None:
        if spline.n_knots < MOST_KNOTS:
            return f"{says} more than {spline.text(name)} can: write s({own}, k={MOST_KNOTS}), which has more knots"
        return f"{says} more than {spline.text(name)} can: look for a jump, or for a parent that the model lacks"
    powers = [shape for weight in spec[node].weights for p, _, shape in weight.parts if p == name]
    if any(isinstance(shape, Power) for shape in powers):
        return f"{says} in another way than its powers: write s({own}) in their place"
    return f"{says}: write s({own}) or {own}^2 among its parents"


def _jump(spec: ModelSpec, node: Name, name: Name, place: str) -> str:
    """What to write for a jump along a column: the column that is 1 above it, and next to it a spline with many knots."""
    own, above = quote(name), quote(f"{name}_above")
    spline = _spline(spec, node, name)
    smooth = f", or write s({own}, k={MOST_KNOTS})" if spline is None or spline.n_knots < MOST_KNOTS else ""
    column = f'table["{name}_above"] = table["{name}"] > {place}'
    return (
        f"{quote(node)} jumps at {own} = {place}: make a column, {column}, write {above} ~ bernoulli({own}), add {above} to the "
        f"parents of {quote(node)}, and set both in a question, do({own}=…, {above}=…){smooth}"
    )


def _spline(spec: ModelSpec, node: Name, name: Name) -> Spline | None:
    """The spline by which a parent enters alone; None where it enters by none."""
    return next(
        (
            shape
            for weight in spec[node].weights
            for parent, _, shape in weight.parts
            if len(weight.parents) == 1 and parent == name and isinstance(shape, Spline)
        ),
        None,
    )


def _best_cut(values: FloatArray, lines: FloatArray, residuals: FloatArray) -> tuple[float, str]:
    """What a jump explains at the best place, and the place: a short number between two values of the column."""

    def shares(places: FloatArray) -> list[float]:
        return [explained(np.column_stack([lines, values > place]), residuals) for place in places]

    # Values themselves, below the largest: something lies above each.
    distinct = np.unique(values)
    quantiles = np.quantile(values, np.linspace(0.05, 0.95, 37), method="lower")
    places = np.unique(np.minimum(quantiles, distinct[-2]))
    best = int(np.argmax(shares(places)))
    low, high = places[max(0, best - 1)], places[min(len(places) - 1, best + 1)]
    near = distinct[(distinct >= low) & (distinct <= high)]
    near = near[np.unique(np.linspace(0, len(near) - 1, MOST_PLACES).round().astype(int))]
    found = shares(near)
    place = float(near[int(np.argmax(found))])
    return max(found), format_number(_between(place, float(distinct[distinct > place][0])))


def _between(low: float, high: float) -> float:
    """The shortest number at or above one and below another."""
    for digits in range(2, 17):
        for value in (low, (low + high) / 2):
            short = float(f"{value:.{digits}g}")
            if low <= short < high:
                return short
    return low


def explained(matrix: FloatArray, values: FloatArray) -> float:
    """The share of the values' square that a regression explains."""
    fitted = matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0]
    return float((fitted**2).sum() / max((values**2).sum(), 1e-300))


def standardised(values: FloatArray) -> FloatArray:
    """Mean zero and sd one; zero of a constant column."""
    centred = values - values.mean()
    return centred / (centred.std() or 1.0)


def jump_rows(
    evidence: Evidence, node: Name, columns: Columns, residuals: FloatArray, means: FloatArray
) -> Iterator[CheckRow]:
    """A row for each parent by whose spline the node's mean is made: whether a jump at some place would say more.

    How far such an error moves an answer depends on where the answer looks, and the check's own curves are as blind there: where
    it fails nothing can be told.

    Args:
        residuals: (row,), at the posterior mean.
        means: (draw, row), the node's means.
    """
    spec = evidence.posterior.spec
    for name, values in columns:
        if _spline(spec, node, name) is None or evidence.n < 4 * LEAST_SIDE:
            continue
        ordered = np.sort(values)
        ranks = np.unique(np.linspace(LEAST_SIDE, evidence.n - LEAST_SIDE, PLACES).round().astype(int))
        ranks = ranks[ordered[ranks - 1] < ordered[ranks]]
        if not len(ranks):
            continue
        z, df = _scores(evidence, values[:, None] >= ordered[ranks], residuals, means)
        ps = 2.0 * t_law.sf(np.abs(z), df)
        best = int(ps.argmin())
        advice = _jump(
            spec, node, name, format_number(_between(*map(float, ordered[ranks[best] - 1 : ranks[best] + 1])))
        )
        what = f"jumps of {quote(node)} along {quote(name)}"
        p, effect = min(1.0, len(ranks) * float(ps[best])), float(z[best])
        yield CheckRow(Layer.NODE, what, Word.UNSURE_MISFIT, p, effect, advice, scale="standard errors", nodes=(node,))


def _scores(
    evidence: Evidence, steps: BoolArray, residuals: FloatArray, means: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Per step the sum of the residuals above it in standard errors, and the degrees of freedom of these.

    What the parameters absorb of a step is taken off each row's part, so that what the spline cannot follow is left.

    Source:
        MacKinnon & White (1985), Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
        properties.
    """
    own = steps.astype(float)
    plain = residuals[:, None] * own
    parts = evidence.padded(plain) + evidence.share * evidence.influence(-means @ own)
    total = plain.sum(axis=0)
    # What each row is of the step that is left, the jump that fits best, and the rows' parts around it (HC3).
    small = np.where(residuals < 0, -1.0, 1.0) * np.maximum(np.abs(residuals), SMALL * residuals.std())
    left = np.clip(parts[: evidence.n] / small[:, None], -1.0, 1.0)
    square = np.maximum((left**2).sum(axis=0), 1e-12)
    parts[: evidence.n] -= total / square * left**2
    parts[: evidence.n] /= np.clip(1.0 - left**2 / square, SMALL, 1.0)
    squares = parts**2
    variance = squares.sum(axis=0)
    df = np.maximum(3.0 * variance**2 / np.maximum((squares**2).sum(axis=0), 1e-300), LEAST_DF)
    return total / np.sqrt(np.maximum(variance, 1e-300)), df
