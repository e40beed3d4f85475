"""What explains a number and is no caution: that there is no effect, and why; how sure a level is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentdo.graphs import LatentDag, Name, format_number, quote
from latentdo.query import Binary, Term

if TYPE_CHECKING:
    from .answer import Answer


def notes_of(answer: Answer) -> tuple[str, ...]:
    """The notes, each a sentence; none for most answers."""
    expression = answer.query.expression
    if answer.is_level and not answer.is_point:
        share = float((answer.draws == answer.median).mean())
        return (f"each draw is a level: {format_number(answer.median)} in {_share(share)} of the draws",)
    if not isinstance(expression, Binary) or expression.op not in ("-", "/"):
        return ()
    left, right = expression.left, expression.right
    if not (answer.draws == (0.0 if expression.op == "-" else 1.0)).all():
        return ()
    if left == right:
        return ("both sides ask the same",)
    if not isinstance(left, Term) or not isinstance(right, Term) or answer.posterior is None:
        return ()
    return _without_path(answer.posterior.spec.graph, left, right)


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
    return (
        f"no effect: no path of arrows leads from {_listed(graph, varied)} to {_listed(graph, left.outcome_names)}"
        + (f" once {_listed(graph, held)} {'is' if len(held) == 1 else 'are'} set" if held else ""),
    )


def _listed(graph: LatentDag, names: set[Name] | tuple[Name, ...]) -> str:
    shown = [quote(node) for node in graph.nodes if node in names]
    return " and ".join([*([", ".join(shown[:-1])] if len(shown) > 1 else []), shown[-1]])


def _share(share: float) -> str:
    """A share in per cent, which says 100 only where it is all."""
    return "all" if share == 1 else f"{min(99.9, 100 * share):.3g} %"
