"""The log likelihood of a row with its latents integrated out: ℓ(θ) = log ∫ Π p(node | parents) dL, one number per row and draw.

Without latents it is the density; discrete latents are summed out; others are integrated by quadrature in the coordinates of
the Gaussian that also places them for the samplers, so that points lie where the row's latents are. Equal rows are one row that
counts several times. Nothing here is exact by decree: `RowLikelihood.error` compares a rule with a finer one.

A Gaussian is no more than a first guess at the integrand: a saturating child leaves a shelf as wide as the prior, a child with
heavy tails a second peak. Gauss-Hermite points lie within a few widths of the guess and never see them, however many they are.
Finer rules are therefore those of the trapezium with points whose distances grow in proportion to how far out they lie.

Source:
    Liu & Pierce (1994), A note on Gauss-Hermite quadrature: points about the integrand's own centre, in units of its width;
    Trefethen & Weideman (2014), The exponentially convergent trapezoidal rule, §14: integrals over the line after z = sinh(t);
    beyond three latents the points are those of Sobol' (1967), scrambled as by Owen (1998).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from latentdo.models.build import Arithmetic
from latentdo.tables import Dataset, IntArray

from ..blocks.coordinates import FloatArray
from ..runtime import JAX, converted, placed
from .assembly import assemble
from .density import AbstractForm, Layout, row_logs, unpack
from .program import Program
from .states import log_sum
from .task import Task, padded_size
from .writing import program_of

Array = Any

WIDE = 10.0
"""Reach from which on the tails of each latent count."""
NEAR = 0.0
"""Reach of the points of Gauss and Hermite: a few widths."""
RULES: dict[int, tuple[tuple[int, float], ...]] = {
    0: ((1, NEAR),),
    1: ((21, 8.0), (29, 10.0), (41, 12.0), (57, 100.0), (81, 20.0), (121, 100.0), (241, 300.0)),
    2: ((8, NEAR), (12, NEAR), (15, 6.5), (19, 8.0), (25, 30.0), (35, 40.0)),
    3: ((6, NEAR), (9, NEAR), (13, 8.0), (17, 12.0)),
}
"""Per number of latents how many points each may have, and how many widths they reach: fewest points first, though of two that
follow each other one may have more of them near the centre, and the other reach farther; the last is for comparison alone."""
SCATTERED = (512, 2_048, 8_192)
"""The same for more latents: points in all."""
MOST_LATENTS = 6
MOST_KINDS = 6
"""Sets of missing cells for which a form of their own is compiled."""
LIGHT = 1e-9
"""Share of the heaviest point's weight below which a point of Gauss and Hermite is left out."""
NUMBERS_AT_ONCE = 1_500_000
"""Numbers (draw x point x row) that are computed together; about thirty such arrays are held at a time."""
SINGLE_ROWS = 4_096
"""Rows beyond which their logs are computed in float32: rounding has random signs, and the sum is taken in float64."""
FEW_DRAWS = 64
"""Draws that are computed together at most: always so many, and one program for each rule."""
FEWEST_ROWS = 128
"""Rows to which few are padded by the coarsest rule: chains on a sample and on a coreset then share one program, which takes
seconds to compile. Finer ones have a program of their own in any case."""
CHECKED = 32
"""Draws at which rules are compared, half of them the most extreme."""


class RowNumbers(NamedTuple):
    """The numeric half.

    Attributes:
        inner: Of the form whose latents are integrated; each stored row counts once there.
        points: (point, latent).
        log_weights: (point,), over the standard normal density, which the form holds too.
        counts: How many rows each stored row stands for, (row,); not always whole.
    """

    inner: Any
    points: Array
    log_weights: Array
    counts: Array
    reference: Array

    def counted(self, share: float) -> RowNumbers:
        """The same with every row counted as `share` rows."""
        return self._replace(counts=self.counts * share)


@dataclass(frozen=True)
class ByState(AbstractForm):
    """The general form of a block whose noise is to be integrated out: placed for each state of its discrete latents."""

    layout: Layout

    @property
    def n_noise(self) -> int:
        """See `AbstractForm`."""
        return self.layout.n_noise

    def log_parts(self, m: Arithmetic, numbers: Any, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        values = unpack(m, self.layout, numbers, u)
        log_prior = sum((at.log_prior for at in values), 0.0 * numbers.weights.sum())
        return log_prior, row_logs(m, self.layout, numbers, values, z, by_state=True)


@dataclass(frozen=True)
class RowForm(AbstractForm):
    """The static half: another form of the block, whose noise is integrated out.

    Attributes:
        n_points: Points per row.
    """

    inner: AbstractForm
    n_points: int

    @property
    def n_noise(self) -> int:
        """No latent is left."""
        return 0

    @property
    def dimensionless(self) -> bool:
        """Whether its numbers have no dimension, so that float32 will do where they are not many."""
        return isinstance(self.inner, Program)

    def log_parts(self, m: Arithmetic, numbers: RowNumbers, u: Array, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`."""
        del z
        log_prior, rows = self.log_rows(m, numbers, u)
        return log_prior, numbers.counts * (rows - numbers.reference)

    def log_rows(self, m: Arithmetic, numbers: RowNumbers, u: Array) -> tuple[Array, Array]:
        """Log prior of `u`, (), and the log likelihood of each stored row, counted once, (row,)."""
        n_rows, n_latent = len(numbers.counts), self.inner.n_noise

        def at(point: Array) -> tuple[Array, Array]:
            noise = m.np.broadcast_to(point[:, None], (n_latent, n_rows))
            return self.inner.log_parts(m, numbers.inner, u, noise)

        if not n_latent:
            return at(numbers.points[0])
        if m.np is np:
            parts = [at(point) for point in numbers.points]
            log_prior, logs = parts[0][0], np.stack([rows for _, rows in parts])
        else:
            # What does not depend on the point is computed once: it has no axis of points.
            log_priors, logs = jax.vmap(at)(numbers.points)
            log_prior = log_priors[0]
        return log_prior, log_sum(m, logs + numbers.log_weights[:, None])

    def program(self, numbers: Any) -> tuple[AbstractForm, Any]:
        """Both halves of what the log likelihood is computed with."""
        return self.inner, numbers.inner


class KindNumbers(NamedTuple):
    """The numeric half of `KindForm`.

    Attributes:
        kinds: Of each kind of row.
        places: Where each stored row stands among those of all kinds, laid end to end, (row,).
        counts, reference: See `RowNumbers`.
    """

    kinds: tuple[RowNumbers, ...]
    places: Array
    counts: Array
    reference: Array

    def counted(self, share: float) -> KindNumbers:
        """See `RowNumbers`."""
        return self._replace(counts=self.counts * share)


@dataclass(frozen=True)
class KindForm(RowForm):
    """The static half where rows lack other cells and so have other latents.

    Attributes:
        kinds: The forms, one a kind of row, fewest latents first; `inner` and `n_points` are those of the first and the most.
    """

    kinds: tuple[RowForm, ...] = ()

    @property
    def dimensionless(self) -> bool:
        """See `RowForm`."""
        return all(kind.dimensionless for kind in self.kinds)

    def log_rows(self, m: Arithmetic, numbers: Any, u: Array) -> tuple[Array, Array]:
        """See `RowForm`."""
        parts = [kind.log_rows(m, own, u) for kind, own in zip(self.kinds, numbers.kinds, strict=True)]
        logs = [m.np.broadcast_to(rows, own.counts.shape) for (_, rows), own in zip(parts, numbers.kinds, strict=True)]
        return parts[0][0], m.np.concatenate(logs)[numbers.places]

    def program(self, numbers: Any) -> tuple[AbstractForm, Any]:
        """See `RowForm`: of the first kind."""
        return self.kinds[0].program(numbers.kinds[0])


def rule(n_latent: int, level: int) -> tuple[FloatArray, FloatArray]:
    """Points (point, latent) and the logs of their weights over the standard normal density; `level` 0 is the coarsest."""
    if n_latent not in RULES:
        sobol = qmc.Sobol(n_latent, scramble=True, rng=np.random.default_rng(0))
        points = ndtri(np.clip(sobol.random(SCATTERED[level]), 1e-9, 1.0 - 1e-9))
        return points, 0.5 * (points**2).sum(axis=1) - np.log(len(points))
    each, reach = RULES[n_latent][level]
    if reach:
        t, step = np.linspace(-np.arcsinh(reach), np.arcsinh(reach), each, retstep=True)
        axis, on_axis = np.sinh(t), np.log(step * np.cosh(t)) - 0.5 * np.log(2.0 * np.pi)
    else:
        axis, weights = np.polynomial.hermite_e.hermegauss(each)
        on_axis = np.log(weights / weights.sum())
    index = np.array(list(itertools.product(range(each), repeat=n_latent)), dtype=int).reshape(each**n_latent, n_latent)
    points, logs = axis[index], on_axis[index].sum(axis=1)
    if reach:
        # Near the corners of the square there is nothing, unless tails are what it is for.
        inside = (points**2).sum(axis=1) <= (reach**2 if reach < WIDE else np.inf)
        return points[inside], logs[inside]
    heavy = logs > logs.max() + np.log(LIGHT)
    return points[heavy], logs[heavy] + 0.5 * (points[heavy] ** 2).sum(axis=1)


def n_levels(n_latent: int) -> int:
    """How many rules there are for so many latents."""
    return len(RULES.get(n_latent, SCATTERED))


@dataclass(frozen=True, eq=False)
class RowLikelihood:
    """The rows of a block with their latents integrated by one rule.

    Attributes:
        data: Stored rows; their own weights are not looked at.
        counts: How many rows each of them stands for, (row,).
        level: Of the rule, see `rule`.
        reference: What is taken off the log likelihood of each row in `halves`, (row,), so that float32 resolves the sum of many.
    """

    task: Task
    data: Dataset
    counts: FloatArray
    level: int = 0
    reference: FloatArray | None = None

    def seen_from(self, u: FloatArray) -> RowLikelihood:
        """The same, its log likelihood in `halves` being told beside that at a point (coordinate,)."""
        return replace(self, reference=self.parts(u[None])[1][0])

    @cached_property
    def halves(self) -> tuple[RowForm, RowNumbers | KindNumbers]:
        """Both halves of the form; rows padded."""
        size = padded_size(len(self.counts))
        size = size if self.level else max(size, FEWEST_ROWS)
        counts = np.append(np.asarray(self.counts, dtype=float), np.zeros(size - len(self.counts)))
        reference = np.zeros(size)
        if self.reference is not None:
            reference[: len(self.counts)] = self.reference
        groups = kinds_of(self.data)
        if len(groups) == 1:
            return self._kind(self.data, counts, reference)
        forms, numbers = zip(*(self._kind(self.data.picked(rows)) for rows in groups), strict=True)
        begins = np.cumsum([0, *(len(own.counts) for own in numbers[:-1])])
        places = np.zeros(size, dtype=int)
        for begin, rows in zip(begins, groups, strict=True):
            places[rows] = begin + np.arange(len(rows))
        most = max(form.n_points for form in forms)
        return KindForm(forms[0].inner, most, forms), KindNumbers(numbers, places, counts, reference)

    def _kind(
        self, data: Dataset, counts: FloatArray | None = None, reference: FloatArray | None = None
    ) -> tuple[RowForm, RowNumbers]:
        """Both halves for rows that have the same latents."""
        rows = data if data.pattern is None else data.patterned(data.patterns)
        size = padded_size(rows.n_stored) if counts is None else len(counts)
        layout, numbers = assemble(
            self.task.spec, self.task.block, self.task.coordinates, rows.padded(size).counted_once()
        )
        program = program_of(layout, numbers)
        inner, inner_numbers = (ByState(layout), numbers) if isinstance(program, str) else program
        points, log_weights = rule(layout.n_noise, self._level(layout.n_noise))
        counts = np.ones(size) if counts is None else counts
        reference = np.zeros(size) if reference is None else reference
        return RowForm(inner, len(points)), RowNumbers(inner_numbers, points, log_weights, counts, reference)

    def _level(self, n_latent: int) -> int:
        """That of the rule for so many latents: kinds of rows that have fewer rules than others are by their last but one."""
        last = n_levels(n_latent) - 1
        return last if self.level == self.n_levels - 1 else max(0, min(self.level, last - 1))

    @cached_property
    def n_levels(self) -> int:
        """How many rules there are; the last is for comparison alone."""
        return max(map(n_levels, n_noises(self.task)))

    @cached_property
    def _single(self) -> bool:
        """Whether the arithmetic is float32: of many rows of a form without dimension, summed up in float64."""
        return self.halves[0].dimensionless and len(self.counts) > SINGLE_ROWS

    @cached_property
    def _placed(self) -> Any:
        _, numbers = self.halves
        dtype = np.float32 if self._single else np.float64
        return placed(converted(numbers, dtype), len(numbers.counts)), dtype

    def parts(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """At points (point, coordinate): log prior, (point,), and the log likelihood of each stored row, (point, row)."""
        chunks = list(self._chunks(u))
        return np.concatenate([prior for prior, _ in chunks]), np.concatenate([rows for _, rows in chunks])

    def sums(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log prior and log likelihood of all rows together, (point,) each; few points' rows are held at a time."""
        chunks = [(prior, rows @ self.counts) for prior, rows in self._chunks(u)]
        return np.concatenate([prior for prior, _ in chunks]), np.concatenate([total for _, total in chunks])

    def spread(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The log likelihood of all rows, (point,), and how much that of each row varies over the points, (row,)."""
        totals, first, second = [], np.zeros(len(self.counts)), np.zeros(len(self.counts))
        reference = self.parts(u[:1])[1][0]
        for _, rows in self._chunks(u):
            totals.append(rows @ self.counts)
            moved = rows - reference
            first += moved.sum(axis=0)
            second += (moved**2).sum(axis=0)
        return np.concatenate(totals), np.sqrt(np.maximum(second / len(u) - (first / len(u)) ** 2, 0.0))

    def _chunks(self, u: FloatArray) -> Any:
        arrays, dtype = self._placed
        form, numbers = self.halves
        n_rows = len(self.counts)
        at_once = max(1, NUMBERS_AT_ONCE // (form.n_points * len(numbers.counts) * self.task.layout.n_states))
        at_once = min(at_once, FEW_DRAWS)
        for begin in range(0, len(u), at_once):
            self.task.check()
            part = u[begin : begin + at_once]
            # Always the same number of points: one program.
            whole = np.concatenate([part, np.repeat(part[:1], at_once - len(part), axis=0)])
            log_prior, rows = _log_rows(form, arrays, whole.astype(dtype))
            rows = np.broadcast_to(np.asarray(rows, dtype=np.float64), (at_once, len(numbers.counts)))
            yield np.asarray(log_prior, dtype=np.float64)[: len(part)], rows[: len(part), :n_rows]

    def error(self, u: FloatArray) -> float:
        """How far the finest rule moves the log likelihood of all rows at some of these draws beside the others: the largest.

        Infinite where there is no finer rule or a density is not finite.
        """
        moved = self.moved(u[extremes(u, CHECKED)])
        return float(np.max(np.abs(moved - np.median(moved)))) if np.isfinite(moved).all() else float("inf")

    def moved(self, u: FloatArray) -> FloatArray:
        """What the finest rule adds to the log likelihood of all rows at points (point, coordinate): (point,).

        Infinite where this one is the finest.
        """
        if not self.task.layout.n_noise:
            return np.zeros(len(u))
        finest = self.n_levels - 1
        if self.level >= finest:
            return np.full(len(u), np.inf)
        return np.asarray(replace(self, level=finest).sums(u)[1] - self.sums(u)[1])


def kinds_of(data: Dataset) -> list[IntArray]:
    """Places of the stored rows, together where the same cells are missing; fewest missing first.

    Beyond `MOST_KINDS` the rarest are one kind, in which cells may be missing or not.
    """
    sets = [each.missing for each in data.patterns]
    if data.pattern is None or len(set(sets)) < 2:
        return [np.arange(data.n_stored)]
    names = sorted(set(sets), key=lambda missing: (len(missing), missing))
    own = np.array([names.index(missing) for missing in sets])[data.pattern]
    sizes = np.bincount(own, minlength=len(names))
    largest = np.sort(np.argsort(-sizes, kind="stable")[: MOST_KINDS - (len(names) > MOST_KINDS)])
    groups = [np.flatnonzero(own == kind) for kind in largest]
    groups.append(np.flatnonzero(~np.isin(own, largest)))
    return [rows for rows in groups if len(rows)]


def n_noises(task: Task) -> list[int]:
    """Per kind of rows of a block how many latents are integrated out in each."""
    spec, rows = task.spec, task.data
    noisy = {node for node in task.block.nodes if not (spec[node].family.noiseless or spec[node].family.points)}
    hidden = [
        noisy.intersection(name for place in np.unique(rows.pattern[kind]) for name in rows.patterns[place].missing)
        if rows.pattern is not None
        else set()
        for kind in kinds_of(rows)
    ]
    return [len(noisy.intersection(task.block.latent) | own) for own in hidden]


@partial(jax.jit, static_argnames=("form",))
def _log_rows(form: RowForm, numbers: RowNumbers, u: Array) -> tuple[Array, Array]:
    """`RowForm.log_rows` at points (point, coordinate): one program for all rows of one shape."""
    return jax.vmap(lambda at: form.log_rows(JAX, numbers, at))(u)


def extremes(u: FloatArray, n: int) -> IntArray:
    """Some of these draws (draw, coordinate): those that lie farthest out along each coordinate, and others evenly."""
    order = np.argsort(u, axis=0)
    outer = dict.fromkeys(order[[0, -1]].T.ravel().tolist())
    evenly = np.linspace(0, len(u) - 1, n).round().astype(int).tolist()
    return np.array(list(dict.fromkeys([*list(outer)[: n // 2], *evenly]))[:n], dtype=int)
