"""What a look at a table proposes: another family for a column, and what its rows are, where they are no independent units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from latentdo.arrays import FloatArray, IntArray
from latentdo.graphs import Name, quote
from latentdo.models import AbstractFamily, ModelSpec, plain, varying
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset

from .cautions import ColumnCaution
from .cells import seen_rows

LOOKED_AT = ("normal", "student")
"""Families that are taken where nobody thought of another one."""
LEAST_ROWS = 50
MOST_ROWS = 50_000
"""Rows beyond which the shape of a column is read off a sample of them."""
CHANCE = 5.0
"""Rows that should lie where none does: by chance none would lie there in 0.7 % of tables."""
OUTSIDE, OUTSIDE_COUNTS = 0.01, 0.005
"""Share of a node's own law where its column cannot be, from which on it is told."""
SKEWED = 0.15
"""Kelly's skewness, which no single row decides, of a lognormal law with the sd 0.2."""
SURE = 4.0
"""Standard errors."""
SCALE = range(3, 8)
"""Levels that a scale has."""
FEW_VALUES = 20
ALIKE = 0.2
"""Correlation of neighbouring rows below which nothing is said of them."""
UNEVEN = 0.3
"""Correlation of a parent with the size of what parents leave, from which on it is told: an sd that grows by a quarter per sd."""
SORTED = 0.05
"""Share of steps against the order up to which a column counts as sorted."""
COPIES = 0.05
"""Share of rows that repeat others from which on it is told."""
MOSTLY, LARGE = 0.9, 1_000
"""Share of different values, and the largest of them, from which on a column of whole numbers may be one of codes."""
MISSING_CODES = (*(-(10.0**k - 1) for k in range(1, 6)), *(10.0**k - 1 for k in range(2, 6)))
"""Numbers that are written where a cell is missing: -9, -99, …, 99, 999, …"""
IDENTIFIER = re.compile(r"(?:^|[\W_])(?i:id|identifier)$|[a-z]I[dD]$")
DATES = (1900_01_01, 2100_12_31)


def proposals(spec: ModelSpec, data: Dataset, left: Callable[[Name, Dataset], FloatArray]) -> list[ColumnCaution]:
    """A sentence per column whose family is hardly the right one, and then about rows that are no independent units.

    Args:
        left: What measured parents leave of each of these rows of a node, by least squares.
    """
    if data.n_rows < LEAST_ROWS:
        return []
    words: list[ColumnCaution] = []
    names = dict(data.levels)
    for node in spec.measured:
        if node in names or spec[node].family.noiseless:
            continue
        rows = seen_rows(spec, node, data)
        found = identifier(node, rows)
        if not found and spec[node].family.name in LOOKED_AT:
            index = _sample(rows)
            values = rows.column(node)[index]
            found = two_valued(quote(node), values)
            # Anything but counts has fractions; a normal law of rounded numbers far from 0 is as good as any.
            if not found and len(values) >= LEAST_ROWS and values.min() >= 0:
                rest = left(node, rows)[index]
                whole = bool((values == np.floor(values)).all())
                found = (counted if whole else positive)(quote(node), values, rest)
            # What a hidden parent adds may vary too, and has a place in the model.
            hidden = not spec.latent.isdisjoint(spec[node].parents)
            if not found and not hidden and spec[node].spread is None and len(values) >= LEAST_ROWS:
                parents = [p for p in spec[node].parents if p in spec.measured and p not in names]
                columns = {parent: rows.column(parent)[index] for parent in parents}
                rest = left(node, rows)[index]
                # Of an exact function rounding is left.
                found = uneven(node, spec[node].family, rest, columns) if rest.std() > 1e-3 * values.std() else ""
        words += [ColumnCaution(node, each) for each in (missing_code(node, rows), found) if each]
    if data.pattern is None:
        words += [ColumnCaution("", each) for each in _twins(spec, data)]
    if data.pattern is None and (data.weights == 1).all():
        words += [ColumnCaution("", each) for each in (*_copies(spec, data, left), *_neighbours(spec, data, left))]
    return words


def _sample(rows: Dataset) -> IntArray:
    """The stored rows, each as often as it occurs, or a sample of them."""
    index = np.repeat(np.arange(rows.n_stored), rows.weights.astype(np.intp))
    return index if len(index) <= MOST_ROWS else np.random.default_rng(0).choice(index, MOST_ROWS, replace=False)


def identifier(node: Name, rows: Dataset) -> str:
    """What is to be said of a column of identifiers, row numbers or dates; empty of others."""
    values = rows.column(node)[rows.weights > 0]
    if not (values == np.floor(values)).all():
        return ""
    low, high, distinct = values.min(), values.max(), len(np.unique(values))
    if distinct <= FEW_VALUES:
        return ""
    if DATES[0] <= low and high <= DATES[1] and _are_dates(values):
        return (
            f"{node} looks like dates written as numbers (such as {values[0]:.0f}), whose differences are no times: make it days "
            "since a start, or remove its node from the model"
        )
    counts_rows = distinct == rows.n_rows == high - low + 1
    is_even = distinct == rows.n_rows and len(np.unique(np.diff(np.sort(values)))) == 1
    if counts_rows or is_even or (IDENTIFIER.search(node) and distinct > rows.n_rows / 2):
        step = (high - low) / (distinct - 1)
        even = f"one row every {step:.0f} from {low:.0f} to {high:.0f}" if is_even else f"{distinct:,} whole numbers"
        how = f"each whole number from {low:.0f} to {high:.0f} once" if counts_rows else even
        return (
            f"{node} has {how}: if it is an identifier or the number of a row, remove its node from the model; if it is a time, "
            "the rows are a series, and count as independent all the same"
        )
    return ""


def missing_code(node: Name, rows: Dataset) -> str:
    """What is to be said of a number that often stands for a missing cell and lies far from all others; empty without one."""
    counts = rows.collapsed([node])
    values, times = counts.column(node), counts.weights
    for code in (values.min(), values.max()) if len(values) > 2 else ():
        others = values[values != code]
        if code in MISSING_CODES and np.abs(others - code).min() > np.ptp(others):
            n = int(times[values == code].sum())
            cells = "1 cell holds" if n == 1 else f"{n:,} cells hold"
            return f"in {node}, {cells} {plain(code)}, far from all others: if that stands for a missing cell, leave it empty"
    return ""


def two_valued(node: str, values: FloatArray) -> str:
    """A proposal for a column with two values; empty of others."""
    low, high = values.min(), values.max()
    if low == high or not ((values == low) | (values == high)).all():
        return ""
    named = "" if (low, high) == (0.0, 1.0) else f", levels=[{plain(low)}, {plain(high)}]"
    return f"{node} has two values alone, {plain(low)} and {plain(high)}: write {node} ~ bernoulli(…{named})"


def _are_dates(values: FloatArray) -> bool:
    month, day = values // 100 % 100, values % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def positive(node: str, values: FloatArray, rest: FloatArray) -> str:
    """A proposal for positive numbers: shares, or a long tail to the right; empty where neither is seen.

    Args:
        rest: What measured parents leave of each row.
    """
    if values.min() <= 0:
        return ""
    outside = _below(values, rest, 0.0) + _below(1.0 - values, -rest, 0.0)
    share = values.max() < 1 and outside >= max(OUTSIDE, CHANCE / len(values))
    skew = _skewness(values)
    long = skew > 2 * abs(_skewness(np.log(values))) and all(map(_is_skewed, (values, rest)))
    if share:
        other = f"; if it is none, it is skewed: {node} ~ lognormal(…)" if long else ""
        return (
            f"{node} lies between 0 and 1, and {100 * outside:.2g} % of a normal law like it does not: if it is a share, write "
            f"{node} ~ beta(…){other}"
        )
    if long:
        return (
            f"{node} is positive and skewed to the right, its logarithm is not: write {node} ~ lognormal(…), and log({node}) "
            "where it is a parent"
        )
    return ""


def counted(node: str, values: FloatArray, rest: FloatArray) -> str:
    """A proposal for whole numbers from 0: counts or an ordered scale; empty where a normal law is as good."""
    distinct = np.unique(values)
    scale = len(distinct) in SCALE and distinct[0] <= 1 and distinct[-1] - distinct[0] == len(distinct) - 1
    levels = f"{distinct[0]:.0f} to {distinct[-1]:.0f}"
    if scale and (distinct[0] == 1 or len(distinct) == SCALE[0]):
        return f"{node} has the values {levels} alone: if these are ordered levels, write {node} ~ ordinal(…)"
    outside = _below(values, rest, -0.5)
    if len(distinct) <= SCALE[0] or outside < OUTSIDE_COUNTS:
        return ""
    other = f"; if {levels} are ordered levels, {node} ~ ordinal(…)" if scale else ""
    if len(distinct) > MOSTLY * len(values) and distinct[-1] >= LARGE:
        other = "; if it is a code, whose leading zeros are lost, remove its node from the model"
    law, why = _count_law(values, rest)
    return (
        f"{node} holds whole numbers from {distinct[0]:.0f}, and {100 * outside:.2g} % of a normal law like it lies below 0: if "
        f"it counts something, write {node} ~ {law}{why}{other}"
    )


def uneven(node: Name, family: AbstractFamily, rest: FloatArray, columns: Mapping[Name, FloatArray]) -> str:
    """A proposal where the size of what parents leave of a node rises or falls with one of them; empty where it does not.

    Args:
        rest: What measured parents leave of each row, by straight lines.
        columns: The measured parents.
    """
    if not columns:
        return ""
    scaled = {name: (own - own.mean()) / (own.std() or 1.0) for name, own in columns.items()}
    # What a curve would explain is no spread.
    powers = np.column_stack([np.ones(len(rest)), *(own**power for own in scaled.values() for power in (1, 2, 3))])
    sizes = np.abs(rest - powers @ np.linalg.lstsq(powers, rest, rcond=None)[0])
    found = {name: float(np.corrcoef(own, sizes)[0, 1]) for name, own in scaled.items() if own.any()}
    if not found:
        return ""
    most = max(found, key=lambda name: abs(found[name]))
    if abs(found[most]) < max(UNEVEN, (SURE + 1) / np.sqrt(len(rest))):
        return ""
    return (
        f"what parents leave of {quote(node)} is {'larger' if found[most] > 0 else 'smaller'} where {quote(most)} is large "
        f"(correlation {found[most]:.2f}): if its spread changes so, write {quote(node)} ~ {family.name}(…, "
        f"{varying(family)[0]}=loglinear({quote(most)}))"
    )


def _count_law(values: FloatArray, rest: FloatArray) -> tuple[str, str]:
    """The family of counts whose spread and zeros are nearest to these, and why it is not the plain one."""
    mean, variance, n = values.mean(), rest.var(), len(values)
    wide = variance / mean - 1 > SURE * np.sqrt(2 / n)
    shape = mean**2 / (variance - mean) if variance > mean else np.inf
    expected = (1 + mean / shape) ** -shape if wide else np.exp(-mean)
    zeros = (values == 0).mean()
    if zeros - expected > SURE * np.sqrt(expected * (1 - expected) / n):
        some = values[values > 0]
        rate = some.mean()
        # The rate of a Poisson law whose values above 0 have this mean.
        for _ in range(200):
            rate = some.mean() * -np.expm1(-rate)
        limit = some.mean() * (1 + rate - some.mean())
        family = "negbin" if some.var() / max(limit, 1e-9) - 1 > SURE * np.sqrt(2 / len(some)) else "poisson"
        return f"{family}(…, zi=true)", f", as {100 * zeros:.2g} % are 0, more than counts without extra zeros have"
    return ("negbin(…)", ", as it varies more than poisson allows") if wide else ("poisson(…)", "")


def _below(values: FloatArray, rest: FloatArray, low: float) -> float:
    """Share of the normal law around what parents make of each row that lies below a value."""
    sd = rest.std()
    return float(np.mean(NUMPY.special.ndtr((low - (values - rest)) / sd))) if sd else 0.0


def _skewness(values: FloatArray) -> float:
    """Kelly's: how much farther the 95th than the 5th percentile is from the median, over the sum of both."""
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float((high + low - 2 * middle) / (high - low)) if high > low else 0.0


def _is_skewed(values: FloatArray) -> bool:
    """Whether numbers have a longer tail to the right than normal ones, by their third moment and by their quantiles."""
    centred, sd = values - values.mean(), values.std()
    moment = float(np.mean((centred / sd) ** 3)) if sd else 0.0
    n = len(values)
    # The standard errors in normal rows are sqrt(6 / n) and 1 / sqrt(n).
    return moment > (SURE + 1) * np.sqrt(6 / n) and _skewness(values) > max(SKEWED, 1.5 / np.sqrt(n))


def _continuous(spec: ModelSpec, data: Dataset) -> list[Name]:
    """Measured nodes with fractions, most of whose values differ."""
    names = []
    for node in spec.measured:
        values = data.column(node)
        if not spec[node].family.discrete and not (values == np.floor(values)).all():
            names += [node] if len(np.unique(values)) > data.n_rows / 4 else []
    return names


def _twins(spec: ModelSpec, data: Dataset) -> list[str]:
    """A caution for each two columns that are one on a straight scale, of nodes neither of which is a parent of the other."""
    seen: dict[bytes, Name] = {}
    words = []
    for node in spec.measured:
        values = data.column(node)[data.weights > 0]
        low, high = values.min(), values.max()
        share = (values - low) / (high - low)
        # One that runs the other way is the same column.
        share = np.round(share if share[0] <= 0.5 else 1.0 - share, 9) + 0.0
        first = seen.setdefault(share.tobytes(), node)
        if first != node and first not in spec[node].parents and node not in spec[first].parents:
            same = (
                "the same in every row"
                if (data.column(first) == data.column(node)).all()
                else "one on a straight scale"
            )
            words.append(f"{first} and {node} are {same}: if one was made from the other, keep one of them")
    return words


def _copies(spec: ModelSpec, data: Dataset, left: Callable[[Name, Dataset], FloatArray]) -> list[str]:
    """A caution where rows repeat others in every column, and columns hold so many digits that this is no chance."""
    nodes = _continuous(spec, data)
    n_copies = data.n_rows - data.collapsed(spec.measured).n_stored if len(nodes) > 1 else 0
    if n_copies < COPIES * data.n_rows:
        return []
    # Values of one column repeat by rounding, those of two together only where one is a function of the other.
    free = [node for node in nodes if left(node, data).std() > 1e-3 * data.column(node).std()]
    by_rounding = [data.n_rows - len(np.unique(data.column(node))) for node in free]
    if len(free) < 2 or n_copies < 0.5 * max(by_rounding):
        return []
    return [
        f"{n_copies:,} of {data.n_rows:,} rows repeat another one in every column of the model, and each counts as a unit: if "
        "they are copies, drop them"
    ]


def _neighbours(spec: ModelSpec, data: Dataset, left: Callable[[Name, Dataset], FloatArray]) -> list[str]:
    """A caution where neighbouring rows are alike, in a table that is not sorted by one of its columns."""
    if any(_is_sorted(data.column(node)) for node in spec.measured):
        return []
    found = {node: _alike(left(node, data)) for node in _continuous(spec, data)}
    limit = max(ALIKE, (SURE + 1) / np.sqrt(data.n_rows))
    far = sorted((node for node in found if found[node] > limit), key=lambda node: -found[node])
    if not far:
        return []
    others = f" and {len(far) - 1} more columns" if len(far) > 2 else f" and {far[1]}" if len(far) == 2 else ""
    return [
        f"neighbouring rows are alike in {far[0]}{others} (correlation {found[far[0]]:.2f}), and rows count as independent: if "
        "they are a series in time, or come in groups, make what neighbours share a node of the model. If the table was sorted "
        "by something else, all is well"
    ]


def _is_sorted(values: FloatArray) -> bool:
    steps = np.diff(values)
    up, down = int((steps > 0).sum()), int((steps < 0).sum())
    return min(up, down) <= SORTED * (up + down)


def _alike(rest: FloatArray) -> float:
    """Correlation of each row's number with the next one's."""
    centred = rest - rest.mean()
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if total > 0 else 0.0
