"""`python -m studies reproduce NAME`: a study again, its numbers beside the published ones."""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from latentdo.errors import LatentdoError, StudyError
from latentdo.sheet import finite, folded, terminal_width, texts

from . import STUDIES, Reproduction, lines, overview, reproduce, write_report

DONE, BAD_INPUT, FAILED = 0, 2, 4

EPILOGUE = """\
Every finished task is kept in the folder at once: after Ctrl-C or a crash the
same command goes on from there. The folder then holds report.html, and in
results.csv and results.parquet a row for each data set, size, question and
method.

examples:
  python -m studies reproduce napkin --quick
  python -m studies reproduce signaling -o signaling-results
  python -m studies reproduce covid --datasets 20 --sizes 60,100 --models lvm,rivals
  python -m studies reproduce all -o results --workers 8

Exit codes: 0 done, 2 bad input, 4 some tasks failed three times (the rest was
written)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command line."""
    given = _parser().parse_args(arguments)
    logging.getLogger("latentdo").addHandler(handler := _Notes(logging.WARNING))
    try:
        return _reproduce(given)
    except LatentdoError as problem:
        if given.json:
            print(json.dumps({"error": {"kind": problem.kind, "message": str(problem)}}, indent=2))
        print(f"error: {problem}", file=sys.stderr)
        return BAD_INPUT
    finally:
        logging.getLogger("latentdo").removeHandler(handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studies", description="The case studies, done again.")
    verbs = parser.add_subparsers(required=True, metavar="reproduce")
    verb = verbs.add_parser(
        "reproduce",
        help="models and rivals on many data sets, beside the true answers and the published numbers",
        description="Do a study again: its models and rivals on many data sets, beside the true answers.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("name", help=f"{', '.join(STUDIES)}, or all")
    verb.add_argument("-o", "--output", default="reproduction", help="folder for results [reproduction]")
    verb.add_argument("--datasets", type=int, help="number of data sets [100, or 10 with --quick]")
    verb.add_argument("--sizes", action="append", help="rows of each data set, with commas [the published sizes]")
    verb.add_argument(
        "--models", action="append", help="of lvm, variants such as misspecified, and rivals [these three]"
    )
    verb.add_argument("--quick", action="store_true", help="a look in minutes: 10 data sets, the two smallest sizes")
    verb.add_argument("--workers", type=int, help="number of processes [one for each processor]")
    verb.add_argument("--seed", type=int, default=0, help="added to the seeds of training and of bootstraps [0]")
    verb.add_argument("--as-published", action="store_true", help="do what the published code did, errors included")
    verb.add_argument(
        "--progress", action=argparse.BooleanOptionalAction, help="time left, on stderr [only at a terminal]"
    )
    verb.add_argument("--json", action="store_true", help="an object in place of tables")
    return parser


class _Notes(logging.Handler):
    """Tells on stderr what is logged as a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"note: {record.getMessage()}", file=sys.stderr)


def _reproduce(given: argparse.Namespace) -> int:
    again = f"Every finished task is kept in {given.output} at once: once this is stopped, the same command goes on from there."
    _tell(again)
    run = reproduce(
        given.name,
        datasets=given.datasets,
        sizes=_listed("--sizes", given.sizes, int),
        models=_listed("--models", given.models, str),
        quick=given.quick,
        seed=given.seed,
        workers=given.workers,
        folder=given.output,
        progress=given.progress,
        as_published=given.as_published,
    )
    report, problem = None, None
    try:
        report = _report(run)
    except LatentdoError as error:
        # The tables need no file.
        problem = error
        if given.json:
            raise
    if given.json:
        facts = {**_facts(run), "report": None if report is None else str(report)}
        print(json.dumps(finite(facts), ensure_ascii=False, allow_nan=False, indent=2))
    else:
        boards = [overview(plan.study, run.rows, as_published=plan.as_published) for plan in run.plans]
        print(texts([sheet for board in boards for sheet in board], terminal_width()))
    for sentence in _farewell(run, report):
        _tell(sentence)
    if problem is not None:
        raise problem
    return FAILED if run.failed else DONE


def _report(run: Reproduction) -> Path | None:
    """The page about all studies of the run that have rows; None where all tasks failed."""
    assert run.folder is not None
    asked = {(row["study"], row["query"]) for row in run.rows}
    named = [p.study.name for p in run.plans if any((p.study.name, query) in asked for query in p.study.main)]
    if not named:
        return None
    about = {"Settings": "as published, errors included"} if any(plan.as_published for plan in run.plans) else {}
    return write_report(run.rows, run.folder, studies=named, about=about)


def _listed(option: str, given: list[str] | None, read: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """What stands between the commas."""
    if given is None:
        return None
    pieces = [piece.strip() for text in given for piece in text.split(",") if piece.strip()]
    if not pieces:
        raise StudyError(f"{option} names nothing. Leave it out, or name some.")
    try:
        return tuple(read(piece) for piece in pieces)
    except ValueError:
        raise StudyError(f"{option} {','.join(given)}: expected whole numbers, such as {option} 60,100.") from None


def _facts(run: Reproduction) -> dict[str, Any]:
    return {
        "folder": str(run.folder),
        "files": [str(path) for path in run.files],
        "done": run.n_done,
        "kept": run.n_kept,
        "studies": [
            {
                "study": plan.study.name,
                "datasets": plan.datasets,
                "sizes": list(plan.sizes),
                "models": list(plan.models),
                "as_published": plan.as_published,
                "lines": [line.to_json() for line in lines(plan.study, run.rows)],
            }
            for plan in run.plans
        ],
        "failed": list(run.failed),
    }


def _farewell(run: Reproduction, report: Path | None) -> list[str]:
    """Where everything is, and what failed."""
    written = ", ".join(map(str, run.files))
    done = f"{run.n_done} task{'s' * (run.n_done != 1)} done"
    failed = f", {len(run.failed)} failed" if run.failed else ""
    sentences = [f"{done}{failed}, {run.n_kept} kept from earlier runs. Written: {written}."]
    if run.n_more:
        sentences.append(
            f"{run.folder} holds {run.n_more} rows of earlier runs that were not asked for now: other studies, data sets, "
            f"sizes or models. They are in {run.files[0].name} too, and neither in the tables above nor in the report."
        )
    if importlib.util.find_spec("pyarrow") is None:
        sentences.append("No Parquet file was written: pyarrow is not installed (pip install 'latentdo[interop]').")
    if report is not None:
        sentences.append(f"Report: {report}.")
        if importlib.util.find_spec("matplotlib") is None:
            sentences.append("It has no figures: matplotlib is not installed (pip install 'latentdo[plot]').")
    if run.failed:
        if report is None and run.folder is not None and (run.folder / "report.html").exists():
            sentences.append(f"{run.folder / 'report.html'} is of an earlier run.")
        failed = "1 task" if len(run.failed) == 1 else f"{len(run.failed)} tasks"
        again = "begins it again" if len(run.failed) == 1 else "begins them again"
        sentences.append(f"{failed} failed three times; the same command {again}:")
        sentences += [f"- {failure}" for failure in run.failed[:10]]
    return sentences


def _tell(sentence: str) -> None:
    print("\n".join(folded(sentence, terminal_width())), file=sys.stderr)


if __name__ == "__main__":
    # Compiled code cannot be interrupted from Python. The system ends this process, and its workers notice and end with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
