"""Kinds of tables that nobody can train on: files by their bytes, and tables in memory; each with its one message.

Every kind is a way in which real tables go wrong. Tests send each through the door that it can go through.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

MODEL = "latent U ~ normal; G ~ gamma(U); X ~ bernoulli(G); Y ~ normal(X, U)"
LINES = ["G,X,Y", "1.5,0,2.25", "0.5,1,1.5", "2.5,1,-1", "1.25,0,0.5", "3,1,4", "0.75,0,1"]
COLUMNS: dict[str, list[float]] = {
    "G": [1.5, 0.5, 2.5, 1.25, 3, 0.75],
    "X": [0, 1, 1, 0, 1, 0],
    "Y": [2.25, 1.5, -1, 0.5, 4, 1],
}


@dataclass(frozen=True, eq=False)
class BadFile:
    """A file: its bytes, what its message says, and the line that an editor should be sent to."""

    what: str
    content: bytes
    says: str
    line: int | None = None
    model: str = MODEL
    name: str = "rows.csv"


def lines(*changed: tuple[int, str]) -> bytes:
    """The good table with some lines replaced."""
    return ("\n".join(dict(changed).get(k, line) for k, line in enumerate(LINES)) + "\n").encode()


def each(edit: Callable[[str], str]) -> bytes:
    """The good table with every line edited."""
    return ("\n".join(map(edit, LINES)) + "\n").encode()


def single(what: str, values: Sequence[object], model: str, says: str, line: int | None = None) -> BadFile:
    """A column X that its family cannot have made, or that teaches nothing, beside a column Z that is in order."""
    rows = "".join(f"{value},{k % 5}.5\n" for k, value in enumerate(values))
    return BadFile(what, f"X,Z\n{rows}".encode(), says, line, f"{model}; Z ~ normal")


FILES = [
    # The file as a whole
    BadFile("empty", b"", "rows.csv is empty; expected a header line"),
    BadFile("blank lines alone", b"\n\n\n", "rows.csv is empty"),
    BadFile("a header alone", lines()[:6], "The table has no rows"),
    BadFile("one row", "\n".join(LINES[:2]).encode(), "The table has only one row"),
    BadFile("a picture", b"\x89PNG\r\n\x1a\n\x00\x00", "line 3: a NUL byte", 3),
    BadFile("a spreadsheet by another name", b"PK\x03\x04\x14\x00\x06", "rows.csv is no text but a workbook", 1),
    BadFile("Latin-1", lines((0, "G,X,Y,ort")) + b"1,0,2,K\xf6ln\n", "line 8, byte 8: not UTF-8 (byte 0xf6)", 8),
    BadFile("UTF-16", lines().decode().encode("utf-16"), "written in UTF-16; save it as UTF-8", 1),
    BadFile("CSV named as Parquet", lines(), "rows.parquet is not a Parquet file", name="rows.parquet"),
    BadFile("a torn Parquet file", b"PAR1 torn PAR1", "rows.parquet cannot be read as Parquet", name="rows.parquet"),
    BadFile("CSV named as TSV", lines(), "Rename the file to end in .csv", 1, name="rows.tsv"),
    BadFile("a page of a server", b"<!DOCTYPE html>\n<html>\n</html>\n", "This is a web page, not a table", 1),
    # Separators
    BadFile("semicolons", each(lambda line: line.replace(",", ";")), "separated by semicolons", 1),
    BadFile("tabs", each(lambda line: line.replace(",", "\t")), "separated by tabs", 1),
    BadFile("decimal commas", lines((3, "2,5,1,-1")), "A comma inside a number (1,5 or 1,000) splits its cell", 4),
    BadFile("thousands", lines((3, '2.5,1,"-1,000"')), "If the comma separates thousands, write -1000", 4),
    BadFile("quoted decimal commas", lines((3, '"2,5",1,-1')), "Write the decimal comma as a point: 2.5", 4),
    # Header
    BadFile("no header", b"\n".join(lines().split(b"\n")[1:]), "Line 1 holds numbers only", 1),
    BadFile("a title above the header", b"Trial 7\n" + lines(), "Delete what stands above the names of the columns", 2),
    BadFile("a blank line above the header", b"\n" + lines(), "line 1 is blank", 1),
    BadFile("repeated names", lines((0, "G,Y,Y")), "The column name 'Y' occurs 2 times (columns 2, 3)", 1),
    BadFile("a missing column", lines((0, "G,X,Z")), "There is no column for the node 'Y'"),
    BadFile("another case", lines((0, "g,X,Y")), "Column 'g' differs only in case or blanks"),
    BadFile(
        "an accent in two characters",
        lines((0, "G,X,e\u0301tat")),
        "looks the same, but is written with other code points",
        None,
        MODEL.replace("Y", "`\u00e9tat`"),
    ),
    BadFile("a slip in a name", lines((0, "G,X,Yy")), "There is no column for the node 'Y'"),
    BadFile("row names", each(lambda line: line if line == LINES[0] else f"r,{line}"), "row names without a header", 2),
    BadFile(
        "units below the header", lines((1, "mg,0/1,cm")), "holds text where numbers are expected: 'mg' in line 2", 2
    ),
    # Rows
    BadFile("a short row", lines((4, "1.25,0")), "The header has 3 cells, but line 5 has 2", 5),
    BadFile("a long row", lines((4, "1.25,0,0.5,9")), "line 5 has 4", 5),
    BadFile("a blank line between rows", lines((4, "")), "line 5 is blank. Delete blank lines between rows", 5),
    BadFile("an open quote", lines((4, '1.25,0,"0.5')), "Line 5: a quoted cell is never closed", 5),
    BadFile("text behind a quote", lines((4, '1.25,0,"0.5"x')), "Line 5: ", 5),
    BadFile("a total below", lines() + b"total,3,8.25\n", "'total' in line 8", 8),
    # Cells
    BadFile("an empty cell", lines((2, "0.5,,1.5")), "Missing cells: 'X' 1 (of 6 rows; the first is 'X' in line 3)", 3),
    BadFile("NA", lines((2, "NA,1,1.5")), "Missing cells: 'G' 1", 3),
    BadFile("n/a", lines((2, "n/a,1,1.5")), "A missing cell is written as nothing, NA or NaN", 3),
    BadFile("null", lines((2, "null,1,1.5")), "A missing cell is written as nothing, NA or NaN", 3),
    BadFile("a dot for missing", lines((2, ".,1,1.5")), "A missing cell is written as nothing, NA or NaN", 3),
    BadFile("inf", lines((3, "2.5,1,inf")), "Infinite cells: 'Y' 1", 4),
    BadFile("a number beyond floats", lines((3, "2.5,1,1e999")), "Infinite cells: 'Y' 1", 4),
    BadFile("1e101", lines((3, "2.5,1,1e101")), "Cells beyond ±1e+100: 'Y' 1", 4),
    BadFile("a word among numbers", lines((3, "2.5,1,much")), "'much' in line 4. Correct such cells", 4),
    BadFile("a percent sign", lines((3, "2.5,1,40%")), "without the percent sign", 4),
    BadFile("a unit behind the number", lines((3, "2.5 mg,1,4")), "Write the number alone (2.5)", 4),
    BadFile("below the limit of detection", lines((3, "<0.1,1,4")), "half of a lower limit is usual", 4),
    BadFile("a fraction", lines((3, "1/2,1,4")), "Write the fraction as a decimal number", 4),
    BadFile("a date", lines((3, "2020-01-31,1,4")), "'2020-01-31' in line 4. Convert dates to numbers", 4),
    BadFile("hexadecimal", lines((3, "0x10,1,4")), "'0x10' in line 4", 4),
    BadFile("underscores", lines((3, "1_000,1,4")), "Write it without underscores: 1000", 4),
    BadFile("a typographic minus", lines((3, "2.5,1,\u22124")), "write -4", 4),
    BadFile("full-width digits", lines((3, "2.5,1,\uff14")), "write 4", 4),
    BadFile("an identifier", lines((3, "2.5,1,9007199254740993")), "Whole numbers beyond 2^53", 4),
    BadFile("true among numbers", lines((3, "2.5,true,4")), "mixes true/false (line 4) with numbers (line 2)", 4),
    BadFile(
        "yes and no", each(lambda line: line.replace(",0,", ",no,").replace(",1,", ",yes,")), "Write 1 and 0 instead", 2
    ),
    # What no family makes, or nothing can be learnt from
    BadFile(
        "a constant column",
        each(lambda line: line if line == LINES[0] else f"{line[: line.rfind(',')]},5"),
        "Constant in every row: 'Y' is 5",
    ),
    BadFile("a negative gamma", lines((1, "-1.5,0,2.25")), "Column G is declared gamma, whose values are positive"),
    BadFile("a zero gamma", lines((1, "0,0,2.25")), "Column G is declared gamma, whose values are positive"),
    BadFile("a half bernoulli", lines((1, "1.5,0.5,2.25")), "Column X is declared bernoulli, whose values are 0 and 1"),
    BadFile("a bernoulli in 1 and 2", each(lambda line: line.replace(",0,", ",2,")), "Recode it to 0/1"),
    single("hill without its maximum", [k / 10 for k in range(10)], "X ~ hill", "Give the true maximum with max="),
    single(
        "hill beyond its maximum", [1000 + k for k in range(10)], "X ~ hill", "Column X is declared hill with max=100"
    ),
    single("an unknown level", ["a", "b", "c", "a", "b", "d"] * 2, "X ~ categorical(levels=[a, b, c])", "'d'", 7),
    single("names without levels", ["a", "b", "c", "a", "b", "c"], "X ~ categorical(levels=[1, 2, 3])", "'a'", 2),
    single(
        "an identifier with levels",
        [f"p{k}" for k in range(11)],
        "X ~ categorical",
        "another level in each of its 11 rows",
    ),
    single(
        "a spread too small to square",
        [f"{k}e-200" for k in range(1, 7)],
        "X ~ normal",
        "Column X runs from 1e-200 to 6e-200: its spread is too small",
    ),
    BadFile(
        "a noisy linear node",
        lines(),
        "Y is declared linear (no noise), but its parents leave a residual",
        None,
        "G ~ normal; X ~ bernoulli(G); Y ~ linear(G)",
    ),
    BadFile(
        "a linear node of a latent",
        lines(),
        "has the latent parent U",
        None,
        "latent U ~ normal; G ~ normal(U); X ~ bernoulli; Y ~ linear(U)",
    ),
]


@dataclass(frozen=True, eq=False)
class BadTable:
    """A table in memory, made anew for every use, and what its message says."""

    what: str
    make: Callable[[], Any]
    says: str
    column: str | None = None


def with_column(values: Callable[[], Any], name: str = "Y") -> Callable[[], Any]:
    """The good table, one column of it replaced."""
    return lambda: {**COLUMNS, name: values()}


SIX = range(6)

TABLES = [
    BadTable("nothing", lambda: None, "There is no data"),
    BadTable("a number", lambda: 3, "The data are an int; expected a path"),
    BadTable("a text that is no path", lambda: "G,X,Y\n1,2,3", "A text is read as a path only if it is one line"),
    BadTable("a list of rows", lambda: [(1, 0, 2), (2, 1, 3)], "whose columns have no names"),
    BadTable("a bare array", lambda: np.ones((6, 3)), "whose columns have no names"),
    BadTable("a generator of rows", lambda: (row for row in SIX), "The data are a generator"),
    BadTable("a series", lambda: pd.Series([1, 2]), "The data are a Series"),
    BadTable("no columns", dict, "The table has no columns"),
    BadTable("no rows", lambda: dict.fromkeys("GXY", ()), "The table has no rows"),
    BadTable("an empty frame", lambda: pd.DataFrame(columns=list("GXY")), "The table has no rows"),
    BadTable(
        "unequal lengths", with_column(lambda: [1, 2]), "The columns have different lengths: 'G' 6, 'X' 6, 'Y' 2", "Y"
    ),
    BadTable("numbers as names", lambda: pd.DataFrame(np.ones((3, 3))), "Column names must be text; 0, 1, 2 are not"),
    BadTable(
        "two levels of names", lambda: pd.concat({"a": pd.DataFrame(COLUMNS)}, axis=1), "Column names must be text"
    ),
    BadTable(
        "repeated names in a frame",
        lambda: pd.DataFrame(np.ones((3, 3)), columns=list("GXX")),
        "The column name 'X' occurs 2 times",
        "X",
    ),
    BadTable("None", with_column(lambda: [1, None, 3, 4, 5, 6]), "Missing cells: 'Y' 1", "Y"),
    BadTable("NaN", with_column(lambda: [1, np.nan, 3, 4, 5, 6]), "Missing cells: 'Y' 1", "Y"),
    BadTable(
        "a masked array",
        with_column(lambda: np.ma.array(SIX, mask=[False, True, False, False, False, False])),
        "Missing cells: 'Y' 1",
        "Y",
    ),
    BadTable(
        "nullable integers",
        with_column(lambda: pd.Series([1, None, 3, 4, 5, 6], dtype="Int64")),
        "Missing cells: 'Y' 1",
        "Y",
    ),
    BadTable(
        "nullable booleans",
        with_column(lambda: pd.Series([True, None] * 3, dtype="boolean"), "X"),
        "Missing cells: 'X' 3",
        "X",
    ),
    BadTable("nulls of Arrow", with_column(lambda: pa.array([1, None, 3, 4, 5, 6])), "Missing cells: 'Y' 1", "Y"),
    BadTable(
        "a decimal NaN", with_column(lambda: [decimal.Decimal("NaN"), 1, 2, 3, 4, 5]), "Missing cells: 'Y' 1", "Y"
    ),
    BadTable(
        "categories with names", with_column(lambda: pd.Series(list("ababab"), dtype="category")), "holds text", "Y"
    ),
    BadTable("strings of digits", with_column(lambda: list("123456")), "Convert the column to numbers first", "Y"),
    BadTable("bytes", with_column(lambda: np.array([b"a"] * 6)), "holds text", "Y"),
    BadTable("dates", with_column(lambda: pd.date_range("2020", periods=6)), "holds dates or times", "Y"),
    BadTable(
        "dates with a time zone",
        with_column(lambda: pd.Series(pd.date_range("2020", periods=6, tz="Asia/Tokyo"))),
        "holds dates or times",
        "Y",
    ),
    BadTable(
        "periods", with_column(lambda: pd.Series(pd.period_range("2020", periods=6, freq="M"))), "Column 'Y' holds", "Y"
    ),
    BadTable("durations", with_column(lambda: [datetime.timedelta(k) for k in SIX]), "holds dates or times", "Y"),
    BadTable("complex numbers", with_column(lambda: np.arange(6) * 1j), "holds complex numbers", "Y"),
    BadTable("an array of objects", with_column(lambda: np.array([object()] * 6)), "holds objects", "Y"),
    BadTable("lists in cells", with_column(lambda: pl.Series([[1]] * 6)), "holds lists", "Y"),
    BadTable("records", with_column(lambda: np.zeros(6, dtype=[("a", float)])), "expected numbers, one per row", "Y"),
    BadTable(
        "a column of two dimensions",
        with_column(lambda: np.ones((6, 1))),
        "has the shape (6, 1); expected one number per row",
        "Y",
    ),
    BadTable(
        "an array without rows",
        with_column(lambda: np.float64(3)),
        "has the shape (); expected one number per row",
        "Y",
    ),
    BadTable("a set", with_column(lambda: set(SIX)), "Column 'Y' is a set", "Y"),
    BadTable("a text for a column", with_column(lambda: "123456"), "Column 'Y' is a str", "Y"),
    BadTable("a generator for a column", with_column(lambda: (k for k in SIX)), "Column 'Y' is a generator", "Y"),
    BadTable("infinite", with_column(lambda: [1, np.inf, 3, 4, 5, 6]), "Infinite cells: 'Y' 1", "Y"),
    BadTable(
        "integers beyond floats", with_column(lambda: [10**400, 1, 2, 3, 4, 5]), "holds integers beyond 2^53", "Y"
    ),
    BadTable(
        "unsigned identifiers",
        with_column(lambda: np.array([2**64 - 1, 1, 2, 3, 4, 5], dtype=np.uint64)),
        "holds integers beyond 2^53",
        "Y",
    ),
    BadTable(
        "rounding alone", with_column(lambda: [0.1, 0.1, 0.1 + 2e-17, 0.1 + 1e-16, 0.1, 0.1]), "varies only in", "Y"
    ),
    BadTable(
        "a tiny share of a huge offset", with_column(lambda: [1e16 + 2 * k for k in SIX]), "Subtract a constant", "Y"
    ),
    BadTable("a constant of booleans", with_column(lambda: [True] * 6, "X"), "Constant in every row: 'X' is 1", "X"),
]


@dataclass(frozen=True, eq=False)
class OddTable:
    """A table that can be trained on, with a caution that has to be said."""

    what: str
    model: str
    rows: dict[str, Any]
    says: str


def _odd() -> list[OddTable]:
    random = np.random.default_rng(0)
    x, z, noise = random.normal(size=(3, 60))
    far = np.where(np.arange(60) == 3, 1e9, x)
    return [
        OddTable(
            "an exact function", "X ~ normal; Y ~ normal(X)", {"X": x, "Y": 2 * x + 1}, "Y is an exact function of X"
        ),
        OddTable(
            "collinear parents",
            "X ~ normal; Z ~ normal; V ~ normal(X, Z); Y ~ normal(X, Z, V)",
            {"X": x, "Z": z, "V": x - z, "Y": x + noise},
            "The parents of Y are collinear",
        ),
        OddTable(
            "a doubled column",
            "X ~ normal; Z ~ normal(X); Y ~ normal(X, Z)",
            {"X": x, "Z": x, "Y": x + noise},
            "Z is an exact function of X",
        ),
        OddTable(
            "a slip of the hand",
            "X ~ normal; Y ~ normal(X)",
            {"X": far, "Y": noise},
            "more than 8 robust standard deviations",
        ),
        OddTable(
            "a perfect separation",
            "X ~ normal; Y ~ bernoulli(X)",
            {"X": x, "Y": x > 0.1},
            "X tells Y apart without contradiction in these data (separation)",
        ),
        OddTable(
            "an empty cell of a two-by-two table",
            "X ~ bernoulli; Y ~ bernoulli(X)",
            {"X": x > 0, "Y": (x > 0) & (z > 0)},
            "X tells Y apart without contradiction in these data (separation)",
        ),
        OddTable(
            "one exposed row",
            "X ~ bernoulli; Y ~ normal(X)",
            {"X": np.arange(60) == 7, "Y": noise},
            "only 1 of 60 row differs from 0",
        ),
        OddTable(
            "a level without rows",
            "X ~ categorical(levels=[a, b, c]); Y ~ normal(X)",
            {"X": np.where(x > 0, "a", "b"), "Y": noise},
            "X has no row with the level c",
        ),
        OddTable(
            "few rows per level",
            "X ~ table; Y ~ normal",
            {"X": np.arange(60) // 3, "Y": noise},
            "X has 20 levels in 60 rows: is it an identifier",
        ),
    ]


ODD = _odd()
