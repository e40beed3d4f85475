"""The log likelihood of each row at kept draws: log of the density of its measured cells, latents integrated out.

Blocks are independent given the rows, so that their logs add up. A block without latents, or with discrete ones alone, is
exact. So is a linear-Gaussian one: placed as `density._placed` says, its integrand is a Gaussian that a single point integrates.
Elsewhere a rule of `rows` is refined until the finest one no longer moves the sum.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from latentdo.graphs import Name
from latentdo.models import Table
from latentdo.models.build import NUMPY, Arithmetic
from latentdo.tables import Dataset, IntArray

from ..blocks.block import Block
from ..blocks.cells import block_rows
from ..blocks.coordinates import FloatArray, mixing
from ..blocks.draws import NodeDraws, flat
from ..blocks.fitted import Fitted
from ..runtime import JAX, compile_cache, float64, require_backend
from .assembly import assemble
from .density import AbstractForm, Layout, NodeValues, row_logs
from .rows import RowForm, RowNumbers, extremes, n_levels, rule
from .task import padded_size

FINE = 0.01
"""Error of a rule, in the sum over rows or in any row, up to which no finer one is taken."""
COMPARED = 24
"""Draws at which rules are compared, half of them the most extreme."""
WORSE = 4.0
"""How many times as large the error may be at draws that are not among them."""
CHEAP = 10_000_000
"""Numbers (draw x point x row) of the finest rule with which more draws are compared."""
ROWS_COMPARED = 2_000
"""Rows at which they are compared; what is found counts for all."""
ROWS_AT_ONCE = 4_096
MOST_CELLS = 2_000_000
"""Rows times joint states that are computed together."""
NUMBERS_AT_ONCE = 1_000_000
"""Draws times points, rows and states that are computed together."""

Array = Any

_log = logging.getLogger("latentdo")


@dataclass(frozen=True)
class RawForm(AbstractForm):
    """A block whose coordinates are the parameters of its nodes themselves, `NodeValues`, instead of free coordinates."""

    layout: Layout

    @property
    def n_noise(self) -> int:
        """See `AbstractForm`."""
        return self.layout.n_noise

    def log_parts(self, m: Arithmetic, numbers: Any, u: Any, z: Array) -> tuple[Array, Array]:
        """See `AbstractForm`; there is no prior of parameters in raw units."""
        return 0.0 * numbers.weights.sum(), row_logs(m, self.layout, numbers, u, z, by_state=True)


@dataclass(frozen=True)
class Pointwise:
    """What `log_likelihood` gives.

    Attributes:
        values: (draw, row).
        integrated: The latents that were integrated or summed out.
        error: The largest error of a quadrature rule that was found, in the sum over rows.
    """

    values: FloatArray
    integrated: tuple[Name, ...]
    error: float


def log_likelihood(fitted: Fitted, data: Dataset, index: IntArray) -> Pointwise:
    """The log density of the measured cells of each row of a table, at some draws of a fit.

    Nodes without noise add nothing: given their parents they are certain.

    Args:
        data: The columns of the measured nodes; a row of weight k is k rows.
        index: Of the draws, chains laid end to end.
    """
    require_backend()
    counts = data.weights[data.weights > 0].astype(np.intp)
    values = np.zeros((len(index), data.n_rows))
    integrated: list[Name] = []
    worst = 0.0
    with compile_cache(), float64(), np.errstate(all="ignore"):
        for draws, block in _blocks(fitted, data):
            logs = block.fine(draws, index)
            places = np.repeat(block.group, counts)
            for total, own in zip(values, logs.values, strict=True):
                total += own[places]
            integrated += block.block.latent
            worst = max(worst, logs.error)
            if logs.error > FINE:
                _log.warning(
                    "The latents of %s are hard to integrate: the log likelihood of all rows together is known to about %.1g.",
                    block.block.name,
                    logs.error,
                )
    return Pointwise(values, tuple(integrated), worst)


def n_evaluations(fitted: Fitted, data: Dataset, n_draws: int) -> int:
    """How often the density of a row is evaluated at least: what `log_likelihood` costs."""
    return n_draws * sum(block.n_evaluations for _, block in _blocks(fitted, data))


def _blocks(fitted: Fitted, data: Dataset) -> Iterator[tuple[dict[Name, NodeDraws], BlockRows]]:
    """The blocks that have a density, with their draws; one whose measured nodes have no noise is a block by itself."""
    for drawn in fitted.blocks:
        block = drawn.block
        if block.measured and not any(fitted.spec[node].family.noiseless for node in block.measured):
            rows = block_rows(fitted.spec, block, data)
            yield dict(drawn.draws), BlockRows(fitted, block, *rows.grouped(rows.names))


@dataclass(frozen=True, eq=False)
class BlockRows:
    """Distinct rows of a block, and how their log likelihood is computed.

    Attributes:
        rows: Each distinct row once, with its weight.
        group: Which of them each stored row of the table is.
    """

    fitted: Fitted
    block: Block
    rows: Dataset
    group: IntArray

    @property
    def n_evaluations(self) -> int:
        """Rows times states times points of the coarsest rule."""
        points = 1 if self._exact else len(self._rule(0)[0])
        return self.rows.n_stored * self._layout.n_states * points

    def fine(self, draws: dict[Name, NodeDraws], index: IntArray) -> Pointwise:
        """By the coarsest rule that is fine enough at the most extreme draws; by the finest where none is."""
        values = self._values(draws, index)
        if self._exact:
            return Pointwise(self.logs(values, None), self.block.latent, 0.0)
        sample, last = self._sample(), n_levels(self._layout.n_noise) - 1
        each = sample.rows.n_stored * self._layout.n_states * len(self._rule(last)[0])
        some = extremes(_matrix(draws, index), max(COMPARED, min(len(index), CHEAP // each)))
        few = jax.tree.map(lambda part: part[some], values)
        # Two coarse rules may both miss a narrow peak: each is compared with the finest.
        finest, error = sample.logs(few, last), math.inf
        for level in range(last):
            moved = sample.logs(few, level) - finest
            error = float(max(np.abs(moved @ sample.rows.weights).max(), np.abs(moved).max()))
            error = error * self.rows.n_rows / sample.rows.n_rows if math.isfinite(error) else math.inf
            if WORSE * error <= FINE:
                return Pointwise(self.logs(values, level), self.block.latent, error)
        return Pointwise(self.logs(values, last), self.block.latent, error)

    def _sample(self) -> BlockRows:
        """The same, or some of the rows where they are many."""
        n = self.rows.n_stored
        if n <= ROWS_COMPARED:
            return self
        some = np.linspace(0, n - 1, ROWS_COMPARED).round().astype(int)
        return replace(self, rows=self.rows.picked(some))

    def logs(self, values: tuple[NodeValues, ...], level: int | None) -> FloatArray:
        """(draw, row), by one rule of `rows`; None for one point, in NumPy.

        Args:
            values: Per node, draws first.
        """
        n_draws = len(values[0].log_prior)
        out = np.empty((n_draws, self.rows.n_stored))
        points, log_weights = (np.zeros((1, self._layout.n_noise)), np.zeros(1)) if level is None else self._rule(level)
        for begin, n_kept, numbers in self._slices():
            n_rows = len(numbers.weights)
            at_once = max(1, NUMBERS_AT_ONCE // (len(points) * n_rows * self._layout.n_states))
            at_once = min(at_once, padded_size(n_draws))
            form = RowForm(RawForm(self._layout), len(points))
            row_numbers = RowNumbers(numbers, points, log_weights, np.ones(n_rows), np.zeros(n_rows))
            for first in range(0, n_draws, at_once):
                part = np.arange(first, min(first + at_once, n_draws))
                if level is None:
                    few = jax.tree.map(lambda leaf, part=part: leaf[part][:, None], values)
                    logs = row_logs(NUMPY, self._layout, numbers, few, np.zeros((self._layout.n_noise, n_rows)))
                    logs = np.broadcast_to(logs, (len(part), n_rows))
                else:
                    # Always as many draws: one program.
                    filled = np.append(part, np.zeros(at_once - len(part), dtype=int))
                    few = jax.tree.map(lambda leaf, filled=filled: leaf[filled], values)
                    logs = np.asarray(_compiled(form, row_numbers, few))
                out[part, begin : begin + n_kept] = logs[: len(part), :n_kept]
        return out + self._constant

    def _rule(self, level: int) -> tuple[FloatArray, FloatArray]:
        return rule(self._layout.n_noise, level)

    def _slices(self) -> Iterator[tuple[int, int, Any]]:
        """Some rows at a time: where they begin, how many they are, and the numeric half, padded to one size."""
        n = self.rows.n_stored
        at_once = max(1, min(ROWS_AT_ONCE, n, MOST_CELLS // self._layout.n_states))
        size = at_once if self._exact else padded_size(at_once)
        for begin in range(0, n, at_once):
            some = self.rows.picked(slice(begin, begin + at_once))
            yield begin, some.n_stored, self._assembled(some.padded(size).counted_once())[1]

    def _assembled(self, rows: Dataset) -> tuple[Layout, Any]:
        return assemble(self.fitted.spec, self.block, {own.node: own for own in self.fitted.coordinates}, rows)

    @cached_property
    def _layout(self) -> Layout:
        return self._assembled(self.rows.picked(slice(0, 1)).counted_once())[0]

    @property
    def _exact(self) -> bool:
        """Whether a single point integrates the latents: there are none with noise, or all is normal and linear in them."""
        if not self._layout.n_noise:
            return True
        mechanisms = [self.fitted.spec[node] for node in self.block.nodes]
        unseen = {*self.block.latent, *(name for each in self.rows.patterns for name in each.missing)}
        return all(
            (mechanism.family.linear_gaussian or mechanism.family.noiseless)
            and all(weight.is_linear_in(unseen) for weight in mechanism.weights)
            for mechanism in mechanisms
        )

    @property
    def _constant(self) -> float:
        """What the rules leave out: they count on a standard normal density of the noise without its constant."""
        n = sum(node.noise is not None and not node.family.has_plain_noise for node in self._layout.nodes)
        return 0.5 * n * math.log(2.0 * math.pi)

    def _values(self, draws: dict[Name, NodeDraws], index: IntArray) -> tuple[NodeValues, ...]:
        """The nodes' parameters as the density takes them, draws first, from those in raw units."""
        return tuple(self._node_values(node, draws[node], index) for node in self.block.nodes)

    def _node_values(self, node: Name, draws: NodeDraws, index: IntArray) -> NodeValues:
        spec = self.fitted.spec
        raw, parameters = flat(draws)
        raw, parameters = raw[index], {name: values[index] for name, values in parameters.items()}
        family, nothing = spec[node].family, np.zeros(len(index))
        if isinstance(family, Table):
            logs = np.log(raw).reshape(len(index), family.n_rows, len(family.levels))
            return NodeValues(logs, raw, parameters, nothing)
        to_raw = next(own.to_raw for own in self.fitted.coordinates if own.node == node)
        sampled, mixed = np.linalg.solve(to_raw, raw.T).T, mixing(spec, node)
        return NodeValues(sampled if mixed is None else sampled @ mixed.T, raw, parameters, nothing)


@partial(jax.jit, static_argnums=0)
def _compiled(form: RowForm, numbers: RowNumbers, values: tuple[NodeValues, ...]) -> Array:
    """(draw, row)."""
    return jax.vmap(lambda own: form.log_rows(JAX, numbers, own)[1])(values)


def _matrix(draws: dict[Name, NodeDraws], index: IntArray) -> FloatArray:
    """All parameters of a block in raw units, (draw, parameter)."""
    columns = []
    for own in draws.values():
        coefficients, parameters = flat(own)
        columns += [coefficients, *(values[:, None] for values in parameters.values())]
    return np.concatenate(columns, axis=1)[index]
