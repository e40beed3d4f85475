"""Blocks whose latents are integrated out, so that only their parameters are left to be sampled.

Three ways, cheapest first: importance sampling around the modes, where the data pin the parameters down; with many rows
importance sampling along the ridges that they leave open; ensemble HMC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentdo.models.build import NUMPY
from latentdo.tables import IntArray

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import KHAT_LIMIT
from ..blocks.draws import BlockDraws
from ..blocks.engines import Auto, Engine
from ..blocks.method import Method
from ..likelihood.attenuation import Eased
from ..likelihood.density import AbstractForm
from ..likelihood.gaussian import gaussian_form
from ..likelihood.lattice import MOST_POINTS, Cells, LatticeForm, LatticeNumbers, lattice_form, loadings_at, spacings
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .importance import smoothed
from .modes import Mode, climb, numbers_only
from .outcome import from_chains, from_independent
from .regression import GOOD_KHAT, WeightedDraws, adapted_sample, distinct, find_modes, importance_sample
from .ridges import Features, Target, along_ridges, scored
from .sampling import LONG_FIRST_RUN, SINGLE_ROWS, longest, run_ensemble
from .sign_symmetry import SignSymmetry, symmetries_of, turned

FEW_ROWS = 500
"""Rows up to which chains find their way from anywhere."""
CHUNK = 2_000
"""Points whose densities are computed together."""
LEAST_EFFECTIVE = 1_000.0
"""What importance sampling must reach where latents may leave directions open: k-hat is too kind to long ridges."""
MANY_COORDINATES, CHAINED_ROWS = 20, 5_000.0
"""Coordinates beyond which, and rows up to which chains go on from importance draws along ridges."""
LEAST_REPEATED = 4
"""Rows per distinct row from which merging them is worth while."""
PILOT_ROWS = 1_000.0
"""What all rows count for where the mode is first looked for."""
MARGIN = 1.3
FINER, FARTHER = 0.7, 6.0
"""Spacing, as a share, and radius of the lattice that another is compared with."""
SCORING_STEPS = 60
CHECKED = 200
"""Draws at which the lattice is compared with a finer one."""
LARGEST_OFF = 0.3
"""Largest standard deviation of their difference in log density."""
LIGHT = 1e-3
"""Mass of a mode, as a share of the heaviest one's, below which no chain starts at it."""


@dataclass(frozen=True, eq=False)
class Marginal:
    """A form of a block that has no noise, with what is known of it.

    Attributes:
        words: What became of the latents, for the plan.
        features: See `ridges.Features`.
        n_rows: What the rows count for.
    """

    form: AbstractForm
    numbers: Any
    words: str
    features: Features
    n_rows: float

    def density(self, u: FloatArray) -> FloatArray:
        """The log posterior at points (point, coordinate)."""
        log_prior, likelihood = self.parts(u)
        return numbers_only(log_prior + likelihood)

    def likelihood(self, u: FloatArray) -> FloatArray:
        """The log likelihood at points (point, coordinate)."""
        return self.parts(u)[1]

    def counted(self, share: float) -> Marginal:
        """The same with every row counted as `share` rows."""
        return replace(self, numbers=self.numbers.counted(share))

    def parts(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log prior and log likelihood at points (point, coordinate)."""
        priors, likelihoods = [], []
        with np.errstate(all="ignore"):
            for at in range(0, len(u), CHUNK):
                log_prior, rows = self.form.log_parts(NUMPY, self.numbers, u[at : at + CHUNK], np.empty((0, 1)))
                priors.append(log_prior)
                likelihoods.append(rows.sum(axis=-1))
        return np.concatenate(priors), np.concatenate(likelihoods)


def gaussian(task: Task, engine: Engine) -> BlockDraws | str:
    """Linear-Gaussian blocks, whose latents are integrated out in closed form."""
    form_found = gaussian_form(task)
    if isinstance(form_found, str):
        return form_found
    form, numbers = form_found
    marginal = Marginal(
        form,
        numbers,
        "parameters, latents integrated out in closed form",
        lambda u: form.innovations(numbers, u),
        float(np.sum(numbers.n_rows)),
    )
    assert isinstance(engine, Auto)
    modes = _modes(task, marginal)
    if (result := around_modes(task, marginal, modes)) is not None:
        return result
    drawn = None
    if modes and marginal.n_rows > FEW_ROWS:
        target = Target(marginal.density, lambda u: marginal.parts(u)[0], marginal.features, marginal.n_rows)
        drawn = along_ridges(target, modes, task.random().spawn(6)[5], _sides(task), task.tell)
    if drawn is not None and _is_reliable(drawn, marginal.n_rows):
        method = Method("importance sampling", of=f"of {marginal.words}, along ridges", draws=len(drawn.u))
        u = turned(drawn.u, _sides(task), to_reference=True)
        return from_independent(task, u, method, log_weights=drawn.log_weights)
    return by_chains(task, engine, marginal, modes, drawn)


def _is_reliable(drawn: WeightedDraws, n_rows: float) -> bool:
    """Whether importance draws along ridges stand for the posterior.

    In many coordinates a part of a ridge may be missing of which neither the weights nor k-hat say anything. While the rows are
    not too many for it chains go on from the draws, and find it.
    """
    return is_good(drawn) and (drawn.u.shape[1] <= MANY_COORDINATES or n_rows > CHAINED_ROWS)


def _modes(task: Task, marginal: Marginal) -> tuple[Mode, ...]:
    """The modes without reflections of each other, the highest first.

    Many rows are counted less at first: from far away a narrow mode is found in many steps only.
    """
    share = min(1.0, PILOT_ROWS / marginal.n_rows)
    few = marginal.counted(share) if share < 1.0 else marginal
    modes = _on_one_side(task, find_modes(task, few.density, None))
    if share < 1.0:
        modes = tuple(distinct([climb(marginal.density, mode.point, mode.axes * np.sqrt(share)) for mode in modes]))
    return modes


def by_chains(
    task: Task, engine: Auto, marginal: Marginal, modes: tuple[Mode, ...], drawn: WeightedDraws | None
) -> BlockDraws:
    """Chains: of few rows from all over the prior, from where they would not find the narrow place that many leave.

    Args:
        drawn: Draws of roughly the posterior from which they start.
    """

    def finish(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        return from_chains(task, run, method, marginal.likelihood)

    many = marginal.n_rows > FEW_ROWS
    near = None if drawn is None else drawn.u[_resampled(task, smoothed(drawn.log_weights)[0])]
    return run_ensemble(
        task,
        engine,
        marginal.form,
        marginal.numbers,
        marginal.words if near is None else f"{marginal.words}, from draws along ridges on",
        modes=_heavy(modes) if near is None and (many or len(modes) > 1) else (),
        near=near,
        longest=longest(marginal.n_rows),
        finish=finish,
        part="" if near is None else "ridges",
    )


def _heavy(modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """The modes that have some of the mass. From all over the prior chains end in a light one as soon as in another, and stay."""
    least = max((mode.log_mass() for mode in modes), default=0.0) + np.log(LIGHT)
    return tuple(mode for mode in modes if mode.log_mass() > least)


def _sides(task: Task) -> tuple[SignSymmetry, ...]:
    return tuple(symmetry for symmetry in symmetries_of(task.layout, task.priors) if isinstance(symmetry, SignSymmetry))


def _on_one_side(task: Task, modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """Modes turned to one side, each once."""
    if not modes:
        return ()
    points = np.array([mode.point for mode in modes])
    facing = turned(points, _sides(task))
    signs = np.where(facing == points, 1.0, -1.0)[..., None]
    return tuple(
        distinct(
            [
                replace(mode, point=at, axes=sign * mode.axes)
                for mode, at, sign in zip(modes, facing, signs, strict=True)
            ]
        )
    )


def around_modes(task: Task, marginal: Marginal, modes: tuple[Mode, ...]) -> BlockDraws | None:
    """Independent draws by importance sampling around the modes; None where that cannot be relied on."""
    if not modes:
        return None
    sides = _sides(task)
    random = task.random().spawn(5)[4]
    drawn = importance_sample(marginal.density, modes, 2 * task.n_kept, random, marginal.density, sides)
    if not is_good(drawn):
        return None
    where = "the mode" if len(modes) == 1 else f"{len(modes)} modes"
    method = Method("importance sampling", of=f"of {marginal.words}, around {where}", draws=len(drawn.u))
    return from_independent(task, turned(drawn.u, sides, to_reference=True), method, log_weights=drawn.log_weights)


def _resampled(task: Task, weights: FloatArray) -> IntArray:
    """Which draws are kept, chain after chain: with nearly equal weights every draw stays in its chain."""
    n = len(weights)
    offset = task.random().spawn(7)[6].uniform()
    return np.searchsorted(np.cumsum(weights), (np.arange(n) + offset) / n).clip(0, n - 1)


def _weighted(result: BlockDraws, effective: float, khat: float) -> BlockDraws:
    """Chains whose draws were weighted, with how good the weights are; no statement where they cannot be relied on."""
    diagnostics = result.diagnostics
    if khat >= KHAT_LIMIT:
        diagnostics = tuple(replace(diagnostic, ess=0.0) for diagnostic in diagnostics)
    return replace(result, khat=khat, weight_ess=effective, diagnostics=diagnostics)


def is_good(drawn: WeightedDraws) -> bool:
    """Whether importance draws may be relied on where latents leave directions open."""
    return drawn.khat < GOOD_KHAT and drawn.effective >= LEAST_EFFECTIVE


def discrete(task: Task, engine: Engine) -> BlockDraws | str:
    """Binary columns, equal rows merged: their normal latents integrated on a lattice of points."""
    assert isinstance(engine, Auto)
    form_found = lattice_form(task, least_repeated=LEAST_REPEATED)
    if isinstance(form_found, str):
        return form_found
    placed = _placed(task, *form_found)
    if isinstance(placed, str):
        return placed
    mode, spacing, cells = placed
    form_found = lattice_form(task, FINER * spacing, radius=FARTHER, most_points=50 * MOST_POINTS)
    if isinstance(form_found, str):
        return form_found
    finer = Cells(*form_found)
    points = f"{task.cells.n_stored:,} distinct rows, latents integrated over {len(cells.numbers.points):,} points"
    sides = _sides(task)

    def error(u: FloatArray) -> FloatArray:
        """What a finer lattice adds to the log density of draws (draw, coordinate)."""
        return finer.parts(u)[1] - cells.parts(u)[1]

    eased = _eased(task, cells)
    drawn = adapted_sample(_target(cells, eased).density, mode, task.random().spawn(8)[7], LEAST_EFFECTIVE, sides)
    if drawn is not None:
        u, _ = eased.usual(drawn.u)
        off = float(np.std(error(u[-CHECKED:])))
        if off < LARGEST_OFF:
            note = f"; {points} ({_off(off)})"
            method = Method("importance sampling", of="of parameters around the mode", draws=len(drawn.u), note=note)
            return from_independent(task, turned(u, sides, to_reference=True), method, log_weights=drawn.log_weights)

    def on_cells(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        own, log_jacobian = eased.usual(run.u)
        run = replace(run, u=turned(own, sides, to_reference=True), log_posterior=run.log_posterior - log_jacobian)
        n_made = run.u.shape[1]
        picked = np.linspace(0, n_made - 1, min(task.shape[1], n_made)).round().astype(int)
        u = run.u[:, picked].reshape(-1, run.u.shape[-1])
        result = from_chains(task, run, method, lambda u: cells.parts(u)[1])
        if not result.certified:
            return result
        off = float(np.std(error(u[:: len(u) // CHECKED])))
        method = replace(method, note=f" ({_off(off)})")
        if off < LARGEST_OFF:
            return replace(result, method=method)
        log_weights = error(u)
        weights, khat = smoothed(log_weights)
        chosen = _resampled(task, weights)
        shape = (len(run.u), len(picked))
        log_posterior = (run.log_posterior[:, picked].reshape(-1) + log_weights)[chosen].reshape(shape)
        moved = replace(run, u=u[chosen].reshape(*shape, -1), log_posterior=log_posterior)
        result = from_chains(task, moved, method, lambda u: cells.parts(u)[1])
        return _weighted(replace(result, n_made=n_made), 1.0 / float((weights**2).sum()), khat)

    return run_ensemble(
        task,
        engine,
        eased.form,
        eased.numbers,
        f"parameters; {points}",
        single=task.data.n_rows <= SINGLE_ROWS,
        modes=(mode,),
        first=LONG_FIRST_RUN,
        finish=on_cells,
        part="cells",
    )


def _off(error: float) -> str:
    return f"a finer lattice moves log densities by {error:.2g}"


def _eased(task: Task, cells: Cells) -> Eased:
    """Cells in the coordinates that are sampled."""
    form, numbers = cells.form, cells.numbers
    return Eased.of(form, numbers, form.program, numbers.program, task.layout.n_free)


def _target(cells: Cells, eased: Eased) -> Target:
    """Cells as `along_ridges` sees them, in coordinates that are easier to sample."""
    own = cells.numbers.program

    def log_prior(x: FloatArray) -> FloatArray:
        u, log_jacobian = eased.usual(x)
        with np.errstate(all="ignore"):
            return np.asarray(cells.form.program.placed(NUMPY, own, u)[0] + log_jacobian)

    def density(x: FloatArray) -> FloatArray:
        u, log_jacobian = eased.usual(x)
        with np.errstate(all="ignore"):
            return numbers_only(cells.density(u) + log_jacobian)

    return Target(density, log_prior, lambda x: cells.features(eased.usual(x)[0]), float(cells.counts.sum()))


def _placed(task: Task, form: LatticeForm, numbers: LatticeNumbers) -> tuple[Mode, FloatArray, Cells] | str:
    """The mode with all rows, in easier coordinates, and a lattice fine enough there with its spacing; or why there is none."""
    n_rows = task.data.n_rows
    few = Cells(form, numbers.counted(min(1.0, PILOT_ROWS / n_rows)))
    eased = _eased(task, few)
    target = _target(few, eased)
    starts = eased.easier(task.starts(64))
    order = np.argsort(-target.density(starts))
    one = np.eye(starts.shape[1])
    modes = [mode for k in order[:2] if (mode := scored(target, starts[k], one, SCORING_STEPS)) is not None]
    if not modes:
        return "no mode of the posterior was found"
    mode = max(modes, key=Mode.log_mass)
    spacing = np.full(task.layout.n_noise, np.inf)
    cells = Cells(form, numbers)

    def needed(at: Mode) -> FloatArray:
        """Somewhat larger loadings than the mode's are within the posterior; with all rows the mode may have larger ones."""
        return spacings(MARGIN * loadings_at(form, numbers, eased.usual(at.point)[0]), n_rows)

    while (fine := needed(mode)).min() < 0.8 * spacing.min():
        spacing = fine
        form_found = lattice_form(task, spacing)
        if isinstance(form_found, str):
            return form_found
        cells = Cells(*form_found)
        higher = scored(_target(cells, eased), mode.point, mode.axes, SCORING_STEPS)
        if higher is None:
            return "no mode of the posterior was found"
        mode = higher
    return mode, spacing, cells
