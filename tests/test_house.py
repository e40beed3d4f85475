"""The house: layers, doors, the list of public names, docstrings, and what an import may not do."""

from __future__ import annotations

import ast
import inspect
import json
import os
import random
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import latentdo
from latentdo.cli.app import COMMANDS, HIDDEN
from latentdo.web.bridge import VERBS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "latentdo"
FILES = sorted(SOURCE.rglob("*.py"))
STORED_NAMES = (ROOT / "tests" / "api_names.txt").read_text().split()

# Every name that users have been promised; one appears at the top level once it works, and no other may.
PROMISED = frozenset(
    {"graph", "identify", "model", "fit", "ask", "compare", "check", "load", "load_study", "simulate"}
    | {
        "answerable",
        "same_admg",
        "fit_many",
        "sample_size",
        "experiment",
        "bounds",
        "sensitivity",
        "Auto",
        "Nuts",
        "Svi",
        "Laplace",
        "Map",
    }
    | {"Identified", "NotIdentified", "Posterior", "Answer", "LatentdoError", "NotIdentifiedError"}
)
# Files that are entered by their own names, so that a spec never pays for YAML or arrays.
OPEN_FILES = frozenset({("models", "build"), ("models", "study"), ("models", "numbers")})
ROOMS = frozenset(folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists())


def run_python(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints when it runs the code, warnings being errors."""
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# `__main__` runs the command line; everything else can be imported.
MODULES = [module_name(path) for path in FILES if path.name != "__main__.py"]


# --- layers and doors


def test_imports_go_downwards() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as main; main()",
        "--no-logo",
        "--no-cache",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stdout


def imported_modules(path: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, absolute name and imported names of each module that a file imports from, those inside functions too."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name, ()) for alias in names)
            case ast.ImportFrom(level=level, module=module, names=names):
                parts = package[: len(package) - level + 1] if level else []
                inner = tuple(alias.name for alias in names)
                yield node.lineno, ".".join([*parts, module] if module else parts), inner
            case _:
                pass


def test_rooms_are_entered_by_the_door() -> None:
    faults = []
    for path in FILES:
        room = path.relative_to(SOURCE).parts[0]
        for line, module, _ in imported_modules(path):
            match module.split("."):
                case ["latentdo", other, file, *_] if other in ROOMS - {room} and (other, file) not in OPEN_FILES:
                    faults.append(f"{path.relative_to(ROOT)}:{line} imports from {module}, not from latentdo.{other}")
                case _:
                    pass
    assert not faults, "\n".join(faults)


def test_no_file_is_a_drawer() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "base.py", "misc.py"}
    assert not [path for path in FILES if path.name in drawers]


def test_modules_are_small_and_say_what_they_are_for() -> None:
    long = {str(path.relative_to(ROOT)): n for path in FILES if (n := len(path.read_text().splitlines())) > 600}
    assert not long
    silent = [str(path.relative_to(ROOT)) for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_no_room_has_the_name_of_a_verb() -> None:
    # Importing a submodule binds its name on the package: a room `fit/` would hide the function `ld.fit`.
    assert not {path.stem for path in SOURCE.iterdir()} & PROMISED


# --- which file stands on which

# Where users, the command line and the page enter; the file of a command, or of a verb of the page, is loaded by its name.
ENTRANCES = frozenset(
    {"latentdo", "latentdo.__main__", "latentdo.cli"}
    | {f"latentdo.{n}" for n in ("types", "errors", "families")}
    | {f"latentdo.cli.{name.replace('-', '_')}" for name in (*COMMANDS, HIDDEN)}
    | {"latentdo.web", *(f"latentdo.web.{name}" for name in VERBS.values())}
)


def files_imported() -> dict[str, set[str]]:
    """The files that each file imports: at its top, inside functions, and for type checkers."""
    known = set(map(module_name, FILES))
    graph: dict[str, set[str]] = {}
    for path in FILES:
        found: set[str] = set()
        for _, module, names in imported_modules(path):
            inner = {f"{module}.{name}" for name in names} & known
            # `from . import render` imports a file, and the door only where another name comes from it.
            found |= inner if names and len(inner) == len(names) else inner | {module}
        graph[module_name(path)] = found & known - {module_name(path)}
    return graph


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The sets of files that import each other, directly or by way of others."""
    reached = {name: reachable(graph, {name}) for name in graph}
    found: list[set[str]] = []
    for name in graph:
        together = {other for other in reached[name] if name in reached[other]}
        if len(together) > 1 and together not in found:
            found.append(together)
    return found


def reachable(graph: dict[str, set[str]], start: set[str]) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_circle_of_files() -> None:
    assert not circles(files_imported())


def test_no_import_runs_up() -> None:
    # import-linter checks that imports go downwards; here, that nothing is left out of that check.
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ignored = {
        line for contract in contracts if contract["type"] == "layers" for line in contract.get("ignore_imports", ())
    }
    assert not ignored


def test_every_module_is_reachable_from_a_public_name_or_a_command() -> None:
    graph = files_imported()
    for name, path in zip(map(module_name, FILES), FILES, strict=True):
        parts = name.split(".")
        graph[name] |= {".".join(parts[:count]) for count in range(1, len(parts))} - {name}
        # A package that lists its own folder finds every module in it.
        if path.name == "__init__.py" and "iter_modules" in path.read_text():
            graph[name] |= {other for other in graph if other.startswith(f"{name}.")}
    assert not sorted(graph.keys() - reachable(graph, set(ENTRANCES)))


def test_no_folder_is_full() -> None:
    counts = Counter(path.parent for path in FILES if path.name != "__init__.py")
    assert not {folder.name: n for folder, n in counts.items() if n > 25}


# --- the public names


def test_public_names_are_the_stored_ones() -> None:
    assert sorted(latentdo.__all__) == sorted(STORED_NAMES)
    assert len(set(STORED_NAMES)) == len(STORED_NAMES)
    assert set(STORED_NAMES) <= PROMISED


def test_dir_lists_the_public_names() -> None:
    assert {name for name in dir(latentdo) if not name.startswith("_")} == set(STORED_NAMES)


def test_type_checkers_see_every_public_name() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname or alias.name for node in imports for alias in node.names} == set(STORED_NAMES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = latentdo.fitt


KINDS = """
import importlib, inspect, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
import latentdo
for name in latentdo.__all__:
    value = getattr(latentdo, name)
    right = inspect.isclass(value) if name[0].isupper() else inspect.isfunction(value)
    assert right, f"latentdo.{name} is a {type(value).__name__}"
"""


def check_import_order(modules: list[str]) -> None:
    run_python(KINDS, *modules)


@pytest.mark.parametrize("order", ["sorted", "reversed", "shuffled"])
def test_public_names_survive_any_order_of_imports(order: str) -> None:
    match order:
        case "sorted":
            check_import_order(sorted(MODULES))
        case "reversed":
            check_import_order(sorted(MODULES, reverse=True))
        case _:
            check_import_order(random.Random(0).sample(MODULES, len(MODULES)))


@pytest.mark.sample
@pytest.mark.parametrize("seed", range(1, 7))
def test_public_names_survive_more_orders_of_imports(seed: int) -> None:
    check_import_order(random.Random(seed).sample(MODULES, len(MODULES)))


def test_each_public_name_loads_on_its_own() -> None:
    # Each in an interpreter of its own would take a second a name: forget the package between them instead.
    run_python(
        """
import sys
for name in sys.argv[1:]:
    for module in [m for m in sys.modules if m == "latentdo" or m.startswith("latentdo.")]:
        del sys.modules[module]
    import latentdo
    getattr(latentdo, name)
""",
        *STORED_NAMES,
    )


# --- what an import may not do

HEAVY = "[m for m in ('jax', 'numpy', 'numpyro', 'scipy', 'pandas', 'matplotlib') if m in sys.modules]"


def test_graphs_models_and_verdicts_load_neither_jax_nor_numpy() -> None:
    code = f"""
import sys, json
import latentdo as ld
graph = ld.graph("W -> R -> X -> Y; W <-> X; W <-> Y")
model = ld.model("latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)")
assert model.graph.latent == {{"U"}}
for asked in (graph, model, "X -> Y; X <-> Y", "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"):
    verdict = ld.identify(asked, "P(Y | do(X))")
    str(verdict), verdict.identified and verdict.estimand.latex
assert "yaml" not in sys.modules and "msgspec" not in sys.modules
print(json.dumps({HEAVY}))
"""
    assert json.loads(run_python(code)) == []


def test_a_verdict_on_arrows_loads_no_models_and_no_tables_to_print() -> None:
    code = """
import sys, json
import latentdo as ld
ld.identify("W -> R -> X -> Y; W <-> X; W <-> Y", "P(Y | do(X))").estimand.text
print(json.dumps([m for m in ("latentdo.models", "latentdo.sheet", "latentdo.inference") if m in sys.modules]))
"""
    assert json.loads(run_python(code)) == []


def test_the_command_identify_loads_neither_jax_nor_numpy(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(
        "model: |\n  latent U ~ normal\n  X ~ normal(U)\n  M ~ normal(X)\n  Y ~ normal(M, U)\n"
        "queries:\n  effect: E[Y | do(X=1)]\n"
    )
    code = f"""
import sys, json
from latentdo.cli import main
sys.argv = ["latentdo", "identify", *sys.argv[1:]]
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
print(json.dumps({HEAVY}))
"""
    for arguments in ([str(study)], ["W -> R -> X -> Y; W <-> X; W <-> Y", "P(Y | do(X))", "--json"]):
        assert json.loads(run_python(code, *arguments).splitlines()[-1]) == []


def test_importing_everything_starts_no_backend_and_configures_nothing() -> None:
    run_python(
        """
import importlib, logging, sys
import latentdo
for module in sys.argv[1:]:
    importlib.import_module(module)
import jax
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized(), "a backend was started: some module makes an array"
assert not jax.config.jax_enable_x64
assert jax.config.jax_compilation_cache_dir is None
assert not logging.getLogger().handlers
""",
        *MODULES,
    )


def test_importing_the_package_changes_no_filter_and_no_logger() -> None:
    run_python(
        """
import logging, warnings
before = list(warnings.filters)
import latentdo
latentdo.identify
assert [filter for filter in warnings.filters if filter not in before] == []
assert not logging.getLogger().handlers
handlers = logging.getLogger("latentdo").handlers
assert all(isinstance(handler, logging.NullHandler) for handler in handlers)
"""
    )


# --- docstrings


def documented_things() -> Iterator[tuple[str, Any]]:
    """Every public name, everything behind the doors of the rooms, and the public methods of the classes among them."""
    from importlib import import_module

    modules = ["latentdo", "latentdo.types", "latentdo.errors", "latentdo.query", "latentdo.families"]
    modules += [f"latentdo.{room}" for room in sorted(ROOMS)]
    seen: set[int] = set()
    for module in [import_module(name) for name in modules if name in MODULES]:
        public = getattr(module, "__all__", None) or [
            name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__
        ]
        for name in public:
            value = getattr(module, name)
            ours = getattr(value, "__module__", "").startswith("latentdo")
            if name.startswith("_") or id(value) in seen or not ours:
                continue
            seen.add(id(value))
            if inspect.isclass(value):
                yield f"{module.__name__}.{name}", value
                for label, member in vars(value).items():
                    inner = getattr(member, "fget", None) or getattr(member, "func", None)
                    inner = inner or getattr(member, "__func__", member)
                    if not label.startswith("_") and inspect.isfunction(inner):
                        yield f"{module.__name__}.{name}.{label}", inner
            elif inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value


def test_public_things_have_a_docstring_whose_first_line_is_a_phrase() -> None:
    faults = []
    for label, thing in documented_things():
        text = inspect.getdoc(thing) if inspect.isfunction(thing) else (vars(thing).get("__doc__") or "").strip()
        first = (text or "").split("\n")[0]
        # What `@dataclass` writes where nobody wrote anything: the signature.
        generated = first.startswith(f"{label.rsplit('.', 1)[-1]}(")
        if not first or generated:
            faults.append(f"{label} has no docstring")
        elif (
            re.match(r"(This (function|method|class)|Returns?|Function|Method|Class)\b", first)
            or first[-1] not in ".:?"
        ):
            faults.append(f"{label}: {first!r} is not a phrase that names the result")
        elif len(text.split("\n")) > 1 and text.split("\n")[1].strip():
            faults.append(f"{label}: the first line runs on: {first!r}")
    assert not faults, "\n".join(faults)


def test_public_functions_explain_every_argument_they_document() -> None:
    # A renamed argument whose description stays behind misleads more than none.
    faults = []
    for label, thing in documented_things():
        text = inspect.getdoc(thing) or ""
        if not inspect.isfunction(thing) or "\nArgs:\n" not in text:
            continue
        section = text.partition("\nArgs:\n")[2].partition("\n\n")[0]
        described = re.findall(r"^    ([\w, *`]+):", section, flags=re.MULTILINE)
        names = {name.strip(" *`") for entry in described for name in entry.split(",")}
        if unknown := names - set(inspect.signature(thing).parameters):
            faults.append(f"{label} describes {sorted(unknown)}, which it does not take")
    assert not faults, "\n".join(faults)


# --- what is shipped


def test_wheel_holds_types_schema_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300, env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        schema = json.loads(archive.read("latentdo/models/study.schema.json"))
        (points,) = [name for name in names if name.endswith("entry_points.txt")]
        commands = archive.read(points).decode()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "latentdo/py.typed" in names
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {str(path.relative_to(SOURCE.parent).as_posix()) for path in FILES} <= names
    assert all(re.match(r"latentdo(/|-[\d.]+\.dist-info/)", name) for name in names)
    assert not [name for name in names if "__pycache__" in name]
    # The reproduction of the studies is an application of the checkout.
    assert not [name for name in names if "reproduction" in name or "/studies/" in name]
    assert "latentdo = latentdo.cli:main" in commands
