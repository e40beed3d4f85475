"""Cautions about single columns and their parents: tables that can be trained on, in which few rows or the priors decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentdo.graphs import Name
from latentdo.models import Bernoulli, Categorical, ModelSpec, Table
from latentdo.models.build import numerics

from .coordinates import FloatArray
from .dataset import Dataset

FAR = 20.0
"""Robust standard deviations from the median beyond which a value is more likely a slip than a tail."""
FEW = 5
"""Rows that differ from the commonest value, or have a level: fewer say little."""
MANY = 20
"""Rows from which on so few of them are worth a word."""
PER_LEVEL = 5.0
"""Rows per level below which a column of levels is more likely one of identifiers or of numbers."""
LARGEST_PROGRAM = 20_000
"""Distinct rows beyond which separation is looked for in a sample of them, and then verified in all."""


def outliers(spec: ModelSpec, node: Name, data: Dataset) -> list[str]:
    """A caution about values that no ordinary tail reaches; least squares and its kin follow them wherever they are."""
    values = data.expanded([node]).column(node)
    if len(np.unique(values)) <= 10:
        return []
    # Where a family's tail is long, it is not on the scale of its link.
    linked = np.asarray(numerics(spec[node].family).link(values), dtype=float)
    distance = np.abs(linked - np.median(linked))
    # The median absolute deviation times 1.48 is the sd of normal data; it is 0 where half the rows are equal.
    spread = 1.4826 * np.median(distance)
    far = distance > FAR * spread
    if not spread or not far.any():
        return []
    cells = "1 cell lies" if far.sum() == 1 else f"{int(far.sum())} cells lie"
    return [
        f"in {node}, {cells} more than {FAR:g} robust standard deviations from the median {np.median(values):.4g} (the "
        f"farthest is {values[np.argmax(distance)]:.4g}): if that is no slip, the family {node} has may not fit, and these "
        "rows may decide the answer"
    ]


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
    some = signed
    if len(signed) > LARGEST_PROGRAM:
        # What tells no sample of the rows apart tells not all of them apart either.
        some = signed[np.random.default_rng(0).choice(len(signed), LARGEST_PROGRAM, replace=False)]
    some = np.unique(some, axis=0)
    found = linprog(-some.sum(axis=0), A_ub=-some, b_ub=np.zeros(len(some)), bounds=(-1.0, 1.0))
    if found.x is None or -found.fun < 1e-6 * len(some):
        return False
    return bool((signed @ found.x >= -1e-7).all())
