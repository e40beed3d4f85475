"""The verbs that need a session: each takes the fields of a request and gives what the page reads."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latentdo.errors import MissingExtraError, QueryError, UsageError

from .request import Request
from .session import Session
from .study import Draft

if TYPE_CHECKING:
    from latentdo.answers import Answers
    from latentdo.query import Expression, Query

Verb = Callable[[Session, Request], dict[str, Any]]
POINTS, MOST_POINTS = 21, 201
"""Of a curve."""
PLOTS = ("answers", "sweep", "compare", "check", "shapes")


def session(here: Session, request: Request) -> dict[str, Any]:
    """Where things stand."""
    from latentdo import __version__
    from latentdo.models.study import arguments_of, engine_names, method_names

    return {
        "version": __version__,
        "study": None if here.given is None else here.given.to_json(),
        "table": None if here.look is None else here.look.to_json(),
        "fit": here.fit_json(),
        "engines": {name: list(arguments_of(name)) for name in engine_names()},
        "methods": list(method_names()),
        "pictures": importlib.util.find_spec("matplotlib") is not None,
    }


def columns(here: Session, request: Request) -> dict[str, Any]:
    """The table's columns."""
    here.rows()
    assert here.look is not None
    return {"table": here.look.to_json()}


def check(here: Session, request: Request) -> dict[str, Any]:
    """What can be said before training: of a model its verdicts and columns, of a graph what its rows contradict."""
    from latentdo.checks import check as verb
    from latentdo.graphs import Admg, LatentDag
    from latentdo.opening import with_graph

    draft = Draft.of(request, here.given)
    request.finish()
    subject = with_graph(draft.text)
    with here.heavy:
        if isinstance(subject, LatentDag | Admg):
            # Refused of a graph where they are given, in the words of the verb.
            options: dict[str, Any] = {"missing": draft.missing, "do": draft.do}
            found: Any = verb(draft.text, here.rows(), *(text for _, text in draft.queries), **options)
            return {"of": "graph", "report": found.to_json(), "text": found.text(), "cautions": {}}
        found = verb(draft.study(), here.rows(), do=draft.do)
    names = [column.name for column in found.columns]
    return {"of": "model", "report": found.to_json(), "text": str(found), "cautions": _by_column(found.cautions, names)}


def _by_column(cautions: tuple[str, ...], names: list[str]) -> dict[str, list[str]]:
    """Each caution under the column that it names first."""
    import re

    found: dict[str, list[str]] = {}
    for caution in cautions:
        places = {name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", caution) for name in names}
        there = {name: place.start() for name, place in places.items() if place is not None}
        found.setdefault(min(there, key=there.__getitem__, default=""), []).append(caution)
    return found


def plan(here: Session, request: Request) -> dict[str, Any]:
    """What would be trained."""
    from latentdo.inference import Fit
    from latentdo.opening import engine_of, rows_of

    draft = Draft.of(request, here.given)
    request.finish()
    study = draft.study()
    engine = engine_of(study)
    rows = rows_of(study.model, here.rows(), study, missing=draft.missing, do=draft.do)
    fit = Fit.of(study.model, rows, engine, draft.seed, dict(study.units))
    blocks = [task.block for task in fit.tasks(lambda block, share: None, threading.Event())]
    blocks.sort(key=lambda block: (-len(block.latent), -len(block.nodes)))
    return {
        "engine": repr(engine),
        "rows": rows.n_rows,
        "blocks": [{"name": each.name, "nodes": list(each.nodes), "latent": list(each.latent)} for each in blocks],
        "study": draft.yaml(here.look.name if here.look else here.rows().name),
    }


def fit(here: Session, request: Request) -> dict[str, Any]:
    """Begin to train."""
    draft = Draft.of(request, here.given)
    request.finish()
    here.fit(draft)
    return {"fit": here.fit_json()}


def stop(here: Session, request: Request) -> dict[str, Any]:
    """Stop training, and keep what was done."""
    here.stop()
    return {"fit": here.fit_json()}


def resume(here: Session, request: Request) -> dict[str, Any]:
    """Go on training."""
    here.resume()
    return {"fit": here.fit_json()}


def forget(here: Session, request: Request) -> dict[str, Any]:
    """Remove the table, or the fit, or both."""
    what = request.choice("what", ("all", "table", "fit"), "all")
    request.finish()
    if what != "fit":
        here.forget_table()
    if what != "table":
        here.forget_fit()
    return session(here, request)


def ask(here: Session, request: Request) -> dict[str, Any]:
    """Questions answered from the fit."""
    level = _level(request)
    options = {
        "seed": request.whole("seed", 0),
        "allow_unidentified": request.flag("allow_unidentified"),
        "naive": request.flag("naive"),
    }
    queries = request.questions("queries")
    request.finish()
    here.answers = _answered(here, queries, options)
    here.asked = {**here.asked, "queries": queries, "level": level, **options}
    return _said(here.answers, level)


def sweep(here: Session, request: Request) -> dict[str, Any]:
    """One question at several values of a node that it sets."""
    from latentdo.query import Axis, query_of

    level = _level(request)
    query = query_of(request.text("query"), dict(here.posterior().queries))
    node = request.text("node")
    values = request.values("values") or _spread(request)
    seed = request.whole("seed", 0)
    request.finish()
    swept = replace(opened(query, node), axes=(Axis(node, tuple(values)),))
    here.curve = _answered(here, [(None, swept)], {"seed": seed})
    here.asked = {**here.asked, "curve": str(swept), "curve_level": level, "curve_seed": seed}
    return _said(here.curve, level)


def _spread(request: Request) -> list[float]:
    """Values from one to another at equal distances."""
    low, high = request.number("from"), request.number("to")
    points = request.whole("points", POINTS)
    if not 2 <= points <= MOST_POINTS:
        raise UsageError(f"A curve has 2 to {MOST_POINTS} points, got {points}.")
    if low >= high:
        raise QueryError(f"A range ascends, and {low:g} to {high:g} does not.")
    # What is typed has as many digits, so that the script asks the very same.
    return [float(f"{low + (high - low) * k / (points - 1):.10g}") for k in range(points)]


def opened(query: Query, node: str) -> Query:
    """The question with one node left open in the first term that sets it.

    Raises:
        QueryError: No term sets it, or the question runs over values already.
    """
    from latentdo.query import Binary, Setting

    if query.axes:
        raise QueryError(f"{query} is a curve already. Ask it as it is.")
    first = next((term for term in query.terms if any(setting.name == node for setting in term.do)), None)
    if first is None:
        raise QueryError(f"{query} does not set {node!r}, so it has no curve over it. Write do({node}=…) in it.")
    free = replace(first, do=tuple(Setting(node) if each.name == node else each for each in first.do))

    def of(part: Expression) -> Expression:
        # An odds has its term twice.
        if isinstance(part, Binary):
            return replace(part, left=of(part.left), right=of(part.right))
        return free if part == first else part

    return replace(query, expression=of(query.expression))


def _answered(here: Session, queries: Any, options: dict[str, Any]) -> Answers:
    from latentdo.answers import Answer, Answers
    from latentdo.api import ask as verb

    posterior = here.posterior()
    with here.heavy:
        # As a list: one pair alone would be taken for two questions.
        found: Any = verb(posterior, _asked(queries), **options)
    return Answers((found,)) if isinstance(found, Answer) else found


def _asked(queries: list[tuple[str | None, Any]]) -> list[Any]:
    return [query if name is None else (name, query) for name, query in queries]


def _said(answers: Answers, level: float) -> dict[str, Any]:
    return {"answers": answers.to_json(level), "text": answers.text(level)}


def _level(request: Request) -> float:
    level = request.number("level", 0.9)
    if not 0 < level < 1:
        raise UsageError(f"The level of an interval lies between 0 and 1, got {level:g}. Write 0.9 for 90 %.")
    return level


def compare(here: Session, request: Request) -> dict[str, Any]:
    """The fit beside its rivals."""
    from latentdo.api import compare as verb

    level = _level(request)
    methods = request.texts("methods") or None
    options = {"seed": request.whole("seed", 0), "allow_unidentified": request.flag("allow_unidentified")}
    queries = request.questions("queries")
    request.finish()
    posterior = here.posterior()
    table = None if posterior.data is not None else here.rows()
    with here.heavy:
        found = verb(posterior, _asked(queries), data=table, methods=methods, level=level, **options)
    here.comparison = found
    here.asked = {**here.asked, "compared": queries, "methods": methods, "compare_level": level, "compare": options}
    differences = [each.to_json() for each in found.differences]
    return {"rows": found.to_json(), "differences": differences, "text": found.text()}


def plot(here: Session, request: Request) -> dict[str, Any]:
    """A picture of what was found last."""
    kind = request.choice("kind", PLOTS)
    level = _level(request)
    request.finish()
    return {"svg": picture(here, kind, level)}


def picture(here: Session, kind: str, level: float) -> str:
    """What was found last, as SVG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: Nothing of the kind was found yet.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("A picture", "matplotlib", "plot")
    with here.heavy:
        return svg_of(_axes(here, kind, level))


def _axes(here: Session, kind: str, level: float) -> Any:
    from latentdo.criticism import known

    match kind:
        case "answers" | "sweep":
            found = here.answers if kind == "answers" else here.curve
            if found is None:
                raise UsageError("Nothing was asked yet. Ask first, and then draw.")
            return found.plot(level=level)
        case "compare":
            if here.comparison is None:
                raise UsageError("Nothing was compared yet. Compare first, and then draw.")
            return here.comparison.plot()
        case "check":
            checked = known(here.posterior())
            if checked is None:
                raise UsageError("This fit was not set against its rows, so there is nothing to draw.")
            return checked.plot()
        case _:
            return here.posterior().plot_shapes()


def svg_of(axes: Any) -> str:
    """The figure of some axes as SVG that may stand in a page."""
    import io

    import numpy as np

    content = io.StringIO()
    np.ravel(axes)[0].figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    text = content.getvalue()
    return text[text.index("<svg") :]


VERBS: dict[str, Verb] = {
    each.__name__: each
    for each in (session, columns, check, plan, fit, stop, resume, forget, ask, sweep, compare, plot)
}
