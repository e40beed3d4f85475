"""Blocks of small models with rows to match, and their parameters, priors and densities transcribed in raw units.

Slow and plain: SciPy's laws, polynomials written out, no change of variables.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from latentdo.inference.blocks.block import Block, blocks_of
from latentdo.inference.blocks.coordinates import NodeCoordinates, coordinates_on
from latentdo.inference.blocks.knots import knotted
from latentdo.inference.likelihood.assembly import assemble
from latentdo.inference.likelihood.density import Layout, Numbers, unpack
from latentdo.models import Bernoulli, Gamma, Hill, ModelSpec, Prior, Weight
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset


@dataclass(frozen=True, eq=False)
class SmallBlock:
    """One block with both halves of its density."""

    spec: ModelSpec
    block: Block
    coordinates: dict[str, NodeCoordinates]
    data: Dataset
    rows: Dataset
    layout: Layout
    numbers: Numbers

    def point(self, random: np.random.Generator) -> np.ndarray:
        return 0.7 * random.standard_normal(self.layout.n_free)

    def learned(self, u: np.ndarray) -> np.ndarray:
        """Every number of the block that is not fixed, in raw units."""
        found = []
        for node, at in self.unpacked(u).items():
            mechanism = self.spec[node]
            beliefs = [mechanism.intercept, *(weight.belief for weight in mechanism.weights)]
            found += [b for b, belief in zip(at.raw, beliefs, strict=True) if not isinstance(belief, float)]
            fixed = {name for name, belief in mechanism.parameters if isinstance(belief, float)}
            fixed |= {name for name in at.parameters if "wiggle" in name and isinstance(mechanism.wiggle, float)}
            found += [v for name, v in at.parameters.items() if name not in fixed]
        return np.array(found)

    def log_prior(self, u: np.ndarray) -> float:
        """The log prior density of `u`: that of the raw numbers, times the Jacobian by finite differences."""
        steps = 1e-5 * np.eye(len(u))
        columns = [(self.learned(u + step) - self.learned(u - step)) / 2e-5 for step in steps]
        _, log_jacobian = np.linalg.slogdet(np.array(columns)) if columns else (1.0, 0.0)
        return float(log_jacobian) + sum(
            raw_log_prior(self.spec, self.data, node, np.asarray(at.raw), at.parameters)
            for node, at in self.unpacked(u).items()
        )

    def unpacked(self, u: np.ndarray):
        """Raw coefficients, own parameters and log prior by node."""
        return dict(zip(self.block.nodes, unpack(NUMPY, self.layout, self.numbers, u), strict=True))


def random_rows(spec: ModelSpec, n: int = 12, seed: int = 0) -> Dataset:
    """A column for each measured node that its family allows, unrelated to the others."""
    random = np.random.default_rng([seed, 5])

    def column(node: str) -> np.ndarray:
        match spec[node].family:
            case Bernoulli():
                return np.append(random.integers(0, 2, n - 2), [0, 1])
            case Gamma():
                return random.gamma(2.0, 1.5, n)
            case Hill(max=top):
                return top * random.uniform(-0.05, 1.05, n)
            case _:
                return random.normal(1.5, 2.0, n)

    return Dataset.of({node: column(node) for node in spec.measured})


def small_blocks(
    model: str | ModelSpec, data: Dataset | None = None, rows: Dataset | None = None
) -> dict[tuple[str, ...], SmallBlock]:
    """The blocks of a model by their nodes.

    Args:
        data: What centres, scales and default priors are taken from; random rows unless given.
        rows: What the density is of; the data unless given.
    """
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    data = random_rows(spec) if data is None else data
    rows = data if rows is None else rows
    spec = knotted(spec, data)
    coordinates = coordinates_on(spec, data)
    return {
        block.nodes: SmallBlock(spec, block, coordinates, data, rows, *assemble(spec, block, coordinates, rows))
        for block in blocks_of(spec)
    }


def only_block(model: str | ModelSpec, node: str, data: Dataset | None = None, rows: Dataset | None = None):
    """The block that holds the node."""
    (found,) = (block for nodes, block in small_blocks(model, data, rows).items() if node in nodes)
    return found


# The contract's default priors, and the user's, in raw units


def centre_and_scale(spec: ModelSpec, data: Dataset, parent: str) -> tuple[float, float]:
    """Mean and sd of a measured parent; prior means of a latent one's mean and sd."""
    if parent.startswith("s("):
        return 0.0, 1.0
    if parent.partition("^")[0] not in spec.latent:
        column = value_of(parent, dict(data.columns))
        return float(column.mean()), float(column.std(ddof=1))
    if "^" in parent:
        # Over 200 even quantiles of a standard normal latent.
        values = value_of(parent, {parent.partition("^")[0]: scipy.stats.norm.ppf((np.arange(200) + 0.5) / 200)})
        return float(values.mean()), float(values.std())
    sd = spec[parent].parameter("sd")
    return belief_mean(spec[parent].intercept), 1.0 if sd is None else belief_mean(sd)


def belief_mean(belief: Prior | float | None) -> float:
    if not isinstance(belief, Prior):
        return float(belief or 0.0)
    return float(prior_law(belief).expect(lb=belief.low, ub=belief.high, conditional=True))


def prior_law(prior: Prior):
    a = prior.args
    return {
        "normal": lambda: scipy.stats.norm(*a),
        "student": lambda: scipy.stats.t(*a),
        "cauchy": lambda: scipy.stats.cauchy(*a),
        "halfnormal": lambda: scipy.stats.halfnorm(scale=a[0]),
        "exponential": lambda: scipy.stats.expon(scale=1 / a[0]),
        "gamma": lambda: scipy.stats.gamma(a[0], scale=1 / a[1]),
        "lognormal": lambda: scipy.stats.lognorm(a[1], scale=math.exp(a[0])),
        "beta": lambda: scipy.stats.beta(*a),
        "uniform": lambda: scipy.stats.uniform(a[0], a[1] - a[0]),
    }[prior.family]()


def on_link_scale(spec: ModelSpec, data: Dataset, node: str) -> tuple[float, float]:
    """The link mean of a node, and t."""
    if node in spec.latent:
        return 0.0, 1.0
    y = data.column(node)
    match spec[node].family:
        case Bernoulli():
            return 0.0, 2.0
        case Gamma():
            y = np.log(y)
        case Hill(max=top):
            y = scipy.special.logit(np.minimum(np.maximum(y / top, 0.01), 0.99))
    return float(y.mean()), float(y.std(ddof=1))


def raw_log_prior(spec: ModelSpec, data: Dataset, node: str, raw: np.ndarray, parameters: dict[str, float]) -> float:
    """The log prior density of one node's numbers in raw units, up to a constant."""
    mechanism = spec[node]
    link_mean, t = on_link_scale(spec, data, node)
    terms = [frozenset[str](), *(frozenset(factors_of(weight)) for weight in mechanism.weights)]
    scales = {factor: centre_and_scale(spec, data, factor) for factor in frozenset().union(*terms)}
    whole = [all(frozenset(part) in terms for part in _parts(term)) for term in terms]
    total = 0.0
    for k, term in enumerate(terms):
        # The coefficient at the parents' centres, per sd of each parent: a Taylor shift of the polynomial.
        centred = math.prod(scales[name][1] for name in term) * sum(
            raw[j] * math.prod(scales[name][0] for name in other - term)
            for j, other in enumerate(terms)
            if term <= other and (term == other or whole[j])
        )
        belief = mechanism.intercept if k == 0 else mechanism.weights[k - 1].belief
        sign = "" if k == 0 else mechanism.weights[k - 1].sign
        if isinstance(belief, Prior):
            total += prior_law(belief).logpdf(raw[k])
        elif belief is None and k == 0:
            sd = 3.0 if isinstance(mechanism.family, Bernoulli) else 2 * t
            total += scipy.stats.norm.logpdf(centred, link_mean, sd)
        elif k and mechanism.weights[k - 1].bends:
            assert not sign or (centred > 0) == (sign == "+")
            total += scipy.stats.norm.logpdf(centred, 0, parameters[f"wiggle {mechanism.weights[k - 1].typed}"])
        elif belief is None:
            assert not sign or (centred > 0) == (sign == "+")
            total += scipy.stats.norm.logpdf(centred, 0, t * width(spec, data, node, k - 1))
    for name, value in parameters.items():
        belief = mechanism.wiggle if name.startswith("wiggle") else mechanism.parameter(name)
        if isinstance(belief, Prior):
            total += prior_law(belief).logpdf(value)
        elif name.startswith("wiggle"):
            total += scipy.stats.cauchy.logpdf(value, 0, 0.005 * t) if belief is None else 0.0
        elif belief is None and name == "sd":
            column_sd = float(data.column(node).std(ddof=1))
            total += scipy.stats.halfnorm.logpdf(value - 0.05 * column_sd, scale=column_sd)
        elif belief is None:
            total += scipy.stats.halfnorm.logpdf(value, scale=10)
    return float(total)


def width(spec: ModelSpec, data: Dataset, node: str, k: int) -> float:
    """How much wider than one per sd of each parent the k-th weight's default prior is, by regressions on the other terms."""
    weights = spec[node].weights
    in_bounds = isinstance(spec[node].family, Bernoulli | Hill)
    own_factors = [
        f for f, name in zip(factors_of(weights[k]), weights[k].parents, strict=True) if name not in spec.latent
    ]
    levels = {factor: np.unique(value_of(factor, dict(data.columns))[data.weights > 0]) for factor in own_factors}
    pairs = [factor for factor in own_factors if len(levels[factor]) == 2]
    # Half of the difference of the two values stands for the sd.
    halves = math.prod(centre_and_scale(spec, data, name)[1] / (0.5 * np.ptp(levels[name])) for name in pairs)
    if spec.latent & {node, *weights[k].parents} or (in_bounds and pairs):
        return halves if in_bounds else 1.0
    measured = [
        w for w in weights if not spec.latent & {*w.parents} and not isinstance(w.belief, float | int) and not w.bends
    ]
    own = measured.index(weights[k])
    columns = np.stack([_column(spec, data, node, w) for w in measured])
    n, p = data.n_rows, len(measured)
    rest = [_left_over(columns[j], np.delete(columns, j, axis=0), data.weights) for j in range(p)]
    if rest[own] @ (data.weights * rest[own]) < 1e-10 * n:
        return 1.0

    def in_common(j: int) -> float:
        """The size of the partial correlation with another column."""
        others = np.delete(columns, [own, j], axis=0)
        a, b = (_left_over(columns[i], others, data.weights) for i in (own, j))
        return float(abs(a @ (data.weights * b))) / math.sqrt((a @ (data.weights * a)) * (b @ (data.weights * b)))

    shared = 1.0 + sum(in_common(j) for j in range(p) if j != own)
    given_others = math.sqrt(rest[own] @ (data.weights * rest[own]) / (n - 1))
    sd = math.sqrt(columns[own] @ (data.weights * columns[own]) / (n - 1))
    return float(min(math.sqrt(shared) * sd / given_others, 50.0) / sd) ** min(1.0, n / (10 * p))


def _column(spec: ModelSpec, data: Dataset, node: str, weight: Weight) -> np.ndarray:
    """A product of standardised columns, about its mean."""
    terms = [frozenset(factors_of(each)) for each in spec[node].weights]
    whole = all(frozenset(part) in terms for part in _parts(frozenset(factors_of(weight))))
    product = np.ones(len(data.weights))
    for factor in factors_of(weight):
        centre, sd = centre_and_scale(spec, data, factor)
        product = product * (value_of(factor, dict(data.columns)) - centre * whole) / sd
    return product - np.average(product, weights=data.weights)


def _left_over(column: np.ndarray, others: np.ndarray, weights: np.ndarray) -> np.ndarray:
    root = np.sqrt(weights)
    fitted = np.linalg.lstsq((others * root).T, column * root, rcond=None)[0] if len(others) else np.zeros(0)
    return column - fitted @ others


def _parts(term: frozenset[str]) -> list[tuple[str, ...]]:
    return [part for size in range(1, len(term)) for part in itertools.combinations(term, size)]


# Densities in raw units


def predictor(spec: ModelSpec, node: str, raw: np.ndarray, values: dict[str, np.ndarray | float]):
    """The linear predictor: intercept plus weights times products of raw columns."""
    eta = raw[0] + 0.0
    for weight, coefficient in zip(spec[node].weights, raw[1:], strict=True):
        eta = eta + coefficient * product_of(weight, values)
    return eta


def product_of(weight: Weight, values: dict[str, np.ndarray | float]):
    """What a weight is multiplied by."""
    product = 1.0
    for k, factor in enumerate(factors_of(weight)):
        own = (
            weight.shapes[k](NUMPY, values[weight.parents[k]]) if factor.startswith("s(") else value_of(factor, values)
        )
        product = product * own
    return product


def factors_of(weight: Weight) -> tuple[str, ...]:
    """The factors of a term as they are printed: `log(X)` and `V` of `log(X):V`."""
    if not weight.shapes:
        return weight.parents
    # The straight line of a spline is the parent itself.
    pairs = zip(weight.label.split(":"), weight.parents, strict=True)
    return tuple(name if factor.startswith("s(") and factor.endswith(")") else factor for factor, name in pairs)


def value_of(factor: str, values: dict[str, np.ndarray | float]):
    """A factor's value, read off how it is printed."""
    if factor.startswith("log("):
        return np.log(values[factor[4:-1]])
    name, _, power = factor.partition("^")
    return values[name] ** int(power) if power else values[factor]


def log_likelihood(spec: ModelSpec, node: str, y, eta, parameters: dict[str, float]):
    """The log density of a measured node's value."""
    match spec[node].family:
        case Bernoulli():
            return scipy.special.log_expit(np.where(y == 1, eta, -eta))
        case Gamma():
            shape = parameters["shape"]
            return scipy.stats.gamma.logpdf(y, shape, scale=np.exp(eta) / shape)
        case Hill(max=top):
            return scipy.stats.norm.logpdf(y, top * scipy.special.expit(eta), parameters["sd"])
        case _:
            return scipy.stats.norm.logpdf(y, eta, parameters["sd"])
