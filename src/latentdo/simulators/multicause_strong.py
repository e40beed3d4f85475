"""The five causes with weights of M and Y so large that the effect is no small one.

In the published study the effect is so small that the mean of Y is as good as any estimator. Hidden causes and
X1 to X5 are as there.
"""

from __future__ import annotations

from .built_in import Study, truths
from .multicause import ALL_0, ALL_1, GRAPH, MODEL, REST, SEEN_0, SEEN_1, equations
from .structural import Process

FILE = f"""\
{MODEL}queries:
  low: E[Y | {ALL_0}]
  high: E[Y | {ALL_1}]
  contrast: E[Y | {ALL_1}] - E[Y | {ALL_0}]
{REST}"""

# The intercept, then the weights of X1 to X5.
OF_M = (-2.0, 0.8, 0.8, 0.8, 0.8, 0.8)
# The intercept, then the weights of M, U1, U2, U3.
OF_Y = (-2.0, 2.5, 0.22, 0.15, 0.11)

PROCESS = Process(equations(OF_M, OF_Y), number=5)

STUDY = Study(
    name="multicause-strong",
    title="Five causes of one mediator, strong effects",
    graph=GRAPH,
    file=FILE,
    # By quadrature over the hidden causes and enumeration of X.
    population=truths(
        {
            "E[Y]": 0.32930,
            f"E[Y | {ALL_0}]": 0.16964,
            f"E[Y | {ALL_1}]": 0.35693,
            f"E[Y | {ALL_0}] - E[Y]": -0.15966,
            f"E[Y | {ALL_1}] - E[Y | {ALL_0}]": 0.18729,
            f"E[Y | {SEEN_0}]": 0.00806,
            f"E[Y | {SEEN_1}]": 0.65396,
        }
    ),
    source="quadrature over the hidden causes and enumeration of the binary nodes",
    caution=(
        "Rows in which all causes are 0 have Y = 1 in 0.8 % of cases: what is seen there is far from what setting "
        "them would do."
    ),
    simulate=PROCESS.simulate,
)
