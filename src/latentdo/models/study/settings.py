"""How a study trains: an engine and its arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .form import engine_names, own_arguments

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "auto": ("max_steps",),
    "nuts": ("draws", "warmup", "chains"),
    "svi": ("steps", "guide", "rank", "batch", "draws", "learning_rate"),
    "laplace": ("draws",),
    "map": (),
}
"""The arguments that each engine of latentdo takes."""


def arguments_of(engine: str) -> tuple[str, ...]:
    """The arguments that an engine takes, one of the user's own too."""
    return ARGUMENTS.get(engine) or own_arguments(engine)


@dataclass(frozen=True)
class InferenceSettings:
    """How to train; an argument that is None keeps the engine's default.

    Attributes:
        engine: `auto` chooses for itself.
        max_steps: Most transitions per chain that a block may take under `auto`.
        draws: Kept draws, per chain where there are chains.
        warmup: Draws per chain that adapt the sampler.
        chains: Chains side by side.
        steps: Optimiser steps.
        guide: Laws that `svi` chooses from.
        rank: Directions of the low-rank guide.
        batch: Rows per optimiser step.
        learning_rate: Of the optimiser.
        own: The arguments of an engine of the user's own, as the study has them.
    """

    engine: str = "auto"
    max_steps: int | None = None
    draws: int | None = None
    warmup: int | None = None
    chains: int | None = None
    steps: int | None = None
    guide: str | None = None
    rank: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    own: tuple[tuple[str, Any], ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are stated, by name."""
        stated = {field.name: getattr(self, field.name) for field in fields(self)[1:-1]}
        return {**dict(self.own), **{name: value for name, value in stated.items() if value is not None}}

    def misplaced(self) -> tuple[str, tuple[str, ...]] | None:
        """The first argument that the engine does not take, and the engines that do; None where there is none."""
        for name in self.arguments:
            if name not in arguments_of(self.engine):
                return name, tuple(engine for engine in engine_names() if name in arguments_of(engine))
        return None


AUTO = InferenceSettings()
"""Where a study says nothing."""
