"""Datasets: weights count rows, whatever the verb."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentdo.errors import DataError
from latentdo.models.column import ColumnSummary
from latentdo.tables import Dataset

small_tables = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        hnp.arrays(float, n, elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])),
        hnp.arrays(float, n, elements=st.sampled_from([0.0, 1.0, 1e100])),
        hnp.arrays(float, n, elements=st.sampled_from([0.0, 1.0, 2.0, 7.0])),
    )
)


def made(table) -> Dataset:
    x, y, weights = table
    return Dataset((("X", x), ("Y", y)), weights)


def counted(data: Dataset, names) -> dict[tuple[float, ...], float]:
    """How often each row occurs, by looking at one row at a time."""
    counts: dict[tuple[float, ...], float] = {}
    for i, weight in enumerate(data.weights):
        row = tuple(float(data.column(name)[i]) for name in names)
        if weight:
            counts[row] = counts.get(row, 0.0) + float(weight)
    return counts


@pytest.mark.parametrize("names", [("X",), ("Y", "X"), ()])
@settings(max_examples=50, deadline=None)
@given(table=small_tables)
def test_collapsing_and_expanding_keep_the_count_of_every_row(names, table):
    data = made(table)
    collapsed = data.collapsed(names)
    assert counted(collapsed, names) == counted(data, names)
    assert list(counted(collapsed, names)) == list(counted(data, names)), "order of first occurrence"
    assert collapsed.n_stored == len(counted(data, names))
    assert counted(data.expanded(names), names) == counted(data, names)
    assert data.expanded(names).n_stored == data.n_rows == collapsed.n_rows
    assert collapsed.names == names


@settings(max_examples=50, deadline=None)
@given(table=small_tables, extra=st.integers(0, 5))
def test_padding_changes_no_number(table, extra):
    data = made(table)
    padded = data.padded(data.n_stored + extra)
    assert padded.n_stored == data.n_stored + extra
    assert padded.n_rows == data.n_rows
    assert counted(padded, ("X", "Y")) == counted(data, ("X", "Y"))
    if data.n_rows:
        assert padded.summaries == data.summaries
    assert (padded.column("X")[data.n_stored :] == data.column("X")[0]).all()


def test_padding_cannot_shorten():
    with pytest.raises(DataError, match="3 stored rows cannot be padded to 2"):
        Dataset.of({"X": [1, 2, 3]}).padded(2)


@settings(max_examples=50, deadline=None)
@given(table=small_tables)
def test_summary_equals_numpy_on_the_repeated_rows(table):
    data = made(table)
    x = data.expanded(["X"]).column("X")
    if not len(x):
        with pytest.raises(DataError, match="'X' has no rows"):
            data.summary("X")
        return
    summary = data.summary("X")
    assert (summary.n, summary.minimum, summary.maximum) == (len(x), x.min(), x.max())
    assert summary.mean == pytest.approx(x.mean())
    assert summary.sd == pytest.approx(np.std(x, ddof=1) if len(x) > 1 else 0.0)
    assert summary.values == tuple(sorted(set(x.tolist())))
    assert summary.n_distinct == len(summary.values)
    assert summary.integral == all(value.is_integer() for value in x)
    assert summary.constant == (len(set(x.tolist())) == 1)


def test_summary_lists_at_most_twenty_values():
    assert len(Dataset.of({"X": range(20)}).summary("X").values) == 20
    long = Dataset.of({"X": range(21)}).summary("X")
    assert long.values == ()
    assert long.n_distinct == 21


def test_summary_of_numbers_of_any_size():
    big = Dataset.of({"X": [1e100, -1e100], "Y": [0.1, 0.1]})
    assert big.summary("X").sd == pytest.approx(1e100 * np.sqrt(2))
    assert (big.summary("Y").mean, big.summary("Y").sd) == (0.1, 0.0)


def test_summary_is_hashable_and_survives_json():
    data = Dataset.of({"X": [1, 2, 2]})
    kept = json.loads(json.dumps(data.to_summary(), allow_nan=False))
    assert ColumnSummary.from_json("X", kept["columns"]["X"]) == data.summary("X")
    assert hash(data.summary("X")) == hash(ColumnSummary.from_json("X", kept["columns"]["X"]))
    assert (kept["n_rows"], kept["hash"], kept["source"]) == (3, data.hash, "table")


def test_hash_depends_on_names_numbers_weights_and_order():
    base = Dataset.of({"X": [1, 2], "Y": [3, 4]})
    others = [
        Dataset.of({"Y": [3, 4], "X": [1, 2]}),
        Dataset.of({"X": [1, 2], "Z": [3, 4]}),
        Dataset.of({"X": [1, 2], "Y": [3, 5]}),
        Dataset.of({"X": [2, 1], "Y": [4, 3]}),
        Dataset(base.columns, np.array([1.0, 2.0])),
    ]
    hashes = {data.hash for data in (base, *others)}
    assert len(hashes) == 6
    assert base.hash == Dataset.of({"X": [1, 2], "Y": [3, 4]}, source="elsewhere").hash
    assert all(len(value) == 64 for value in hashes)


def test_values_are_frozen_and_the_callers_array_is_not():
    mine = np.array([1.0, 2.0, 3.0])
    data = Dataset((("X", mine),), np.ones(3))
    mine[0] = 9.0
    assert data.column("X")[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        data.column("X")[0] = 5.0


def test_the_digest_of_rows_is_that_of_a_multiset():
    a, b = np.array([1.5, -2.0, 0.0, 1.5]), np.array([0.0, 1.0, 1.0, 0.0])
    plain = Dataset.of({"A": a, "B": b})
    order = [2, 0, 3, 1]
    assert Dataset.of({"B": b[order], "A": a[order].copy()}).rows_digest == plain.rows_digest
    assert plain.collapsed("AB").rows_digest == plain.padded(9).rows_digest == plain.rows_digest
    others = [{"A": a[order], "B": b}, {"A": b, "B": a}, {"A": a[1:], "B": b[1:]}, {"A": a * (1 + 1e-8), "B": b}]
    assert len({Dataset.of(columns).rows_digest for columns in others} | {plain.rows_digest}) == 5


def test_survives_pickling():
    data = Dataset.of({"X": [1, 2]})
    assert pickle.loads(pickle.dumps(data)).hash == data.hash


def test_names_rows_and_repr():
    data = Dataset((("X", np.arange(2.0)),), np.array([2.0, 3.0]), ignored=("A",), source="cells.csv")
    assert (data.names, data.n_rows, data.n_stored) == (("X",), 5, 2)
    assert data.has("X")
    assert not data.has("A")
    assert repr(data) == "Dataset(cells.csv: 5 rows of X)"
    assert data.collapsed(["X"]).ignored == ("A",)


@pytest.mark.parametrize(
    ("columns", "weights", "message"),
    [
        ((("X", np.ones(2)),), np.array([1.0, -1.0]), "Row weights are counts"),
        ((("X", np.ones(2)),), np.array([1.0, 0.5]), "Row weights are counts"),
        ((("X", np.ones(2)),), np.array([1.0, np.inf]), "Row weights are counts"),
        ((("X", np.ones(3)),), np.ones(2), r"'X' has the shape \(3,\); expected \(2,\)"),
        ((("X", np.array([1.0, np.nan])),), np.ones(2), "'X' has a missing or infinite number"),
        ((("X", np.ones(2)), ("X", np.ones(2))), np.ones(2), "occurs twice"),
    ],
)
def test_refuses_what_is_no_table(columns, weights, message):
    with pytest.raises(DataError, match=message):
        Dataset(columns, weights)


def test_an_unknown_column_gets_the_nearest_name():
    with pytest.raises(DataError, match=r"no column 'Rass'\. Did you mean 'Ras'") as caught:
        Dataset.of({"Ras": [1, 2]}).column("Rass")
    assert caught.value.column == "Rass"
