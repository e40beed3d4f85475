"""`latentdo reproduce`: a published study again, its numbers beside the published ones."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

from latentdo.errors import LatentdoError, UsageError

from .failures import DONE, NOT_CONVERGED
from .interrupt import stop_at_once
from .options import Flag, Output, Whole, WholeOrNone
from .output import folded, notes_told, say, say_json, tell

if TYPE_CHECKING:
    from latentdo.studies import Reproduction

NAME = "reproduce"

USAGE = "latentdo reproduce NAME [-o FOLDER] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo reproduce napkin --quick
  latentdo reproduce signaling -o signaling-results
  latentdo reproduce covid --datasets 20 --sizes 60,100 --models lvm,rivals
  latentdo reproduce all -o results --workers 8"""

CODES = """\
Exit codes: 0 done, 2 bad input, 4 some tasks failed three times (the rest was
written), 130 interrupted."""

FOLDER = "reproduction"
WHOLE = 200
"""Columns that are enough for every table."""

_FINISHED = b'"failed": false, "attempts": '
"""What every line of a task that did not fail holds once."""

T = TypeVar("T")


def command(
    name: str,
    /,
    *,
    output: Output = None,
    datasets: WholeOrNone = None,
    sizes: Annotated[list[str] | None, Parameter(negative=())] = None,
    models: Annotated[list[str] | None, Parameter(negative=())] = None,
    quick: Flag = False,
    workers: WholeOrNone = None,
    seed: Whole = 0,
    as_published: Flag = False,
    progress: bool | None = None,
    json: Flag = False,
) -> int:
    """Do a published study again: its models and rivals on many data sets, beside the true answers.

    Every finished task is kept in the folder at once: after Ctrl-C or a crash the
    same command goes on from there. The folder then holds report.html, and in
    results.csv and results.parquet a row for each data set, size, question and
    method.

    Args:
        name: multicause, napkin, signaling, covid, multicause-strong, signaling-strong, or all.
        output: The folder for results; left out, reproduction, in this folder.
        datasets: Number of data sets; left out, 100, or 10 with --quick.
        sizes: Rows of each data set, with commas; left out, the published sizes.
        models: Of lvm, variants such as misspecified, and rivals, with commas; left out, these three.
        quick: A look in minutes: 10 data sets, the two smallest sizes.
        workers: Number of processes; left out, one for each processor.
        seed: A whole number that is added to the seeds of training and of bootstraps.
        as_published: Do what the published code did, errors included, to see its numbers again.
        progress: Show progress and the time left on stderr; left out, only at a terminal.
        json: Print an object in place of tables: folder, files, studies with their lines, failed.
    """
    from latentdo.studies import STUDIES, check_folder, overview, reproduce

    folder = check_folder(
        FOLDER if output is None else output, tuple(STUDIES) if name == "all" else (name,), report=True
    )
    with _stopped(folder, json, workers), notes_told():
        found = reproduce(
            name,
            datasets=datasets,
            sizes=_listed("--sizes", sizes, _whole),
            models=_listed("--models", models, str),
            quick=quick,
            seed=seed,
            workers=workers,
            folder=folder,
            progress=progress,
            as_published=as_published,
        )
    report, problem = None, None
    try:
        report = _report(found)
    except LatentdoError as error:
        # The tables need no file.
        problem = error
        if json:
            raise
    if json:
        say_json({**_facts(found), "report": None if report is None else str(report)})
    else:
        # Where stdout is a file, tables are whole.
        width = None if not sys.stdout.isatty() and "COLUMNS" not in os.environ else shutil.get_terminal_size().columns
        say(
            "\n\n".join(
                overview(plan.study, found.rows, width=width or WHOLE, as_published=plan.as_published)
                for plan in found.plans
            )
        )
    tell(_farewell(found, report))
    if problem is not None:
        raise problem
    return NOT_CONVERGED if found.failed else DONE


@contextmanager
def _stopped(folder: Path, as_json: bool, workers: int | None) -> Iterator[None]:
    """While this is open, Ctrl-C says where what was done is, how much, and how to go on."""
    from latentdo.studies import processors

    if (processors() if workers is None else workers) == 1:
        # Training in this process cannot be interrupted; that in others ends with them.
        with stop_at_once(as_json=as_json, kept=folder, words=lambda: _kept(folder)):
            yield
        return
    with _terminated():
        try:
            yield
        except KeyboardInterrupt:
            tell(_kept(folder))
            raise


@contextmanager
def _terminated() -> Iterator[None]:
    """While this is open, SIGTERM ends the processes that compute before it ends this one."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    asked = []

    def stop(*_: object) -> None:
        asked.append(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if asked:
            # Whoever sent it sees that it did what it does.
            sys.stderr.flush()
            signal.raise_signal(signal.SIGTERM)


def _kept(folder: Path) -> str:
    """How many tasks are on the disk: progress is told now and then, and may be behind."""
    count = sum(path.read_bytes().count(_FINISHED) for path in folder.glob("*.jsonl") if path.is_file())
    return f"{_tasks(count)} kept in {folder}: the same command goes on from there."


def _tasks(count: int, words: str = "finished ") -> str:
    return f"1 {words}task is" if count == 1 else f"{count} {words}tasks are"


def _report(found: Reproduction) -> Path | None:
    """The page about all studies of the run that have rows; None where all tasks failed."""
    from latentdo.studies import write_report

    assert found.folder is not None
    named = [plan.study.name for plan in found.plans if any(row["query"] in plan.study.main for row in found.rows
                                                            if row["study"] == plan.study.name)]  # fmt: skip
    if not named:
        return None
    about = {"Settings": "as published, errors included"} if any(plan.as_published for plan in found.plans) else {}
    return write_report(found.rows, found.folder, studies=named, about=about)


def _listed(option: str, given: list[str] | None, read: Callable[[str], T]) -> tuple[T, ...] | None:
    """What stands between the commas."""
    if given is None:
        return None
    pieces = [piece.strip() for text in given for piece in text.split(",")]
    if not any(pieces):
        raise UsageError(f"{option} names nothing. Leave it out, or name some.")
    try:
        return tuple(read(piece) for piece in pieces if piece)
    except ValueError:
        raise UsageError(f"{option} {','.join(given)}: expected whole numbers, such as {option} 60,100.") from None


def _whole(text: str) -> int:
    return int(text)


def _facts(found: Reproduction) -> dict[str, Any]:
    from latentdo.studies import lines

    return {
        "folder": str(found.folder),
        "files": [str(path) for path in found.files],
        "done": found.n_done,
        "kept": found.n_kept,
        "studies": [
            {
                "study": plan.study.name,
                "datasets": plan.datasets,
                "sizes": list(plan.sizes),
                "models": list(plan.models),
                "as_published": plan.as_published,
                "lines": [line.to_json() for line in lines(plan.study, found.rows)],
            }
            for plan in found.plans
        ],
        "failed": list(found.failed),
    }


def _farewell(found: Reproduction, report: Path | None) -> str:
    """Where everything is, and what failed."""
    written = ", ".join(map(str, found.files))
    done = f"{found.n_done} task{'s' * (found.n_done != 1)} done"
    failed = f", {len(found.failed)} failed" if found.failed else ""
    told = [f"{done}{failed}, {found.n_kept} kept from earlier runs. Written: {written}."]
    if found.n_more:
        told.append(
            f"{found.folder} holds {found.n_more} rows of earlier runs that were not asked for now: other studies, data sets, "
            f"sizes or models. They are in {found.files[0].name} too, and neither in the tables above nor in the report."
        )
    if importlib.util.find_spec("pyarrow") is None:
        told.append("No Parquet file was written: pyarrow is not installed (pip install 'latentdo[interop]').")
    if report is not None:
        told.append(f"Report: {report}.")
        if importlib.util.find_spec("matplotlib") is None:
            told.append("It has no figures: matplotlib is not installed (pip install 'latentdo[plot]').")
    if found.failed:
        if report is None and found.folder is not None and (found.folder / "report.html").exists():
            told.append(f"{found.folder / 'report.html'} is of an earlier run.")
        failed = "1 task" if len(found.failed) == 1 else f"{len(found.failed)} tasks"
        again = "begins it again" if len(found.failed) == 1 else "begins them again"
        told.append(f"{failed} failed three times; the same command {again}:")
        told += [f"- {failure}" for failure in found.failed[:10]]
    return "\n".join(folded(line, "") for line in told)
