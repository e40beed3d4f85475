"""From unbounded coordinates to values within their bounds and to rows of probabilities, and back."""

from __future__ import annotations

import math

from latentdo.models import Table
from latentdo.models.build import Arithmetic, Array


def constrained(
    m: Arithmetic, transform: str, u: Array, low: Array, high: Array, scale: Array, centre: Array
) -> tuple[Array, Array]:
    """The value within its bounds, and the log Jacobian of the change of variable.

    A half-line is reached by softplus: logarithmic within `scale` of the bound, straight beyond. With the logarithm alone a
    coordinate that reaches down to its bound is stiff at the other end: twenty times the gradients for the same draws.
    """
    if transform == "free":
        # In units of its own: a column in 1e-8ths must not look narrower to the sampler than one in thousands.
        return centre + scale * u, m.np.log(scale) + 0.0 * u
    if transform == "half":
        upper = m.np.isinf(low)
        bound = m.np.where(upper, high, low)
        distance = scale * m.np.logaddexp(0.0, u)
        return bound + m.np.where(upper, -1.0, 1.0) * distance, m.np.log(scale) - m.np.logaddexp(0.0, -u)
    share = 0.5 * (1.0 + m.np.tanh(0.5 * u))
    return low + (high - low) * share, -m.np.logaddexp(0.0, u) - m.np.logaddexp(0.0, -u)


def unconstrained(transform: str, value: float, low: float, high: float, scale: float, centre: float) -> float:
    """The unbounded point of a value: the inverse of `constrained`."""
    if transform == "free":
        return (value - centre) / scale
    if transform == "half":
        distance = (value - low if math.isfinite(low) else high - value) / scale
        return distance + math.log(-math.expm1(-distance))
    share = (value - low) / (high - low)
    return math.log(share) - math.log1p(-share)


def table_logs(m: Arithmetic, family: Table, u: Array, arguments: Array) -> tuple[Array, Array]:
    """The log probabilities of a table, (…, row, level), and the log prior density of `u` with its Jacobian.

    A share v = 1 / (1 + exp(-u)) of what is left goes to each level but the last; with v ~ Beta(a_j, sum of a after it) each row
    is Dirichlet(a_1, …, a_K).

    Args:
        u: (…, row x (level - 1)), row by row.
        arguments: Of each share the two of its Beta prior first, (row x (level - 1), 2 or more).
    """
    n_levels = len(family.levels)
    u = u.reshape(*u.shape[:-1], family.n_rows, n_levels - 1)
    a, after = (arguments[:, k].reshape(family.n_rows, n_levels - 1) for k in (0, 1))
    log_share, log_rest = -m.np.logaddexp(0.0, -u), -m.np.logaddexp(0.0, u)
    # Beta(a, b) in v with dv/du = v (1 - v).
    log_prior = m.np.sum(a * log_share + after * log_rest, axis=(-2, -1))
    left = m.np.cumsum(log_rest, axis=-1)
    nothing_taken = 0.0 * left[..., :1]
    before = m.np.concatenate([nothing_taken, left], axis=-1)
    return m.np.concatenate([log_share, nothing_taken], axis=-1) + before, log_prior
