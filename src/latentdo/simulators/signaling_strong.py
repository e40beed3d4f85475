"""The signaling graph with an effect that is no small one, simulated from the model's own equations.

Each protein is 100 times the sigmoid of its weighted parents, plus normal noise: no snapshots of a chemical
process, which would bias every estimator that takes the graph at its word. The numbers were chosen once.
"""

from __future__ import annotations

from .built_in import Study, truths
from .signaling import GRAPH, GROWTH_FACTORS, MODEL, REST
from .structural import Equation, Process, hill, linear, root

FILE = f"""\
{MODEL}queries:
  low: E[Erk | do(SOS=20)]
  high: E[Erk | do(SOS=70)]
  contrast: E[Erk | do(SOS=70)] - E[Erk | do(SOS=20)]
{REST}"""


def protein(node: str, sd: float, intercept: float, **weights: float) -> Equation:
    """A protein: 100 times the sigmoid of its weighted parents, plus normal noise."""
    return Equation(node, lambda rows, noise: hill(linear(rows, intercept, weights)) + sd * noise)


PROCESS = Process(
    (
        *(root(name, mean, sd) for name, (mean, sd) in GROWTH_FACTORS.items()),
        protein("SOS", 5.0, -8.9, EGF=0.20, IGF=0.30),
        protein("Ras", 5.0, -3.0, SOS=0.06),
        protein("PI3K", 5.0, -9.9, EGF=0.20, IGF=0.30, Ras=0.02),
        protein("AKT", 5.0, -3.0, PI3K=0.06),
        protein("Raf", 5.0, -0.5, Ras=0.06, AKT=-0.05),
        protein("Mek", 5.0, -2.5, Raf=0.05),
        protein("Erk", 3.0, -2.5, Mek=0.05),
    ),
    number=6,
)

STUDY = Study(
    name="signaling-strong",
    title="Growth-factor signaling, strong effects",
    graph=GRAPH,
    file=FILE,
    # From 20 000 000 rows; the arms of a contrast have the same noise.
    population=truths(
        {
            "E[Erk]": (50.0016, 0.0040),
            "E[Erk | do(SOS=20)]": (25.7751, 0.0033),
            "E[Erk | do(SOS=70)]": (67.5126, 0.0044),
            "E[Erk | do(SOS=70)] - E[Erk | do(SOS=20)]": (41.7375, 0.0027),
            "E[Erk | do(SOS=70)] - E[Erk]": (17.5110, 0.0035),
            "E[Erk | do(SOS=20)] - E[Erk]": (-24.2265, 0.0030),
        }
    ),
    source="20 000 000 simulated rows per query",
    caution=(
        "The standard deviation of Erk is 18, that of SOS 16: the contrast is 2.3 standard deviations of Erk. The "
        "regression of Erk on SOS has a slope of almost zero (-3.3 over the 50 units that the contrast spans), "
        "because both growth factors drive SOS and, by way of AKT, hold Raf down."
    ),
    simulate=PROCESS.simulate,
)
