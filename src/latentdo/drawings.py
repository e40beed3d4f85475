"""What is marked in the drawing of a graph: the parts of a question, what is adjusted for, the effects of a fit on its edges."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import QueryError, SpecError
from latentdo.graphs import Admg, LatentDag, Name, folded, quote
from latentdo.plots import MOST_NODES, Drawing, Role, drawing
from latentdo.query import Query
from latentdo.sheet import in_braces, listed, number

if TYPE_CHECKING:
    from latentdo.inference import Posterior
    from latentdo.models import ModelSpec

LEVEL = 0.9
EFFECTS = "beside edges: weight per unit of the cause, on the scale of the link of the effect, with 90 % interval"


def drawing_of(
    value: LatentDag | Admg | ModelSpec,
    query: str | Query | None = None,
    *,
    adjustment: Iterable[Name] | None = None,
    posterior: Posterior | None = None,
    title: str = "",
) -> Drawing:
    """The drawing of a graph or a model, with what a question and a fit say about it.

    Args:
        value: What is drawn; signs to which a model's weights are constrained are drawn too.
        query: A question whose treatments, outcomes and evidence are marked; and, unless `adjustment` is given, the best set
            that adjustment for identifies it, where there is one.
        adjustment: Nodes to mark as adjusted for; empty for none.
        posterior: A fit of a model with these edges: each edge has its weight beside it.
        title: What stands above it.

    Raises:
        NotationError: The query cannot be read.
        QueryError: The query makes no sense for the graph.
        UnknownNodeError: A name that is not a node.
        SpecError: The fit is of a model without these edges.
    """
    model = None if isinstance(value, LatentDag | Admg) else value
    graph = folded(model.graph) if model is not None else value
    assert isinstance(graph, LatentDag | Admg)
    roles, notes = _roles(graph, query, adjustment)
    if posterior is not None and not (hasattr(posterior, "spec") and hasattr(posterior, "blocks")):
        raise SpecError(f"posterior= takes a fit, as ld.fit and ld.load give it, got {type(posterior).__name__}.")
    spec = model if posterior is None else posterior.spec
    labels: dict[tuple[Name, Name], str] = {}
    if posterior is not None:
        if missing := sorted(set(graph.directed) - set(posterior.spec.graph.directed)):
            cause, effect = missing[0]
            raise SpecError(
                f"The fit has no edge {cause} -> {effect}, and the graph has. Draw the graph of the fit: "
                "posterior.spec.graph.plot(posterior=posterior)."
            )
        labels, more = _effects(posterior, graph)
        notes += more
    signs = {} if spec is None else _signs(spec)
    return drawing(graph, roles=roles, signs=signs, labels=labels, title=title, notes=tuple(notes))


def _roles(
    graph: LatentDag | Admg, query: str | Query | None, adjustment: Iterable[Name] | None
) -> tuple[dict[Name, Role], list[str]]:
    """The part of each node in a question, and what is said below the drawing."""
    asked = Query.parse(query) if isinstance(query, str) else query
    if asked is not None and not isinstance(asked, Query):
        raise QueryError(f"A query is a text such as 'E[Y | do(X=1)]', got {type(asked).__name__}.")
    roles: dict[Name, Role] = {}
    notes: list[str] = []
    chosen = None if adjustment is None else arguments.names("adjustment", adjustment, QueryError, lone=True)
    for name in chosen or ():
        graph.require(name)
    if asked is not None:
        asked.check(graph)
        if chosen is None:
            chosen, said = _adjusted(graph, asked)
            notes += [said] if said else []
        parts = [(term.outcome_names, term.treatments, term.conditions) for term in asked.terms]
        roles |= dict.fromkeys((name for _, _, given in parts for name in given), "given")
        roles |= dict.fromkeys((name for outcomes, _, _ in parts for name in outcomes), "outcome")
        roles |= dict.fromkeys((name for _, treated, _ in parts for name in treated), "treatment")
        notes.insert(0, str(asked))
    roles |= dict.fromkeys((name for name in chosen or () if name not in roles), "adjusted")
    return roles, notes


def _adjusted(graph: LatentDag | Admg, query: Query) -> tuple[tuple[Name, ...], str]:
    """The best adjustment set of a question without evidence, and the verdict in a line."""
    from latentdo.identification import Identified, identify

    verdict = identify(graph, query)
    if not isinstance(verdict, Identified):
        return (), "not identified"
    form = f"identified ({verdict.estimand.form})" if verdict.estimand.form else "identified"
    if any(term.conditions for term in query.terms) or not any(term.do for term in query.terms):
        return (), form
    try:
        forms = verdict.forms
    except QueryError:  # terms that differ in what they set have no form in common
        return (), form
    best = next(iter(islice(forms.adjustment_sets(1), 1)), None)
    if not best or not forms.has_effect or forms.optimal_adjustment is None:
        return (), form
    nodes = tuple(node for node in graph.nodes if node in forms.optimal_adjustment.nodes)
    return nodes, f"{form}: adjusting for {in_braces(nodes)} is enough"


def _signs(spec: ModelSpec) -> dict[tuple[Name, Name], str]:
    """The signs to which weights are constrained."""
    return {
        (weight.parents[0], node): weight.sign
        for node, mechanism in spec.mechanisms
        for weight in mechanism.weights
        if weight.sign and len(weight.parents) == 1
    }


def _effects(posterior: Posterior, graph: LatentDag | Admg) -> tuple[dict[tuple[Name, Name], str], list[str]]:
    """The weight of each edge with its interval; and what of them is no number."""
    numbers = dict(posterior.parameters)
    kinds = {label.name: label.kind for label in posterior.parameter_labels}
    labels: dict[tuple[Name, Name], str] = {}
    open_, several = [], []
    for a, b in sorted(graph.directed):
        weights = [weight for weight in posterior.spec[b].weights if a in weight.parents and not weight.absent]
        name = f"{weights[0].label} -> {quote(b)}" if len(weights) == 1 else ""
        before, spread = "", posterior.spec[b].spread
        if not weights and spread is not None:
            # A cause of the spread alone.
            weights = [weight for weight in spread.weights if a in weight.parents]
            before, name = f"{spread.parameter}: ", f"{spread.parameter} weight {weights[0].label} -> {quote(b)}"
        if len(weights) != 1 or weights[0].factors != (a,):
            several.append(f"{a} -> {b}")
        elif isinstance(weights[0].belief, int | float):
            labels[a, b] = f"{before}{number(float(weights[0].belief), 0.0)} (fixed)"
        elif name not in numbers:
            several.append(f"{a} -> {b}")
        elif kinds.get(name) in ("not identified", "prior only", "did not mix"):
            open_.append(f"{a} -> {b}")
        else:
            labels[a, b] = f"{before}{_shown(numbers[name], point=posterior.is_point)}"
    notes = [EFFECTS] if labels else []
    notes += [f"not pinned down by the data: {listed(open_)}"] if open_ else []
    notes += [f"no single number (levels, interactions, tables): {listed(several)}"] if several else []
    return labels, notes


def _shown(draws: Any, *, point: bool) -> str:
    """The mean of a weight, and between which values it lies."""
    import numpy as np

    mean = float(np.mean(draws))
    if point:
        return number(mean, abs(mean) / 100)
    low, high = (float(value) for value in np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    spread = float(np.std(draws))
    return f"{number(mean, spread)} ({number(low, spread)} to {number(high, spread)})"


def notebook_svg(value: LatentDag | Admg | ModelSpec) -> str | None:
    """The drawing for a notebook; None, so that it shows the text, where there is too much to draw."""
    graph = value if isinstance(value, LatentDag | Admg) else value.graph
    return None if len(graph.nodes) > MOST_NODES else drawing_of(value).svg
