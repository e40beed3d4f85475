"""What the benchmarks need of a study."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Rows = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A problem whose truth is known.

    Attributes:
        model: The model text, default priors.
        draw: Data of the true process: `n` rows under `seed`, measured nodes only.
        truths: Each question with its true answer; None where the structural model's answer differs from the process.
        sizes: Row counts of the published study.
    """

    name: str
    model: str
    draw: Callable[[int, int], Rows]
    truths: Mapping[str, float | None]
    sizes: tuple[int, ...]

    @property
    def queries(self) -> tuple[str, ...]:
        """The questions, in order."""
        return tuple(self.truths)

    def digest(self, n: int, seed: int) -> str:
        """Short hash of a data set, to tell whether a stored reference belongs to it."""
        rows = self.draw(n, seed)
        content = b"".join(name.encode() + np.round(rows[name], 9).astype("<f8").tobytes() for name in sorted(rows))
        return hashlib.sha256(content).hexdigest()[:16]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))
