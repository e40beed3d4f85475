"""The pictures on top of the pages of measurements: drawn from stored results, and shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

PAGES = {"coverage": "trust", "rivals": "rivals", "real-rows": "real-rows", "speed": "speed"}


def test_every_page_of_measurements_has_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from results.pictures import draw

    draw(ROOT / "docs", tmp_path / "pictures")
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == set(PAGES)
    for picture, page in PAGES.items():
        assert (ROOT / "docs" / "explanation" / "pictures" / f"{picture}.svg").exists()
        text = (ROOT / "docs" / "explanation" / f"{page}.md").read_text(encoding="utf8")
        # On the first screen.
        assert 0 < text.index(f"](pictures/{picture}.svg)") < 2_500
