"""A regulator that can be knocked out, its gene, and growth: the effect of the gene needs the knock-out rows.

Hidden causes join the regulator to the gene (batch) and to growth (stress). Observation does not identify the effect of the gene;
rows in which the regulator was set do, though nobody set the gene.

Source:
    The graph is that of Bareinboim & Pearl (2012), Causal inference by surrogate experiments, figure 1b; the
    numbers are this project's choice.
"""

from __future__ import annotations

from .built_in import Study, truths
from .structural import Equation, Process, coin, root

GRAPH = """\
latent Batch, Stress
Batch -> R; Batch -> G; Stress -> R; Stress -> Y
R -> G -> Y
"""

FILE = """\
model: |
  latent Batch, Stress ~ normal
  R ~ bernoulli(Batch, Stress)
  G ~ normal(R, Batch)
  Y ~ normal(G, Stress)
queries:
  low: E[Y | do(G=0)]
  high: E[Y | do(G=3)]
  contrast: E[Y | do(G=3)] - E[Y | do(G=0)]
"""

PROCESS = Process(
    (
        root("Batch", 0.0, 1.0),
        root("Stress", 0.0, 1.0),
        coin("R", lambda v: 0.4 + 1.2 * v["Batch"] + 1.2 * v["Stress"]),
        Equation("G", lambda v, e: -0.5 + 3.0 * v["R"] + 0.9 * v["Batch"] + 0.7 * e),
        Equation("Y", lambda v, e: 1.0 + 0.5 * v["G"] - 1.5 * v["Stress"] + 0.6 * e),
    ),
    number=7,
)

STUDY = Study(
    name="knockout",
    title="A knock-out of the regulator stands in for one of the gene",
    graph=GRAPH,
    file=FILE,
    # In closed form where something is set; by quadrature over the sum of the hidden causes where nothing is.
    population=truths(
        {
            "E[Y]": 1.59920,
            "P(R=1)": 0.56613,
            "E[Y | do(R=0)]": 0.75,
            "E[Y | do(R=1)]": 2.25,
            "E[Y | do(G=0)]": 1.0,
            "E[Y | do(G=3)]": 2.5,
            "E[Y | do(G=3)] - E[Y | do(G=0)]": 1.5,
        }
    ),
    source="closed form where something is set, quadrature over the hidden causes where nothing is",
    caution=(
        "Rows of observation alone do not identify these answers: without rows in which R was set they rest on priors and on "
        "the form of the model."
    ),
    simulate=PROCESS.simulate,
)
