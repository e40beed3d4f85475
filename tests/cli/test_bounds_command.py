"""`latentdo bounds`: what Python gives, as text, object and files."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld
from handmade_fits import handmade

IV = "Z -> X -> Y; X <-> Y"
ACE = "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A table of a trial whose units obey in part."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    z, u = rng.integers(0, 2, (2, 200))
    x = (rng.random(200) < 0.1 + 0.6 * z + 0.2 * u).astype(int)
    y = (rng.random(200) < 0.1 + 0.4 * x + 0.3 * u).astype(int)
    lines = ["Z,X,Y", *(f"{a},{b},{c}" for a, b, c in zip(z, x, y, strict=True))]
    (tmp_path / "trial.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"Z": z, "X": x, "Y": y}


def test_prints_the_bounds_of_python(command, trial):
    result = command("bounds", IV, "trial.csv", ACE, "--json")
    assert result.code == 0
    assert result.json == ld.bounds(IV, trial, ACE).to_json()
    assert str(ld.bounds(IV, trial, ACE)) in command("bounds", IV, "trial.csv", ACE).out


def test_takes_a_direction_and_writes_a_picture_and_a_page(command, trial, tmp_path):
    result = command("bounds", IV, "trial.csv", ACE, "--monotone", "Z -> X", "-o", "bounds.png", "--json")
    assert result.json["assumed"] == ["Z -> X"]
    assert (tmp_path / "bounds.png").read_bytes()[1:4] == b"PNG"
    assert command("bounds", IV, "trial.csv", ACE, "--latex", "-o", "bounds.html").out.startswith("\\begin{tabular}")
    assert "two forms of one result" in command("bounds", IV, "trial.csv", ACE, "--latex", "--json").err
    assert "Sharp bounds from 200 rows" in (tmp_path / "bounds.html").read_text(encoding="utf-8")


def test_what_has_no_bounds_is_bad_input(command, trial):
    result = command("bounds", IV, "trial.csv", "Var[Y | do(X=1)]")
    assert result.code == 2
    assert "not linear in probabilities" in result.err
    assert command("bounds", IV, "trial.csv", ACE, "-o", "bounds.doc").code == 2


def test_a_refusal_on_the_command_line_leads_on(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    handmade("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)").save("fit.ldo")
    result = command("ask", "fit.ldo", "E[Y | do(X=1)]")
    assert result.code == 3
    assert "Cheapest: measure U, or rule out U -> X." in result.err
    assert "latentdo bounds GRAPH DATA" in result.err


def test_missing_outcomes_are_taken_as_asked(command, trial, tmp_path):
    lines = (tmp_path / "trial.csv").read_text(encoding="utf-8").splitlines()
    gaps = [line[:-1] if k % 7 == 1 else line for k, line in enumerate(lines)]
    (tmp_path / "gaps.csv").write_text("\n".join(gaps) + "\n", encoding="utf-8")
    refused = command("bounds", IV, "gaps.csv", ACE)
    assert refused.code == 2
    assert 'missing="any"' in refused.err
    table = {**trial, "Y": np.where(np.arange(1, 201) % 7 == 1, np.nan, trial["Y"])}
    found = command("bounds", IV, "gaps.csv", ACE, "--missing", "any", "--json").json
    assert found == ld.bounds(IV, table, ACE, missing="any").to_json()
    assert found["lower"] < ld.bounds(IV, trial, ACE).lower
