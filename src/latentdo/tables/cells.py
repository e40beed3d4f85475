"""One foreign column → numbers, NaN where a cell is missing.

What is not a number is refused with its place and, where it can be guessed, the repair. Whether missing cells
are allowed is not decided here.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import numbers
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from latentdo.errors import DataError

from .dataset import FloatArray

# Beyond this, float64 skips whole numbers.
LARGEST_INTEGER = 2**53
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
BOOLEANS = {"true": 1.0, "false": 0.0}
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_MISSING = {"", "na", "nan", "+nan", "-nan"}
_INFINITE = {sign + word for sign in ("", "+", "-") for word in ("inf", "infinity")}
_YES_NO = {"yes", "no", "y", "n", "t", "f", "positive", "negative", "pos", "neg"}
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(\D.*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})(\D.*)?", re.ASCII)
NO_NUMBER = (
    "Correct such cells; if they are categories, declare the node categorical, ordinal or table (two: bernoulli with "
    "levels=[no, yes]), or code them as numbers."
)
"""What to do with a cell that is no number and looks like none."""
_PLACEHOLDERS = {"n/a", "#n/a", "null", "none", "missing", "?", "-", "--", "."}


def as_numbers(name: str, values: Any) -> FloatArray:
    """The column as float64, NaN for missing cells; booleans are 0 and 1.

    Raises:
        DataError: The values are not one number per row, or not exactly representable.
    """
    match values:
        case str() | bytes() | dict() | set() | frozenset():
            raise DataError(f"Column {name!r} is a {type(values).__name__}; expected a list or an array.", column=name)
        case np.ma.MaskedArray():
            return _from_masked(name, values)
        case list() | tuple() | range():
            return _from_objects(name, values)
        case _ if hasattr(values, "__array__"):
            return _from_array(name, np.asarray(values))
        case Sequence():
            return _from_objects(name, list(values))
        case _:
            raise DataError(
                f"Column {name!r} is a {type(values).__name__}, which has no fixed rows; "
                "expected a list or an array: wrap it in list(…).",
                column=name,
            )


def parse_cell(text: str) -> float | None:
    """The number in a cell of a text file, NaN where the cell is missing, None where it is neither."""
    cell = text.strip()
    if NUMBER.fullmatch(cell):
        if _INTEGER.fullmatch(cell) and abs(int(cell[:400])) > LARGEST_INTEGER:
            return None
        return float(cell)
    folded = cell.casefold()
    if folded in _MISSING:
        return float("nan")
    return float(folded) if folded in _INFINITE else None


def is_missing(text: str) -> bool:
    """Whether a cell of text stands for nothing: blank, NA or NaN."""
    return text.strip().casefold() in _MISSING


def as_texts(values: Any) -> list[str] | None:
    """The cells of a column as text, blank where missing; None where they are numbers, or neither text nor numbers."""
    if getattr(getattr(values, "dtype", None), "kind", "") in tuple("biufc"):
        return None
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, method):
            values = getattr(values, method)()
            break
    if not isinstance(values, list | tuple) or not any(isinstance(value, str) for value in values):
        return None
    cells = []
    for value in values:
        match value:
            case str():
                cells.append(value.strip())
            case None:
                cells.append("")
            case bool() | np.bool_():
                cells.append(str(value).lower())
            case numbers.Real():
                cells.append("" if value != value else repr(float(value)).removesuffix(".0"))
            case _ if type(value).__name__ in ("NAType", "NaTType"):
                cells.append("")
            case _:
                return None
    return cells


def repair(text: str) -> str:
    """A sentence on how to write this cell as a number, or an empty string where nothing can be guessed."""
    cell = text.strip()
    plain = unicodedata.normalize("NFKC", cell).replace("−", "-")
    if _INTEGER.fullmatch(cell):
        return f"Whole numbers beyond 2^53 = {LARGEST_INTEGER} lose digits: is it an identifier?"
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", cell):
        either = (
            f"; if it is a decimal comma, {cell.replace(',', '.')}" if cell.count(",") == 1 and "." not in cell else ""
        )
        return f"If the comma separates thousands, write {cell.replace(',', '')}{either}."
    if re.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?", cell):
        return f"Write the decimal comma as a point: {cell.replace(',', '.')}."
    if re.fullmatch(r"[+-]?[\d_]+(\.[\d_]*)?", cell) and "_" in cell:
        return f"Write it without underscores: {cell.replace('_', '')}."
    if cell.casefold() in _PLACEHOLDERS:
        return "A missing cell is written as nothing, NA or NaN."
    if NUMBER.fullmatch(plain):
        return f"Its characters are not plain digits: write {plain}."
    if plain.endswith("%") and NUMBER.fullmatch(plain[:-1].strip()):
        return "Write it as a number, without the percent sign."
    if unicodedata.category(plain[:1] or " ") == "Sc" and NUMBER.fullmatch(plain[1:].strip()):
        return f"Write the number alone ({plain[1:].strip()}), without the sign of its currency."
    if re.fullmatch(r"[<>≤≥]=?\s*[\d.]+", plain):
        return (
            "A value beyond a limit of detection is no number: write one in its place (half of a lower limit is usual), or "
            "leave such rows out."
        )
    if _DATE.fullmatch(cell):
        return "Convert dates to numbers first, for example days since the start."
    if cell.casefold() in _YES_NO:
        return "Write 1 and 0 instead, or name the levels, as in bernoulli(…, levels=[no, yes])."
    if re.fullmatch(r"[+-]?\d+/\d+", cell):
        return "Write the fraction as a decimal number."
    if (unit := re.fullmatch(rf"({NUMBER.pattern})\s*[^\W\d_]\S*", cell)) and not cell.lower().startswith("0x"):
        return f"Write the number alone ({unit[1]}), in one unit for the whole column."
    return ""


def _from_masked(name: str, values: np.ma.MaskedArray[Any, Any]) -> FloatArray:
    mask = np.ma.getmaskarray(values)
    # Hidden numbers may be anything, so that they are not even looked at.
    result = np.full(values.shape, np.nan)
    result[~mask] = _from_array(name, values.data[~mask])
    return _one_dimensional(name, result)


def _from_array(name: str, values: np.ndarray[Any, Any]) -> FloatArray:
    _one_dimensional(name, values)
    match values.dtype.kind:
        case "b" | "f":
            return values.astype(np.float64)
        case "i" | "u":
            too_large = (values > LARGEST_INTEGER) | (values < -LARGEST_INTEGER)
            if too_large.any():
                raise _refused(name, "integers", values[too_large][0], too_large, len(values))
            return values.astype(np.float64)
        case "O" | "U" | "S" | "T" | "M" | "m" | "c":
            return _from_objects(name, values.tolist() if values.dtype.kind not in "Mm" else list(values))
        case _:
            raise DataError(
                f"Column {name!r} has the dtype {values.dtype}; expected numbers, one per row.", column=name
            )


def _one_dimensional(name: str, values: np.ndarray[Any, Any]) -> Any:
    if values.ndim != 1:
        raise DataError(
            f"Column {name!r} has the shape {values.shape}; expected one number per row. "
            "Give each column of the array a name of its own.",
            column=name,
        )
    return values


def _from_objects(name: str, values: Sequence[Any]) -> FloatArray:
    if set(map(type, values)) <= {float, int, bool}:
        with contextlib.suppress(OverflowError):
            simple = np.array(values, dtype=np.float64)
            # From here on rounding may hide the excess: look at the integers themselves.
            if not (np.abs(simple) >= LARGEST_INTEGER).any():
                return simple
    result = np.empty(len(values))
    wrong: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        match _cell(value):
            case float() as number:
                result[i] = number
            case str() as kind:
                wrong.setdefault(kind, []).append(i)
    for kind, where in wrong.items():
        raise _refused(name, kind, values[where[0]], where, len(values))
    return result


def _cell(value: Any) -> float | str:
    """The number in a cell, or what the cell holds instead."""
    match value:
        case None:
            return float("nan")
        case bool() | np.bool_():
            return float(value)
        case datetime.date() | datetime.time() | datetime.timedelta() | np.datetime64() | np.timedelta64():
            # Before the integers, as NumPy counts time differences among them. pandas' NaT is a datetime too, in a
            # column that holds nothing else.
            return "dates or times"
        case numbers.Integral():
            return float(value) if abs(int(value)) <= LARGEST_INTEGER else "integers"
        case numbers.Real():
            return _float(value)
        case decimal.Decimal():
            return float("nan") if value.is_nan() else float(value)
        case str() | bytes():
            return "text"
        case numbers.Complex():
            return "complex numbers"
        case np.ma.core.MaskedConstant():
            return float("nan")
        case _ if type(value).__name__ == "NAType":
            return float("nan")
        case _ if hasattr(value, "__array__") and np.ndim(value) == 0:
            return _cell(np.asarray(value).item())
        case _:
            return "lists" if isinstance(value, list | tuple | dict | np.ndarray) else "objects"


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        # A fraction beyond float64; the check of magnitudes refuses it by name.
        return float("inf") if value > 0 else float("-inf")


def _refused(name: str, kind: str, example: Any, where: Iterable[Any], n: int) -> DataError:
    """The error for a column with cells of this kind; `where` are their positions, or a mask of them."""
    positions = np.flatnonzero(where) if isinstance(where, np.ndarray) else np.array(list(where))
    cells = f"{len(positions)} of {n} cells"
    place = f"the first is {_shown(example)} in row {positions[0]}, counting from 0"
    match kind:
        case "text":
            text = example if isinstance(example, str) else ""
            hint = "Convert the column to numbers first." if parse_cell(text) is not None else repair(text)
            problem = f"holds text where numbers are expected ({cells}; {place})"
            advice = hint or NO_NUMBER
        case "integers":
            problem = f"holds integers beyond 2^53 = {LARGEST_INTEGER}, which lose digits ({cells}; {place})"
            advice = "If it is an identifier, remove its node from the model; else rescale it."
        case "dates or times":
            problem = f"holds dates or times ({cells}; {place})"
            advice = "Convert them to numbers first, for example days since the start."
        case _:
            problem = f"holds {kind} ({cells}; {place})"
            advice = "Expected one real number per row."
    return DataError(f"Column {name!r} {problem}. {advice}", column=name)


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"
