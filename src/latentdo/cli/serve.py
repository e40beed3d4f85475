"""`latentdo serve`: the page, on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import socket
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from latentdo.errors import MissingExtraError, UsageError
from latentdo.graphs import is_study_path

from .failures import DONE
from .options import Flag, Whole
from .output import say, tell

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from latentdo.web import Draft, Session

USAGE = "latentdo serve [STUDY] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo serve
  latentdo serve study.yaml
  latentdo serve --port 8080 --no-browser"""

CODES = "Exit codes: 0 stopped by Ctrl-C, 2 bad input."

LOCAL = "127.0.0.1"
TRIED = 100
"""Ports behind one that is busy that are looked at for a free one."""


def command(
    study: str | None = None,
    /,
    *,
    host: str = LOCAL,
    port: Whole = 8000,
    no_browser: Flag = False,
    token: Flag = False,
) -> int:
    """Show the page on which graphs are drawn and proved, tables brought and models trained.

    It runs on this machine alone, and sends nothing anywhere. Ctrl-C ends it; a fit
    that was not finished then is kept, and the next call goes on with it.

    Args:
        study: The path of a study (.yaml) to begin with; its table too, where the file exists.
        host: Where to listen. Any other than 127.0.0.1 lets other machines in that know the token of the address.
        port: The port to listen on; 0 for any that is free.
        no_browser: Print the address, and open no browser.
        token: Show the page to those alone who know the token of its address: on a machine that others use too.
    """
    if any(importlib.util.find_spec(package) is None for package in ("starlette", "uvicorn")):
        raise MissingExtraError("latentdo serve", "starlette and uvicorn", "web")
    from latentdo.web import Door, application

    begun = None if study is None else _begun(study)
    with _listening(host, port) as listener:
        door = Door.at(host, listener.getsockname()[1], secrets.token_urlsafe(24), shared=token)
        address = _address(host, door.port)
        if door.open:
            address += f"?token={door.token}"
        if door.others:
            tell(
                f"note: other machines can reach this page at {host}, and whoever knows its address with the token can read "
                "and change everything in it. The way there is not encrypted."
            )
        say(f"The page is at {address}\nCtrl-C ends it.")
        if not no_browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        session = _session(begun)
        _serve(application(door, session), listener)
        kept = session.close()
    tell(f"Stopped. {kept}" if kept else "Stopped.")
    return DONE


def _begun(path: str) -> tuple[Draft, Path | None]:
    """What a study begins the page with, and its table, where there is one.

    Raises:
        UsageError: It is no study, or has several tables.
    """
    from latentdo.api import load_study
    from latentdo.web import Draft

    if not is_study_path(path):
        raise UsageError(
            f"{path} is no study file (.yaml, .yml). Leave it out, and paste a model or graph into the page."
        )
    study = load_study(path)
    draft, table = Draft.of_study(study, Path(path).read_text(encoding="utf-8")), study.data
    if isinstance(table, tuple):
        if len(table) != 1 or table[0].do:
            raise UsageError(
                f"{path} names several tables, or rows of an experiment. The page takes one table of rows as they came. Train it "
                f"with latentdo fit {path}, and open the fit in the page."
            )
        draft, table = replace(draft, do=table[0].do_column or None), table[0].file
    return draft, table if table is not None and table.is_file() else None


def _session(begun: tuple[Draft, Path | None] | None) -> Session:
    from latentdo.web import Session, left_behind

    folder = left_behind()
    session = Session(folder)
    if folder is not None:
        tell("note: a fit of an earlier latentdo serve was kept, and is there in the page.")
    if begun is not None:
        session.given, table = begun
        if table is not None:
            session.take_table(table)
    return session


def _serve(app: Starlette, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    # Ctrl-C is how it ends.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _address(host: str, port: int) -> str:
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: It cannot; says why, and which port is free.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: a port is a whole number from 0 to 65535, such as 8000.")
    try:
        return _bound(host, port)
    except socket.gaierror:
        raise UsageError(
            f"--host {host} is no address of this machine. Leave out --host to serve this machine alone."
        ) from None
    except PermissionError:
        raise UsageError(
            f"--port {port} may only be used by the system. Choose one above 1023, such as 8000."
        ) from None
    except OSError as problem:
        free = next((each for each in range(port + 1, min(port + TRIED, 65535)) if _is_free(host, each)), None)
        if free is None:
            raise UsageError(f"--host {host} cannot be listened at: {problem.strerror or problem}.") from None
        raise UsageError(
            f"Port {port} is in use, perhaps by another latentdo serve. The next free one is {free}: "
            f"latentdo serve --port {free}."
        ) from None


def _bound(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _is_free(host: str, port: int) -> bool:
    try:
        _bound(host, port).close()
    except OSError:
        return False
    return True
