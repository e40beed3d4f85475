"""A file of numbers by name, in YAML or JSON: every parameter of a model whose rows are to be drawn."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from latentdo.errors import StudyError
from latentdo.files import read_bytes
from latentdo.graphs import STUDY_SUFFIXES

from .document import Scalar, read_document

JSON_SUFFIX = ".json"
SUFFIXES = (*STUDY_SUFFIXES, JSON_SUFFIX)
_FORM = (
    "A file of numbers holds one for each parameter, in lines such as `X -> Y: 0.5` and `sd(Y): 1`, or the same as a JSON "
    "object"
)
_OR_STUDY = f"{_FORM}; a study has the key `model`"


def is_numbers_path(text: str) -> bool:
    """Whether a string may name a file of numbers: one line that ends in a known suffix. A study's file is named alike."""
    return text.lower().endswith(SUFFIXES) and len(text.splitlines()) == 1


def read_numbers(path: Path) -> dict[str, float] | None:
    """The numbers that a file holds, by name; None where it is a study, which has the key `model`.

    Raises:
        StudyError: The file cannot be read, or holds neither; in YAML with line and column.
    """
    text = _text_of(path)
    found = _of_json(path, text) if path.suffix.lower() == JSON_SUFFIX else _of_yaml(path, text)
    if found is not None and not found:
        raise StudyError(f"{path} holds no numbers. {_FORM}.", key="truth")
    return found


def _text_of(path: Path) -> str:
    content = read_bytes(path, partial(StudyError, key="truth"), suffixes=SUFFIXES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not UTF-8 (byte {error.start + 1}). Save it as UTF-8.", key="truth") from None


def _of_yaml(path: Path, text: str) -> dict[str, float] | None:
    document = read_document(text, path.name, _OR_STUDY)
    entries = document.root.entries
    if "model" in entries:
        return None
    for key, node in entries.items():
        if not (isinstance(node, Scalar) and _is_number(node.value)):
            raise document.error(f"{key!r} has no finite number. {_OR_STUDY}.", key, node.place)
    return {key: float(node.value) for key, node in entries.items() if isinstance(node, Scalar)}  # type: ignore[arg-type]


def _of_json(path: Path, text: str) -> dict[str, float]:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise StudyError(f"{path}: the key {twice!r} is there twice. Keep one.", key=twice)
        return found

    def refused(constant: str) -> NoReturn:
        raise StudyError(f"{path} holds {constant}, and a parameter is a finite number.", key="truth")

    try:
        found = json.loads(text, object_pairs_hook=distinct, parse_constant=refused)
    except json.JSONDecodeError as error:
        raise StudyError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}. {_FORM}.",
            "truth",
            error.lineno,
            error.colno,
        ) from None
    except (RecursionError, ValueError) as error:
        raise StudyError(f"{path} cannot be read as JSON: {error}. {_FORM}.", key="truth") from None
    if not isinstance(found, dict):
        raise StudyError(f"{path} holds no JSON object. {_FORM}.", key="truth")
    for key, value in found.items():
        if not _is_number(value):
            raise StudyError(f"{path}: {key!r} has no finite number. {_FORM}.", key=key)
    return {key: float(value) for key, value in found.items()}


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
