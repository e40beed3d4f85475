"""Which terms have an exact value in every draw, and what it is."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.inference import Posterior
from latentdo.query import Distribution, Term, law_of

from ..plan import TermPlan
from .discrete import DiscreteWorld
from .gaussian import MOMENTS, GaussianWorld

GAUSSIAN, LINEAR = "linear-Gaussian", "linear"
DISCRETE = "enumeration"
_LEVELLED = frozenset({"bernoulli", "categorical"})


class Exact:
    """The exact engines of one call, made when first needed: what its terms share is computed once."""

    def __init__(self, posterior: Posterior) -> None:
        self.posterior = posterior
        self._engine: dict[Term, str | None] = {}

    @cached_property
    def _gaussian(self) -> GaussianWorld:
        return GaussianWorld(self.posterior.spec, self.posterior.by_node)

    @cached_property
    def _discrete(self) -> DiscreteWorld:
        return DiscreteWorld(self.posterior.spec, self.posterior.by_node)

    def engine(self, plan: TermPlan) -> str | None:
        """Which engine is exact for the term; None where it has to be simulated."""
        if plan.term not in self._engine:
            self._engine[plan.term] = self._engine_of(plan)
        return self._engine[plan.term]

    def applies(self, plan: TermPlan) -> bool:
        """Whether some engine is exact for the term."""
        return self.engine(plan) is not None

    def _engine_of(self, plan: TermPlan) -> str | None:
        laws = [law_of(item.value) for item in plan.term.do if isinstance(item.value, Distribution)]
        # Means and variances of a linear model depend on the mean and the variance of a law alone.
        by_moments = plan.term.kind in MOMENTS and not plan.term.given
        normal = all(law.family == "normal" and not law.is_cut for law in laws)
        if (normal or (by_moments and not any(law.family in _LEVELLED for law in laws))) and self._gaussian.applies(
            plan
        ):
            return GAUSSIAN if self._gaussian.is_normal(plan) else LINEAR
        if all(law.family in _LEVELLED for law in laws) and self._discrete.applies(plan):
            return DISCRETE
        return None

    def value(self, plan: TermPlan) -> FloatArray | None:
        """The term per draw; None where it has to be simulated after all, as where evidence is degenerate."""
        engine = self.engine(plan)
        if engine is None:
            return None
        # What is not finite in the end is refused by name.
        with np.errstate(all="ignore"):
            found = self._gaussian.value(plan) if engine != DISCRETE else self._discrete.value(plan)
        if found is None:
            self._engine[plan.term] = None
            return None
        # Rounding may leave a probability a last digit above 1.
        return np.clip(found, 0.0, 1.0) if plan.term.kind == "event" else found
