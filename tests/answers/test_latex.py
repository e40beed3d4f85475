"""LaTeX: what is typeset is balanced and escaped, and says what the answer says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from handmade_answers import answer_of, line_draws
from latentdo.answers import Answers
from latentdo.answers import latex_question as question
from latentdo.query import Query
from latentdo.sheet.latex import escaped, prose
from posteriors import posterior_of

_, SLOPE = line_draws()


def assert_sound(text: str) -> None:
    """Braces and dollars pair, no sign of TeX stands bare, and every environment ends."""
    bare = re.sub(r"\\[\\{}$&#%_^ ,]", "", text)
    depth = 0
    for sign in bare:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0, text
    assert depth == 0, text
    assert bare.count("$") % 2 == 0, text
    assert "#" not in bare
    assert "%" not in bare
    assert "~" not in bare
    words = "".join(re.sub(r"\$[^$]*\$", "", bare))
    assert not set("_^<>|") & set(words), text
    begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", text) for word in ("begin", "end"))
    assert begun == ended[::-1]
    assert bare.count(r"\left") == bare.count(r"\right")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("E[Y | do(X=1)]", r"\mathbb{E}[Y \mid \mathrm{do}(X = 1)]"),
        ("P(Y > 1, Y <= 2 | do(X1=-1), Z=a)", r"P(Y > 1, Y \le 2 \mid \mathrm{do}(X_{1} = -1), Z = \textrm{a})"),
        ("E[Erk]", r"\mathbb{E}[\textit{Erk}]"),
        ("E[SARS_CoV2 | do(X=1e-9)]", r"\mathbb{E}[\textit{SARS\_CoV2} \mid \mathrm{do}(X = 1 \times 10^{-9})]"),
        ("Var[Y] - SD[Y]", r"\mathrm{Var}[Y] - \mathrm{SD}[Y]"),
        ("Quantile[Y, 0.9 | do(X=1)]", r"Q_{0.9}[Y \mid \mathrm{do}(X = 1)]"),
        ("Median[Y]", r"Q_{0.5}[Y]"),
        ("density(Y=1.3)", "p(Y = 1.3)"),
        ("odds(Y>1) / odds(Y>2)", r"\mathrm{odds}(Y > 1) / \mathrm{odds}(Y > 2)"),
        ("odds(Y>1) / 2", r"\frac{\mathrm{odds}(Y > 1)}{2}"),
        ("(E[Y] - E[M]) / 2", r"\frac{\mathbb{E}[Y] - \mathbb{E}[M]}{2}"),
        ("E[Y] - (E[M] - 1)", r"\mathbb{E}[Y] - \left(\mathbb{E}[M] - 1\right)"),
        ("2 * (E[Y] + E[M])", r"2 \cdot \left(\mathbb{E}[Y] + \mathbb{E}[M]\right)"),
        ("E[Y | do(X ~ normal(1, 0.5))]", r"\mathbb{E}[Y \mid \mathrm{do}(X \sim \textrm{normal}(1, 0.5))]"),
        ("E[`50% & more #1`]", r"\mathbb{E}[\textit{50\% \& more \#1}]"),
        (r"E[`a\b^c~d{e}$`]", r"\mathbb{E}[\textit{a\textbackslash{}b\textasciicircum{}c\textasciitilde{}d\{e\}\$}]"),
    ],
)
def test_questions_are_typeset(text, shown):
    found = question(Query.parse(text).expression)
    assert found == shown
    assert_sound(f"${found}$")


def test_words_are_escaped():
    assert escaped("a<b>|c") == r"a\textless{}b\textgreater{}\textbar{}c"
    assert escaped("a--b ``c''") == "a-{}-b `{}`c'{}'"


def test_a_row_has_question_quantity_number_and_interval():
    row = answer_of("E[Y | do(X=1)] - E[Y | do(X=0)]", SLOPE, name="50% & more").latex(0.5)
    low, high = np.quantile(SLOPE, [0.25, 0.75])
    assert row == (
        r"50\% \& more: $\mathbb{E}[Y \mid \mathrm{do}(X = 1)] - \mathbb{E}[Y \mid \mathrm{do}(X = 0)]$ & "
        rf"difference in means of Y, in its units & ${SLOPE.mean():.2f}$ & $[{low:.2f},\ {high:.2f}]$ \\"
    )
    assert_sound(row)


def test_what_is_not_well_is_marked_and_explained_below_the_table():
    posterior = posterior_of("X ~ normal; Y ~ normal(X); X <-> Y")
    plain = answer_of("E[Y | do(X=1)]", SLOPE)
    odd = answer_of(
        "E[Y | do(X=1)]", SLOPE, posterior, rhat=1.2, approximate="Laplace approximation", tail_index=0.9, name="a_b"
    )
    table = Answers((plain, odd)).latex()
    assert_sound(table)
    lines = table.splitlines()
    assert lines[0] == r"\begin{tabular}{llrr}"
    assert lines[1] == r"\toprule"
    assert lines[2] == r"Question & Quantity & Estimate & 90\,\% interval \\"
    assert lines[-1] == r"\end{tabular}"
    assert all(line.count(" & ") == 3 for line in lines[2:3] + lines[4:6])
    assert r"^{\dagger\ddagger\ast\circ}$" in lines[5]
    assert "^" not in lines[4]
    notes = [line for line in lines if "multicolumn" in line]
    assert [re.findall(r"\\(\w+)\}\$", note)[0] for note in notes] == ["dagger", "ddagger", "ast", "circ"]
    assert "Not nonparametrically identified" in notes[0]


def test_what_stands_beside_an_answer_has_columns():
    naive = answer_of("E[Y | X=1]", SLOPE + 1)
    table = Answers((answer_of("E[Y | do(X=1)]", SLOPE, naive=naive), answer_of("E[M]", SLOPE))).latex()
    assert_sound(table)
    assert r"Estimate & 90\,\% interval & Seeing & 90\,\% interval \\" in table
    assert f"${naive.mean:.2f}$" in table
    assert all(line.count(" & ") == 5 for line in table.splitlines()[4:6])


def test_one_draw_has_a_dash_and_odd_numbers_have_signs():
    assert answer_of("E[Y]", [0.5]).latex().endswith(r"& $0.5$ & -- \\")
    assert r"$1 \times 10^{300}$" in answer_of("E[Y]", [1e300]).latex()
    assert r"$\infty$" in answer_of("E[Y]", [np.inf]).latex()


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("mmHg", r"variance of Y, in mmHg\textsuperscript{2}"),
        ("$/%_a", r"variance of Y, in (\$/\%\_a)\textsuperscript{2}"),
        ("m s⁻¹", r"variance of Y, in (m s\textsuperscript{-1})\textsuperscript{2}"),
        ("μg", "variance of Y, in µg\\textsuperscript{2}"),
    ],
)
def test_units_are_typeset(unit, shown):
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", shape=(2, 10)).with_units({"Y": unit})
    row = answer_of("Var[Y | do(X=1)]", SLOPE, posterior).latex()
    assert row.split(" & ")[1] == shown
    assert_sound(row)


def test_the_methods_have_no_signs_that_latex_takes_for_commands():
    answer = answer_of("E[Y | do(X=1)] - E[Y | do(X=0)]", SLOPE, name="a_b")
    text = Answers((answer,)).methods_latex(0.95)
    assert_sound(text)
    assert r"U $\to$ X" in text
    assert r"95 \% intervals" in text
    assert r"$\sum_{\mathrm{M}}$ P(M \textbar{} X)" in text
    assert not re.search("[Α-Ωα-ω→·×]", text)


def test_greek_letters_are_commands():
    assert prose("αΑΣςο_λΩ") == r"$\alpha$A$\Sigma$$\varsigma$o\_$\lambda$$\Omega$"


def test_medians_are_marked_for_what_they_are():
    posterior = posterior_of("X ~ normal; Y ~ bernoulli(X)")
    prior = answer_of("E[Y]", SLOPE, tail_index=0.9)
    table = Answers((answer_of("Median[Y | do(X=1)]", [0.0] * 500, posterior, prior=prior),)).latex()
    assert r"$0^{\bullet}$" in table
    assert "Median of the draws, each of which is a level." in table
    assert "Median of the draws, as they have no trustworthy mean." in table
    assert "osterior median" not in table


def test_words_that_compare_risks_are_typeset():
    posterior = posterior_of("X ~ bernoulli; W ~ bernoulli; Y ~ bernoulli(X, W)")
    row = answer_of("1 - RR[Y > 0 | X: 0 -> 1, do(W=1)]", SLOPE, posterior).latex()
    assert r"$1 - \mathrm{RR}[Y > 0 \mid X\colon 0 \to 1, \mathrm{do}(W = 1)]$" in row
    assert_sound(row)
