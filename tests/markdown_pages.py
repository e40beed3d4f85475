"""Pages of the documentation as programs: their blocks are run in order, and what they print is compared.

A page's Python blocks share one namespace, and all pages share one folder. The rules for writers are in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
import shutil
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import latentdo
from latentdo.errors import LatentdoError
from latentdo.query import Query
from page_numbers import same_output

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`]*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_EXIT_CODE = re.compile(r"\s+#\s*exit code (\d+)\s*$")

OUTPUT = frozenset({"text", "json"})
SHELL = frozenset({"sh", "console"})
# Blocks that are shown and not run.
SHOWN = frozenset({"bibtex", "mermaid"})


class PageError(AssertionError):
    """What a page says is not what happens; the message starts with file and line."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands after it on the fence, the line of its first line, and its text."""

    language: str
    info: str
    line: int
    text: str

    @property
    def title(self) -> str | None:
        """The file that the block is, from `title="study.yaml"`."""
        found = _TITLE.search(self.info)
        return found[1] if found else None


def blocks(text: str) -> tuple[Block, ...]:
    """The fenced blocks of a page in order, those inside comments too: a reader need not see every preparation."""
    found: list[Block] = []
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        opening = _FENCE.match(lines[i])
        i += 1
        if opening is None:
            continue
        start = i
        while i < len(lines) and lines[i].strip() != opening["fence"]:
            i += 1
        indent = len(opening["indent"])
        language, _, rest = opening["info"].strip().partition(" ")
        found.append(Block(language, rest, start + 1, "\n".join(line[indent:] for line in lines[start:i])))
        i += 1
    return tuple(found)


def pairs(page: str) -> Iterator[tuple[Block, Block | None]]:
    """Each block with the output block that follows it at once, only blank lines between."""
    found, lines = blocks(page), page.split("\n")
    taken = set[int]()
    for i, block in enumerate(found):
        if i in taken:
            continue
        after = block.line + block.text.count("\n") + 1
        expected = None
        if block.language in {"python", "sh"} and i + 1 < len(found) and found[i + 1].language in OUTPUT:
            between = lines[after : found[i + 1].line - 2]
            if not any(line.strip() for line in between) and found[i + 1].title is None:
                expected = found[i + 1]
                taken.add(i + 1)
        yield block, expected


class Runner:
    """Runs pages in one folder, which must be the current one.

    Args:
        root: The checkout, which says what `make` and `pip install` may name.
        main: The command line's entry point.
    """

    def __init__(self, root: Path, main: Callable[[], Any]) -> None:
        self.root = root
        self.main = main

    def run(self, path: Path) -> None:
        """Run one page.

        Raises:
            PageError: At the first block that fails or does not print what the page shows.
        """
        namespace: dict[str, Any] = {"__name__": "__main__"}
        # What a page offers to download is there.
        for table in (path.parent / "data").glob("*"):
            shutil.copy(table, table.name)
        for block, expected in pairs(path.read_text(encoding="utf-8")):
            place = f"{path.relative_to(self.root)}:{block.line}"
            if block.title:
                Path(block.title).write_text(block.text + "\n", encoding="utf-8")
            match block.language:
                case "python":
                    self._python(block, expected, namespace, path)
                case "sh":
                    self._compare(place, expected and expected.text, self._shell(block, place))
                case "console":
                    self._console(block, place)
                case "yaml":
                    _check_yaml(block, place)
                case "latentdo":
                    _check_notation(block, place)
                case "json":
                    json.loads(block.text)
                case "toml":
                    tomllib.loads(block.text)
                case "text":
                    pass
                case language if language in SHOWN:
                    pass
                case other:
                    known = ", ".join(sorted({"python", "yaml", "toml", "latentdo"} | SHELL | OUTPUT | SHOWN))
                    raise PageError(f"{place}: a block of {other or 'no language'}; known are {known}")

    def _python(self, block: Block, expected: Block | None, namespace: dict[str, Any], path: Path) -> None:
        """Run a block; an expression with a comment behind or right below it must give what the comment shows."""
        place = f"{path.relative_to(self.root)}:{block.line}"
        # Empty lines in front: a traceback then shows the page's own line numbers.
        source = "\n" * (block.line - 1) + block.text
        shown = comments(block.text, block.line)
        printed: list[str] = []
        statements = ast.parse(source, str(path)).body
        for statement in statements:
            comment = shown.get(statement.end_lineno or 0) if isinstance(statement, ast.Expr) else None
            with captured() as streams:
                try:
                    value = _execute(statement, namespace, str(path))
                except LatentdoError as error:
                    if expected is None:
                        raise PageError(f"{place}: {traceback.format_exc()}") from error
                    value = None
                    print(f"{type(error).__name__}: {error}")
                except Exception as error:
                    raise PageError(f"{place}: {traceback.format_exc()}") from error
            output = streams[0].getvalue()
            if comment is not None:
                at = f"{path.relative_to(self.root)}:{statement.lineno}"
                self._compare(at, comment, output or str(value), cells_of(namespace))
            elif statement is statements[-1] and value is not None:
                # As in a notebook: the last expression shows its value.
                output += f"{value}\n"
            printed.append(output)
        self._compare(place, expected and expected.text, "".join(printed), cells_of(namespace))

    def _shell(self, block: Block, place: str) -> str:
        """What the commands of a block print."""
        commands = block.text.replace("\\\n", " ").split("\n")
        return "".join(self._command(line, place) for line in commands if line.strip() and line.strip()[0] != "#")

    def _console(self, block: Block, place: str) -> None:
        """Commands after `$ `, each with what it prints below it."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            self._compare(place, expected, self._command(command, place))

    def _command(self, line: str, place: str) -> str:
        found = _EXIT_CODE.search(line)
        expected_code = int(found[1]) if found else 0
        words = shlex.split(line, comments=True)
        match words:
            case ["latentdo", *_]:
                code, output, errors = self._run(words, self.main)
            case ["python", "-m", "studies", *arguments]:
                from studies.__main__ import main

                code, output, errors = self._run(["studies", *arguments], main)
            case ["make", target] if target in make_targets(self.root):
                return ""
            case ["pip", "install", what] if is_ours(self.root, what):
                return ""
            case _:
                raise PageError(f"{place}: `{line}` is neither a latentdo command, a make target nor our pip line")
        if code != expected_code:
            raise PageError(f"{place}: `{line}` ends with {code}, not {expected_code}\n{output}{errors}")
        # On a terminal both streams are seen; progress is not shown where there is none.
        return output + (errors if code else "")

    def _run(self, words: list[str], main: Callable[[], int]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command, run in this process: a new one would load JAX each time."""
        before, sys.argv = sys.argv, words
        with captured() as (out, err):
            try:
                code = main()
            except SystemExit as stop:
                code = stop.code
            finally:
                sys.argv = before
        return int(code or 0), out.getvalue(), err.getvalue()

    def _compare(
        self, place: str, expected: str | None, printed: str, cells: Sequence[tuple[float, float]] = ()
    ) -> None:
        if expected is not None and not same_output(expected, printed, cells):
            raise PageError(f"{place}: the page shows\n{expected.rstrip()}\n\nand this is printed\n{printed.rstrip()}")


def cells_of(namespace: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Estimate and sd of every effect in the matrices that a page has made: they print neither interval nor sd."""
    effects = [effect for value in namespace.values() if hasattr(value, "effects") for effect in value.effects]
    return [(effect.estimate, effect.sd) for effect in effects if effect.estimate is not None and effect.sd is not None]


@contextlib.contextmanager
def captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """What is written to stdout and stderr meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


def comments(text: str, first_line: int) -> Mapping[int, str]:
    """By the line that a statement ends on, the comment behind it, or else the comment lines right below it."""
    lines = text.split("\n")
    found: dict[int, str] = {}
    for i, line in enumerate(lines):
        code, comment = _split_comment(line)
        below = []
        for following in lines[i + 1 :]:
            if not following.startswith("#"):
                break
            below.append(following.removeprefix("#"))
        if code.strip() and (comment is not None or below):
            found[first_line + i] = "\n".join([*([comment] if comment is not None else []), *below])
    return found


def _split_comment(line: str) -> tuple[str, str | None]:
    """Code and comment of one line; a `#` inside quotes is code."""
    quote = ""
    for i, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#":
            return line[:i], line[i + 1 :]
    return line, None


def _execute(statement: ast.stmt, namespace: dict[str, Any], filename: str) -> Any:
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), filename, "eval"), namespace)
    exec(compile(ast.Module([statement], []), filename, "exec"), namespace)
    return None


def _check_yaml(block: Block, place: str) -> None:
    """A study, or a piece of one, is read; other YAML only has to be YAML."""
    try:
        entries = yaml.safe_load(block.text)
        if isinstance(entries, dict) and "model" in entries:
            latentdo.load_study(Path(block.title) if block.title else _written(block.text))
    except (yaml.YAMLError, LatentdoError) as error:
        raise PageError(f"{place}: {error}") from error


def _written(text: str) -> Path:
    path = Path("shown-study.yaml")
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _check_notation(block: Block, place: str) -> None:
    """A text in our notation is read: a model if it has a mechanism, queries if each line is one, else a graph."""
    try:
        if re.match(r"\s*[(]*[EP][\[(]", block.text):
            for line in block.text.splitlines():
                if query := line.partition("#")[0].strip():
                    Query.parse(query)
        elif re.search(r"(?<!=)~(?!~)", re.sub(r"#.*|~~", "", block.text)):
            latentdo.model(block.text)
        else:
            latentdo.graph(block.text)
    except LatentdoError as error:
        raise PageError(f"{place}: {error}") from error


def make_targets(root: Path) -> frozenset[str]:
    """The targets that `make help` lists."""
    return frozenset(re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(), flags=re.MULTILINE))


def is_ours(root: Path, requirement: str) -> bool:
    """Whether a requirement is this package, with extras that it has."""
    found = re.fullmatch(r"latentdo(?:\[([\w,]+)\])?", requirement)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found is not None and set((found[1] or "all").split(",")) <= set(project["optional-dependencies"])
