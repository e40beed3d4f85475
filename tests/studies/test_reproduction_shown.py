"""What a reproduction looks like in Python: in a line, as tables, as a data frame, in a notebook; and what its rows say."""

from __future__ import annotations

import pytest

from studies import lines, reproduce, study
from studies.records import COLUMNS, write_rows
from studies.tasks import Task, with_truth
from studies.work import work


@pytest.fixture(scope="module")
def found():
    return reproduce("napkin", datasets=2, sizes=[30], models=["rivals"], replicates=5, workers=1, progress=False)


def test_its_repr_is_a_line(found):
    assert repr(found) == f"<Reproduction of napkin: 2 data sets, n = 30: {len(found.rows)} rows, nothing failed>"


def test_answers_that_are_missing_are_counted_with_the_reason():
    none = reproduce("napkin", datasets=1, sizes=[2], models=["rivals"], replicates=5, workers=1, progress=False)
    assert "6 answers are missing: Column 'X' is constant (0)." in " ".join(str(none).split())


def test_print_shows_the_tables_of_the_command(found):
    shown = str(found).splitlines()
    assert shown[0] == "The new napkin problem (napkin)"
    assert "E[Y | do(X=0)]" in shown
    assert max(map(len, shown)) <= 120
    for line in lines(study("napkin"), found.rows):
        assert any(row.strip().startswith(f"30  {line.cell.method}") for row in shown)


def test_a_notebook_shows_the_same_tables(found):
    page = found._repr_html_()
    assert page.count("<table>") == 1
    assert "E[Y | do(X=0)]" in page
    assert "werm-id" in page


def test_its_rows_are_a_data_frame_with_the_columns_of_the_files(found, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(found.rows)
    kinds = {float: "float64", int: "int64", bool: "boolean"}
    assert {name: str(frame[name].dtype) for name, kind in COLUMNS.items() if kind in kinds} == {
        name: kinds[kind] for name, kind in COLUMNS.items() if kind in kinds
    }
    assert frame["rhat"].isna().all()
    assert frame["converged"].isna().all()
    path = write_rows(tmp_path, found.rows)[0]
    read = pandas.read_csv(path)
    assert frame["estimate"].tolist() == pytest.approx(read["estimate"].tolist(), nan_ok=True)


@pytest.mark.parametrize(
    ("name", "query", "value"), [("signaling", "erk", 88.675), ("signaling", "ace", None), ("napkin", "effect", None)]
)
def test_rows_say_what_the_formula_gives_where_the_study_does(name, query, value):
    assert with_truth({"study": name, "query": query})["formula_truth"] == value


def test_a_mean_of_zeros_is_zero_and_no_note_has_a_stop_before_a_semicolon():
    """Rows of one data set in which Y is 0 wherever all causes are: the mean of none of them is of rounding."""
    rows = {(row["query"], row["method"]): row for row in work(Task("multicause", 2, 60, "rivals", replicates=5))}
    naive = rows["effect", "naive mean"]
    assert naive["estimate"] == 0
    assert naive["lower"] is None
    assert "too narrow; the weights" in naive["note"]
    assert not [row for row in rows.values() if ".;" in (row.get("note") or "")]
