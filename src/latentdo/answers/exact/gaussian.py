"""Terms of linear-Gaussian models in closed form, draw by draw: what is set or seen with a value enters as a number.

Means and variances need no more than that all is linear: there student nodes count by the mean and the variance of their noise.

Source:
    Gische & Voelkle (2022), Beyond the mean: a flexible framework for studying causal effects using linear models,
    Psychometrika 87: the interventional mean, variance, density and probabilities of a linear SEM. Evidence is
    conditioned on in the mutilated model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.graphs import Name
from latentdo.inference import NodeDraws, flat
from latentdo.models import Mechanism, ModelSpec, Student
from latentdo.models.build import NUMPY

from ..comparisons import limit_of
from ..plan import TermPlan
from .kept import Kept, n_draws_of
from .normal_questions import NormalVariable, answer
from .relevance import Relevant, StructureKey, relevant, structure_key

MOMENTS = ("mean", "variance", "sd")
LEAST_SHARE = 1e-8
"""Of the sd of evidence, what other evidence leaves open of it: below this rounding would show in the answer."""


@dataclass(frozen=True, eq=False)
class _Sum:
    """A node as a sum over what it comes from, per draw.

    Attributes:
        base: What does not depend on fixed nodes.
        effects: Total effects of fixed nodes, and of the means of laws.
        loadings: Of each node's standard normal noise; of a node with a law of its own before the law's sd.
    """

    base: FloatArray
    effects: dict[Name, FloatArray]
    loadings: dict[Name, FloatArray]

    @property
    def nbytes(self) -> int:
        return sum(value.nbytes for value in (self.base, *self.effects.values(), *self.loadings.values()))


class GaussianWorld:
    """Answers terms of linear-Gaussian models, and of linear-Gaussian parts of others, for one set of draws.

    Args:
        spec: The untouched model.
        draws: Per node, (chain, draw) first.
    """

    def __init__(self, spec: ModelSpec, draws: Mapping[Name, NodeDraws]) -> None:
        self._spec = spec
        self._draws = draws
        self.n_draws = n_draws_of(draws)
        self._parameters: dict[Name, tuple[FloatArray, FloatArray]] = {}
        self._structures: dict[StructureKey, tuple[Relevant, tuple[Name, ...] | None]] = {}
        self._sums = Kept[_Sum]()

    def applies(self, plan: TermPlan) -> bool:
        """Whether the term has a closed form; in a few numerically hopeless cases `value` is None all the same."""
        part, bound = self._structure(plan)
        if bound is None or not (self.is_normal(plan) or (plan.term.kind in MOMENTS and not plan.term.given)):
            return False
        outcomes = len(plan.term.outcome_names)
        match plan.term.kind:
            case "mean" | "variance" | "sd" | "density":
                return len(part.events) <= 2
            case "quantile":
                return len(part.events) <= 1
            case "event":
                return len(part.events) + outcomes <= 2
            case _:
                return False

    def value(self, plan: TermPlan) -> FloatArray | None:
        """The term per draw, (draw,), chains laid end to end; None where there is no closed form.

        NaN in draws in which the evidence has probability 0.
        """
        part, bound = self._structure(plan)
        if bound is None:
            return None
        variables = self._variables(plan, part, bound)
        if variables is None:
            return None
        with np.errstate(all="ignore"):
            found = answer(plan.spec, plan.term, variables)
        return None if found is None else np.array(np.broadcast_to(found, self.n_draws))

    def is_normal(self, plan: TermPlan) -> bool:
        """Whether no relevant node has another noise than normal noise."""
        part, _ = self._structure(plan)
        return all(plan.spec[node].family.noise_parameters == () for node in part.nodes)

    def _structure(self, plan: TermPlan) -> tuple[Relevant, tuple[Name, ...] | None]:
        """The relevant nodes, and the fixed ones whose values enter products; None if not all is linear and normal."""
        key = structure_key(plan)
        if key not in self._structures:
            part = relevant(plan)
            linear = all(_is_linear(plan.spec[node], part.fixed) for node in part.nodes)
            products = {
                name
                for node in part.nodes
                for weight in plan.spec[node].weights
                if len(weight.parents) > 1 or any(weight.levels) or any(weight.shapes)
                for name in weight.parents
            }
            bound = tuple(sorted(products & part.fixed)) if linear else None
            self._structures[key] = part, bound
        return self._structures[key]

    def _numbers(self, node: Name) -> tuple[FloatArray, FloatArray]:
        """Coefficients (coefficient, draw), each row contiguous, and the sd (draw,) of a trained node."""
        if node not in self._parameters:
            coefficients, parameters = flat(self._draws[node])
            variance = self._spec[node].family.variance(NUMPY, np.zeros(self.n_draws), parameters)
            # The same number as the parameter `sd` of a normal node: the root of a square is exact.
            self._parameters[node] = np.ascontiguousarray(coefficients.T), np.sqrt(np.asarray(variance))
        return self._parameters[node]

    def _variables(self, plan: TermPlan, part: Relevant, bound: tuple[Name, ...]) -> dict[Name, NormalVariable] | None:
        """Outcomes and event evidence given the values seen; None where evidence all but follows from other evidence."""
        values = _fixed_values(plan, part)
        names = tuple(dict.fromkeys((*part.seen, *part.events, *plan.term.outcome_names)))
        needs_spread = len(names) > 1 or plan.term.kind != "mean"
        sums = {name: self._sum(plan, part, name, {node: values[node] for node in bound}) for name in names}
        noises = (
            tuple(dict.fromkeys(noise for each in sums.values() for noise in each.loadings)) if needs_spread else ()
        )
        variables = {name: self._variable(plan, part, found, values, noises) for name, found in sums.items()}
        for name in part.seen:
            seen = variables.pop(name)
            left = seen.sd
            # Its own noise is what all else leaves open of it, whatever came before in the list.
            if not (left > LEAST_SHARE * np.sqrt(sum(v**2 for v in sums[name].loadings.values()))).all():
                return None
            variables = {other: variable.given(seen, values[name]) for other, variable in variables.items()}
        return variables

    def _variable(
        self, plan: TermPlan, part: Relevant, total: _Sum, values: Mapping[Name, float], noises: Iterable[Name]
    ) -> NormalVariable:
        mean = total.base
        for name, effect in total.effects.items():
            mean = mean + effect * (_law(plan.spec[name])[0] if name in part.drawn else values[name])
        nothing = np.zeros(self.n_draws)
        rows = [
            total.loadings.get(noise, nothing) * (_law(plan.spec[noise])[1] if noise in part.drawn else 1.0)
            for noise in noises
        ]
        return NormalVariable(mean, np.array(rows).reshape(-1, self.n_draws))

    def _sum(self, plan: TermPlan, part: Relevant, target: Name, bound: Mapping[Name, float]) -> _Sum:
        """A node as a sum, kept for other terms with the same surgery and evidence, whatever their values."""
        key = (target, part.fixed, part.drawn, tuple(bound.items()))
        return self._sums.get(key, lambda: self._trace(plan, part, target, bound))

    def _trace(self, plan: TermPlan, part: Relevant, target: Name, bound: Mapping[Name, float]) -> _Sum:
        """Total effects on the target, from it upwards."""
        pending: dict[Name, FloatArray] = {target: np.ones(self.n_draws)}
        base = np.zeros(self.n_draws)
        effects: dict[Name, FloatArray] = {}
        loadings: dict[Name, FloatArray] = {}
        for node in reversed(part.nodes):
            effect = pending.pop(node, None)
            if effect is None:
                continue
            if node in part.drawn:
                effects[node] = loadings[node] = effect
                continue
            coefficients, sd = self._numbers(node)
            base = base + effect * coefficients[0]
            if not plan.spec[node].family.noiseless:
                loadings[node] = effect * sd
            for weight, coefficient in zip(plan.spec[node].weights, coefficients[1:], strict=True):
                known = [k for k, name in enumerate(weight.parents) if name in bound]
                own = effect * coefficient
                for k in known:
                    own = own * weight.factor(k, bound, NUMPY)
                match [name for name in weight.parents if name not in bound]:
                    case []:
                        base = base + own
                    case [parent] if parent in part.fixed:
                        effects[parent] = effects.get(parent, 0.0) + own
                    case [parent]:
                        pending[parent] = _together(pending.get(parent), own)
                    case _:
                        raise AssertionError("a product of two random nodes is not linear")
        return _Sum(base, effects, loadings)


def _law(mechanism: Mechanism) -> tuple[float, float]:
    """Mean and sd of a node that is drawn from a normal law of its own."""
    mean, sd = mechanism.intercept, mechanism.parameter("sd")
    assert isinstance(mean, float) and isinstance(sd, float)
    return mean, sd


def _together(first: FloatArray | None, second: FloatArray) -> FloatArray:
    """The sum of two effects; what is left where they cancel to their last digits is rounding."""
    if first is None:
        return second
    total = first + second
    return np.where(np.abs(total) <= 1e-14 * np.abs(first), 0.0, total)


def _is_linear(mechanism: Mechanism, fixed: frozenset[Name]) -> bool:
    """Whether a node is around a predictor that is linear once fixed nodes are numbers, or is it."""
    family = mechanism.family
    if not (family.linear_gaussian or family.noiseless or isinstance(family, Student)):
        return False
    return all(
        sum(name not in fixed for name in weight.parents) <= 1
        and all(shape is None or name in fixed for name, _, shape in weight.parts)
        for weight in mechanism.weights
    )


def _fixed_values(plan: TermPlan, part: Relevant) -> dict[Name, float]:
    """The numbers of what is set or seen with a value."""
    seen = {item.name: limit_of(plan.spec, item) for item in plan.term.given if item.op == "="}
    # What is set has the constant family, which holds its value.
    return {name: seen[name] if name in seen else plan.spec[name].family.value for name in part.fixed}  # type: ignore[attr-defined]
