"""The report of a reproduction: a page that stands alone, with its figures and tables as files."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest
from made_rows import STUDY, made_rows

from latentdo.errors import StudyError
from studies.report import write_report

SUFFIXES = ("png", "svg", "pdf")


class Reader(HTMLParser):
    """What a page says, and which tags it leaves open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf8"))
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("report")
    return write_report(made_rows(), folder, studies=[STUDY], about={"processes": "2 <here>"})


def test_page_says_what_was_run_and_what_was_found(report):
    text = " ".join("".join(read(report).text).split())
    assert "12 data sets (1 to 12, each with its number as its seed), n = 15, 60" in text
    assert "2 <here>" in text
    assert "A <made> study" in text
    assert "Mind the gap & more." in text
    assert "Against plug-in the model wins 2 of 2 comparisons." in text
    assert "Where the published numbers are wrong, and whyThe published plug-in saturates." in text
    assert "What else has to be known beside the published numbersThe effect is small." in text
    assert "E[Y | do(X=1)]" in text
    assert "A <made> study: the other questions" in text
    assert "2 ± 0.001" in text


def test_page_needs_no_other_file(report):
    links = read(report).links
    assert len([link for link in links if link.startswith("data:image/svg+xml;base64,")]) == 3
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "<script" not in report.read_text(encoding="utf8")


def test_figures_and_tables_are_files_too(report):
    figures = {path.name for path in (report.parent / "figures").iterdir()}
    assert figures == {f"{name}.{s}" for name in ("made-errors", "made-intervals", "times") for s in SUFFIXES}
    tables = {path.name for path in (report.parent / "tables").iterdir()}
    kinds = ("errors", "intervals", "rivals", "ratios", "others", "targets", "times")
    assert tables == {f"made-{name}.{suffix}" for name in kinds for suffix in ("csv", "md", "tex")}
    assert (
        (report.parent / "tables" / "made-errors.csv")
        .read_text(encoding="utf8")
        .startswith("question,n,method,published")
    )


def test_without_matplotlib_there_are_tables_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    page = write_report(made_rows(), tmp_path, studies=[STUDY]).read_text(encoding="utf8")
    assert "matplotlib is not installed" in page
    assert "<img" not in page
    assert "Against plug-in the model wins" in page
    assert not list((tmp_path / "figures").iterdir())


def test_the_same_rows_give_the_same_page(report, tmp_path, monkeypatch):
    monkeypatch.setattr("studies.pictures.DOTS", 20)
    again = write_report(made_rows(), tmp_path, studies=[STUDY], about={"processes": "2 <here>"})
    assert again.read_bytes() == report.read_bytes()


def test_rows_of_a_study_without_figures_of_its_own_are_reported(tmp_path):
    rows = [{**row, "lower": None, "upper": None} for row in made_rows(["plug-in"])]
    page = write_report(rows, tmp_path, studies=[STUDY]).read_text(encoding="utf8")
    assert re.search(r"effect</td><td[^>]*>60</td><td[^>]*>plug-in", page)


def test_no_rows_is_an_error():
    with pytest.raises(StudyError, match="There are no rows to report"):
        write_report([], "nowhere")


def test_a_study_without_rows_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="no rows about signaling"):
        write_report(made_rows(), tmp_path, studies=["signaling"])


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match="cannot be written"):
        write_report(made_rows(), tmp_path / "file", studies=[STUDY])
