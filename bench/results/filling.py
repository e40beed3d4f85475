"""Parts of a page of the documentation that stand between two comments and are written anew."""

from __future__ import annotations

import re
import sys


def filled(page: str, name: str, content: str) -> str:
    """The page with what stands between the comments of a part replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if begin not in page or end not in page:
        sys.exit(f"The page has no place for {name!r}: add {begin} and {end}.")
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", page, flags=re.DOTALL)
