"""Cautions about single columns and their parents: tables that can be trained on, in which few rows or the priors decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentdo.graphs import Name
from latentdo.models import Bernoulli, Categorical, ModelSpec, Normal, Table
from latentdo.models.build import numerics
from latentdo.tables import Dataset

from .coordinates import FloatArray

FAR = 20.0
"""Robust standard deviations from the median beyond which a value is more likely a slip than a tail."""
FAR_FOR_NORMAL = 8.0
"""The same for normal nodes, and for what their measured parents leave of them: one normal row in 10^15 lies so far."""
FEW = 5
"""Rows that differ from the commonest value, or have a level: fewer say little."""
MANY = 20
"""Rows from which on so few of them are worth a word."""
PER_LEVEL = 5.0
"""Rows per level below which a column of levels is more likely one of identifiers or of numbers."""
LARGEST_PROGRAM = 20_000
"""Rows beyond which separation is looked for in a sample of them, and then verified in all."""
MOST_PROGRAMS = 10
"""Times that rows which contradict the sample's direction are added to it."""


def outliers(spec: ModelSpec, node: Name, data: Dataset, fitted: FloatArray | None) -> list[str]:
    """A caution about values that no ordinary tail reaches; least squares and its kin follow them wherever they are.

    Args:
        fitted: What the measured parents make of each row by least squares; None where there are none.
    """
    values = data.column(node)[data.weights > 0]
    if len(np.unique(values)) <= 10:
        return []
    weights = data.weights[data.weights > 0].astype(int)
    # Where a family's tail is long, it is not on the scale of its link.
    distance = _robust_distance(np.asarray(numerics(spec[node].family).link(values), dtype=float), weights)
    limit = FAR
    if isinstance(spec[node].family, Normal):
        limit = FAR_FOR_NORMAL
        if fitted is not None:
            # A long tail that comes from the parents is theirs.
            residual = _robust_distance(values - fitted[data.weights > 0], weights)
            distance = np.where(distance > FAR, distance, np.minimum(distance, residual))
    far = distance > limit
    n_far = int(weights[far].sum())
    if not n_far:
        return []
    cells = "1 cell lies" if n_far == 1 else f"{n_far} cells lie"
    median = np.median(np.repeat(values, weights))
    repair = f"the family {spec[node].family.name} may not fit, and these rows may decide the answer"
    if isinstance(spec[node].family, Normal):
        repair = f"the family student has longer tails ({node} ~ student(…)); to a normal node these rows may decide the answer"
    return [
        f"in {node}, {cells} more than {limit:g} robust standard deviations from the median {median:.4g} (the "
        f"farthest is {values[np.argmax(distance)]:.4g}): if that is no slip, {repair}"
    ]


def _robust_distance(values: FloatArray, weights: np.ndarray) -> FloatArray:
    """How far each value is from the median, in robust standard deviations; 0 where half the rows are equal."""
    distance = np.abs(values - np.median(np.repeat(values, weights)))
    # The median absolute deviation times 1.48 is the sd of normal data.
    spread = 1.4826 * np.median(np.repeat(distance, weights))
    return distance / spread if spread else np.zeros_like(distance)


def rare(spec: ModelSpec, node: Name, data: Dataset) -> list[str]:
    """Cautions about columns that are all but constant, and about levels of which there are few rows or none."""
    counts = data.collapsed([node])
    values, rows = counts.column(node), counts.weights
    order = np.argsort(-rows)
    found = []
    n_other = data.n_rows - int(rows[order[0]])
    if 0 < n_other < FEW and data.n_rows >= MANY:
        others = "row differs" if n_other == 1 else "rows differ"
        found.append(
            f"in {node}, only {n_other} of {data.n_rows} {others} from {values[order[0]]:.4g}: what is said of the effect of "
            f"{node} rests on so few"
        )
    family = spec[node].family
    if isinstance(family, Categorical | Table) and family.levels:
        unseen = _unseen(family.levels, values, dict(data.levels).get(node))
        if unseen:
            found.append(
                f"{node} has no row with the level{'s' if len(unseen) > 1 else ''} {', '.join(unseen[:4])}"
                f"{', …' if len(unseen) > 4 else ''}: of these the priors alone speak"
            )
        if len(values) > 5 and data.n_rows < PER_LEVEL * len(values):
            found.append(
                f"{node} has {len(values)} levels in {data.n_rows} rows: is it an identifier, or a number? What is said of "
                "single levels rests on few rows"
            )
    return found


def _unseen(levels: Sequence[object], values: FloatArray, names: Sequence[str] | None) -> list[str]:
    """The levels that no row has, as they are written; with names the column holds their places."""
    seen = set(values.tolist())
    if names is not None:
        return [name for k, name in enumerate(names) if float(k) not in seen]
    return [f"{level:g}" for level in levels if isinstance(level, int | float) and float(level) not in seen]


def separation(spec: ModelSpec, node: Name, data: Dataset, design: FloatArray | None) -> list[str]:
    """A caution where the measured parents of a column of zeros and ones tell it without contradiction.

    Args:
        design: A one and the terms of the measured parents, scaled, (row, term).

    Source:
        Konis (2007), Linear programming algorithms for detecting separated data in binary logistic regression models, §4.1.
    """
    if not isinstance(spec[node].family, Bernoulli) or design is None or not _separated(design, data.column(node)):
        return []
    parents = ", ".join(parent for parent in spec[node].parents if parent not in spec.latent)
    return [
        f"{parents} tell{'s' if ',' not in parents else ''} {node} apart without contradiction in these data (separation): "
        "the likelihood grows with the weight for ever, so that its size is told by the prior alone"
    ]


def _separated(design: FloatArray, y: FloatArray) -> bool:
    from scipy.optimize import linprog

    signed = np.where(y[:, None] > 0.5, design, -design)
    rows = np.arange(len(signed))
    if len(signed) > LARGEST_PROGRAM:
        # What tells no sample of the rows apart tells not all of them apart either.
        rows = np.random.default_rng(0).choice(len(signed), LARGEST_PROGRAM, replace=False)
    for _ in range(MOST_PROGRAMS):
        some = np.unique(signed[rows], axis=0)
        found = linprog(-some.sum(axis=0), A_ub=-some, b_ub=np.zeros(len(some)), bounds=(-1.0, 1.0))
        if found.x is None or -found.fun < 1e-6 * len(some):
            return False
        margin = signed @ found.x
        wrong = np.flatnonzero(margin < -1e-7)
        if not len(wrong):
            return True
        # Another direction may tell these rows apart as well.
        rows = np.union1d(rows, wrong[np.argsort(margin[wrong])[:LARGEST_PROGRAM]])
    return False
