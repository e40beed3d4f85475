"""What a fit is judged on beside the moments of its columns: its study's questions, and effects that it will be asked for.

Whether an effect is identified is a matter of `identification`, so these are judged here and not with the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from latentdo.errors import LatentdoError
from latentdo.graphs import Level, Name, format_level, format_number, quote
from latentdo.identification import answerable
from latentdo.inference import Diagnostic, Posterior, even_uniforms, flat, node_parameters, predictor, simulate_nodes
from latentdo.models import named
from latentdo.models.build import NUMPY, numerics
from latentdo.query import Query
from latentdo.tables import Dataset, FloatArray

from .ask import ask_all, used_nodes
from .support import verdict_on

MOST_EFFECTS = 200
"""Pairs of treatment and outcome that are judged, each at two values of the treatment."""
MOST_TREATMENTS = 40
"""Treatments that are looked at: the verdicts of a graph of hundreds of nodes would take longer than the fit."""
MOST_LEVELS = 4
"""Levels of an outcome with names whose probabilities are judged."""
UNITS = 32
"""Simulated units per draw. They are the same in every draw, so that their number adds no noise to what is compared."""
LEVELS = (0.1, 0.9)


def judge_fit(posterior: Posterior, queries: Sequence[tuple[str, Query]]) -> Posterior:
    """The posterior with its study's questions, judged on them and on the effects between its measured nodes.

    Of one draw there is nothing to judge.
    """
    if posterior.is_point:
        return replace(posterior, queries=tuple(queries))
    effects, unjudged = _effects(posterior)
    diagnostics = (*posterior.diagnostics, *effects, *judge(posterior, queries))
    return replace(posterior, queries=tuple(queries), diagnostics=diagnostics, unjudged=unjudged)


def judge(posterior: Posterior, queries: Sequence[tuple[str, Query]]) -> tuple[Diagnostic, ...]:
    """R-hat and effective sample size of each question that the data can answer with a number, of a sweep at three points.

    A question that cannot be asked (not identified, or without values) has nothing to judge here: `ask` says why.
    """
    found = []
    for name, query in queries:
        try:
            if not verdict_on(posterior.spec.graph, query, posterior.functional, posterior.regimes).identified:
                continue
            asked = [(name, point) for point in _judged(query)]
            answers = ask_all(posterior, asked, posterior.seed, allow_unidentified=False)
        except LatentdoError:
            continue
        found += [
            posterior.diagnose(str(answer.query), answer.draws, used_nodes(posterior.spec, answer.query))
            for answer in answers
        ]
    return tuple(found)


def _judged(query: Query) -> tuple[Query, ...]:
    """The query, or of a sweep its two ends and its middle: what lies between them moves with them."""
    if not query.axes:
        return (query,)
    places = [sorted({0, len(axis.values) // 2, len(axis.values) - 1}) for axis in query.axes]
    most = max(map(len, places))
    chosen = [
        {axis.name: axis.values[own[min(k, len(own) - 1)]] for axis, own in zip(query.axes, places, strict=True)}
        for k in range(most)
    ]
    return tuple(map(query.at, chosen))


def _effects(posterior: Posterior) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """E[Y | do(X = x)] of each measured node Y and measured ancestor X, identified, at two values x; what was left out.

    Effects that rest on independent draws alone have been judged with their blocks.
    """
    if posterior.data is None:
        return (), ()
    treatments = _spread(posterior.spec.measured, MOST_TREATMENTS)
    pairs = _identified(posterior, treatments)
    chosen = _spread(pairs, MOST_EFFECTS)
    unjudged = []
    if len(treatments) < len(posterior.spec.measured):
        unjudged.append(f"effects of {len(posterior.spec.measured) - len(treatments)} measured nodes")
    if len(chosen) < len(pairs):
        unjudged.append(f"{len(pairs) - len(chosen)} of {len(pairs)} identified effects")
    if not chosen:
        return (), tuple(unjudged)
    outcomes: dict[Name, list[Name]] = {}
    for treatment, outcome in chosen:
        outcomes.setdefault(treatment, []).append(outcome)
    # A draw far out may overflow: a mean that is not finite fails, and is named.
    with np.errstate(all="ignore"):
        simulation = _SharedNoise(posterior)
        found = [
            posterior.diagnose(
                _question(outcome, own, f"do({quote(treatment)}={_typed(posterior, treatment, level)})"),
                means,
                _used(posterior, treatment, outcome),
            )
            for treatment, wanted in outcomes.items()
            for level in _levels(posterior.data.complete([treatment], held=True), posterior, treatment)
            for (outcome, own), means in simulation.means(treatment, level, wanted).items()
        ]
    return tuple(found), tuple(unjudged)


def _spread(items: Sequence, most: int) -> Sequence:  # pyright: ignore[reportMissingTypeArgument]
    """The items, or `most` of them at even distances: always the same ones."""
    if len(items) <= most:
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, most).round().astype(int)]


def _identified(posterior: Posterior, treatments: Sequence[Name]) -> list[tuple[Name, Name]]:
    """(treatment, outcome) of the identified effects that some chain has a part in, in topological order."""
    graph = posterior.spec.graph
    candidates = [
        (treatment, outcome)
        for treatment in treatments
        for outcome in posterior.spec.measured
        if outcome != treatment and treatment in graph.ancestors([outcome])
    ]
    candidates = [pair for pair in candidates if not posterior.independent(_used(posterior, *pair))]
    if not candidates:
        return []
    rows = tuple(dict.fromkeys(treatment for treatment, _ in candidates))
    columns = tuple(dict.fromkeys(outcome for _, outcome in candidates))
    table = answerable(graph, rows, columns, functional=posterior.functional, experiments=posterior.regimes)
    row = {name: i for i, name in enumerate(rows)}
    column = {name: i for i, name in enumerate(columns)}
    return [(x, y) for x, y in candidates if table.verdicts[row[x]][column[y]]]


def _used(posterior: Posterior, treatment: Name, outcome: Name) -> frozenset[Name]:
    """The nodes whose parameters E[outcome | do(treatment)] depends on."""
    return posterior.spec.graph.without_incoming([treatment]).ancestors([outcome]) - {treatment}


def _levels(data: Dataset, posterior: Posterior, node: Name) -> tuple[float, ...]:
    """The 10 and 90 % quantiles of a column, to four digits; the smallest and largest value where these are the same."""
    column = posterior.facts.column(node)
    ends = (column.minimum, column.maximum)
    if posterior.spec[node].family.discrete:
        return ends
    found = np.quantile(data.column(node), LEVELS, weights=data.weights, method="inverted_cdf")
    low, high = (float(f"{value:.4g}") for value in found)
    return (low, high) if low < high else ends


def _question(outcome: Name, level: Level | None, setting: str) -> str:
    """The mean of an outcome, or the probability of one of its levels, as a question has it."""
    if level is None:
        return f"E[{quote(outcome)} | {setting}]"
    return f"P({quote(outcome)}={format_level(level)} | {setting})"


def _typed(posterior: Posterior, node: Name, value: float) -> str:
    """A value as a question has it: of a node with levels its level, not the number that stands for it."""
    levels = posterior.spec.levels.get(node)
    if levels is None:
        return format_number(value)
    return format_level(levels[posterior.spec[node].family.points.index(value)])


class _SharedNoise:
    """Simulated units of the trained model in every draw, with the same noise in all draws and under all interventions."""

    def __init__(self, posterior: Posterior) -> None:
        self.posterior = posterior
        self.order = posterior.spec.graph.topological_order()
        self.uniforms = even_uniforms(self.order, UNITS, np.random.default_rng([posterior.seed, 2]))
        self.untouched = self._simulated(self.order, {})

    def _simulated(self, order: Sequence[Name], values: dict[Name, FloatArray]) -> dict[Name, FloatArray]:
        return simulate_nodes(self.posterior.spec, order, self.posterior.by_node, self.uniforms.__getitem__, values)

    def _law(self, node: Name, values: Mapping[Name, FloatArray]) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Predictor and parameters of a node, given its parents."""
        coefficients, parameters = flat(self.posterior.by_node[node])
        return predictor(self.posterior.spec[node], coefficients, values), node_parameters(parameters)

    def means(
        self, treatment: Name, level: float, outcomes: Sequence[Name]
    ) -> dict[tuple[Name, Level | None], FloatArray]:
        """E[outcome | do(treatment = level)] of each outcome, one number per draw; of one with names P(outcome = level | …)."""
        graph = self.posterior.spec.graph
        moved = graph.descendants([treatment]) & graph.ancestors(outcomes) - {treatment}
        passed_on = {parent for node in moved for parent in graph.parents(node)}
        values = {node: units for node, units in self.untouched.items() if node not in moved}
        values[treatment] = np.full((1, 1), level)
        self._simulated([node for node in self.order if node in moved & passed_on], values)
        whole = (self.posterior.n_chains * self.posterior.n_draws,)
        return {
            (node, own): np.broadcast_to(mean.mean(axis=-1), whole)
            for node in self.order
            if node in moved and node in outcomes
            for own, mean in self._integrated(node, values)
        }

    def _integrated(self, node: Name, values: Mapping[Name, FloatArray]) -> list[tuple[Level | None, FloatArray]]:
        """The mean of a node given its parents, or the probabilities of some of its levels where these are names.

        This last step is integrated, so that a discrete outcome does not move in steps.
        """
        family, law = self.posterior.spec[node].family, self._law(node, values)
        levels = self.posterior.spec.levels.get(node, ())
        if not named(levels):
            return [(None, numerics(family).mean(NUMPY, *law))]
        # The first is what the others leave.
        pairs = list(zip(levels, family.chances(NUMPY, *law), strict=True))[1:]
        return list(_spread(pairs, MOST_LEVELS))
