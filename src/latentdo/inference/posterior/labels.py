"""What the data say of each parameter: pinned down, narrowed, nothing, or not identified; and chains that did not mix."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.special

from latentdo.graphs import Name, quote
from latentdo.models import Prior, Table

from ..blocks.coordinates import FloatArray, NodeCoordinates, mixing, pseudo_counts, table_labels
from ..blocks.diagnostics import Diagnostic
from ..blocks.fitted import Fitted
from ..likelihood.certify import LOG_LIKELIHOOD, LOG_POSTERIOR
from ..likelihood.prior_law import cumulative, log_densities
from .power_scaling import SENSITIVE, PowerScaled
from .symmetry import Place, Symmetry, symmetries

Kind = Literal["pinned down", "narrowed", "prior only", "not identified", "did not mix", "not judged"]

MIXED_RHAT = 1.05
MIXED_ESS = 100.0
"""What a parameter must reach to count as mixed. Answers do not rest on it, so it is milder than what they must reach."""
PRIOR_DISTANCE = 0.1
"""Largest distance between the distribution functions of draws and prior at which the data are said to say nothing."""
WIDE = 0.5
"""Share of the prior's variance that a direction must keep to count as left open by the data."""
SMALLEST = 1e-300
"""Smallest probability whose logarithm is taken."""


@dataclass(frozen=True)
class ParameterLabel:
    """What the data say of one parameter.

    Attributes:
        name: The parameter: `SOS -> Ras`, `intercept(Ras)`, `sd(Ras)`.
        kind: `pinned down`: a regression on measured columns alone, which determines it, whether its prior is made stronger or
            weaker. `narrowed`: the posterior is not the prior, which is no proof of identification. `prior only`: the posterior
            is the prior. `not identified`: a symmetry of the latents moves it. `did not mix`: the chains do not agree, and no
            symmetry excuses it. `not judged`: the run is too short to tell.
        reason: Why, in a few words; may be empty.
    """

    name: str
    kind: Kind
    reason: str = ""

    @property
    def harmless(self) -> bool:
        """Whether an answer may be trusted all the same."""
        return self.kind not in ("did not mix", "not judged")

    def __str__(self) -> str:
        words = {"pinned down": "pinned down by the data", "narrowed": "narrowed by the data"}.get(self.kind, self.kind)
        shown = f"{words} ({self.reason})" if self.reason else words
        return f"{shown}; harmless" if self.kind == "not identified" else shown


def parameter_labels(posterior: Fitted) -> tuple[ParameterLabel, ...]:
    """One label per free parameter, in the order of `posterior.parameters`."""
    if posterior.is_point:
        return tuple(ParameterLabel(name, "not judged", "there is one draw") for name, _ in posterior.parameters)
    return tuple(_Labels(posterior).all())


class _Labels:
    """What one call works out once: symmetries by weight, and diagnostics by parameter."""

    def __init__(self, posterior: Fitted) -> None:
        self.posterior = posterior
        self.diagnostics = {d.name: d for d in posterior.parameter_diagnostics}
        self.draws = dict(posterior.parameters)
        of_model = symmetries(posterior.spec, {own.node: own for own in posterior.coordinates})
        self.symmetry: dict[Place, Symmetry] = {place: symmetry for symmetry in of_model for place in symmetry.places}
        self.unmoved: dict[Symmetry, bool] = {}
        self.block = {node: block for block in posterior.blocks for node in block.block.nodes}

    def all(self) -> Iterator[ParameterLabel]:
        for own in self.posterior.coordinates:
            family = self.posterior.spec[own.node].family
            if isinstance(family, Table):
                yield from self._table(own, family)
                continue
            scores, log_prior = _scores(self.posterior, own)
            open_ones = _open_directions(scores)
            scaled = PowerScaled.of(log_prior) if scores else None
            for k, coordinate in enumerate(own.all):
                if coordinate.fixed is None:
                    place = (own.node, k) if k < len(own.coefficients) else None
                    yield self._label(own, coordinate.label, place, scores.get(k), k in open_ones, scaled)

    def _table(self, own: NodeCoordinates, family: Table) -> Iterator[ParameterLabel]:
        """The labels of a table's probabilities, each of which has a beta law under the Dirichlet prior of its row.

        To a power γ of its density on the scale of log ratios, a Dirichlet prior has γ times its pseudo-counts.
        """
        n = len(family.levels)
        labels = iter(table_labels(self.posterior.spec, own.node))
        draws = self.posterior.by_node[own.node].coefficients.reshape(-1, family.n_rows, n)
        for row, counts in enumerate(pseudo_counts(own, family)):
            logs = np.log(np.maximum(draws[:, row], SMALLEST))
            scaled = PowerScaled.of(logs @ counts)
            for k in range(n):
                prior = Prior("beta", (float(counts[k]), float(counts.sum() - counts[k])))
                score = _normal(cumulative(prior, draws[:, row, k]))
                yield self._label(own, next(labels), (own.node, row * n + k), score, False, scaled)

    def _label(
        self,
        own: NodeCoordinates,
        name: str,
        place: Place | None,
        score: FloatArray | None,
        open_: bool,
        scaled: PowerScaled | None,
    ) -> ParameterLabel:
        block = self.block[own.node]
        if block.shortfall is not None:
            return ParameterLabel(name, "not judged", block.shortfall)
        symmetry = None if place is None else self.symmetry.get(place)
        diagnostic = self.diagnostics[name]
        mixed = _mixed(diagnostic)
        if not mixed and (symmetry is None or not self._mixes(symmetry, own.node)):
            rhat = "" if diagnostic.rhat is None else f"R-hat {diagnostic.rhat:.2f}, "
            return ParameterLabel(name, "did not mix", f"{rhat}{diagnostic.ess:.0f} effective draws")
        if symmetry is not None and (not mixed or symmetry.kind != "sign"):
            return ParameterLabel(name, "not identified", str(symmetry))
        folded = symmetry is not None and symmetry.kind == "sign"
        if score is not None and _distance(score, folded=folded) <= PRIOR_DISTANCE:
            return ParameterLabel(name, "prior only")
        if symmetry is not None:
            return ParameterLabel(name, "narrowed", f"but for the {symmetry}")
        if block.block.latent:
            return ParameterLabel(name, "narrowed")
        if open_:
            return ParameterLabel(name, "narrowed", f"only together with others of {quote(own.node)}")
        if scaled is None:
            return ParameterLabel(name, "pinned down")
        if not scaled.trusted:
            return ParameterLabel(name, "narrowed", f"its prior scaled is out of reach: Pareto k-hat {scaled.khat:.2f}")
        sensitivity = scaled.sensitivity(self.draws[name].reshape(-1))
        if sensitivity >= SENSITIVE:
            return ParameterLabel(name, "narrowed", f"and its prior has a say: sensitivity {sensitivity:.2f}")
        return ParameterLabel(name, "pinned down")

    def _mixes(self, symmetry: Symmetry, node: Name) -> bool:
        """Whether what a symmetry leaves as it was has mixed, together with the density."""
        if symmetry not in self.unmoved:
            block = self.block[node]
            density = [d for d in block.diagnostics if d.name in (LOG_POSTERIOR, LOG_LIKELIHOOD)]
            self.unmoved[symmetry] = all(d.passed for d in density) and all(
                _mixed(self.posterior.diagnose("", values, [node])) for values in invariants(self.posterior, symmetry)
            )
        return self.unmoved[symmetry]


def _mixed(diagnostic: Diagnostic) -> bool:
    return (diagnostic.rhat is None or diagnostic.rhat <= MIXED_RHAT) and diagnostic.ess >= MIXED_ESS


def invariants(posterior: Fitted, symmetry: Symmetry) -> Iterator[FloatArray]:
    """Functions of the weights that a symmetry leaves as they were, each (chain, draw).

    Of weights W Wᵀ, their part in variances and covariances; where axes are not rotated also each row's weights in order of
    size, without their signs if these may change. Of a latent class each row's probabilities, or effects around their mean, in
    order of size, and what its children have at the mean of its levels.
    """
    if symmetry.kind == "levels":
        yield from _of_classes(posterior, symmetry)
        return
    rows = [
        np.stack([posterior.by_node[node].coefficients[..., k] for node, k in row], axis=-1) for row in symmetry.rows
    ]
    for one, other in itertools.combinations_with_replacement(rows, 2):
        yield (one * other).sum(axis=-1)
    if symmetry.kind == "rotation":
        return
    for row in rows:
        yield from _ordered(row if symmetry.kind == "labels" else np.abs(row))


def _ordered(row: FloatArray) -> Iterator[FloatArray]:
    ordered = np.sort(row, axis=-1)
    yield from (ordered[..., k] for k in range(ordered.shape[-1]))


def _of_classes(posterior: Fitted, symmetry: Symmetry) -> Iterator[FloatArray]:
    for row in symmetry.rows:
        yield from _ordered(np.stack([posterior.by_node[node].coefficients[..., k] for node, k in row], axis=-1))
    own = {one.node: one for one in posterior.coordinates}
    centred: dict[Name, FloatArray] = {}
    for node in {node for row in (symmetry.moved, *symmetry.effects) for node, _ in row}:
        raw, matrix = posterior.by_node[node].coefficients, mixing(posterior.spec, node)
        sampled = np.linalg.solve(own[node].to_raw, raw[..., None])[..., 0].astype(float, copy=False)
        centred[node] = sampled if matrix is None else sampled @ matrix.T
    for node, k in symmetry.moved:
        yield centred[node][..., k]
    for row in symmetry.effects:
        effects = [centred[node][..., k] for node, k in row]
        of_level = np.stack([np.zeros_like(effects[0]), *effects], axis=-1)
        yield from _ordered(of_level - of_level.mean(axis=-1, keepdims=True))


def log_prior_of(posterior: Fitted, nodes: Collection[Name]) -> FloatArray:
    """The log density of these nodes' priors at each draw, chains laid end to end, up to a constant."""
    total = np.zeros(posterior.n_chains * posterior.n_draws)
    for own in posterior.coordinates:
        if own.node not in nodes:
            continue
        family = posterior.spec[own.node].family
        if not isinstance(family, Table):
            total += _scores(posterior, own)[1]
            continue
        draws = posterior.by_node[own.node].coefficients.reshape(len(total), family.n_rows, len(family.levels))
        for row, counts in enumerate(pseudo_counts(own, family)):
            total += np.log(np.maximum(draws[:, row], SMALLEST)) @ counts
    return total


def _scores(posterior: Fitted, own: NodeCoordinates) -> tuple[dict[int, FloatArray], FloatArray]:
    """Of each free parameter its draws as quantiles of its prior, on the normal scale: standard normal if nothing was learned.

    And the log density of the node's priors at each draw, up to a constant.
    """
    draws = posterior.by_node[own.node]
    raw = draws.coefficients.reshape(-1, draws.coefficients.shape[-1])
    sampled: FloatArray = np.linalg.solve(own.to_raw, raw.T).T.astype(float, copy=False)
    values = dict(draws.parameters)
    n = len(own.coefficients)
    wiggles = {k: values[own.parameters[at - n][0]].reshape(-1) for at, places in own.bends for k in places}
    scores, log_prior = {}, np.zeros(len(raw))
    for k, coordinate in enumerate(own.all):
        if coordinate.fixed is not None or coordinate.prior is None:
            continue
        if k >= n:
            value = values[own.parameters[k - n][0]].reshape(-1)
        else:
            value = (raw if coordinate.prior_on == "raw" else sampled)[:, k]
            value = value / wiggles.get(k, 1.0)
        value = np.asarray(value - coordinate.shift, dtype=float)
        scores[k] = _normal(cumulative(coordinate.prior, value))
        log_prior += log_densities(coordinate.prior, value)
    return scores, log_prior


def _normal(share: FloatArray) -> FloatArray:
    return scipy.special.ndtri(np.clip(share, 1e-12, 1 - 1e-12))


def _open_directions(scores: Mapping[int, FloatArray]) -> frozenset[int]:
    """The parameters of a node with a part in a direction along which the posterior keeps much of the prior's variance.

    Collinear parents leave such a direction open: each weight alone may be narrowed, their difference is not.
    """
    if len(scores) < 2:
        return frozenset()
    keys = list(scores)
    sizes, directions = np.linalg.eigh(np.cov(np.array([scores[k] for k in keys])))
    wide = directions[:, sizes >= WIDE] ** 2
    return frozenset(k for k, parts in zip(keys, wide, strict=True) if parts.sum() > 0.05)


def _distance(scores: FloatArray, *, folded: bool) -> float:
    """Kolmogorov's distance of the draws to the prior; without regard to signs where these mean nothing."""
    n = len(scores)
    if folded:
        reached = 2.0 * scipy.special.ndtr(np.sort(np.abs(scores))) - 1.0
    else:
        reached = scipy.special.ndtr(np.sort(scores))
    return float(np.max(np.maximum(np.arange(1, n + 1) / n - reached, reached - np.arange(n) / n)))
