"""Tasks on executors: same outcomes wherever they are done, and none lost whatever happens to those who do them."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from latentdo.errors import StudyError
from latentdo.executor import ATTEMPTS, Outcome, described, spreading


def spread(work, tasks, executor=None, workers=1):
    """The outcomes of tasks, as they come."""
    with spreading(executor, workers) as outcomes_of:
        yield from outcomes_of(work, tasks)


def square(x: int) -> int:
    return x * x


def fails_for_three(x: int) -> int:
    if x == 3:
        raise ValueError(f"no {x}\nplease")
    return x * x


def fails_until(folder: Path, times: int, x: int) -> int:
    """Fails for 3 so many times; every attempt leaves a file."""
    if x == 3:
        attempt = len(list(folder.iterdir()))
        (folder / f"{attempt}").touch()
        if attempt < times:
            raise RuntimeError(f"attempt {attempt}")
    return x * x


def dies_until(folder: Path, times: int, x: int) -> int:
    """Ends its process for 3 so many times."""
    if x == 3:
        attempt = len(list(folder.iterdir()))
        (folder / f"{attempt}").touch()
        if attempt < times:
            os._exit(17)
    return x * x


def by_task(outcomes) -> dict[int, tuple[int | None, str, int]]:
    found = [(outcome.task, (outcome.value, outcome.error, outcome.attempts)) for outcome in outcomes]
    assert len(found) == len(dict(found))
    return dict(found)


def test_tasks_are_done_here_in_order():
    assert list(spread(square, [3, 1, 2])) == [Outcome(3, 9, "", 1), Outcome(1, 1, "", 1), Outcome(2, 4, "", 1)]


def test_threads_do_them_as_well():
    with ThreadPoolExecutor(2) as threads:
        assert by_task(spread(square, range(20), threads)) == {x: (x * x, "", 1) for x in range(20)}


def test_processes_do_them_as_well():
    assert by_task(spread(square, range(6), workers=2)) == {x: (x * x, "", 1) for x in range(6)}


@pytest.mark.parametrize("where", ["here", "threads"])
def test_a_task_that_fails_is_begun_again(tmp_path, where):
    work = partial(fails_until, tmp_path, 2)
    with ThreadPoolExecutor(2) as threads:
        found = by_task(spread(work, range(5), threads if where == "threads" else None))
    assert found == {x: (x * x, "", 3 if x == 3 else 1) for x in range(5)}


@pytest.mark.parametrize("where", ["here", "threads"])
def test_a_task_that_always_fails_is_told_and_takes_no_other_with_it(where):
    with ThreadPoolExecutor(2) as threads:
        found = by_task(spread(fails_for_three, range(5), threads if where == "threads" else None))
    value, error, attempts = found.pop(3)
    assert value is None
    assert error.startswith("ValueError: no 3 please (test_executor.py:")
    assert attempts == ATTEMPTS
    assert found == {x: (x * x, "", 1) for x in (0, 1, 2, 4)}


@pytest.mark.slow
def test_a_task_whose_process_is_killed_once_is_done_in_another(tmp_path):
    found = by_task(spread(partial(dies_until, tmp_path, 1), range(6), workers=2))
    assert {x: value for x, (value, _, _) in found.items()} == {x: x * x for x in range(6)}
    assert found[3] == (9, "", 2)


@pytest.mark.slow
def test_a_task_that_always_ends_its_process_is_told_and_takes_no_other_with_it(tmp_path):
    found = by_task(spread(partial(dies_until, tmp_path, 99), range(6), workers=2))
    value, error, attempts = found.pop(3)
    assert (value, attempts) == (None, ATTEMPTS)
    assert "The process that did it ended" in error
    assert {x: value for x, (value, _, _) in found.items()} == {x: x * x for x in (0, 1, 2, 4, 5)}
    assert len(list(tmp_path.iterdir())) == ATTEMPTS


def test_an_executor_that_takes_nothing_loses_nothing():
    class Full(Executor):
        def submit(self, fn, /, *args, **kwargs) -> Future:
            raise RuntimeError("full")

    found = by_task(spread(square, [1, 2], Full()))
    assert {task: error.split(" (")[0] for task, (_, error, _) in found.items()} == dict.fromkeys(
        (1, 2), "RuntimeError: full"
    )


def test_an_executor_that_gives_no_future_is_refused():
    class Empty(Executor):
        def submit(self, fn, /, *args, **kwargs) -> Future:
            return None  # type: ignore[return-value]

    with pytest.raises(StudyError, match=r"submit of Empty gave NoneType; expected a concurrent\.futures\.Future"):
        list(spread(square, [1], Empty()))


@pytest.mark.parametrize("cancel", [True, False])
def test_an_executor_that_is_shut_down_is_said_and_what_it_did_is_there(cancel):
    threads = ThreadPoolExecutor(1)
    begun, shut = threading.Event(), threading.Event()

    def until_shut(x: int) -> int:
        if x == 1:
            begun.set()
            shut.wait(10)
        return x * x

    outcomes = spread(until_shut, range(4), threads)
    found = [next(outcomes)]
    begun.wait(10)
    threads.shutdown(wait=False, cancel_futures=cancel)
    shut.set()
    if cancel:
        with pytest.raises(StudyError, match=r"shut down before all tasks were done\. Give one that runs") as problem:
            found.extend(outcomes)
        assert problem.value.key == "executor"
    else:
        found.extend(outcomes)
    assert by_task(found) == {x: (x * x, "", 1) for x in range(2 if cancel else 4)}


def test_an_executor_that_was_shut_down_before_takes_nothing():
    with ThreadPoolExecutor(1) as threads:
        pass
    with pytest.raises(StudyError, match="The executor was shut down before all tasks were done"):
        list(spread(square, [1, 2], threads))


def test_an_executor_that_forks_is_refused():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as forking,
        pytest.raises(StudyError, match=r"forks its processes.*get_context\('spawn'\)"),
    ):
        list(spread(square, [1], forking))


def test_something_else_than_an_executor_is_refused():
    with pytest.raises(StudyError, match=r"Executor or a Dask client, got int\."):
        list(spread(square, [1], 3))


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from latentdo.executor import spreading\n"
        "with spreading(None, 2) as spread:\n"
        "    print(list(spread(abs, [1, -2])))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "StudyError: No process could be started" in done.stderr


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = tmp_path / "starter.py"
    script.write_text(
        "import os, sys, time, functools\n"
        "from latentdo.executor import spreading\n"
        "def work(x):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    with spreading(None, 2) as spread:\n"
        "        list(spread(work, [1, 2]))\n"
    )
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        assert run.stdout is not None
        workers = [int(run.stdout.readline()) for _ in range(2)]
        run.kill()
    until = time.monotonic() + 20
    while (alive := [pid for pid in workers if is_running(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive


def is_running(pid: int) -> bool:
    try:
        # A process that has ended and that nobody has waited for is still there, as Z.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_exception_is_described_in_one_line():
    try:
        fails_for_three(3)
    except ValueError as problem:
        assert described(problem).startswith("ValueError: no 3 please (test_executor.py:")
    assert described(KeyError("x")) == "KeyError: 'x'"
