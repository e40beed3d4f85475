"""The draws that training leaves of each block, in raw units with (chain, draw) axes, and what is kept of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentdo.graphs import Name, quote
from latentdo.models import ColumnSummary
from latentdo.tables import Dataset, Origin, Pattern

from .block import Block
from .cells import left_out
from .coordinates import FloatArray
from .diagnostics import Diagnostic, shortfall
from .method import Method

UNSETTLED = "not yet settled"
"""How the label of an approximation ends whose optimisation had not come to rest."""
POINT = "posterior mode alone"
"""What the one draw of a block is that has no others."""
MANY_DIVERGENT = 0.01
"""Share of divergent transitions from which on a block is cautioned against."""


@dataclass(frozen=True, eq=False)
class NodeDraws:
    """One node's parameters in raw units, (chain, draw) first.

    Attributes:
        coefficients: (chain, draw, 1 + weights): the intercept, then the weights in the mechanism's order; of a categorical
            node for each level but the first in turn; of a table its probabilities, row by row.
        parameters: Name and (chain, draw) of each of the family's own parameters.
    """

    coefficients: FloatArray
    parameters: tuple[tuple[str, FloatArray], ...] = ()


@dataclass(frozen=True, eq=False)
class BlockDraws:
    """The draws of one block, and how they were made.

    Attributes:
        method: How they were made.
        draws: Node and its draws.
        diagnostics: What the block's data pin down: means, sds and covariances of its measured nodes given its inputs; of
            chains also the log posterior, and the log likelihood with the latents integrated.
        why: Why this method and not another, in words: what did not apply, what was tried and not certified.
        independent: Whether the draws are independent of each other, so that R-hat does not apply.
        weight_ess: Effective number of independent draws; less than their number where they were importance-weighted.
        khat: Pareto k-hat of the importance weights, None where there were none.
        approximate: What the draws are if they are not draws of the posterior: `Laplace approximation`; None if they are.
        n_divergent: Transitions whose energy error was out of hand.
        n_warmup: Transitions per chain thrown away.
        n_made: Transitions per chain from which the kept draws were taken evenly.
        rows_hash: SHA-256 of the columns that the block read: whether another table would give the same draws.
        compile_seconds, sample_seconds: Wall time; compiling includes the first transitions.
        log_posterior: Of chains, (chain, draw), up to a constant; None where there is none.
    """

    block: Block
    method: Method
    draws: tuple[tuple[Name, NodeDraws], ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    why: str = ""
    independent: bool = False
    weight_ess: float | None = None
    khat: float | None = None
    approximate: str | None = None
    acceptance: float | None = None
    n_divergent: int = 0
    n_warmup: int = 0
    n_made: int = 0
    rows_hash: str | None = None
    compile_seconds: float = 0.0
    sample_seconds: float = 0.0
    log_posterior: FloatArray | None = field(default=None, repr=False)

    @property
    def shortfall(self) -> str | None:
        """Why the chains are too short to be certified whatever their R-hat says; None where they are not."""
        if self.independent:
            return None
        return shortfall(self.draws[0][1].coefficients.shape[0], self.n_warmup, self.n_made)

    @property
    def n_transitions(self) -> int:
        """Transitions of all chains from which draws were kept; 0 where there were no chains."""
        return 0 if self.independent else self.n_made * self.draws[0][1].coefficients.shape[0]

    @property
    def divergences(self) -> str:
        """How many transitions diverged, in words; empty where none did."""
        if not self.n_divergent:
            return ""
        return f"{self.n_divergent:,} of {self.n_transitions:,} transitions diverged"

    @property
    def caution(self) -> str:
        """What is to be said where the sampler could not follow the posterior everywhere; else empty."""
        if self.n_divergent < MANY_DIVERGENT * self.n_transitions or not self.n_divergent:
            return ""
        passed = all(diagnostic.passed for diagnostic in self.diagnostics)
        blind = "R-hat and effective draws have passed, and cannot see what no chain has visited. " if passed else ""
        repair = (
            "Give it more warm-up (ld.Nuts(warmup=5000))"
            if self.method.kind == "NUTS"
            else "Compare with ld.Nuts(draws=2000, warmup=2000)"
        )
        return (
            f"{self.block.name}: {self.divergences} ({100 * self.n_divergent / self.n_transitions:.2g} %). There the posterior "
            "bends too sharply for the sampler's steps, and draws from there may be missing: means and intervals can be off. "
            f"{blind}{repair}, or state tighter priors for its nodes"
        )

    @property
    def certified(self) -> bool:
        """Whether these are draws of the posterior, and enough of them, as far as the diagnostics tell."""
        return (
            self.approximate is None
            and self.shortfall is None
            and all(diagnostic.passed for diagnostic in self.diagnostics)
        )


@dataclass(frozen=True)
class DataFacts:
    """What a fit remembers of its data: no rows.

    Attributes:
        ignored: Columns that no node names.
        unread: Columns with a latent's name.
        functional: Nodes that are exact functions of their parents, and these: declared, or shown by the data.
        rows_digest: Of the rows in whatever order; None in the files of versions that did not keep it.
        empty: Tables whose parents were all measured, and which of their rows, counted from 0, have no row of data; empty in
            the files of versions that did not keep it.
        patterns: The patterns of missing and set cells that rows have; empty where every cell was measured.
        missing: How many cells of each column were missing, of rows that were kept; columns without are left out.
        regimes: The sets of nodes that were set in some rows, and in how many, none among them; empty where none was set.
        dropped: Rows that were left out because a cell was missing.
        do_column: The column of the table that named the nodes that were set.
        origins: How each of several tables was given, or the one of an experiment; empty of any other table, and in the files of
            versions that did not keep it.
    """

    source: str
    hash: str
    n_rows: int
    columns: tuple[ColumnSummary, ...]
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    functional: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    rows_digest: str | None = None
    empty: tuple[tuple[Name, tuple[int, ...]], ...] = ()
    patterns: tuple[Pattern, ...] = ()
    missing: tuple[tuple[Name, int], ...] = ()
    regimes: tuple[tuple[tuple[Name, ...], int], ...] = ()
    dropped: int = 0
    do_column: str = ""
    origins: tuple[Origin, ...] = ()

    @staticmethod
    def of(
        data: Dataset,
        functional: Mapping[Name, tuple[Name, ...]] | None = None,
        empty: Mapping[Name, tuple[int, ...]] | None = None,
    ) -> DataFacts:
        """The facts of a data set, of what it shows to be functions, and of the rows of tables that it leaves empty."""
        functions = tuple((functional or {}).items())
        return DataFacts(
            data.source,
            data.hash,
            data.n_rows,
            data.summaries,
            data.ignored,
            data.unread,
            functions,
            data.rows_digest,
            tuple((empty or {}).items()),
            data.patterns,
            tuple(data.n_missing.items()),
            tuple(data.regimes.items()),
            data.dropped,
            data.do_column,
            data.origins,
        )

    @property
    def handled(self) -> str | None:
        """What was done about missing cells: `latent` or `drop`; None where there were none."""
        return "latent" if self.missing else "drop" if self.dropped else None

    @property
    def left_out(self) -> str:
        """What was assumed by leaving out rows, as a clause; empty where none were."""
        return left_out(self.dropped)

    @property
    def shown_regimes(self) -> str:
        """How many rows there are of each set of nodes that were set, as a list; empty where none was set."""
        return ", ".join(
            f"{count:,} of do({', '.join(map(quote, held))})" if held else f"{count:,} observed"
            for held, count in self.regimes
        )

    def cells_json(self) -> dict[str, Any]:
        """What is said to programs of missing cells and experiments; nothing where there are none."""
        found: dict[str, Any] = {}
        if self.missing:
            found["missing"] = {
                "handled": "latent",
                "assumed": "at random given the model",
                "cells": dict(self.missing),
            }
        if self.dropped:
            found["missing"] = {"handled": "drop", "assumed": "complete rows are like all rows", "rows": self.dropped}
        if self.regimes:
            found["regimes"] = [{"do": list(held), "rows": count} for held, count in self.regimes]
        return found

    def column(self, name: Name) -> ColumnSummary:
        """The summary of one column."""
        return next(column for column in self.columns if column.name == name)


def flat(draws: NodeDraws) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Coefficients (draw, 1 + weights) and parameters (draw,), chains laid end to end."""
    coefficients = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])
    return coefficients, {name: values.reshape(-1) for name, values in draws.parameters}


def constant_draws(coefficients: Any, n_chains: int, n_draws: int) -> NodeDraws:
    """The same numbers in every draw: a node whose coefficients the data fix exactly."""
    return NodeDraws(
        np.broadcast_to(np.asarray(coefficients, dtype=float), (n_chains, n_draws, len(coefficients))).copy()
    )
