"""dagitty text, `dag { U [latent] U -> {X Y} X -> Y }`, to a graph.

Exposures and outcomes make a question, P(outcome | do(exposure)). Positions and what is adjusted for belong to a drawing or an
analysis, not to the graph.
"""

from __future__ import annotations

import re
import unicodedata

from latentdo.errors import GraphError, NotationError, UnsupportedError, nearest
from latentdo.graphs import LatentDag, Name, normalised, quote

from ..draft import Draft
from ..recognition import DAGITTY
from ..report import Read
from ..scanner import Scanner, Token

_TOKEN = re.compile(
    r"(?P<blank>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>\"[^\"\n]*\")"
    r"|(?P<edge><->|->|<-|--|@-@|@->|<-@|@--|--@)"
    r"|(?P<symbol>[{}\[\]=,;])"
    r"|(?P<name>[\w.]+)",
    re.DOTALL,
)
_HINT = 'An edge is -> <- or <->; a name that is not a plain word stands in double quotes: "IL-6".'
_VALUE = re.compile(r"\s*(\"[^\"\n]*\"|[^\s,;\[\]{}\"]+)")
_IGNORED = ("exposure", "outcome", "adjusted", "pos", "source", "target", "beta")
_LATENT = ("latent", "unobserved")
_UNREADABLE = {
    "pdag": "A pdag stands for many graphs at once",
    "mag": "A mag has latents and selection already summed out",
    "pag": "A pag stands for many graphs at once",
}


def read_dagitty(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a text that `is_dagitty`.

    Raises:
        NotationError: The text cannot be read.
        GraphError: The graph is of a kind, or has an edge or role, that a latent DAG cannot hold.
    """
    text = normalised(text)
    opening = DAGITTY.match(text)
    if opening is None:
        raise NotationError("expected a graph of dagitty: dag { X -> Y }.", text, 1, 1)
    if why := _UNREADABLE.get(opening.group(1)):
        raise GraphError(f"{why}, and this tool reasons about one DAG with latents. Write it as dag {{ … }}.")
    reader = _Reader(text, opening.end())
    reader.statements()
    return reader.draft(source).read(cycles, questions=reader.questions)


class _Reader(Scanner):
    """The statements read so far."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(text, _TOKEN, hint=_HINT, at=at)
        self.nodes: dict[Name, None] = {}
        self.latent: set[Name] = set()
        self.exposures: dict[Name, None] = {}
        self.outcomes: dict[Name, None] = {}
        self.directed: dict[tuple[Name, Name], None] = {}
        self.bidirected: dict[frozenset[Name], tuple[Name, Name]] = {}

    def scan(self) -> Token:
        """The next token; a name in quotes without them."""
        token = super().scan()
        return Token("name", token.text[1:-1], token.at) if token.kind == "quoted" else token

    def statements(self) -> None:
        """Everything up to the closing brace."""
        while not self.accept("}"):
            if self.current.kind == "end":
                self.fail("the '{' of the graph is never closed: '}' is missing.")
            if not self.accept(";"):
                self.statement()
        if self.current.kind != "end":
            self.unexpected("the end of the text after '}'")

    def statement(self) -> None:
        if self.current.text == "bb" and self.text[self.at :].lstrip().startswith("="):
            # The bounding box of the drawing is no node.
            self.advance()
            self.value()
            return
        left = self.group()
        if self.current.kind != "edge":
            if self.accept("["):
                self.node_attributes(left)
            return
        while self.current.kind == "edge":
            edge = self.advance()
            right = self.group()
            for a in left:
                for b in right:
                    self.edge(a, edge, b)
            left = right
        if self.accept("["):
            for key, at in self.attributes():
                if key not in ("pos", "beta", "label"):
                    self.fail(f"an edge has no attribute {key!r}. Remove it.", at)

    def group(self) -> tuple[Name, ...]:
        if not self.accept("{"):
            return (self.name("the name of a node"),)
        names: list[Name] = []
        while not self.accept("}"):
            if self.current.kind == "edge":
                self.fail("a group holds names only. Write its edges as statements of their own.")
            if not (self.accept(",") or self.accept(";")):
                names.append(self.name("a name or '}' in the group"))
        if not names:
            self.fail("the group is empty. Name its nodes: {A B}.")
        return tuple(names)

    def name(self, expected: str) -> Name:
        if self.current.kind != "name":
            self.unexpected(expected)
        token = self.advance()
        if not token.text:
            self.fail("the name between the quotes is empty.", token.at)
        for offset, char in enumerate(token.text):
            if char == "`" or unicodedata.category(char) in ("Cc", "Cs"):
                self.fail(f"{char!r} cannot stand in a name.", token.at + 1 + offset)
        self.nodes.setdefault(token.text)
        return token.text

    def value(self) -> None:
        """Step over the value after the `=` that stands here; none of them says anything about the graph."""
        match = _VALUE.match(self.text, self.at)
        if match is None:
            self.fail("expected a value after '='.", self.at)
        self.at = match.end()
        self.current = self.scan()

    def attributes(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        while not self.accept("]"):
            if self.accept(","):
                continue
            if self.current.kind != "name":
                self.unexpected("an attribute or ']'")
            key = self.advance()
            found.append((key.text, key.at))
            if self.current.text == "=":
                self.value()
        return found

    def node_attributes(self, names: tuple[Name, ...]) -> None:
        for key, at in self.attributes():
            if key in _LATENT:
                self.latent.update(names)
            elif key in ("exposure", "outcome"):
                (self.exposures if key == "exposure" else self.outcomes).update(dict.fromkeys(names))
            elif key == "selected":
                raise GraphError(
                    f"Line {self.line(at)}: {names[0]!r} is marked [selected], and selection is not "
                    "supported. Remove the mark if the data are not selected by it."
                )
            elif key not in _IGNORED:
                self.fail(f"a node has no attribute {key!r}. {nearest(key, (*_LATENT, *_IGNORED))}", at)

    def edge(self, a: Name, edge: Token, b: Name) -> None:
        match edge.text:
            case "->":
                self.directed.setdefault((a, b))
            case "<-":
                self.directed.setdefault((b, a))
            case "<->":
                self.bidirected.setdefault(frozenset((a, b)), (a, b))
            case _:
                raise GraphError(
                    f"Line {self.line(edge.at)}: {a} {edge.text} {b} has no direction, and a causal graph "
                    "needs one. Write -> for a cause, <-> for a hidden common cause."
                )

    @property
    def questions(self) -> tuple[tuple[str, str], ...]:
        """What the exposures do to the outcomes; nothing where that is no question: a node is both, or latent."""
        both = self.exposures.keys() & self.outcomes.keys()
        if not self.exposures or not self.outcomes or both or self.latent & {*self.exposures, *self.outcomes}:
            return ()
        outcomes, exposures = (", ".join(map(quote, names)) for names in (self.outcomes, self.exposures))
        return (("effect", f"P({outcomes} | do({exposures}))"),)

    def draft(self, source: str) -> Draft:
        """The graph in the making."""
        if not self.nodes:
            raise GraphError("The dag { } has no node. Write dag { X -> Y }.")
        draft = Draft("dagitty", source)
        for name in self.nodes:
            draft.node(name, source, latent=name in self.latent)
        for cause, effect in self.directed:
            draft.edge(cause, effect, source)
        for a, b in self.bidirected.values():
            draft.arc(a, b, source)
        return draft


def write_dagitty(graph: LatentDag) -> str:
    """The graph as dagitty text, which `read_dagitty` reads back.

    Raises:
        UnsupportedError: A name with a double quote, for which dagitty has no way to write it.
    """
    for name in graph.nodes:
        if '"' in name:
            raise UnsupportedError(f"dagitty has no way to write the double quote in {name!r}. Rename the node.")
    lines = [f"{_quoted(node)}{' [latent]' * (node in graph.latent)}" for node in graph.nodes]
    order = {node: k for k, node in enumerate(graph.nodes)}
    edges = sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]]))
    lines += [f"{_quoted(a)} -> {_quoted(b)}" for a, b in edges]
    lines += [f"{_quoted(a)} <-> {_quoted(b)}" for a, b, _ in graph.bidirected]
    return "\n".join(["dag {", *(f"  {line}" for line in lines), "}", ""])


def _quoted(name: Name) -> str:
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", name) and name != "bb" else f'"{name}"'
