"""The coverage benchmark: formulas that find the truth in many rows, and a table that counts right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from cases import COVERED
from cases.formulas import FORMULAS, bootstrap, columns, logistic

BENCH = Path(__file__).parents[2] / "bench"
# Not by its name, which is that of a well-known package too.
spec = importlib.util.spec_from_file_location("coverage_benchmark", BENCH / "coverage.py")
assert spec is not None
assert spec.loader is not None
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)
measured, table = benchmark.measured, benchmark.table


@pytest.mark.parametrize("name", ["frontdoor", "frontdoor-binary"])
def test_formulas_find_the_truth_in_many_rows(name: str):
    case, n = COVERED[name], 100_000
    found = FORMULAS[name](case.draw(n, 1), np.ones((1, n)))[0]
    # The standard error of each is below 0.01.
    assert found == pytest.approx(list(case.truths.values()), abs=0.03)


def test_a_separated_sample_has_a_finite_fit():
    x = np.linspace(-1, 1, 20)
    (weights,) = logistic(columns(x), (x > 0).astype(float), np.ones((1, 20)))
    assert 5 < weights[1] < 60


@pytest.mark.parametrize("name", list(COVERED))
def test_every_study_has_a_bootstrap_of_each_of_its_questions(name: str):
    case = COVERED[name]
    found = bootstrap(name, case.draw(60, 0), 8, 0)
    assert found.shape == (8, len(case.truths))
    assert np.isfinite(found).all()
    assert (found == bootstrap(name, case.draw(60, 0), 8, 0)).all()


def test_the_table_counts_intervals_that_hold_the_truth():
    case = COVERED["frontdoor"]

    def record(seed: int, *ends: tuple[float, float]) -> dict[str, object]:
        answers = [{"mean": sum(each) / 2, "interval": each} for each in ends]
        return {"study": case.name, "seed": seed, "converged": seed > 1, "answers": answers}

    inside, outside = (0.5, 1.0), (0.8, 1.2)
    records = [record(k, inside, inside if k < 60 else outside) for k in range(100)]
    good, bad = measured(case, [*records, {"study": "frontdoor", "error": "no"}], 20, 0)
    assert (good["covered"], bad["covered"]) == (1.0, 0.6)
    assert (good["datasets"], good["failed"], good["unsure"]) == (100, 1, 2)
    assert good["width"] == pytest.approx(0.5)
    first, second = table([good, bad]).splitlines()[2:]
    assert "| 100.0% |" in first
    assert "| 60.0% TOO SHORT |" in second
    assert "\\|" in first
    assert "| 100 (1 could not be fitted) |" in first


def test_the_width_is_set_beside_that_of_the_bootstrap():
    case = COVERED["frontdoor"]
    found = bootstrap(case.name, case.draw(50, 0), 40, 0)
    answers = [
        {"mean": found[:, k].mean(), "interval": tuple(np.quantile(found[:, k], [0.05, 0.95]))} for k in range(2)
    ]
    rows = measured(case, [{"study": case.name, "seed": 0, "converged": True, "answers": answers}], 50, 40)
    assert all(row["width"] == pytest.approx(row["plug_in_width"]) for row in rows)
    assert table(rows).count("| 1.00 |") == 2
