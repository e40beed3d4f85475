"""`latentdo sensitivity`: the curve of Python as text, object and files."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld

EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A small fit and its table."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = x + rng.normal(size=60)
    lines = ["X,Y", *(f"{a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist(), strict=True))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = ld.model("X ~ normal; Y ~ normal(X)")
    ld.fit(model, "data.csv", check=False, progress=False).save("fit.ldo")
    return "fit.ldo"


def test_prints_the_curve_and_writes_a_picture(command, saved, tmp_path):
    result = command("sensitivity", saved, EFFECT, "data.csv", "--strengths", "0.4", "--json", "-o", "curve.png")
    assert result.code == 0
    assert result.json["edge"] == "X <-> Y"
    assert [point["strength"] for point in result.json["points"]] == [0, 0.4]
    assert (tmp_path / "curve.png").read_bytes()[1:4] == b"PNG"
    again = ld.sensitivity(saved, EFFECT, "data.csv", strengths=[0.4], progress=False)
    assert again.to_json()["points"] == result.json["points"]


def test_what_cannot_be_read_is_bad_input(command, saved):
    assert command("sensitivity", saved, EFFECT, "data.csv", "--strengths", "a,b").code == 2
    assert "is no saved fit" in command("sensitivity", "X -> Y", EFFECT).err
    assert "has X -> Y" in command("sensitivity", saved, EFFECT, "data.csv", "--edge", "X -> Y").err
    assert "two forms of one result" in command("sensitivity", saved, EFFECT, "data.csv", "--latex", "--json").err


def test_a_fit_without_rows_needs_the_table_in_this_command(command, saved, tmp_path):
    found = command("sensitivity", saved, EFFECT, "--strengths", "0.3")
    assert found.code == 0
    assert "The rows are those of data.csv" in found.err
    (tmp_path / "data.csv").unlink()
    told = command("sensitivity", saved, EFFECT, "--strengths", "0.3")
    assert told.code == 2
    assert "latentdo sensitivity fit.ldo QUERY data.csv" in told.err
    assert "compare" not in told.err
    with pytest.raises(ld.LatentdoError, match=r'ld\.sensitivity\(posterior, query, "data\.csv"\)'):
        ld.sensitivity(saved, EFFECT, progress=False)
    with pytest.raises(ld.LatentdoError, match=r'ld\.check\(posterior, "data\.csv", query\)'):
        ld.check(saved, None, EFFECT)
