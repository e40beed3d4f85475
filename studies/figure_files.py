"""A figure as files and as an image inside a page; the same figure gives the same bytes."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

DOTS = 160
"""Per inch, of PNG images."""
# The moment of writing is no part of a figure.
_WITHOUT_DATE: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}


def write_figure(figure: Any, path: Path) -> tuple[Path, ...]:
    """Write the figure beside `path` as PNG, SVG and PDF, and return the paths."""
    # The places of its parts are the same in each file: to find them takes longer than to draw.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    found = []
    for suffix in _WITHOUT_DATE:
        target = path.with_name(f"{path.name}.{suffix}")
        target.write_bytes(_bytes(figure, suffix))
        found.append(target)
    return tuple(found)


def inlined(path: Path) -> str:
    """An image file as a data URI, for a page that stands alone."""
    kind = {".svg": "svg+xml", ".png": "png"}[path.suffix]
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _bytes(figure: Any, suffix: str) -> bytes:
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context({"svg.hashsalt": "latentdo"}):
        figure.savefig(content, format=suffix, dpi=DOTS, metadata=_WITHOUT_DATE[suffix])
    return content.getvalue()
