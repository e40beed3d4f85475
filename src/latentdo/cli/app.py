"""The commands as one application: what `latentdo --help` shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module

from cyclopts import App, CycloptsError, MissingArgumentError, UnknownOptionError

from latentdo import __version__
from latentdo.arguments import instead_of
from latentdo.errors import UsageError

EXIT_CODES = """\
Exit codes:
  0  done
  1  a bug of ours
  2  bad input: a model, query, table or command line that cannot be used
  3  not identifiable: the measured nodes cannot answer the question
  4  did not converge; the result was written or printed first
  5  the check found that the data contradict the graph, and --strict was given
  130  interrupted"""

EPILOGUE = f"""\
From a study to an answer:
  latentdo simulate signaling -n 500 --seed 1 -o cells.csv
  latentdo check study.yaml cells.csv
  latentdo fit study.yaml cells.csv -o signaling.ldo
  latentdo ask signaling.ldo "E[Erk | do(SOS=70)]"

Or only the question whether data could answer:
  latentdo identify "X -> M -> Y; X <-> Y" "P(Y | do(X))"
  latentdo answerable "X -> M -> Y; X <-> Y"

A family of your own, defined in my_families.py:
  latentdo ask fit.ldo "E[Y | do(X=1)]" --import my_families

Results go to stdout, progress and messages to stderr; with --json, results are
for programs.

{EXIT_CODES}"""

COMMANDS = (
    "identify",
    "answerable",
    "check",
    "fit",
    "ask",
    "compare",
    "bounds",
    "sensitivity",
    "sample-size",
    "simulate",
    "draw",
    "convert",
    "serve",
    "site",
)
HIDDEN = "reproduce"
"""Not in the help: it says where it went."""


def application(tokens: Sequence[str]) -> App:
    """The commands, with help that knows them; the one that is called alone, as no command pays for loading the others."""
    app = App(
        name="latentdo",
        help="Ask causal questions of models with hidden causes.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        version=f"latentdo {__version__}",
        version_format="plaintext",
        result_action="return_value",
        # Ctrl-C has an exit code and a message of its own.
        suppress_keyboard_interrupt=False,
    )
    called = [name for name in (*COMMANDS, HIDDEN) if name in tokens[:1]]
    for place, name in enumerate(called or (*COMMANDS, HIDDEN)):
        module = import_module(f".{name.replace('-', '_')}", __package__)
        if name == HIDDEN:
            app.command(module.command, name=name, show=False, help_flags=())
            continue
        app.command(
            module.command,
            name=name,
            usage=f"Usage: {module.USAGE}",
            help_epilogue=f"{module.EXAMPLES}\n\n{module.CODES}",
            sort_key=place,
        )
    return app


def _repair(option: str) -> str:
    """What to do in place of an option of other programs, where that is no Python."""
    repair = instead_of(option.lstrip("-").replace("-", "_"))
    return "" if re.search(r"\bld\.|=", repair) else repair


def usage_error(error: CycloptsError) -> UsageError:
    """What cannot be understood about a command line, and the way to its help."""
    message = " ".join(str(error).split())
    match error:
        case MissingArgumentError(argument=argument) if argument is not None:
            message = f"{argument.name} {'is missing' if argument.required else 'needs a value'}."
        case UnknownOptionError() if repair := _repair(error.token.value if error.token else ""):
            message = f"{message.partition(' Did you mean')[0]} {repair}"
        case UnknownOptionError() if any(char in message for char in "[]()|*/"):
            message += " A text that begins with - goes behind a lone --."
        case _:
            pass
    message += "" if message.endswith((".", "?")) else "."
    command = " ".join(("latentdo", *(error.command_chain or ())))
    return UsageError(f"{message} See {command} --help.")
