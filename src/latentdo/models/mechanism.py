"""One node's equation: its family, its weights with their signs and priors, its other parameters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from latentdo.errors import SpecError, nearest
from latentdo.graphs import Name, quote

from .family import AbstractFamily
from .prior import Prior, plain

Sign = Literal["", "+", "-"]
Belief = Prior | float | None
"""What the user wrote of a parameter: a prior, a fixed number, or nothing (the default prior)."""


@dataclass(frozen=True)
class Weight:
    """The coefficient of one parent, or of the product of several (an interaction).

    Args:
        parents: One name, or the names of an interaction.
        sign: `+` or `-` keeps the coefficient on that side of zero.
        belief: Per unit of the parent (of the product of raw columns), or None for the default prior.
    """

    parents: tuple[Name, ...]
    sign: Sign = ""
    belief: Belief = None

    @property
    def label(self) -> str:
        """The term as it is typed: `X`, or `X:V`."""
        return ":".join(quote(name) for name in self.parents)


@dataclass(frozen=True)
class Mechanism:
    """A family, the weights of its linear predictor, its intercept and its other parameters."""

    family: AbstractFamily
    weights: tuple[Weight, ...] = ()
    intercept: Belief = None
    parameters: tuple[tuple[str, Belief], ...] = ()

    def __post_init__(self) -> None:
        given = dict(self.parameters)
        if unknown := sorted(given.keys() - set(self.family.parameters)):
            raise SpecError(
                f"{self.family.name} has no parameter {unknown[0]!r}. {nearest(unknown[0], self.family.parameters)}"
            )
        # Always one entry per parameter, so that equal mechanisms are equal values.
        object.__setattr__(self, "parameters", tuple((name, given.get(name)) for name in self.family.parameters))
        terms = [frozenset(weight.parents) for weight in self.weights]
        counts = Counter(terms)
        products: dict[Name, list[frozenset[Name]]] = {}
        for term in counts:
            for name in term if len(term) > 1 else ():
                products.setdefault(name, []).append(term)
        for weight, term in zip(self.weights, terms, strict=True):
            if counts[term] > 1:
                raise SpecError(f"{weight.label} is listed twice among the parents. Keep one.")
            if len(term) < len(weight.parents):
                raise SpecError(f"{weight.label} multiplies a node with itself. Interactions join different nodes.")
            if weight.sign and any(term < other for other in products.get(weight.parents[0], ())):
                raise SpecError(
                    f"The sign of {weight.label} cannot be constrained beside an interaction with it: its effect then "
                    f"depends on the other parent. Remove the {weight.sign} or the interaction."
                )

    @property
    def parents(self) -> tuple[Name, ...]:
        """The distinct parents, in the order of first mention."""
        return tuple(dict.fromkeys(name for weight in self.weights for name in weight.parents))

    def parameter(self, name: str) -> Belief:
        """What was written of `sd`, `shape`, …; None for the default prior."""
        return dict(self.parameters).get(name)

    def text(self, *, with_beliefs: bool = True) -> str:
        """The right-hand side as it is typed: `normal(X, -V, X:V, sd=1)`.

        A prior of a single weight has no place here: the model's `priors` hold it.
        """
        items = [weight.sign + weight.label for weight in self.weights]
        maximum = getattr(self.family, "max", 100.0)
        items += [f"max={plain(maximum)}"] if maximum != 100.0 else []
        if with_beliefs:
            items += [f"intercept={shown(self.intercept)}"] if self.intercept is not None else []
            items += [f"{name}={shown(belief)}" for name, belief in self.parameters if belief is not None]
        return f"{self.family.name}({', '.join(items)})" if items else self.family.name


def shown(belief: Prior | float) -> str:
    """A prior or a fixed number, as it is typed."""
    return str(belief) if isinstance(belief, Prior) else plain(belief)
