"""The two models of a witness, written down bit by bit, and the values at which they disagree most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from latentdo.graphs import Mask, Name, bits
from latentdo.query import Distribution, Kind, Setting, Term

from ..criteria.districts import spanning_tree, ways
from ..engine.reduction import Problem
from ..engine.tables import EXACT, NAN, Real, numbers_of
from .parity import Bit, Coin, Level, ParityModel
from .routes import Routes

_ROUNDING = 1e-12
ERROR = 1 / 16  # a power of two: the laws are sums of such numbers, and equal ones are equal to the last digit


@dataclass(frozen=True)
class Case:
    """The values at which the two models are compared.

    Attributes:
        do: The level of each node that is set, or one probability per level of a node that is drawn.
        given: For each node of the evidence the levels that count as what was seen.
        asked: For each outcome the levels that count as what is asked; empty where a number of a whole law is asked.
        mean: The node of whose law a number is asked, such as its mean, its levels taken as numbers.
        kind: Which number that is: a mean, a variance, an sd or a quantile.
        level: The level of the quantile.
    """

    do: tuple[tuple[Name, Level | tuple[float, ...]], ...]
    given: tuple[tuple[Name, tuple[Level, ...]], ...]
    asked: tuple[tuple[Name, tuple[Level, ...]], ...]
    mean: Name | None = None
    kind: Kind = "mean"
    level: float | None = None

    def answer(self, model: ParityModel) -> float:
        """The answer that a model gives."""
        return float(self.answer_in(model.law(dict(self.do)), model))

    def exact_answer(self, model: ParityModel) -> Real:
        """The answer that a model gives as a fraction; a standard deviation as its nearest number."""
        return self.answer_in(model.law(dict(self.do), EXACT), model)

    def answer_in(self, law: Any, model: ParityModel) -> Real:
        """The answer in a law that a model has after `do`; not a number where the evidence is impossible."""
        numbers = numbers_of(law)
        seen = _within(law, model, self.given)
        if not seen.sum():
            return NAN
        if self.mean is not None:
            made = number_of(_onto(seen, model, (self.mean,)) / seen.sum(), self.kind, self.level)
            return numbers.ratio(made.sum(), 1)
        return numbers.ratio(_within(seen, model, self.asked).sum(), seen.sum())


@dataclass(frozen=True)
class Leaning:
    """How the coins of a pair of models lean; those that the smaller set shares within itself stay fair.

    Attributes:
        hedge: Probabilities of 1 for the other coins of the hedge, in turn.
        own: That of a coin from which a message starts, or that two messages share.
    """

    hedge: tuple[float, ...] = (0.5,)
    own: float = 0.5


FAIR = Leaning()


class Twins:
    """Writes the two models of a plan down.

    Source:
        Shpitser & Pearl (2006a), Identification of joint interventional distributions, theorem 4: a fair coin
        for each edge of a tree of bidirected edges, every node the parity of its coins and of its parents in a
        forest; in the second model the smaller set does not hear the rest. That coins outside the smaller set may
        lean is not in the paper: given what those coins decide, the smaller set is uniform in both models.

    Attributes:
        values: Nodes that have to be in the models, with the number of levels that they need.
    """

    def __init__(
        self,
        term: Term,
        problem: Problem,
        routes: Routes,
        values: Mapping[Name, int] | None = None,
        leaning: Leaning = FAIR,
    ) -> None:
        self.term, self.masks, self.problem, self.routes = term, problem.masks, problem, routes
        self.values, self.leaning = values or {}, leaning
        self.larger, self.smaller, self.roots = routes.hedge.larger, routes.hedge.smaller, routes.roots
        inside = {i: j for i, j in routes.child.items() if self.smaller >> i & 1 and self.smaller >> j & 1}
        self.below = ways(self.masks, self.smaller, self.larger) | inside
        tree = spanning_tree(self.masks, routes.hedge)
        coins = [self._coin(k, pair, len(tree)) for k, pair in enumerate(tree + routes.arcs)]
        self.tree, self.arcs = coins[: len(tree)], coins[len(tree) :]
        events = self.masks.mask(outcome.name for outcome in term.given if outcome.op not in ("", "="))
        self.kinds = self._kinds(events)
        names = self.masks.names
        self.events = {names[i]: self.kinds[i].index("e" if "e" in self.kinds[i] else "m") for i in bits(events)}

    def _coin(self, k: int, pair: tuple[int, int], in_tree: int) -> tuple[tuple[int, int], Coin]:
        leaning, (a, b) = self.leaning, pair
        probability = leaning.hedge[k % len(leaning.hedge)] if k < in_tree else leaning.own
        if k < in_tree and self.smaller >> a & 1 and self.smaller >> b & 1:
            probability = 0.5  # the smaller set looks the same in both models because these coins are fair
        return pair, Coin(k + 1, (self.masks.names[a], self.masks.names[b]), probability)

    def _kinds(self, events: Mask) -> dict[int, str]:
        """The bits of each node: h of the hedge, m a message, e whether an event took place, or a coin."""
        routes, term = self.routes, self.term
        queried = self.masks.mask((*term.names, *self.values))
        bits_of: dict[int, str] = {}
        for i in range(len(self.masks.names)):
            kinds = "h" if self.larger >> i & 1 and not self.roots >> i & 1 else ""
            kinds += "m" if i in routes.inputs else ""
            # An event on the way of a message lets it pass; at the end of one it is the message that is seen.
            if events >> i & 1 and ("m" not in kinds or routes.passed >> i & 1):
                kinds += "e"
            if kinds or queried >> i & 1:
                kinds = kinds or "e"
                needed = self.values.get(self.masks.names[i], 0)
                bits_of[i] = kinds + "e" * ((max(needed, 1) - 1).bit_length() - len(kinds))
        return bits_of

    def model(self, *, deaf: bool) -> ParityModel:
        """One of the two models; in the second the smaller set is deaf to the rest of the hedge."""
        made = (self._bit(i, p, kind, deaf) for i, kinds in self.kinds.items() for p, kind in enumerate(kinds))
        return ParityModel(tuple(made))

    def _bit(self, i: int, place: int, kind: str, deaf: bool) -> Bit:
        names = self.masks.names
        if kind == "e":
            return Bit(names[i], place, error=0.5)
        reads: list[tuple[Name, int]] = []
        coins: list[Coin] = []
        is_root = bool(self.roots >> i & 1)
        if kind == "h" or is_root:
            heard = self.smaller if deaf and self.smaller >> i & 1 else self.larger
            reads += [(names[j], 0) for j, child in sorted(self.below.items()) if child == i and heard >> j & 1]
            coins += [coin for (a, b), coin in self.tree if i in (a, b) and heard >> a & 1 and heard >> b & 1]
        if kind == "m":
            reads += [(names[j], self.kinds[j].index("m")) for j in bits(self.routes.inputs[i])]
            coins += [coin for pair, coin in self.arcs if i in pair]
        error = 0.0 if kind == "h" else ERROR
        if is_root:
            # One error makes the law positive: the parity is all that the coins leave certain.
            error = ERROR if self.roots >> i == 1 else 0.0
        elif self.routes.sources >> i & 1 and kind == "m":
            error = self.leaning.own
        return Bit(names[i], place, tuple(reads), tuple(coins), error)

    def case(self, models: tuple[ParityModel, ParityModel]) -> Case:
        """The values at which the answers of the two models are furthest apart, as asked where that can be."""

        term, widths = self.term, models[0].widths
        do = tuple((setting.name, _set_to(setting, 1 << widths[setting.name])) for setting in term.do)
        events = {
            name: tuple(level for level in range(1 << widths[name]) if level >> (widths[name] - 1 - place) & 1)
            for name, place in self.events.items()
        }
        seen = tuple(name for name in term.conditions if name not in events)
        mean = term.outcome_names[0] if term.takes_numbers else None
        outcomes = term.outcome_names
        laws: list[Any] = []
        for model in models:
            law = _within(model.law(dict(do)), model, tuple(events.items()))
            law = _onto(law, model, (*seen, *outcomes))
            law = law / law.sum(axis=tuple(range(len(seen), law.ndim)), keepdims=True)
            laws.append(number_of(law, term.kind, term.level) if mean else law)
        best = self._best(abs(laws[0] - laws[1]), seen, () if mean else outcomes)
        levels = dict(zip((*seen, *(() if mean else outcomes)), best, strict=True))
        given = tuple((name, events[name] if name in events else (levels[name],)) for name in term.conditions)
        asked = () if mean else tuple((name, (levels[name],)) for name in outcomes)
        return Case(do, given, asked, mean, term.kind if mean else "mean", term.level)

    def _best(self, apart: Any, seen: tuple[Name, ...], outcomes: tuple[Name, ...]) -> tuple[int, ...]:
        """The cell with a difference near the largest that has the most of the values asked for."""
        wanted = {item.name: item.value for item in (*self.term.given, *self.term.outcomes) if item.op == "="}
        near = numbers_of(apart).at_least(apart, apart.max() / 2, 4096)

        def rank(cell: tuple[int, ...]) -> tuple[float, ...]:
            as_asked = sum(wanted.get(name) == level for name, level in zip((*seen, *outcomes), cell, strict=True))
            # Of what was left open, the law at 1 given 0 reads best.
            return as_asked, round(float(apart[cell]), 9), sum(cell[len(seen) :]), -sum(cell[: len(seen)])

        return max(near, key=rank)


def _set_to(setting: Setting, count: int) -> Level | tuple[float, ...]:
    value = setting.value
    if isinstance(value, Distribution):
        return shares_of(value, count.bit_length() - 1)
    if isinstance(value, float) and value in range(count):
        return int(value)
    return 0


def shares_of(law: Distribution, width: int, place: int = 0) -> tuple[float, ...]:
    """The probabilities of the levels of a node that is drawn from a law.

    Args:
        width: How many bits the node has.
        place: Which of several laws of the node it is: those that are not Bernoulli lean apart.
    """
    numbers = [float(v) for v in (*law.args, *(v for _, v in law.named))]
    if law.family == "bernoulli" and len(numbers) == 1 and width == 1:
        return 1 - numbers[0], numbers[0]
    one = 0.5 if not place else 0.5 ** (place + 1)
    ones = [level.bit_count() for level in range(1 << width)]
    return tuple(one**k * (1 - one) ** (width - k) for k in ones)


def number_of(law: Any, kind: Kind, level: float | None) -> Any:
    """A number of the law of a node: along the last axis are the probabilities of 0, 1, 2, …"""
    numbers, count = numbers_of(law), law.shape[-1]
    before = (1,) * (law.ndim - 1)

    def weighted(weights: Iterable[float]) -> Any:
        return (law * numbers.table((*before, count), weights)).sum(axis=-1)

    if kind == "quantile":
        # How many levels have less than so much probability up to them; rounding apart, probabilities here are exact.
        bound = (level or 0.0) - _ROUNDING
        below = [weighted([int(i <= k) for i in range(count)]) < bound for k in range(count)]
        return sum(below[1:], start=below[0] * 1)
    mean = weighted(range(count))
    if kind == "mean":
        return mean
    variance = weighted([k * k for k in range(count)]) - mean * mean
    return numbers.root(variance) if kind == "sd" else variance


def _within(law: Any, model: ParityModel, events: Iterable[tuple[Name, tuple[Level, ...]]]) -> Any:
    """The law, zero outside the events."""
    for name, levels in events:
        axis = model.names.index(name)
        shape = [length if k == axis else 1 for k, length in enumerate(law.shape)]
        law = law * numbers_of(law).table(shape, [int(level in levels) for level in range(law.shape[axis])])
    return law


def _onto(law: Any, model: ParityModel, names: tuple[Name, ...]) -> Any:
    """The margin of these nodes, one axis each in this order."""
    axes = [model.names.index(name) for name in names]
    law = law.sum(axis=tuple(i for i in range(law.ndim) if i not in axes))
    return law.transpose([sorted(axes).index(i) for i in axes])
