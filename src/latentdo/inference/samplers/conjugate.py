"""Closed forms of blocks whose parents were all measured, without approximation: tables, and normal nodes with normal priors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from latentdo.models import Table

from ..blocks.coordinates import FloatArray, pseudo_counts
from ..blocks.draws import POINT, BlockDraws, NodeDraws
from ..blocks.engines import Engine
from ..blocks.method import Method
from ..likelihood.memory import claim
from ..likelihood.task import Task
from .equation import Equation, Moments
from .outcome import from_draws

_COPIES = 3
"""Of all draws of a table, at once: two while they are drawn, and one more while they are put together."""

FALL = 40.0
"""Below its top by which the log density of an sd counts for nothing."""
GRID = 4_001
"""Points of the grid from which an sd is drawn."""


def conjugate(task: Task, engine: Engine) -> BlockDraws | str:
    """Independent draws of every row of the table; for `Map` the mode of its coordinates, which is the posterior mean.

    Source:
        Gelman et al. (2013), Bayesian data analysis, §3.4. On the logit scale of `sticks` a share v ~ Beta(a, b) has the
        density v^a (1 - v)^b up to a constant, whose mode is a / (a + b).
    """
    if not task.is_equation:
        return "the block has latent nodes"
    (node,) = task.block.nodes
    family = task.spec[node].family
    if not isinstance(family, Table):
        return f"{node} is no table"
    counts = pseudo_counts(task.coordinates[node], family) + _counts(task, family)
    if engine.is_point:
        chances = counts / counts.sum(axis=-1, keepdims=True)
        draws = NodeDraws(np.broadcast_to(chances.reshape(-1), (1, 1, chances.size)).copy())
        return BlockDraws(
            task.block,
            Method("conjugate", of="posterior mode of a table"),
            ((node, draws),),
            independent=True,
            approximate=POINT,
        )
    claim(task, _COPIES * 8 * task.n_kept * counts.size, "Give the table fewer parents, or make it categorical.")
    chances = _dirichlet(counts, task.n_kept, task.random())
    draws = NodeDraws(chances.reshape(*task.shape, -1))
    return from_draws(task, ((node, draws),), Method("conjugate", of="Dirichlet posterior of the counts"))


def _counts(task: Task, family: Table) -> FloatArray:
    """How often each level was seen with each combination of the parents' levels, (combination, level)."""
    (node,) = task.block.nodes
    rows = task.data.collapsed(task.names)
    place = np.zeros(rows.n_stored, dtype=int)
    for parent, points in zip(task.spec[node].parents, family.given, strict=True):
        place = place * len(points) + np.searchsorted(points, rows.column(parent))
    counts = np.zeros((family.n_rows, len(family.levels)))
    np.add.at(counts, (place, np.searchsorted(family.points, rows.column(node))), rows.weights)
    return counts


def _dirichlet(counts: FloatArray, n: int, random: np.random.Generator) -> FloatArray:
    """Draws (draw, combination, level), by gamma variates in logs: with small counts all of a row may be below any number.

    Source:
        Marsaglia & Tsang (2000), A simple method for generating gamma variables, §6: Gamma(a) = Gamma(a + 1) U^(1/a).
    """
    size = (n, *counts.shape)
    logs = random.gamma(counts + 1.0, size=size)
    np.log(logs, out=logs)
    # In place: of a large table these are gigabytes.
    shares = random.uniform(size=size)
    np.log(shares, out=shares)
    shares /= counts
    logs += shares
    del shares
    logs -= logs.max(axis=-1, keepdims=True)
    np.exp(logs, out=logs)
    logs /= logs.sum(axis=-1, keepdims=True)
    return logs


def normal_posterior(equation: Equation, n_draws: int, random: np.random.Generator) -> FloatArray | str:
    """Independent draws of the free coordinates of a normal node whose coefficients have normal priors; or why there are none.

    Given the sd the coefficients are Gaussian, and one change of axes makes them independent whatever the sd. So the density of
    the sd alone is known, and drawn from on a fine grid.

    Source:
        Lindley & Smith (1972), Bayes estimates for the linear model, §2.
    """
    moments, bounds, priors = equation.likelihood, equation.bounds, equation.priors
    if not isinstance(moments, Moments) or len(equation.bends.bent):
        return "it is no normal node, or has splines"
    # The sd comes last, unless it is fixed.
    last = len(bounds.kind) - int(equation.place[-1].any())
    if (bounds.kind[:last] != "free").any() or any(name != "normal" for name in priors.names[:last]):
        return "a coefficient has a bound or a prior that is not normal"
    place, offset = moments.triangle @ equation.place[:-1, :last], equation.place_offset[:-1] - moments.best
    prior_mean, prior_sd = priors.arguments[:last, 0], priors.arguments[:last, 1]
    # Counted from the best fit, so that no digits are lost, and in units of the prior's sd.
    best = np.linalg.lstsq(place, -(moments.triangle @ offset), rcond=None)[0]
    left = place @ best + moments.triangle @ offset
    whiten = equation.prior_map[:last, :last] / prior_sd[:, None]
    believed = (prior_mean - equation.prior_offset[:last]) / prior_sd - whiten @ best
    turn_rows, stretch, turn = np.linalg.svd(np.linalg.solve(whiten.T, place.T).T)
    axes = np.linalg.solve(whiten, turn.T)
    size = np.zeros(last)
    size[: len(stretch)] = stretch
    of_rows = np.zeros(last)
    of_rows[: len(stretch)] = -stretch * (turn_rows.T @ left)[: len(stretch)]
    of_prior = turn @ believed

    def along(sd: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Precision and slope at the best fit along each axis, (draw, axis)."""
        return (size / sd[:, None]) ** 2 + 1.0, of_rows / sd[:, None] ** 2 + of_prior

    def log_density(sd: FloatArray) -> FloatArray:
        precision, slope = along(sd)
        squares = moments.residual + left @ left
        integral = 0.5 * (slope**2 / precision - np.log(precision)).sum(axis=1)
        return integral - 0.5 * squares / sd**2 - moments.n * np.log(sd)

    u = np.empty((n_draws, len(bounds.kind)))
    sd = np.full(n_draws, equation.place_offset[-1])
    if last < len(bounds.kind):
        u[:, last] = _drawn_on_a_grid(lambda at: log_density(equation.sd(at)[0]) + equation.sd(at)[1], n_draws, random)
        sd = equation.sd(u[:, last])[0]
    precision, slope = along(sd)
    y = slope / precision + random.standard_normal((n_draws, last)) / np.sqrt(precision)
    u[:, :last] = (best + y @ axes.T - bounds.anchor[:last]) / bounds.unit[:last]
    return u


def _drawn_on_a_grid(
    log_density: Callable[[FloatArray], FloatArray], n_draws: int, random: np.random.Generator
) -> FloatArray:
    """Draws of a scalar by its cdf on a grid, which closes in on where the density is."""
    grid = np.concatenate([np.arange(-40.0, 40.0, 0.02), np.geomspace(40.0, 1e8, GRID)])
    for _ in range(5):
        with np.errstate(all="ignore"):
            log = np.nan_to_num(log_density(grid), nan=-np.inf)
        (seen,) = np.nonzero(log > log.max() - FALL)
        grid = np.linspace(grid[max(seen[0] - 1, 0)], grid[min(seen[-1] + 1, len(grid) - 1)], GRID)
    log = log_density(grid)
    density = np.exp(log - log.max())
    cdf = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return np.interp(random.uniform(size=n_draws) * cdf[-1], cdf, grid)
