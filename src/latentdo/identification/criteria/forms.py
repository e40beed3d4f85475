"""`Forms`: which textbook criteria apply to a question, with the sets they name, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from latentdo import arguments
from latentdo.errors import QueryError
from latentdo.graphs import Admg, LatentDag, Mask, Masks, Name, project, quote
from latentdo.query import Query, Term
from latentdo.sheet import AbstractShown, Column, Sheet

from .adjustment import back_door, best_adjustment_set, instruments, is_adjustment_set, minimal_adjustment_sets
from .fixability import Fixability, braced, fixability
from .front_door import (
    conditional_front_door,
    front_door_obstacle,
    front_door_set,
    front_door_sets,
    is_front_door_set,
)

# How many sets a printed list shows.
SHOWN = 10


@dataclass(frozen=True)
class BestAdjustment:
    """The adjustment set that gives estimators their smallest variance.

    Attributes:
        nodes: The set.
        optimal: True: no valid set has a smaller asymptotic variance in any model of the graph. False: latent causes
            leave no such set, or none that could be proved; this one is optimal among the minimal sets.
    """

    nodes: frozenset[Name]
    optimal: bool

    def __str__(self) -> str:
        kind = "optimal" if self.optimal else "optimal among the minimal sets; none is known to be best in every model"
        return f"{braced(sorted(self.nodes))} ({kind})"


@dataclass(frozen=True)
class Instrument:
    """A node that moves the treatment and reaches the outcome through it alone, given a set.

    It does not identify the effect nonparametrically. With linear effects the effect is
    cov(node, outcome | given) / cov(node, treatment | given); with monotonicity it is the effect on the units
    whose treatment the instrument moves.

    Attributes:
        node: The instrument.
        given: What has to be conditioned on.
    """

    node: Name
    given: frozenset[Name]

    def __str__(self) -> str:
        return quote(self.node) + (f" given {braced(sorted(self.given))}" if self.given else "")


@dataclass(frozen=True)
class Forms(AbstractShown):
    """The textbook forms of P(outcomes | do(treatments)); evidence is no part of them.

    Attributes:
        graph: The graph over the measured nodes.
        treatments: The nodes that are set.
        outcomes: The nodes asked about.
    """

    graph: Admg
    treatments: tuple[Name, ...]
    outcomes: tuple[Name, ...]

    def adjustment_sets(
        self, limit: int | None = None, *, required: Iterable[Name] = (), forbidden: Iterable[Name] = ()
    ) -> Iterator[frozenset[Name]]:
        """The minimal adjustment sets, one after the other, the one nearest the outcomes first.

        Minimal means that no node but the required can be left out. There can be exponentially many; each
        comes after a time that is polynomial in the graph.

        Args:
            limit: How many at most; None for all.
            required: Nodes that every set must hold.
            forbidden: Nodes that no set may hold.

        Raises:
            UnknownNodeError: A name is not a measured node of the graph.
            QueryError: A required node is forbidden, set or asked about; or an argument is no name or number.
        """
        needed, barred = (
            arguments.names(f"`{what}`", given, QueryError, lone=True)
            for what, given in (("required", required), ("forbidden", forbidden))
        )
        must, may = self._mask(needed), ~self._mask(barred)
        _check_limit(limit)
        for name in needed:
            if name in (*self.treatments, *self.outcomes):
                role = "set" if name in self.treatments else "asked about"
                raise QueryError(f"{name!r} is {role}, and no adjustment set can hold it. Leave it out of `required`.")
            if name in barred:
                raise QueryError(f"{name!r} is both required and forbidden. Keep one of the two.")
        sets = minimal_adjustment_sets(self._masks, self._treated, self._asked, may, must)
        return (frozenset(self._masks.nodes(nodes)) for nodes in islice(sets, limit))

    def is_adjustment_set(self, nodes: Iterable[Name]) -> bool:
        """Whether adjusting for `nodes` gives P(outcomes | do(treatments)) in every model of the graph.

        Raises:
            UnknownNodeError: A name is not a measured node of the graph.
        """
        return is_adjustment_set(self._masks, self._treated, self._asked, self._mask(nodes))

    @cached_property
    def optimal_adjustment(self) -> BestAdjustment | None:
        """The best adjustment set, or None if there is none at all."""
        best = best_adjustment_set(self._masks, self._treated, self._asked)
        return best and BestAdjustment(frozenset(self._masks.nodes(best.nodes)), best.best)

    @cached_property
    def front_door(self) -> frozenset[Name] | None:
        """A front-door set of which no proper subset is one, or None."""
        nodes = front_door_set(self._masks, self._treated, self._asked)
        return None if nodes is None else frozenset(self._masks.nodes(nodes))

    @cached_property
    def conditional_front_door(self) -> tuple[frozenset[Name], frozenset[Name]] | None:
        """Nodes through which the effect passes, and covariates given which they are a front-door set; None if none are found."""
        found = conditional_front_door(self._masks, self._treated, self._asked)
        return found and (frozenset(self._masks.nodes(found[0])), frozenset(self._masks.nodes(found[1])))

    def front_door_sets(self, limit: int | None = None) -> Iterator[frozenset[Name]]:
        """Every front-door set, one after the other; there can be exponentially many.

        Args:
            limit: How many at most; None for all.

        Raises:
            QueryError: The limit is no whole number from 1 upwards.
        """
        _check_limit(limit)
        sets = front_door_sets(self._masks, self._treated, self._asked)
        return (frozenset(self._masks.nodes(nodes)) for nodes in islice(sets, limit))

    def is_front_door_set(self, nodes: Iterable[Name]) -> bool:
        """Whether `nodes` satisfies the front-door criterion.

        Raises:
            UnknownNodeError: A name is not a measured node of the graph.
        """
        return is_front_door_set(self._masks, self._treated, self._asked, self._mask(nodes))

    def instruments(self) -> Iterator[Instrument]:
        """The instruments, each with one set to condition on; none for several treatments or outcomes."""
        if len(self.treatments) > 1 or len(self.outcomes) > 1:
            return
        for node, given in instruments(self._masks, self._treated, self._asked):
            yield Instrument(self._masks.names[node], frozenset(self._masks.nodes(given)))

    @cached_property
    def fixability(self) -> Fixability | None:
        """What kind of fixable the treatment is, with the sets of the estimators; None for several treatments."""
        match self.treatments:
            case (treatment,):
                return fixability(self._masks, self._masks.index[treatment], self._asked)
            case _:
                return None

    @property
    def has_effect(self) -> bool:
        """Whether a causal path leads from the treatments to the outcomes."""
        return bool(back_door(self._masks, self._treated, self._asked).causal)

    @cached_property
    def _masks(self) -> Masks:
        return self.graph.sorted_masks

    @property
    def _treated(self) -> Mask:
        return self._masks.mask(self.treatments)

    @property
    def _asked(self) -> Mask:
        return self._masks.mask(self.outcomes)

    def _mask(self, nodes: Iterable[Name]) -> Mask:
        names = arguments.names("A set", nodes, QueryError, lone=True)
        for name in names:
            self.graph.require(name)
        return self._masks.mask(names)

    @property
    def why_no_adjustment(self) -> str:
        """A sentence for effects that have no adjustment set."""
        fixed = self.fixability
        if fixed and "a-fixable" in (reasons := dict(fixed.reasons)):
            return reasons["a-fixable"]
        return "whatever is adjusted for, some path that is not causal stays open."

    @property
    def why_no_front_door(self) -> str:
        """A sentence for effects that have no front-door set."""
        first, names = front_door_obstacle(self._masks, self._treated, self._asked), self._masks.nodes
        treatments, outcomes = (", ".join(map(quote, group)) for group in (self.treatments, self.outcomes))
        match first.kind:
            case "direct":
                cause, effect = map(quote, names(first.nodes))
                return f"{cause} -> {effect} is direct, and goes through no other measured node."
            case "treatment":
                return (
                    f"{braced(names(first.nodes))}, on the way to {outcomes}, has causes in common with {treatments}."
                )
            case "outcome":
                return (
                    f"{braced(names(first.nodes))}, on the way to {outcomes}, has causes in common with {outcomes} "
                    f"that {treatments} does not block."
                )

    @property
    def _front_door(self) -> str:
        if self.front_door is not None:
            return braced(sorted(self.front_door))
        if self.conditional_front_door is not None:
            through, given = (braced(sorted(nodes)) for nodes in self.conditional_front_door)
            return f"{through} given {given} (conditional)"
        return f"no: {self.why_no_front_door}"

    def _rows(self) -> Iterator[tuple[str, str]]:
        sets = list(self.adjustment_sets(SHOWN + 1))
        if sets:
            shown = ", ".join(braced(sorted(nodes)) for nodes in sets[:SHOWN])
            yield "Adjustment", shown + (", …" if len(sets) > SHOWN else "")
            yield "Best adjustment", str(self.optimal_adjustment)
        else:
            yield "Adjustment", f"no: {self.why_no_adjustment}"
        yield "Front door", self._front_door
        if len(self.treatments) == len(self.outcomes) == 1:
            nodes = ", ".join(map(str, islice(self.instruments(), SHOWN)))
            effects = " (not nonparametric: needs linear effects, or monotonicity)"
            yield "Instruments", nodes + effects if nodes else "none"
        if fixed := self.fixability:
            reasons = dict(fixed.reasons)
            for kind in ("a-fixable", "p-fixable", "nested fixable"):
                yield kind, f"no: {reasons[kind]}" if kind in reasons else "yes"
            yield "Estimators", ", ".join(fixed.estimators) or "none"

    def sheet(self) -> Sheet:
        """Each criterion with its sets, or with the reason why it does not apply."""
        title = f"P({', '.join(map(quote, self.outcomes))} | do({', '.join(map(quote, self.treatments))}))"
        if not self.has_effect:
            return Sheet(f"{title}: the treatments cause no outcome, and no form is needed.")
        rows = [(f"{label}:", text) for label, text in self._rows()]
        return Sheet.of(title, ["criterion", Column("sets", "prose")], rows, headed=False)

    def __repr__(self) -> str:
        return f"<Forms of {self.sheet().title}>"

    def to_json(self) -> dict[str, object]:
        """Sets, kinds and estimators as plain values; of each list of sets at most 10."""
        sets = list(self.adjustment_sets(SHOWN + 1))
        best, fixed = self.optimal_adjustment, self.fixability
        return {
            "treatments": list(self.treatments),
            "outcomes": list(self.outcomes),
            "has_effect": self.has_effect,
            "adjustment_sets": [sorted(nodes) for nodes in sets[:SHOWN]],
            "more_adjustment_sets": len(sets) > SHOWN,
            "best_adjustment": best and {"nodes": sorted(best.nodes), "optimal": best.optimal},
            "front_door": None if self.front_door is None else sorted(self.front_door),
            "conditional_front_door": self.conditional_front_door
            and {"nodes": sorted(self.conditional_front_door[0]), "given": sorted(self.conditional_front_door[1])},
            "instruments": [
                {"node": instrument.node, "given": sorted(instrument.given)}
                for instrument in islice(self.instruments(), SHOWN)
            ],
            "fixability": fixed and fixed.to_json(),
        }


def _check_limit(limit: int | None) -> None:
    if limit is not None:
        arguments.whole("`limit`, how many sets at most,", limit, QueryError)


def forms_of(graph: LatentDag | Admg, term: Term) -> Forms:
    """The textbook forms of a term's P(outcomes | do(treatments)).

    Raises:
        QueryError: The term sets nothing, or makes no sense for the graph.
        UnknownNodeError: The term names a node that the graph does not have.
    """
    Query(term).check(graph)
    if not term.do:
        raise QueryError(f"{term} sets nothing, so that there is nothing to adjust for. Forms need a do( ).")
    return Forms(project(graph), term.treatments, term.outcome_names)


def forms_of_query(graph: LatentDag | Admg, query: Query) -> Forms:
    """The textbook forms that the terms of a query share; terms that set nothing are passed over.

    Raises:
        QueryError: No term sets anything, or terms differ in treatments or outcomes.
    """
    shared = {forms_of(graph, term) for term in query.terms if term.do}
    if len(shared) == 1:
        return shared.pop()
    if not shared:
        raise QueryError(f"{query} sets nothing, so that there is nothing to adjust for. Forms need a do( ).")
    raise QueryError(
        f"The terms of {query} differ in treatments or outcomes, and so in their forms. "
        "Use `latentdo.identification.forms_of(graph, term)` for each of `query.terms`."
    )
