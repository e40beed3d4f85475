"""What experiments on other variables would add: the effect from P(V) and from P(V | do(Z)) for surrogates Z."""

from __future__ import annotations

from collections.abc import Iterable

from latentdo.graphs import Mask, Masks, Name, components, reach
from latentdo.query import Term

from ..engine.reduction import exchange, problem_of
from ..proof.routes import closure
from .measuring import Found, Limits, minimal_sets


class Experiments:
    """Questions, with data from experiments on a set of nodes and on each of its subsets.

    Every district D that the outcomes need must be identified from one of the laws P(V | do(Z')) with Z' outside D.
    Setting more nodes never makes a district harder, so that Z' = Z without D decides.

    Source:
        Bareinboim & Pearl (2012), Causal inference by surrogate experiments: z-identifiability; Lee, Correa &
        Bareinboim (2019), General identifiability with arbitrary surrogate experiments, theorem 3; with evidence
        Kivva, Etesami & Kiyavash (2023), On identifiability of conditional causal effects, theorem 1.
    """

    def __init__(self, masks: Masks, terms: Iterable[Term]) -> None:
        self.masks = masks
        self.districts: list[Mask] = []
        self.set_already: Mask = 0
        for term in terms:
            self.set_already |= masks.mask(term.treatments)
            treatments, outcomes = exchange(problem_of(masks, term))
            self.districts += components(reach(outcomes, masks.parents, ~treatments), masks.spouses)

    def breaking(self, chosen: frozenset[Name]) -> frozenset[Name] | None:
        """None if experiments on `chosen` identify all, else the nodes of a hedge that an experiment could set."""
        held = self.masks.mask(chosen)
        for district in self.districts:
            hedge = closure(self.masks, district, self.masks.all & ~(held & ~district))
            if hedge != district:
                return frozenset(self.masks.nodes(hedge & ~district & ~self.set_already))
        return None

    def minimal(self, limits: Limits) -> Found:
        """The minimal sets of nodes, none of them set by the questions, on which experiments identify all."""
        return minimal_sets(self.breaking, limits)
