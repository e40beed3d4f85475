"""Posteriors built by hand, with draws around stated numbers; and linear-Gaussian models in closed form, draw by draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import LinkScale, node_coordinates, parent_scales
from latentdo.inference.blocks.diagnostics import Diagnostic
from latentdo.inference.blocks.draws import BlockDraws, DataFacts, NodeDraws
from latentdo.inference.blocks.method import Method
from latentdo.inference.posterior.posterior import Posterior
from latentdo.models import Bernoulli, Categorical, ColumnSummary, ModelSpec, Table, Weight

Numbers = dict[str, np.ndarray]


def labels(spec: ModelSpec, node: str) -> list[str]:
    """The names of a node's numbers, as summaries print them: intercept, weights, the family's own."""
    mechanism = spec[node]
    weights = [_label(weight, node) for weight in mechanism.weights]
    match mechanism.family:
        case Categorical(levels=levels):
            own = [f"{label}[{level}]" for level in levels[1:] for label in (f"intercept({node})", *weights)]
        case Table(levels=levels) as table:
            own = [f"{node}[{row}][{level}]" for row in range(table.n_rows) for level in levels]
        case _:
            own = [f"intercept({node})", *weights]
            own += [label for label, _, _ in _of_spread(spec, node)]
    return [*own, *(f"{name}({node})" for name in mechanism.family.parameters)]


def _of_spread(spec: ModelSpec, node: str) -> list[tuple[str, object, float]]:
    """Label, belief and centre of each coefficient that the spread of a node has."""
    if spec[node].spread is None:
        return []
    own = spec[node].predictors[1]
    found: list[tuple[str, object, float]] = [(f"{own.of} intercept({node})", own.intercept, 0.0)]
    return [*found, *((f"{own.of} weight {_label(w, node)}", w.belief, 0.3) for w in own.weights)]


def _label(weight: Weight, node: str) -> str:
    return f"{weight.label if weight.shapes else ':'.join(weight.parents)} -> {node}"


def posterior_of(
    model: str | ModelSpec,
    centres: Mapping[str, float] | None = None,
    *,
    spread: float = 0.1,
    shape: tuple[int, int] = (4, 250),
    seed: int = 0,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    diagnostics: tuple[Diagnostic, ...] | None = None,
    warnings: tuple[str, ...] = (),
) -> Posterior:
    """A posterior whose numbers vary around `centres`: independent draws, as of a fit that went well.

    Args:
        centres: By label (`X -> Y`, `intercept(Y)`, `sd(Y)`); otherwise 0 for an intercept, 1 for a weight, an sd or a
            shape. What the model fixes stays fixed.
        spread: The sd of the draws; of positive numbers relative to their centre.
        ranges: Smallest and largest value of a column in the data; otherwise -5 to 5, or 0 to 1 for a bernoulli node.
    """
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    random = np.random.default_rng([seed, 77])
    given = dict(centres or {})

    def drawn(label: str, belief: object, otherwise: float, *, positive: bool) -> np.ndarray:
        centre, noise = given.pop(label, otherwise), spread * random.normal(size=shape)
        if isinstance(belief, float | int):
            return np.full(shape, float(belief))
        return centre * np.exp(noise) if positive else centre + noise

    def node_draws(node: str) -> NodeDraws:
        mechanism = spec[node]
        if isinstance(mechanism.family, Table):
            rows = random.dirichlet(np.ones(len(mechanism.family.levels)), size=(*shape, mechanism.family.n_rows))
            return NodeDraws(rows.reshape(*shape, -1))
        if isinstance(mechanism.family, Categorical):
            centred = [given.pop(label, 0.0) for label in labels(spec, node)]
            return NodeDraws(np.stack([centre + spread * random.normal(size=shape) for centre in centred], axis=-1))
        coefficients = [drawn(f"intercept({node})", mechanism.intercept, 0.0, positive=False)]
        coefficients += [drawn(_label(w, node), w.belief, 1.0, positive=False) for w in mechanism.weights]
        coefficients += [drawn(*each, positive=False) for each in _of_spread(spec, node)]
        own = tuple(
            (name, drawn(f"{name}({node})", mechanism.parameter(name), 1.0, positive=True))
            for name in mechanism.family.parameters
        )
        return NodeDraws(np.stack(coefficients, axis=-1), own)

    draws = {node: node_draws(node) for node in spec.graph.nodes}
    assert not given, f"no such numbers in the model: {sorted(given)}"
    columns = tuple(_column(spec, node, dict(ranges or {})) for node in spec.measured)
    return with_draws(
        spec,
        draws,
        DataFacts("rows.csv", "0" * 64, 100, columns),
        {column.name: (column.mean, column.sd) for column in columns},
        diagnostics=diagnostics or tuple(Diagnostic(f"mean({node})", 1.0, 1000.0) for node in spec.measured),
        seed=seed,
        warnings=warnings,
    )


def with_draws(
    spec: ModelSpec,
    draws: Mapping[str, NodeDraws],
    facts: DataFacts,
    moments: Mapping[str, tuple[float, float]],
    **others: Any,
) -> Posterior:
    """A posterior of these draws, as of four chains that went well.

    Args:
        moments: Mean and sd of columns, by which their weights are scaled.
        others: Fields of the posterior.
    """
    scales = parent_scales(spec, dict(moments))
    return Posterior(
        spec=spec,
        blocks=tuple(
            BlockDraws(
                block,
                Method("other", "made by hand"),
                tuple((node, draws[node]) for node in block.nodes),
                n_warmup=500,
                n_made=500,
            )
            for block in blocks_of(spec)
        ),
        facts=facts,
        coordinates=tuple(node_coordinates(spec, n, scales, LinkScale(0.0, 1.0, 1.0)) for n in spec.graph.nodes),
        engine="Auto()",
        **{"diagnostics": (), "seed": 0, **others},
    )


def _column(spec: ModelSpec, node: str, ranges: dict[str, tuple[float, float]]) -> ColumnSummary:
    binary = isinstance(spec[node].family, Bernoulli)
    points = spec[node].family.points
    if points and not binary:
        mean, sd = float(np.mean(points)), float(np.std(points))
        return ColumnSummary(node, 100, mean, sd, points[0], points[-1], len(points), True, points)
    low, high = ranges.get(node, (0.0, 1.0) if binary else (-5.0, 5.0))
    mean, sd = (low + high) / 2, (high - low) / 4
    return ColumnSummary(node, 100, mean, sd, low, high, 2 if binary else 100, binary)


def numbers(posterior: Posterior) -> Numbers:
    """Every number of the model by label, fixed ones too, one value per draw, chains end to end."""
    found = {}
    for node, draws in posterior.by_node.items():
        own = [draws.coefficients[..., k] for k in range(draws.coefficients.shape[-1])]
        own += [values for _, values in draws.parameters]
        found |= {label: values.reshape(-1) for label, values in zip(labels(posterior.spec, node), own, strict=True)}
    return found


class Gaussian:
    """The joint law of the nodes of a linear-Gaussian model after surgery, per draw: (draw, node) and (draw, node, node).

    Args:
        do: A number, or (mean, sd), per node.
    """

    def __init__(self, posterior: Posterior, do: Mapping[str, float | tuple[float, float]] | None = None) -> None:
        spec, found = posterior.spec, numbers(posterior)
        self.nodes = list(spec.graph.nodes)
        n, size = posterior.n_chains * posterior.n_draws, len(self.nodes)
        weights, offset, variance = np.zeros((n, size, size)), np.zeros((n, size)), np.zeros((n, size))
        for i, node in enumerate(self.nodes):
            if do and node in do:
                value = do[node]
                offset[:, i], sd = value if isinstance(value, tuple) else (value, 0.0)
                variance[:, i] = sd**2
                continue
            offset[:, i] = found[f"intercept({node})"]
            variance[:, i] = found.get(f"sd({node})", np.zeros(n)) ** 2
            for weight in spec[node].weights:
                (parent,) = weight.parents
                weights[:, i, self.nodes.index(parent)] = found[_label(weight, node)]
        inverse = np.linalg.inv(np.eye(size) - weights)
        self.mean = np.einsum("nij,nj->ni", inverse, offset)
        self.cov = np.einsum("nij,nj,nkj->nik", inverse, variance, inverse)

    def of(self, *names: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of some nodes."""
        k = [self.nodes.index(name) for name in names]
        return self.mean[:, k], self.cov[:, k][:, :, k]

    def given(self, outcome: str, evidence: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sd of one node, given the values of others."""
        mean, cov = self.of(outcome, *evidence)
        seen = np.array(list(evidence.values())) - mean[:, 1:]
        gain = np.linalg.solve(cov[:, 1:, 1:], cov[:, 1:, :1])[..., 0]
        return mean[:, 0] + (gain * seen).sum(axis=1), np.sqrt(cov[:, 0, 0] - (gain * cov[:, 1:, 0]).sum(axis=1))


class Binary:
    """A model of bernoulli nodes and normal root latents, enumerated per draw: `table` has axes (draw, node, node, …).

    Args:
        do: A value, or per node the probability of a one as (p,).
    """

    def __init__(self, posterior: Posterior, do: Mapping[str, float | tuple[float]] | None = None) -> None:
        spec, found = posterior.spec, numbers(posterior)
        self.nodes = list(spec.measured)
        n = posterior.n_chains * posterior.n_draws
        points, weights = np.polynomial.hermite_e.hermegauss(48)
        hidden = [node for node in spec.graph.nodes if node in spec.latent]
        axes = len(self.nodes) + len(hidden)

        def along(axis: int, values: np.ndarray) -> np.ndarray:
            return values.reshape([1, *(len(values) if k == axis else 1 for k in range(axes))])

        # Of each node its values along an axis of its own: levels of measured nodes, quadrature points of latents.
        values = {node: along(k, np.array([0.0, 1.0])) for k, node in enumerate(self.nodes)}
        law = np.ones((n, *[1] * axes))
        for k, node in enumerate(hidden, start=len(self.nodes)):
            values[node] = along(k, points)
            law = law * along(k, weights / weights.sum())
        for node in self.nodes:
            here = values[node]
            if do and node in do:
                chance = do[node]
                law = law * (
                    np.where(here == 1, chance[0], 1 - chance[0]) if isinstance(chance, tuple) else here == chance
                )
                continue

            def number(label: str) -> np.ndarray:
                return found[label].reshape([n, *[1] * axes])

            eta = number(f"intercept({node})")
            for weight in spec[node].weights:
                product = number(_label(weight, node))
                for parent in weight.parents:
                    product = product * values[parent]
                eta = eta + product
            one = 1 / (1 + np.exp(-eta))
            law = law * np.where(here == 1, one, 1 - one)
        self.table = law.sum(axis=tuple(range(len(self.nodes) + 1, axes + 1)))

    def chance(self, **event: int) -> np.ndarray:
        """The probability of some values, per draw."""
        index = tuple(event.get(node, slice(None)) for node in self.nodes)
        part = self.table[(slice(None), *index)]
        return part.reshape(len(part), -1).sum(axis=1)
