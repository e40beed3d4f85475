"""What a built-in study consists of: a model, its questions, their true answers and a way to draw data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from latentdo.tables import Table

if TYPE_CHECKING:
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study as StudyFile
    from latentdo.query import Query

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


def truths(stated: Mapping[str, float | tuple[float, float]]) -> tuple[PopulationValue, ...]:
    """The answers by query: exact ones as numbers, others with their standard errors."""
    pairs = {query: found if isinstance(found, tuple) else (found, 0.0) for query, found in stated.items()}
    return tuple(PopulationValue(query, value, error) for query, (value, error) in pairs.items())


@dataclass(frozen=True)
class Study:
    """A problem whose truth is known.

    Attributes:
        graph: The true graph as arrows.
        file: The study file: model with default priors, queries, rivals to compare with, variants of the latent structure.
        population: True answers; `source` says where they come from.
        caution: What a user must know before comparing an estimate with these answers.
        simulate: Draws data from the true process, which need not be of the model's form.
    """

    name: str
    title: str
    graph: str
    file: str
    population: tuple[PopulationValue, ...]
    source: str
    caution: str
    simulate: Simulate

    @cached_property
    def parsed(self) -> StudyFile:
        """The study file, read."""
        from latentdo.models.study import load_study

        return load_study(self.file)

    @property
    def queries(self) -> tuple[tuple[str, Query], ...]:
        """Label and question, in order."""
        return self.parsed.queries

    @property
    def model(self) -> ModelSpec:
        """The true model, default priors."""
        return self.parsed.model
