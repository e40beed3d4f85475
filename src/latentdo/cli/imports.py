"""`--import MODULE`, which every command takes: modules that define families or estimators are imported first."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable

from latentdo.errors import UsageError

OPTION = "--import"


def without_imports(tokens: Iterable[str]) -> list[str]:
    """The command line without `--import MODULE`, whose modules have been imported; the working folder is looked in first.

    Raises:
        UsageError: No module is named, or it cannot be imported.
    """
    kept: list[str] = []
    rest = iter(tokens)
    for token in rest:
        if token == "--":
            return [*kept, token, *rest]
        if token == OPTION:
            _import(next(rest, ""))
        elif token.startswith(f"{OPTION}="):
            _import(token.removeprefix(f"{OPTION}="))
        else:
            kept.append(token)
    return kept


def _import(name: str) -> None:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{OPTION} takes the name of a Python module, such as my_families, got {name!r}.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        # Results go to stdout, with --json as one object: what the module prints must not stand before it.
        with contextlib.redirect_stdout(sys.stderr):
            importlib.import_module(name)
    # The module is the user's: whatever it raises is told as it is, and a script that ends itself does not end this.
    except (Exception, SystemExit) as error:
        raise UsageError(f"{OPTION} {name}: {type(error).__name__}: {error}") from error
