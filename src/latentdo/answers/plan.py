"""How one term is computed, decided once for all draws: surgery, who is simulated, drawn, summed or integrated.

A `Program` holds no number of the question: limits, levels and set values are its arguments, and node names are places, so that
any number of questions of one shape share a program.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from latentdo.errors import QueryError, UnsupportedError
from latentdo.graphs import Name, quote
from latentdo.models import (
    AbstractFamily,
    Bernoulli,
    Constant,
    Mechanism,
    ModelSpec,
    Normal,
    Power,
    Weight,
)
from latentdo.query import Distribution, Outcome, Setting, Term, law_of

from .laws import law_moments

Statistic = Literal["mean", "spread", "share", "density", "crossing", "weight"]
"""What is averaged over units: the outcome; it and its square; an event's probability; a density; the probability of a tail and
the density at its end, from which a quantile is found; nothing but the weights."""
Role = Literal["set", "summed", "seen", "drawn", "within", "last"]
"""Of a node: its value is given; all its levels are gone through; its value is evidence; drawn; drawn from where the evidence
lets it be, and weighed by the probability of that; integrated."""


@dataclass(frozen=True)
class Step:
    """One node of a program, in topological order.

    Attributes:
        place: The name that its children's mechanisms call it by.
        mechanism: How it is generated; None where it is set.
        asked: Comparisons of the outcome, `<` or `<=` or …: their limits are arguments.
        given: Comparisons of the evidence, likewise.
    """

    place: str
    mechanism: Mechanism | None
    role: Role
    asked: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """The steps, what is averaged, and of which step.

    Attributes:
        summed: The places of the nodes all of whose levels are gone through.
        combinations: Their levels, in every combination; one empty one where nothing is summed.
    """

    steps: tuple[Step, ...]
    statistic: Statistic
    target: str | None
    summed: tuple[str, ...] = ()
    combinations: tuple[tuple[float, ...], ...] = ((),)

    @property
    def weighs(self) -> bool:
        """Whether evidence weighs the units."""
        return any(step.role == "seen" or step.given for step in self.steps)

    @property
    def compiles(self) -> bool:
        """Whether every family here is known to compile, and to be the faster for it; of others NumPy draws."""
        families = [(step, step.mechanism.family) for step in self.steps if step.mechanism is not None]
        return all(
            family.split
            and (family.cdf_compiles or step.role != "last" or not (step.asked or step.given))
            and step.role != "within"
            for step, family in families
        )

    @cached_property
    def depends(self) -> tuple[tuple[int, ...], ...]:
        """Of each step the summed nodes, counted in their order, that its value or its law depends on."""
        found: dict[str, frozenset[int]] = {}
        for step in self.steps:
            parents = () if step.mechanism is None else step.mechanism.parents
            own = {self.summed.index(step.place)} if step.place in self.summed else set()
            found[step.place] = frozenset(own).union(*(found[parent] for parent in parents))
        return tuple(tuple(sorted(found[step.place])) for step in self.steps)


MOST_SUMMED = 8
"""Combinations of levels that are gone through rather than drawn: beyond this, drawing is cheaper than its noise is dear."""


@dataclass(frozen=True, eq=False)
class TermPlan:
    """How one term is computed.

    Attributes:
        term: The question.
        spec: The model after surgery.
        order: The ancestors of outcomes and evidence in it, in topological order.
        integrated: Outcomes and evidence that nothing else in the question descends from: their last step is
            integrated, not drawn.
    """

    term: Term
    spec: ModelSpec
    order: tuple[Name, ...]
    integrated: frozenset[Name]

    @cached_property
    def summed(self) -> tuple[Name, ...]:
        """Discrete nodes all of whose levels are gone through: smooth answers, and less noise than from drawing them."""
        found: list[Name] = []
        combinations = 1
        seen = {item.name for item in self.term.given if item.op == "="}
        for node in self.order:
            points = self.spec[node].family.points
            if not points or node in seen or node in self.integrated or node in self.term.treatments:
                continue
            if combinations * len(points) <= MOST_SUMMED:
                combinations *= len(points)
                found.append(node)
        return tuple(found)

    @cached_property
    def levels(self) -> tuple[tuple[float, ...], ...]:
        """The combinations of the summed nodes' levels."""
        return tuple(itertools.product(*(self.spec[node].family.points for node in self.summed)))

    @property
    def statistic(self) -> Statistic:
        """What the program averages."""
        match self.term.kind:
            case "mean":
                return "mean"
            case "variance" | "sd":
                return "spread"
            case "density":
                return "density" if self.outcome in self.integrated else "weight"
            case "quantile" if self.outcome in self.integrated and _is_smooth(self.spec[self.outcome].family):
                return "crossing"
            case _:
                return "share"

    @property
    def is_upper(self) -> bool:
        """Whether a quantile is found from the upper tail, which has the digits above the median."""
        return self.statistic == "crossing" and self.term.level is not None and self.term.level > 0.5

    @property
    def outcome(self) -> Name:
        """The first outcome: the only one but of events."""
        return self.term.outcomes[0].name

    @cached_property
    def program(self) -> Program:
        """The program that answers this term and all of its shape."""
        return self._program(self.statistic)

    @cached_property
    def evidence_program(self) -> Program:
        """The probability of the evidence alone, by which a density beside it is divided."""
        return replace(self, term=replace(self.term, kind="event", outcomes=()))._program("weight")

    def _program(self, statistic: Statistic) -> Program:
        place = {node: f"n{k}" for k, node in enumerate(self.order)}
        target = place[self.outcome] if statistic in ("mean", "spread", "density", "crossing") else None
        steps = [self._step(node, place, statistic) for node in self.order]
        return Program(tuple(steps), statistic, target, tuple(place[node] for node in self.summed), self.levels)

    def _step(self, node: Name, place: dict[Name, str], statistic: Statistic) -> Step:
        if node in self.term.treatments:
            return Step(place[node], None, "set")
        mechanism = _placed(self.spec[node], place)
        asked = tuple(item.op for item in self.events(node))
        if self.term.kind == "quantile" and node == self.outcome:
            asked = (">",) if self.is_upper else ("<=",)
        given = tuple(item.op for item in self.given(node))
        seen = any(item.name == node and item.op == "=" for item in self.term.given)
        if seen or (self.term.kind == "density" and statistic == "weight" and node == self.outcome):
            return Step(place[node], mechanism, "seen")
        if node in self.summed:
            return Step(place[node], mechanism, "summed", asked, given)
        last = node in self.integrated and (
            statistic != "spread" or node != self.outcome or mechanism.family.has_variance
        )
        # Units that the evidence rules out would be drawn for nothing.
        drawn = "within" if given and _is_smooth(mechanism.family) and mechanism.family.split else "drawn"
        return Step(place[node], mechanism, "last" if last else drawn, asked, given)

    def events(self, node: Name) -> list[Outcome]:
        """What the event says of a node."""
        return [item for item in self.term.outcomes if item.name == node and item.op and self.term.kind == "event"]

    def given(self, node: Name) -> list[Outcome]:
        """What evidence that is an event says of a node."""
        return [item for item in self.term.given if item.name == node and item.op not in ("", "=")]


def _is_smooth(family: AbstractFamily) -> bool:
    """Whether a node of the family has a density given its parents."""
    return not family.discrete and not family.noiseless


def plan_term(spec: ModelSpec, term: Term) -> TermPlan:
    """Surgery, the nodes to simulate, and which last steps are integrated.

    Raises:
        UnsupportedError: Evidence, or a density, on a node without noise.
        QueryError: A mean or a variance that does not exist.
    """
    mutilated = spec.do({setting.name: _set_to(setting) for setting in term.do})
    _check_moments(term, mutilated)
    relevant = {*term.outcome_names, *term.conditions}
    ancestors = mutilated.graph.ancestors(relevant)
    order = tuple(node for node in mutilated.graph.topological_order() if node in ancestors)
    integrated = frozenset(node for node in relevant if not (mutilated.graph.descendants([node]) - {node}) & relevant)
    for condition in term.given:
        if condition.op == "=" and mutilated[condition.name].family.noiseless:
            raise UnsupportedError(
                f"{condition.name} is linear (no noise), so {condition} has no density to weigh by. "
                f"Condition on its parents instead, or on an event such as {condition.name} > 0."
            )
    if term.kind == "density" and mutilated[term.outcomes[0].name].family.noiseless:
        name = term.outcomes[0].name
        raise UnsupportedError(
            f"{name} is linear (no noise): it may have single values of positive probability, and no density is computed. "
            f"Ask for P({name} > …, {name} < …)."
        )
    return TermPlan(term, mutilated, order, integrated)


def _set_to(setting: Setting) -> float | Mechanism:
    match setting.value:
        case Distribution() as law:
            return root(law)
        case None:
            raise QueryError(f"do({setting.name}) has no value. Write do({setting.name}=…) to get a number.")
        case value:
            # Levels are refused by the node's family when surgery is done.
            return value  # type: ignore[return-value]


def root(distribution: Distribution) -> Mechanism:
    """The mechanism of a node that is drawn from a law of its own.

    Of a law that is no family here it has the mean and the sd: what means and variances of a linear model depend on. Where there
    are none, its place is held.
    """
    law = law_of(distribution)
    if law.family == "bernoulli":
        return Mechanism(Bernoulli(), (), math.log(law.args[0]) - math.log1p(-law.args[0]))
    mean, sd = law_moments(distribution)
    if law.family == "categorical" or not math.isfinite(mean):
        return Mechanism(Constant(0.0))
    return Mechanism(Normal(), (), mean, (("sd", sd),))


def _check_moments(term: Term, mutilated: ModelSpec) -> None:
    """Refuse a mean or variance that does not exist, because a treatment is drawn from a law without one.

    A response that is bounded (hill, probabilities) has moments whatever moves it, so only paths without one count.
    """
    if term.kind not in ("mean", "variance", "sd") or term.given:
        return
    for setting in term.do:
        if not isinstance(setting.value, Distribution):
            continue
        law = law_of(setting.value)
        mean, sd = law_moments(setting.value)
        path = unbounded_path(mutilated, setting.name, term.outcomes[0].name)
        if not path or (math.isfinite(law.low) and math.isfinite(law.high)):
            continue
        grows = any(mutilated[node].family.log_link for node in path)
        power = math.prod(_degree(mutilated, node) for node in {setting.name, *path} - {term.outcomes[0].name})
        moment = power * (1 if term.kind == "mean" else 2)
        lacking = (
            "no mean"
            if not math.isfinite(mean)
            else "an infinite variance"
            if term.kind != "mean" and not math.isfinite(sd)
            else "tails too heavy for the exponential of a log link"
            if grows and law.family in ("student", "lognormal")
            else f"no moment of order {moment}, on which this depends"
            if power > 1 and law.family == "student" and law.args[0] <= moment
            else ""
        )
        if lacking:
            name = quote(term.outcomes[0].name)
            raise QueryError(
                f"{term} does not exist: {setting.value} has {lacking}. Ask for the median, Median[{name} | …], or draw "
                f"{quote(setting.name)} from a law that is cut, with low= and high=."
            )


def _degree(spec: ModelSpec, node: Name) -> int:
    """The highest power by which a node enters the predictor of another."""
    return max((shape.degree for shape in spec.shaped.get(node, ()) if isinstance(shape, Power)), default=1)


def unbounded_path(spec: ModelSpec, treatment: Name, outcome: Name) -> frozenset[Name]:
    """The nodes on paths from the treatment to the outcome that are not held back by a bounded response."""
    bounded = {node for node in spec.graph.nodes if spec[node].family.points or spec[node].family.bounded_mean}
    reached, waiting = set[Name](), [treatment]
    while waiting:
        for child in spec.graph.children(waiting.pop()):
            if child not in bounded and child not in reached:
                reached.add(child)
                waiting.append(child)
    return frozenset(reached & spec.graph.ancestors([outcome])) if outcome in reached else frozenset()


def _placed(mechanism: Mechanism, place: dict[Name, str]) -> Mechanism:
    """A mechanism whose parents are called by their places, without priors: what a program depends on."""
    weights = tuple(
        Weight(tuple(place[parent] for parent in w.parents), levels=w.levels, shapes=w.shapes)
        for w in mechanism.weights
    )
    return Mechanism(mechanism.family, weights)
