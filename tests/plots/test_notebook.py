"""Figures in a notebook: shown once, as the value of the cell or at its end; nothing happens outside of one."""

import sys
from types import SimpleNamespace

import pytest

from latentdo.plots import forest, leave
from latentdo.query import Summary

ROWS = [Summary("a", 1.0, 0.1, 0.8, 1.2, 0.9, None, "lvm")]


class Kernel:
    """What the pictures use of IPython's shell."""

    def __init__(self) -> None:
        self.kernel = object()
        self.events = self
        self.callbacks: dict[str, list] = {"post_run_cell": []}

    def register(self, name, function) -> None:
        self.callbacks[name].append(function)

    def end(self, value=None) -> None:
        """The end of a cell."""
        for function in self.callbacks["post_run_cell"]:
            function(SimpleNamespace(result=value))


@pytest.fixture
def shown(monkeypatch):
    """A kernel, and the images that it was given to display."""
    kernel, images = Kernel(), []
    display = SimpleNamespace(display=images.append, Image=lambda data: data)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel, display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return kernel, images


def test_a_cell_that_ends_with_a_semicolon_shows_its_figure(shown):
    kernel, images = shown
    forest(ROWS)
    kernel.end()
    kernel.end()
    assert [image[:4] for image in images] == [b"\x89PNG"]


def test_axes_that_are_the_value_of_a_cell_are_shown_as_their_figure_and_not_twice(shown):
    kernel, images = shown
    axes = forest(ROWS)
    assert axes._repr_png_()[:4] == b"\x89PNG"
    kernel.end(axes)
    figure = forest(ROWS).figure
    kernel.end(figure)
    assert not images


def test_a_figure_that_stands_in_a_table_is_not_shown_again(shown):
    kernel, images = shown
    leave(forest(ROWS).figure)
    kernel.end()
    assert not images


def test_axes_of_others_are_left_to_them(shown):
    kernel, images = shown
    theirs = forest(ROWS)
    leave(theirs.figure)
    forest(ROWS, ax=theirs)
    kernel.end()
    assert not images


def test_a_script_has_axes_as_they_are():
    assert not hasattr(forest(ROWS), "_repr_png_")
