"""One term as estimators see it: the rows, what is set to which value, the outcome as a column of numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from latentdo.errors import QueryError, SupportError
from latentdo.graphs import Admg, LatentDag, Name, format_level, format_number, project, quote
from latentdo.identification import Estimand, Fixability, Forms, NotIdentified, Solution, forms_of, identify
from latentdo.query import Comparison, Distribution, Outcome, Query, Term, Value

from .sample import Column, FloatArray, Sample

COMPARE: dict[Comparison, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


@dataclass(frozen=True, eq=False)
class Task:
    """A term with its rows.

    Attributes:
        graph: The graph over the measured nodes.
        term: What is asked.
        sample: The rows; in place of a single outcome that is compared stands whether it satisfies the comparison.
        treatments: What is set, and to which number.
        solution: The formula of the term.
        is_mean: Whether the answer is the mean of the outcome's column, rather than the probability of events.
        bandwidth: Of continuous treatments, in standard deviations; None for what suits the rows.
    """

    graph: Admg
    term: Term
    sample: Sample
    treatments: Mapping[Name, float]
    solution: Solution
    is_mean: bool
    bandwidth: float | None = None

    @property
    def outcome(self) -> Name:
        """The node asked about."""
        return self.term.outcome_names[0]

    @property
    def event(self) -> tuple[Outcome, ...]:
        """The comparisons whose truth stands in the outcome's column; empty where the sample has the columns of the table."""
        return self.term.outcomes if self.is_mean and self.term.kind == "event" else ()

    @cached_property
    def forms(self) -> Forms | None:
        """The textbook forms of the effect; None where nothing is set."""
        return forms_of(self.graph, self.term) if self.term.do else None

    @cached_property
    def fixability(self) -> Fixability | None:
        """What kind of fixable the treatment is, without instruments; None where not exactly one node is set."""
        return forms_of(self._reduced[0], self.term).fixability if self.term.do else None

    @property
    def fixed(self) -> Fixability:
        """The fixability of the one treatment: only where `why_not_one_treatment` is None."""
        assert self.fixability is not None
        return self.fixability

    @property
    def instruments(self) -> tuple[Name, ...]:
        """What moves the treatment and nothing else, and is left out of the sets of `fixability`."""
        return self._reduced[1]

    @cached_property
    def _reduced(self) -> tuple[Admg, tuple[Name, ...]]:
        if len(self.treatments) != 1:
            return self.graph, ()
        (treatment,) = self.treatments
        return without_instruments(self.graph, treatment, self.term.outcome_names)

    @property
    def has_effect(self) -> bool:
        """Whether what is set causes what is asked about."""
        return self.forms is not None and self.forms.has_effect

    @cached_property
    def _estimand(self) -> Estimand:
        return Estimand(Query(self.term), (self.solution,))

    @property
    def formula(self) -> str:
        """The formula of the term as a text."""
        return self._estimand.text

    @property
    def is_sequential(self) -> bool:
        """Whether the formula is the g-formula: a product of laws, none of them a ratio of sums."""
        return self._estimand.form == "g-formula"

    @cached_property
    def why_not_one_outcome(self) -> str | None:
        """Why the term is not a mean, given nothing, of one column under values that are set; None where it is."""
        if not self.term.do:
            return f"nothing is set in {self.term}, so that there is no effect to estimate."
        if self.term.given:
            return f"it has no form for conditions after do( ), here on {', '.join(map(quote, self.term.conditions))}."
        return self.why_several_outcomes

    @property
    def why_several_outcomes(self) -> str | None:
        """Why the term is no mean of one column; None where it is."""
        names = self.term.outcome_names
        if len(names) == 1:
            return None
        return f"it has no form for events of several nodes, here {', '.join(map(quote, names))}."

    @cached_property
    def why_no_effect(self) -> str | None:
        """Why the term is no effect on one outcome; None where it is."""
        if self.why_not_one_outcome or self.has_effect:
            return self.why_not_one_outcome
        treated = ", ".join(map(quote, self.treatments))
        return f"{treated} does not cause {quote(self.outcome)}: there is nothing to adjust."

    @cached_property
    def why_not_one_treatment(self) -> str | None:
        """Why the term is no effect of one treatment on one outcome; None where it is."""
        return self.why_no_effect or (None if self.fixability is not None else "it takes one treatment.")

    @property
    def instruments_note(self) -> str:
        """The sentence for what is left out of the sets; empty where nothing is."""
        names = self.instruments
        if not names:
            return ""
        verb = "moves" if len(names) == 1 else "move"
        return f"without {', '.join(map(quote, names))}, which {verb} {', '.join(map(quote, self.treatments))} alone"

    @property
    def is_seen(self) -> bool:
        """Whether nothing is set and nothing given: a mean over the rows as they are."""
        return not self.term.do and not self.term.given

    @cached_property
    def asked(self) -> FloatArray:
        """What is averaged, one number per row: the outcome's column, or whether all that is asked about holds."""
        if self.is_mean:
            return self.sample[self.outcome].values
        return satisfied(self.sample, self.term.outcomes).astype(float)

    @cached_property
    def evidence(self) -> dict[Name, float]:
        """The conditions that are values: each node and its number."""
        return {
            item.name: number_in(self.sample, item)
            for item in self.term.given
            if item.op == "=" and item.value is not None
        }

    @cached_property
    def within(self) -> FloatArray:
        """Whether each row lies in the ranges that are given, as 1 and 0."""
        return satisfied(self.sample, self.ranges).astype(float)

    @property
    def ranges(self) -> list[Outcome]:
        """The conditions that are ranges."""
        return [item for item in self.term.given if item.op not in ("", "=") and item.value is not None]

    def set(self, env: Mapping[Name, FloatArray]) -> dict[Name, FloatArray]:
        """The env with the treatments at the values that are set."""
        ndim = max(np.ndim(values) for values in env.values())
        return {**env, **{name: np.full((1,) * ndim, value) for name, value in self.treatments.items()}}


def check_term(term: Term) -> None:
    """Raise unless estimators give such numbers.

    Raises:
        QueryError: It is no mean or probability, leaves a value open, or draws a treatment from a law.
    """
    if term.kind not in ("mean", "event"):
        raise QueryError(
            f"Estimators give means and probabilities, and {term} is neither. Ask E[ ] or P( ) of an event."
        )
    if term.is_stochastic:
        raise QueryError(f"{term} draws a treatment from a law, which no estimator here does. Set it to a value.")
    if term.open:
        name = quote(term.open[0])
        raise QueryError(f"{term} leaves {name} without a value. Estimators need one: {name}=1.")


def task_of(
    graph: LatentDag | Admg, term: Term, sample: Sample, solution: Solution | None = None
) -> Task | NotIdentified:
    """The task of a term, or the verdict that no estimator is right for it.

    Args:
        solution: Its formula, where the verdict is known already.

    Raises:
        QueryError: It is no mean or probability, leaves a value open, or draws a treatment from a law.
        SupportError: A value is no level of its column.
    """
    check_term(term)
    if solution is None:
        verdict = identify(graph, Query(term))
        if isinstance(verdict, NotIdentified):
            return verdict
        (solution,) = verdict.estimand.solutions
    for item in (*term.given, *term.outcomes):
        if item.value is not None:
            check_item(sample[item.name], item)
    check_rows(sample, term)
    treatments = {
        setting.name: level_of(sample[setting.name], setting.value)
        for setting in term.do
        if setting.value is not None and not isinstance(setting.value, Distribution)
    }
    if term.kind == "mean" and sample[term.outcome_names[0]].labels:
        raise QueryError(
            f"The levels of {term.outcome_names[0]!r} are names, which have no mean. Ask P({quote(term.outcome_names[0])} "
            f"= {format_level(sample[term.outcome_names[0]].labels[0])} | …)."
        )
    admg, is_mean = project(graph), term.kind == "mean"
    if not is_mean and is_last(admg, term):
        column = event_column(sample, term.outcomes)
        sample, is_mean = sample.with_column(column), True
    return Task(admg, term, sample, treatments, solution, is_mean)


def without_instruments(graph: Admg, treatment: Name, outcomes: Iterable[Name]) -> tuple[Admg, tuple[Name, ...]]:
    """The graph without what a treatment that shares no hidden cause has as a cause of it alone, and those nodes.

    The graph is the one over what can matter, the outcomes and their causes. The effect is the same in it, and weights that
    such nodes do not enter vary less. Of a treatment with hidden causes the same nodes may tell of these; they stay.

    Source:
        Henckel, Perković & Maathuis (2022), Graphical criteria for efficient total effect estimation, lemma 4.
    """
    above = graph.ancestors(outcomes)
    if treatment not in above:
        return graph, ()
    graph, left = graph.induced(above), list[Name]()
    while not graph.spouses(treatment):
        idle = [
            name
            for name in graph.parents(treatment)
            if graph.children(name) == (treatment,) and not graph.spouses(name) and name not in outcomes
        ]
        if not idle:
            break
        name = idle[0]
        directed = {(a, b) for a, b in graph.directed if name not in (a, b)}
        directed |= {(parent, treatment) for parent in graph.parents(name)}
        nodes = tuple(node for node in graph.nodes if node != name)
        graph = Admg(nodes, frozenset(directed), graph.bidirected)
        left.append(name)
    return graph, tuple(left)


def is_last(graph: Admg, term: Term) -> bool:
    """Whether one node is asked about that causes nothing else in the term: then whether it satisfies a comparison is
    caused by the same, and can stand in its place."""
    return len(term.outcome_names) == 1 and not graph.ancestors(term.conditions) & set(term.outcome_names)


def number_of(column: Column, value: Value) -> float:
    """The number that stands for a value in a column.

    Raises:
        SupportError: A name that is no level, or a number in a column of names.
    """
    if column.labels:
        known = ", ".join(map(format_level, column.labels))
        label = value if isinstance(value, str) else format_number(value)
        if label in column.labels:
            return float(column.labels.index(label))
        raise SupportError(
            column.name, f"{quote(column.name)} has no level {format_level(value)}. Its levels are: {known}."
        )
    if isinstance(value, str):
        raise SupportError(
            column.name, f"{quote(column.name)} is a column of numbers, and {value!r} is a name. Give a number."
        )
    return float(value)


def level_of(column: Column, value: Value) -> float:
    """The number that a column is set to.

    Raises:
        SupportError: It is no level of a column of levels.
    """
    number = number_of(column, value)
    if column.levels is not None and number not in column.levels:
        values = [column.labels[int(level)] if column.labels else level for level in column.levels]
        known = ", ".join(map(format_level, values))
        raise SupportError(
            column.name, f"No row has {quote(column.name)} = {format_level(value)}. Its values are: {known}."
        )
    return number


def check_item(column: Column, item: Outcome) -> None:
    """Refuses a comparison that says nothing of a column.

    Raises:
        SupportError: A value that is no level, or an inequality between names.
    """
    assert item.value is not None
    if column.levels is not None:
        item.check_assumed(column.labels or tuple(map(float, column.levels)))
    if item.op in ("", "="):
        level_of(column, item.value)
    elif column.labels and not column.ordered:
        known = ", ".join(map(format_level, column.labels))
        raise SupportError(
            column.name,
            f"The levels of {quote(column.name)} are names ({known}), which have no order: {item} cannot be told. Ask for "
            f"P({quote(column.name)} = {format_level(column.labels[-1])}).",
        )
    else:
        number_of(column, item.value)


def check_rows(sample: Sample, term: Term) -> None:
    """Refuses events of nodes that no row has: what is given by inequalities, and each outcome of several.

    Raises:
        SupportError: No row satisfies what is said of one node.
    """
    several = len(term.outcome_names) > 1
    for items in (term.given, term.outcomes if several else ()):
        compared = [item for item in items if item.value is not None and item.op]
        for name in dict.fromkeys(item.name for item in compared if item.op != "=" or items is term.outcomes):
            on_it, column = [item for item in compared if item.name == name], sample[name]
            check_mass(column, on_it)
            if not satisfied(sample, on_it).any():
                low, high = (format_number(float(end)) for end in (column.values.min(), column.values.max()))
                raise SupportError(
                    name,
                    f"No row has {', '.join(map(str, on_it))}: the column {quote(name)} goes from {low} to {high}. Ask for an "
                    "event that some rows have.",
                )


def number_in(sample: Sample, item: Outcome) -> float:
    """The number that a node is compared with."""
    assert item.value is not None
    return number_of(sample[item.name], item.value)


def satisfied(
    sample: Sample, items: Iterable[Outcome], env: Mapping[Name, FloatArray] | None = None
) -> npt.NDArray[np.bool_]:
    """Whether each row satisfies all comparisons; with an env, whether the values in it do."""
    holds: npt.NDArray[np.bool_] = np.ones(sample.n if env is None else 1, dtype=bool)
    for item in items:
        values = sample[item.name].values if env is None else env[item.name]
        holds = holds & COMPARE[item.op](values, number_in(sample, item))
    return holds


def check_mass(column: Column, items: Iterable[Outcome]) -> None:
    """Refuses an event that is one value of a continuous column.

    Raises:
        SupportError: It has the probability zero.
    """
    for item in items:
        if item.op == "=" and item.value is not None and column.levels is None:
            name, value = quote(column.name), format_level(item.value)
            raise SupportError(
                column.name,
                f"{name} is continuous, so that {name} = {value} has probability zero. Ask an event such as {name} > {value}.",
            )


def event_column(sample: Sample, outcomes: Sequence[Outcome]) -> Column:
    """Whether each row satisfies all comparisons, as 1 and 0, with the whole column where that has more than two levels.

    Raises:
        SupportError: No row does, or all do.
    """
    column = sample[outcomes[0].name]
    check_mass(column, outcomes)
    holds = satisfied(sample, outcomes)
    if not 0 < holds.sum() < len(holds):
        rows = "No row satisfies" if not holds.any() else "All rows satisfy"
        raise SupportError(
            column.name,
            f"{rows} {', '.join(map(str, outcomes))}, and nothing can be learned of how likely it is. Ask another event.",
        )
    whole = column if column.levels is not None and len(column.levels) > 2 else None
    return Column(column.name, holds.astype(float), np.array([0.0, 1.0]), whole=whole)
