"""A family one of whose parameters depends on parents: `Y ~ normal(X, sd=loglinear(X))`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from latentdo.errors import SpecError
from latentdo.graphs import Name

from .arithmetic import LOG_LARGEST, Arithmetic, Array
from .family import AbstractFamily, Default
from .prior import Prior

_KEPT = (
    "name", "support", "takes", "discrete", "may_be_latent", "needs", "ceilings", "option_keys", "switches", "noiseless",
    "symmetric_noise", "noise_scale", "noise_on_link", "takes_mean", "binary", "log_odds", "log_link", "bounded_mean",
    "heavier", "link_sd", "as_latent", "cdf_compiles", "has_levels", "ordered", "check", "check_value", "caution", "default",
    "default_intercept", "on_link", "predicted", "as_parent", "link",
)  # fmt: skip
"""What is that of the family within."""
UNIT = 1.0 / math.sqrt(2.0)
"""One over the root of the information of one row on the logarithm of the sd of a normal node: what a default prior may say."""
STEP = 0.1
"""Of the differences by which the slope of a log density in the logarithm of the parameter is told."""


@dataclass(frozen=True)
class Spreading(AbstractFamily):
    """The family within, the logarithm of one of its parameters being a linear predictor of its own.

    On the leading axis of `eta` are two predictors: that of the family, and that logarithm.

    Args:
        inner: The family within.
        parameter: The one that depends on parents: `sd`, `scale`, `shape`.

    Source:
        Rigby & Stasinopoulos (2005), Generalized additive models for location, scale and shape.
    """

    name = "spreading"
    equation = ""

    inner: AbstractFamily
    parameter: str

    def __post_init__(self) -> None:
        inner, own = self.inner, self.parameter
        free = [name for name in varying(inner) if name in inner.parameters]
        if own not in free:
            what = f"that of {inner.name} is {' or '.join(free)}" if free else f"{inner.name} has none"
            raise SpecError(f"loglinear(…) is for a parameter of spread, and {what}, not {own}.")
        settled = {name: getattr(inner, name) for name in _KEPT}
        settled["parameters"] = tuple(name for name in inner.parameters if name != own)
        settled["noise_parameters"] = tuple(name for name in inner.noise_parameters if name != own)
        # Noise that depends on the parameter would depend on parents.
        settled["split"] = inner.split and own not in inner.noise_parameters
        settled["equation"] = f"{inner.equation}, log {own} = {own} intercept + Σ {own} weight · parent"
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def core(self) -> AbstractFamily:
        """The family within."""
        return self.inner

    @property
    def n_predictors(self) -> int:
        """That of the family, and that of the parameter."""
        return 2

    @property
    def has_several(self) -> bool:
        """It has."""
        return True

    @property
    def has_variance(self) -> bool:
        """That of the family."""
        return self.inner.has_variance

    @property
    def has_plain_noise(self) -> bool:
        """That of the family."""
        return self.inner.has_plain_noise

    @property
    def may_be_hidden(self) -> bool:
        """Where the noise has a law of its own, whatever the parents."""
        return self.inner.may_be_hidden and self.parameter not in self.inner.noise_parameters

    def with_option(self, key: str, value: object, node: Name) -> AbstractFamily | None:
        """The family within with the option."""
        changed = self.inner.with_option(key, value, node)
        return None if changed is None else replace(self, inner=changed)

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """Those of the family within."""
        return self.inner.options

    @property
    def title(self) -> str:
        """`normal with loglinear sd`."""
        return f"{self.inner.title} with loglinear {self.parameter}"

    @property
    def unit(self) -> float:
        """The sd of the default priors of the parameter's weights: as much as one row says of the logarithm of a normal sd.

        A shape goes with the inverse square of a spread, so that its logarithm is twice as wide.
        """
        return UNIT if self.parameter in ("sd", "scale") else 2.0 * UNIT

    def default_log(self, size: float) -> Default:
        """The default prior of the parameter's intercept, at the parents' centre; `size` as in `default`."""
        centre = math.log(self.inner.default(self.parameter, size).start[0])
        return Default(Prior("normal", (centre, 2.0 * self.unit)), start=(centre, 0.3))

    def _split(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> tuple[Array, dict[str, Array]]:
        """The predictor of the family, and its parameters."""
        own = m.np.exp(m.np.clip(eta[1], -LOG_LARGEST, LOG_LARGEST))
        return eta[0], {**parameters, self.parameter: own}

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family."""
        at, own = self._split(m, eta, parameters)
        # One of a family without the parameter in it still has a value per row.
        return self.inner.mean(m, at, own) + 0.0 * at

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array | None:
        """That of the family."""
        return self.inner.variance(m, *self._split(m, eta, parameters))

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family."""
        return self.inner.log_density(m, y, *self._split(m, eta, parameters))

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """In the predictor of the family, as if the other stood still."""
        return self.inner.working(m, y, *self._split(m, eta, parameters), spread)

    def working_log(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The same in the logarithm of the parameter, the predictor of the family being where its parabola leads.

        Of a normal node with residual z, in sds, the slope is z² - 1; a precision of about 1 + |slope| keeps what is far out
        within one.
        """
        tau, pull = self.working(m, y, eta, parameters, spread)
        at = eta[0] + spread * pull / (1.0 + tau * spread)
        up, down = (self.log_density(m, y, (at, eta[1] + by), parameters) for by in (STEP, -STEP))
        slope = m.np.clip((up - down) / (2.0 * STEP), -1e6, 1e6)
        return m.np.sqrt(1.0 + slope**2), slope

    def placed(self, m: Arithmetic, eta: Array, e: Array, parameters: Mapping[str, Array]) -> Array:
        """As by the family."""
        at, own = self._split(m, eta, parameters)
        return self.inner.placed(m, at, e, own)

    def noise_log_density(self, m: Arithmetic, e: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family."""
        return self.inner.noise_log_density(m, e, parameters)

    def noise(self, m: Arithmetic, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family, or the quantile where it depends on the parameter."""
        return self.inner.noise(m, uniform, parameters) if self.split else uniform

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """As by the family."""
        at, own = self._split(m, eta, parameters)
        return self.inner.respond(m, at, noise, own) if self.split else self.inner.draw(m, noise, at, own)

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family."""
        return self.inner.cdf(m, y, *self._split(m, eta, parameters))

    def survival(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """That of the family."""
        return self.inner.survival(m, y, *self._split(m, eta, parameters))


def varying(family: AbstractFamily | type[AbstractFamily]) -> tuple[str, ...]:
    """The parameters of a family that may depend on parents: those of spread, which take any positive value."""
    known: Any = type(family) if isinstance(family, AbstractFamily) else family
    return tuple(
        name
        for name in known.parameters
        if name not in known.needs and name not in known.ceilings and name not in known.switches
    )
