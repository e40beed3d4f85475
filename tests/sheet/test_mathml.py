"""Formulas as MathML: well-formed, whole, and text where the LaTeX is beyond what is read."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import latentdo as ld
from latentdo.answers.latex import latex_question
from latentdo.query import Query
from latentdo.sheet import web
from latentdo.sheet.mathml import NotTypeset, mathml


def words_of(latex: str) -> str:
    """All signs of the formula in a row; that it is XML is checked on the way."""
    return "".join(ElementTree.fromstring(mathml(latex, "a < b")).itertext()).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\frac{\sum_{W} P(X \mid R', W)}{P(W)},\quad \text{for any } R", "∑WP(X∣R′,W)P(W),for any R"),
        (r"\mathbb{E}[\textit{IL-6\_a} \mid \mathrm{do}(X = -3)] \cdot 1.5", "𝔼[IL-6_a∣do(X=−3)]·1.5"),
        (r"\mathrm{Var}\left[Y \sim P(Y \mid \mathit{a\ \{b\}})\right] \le 2e-05", "Var[Y∼P(Y∣a {b})]≤2e-05"),
        (r"\mathrm{RD}[Y = \textrm{a\textless{}b} \mid X\colon 0 \to 1]", "RD[Y=a<b∣X:0→1]"),
        (r"Q_{0.9}[Y'']", "Q0.9[Y′′]"),
        (r"P(\textit{Größe $\alpha$} \mid \textit{$\Delta$\_\$})", "P(Größe α∣Δ_$)"),
    ],
)
def test_a_formula_keeps_all_its_signs(latex: str, words: str):
    assert words_of(latex) == words


GRAPHS = {
    "W -> R -> X -> Y; W <-> X; W <-> Y": ["P(Y | do(X))", "Quantile[Y, 0.9 | do(X=1)]"],
    "X -> M -> Y; X <-> Y": ["E[Y | do(X=1)] - E[Y | do(X=0)]", "P(Y > 2, Y <= 3 | do(X ~ normal(0, 1)))"],
    "`IL-6 <a>` -> X -> Y; `IL-6 <a>` -> Y": ["NNT[Y='x <y>' | X: 0 -> 1]", "odds(Y=1 | do(X=1), `IL-6 <a>`=2)"],
}


@pytest.mark.parametrize(("graph", "query"), [(graph, query) for graph, queries in GRAPHS.items() for query in queries])
def test_questions_formulas_and_proofs_are_typeset(graph: str, query: str):
    verdict = ld.identify(graph, query)
    assert words_of(latex_question(Query.parse(query).expression))
    assert words_of(verdict.estimand.latex)
    for shown in (verdict, verdict.estimand, verdict.derivation):
        html = shown._repr_html_()
        assert "<math " in html and "<a>" not in html
    assert verdict.estimand._repr_latex_() == rf"$\displaystyle {verdict.estimand.latex}$"


@pytest.mark.parametrize("latex", [r"\strange{X}", r"\frac{X", r"X}", r"\text X", r"\text{\frac{a}{b}}"])
def test_what_is_not_read_is_shown_as_text(latex: str):
    with pytest.raises(NotTypeset):
        mathml(latex, "X")
    assert web.typeset(latex, "P(X < 1)") == "<code>P(X &lt; 1)</code>"
