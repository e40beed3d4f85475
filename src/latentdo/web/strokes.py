"""Strokes on a text: small changes of what was typed, which leave every other character, comments included, where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from latentdo.graphs import Name, Source, SourceItem, SourceStatement, Token, quote


@dataclass
class Strokes:
    """Changes of a text, gathered and made at once.

    Attributes:
        source: The text before them.
        changes: (start, end, what stands there instead).
    """

    source: Source
    changes: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    def put(self, start: int, end: int, words: str) -> None:
        """Put words in the place of a stretch of the text."""
        self.changes.append((start, end, words))

    def over(self, tokens: Sequence[Token], words: str) -> None:
        """Put words in the place of others."""
        self.put(tokens[0].start, tokens[-1].end, words)

    def drop(self, statement: SourceStatement) -> None:
        """Take a statement out, with the separator that it leaves behind and with the line if nothing else is on it."""
        text = self.source.text
        first = text.rfind("\n", 0, statement.start) + 1
        last = text.find("\n", statement.end)
        last = len(text) if last < 0 else last
        before, behind = text[first : statement.start], text[statement.end : last]
        if not before.strip() and not behind.strip("; \t"):
            # Of the last line the line end before it goes, so that no empty one stays.
            self.put(first - (last == len(text) and first > 0), last + (last < len(text)), "")
        elif behind.lstrip().startswith(";"):
            gap = len(behind) - len(behind.lstrip())
            rest = behind.lstrip()[1:]
            self.put(statement.start, statement.end + gap + 1 + len(rest) - len(rest.lstrip()), "")
        elif before.rstrip().endswith(";"):
            kept = before.rstrip()[:-1].rstrip()
            self.put(first + len(kept), statement.end, "")
        else:
            # The comment behind it stays.
            self.put(
                statement.start, statement.end + (len(behind) - len(behind.lstrip()) if not before.strip() else 0), ""
            )

    def add(self, words: str) -> None:
        """Add a statement at the end: on a line of its own, or behind a semicolon where the text is one line with some."""
        text = self.source.text
        body = text.rstrip()
        if not body:
            self.put(0, len(text), words)
            return
        line = body[body.rfind("\n") + 1 :]
        last = self.source.statements[-1] if self.source.statements else None
        commented = last is None or "#" in text[last.end :]
        in_line = "\n" not in text and ";" in body and not commented
        if in_line and line.endswith(";"):
            self.put(len(body), len(body), f" {words}")
        elif in_line:
            self.put(len(body), len(body), f"; {words}")
        else:
            self.put(len(body), len(body), f"\n{words}")

    def without_items(self, statement: SourceStatement, gone: Iterable[SourceItem]) -> None:
        """Take items out of a mechanism's parentheses, each with one comma."""
        self._without(statement, [item.tokens for item in statement.items], [item.tokens for item in gone])

    def without_node(self, statement: SourceStatement, name: Name) -> None:
        """Take a node out of a mechanism's parentheses, and out of what its spread depends on."""
        gone = [item for item in statement.items if item.has(name)]
        for item in statement.items:
            inner = [part for part in item.parts if part.has(name)]
            if inner and all(part in inner for part in item.parts if part.names):
                # Nothing is left that it depends on.
                gone.append(item)
            elif inner:
                self._without(statement, [part.tokens for part in item.parts], [part.tokens for part in inner])
        self.without_items(statement, gone)

    def without_names(self, statement: SourceStatement, name: Name) -> None:
        """Take a name out of the list in front of a statement, with one comma."""
        listed = [(token,) for token in statement.names]
        self._without(statement, listed, [tokens for tokens in listed if tokens[0].text == name])

    def without_indicator(self, statement: SourceStatement, name: Name) -> None:
        """Take a name out of what a latent node is seen by."""
        listed = [(token,) for token in statement.names[1:]]
        self._without(statement, listed, [tokens for tokens in listed if tokens[0].text == name])

    def _without(
        self, statement: SourceStatement, listed: Sequence[tuple[Token, ...]], gone: Sequence[tuple[Token, ...]]
    ) -> None:
        for k, tokens in enumerate(listed):
            if tokens not in gone:
                continue
            start, end = tokens[0].start, tokens[-1].end
            if any(later not in gone for later in listed[k + 1 :]):
                self._gap(start, end, next(t for t in statement.tokens if t.start >= end), listed[k + 1][0].start)
            elif k and any(earlier not in gone for earlier in listed[:k]):
                self._gap(
                    start, end, next(t for t in reversed(statement.tokens) if t.end <= start), listed[k - 1][-1].end
                )
            else:
                self.put(start, end, "")

    def _gap(self, start: int, end: int, comma: Token, other: int) -> None:
        """Take out a stretch with the comma beside it, and the blanks as far as another unless a comment is among them."""
        whole = (min(start, other), max(end, other))
        if "#" not in self.source.text[min(end, other) : max(start, other)]:
            self.put(*whole, "")
        else:
            self.put(start, end, "")
            self.put(comma.start, comma.end, "")

    def made(self) -> str:
        """The text after all changes; of what two of them take out nothing is taken twice."""
        text, pieces, at = self.source.text, list[str](), 0
        for start, end, words in sorted(self.changes, key=lambda change: change[:2]):
            pieces += [text[at:start], words]
            at = max(at, end)
        return "".join((*pieces, text[at:]))


def chain_of(names: Sequence[Token], arrows: Sequence[Token], known: set[Name]) -> list[str]:
    """A piece of a chain as a statement; of one name alone only where it is not `known`."""
    if len(names) == 1:
        return [] if names[0].text in known else [quote(names[0].text)]
    words = quote(names[0].text)
    for arrow, name in zip(arrows, names[1:], strict=True):
        words += f" {arrow.text} {quote(name.text)}"
    return [words]


def mentioned_before(source: Source, statement: SourceStatement) -> set[Name]:
    """The nodes that the text names before a statement."""
    return {token.text for token in source.mentions if token.start < statement.start}
