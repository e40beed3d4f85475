"""From free coordinates to `BlockDraws`: raw units, thinning or importance resampling, and what the block is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from latentdo.errors import FitError
from latentdo.graphs import Name
from latentdo.models.build import NUMPY
from latentdo.tables import IntArray

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import KHAT_LIMIT, Diagnostic, diagnose
from ..blocks.draws import BlockDraws, NodeDraws
from ..blocks.method import Method
from ..likelihood.certify import LOG_LIKELIHOOD, LOG_POSTERIOR, log_likelihood
from ..likelihood.density import unpack
from ..likelihood.forward import even_uniforms, moments, simulate_nodes, smooth_means
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .importance import smoothed

JUDGED_ROWS, FEWER_ROWS, FEW_NODES = 256, 64, 12
FEW_PREDICTORS = 64
"""Predictors of a node, one for each level but the first, up to which it is judged by as many rows as others."""


def node_draws(task: Task, u: FloatArray) -> tuple[tuple[Name, NodeDraws], ...]:
    """Every node's parameters in raw units at the free coordinates `u` (chain, draw, coordinate)."""
    values = dict(zip(task.block.nodes, unpack(NUMPY, task.layout, task.priors, u), strict=True))
    raw = {
        node: np.ascontiguousarray(np.broadcast_to(at.raw, (*u.shape[:2], at.raw.shape[-1])))
        for node, at in values.items()
    }
    random = np.random.default_rng([task.seed, task.code, 2])
    for group in task.rotations:
        raw |= group.turned(raw, random)
    return tuple(
        (
            node,
            NodeDraws(
                raw[node],
                tuple((name, np.broadcast_to(value, u.shape[:2]).copy()) for name, value in at.parameters.items()),
            ),
        )
        for node, at in values.items()
    )


def from_chains(
    task: Task,
    run: ChainDraws,
    method: Method,
    likelihood: Callable[[FloatArray], FloatArray] | None = None,
    judged: Callable[[Task, Mapping[Name, NodeDraws], int], dict[str, FloatArray]] | None = None,
) -> BlockDraws:
    """A Markov chain's run, thinned evenly to the common number of draws, and judged by R-hat and ESS.

    Args:
        likelihood: The block's log likelihood with latents integrated, at points (point, coordinate), where it is known.
        judged: Gives what the data pin down, as `judged_moments` does.
    """
    if not np.isfinite(run.log_posterior[:, -1]).any():
        raise FitError(
            f"The log density of {task.block.name} is not finite anywhere the sampler went. A prior or a fixed "
            "number is far from the data: check those of these nodes."
        )
    n_made = run.u.shape[1]
    picked = np.linspace(0, n_made - 1, min(task.shape[1], n_made)).round().astype(int)
    draws = node_draws(task, run.u[:, picked])
    log_posterior = run.log_posterior[:, picked]
    result = BlockDraws(
        task.block,
        method,
        draws,
        acceptance=run.acceptance,
        n_divergent=run.n_divergent,
        n_warmup=run.n_warmup,
        n_made=n_made,
        # A chain that never left a point of density 0 has no number that an archive could hold.
        log_posterior=log_posterior if np.isfinite(log_posterior).all() else None,
    )
    functionals = (judged or judged_moments)(task, dict(draws), run.u.shape[0])
    u = run.u[:, picked]
    likelihoods = (
        log_likelihood(task, u) if likelihood is None else likelihood(u.reshape(-1, u.shape[-1])).reshape(u.shape[:2])
    )
    functionals |= {LOG_POSTERIOR: log_posterior, LOG_LIKELIHOOD: likelihoods}
    return replace(result, diagnostics=tuple(diagnose(name, value) for name, value in functionals.items()))


def from_independent(
    task: Task,
    u: FloatArray,
    method: Method,
    *,
    log_weights: FloatArray | None = None,
    approximate: str | None = None,
) -> BlockDraws:
    """Independent draws, importance-weighted or not: resampled to the common number and put in random order.

    Args:
        u: (draw, coordinate); without weights `task.n_kept` of them.
        log_weights: (draw,), log of target over proposal up to a constant; smoothed here by Pareto's tail.
        approximate: What the draws are, if they are not draws of the posterior.
    """
    random = task.random().spawn(1)[0]
    n, khat = task.n_kept, None
    effective = float(n)
    if log_weights is None:
        picked = random.permutation(len(u))[:n]
    else:
        weights, khat = smoothed(log_weights)
        effective = min(float(n), 1.0 / float((weights**2).sum()))
        picked = random.permutation(systematic(weights, n, random))
    draws = node_draws(task, u[picked].reshape(*task.shape, u.shape[1]))
    functionals = judged_moments(task, dict(draws), task.shape[0])
    trusted = effective if khat is None or khat < KHAT_LIMIT else 0.0
    return BlockDraws(
        task.block,
        method,
        draws,
        diagnostics=tuple(Diagnostic(name, None, trusted) for name in functionals),
        independent=True,
        weight_ess=effective,
        khat=khat,
        approximate=approximate,
        n_made=len(u) // task.shape[0],
    )


def resampled(task: Task, weights: FloatArray) -> IntArray:
    """Which draws are kept, chain after chain: with nearly equal weights every draw stays in its chain."""
    return systematic(weights, len(weights), task.random().spawn(7)[6])


def systematic(weights: FloatArray, n: int, random: np.random.Generator) -> IntArray:
    """Which draws are kept, in their order: each as often as its weight says, up to one."""
    return np.searchsorted(np.cumsum(weights), (np.arange(n) + random.uniform()) / n).clip(0, len(weights) - 1)


def from_draws(task: Task, draws: tuple[tuple[Name, NodeDraws], ...], method: Method) -> BlockDraws:
    """Independent draws of the posterior itself, in raw units."""
    functionals = judged_moments(task, dict(draws), task.shape[0])
    diagnostics = tuple(Diagnostic(name, None, float(task.n_kept)) for name in functionals)
    return BlockDraws(task.block, method, draws, diagnostics=diagnostics, independent=True)


def judged_moments(task: Task, draws: Mapping[Name, NodeDraws], n_chains: int) -> dict[str, FloatArray]:
    """What the block's data pin down: moments of its measured nodes given its inputs, over a sample of rows.

    Each row has a twin whose noise and latents are opposite. What these have in common with inputs by chance, which moves with
    how much of a node is noise and how much a latent and which no law depends on, is then nothing.
    """
    random = task.random()
    weights = task.data.weights / task.data.weights.sum()
    n_predictors = max(task.spec[node].family.n_predictors for node in task.block.nodes)
    n = JUDGED_ROWS if len(task.block.nodes) <= FEW_NODES and n_predictors <= FEW_PREDICTORS else FEWER_ROWS
    rows = np.tile(random.choice(len(weights), size=n // 2, p=weights), 2)
    values: dict[Name, FloatArray] = {name: task.data.column(name)[rows][None] for name in task.block.inputs}
    halves = even_uniforms(task.block.nodes, n // 2, random)
    uniforms = {node: np.concatenate([half, 1.0 - half]) for node, half in halves.items()}
    simulate_nodes(task.spec, task.block.nodes, draws, uniforms.__getitem__, values)
    functionals = moments(values, (*task.block.inputs, *task.block.measured), n_chains)
    for name in task.block.inputs:
        # Given one of its effects a node was not drawn: what it has in common with it there is chance.
        for node in set(task.block.measured) & set(task.spec.graph.ancestors([name])):
            functionals.pop(f"cov({name}, {node})", None)
    shape = next(iter(draws.values())).coefficients.shape[:2]
    return functionals | smooth_means(task.spec, task.block.measured, draws, values, shape)
