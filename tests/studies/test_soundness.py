"""Lines of stored results against their tasks: what a run writes is sound, and what was edited is said."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from made_tasks import rows_of

from studies import STUDIES
from studies.as_published import published_rows
from studies.records import Entry, opened, read
from studies.soundness import Sound
from studies.tasks import Task, failed_rows

NAPKIN = Task("napkin", 1, 15, "lvm")
RIVALS = Task("napkin", 1, 15, "rivals")
SOUND = Sound("napkin", "now")


def entry_of(task, rows=None) -> Entry:
    return Entry("now", task.fields, rows_of(task) if rows is None else rows)


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("what", ["lvm", "misspecified", "rivals"])
@pytest.mark.parametrize("as_published", [False, True])
def test_what_a_task_gives_is_sound(name, what, as_published):
    variants = {variant.name for variant in STUDIES[name].parsed.variants}
    if what == "misspecified" and what not in variants:
        pytest.skip(f"{name} has no such variant")
    task = Task(name, 3, 15, what, as_published=as_published)
    sound = Sound(name, "now")
    assert sound(entry_of(task)) == ""
    assert sound(entry_of(task, failed_rows(task, "out of luck"))) == ""


def test_a_study_that_was_not_published_is_sound():
    task = Task("signaling-strong", 3, 15, "rivals", as_published=True)
    own = {"study": task.study, "dataset": task.dataset, "n": task.n}
    rows = tuple({**own, **row} for row in published_rows(task))
    assert {row["method"] for row in rows} == {"plug-in"}
    assert Sound(task.study, "now")(entry_of(task, rows)) == ""
    assert "there is no row of" in Sound(task.study, "now")(entry_of(replace(task, as_published=False), rows))


def edited(rows, **changed):
    """The rows, the last of them changed; a value of ... is taken away."""
    last = {key: value for key, value in {**rows[-1], **changed}.items() if value is not ...}
    return (*rows[:-1], last)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dataset": 77}, "dataset is 77 in a row and 1 in its task"),
        ({"n": ...}, "n is None in a row and 15 in its task"),
        ({"study": "covid"}, "study is 'covid' in a row and 'napkin' in its task"),
        ({"study": None}, "study is None in a row"),
        ({"query": "held"}, "query is 'held', which napkin does not ask"),
        ({"query": ...}, "query is None, which napkin does not ask"),
        ({"method": None}, "method is None, and its task is rivals"),
        ({"method": "lvm"}, "method is 'lvm', and its task is rivals"),
        ({"estimate": ...}, "estimate is missing, and nothing says why"),
        ({"applies": False}, "estimate is 1.0, although there is none"),
        ({"error": "out of luck"}, "estimate is 1.0, although there is none"),
        ({"applies": ...}, "applies is missing"),
        ({"level": 5}, "level is 5, expected 0.9"),
        ({"sd": -1.0}, "sd is -1.0, expected 0 or more"),
        ({"lower": 3.0}, "lower is 3.0, above upper, 2.0"),
    ],
)
def test_a_row_that_was_edited_is_said(changed, said):
    rows = edited(rows_of(RIVALS), note="", **changed)
    assert said in SOUND(entry_of(RIVALS, rows))


@pytest.mark.parametrize("task", [NAPKIN, RIVALS, replace(RIVALS, as_published=True)])
def test_rows_that_are_missing_or_doubled_are_said(task):
    rows = rows_of(task)
    assert "there is no row of" in SOUND(entry_of(task, ()))
    assert "there is no row of" in SOUND(entry_of(task, rows[1:]))
    assert "there are two rows of" in SOUND(entry_of(task, (*rows, rows[0])))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dataset": 77}, "dataset is 1 in a row and 77 in its task"),
        ({"dataset": 0}, "dataset of its task is 0, expected 1 to 1000000"),
        ({"n": "15"}, "n is '15', expected a whole number, in its task"),
        ({"n": 15.0}, "n is 15.0, expected a whole number, in its task"),
        ({"n": ...}, "its task has no n"),
        ({"n": 10**30}, "n is 1000000000000000000000000000000, expected a number below"),
        ({"n": 201}, "n of its task is 201, expected 2 to 200"),
        ({"study": "covid"}, "its task is of the study 'covid', in a file of napkin"),
        ({"what": "lvn"}, "its task is 'lvn', which napkin does not have"),
        ({"methods": ...}, "methods of its task is None"),
        ({"as_published": 1}, "as_published is 1, expected true or false"),
        ({"extra": 1}, "its task has 'extra', which no task has"),
    ],
)
def test_a_task_that_was_edited_is_said(changed, said):
    fields = {key: value for key, value in {**RIVALS.fields, **changed}.items() if value is not ...}
    assert said in SOUND(Entry("now", fields, rows_of(RIVALS)))


def test_an_entry_of_another_definition_is_not_judged():
    assert SOUND(Entry("before", {}, ())) == ""


# --- in a file


def line_of(**changed) -> bytes:
    fields = json.loads(entry_of(NAPKIN).line())
    return json.dumps({**fields, **changed}).encode() + b"\n"


def with_estimate(text: str) -> bytes:
    row = {**rows_of(NAPKIN)[0], "estimate": 0.125}
    return line_of(rows=[row, *rows_of(NAPKIN)[1:]]).replace(b"0.125", text.encode())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (with_estimate("NaN"), "estimate is nan, expected a finite number"),
        (with_estimate("-Infinity"), "estimate is -inf, expected a finite number"),
        (with_estimate("1e999"), "estimate is inf, expected a finite number"),
        (with_estimate(str(10**400)), "expected a number below 9,007,199,254,740,992"),
        (with_estimate(str(10**30)), "estimate is 1000000000000000000000000000000, expected a number below"),
        (line_of(definition=["now"]), "definition is ['now'], expected a text"),
        (line_of(task=[]), "task is [], expected an object"),
        (line_of(task={}), "its task has no study"),
        (line_of(rows={}), "rows is {}, expected a list"),
        (line_of(rows=[5]), "5 is no row"),
        (line_of(rows=[]), "there is no row of"),
        (line_of(failed="no"), "failed is 'no', expected true or false"),
        (line_of(attempts=math.pi), "attempts is 3.14"),
    ],
)
def test_a_line_is_named_and_not_used(tmp_path, caplog, line, said):
    path = tmp_path / "napkin.jsonl"
    good = entry_of(replace(NAPKIN, dataset=2))
    path.write_bytes(good.line() + line)
    with opened(path, SOUND) as kept:
        assert list(kept.entries.values()) == [good]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{path}, line 2: ")
    assert said in record.getMessage()
    assert read(path, SOUND, tell=False) == (good,)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "[1]", "null", '{"task": {}}', "a,b,c"])
def test_a_line_that_is_none_is_skipped_in_files_that_are_only_read(tmp_path, caplog, text):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(text.encode() + b"\n" + entry_of(NAPKIN).line())
    assert read(path, SOUND) == (entry_of(NAPKIN),)
    assert "napkin.jsonl, line 1: this is no result of a run" in caplog.text


def test_many_lines_are_counted(tmp_path, caplog):
    path = tmp_path / "napkin.jsonl"
    path.write_bytes(b"a,b\n" * 12)
    assert read(path, SOUND) == ()
    assert len(caplog.records) == 6
    assert "napkin.jsonl: 7 more lines are not used either" in caplog.text
