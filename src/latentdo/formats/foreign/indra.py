"""Statements of INDRA as JSON: who activates, inhibits, makes more or less of, or modifies whom.

Source:
    Gyori et al. (2017), From word models to executable models of signaling networks; INDRA's statements_schema.json.
    `belief`, the counts of evidence and `matches_hash` stand outside that schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from latentdo.graphs import Name, quote

from ..documents import Field, document
from ..draft import Draft
from ..report import Read

_PLUS = ("Activation", "GtpActivation", "IncreaseAmount")
_MINUS = ("Inhibition", "DecreaseAmount")
_MODIFIES = (
    "Modification", "AddModification", "RemoveModification", "Phosphorylation", "Dephosphorylation",
    "Ubiquitination", "Deubiquitination", "Sumoylation", "Desumoylation", "Hydroxylation", "Dehydroxylation",
    "Acetylation", "Deacetylation", "Glycosylation", "Deglycosylation", "Farnesylation", "Defarnesylation",
    "Geranylgeranylation", "Degeranylgeranylation", "Palmitoylation", "Depalmitoylation", "Myristoylation",
    "Demyristoylation", "Ribosylation", "Deribosylation", "Methylation", "Demethylation",
)  # fmt: skip
ENDS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(_PLUS, ("subj", "obj", "+")),
    **dict.fromkeys(_MINUS, ("subj", "obj", "-")),
    **dict.fromkeys(_MODIFIES, ("enz", "sub", "")),
    **dict.fromkeys(("RegulateActivity", "RegulateAmount", "Influence"), ("subj", "obj", "")),
    "Gef": ("gef", "ras", ""),
    "Gap": ("gap", "ras", ""),
}
"""Per type of statement: the fields of cause and effect, and the sign."""
NOT_DIRECTED = {
    "Complex": "members without a direction",
    "Association": "members without a direction",
    "Conversion": "a reaction, not one cause and one effect",
    "ActiveForm": "a form of one agent",
    "SelfModification": "an agent acts on itself",
    "Autophosphorylation": "an agent acts on itself",
    "Transphosphorylation": "an agent acts on what it is bound to",
    "Translocation": "an agent moves",
    "Migration": "something moves",
    "HasActivity": "a property of one agent",
    "Event": "one event alone",
    "Unresolved": "a statement that was not resolved",
}


@dataclass(frozen=True)
class _Limits:
    belief: float
    evidence: int


def read_indra(
    text: str, source: str = "text", *, min_belief: float = 0.0, min_evidence: int = 0, cycles: str = "refuse"
) -> Read:
    """The graph of a list of statements; agents are told apart by their names alone.

    Args:
        min_belief: Belief that a statement needs at least; one without a belief has none.
        min_evidence: Pieces of evidence that a statement needs at least.

    Raises:
        NotationError: It is no JSON.
        GraphError: A statement lacks a field; says which.
    """
    draft = Draft("INDRA statements", source, signed=True)
    whole = document(text)
    counts = dict[str, int]()
    if isinstance(whole.value, dict) and whole.has("evidence_counts"):
        found = whole.at("evidence_counts")
        counts = {key: int(Field(n, f"{found.path}.{key}").number()) for key, n in found.object().items()}
    reader = _Reader(draft, _Limits(min_belief, min_evidence), counts)
    for statement in _statements(whole):
        reader.statement(statement)
    reader.finish()
    return draft.read(cycles)


def _statements(whole: Field) -> Iterator[Field]:
    if isinstance(whole.value, dict) and whole.has("statements"):
        whole = whole.at("statements")
    if isinstance(whole.value, dict):
        # The database answers with an object from hashes to statements.
        return (Field(value, f"{whole.path}[{key!r}]") for key, value in whole.value.items())
    return (Field(field.value, field.path or "statements") for field in Field(whole.value, "statements").items())


class _Reader:
    """What the statements so far say."""

    def __init__(self, draft: Draft, limits: _Limits, counts: dict[str, int]) -> None:
        self.draft = draft
        self.limits = limits
        self.counts = counts
        self.in_states: dict[Name, None] = {}
        self.single = 0
        self.kept = 0

    def statement(self, statement: Field) -> None:
        """One more statement."""
        kind = statement.at("type").text()
        if kind not in ENDS:
            why = NOT_DIRECTED.get(kind, "a type of statement that is not known here")
            self.draft.drop(statement.path, f"{kind}: {why}{self._members(statement)}")
            return
        cause, effect, sign = ENDS[kind]
        if kind == "Gef" and not statement.has("gef"):
            cause = "agent"  # as the published schema calls it
        names = [self._agent(statement.at(field)) for field in (cause, effect)]
        if names[0] is None or names[1] is None:
            missing = cause if names[0] is None else effect
            self.draft.drop(statement.path, f"{kind} of {names[0] or names[1] or 'nobody'} names no {missing}")
            return
        if kind == "Influence":
            sign = _polarity(statement.at(cause)) * _polarity(statement.at(effect))
            sign = {1: "+", -1: "-"}.get(sign, "")
        belief = statement.at("belief").number() if statement.has("belief") else None
        evidence = self._evidence(statement)
        arrow = f"{kind} {quote(names[0])} -> {quote(names[1])}"
        if self.limits.belief and (belief is None or belief < self.limits.belief):
            said = "no belief" if belief is None else f"belief {belief:.3g}"
            self.draft.drop(statement.path, f"{arrow} has {said}, below {self.limits.belief:g}")
        elif evidence < self.limits.evidence:
            self.draft.drop(statement.path, f"{arrow} has {evidence} pieces of evidence, below {self.limits.evidence}")
        else:
            self.kept += 1
            self.single += evidence <= 1
            self.draft.edge(names[0], names[1], statement.path, sign, belief=belief, evidence=evidence)

    def _agent(self, agent: Field) -> Name | None:
        if agent.value is None:
            return None
        concept = agent.at("concept") if agent.has("concept") else agent
        name = self.draft.node(concept.at("name").text(), f"{concept.path}.name")
        if concept.has("db_refs"):
            found = {key: str(value) for key, value in concept.at("db_refs").object().items()}
            self.draft.references.setdefault(name, found)
        if any(
            agent.object().get(state) for state in ("mods", "mutations", "bound_conditions", "activity", "location")
        ):
            self.in_states[name] = None
        return name

    def _evidence(self, statement: Field) -> int:
        counted = self.counts.get(str(statement.object().get("matches_hash")))
        if counted is not None:
            return counted
        return sum(1 for _ in statement.at("evidence").items()) if statement.has("evidence") else 0

    def _members(self, statement: Field) -> str:
        if not statement.has("members"):
            return ""
        found = [str(each.object().get("name")) for each in statement.at("members").items() if each.value is not None]
        return f" ({', '.join(map(quote, found))})"

    def finish(self) -> None:
        """Remarks on all statements together."""
        joined = {name for edge in self.draft.links for name in edge}
        lone = [name for name in self.draft.nodes if name not in joined]
        for name in lone:
            del self.draft.nodes[name]
        if lone:
            self.draft.notes.append(
                f"agents without an edge that is kept are no nodes: {', '.join(map(quote, lone[:12]))}."
            )
        if self.in_states:
            shown = ", ".join(map(quote, list(self.in_states)[:12]))
            self.draft.notes.append(f"states of an agent (modified, bound, active) are one node with it: {shown}.")
        if self.kept and self.single == self.kept:
            self.draft.notes.append("no statement has more than one piece of evidence.")


def _polarity(event: Field) -> int:
    if not event.has("delta"):
        return 0
    polarity = event.at("delta").object().get("polarity")
    return polarity if polarity in (1, -1) else 0
