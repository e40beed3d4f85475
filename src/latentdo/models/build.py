"""From families to arithmetic: the two that latentdo computes with, and a family bound to them.

Written once for NumPy and JAX: each function takes the `Arithmetic` that it computes with. Draws invert the cdf, so that
two worlds that share their uniforms share their noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
import scipy.special

from .arithmetic import LINK_CLIP, LOG_LARGEST, Arithmetic, Array
from .events import all_hold, probability, satisfies
from .family import AbstractFamily

__all__ = [
    "LINK_CLIP", "LOG_LARGEST", "NUMPY", "Arithmetic", "Array", "Numerics", "all_hold", "numerics", "satisfies",
]  # fmt: skip

NUMPY = Arithmetic(numpy, scipy.special)


@dataclass(frozen=True)
class Numerics:
    """The arithmetic of one family: `eta` is the linear predictor, `parameters` the family's own by name.

    What is asked with both kinds of arrays takes the arithmetic; links, draws and cdfs are NumPy's.
    """

    family: AbstractFamily

    def link(self, values: Array) -> Array:
        """The column on the link scale, where the default priors are stated."""
        return self.family.link(NUMPY, values)

    def mean(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """E[node | parents]."""
        return self.family.mean(m, eta, parameters)

    def log_density(self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The log density (log probability) of `y` given the parents."""
        return self.family.log_density(m, y, eta, parameters)

    def working(
        self, m: Arithmetic, y: Array, eta: Array, parameters: Mapping[str, Array], spread: Array = 0.0
    ) -> tuple[Array, Array]:
        """The log density near `eta` as a parabola in the predictor: precision tau, and tau times (its top - eta)."""
        return self.family.working(m, y, eta, parameters, spread)

    def variance(self, m: Arithmetic, eta: Array, parameters: Mapping[str, Array]) -> Array | None:
        """Var[node | parents]; None of a family that has no formula for it."""
        return self.family.variance(m, eta, parameters)

    def noise(self, uniform: Array, parameters: Mapping[str, Array]) -> Array:
        """What of the draw at a quantile does not depend on the predictor; of a family that is not split, the quantile."""
        return self.family.noise(NUMPY, uniform, parameters)

    def respond(self, m: Arithmetic, eta: Array, noise: Array, parameters: Mapping[str, Array]) -> Array:
        """The node's value given its predictor and its noise; a family that is not split is drawn by NumPy."""
        if self.family.split:
            return self.family.respond(m, eta, noise, parameters)
        return self.family.draw(m, noise, eta, parameters)

    def draw(self, uniform: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """The node's value at the quantile `uniform` of its law given the parents."""
        return self.family.draw(NUMPY, uniform, eta, parameters)

    def cdf(self, y: Array, eta: Array, parameters: Mapping[str, Array]) -> Array:
        """P(node <= y | parents)."""
        return self.family.cdf(NUMPY, y, eta, parameters)

    def chance(
        self,
        m: Arithmetic,
        operators: Sequence[str],
        limits: Sequence[Array],
        eta: Array,
        parameters: Mapping[str, Array],
    ) -> Array:
        """P(the comparisons hold | parents) of a node with noise."""
        return probability(self.family, m, operators, limits, eta, parameters)


def numerics(family: AbstractFamily) -> Numerics:
    """The arithmetic of a family."""
    return Numerics(family)
