"""The formula itself, with fitted conditionals in it: for any identified term.

Sums over levels are exact. A continuous node is summed over nodes of its own conditional where the formula has one, over
the rows where a set of nodes has its joint law, over draws along paths where nodes would be too many, over a grid
where the formula has no law of it alone. No cell of a grid, and no group of rows, lies astride a threshold of the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from latentdo.graphs import Name, m_separated, quote
from latentdo.identification import Expression, Formula, Prob, Product, Quotient, Sum, parts

from ..cautions import far_cautions
from ..method import AbstractMethod, Fits, No, Result, Yes, register, set_note
from ..nuisances import Laws
from ..sample import Column, FloatArray, Sample
from ..task import Task, number_in, satisfied

BINS = 48
"""Into how many groups of neighbouring rows the law of one continuous node is gathered at least."""
BINS_PER_ROOT = 0.7
"""Times the root of the number of rows, if that is more: what groups blur then stays below the standard error."""
NODES = 7
PANELS = 12
"""Into how many panels the range of a continuous node is cut that the formula has no law of."""
MOST_PANELS = 48
PANEL_NODES = 6
MOST_ROWS = 20_000
MOST_NUMBERS = 1_000_000
"""With more numbers per replicate, further nodes are drawn along paths and not each on an axis of its own."""
PATHS = 1_000
MOST_TRAPDOORS = 9
LONGEST_FORMULA = 200
BLIND = "linear models see no threshold: models= takes others"
"""What has to be known where a model is linear in a column of numbers."""


@register
@dataclass(frozen=True)
class PlugIn(AbstractMethod):
    """The formula of the verdict, each conditional fitted once.

    A node that the formula mentions and its value does not depend on (a trapdoor) is averaged over; how much the estimate
    varies with it is reported: in the population not at all, so that much variation speaks against graph or models.

    Source:
        Trapdoors: Helske, Tikka & Karvanen (2021), Estimation of causal effects with small data in the presence of
        trapdoor variables.
    """

    name: ClassVar[str] = "plug-in"
    place: ClassVar[int] = 30

    def applies(self, task: Task) -> Yes | No:
        if not task.term.do:
            return Yes(note=f"{task.term} is seen, not set: a regression")
        formula = task.solution.formula
        return Yes({"averaged over": formula.free}, set_note("averaged over", formula.free)) if formula.free else Yes()

    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        evaluator = Evaluator(task, fits.plain, fits.weights)
        values, spread = evaluator.answer()
        text = task.formula
        notes = [text] if len(text) <= LONGEST_FORMULA else []
        if spread is not None:
            names = ", ".join(map(quote, task.solution.formula.free))
            notes.append(f"over the values of {names} the estimate has the standard deviation {spread:.3g}")
        notes += [BLIND] if fits.plain.is_linear else []
        notes += fits.plain.one_effect()
        cautions = tuple(far_cautions(task.sample, task.evidence))
        return Result(values, notes=tuple(notes), cautions=cautions, size=evaluator.size)


@dataclass(frozen=True)
class _Single:
    """P(target | given) of one node."""

    target: Name
    given: frozenset[Name]


_Factor = _Single | Expression


class Evaluator:
    """The value of a formula for one term, with these laws in it.

    Attributes:
        size: The most numbers per replicate that were held at once.
    """

    def __init__(self, task: Task, laws: Laws, weights: FloatArray) -> None:
        self.task, self.laws, self.weights = task, laws, weights
        self.sample: Sample = task.sample
        self.graph = task.graph
        self.rank = {name: i for i, name in enumerate(task.graph.sorted_masks.names)}
        self.size = task.sample.n
        self._mean_of: Name | None = None
        # Whether the law of that node is summed over it, which gives one, in place of its mean.
        self._is_total = False
        # Nodes whose law given nothing is that of the rows, and stands in the weights of their grid.
        self._gathered: set[Name] = set()

    def answer(self) -> tuple[FloatArray, float | None]:
        """The term's number, one per replicate, and how it varies over trapdoors (None where there are none)."""
        formula = self.task.solution.formula
        settled = {**self.task.treatments, **self.task.evidence}
        env = {name: np.full((1, 1), value) for name, value in settled.items()}
        # One axis of length one, so that an env is never without arrays.
        env.setdefault("", np.zeros((1, 1)))
        shares: FloatArray = np.ones((1, 1))
        for name in formula.free:
            env, values, share = self._levels_or_quantiles(env, name)
            shares = shares[..., None] * share
            env[name] = values
        above, below = self._ratio(formula, env)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = above / below
            axes = tuple(range(1, ratio.ndim))
            # The ratio is the same at every value, so that sums may be taken above and below: little weight where both are
            # small.
            numbers = (above * shares).sum(axis=axes) / (below * shares).sum(axis=axes)
        numbers = np.broadcast_to(numbers, (len(self.weights),)).copy()
        if not formula.free:
            return numbers, None
        values, share = ratio[0], np.broadcast_to(shares[0], ratio[0].shape)
        finite = np.isfinite(values)
        middle = np.average(values[finite], weights=share[finite])
        return numbers, float(np.sqrt(np.average((values[finite] - middle) ** 2, weights=share[finite])))

    def _ratio(self, formula: Formula, env: dict[Name, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Numerator and denominator of the answer, with the axes of the env."""
        outcome = self.task.outcome
        if self.task.is_mean and formula.evidence is None and is_linear(formula.expression, outcome):
            self._mean_of = outcome
            match formula.expression:
                case Quotient(numerator=numerator, denominator=denominator):
                    return self.value(numerator, env), self.value(denominator, env)
                case expression:
                    return self.value(expression, env), np.ones((1,) * _ndim(env))
        return self._summed(formula.expression, env)

    def _summed(self, expression: Expression, env: dict[Name, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Numerator and denominator by summing the law over outcomes, and over evidence that is an event."""
        term = self.task.term
        compared = self.task.ranges
        # The law of an outcome that is one factor needs no grid: its mean stands in its place above, and one below.
        is_factor = self.task.is_mean and is_linear(expression, self.task.outcome)
        names = dict.fromkeys([*(() if is_factor else term.outcome_names), *(item.name for item in compared)])
        self._mean_of = self.task.outcome if is_factor else None
        self._gathered = {name for name in names if self._is_free(name, expression)}
        ndim = _ndim(env)
        share: FloatArray = np.ones((1,) * ndim)
        for name in names:
            env, values, weights = self._grid(env, name)
            share = share[..., None] * weights
            env[name] = values
        share = share * satisfied(self.sample, compared, env)
        axes = tuple(range(ndim, share.ndim))
        law = self.value(expression, env) * share
        if is_factor:
            self._is_total = True
            return law.sum(axis=axes), (self.value(expression, env) * share).sum(axis=axes)
        asked = env[self.task.outcome] if self.task.is_mean else satisfied(self.sample, term.outcomes, env)
        return (law * asked).sum(axis=axes), law.sum(axis=axes)

    def _is_free(self, name: Name, expression: Expression) -> bool:
        """Whether the law of a continuous node, given nothing, is a factor of the whole: then the rows are that law."""
        if self.sample[name].is_discrete:
            return False
        laws: list[Prob] = []
        for part in parts(expression):
            match part:
                case Quotient():
                    return False
                case Sum(over=over) if name in over:
                    return False
                case Prob(outcomes=outcomes) if name in outcomes:
                    laws.append(part)
        if len(laws) != 1:
            return False
        return any(single.target == name and not single.given for single in self._split(laws[0]))

    def value(self, expression: Expression, env: dict[Name, FloatArray]) -> FloatArray:
        """The value for every combination of the values in the env."""
        match expression:
            case Prob():
                return self._product(self._split(expression), env)
            case Product(factors=factors):
                return self._product(factors, env)
            case Quotient(numerator=numerator, denominator=denominator):
                below = self.value(denominator, env)
                return self.value(numerator, env) / np.maximum(below, 1e-300)
            case Sum(over=over, body=body):
                return self._sum(over, body, env)

    def _product(self, factors: Iterable[_Factor], env: dict[Name, FloatArray]) -> FloatArray:
        product: FloatArray = np.ones((1,) * _ndim(env))
        for factor in factors:
            product = product * (self._single(factor, env) if isinstance(factor, _Single) else self.value(factor, env))
        return product

    def _single(self, factor: _Single, env: dict[Name, FloatArray]) -> FloatArray:
        if factor.target in self._gathered and not factor.given:
            return np.ones((1,) * _ndim(env))
        law = self.laws.law(factor.target, factor.given)
        if factor.target not in env and factor.target == self._mean_of:
            return np.ones((1,) * _ndim(env)) if self._is_total else law.mean(env)
        return law.density(env, env[factor.target])

    def _split(self, prob: Prob) -> list[_Single]:
        """The chain rule, in the order of the graph, so that an outcome that nothing is given comes last."""
        singles: list[_Single] = []
        given = frozenset(prob.given)
        for name in sorted(prob.outcomes, key=lambda name: (name == self._mean_of, self.rank[name])):
            singles.append(_Single(name, given))
            given |= {name}
        return singles

    def _sum(self, over: Sequence[Name], body: Expression, env: dict[Name, FloatArray]) -> FloatArray:
        ndim = _ndim(env)
        factors: list[_Factor] = []
        waiting = [body]
        while waiting:
            match waiting.pop():
                case Product(factors=inside):
                    waiting += inside
                case Prob() as prob:
                    factors += self._split(prob)
                case other:
                    factors.append(other)
        env = {name: values for name, values in env.items() if name not in over}
        share: FloatArray = np.ones((1,) * ndim)
        todo = sorted(over, key=lambda name: self.rank[name])
        env, share, todo, factors = self._rows(todo, factors, env, share)
        # Along rows, if there are many, draws can go on; else they need an axis of their own.
        path_axis = ndim if share.ndim > ndim and share.shape[ndim] >= PATHS else None
        while todo:
            laws = {
                factor.target: factor for factor in factors if isinstance(factor, _Single) and factor.target in todo
            }
            # Of the nodes whose law is known by now the first; else the first of all, on a grid.
            ready = [name for name in todo if name in laws and laws[name].given <= env.keys()]
            name = ready[0] if ready else todo[0]
            todo.remove(name)
            column = self.sample[name]
            numbers = max(np.size(share) // max(share.shape[0], 1), _size(env))
            if not ready:
                env, values, weights = self._grid(env, name)
                share, env[name] = share[..., None] * weights, values
                continue
            law = self.laws.law(name, laws[name].given)
            factors.remove(laws[name])
            width = len(column.levels) if column.levels is not None else NODES
            if numbers * width <= MOST_NUMBERS:
                values, weights = law.nodes(env, NODES)
                env = _grown(env)
                share, env[name] = share[..., None] * weights, values
                continue
            if path_axis is None:
                env, path_axis = _grown(env), share.ndim
                n_paths = max(50, min(PATHS, MOST_NUMBERS // numbers))
                share = np.broadcast_to(share[..., None] / n_paths, (*share.shape, n_paths))
            length = share.shape[path_axis]
            even = (np.random.default_rng([self.rank[name], ndim]).permutation(length) + 0.5) / length
            env[name] = law.draw(env, even.reshape([-1 if i == path_axis else 1 for i in range(share.ndim)]))
        total = share * self._product(factors, env)
        self.size = max(self.size, int(np.prod(total.shape[1:])))
        return total.sum(axis=tuple(range(ndim, total.ndim)))

    def _rows(
        self, todo: list[Name], factors: list[_Factor], env: dict[Name, FloatArray], share: FloatArray
    ) -> tuple[dict[Name, FloatArray], FloatArray, list[Name], list[_Factor]]:
        """Sums over the rows those nodes whose factors are, together, their joint law."""
        joint: list[Name] = []
        used: list[_Factor] = []
        for name in todo:
            laws = [factor for factor in factors if isinstance(factor, _Single) and factor.target == name]
            if len(laws) != 1 or not laws[0].given <= set(joint):
                continue
            rest = set(joint) - laws[0].given
            if rest and not m_separated(self.graph, {name}, rest, given=laws[0].given):
                continue
            joint.append(name)
            used += laws
        if all(self.sample[name].is_discrete for name in joint):
            # Levels are summed one node at a time, exactly.
            return env, share, todo, factors
        left = [factor for factor in factors if factor not in used]
        rest = [name for name in todo if name not in joint]
        env = _grown(env)
        if len(joint) == 1:
            values, weights = gathered(self.sample[joint[0]].values, self.weights)
            shape = (-1,) + (1,) * (share.ndim - 1) + (values.shape[1],)
            env[joint[0]] = values.reshape(shape)
            return env, share[..., None] * weights.reshape(shape), rest, left
        n = self.sample.n
        rows = np.arange(n) if n <= MOST_ROWS else np.random.default_rng(n).choice(n, MOST_ROWS, replace=False)
        weights = self.weights[:, rows]
        weights = weights / weights.sum(axis=1, keepdims=True)
        lead = (1,) * (share.ndim - 1)
        for name in joint:
            env[name] = self.sample[name].values[rows].reshape(1, *lead, -1)
        return env, share[..., None] * weights.reshape(len(weights), *lead, -1), rest, left

    def _grid(self, env: dict[Name, FloatArray], name: Name) -> tuple[dict[Name, FloatArray], FloatArray, FloatArray]:
        """The env with an axis more, the values along it, and what each counts in a plain sum or integral."""
        column = self.sample[name]
        lead = (1,) * _ndim(env)
        if column.levels is not None:
            return _grown(env), column.levels.reshape(*lead, -1), np.ones((*lead, len(column.levels)))
        if name in self._gathered:
            values, weights = gathered(column.values, self.weights, self._thresholds(name))
        else:
            values, weights = panels(column, self._thresholds(name), self._residual_sd(name))
        grown, shape = _grown(env), (len(values), *lead[1:], values.shape[1])
        return grown, values.reshape(shape), weights.reshape(len(weights), *shape[1:])

    def _thresholds(self, name: Name) -> list[float]:
        """The numbers that the term compares a node with."""
        compared = (*self.task.term.outcomes, *self.task.term.given)
        return [number_in(self.sample, item) for item in compared if item.name == name and item.op]

    def _residual_sd(self, name: Name) -> float:
        """How far a node varies about what the others tell of it, by least squares."""
        expression = self.task.solution.formula.expression
        others = {
            other
            for part in parts(expression)
            if isinstance(part, Prob)
            for other in (*part.outcomes, *part.given)
            if other != name
        }
        target = self.sample[name].values
        matrix = np.stack([np.ones(len(target)), *(self.sample[other].values for other in sorted(others))], axis=1)
        return float((target - matrix @ np.linalg.lstsq(matrix, target, rcond=None)[0]).std())

    def _levels_or_quantiles(
        self, env: dict[Name, FloatArray], name: Name
    ) -> tuple[dict[Name, FloatArray], FloatArray, FloatArray]:
        """The env with an axis more, values of a trapdoor along it, and their weights: its law, or the middle of it."""
        column = self.sample[name]
        lead = (1,) * (_ndim(env) - 1)
        if column.levels is not None:
            law = self.laws.law(name, ()).nodes(env, NODES)[1]
            return _grown(env), column.levels.reshape(1, *lead, -1), law
        values = np.quantile(column.values, np.linspace(0.1, 0.9, MOST_TRAPDOORS))
        return _grown(env), values.reshape(1, *lead, -1), np.full((1, *lead, len(values)), 1 / len(values))


def is_linear(expression: Expression, outcome: Name) -> bool:
    """Whether the law of the outcome enters as one factor, so that its mean can stand in its place."""
    for part in parts(expression):
        match part:
            case Prob(given=given) if outcome in given:
                return False
            case Sum(over=over) if outcome in over:
                return False
            case Quotient(denominator=denominator) if outcome in denominator.free:
                return False
            case Product(factors=factors) if sum(outcome in factor.free for factor in factors) > 1:
                return False
    return outcome in expression.free


def gathered(
    values: FloatArray, weights: FloatArray, thresholds: Sequence[float] = ()
) -> tuple[FloatArray, FloatArray]:
    """Means and weights of groups of neighbouring rows, (replicate, group) each; no group lies astride a threshold."""
    order = np.argsort(values, kind="stable")
    ranked, n = values[order], len(values)
    count = min(max(BINS, round(BINS_PER_ROOT * n**0.5)), n)
    even = np.linspace(0, n, count, endpoint=False).astype(np.intp)
    ends = [np.searchsorted(ranked, thresholds, side) for side in ("left", "right")]
    starts = np.unique(np.concatenate([even, *ends]))
    starts = starts[starts < n].astype(np.intp)
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    sums = np.add.reduceat((weights * values)[:, order], starts, axis=1)
    # Rounding must not carry the mean of equal values beyond them.
    means = np.clip(sums / np.maximum(mass, 1e-300), ranked[starts], ranked[np.append(starts[1:], n) - 1])
    return means, mass / mass.sum(axis=1, keepdims=True)


def panels(column: Column, thresholds: Sequence[float], spread: float) -> tuple[FloatArray, FloatArray]:
    """Values over the range of a continuous column and their weights in an integral, (1, value) each, by Gauss's rule.

    Args:
        thresholds: What no panel lies astride.
        spread: Panels are no wider than two of it, as far as that is possible.
    """
    low, high = float(column.values.min()) - 0.25 * column.sd, float(column.values.max()) + 0.25 * column.sd
    width = (high - low) / min(max(PANELS, (high - low) / max(2 * spread, 1e-300)), MOST_PANELS)
    edges = np.unique([low, *(number for number in thresholds if low < number < high), high])
    counts = np.ceil(np.diff(edges) / width - 1e-9).astype(int)
    cuts = np.concatenate(
        [
            *(np.linspace(a, b, count, endpoint=False) for a, b, count in zip(edges, edges[1:], counts, strict=False)),
            [high],
        ]
    )
    nodes, weights = np.polynomial.legendre.leggauss(PANEL_NODES)
    half = np.diff(cuts)[:, None] / 2
    middles = (cuts[:-1, None] + cuts[1:, None]) / 2
    return (middles + half * nodes).reshape(1, -1), (half * weights).reshape(1, -1)


def _grown(env: Mapping[Name, FloatArray]) -> dict[Name, FloatArray]:
    return {name: values[..., None] for name, values in env.items()}


def _ndim(env: Mapping[Name, FloatArray]) -> int:
    return max(np.ndim(values) for values in env.values())


def _size(env: Mapping[Name, FloatArray]) -> int:
    return int(np.prod(np.broadcast_shapes(*(values.shape[1:] for values in env.values()))))
