"""A study and rows of results whose statistics are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentdo.simulators import PopulationValue
from latentdo.tables import Table
from studies.cases import Figure, Study

TRUTH = 2.0
SIZES = (15, 60)
DATASETS = 12
"""Enough for verdicts: each error occurs three times."""


def nothing(n, *, seed, do, latents, progress):
    return Table({"X": np.zeros(n), "Y": np.zeros(n)})


STUDY = Study(
    name="made",
    title="A <made> study",
    graph="X -> Y",
    file="model: |\n  X ~ normal\n  Y ~ normal(X)\nqueries:\n  effect: E[Y | do(X=1)]\n  other: E[Y | do(X=2)]\n",
    population=(PopulationValue("effect", TRUTH, 0.001),),
    source="In closed form.",
    caution="Mind the gap & more.",
    simulate=nothing,
    rows=100,
    sizes=SIZES,
    main=("effect",),
    outcome="Y",
    published=(
        Figure("effect", "lvm", 60, 0.4, 0.2, 0.6, "First release."),
        Figure("effect", "lvm", 60, 0.5, note="Second release."),
        Figure("effect", "plug-in", 60, 11.0, 10.0, 12.0, "First release."),
    ),
    reference=(Figure("effect", "plug-in", 60, 0.3),),
    corrections=("The published plug-in saturates.",),
    remarks=("The effect is small.",),
    targets=(("effect", 15, 0.5), ("effect", 60, 0.5), ("effect", 200, 0.1)),
)
# |errors| 0.1 0.2 0.4 0.5 at n = 60: median 0.3; half of that is the floor's, and at n = 15 ten times as much.
ERRORS = {
    "lvm": (0.1, -0.2, 0.4, -0.5),
    "lvm misspecified": (0.2, -0.4, 0.8, -1.0),
    "plug-in": (3.0, -3.0, 3.1, -3.1),
    "mean": (0.1, 0.2, -0.4, 0.5),
    "floor": (0.05, -0.1, 0.2, -0.25),
}


def made_rows(methods: Sequence[str] = tuple(ERRORS)) -> list[dict]:
    """Twelve data sets at two sizes: intervals hold the truth where |error| < 0.45; fits take 2 s, answers 0.5 s."""
    return [
        {
            "study": "made",
            "dataset": k + 1,
            "n": n,
            "query": query,
            "method": method,
            "estimate": TRUTH + error * (10 if n == 15 else 1),
            "sd": 0.2,
            "lower": TRUTH + error - 0.45,
            "upper": TRUTH + error + 0.45,
            "level": 0.9,
            "applies": True,
            "note": "",
            "seconds": 0.5,
            "fit_seconds": 2.0 if method.startswith("lvm") else None,
            "truth": TRUTH,
            "truth_error": 0.001,
            "sample_truth": TRUTH,
            "converged": k % 4 > 0 if method.startswith("lvm") else None,
            "rhat": 1.0,
            "ess": 1000.0,
            "mcse": 0.001,
            "error": None,
        }
        for method in methods
        for n in SIZES
        for query in ("effect", "other")
        for k, error in enumerate(3 * ERRORS[method])
    ]
