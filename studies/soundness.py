"""Whether a line of finished results is what its task gives: files can be edited, cut and mixed up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .accuracy import FLOOR, MEAN
from .cases import study
from .records import Entry, Row, value_fault
from .tasks import DATASETS_AT_MOST, LEVEL, LVM, REPLICATES_AT_MOST, RIVALS, SEED_AT_MOST, asked, has_mean

_TASK: Mapping[str, type] = {
    "study": str,
    "dataset": int,
    "n": int,
    "what": str,
    "engine": str,
    "seed": int,
    "replicates": int,
    "as_published": bool,
}
_UNPUBLISHED = "plug-in"
"""The method whose rows say that nothing was published."""


@dataclass(frozen=True)
class Sound:
    """Says what is wrong with an entry of a study; nothing of one of another definition, which is not used anyway."""

    name: str
    definition: str

    def __call__(self, entry: Entry) -> str:
        if entry.definition != self.definition:
            return ""
        return next(self._task_faults(entry.task), "") or next(self._row_faults(entry), "")

    @cached_property
    def _variants(self) -> frozenset[str]:
        return frozenset(variant.name for variant in study(self.name).parsed.variants)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(label for label, _ in study(self.name).queries)

    @cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset(label for label, _ in asked(study(self.name)))

    @cached_property
    def _main(self) -> frozenset[str]:
        return frozenset(study(self.name).main)

    def _task_faults(self, task: Mapping[str, Any]) -> Iterator[str]:
        for name, kind in _TASK.items():
            if name not in task:
                yield f"its task has no {name}"
            elif fault := value_fault(name, task[name], kind):
                yield f"{fault}, in its task"
        if task["study"] != self.name:
            yield f"its task is of the study {task['study']!r}, in a file of {self.name}"
        ranges = (
            ("dataset", 1, DATASETS_AT_MOST),
            ("n", 2, study(self.name).rows),
            ("seed", 0, SEED_AT_MOST),
            ("replicates", 0, REPLICATES_AT_MOST),
        )
        for name, low, high in ranges:
            if not low <= task[name] <= high:
                yield f"{name} of its task is {task[name]}, expected {low} to {high}"
        what = task["what"]
        if what not in (LVM, RIVALS) and what not in self._variants:
            yield f"its task is {what!r}, which {self.name} does not have"
        methods = task.get("methods")
        listed = isinstance(methods, list) and all(isinstance(each, str) for each in methods)
        if listed if what != RIVALS else not listed:
            yield f"methods of its task is {methods!r}"
        if more := task.keys() - _TASK.keys() - {"methods"}:
            yield f"its task has {min(more)!r}, which no task has"

    def _row_faults(self, entry: Entry) -> Iterator[str]:
        """What does not fit: each row for itself, then all of them together."""
        task, seen = entry.task, set()
        allowed = self._methods(task)
        for row in entry.rows:
            for name in ("study", "dataset", "n"):
                if row.get(name) != task[name]:
                    yield f"{name} is {row.get(name)!r} in a row and {task[name]!r} in its task"
            query, method = row.get("query"), row.get("method")
            if query not in self._labels:
                yield f"query is {query!r}, which {self.name} does not ask"
            if method not in allowed:
                yield f"method is {method!r}, and its task is {task['what']}"
            if (query, method) in seen:
                yield f"there are two rows of {query}, {method}"
            seen.add((query, method))
            yield from (f"{fault}, of {query}, {method}" for fault in _number_faults(row))
        if missing := self._wanted(entry) - seen:
            query, method = min(missing)
            yield f"there is no row of {query}, {method}"

    def _methods(self, task: Mapping[str, Any]) -> frozenset[str]:
        if task["what"] == RIVALS:
            return frozenset(task["methods"])
        return frozenset([LVM if task["what"] == LVM else f"{LVM} {task['what']}"])

    def _wanted(self, entry: Entry) -> set[tuple[str, str]]:
        """The questions and methods that such a task has rows of at least."""
        methods = self._methods(entry.task)
        if entry.task["as_published"] and {row["method"] for row in entry.rows} == {_UNPUBLISHED}:
            return {(label, _UNPUBLISHED) for label in self._asked}
        found = {(label, method) for label in self._asked for method in methods - {MEAN, FLOOR}}
        if MEAN in methods:
            found |= {(label, MEAN) for label in self._main if has_mean(study(self.name), label)}
        if FLOOR in methods and not any(row.get("error") for row in entry.rows):
            found |= {(label, FLOOR) for label in self._main}
        return found


def _number_faults(row: Row) -> Iterator[str]:
    """What is wrong with the answer of a row, whose values have the right types."""
    applies, estimate, level = row.get("applies"), row.get("estimate"), row.get("level")
    if applies is None:
        yield "applies is missing, expected true or false"
    if estimate is None and applies and not row.get("error") and not row.get("note"):
        yield "estimate is missing, and nothing says why"
    if estimate is not None and (row.get("error") or not applies):
        yield f"estimate is {estimate}, although there is none"
    if level is not None and level != LEVEL:
        yield f"level is {level}, expected {LEVEL}"
    for name in ("sd", "seconds", "fit_seconds"):
        if (value := row.get(name)) is not None and value < 0:
            yield f"{name} is {value}, expected 0 or more"
    low, high = row.get("lower"), row.get("upper")
    if low is not None and high is not None and low > high:
        yield f"lower is {low}, above upper, {high}"
