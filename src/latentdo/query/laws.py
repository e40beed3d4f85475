"""The laws that a stochastic intervention may draw from: their arguments, and which values they give.

Names and order of the arguments are those of the priors of the same name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentdo.errors import QueryError, nearest
from latentdo.graphs import format_number

from .term import Distribution, Setting

LAWS: dict[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "student": ("df", "mean", "sd"),
    "lognormal": ("mean", "sd"),
    "gamma": ("shape", "rate"),
    "exponential": ("rate",),
    "halfnormal": ("sd",),
    "beta": ("a", "b"),
    "uniform": ("low", "high"),
    "bernoulli": ("p",),
    "categorical": ("p1", "…", "pk"),
    "poisson": ("mean",),
}
"""The arguments of each law, in order; `lognormal` has the mean and sd of the logarithm, `student` its centre and scale."""

DISCRETE = frozenset({"bernoulli", "categorical", "poisson"})
_POSITIVE = frozenset({"sd", "df", "rate", "shape", "a", "b"})
_FROM_ZERO = frozenset(
    {"lognormal", "gamma", "exponential", "halfnormal", "beta", "poisson", "bernoulli", "categorical"}
)
_UP_TO_ONE = frozenset({"beta", "bernoulli"})
_SUM_ERROR = 1e-6
_MOST_COUNTS = 1e6


@dataclass(frozen=True)
class Law:
    """A law with all its arguments.

    Attributes:
        family: One of `LAWS`.
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
        return self.family in DISCRETE

    @property
    def is_cut(self) -> bool:
        """Whether the law is cut by `low=` or `high=`."""
        return (self.low, self.high) != _support(self.family, self.args)


def law_of(distribution: Distribution) -> Law:
    """The law that a distribution writes.

    Raises:
        QueryError: No law has that name, or its arguments are wrong; says which are expected.
    """
    family = distribution.family
    if family not in LAWS:
        raise QueryError(f"No law is called {family!r}. {_offered(family)}")
    args, cuts = _arguments(distribution)
    _check_arguments(family, args)
    low, high = _support(family, args)
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
    return f"{family}({', '.join(LAWS[family])})"


def _offered(family: str) -> str:
    near = nearest(family, LAWS)
    return near if near.startswith("Did") else f"Known are: {', '.join(map(form_of, LAWS))}."


def _arguments(distribution: Distribution) -> tuple[tuple[float, ...], dict[str, float]]:
    """The arguments in order, and where the law is cut."""
    family, names = distribution.family, LAWS[distribution.family]
    if family == "categorical":
        if distribution.named:
            raise QueryError("categorical takes the probabilities of the levels in order, without names.")
        return distribution.args, {}
    if len(distribution.args) > len(names):
        raise QueryError(f"{form_of(family)} takes {_numbers(len(names))}, got {len(distribution.args)}.")
    given = dict(zip(names, distribution.args, strict=False))
    cuts: dict[str, float] = {}
    cut_names = () if family in DISCRETE or "low" in names else ("low", "high")
    for key, value in distribution.named:
        if key in given or key in cuts:
            raise QueryError(f"{key} is given twice in {distribution}.")
        if key in names:
            given[key] = value
        elif key in cut_names:
            cuts[key] = value
        else:
            raise QueryError(f"{form_of(family)} has no argument {key!r}. {nearest(key, (*names, *cut_names))}")
    if missing := [name for name in names if name not in given]:
        raise QueryError(f"{distribution} lacks {', '.join(missing)}: write {form_of(family)}.")
    return tuple(float(given[name]) for name in names), cuts


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
    for name, value in zip(LAWS[family], args, strict=True):
        if not math.isfinite(value):
            raise QueryError(f"{name} of {family} must be finite.")
        if (name in _POSITIVE or family == "poisson") and value <= 0:
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


def _support(family: str, args: tuple[float, ...]) -> tuple[float, float]:
    if family == "uniform":
        return args[0], args[1]
    low = 0.0 if family in _FROM_ZERO else -math.inf
    if family == "categorical":
        return low, len(args) - 1.0
    return low, 1.0 if family in _UP_TO_ONE else math.inf


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
