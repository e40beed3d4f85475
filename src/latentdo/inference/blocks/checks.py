"""Whether a table can have come from a model: support, exact functions, collinear parents; before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latentdo.errors import DataError
from latentdo.graphs import Name, format_level, quote
from latentdo.models import (
    MAX_LEVELS,
    ColumnSummary,
    Level,
    ModelSpec,
    Predictor,
    Prior,
    Table,
    plain,
    shown,
)
from latentdo.models.build import NUMPY, numerics
from latentdo.tables import Dataset, too_narrow

from .cautions import SET_ALONE, ColumnCaution, said_once
from .cells import check_cells, left_out, seen_rows
from .coordinates import FloatArray, row_of
from .knots import knotted
from .outliers import outliers
from .proposals import proposals

EXACT = 1e-3
"""A residual sd below this share of the column's sd counts as none: reference data rounded to four decimals reach 2e-5."""
SPARE = 5
"""Residual degrees of freedom below which an exact fit says nothing."""
REPEATED = 20
"""Rows that each value of a discrete column needs beyond the first of the parent configurations that give it."""
COLLINEAR = 1e-6
MOST_SINGLE = 10
"""Rows up to which a column may have a level of its own in each."""
RESOLUTION = 16.0
"""Gaps between neighbouring numbers that a column's sd must span: else it varies by rounding alone."""
MANY_COMBINATIONS = 1_000
"""Rows of a table up to which nothing is said of data that have fewer."""
MANY_PARAMETERS = 64
"""Parameters of a categorical node up to which nothing is said of the time that they take."""
MIRRORED = 1e-3
"""Share of a node's own law that a shape of it cannot take from which on it is told."""
LARGEST = 1e100
"""Beyond what a column may hold, and so what is made of one."""
FEW = 5
"""Rows that differ from the commonest value, or have a level: fewer say little."""
MANY = 20
"""Rows from which on so few of them are worth a word."""
PER_LEVEL = 5.0
"""Rows per level below which a column of levels is more likely one of identifiers or of numbers."""
LARGEST_PROGRAM = 20_000
"""Rows beyond which separation is looked for in a sample of them, and then verified in all."""
MOST_PROGRAMS = 10
"""Times that rows which contradict the sample's direction are added to it."""


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """A column's regression on its measured parents, on the link scale.

    Attributes:
        coefficients: Intercept and one per term, in raw units.
        relative_residual: Residual sd over the sd of the column, both on the link scale.
        spare: Residual degrees of freedom.
    """

    coefficients: FloatArray
    relative_residual: float
    spare: int

    @property
    def exact(self) -> bool:
        """Whether the parents determine the column."""
        return self.relative_residual <= EXACT and self.spare >= SPARE


def least_squares(spec: ModelSpec, node: Name, data: Dataset) -> LeastSquares | None:
    """The regression of a continuous column on its measured parents; None where it has none or is discrete."""
    design = _design(spec, node, data)
    if spec[node].family.discrete or design is None:
        return None
    y = numerics(spec[node].family).link(data.column(node))
    root = np.sqrt(data.weights)
    solution, _, rank, _ = np.linalg.lstsq(design.columns * root[:, None], y * root, rcond=None)
    spare = int(data.n_rows - rank)
    # On the link scale, where no family needs its own parameters to say where a row without noise would lie.
    residual, spread = (
        np.sqrt(np.sum(data.weights * (y - centre) ** 2) / max(count, 1))
        for centre, count in (
            (design.columns @ solution, spare),
            (np.average(y, weights=data.weights), data.n_rows - 1),
        )
    )
    slopes = solution[1:] / design.scales
    return LeastSquares(
        np.array([solution[0] - slopes @ design.centres, *slopes]),
        float(residual / max(spread, np.finfo(float).tiny)),
        spare,
    )


def _fitted(spec: ModelSpec, node: Name, data: Dataset, regression: LeastSquares) -> FloatArray:
    """What the measured parents make of each row, on the link scale (row,)."""
    terms = [w for w in spec[node].weights if not w.absent and not spec.latent.intersection(w.parents)]
    columns = np.column_stack(
        [np.ones(data.n_stored), *(weight.product(dict(data.columns), NUMPY) for weight in terms)]
    )
    return columns @ regression.coefficients


def _left(spec: ModelSpec, node: Name, data: Dataset) -> FloatArray:
    """What the measured parents leave of each row by least squares, on the scale of the column (row,)."""
    design, y = _design(spec, node, data), data.column(node)
    if design is None:
        return y - np.average(y, weights=data.weights)
    root = np.sqrt(data.weights)
    solution = np.linalg.lstsq(design.columns * root[:, None], y * root, rcond=None)[0]
    return y - design.columns @ solution


def functional_nodes(spec: ModelSpec, data: Dataset) -> dict[Name, tuple[Name, ...]]:
    """The nodes that are exact functions of their parents, and these: `linear` ones, and those that the data show.

    A continuous column is one where its measured parents leave no residual; a discrete column with discrete parents,
    where no configuration of the parents has two values and each value was seen often enough to say so.
    """
    functions = spec.functional
    for node in spec.measured:
        rows = seen_rows(spec, node, data)
        if node not in functions and _is_function(spec, node, rows, least_squares(spec, node, rows)):
            functions[node] = tuple(parent for parent in spec[node].parents if parent not in spec.latent)
    return functions


def empty_rows(spec: ModelSpec, data: Dataset) -> dict[Name, tuple[int, ...]]:
    """The tables whose parents were all measured, and which of their rows no row of the data is in, where there are such."""
    empty = {}
    for node in spec.measured:
        family, parents = spec[node].family, spec[node].parents
        if not isinstance(family, Table) or not parents or spec.latent.intersection(parents):
            continue
        seen = seen_rows(spec, node, data).collapsed(parents)
        rows = row_of(family, [seen.column(parent) for parent in parents])
        if left := sorted(set(range(family.n_rows)).difference(rows.tolist())):
            empty[node] = tuple(left)
    return empty


def _is_function(spec: ModelSpec, node: Name, data: Dataset, regression: LeastSquares | None) -> bool:
    if not spec[node].family.discrete:
        return regression is not None and regression.exact
    parents = [parent for parent in spec[node].parents if parent not in spec.latent]
    if not parents or not all(spec[parent].family.discrete for parent in parents):
        return False
    table = data.collapsed([*parents, node])
    configurations = data.collapsed(parents)
    if table.n_stored > configurations.n_stored:
        return False
    values = table.column(node)
    return all(np.sum(table.weights[values == value] - 1) >= REPEATED for value in np.unique(values))


@dataclass(frozen=True, eq=False)
class _Design:
    """A one and the terms of measured parents, centred and divided by their sd, with these centres and sds."""

    columns: FloatArray
    centres: FloatArray
    scales: FloatArray


def _design(
    spec: ModelSpec, node: Name, data: Dataset, *, bent: bool = True, predictor: Predictor | None = None
) -> _Design | None:
    """The terms of a node's measured parents.

    Args:
        bent: Whether the columns by which splines bend are among them.
        predictor: Whose terms; the family's unless given.
    """
    terms = [
        weight
        for weight in (predictor or spec[node]).weights
        if not weight.absent and not spec.latent.intersection(weight.parents) and (bent or not weight.bends)
    ]
    if not terms or isinstance(spec[node].family, Table):
        return None
    columns = np.column_stack([weight.product(dict(data.columns), NUMPY) for weight in terms])
    centres = np.average(columns, axis=0, weights=data.weights)
    scales = np.sqrt(np.average((columns - centres) ** 2, axis=0, weights=data.weights))
    scales = np.where(scales > 0, scales, 1.0)
    return _Design(np.column_stack([np.ones(len(columns)), (columns - centres) / scales]), centres, scales)


def _collinear(design: _Design, data: Dataset) -> bool:
    """Whether some terms are a linear combination of the others in these rows; levels without a row are no terms."""
    columns = design.columns[:, np.any(design.columns != 0.0, axis=0)]
    singular = np.linalg.svd(columns * np.sqrt(data.weights)[:, None], compute_uv=False)
    return len(singular) < columns.shape[1] or bool(singular[-1] <= COLLINEAR * singular[0])


def levelled(spec: ModelSpec, data: Dataset) -> ModelSpec:
    """The model with the levels that its columns show, for the nodes that state none; every named level, and every knot, known.

    Raises:
        DataError: A column with a name that is no level of its node, or with more levels than a node can have, or too few
            values for a spline.
    """
    names = dict(data.levels)
    levels: dict[Name, tuple[Level, ...]] = {}
    for node in spec.unsettled:
        values = tuple(np.unique(data.column(node)[data.weights > 0]).tolist())
        if node in names and spec[node].family.ordered:
            shown = ", ".join(map(format_level, names[node][:MOST_SINGLE]))
            raise DataError(
                f"Column {node} holds names ({shown}), and nothing says their order. Write it in the model, from low to high: "
                f"{quote(node)} ~ {spec[node].family.name}(…, levels=[…]).",
                column=node,
            )
        levels[node] = names.get(node, values)
        if len(values) > MAX_LEVELS:
            raise DataError(
                f"Column {node} has {len(values)} different values, and a {spec[node].family} node at most {MAX_LEVELS} "
                "levels. Give the node another family, or put its values into classes.",
                column=node,
            )
        if len(values) == data.n_rows > MOST_SINGLE:
            raise _identifier(node, data)
    return knotted(spec.with_levels(levels) if levels else spec, data)


def check_columns(spec: ModelSpec, data: Dataset) -> tuple[str, ...]:
    """`column_cautions` in words, those that say the same of many columns once, or the faults of a table.

    See also `check_cells`.
    """
    check_cells(spec, data)
    words = said_once(column_cautions(spec, data))
    return (*words, left_out(data.dropped)) if data.dropped else words


def column_cautions(spec: ModelSpec, data: Dataset) -> tuple[ColumnCaution, ...]:
    """Cautions about a table that can be fitted, each with the node whose column it is about, and what columns propose.

    Those about the rows as such come last.

    Raises:
        DataError: Values outside a family's support; an observed `linear` node that does not fit exactly. All such
            faults are in one message.
    """
    faults = [fault for node in spec.measured if (fault := _outside_shape(spec, node, data)) is not None]
    cautions: list[ColumnCaution] = []
    without = {fault.column for fault in faults}
    for node in spec.measured:
        if not without.isdisjoint((node, *spec[node].parents)):
            continue
        column = data.summary(node)
        if (fault := too_narrow(node, column.minimum, column.maximum, column.sd)) is not None:
            faults.append(fault)
            continue
        if column.sd < RESOLUTION * np.spacing(max(abs(column.minimum), abs(column.maximum))):
            faults.append(_rounded(column))
            continue
        rows = seen_rows(spec, node, data)
        try:
            spec[node].family.check(column)
            regression = least_squares(spec, node, rows)
            if spec[node].family.noiseless:
                _check_linear(spec, node, regression)
            _check_spread(spec, node, rows, regression)
        except DataError as fault:
            faults.append(fault)
            continue
        fitted = None if regression is None else _fitted(spec, node, rows, regression)
        words = [*outliers(spec, node, rows, fitted), *rare(spec, node, rows), *_cautions(spec, node, rows, regression)]
        words += [*_gaps(node, data), *_set_to_one(node, data)]
        cautions += [ColumnCaution(node, each) for each in words]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise DataError("\n".join(str(fault) for fault in faults), column=faults[0].column)
    return (*cautions, *proposals(spec, data, lambda node, rows: _left(spec, node, rows)))


def _outside_shape(spec: ModelSpec, node: Name, data: Dataset) -> DataError | None:
    """The fault of a column that a shape of it cannot take, or makes one number of; None without."""
    column, values = data.summary(node), data.column(node)[data.weights > 0]
    for shape in spec.shaped.get(node, ()):
        if shape.bends:
            continue
        typed = shape.text(node)
        if column.minimum <= shape.least:
            n = int(data.weights[data.weights > 0][values <= shape.least].sum())
            return DataError(
                f"Column {node} has {n} of {data.n_rows} values at or below {plain(shape.least)} (the least is "
                f"{plain(column.minimum)}), and {typed} needs values above it. Write {quote(node)} or {quote(node)}^2 in its "
                "place, or add a constant to the column before the table is made.",
                column=node,
            )
        made = np.asarray(shape(NUMPY, values), dtype=float)
        if not np.isfinite(made).all() or np.abs(made).max() > LARGEST:
            return DataError(
                f"{typed} is too large to compute with: column {node} goes up to {column.maximum:.3g}. Divide the column by a "
                "constant before the table is made.",
                column=node,
            )
        if np.ptp(made) <= RESOLUTION * np.spacing(np.abs(made).max()):
            return DataError(
                f"{typed} has the same value in every row of column {node}. Write {quote(node)} in its place.",
                column=node,
            )
    return None


def _set_to_one(node: Name, data: Dataset) -> list[str]:
    """A caution where experiments set a node to one value alone."""
    held = data.held(node) & (data.weights > 0)
    values = np.unique(data.column(node)[held])
    if len(values) != 1:
        return []
    shown = dict(data.levels)[node][int(values[0])] if node in dict(data.levels) else f"{values[0]:.4g}"
    return [f"{node} was set to {shown}{SET_ALONE}"]


def _gaps(node: Name, data: Dataset) -> list[str]:
    """What is assumed of a column's missing cells, and how many they are."""
    n = data.n_missing.get(node, 0)
    if not n:
        return []
    half = "; more than half are missing, so that much rests on this" if 2 * n > data.n_rows else ""
    return [
        f"{n:,} of {data.n_rows:,} cells of {node} are missing and averaged over: assumed missing at random given what the model "
        f"holds{half}"
    ]


def _rounded(column: ColumnSummary) -> DataError:
    return DataError(
        f"Column {column.name} varies only in the last digits that a number has (its values are about {column.mean:.6g}, "
        f"their sd is {column.sd:.2g}): rounding, as far as can be told. Subtract a constant before the table is made, or "
        "remove the column's node from the model.",
        column=column.name,
    )


def _identifier(node: Name, data: Dataset) -> DataError:
    return DataError(
        f"Column {node} has another level in each of its {data.n_rows} rows: nothing can be learnt about any of them. If it "
        "is an identifier, remove its node from the model; if it is a number, give the node another family.",
        column=node,
    )


def _check_linear(spec: ModelSpec, node: Name, regression: LeastSquares | None) -> None:
    latent = [parent for parent in spec[node].parents if parent in spec.latent]
    if latent or regression is None:
        why = f"has the latent parent {latent[0]}" if latent else "has no measured parent"
        raise DataError(
            f"{node} is declared linear (no noise) but {why}, so its column cannot be checked. Declare it normal.",
            column=node,
        )
    if not regression.exact:
        raise DataError(
            f"{node} is declared linear (no noise), but its parents leave a residual of "
            f"{100 * regression.relative_residual:.3g} % of the column's sd"
            + (f", with only {regression.spare} spare rows" if regression.spare < SPARE else "")
            + ". Declare it normal, or check the column.",
            column=node,
        )
    _check_solved(spec, node, regression)


def _check_spread(spec: ModelSpec, node: Name, data: Dataset, regression: LeastSquares | None) -> None:
    """Whether there is a spread that could depend on parents."""
    spread = spec[node].spread
    if spread is not None and _is_function(spec, node, data, regression):
        raise DataError(
            f"{node} is an exact function of its parents in these data, so that there is no spread that {spread.text()} "
            f"could describe. Write {node} ~ {spec[node].family.name}(…) without it.",
            column=node,
        )


def _check_solved(spec: ModelSpec, node: Name, regression: LeastSquares) -> None:
    """Whether the coefficients that the column fixes exactly are among those that the user allows."""
    mechanism = spec[node]
    labels = [f"intercept({node})", *(f"{weight.label} -> {node}" for weight in mechanism.weights)]
    beliefs = [mechanism.intercept, *(weight.belief for weight in mechanism.weights)]
    signs = ["", *(weight.sign for weight in mechanism.weights)]
    for label, belief, sign, solved in zip(labels, beliefs, signs, regression.coefficients.tolist(), strict=True):
        low, high = {"": (-math.inf, math.inf), "+": (0.0, math.inf), "-": (-math.inf, 0.0)}[sign]
        if isinstance(belief, Prior):
            low, high = max(low, belief.low), min(high, belief.high)
        elif belief is not None:
            slack = 1e-3 * max(abs(belief), abs(solved))
            low, high = belief - slack, belief + slack
        if not low <= solved <= high:
            raise DataError(
                f"{node} is declared linear (no noise) and its column gives {label} = {solved:.6g}, which the model does "
                f"not allow ({shown(belief) if belief is not None else 'sign ' + sign}). Change the model, or check the column.",
                column=node,
            )


def _cautions(spec: ModelSpec, node: Name, data: Dataset, regression: LeastSquares | None) -> list[str]:
    measured = ", ".join(parent for parent in spec[node].parents if parent not in spec.latent)
    cautions = []
    if not spec[node].family.noiseless and _is_function(spec, node, data, regression):
        floor = "" if spec[node].family.discrete else "It is fitted with a noise floor. "
        cautions.append(
            f"{node} is an exact function of {measured} in these data. {floor}Verdicts treat it as one: what needs {node} "
            "to vary beside its parents is not identified."
        )
    cautions += _below_shapes(spec, node, data)
    design = _design(spec, node, data, bent=False)
    if not cautions:
        cautions += separation(spec, node, data, None if design is None else design.columns)
    for predictor in spec[node].predictors[:2]:
        own = _design(spec, node, data, bent=False, predictor=predictor)
        if own is not None and _collinear(own, data):
            which = f"that {predictor.of} depends on" if predictor.of else measured
            cautions.append(
                f"The parents of {node} are collinear in these data ({which}): their weights are set apart "
                "by the prior alone. Their joint effect is not touched."
            )
            break
    family = spec[node].family
    cautions += [
        f"{quote(node)} has {switch}=true, and none of its {data.n_rows:,} rows is 0: they say that {switch} is small, and how "
        f"small is told by its prior alone. Remove {switch}=true if {quote(node)} is never 0"
        for switch in family.switches
        if switch in family.parameters and data.summary(node).minimum > 0
    ]
    if isinstance(family, Table) and family.n_rows > max(MANY_COMBINATIONS, data.n_rows):
        cautions.append(
            f"the table of {node} has {family.n_rows:,} combinations of its parents' levels, and the data have {data.n_rows:,} "
            "rows: of most the prior alone speaks, and each costs time and memory. Give it fewer parents, or make it categorical"
        )
    n_parameters = (len(family.points) - 1) * (1 + len(spec[node].weights)) if family.per_level else 0
    if n_parameters > MANY_PARAMETERS:
        cautions.append(
            f"{node} is categorical with {len(family.points):,} levels and has {n_parameters:,} parameters: ld.Auto() needs time "
            "in proportion to levels and rows, and ld.Nuts() and ld.Svi() many minutes before their first draw. Merge its rare "
            "levels, or make it a table, which is counted"
        )
    return cautions


def _below_shapes(spec: ModelSpec, node: Name, data: Dataset) -> list[str]:
    """A caution about a node whose own law gives values that a shape of it cannot take."""
    column, family = data.summary(node), spec[node].family
    for shape in spec.shaped.get(node, ()):
        share = 0.5 * math.erfc((column.mean - shape.least) / column.sd / math.sqrt(2.0))
        if family.support[0] < shape.least and share > MIRRORED:
            return [
                f"{node} is {family.name} and enters by {shape.text(node)}, but about {100 * share:.2g} % of a "
                f"{family.name} law like its column lies below {plain(shape.least)}. Where {node} is drawn, such values count "
                f"as their mirror image; declare {node} gamma, whose values are positive"
            ]
    return []


def rare(spec: ModelSpec, node: Name, data: Dataset) -> list[str]:
    """Cautions about columns that are all but constant, and about levels of which there are few rows or none."""
    family = spec[node].family
    if not family.has_levels and _varies(data.column(node)[data.weights > 0]):
        return []
    counts = data.collapsed([node])
    values, rows = counts.column(node), counts.weights
    order = np.argsort(-rows)
    cautions = []
    n_other = data.n_rows - int(rows[order[0]])
    if 0 < n_other < FEW and data.n_rows >= MANY:
        others = "row differs" if n_other == 1 else "rows differ"
        cautions.append(
            f"in {node}, only {n_other} of {data.n_rows} {others} from {values[order[0]]:.4g}: what is said of the effect of "
            f"{node} rests on so few"
        )
    if family.has_levels and family.states:
        unseen = _unseen(family.states, values, dict(data.levels).get(node))
        if unseen:
            cautions.append(
                f"{node} has no row with the level{'s' if len(unseen) > 1 else ''} {', '.join(unseen[:4])}"
                f"{', …' if len(unseen) > 4 else ''}: of these the priors alone speak"
            )
        if len(values) > 5 and data.n_rows < PER_LEVEL * len(values):
            cautions.append(
                f"{node} has {len(values)} levels in {data.n_rows} rows: is it an identifier, or a number? What is said of "
                "single levels rests on few rows"
            )
    return cautions


def _varies(values: FloatArray) -> bool:
    """Whether `FEW` rows differ from the commonest value: if fewer do, it has the most of any `2 FEW - 1` rows."""
    first = values[: 2 * FEW - 1]
    return len(first) == 2 * FEW - 1 and int((values != np.median(first)).sum()) >= FEW


def _unseen(levels: Sequence[object], values: FloatArray, names: Sequence[str] | None) -> list[str]:
    """The levels that no row has, as they are written; with names the column holds their places."""
    seen = set(values.tolist())
    if names is not None:
        return [name for k, name in enumerate(names) if float(k) not in seen]
    return [f"{level:g}" for level in levels if isinstance(level, int | float) and float(level) not in seen]


def separation(spec: ModelSpec, node: Name, data: Dataset, design: FloatArray | None) -> list[str]:
    """A caution where the measured parents of a column of zeros and ones tell it without contradiction.

    Args:
        design: A one and the terms of the measured parents, scaled, (row, term).

    Source:
        Konis (2007), Linear programming algorithms for detecting separated data in binary logistic regression models, §4.1.
    """
    family = spec[node].family
    two = family.log_odds and len(family.points) == 2 and not isinstance(family, Table)
    if not two or design is None or not _separated(design, data.column(node) == family.points[1]):
        return []
    parents = ", ".join(parent for parent in spec[node].parents if parent not in spec.latent)
    return [
        f"{parents} tell{'s' if ',' not in parents else ''} {node} apart without contradiction in these data (separation): "
        "the likelihood grows with the weight for ever, so that its size is told by the prior alone"
    ]


def _separated(design: FloatArray, y: npt.NDArray[np.bool_]) -> bool:
    from scipy.optimize import linprog

    signed = np.where(y[:, None], design, -design)
    rows = np.arange(len(signed))
    if len(signed) > LARGEST_PROGRAM:
        # What tells no sample of the rows apart tells not all of them apart either.
        rows = np.random.default_rng(0).choice(len(signed), LARGEST_PROGRAM, replace=False)
    for _ in range(MOST_PROGRAMS):
        some = np.unique(signed[rows], axis=0)
        solution = linprog(-some.sum(axis=0), A_ub=-some, b_ub=np.zeros(len(some)), bounds=(-1.0, 1.0))
        if solution.x is None or -solution.fun < 1e-6 * len(some):
            return False
        margin = signed @ solution.x
        wrong = np.flatnonzero(margin < -1e-7)
        if not len(wrong):
            return True
        # Another direction may tell these rows apart as well.
        rows = np.union1d(rows, wrong[np.argsort(margin[wrong])[:LARGEST_PROGRAM]])
    return False
