"""The verdicts of many pairs at once: what they share is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from latentdo.graphs import Mask, Masks, bits, components, connected, reach
from latentdo.query import Outcome, Setting, Term

from ..criteria.adjustment import adjustment_set
from ..criteria.districts import HedgeMasks, decide
from ..criteria.front_door import conditional_front_door, front_door_set
from .reduction import acting, exchange, problem_of

Form = Literal[
    "no effect",
    "seeing is doing",
    "back-door",
    "front-door",
    "conditional front-door",
    "general formula",
    "experiment",
    "not identified",
]
FORMS: dict[Form, str] = {
    "no effect": "·",
    "seeing is doing": "=",
    "back-door": "B",
    "front-door": "F",
    "conditional front-door": "C",
    "general formula": "G",
    "experiment": "E",
    "not identified": "x",
}
"""Each form and its letter, from the easiest to the impossible."""


@dataclass(frozen=True)
class Judge:
    """P(outcomes | do(treatments), given) for many treatments and outcomes on one graph.

    Attributes:
        masks: The graph, its bits in topological order.
        given: Evidence that every question has.
        regimes: What is set in each experiment that is known besides P(V).
    """

    masks: Masks
    given: Mask = 0
    regimes: tuple[Mask, ...] = ()
    _hedges: dict[Mask, bool] = field(default_factory=dict, compare=False)
    _back_doors: dict[Mask, Mask] = field(default_factory=dict, compare=False)

    def verdicts(self, treatments: Sequence[Mask], outcomes: Sequence[Mask]) -> list[list[bool | None]]:
        """Whether each is identified, one row per treatment; None where a node would play two parts."""
        columns = [self._column(treatments, y) for y in outcomes]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in treatments]

    def _column(self, treatments: Sequence[Mask], y: Mask) -> list[bool | None]:
        """One outcome and every treatment: they share its ancestors and their districts."""
        decided = self._decider(y)
        return [None if x & y or (x | y) & self.given else decided(x) for x in treatments]

    def _decider(self, y: Mask) -> Callable[[Mask], bool]:
        masks = self.masks
        if self.given:
            return lambda x: (
                not isinstance(decide(masks, *exchange(problem_of(masks, self.term(x, y))), self.regimes), HedgeMasks)
            )
        above = reach(y, masks.parents)
        homes: dict[int, Mask] = {}
        for part in components(above, masks.spouses):
            homes.update((i, part) for i in bits(part))

        def decided(x: Mask) -> bool:
            home = effects = 0
            for i in bits(x & above):
                home |= homes[i]
                effects |= masks.children[i]
            # Without unmeasured causes common to a treatment and what it acts on, nothing is in the way.
            if not effects & home:
                return True
            needed = reach(y, masks.parents, ~x)
            # A district that no treatment's district touches is one already before the treatments are cut off.
            return not any(self.is_hedged(part) for part in components(needed & home, masks.spouses))

        return decided

    def is_hedged(self, district: Mask) -> bool:
        """Whether Q[district] is beyond all that is known: it does not depend on the pair that asks."""
        known = self._hedges.get(district)
        if known is None:
            decided = decide(self.masks, self.masks.all & ~district, district, self.regimes)
            known = self._hedges[district] = isinstance(decided, HedgeMasks)
        return known

    def form(self, x: Mask, y: Mask, identified: bool) -> Form:
        """The simplest of the forms that the answer takes, in the order of `FORMS`.

        Source:
            Rules 2 and 3 of the do-calculus, Pearl (2009), Causality, theorem 3.4.1, for the first two.
        """
        if not identified:
            return "not identified"
        masks, given = self.masks, self.given
        if given:
            problem = problem_of(masks, self.term(x, y))
            given = problem.conditions
        if self._is_idle(x, y, given):
            return "no effect"
        if not self._seen(x, y, given) & x:
            return "seeing is doing"
        if self.regimes and isinstance(decide(masks, *exchange(problem_of(masks, self.term(x, y)))), HedgeMasks):
            return "experiment"
        if given:
            return "general formula"
        x = acting(masks, x, y)
        if not self._seen(x, y, 0) & x:
            return "seeing is doing"
        if adjustment_set(masks, x, y) is not None:
            return "back-door"
        if front_door_set(masks, x, y) is not None:
            return "front-door"
        door = conditional_front_door(masks, x, y, least=False)
        return "general formula" if door is None else "conditional front-door"

    def _is_idle(self, x: Mask, y: Mask, given: Mask) -> bool:
        """Whether the treatments can be left out (rule 3)."""
        if not given:
            return not reach(y, self.masks.parents) & x
        cut = self.masks.cut(x)
        cut = self.masks.cut(x & ~reach(given, cut.parents))
        return not connected(cut, y, given) & x

    def _seen(self, x: Mask, y: Mask, given: Mask) -> Mask:
        """The nodes with an open path to y (at least those of x among them) without arrows out of x (rule 2)."""
        if given:
            return connected(self.masks.cut(0, x), y, given)
        # One walk from the treatments serves every outcome.
        if x not in self._back_doors:
            self._back_doors[x] = connected(self.masks.cut(0, x), x, 0)
        return x if self._back_doors[x] & y else 0

    def term(self, x: Mask, y: Mask) -> Term:
        """The question as a term: P(y | do(x), given)."""
        names = self.masks.nodes
        return Term(
            "law",
            tuple(map(Outcome, names(y))),
            tuple(map(Setting, names(x))),
            tuple(map(Outcome, names(self.given))),
        )
