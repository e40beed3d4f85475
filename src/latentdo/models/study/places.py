"""The places of a study's values in its file, for errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from latentdo.errors import ExtensionError, LatentdoError, NotationError, StudyError

from ..document import Document, Entries, Items, Node, Place, Scalar
from .form import Misfit

# A place that is part of a quoted name is none.
_OTHER_PLACE = re.compile(r"`[^`\n]*`|(?<!\w)'[^'\n]*'|\bline (\d+)\b(?:, column (\d+))?")


@dataclass(frozen=True)
class Places:
    """The document, asked by keys."""

    document: Document

    def node(self, *keys: str | int) -> Node:
        """What stands under the keys."""
        node: Node = self.document.root
        for key in keys:
            match node, key:
                case Entries(), str():
                    node = node.entries[key]
                case Items(), int():
                    node = node.items[key]
                case _:
                    raise AssertionError(keys)
        return node

    def error(self, problem: str, *keys: str | int) -> StudyError:
        """A problem with the value under the keys, to be raised."""
        shown = _dotted(keys)
        return self.document.error(f"`{shown}`: {problem}", shown, self.node(*keys).place)

    def misfit(self, misfit: Misfit) -> StudyError:
        """A departure from the form, to be raised."""
        node: Node = self.document.root
        place = node.place
        for key in misfit.path:
            match node, key:
                case Entries(), str():
                    place, node = node.keys[key], node.entries[key]
                case Items(), int():
                    node = node.items[key]
                    place = node.place
                case _:
                    break
        if misfit.unknown is not None and isinstance(node, Entries):
            place = node.keys[misfit.unknown]
        keys = [*misfit.path, *([misfit.unknown] if misfit.unknown is not None else [])]
        shown = _dotted(keys)
        return self.document.error(f"`{shown}`: {misfit.problem}" if keys else misfit.problem, shown or None, place)

    def key_error(self, problem: str, *keys: str) -> StudyError:
        """A problem with the last key itself, to be raised."""
        entries = self.node(*keys[:-1])
        assert isinstance(entries, Entries)
        return self.document.error(problem, _dotted(keys), entries.keys[keys[-1]])

    @contextmanager
    def located(self, *keys: str | int) -> Iterator[None]:
        """Give errors about the text under the keys their place in the file."""
        try:
            yield
        except (StudyError, ExtensionError):
            raise
        except NotationError as error:
            node = self.node(*keys)
            place = self.document.place_in(node, error.line, error.column) if isinstance(node, Scalar) else None
            raise self._notation_error(error, keys, node, place) from None
        except LatentdoError as error:
            raise self.error(str(error), *keys) from error

    def _notation_error(
        self, error: NotationError, keys: tuple[str | int, ...], node: Node, place: Place | None
    ) -> NotationError:
        where = f"in `{_dotted(keys)}` of {self.document.name}"
        if place is None or not isinstance(node, Scalar):
            # YAML has joined or unescaped lines: the place is one in the text that came out.
            problem = f"{where}, which starts in line {node.place.line}: {error.problem}"
            return NotationError(problem, error.source, error.line, error.column)
        problem = _OTHER_PLACE.sub(lambda found: self._other_place(node, found), error.problem)
        return NotationError(f"{where}: {problem}", self.document.text, place.line, place.column)

    def _other_place(self, node: Scalar, found: re.Match[str]) -> str:
        """A place that a message mentions besides its own, as a place in the file."""
        place = self.document.place_in(node, int(found[1]), int(found[2] or 1)) if found[1] else None
        if place is None:
            return found[0]
        return f"line {place.line}" + (f", column {place.column}" if found[2] else "")


def _dotted(keys: Iterable[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
