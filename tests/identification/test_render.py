"""How formulas are printed."""

from __future__ import annotations

import pytest

import known_graphs
from latentdo.graphs import parse_graph
from latentdo.identification import identify
from latentdo.query import Query


def shown(graph: str, query: str) -> str:
    return identify(parse_graph(graph), Query.parse(query)).unwrap().text


@pytest.mark.parametrize(
    ("graph", "query", "text"),
    [
        (known_graphs.BACK_DOOR, "E[Y | do(X)]", "Σ_Z E[Y | X, Z] P(Z)"),
        (known_graphs.BACK_DOOR, "P(Y=1 | do(X=0))", "Σ_Z P(Y=1 | X=0, Z) P(Z)"),
        (known_graphs.BACK_DOOR, "P(Y > 1, Y < 2 | do(X='high'))", "Σ_Z P(Y > 1, Y < 2 | X=high, Z) P(Z)"),
        (
            known_graphs.BACK_DOOR,
            "E[Y | do(X=1)] - E[Y | do(X=0)]",
            "Σ_Z E[Y | X=1, Z] P(Z) - Σ_Z E[Y | X=0, Z] P(Z)",
        ),
        (
            known_graphs.BACK_DOOR,
            "(P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))) / P(Y=1 | do(X=0))",
            "(Σ_Z P(Y=1 | X=1, Z) P(Z) - Σ_Z P(Y=1 | X=0, Z) P(Z)) / (Σ_Z P(Y=1 | X=0, Z) P(Z))",
        ),
        ("X -> Y", "E[Y | do(X=1)] - (E[Y | do(X=0)] - 2 * E[Y])", "E[Y | X=1] - (E[Y | X=0] - 2 * E[Y])"),
        # A number of the whole law has the law inside, printed as for P(Y | do(X)).
        (known_graphs.BACK_DOOR, "Var[Y | do(X=1)]", "Var[Y ~ Σ_Z P(Y | X=1, Z) P(Z)]"),
        (
            known_graphs.BACK_DOOR,
            "(Quantile[Y, 0.9 | do(X)] - Median[Y]) / SD[Y]",
            "(Quantile[Y ~ Σ_Z P(Y | X, Z) P(Z), 0.9] - Median[Y ~ P(Y)]) / SD[Y ~ P(Y)]",
        ),
        (
            known_graphs.BACK_DOOR,
            "SD[Y | do(X=1), Z > 1]",
            "SD[Y ~ Σ_{Z > 1} P(Y | X=1, Z) P(Z) / P(Z > 1)]",
        ),
        (known_graphs.BACK_DOOR, "density(Y=1.3 | do(X=1))", "Σ_Z P(Y=1.3 | X=1, Z) P(Z)"),
        (known_graphs.BACK_DOOR, "density(Y | do(X=1)) for Y in 0..1", "Σ_Z P(Y | X=1, Z) P(Z)"),
        (
            known_graphs.BACK_DOOR,
            "E[Y | do(X)] - E[Y | do(X=0)] for X in 0..1",
            "Σ_Z E[Y | X, Z] P(Z) - Σ_Z E[Y | X=0, Z] P(Z)",
        ),
        (
            known_graphs.NAPKIN,
            "E[Y | do(X=1)]",
            "Σ_W E[Y | R, W, X=1] P(X=1 | R, W) P(W) / Σ_W P(X=1 | R, W) P(W), for any R",
        ),
        # Y is in two places: its mean is a sum around the formula.
        (
            "X -> Y -> Z; X <-> Z",
            "E[Y | do(X), Z]",
            "Σ_Y Y ((P(Y | X) Σ_X' P(Z | X', Y) P(X')) / Σ_Y' P(Y' | X) Σ_X' P(Z | X', Y') P(X'))",
        ),
        (
            "Z -> X -> Y; Z -> Y",
            "E[Y | do(X ~ normal(70, 5))]",
            "Σ_X q(X) Σ_Z E[Y | X, Z] P(Z), where q(X) = normal(70, 5)",
        ),
        (
            "Z -> X -> Y; Z -> Y",
            "E[Y | do(X ~ normal(1, 5))] - E[Y | do(X ~ normal(0, 5))]",
            "Σ_X q(X) Σ_Z E[Y | X, Z] P(Z) - Σ_X q2(X) Σ_Z E[Y | X, Z] P(Z), "
            "where q(X) = normal(1, 5); q2(X) = normal(0, 5)",
        ),
        (
            "X -> Z; X -> Y; Z -> Y",
            "E[Y | do(X=1), Z > 1]",
            "E[Y | X=1, Z > 1] P(Z > 1 | X=1) / P(Z > 1 | X=1)",
        ),
        ("`my node` -> Y", "P(Y | do(`my node`))", "P(Y | `my node`)"),
        ("X10 -> Y; X2 -> Y; X10 -> X2", "P(Y | do(X2, X10))", "P(Y | X2, X10)"),
    ],
)
def test_text(graph, query, text):
    assert shown(graph, query) == text


@pytest.mark.parametrize(
    ("graph", "query", "latex"),
    [
        (known_graphs.BACK_DOOR, "P(Y | do(X))", r"\sum_{Z} P(Y \mid X, Z) P(Z)"),
        (
            known_graphs.NAPKIN,
            "P(Y | do(X))",
            r"\frac{\sum_{W} P(X, Y \mid R, W) P(W)}{\sum_{W} P(X \mid R, W) P(W)},\quad \text{for any } R",
        ),
        ("X -> Y", "Var[Y | do(X=1)]", r"\mathrm{Var}\left[Y \sim P(Y \mid X = 1)\right]"),
        ("X -> Y", "Quantile[Y, 0.9 | do(X=1)]", r"\mathrm{Quantile}\left[Y \sim P(Y \mid X = 1),\ 0.9\right]"),
        ("SOS_1 -> Y", "E[Y | do(SOS_1=70)]", r"E[Y \mid \mathit{SOS\_1} = 70]"),
        # pdfLaTeX has Greek letters in mathematics alone, and accents in text alone.
        (
            "α -> Größe_1",
            "E[Größe_1 | do(α='hoch β')]",
            r"E[\textit{Größe\_1} \mid \textit{$\alpha$} = \text{hoch $\beta$}]",
        ),
        ("X -> Y", "P(Y <= 1 | do(X='a_b'))", r"P(Y \le 1 \mid X = \text{a\_b})"),
        ("X -> Y", "E[Y | do(X=1)] / E[Y | do(X=0)]", r"\frac{E[Y \mid X = 1]}{E[Y \mid X = 0]}"),
        ("X -> Y", "2 * E[Y | do(X=1)]", r"2 \cdot E[Y \mid X = 1]"),
        (known_graphs.FRONT_DOOR, "P(Y | do(X))", r"\sum_{M} P(M \mid X) \sum_{X'} P(Y \mid M, X') P(X')"),
    ],
)
def test_latex(graph, query, latex):
    assert identify(parse_graph(graph), Query.parse(query)).unwrap().latex == latex
