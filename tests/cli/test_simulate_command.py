"""`latentdo simulate`: rows to stdout or a file, and interventions as they are typed."""

from __future__ import annotations

import csv
import io

import pytest

import latentdo as ld

PROTEINS = ["SOS", "Ras", "PI3K", "AKT", "Raf", "Mek", "Erk"]


def test_prints_csv_that_equals_the_table_of_python(command):
    result = command("simulate", "signaling", "-n", 5, "--seed", 1)
    assert result.code == 0
    assert result.err == ""
    header, *rows = csv.reader(io.StringIO(result.out))
    assert header == PROTEINS
    cells = ld.simulate("signaling", 5, seed=1)
    assert [[int(cell) for cell in row] for row in rows] == [list(row) for row in zip(*cells.values(), strict=True)]


def test_writes_the_same_rows_to_a_file(command, tmp_path):
    printed = command("simulate", "signaling", "-n", 5, "--seed", 1).out
    result = command("simulate", "signaling", "-n", 5, "--seed", 1, "-o", "cells.csv")
    assert result.code == 0
    assert result.out == ""
    assert "Wrote 5 rows of SOS, Ras, PI3K, AKT, Raf, Mek, Erk to cells.csv." in result.err
    assert (tmp_path / "cells.csv").read_text() == printed


def test_holds_nodes_at_values(command):
    several = command("simulate", "signaling", "-n", 3, "--do", "SOS=70,Ras=30", "--do", "EGF=4.5", "--json").json
    assert several["data"]["SOS"] == [70, 70, 70]
    assert several["data"]["Ras"] == [30, 30, 30]


def test_adds_the_latent_nodes(command):
    held = command("simulate", "signaling", "-n", 2, "--latents", "--do", "EGF=4.5", "--json").json
    assert held["columns"] == ["EGF", "IGF", *PROTEINS]
    assert held["data"]["EGF"] == [4.5, 4.5]


def test_says_what_was_written_for_programs(command):
    result = command("simulate", "signaling", "-n", 2, "-o", "cells.tsv", "--json")
    assert result.json == {"path": "cells.tsv", "n": 2, "columns": PROTEINS}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("signaling",), "-n is missing"),
        (("-n", "3"), "NAME is missing"),
        (("signal", "-n", "3"), "Did you mean 'signaling'?"),
        (
            ("pathway", "-n", "3"),
            "Known are: multicause, napkin, signaling, covid, multicause-strong, signaling-strong, knockout",
        ),
        (("signaling", "-n", "0"), "is a whole number from 1"),
        (("signaling", "-n", "x"), "-n"),
        (("signaling", "-n", "3", "--seed", "-1"), "seed is a whole number of at least 0, got -1"),
        (("signaling", "-n", "3", "--do", "SOS"), "such as --do SOS=70"),
        (("signaling", "-n", "3", "--do", "SOS=high"), "such as --do SOS=70"),
        (("signaling", "-n", "3", "--do", "SOS=1,SOS=2"), "sets SOS twice"),
        (("signaling", "-n", "3", "--do", "Sos=1"), "Did you mean 'SOS'?"),
        (("signaling", "-n", "3", "--do", "SOS=101"), "a whole number from 0 to 100"),
        (("signaling", "-n", "3", "--do", "SOS=0.5"), "a whole number from 0 to 100"),
        (("signaling", "-n", "3", "--do", "SOS=nan"), "a whole number from 0 to 100"),
        (("signaling", "-n", "3", "--do", "EGF=-1"), "at least 0"),
        (("napkin", "-n", "3", "--do", "X=0.5"), "do(X=0.5): X is 0 or 1"),
        (("covid", "-n", "3", "--do", "sIL6R=120"), "sIL6R is an amount, a number from 0 to 100"),
        (("signaling", "-n", "3", "-o", "cells.xlsx"), "expected a name that ends in .csv"),
        (("signaling", "-n", "3", "-o", "nowhere/cells.csv"), "there is no folder nowhere"),
    ],
)
def test_refuses_what_cannot_be_simulated(command, tmp_path, arguments, message):
    result = command("simulate", *arguments, "--json")
    assert result.code == 2
    assert message in result.error["message"]
    assert message in result.err
    assert not list(tmp_path.iterdir())


def test_a_link_stays_a_link(command, tmp_path):
    printed = command("simulate", "napkin", "-n", 5, "--seed", 1).out
    (tmp_path / "there.txt").write_text("old")
    (tmp_path / "link.csv").symlink_to("there.txt")
    (tmp_path / "dangling.csv").symlink_to("new.txt")
    for name, target in (("link.csv", "there.txt"), ("dangling.csv", "new.txt")):
        assert command("simulate", "napkin", "-n", 5, "--seed", 1, "-o", name).code == 0
        assert (tmp_path / name).readlink().name == target
        assert (tmp_path / target).read_text() == printed
    assert len(list(tmp_path.iterdir())) == 4


def test_ctrl_c_leaves_an_old_table_alone(command, tmp_path, monkeypatch):
    (tmp_path / "cells.csv").write_text("old")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("latentdo.simulators.simulate", interrupted)
    assert command("simulate", "signaling", "-n", 3, "-o", "cells.csv").code == 130
    assert (tmp_path / "cells.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["cells.csv"]
