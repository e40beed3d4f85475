"""BIF, the interchange format of Bayesian networks: variables with states, and a table of probabilities each.

Source:
    Cozman (1998), The interchange format for Bayesian networks, version 0.15; the files of the bnlearn repository.
"""

from __future__ import annotations

import re

from latentdo.errors import UnsupportedError, nearest
from latentdo.graphs import Name

from ..network import Network, Row, Variable, combinations
from ..report import Read
from ..scanner import Scanner, Token
from .probabilities import check_size, checked_rows, read_network

MOST_STATES = 10_000

_TOKEN = re.compile(
    r"(?P<blank>\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/)"
    r"|(?P<quoted>\"[^\"\n]*+\")"
    r"|(?P<symbol>[{}\[\](),;|])"
    r"|(?P<word>[^\s{}\[\](),;|\"]++)"
)
_PROPERTY = re.compile(r"[^;]*+;")


def read_bif(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The network.

    Raises:
        NotationError: The text cannot be read; says where.
        GraphError: A table lacks a row, or a row does not sum to 1.
    """
    reader = _Reader(text, _TOKEN, "" if source == "text" else source)
    reader.names, reader.states, reader.tables, reader.notes = "", {}, {}, []
    reader.whole()
    return read_network("BIF", source, reader.network(), reader.notes, cycles)


class _Reader(Scanner):
    """The blocks read so far."""

    names: str
    states: dict[Name, tuple[str, ...]]
    tables: dict[Name, Variable]
    notes: list[str]

    def whole(self) -> None:
        """All blocks."""
        known = ("network", "variable", "probability")
        while self.current.kind != "end":
            word = self.current
            if word.kind != "word" or word.text not in known:
                self.unexpected(f"one of {', '.join(known)}")
            self.advance()
            match word.text:
                case "network":
                    self.names = self.word("the name of the network") if self.current.text != "{" else ""
                    self.expect("{", "behind the name of the network")
                    while not self.accept("}"):
                        self.property()
                case "variable":
                    self.variable()
                case _:
                    self.probability()
        if not self.states:
            self.unexpected("a variable")

    def word(self, expected: str) -> str:
        """A word, or a text in quotes without them."""
        if self.current.kind not in ("word", "quoted"):
            self.unexpected(expected)
        token = self.advance()
        text = token.text[1:-1] if token.kind == "quoted" else token.text
        return text if text else self.fail(f"{expected} is empty.", token.at)

    def property(self) -> None:
        """Step over `property … ;`, which says nothing about the network."""
        if self.current.text != "property":
            self.unexpected("'property' or '}'")
        match = _PROPERTY.match(self.text, self.current.at)
        if match is None:
            self.fail("the property has no ';' at its end.")
        self.at = match.end()
        self.current = self.scan()

    def variable(self) -> None:
        """`variable X { type discrete [2] { yes, no }; }`."""
        at = self.current.at
        name = self.word("the name of a variable")
        if name in self.states:
            self.fail(f"the variable {name!r} is stated twice.", at)
        self.expect("{", "behind the name of the variable")
        states: tuple[str, ...] = ()
        while not self.accept("}"):
            if self.current.text != "type":
                self.property()
                continue
            self.advance()
            kind = self.current
            if self.word("the type of the variable") != "discrete":
                self.fail(f"the type {kind.text!r} of {name!r} is not read; tables have discrete variables.", kind.at)
            states = self.state_names(name)
        if not states:
            self.fail(f"the variable {name!r} has no states. Write: type discrete [2] {{ yes, no }};", at)
        self.states[name] = states

    def state_names(self, name: Name) -> tuple[str, ...]:
        """`[2] { yes, no };`."""
        at = self.current.at
        count = None
        if self.accept("["):
            said = self.word("the number of states")
            count = (
                int(said) if re.fullmatch("[0-9]{1,6}", said) else self.fail(f"{said!r} is no number of states.", at)
            )
            self.expect("]", "behind the number of states")
        self.expect("{", "in front of the states")
        found: list[str] = []
        while not self.accept("}"):
            if not self.accept(","):
                found.append(self.word("a state or '}'"))
        self.expect(";", "behind the states")
        if count is not None and count != len(found):
            self.fail(f"{name!r} has {count} states by its number and {len(found)} by name.", at)
        if len(set(found)) < len(found) or len(found) > MOST_STATES:
            self.fail(f"the states of {name!r} are not {len(found)} different ones.", at)
        return tuple(found)

    def probability(self) -> None:
        """`probability ( X | A, B ) { … }`."""
        start = self.current
        self.expect("(", "behind 'probability'")
        name = self.known()
        parents: list[Name] = []
        if self.accept("|"):
            while not self.accept(")"):
                if not self.accept(","):
                    parents.append(self.known())
        else:
            self.expect(")", "or '|' behind the name of the variable")
        if name in self.tables:
            self.fail(f"the table of {name!r} is stated twice.", start.at)
        if len(set(parents)) < len(parents) or name in parents:
            self.fail(f"the parents of {name!r} are not different ones.", start.at)
        where = f"{self.source}, line {self.line(start.at)}".lstrip(", ")
        check_size(name, parents, self.states, where)
        self.expect("{", "in front of the probabilities")
        rows, default = dict[tuple[str, ...], Row](), None
        while not self.accept("}"):
            token = self.current
            if self.accept("("):
                key = self.key(parents)
                if key in rows:
                    self.fail(f"the row of {', '.join(key)} is stated twice.", token.at)
                rows[key] = self.numbers()
            elif token.text == "table":
                self.advance()
                rows.update(self.spread(name, parents, self.numbers(), token))
            elif token.text == "default":
                self.advance()
                default = self.numbers()
            else:
                self.property()
        if default is not None:
            rows = {key: rows.get(key, default) for key in combinations(parents, self.states)}
        self.tables[name] = Variable(
            name, self.states[name], tuple(parents), checked_rows(name, parents, self.states, rows, where)
        )

    def known(self) -> Name:
        """The name of a variable that was stated."""
        at = self.current.at
        name = self.word("the name of a variable")
        if name not in self.states:
            self.fail(f"there is no variable {name!r}. {nearest(name, self.states)}", at)
        return name

    def key(self, parents: list[Name]) -> tuple[str, ...]:
        """The states of the parents behind a `(`."""
        found: list[str] = []
        while not self.accept(")"):
            if self.accept(","):
                continue
            at = self.current.at
            if len(found) == len(parents):
                self.fail(f"the row has more states than the {len(parents)} parents.", at)
            state, own = self.word("a state or ')'"), self.states[parents[len(found)]]
            if state not in own:
                self.fail(f"{parents[len(found)]!r} has no state {state!r}. {nearest(state, own)}", at)
            found.append(state)
        if len(found) < len(parents):
            self.fail(f"the row has {len(found)} states, and there are {len(parents)} parents.")
        return tuple(found)

    def numbers(self) -> Row:
        """Numbers up to the `;`."""
        found: list[float] = []
        while not self.accept(";"):
            if self.accept(","):
                continue
            at = self.current.at
            word = self.word("a probability or ';'")
            try:
                found.append(float(word))
            except ValueError:
                self.fail(f"{word!r} is no number.", at)
        return tuple(found)

    def spread(self, name: Name, parents: list[Name], numbers: Row, token: Token) -> dict[tuple[str, ...], Row]:
        """The rows of a `table`: the node's states vary slowest, the last parent's fastest."""
        keys = list(combinations(parents, self.states))
        if len(numbers) != len(keys) * len(self.states[name]):
            self.fail(
                f"the table of {name!r} has {len(numbers)} numbers; expected {len(keys) * len(self.states[name])}.",
                token.at,
            )
        return {key: numbers[k :: len(keys)] for k, key in enumerate(keys)}

    def network(self) -> Network:
        """The network, once each variable has its table."""
        for name in self.states:
            if name not in self.tables:
                self.fail(f"{name!r} has no table. Add: probability ( {name} ) {{ table …; }}", len(self.text))
        return Network(self.names, tuple(self.tables[name] for name in self.states))


def write_bif(network: Network) -> str:
    """The network as BIF, rows by the states of the parents."""
    lines = [f"network {_word(network.name or 'unknown')} {{", "}"]
    for variable in network.variables:
        states = ", ".join(map(_word, variable.states))
        lines += [
            f"variable {_word(variable.name)} {{",
            f"  type discrete [ {len(variable.states)} ] {{ {states} }};",
            "}",
        ]
    for variable in network.variables:
        given = f" | {', '.join(map(_word, variable.parents))}" if variable.parents else ""
        lines.append(f"probability ( {_word(variable.name)}{given} ) {{")
        for key, row in variable.rows:
            numbers = ", ".join(map(repr, row))
            lines.append(f"  ({', '.join(map(_word, key))}) {numbers};" if key else f"  table {numbers};")
        lines.append("}")
    return "\n".join([*lines, ""])


def _word(text: str) -> str:
    if '"' in text:
        raise UnsupportedError(f"BIF has no way to write the double quote in {text!r}. Rename it, or write XMLBIF.")
    return text if re.fullmatch(r"[A-Za-z0-9_.<>+\-]+", text) else f'"{text}"'
