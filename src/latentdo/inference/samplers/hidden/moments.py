"""What data pin down of a block of tables some of which are hidden, with the hidden levels summed out unit by unit.

Levels that were never seen have no order, and in parts of the rows not even one that they share. Units that drew such a level
would make whatever is judged depend on it a little.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name, format_level
from latentdo.models import Table

from ...blocks.coordinates import row_of
from ...blocks.draws import NodeDraws
from ...likelihood.forward import even_uniforms, moments
from ...likelihood.task import Task

UNITS, FEWER_UNITS, FEW_NODES = 256, 64, 12
_CELLS = 4_000_000
"""Numbers of draws, units, states and levels that are computed at once."""


def table_moments(task: Task, draws: Mapping[Name, NodeDraws], n_chains: int) -> dict[str, FloatArray]:
    """Mean, sd and covariance of the measured nodes given the inputs, and means where an input has each of its levels.

    A unit draws each measured node in turn from its law given those before it, by uniforms that all draws share.

    Returns:
        By name (chain, draw).
    """
    units, shape = _Units.of(task), next(iter(draws.values())).coefficients.shape
    n_draws = shape[0] * shape[1]
    tables = {node: own.coefficients.reshape(n_draws, units.families[node].n_rows, -1) for node, own in draws.items()}
    size = max(1, _CELLS // units.cells)
    parts = [
        units.drawn({node: own[begin : begin + size] for node, own in tables.items()})
        for begin in range(0, n_draws, size)
    ]
    values, means = ({node: np.concatenate([part[k][node] for part in parts]) for node in parts[0][k]} for k in (0, 1))
    measured = task.block.measured
    inputs = {name: units.inputs[name] for name in task.block.inputs}
    found = moments({**inputs, **values}, (*inputs, *measured), n_chains)
    for name in inputs:
        # Given one of its effects a node was not drawn: what it has in common with it there is chance.
        for node in set(measured) & set(task.spec.graph.ancestors([name])):
            found.pop(f"cov({name}, {node})", None)
        for node in measured:
            if f"cov({name}, {node})" in found:
                # As for means: the law of a node says more than one level drawn from it.
                apart = (inputs[name] - inputs[name].mean()) * means[node]
                found[f"cov({name}, {node})"] = apart.mean(axis=1).reshape(n_chains, -1)
    for node in measured:
        found[f"mean({node})"] = means[node].mean(axis=1).reshape(n_chains, -1)
        for where, own in units.parts():
            found[f"mean({node}) where {where}"] = means[node][:, own].mean(axis=1).reshape(n_chains, -1)
    return found


@dataclass(frozen=True, eq=False)
class _Units:
    """Units of a block, before anything is drawn.

    Attributes:
        n_states: Of the latent nodes.
        states: The value of each of them in each of these, (state,).
        inputs: The value of each input, (unit,).
        uniforms: Of each measured node, (unit,).
    """

    task: Task
    families: Mapping[Name, Table]
    n_states: int
    states: Mapping[Name, FloatArray]
    inputs: Mapping[Name, FloatArray]
    uniforms: Mapping[Name, FloatArray]

    @staticmethod
    def of(task: Task) -> _Units:
        """Half of them like rows of the data and half like rows with each level of each input; each has an opposite twin."""
        random, block = task.random(), task.block
        families = {node: family for node in block.nodes if isinstance(family := task.spec[node].family, Table)}
        n = UNITS if len(block.nodes) <= FEW_NODES else FEWER_UNITS
        data = task.cells
        rows = random.choice(data.n_stored, size=n // 2, p=data.weights / data.weights.sum())
        columns = {name: data.column(name) for name in block.inputs}
        parts = [values == level for values in columns.values() for level in np.unique(values)]
        for k, part in enumerate(parts):
            weights = np.where(part, data.weights, 0.0)
            own = slice(k * (n // 4) // len(parts), (k + 1) * (n // 4) // len(parts))
            rows[own] = random.choice(len(weights), size=own.stop - own.start, p=weights / weights.sum())
        combined = list(itertools.product(*(families[node].points for node in block.latent)))
        states = np.array(combined, dtype=float).reshape(len(combined), len(block.latent))
        halves = even_uniforms(block.measured, n // 2, random)
        return _Units(
            task,
            families,
            len(combined),
            dict(zip(block.latent, states.T, strict=True)),
            {name: np.tile(values[rows], 2) for name, values in columns.items()},
            {node: np.concatenate([half, 1.0 - half]) for node, half in halves.items()},
        )

    @property
    def cells(self) -> int:
        """Numbers per draw that are held at once."""
        n_levels = max(len(family.levels) for family in self.families.values())
        return self.n_states * len(next(iter(self.uniforms.values()))) * n_levels

    def parts(self) -> Iterator[tuple[str, IntArray]]:
        """The units with each level of each input, and what these have in common."""
        for name, values in self.inputs.items():
            family = self.task.spec[name].family
            for point, level in zip(family.points, family.states, strict=True):
                if len(own := np.flatnonzero(values == point)):
                    yield f"{name}={format_level(level)}", own

    def drawn(self, tables: Mapping[Name, FloatArray]) -> tuple[dict[Name, FloatArray], dict[Name, FloatArray]]:
        """Values and conditional means of each measured node, (draw, unit) each.

        Args:
            tables: Their probabilities, (draw, row, level).
        """
        n_draws = len(next(iter(tables.values())))
        # Each with an axis for draws, units, and states of the latent nodes.
        values: dict[Name, FloatArray] = {name: own[None, :, None] for name, own in self.inputs.items()}
        values |= {node: own[None, None, :] for node, own in self.states.items()}
        drawn, means = dict[Name, FloatArray](), dict[Name, FloatArray]()
        belief = np.ones((1, 1, self.n_states))
        for node, family in self.families.items():
            row = row_of(family, [values[parent] for parent in self.task.spec[node].parents])
            row = np.broadcast_to(row, np.broadcast_shapes(np.shape(row), (1, 1, 1)))
            chances = tables[node][np.arange(n_draws)[:, None, None], row]
            points = np.asarray(family.points, dtype=float)
            if node in self.states:
                level = np.searchsorted(points, self.states[node])
                belief = belief * chances[..., np.arange(chances.shape[2]), level]
                continue
            law = (belief[..., None] * chances).sum(axis=2) / belief.sum(axis=2)[..., None]
            level = (self.uniforms[node][:, None] > np.cumsum(law, axis=-1)[..., :-1]).sum(axis=-1)
            picked = np.take_along_axis(chances, level[:, :, None, None], axis=3)[..., 0]
            belief = belief * picked
            belief = belief / belief.max(axis=2, keepdims=True)
            drawn[node] = points[level]
            means[node] = np.broadcast_to(law @ points, drawn[node].shape)
            values[node] = drawn[node][:, :, None]
        return drawn, means
