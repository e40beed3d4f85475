"""One-equation blocks: the modes, and importance sampling from Student laws around them. Milliseconds, and independent draws.

A small block is computed in NumPy, since compiling would cost more than all the rest; a normal node by sufficient
statistics, however many rows it has; other long columns in one compiled pass.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from latentdo.models import Normal
from latentdo.models.build import NUMPY

from .coordinates import FloatArray
from .density import AbstractForm, assemble, log_posterior, unpack
from .engines import Engine
from .ensemble import JAX
from .importance import smoothed
from .modes import LogDensity, Mode, climb
from .outcome import from_independent
from .posterior import BlockDraws
from .proposal import around, fitted
from .task import Task

CELLS = 250_000
"""Cells (draws x rows) that are in memory at a time."""
IN_NUMPY = 30_000_000
"""Cells in all up to which NumPy is quicker than compiling."""
COMPILED_CELLS = 2_000_000_000
"""Cells in all that long columns may cost: they bound the number of draws."""
LEAST_DRAWS = 1_000
SUBSAMPLE = 5_000
"""Rows on which modes are first looked for, where there are many more."""
GOOD_KHAT = 0.5
KHAT_LIMIT = 0.7
ROUNDS = 3
"""Proposals tried: around the modes, then refitted to the draws so far."""


def regression(task: Task, engine: Engine) -> BlockDraws | str:
    """A single measured node without latent parents."""
    del engine
    if task.block.latent or len(task.block.nodes) != 1:
        return "the block has latent nodes"
    density, n_draws = log_density_of(task)
    modes = find_modes(task, density)
    if not modes:
        return "no mode of the posterior was found"
    random = task.random().spawn(2)[1]
    proposal = around(modes, density)
    best: tuple[FloatArray, FloatArray, float, float] | None = None
    for _ in range(ROUNDS):
        u = proposal.draw(n_draws, random)
        log_weights = density(u) - proposal.log_density(u)
        weights, khat = smoothed(log_weights)
        effective = 1.0 / float((weights**2).sum())
        if best is None or _rank(khat, effective) > _rank(*best[2:]):
            best = (u, log_weights, khat, effective)
        if khat < GOOD_KHAT and effective >= 0.25 * n_draws:
            break
        refitted = fitted(u, weights) if np.isfinite(khat) else None
        if refitted is None:
            break
        proposal = proposal.joined(refitted)
    assert best is not None
    where = "the mode" if len(modes) == 1 else f"{len(modes)} modes"
    return from_independent(
        task, best[0], f"importance sampling around {where}, {n_draws:,} draws", log_weights=best[1]
    )


def _rank(khat: float, effective: float) -> tuple[bool, bool, float]:
    """The better trusted first, then the more effective draws."""
    return (khat < GOOD_KHAT, khat < KHAT_LIMIT, effective if khat < KHAT_LIMIT else -khat)


def find_modes(task: Task, density: LogDensity) -> tuple[Mode, ...]:
    """The modes reached from dispersed starts, the heaviest first; those that weigh next to nothing are left out."""
    starts = task.starts(64)
    first, width = density, 0.3
    if task.rows.n_stored > 4 * SUBSAMPLE and not _normal(task):
        # A sample of the rows says roughly where to look; the last steps are taken with all of them.
        first, width = _sampled(task), 0.01
    values = first(starts)
    order = [int(k) for k in np.argsort(-values) if np.isfinite(values[k])]
    # The best start, and three taken as they come.
    chosen = list(dict.fromkeys([*order[:1], *[k for k in range(3) if k in order]]))
    reached = [climb(first, starts[k]) for k in chosen]
    found = _distinct([mode for mode in reached if mode is not None])
    if first is not density:
        polished = [climb(density, mode.point, width) for mode in found]
        found = _distinct([mode for mode in polished if mode is not None])
    if not found:
        return ()
    heaviest = max(mode.log_mass() for mode in found)
    return tuple(mode for mode in found if mode.log_mass() > heaviest - 12.0)


def _distinct(modes: list[Mode]) -> list[Mode]:
    """Modes that are not the same point reached twice, the highest first."""
    kept: list[Mode] = []
    for mode in sorted(modes, key=lambda mode: -mode.height):
        distances = [np.linalg.norm(np.linalg.solve(other.axes, mode.point - other.point)) for other in kept]
        if all(distance > 0.5 for distance in distances):
            kept.append(mode)
    return kept


def log_density_of(task: Task) -> tuple[LogDensity, int]:
    """The log posterior of the block's free coordinates, and how many draws to take at what it costs."""
    n_draws = 2 * task.n_kept
    if _normal(task):
        return _by_moments(task), n_draws
    rows = task.rows.n_stored
    if rows * n_draws <= IN_NUMPY:
        return _in_numpy(task.layout, task.numbers, rows), n_draws
    return compiled(task.layout, task.numbers, rows), max(LEAST_DRAWS, min(n_draws, COMPILED_CELLS // rows))


def _normal(task: Task) -> bool:
    return isinstance(task.layout.nodes[0].family, Normal)


def _in_numpy(form: AbstractForm, numbers: Any, rows: int) -> LogDensity:
    """By rows, some draws at a time."""
    nothing = np.empty((0, rows))
    size = max(1, CELLS // rows)

    def density(u: FloatArray) -> FloatArray:
        found = []
        with np.errstate(all="ignore"):
            for begin in range(0, len(u), size):
                log_prior, each = form.log_parts(NUMPY, numbers, u[begin : begin + size, None, :], nothing)
                found.append(log_prior[:, 0] + each.sum(axis=-1))
        return _numbers_only(np.concatenate(found))

    return density


def compiled(form: AbstractForm, numbers: Any, rows: int) -> LogDensity:
    """By rows, in one compiled loop over draws, with all noise at 0."""
    size = int(np.clip(CELLS // rows, 1, 256))
    arrays = jax.tree.map(jnp.asarray, numbers)
    noise = jnp.zeros((form.n_noise, rows))

    def density(u: FloatArray) -> FloatArray:
        found = []
        for begin in range(0, len(u), 256):
            part = np.asarray(u[begin : begin + 256], dtype=float)
            # Few lengths, few compilations.
            length = 16 if len(part) <= 16 else 256
            padded = np.concatenate([part, np.repeat(part[:1], length - len(part), axis=0)])
            found.append(np.asarray(_values(form, min(size, length), arrays, padded, noise))[: len(part)])
        return _numbers_only(np.concatenate(found))

    return density


def _evaluate(form: AbstractForm, size: int, numbers: Any, u: Any, noise: Any) -> Any:
    return jax.lax.map(lambda point: log_posterior(JAX, form, numbers, point, noise), u, batch_size=size)


_values = jax.jit(_evaluate, static_argnums=(0, 1))


def _sampled(task: Task) -> LogDensity:
    """The log posterior with a sample of the rows in place of all."""
    rows = task.rows
    picked = task.random().choice(np.flatnonzero(rows.weights > 0), size=SUBSAMPLE, replace=False)
    sample = replace(
        rows, columns=tuple((name, values[picked]) for name, values in rows.columns), weights=rows.weights[picked]
    )
    layout, numbers = assemble(task.spec, task.block, task.coordinates, sample)
    scaled = numbers._replace(weights=numbers.weights * (rows.n_rows / sample.n_rows))
    return _in_numpy(layout, scaled, SUBSAMPLE)


def _by_moments(task: Task) -> LogDensity:
    """A normal node by its sufficient statistics: Σ w (y - Xb)² = residual sum of squares + (b - b̂)' X'WX (b - b̂)."""
    layout, numbers = task.layout, task.numbers
    own, weights = numbers.nodes[0], numbers.weights
    x = np.column_stack([np.ones(len(weights)), own.design.T])
    root = np.sqrt(weights)
    triangle = np.asarray(np.linalg.qr(x * root[:, None], mode="r"), dtype=float)
    best = np.linalg.lstsq(x * root[:, None], own.y * root, rcond=None)[0]
    residual = float(weights @ (own.y - x @ best) ** 2)
    n = float(weights.sum())

    def density(u: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            (at,) = unpack(NUMPY, layout, numbers, u)
            sd = at.parameters["sd"]
            moved = np.broadcast_to(at.sampled, (len(u), len(best))) - best
            squares = residual + np.sum((moved @ triangle.T) ** 2, axis=1)
            return _numbers_only(at.log_prior - 0.5 * squares / sd**2 - n * np.log(sd))

    return density


def _numbers_only(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), -np.inf, values)
