"""The server of the page, on this machine: its files, the symbolic verbs of the bridge, and the session with data."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from .guard import Door, Guard, error_reply, json_reply

if TYPE_CHECKING:
    from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
MOST_JSON = 8 * 2**20
"""Bytes of a request that is read whole."""


def application(door: Door, *, static: Path = STATIC) -> Starlette:
    """The page and its verbs, for those whom the door lets through."""

    async def page(request: Request) -> Response:
        if "token" in request.query_params:
            # It need not stand in the history of the browser; what stands behind # is kept by the browser.
            return _with_cookie(RedirectResponse("/", 303), door)
        return _with_cookie(Response(page_with_token(static, door.token), media_type="text/html"), door)

    async def verb(request: Request) -> Response:
        asked = await request_of(request)
        from .bridge import reply

        return json_reply(await run_in_threadpool(reply, json.dumps(asked)))

    routes = [
        Route("/", page),
        Route("/index.html", page),
        Route("/api/{verb}", verb, methods=["POST"]),
        Mount("/", StaticFiles(directory=static, check_dir=False)),
    ]
    handlers: dict[Any, ExceptionHandler] = {HTTPException: _not_there, Refused: _refused}
    guards = [Middleware(Guard, door=door), Middleware(Boundary)]
    return Starlette(routes=routes, middleware=guards, exception_handlers=handlers)


def page_with_token(static: Path, token: str) -> str:
    """The page, told the token that its requests must bring."""
    text = (static / "index.html").read_text(encoding="utf-8")
    return text.replace("<head>", f'<head>\n<meta name="latentdo-token" content="{html.escape(token)}">', 1)


def _with_cookie(response: Response, door: Door) -> Response:
    response.set_cookie(door.cookie, door.token, httponly=True, samesite="strict")
    return response


class Refused(Exception):
    """A request that is not carried out; told to the page."""

    def __init__(self, message: str, status: int = 400, kind: str = "usage") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


async def request_of(request: Request) -> dict[str, Any]:
    """The verb and what it is told, from the address and the body.

    Raises:
        Refused: The body is too large, or no JSON object.
    """
    body = await whole_body(request, MOST_JSON)
    try:
        told = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused("The request is not JSON. Send one object.") from None
    if not isinstance(told, dict):
        raise Refused("The request is JSON, but not an object. Send one object.")
    return {**told, "verb": request.path_params["verb"]}


async def whole_body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        Refused: It has more bytes than that.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise Refused(f"The request has more than {most // 2**20} MiB. Send a smaller one.", 413)
        pieces.append(piece)
    return b"".join(pieces)


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return error_reply("usage", f"There is nothing at {request.url.path[:200]}.", status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error_reply(error.kind, str(error), error.status)


class Boundary:
    """Tells whatever was not foreseen as a message: no traceback reaches the page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            return
        # Where the reply has begun, sending another fails, and the connection is closed.
        except Exception as error:  # noqa: BLE001
            what = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            said = f"This is a fault of latentdo, not of your input ({what}). Please report it with what you did."
            await error_reply("bug", said, 500)(scope, receive, send)
