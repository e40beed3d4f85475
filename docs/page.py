"""Puts the static page into the built documentation, where Pyodide is at hand; else a line that says how it gets there."""

from __future__ import annotations

import sys
from pathlib import Path

from latentdo.errors import UsageError
from latentdo.web import build_site, runtime_folder

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "site" / "page"
WITHOUT = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>latentdo</title></head><body>
<p>This copy of the documentation was built without Pyodide, which runs the page in the browser.
<code>make page</code> fetches it, and <code>make docs</code> puts the page here.
<code>latentdo serve</code> shows it at once.</p>
</body></html>
"""


def main() -> int:
    """Write the page, or the line."""
    try:
        size = build_site(TARGET, runtime_folder(None, ROOT))
    except UsageError:
        TARGET.mkdir(parents=True, exist_ok=True)
        (TARGET / "index.html").write_text(WITHOUT, encoding="utf-8")
        print("The page that runs in the browser is left out: make page fetches what it needs, once.")
        return 0
    print(f"The page that runs in the browser is in {TARGET} ({size / 1e6:.1f} MB).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
