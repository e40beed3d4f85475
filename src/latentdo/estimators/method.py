"""What all methods have in common: a name, whether the graph lets them answer, the fit, and what they make of a term."""

from __future__ import annotations

import abc
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias, TypeVar

from latentdo.errors import QueryError
from latentdo.extensions import ESTIMATORS, blamed, enter, guard
from latentdo.graphs import Name, quote
from latentdo.query import Summary
from latentdo.sheet import through_infinity

from .nuisances import CrossFitted, Nuisances
from .sample import FloatArray, IntArray
from .task import Task

Law: TypeAlias = tuple[Name, tuple[Name, ...]]
"""A node, and what it is given."""


@dataclass(frozen=True)
class Yes:
    """The method answers the term.

    Attributes:
        sets: The sets of nodes that it uses, by short names for programs.
        note: The same for people, and what else is to be known.
        same_as: The method that it is here, where it is another one under its own name.
    """

    sets: Mapping[str, tuple[Name, ...]] = field(default_factory=dict)
    note: str = ""
    same_as: str = ""


def set_note(words: str, names: Iterable[Name]) -> str:
    """A set of nodes with what it is for: `adjustment {W, Z}`."""
    return f"{words} {{{', '.join(map(quote, names))}}}"


def same_note(method: str) -> str:
    """The words for a row that is the computation of another method: that both agree says nothing."""
    return f"here the same as {method}"


@dataclass(frozen=True)
class No:
    """The method does not answer the term, and why."""

    reason: str


@dataclass(frozen=True, eq=False)
class Result:
    """A method's number for one term, one per replicate.

    Attributes:
        values: (replicate,).
        influence: The uncentred influence function of the first replicate, one number per row, whose mean is the
            estimate; None where the method has none and its interval comes from the bootstrap.
        effective: The effective number of rows behind the weights; None without weights.
        trimmed: Rows whose weight was cut.
        whole: What the first replicate would be if no weight had been cut; None where that does not matter.
        notes: What has to be known to read the number: sets, bandwidths.
        cautions: What may be wrong with it.
        rate: The power of the number of rows with which its error shrinks: 1/2, with a kernel 2/5.
        size: The most numbers per replicate that were held at once; 0 for a few per row.
        laws: The laws of a node given others that it was made from.
    """

    values: FloatArray
    influence: FloatArray | None = None
    effective: float | None = None
    trimmed: int = 0
    whole: float | None = None
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    size: int = 0
    rate: float = 0.5
    laws: tuple[Law, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """One method's answer to a question; without `estimate` the method does not apply, and the note says why.

    Attributes:
        method: The method's name.
        estimate: The number.
        sd: Its standard error.
        lower: The lower end of the interval.
        upper: The upper end.
        level: The interval's probability.
        seconds: How long it took; fits that methods share are counted where they were made.
        applies: Whether the method answers the question.
        note: Sets, bandwidth, where the interval comes from; or why the method does not apply.
        cautions: What may be wrong with the number, one sentence each.
        effective: The effective number of rows behind the weights: (Σw)² / Σw², the least of the query's terms.
        trimmed: Rows whose weight was cut.
        sets: The sets of nodes that the method used, by what they are for.
        interval: `influence function`, `bootstrap`, or empty.
        unit: The unit of the outcome.
        same_as: The method whose number this is, under another name; empty where it is one of its own.
        laws: The laws of a node given others that it was made from.
        moves: How far the number moves where the rows get other weights, those of all methods and of `row_weights`; None where
            that is not known.
    """

    method: str
    estimate: float | None
    sd: float | None = None
    lower: float | None = None
    upper: float | None = None
    level: float = 0.9
    seconds: float = 0.0
    applies: bool = True
    note: str = ""
    cautions: tuple[str, ...] = ()
    effective: float | None = None
    trimmed: int = 0
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interval: str = ""
    unit: str | None = None
    same_as: str = ""
    laws: tuple[Law, ...] = ()
    moves: FloatArray | None = field(default=None, repr=False, compare=False)

    @staticmethod
    def without(method: AbstractMethod, level: float, reason: str) -> Estimate:
        """The row of a method that does not answer, with the reason."""
        return Estimate(method.name, None, level=level, applies=False, note=reason)

    @property
    def summary(self) -> Summary:
        """The row that plots and tables read."""
        return Summary(self.method, self.estimate, self.sd, self.lower, self.upper, self.level, self.unit, self.method)


def turned_over(row: Estimate) -> Estimate:
    """1 over the estimate, as a number needed to treat is 1 over a risk difference; the error by the delta method."""
    if not row.estimate:
        reason = "no number: the risk difference is 0" if row.estimate is not None else row.note
        return replace(row, estimate=None, sd=None, lower=None, upper=None, note=reason, moves=None)
    slope = -1.0 / row.estimate**2
    note, lower, upper = row.note, row.lower, row.upper
    sd = None if row.sd is None else -slope * row.sd
    if lower is not None and upper is not None:
        ends = tuple(1.0 / end if end else math.inf for end in (lower, upper))
        if lower <= 0 <= upper:
            gap = (-abs(ends[0]), ends[1])
            note = "; ".join(filter(None, [f"interval {through_infinity(gap, sd or gap[1])}", note]))
            lower, upper = None, None
        else:
            upper, lower = ends
    moves = None if row.moves is None else slope * row.moves
    return replace(row, estimate=1.0 / row.estimate, sd=sd, lower=lower, upper=upper, note=note, moves=moves)


class Fits:
    """The nuisance models of one set of replicates, shared by all methods that ask for them.

    Attributes:
        plain: Fitted to all rows.
        weights: (replicate, row).
        kept: What methods made for one term and need for another.
    """

    def __init__(self, plain: Nuisances, folds: IntArray) -> None:
        self.plain, self._folds = plain, folds
        self.kept: dict[Any, FloatArray] = {}

    @property
    def weights(self) -> FloatArray:
        """The weights of the rows, (replicate, row)."""
        return self.plain.weights

    @cached_property
    def crossed(self) -> CrossFitted:
        """Fitted for each row to the rows of other folds."""
        return self.plain.crossfitted(self._folds)


class AbstractMethod(abc.ABC):
    """An estimator of one term. One of your own is a class in one file, made known by `register`.

    Attributes:
        name: What tables call it, and what `methods=` takes.
        place: Where it stands in tables: those with smaller numbers above it.
        is_baseline: Whether it says what seeing says in place of doing, so that nobody should take it for an answer.
    """

    name: ClassVar[str]
    place: ClassVar[int] = 1000
    is_baseline: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        guard(cls, AbstractMethod, "estimator", {"applies": (Yes, No), "fit": (Result,)})

    @property
    def columns(self) -> frozenset[Name]:
        """The nodes that it needs as columns, beside what is named in a question and its causes."""
        return frozenset()

    def adjusting_for(self, nodes: frozenset[Name], note: str) -> AbstractMethod | None:
        """The method with an adjustment set that a user chose; None of one that takes none, or has its own."""
        return None

    @abc.abstractmethod
    def applies(self, task: Task) -> Yes | No:
        """Whether the graph lets the method answer the term."""

    @abc.abstractmethod
    def fit(self, task: Task, fits: Fits, sets: Mapping[str, tuple[Name, ...]]) -> Result:
        """The number, one per replicate, with the sets that `applies` found."""


_Method = TypeVar("_Method", bound=AbstractMethod)


def register(method: type[_Method]) -> type[_Method]:
    """Make a method known by its `name`; usable as a class decorator. It has to be made without arguments.

    Raises:
        QueryError: A class that is no method, one that lacks something or states what cannot be, or a name that is taken.
    """
    if not isinstance(method, type) or not issubclass(method, AbstractMethod):
        raise QueryError(f"A method is a class derived from AbstractMethod, got {method!r}.")
    lacking = [] if hasattr(method, "name") else ["name"]
    lacking += sorted(method.__abstractmethods__)
    if lacking:
        raise QueryError(f"The method {method.__name__} lacks {', '.join(lacking)}. Define them in the class.")
    for attribute, expected in _misstated(method):
        raise QueryError(
            f"The method {method.__name__} has {attribute} = {getattr(method, attribute)!r}; expected: {expected}. Correct it in "
            "the class."
        )
    with blamed(method, "__init__", "estimator"):
        method()
    return enter(ESTIMATORS, method, "method", QueryError)


def _misstated(method: type[AbstractMethod]) -> Iterator[tuple[str, str]]:
    """Each attribute of a method that states what cannot be, with what is expected in its place."""
    name = method.name
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name or set(name) & set(",`"):
        yield "name", "a text without commas and backticks, as it is typed behind --methods"
    elif name == "lvm":
        yield "name", "another name: lvm is the latent variable model"
    if not isinstance(method.place, int | float) or not math.isfinite(method.place):
        yield "place", "a number, by which the rows of tables are ordered"
    if not isinstance(method.is_baseline, bool):
        yield "is_baseline", "True or False"


def registered() -> tuple[AbstractMethod, ...]:
    """The methods that are known, each with its defaults, in the order in which tables show them."""
    return tuple(sorted((method() for method in ESTIMATORS.values()), key=lambda method: method.place))
