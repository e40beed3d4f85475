"""Models with explicit fixed priors on everything, simulated and evaluated by code that latentdo has no part in."""

from __future__ import annotations

from .cells import CELLS, Cell

__all__ = ["CELLS", "Cell"]
