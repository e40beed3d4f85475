"""The number of a query in every draw: exact where all of its terms are, else simulated until its error is small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from latentdo.errors import QueryError
from latentdo.models import ModelSpec
from latentdo.query import Binary, Expression, Number, Query, Term, operations_of

from .comparisons import complement
from .estimate import Computation
from .exact import Exact
from .plan import TermPlan, plan_term
from .simulation import REPLICATES, FloatArray, Simulation, spread_of

UNITS = tuple(2**k for k in range(5, 15))
"""Units per draw: the first after one that keeps the simulation error below its share of the posterior sd.

One more, because an error that was looked at until it was small is told too small.
"""
SIMULATION_SHARE = 0.05
WIDENED_SHARE = 0.2
"""What units may add to the number of one draw, as a share of the answer's sd: intervals are then 2 % too wide."""
FIXED_SHARE = 0.002
"""Where the posterior has no spread, the simulation error that is small enough, as a share of the outcome's own scale."""
ENOUGH_EVIDENCE = 100.0
"""Effective units per draw (their 5 % quantile) below which evidence calls for more units, and then for a warning; half of the
units are enough whatever they are.
"""
NEAR_ONE = 0.999
"""Probability above which 1 - P is computed as the probability of what the event leaves open."""
ROUNDING = 1e-9
HOPELESS = 1024
"""Units that show whether evidence ever occurs."""


@dataclass(frozen=True, eq=False)
class Computed:
    """A query's number in every draw.

    Attributes:
        draws: (draw,), chains end to end.
        error: Standard error of their mean that comes from simulation; 0 where they are exact.
        n_units: Simulated units per draw; 0 where they are exact.
        units: Of evidence that weighs the units their effective number, per draw.
        computation: How the number was computed.
        rarest: The smallest probability of evidence, where it has one and is known; its mean over the draws.
        n_never: Draws in which evidence of an exact term never occurs.
        widening: Standard deviation that simulation adds to the number of one draw.
        crossing: Ratios whose denominators are now above, now below 0, and in which share of the draws on the rarer side.
    """

    draws: FloatArray
    error: float
    n_units: int
    units: FloatArray | None
    computation: Computation
    rarest: float | None = None
    crossing: tuple[tuple[Binary, float], ...] = ()
    n_never: int = 0
    widening: float = 0.0

    @property
    def evidence(self) -> float | None:
        """The 5 % quantile over draws of the effective number of units."""
        return None if self.units is None else float(np.quantile(self.units, 0.05))


@dataclass(frozen=True, eq=False)
class Simulated:
    """A query's number with some number of units, (replicate, column), and the fewest effective units of its terms."""

    values: FloatArray
    units: FloatArray | None


def compute(
    simulation: Simulation,
    exact: Exact,
    query: Query,
    plans: Mapping[Term, TermPlan],
    ladder: Sequence[int],
) -> Computed:
    """Exactly, or with ever more units until the simulation error is small beside the posterior sd.

    Args:
        ladder: Numbers of units to try.
    """
    spec = simulation.posterior.spec
    own = {term: plans[term] for term in query.terms}
    known = {term: value for term, plan in own.items() if (value := exact.value(plan)) is not None}
    rarest = _rarest(exact, [plan for term, plan in own.items() if term in known])
    if len(known) == len(own):
        with np.errstate(all="ignore"):
            # Not the engine's own array: answers do not share memory.
            opposites = _opposites(spec, query, known, lambda term: exact.value(plan_term(spec, term)))
            draws = np.array(np.broadcast_to(arithmetic(query.expression, known, opposites), (simulation.n_draws,)))
        used = dict.fromkeys(str(exact.engine(plan)) for plan in own.values())
        never = [np.isnan(value) for term, value in known.items() if term.given]
        n_never = int(np.any(never, axis=0).sum()) if never else 0
        return Computed(
            draws, 0.0, 0, None, Computation("exact", ", ".join(used)), rarest, crossings(query, known), n_never
        )
    placed = {term: simulation.layout.spread(value) for term, value in known.items()}
    left = {term: plan for term, plan in own.items() if term not in known}
    found, n_units, enough = None, 0, False
    for n_units in simulation.affordable(ladder, left.values()):
        values = simulated(simulation, exact, query, left, placed, n_units)
        found = settled(simulation, values, n_units)
        if enough:
            break
        enough = has_settled(simulation, query, values, found)
    assert found is not None
    gathered = simulation.layout.gathered
    drawn = {term: gathered(simulation.term(plan, n_units).value) for term, plan in left.items()}
    crossing = crossings(query, {**known, **drawn})
    simulated_chances = [simulation.term(plan, n_units).chance for plan in left.values()]
    means = [float(gathered(chance).mean()) for chance in simulated_chances if chance is not None]
    rarest = min([*means, *([] if rarest is None else [rarest])], default=None)
    return replace(found, rarest=rarest, crossing=crossing)


def simulated(
    simulation: Simulation,
    exact: Exact,
    query: Query,
    plans: Mapping[Term, TermPlan],
    known: Mapping[Term, FloatArray],
    n_units: int,
) -> Simulated:
    """The query with some number of units; `known` are exact terms, (replicate, column)."""
    found = {term: simulation.term(plan, n_units) for term, plan in plans.items()}
    terms = {**known, **{term: value.value for term, value in found.items()}}

    def value_of(term: Term) -> FloatArray:
        plan = plan_term(simulation.posterior.spec, term)
        value = exact.value(plan)
        return simulation.term(plan, n_units).value if value is None else simulation.layout.spread(value)

    opposites = _opposites(simulation.posterior.spec, query, terms, value_of)
    with np.errstate(all="ignore"):
        values = np.broadcast_to(arithmetic(query.expression, terms, opposites), simulation.layout.columns.shape)
    units = [value.units for value in found.values() if value.units is not None]
    return Simulated(values, np.min(units, axis=0) if units else None)


def _opposites(
    spec: ModelSpec, query: Query, terms: Mapping[Term, FloatArray], value_of: Callable[[Term], FloatArray | None]
) -> dict[Term, FloatArray]:
    """1 - P of probabilities that come near 1, by what their events leave open: the difference would have no digits.

    Args:
        value_of: The value of another term; None where it has none.
    """
    found = {}
    for term in dict.fromkeys(_subtracted(query.expression)):
        if not (terms[term] > NEAR_ONE).any():
            continue
        levels = {name: spec.levels.get(name) or spec[name].family.points for name in term.outcome_names}
        events = complement(term.outcomes, {name: own for name, own in levels.items() if own})
        values = [value for event in events if (value := value_of(replace(term, outcomes=event))) is not None]
        if len(values) == len(events):
            found[term] = np.sum(values, axis=0)
    return found


def _subtracted(expression: Expression) -> Iterator[Term]:
    """The events whose probability is subtracted from 1, as odds do."""
    match expression:
        case Binary(op="-", left=Number(value=1.0), right=Term(kind="event") as event):
            yield event
        case Binary(left=left, right=right):
            yield from _subtracted(left)
            yield from _subtracted(right)
        case _:
            pass


def settled(simulation: Simulation, found: Simulated, n_units: int, note: str = "") -> Computed:
    """One number per draw, and the simulation error."""
    layout = simulation.layout
    units = None if found.units is None else layout.gathered(found.units)
    computation = Computation("simulated", f"{n_units:,} units per draw in {REPLICATES} replicates{note}")
    error, widening = layout.error(found.values), layout.widening(found.values)
    return Computed(layout.gathered(found.values), error, n_units, units, computation, widening=widening)


def is_rare(evidence: float, n_units: int) -> bool:
    """Whether evidence leaves too few effective units behind a number."""
    return evidence < min(ENOUGH_EVIDENCE, 0.5 * n_units)


def is_enough(found: Computed) -> bool:
    """Whether more units would change nothing that is reported."""
    if found.evidence is not None and found.units is not None:
        rare = found.units.min() == 0 or is_rare(found.evidence, found.n_units)
        # Evidence that in most draws no unit shows is given up: it will be refused.
        if rare and not (found.n_units >= HOPELESS and np.median(found.units) == 0):
            return False
        if rare:
            return True
    if not np.isfinite(found.draws).all():
        # No number of units gives it a value.
        return True
    # Of one draw there is no sd to compare with.
    sd = spread_of(found.draws)
    return len(found.draws) > 1 and found.error <= SIMULATION_SHARE * sd and found.widening <= WIDENED_SHARE * sd


def has_settled(simulation: Simulation, query: Query, values: Simulated, found: Computed) -> bool:
    """Whether more units would change nothing that is reported; `found` is what the values gave.

    Where no draw differs from another there is no sd to go by, and the error has to be small beside the outcome. Draws of a
    replicate share their noise, so that what differs between them is the posterior's.
    """
    if is_enough(found):
        return True
    scale = _own_scale(simulation, query, found)
    if len(found.draws) == 1 or not (np.ptp(values.values, axis=1) <= ROUNDING * scale).all():
        return False
    short = found.evidence is not None and is_rare(found.evidence, found.n_units)
    return not short and found.error <= FIXED_SHARE * scale


def _own_scale(simulation: Simulation, query: Query, found: Computed) -> float:
    """How large differences of the query are: of its outcome by the column's sd, of products and ratios by their size."""
    if any(part.op in "*/" for part in operations_of(query.expression)):
        return abs(float(found.draws.mean()))
    return min(_scale_of(simulation, term) for term in query.terms)


def _scale_of(simulation: Simulation, term: Term) -> float:
    if term.kind == "event":
        return 1.0
    sd = simulation.posterior.facts.column(term.outcome_names[0]).sd
    return {"variance": sd**2, "density": 1.0 / sd}.get(term.kind, sd)


def _rarest(exact: Exact, plans: list[TermPlan]) -> float | None:
    """The smallest probability of the terms' evidence, of evidence whose probability is exact too and not a density."""
    spec = exact.posterior.spec
    found = []
    for plan in plans:
        seen = [item for item in plan.term.given if item.op != "=" or spec[item.name].family.discrete]
        if not seen:
            continue
        chance = plan_term(spec, Term("event", tuple(seen), plan.term.do))
        value = exact.value(chance)
        if value is not None:
            found.append(float(value.mean()))
    return min(found, default=None)


def crossings(query: Query, terms: Mapping[Term, FloatArray]) -> tuple[tuple[Binary, float], ...]:
    """The ratios of a query whose denominators change their sign from draw to draw, and the share of the rarer sign."""
    found: dict[Binary, float] = {}
    for part in operations_of(query.expression):
        if part.op == "/" and isinstance(part.right, Binary):
            with np.errstate(all="ignore"):
                below = float((arithmetic(part.right, terms) < 0).mean())
            if 0 < below < 1:
                found[part] = min(below, 1 - below)
    return tuple(found.items())


def arithmetic(
    expression: Expression,
    terms: Mapping[Term, FloatArray],
    opposites: Mapping[Term, FloatArray] = MappingProxyType({}),
) -> FloatArray:
    """The expression over the numbers of its terms.

    Args:
        opposites: Of some events the probability that they do not occur.
    """
    match expression:
        case Term():
            return terms[expression]
        case Number(value=value):
            return np.asarray(value)
        case Binary(op="-", left=Number(value=1.0), right=Term() as event) if event in opposites:
            return opposites[event]
        case Binary(op=op, left=left, right=right):
            return _OPERATORS[op](arithmetic(left, terms, opposites), arithmetic(right, terms, opposites))


_OPERATORS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def check_finite(query: Query, found: Computed, where: str) -> None:
    """Raise where the query has no value; `where` says in how many of how many draws."""
    values, units = found.draws, found.units
    if never := found.n_never + (0 if units is None else int((units == 0).sum())):
        raise QueryError(
            f"{query} has no value in {where.format(never, len(values))}: its evidence never occurs there, or too "
            "rarely to be met. Condition on less."
        )
    if bad := int((~np.isfinite(values)).sum()):
        why = "a denominator is 0 there, or a number is too large. Ask for the parts one by one."
        if query.is_single:
            why = "it is too large to compute with. Ask at values nearer to the data."
        raise QueryError(f"{query} has no value in {where.format(bad, len(values))}: {why}")
