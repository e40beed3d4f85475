"""How a node is generated once its linear predictor is known: what every family has.

A family is one file in `families/`: which numbers its node can take, which parameters it has beside the coefficients, its
equation, and its arithmetic, written with the `Arithmetic` it is given, so that a spec loads neither NumPy nor JAX.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from latentdo.errors import DataError, SupportError
from latentdo.extensions import guard
from latentdo.graphs import Name

from .arithmetic import Arithmetic, Array
from .column import ColumnSummary
from .prior import Prior, plain

Level = float | str
"""A value of a node with finitely many: a number, or a name."""

SD_FLOOR = 0.05
"""Smallest residual sd under the default prior, as a share of the sd of the column."""
_FALL, _WIDTH_STEPS = 2.0, 4
"""How far the log density falls within the width of the default parabola, as in two sds of a normal law; and steps to it."""
_BISECTIONS = 200


class Default(NamedTuple):
    """The default prior of a family's parameter.

    Attributes:
        prior: Of (value - shift).
        shift: A floor of the value.
        start: Where chains start around, and how far: (centre, spread).
    """

    prior: Prior
    shift: float = 0.0
    start: tuple[float, float] = (5.0, 2.0)


class AbstractFamily(abc.ABC):
    """How a node is generated once its linear predictor is known.

    A family of one's own needs `name`, `equation`, `parameters`, `mean`, `log_density` and `cdf`; all else has defaults.
    In the arithmetic `eta` is the linear predictor, `parameters` holds the family's own by name, and all shapes broadcast.
    Families with several predictors or a table instead (`categorical`, `table`) have these on a leading axis of `eta`.

    Attributes:
        parameters: Names of the parameters beside the coefficients, all positive: `sd`, `shape`.
        support: The open interval in which values lie.
        takes: The values in words, for messages.
        discrete: Whether single values have a probability of their own.
        link_sd: The sd t of the default priors on the link scale where it does not come from the column.
        as_latent: What a latent node of the family has unless given; of a family that may be latent.
        needs: Smallest value of a parameter that a user's prior may reach, where it is not 0.
        ceilings: Largest value of a parameter that a user's prior may reach, where it has a bound above.
        option_keys: Options beside parameters and coefficients: `max`, `levels`.
        switches: Parameters that a node has only where they are written, `true` for the default prior; an instance's own
            `parameters` then leave the others out.
        split: Whether draws are `respond(eta, noise)`, with a noise that does not depend on the predictor: then it is made once
            for any number of questions, and these are answered by compiled programs. Of a family without, by bisection.
        noise_parameters: Which parameters the noise of a split family depends on.
        noiseless: Whether the node is its predictor exactly.
        linear_gaussian: Whether it is the predictor plus Normal(0, `sd`): closed forms apply.
        symmetric_noise: Whether a latent's law is symmetric about its predictor: its sign may be turned.
        noise_scale: The parameter that multiplies the noise of a latent.
        noise_on_link: Whether the default prior of `sd` is taken from the column on the link scale, as the noise is there.
        takes_mean: Whether a root's intercept is its mean, so that it may be typed as `mean=`.
        binary: Whether it is a no or a yes.
        log_odds: Whether predictors are log odds, on which the default priors are the same for every column.
        log_link: Whether the mean is the exponential of the predictor.
        bounded_mean: Whether the mean stays within bounds whatever the predictor.
        fixed_spread: Whether the spread follows from the mean, no parameter being free for it.
        heavier: The name of the family with longer tails, to be proposed where a column has them; empty without.
        has_levels: Whether it has levels that the user or a column names; then it has a field `levels`.
        ordered: Whether levels that are names have an order, so that they are compared, and are never taken from a column.
        per_level: Whether each level but the first has a predictor of its own, on a leading axis of `eta`.
        cdf_compiles: Whether the cdf of a split family is worth compiling: JAX's special functions of two arguments are slow.
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]] = ()
    support: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    takes: ClassVar[str] = "any number"
    discrete: ClassVar[bool] = False
    may_be_latent: ClassVar[bool] = False
    link_sd: ClassVar[float | None] = None
    as_latent: ClassVar[Mapping[str, float]] = {}
    needs: ClassVar[Mapping[str, float]] = {}
    ceilings: ClassVar[Mapping[str, float]] = {}
    option_keys: ClassVar[tuple[str, ...]] = ()
    switches: ClassVar[tuple[str, ...]] = ()
    split: ClassVar[bool] = False
    noise_parameters: ClassVar[tuple[str, ...]] = ()
    noiseless: ClassVar[bool] = False
    linear_gaussian: ClassVar[bool] = False
    symmetric_noise: ClassVar[bool] = False
    noise_scale: ClassVar[str] = "sd"
    noise_on_link: ClassVar[bool] = False
    takes_mean: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    log_odds: ClassVar[bool] = False
    log_link: ClassVar[bool] = False
    bounded_mean: ClassVar[bool] = False
    fixed_spread: ClassVar[bool] = False
    heavier: ClassVar[str] = ""
    has_levels: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    per_level: ClassVar[bool] = False
    cdf_compiles: ClassVar[bool] = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        guard(cls, AbstractFamily, "family", {"default": (Default,), "default_intercept": (Default,)})

    # What a node can be

    @property
    def points(self) -> tuple[float, ...]:
        """The node's values as numbers, ascending, where they are finitely many and known; else empty."""
        return ()

    @property
    def states(self) -> tuple[Level, ...]:
        """The values of a node with finitely many, as they are typed; empty where no column has told them yet."""
        return self.points

    @property
    def one(self) -> Level | None:
        """Of two stated levels the one that counts as the 1; None of any other node."""
        return None

    def with_levels(self, levels: tuple[Level, ...]) -> AbstractFamily:
        """The family with these levels, in their order; itself if it has none."""
        return replace(self, levels=levels) if self.has_levels else self  # type: ignore[type-var]

    @property
    def enters_by_value(self) -> bool:
        """Whether the node stands in its children's predictors as a number, rather than as an indicator of each level."""
        return not self.has_levels

    @property
    def n_predictors(self) -> int:
        """How many linear predictors the node has."""
        return 1

    def check(self, column: ColumnSummary) -> None:
        """Raise `DataError` unless every value of the column is possible."""
        low, high = self.support
        if column.minimum <= low or column.maximum >= high:
            extreme = column.minimum if column.minimum <= low else column.maximum
            raise DataError(
                f"Column {column.name} is declared {self.name}, which takes {self.takes}, but it has {plain(extreme)}. "
                "Check the column, or give the node another family.",
                column=column.name,
            )
        if self.discrete and not column.integral:
            raise DataError(
                f"Column {column.name} is declared {self.name}, which takes {self.takes}, but not all of its values are "
                "whole numbers. Check the column, or give the node another family.",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """The value as a number; raises `SupportError` where the node cannot take it."""
        value = finite(node, value, self.name, self.takes)
        low, high = self.support
        if not low < value < high or (self.discrete and value != math.floor(value)):
            raise SupportError(node, f"{node} is {self.name} and takes {self.takes}, not {plain(value)}.")
        return value

    def caution(self, node: Name, value: float) -> str | None:
        """A sentence about a value that is possible and yet odd, or None."""
        del node, value
        return None

    # What is believed of it by default

    def default(self, parameter: str, size: float) -> Default:
        """The default prior of a parameter; `size` is the column's sd (on the link scale if `noise_on_link`; 1 for a latent)."""
        if parameter in ("sd", "scale"):
            return Default(Prior("halfnormal", (size,)), SD_FLOOR * size, (size, 0.2 * size))
        return Default(Prior("halfnormal", (10.0,)))

    def default_intercept(self, link_mean: float, t: float, *, latent: bool) -> Default:
        """The default prior of the intercept at the parents' centre; `t` is the node's sd on the link scale."""
        del latent
        return Default(Prior("normal", (link_mean, 2.0 * t)), start=(link_mean, 0.3 * t))

    def on_link(self, mean: float, sd: float, column: ColumnSummary) -> tuple[float, float]:
        """Centre and size t of the default priors on the link scale, from mean and sd of the column there."""
        del column
        return mean, sd

    def predicted(self, node: str) -> str:
        """What the linear predictor is, in words, if not the node's own mean: `log Y`."""
        del node
        return ""

    def as_parent(self, intercept: float, scale: float) -> tuple[float, float]:
        """Centre and scale of a latent as a parent, from the prior means of its intercept and of the scale of its noise."""
        if points := self.points:
            # Every level is as likely as the others by its prior.
            centre = sum(points) / len(points)
            return centre, math.sqrt(sum((point - centre) ** 2 for point in points) / len(points))
        return intercept, scale

    # How it is typed

    def with_option(self, key: str, value: object, node: Name) -> AbstractFamily | None:
        """The family with an option such as `max=50` or `levels=[a, b]`; None where it has no such option."""
        del key, value, node
        return None

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """The options that are not as by default, as they are typed."""
        return ()

    def __str__(self) -> str:
        return self.name

    @property
    def core(self) -> AbstractFamily:
        """The family, whatever its parameters depend on."""
        return self

    @property
    def has_several(self) -> bool:
        """Whether there is an axis of predictors in front of `eta`."""
        return self.per_level

    @property
    def has_variance(self) -> bool:
        """Whether there is a formula for the variance given the parents."""
        return type(self).variance is not AbstractFamily.variance

    @property
    def has_plain_noise(self) -> bool:
        """Whether the noise of one that nobody saw is standard normal."""
        return type(self).noise_log_density is AbstractFamily.noise_log_density

    @property
    def title(self) -> str:
        """What it is called in lists: its name, and what is turned on, as in `poisson with zi`."""
        on = [name for name in self.switches if name in self.parameters]
        return f"{self.name} with {' and '.join(on)}" if on else self.name

    # Its arithmetic

    def link(self, m: Arithmetic, values: Array) -> Array:
        """The column on the link scale, where the default priors are stated."""
        del m
        return values

    @abc.abstractmethod
    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """E[node | parents]."""

    @abc.abstractmethod
    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log density (log probability) of `y` given the parents."""

    @abc.abstractmethod
    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """P(node <= y | parents) (NumPy)."""

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """P(node > y | parents)."""
        return 1.0 - self.cdf(m, y, eta, parameters)

    def chances(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> list[Array]:
        """The probability of each of `points`."""
        return [m.np.exp(self.log_density(m, m.np.asarray(point), eta, parameters)) for point in self.points]

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array | None:
        """Var[node | parents], infinite where there is none; None of a family that has no formula for it."""
        del m, eta, parameters
        return None

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The log density near `eta` as a parabola in the predictor: precision tau, and tau times (its top - eta).

        An approximation that the sampler uses to place latents; nothing that is reported rests on it. Here the parabola has its
        top at `link(y)`, and is as wide as the density around it: it has a width even where a density has no curvature, as |y|.

        Args:
            spread: Variance of the predictor over the latents before the data are seen, for families that are better
                approximated over that whole range than at one point.
        """
        del spread
        top = self.link(m, y) + 0.0 * eta
        highest = self.log_density(m, y, top, parameters)
        width = m.np.ones_like(highest)
        for _ in range(_WIDTH_STEPS):
            around = sum(self.log_density(m, y, top + by * width, parameters) for by in (-1.0, 1.0))
            width = width * m.np.sqrt(_FALL / m.np.clip(highest - 0.5 * around, 1e-6, 1e6))
        precision = 2.0 * _FALL / width**2
        return precision, precision * (top - eta)

    def placed(self, m: Arithmetic, eta: Array, e: Array, parameters: Mapping[str, Array]) -> Array:
        """The value of a node that nobody saw, from its noise e: mean + sd · e, or what else `noise_log_density` belongs to."""
        return self.mean(m, eta, parameters) + parameters[self.noise_scale] * e

    @property
    def may_be_hidden(self) -> bool:
        """Whether rows in which the node's cell is missing, and others depend on it, can be averaged over."""
        return bool(self.points) or self.may_be_latent or type(self).placed is not AbstractFamily.placed

    def noise_log_density(self, m: Arithmetic, e: Array, parameters: Mapping[str, Array]) -> Array:
        """The log density of the noise e of a latent, whose value is `placed`.

        Standard normal here, without its constant; a family that has another noise gives it complete.
        """
        del m, parameters
        return -0.5 * e**2

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """What of the node's value at the quantile `uniform` does not depend on the predictor (NumPy)."""
        del m, parameters
        return uniform

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The node's value given its predictor and its `noise`.

        A split family has a formula for it, in either arithmetic. Of another the noise is a quantile, and the value is found by
        bisection of the cdf (NumPy).
        """
        np, uniform = m.np, noise
        shape = np.broadcast_shapes(np.shape(uniform), np.shape(eta), *(np.shape(own) for own in parameters.values()))
        low = np.full(shape, max(self.support[0], -1.0))
        high = np.full(shape, min(self.support[1], 1.0))
        # Outwards until the quantile is between the two, then inwards.
        for _ in range(340):
            beyond = self.cdf(m, high, eta, parameters) < uniform
            before = self.cdf(m, low, eta, parameters) > uniform
            if not (beyond.any() or before.any()):
                break
            high = np.where(beyond, np.minimum(np.maximum(2.0 * high, 1.0), self.support[1]), high)
            low = np.where(before, np.maximum(np.minimum(2.0 * low, -1.0), self.support[0]), low)
        for _ in range(_BISECTIONS):
            middle = 0.5 * low + 0.5 * high
            middle = np.floor(middle) if self.discrete else middle
            reached = self.cdf(m, middle, eta, parameters) >= uniform
            low, high = np.where(reached, low, middle), np.where(reached, middle, high)
            if (high - low <= (1.0 if self.discrete else 1e-12 * (1.0 + np.abs(high)))).all():
                break
        return np.ceil(high) if self.discrete else high

    def draw(self, m: Arithmetic, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The node's value at the quantile `uniform` of its law given the parents (NumPy)."""
        return self.respond(m, eta, self.noise(m, uniform, parameters), parameters)


def finite(node: Name, value: Level, family: str, expected: str) -> float:
    """The value as a finite number; raises `SupportError` where it is a name or none."""
    if isinstance(value, str):
        raise SupportError(node, f"{node} is {family} and takes {expected}, not the level {value!r}.")
    if not math.isfinite(value):
        raise SupportError(node, f"{node} is {family} and takes {expected}, not {plain(value)}.")
    return float(value)
