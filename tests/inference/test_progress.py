"""Progress: what is told of blocks that wait, run, are extended and end; and where it is shown how."""

from __future__ import annotations

import io
import logging
import re
import sys

import pytest

from latentdo.inference import progress
from latentdo.inference.progress import Course, clock_time, watch

pytestmark = pytest.mark.usefixtures("as_planned")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "_now", clock)
    return clock


def told(course: Course, clock: Clock, *steps: tuple[float, str, float]) -> None:
    for moment, block, share in steps:
        clock.now = 100.0 + moment
        course.tell(block, share)


def test_the_time_left_is_that_of_the_slowest_block_or_of_the_queue():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 0), (0, "b", 0), (0, "c", 0))
    assert course.left is None
    told(course, clock, (0, "a", 1e-6), (0, "b", 1e-6), (10, "a", 0.5))
    # a needs 10 s more and 20 in all; so do b, which began with it, and c, as far as is known: 40 s of work for two at a time.
    assert course.left_of("a") == pytest.approx(10, abs=0.01)
    assert course.left_of("b") is None
    assert course.left == pytest.approx(20, abs=0.01)
    told(course, clock, (10, "b", 0.1), (16, "b", 0.16))
    # b will need 84 s more at its present speed: longer than the rest shared between two.
    assert course.left == pytest.approx(84, abs=0.01)
    told(course, clock, (20, "a", 1.0), (20, "c", 1e-6), (30, "c", 1.0), (100, "b", 1.0))
    assert course.left == 0.0
    assert (course.n_finished, course.running) == (3, [])


def test_plans_grow_and_the_whole_fit_is_judged_after_the_last_block(monkeypatch):
    monkeypatch.setattr(progress, "GROWTH", 1.5)
    monkeypatch.setattr(progress, "TAIL", 0.1)
    monkeypatch.setattr(progress, "LAST", 2.0)
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 0), (0, "a", 1e-6), (10, "a", 0.5))
    # 10 s as planned, 15 s as plans go, a tenth of 25 s, and 2 s.
    assert course.left == pytest.approx(19.5, abs=0.01)


def test_a_plan_that_grows_is_known_by_a_share_that_falls():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 1e-6), (5, "a", 0.5), (10, "a", 1 - 1e-6), (11, "a", 0.55))
    # Eleven tenths are done of two.
    assert course.tracks["a"].done == pytest.approx(0.55)
    assert course.tracks["a"].shown == pytest.approx(1.0, abs=1e-5)
    told(course, clock, (16, "a", 0.8))
    assert course.left == pytest.approx(4.0), "a quarter of it in the last five seconds"
    told(course, clock, (20, "a", 1.0))
    assert (course.n_finished, course.tracks["a"].done) == (1, 1.0)


def test_a_block_that_goes_beyond_its_plan_has_as_much_again_to_do():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 1e-6), (5, "a", 0.5), (10, "a", 1 - 1e-6), (11, "a", 1.1))
    assert course.tracks["a"].done == pytest.approx(0.55)
    assert course.n_finished == 0
    assert course.left == pytest.approx(9.0, abs=0.01)
    told(course, clock, (30, "a", 3.0))
    assert course.tracks["a"].done == pytest.approx(0.75)
    told(course, clock, (31, "a", 1.0))
    assert (course.n_finished, course.tracks["a"].done) == (1, 1.0)


def test_a_block_that_goes_on_is_not_taken_to_be_as_fast_as_it_seems():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 1e-6), (1, "a", 0.0))
    assert course.running == ["a"]
    told(course, clock, (1, "a", 0.6))
    assert course.tracks["a"].done == pytest.approx(0.6)
    assert course.left is None
    told(course, clock, (21, "a", 0.61))
    assert course.left is None, "a program was compiled"
    told(course, clock, (31, "a", 0.71))
    assert course.left == pytest.approx(29.0)
    told(course, clock, (60, "a", 1.0))
    assert course.left == 0.0


def test_a_block_that_is_begun_again_has_all_of_it_to_do():
    clock = Clock()
    course = Course(clock)
    told(
        course, clock, (0, "a", 1e-6), (10, "a", 0.2), (20, "a", 0.4), (30, "a", 0.05), (40, "a", 0.25), (50, "a", 0.45)
    )
    assert course.tracks["a"].done == pytest.approx(0.45)
    assert course.left == pytest.approx(27.5)


def test_a_long_trail_is_thinned():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 1e-6), *((k, "a", k / 20_000) for k in range(1, 10_001)))
    assert len(course.tracks["a"].trail) <= progress.LONGEST_TRAIL
    assert course.left == pytest.approx(10_000, rel=1e-3)


def test_what_people_see_never_falls():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 0), (0, "b", 0), (1, "a", 1e-6), (1, "b", 1e-6), (6, "b", 0.87), (7, "a", 1.0))
    assert progress._summary(course).startswith("1 of 2 done; b 87 %")
    told(course, clock, (8, "a", 0.5), (8, "b", 0.6))
    assert (course.n_finished, course.tracks["b"].done) == (0, 0.6)
    assert progress._summary(course).startswith("1 of 2 done; a 99 %, b 87 %")
    told(course, clock, (14, "b", 0.95))
    assert "b 95 %" in progress._summary(course)


def test_no_time_is_told_before_something_is_known():
    clock = Clock()
    course = Course(clock)
    told(course, clock, (0, "a", 0), (0, "b", 0), (0, "c", 0), (0, "a", 1e-6), (0, "b", 1e-6), (0.1, "a", 1.0))
    assert course.left is None, "one quick block says nothing of the others at the very start"
    told(course, clock, (4, "b", 0.2))
    assert (course.left_of("b"), course.left) == (None, None), "a program may have been compiled"
    told(course, clock, (6, "b", 0.3), (6, "c", 1e-6))
    assert course.left_of("b") is None, "two seconds are too few"
    told(course, clock, (10, "b", 0.5))
    assert course.left_of("b") == pytest.approx(10)
    slow = Course(clock)
    told(slow, clock, (0, "a", 1e-6), (0, "b", 1e-6), (1, "a", 1.0), (9, "b", 1e-6))
    assert slow.left is None, "b takes longer than a did, and nobody knows how much"


def test_a_block_whose_method_does_not_tell_has_no_percentage(clock, capsys):
    with watch(True) as tell:
        for block in ("{X}", "{Y}", "{Z}"):
            tell(block, 0.0)
            tell(block, 1e-6)
        for moment, block in ((6.0, "{X}"), (20.0, "{Y}"), (21.0, "{Z}")):
            clock.now = 100.0 + moment
            tell(block, 1.0)
    assert capsys.readouterr().err.splitlines() == [
        "progress: 1 of 3 done; {Y}, {Z}",
        "progress: 2 of 3 done; {Z}",
        "progress: all 3 done in 0:21",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0:00"), (7, "0:07"), (59.6, "1:00"), (760, "12:40"), (11100, "3:05:00")]
)
def test_times_are_written_as_clocks_do(seconds, text):
    assert clock_time(seconds) == text


def test_in_a_file_there_are_plain_lines_now_and_then(clock, capsys):
    with watch(True) as tell:
        for block in ("{X}", "{U, \x1b[31mY}"):
            tell(block, 0.0)
        for second in range(40):
            clock.now = 100.0 + second
            tell("{X}", (second + 1) / 50)
        tell("{X}", 1.0)
        tell("{U, \x1b[31mY}", 1.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "progress: 0 of 2 done; {X} 8 %"
    assert len(lines) == 5
    assert lines[-1] == "progress: all 2 done in 0:39"
    assert all(line.isprintable() for line in lines)


def test_a_single_block_is_called_by_its_name(clock, capsys):
    with watch(True) as tell:
        tell("signaling", 1e-6)
        clock.now += 5
        tell("signaling", 0.5)
        tell("signaling", 1.0)
    assert capsys.readouterr().err == "progress: signaling 50 %; about 0:05 left\nprogress: signaling done in 0:05\n"


def test_without_progress_nothing_is_written(capsys):
    for wanted in (None, False):  # a captured stderr is no terminal
        with watch(wanted) as tell:
            tell("{X}", 0.5)
            logging.getLogger("latentdo").warning("unseen")
    assert capsys.readouterr() == ("", "")


def test_notes_are_shown_with_progress_unless_logging_shows_them(capsys):
    log = logging.getLogger("latentdo")
    with watch(True):
        log.warning("the checkpoint %s is damaged", "x")
    assert capsys.readouterr().err == "note: the checkpoint x is damaged\n"
    own = logging.NullHandler
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    try:
        with watch(True):
            log.warning("once")
    finally:
        log.removeHandler(handler)
    assert (capsys.readouterr().err, stream.getvalue()) == ("", "once\n")
    assert [type(one) for one in log.handlers] == [own]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_per_block_and_one_for_all(monkeypatch, clock):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    with watch(None) as tell:
        for block in ("{[red]X}", "{Y}"):
            tell(block, 0.0)
        tell("{[red]X}", 1e-6)
        clock.now += 10
        tell("{[red]X}", 0.25)
        logging.getLogger("latentdo").warning("something to know")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = [line.strip() for line in re.split(r"[\r\n]+", shown) if line.strip()]
    assert "note: something to know" in last
    assert any(line.startswith("0 of 2") and line.endswith("about 1:10 left") for line in last)
    assert any(line.startswith("{[red]X}") and line.endswith("about 0:30 left") for line in last)
    assert any(line.startswith("{Y}") for line in last)


def test_a_notebook_without_widgets_gets_lines(monkeypatch, clock, capsys):
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda name: None)
    with watch(None) as tell:
        tell("{X}", 1.0)
    assert capsys.readouterr().err == "progress: {X} done in 0:00\n"


def test_a_reader_that_went_away_stops_nothing(monkeypatch):
    closed = io.StringIO()
    closed.close()
    closed.isatty = lambda: False  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", closed)
    with watch(True) as tell:
        tell("{X}", 1.0)
