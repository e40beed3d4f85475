"""How a question may go on where the cursor stands: forms, nodes, levels and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from latentdo.errors import LatentdoError
from latentdo.graphs import Name, format_level, quote

from .reading import Reading, reading_of
from .request import Request

FORMS = {
    "E[": "mean",
    "P(": "probability or law",
    "Var[": "variance over units",
    "SD[": "standard deviation over units",
    "Median[": "median",
    "Quantile[": "what a share of units stays below",
    "odds(": "odds of an event",
    "density(": "density at a value",
    "RD[": "risk difference",
    "RR[": "risk ratio",
    "OR[": "odds ratio",
    "NNT[": "number needed to treat",
}
"""How a term starts, and what it asks for."""
_CHANGES = {"RD", "RR", "OR", "NNT"}
_EVENTS = {"P", "odds", "density", *_CHANGES}
_SIGNS = {"=": "equal to", ">": "above", "<": "below", ">=": "at least", "<=": "at most"}
_PIECE = re.compile(r"`[^`]*`|'[^']*'|[^\W\d]\w*|\d[\w.]*|<=|>=|->|\S")


@dataclass
class Frame:
    """A bracket that is open at the cursor.

    Attributes:
        word: What stands before it: `E`, `do`; empty of a bracket of arithmetic.
        behind: Whether the bar was passed.
        last: The last word or sign in it.
        valued: Whether the node that was named last has its value.
        node: The node that was named last.
        used: The nodes named in it.
        has_do: Whether a `do( )` was written behind the bar.
    """

    word: str = ""
    behind: bool = False
    last: str = ""
    valued: bool = False
    node: Name | None = None
    used: set[Name] = field(default_factory=set[Name])
    has_do: bool = False


def complete(request: Request) -> dict[str, Any]:
    """What may stand at the cursor of a question, and the stretch that it replaces."""
    text, query = request.text("text"), request.text("query")
    cursor = min(request.whole("cursor", len(query)), len(query))
    try:
        reading = reading_of(text)
    except LatentdoError:
        reading = None  # forms can be offered all the same
    typed = re.search(r"`[^`]*$|(?<![\w`])[^\W\d]\w*$|$", query[:cursor])
    assert typed is not None, "the last branch fits everywhere"
    behind = re.match(r"[^`]*`" if typed.group().startswith("`") else r"\w*", query[cursor:])
    wanted, start = typed.group().strip("`").casefold(), typed.start()
    offered = list(_offered(_frames(query[:start]), reading))
    found = [each for each in offered if each["label"].strip("`").casefold().startswith(wanted)]
    end = cursor + (len(behind.group()) if behind and wanted else 0)
    if wanted and [each["label"] for each in found] == [query[start:end]]:
        # The word is whole: what follows it.
        start = end
        found = list(_offered(_frames(query[:end]), reading))
    elif wanted:
        found += [each for each in offered if each not in found and wanted in each["label"].casefold()]
        found = [each for each in found if each["kind"] != "sign"]
    return {"from": start, "to": end, "candidates": found}


def _frames(head: str) -> list[Frame]:
    """The brackets that are open behind a piece of a question, the outermost first: the first is the question itself."""
    frames, word = [Frame()], ""
    for piece in _PIECE.findall(head):
        here = frames[-1]
        if piece in "([":
            here.has_do |= word == "do"
            frames.append(Frame(word))
        elif piece in ")]":
            if len(frames) > 1:
                closed = frames.pop()
                frames[-1].used |= closed.used
            frames[-1].last = ")"
        else:
            here.behind |= piece == "|"
            here.valued = piece not in (",", "|") and (here.valued or piece in (*_SIGNS, "~", ":"))
            is_node = len(frames) > 1 and (piece[0] in "`_" or piece[0].isalpha()) and here.last in ("", ",", "|")
            if is_node:
                node: Name = piece.strip("`")
                here.node = node
                here.used.add(node)
            here.last = piece
        word = piece
    return frames


def _offered(frames: list[Frame], reading: Reading | None) -> Iterator[dict[str, Any]]:
    here = frames[-1]
    used = set[Name]().union(*(frame.used for frame in frames))
    if not here.word:
        yield from _outside(here, inside=len(frames) > 1)
    elif here.last in ("=", ">", "<", ">=", "<=", ":", "->"):
        yield from _values(here, reading)
    elif here.last in ("", ",", "|"):
        if here.behind and not here.has_do and here.word not in _CHANGES:
            yield _candidate("do()", "word", "what is set", cursor=3)
        yield from _nodes(reading, used)
    elif here.last == "~":
        for law in ("normal(0, 1)", "bernoulli(0.5)"):
            yield _candidate(law, "word", "drawn from a law")
    elif here.last != ")" or here.behind:
        yield from _after_node(here)
    else:
        yield _candidate(" | do()", "word", "what is set", cursor=6)


def _outside(here: Frame, *, inside: bool) -> Iterator[dict[str, Any]]:
    """Between terms: another term, or what joins it to the one before."""
    if here.last == ")" or here.last[:1].isdigit():
        for sign, words in ((" - ", "minus"), (" / ", "divided by"), (" + ", "plus"), (" * ", "times")):
            yield _candidate(sign, "sign", words)
        if here.last == ")" and not inside:
            yield _candidate(" for ", "word", "along values of a node")
        return
    for form, words in FORMS.items():
        closing = "]" if form.endswith("[") else ")"
        yield _candidate(form + closing, "form", words, cursor=len(form))


def _nodes(reading: Reading | None, used: set[Name]) -> Iterator[dict[str, Any]]:
    """The measured nodes, those not yet in the term first."""
    if reading is None:
        return
    for node in sorted(reading.graph.measured, key=lambda node: node in used):
        family = "" if reading.spec is None else reading.spec[node].family.name
        yield _candidate(quote(node), "node", family)


def _values(here: Frame, reading: Reading | None) -> Iterator[dict[str, Any]]:
    """Values of the node that was named last: its levels, where the model states them, else 0 and 1."""
    states: tuple[Any, ...] = ()
    if reading is not None and reading.spec is not None and here.node in reading.graph.nodes:
        states = reading.spec[here.node].family.states
    for value in states or (0.0, 1.0):
        yield _candidate(format_level(value), "level", f"of {here.node}" if here.node else "")


def _after_node(here: Frame) -> Iterator[dict[str, Any]]:
    """Behind a node: its value where it may have one, the bar, another node."""
    if here.word == "do":
        signs = {} if here.valued else {"=": "set to a value", " ~ ": "drawn from a law"}
    elif here.word in _CHANGES and here.behind:
        signs = {} if here.valued else {": 0 -> 1": "from one value to another"}
    else:
        signs = {} if here.valued or not (here.behind or here.word in _EVENTS) else _SIGNS
    for sign, words in signs.items():
        yield _candidate(sign, "sign", words)
    if not here.behind and here.word not in ("do", *_CHANGES):
        yield _candidate(" | do()", "word", "what is set", cursor=6)
    if not here.behind and here.word in _CHANGES:
        yield _candidate(" | ", "word", "what is set")
    if here.word not in _CHANGES:
        yield _candidate(", ", "sign", "and another")


def _candidate(insert: str, kind: str, detail: str, *, cursor: int | None = None) -> dict[str, Any]:
    at = len(insert) if cursor is None else cursor
    return {"insert": insert, "label": insert.strip(), "kind": kind, "detail": detail, "cursor": at}
