"""Experiments of a plan on executors: the numbers of this process wherever they are done, and what fails is told."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import Counter
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import DataError, SpecError, StudyError
from latentdo.planning.laboratory import Bench, Trial, crew
from latentdo.planning.truth import BuiltIn, Simulator, truth_of
from latentdo.query import Query
from latentdo.simulators import study

MODEL = ld.model("X ~ bernoulli; Y ~ normal(X)")
TRUTH = {"intercept(X)": 0, "intercept(Y)": 0, "X -> Y": 1, "sd(Y)": 1}
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
LAPLACE = ld.Laplace(draws=400)
TRIALS = [Trial(n, seed) for seed, n in enumerate((30, 30, 40, 30, 40), start=1)]


def rows(n: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, n)
    return {"X": x, "Y": x + random.standard_normal(n)}


def bench(truth=TRUTH) -> Bench:
    return Bench(MODEL, truth_of(truth, MODEL), Query.parse(EFFECT), LAPLACE, 0.9)


def plan(truth=TRUTH, **options):
    return ld.sample_size(MODEL, truth, EFFECT, width=0.6, engine=LAPLACE, datasets=60, **options)


def same_experiments(one, other) -> bool:
    return all(np.array_equal(vars(one)[name], vars(other)[name], equal_nan=True) for name in vars(one))


class Failing(Executor):
    """Does what it is given at once, but for attempts of which `fails(trial, attempt)` says that they fail."""

    def __init__(self, fails) -> None:
        self.fails, self.attempts = fails, Counter()

    def submit(self, fn, trial, /, *args, **kwargs) -> Future:
        self.attempts[trial] += 1
        future: Future = Future()
        if self.fails(trial, self.attempts[trial]):
            future.set_exception(OSError("the machine is gone"))
        else:
            future.set_result(fn(trial))
        return future


def test_an_experiment_depends_on_neither_its_neighbours_nor_their_order() -> None:
    together = bench()(TRIALS)
    assert [bench().alone(trial) for trial in TRIALS] == together
    assert bench()(TRIALS[::-1]) == together[::-1]
    assert len({found.low for found in together}) == len(TRIALS)


def test_threads_do_what_this_process_does() -> None:
    here = plan(seed=3)
    with ThreadPoolExecutor(2) as threads:
        there = plan(seed=3, executor=threads)
    assert same_experiments(here.experiments, there.experiments)
    assert (here.n, here.lower, here.upper, here.warnings) == (there.n, there.lower, there.upper, there.warnings)


def test_what_fails_twice_is_done_and_changes_no_number() -> None:
    failing = Failing(lambda trial, attempt: attempt < 3)
    with crew(bench(), failing, 1) as do:
        assert do(TRIALS, lambda count: None) == bench()(TRIALS)
    assert set(failing.attempts.values()) == {3}


def test_what_always_fails_is_counted_and_told() -> None:
    failing = Failing(lambda trial, attempt: trial.seed % 5 == 0)
    found = plan(seed=3, executor=failing)
    lost = sum(count == 3 for count in failing.attempts.values())
    assert lost > 0
    assert found.n_lost == lost == found.experiments.failed.sum()
    (said,) = [warning for warning in found.warnings if "failed at each of 3 attempts" in warning]
    assert said.startswith(f"{lost} of {len(found.experiments)} experiments failed")
    assert "OSError: the machine is gone" in said
    assert not found.converged


def test_where_most_fail_the_call_ends_with_the_reason() -> None:
    told = r"6 of 6 experiments failed at each of 3 attempts; the first, n = 100, seed = \d+: OSError: the machine is gone .*\."
    with pytest.raises(StudyError, match=f"{told} See that each process can import latentdo.*in this process"):
        plan(executor=Failing(lambda trial, attempt: True))
    with pytest.raises(StudyError, match="A function as truth= must be one of a module that each process can import"):
        plan(rows, executor=Failing(lambda trial, attempt: True))


def without_y(n: int, seed: int) -> dict:
    return {"X": rows(n, seed)["X"]}


def test_a_fault_of_the_truth_is_the_same_error_everywhere_and_is_not_tried_again() -> None:
    with pytest.raises(DataError) as here:
        plan(without_y)
    calm = Failing(lambda trial, attempt: False)
    with pytest.raises(DataError) as there:
        plan(without_y, executor=calm)
    assert str(there.value) == str(here.value)
    assert there.value.column == "Y"
    assert set(calm.attempts.values()) == {1}


def test_what_cannot_be_sent_is_refused_before_any_process_starts() -> None:
    with pytest.raises(SpecError, match=r"The function <lambda> cannot be sent to other processes: .* Write functions"):
        plan(lambda n, seed: rows(n, seed), workers=2)
    spawning = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawning) as processes,
        pytest.raises(SpecError, match=r"leave out executor= and workers="),
    ):
        plan(lambda n, seed: rows(n, seed), executor=processes)


def test_threads_take_functions_that_cannot_be_sent() -> None:
    work = bench(lambda n, seed: rows(n, seed))
    with ThreadPoolExecutor(2) as threads, crew(work, threads, 1) as do:
        assert do(TRIALS, lambda count: None) == work(TRIALS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": 3}, r"Executor or a Dask client, got int\."),
        ({"workers": 0}, "workers= is a whole number from 1 to 10,000, got 0. 1 is this process alone."),
        ({"workers": True}, "workers= is a whole number"),
        ({"workers": "2"}, "workers= is a whole number"),
    ],
)
def test_what_does_no_work_is_refused(options, message) -> None:
    with pytest.raises(StudyError, match=message):
        plan(**options)


def test_an_executor_that_forks_is_refused() -> None:
    forking = multiprocessing.get_context("fork")
    with (
        ProcessPoolExecutor(1, mp_context=forking) as processes,
        pytest.raises(StudyError, match="forks its processes"),
    ):
        plan(executor=processes)


def test_ctrl_c_ends_the_call_and_takes_the_waiting_tasks_back() -> None:
    class Pressed(Executor):
        def __init__(self) -> None:
            self.futures: list[Future] = []

        def submit(self, fn, /, *args, **kwargs) -> Future:
            self.futures.append(Future())
            if len(self.futures) == 6:
                self.futures[0].set_exception(KeyboardInterrupt())
            return self.futures[-1]

    pressed = Pressed()
    with pytest.raises(KeyboardInterrupt):
        plan(executor=pressed)
    assert len(pressed.futures) == 6
    assert all(future.cancelled() for future in pressed.futures[1:])


def test_a_built_in_study_is_sent_by_its_name() -> None:
    truth = BuiltIn(study("signaling"))
    back = pickle.loads(pickle.dumps(truth))
    assert back.study is truth.study


def test_progress_is_told_while_experiments_come() -> None:
    told: list[float] = []
    with ThreadPoolExecutor(1) as threads, crew(bench(), threads, 1) as do:
        do(TRIALS, told.append)
    assert told == [1, 2, 3, 4, 5]


def test_this_process_tells_how_many_are_done() -> None:
    told: list[int] = []
    with crew(bench(), None, 1) as do:
        do(TRIALS, told.append)
    assert told[0] == 0
    assert told[-1] == len(TRIALS)
    assert told == sorted(told)


@dataclass(frozen=True)
class Deadly:
    """Draws rows; the first process that draws those of seed 3 ends."""

    folder: Path

    def __call__(self, n: int, seed: int) -> dict[str, np.ndarray]:
        if seed == 3:
            try:
                (self.folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return rows(n, seed)
            os._exit(17)
        return rows(n, seed)


@pytest.mark.slow
def test_processes_do_what_this_one_does_also_when_one_of_them_is_killed(tmp_path) -> None:
    here = Bench(MODEL, Simulator(rows), Query.parse(EFFECT), LAPLACE, 0.9)(TRIALS)
    deadly = Bench(MODEL, Simulator(Deadly(tmp_path)), Query.parse(EFFECT), LAPLACE, 0.9)
    with crew(deadly, None, 2) as do:
        assert do(TRIALS, lambda count: None) == here
        # The same processes take the next batch.
        assert do(TRIALS[::-1], lambda count: None) == here[::-1]
    assert (tmp_path / "killed").exists()
