"""The static page: its files, Python for the browser, the symbolic half of this package, and YAML, in one folder."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from latentdo.errors import UsageError

PACKAGE = "latentdo.zip"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
VERSION = "314.0.7"
"""Of Pyodide: the one that the tests run with."""
FETCH = f"npm install pyodide@{VERSION}"
PLACES = ("node_modules/pyodide", "page/node_modules/pyodide")
"""Where npm puts it, from the folder in which it was called."""
NUMERICAL = frozenset(
    (
        "answers",
        "bounding",
        "cli",
        "comparison",
        "criticism",
        "estimators",
        "inference",
        "omissions",
        "planning",
        "simulators",
        "tables",
    )
)
"""Rooms that need a table or a fit."""
SERVED = frozenset(
    (
        "errors",
        "events",
        "files",
        "folders",
        "guard",
        "job",
        "server",
        "session",
        "site",
        "study",
        "training",
        "uploads",
        "verbs",
    )
)
"""Files of this room that the server alone needs."""

NOTICE = """\
Pyodide {version}, the Python of this page, under the Mozilla Public License 2.0
(https://www.mozilla.org/MPL/2.0/). Its source: https://github.com/pyodide/pyodide.
It holds CPython (https://docs.python.org/3/license.html) and Emscripten's runtime (MIT).
"""
YAML = "PyYAML"
"""What reads study files, as it is installed here: its Python files need nothing else."""
YAML_LICENCE = """\
{line}
{name} {version} (in latentdo.zip; https://pyyaml.org)
{line}

{text}
"""


def runtime_folder(given: Path | None, here: Path) -> Path:
    """The folder of Pyodide: the one that was given, or where npm puts it.

    Raises:
        UsageError: It is nowhere, or not whole; says how it is fetched.
    """
    places = [here / place for place in PLACES] if given is None else [given, *(given / place for place in PLACES)]
    found = next((place for place in places if (place / RUNTIME[0]).is_file()), None)
    if found is None:
        where = f"in {given}" if given is not None else f"in {' or '.join(PLACES)}"
        raise UsageError(
            f"There is no Pyodide, which runs Python in the browser, {where}. Fetch it once with: {FETCH}. Then call this again, "
            "or name its folder: --pyodide FOLDER."
        )
    if missing := [name for name in RUNTIME if not (found / name).is_file()]:
        raise UsageError(f"The Pyodide in {found} lacks {missing[0]}. Fetch version {VERSION} with: {FETCH}.")
    return found


def build_site(target: Path, runtime: Path) -> int:
    """Write the static page into a folder, in place of an earlier one; the bytes that it has.

    Raises:
        UsageError: The folder holds something else, or cannot be written.
    """
    if target.exists() and not target.is_dir():
        raise UsageError(f"-o {target} is a file, and the page is a folder of files. Name a folder.")
    if target.is_dir() and any(target.iterdir()) and not (target / PACKAGE).is_file():
        raise UsageError(
            f"-o {target} holds other files, which would stand among those of the page. Name an empty folder."
        )
    static = Path(__file__).parent / "static"
    try:
        if target.is_dir():
            shutil.rmtree(target)
        shutil.copytree(static, target)
        (target / "pyodide").mkdir()
        for name in RUNTIME:
            shutil.copyfile(runtime / name, target / "pyodide" / name)
        (target / "pyodide" / "NOTICE.txt").write_text(NOTICE.format(version=_version(runtime)), encoding="utf-8")
        write_package(target / PACKAGE)
        with (target / "THIRD_PARTY.txt").open("a", encoding="utf-8") as licences:
            licences.write("\n" + _yaml_licence())
    except OSError as problem:
        raise UsageError(f"-o {target} cannot be written: {problem.strerror or problem}.") from None
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def write_package(target: Path) -> None:
    """The symbolic half of the installed package, and YAML, as a zip; the same files give the same bytes."""
    root, yaml = Path(__file__).parents[1], _yaml_folder()
    files = [(path, root.parent) for path in sorted(_symbolic(root))]
    files += [(path, yaml.parent) for path in sorted(yaml.glob("*.py"))]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, above in files:
            info = zipfile.ZipInfo(path.relative_to(above).as_posix())
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes())


def _symbolic(root: Path) -> Iterator[Path]:
    for path in root.rglob("*.py"):
        room, *rest = path.relative_to(root).with_suffix("").parts
        if room not in NUMERICAL and not (room == "web" and rest[0] in SERVED):
            yield path


def _yaml_folder() -> Path:
    found = importlib.util.find_spec("yaml")
    assert found is not None and found.origin is not None, "latentdo needs it"
    return Path(found.origin).parent


def _yaml_licence() -> str:
    """Whose work it is, in the words that it comes with."""
    here = importlib.metadata.distribution(YAML)
    texts = [file.read_text() for file in here.files or () if file.name == "LICENSE"]
    text = texts[0] if texts else "Under the MIT License (https://opensource.org/license/mit)."
    return YAML_LICENCE.format(line="=" * 78, name=YAML, version=here.version, text=text.strip())


def _version(runtime: Path) -> str:
    """What the runtime says of itself."""
    found = json.loads((runtime / RUNTIME[-1]).read_text(encoding="utf-8"))
    return str(found.get("info", {}).get("version", "of an unknown version"))
