"""Terms of models of discrete nodes by enumeration, draw by draw: latent ones too, and discrete parts of other models.

Nodes that nobody asks about are summed out by variable elimination. What is set, seen or asked about keeps an axis, so
that all values of one question share one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.inference import NodeDraws, flat, node_parameters, predictor
from latentdo.models import Constant, ModelSpec
from latentdo.models.build import NUMPY
from latentdo.query import Distribution, law_of

from ..comparisons import Comparisons, by_node, holds, limit_of
from ..plan import TermPlan
from .elimination import EliminationPlan, Factor, eliminate, plan_elimination
from .kept import Kept, n_draws_of
from .relevance import Relevant, StructureKey, relevant, structure_key

MOST_WORK = 4e8
"""Table entries x draws of one elimination: a second or two. Beyond it simulation is cheaper."""
MOST_KEPT = 2**23
"""Entries x draws of a table that is kept for other values of the same question: 64 MiB."""
CHUNK = 2**22
"""Entries x draws worked on at a time: 32 MiB per table on the way."""
AT_LEVEL = 1e-12
"""By how much a sum of probabilities may fall short of a quantile's level and still reach it: rounding."""


@dataclass(frozen=True)
class _Structure:
    """What of a discrete term does not depend on its numbers.

    Attributes:
        part: The nodes that matter.
        bound: Fixed nodes without levels, whose values the factors depend on.
        kept: Axes of the table that is made: of what is set, drawn, seen and asked about, or of the outcome alone.
        shared: How a table is made that serves all values; None where it would be too large, so that each has its own.
    """

    part: Relevant
    bound: tuple[Name, ...]
    kept: tuple[Name, ...]
    shared: EliminationPlan | None


class DiscreteWorld:
    """Answers terms of discrete models, and of discrete parts of others, for one set of draws.

    Args:
        spec: The untouched model.
        draws: Per node, (chain, draw) first.
    """

    def __init__(self, spec: ModelSpec, draws: Mapping[Name, NodeDraws]) -> None:
        self._spec = spec
        self._draws = draws
        self.n_draws = n_draws_of(draws)
        self._structures: dict[StructureKey, _Structure | None] = {}
        self._tables = Kept[FloatArray]()

    def applies(self, plan: TermPlan) -> bool:
        """Whether the term can be enumerated at a bearable cost."""
        return plan.term.kind not in ("density", "law") and self._structure(plan) is not None

    def value(self, plan: TermPlan) -> FloatArray | None:
        """The term per draw, (draw,), chains laid end to end; None where it cannot be enumerated at a bearable cost.

        NaN in draws in which the evidence has probability 0.
        """
        if not self.applies(plan):
            return None
        structure = self._structure(plan)
        assert structure is not None
        question = _Values.of(self._spec, plan, structure.part)
        with np.errstate(all="ignore"):
            if structure.shared is not None:
                joint = self._shared(plan, structure, question)
            else:
                joint = self._single(plan, structure, question)
            return np.array(np.broadcast_to(joint, self.n_draws))

    # Structure and cost

    def _structure(self, plan: TermPlan) -> _Structure | None:
        key = structure_key(plan)
        if key not in self._structures:
            self._structures[key] = self._planned(plan)
        return self._structures[key]

    def _planned(self, plan: TermPlan) -> _Structure | None:
        part = relevant(plan)
        if not all(self._points(node) for node in part.nodes):
            return None
        if not all(_has_levels(plan, name) for name in part.drawn):
            return None
        scopes = {node: self._scope(node) for node in part.nodes if node not in part.drawn}
        used = dict.fromkeys(name for scope in scopes.values() for name in scope)
        bound = tuple(name for name in part.fixed_parents(self._spec) if not self._points(name))
        asked = [name for name in plan.term.outcome_names if name in part.nodes]
        levelled = [name for name in part.fixed if self._points(name) and (name in used or name in part.nodes)]
        kept = tuple(dict.fromkeys((*sorted(levelled), *sorted(part.drawn), *part.events, *asked)))
        sizes = {name: len(self._points(name)) for name in (*used, *kept)}
        most = int(MOST_WORK / self.n_draws)
        shared = plan_elimination([*scopes.values(), kept], sizes, kept, most)
        entries = int(np.prod([sizes[name] for name in kept], dtype=float))
        if shared is not None and entries * self.n_draws <= MOST_KEPT and shared.total * self.n_draws <= MOST_WORK:
            return _Structure(part, bound, kept, shared)
        own = () if plan.term.kind == "event" else tuple(asked)
        single = plan_elimination(_without(scopes.values(), part.fixed), sizes, own, most)
        if single is None or single.total * self.n_draws > MOST_WORK:
            return None
        return _Structure(part, bound, own, None)

    def _points(self, node: Name) -> tuple[float, ...]:
        """The values of a node with finitely many, as numbers; empty for any other."""
        family = self._spec[node].family
        return family.points if family.discrete else ()

    def _scope(self, node: Name) -> tuple[Name, ...]:
        """The nodes with levels that a node's probabilities depend on, itself last."""
        return (*(p for p in self._spec[node].parents if self._points(p)), node)

    # One table for all values

    def _shared(self, plan: TermPlan, structure: _Structure, question: _Values) -> FloatArray:
        """The term, read off the table that all values of the question share."""
        table = self._table(plan, structure, question)
        names = list(structure.kept)
        for name in structure.kept:
            axis = names.index(name)
            if name in question.numbers:
                table = np.take(table, self._points(name).index(question.numbers[name]), axis=axis)
                names.remove(name)
            elif name in question.laws:
                table = np.tensordot(question.laws[name], table, axes=(0, axis))
                names.remove(name)
            elif name in question.evidence:
                table = table[(*[slice(None)] * axis, self._allowed(question.evidence, name))].sum(axis=axis)
                names.remove(name)
        if plan.term.kind == "event":
            event = table
            for axis, name in enumerate(names):
                mask = self._allowed(question.outcomes, name)
                event = np.compress(mask, event, axis=axis)
            chance = event.sum(axis=tuple(range(len(names))))
            return chance / table.sum(axis=tuple(range(len(names)))) if question.conditioned else chance
        return self._of_law(plan, table)

    def _table(self, plan: TermPlan, structure: _Structure, question: _Values) -> FloatArray:
        """The joint of what is asked and seen at every level of what is set, (level, …, draw)."""
        bound = {name: question.numbers[name] for name in structure.bound}
        key = (structure.part.nodes, structure.kept, structure.part.drawn, tuple(bound.items()))
        shared = structure.shared
        assert shared is not None
        return self._tables.get(key, lambda: self._eliminated(structure, shared, bound, {}, structure.kept))

    def _allowed(self, comparisons: Mapping[Name, Comparisons], name: Name) -> Any:
        """Which levels of a node satisfy what is said of it."""
        return holds(comparisons.get(name, ()), np.array(self._points(name)))

    # One elimination for one set of values

    def _single(self, plan: TermPlan, structure: _Structure, question: _Values) -> FloatArray:
        """The term where a table of all values would be too large."""
        part = structure.part
        weights = {name: question.laws[name] for name in part.drawn}
        for name in part.events:
            weights[name] = self._allowed(question.evidence, name).astype(float)
        if plan.term.kind != "event":
            return self._of_law(plan, self._law(structure, question, weights, structure.kept))
        allowed = {name: self._allowed(question.outcomes, name).astype(float) for name in question.outcomes}
        event = self._law(structure, question, {**weights, **allowed}, ())
        return event / self._law(structure, question, weights, ()) if question.conditioned else event

    def _law(
        self,
        structure: _Structure,
        question: _Values,
        weights: Mapping[Name, FloatArray],
        kept: tuple[Name, ...],
    ) -> FloatArray:
        """The weighted joint over the kept nodes, (level, …, draw)."""
        part = structure.part
        scopes = [self._scope(node) for node in part.nodes if node not in part.drawn]
        sizes = {name: len(self._points(name)) for scope in scopes for name in scope}
        plan = plan_elimination(_without(scopes, part.fixed), sizes, kept, int(MOST_WORK))
        assert plan is not None
        return self._eliminated(structure, plan, question.numbers, weights, kept)

    # Factors

    def _eliminated(
        self,
        structure: _Structure,
        plan: EliminationPlan,
        numbers: Mapping[Name, float],
        weights: Mapping[Name, FloatArray],
        kept: tuple[Name, ...],
    ) -> FloatArray:
        """The product of all factors, summed over all nodes but the kept ones, in chunks of draws."""
        part = structure.part
        size = max(1, CHUNK // plan.largest)
        found = []
        for start in range(0, self.n_draws, size):
            rows = slice(start, start + size)
            factors = [self._factor(part, node, rows, numbers) for node in part.nodes if node not in part.drawn]
            factors += [Factor((name,), weight[:, None]) for name, weight in weights.items()]
            shape = [len(self._points(name)) for name in kept]
            table = eliminate(factors, plan.order, kept)
            n_draws = len(range(*rows.indices(self.n_draws)))
            found.append(np.broadcast_to(table, (*shape, n_draws)))
        return np.concatenate(found, axis=-1)

    def _factor(self, part: Relevant, node: Name, rows: slice, numbers: Mapping[Name, float]) -> Factor:
        """P(node | parents), (level of each parent, level of the node, draw); at the number of what has one."""
        mechanism = self._spec[node]
        parents = mechanism.parents
        free = [parent for parent in parents if parent not in numbers]
        grids = np.meshgrid(*(np.array(self._points(parent)) for parent in free), indexing="ij")
        values = {parent: grid.reshape(1, -1) for parent, grid in zip(free, grids, strict=True)}
        values |= {parent: np.full((1, 1), numbers[parent]) for parent in parents if parent in numbers}
        coefficients, parameters = flat(self._draws[node])
        own = node_parameters({name: value[rows] for name, value in parameters.items()})
        eta = predictor(mechanism, coefficients[rows], values)
        points = self._points(node)
        chances = mechanism.family.chances(NUMPY, eta, own)
        shape = tuple(len(self._points(parent)) for parent in free)
        configurations = int(np.prod(shape, dtype=int))
        n_draws = len(coefficients[rows])
        table = np.stack(
            [np.broadcast_to(c, (n_draws, configurations)).T.reshape(*shape, n_draws) for c in chances], -2
        )
        scope = (*free, node)
        if node in numbers:
            # Seen with a value: the axis is gone.
            return Factor(tuple(free), table[..., points.index(numbers[node]), :])
        return Factor(scope, np.ascontiguousarray(table))

    # What is asked of a law

    def _of_law(self, plan: TermPlan, joint: FloatArray) -> FloatArray:
        """Mean, variance, sd or quantile of the outcome from its joint with the evidence, (level, draw)."""
        points = np.array(self._points(plan.term.outcome_names[0]))[:, None]
        law = joint / joint.sum(axis=0)
        if plan.term.kind == "quantile":
            assert plan.term.level is not None
            reached = np.cumsum(law, axis=0) >= plan.term.level - AT_LEVEL
            at = np.where(reached.any(axis=0), reached.argmax(axis=0), len(points) - 1)
            return np.where(np.isfinite(law[0]), points[at, 0], np.nan)
        mean = (law * points).sum(axis=0)
        if plan.term.kind == "mean":
            return mean
        variance = (law * (points - mean) ** 2).sum(axis=0)
        return variance if plan.term.kind == "variance" else np.sqrt(variance)


@dataclass(frozen=True, eq=False)
class _Values:
    """The numbers of a term.

    Attributes:
        numbers: Of what is set or seen with a value.
        laws: Probabilities of the levels of what is drawn from a law.
        evidence: Comparisons of what is seen as an event.
        outcomes: Comparisons of the outcomes of an event.
        conditioned: Whether anything is seen that the outcome may depend on.
    """

    numbers: Mapping[Name, float]
    laws: Mapping[Name, FloatArray]
    evidence: Mapping[Name, Comparisons]
    outcomes: Mapping[Name, Comparisons]
    conditioned: bool

    @staticmethod
    def of(spec: ModelSpec, plan: TermPlan, part: Relevant) -> _Values:
        seen = {item.name: limit_of(spec, item) for item in plan.term.given if item.op == "="}
        numbers = {name: seen[name] if name in seen else _value_of(plan.spec, name) for name in part.fixed}
        laws = {
            setting.name: np.array(_shares(setting.value))
            for setting in plan.term.do
            if isinstance(setting.value, Distribution) and setting.name in part.drawn
        }
        events = {name: items for name, items in by_node(spec, plan.term.given).items() if name in part.events}
        outcomes = by_node(spec, plan.term.outcomes)
        return _Values(numbers, laws, events, outcomes, bool(part.seen or part.events))


def _without(scopes: Iterable[tuple[Name, ...]], fixed: frozenset[Name]) -> list[tuple[Name, ...]]:
    """Scopes without the nodes whose axis is gone because they have one value."""
    return [tuple(name for name in scope if name not in fixed) for scope in scopes]


def _value_of(spec: ModelSpec, name: Name) -> float:
    family = spec[name].family
    assert isinstance(family, Constant)
    return family.value


def _has_levels(plan: TermPlan, name: Name) -> bool:
    """Whether a node is drawn from a law of levels."""
    law = next(setting.value for setting in plan.term.do if setting.name == name)
    return isinstance(law, Distribution) and law_of(law).family in ("bernoulli", "categorical")


def _shares(distribution: Distribution) -> Sequence[float]:
    law = law_of(distribution)
    total = sum(law.args)
    return (1 - law.args[0], law.args[0]) if law.family == "bernoulli" else [share / total for share in law.args]
