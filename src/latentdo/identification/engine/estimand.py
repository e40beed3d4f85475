"""`Estimand`: the formula in P(V) that answers a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from latentdo.errors import QueryError
from latentdo.graphs import Name
from latentdo.query import Query, Term

from ..criteria.districts import Trace
from .reduction import Problem

if TYPE_CHECKING:
    from .construct import Formula
    from .evaluate import Law
    from .expression import Expression
    from .scripts import Mark
    from .simplify import Plan


@dataclass(frozen=True)
class Solution:
    """What the verdict found for one term: enough to write its formula, which is done on first use."""

    term: Term
    problem: Problem
    traces: tuple[Trace, ...]

    @cached_property
    def _written(self) -> tuple[Plan, Formula]:
        from .construct import construct  # a verdict alone does not pay for its formula
        from .simplify import plans_of

        written: list[tuple[Plan, Formula]] = []
        for plan in plans_of(self.problem, self.traces):
            formula = construct(self.problem, plan)
            if formula.merged:
                plain = replace(plan, merges=False)
                written.append((plain, construct(self.problem, plain)))
            written.append((plan, formula))
        # Of equally short ones the first.
        return written[0] if len(written) == 1 else min(written, key=lambda pair: pair[1].length)

    @property
    def plan(self) -> Plan:
        """How the formula of the term is written."""
        return self._written[0]

    @property
    def formula(self) -> Formula:
        """The formula of the term."""
        return self._written[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return Solution, (self.term, self.problem, self.traces)


@dataclass(frozen=True)
class Estimand:
    """A formula in the observed law P(V), correct for every positive P(V) that the graph allows.

    Attributes:
        query: What it answers.
        solutions: One for each term of the query, in order.
    """

    query: Query
    solutions: tuple[Solution, ...]

    @cached_property
    def text(self) -> str:
        """The formula in one line; bound copies are primed, `for any R` says that the value is free of R."""
        from .render import text

        return text(self.query, self._formulas, self.sets)

    @cached_property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        from .render import latex

        return latex(self.query, self._formulas, sets=self.sets)

    def marked_latex(self, mark: Mark) -> str:
        """The formula in LaTeX, each node as `mark(name, latex)` wraps it, so that a page can tell which it is."""
        from .render import latex

        return latex(self.query, self._formulas, mark, self.sets)

    @cached_property
    def sets(self) -> dict[str, frozenset[Name]]:
        """What the letters stand for by which the printed formula abbreviates large sets of nodes; most have none."""
        from .render import sets_of

        nodes = {name for solution in self.solutions for name in solution.problem.masks.names}
        return sets_of(self.query, tuple(self._formulas.values()), nodes)

    @cached_property
    def free(self) -> tuple[Name, ...]:
        """The nodes that the formula mentions but does not depend on: any value of theirs will do."""
        return tuple(sorted({name for formula in self._formulas.values() for name in formula.free}))

    @cached_property
    def terms(self) -> tuple[Estimand, ...]:
        """One estimand for each term of the query, in order, equal terms once."""
        return tuple(Estimand(Query(solution.term), (solution,)) for solution in self.solutions)

    @cached_property
    def form(self) -> str:
        """The textbook's name of the formula; of several terms, each different name once.

        `no effect`, `seeing is doing`, `back-door`, `front-door`, `conditional front-door`, `g-formula`, `ratio` (as the
        napkin's) or `general formula`; `experiment` where an experiment shows the answer, `experiment and formula` where
        the formula uses one.
        """
        from .simplify import name_of

        names = (
            name_of(solution.problem, solution.plan, has_ratio=solution.formula.has_ratio)
            for solution in self.solutions
        )
        return ", ".join(dict.fromkeys(names))

    @property
    def proof_size(self) -> int:
        """How many laws the proof takes apart, one by one: its steps are a few times as many, its time grows faster."""
        traces = [trace for solution in self.solutions for trace in solution.plan.traces]
        return sum(joined.bit_count() for trace in traces for joined, _ in trace.steps)

    @property
    def expression(self) -> Expression:
        """The formula as a value: the law of the outcomes, and of evidence where that is an event."""
        return self._single("expression").formula.expression

    def evaluate(
        self,
        joint: Any,
        names: Sequence[Name],
        experiments: Mapping[Name | tuple[Name, ...], tuple[Any, Sequence[Name]]] | None = None,
    ) -> Law:
        """The law of the term's outcomes, for every value of treatments and conditions, from a finite P(V).

        Args:
            joint: The observed law, one axis per name; further nodes are summed out.
            names: The axes of `joint`.
            experiments: For each experiment that the formula uses, by the nodes that it sets, a pair: P(V | do(those nodes))
                as an array, and its axes. For each value of the nodes that are set the array sums to one; where such
                a value was never tried, all its cells are NaN.

        Raises:
            DataError: The joint is no probability table over `names`, or lacks a node; an experiment is missing, or its
                table is none.
            QueryError: The query has several terms; evaluate those of `.terms`. Or `names` are no names.
        """
        from .evaluate import evaluate  # a verdict alone does not pay for it

        solution = self._single("evaluate")
        return evaluate(solution.term, solution.formula, joint, names, experiments)

    @cached_property
    def experiments(self) -> tuple[tuple[Name, ...], ...]:
        """What is set in each experiment that the formula uses; none where P(V) alone gives the answer."""
        laws = (law for formula in self._formulas.values() for law in formula.laws)
        return tuple(sorted({law.do for law in laws if law.do}))

    @cached_property
    def _formulas(self) -> dict[Term, Formula]:
        return {solution.term: solution.formula for solution in self.solutions}

    def _single(self, wanted: str) -> Solution:
        if len(self.solutions) != 1:
            raise QueryError(
                f"`{wanted}` takes one term, and {self.query} has {len(self.solutions)}. "
                f"Use it on each of `estimand.terms`."
            )
        return self.solutions[0]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Estimand: {self.query} = {self.text}>"

    def _repr_html_(self) -> str:
        from latentdo.sheet import web  # a verdict alone does not pay for it

        return web.styled(f"<p>{web.typeset(self.latex, self.text)}</p>")

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __reduce__(self) -> tuple[Any, ...]:
        return Estimand, (self.query, self.solutions)
