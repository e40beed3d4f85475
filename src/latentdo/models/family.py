"""How a node is generated once its linear predictor is known: what every family has, and how one is registered.

A family is one file in `families/`: which numbers its node can take, which parameters it has beside the coefficients, its
equation, and its arithmetic, written with the `Arithmetic` it is given, so that a spec loads neither NumPy nor JAX.
"""

from __future__ import annotations

import abc
import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, TypeVar

from latentdo.errors import DataError, SpecError, SupportError
from latentdo.extensions import blamed, enter, guard
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
        has_predictor: Whether its parents enter by linear predictors, so that weights, shapes and interactions have a place.
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
    has_predictor: ClassVar[bool] = True
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


def positive(node: Name, value: Level, family: str) -> float:
    """The value as a number above 0; raises `SupportError` where it is none."""
    number = finite(node, value, family, "positive numbers")
    if number <= 0:
        raise SupportError(node, f"{node} is {family}: its values are positive numbers, not {plain(number)}.")
    return number


ENTRY_POINTS = "latentdo.families"
"""The group under which an installed package names the modules that define its families."""


def family_named(name: str) -> type[AbstractFamily] | None:
    """The family that the model language calls so; those of installed packages are looked for when a name is not known.

    Raises:
        SpecError: A package that names its families cannot be imported.
    """
    if name not in FAMILIES:
        _load_installed()
    return FAMILIES.get(name)


@functools.cache
def _load_installed() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        # Somebody else's module: whatever it raises, the user has to know whose it was.
        except Exception as error:
            raise SpecError(
                f"The families of {entry.value} (group {ENTRY_POINTS}) cannot be loaded: {error}"
            ) from error


_Family = TypeVar("_Family", bound=AbstractFamily)

FAMILIES: dict[str, type[AbstractFamily]] = {}
"""The families that the model language knows, by name."""


def register(family: type[_Family]) -> type[_Family]:
    """Make a family known to the model language by its `name`; usable as a class decorator.

    Raises:
        SpecError: A class that is no family, one that lacks something or states what cannot be, a name that is taken.
    """
    if not isinstance(family, type) or not issubclass(family, AbstractFamily):
        raise SpecError(f"A family is a class derived from AbstractFamily, got {family!r}.")
    lacking = [name for name in ("name", "equation") if not hasattr(family, name)]
    lacking += sorted(family.__abstractmethods__)
    if lacking:
        raise SpecError(f"The family {family.__name__} lacks {', '.join(lacking)}. Define them in the class.")
    for attribute, expected in _misstated(family):
        raise SpecError(
            f"The family {family.__name__} has {attribute} = {getattr(family, attribute)!r}; expected: {expected}. Correct it "
            "in the class."
        )
    _check_made(family)
    return enter(FAMILIES, family, "family", SpecError)


_TYPED = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = ("weight", "intercept", "mean", "levels", "max")
"""What options and keys of priors are called already, so that no parameter is."""
_FLAGS = (
    "discrete", "may_be_latent", "split", "noiseless", "linear_gaussian", "symmetric_noise", "noise_on_link", "takes_mean",
    "binary", "log_odds", "log_link", "bounded_mean", "fixed_spread", "has_levels", "ordered", "per_level", "has_predictor",
    "cdf_compiles",
)  # fmt: skip


def _misstated(family: type[AbstractFamily]) -> Iterator[tuple[str, str]]:
    """Each attribute of a family that states what cannot be, with what is expected in its place."""
    if not _is_typed(family.name):
        yield "name", "a name that can be typed as a family: letters, digits and _, with a letter in front"
    for name in ("equation", "takes", "noise_scale", "heavier"):
        if not isinstance(getattr(family, name), str):
            yield name, "a text"
    for name in ("parameters", "option_keys", "noise_parameters", "switches"):
        names = getattr(family, name)
        if not isinstance(names, tuple) or not all(map(_is_typed, names)):
            yield name, 'a tuple of names made of letters, digits and _, such as ("shape",), with its comma'
        elif len(set(names)) < len(names):
            yield name, "each name once"
    if taken := [name for name in family.parameters if name in (*_RESERVED, *family.option_keys)]:
        yield "parameters", f"another name than {taken[0]}, which is an option already"
    for name in ("noise_parameters", "switches"):
        if not set(getattr(family, name)) <= set(family.parameters):
            yield name, "names that stand in parameters"
    pair = family.support
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(map(_is_number, pair)) and pair[0] < pair[1]):
        yield "support", "a pair (low, high) of numbers with low < high, such as (0.0, math.inf): an open interval"
    own = {*family.parameters}
    for name, known in (("as_latent", {*own, "intercept"}), ("needs", own), ("ceilings", own)):
        numbers = getattr(family, name)
        if not isinstance(numbers, Mapping) or not all(map(_is_number, numbers.values())) or not set(numbers) <= known:
            yield name, "a dict from parameters of the family to numbers"
    if family.link_sd is not None and not (_is_number(family.link_sd) and 0.0 < family.link_sd < math.inf):
        yield "link_sd", "a positive number, or None"
    for name in _FLAGS:
        if not isinstance(getattr(family, name), bool):
            yield name, "True or False"
    if family.split and family.respond is AbstractFamily.respond:
        yield "split", "False, or a method respond(m, eta, noise, parameters) of its own"


def _is_typed(name: object) -> bool:
    return isinstance(name, str) and _TYPED.fullmatch(name) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _check_made(family: type[AbstractFamily]) -> None:
    """Raise unless the class is made without arguments, and what is made twice is equal: models are compared and kept."""
    with blamed(family, "__init__", "family"):
        one, other = family(), family()
    try:
        are_equal = one == other and hash(one) == hash(other)
    except TypeError:
        are_equal = False
    if not are_equal:
        raise SpecError(
            f"Two {family.__name__}() are not equal, or have no hash, so that no model with them could be saved. Put "
            "@dataclass(frozen=True) above the class, and @register above that."
        )
    if family.has_levels and not hasattr(one, "levels"):
        raise SpecError(f"The family {family.__name__} has levels and no field for them. Add levels: tuple = () to it.")
