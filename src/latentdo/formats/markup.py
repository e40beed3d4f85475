"""XML as a tree that knows its lines. Entities are refused where they are declared, before any could be expanded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from latentdo.errors import GraphError

DEPTH = 200
"""Elements in each other, at most."""


@dataclass
class Element:
    """An element: its name without namespace, its attributes likewise, its text, its line."""

    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list["Element"])

    def all(self, name: str) -> Iterator[Element]:
        """The elements of this name among all inside, in the order of the text."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def own(self, name: str) -> list[Element]:
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def get(self, attribute: str) -> str:
        """The value of an attribute that is needed."""
        if not (found := self.attributes.get(attribute, "").strip()):
            raise GraphError(f"line {self.line}: <{self.name}> has no {attribute}.")
        return found


def parsed(content: str | bytes, *, declarations: bool = False) -> Element:
    """The root element.

    Args:
        declarations: Whether a document type with declarations of elements may stand in front, as XMLBIF has one.

    Raises:
        GraphError: It is no XML, or declares entities or a document type; says the line.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    root = Element("", {}, 0)
    stack = [root]

    def refuse(what: str) -> Any:
        raise GraphError(
            f"line {parser.CurrentLineNumber}: the XML declares {what}, which is refused as it could name other files or grow "
            "without end. Remove the declaration."
        )

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEPTH:
            raise GraphError(f"line {parser.CurrentLineNumber}: elements stand in each other more than {DEPTH} deep.")
        short = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(" ")[2], short, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(name: str, system: str | None, public: str | None, internal: bool) -> None:
        if system or public or not declarations:
            refuse("a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = lambda *_: refuse("an entity")
    parser.ExternalEntityRefHandler = lambda *_: refuse("an entity elsewhere")
    parser.SkippedEntityHandler = lambda *_: refuse("an entity elsewhere")
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        raise GraphError(
            f"line {problem.lineno}, column {problem.offset + 1}: this is no XML: {expat.ErrorString(problem.code)}."
        ) from None
    except (ValueError, LookupError) as problem:  # an encoding that nobody knows, or other bytes than it promises
        raise GraphError(f"line {parser.CurrentLineNumber}: this is no XML: {problem}.") from None
    return root.children[0]
