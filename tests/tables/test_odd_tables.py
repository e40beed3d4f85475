"""Twenty-odd tables as people bring them: what a check says of each, in a refusal or in a caution, or that it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld

N = 80
RANDOM = np.random.default_rng(3)
X = np.round(RANDOM.normal(5, 1, N), 3)
Y = np.round(1.2 * X + RANDOM.normal(size=N) + 20, 3)
MODEL = "X ~ normal; Y ~ normal(X)"
BY_X, BY_Y = np.argsort(X), np.argsort(Y)
SILENT = ""


def quoted(cells: Iterable[object]) -> list[str]:
    return [f'"{cell}"' for cell in cells]


def codes(n: int) -> list[str]:
    return [f"{code:05d}" for code in RANDOM.integers(1, 99_999, n)]


ODD: list[tuple[str, str, list, str, str]] = [
    ("a constant column", "X,Y", [[3.5] * N, Y], MODEL, "Constant in every row: 'X' is 3.5."),
    ("a column twice", "X,Y,Z", [X, Y, X], f"{MODEL}; Z ~ normal(Y)", "X and Z are the same in every row"),
    ("a column on another scale", "X,Y,Z", [X, Y, 9 - 2 * X], f"{MODEL}; Z ~ normal(Y)", "X and Z are one on a straight scale"),
    ("twins as parents", "X,Z,Y", [X, X, Y], "X ~ normal; Z ~ normal; Y ~ normal(X, Z)", "The parents of Y are collinear"),
    ("the outcome copied", "X,Y", [X, X], MODEL, "Y is an exact function of X"),
    ("nothing in a column", "X,Y", [[""] * N, Y], MODEL, "Missing in every row: 'X'. .* write `latent X`"),
    ("dates", "X,Y", [[f"2024-01-{1 + k % 28:02d}" for k in range(N)], Y], MODEL, "Convert dates to numbers first"),
    ("dates as numbers", "X,Y", [[f"202401{1 + k % 28:02d}" for k in range(N)], Y], MODEL, "looks like dates written as numbers"),
    ("row numbers", "X,Y", [range(1, N + 1), Y], MODEL, "each whole number from 1 to 80 once: if it is an identifier"),
    ("seconds", "X,Y", [range(1_700_000_000, 1_700_288_000, 3_600), Y], MODEL, "one row every 3600 .* if it is a time"),
    ("names of units", "X,Y", [[f"P{k}" for k in range(N)], Y], "X ~ categorical; Y ~ normal(X)", "level in each of its 80"),
    ("codes", "X,Y", [codes(N), Y], MODEL, "if it is a code, whose leading zeros are lost"),
    ("decimal commas", "X,Y", [quoted(f"{x:.2f}".replace(".", ",") for x in X), Y], MODEL, r"decimal comma as a point: 7\.04"),
    ("thousands", "X,Y", [quoted(f"{1e6 * x:,.0f}" for x in X), Y], MODEL, "separates thousands, write 7041000"),
    ("either", "X,Y", [quoted(f"{1e3 * x:,.0f}" for x in X), Y], MODEL, r"write 7041; if it is a decimal comma, 7\.041"),
    ("percent signs", "X,Y", [[f"{x}%" for x in X], Y], MODEL, "without the percent sign"),
    ("money", "X,Y", [[f"${x}" for x in X], Y], MODEL, r"\(7\.041\), without the sign of its currency"),
    ("truth values", "X,Y", [["true", "false"] * (N // 2), Y], MODEL, r"two values alone, 0 and 1: write X ~ bernoulli\(…\)"),
    ("coded values", "X,Y", [[1, 2] * (N // 2), Y], MODEL, r"write X ~ bernoulli\(…, levels=\[1, 2\]\)"),
    ("infinity", "X,Y", [[*X[1:], "inf"], Y], MODEL, "Infinite cells: 'X' 1 .* in line 81"),
    ("huge values", "X,Y", [[*X[1:], "1e200"], Y], MODEL, r"Cells beyond ±1e\+100"),
    ("codes of missing cells", "X,Y", [[*X[3:], -999, -999, -999], Y], MODEL, "3 cells hold -999, far from all others"),
    ("limits of detection", "X,Y", [[*X[1:], "<0.1"], Y], MODEL, "beyond a limit of detection is no number"),
    ("mixed cells", "X,Y", [[*X[2:], "low", "7"], Y], MODEL, "text where numbers are expected: 'low' in line 80"),
    ("one row", "X,Y", [X[:1], Y[:1]], MODEL, "only one row"),
    ("no rows", "X,Y", [[], []], MODEL, "The table has no rows"),
    ("a name twice", "X,Y,X", [X, Y, X], MODEL, "'X' occurs 2 times"),
    ("letters of any script", "Größe,Δt", [X, Y], "Größe ~ normal; Δt ~ normal(Größe)", SILENT),
    ("letters in pieces", "Gro\u0308ße,Δt", [X, Y], "Größe ~ normal; Δt ~ normal(Größe)", "other code points"),
    ("blanks in names", "X , blood pressure", [X, Y], "X ~ normal; `blood pressure` ~ normal(X)", SILENT),
    ("blanks forgotten", "X,blood pressure", [X, Y], "X ~ normal; blood_pressure ~ normal(X)", "the column 'blood pressure'"),
    ("one level", "X,Y", [["a"] * N, Y], "X ~ categorical; Y ~ normal(X)", "Constant in every row: 'X' is 'a'"),
    ("rows twice", "X,Y", [[*X[:40]] * 2, [*Y[:40]] * 2], MODEL, "40 of 80 rows repeat another one"),
    ("sorted rows", "X,Y", [X[BY_X], Y[BY_X]], MODEL, SILENT),
    ("rows sorted by the outcome", "X,Y", [X[BY_Y], Y[BY_Y]], MODEL, SILENT),
    ("a column of row names", ",X,Y", [range(N), X, Y], MODEL, SILENT),
]  # fmt: skip


@pytest.mark.parametrize(("what", "header", "columns", "model", "words"), ODD, ids=[what for what, *_ in ODD])
def test_what_is_odd_about_a_table_is_said(
    what: str, header: str, columns: list, model: str, words: str, tmp_path: Path
) -> None:
    del what
    path = tmp_path / "rows.csv"
    rows = [header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    if words == SILENT:
        assert ld.check(model, path).cautions == ()
        return
    try:
        said = "\n".join(ld.check(model, path).cautions)
    except ld.LatentdoError as problem:
        said = str(problem)
    assert re.search(words, said), said
