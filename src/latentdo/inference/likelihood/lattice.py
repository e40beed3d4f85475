"""Rows of binary columns, equal ones merged into cells, with their normal latents integrated on a lattice of points.

A million rows cost as much as the distinct ones. Given the latents the columns of a row are independent, so that the
probability of a cell is a sum over points of a product; its two halves are computed once for every pattern of half the columns,
and the sum is a matrix product. Its slopes are products of the same numbers.

Source:
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, §5 and §11: for the logistic functions of w z with
    z standard normal, whose poles lie at i π / w, the error falls as exp(-2 π² / (w h)) with the spacing h.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from operator import mul
from typing import Any, NamedTuple

import jax
import numpy as np

from latentdo.models.build import NUMPY, Arithmetic
from latentdo.tables import Dataset, IntArray

from ..blocks.coordinates import FloatArray
from ..runtime import JAX
from .assembly import assemble
from .density import AbstractForm
from .program import Program, ProgramNumbers, latent_paths
from .task import Task, padded_size
from .writing import program_of

Array = Any

MOST_LATENTS = 4
MOST_COLUMNS = 40
"""Measured nodes beyond which the probability of a row might be too small a number."""
MOST_CELLS = 20_000
FEW_CELLS = 256
"""Distinct rows that cost next to nothing, whether rows repeat them or not."""
MOST_POINTS = 6_000
RADIUS = 4.8
"""Points farther out, where the normal density is below 1e-5 of its height, are left out."""
LEAST_ROWS = 100
"""Rows for which points lie near enough to the middle."""
WIDEST = {1: 0.25, 2: 0.4, 3: 0.85}
"""The widest spacing, by the number of latents: chains may find larger loadings than the mode has."""
CHEAP = (1, 2)
"""Numbers of latents with which points are cheap."""
LARGEST_ERROR = 3.0
"""Of the log likelihood of all rows, by the estimate from which the spacing follows."""
MOST_NUMBERS = 2_000_000
"""Numbers that one evaluation may hold: a sampler has one per chain, and several copies of each."""
NUMBERS_AT_ONCE = 100_000
"""Numbers that are computed together: they fit the processor's cache."""
MOST_COUNTS = 20_000_000
"""Numbers that say which pattern has which predictor: with a continuous parent nearly every row has predictors of its own."""


class LatticeNumbers(NamedTuple):
    """The numeric half.

    Attributes:
        program: Priors, places of coordinates and designs; its rows are the cells.
        points: (point, latent).
        log_weights: (point,), they sum to one.
        predictors: The program with a row for each predictor that differs from others.
        column: Which column it is the predictor of, 1 or 0, (column, predictor).
        first, second: Which predictor's 0 or 1 each pattern of half the columns has, (column, pattern): those of 0 stand first.
        at_first, at_second: The patterns of each cell, (cell,); where a form is full all pairs of patterns are cells.
        counts: Number of rows of each cell.
        usual: The log of the share that they are of the rows with the cell's inputs, (cell,); 0 where there are none.
        shares: The share of rows that have the cell's inputs, (cell,); 0 of padding.
    """

    program: ProgramNumbers
    points: Array
    log_weights: Array
    predictors: ProgramNumbers
    column: Array
    first: Array
    second: Array
    at_first: Array
    at_second: Array
    counts: Array
    usual: Array
    shares: Array

    def counted(self, share: float) -> LatticeNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(counts=self.counts * share)


@dataclass(frozen=True)
class LatticeForm(AbstractForm):
    """The static half.

    Attributes:
        full: Whether every pattern of the first half is paired with every one of the second.
    """

    program: Program
    full: bool

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    def log_parts(self, m: Arithmetic, numbers: LatticeNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`: how much likelier the rows are than if all shares were as they are, of each cell or of all.

        These are small numbers, of which float32 resolves enough however many the rows are.
        """
        del z
        log_prior, predictors = self.predictors(m, numbers, u)
        if m is JAX:
            return log_prior, m.np.reshape(_likelihood(self.full, numbers, predictors), (1,))
        return log_prior, _logs(m, numbers, _summed(m, self.full, numbers, predictors)[0])

    def log_cells(self, numbers: LatticeNumbers, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log prior, (…,), and the log probability of each cell, (…, cell), at points (…, coordinate)."""
        log_prior, predictors = self.predictors(NUMPY, numbers, u)
        chances = _summed(NUMPY, self.full, numbers, predictors)[0]
        # A cell that no row is in may have a chance too small for a number.
        return log_prior, np.log(np.where(numbers.shares > 0, chances, 1.0))

    def predictors(self, m: Arithmetic, numbers: LatticeNumbers, u: Array) -> tuple[Array, Array]:
        """Log prior, (…,), and the predictors that differ, (…, predictor, point), at points (…, coordinate)."""
        log_prior, parts = self.program.placed(m, numbers.program, u)
        own, column = numbers.predictors, numbers.column
        eta = m.np.einsum("...kp,kpn->...kn", parts.coefficients, own.design)
        base, slopes = latent_paths(m, self.program, own, parts)
        # Sums in place of indices: what they are differentiated to is slow.
        loadings = m.np.stack([m.np.sum(column * slope, axis=-2) for slope in slopes], axis=-1)
        return log_prior, m.np.sum(column * (eta + base), axis=-2)[..., None] + loadings @ numbers.points.T


def _logs(m: Arithmetic, numbers: LatticeNumbers, chances: Array) -> Array:
    """What each cell adds to the log likelihood, (…, cell)."""
    there = numbers.counts > 0
    return numbers.counts * m.np.where(there, m.np.log(m.np.where(there, chances, 1.0)) - numbers.usual, 0.0)


def _summed(m: Arithmetic, full: bool, numbers: LatticeNumbers, predictors: Array) -> tuple[Array, Array, Array, Array]:
    """Chances of cells (…, cell) given predictors (…, predictor, point); of a predictor's 0s and 1s, and of both halves."""
    small = m.np.exp(-m.np.abs(predictors))
    likely = 1.0 / (1.0 + small)
    unlikely, up = small * likely, predictors > 0
    terms = m.np.concatenate([m.np.where(up, unlikely, likely), m.np.where(up, likely, unlikely)], axis=-2)

    def half(taken: Array) -> Array:
        picked = m.np.take(terms, taken.reshape(-1), axis=-2, mode="clip")
        picked = picked.reshape((*terms.shape[:-2], *taken.shape, terms.shape[-1]))
        each = [picked[..., k, :, :] for k in range(len(taken))]
        return reduce(mul, each) if each else m.np.ones_like(terms[..., :1, :])

    first, second = half(numbers.first) * m.np.exp(numbers.log_weights), half(numbers.second)
    if full:
        chances = first @ m.np.swapaxes(second, -1, -2)
        return chances.reshape((*chances.shape[:-2], -1)), terms, first, second
    return m.np.sum(first[..., numbers.at_first, :] * second[..., numbers.at_second, :], axis=-1), terms, first, second


def _with_slopes(full: bool, numbers: LatticeNumbers, predictors: Array) -> tuple[Array, Array]:
    """The log likelihood of JAX and its slopes in the predictors.

    What the log of a term is worth follows from what each cell is: the sum over patterns that have it. A predictor has two.
    """
    chances, terms, first, second = _summed(JAX, full, numbers, predictors)
    there = numbers.counts > 0
    slope = JAX.np.where(there, numbers.counts / JAX.np.where(there, chances, 1.0), 0.0)
    if full:
        of_pairs = slope.reshape(len(first), len(second))
        by_half = (of_pairs @ second) * first, (of_pairs.T @ first) * second
    else:
        each = slope[:, None] * first[numbers.at_first] * second[numbers.at_second]
        by_half = (
            jax.ops.segment_sum(each, numbers.at_first, len(first)),
            jax.ops.segment_sum(each, numbers.at_second, len(second)),
        )
    of_terms = sum(
        (taken[:, None] == JAX.np.arange(len(terms))[:, None]).sum(axis=0).astype(slope.dtype) @ half
        for taken, half in zip((numbers.first, numbers.second), by_half, strict=True)
    )
    zeros, ones = JAX.np.split(terms, 2)
    of_zeros, of_ones = JAX.np.split(of_terms, 2)
    return JAX.np.sum(_logs(JAX, numbers, chances)), of_ones * zeros - of_zeros * ones


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _likelihood(full: bool, numbers: LatticeNumbers, predictors: Array) -> Array:
    """The log likelihood of JAX; with its slopes one chain at a time, whose numbers fit the processor's cache."""
    return _with_slopes(full, numbers, predictors)[0]


def _forward(full: bool, numbers: LatticeNumbers, predictors: Array) -> tuple[Array, Array]:
    return jax.custom_batching.sequential_vmap(partial(_with_slopes, full))(numbers, predictors)


def _backward(full: bool, slopes: Array, of_all: Array) -> tuple[None, Array]:
    del full
    return None, of_all * slopes


_likelihood.defvjp(_forward, _backward)


def loadings_at(form: LatticeForm, numbers: LatticeNumbers, u: FloatArray) -> FloatArray:
    """How much each latent's noise moves each predictor at a point, (column, latent)."""
    _, parts = form.program.placed(NUMPY, numbers.program, u)
    _, slopes = latent_paths(NUMPY, form.program, numbers.program, parts)
    return np.stack([np.abs(slope).max(axis=-1) for slope in slopes], axis=1)


def lattice_form(
    task: Task,
    spacing: float | FloatArray | None = None,
    *,
    radius: float | None = None,
    most_points: int = MOST_POINTS,
    least_repeated: int = 0,
) -> tuple[LatticeForm, LatticeNumbers] | str:
    """The block by its cells, or why that cannot be done, in words.

    Args:
        spacing: Of the points, in standard deviations of the latents; one number or one per latent; by default the widest.
        radius: Of the ball in which they lie; by default where the normal density is one row's worth, `RADIUS` at most, and
            that where points are cheap.
        most_points: Number of points beyond which there is no form.
        least_repeated: Rows per distinct row below which there is none.
    """
    if reason := _reason_against(task, least_repeated):
        return reason
    n_latents = task.layout.n_noise
    spacing = WIDEST.get(n_latents, 1.0) if spacing is None else spacing
    if radius is None:
        few = np.sqrt(2.0 * np.log(max(LEAST_ROWS, task.data.n_rows)))
        radius = RADIUS if n_latents in CHEAP else min(RADIUS, few)
    if np.prod(2.0 * radius / np.broadcast_to(spacing, n_latents) + 4.0) > 10.0 * most_points:
        return "too fine a lattice"
    points, log_weights = _points(n_latents, spacing, radius)
    if len(points) > most_points:
        return f"{len(points):,} points per cell"
    cells = task.cells.padded(padded_size(task.cells.n_stored))
    program_found = program_of(*assemble(task.spec, task.block, task.coordinates, cells), dimensionless=False)
    if isinstance(program_found, str):
        return program_found
    program, numbers = program_found
    half = (sum(program.counts) + 1) // 2
    column, row, which = _predictors(numbers)
    taken = np.where(numbers.y > 0.5, which + len(column), which)
    (first, at_first), (second, at_second) = _patterns(taken[:half]), _patterns(taken[half:])
    if (first.shape[1] + second.shape[1]) * 2 * len(column) > MOST_COUNTS:
        return f"{len(column):,} distinct predictors"
    size = first.shape[1] * second.shape[1]
    full = size <= 8 * cells.n_stored
    counts, shares = cells.weights, _shares(task, cells)
    if full:
        pair = at_first * second.shape[1] + at_second
        counts = np.bincount(pair, weights=counts, minlength=size)
        shares = np.bincount(pair, weights=np.where(cells.weights > 0, shares, 0.0), minlength=size)
    there = counts > 0
    usual = np.where(there, np.log(np.where(there, counts, 1.0) / np.where(there, shares * counts.sum(), 1.0)), 0.0)
    form = LatticeForm(program, full)
    one = np.eye(sum(program.counts))[:, column]
    of_rows = {name: getattr(numbers, name)[..., row] for name in ("design", "products", "latent_design", "weights")}
    arrays = LatticeNumbers(
        numbers,
        points,
        log_weights,
        numbers._replace(**of_rows),
        one,
        first,
        second,
        at_first,
        at_second,
        counts,
        usual,
        shares,
    )
    size = _n_numbers(form, arrays)
    # What is computed a few draws at a time may have more points.
    if size > MOST_NUMBERS * max(1.0, most_points / MOST_POINTS):
        return f"{size:,} numbers in one evaluation"
    return form, arrays


def _reason_against(task: Task, least_repeated: int) -> str:
    """Why a block has no lattice, in words; nothing where it may have one."""
    if not task.layout.n_noise:
        return "no latent has noise"
    if task.data.pattern is not None:
        return "not every factor counts in every row"
    if task.layout.n_noise > MOST_LATENTS:
        return f"more than {MOST_LATENTS} latents"
    if not all(task.spec[node].family.binary and task.spec[node].family.log_odds for node in task.block.measured):
        return "a measured node is not bernoulli"
    if len(task.block.measured) > MOST_COLUMNS:
        return f"more than {MOST_COLUMNS} measured nodes"
    cells = task.cells
    if cells.n_stored > MOST_CELLS:
        return f"{cells.n_stored:,} distinct rows"
    if cells.n_stored > FEW_CELLS and task.data.n_rows < least_repeated * cells.n_stored:
        return "most rows differ"
    return ""


def _shares(task: Task, cells: Dataset) -> FloatArray:
    """See `LatticeNumbers.shares`."""
    inputs = np.array([cells.column(name) for name in task.block.inputs]).reshape(-1, cells.n_stored)
    _, group = np.unique(inputs, axis=1, return_inverse=True)
    together = np.bincount(group.reshape(-1), weights=cells.weights)[group.reshape(-1)]
    return np.where(cells.weights > 0, together / cells.weights.sum(), 0.0)


def _n_numbers(form: LatticeForm, numbers: LatticeNumbers) -> int:
    """About how many numbers one evaluation holds at a time."""
    rows = numbers.first.shape[1] + numbers.second.shape[1] + (0 if form.full else len(numbers.counts))
    return rows * len(numbers.points)


def _points(latents: int, spacing: float | FloatArray, radius: float) -> tuple[FloatArray, FloatArray]:
    """A body-centred lattice within a ball, and the logs of weights in proportion to the standard normal density.

    It is as good as a rectangular one of this spacing, with fewer points: of three latents seven tenths.
    """
    steps = np.broadcast_to(spacing, latents) * (2.0 if latents == 1 else np.sqrt(2.0))
    axes = [step * (np.arange(-int(radius / step) - 2, int(radius / step) + 2) + 0.25) for step in steps]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, latents)
    points = np.concatenate([corners, corners + 0.5 * steps])
    points = points[(points**2).sum(axis=1) <= radius**2]
    logs = -0.5 * (points**2).sum(axis=1)
    return points, logs - np.log(np.exp(logs).sum())


def _predictors(numbers: ProgramNumbers) -> tuple[IntArray, IntArray, IntArray]:
    """The predictors that differ: their columns, a cell of each, and per column and cell which one it is.

    A predictor is given by its column, its design and what its latents are multiplied by.
    """
    n_columns, _, n_cells = numbers.design.shape
    columns, rows, which = [], [], np.zeros((n_columns, n_cells), dtype=int)
    for k in range(n_columns):
        about = np.concatenate([numbers.design[k], numbers.products[k], numbers.latent_design.reshape(-1, n_cells)])
        _, at, group = np.unique(about, axis=1, return_index=True, return_inverse=True)
        which[k] = len(columns) + group.reshape(-1)
        columns += [k] * len(at)
        rows += at.tolist()
    return np.array(columns), np.array(rows), which


def _patterns(taken: IntArray) -> tuple[IntArray, IntArray]:
    """The distinct combinations of terms (column, cell), as (column, pattern), and the pattern of each cell."""
    if not len(taken):
        return taken[:, :1], np.zeros(taken.shape[1], dtype=int)
    distinct, group = np.unique(taken, axis=1, return_inverse=True)
    return distinct, group.reshape(-1)


def spacings(loadings: FloatArray, n_rows: float) -> FloatArray:
    """The spacing of each latent with which the sum over rows of the logs of their probabilities is off by next to nothing.

    Args:
        loadings: (column, latent), how much each latent moves each predictor, at the largest that is expected.
    """
    wanted = np.log(n_rows / LARGEST_ERROR)
    widest = np.maximum(loadings.max(axis=0), 0.5)
    return np.clip(2.0 * np.pi**2 / (wanted * widest), 0.1, WIDEST.get(loadings.shape[1], 1.0))


class Cells:
    """Densities of a lattice form at many points.

    Attributes:
        counts: Number of rows of each cell.
    """

    def __init__(self, form: LatticeForm, numbers: LatticeNumbers) -> None:
        self.form, self.numbers = form, numbers
        self.counts = np.asarray(numbers.counts)
        self._at_once = max(1, NUMBERS_AT_ONCE // _n_numbers(form, numbers))

    def log_prior(self, u: FloatArray) -> FloatArray:
        """At points (point, coordinate)."""
        return np.asarray(self.form.program.placed(NUMPY, self.numbers.program, u)[0])

    def logs(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log prior, (point,), and log probability of each cell, (point, cell), at points (point, coordinate)."""
        with np.errstate(all="ignore"):
            parts = [
                self.form.log_cells(self.numbers, u[at : at + self._at_once]) for at in range(0, len(u), self._at_once)
            ]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def parts(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log prior and log likelihood at points (point, coordinate)."""
        log_prior, logs = self.logs(u)
        with np.errstate(all="ignore"):
            return log_prior, logs @ self.counts

    def density(self, u: FloatArray) -> FloatArray:
        """The log posterior at points (point, coordinate)."""
        log_prior, likelihood = self.parts(u)
        with np.errstate(all="ignore"):
            return np.where(np.isnan(log_prior + likelihood), -np.inf, log_prior + likelihood)

    def features(self, u: FloatArray) -> FloatArray:
        """Twice the root of each cell's share of rows, (point, cell): the Fisher information of a row is that of their slopes."""
        return 2.0 * np.sqrt(self.numbers.shares * np.exp(self.logs(u)[1]))
