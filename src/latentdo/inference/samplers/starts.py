"""Where training can begin; and where it cannot, whose fault that is: a density that is nowhere finite, said with its node."""

from __future__ import annotations

import numpy as np

from latentdo.errors import FitError
from latentdo.graphs import Name
from latentdo.models.build import NUMPY, numerics

from ..blocks.coordinates import FloatArray, NodeCoordinates
from ..blocks.draws import flat
from ..likelihood.density import NodeValues, log_posterior, unpack
from ..likelihood.forward import node_parameters, predictor, simulate_nodes
from ..likelihood.task import Task
from .outcome import node_draws


def finite_starts(task: Task, n: int) -> FloatArray:
    """Dispersed unbounded points, (n, free coordinates), of which at least one has a finite log posterior.

    Raises:
        FitError: None has; names the node, and the rows or the numbers at which its term is not finite.
    """
    points = task.starts(n)
    noise = np.zeros((task.layout.n_noise, task.rows.n_stored))
    with np.errstate(all="ignore"):
        if any(np.isfinite(log_posterior(NUMPY, task.layout, task.numbers, point, noise)) for point in points):
            return points
        faults = _faults(task, points[0])
    raise FitError(
        f"The log density of {task.block.name} is not finite at any of {n} starting points. "
        f"{' '.join(faults) or 'A number of the model is far from the data.'} Check the priors and fixed numbers there, "
        "and the unit of the column."
    )


def _faults(task: Task, point: FloatArray) -> list[str]:
    """A sentence per term that is not finite at the point."""
    values = unpack(NUMPY, task.layout, task.numbers, point)
    draws = dict(node_draws(task, point[None, None]))
    data = task.data
    columns: dict[Name, FloatArray] = {name: data.column(name)[None] for name in task.names}
    # Latents stand at their medians.
    simulate_nodes(task.spec, task.block.nodes, draws, lambda node: np.full(data.n_stored, 0.5), columns)
    faults = []
    for node, own, at in zip(task.block.nodes, task.own, values, strict=True):
        if not np.isfinite(at.log_prior):
            faults.append(f"The prior of {node} is {float(at.log_prior):g} at {_numbers(own, at)}.")
        if node in task.block.latent:
            continue
        mechanism = task.spec[node]
        coefficients, parameters = flat(draws[node])
        eta = predictor(mechanism, coefficients, columns)
        logs = numerics(mechanism.family).log_density(NUMPY, columns[node], eta, node_parameters(parameters))
        wrong = np.flatnonzero(~np.isfinite(np.broadcast_to(np.squeeze(logs), data.n_stored)))
        if len(wrong):
            first = int(wrong[0])
            faults.append(
                f"The term of {node} is {np.ravel(logs)[first]:g} in {len(wrong)} of {data.n_stored} rows (the first is row "
                f"{first}, counting from 0, where {node} is {columns[node][0, first]:g}), at {_numbers(own, at)}."
            )
    return faults


def _numbers(own: NodeCoordinates, at: NodeValues) -> str:
    """The node's parameters by their labels, in raw units."""
    labels = [coordinate.label for coordinate in own.all]
    numbers = [*np.ravel(at.raw), *(float(value) for value in at.parameters.values())]
    return ", ".join(f"{label} = {number:.3g}" for label, number in zip(labels, numbers, strict=False))
