"""What a fit is judged on when it is trained, before anything is asked of it: functionals that the data pin down.

Source of the idea that these, and not the parameters, are what must have converged: in a model with hidden causes parameters
need not be identified, yet whatever is a functional of the law of the measured nodes is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray
from ..blocks.diagnostics import Diagnostic
from ..blocks.fitted import Fitted
from .forward import all_pairs, even_uniforms, moments, simulate_nodes, smooth_means

if TYPE_CHECKING:
    from .task import Task

JUDGED_UNITS = 256
"""Simulated units per draw, the same in every draw: what is compared between draws has no noise of its own."""
FEWER_UNITS = 64
FEW_NODES = 24
"""Nodes up to which units are many."""
MORE_SETS = 16
"""Sets of units over which what failed is averaged and judged again. Over one set a covariance near 0 is for the most part
what the units happen to have in common, which moves with axes of latents that no law depends on."""
MOST_PAIRS = 5_000
"""Pairs of nodes up to which the covariance of each is judged: those of 100 nodes."""
FEWER_PAIRS = 1_000
"""Pairs without an arrow that are judged where pairs are too many."""
LIKELIHOOD_ROWS = 256
"""Rows over which the log likelihood is taken: with more a sample of them, which is a functional of the parameters too."""
LOG_POSTERIOR = "log posterior"
LOG_LIKELIHOOD = "log likelihood"
_CELLS = 1_000_000
"""Draws times rows that are computed at once."""


def judged(posterior: Fitted) -> tuple[Diagnostic, ...]:
    """The functionals that every fit is judged on, whatever will be asked of it.

    Mean and sd of each measured node and the covariance of each pair (of very many nodes see `judged_pairs`), simulated
    with the same noise in every draw; and of each block of chains the log posterior and the log likelihood, which were
    judged with the block.
    """
    if posterior.is_point:
        return ()
    spec = posterior.spec
    pairs = judged_pairs(spec)
    diagnostics = {
        name: posterior.diagnose(name, value) for name, value in _simulated(posterior, spec.measured, pairs, 1).items()
    }
    doubtful = {name for name, found in diagnostics.items() if not found.passed}
    if doubtful:
        again = [pair for pair in pairs if f"cov({pair[0]}, {pair[1]})" in doubtful]
        nodes = [
            node
            for node in spec.measured
            if any(node in pair for pair in again) or doubtful & {f"mean({node})", f"sd({node})"}
        ]
        sets = [_simulated(posterior, nodes, again, 2 + k, mirrored=True) for k in range(MORE_SETS)]
        diagnostics |= {
            name: posterior.diagnose(name, np.mean([each[name] for each in sets], axis=0)) for name in doubtful
        }
    of_chains = tuple(
        replace(diagnostic, name=f"{diagnostic.name} of {block.block.name}")
        for block in posterior.blocks
        for diagnostic in block.diagnostics
        if diagnostic.name in (LOG_POSTERIOR, LOG_LIKELIHOOD)
    )
    return (*diagnostics.values(), *of_chains)


def _simulated(
    posterior: Fitted, nodes: Sequence[Name], pairs: Sequence[tuple[Name, Name]], stream: int, *, mirrored: bool = False
) -> dict[str, FloatArray]:
    """Moments of some nodes at each draw, (chain, draw), over units that are the same in every draw.

    Args:
        mirrored: Whether causes without a parent have nothing in common over the units: see `_mirrored`.
    """
    spec = posterior.spec
    needed = spec.graph.ancestors(nodes)
    order = [node for node in spec.graph.topological_order() if node in needed]
    n = JUDGED_UNITS if len(order) <= FEW_NODES else FEWER_UNITS
    uniforms = even_uniforms(order, n, np.random.default_rng([posterior.seed, stream]))
    if mirrored:
        uniforms = _mirrored(uniforms, spec.latent)
    values = simulate_nodes(spec, order, posterior.by_node, uniforms.__getitem__, {})
    functionals = moments({node: values[node] for node in nodes}, nodes, posterior.n_chains, pairs)
    return functionals | smooth_means(spec, nodes, posterior.by_node, values, posterior.shape)


def _mirrored(uniforms: Mapping[Name, FloatArray], latent: Collection[Name]) -> dict[Name, FloatArray]:
    """Twice as many units: each has a twin with opposite latents, and no two normal scores of latents, or of others, correlate.

    Where noise is shared between a latent and a node, and the law says nothing of how, what their scores have in common by
    chance would move with it.
    """
    even = {node: np.asarray(ndtri(u)) for node, u in uniforms.items()}
    for hidden in (True, False):
        nodes = [node for node in even if (node in latent) == hidden]
        scores = np.array([even[node] for node in nodes])
        if not 0 < len(nodes) < scores.shape[1] - 1:
            continue
        if not hidden:
            scores = scores - scores.mean(axis=1, keepdims=True)
        # Of all uncorrelated scores those nearest to these.
        left, _, right = np.linalg.svd(scores, full_matrices=False)
        even |= zip(nodes, np.sqrt(scores.shape[1]) * left @ right, strict=True)
    return {k: np.asarray(ndtr(np.concatenate([z, -z if k in latent else z]))) for k, z in even.items()}


def judged_pairs(spec: ModelSpec) -> list[tuple[Name, Name]]:
    """The pairs of measured nodes whose covariance is judged: those with a cause in common, or of which one causes the other.

    All of these, or where they are too many those that an arrow joins and some others, evenly chosen. The covariance of any
    other pair is 0 in every draw; over some units it would be what their noise has in common by chance, which moves with axes of
    latents.
    """
    causes = {node: spec.graph.ancestors([node]) for node in spec.measured}
    pairs = [pair for pair in all_pairs(spec.measured) if not causes[pair[0]].isdisjoint(causes[pair[1]])]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    joined = [pair for pair in pairs if pair[0] in spec[pair[1]].parents or pair[1] in spec[pair[0]].parents]
    others = sorted(set(pairs) - set(joined))
    picked = np.linspace(0, len(others) - 1, min(FEWER_PAIRS, len(others))).round().astype(int)
    return [*joined, *(others[k] for k in picked)]


def log_likelihood(task: Task, u: FloatArray) -> FloatArray:
    """The log density of the block's measured columns, latents integrated, at each draw, (chain, draw).

    Exact where the measured nodes are normal and linear in the latents, and where there are none; elsewhere the Gaussian
    approximation that also places the latents for the sampler. Either way it is unmoved by signs, labels and rotations of
    latents. Over at most `LIKELIHOOD_ROWS` rows, a sample where there are more.

    Args:
        u: (chain, draw, coordinate).
    """
    layout, numbers = task.layout, task.numbers
    if task.rows.n_stored > LIKELIHOOD_ROWS:
        from .assembly import assemble

        layout, numbers = assemble(task.spec, task.block, dict(task.coordinates), _sample(task.rows, task.random()))
    points = u.reshape(-1, 1, u.shape[-1])
    n_rows = len(numbers.weights)
    # The constants of a standard normal density, which `log_parts` leaves out, and of the integral over it cancel.
    z = np.zeros((layout.n_noise, n_rows))
    step = max(1, _CELLS // (n_rows * layout.n_states))
    with np.errstate(all="ignore"):
        sums = []
        for at in range(0, len(points), step):
            part = points[at : at + step]
            each = np.sum(layout.log_parts(NUMPY, numbers, part, z)[1], axis=-1)
            # Where nothing is measured the rows say the same at every point.
            sums.append(np.broadcast_to(each, len(part)))
    return np.concatenate(sums).reshape(u.shape[:2])


def _sample(rows: Dataset, random: np.random.Generator) -> Dataset:
    """Some of the rows, each stored row as likely as it is frequent."""
    picked = random.choice(rows.n_stored, size=LIKELIHOOD_ROWS, p=rows.weights / rows.weights.sum())
    return rows.picked(picked).counted_once()
