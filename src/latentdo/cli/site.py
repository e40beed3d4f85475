"""`latentdo site`: the page as files that need no server, with Python for the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from latentdo.errors import UsageError

from .failures import DONE
from .output import say

USAGE = "latentdo site FOLDER [--pyodide FOLDER]"

EXAMPLES = """\
Examples:
  latentdo site -o site
  latentdo site -o site --pyodide node_modules/pyodide"""

CODES = "Exit codes: 0 done, 2 bad input."


def command(
    folder: str | None = None,
    /,
    *,
    output: Annotated[str | None, Parameter(name=["-o", "--output"])] = None,
    pyodide: str | None = None,
) -> int:
    """Write the page as files for any web server: graphs are drawn and proved in the browser.

    Tables and fits need `latentdo serve`. Python runs in the browser by Pyodide,
    which this takes from a folder and never fetches: npm install pyodide does.

    Args:
        folder: The folder to write; one that an earlier call wrote is replaced.
        output: The same, as other commands have it.
        pyodide: The folder of Pyodide; left out, node_modules/pyodide in this folder.
    """
    from latentdo.web import build_site, runtime_folder

    if folder is not None and output is not None:
        raise UsageError(f"The folder to write is named twice, {folder} and -o {output}. Leave one of them out.")
    if (named := output or folder) is None:
        raise UsageError("-o is missing: name the folder to write, such as -o site.")
    target = Path(named)
    size = build_site(target, runtime_folder(None if pyodide is None else Path(pyodide), Path.cwd()))
    say(
        f"Wrote the page to {target} ({size / 1e6:.1f} MB). Put the folder on any web server, or look at it here: "
        f"python -m http.server --directory {target}"
    )
    return DONE
