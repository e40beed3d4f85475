"""The fit on one page: what is in it, that it fits the page, and that names stay plain text."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from handmade_fits import FRONT_DOOR, ODD, handmade
from latentdo.inference.blocks.diagnostics import Diagnostic
from latentdo.inference.posterior.account import node_row
from latentdo.inference.posterior.posterior import Posterior
from latentdo.inference.posterior.summary import STATUS, WIDTH, sheets


def text(posterior: Posterior) -> str:
    found = posterior.summary()
    assert max(map(len, found.split("\n"))) <= WIDTH
    assert all(line == line.rstrip() for line in found.split("\n"))
    return found


def squeezed(posterior: Posterior) -> str:
    """The page with every run of blanks as one, for phrases that may stand in a table."""
    return " ".join(text(posterior).split())


def row_of(posterior: Posterior, name: str) -> str:
    """A parameter's line in the table of all of them."""
    table = text(posterior).split("Parameters, in raw units")[1]
    (row,) = [line for line in table.split("\n") if line.startswith(f"  {name}  ")]
    return row


def test_the_header_says_what_was_fitted_to_what():
    page = text(handmade())
    assert page.startswith("Fit of a model with 3 measured and 1 latent node: converged\n  Measured")
    assert "Measured    X, M, Y" in page
    assert "Latent      U" in page
    assert "30 rows from trial.csv" in page
    assert "site: no node has this name" in page
    assert "Never read  U: named like a latent node" in page
    assert "effect: E[Y | do(X=1)]" in page
    assert "Units" not in page
    assert "Units       X in mg/kg; Y in mmHg" in text(handmade().with_units({"Y": "mmHg", "X": "mg/kg"}))


def test_priors_in_force_are_stated_with_their_units():
    page = squeezed(handmade())
    posterior = handmade()
    x = posterior.facts.column("X")
    assert "intercept(X) normal(1.25, 2) default, at U = 0" in page
    assert f"X -> M normal(0, 1) default, per sd of X ({x.sd:.4g})" in page
    assert "sd(Y) 0.1 + halfnormal(2) default, in units of Y" in page
    assert "U fixed at mean 0 and sd 1: a latent node has no scale of its own" in page
    assert "normal: Y = intercept + Σ weight · parent + Normal(0, sd)" in page


def test_what_the_user_wrote_is_stated_in_raw_units():
    model = (
        "latent U ~ normal(mean=normal(37, 1), sd=2); A ~ normal; B ~ normal(intercept=3);"
        "Y ~ hill(+A, -B, U, weight=normal(0, 0.123456789), intercept=normal(0, 10), sd=5.4, max=10);"
        "Z ~ bernoulli(A, B, A:B); G ~ gamma(A:B); W ~ linear(A, weight=0.5)"
    )
    page = squeezed(handmade(model))
    assert "intercept(U) normal(37, 1) yours" in page
    assert "sd(U) fixed at 2 in units of U" in page
    assert "intercept(B) fixed at 3" in page
    assert "Y ~ hill(+A, -B, U, max=10) (intercept and weights on logit(Y/10))" in page
    assert "A -> Y normal(0, 0.123456789, low=0) yours, per unit of A, kept positive" in page
    assert "B -> Y normal(0, 0.123456789, high=0) yours, per unit of B, kept negative" in page
    assert "intercept(Y) normal(0, 10) yours, at parents = 0" in page
    assert "sd(Y) fixed at 5.4 in units of Y" in page
    assert "(intercept and weights on logit P(Z = 1))" in page
    assert "(intercept and weights on log G)" in page
    assert "), centred" in page and "), not centred" in page
    assert "A -> W fixed at 0.5 per unit of A" in page


def test_the_plan_and_the_verdict_are_told():
    posterior = handmade()
    page = squeezed(posterior)
    assert "Auto(max_steps=16000), seed 0: 4 chains x 20 draws kept, 2.2 s" in page
    assert "{U, X, Y} given M drawn by hand" in page
    assert "Convergence: passed" in page
    assert page.count("3 functionals, all passed: worst R-hat 1.001 (mean(X)), lowest ESS 2,000 (mean(X))") == 2
    assert "Plan drawn by hand (2 blocks)" in page
    assert "Divergences 6 of 800 transitions" in page
    assert "Warnings Two columns are much alike." in page
    assert "Warnings none" in squeezed(replace(posterior, warnings=()))


def test_a_moment_that_block_and_fit_both_judge_has_one_rhat_on_the_page():
    fit = handmade()
    judged = (Diagnostic("cov(X, M)", 1.004, 900.0),)
    blocks = tuple(replace(block, diagnostics=(Diagnostic("cov(X, M)", 1.007, 800.0),)) for block in fit.blocks)
    page = squeezed(replace(fit, blocks=blocks, diagnostics=judged))
    assert "drawn by hand; worst R-hat 1.007, lowest ESS 800; 3 of 400 transitions diverged" in page
    assert "worst R-hat 1.004 (cov(X, M)), lowest ESS 900 (cov(X, M))" in page


def test_a_fit_that_did_not_converge_says_where():
    failed = tuple(Diagnostic(f"cov(X, Y{k})", 1.2 if k < 12 else float("inf"), 30.0 + k) for k in range(13))
    page = squeezed(replace(handmade(), diagnostics=(*failed, Diagnostic("mean(X)", 1.0, 4000.0))))
    assert ": NOT CONVERGED" in page
    assert "Convergence: FAILED for 13 of 14" in page
    assert "Not passed cov(X, Y12): R-hat inf, ESS 42 Not passed cov(X, Y0): R-hat 1.200, ESS 30" in page, (
        "the worst first"
    )
    assert "cov(X, Y11)" not in page and "and 3 more" in page


def test_the_table_of_parameters_has_means_sds_and_intervals():
    posterior = handmade()
    draws = dict(posterior.parameters)["X -> M"]
    low, high = np.quantile(draws, (0.05, 0.95))
    judged = next(diagnostic for diagnostic in posterior.parameter_diagnostics if diagnostic.name == "X -> M")
    label = next(label for label in posterior.parameter_labels if label.name == "X -> M")
    row = row_of(posterior, "X -> M")
    _, _, _, mean, sd, lower, upper, rhat, ess, *said = row.split()
    assert [float(cell) for cell in (mean, sd, lower, upper)] == pytest.approx(
        [draws.mean(), draws.std(ddof=1), low, high], abs=0.006
    )
    assert (rhat, ess) == (f"{judged.rhat:.3f}", f"{judged.ess:,.0f}")
    assert " ".join(said) == STATUS[label.kind][0]
    page = text(posterior)
    assert "intercept(U)" not in page.split("Parameters")[1], "a fixed number is not a row"
    assert "That is not a fault" in page


def test_the_top_says_what_matters_most():
    posterior = handmade("latent U ~ normal; X ~ normal(U, weight=normal(0, 2)); Y ~ gamma(X, U, shape=3)")
    top = squeezed(posterior).split("Model latent")[0]
    assert "Families normal U, X; gamma Y" in top
    assert "Data 30 rows from trial.csv" in top
    assert "Priors default for 5 parameters, yours for 1, 1 fixed" in top
    assert "APPROXIMATE" not in top


def test_an_approximation_is_loud_and_a_bad_khat_too():
    posterior = handmade()
    first, second = posterior.blocks
    weighted = replace(second, independent=True, weight_ess=312.4, khat=0.83)
    guessed = replace(first, independent=True, approximate="Laplace approximation")
    page = squeezed(replace(posterior, blocks=(guessed, weighted)))
    assert page.startswith(
        "Fit of a model with 3 measured and 1 latent node: converged, APPROXIMATE (Laplace approximation)"
    )
    assert "APPROXIMATE {U, X, Y}: Laplace approximation, not draws of the posterior" in page
    assert "Pareto k-hat 0.83 (above 0.7: NOT TRUSTED); 312 effective draws" in page


def test_a_run_that_is_too_short_is_not_certified_whatever_its_rhat():
    posterior = handmade()
    short = replace(posterior, blocks=tuple(replace(block, n_warmup=40) for block in posterior.blocks))
    page = squeezed(short)
    assert ": NOT CONVERGED" in page
    assert "Convergence: NOT CERTIFIED, the run is too short" in page
    assert "Too short {U, X, Y}: 40 transitions of warm-up per chain; at least 100 are needed" in page


def test_what_was_left_out_is_told():
    assert "Left out 31 of 231 identified effects, to save time" in squeezed(
        replace(handmade(), unjudged=("31 of 231 identified effects",))
    )


def test_weights_without_latents_need_no_excuse():
    assert "not a fault" not in text(handmade("X ~ normal; Y ~ normal(X)"))
    assert "no latent nodes" in text(handmade("X ~ normal; Y ~ normal(X)"))


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e4, 1e12])
def test_numbers_of_every_size_keep_three_digits(size: float):
    posterior = handmade("Y ~ normal")
    draws = posterior.by_node["Y"].coefficients
    draws *= size / draws.std(ddof=1)
    assert float(row_of(posterior, "intercept(Y)").split()[2]) == pytest.approx(size, rel=0.01)


def test_draws_too_few_to_judge_are_not_judged():
    assert row_of(handmade(n_draws=1, n_chains=1), "X -> M").split()[-2:] == ["–", "–"]


def test_a_constant_parameter_has_no_spread():
    posterior = handmade("Y ~ normal")
    posterior.by_node["Y"].coefficients[:] = 2.0
    assert "intercept(Y) 2.00 0.00 2.00 2.00" in squeezed(posterior)


def test_odd_names_are_plain_text_and_move_no_cursor():
    posterior = handmade(ODD, source="a\x1b[2Jb\nc.csv")
    page = text(replace(posterior, facts=replace(posterior.facts, ignored=("[bold]x[/]", "tab\there"))))
    assert "a\\x1b[2Jb c.csv" in page
    assert "[bold]x[/]" in page and "tab here" in page
    assert "`1/2 [b]`" in page
    assert page.isascii() is False and "\x1b" not in page


def test_long_names_stay_on_the_page():
    names = ["a" * 36, "b" * 38, *(f"parent number {k}" for k in range(12))]
    model = "; ".join(f"`{name}` ~ normal" for name in names)
    model += f"; Y ~ normal({', '.join(f'`{name}`' for name in names)}); `{'c' * 60}` ~ gamma(`{names[1]}`)"
    posterior = handmade(model)
    assert "a" * 36 in text(posterior)
    row = row_of(posterior, "`parent number 11` -> Y")
    assert len(row.split("Y ")[1].split("  NOT")[0].split()) == 6, "a row of the table stays in one line"


class Opened(HTMLParser):
    """Elements that are open at the end, and the text of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] != "style":
            self.text.append(data)


def test_the_html_form_says_what_the_text_says_in_tables():
    posterior = handmade(ODD)
    page = Opened()
    page.feed(posterior._repr_html_())
    assert not page.open
    told = " ".join(" ".join(page.text).split())
    # Every row that the text has, word for word.
    for sheet in sheets(posterior):
        for row in sheet.rows:
            assert " ".join(" ".join(cell.text for cell in row).split()) in told
    for own in posterior.coordinates:
        for _, prior, unit in node_row(posterior, own).beliefs:
            assert f"{prior} {unit}" in told
    for block in posterior.blocks:
        assert block.block.name in told
    assert "Two columns are much alike." in told
    assert "<script" not in posterior._repr_html_() and "http" not in posterior._repr_html_()


def test_the_html_form_is_escaped():
    assert "&lt;" in handmade(replace_model := FRONT_DOOR + "; `a<b` ~ normal(X)")._repr_html_()
    assert "a<b" in text(handmade(replace_model))
