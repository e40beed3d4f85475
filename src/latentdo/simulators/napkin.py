"""The new napkin problem: W -> R -> X -> Y, with U behind W and X and V behind W and Y.

Source:
    Taheri, Ness, Zucker & Vitek, Do-calculus enables causal reasoning with latent variable models
    (arXiv 2102.06626), second example. It gives the families only; the numbers here are this project's choice.
"""

from __future__ import annotations

import numpy as np

from .built_in import Study, truths
from .structural import POSITIVE, Equation, Process, coin, gamma_noise, root

GRAPH = """\
latent U, V
U -> W; U -> X; V -> W; V -> Y
W -> R -> X -> Y
"""

FILE = """\
model: |
  latent U, V ~ normal
  W ~ gamma(U, V)
  R ~ normal(W)
  X ~ bernoulli(R, U)
  Y ~ normal(X, V)
queries:
  effect: E[Y | do(X=0)]
  ace: E[Y | do(X=0)] - E[Y]
compare: [plug-in, werm-id, nested ipw]
variants:
  misspecified: {split: {V: [V1, V2]}}
"""

SHAPE = 6.0

PROCESS = Process(
    (
        root("U", 0.0, 1.0),
        root("V", 1.0, 1.0),
        Equation("W", lambda v, e: np.exp(0.2 + 0.4 * v["U"] + 0.5 * v["V"]) * e, gamma_noise(SHAPE), POSITIVE),
        Equation("R", lambda v, e: 0.5 + 0.8 * v["W"] + 0.7 * e),
        coin("X", lambda v: -1.7 + 1.0 * v["R"] + 1.2 * v["U"]),
        Equation("Y", lambda v, e: 0.2 + 1.5 * v["X"] + 1.5 * v["V"] + e),
    ),
    number=3,
)

STUDY = Study(
    name="napkin",
    title="The new napkin problem",
    graph=GRAPH,
    file=FILE,
    # In closed form where X is set: 0.2 + 1.5 x + 1.5 E[V]. By quadrature where it is not.
    population=truths(
        {
            "E[Y]": 2.56182,
            "E[Y | do(X=0)]": 1.7,
            "E[Y | do(X=1)]": 3.2,
            "E[Y | do(X=0)] - E[Y]": -0.86182,
            "E[Y | do(X=1)] - E[Y | do(X=0)]": 1.5,
            "E[Y | X=0]": 1.33382,
            "E[Y | X=1]": 3.47116,
            "P(X=1)": 0.57455,
        }
    ),
    source="closed form where X is set, quadrature over the hidden causes where it is not",
    caution=(
        "The paper's own numbers were never published: its errors and ours compare in shape only. W and R have long "
        "right tails, and where R is above 4 (15 % of rows) nearly every X is 1."
    ),
    simulate=PROCESS.simulate,
)
