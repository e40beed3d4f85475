"""Asking: verdicts first, support next, then each question exactly or by simulation with its own error, and its diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latentdo.errors import NotIdentifiedError, QueryError
from latentdo.graphs import Name
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.inference import Posterior, pareto_k
from latentdo.models import ModelSpec
from latentdo.query import Query, Term, Value

from .answer import Answer, Answers
from .associational import prior_of, seeing, unseen
from .cautions import cautions_of
from .curves import interpolated
from .exact import Exact
from .plan import TermPlan, plan_term
from .simulation import Simulation
from .support import check_complete, check_values, verdict_on
from .values import UNITS, Computed, check_finite, compute

MOST_BYTES = 4 * 2**30
LEAST_EVIDENCE = 10.0
"""Effective units below which a weighted mean and its simulation error mean nothing, and none is given."""


@dataclass(frozen=True)
class _Asked:
    """One number that is asked for."""

    name: str | None
    query: Query
    verdict: Identified | NotIdentified
    at: tuple[tuple[Name, Value], ...] = ()
    source: Query | None = None


def ask_all(
    posterior: Posterior,
    queries: Sequence[tuple[str | None, Query]],
    seed: int,
    *,
    allow_unidentified: bool,
    naive: bool = False,
) -> Answers:
    """An answer per query; a law `P(Y | …)` gives one per level, a sweep one per point.

    Args:
        naive: Whether to answer each question with seeing in place of doing too.

    Raises:
        QueryError: A query that makes no sense for the model.
        SupportError: A value that a node cannot take.
        NotIdentifiedError: Some query is not identified.
        UnsupportedError: Some query has no number. Like all the others, raised before anything is computed.
    """
    spec = posterior.spec
    queries = [(name, query.settled(spec.ones)) for name, query in queries]
    for _, query in queries:
        query.check(spec.graph)
        check_values(spec, query)
        check_complete(spec, query)
    known = posterior.functional, posterior.regimes
    verdicts = [verdict_on(spec.graph, query, *known) for _, query in queries]
    for verdict in verdicts:
        if isinstance(verdict, NotIdentified) and not allow_unidentified:
            askable = sum(each.identified for each in verdicts)
            advice = _advice(verdict, askable, len(verdicts))
            raise NotIdentifiedError(str(verdict), verdict, advice=advice, askable=askable)
    asked = [
        single
        for (name, query), verdict in zip(queries, verdicts, strict=True)
        for single in _singles(spec, name, query, verdict)
    ]
    _check_size(posterior, len(asked))
    answers = _answers(posterior, asked, seed, UNITS)
    return Answers(tuple(_with_company(posterior, answers, seed, naive=naive)))


def _advice(verdict: NotIdentified, askable: int, n: int) -> str:
    """What can be done where some of n questions are not identified, in Python's words."""
    help_ = (
        "What would help: .verdict.remedies() of this error; two models that the data cannot tell apart: .verdict.witness(); in "
        f'a terminal: latentdo identify GRAPH "{verdict.query}" --remedies --witness.'
    )
    leads = verdict.leads
    known = "Known all the same, for columns of levels: ld.bounds(posterior, data, query) gives the range that is left."
    if leads.assumptions:
        known += f" {leads.assumptions}: ld.compare(posterior, query, allow_unidentified=True)."
    help_ = " ".join(filter(None, (leads.cheapest, help_, known)))
    option = "allow_unidentified=True computes what is not identified too, from the prior and the functional form"
    if n == 1:
        return f"{help_} {option}."
    others = f"{askable} of the {n} questions {'is' if askable == 1 else 'are'} identified"
    alone = f"ask {'it' if askable == 1 else 'them'} without the rest; or {option}"
    head = f"Nothing was computed. {others}: {alone}." if askable else f"None of the {n} is identified. {option}."
    return f"{head} {help_}"


def _check_size(posterior: Posterior, n_answers: int) -> None:
    """Refuse what would fill the memory: every answer holds a number per draw."""
    n_draws = posterior.n_chains * posterior.n_draws
    needed = 8 * n_answers * n_draws
    if needed > MOST_BYTES:
        raise QueryError(
            f"{n_answers:,} answers of {n_draws:,} draws each take {needed / 2**30:.1f} GiB. Ask for fewer points at a time, or "
            "in several calls."
        )


def _answers(posterior: Posterior, asked: Sequence[_Asked], seed: int, ladder: Sequence[int]) -> list[Answer]:
    """The answers, without anything beside them."""
    plans: dict[Term, TermPlan] = {}
    for single in asked:
        for term in single.query.terms:
            if term not in plans:
                plans[term] = plan_term(posterior.spec, term)
    exact = Exact(posterior)
    simulated = [plan for plan in plans.values() if not exact.applies(plan)]
    with Simulation(posterior, seed, simulated) as simulation:
        found = _computed(simulation, exact, asked, plans, ladder)
    return [_answer(posterior, single, plans, value, seed) for single, value in zip(asked, found, strict=True)]


def used_nodes(spec: ModelSpec, query: Query) -> frozenset[Name]:
    """The nodes whose parameters an answer depends on: what is simulated for it."""
    points = query.points if query.axes else (((), query),)
    # Surgery is the same at every point.
    return _used({term: plan_term(spec, term) for term in points[0][1].terms})


def _used(plans: Mapping[Term, TermPlan]) -> frozenset[Name]:
    found: set[Name] = set()
    for term, plan in plans.items():
        found |= set(plan.order) - set(term.treatments)
    return frozenset(found)


def _singles(spec: ModelSpec, name: str | None, query: Query, verdict: Identified | NotIdentified) -> list[_Asked]:
    """The query itself; of a sweep every point of it, of a law every combination of levels."""

    def levels_of(node: Name) -> Sequence[Value]:
        return spec.levels.get(node, spec[node].family.points)

    names = [axis.name for axis in query.axes]
    return [
        _Asked(name, single, verdict, tuple(zip(names, values, strict=True)), query if names else None)
        for values, point in query.points
        for single in point.by_levels(levels_of)
    ]


def _computed(
    simulation: Simulation,
    exact: Exact,
    asked: Sequence[_Asked],
    plans: Mapping[Term, TermPlan],
    ladder: Sequence[int],
) -> list[Computed]:
    """The number of each question in every draw; curves with many points by interpolation where that is good enough."""
    found: dict[int, Computed] = {}
    for source, places in _curves(asked).items():
        values = interpolated(simulation, exact, source, [asked[i].query for i in places])
        found |= {} if values is None else dict(zip(places, values, strict=True))
    return [
        found[i] if i in found else compute(simulation, exact, single.query, plans, ladder)
        for i, single in enumerate(asked)
    ]


def _curves(asked: Sequence[_Asked]) -> dict[Query, list[int]]:
    """The places of the points of each curve; of a law's levels there are no curves."""
    places: dict[Query, list[int]] = {}
    for i, single in enumerate(asked):
        if single.source is not None and len(single.source.axes) == 1:
            places.setdefault(single.source, []).append(i)
    return {source: own for source, own in places.items() if len(own) == len(source.axes[0].values)}


def _answer(posterior: Posterior, asked: _Asked, plans: Mapping[Term, TermPlan], found: Computed, seed: int) -> Answer:
    """The number with all that is to be said of it."""
    query = asked.query
    where = "the one draw" if posterior.is_point else "{} of {} posterior draws"
    check_finite(query, found, where)
    if found.evidence is not None and found.evidence < LEAST_EVIDENCE:
        raise QueryError(
            f"{query}: the evidence is too rare. Behind the number would stand {found.evidence:.1f} effective units of "
            f"{found.n_units:,} in the worst 5 % of draws, and its error could not be told. Condition on something likelier."
        )
    used = _used({term: plans[term] for term in query.terms})
    # Neither diagnostic depends on the scale, and squares of very large numbers are no numbers.
    size = float(np.abs(found.draws).max())
    scaled = found.draws / size if size > 1.0 else found.draws
    diagnostic = posterior.diagnose(str(query), scaled, used)
    answer = Answer(
        query=query,
        draws=found.draws,
        verdict=asked.verdict,
        rhat=diagnostic.rhat,
        ess=diagnostic.ess,
        simulation_error=found.error,
        n_units=found.n_units,
        evidence_units=found.evidence,
        tail_index=pareto_k(scaled),
        name=asked.name,
        approximate=", ".join(dict.fromkeys(str(block.approximate) for block in posterior.approximated(used))) or None,
        computation=found.computation,
        posterior=posterior,
        at=asked.at,
        source=asked.source,
        seed=seed,
    )
    return replace(answer, warnings=tuple(cautions_of(posterior, answer, used, found)))


def _with_company(posterior: Posterior, answers: Sequence[Answer], seed: int, *, naive: bool) -> list[Answer]:
    """Beside what is not identified the prior's own answer, and where it is asked for the naive one."""
    found = list(answers)
    doubtful = [i for i, answer in enumerate(found) if not answer.identified]
    if doubtful:
        asked = [_Asked(None, found[i].query, found[i].verdict) for i in doubtful]
        # Wide priors may reach numbers that cannot be held, and evidence that never occurs: then there is nothing to show.
        for i, beside in zip(doubtful, _attempted(prior_of(posterior, seed), asked, seed, UNITS[:2]), strict=True):
            found[i] = replace(found[i], prior=beside if isinstance(beside, Answer) else None)
    if naive:
        spec = posterior.spec
        for i, answer in enumerate(found):
            if why := unseen(spec, answer.query):
                found[i] = replace(answer, warnings=(*answer.warnings, f"no naive answer: {why}"))
        seen = {i: query for i, answer in enumerate(found) if (query := seeing(spec, answer.query)) is not None}
        asked = [_Asked(None, query, identify(spec.graph, query)) for query in seen.values()]
        for i, beside in zip(seen, _attempted(posterior, asked, seed, UNITS[:5]), strict=True):
            if isinstance(beside, Answer):
                found[i] = replace(found[i], naive=beside)
            else:
                caution = f"what seeing says in place of doing has no number: {beside}"
                found[i] = replace(found[i], warnings=(*found[i].warnings, caution))
    return found


def _attempted(
    posterior: Posterior, asked: Sequence[_Asked], seed: int, ladder: Sequence[int]
) -> list[Answer | QueryError]:
    """Answers that stand beside others, whose errors need not be small; of one that has no number why."""
    if not asked:
        return []
    try:
        return [*_answers(posterior, asked, seed, ladder)]
    except QueryError as problem:
        if len(asked) == 1:
            return [problem]
        middle = len(asked) // 2
        return [
            *_attempted(posterior, asked[:middle], seed, ladder),
            *_attempted(posterior, asked[middle:], seed, ladder),
        ]
