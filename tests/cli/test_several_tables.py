"""A fit of several tables on the command line: its rows are found again, each read as it was."""

from __future__ import annotations

import numpy as np
import pytest

import latentdo as ld

STUDY = """
model: |
  Z ~ bernoulli
  X ~ bernoulli(Z)
  Y ~ bernoulli(X, Z)
data: [cells.csv, {file: trial.csv, do: [X]}, {file: arm.csv, do_column: arm}]
inference: {engine: laplace}
queries:
  gain: P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))
"""
RIVAL = ("--methods", "g-formula", "--replicates", "0")


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A fit of three tables in a folder of its own, without rows."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "fits"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, arms in (("cells", None), ("trial", None), ("arm", ("X", "", ""))):
        lines = ["Z,X,Y" + ",arm" * bool(arms)]
        for row in range(60):
            z = random.uniform() < 0.5
            x = random.uniform() < (0.5 if name == "trial" else 0.2 + 0.6 * z)
            y = random.uniform() < 0.2 + 0.3 * x + 0.3 * z
            lines.append(",".join([*(str(int(each)) for each in (z, x, y)), *([arms[row % 3]] if arms else [])]))
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    ld.fit("fits/study.yaml", check=False, progress=False).save("fits/fit.ldo")
    return folder


def test_every_command_finds_the_tables_of_a_fit_and_reads_each_as_it_was(command, saved):
    compared = command("compare", "fits/fit.ldo", *RIVAL)
    assert compared.code == 0
    assert "rows are those of fits/cells.csv, fits/trial.csv and fits/arm.csv" in " ".join(compared.err.split())
    assert "The rivals see 100 of the 180 rows: in 80 some node was set" in " ".join(compared.out.split())
    for data in ("fits/study.yaml", None):
        named = command("compare", "fits/fit.ldo", *filter(None, [data]), *RIVAL, "--json").json["rows"]
        assert [row["estimate"] for row in named] == [
            row.estimate for row in ld.compare("fits/fit.ldo", methods="g-formula", replicates=0)
        ]
    assert command("check", "fits/fit.ldo", "gain").code == 0
    strong = command("sensitivity", "fits/fit.ldo", "gain", "--edge", "X <-> Y", "--strengths", "0.3", "--json")
    assert strong.code == 0
    assert strong.json["points"][0]["strength"] == 0


def test_tables_that_are_gone_or_are_some_of_them_are_named(command, saved):
    one = command("compare", "fits/fit.ldo", "fits/cells.csv")
    assert one.code == 2
    assert "60 rows, and the fit has 180" in one.err
    assert "Give all of its tables, cells.csv, trial.csv (do(X)) and arm.csv (do: arm)" in " ".join(one.err.split())
    (saved / "arm.csv").unlink()
    gone = command("compare", "fits/fit.ldo")
    assert gone.code == 2
    assert "; arm.csv, which it was trained on, is neither here nor beside it." in " ".join(gone.err.split())


def test_tables_in_the_order_of_the_fit_need_not_say_again_what_was_set(saved):
    tables = [str(saved / f"{name}.csv") for name in ("cells", "trial", "arm")]
    posterior = ld.load(saved / "fit.ldo")
    found = ld.compare(posterior, data=tables, methods="g-formula", replicates=0)
    again = ld.compare(posterior, saved / "study.yaml", methods="g-formula", replicates=0)
    assert [row.estimate for row in found] == [row.estimate for row in again]
    assert posterior.log_likelihood(tables, draws=2).shape == (2, 180)
