"""Fixtures for tests of answers."""

from __future__ import annotations

import pytest

from latentdo.answers.exact import Exact


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could be computed exactly is simulated too: the exact engines have tests of their own."""
    monkeypatch.setattr(Exact, "_engine_of", lambda *_: None)
