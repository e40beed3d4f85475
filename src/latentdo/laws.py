"""Probability laws as data: one table of names, parameters, values, moments and formulas.

Priors, laws that an intervention draws from, and compiled log posteriors all read it. It needs the standard library alone: a
formula is handed what it computes with, `np` (a module with `log` and `log1p`: `math`, NumPy, JAX's) or `m`, such a module and
its special functions; all shapes broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latentdo.errors import LatentdoError, nearest

Array = Any
"""A number, or a NumPy or JAX array."""
Formula = Callable[..., Array]

POSITIVE = frozenset({"sd", "df", "rate", "shape", "a", "b"})
"""The parameters that are positive, whichever law has them."""


@dataclass(frozen=True)
class Arithmetic:
    """The pair of modules that a computation uses: NumPy's and the matching special functions."""

    np: Any
    special: Any


@dataclass(frozen=True)
class Continuous:
    """The formulas of a law with a density; the law's numbers are their last arguments, in order.

    Attributes:
        log_density: Of (np, x, …), up to a constant; x lies within the support.
        below, above: Of (m, x, …): the share of the law on that side of x, each with digits of its own.
        quantile, upper: Of (m, share, …): the value below or above which that share lies.
    """

    log_density: Formula
    below: Formula
    above: Formula
    quantile: Formula
    upper: Formula


@dataclass(frozen=True)
class LawForm:
    """What is known of a law whatever its numbers.

    Attributes:
        parameters: Their names, in order.
        moments: Mean and sd as a function of the numbers; infinite where it has none, not a number where even the mean is none.
        support: The values, where they do not depend on the numbers.
        symmetric: Whether it is symmetric about its second-last number.
        continuous: Its formulas; None of a discrete law, whose single values have a probability of their own.

    Source:
        Johnson, Kotz & Balakrishnan (1994, 1995), Continuous univariate distributions.
    """

    name: str
    parameters: tuple[str, ...]
    moments: Callable[..., tuple[float, float]]
    support: tuple[float, float] = (-math.inf, math.inf)
    symmetric: bool = False
    continuous: Continuous | None = None

    @property
    def text(self) -> str:
        """How it is written: `normal(mean, sd)`."""
        return f"{self.name}({', '.join(self.parameters)})"

    @property
    def formulas(self) -> Continuous:
        """Those of a law that has a density."""
        assert self.continuous is not None, f"{self.name} is counted, not integrated"
        return self.continuous

    def limits(self, args: Sequence[float]) -> tuple[float, float]:
        """The smallest and the largest value, or the limits of the values."""
        if self.name == "uniform":
            return args[0], args[1]
        return (0.0, len(args) - 1.0) if self.name == "categorical" else self.support


def _student_moments(df: float, mean: float, sd: float) -> tuple[float, float]:
    if df <= 1:
        return math.nan, math.inf
    return mean, sd * math.sqrt(df / (df - 2)) if df > 2 else math.inf


def _lognormal_moments(mean: float, sd: float) -> tuple[float, float]:
    centre, variance = mean + sd**2 / 2, sd**2
    level = math.exp(centre) if centre < 709 else math.inf
    return level, level * math.sqrt(math.expm1(variance) if variance < 709 else math.inf)


def _chi_moments(df: float, sd: float) -> tuple[float, float]:
    mean = math.sqrt(2.0) * math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2))
    return sd * mean, sd * math.sqrt(max(df - mean**2, 0.0))


_ROOT2 = math.sqrt(2.0)
_FROM_ZERO = (0.0, math.inf)
_FORMS = (
    LawForm(
        "normal",
        ("mean", "sd"),
        lambda mean, sd: (mean, sd),
        symmetric=True,
        continuous=Continuous(
            log_density=lambda np, x, mean, sd: -0.5 * ((x - mean) / sd) ** 2,
            below=lambda m, x, mean, sd: m.special.ndtr((x - mean) / sd),
            above=lambda m, x, mean, sd: m.special.ndtr((mean - x) / sd),
            quantile=lambda m, u, mean, sd: mean + sd * m.special.ndtri(u),
            upper=lambda m, s, mean, sd: mean - sd * m.special.ndtri(s),
        ),
    ),
    LawForm(
        "student",
        ("df", "mean", "sd"),
        _student_moments,
        symmetric=True,
        continuous=Continuous(
            log_density=lambda np, x, df, mean, sd: -0.5 * (df + 1.0) * np.log1p(((x - mean) / sd) ** 2 / df),
            below=lambda m, x, df, mean, sd: m.special.stdtr(df, (x - mean) / sd),
            above=lambda m, x, df, mean, sd: m.special.stdtr(df, (mean - x) / sd),
            quantile=lambda m, u, df, mean, sd: mean + sd * m.special.stdtrit(df, u),
            upper=lambda m, s, df, mean, sd: mean - sd * m.special.stdtrit(df, s),
        ),
    ),
    LawForm(
        "cauchy",
        ("mean", "sd"),
        lambda mean, sd: (math.nan, math.inf),
        symmetric=True,
        continuous=Continuous(
            log_density=lambda np, x, mean, sd: -np.log1p(((x - mean) / sd) ** 2),
            # Written so that the far tail keeps its digits.
            below=lambda m, x, mean, sd: m.np.arctan2(1.0, (mean - x) / sd) / math.pi,
            above=lambda m, x, mean, sd: m.np.arctan2(1.0, (x - mean) / sd) / math.pi,
            quantile=lambda m, u, mean, sd: mean - sd / m.np.tan(math.pi * u),
            upper=lambda m, s, mean, sd: mean + sd / m.np.tan(math.pi * s),
        ),
    ),
    LawForm(
        "halfnormal",
        ("sd",),
        lambda sd: (sd * math.sqrt(2 / math.pi), sd * math.sqrt(1 - 2 / math.pi)),
        _FROM_ZERO,
        continuous=Continuous(
            log_density=lambda np, x, sd: -0.5 * (x / sd) ** 2,
            below=lambda m, x, sd: m.special.erf(m.np.maximum(x, 0.0) / (sd * _ROOT2)),
            above=lambda m, x, sd: m.special.erfc(m.np.maximum(x, 0.0) / (sd * _ROOT2)),
            quantile=lambda m, u, sd: sd * _ROOT2 * m.special.erfinv(u),
            upper=lambda m, s, sd: sd * _ROOT2 * m.special.erfcinv(s),
        ),
    ),
    LawForm(
        "chi",
        ("df", "sd"),
        _chi_moments,
        _FROM_ZERO,
        continuous=Continuous(
            log_density=lambda np, x, df, sd: (df - 1.0) * np.log(x) - 0.5 * (x / sd) ** 2,
            below=lambda m, x, df, sd: m.special.gammainc(0.5 * df, 0.5 * (m.np.maximum(x, 0.0) / sd) ** 2),
            above=lambda m, x, df, sd: m.special.gammaincc(0.5 * df, 0.5 * (m.np.maximum(x, 0.0) / sd) ** 2),
            quantile=lambda m, u, df, sd: sd * m.np.sqrt(2.0 * m.special.gammaincinv(0.5 * df, u)),
            upper=lambda m, s, df, sd: sd * m.np.sqrt(2.0 * m.special.gammainccinv(0.5 * df, s)),
        ),
    ),
    LawForm(
        "exponential",
        ("rate",),
        lambda rate: (1 / rate, 1 / rate),
        _FROM_ZERO,
        continuous=Continuous(
            log_density=lambda np, x, rate: -rate * x,
            below=lambda m, x, rate: -m.np.expm1(-rate * m.np.maximum(x, 0.0)),
            above=lambda m, x, rate: m.np.exp(-rate * m.np.maximum(x, 0.0)),
            quantile=lambda m, u, rate: -m.np.log1p(-u) / rate,
            upper=lambda m, s, rate: -m.np.log(s) / rate,
        ),
    ),
    LawForm(
        "gamma",
        ("shape", "rate"),
        lambda shape, rate: (shape / rate, math.sqrt(shape) / rate),
        _FROM_ZERO,
        continuous=Continuous(
            log_density=lambda np, x, shape, rate: (shape - 1.0) * np.log(x) - rate * x,
            below=lambda m, x, shape, rate: m.special.gammainc(shape, rate * m.np.maximum(x, 0.0)),
            above=lambda m, x, shape, rate: m.special.gammaincc(shape, rate * m.np.maximum(x, 0.0)),
            quantile=lambda m, u, shape, rate: m.special.gammaincinv(shape, u) / rate,
            upper=lambda m, s, shape, rate: m.special.gammainccinv(shape, s) / rate,
        ),
    ),
    LawForm(
        "lognormal",
        ("mean", "sd"),
        _lognormal_moments,
        _FROM_ZERO,
        continuous=Continuous(
            log_density=lambda np, x, mean, sd: -np.log(x) - 0.5 * ((np.log(x) - mean) / sd) ** 2,
            below=lambda m, x, mean, sd: m.special.ndtr((m.np.log(m.np.maximum(x, 0.0)) - mean) / sd),
            above=lambda m, x, mean, sd: m.special.ndtr((mean - m.np.log(m.np.maximum(x, 0.0))) / sd),
            quantile=lambda m, u, mean, sd: m.np.exp(mean + sd * m.special.ndtri(u)),
            upper=lambda m, s, mean, sd: m.np.exp(mean - sd * m.special.ndtri(s)),
        ),
    ),
    LawForm(
        "beta",
        ("a", "b"),
        lambda a, b: (a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)),
        (0.0, 1.0),
        continuous=Continuous(
            log_density=lambda np, x, a, b: (a - 1.0) * np.log(x) + (b - 1.0) * np.log1p(-x),
            below=lambda m, x, a, b: m.special.betainc(a, b, m.np.clip(x, 0.0, 1.0)),
            above=lambda m, x, a, b: m.special.betaincc(a, b, m.np.clip(x, 0.0, 1.0)),
            quantile=lambda m, u, a, b: m.special.betaincinv(a, b, u),
            upper=lambda m, s, a, b: m.special.betainccinv(a, b, s),
        ),
    ),
    LawForm(
        "uniform",
        ("low", "high"),
        lambda low, high: ((low + high) / 2, (high - low) / math.sqrt(12)),
        continuous=Continuous(
            log_density=lambda np, x, low, high: 0.0 * x,
            below=lambda m, x, low, high: m.np.clip((x - low) / (high - low), 0.0, 1.0),
            above=lambda m, x, low, high: m.np.clip((high - x) / (high - low), 0.0, 1.0),
            quantile=lambda m, u, low, high: low + (high - low) * u,
            upper=lambda m, s, low, high: high - (high - low) * s,
        ),
    ),
    LawForm("bernoulli", ("p",), lambda p: (p, math.sqrt(p * (1 - p))), (0.0, 1.0)),
    LawForm("categorical", ("p1", "…", "pk"), lambda *shares: _of_places(shares), _FROM_ZERO),
    LawForm("poisson", ("mean",), lambda mean: (mean, math.sqrt(mean)), _FROM_ZERO),
)

LAWS: Mapping[str, LawForm] = {form.name: form for form in _FORMS}
"""Every law, by name; `lognormal` has the mean and sd of the logarithm, `student` and `cauchy` centre and scale."""


def _of_places(shares: Sequence[float]) -> tuple[float, float]:
    """Mean and sd of the places 0, 1, … with these shares."""
    total = math.fsum(shares)
    mean = math.fsum(k * share for k, share in enumerate(shares)) / total
    return mean, math.sqrt(math.fsum((k - mean) ** 2 * share for k, share in enumerate(shares)) / total)


def cut_quantile(
    m: Arithmetic, form: LawForm, args: Sequence[float], cut: tuple[float, float], u: Array, beyond: Array
) -> Array:
    """The value at the quantile `u` of a law that is cut to an interval (NumPy).

    Args:
        beyond: 1 - u with its own digits: the tail that is nearer is the one that is computed with.
    """
    of, (low, high) = form.formulas, cut
    if (low, high) == form.limits(args):
        return m.np.where(u <= 0.5, of.quantile(m, u, *args), of.upper(m, beyond, *args))
    if of.below(m, low, *args) <= 0.5:
        least, most = of.below(m, low, *args), of.below(m, high, *args)
        found = of.quantile(m, least * beyond + most * u, *args)
    else:
        most, least = of.above(m, low, *args), of.above(m, high, *args)
        found = of.upper(m, most * beyond + least * u, *args)
    return m.np.clip(found, low, high)


def cut_share(m: Arithmetic, form: LawForm, args: Sequence[float], cut: tuple[float, float], x: Array) -> Array:
    """The share below `x` of a law that is cut to an interval (NumPy)."""
    of, (low, high) = form.formulas, cut
    if of.below(m, low, *args) <= 0.5:
        least, most, here = (of.below(m, at, *args) for at in (low, high, x))
    else:
        least, most, here = (-of.above(m, at, *args) for at in (low, high, x))
    return m.np.clip((here - least) / m.np.maximum(most - least, m.np.finfo(float).tiny), 0.0, 1.0)


def read_arguments(
    form: LawForm,
    call: object,
    args: Sequence[float],
    named: Iterable[tuple[str, float]],
    fail: Callable[[str], LatentdoError],
    what: str = "",
) -> tuple[tuple[float, ...], dict[str, float]]:
    """The numbers of a law as it was typed, in order, and where `low=` and `high=` cut it.

    Args:
        call: What was typed, for messages.
        args, named: The numbers in place, and those by name.
        fail: Makes the error of a message.
        what: What it is, before its text in a message: `the prior `.

    Raises:
        LatentdoError: By `fail`: too many numbers, one given twice, unknown or missing.
    """
    names = form.parameters
    if len(args) > len(names):
        count = "1 number" if len(names) == 1 else f"{len(names)} numbers"
        raise fail(f"{form.text} takes {count}, got {len(args)}.")
    given = dict(zip(names, args, strict=False))
    cuts: dict[str, float] = {}
    cut_names = () if form.continuous is None or "low" in names else ("low", "high")
    for key, value in named:
        if key in given or key in cuts:
            raise fail(f"{key} is given twice in {what}{call}.")
        if key in names:
            given[key] = value
        elif key in cut_names:
            cuts[key] = value
        else:
            start = f"{what[:1].upper()}{what[1:]}"
            raise fail(f"{start}{form.text} has no argument {key!r}. {nearest(key, (*names, *cut_names))}")
    if missing := [name for name in names if name not in given]:
        start = f"{what[:1].upper()}{what[1:]}"
        raise fail(f"{start}{call} lacks {', '.join(missing)}: write {form.text}.")
    return tuple(float(given[name]) for name in names), cuts
