"""L2 and L3: what the answer would be with a factor of its formula, or the whole formula, as flexible as the rows allow.

A flexible factor is the model's own law plus a smooth of its residuals. What that adds to the answer is linear in the
residuals, so that its error is known row by row, and the model's own error on the same rows is taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.stats import t as t_law

from latentdo.answers import ask_all
from latentdo.arrays import FloatArray
from latentdo.estimators import linearised
from latentdo.graphs import Name, quote
from latentdo.models import Table
from latentdo.query import Query, Term

from .deviations import Deviation, deviations
from .evidence import Evidence
from .learners import KINDS, learner, losses, trusted
from .plans import planned
from .worlds import World

HALF_WIDTH = 1.645
LEAST_DF = 3.0
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


@dataclass(frozen=True, eq=False)
class Moves:
    """What the learners add that predict the residuals about as well as any.

    Attributes:
        kept: By learner.
        best: The learner that predicts best.
    """

    kept: Mapping[str, Move]
    best: str

    def of(self, kind: str) -> Move:
        """The move of a learner, or of the best one where the rows have no use for it."""
        return self.kept.get(kind, self.kept[self.best])

    def scaled(self, by: float) -> Moves:
        """The moves of a multiple."""
        return Moves({kind: move.scaled(by) for kind, move in self.kept.items()}, self.best)

    def plus(self, other: Moves) -> Moves:
        """The moves of a sum: every learner that either has a use for."""
        kinds = [kind for kind in KINDS if kind in self.kept or kind in other.kept] or [self.best]
        best = self.best if self.best in kinds else kinds[0]
        return Moves({kind: self.of(kind).plus(other.of(kind)) for kind in kinds}, best)

    @property
    def p(self) -> float:
        """The p value over learners, by Bonferroni; those that were left out count too, as the rows chose them."""
        return min(1.0, len(KINDS) * min(move.p for move in self.kept.values()))

    @property
    def worst(self) -> tuple[str, Move]:
        """The learner that is farthest from nothing, in standard errors."""
        return max(self.kept.items(), key=lambda pair: abs(pair[1].z))

    @property
    def reach(self) -> float:
        """How far any of them could move the number."""
        return max(move.reach for move in self.kept.values())

    @property
    def size(self) -> float:
        """The largest move."""
        return max(abs(move.move) for move in self.kept.values())


@dataclass(frozen=True, eq=False)
class Replaced:
    """What flexible factors do to one number.

    Attributes:
        factors: Per factor, as it is printed, the move of each learner that predicts its residuals about as well as any.
        whole: The same with every factor flexible.
        nodes: The nodes whose laws the formula is made of.
        owners: Per factor the node whose law it is; none for what the rows say of several.
    """

    factors: Mapping[str, Moves]
    whole: Moves
    nodes: frozenset[Name]
    owners: Mapping[str, Name]


def replaced(evidence: Evidence, query: Query, seed: int) -> Replaced:
    """What flexible factors do to a question.

    Raises:
        UnsupportedError: It has a form that cannot be checked, and why.
    """
    terms = {term: _Formula.of(evidence, term, seed) for term in dict.fromkeys(query.terms)}
    found = {term: formula.replaced() for term, formula in terms.items()}
    values = {term: np.array([formula.answer.mean()]) for term, formula in terms.items()}
    _, slopes = linearised(query.expression, values)
    factors: dict[str, Moves] = {}
    whole: Moves | None = None
    for term, slope in slopes.items():
        by = float(np.ravel(slope)[0])
        for factor, moves in found[term].factors.items():
            own = moves.scaled(by)
            factors[factor] = factors[factor].plus(own) if factor in factors else own
        own = found[term].whole.scaled(by)
        whole = own if whole is None else whole.plus(own)
    assert whole is not None
    nodes = frozenset(name for each in found.values() for name in each.nodes)
    owners = {factor: node for each in found.values() for factor, node in each.owners.items()}
    return Replaced(factors, whole, nodes, owners)


@dataclass(frozen=True, eq=False)
class _Factor:
    """One factor: its name, its node, its moves, and the same without what the parameters absorb."""

    name: str
    node: Name
    moves: Moves
    plain: Moves


@dataclass(frozen=True, eq=False)
class _Formula:
    """One term, and the worlds that it describes.

    Attributes:
        answer: The model's answer at all draws, chains laid end to end.
    """

    evidence: Evidence
    term: Term
    answer: FloatArray
    world: World

    @staticmethod
    def of(evidence: Evidence, term: Term, seed: int) -> _Formula:
        """The formula of a term.

        Raises:
            UnsupportedError: The term cannot be checked.
        """
        world = World(evidence, term, planned(evidence.graph, term))
        (answer,) = ask_all(evidence.posterior, [(None, Query(term))], seed, allow_unidentified=False)
        return _Formula(evidence, term, answer.draws, world)

    def replaced(self) -> Replaced:
        """The moves of its factors, and of all together."""
        evidence, world = self.evidence, self.world
        own = evidence.influence(self.answer[evidence.index][:, None])[:, 0] * evidence.share
        asked = world.asked(self.answer[evidence.thinned(world.draws)])
        numbers = world.weights * world.numbers(asked)
        base = numbers.mean(axis=1, keepdims=True)
        centred = numbers - world.weights * base
        # What each row says for itself: the mean over the worlds that started from it.
        level = centred.reshape(world.draws, 2, evidence.n).mean(axis=(0, 1))
        first = Move(float(base.mean()), evidence.padded((level - level.mean()) / evidence.n) - own)
        found = [self._factor(each) for each in deviations(world, asked, centred) if not each.is_none]
        kinds = [kind for kind in KINDS if any(kind in factor.moves.kept for factor in found)] or [KINDS[0]]
        whole, rest = dict[str, Move](), dict[str, Move]()
        for kind in kinds:
            plain, absorbed = first, first.scaled(0.0)
            for factor in found:
                plain = plain.plus(factor.plain.of(kind))
                absorbed = absorbed.plus(factor.moves.of(kind))
            whole[kind] = plain
            rest[kind] = Move(first.move, plain.parts - absorbed.parts)
        factors = {factor.name: factor.moves for factor in found}
        if self._outer:
            name = f"P({', '.join(map(quote, self._outer))})"
            factors = {name: Moves(rest, kinds[0]), **factors}
        return Replaced(factors, Moves(whole, kinds[0]), self.nodes, {factor.name: factor.node for factor in found})

    @cached_property
    def _outer(self) -> tuple[Name, ...]:
        """What the formula averages over as the rows have it."""
        plan = self.world.plan
        used = set(self.term.outcome_names) | set(self.term.conditions)
        for node in plan.order:
            if node not in plan.natural:
                used |= {name for name in plan.pillows[node] if name in plan.inside[node] or name not in plan.treated}
        return tuple(name for name in plan.order if name in plan.natural and name in used)

    @property
    def nodes(self) -> frozenset[Name]:
        """The nodes whose laws the formula has."""
        plan = self.world.plan
        return frozenset((*self._outer, *(name for name in plan.order if name not in plan.natural)))

    def _factor(self, deviation: Deviation) -> _Factor:
        """What flexible laws of one node do to the answer."""
        evidence, pillow = self.evidence, self.world.plan.pillows[deviation.node]
        columns = {name: evidence.rows.column(name) for name in pillow}
        trust = [
            evidence.once("trust", pillow, [residuals], partial(trusted, columns, residuals))
            for residuals, _, _ in deviation.parts
        ]
        telling = list(zip(deviation.telling, trust, strict=False))
        square = {
            kind: np.sum(
                [
                    evidence.once(f"losses {kind}", pillow, pair, partial(losses, kind, columns, *pair))
                    for pair in telling
                ],
                axis=0,
            )
            for kind in KINDS
        }
        best = min(KINDS, key=lambda kind: square[kind].mean())
        moves, plain = dict[str, Move](), dict[str, Move]()
        for kind in KINDS:
            worse = square[kind] - square[best]
            if worse.mean() > WITHIN * worse.std() / math.sqrt(evidence.n) + 1e-300:
                continue
            moves[kind], plain[kind] = self._move(kind, deviation, columns, trust)
        return _Factor(deviation.name, deviation.node, Moves(moves, best), Moves(plain, best))

    def _move(
        self, kind: str, deviation: Deviation, columns: Mapping[Name, FloatArray], trust: Sequence[FloatArray]
    ) -> tuple[Move, Move]:
        move, own, absorbed = 0.0, np.zeros(self.evidence.n), np.zeros(len(self.evidence.index))
        for (residuals, by_draw, omega), counts in zip(deviation.parts, trust, strict=True):
            fitted = self.evidence.once(
                kind, tuple(columns), [residuals, counts], partial(learner, kind, columns, residuals, counts)
            )
            found = fitted.at(deviation.target, omega)
            move += float(found.weights @ residuals)
            own = own + found.parts
            absorbed = absorbed - by_draw @ found.weights
        taken = self.evidence.influence(absorbed[:, None])[:, 0] * self.evidence.share
        own = self.evidence.padded(own)
        return Move(move, own - taken), Move(move, own)


def is_saturated(evidence: Evidence, nodes: frozenset[Name]) -> bool:
    """Whether every law of a formula is a table with a row for each combination of its pillow."""
    spec = evidence.posterior.spec
    return all(
        isinstance(spec[node].family, Table) and set(evidence.pillows[node]) == set(spec[node].parents)
        for node in nodes
    )
