"""A comparison as a page: its picture and its tables, in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
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
td:nth-child(-n+4) {{ white-space: nowrap; font-variant-numeric: tabular-nums; }}
section {{ margin-bottom: 2.5rem; }}
img {{ max-width: 100%; }}
</style>
{body}
</html>
"""


def page_of(comparison: Comparison) -> str:
    """The whole page; without matplotlib it has no pictures."""
    title = "; ".join(dict.fromkeys(text.heading(part) for part in text.groups(comparison)))
    sections = "".join(text.section(part, _picture(part)) for part in text.groups(comparison))
    return _PAGE.format(title=escape(title), body=sections)


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
