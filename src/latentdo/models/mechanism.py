"""One node's equation: its family, its weights with their signs and priors, its other parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from latentdo.errors import SpecError, nearest
from latentdo.graphs import Name, format_level, quote

from .arithmetic import Arithmetic
from .families import Table
from .family import AbstractFamily, Level
from .prior import Prior, plain
from .shape import AbstractShape, Spline
from .spreading import Spreading

Sign = Literal["", "+", "-"]
Belief = Prior | float | None
"""What the user wrote of a parameter: a prior, a fixed number, or nothing (the default prior)."""


@dataclass(frozen=True)
class Weight:
    """The coefficient of one parent, or of the product of several (an interaction).

    A parent with levels enters by indicators: `C[b]` is 1 where C is b and else 0. Another may enter by a shape, `log(X)`.

    Args:
        parents: One name, or the names of an interaction.
        sign: `+` or `-` keeps the coefficient on that side of zero.
        belief: Per unit of the parent (of the product of raw columns), or None for the default prior.
        levels: Per parent the level whose indicator it is, as typed and as the number in columns, or None for a parent that
            enters by its value; empty where all do.
        shapes: Per parent its shape, or None for a parent that enters by its value; empty where all do.
        absent: Whether it stands in another predictor of the node alone, and is 0 in this one.
    """

    parents: tuple[Name, ...]
    sign: Sign = ""
    belief: Belief = None
    levels: tuple[tuple[Level, float] | None, ...] = ()
    shapes: tuple[AbstractShape | None, ...] = ()
    absent: bool = False

    @property
    def left_out(self) -> Weight:
        """It, where a predictor does not have it."""
        return replace(self, sign="", belief=0.0, absent=True)

    @cached_property
    def parts(self) -> tuple[tuple[Name, tuple[Level, float] | None, AbstractShape | None], ...]:
        """Each parent with its level, and its shape where it does not enter as it is."""
        shapes = [shape if shape is None or not shape.is_identity else None for shape in self._typed_shapes]
        return tuple(zip(self.parents, self.levels or self._none, shapes, strict=True))

    @property
    def _none(self) -> tuple[None, ...]:
        return (None,) * len(self.parents)

    @property
    def _typed_shapes(self) -> tuple[AbstractShape | None, ...]:
        return self.shapes or self._none

    @property
    def bends(self) -> bool:
        """Whether it is one of the weights by which a spline leaves its straight line."""
        return any(shape is not None and shape.bends for shape in self.shapes)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """What is multiplied: a parent's name, `C[b]` for the indicator of a level, or `log(X)`."""
        return tuple(
            f"{quote(name)}[{format_level(level[0])}]"
            if level is not None
            else name
            if shape is None
            else shape.factor(name)
            for name, level, shape in zip(self.parents, self.levels or self._none, self._typed_shapes, strict=True)
        )

    @property
    def label(self) -> str:
        """The term as it is printed: `X`, `X:V`, `log(X)`, or `C[b]`."""
        return ":".join(
            shape.label(name) if shape is not None else quote(name) if factor == name else factor
            for name, factor, shape in zip(self.parents, self.factors, self._typed_shapes, strict=True)
        )

    @property
    def typed(self) -> str:
        """The term as it is typed, without levels."""
        return ":".join(
            quote(name) if shape is None else shape.text(name)
            for name, shape in zip(self.parents, self._typed_shapes, strict=True)
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """What priors call the factors where they mean all levels of a parent."""
        return tuple(
            name if shape is None else shape.key(name)
            for name, shape in zip(self.parents, self._typed_shapes, strict=True)
        )

    def is_linear_in(self, nodes: Collection[Name]) -> bool:
        """Whether the product is linear in the nodes: one of them at most, and as it is."""
        among = [shape for name, _, shape in self.parts if name in nodes]
        return not among or among == [None]

    def factor(self, k: int, values: Mapping[Name, Any], m: Arithmetic) -> Any:
        """The k-th factor of the product: the parent's value, its shape, or whether it is at the level."""
        name, level, shape = self.parts[k]
        own = values[name]
        if level is not None:
            return 1.0 * (own == level[1])
        return own if shape is None else shape(m, own)

    def product(self, values: Mapping[Name, Any], m: Arithmetic) -> Any:
        """What the coefficient is multiplied by, from the parents' values."""
        total = self.factor(0, values, m)
        for k in range(1, len(self.parents)):
            total = total * self.factor(k, values, m)
        return total


@dataclass(frozen=True)
class Spread:
    """The linear predictor of the logarithm of one of a family's parameters: `sd=loglinear(X, -V)`."""

    parameter: str
    weights: tuple[Weight, ...]
    intercept: Belief = None

    def __post_init__(self) -> None:
        terms = [frozenset(weight.factors) for weight in self.weights]
        for weight in self.weights:
            if terms.count(frozenset(weight.factors)) > 1:
                raise SpecError(f"{weight.label} is listed twice in loglinear(…). Keep one.")
            if any(isinstance(shape, Spline) for shape in weight.shapes):
                raise SpecError(
                    f"{weight.typed} is a spline, and loglinear(…) takes none: write the parent as it is, its logarithm, or "
                    "powers of it."
                )
            if weight.sign and any(frozenset(weight.factors) < other for other in terms):
                raise SpecError(
                    f"The sign of {weight.label} in loglinear(…) cannot be constrained beside an interaction with it. Remove the "
                    f"{weight.sign} or the interaction."
                )

    def text(self, *, with_beliefs: bool = True) -> str:
        """As it is typed; a prior of a single weight has no place here."""
        items = list(dict.fromkeys(weight.sign + weight.typed for weight in self.weights))
        if with_beliefs:
            items += [f"intercept={shown(self.intercept)}"] if self.intercept is not None else []
            items += [f"weight={shown(self.common)}"] if self.common is not None else []
        return f"{self.parameter}=loglinear({', '.join(items)})"

    @property
    def common(self) -> Belief:
        """What was written of all its weights, where that is the same."""
        beliefs = {weight.belief for weight in self.weights}
        return beliefs.pop() if len(beliefs) == 1 else None


@dataclass(frozen=True)
class Predictor:
    """One of a node's linear predictors: its intercept, and its share of each of the mechanism's weights.

    Attributes:
        of: The parameter whose logarithm it is; empty for that of the family.
    """

    of: str
    intercept: Belief
    weights: tuple[Weight, ...]


@dataclass(frozen=True)
class Mechanism:
    """A family, the weights of its linear predictor, its intercept and its other parameters.

    `wiggle` is what was written of how far its splines leave their straight lines. With a `spread` there is a second predictor;
    `weights` then has the terms of both, and those of the second alone are `absent` from the first.
    """

    family: AbstractFamily
    weights: tuple[Weight, ...] = ()
    intercept: Belief = None
    parameters: tuple[tuple[str, Belief], ...] = ()
    wiggle: Belief = None
    spread: Spread | None = None

    def __post_init__(self) -> None:
        if self.spread is not None:
            self._join(self.spread)
        if not self.has_splines:
            object.__setattr__(self, "wiggle", None)
        given = dict(self.parameters)
        if unknown := sorted(given.keys() - set(self.family.parameters)):
            raise SpecError(
                f"{self.family.name} has no parameter {unknown[0]!r}. {nearest(unknown[0], self.family.parameters)}"
            )
        # Always one entry per parameter, so that equal mechanisms are equal values.
        object.__setattr__(self, "parameters", tuple((name, given.get(name)) for name in self.family.parameters))
        self._check_form()
        weights = tuple(weight for weight in self.weights if not weight.absent)
        terms = [frozenset(weight.factors) for weight in weights]
        counts = Counter(terms)
        products: dict[Name, list[frozenset[Name]]] = {}
        for term in counts:
            for name in term if len(term) > 1 else ():
                products.setdefault(name, []).append(term)
        for weight, term in zip(weights, terms, strict=True):
            if counts[term] > 1:
                raise SpecError(f"{weight.label} is listed twice among the parents. Keep one.")
            if len(set(weight.parents)) < len(weight.parents):
                raise SpecError(f"{weight.label} multiplies a node with itself. Interactions join different nodes.")
            if weight.sign and any(term < other for other in products.get(weight.factors[0], ())):
                raise SpecError(
                    f"The sign of {weight.label} cannot be constrained beside an interaction with it: its effect then "
                    f"depends on the other parent. Remove the {weight.sign} or the interaction."
                )
            self._check_sign(weight)

    def _join(self, spread: Spread) -> None:
        """The family in which the parameter depends on parents, and one list of the terms of both predictors."""
        if not isinstance(self.family, Spreading):
            object.__setattr__(self, "family", Spreading(self.family, spread.parameter))
        own = tuple(weight for weight in self.weights if not weight.absent)
        known = {frozenset(weight.factors) for weight in own}
        more = tuple(weight.left_out for weight in spread.weights if frozenset(weight.factors) not in known)
        object.__setattr__(self, "weights", own + more)
        object.__setattr__(self, "parameters", tuple(p for p in self.parameters if p[0] != spread.parameter))

    @cached_property
    def predictors(self) -> tuple[Predictor, ...]:
        """Each linear predictor in turn, with one weight for each of `weights`."""
        first = Predictor("", self.intercept, self.weights)
        if self.spread is None:
            return (first,) * self.family.n_predictors
        spread = {frozenset(weight.factors): weight for weight in self.spread.weights}
        own = tuple(spread.get(frozenset(weight.factors), weight.left_out) for weight in self.weights)
        return first, Predictor(self.spread.parameter, self.spread.intercept, own)

    def _check_sign(self, weight: Weight) -> None:
        """Refuses a sign of one of several terms of a parent: how the parent acts then rests on the others too."""
        if not weight.sign or len(weight.parents) > 1:
            return
        for other in self.weights:
            if not set(weight.parents) <= set(other.parents) or other.typed == weight.typed or other.absent:
                continue
            if len(other.parents) == 1 and other.sign == weight.sign:
                continue
            with_it = next((name for name in other.parents if name not in weight.parents), other.parents[0])
            raise SpecError(
                f"The sign of {weight.label} cannot be constrained beside {other.typed}: its effect then depends on "
                f"{quote(with_it)} too. "
                f"Remove the {weight.sign} or the other term."
            )

    def _check_form(self) -> None:
        """Refuses what a family without one linear predictor, or without noise, has no place for."""
        for weight in self.weights:
            splines = [shape for shape in weight.shapes if isinstance(shape, Spline)]
            if splines and self.family.noiseless:
                raise SpecError(
                    f"{self.family.name} has no noise against which {weight.typed} could be smooth. Write powers, or make the "
                    "node normal."
                )
            if len(splines) > 1:
                raise SpecError(
                    f"{weight.typed} multiplies two splines. Keep one, and write the other parent as it is."
                )
        if not self.family.per_level and not isinstance(self.family, Table):
            return
        name = self.family.name
        for weight in self.weights:
            if weight.sign:
                raise SpecError(
                    f"A {name} node has no sign of {weight.typed}: its levels do not all move one way. Remove the "
                    f"{weight.sign}."
                )
            if isinstance(self.family, Table) and (
                len(weight.parents) > 1 or weight.belief is not None or weight.shapes
            ):
                what = f"interaction {weight.typed}" if len(weight.parents) > 1 else f"weight of {weight.typed}"
                what = f"shape of a parent, {weight.typed}" if weight.shapes else what
                raise SpecError(
                    f"A table has no {what}: every combination of its parents' levels has probabilities of its own. "
                    "List the parents alone."
                )
        if isinstance(self.family, Table) and self.intercept is not None:
            raise SpecError("A table has no intercept, but probabilities: give it a concentration.")

    @property
    def has_splines(self) -> bool:
        """Whether a parent enters by a spline."""
        return any(isinstance(shape, Spline) for weight in self.weights for shape in weight.shapes)

    @cached_property
    def splines(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The terms with a spline as they are typed, and which weights bend each."""
        found: dict[str, list[int]] = {}
        for k, weight in enumerate(self.weights):
            if weight.bends:
                found.setdefault(weight.typed, []).append(k)
        return tuple((typed, tuple(places)) for typed, places in found.items())

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The family's own parameters, and for each spline the sd of its way from a straight line."""
        return (*self.family.parameters, *(f"wiggle {typed}" for typed, _ in self.splines))

    @property
    def parents(self) -> tuple[Name, ...]:
        """The distinct parents, in the order of first mention."""
        return tuple(dict.fromkeys(name for weight in self.weights for name in weight.parents))

    @property
    def weight_beliefs(self) -> dict[str, Belief]:
        """What was written of each weight, by its term as priors name it: one term for all levels of a parent that share it."""
        shared: dict[str, set[Belief]] = {}
        named = [weight for weight in self.weights if not weight.bends and not weight.absent]
        for weight in named:
            shared.setdefault(weight.typed, set()).add(weight.belief)
        return {(w.typed if len(shared[w.typed]) == 1 else w.label): w.belief for w in named}

    @property
    def spread_parents(self) -> frozenset[Name]:
        """The parents that its spread depends on."""
        return frozenset(name for weight in self.spread_weights for name in weight.parents)

    @property
    def spread_weights(self) -> tuple[Weight, ...]:
        """The terms that its spread depends on."""
        return () if self.spread is None else self.spread.weights

    def reweighed(self, weights: tuple[Weight, ...], of_spread: tuple[Weight, ...]) -> Mechanism:
        """It with other terms; without any of its spread that is an ordinary parameter again."""
        own = tuple(weight for weight in weights if not weight.absent)
        if self.spread is None or of_spread:
            return replace(self, weights=own, spread=self.spread and replace(self.spread, weights=of_spread))
        return replace(self, family=self.family.core, weights=own, spread=None)

    def parameter(self, name: str) -> Belief:
        """What was written of `sd`, `shape`, …; None for the default prior."""
        return dict(self.parameters).get(name)

    def text(self, *, with_beliefs: bool = True) -> str:
        """The right-hand side as it is typed: `normal(X, -V, X:V, sd=1)`.

        A prior of a single weight has no place here: the model's `priors` hold it.
        """
        # The indicators of a parent's levels are typed as one.
        items = list(dict.fromkeys(weight.sign + weight.typed for weight in self.weights if not weight.absent))
        items += [self.spread.text(with_beliefs=with_beliefs)] if self.spread is not None else []
        believed = {name for name, belief in self.parameters if belief is not None} if with_beliefs else set()
        items += [f"{key}={value}" for key, value in self.family.options if key not in believed]
        if with_beliefs:
            items += [f"intercept={shown(self.intercept)}"] if self.intercept is not None else []
            items += [f"{name}={shown(belief)}" for name, belief in self.parameters if belief is not None]
            items += [f"wiggle={shown(self.wiggle)}"] if self.wiggle is not None else []
        return f"{self.family.name}({', '.join(items)})" if items else self.family.name


def shown(belief: Prior | float) -> str:
    """A prior or a fixed number, as it is typed."""
    return str(belief) if isinstance(belief, Prior) else plain(belief)
