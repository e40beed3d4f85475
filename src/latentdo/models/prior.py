"""What is believed of one parameter before the data: a prior as data, printed as it is typed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from latentdo.errors import SpecError, nearest
from latentdo.graphs import Call

# The names of the arguments, in order, and which of them must be positive.
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "student": ("df", "mean", "sd"),
    "cauchy": ("mean", "sd"),
    "halfnormal": ("sd",),
    "chi": ("df", "sd"),
    "exponential": ("rate",),
    "gamma": ("shape", "rate"),
    "lognormal": ("mean", "sd"),
    "beta": ("a", "b"),
    "uniform": ("low", "high"),
}
_POSITIVE = frozenset({"sd", "df", "rate", "shape", "a", "b"})
_SUPPORT: dict[str, tuple[float, float]] = {
    "halfnormal": (0.0, math.inf),
    "chi": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "gamma": (0.0, math.inf),
    "lognormal": (0.0, math.inf),
    "beta": (0.0, 1.0),
}


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
        if self.family not in _ARGUMENTS:
            raise SpecError(f"No prior is called {self.family!r}. {nearest(self.family, _ARGUMENTS)}")
        names = _ARGUMENTS[self.family]
        if len(self.args) != len(names):
            raise SpecError(f"{self.family}({', '.join(names)}) takes {len(names)} numbers, got {len(self.args)}.")
        for name, value in zip(names, self.args, strict=True):
            if not math.isfinite(value) or (name in _POSITIVE and value <= 0):
                kind = "positive" if name in _POSITIVE else "finite"
                raise SpecError(f"{name} of the prior {self.family} must be {kind}, got {plain(value)}.")
        if self.family == "uniform":
            object.__setattr__(self, "low", max(self.low, self.args[0]))
            object.__setattr__(self, "high", min(self.high, self.args[1]))
        low, high = _SUPPORT.get(self.family, (-math.inf, math.inf))
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
        if call.family not in _ARGUMENTS:
            raise SpecError(f"No prior is called {call.family!r}. {nearest(call.family, _ARGUMENTS)}")
        names = _ARGUMENTS[call.family]
        if len(call.args) > len(names):
            raise SpecError(f"{call.family}({', '.join(names)}) takes {len(names)} numbers, got {len(call.args)}.")
        given = dict(zip(names, call.args, strict=False))
        bounds: dict[str, float] = {}
        for key, value in call.named:
            if key in names and key not in given:
                given[key] = value
            elif key in ("low", "high") and key not in names and key not in bounds:
                bounds[key] = value
            elif key in given or key in bounds:
                raise SpecError(f"{key} is given twice in the prior {call}.")
            else:
                raise SpecError(
                    f"The prior {call.family} has no argument {key!r}. {nearest(key, (*names, 'low', 'high'))}"
                )
        if missing := [name for name in names if name not in given]:
            raise SpecError(f"The prior {call} lacks {', '.join(missing)}: write {call.family}({', '.join(names)}).")
        return Prior(call.family, tuple(float(given[name]) for name in names), **bounds)

    def cut(self, low: float = -math.inf, high: float = math.inf) -> Prior:
        """This prior with its values also kept within [`low`, `high`]."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def mean(self) -> float:
        """The mean of the prior, bounds included.

        Raises:
            SpecError: For heavy tails without a mean.
        """
        if self.family == "normal" or self.family == "halfnormal":
            centre, sd = (self.args[0], self.args[1]) if self.family == "normal" else (0.0, self.args[0])
            return _truncated_normal_mean(centre, sd, self.low, self.high)
        if self.family == "uniform":
            return (self.low + self.high) / 2
        unbounded = math.inf in (-self.low, self.high)
        uncut = (self.low, self.high) == _SUPPORT.get(self.family, (-math.inf, math.inf))
        if unbounded and (self.family == "cauchy" or (self.family == "student" and self.args[0] <= 1)):
            raise SpecError(f"The prior {self} has no mean. Give bounds (low=, high=) or another family.")
        return _uncut_mean(self.family, self.args) if uncut else _quadrature_mean(self)

    def log_density(self, x: float) -> float:
        """The log density at one value up to a constant; used for means by quadrature."""
        args = self.args
        match self.family:
            case "normal":
                return -0.5 * ((x - args[0]) / args[1]) ** 2
            case "halfnormal":
                return -0.5 * (x / args[0]) ** 2
            case "student":
                return -0.5 * (args[0] + 1) * math.log1p(((x - args[1]) / args[2]) ** 2 / args[0])
            case "cauchy":
                return -math.log1p(((x - args[0]) / args[1]) ** 2)
            case "chi":
                return (args[0] - 1) * math.log(x) - 0.5 * (x / args[1]) ** 2
            case "exponential":
                return -args[0] * x
            case "gamma":
                return (args[0] - 1) * math.log(x) - args[1] * x
            case "lognormal":
                return -math.log(x) - 0.5 * ((math.log(x) - args[0]) / args[1]) ** 2
            case "beta":
                return (args[0] - 1) * math.log(x) + (args[1] - 1) * math.log1p(-x)
            case _:
                return 0.0

    def __str__(self) -> str:
        names = _ARGUMENTS[self.family]
        shown = [plain(arg) for arg in self.args]
        low, high = _SUPPORT.get(self.family, (-math.inf, math.inf))
        if "low" not in names:
            shown += [f"low={plain(self.low)}"] if self.low > low else []
            shown += [f"high={plain(self.high)}"] if self.high < high else []
        else:
            shown = [plain(self.low), plain(self.high)]
        return f"{self.family}({', '.join(shown)})"


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


def _uncut_mean(family: str, args: tuple[float, ...]) -> float:
    match family:
        case "chi":
            return args[1] * math.sqrt(2.0) * math.exp(math.lgamma((args[0] + 1) / 2) - math.lgamma(args[0] / 2))
        case "exponential":
            return 1.0 / args[0]
        case "gamma":
            return args[0] / args[1]
        case "lognormal":
            return math.exp(min(args[0] + 0.5 * args[1] ** 2, 700.0))
        case "beta":
            return args[0] / (args[0] + args[1])
        case _:  # student: symmetric about its location
            return args[1]


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
    if prior.family in ("student", "cauchy"):
        return prior.args[-2], prior.args[-1]
    size = math.exp(min(prior.args[0], 300.0)) if prior.family == "lognormal" else _uncut_mean(prior.family, prior.args)
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
