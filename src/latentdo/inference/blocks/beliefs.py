"""What is expected of a parameter before the data."""

from __future__ import annotations

from latentdo.models import Prior


def belief_mean(belief: Prior | float | None, otherwise: float = 0.0) -> float:
    """The mean of a prior, or the fixed number; `otherwise` where nothing was written."""
    if isinstance(belief, Prior):
        return belief.mean()
    return otherwise if belief is None else float(belief)
