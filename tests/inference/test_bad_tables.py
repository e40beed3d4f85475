"""Every kind of table that goes wrong, through the command line and through Python: one message, no traceback, no litter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from bad_tables import FILES, LINES, MODEL, ODD, TABLES, BadFile, BadTable
from latentdo.cli import main
from latentdo.errors import DataError, StudyError

QUICK = ld.Auto(max_steps=200)


@pytest.mark.parametrize("bad", FILES, ids=lambda bad: bad.what)
@pytest.mark.parametrize("verb", ["check", "fit"])
def test_a_bad_file_is_refused_with_one_message(bad: BadFile, verb, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / bad.name
    path.write_bytes(bad.content)
    code = main([verb, bad.model, bad.name])
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert bad.says in err
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DataError) as caught:
        ld.check(bad.model, path)
    assert bad.says in str(caught.value)
    assert caught.value.line == bad.line


@pytest.mark.parametrize("bad", TABLES, ids=lambda bad: bad.what)
def test_a_bad_table_is_refused_with_one_message(bad: BadTable, monkeypatch):
    monkeypatch.setattr("latentdo.inference.train.train_block", lambda *_: pytest.fail("something was trained"))
    for verb in (ld.fit, ld.check) if bad.make() is not None else (ld.fit,):
        with pytest.raises((DataError, StudyError)) as caught:
            verb(MODEL, bad.make())
        assert bad.says in str(caught.value)
        assert str(caught.value).count("\n") == 0
        assert getattr(caught.value, "column", None) == bad.column


def test_a_folder_is_no_table(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").mkdir()
    assert main(["fit", MODEL, "rows.csv"]) == 2
    assert "rows.csv is a folder; expected a file" in capsys.readouterr().err
    assert main(["fit", MODEL, "nowhere.csv"]) == 2
    assert "nowhere.csv does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.what)
def test_an_odd_table_is_trained_on_with_a_caution(odd):
    assert any(odd.says in caution for caution in ld.check(odd.model, odd.rows).cautions)
    posterior = ld.fit(odd.model, odd.rows, QUICK, progress=False)
    assert any(odd.says in caution for caution in posterior.warnings)
    assert all(np.isfinite(draws.coefficients).all() for draws in posterior.by_node.values())


def test_separation_leaves_finite_weights():
    """X tells Y without fail: the likelihood has no maximum, the prior keeps the weight finite."""
    x = np.linspace(-1, 1, 40)
    posterior = ld.fit("X ~ normal; Y ~ bernoulli(X)", {"X": x, "Y": (x > 0).astype(float)}, QUICK, progress=False)
    weight = dict(posterior.parameters)["X -> Y"]
    assert np.isfinite(weight).all()
    assert weight.mean() > 0


def test_there_are_at_least_sixty_kinds():
    kinds = [bad.what for bad in (*FILES, *TABLES)]
    assert len(set(kinds)) == len(kinds) >= 60


def test_the_good_table_is_good(tmp_path):
    """What the bad ones are made of: each is refused for its fault alone."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(LINES) + "\n")
    assert ld.check(MODEL, path).n_rows == 6
