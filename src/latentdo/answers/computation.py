"""`Computation`: how a number was computed of each draw, as a value; its sentence is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Computation:
    """How a number was computed of each draw; `str` gives the sentence.

    Attributes:
        kind: In closed form, or from simulated units.
        by: The engine, or how many units: `linear-Gaussian`, `256 units per draw in 16 replicates`.
    """

    kind: Literal["exact", "simulated"]
    by: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.by}"
