"""How far training is, for people: on stderr, where somebody is looking, with the time that is left.

On a terminal and in a notebook there is a bar for each block and one for all; where stderr goes to a file, a plain line now
and then.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from latentdo import arguments
from latentdo.errors import SpecError, visible

Tell = Callable[[str, float], None]

FIRST_LINE = 3.0
"""Seconds before the first plain line."""
BETWEEN_LINES = 10.0
BEGUN = 1e-6
"""The share that a block tells when its training begins: what only waits has told 0."""
MOST_BARS = 20
"""Blocks beyond which those that are finished lose their bars."""
TELLING = 0.05
"""Share of a block from which on its speed says something, once `KNOWING` seconds went by."""
QUARTER = 0.25
"""Share of a block from which on its speed says something at once."""
KNOWING = 5.0

_log = logging.getLogger("latentdo")
# Whoever wants to read notes without progress configures logging; nobody else is bothered.
_log.addHandler(logging.NullHandler())


@contextmanager
def watch(progress: bool | None) -> Iterator[Tell]:
    """A function to tell (block, share done) to, while this is open.

    A block that is announced with the share 0 counts as waiting; one that tells 0 after it began goes on from the share that
    follows, from which its speed is measured; above 1 it is being trained longer than planned.

    Args:
        progress: True shows progress, False shows nothing, None shows it on a terminal or in a notebook.
    """
    progress = arguments.flag_or_none("progress", progress, SpecError)
    in_notebook = "ipykernel" in sys.modules
    on_terminal = sys.stderr.isatty()
    if progress is None:
        progress = on_terminal or in_notebook
    if not progress:
        yield lambda block, share: None
        return
    course = Course(_now)
    # Without its widgets a notebook would show a new bar for every change.
    moves = importlib.util.find_spec("ipywidgets") is not None if in_notebook else on_terminal
    with (_bars if moves else _lines)(course) as display, _notes(display):
        lock = threading.Lock()

        def tell(block: str, share: float) -> None:
            with lock:
                course.tell(block, share)
                display.update(block)

        yield tell


def _now() -> float:
    return time.monotonic()


class Course:
    """When each block began and how far it is, and what follows for the rest.

    Args:
        clock: Seconds from any moment on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.begun = clock()
        self.tracks: dict[str, Track] = {}
        self._most_running = 1
        self._most_finished = 0

    def tell(self, block: str, share: float) -> None:
        """Note how far a block is."""
        now = self._clock()
        track = self.tracks.setdefault(block, Track())
        if share > 0 and track.begun is None:
            track.begun = now
            track.first = share if track.goes_on else 0.0
        if share > track.total:
            # The block is being trained longer: each extension doubles what there is to do.
            track.total = max(2 * track.total, share)
        if share == 0 and track.begun is not None:
            track.begun, track.goes_on = None, True
        track.share = share
        track.ended = now if share == 1.0 else None
        track.shown = max(track.shown, track.done)
        self._most_finished = max(self._most_finished, self.n_finished)
        self._most_running = max(self._most_running, len(self.running))

    @property
    def running(self) -> list[str]:
        """The blocks that are being trained."""
        return [
            name
            for name, track in self.tracks.items()
            if (track.begun is not None or track.goes_on) and track.ended is None
        ]

    @property
    def n_finished(self) -> int:
        """Number of blocks that are done."""
        return sum(track.ended is not None for track in self.tracks.values())

    @property
    def counted(self) -> str:
        """Blocks that are done, of all; never fewer than were said to be done before."""
        return f"{self._most_finished} of {len(self.tracks)}"

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return self._clock() - self.begun

    def left_of(self, block: str) -> float | None:
        """Seconds that a block still needs at its speed; None where that cannot be told yet."""
        track = self.tracks[block]
        if track.ended is not None:
            return 0.0
        if track.begun is None:
            return None
        passed, moved = self._clock() - track.begun, track.done - track.first / track.total
        if moved < TELLING or (moved < QUARTER and passed < KNOWING):
            return None
        return passed * (1.0 - track.done) / moved

    @property
    def left(self) -> float | None:
        """Seconds until all is done: no less than the longest block needs, nor than all need with as many at a time as now.

        None where that cannot be told yet, and where a block of unknown speed takes as long already as any other did.
        """
        known = [left for name in self.running if (left := self.left_of(name)) is not None]
        whole = [
            track.ended - track.begun
            for track in self.tracks.values()
            if track.ended is not None and track.begun is not None
        ]
        now = self._clock()
        whole += [
            now - begun + left
            for name in self.running
            if (left := self.left_of(name)) is not None and (begun := self.tracks[name].begun) is not None
        ]
        n_unknown = len(self.tracks) - self.n_finished - len(known)
        if not known and not n_unknown:
            return 0.0
        if not whole or (n_unknown and self.seconds < KNOWING):
            return None
        typical = sum(whole) / len(whole)
        unknown = [self.tracks[name].begun for name in self.running if self.left_of(name) is None]
        if any(begun is not None and now - begun >= max(whole) for begun in unknown):
            return None
        return max([*known, (sum(known) + n_unknown * typical) / self._most_running])


@dataclass
class Track:
    """One block: `first` is the share at which it began, `total` that at which it will be done, as far as is known now.

    `shown` is the most that was done of it by the plans so far: what people see never falls when a plan grows.
    """

    share: float = 0.0
    first: float = 0.0
    goes_on: bool = False
    total: float = 1.0
    begun: float | None = None
    ended: float | None = None
    shown: float = 0.0

    @property
    def done(self) -> float:
        """From 0 to 1."""
        return 1.0 if self.ended is not None else self.share / self.total


class _Display(Protocol):
    def update(self, block: str) -> None:
        """Show that the block has moved."""
        ...

    def note(self, text: str) -> None:
        """Show a sentence."""
        ...


@contextmanager
def _notes(display: _Display) -> Iterator[None]:
    """While this is open, what is logged is shown with the progress; unless somebody else shows it."""
    if any(not isinstance(handler, logging.NullHandler) for handler in _log.handlers):
        yield
        return

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            display.note(f"note: {record.getMessage()}")

    handler = Handler(logging.WARNING)
    _log.addHandler(handler)
    try:
        yield
    finally:
        _log.removeHandler(handler)


@contextmanager
def _lines(course: Course) -> Iterator[_Display]:
    """Plain lines on stderr, without anything that moves a cursor."""
    due = FIRST_LINE

    class Lines:
        def update(self, block: str) -> None:
            nonlocal due
            if course.seconds < due or course.n_finished == len(course.tracks):
                return
            due = course.seconds + BETWEEN_LINES
            self.note(f"progress: {_summary(course)}")

        def note(self, text: str) -> None:
            # A reader of stderr that went away stops no training.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"{visible(text)}\n")
                sys.stderr.flush()

    lines = Lines()
    yield lines
    if course.tracks:
        what = f"all {len(course.tracks)}" if len(course.tracks) > 1 else next(iter(course.tracks))
        lines.note(f"progress: {what} done in {clock_time(course.seconds)}")


def _summary(course: Course) -> str:
    running = [f"{name}{_percent(course.tracks[name])}" for name in course.running]
    shown = [*running[:3], *([f"{len(running) - 3} more"] if len(running) > 3 else [])]
    counted = [f"{course.counted} done"] if len(course.tracks) > 1 else []
    return "; ".join([*counted, *([", ".join(shown)] if shown else []), *_left(course.left)])


def _percent(track: Track) -> str:
    """How far a block is; nothing of one whose method does not tell, and never all while it is running."""
    return f" {min(round(100 * track.shown), 99)} %" if track.shown > BEGUN else ""


def _left(seconds: float | None) -> list[str]:
    return [] if seconds is None else [f"about {clock_time(seconds)} left"]


def clock_time(seconds: float) -> str:
    """`0:07`, `12:40`, `3:05:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@contextmanager
def _bars(course: Course) -> Iterator[_Display]:
    """One bar for all, with the time that is left, and below it one per block."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Plain(TextColumn):
        """A field as it is: user text is never markup."""

        def render(self, task: Any) -> Text:
            return Text(task.description if self.text_format == "name" else task.fields["left"])

    columns = (Plain("name"), BarColumn(), TimeElapsedColumn(), Plain("left"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        known: dict[str, Any] = {}
        overall = bars.add_task("", total=1.0, left="", visible=False)

        class Bars:
            def update(self, block: str) -> None:
                track = course.tracks[block]
                if block not in known:
                    known[block] = bars.add_task(visible(block), total=1.0, start=False, left="")
                if track.begun is not None:
                    bars.start_task(known[block])
                left = course.left_of(block)
                bars.update(
                    known[block],
                    completed=track.shown,
                    left="".join(_left(left)) if left else "",
                    visible=len(known) <= MOST_BARS or block in course.running,
                )
                n = len(course.tracks)
                bars.update(
                    overall,
                    completed=sum(track.shown for track in course.tracks.values()) / n,
                    description=course.counted,
                    left="".join(_left(course.left)),
                    visible=n > 1,
                )

            def note(self, text: str) -> None:
                bars.console.print(Text(visible(text)))

        yield Bars()
