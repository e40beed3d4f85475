"""Blocks whose latents are integrated out, so that only their parameters are left to be sampled.

Three ways, cheapest first: importance sampling around the modes, where the data pin the parameters down; with many rows
importance sampling along the ridges that they leave open; ensemble HMC.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentdo.models.build import NUMPY
from latentdo.tables import IntArray

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import KHAT_LIMIT, Diagnostic
from ..blocks.draws import BlockDraws
from ..blocks.engines import Auto, Engine
from ..blocks.method import Method
from ..likelihood.attenuation import attenuated, easier, usual
from ..likelihood.density import AbstractForm
from ..likelihood.gaussian import gaussian_form
from ..likelihood.lattice import MOST_POINTS, Cells, LatticeForm, LatticeNumbers, lattice_form, loadings_at, spacings
from ..likelihood.task import Task
from .contraction import OPEN, Features, contracted, information
from .ensemble import ChainDraws
from .importance import smoothed
from .modes import Mode, climb, newton, numbers_only
from .outcome import from_chains, from_independent
from .regression import adapted_sample, distinct, find_modes, importance_sample
from .ridges import Target, along_ridges
from .sampling import LONG_FIRST_RUN, SINGLE_ROWS, run_ensemble
from .sign_symmetry import SignSymmetry, symmetries_of, turned

FEW_ROWS = 500
"""Rows that chains see at most: with more, every row is counted less."""
MOST_STEPS = 4_000
"""Transitions after which contraction is given up."""
CHUNK = 2_000
"""Points whose densities are computed together."""
GOOD_KHAT = 0.5
LEAST_EFFECTIVE = 1_000.0
"""What importance sampling must reach where latents may leave directions open: k-hat is too kind to long ridges."""
MANY_COORDINATES, CHAINED_ROWS = 20, 5_000.0
"""Coordinates beyond which, and rows up to which chains go on from importance draws along ridges."""
MOST_AT_ONCE, STEP_BEYOND = 50.0, 8.0
"""How many times as many rows draws are contracted to at once, and in each step beyond: far away they may lie beyond a fold."""
LEAST_REPEATED = 4
"""Rows per distinct row from which merging them is worth while."""
PILOT_ROWS = 1_000.0
"""What all rows count for where the mode is first looked for."""
MARGIN = 1.3
FINER, FARTHER = 0.7, 6.0
"""Spacing, as a share, and radius of the lattice that another is compared with."""
NEAR = 1e-3
"""How far from the mode its axes are seen in other coordinates, in units of the density's width."""
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
        features: See `contraction.Features`.
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
    modes = _modes(task, marginal, numbers.counted)
    return (
        around_modes(task, marginal, modes)
        or around_ridges(task, engine, marginal, modes)
        or by_chains(task, engine, marginal, modes, numbers.counted)
    )


def _modes(task: Task, marginal: Marginal, counted: Callable[[float], Any]) -> tuple[Mode, ...]:
    """The modes without reflections of each other, the highest first.

    Many rows are counted less at first: from far away a narrow mode is found in many steps only.
    """
    share = min(1.0, PILOT_ROWS / marginal.n_rows)
    few = replace(marginal, numbers=counted(share)) if share < 1.0 else marginal
    modes = _on_one_side(task, find_modes(task, few.density, None))
    if share < 1.0:
        modes = tuple(distinct([climb(marginal.density, mode.point, mode.axes * np.sqrt(share)) for mode in modes]))
    return modes


def by_chains(
    task: Task, engine: Auto, marginal: Marginal, modes: tuple[Mode, ...], counted: Callable[[float], Any]
) -> BlockDraws:
    """Chains; by contraction first where rows are many and leave a direction open.

    Where they pin down everything the posterior of a million rows is as easy for chains as that of a thousand.

    Args:
        counted: The numbers of `marginal` with every row counted as a share of one.
    """
    share = FEW_ROWS / marginal.n_rows
    starts, why = _heavy(modes) if len(modes) > 1 else (), ""
    if share < 1.0 and modes and pins_down(marginal, modes[0]):
        # From all over the prior chains would not find a place this narrow.
        starts = starts or modes
    elif share < 1.0:
        result = by_contraction(task, engine, marginal, counted(share), share)
        if result.certified:
            return result
        why = f"{result.method} was tried first and not certified"

    def direct(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        return from_chains(task, run, method, marginal.likelihood)

    result = run_ensemble(task, engine, marginal.form, marginal.numbers, marginal.words, modes=starts, finish=direct)
    return replace(result, why=why)


def _heavy(modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """The modes that have some of the mass. From all over the prior chains end in a light one as soon as in another, and stay."""
    least = max(mode.log_mass() for mode in modes) + np.log(LIGHT)
    return tuple(mode for mode in modes if mode.log_mass() > least)


def pins_down(marginal: Marginal, mode: Mode) -> bool:
    """Whether the rows say much about every direction at a mode."""
    told = information(marginal.features, mode, marginal.n_rows)
    return bool((told > OPEN).all())


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
    if drawn.khat >= GOOD_KHAT or drawn.effective < LEAST_EFFECTIVE:
        return None
    where = "the mode" if len(modes) == 1 else f"{len(modes)} modes"
    method = Method("importance sampling", of=f"of {marginal.words}, around {where}", draws=len(drawn.u))
    return from_independent(task, turned(drawn.u, sides, to_reference=True), method, log_weights=drawn.log_weights)


def around_ridges(task: Task, engine: Auto, marginal: Marginal, modes: tuple[Mode, ...]) -> BlockDraws | None:
    """Independent draws by importance sampling along the ridges of many rows; None where chains do or it cannot be relied on.

    In many coordinates a part of a ridge may be missing of which neither the weights nor k-hat say anything. While the rows are
    not too many for it chains go on from the draws, and find it.
    """
    if not modes or marginal.n_rows <= FEW_ROWS:
        return None
    sides = _sides(task)
    target = Target(marginal.density, lambda u: marginal.parts(u)[0], marginal.features, marginal.n_rows)
    drawn = along_ridges(target, modes, task.random().spawn(6)[5], sides, task.tell)
    if drawn is None:
        return None
    if drawn.u.shape[1] > MANY_COORDINATES and marginal.n_rows <= CHAINED_ROWS:

        def direct(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
            return from_chains(task, run, method, marginal.likelihood)

        near = drawn.u[_resampled(task, smoothed(drawn.log_weights)[0])]
        words = f"{marginal.words}, from draws along ridges on"
        result = run_ensemble(
            task, engine, marginal.form, marginal.numbers, words, near=near, finish=direct, part="ridges"
        )
        return result if result.certified else None
    if drawn.khat >= GOOD_KHAT or drawn.effective < LEAST_EFFECTIVE:
        return None
    method = Method("importance sampling", of=f"of {marginal.words}, along ridges", draws=len(drawn.u))
    return from_independent(task, turned(drawn.u, sides, to_reference=True), method, log_weights=drawn.log_weights)


def by_contraction(task: Task, engine: Auto, marginal: Marginal, counted: Any, share: float) -> BlockDraws:
    """Chains with every row counted as `share` rows, their draws contracted.

    Args:
        counted: The numbers of `marginal`, rows counted so.
    """
    few = replace(marginal, numbers=counted)

    def contract(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        before = from_chains(task, run, method, few.likelihood)
        return _contracted(task, marginal, run, before, share) if before.certified else before

    engine = replace(engine, max_steps=min(engine.max_steps, MOST_STEPS))
    words = f"{marginal.words}, {FEW_ROWS:,} rows' worth, draws contracted to all {marginal.n_rows:,.0f}"
    return run_ensemble(task, engine, marginal.form, counted, words, finish=contract, part="contract")


def _contracted(task: Task, marginal: Marginal, run: ChainDraws, before: BlockDraws, share: float) -> BlockDraws:
    """The draws of chains in which every row counted as `share` rows, contracted to all rows.

    Args:
        before: What was made of the run as it is.
    """
    n_made = run.u.shape[1]
    picked = np.linspace(0, n_made - 1, min(task.shape[1], n_made)).round().astype(int)
    sides = symmetries_of(task.layout, task.priors)
    u, log_part = turned(run.u[:, picked], sides), run.log_posterior[:, picked]
    points, log_density = u.reshape(-1, u.shape[-1]), log_part.reshape(-1)
    n_stages = 1 if 1.0 / share <= MOST_AT_ONCE else int(np.ceil(np.log(1.0 / share) / np.log(STEP_BEYOND)))
    shares = share ** (1.0 - np.arange(n_stages + 1) / n_stages)
    khats, lost = [], 1.0 / len(points)
    for low, high in itertools.pairwise(shares):
        target = marginal if high == 1.0 else marginal.counted(high)
        step = contracted(marginal.features, target.density, points, log_density, high * marginal.n_rows, low / high)
        if isinstance(step, str):
            return replace(before, diagnostics=(Diagnostic(step, None, 0.0),))
        weights, khat = smoothed(step.log_weights)
        khats.append(khat)
        lost += float((weights**2).sum()) - 1.0 / len(points)
        points = step.u[_resampled(task, weights)]
        log_density = target.density(points)
    moved = turned(points.reshape(u.shape), sides, to_reference=True)
    run = replace(run, u=moved, log_posterior=log_density.reshape(log_part.shape))
    result = from_chains(task, run, before.method, marginal.likelihood)
    return _weighted(replace(result, n_made=n_made), 1.0 / lost, max(khats))


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


def discrete(task: Task, engine: Engine) -> BlockDraws | str:
    """Binary columns, equal rows merged: their normal latents integrated on a lattice of points."""
    assert isinstance(engine, Auto)
    form_found = lattice_form(task, least_repeated=LEAST_REPEATED)
    if isinstance(form_found, str):
        return form_found
    placed = _placed(task, *form_found)
    if isinstance(placed, str):
        return placed
    mode, spacing, form, numbers = placed
    form_found = lattice_form(task, FINER * spacing, radius=FARTHER, most_points=50 * MOST_POINTS)
    if isinstance(form_found, str):
        return form_found
    cells, finer = Cells(form, numbers), Cells(*form_found)
    points = f"{task.cells.n_stored:,} distinct rows, latents integrated over {len(numbers.points):,} points"
    sides = _sides(task)

    def error(u: FloatArray) -> FloatArray:
        """What a finer lattice adds to the log density of draws (draw, coordinate)."""
        return finer.parts(u)[1] - cells.parts(u)[1]

    easy_form, easy_numbers = attenuated(form, numbers, form.program, numbers.program, len(mode.point))

    def density(x: FloatArray) -> FloatArray:
        """The log posterior at points (point, coordinate) of the easier coordinates."""
        with np.errstate(all="ignore"):
            u, log_jacobian = usual(NUMPY, easy_numbers, x)
            return numbers_only(cells.density(u) + log_jacobian)

    around = NEAR * np.concatenate([mode.axes.T, -mode.axes.T])
    up, down = np.split(easier(easy_numbers, mode.point + around), 2)
    centre = easier(easy_numbers, mode.point)
    easy_mode = Mode(centre, float(density(centre[None])[0]), (up - down).T / (2.0 * NEAR))
    drawn = adapted_sample(density, easy_mode, task.random().spawn(8)[7], LEAST_EFFECTIVE, sides)
    if drawn is not None:
        with np.errstate(all="ignore"):
            u = usual(NUMPY, easy_numbers, drawn.u)[0]
        off = float(np.std(error(u[-CHECKED:])))
        if off < LARGEST_OFF:
            method = Method(
                "importance sampling",
                of="of parameters around the mode",
                draws=len(drawn.u),
                note=f"; {points} ({_off(off)})",
            )
            return from_independent(task, turned(u, sides, to_reference=True), method, log_weights=drawn.log_weights)

    def on_cells(task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        own, log_jacobian = usual(NUMPY, easy_numbers, run.u)
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
        easy_form,
        easy_numbers,
        f"parameters; {points}",
        single=task.data.n_rows <= SINGLE_ROWS,
        modes=(easy_mode,),
        first=LONG_FIRST_RUN,
        finish=on_cells,
        part="cells",
    )


def _off(error: float) -> str:
    return f"a finer lattice moves log densities by {error:.2g}"


def _placed(
    task: Task, form: LatticeForm, numbers: LatticeNumbers
) -> tuple[Mode, FloatArray, LatticeForm, LatticeNumbers] | str:
    """The mode with all rows, and a lattice fine enough there; or why there is none."""
    n_rows = task.data.n_rows
    few = Cells(form, numbers.counted(min(1.0, PILOT_ROWS / n_rows)))
    starts = task.starts(64)
    order = np.argsort(-few.density(starts))
    modes = [mode for k in order[:2] if (mode := newton(few.density, few.derivatives, starts[k])) is not None]
    if not modes:
        return "no mode of the posterior was found"
    mode = max(modes, key=Mode.log_mass)
    spacing = np.full(task.layout.n_noise, np.inf)
    # Somewhat larger loadings than those of the mode are within the posterior; with all rows the mode may have larger ones.
    while (needed := spacings(MARGIN * loadings_at(form, numbers, mode.point), n_rows)).min() < 0.8 * spacing.min():
        spacing = needed
        form_found = lattice_form(task, spacing)
        if isinstance(form_found, str):
            return form_found
        form, numbers = form_found
        cells = Cells(form, numbers)
        higher = newton(cells.density, cells.derivatives, mode.point)
        if higher is None:
            return "no mode of the posterior was found"
        mode = higher
    return mode, spacing, form, numbers
