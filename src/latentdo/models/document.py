"""YAML text to plain values that know their place, read by the core rules of YAML 1.2.

Only `true` and `false` are booleans and nothing is a date, so that a node may be called NO, on or y. Anchors,
aliases and tags are refused: a study file needs none, and a few lines of them expand without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from latentdo.errors import NotationError, StudyError
from latentdo.graphs import normalised

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 20

_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})\Z|0x[0-9a-fA-F]{1,250}\Z")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?\Z|[-+]?[0-9]+[eE][-+]?[0-9]+\Z"
    r"|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)
# Beside what YAML forbids, what YAML 1.1 takes for the end of a line and nobody else does, and marks that have no width.
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_REPAIRS = (
    ("mapping values are not allowed", "A text that holds ': ' stands in quotes; a key starts its own line."),
    ("could not find expected ':'", "A key is followed by ':' and a blank; lines of a text are indented."),
    ("cannot start any token", "Put the text in quotes."),
    ("block end", "Lines of one mapping start in the same column."),
    (
        "sequence entries are not allowed",
        "A list starts on a line of its own; a text that starts with '- ' stands in quotes.",
    ),
    ("quoted scalar", "Close the quote."),
)
_FLOW_REPAIR = (
    "Inside { } and [ ] a comma or bracket ends a text: write one entry per line without the braces, or put "
    'the text in quotes, as in "normal(0, 10)".'
)
STUDY_FORM = "A study file has at least the key `model`"
"""What a document has to hold, unless its reader says otherwise."""


@dataclass(frozen=True)
class Place:
    """A place in the file, both numbers counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar:
    """A text, number, boolean or null; `.raw` is the text as YAML gives it before the type is known."""

    value: str | float | bool | None
    raw: str
    place: Place
    style: str | None
    last_line: int


@dataclass
class Items:
    """A list."""

    place: Place
    is_flow: bool
    items: list[Node] = field(default_factory=list["Node"])


@dataclass
class Entries:
    """A mapping, with the place of every key."""

    place: Place
    is_flow: bool
    entries: dict[str, Node] = field(default_factory=dict[str, "Node"])
    keys: dict[str, Place] = field(default_factory=dict[str, Place])
    key: str | None = None


Node = Scalar | Items | Entries


@dataclass(frozen=True)
class Document:
    """A file's text and what it holds.

    Attributes:
        name: How messages call the file.
        text: Its text, line ends as `\\n`.
        root: The mapping at the top.
    """

    name: str
    text: str
    root: Entries

    def error(self, problem: str, key: str | None, place: Place) -> StudyError:
        """A problem at a place of the file, with the line and a caret, to be raised."""
        return _error(self.name, self.text, problem, key, place)

    def place_in(self, scalar: Scalar, line: int, column: int) -> Place | None:
        """Where a place inside a text stands in the file; None where YAML has joined or unescaped lines."""
        inner, lines = scalar.raw.split("\n"), self.text.split("\n")
        if not 0 < line <= len(inner):
            return None
        if scalar.style == "|" and line == len(inner) > 1 and not inner[-1]:
            # The end of the text is the end of its last line, not the line below.
            line, column = line - 1, len(inner[line - 2]) + 1
        row = scalar.place.line + (line if scalar.style == "|" else line - 1)
        if row > len(lines):
            return None
        outer, wanted = lines[row - 1], inner[line - 1]
        if scalar.style == "|":
            start = len(outer) - len(wanted)
            return Place(row, column + start) if start >= 0 and outer.endswith(wanted) else None
        start = scalar.place.column - 1 + (scalar.style in ("'", '"'))
        return Place(row, column + start) if len(inner) == 1 and outer.startswith(wanted, start) else None


def read_document(text: str, name: str, form: str = STUDY_FORM) -> Document:
    """The mapping that a YAML text holds.

    Args:
        form: What such a text has to hold, for a message where it holds no mapping.

    Raises:
        StudyError: The text is no YAML, no mapping, or uses what is not read here; with line and column.
    """
    text = normalised(text)
    if len(text) > MAX_CHARACTERS:
        raise StudyError(f"{name} has {len(text)} characters; a study file has at most {MAX_CHARACTERS}.")
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        place = Place(line, found.start() - text.rfind("\n", 0, found.start()))
        raise _error(name, text, f"the character U+{ord(found.group()):04X} is no text. Remove it.", None, place)
    return Document(name, text, _Builder(name, text, form).build())


def plain(node: Node) -> Any:
    """The node as dicts, lists and scalars."""
    match node:
        case Scalar():
            return node.value
        case Items():
            return [plain(item) for item in node.items]
        case Entries():
            return {key: plain(value) for key, value in node.entries.items()}


def _error(name: str, text: str, problem: str, key: str | None, place: Place) -> StudyError:
    shown = NotationError(problem, text, place.line, place.column)
    return StudyError(f"{name}, {shown}", key, place.line, place.column)


class _Builder:
    """Builds the nodes from YAML's events, with a stack instead of recursion."""

    def __init__(self, name: str, text: str, form: str) -> None:
        self.name = name
        self.text = text
        self.form = form
        self.stack: list[Items | Entries] = []
        self.root: Node | None = None

    def build(self) -> Entries:
        for event in self.events():
            self.take(event)
        if self.root is None or (isinstance(self.root, Scalar) and self.root.value is None):
            raise StudyError(f"{self.name} is empty. {self.form}.", "model")
        if not isinstance(self.root, Entries):
            what = "a list" if isinstance(self.root, Items) else "one text"
            raise _error(
                self.name,
                self.text,
                f"expected keys such as `model:`, found {what}. A path is given as a pathlib.Path, or ends in .yaml or .yml."
                if self.form == STUDY_FORM
                else f"expected a number for each key, found {what}. {self.form}.",
                None,
                self.root.place,
            )
        return self.root

    def events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self.text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            self.explain(error)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            raise StudyError(f"{self.name} cannot be read as YAML: {error}") from None

    def explain(self, error: yaml.MarkedYAMLError) -> NoReturn:
        """Raise what YAML says, in its place and with a repair."""
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "quoted scalar" in (error.context or ""):
            mark = error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        problem = (error.problem or str(error)).replace("<", "").replace(">", "")
        lines = self.text.split("\n")
        line = lines[place.line - 1] if place.line <= len(lines) else ""
        context = error.context or ""
        repair = next((repair for known, repair in _REPAIRS if known in f"{context} {problem}"), "")
        if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
            repair = "A tab indents this line, and YAML is indented with blanks: replace it."
        elif "flow" in context or (self.stack and self.stack[-1].is_flow):
            repair = _FLOW_REPAIR
        raise _error(self.name, self.text, f"{problem}. {repair}".strip(), None, place) from None

    def take(self, event: yaml.Event) -> None:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if anchor := getattr(event, "anchor", None):
            self.fail(
                f"the anchor or alias {anchor!r} is not read: write the value out. A text that starts with "
                "'*' or '&' stands in quotes.",
                place,
            )
        if getattr(event, "tag", None) is not None:
            self.fail("a tag (a text that starts with '!') is not read: leave it out, or quote the text.", place)
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                self.fail("a second document starts here, and a file holds one study. Remove '---'.", place)
            case yaml.ScalarEvent():
                self.add_scalar(event, place)
            case yaml.MappingStartEvent():
                self.open(Entries(place, bool(event.flow_style)))
            case yaml.SequenceStartEvent():
                self.open(Items(place, bool(event.flow_style)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.stack.pop()
            case _:
                pass

    def fail(self, problem: str, place: Place) -> NoReturn:
        raise _error(self.name, self.text, problem, None, place)

    def open(self, node: Items | Entries) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.fail(f"the file is nested deeper than {MAX_DEPTH}.", node.place)
        self.add(node)
        self.stack.append(node)

    def add_scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        raw = event.value
        last = event.end_mark.line + 1
        parent = self.stack[-1] if self.stack else None
        if parent and parent.is_flow and event.style is None and _is_cut(raw):
            self.fail(_FLOW_REPAIR, place)
        if isinstance(parent, Entries) and parent.key is None:
            # A key is a name, whatever it looks like: a query may be called 1, a node NO.
            if raw in parent.entries:
                first = parent.keys[raw].line
                self.fail(f"the key {raw!r} is there twice, first in line {first}. Keep one.", place)
            parent.key = raw
            parent.keys[raw] = place
            return
        value = _resolve(raw) if event.implicit[0] else raw
        self.add(Scalar(value, raw, place, event.style, last))

    def add(self, node: Node) -> None:
        match self.stack[-1] if self.stack else None:
            case None:
                self.root = node
            case Items() as parent:
                parent.items.append(node)
            case Entries(key=None):
                self.fail("a key is a text, not a list or a mapping.", node.place)
            case Entries(key=str(key)) as parent:
                parent.entries[key] = node
                parent.key = None


def _is_cut(raw: str) -> bool:
    return any(raw.count(opening) != raw.count(closing) for opening, closing in ("()", "[]"))


def _resolve(raw: str) -> str | float | bool | None:
    if _NULL.match(raw):
        return None
    if raw in ("true", "false"):
        return raw == "true"
    if _INT.match(raw):
        return int(raw, 16 if raw.startswith("0x") else 10)
    if _FLOAT.match(raw):
        return float(re.sub(r"\.(inf|nan)", r"\1", raw, flags=re.IGNORECASE))
    return raw
