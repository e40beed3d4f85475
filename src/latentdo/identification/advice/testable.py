"""`testable_implications`: what data can contradict, as values to read, print and test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from latentdo.graphs import Admg, LatentDag, Mask, Masks, Name, project, quote
from latentdo.query import Outcome, Query, Term
from latentdo.sheet import AbstractShown, Note, Sheet

from ..engine import render
from ..engine.construct import Formula
from ..engine.evaluate import tabulate
from ..engine.expression import Expression
from ..engine.scripts import Mark
from .implications import all_separations, instrument_triples, local_markov, separable_pairs, verma_constraints

# With bidirected edges the basis can be exponentially long; more than this many statements nobody reads or tests.
MAX_BASIS = 10_000
# So many independences are printed; the value has all.
MOST_PRINTED = 100


@dataclass(frozen=True)
class Independence:
    """Nodes that are independent of others given a third set, in every law that the graph allows.

    Attributes:
        first: One side.
        second: The other.
        given: What is held fixed.
    """

    first: tuple[Name, ...]
    second: tuple[Name, ...]
    given: tuple[Name, ...] = ()

    def __str__(self) -> str:
        given = f" | {_names(self.given)}" if self.given else ""
        return f"{_names(self.first)} ⊥⊥ {_names(self.second)}{given}"

    @property
    def latex(self) -> str:
        """The statement in LaTeX, without dollar signs."""
        first, second, given = map(render.latex_names, (self.first, self.second, self.given))
        return rf"{first} \perp\!\!\!\perp {second}" + (rf" \mid {given}" if given else "")

    def to_json(self) -> dict[str, object]:
        """The three sets as lists."""
        return {"first": list(self.first), "second": list(self.second), "given": list(self.given)}


@dataclass(frozen=True)
class VermaConstraint:
    """A formula in P(V) whose value does not depend on nodes that it mentions.

    Attributes:
        nodes: The nodes whose law, after interventions on the others, the formula is.
        free: The nodes that it must not depend on.
        expression: The formula as a value.
    """

    nodes: tuple[Name, ...]
    free: tuple[Name, ...]
    expression: Expression

    @cached_property
    def text(self) -> str:
        """The formula in one line."""
        return render.text(*self._printable, self._sets)

    @cached_property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        return render.latex(*self._printable, None, self._sets)

    def marked_latex(self, mark: Mark) -> str:
        """The formula in LaTeX, each node as `mark(name, latex)` wraps it."""
        return render.latex(*self._printable, mark, self._sets)

    @property
    def statement_latex(self) -> str:
        """The constraint in LaTeX, without dollar signs."""
        return rf"{self.latex} \text{{ does not depend on }} {render.latex_names(self.free)}"

    def evaluate(self, joint: Any, names: Sequence[Name]) -> Any:
        """The value of the formula for every value of what it mentions: an axis per name, of length one where it is constant.

        Args:
            joint: A probability table with an axis per name.
            names: The nodes of its axes.
        """
        return tabulate(self.expression, {(): joint}, {name: place for place, name in enumerate(names)})

    @property
    def _printable(self) -> tuple[Query, dict[Term, Formula]]:
        term = Term("law", tuple(map(Outcome, self.nodes)))
        return Query(term), {term: Formula(self.expression, None, ())}

    @property
    def _sets(self) -> render.Sets:
        query, formulas = self._printable
        return render.sets_of(query, tuple(formulas.values()), self.nodes)

    def __str__(self) -> str:
        return f"{self.text} does not depend on {_names(self.free)}"

    def to_json(self) -> dict[str, object]:
        """The formula as text and LaTeX, and the nodes that it is free of."""
        return {"formula": self.text, "latex": self.latex, "nodes": list(self.nodes), "free_of": list(self.free)}


@dataclass(frozen=True)
class InstrumentalInequality:
    """What an instrument implies where the treatment has levels: for each x, Σ_y max_z P(x, y | z) ≤ 1.

    Attributes:
        instrument: What moves the treatment.
        treatment: What the instrument acts through; it has levels, or the inequality says nothing.
        outcome: What the treatment acts on; of numbers any partition will do.
    """

    instrument: Name
    treatment: Name
    outcome: Name

    @property
    def names(self) -> tuple[Name, ...]:
        """The three nodes."""
        return self.instrument, self.treatment, self.outcome

    def __str__(self) -> str:
        z, x, y = map(quote, self.names)
        return f"Σ_{y} max_{z} P({x}, {y} | {z}) ≤ 1"

    @property
    def latex(self) -> str:
        """The inequality in LaTeX, without dollar signs."""
        z, x, y = (render.latex_names((name,)) for name in self.names)
        return rf"\sum_{{{y}}} \max_{{{z}}} P({x}, {y} \mid {z}) \le 1"

    def to_json(self) -> dict[str, object]:
        """The three nodes by their part."""
        return {"instrument": self.instrument, "treatment": self.treatment, "outcome": self.outcome}


@dataclass(frozen=True)
class TestableImplications(AbstractShown):
    """What a graph says of P(V) that data can contradict.

    Attributes:
        graph: The graph over the measured nodes.
    """

    graph: Admg
    _masks: Masks = field(repr=False, compare=False)
    __test__ = False  # what pytest would otherwise collect, for its name

    @cached_property
    def independences(self) -> tuple[Independence, ...]:
        """One for every pair that some set separates, given such a set that no node can be left out of.

        A pair that no edge joins may be missing: where a latent cause makes every set fail.
        """
        return tuple(self._independence(1 << i, 1 << j, given) for i, j, given in separable_pairs(self._masks))

    @cached_property
    def basis(self) -> tuple[Independence, ...]:
        """The ordered local Markov property, which implies every independence of the graph.

        Its statements often have several nodes on the second side. `is_complete` says whether it was cut.
        """
        return self._basis[:MAX_BASIS]

    @property
    def is_complete(self) -> bool:
        """Whether the basis is whole, and not cut after 10,000 statements."""
        return len(self._basis) <= MAX_BASIS

    @cached_property
    def verma(self) -> tuple[VermaConstraint, ...]:
        """The constraints that no independence implies: one for each pair that only interventions separate.

        They are part of what the nested Markov model says, and pairwise as the independences are.
        """
        nodes = self._masks.nodes
        return tuple(
            VermaConstraint(nodes(constraint.nodes), nodes(constraint.free), constraint.expression)
            for constraint in verma_constraints(self._masks)
        )

    @cached_property
    def inequalities(self) -> tuple[InstrumentalInequality, ...]:
        """The instrumental inequalities of pairs that neither a set nor a Verma constraint keeps apart."""
        names = self._masks.names
        return tuple(
            InstrumentalInequality(names[i], names[k], names[j]) for i, k, j in instrument_triples(self._masks)
        )

    def separations(self, most: int) -> Iterator[Independence]:
        """As `independences`, with every minimal separating set of a pair, at most so many of one."""
        return (self._independence(1 << i, 1 << j, given) for i, j, given in all_separations(self._masks, most))

    @cached_property
    def _basis(self) -> tuple[Independence, ...]:
        statements = (self._independence(1 << node, others, given) for node, others, given in local_markov(self._masks))
        return tuple(islice(statements, MAX_BASIS + 1))

    def _independence(self, first: Mask, second: Mask, given: Mask) -> Independence:
        nodes = self._masks.nodes
        return Independence(nodes(first), nodes(second), nodes(given))

    def __bool__(self) -> bool:
        return bool(self.independences or self.verma or self.inequalities)

    def sheet(self) -> Sheet:
        """Every statement, a line each; of many independences the first."""
        if not self:
            return Sheet("Nothing that data could contradict.")
        shown = [str(statement) for statement in islice(self.independences, MOST_PRINTED + 1)]
        if len(shown) > MOST_PRINTED:
            shown[MOST_PRINTED:] = [f"… {len(self.independences)} independences in all: `to_json()` has every one."]
        inequalities = [f"{each} if {quote(each.treatment)} has levels" for each in self.inequalities]
        return Sheet("Testable implications", notes=tuple(map(Note, [*shown, *map(str, self.verma), *inequalities])))

    def __str__(self) -> str:
        return (replace(self.sheet(), title="") if self else self.sheet()).text()

    def __repr__(self) -> str:
        return f"<TestableImplications: {len(self.independences)} independences, {len(self.verma)} Verma constraints>"

    def to_json(self) -> dict[str, object]:
        """All three lists as plain values."""
        return {
            "independences": [statement.to_json() for statement in self.independences],
            "basis": [statement.to_json() for statement in self.basis],
            "basis_complete": self.is_complete,
            "verma": [constraint.to_json() for constraint in self.verma],
            "inequalities": [inequality.to_json() for inequality in self.inequalities],
        }


def testable_implications(graph: LatentDag | Admg) -> TestableImplications:
    """What the graph says of the law of the measured nodes that data can contradict.

    Source:
        Richardson (2003), Markov properties for acyclic directed mixed graphs; Tian & Pearl (2002), On the
        testable implications of causal models with hidden variables.
    """
    admg = project(graph)
    return TestableImplications(admg, admg.sorted_masks)


testable_implications.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


def _names(names: tuple[Name, ...]) -> str:
    return ", ".join(map(quote, names))
