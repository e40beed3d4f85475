"""Blocks trained by an executor: the same numbers, and nothing lost whatever happens to those who train."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import latentdo as ld
from latentdo.errors import FitError, SpecError, StudyError
from latentdo.inference import AbstractEngine, runtime, train
from latentdo.inference.likelihood.task import Task
from latentdo.inference.workers import Board, board
from shared_fits import front_door_rows
from worker_engines import Eventful

MODEL = "X ~ normal; M ~ normal(X); Y ~ normal(M, X)"
AUTO = ld.Auto(max_steps=200)
ROWS = front_door_rows(30, 0)


def draws(posterior: ld.Posterior) -> dict[str, bytes]:
    """Every number that was drawn, by node."""
    return {
        node: own.coefficients.tobytes() + b"".join(values.tobytes() for _, values in own.parameters)
        for node, own in posterior.by_node.items()
    }


def spawning(workers: int = 1) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def alone() -> ld.Posterior:
    return ld.fit(MODEL, ROWS, AUTO, progress=False)


# The same numbers


def test_threads_of_an_executor_give_the_same_numbers(alone):
    with ThreadPoolExecutor(2) as threads:
        one = ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads)
        many = ld.fit_many(MODEL, {"a": ROWS, "b": front_door_rows(20, 1)}, AUTO, progress=False, executor=threads)
    assert draws(one) == draws(alone) == draws(many["a"])
    assert one.diagnostics == alone.diagnostics == many["a"].diagnostics
    assert [block.rows_hash for block in one.blocks] == [block.rows_hash for block in alone.blocks]
    assert one.seconds > 0.0


def test_a_dask_client_is_taken_as_it_is(alone):
    class Client:
        """What of a Dask client is asked for."""

        def get_executor(self):
            return threads

    with ThreadPoolExecutor(1) as threads:
        assert draws(ld.fit(MODEL, ROWS, AUTO, progress=False, executor=Client())) == draws(alone)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_numbers(alone, monkeypatch):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert draws(ld.fit(MODEL, ROWS, AUTO, progress=False, executor=client)) == draws(alone)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 99])
def test_a_worker_of_a_dask_cluster_that_is_killed_loses_nothing(tmp_path, caplog, monkeypatch, times):
    """Killed once, the block is begun again by another worker; killed each time, it is trained here."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    )
    engine = eventful(tmp_path, "killed", times)
    with (
        caplog.at_level(logging.WARNING, "latentdo"),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = ld.fit(MODEL, ROWS, engine, progress=False, executor=client)
    assert draws(found) == draws(ld.fit(MODEL, ROWS, engine, progress=False))
    assert ("left to this process" in caplog.text) == (times == 99)
    assert len(list(tmp_path.iterdir())) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_same_numbers_of_a_block_with_a_latent(workers):
    model = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ normal(M, U)"
    data = {**ROWS, "X": (ROWS["X"] > 0.3).astype(float)}
    engine = ld.Auto(max_steps=400)
    with spawning(workers) as processes:
        found = ld.fit(model, data, engine, progress=False, executor=processes)
    assert draws(found) == draws(ld.fit(model, data, engine, progress=False))


def test_blocks_that_are_known_are_not_sent(alone):
    with ThreadPoolExecutor(1) as threads:
        threads.submit = None  # type: ignore[method-assign, assignment]
        again = ld.fit(MODEL, ROWS, AUTO, progress=False, start=alone, executor=threads)
    assert draws(again) == draws(alone)


# Those who train fail


def eventful(folder: Path, event: str, times: int = 99) -> Eventful:
    return Eventful(os.getpid(), event, str(folder), times)


def test_what_a_killed_process_was_training_is_trained_here(tmp_path, caplog):
    engine = eventful(tmp_path, "killed")
    whole = ld.fit(MODEL, ROWS, engine, progress=False)
    with caplog.at_level(logging.WARNING, "latentdo"), spawning() as processes:
        found = ld.fit(MODEL, ROWS, engine, progress=False, executor=processes, checkpoint=tmp_path / "fit.part")
    assert draws(found) == draws(whole)
    assert "of 3 blocks are left to this process: those who trained them ended (BrokenProcessPool: " in caplog.text
    assert not (tmp_path / "fit.part").exists()


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 99])
def test_processes_of_our_own_that_are_killed_are_renewed(tmp_path, caplog, times):
    from latentdo.fitting import fit_resumably

    engine = eventful(tmp_path, "killed", times)
    with caplog.at_level(logging.WARNING, "latentdo"):
        found, _ = fit_resumably(MODEL, ROWS, engine, progress=False, workers=2)
    assert draws(found) == draws(ld.fit(MODEL, ROWS, engine, progress=False))
    assert len(list(tmp_path.iterdir())) == (2 if times == 1 else 3)
    assert ("1 of 3 blocks are left to this process" in caplog.text) == (times == 99)


def test_an_error_of_a_worker_comes_back_as_it_was_raised(tmp_path, monkeypatch):
    def train_block(task, engine):
        raise FitError(f"The log density of {task.block.name} is not finite.")

    monkeypatch.setattr(train, "train_block", train_block)
    with (
        ThreadPoolExecutor(2) as threads,
        pytest.raises(FitError, match=r"^b: The log density of \{[XMY]\} is not finite\.$"),
    ):
        ld.fit_many(MODEL, {"b": ROWS}, AUTO, progress=False, executor=threads)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("fails", r"^The log density of \{M\} is not finite\.$"),
        (
            "breaks",
            r"^The engine 'Eventful' failed in train: ZeroDivisionError: one fault",
        ),
    ],
)
def test_an_error_of_a_process_comes_back_as_ours(tmp_path, event, said):
    with spawning() as processes, pytest.raises(ld.LatentdoError, match=said):
        ld.fit(MODEL, ROWS, eventful(tmp_path, event), progress=False, executor=processes)
    assert len(list(tmp_path.iterdir())) == 1, "another attempt would not change it"


def test_what_fails_wherever_it_is_tried_says_how_to_go_on(tmp_path, monkeypatch):
    real = train.train_block

    def train_block(task, engine):
        if "Y" in task.block.nodes:
            time.sleep(1.0)
            raise ZeroDivisionError("one\nfault")
        return real(task, engine)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(train, "train_block", train_block)
        with pytest.raises(FitError) as caught:
            ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads, checkpoint=tmp_path / "fit.part")
    message = str(caught.value)
    assert message.startswith(
        "{Y} failed at each of 3 attempts where the executor trained it: ZeroDivisionError: one fault (test_workers.py:"
    )
    assert message.endswith(f"is kept in {tmp_path / 'fit.part'}: the same call goes on from there.")
    assert len(list(tmp_path.glob("fit.part/*/*.finished"))) == 2
    assert len(list(tmp_path.glob("fit.part/*/.progress*"))) == 0


def test_an_executor_that_is_shut_down_says_what_is_kept(tmp_path):
    with ThreadPoolExecutor(1) as threads:
        pass
    with pytest.raises(
        StudyError, match=r"shut down before all tasks were done\. .* kept in .*fit\.part: the same call"
    ):
        ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads, checkpoint=tmp_path / "fit.part")


def test_an_executor_that_forks_is_refused_with_a_repair():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as forking,
        pytest.raises(StudyError, match=r"ProcessPoolExecutor\(mp_context=multiprocessing\.get_context\('spawn'\)\)"),
    ):
        ld.fit(MODEL, ROWS, AUTO, progress=False, executor=forking)


def test_something_else_than_an_executor_is_refused():
    with pytest.raises(StudyError, match=r"Executor or a Dask client, got int\."):
        ld.fit(MODEL, ROWS, AUTO, progress=False, executor=2)


def test_what_cannot_be_sent_is_refused_before_anything_is_trained():
    @dataclass(frozen=True)
    class Local(AbstractEngine):
        @property
        def shape(self):
            return 1, 10

        def train(self, task):
            pytest.fail("something was trained")

    with (
        spawning() as processes,
        pytest.raises(
            SpecError, match=r"^The model cannot be sent to other processes: .*Local.*at the top of a module"
        ),
    ):
        ld.fit(MODEL, ROWS, Local(), progress=False, executor=processes)


def test_a_worker_with_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(train, "version", lambda: "0.0.1")
    with (
        ThreadPoolExecutor(1) as threads,
        pytest.raises(StudyError, match=r"and the machine that asks has 0\.0\.1\. Inst"),
    ):
        ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads)


def test_a_worker_that_was_forked_all_the_same_says_so(monkeypatch, alone):
    assert alone.converged is not None
    with ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr(runtime, "_process", os.getpid() + 1)
        with pytest.raises(FitError, match="do not survive a fork"):
            ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads)


# A fit and its workers hear of each other


def test_what_a_worker_tells_is_told_and_that_it_began_anew_too(tmp_path, monkeypatch):
    monkeypatch.setattr("latentdo.inference.workers.BETWEEN", 0.0)
    told: list[float] = []
    there = Board(tmp_path, [told.append, told.append])
    place = pickle.loads(pickle.dumps(there.place(1)))
    there.read()
    assert told == []
    for share in (1e-6, 0.25, 0.0, 0.5):
        place.tell("{X}", share)
    there.read()
    assert told == [0.0, 0.5]
    there.finish(1)
    place.tell("{X}", 0.75)
    there.read()
    assert told == [0.0, 0.5], "what is finished stays so"


def test_a_worker_ends_when_its_fit_has_ended(tmp_path):
    with board([print], tmp_path) as there:
        place = pickle.loads(pickle.dumps(there.place(0)))
        assert not place.is_set()
    assert place.is_set()
    place.tell("{X}", 0.5)
    assert list(tmp_path.iterdir()) == []
    later = pickle.loads(pickle.dumps(there.place(0)))
    assert later.is_set(), "begun after the end"
    later.made_on = "another machine"
    assert not later.is_set(), "where the folder was never seen nothing is known"
    place.made_on = "another machine"
    assert place.is_set(), "it was seen, and is gone"


def test_a_worker_ends_when_the_process_of_its_fit_was_killed(tmp_path):
    place = Board(tmp_path, [print]).place(0)
    assert not place.is_set()
    place.pid = 2**22 + 1
    assert place.is_set()


def test_progress_of_others_is_shown(alone, capsys):
    with ThreadPoolExecutor(1) as threads:
        ld.fit(MODEL, ROWS, AUTO, progress=True, executor=threads)
    assert capsys.readouterr().err.startswith("progress: all 3 done in")


def test_a_task_that_is_sent_holds_the_columns_of_its_block_alone(monkeypatch):
    sent: list[Task] = []
    real = train.train_block

    def train_block(task, engine):
        sent.append(task)
        return real(task, engine)

    monkeypatch.setattr(train, "train_block", train_block)
    with ThreadPoolExecutor(1) as threads:
        ld.fit(MODEL, ROWS, AUTO, progress=False, executor=threads)
    assert {task.block.name: task.data.names for task in sent} == {
        "{X}": ("X",),
        "{M}": ("M", "X"),
        "{Y}": ("Y", "M", "X"),
    }


SLOW = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import latentdo as ld
from shared_fits import front_door_rows
from worker_engines import Eventful
if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        engine = Eventful(os.getpid(), "slow", sys.argv[1])
        ld.fit("X ~ normal; M ~ normal(X)", front_door_rows(30, 0), engine, progress=False, executor=processes)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_fit_that_is_ended_ends_its_workers_within_moments(tmp_path, sent):
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    began = tmp_path / "began"
    began.mkdir()
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, script, began], stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths}
    ) as run:
        until = time.monotonic() + 60
        while not list(began.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        (attempt,) = began.iterdir()
        worker = int(attempt.name.split("-")[1])
        run.send_signal(sent)
        ended = time.monotonic()
        run.wait(timeout=30)
    while Path(f"/proc/{worker}").exists() and time.monotonic() < ended + 30:
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    assert time.monotonic() - ended < 10
