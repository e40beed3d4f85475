"""How far training is, for people: on stderr, where somebody is looking, with the time that is left.

On a terminal and in a notebook there is a bar for each block and one for all; where stderr goes to a file, a plain line now
and then.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

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
TELLING = 0.02
"""Share of a block from which on its speed says something, once `KNOWING` seconds went by."""
QUARTER = 0.25
"""Share of a block from which on its speed says something at once."""
KNOWING = 1.5

LONGEST_TRAIL = 500
OVERDUE = 5.0
"""How many times as long as others a step takes in which something was compiled."""
GROWTH = 1.3
"""What follows a plan beside what it says, as measured on random models: runs that need to be longer."""
TAIL, LAST = 0.08, 1.5
"""What judging the whole fit after its last block takes: a share of all, and seconds."""

_log = logging.getLogger("latentdo")
# Whoever wants to read notes without progress configures logging; nobody else is bothered.
_log.addHandler(logging.NullHandler())


@runtime_checkable
class Watcher(Protocol):
    """Whoever shows progress elsewhere than on stderr."""

    def update(self, course: Course) -> None:
        """Take in how far all blocks are; called often, and from several threads by turns."""
        ...

    def note(self, text: str) -> None:
        """Take in a sentence."""
        ...


@contextmanager
def watch(progress: bool | Watcher | None) -> Iterator[Tell]:
    """A function to tell (block, share done) to, while this is open.

    A block that is announced with the share 0 counts as waiting; one that tells 0 after it began begins anew, by another
    method or where an earlier process left it. A share that falls says that the plan has grown; one above 1 that it is trained
    longer than planned, nobody knows how long.

    Args:
        progress: True shows progress, False shows nothing, None shows it on a terminal or in a notebook; or who shows it.
    """
    course = Course(_now)
    if isinstance(progress, Watcher):
        with _told(course, _elsewhere(course, progress)) as tell:
            yield tell
        return
    progress = arguments.flag_or_none("progress", progress, SpecError)
    in_notebook = "ipykernel" in sys.modules
    on_terminal = sys.stderr.isatty()
    if progress is None:
        progress = on_terminal or in_notebook
    if not progress:
        yield lambda block, share: None
        return
    # Without its widgets a notebook would show a new bar for every change.
    moves = importlib.util.find_spec("ipywidgets") is not None if in_notebook else on_terminal
    with _told(course, (_bars if moves else _lines)(course)) as tell:
        yield tell


@contextmanager
def _told(course: Course, opened: AbstractContextManager[_Display]) -> Iterator[Tell]:
    """A function that notes what it is told in a course, and shows it."""
    with opened as display, _notes(display):
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
        if share == 0 and track.begun is not None:
            track.restart()
        elif share > 0:
            track.move(now, share)
        track.ended = now if share == 1.0 else None
        track.shown = max(track.shown, track.done)
        self._most_finished = max(self._most_finished, self.n_finished)
        self._most_running = max(self._most_running, len(self.running))

    @property
    def running(self) -> list[str]:
        """The blocks that are being trained."""
        return [name for name, track in self.tracks.items() if track.begun is not None and track.ended is None]

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
        return 0.0 if track.ended is not None else track.left(self._clock())

    @property
    def left(self) -> float | None:
        """Seconds until all is done: no less than the longest block needs, nor than all need with as many at a time as now.

        None where that cannot be told yet: where a block of unknown speed has several nodes, as no other that is known, or takes
        as long already as any other did.
        """
        now = self._clock()
        known = {name: left for name in self.running if (left := self.left_of(name)) is not None}
        n_unknown = len(self.tracks) - self.n_finished - len(known)
        if not known and not n_unknown:
            return 0.0
        # How long each takes in all, by kind, and without what was compiled: those that are done or whose speed is known.
        whole: dict[str, list[float]] = {}
        again: dict[str, list[float]] = {}
        for name, track in self.tracks.items():
            if track.begun is not None and (track.ended is not None or name in known):
                took = now - track.begun + known[name] if track.ended is None else track.ended - track.begun
                whole.setdefault(_kind(name), []).append(took)
                again.setdefault(_kind(name), []).append(took - track.idle)
        if not whole or (n_unknown and self.seconds < KNOWING):
            return None
        # The longest begin first: of a kind that nothing is known of, blocks take no longer than the shortest so far; a node
        # alone takes next to nothing beside blocks of several.
        shortest = min(map(min, again.values()))
        quick = {name for name in self.tracks if "," not in _kind(name) and all("," in kind for kind in again)}
        unknown = 0.0
        for name, track in self.tracks.items():
            if name in known or track.ended is not None:
                continue
            if track.begun is None:
                unknown += statistics.fmean(again.get(_kind(name), [0.0 if name in quick else shortest]))
            elif _kind(name) not in whole and "," in _kind(name):
                return None
            elif (gone := now - track.begun) < max(map(max, whole.values())):
                unknown += max(statistics.fmean(whole.get(_kind(name), [shortest])) - gone, 0.0)
            else:
                return None
        ahead = GROWTH * max([*known.values(), (sum(known.values()) + unknown) / self._most_running])
        return ahead + TAIL * (ahead + self.seconds) + LAST


def _kind(name: str) -> str:
    """What blocks of one kind have in common: their nodes, whichever table they are trained on (`north: {X, Y}`)."""
    return name[name.find("{") :] if "{" in name else ""


@dataclass
class Track:
    """One block, its work counted in units of its first plan.

    Attributes:
        share: What was told last, as a share of the present plan.
        plan: What that plan amounts to.
        total: What there is to do, as far as is known now.
        shown: The most that was done of it by the plans so far: what people see never falls when a plan grows.
        trail: When it had done how much, since it or its present method was begun.
        idle_before: Seconds in which earlier methods did not move.
    """

    share: float = 0.0
    plan: float = 1.0
    total: float = 1.0
    begun: float | None = None
    ended: float | None = None
    shown: float = 0.0
    trail: list[tuple[float, float]] = field(default_factory=list)
    idle_before: float = 0.0

    @property
    def done(self) -> float:
        """From 0 to 1."""
        return 1.0 if self.ended is not None else self.share * self.plan / self.total

    def move(self, now: float, share: float) -> None:
        """Note a share that is done."""
        self.begun = now if self.begun is None else self.begun
        if share < self.share / 5:
            # A worker that was killed begins again.
            self.restart()
        if self.trail and share < self.share:
            # The plan has grown: what is done stays done, and is a smaller share of it.
            self.plan *= self.share / share
            self.total = self.plan
        if share * self.plan > self.total:
            # Trained longer than planned by somebody who does not say how long: as much again.
            self.total = max(2 * self.total, share * self.plan)
        self.share = share
        self.trail.append((now, share * self.plan))
        if len(self.trail) > LONGEST_TRAIL:
            # Every second point will do; the beginning and the end stay.
            del self.trail[2:-1:2]

    @property
    def idle(self) -> float:
        """Seconds in which the block did not move, because programs were compiled."""
        steps = [then[0] - before[0] for before, then in pairwise(self.trail)]
        if len(steps) < 3:
            return self.idle_before
        usual = statistics.median(steps[1:])
        return self.idle_before + steps[0] + sum(step - usual for step in steps[1:] if step > OVERDUE * usual)

    def restart(self) -> None:
        """Forget the plan: another method begins, or the block goes on where an earlier process left it."""
        self.idle_before = self.idle
        self.share, self.plan, self.total, self.trail = 0.0, 1.0, 1.0, []

    def left(self, now: float) -> float | None:
        """Seconds that are left at the present speed; None where that cannot be told yet."""
        if self.begun is None or not self.trail:
            return None
        if self.done > 1.0 - 2.0 * BEGUN:
            # What follows the last report, such as diagnostics, has no share: as long again as it takes already.
            return now - self.trail[-1][0]
        # The first report is of the beginning; up to the second, programs are compiled.
        moving = self.trail[1:]
        if len(moving) < 2:
            moved, passed = self.done - self.trail[0][1] / self.total, now - self.trail[0][0]
            return passed * (1.0 - self.done) / moved if moved + BEGUN >= QUARTER else None
        begun, last = moving[0][0], moving[-1][0]
        moved = self.done - moving[0][1] / self.total
        if moved < TELLING or (moved < QUARTER and now - begun < KNOWING):
            return None
        # The pace of the last half, as warm-up and what follows differ; its median, because now and then a program is compiled.
        late = moving[min(len(moving) // 2, len(moving) - 2) :]
        steps = [(then[0] - before[0], then[1] - before[1]) for before, then in pairwise(late) if then[1] > before[1]]
        if not steps:
            return None
        ahead = statistics.median(seconds / work for seconds, work in steps) * (1.0 - self.done) * self.total
        since = now - last
        # Between two reports the block moves on. Where one is overdue something else is done, for as long again.
        overdue = since > OVERDUE * statistics.median(seconds for seconds, _ in steps)
        return ahead + since if overdue else max(ahead - since, 0.0)


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
def _elsewhere(course: Course, watcher: Watcher) -> Iterator[_Display]:
    """Handed on to somebody who shows it."""

    class Handed:
        def update(self, block: str) -> None:
            watcher.update(course)

        def note(self, text: str) -> None:
            watcher.note(text)

    yield Handed()


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
