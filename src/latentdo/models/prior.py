"""What is believed of one parameter before the data: a prior as data, printed as it is typed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from latentdo.errors import SpecError, nearest
from latentdo.graphs import Call
from latentdo.laws import LAWS, POSITIVE, LawForm, read_arguments

PRIORS = tuple(name for name, form in LAWS.items() if form.continuous is not None)
"""The laws that a parameter may have."""


def plain(number: float) -> str:
    """A number as people type it: the shortest form that reads back to the same value."""
    return repr(float(number)).removesuffix(".0") if number else "0"


@dataclass(frozen=True)
class Prior:
    """A distribution of one parameter, cut to [`low`, `high`], in raw units unless said otherwise.

    Args:
        family: One of `normal(mean, sd)`, `student(df, mean, sd)`, `cauchy(mean, sd)`, `halfnormal(sd)`,
            `exponential(rate)`, `gamma(shape, rate)`, `lognormal(mean, sd)`, `beta(a, b)`, `uniform(low, high)`.
        args: The arguments in that order.
        low: Lower bound of the values, `-inf` for none.
        high: Upper bound of the values, `inf` for none.
    """

    family: str
    args: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        form = _form(self.family)
        if len(self.args) != len(form.parameters):
            count = "1 number" if len(form.parameters) == 1 else f"{len(form.parameters)} numbers"
            raise SpecError(f"{form.text} takes {count}, got {len(self.args)}.")
        for name, value in zip(form.parameters, self.args, strict=True):
            if not math.isfinite(value) or (name in POSITIVE and value <= 0):
                kind = "positive" if name in POSITIVE else "finite"
                raise SpecError(f"{name} of the prior {self.family} must be {kind}, got {plain(value)}.")
        low, high = form.limits(self.args)
        object.__setattr__(self, "low", max(self.low, low))
        object.__setattr__(self, "high", min(self.high, high))
        if not self.low < self.high:
            raise SpecError(
                f"The prior {self.family} leaves no values: low={plain(self.low)} is not below high={plain(self.high)}."
            )
        if self.family == "uniform":
            object.__setattr__(self, "args", (self.low, self.high))

    @staticmethod
    def of(call: Call) -> Prior:
        """The prior that a call such as `normal(0, 10, low=-2)` writes."""
        args, bounds = read_arguments(_form(call.family), call, call.args, call.named, SpecError, "the prior ")
        return Prior(call.family, args, **bounds)

    def cut(self, low: float = -math.inf, high: float = math.inf) -> Prior:
        """This prior with its values also kept within [`low`, `high`]."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def mean(self) -> float:
        """The mean of the prior, bounds included.

        Raises:
            SpecError: For heavy tails without a mean.
        """
        if self.family in ("normal", "halfnormal"):
            centre, sd = self.args if self.family == "normal" else (0.0, self.args[0])
            return _truncated_normal_mean(centre, sd, self.low, self.high)
        form = LAWS[self.family]
        mean, _ = form.moments(*self.args)
        if math.isnan(mean) and math.inf in (-self.low, self.high):
            raise SpecError(f"The prior {self} has no mean. Give bounds (low=, high=) or another family.")
        uncut = (self.low, self.high) == form.limits(self.args)
        return min(mean, _LARGEST) if uncut else _quadrature_mean(self)

    @property
    def is_even(self) -> bool:
        """Whether its family is symmetric about 0, whatever its bounds."""
        return LAWS[self.family].symmetric and self.args[-2] == 0.0

    def log_density(self, x: float) -> float:
        """The log density at one value up to a constant; used for means by quadrature."""
        return LAWS[self.family].formulas.log_density(math, x, *self.args)

    def __str__(self) -> str:
        shown = [plain(arg) for arg in self.args]
        low, high = LAWS[self.family].limits(self.args)
        shown += [f"low={plain(self.low)}"] if self.low > low else []
        shown += [f"high={plain(self.high)}"] if self.high < high else []
        return f"{self.family}({', '.join(shown)})"


_LARGEST = math.exp(700.0)
"""Where the mean of a log-normal prior stops, still a number."""


def _form(family: str) -> LawForm:
    if family not in PRIORS:
        raise SpecError(f"No prior is called {family!r}. {nearest(family, PRIORS)}")
    return LAWS[family]


def _truncated_normal_mean(mean: float, sd: float, low: float, high: float) -> float:
    """Mean of a normal cut to an interval. Source: Johnson, Kotz & Balakrishnan (1994), §10.1."""

    def density(z: float) -> float:
        return math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) if math.isfinite(z) else 0.0

    def below(z: float) -> float:
        return 0.5 * math.erfc(-z / math.sqrt(2))

    a, b = (low - mean) / sd, (high - mean) / sd
    # Far in the upper tail the two cdf values cancel: mirror to the lower tail, where they do not.
    mass = below(b) - below(a) if a <= 0 else below(-a) - below(-b)
    if mass < 1e-300:
        return low if a > 0 else high
    # The two differences lose their digits where the interval is very short.
    return min(max(mean + sd * (density(a) - density(b)) / mass, low), high)


def _quadrature_mean(prior: Prior) -> float:
    """Mean of a prior that is cut, by double exponential quadrature on either side of its bulk.

    Source: Takahasi & Mori (1974), Double exponential formulas for numerical integration.
    """
    if prior.family == "beta" and prior.high == 1.0:  # mirrored: near 0 numbers are fine enough for a pole
        return 1.0 - Prior("beta", prior.args[::-1], high=1.0 - prior.low).mean()
    bulk, scale = _bulk(prior)
    ends = [prior.low, bulk, prior.high] if prior.low < bulk < prior.high else [prior.low, prior.high]
    nodes = [node for low, high in itertools.pairwise(ends) for node in _nodes(low, high, scale)]
    logs = [prior.log_density(x) + log_weight for x, log_weight in nodes]
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    return sum(weight * x for weight, (x, _) in zip(weights, nodes, strict=True)) / sum(weights)


def _bulk(prior: Prior) -> tuple[float, float]:
    """A point where an uncut prior has much of its mass, and the size of its spread."""
    if LAWS[prior.family].symmetric:
        return prior.args[-2], prior.args[-1]
    lognormal = prior.family == "lognormal"
    size = math.exp(min(prior.args[0], 300.0)) if lognormal else LAWS[prior.family].moments(*prior.args)[0]
    return size, size


def _nodes(low: float, high: float, scale: float, n: int = 1_000) -> list[tuple[float, float]]:
    """Points of (low, high), one end finite at least, and their log weights up to a constant."""
    found = []
    for i in range(-n, n + 1):
        t = 6.0 * i / n
        s = 0.5 * math.pi * math.sinh(t)
        if math.isfinite(low) and math.isfinite(high):
            near, size = math.exp(-2.0 * abs(s)), high - low
            step = size * near / (1.0 + near)
            x = low + step if s < 0 else high - step
            log_weight = math.log(2.0 * size) - 2.0 * abs(s) - 2.0 * math.log1p(near)
        else:
            step = scale * math.exp(s)
            x = low + step if math.isfinite(low) else high - step
            log_weight = math.log(scale) + s
        if low < x < high:  # not where rounding leads onto an end, which may be a pole
            found.append((x, log_weight + math.log(math.cosh(t))))
    return found
