"""Weights: how rows under one treatment stand for all rows, their effective number, and what was cut."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from latentdo.graphs import Name, quote

from .laws import AbstractLaw
from .method import Result
from .nuisances import Laws
from .sample import Column, Env, FloatArray, Sample
from .task import Task

LEAST_PROBABILITY = 0.01
"""Probabilities of a treatment below are raised to it: one row would weigh more than a hundred others."""
LEAST_DENSITY = 1e-12
"""Densities are divided by this at least, with the column's standard deviation as the unit."""
LARGEST_SHARE = 0.02
"""What part of all weight one row may have, where weights are ratios of densities: more is cut. Of the rows near a
continuous treatment's value, which alone have weight, it is as many times their average."""
BANDWIDTH = 0.5 * 1.06
"""In standard deviations times n^(-1/5): half of Silverman's, so that the interval is not centred off the truth."""
FEW_NEAR = 20
"""So many rows at least lie within two bandwidths: outside the data the kernel widens, and the caution says so."""
REACH = 3.0
"""Bandwidths beyond which a row has next to no weight."""
T_NODES = 15
"""Over how many values a continuous treatment is averaged."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The weights of the rows, with what they rest on.

    Attributes:
        values: (replicate, row); their mean is about one.
        whole: The same before any was cut.
        trimmed: Rows whose weight was cut.
        rare: Rows of the first replicate for which a treatment's value is next to impossible; of replicates 0.
        bandwidths: Of each continuous treatment.
    """

    values: FloatArray
    whole: FloatArray
    trimmed: int = 0
    rare: int = 0
    bandwidths: Mapping[Name, float] = field(default_factory=dict)


def rare_caution(rare: int, n: int, *, continuous: bool = False) -> tuple[str, ...]:
    """The sentence for rows that could hardly have had the treatment's value."""
    if not rare:
        return ()
    far = "lies three standard deviations off" if continuous else f"has a probability below {LEAST_PROBABILITY:g}"
    return (f"for {rare} of {n} rows what is set {far}: the data hardly say what it does to such.",)


FAR_OFF = 4.5
"""A value is next to impossible where its log density lies this far below the one at the mean, three standard deviations."""


def far_off(law: AbstractLaw, env: Env, value: float) -> int:
    """Of how many rows a continuous treatment's law has next to no mass at a value."""
    middle = law.mean(env)
    there = law.density(env, np.full_like(middle, value))
    return int((there[0] < np.exp(-FAR_OFF) * law.density(env, middle)[0]).sum())


def weighted_result(
    task: Task,
    values: FloatArray,
    weights: Weights,
    *,
    influence: FloatArray | None = None,
    whole: float | None = None,
    effective: float | None = None,
    size: int = 0,
) -> Result:
    """The result of a method with these weights.

    Args:
        effective: The effective number of rows, where other weights decide too.
    """
    return Result(
        values,
        influence,
        effective_size(weights.values) if effective is None else effective,
        weights.trimmed,
        whole,
        notes=kernel_notes(task, weights.bandwidths),
        cautions=rare_caution(weights.rare, task.sample.n, continuous=bool(weights.bandwidths)),
        size=size,
        rate=rate_of(weights.bandwidths),
    )


def rate_of(bandwidths: Collection[object]) -> float:
    """The power of the number of rows with which an error shrinks: smaller where there are bandwidths."""
    return 0.4 if bandwidths else 0.5


def bandwidth(column: Column, value: float) -> float:
    """The bandwidth of a continuous treatment at a value: 0.53 sd n^(-1/5), and more where few rows lie near."""
    distances = np.abs(column.values - value)
    few = min(FEW_NEAR, len(distances)) - 1
    return max(usual_bandwidth(column), float(np.partition(distances, few)[few]) / 2)


def usual_bandwidth(column: Column) -> float:
    """The bandwidth where rows lie near: 0.53 sd n^(-1/5)."""
    return BANDWIDTH * column.sd * len(column.values) ** -0.2


def bandwidths(task: Task, places: Mapping[Name, float] | None = None) -> dict[Name, float]:
    """The bandwidth of each continuous treatment: what the task asks for, else what suits the rows.

    Args:
        places: The nodes and their values in place of the treatments.
    """
    chosen: dict[Name, float] = {}
    for name, value in (task.treatments if places is None else places).items():
        column = task.sample[name]
        if not column.is_discrete:
            chosen[name] = bandwidth(column, value) if task.bandwidth is None else task.bandwidth * column.sd
    return chosen


def nothing_near(task: Task) -> str | None:
    """Which value of a continuous column no row lies near, in words; None where rows lie near all that the task asks about.

    A kernel of the usual width has no weight there. A wider one takes its rows from where something else holds, and errors that
    are reckoned from these rows are small for no reason.
    """
    for name, value in {**task.evidence, **task.treatments}.items():
        column = task.sample[name]
        if column.is_discrete:
            continue
        usual = usual_bandwidth(column) if task.bandwidth is None else task.bandwidth * column.sd
        nearest = column.values[int(np.argmin(np.abs(column.values - value)))]
        if abs(nearest - value) > REACH * usual:
            return f"no row lies near {quote(name)}={value:g}, the nearest has {nearest:.4g}"
    return None


def kernel_notes(task: Task, h: Mapping[Name, float]) -> tuple[str, ...]:
    """The bandwidths in words."""
    return tuple(
        f"bandwidth {value:.3g} on {quote(name)}, {value / task.sample[name].sd:.2g} sd" for name, value in h.items()
    )


def closeness(column: Column, value: float, h: float) -> FloatArray:
    """The indicator of the rows at a value, (1, row); of a continuous column the normal kernel of the distance."""
    if column.is_discrete:
        return (column.values == value).astype(float)[None, :]
    z = (column.values - value) / h
    return (np.exp(-0.5 * z**2) / (h * np.sqrt(2 * np.pi)))[None, :]


def inverse(
    sample: Sample, laws: Laws, treatments: Mapping[Name, float], given: Sequence[Name], h: Mapping[Name, float]
) -> Weights:
    """1(T = t) / P(T | given), several treatments one after the other; K_h(T - t) / f(T | given) of continuous ones."""
    env = sample.env((*given, *treatments))
    nearness: FloatArray = np.ones((1, sample.n))
    density: FloatArray = np.ones((1, 1))
    raised: FloatArray = density
    trimmed = rare = 0
    before: list[Name] = []
    for name, value in treatments.items():
        column = sample[name]
        near = closeness(column, value, h.get(name, 1.0))
        asked = np.full((1, 1), value) if column.is_discrete else env[name]
        law = laws.law(name, (*given, *before))
        chance = law.density(env, asked)
        density, nearness = density * chance, nearness * near
        if column.is_discrete:
            small = np.broadcast_to(chance[:1] < LEAST_PROBABILITY, near.shape)
            rare += int(small.sum())
            trimmed += int((small & (near > 0)).sum())
            chance = np.maximum(chance, LEAST_PROBABILITY)
        elif len(chance) == 1 and (*given, *before):
            # Replicates show the same again, and nobody reads theirs.
            rare += far_off(law, env, value)
        raised = raised * chance
        before.append(name)
    whole, weights = nearness / np.maximum(density, 1e-300), nearness / raised
    if h:
        weights, cut = clipped(weights, largest_share(nearness))
        trimmed += cut
    return Weights(weights, whole, trimmed, rare, {name: h[name] for name in treatments if name in h})


def largest_share(nearness: FloatArray, share: float = LARGEST_SHARE) -> float:
    """What part of all weight one row may have where only rows near a value have weight."""
    return min(1.0, share * nearness.shape[1] / max(effective_size(nearness), 1.0))


def clipped(weights: FloatArray, share: float = LARGEST_SHARE) -> tuple[FloatArray, int]:
    """The weights with no row above its largest share, and in how many rows of the first replicate that changed them."""
    cut = weights
    # Each cut makes the whole smaller; a few rounds come near enough to the share.
    for _ in range(4):
        cut = np.minimum(cut, max(share, 2 / weights.shape[1]) * cut.sum(axis=1, keepdims=True))
    return cut, int((cut[0] < weights[0]).sum())


def divisor(column: Column, density: FloatArray) -> FloatArray:
    """A column's probability or density as what is divided by: never zero, and the same part in any unit of the column."""
    return np.maximum(density, LEAST_DENSITY if column.is_discrete else LEAST_DENSITY / column.sd)


def middle(column: Column) -> tuple[float, float]:
    """Centre and standard deviation of a normal law that stays in the middle of a continuous column.

    Weights that move a node to a law of one's own choice are steady if that law has no part in the column's tails.
    """
    low, centre, high = np.quantile(column.values, [0.25, 0.5, 0.75])
    return float(centre), max(float(high - low) / 2, 1e-3 * column.sd)


def middle_density(column: Column) -> FloatArray:
    """The density of that law at the rows, (1, row)."""
    centre, spread = middle(column)
    return (np.exp(-0.5 * ((column.values - centre) / spread) ** 2) / (spread * np.sqrt(2 * np.pi)))[None, :]


def effective_size(weights: FloatArray) -> float:
    """(Σw)² / Σw² of the first replicate: how many rows of equal weight say as much."""
    first = np.abs(weights[0])
    return float(first.sum() ** 2 / max((first**2).sum(), 1e-300))


def average(weights: FloatArray, values: FloatArray) -> FloatArray:
    """The weighted mean over the rows, one per replicate."""
    return (weights * values).sum(axis=1) / weights.sum(axis=1)


def weighted_mean(counts: FloatArray, weights: FloatArray, values: FloatArray, *, normalised: bool) -> FloatArray:
    """The mean of what the weights multiply, one per replicate; normalised it is divided by their sum (Hajek)."""
    if normalised:
        return average(np.maximum(counts * weights, 1e-300), values)
    return average(counts, weights * values)
