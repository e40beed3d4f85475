"""The running state of a block on disk: what is saved comes back bit by bit, and what is not whole is left aside."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latentdo.inference.storage.checkpoint import Checkpoint, read_state, write_state

STATE = {
    "u": np.random.default_rng(0).normal(size=(3, 4, 5)),
    "z": np.zeros((4, 0, 7)),
    "key": np.array([7, 2**32 - 1], dtype=np.uint32),
    "odd name / \u00e9": np.array([np.nan, np.inf, -0.0, 5e-324]),
    "single": np.array([0.1], dtype="f4"),
    "no axes": np.array(0.1, dtype="f4"),
    "other order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "made": 40,
    "step": 0.1 + 0.2,
    "stage": "warm-up",
    "done": False,
    "nothing": None,
}


def assert_same(found, state):
    assert found is not None
    assert sorted(found) == sorted(state)
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
            assert found[name].tobytes() == value.tobytes()
        else:
            assert (type(found[name]), found[name]) == (type(value), value)


def test_a_state_comes_back_bit_by_bit(tmp_path: Path):
    keeper = Checkpoint(tmp_path / "deep" / "block.state", every=0.0)
    assert keeper.load() is None
    keeper.save(lambda: STATE)
    assert_same(Checkpoint(tmp_path / "deep" / "block.state").load(), STATE)
    keeper.save(lambda: {"made": 60})
    assert_same(keeper.load(), {"made": 60})
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["block.state"]


def test_methods_that_follow_each_other_have_states_of_their_own(tmp_path: Path):
    keeper = Checkpoint(tmp_path / "0.state", every=0.0)
    keeper.part("a").save(lambda: {"made": 1})
    keeper.part("b").save(lambda: {"made": 2})
    assert keeper.load() is None
    assert [keeper.part(name).load() for name in "abc"] == [{"made": 1}, {"made": 2}, None]


def test_states_are_saved_now_and_then_and_not_made_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("latentdo.inference.storage.checkpoint.time.monotonic", lambda: now[0])
    keeper, made = Checkpoint(tmp_path / "0.state", every=5.0), []

    def state():
        made.append(now[0])
        now[0] += 1.0  # a large state: it takes a second to write
        return {"made": len(made)}

    for moment in range(0, 60, 2):
        now[0] = max(now[0], float(moment))
        keeper.save(state)
    # First after 5 seconds; then 20 times as long as the saving took.
    assert made == [6.0, 28.0, 50.0]


def test_without_a_file_nothing_is_kept():
    keeper = Checkpoint(every=0.0)
    keeper.part("a").save(lambda: pytest.fail("a state was made that nobody keeps"))
    assert keeper.load() is None
    assert keeper.part("a").load() is None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda raw: b"", "not the state of a block"),
        (lambda raw: b"PK\x03\x04" + raw, "not the state of a block"),
        (lambda raw: raw[:-1], "its hash differs"),
        (lambda raw: raw[: len(raw) // 2], "its hash differs"),
        (lambda raw: raw + b"\0", "its hash differs"),
        (lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:], "its hash differs"),
    ],
)
def test_what_is_not_whole_is_named_and_left_aside(spoil, message, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "0.state"
    write_state(path, STATE)
    path.write_bytes(spoil(path.read_bytes()))
    with caplog.at_level(logging.WARNING, "latentdo"):
        assert read_state(path) is None
    assert f"{path} is damaged (" in caplog.text
    assert message in caplog.text


def test_a_place_that_cannot_be_written_costs_no_fit(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "folder").write_text("in the way")
    keeper = Checkpoint(tmp_path / "folder" / "0.state", every=0.0)
    for _ in range(3):
        keeper.save(lambda: STATE)
    assert caplog.text.count("cannot be written") == 1


def test_objects_are_refused_rather_than_pickled(tmp_path: Path):
    with pytest.raises(ValueError, match="Object arrays"):
        write_state(tmp_path / "0.state", {"x": np.array([object()])})


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_process_killed_while_it_writes_leaves_a_whole_state(tmp_path: Path):
    """Killed within a busy loop of writes, again and again: the file is always one of the states that were written."""
    code = (
        "import itertools, sys, numpy as np; from pathlib import Path\n"
        "from latentdo.inference.storage.checkpoint import write_state\n"
        "for k in itertools.count():\n"
        "    write_state(Path(sys.argv[1]), {'k': k, 'x': np.full(200_000, float(k))})\n"
        "    if k == 3: print('begun', flush=True)\n"
    )
    path = tmp_path / "0.state"
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.kill()
        process.communicate()
        state = read_state(path)
        assert state is not None
        assert (state["x"] == state["k"]).all()
