"""What the sampler moves: the parameters of a node on a scale where they are near one, and the way back to raw units.

The linear predictor is written twice. In raw units it is Σ b_S Π_{p in S} x_p over terms S (the empty one being the
intercept); the sampler works with Σ w_S Π_{p in S} (x_p - centre_p)/scale_p. The two are related by a triangular matrix,
b = T w, so that every statement about b (a fixed number, a bound, a prior) is a statement about w.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from latentdo.graphs import Name
from latentdo.models import Bernoulli, Mechanism, ModelSpec, Prior, Sign, Weight

FloatArray = npt.NDArray[np.float64]
Scale = Literal["sampled", "raw"]

SD_FLOOR = 0.05
"""Smallest residual sd under the default prior, as a share of the sd of the column."""


@dataclass(frozen=True)
class Coordinate:
    """One scalar that the sampler moves, or a fixed number.

    Attributes:
        label: What it is, as summaries print it: `SOS -> Ras`, `intercept(Ras)`, `sd(Ras)`.
        prior: Its prior, in the units of `prior_on`; None where it is fixed.
        unit: Whether the coordinate itself is the sampled or the raw version of a coefficient.
        prior_on: Which version the prior speaks of.
        shift: The prior is of (value - shift): the floor of a residual sd.
        fixed: The number it is fixed at, in raw units.
        start: Where chains start around, and how far: (centre, spread), in the units of the coordinate.
        default: Whether the prior is a default one.
        folded: `+` or `-` where the sampler moves on both sides of 0 and the draws are turned to that side (`unfolded`).
    """

    label: str
    prior: Prior | None
    unit: Scale = "sampled"
    prior_on: Scale = "sampled"
    shift: float = 0.0
    fixed: float | None = None
    start: tuple[float, float] = (0.0, 1.0)
    default: bool = True
    folded: Sign = ""

    @property
    def low(self) -> float:
        """Smallest value of the coordinate."""
        return -math.inf if self.prior is None else self.prior.low + self.shift

    @property
    def high(self) -> float:
        """Largest value of the coordinate."""
        return math.inf if self.prior is None else self.prior.high + self.shift

    @property
    def bend(self) -> float:
        """The coordinate's natural unit, about the posterior's width in ordinary data: how near a bound it is bent."""
        return 0.5 * self.start[1]

    @property
    def bounded(self) -> bool:
        """Whether there is a bound, so that the sampler must bend the scale."""
        return math.isfinite(self.low) or math.isfinite(self.high)


@dataclass(frozen=True, eq=False)
class NodeCoordinates:
    """The coordinates of one node: the coefficients (intercept first), then the family's parameters.

    Attributes:
        terms: For each weight the parents that it multiplies.
        centred: For each weight whether its parents are centred (see `_closed`).
        to_raw: The matrix T of the module's docstring, (1 + terms) x (1 + terms).
        centres: Centre and scale of each parent.
        coefficients: One coordinate per intercept and term.
        parameters: Name and coordinate of each of the family's own parameters.
    """

    node: Name
    terms: tuple[tuple[Name, ...], ...]
    centred: tuple[bool, ...]
    to_raw: FloatArray
    centres: tuple[tuple[Name, tuple[float, float]], ...]
    coefficients: tuple[Coordinate, ...]
    parameters: tuple[tuple[str, Coordinate], ...]

    @property
    def all(self) -> tuple[Coordinate, ...]:
        """Every coordinate, coefficients first."""
        return (*self.coefficients, *(coordinate for _, coordinate in self.parameters))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The coefficients from the largest term to the intercept: an order in which b = T w can be solved."""
        sizes = [0, *(len(term) for term in self.terms)]
        return tuple(sorted(range(len(sizes)), key=lambda k: -sizes[k]))


@dataclass(frozen=True)
class LinkScale:
    """Mean and sd of a measured node on its link scale, where default priors are stated."""

    mean: float
    sd: float
    column_sd: float


def node_coordinates(
    spec: ModelSpec, node: Name, scales: Mapping[Name, tuple[float, float]], link: LinkScale
) -> NodeCoordinates:
    """The coordinates of a node under the default priors and what the user wrote.

    Args:
        scales: Centre and scale of each parent: mean and sd of a measured one, prior means of a latent one's.
        link: Of the node itself; mean 0 and sd 1 for a latent.
    """
    mechanism = spec[node]
    terms = tuple(weight.parents for weight in mechanism.weights)
    centred = tuple(_closed(term, terms) for term in terms)
    matrix = _to_raw(terms, centred, scales)
    spread = 2.0 if isinstance(mechanism.family, Bernoulli) else link.sd
    intercept = _intercept(node, mechanism, link, spread)
    weights = tuple(
        _weight(node, weight, spread, float(matrix[k + 1, k + 1]), _is_inner(weight, terms))
        for k, weight in enumerate(mechanism.weights)
    )
    parameters = tuple((name, _parameter(node, name, mechanism, link)) for name in mechanism.family.parameters)
    centres = tuple((parent, scales[parent]) for parent in mechanism.parents)
    return NodeCoordinates(node, terms, centred, matrix, centres, (intercept, *weights), parameters)


def _closed(term: tuple[Name, ...], terms: tuple[tuple[Name, ...], ...]) -> bool:
    """Whether every smaller product inside an interaction is a term too.

    Only then does centring its parents leave the family of predictors as it is: x:v alone, centred, would
    bring in main effects that the user left out.
    """
    present = {frozenset(other) for other in terms}
    members = frozenset(term)
    count = sum(1 for other in present if other < members)
    return count == 2 ** len(members) - 2


def _is_inner(weight: Weight, terms: tuple[tuple[Name, ...], ...]) -> bool:
    return any(frozenset(weight.parents) < frozenset(term) for term in terms)


def _to_raw(
    terms: tuple[tuple[Name, ...], ...], centred: tuple[bool, ...], scales: Mapping[Name, tuple[float, float]]
) -> FloatArray:
    """T with b = T w: w_S Π (x_p - m_p)/s_p = (w_S / s_S) Σ_{R in S} Π_{R} x_p Π_{S without R} (-m_p)."""
    members = [frozenset[Name](), *(frozenset(term) for term in terms)]
    matrix = np.zeros((len(members), len(members)))
    for column, (big, whole) in enumerate(zip(members, (True, *centred), strict=True)):
        size = math.prod(scales[name][1] for name in big)
        for row, small in enumerate(members):
            if small == big:
                matrix[row, column] = 1.0 / size
            elif small < big and whole:
                matrix[row, column] = math.prod(-scales[name][0] for name in big - small) / size
    return matrix


def _intercept(node: Name, mechanism: Mechanism, link: LinkScale, spread: float) -> Coordinate:
    label = f"intercept({node})"
    belief = mechanism.intercept
    start = (link.mean, 0.3 * spread)
    if isinstance(belief, float | int):
        return Coordinate(label, None, unit="raw", prior_on="raw", fixed=float(belief), default=False)
    if belief is not None:
        return _believed(label, belief, start)
    if isinstance(mechanism.family, Bernoulli):
        return Coordinate(label, Prior("normal", (0.0, 3.0)), start=(0.0, 0.6))
    return Coordinate(label, Prior("normal", (link.mean, 2.0 * spread)), start=start)


def _weight(node: Name, weight: Weight, spread: float, to_raw: float, inner: bool) -> Coordinate:
    label = f"{weight.label} -> {node}"
    belief = weight.belief
    if isinstance(belief, float | int):
        return Coordinate(label, None, unit="raw", prior_on="raw", fixed=float(belief), default=False)
    if belief is not None:
        return _believed(label, belief, (0.0, 0.5 * spread), to_raw)
    low, high = {"": (-math.inf, math.inf), "+": (0.0, math.inf), "-": (-math.inf, 0.0)}[weight.sign]
    prior = Prior("normal", (0.0, spread), low, high)
    assert not (inner and weight.sign), "a signed weight beside an interaction is refused by the mechanism"
    return Coordinate(label, prior, start=(0.0, 0.5 * spread))


def _believed(label: str, prior: Prior, start: tuple[float, float], to_raw: float = 1.0) -> Coordinate:
    """A coefficient with the user's prior, in raw units: moved on the sampled scale unless it is bounded."""
    if math.isfinite(prior.low) or math.isfinite(prior.high):
        raw = (start[0] * to_raw, start[1] * to_raw)
        return Coordinate(label, prior, unit="raw", prior_on="raw", start=raw, default=False)
    return Coordinate(label, prior, unit="sampled", prior_on="raw", start=start, default=False)


def _parameter(node: Name, name: str, mechanism: Mechanism, link: LinkScale) -> Coordinate:
    label = f"{name}({node})"
    belief = mechanism.parameter(name)
    size = link.column_sd if name == "sd" else 5.0
    if isinstance(belief, float | int):
        return Coordinate(label, None, fixed=float(belief), default=False)
    if belief is not None:
        return Coordinate(label, belief, start=(size, 0.2 * size), default=False)
    if name == "sd":
        return Coordinate(label, Prior("halfnormal", (size,)), shift=SD_FLOOR * size, start=(size, 0.2 * size))
    return Coordinate(label, Prior("halfnormal", (10.0,)), start=(size, 0.4 * size))


def parent_scales(spec: ModelSpec, measured: Mapping[Name, tuple[float, float]]) -> dict[Name, tuple[float, float]]:
    """Centre and scale of every node as a parent: of a latent the prior means of its mean and sd."""
    scales = dict(measured)
    for node in spec.latent:
        mechanism = spec[node]
        scales[node] = (_prior_mean(mechanism.intercept), _prior_mean(mechanism.parameter("sd"), 1.0))
    return scales


def _prior_mean(belief: Prior | float | None, otherwise: float = 0.0) -> float:
    if isinstance(belief, Prior):
        return belief.mean()
    return otherwise if belief is None else float(belief)


def unfolded(spec: ModelSpec, coordinates: Mapping[Name, NodeCoordinates]) -> dict[Name, NodeCoordinates]:
    """The coordinates with the bound lifted where a hidden cause has a single signed weight.

    If everything else about a standard latent root is symmetric, its posterior with w > 0 is the posterior without that
    sign, every draw turned so that w > 0. Sampled without the bound no chain is caught on the wrong side: with it, a chain
    that starts in the mirror image of the other weights would have to pass through a weight of 0.
    """
    changed = dict(coordinates)
    for latent in spec.latent:
        if spec[latent].weights or spec[latent].intercept != 0.0:
            continue
        touched = [
            (child, k + 1)
            for child in spec.graph.children(latent)
            for k, term in enumerate(coordinates[child].terms)
            if latent in term
        ]
        bounded = [(c, k) for c, k in touched if changed[c].coefficients[k].bounded]
        if len(bounded) != 1 or not all(_symmetric(changed[c].coefficients[k]) for c, k in touched):
            continue
        child, k = bounded[0]
        own = changed[child]
        coefficients = list(own.coefficients)
        signed = coefficients[k]
        if len(own.terms[k - 1]) > 1 or signed.prior is None:
            continue
        prior = replace(signed.prior, low=-math.inf, high=math.inf)
        coefficients[k] = replace(signed, prior=prior, folded="+" if signed.low == 0.0 else "-")
        changed[child] = replace(own, coefficients=tuple(coefficients))
    return changed


def _symmetric(coordinate: Coordinate) -> bool:
    """Whether the prior is symmetric about 0, but for a sign."""
    prior = coordinate.prior
    if prior is None or prior.family not in ("normal", "student", "cauchy"):
        return False
    centre = prior.args[1] if prior.family == "student" else prior.args[0]
    return centre == 0.0 and (prior.low, prior.high) in ((-math.inf, math.inf), (0.0, math.inf), (-math.inf, 0.0))
