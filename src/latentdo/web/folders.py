"""The private folder of a session: in the system's folder for temporary files, for its owner alone, found again after a crash."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

from latentdo.files import host, is_running, replacing

STATE = "session.json"
_PREFIX = "session-"
OLD = 7 * 24 * 3600.0
"""Seconds for which a session that was left behind is kept."""

YOUNG = 60.0
"""Seconds in which a folder may have no state yet."""


def new_folder() -> Path:
    """An empty folder that nobody else can read."""
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_ours()))


def left_behind() -> Path | None:
    """The latest folder of a server that is gone, with a fit in it; those that hold none or are old are removed."""
    found: list[Path] = []
    for folder in _ours().glob(f"{_PREFIX}*"):
        state = read_state(folder)
        if state.get("host") == host() and is_running(int(state.get("pid", 0) or 0)):
            continue
        age = time.time() - folder.stat().st_mtime
        if not state and age < YOUNG:
            continue
        if not state.get("kept") or age > OLD:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            found.append(folder)
    return max(found, key=lambda folder: (folder / STATE).stat().st_mtime, default=None)


def read_state(folder: Path) -> dict[str, Any]:
    """What the session wrote about itself; empty where it cannot be read."""
    try:
        found = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_state(folder: Path, state: dict[str, Any]) -> None:
    """Write what the session knows about itself, whole or not at all."""
    content = json.dumps({**state, "pid": os.getpid(), "host": host()})
    with contextlib.suppress(OSError), replacing(folder / STATE) as beside:
        beside.write_text(content, encoding="utf-8")


def _ours() -> Path:
    """The folder of all sessions of this user; a new one each time where somebody else has made one of its name."""
    name = re.sub(r"\W+", "_", getpass.getuser())
    folder = Path(tempfile.gettempdir()) / f"latentdo-serve-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    own = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
    if stat.S_ISDIR(found.st_mode) and own:
        return folder
    return Path(tempfile.mkdtemp(prefix="latentdo-serve-"))
