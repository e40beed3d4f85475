"""What a built-in study consists of: a model, its questions, their true answers and a way to draw data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from latentdo.io import Table

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


@dataclass(frozen=True)
class Figure:
    """An absolute error as somebody reported it: the median over data sets, with quartiles where they are known.

    Attributes:
        query: The label of the question.
        method: `lvm`, `lvm misspecified`, or a rival's name.
        n: Rows of each data set.
        median: The median of |estimate - truth|.
        low: The lower quartile.
        high: The upper quartile.
        note: What has to be known to read it.
        against: The truth that the error is against: the population's answer or the sample value; empty where it is not known.
    """

    query: str
    method: str
    n: int
    median: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    against: Literal["population", "sample", ""] = ""


@dataclass(frozen=True)
class Study:
    """A published problem whose truth is known.

    Attributes:
        graph: The true graph as arrows.
        file: The study file: model with default priors, queries, rivals to compare with, variants of the latent structure.
        population: True answers; `source` says where they come from.
        formula: What the graph's formula gives with endless rows, by label, where that is not the population's answer.
        caution: What a user must know before comparing an estimate with these answers.
        simulate: Draws data from the true process, which need not be of the model's form.
        rows: Rows of a full data set; data sets of a published size are its first rows, and not rows that were simulated alone.
        sizes: The published sizes.
        main: The labels of the queries that tables and figures are about.
        outcome: The node whose mean is the baseline of every table.
        published: What the paper or its stored results say; where they say two things, the first is that of figures.
        reference: Errors of simple estimators, checked, against which ours are set; likewise.
        corrections: Where what was published is wrong, and why, a sentence or a few each.
        remarks: What else has to be known beside the published numbers, and is no mistake in them; likewise.
        targets: The median error that the model has to reach, by query and size.
    """

    name: str
    title: str
    graph: str
    file: str
    population: tuple[PopulationValue, ...]
    source: str
    caution: str
    simulate: Simulate
    rows: int
    sizes: tuple[int, ...]
    main: tuple[str, ...]
    outcome: str
    published: tuple[Figure, ...] = ()
    reference: tuple[Figure, ...] = ()
    corrections: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    targets: tuple[tuple[str, int, float], ...] = ()
    formula: tuple[PopulationValue, ...] = ()

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
