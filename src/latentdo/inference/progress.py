"""How far training is, for people: one bar per block on stderr, where somebody is looking."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watch(progress: bool | None) -> Iterator[Callable[[str, float], None]]:
    """A function to tell (block, share done) to, while this is open.

    Args:
        progress: True shows bars, False shows nothing, None shows them on a terminal or in a notebook.
    """
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not progress:
        yield lambda block, share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Label(TextColumn):
        """The block's name as it is: user text is never markup."""

        def render(self, task: object) -> Text:
            return Text(str(task.description))  # type: ignore[attr-defined]

    columns = (Label(""), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    lock = threading.Lock()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        known: dict[str, tuple[object, float]] = {}

        def tell(block: str, share: float) -> None:
            with lock:
                if block not in known:
                    known[block] = (bars.add_task(block, total=1.0), 1.0)
                task, total = known[block]
                if share > 1.0 and total < share:
                    # The block is being trained longer: each extension doubles what there is to do.
                    total = max(2 * total, share)
                    known[block] = (task, total)
                bars.update(task, completed=total if share == 1.0 and total > 1 else share, total=total)  # type: ignore[arg-type]

        yield tell
