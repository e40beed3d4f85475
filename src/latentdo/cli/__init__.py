"""The command line: one command per verb, which parses, calls the verb and prints. No arithmetic of its own."""

from __future__ import annotations

import sys

# Named here as type checkers know it: nothing is imported before somebody listens for Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one command line.

    Args:
        arguments: What was typed behind `latentdo`; that of this process unless given.
    """
    tokens = sys.argv[1:] if arguments is None else arguments
    try:
        from .run import run

        return run(tokens)
    # Before the command or behind it, which listens itself: while Python loads it, or while its result is flushed.
    except KeyboardInterrupt as interrupt:
        import signal

        # People press it twice.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        from .failures import failure_of
        from .run import told

        failure = failure_of(interrupt)
        code = told(tokens, failure.code, failure)
        signal.signal(signal.SIGINT, before)
        return code
