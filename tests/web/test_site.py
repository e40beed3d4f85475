"""The page without a server: the same package in the browser's Python gives the same bytes, with the network cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reference_graphs
from browsing import files_served, reason_to_skip
from latentdo.web import build_site, reply
from latentdo.web.bridge import VERBS
from latentdo.web.site import RUNTIME, write_package

PAGE = Path(__file__).parents[2] / "page"
STATIC = Path(__file__).parents[2] / "src" / "latentdo" / "web" / "static"
NAPKIN = "W -> R -> X -> Y; W <-> X; W <-> Y"
GRAPHS = {
    "napkin": (NAPKIN, "P(Y | do(X))"),
    "bow": ("X -> Y; X <-> Y", "P(Y | do(X))"),
    "model": ("latent U ~ normal\nX ~ normal(U)\nM ~ normal(X)\nY ~ normal(M, U)", "E[Y | do(X=1)] - E[Y | do(X=0)]"),
    "names": ("`<b>ü</b>` -> `x y`; `x y` -| Z", "P(Z | do(`x y`))"),
    "typo": ("X -> ", "P(Y | do(X)"),
}
STUDIES = {
    "study": """\
# What stands in a file.
model: |
  latent U ~ normal
  X ~ normal(U)   # the dose
  M ~ normal(X)
  Y ~ normal(M, U)
data: trial.csv
priors:
  weight: normal(0, 1)
units: {Y: mmHg}
inference: {engine: nuts, draws: 500}
queries:
  effect: E[Y | do(X=1)] - E[Y | do(X=0)]
check: false
""",
    "key": "model: X ~ normal\nquerys: [E[X]]\n",
    "text": "model: |\n  X ~ normal(\n",
    "yaml": "model: |\n X ~ normal\n  bad: [1\n- 3",
    "number": "model: X ~ normal\ninference: {engine: nuts, draws: 1.0}\n",
}


def requests(text: str, query: str) -> Iterator[str]:
    """What the page asks about one graph and one question."""
    fields: dict[str, dict[str, Any]] = {
        "read": {"text": text},
        "verdict": {"text": text, "queries": [query]},
        "answerable": {"text": text},
        "implications": {"text": text},
        "edit": {"text": text, "edit": {"op": "add_node", "name": "New"}},
        "complete": {"text": text, "query": query, "cursor": len(query)},
        "draw": {"text": text, "format": "svg"},
        "export": {"text": text, "format": "dagitty"},
    }
    fields |= {verb: {"text": text, "query": query} for verb in ("proof", "witness", "measurements", "forms")}
    for verb in VERBS:
        if verb in fields:
            yield json.dumps({"verb": verb, **fields[verb]})


def studies() -> list[str]:
    """What the page asks where study files are opened."""
    return [json.dumps({"verb": "import", "name": "study.yaml", "content": text}) for text in STUDIES.values()]


# --- the command


def test_site_holds_the_page_python_and_the_symbolic_half(runtime, tmp_path):
    size = build_site(tmp_path / "site", runtime)
    assert size == sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file())
    there = {path.name for path in (tmp_path / "site").iterdir()}
    assert {"index.html", "page.js", "worker.js", "latentdo.zip", "pyodide", "THIRD_PARTY.txt"} <= there
    assert {path.name for path in (tmp_path / "site" / "pyodide").iterdir()} == {*RUNTIME, "NOTICE.txt"}
    assert "Pyodide 1.2.3" in (tmp_path / "site" / "pyodide" / "NOTICE.txt").read_text()
    with zipfile.ZipFile(tmp_path / "site" / "latentdo.zip") as archive:
        names = archive.namelist()
    assert "latentdo/web/bridge.py" in names and "latentdo/identification/verdict.py" in names
    assert not [name for name in names if "/inference/" in name or name.endswith("web/server.py")]
    assert "yaml/parser.py" in names
    assert "PyYAML" in (licences := (tmp_path / "site" / "THIRD_PARTY.txt").read_text())
    assert licences.count("Permission is hereby granted") == 5 and "cytoscape" in licences


def test_same_package_is_the_same_zip(tmp_path):
    write_package(tmp_path / "a.zip")
    write_package(tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_is_left_out_of_the_zip_is_not_needed(tmp_path):
    write_package(tmp_path / "latentdo.zip")
    asked = [each for text, query in GRAPHS.values() for each in requests(text, query)]
    asked += studies()
    code = (
        "import json, sys\n"
        "for name in ('numpy', 'scipy', 'jax', 'msgspec', 'starlette', 'matplotlib'): sys.modules[name] = None\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from latentdo.web.bridge import reply\n"
        "print(json.dumps([reply(each) for each in json.load(sys.stdin)]))\n"
    )
    command = [sys.executable, "-I", "-c", code, str(tmp_path / "latentdo.zip")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [reply(each) for each in asked]


# --- in a browser


@pytest.fixture(scope="module")
def real_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pyodide as npm fetches it."""
    if (PAGE / "node_modules" / "pyodide" / RUNTIME[0]).is_file():
        return PAGE / "node_modules" / "pyodide"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so there is no Pyodide to try the static page with")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PAGE / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries", "0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"npm ci failed, so there is no Pyodide to try the static page with: {done.stderr.strip()[-300:]}")
    return folder / "node_modules" / "pyodide"


@pytest.fixture(scope="module")
def address(real_runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the static page is served by what comes with Python."""
    folder = tmp_path_factory.mktemp("static") / "site"
    build_site(folder, real_runtime)
    with files_served(folder) as address:
        yield address


def test_page_that_is_opened_as_a_file_says_how_it_is_shown(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if reason := reason_to_skip():
        pytest.skip(reason)
    folder = shutil.copytree(STATIC, tmp_path / "my page")
    page = request.getfixturevalue("browser").new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((folder / "index.html").as_uri())
    page.locator("#from-disk").wait_for()
    assert f"python -m http.server --bind 127.0.0.1 --directory '{folder}'" in page.inner_text("body")
    assert faults == []
    page.close()


WORKER = """
async () => {
  const worker = new Worker("worker.js", { type: "module" });
  const waiting = [];
  window.ask = (request) => new Promise((answer, fail) => {
    waiting.push(answer);
    worker.onerror = (event) => fail(event.message);
    worker.postMessage({ id: waiting.length - 1, request });
  });
  worker.onmessage = ({ data }) => {
    if ("reply" in data) waiting[data.id](data.reply);
    else if ("failed" in data) waiting.forEach((answer) => answer(data.failed));
  };
}
"""


@pytest.fixture(scope="module")
def in_browser(address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Asks the bridge in the worker of the static page."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    page = request.getfixturevalue("browser").new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address + "THIRD_PARTY.txt")
    page.evaluate(WORKER)
    begun = time.monotonic()
    first = page.evaluate("ask", next(requests(*GRAPHS["napkin"])))
    print(f"static page: Python, package and the first reply in {time.monotonic() - begun:.1f} s")
    assert json.loads(first)["ok"]
    yield lambda request: page.evaluate("ask", request)
    assert [url for url in asked if not url.startswith(address)] == []
    page.close()


def differing(in_browser: Any, graphs: dict[str, tuple[str, str]]) -> list[str]:
    asked = [(name, each) for name, graph in graphs.items() for each in requests(*graph)]
    assert len(asked) >= 3 * len(graphs)
    return [f"{name}: {each}" for name, each in asked if in_browser(each) != reply(each)]


@pytest.mark.sample
def test_browser_gives_the_bytes_of_the_server(in_browser):
    assert differing(in_browser, GRAPHS) == []


@pytest.mark.sample
def test_browser_reads_study_files_as_the_server_does(in_browser):
    assert [json.loads(reply(each))["ok"] for each in studies()] == [True, False, False, False, False]
    assert [each for each in studies() if in_browser(each) != reply(each)] == []


if reference_graphs.CASES:

    @pytest.mark.sample
    def test_browser_gives_the_bytes_of_the_server_on_graphs_of_the_literature(in_browser):
        assert (
            differing(in_browser, {case.name: (str(case.graph), case.question) for case in reference_graphs.CASES})
            == []
        )
