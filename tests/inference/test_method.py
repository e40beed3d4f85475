"""How a block was trained, as a value: its sentence gives it back, also those of fits saved before it was one."""

from __future__ import annotations

import pytest

from latentdo.inference import Method

SENTENCES = {
    "exact: solved by least squares, no noise": Method("least squares"),
    "fixed: nothing to learn": Method("fixed"),
    "conjugate: Dirichlet posterior of the counts": Method("conjugate", of="Dirichlet posterior of the counts"),
    "importance sampling around the mode, 8,000 draws": Method("importance sampling", of="around the mode", draws=8000),
    "importance sampling around the mode, 8,000 draws weighted by a cubic through 12 log likelihoods (error 0.01)": Method(
        "importance sampling",
        of="around the mode",
        draws=8000,
        note=" weighted by a cubic through 12 log likelihoods (error 0.01)",
    ),
    "importance sampling of parameters, latents integrated out in closed form, around 2 modes, 8,000 draws": Method(
        "importance sampling", of="of parameters, latents integrated out in closed form, around 2 modes", draws=8000
    ),
    "ensemble HMC on parameters, latents integrated out in closed form, 500 rows' worth, draws contracted to all 30,000, "
    "16 chains x 1,200 transitions after 400 of warm-up, 250 draws kept of each": Method(
        "ensemble HMC",
        of="parameters, latents integrated out in closed form, 500 rows' worth, draws contracted to all 30,000",
        chains=16,
        transitions=1200,
        warmup=400,
        draws=250,
    ),
    "NUTS, 4 chains x 1000 draws after 500 of warm-up": Method("NUTS", chains=4, draws=1000, warmup=500),
    "SVI, full-rank guide of parameters and latents, 3,000 steps of 50 of 400 rows": Method(
        "SVI", of="full-rank guide of parameters and latents", steps=3000, note=" of 50 of 400 rows"
    ),
    "Laplace approximation at the posterior mode": Method("Laplace"),
    "posterior mode in unbounded coordinates, each row's latents by 9 points of quadrature": Method(
        "mode", note=", each row's latents by 9 points of quadrature"
    ),
    "drawn by hand": Method("other", of="drawn by hand"),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_method_says_its_sentence_and_is_read_back_from_it(sentence):
    assert Method.parse(sentence) == SENTENCES[sentence]
    assert str(SENTENCES[sentence]) == sentence
