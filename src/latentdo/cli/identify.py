"""`latentdo identify`: the verdict on each question, with its formula or its hedge. Loads neither JAX nor NumPy."""

from __future__ import annotations

from typing import Any

from latentdo.api import identify, load_study
from latentdo.errors import UsageError
from latentdo.identification import Identified, NotIdentified

from .failures import DONE, NOT_IDENTIFIED
from .options import Flag, Source
from .output import folded, say, say_json
from .sources import names_study, source_text

NAME = "identify"

USAGE = "latentdo identify GRAPH [QUERY ...] [--json]"

EXAMPLES = """\
Examples:
  latentdo identify "W -> R -> X -> Y; W <-> X; W <-> Y" "P(Y | do(X))"
  latentdo identify "X -> M -> Y; X <-> Y; latent U" "E[Y | do(X=1)]" --json
  latentdo identify study.yaml
  echo "X -> Y; X <-> Y" | latentdo identify - "P(Y | do(X))\""""

CODES = "Exit codes: 0 identified, 3 some query is not identified, 2 bad input."


def command(
    graph: Source,
    /,
    *queries: str,
    json: Flag = False,
) -> int:
    """Whether the measured nodes can answer a question, with the formula or the reason why not.

    The verdict is complete: a "no" means that no formula exists, and it comes
    with its proof, a hedge. Nothing is estimated, and no data are read.

    Args:
        graph: A graph or model as text, the path of a study (.yaml), or - for a text on standard input.
        queries: Such as "P(Y | do(X))", "E[Y | do(X=1), Z=0]" or a contrast; left out, those of the study.
        json: Print an object: query, identifiable, estimand, latex, derivation, hedge; of several, {"verdicts": […]}.
    """
    source = source_text(graph)
    study = load_study(source) if names_study(source) else None
    asked: list[tuple[str | None, Any]] = [(None, query) for query in queries]
    if not asked:
        asked = _own_queries(study)
    subject = source if study is None else study.model
    verdicts = [(name, identify(subject, query)) for name, query in asked]
    if json:
        rows = [verdict_json(verdict) for _, verdict in verdicts]
        named = [{"name": name, **row} for (name, _), row in zip(verdicts, rows, strict=True)]
        say_json(rows[0] if len(queries) == 1 else {"verdicts": named})
    else:
        say("\n\n".join(verdict_text(verdict, name) for name, verdict in verdicts))
    return DONE if all(verdict.identified for _, verdict in verdicts) else NOT_IDENTIFIED


def _own_queries(study: Any) -> list[tuple[str | None, Any]]:
    if study is None:
        raise UsageError('There is no question. Add one behind the graph, for example "P(Y | do(X))".')
    if not study.queries:
        raise UsageError(
            f'{study.path} has no queries. Add one behind it, for example "P(Y | do(X))", or under `queries:` in it.'
        )
    return list(study.queries)


def verdict_json(verdict: Identified | NotIdentified) -> dict[str, Any]:
    """The verdict as plain strings and lists."""
    row: dict[str, Any] = {"query": str(verdict.query), "identifiable": verdict.identified}
    match verdict:
        case Identified(estimand=estimand):
            return {**row, "estimand": estimand.text, "latex": estimand.latex, "derivation": [], "hedge": None}
        case NotIdentified(hedge=(larger, smaller)):
            hedge = [sorted(larger), sorted(smaller)]
            return {**row, "estimand": None, "latex": None, "derivation": [], "hedge": hedge}


def verdict_text(verdict: Identified | NotIdentified, name: str | None) -> str:
    """The verdict for people: the formula, or the sentence and the hedge."""
    query = str(verdict.query)
    label = query if name in (None, query) else f"{query}   ({name})"
    match verdict:
        case Identified(estimand=estimand):
            return f"Identified: {label}\n  = {estimand.text}"
        case NotIdentified(hedge=(larger, smaller), reason=reason):
            hedge = f"Hedge: {{{', '.join(sorted(larger))}}} around {{{', '.join(sorted(smaller))}}}"
            return "\n".join([f"Not identified: {label}", folded(reason), folded(hedge)])
