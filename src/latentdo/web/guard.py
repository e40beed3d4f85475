"""Who may talk to the server: checks of every request before anything reads it, and the headers of every reply.

A page of somebody else's that is open in the same browser can send requests here, under its own name (Origin) or under a name
that it made point to this machine (Host). The first is told by its Origin, the second by its Host, and neither knows the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-latentdo-token"
LOCAL = ("localhost", "127.0.0.1", "::1")

CONTENT_SECURITY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a browser may do with the page; that of the page without a server stands in the page itself."""
HEADERS = {
    "content-security-policy": CONTENT_SECURITY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Door:
    """What a request must bring.

    Attributes:
        token: Known to the page that this server served, and to nobody else.
        hosts: Names that this machine is called by; in lower case.
        port: Where the server listens.
        open: Whether others can reach it: then the page too is served only to those who bring the token.
    """

    token: str
    hosts: frozenset[str] = frozenset(LOCAL)
    port: int = 8000
    open: bool = False

    @classmethod
    def at(cls, host: str, port: int, token: str, *, shared: bool = False) -> Door:
        """The door of a server that listens at an address; `shared` says that others use this machine."""
        if host.lower() in LOCAL:
            return cls(token, port=port, open=shared)
        named = {host, socket.gethostname(), socket.getfqdn()}
        return cls(token, frozenset(LOCAL) | {name.lower() for name in named}, port, open=True)

    @property
    def others(self) -> bool:
        """Whether other machines can reach it."""
        return self.hosts > frozenset(LOCAL)

    @property
    def cookie(self) -> str:
        """The name under which a browser keeps the token: cookies of one machine are shared by its ports."""
        return f"latentdo-{self.port}"

    def refusal(self, request: Request) -> tuple[int, str] | None:
        """Why a request is not answered, with its status; None where it is."""
        host = request.headers.get("host", "")
        if not self._is_ours(host):
            return (
                403,
                f"This server is not {host[:200] or 'nameless'}. Open the address that it printed when it started.",
            )
        if (origin := request.headers.get("origin")) is not None and not _same_site(origin, host):
            return 403, "The request comes from another site, and is refused. Use the page that this server shows."
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and request.url.path.startswith(
            "/api/"
        ):
            return 403, "The request comes from another site, and is refused. Use the page that this server shows."
        if request.method not in ("GET", "HEAD", "POST"):
            return 405, f"{request.method[:20]} is not answered here; GET and POST are."
        if not self._has_token(request):
            return 403, (
                "The token of the page is missing or old. Load the page anew, from the address that the server printed when "
                "it started."
            )
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self.hosts:
            return True
        # No name was made to point here where there is no name.
        return self.open and _is_address(name)

    def _has_token(self, request: Request) -> bool:
        """Whether the token is there: of writes in a header, which no other site can send; of what is read in a cookie, too."""
        if request.method == "POST":
            return self._is_token(request.headers.get(TOKEN_HEADER, ""))
        if not self.open and not request.url.path.startswith("/api/"):
            return True
        given = (request.headers.get(TOKEN_HEADER), request.query_params.get("token"), request.cookies.get(self.cookie))
        return any(self._is_token(each) for each in given if each)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_site(origin: str, host: str) -> bool:
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and found.netloc.lower() == host.lower()


class Guard:
    """Lets through what the door lets through, and gives every reply the headers that keep a browser from harm."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                own = ((name.encode(), value.encode()) for name, value in HEADERS.items())
                message = {**message, "headers": [*message["headers"], *(pair for pair in own if pair[0] not in there)]}
            await send(message)

        refused = self.door.refusal(Request(scope))
        if refused is None:
            await self.app(scope, receive, protected)
            return
        status, why = refused
        await error_reply("refused", why, status)(scope, receive, protected)


def error_reply(kind: str, message: str, status: int) -> Response:
    """An error as the page reads it."""
    error = {"kind": kind, "message": message, "line": None, "column": None, "hedge": None}
    return json_reply(json.dumps({"ok": False, "error": error}, ensure_ascii=False), status)


def json_reply(text: str, status: int = 200) -> Response:
    """A reply that is JSON already."""
    return Response(text.encode("utf-8"), status, media_type="application/json")
