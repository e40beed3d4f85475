"""Shapes of documents: dataclasses that say what may stand in one, held against plain values, and told as JSON Schema.

A field that may be None is one that may be left out; a null in a document is never taken for that. Nothing here knows what a
study is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from latentdo.errors import nearest

Path = tuple[str | int, ...]
ShapeType = TypeVar("ShapeType", bound="Shape")
_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "a mapping",
    list: "a list",
}
_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    dict: "object",
    list: "array",
}
"""Of JSON Schema."""


class Misfit(Exception):
    """Where a document departs from its shape, and how; `.unknown` is a key that has no meaning there."""

    def __init__(self, path: Path, problem: str, unknown: str | None = None) -> None:
        self.path = path
        self.problem = problem
        self.unknown = unknown
        super().__init__(problem)


class Shape:
    """A mapping with known keys: a dataclass whose fields are the keys."""

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The keys that may stand in it, to offer one for a slip; `values` is what stands there."""
        return tuple(_fields(cls))


@dataclass(frozen=True, eq=False)
class Says:
    """What more is said of a type.

    Attributes:
        description: For people who write a document.
        least, most, above: Of a number; `least` also of how many a text, a list or a mapping has.
        refused: Why another value than those of a `Literal` is none.
        instead: How a text is to be written where it is none.
        schema: In the JSON Schema, before what the type gives.
    """

    description: str = ""
    least: float | None = None
    most: float | None = None
    above: float | None = None
    refused: Callable[[str], str] | None = None
    instead: str = ""
    schema: tuple[tuple[str, Any], ...] = ()


def shaped(values: Mapping[str, Any], shape: type[ShapeType], path: Path = ()) -> ShapeType:
    """The values in a shape.

    Raises:
        Misfit: At the first departure.
    """
    types, found = _types(shape), {}
    for key, value in values.items():
        if key not in types:
            raise Misfit(path, f"there is no such key. {nearest(key, shape.known(values))}", key)
        found[key] = _taken(value, types[key], (*path, key))
    for key, field in _fields(shape).items():
        if key not in found and field.default is MISSING:
            raise Misfit(path, f"the key `{key}` is missing.")
    return shape(**found)


def schema(shape: type[Shape]) -> dict[str, Any]:
    """The JSON Schema of a shape, with those of all shapes in it."""
    told: dict[str, Any] = {}

    def tell(each: type[Shape]) -> None:
        if each.__name__ in told:
            return
        inner: list[type[Shape]] = []
        told[each.__name__] = {}
        told[each.__name__] |= _definition(each, inner)
        for other in inner:
            tell(other)

    tell(shape)
    return {"$ref": f"#/$defs/{shape.__name__}", "$defs": told}


# --- types


@cache
def _fields(shape: type[Shape]) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(shape)}  # type: ignore[arg-type]


@cache
def _types(shape: type[Shape]) -> dict[str, Any]:
    """The type of each key, without the None of one that may be left out."""
    return {
        name: _present(kind)
        for name, kind in get_type_hints(shape, include_extras=True).items()
        if name in _fields(shape)
    }


def _present(kind: Any) -> Any:
    options = tuple(option for option in _options(kind) if option is not NoneType)
    return options[0] if len(options) == 1 else Union[options]  # noqa: UP007 - of a tuple


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _parted(kind: Any) -> tuple[Any, Says]:
    """A type, and what is said of it."""
    if get_origin(kind) is Annotated:
        inner, says = get_args(kind)
        return inner, says
    return kind, Says()


def _plain(kind: Any) -> type:
    """The type of the plain values that a type takes."""
    inner = _parted(kind)[0]
    origin = get_origin(inner)
    if origin is Literal:
        return str
    if origin is not None:
        return origin
    return dict if issubclass(inner, Shape) else inner


# --- values


def _taken(value: Any, kind: Any, path: Path) -> Any:
    inner, says = _parted(kind)
    plain = {_plain(option): option for option in _options(inner)}
    of, given = type(value), value
    if of is int and int not in plain and float in plain:
        value, of = float(value), float
    if of not in plain:
        raise Misfit(path, _unlike(value, tuple(plain), says))
    if plain[of] is not inner:
        value = _taken(value, plain[of], path)
    elif get_origin(inner) is Literal:
        if value not in get_args(inner):
            raise Misfit(path, says.refused(value) if says.refused else f"{value!r} is none of {get_args(inner)}.")
    elif of is list:
        value = [_taken(each, get_args(inner)[0], (*path, k)) for k, each in enumerate(value)]
    elif of is dict and get_origin(inner) is dict:
        value = {key: _taken(each, get_args(inner)[1], (*path, key)) for key, each in value.items()}
    elif of is dict:
        value = shaped(value, inner, path)
    for bound in _missed(value, says):
        raise Misfit(path, f"expected {_WORDS[of]} {bound}, found {_shown(given)}.")
    return value


def _missed(value: Any, says: Says) -> Iterator[str]:
    """The bounds that a value misses, in words."""
    if (says.least, says.most, says.above) == (None, None, None):
        return
    size, of = (value, "of") if isinstance(value, int | float) else (len(value), "of length")
    if says.least is not None and not size >= says.least:
        yield f"{of} at least {says.least}"
    if says.above is not None and not size > says.above:
        yield f"above {says.above}"
    if says.most is not None and not size <= says.most:
        yield f"{of} at most {says.most}"


def _unlike(value: Any, plain: tuple[type, ...], says: Says) -> str:
    """What was expected of a value of another type, and how it might have been meant."""
    if value is None:
        return "nothing stands here: fill it in, or remove the line."
    repair = ""
    match value:
        case bool() | int() | float() if plain == (str,):
            repair = " Put it in quotes if it is a name or a text."
        case str() if plain == (list,):
            repair = f" Write it as a list: [{value[:40]}]."
        case str() if plain == (int,) and re.fullmatch(r"[0-9][0-9_,]{0,12}", value):
            repair = f" Write {value.replace('_', '').replace(',', '')}."
        case float() if plain == (int,) and value.is_integer() and abs(value) < 1e15:
            repair = f" Write {int(value)}."
        case str() if says.instead:
            repair = f" {says.instead}"
    return f"expected {' or '.join(words for each, words in _WORDS.items() if each in plain)}, found {_shown(value)}.{repair}"


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list" if value else "an empty list"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= 40 else value[:37] + "…")
        case _:
            return str(value)


# --- JSON Schema


def _definition(shape: type[Shape], inner: list[type[Shape]]) -> dict[str, Any]:
    """The schema of one shape; those that stand in it are added to `inner`."""
    properties: dict[str, Any] = {}
    for key, kind in _types(shape).items():
        default = _fields(shape)[key].default
        properties[key] = {**_described(kind, inner), **({} if default in (MISSING, None) else {"default": default})}
    required = [key for key, field in _fields(shape).items() if field.default is MISSING]
    return {
        "title": shape.__name__,
        "description": shape.__doc__,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _described(kind: Any, inner: list[type[Shape]]) -> dict[str, Any]:
    bare, says = _parted(kind)
    told: dict[str, Any] = dict(says.schema)
    if says.description:
        told["description"] = says.description
    if len(_options(bare)) > 1:
        return {**told, "anyOf": [_described(option, inner) for option in _options(bare)]}
    plain = _plain(bare)
    if plain is dict and get_origin(bare) is None:
        inner.append(bare)
        return {**told, "$ref": f"#/$defs/{bare.__name__}"}
    if get_origin(bare) is Literal:
        return {**told, "enum": sorted(get_args(bare))}
    told["type"] = _NAMES[plain]
    if plain is list:
        told["items"] = _described(get_args(bare)[0], inner)
    if plain is dict:
        told["additionalProperties"] = _described(get_args(bare)[1], inner)
    return told | _bounds(plain, says)


def _bounds(plain: type, says: Says) -> dict[str, float]:
    least = {str: "minLength", list: "minItems", dict: "minProperties"}.get(plain, "minimum")
    told = {least: says.least, "exclusiveMinimum": says.above, "maximum": says.most}
    return {key: bound for key, bound in told.items() if bound is not None}
