"""`Posterior`: what training leaves, by block, with (chain, draw) axes, in raw units; and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentdo.errors import ArchiveError, SpecError
from latentdo.graphs import Name
from latentdo.models import ColumnSummary, ModelSpec, Table, Units, checked_units
from latentdo.query import Query

from .blocks import Block
from .coordinates import FloatArray, NodeCoordinates, table_labels
from .dataset import Dataset
from .diagnostics import Diagnostic, diagnose, shortfall

if TYPE_CHECKING:
    import xarray

    from .labels import ParameterLabel
    from .prior_check import PriorCheck


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
        method: In words, for `plan`.
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
    method: str
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
            if self.method.startswith("NUTS")
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
    """

    source: str
    hash: str
    n_rows: int
    columns: tuple[ColumnSummary, ...]
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    functional: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    rows_digest: str | None = None

    @staticmethod
    def of(data: Dataset, functional: Mapping[Name, tuple[Name, ...]] | None = None) -> DataFacts:
        """The facts of a data set, and of what it shows to be functions."""
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
        )

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
        diagnostics: The judged functionals: mean and sd of each measured node, pairwise covariances, log posterior and
            log likelihood of each block of chains, identified effects between measured nodes, the study's queries.
        engine: How it was trained, as it is typed: `Auto()`, `Nuts(draws=1000, warmup=1000, chains=4)`.
        seed: The seed of the fit.
        queries: The study's queries, name and question.
        warnings: Cautions about the data, and about blocks whose sampler diverged often.
        unjudged: What was left out of `diagnostics` to save time, in words.
        versions: Of latentdo and what it computes with, at the time of training.
        data: The rows, kept in memory only; `save(path, data=True)` writes them too.
        units: Node and what it is measured in, where that was said: answers are counted in it.
        compare: The rivals that the study names, by which `ld.compare` goes; all where it names none.
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
    unjudged: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    data: Dataset | None = field(default=None, repr=False)
    units: Units = ()
    compare: tuple[str, ...] = ()

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
    def is_point(self) -> bool:
        """Whether there is one draw alone, so that nothing has a spread, and R-hat and ESS say nothing."""
        return self.shape == (1, 1)

    @property
    def approximate(self) -> tuple[str, ...]:
        """What some block's draws are instead of draws of the posterior: `Laplace approximation`; empty for an exact fit."""
        return tuple(dict.fromkeys(str(block.approximate) for block in self.approximated()))

    def approximated(self, nodes: Iterable[Name] | None = None) -> tuple[BlockDraws, ...]:
        """The blocks whose draws are not draws of the posterior, of those that these nodes (all unless given) belong to."""
        return tuple(block for block in self._blocks_of(nodes) if block.approximate is not None)

    def cautions(self, nodes: Iterable[Name]) -> tuple[str, ...]:
        """Of `warnings`, those that concern what depends on the parameters of these nodes."""
        elsewhere = {block.caution for block in self.blocks} - {block.caution for block in self._blocks_of(nodes)}
        return tuple(warning for warning in self.warnings if warning not in elsewhere)

    def diagnose(self, name: str, draws: FloatArray, nodes: Iterable[Name] | None = None) -> Diagnostic:
        """R-hat and effective sample size of a quantity that depends on the parameters of some nodes.

        Args:
            draws: One number per draw, (chain, draw) or laid end to end.
            nodes: The nodes whose parameters it depends on; all unless given.

        Returns:
            R-hat is None where every block concerned has independent draws. The effective number is at most that of the
            blocks' importance weights.
        """
        used = self._blocks_of(nodes)
        weighted = [block.weight_ess for block in used if block.weight_ess is not None]
        if all(block.independent for block in used):
            finite = bool(np.isfinite(draws).all())
            return Diagnostic(
                name, None if finite else float("inf"), min([float(draws.size), *weighted]) if finite else 0.0
            )
        found = diagnose(name, draws.reshape(self.shape))
        return replace(found, ess=min([found.ess, *weighted]))

    def independent(self, nodes: Iterable[Name] | None = None) -> bool:
        """Whether a quantity that depends on the parameters of these nodes (all unless given) rests on no chain."""
        return all(block.independent for block in self._blocks_of(nodes))

    def _blocks_of(self, nodes: Iterable[Name] | None) -> list[BlockDraws]:
        chosen = None if nodes is None else frozenset(nodes)
        return [block for block in self.blocks if chosen is None or chosen & frozenset(block.block.nodes)]

    @property
    def functional(self) -> dict[Name, tuple[Name, ...]]:
        """Nodes that are exact functions of their parents, declared or in the data: verdicts take them into account."""
        return {**self.spec.functional, **dict(self.facts.functional)}

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """Blocks whose chains are too short for any certificate, or whose optimisation did not come to rest, and why."""
        found = []
        for block in self.blocks:
            if block.shortfall is not None:
                found.append(f"{block.block.name}: {block.shortfall}")
            elif block.approximate is not None and block.approximate.endswith(UNSETTLED):
                found.append(f"{block.block.name}: {block.approximate}; ask for more steps")
        return tuple(found)

    @property
    def converged(self) -> bool:
        """Whether every judged functional has R-hat <= 1.01 and ESS >= 400, and no run was too short to be judged.

        Of one draw (`ld.Map()`) nothing is judged: the mode was reached, or training would have failed.
        """
        return not self.shortfalls and all(diagnostic.passed for diagnostic in self.diagnostics)

    @property
    def doubt(self) -> str:
        """Why the fit has not converged, in words; empty where it has."""
        if self.shortfalls:
            return self.shortfalls[0]
        failed = [diagnostic for diagnostic in self.diagnostics if not diagnostic.passed]
        if not failed:
            return ""
        worst = max(failed, key=lambda diagnostic: diagnostic.badness)
        mixing = "" if worst.rhat is None else f"R-hat {worst.rhat:.3f}, "
        return f"{mixing}{worst.ess:.0f} effective draws for {worst.name}"

    @cached_property
    def parameters(self) -> tuple[tuple[str, FloatArray], ...]:
        """Every free parameter in raw units: label (`SOS -> Ras`, `intercept(Ras)`, `sd(Ras)`) and (chain, draw)."""
        return tuple(pair for own in self.coordinates for pair in self._own_parameters(own))

    def _own_parameters(self, own: NodeCoordinates) -> Iterator[tuple[str, FloatArray]]:
        draws = self.by_node[own.node]
        if isinstance(self.spec[own.node].family, Table):
            for k, label in enumerate(table_labels(self.spec, own.node)):
                yield label, draws.coefficients[..., k]
            return
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
        return tuple(
            self.diagnose(label, draws, [own.node])
            for own in self.coordinates
            for label, draws in self._own_parameters(own)
        )

    @cached_property
    def parameter_labels(self) -> tuple[ParameterLabel, ...]:
        """What the data say of every parameter, in the order of `parameters`.

        Pinned down, narrowed, nothing, or not identified because of a symmetry of the hidden causes; or its chains did not mix.
        """
        from .labels import parameter_labels

        return parameter_labels(self)

    @property
    def plan(self) -> str:
        """What was trained how, block by block, in words."""
        from .account import block_row

        return "\n".join(str(block_row(block)) for block in self.blocks)

    def with_units(self, units: Mapping[Name, str | None]) -> Posterior:
        """This fit with the units of some measured nodes: `posterior.with_units({"SBP": "mmHg", "dose": "mg/kg"})`.

        Args:
            units: Node and what it is measured in, as words; None forgets a unit. Those of other nodes stay as they were.

        Raises:
            UnknownNodeError: A name that is no node of the model.
            SpecError: A latent node, one without numbers, or a text that is no unit.
        """
        if not isinstance(units, Mapping):
            raise SpecError(f'Units are given as {{"SBP": "mmHg"}}, got {type(units).__name__}.')
        for node in units:
            self.spec.graph.require(node)
        found = {node: unit for node, unit in {**dict(self.units), **units}.items() if unit is not None}
        return replace(self, units=checked_units(self.spec, found))

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

    def prior_check(self, *, n_draws: int = 1000, seed: int = 0) -> PriorCheck:
        """What the priors alone would say of each measured node, beside its column: whether they mean what was meant.

        Args:
            n_draws: Draws of all parameters from their priors, 100 to 100,000.
            seed: Same seed, same numbers.

        Returns:
            A table per node, with `.warnings` where the priors all but exclude the column, or allow for far more than any.
        """
        from .prior_check import check_priors

        return check_priors(self.spec, self.coordinates, self.facts.columns, seed, n_draws=n_draws)

    def to_arviz(self) -> xarray.DataTree:
        """The fit as an ArviZ DataTree, for its statistics and plots.

        Returns:
            `posterior`: one array per kind of free parameter (`weight`, `intercept`, `sd`, …) with the dimensions chain,
            draw and `weight_of`, `intercept_of`, …, whose coordinates name the parameters, in raw units. `sample_stats`:
            `lp`, the log posterior of each block of chains. `observed_data`: the rows, where they are in memory (a slash in
            a node's name is ∕ there). Engine, seed, versions and model stand in the attributes. Independent draws are cut
            into chains for the shape alone.

        Raises:
            MissingExtraError: arviz-base is not installed.
        """
        # The one way up in the house: formats of others live in `io`, the method with its value.
        from latentdo.io import to_arviz

        return to_arviz(self)

    def summary(self) -> str:
        """The fit on one page: model, data, priors, plan, convergence, parameters."""
        return str(self)

    def __str__(self) -> str:
        from .summary import posterior_text

        return posterior_text(self)

    def __repr__(self) -> str:
        state = "one draw" if self.is_point else "converged" if self.converged else "NOT converged"
        state += f", APPROXIMATE ({', '.join(self.approximate)})" if self.approximate else ""
        return f"<Posterior of {len(self.spec.measured)} measured and {len(self.spec.latent)} latent nodes, {state}>"

    def _repr_html_(self) -> str:
        from .summary_html import posterior_html

        return posterior_html(self)


def flat(draws: NodeDraws) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Coefficients (draw, 1 + weights) and parameters (draw,), chains laid end to end."""
    coefficients = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])
    return coefficients, {name: values.reshape(-1) for name, values in draws.parameters}


def constant_draws(coefficients: Any, n_chains: int, n_draws: int) -> NodeDraws:
    """The same numbers in every draw: a node whose coefficients the data fix exactly."""
    return NodeDraws(
        np.broadcast_to(np.asarray(coefficients, dtype=float), (n_chains, n_draws, len(coefficients))).copy()
    )
