"""Rows of a probability table as unbounded coordinates: broken sticks, each share on the logit scale."""

from __future__ import annotations

from latentdo.models import Table
from latentdo.models.build import Arithmetic, Array


def table_logs(m: Arithmetic, family: Table, u: Array) -> tuple[Array, Array]:
    """The log probabilities of a table, (…, row, level), and the log prior density of `u` with its Jacobian.

    A share v = 1 / (1 + exp(-u)) of what is left goes to each level but the last; with v ~ Beta(a, a · levels after it) each
    row is Dirichlet(a, …, a).

    Args:
        u: (…, row x (level - 1)), row by row.
    """
    n_levels, a = len(family.levels), family.concentration
    u = u.reshape(*u.shape[:-1], family.n_rows, n_levels - 1)
    after = a * m.np.arange(n_levels - 1, 0, -1)
    log_share, log_rest = -m.np.logaddexp(0.0, -u), -m.np.logaddexp(0.0, u)
    # Beta(a, b) in v with dv/du = v (1 - v).
    log_prior = m.np.sum(a * log_share + after * log_rest, axis=(-2, -1))
    left = m.np.cumsum(log_rest, axis=-1)
    nothing_taken = 0.0 * left[..., :1]
    before = m.np.concatenate([nothing_taken, left], axis=-1)
    return m.np.concatenate([log_share, nothing_taken], axis=-1) + before, log_prior
