"""The verdict: `Identified` with its estimand, or `NotIdentified` with its hedge."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

from latentdo.errors import NotIdentifiedError
from latentdo.graphs import Admg, LatentDag, Name
from latentdo.query import Query

from .estimand import Estimand

if TYPE_CHECKING:
    from .witness import Witness

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

    def unwrap(self) -> Estimand:
        """The estimand."""
        return self.estimand

    def __str__(self) -> str:
        return "\n".join([f"Identified: {self.query} = {self.estimand.text}", *(f"Note: {note}" for note in self.notes)])

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
        proved: Whether the hedge proves that there is no formula. Not where a functional node is set: then the
            question is only not shown identifiable, and there is no witness.
    """

    query: Query
    hedge: Hedge
    reason: str
    graph: LatentDag | Admg = field(repr=False, compare=False)
    functional: tuple[Name, ...] = ()
    decided_on: Admg | None = field(default=None, repr=False, compare=False)
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
        from .witness import witness_of_verdict  # most verdicts are never asked for it

        return witness_of_verdict(self)

    def unwrap(self) -> NoReturn:
        """Raise `NotIdentifiedError`, with this verdict."""
        raise NotIdentifiedError(str(self), self)

    def __str__(self) -> str:
        return f"Not identified: {self.query}. {self.reason}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        query, reason = html.escape(str(self.query)), html.escape(self.reason)
        return f"<p><b>Not identified</b>: <code>{query}</code></p><p>{reason}</p>"
