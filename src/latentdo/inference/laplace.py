"""`Laplace` and `Map`: the posterior mode of a block with its latents integrated, and the Gaussian that fits there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentdo.errors import FitError
from latentdo.models.build import NUMPY

from .coordinates import FloatArray
from .engines import Engine
from .gaussian import gaussian_form
from .importance import smoothed
from .mirrors import mirrors, turned
from .modes import LogDensity, Mode, refined
from .outcome import from_independent
from .posterior import BlockDraws
from .regression import CELLS, by_rows, find_modes, log_density_of, sample_of_rows
from .task import Task

KHAT_CELLS = 40_000_000
KHAT_DRAWS = 1_000

LAPLACE = "Laplace approximation"
MAP = "posterior mode alone"


def laplace(task: Task, engine: Engine) -> BlockDraws | str:
    """Draws of the Gaussian at the mode, in unbounded coordinates; latents are integrated.

    Linear-Gaussian blocks are integrated exactly. In others the integral over a row's latents is its one-point Laplace
    approximation p(u, z) / q(z | u) at the centre of q, the Gaussian that also places the latents for the samplers: exact where
    all is Gaussian. Directions in which the posterior is flat by a symmetry (a rotation of latents) stay at the mode: moving
    along them changes nothing that the data speak of. k-hat is that of the ratio of posterior to approximation, over
    parameters and latents together.

    Source:
        Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities, §2 and eq. 4.1; Rue,
        Martino & Chopin (2009), Approximate Bayesian inference for latent Gaussian models, eq. 3.
    """
    del engine
    density = _marginal(task)
    mode = _best_mode(task, density)
    random = task.random().spawn(4)[3]
    normal = random.standard_normal((task.n_kept, len(mode.point)))
    axes, n_flat = refined(density, mode)
    u = mode.point + normal @ axes.T
    facing = turned(u[None], mirrors(task.layout, task.numbers), to_reference=True)[0]
    result = from_independent(task, facing, "Laplace approximation at the posterior mode", approximate=LAPLACE)
    if n_flat:
        return replace(result, why=f"{n_flat} directions are flat by a symmetry and were left at the mode")
    return replace(result, khat=_khat(task, density, u, normal, random))


def posterior_mode(task: Task, engine: Engine) -> BlockDraws | str:
    """One draw: the highest point of the density of the unbounded coordinates, latents integrated as by `laplace`."""
    del engine
    mode = _best_mode(task, _marginal(task))
    u = turned(mode.point[None, None], mirrors(task.layout, task.numbers), to_reference=True)[0]
    found = from_independent(task, u, "posterior mode in unbounded coordinates", approximate=MAP)
    return replace(found, diagnostics=(), weight_ess=None)


def _best_mode(task: Task, density: LogDensity) -> Mode:
    """The mode with the largest mass of those reached from dispersed starts.

    Raises:
        FitError: None was reached.
    """
    modes = find_modes(task, density, sample_of_rows(task))
    if not modes:
        raise FitError(
            f"No posterior mode of {task.block.name} was found from any of several starts. Train it by ld.Auto(), which needs "
            "no mode, or give its parameters tighter priors."
        )
    return max(modes, key=Mode.log_mass)


def _marginal(task: Task) -> LogDensity:
    """The log posterior of the free coordinates, with latents integrated, exactly or by Laplace's approximation."""
    if not task.block.latent and len(task.block.nodes) == 1:
        return log_density_of(task)
    found = gaussian_form(task)
    if isinstance(found, str):
        return by_rows(task, task.rows)
    form, numbers = found

    def density(u: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            log_prior, rows = form.log_parts(NUMPY, numbers, u, np.empty((0, 1)))
        values = log_prior + rows.sum(axis=-1)
        return np.where(np.isnan(values), -np.inf, values)

    return density


def _khat(
    task: Task,
    density: LogDensity,
    u: FloatArray,
    normal: FloatArray,
    random: np.random.Generator,
) -> float | None:
    """Pareto k-hat of posterior over approximation; None where it would take too long."""
    log_proposal = -0.5 * (normal**2).sum(axis=1)
    if not task.layout.n_noise or not isinstance(gaussian_form(task), str):
        return smoothed(density(u) - log_proposal)[1]
    rows = task.rows.n_stored
    if rows * KHAT_DRAWS > KHAT_CELLS:
        return None
    n = min(len(u), KHAT_CELLS // rows)
    return smoothed(_joint(task, u[:n], random) - log_proposal[:n])[1]


def _joint(task: Task, u: FloatArray, random: np.random.Generator) -> FloatArray:
    """Log posterior of parameters and latents over the law of the latents' noise in the approximation, at one draw of it."""
    rows = task.rows.n_stored
    size = max(1, CELLS // rows)
    found = []
    with np.errstate(all="ignore"):
        for begin in range(0, len(u), size):
            part = u[begin : begin + size, None, :]
            z = random.standard_normal((task.layout.n_noise, len(part), rows))
            log_prior, each = task.layout.log_parts(NUMPY, task.numbers, part, z)
            found.append(log_prior[:, 0] + each.sum(axis=-1) + 0.5 * (z**2).sum(axis=(0, 2)))
    values = np.concatenate(found)
    return np.where(np.isnan(values), -np.inf, values)
