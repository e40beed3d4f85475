"""One term of a query in every posterior draw: simulate the mutilated model, integrate the last step, weigh by evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latentdo.errors import QueryError, UnsupportedError
from latentdo.graphs import Name
from latentdo.inference import NodeDraws, flat, node_parameters, predictor
from latentdo.models import Bernoulli, Constant, Linear, Mechanism, ModelSpec, Normal
from latentdo.models.build import NUMPY, numerics
from latentdo.query import Distribution, Outcome, Setting, Term

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
Uniform = Callable[[Name], FloatArray]


@dataclass(frozen=True, eq=False)
class TermPlan:
    """How one term is computed, decided once for all draws.

    Attributes:
        term: The question.
        spec: The model after surgery.
        order: The ancestors of outcomes and evidence in it, in topological order.
        integrated: Outcomes and evidence that nothing else in the question descends from: their last step is
            integrated, not drawn.
    """

    term: Term
    spec: ModelSpec
    order: tuple[Name, ...]
    integrated: frozenset[Name]


@dataclass(frozen=True, eq=False)
class TermValue:
    """A term per draw, and the effective number of units behind it where evidence weighs them."""

    value: FloatArray
    units: FloatArray | None


def plan_term(spec: ModelSpec, term: Term) -> TermPlan:
    """Surgery, the nodes to simulate, and which last steps are integrated.

    Raises:
        UnsupportedError: A stochastic intervention with a family that has no parameters of its own here; evidence
            on a node without noise.
    """
    mutilated = spec.do({setting.name: _set_to(setting) for setting in term.do})
    relevant = {*term.outcome_names, *term.conditions}
    ancestors = mutilated.graph.ancestors(relevant)
    order = tuple(node for node in mutilated.graph.topological_order() if node in ancestors)
    integrated = frozenset(node for node in relevant if not (mutilated.graph.descendants([node]) - {node}) & relevant)
    for condition in term.given:
        if condition.op == "=" and isinstance(mutilated[condition.name].family, Linear):
            raise UnsupportedError(
                f"{condition.name} is linear (no noise), so {condition} has no density to weigh by. "
                f"Condition on its parents instead, or on an event such as {condition.name} > 0."
            )
    return TermPlan(term, mutilated, order, integrated)


def _set_to(setting: Setting) -> float | Mechanism:
    match setting.value:
        case Distribution() as law:
            return root(setting.name, law)
        case None:
            raise QueryError(f"do({setting.name}) has no value. Write do({setting.name}=…) to get a number.")
        case value:
            # Levels are refused by the node's family when surgery is done.
            return value  # type: ignore[return-value]


def root(node: Name, law: Distribution) -> Mechanism:
    """The mechanism of a node that is drawn from a law of its own."""
    numbers = [float(value) for value in (*law.args, *(value for _, value in law.named))]
    names = ["mean", "sd"][: len(law.args)] + [name for name, _ in law.named]
    given = dict(zip(names, numbers, strict=False))
    if law.family == "normal" and set(given) == {"mean", "sd"} and len(numbers) == 2 and given["sd"] > 0:
        return Mechanism(Normal(), (), given["mean"], (("sd", given["sd"]),))
    if law.family == "bernoulli" and len(numbers) == 1 and set(given) <= {"mean", "p"} and 0 < numbers[0] < 1:
        return Mechanism(Bernoulli(), (), float(np.log(numbers[0]) - np.log1p(-numbers[0])))
    raise UnsupportedError(
        f"do({node} ~ {law}): a stochastic intervention is normal(mean, sd) with sd > 0, or bernoulli(p) with 0 < p < 1, "
        "in this version."
    )


def evaluate_term(
    plan: TermPlan, draws: Mapping[Name, NodeDraws], n_draws: int, n_units: int, uniform: Uniform
) -> TermValue:
    """The term in every draw.

    Args:
        draws: Per node of the *untouched* model; what was trained of a node that was set is not used.
        uniform: The uniforms of a node, (unit,), shared by all draws here and by every term of the query.

    Source:
        Likelihood weighting: Fung & Chang (1990), in the mutilated model.
    """
    term = plan.term
    values: dict[Name, FloatArray] = {}
    points = {item.name: _number(plan.spec, item) for item in term.given if item.op == "="}
    regions = [
        _regions(plan.spec, term.outcomes if term.kind == "event" else ()),
        _regions(plan.spec, term.given, skip="="),
    ]
    weight: FloatArray | None = None
    target: FloatArray = np.ones((1, 1))
    for node in plan.order:
        mechanism = plan.spec[node]
        if isinstance(mechanism.family, Constant):
            values[node] = np.full((1, 1), mechanism.family.value)
            continue
        coefficients, parameters = (
            _root_parameters(mechanism, n_draws) if node in term.treatments else _parameters(draws[node])
        )
        eta = predictor(mechanism, coefficients, values)
        arithmetic = numerics(mechanism.family)
        if node in points:
            density = arithmetic.log_density(NUMPY, points[node], eta, parameters)
            weight = density if weight is None else weight + density
            values[node] = np.full((1, 1), points[node])
            continue
        last = node in plan.integrated
        if not last:
            values[node] = arithmetic.draw(uniform(node), eta, parameters)
        if term.kind == "mean" and node == term.outcomes[0].name:
            target = arithmetic.mean(NUMPY, eta, parameters) if last else values[node]
        if node in regions[0]:
            target = target * _share(mechanism, arithmetic, regions[0][node], eta, parameters, values.get(node))
        if node in regions[1]:
            share = _share(mechanism, arithmetic, regions[1][node], eta, parameters, values.get(node))
            with np.errstate(divide="ignore"):
                weight = np.log(share) + (0.0 if weight is None else weight)
    target = np.broadcast_to(target, (n_draws, n_units))
    if weight is None:
        return TermValue(target.mean(axis=1), None)
    return _weighted(np.broadcast_to(weight, (n_draws, n_units)), target)


def _parameters(draws: NodeDraws) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Coefficients (draw, 1 + weights) and parameters (draw, 1) of a trained node."""
    coefficients, parameters = flat(draws)
    return coefficients, node_parameters(parameters)


def _root_parameters(mechanism: Mechanism, n_draws: int) -> tuple[FloatArray, dict[str, FloatArray]]:
    """The same of a node that a stochastic intervention draws from a law of its own."""
    fixed = {name: np.full((n_draws, 1), belief) for name, belief in mechanism.parameters}
    return np.full((n_draws, 1), mechanism.intercept), fixed


def _number(spec: ModelSpec, item: Outcome) -> float:
    """The value of a comparison as the number that stands for it in columns."""
    assert item.value is not None
    return spec[item.name].family.check_value(item.name, item.value) if isinstance(item.value, str) else item.value


def _regions(spec: ModelSpec, outcomes: tuple[Outcome, ...], skip: str = "") -> dict[Name, list[Outcome]]:
    """The comparisons of each node, levels as numbers."""
    found: dict[Name, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.op and outcome.op != skip:
            found.setdefault(outcome.name, []).append(replace(outcome, value=_number(spec, outcome)))
    return found


def _share(
    mechanism: Mechanism,
    arithmetic: Any,
    comparisons: list[Outcome],
    eta: FloatArray,
    parameters: Mapping[str, FloatArray],
    drawn: FloatArray | None,
) -> FloatArray:
    """The probability that a node satisfies its comparisons, or whether its drawn value does."""
    if isinstance(mechanism.family, Linear):
        exact = eta if drawn is None else drawn
        return np.prod([_holds(item, _snapped(exact, item)) for item in comparisons], axis=0).astype(float)
    if drawn is not None:
        return np.prod(np.broadcast_arrays(*(_holds(item, drawn) for item in comparisons)), axis=0).astype(float)
    if mechanism.family.points:
        wanted = [point for point in mechanism.family.points if all(_holds(item, point) for item in comparisons)]
        chances = [np.exp(arithmetic.log_density(NUMPY, point, eta, parameters)) for point in wanted]
        return np.sum(chances, axis=0) if chances else 0.0 * arithmetic.mean(NUMPY, eta, parameters)
    if mechanism.family.discrete:
        return _share_of_counts(arithmetic, comparisons, eta, parameters)
    below = [float(item.value) for item in comparisons if item.op in ("<", "<=")]  # type: ignore[arg-type]
    above = [float(item.value) for item in comparisons if item.op in (">", ">=")]  # type: ignore[arg-type]
    upper = arithmetic.cdf(min(below), eta, parameters) if below else 1.0
    lower = arithmetic.cdf(max(above), eta, parameters) if above else 0.0
    return np.maximum(upper - lower, 0.0)


def _share_of_counts(
    arithmetic: Any, comparisons: list[Outcome], eta: FloatArray, parameters: Mapping[str, FloatArray]
) -> FloatArray:
    """The probability that a whole number satisfies its comparisons."""
    least, most = -math.inf, math.inf
    for item in comparisons:
        limit = float(item.value)  # type: ignore[arg-type]
        if item.op in ("<", "<=", "="):
            most = min(most, math.ceil(limit) - 1 if item.op == "<" else math.floor(limit))
        if item.op in (">", ">=", "="):
            least = max(least, math.floor(limit) + 1 if item.op == ">" else math.ceil(limit))
    upper = arithmetic.cdf(most, eta, parameters) if most < math.inf else 1.0
    lower = arithmetic.cdf(least - 1.0, eta, parameters) if least > -math.inf else 0.0
    return np.maximum(upper - lower, 0.0)


def _snapped(values: FloatArray, item: Outcome) -> FloatArray:
    """A noise-free node's values, those within rounding of a limit moved onto it: else 1 would not be <= 1."""
    limit = float(item.value)  # type: ignore[arg-type]
    rounding = 1e-9 * np.maximum(np.abs(limit), np.abs(values).max())
    return np.where(np.abs(values - limit) <= rounding, limit, values)


def _holds(item: Outcome, value: Any) -> Any:
    limit = float(item.value)  # type: ignore[arg-type]
    match item.op:
        case "<":
            return value < limit
        case ">":
            return value > limit
        case "<=":
            return value <= limit
        case ">=":
            return value >= limit
        case _:
            return value == limit


def _weighted(log_weight: FloatArray, target: FloatArray) -> TermValue:
    """Weighted means per draw, and the effective number of units, (Σw)²/Σw² (Kong 1992)."""
    top = log_weight.max(axis=1, keepdims=True)
    possible = np.isfinite(top[:, 0])
    weight = np.exp(log_weight - np.where(np.isfinite(top), top, 0.0))
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(possible, (weight * target).sum(axis=1) / total, np.nan)
        units = np.where(possible, total**2 / (weight**2).sum(axis=1), 0.0)
    return TermValue(value, units)
