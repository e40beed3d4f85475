"""What a study says of the check of its fits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckSettings:
    """How a fit is set against its rows.

    Attributes:
        run: Whether it is, where that takes seconds.
        tolerance: By how much an answer may move before that matters, in its units; by default a share of it.
    """

    run: bool = True
    tolerance: float | None = None
