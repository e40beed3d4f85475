"""The latents of a row integrated by Gauss-Hermite quadrature: a few points each, about where the row's data put them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from latentdo.models import Table
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray
from ..likelihood.density import Layout, Numbers
from ..likelihood.task import Task
from .modes import LogDensity
from .regression import CELLS, STRIP, strips_of

PER_LATENT = (9, 5, 3)
"""Points per latent that are tried, the most first."""
MOST_POINTS = 27
MOST_CELLS = 50_000_000
"""Points times rows times the evaluations of one step towards the mode, beyond which fewer points are taken."""


def merged_rows(task: Task) -> Dataset:
    """The block's rows, equal ones merged: with the latents integrated, equal rows have equal densities."""
    return task.data.collapsed(task.names) if task.names else task.data


def n_points(task: Task, rows: Dataset) -> int:
    """Points per row: a power of the number of latents, as many as can be afforded; 1 where none can or there is no latent."""
    latents = task.layout.n_noise
    evaluations = rows.n_stored * (task.layout.n_free + 1) ** 2
    for each in PER_LATENT if latents else ():
        if each**latents <= MOST_POINTS and each**latents * evaluations <= MOST_CELLS:
            return each**latents
    return 1


def by_quadrature(task: Task, rows: Dataset, points: int) -> LogDensity:
    """The log posterior of the free coordinates, a strip of rows and some draws at a time.

    Args:
        rows: Each counts as often as its weight says, with latents of its own every time.
        points: Points per row; 1 is the one-point Laplace approximation about the Gaussian that places the latents.

    Source:
        Liu & Pierce (1994), A note on Gauss-Hermite quadrature: nodes about the integrand's own centre, in units of its width.
    """
    strips = strips_of(task, replace(rows, weights=np.ones(rows.n_stored)))
    counts = [rows.weights[begin : begin + STRIP] for begin in range(0, rows.n_stored, STRIP)]
    nodes, log_weights = _nodes(task.layout.n_noise, points)
    width = min(STRIP, rows.n_stored) * len(nodes) * task.layout.n_states
    size = max(1, CELLS // width)

    def density(u: FloatArray) -> FloatArray:
        total = np.zeros(len(u))
        with np.errstate(all="ignore"):
            for begin in range(0, len(u), size):
                part = u[begin : begin + size]
                log_prior = np.zeros(len(part))
                for (layout, numbers), count in zip(strips, counts, strict=True):
                    log_prior, each = _integrated(layout, numbers, part, nodes, log_weights)
                    total[begin : begin + size] += each @ count
                total[begin : begin + size] += log_prior
        return np.where(np.isnan(total), -np.inf, total)

    return density


def _nodes(latents: int, points: int) -> tuple[FloatArray, FloatArray]:
    """Nodes (node, latent) and the logs of their weights over the standard normal density, which the integrand holds too."""
    each = round(points ** (1 / latents)) if latents else 1
    at, weights = np.polynomial.hermite_e.hermegauss(each)
    index = np.array(list(itertools.product(range(each), repeat=latents)), dtype=int).reshape(each**latents, latents)
    logs = np.log(weights / weights.sum())[index].sum(axis=1)
    return at[index], logs + 0.5 * (at[index] ** 2).sum(axis=1)


def _integrated(
    layout: Layout, numbers: Numbers, u: FloatArray, nodes: FloatArray, log_weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Log prior of each point, and log likelihood of each row, (point) and (point, row)."""
    n_rows = len(numbers.weights)
    if len(nodes) > 1 and not any(isinstance(node.family, Table) for node in layout.nodes):
        # The nodes in front: what places them is the same for all and computed once.
        log_prior, each = layout.log_parts(NUMPY, numbers, u[None, :, None], nodes.T[:, :, None, None])
        return log_prior[0, :, 0], _log_sum(each + log_weights[:, None, None])
    noise = np.broadcast_to(nodes[:, :, None], (*nodes.shape, n_rows))
    parts = [layout.log_parts(NUMPY, numbers, u[:, None], z) for z in noise]
    each = np.stack([np.broadcast_to(rows, (len(u), n_rows)) for _, rows in parts])
    return parts[0][0][:, 0], _log_sum(each + log_weights[:, None, None])


def _log_sum(each: FloatArray) -> FloatArray:
    """The sum over nodes, in logs: (node, point, row) -> (point, row)."""
    return np.asarray(logsumexp(each, axis=0), dtype=float)
