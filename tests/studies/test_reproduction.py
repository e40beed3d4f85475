"""Whole studies on few small data sets: the same rows wherever they are made, and after whatever interruption."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import math
import re
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_tasks import rows_of

import latentdo as ld
from latentdo.errors import DataError, StudyError
from latentdo.simulators import simulate
from studies import STUDIES, reproduce, reproduction, stored_rows, study, tasks
from studies.records import COLUMNS
from studies.tasks import Task, data_of, definition, truth_of
from studies.work import work

LAPLACE = ld.Laplace(draws=100)
CHEAP = {"datasets": 3, "sizes": [40], "models": ["rivals"], "replicates": 5, "progress": False}
KINDS = {str: str, int: int, float: float, bool: bool}


def timeless(rows):
    """The rows without what differs from run to run."""
    return [{key: value for key, value in row.items() if "seconds" not in key} for row in rows]


MADE = {"datasets": 3, "sizes": [15], "models": ["rivals"], "progress": False}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """An empty folder, with tasks that take no time."""
    monkeypatch.setattr(reproduction, "work", rows_of)
    return tmp_path


@pytest.fixture(scope="module")
def inline():
    return reproduce("napkin", workers=1, **CHEAP)


def test_rows_are_of_every_data_set_question_and_method(inline):
    napkin = study("napkin")
    methods = {"naive mean", "naive regression", *napkin.parsed.compare}
    asked = {label for label, query in napkin.queries if not query.axes}
    found = {(row["dataset"], row["n"], row["query"], row["method"]) for row in inline.rows}
    assert {(k, 40, query, method) for k in (1, 2, 3) for query in asked for method in methods} <= found
    assert {(k, 40, query, "mean") for k in (1, 2, 3) for query in napkin.main} <= found
    assert len(found) == len(inline.rows)
    assert not inline.failed


def test_rows_hold_the_fields_that_tables_have_with_their_types(inline):
    for row in inline.rows:
        assert set(row) <= set(COLUMNS)
        assert {"study", "dataset", "n", "query", "method", "truth", "truth_error", "sample_truth"} <= set(row)
        for key, value in row.items():
            assert value is None or type(value) is COLUMNS[key], (key, value)


def test_threads_give_the_same_rows(inline):
    with ThreadPoolExecutor(2) as threads:
        found = reproduce("napkin", executor=threads, **CHEAP)
    assert timeless(found.rows) == timeless(inline.rows)


@pytest.mark.slow
def test_processes_give_the_same_rows_of_rivals_and_models(inline):
    asked = {**CHEAP, "models": ["lvm", "rivals"], "datasets": 2, "engine": LAPLACE}
    here = reproduce("napkin", workers=1, **asked)
    there = reproduce("napkin", workers=2, **asked)
    assert timeless(there.rows) == timeless(here.rows)
    own = [row for row in here.rows if not row["method"].startswith("lvm")]
    assert timeless(own) == timeless(row for row in inline.rows if row["dataset"] < 3)


def test_a_model_is_trained_and_asked_as_by_fit_and_ask():
    napkin, task = study("napkin"), Task("napkin", 2, 40, "lvm", LAPLACE, seed=3)
    rows = simulate("napkin", napkin.rows, seed=2)
    posterior = ld.fit(napkin.model, {name: rows[name][:40] for name in rows}, LAPLACE, seed=2003)
    found = {row["query"]: row for row in work(task)}
    for label, query in napkin.queries:
        if not query.axes:
            answer = ld.ask(posterior, query, seed=2003)
            assert (found[label]["estimate"], found[label]["sd"]) == (answer.point, answer.sd)
            assert (found[label]["lower"], found[label]["upper"]) == answer.interval(0.9)
            assert found[label]["converged"] == answer.converged


def test_a_size_is_the_first_rows_of_its_data_set():
    small, large = data_of(Task("covid", 5, 60, "lvm")), data_of(Task("covid", 5, 200, "lvm"))
    assert all(np.array_equal(large[name][:60], small[name]) for name in large)
    assert len(small["Cytokine"]) == 60


def test_the_mean_is_that_of_all_rows(inline):
    for k in (1, 2, 3):
        (row,) = [row for row in inline.rows if (row["dataset"], row["method"]) == (k, "mean")]
        outcome = simulate("napkin", study("napkin").rows, seed=k)["Y"][:40]
        assert math.isclose(row["estimate"], outcome.mean())
        half = 1.6448536269514722 * outcome.std(ddof=1) / math.sqrt(40)
        assert math.isclose(row["upper"] - row["estimate"], half, rel_tol=1e-12)


def test_the_sample_truth_is_the_mean_in_the_interventional_data_set(inline):
    napkin = study("napkin")
    (label,) = napkin.main
    held = simulate("napkin", napkin.rows, seed=3, do={"X": 0})["Y"].mean()
    assert {row["sample_truth"] for row in inline.rows if row["dataset"] == 3 and row["query"] == label} == {held}


def test_the_truth_of_a_contrast_is_that_of_its_terms():
    signaling = study("signaling")
    stated = {value.query: value for value in signaling.population}
    do, mean = stated["E[Erk | do(SOS=70)]"], stated["E[Erk]"]
    value, error = truth_of(replace(signaling, population=(do, mean)), "ace")
    assert value == pytest.approx(do.value - mean.value)
    assert error == pytest.approx(math.hypot(do.error, mean.error))
    assert truth_of(replace(signaling, population=(do,)), "ace") == (None, None)


@pytest.mark.parametrize("name", STUDIES)
def test_every_main_question_has_a_truth(name):
    for label in study(name).main:
        value, error = truth_of(study(name), label)
        assert value is not None
        assert error is not None


def test_seeds_depend_on_the_task_alone():
    assert Task("napkin", 7, 15, "lvm", seed=2).fit_seed == 7002
    assert Task("napkin", 7, 100, "rivals", seed=2).fit_seed == 7002


# --- a folder


def test_a_run_that_was_stopped_goes_on_to_the_same_rows(inline, tmp_path, monkeypatch):
    done = []

    def until_the_third(task):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(task)
        return work(task)

    monkeypatch.setattr(reproduction, "work", until_the_third)
    with pytest.raises(KeyboardInterrupt):
        reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    monkeypatch.setattr(reproduction, "work", lambda task: done.append(task) or work(task))
    found = reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    assert (found.n_kept, found.n_done) == (2, 1)
    assert [task.dataset for task in done] == [1, 2, 3]
    assert timeless(found.rows) == timeless(inline.rows)


def test_a_last_line_that_was_cut_short_is_done_again(inline, tmp_path, caplog):
    reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(path.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING, "latentdo"):
        found = reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    assert "was cut short" in caplog.text
    assert (found.n_kept, found.n_done) == (2, 1)
    assert timeless(found.rows) == timeless(inline.rows)


def test_a_folder_holds_tables_of_all_that_was_kept(inline, tmp_path):
    smaller = {**CHEAP, "datasets": 1}
    reproduce("multicause", workers=1, folder=tmp_path, **smaller)
    found = reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    assert [path.name for path in found.files][:1] == ["results.csv"]
    kept = stored_rows(tmp_path, replicates=5)
    assert {row["study"] for row in kept} == {"multicause", "napkin"}
    assert timeless(row for row in kept if row["study"] == "napkin") == timeless(inline.rows)
    assert len((tmp_path / "results.csv").read_text().splitlines()) >= len(kept) + 1
    assert not stored_rows(tmp_path)
    assert found.n_more == len(kept) - len(found.rows) > 0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 5}, "results of multicause with other settings: seed is 0 there and 5 here"),
        ({"as_published": True}, "as_published is False there and True here.*such as .*-as-published"),
        ({"replicates": 6}, "replicates is 5 there and 6 here"),
        ({"engine": LAPLACE}, "engine is 'Auto"),
    ],
)
def test_a_folder_of_other_settings_is_left_alone(tmp_path, other, said):
    smaller = {**CHEAP, "datasets": 1}
    reproduce("multicause", workers=1, folder=tmp_path, **smaller)
    before = (tmp_path / "results.csv").read_bytes()
    with pytest.raises(StudyError, match=said):
        reproduce("napkin", workers=1, folder=tmp_path, **{**smaller, **other})
    assert (tmp_path / "results.csv").read_bytes() == before
    assert not (tmp_path / "napkin.jsonl").exists()


def changed_line(path, number, change):
    """Change the entry in a line of a file."""
    lines = path.read_text().splitlines()
    entry = json.loads(lines[number - 1])
    change(entry)
    lines[number - 1] = json.dumps(entry)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: entry.update(rows=[]), "it has no rows"),
        (lambda entry: entry["rows"][0].pop("query"), "missing required field `query`"),
        (lambda entry: entry["rows"][0].update(estimate="abc"), "Expected `float | null`, got `str`"),
        (lambda entry: entry["task"].update(dataset=77), "dataset is 2 in a row and 77 in its task"),
        (lambda entry: entry["task"].pop("n"), "n is 15 in a row and None in its task"),
        (lambda entry: entry.update(definition=[]), "Expected `str`, got `array`"),
    ],
)
def test_a_line_that_does_not_fit_is_done_again_and_counts_once(made, caplog, change, said):
    whole = reproduce("napkin", workers=1, folder=made, **MADE)
    changed_line(made / "napkin.jsonl", 2, change)
    caplog.clear()
    again = reproduce("napkin", workers=1, folder=made, **MADE)
    assert re.search(rf"napkin\.jsonl, line 2: this is no result of a run .*{re.escape(said)}", caplog.text), (
        caplog.text
    )
    assert (again.n_done, again.n_kept, again.n_more) == (1, 2, 0)
    assert again.rows == whole.rows
    with (made / "results.csv").open(encoding="utf-8", newline="") as file:
        cells = [(row["dataset"], row["query"], row["method"]) for row in csv.DictReader(file)]
    assert len(cells) == len(set(cells)) == len(whole.rows)


@pytest.mark.parametrize("content", ["a,b,c\n1,2,3\n", '{"definition": "now"}\n', "[]\n"])
def test_a_foreign_file_of_another_study_is_said_and_stays(made, caplog, content):
    (made / "covid.jsonl").write_text(content)
    found = reproduce("napkin", workers=1, folder=made, **MADE)
    assert found.n_done == 3
    assert "covid.jsonl, line 1: this is no result of a run" in caplog.text
    assert (made / "covid.jsonl").read_text() == content
    with pytest.raises(StudyError, match=r"covid\.jsonl, line 1: .*The file is not one of a reproduction"):
        reproduce("covid", workers=1, folder=made, **{**MADE, "models": ["lvm"]})


def test_two_runs_do_not_begin_in_one_folder(made, monkeypatch):
    pytest.importorskip("fcntl")
    refused = []

    def meanwhile(task):
        # The other has kept nothing yet.
        with pytest.raises(StudyError, match="Another run writes into") as problem:
            reproduce("covid", workers=1, folder=made, **{**MADE, "seed": 1, "models": ["lvm"]})
        refused.append(problem.value)
        return rows_of(task)

    monkeypatch.setattr(reproduction, "work", meanwhile)
    reproduce("napkin", workers=1, folder=made, **{**MADE, "datasets": 1})
    assert len(refused) == 1
    assert not (made / "covid.jsonl").exists()


def test_a_table_of_somebody_else_stays(made):
    (made / "results.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StudyError, match=r"results\.csv was not written by a reproduction"):
        reproduce("napkin", workers=1, folder=made, **MADE)
    assert [path.name for path in made.iterdir()] == ["results.csv"]


def test_results_of_another_definition_stay_and_are_not_used(tmp_path, caplog):
    reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    path = tmp_path / "napkin.jsonl"
    path.write_text(path.read_text().replace(definition("napkin"), "0.0.9 abc"))
    with caplog.at_level(logging.WARNING, "latentdo"):
        found = reproduce("napkin", workers=1, folder=tmp_path, **{**CHEAP, "datasets": 1})
    assert "holds 3 results of another version of latentdo or of the study napkin" in caplog.text
    assert (found.n_kept, found.n_done) == (0, 1)
    assert {row["dataset"] for row in stored_rows(tmp_path, replicates=5)} == {1}
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    with caplog.at_level(logging.WARNING, "latentdo"):
        reproduce("napkin", workers=1, folder=tmp_path, **{**CHEAP, "datasets": 1})
    assert (
        "holds 1 result of another version of latentdo or of the study napkin. It stays there and is not" in caplog.text
    )


def test_a_definition_changes_with_the_study_file_and_the_data(monkeypatch):
    napkin, before = study("napkin"), definition("napkin")
    assert before.startswith(ld.__version__)
    changed = [replace(napkin, file=napkin.file + "\n"), replace(napkin, rows=napkin.rows + 1)]
    for other in changed:
        monkeypatch.setattr(tasks, "study", lambda name, other=other: other)
        assert definition("napkin") != before
    monkeypatch.undo()
    monkeypatch.setattr(tasks, "simulate", lambda name, n, seed: simulate(name, n, seed=seed + 1))
    assert definition("napkin") != before


# --- failures


def test_a_task_that_raises_is_begun_again_and_reported(inline, tmp_path, monkeypatch):
    begun = []

    def broken(task):
        begun.append(task.dataset)
        if task.dataset == 2:
            raise RuntimeError("out of luck")
        return work(task)

    monkeypatch.setattr(reproduction, "work", broken)
    found = reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    assert begun == [1, 2, 2, 2, 3]
    assert found.failed == (f"napkin, data set 2, n = 40, rivals: {found.failed[0].split('rivals: ')[1]}",)
    assert "RuntimeError: out of luck" in found.failed[0]
    lost = [row for row in found.rows if row["dataset"] == 2]
    whole = {(row["query"], row["method"]) for row in inline.rows if row["dataset"] == 2}
    assert {(row["query"], row["method"]) for row in lost} == whole
    assert all("out of luck" in row["error"] and row.get("estimate") is None for row in lost)
    assert timeless(row for row in found.rows if row["dataset"] != 2) == timeless(
        row for row in inline.rows if row["dataset"] != 2
    )
    # What failed is begun again by the next run.
    monkeypatch.undo()
    again = reproduce("napkin", workers=1, folder=tmp_path, **CHEAP)
    assert (again.n_kept, again.n_done, again.failed) == (2, 1, ())
    assert timeless(again.rows) == timeless(inline.rows)
    lines = (tmp_path / "napkin.jsonl").read_text().splitlines()
    assert [json.loads(line)["failed"] for line in lines] == [False, True, False, False]


def test_what_failed_is_not_done(made, monkeypatch):
    def broken(task):
        if task.dataset > 1:
            raise RuntimeError("out of luck")
        return rows_of(task)

    monkeypatch.setattr(reproduction, "work", broken)
    found = reproduce("napkin", workers=1, folder=made, **MADE)
    assert (found.n_done, found.n_kept, len(found.failed)) == (1, 0, 2)


def test_an_executor_that_gives_something_else_than_rows_is_refused(made):
    class Talker(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.set_result("done")
            return future

    with pytest.raises(
        StudyError, match=r"The executor gave no rows for napkin, data set 1, .*Expected `array`, got `str`"
    ):
        reproduce("napkin", executor=Talker(), folder=made, **MADE)


def test_an_executor_that_is_shut_down_says_what_is_kept(made, monkeypatch):
    threads = ThreadPoolExecutor(1)

    def shut(task):
        if task.dataset == 2:
            threads.shutdown(wait=False, cancel_futures=True)
        return rows_of(task)

    monkeypatch.setattr(reproduction, "work", shut)
    with pytest.raises(
        StudyError, match=r"shut down .*2 finished tasks are kept in .*: the same call goes on from there"
    ):
        reproduce("napkin", executor=threads, folder=made, **MADE)
    again = reproduce("napkin", workers=1, folder=made, **MADE)
    assert (again.n_kept, again.n_done) == (2, 1)
    with pytest.raises(StudyError, match=r"0 finished tasks are lost: give a folder"):
        reproduce("napkin", executor=threads, **MADE)


def test_a_machine_with_another_version_gives_no_numbers(monkeypatch):
    monkeypatch.setattr(reproduction, "_own_definition", lambda name: "0.0.9 abc")
    found = reproduce("napkin", workers=1, **{**CHEAP, "datasets": 1})
    assert "has another version of latentdo or of the study napkin (0.0.9 abc)" in found.failed[0]
    assert all(row.get("estimate") is None for row in found.rows)


def test_a_data_set_that_cannot_be_used_says_so_in_its_rows(monkeypatch):
    monkeypatch.setattr(tasks, "data_of", lambda task: {**data_of(task), "Y": np.zeros(task.n)})
    rows = work(Task("napkin", 1, 40, "lvm", LAPLACE))
    assert {row["query"] for row in rows} == {label for label, query in study("napkin").queries if not query.axes}
    assert all("Y" in row["error"] and "estimate" not in row for row in rows)


def test_one_rival_that_fails_takes_no_other_with_it(monkeypatch):
    from latentdo.estimators import PlugIn

    def broken(self, task, fits, sets):
        raise np.linalg.LinAlgError("singular")

    task = Task("napkin", 1, 40, "rivals", replicates=5)
    whole = {(row["query"], row["method"]): row for row in work(task)}
    monkeypatch.setattr(PlugIn, "fit", broken)
    for row in work(task):
        if row["method"] == "plug-in":
            assert "LinAlgError: singular" in row["error"]
        else:
            assert row["estimate"] == whole[row["query"], row["method"]]["estimate"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"datasets": 0}, "datasets is a whole number from 1"),
        ({"sizes": [1]}, "Each of sizes is a whole number from 2 to 200, got 1"),
        ({"sizes": [201]}, "Each of sizes is a whole number from 2 to 200, got 201"),
        ({"sizes": []}, "sizes are whole numbers from 2 to 200, got none"),
        ({"models": []}, "models: expected some of lvm, .*, rivals, got nothing"),
        ({"sizes": 1}, "Each of sizes is a whole number from 2 to 200, got 1"),
        ({"models": "lvn"}, "No model of napkin is called 'lvn'"),
        ({"models": ["lvn"]}, "No model of napkin is called 'lvn'. Did you mean 'lvm'"),
        ({"workers": 0}, "workers is a whole number from 1"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"models": 5}, "No model of napkin is called 5"),
        ({"models": [5]}, "No model of napkin is called 5"),
        ({"models": [None]}, "No model of napkin is called None"),
        ({"models": [["lvm"]]}, r"No model of napkin is called \['lvm'\]"),
        ({"models": b"lvm"}, "No model of napkin is called b'lvm'"),
        ({"folder": 5}, "folder is the path of a folder, such as 'results', got 5"),
        ({"folder": ""}, "folder is the path of a folder"),
        ({"replicates": -1}, "replicates is a whole number from 0 to 100,000, got -1"),
        ({"replicates": "x"}, "replicates is a whole number from 0 to 100,000, got 'x'"),
        ({"replicates": 1.5}, "replicates is a whole number from 0 to 100,000, got 1.5"),
        ({"replicates": None}, "replicates is a whole number from 0 to 100,000, got None"),
        ({"replicates": 10**12}, "replicates is a whole number from 0 to 100,000, got 1000000000000"),
        ({"engine": 5}, r"engine is a value such as ld\.Auto\(\) .* got 5"),
        ({"engine": "laplace"}, "engine is a value such as .* got 'laplace'"),
        ({"engine": ld.Laplace}, "engine is a value such as .* got <class"),
        ({"sizes": np.array([15.0])}, "Each of sizes is a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(asked, said):
    with pytest.raises(StudyError, match=said):
        reproduce("napkin", **{**CHEAP, **asked})


def test_numbers_of_numpy_are_numbers(made):
    plain = reproduce("napkin", workers=1, **{**MADE, "datasets": 2, "sizes": [15], "seed": 3})
    given = {"datasets": np.int64(2), "sizes": np.array([15]), "seed": np.int32(3), "replicates": np.int64(200)}
    found = reproduce("napkin", workers=np.int64(1), folder=made, **{**MADE, **given})
    assert found.rows == plain.rows
    again = reproduce("napkin", workers=1, folder=made, **{**MADE, "datasets": 2, "sizes": [15], "seed": 3})
    assert (again.n_done, again.n_kept) == (0, 2)


def test_a_study_that_does_not_exist_is_refused():
    with pytest.raises(StudyError, match=r"No study is called 'napkins'\. Did you mean 'napkin'"):
        reproduce("napkins")


def test_quick_is_less_of_the_same(monkeypatch):
    planned = []

    def listed(work, tasks):
        planned.extend(tasks)
        yield from ()
        raise DataError("nothing is done here")

    monkeypatch.setattr(reproduction, "spreading", lambda executor, workers: contextlib.nullcontext(listed))
    with pytest.raises(DataError):
        reproduce("covid", quick=True, workers=1, progress=False)
    assert {task.n for task in planned} == {60, 100}
    assert {task.dataset for task in planned} == set(range(1, 11))
    assert {task.what for task in planned} == {"lvm", "misspecified", "rivals"}
    # A process that takes the next task has mostly compiled for it already.
    shapes = [(task.what, task.n) for task in planned]
    assert sum(a != b for a, b in pairwise(shapes)) == 5
