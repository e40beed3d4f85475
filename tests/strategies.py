"""Hypothesis strategies: random priors and model specs, with every kind of belief, sign, interaction and name."""

from __future__ import annotations

import itertools
import math

from hypothesis import strategies as st

from latentdo.errors import SpecError
from latentdo.graphs import LatentDag
from latentdo.models import Bernoulli, Gamma, Hill, Linear, Mechanism, ModelSpec, Normal, Prior, Weight

NAMES = ("X", "Y", "Z", "IL-6", "latent", "a b", "weight", "E", "NF_kB", "β1", "A:B", "U -> V", "sd", "#", "A<->B.1")

numbers = st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6), st.sampled_from([1e-5, -2.5, 1e22]))
positives = st.one_of(st.integers(1, 5).map(float), st.floats(1e-3, 1e4))
_ARGUMENTS = {
    "normal": (numbers, positives),
    "student": (positives, numbers, positives),
    "cauchy": (numbers, positives),
    "halfnormal": (positives,),
    "exponential": (positives,),
    "gamma": (positives, positives),
    "lognormal": (st.floats(-3, 3), positives),
    "beta": (positives, positives),
    "uniform": (st.floats(-10, 0), st.floats(0.5, 10)),
}


@st.composite
def priors(draw: st.DrawFn) -> Prior:
    """A prior of any family, with bounds or without."""
    family = draw(st.sampled_from(sorted(_ARGUMENTS)))
    arguments = tuple(draw(part) for part in _ARGUMENTS[family])
    low = draw(st.one_of(st.just(-math.inf), st.floats(-3, 0.4)))
    high = draw(st.one_of(st.just(math.inf), st.floats(0.45, 3)))
    return Prior(family, arguments, low, high)


def _cut(prior: Prior, low: float, high: float) -> Prior | None:
    try:
        return prior.cut(low, high)
    except SpecError:
        return None


def beliefs(low: float = -math.inf, high: float = math.inf, *, tame: bool) -> st.SearchStrategy[Prior | float | None]:
    """Nothing, a number or a prior, all within the bounds."""
    signed, positive = (
        (st.sampled_from([-1.5, 0.25, 2.0]), st.sampled_from([0.5, 2.0])) if tame else (numbers, positives)
    )
    inside = {
        (-math.inf, math.inf): signed,
        (0.0, math.inf): positive,
        (-math.inf, 0.0): positive.map(lambda x: -x),
    }[low, high]
    some = st.sampled_from(TAME_PRIORS) if tame else priors()
    return st.one_of(st.none(), inside, some.map(lambda prior: _cut(prior, low, high)))


TAME_PRIORS = (
    Prior("normal", (0.5, 2.0)),
    Prior("normal", (0.0, 1.0), low=-1.0, high=2.0),
    Prior("student", (4.0, 0.0, 1.5)),
    Prior("cauchy", (0.0, 1.0), low=-3.0, high=3.0),
    Prior("halfnormal", (2.0,)),
    Prior("exponential", (0.7,), low=0.2),
    Prior("gamma", (3.0, 2.0)),
    Prior("lognormal", (0.0, 0.5), high=4.0),
    Prior("beta", (2.0, 3.0)),
    Prior("uniform", (-1.0, 3.0)),
)
"""One of each family, bounded or not, with numbers that arithmetic can bear."""


_SIDES = {"": (-math.inf, math.inf), "+": (0.0, math.inf), "-": (-math.inf, 0.0)}


@st.composite
def _weights(draw: st.DrawFn, parents: list[str], tame: bool) -> tuple[Weight, ...]:
    """Main effects and interactions that mention each parent at least once."""
    products = [term for size in (2, 3) for term in itertools.combinations(parents, size)]
    chosen = draw(st.lists(st.sampled_from(products), max_size=2, unique=True)) if products else []
    inside = {name for term in chosen for name in term}
    terms = [(name,) for name in parents if name not in inside or draw(st.booleans())]
    terms = draw(st.permutations([*terms, *chosen]))
    found = []
    for term in terms:
        nested = any(set(term) < set(other) for other in terms)
        sign = "" if nested else draw(st.sampled_from(["", "+", "-"]))
        found.append(Weight(term, sign, draw(beliefs(*_SIDES[sign], tame=tame))))
    # A common belief is written once, behind the parents.
    if draw(st.booleans()) and found and not any(weight.sign for weight in found):
        found = [Weight(weight.parents, "", found[0].belief) for weight in found]
    return tuple(found)


@st.composite
def _mechanism(draw: st.DrawFn, parents: list[str], latent: bool, tame: bool) -> Mechanism:
    families = [Normal(), Linear()] if latent else [Normal(), Linear(), Bernoulli(), Gamma(), Hill(), Hill(2.5)]
    family = draw(st.sampled_from(families))
    parameters = tuple((name, draw(beliefs(0.0, tame=tame))) for name in family.parameters)
    return Mechanism(family, draw(_weights(parents, tame)), draw(beliefs(tame=tame)), parameters)


@st.composite
def specs(draw: st.DrawFn, max_nodes: int = 5, *, tame: bool = False) -> ModelSpec:
    """A model over names in any order, with latents written out, latents of `<->`, and `-|`.

    Args:
        tame: Whether priors and fixed numbers are of the size of one.
    """
    nodes = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=max_nodes, unique=True))
    order = draw(st.permutations(nodes))
    latent = frozenset(node for node in nodes if draw(st.integers(0, 2)) == 0)
    mechanisms = {}
    for position, node in enumerate(order):
        parents = [other for other in order[:position] if draw(st.booleans())]
        mechanisms[node] = draw(_mechanism(parents, node in latent, tame))
    directed = {(parent, node) for node, mechanism in mechanisms.items() for parent in mechanism.parents}
    drawn_flat = {
        (weight.parents[0], node)
        for node, mechanism in mechanisms.items()
        for weight in mechanism.weights
        if len(weight.parents) == 1 and weight.sign == "-" and draw(st.booleans())
    }
    pairs = [pair for pair in itertools.combinations(nodes, 2) if draw(st.integers(0, 3)) == 0]
    arcs = tuple((a, b, draw(st.integers(1, 2))) for a, b in pairs)
    graph = LatentDag(tuple(nodes), frozenset(directed), arcs, latent, frozenset(drawn_flat))
    return ModelSpec.of(graph, mechanisms)
