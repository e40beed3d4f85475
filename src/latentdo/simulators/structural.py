"""Processes whose nodes are equations: rows drawn from them, untouched or with nodes set."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import SupportError, UnknownNodeError
from latentdo.tables import Table

from .built_in import Progress

Rows = Mapping[str, FloatArray]
Noise = Callable[[np.random.Generator, int], FloatArray]

# Rows that are computed at a time: ten million of them never stand in memory with all their noise.
_CHUNK = 1 << 17


class Support(NamedTuple):
    """The values that a node can take: in words behind its name, and as a test of a finite number."""

    says: str
    holds: Callable[[float], bool]


LARGEST = 1e9
"""Values beyond which nothing in the studies can be meant; far below what arithmetic can hold."""
REAL = Support("is a number from -1e9 to 1e9", lambda value: abs(value) <= LARGEST)
POSITIVE = Support("is a number above 0, at most 1e9", lambda value: 0 < value <= LARGEST)
PERCENT = Support("is an amount, a number from 0 to 100", lambda value: 0 <= value <= 100)
BINARY = Support("is 0 or 1", lambda value: value in (0, 1))


def normal_noise(rng: np.random.Generator, n: int) -> FloatArray:
    """Standard normal."""
    return rng.standard_normal(n)


def uniform_noise(rng: np.random.Generator, n: int) -> FloatArray:
    """Uniform on [0, 1)."""
    return rng.random(n)


def gamma_noise(shape: float) -> Noise:
    """Gamma of this shape and mean 1."""
    return lambda rng, n: rng.standard_gamma(shape, n) / shape


class Equation(NamedTuple):
    """A node as a function of the nodes before it and of its own noise (zeros where it has none)."""

    node: str
    value: Callable[[Rows, FloatArray], FloatArray]
    noise: Noise | None = normal_noise
    support: Support = REAL
    latent: bool = False


def sigmoid(z: FloatArray) -> FloatArray:
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def hill(z: FloatArray) -> FloatArray:
    """100 times the sigmoid."""
    return 100.0 * sigmoid(z)


def linear(rows: Rows, intercept: float, weights: Mapping[str, float]) -> FloatArray:
    """The intercept plus weighted parents."""
    return sum((weight * rows[parent] for parent, weight in weights.items()), np.asarray(intercept, dtype=float))


def root(node: str, mean: float, sd: float, *, latent: bool = True) -> Equation:
    """A normal node without parents."""
    return Equation(node, lambda _, e: mean + sd * e, latent=latent)


def coin(node: str, logit: Callable[[Rows], FloatArray]) -> Equation:
    """A binary node that is 1 with the chance whose logit is given."""
    return Equation(node, lambda v, e: (e < sigmoid(logit(v))).astype(float), uniform_noise, BINARY)


def exact(node: str, value: Callable[[Rows], FloatArray], support: Support) -> Equation:
    """A node that its parents determine."""
    return Equation(node, lambda v, _: value(v), None, support)


@dataclass(frozen=True)
class Process:
    """Equations in causal order, and the number that keeps the study's noise apart from that of others.

    Every equation has a stream of noise of its own, which is used up row by row. So row `i` under a seed has the
    same noise however many rows there are and whatever is set: the first rows are a smaller data set, and rows
    under an intervention belong to those without.
    """

    equations: tuple[Equation, ...]
    number: int

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes, the measured ones last."""
        ordered = sorted(self.equations, key=lambda equation: not equation.latent)
        return tuple(equation.node for equation in ordered)

    def simulate(
        self,
        n: int,
        *,
        seed: int = 0,
        do: Mapping[str, float] | None = None,
        latents: bool = False,
        progress: Progress | None = None,
    ) -> Table:
        """`n` rows: measured nodes, and with `latents` the others before them; binary nodes as whole numbers.

        Raises:
            UnknownNodeError: A name in `do` is no node of the process.
            SupportError: A value in `do` is not possible, or takes another node beyond what arithmetic can hold.
        """
        held = checked(do or {}, {e.node: e.support for e in sorted(self.equations, key=lambda e: not e.latent)})
        streams = self._streams(seed)
        shown = {e.node: e for e in self.equations if latents or not e.latent}
        columns = {
            name: np.empty(n, dtype=np.int64 if shown[name].support is BINARY else np.float64)
            for name in self.nodes
            if name in shown
        }
        for start in range(0, n, _CHUNK):
            stop = min(start + _CHUNK, n)
            with np.errstate(over="ignore", invalid="ignore"):
                # What overflows is refused by name.
                rows = self._rows(stop - start, streams, held)
            _require_finite(rows, held)
            for name, column in columns.items():
                column[start:stop] = rows[name]
            if progress is not None:
                progress(stop / n)
        return Table(columns)

    def _streams(self, seed: int) -> list[np.random.Generator]:
        return [
            np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(self.number, place)))
            for place in range(len(self.equations))
        ]

    def _rows(self, n: int, streams: list[np.random.Generator], held: Mapping[str, float]) -> dict[str, FloatArray]:
        """The next `n` rows of the streams."""
        rows: dict[str, FloatArray] = {}
        for equation, stream in zip(self.equations, streams, strict=True):
            # Drawn although the node is set, so that the next chunk starts where it would have started.
            noise = np.zeros(n) if equation.noise is None else equation.noise(stream, n)
            natural = equation.node not in held
            rows[equation.node] = equation.value(rows, noise) if natural else np.full(n, held[equation.node])
        return rows


def checked(do: Mapping[str, float], supports: Mapping[str, Support]) -> dict[str, float]:
    """The values that nodes are set to, as floats.

    Raises:
        UnknownNodeError: A name is no node of the process.
        SupportError: A value is not possible for its node.
    """
    for name, value in do.items():
        if name not in supports:
            raise UnknownNodeError(name, tuple(supports))
        number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
        if not (number and supports[name].holds(float(value))):
            repair = " Give a number, not a text." if isinstance(value, str) else ""
            raise SupportError(name, f"do({name}={value!r}): {name} {supports[name].says}.{repair}")
    return {name: float(value) for name, value in do.items()}


def _require_finite(rows: Rows, held: Mapping[str, float]) -> None:
    """Raise where values that were set take another node beyond what a number can be."""
    over = [node for node, values in rows.items() if not np.isfinite(values).all()]
    if over:
        name = max(held, key=lambda node: abs(held[node]))
        shown = ", ".join(f"{node}={value:g}" for node, value in held.items())
        raise SupportError(
            name,
            f"do({shown}): {over[0]} is then no finite number. Set {name} nearer to what occurs without intervention.",
        )
