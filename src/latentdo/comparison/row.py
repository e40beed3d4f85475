"""`ComparisonRow`: what one method says of one question, with all that is needed to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from latentdo.answers import Answer, Scale, one_for_all
from latentdo.arrays import FloatArray
from latentdo.estimators import Estimate, baselines
from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Identified, NotIdentified
from latentdo.inference import Posterior
from latentdo.query import Query, Summary, Value
from latentdo.sheet import finite, in_braces, number, through_infinity

LVM = "lvm"
CORRECTED = "lvm, corrected"
NOT_IDENTIFIED = "not identified"
NOT_CONVERGED = "not converged"


@dataclass(frozen=True, eq=False)
class Question:
    """One question that methods are compared on: of a sweep one point, of a law one level.

    Attributes:
        query: What is asked.
        verdict: Whether it is identified, with formula or hedge.
        scale: What the number is, and in which unit.
        name: The study's name of the question, or None.
        at: Of a point of a sweep, its place: each axis and its value.
        source: Of a point of a sweep, the whole sweep.
    """

    query: Query
    verdict: Identified | NotIdentified
    scale: Scale
    name: str | None = None
    at: tuple[tuple[Name, Value], ...] = ()
    source: Query | None = None

    @property
    def place(self) -> str:
        """`X=1, Z=0` of a point of a sweep, else empty."""
        return ", ".join(f"{quote(name)}={format_level(value)}" for name, value in self.at)

    @property
    def label(self) -> str:
        """What it is called: its name, of a point of a sweep with the place, or else the question."""
        if self.name is None:
            return str(self.query)
        return f"{self.name} at {self.place}" if self.at else self.name


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonRow:
    """One method's answer to one question; without `estimate` there is no number, and the note says why.

    Attributes:
        method: The method's name: `lvm` for the latent variable model.
        estimate: The number, in the query's own units.
        sd: Its standard error; of the model the posterior standard deviation.
        lower: The lower end of the interval.
        upper: The upper end.
        level: The interval's probability.
        seconds: How long it took: of the model, asking; how long training took stands in the note.
        applies: Whether the method answers the question.
        note: Sets, bandwidth, where the interval comes from; of the model engine and diagnostics; or why there is no number.
        question: What was asked, with its verdict, scale and place.
        warnings: What may be wrong with the number, one sentence each.
        effective: The effective number of rows behind the weights: (Σw)² / Σw².
        trimmed: Rows whose weight was cut.
        sets: The sets of nodes that the method used, by what they are for.
        interval: `posterior` or what stands in for it, `influence function`, `bootstrap`, or empty.
        answer: Of the model, the whole answer with its draws.
        same_as: The method that it is here, under another name.
        laws: The laws of a node given others that a rival was made from.
        moves: How far the number moves where the rows get other weights, the same ones for every method.
    """

    method: str
    estimate: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    level: float
    seconds: float
    applies: bool
    note: str
    question: Question
    warnings: tuple[str, ...] = ()
    effective: float | None = None
    trimmed: int = 0
    sets: Mapping[str, tuple[Name, ...]] = field(default_factory=dict)
    interval: str = ""
    answer: Answer | None = field(default=None, repr=False)
    same_as: str = ""
    laws: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    moves: FloatArray | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        if self.estimate is None:
            return f"<{self.method} of {self.query}: no number. {self.note}>"
        fine = self.sd or 0.0
        parts = [f"{number(self.estimate, fine)}{f' {self.unit}' if self.unit else ''}"]
        parts += [f"SE {number(self.sd, fine)}"] if self.sd is not None else []
        if self.lower is not None and self.upper is not None:
            parts.append(f"{100 * self.level:g} % interval {number(self.lower, fine)} to {number(self.upper, fine)}")
        return f"<{self.method} of {self.query}: {', '.join(parts)}>"

    @property
    def query(self) -> Query:
        """The question."""
        return self.question.query

    @property
    def name(self) -> str | None:
        """The study's name of the question, or None."""
        return self.question.name

    @property
    def at(self) -> tuple[tuple[Name, Value], ...]:
        """Of a point of a sweep, its place: each axis and its value."""
        return self.question.at

    @property
    def scale(self) -> Scale:
        """What the number is, and in which unit."""
        return self.question.scale

    @property
    def unit(self) -> str | None:
        """What the number is counted in; None of a pure number."""
        return self.scale.unit

    @property
    def identified(self) -> bool:
        """Whether the question is identified from the measured nodes."""
        return self.question.verdict.identified

    @property
    def is_baseline(self) -> bool:
        """Whether the method says what seeing says in place of doing: a baseline, and no rival."""
        return self.method in baselines()

    @property
    def kind(self) -> Literal["lvm", "naive", "rival"]:
        """Whether it is the model, a baseline or a rival: what pictures draw apart."""
        return "lvm" if self.method == LVM else "naive" if self.is_baseline else "rival"

    def label(self, *, alone: bool) -> str:
        """The method's name; where it is not alone, because there is a row for each adjustment set, with the set."""
        if alone or not self.sets:
            return self.method
        return f"{self.method} {in_braces(map(quote, next(iter(self.sets.values()))))}"

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the number of the model must not be taken for: `not identified`, `not converged`, the approximation's name."""
        if self.answer is None:
            return ()
        doubts = ("" if self.identified else NOT_IDENTIFIED, "" if self.answer.converged else NOT_CONVERGED)
        return tuple(filter(None, (*doubts, self.answer.approximate)))

    @property
    def summary(self) -> Summary:
        """The row that plots and tables read."""
        return Summary(
            self.method + "".join(f" [{doubt}]" for doubt in self.doubts),
            self.estimate,
            self.sd,
            self.lower,
            self.upper,
            self.level,
            self.unit,
            self.kind,
            str(self.scale),
            self.scale.null,
        )

    def to_json(self) -> dict[str, Any]:
        """The row as plain numbers and strings, with null for what is not there."""
        row = {
            "query": str(self.query),
            "name": self.name,
            "method": self.method,
            "estimate": self.estimate,
            "sd": self.sd,
            "lower": self.lower,
            "upper": self.upper,
            "level": self.level,
            "seconds": self.seconds,
            "applies": self.applies,
            "note": self.note,
            "warnings": list(self.warnings),
            "identified": self.identified,
            "interval": self.interval or None,
            "effective": self.effective,
            "trimmed": self.trimmed,
            "sets": {purpose: list(names) for purpose, names in self.sets.items()},
            "scale": self.scale.name,
            "unit": self.unit,
            "at": dict(self.at) or None,
        }
        checked: dict[str, Any] = finite(row)
        return checked

    def record(self) -> dict[str, Any]:
        """The row as plain numbers and strings without lists, for CSV files and data frames."""
        sets = (f"{purpose} {in_braces(map(quote, names))}" for purpose, names in self.sets.items())
        flat = {key: value for key, value in self.to_json().items() if key not in ("warnings", "sets", "at")}
        return {**flat, "sets": "; ".join(sets), "warnings": " ".join(self.warnings)}


def row_of_estimate(question: Question, estimate: Estimate) -> ComparisonRow:
    """The row of a rival or a baseline."""
    return ComparisonRow(
        method=estimate.method,
        estimate=estimate.estimate,
        sd=estimate.sd,
        lower=estimate.lower,
        upper=estimate.upper,
        level=estimate.level,
        seconds=estimate.seconds,
        applies=estimate.applies,
        note=estimate.note,
        question=question,
        warnings=estimate.cautions,
        effective=estimate.effective,
        trimmed=int(estimate.trimmed),
        sets=estimate.sets,
        interval=estimate.interval,
        same_as=estimate.same_as,
        laws=estimate.laws,
        moves=estimate.moves,
    )


def row_of_answer(question: Question, answer: Answer, level: float, seconds: float) -> ComparisonRow:
    """The row of the latent variable model.

    Args:
        seconds: How long asking took.
    """
    lower, upper = answer.interval(level) or (None, None)
    gap = answer.gap(level)
    lower, upper = (None, None) if gap is not None else (lower, upper)
    return ComparisonRow(
        method=LVM,
        estimate=answer.point,
        sd=answer.sd,
        lower=lower,
        upper=upper,
        level=level,
        seconds=seconds,
        applies=True,
        note=_note(answer) if gap is None else f"interval {through_infinity(gap, answer.rounding)}; {_note(answer)}",
        question=question,
        warnings=answer.warnings,
        interval="" if answer.is_point else answer.approximate or "posterior",
        answer=answer,
    )


def trained_by(posterior: Posterior) -> str:
    """How the blocks of a model were trained, in words: `ensemble HMC and importance sampling`."""
    heads = dict.fromkeys(_HEADS.get(block.method.kind, str(block.method)) for block in posterior.blocks)
    # What has nothing to learn says nothing, unless there is nothing else.
    words = [head for head in heads if head != _FIXED] or list(heads)
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


_FIXED = "fixed parameters"
_HEADS = {
    "ensemble HMC": "ensemble HMC",
    "importance sampling": "importance sampling",
    "conjugate": "exact draws",
    "least squares": "least squares without noise",
    "fixed": _FIXED,
    "NUTS": "NUTS",
    "SVI": "SVI",
    "Laplace": "Laplace approximation",
    "mode": "posterior mode",
}


def _note(answer: Answer) -> str:
    """How it was trained, how well, and how long that took."""
    posterior = answer.posterior
    assert posterior is not None
    parts = (
        [] if answer.identified else ["NOT nonparametrically identified: rests on the prior and the functional form"]
    )
    if answer.is_median:
        parts.append("median of the draws")
    trained = trained_by(posterior)
    parts += [] if trained == answer.approximate else [trained]
    parts += ["one draw" if answer.is_point else f"{len(answer.draws):,} draws"]
    if answer.approximate:
        parts.append(f"APPROXIMATE ({answer.approximate})")
    if not answer.is_point:
        parts += [] if answer.rhat is None else [f"R-hat {answer.rhat:.3f}"]
        parts.append(f"ESS {answer.ess:,.0f}")
    parts += [f"MCSE {answer.mcse:.2g}", f"trained in {posterior.seconds:.3g} s"]
    alike = one_for_all(posterior.spec, answer.query.expression)
    return "; ".join([*parts, *answer.notes, *([alike] if alike else [])])
