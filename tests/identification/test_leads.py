"""Where a refusal leads on: the two cheapest remedies, and instruments."""

from __future__ import annotations

import pytest

import latentdo as ld
from handmade_fits import handmade


@pytest.mark.parametrize(
    ("graph", "question", "cheapest"),
    [
        ("latent U; U -> X; U -> Y; X -> Y", "P(Y | do(X))", "Cheapest: measure U, or rule out U -> X."),
        ("X -> Y; X <-> Y", "P(Y | do(X))", "Cheapest: measure what is behind X <-> Y, or rule out X <-> Y."),
        (
            "Z -> X -> Y; Z <-> X; Z <-> Y",
            "P(Y | do(X))",
            "Cheapest: measure what is behind Z <-> X, or experiment on Z.",
        ),
    ],
)
def test_the_two_cheapest_remedies_are_named(graph, question, cheapest):
    assert ld.identify(graph, question).leads.cheapest == cheapest


def test_each_lead_is_a_remedy():
    verdict = ld.identify("latent U; U -> X; U -> Y; X -> Y", "P(Y | do(X))")
    assert verdict.leads.remedies == ("measure U", "rule out U -> X")
    assert ld.identify("U -> X; U -> Y; X -> Y", "P(Y | do(X))").identified
    assert ld.identify("latent U; U -> Y; X -> Y", "P(Y | do(X))").identified


def test_an_instrument_is_said_with_what_it_assumes():
    leads = ld.identify("Z -> X -> Y; X <-> Y", "P(Y | do(X))").leads
    assert [each.node for each in leads.instruments] == ["Z"]
    assert "Z is an instrument of X. Needs more than the graph" in leads.assumptions
    assert ld.identify("X -> Y; X <-> Y", "P(Y | do(X))").leads.assumptions == ""


def test_a_refusal_of_ask_leads_on():
    posterior = handmade("latent U ~ normal; Z ~ normal; X ~ normal(U, Z); Y ~ normal(X, U)")
    with pytest.raises(ld.NotIdentifiedError) as caught:
        ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    said = str(caught.value)
    assert "Cheapest: measure U" in said
    assert ".verdict.witness()" in said
    assert "ld.bounds(posterior, data, query)" in said
    assert "2SLS" in said
    assert "the effect in those whom it moves" in said
