"""The laws that a stochastic intervention may draw from: their arguments, and which values they give.

Names and order of the arguments are those of the priors of the same name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentdo.errors import QueryError, nearest
from latentdo.graphs import format_number
from latentdo.laws import LAWS, POSITIVE, read_arguments

from .term import Distribution, Setting

OFFERED = (
    "normal", "student", "lognormal", "gamma", "exponential", "halfnormal", "beta", "uniform",
    "bernoulli", "categorical", "poisson",
)  # fmt: skip
"""The laws that a node may be drawn from, in the order in which they are offered."""

_SUM_ERROR = 1e-6
_MOST_COUNTS = 1e6


@dataclass(frozen=True)
class Law:
    """A law with all its arguments.

    Attributes:
        family: One of `OFFERED`.
        args: Its arguments, in the order of `LAWS`; of `categorical` one probability per level, with sum 1.
        low: The smallest value, or the limit of the values; of a continuous law it may be cut higher by `low=`.
        high: Likewise the largest.
    """

    family: str
    args: tuple[float, ...]
    low: float
    high: float

    @property
    def is_discrete(self) -> bool:
        """Whether single values have a probability of their own."""
        return LAWS[self.family].continuous is None

    @property
    def is_cut(self) -> bool:
        """Whether the law is cut by `low=` or `high=`."""
        return (self.low, self.high) != LAWS[self.family].limits(self.args)


def law_of(distribution: Distribution) -> Law:
    """The law that a distribution writes.

    Raises:
        QueryError: No law has that name, or its arguments are wrong; says which are expected.
    """
    family = distribution.family
    if family not in OFFERED:
        raise QueryError(f"No law is called {family!r}. {_offered(family)}")
    args, cuts = _arguments(distribution)
    _check_arguments(family, args)
    low, high = LAWS[family].limits(args)
    low, high = max(low, cuts.get("low", low)), min(high, cuts.get("high", high))
    if not low < high:
        raise QueryError(f"{distribution} leaves no values between {format_number(low)} and {format_number(high)}.")
    return Law(family, args, low, high)


def check_setting(setting: Setting) -> None:
    """Raise `QueryError` where a node is drawn from what is no law; the message names the node."""
    if isinstance(setting.value, Distribution):
        try:
            law_of(setting.value)
        except QueryError as error:
            raise QueryError(f"do({setting}): {error}") from None


def form_of(family: str) -> str:
    """How a law is written: `normal(mean, sd)`."""
    return LAWS[family].text


def _offered(family: str) -> str:
    near = nearest(family, OFFERED)
    return near if near.startswith("Did") else f"Known are: {', '.join(map(form_of, OFFERED))}."


def _arguments(distribution: Distribution) -> tuple[tuple[float, ...], dict[str, float]]:
    """The arguments in order, and where the law is cut."""
    if distribution.family == "categorical":
        if distribution.named:
            raise QueryError("categorical takes the probabilities of the levels in order, without names.")
        return distribution.args, {}
    return read_arguments(LAWS[distribution.family], distribution, distribution.args, distribution.named, QueryError)


def _check_arguments(family: str, args: tuple[float, ...]) -> None:
    if family == "categorical":
        if len(args) < 2:
            raise QueryError(f"categorical takes a probability for each of two levels at least, got {len(args)}.")
        if any(value < 0 for value in args) or not abs(math.fsum(args) - 1) <= _SUM_ERROR:
            raise QueryError(
                f"the probabilities of categorical are not negative and have the sum 1, got "
                f"{', '.join(map(format_number, args))}."
            )
        return
    for name, value in zip(LAWS[family].parameters, args, strict=True):
        if not math.isfinite(value):
            raise QueryError(f"{name} of {family} must be finite.")
        if (name in POSITIVE or family == "poisson") and value <= 0:
            raise QueryError(f"{name} of {form_of(family)} must be positive, got {format_number(value)}.")
        if family == "poisson" and value > _MOST_COUNTS:
            raise QueryError(
                f"{name} of {form_of(family)} is at most {_MOST_COUNTS:,.0f}, got {format_number(value)}. Above, draw from "
                f"normal(mean, sd) with the sd {format_number(float(f'{math.sqrt(value):.4g}'))}."
            )
        if family == "bernoulli" and not 0 < value < 1:
            raise QueryError(
                f"{name} of {form_of(family)} lies between 0 and 1, got {format_number(value)}. A value that is certain "
                "is set, without '~'."
            )
    if family == "uniform" and not args[0] < args[1]:
        raise QueryError(
            f"low of {form_of(family)} must be below high, got {format_number(args[0])} and {format_number(args[1])}."
        )
