"""A look at the priors before any training: what would rows be like if the priors were all that is known?

Source: Gelman, Vehtari, Simpson et al. (2020), Bayesian workflow, §2.4 (prior predictive checking).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from latentdo import arguments
from latentdo.errors import SpecError
from latentdo.graphs import Name, quote
from latentdo.models import ColumnSummary, ModelSpec, Table
from latentdo.sheet import Cell, Column, Note, Sheet
from latentdo.tables import Dataset

from ..blocks.coordinates import FloatArray, NodeCoordinates, coordinates_on, pseudo_counts
from ..blocks.draws import NodeDraws
from ..likelihood.forward import simulate_nodes
from ..likelihood.prior_law import quantiles

DRAWS = 1000
UNITS = 200
FAR = 0.005
"""Share of the prior predictive beyond the column on one side below which the column lies in its far tail."""
ABSURD = 100.0
"""How many times wider than the column the prior predictive may be."""
WIDE_90 = 3.29
"""Width of the middle 90 % of a normal law in its standard deviations."""


@dataclass(frozen=True)
class PriorNode:
    """One measured node under the priors alone, beside its column.

    Attributes:
        mean, sd, minimum, maximum: Of the column.
        prior_mean, prior_sd: The middle 90 % of the mean and of the sd that the rows of one prior draw have.
        below_mean, below_sd: The share of prior draws whose mean, and sd, is below that of the column.
        means_within: The share of prior draws whose mean lies in the range of the column.
        width: The middle 90 % of all simulated values, over that of a normal column of this sd.
        caution: What is odd about it; empty where nothing is.
    """

    node: Name
    family: str
    mean: float
    sd: float
    minimum: float
    maximum: float
    prior_mean: tuple[float, float]
    prior_sd: tuple[float, float]
    below_mean: float
    below_sd: float
    means_within: float
    width: float
    caution: str = ""


@dataclass(frozen=True)
class PriorCheck:
    """What the priors alone say of each measured node, beside its column.

    Attributes:
        nodes: One row per measured node.
        n_draws: Draws of all parameters from their priors.
        n_units: Rows simulated from each.
    """

    nodes: tuple[PriorNode, ...]
    n_draws: int
    n_units: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Nodes whose column the priors all but exclude, or whose priors allow for far more than any column."""
        return tuple(node.caution for node in self.nodes if node.caution)

    def to_json(self) -> dict[str, Any]:
        """The check as plain numbers, strings and lists; a number that JSON lacks is null."""
        rows = [
            {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(node).items()}
            for node in self.nodes
        ]
        return {"draws": self.n_draws, "units": self.n_units, "nodes": [_finite(row) for row in rows]}

    def sheet(self) -> Sheet:
        """A row per measured node, and what is odd below."""
        columns = (
            Column("node", "code"),
            *(Column(title, "number", key) for title, key in _COLUMNS),
        )
        rows = [
            [Cell(quote(node.node), mark="rough" if node.caution else ""), *map(Cell, _cells(node))]
            for node in self.nodes
        ]
        title = (
            f"Under the priors alone ({self.n_draws:,} draws of all parameters, {self.n_units:,} rows from each; middle 90 % "
            "of the draws):"
        )
        return Sheet.of(title, columns, rows, notes=tuple(Note(warning, "caution") for warning in self.warnings))

    def __str__(self) -> str:
        return self.sheet().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.sheet().html()


_COLUMNS = (
    ("column mean", "mean"),
    ("under the priors", "prior mean"),
    ("column sd", "sd"),
    ("under the priors", "prior sd"),
    ("means in the column's range", "means within"),
)


def _cells(node: PriorNode) -> Iterable[str]:
    for value, (low, high) in ((node.mean, node.prior_mean), (node.sd, node.prior_sd)):
        yield f"{value:.4g}"
        yield f"{low:.3g} to {high:.3g}"
    yield f"{100 * node.means_within:.0f} %"


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(part) for key, part in value.items()}
        case list():
            return [_finite(part) for part in value]
        case float():
            return value if math.isfinite(value) else None
        case _:
            return value


def check_priors_on(spec: ModelSpec, data: Dataset, seed: int) -> PriorCheck:
    """The check before a fit: default priors take their scale from the columns."""
    return check_priors(spec, tuple(coordinates_on(spec, data).values()), data.summaries, seed)


def check_priors(
    spec: ModelSpec,
    coordinates: Sequence[NodeCoordinates],
    columns: Iterable[ColumnSummary],
    seed: int,
    *,
    n_draws: int = DRAWS,
) -> PriorCheck:
    """What the priors in `coordinates` say of each measured node.

    Args:
        columns: Of the measured nodes at least.
        n_draws: Draws of all parameters.

    Raises:
        SpecError: A number of draws that makes no sense.
    """
    n_draws = arguments.whole("n_draws", n_draws, SpecError, least=100, most=100_000)
    random = np.random.default_rng([seed, 3])
    draws = {own.node: prior_draws(spec, own, n_draws, random) for own in coordinates}
    # What overflows is far out, and the check is there to say so.
    with np.errstate(all="ignore"):
        values = simulate_nodes(
            spec,
            spec.graph.topological_order(),
            draws,
            lambda _: random.uniform(1e-12, 1.0 - 1e-12, size=(n_draws, UNITS)),
            {},
        )
        by_name = {column.name: column for column in columns}
        rows = tuple(_row(spec, node, values[node], by_name[node]) for node in spec.measured)
    return PriorCheck(rows, n_draws, UNITS)


def prior_draws(spec: ModelSpec, own: NodeCoordinates, n: int, random: np.random.Generator) -> NodeDraws:
    """Draws of one node's parameters from their priors, in raw units, as one chain."""
    family = spec[own.node].family
    if isinstance(family, Table):
        rows = random.dirichlet(pseudo_counts(own, family)[0], size=(n, family.n_rows))
        return NodeDraws(rows.reshape(1, n, -1))
    drawn = {id(coordinate): _one(own, k, n, random) for k, coordinate in enumerate(own.all)}
    t, size = own.to_raw, len(own.coefficients)
    sampled = np.zeros((size, n))
    wiggles = {k: drawn[id(own.all[at])] for at, places in own.bends for k in places}
    # A statement about a raw coefficient is one about the sampled one once those of larger terms are known.
    for rank, k in enumerate(own.order):
        coordinate = own.coefficients[k]
        value = drawn[id(coordinate)] * wiggles.get(k, 1.0)
        if coordinate.prior_on == "raw":
            value = (value - sum(t[k, larger] * sampled[larger] for larger in own.order[:rank])) / t[k, k]
        sampled[k] = value
    return NodeDraws(
        (t @ sampled).T[None], tuple((name, drawn[id(coordinate)][None]) for name, coordinate in own.parameters)
    )


def _one(own: NodeCoordinates, k: int, n: int, random: np.random.Generator) -> FloatArray:
    coordinate = own.all[k]
    if coordinate.fixed is not None:
        return np.full(n, coordinate.fixed)
    assert coordinate.prior is not None, "what is not fixed has a prior"
    return quantiles(coordinate.prior, random.uniform(size=n)) + coordinate.shift


def _row(spec: ModelSpec, node: Name, values: FloatArray, column: ColumnSummary) -> PriorNode:
    values = np.broadcast_to(values, (values.shape[0], UNITS)) if values.ndim == 2 else values
    means, sds = values.mean(axis=1), values.std(axis=1)
    low, high = np.quantile(values, (0.05, 0.95))
    row = PriorNode(
        node=node,
        family=spec[node].family.name,
        mean=column.mean,
        sd=column.sd,
        minimum=column.minimum,
        maximum=column.maximum,
        prior_mean=_middle(means),
        prior_sd=_middle(sds),
        below_mean=float((means < column.mean).mean()),
        below_sd=float((sds < column.sd).mean()),
        means_within=float(((means >= column.minimum) & (means <= column.maximum)).mean()),
        width=float(high - low) / (WIDE_90 * column.sd),
    )
    return PriorNode(**{**row.__dict__, "caution": _caution(spec, row)})


def _middle(values: FloatArray) -> tuple[float, float]:
    low, high = np.nanquantile(values, (0.05, 0.95))
    return float(low), float(high)


def _caution(spec: ModelSpec, row: PriorNode) -> str:
    """What is odd about one node, with what to do."""
    name = quote(row.node)
    whose = f"{name} and its causes" if spec[row.node].parents else name
    if row.width > ABSURD:
        return (
            f"under the priors {name} is {row.width:,.0f} times as wide as its column. Narrow the priors on {whose}, "
            "unless you mean to let the data decide alone."
        )
    judged = [("mean", row.mean, row.below_mean, row.prior_mean)]
    if not spec[row.node].family.discrete:
        # That of levels follows from how often each is seen.
        judged.append(("sd", row.sd, row.below_sd, row.prior_sd))
    for what, value, below, (low, high) in judged:
        if min(below, 1.0 - below) < FAR:
            return (
                f"the priors all but exclude the {what} of {name}, {value:.4g}: under them it is {low:.3g} to {high:.3g}. "
                f"Check the units of your priors on {whose}: they are in raw units."
            )
    return ""
