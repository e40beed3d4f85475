"""Parse, run one command, and turn whatever happens into an exit code and one message.

Everything heavy is imported inside, so that Ctrl-C is caught from the first moment.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from .failures import BAD_INPUT, BUG, DONE, Failure, failure_of
from .output import close_stdout, prepare_streams, say_json, tell


def run(tokens: Sequence[str]) -> int:
    """The exit code of one command line, whose result and messages were written."""
    prepare_streams()
    return told(tokens, *_run(list(tokens)))


def told(tokens: Sequence[str], code: int, failure: Failure | None) -> int:
    """The exit code, once a failure was told: on stderr, and for programs on stdout."""
    try:
        if failure is not None and "--json" in tokens:
            say_json(failure.to_json())
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
    except OSError as error:
        close_stdout()
        failure = failure or failure_of(error)
        code = code or failure.code
    if failure is not None:
        tell(str(failure))
    return code


def _run(tokens: list[str]) -> tuple[int, Failure | None]:
    """The exit code of the command, and what went wrong."""
    try:
        return _command(tokens), None
    except (BrokenPipeError, SystemExit):
        # Whoever reads has seen enough; the second is how rich tells it, of all that is called the only one to do so.
        return DONE, None
    # The boundary of the program: whatever was not foreseen is told as a bug of ours.
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001
        failure = failure_of(error)
        if failure.code == BUG and os.environ.get("LATENTDO_DEBUG") == "1":
            traceback.print_exception(error, file=sys.stderr)
        return failure.code, failure


def _command(tokens: list[str]) -> int:
    from cyclopts import CycloptsError

    from .app import application, usage_error
    from .imports import without_imports

    tokens = without_imports(tokens)
    app = application(tokens)
    if not tokens:
        from rich.console import Console

        app.help_print([], console=Console(stderr=True))
        return BAD_INPUT
    try:
        command, bound, *_ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise usage_error(error) from None
    code = command(*bound.args, **bound.kwargs)
    # Help and version are commands too, without a result.
    return code if isinstance(code, int) else DONE
