"""L1: each measured node given its Markov pillow. Do mean, spread and shape of the rows look as the trained model says?

Every test is of moments that are zero on average where the model is right. What the rows have told the parameters is taken
off each row's part by the infinitesimal jackknife, so that nothing has to be trained again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import f as f_law
from scipy.stats import kurtosistest, skewtest

from latentdo.arrays import FloatArray
from latentdo.errors import UnsupportedError
from latentdo.graphs import Name, quote
from latentdo.models import AbstractFamily, Table, varying
from latentdo.models.build import NUMPY

from .bends import explained, follows, jump_rows, shape_advice, standardised
from .evidence import Evidence
from .smooth import LEAST_IN_LEVEL, few_rows
from .values import CheckRow, Layer, Word

ROWS_PER_TERM = 8
"""Rows per term of a basis; with fewer its products are left out, then its curves."""
MOST_TERMS = 40
ABSORBED = 0.05
"""The share of a moment's variance that parameters must leave, or there is nothing to test in that direction."""
FARTHEST = 6.0
LEAST_SHAPE = 20
"""Rows from which a shape is tested."""
MORE_ZEROS = 3.0
"""Standard deviations beyond which zeros are more than a law of counts says."""
AGAINST_SIGN = 4.0
"""Standard errors of a slope against the sign of a term beyond which the rows contradict the sign."""
SEEN_AS_LEVELS = 6
HEAVY_Z = 3.0
MEAN_SIZE = math.sqrt(2.0 / math.pi)
"""The mean size of a standard normal number."""


@dataclass(frozen=True, eq=False)
class NodeFit:
    """What pictures of a node need.

    Attributes:
        node: The node.
        pillow: Its pillow, name and column.
        residuals: What is left of each row, in sds of what is left.
    """

    node: Name
    pillow: tuple[tuple[Name, FloatArray], ...]
    residuals: FloatArray


@dataclass(frozen=True)
class Score:
    """What a test of moments found.

    Attributes:
        p: Its p value; None where the parameters can fit every direction.
        size: How many directions were tested.
        effect: The share of the residuals' sd that the basis explains.
    """

    p: float | None
    size: int
    effect: float


def node_rows(evidence: Evidence) -> list[CheckRow]:
    """The rows of all measured nodes, in topological order; p values are not yet adjusted."""
    rows: list[CheckRow] = []
    for node in evidence.pillows:
        try:
            rows += _checked(evidence, node)
        except UnsupportedError as problem:
            what = f"{quote(node)}{_given(evidence, node)}"
            rows.append(CheckRow(Layer.NODE, what, Word.NOT_CHECKED, advice=str(problem), nodes=(node,)))
    return rows


def _given(evidence: Evidence, node: Name) -> str:
    pillow = evidence.pillows[node]
    return f" given {', '.join(map(quote, pillow))}" if pillow else ""


def _checked(evidence: Evidence, node: Name) -> list[CheckRow]:
    family = evidence.posterior.spec[node].family
    pillow = evidence.pillows[node]
    if isinstance(family, Table) and set(pillow) == set(evidence.posterior.spec[node].parents):
        what = f"table of {quote(node)}{_given(evidence, node)}"
        return [
            CheckRow(Layer.NODE, what, Word.SAME_FORMULA, nodes=(node,), advice="every cell has a chance of its own")
        ]
    y = evidence.rows.column(node)
    if family.points and (others := len(y) - int(np.unique(y, return_counts=True)[1].max())) < LEAST_IN_LEVEL:
        raise UnsupportedError(few_rows(node, others))
    columns = [(name, evidence.rows.column(name)) for name in pillow]
    if says := follows(evidence.posterior.spec, node, y, columns):
        raise UnsupportedError(says)
    basis = Basis.of(columns, evidence.n)
    if family.has_levels:
        return [_level_row(evidence, node, basis)]
    moments = evidence.moments(node, pillow)
    means = moments.mean
    residuals = y - means.mean(axis=0)
    fit = NodeFit(node, tuple(columns), residuals / (residuals.std() or 1.0))
    mean = score(evidence, basis.matrix, residuals[None], -means[None])
    rows = [_row(evidence, node, "mean", mean, Word.MISFIT, fit, basis)]
    rows += jump_rows(evidence, node, columns, residuals, means)
    if family.points:
        return rows
    # Sizes of normal scores have light tails whatever the family. Whether they change is asked, and how large they are on average
    # only of a family without a scale that was fitted to them.
    sizes = np.abs(_normal_scores(moments.below))
    overall = _normal_scores(moments.below.mean(axis=0))
    tested = basis.matrix[:, 1:] - basis.matrix[:, 1:].mean(axis=0)
    if family.fixed_spread:
        tested = np.column_stack([np.ones(evidence.n), tested])
    spread = score(evidence, tested, np.abs(overall)[None] - MEAN_SIZE, sizes[None])
    rows.append(_row(evidence, node, "spread", spread, Word.LAW_ONLY, fit, basis))
    if evidence.n >= LEAST_SHAPE:
        rows.append(_shape(evidence, node, overall, fit))
    return [*rows, *_zeros(evidence, node, fit)]


def _normal_scores(below: FloatArray) -> FloatArray:
    """Standard normal where the law is right.

    Source:
        Rosenblatt (1952), Remarks on a multivariate transformation.
    """
    return np.clip(ndtri(np.clip(below, 1e-12, 1 - 1e-12)), -FARTHEST, FARTHEST)


def _shape(evidence: Evidence, node: Name, scores: FloatArray, fit: NodeFit) -> CheckRow:
    """Skewness and kurtosis of normal scores.

    Source:
        D'Agostino & Pearson (1973), Tests for departure from normality.
    """
    skew, tails = skewtest(scores), kurtosistest(scores)
    p = min(1.0, 2 * min(float(skew.pvalue), float(tails.pvalue)))
    # Heavy tails make the skewness of few rows large, on whichever side.
    of_skew = skew.pvalue < tails.pvalue and not (
        tails.statistic > HEAVY_Z and abs(skew.statistic) < 2 * tails.statistic
    )
    z = float(skew.statistic if of_skew else tails.statistic)
    standard = (scores - scores.mean()) / scores.std()
    effect = float((standard**3).mean() if of_skew else (standard**4).mean() - 3)
    advice = _shape_advice(evidence, node, of_skew=bool(of_skew), z=z)
    what = f"shape of {quote(node)}{_given(evidence, node)}"
    scale = "skewness" if of_skew else "excess kurtosis"
    return CheckRow(Layer.NODE, what, Word.LAW_ONLY, p, effect, advice, scale=scale, nodes=(node,), about=fit)


def _shape_advice(evidence: Evidence, node: Name, *, of_skew: bool, z: float) -> str:
    name, law = quote(node), evidence.posterior.spec[node].family
    family = law.name
    if law.discrete:
        other = _more_zeros(evidence, node) or (_heavier(node, law) if z > 0 else "another family")
        return f"the counts of {name} have another shape than {family} allows: {other}"
    if of_skew:
        other = (
            f"write {name} ~ gamma(…)"
            if _positive(evidence, node) and family != "gamma" and math.isinf(law.support[1])
            else f"another scale of {name}, such as its logarithm"
        )
        return f"{name} has a longer tail {'above' if z > 0 else 'below'} than {family} allows: {other}"
    if z > 0:
        return f"{name} has heavier tails than {family}: {_heavier(node, law)}"
    return f"{name} has lighter tails than {family}: look for groups of rows that differ"


def _heavier(node: Name, family: AbstractFamily) -> str:
    return f"write {quote(node)} ~ {family.heavier}(…)" if family.heavier else "another family"


def _chance_of_zero(evidence: Evidence, node: Name) -> FloatArray | None:
    """The chance of a 0 in each row, (draw, row); None where it is no count or zeros are modelled."""
    family = evidence.posterior.spec[node].family
    if "zi" not in family.switches or any(name in family.parameters for name in family.switches):
        return None
    law = evidence.law(node)

    def none(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
        return np.exp(family.log_density(NUMPY, np.zeros(1), eta, own))

    return law.averages(evidence.given(law.pillow), [none])[0]


def _zeros(evidence: Evidence, node: Name, fit: NodeFit) -> list[CheckRow]:
    """Whether a count with a hidden parent, which can take up any spread, is 0 in as many rows as its law says."""
    spec = evidence.posterior.spec
    if spec.latent.isdisjoint(spec[node].parents) or (chance := _chance_of_zero(evidence, node)) is None:
        return []
    beyond = (evidence.rows.column(node) == 0) - chance.mean(axis=0)
    found = score(evidence, np.ones((evidence.n, 1)), beyond[None], -chance[None])
    if found.p is None:
        return []
    more = _more_zeros(evidence, node, 0.0)
    said = f": {more}" if more else f", {-beyond.mean():.0%} of the rows less"
    advice = f"{quote(node)} is 0 in {'more' if more else 'fewer'} rows than {spec[node].family.name} says{said}"
    what = f"zeros of {quote(node)}{_given(evidence, node)}"
    return [CheckRow(Layer.NODE, what, Word.LAW_ONLY, found.p, found.effect, advice, nodes=(node,), about=fit)]


def _more_zeros(evidence: Evidence, node: Name, least: float = MORE_ZEROS) -> str:
    """What to write where a count is 0 in more rows than its law says; empty where it is not, or where zeros are modelled.

    Args:
        least: By how many standard deviations.
    """
    chances, family = _chance_of_zero(evidence, node), evidence.posterior.spec[node].family
    if chances is None:
        return ""
    seen, chance = evidence.rows.column(node) == 0, chances.mean(axis=0)
    if seen.sum() - chance.sum() <= least * math.sqrt(float((chance * (1.0 - chance)).sum())):
        return ""
    shares = f"{seen.mean():.0%} of the rows are 0, and {chance.mean():.0%} are expected"
    both = f"{_heavier(node, family)} or " if family.heavier else "write "
    return f"{both}{quote(node)} ~ {family.name}(…, zi=true), as {shares}"


def _level_row(evidence: Evidence, node: Name, basis: Basis) -> CheckRow:
    """The chances of the levels but the first, of a node whose levels have no mean."""
    law = evidence.law(node)
    family, y = law.family, evidence.rows.column(node)
    points = family.points[1:]
    functions = [(lambda eta, own, k=k: family.chances(NUMPY, eta, own)[k + 1]) for k in range(len(points))]
    chances = np.stack(law.averages(evidence.given(law.pillow), functions))
    targets = np.stack([(y == point).astype(float) for point in points])
    residuals = targets - chances.mean(axis=1)
    found = score(evidence, basis.matrix, residuals, -chances)
    fit = NodeFit(node, basis.columns, residuals[-1] / (residuals[-1].std() or 1.0))
    return _row(evidence, node, "chances", found, Word.MISFIT, fit, basis)


def _row(evidence: Evidence, node: Name, kind: str, found: Score, word: Word, fit: NodeFit, basis: Basis) -> CheckRow:
    what = f"{kind} of {quote(node)}{_given(evidence, node)}"
    if found.p is None:
        reason = "the parameters can fit any such law"
        return CheckRow(Layer.NODE, what, Word.SAME_FORMULA, advice=reason, nodes=(node,), about=fit)
    family = evidence.posterior.spec[node].family
    scale = "of the residual sd" if kind != "spread" else "of the sd of sizes"
    if kind == "spread" and family.fixed_spread:
        below = evidence.moments(node, evidence.pillows[node]).below.mean(axis=0)
        more = np.abs(_normal_scores(below)).mean() > MEAN_SIZE
        repair = f": {_more_zeros(evidence, node) or _heavier(node, family)}" if more else ""
        advice = f"{quote(node)} varies {'more' if more else 'less'} than {family.name} allows{repair}"
    elif kind == "spread":
        worst = basis.worst(np.abs(fit.residuals) - np.abs(fit.residuals).mean())
        advice = f"the spread of {quote(node)} changes with {worst}" if worst else ""
        repairs = [f"{quote(node)} ~ gamma(…)"] * (family.name == "normal" and _positive(evidence, node))
        repairs += _spread_repairs(evidence, node, worst)
        advice += f": write {' or '.join(repairs)}" if advice and repairs else ""
    else:
        advice = _against_sign(evidence, node, basis, fit.residuals) or shape_advice(
            evidence.posterior.spec, node, basis.columns, fit.residuals
        )
    return CheckRow(Layer.NODE, what, word, found.p, found.effect, advice, scale=scale, nodes=(node,), about=fit)


def _spread_repairs(evidence: Evidence, node: Name, worst: str) -> Iterator[str]:
    """How a spread that changes with a parent is written; nothing where it is none, or stands there as far as it can."""
    mechanism = evidence.posterior.spec[node]
    if worst not in map(quote, mechanism.parents) or not (free := varying(mechanism.family.core)):
        return
    spread = mechanism.spread
    own = [weight.typed for weight in spread.weights] if spread is not None else []
    if worst not in own:
        new = worst
    elif evidence.posterior.facts.column(next(p for p in mechanism.parents if quote(p) == worst)).n_distinct > 2:
        new = f"{worst}^2"
    else:
        return
    if new not in own:
        yield f"{quote(node)} ~ {mechanism.family.name}(…, {free[0]}=loglinear({', '.join([*own, new])}))"


def _against_sign(evidence: Evidence, node: Name, basis: Basis, residuals: FloatArray) -> str:
    """What to do where the rows still rise or fall along a parent against the sign of its term; empty where they do not."""
    worst, advice = AGAINST_SIGN, ""
    for place, slope in enumerate(basis.slopes(residuals)):
        name = basis.columns[place][0]
        for weight in evidence.posterior.spec[node].weights:
            against = slope if weight.sign == "-" else -slope
            if weight.sign and weight.parents == (name,) and not any(weight.levels) and against > worst:
                own, term = quote(name), f"{weight.sign}{weight.typed}"
                worst, advice = (
                    against,
                    (
                        f"the rows contradict the sign of {term} in {quote(node)}: remove the sign, or look for a cause of both "
                        f"{own} and {quote(node)} that the model lacks"
                    ),
                )
    return advice


def _positive(evidence: Evidence, node: Name) -> bool:
    return bool(evidence.rows.column(node).min() > 0)


def score(
    evidence: Evidence,
    basis: FloatArray,
    residuals: FloatArray,
    moments: FloatArray,
) -> Score:
    """Whether Σ basis · residual is zero but for chance, what the parameters absorb taken off each row's part.

    Args:
        basis: (row, term).
        residuals: (target, row), at the posterior mean.
        moments: (target, draw, row), what of the residuals moves with the draws.
    """
    if not basis.shape[1]:
        return Score(None, 0, 0.0)
    plain = (residuals[:, :, None] * basis).transpose(1, 0, 2).reshape(evidence.n, -1)
    by_draw = np.einsum("tdn,nk->dtk", moments, basis).reshape(len(evidence.index), -1)
    own = evidence.padded(plain) + evidence.share * evidence.influence(by_draw)
    scale = np.sqrt((plain**2).sum(axis=0))
    if not (scale > 0).any():
        return Score(None, 0, 0.0)
    kept = scale > 1e-9 * scale.max()
    plain, own, scale = plain[:, kept], own[:, kept], scale[kept]
    total = plain.sum(axis=0) / scale
    # Directions in which the parameters leave nothing have nothing to test.
    before, after = _second_moment(plain / scale), _second_moment(own / scale)
    values, vectors = np.linalg.eigh(before)
    white = vectors[:, values > 1e-8 * values.max()] / np.sqrt(values[values > 1e-8 * values.max()])
    left, directions = np.linalg.eigh(white.T @ after @ white)
    chosen = white @ directions[:, left > ABSORBED]
    size = chosen.shape[1]
    if not size:
        return Score(None, 0, 0.0)
    t = chosen.T @ total
    c = (own / scale) @ chosen
    n = len(c)
    statistic = float(t @ np.linalg.solve(_second_moment(c), t))
    statistic = min(statistic, n * (1 - 1e-9))
    # The rows' own second moment holds the deviation itself: n R² of a regression of one on the parts.
    p = float(f_law.sf(statistic / size * (n - size) / (n - statistic), size, n - size))
    explained = max(0.0, statistic - size) / n
    return Score(p, size, math.sqrt(explained))


def _second_moment(parts: FloatArray) -> FloatArray:
    return parts.T @ parts


@dataclass(frozen=True, eq=False)
class Basis:
    """Curves and products of a pillow's columns.

    Attributes:
        columns: Name and values.
        matrix: (row, term), with a constant first.
    """

    columns: tuple[tuple[Name, FloatArray], ...]
    matrix: FloatArray

    @staticmethod
    def of(columns: Sequence[tuple[Name, FloatArray]], n: int) -> Basis:
        """A constant, and per column a spline of 4 df or its levels, then products of two, as far as there are rows."""
        room = min(n // ROWS_PER_TERM, MOST_TERMS)
        curves = [spline(values, 4) for _, values in columns]
        if sum(each.shape[1] for each in curves) > room:
            curves = [spline(values, 2) for _, values in columns]
        products = [standardised(a * b) for a, b in combinations([standardised(values) for _, values in columns], 2)]
        room -= sum(each.shape[1] for each in curves)
        kept = products if len(products) <= room else products[: max(0, room)]
        parts = [np.ones((n, 1)), *curves, *(each[:, None] for each in kept)]
        return Basis(tuple(columns), np.concatenate(parts, axis=1))

    def worst(self, values: FloatArray) -> str:
        """The column whose curve explains most of some numbers."""
        if not self.columns:
            return ""
        shares = [explained(np.column_stack([np.ones(len(own)), spline(own, 4)]), values) for _, own in self.columns]
        return quote(self.columns[int(np.argmax(shares))][0])

    def slopes(self, residuals: FloatArray) -> FloatArray:
        """The slope of some numbers along each column beside the others, in standard errors."""
        matrix = np.column_stack([np.ones(len(residuals)), *(standardised(values) for _, values in self.columns)])
        inverse = np.linalg.pinv(matrix.T @ matrix)
        slopes = inverse @ (matrix.T @ residuals)
        left = residuals - matrix @ slopes
        variance = float(left @ left) / max(1, len(left) - matrix.shape[1])
        return (slopes / np.sqrt(np.maximum(variance * np.diag(inverse), 1e-300)))[1:]


def spline(values: FloatArray, df: int) -> FloatArray:
    """A natural cubic spline's terms, the straight line first, of standard deviation one; of few values a term per level.

    Source:
        Hastie, Tibshirani & Friedman (2009), The elements of statistical learning, eq. 5.4 and 5.5.
    """
    distinct = np.unique(values)
    if len(distinct) <= SEEN_AS_LEVELS:
        return np.stack([standardised((values == level).astype(float)) for level in distinct[1:]], axis=1)
    x = standardised(values)
    knots = np.unique(np.quantile(x, np.linspace(0.03, 0.97, df + 1)))
    if len(knots) < 4:
        return np.stack([x, standardised(x**2)], axis=1)[:, :df]

    def cubic(k: int) -> FloatArray:
        last = knots[-1]
        return (np.maximum(x - knots[k], 0) ** 3 - np.maximum(x - last, 0) ** 3) / (last - knots[k])

    ends = cubic(len(knots) - 2)
    terms = [x, *(cubic(k) - ends for k in range(len(knots) - 2))]
    # Each term without what those before it say: well conditioned whatever the knots.
    matrix = np.column_stack([np.ones(len(x)), *terms])
    q, _ = np.linalg.qr(matrix)
    return q[:, 1:] * math.sqrt(len(x))
