"""What a fit knows of itself: graph and nodes checked when it was made, and a word for each answer that is asked of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from latentdo import arguments
from latentdo.answers import Answer
from latentdo.errors import LatentdoError, SpecError
from latentdo.graphs import project
from latentdo.inference import Posterior
from latentdo.models import CheckSettings
from latentdo.query import Query

from .check_fit import HOW_FAR, MOST_NAMED, NOT_AT_HAND, TOLD_BY, check_nodes, check_queries, heard, told_of, unlike
from .evidence import Evidence, handed_on
from .fit_check import FitCheck
from .values import CheckedQuery, CheckRow, Layer, Word

MOST_ANSWERS = 20
MOST_NODES = 12
"""Measured nodes up to which a fit is checked unasked: constraints grow with the square of their number."""
SECONDS_EACH = 4e-7
"""Of a node's law at one point, draw and row."""
CHEAP, SHARE = 5.0, 0.3
"""Seconds, or the share of the time that training took, up to which a fit is checked unasked."""
AFTERWARDS = "checking it would take a while, so nobody did: ld.check(posterior, data, query)"
_A = TypeVar("_A", bound=Answer)


def checked_as_asked(
    posterior: Posterior, stated: CheckSettings | None, check: bool | None, *, otherwise: bool
) -> Posterior:
    """The fit set against its rows, where the call, else the study, or else the verb wants it.

    Raises:
        SpecError: `check` is neither true nor false.
    """
    wanted = (stated.run if stated else otherwise) if check is None else check
    if not arguments.flag("check", wanted, SpecError):
        return posterior
    return checked_when_cheap(posterior, stated.tolerance if stated else None)


def checked_when_cheap(posterior: Posterior, tolerance: float | None = None) -> Posterior:
    """The fit with what a check of graph and nodes found on its rows, where that takes seconds.

    Args:
        tolerance: By how much answers may move before that matters; kept for questions to come.
    """
    data = posterior.data
    if data is None or posterior.is_point:
        return posterior
    found: FitCheck | None = None
    reason = AFTERWARDS
    try:
        if _seconds(posterior) <= max(CHEAP, SHARE * posterior.seconds):
            found = check_nodes(posterior, data, seed=posterior.seed)
            asked = [(name, query) for name, query in posterior.queries if not query.axes]
            if asked and len(asked) <= MOST_ANSWERS:
                found = check_queries(posterior, data, asked, found, tolerance=tolerance, seed=posterior.seed)
            handed_on(posterior)
    except LatentdoError as error:
        reason = str(error)
    if found is None:
        row = CheckRow(Layer.NODE, "the fit", Word.NOT_CHECKED, advice=reason)
        found = FitCheck(Word.NOT_CHECKED, (row,), project(posterior.spec.graph), n_rows=data.n_rows)
    kept = {**replace(found, tolerance=tolerance).to_json(), "misfit": _sentence(found)}
    return replace(posterior, checked=json.dumps(kept, ensure_ascii=False))


def _sentence(found: FitCheck) -> str:
    """What does not fit, for the summary of the fit; empty where all does."""
    if not found.word.fails:
        return ""
    said = [f"{row.what} fails" for row in found.failed if row.layer is Layer.GRAPH]
    said += told_of([row for row in found.failed if row.layer is Layer.NODE])
    said = said or [each for asked in found.queries if asked.word is found.word for each in asked.advice]
    said = list(dict.fromkeys(said))
    more = f"; and {len(said) - MOST_NAMED} more" if len(said) > MOST_NAMED else ""
    return f"the rows do not fit: {found.word}: {'; '.join(said[:MOST_NAMED])}{more}. {TOLD_BY} says more"


def _seconds(posterior: Posterior) -> float:
    """About how long the checks of the nodes would take; without end where there are very many constraints."""
    assert posterior.data is not None
    if len(posterior.spec.measured) > MOST_NODES:
        return float("inf")
    rows = posterior.data.complete()
    if posterior.data.n_missing or not rows.n_rows:
        # It is said at once that these are not checked.
        return 0.0
    evidence = Evidence.of(posterior, rows)
    points = 0
    for node in evidence.pillows:
        try:
            points += evidence.law(node).n_points
        except LatentdoError:
            continue
    return SECONDS_EACH * points * evidence.n_draws * evidence.n


def known(posterior: Posterior) -> FitCheck | None:
    """What the fit was told when it was made; None where it was not checked then, or what is kept cannot be read."""
    try:
        tree = json.loads(posterior.checked)
        return FitCheck.from_json(tree, project(posterior.spec.graph))
    except (ValueError, KeyError, TypeError):
        return None


def with_standing(posterior: Posterior, answers: Sequence[_A], seed: int) -> list[_A]:
    """The answers, each with what the check of its fit says of it; as they are where the fit was not checked."""
    base = known(posterior)
    if base is None or len(answers) > MOST_ANSWERS:
        return list(answers)
    was_costly = all(row.word is Word.NOT_CHECKED for row in base.rows)
    identified = [answer for answer in answers if answer.identified]
    words: dict[Query, CheckedQuery] = {}
    if posterior.data is not None and not was_costly:
        asked = [(answer.name, answer.query) for answer in identified]
        of_nodes = replace(base, rows=tuple(row for row in base.rows if row.layer in (Layer.GRAPH, Layer.NODE)))
        # Points of a curve may have been interpolated.
        own = {answer.query: answer for answer in identified if answer.source is None}
        found = check_queries(
            posterior, posterior.data, asked, of_nodes, tolerance=base.tolerance, seed=seed, answers=own
        )
        words = {each.query: each for each in found.queries}
    else:
        reason = base.rows[0].advice if was_costly and base.rows and posterior.data is not None else NOT_AT_HAND
        words = {answer.query: heard(posterior, answer.query, base, answer.name, reason) for answer in identified}
    return [_with_word(answer, words.get(answer.query), posterior.facts.n_rows) for answer in answers]


def _with_word(answer: _A, word: CheckedQuery | None, n_rows: int) -> _A:
    if word is None:
        return answer
    warnings: tuple[Any, ...] = answer.warnings
    # Where the rows are not at hand, nobody knows that means stand.
    if word.word.is_alarm or word.word is Word.UNSURE_MISFIT or HOW_FAR in word.advice:
        spread = unlike(answer.sd, word.sd_by_rows, n_rows)
        what = "; ".join(each for each in word.advice if not each.startswith("not checked") and each not in spread)
        warnings = (*warnings, f"{word.word}: {what}" if what else str(word.word))
    warnings = (*warnings, *unlike(answer.sd, word.sd_by_rows, n_rows))
    return replace(answer, fit=word, warnings=warnings)
