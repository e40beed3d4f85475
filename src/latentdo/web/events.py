"""What changes on the server, told to every open page as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from latentdo.sheet import finite

ALIVE = 15.0
"""Seconds after which a line is sent that says nothing, so that a broken connection is noticed."""


class Events:
    """The pages that listen. Of each kind of event the last one counts: who was busy is told that one alone."""

    def __init__(self) -> None:
        self._listeners: dict[_Listener, asyncio.AbstractEventLoop] = {}

    def tell(self, kind: str, value: Any) -> None:
        """Tell all; from any thread."""
        for listener, loop in list(self._listeners.items()):
            with contextlib.suppress(RuntimeError):  # its loop is closed
                loop.call_soon_threadsafe(listener.put, kind, value)

    async def stream(self, first: dict[str, Any]) -> AsyncIterator[str]:
        """The events from now on, as text, after some that say how things stand."""
        listener = _Listener(first)
        self._listeners[listener] = asyncio.get_running_loop()
        try:
            while True:
                try:
                    kind, value = await asyncio.wait_for(listener.next(), ALIVE)
                    yield f"event: {kind}\ndata: {json.dumps(finite(value))}\n\n"
                except TimeoutError:
                    yield ": alive\n\n"
        finally:
            del self._listeners[listener]


class _Listener:
    """What one page has still to be told."""

    def __init__(self, first: dict[str, Any]) -> None:
        self._waiting = dict(first)
        self._there = asyncio.Event()
        if first:
            self._there.set()

    def put(self, kind: str, value: Any) -> None:
        self._waiting[kind] = value
        self._there.set()

    async def next(self) -> tuple[str, Any]:
        await self._there.wait()
        kind = next(iter(self._waiting))
        value = self._waiting.pop(kind)
        if not self._waiting:
            self._there.clear()
        return kind, value
