"""`Fitted`: what training leaves, by block, with (chain, draw) axes, in raw units; and how it went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from latentdo.errors import SpecError
from latentdo.graphs import Name
from latentdo.models import ModelSpec, Table, Units, checked_units
from latentdo.query import Query
from latentdo.tables import Dataset

from .cautions import SET_ALONE, ColumnCaution, said_once
from .coordinates import FloatArray, NodeCoordinates, table_labels
from .diagnostics import Diagnostic, diagnose, limit_among
from .draws import UNSETTLED, BlockDraws, DataFacts, NodeDraws


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model as a value: the draws of its blocks, what is known of the data, and what was judged.

    Saved fits, labels and summaries are made of it; `Posterior` is the same with them at hand.

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
        concerns: The nodes whose columns the first warnings are about, one each.
        checked: What a check of graph and nodes found on the rows when the fit was made, as JSON; empty where nobody checked.
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
    concerns: tuple[Name, ...] = ()
    checked: str = ""

    @property
    def regimes(self) -> tuple[tuple[Name, ...], ...]:
        """The sets of nodes that were set in some of the rows; empty where all rows were only observed."""
        return tuple(held for held, _ in self.facts.regimes if held)

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
        """Of `warnings`, those that concern the parameters of these nodes: of their own columns and those of their parents.

        What is said of many columns alike is said once.
        """
        nodes = frozenset(nodes)
        elsewhere = {block.caution for block in self.blocks} - {block.caution for block in self._blocks_of(nodes)}
        causes = frozenset[Name]().union(*(self.spec[node].parents for node in nodes))
        read = nodes | causes
        return said_once(
            each
            for each in self._cautions
            if (
                each.node in (causes if each.words.endswith(SET_ALONE) else read)
                if each.node
                else each.words not in elsewhere
            )
        )

    @property
    def _cautions(self) -> tuple[ColumnCaution, ...]:
        """`warnings`, each with the node that it is about."""
        nodes = [*self.concerns, *([""] * (len(self.warnings) - len(self.concerns)))]
        return tuple(map(ColumnCaution, nodes, self.warnings))

    @property
    def folded_warnings(self) -> tuple[str, ...]:
        """`warnings`; what is said of many columns alike is said once."""
        return said_once(self._cautions)

    @property
    def misfit(self) -> str:
        """What does not fit of its rows, in a sentence; empty where all that was checked does, and where nobody checked."""
        try:
            return str(json.loads(self.checked)["misfit"])
        except (ValueError, KeyError, TypeError):
            return ""

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
        diagnostic = diagnose(name, draws.reshape(self.shape))
        return replace(diagnostic, ess=min([diagnostic.ess, *weighted]))

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
        reasons = []
        for block in self.blocks:
            if block.shortfall is not None:
                reasons.append(f"{block.block.name}: {block.shortfall}")
            elif block.approximate is not None and block.approximate.endswith(UNSETTLED):
                reasons.append(f"{block.block.name}: {block.approximate}; ask for more steps")
        return tuple(reasons)

    @property
    def converged(self) -> bool:
        """Whether every judged functional has R-hat <= 1.01 and ESS >= 400, and no run was too short to be judged.

        Where more than fifty are judged a few of them exceed 1.01 by luck alone: see `rhat_limit`.
        Of one draw (`ld.Map()`) nothing is judged: the mode was reached, or training would have failed.
        """
        return not self.shortfalls and not self.failed

    @property
    def rhat_limit(self) -> float:
        """The largest R-hat that is due to chance among as many functionals as are judged."""
        return limit_among(len(self.diagnostics), self.n_chains)

    @cached_property
    def failed(self) -> tuple[Diagnostic, ...]:
        """The judged functionals that have not passed, chance being allowed for."""
        n = len(self.diagnostics)
        return tuple(each for each in self.diagnostics if not each.passed_among(n, self.n_chains))

    @property
    def doubt(self) -> str:
        """Why the fit has not converged, in words; empty where it has."""
        if self.shortfalls:
            return self.shortfalls[0]
        if not self.failed:
            return ""
        worst = max(self.failed, key=lambda diagnostic: diagnostic.badness)
        mixing = "" if worst.rhat is None else f"R-hat {worst.rhat:.3f}, "
        others = f"; {len(self.failed):,} of {len(self.diagnostics):,} diagnostics" if len(self.failed) > 1 else ""
        return f"{mixing}{worst.ess:.0f} effective draws for {worst.name}{others}"

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

    def with_units(self, units: Mapping[Name, str | None]) -> Self:
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
        stated = {node: unit for node, unit in {**dict(self.units), **units}.items() if unit is not None}
        return replace(self, units=checked_units(self.spec, stated))
