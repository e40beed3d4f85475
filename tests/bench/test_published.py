"""The benches on real rows and beside other libraries: the book's terms, the questions asked, and tables that tell the truth."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import nhefs
import witnesses
from results import rival_tables
from witness import libraries

import latentdo as ld


def smokers(n: int, seed: int) -> dict[str, np.ndarray]:
    """Made-up rows with the columns of the study; the effect is 2 + 0.05 cigarettes, on average 3."""
    rng = np.random.default_rng(seed)
    data = {name: rng.integers(0, 2, n).astype(float) for name in ("sex", "race")}
    data |= {name: rng.integers(0, 3, n).astype(float) for name in ("exercise", "active")}
    data["education"] = rng.integers(1, 6, n).astype(float)
    data |= {"age": rng.uniform(25, 74, n), "smokeyrs": rng.uniform(1, 60, n), "wt71": rng.normal(70, 15, n)}
    data["smokeintensity"] = rng.integers(1, 40, n).astype(float)
    chance = 1 / (1 + np.exp(-(0.05 * (data["age"] - 50) + 0.0008 * (data["age"] - 50) ** 2)))
    data["qsmk"] = (rng.random(n) < chance).astype(float)
    effect = data["qsmk"] * (2 + 0.05 * data["smokeintensity"])
    curved = 0.2 * data["age"] + 0.004 * (data["age"] - 50) ** 2 - 0.001 * data["wt71"] ** 2 + (data["education"] == 3)
    data["wt82_71"] = effect + curved + rng.normal(size=n)
    return data


def test_the_graph_of_the_book_adjusts_for_its_nine_confounders():
    verdict = ld.identify(nhefs.GRAPH, nhefs.QUERY)
    assert verdict.identified
    row = ld.compare(ld.graph(nhefs.GRAPH), smokers(400, 0), nhefs.QUERY, methods=["g-formula"], replicates=0)[
        "g-formula"
    ]
    assert row.sets["adjustment"] == tuple(sorted(nhefs.CONFOUNDERS))


def test_the_book_s_models_give_what_least_squares_on_written_out_terms_gives():
    data = smokers(1000, 1)
    methods = ("naive mean", "g-formula", "ipw", "aipw")
    found = nhefs.ours(data, nhefs.book_models(data), 0, 0, methods)
    dummies = [(data[name] == level).astype(float) for name in nhefs.CODED for level in np.unique(data[name])[1:]]
    numbers = [data[name] ** power for name in nhefs.NUMBERS for power in (1, 2)]
    product = data["qsmk"] * data["smokeintensity"]
    terms = np.column_stack([np.ones(1000), *dummies, *numbers, data["qsmk"], product])
    terms = terms / np.abs(terms).max(axis=0)
    fit = np.linalg.lstsq(terms, data["wt82_71"], rcond=None)[0]
    scale = np.abs(product).max()
    expected = fit[-2] + fit[-1] * data["smokeintensity"].mean() / scale
    assert found["g-formula"]["estimate"] == pytest.approx(expected, abs=1e-6)
    truth = 2 + 0.05 * data["smokeintensity"].mean()
    for method, far in (("g-formula", 0.3), ("ipw", 1.2), ("aipw", 0.3)):
        assert found[method]["estimate"] == pytest.approx(truth, abs=far), method
    assert abs(found["naive mean"]["estimate"] - truth) > 0.8


def test_a_regression_on_other_columns_than_the_book_s_sees_them_as_they_are():
    model = nhefs.BookModel(LinearRegression(), ["age", "qsmk"])
    x = np.arange(8.0)[:, None]
    assert model.terms(x).tolist() == x.tolist()


def test_rows_come_from_causaldata_or_the_way_to_get_it_is_said():
    if importlib.util.find_spec("causaldata"):
        data = nhefs.rows()
        assert (len(data["qsmk"]), data["qsmk"].sum()) == (1566, 403)
        return
    with pytest.raises(SystemExit, match="pip install causaldata"):
        nhefs.rows()


# Four standard errors of the plug-in.
@pytest.mark.parametrize(
    ("name", "far"), [("back-door", 0.2), ("front-door", 0.25), ("p-fixable", 0.3), ("napkin", 0.05)]
)
def test_the_effects_that_others_are_asked_for_are_those_of_the_data(name: str, far: float):
    problem = witnesses.problem(name, 3000, 3)
    request = {"problem": problem, "intervals": False, "cap": 60, "methods": None}
    rows = {row["method"]: row for row in libraries.answered("latentdo", request)["rows"]}
    assert rows["plug-in"]["estimate"] == pytest.approx(witnesses.truth_of(name), abs=far)
    assert rows["all methods"]["seconds"] > 0
    assert set(problem["columns"]) == set(problem["nodes"])


def test_a_method_past_the_cap_has_no_number_and_says_so(monkeypatch: pytest.MonkeyPatch):
    def endless(_: libraries.Problem):
        def ask(_: bool):
            while True:
                math.sqrt(2)

        yield "endless", ask
        yield "refuses", lambda _: (_ for _ in ()).throw(RuntimeError("not identified"))
        yield "three", lambda _: (3.0, None, None)

    monkeypatch.setitem(libraries.LIBRARIES, "slow", ("slow", endless))
    problem = libraries.Problem([], [], [], "T", "Y", {})
    first, second = libraries.rows_of("slow", problem, intervals=False, cap=0.05, chosen=None)
    assert first.error == "CapError: more than 0.05 s"
    assert (second.method, second.estimate) == ("three", 3.0)


def test_errors_far_from_nothing_are_bold_and_failures_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = {"near": [0.9, 1.1], "far": [2.0, 2.1], "fails": []}
    methods = {
        name: witnesses.summary({"estimates": values, "errors": ["ValueError: no"] * (2 - len(values))})
        for name, values in own.items()
    }
    record = {"estimates": {"back-door": {"truth": 1.0, "libraries": {"ananke": methods}}}}
    (tmp_path / "witnesses.json").write_text(json.dumps(record), encoding="utf8")
    monkeypatch.setattr(rival_tables, "HERE", tmp_path)
    lines = rival_tables.estimates().splitlines()[2:]
    assert lines == [
        "| ananke-causal | `near` | +0.000 ± 0.100 |",
        "| ananke-causal | `far` | **+1.050 ± 0.050** |",
        "| ananke-causal | `fails` | ValueError |",
    ]


def test_sides_take_turns_and_slow_methods_are_timed_once():
    asked: list[tuple[str, bool]] = []

    class Side:
        def __init__(self, library: str, seconds: float) -> None:
            self.library, self.seconds = library, seconds

        def ask(self, request: dict[str, object]) -> dict[str, object]:
            asked.append((self.library, bool(request["intervals"])))
            chosen = request["methods"]
            row = {"method": "m", "error": "", "seconds": self.seconds, "processor": self.seconds / 2}
            return {"rows": [row] if chosen is None or "m" in chosen else []}  # type: ignore[operator]

    options = argparse.Namespace(rows=50, repeats=2, cap=9.0)
    found = witnesses.timed("napkin", [Side("a", 1.0), Side("b", 100.0)], options)["libraries"]
    assert asked == [("a", False), ("a", True), ("b", False), ("b", True)] * 2
    assert found["a"]["m"] == {"error": "", "point": [1.0, 0.5], "interval": [1.0, 0.5]}
    assert found["b"]["m"]["interval"] == [100.0, 50.0]
