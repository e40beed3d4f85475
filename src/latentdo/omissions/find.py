"""An answer along the strength of an edge that the graph leaves out: the model with the edge, fitted anew at each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latentdo.answers import Answer, ask_all, verdict_on
from latentdo.errors import FitError, NotIdentifiedError, QueryError, UnsupportedError
from latentdo.graphs import Name, quote
from latentdo.identification import NotIdentified, identify
from latentdo.inference import Engine, Fit, Posterior, train_all
from latentdo.query import Binary, Query, Term, operations_of
from latentdo.sheet import listed
from latentdo.tables import Dataset

from .closed_forms import Robustness, e_value, robustness_of
from .omitted import (
    Omitted,
    Unit,
    candidates,
    measured_causes,
    scale_of_source,
    units_of,
    with_strength,
)
from .sensitivity import Point, Sensitivity

DIRECT = (-0.5, -0.25, 0.25, 0.5)
"""Strengths of a directed edge that are tried first, in sds; of log odds twice as much."""
HIDDEN = (-0.6, -0.3, 0.3, 0.6)
"""Those of a hidden cause, in sds of what is left."""
FURTHEST = {False: 2.0, True: 0.9}
"""How strong an edge is tried at most to tip an answer, by whether it is `<->`; of log odds twice as much."""
FURTHER = 2
NOTHING_LEFT = 1.0
"""The strength of a hidden cause from which on it would do all that the causes in the graph leave of a node."""
NEAR = 0.01
"""How near the fits on both sides of a tipping point are to each other."""
LEAST_LEFT = 4
"""Rows that a regression has at least beside one for each node that is adjusted for."""
LOOKS = 16
"""Fits at most that look for a tipping point."""

Tell = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class _Refits:
    """The models with the edge, each trained once."""

    posterior: Posterior
    rows: Dataset
    query: Query
    omitted: Omitted
    units: dict[Name, Unit]
    engine: Engine
    level: float
    seed: int
    tell: Tell
    workers: int

    def points(self, strengths: Sequence[float]) -> list[Point]:
        """The answer at each strength."""
        step = scale_of_source(self.omitted, self.posterior.spec, self.rows)
        fits = []
        for strength in strengths:
            spec = with_strength(self.posterior.spec, self.omitted, strength, self.units, step)
            fit = Fit.of(spec, self.rows, self.engine, self.seed, dict(self.posterior.units))
            fits.append(replace(fit, label=f"{strength:g}: ", start=self.posterior))
        return [
            self.point(strength, self.ask(trained))
            for strength, trained in zip(strengths, train_all(fits, self.tell, None, self.workers), strict=True)
        ]

    def ask(self, posterior: Posterior) -> Answer:
        """The answer of one fit; the strength is fixed, so that the graph's own verdict is what counts."""
        (answer,) = ask_all(posterior, [(None, self.query)], self.seed, allow_unidentified=True)
        return answer

    def point(self, strength: float, answer: Answer) -> Point:
        """An answer as a point of the curve."""
        interval = answer.interval(self.level)
        if interval is None or answer.sd is None:
            raise UnsupportedError(
                "The fit has one draw alone, so that answers have no interval that could reach anything. Fit it with ld.Auto()."
            )
        low, high = map(float, interval)
        return Point(strength, answer.point, low, high, float(answer.sd), bool(answer.converged))


def sensitivity_of(
    posterior: Posterior,
    rows: Dataset,
    query: Query,
    engine: Engine,
    *,
    edge: str | None = None,
    strengths: Sequence[float] | None = None,
    target: float | None = None,
    level: float = 0.9,
    seed: int = 0,
    tell: Tell = lambda *_: None,
    workers: int = 1,
) -> Sensitivity:
    """How an answer moves with the strength of an edge that the graph does not have.

    Args:
        edge: `X -> Y` or `X <-> Y`; unless given, a hidden cause of treatment and outcome, or where the graph has one, a direct
            effect.
        strengths: Those to fit; unless given, four, and further ones to find what tips the answer.
        target: The value that the tipping point is about; no effect unless given.

    Raises:
        NotIdentifiedError: The graph does not identify the question: there is no answer to move.
        QueryError: Several numbers are asked for; an edge that the graph has, or that no strength can be fixed of; a hidden cause
            that would leave nothing else of a node.
    """
    query.check(posterior.spec.graph)
    if query.axes or any(term.kind == "law" for term in query.terms):
        raise QueryError(f"{query} asks for several numbers. Sensitivity is that of one: give the nodes values.")
    if any(part.word == "NNT" for part in operations_of(query.expression)):
        raise QueryError(
            f"{query} goes through infinity where its risk difference goes through 0. Ask for RD[…] in its place."
        )
    verdict = verdict_on(posterior.spec.graph, query, posterior.functional, posterior.regimes)
    if isinstance(verdict, NotIdentified):
        advice = "Sensitivity is that of an answer, and the data give none here."
        advice = " ".join(filter(None, [advice, verdict.leads.cheapest]))
        raise NotIdentifiedError(str(verdict), verdict, advice=advice, hopeless=True)
    omitted, others = _edge(edge, posterior, query)
    units = units_of(omitted, posterior, rows)
    refits = _Refits(posterior, rows, query, omitted, units, engine, level, seed, tell, workers)
    own = refits.ask(posterior)
    scale = own.scale
    wanted = target if target is not None else scale.null
    _check(strengths or (), omitted, units)
    notes = [f"other edges that it rests on: {', '.join(map(str, others))}"] if others else []
    result = Sensitivity(
        query,
        omitted,
        tuple(units.items()),
        (refits.point(0.0, own),),
        wanted,
        level,
        measured_causes(omitted, posterior, rows, units),
        _robustness(posterior, rows, query, omitted, level),
        _e_value(query, own, level),
        tuple(notes),
        str(scale),
    )
    if strengths is not None:
        return _settled(_with(result, refits.points([each for each in strengths if each])), refits)
    logits = all(unit.logit for unit in units.values())
    first = np.array(HIDDEN if omitted.bidirected else DIRECT) * (2.0 if logits else 1.0)
    result = _with(result, refits.points(first.tolist()))
    return _settled(_tipped(result, refits, FURTHEST[omitted.bidirected] * (2.0 if logits else 1.0)), refits)


def _check(strengths: Sequence[float], omitted: Omitted, units: Mapping[Name, Unit]) -> None:
    """Refuse a hidden cause that would leave nothing else of a node."""
    bounded = [quote(node) for node, unit in units.items() if unit.is_what_is_left]
    beyond = [strength for strength in strengths if abs(strength) >= NOTHING_LEFT]
    if omitted.bidirected and bounded and beyond:
        raise QueryError(
            f"A strength of {beyond[0]:g} of {omitted} is impossible: 1 is all that their causes leave of {listed(bounded)}, "
            "and would leave nothing else. Give strengths between -1 and 1, such as [-0.6, 0.6]."
        )


def _with(result: Sensitivity, points: Sequence[Point]) -> Sensitivity:
    found = {point.strength: point for point in (*result.points, *points)}
    return replace(result, points=tuple(found[strength] for strength in sorted(found)))


def _tipped(result: Sensitivity, refits: _Refits, furthest: float) -> Sensitivity:
    """With stronger edges where none tips the answer yet."""
    if result.target is None:
        return result
    strongest = float(result.strengths[-1])
    for _ in range(FURTHER):
        if result.tipping is not None or strongest >= furthest:
            break
        strongest = min(2 * strongest, furthest)
        try:
            result = _with(result, refits.points([result.toward(strongest)]))
        except FitError as error:
            return _without(result, result.toward(strongest), error)
    return result


def _without(result: Sensitivity, strength: float, error: FitError) -> Sensitivity:
    return replace(result, notes=(*result.notes, f"No model has a strength of {strength:.3g}: {error}"))


def _settled(result: Sensitivity, refits: _Refits) -> Sensitivity:
    """With fits where the curve is read: on both sides of the tipping point, and as strong as each measured cause.

    Between two points the curve is a guess, and a bad one where they are far apart.
    """
    for look in range(LOOKS):
        strength = _next(result, halve=look % 3 == 2)
        if strength is None:
            break
        try:
            result = _with(result, refits.points([strength]))
        except FitError as error:
            return _without(result, strength, error)
    else:
        result = replace(result, notes=(*result.notes, f"the tipping point is not known to within {NEAR:g}"))
    low, high = result.strengths[[0, -1]]
    read = {round(result.toward(each.strength), 3) for each in result.measured}
    missing = sorted(each for each in read - set(result.strengths.tolist()) if low <= each <= high)
    return _with(result, refits.points(missing)) if missing else result


def _next(result: Sensitivity, *, halve: bool) -> float | None:
    """The strength to fit next between the two points around the tipping point; None where they are near enough."""
    if result.tipping is None:
        return None
    tips, strengths = abs(result.tipping), [abs(s) for s in result.strengths if s * result.tipping >= 0]
    before = max(strength for strength in strengths if strength < tips)
    after = min(strength for strength in strengths if strength >= tips)
    if after - before <= NEAR * 1.001:
        return None
    # Where the curve tips next to a point, the other side of it is looked at.
    inner = np.clip(tips, before + 0.9 * NEAR, max(after - 0.9 * NEAR, (before + after) / 2))
    found = round(float((before + after) / 2 if halve else inner), 3)
    return float(np.copysign(found, result.tipping)) if before < found < after else None


def _edge(edge: str | None, posterior: Posterior, query: Query) -> tuple[Omitted, list[Omitted]]:
    """The edge, and others that a question rests on as much."""
    found = list(dict.fromkeys(candidates(posterior.spec, query)))
    if edge is not None:
        chosen = Omitted.parse(edge, posterior.spec)
        return chosen, []
    if not found:
        raise QueryError(
            f"Which edge? The graph has a hidden cause of treatment and outcome of {query} and a direct effect, or none can be "
            'added. Name another: edge="M <-> Y".'
        )
    return found[0], found[1:]


def _robustness(posterior: Posterior, rows: Dataset, query: Query, omitted: Omitted, level: float) -> Robustness | None:
    """The regression of the outcome on the treatment and what the graph adjusts for, where it is the question."""
    match query.expression:
        case Binary("-", Term(kind="mean") as one, Term(kind="mean") as other):
            pass
        case _:
            return None
    same = one.treatments == other.treatments and one.outcome_names == other.outcome_names
    if not same or len(one.treatments) != 1 or one.given or other.given or not omitted.bidirected:
        return None
    (treatment,), (outcome,) = one.treatments, one.outcome_names
    if {treatment, outcome} != {omitted.source, omitted.target}:
        return None
    spec, labels = posterior.spec, dict(rows.levels)
    if spec[outcome].family.name not in ("normal", "student"):
        return None
    best = identify(spec.graph, query).forms.optimal_adjustment
    if best is None or any(name in labels for name in (*best.nodes, treatment)):
        return None
    # A number that means nothing stands in a missing cell, and where something was set the regression is another one.
    rows = rows.untouched().complete([outcome, treatment, *sorted(best.nodes)])
    if rows.n_rows < len(best.nodes) + LEAST_LEFT:
        return None
    others = {name: rows.column(name) for name in sorted(best.nodes)}
    return robustness_of(rows.column(outcome), rows.column(treatment), others, rows.weights, level=level)


def _e_value(query: Query, answer: Answer, level: float) -> tuple[float, float] | None:
    """The E-values of a risk ratio and of its interval."""
    match query.expression:
        case Binary("/", Term() as one, Term() as other) if one.outcomes == other.outcomes and one.do and other.do:
            pass
        case _:
            return None
    interval = answer.interval(level)
    if interval is None or interval[0] <= 0 or not (one.kind == "event" or answer.scale.name == "risk ratio"):
        return None
    low, high = map(float, interval)
    nearer = 1.0 if low <= 1 <= high else min(low, high, key=lambda end: abs(np.log(end)))
    return e_value(answer.point), e_value(nearer)
