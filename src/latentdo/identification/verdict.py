"""`identify`: the verdict on a question, `Identified` with its estimand, or `NotIdentified` with its hedge.

What explains a verdict is imported where it is asked for: most verdicts are never asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn

from latentdo.errors import NotIdentifiedError, UnsupportedError, visible
from latentdo.graphs import Admg, LatentDag, Name, quote
from latentdo.query import Query, Term, query_of

from .engine.decision import Functional, Hedge, Solved, Thicket, solve
from .engine.estimand import Estimand
from .engine.experiments import Experiments, experiments_of

if TYPE_CHECKING:
    from latentdo.sheet import Sheet

    from .advice.leads import Leads
    from .advice.measurements import Measurements
    from .advice.remedies import Remedies
    from .criteria.forms import Forms
    from .proof.derivation import Derivation
    from .proof.witness import Witness

# A proof that takes more laws apart takes minutes and megabytes: programs get it where they ask for it.
LONG_PROOF = 200


def identify(
    graph: LatentDag | Admg,
    query: Query,
    *,
    functional: Functional = (),
    experiments: Iterable[Name | Iterable[Name]] = (),
) -> Identified | NotIdentified:
    """Whether the observed law answers the query on this graph, with the formula or the hedge.

    The verdict is complete: a "no" means that no formula exists. It supposes a positive observed law. Of a
    sum, contrast or ratio every term must be identified.

    Args:
        functional: Nodes that are functions of their parents, or a mapping from each to the parents that
            determine it. The verdict is then that of the graph without them, term by term.
        experiments: What is set in each experiment that is known besides what is observed.

    Raises:
        UnknownNodeError: The query or an experiment names a node that the graph does not have.
        QueryError: The query makes no sense: a latent is set, or a node plays two parts. Or an experiment makes none.
    """
    known = experiments_of(graph, experiments)
    decided = solve(graph, query, functional, known)
    if isinstance(decided, Solved):
        return Identified(query, Estimand(query, decided.solutions), graph, decided.notes, known)
    return NotIdentified(query=query, graph=graph, experiments=known, **vars(decided))


def _asked(verdict: Identified | NotIdentified) -> dict[str, Any]:
    """What was asked, and the verdict in a word."""
    row: dict[str, Any] = {"query": str(verdict.query), "identifiable": verdict.identified}
    return row | ({"experiments": list(map(list, verdict.experiments))} if verdict.experiments else {})


class _OfANo(UnsupportedError, AttributeError):
    """An attribute of a "no", asked of a "yes"; `hasattr`, and `getattr` with a default, see that it is not there."""


class _OfAYes(NotIdentifiedError, AttributeError):
    """An attribute of a "yes", asked of a "no"."""


@dataclass(frozen=True)
class Identified:
    """Yes: the estimand gives the answer from P(V) alone, whatever the latent causes do.

    Attributes:
        query: What was asked.
        estimand: The formula.
        graph: The graph that it was asked of.
        notes: What functional nodes changed: the verdict, or the formula.
        experiments: What is set in each experiment that was taken as known; `estimand.experiments` are those it uses.
    """

    query: Query
    estimand: Estimand
    graph: LatentDag | Admg = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()
    experiments: Experiments = ()
    identified: ClassVar[Literal[True]] = True

    def __bool__(self) -> bool:
        return True

    def measurements(self, *also: Query | str, costs: Mapping[Name, float] | None = None) -> Measurements:
        """Which nodes have to be measured for this answer, and which could be left out.

        Args:
            also: Further questions that the same measurements have to answer.
            costs: What it costs to measure a node, 1 where it is not said.

        Raises:
            NotIdentifiedError: A question is not identified by the graph alone and the experiments.
            UnknownNodeError: A cost is given for a node that the graph does not have.
            QueryError: A cost is negative, no number or beyond reason, or is that of a latent node; a question is no text.
        """
        from .advice.measurements import measurements_of

        queries = (self.query, *map(query_of, also))
        for query in queries:
            # This one too: a function of its parents may have made it identified, and what is searched is the graph alone.
            identify(self.graph, query, experiments=self.experiments).unwrap()
        return measurements_of(self.graph, *queries, costs=costs, experiments=self.experiments)

    def unwrap(self) -> Estimand:
        """The estimand."""
        return self.estimand

    @cached_property
    def forms(self) -> Forms:
        """The textbook criteria that apply to P(outcomes | do(treatments)), with their sets.

        Raises:
            QueryError: The query sets nothing, or its terms differ in treatments or outcomes.
        """
        from .criteria.forms import forms_of_query

        return forms_of_query(self.graph, self.query)

    @cached_property
    def derivation(self) -> Derivation:
        """The proof of the formula, made on first use."""
        from .proof.derivation import derive

        return derive(self.query, self.estimand.solutions)

    @property
    def hedge(self) -> NoReturn:
        """Raise `UnsupportedError`: only a "no" has a hedge."""
        raise _OfANo(f"{self.query} is identified on this graph: no hedge stands in the way.")

    @property
    def reason(self) -> NoReturn:
        """Raise `UnsupportedError`: only a "no" has a reason."""
        raise _OfANo(f"{self.query} is identified on this graph: nothing stands in the way.")

    def witness(self, **limits: object) -> NoReturn:
        """Raise `UnsupportedError`: only a "no" has a witness."""
        raise UnsupportedError(
            f"{self.query} is identified on this graph: there are no two models that disagree on it."
        )

    def remedies(self, **limits: object) -> NoReturn:
        """Raise `UnsupportedError`: only a "no" needs remedies."""
        raise UnsupportedError(f"{self.query} is identified on this graph: it needs no remedy.")

    def to_json(self, *, proof: bool | None = None) -> dict[str, Any]:
        """The verdict as plain strings and lists.

        Args:
            proof: Whether the steps of the proof are in it; None for those of proofs that are not long. False leaves the key out.
        """
        estimand = self.estimand
        row = {**_asked(self), "estimand": estimand.text, "latex": estimand.latex}
        short = bool(proof) or estimand.proof_size <= LONG_PROOF
        if proof is not False:
            row["derivation"] = self.derivation.to_json() if short else []
        row |= {"hedge": None, "form": estimand.form}
        row |= {} if short or proof is False else {"derivation_left_out": "it is long: ask for it with --proof"}
        row |= {"notes": list(self.notes)} if self.notes else {}
        return row | ({"uses_experiments": list(map(list, estimand.experiments))} if self.experiments else {})

    def __str__(self) -> str:
        lines = [f"Identified: {self.query} = {self.estimand.text}", *(f"Note: {note}" for note in self.notes)]
        return visible("\n".join(lines))

    def __repr__(self) -> str:
        return f"<{self}>"

    def sheet(self) -> Sheet:
        """The question, its formula, and what functional nodes changed."""
        from latentdo.sheet import Cell, Column, Note, Sheet

        columns = [Column("question", "code"), Column("formula", "formula")]
        notes = tuple(Note(note, "Note") for note in self.notes)
        shown = Cell(f"= {self.estimand.text}", formula=f"= {self.estimand.latex}")
        return Sheet.of("Identified", columns, [[str(self.query), shown]], headed=False, notes=notes)

    def _repr_html_(self) -> str:
        return self.sheet().html()


@dataclass(frozen=True)
class NotIdentified:
    """No: two models agree on P(V) and disagree on the answer; the hedge proves it.

    Attributes:
        query: What was asked.
        hedge: Two sets of nodes, the larger first: each joined by bidirected edges, all of the larger leading
            by arrows into the smaller, treatments in the larger only. Both are empty where a function and its
            parents are in the question together, so that nothing could be decided.
        reason: The same as a sentence that can be followed on the picture.
        graph: The graph that it was asked of.
        functional: The nodes that undo what the graph alone would identify, because they are functions of their
            parents; none where the graph alone says no.
        decided_on: With `functional`, the graph in which the hedge lies: `graph` with functions written out.
        decided_term: With `functional`, the term at fault, as it was asked of that graph: without functional
            treatments that rule 3 removes, and without the evidence that told nothing while they were set.
        proved: Whether the hedge proves that there is no formula. Not where a functional node is set, or has hidden
            parents: then the question is only not shown identifiable, and there is no witness.
        experiments: What is set in each experiment that was taken as known.
        thicket: With `experiments`, a pair for each that sets nothing of the smaller set: what it sets, and a hedge around
            that set which it leaves alone. Where `hedge` is one that all of them leave alone, it stands in each pair.
    """

    query: Query
    hedge: Hedge
    reason: str
    graph: LatentDag | Admg = field(repr=False, compare=False)
    functional: tuple[Name, ...] = ()
    decided_on: Admg | None = field(default=None, repr=False, compare=False)
    decided_term: Term | None = field(default=None, repr=False, compare=False)
    proved: bool = True
    experiments: Experiments = ()
    thicket: Thicket = ()
    identified: ClassVar[Literal[False]] = False

    def __bool__(self) -> bool:
        # `if ld.identify(…)` means what it says.
        return False

    def witness(self, *, max_bits: int = 20) -> Witness:
        """Two explicit models with equal P(V) and different answers: the "no" as numbers that can be checked.

        With functional nodes they are models of the graph in which those are written out.

        Args:
            max_bits: How large the models may be whose laws are enumerated: of two to that many cells.

        Raises:
            UnsupportedError: The models are too large to be enumerated; or a functional node is set, so that the
                question is only not shown identifiable.
        """
        from .proof.witness import witness_of

        if not self.functional or self.decided_on is None:
            return witness_of(self.graph, self.query, self.experiments, max_bits=max_bits)
        functions = ", ".join(map(quote, self.functional))
        if not self.proved:
            raise UnsupportedError(
                f"There are no two models to show: {self.query} sets or asks about nodes tied by a function ({functions}), "
                "and is only not shown identifiable. Ask about the cause of such a node instead."
            )
        if not self.query.is_single:
            raise UnsupportedError(
                f"{self.query} has several terms, and {functions} is a function. Ask the terms one by one: the verdict of "
                "each has its own witness."
            )
        # The term may have lost a treatment that reaches nothing, and evidence with it.
        known = tuple(names for names in self.experiments if set(names) <= set(self.decided_on.nodes))
        return replace(
            witness_of(self.decided_on, Query(self.decided_term or self.query.term), known, max_bits=max_bits),
            query=self.query,
        )

    def remedies(self, *, max_size: int = 3, max_count: int = 20, seconds: float = 5.0) -> Remedies:
        """What would help: hidden causes to measure, edges to rule out, surrogate experiments.

        Args:
            max_size: The most members of a set.
            max_count: The most sets of a kind.
            seconds: The most time for each kind.

        Raises:
            QueryError: A bound that is no number or too small.
            UnsupportedError: The question fails because of a functional node.
        """
        from .advice.measuring import Limits
        from .advice.remedies import remedies_of

        limits = Limits(max_size, max_count, seconds)
        if self.functional:
            raise UnsupportedError(
                f"The graph alone would identify {self.query}; what stands in the way is that "
                f"{', '.join(map(quote, self.functional))} is a function of its parents. What would help is not searched "
                "for then: try `ld.identify` with a hidden cause measured, or ask about the causes of such a node."
            )
        return remedies_of(self.graph, self.query, limits, self.experiments)

    @cached_property
    def leads(self) -> Leads:
        """The two cheapest remedies, as far as a short search finds them, and instruments; for the end of a refusal."""
        from .advice.leads import Leads, leads_of

        return Leads() if self.functional else leads_of(self.graph, self.query)

    @property
    def estimand(self) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict: only a "yes" has a formula."""
        raise _OfAYes(str(self), self)

    @property
    def derivation(self) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict: only a "yes" has a proof of its formula."""
        raise _OfAYes(str(self), self)

    def measurements(self, *also: Query | str, costs: Mapping[Name, float] | None = None) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict: only a "yes" could do without some measurements."""
        self.unwrap()

    def unwrap(self) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict."""
        raise NotIdentifiedError(str(self), self)

    @cached_property
    def forms(self) -> Forms:
        """The textbook criteria for P(outcomes | do(treatments)): instruments and evidence may still make one apply.

        Raises:
            QueryError: The query sets nothing, or its terms differ in treatments or outcomes.
        """
        from .criteria.forms import forms_of_query

        return forms_of_query(self.decided_on or self.graph, self.query)

    def to_json(self, *, proof: bool | None = None) -> dict[str, Any]:
        """The verdict as plain strings and lists; of a "no" there are no steps to show."""
        larger, smaller = self.hedge
        hedge = [sorted(larger), sorted(smaller)] if larger else None
        row = {**_asked(self), "estimand": None, "latex": None}
        row |= {} if proof is False else {"derivation": []}
        row |= {"hedge": hedge, "reason": self.reason}
        thicket = [{"experiment": list(names), "hedge": [*map(sorted, around)]} for names, around in self.thicket]
        return row | ({"thicket": thicket} if self.experiments else {})

    def __str__(self) -> str:
        return visible(f"Not identified: {self.query}. {self.reason}")

    def __repr__(self) -> str:
        return f"<{self}>"

    def sheet(self) -> Sheet:
        """The question, and what stands in the way."""
        from latentdo.sheet import Sheet

        return Sheet(f"Not identified: {self.query}", lead=(self.reason,))

    def _repr_html_(self) -> str:
        return self.sheet().html()
