"""Files that users name: read where they are files, and refused in one style where they are not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import latentdo as ld
from latentdo.errors import DataError, LatentdoError, StudyError
from latentdo.files import exists, is_file, read_bytes, unwritable, write_table
from latentdo.tables import read_table

ROWS = "X,Y\n0,1\n1,0\n2,2\n"


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_bytes(path, DataError)
    return str(caught.value)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    assert read_bytes(tmp_path / "a.csv", DataError) == ROWS.encode()


def test_what_is_missing_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text(ROWS)
    assert f"does not exist (looked from {Path.cwd()}). Did you mean " in refusal(tmp_path / "cell.csv")
    assert "is a folder; expected a file." in refusal(tmp_path)
    (tmp_path / "study.yaml").touch()
    with pytest.raises(DataError, match=r"does not exist \(looked from .*\)\. Known are: study\.yaml\."):
        read_bytes(tmp_path / "nothing.yaml", DataError, suffixes=(".yaml",))


def test_a_link_to_nothing_names_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").symlink_to(tmp_path / "gone.csv")
    message = refusal(tmp_path / "cells.csv")
    assert message.endswith(f"cells.csv is a link to {tmp_path / 'gone.csv'}, which does not exist.")


@pytest.mark.parametrize("address", ["https://example.org/cells.csv", "s3://bucket/cells.csv"])
def test_an_address_on_the_web_is_told_apart_from_a_missing_file(address: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(address, ["X"])
    assert (
        str(caught.value)
        == f"{address} is an address on the web, and only files are read. Download it, and give its path."
    )


@pytest.mark.parametrize("name", ["a" * 300 + ".csv", "nul\0byte.csv"])
def test_a_name_that_no_file_can_have_is_bad_input(name: str, tmp_path: Path) -> None:
    assert "cannot be read: " in refusal(tmp_path / name)
    assert not is_file(tmp_path / name)
    assert not exists(tmp_path / name)
    for read in (ld.load_study, ld.load):
        with pytest.raises(LatentdoError):
            read(tmp_path / Path(name).with_suffix(".yaml" if read is ld.load_study else ".ldo"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    reads: list[tuple[Callable[[], Any], type[LatentdoError], str]] = [
        (lambda: read_table(tmp_path / "pipe.csv", ["X"]), DataError, "pipe.csv is a pipe"),
        (lambda: ld.load_study(tmp_path / "pipe.yaml"), StudyError, "pipe.yaml is a pipe"),
        (lambda: read_table(tmp_path / "endless.csv", ["X"]), DataError, "endless.csv is a device"),
    ]
    for read, error, message in reads:
        told: list[Exception] = []

        def attempt(read: Callable[[], Any] = read, told: list[Exception] = told) -> None:
            try:
                read()
            except Exception as problem:  # noqa: BLE001
                told.append(problem)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive(), "reading waits"
        assert isinstance(told[0], error)
        assert f"{message}, and reading it might never end." in str(told[0])


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The path of a socket may have no more than about a hundred characters.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("cells.csv")
        assert "cells.csv" in refusal(Path("cells.csv"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_written_to_nor_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=r"it is a pipe. Write an ordinary file."):
        write_table(pipe, b"X")
    assert pipe.is_fifo()


def test_asking_for_a_place_leaves_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(ROWS)
    assert [unwritable(tmp_path / name) for name in ("old.csv", "new.csv")] == ["", ""]
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == ROWS
