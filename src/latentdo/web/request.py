"""One request to the bridge: an object whose fields are taken one by one, so that none is misread and none passed over."""

from __future__ import annotations

import math
from typing import Any

from latentdo.errors import UsageError, nearest


class Request:
    """The fields of a request."""

    def __init__(self, fields: dict[str, Any], verb: str) -> None:
        self._fields = fields
        self._verb = verb
        self._taken: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str:
        """A text."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._fault(key, "a text", value)
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        """One of some words."""
        value = self.text(key, default)
        if value not in known:
            raise UsageError(
                f"The field {key!r} of the verb {self._verb!r} is one of {', '.join(known)}, got {value!r}."
            )
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._fault(key, "true or false", value)
        return value

    def whole(self, key: str, default: int) -> int:
        """A whole number from 0 on."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._fault(key, "a whole number from 0 on", value)
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts; empty where it is left out."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._fault(key, "a list of texts", value)
        return value

    def values(self, key: str) -> list[str | float]:
        """A list of levels and numbers; empty where it is left out."""
        value = self._take(key)
        if value is None:
            return []
        known = isinstance(value, list) and all(
            isinstance(each, str | int | float) and not isinstance(each, bool) for each in value
        )
        if not known:
            raise self._fault(key, "a list of numbers and texts", value)
        return value

    def maybe_flag(self, key: str) -> bool | None:
        """True or false, or neither."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise self._fault(key, "true, false or null", value)
        return value

    def maybe_text(self, key: str) -> str | None:
        """A text, or none."""
        value = self._take(key)
        if value is not None and not isinstance(value, str):
            raise self._fault(key, "a text or null", value)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A number."""
        value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._fault(key, "a number", value)
        return float(value)

    def questions(self, key: str) -> list[tuple[str | None, str]]:
        """Questions, each with its name, if it has one: a list of texts, and of pairs of a name and a text."""
        found: list[tuple[str | None, str]] = []
        value = self._take(key)
        for each in [] if value is None else value if isinstance(value, list) else [value]:
            match each:
                case str():
                    found.append((None, each))
                case [str() as name, str() as text]:
                    found.append((name, text))
                case _:
                    raise self._fault(key, "a list of texts and of pairs of a name and a text", each)
        return found

    def mapping(self, key: str) -> dict[str, Any]:
        """An object whose values are handed through; empty where it is left out."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._fault(key, "an object", value)
        return value

    def groups(self, key: str) -> list[list[str]]:
        """A list of lists of texts; empty where it is left out."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(group, list) and all(isinstance(each, str) for each in group) for group in value
        ):
            raise self._fault(key, "a list of lists of texts", value)
        return value

    def inner(self, key: str) -> Request:
        """An object inside."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self._fault(key, "an object", value)
        return Request(value, self._verb)

    def finish(self) -> None:
        """Raise where a field is left that nobody took: it would have been passed over without a word."""
        if left := sorted(self._fields.keys() - self._taken):
            raise UsageError(
                f"The verb {self._verb!r} has no field {left[0]!r}. {nearest(left[0], sorted(self._taken))}"
            )

    def _take(self, key: str) -> Any:
        self._taken.add(key)
        return self._fields.get(key)

    def _fault(self, key: str, wanted: str, value: Any) -> UsageError:
        if value is None:
            return UsageError(f"The verb {self._verb!r} needs the field {key!r}: {wanted}.")
        return UsageError(f"The field {key!r} of the verb {self._verb!r} is {wanted}, got {type(value).__name__}.")
