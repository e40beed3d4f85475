"""`Answer`: one question, one number per posterior draw, and everything needed to judge it; `Answers`: several in a row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from latentdo.errors import MissingExtraError, QueryError
from latentdo.graphs import Name
from latentdo.identification import Identified, NotIdentified
from latentdo.inference import Posterior
from latentdo.query import Binary, Expression, Number, Query, Summary, Term, Value

if TYPE_CHECKING:
    import pandas

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
        """Posterior median: what is reported where the draws have no trustworthy mean."""
        return float(np.median(self.draws))

    @property
    def is_point(self) -> bool:
        """Whether there is one draw alone (`ld.Map()`), and so neither an sd nor an interval."""
        return len(self.draws) == 1

    @cached_property
    def sd(self) -> float | None:
        """Posterior standard deviation; None of one draw."""
        return None if self.is_point else float(self.draws.std(ddof=1))

    @property
    def has_mean(self) -> bool:
        """Whether the tails are light enough for the mean to mean something (k-hat at most 0.7)."""
        return self.tail_index <= 0.7

    @cached_property
    def mcse(self) -> float:
        """Monte Carlo standard error of the mean: sampling and simulation, √(sd²/ESS + e²); of one draw e alone."""
        if self.sd is None:
            return self.simulation_error
        return math.sqrt(self.sd**2 / self.ess + self.simulation_error**2) if self.ess else math.inf

    @property
    def grain(self) -> float:
        """How finely the number is printed (see `number`): no digit that another seed would change by more than a unit."""
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
        if not 0 < level < 1:
            raise QueryError(f"The level of an interval lies between 0 and 1, got {level}. Write 0.9 for 90 %.")
        if self.is_point:
            return None
        low, high = np.quantile(self.draws, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def summary(self, level: float = 0.9) -> Summary:
        """The row that tables and plots read."""
        low, high = self.interval(level) or (None, None)
        point = self.mean if self.has_mean else self.median
        standing = "" if self.identified else " [not identified]"
        standing += "" if self.converged else " [not converged]"
        standing += f" [{self.approximate}]" if self.approximate else ""
        unit = unit_of(self.query.expression)
        return Summary((self.name or str(self.query)) + standing, point, self.sd, low, high, level, unit, "lvm")

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
        }
        return {key: _finite(value) for key, value in row.items()}

    def text(self, level: float = 0.9) -> str:
        """One line with the number, its interval and its standing; warnings below it."""
        interval, shown = self.interval(level), self.grain
        point = f"{number(self.mean, shown)}" if self.has_mean else f"median {number(self.median, shown)}"
        standing = ["identified" if self.identified else "NOT nonparametrically identified"]
        if interval is None:
            spread = "no interval: one draw"
        else:
            spread = f"{100 * level:g} % interval {' to '.join(number(end, shown) for end in interval)}"
            judged = f"{'converged' if self.converged else 'NOT converged'} (R-hat {self.rhat or 0:.2f})"
            standing.append(f"ESS {self.ess:.0f}" if self.rhat is None else judged)
        if self.approximate:
            standing.append(f"APPROXIMATE ({self.approximate})")
        line = f"{point}  ({spread})   {' · '.join(standing)}"
        return "\n".join([line, *(f"  caution: {warning}" for warning in self.warnings)])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"{self.query} = {self.text()}"

    def _repr_html_(self) -> str:
        return Answers((self,))._repr_html_()

    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """The answer as a point with its interval; returns the matplotlib axes."""
        return Answers((self,)).plot(ax, level=level)


@dataclass(frozen=True, eq=False)
class Answers(Sequence[Answer]):
    """Answers in the order asked."""

    items: tuple[Answer, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Answers: ...
    def __getitem__(self, index: int | slice) -> Answer | Answers:
        return Answers(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.items)

    def to_pandas(self, level: float = 0.9) -> pandas.DataFrame:
        """One row per answer.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas", "interop") from None
        rows = []
        for answer in self.items:
            low, high = answer.interval(level) or (None, None)
            row = {key: value for key, value in answer.to_json(level).items() if key != "interval"}
            rows.append({**row, "lower": low, "upper": high, "warnings": "; ".join(answer.warnings)})
        return pandas.DataFrame(rows)

    def to_json(self, level: float = 0.9) -> list[dict[str, Any]]:
        """One dict per answer."""
        return [answer.to_json(level) for answer in self.items]

    def __str__(self) -> str:
        header, rows = self._table()
        widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)
        ]
        cautions = [f"  caution{where}: {warning}" for warning, where in self._cautions()]
        return "\n".join([*(line.rstrip() for line in lines), *cautions])

    def _table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings and rows; a column for what approximate answers are, where there are any."""
        header = ("query", "mean", "sd", "90 % interval", "MCSE", "R-hat", "ESS", "identified")
        rows = [_row(answer) for answer in self.items]
        if not any(answer.approximate for answer in self.items):
            return header, rows
        return (*header, "APPROXIMATE"), [
            (*row, answer.approximate or "–") for row, answer in zip(rows, self.items, strict=True)
        ]

    def _cautions(self) -> list[tuple[str, str]]:
        """Each caution once, with the answers it belongs to unless it belongs to all."""
        found: dict[str, list[Answer]] = {}
        for answer in self.items:
            for warning in answer.warnings:
                found.setdefault(warning, []).append(answer)
        return [
            (
                warning,
                ""
                if len(owners) == len(self.items)
                else " (" + "; ".join(a.name or str(a.query) for a in owners) + ")",
            )
            for warning, owners in found.items()
        ]

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        header, rows = self._table()
        head = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in header)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        cautions = "".join(f"<li>caution{escape(where)}: {escape(warning)}</li>" for warning, where in self._cautions())
        notes = f"<ul>{cautions}</ul>" if cautions else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    def plot(self, ax: Any = None, *, level: float = 0.9) -> Any:
        """A forest plot: each answer's point and interval; returns the matplotlib axes.

        Answers in different units get a panel each; the axes returned are then those of the first, and
        `axes.figure` has them all. Save it with `axes.figure.savefig("answers.png")`.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from latentdo.plots import forest

        kinds = ", ".join(dict.fromkeys(answer.approximate for answer in self.items if answer.approximate))
        return forest(
            [answer.summary(level) for answer in self.items],
            ax=ax,
            xlabel=f"posterior estimate and {100 * level:g} % interval",
            title=f"APPROXIMATE: {kinds}" if kinds else "",
        )


def unit_of(expression: Expression) -> str:
    """What a number is counted in: the outcome's units, a probability, a difference of either, or a ratio."""
    match expression:
        case Term(kind="mean", outcomes=outcomes):
            return f"units of {outcomes[0].name}"
        case Term():
            return "probability"
        case Number():
            return ""
        case Binary(op=op, left=left, right=right):
            a, b = unit_of(left), unit_of(right)
            if not a or not b:
                return (a or b) if op != "/" or not b else "ratio"
            if op in "+-" and a.removeprefix("difference in ") == b.removeprefix("difference in "):
                return f"difference in {a.removeprefix('difference in ')}" if op == "-" else a
            return "ratio" if op == "/" and a == b else "number"


def _row(answer: Answer) -> tuple[str, ...]:
    interval, shown = answer.interval(), answer.grain
    point = number(answer.mean, shown) if answer.has_mean else f"median {number(answer.median, shown)}"
    return (
        f"{answer.name}: {answer.query}" if answer.name else str(answer.query),
        point,
        "–" if answer.sd is None else number(answer.sd, answer.sd),
        "–" if interval is None else " to ".join(number(end, shown) for end in interval),
        f"{answer.mcse:.2g}",
        "–" if answer.rhat is None else f"{answer.rhat:.3f}",
        f"{answer.ess:.0f}",
        "yes" if answer.identified else "NO",
    )


def number(value: float, spread: float) -> str:
    """A number with as many digits as its spread gives meaning: two of the spread."""
    if not math.isfinite(value):
        return str(value)
    # Without a spread, or with one that is rounding, six digits; z, so that nothing is printed as -0.00.
    if not math.isfinite(spread) or abs(spread) <= 1e-12 * abs(value):
        return f"{value:z.6g}"
    decimals = 1 - math.floor(math.log10(abs(spread))) if spread else 0
    if decimals < 12 and abs(value) < 1e12:
        return f"{value:z.{max(0, decimals)}f}"
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(15, max(2, size + decimals + 1))}g}"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_finite(item) for item in value] if isinstance(value, list) else value
