"""Tables whose parents were all measured: the Dirichlet posterior of their counts, without approximation."""

from __future__ import annotations

import numpy as np

from latentdo.models import Table

from ..blocks.coordinates import FloatArray
from ..blocks.draws import POINT, BlockDraws, NodeDraws
from ..blocks.engines import Engine
from ..blocks.method import Method
from ..likelihood.memory import claim
from ..likelihood.task import Task
from .outcome import from_draws

_COPIES = 3
"""Of all draws of a table, at once: two while they are drawn, and one more while they are put together."""


def conjugate(task: Task, engine: Engine) -> BlockDraws | str:
    """Independent draws of every row of the table; for `Map` the mode of its coordinates, which is the posterior mean.

    Source:
        Gelman et al. (2013), Bayesian data analysis, §3.4. On the logit scale of `sticks` a share v ~ Beta(a, b) has the
        density v^a (1 - v)^b up to a constant, whose mode is a / (a + b).
    """
    if task.block.latent or len(task.block.nodes) != 1:
        return "the block has latent nodes"
    (node,) = task.block.nodes
    family = task.spec[node].family
    if not isinstance(family, Table):
        return f"{node} is no table"
    pseudo_counts = family.concentration + _counts(task, family)
    if engine.is_point:
        chances = pseudo_counts / pseudo_counts.sum(axis=-1, keepdims=True)
        draws = NodeDraws(np.broadcast_to(chances.reshape(-1), (1, 1, chances.size)).copy())
        return BlockDraws(
            task.block,
            Method("conjugate", of="posterior mode of a table"),
            ((node, draws),),
            independent=True,
            approximate=POINT,
        )
    claim(task, _COPIES * 8 * task.n_kept * pseudo_counts.size, "Give the table fewer parents, or make it categorical.")
    chances = _dirichlet(pseudo_counts, task.n_kept, task.random())
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


def _dirichlet(pseudo_counts: FloatArray, n: int, random: np.random.Generator) -> FloatArray:
    """Draws (draw, combination, level), by gamma variates in logs: with small counts all of a row may be below any number.

    Source:
        Marsaglia & Tsang (2000), A simple method for generating gamma variables, §6: Gamma(a) = Gamma(a + 1) U^(1/a).
    """
    size = (n, *pseudo_counts.shape)
    logs = random.gamma(pseudo_counts + 1.0, size=size)
    np.log(logs, out=logs)
    # In place: of a large table these are gigabytes.
    shares = random.uniform(size=size)
    np.log(shares, out=shares)
    shares /= pseudo_counts
    logs += shares
    del shares
    logs -= logs.max(axis=-1, keepdims=True)
    np.exp(logs, out=logs)
    logs /= logs.sum(axis=-1, keepdims=True)
    return logs
