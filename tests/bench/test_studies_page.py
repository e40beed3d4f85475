"""The page of the studies' results: written from rows, between its comments, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import studies_page

from studies import STUDIES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "studies" / "tables.md"


def rows_of(name: str) -> list[dict]:
    study = STUDIES[name]
    return [
        {
            "study": name, "dataset": k, "n": n, "query": query, "method": method, "estimate": 1.0 + k / 10, "level": 0.9,
            "lower": 0.5, "upper": 1.5, "applies": True, "truth": 1.0, "sample_truth": 1.0, "seconds": 0.1, "fit_seconds": 1.0,
        }
        for k in (1, 2, 3, 4, 5)
        for n in study.sizes
        for query in study.main
        for method in ("lvm", "plug-in")
    ]  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_its_places_on_the_page(name, tmp_path):
    pytest.importorskip("matplotlib")
    page = PAGE.read_text(encoding="utf8")
    for part in studies_page.parts(STUDIES[name], rows_of(name), tmp_path / "studies"):
        assert page.count(f"<!-- begin {name} {part} -->") == page.count(f"<!-- end {name} {part} -->") == 1
    assert [path.name for path in (tmp_path / "studies").iterdir()] == [f"{name}-errors.svg"]


def test_only_parts_of_studies_with_rows_are_written(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.md"
    before = PAGE.read_text(encoding="utf8")
    page.write_text(before, encoding="utf8")
    monkeypatch.setattr(studies_page, "stored_rows", lambda folder: rows_of("napkin"))
    monkeypatch.setattr(sys, "argv", ["studies_page", str(tmp_path), "--tables", str(page)])
    studies_page.main()
    assert "wrote napkin into" in capsys.readouterr().out
    after = page.read_text(encoding="utf8")
    # Errors 0.1 to 0.5: the median is 0.3.
    assert "| 60 | lvm | 0.721 | 0.300\N{NO-BREAK SPACE}±" in after
    assert "![The new napkin problem: absolute error against the sample value](napkin-errors.svg)" in after
    for name in set(STUDIES) - {"napkin"}:
        start, end = f"<!-- begin {name} errors -->", f"<!-- end {name} errors -->"
        assert after.partition(start)[2].partition(end)[0] == before.partition(start)[2].partition(end)[0]
    studies_page.main()
    assert page.read_text(encoding="utf8") == after


def test_what_was_done_as_published_stands_between_the_published_and_the_right_numbers():
    rightly = [{**row, "estimate": 1.0, "dataset": row["dataset"] + 1} for row in rows_of("napkin")]
    table = studies_page.as_published_table(rows_of("napkin"), rightly).replace("\N{NO-BREAK SPACE}", " ")
    # Of the right ways only the data sets 2 to 5, which both have: too few for a standard error.
    assert "| napkin | effect | 60 | lvm | 0.721 | 0.300 ± 0.098 | 5 | 0.000 |" in table
