"""Tables at the door: what is read, and what is refused in which words."""

from __future__ import annotations

import datetime
import decimal
import fractions
import importlib.util
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentdo.errors import DataError, MissingExtraError
from latentdo.tables import Dataset, Table, experiment, is_path, read_table

GOOD = {"X": [0.0, 1.0, 2.5], "Y": [3, 4, 5]}


def refused(data, message, measured=("X", "Y"), latent=()) -> DataError:
    """The error, after checking that its message holds the words."""
    with pytest.raises(DataError) as caught:
        read_table(data, measured, latent)
    assert message in str(caught.value)
    return caught.value


@pytest.fixture
def csv_file(tmp_path):
    def write(text: str | bytes, name: str = "cells.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


# What is read.


@pytest.mark.parametrize(
    ("table", "source"),
    [
        (GOOD, "the table"),
        (Table(GOOD), "the table"),
        (pd.DataFrame(GOOD), "pandas table"),
        (pd.DataFrame(GOOD).convert_dtypes(), "pandas table"),
        (pd.DataFrame(GOOD).astype({"Y": "category"}), "pandas table"),
        (pl.DataFrame(GOOD), "polars table"),
        (pl.DataFrame(GOOD).lazy(), "polars query"),
        (pa.table(GOOD), "pyarrow table"),
        ({"X": pd.Series(GOOD["X"]), "Y": pl.Series(GOOD["Y"])}, "the table"),
        ({"X": pa.chunked_array([GOOD["X"]]), "Y": range(3, 6)}, "the table"),
        ({"X": tuple(GOOD["X"]), "Y": np.array([3, 4, 5], dtype=object)}, "the table"),
        ({"X": np.float32([0, 1, 2.5]), "Y": np.uint8([3, 4, 5])}, "the table"),
        ({"X": np.ma.masked_invalid(GOOD["X"]), "Y": [np.int64(3), 4.0, np.float32(5)]}, "the table"),
        ({"X": [decimal.Decimal("0"), 1, 2.5], "Y": [fractions.Fraction(3), np.array(4), 5]}, "the table"),
        (Dataset.of(GOOD, source="mine"), "mine"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_reads_tables_of_every_kind(table, source):
    data = read_table(table, ["Y", "X"])
    assert data.names == ("Y", "X")
    assert data.column("X").tolist() == [0, 1, 2.5]
    assert data.column("Y").tolist() == [3, 4, 5]
    assert data.source == source
    assert data.weights.tolist() == [1, 1, 1]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".pq", ".CSV"])
def test_reads_back_what_a_table_wrote(tmp_path, suffix):
    path = tmp_path / f"cells{suffix}"
    Table(GOOD).write(path)
    for given_as in (path, str(path)):
        data = read_table(given_as, ["X", "Y"])
        assert data.hash == read_table(GOOD, ["X", "Y"]).hash
        assert data.source == path.name


@pytest.mark.parametrize(
    "text",
    [
        "X,Y\n1,2\n3,4\n",
        "X,Y\n1,2\n3,4",
        "X,Y\r\n1,2\r\n3,4\r\n",
        "\ufeffX,Y\n1,2\n3,4\n",
        "X,Y\n1,2\n3,4\n\n\n",
        '"X","Y"\n"1",2\n3,"4"\n',
        " X , Y\n 1, 2\n3 ,4 \n",
        "X,Y\n+1,2.\n3.0,.4e1\n",
        'note,X,Y\n"two\nlines, ""quoted""",1,2\nb,3,4\n',
        "X,Y,Größe\n1,2,é\n3,4,ü\n",
    ],
)
def test_reads_csv_in_its_usual_forms(csv_file, text):
    data = read_table(csv_file(text), ["X", "Y"])
    assert data.column("X").tolist() == [1, 3]
    assert data.column("Y").tolist() == [2, 4]


@pytest.mark.parametrize("word", ["True,False", "TRUE,FALSE", "true,false"])
def test_booleans_are_zero_and_one(csv_file, word):
    yes, no = word.split(",")
    assert read_table(csv_file(f"X\n{yes}\n{no}\n"), ["X"]).column("X").tolist() == [1, 0]
    for column in ([True, False], np.array([True, False]), pd.Series([True, False], dtype="boolean")):
        assert read_table({"X": column}, ["X"]).column("X").tolist() == [1, 0]


def test_other_columns_are_listed_and_latent_ones_never_read():
    class Secret:
        def __array__(self, *args, **kwargs):
            raise AssertionError("a latent column was read")

        def __len__(self):
            return 3

    data = read_table({**GOOD, "U": Secret(), "note": list("abc")}, ["X", "Y"], latent=["U", "V"])
    assert data.names == ("X", "Y")
    assert data.unread == ("U",)
    assert data.ignored == ("note",)


def test_an_unnamed_index_column_of_a_csv_is_ignored(csv_file):
    data = read_table(csv_file(",X\n0,5\n1,6\n"), ["X"])
    assert data.ignored == ("(column 1, unnamed)",)
    assert data.column("X").tolist() == [5, 6]


def test_a_dataset_keeps_its_weights():
    given_data = Dataset((("X", np.array([1.0, 2.0])), ("Z", np.array([5.0, 5.0]))), np.array([3.0, 2.0]))
    data = read_table(given_data, ["X"], latent=["Z"])
    assert (data.n_rows, data.names, data.unread) == (5, ("X",), ("Z",))
    refused(given_data, "'Z' is 5", measured=("X", "Z"))
    refused(given_data, "no column for the node 'Q'", measured=("X", "Q"))


def test_the_callers_array_stays_writable_and_apart():
    mine = np.array([1.0, 2.0])
    data = read_table({"X": mine}, ["X"])
    mine[0] = 7.0
    assert data.column("X").tolist() == [1, 2]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.floats(-1e100, 1e100), min_size=2, max_size=20).filter(lambda v: len(set(v)) > 1),
    suffix=st.sampled_from([".csv", ".tsv"]),
)
def test_written_numbers_read_back_identical(tmp_path, values, suffix):
    path = Table({"X": values}).write(tmp_path / f"cells{suffix}")
    column = read_table(path, ["X"]).column("X")
    assert column.tobytes() == np.array(values).tobytes()


# Paths.


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("cells.csv", True),
        ("a b/cells.TSV", True),
        ("x.parquet", True),
        ("x.pq", True),
        ("cells.xlsx", False),
        ("X -> Y", False),
        ("X,Y\n1,2\ncells.csv", False),
        ("", False),
    ],
)
def test_a_string_is_a_path_if_it_is_one_line_with_a_known_suffix(text, answer):
    assert is_path(text) is answer


@pytest.mark.parametrize("text", ["cells.xlsx", "X,Y\n1,2\n", "", "z" * 500])
def test_other_strings_are_refused(text):
    refused(text, "A text is read as a path only if it is one line and ends in .csv, .tsv, .parquet, .pq")


def test_file_faults_name_the_file(tmp_path):
    (tmp_path / "cells.csv").write_text("X,Y\n1,2\n3,4\n")
    refused(tmp_path / "cell.csv", f"does not exist (looked from {Path.cwd()}). Did you mean")
    refused(str(tmp_path / "nowhere" / "cells.csv"), "does not exist")
    refused(tmp_path / "cells.txt", "not from .txt. Rename it")
    refused(tmp_path / "cells", "not from files without a suffix")
    (tmp_path / "folder.csv").mkdir()
    refused(tmp_path / "folder.csv", "is a folder; expected a file")
    (tmp_path / "cells.parquet").write_text("X,Y\n")
    refused(tmp_path / "cells.parquet", "is not a Parquet file")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    refused(tmp_path / "torn.parquet", "torn.parquet cannot be read as Parquet")


def hide(monkeypatch, *hidden):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in hidden else real(name, *a))


def test_parquet_goes_through_polars_without_pyarrow(tmp_path, monkeypatch):
    hide(monkeypatch, "pyarrow")
    path = Table(GOOD).write(tmp_path / "cells.parquet")
    assert read_table(path, ["X", "Y"]).column("X").tolist() == GOOD["X"]


def test_parquet_without_a_library_names_the_extra(tmp_path, monkeypatch):
    path = Table(GOOD).write(tmp_path / "cells.parquet")
    hide(monkeypatch, "pyarrow", "polars")
    with pytest.raises(MissingExtraError, match=r"Reading a Parquet file needs pyarrow or polars.*latentdo\[interop\]"):
        read_table(path, ["X"])
    with pytest.raises(MissingExtraError, match="Writing a Parquet file needs"):
        Table(GOOD).write(path)


# CSV, strictly.


@pytest.mark.parametrize(
    ("text", "message", "column", "line"),
    [
        ("", "cells.csv is empty; expected a header line", None, None),
        ("\n\n", "cells.csv is empty", None, None),
        ("\nX,Y\n1,2\n", "line 1 is blank", None, 1),
        ("X,Y\n", "The table has no rows; at least 2", None, None),
        ("X,Y\n1,2\n", "The table has only one row; at least 2", None, None),
        ("X,Y,X\n1,2,3\n", "The column name 'X' occurs 2 times (columns 1, 3)", "X", 1),
        ("X,Y\n1,2\n3\n5,6,7\n", "The header has 2 cells, but line 3 has 1, line 4 has 3", None, 3),
        ("X,Y\n1,2\n1,5,2\n", "A comma inside a number (1,5 or 1,000) splits its cell", None, 3),
        ("X,Y\na,1,2\nb,3,4\n", "row names without a header", None, 2),
        ("X,Y\n1\n3,4\n", "Write a missing cell as nothing between two separators", None, 2),
        ("X,Y\n1,2\n\n3,4\n", "line 3 is blank. Delete blank lines", None, 3),
        ("X,Y\n" + "1\n" * 9, "line 4 has 1 and 6 more lines", None, 2),
        ("X,Y\n1,2\nhigh,4\n", "Column 'X' (column 1) holds text where numbers are expected: 'high'", "X", 3),
        ("X,Y\na,2\nb,3\nc,4\nd,5\n", "'c' in line 4 and 1 more", "X", 2),
        ('X,Y\n1,"1,5"\n2,3\n', "Write the decimal comma as a point: 1.5", "Y", 2),
        ('X,Y\n1,"1,000"\n2,3\n', "If the comma separates thousands, write 1000", "Y", 2),
        ("X,Y\n1,1_000\n2,3\n", "Write it without underscores: 1000", "Y", 2),
        ("X,Y\n1,\uff11\uff12\n2,3\n", "Its characters are not plain digits: write 12", "Y", 2),
        ("X,Y\n1,\u22122\n2,3\n", "write -2", "Y", 2),
        ("X,Y\n1,5%\n2,3\n", "without the percent sign", "Y", 2),
        ("X,Y\n1,n/a\n2,3\n", "A missing cell is written as nothing, NA or NaN", "Y", 2),
        ("X,Y\n1,9007199254740993\n2,3\n", "Whole numbers beyond 2^53", "Y", 2),
        ("X,Y\n1," + "9" * 9000 + "\n2,3\n", "Whole numbers beyond 2^53", "Y", 2),
        ("X,Y\n1,0x10\n2,3\n", "holds text where numbers are expected: '0x10'", "Y", 2),
        ("X,Y\n1,true\n2,3\n", "mixes true/false (line 2) with numbers (line 3)", "Y", 3),
        ("X;Y\n1,5;2\n", "separated by semicolons, but .csv files are read with commas", None, 1),
        ("X\tY\n1\t2\n", "separated by tabs, but .csv files", None, 1),
        ("X\tY\n1\t2\n", "Rename the file to end in .tsv", None, 1),
        ("1,2\n3,4\n5,6\n", "Line 1 holds numbers only; expected the names of the columns", None, 1),
        ('X,Y\n1,"2\n3,4\n', "Line 2: a quoted cell is never closed", None, 2),
        ('X,Y\n1,"2"3\n3,4\n', "Line 2: ", None, 2),
        ("X,Y\n1,\n,4\n5,6\n", "Missing cells: 'X' 1, 'Y' 1 (of 3 rows; the first is 'Y' in line 2)", "Y", 2),
        ("X,Y\n1,2\nNA,4\nnan,6\n", "Missing cells: 'X' 2 (of 3 rows; the first is 'X' in line 3)", "X", 3),
        ("X,Y\n1,2\n-inf,4\n3,4\n", "Infinite cells: 'X' 1 (of 3 rows; the first is 'X' in line 3)", "X", 3),
        ("X,Y\n1,2\n1e999,4\n3,4\n", "Infinite cells: 'X' 1", "X", 3),
        ("X,Y\n1,2\n-1e101,4\n3,4\n", "Cells beyond ±1e+100: 'X' 1", "X", 3),
        ("X,Y\n7,2\n7,4\n", "Constant in every row: 'X' is 7", "X", None),
        ("x ,Y\n1,2\n3,4\n", "Column 'x' differs only in case or blanks", "X", None),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_csv_faults_name_line_and_column(csv_file, text, message, column, line):
    error = refused(csv_file(text), message)
    assert str(error).startswith("cells.csv")
    assert (error.column, error.line) == (column, line)


def test_a_constant_column_of_names_is_told_by_its_name():
    table = {"X": ["b", "b", "b"], "Y": [1.0, 2.0, 4.0]}
    with pytest.raises(DataError, match=r"Constant in every row: 'X' is 'b'\."):
        read_table(table, ["X", "Y"], levels={"X": ("a", "b")})
    varied = read_table({**table, "X": ["a", "b", "b"]}, ["X", "Y"], levels={"X": ()})
    with pytest.raises(DataError, match=r"Constant in every row: 'X' is 'b'\."):
        read_table(replace(varied, weights=np.array([0.0, 1.0, 1.0])), ["X", "Y"], levels={"X": ()})


@pytest.mark.parametrize(
    ("raw", "message", "line"),
    [
        (b"X,Y\n1,2\n3,\xe9\n", "line 3, byte 3: not UTF-8 (byte 0xe9)", 3),
        (b"X,Y\n1,\x002\n", "line 2: a NUL byte", 2),
        ("X,Y\n1,2\n".encode("utf-16"), "written in UTF-16; save it as UTF-8", 1),
    ],
)
def test_files_that_are_no_text_are_refused(csv_file, raw, message, line):
    assert refused(csv_file(raw), message).line == line


def test_tabs_are_expected_in_tsv_files(csv_file):
    refused(csv_file("X,Y\n1,2\n", "cells.tsv"), "Rename the file to end in .csv")


def test_faults_in_columns_that_no_node_names_do_not_matter(csv_file):
    data = read_table(csv_file("X,note,U\n1,,NA\n2,high,1_0\n"), ["X"], latent=["U"])
    assert (data.ignored, data.unread) == (("note",), ("U",))


def test_lines_are_those_of_an_editor_even_after_quoted_line_ends(csv_file):
    path = csv_file('note,X\n"a\nb\nc",1\nd,bad\n')
    assert refused(path, "'bad' in line 5", measured=["X"]).line == 5
    path = csv_file('note,X\n"a\nb\nc",1\nd,\n')
    assert refused(path, "'X' in line 5", measured=["X"]).line == 5


def test_faults_beyond_the_first_chunk_are_found(csv_file):
    rows = [f"{i},{i % 7}" for i in range(12_000)]
    rows[11_000] = "11000,x"
    rows[11_500] = ",3"
    error = refused(csv_file("X,Y\n" + "\n".join(rows)), "'x' in line 11002")
    assert "Missing cells: 'X' 1 (of 12000 rows; the first is 'X' in line 11502)" in str(error)
    rows[11_000] = "11000,true"
    refused(csv_file("X,Y\n" + "\n".join(rows)), "mixes true/false (line 11002) with numbers (line 2)")


def test_all_faults_are_told_at_once():
    error = refused(
        {"X": [1.0, None, 3.0], "Y": [2, 2, 2], "Z": ["a", "b", "c"], "W": [1.0, np.inf, 2.0]},
        "The table cannot be used, for 5 reasons:",
        measured=["V", "X", "Y", "Z", "W"],
    )
    listed = str(error).splitlines()[1:]
    assert [line[:20] for line in listed] == [
        "- There is no column",
        "- Column 'Z' holds t",
        "- Missing cells: 'X'",
        "- Infinite cells: 'W",
        "- Constant in every ",
    ]
    assert error.column == "V"


# Nodes and columns.


def test_a_node_without_a_column_gets_the_nearest_name_and_the_way_out():
    table = {"Rass": [1, 2], "raf": [1, 2], "Mek": [1, 3]}
    near = refused(table, "no column for the node 'Ras'. Is it the column 'Rass'?", measured=["Ras"])
    assert "write `latent Ras`" in str(near)
    assert near.column == "Ras"
    refused(table, "Column 'raf' differs only in case or blanks, which count: rename it.", measured=["Raf"])
    refused(table, "The columns are 'Rass', 'raf', 'Mek'.", measured=["EGF"])


@pytest.mark.parametrize("table", [{}, pd.DataFrame(), pl.DataFrame(), pa.table({})])
def test_a_table_without_columns_is_refused(table):
    refused(table, "The table has no columns")


def test_a_table_without_rows_is_refused():
    refused({"X": [], "Y": []}, "The table has no rows")
    refused(pd.DataFrame({"X": [1], "Y": [2]}), "The table has only one row")


def test_repeated_and_odd_names_are_refused():
    frame = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["X", "Y", "X"])
    assert refused(frame, "The column name 'X' occurs 2 times (columns 1, 3)").column == "X"
    table = pa.table([pa.array([1, 2]), pa.array([1, 2])], names=["X", "X"])
    refused(table, "The column name 'X' occurs 2 times")
    refused(pd.DataFrame([[1, 2], [3, 4]]), "Column names must be text; 0, 1 are not")
    refused({"X": [1, 2], 7: [1, 2]}, "Column names must be text; 7 is not")
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("X", "a"), ("Y", "b")]))
    refused(frame, "Column names must be text; ('X', 'a'), ('Y', 'b') are not")


def test_columns_of_different_lengths_are_refused():
    error = refused({"X": [1, 2, 3], "Y": [1, 2]}, "The columns have different lengths: 'X' 3, 'Y' 2.")
    assert error.column == "Y"


# Cells.


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, None, np.nan, 4.0], "Missing cells: 'X' 2 (of 4 rows; the first is 'X' in row 1,"),
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), "Missing cells: 'X' 1"),
        ([1, np.ma.masked, 3], "Missing cells: 'X' 1"),
        (pd.Series([1, None, 3], dtype="Int64"), "Missing cells: 'X' 1"),
        (pd.Series([True, None, False], dtype="boolean"), "Missing cells: 'X' 1"),
        (pd.Series(["1", None, "2"]).astype(float).astype("category"), "Missing cells: 'X' 1"),
        (pl.Series([1, None, 3]), "Missing cells: 'X' 1"),
        (pa.array([1, None, 3]), "Missing cells: 'X' 1"),
        ([decimal.Decimal("NaN"), 1, 2], "Missing cells: 'X' 1"),
        ([None, None, None], "Missing in every row: 'X'"),
        ([1.0, np.inf, 2.0], "Infinite cells: 'X' 1"),
        ([1.0, -1.1e100, 2.0], "Cells beyond ±1e+100: 'X' 1"),
        ([1.0, fractions.Fraction(-(10**400)), 2.0], "Infinite cells: 'X' 1"),
        ([5, 5, 5], "Constant in every row: 'X' is 5"),
        ([True, True, True], "Constant in every row: 'X' is 1"),
        (["1", "2", "3"], "holds text where numbers are expected (3 of 3 cells; the first is '1' in row 0"),
        (["1", "2", "3"], "Convert the column to numbers first."),
        ([1, "high", 3], "first is 'high' in row 1, counting from 0). Correct such cells; if they"),
        ([1, "1,5", 3], "Write the decimal comma as a point: 1.5"),
        (np.array(["a", "b", "c"]), "holds text"),
        (np.array([b"a", b"b", b"c"]), "holds text"),
        (pd.Series(["a", "b", "a"], dtype="category"), "holds text"),
        (pl.Series(["a", "b", "a"], dtype=pl.Categorical), "holds text"),
        (pd.Series(pd.to_datetime(["2020-01-01"] * 3)), "holds dates or times"),
        (pd.Series(pd.to_timedelta([1, 2, 3], unit="D")), "holds dates or times"),
        (pl.Series([datetime.date(2020, 1, 1)] * 3), "Convert them to numbers first, for example days"),
        ([datetime.timedelta(1)] * 3, "holds dates or times"),
        (np.array([1 + 1j, 2, 3]), "holds complex numbers"),
        ([1 + 1j, 2, 3], "Expected one real number per row"),
        ([[1, 2], [3, 4], [5, 6]], "holds lists"),
        (pl.Series([[1], [2], [3]]), "holds lists"),
        ([object(), 1, 2], "holds objects"),
        (np.ones((3, 1)), "has the shape (3, 1); expected one number per row"),
        (np.float64(3.0), "has the shape (); expected one number per row"),
        (np.zeros(3, dtype=[("a", float)]), "has the dtype [('a', '<f8')]; expected numbers"),
        ("abc", "Column 'X' is a str; expected a list or an array"),
        ({1, 2, 3}, "Column 'X' is a set"),
        ({"a": 1}, "Column 'X' is a dict"),
        ((i for i in range(3)), "is a generator, which has no fixed rows; expected a list or an array"),
        (3.0, "Column 'X' is a float, which has no fixed rows"),
        ([2**53 + 1, 1, 2], "holds integers beyond 2^53 = 9007199254740992"),
        (np.array([2**60, 1, 2]), "(1 of 3 cells; the first is 1152921504606846976 in row 0"),
        (np.array([-(2**63), 1, 2]), "holds integers beyond 2^53"),
        (np.array([2**64 - 1, 1, 2], dtype=np.uint64), "holds integers beyond 2^53"),
        ([10**400, 1, 2], "holds integers beyond 2^53"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_cells_that_cannot_be_used_are_refused(column, message):
    error = refused({"X": column}, message, measured=["X"])
    assert error.column == "X"
    assert "X" in str(error)


@pytest.mark.parametrize("column", [["a", "b"], pd.Series(["a", "b"], dtype="string"), np.array([1j, 2])])
def test_a_pandas_column_is_refused_in_the_same_words(column):
    error = refused(pd.DataFrame({"X": column}), "pandas table: Column 'X' holds", measured=["X"])
    assert error.column == "X"


def test_whole_numbers_up_to_2_53_are_exact():
    data = read_table({"X": [2**53, -(2**53)]}, ["X"])
    assert [int(value) for value in data.column("X")] == [2**53, -(2**53)]


@pytest.mark.parametrize("data", [np.ones((2, 2)), [{"X": 1}, {"X": 2}], [(1, 2)], pd.Series([1, 2]), 3, None])
def test_what_is_no_table_is_refused(data):
    error = refused(data, "The data are a")
    assert re.search("Give a dict|expected a path, a dict of columns", str(error))


def test_a_generator_is_no_table():
    refused((row for row in [1]), "The data are a generator; expected a path, a dict of columns")


# Table.


def test_a_table_is_a_mapping_of_columns():
    table = Table(GOOD)
    assert dict(table).keys() == GOOD.keys()
    assert (len(table), table.n_rows, list(table)) == (2, 3, ["X", "Y"])
    assert table["Y"].tolist() == [3, 4, 5]
    assert repr(table) == "Table(3 rows: X, Y)"
    pd.testing.assert_frame_equal(table.to_pandas(), pd.DataFrame(GOOD))
    assert Table({}).n_rows == 0


def test_a_table_shows_its_first_rows_as_plain_text():
    page = Table({"<b>": range(9), "Y": [1 / 3] * 9})._repr_html_()
    assert "&lt;b&gt;" in page
    assert page.count("<tr>") == 6
    assert "0.333333" in page
    assert "4 more rows" in page


def test_to_pandas_names_the_extra(monkeypatch):
    hide(monkeypatch, "pandas")
    with pytest.raises(MissingExtraError, match=r"A pandas table needs pandas.*latentdo\[interop\]"):
        Table(GOOD).to_pandas()


def test_a_table_has_columns_of_one_length():
    with pytest.raises(DataError, match="one-dimensional and equally long"):
        Table({"X": [1], "Y": [1, 2]})
    with pytest.raises(DataError, match="one-dimensional and equally long"):
        Table({"X": [[1]]})


def test_writing_refuses_other_suffixes_and_missing_folders(tmp_path):
    with pytest.raises(DataError, match=r"written to .csv, .tsv, .parquet, .pq files, not to .xlsx"):
        Table(GOOD).write(tmp_path / "cells.xlsx")
    with pytest.raises(DataError, match="cannot be written: there is no folder"):
        Table(GOOD).write(tmp_path / "nowhere" / "cells.csv")


def test_writing_replaces_whole_files_and_leaves_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "cells.csv"
    Table(GOOD).write(path)
    before = path.read_text()
    assert before == "X,Y\n0.0,3\n1.0,4\n2.5,5\n"

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_, **__: Full())
        with pytest.raises(DataError, match="cannot be written: No space left on device"):
            Table({"X": [1]}).write(path)
    assert path.read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.csv"]
    Table({"Z": [1]}).write(path)
    assert path.read_text() == "Z\n1\n"


def test_a_very_long_cell_of_a_column_that_nobody_uses_is_read(csv_file):
    note = "long " * 40_000
    table = read_table(csv_file(f"X,Y,Note\n0,1,a\n1,2,{note}\n2,0,b\n"), ["X", "Y"])
    assert table.n_rows == 3
    assert table.ignored == ("Note",)


def test_a_quote_that_is_never_closed_is_told_in_a_long_file_too(csv_file):
    refused(csv_file('X,Y\n0,"1\n' + "1,2\n" * 100_000), "Line 2: a quoted cell is never closed")


@pytest.mark.parametrize("text", ['{"X": 1, "Y": 2}\n{"X": 2, "Y": 3}\n', '[{"X": 1, "Y": 2}]', "[[1, 2], [2, 3]]"])
def test_json_that_is_named_csv_is_told(csv_file, text):
    error = refused(csv_file(text), "cells.csv holds JSON, and .csv files are read as cells.")
    assert "pd.read_json" in str(error)
    assert error.line == 1


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_a_parquet_file_with_damaged_columns_is_bad_input(tmp_path, monkeypatch, library):
    path = Table({"X": np.arange(5000.0), "Y": np.arange(5000.0)}).write(tmp_path / "cells.parquet")
    whole = bytearray(path.read_bytes())
    whole[100:2000] = b"\xff" * 1900
    path.write_bytes(whole)
    found = importlib.util.find_spec
    hidden = "pyarrow" if library == "polars" else ""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == hidden else found(name, *rest))
    refused(path, "cells.parquet cannot be read as Parquet: ")


def test_a_fault_of_one_of_several_tables_says_which():
    seen = {"X": [0.0, 1.0, 2.0], "Y": [1.0, 2.0, 4.0]}
    trial = experiment({"X": [None, 1.0], "Y": [1.0, 2.0]}, do=["X"])
    with pytest.raises(DataError, match=r"^Table 2, the experiment do\(X\): 'X' was set in row 0"):
        read_table([seen, trial], ("X", "Y"), missing="latent")
    with pytest.raises(DataError, match=r"^Table 1: "):
        read_table([{**seen, "Y": ["a", "b", "c"]}, seen], ("X", "Y"))
    with pytest.raises(DataError, match=r"^The table: "):
        read_table({**seen, "Y": [float("inf"), 1.0, 2.0]}, ("X", "Y"))
