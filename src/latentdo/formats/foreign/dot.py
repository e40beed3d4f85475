"""DOT, the language of Graphviz: the part of it that states a graph; looks are stepped over.

Read are `digraph` with nodes, chains of edges, ports, subgraphs and groups, default attributes and quoted names. What of the
looks means something: `arrowhead=tee` inhibits, `arrowhead=none` is no direction, `dir=both` is a hidden common cause,
`dir=back` turns the edge round, a dashed or dotted node is latent, as `latent=true` says too.

Source:
    The DOT language, graphviz.org/doc/info/lang.html.
"""

from __future__ import annotations

import re

from latentdo.errors import GraphError
from latentdo.graphs import LatentDag, Name, quote

from ..draft import Draft
from ..report import Edge, Read
from ..scanner import Scanner, Token

_TOKEN = re.compile(
    r"(?P<blank>\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/|\#[^\n]*+)"
    r"|(?P<quoted>\"(?:[^\"\\]|\\[\s\S])*+\")"
    r"|(?P<html><(?:[^<>]++|<[^<>]*+>)*+>)"
    r"|(?P<edge>->|--)"
    r"|(?P<symbol>[{}\[\]=,;:+])"
    r"|(?P<name>-?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?![\w])|[^\W\d]\w*)"
)
_HINT = 'A name that is not a plain word stands in double quotes: "IL-6".'
_COMPASS = frozenset({"n", "ne", "e", "se", "s", "sw", "w", "nw", "c", "_"})
_HIDDEN = frozenset({"dashed", "dotted"})
_TRUE = frozenset({"true", "yes", "1"})
_PLAIN = frozenset(
    {"", "normal", "lnormal", "rnormal", "onormal", "empty", "vee", "lvee", "rvee", "open", "halfopen", "true"}
)
_TEE = frozenset({"tee", "obox", "obot"})
_SIGNS = {"+": "+", "-": "-", "−": "-", "activates": "+", "inhibits": "-", "activation": "+", "inhibition": "-"}
DEPTH = 100
"""Subgraphs inside each other, at most."""

Attributes = dict[str, str]


def read_dot(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph of a text in DOT.

    Raises:
        NotationError: The text cannot be read; says where.
        GraphError: It states an undirected graph, or one with cycles.
    """
    reader = _Reader(text, "" if source == "text" else source)
    reader.whole()
    return reader.draft(source).read(cycles)


class _Reader(Scanner):
    """The statements read so far."""

    def __init__(self, text: str, source: str) -> None:
        self.nodes: dict[Name, Attributes] = {}
        self.places: dict[Name, int] = {}
        self.edges: list[tuple[Name, Name, Attributes, int]] = []
        self.depth = 0
        super().__init__(text, _TOKEN, source, _HINT)

    def whole(self) -> None:
        """The head, the braces and what stands between them."""
        if self._word("strict"):
            self.advance()
        if self._word("graph"):
            raise GraphError(
                f"{self.source or 'text'}, line {self.line()}: a `graph` of DOT is undirected, and a cause points at its "
                "effect. Write digraph { X -> Y }."
            )
        if not self._word("digraph"):
            self.unexpected("'digraph'")
        self.advance()
        if self.current.kind in ("name", "quoted", "html"):
            self.advance()
        self.expect("{", "behind the head of the graph")
        self.statements({}, {})
        if self.current.kind != "end":
            self.unexpected("the end of the text after '}'")

    def _word(self, word: str) -> bool:
        return self.current.kind == "name" and self.current.text.lower() == word

    def statements(self, node: Attributes, edge: Attributes) -> tuple[Name, ...]:
        """What stands up to the closing brace; the nodes that it mentions."""
        node, edge = dict(node), dict(edge)
        mentioned: dict[Name, None] = {}
        while not self.accept("}"):
            if self.current.kind == "end":
                self.unexpected("'}'")
            if not self.accept(";") and not self.accept(","):
                mentioned.update(dict.fromkeys(self.statement(node, edge)))
        return tuple(mentioned)

    def statement(self, node: Attributes, edge: Attributes) -> tuple[Name, ...]:
        """One statement; the default attributes are changed where it states some."""
        for word, defaults in (("node", node), ("edge", edge), ("graph", {})):
            if self._word(word):
                self.advance()
                defaults.update(self.attributes())
                return ()
        is_node = not self._word("subgraph") and self.current.kind != "symbol"
        left = self.group(node, edge)
        if is_node and self.accept("="):
            # An attribute of the graph: `rankdir=LR`.
            self.forget(left[0])
            self.value()
            return ()
        mentioned, links = list(left), list[tuple[tuple[Name, ...], tuple[Name, ...], int]]()
        while self.current.kind == "edge":
            arrow = self.advance()
            if arrow.text == "--":
                self.fail("-- has no direction, and a cause points at its effect. Write ->.", arrow.at)
            right = self.group(node, edge)
            links.append((left, right, arrow.at))
            mentioned += right
            left = right
        own = self.attributes()
        for causes, effects, at in links:
            self.edges += [(a, b, {**edge, **own}, at) for a in causes for b in effects]
        if is_node and not links:
            self.nodes[left[0]].update(own)
        return tuple(mentioned)

    def forget(self, name: Name) -> None:
        """What stood before `=` was no node, unless it is one elsewhere."""
        if not self.known:
            del self.nodes[name]

    def group(self, node: Attributes, edge: Attributes) -> tuple[Name, ...]:
        """A node, or the nodes of a subgraph."""
        if self._word("subgraph"):
            self.advance()
            if self.current.kind in ("name", "quoted"):
                self.advance()
            if not (self.current.kind == "symbol" and self.current.text == "{"):
                self.unexpected("'{' behind the name of the subgraph")
        if self.accept("{"):
            self.depth += 1
            if self.depth > DEPTH:
                self.fail(f"subgraphs stand in each other more than {DEPTH} deep.")
            found = self.statements(node, edge)
            self.depth -= 1
            return found
        at = self.current
        name = self.name("a node, an edge or '}'")
        if not name:
            self.fail("the name of a node is empty.", at.at)
        self.known = name in self.nodes
        self.nodes.setdefault(name, dict(node))
        self.places.setdefault(name, at.at)
        if self.accept(":"):
            self.name("a port")
            if self.accept(":"):
                self.name("a compass point")
        return (name,)

    def name(self, expected: str) -> str:
        """A name, quoted names without their quotes; pieces joined by `+` are one."""
        token = self.current
        if token.kind == "html":
            self.fail("a name in HTML is not read. Write it in double quotes.")
        if token.kind not in ("name", "quoted"):
            self.unexpected(expected)
        self.advance()
        text = _unquoted(token)
        while token.kind == "quoted" and self.accept("+"):
            if self.current.kind != "quoted":
                self.unexpected("a text in double quotes behind '+'")
            text += _unquoted(self.advance())
        return text

    def attributes(self) -> Attributes:
        """All lists in brackets that stand here."""
        found: Attributes = {}
        while self.accept("["):
            while not self.accept("]"):
                if self.accept(",") or self.accept(";"):
                    continue
                key = self.name("an attribute or ']'").lower()
                found[key] = self.value() if self.accept("=") else "true"
        return found

    def value(self) -> str:
        """What stands behind `=`."""
        if self.current.kind == "html":
            return self.advance().text
        return self.name("a value behind '='")

    def draft(self, source: str) -> Draft:
        """The graph in the making."""
        draft = Draft("DOT", source)
        for name, attributes in self.nodes.items():
            said = attributes.get("latent", attributes.get("unobserved", ""))
            styles = set(attributes.get("style", "").replace(" ", "").split(","))
            hidden = said.lower() in _TRUE if said else bool(styles & _HIDDEN)
            draft.node(name, f"line {self.line(self.places[name])}", latent=hidden)
            if hidden and not said:
                draft.notes.append(f"the dashed node {quote(name)} is read as latent.")
        self.link(draft)
        return draft

    def link(self, draft: Draft) -> None:
        """The edges, with what their looks say."""
        plain: set[Edge] = set()
        for a, b, attributes, at in self.edges:
            where = f"line {self.line(at)}"
            if "invis" in attributes.get("style", ""):
                draft.drop(where, f"{quote(a)} -> {quote(b)} is invisible, there for the drawing alone")
                continue
            way = attributes.get("dir", "forward")
            ends = {"both": ("arrowhead", "arrowtail"), "back": ("arrowtail",)}.get(way, ("arrowhead",))
            for end in ends if way != "none" else ():
                self.head(draft, f"{quote(a)} -> {quote(b)}", end, attributes.get(end, "").lower(), at)
            match way:
                case "both":
                    count = attributes.get("latents", "1")
                    if not re.fullmatch(r"[1-9][0-9]{0,4}", count):
                        self.fail(f"latents={count!r} of an edge is a whole number from 1.", at)
                    draft.arc(a, b, where, int(count))
                case "none":
                    self.fail(f"{a} -> {b} has dir=none, no direction, and a cause points at its effect.", at)
                case _:
                    edge, sign = (b, a) if way == "back" else (a, b), _sign(attributes, ends[0])
                    draft.edge(*edge, where, sign)
                    if not sign:
                        plain.add(edge)
        for edge in plain & draft.links.keys():
            # An arrow and a tee between the same nodes: the one is drawn to activate beside the other.
            if "-" in draft.links[edge].signs:
                draft.links[edge].signs.add("+")

    def head(self, draft: Draft, edge: str, end: str, shape: str, at: int) -> None:
        """Refuse an end that is none; remark on one whose meaning is not known."""
        if shape == "none":
            self.fail(f"{edge} has {end}=none, no direction, and a cause points at its effect.", at)
        if shape not in _PLAIN | _TEE:
            draft.doubts.append(f"line {self.line(at)}: {end}={shape} of {edge} is read as a plain arrow.")


def _sign(attributes: Attributes, head: str) -> str:
    if attributes.get(head, "").lower() in _TEE:
        return "-"
    return _SIGNS.get(attributes.get("sign", "").lower(), "")


def _unquoted(token: Token) -> str:
    if token.kind != "quoted":
        return token.text
    # A backslash at the end of a line joins lines; any other but that of a quote or a backslash stays, as Graphviz keeps it.
    return re.sub(r'\\(?:\r?\n|(["\\]))', lambda found: found.group(1) or "", token.text[1:-1])


def write_dot(graph: LatentDag, signs: dict[tuple[Name, Name], str]) -> str:
    """The graph in DOT, which `read_dot` reads back and Graphviz draws."""
    lines = ["digraph {", "  rankdir=LR;"]
    lines += [f"  {_quoted(node)}{' [style=dashed, latent=true]' * (node in graph.latent)};" for node in graph.nodes]
    order = {node: k for k, node in enumerate(graph.nodes)}
    for a, b in sorted(graph.directed, key=lambda edge: (order[edge[0]], order[edge[1]])):
        look = {"-": ' [arrowhead=tee, sign="-"]', "+": ' [sign="+"]'}.get(signs.get((a, b), ""), "")
        lines.append(f"  {_quoted(a)} -> {_quoted(b)}{look};")
    for a, b, count in graph.bidirected:
        many = f", latents={count}" if count > 1 else ""
        lines.append(f"  {_quoted(a)} -> {_quoted(b)} [dir=both, style=dashed{many}];")
    return "\n".join([*lines, "}", ""])


def _quoted(name: Name) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
