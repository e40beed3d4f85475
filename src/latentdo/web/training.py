"""One fit in a process of its own: told by files in a folder, it tells how far it is, a JSON object a line on stdout.

It ends at once when its standard input is closed, which also happens when whoever started it is killed: what was done is then
kept in the folder, and the same call goes on from there.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from latentdo.inference import Course

STUDY, OPTIONS, FIT, KEPT, LOG = "study.yaml", "training.json", "fit.ldo", "fit.ldo.part", "log.txt"
"""Files of the folder: what is trained, the rest of the call, the fit, what is kept of one in the making, stray output."""
EACH = 0.2
"""Seconds between two reports at least."""
STILL = 5.0
"""Seconds in which nothing need move."""
TICK = 1.0
"""Seconds after which the time that is left is told anew where nothing moves."""


class Said:
    """Reports on how far a fit is, a line each."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = 0.0
        self._lock = threading.Lock()
        self._course: Course | None = None
        self._moved = 0.0, 0.0
        self.last = ""
        """What is done once all blocks are trained, in words."""

    def say(self, **told: Any) -> None:
        """Write one report; nobody may be reading any more."""
        with self._lock:
            self._stream.write(json.dumps(told) + "\n")
            self._stream.flush()

    def update(self, course: Course) -> None:
        """Tell how far all blocks are, now and then."""
        self._course = course
        now = time.monotonic()
        over = course.n_finished == len(course.tracks)
        if now < self._next and not over:
            return
        self._next = now + EACH
        blocks = [
            {
                "name": name,
                "share": track.shown,
                "left": course.left_of(name),
                "state": "done" if track.ended is not None else "waiting" if track.begun is None else "running",
            }
            for name, track in list(course.tracks.items())
        ]
        left = None if over else self._left(course, sum(track.shown for track in list(course.tracks.values())), now)
        self.say(course={"left": left, "blocks": blocks, "step": self.last if over else None})

    def _left(self, course: Course, share: float, now: float) -> float | None:
        """The time that is left; none once nothing has moved for longer than that, as where a program is compiled."""
        if share != self._moved[0]:
            self._moved = share, now
        left = course.left
        return None if left is None or now - self._moved[1] > max(STILL, left) else left

    def tick(self) -> None:
        """Tell now and then how long it takes, also where no block moves on."""
        while True:
            time.sleep(TICK)
            # A block may just be added to what is looked at here.
            with contextlib.suppress(RuntimeError):
                if self._course is not None and self._course.running:
                    self.update(self._course)

    def note(self, text: str) -> None:
        """Tell a sentence."""
        self.say(note=text.removeprefix("note: "))


def train(folder: Path, said: Said) -> None:
    """Train what the files of the folder say, and save the fit there, with its rows.

    Raises:
        LatentdoError: It cannot be trained.
    """
    from latentdo.fitting import fit_resumably
    from latentdo.models.study import load_study

    options = json.loads((folder / OPTIONS).read_text(encoding="utf-8"))
    study = load_study(folder / STUDY)
    against = "" if options["check"] is False else ", set against its rows"
    said.last = f"All nodes are trained. The fit is judged{against} and saved"
    posterior, discard = fit_resumably(
        study,
        seed=options["seed"],
        progress=said,
        checkpoint=folder / KEPT,
        check=options["check"],
        do=options["do"],
    )
    posterior.save(folder / FIT, data=True)
    discard()


def _main(folder: Path) -> None:
    from .errors import error_of

    # Whatever else prints must not stand between the reports.
    said, sys.stdout = Said(sys.stdout), sys.stderr
    for work in (_end_with_input, said.tick):
        threading.Thread(target=work, daemon=True).start()
    try:
        train(folder, said)
    # The boundary of the process: whatever happens is told to the page.
    except BaseException as error:  # noqa: BLE001
        said.say(failed=error_of(error))
    else:
        said.say(done=True)
    # Threads that compile would keep it for a while.
    sys.stderr.flush()
    os._exit(0)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
