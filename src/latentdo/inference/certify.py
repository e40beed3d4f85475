"""What a fit is judged on when it is trained, before anything is asked of it: functionals that the data pin down."""

from __future__ import annotations

import numpy as np

from .diagnostics import Diagnostic
from .forward import moments, simulate_nodes
from .posterior import Posterior

JUDGED_UNITS = 256


def judged(posterior: Posterior) -> tuple[Diagnostic, ...]:
    """The functionals of P(V) that a fit is judged on: mean and sd of each measured node, pairwise covariances."""
    random = np.random.default_rng([posterior.seed, 1])
    spec = posterior.spec
    values = simulate_nodes(
        spec,
        spec.graph.topological_order(),
        posterior.by_node,
        lambda node: random.uniform(size=JUDGED_UNITS),
        {},
    )
    found = moments({node: values[node] for node in spec.measured}, spec.measured, posterior.n_chains)
    return tuple(posterior.diagnose(name, value) for name, value in found.items())
