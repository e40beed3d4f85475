"""The server of the page, on this machine: its files, the symbolic verbs of the bridge, and the session with data."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from latentdo.errors import LatentdoError, UsageError, nearest
from latentdo.sheet import finite

from .bridge import reply
from .errors import error_of
from .events import Events
from .files import FILES, File, study_of
from .guard import Door, Guard, error_reply, json_reply
from .request import Request as Fields
from .session import Session
from .study import Draft
from .uploads import NAME_HEADER, TooLarge, given_name, received, safe_name
from .verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
MOST_JSON = 8 * 2**20
"""Bytes of a request that is read whole."""
TABLES = (".csv", ".tsv", ".parquet", ".pq")


def application(door: Door, session: Session, *, static: Path = STATIC) -> Starlette:
    """The page and its verbs, for those whom the door lets through."""
    events = Events()
    session.told = events.tell
    served = _Served(door, session, events, static)
    routes = [
        Route("/", served.page),
        Route("/index.html", served.page),
        Route("/api/events", served.events, methods=["GET"]),
        Route("/api/download/study", served.study, methods=["POST"]),
        Route("/api/download/{kind}", served.download, methods=["GET"]),
        Route("/api/table", served.table, methods=["POST"]),
        Route("/api/open", served.open, methods=["POST"]),
        Route("/api/{verb}", served.verb, methods=["POST"]),
        Mount("/", StaticFiles(directory=static, check_dir=False)),
    ]
    guards = [Middleware(Guard, door=door), Middleware(Boundary, folder=session.folder)]
    return Starlette(routes=routes, middleware=guards, exception_handlers={HTTPException: _not_there})


class _Served:
    """The pages and verbs of one server."""

    def __init__(self, door: Door, session: Session, events: Events, static: Path) -> None:
        self.door, self.session, self.hub, self.static = door, session, events, static

    async def page(self, request: Request) -> Response:
        """The page, which is told the token that its requests must bring."""
        if "token" in request.query_params:
            # It need not stand in the history of the browser; what stands behind # is kept by the browser.
            return self._with_cookie(RedirectResponse("/", 303))
        return self._with_cookie(Response(page_with_token(self.static, self.door.token), media_type="text/html"))

    async def verb(self, request: Request) -> Response:
        """One verb: of the session, or else of the bridge."""
        name = request.path_params["verb"]
        fields = await fields_of(request)
        if name not in VERBS:
            return json_reply(await run_in_threadpool(reply, json.dumps({**fields, "verb": name})))
        return await self._done(VERBS[name], Fields(fields, name))

    async def table(self, request: Request) -> Response:
        """A table that is brought."""
        target = self._upload("table", request, TABLES)
        await received(request, target)
        name = given_name(request.headers.get(NAME_HEADER, ""), target.name)
        await self._kept(target, lambda: self.session.take_table(target, name))
        return _ok({"table": None if self.session.look is None else self.session.look.to_json()})

    async def open(self, request: Request) -> Response:
        """A saved fit that is opened."""
        target = self._upload("opened", request, (".ldo",))
        await received(request, target)
        await self._kept(target, lambda: self.session.open_fit(target, target.name))
        return _ok({"fit": await run_in_threadpool(self.session.fit_json)})

    async def events(self, request: Request) -> Response:
        """What changes, as it changes."""
        look = self.session.look
        first = {
            "fit": await run_in_threadpool(self.session.fit_json),
            "table": None if look is None else look.to_json(),
        }
        return StreamingResponse(self.hub.stream(first), media_type="text/event-stream")

    async def download(self, request: Request) -> Response:
        """A file to take away."""
        kind = request.path_params["kind"]
        if kind not in FILES:
            raise UsageError(f"There is no file {kind[:50]!r}. {nearest(kind, FILES)}")
        return _file(await run_in_threadpool(FILES[kind], self.session))

    async def study(self, request: Request) -> Response:
        """The study that stands in the page, as a file."""
        fields = Fields(await fields_of(request), "study")
        draft = Draft.of(fields, self.session.given)
        fields.finish()
        return _file(await run_in_threadpool(study_of, self.session, draft))

    async def _done(self, verb: Callable[[Session, Fields], dict[str, Any]], fields: Fields) -> Response:
        def done() -> dict[str, Any]:
            found = verb(self.session, fields)
            fields.finish()
            return found

        return _ok(await run_in_threadpool(done))

    def _upload(self, kind: str, request: Request, suffixes: tuple[str, ...]) -> Path:
        folder = self.session.folder / kind
        folder.mkdir(exist_ok=True)
        return folder / safe_name(request.headers.get(NAME_HEADER, ""), suffixes, kind)

    async def _kept(self, target: Path, work: Callable[[], None]) -> None:
        """Do something with what was received, which goes where that fails."""
        try:
            await run_in_threadpool(work)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def _with_cookie(self, response: Response) -> Response:
        response.set_cookie(self.door.cookie, self.door.token, httponly=True, samesite="strict")
        return response


def page_with_token(static: Path, token: str) -> str:
    """The page, told the token that its requests must bring."""
    text = (static / "index.html").read_text(encoding="utf-8")
    return text.replace("<head>", f'<head>\n<meta name="latentdo-token" content="{html.escape(token)}">', 1)


def _file(file: File) -> Response:
    name, media_type, content = file
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})


def _ok(found: dict[str, Any]) -> Response:
    return json_reply(json.dumps(finite({"ok": True, **found}), allow_nan=False))


async def fields_of(request: Request) -> dict[str, Any]:
    """The object that a request has as its body.

    Raises:
        TooLarge: The body is.
        UsageError: It is no JSON object.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_JSON:
            raise TooLarge(f"The request has more than {MOST_JSON // 2**20} MiB. Send a smaller one.")
        pieces.append(piece)
    try:
        told = json.loads(b"".join(pieces) or b"{}")
    except (ValueError, RecursionError):
        raise UsageError("The request is not JSON. Send one object.") from None
    if not isinstance(told, dict):
        raise UsageError("The request is JSON, but not an object. Send one object.")
    return told


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return error_reply("usage", f"There is nothing at {request.url.path[:200]}.", status)


class Boundary:
    """Tells whatever went wrong as a message: no traceback, and no path of the session, reaches the page."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self.folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # The server ends, and with it what was being answered: no fault, of which a trace would be shown.
            with contextlib.suppress(Exception):
                if begun:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                else:
                    await error_reply("usage", "The server has ended.", 503)(scope, receive, send)
        # Where the reply has begun, sending another fails, and the connection is closed.
        except Exception as error:  # noqa: BLE001
            # What is wrong with a request stands in its reply, as in those of the bridge; a file has no such place.
            told = 400 if scope["path"].startswith("/api/download/") else 200
            status = 413 if isinstance(error, TooLarge) else told if isinstance(error, LatentdoError) else 500
            found = json.dumps({"ok": False, "error": error_of(error, self.folder)})
            await json_reply(found, status)(scope, receive, send)
