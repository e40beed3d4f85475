"""`Posterior`: what training leaves, by block, with (chain, draw) axes, in raw units; and how it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from latentdo.errors import ArchiveError
from latentdo.graphs import Name
from latentdo.models import ColumnSummary, ModelSpec
from latentdo.query import Query

from .blocks import Block
from .coordinates import FloatArray, NodeCoordinates
from .dataset import Dataset
from .diagnostics import Diagnostic, diagnose


@dataclass(frozen=True, eq=False)
class NodeDraws:
    """One node's parameters in raw units, (chain, draw) first.

    Attributes:
        coefficients: (chain, draw, 1 + weights): the intercept, then the weights in the mechanism's order.
        parameters: Name and (chain, draw) of each of the family's own parameters.
    """

    coefficients: FloatArray
    parameters: tuple[tuple[str, FloatArray], ...] = ()


@dataclass(frozen=True, eq=False)
class BlockDraws:
    """The draws of one block, and how they were made.

    Attributes:
        method: In words, for `plan`.
        draws: Node and its draws.
        diagnostics: What the block's data pin down: means, sds and covariances of its measured nodes given its inputs.
        n_divergent: Transitions whose energy error was out of hand.
        n_warmup: Transitions per chain thrown away.
        n_made: Transitions per chain from which the kept draws were taken evenly.
        compile_seconds, sample_seconds: Wall time; compiling includes the first transitions.
    """

    block: Block
    method: str
    draws: tuple[tuple[Name, NodeDraws], ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    acceptance: float | None = None
    n_divergent: int = 0
    n_warmup: int = 0
    n_made: int = 0
    compile_seconds: float = 0.0
    sample_seconds: float = 0.0


@dataclass(frozen=True)
class DataFacts:
    """What a fit remembers of its data: no rows.

    Attributes:
        ignored: Columns that no node names.
        unread: Columns with a latent's name.
        functional: Nodes that are exact functions of their parents, and these: declared, or shown by the data.
    """

    source: str
    hash: str
    n_rows: int
    columns: tuple[ColumnSummary, ...]
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    functional: tuple[tuple[Name, tuple[Name, ...]], ...] = ()

    @staticmethod
    def of(data: Dataset, functional: Mapping[Name, tuple[Name, ...]] | None = None) -> DataFacts:
        """The facts of a data set, and of what it shows to be functions."""
        functions = tuple((functional or {}).items())
        return DataFacts(data.source, data.hash, data.n_rows, data.summaries, data.ignored, data.unread, functions)

    def column(self, name: Name) -> ColumnSummary:
        """The summary of one column."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True, eq=False)
class Posterior:
    """A trained model: answer any number of questions from it with `ld.ask`.

    Attributes:
        spec: The model.
        blocks: Draws by block, each with (chain, draw) axes.
        facts: What is remembered of the data; no rows.
        coordinates: Per node the scale on which default priors were stated.
        diagnostics: The judged functionals of P(V): mean and sd of each measured node, pairwise covariances.
        engine: How it was trained, as it is typed: `Auto()`, `Nuts(draws=1000, warmup=1000, chains=4)`.
        seed: The seed of the fit.
        queries: The study's queries, name and question.
        warnings: Cautions about the data.
        data: The rows, kept in memory only; `save(path, data=True)` writes them too.
    """

    spec: ModelSpec
    blocks: tuple[BlockDraws, ...]
    facts: DataFacts
    coordinates: tuple[NodeCoordinates, ...]
    diagnostics: tuple[Diagnostic, ...]
    engine: str
    seed: int
    queries: tuple[tuple[str, Query], ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    data: Dataset | None = field(default=None, repr=False)

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return self.shape[0]

    @property
    def n_draws(self) -> int:
        """Number of draws per chain."""
        return self.shape[1]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(chains, draws per chain), the same in every block."""
        first = self.blocks[0].draws[0][1].coefficients
        return first.shape[0], first.shape[1]

    @cached_property
    def by_node(self) -> dict[Name, NodeDraws]:
        """Draws by node."""
        return {node: draws for block in self.blocks for node, draws in block.draws}

    @property
    def functional(self) -> dict[Name, tuple[Name, ...]]:
        """Nodes that are exact functions of their parents, declared or in the data: verdicts take them into account."""
        return {**self.spec.functional, **dict(self.facts.functional)}

    @property
    def converged(self) -> bool:
        """Whether every judged functional of P(V) has R-hat <= 1.01 and ESS >= 400."""
        return all(diagnostic.passed for diagnostic in self.diagnostics)

    @cached_property
    def parameters(self) -> tuple[tuple[str, FloatArray], ...]:
        """Every free parameter in raw units: label (`SOS -> Ras`, `intercept(Ras)`, `sd(Ras)`) and (chain, draw)."""
        return tuple(self._parameters())

    def _parameters(self) -> Iterator[tuple[str, FloatArray]]:
        for own in self.coordinates:
            draws = self.by_node[own.node]
            for k, coordinate in enumerate(own.coefficients):
                if coordinate.fixed is None:
                    yield coordinate.label, draws.coefficients[..., k]
            values = dict(draws.parameters)
            for name, coordinate in own.parameters:
                if coordinate.fixed is None:
                    yield coordinate.label, values[name]

    @cached_property
    def parameter_diagnostics(self) -> tuple[Diagnostic, ...]:
        """R-hat and ESS of every parameter. A bad one may only mean that the data do not pin it down."""
        return tuple(diagnose(label, draws) for label, draws in self.parameters)

    @property
    def plan(self) -> str:
        """What was trained how, block by block, in words."""
        lines = []
        for block in self.blocks:
            worst = max(block.diagnostics, key=lambda d: d.rhat, default=None)
            judged = f"; worst R-hat {worst.rhat:.3f} ({worst.name})" if worst else ""
            given = f" given {', '.join(block.block.inputs)}" if block.block.inputs else ""
            lines.append(f"{block.block.name}{given}: {block.method}{judged}")
        return "\n".join(lines)

    def save(self, path: str | Path, *, data: bool = False) -> Path:
        """Write the fit as one file, and return its path.

        Args:
            path: Where to; an existing file is replaced only once the new one is complete.
            data: Whether to write the rows of the data too. Without, only their hash and column summaries are kept.

        Raises:
            ArchiveError: The file cannot be written.
        """
        from .archive import write_archive

        if not isinstance(path, str | Path):
            raise ArchiveError(path, f"a fit is saved under a path, not under a {type(path).__name__}.")
        return write_archive(self, Path(path), data=data)

    def summary(self) -> str:
        """The fit on one page: model, data, priors, plan, convergence, parameters."""
        return str(self)

    def __str__(self) -> str:
        from .summary import posterior_text

        return posterior_text(self)

    def __repr__(self) -> str:
        state = "converged" if self.converged else "NOT converged"
        return f"<Posterior of {len(self.spec.measured)} measured and {len(self.spec.latent)} latent nodes, {state}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def flat(draws: NodeDraws) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Coefficients (draw, 1 + weights) and parameters (draw,), chains laid end to end."""
    coefficients = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])
    return coefficients, {name: values.reshape(-1) for name, values in draws.parameters}


def constant_draws(coefficients: Any, n_chains: int, n_draws: int) -> NodeDraws:
    """The same numbers in every draw: a node whose coefficients the data fix exactly."""
    return NodeDraws(
        np.broadcast_to(np.asarray(coefficients, dtype=float), (n_chains, n_draws, len(coefficients))).copy()
    )
