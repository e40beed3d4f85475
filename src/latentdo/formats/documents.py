"""JSON as values that know where they stand, so that a message names the field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from latentdo.errors import GraphError, NotationError

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


@dataclass(frozen=True)
class Field:
    """A value of a document, and its path in it: `statements[3].subj`."""

    value: Any
    path: str = ""

    def fail(self, expected: str) -> NoReturn:
        """Raise, as something else was expected here."""
        kind = "null" if self.value is None else _KINDS.get(type(self.value), type(self.value).__name__)
        raise GraphError(f"{self.path or 'the document'}: expected {expected}, found {kind}.")

    def object(self) -> Mapping[str, Any]:
        """The value, which is an object."""
        return self.value if isinstance(self.value, dict) else self.fail("an object { … }")

    def items(self) -> Iterator[Field]:
        """The values of a list."""
        if not isinstance(self.value, list):
            self.fail("a list [ … ]")
        return (Field(value, f"{self.path}[{k}]") for k, value in enumerate(self.value))

    def has(self, key: str) -> bool:
        """Whether the object has the key, and not with null."""
        return self.object().get(key) is not None

    def at(self, key: str) -> Field:
        """The value of a key; null where it is missing."""
        return Field(self.object().get(key), f"{self.path}.{key}".lstrip("."))

    def text(self) -> str:
        """The value, which is a text; a number as it is written."""
        if isinstance(self.value, str) and self.value:
            return self.value
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        return self.fail("a text that is not empty")

    def number(self) -> float:
        """The value, which is a number."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            try:
                return float(self.value)
            except OverflowError:
                pass
        return self.fail("a number")


def document(text: str) -> Field:
    """A text as JSON.

    Raises:
        NotationError: It is none; says where.
        GraphError: Lists in it stand in each other too deeply.
    """
    try:
        return Field(json.loads(text))
    except json.JSONDecodeError as problem:
        raise NotationError(f"this is no JSON: {problem.msg}.", text, problem.lineno, problem.colno) from None
    except RecursionError:
        raise GraphError("the document: its lists and objects stand in each other too deeply to be read.") from None
    except ValueError as problem:
        raise GraphError(f"the document: this is no JSON: {problem}.") from None
