"""Five binary causes of one mediator, with three hidden causes behind them and the outcome.

Source:
    Taheri, Ness, Zucker & Vitek, Do-calculus enables causal reasoning with latent variable models
    (arXiv 2102.06626), first study. The numbers are those of its code, which calls the second number of a hidden
    cause a variance and uses it as a standard deviation.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from .built_in import Study, truths
from .structural import Equation, FloatArray, Process, Rows, coin, linear, root

CAUSES = ("X1", "X2", "X3", "X4", "X5")

GRAPH = """\
latent U1, U2, U3
U1 -> X1; U1 -> X2; U1 -> X3; U1 -> X4; U1 -> X5; U1 -> Y
U2 -> X1; U2 -> X2; U2 -> X3; U2 -> X4; U2 -> X5; U2 -> Y
U3 -> X1; U3 -> X2; U3 -> X3; U3 -> X4; U3 -> X5; U3 -> Y
X1 -> M; X2 -> M; X3 -> M; X4 -> M; X5 -> M
M -> Y
"""

MODEL = """\
model: |
  latent U1, U2, U3 ~ normal
  X1, X2, X3, X4, X5 ~ bernoulli(U1, U2, U3)
  M ~ bernoulli(X1, X2, X3, X4, X5)
  Y ~ bernoulli(M, U1, U2, U3)
"""

REST = """\
compare: [plug-in, werm-id]
variants:
  misspecified: {merge: {U: [U1, U2, U3]}}
"""

ALL_0 = "do(X1=0, X2=0, X3=0, X4=0, X5=0)"
ALL_1 = "do(X1=1, X2=1, X3=1, X4=1, X5=1)"

FILE = f"""\
{MODEL}queries:
  effect: E[Y | {ALL_0}]
  ace: E[Y | {ALL_0}] - E[Y]
{REST}"""

# Mean and standard deviation of each hidden cause.
HIDDEN = {"U1": (-8.0, 10.0), "U2": (6.0, 8.0), "U3": (-5.0, 7.0)}
# The intercept, then the weights of U1, U2, U3.
OF_CAUSES = {
    "X1": (2.00, 0.23, 0.33, 0.12),
    "X2": (1.59, 0.23, 0.34, 0.15),
    "X3": (1.52, 0.21, 0.32, 0.13),
    "X4": (1.49, 0.24, 0.35, 0.16),
    "X5": (1.38, 0.28, 0.38, 0.10),
}
# The intercept, then the weights of X1 to X5.
OF_M = (-1.4, 0.36, 0.12, 0.10, 0.11, 0.26)
# The intercept, then the weights of M, U1, U2, U3.
OF_Y = (-1.1, 0.26, 0.22, 0.15, 0.11)


def _weighted(numbers: tuple[float, ...], parents: Iterable[str], rows: Rows) -> FloatArray:
    return linear(rows, numbers[0], dict(zip(parents, numbers[1:], strict=True)))


def equations(of_m: tuple[float, ...], of_y: tuple[float, ...]) -> tuple[Equation, ...]:
    """The process, for these numbers of M and of Y."""
    return (
        *(root(name, mean, sd) for name, (mean, sd) in HIDDEN.items()),
        *(coin(name, partial(_weighted, OF_CAUSES[name], HIDDEN)) for name in CAUSES),
        coin("M", partial(_weighted, of_m, CAUSES)),
        coin("Y", partial(_weighted, of_y, ("M", *HIDDEN))),
    )


SEEN_0, SEEN_1 = ALL_0[3:-1], ALL_1[3:-1]
PROCESS = Process(equations(OF_M, OF_Y), number=2)

STUDY = Study(
    name="multicause",
    title="Five causes of one mediator",
    graph=GRAPH,
    file=FILE,
    # By quadrature over the hidden causes and enumeration of X.
    population=truths(
        {
            "E[Y]": 0.22206,
            f"E[Y | {ALL_0}]": 0.21796,
            f"E[Y | {ALL_1}]": 0.22267,
            f"E[Y | {ALL_0}] - E[Y]": -0.00410,
            f"E[Y | {ALL_1}] - E[Y | {ALL_0}]": 0.00472,
            f"E[Y | {SEEN_0}]": 0.00958,
            f"E[Y | {SEEN_1}]": 0.46047,
        }
    ),
    source="quadrature over the hidden causes and enumeration of the binary nodes",
    caution=(
        "The effect is so small (0.004) that the mean of Y is as good an estimate as any. The mean of Y over the 200 "
        "rows of one data set under do(X=0) has a standard error of 0.03."
    ),
    simulate=PROCESS.simulate,
)
