"""Linear-Gaussian blocks, whose latents are integrated out in closed form, so that only their parameters are left to be sampled.

Three ways, cheapest first: importance sampling around the modes, where the data pin the parameters down; with many rows
importance sampling along the ridges that they leave open; ensemble HMC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentdo.models.build import NUMPY

from ..blocks.coordinates import FloatArray
from ..blocks.draws import BlockDraws
from ..blocks.engines import Auto, Engine
from ..blocks.method import Method
from ..likelihood.density import AbstractForm
from ..likelihood.gaussian import gaussian_form
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .importance import smoothed
from .modes import Mode, climb, numbers_only
from .outcome import from_chains, from_independent, resampled
from .regression import GOOD_KHAT, WeightedDraws, distinct, find_modes, importance_sample
from .ridges import Features, Target, along_ridges
from .sampling import longest, run_ensemble
from .sign_symmetry import sides_of, turned

FEW_ROWS = 500
"""Rows up to which chains find their way from anywhere."""
CHUNK = 250
"""Points whose densities are computed together: they fit the processor's cache."""
LEAST_EFFECTIVE = 1_000.0
"""What importance sampling must reach where latents may leave directions open: k-hat is too kind to long ridges."""
MANY_COORDINATES, CHAINED_ROWS = 20, 5_000.0
"""Coordinates beyond which, and rows up to which chains go on from importance draws along ridges."""
PILOT_ROWS = 1_000.0
"""What all rows count for where the mode is first looked for."""
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
        drawn = along_ridges(target, modes, task.random().spawn(6)[5], sides_of(task), task.tell)
    if drawn is not None and _is_reliable(drawn, marginal.n_rows):
        method = Method("importance sampling", of=f"of {marginal.words}, along ridges", draws=len(drawn.u))
        u = turned(drawn.u, sides_of(task), to_reference=True)
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
    near = None if drawn is None else drawn.u[resampled(task, smoothed(drawn.log_weights)[0])]
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


def _on_one_side(task: Task, modes: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """Modes turned to one side, each once."""
    if not modes:
        return ()
    points = np.array([mode.point for mode in modes])
    facing = turned(points, sides_of(task))
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
    sides = sides_of(task)
    random = task.random().spawn(5)[4]
    drawn = importance_sample(marginal.density, modes, 2 * task.n_kept, random, marginal.density, sides)
    if not is_good(drawn):
        return None
    where = "the mode" if len(modes) == 1 else f"{len(modes)} modes"
    method = Method("importance sampling", of=f"of {marginal.words}, around {where}", draws=len(drawn.u))
    return from_independent(task, turned(drawn.u, sides, to_reference=True), method, log_weights=drawn.log_weights)


def is_good(drawn: WeightedDraws) -> bool:
    """Whether importance draws may be relied on where latents leave directions open."""
    return drawn.khat < GOOD_KHAT and drawn.effective >= LEAST_EFFECTIVE
