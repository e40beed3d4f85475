"""`reply`: one request of the page in, one reply out, both as JSON text. Nothing here computes.

The same text gives the same bytes on a server and in a browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from latentdo.errors import LatentdoError, UsageError, nearest

from .request import Request

VERBS = {
    "read": "reading",
    "edit": "edits",
    "verdict": "verdicts",
    "proof": "explanations",
    "witness": "explanations",
    "answerable": "explanations",
    "implications": "explanations",
    "measurements": "explanations",
    "forms": "explanations",
    "complete": "completion",
    "import": "exchange",
    "export": "exchange",
    "draw": "exchange",
    "formats": "exchange",
}
"""Each verb and the file that has the function of its name, which is loaded when it is first asked for."""


def reply(request: str) -> str:
    """What a request is answered: `{"ok": true, …}`, or `{"ok": false, "error": {…}}`. It never raises.

    Args:
        request: A JSON object with the key `verb` and the fields of that verb.
    """
    return json.dumps(_answer(request), ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _answer(text: str) -> dict[str, Any]:
    try:
        fields = _fields(text)
        verb = _verb(fields)
        request = Request({key: value for key, value in fields.items() if key != "verb"}, verb)
        found = _function(verb)(request)
        request.finish()
    except LatentdoError as error:
        return {"ok": False, "error": error.to_json()}
    except Exception as error:  # noqa: BLE001 - the page shows a message whatever happens
        return {"ok": False, "error": _bug(error)}
    return {"ok": True, **found}


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"The request is no JSON: {problem}.") from None
    if not isinstance(fields, dict):
        raise UsageError("The request is no JSON object with the key 'verb'.")
    return fields


def _verb(fields: dict[str, Any]) -> str:
    verb = fields.get("verb")
    if not isinstance(verb, str) or verb not in VERBS:
        raise UsageError(f"There is no verb {verb!r}. {nearest(str(verb), VERBS)}")
    return verb


def _function(verb: str) -> Callable[[Request], dict[str, Any]]:
    # `import` is a word of Python.
    return getattr(import_module(f".{VERBS[verb]}", __package__), f"{verb}_" if verb == "import" else verb)


def _bug(error: Exception) -> dict[str, Any]:
    """A fault of ours as an error object: what and where, without a traceback."""
    message = f"This is a fault of latentdo, not of your input ({type(error).__name__}: {error}). Please report it."
    return {"kind": "bug", "message": message, "line": None, "column": None, "hedge": None}
