"""A fit against its rows: nodes, factors and whole formulas tested, and what each question hears of it in a word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from latentdo.answers import Answer, ask_all
from latentdo.arrays import FloatArray
from latentdo.errors import LatentdoError, UnsupportedError
from latentdo.graphs import Admg, Name, format_number, project
from latentdo.inference import Posterior, blocks_of
from latentdo.models import ModelSpec
from latentdo.query import Query
from latentdo.tables import Dataset

from .bends import missing_shape
from .evidence import Evidence, evidence_of
from .fit_check import LEVEL, FitCheck
from .graph_check import check_graph, holm
from .moves import Moves, Replaced, is_saturated, replaced
from .node_checks import node_rows
from .priors import prior_row
from .values import CheckedQuery, CheckRow, Layer, Word

LEAST_ROWS = 30
"""Rows below which nothing is tested."""
OF_ANSWER, OF_OUTCOME = 0.25, 0.1
"""The tolerance: this share of the answer, or of the outcome's standard deviation if that is more."""
APART, APART_MANY, MANY_ROWS = 1.25, 1.15, 1000
"""Ratios of two standard deviations of an answer beyond which both are said, with fewer rows and with many."""
OF_LAW = ("variance", "sd", "quantile", "density", "event", "law")
"""Terms that depend on the shape of a law."""
TOLD_BY = "latentdo check FIT DATA QUERY"
NOT_AT_HAND = f"the rows are not at hand: {TOLD_BY}"
NOTHING_FAILED = (
    f"nothing that it rests on failed when the fit was made; how far it could move needs the rows: {TOLD_BY}"
)
HOW_FAR = f"how far the answer moves is told by {TOLD_BY}"
MORE_ROOM = "give the parents there more room, s(X, k=40), or a column of their own for a jump"
GAPS = (
    'cells are missing, and a check needs complete rows. A fit with missing="drop" can be checked; a misfit that is found there '
    "may also come from how its rows came to be complete"
)
"""Why a fit that averages over missing cells is not checked."""
MOST_NAMED = 3
"""Constraints that fail and are named beside a question."""
NO_MOVE = 1e-6
"""The share of the tolerance below which a move is rounding."""
OF_MEANS = (Word.MISFIT, Word.UNSURE_MISFIT)
"""Words of rows about means; the second where how far an answer moves cannot be told."""
Asked = Sequence[tuple[str | None, Query]]


@dataclass(frozen=True, eq=False)
class _Judged:
    """A question with what was found of it.

    Attributes:
        name: The study's name of it.
        query: The question.
        answer: The model's answer, its sd, and the tolerance.
        found: What flexible factors do to it; None where that cannot be told.
        reason: Why not.
        draws: The answer, chains laid end to end.
        sd_by_rows: Its standard deviation by the infinitesimal jackknife.
    """

    name: str | None
    query: Query
    answer: tuple[float, float, float] = (0.0, 0.0, 0.0)
    found: Replaced | None = None
    reason: str = ""
    draws: FloatArray | None = None
    sd_by_rows: float | None = None


def check_posterior(
    posterior: Posterior,
    data: Dataset,
    queries: Asked = (),
    *,
    tolerance: float | None = None,
    seed: int = 0,
) -> FitCheck:
    """Whether the rows support the numbers of a fit: graph, nodes, and what each question hears of them.

    Args:
        posterior: The fit.
        data: The rows that it was trained on.
        queries: Questions with their names, each with one number.
        tolerance: By how much an answer may move before that matters, in its units; a quarter of the answer or a tenth of the
            outcome's standard deviation unless given.
        seed: Of what is drawn.

    Raises:
        QueryError: A question makes no sense for the model.
    """
    for _, query in queries:
        query.check(posterior.spec.graph)
    base = check_nodes(posterior, data, queries, seed=seed)
    return check_queries(posterior, data, queries, base, tolerance=tolerance, seed=seed)


def check_nodes(posterior: Posterior, data: Dataset, queries: Asked = (), *, seed: int = 0) -> FitCheck:
    """What needs no question: the graph's constraints, and each node given its pillow.

    Args:
        queries: Questions whose verdicts an edge that repairs the graph may change.
    """
    reason = _why_not(posterior, data)
    if data.n_missing:
        row = CheckRow(Layer.NODE, "the fit", Word.NOT_CHECKED, advice=reason)
        return FitCheck(Word.NOT_CHECKED, (row,), project(posterior.spec.graph), n_rows=data.n_rows)
    of_graph = check_graph(posterior.spec.graph, data, queries, seed=seed)
    n_set = data.n_rows - data.complete().n_rows
    if n_set:
        note = f"nodes and formulas are checked on rows in which nothing was set: {n_set:,} others are left out there"
        of_graph = replace(of_graph, notes=(*of_graph.notes, note))
    if reason:
        rows = (*of_graph.rows, CheckRow(Layer.NODE, "the fit", Word.NOT_CHECKED, advice=reason))
        word = Word.CONTRADICTED if of_graph.word is Word.CONTRADICTED else Word.NOT_CHECKED
        return replace(of_graph, word=word, rows=rows, queries=())
    evidence = evidence_of(posterior, data)
    rows = (*of_graph.rows, *adjusted(node_rows(evidence)))
    notes = of_graph.notes
    if evidence.share > 1:
        notes = (*notes, f"{evidence.n:,} of {data.n_rows - n_set:,} rows, evenly chosen, were looked at")
    return replace(of_graph, word=_whole((), rows), rows=rows, queries=(), notes=notes)


def check_queries(
    posterior: Posterior,
    data: Dataset,
    queries: Asked,
    base: FitCheck,
    *,
    tolerance: float | None = None,
    seed: int = 0,
    answers: Mapping[Query, Answer] | None = None,
) -> FitCheck:
    """What each question hears of graph and nodes, and how far flexible factors would move it.

    Args:
        base: What `check_nodes` found on the same rows.
        answers: Answers that are known already, made with the same seed.
    """
    if reason := _why_not(posterior, data):
        word = Word.CONTRADICTED if base.word is Word.CONTRADICTED else Word.NOT_CHECKED
        return replace(base, queries=tuple(CheckedQuery(q, word, advice=(reason,), name=name) for name, q in queries))
    base = replace(base, tolerance=tolerance)
    evidence = evidence_of(posterior, data)
    known = answers or {}
    judged = [_judged(evidence, name, query, tolerance, seed, known.get(query)) for name, query in queries]
    factors = adjusted([row for each in judged for row in _factor_rows(each)])
    wholes = adjusted([row for each in judged for row in _whole_rows(each)])
    priors = [row for each in judged for row in _prior_rows(posterior, each)]
    rows = (*base.rows, *factors, *wholes, *priors)
    checked = tuple(_said(evidence, each, rows) for each in judged)
    return replace(base, word=_whole(checked, rows), rows=rows, queries=checked)


def heard(
    posterior: Posterior, query: Query, base: FitCheck, name: str | None = None, reason: str = NOT_AT_HAND
) -> CheckedQuery:
    """What a question hears that is not checked itself, for a reason: of what was found when the fit was made."""
    same = next((each for each in base.queries if each.query == query), None)
    if same is not None:
        return same
    # What was tested and held is said; what nobody tested is not.
    tested = any(row.p is not None for row in base.rows)
    found = _of_rows(posterior.spec, base, _Judged(name, query, reason=reason))
    if reason != NOT_AT_HAND:
        return found
    if found.word in (Word.UNSURE_MISFIT, Word.LAW_ONLY):
        return replace(found, advice=(*found.advice[:-1], HOW_FAR, found.advice[-1]))
    if found.word is Word.NOT_CHECKED and tested:
        return replace(found, advice=(*found.advice[:-1], f"not checked: {NOTHING_FAILED}"))
    return found


def _why_not(posterior: Posterior, data: Dataset) -> str:
    """Why nothing of the fit itself can be checked; empty where it can."""
    if posterior.is_point:
        return "a fit of one draw has no errors"
    if data.n_missing:
        return GAPS
    if data.complete().n_rows < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows" + (" in which nothing was set" if data.regimes else "")
    digest = posterior.facts.rows_digest
    if data.hash != posterior.facts.hash and (digest is None or data.rows_digest != digest):
        return "these are not the rows that the fit was trained on, and errors on others are not worked out"
    return ""


def adjusted(rows: Sequence[CheckRow], level: float = LEVEL) -> tuple[CheckRow, ...]:
    """Rows of one layer after Holm's correction; those that do not fail say that nothing was found, and give no advice."""
    places = sorted((i for i, row in enumerate(rows) if row.p is not None), key=lambda i: rows[i].p or 0.0)
    out = list(rows)
    for i, p in zip(places, holm([rows[i].p or 0.0 for i in places]), strict=True):
        fails = p <= level
        word, advice = (rows[i].word, rows[i].advice) if fails else (Word.NO_MISFIT, "")
        out[i] = replace(rows[i], adjusted=float(p), word=word, advice=advice)
    return tuple(out)


def _judged(
    evidence: Evidence, name: str | None, query: Query, tolerance: float | None, seed: int, answer: Answer | None = None
) -> _Judged:
    try:
        if query.axes:
            raise UnsupportedError("a sweep has many numbers: ask for single points")
        if answer is None:
            (answer,) = ask_all(evidence.posterior, [(name, query)], seed, allow_unidentified=False)
        most = tolerance
        if most is None:
            most = max(OF_ANSWER * abs(answer.point), OF_OUTCOME * _spread(evidence, query))
        own = (answer.point, answer.sd or 0.0, float(most))
        by_rows = evidence.influence(answer.linear[evidence.index][:, None])[:, 0]
        sd = math.sqrt(evidence.share * float(by_rows @ by_rows))
        try:
            found = replaced(evidence, query, seed)
        except UnsupportedError as problem:
            only = (
                f"it is identified{answer.with_rows}, and only observed rows are checked" if answer.experiments else ""
            )
            return _Judged(name, query, reason=only or str(problem))
        return _Judged(name, query, own, found, draws=answer.linear, sd_by_rows=sd)
    except ValueError:
        return _Judged(name, query, reason="it has several numbers: ask for one of them")
    except LatentdoError as problem:
        return _Judged(name, query, reason=str(problem))


def _spread(evidence: Evidence, query: Query) -> float:
    """The largest standard deviation of what is asked about."""
    spreads = [0.0]
    for term in query.terms:
        for name in term.outcome_names:
            if evidence.rows.has(name):
                spreads.append(0.5 if term.kind == "event" else float(evidence.rows.column(name).std()))
    return max(spreads)


def _factor_rows(judged: _Judged) -> list[CheckRow]:
    if judged.found is None:
        return []
    rows = []
    for factor, moves in judged.found.factors.items():
        # What parameters can fit exactly does not move.
        if moves.size > NO_MOVE * judged.answer[2]:
            rows.append(_move_row(Layer.FACTOR, f"{factor} in {judged.query}", judged, moves, factor))
    return rows


def _whole_rows(judged: _Judged) -> list[CheckRow]:
    if judged.found is None:
        return []
    return [_move_row(Layer.ESTIMAND, str(judged.query), judged, judged.found.whole, "")]


def _prior_rows(posterior: Posterior, judged: _Judged) -> list[CheckRow]:
    if judged.found is None or judged.draws is None:
        return []
    return [prior_row(posterior, judged.query, judged.draws, judged.found.nodes, judged.answer[2])]


def _move_row(layer: Layer, what: str, judged: _Judged, moves: Moves, factor: str) -> CheckRow:
    kind, move = moves.worst
    sd = judged.answer[1]
    scale = f"({move.move / sd:+.2g} posterior sd)" if sd else ""
    # A move that the tolerance bears leaves the answer standing, however sure it is.
    word = Word.MOVES if moves.reach > judged.answer[2] else Word.STANDS
    number = format_number(float(f"{judged.answer[0] + move.move:.3g}"))
    advice = f"by {_LEARNERS.get(kind, kind)} in place of {factor or 'every factor'} it would be {number}"
    return CheckRow(layer, what, word, moves.p, move.move, advice, scale=scale, about=(judged.query, factor))


_LEARNERS = {
    "quadratic": "the check's own squares and products",
    "spline": "the check's own splines",
    "tree": "the check's own lines and cuts",
    "mean": "the rows alone",
}


def _failing(base: Admg, query: Query, nodes: frozenset[Name], rows: Sequence[CheckRow]) -> _Failing:
    """What fails and matters to a question.

    Args:
        nodes: Those whose laws the answer is made of.
    """
    outcomes = [name for term in query.terms for name in (*term.outcome_names, *term.conditions)]
    above = base.ancestors([name for name in outcomes if name in base.nodes])
    contradicted = [row for row in rows if row.word is Word.CONTRADICTED and above & set(row.nodes)]
    failed = [row for row in rows if row.layer is Layer.NODE and row.word.fails and nodes & set(row.nodes)]
    bent = [row for row in failed if row.word in OF_MEANS]
    grave = failed if any(term.kind in OF_LAW for term in query.terms) else bent
    advice = (*(f"{row.what} fails" for row in contradicted[:MOST_NAMED]), *told_of(failed))
    blind = any(row.word is Word.UNSURE_MISFIT for row in bent)
    return _Failing(bool(contradicted), bool(grave), bool(failed), bool(bent), blind, tuple(dict.fromkeys(advice)))


def told_of(failed: Sequence[CheckRow]) -> list[str]:
    """What is said of nodes that fail. Where a mean is wrong, spread and shape are so for that alone."""
    explained = {name for row in failed if row.word in OF_MEANS for name in row.nodes}
    own = [row for row in failed if row.word in OF_MEANS or not explained & set(row.nodes)]
    return [row.advice or f"{row.what} fails" for row in own]


def laws_behind(spec: ModelSpec, query: Query) -> frozenset[Name]:
    """The measured nodes whose laws an answer rests on: what is simulated for it, and what shares latents with that."""
    found: set[Name] = set()
    for term in query.terms:
        treated = [setting.name for setting in term.do]
        cut = spec.graph.without_incoming(treated)
        found |= cut.ancestors([*term.outcome_names, *term.conditions]) - set(treated)
    joined = {name for block in blocks_of(spec) if found & set(block.nodes) for name in block.nodes}
    return frozenset(joined & set(spec.measured))


@dataclass(frozen=True)
class _Failing:
    """Whether a constraint fails, something that counts, anything, a mean, a mean where curves are blind; and what to do."""

    contradicted: bool
    grave: bool
    anything: bool
    bent: bool
    blind: bool
    advice: tuple[str, ...]


def _of_rows(spec: ModelSpec, base: FitCheck, judged: _Judged) -> CheckedQuery:
    """The word of a question that was not put to the rows itself."""
    failing = _failing(base.graph, judged.query, laws_behind(spec, judged.query), base.rows)
    word = Word.LAW_ONLY if failing.anything else Word.NOT_CHECKED
    word = Word.UNSURE_MISFIT if failing.grave else word
    word = Word.CONTRADICTED if failing.contradicted else word
    return CheckedQuery(judged.query, word, advice=(*failing.advice, f"not checked: {judged.reason}"), name=judged.name)


def _said(evidence: Evidence, judged: _Judged, rows: Sequence[CheckRow]) -> CheckedQuery:
    """What a question hears: the gravest of what was found where it matters to it."""
    if judged.found is None:
        base = FitCheck(Word.NOT_CHECKED, tuple(rows), evidence.graph)
        return _of_rows(evidence.posterior.spec, base, judged)
    failing = _failing(evidence.graph, judged.query, judged.found.nodes, rows)
    own = [row for row in rows if isinstance(row.about, tuple) and row.about[0] is judged.query]
    reach = judged.found.whole.reach
    unsure = reach > judged.answer[2] or failing.blind
    advice = (
        *failing.advice,
        *unlike(judged.answer[1], judged.sd_by_rows, evidence.n * evidence.share),
        *(r.advice for r in own if r.layer is Layer.PRIOR and r.advice),
    )
    if failing.contradicted:
        word = Word.CONTRADICTED
    elif any(row.word is Word.MOVES for row in own):
        word = Word.MOVES
    elif failing.grave or any(row.word is Word.STANDS for row in own):
        word = Word.UNSURE_MISFIT if unsure else Word.STANDS
    elif is_saturated(evidence, judged.found.nodes):
        word = Word.SAME_FORMULA
    elif unsure:
        word = Word.UNSURE
        bound = format_number(float(f"{judged.answer[2]:.2g}"))
        advice = (*advice, f"{evidence.n:,} rows cannot tell whether another shape would move it by more than {bound}")
    elif any(row.layer is Layer.PRIOR and row.word is Word.UNSURE for row in own):
        word = Word.UNSURE
    else:
        word = Word.LAW_ONLY if failing.anything else Word.NO_MISFIT
    if word.fails and not (failing.contradicted or failing.bent):
        advice = (*_lacking(evidence, judged.found, own), *advice)
    if word is Word.CONTRADICTED:
        # How far a shape could move it says nothing of a graph that is wrong.
        return CheckedQuery(judged.query, word, advice=advice, name=judged.name, sd_by_rows=judged.sd_by_rows)
    _, move = judged.found.whole.worst
    by = [row for row in own if row.layer is Layer.FACTOR and row.p is not None]
    factor = min(by, key=lambda row: row.p or 0.0).about[1] if by else ""
    return CheckedQuery(
        judged.query,
        word,
        reach,
        move.move,
        move.z,
        factor,
        advice,
        judged.name,
        judged.sd_by_rows,
        tolerance=judged.answer[2],
    )


def _lacking(evidence: Evidence, found: Replaced, own: Sequence[CheckRow]) -> list[str]:
    """What to write where an answer moves and no test of a node's mean says why; nothing where it does not move."""
    moved = [row for row in own if row.word in (Word.MOVES, Word.STANDS)]
    if not moved:
        return []
    # A factor says more than the whole, which comes last.
    row = min(moved, key=lambda row: (row.layer is Layer.ESTIMAND, row.p or 0.0))
    factor = row.about[1]
    shape = missing_shape(evidence, found.owners[factor]) if factor in found.owners else ""
    return [f"{row.advice}: {shape or MORE_ROOM}"]


def unlike(sd: float | None, by_rows: float | None, n_rows: float) -> list[str]:
    """That rows and posterior disagree on how sure an answer is, where they do.

    Source:
        Giordano & Broderick (2023), The Bayesian infinitesimal jackknife for variance.
    """
    limit = APART if n_rows < MANY_ROWS else APART_MANY
    if not sd or not by_rows or 1.0 / limit <= by_rows / sd <= limit:
        return []
    return [f"its sd is {by_rows:.2g} by the rows and {sd:.2g} by the model"]


def _whole(checked: Sequence[CheckedQuery], rows: Sequence[CheckRow]) -> Word:
    """The word for all: that of the questions where there are any that were checked, else that of the rows."""
    words = [each.word for each in checked if each.word is not Word.NOT_CHECKED]
    words += [row.word for row in rows if row.word is Word.CONTRADICTED]
    if words:
        return Word.gravest(words)
    own = [row.word for row in rows if row.word is not Word.NOT_CHECKED]
    return Word.gravest(own)
