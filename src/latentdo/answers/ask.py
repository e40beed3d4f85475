"""Asking: verdicts first, support next, then simulation in replicates with its own error, and the query's diagnostics."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import qmc

from latentdo.errors import NotIdentifiedError, QueryError
from latentdo.graphs import Name, format_level, format_number
from latentdo.identification import Identified, NotIdentified, identify
from latentdo.inference import BlockDraws, NodeDraws, Posterior, pareto_k
from latentdo.models import ModelSpec
from latentdo.query import Binary, Distribution, Number, Outcome, Query, Setting, Term

from .answer import Answer, Answers
from .simulate import FloatArray, TermPlan, TermValue, evaluate_term, plan_term, root
from .support import check_complete, check_values

REPLICATES = 16
UNITS = (256, 1024, 4096)
"""Units per draw: the first that keeps the simulation error below its share of the posterior sd."""
SIMULATION_SHARE = 0.05
ENOUGH_EVIDENCE = 100.0
"""Effective units per draw (their 5 % quantile) below which evidence calls for more units, and then for a warning."""
LEAST_EVIDENCE = 10.0
"""Effective units below which a weighted mean and its simulation error mean nothing, and none is given."""
KHAT_LIMIT = 0.7
TOO_LARGE = 1e100
"""Beyond what data may hold. Exponentials are cut off above it: such a number says nothing."""
INSISTED = (
    "not nonparametrically identified: this number rests on the prior and on the functional form, "
    "however narrow its interval"
)


def ask_all(
    posterior: Posterior,
    queries: Sequence[tuple[str | None, Query]],
    seed: int,
    *,
    allow_unidentified: bool,
) -> Answers:
    """An answer per query; a law `P(Y | …)` gives one per level.

    Raises:
        QueryError: A query that makes no sense for the model.
        SupportError: A value that a node cannot take.
        NotIdentifiedError: Some query is not identified.
        UnsupportedError: Some query is not in this version. Like all the others, raised before anything is computed.
    """
    spec = posterior.spec
    for _, query in queries:
        query.check(spec.graph)
        check_values(spec, query)
        check_complete(spec, query)
    verdicts = [identify(spec.graph, query, functional=posterior.functional) for _, query in queries]
    for verdict in verdicts:
        if isinstance(verdict, NotIdentified) and not allow_unidentified:
            raise NotIdentifiedError(str(verdict), verdict)
    planned = [
        (name, single, verdict, {term: plan_term(spec, term) for term in single.terms})
        for (name, query), verdict in zip(queries, verdicts, strict=True)
        for single in _levels(spec, query)
    ]
    simulation = _Simulation(posterior, seed)
    return Answers(tuple(_answer(simulation, *asked) for asked in planned))


def used_nodes(spec: ModelSpec, query: Query) -> frozenset[Name]:
    """The nodes whose parameters an answer depends on: what is simulated for it."""
    found: set[Name] = set()
    for term in query.terms:
        found |= set(plan_term(spec, term).order) - {setting.name for setting in term.do}
    return frozenset(found)


def _levels(spec: ModelSpec, query: Query) -> list[Query]:
    """The query itself, or of a law one event per combination of levels."""
    if not query.is_single or query.term.kind != "law":
        return [query]
    term = query.term
    free = [outcome.name for outcome in term.outcomes if not outcome.op]
    found = []
    known = {name: spec.levels.get(name, spec[name].family.points) for name in free}
    for levels in itertools.product(*known.values()):
        chosen = dict(zip(free, levels, strict=True))
        outcomes = tuple(o if o.op else Outcome(o.name, "=", chosen[o.name]) for o in term.outcomes)
        found.append(Query(replace(term, kind="event", outcomes=outcomes)))
    return found


@dataclass(eq=False)
class _Simulation:
    """The noise of one call: replicates, who is in which, and each replicate's uniforms.

    All queries of a call, and all terms of a query, see the same noise, so that arms of a contrast share it, and a
    query's number does not depend on what was asked beside it.
    """

    posterior: Posterior
    seed: int

    def __post_init__(self) -> None:
        n_kept = self.posterior.n_chains * self.posterior.n_draws
        # One draw is simulated in every replicate: how far these differ is all that its error can be told by.
        self.kept = np.zeros(REPLICATES, dtype=int) if n_kept == 1 else np.arange(n_kept)
        self.n_draws = len(self.kept)
        self.n_replicates = REPLICATES if n_kept == 1 else min(REPLICATES, max(1, n_kept // 2))
        random = np.random.default_rng([self.seed, 0])
        # Draws are assigned at random: chains and their trends must not line up with replicates.
        self.groups = np.array_split(random.permutation(self.n_draws), self.n_replicates)
        self._uniforms: dict[tuple[int, int], FloatArray] = {}
        self._terms: dict[tuple[Term, int], TermValue] = {}

    @cached_property
    def position(self) -> dict[Name, int]:
        """The dimension of the low-discrepancy sequence that a node uses."""
        return {node: k for k, node in enumerate(self.posterior.spec.graph.nodes)}

    @cached_property
    def parts(self) -> list[dict[Name, NodeDraws]]:
        """The draws of each replicate, as one chain."""
        found = []
        for group in self.groups:
            part, picked = {}, self.kept[group]
            for node, draws in self.posterior.by_node.items():
                coefficients = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])[picked][None]
                parameters = tuple((name, value.reshape(-1)[picked][None]) for name, value in draws.parameters)
                part[node] = NodeDraws(coefficients, parameters)
            found.append(part)
        return found

    def uniforms(self, replicate: int, n_units: int) -> FloatArray:
        """Scrambled Sobol' points, (node, unit). Source: Owen (1997), Scrambled net variance."""
        key = (replicate, n_units)
        if key not in self._uniforms:
            random = np.random.default_rng([self.seed, 1, replicate])
            points = qmc.Sobol(len(self.position), scramble=True, rng=random).random(n_units).T
            self._uniforms[key] = np.clip(points, 2.0**-40, 1 - 2.0**-40)
        return self._uniforms[key]

    def run(self, query: Query, plans: Mapping[Term, TermPlan], n_units: int) -> tuple[FloatArray, FloatArray | None]:
        """The query per draw, and the smallest effective number of units over its terms."""
        found = {term: self.term(plan, n_units) for term, plan in plans.items()}
        with np.errstate(all="ignore"):
            values = np.array(_arithmetic(query.expression, {term: value.value for term, value in found.items()}))
        units = [value.units for value in found.values() if value.units is not None]
        return values, (np.min(units, axis=0) if units else None)

    def term(self, plan: TermPlan, n_units: int) -> TermValue:
        """One term per draw; a term that several queries share is simulated once."""
        key = (plan.term, n_units)
        if key not in self._terms:
            values, units = np.empty(self.n_draws), np.empty(self.n_draws)
            weighed = False
            for replicate, (group, part) in enumerate(zip(self.groups, self.parts, strict=True)):
                points = self.uniforms(replicate, n_units)
                # A draw far out may overflow; what is not finite in the end is refused by name.
                with np.errstate(all="ignore"):
                    found = evaluate_term(
                        plan, part, len(group), n_units, lambda node, p=points: p[self.position[node]]
                    )
                values[group] = found.value
                if found.units is not None:
                    units[group], weighed = found.units, True
            self._terms[key] = TermValue(values, units if weighed else None)
        return self._terms[key]

    def error(self, values: FloatArray) -> float:
        """The simulation error e of the mean: e² = max(0, B − R·sd²/N)/R, B the variance of the replicate means.

        The sd is that within replicates: between them lies the very noise that e measures.
        """
        if self.posterior.is_point:
            return float(values.std(ddof=1) / np.sqrt(len(values)))
        if self.n_replicates < 2:
            return 0.0
        means = np.array([values[group].mean() for group in self.groups])
        between = means.var(ddof=1)
        squares = sum(float(((values[g] - m) ** 2).sum()) for g, m in zip(self.groups, means, strict=True))
        variance = squares / (self.n_draws - self.n_replicates)
        expected = self.n_replicates * variance / self.n_draws
        return float(np.sqrt(max(0.0, between - expected) / self.n_replicates))


def _arithmetic(expression: Any, terms: Mapping[Term, FloatArray]) -> FloatArray:
    match expression:
        case Term():
            return terms[expression]
        case Number(value=value):
            return np.asarray(value)
        case Binary(op="+", left=left, right=right):
            return _arithmetic(left, terms) + _arithmetic(right, terms)
        case Binary(op="-", left=left, right=right):
            return _arithmetic(left, terms) - _arithmetic(right, terms)
        case Binary(op="*", left=left, right=right):
            return _arithmetic(left, terms) * _arithmetic(right, terms)
        case Binary(left=left, right=right):
            return _arithmetic(left, terms) / _arithmetic(right, terms)
        case _:
            raise AssertionError(expression)


def _answer(
    simulation: _Simulation,
    name: str | None,
    query: Query,
    verdict: Identified | NotIdentified,
    plans: Mapping[Term, TermPlan],
) -> Answer:
    """Simulate with ever more units until the simulation error is small beside the posterior sd."""
    posterior = simulation.posterior
    values, units, error, n_units = np.empty(0), None, 0.0, 0
    for n_units in UNITS:
        values, units = simulation.run(query, plans, n_units)
        rare = units is not None and (units.min() == 0 or np.quantile(units, 0.05) < ENOUGH_EVIDENCE)
        if rare and n_units < UNITS[-1]:
            continue
        _check_finite(query, values, units, "the one draw" if posterior.is_point else "{} of {} posterior draws")
        error = simulation.error(values)
        if not posterior.is_point and error <= SIMULATION_SHARE * float(values.std(ddof=1)):
            break
    evidence = None if units is None else float(np.quantile(units, 0.05))
    if evidence is not None and evidence < LEAST_EVIDENCE:
        raise QueryError(
            f"{query}: the evidence is too rare. Behind the number would stand {evidence:.1f} effective units of {n_units} in "
            "the worst 5 % of draws, and its error could not be told. Condition on something likelier."
        )
    values = values.mean(keepdims=True) if posterior.is_point else values
    used = used_nodes(posterior.spec, query)
    diagnostic = posterior.diagnose(str(query), values, used)
    guessed = posterior.approximated(used)
    answer = Answer(
        query=query,
        draws=values,
        verdict=verdict,
        rhat=diagnostic.rhat,
        ess=diagnostic.ess,
        simulation_error=error,
        n_units=n_units,
        evidence_units=evidence,
        tail_index=pareto_k(values),
        name=name,
        approximate=", ".join(dict.fromkeys(str(block.approximate) for block in guessed)) or None,
    )
    return replace(answer, warnings=tuple(_warnings(posterior, answer, guessed)))


def _check_finite(query: Query, values: FloatArray, units: FloatArray | None, where: str) -> None:
    """Raise where the query has no value; `where` says in how many of how many draws."""
    if units is not None and (never := int((units == 0).sum())):
        raise QueryError(
            f"{query} has no value in {where.format(never, len(values))}: its evidence never occurs there, or too "
            "rarely to be met. Condition on less."
        )
    if bad := int((~(np.abs(values) < TOO_LARGE)).sum()):
        raise QueryError(
            f"{query} has no value in {where.format(bad, len(values))}: a denominator is 0 there, or a number is "
            "too large. Ask for the parts one by one."
        )


def _warnings(posterior: Posterior, answer: Answer, guessed: Sequence[BlockDraws]) -> list[str]:
    found = [] if answer.identified else [INSISTED]
    found += _approximation(answer, guessed)
    # Of independent draws of an approximation more can be had at once.
    repair = "keep more draws" if answer.approximate and answer.rhat is None else "train longer"
    if not posterior.converged:
        found.append(f"the fit did not converge ({posterior.doubt}): {repair} before you rely on this")
    if not answer.converged:
        mixing = "" if answer.rhat is None else f"R-hat {answer.rhat:.3f}, "
        found.append(f"this question did not converge ({mixing}{answer.ess:.0f} effective draws): {repair}")
    if not answer.has_mean:
        found.append(
            f"the draws have heavy tails (Pareto k-hat {answer.tail_index:.2f}): the median is reported, the mean is "
            "unreliable"
        )
    if answer.sd and answer.simulation_error > SIMULATION_SHARE * answer.sd:
        found.append(f"the simulation error is {100 * answer.simulation_error / answer.sd:.0f} % of the posterior sd")
    if answer.evidence_units is not None and answer.evidence_units < ENOUGH_EVIDENCE:
        found.append(
            f"the evidence is rare: behind the number stand only {answer.evidence_units:.0f} effective units of "
            f"{answer.n_units} in the worst 5 % of draws"
        )
    found += [warning for term in answer.query.terms for warning in _support(posterior, term)]
    found += posterior.warnings
    return list(dict.fromkeys(found))


def _approximation(answer: Answer, guessed: Sequence[BlockDraws]) -> list[str]:
    """What is to be said of draws that are not draws of the posterior, and of an answer of one draw."""
    found = []
    if answer.approximate and not answer.is_point:
        worst = max((block.khat for block in guessed if block.khat is not None), default=0.0)
        far = f", and far from it (Pareto k-hat {worst:.2f})" if worst > KHAT_LIMIT else ""
        found.append(f"approximate: {answer.approximate}, not draws of the posterior{far}. Compare with ld.Auto()")
    if answer.is_point:
        what = f"approximate: {answer.approximate}, " if answer.approximate else "the fit is "
        found.append(f"{what}one draw: nothing says how uncertain it is. Train by ld.Auto() for an sd and an interval")
    return found


def _support(posterior: Posterior, term: Term) -> list[str]:
    """Cautions about values outside the data: there the answer is an extrapolation along the fitted curves."""
    stated = [(s.name, s.value) for s in term.do] + [(g.name, g.value) for g in term.given if g.op == "="]
    points = [
        (node, value) for node, value in stated if isinstance(value, float | int) and node not in posterior.spec.levels
    ]
    found = [
        f"{node} = {format_level(value)} never occurs in the data: what it does is told by the prior and the form alone"
        for node, value in stated
        if isinstance(value, float | int | str) and _is_unseen(posterior, node, value)
    ]
    for node, value in points:
        column = posterior.facts.column(node)
        if not column.minimum <= value <= column.maximum:
            away = abs(value - column.mean) / column.sd
            found.append(
                f"{node} = {format_number(float(value))} lies outside the data ({column.minimum:.4g} to "
                f"{column.maximum:.4g}; {away:.3g} sd from the mean): an extrapolation along the fitted curve"
            )
        odd = posterior.spec[node].family.caution(node, float(value))
        found += [odd] if odd else []
    return found + [caution for setting in term.do for caution in _reach(posterior, setting)]


def _is_unseen(posterior: Posterior, node: Name, value: float | str) -> bool:
    """Whether a level of a node is in none of the rows."""
    seen = posterior.facts.column(node).values
    known = node in posterior.spec.levels and bool(seen)
    return known and posterior.spec[node].family.check_value(node, value) not in seen


def _reach(posterior: Posterior, setting: Setting) -> list[str]:
    """A caution where a node is drawn from a law whose middle 95 % are not all inside the data."""
    if not isinstance(setting.value, Distribution):
        return []
    column, law = posterior.facts.column(setting.name), root(setting.name, setting.value)
    centre, sd = law.intercept, law.parameter("sd")
    if not isinstance(centre, float) or not isinstance(sd, float):
        return []
    if column.minimum <= centre - 2 * sd and centre + 2 * sd <= column.maximum:
        return []
    return [
        f"do({setting}) reaches outside the data ({format_number(column.minimum)} to {format_number(column.maximum)}): "
        "there it is an extrapolation along the fitted curve"
    ]
