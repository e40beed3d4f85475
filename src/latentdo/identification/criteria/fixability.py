"""Fixability of one treatment: how its district meets what it causes, and the sets that estimators need.

Everything is read in the graph over the ancestors of the outcomes: nothing else matters to the effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from latentdo.graphs import Mask, Masks, Name, bits, components, quote, reach, union
from latentdo.sheet import in_braces

from .districts import HedgeMasks, decide, markov_pillow, reachable_closure

Names = Callable[[Mask], tuple[Name, ...]]


@dataclass(frozen=True)
class Fixing:
    """One step to a kernel: `node` is fixed, q becomes q / q(node | blanket).

    Attributes:
        node: What is fixed.
        blanket: Its Markov blanket in the graph as it is at this step: its district there, and the parents of both.
        is_sum: Whether nothing random that is left depends on it: then the step is a sum over it.
    """

    node: Name
    blanket: tuple[Name, ...]
    is_sum: bool


@dataclass(frozen=True)
class Kernel:
    """How q(district | its parents) is reached from P(V), and what stands in its place in P(V).

    Attributes:
        district: A district of the graph without the treatment, over the ancestors of the outcomes.
        parents: The nodes outside that it depends on.
        fixings: The steps, in order. None where the district is one of the graph over the ancestors of the
            outcomes as it stands: then the kernel is the product of p(v | pillow of v).
        meets_treatment_district: Whether it lies in the treatment's district: those alone need a weight other
            than one, the kernel over the product of p(v | pillow of v).
    """

    district: tuple[Name, ...]
    parents: tuple[Name, ...]
    fixings: tuple[Fixing, ...]
    meets_treatment_district: bool


@dataclass(frozen=True)
class Fixability:
    """What kind of fixable a treatment is, with the sets that the estimators need.

    Every set is in `order`, and every statement about the graph over the ancestors of the outcomes.

    Attributes:
        treatment: The node that is set.
        outcomes: The nodes asked about.
        order: The ancestors of the outcomes in topological order, what the treatment does not cause before it.
        a_fixable: No node of the treatment's district is caused by the treatment.
        p_fixable: No child of the treatment is in its district.
        nested_fixable: The effect is identified.
        district: The treatment's district, itself included.
        blanket: The Markov blanket of the treatment: the rest of its district, and all parents of the district.
        pillows: For each node of `order` its Markov pillow: the blanket among what comes before it.
        before: C, what comes before the treatment.
        joined: L, the treatment and what comes after it in its district.
        mediators: M, what else comes after it: the mediators, and an outcome that is in another district.
        kernels: For a nested fixable treatment the districts of the graph without it; else empty.
        reasons: Why the treatment is not a-fixable, p-fixable, nested fixable: kind and sentence.

    Source:
        Bhattacharya, Nabi & Shpitser (2022), Semiparametric inference for causal effects in graphical models
        with hidden variables, sections 3 to 6; Richardson et al. (2023), Nested Markov properties for ADMGs.
    """

    treatment: Name
    outcomes: tuple[Name, ...]
    order: tuple[Name, ...]
    a_fixable: bool
    p_fixable: bool
    nested_fixable: bool
    district: tuple[Name, ...]
    blanket: tuple[Name, ...]
    pillows: tuple[tuple[Name, tuple[Name, ...]], ...]
    before: tuple[Name, ...]
    joined: tuple[Name, ...]
    mediators: tuple[Name, ...]
    kernels: tuple[Kernel, ...]
    reasons: tuple[tuple[str, str], ...]

    @property
    def has_effect(self) -> bool:
        """Whether the treatment causes an outcome at all."""
        return bool(self.order) and self.treatment in self.order

    @property
    def pillow(self) -> tuple[Name, ...]:
        """The Markov pillow of the treatment; of an a-fixable one it is an adjustment set."""
        return dict(self.pillows).get(self.treatment, ())

    @property
    def estimators(self) -> tuple[str, ...]:
        """The names of the estimators that apply, those that need least of the graph last."""
        if not self.has_effect:
            return ()
        back_door = ("g-formula", "ipw", "aipw", "tmle") if self.a_fixable else ()
        primal = ("pipw", "dipw", "apipw") if self.p_fixable else ()
        nested = ("nested ipw", "nested aipw", "werm-id", "dml-id", "plug-in") if self.nested_fixable else ()
        return back_door + primal + nested

    def to_json(self) -> dict[str, object]:
        """Kinds, sets and estimators as plain values."""
        return {
            "treatment": self.treatment,
            "outcomes": list(self.outcomes),
            "a_fixable": self.a_fixable,
            "p_fixable": self.p_fixable,
            "nested_fixable": self.nested_fixable,
            "order": list(self.order),
            "district": list(self.district),
            "blanket": list(self.blanket),
            "pillow": list(self.pillow),
            "C": list(self.before),
            "L": list(self.joined),
            "M": list(self.mediators),
            "estimators": list(self.estimators),
            "reasons": dict(self.reasons),
        }

    def __str__(self) -> str:
        if not self.has_effect:
            return f"{quote(self.treatment)} causes none of {braced(self.outcomes)}: nothing to fix."
        reasons = dict(self.reasons)
        kinds = (("a-fixable", self.a_fixable), ("p-fixable", self.p_fixable), ("nested fixable", self.nested_fixable))
        lines = [f"{kind}: {'yes' if holds else 'no, ' + reasons[kind]}" for kind, holds in kinds]
        lines.append(f"Markov pillow of {quote(self.treatment)}: {braced(self.pillow)}")
        if self.p_fixable:
            lines.append(
                f"C (before it): {braced(self.before)}; L (in its district): {braced(self.joined)}; "
                f"M (the rest after it): {braced(self.mediators)}"
            )
        lines.append(f"Estimators: {', '.join(self.estimators) or 'none'}")
        return "\n".join(lines)


def braced(names: Iterable[Name]) -> str:
    """The names as a set: {A, B}."""
    return in_braces(map(quote, names))


def fixability(masks: Masks, treatment: int, outcomes: Mask) -> Fixability:
    """The kinds of fixable that the treatment (a node's number) is for the outcomes, in sorted masks."""
    needed = reach(outcomes, masks.parents)
    node = 1 << treatment
    if not needed & node:
        needed = 0
    after = reach(node, masks.children, needed)
    order = [*bits(needed & ~after), *bits(after)]
    district = reach(node, masks.spouses, needed)
    blanket = (district | union(masks.parents, district)) & ~node if needed else 0
    earlier, pillows = 0, dict[int, Mask]()
    for i in order:
        pillows[i] = markov_pillow(masks, i, earlier)
        earlier |= 1 << i
    caught = district & after & ~node
    children = district & masks.children[treatment]
    identified = not isinstance(decide(masks, node, outcomes), HedgeMasks)

    def names(mask: Mask) -> tuple[Name, ...]:
        return tuple(masks.names[i] for i in order if mask >> i & 1)

    return Fixability(
        treatment=masks.names[treatment],
        outcomes=masks.nodes(outcomes),
        order=names(needed),
        a_fixable=not caught,
        p_fixable=not children,
        nested_fixable=identified,
        district=names(district),
        blanket=names(blanket),
        pillows=tuple((masks.names[i], names(pillows[i])) for i in order),
        before=names(needed & ~after),
        joined=names(district & after),
        mediators=names(after & ~district),
        kernels=_kernels(masks, treatment, needed, outcomes, names) if identified and needed else (),
        reasons=_reasons(masks.names[treatment], names(caught), names(children), identified),
    )


def _kernels(masks: Masks, treatment: int, needed: Mask, outcomes: Mask, names: Names) -> tuple[Kernel, ...]:
    treatment_district = reach(1 << treatment, masks.spouses, needed)
    kernels: list[Kernel] = []
    for district in components(reach(outcomes, masks.parents, ~(1 << treatment)), masks.spouses):
        whole = reach(district, masks.spouses, needed) == district
        reached, steps = (district, []) if whole else reachable_closure(masks, district, needed)
        assert reached == district, "an identified district can be reached by fixing"
        kernels.append(
            Kernel(
                district=names(district),
                parents=names(union(masks.parents, district) & ~district),
                fixings=tuple(Fixing(masks.names[i], names(blanket), is_sum) for i, blanket, is_sum in steps),
                meets_treatment_district=bool(district & treatment_district),
            )
        )
    return tuple(kernels)


def _reasons(
    treatment: Name, caught: tuple[Name, ...], children: tuple[Name, ...], identified: bool
) -> tuple[tuple[str, str], ...]:
    reasons: list[tuple[str, str]] = []
    if caught:
        reasons.append(("a-fixable", f"bidirected edges join {quote(treatment)} to what it causes, {braced(caught)}."))
    if children:
        word = "child" if len(children) == 1 else "children"
        reasons.append(("p-fixable", f"bidirected edges join {quote(treatment)} to its {word} {braced(children)}."))
    if not identified:
        reasons.append(("nested fixable", "the effect is not identified."))
    return tuple(reasons)
