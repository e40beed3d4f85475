"""Finished tasks on disk: what was written is there, what was cut short is said and taken away."""

from __future__ import annotations

import csv
import errno
import importlib.util
import logging
import math
import os
from pathlib import Path

import pytest

from latentdo.errors import StudyError
from studies import records
from studies.records import COLUMNS, claimed, entry_of, opened, read, write_rows


def made(dataset, *, failed=False, attempts=1, **answer):
    """An entry of one row."""
    row = {"study": "napkin", "dataset": dataset, "n": 60, "query": "effect", "method": "lvm", **answer}
    return entry_of("now", {"study": "napkin", "dataset": dataset, "n": 60}, [row], failed, attempts)


ONE = made(1, estimate=0.1 + 0.2, note="µ\nσ", applies=True, sd=None)
TWO = made(2, estimate=1e-300, failed=True, attempts=3)


def test_entries_read_back_as_they_were(tmp_path):
    path = tmp_path / "napkin.jsonl"
    with opened(path) as kept:
        kept.add(ONE)
        kept.add(TWO)
    assert read(path) == (ONE, TWO)
    with opened(path) as kept:
        assert list(kept.entries.values()) == [ONE, TWO]


def test_the_last_entry_of_a_task_counts(tmp_path):
    path = tmp_path / "napkin.jsonl"
    done = made(2, estimate=2.0)
    with opened(path) as kept:
        kept.add(TWO)
        kept.add(done)
    assert read(path) == (done,)


def test_no_file_has_no_entries(tmp_path):
    assert read(tmp_path / "none.jsonl") == ()


@pytest.mark.parametrize("cut", [1, 20])
def test_a_last_line_that_was_cut_short_is_taken_away_and_said(tmp_path, caplog, cut):
    path = tmp_path / "napkin.jsonl"
    with opened(path) as kept:
        kept.add(ONE)
        kept.add(TWO)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read(path) == (ONE,)
    with caplog.at_level(logging.WARNING, "latentdo"), opened(path) as kept:
        assert list(kept.entries.values()) == [ONE]
        kept.add(TWO)
    assert f"The last line of {path} was cut short ({len(TWO.line()) - cut} bytes)" in caplog.text
    assert read(path) == (ONE, TWO)
    caplog.clear()
    with opened(path):
        assert not caplog.records


def test_lines_that_are_no_entries_are_named_and_not_used(tmp_path, caplog):
    path = tmp_path / "napkin.jsonl"
    wrong = ONE.line().replace(b"0.30000000000000004", b'"abc"')
    other = ONE.line().replace(b'"dataset":1,"n":60,"query"', b'"dataset":7,"n":60,"query"')
    path.write_bytes(b"\n".join([b"not json", b"\xff\xfe", b"[1]", b"[" * 100_000, wrong[:-1], other[:-1], TWO.line()]))
    with opened(path) as kept:
        assert list(kept.entries.values()) == [TWO]
    for number in (1, 2, 3, 4, 5):
        assert f"{path}, line {number}: this is no result of a run" in caplog.text
    assert "1 more lines are not used either" in caplog.text
    caplog.clear()
    assert read(path, tell=False) == (TWO,)
    assert not caplog.records


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"0.30000000000000004", b'"abc"'), "Expected `float | null`, got `str`"),
        ((b'"dataset":1,"n":60,"query"', b'"dataset":7,"n":60,"query"'), "dataset is 7 in a row and 1 in its task"),
        ((b'"applies":true', b'"applies":1'), "Expected `bool | null`, got `int`"),
        ((b'"failed":false,', b""), "missing required field `failed`"),
    ],
)
def test_a_line_whose_fields_are_others_is_none(tmp_path, caplog, change, said):
    path = tmp_path / "napkin.jsonl"
    assert change[0] in ONE.line()
    path.write_bytes(ONE.line().replace(*change))
    assert read(path) == ()
    assert said in caplog.text


def test_a_file_of_somebody_else_is_refused(tmp_path):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(b"a,b,c\n1,2,3\n")
    with (
        pytest.raises(StudyError, match=r"napkin\.jsonl, line 1: .*The file is not one of a reproduction"),
        opened(path),
    ):
        pass
    assert path.read_bytes() == b"a,b,c\n1,2,3\n"


def test_whole_numbers_are_numbers(tmp_path):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(TWO.line().replace(b"1e-300", b"1"))
    assert read(path)[0].rows[0]["estimate"] == 1.0


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    with (
        claimed(tmp_path / "made"),
        pytest.raises(StudyError, match="Another run writes into"),
        claimed(tmp_path / "made"),
    ):
        pass
    with claimed(tmp_path / "made"):
        assert (tmp_path / "made").is_dir()


@pytest.mark.parametrize("place", ["file", "file/sub", "link", "x" * 300, "a\0b"])
def test_what_cannot_be_a_folder_is_refused(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="cannot be a folder of results"), claimed(tmp_path / place):
        pass


@pytest.mark.parametrize("name", ["results.csv", "results.parquet", "report.html"])
def test_files_of_others_are_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine")
    said = f"{name} was not written by a reproduction, and would be written over"
    with pytest.raises(StudyError, match=said), claimed(tmp_path):
        pass
    with opened(tmp_path / "napkin.jsonl") as kept:
        kept.add(ONE)
    with claimed(tmp_path):
        assert (tmp_path / name).read_text() == "mine"


def test_a_folder_is_no_file_of_results(tmp_path):
    (tmp_path / "napkin.jsonl").mkdir()
    said = r"napkin\.jsonl is no file that results can be kept in"
    with pytest.raises(StudyError, match=said), opened(tmp_path / "napkin.jsonl"):
        pass
    assert read(tmp_path / "napkin.jsonl") == ()


def test_a_full_disk_is_said_and_leaves_what_was_finished(tmp_path, monkeypatch):
    path, written = tmp_path / "napkin.jsonl", os.write

    def some(number, line):
        if len(line) > 20:
            return written(number, line[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened(path) as kept:
        kept.add(ONE)
        monkeypatch.setattr(os, "write", some)
        with pytest.raises(
            StudyError, match=r"napkin\.jsonl cannot be written: No space left on device\. The tasks that"
        ) as said:
            kept.add(TWO)
        assert "the same command goes on from there" in str(said.value)
        assert path.read_bytes() == ONE.line()
        monkeypatch.undo()
        kept.add(TWO)
    assert read(path) == (ONE, TWO)


def test_numbers_that_are_not_finite_are_null():
    line = made(1, estimate=math.nan, upper=math.inf, lower=1.0).line()
    assert b'"estimate":null' in line
    assert b'"upper":null' in line
    assert b'"lower":1.0' in line


ROWS = [
    {
        "study": "napkin",
        "dataset": 1,
        "n": 15,
        "query": "effect",
        "method": "lvm",
        "estimate": 0.1 + 0.2,
        "applies": True,
    },
    {"study": "napkin", "dataset": 2, "n": 15, "query": "effect", "method": "aipw", "applies": False, "note": 'a, "b"'},
]


def test_rows_are_written_as_csv_that_reads_back(tmp_path):
    path = write_rows(tmp_path, ROWS)[0]
    with path.open(encoding="utf-8", newline="") as file:
        one, two = csv.DictReader(file)
    assert list(one) == list(COLUMNS)
    assert (float(one["estimate"]), one["applies"], one["error"]) == (0.1 + 0.2, "true", "")
    assert (two["estimate"], two["applies"], two["note"]) == ("", "false", 'a, "b"')


def test_rows_are_written_as_parquet_with_types(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = write_rows(tmp_path, ROWS)[1]
    table = parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist() == [{name: row.get(name) for name in COLUMNS} for row in ROWS]
    assert str(table.schema.field("estimate").type) == "double"
    assert str(table.schema.field("applies").type) == "bool"


def test_without_pyarrow_there_is_csv_alone(tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    assert write_rows(tmp_path, ROWS) == (tmp_path / "results.csv",)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["results.csv"]


def test_an_older_parquet_does_not_stay_beside_a_newer_table(tmp_path, monkeypatch):
    (tmp_path / "results.parquet").write_bytes(b"old")
    found = importlib.util.find_spec
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    assert write_rows(tmp_path, ROWS) == (tmp_path / "results.csv",)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["results.csv"]


def test_a_table_that_cannot_be_written_says_that_results_are_kept(tmp_path):
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(StudyError, match=r"results\.csv cannot be written.*Every finished task is kept in"):
        write_rows(tmp_path, ROWS)
