"""The folder of a run: what can be one, whose files stay, and which runs are in it together."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from made_rows import STUDY, made_rows
from made_tasks import rows_of

from latentdo.errors import StudyError
from studies.records import COLUMNS, Entry, opened
from studies.report import write_report
from studies.results_folder import GENERATOR, LOCK, check_folder, claimed, folder_of
from studies.tasks import Task

ONE = Task("napkin", 1, 15, "lvm")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "folder is the path of a folder, a text or a Path, got 5"),
        (b"x", "folder is the path of a folder, a text or a Path, got b'x'"),
        ("", "The name of the folder is empty"),
        ("a\0b", "no path holds a zero character"),
        ("file", "file is a file. Give the name of a folder"),
        ("file/sub/more", r"file is a file\. .*more cannot be in it\. Give the name of a folder"),
        ("x" * 300, "xxx cannot be a folder: File name too long. Give another folder"),
        ("link", "link is a link to .*nowhere, which is not there. Make that folder, or give another"),
        ("link/sub", "link is a link to .*nowhere, which is not there"),
    ],
)
def test_what_is_no_folder_is_refused(tmp_path, monkeypatch, given, said):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("link").symlink_to("nowhere")
    with pytest.raises(StudyError, match=said) as problem:
        folder_of(given)
    assert problem.value.key == "folder"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


def test_a_folder_or_a_link_to_one_or_none_yet_is_taken(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "link", tmp_path / "link" / "new" / "newer", Path()):
        assert folder_of(path) == path == folder_of(str(path))


@pytest.mark.parametrize(
    "name",
    ["results.csv", "results.parquet", "report.html", "figures/napkin-errors.png", "tables/napkin-errors.csv"],
)
def test_files_of_others_are_not_written_over(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("a,b\n1,2\n")
    # A file of results without any is no sign of a run.
    (tmp_path / "napkin.jsonl").touch()
    with pytest.raises(
        StudyError, match=f"{name} was not written by a reproduction, and would be written over"
    ) as said:
        check_folder(tmp_path, ["napkin"], report=True)
    assert f"such as {tmp_path}-2" in str(said.value)
    with opened(tmp_path / "napkin.jsonl") as kept:
        kept.add(Entry("now", ONE.fields, rows_of(ONE)))
    assert check_folder(tmp_path, ["napkin"], report=True) == tmp_path


def test_files_that_are_not_written_do_not_matter(tmp_path):
    for name in ("report.html", "napkin.csv"):
        (tmp_path / name).write_text("mine")
    assert check_folder(tmp_path, ["napkin"]) == tmp_path


def test_files_of_a_run_are_known_without_its_results(tmp_path):
    (tmp_path / "results.csv").write_text(",".join(COLUMNS) + "\n")
    (tmp_path / "results.parquet").write_bytes(b"PAR1")
    (tmp_path / "report.html").write_text(f'<!DOCTYPE html><html><head>{GENERATOR} 0.1.0">')
    assert check_folder(tmp_path, ["napkin"], report=True) == tmp_path


def test_a_report_is_known_and_nothing_of_an_older_one_stays(tmp_path, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    older = ["figures/made-errors.png", "figures/times.svg", "tables/made-failures.csv", "tables/made-failures.tex"]
    others = ["figures/napkin-errors.png", "tables/made-mine.csv", "figures/made-errors.txt"]
    for name in (*older, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("older")
    write_report(made_rows(), tmp_path, studies=[STUDY])
    assert [name for name in (*older, *others) if (tmp_path / name).exists()] == others
    assert check_folder(tmp_path, ["made"], report=True) == tmp_path


def test_a_folder_in_the_place_of_a_table_is_refused(tmp_path):
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(StudyError, match=r"results\.csv is no file, and one of that name would be written"):
        check_folder(tmp_path)


def test_runs_of_the_same_settings_are_in_a_folder_together(tmp_path):
    pytest.importorskip("fcntl")
    with claimed(tmp_path, {"seed": 1}), claimed(tmp_path, {"seed": 1}):
        pass


def test_runs_of_other_settings_are_not(tmp_path):
    pytest.importorskip("fcntl")
    with (
        claimed(tmp_path, {"seed": 1}),
        pytest.raises(StudyError, match=r"Another run writes into .* with other settings: seed is 1 there and 2 here"),
        claimed(tmp_path, {"seed": 2}),
    ):
        pass
    # What ended holds nothing.
    with claimed(tmp_path, {"seed": 2}):
        assert (tmp_path / LOCK).read_text() == '{"seed": 2}'


def test_of_many_that_begin_at_once_only_those_of_one_setting_are_in(tmp_path):
    pytest.importorskip("fcntl")
    together, inside, refused = threading.Barrier(8), [], []

    def run(seed: int) -> None:
        together.wait()
        try:
            with claimed(tmp_path, {"seed": seed}):
                inside.append(seed)
                together.wait()
        except StudyError:
            refused.append(seed)
            together.wait()

    threads = [threading.Thread(target=run, args=(k % 2,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(inside)) <= 1
    assert len(inside) + len(refused) == 8
