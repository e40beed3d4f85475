"""Tables as files: whole or not at all, and a reason with the path where there is none."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from handmade_answers import sweep_of
from latentdo import files
from latentdo.answers import Answers, EffectMatrix
from latentdo.errors import DataError, QueryError

ANSWERS = sweep_of("E[Y | do(X)] for X in [0, 1]")
TABLES = [ANSWERS, Answers(()), EffectMatrix((), (), ())]


@pytest.mark.parametrize("table", TABLES, ids=["answers", "no answers", "effects"])
class TestRefuses:
    def refused(self, table: Answers | EffectMatrix, path: str | Path, why: str) -> None:
        with pytest.raises(DataError) as error:
            table.to_csv(path)
        assert str(error.value).startswith(f"{path} cannot be written: ")
        assert why in str(error.value)

    def test_a_folder_that_is_not_there(self, table, tmp_path):
        self.refused(table, tmp_path / "nowhere" / "a.csv", f"there is no folder {tmp_path / 'nowhere'}. Make it first")

    def test_a_folder(self, table, tmp_path):
        self.refused(table, tmp_path, "it is a folder. Give the name of a file in it.")

    def test_a_name_that_no_file_can_have(self, table, tmp_path):
        self.refused(table, tmp_path / ("a" * 300), "File name too long. Write elsewhere.")
        # The message shows a sign in place of what nobody sees.
        with pytest.raises(DataError, match=r"cannot be written: .*null"):
            table.to_csv(tmp_path / "a\0.csv")

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nothing can be made")
    def test_a_folder_in_which_nothing_can_be_made(self, table):
        self.refused(table, "/proc/x.csv", "in /proc. Write elsewhere.")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
    def test_a_full_device(self, table):
        self.refused(table, "/dev/full", "No space left on device. Write elsewhere.")

    def test_a_file_that_is_read_only(self, table, tmp_path, monkeypatch):
        path = tmp_path / "a.csv"
        path.write_text("old")
        monkeypatch.setattr(os, "access", lambda *_: False)
        self.refused(table, path, "the file is read-only. Write elsewhere.")
        assert path.read_text() == "old"

    def test_no_right_to_write_and_leaves_the_old_file(self, table, tmp_path, monkeypatch):
        path = tmp_path / "a.csv"
        path.write_text("old")

        def denied(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "replace", denied)
        self.refused(table, path, "Permission denied. Write elsewhere.")
        assert path.read_text() == "old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("given", [str, Path])
def test_replaces_the_old_table_and_leaves_nothing_beside(tmp_path, given: Callable[[Path], str | Path]):
    path = tmp_path / "a.csv"
    path.write_text("old\n" * 100)
    assert ANSWERS.to_csv(given(path)) == path
    header, *rows = read(path)
    assert header[:2] == ["X", "query"]
    assert [row[0] for row in rows] == ["0.0", "1.0"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


def test_a_wrong_level_leaves_the_old_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(QueryError, match="between 0 and 1"):
        ANSWERS.to_csv(path, level=2)
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")
def test_a_link_stays_a_link_and_a_device_is_written_to(tmp_path):
    target, link = tmp_path / "a.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    ANSWERS.to_csv(link)
    assert link.is_symlink()
    assert len(read(target)) == 3
    assert files.write_table(os.devnull, b"") == Path(os.devnull)
