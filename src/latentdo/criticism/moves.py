"""L2 and L3: what the answer would be with a factor of its formula, or the whole formula, as flexible as the rows allow.

A flexible factor is the model's own law plus a smooth of its residuals. What that adds to the answer is linear in the
residuals, so that its error is known row by row, and the model's own error on the same rows is taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import t as t_law

from latentdo.answers import ask_all
from latentdo.arrays import FloatArray
from latentdo.errors import UnsupportedError
from latentdo.estimators import Column, PrimalProblem, Sample, linearised, without_instruments
from latentdo.graphs import Name, quote
from latentdo.identification import forms_of
from latentdo.models import Table
from latentdo.models.build import satisfies
from latentdo.query import Distribution, Query, Term

from .evidence import Evidence
from .learners import KINDS, losses, weighted
from .model_laws import ModelLaws, chance_of

HALF_WIDTH = 1.645
LEAST_DF = 3.0
WORK = 1_500_000
"""Draws times rows times points of what is averaged without influence."""
MOST_POINT_DRAWS = 20
WITHIN = 1.0
"""Standard errors within which a learner counts as good as the best."""


@dataclass(frozen=True, eq=False)
class Move:
    """What one learner in place of a factor adds to a number.

    Attributes:
        move: In units of the number.
        parts: Each row's part in its error, (row,); their squares add up to its variance.
    """

    move: float
    parts: FloatArray

    @property
    def se(self) -> float:
        """The standard error."""
        return math.sqrt(float((self.parts**2).sum()))

    @property
    def z(self) -> float:
        """Move over standard error; 0 where neither is more than rounding."""
        return self.move / self.se if self.se > 1e-12 * max(1.0, abs(self.move)) else 0.0

    @property
    def p(self) -> float:
        """The p value, by a t law with as many degrees of freedom as rows carry the error.

        Source:
            Bell & McCaffrey (2002), Bias reduction in standard errors for linear regression with multi-stage samples, for the
            idea; a normal part has a fourth moment of 3.
        """
        squares = self.parts**2
        df = 3.0 * float(squares.sum()) ** 2 / max(float((squares**2).sum()), 1e-300)
        return float(2.0 * t_law.sf(abs(self.z), max(df, LEAST_DF)))

    @property
    def reach(self) -> float:
        """How far the number could move: the size of the move and 1.645 standard errors."""
        return abs(self.move) + HALF_WIDTH * self.se

    def scaled(self, by: float) -> Move:
        """The move of a multiple."""
        return Move(by * self.move, by * self.parts)

    def plus(self, other: Move) -> Move:
        """The move of a sum, on the same rows."""
        return Move(self.move + other.move, self.parts + other.parts)


Moves = dict[str, Move]
"""By learner."""


@dataclass(frozen=True, eq=False)
class Replaced:
    """What flexible factors do to one number.

    Attributes:
        factors: Per factor, as it is printed, the move of each learner that predicts its residuals about as well as any.
        whole: The same with every factor flexible.
        nodes: The nodes whose laws the formula is made of.
    """

    factors: Mapping[str, Moves]
    whole: Moves
    nodes: frozenset[Name]


def p_of(moves: Moves) -> float:
    """The p value over learners, by Bonferroni; those that were left out count too, as the rows chose them."""
    return min(1.0, len(KINDS) * min((move.p for move in moves.values()), default=1.0))


def worst(moves: Moves) -> tuple[str, Move]:
    """The learner that is farthest from nothing, in standard errors."""
    return max(moves.items(), key=lambda pair: abs(pair[1].z))


def replaced(evidence: Evidence, query: Query, seed: int) -> Replaced:
    """What flexible factors do to a question.

    Raises:
        UnsupportedError: It has a form that cannot be checked yet, and why.
    """
    terms = {term: _Formula.of(evidence, term, seed) for term in dict.fromkeys(query.terms)}
    found = {term: formula.replaced() for term, formula in terms.items()}
    values = {term: np.array([formula.answer.mean()]) for term, formula in terms.items()}
    _, slopes = linearised(query.expression, values)
    factors: dict[str, Moves] = {}
    whole: Moves = {}
    for term, slope in slopes.items():
        by = float(np.ravel(slope)[0])
        for factor, moves in found[term].factors.items():
            factors[factor] = _added(factors.get(factor), moves, by)
        whole = _added(whole or None, found[term].whole, by)
    nodes = frozenset(name for each in found.values() for name in each.nodes)
    return Replaced(factors, whole, nodes)


def _added(known: Moves | None, moves: Moves, by: float) -> Moves:
    if known is None:
        return {kind: move.scaled(by) for kind, move in moves.items()}
    return {kind: known[kind].plus(moves[kind].scaled(by)) for kind in known if kind in moves}


@dataclass(frozen=True, eq=False)
class _Factor:
    """One factor: its name, its moves, the same without what the parameters absorb, and its best learner."""

    name: str
    moves: Moves
    plain: Moves
    best: str


@dataclass(frozen=True, eq=False)
class _Formula:
    """One term whose treatment is p-fixable: its formula as a chain of laws of nodes given their pillows.

    Attributes:
        answer: The model's answer at all draws, chains laid end to end.
        problem: The chain, with the model's laws at some draws.
        before: What comes before the treatment.
    """

    evidence: Evidence
    term: Term
    answer: FloatArray
    problem: PrimalProblem | None
    before: tuple[Name, ...] = ()

    @staticmethod
    def of(evidence: Evidence, term: Term, seed: int) -> _Formula:
        """The chain of a term.

        Raises:
            UnsupportedError: The term has another form.
        """
        if reason := _why_not(evidence, term):
            raise UnsupportedError(reason)
        (answer,) = ask_all(evidence.posterior, [(None, Query(term))], seed, allow_unidentified=False)
        outcome = term.outcome_names[0]
        treatment = term.do[0].name if term.do else None
        graph = evidence.graph
        if treatment is None or treatment not in graph.ancestors([outcome]):
            return _Formula(evidence, term, answer.draws, None)
        fixed = forms_of(without_instruments(graph, treatment, [outcome])[0], term).fixability
        if fixed is None or not fixed.p_fixable:
            raise UnsupportedError(
                "its formula is neither an adjustment nor a front door, and other formulas are not checked yet"
            )
        family = evidence.posterior.spec[treatment].family
        value = family.check_value(treatment, term.do[0].value)  # type: ignore[arg-type]
        n_points = max(
            [
                evidence.law(node, dict(fixed.pillows)[node], 1).n_points
                for node in fixed.order[fixed.order.index(treatment) :]
            ]
        )
        draws = int(np.clip(WORK // (evidence.n * n_points * 15), 2, MOST_POINT_DRAWS))
        event = term.outcomes if term.kind == "event" else ()
        place = fixed.order.index(treatment)
        problem = PrimalProblem(
            _sample(evidence, fixed.order, term),
            ModelLaws(evidence, draws, event),  # type: ignore[arg-type]
            treatment,
            value,
            outcome,
            fixed.order[place:],
            frozenset(fixed.joined),
            dict(fixed.pillows),
        )
        return _Formula(evidence, term, answer.draws, problem, fixed.order[:place])

    @cached_property
    def asked(self) -> FloatArray:
        """What is averaged of the rows: the outcome, or whether the event holds."""
        return _asked(self.evidence, self.term)

    def replaced(self) -> Replaced:
        """The moves of its factors, and of all together."""
        own = self.evidence.influence(self.answer[self.evidence.index][:, None])[:, 0] * self.evidence.share
        if self.problem is None:
            centred = self.asked - self.asked.mean()
            move = Move(float(self.asked.mean() - self.answer.mean()), centred / self.evidence.n - own)
            name = f"P({quote(self.term.outcome_names[0])})"
            return Replaced({name: {"mean": move}}, {"mean": move}, frozenset(self.term.outcome_names))
        problem = self.problem
        level = problem.regression(1, problem.seen)[..., 0].mean(axis=0)
        level = np.broadcast_to(level, self.evidence.n)
        points = self.evidence.thinned(problem.laws.draws)  # type: ignore[attr-defined]
        first = Move(float(level.mean() - self.answer[points].mean()), (level - level.mean()) / self.evidence.n - own)
        found = [own for place in range(1, len(problem.order)) if (own := self._factor(place)).moves]
        whole, rest = dict[str, Move](), dict[str, Move]()
        kinds = [kind for kind in KINDS if any(kind in factor.moves for factor in found)] or [KINDS[0]]
        for kind in kinds:
            # Where a factor has no use for this learner, its best one stands in.
            chosen = [(factor, kind if kind in factor.moves else factor.best) for factor in found]
            plain = sum((factor.plain[own].parts for factor, own in chosen), first.parts)
            absorbed = sum((factor.moves[own].parts for factor, own in chosen), np.zeros(self.evidence.n))
            whole[kind] = Move(first.move + sum(factor.moves[own].move for factor, own in chosen), plain)
            rest[kind] = Move(first.move, plain - absorbed)
        factors = {factor.name: factor.moves for factor in found}
        if self._outer:
            factors = {f"P({', '.join(map(quote, self._outer))})": rest, **factors}
        return Replaced(factors, whole, self.nodes)

    @property
    def _outer(self) -> tuple[Name, ...]:
        """What the formula averages over as the rows have it."""
        problem = self.problem
        assert problem is not None
        used = any(problem.treatment in problem.pillows[node] for node in problem.order[1:] if node in problem.joined)
        return (*self.before, problem.treatment) if used else self.before

    @property
    def nodes(self) -> frozenset[Name]:
        """The nodes whose laws the formula has."""
        assert self.problem is not None
        return frozenset((*self._outer, *self.problem.order[1:]))

    def _factor(self, place: int) -> _Factor:
        """What flexible laws of one node do to the answer."""
        problem, evidence = self.problem, self.evidence
        assert problem is not None
        node = problem.order[place]
        pillow = problem.pillows[node]
        is_last = place == len(problem.order) - 1
        given = f" | {', '.join(map(quote, pillow))}" if pillow else ""
        name = f"E[{quote(node)}{given}]" if is_last and self.term.kind == "mean" else f"P({quote(node)}{given})"
        residuals = self._residuals(place)
        if np.abs(residuals).max() < 1e-10 * (np.abs(self.asked).max() + 1e-300):
            return _Factor(name, {}, {}, "")
        columns = {each: evidence.rows.column(each) for each in pillow}
        target = self._points(pillow, inside=node in problem.joined)
        slopes = np.ones(evidence.n) if is_last else self._slopes(place)
        means = self._means(place)
        # The few draws behind the residuals have another mean than all, which is no misfit.
        residuals = residuals + slopes * (self._few_means(place).mean(axis=0) - means.mean(axis=0))
        moves, plain = dict[str, Move](), dict[str, Move]()
        square = {kind: losses(kind, columns, residuals) for kind in KINDS}
        best = min(KINDS, key=lambda kind: square[kind].mean())
        for kind in KINDS:
            worse = square[kind] - square[best]
            if worse.mean() > WITHIN * worse.std() / math.sqrt(evidence.n) + 1e-300:
                continue
            learner = weighted(kind, columns, residuals, target)
            move = float(learner.weights @ residuals)
            own = learner.weights * learner.left
            absorbed = evidence.influence(means @ (learner.weights * slopes)[:, None])[:, 0] * evidence.share
            moves[kind], plain[kind] = Move(move, own - absorbed), Move(move, own)
        return _Factor(name, moves, plain, best)

    def _residuals(self, place: int) -> FloatArray:
        """What the rows add at a node to the outcome's mean from there on, less what the model expects of it."""
        problem = self.problem
        assert problem is not None
        node = problem.order[place]
        if node in problem.joined:
            step = problem.regression(place + 1, problem.seen) - problem.regression(place, problem.seen)
            return np.broadcast_to(step[..., 0].mean(axis=0), self.evidence.n)
        values, shares = self._values
        step = problem.regression(place + 1, values) - problem.regression(place, values, problem.seen)
        return self._averaged(step, shares * problem.joint(place, values))

    @cached_property
    def _values(self) -> tuple[FloatArray, FloatArray]:
        assert self.problem is not None
        return self.problem.values()

    def _means(self, place: int) -> FloatArray:
        """E[node | pillow], or the probability of the event, of every row at the draws of the evidence."""
        node, pillow = self._at(place)
        if self.term.kind == "event" and self.problem is not None and node == self.problem.outcome:
            law = self.evidence.law(node, pillow)
            return law.averages(self.evidence.given(pillow), [chance_of(law, self.term.outcomes)])[0]
        return self.evidence.means(node, pillow)

    def _few_means(self, place: int) -> FloatArray:
        """The same at the draws of the problem."""
        assert self.problem is not None
        node, pillow = self._at(place)
        law: Any = self.problem.laws.law(node, pillow)
        return law.mean(dict(self.evidence.given(pillow)))

    def _at(self, place: int) -> tuple[Name, tuple[Name, ...]]:
        """A node and its pillow, in the order of the evidence."""
        assert self.problem is not None
        node = self.problem.order[place]
        return node, tuple(name for name in self.evidence.pillows if name in self.problem.pillows[node])

    def _slopes(self, place: int) -> FloatArray:
        """By how much the outcome's mean from there on changes with the node: a secant as wide as the node's own law."""
        problem, evidence = self.problem, self.evidence
        assert problem is not None
        node = problem.order[place]
        column = problem.sample[node]
        means = self._means(place).mean(axis=0)
        if column.levels is not None and len(column.levels) == 2:
            low, high = np.full(evidence.n, column.levels[0]), np.full(evidence.n, column.levels[1])
        else:
            width = float((evidence.rows.column(node) - means).std()) or 1.0
            low, high = means - width, means + width
            least, most = evidence.posterior.spec[node].family.support
            low = np.maximum(low, means - 0.9 * (means - least)) if math.isfinite(least) else low
            high = np.minimum(high, means + 0.9 * (most - means)) if math.isfinite(most) else high
        at = []
        for values in (low, high):
            sample = problem.sample.with_column(replace(column, values=values))
            other = replace(self, problem=replace(problem, sample=sample))
            at.append(other._from(place + 1))
        return (at[1] - at[0]) / (high - low)

    def _from(self, place: int) -> FloatArray:
        problem = self.problem
        assert problem is not None
        if problem.order[place - 1] in problem.joined:
            found = problem.regression(place, problem.seen)[..., 0]
        else:
            values, shares = problem.values()
            return self._averaged(problem.regression(place, values), shares * problem.joint(place - 1, values))
        return np.broadcast_to(found.mean(axis=0), self.evidence.n)

    def _averaged(self, values: FloatArray, weights: FloatArray) -> FloatArray:
        """The mean over the last axis, then over draws."""
        values, weights = np.broadcast_arrays(values, weights)
        found = (weights * values).sum(axis=-1) / weights.sum(axis=-1)
        return np.broadcast_to(found.mean(axis=0), self.evidence.n)

    def _points(self, pillow: Sequence[Name], *, inside: bool) -> dict[Name, FloatArray]:
        """The pillow of a node in the world that the formula describes, flat.

        Args:
            inside: Whether the node shares the treatment's district, and so sees the treatment as it was in the rows.
        """
        assert self.problem is not None
        treatment = self.problem.treatment
        simulated = self._simulated
        shape = np.broadcast_shapes(*(np.shape(v) for v in simulated.values()))
        chosen = {name: simulated[name] for name in pillow}
        if treatment in chosen and not inside:
            chosen[treatment] = np.full((1, 1), self.problem.value)
        return {name: np.broadcast_to(values, shape).ravel() for name, values in chosen.items()}

    @cached_property
    def _simulated(self) -> dict[Name, FloatArray]:
        """Each node but the outcome under the treatment, (draw, row): what came before as in the rows."""
        problem, evidence = self.problem, self.evidence
        assert problem is not None
        random = np.random.default_rng(7)
        laws: Any = problem.laws
        values = {name: evidence.env[name] for name in (*self.before, problem.treatment)}
        for node in problem.order[1:-1]:
            env = dict(values)
            if node not in problem.joined:
                env[problem.treatment] = np.full((1, evidence.n), problem.value)
            law = laws.law(node, problem.pillows[node]).pillow_law
            given = {name: env[name] for name in law.pillow} or {"": np.zeros((1, evidence.n))}
            uniforms, picks = random.uniform(size=(2, laws.draws, evidence.n))
            values[node] = law.draw(given, uniforms, picks)
        return values


def _sample(evidence: Evidence, order: Sequence[Name], term: Term) -> Sample:
    """The rows with the kinds that the model's families have; the outcome is what is asked of it."""
    columns: dict[Name, Column] = {}
    for name in order:
        points = evidence.posterior.spec[name].family.points
        levels = np.array(points) if points else None
        columns[name] = Column(name, evidence.rows.column(name), levels)
    outcome = term.outcome_names[0]
    if term.kind == "event":
        columns[outcome] = Column(outcome, _asked(evidence, term), np.array([0.0, 1.0]))
    return Sample(columns, evidence.n, np.ones(evidence.n))


def _asked(evidence: Evidence, term: Term) -> FloatArray:
    column = evidence.rows.column(term.outcome_names[0])
    if term.kind != "event":
        return column
    family = evidence.posterior.spec[term.outcome_names[0]].family
    found = np.ones(len(column), dtype=bool)
    for item in term.outcomes:
        assert item.value is not None
        number = family.check_value(item.name, item.value) if family.points else float(item.value)
        found &= satisfies(item.op, column, number)
    return found.astype(float)


def _why_not(evidence: Evidence, term: Term) -> str:
    """Why a term cannot be checked yet; empty where it can."""
    spec = evidence.posterior.spec
    if term.kind not in ("mean", "event"):
        return f"only means and probabilities are checked yet, and {term} is neither"
    if len(term.outcome_names) != 1:
        return "events of several nodes are not checked yet"
    if term.given:
        return "questions with conditions are not checked yet"
    if len(term.do) > 1:
        return "questions that set several nodes are not checked yet"
    if any(setting.value is None or isinstance(setting.value, Distribution) for setting in term.do):
        return "stochastic interventions are not checked yet"
    outcome = term.outcome_names[0]
    if outcome in spec.latent:
        return f"{quote(outcome)} was not measured"
    return ""


def is_saturated(evidence: Evidence, nodes: frozenset[Name]) -> bool:
    """Whether every law of a formula is a table with a row for each combination of its pillow."""
    spec = evidence.posterior.spec
    return all(
        isinstance(spec[node].family, Table) and set(evidence.pillows[node]) == set(spec[node].parents)
        for node in nodes
    )
