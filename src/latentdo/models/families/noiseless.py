"""What families without noise have in common."""

from __future__ import annotations

from collections.abc import Mapping

from ..arithmetic import Arithmetic, Array
from ..family import AbstractFamily


class AbstractNoiseless(AbstractFamily):
    """`node = linear predictor`, exactly."""

    split = True

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor."""
        return eta

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """None: there is no noise."""
        return 0.0 * eta

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """None: evidence on a point mass would be an equation, not a weight."""
        raise AssertionError("a noise-free node has no density")

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """None, as there is no density."""
        del spread
        raise AssertionError("a noise-free node has no density")

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The predictor, whatever the noise."""
        return eta + 0.0 * noise

    def cdf(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """A step at the predictor."""
        return 1.0 * (eta <= y)
