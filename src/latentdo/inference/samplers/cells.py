"""Blocks of binary columns, equal rows merged into cells: normal latents are integrated on a lattice, parameters are left.

Two ways: importance sampling around the mode, in coordinates that are easier to sample, and ensemble HMC in these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import KHAT_LIMIT
from ..blocks.draws import BlockDraws
from ..blocks.engines import Auto, Engine
from ..blocks.method import Method
from ..likelihood.attenuation import Eased
from ..likelihood.lattice import MOST_POINTS, Cells, LatticeForm, LatticeNumbers, lattice_form, loadings_at, spacings
from ..likelihood.task import Task
from .ensemble import ChainDraws
from .importance import smoothed
from .marginal import LEAST_EFFECTIVE, PILOT_ROWS
from .modes import Mode, numbers_only
from .outcome import from_chains, from_independent, resampled
from .regression import adapted_sample
from .ridges import Target, scored
from .sampling import LONG_FIRST_RUN, run_ensemble
from .sign_symmetry import sides_of, turned

LEAST_REPEATED = 4
"""Rows per distinct row from which merging them is worth while."""
MARGIN = 1.3
FINER, FARTHER = 0.7, 6.0
"""Spacing, as a share, and radius of the lattice that another is compared with."""
SCORING_STEPS = 60
CHECKED = 200
"""Draws at which the lattice is compared with a finer one."""
LARGEST_OFF = 0.3
"""Largest standard deviation of their difference in log density."""


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
    lattice = _Lattice(cells, Cells(*form_found), _eased(task, cells), mode)
    if (result := lattice.around_mode(task)) is not None:
        return result
    return run_ensemble(
        task,
        engine,
        lattice.eased.form,
        lattice.eased.numbers,
        f"parameters; {lattice.words(task)}",
        single=True,
        modes=(mode,),
        first=LONG_FIRST_RUN,
        finish=lattice.judged,
        part="cells",
    )


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Cells in coordinates that are easier to sample.

    Attributes:
        finer: The same cells on the lattice that theirs is compared with.
        mode: In the easier coordinates.
    """

    cells: Cells
    finer: Cells
    eased: Eased
    mode: Mode

    def words(self, task: Task) -> str:
        """What became of rows and latents, for the plan."""
        return (
            f"{task.cells.n_stored:,} distinct rows, latents integrated over {len(self.cells.numbers.points):,} points"
        )

    def error(self, u: FloatArray, likelihoods: FloatArray) -> FloatArray:
        """What the finer lattice adds to the log likelihoods of draws (draw, coordinate)."""
        return self.finer.parts(u)[1] - likelihoods

    def around_mode(self, task: Task) -> BlockDraws | None:
        """Independent draws by importance sampling around the mode; None where that cannot be relied on."""
        sides, density = sides_of(task), _target(self.cells, self.eased).density
        drawn = adapted_sample(density, self.mode, task.random().spawn(8)[7], LEAST_EFFECTIVE, sides)
        if drawn is None:
            return None
        u, _ = self.eased.usual(drawn.u)
        last = u[-CHECKED:]
        off = float(np.std(self.error(last, self.cells.parts(last)[1])))
        if off >= LARGEST_OFF:
            return None
        note = f"; {self.words(task)} ({_off(off)})"
        method = Method("importance sampling", of="of parameters around the mode", draws=len(drawn.u), note=note)
        return from_independent(task, turned(u, sides, to_reference=True), method, log_weights=drawn.log_weights)

    def judged(self, task: Task, run: ChainDraws, method: Method) -> BlockDraws:
        """The draws of chains, weighted by the finer lattice where it says something else of them."""
        own, log_jacobian = self.eased.usual(run.u)
        faced = turned(own, sides_of(task), to_reference=True)
        numbers = self.cells.numbers
        run = replace(
            run, u=faced, log_posterior=run.log_posterior - log_jacobian + float(numbers.counts @ numbers.usual)
        )
        n_made = run.u.shape[1]
        picked = np.linspace(0, n_made - 1, min(task.shape[1], n_made)).round().astype(int)
        u, log_posterior = run.u[:, picked].reshape(-1, run.u.shape[-1]), run.log_posterior[:, picked].reshape(-1)
        # As the chains computed them: what rounding takes is in what the finer lattice adds.
        likelihoods = log_posterior - self.cells.log_prior(u)
        result = from_chains(task, run, method, lambda _: likelihoods)
        if not result.certified:
            return result
        some = slice(None, None, len(u) // CHECKED)
        off = float(np.std(self.error(u[some], likelihoods[some])))
        method = replace(method, note=f" ({_off(off)})")
        if off < LARGEST_OFF:
            return replace(result, method=method)
        log_weights = self.error(u, likelihoods)
        weights, khat = smoothed(log_weights)
        chosen = resampled(task, weights)
        shape = (len(run.u), len(picked))
        log_posterior = (log_posterior + log_weights)[chosen].reshape(shape)
        moved = replace(run, u=u[chosen].reshape(*shape, -1), log_posterior=log_posterior)
        result = from_chains(task, moved, method, lambda _: (likelihoods + log_weights)[chosen])
        return _weighted(replace(result, n_made=n_made), 1.0 / float((weights**2).sum()), khat)


def _off(error: float) -> str:
    return f"a finer lattice moves log densities by {error:.2g}"


def _weighted(result: BlockDraws, effective: float, khat: float) -> BlockDraws:
    """Chains whose draws were weighted, with how good the weights are; no statement where they cannot be relied on."""
    diagnostics = result.diagnostics
    if khat >= KHAT_LIMIT:
        diagnostics = tuple(replace(diagnostic, ess=0.0) for diagnostic in diagnostics)
    return replace(result, khat=khat, weight_ess=effective, diagnostics=diagnostics)


def _eased(task: Task, cells: Cells) -> Eased:
    """Cells in the coordinates that are sampled."""
    form, numbers = cells.form, cells.numbers
    return Eased.of(form, numbers, form.program, numbers.program, task.layout.n_free)


def _target(cells: Cells, eased: Eased) -> Target:
    """Cells as `along_ridges` sees them, in coordinates that are easier to sample."""

    def log_prior(x: FloatArray) -> FloatArray:
        u, log_jacobian = eased.usual(x)
        with np.errstate(all="ignore"):
            return cells.log_prior(u) + log_jacobian

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
