"""What a built-in study consists of: a model, its questions, their true answers and a way to draw data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from latentdo.io import Table

Progress = Callable[[float], None]


class Simulate(Protocol):
    """Draws units from a study's true process; `progress` is called with the fraction done."""

    def __call__(
        self,
        n: int,
        *,
        seed: int,
        do: Mapping[str, float],
        latents: bool,
        progress: Progress | None,
    ) -> Table:
        """The simulated units, measured nodes only unless `latents`."""
        ...


@dataclass(frozen=True)
class PopulationValue:
    """The answer of the true process to a query, with its own standard error."""

    query: str
    value: float
    error: float


@dataclass(frozen=True)
class Study:
    """A published problem whose truth is known.

    Attributes:
        graph: The true graph as arrows.
        model: The true model in the model language, default priors.
        queries: Label and text of each question.
        population: True answers; `source` says where they come from.
        caution: What a user must know before comparing an estimate with these answers.
        simulate: Draws data from the true process, which need not be of the model's form.
    """

    name: str
    title: str
    graph: str
    model: str
    queries: tuple[tuple[str, str], ...]
    population: tuple[PopulationValue, ...]
    source: str
    caution: str
    simulate: Simulate
