"""A comparison as a page: its picture and its tables, in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from latentdo.errors import MissingExtraError

from . import pictures, text

if TYPE_CHECKING:
    from .comparison import Comparison

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: sans-serif; line-height: 1.45; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
th, td {{ padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid #ddd; }}
thead th {{ border-bottom: 2px solid #888; }}
td {{ font-variant-numeric: tabular-nums; }}
section {{ margin-bottom: 2.5rem; }}
img {{ max-width: 100%; }}
</style>
{body}
</html>
"""


def page_of(comparison: Comparison) -> str:
    """The whole page; without matplotlib it has no pictures."""
    parts = text.groups(comparison)
    sections = "".join(text.section(part, _picture(part), _no_picture(part)) for part in parts)
    said = f"<p>{escape(comparison.said)}</p>" if comparison.said else ""
    return _PAGE.format(title=escape(_title(parts)), body=sections + said)


def _title(parts: Sequence[Comparison]) -> str:
    """The first question and how many more there are: a tab has little room."""
    if not parts:
        return "Nothing compared"
    more = len(parts) - 1
    return text.heading(parts[0]) + (f" and {more} more question{'s' if more > 1 else ''}" if more else "")


def _no_picture(part: Comparison) -> str:
    if pictures.can_be_drawn(part):
        return ""
    return "No picture: a sweep over two nodes has none of several methods."


def _picture(part: Comparison) -> str:
    from latentdo.plots import leave, png

    if not pictures.can_be_drawn(part):
        return ""
    try:
        axes = pictures.picture_of(part, None)
    except MissingExtraError:
        return ""
    leave(axes.figure)
    image = base64.b64encode(png(axes.figure)).decode()
    return f'<img src="data:image/png;base64,{image}" alt="{escape(text.heading(part))}">'
