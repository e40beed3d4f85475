"""The reader who knows all but the outcome's equation: with many rows the answer is the population's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import floors

import latentdo as ld
from studies import STUDIES


def rows_of(name: str, n: int) -> dict[str, np.ndarray]:
    drawn = ld.simulate(name, n, seed=4)
    return {column: np.asarray(drawn[column], float) for column in STUDIES[name].model.measured}


def test_the_reader_of_the_napkin_finds_its_answer():
    """2,500 rows: 1.7 within three of its standard errors, 0.05."""
    assert floors.napkin(rows_of("napkin", 2500))["effect"] == pytest.approx(1.7, abs=0.15)


def test_the_reader_of_five_causes_finds_what_the_data_say(monkeypatch):
    """1,500 rows and few worlds: 0.1697 and 0.3570 within four of their standard errors, 0.015."""
    monkeypatch.setattr(floors, "SIMULATED", 40_000)
    monkeypatch.setattr(floors, "WORLDS", 4000)
    monkeypatch.setattr(floors, "PARTICLES", 60)
    monkeypatch.setattr(floors, "AROUND", 0.3)
    monkeypatch.setattr(floors, "FEWEST", 1)
    floors.five_causes.cache_clear()
    found = floors.causes("multicause-strong")(rows_of("multicause-strong", 1500))
    floors.five_causes.cache_clear()
    assert found["low"] == pytest.approx(0.1697, abs=0.06)
    assert found["high"] == pytest.approx(0.3570, abs=0.06)


def test_a_line_sets_the_fit_beside_the_floor():
    errors = {k: 0.02 * k for k in range(1, 6)}
    entry = floors._entry("napkin", "effect", 60, errors, {k: error / 2 for k, error in errors.items()})
    assert entry.cells[:3] == ("napkin", "effect", "60")
    assert entry.cells[5:] == ("0.220", "0.033", "0.066", "2.00 [2.00, 2.00]")
