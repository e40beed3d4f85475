"""`Estimate`: the number that answers a question, one per posterior draw, with everything needed to judge it.

Below what prints, draws and describes it; `Answer` is the estimate that does these things for users.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from latentdo import arguments
from latentdo.arrays import FloatArray
from latentdo.errors import QueryError
from latentdo.graphs import LatentDag, Name, format_level, format_number, quote
from latentdo.identification import Identified, NotIdentified
from latentdo.inference import Posterior
from latentdo.query import Binary, Expression, Query, Summary, Term, Value, changes_of
from latentdo.sheet import finite, listed

from .simulation import spread_of
from .subgroups import same_in_all
from .units import Scale, scale_of

AnyArray = np.ndarray[Any, np.dtype[Any]]
MaybeNone: TypeAlias = Any
"""None of one draw, and of what nobody checked: type checkers need not be told each time, as nearly all answers have these."""


@dataclass(frozen=True)
class Computation:
    """How a number was computed of each draw; `str` gives the sentence.

    Attributes:
        kind: In closed form, or from simulated units.
        by: The engine, or how many units: `linear-Gaussian`, `256 units per draw in 16 replicates`.
    """

    kind: Literal["exact", "simulated"]
    by: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.by}"


class Standing(Protocol):
    """What the check of a fit says of a question."""

    @property
    def word(self) -> str:
        """`no misfit found`, `misfit moves the answer`, …"""
        ...

    @property
    def could_move(self) -> float | None:
        """By how much another shape could move the answer, in its units."""
        ...

    @property
    def tolerance(self) -> float | None:
        """By how much it may move before that matters."""
        ...

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, and why something was not checked."""
        ...

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        ...


@dataclass(frozen=True, eq=False)
class Estimate:
    """One question's number from a trained model.

    Attributes:
        query: The question.
        draws: Its value in every posterior draw, chains end to end, in the query's own units: those of the outcome for
            E[ ], probabilities for P( ), and what arithmetic makes of them.
        verdict: Whether the question is identified, with formula or hedge.
        rhat: Rank-normalised split R-hat of the query, None where draws are independent.
        ess: Effective number of draws of the query.
        simulation_error: Standard error of the mean that comes from simulating finitely many units.
        n_units: Simulated units per draw.
        evidence_units: Where evidence weighs the units, the 5 % quantile over draws of their effective number.
        tail_index: Pareto k-hat of the draws' tails; above 0.7 their mean cannot be trusted.
        name: The study's name of the question, or None.
        approximate: What the draws behind it are if they are not draws of the posterior: `Laplace approximation`.
        warnings: Cautions, each a sentence.
        computation: How the number was computed of each draw.
        posterior: The trained model that it was asked of.
        at: Of a point of a sweep, its place: each axis and its value, in the order of the axes.
        source: Of a point of a sweep, the whole sweep.
        naive: The same question with seeing in place of doing, E[Y | X=1] for E[Y | do(X=1)], where it was asked for.
        prior: The prior's own answer, beside an answer that is not identified.
        seed: Of the simulation; the same seed gives the same numbers.
        fit: What the check of the fit says of the question: `.word`, `.could_move`, `.advice`; None where nobody checked.
    """

    query: Query
    draws: FloatArray
    verdict: Identified | NotIdentified
    rhat: float | None
    ess: float
    simulation_error: float
    n_units: int
    warnings: tuple[str, ...] = ()
    evidence_units: float | None = None
    tail_index: float = 0.0
    name: str | None = None
    approximate: str | None = None
    computation: Computation | None = None
    posterior: Posterior | None = field(default=None, repr=False)
    at: tuple[tuple[Name, Value], ...] = ()
    source: Query | None = None
    naive: Estimate | None = None
    prior: Estimate | None = None
    seed: int | None = None
    fit: Standing | MaybeNone = None

    @property
    def identified(self) -> bool:
        """Whether the do-calculus identifies the question from the measured nodes of the graph."""
        return self.verdict.identified

    @property
    def experiments(self) -> tuple[tuple[Name, ...], ...]:
        """What is set in the experiments whose rows the question is identified with; none where observation is enough."""
        return self.verdict.estimand.experiments if isinstance(self.verdict, Identified) else ()

    @property
    def with_rows(self) -> str:
        """The same in words that follow "identified", with a blank in front; empty where observation is enough."""
        shown = (f"do({', '.join(map(quote, names))})" for names in self.experiments)
        return f" with rows of {listed(shown)}" if self.experiments else ""

    @cached_property
    def mean(self) -> float:
        """Posterior mean."""
        size = float(np.abs(self.draws).max())
        # The sum of such numbers would be beyond the largest one, where their mean is not.
        return float((self.draws / size).mean() * size) if 1e300 < size < math.inf else float(self.draws.mean())

    @cached_property
    def reciprocal(self) -> FloatArray | None:
        """The draws of the risk difference that a number needed to treat is 1 over; None of any other question.

        It goes through infinity where the difference goes through 0, so that what is ordered is the difference.
        """
        expression = self.query.expression
        return 1.0 / self.draws if isinstance(expression, Binary) and expression.word == "NNT" else None

    @property
    def linear(self) -> FloatArray:
        """Draws to take derivatives and spreads of: of a number needed to treat to first order, as its own have no mean."""
        return self.draws if self.reciprocal is None else 2 * self.median - self.median**2 * self.reciprocal

    @cached_property
    def median(self) -> float:
        """Posterior median: what is reported where the draws have no trustworthy mean, and of levels.

        Of a number needed to treat 1 over the median of the difference.
        """
        if self.reciprocal is not None:
            return 1.0 / float(np.quantile(self.reciprocal, 0.5))
        # Of levels the middle one, and no number half-way between two.
        return float(np.quantile(self.draws, 0.5, method="inverted_cdf" if self.is_level else "linear"))

    @cached_property
    def is_level(self) -> bool:
        """Whether it is made of quantiles of discrete nodes alone: each draw is then a level, and their mean none."""
        terms = self.query.terms
        if self.posterior is None or not terms or any(term.kind != "quantile" for term in terms):
            return False
        spec = self.posterior.spec
        return all(spec[name].family.discrete for term in terms for name in term.outcome_names)

    @property
    def is_median(self) -> bool:
        """Whether the median of the draws is what is reported: their mean is not to be trusted, or is no level."""
        return self.is_level or not self.has_mean or self.reciprocal is not None

    @property
    def point(self) -> float:
        """The number that is reported: the posterior mean, or the median where `is_median`."""
        return self.median if self.is_median else self.mean

    @property
    def is_point(self) -> bool:
        """Whether there is one draw alone (`ld.Map()`), and so neither an sd nor an interval."""
        return len(self.draws) == 1

    @cached_property
    def sd(self) -> float | None:
        """Posterior standard deviation; None of one draw. Of a number needed to treat, by the delta method."""
        if self.reciprocal is not None and not self.is_point:
            return spread_of(self.linear)
        return None if self.is_point else spread_of(self.draws)

    @property
    def has_mean(self) -> bool:
        """Whether the tails are light enough for the mean to mean something (k-hat at most 0.7)."""
        return self.tail_index <= 0.7

    @cached_property
    def mcse(self) -> float:
        """Monte Carlo standard error of the mean: sampling and simulation, √(sd²/ESS + e²); of one draw e alone."""
        if self.sd is None:
            return self.simulation_error
        return math.hypot(self.sd / math.sqrt(self.ess), self.simulation_error) if self.ess else math.inf

    @property
    def rounding(self) -> float:
        """How finely the number is printed (see `sheet.number`): no digit that another seed would change by more than a unit."""
        # Levels are printed as they are.
        if self.is_level:
            return 0.0
        spread = 0.0 if self.sd is None else self.sd
        return max(spread, 100 * self.mcse) if math.isfinite(self.mcse) else spread

    @property
    def converged(self) -> bool:
        """Whether the query itself has R-hat <= 1.01 and ESS >= 400; of one draw there is nothing to judge."""
        return self.is_point or ((self.rhat is None or self.rhat <= 1.01) and self.ess >= 400)

    @arguments.with_level
    def interval(self, level: float = 0.9) -> tuple[float, float] | MaybeNone:
        """The equal-tailed posterior interval; None of one draw.

        That of a number needed to treat is that of the difference, turned over: infinite on both sides where it holds 0
        (see `gap`).

        Args:
            level: Its probability, between 0 and 1.

        Raises:
            QueryError: A level that is not between 0 and 1.
        """
        if self.is_point:
            return None
        if self.reciprocal is not None:
            below, above = map(float, np.quantile(self.reciprocal, [(1 - level) / 2, (1 + level) / 2]))
            return (-math.inf, math.inf) if below <= 0 <= above else (1 / above, 1 / below)
        how = "inverted_cdf" if self.is_level else "linear"
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], method=how)
        return float(low), float(high)

    @arguments.with_level
    def gap(self, level: float = 0.9) -> tuple[float, float] | None:
        """Between which numbers an interval through infinity leaves a gap: it holds all below the first and above the second.

        None of any other interval than that of a number needed to treat whose difference may be 0.
        """
        ends = self.interval(level)
        if self.reciprocal is None or ends is None or math.isfinite(ends[0]):
            return None
        below, above = map(float, np.quantile(self.reciprocal, [(1 - level) / 2, (1 + level) / 2]))
        return (1 / below if below else -math.inf), (1 / above if above else math.inf)

    @cached_property
    def scale(self) -> Scale:
        """What the number is, and in which unit: `risk difference`, `mean of Erk, in its units`."""
        if self.posterior is None:
            return scale_of(self.query)
        binary = {node for node, mechanism in self.posterior.spec.mechanisms if mechanism.family.binary}
        return scale_of(self.query, binary, self.posterior.units)

    @property
    def is_exact(self) -> bool:
        """Whether the number was computed of each draw without simulation."""
        return self.computation is not None and self.computation.kind == "exact"

    @property
    def method(self) -> str:
        """How the number was computed, in words: `exact: linear-Gaussian`, `simulated: 256 units per draw`; empty if unknown."""
        return "" if self.computation is None else str(self.computation)

    @property
    def label(self) -> str:
        """What it is called in lists and plots: its name, of a point of a sweep with the place, or else the question."""
        if self.name is None:
            return str(self.query)
        place = ", ".join(f"{quote(name)}={format_level(value)}" for name, value in self.at)
        return f"{self.name} at {place}" if place else self.name

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What explains the number and is no caution: that there is no effect, and why; how sure a level is."""
        if self.is_level and not self.is_point:
            share = float((self.draws == self.median).mean())
            shown = "all" if share == 1 else f"{min(99.9, 100 * share):.3g} %"
            return (f"each draw is a level: {format_number(self.median)} in {shown} of the draws",)
        if self.reciprocal is not None:
            return (_needed(self.query.expression),)
        if self.posterior is None:
            return _no_effect(self.query.expression, self.draws, None)
        spec = self.posterior.spec
        same = same_in_all(spec, self.query.expression)
        return (*_no_effect(self.query.expression, self.draws, spec.graph), *([same] if same else []))

    @arguments.with_level
    def summary(self, level: float = 0.9) -> Summary:
        """The row that tables and plots read."""
        low, high = self.interval(level) or (None, None)
        through = self.gap(level) is not None
        low, high = (None, None) if through else (low, high)
        standing = " [interval through infinity]" if through else ""
        standing += "" if self.identified else " [not identified]"
        standing += "" if self.converged else " [not converged]"
        standing += f" [{self.approximate}]" if self.approximate else ""
        scale = self.scale
        return Summary(
            self.label + standing, self.point, self.sd, low, high, level, scale.unit, "lvm", str(scale), scale.null
        )

    @arguments.with_level
    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The answer as plain numbers and strings, with null for what is not finite or not there."""
        interval = self.interval(level)
        row = {
            "query": str(self.query),
            "mean": self.mean,
            "sd": self.sd,
            "interval": None if interval is None else list(interval),
            **({"gap": list(gap)} if (gap := self.gap(level)) is not None else {}),
            "level": level,
            "mcse": self.mcse,
            "rhat": self.rhat,
            "ess": self.ess,
            "identified": self.identified,
            **({"experiments": [list(names) for names in self.experiments]} if self.experiments else {}),
            "warnings": list(self.warnings),
            "approximate": self.approximate,
            "name": self.name,
            "median": self.median,
            "simulation_error": self.simulation_error,
            "evidence_units": self.evidence_units,
            "scale": self.scale.name,
            "unit": self.scale.unit,
            "converged": self.converged,
            "method": self.method or None,
            "tail_index": self.tail_index,
            "notes": list(self.notes),
            "at": dict(self.at) or None,
            "naive": None if self.naive is None else self.naive.to_json(level),
            "prior": None if self.prior is None else self.prior.to_json(level),
            "fit": None if self.fit is None else self.fit.to_json(),
        }
        return finite(row)


def axes_of(estimates: Sequence[Estimate]) -> tuple[Name, ...]:
    """The nodes that a sweep runs over, where all are points of sweeps over the same ones; else none."""
    axes = {tuple(name for name, _ in estimate.at) for estimate in estimates}
    return next(iter(axes)) if len(axes) == 1 else ()


def draws_of(estimates: Sequence[Estimate]) -> FloatArray:
    """Every draw of every estimate, (point, draw): a column is one draw of the model.

    Raises:
        QueryError: Estimates of different fits, with different numbers of draws.
    """
    if len({len(estimate.draws) for estimate in estimates}) > 1:
        raise QueryError(
            "These answers have different numbers of draws, and so no array in common. Ask one fit for all."
        )
    return np.array([estimate.draws for estimate in estimates])


def band(draws: FloatArray, level: float, *, simultaneous: bool) -> tuple[FloatArray, FloatArray] | None:
    """Lower and upper ends of a band around a curve, one per point; None of one draw.

    Args:
        draws: (point, draw), the same posterior draw in each column.
        level: The probability of the band.
        simultaneous: Whether it is that of the whole curve.
    """
    if draws.ndim != 2 or draws.shape[1] < 2:
        return None
    tail = _joint_tail(draws, level) if simultaneous else (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=1)
    return low, high


def band_of(estimates: Sequence[Estimate], level: float, *, simultaneous: bool) -> tuple[FloatArray, FloatArray] | None:
    """The band around a curve of answers: of numbers needed to treat that of the differences, turned over."""
    turned = [estimate.reciprocal for estimate in estimates if estimate.reciprocal is not None]
    if not turned:
        return band(draws_of(estimates), level, simultaneous=simultaneous)
    ends = band(1.0 / draws_of(estimates), level, simultaneous=simultaneous)
    if ends is None:
        return None
    low, high = ends
    holds = (low <= 0) & (high >= 0)
    with np.errstate(divide="ignore"):
        return np.where(holds, -math.inf, 1.0 / high), np.where(holds, math.inf, 1.0 / low)


def _joint_tail(draws: FloatArray, level: float) -> float:
    """The tail to cut off on each side of every point, so that a share `level` of the draws stays inside everywhere.

    Quantiles are widened alike at all points, so that the band keeps to a probability's 0 and 1 and does not change with
    the scale on which the curve is drawn.

    Source:
        Montiel Olea & Plagborg-Møller (2019), Simultaneous confidence bands: theory, implementation, and an application to
        SVARs; the band of pointwise quantiles of Bayesian draws, calibrated to the joint probability.
    """
    moving = draws[np.ptp(draws, axis=1) > 0]
    n = draws.shape[1]
    if not len(moving):
        return (1 - level) / 2
    ranks = moving.argsort(axis=1).argsort(axis=1)
    # How many draws lie beyond a draw's most extreme point, on its side.
    depth = np.minimum(ranks, n - 1 - ranks).min(axis=0)
    kept = np.sort(depth)[int(np.floor((1 - level) * n))]
    return float(kept / (n - 1))


def _needed(expression: Expression) -> str:
    """What a number needed to treat counts."""
    assert isinstance(expression, Binary) and expression.risks is not None
    new, old = expression.risks
    pairs = changes_of(new, old)
    settings, instead = (", ".join(map(str, side)) for side in zip(*pairs, strict=True))
    event = ", ".join(map(str, new.outcomes))
    return f"so many units set to {settings} in place of {instead} for one more with {event}; below 0, for one fewer"


def _no_effect(expression: Expression, draws: np.ndarray[Any, Any], graph: LatentDag | None) -> tuple[str, ...]:
    """Why a contrast is 0, or a ratio 1, in every draw, in a sentence; nothing of any other question."""
    match expression:
        case Binary(op="-" | "/" as op, left=left, right=right) if (draws == (0.0 if op == "-" else 1.0)).all():
            if left == right:
                return ("both sides ask the same",)
            if isinstance(left, Term) and isinstance(right, Term) and graph is not None:
                return _without_path(graph, left, right)
    return ()


def _without_path(graph: LatentDag, left: Term, right: Term) -> tuple[str, ...]:
    """No effect, where no directed path leads from what the two sides set differently to what they ask about."""
    if (left.kind, left.outcomes, left.given) != (right.kind, right.outcomes, right.given):
        return ()
    first, second = ({setting.name: setting.value for setting in term.do} for term in (left, right))
    varied = {name for name in first | second if first.get(name) != second.get(name)}
    held = set(first) & set(second) - varied
    cut = graph.without_incoming(held)
    reached = cut.ancestors([*left.outcome_names, *left.conditions])
    if not varied or varied & reached or set(first) ^ set(second):
        return ()

    def named(nodes: set[Name]) -> str:
        return listed(quote(node) for node in graph.nodes if node in nodes)

    return (
        f"no effect: no path of arrows leads from {named(varied)} to {named(set(left.outcome_names))}"
        + (f" once {named(held)} {'is' if len(held) == 1 else 'are'} set" if held else ""),
    )
