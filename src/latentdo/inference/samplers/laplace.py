"""`Laplace` and `Map`: the posterior mode of a block with its latents integrated, and the Gaussian that fits there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from latentdo.errors import FitError
from latentdo.models import Table
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray
from ..blocks.draws import POINT, BlockDraws
from ..blocks.engines import Engine
from ..blocks.method import Method
from ..likelihood.density import Layout, Numbers
from ..likelihood.gaussian import gaussian_form
from ..likelihood.task import Task
from .importance import smoothed
from .modes import LogDensity, Mode, climb, numbers_only, refined
from .outcome import from_independent
from .regression import (
    CELLS,
    STRIP,
    SUBSAMPLE,
    density_of,
    find_modes,
    is_large,
    log_density_of,
    sample_of_rows,
    strips_of,
)
from .sign_symmetry import symmetries_of, turned

KHAT_CELLS = 20_000_000
KHAT_DRAWS = 1_000
LEAST_KHAT_DRAWS = 250
MANY_ROWS = 4 * SUBSAMPLE
"""Rows beyond which modes are first looked for in a sample."""
MOST_MODES = 2
"""Modes by a cheaper density that are looked at more closely."""

LAPLACE = "Laplace approximation"
PER_LATENT = (9, 5, 3)
"""Points per latent that are tried, the most first."""
MOST_POINTS = 27
MOST_CELLS = 50_000_000
"""Points times rows times the evaluations of one step towards the mode, beyond which fewer points are taken."""


@dataclass(frozen=True, eq=False)
class Marginal:
    """The log posterior of a block's free coordinates with the latents integrated.

    Attributes:
        density: It.
        rough: A cheaper one, to look for modes by; None where there is no need.
        narrower: How wide the density is beside the rough one.
        points: Points of the quadrature per row; 1 is Laplace's approximation; 0 where the integral is exact or there is none.
        n_rows: Rows that one value of the density takes.
    """

    density: LogDensity
    rough: LogDensity | None = None
    narrower: float = 1.0
    points: int = 0
    n_rows: int = 1

    @property
    def words(self) -> str:
        """How the latents were integrated, for the plan."""
        match self.points:
            case 0:
                return ""
            case 1:
                return ", each row's latents by Laplace's approximation"
            case n:
                return f", each row's latents by {n} points of quadrature"


def laplace(task: Task, engine: Engine) -> BlockDraws:
    """Draws of the Gaussian at the mode, in unbounded coordinates; latents are integrated.

    Linear-Gaussian blocks are integrated exactly and discrete latents summed out; other latents row by row by quadrature about
    the Gaussian that also places them for the samplers. Directions in which the posterior is flat by a symmetry (a rotation of
    latents) stay at the mode: moving along them changes nothing that the data speak of. k-hat is that of the ratio of
    posterior to approximation; where the data leave several directions open the share of draws that would count tells more.

    Source:
        Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities, §2; the integral over
        the latents as in Rue, Martino & Chopin (2009), Approximate Bayesian inference for latent Gaussian models, eq. 3, with
        the quadrature of Liu & Pierce (1994), A note on Gauss-Hermite quadrature.
    """
    del engine
    marginal = _marginal(task)
    mode = _best_mode(task, marginal)
    random = task.random().spawn(4)[3]
    # Exact derivatives leave nothing to refine, and no direction is flat where every parent was measured.
    axes, n_flat = (mode.axes, 0) if is_large(task) else refined(marginal.density, mode)
    normal = random.standard_normal((task.n_kept, len(mode.point)))
    u = mode.point + normal @ axes.T
    facing = turned(u[None], symmetries_of(task.layout, task.numbers), to_reference=True)[0]
    method = Method("Laplace", note=marginal.words)
    result = from_independent(task, facing, method, approximate=LAPLACE)
    flat = "1 direction is" if n_flat == 1 else f"{n_flat} directions are"
    why = [f"{flat} flat by a symmetry and stayed at the mode"] if n_flat else []
    khat, share = _quality(task, marginal, mode.point, axes, random) or (None, 0.0)
    if khat is None:
        why.append("with so many rows Pareto k-hat would take too long")
    else:
        why.append(f"weighted by the posterior, {100 * share:.2g} % of such draws would count")
    return replace(result, khat=khat, why="; ".join(why))


def posterior_mode(task: Task, engine: Engine) -> BlockDraws:
    """One draw: the highest point of the density of the unbounded coordinates, latents integrated as by `laplace`."""
    del engine
    marginal = _marginal(task)
    mode = _best_mode(task, marginal)
    u = turned(mode.point[None, None], symmetries_of(task.layout, task.numbers), to_reference=True)[0]
    result = from_independent(task, u, Method("mode", note=marginal.words), approximate=POINT)
    return replace(result, diagnostics=(), weight_ess=None)


def _best_mode(task: Task, marginal: Marginal) -> Mode:
    """The mode with the largest mass of those reached from dispersed starts.

    Raises:
        FitError: None was reached.
    """
    modes = find_modes(task, marginal.density if marginal.rough is None else marginal.rough, None)
    if marginal.rough is not None:
        climbed = [climb(marginal.density, mode.point, mode.axes * marginal.narrower) for mode in _heaviest(modes)]
        modes = tuple(mode for mode in climbed if mode is not None)
    if not modes:
        raise FitError(
            f"No posterior mode of {task.block.name} was found from any of several starts. Train it by ld.Auto(), which needs "
            "no mode, or give its parameters tighter priors."
        )
    return max(modes, key=Mode.log_mass)


def _heaviest(modes: tuple[Mode, ...]) -> list[Mode]:
    """The heaviest few, without the reflections of a mode, which are as high and as heavy as itself."""
    kept: dict[tuple[float, float], Mode] = {}
    for mode in sorted(modes, key=Mode.log_mass, reverse=True):
        kept.setdefault((round(mode.height, 2), round(mode.log_mass(), 1)), mode)
    return list(kept.values())[:MOST_MODES]


def _marginal(task: Task) -> Marginal:
    """The log posterior with the latents integrated, exactly where that is possible."""
    few = np.sqrt(SUBSAMPLE / task.rows.n_stored)
    if task.is_equation:
        # Of a normal node the rows are few numbers.
        n_rows = 1 if task.layout.nodes[0].family.linear_gaussian else task.rows.n_stored
        return Marginal(log_density_of(task), sample_of_rows(task), few, n_rows=n_rows)
    exact_form = gaussian_form(task)
    if isinstance(exact_form, str):
        rows = merged_rows(task)
        points = n_points(task, rows)
        whole, counted = by_quadrature(task, rows, points), points if task.layout.n_noise else 0
        if rows.n_stored > MANY_ROWS and (sampled := sample_of_rows(task)) is not None:
            return Marginal(whole, sampled, few, counted, rows.n_stored)
        rough = by_quadrature(task, rows, 1) if points > 1 else None
        return Marginal(whole, rough, 1.0, counted, rows.n_stored)
    return Marginal(density_of(*exact_form))


def _quality(
    task: Task, marginal: Marginal, point: FloatArray, axes: FloatArray, random: np.random.Generator
) -> tuple[float, float] | None:
    """Pareto k-hat of posterior over approximation, and the effective share of draws so weighted; None where they cost too much.

    By draws of its own. Where directions are flat it is that of the slice through the mode on which the draws lie.
    """
    n_rows = task.rows.n_stored if marginal.points == 1 else marginal.n_rows * max(marginal.points, 1)
    n = min(KHAT_DRAWS, KHAT_CELLS // n_rows)
    if n < LEAST_KHAT_DRAWS:
        return None
    normal = random.standard_normal((n, len(point))) * axes.any(axis=0)
    u = point + normal @ axes.T
    values = _joint(task, u, random) if marginal.points == 1 else marginal.density(u)
    weights, khat = smoothed(values + 0.5 * (normal**2).sum(axis=1))
    return khat, 1.0 / float((weights**2).sum()) / n


def _joint(task: Task, u: FloatArray, random: np.random.Generator) -> FloatArray:
    """Log posterior of parameters and latents over the law of the latents' noise in the approximation, at one draw of it."""
    rows = task.rows.n_stored
    size = max(1, CELLS // rows)
    parts = []
    with np.errstate(all="ignore"):
        for begin in range(0, len(u), size):
            part = u[begin : begin + size, None, :]
            z = random.standard_normal((task.layout.n_noise, len(part), rows))
            log_prior, each = task.layout.log_parts(NUMPY, task.numbers, part, z)
            parts.append(log_prior[:, 0] + each.sum(axis=-1) + 0.5 * (z**2).sum(axis=(0, 2)))
    values = np.concatenate(parts)
    return numbers_only(values)


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
        return numbers_only(total)

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
