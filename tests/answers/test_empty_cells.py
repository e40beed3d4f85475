"""Answers that lean on cells of a table without rows say so, and name them."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld

MODEL = "A ~ table(levels=[0, 1, 2]); B ~ table(A, levels=[0, 1, 2]); Y ~ table(A, B, levels=[0, 1])"
SAID = "are where Y has no row of data"


@pytest.fixture(scope="module")
def posterior():
    """B follows A but for a few rows: most combinations of the two were never seen."""
    random = np.random.default_rng(3)
    a = np.repeat([0.0, 1.0, 2.0], 40)
    b = np.where(np.arange(120) % 20 == 0, 0.0, a)
    return ld.fit(MODEL, {"A": a, "B": b, "Y": random.integers(0, 2, 120).astype(float)}, seed=0, progress=False)


def said(posterior, query: str) -> list[str]:
    return [warning for warning in ld.ask(posterior, query).warnings if SAID in warning]


def test_an_intervention_that_leads_to_empty_cells_is_cautioned_with_their_names(posterior):
    (warning,) = said(posterior, "P(Y=1 | do(B=2))")
    assert "A=0, B=2" in warning
    assert "A=1, B=2" in warning
    assert "more" not in warning
    share = float(warning.partition(" %")[0])
    assert share == pytest.approx(67, abs=5)
    assert warning.endswith("what Y is there is told by its prior alone")


def test_what_does_not_lean_on_them_is_not(posterior):
    assert not said(posterior, "P(Y=1)")
    assert not said(posterior, "P(Y=1 | do(A=1))")
    assert not said(posterior, "P(B=1 | do(A=1))")


def test_evidence_chooses_the_units_that_count(posterior):
    assert not said(posterior, "P(Y=1 | do(B=2), A=2)")
    (warning,) = said(posterior, "P(Y=1 | do(B=2), A=0)")
    assert warning.startswith("100 % of the units")


def test_a_contrast_is_cautioned_once_for_its_worse_half(posterior):
    (warning,) = said(posterior, "P(Y=1 | do(B=2)) - P(Y=1 | do(B=0))")
    assert float(warning.partition(" %")[0]) == pytest.approx(67, abs=5)


def test_a_law_in_do_is_drawn_from(posterior):
    (warning,) = said(posterior, "P(Y=1 | do(B ~ categorical(0, 0, 1)))")
    assert float(warning.partition(" %")[0]) == pytest.approx(67, abs=5)


def test_a_saved_fit_keeps_its_empty_cells(posterior, tmp_path):
    posterior.save(tmp_path / "fit.ldo")
    again = ld.load(tmp_path / "fit.ldo")
    assert again.facts.empty == posterior.facts.empty == (("Y", (1, 2, 5, 7)),)
    assert said(again, "P(Y=1 | do(B=2))") == said(posterior, "P(Y=1 | do(B=2))")
