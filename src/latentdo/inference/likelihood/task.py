"""One block, ready to be trained: its rows, its coordinates, its own randomness, and somebody to tell how far it is."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import jax
import numpy as np

from latentdo.errors import FitError
from latentdo.graphs import Name
from latentdo.models import ModelSpec
from latentdo.tables import Dataset

from ..blocks.block import Block
from ..blocks.coordinates import Coordinate, FloatArray, NodeCoordinates
from ..blocks.rotation import Rotation
from ..progress import BEGUN
from ..storage.checkpoint import Checkpoint
from .assembly import assemble
from .constraints import unconstrained
from .density import Layout, Numbers, coordinates_of

Progress = Callable[[str, float], None]
"""Called with a block's name and the share of its plan that is done: it falls where the plan grows."""


class Stopped(Protocol):
    """Whether training was interrupted: a `threading.Event`, or what stands for one in another process."""

    def is_set(self) -> bool:
        """Whether it was."""
        ...


@dataclass(frozen=True, eq=False)
class Task:
    """One block, ready to be trained.

    Attributes:
        shape: Chains, and draws per chain, that every block leaves: the same in all, so that they can be paired.
        checkpoint: Where the block's running state is kept, for methods that can go on from it.
        rotations: Latents that may be rotated into each other; their loadings in `coordinates` are in triangular form.
        data: The rows that say something of the block, with the patterns of `cells.block_rows`.
    """

    spec: ModelSpec
    block: Block
    coordinates: Mapping[Name, NodeCoordinates]
    data: Dataset
    seed: int
    shape: tuple[int, int]
    progress: Progress
    stopped: Stopped
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    rotations: tuple[Rotation, ...] = ()

    def tell(self, share: float) -> None:
        """Tell how far a method is, 1 as planned, less again where the plan grows; the place where an interrupted fit ends."""
        self.check()
        # A method that did what was planned may yet go on, or be followed by another: only `end` tells the end.
        self.progress(self.block.name, share if share != 1.0 else 1.0 - BEGUN)

    def end(self) -> None:
        """Tell that the block is done."""
        self.check()
        self.progress(self.block.name, 1.0)

    def go_on(self, share: float) -> None:
        """Tell that a method begins, or goes on where an earlier process left it: its speed is measured from there."""
        self.tell(0.0)
        self.tell(max(share, BEGUN))

    def check(self) -> None:
        """Nothing, unless the fit was interrupted: then training ends here."""
        if self.stopped.is_set():
            raise FitError(f"Training of {self.block.name} was interrupted.")

    @property
    def names(self) -> tuple[Name, ...]:
        """The columns that the block reads."""
        return (*self.block.measured, *self.block.inputs)

    @cached_property
    def rows_hash(self) -> str:
        """SHA-256 of all that the block reads of the table."""
        return self.data.restricted(self.names).hash

    @property
    def unseen(self) -> tuple[Name, ...]:
        """The nodes of the block that rows are averaged over: latents, and measured nodes where their cell is missing."""
        hidden = {name for each in self.data.patterns for name in each.missing}
        return tuple(node for node in self.block.nodes if node in self.block.latent or node in hidden)

    @property
    def is_equation(self) -> bool:
        """Whether the block is one equation of measured nodes, the same in every row."""
        return not self.block.latent and len(self.block.nodes) == 1 and self.data.pattern is None

    @property
    def n_kept(self) -> int:
        """Number of draws that the block leaves in all."""
        return self.shape[0] * self.shape[1]

    @cached_property
    def rows(self) -> Dataset:
        """The block's rows: equal ones merged where rows have no noise of their own; padded to a common size."""
        if not self.names or any(not self.spec[latent].family.points for latent in self.unseen):
            rows = self.data.expanded(self.names) if self.names else self.data
        else:
            rows = self.data.collapsed(self.names)
        return rows.padded(padded_size(rows.n_stored))

    @cached_property
    def cells(self) -> Dataset:
        """The block's rows, equal ones merged."""
        return self.data.collapsed(self.names)

    @cached_property
    def _assembled(self) -> tuple[Layout, Numbers]:
        return assemble(self.spec, self.block, self.coordinates, self.rows)

    @cached_property
    def _of_one_row(self) -> tuple[Layout, Numbers]:
        return assemble(self.spec, self.block, self.coordinates, self.one_row)

    @property
    def one_row(self) -> Dataset:
        """The first row alone, with all patterns that rows have: for what asks for the form alone."""
        return self.data.restricted(self.names).picked(slice(0, 1)).counted_once()

    @property
    def layout(self) -> Layout:
        """The general form of the block's log posterior: it defines the free coordinates."""
        return self._of_one_row[0]

    @property
    def priors(self) -> Numbers:
        """The numeric half of `layout` with a single row: for what asks for priors and coordinates alone."""
        return self._of_one_row[1]

    @property
    def numbers(self) -> Numbers:
        """The numeric half of `layout`."""
        return self._assembled[1]

    @property
    def own(self) -> tuple[NodeCoordinates, ...]:
        """The coordinates of the block's nodes, in its order."""
        return tuple(self.coordinates[node] for node in self.block.nodes)

    def starts(self, n: int) -> FloatArray:
        """Dispersed unbounded points, (n, free coordinates)."""
        return starting_points(self.layout, self.own, n, self.random())

    @property
    def code(self) -> int:
        """A number of the block's own, so that blocks draw independently whatever order they run in."""
        return zlib.crc32(self.block.name.encode())

    def key(self) -> Any:
        """The block's JAX key."""
        return jax.random.fold_in(jax.random.key(self.seed), self.code)

    def random(self) -> np.random.Generator:
        """The block's NumPy generator, always at its beginning."""
        return np.random.default_rng([self.seed, self.code])


def padded_size(n: int) -> int:
    """The smallest size of the form 4, 5, 6 or 7 times a power of 2, at least 16, that holds n rows: few shapes to compile."""
    unit = 4
    while 8 * unit < n:
        unit *= 2
    return next(times * unit for times in range(4, 9) if times * unit >= n)


def starting_points(
    layout: Layout, coordinates: tuple[NodeCoordinates, ...], n: int, random: np.random.Generator
) -> FloatArray:
    """Dispersed unbounded points, (n, free coordinates): around the data's location, several posterior sds apart."""
    columns = []
    for node, own in zip(layout.nodes, coordinates, strict=True):
        for flat, coordinate in zip(coordinates_of(node), own.all, strict=True):
            if flat.transform != "fixed":
                columns.append(_starts(flat.transform, coordinate, n, random))
    return np.array(columns).T.reshape(n, len(columns))


def _starts(transform: str, coordinate: Coordinate, n: int, random: np.random.Generator) -> list[float]:
    centre, spread = coordinate.start
    low, high = coordinate.low, coordinate.high
    values = centre + spread * random.standard_normal(n)
    # Inside its bounds, and away from them by a share of the spread or of the interval.
    margin = 0.05 * min(spread, high - low) if spread else 0.05
    if transform == "half" and math.isfinite(low):
        values = low + np.maximum(np.abs(values - low), margin)
    elif transform == "half":
        values = high - np.maximum(np.abs(high - values), margin)
    elif transform == "interval":
        outside = (values <= low + margin) | (values >= high - margin)
        values = np.where(outside, low + (high - low) * random.uniform(0.2, 0.8, n), values)
    return [unconstrained(transform, float(value), low, high, coordinate.scale, centre) for value in values]
