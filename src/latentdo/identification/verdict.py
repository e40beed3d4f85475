"""The verdict: `Identified` with its estimand, or `NotIdentified` with its hedge."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

from latentdo.errors import NotIdentifiedError
from latentdo.graphs import Admg, LatentDag, Name
from latentdo.query import Query, Term, query_of

from .engine.estimand import Estimand

if TYPE_CHECKING:
    from .advice.measurements import Measurements
    from .advice.remedies import Remedies
    from .criteria.forms import Forms
    from .proof.derivation import Derivation
    from .proof.witness import Witness

Hedge = tuple[frozenset[Name], frozenset[Name]]


@dataclass(frozen=True)
class Identified:
    """Yes: the estimand gives the answer from P(V) alone, whatever the latent causes do.

    Attributes:
        query: What was asked.
        estimand: The formula.
        graph: The graph that it was asked of.
        notes: What functional nodes changed: the verdict, or the formula.
    """

    query: Query
    estimand: Estimand
    graph: LatentDag | Admg = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()
    identified: ClassVar[Literal[True]] = True

    def __bool__(self) -> bool:
        return True

    def measurements(self, *also: Query | str, costs: Mapping[Name, float] | None = None) -> Measurements:
        """Which nodes have to be measured for this answer, and which could be left out.

        Args:
            also: Further questions that the same measurements have to answer.
            costs: What it costs to measure a node, 1 where it is not said.

        Raises:
            NotIdentifiedError: A further question is not identified.
            UnknownNodeError: A cost is given for a node that the graph does not have.
            QueryError: A cost is negative, no number or beyond reason, or is that of a latent node; a question is no text.
        """
        from .advice.measurements import omissible  # most verdicts are never asked for it

        return omissible(self.graph, self.query, *map(query_of, also), costs=costs)

    def unwrap(self) -> Estimand:
        """The estimand."""
        return self.estimand

    @cached_property
    def forms(self) -> Forms:
        """The textbook criteria that apply to P(outcomes | do(treatments)), with their sets.

        Raises:
            QueryError: The query sets nothing, or its terms differ in treatments or outcomes.
        """
        from .criteria.forms import forms_of_query  # a verdict alone does not pay for it

        return forms_of_query(self.graph, self.query)

    @cached_property
    def derivation(self) -> Derivation:
        """The proof of the formula, made on first use."""
        from .proof.derivation import derive  # a verdict alone does not pay for it

        return derive(self.query, self.estimand.solutions)

    def __str__(self) -> str:
        return "\n".join(
            [f"Identified: {self.query} = {self.estimand.text}", *(f"Note: {note}" for note in self.notes)]
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        query, formula = html.escape(str(self.query)), html.escape(self.estimand.text)
        notes = "".join(f"<p>Note: {html.escape(note)}</p>" for note in self.notes)
        return f"<p><b>Identified</b></p><p><code>{query}</code> = <code>{formula}</code></p>{notes}"


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
    """

    query: Query
    hedge: Hedge
    reason: str
    graph: LatentDag | Admg = field(repr=False, compare=False)
    functional: tuple[Name, ...] = ()
    decided_on: Admg | None = field(default=None, repr=False, compare=False)
    decided_term: Term | None = field(default=None, repr=False, compare=False)
    proved: bool = True
    identified: ClassVar[Literal[False]] = False

    def __bool__(self) -> bool:
        # `if ld.identify(…)` means what it says.
        return False

    def witness(self) -> Witness:
        """Two explicit models with equal P(V) and different answers: the "no" as numbers that can be checked.

        With functional nodes they are models of the graph in which those are written out.

        Raises:
            UnsupportedError: The models are too large to be enumerated; or a functional node is set, so that the
                question is only not shown identifiable.
        """
        from .proof.witness import witness_of_verdict  # most verdicts are never asked for it

        return witness_of_verdict(self)

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
        from .advice.measuring import Limits  # most verdicts are never asked for it
        from .advice.remedies import remedies_of

        return remedies_of(self, Limits(max_size, max_count, seconds))

    def unwrap(self) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict."""
        raise NotIdentifiedError(str(self), self)

    @cached_property
    def forms(self) -> Forms:
        """The textbook criteria for P(outcomes | do(treatments)): instruments and evidence may still make one apply.

        Raises:
            QueryError: The query sets nothing, or its terms differ in treatments or outcomes.
        """
        from .criteria.forms import forms_of_query  # a verdict alone does not pay for it

        return forms_of_query(self.decided_on or self.graph, self.query)

    def __str__(self) -> str:
        return f"Not identified: {self.query}. {self.reason}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        query, reason = html.escape(str(self.query)), html.escape(self.reason)
        return f"<p><b>Not identified</b>: <code>{query}</code></p><p>{reason}</p>"
