"""The table in which one call makes its formulas: equal parts are one object, each as short as may be.

Nodes are bits here (in topological order), a product is a list of factors. Every rewriting holds for every
positive law: it uses the axioms of probability alone, never the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from latentdo.graphs import Mask, Masks

from .expression import AbstractExpression, Expression, Prob, Product, Quotient, Sum

Factors = list[Expression]

Rank: TypeAlias = tuple[int, ...]
Listener: TypeAlias = Callable[[str, Expression, Expression], object]

# Sums are pushed into nested sums and fractions down to this depth; below it they keep their sign.
MAX_DEPTH = 40


class Formulas:
    """Makes expressions over the nodes of one graph; an expression of one table must not enter another."""

    def __init__(self, masks: Masks, *, merges: bool = True) -> None:
        self.masks = masks
        # Whether ratios may merge factors by what the graph separates, and whether one did.
        self.merges, self.merged_in_ratio = merges, False
        self._depth = 0
        self._made: dict[tuple[object, ...], Expression] = {}
        self._totals: dict[tuple[object, ...], Factors] = {}
        # What is known of each expression, by identity: the table keeps them all alive.
        self._free: dict[int, Mask] = {}
        self._rank: dict[int, Rank] = {}
        self._probs: dict[int, tuple[Mask, Mask, Mask]] = {}
        self._sums: dict[int, tuple[Mask, Factors]] = {}
        self._quotients: dict[int, tuple[Factors, Factors]] = {}
        # Who wants to hear of each rewriting: its rule, what stood there, what stands there now.
        self.listener: Listener | None = None
        # Whether factors of the whole were merged: then laws may be given more than they need.
        self.merged = False

    def free(self, factors: Iterable[Expression]) -> Mask:
        """The names that are free in some factor."""
        mask = 0
        for factor in factors:
            mask |= self._free[id(factor)]
        return mask

    def law(self, expression: AbstractExpression) -> tuple[Mask, Mask, Mask] | None:
        """Of a P(outcomes | do(do), given) these three, None of anything else."""
        return self._probs.get(id(expression))

    def tell(self, rule: str, part: Expression, becomes: Expression) -> None:
        """Say that something was rewritten."""
        if self.listener:
            self.listener(rule, part, becomes)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Nothing that is tried out in here is told."""
        listener, self.listener = self.listener, None
        try:
            yield
        finally:
            self.listener = listener

    def prob(self, outcomes: Mask, given: Mask, do: Mask = 0) -> Expression:
        """P(outcomes | do(do), given)."""
        key = (outcomes, given, do)
        if made := self._made.get(key):
            return made
        names = self.masks.nodes
        made = Prob(tuple(sorted(names(outcomes))), tuple(sorted(names(given))), tuple(sorted(names(do))))
        self._probs[id(made)] = (outcomes, given, do)
        # Effects come before their causes in print; what is not a plain probability comes last.
        return self._keep(key, made, outcomes | given | do, (0, -outcomes, given, do))

    def one(self, factors: Sequence[Expression]) -> Expression:
        """The product of the factors as one expression."""
        if len(factors) == 1:
            return factors[0]
        if any(isinstance(factor, Product) for factor in factors):
            factors = _flat(factors)
        ordered = sorted(factors, key=lambda factor: self._rank[id(factor)])
        key = ("product", *map(id, ordered))
        if made := self._made.get(key):
            return made
        return self._keep(key, Product(tuple(ordered)), self.free(ordered), (3,))

    def multiply(self, factors: Iterable[Expression]) -> Factors:
        """The factors of a product: quotients that meet cancel, P(a | b, c) P(b | c) becomes P(a, b | c)."""
        flat = _flat(factors)
        if self._quotients and any(id(factor) in self._quotients for factor in flat):
            listener, self.listener = self.listener, None
            cancelled = self._cancel(flat)
            self.listener = listener
            flat = self._changed("cancel", flat, cancelled)
        return self._changed("chain rule", flat, self._chain(flat))

    def _changed(self, rule: str, before: Factors, after: Factors) -> Factors:
        if self.listener:
            self.listener(rule, self.one(before), self.one(after))
        return after

    def total(self, over: Mask, factors: Iterable[Expression]) -> Factors:
        """The factors of the sum of a product: one sum for each part with summed names of its own."""
        rest = self.multiply(factors)
        if not over:
            return rest
        key = ("total", over, *map(id, rest))
        if key in self._totals:
            summed = self._totals[key]
            if self.listener and over & self.free(rest):
                self.listener("rearrange", self.sum(over & self.free(rest), rest), self.one(summed))
            return summed
        self._depth += 1
        while over & self.free(rest):
            listener, self.listener = self.listener, None
            shorter = self._drop(over, rest)
            self.listener = listener
            if shorter is None:
                break
            if listener:
                listener(
                    "sum out", self.sum(over & self.free(rest), rest), self.sum(over & self.free(shorter), shorter)
                )
            rest = self.multiply(shorter)
        self._depth -= 1
        self._totals[key] = summed = self._split(over, rest)
        if self.listener:
            self.listener("rearrange", self.sum(over & self.free(rest), rest), self.one(summed))
        return summed

    def divide(self, numerator: Iterable[Expression], denominator: Iterable[Expression]) -> Factors:
        """The factors of a quotient: fractions inside are expanded, and what is shared cancels."""
        numerator, denominator = _flat(numerator), _flat(denominator)
        above, below = self._expand(numerator)
        more_below, more_above = self._expand(denominator)
        above, below = _without_shared(above + more_above, below + more_below)
        for factor in list(below):
            if (pair := self._probs.get(id(factor))) and (joint := self._joint(above, *pair)):
                outcomes, given, do = self._probs[id(joint)]
                _remove(below, factor)
                _remove(above, joint)
                above.append(self.prob(outcomes & ~pair[0], given | pair[0], do))
        above, below = self._chain(above), self._chain(below)
        quotient = [self.quotient(above, below)] if below else above
        if self.listener and denominator:
            self.listener("cancel", self.quotient(numerator, denominator), self.one(quotient))
        return quotient

    def ratio(self, over: Mask, factor: Expression, others: Factors) -> Expression:
        """The sum over `over` of `factor` times the others, divided by that of the others alone."""
        key = ("ratio", over, id(factor), *sorted(map(id, others)))
        if made := self._made.get(key):
            if self.listener:
                below = self.sum(over & self.free(others), others)
                self.listener("cancel", self.quotient([self.sum(over, [factor, *others])], [below]), made)
            return made
        above, below = self.total(over, [factor, *others]), self.total(over, others)
        self._made[key] = made = self.one(self.divide(above, below))
        return made

    def _joint(self, factors: Factors, outcomes: Mask, given: Mask, do: Mask) -> Expression | None:
        """A factor P(outcomes, more | do(do), given), where there is one."""
        for factor in factors:
            joint, *context = self._probs.get(id(factor), (0, 0, 0))
            if context == [given, do] and outcomes & joint == outcomes != joint:
                return factor
        return None

    def divided_inside(self, fraction: Expression) -> Expression:
        """A fraction after laws in its denominator were divided out of joint laws inside the sums above; else the very same."""
        above, below = self._quotients.get(id(fraction), ([], []))
        for factor in below:
            law = self._probs.get(id(factor))
            if law and (divided := self._without_law(above, *law)):
                rest = list(below)
                _remove(rest, factor)
                return self.one(self.divide(divided, rest))
        return fraction

    def _without_law(self, factors: Factors, outcomes: Mask, given: Mask, do: Mask) -> Factors | None:
        """The factors divided by P(outcomes | do(do), given), where a joint law inside one of the sums has it."""
        for factor in factors:
            over, inside = self._sums.get(id(factor), (0, []))
            joint = None if over & (outcomes | given | do) else self._joint(inside, outcomes, given, do)
            if joint is not None:
                rest, left = list(inside), list(factors)
                _remove(rest, joint)
                _remove(left, factor)
                rest.append(self.prob(self._probs[id(joint)][0] & ~outcomes, given | outcomes, do))
                return left + self.total(over, rest)
        return None

    def _expand(self, factors: Factors) -> tuple[Factors, Factors]:
        """The factors above and below one fraction stroke."""
        above: Factors = []
        below: Factors = []
        for factor in factors:
            if inside := self._quotients.get(id(factor)):
                above += inside[0]
                below += inside[1]
            else:
                above.append(factor)
        return above, below

    def _cancel(self, factors: Factors) -> Factors:
        """The factors after numerators have met equal denominators; where nothing meets, as they were."""
        plain = [factor for factor in factors if id(factor) not in self._quotients]
        above, below = self._expand([factor for factor in factors if id(factor) in self._quotients])
        met = set(map(id, below))
        if not any(id(factor) in met for factor in (*plain, *above)):
            return factors
        # What stands beside a fraction stays beside it, unless it meets a denominator.
        plain, below = _without_shared(plain, below)
        return plain + self.divide(above, below)

    def _chain(self, factors: Factors) -> Factors:
        """The factors, with P(a | b, c) P(b | c) of one law merged into P(a, b | c) wherever they meet."""
        pairs = [(self._probs[id(factor)], factor) for factor in factors if id(factor) in self._probs]
        if len(pairs) < 2:
            return factors
        chained = [factor for factor in factors if id(factor) not in self._probs]
        ends: dict[tuple[Mask, Mask], tuple[Mask, Mask, Mask]] = {}
        # Causes first: then what a factor is given has been merged before it looks.
        for (outcomes, given, do), _ in sorted(pairs, key=lambda pair: pair[0]):
            first, context, _ = ends.pop((given, do), (0, given, do))
            end = (outcomes | given, do)
            if end in ends:
                chained.append(self.prob(*ends[end]))
            ends[end] = (outcomes | first, context, do)
        return chained + [self.prob(*pair) for pair in ends.values()]

    def _drop(self, over: Mask, factors: Factors) -> Factors | None:
        """The factors with some sums done that need no sign here, or None where there are none.

        A name that occurs in one factor only is summed in that factor: as an outcome of P it is dropped, in a
        sum or in the numerator of a fraction it is summed further in.
        """
        once = twice = 0
        for factor in factors:
            free = self._free[id(factor)]
            twice |= once & free
            once |= free
        lonely = over & once & ~twice
        changed = False
        shorter: Factors = []
        for factor in factors:
            mine = self._free[id(factor)] & lonely
            done = self._sum_inside(mine, factor) if mine else None
            changed = changed or done is not None
            shorter += [factor] if done is None else done
        return shorter if changed else None

    def _sum_inside(self, over: Mask, factor: Expression) -> Factors | None:
        if pair := self._probs.get(id(factor)):
            outcomes, given, do = pair
            if not outcomes & over:
                return None
            return [self.prob(outcomes & ~over, given, do)] if outcomes & ~over else []
        if self._depth > MAX_DEPTH:
            return None
        if inner := self._sums.get(id(factor)):
            return self.total(over | inner[0], inner[1])
        above, below = self._quotients[id(factor)]
        inside = over & ~self.free(below)
        return self.divide(self.total(inside, above), below) if inside else None

    def _split(self, over: Mask, factors: Factors) -> Factors:
        """One sum for each group of factors that share summed names; the others stand outside."""
        split: Factors = []
        left = list(factors)
        while left:
            group = [left.pop(0)]
            names = self.free(group) & over
            if not names:
                split += group
                continue
            while joined := [factor for factor in left if self._free[id(factor)] & names]:
                left = [factor for factor in left if not self._free[id(factor)] & names]
                group += joined
                names |= self.free(joined) & over
            split.append(self.sum(names, group))
        return split

    def sum(self, over: Mask, factors: Factors) -> Expression:
        """The sum over `over` of the product of the factors, as it stands."""
        if not over:
            return self.one(factors)
        if len(factors) == 1 and (inner := self._sums.get(id(factors[0]))) and not inner[0] & over:
            over, factors = over | inner[0], inner[1]
        factors = _flat(factors)
        body = self.one(factors)
        key = ("sum", over, id(body))
        if made := self._made.get(key):
            return made
        made = Sum(tuple(sorted(self.masks.nodes(over))), body)
        self._sums[id(made)] = (over, factors)
        free = self._free[id(body)] & ~over
        return self._keep(key, made, free, (1, -over, -free))

    def quotient(self, above: Factors, below: Factors) -> Expression:
        """The product of the factors above over that of those below, as it stands."""
        above, below = _flat(above), _flat(below)
        if not below:
            return self.one(above)
        numerator, denominator = self.one(above), self.one(below)
        key = ("quotient", id(numerator), id(denominator))
        if made := self._made.get(key):
            return made
        made = Quotient(numerator, denominator)
        self._quotients[id(made)] = (above, below)
        free = self.free((numerator, denominator))
        return self._keep(key, made, free, (2, -free))

    def _keep(self, key: tuple[object, ...], made: Expression, free: Mask, rank: Rank) -> Expression:
        self._made[key] = made
        self._free[id(made)] = free
        # What else is equal keeps the order in which it was made.
        self._rank[id(made)] = (*rank, len(self._made))
        return made


def factors_of(expression: Expression) -> Factors:
    """The factors of a product; of anything else, itself."""
    return list(expression.factors) if isinstance(expression, Product) else [expression]


def _flat(factors: Iterable[Expression]) -> Factors:
    return [inner for factor in factors for inner in factors_of(factor)]


def _without_shared(above: Factors, below: Factors) -> tuple[Factors, Factors]:
    """Both lists without the factors that they share, each counted as often as it stands in both."""
    shared = Counter(map(id, above)) & Counter(map(id, below))
    return (without(above, shared), without(below, shared)) if shared else (above, below)


def without(factors: Factors, gone: Counter[int]) -> Factors:
    """The factors without some, counted by identity."""
    left = Counter(gone)
    rest: Factors = []
    for factor in factors:
        if left[id(factor)]:
            left[id(factor)] -= 1
        else:
            rest.append(factor)
    return rest


def _remove(factors: Factors, factor: Expression) -> None:
    del factors[next(i for i, other in enumerate(factors) if other is factor)]
