"""Every printed form of a value, as text; and what may differ between two records without meaning anything."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

Part = tuple[str, str]
"""A heading and the text below it."""

_MASKS = (
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    (re.compile(r"(?<![\w.])(?=[0-9]*[a-f])[0-9a-f]{16,64}\b"), "<hash>"),
    (re.compile(r"\btmp[a-z0-9_]{8}\b"), "<temporary>"),
    (re.compile(r"(?:/[\w.+~-]+)+/(?=[\w.+~-]*)"), "<folder>/"),
    (re.compile(r"\b\d+(?:\.\d+)?(?:e-?\d+)? (s|ms|min|h)\b"), r"<time> \1"),
    (re.compile(r"\b(a minute|a second|\d+ (?:seconds?|minutes?|hours?))\b"), "<time>"),
    (re.compile(r'("seconds": )[^,\n}]+'), r"\1<time>"),
    (re.compile(r"\b(latentdo|[Jj]axlib|(?i:jax|numpy|python|numpyro|scipy)) v?\d+(?:\.\d+)+\w*"), r"\1 <version>"),
    (re.compile(r'("(?:latentdo|jax|jaxlib|numpy|python|numpyro|scipy|blackjax|optax)": )"[^"]+"'), r'\1"<version>"'),
)  # fmt: skip
_METHODS = ("text", "latex", "methods", "methods_latex", "to_html", "explain", "summary")


def masked(text: str) -> str:
    """The text without times, paths, hashes and versions."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def attempt(make: Callable[[], object]) -> str:
    """What a call gives, as text; an error is its kind and its message."""
    try:
        value = make()
    # Whatever goes wrong is part of the record.
    except Exception as error:  # noqa: BLE001
        kinds = " < ".join(kind.__name__ for kind in type(error).__mro__[:-3])
        return f"!! {kinds}\n{error}"
    return value if isinstance(value, str) else plain(value)


def plain(value: object) -> str:
    """A value as JSON where it is plain data, else as its `repr`."""
    if isinstance(value, dict | list | tuple):
        try:
            return json.dumps(value, indent=1, ensure_ascii=False, default=_number)
        except TypeError:
            return repr(value)
    return repr(value)


def _number(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return repr(value)


def forms(value: Any, *, plots: tuple[str, ...] = ("plot", "plot_density")) -> Iterator[Part]:
    """Each printed form that the value has: text, HTML, LaTeX, JSON, CSV, pandas, plots."""
    yield "str", attempt(lambda: str(value))
    yield "repr", attempt(lambda: repr(value))
    if hasattr(type(value), "_repr_html_"):
        yield "html", attempt(lambda: _lines_of_html(value._repr_html_()))
    for name in _METHODS:
        if hasattr(type(value), name) or name in getattr(value, "__dict__", {}):
            yield name, attempt(lambda name=name: _called(value, name))
    if hasattr(value, "to_json"):
        yield "json", attempt(value.to_json)
    if hasattr(value, "to_csv"):
        yield "csv", attempt(lambda: _csv(value))
    if hasattr(value, "to_pandas"):
        yield "pandas", attempt(lambda: _frame(value.to_pandas()))
    for name in plots:
        if hasattr(value, name):
            yield name, attempt(lambda name=name: drawn(getattr(value, name)))


def _called(value: Any, name: str) -> str:
    attribute = getattr(value, name)
    text = attribute() if callable(attribute) else attribute
    return _lines_of_html(text) if name == "to_html" else str(text)


def _lines_of_html(text: str) -> str:
    return re.sub(r">\s*<", ">\n<", text)


def _csv(value: Any) -> str:
    try:
        text = str(value.to_csv())
    except TypeError:
        with tempfile.TemporaryDirectory() as folder:
            text = Path(value.to_csv(Path(folder) / "table.csv")).read_bytes().decode("utf-8-sig")
    return _timeless(text)


def _frame(frame: Any) -> str:
    kinds = ", ".join(f"{name}: {kind}" for name, kind in frame.dtypes.items())
    return f"{kinds}\n{_timeless(frame.to_csv(index=True))}"


def _timeless(text: str) -> str:
    """A CSV text whose column `seconds` is blanked."""
    header = next(csv.reader([text.partition("\n")[0]]), [])
    if "seconds" not in header:
        return text
    place, out = header.index("seconds"), io.StringIO()
    for k, row in enumerate(csv.reader(io.StringIO(text))):
        cells = [*row[:place], "seconds" if k == 0 else "<time>", *row[place + 1 :]]
        csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def drawn(plot: Callable[[], Any]) -> str:
    """What a plot put on its axes: lines, points, bars, images and words, with their coordinates."""
    plt.close("all")
    given = np.ravel(np.asarray(plot(), dtype=object))
    figures = {id(one.get_figure()): one.get_figure() for one in given if hasattr(one, "get_figure")}
    figures |= {id(one): one for one in given if hasattr(one, "axes") and hasattr(one, "savefig")}
    found = []
    for figure in figures.values():
        figure.canvas.draw()
        for axes in figure.axes:
            found.append(f"axes {axes.get_title()!r} x {axes.get_xlabel()!r} y {axes.get_ylabel()!r}")
            found.append(f"  limits {_points([axes.get_xlim(), axes.get_ylim()])}")
            found.append(f"  ticks {[t.get_text() for t in (*axes.get_xticklabels(), *axes.get_yticklabels())]}")
            found += [f"  line {line.get_label()!r} {_points(line.get_xydata())}" for line in axes.lines]
            for marks in axes.collections:
                paths = [vertex for path in marks.get_paths()[:50] for vertex in path.vertices[:200]]
                found.append(
                    f"  {type(marks).__name__} at {_points(marks.get_offsets())} paths {_points(paths)} "
                    f"values {_points([marks.get_array()] if marks.get_array() is not None else [])}"
                )
            found += [f"  {type(p).__name__} {_points(p.get_path().vertices)}" for p in axes.patches]
            found += [f"  image {_points(np.atleast_2d(np.asarray(i.get_array(), dtype=float)))}" for i in axes.images]
            found += [f"  words {t.get_text()!r} at {_points([t.get_position()])}" for t in axes.texts if t.get_text()]
            if (legend := axes.get_legend()) is not None:
                found.append(f"  legend {[text.get_text() for text in legend.get_texts()]}")
        found += [f"figure words {text.get_text()!r}" for text in figure.texts]
    plt.close("all")
    return "\n".join(found) or "nothing drawn"


def _points(points: Any) -> str:
    array = np.asarray(np.ma.filled(np.ma.asarray(points, dtype=float), np.nan) if len(points) else [], dtype=float)
    return " ".join(_short(number) for number in array.reshape(-1)[:400])


def _short(number: float) -> str:
    return f"{number:.7g}" if math.isfinite(number) else str(number)


def numbers(values: Any, digits: int = 12) -> str:
    """Shape, mean, sd and the first values of an array."""
    array = np.asarray(values, dtype=float)
    first = " ".join(f"{value:.{digits}g}" for value in array.reshape(-1)[:6])
    return f"{array.shape} mean {array.mean():.{digits}g} sd {array.std():.{digits}g}: {first}"


_NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def close(old: str, new: str) -> bool:
    """Whether two lines say the same: equal but for numbers, and these within 1e-9 of each other."""
    if old == new:
        return True
    if _NUMBER.sub("#", old) != _NUMBER.sub("#", new):
        return False
    pairs = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True)
    # The last bit of a draw may swap two ranks of R-hat.
    ranked = "rhat" in old or old.count(",") > 8
    return all(a == b or _alike(_read(a), _read(b), ranked=ranked) for a, b in pairs)


def _alike(a: float, b: float, *, ranked: bool) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-14) or (ranked and 0.99 < a < 1.1 and abs(a - b) < 5e-4)


def shape_of(line: str) -> str:
    """The line with every number blanked: what two records are aligned by."""
    return _NUMBER.sub("#", line)


def _read(number: str) -> float:
    return float(number.replace("−", "-"))
