"""Whatever is typed is read, or refused with a place and a reason: no crash, no hang, and no time that explodes."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

import latentdo as ld
import malformed
from latentdo.cli import main
from latentdo.errors import LatentdoError, NotationError, StudyError, visible
from latentdo.graphs import normalised, parse_call
from latentdo.models import ModelSpec
from latentdo.query import Query

KNOWN = ld.graph(
    "W -> Z -> X -> Y; W <-> X; W <-> Y; latent U; U -> M; U -> Y; X -> M; `IL-6`; `a b`; normal; E; NF_kB; `latent`; Größe"
)
SLOWEST = 5.0  # a call that takes longer hangs; the long run prints how long the slowest took
"""Seconds of CPU that one call may take on a text of at most `malformed.LONGEST` characters."""
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\U000e0001]"
)


class Hang(BaseException):
    """Raised by the alarm; nothing in the package catches it."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Stop whatever runs longer, where the system has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Tally:
    """What became of the texts of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    slowest: float = 0.0
    slowest_text: str = ""
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in self.outcomes.most_common())
        return f"{self.outcomes.total()} texts: {counts}; slowest call {self.slowest:.3f} s"


# --- what each kind of text goes through


def through_graph(text: str) -> None:
    graph = ld.graph(text)
    assert ld.graph(str(graph)) == graph, f"reads back otherwise: {graph}"


def through_model(text: str) -> None:
    spec = ld.model(text)
    # Priors of single weights have no place in the text: they are beside it.
    printed, priors = spec.source
    again = ModelSpec.parse(printed).with_priors({key: parse_call(value) for key, value in priors})
    assert again == spec, f"reads back otherwise: {spec}"
    assert ld.graph(text).nodes == spec.graph.nodes[: len(ld.graph(text).nodes)]


def through_query(text: str) -> None:
    query = Query.parse(text)
    assert Query.parse(str(query)) == query, f"reads back otherwise: {query}"
    verdict = ld.identify(KNOWN, text)
    assert verdict.identified in (True, False)


def through_study(text: str) -> None:
    study = ld.load_study(text)
    assert ld.load_study(text) == study
    for _, query in study.queries:
        assert Query.parse(str(query)) == query


def through_verdict(text: str) -> None:
    assert ld.identify(text, "P(Y | do(X))").identified in (True, False)


DOORS: dict[str, Callable[[str], None]] = {
    "graph": through_graph,
    "model": through_model,
    "query": through_query,
    "dagitty": through_graph,
    "study": through_study,
    "verdict": through_verdict,
}


# --- what a refusal must hold


def check_refusal(error: LatentdoError, text: str) -> None:
    message = str(error)
    assert 10 < len(message) <= 2100
    assert not INVISIBLE.search(message), f"the message holds a character that nobody sees: {message!r}"
    if isinstance(error, NotationError):
        assert error.problem[-1] in ".?…", error.problem
        check_place(error.source, error.line, error.column, message)
        check_found(error)
    elif isinstance(error, StudyError) and error.line is not None:
        assert error.column is not None
        check_place(normalised(text), error.line, error.column, message)


def check_place(source: str, line: int, column: int, message: str) -> None:
    """The place is in the text or at its end, and the caret stands under it."""
    lines = source.split("\n")
    assert 1 <= line <= len(lines), (line, len(lines))
    typed = lines[line - 1]
    assert 1 <= column <= len(typed) + 1, (column, typed)
    head, shown, caret = message.rsplit("\n", 2)
    assert f"line {line}, column {column}: " in head
    assert caret.strip() == "^"
    pointed = visible(typed[column - 1 : column].replace("\t", " "))[:1]
    assert pointed in under(shown, len(caret) - 1), (shown, caret, pointed)


def check_found(error: NotationError) -> None:
    """What a message says it found stands at its place."""
    if found := re.search(r"found (?:the number |the quoted text )?'([^'\\\\…]+)'", error.problem):
        here = error.source.split("\n")[error.line - 1][error.column - 1 :].lstrip("`'\"")
        # Inside quotes a quote is doubled.
        wanted = found[1].strip("`'\"")
        assert here.startswith(wanted) or here.replace('""', '"').lstrip('"').startswith(wanted), (here, wanted)
    if "found the end of the line" in error.problem or "found the end of the text" in error.problem:
        # In a study a quote, a comment or a bracket may follow.
        rest = error.source.split("\n")[error.line - 1][error.column - 1 :].lstrip()
        assert rest[:1] in ("", "'", '"', "#", ",", "]", "}"), rest


def under(shown: str, column: int) -> list[str]:
    """The characters that a terminal shows in a column of a line, or nothing where the line is over."""
    found, at = [], 0
    for char in shown:
        if at == column:
            found.append(char)
        if unicodedata.category(char) not in ("Mn", "Me"):
            at += 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
    return found if at > column else [*found, ""]


def try_text(kind: str, text: str, tally: Tally) -> None:
    """Send a text through the door of a kind, its own or another, and note what comes out."""
    start = time.process_time()
    try:
        with alarm(20):
            DOORS[kind](text)
        what = "read"
    except LatentdoError as error:
        what = "refused"
        try:
            check_refusal(error, text)
        except AssertionError as fault:
            tally.faults.append(f"{text!r}\n  {type(error).__name__}: {error!s}\n  {fault}")
    except Hang:
        what = "hung"
        tally.faults.append(f"{text!r}\n  hangs")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault of ours
        what = "crashed"
        tally.faults.append(f"{text!r}\n  {type(error).__name__}: {error}")
    taken = time.process_time() - start
    tally.outcomes[what] += 1
    if taken > tally.slowest:
        tally.slowest, tally.slowest_text = taken, text
    if taken > SLOWEST:
        tally.faults.append(f"{text!r}\n  takes {taken:.2f} s")


def try_all(kind: str, count: int, seed: int) -> Tally:
    tally = Tally()
    for text in malformed.texts(kind, count, seed):
        try_text(kind, text, tally)
    print(f"{kind}: {tally}")
    assert not tally.faults, f"{len(tally.faults)} faults:\n" + "\n".join(tally.faults[:5])
    # Else the generator has gone astray, and tests one side alone.
    assert min(tally.outcomes["read"], tally.outcomes["refused"]) > 0.1 * count
    return tally


@pytest.mark.parametrize("kind", malformed.KINDS)
def test_whatever_is_typed_is_read_or_refused_with_a_place(kind: str):
    try_all(kind, 300, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", malformed.KINDS)
def test_ten_thousand_texts_of_each_kind_are_read_or_refused_with_a_place(kind: str):
    try_all(kind, 12_000, seed=1)


def try_every_door(kind: str, count: int, seed: int) -> None:
    tally = Tally()
    for text in malformed.texts(kind, count, seed):
        for door in DOORS:
            try_text(door, text, tally)
    print(f"{kind} through every door: {tally}")
    assert not tally.faults, f"{len(tally.faults)} faults:\n" + "\n".join(tally.faults[:5])


@pytest.mark.parametrize("kind", malformed.KINDS)
def test_a_text_in_the_wrong_place_is_refused_with_a_place(kind: str):
    try_every_door(kind, 40, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", malformed.KINDS)
def test_ten_thousand_texts_in_the_wrong_place_are_refused_with_a_place(kind: str):
    try_every_door(kind, 10_000, seed=3)


def test_texts_are_the_same_for_the_same_seed():
    assert list(malformed.texts("model", 50, seed=3)) == list(malformed.texts("model", 50, seed=3))
    assert list(malformed.texts("model", 50, seed=3)) != list(malformed.texts("model", 50, seed=4))


# --- time


def seconds(kind: str, text: str) -> float:
    start = time.process_time()
    with alarm(60), contextlib.suppress(LatentdoError):
        DOORS[kind](text)
    return time.process_time() - start


def check_growth(what: str, size: int) -> None:
    """Four times the text takes about four times as long; squares would be sixteen."""
    short, long = malformed.long_texts(size)[what], malformed.long_texts(4 * size)[what]
    first, second = min(seconds(*short) for _ in range(2)), seconds(*long)
    assert second < 8 * first + 0.25, (
        f"{what}: {first:.3f} s for {size} characters, {second:.3f} s for four times as many"
    )


@pytest.mark.parametrize("what", malformed.long_texts(100))
def test_long_texts_do_not_hang(what: str):
    # How time grows is for the long run: a machine that does other things too makes any ratio of seconds.
    assert seconds(*malformed.long_texts(16_000)[what]) < 60


@pytest.mark.slow
@pytest.mark.parametrize("what", malformed.long_texts(100))
def test_time_grows_with_the_length_of_very_long_texts(what: str):
    check_growth(what, 25_000)


# --- the command line


def command_lines(kind: str, text: str, folder: Path) -> list[str]:
    match kind:
        case "graph" | "dagitty":
            return ["identify", "--json", "--", text, "P(Y | do(X))"]
        case "model":
            return ["check", "--", text]
        case "query":
            return ["identify", "--", str(KNOWN), text]
        case _:
            path = folder / "study.yaml"
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            return ["check", str(path)]


def try_commands(count: int, seed: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> Counter[int]:
    codes: Counter[int] = Counter()
    for kind in malformed.KINDS:
        for text in malformed.texts(kind, count, seed):
            line = command_lines(kind, text, folder)
            with alarm(20):
                code = main(line)
            out, err = capsys.readouterr()
            assert code in (0, 2, 3), (line, code, err)
            assert "Traceback" not in err
            assert code in (0, 3) or err.startswith("error: "), (line, err)
            assert not INVISIBLE.search(err), (line, err)
            if "--json" in line:
                json.loads(out)
            codes[code] += 1
    return codes


def test_commands_end_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    codes = try_commands(20, 5, tmp_path, capsys)
    assert min(codes[0], codes[2]) > 0


@pytest.mark.slow
def test_hundreds_of_commands_end_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    codes = try_commands(400, 6, tmp_path, capsys)
    assert min(codes[0], codes[2], codes[3]) > 0
