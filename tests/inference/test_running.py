"""Fits that are long, many, interrupted or repeated: nothing of what was done is lost, and no number changes."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import latentdo as ld
from latentdo import files
from latentdo.errors import DataError, FitError
from latentdo.inference import FitCheckpoint, Identity, runtime, train
from latentdo.inference.samplers import planner
from latentdo.inference.storage import checkpoint
from latentdo.tables import Dataset
from shared_fits import front_door_rows

MODEL = "X ~ normal; M ~ normal(X); Y ~ normal(M, X)"
AUTO = ld.Auto(max_steps=200)


def rows(seed: int = 0, n: int = 30) -> dict[str, np.ndarray]:
    return front_door_rows(n, seed)


def tiny_fit(model=MODEL, data=None, engine=AUTO, **options):
    return ld.fit(model, rows() if data is None else data, engine, progress=False, **options)


def draws(posterior: ld.Posterior) -> dict[str, bytes]:
    """Every number that was drawn, by node."""
    return {
        node: own.coefficients.tobytes() + b"".join(values.tobytes() for _, values in own.parameters)
        for node, own in posterior.by_node.items()
    }


# Checkpoints


class Stopped(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture
def stop_before(monkeypatch):
    """Training ends when it comes to a block of these nodes."""
    real = train.train_block

    def stop(*nodes):
        def train_block(task, engine):
            if set(nodes) & set(task.block.nodes):
                raise Stopped
            return real(task, engine)

        monkeypatch.setattr(train, "train_block", train_block)

    yield stop


def test_an_interrupted_fit_goes_on_to_the_same_numbers(tmp_path: Path, stop_before, monkeypatch):
    whole = tiny_fit()
    kept = tmp_path / "fit.part"
    monkeypatch.setattr(train, "_n_cores", lambda: 1)
    stop_before("Y")
    with pytest.raises(Stopped):
        tiny_fit(checkpoint=kept)
    (own,) = kept.iterdir()
    assert len(list(own.glob("*.finished"))) == 2
    assert json.loads((own / "fit.json").read_text())["seed"] == "0"
    stop_before("X")  # X is there already: it is not trained again
    resumed = tiny_fit(checkpoint=kept)
    assert draws(resumed) == draws(whole)
    assert resumed.diagnostics == whole.diagnostics
    assert [block.rows_hash for block in resumed.blocks] == [block.rows_hash for block in whole.blocks]
    assert list(tmp_path.iterdir()) == [], "a fit that is done leaves nothing"


def test_a_resumed_fit_counts_the_time_of_all_its_runs(half_done: Path):
    (own,) = half_done.iterdir()
    assert 0.0 < float((own / "seconds").read_text()) < 60.0
    (own / "seconds").write_text("1000.0")
    assert 1000.0 < tiny_fit(checkpoint=half_done).seconds < 1060.0


def test_a_process_forked_after_a_fit_is_told_so_at_once(monkeypatch):
    tiny_fit()
    monkeypatch.setattr(runtime, "_process", os.getpid() + 1)
    with pytest.raises(FitError, match=r'do not survive a fork: training would stand still\. .*get_context\("spawn"\)'):
        tiny_fit()


STOPS = {
    "in the warm-up": (3,),
    "in the draws, and soon after": (7, 1),
    "after the last transition": (10,),
    "in the second method": (13,),
}


@pytest.mark.parametrize("stops", STOPS.values(), ids=STOPS)
def test_a_block_goes_on_from_its_running_state_to_the_same_numbers(stops, tmp_path: Path, monkeypatch, caplog):
    """Ended after some calls of a compiled program, of which each of two methods makes ten: the first is not certified."""
    x = rows()["X"]
    data = {"X": x, "Y": (x > 0.3).astype(float)}
    model = "latent U ~ normal; X ~ normal(U); Y ~ bernoulli(U)"
    # As if it were for rounding that it is not.
    monkeypatch.setattr(planner, "ROUNDED", 1.0)
    whole = tiny_fit(model, data)
    real, calls = checkpoint.Checkpoint.save, []
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    for stop in stops:

        def save(self, state, stop=stop):
            real(self, state)
            calls.append(state()["made"])
            if len(calls) == stop:
                raise Stopped

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint.Checkpoint, "save", save)
            with pytest.raises(Stopped):
                tiny_fit(model, data, checkpoint=tmp_path / "fit.part")
        assert len(list(tmp_path.glob("fit.part/*/*.running"))) == (2 if stop > 10 else 1)
        assert len(list(tmp_path.glob("fit.part/*/fit.json"))) == 1, "whose it is can be told"
        assert calls.pop() > 0
        calls.clear()
    with caplog.at_level(logging.WARNING, "latentdo"):
        resumed = tiny_fit(model, data, checkpoint=tmp_path / "fit.part")
    assert "with 0 blocks finished and 1 half done." in caplog.text
    assert draws(resumed) == draws(whole)
    assert resumed.diagnostics == whole.diagnostics
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def half_done(tmp_path: Path, stop_before, monkeypatch) -> Path:
    """The checkpoint of a fit that ended after X."""
    kept = tmp_path / "fit.part"
    with monkeypatch.context() as patch:
        patch.setattr(train, "_n_cores", lambda: 1)
        # Whether Y is begun before the end of M is heard depends on the machine.
        stop_before("M", "Y")
        with pytest.raises(Stopped):
            tiny_fit(checkpoint=kept)
    monkeypatch.undo()
    return kept


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 1}, "differs in seed:"),
        ({"engine": ld.Auto(max_steps=400)}, "differs in engine:"),
        ({"data": rows(1)}, "differs in data:"),
        ({"model": MODEL.replace("normal(X)", "normal(+X)")}, "differs in model:"),
        ({"model": "X ~ normal; M ~ normal(X)", "seed": 2}, "differs in model and data and seed:"),
    ],
)
def test_the_checkpoint_of_another_fit_is_named_and_neither_used_nor_lost(half_done, changed, said, caplog):
    (other,) = half_done.iterdir()
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    with caplog.at_level(logging.WARNING, "latentdo"):
        found = tiny_fit(checkpoint=half_done, **changed)
    assert f"{other} holds an interrupted fit that {said} it is not used" in caplog.text
    assert draws(found) == draws(tiny_fit(**changed))
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before
    assert list(half_done.iterdir()) == [other]


def test_a_damaged_checkpoint_is_named_and_trained_anew(half_done, caplog):
    (block,) = half_done.glob("*/*.finished")
    block.write_bytes(block.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING, "latentdo"):
        found = tiny_fit(checkpoint=half_done)
    assert f"{block} is damaged" in caplog.text
    assert draws(found) == draws(tiny_fit())


def test_what_dead_processes_left_is_swept_up(half_done, tmp_path):
    (own,) = half_done.iterdir()
    dead = files.host() + "-" + str(2**22 + 1)
    alive = files.host() + f"-{os.getpid()}"
    for maker in (dead, alive):
        (own / f".01234567.{maker}.01234567.tmp").touch()
    FitCheckpoint(half_done, Identity.of(ld.model(MODEL), Dataset.of(rows()), AUTO, 0))
    assert [path.name for path in own.glob("*.tmp")] == [f".01234567.{alive}.01234567.tmp"]


def test_a_killed_save_leaves_nothing_beside_the_next(tmp_path):
    posterior = tiny_fit()
    path = tmp_path / "fit.ldo"
    other = tmp_path / ".01234567.01234567-1.01234567.tmp"
    other.touch()
    with files.replacing(path) as beside:
        stale = beside.with_name(beside.name.replace(f"-{os.getpid()}.", f"-{2**22 + 1}."))
        stale.touch()
        beside.touch()
    posterior.save(path)
    assert sorted(tmp_path.iterdir()) == [other, path], "of other files and machines nothing is known"


def test_a_checkpoint_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "fit.part").touch()
    with pytest.raises(ld.LatentdoError, match="is a file, and a checkpoint is a folder"):
        tiny_fit(checkpoint=tmp_path / "fit.part")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", r"checkpoint= is the path of a folder, got ''\. Name one"),
        ("a\0b", r"checkpoint='a\\x00b' cannot be the path of a folder \(.*\)\. Name another place"),
        ("n" * 300, r"checkpoint='n{59}…' cannot be the path of a folder \(File name too long\)"),
        ("\ud800", r"checkpoint='\\ud800' cannot be the path"),
        (7, "checkpoint= is the path of a folder, got int"),
    ],
)
def test_a_checkpoint_that_can_be_no_folder_is_refused(place, said, monkeypatch):
    monkeypatch.setattr(train, "train_block", lambda task, engine: pytest.fail("something was trained"))
    with pytest.raises(ld.LatentdoError, match=said):
        tiny_fit(checkpoint=place)


def test_a_folder_of_the_users_stays_when_it_is_empty_again(tmp_path, stop_before):
    own = tmp_path / "mine"
    own.mkdir()
    stop_before("Y")
    with pytest.raises(Stopped):
        tiny_fit(checkpoint=own)
    stop_before("nothing")
    tiny_fit(checkpoint=own)
    assert list(tmp_path.iterdir()) == [own]
    assert list(own.iterdir()) == []


# From an earlier fit


def kept_nodes(posterior: ld.Posterior) -> str:
    return "".join(block.block.nodes[0] for block in posterior.blocks if "kept from the earlier fit" in block.why)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> ld.Posterior:
    """A fit that was saved without its rows."""
    return ld.load(tiny_fit().save(tmp_path_factory.mktemp("fits") / "earlier.ldo"))


CHANGES = [
    ({}, "XMY", ""),
    ({"model": MODEL + "; Z ~ normal(Y)", "data": {**rows(), "Z": rows()["X"] ** 2}}, "XMY", "no such block"),
    ({"model": MODEL.replace("normal(X)", "normal(X, weight=normal(0, 9))")}, "XY", "mechanism of M or its priors"),
    ({"model": "X ~ normal; M ~ normal(X); Y ~ normal(M)"}, "XM", "the earlier fit has no such block"),
    ({"data": {**rows(), "Y": rows()["Y"] + 1}}, "XM", "its data changed"),
    ({"data": {name: values[:29] for name, values in rows().items()}}, "", "its data changed"),
    ({"seed": 1}, "", "the earlier fit has the seed 0"),
    ({"engine": ld.Auto(max_steps=400)}, "", "trained by Auto(max_steps=200"),
]


@pytest.mark.parametrize(("changed", "kept", "why"), CHANGES)
def test_only_blocks_that_changed_are_trained_again(earlier, changed, kept, why):
    found = tiny_fit(start=earlier, **changed)
    assert kept_nodes(found) == kept
    assert why in found.plan
    assert draws(found) == draws(tiny_fit(**changed)), "as if all had been trained"


def test_kept_blocks_are_not_trained(earlier, monkeypatch):
    monkeypatch.setattr(train, "train_block", lambda task, engine: pytest.fail(f"{task.block.name} was trained"))
    again = tiny_fit(start=tiny_fit(start=earlier))
    assert again.plan.count("kept from the earlier fit") == 3


def test_an_earlier_fit_from_before_hashes_were_kept_is_trained_anew(earlier):
    old = replace(earlier, blocks=tuple(replace(block, rows_hash=None) for block in earlier.blocks))
    found = tiny_fit(start=old)
    assert kept_nodes(found) == ""
    assert "the earlier fit does not say what data it had" in found.plan


def test_a_start_that_is_no_fit_is_refused():
    with pytest.raises(ld.LatentdoError, match=r"start= is an earlier fit from ld\.fit or ld\.load, got str"):
        tiny_fit(start="fit.ldo")


# Many tables


def test_many_tables_give_the_fits_that_each_gives_alone():
    tables = {"a": rows(1), "b": rows(2, 20), "c": rows(3)}
    found = ld.fit_many(MODEL, tables, AUTO, seed=3, progress=False)
    assert list(found) == ["a", "b", "c"]
    for name, table in tables.items():
        alone = tiny_fit(data=table, seed=3)
        assert draws(found[name]) == draws(alone)
        assert found[name].diagnostics == alone.diagnostics
    listed = ld.fit_many(MODEL, tuple(tables.values()), AUTO, seed=3, progress=False)
    assert [draws(one) for one in listed] == [draws(one) for one in found.values()]
    assert ld.fit_many(MODEL, [], AUTO) == []


def test_many_tables_go_on_to_the_same_numbers(tmp_path, stop_before, monkeypatch, caplog):
    tables = {"a": rows(1), "b": rows(2, 20), "c": rows(3)}
    whole = ld.fit_many(MODEL, tables, AUTO, seed=3, progress=False)
    kept = tmp_path / "many.part"
    monkeypatch.setattr(train, "_n_cores", lambda: 1)
    stop_before("Y")
    with pytest.raises(Stopped):
        ld.fit_many(MODEL, tables, AUTO, seed=3, progress=False, checkpoint=kept)
    assert len(list(kept.glob("*/*.finished"))) == 2
    stop_before()
    with caplog.at_level(logging.WARNING, "latentdo"):
        resumed = ld.fit_many(MODEL, tables, AUTO, seed=3, progress=False, checkpoint=kept)
    assert [record.getMessage() for record in caplog.records] == [f"Going on from {kept}, with 2 blocks finished."]
    assert {name: draws(fit) for name, fit in resumed.items()} == {name: draws(fit) for name, fit in whole.items()}
    assert list(tmp_path.iterdir()) == []
    assert ld.fit_many(MODEL, [], AUTO, checkpoint=kept) == []


def test_a_table_that_cannot_be_used_is_named_before_any_is_trained(monkeypatch):
    monkeypatch.setattr(train, "train_block", lambda task, engine: pytest.fail("something was trained"))
    bad = {**rows(), "M": np.full(30, 2.0)}
    with pytest.raises(DataError, match=r"^Data set 1: The table: Constant in every row: 'M' is 2") as caught:
        ld.fit_many(MODEL, [rows(), bad], AUTO, progress=False)
    assert caught.value.column == "M"
    with pytest.raises(
        ld.LatentdoError, match=r"^2 data sets cannot be used:\n- 'b': The table: Const.*\n- 'c': The table cannot"
    ):
        ld.fit_many(MODEL, {"a": rows(), "b": bad, "c": {"X": [1, 2]}}, AUTO, progress=False)
    wrong: tuple[Any, ...] = ({"X": 1}.keys(), "cells.csv", 5, pd.DataFrame(rows()))
    for one in wrong:
        with pytest.raises(ld.LatentdoError):
            ld.fit_many(MODEL, one, AUTO, progress=False)


def test_training_that_fails_says_at_which_table(monkeypatch):
    real = train.train_block

    def train_block(task, engine):
        if task.data.n_rows == 20 and "M" in task.block.nodes:
            raise FitError("The log density of {M} is not finite.")
        return real(task, engine)

    monkeypatch.setattr(train, "train_block", train_block)
    with pytest.raises(FitError, match=r"^b: The log density of \{M\} is not finite"):
        ld.fit_many(MODEL, {"a": rows(1), "b": rows(2, 20)}, AUTO, progress=False)


@pytest.mark.parametrize(
    "problem", [MemoryError(), jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.")]
)
def test_memory_that_ends_in_training_is_no_bug(problem, monkeypatch):
    def train_block(task, engine):
        raise problem

    monkeypatch.setattr(train, "train_block", train_block)
    with pytest.raises(
        FitError, match=r"^b: Training \{[XMY]\} ran out of memory \(30 rows\)\. Fit a sample of the rows"
    ):
        ld.fit_many(MODEL, {"b": rows()}, AUTO, progress=False)


def test_other_faults_of_jax_stay_what_they_are(monkeypatch):
    def train_block(task, engine):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(train, "train_block", train_block)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        tiny_fit()


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError("Unable to initialize backend 'cuda'"), r" \(Unable to initialize backend 'cuda'\)"),
        (AssertionError(), ""),
    ],
)
def test_a_missing_device_is_bad_input(problem, said, monkeypatch):
    def devices():
        raise problem

    monkeypatch.setattr("jax.devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(FitError, match=rf"no device to compute on{said}\. JAX_PLATFORMS is 'cuda': unset it"):
        tiny_fit()
