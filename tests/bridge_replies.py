"""Requests to the bridge, as tests make them."""

from __future__ import annotations

import json
from typing import Any

from latentdo.web import reply


def asked(verb: str, **fields: Any) -> dict[str, Any]:
    """The reply to a request, which must be one of the two forms."""
    found = json.loads(reply(json.dumps({"verb": verb, **fields})))
    assert found["ok"] or set(found["error"]) == {"kind", "message", "line", "column", "hedge"}
    assert found["ok"] or found["error"]["kind"] != "bug", found["error"]["message"]
    return found


def answered(verb: str, **fields: Any) -> dict[str, Any]:
    """The reply to a request that goes through."""
    found = asked(verb, **fields)
    assert found["ok"], found["error"]["message"]
    return found


def edited(text: str, op: str, **fields: Any) -> str:
    """The text after an edit that goes through."""
    return answered("edit", text=text, edit={"op": op, **fields})["text"]
