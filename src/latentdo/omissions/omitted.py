"""An edge that a graph leaves out, put into its model with a strength that is fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentdo.arrays import FloatArray
from latentdo.errors import CycleError, LatentdoError, QueryError, SpecError
from latentdo.graphs import LatentDag, Name, format_level, parse_graph, project, quote
from latentdo.inference import Posterior
from latentdo.models import Mechanism, ModelSpec, Normal, Weight
from latentdo.models.build import NUMPY, numerics
from latentdo.query import Query
from latentdo.tables import Dataset

HIDDEN = "omitted"
"""What the hidden cause behind an omitted `<->` is called; with more letters where a node has that name."""


@dataclass(frozen=True)
class Omitted:
    """An edge that the graph does not have.

    Attributes:
        source: The cause, or one end of a bidirected edge.
        target: The effect, or the other end.
        bidirected: Whether it is `<->`, a hidden cause of both.
    """

    source: Name
    target: Name
    bidirected: bool

    @staticmethod
    def parse(text: str, spec: ModelSpec) -> Omitted:
        """The edge that a text states: `X -> Y` or `X <-> Y`.

        Raises:
            QueryError: It is no single edge between measured nodes, or one that no strength can be fixed of.
        """
        try:
            graph = parse_graph(text)
        except LatentdoError as error:
            raise QueryError(f"edge= takes one edge, 'X -> Y' or 'X <-> Y', got {text!r}: {error}") from None
        edges = [(a, b, False) for a, b in graph.directed] + [(a, b, True) for a, b, _ in graph.bidirected]
        if len(edges) != 1 or graph.latent or len(graph.nodes) != 2:
            raise QueryError(f"edge= takes one edge, 'X -> Y' or 'X <-> Y', got {text!r}.")
        found = Omitted(*edges[0])
        found.check(spec)
        return found

    def __str__(self) -> str:
        return f"{quote(self.source)} {'<->' if self.bidirected else '->'} {quote(self.target)}"

    @property
    def ends(self) -> tuple[Name, ...]:
        """The nodes whose mechanisms it changes."""
        return (self.source, self.target) if self.bidirected else (self.target,)

    def check(self, spec: ModelSpec) -> None:
        """Raise unless a strength of it can be fixed in the model.

        Raises:
            QueryError: The graph has it, it closes a cycle, an end is latent, or a family has no weight that says how strong.
        """
        for node in (self.source, self.target):
            spec.graph.require(node)
            if node in spec.latent:
                raise QueryError(
                    f"{node!r} is latent. An omitted edge joins measured nodes; a cause that is drawn needs a weight of its own."
                )
        if self.bidirected and _share_a_cause(spec, self.source, self.target):
            raise QueryError(
                f"The graph has a hidden cause of {quote(self.source)} and {quote(self.target)}, whose strength is estimated. "
                "Ask about an edge that it does not have."
            )
        if not self.bidirected and self.source in spec.graph.parents(self.target):
            raise QueryError(
                f"The graph has {self}, whose weight is estimated. Ask about an edge that it does not have."
            )
        if not self.bidirected and self.source in spec.graph.descendants((self.target,)):
            raise QueryError(
                f"{self} would close a cycle: {quote(self.target)} causes {quote(self.source)} in the graph. "
                f"Ask about {quote(self.source)} <-> {quote(self.target)}."
            )
        for node in self.ends:
            family = spec[node].family
            if (family.has_levels and family.one is None) or not (
                family.log_odds or family.core.parameters or family.log_link
            ):
                raise QueryError(
                    f"{quote(node)} is a {family.name} node, which has no single weight for the strength of {self}. A node of "
                    f"two levels can be bernoulli, one of numbers normal: change the model, and fit it anew."
                )
        if not self.bidirected and len(spec[self.source].family.states) > 2:
            raise QueryError(
                f"{quote(self.source)} has more than two levels, and one strength does not say how each acts on "
                f"{quote(self.target)}."
            )


def _share_a_cause(spec: ModelSpec, a: Name, b: Name) -> bool:
    return b in project(spec.graph).spouses(a)


def candidates(spec: ModelSpec, query: Query) -> Iterator[Omitted]:
    """The edges whose absence a question rests on first: a hidden cause of treatment and outcome, and a direct effect."""
    for term in query.terms:
        for treatment in term.treatments:
            for outcome in term.outcome_names:
                for bidirected in (True, False):
                    found = Omitted(treatment, outcome, bidirected)
                    try:
                        found.check(spec)
                    except QueryError:
                        continue
                    yield found


@dataclass(frozen=True)
class Unit:
    """What a strength of one is, at one end of an edge.

    Attributes:
        size: On the scale of the node's predictor.
        words: In words.
        logit: Whether it is one of log odds.
        is_what_is_left: Whether it is all that the causes in the graph leave of the node.
    """

    size: float
    words: str
    logit: bool = False
    is_what_is_left: bool = False


def units_of(omitted: Omitted, posterior: Posterior, rows: Dataset) -> dict[Name, Unit]:
    """The unit at each end: an sd of the node, at a hidden cause's ends what its parents leave of it, or one in log odds."""
    found = {}
    draws = dict(posterior.parameters)
    for node in omitted.ends:
        family = posterior.spec[node].family
        if family.log_odds:
            level = "" if family.one is None else f"={format_level(family.one)}"
            found[node] = Unit(1.0, f"log odds of {quote(node)}{level}", logit=True)
        elif omitted.bidirected and family.name in ("normal", "student"):
            # More than what is left of a node no hidden cause can do.
            left = _residual_sd(node, posterior, draws, rows)
            found[node] = Unit(left, f"sd of {quote(node)} given its causes", is_what_is_left=True)
        else:
            seen = _answering(rows, node)
            sd = _spread(numerics(family).link(seen.column(node)), seen.weights)
            on_link = "" if family.name in ("normal", "student") else " on the scale of its predictor"
            found[node] = Unit(sd, f"sd of {quote(node)}{on_link}")
    return found


def _residual_sd(node: Name, posterior: Posterior, draws: Mapping[str, np.ndarray], rows: Dataset) -> float:
    """What the measured parents leave of a node: its own noise, and what hidden causes add to it."""
    mechanism = posterior.spec[node]
    parents = [name for name in mechanism.parents if name not in posterior.spec.latent]
    rows = _answering(rows, node, *parents)
    predictor = np.zeros(rows.n_stored)
    measured = {name: rows.column(name) for name in parents}
    for weight in mechanism.weights:
        if set(weight.parents) <= measured.keys():
            label = f"{weight.label} -> {quote(node)}"
            slope = draws.get(label, weight.belief if isinstance(weight.belief, float | int) else 0.0)
            predictor = predictor + float(np.mean(slope)) * weight.product(measured, NUMPY)
    return _spread(rows.column(node) - predictor, rows.weights)


def _answering(rows: Dataset, node: Name, *parents: Name) -> Dataset:
    """The rows that have these cells, and in which the node answered to its causes."""
    answered = rows.picked(np.flatnonzero(~rows.held(node)))
    return answered.complete([node, *parents], held=True)


def _spread(values: FloatArray, weights: FloatArray) -> float:
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def scale_of_source(omitted: Omitted, spec: ModelSpec, rows: Dataset) -> float:
    """What the cause of a directed edge moves by: its sd; 1 of a hidden cause."""
    return 1.0 if omitted.bidirected else _sd_of_cause(omitted.source, spec, rows)


def _sd_of_cause(name: Name, spec: ModelSpec, rows: Dataset) -> float:
    """The sd of what a node adds to a predictor per unit of its weight: of two levels that of the second's indicator."""
    low, high = spec[name].family.points if spec[name].family.one is not None else (0.0, 1.0)
    return rows.summary(name).sd / (high - low)


def with_strength(
    spec: ModelSpec, omitted: Omitted, strength: float, units: Mapping[Name, Unit], step: float
) -> ModelSpec:
    """The model in which the edge is there, as strong as this.

    Args:
        strength: In units of the target per sd of the cause. A hidden cause of negative strength raises one end and lowers the
            other.
        units: Those of the ends.
        step: The cause's sd.

    Raises:
        QueryError: The model cannot have the edge.
    """
    if not strength:
        return spec
    mechanisms = dict(spec.mechanisms)
    nodes, latent, cause = spec.graph.nodes, spec.latent, omitted.source
    if omitted.bidirected:
        cause = HIDDEN
        while cause in mechanisms:
            cause += "_"
        mechanisms[cause] = Mechanism(Normal())
        nodes, latent = (*nodes, cause), latent | {cause}
    for node in omitted.ends:
        sign = np.sign(strength) if node == omitted.target else 1.0
        size = float(sign * abs(strength) * units[node].size / step)
        own = mechanisms[node]
        mechanisms[node] = replace(own, weights=(*own.weights, Weight((cause,), belief=size)))
    edges = spec.graph.directed | {(cause, node) for node in omitted.ends}
    try:
        graph = LatentDag(nodes, edges, (), latent, spec.graph.inhibiting)
        return ModelSpec(graph, tuple((node, mechanisms[node]) for node in nodes))
    except (CycleError, SpecError) as error:
        raise QueryError(f"The model cannot have {omitted}: {error}") from error


@dataclass(frozen=True)
class Measured:
    """A cause that the model has, as strong as an omitted one would have to be.

    Attributes:
        node: The cause.
        strength: In the units of the omitted edge, without sign; of a hidden cause's two ends the geometric mean.
    """

    node: Name
    strength: float


def measured_causes(
    omitted: Omitted, posterior: Posterior, rows: Dataset, units: Mapping[Name, Unit]
) -> tuple[Measured, ...]:
    """The measured causes of the ends, the strongest first: of a hidden cause those that cause both ends."""
    spec, draws = posterior.spec, dict(posterior.parameters)
    common = set.intersection(*(set(spec.graph.parents(node)) for node in omitted.ends)) - spec.latent
    found = []
    for name in sorted(common - {omitted.source}):
        sizes = []
        for node in omitted.ends:
            own = [weight for weight in spec[node].weights if weight.parents == (name,)]
            slope = draws.get(f"{own[0].label} -> {quote(node)}") if len(own) == 1 else None
            if slope is not None:
                sizes.append(abs(float(np.mean(slope))) * _sd_of_cause(name, spec, rows) / units[node].size)
        if len(sizes) == len(omitted.ends):
            found.append(Measured(name, float(np.exp(np.mean(np.log(np.maximum(sizes, 1e-12)))))))
    return tuple(sorted(found, key=lambda each: -each.strength))
