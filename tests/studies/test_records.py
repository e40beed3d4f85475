"""Finished tasks on disk: what was written is there, what was cut short is said and taken away."""

from __future__ import annotations

import csv
import errno
import importlib.util
import logging
import math
import os
import re
from pathlib import Path

import pytest

from latentdo.errors import StudyError
from studies import records
from studies.records import COLUMNS, Entry, opened, read, write_rows

ONE = Entry("now", {"n": 60, "dataset": 1}, ({"estimate": 0.1 + 0.2, "note": "µ\nσ", "applies": True, "sd": None},))
TWO = Entry("now", {"n": 60, "dataset": 2}, ({"estimate": 1e-300},), failed=True, attempts=3)


def test_entries_read_back_as_they_were(tmp_path):
    path = tmp_path / "made" / "napkin.jsonl"
    with opened(path) as kept:
        kept.add(ONE)
        kept.add(TWO)
    assert read(path) == (ONE, TWO)
    with opened(path) as kept:
        assert list(kept.entries.values()) == [ONE, TWO]


def test_the_last_entry_of_a_task_counts(tmp_path):
    path = tmp_path / "napkin.jsonl"
    done = Entry("now", TWO.task, ({"estimate": 2.0},))
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


@pytest.mark.parametrize("line", [b"not json\n", b"[1]\n", b'{"definition": "now"}\n', b"\xff\xfe\n"])
def test_a_line_that_is_no_entry_is_refused_by_number(tmp_path, line):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(ONE.line() + line + TWO.line())
    with pytest.raises(StudyError, match=r"napkin\.jsonl, line 2: this is no result of a run"), opened(path):
        pass


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"estimate": "abc"}, "line 2: estimate is 'abc', expected a number"),
        ({"n": 1.5}, "line 2: n is 1.5, expected a whole number"),
        ({"applies": 1}, "line 2: applies is 1, expected true or false"),
        ({"note": 3}, "line 2: note is 3, expected a text"),
    ],
)
def test_a_line_whose_values_have_other_types_is_named_and_not_used(tmp_path, caplog, row, said):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(ONE.line() + Entry("now", TWO.task, (row,)).line())
    with caplog.at_level(logging.WARNING, "latentdo"), opened(path) as kept:
        assert list(kept.entries.values()) == [ONE]
        assert f"{path}, {said}" in caplog.text
        kept.add(TWO)
    # Done again, the old line says nothing any more.
    caplog.clear()
    assert read(path) == (ONE, TWO)
    assert not caplog.records


def test_two_lines_of_one_task_that_differ_are_said_and_the_last_is_used(tmp_path, caplog):
    path = tmp_path / "napkin.jsonl"
    slower, other = (Entry("now", ONE.task, ({**ONE.rows[0], **new},)) for new in ({"seconds": 9.0}, {"estimate": 0.4}))
    path.write_bytes(ONE.line() + TWO.line() + slower.line())
    assert read(path) == (slower, TWO)
    assert not caplog.records
    path.write_bytes(ONE.line() + b"\n \n" + TWO.line() + other.line())
    assert read(path) == (other, TWO)
    (record,) = caplog.records
    assert record.getMessage() == f"{path}, lines 1 and 5: both are of one task and differ. The last of them is used."
    with opened(path) as kept:
        assert list(kept.entries.values()) == [other, TWO]
    # A task that failed and was done again is no contradiction.
    caplog.clear()
    path.write_bytes(TWO.line() + Entry("now", TWO.task, ({"estimate": 2.0},)).line())
    read(path)
    assert not caplog.records


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"definition": nan}', "it is not JSON, from character 16 on"),
        (b"\xff\xfe", "byte 1 of it, 0xff, belongs to no text"),
        (b'{"task": "\xe9"}', "byte 11 of it, 0xe9, belongs to no text"),
        (b"[" * 100_000, "it has brackets within brackets without end"),
        (b"9" * 5000, "it has a number of thousands of digits"),
    ],
)
def test_why_a_line_is_none_is_said_without_the_words_of_python(tmp_path, line, said):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(b"\n" + line + b"\n")
    told = re.escape(f"napkin.jsonl, line 2: this is no result of a run ({said}).")
    with pytest.raises(StudyError, match=told), opened(path):
        pass


def test_whole_numbers_are_numbers(tmp_path):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(Entry("now", {}, ({"estimate": 1, "sd": None},)).line())
    assert len(read(path)) == 1


def test_two_runs_do_not_write_to_one_file(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "napkin.jsonl"
    with (
        opened(path),
        pytest.raises(StudyError, match=r"Another run writes to .*napkin\.jsonl"),
        opened(path),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StudyError, match=r"cannot be written: .*Give another folder"),
        opened(tmp_path / "file" / "a.jsonl"),
    ):
        pass


def test_a_pipe_or_a_folder_is_no_file_of_results(tmp_path, caplog):
    pytest.importorskip("fcntl")
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "device.jsonl").symlink_to("/dev/full")
    for name in ("folder", "pipe", "device"):
        path = tmp_path / f"{name}.jsonl"
        with pytest.raises(StudyError, match=f"{name}.jsonl is no file that results can be kept in"), opened(path):
            pass
        assert read(path) == ()
        assert f"{path} is not used: it is no file." in caplog.text


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
    line = Entry("now", {}, ({"estimate": math.nan, "upper": math.inf, "lower": 1.0},)).line()
    assert b'"estimate": null' in line
    assert b'"upper": null' in line
    assert b'"lower": 1.0' in line


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


def test_an_older_parquet_does_not_stay_beside_a_newer_table(tmp_path, monkeypatch, caplog):
    (tmp_path / "results.parquet").write_bytes(b"old")
    found = importlib.util.find_spec
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name))
    assert write_rows(tmp_path, ROWS) == (tmp_path / "results.csv",)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["results.csv"]
    assert "results.parquet was of an earlier run" in caplog.text


def test_a_parquet_that_cannot_be_written_leaves_the_other_table(tmp_path, caplog):
    pytest.importorskip("pyarrow")
    (tmp_path / "results.parquet").mkdir()
    assert write_rows(tmp_path, ROWS) == (tmp_path / "results.csv",)
    assert "results.parquet cannot be written: it is a folder" in caplog.text
    assert f"The same rows are in {tmp_path / 'results.csv'}." in caplog.text


def test_a_table_that_cannot_be_written_says_that_results_are_kept(tmp_path):
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(StudyError, match=r"results\.csv cannot be written.*Every finished task is kept in"):
        write_rows(tmp_path, ROWS)
