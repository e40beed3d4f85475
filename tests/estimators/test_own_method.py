"""An estimator of one's own: one file, which registers it, and every place where methods are named knows it."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdo as ld
from latentdo.cli import main
from latentdo.comparison import method_names
from latentdo.errors import QueryError
from latentdo.estimators import AbstractMethod, Aipw, all_methods, register
from latentdo.extensions import ESTIMATORS

OWN = '''
"""The difference of medians, in place of means: a toy."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from latentdo.estimators import AbstractMethod, No, Result, Yes, register


@register
@dataclass(frozen=True)
class Median(AbstractMethod):
    """The median outcome of the rows that have the treatment."""

    name: ClassVar[str] = "toy median"
    place: ClassVar[int] = 25

    def applies(self, task):
        return No(task.why_no_effect) if task.why_no_effect else Yes(note="a toy")

    def fit(self, task, fits, sets):
        own = np.all([task.sample[name].values == value for name, value in task.treatments.items()], axis=0)
        return Result(np.full(len(fits.weights), np.median(task.asked[own])))
'''
GRAPH = "X -> Y"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"


@pytest.fixture
def file(tmp_path, monkeypatch) -> Iterator[str]:
    """The name of a module in the working folder with a method of one's own, which is forgotten when the test ends."""
    (tmp_path / "own_method.py").write_text(OWN, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield "own_method"
    sys.modules.pop("own_method", None)
    ESTIMATORS.pop("toy median", None)


@pytest.fixture
def own(file, monkeypatch) -> Any:
    """The module, imported."""
    monkeypatch.syspath_prepend("")
    return importlib.import_module(file)


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    x = np.arange(80) % 2.0
    return {"X": x, "Y": 3 * x + np.random.default_rng(0).normal(size=80)}


def medians(rows: dict[str, np.ndarray]) -> float:
    return float(np.median(rows["Y"][rows["X"] == 1]) - np.median(rows["Y"][rows["X"] == 0]))


def test_a_method_in_one_file_is_compared_by_itself_by_name_and_by_value(own, rows):
    every = ld.compare(GRAPH, rows, EFFECT, replicates=0)
    assert every.methods[:4] == ("naive mean", "naive regression", "toy median", "plug-in")
    assert method_names()[4] == "toy median"
    for methods in (None, "toy median", ["toy median", "aipw"], own.Median()):
        found = ld.compare(GRAPH, rows, EFFECT, methods=methods, replicates=0)
        assert found.row("toy median").estimate == pytest.approx(medians(rows))
        assert found.row("toy median").note == "a toy"
    with pytest.raises(QueryError, match="Did you mean 'toy median'"):
        ld.compare(GRAPH, rows, EFFECT, methods="toy medain")
    assert found.plot().get_yticklabels()[0].get_text() == "toy median"
    assert found.to_json()[0]["method"] == "toy median"


def test_the_command_imports_it(file, rows, tmp_path, capsys):
    table = tmp_path / "data.csv"
    table.write_text(
        "X,Y\n" + "\n".join(f"{x!r},{y!r}" for x, y in zip(rows["X"].tolist(), rows["Y"].tolist(), strict=True))
    )
    typed = ["compare", GRAPH, str(table), EFFECT, "--methods", "toy median", "--replicates", "0", "--json"]
    typed += ["--import", file]
    assert main([*typed, "--csv", str(tmp_path / "rows.csv")]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["method"] == "toy median" and row["estimate"] == pytest.approx(medians(rows))
    with Path(tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [each["method"] for each in csv.DictReader(file)] == ["toy median"]


def test_a_method_that_lacks_something_or_takes_a_name_is_refused(own):
    with pytest.raises(QueryError, match="a class derived from AbstractMethod"):
        register(int)  # type: ignore[type-var]
    with pytest.raises(QueryError, match="lacks name, applies, fit"):
        register(type("Bare", (AbstractMethod,), {}))
    with pytest.raises(QueryError, match="called 'aipw' already"):
        register(type("Other", (Aipw,), {"name": "aipw"}))
    assert register(Aipw) is Aipw
    assert len(all_methods()) == 15
