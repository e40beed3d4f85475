"""Blocks whose sampler diverged: said in the plan, cautioned against from one in a hundred on, where they matter."""

from __future__ import annotations

from dataclasses import replace

import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.inference import Method, Posterior
from latentdo.inference.blocks.checks import ColumnCaution
from latentdo.inference.blocks.diagnostics import Diagnostic
from latentdo.inference.train import Fit
from posteriors import posterior_of

# 4 chains of 100 transitions each.
MADE = 400


def diverging(posterior: Posterior, *counts: int, **fields: object) -> Posterior:
    """The posterior with so many divergences in each block, in order."""
    blocks = zip(posterior.blocks, counts, strict=True)
    changed = tuple(
        replace(block, n_divergent=n, independent=False, n_made=100, n_warmup=500, **fields) for block, n in blocks
    )
    cautions = tuple(block.caution for block in changed if block.caution)
    return replace(posterior, blocks=changed, warnings=(*posterior.warnings, *cautions))


@pytest.mark.parametrize(("n", "told"), [(0, False), (3, False), (4, True), (399, True)])
def test_one_in_a_hundred_is_the_limit(n, told):
    first, _ = diverging(handmade(), n, 0).blocks
    assert first.n_transitions == MADE
    assert bool(first.caution) is told
    assert first.divergences == ("" if n == 0 else f"{n} of 400 transitions diverged")


def test_the_caution_says_what_it_is_where_it_is_and_what_to_do():
    first, _ = diverging(handmade(), 50, 0).blocks
    assert first.caution.startswith("{U, X, Y}: 50 of 400 transitions diverged (12 %). ")
    assert "R-hat and effective draws have passed" in first.caution
    assert first.caution.endswith(
        "Compare with ld.Nuts(draws=2000, warmup=2000), or state tighter priors for its nodes"
    )
    nuts = replace(first, method=Method("NUTS", chains=4, draws=100, warmup=500))
    assert "Give it more warm-up (ld.Nuts(warmup=5000))" in nuts.caution
    failed = replace(first, diagnostics=(Diagnostic("mean(X)", 1.3, 20.0),))
    assert "passed" not in failed.caution


def test_draws_without_chains_cannot_diverge():
    first, _ = diverging(handmade(), 0, 0).blocks
    assert replace(first, independent=True).n_transitions == 0
    assert replace(first, independent=True).caution == ""


def test_a_fit_cautions_against_its_blocks():
    posterior = handmade()
    assert posterior.data is not None
    fit = Fit(posterior.spec, posterior.data, ld.Auto(), 0, (ColumnCaution("X", "Two columns are much alike."),), {})
    fit = replace(fit, coordinates={own.node: own for own in posterior.coordinates})
    found = fit.posterior(diverging(posterior, 0, 5).blocks, 0.0)
    assert found.warnings == ("Two columns are much alike.", found.blocks[1].caution)


def test_the_page_says_how_many_of_how_many():
    page = " ".join(str(diverging(handmade(), 50, 1)).split())
    assert "; 50 of 400 transitions diverged" in page
    assert "; 1 of 400 transitions diverged" in page
    assert "Divergences 51 of 800 transitions" in page
    assert "{U, X, Y}: 50 of 400 transitions diverged (12 %)" in page


def test_answers_repeat_it_where_they_rest_on_the_block():
    posterior = diverging(posterior_of("X ~ normal; M ~ normal(X); Y ~ normal(M)", shape=(4, 250)), 0, 40, 0)
    (caution,) = posterior.warnings
    assert caution.startswith("{M}: 40 of 400 transitions diverged (10 %)")
    assert caution in ld.ask(posterior, "E[Y | do(X=1)]").warnings
    assert caution not in ld.ask(posterior, "E[Y | do(M=1)]").warnings
    assert caution not in ld.ask(posterior, "E[X]").warnings
