"""Counts: whole numbers from 0 with a log link, with more zeros than their law has, or with zeros of their own.

`zi` is the probability of an extra zero, beside those of the law (Lambert 1992); `hurdle` that of a zero at all, the others
being of the law without its zeros (Mullahy 1986). Neither depends on the parents.

Source:
    Lambert (1992), Zero-inflated Poisson regression, Technometrics 34. Mullahy (1986), Specification and testing of some modified
    count data models, Journal of Econometrics 33.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from latentdo.errors import DataError, SpecError, SupportError
from latentdo.graphs import Name, quote

from ..arithmetic import Arithmetic, Array, safe_exp
from ..column import ColumnSummary
from ..family import AbstractFamily, Default, Level, finite
from ..prior import Prior, plain
from ..quantiles import added_up, searched

Zeros = Literal["", "zi", "hurdle"]
"""What is said of the zeros: nothing, extra ones, or a probability of their own."""
_STEPS = 2
"""Of Newton's method to the place of a latent: from near it."""
_SMALL = -15.0
"""Log of -log P(0) below which P(any) is that itself: the next term is 1e-7 of it."""
_STEP = 0.01
"""First step of the search for a quantile, in sds."""


class AbstractCounts(AbstractFamily):
    """A law of counts whose zeros may be said apart; a concrete one has the field `zeros` and states its plain law.

    Attributes:
        zeros: What is said of the zeros.
    """

    support = (-1.0, math.inf)
    takes = "whole numbers from 0"
    discrete = True
    log_link = True
    cdf_compiles = False
    switches = ("zi", "hurdle")
    ceilings: ClassVar[Mapping[str, float]] = {"zi": 1.0, "hurdle": 1.0}

    zeros: Zeros

    def _settle(self) -> None:
        """Leaves the parameters that this node has, and says of its zeros what the equation is to say."""
        own = tuple(name for name in type(self).parameters if name not in self.switches or name == self.zeros)
        object.__setattr__(self, "parameters", own)
        if self.zeros:
            rest = " given Y > 0" if self.zeros == "hurdle" else ""
            object.__setattr__(
                self, "equation", f"Y = 0 with probability {self.zeros}, else {type(self).equation}{rest}"
            )

    # The plain law

    @abc.abstractmethod
    def plain_log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of a count, by the law without more zeros."""

    @abc.abstractmethod
    def plain_tails(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """P(count <= y) and P(count > y) by the plain law, at whole y from 0."""

    @abc.abstractmethod
    def plain_variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The variance by the plain law; its mean is exp(eta)."""

    @abc.abstractmethod
    def log_of_none(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log of -log P(0) by the plain law: of its rate of any count."""

    @abc.abstractmethod
    def slopes(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """The slope of the plain log probability in the predictor, and its curvature, as a positive number."""

    @abc.abstractmethod
    def panjer(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """a and b of the plain law, with P(k + 1) / P(k) = (a k + b) / (k + 1).

        Source:
            Panjer (1981), Recursive evaluation of a family of compound distributions.
        """

    # What a node can be

    def check(self, column: ColumnSummary) -> None:
        """Only whole numbers from 0 are possible."""
        said = f"Column {column.name} is declared {self.name}, whose values are whole numbers from 0, but"
        name = quote(column.name)
        if column.minimum < 0:
            raise DataError(
                f"{said} its smallest value is {plain(column.minimum)}. Remove such rows, or give the node another family, such "
                f"as {name} ~ normal(…).",
                column=column.name,
            )
        if not column.integral:
            broken = next((value for value in column.values if value != math.floor(value)), None)
            seen = "not all of its values are whole" if broken is None else f"it has {plain(broken)}"
            positive = "gamma or lognormal" if column.minimum > 0 else "normal"
            raise DataError(
                f"{said} {seen}. If it is a rate, use the count that it was made of; else give the node another family, such as "
                f"{positive}.",
                column=column.name,
            )

    def check_value(self, node: Name, value: Level) -> float:
        """A whole number from 0."""
        number = finite(node, value, self.name, self.takes)
        if number < 0 or number != math.floor(number):
            raise SupportError(
                node, f"{node} is {self.name}: its values are whole numbers from 0, not {plain(number)}."
            )
        return number

    def with_option(self, key: str, value: object, node: Name) -> AbstractCounts | None:
        """`zi=true`, `hurdle=true`, or with a number or a prior, which is the model's to keep."""
        if key not in self.switches or value is False:
            return None
        if self.zeros not in ("", key):
            raise SpecError(
                f"{node} has both zi and hurdle. Extra zeros beside those of the {self.name} law are zi, all zeros apart are "
                "hurdle: keep one.",
                node=node,
            )
        return replace(self, zeros=key)  # type: ignore[call-arg]

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What is said of the zeros."""
        return ((self.zeros, "true"),) if self.zeros else ()

    # What is believed of it by default

    def default(self, parameter: str, size: float) -> Default:
        """Every probability of a zero as likely."""
        if parameter in self.switches:
            return Default(Prior("beta", (1.0, 1.0)), start=(0.3, 0.1))
        return super().default(parameter, size)

    def on_link(self, mean: float, sd: float, column: ColumnSummary) -> tuple[float, float]:
        """As they are, and of rare counts at least what one row tells of the log of its mean.

        The information of a Poisson row on the log of its mean m is m; log(y + 1/2) hardly varies where nearly all rows are 0.
        """
        return mean, max(sd, column.mean**-0.5)

    def predicted(self, node: str) -> str:
        """The log of the mean of the plain law."""
        return f"log of the mean of {node}" + (", extra zeros aside" if self.zeros else "")

    # Its arithmetic

    def link(self, m: Arithmetic, values: Array) -> Array:
        """The log, of half a count more."""
        return m.np.log(values + 0.5)

    def _kept(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """By what the plain law's moments are multiplied."""
        if not self.zeros:
            return 1.0 + 0.0 * eta
        kept = 1.0 - parameters[self.zeros]
        return kept if self.zeros == "zi" else kept * m.np.exp(-self._log_any(m, eta, parameters))

    def _log_any(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log of P(count > 0) by the plain law."""
        log_rate = self.log_of_none(m, eta, parameters)
        small = log_rate < _SMALL
        rate = safe_exp(m, log_rate)
        return m.np.where(small, log_rate, m.np.log(-m.np.expm1(-m.np.where(small, 1.0, rate))))

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The mean of the plain law, times what the zeros leave."""
        if self.zeros == "hurdle":
            # The ratio tends to 1 where both are tiny.
            return (1.0 - parameters["hurdle"]) * safe_exp(m, eta - self._log_any(m, eta, parameters))
        return self._kept(m, eta, parameters) * safe_exp(m, eta)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """From the second moment of the plain law."""
        own = self.plain_variance(m, eta, parameters)
        if not self.zeros:
            return own
        mean = self.mean(m, eta, parameters)
        # E[y²] = E[y] (v/μ + μ), whatever the zeros.
        return mean * (own / m.np.maximum(safe_exp(m, eta), 1e-300) + safe_exp(m, eta) - mean)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log probability of a count."""
        own = self.plain_log_density(m, y, eta, parameters)
        if not self.zeros:
            return own
        share = parameters[self.zeros]
        log_share, log_rest = m.np.log(share), m.np.log1p(-share)
        if self.zeros == "hurdle":
            return m.np.where(y == 0, log_share, log_rest + own - self._log_any(m, eta, parameters))
        # At y > 0 the other branch must have finite values and gradients too: it has, as a sum of logs.
        return m.np.where(y == 0, m.np.logaddexp(log_share, log_rest + own), log_rest + own)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The parabola at the latent's likely place given this node alone; a zero counts as far as the plain law made it."""
        weight = y + 0.5
        at = (eta + spread * weight * m.np.log(weight)) / (1.0 + spread * weight)
        for _ in range(_STEPS):
            score, information = self.slopes(m, y, at, parameters)
            at = at - (at - eta - spread * score) / (1.0 + spread * information)
        score, information = self.slopes(m, y, at, parameters)
        own = self._of_plain(m, y, at, parameters)
        return own * information, own * (score + information * (at - eta))

    def _of_plain(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """How likely a count was made by the plain law, the zeros aside."""
        if not self.zeros:
            return 1.0 + 0.0 * eta
        if self.zeros == "hurdle":
            return 1.0 * (y > 0) + 0.0 * eta
        none = (1.0 - parameters["zi"]) * m.np.exp(-safe_exp(m, self.log_of_none(m, eta, parameters)))
        return m.np.where(y > 0, 1.0, none / (parameters["zi"] + none))

    def _tails(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        whole = m.np.floor(m.np.maximum(y, 0.0))
        below, above = self.plain_tails(m, whole, eta, parameters)
        if self.zeros == "zi":
            share = parameters["zi"]
            below, above = share + (1.0 - share) * below, (1.0 - share) * above
        elif self.zeros:
            # Whatever counts at all is above 0, also where that is so rare that it rounds to nothing.
            log_above = m.np.log(m.np.maximum(above, m.np.finfo(float).tiny)) - self._log_any(m, eta, parameters)
            rest = m.np.where(above > 0.0, m.np.exp(m.np.minimum(log_above, 0.0)), 0.0)
            above = (1.0 - parameters["hurdle"]) * m.np.where(whole == 0.0, 1.0, rest)
            below = 1.0 - above
        return m.np.where(y < 0, 0.0, below), m.np.where(y < 0, 1.0, above)

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """Steps at the whole numbers."""
        return self._tails(m, y, eta, parameters)[0]

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The other tail, with its own digits."""
        return self._tails(m, y, eta, parameters)[1]

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The count at the quantile: small ones by adding up, the others by search (NumPy)."""
        shape = m.np.broadcast_shapes(
            m.np.shape(noise), m.np.shape(eta), *(m.np.shape(parameters[name]) for name in self.parameters)
        )
        full = {name: m.np.broadcast_to(parameters[name], shape).ravel() for name in self.parameters}
        eta, uniform = (m.np.broadcast_to(values, shape).ravel() for values in (eta, noise))
        over = uniform > full[self.zeros] if self.zeros else True
        uniform = self._of_plain_law(m, uniform, eta, full)
        found = m.np.zeros(uniform.shape)
        left = added_up(m.np, uniform, found, *self._steps(m, eta, full))
        if len(left):
            found[left] = self._far(m, uniform[left], eta[left], {name: values[left] for name, values in full.items()})
        if self.zeros == "hurdle":
            # Above the hurdle a count is 1 or more, whatever rounding says.
            found = m.np.where(over, m.np.maximum(found, 1.0), found)
        return found.reshape(shape)

    def _steps(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """P(0) by the plain law, and what the probabilities after it are made of; see `panjer`."""
        none = m.np.exp(-safe_exp(m, self.log_of_none(m, eta, parameters)))
        return none, *self.panjer(m, eta, parameters)

    def _far(self, m: Arithmetic, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The count at the quantile of the plain law, of flat arrays: searched for from a guess by the first three moments."""
        mean, variance = safe_exp(m, eta), self.plain_variance(m, eta, parameters)
        z = m.np.clip(m.special.ndtri(uniform), -8.0, 8.0)
        skewed = (2.0 * variance / m.np.maximum(mean, 1e-300) - 1.0) * (z**2 - 1.0) / 6.0
        guess = m.np.floor(m.np.maximum(mean + m.np.sqrt(variance) * z + skewed, 0.0))

        def reached(count: Array, at: Array) -> Array:
            own = {name: values[at] for name, values in parameters.items()}
            return self.plain_tails(m, count, eta[at], own)[0] >= uniform[at]

        return searched(m.np, reached, guess, m.np.maximum(m.np.floor(_STEP * m.np.sqrt(variance)), 1.0))

    def _of_plain_law(self, m: Arithmetic, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """At which quantile of the plain law a node's quantile lies; 0 of what is zero anyway."""
        if not self.zeros:
            return uniform
        share = parameters[self.zeros]
        left = m.np.maximum(uniform - share, 0.0) / (1.0 - share)
        if self.zeros == "zi":
            return left
        any_count = m.np.exp(self._log_any(m, eta, parameters))
        return m.np.where(left > 0.0, 1.0 - any_count * (1.0 - left), 0.0)
