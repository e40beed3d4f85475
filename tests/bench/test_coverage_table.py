"""The coverage benchmark: formulas that find the truth in many rows, and a table that counts right."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from studies.formulas import FORMULAS, bootstrap, columns, logistic

from studies import COVERED

BENCH = Path(__file__).parents[2] / "bench"
# Not by its name, which is that of a well-known package too.
spec = importlib.util.spec_from_file_location("coverage_benchmark", BENCH / "coverage.py")
assert spec is not None
assert spec.loader is not None
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)
table = benchmark.table


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
        return {"study": case.name, "seed": seed, "answers": [{"mean": sum(e) / 2, "interval": e} for e in ends]}

    inside, outside = (0.5, 1.0), (0.8, 1.2)
    records = [record(k, inside, inside if k < 60 else outside) for k in range(100)]
    first, second = table(case, records, 20, 0).splitlines()
    assert "| 100.0% |" in first
    assert "TOO SHORT" not in first
    assert "| 60.0% |" in second
    assert second.endswith("TOO SHORT")
    assert "\\|" in first
    assert "| 100 (1 could not be fitted) |" in table(case, [*records, {"study": "frontdoor", "error": "no"}], 20, 0)
