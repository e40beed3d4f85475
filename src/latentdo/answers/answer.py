"""`Answer`: one question, one number per posterior draw, and everything needed to judge it; `Answers`: several in a row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from latentdo import arguments
from latentdo.errors import MissingExtraError, QueryError, nearest
from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Identified, NotIdentified
from latentdo.inference import Posterior, write_table
from latentdo.query import Query, Summary, Value

from . import bands, latex, pictures, rows, text
from .notes import notes_of
from .simulation import spread_of
from .units import Scale, scale_of

if TYPE_CHECKING:
    import pandas

AnyArray = np.ndarray[Any, np.dtype[Any]]
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Answer:
    """One question answered from a trained model.

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
        method: How the number was computed of each draw: `exact: linear-Gaussian`, `simulated: 256 units per draw`.
        posterior: The trained model that it was asked of.
        at: Of a point of a sweep, its place: each axis and its value, in the order of the axes.
        source: Of a point of a sweep, the whole sweep.
        naive: The same question with seeing in place of doing, E[Y | X=1] for E[Y | do(X=1)], where it was asked for.
        prior: The prior's own answer, beside an answer that is not identified.
        seed: Of the simulation; the same seed gives the same numbers.
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
    method: str = ""
    posterior: Posterior | None = field(default=None, repr=False)
    at: tuple[tuple[Name, Value], ...] = ()
    source: Query | None = None
    naive: Answer | None = None
    prior: Answer | None = None
    seed: int | None = None

    @property
    def identified(self) -> bool:
        """Whether the do-calculus identifies the question from the measured nodes of the graph."""
        return self.verdict.identified

    @cached_property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.draws.mean())

    @cached_property
    def median(self) -> float:
        """Posterior median: what is reported where the draws have no trustworthy mean, and of levels."""
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
        return self.is_level or not self.has_mean

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
        """Posterior standard deviation; None of one draw."""
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
    def grain(self) -> float:
        """How finely the number is printed (see `text.number`): no digit that another seed would change by more than a unit."""
        # Levels are printed as they are.
        if self.is_level:
            return 0.0
        spread = 0.0 if self.sd is None else self.sd
        return max(spread, 100 * self.mcse) if math.isfinite(self.mcse) else spread

    @property
    def converged(self) -> bool:
        """Whether the query itself has R-hat <= 1.01 and ESS >= 400; of one draw there is nothing to judge."""
        return self.is_point or ((self.rhat is None or self.rhat <= 1.01) and self.ess >= 400)

    def interval(self, level: float = 0.9) -> tuple[float, float] | None:
        """The equal-tailed posterior interval; None of one draw.

        Args:
            level: Its probability, between 0 and 1.

        Raises:
            QueryError: A level that is not between 0 and 1.
        """
        arguments.level(level, QueryError)
        if self.is_point:
            return None
        how = "inverted_cdf" if self.is_level else "linear"
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2], method=how)
        return float(low), float(high)

    @cached_property
    def scale(self) -> Scale:
        """What the number is, and in which unit: `risk difference`, `mean of Erk, in its units`."""
        if self.posterior is None:
            return scale_of(self.query)
        binary = {node for node, mechanism in self.posterior.spec.mechanisms if mechanism.family.name == "bernoulli"}
        return scale_of(self.query, binary, self.posterior.units)

    @property
    def is_exact(self) -> bool:
        """Whether the number was computed of each draw without simulation."""
        return self.method.startswith("exact")

    @property
    def label(self) -> str:
        """What it is called in lists and plots: its name, of a point of a sweep with the place, or else the question."""
        if self.name is None:
            return str(self.query)
        place = ", ".join(f"{quote(name)}={format_level(value)}" for name, value in self.at)
        return f"{self.name} at {place}" if place else self.name

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What explains the number and is no caution: that there is no effect, and why."""
        return notes_of(self)

    def summary(self, level: float = 0.9) -> Summary:
        """The row that tables and plots read."""
        low, high = self.interval(level) or (None, None)
        standing = "" if self.identified else " [not identified]"
        standing += "" if self.converged else " [not converged]"
        standing += f" [{self.approximate}]" if self.approximate else ""
        scale = self.scale
        return Summary(
            self.label + standing, self.point, self.sd, low, high, level, scale.unit, "lvm", str(scale), scale.null
        )

    def to_json(self, level: float = 0.9) -> dict[str, Any]:
        """The answer as plain numbers and strings, with null for what is not finite or not there."""
        interval = self.interval(level)
        row = {
            "query": str(self.query),
            "mean": self.mean,
            "sd": self.sd,
            "interval": None if interval is None else list(interval),
            "level": level,
            "mcse": self.mcse,
            "rhat": self.rhat,
            "ess": self.ess,
            "identified": self.identified,
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
        }
        return {key: _finite(value) for key, value in row.items()}

    def text(self, level: float = 0.9) -> str:
        """One line with the number, its interval and its standing; what it is, notes and cautions below it."""
        return text.one(self, level)

    def latex(self, level: float = 0.9) -> str:
        r"""One row of a LaTeX table: question, what the number is, the number, its interval, and `\\`."""
        return latex.row(self, level)

    def methods(self, level: float = 0.9) -> str:
        """A paragraph for a paper: graph, question, formula, model, priors, training, diagnostics, data and software."""
        return Answers((self,)).methods(level)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"{self.query} = {self.text()}"

    def _repr_html_(self) -> str:
        return Answers((self,))._repr_html_()

    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The answer as a point with its interval; returns the matplotlib axes."""
        return Answers((self,)).plot(ax, level=level)

    def plot_density(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The law of the draws as a smooth density, the interval in colour, and what stands beside it; returns the axes.

        Raises:
            MissingExtraError: matplotlib is not installed.
            QueryError: There is one draw alone.
        """
        return pictures.density_of(self, ax, level)


@dataclass(frozen=True, eq=False)
class Answers(Sequence[Answer]):
    """Answers in the order asked; by number, or by the name that a study gave the question."""

    items: tuple[Answer, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Answers: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, str):
            return self._named(index)
        return Answers(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.items)

    def _named(self, name: str) -> Answer | Answers:
        """The answer of that name; of a sweep or a law, which is several under one name, all of them."""
        found = [answer for answer in self.items if answer.name == name]
        found = found or [answer for answer in self.items if name in (str(answer.query), str(answer.source))]
        if not found:
            known = dict.fromkeys(answer.name or str(answer.query) for answer in self.items)
            raise QueryError(f"No answer is called {name!r}. {nearest(name, known)}")
        return found[0] if len(found) == 1 and not found[0].at else Answers(tuple(found))

    @cached_property
    def axes(self) -> tuple[Name, ...]:
        """The nodes that a sweep runs over, where all these answers are points of sweeps over the same ones; else none."""
        found = {tuple(name for name, _ in answer.at) for answer in self.items}
        return next(iter(found)) if len(found) == 1 else ()

    @cached_property
    def at(self) -> dict[Name, AnyArray]:
        """Of each axis its value at every point, in the order of the answers: numbers, or names of levels."""
        values = [dict(answer.at) for answer in self.items]
        return {name: np.array([each[name] for each in values]) for name in self.axes}

    @cached_property
    def draws(self) -> FloatArray:
        """Every draw of every answer, (point, draw): a column is one draw of the model.

        Raises:
            QueryError: Answers of different fits, with different numbers of draws.
        """
        if len({len(answer.draws) for answer in self.items}) > 1:
            raise QueryError(
                "These answers have different numbers of draws, and so no array in common. Ask one fit for all."
            )
        return np.array([answer.draws for answer in self.items])

    @cached_property
    def means(self) -> FloatArray:
        """The posterior mean of every answer."""
        return np.array([answer.mean for answer in self.items])

    def band(self, level: float = 0.9, *, simultaneous: bool = False) -> tuple[FloatArray, FloatArray] | None:
        """Lower and upper ends of a band around the answers, one number per answer; None of one draw.

        Args:
            level: Its probability, between 0 and 1.
            simultaneous: Whether the whole curve lies in the band with that probability, rather than each point on its own.

        Raises:
            QueryError: A level that is not between 0 and 1.
        """
        return bands.band(self.draws, arguments.level(level, QueryError), simultaneous=simultaneous)

    def to_pandas(self, level: float = 0.9) -> pandas.DataFrame:
        """One row per answer.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas", "interop") from None
        header, rows = self.rows(level)
        return pandas.DataFrame([dict(zip(header, row, strict=True)) for row in rows], columns=list(header))

    def to_json(self, level: float = 0.9) -> list[dict[str, Any]]:
        """One dict per answer."""
        return [answer.to_json(level) for answer in self.items]

    def rows(self, level: float = 0.9) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """The header and one row per answer, of numbers, strings and None: what tables of any kind are made of.

        Axes of sweeps have a column each, in front; answers that stand beside others have their mean and interval.
        """
        return rows.flat_rows(self.items, level)

    def to_csv(self, path: str | Path, level: float = 0.9) -> Path:
        """Write one row per answer as CSV (UTF-8, a header, empty cells for what is not there), and return the path.

        A file that stands there is replaced once the new one is whole.

        Raises:
            DataError: The file cannot be written; says why.
        """
        return write_table(path, rows.csv_bytes(*self.rows(level)))

    def latex(self, level: float = 0.9) -> str:
        """A LaTeX table of all answers, with the packages booktabs and amssymb."""
        return latex.table(self.items, level)

    def methods(self, level: float = 0.9) -> str:
        """Paragraphs for a paper: what was asked of which model, how it was trained, and how the answers were computed.

        Args:
            level: Of the intervals that are reported.

        Raises:
            QueryError: There is no answer, or one that does not know the posterior it was asked of.
        """
        from .methods import methods_of

        return methods_of(self.items, arguments.level(level, QueryError))

    def methods_latex(self, level: float = 0.9) -> str:
        """The same paragraphs for a LaTeX file, with nothing in them that LaTeX would take for a command.

        Raises:
            QueryError: There is no answer, or one that does not know the posterior it was asked of.
        """
        return latex.prose(self.methods(level))

    def text(self, level: float = 0.9) -> str:
        """A table with a row per answer; notes and cautions below it."""
        return text.several(self.items, level)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return text.html(self.items, 0.9, pictures.inline(self, 0.9))

    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The answers as a picture; returns the matplotlib axes.

        A sweep over one node is a curve with its band, several of them over the same node share the axes; a sweep over two
        is a heat map with a second one for how uncertain it is. Anything else is a forest: each answer's point and interval.
        What stands beside an answer (seeing in place of doing, the prior alone) is drawn beside it.

        Answers in different units get a panel each; the axes returned are then those of the first, and
        `axes.figure` has them all. Save it with `axes.figure.savefig("answers.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return pictures.picture_of(self, ax, level)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_finite(item) for item in value] if isinstance(value, list) else value
