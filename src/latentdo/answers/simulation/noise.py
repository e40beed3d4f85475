"""The noise of one call: which draws meet which units, and what each node's noise is in them.

All queries of a call, and all terms of a query, see the same noise, so that arms of a contrast share it, and a query's number
does not depend on what was asked beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.models.build import numerics

if TYPE_CHECKING:
    from scipy.stats import qmc

REPLICATES = 16
CHUNK = 32
"""Units that are simulated at a time."""
CROSSED = 64
"""Draws up to which each one is simulated in every replicate."""
COMMON = 48
"""Draws that every replicate simulates beside its own: by how their mean differs, the simulation error is told."""
NODES = (9, 17, 33)
"""Places at which noise that depends on a parameter is computed, before it is interpolated to all draws."""
INTERPOLATION = 1e-7
"""Largest error of the interpolation, as a share of the noise's own sd."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Who is simulated where.

    Attributes:
        columns: (replicate, column): the posterior draw in each column.
        own: (replicate, column) of each draw, draws in order; None where every replicate has all draws.
        n_common: How many of the last columns are the same draws in every replicate.
        n_draws: How many draws there are; more than columns where all are equal, and one stands for them.
    """

    columns: np.ndarray[Any, np.dtype[np.intp]]
    own: tuple[np.ndarray[Any, np.dtype[np.intp]], np.ndarray[Any, np.dtype[np.intp]]] | None
    n_common: int
    n_draws: int

    @staticmethod
    def of(n_draws: int, random: np.random.Generator, *, all_equal: bool = False) -> Layout:
        """Few draws are simulated in every replicate; of many each one in a replicate of its own, some in all."""
        if n_draws <= CROSSED or all_equal:
            n_columns = 1 if all_equal else n_draws
            return Layout(np.tile(np.arange(n_columns), (REPLICATES, 1)), None, n_columns, n_draws)
        # Draws are assigned at random: chains and their trends must not line up with replicates.
        order = random.permutation(n_draws)
        width = -(-n_draws // REPLICATES)
        # The last places are filled up with draws that have a place already.
        padded = np.concatenate([order, order[: width * REPLICATES - n_draws]]).reshape(REPLICATES, width)
        common = random.choice(n_draws, COMMON, replace=False)
        columns = np.concatenate([padded, np.tile(common, (REPLICATES, 1))], axis=1)
        replicate, column = np.divmod(np.argsort(order), width)
        return Layout(columns, (replicate, column), COMMON, n_draws)

    def spread(self, values: FloatArray) -> FloatArray:
        """One number per draw, put where the draws are."""
        return values[self.columns]

    def gathered(self, values: FloatArray) -> FloatArray:
        """One number per draw from (replicate, column)."""
        with np.errstate(all="ignore"):
            found = values.mean(axis=0) if self.own is None else values[self.own]
        return found if len(found) == self.n_draws else np.full(self.n_draws, found[0])

    def error(self, values: FloatArray) -> float:
        """The standard error of the mean over draws that comes from simulating finitely many units.

        The replicates are independent, and their noise is the same for all of their draws; so it is seen in how far the
        mean over the common draws differs between replicates, without the sampling of draws in it.
        """
        # Numbers that are not finite are refused later, by name.
        with np.errstate(all="ignore"):
            return spread_of(values[:, -self.n_common :].mean(axis=1)) / math.sqrt(REPLICATES)

    def widening(self, values: FloatArray) -> float:
        """The standard deviation that simulating finitely many units adds to the number of a draw.

        It is how far the number of one draw differs between replicates: in part by what all draws of a replicate have in common,
        in part by what units are to this draw alone, which the error of the mean does not show.
        """
        with np.errstate(all="ignore"):
            each = values[:, -self.n_common :].var(axis=0, ddof=1).mean()
        return math.sqrt(float(each) / (REPLICATES if self.own is None else 1))


def spread_of(values: FloatArray) -> float:
    """The standard deviation, n - 1 in its denominator, of numbers whose squares may be too large or too small to hold."""
    low, high = float(values.min()), float(values.max())
    # The mean of equal numbers may be rounded, and then they seem to differ from it.
    if high - low == 0.0:
        return 0.0
    size = max(abs(low), abs(high))
    if size > 1e100 or 0.0 < size < 1e-100:
        return size * float((values / size).std(ddof=1))
    return float(values.std(ddof=1))


class Noise:
    """Uniforms of a call, and the noise that families make of them, chunk by chunk."""

    def __init__(self, spec: ModelSpec, seed: int) -> None:
        self.spec, self.seed = spec, seed
        self._uniforms = np.empty((len(spec.graph.nodes), REPLICATES, 0))
        self._known: dict[tuple[Name, int], FloatArray] = {}

    @cached_property
    def _position(self) -> dict[Name, int]:
        """The dimension of the low-discrepancy sequence that a node uses."""
        return {node: k for k, node in enumerate(self.spec.graph.nodes)}

    @cached_property
    def _sequences(self) -> list[qmc.Sobol]:
        from scipy.stats import qmc  # all of SciPy's statistics: an exact answer does not pay for them

        return [
            qmc.Sobol(len(self._position), scramble=True, rng=np.random.default_rng([self.seed, 1, replicate]))
            for replicate in range(REPLICATES)
        ]

    def uniforms(self, node: Name, chunk: int) -> FloatArray:
        """Scrambled Sobol' points of a node, (replicate, 1, unit).

        Every chunk is an evenly spread net by itself, and so are the first 4, 16, … of them together.

        Source:
            Owen (1997), Scrambled net variance for integrals of smooth functions.
        """
        while self._uniforms.shape[-1] < (chunk + 1) * CHUNK:
            made = self._uniforms.shape[-1]
            more = np.stack([sequence.random(max(made, CHUNK)).T for sequence in self._sequences], axis=1)
            self._uniforms = np.concatenate([self._uniforms, np.clip(more, 2.0**-40, 1 - 2.0**-40)], axis=-1)
        return self._uniforms[self._position[node], :, None, chunk * CHUNK : (chunk + 1) * CHUNK]

    def of(self, node: Name, chunk: int, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """A node's noise, (replicate, 1 or column, unit).

        Args:
            parameters: The family's, (replicate, column, 1), the same in every call.
        """
        key = (node, chunk)
        if key in self._known:
            return self._known[key]
        family, uniforms = self.spec[node].family, self.uniforms(node, chunk)
        arithmetic = numerics(family)
        match family.noise_parameters:
            case ():
                found = arithmetic.noise(uniforms, {})
            case (name,):
                found = _along(parameters[name], lambda own: arithmetic.noise(uniforms, {name: own}))
            case _:
                found = arithmetic.noise(uniforms, parameters)
        # Noise of every draw's own is large: only as much of it is kept as most questions need.
        if found.shape[1] == 1 or chunk < 8:
            self._known[key] = found
        return found


def _along(values: FloatArray, noise: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The noise at every draw's value of a parameter, by Chebyshev interpolation in its logarithm; quantiles are dear.

    Args:
        values: (replicate, column, 1), positive.
        noise: (replicate, 1, unit) at one value of the parameter.

    Source:
        Berrut & Trefethen (2004), Barycentric Lagrange interpolation, eq. 4.2 and 5.4.
    """
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return noise(np.asarray(low))
    where = np.log(values / low) / np.log(high / low)  # 0 to 1
    for n in NODES:
        nodes, signs = chebyshev(n)
        table = np.stack([noise(np.asarray(low * (high / low) ** at)) for at in nodes])  # (n, replicate, 1, unit)
        between = 0.5 * (nodes[n // 2] + nodes[n // 2 + 1])
        checked = np.tensordot(barycentric(np.asarray(between), nodes, signs), table, 1)
        exact = noise(np.asarray(low * (high / low) ** between))
        if abs(checked - exact).max() <= INTERPOLATION * exact.std():
            weights = barycentric(where[..., 0], nodes, signs)  # (replicate, column, n)
            return np.einsum("rcn,nru->rcu", weights, table[:, :, 0, :], optimize=True)
    return noise(values)


def chebyshev(n: int) -> tuple[FloatArray, FloatArray]:
    """Chebyshev points of the second kind in [0, 1], ascending, and their barycentric weights."""
    nodes = 0.5 - 0.5 * np.cos(np.arange(n) * np.pi / (n - 1))
    signs = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)
    signs[[0, -1]] *= 0.5
    return nodes, signs


def barycentric(where: FloatArray, nodes: FloatArray, signs: FloatArray) -> FloatArray:
    """Weights of the nodes' values in the interpolating polynomial at some places, on a last axis."""
    away = where[..., None] - nodes
    exact = away == 0
    weights = signs / np.where(exact, 1.0, away)
    weights = np.where(exact.any(axis=-1, keepdims=True), exact, weights)
    return weights / weights.sum(axis=-1, keepdims=True)
