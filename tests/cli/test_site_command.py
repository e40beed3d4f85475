"""`latentdo site`: where it finds Pyodide, and which folders it writes."""

from __future__ import annotations

import pytest

from latentdo.web.site import RUNTIME, VERSION


def test_command_takes_what_npm_fetched_and_says_what_to_do_next(command, runtime, tmp_path):
    result = command("site", "-o", "out")
    assert result.code == 0, result.err
    assert "python -m http.server --directory out" in result.out
    assert command("site", "-o", "out").code == 0, "an earlier page is replaced"
    assert command("site", "other", "--pyodide", runtime).code == 0
    assert (tmp_path / "other" / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "-o is missing"),
        (("one", "-o", "two"), "is named twice, one and -o two"),
        (("-o", "site"), f"npm install pyodide@{VERSION}"),
        (("-o", "site", "--pyodide", "nowhere"), "in nowhere. Fetch it once with"),
    ],
)
def test_site_without_pyodide_says_how_it_is_fetched(command, arguments, said):
    result = command("site", *arguments)
    assert result.code == 2
    assert said in result.err


def test_folder_with_other_files_is_left_alone(command, runtime, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "mine.txt").write_text("x")
    assert "holds other files" in command("site", "-o", "papers").err
    assert (tmp_path / "papers" / "mine.txt").read_text() == "x"
    assert "is a file" in command("site", "-o", "papers/mine.txt").err
    (runtime / RUNTIME[2]).unlink()
    assert f"lacks {RUNTIME[2]}" in command("site", "-o", "site").err
