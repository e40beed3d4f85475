"""Values as JSON and back: dataclasses, tuples, arrays of numbers, and the numbers that JSON lacks."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import msgspec
import numpy as np

T = TypeVar("T")


def plain_tree(value: Any) -> Any:
    """Dicts, lists, strings and numbers; a number that JSON lacks is `{"number": "inf"}`."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain_tree(getattr(value, field.name)) for field in dataclasses.fields(value)}
    match value:
        case dict():
            return {key: plain_tree(part) for key, part in value.items()}
        case tuple() | list():
            return [plain_tree(part) for part in value]
        case np.ndarray():
            return plain_tree(value.tolist())
        case bool() | int() | str() | None:
            return value
        case _:
            return float(value) if math.isfinite(value) else {"number": repr(float(value))}


def tree_of(text: str) -> Any:
    """The tree that `plain_tree` made, from its JSON.

    Raises:
        ValueError: It is not JSON, or a key occurs twice.
    """
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    """A JSON object, or the number that JSON lacks."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    match pairs:
        case [("number", "inf" | "-inf" | "nan" as name)]:
            return float(name)
        case _:
            return dict(pairs)


def value_of(tree: Any, kind: type[T]) -> T:
    """The value of a tree.

    Raises:
        msgspec.ValidationError: It has another type, or a number is out of its range.
    """
    return msgspec.convert(tree, kind, dec_hook=_array)


def _array(kind: type, tree: Any) -> Any:
    """An array of numbers from nested lists."""
    values = np.array(tree, dtype=np.float64)
    if not isinstance(tree, list) or not np.isfinite(values).all():
        raise ValueError(f"a {kind} is made of finite numbers")
    return values


def digest(tree: Mapping[str, Any]) -> str:
    """SHA-256 over everything but the timings, and the digest itself."""
    covered = {key: value for key, value in tree.items() if key not in ("digest", "timings")}
    text = json.dumps(covered, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
