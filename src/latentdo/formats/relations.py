"""The words between two nodes in networks of interactions, and what they say of direction and sign."""

from __future__ import annotations

POSITIVE = frozenset({
    "activates", "activation", "activate", "stimulates", "stimulation", "up-regulates", "upregulates", "increases",
    "positive", "+", "1", "+1", "increaseamount", "gtpactivation", "directlyincreases",
    "controls-expression-of-positively",
})  # fmt: skip
NEGATIVE = frozenset({
    "inhibits", "inhibition", "inhibit", "represses", "repression", "down-regulates", "downregulates", "decreases",
    "negative", "-", "-1", "-|", "decreaseamount", "directlydecreases", "--|",
})  # fmt: skip
PLAIN = frozenset({
    "->", "-->", "causes", "cause", "pp", "pd", "regulates", "regulation", "controls", "controls-state-change-of",
    "controls-expression-of", "controls-phosphorylation-of", "controls-transport-of", "controls-production-of",
    "catalysis-precedes", "consumption-controlled-by", "controls-transport-of-chemical", "used-to-produce",
    "phosphorylation", "dephosphorylation", "ubiquitination", "directed", "0",
})  # fmt: skip
UNDIRECTED = frozenset({
    "in-complex-with", "interacts-with", "neighbor-of", "reacts-with", "complex", "binds", "binding", "undirected",
    "--", "co-expression",
})  # fmt: skip
HIDDEN = frozenset({"<->", "confounded"})


def relation_kind(relation: str) -> str:
    """`+`, `-` or nothing of a cause; `undirected`, `hidden` (a common cause), or `unknown`."""
    word = relation.lower()
    for kind, words in (("+", POSITIVE), ("-", NEGATIVE), ("", PLAIN), ("undirected", UNDIRECTED), ("hidden", HIDDEN)):
        if word in words:
            return kind
    return "unknown"
