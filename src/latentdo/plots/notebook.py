"""Figures that a notebook shows: they are not pyplot's, whose own hook shows those of pyplot at the end of a cell."""

from __future__ import annotations

import base64
import importlib
import io
import sys
from functools import partial
from typing import Any

_WAITING: list[Any] = []
"""Figures that were made in this cell and not shown yet."""


def show_at_end(figure: Any) -> None:
    """Have the kernel, where this runs in one, show the figure once: as the value of its cell, or when the cell ends.

    That is what pyplot does with its figures, so that `answers.plot()`, `answers.plot();` and changes to the axes in the same
    cell look as people expect.
    """
    shell = _shell()
    if shell is None:
        return
    _WAITING.append(figure)
    # IPython asks a value for this method; that of the axes, which are made later, gives the picture of the whole figure.
    figure._repr_png_ = partial(_png, figure)
    figure.add_axobserver(_lend)
    if _flush not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _flush)


def leave(figure: Any) -> None:
    """The figure is shown by other means."""
    _WAITING[:] = [each for each in _WAITING if each is not figure]


def data_uri(figure: Any) -> str:
    """The figure as a PNG image inside a page, which shows it in place of the notebook."""
    leave(figure)
    return f"data:image/png;base64,{base64.b64encode(png(figure)).decode()}"


def png(figure: Any) -> bytes:
    """The figure as a PNG image."""
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()


def _shell() -> Any:
    """The shell of a notebook's kernel; None in a script, and in a terminal, which has no pictures."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


def _lend(figure: Any) -> None:
    for axes in figure.axes:
        axes._repr_png_ = figure._repr_png_


def _png(figure: Any) -> bytes:
    leave(figure)
    return png(figure)


def _flush(result: Any) -> None:
    """Show what the cell made and did not show; a figure without axes was never drawn into."""
    waiting = [figure for figure in _WAITING if figure.axes]
    _WAITING.clear()
    display = importlib.import_module("IPython.display")
    for figure in waiting:
        # Where pyplot is in use, its formatter shows a figure that is the value of the cell.
        if figure is not result.result:
            display.display(display.Image(png(figure)))
