"""What users add in modules of their own, families, engines and estimators: made known by name, and told from faults of ours."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from latentdo.errors import ExtensionError, LatentdoError, nearest

ENGINES: dict[str, type[Any]] = {}
"""Every engine by name: those of latentdo once training was loaded, those of users once they are defined."""
ESTIMATORS: dict[str, type[Any]] = {}
"""Every estimator by name, likewise."""

HOW_KNOWN = "One of your own is known once its module is imported (on the command line: --import MODULE)."
"""What is said where a name is unknown that may be that of a user's class."""

_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"
_LONGEST_CAUSE = 400

_Class = TypeVar("_Class", bound=type)


def enter(known: dict[str, _Class], added: _Class, what: str, fault: type[LatentdoError]) -> _Class:
    """Make a class known by its `name`; one that is defined again, as by a notebook's cell, takes its own place.

    Args:
        what: `family`, `engine`, `estimator`.
        fault: What is raised where the name belongs to another class.
    """
    name = added.name  # type: ignore[attr-defined]
    before = known.get(name, added)
    if _home(before) != _home(added):
        article = "An" if what[0] in "aeiou" else "A"
        raise fault(
            f"{article} {what} is called {name!r} already ({'.'.join(_home(before))}). Give yours another name."
        )
    known[name] = added
    return added


def _home(known: type) -> tuple[str, str]:
    return known.__module__, known.__qualname__


def unknown(what: str, name: str, known: Iterable[str], classes: Mapping[str, type]) -> str:
    """What is said of a name that no class has: a name near it, or those that there are, with the user's own."""
    own = [each for each, known_class in classes.items() if is_own(known_class)]
    offered = nearest(name, known)
    said = "" if offered.startswith("Did") else f" Of your own: {', '.join(own)}." if own else f" {HOW_KNOWN}"
    return f"no {what} is called {name!r}. {offered}{said}"


def is_own(known: type) -> bool:
    """Whether a class is a user's, and none of latentdo's."""
    return known.__module__.partition(".")[0] != __name__.partition(".")[0]


def guard(added: type, abstract: type, what: str, gives: Mapping[str, tuple[type, ...]] | None = None) -> None:
    """Have errors inside the methods of a user's class told as its own; the methods are those that the abstract class has.

    Args:
        gives: Method and the classes of what it gives. None is looked for everywhere but where the abstract class allows it.
    """
    if not is_own(added):
        return
    for name in vars(added).keys() & vars(abstract).keys():
        part, told = vars(added)[name], vars(abstract)[name]
        if name.startswith("_") and name != "__str__":
            continue
        given = getattr(told.fget if isinstance(told, property) else told, "__annotations__", {}).get("return", "None")
        expected = (gives or {}).get(name, () if "None" in str(given) else (object,))
        if isinstance(part, property) and part.fget is not None:
            setattr(added, name, property(_guarded(part.fget, name, what, expected), doc=part.__doc__))
        elif isinstance(part, functools.cached_property):
            cached = functools.cached_property(_guarded(part.func, name, what, expected))
            cached.__set_name__(added, name)
            setattr(added, name, cached)
        elif callable(part) and not isinstance(part, type):
            setattr(added, name, _guarded(part, name, what, expected))


def _guarded(function: Callable[..., Any], name: str, what: str, expected: tuple[type, ...]) -> Callable[..., Any]:
    @functools.wraps(function)
    def told(self: Any, *args: Any, **options: Any) -> Any:
        with blamed(type(self), name, what):
            given = function(self, *args, **options)
        if expected and (given is None or not isinstance(given, expected)):
            named = " or ".join(kind.__name__ for kind in expected).replace("object", "a value")
            raise wrong(type(self), name, what, given, named)
        return given

    return told


@contextmanager
def blamed(known: type, method: str, what: str) -> Iterator[None]:
    """Errors inside are told as those of a user's class; what is raised on purpose, and a lack of memory, is left as it is.

    Raises:
        ExtensionError: Something else was raised.
    """
    try:
        yield
    except (LatentdoError, MemoryError):
        raise
    # The class is somebody's own: whatever it raises, the user has to know where.
    except Exception as problem:
        if not is_own(known) or _OUT_OF_MEMORY in str(problem):
            raise
        cause = " ".join(f"{type(problem).__name__}: {problem}".split()).rstrip(":. ")
        cause = cause if len(cause) <= _LONGEST_CAUSE else f"{cause[:_LONGEST_CAUSE]} …"
        raise ExtensionError(what, _called(known), method, cause, _place(known, problem)) from problem


def wrong(known: type, method: str, what: str, got: object, expected: str) -> ExtensionError:
    """The error of a user's method that gives something else than is expected, to be raised."""
    cause = f"it gives {'nothing' if got is None else type(got).__name__}, expected: {expected}"
    return ExtensionError(what, _called(known), method, cause, f"class {known.__qualname__}")


def _called(known: type) -> str:
    return str(getattr(known, "name", known.__name__))


def _place(known: type, problem: BaseException) -> str:
    """The last line of the class's own module that the error came through; without one, the class."""
    place, step = "", problem.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__") == known.__module__:
            file = step.tb_frame.f_code.co_filename
            place = f"{'' if file.startswith('<') else f'{Path(file).name}, '}line {step.tb_lineno}"
        step = step.tb_next
    return place or f"class {known.__qualname__}"
