"""Two models that differ in the value of a whole expression: the search for a witness of a contrast or ratio.

Fair coins prove that a term is not identified, but treat every value of a treatment alike, so that differences
cancel. Some coins of a hedge may lean without changing that P(V) is the same in both models.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from latentdo.graphs import Mask, bits
from latentdo.query import Query, Term

from ..criteria.districts import HedgeMasks, ways
from ..engine.reduction import Problem
from ..engine.tables import Real
from .parity import Level, ParityModel
from .readings import evaluated, named, readings, values_named
from .routes import Routes, routes_of
from .twins import Case, Leaning, Twins

Pair = tuple[ParityModel, ParityModel]
Contrast = tuple[Pair, tuple[Case, ...]]

CLEAR = 0.02  # the first pair as far apart as this is shown, and the farthest where none is
FAINT = 1e-6
WORK = 1 << 21  # the most cells in all laws that are made for one pair, the first reading apart
QUARTER, EIGHTH = 1 / 4, 1 / 8  # powers of two, so that equal laws are equal to the last digit
LEANINGS = (
    Leaning(),
    Leaning(hedge=(QUARTER,)),
    Leaning(hedge=(QUARTER, EIGHTH)),
    Leaning(hedge=(QUARTER, EIGHTH), own=QUARTER),
)


def whole_pair(query: Query, term: Term, problem: Problem, hedge: HedgeMasks, most_bits: int) -> Contrast | None:
    """Two models from the hedge of a term that differ in the whole query, with a case for each of its terms.

    Args:
        term: A term that is not identified.
        problem: The problem of that term.
        hedge: Its hedge.
        most_bits: The most bits that a model may have.
    """
    made = dict.fromkeys(_pairs(query, term, problem, hedge))
    pairs = [pair for pair in made if len(pair[0].bits) <= most_bits]
    best: Contrast | None = None
    farthest = FAINT
    # The values as asked before others, in every pair.
    for first_only in (True, False):
        for pair in pairs:
            for cases, apart in _apart(query, pair, first_only=first_only):
                if apart > farthest:
                    best, farthest = (pair, cases), apart
                if farthest > CLEAR:
                    return best
    return best


def _pairs(query: Query, term: Term, problem: Problem, hedge: HedgeMasks) -> Iterator[Pair]:
    """Pairs to try, the simplest first."""
    plain = routes_of(problem, hedge)
    values = {name: len(values_named(query, name)) for name in named(query)}
    # Within the hedge values are heard already, but those of several treatments may cancel.
    heard = [_hearing(query, problem, plain, without) for without in (plain.hedge.larger, 0)]
    for routes, leaning in itertools.product([plain, *filter(None, heard)], LEANINGS):
        twins = Twins(term, problem, routes, values, leaning)
        yield twins.model(deaf=False), twins.model(deaf=True)


def _hearing(query: Query, problem: Problem, routes: Routes, without: Mask) -> Routes | None:
    """Routes on which the answer also hears of what the query sets or sees, apart from nodes in `without`."""
    masks = problem.masks
    named_nodes = masks.mask(name for term in query.terms for name in (*term.treatments, *term.conditions))
    asked = masks.mask(name for term in query.terms for name in term.outcome_names)
    inputs = dict(routes.inputs)
    for start in bits(named_nodes & ~without):
        if start in inputs:
            continue
        goals: Mask = sum(1 << i for i in inputs)
        child = ways(masks, goals, ~(named_nodes | asked) | 1 << start)
        i, way = start, list[tuple[int, int]]()
        while i in child and not goals >> i & 1:
            way.append((i, child[i]))
            i = child[i]
        for here, there in way:
            inputs.setdefault(here, 0)
            inputs[there] = inputs.get(there, 0) | 1 << here
    return None if inputs == routes.inputs else replace(routes, inputs=inputs)


def _apart(query: Query, pair: Pair, *, first_only: bool) -> Iterator[tuple[tuple[Case, ...], float]]:
    """Readings of the query with the difference between the two models."""
    laws: dict[tuple[int, tuple[Any, ...]], Any] = {}
    cells = 1 << len(pair[0].bits)

    def answer(number: int, case: Case) -> Real:
        do: tuple[tuple[str, Level | tuple[float, ...]], ...] = case.do
        if (number, do) not in laws:
            laws[number, do] = pair[number].law(dict(do))
        return case.answer_in(laws[number, do], pair[number])

    tried = slice(0, 1) if first_only else slice(1, None)
    for cases in itertools.islice(readings(query, pair[0].widths), tried.start, tried.stop):
        if not first_only and (len(laws) + 2) * cells > WORK:
            return
        values = [
            evaluated(query.expression, {term: answer(k, case) for term, case in zip(query.terms, cases, strict=True)})
            for k in (0, 1)
        ]
        difference = abs(values[0] - values[1])
        if math.isfinite(difference):
            yield cases, float(difference)
