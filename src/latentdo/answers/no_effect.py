"""That there is no effect, and why: what explains a difference of 0 or a ratio of 1 in every draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentdo.graphs import LatentDag, Name, quote
from latentdo.query import Binary, Expression, Term
from latentdo.sheet import listed


def no_effect(expression: Expression, draws: np.ndarray[Any, Any], graph: LatentDag | None) -> tuple[str, ...]:
    """Why a contrast is 0, or a ratio 1, in every draw, in a sentence; nothing of any other question."""
    match expression:
        case Binary(op="-" | "/" as op, left=left, right=right) if (draws == (0.0 if op == "-" else 1.0)).all():
            if left == right:
                return ("both sides ask the same",)
            if isinstance(left, Term) and isinstance(right, Term) and graph is not None:
                return _without_path(graph, left, right)
    return ()


def _without_path(graph: LatentDag, left: Term, right: Term) -> tuple[str, ...]:
    """No effect, where no directed path leads from what the two sides set differently to what they ask about."""
    if (left.kind, left.outcomes, left.given) != (right.kind, right.outcomes, right.given):
        return ()
    first, second = ({setting.name: setting.value for setting in term.do} for term in (left, right))
    varied = {name for name in first | second if first.get(name) != second.get(name)}
    held = set(first) & set(second) - varied
    cut = graph.without_incoming(held)
    reached = cut.ancestors([*left.outcome_names, *left.conditions])
    if not varied or varied & reached or set(first) ^ set(second):
        return ()

    def named(nodes: set[Name]) -> str:
        return listed(quote(node) for node in graph.nodes if node in nodes)

    return (
        f"no effect: no path of arrows leads from {named(varied)} to {named(set(left.outcome_names))}"
        + (f" once {named(held)} {'is' if len(held) == 1 else 'are'} set" if held else ""),
    )
