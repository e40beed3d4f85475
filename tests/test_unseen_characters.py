"""Names from elsewhere: no form of a result holds a character that nobody sees, or a cell that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import latentdo as ld
from posteriors import posterior_of

FORMULA, TURNED, HIDDEN = "=cmd|x", "esc\u202eape", "zero\u200bwidth"
MODEL = f"`{FORMULA}` ~ normal; `{TURNED}` ~ normal(`{FORMULA}`); `{HIDDEN}` ~ normal(`{TURNED}`)"
EFFECT = f"E[`{HIDDEN}` | do(`{FORMULA}`=1)]"
UNSEEN = "\u202e\u200b\x1b"


def answers() -> Any:
    posterior = posterior_of(MODEL).with_units({HIDDEN: "=HYPERLINK(1)"})
    return ld.ask(posterior, [EFFECT, f"E[`{TURNED}`]"])


def verdict() -> Any:
    return ld.identify(MODEL, f"P(`{HIDDEN}` | do(`{FORMULA}`))")


def refusal() -> str:
    with pytest.raises(ld.LatentdoError) as caught:
        ld.ask(posterior_of(MODEL), f"E[`{TURNED}x`]")
    return str(caught.value)


FORMS: dict[str, Callable[[], str]] = {
    "answers": lambda: str(answers()),
    "answers in HTML": lambda: answers()._repr_html_(),
    "answers in LaTeX": lambda: answers().latex(),
    "verdict": lambda: str(verdict()),
    "verdict in HTML": lambda: verdict()._repr_html_(),
    "formula in LaTeX": lambda: verdict().estimand.latex,
    "proof": lambda: str(verdict().derivation),
    "proof in HTML": lambda: verdict().derivation._repr_html_(),
    "proof in LaTeX": lambda: verdict().derivation.latex,
    "pairs": lambda: str(ld.answerable(MODEL)),
    "pairs in HTML": lambda: ld.answerable(MODEL).to_html(),
    "summary": lambda: posterior_of(MODEL).summary(),
    "check": lambda: str(ld.check(MODEL)),
    "error": refusal,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_sees_is_an_escape_in_every_form(form: str) -> None:
    shown = FORMS[form]()
    assert not set(UNSEEN) & set(shown)


def cells(text: str) -> Iterator[str]:
    return (cell for row in csv.reader(io.StringIO(text)) for cell in row)


@pytest.mark.parametrize("table", ["answers", "pairs"])
def test_no_cell_of_a_csv_file_is_a_formula(table: str, tmp_path: Path) -> None:
    text = answers().to_csv(tmp_path / "a.csv").read_text() if table == "answers" else ld.answerable(MODEL).to_csv()
    assert not set(UNSEEN) & set(text)
    for cell in cells(text):
        if cell.startswith(("=", "+", "-", "@")):
            float(cell)
