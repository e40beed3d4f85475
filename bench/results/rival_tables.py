"""The stored results of rivals as Markdown tables: on real rows, and beside other libraries."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nhefs import HEADS, lines

from .tables import table

HERE = Path(__file__).parent
TITLES = {"latentdo": "latentdo", "ananke": "ananke-causal", "dowhy": "DoWhy", "y0": "y0"}
BASELINES = ("naive mean", "naive regression")
FAR = 4.0
"""Standard errors from the truth beyond which a mean error is set in bold."""
LEAST = 0.01
"""Mean errors below are never set in bold."""
ALL = "all methods"
RATIOS = {("y0", "napkin")}
"""Where the number is a log odds ratio, which has no error as a difference."""


def stored(name: str) -> dict[str, Any]:
    """What a file holds; nothing where there is no such file."""
    path = HERE / name
    return json.loads(path.read_text(encoding="utf8")) if path.exists() else {}


def real_rows() -> str:
    """One line per method on the rows of the NHEFS study."""
    record = stored("nhefs.json")
    return table(HEADS, lines(record)) if record else ""


def versions() -> str:
    """The libraries with their versions, latentdo's own left out: it is this one."""
    found = stored("witnesses.json").get("versions", {})
    return ", ".join(f"{TITLES[library]} {version}" for library, version in found.items() if library != "latentdo")


def estimates() -> str:
    """One line per method, one column per graph: mean error and its standard error."""
    record = stored("witnesses.json").get("estimates", {})
    heads = ["library", "method", *(f"{name}, truth {part['truth']:.3f}" for name, part in record.items())]
    rows = []
    for library, method in _methods(record):
        parts = [part["libraries"].get(library, {}).get(method) for part in record.values()]
        truths = [part["truth"] for part in record.values()]
        cells = [
            ""
            if own is None
            else f"log odds ratio {own['mean']:.3f}"
            if (library, name) in RATIOS
            else _error(own, truth)
            for name, own, truth in zip(record, parts, truths, strict=True)
        ]
        rows.append([TITLES[library], _title(method), *cells])
    return table(heads, rows) if rows else ""


def _methods(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every library and method that occurs, in order; no baselines."""
    for library in TITLES:
        names: dict[str, None] = {}
        for part in record.values():
            names |= dict.fromkeys(part["libraries"].get(library, {}))
        yield from ((library, name) for name in names if name not in (*BASELINES, ALL))


def _title(method: str) -> str:
    name, comma, rest = method.partition(", ")
    return f"`{name}`{comma}{rest}"


def _error(own: Mapping[str, Any], truth: float) -> str:
    if "mean" not in own:
        return own["error"].partition(":")[0] or "no number"
    error = own["mean"] - truth
    text = f"{error:+.3f} ± {own['se']:.3f}"
    if abs(error) > max(FAR * own["se"], LEAST):
        text = f"**{text}**"
    return f"{text} ({own['failed']} without)" if own["failed"] else text


def found_of_ananke() -> str:
    """One line per case with what came out."""
    found = stored("witnesses.json").get("ananke", [])
    return table(["case", "what ananke-causal 0.5.0 prints"], [[line["case"], line["found"]] for line in found])


def seconds() -> str:
    """One line per method: processor seconds of a point, and with its interval, on each graph."""
    record = stored("witnesses.json").get("speed", {})
    heads = ["library", "method"]
    for name in record:
        heads += [f"{name}: point, s", "with interval, s"]
    rows = []
    for library in TITLES:
        for method in _timed(record, library):
            cells = [
                _seconds(part["libraries"].get(library, {}).get(method), kind)
                for part in record.values()
                for kind in ("point", "interval")
            ]
            title = f"all {_count(record)} together" if method == ALL else _title(method)
            rows.append([TITLES[library], title, *cells])
    return table(heads, rows) if rows else ""


def _count(record: Mapping[str, Any]) -> str:
    """How many methods latentdo has on the graphs, the least and the most."""
    counts = sorted({len(part["libraries"]["latentdo"]) - 1 for part in record.values()})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _timed(record: Mapping[str, Any], library: str) -> list[str]:
    names: dict[str, None] = {}
    for part in record.values():
        names |= dict.fromkeys(part["libraries"].get(library, {}))
    return list(names)


def _seconds(own: Mapping[str, Any] | None, kind: str) -> str:
    if own is None:
        return ""
    if kind in own:
        taken = own[kind][1]
        return f"{taken:.3f}" if taken < 0.1 else f"{taken:.2f}" if taken < 10 else f"{taken:,.0f}"
    if own["error"].startswith("CapError"):
        return own["error"].partition(": ")[2]
    return "error" if own["error"] else "–"


def ratios() -> str:
    """One line per graph: all of latentdo's methods with their intervals, against what the others take for theirs."""
    record = stored("witnesses.json").get("speed", {})
    rows = []
    for name, part in record.items():
        own = part["libraries"]["latentdo"][ALL]["interval"][1]
        for library in ("dowhy", "ananke"):
            known = part["libraries"].get(library, {})
            pairs = {method: each["interval"][1] for method, each in known.items() if "interval" in each}
            if not pairs:
                continue
            slowest, quickest = max(pairs.values()), min(pairs.values())
            rows.append(
                [
                    name,
                    f"{own:.1f}",
                    TITLES[library],
                    f"{len(pairs)}",
                    f"{sum(pairs.values()):,.0f}",
                    f"{quickest:,.2f} to {slowest:,.0f}",
                    _times(sum(pairs.values()) / own),
                ]
            )
    heads = [
        "graph", "latentdo, all methods, s", "library", "methods with an interval", "together, s", "each, s", "ratio"
    ]  # fmt: skip
    return table(heads, rows) if rows else ""


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.1f}x" if math.isfinite(ratio) else "–"
