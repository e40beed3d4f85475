"""A browser before the server of the page, in this process."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from latentdo.web import Door, Session, application

with warnings.catch_warnings():
    # Which HTTP library it would rather use is no matter of ours.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TOKEN", "TestClient", "browser_of", "message"]

TOKEN = "the-token-of-this-page"


def browser_of(static: Path, session: Session, *, token: str = TOKEN) -> TestClient:
    """A browser that has loaded the page of these files."""
    app = application(Door(TOKEN), session, static=static)
    return TestClient(app, base_url="http://127.0.0.1:8000", headers={"X-Latentdo-Token": token})


def message(response: Any) -> str:
    """What an error says; every error has the same form, and none shows code."""
    found = response.json()
    assert found["ok"] is False
    assert set(found["error"]) >= {"kind", "message", "line", "column"}
    assert "Traceback" not in response.text
    return found["error"]["message"]
