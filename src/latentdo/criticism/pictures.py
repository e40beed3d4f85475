"""The residuals of nodes beside their pillows, as pictures need them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.plots import ResidualPanel

from .node_checks import NodeFit, spline
from .values import CheckRow, Word

MOST_PANELS = 9
MOST_DOTS = 1_500
HALF_WIDTH = 1.645


def panels_of(rows: Iterable[CheckRow]) -> list[ResidualPanel]:
    """A panel for each node whose mean was tested and each column of its pillow; those that fail first."""
    found = []
    for row in rows:
        if isinstance(row.about, NodeFit) and row.what.startswith(("mean", "chances")):
            fails = row.word is Word.MISFIT
            found += [_panel(row.about, name, values, fails=fails) for name, values in row.about.pillow]
    found.sort(key=lambda panel: not panel.fails)
    return found[:MOST_PANELS]


def _panel(fit: NodeFit, name: Name, values: FloatArray, *, fails: bool) -> ResidualPanel:
    n = len(values)
    matrix = np.column_stack([np.ones(n), spline(values, 4)])
    inverse = np.linalg.pinv(matrix.T @ matrix)
    fitted = matrix @ (inverse @ (matrix.T @ fit.residuals))
    left = fit.residuals - fitted
    # White's standard errors: the spread may change along the way.
    spread = np.sqrt(np.einsum("ij,jk,ik->i", matrix, inverse @ (matrix.T * left**2) @ matrix @ inverse, matrix))
    order = np.argsort(values, kind="stable")
    # Far out there is nothing to see.
    order = order[int(0.005 * n) : n - int(0.005 * n)]
    order = order[np.unique(np.linspace(0, len(order) - 1, 200).round().astype(int))]
    dots = np.unique(np.linspace(0, n - 1, min(n, MOST_DOTS)).round().astype(int))
    return ResidualPanel(
        f"what is left of {fit.node}",
        name,
        values[dots],
        fit.residuals[dots],
        values[order],
        fitted[order],
        (fitted - HALF_WIDTH * spread)[order],
        (fitted + HALF_WIDTH * spread)[order],
        fails,
    )
