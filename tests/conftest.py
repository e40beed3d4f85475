"""What every test shares: a cache beside the code, reproducible random examples, and saved fits.

pytest adds this folder to the path, so that `known_graphs`, `oracles` and `markdown_pages` can be imported from every test.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# Compiled programs outlive the test run, so that the second run is quick. Set before JAX is imported, for this
# process and for those that tests start.
os.environ.setdefault("LATENTDO_CACHE", str(ROOT / ".cache"))
os.environ.setdefault("MPLBACKEND", "agg")

import latentdo as ld  # noqa: E402 - after the cache folder is set
from latentdo.web.site import RUNTIME  # noqa: E402
from shared_fits import saved  # noqa: E402

settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def fits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run's saved fits lie: one folder for all worker processes."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "fits"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def front_door(fits_folder: Path) -> ld.Posterior:
    """A trained linear-Gaussian front door, 200 rows."""
    return ld.load(saved("front door", fits_folder))


@pytest.fixture(scope="session")
def napkin(fits_folder: Path) -> ld.Posterior:
    """A trained napkin with mixed families, 60 rows."""
    return ld.load(saved("napkin", fits_folder))


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder that looks like Pyodide."""
    folder = tmp_path / "node_modules" / "pyodide"
    folder.mkdir(parents=True)
    for name in RUNTIME:
        (folder / name).write_text('{"info": {"version": "1.2.3"}}' if name.endswith(".json") else name)
    return folder


@pytest.fixture
def as_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that keeps to its plans, and nothing after the last block: the arithmetic of the time left alone."""
    from latentdo.inference import progress

    monkeypatch.setattr(progress, "GROWTH", 1.0)
    monkeypatch.setattr(progress, "TAIL", 0.0)
    monkeypatch.setattr(progress, "LAST", 0.0)
    monkeypatch.setattr(progress, "KNOWING", 5.0)
