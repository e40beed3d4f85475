"""Where a "no" leads on: the two cheapest remedies, and what is known instead."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from latentdo.errors import LatentdoError, QueryError
from latentdo.graphs import Admg, LatentDag, Name, quote
from latentdo.query import Query

from ..criteria.forms import Instrument, forms_of_query
from .measuring import Limits
from .remedies import Remedies, behind, remedies_of

QUICK = Limits(2, 4, 0.5)
"""How far remedies are searched for a refusal, which must not keep anybody waiting."""
TWO = 2


@dataclass(frozen=True)
class Leads:
    """What to say behind a refusal.

    Attributes:
        remedies: The two cheapest things that would make the question identified, as `measure U`.
        instruments: What moves the treatment and reaches the outcome through it alone.
        treatment: The node that is set, where there is an instrument.
    """

    remedies: tuple[str, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    treatment: Name = ""

    @property
    def cheapest(self) -> str:
        """The remedies as a sentence; empty where none was found."""
        return f"Cheapest: {', or '.join(self.remedies)}." if self.remedies else ""

    @property
    def assumptions(self) -> str:
        """What an instrument gives to those who assume more than the graph says; empty without one."""
        if not self.instruments:
            return ""
        node, treatment = str(self.instruments[0]), quote(self.treatment)
        return (
            f"{node} is an instrument of {treatment}. Needs more than the graph: with linear effects that are the same in all "
            f"units, 2SLS; where {quote(self.instruments[0].node)} moves {treatment} in one direction alone, the Wald ratio, the "
            "effect in those whom it moves"
        )


def leads_of(graph: LatentDag | Admg, query: Query) -> Leads:
    """What would help most cheaply where a graph does not identify a question, and what an instrument gives."""
    found: tuple[str, ...] = ()
    with suppress(LatentdoError):  # a refusal stands without what might help
        found = _cheapest(remedies_of(graph, query, QUICK))
    try:
        forms = forms_of_query(graph, query)
    except QueryError:
        return Leads(found)
    instruments = tuple(forms.instruments())
    return Leads(found, instruments, forms.treatments[0] if instruments else "")


def _cheapest(remedies: Remedies) -> tuple[str, ...]:
    """The smallest set to measure and the smallest to experiment on; where one is lacking, an edge to rule out."""
    found = []
    if remedies.measure:
        found.append(f"measure {' and '.join(map(behind, min(remedies.measure, key=len)))}")
    # A trial of what is asked about is no lead: who could make it would not ask.
    if elsewhere := [names for names in remedies.experiments if not remedies.itself(names)]:
        found.append(f"experiment on {' and '.join(map(quote, min(elsewhere, key=len)))}")
    found += [f"rule out {edge}" for edge in remedies.remove]
    return tuple(found[:TWO])
