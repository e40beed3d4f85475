"""`python -m studies reproduce`: tables, an object or an exit code, and a folder to go on from."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_tasks import rows_of

from latentdo.cli import main as installed
from latentdo.errors import StudyError
from studies import reproduction, study
from studies.__main__ import main
from studies.work import work

ROOT = Path(__file__).parents[2]
FEW = ("napkin", "--datasets", 2, "--sizes", 15, "--models", "rivals", "--workers", 1, "-o", "few")


@dataclass(frozen=True)
class Result:
    """What one command line left."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Runs the command with the arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """Pictures take most of the time, and have tests of their own."""
    monkeypatch.setattr("studies.__main__._report", lambda found: found.folder / "report.html")


def test_prints_a_table_and_keeps_rows(command, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    result = command("reproduce", *FEW)
    assert result.code == 0, result.err
    assert "The new napkin problem (napkin)" in result.out
    assert "E[Y | do(X=0)]" in result.out
    header = next(line for line in result.out.splitlines() if line.strip().startswith("n, method"))
    assert [word for word in ("published", "ours", "RMSE", "hold") if word not in header] == []
    plug_in = next(line for line in result.out.splitlines() if "plug-in" in line)
    assert "1.433 [1.164, 1.737]" in plug_in
    assert "2 tasks done, 0 kept" in result.err
    with (tmp_path / "few" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["dataset"] for row in rows} == {"1", "2"}


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def test_goes_on_where_it_was(command):
    command("reproduce", *FEW)
    again = command("reproduce", *FEW[:1], "--datasets", 3, *FEW[3:])
    assert "1 task done, 2 kept" in again.err


def test_text_fits_the_terminal(command):
    result = command("reproduce", *FEW)
    assert max(map(len, [*result.out.splitlines(), *result.err.splitlines()])) <= 80
    assert "There are no verdicts from fewer than 10 data sets." in words(result.out)


def test_says_that_the_folder_holds_more_than_was_asked_for(command, tmp_path):
    command("reproduce", *FEW)
    again = command("reproduce", *FEW[:1], "--datasets", 1, *FEW[3:])
    with (tmp_path / "few" / "results.csv").open(encoding="utf-8", newline="") as file:
        more = sum(row["dataset"] == "2" for row in csv.DictReader(file))
    assert f"few holds {more} rows of earlier runs that were not asked for now" in words(again.err)
    assert "neither in the tables above nor in the report" in words(again.err)


def test_a_folder_done_another_way_is_refused(command):
    command("reproduce", *FEW)
    result = command("reproduce", *FEW, "--as-published")
    assert result.code == 2
    assert "as_published is False there and True here" in words(result.err)
    assert "such as few-as-published (-o, or folder= in Python)" in words(result.err)


def test_as_published_is_said_above_the_tables(command):
    result = command("reproduce", *FEW[:-1], "other", "--as-published")
    assert result.code == 0
    assert "(napkin), done as published, errors included" in words(result.out)


def test_json_has_every_line(command):
    found = json.loads(command("reproduce", *FEW, "--json").out)
    assert list(found) == ["folder", "files", "done", "kept", "studies", "failed", "report"]
    (napkin,) = found["studies"]
    assert (napkin["study"], napkin["datasets"], napkin["sizes"]) == ("napkin", 2, [15])
    lines = {(line["query"], line["n"], line["method"]): line for line in napkin["lines"]}
    mean = lines[study("napkin").main[0], 15, "mean"]
    assert mean["population"]["datasets"] == 2
    assert mean["coverage"]["level"] == 0.9


def test_tasks_that_fail_are_told_and_end_with_4(command, monkeypatch):
    def broken(task):
        if task.dataset == 2:
            raise RuntimeError("out of luck")
        return work(task)

    monkeypatch.setattr(reproduction, "work", broken)
    result = command("reproduce", *FEW)
    assert result.code == 4
    assert "1 task failed three times; the same command begins it again" in words(result.err)
    assert "1 task done, 1 failed, 0 kept" in result.err
    assert "napkin, data set 2, n = 15, rivals: RuntimeError: out of luck" in words(result.err)
    assert "answers are missing" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["napkins"], "No study is called 'napkins'. Did you mean 'napkin'"),
        (["napkin", "--sizes", "1.5"], "--sizes 1.5: expected whole numbers, such as --sizes 60,100."),
        (["napkin", "--sizes", "999"], "Each of sizes is a whole number from 2 to 200, got 999"),
        (["napkin", "--models", "lvn"], "No model of napkin is called 'lvn'. Did you mean 'lvm'"),
        (["napkin", "--models", ""], "--models names nothing. Leave it out, or name some."),
        (["napkin", "--datasets", "0"], "datasets is a whole number from 1"),
        (["napkin", "-o", "taken"], "taken cannot be a folder of results: File exists."),
        (["napkin", "-o", "taken/sub"], "taken/sub cannot be a folder of results: Not a directory."),
        (["napkin", "-o", ""], "folder is the path of a folder, such as 'results', got ''."),
        (["napkin", "-o", "x" * 300], "cannot be a folder of results: File name too long."),
    ],
)
def test_bad_input_is_told_before_anything_is_done(command, tmp_path, arguments, said):
    (tmp_path / "taken").touch()
    result = command("reproduce", *arguments, "--workers", 1)
    assert result.code == 2
    assert said in words(result.err)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("name", ["results.csv", "report.html"])
def test_a_file_of_somebody_else_is_not_written_over(command, tmp_path, name):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / name).write_text("mine")
    result = command("reproduce", *FEW)
    assert result.code == 2
    assert f"few/{name} was not written by a reproduction, and would be written over" in words(result.err)
    assert [path.read_text() for path in (tmp_path / "few").iterdir()] == ["mine"]


def test_tables_come_although_the_report_cannot_be_written(command, monkeypatch):
    def full(found):
        raise StudyError("few cannot be written: No space left on device.")

    monkeypatch.setattr(reproduction, "work", rows_of)
    monkeypatch.setattr("studies.__main__._report", full)
    result = command("reproduce", *FEW)
    assert result.code == 2
    assert "The new napkin problem (napkin)" in result.out
    assert "2 tasks done, 0 kept" in result.err
    assert "error: few cannot be written: No space left on device." in result.err


def test_a_run_without_a_report_says_that_an_older_one_is_there(command, tmp_path, monkeypatch):
    def broken(task):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(reproduction, "work", rows_of)
    command("reproduce", *FEW)
    (tmp_path / "few" / "report.html").write_text("older")
    monkeypatch.setattr(reproduction, "work", broken)
    monkeypatch.setattr("studies.__main__._report", lambda found: None)
    result = command("reproduce", *FEW[:1], "--datasets", 4, *FEW[3:])
    assert result.code == 4
    assert "few/report.html is of an earlier run." in result.err


def test_without_pyarrow_it_says_that_there_is_no_parquet(command, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pyarrow" else found(name, *rest)
    )
    result = command("reproduce", *FEW)
    assert result.code == 0
    assert "No Parquet file was written: pyarrow is not installed" in words(result.err)


@pytest.mark.parametrize(
    ("asked", "said"), [(["reproduce", "napkin"], "reproduce napkin"), (["reproduce"], "reproduce NAME")]
)
def test_the_installed_command_says_where_it_went(capsys, asked, said):
    assert installed(asked) == 2
    words = " ".join(capsys.readouterr().err.split())
    assert f"In the checkout: python -m studies {said}" in words


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "workers"), [("SIGINT", 1), ("SIGINT", 2), ("SIGTERM", 2)])
def test_a_run_that_is_stopped_keeps_what_was_done(tmp_path, sent, workers):
    tokens = ["reproduce", "napkin", "--models", "rivals", "--workers", str(workers), "-o", "some"]
    started = [sys.executable, "-m", "studies", *tokens]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [ROOT, ROOT / "src"]))}
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as run:
        kept = tmp_path / "some" / "napkin.jsonl"
        until = time.monotonic() + 60
        while (not kept.exists() or kept.read_bytes().count(b"\n") < 3) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(run.pid, signal.Signals[sent])
        # The workers hold both ends too: this returns once they have ended.
        out, err = run.communicate(timeout=60)
    assert run.returncode == -signal.Signals[sent], err
    assert out == ""
    assert "Every finished task is kept in some at once" in err
    assert "Traceback" not in err
    assert 3 <= kept.read_bytes().count(b"\n") < 300
