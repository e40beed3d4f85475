"""The folder beside a fit in the making: its finished blocks and the running states of the others.

Each fit has a folder of its own in it, named by the hash of all that its numbers depend on. So a checkpoint of another model,
table, engine or seed is never used, and never lost either: it is named, and stays until its owner goes on or deletes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import platform
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from latentdo.errors import ArchiveError, SpecError
from latentdo.files import replacing, sweep
from latentdo.models import ModelSpec
from latentdo.tables import Dataset

from ..blocks.block import Block
from ..blocks.draws import BlockDraws, NodeDraws
from ..blocks.engines import Engine
from ..runtime import devices_named
from .checkpoint import Checkpoint, State, read_state, write_state
from .codec import plain_tree, tree_of, value_of
from .manifest import BlockRecord, block_of, block_record

_FACTS = "fit.json"
_SECONDS = "seconds"
"""A file with the seconds that the fit has taken so far."""
_FINISHED = ".finished"
_RUNNING = ".running"
_MADE = ".made"
"""An empty file that says that a fit made the folder of all: one that its owner made stays when it is empty again."""
_log = logging.getLogger("latentdo")


@dataclass(frozen=True)
class Identity:
    """All that the numbers of a fit depend on, each as a text that is equal for equal things."""

    model: str
    data: str
    engine: str
    seed: str
    versions: str

    @staticmethod
    def of(spec: ModelSpec, data: Dataset, engine: Engine, seed: int) -> Identity:
        """The identity of one fit."""
        packages = [f"{name} {metadata.version(name)}" for name in ("latentdo", "numpy", "jax", "numpyro")]
        python = ", ".join(
            [f"python {platform.python_version()} on {platform.machine()}", *filter(None, [devices_named()])]
        )
        return Identity(
            f"{spec.source}{spec.mechanisms!r}", data.hash, repr(engine), str(seed), ", ".join([*packages, python])
        )

    @property
    def hash(self) -> str:
        """A short name for it."""
        return hashlib.sha256(json.dumps(plain_tree(self)).encode()).hexdigest()[:16]

    def differences(self, other: Identity) -> list[str]:
        """In what the other differs, in words."""
        return [name for name, value in plain_tree(self).items() if plain_tree(other)[name] != value]


class FitCheckpoint:
    """Where a fit keeps what it has done so far.

    Attributes:
        folder: Of this and other fits.
        own_folder: Of this one, in it; there once something was noted.
        earlier: Seconds that the runs before this one took.

    Args:
        folder: For this and other fits; made when there is something to keep.
        identity: What this fit is.

    Raises:
        ArchiveError: The folder is a file.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        if folder.exists() and not folder.is_dir():
            raise ArchiveError(folder, "is a file, and a checkpoint is a folder. Name another place for it.")
        self.folder = folder
        self.own_folder = folder / identity.hash
        self._identity = identity
        self._made = not folder.exists() or any(folder.glob(f"*/{_MADE}"))
        self._begun = time.monotonic()
        self.earlier = _seconds(self.own_folder / _SECONDS)
        sweep(self.own_folder)

    def block(self, block: Block) -> Checkpoint:
        """The checkpoint of one block's running state."""
        return Checkpoint(self._path(block, _RUNNING), written=self.note)

    def finished(self, block: Block) -> BlockDraws | None:
        """The draws of a block that was finished before, bit by bit; None if it was not."""
        state = read_state(self._path(block, _FINISHED))
        if state is None:
            return None
        draws = _finished_block(state)
        return draws if draws.block == block else None

    def finish(self, draws: BlockDraws) -> None:
        """Keep the draws of a finished block; its running state is not needed any more."""
        if write_state(self._path(draws.block, _FINISHED), _finished_state(draws)):
            self.note()
            stem = self._path(draws.block, "").name
            for path in self.own_folder.glob(f"{stem}*{_RUNNING}"):
                path.unlink(missing_ok=True)

    @property
    def n_finished(self) -> int:
        """Number of finished blocks in the folder."""
        return len(list(self.own_folder.glob(f"*{_FINISHED}")))

    @property
    def n_running(self) -> int:
        """Number of other blocks that were begun: each has a state for every method that was tried on it."""
        return len({path.name.split(".")[0] for path in self.own_folder.glob(f"*{_RUNNING}")})

    def remove(self) -> None:
        """Remove what this fit kept, and the folder if a fit made it and nothing else is in it."""
        shutil.rmtree(self.own_folder, ignore_errors=True)
        if self._made:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def _path(self, block: Block, suffix: str) -> Path:
        return self.own_folder / f"{hashlib.sha256(block.name.encode()).hexdigest()[:16]}{suffix}"

    def note(self) -> None:
        """Write whose the folder is, and how long the fit has taken so far; a place that cannot be written costs no fit."""
        path = self.own_folder / _FACTS
        seconds = self.earlier + time.monotonic() - self._begun
        with contextlib.suppress(OSError):
            self.own_folder.mkdir(parents=True, exist_ok=True)
            with replacing(self.own_folder / _SECONDS) as beside:
                beside.write_text(f"{seconds:.3f}", encoding="utf-8")
            if not path.exists():
                if self._made:
                    (self.own_folder / _MADE).touch()
                with replacing(path) as beside:
                    beside.write_text(json.dumps(plain_tree(self._identity), indent=1), encoding="utf-8")


def checkpoints(folder: Path, identities: Sequence[Identity]) -> list[FitCheckpoint]:
    """The checkpoint of each of some fits in one folder; notes say what is there of them, and of others.

    Raises:
        ArchiveError: The folder is a file.
    """
    made = [FitCheckpoint(folder, identity) for identity in identities]
    if there := [each for each in made if each.own_folder.is_dir()]:
        done, begun = sum(each.n_finished for each in there), sum(each.n_running for each in there)
        shown = f"{done} block{'' if done == 1 else 's'} finished"
        _log.warning("Going on from %s, with %s%s.", folder, shown, f" and {begun} half done" if begun else "")
    for path, other in _others(folder, made):
        closest = min((identity.differences(other) for identity in identities), key=len)
        _log.warning(
            "%s holds an interrupted fit that differs in %s: it is not used, and stays there. Delete the folder if "
            "nobody needs it.",
            path,
            " and ".join(closest) or "the machine",
        )
    return made


def _others(folder: Path, made: Sequence[FitCheckpoint]) -> Iterator[tuple[Path, Identity]]:
    """The interrupted fits of other identities in the folder."""
    ours = {each.own_folder for each in made}
    for path in sorted(folder.glob(f"*/{_FACTS}")):
        if path.parent not in ours:
            with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
                yield path.parent, value_of(tree_of(path.read_text(encoding="utf-8")), Identity)


def _seconds(path: Path) -> float:
    """The seconds in a file; 0 where there is none, or something else in it."""
    try:
        seconds = float(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0.0
    return seconds if 0.0 <= seconds < float("inf") else 0.0


def _finished_state(draws: BlockDraws) -> State:
    """A finished block as a flat state."""
    state: dict[str, Any] = {
        "record": json.dumps(plain_tree(block_record(draws))),
        "compile_seconds": draws.compile_seconds,
        "sample_seconds": draws.sample_seconds,
    }
    for i, (_, own) in enumerate(draws.draws):
        state[f"{i}"] = own.coefficients
        state |= {f"{i}.{k}": values for k, (_, values) in enumerate(own.parameters)}
    if draws.log_posterior is not None:
        state["log_posterior"] = draws.log_posterior
    return state


def _finished_block(state: State) -> BlockDraws:
    """The block in a state that `_finished_state` made."""
    record = value_of(tree_of(state["record"]), BlockRecord)
    draws = {
        node: NodeDraws(state[f"{i}"], tuple((name, state[f"{i}.{k}"]) for k, name in enumerate(names)))
        for i, (node, names) in enumerate(record.parameters)
    }
    times = state["compile_seconds"], state["sample_seconds"]
    return block_of(record, times, draws, state.get("log_posterior"))


def checkpoint_folder(checkpoint: Any) -> Path:
    """The path of a checkpoint, if a folder can be called so."""
    if not isinstance(checkpoint, str | Path):
        raise SpecError(f"checkpoint= is the path of a folder, got {type(checkpoint).__name__}.")
    given = str(checkpoint)
    shown = repr(given if len(given) <= 60 else given[:59] + "…")
    if not given.strip():
        raise SpecError(
            f"checkpoint= is the path of a folder, got {shown}. Name one, such as 'fit.part', or leave it out."
        )
    folder = Path(checkpoint)
    try:
        # As long as the longest name that is written below it.
        (folder / ("x" * 80) / ("x" * 80)).lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return folder
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise SpecError(f"checkpoint={shown} cannot be the path of a folder ({why}). Name another place.") from None
    return folder
