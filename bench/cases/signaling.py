"""Growth-factor signaling: cells simulated molecule by molecule; two growth factors are hidden."""

from __future__ import annotations

import numpy as np

import latentdo as ld
from latentdo.simulators import study

from .case import Case, Rows


def draw(n: int, seed: int) -> Rows:
    """Cells from the package's own simulator."""
    cells = ld.simulate("signaling", n=n, seed=1000 + seed)
    return {name: np.asarray(counts, dtype=float) for name, counts in cells.items()}


SIGNALING = Case(
    "signaling",
    study("signaling").model,
    draw,
    # At SOS = 20 snapshots do not tell what holding SOS there would do (87.66): the graph's own formula gives 88.5.
    {
        "E[Erk | do(SOS=70)]": 88.862,
        "E[Erk | do(SOS=20)]": 88.5,
        "E[Erk]": 88.591,
        "E[Erk | do(SOS=70)] - E[Erk]": 0.271,
    },
    (30, 60, 100),
)
