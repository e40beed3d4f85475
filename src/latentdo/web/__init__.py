"""The page: one contract, text and JSON in, JSON out, behind a server on this machine or inside the browser itself.

Names are loaded on first use: the server needs packages that the browser does not have.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bridge import reply
    from .folders import left_behind
    from .guard import Door
    from .server import application
    from .session import Session
    from .site import build_site, runtime_folder
    from .study import Draft

__all__ = ["Door", "Draft", "Session", "application", "build_site", "left_behind", "reply", "runtime_folder"]

_HOMES = {
    "Door": "guard",
    "Draft": "study",
    "Session": "session",
    "application": "server",
    "build_site": "site",
    "left_behind": "folders",
    "reply": "bridge",
    "runtime_folder": "site",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
