"""Ctrl-C during training: compiled code in other threads cannot be interrupted, so the process ends without waiting."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .failures import failure_of
from .output import say_json, tell

_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def stop_at_once(*, as_json: bool, kept: Path | None = None, words: Callable[[], str] | None = None) -> Iterator[None]:
    """While this is open, Ctrl-C tells what happened and ends the process at once; keep it closed while files are written.

    Args:
        kept: The folder where training keeps what it has done, if it has done anything; None where nothing is kept.
        words: Says what is there and how to go on.
    """

    def stop(*_: object) -> None:
        # People press it twice.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # While progress bars are shown these write above them and draw them again.
        sys.stdout, sys.stderr = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
        if sys.stderr.isatty():
            # The progress bars have hidden the cursor, and nobody else will show it again.
            sys.stderr.write(f"{_SHOW_CURSOR}\n")
        failure = failure_of(KeyboardInterrupt())
        if kept is not None and kept.is_dir():
            where = (
                f"What was done is kept in {kept}: the same command goes on from there." if words is None else words()
            )
            failure = replace(failure, message=f"{failure.message} {where}")
        if as_json:
            say_json(failure.to_json())
            sys.stdout.flush()
        tell(str(failure))
        sys.stderr.flush()
        os._exit(failure.code)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        # Somebody else has decided what Ctrl-C means: `nohup`, or a program that calls `main`.
        yield
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
