"""What tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browsing import chromium, served
from latentdo.web import Session
from served_page import TestClient, browser_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A folder with a page in it."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><html><head><title>t</title></head><body></body></html>")
    (folder / "app.js").write_text("export {};")
    return folder


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session in a folder of the test."""
    folder = tmp_path / "session"
    folder.mkdir()
    made = Session(folder)
    yield made
    made.close()


@pytest.fixture
def client(static: Path, session: Session) -> Iterator[TestClient]:
    """A browser that has loaded the page."""
    with browser_of(static, session) as browser:
        yield browser


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the real server listens, in a process of its own."""
    with served(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with chromium() as browser:
        yield browser
