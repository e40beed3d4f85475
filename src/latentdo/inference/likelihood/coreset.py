"""Few weighted rows in place of many: their log likelihood agrees with that of all rows at draws of the parameters.

What rows say of parameters near a posterior is smooth in them: the log likelihoods of a row at a few hundred draws are, up to
rounding, combinations of a few dozen functions. Weights under which a vertex of the possible combinations agrees in all of
these are positive and few.

Source:
    Tchakaloff (1957), Formules de cubatures mécaniques à coefficients non négatifs: for any finite set of functions so few
    positive weights suffice; the functions as in Campbell & Broderick (2019), Automated scalable Bayesian inference via Hilbert
    coresets, §4: log likelihoods at draws of a pilot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from latentdo.tables import Dataset, IntArray

from ..blocks.coordinates import FloatArray
from .rows import RowLikelihood
from .task import Task

CANDIDATES = 2_000
"""Rows of which some are chosen."""
RESOLVED = 1e-3
"""Of the log likelihood of all rows: functions that matter less are not matched."""
MOST_FUNCTIONS = 240
PENALTY = 1e3
"""Of a function that is not matched, in the units of the weights' cost."""
LEAST_OF_A_KIND = 4
"""Rows of each combination of levels that are candidates, if there are so many: rare levels must not be lost."""


@dataclass(frozen=True, eq=False)
class Coreset:
    """Weighted rows.

    Attributes:
        error: Standard deviation, over the draws they were chosen by, of their log likelihood less that of all rows.
    """

    data: Dataset
    counts: FloatArray
    error: float


def coreset(rows: RowLikelihood, pilots: FloatArray) -> Coreset:
    """Rows, and how much each counts, that stand for all of them at draws of the parameters (draw, coordinate)."""
    task, counts = rows.task, rows.counts
    n = float(counts.sum())
    total, varied = rows.spread(pilots)
    chosen = candidates(task, rows.data, counts, CANDIDATES, varied)
    few = RowLikelihood(task, rows.data.picked(chosen), counts[chosen], rows.level)
    _, logs = few.parts(pilots)
    # Functions of the draw alone tell nothing of the parameters.
    logs, target = logs - logs.mean(axis=0), (total - total.mean()) / n
    functions, sizes, _ = np.linalg.svd(logs / np.sqrt(len(chosen)), full_matrices=False)
    n_functions = int(min((sizes * np.sqrt(n) > RESOLVED).sum(), (sizes > 1e-9 * sizes[0]).sum(), MOST_FUNCTIONS))
    functions = functions[:, :n_functions] / sizes[:n_functions]
    values = np.vstack([functions.T @ logs, np.ones(len(chosen))])
    wanted = np.append(functions.T @ target, 1.0)
    weights = _vertex(values, wanted)
    kept = np.flatnonzero(weights > 0)
    error = float(np.std(n * (logs @ weights - target)))
    return Coreset(rows.data.picked(chosen[kept]), n * weights[kept], error)


def _vertex(values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Non-negative weights with `values @ weights` as wanted, or as near as can be, at most as many as there are equations.

    Rows whose values are ordinary are preferred.
    """
    n_equations, n = values.shape
    unusual = (values**2).sum(axis=0)
    # Ties would leave the choice to the solver's version.
    cost = unusual / unusual.max() + 1e-3 * np.modf(np.arange(1, n + 1) * np.sqrt(2.0))[0]
    slack = np.full(2 * n_equations, PENALTY)
    equations = np.hstack([values, np.eye(n_equations), -np.eye(n_equations)])
    solved = linprog(np.concatenate([cost, slack]), A_eq=equations, b_eq=wanted, bounds=(0, None), method="highs")
    return np.full(n, 1.0 / n) if solved.x is None else np.asarray(solved.x[:n], dtype=float)


def candidates(task: Task, data: Dataset, counts: FloatArray, n: int, varied: FloatArray | None = None) -> IntArray:
    """Indices of at most about `n` stored rows, some of every combination of levels.

    Args:
        varied: How much the log likelihood of each row varies: then half of them are those, and others in proportion, that
            vary the most, without which the whole cannot be put together.
    """
    if data.n_stored <= n:
        return np.arange(data.n_stored)
    random = task.random().spawn(9)[8]
    levels = [values for name, values in data.columns if task.spec[name].family.points]
    levels += [] if data.pattern is None else [data.pattern.astype(float)]
    kinds = (
        np.unique(np.stack(levels), axis=1, return_inverse=True)[1].reshape(-1)
        if levels
        else np.zeros(data.n_stored, int)
    )
    chosen, evenly = [], n if varied is None else n // 2
    for kind in range(int(kinds.max()) + 1):
        of_kind = np.flatnonzero(kinds == kind)
        share = counts[of_kind]
        size = min(len(of_kind), max(LEAST_OF_A_KIND, round(evenly * len(of_kind) / data.n_stored)))
        chosen.append(random.choice(of_kind, size, replace=False, p=share / share.sum()))
    if varied is not None:
        outer = np.argsort(-varied)[: n // 8]
        likely = varied * counts
        chosen += [outer, random.choice(data.n_stored, 3 * n // 8, p=likely / likely.sum())]
    return np.unique(np.concatenate(chosen))
