"""What a proof is made of, as values that print: formulas, cut graphs, separations, steps, theorems."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from latentdo.graphs import Admg, Name, mutilate
from latentdo.query import Term

from ..engine import render
from ..engine.expression import Expression
from ..engine.render import NO_SETS, Sets
from ..engine.scripts import Mark


@dataclass(frozen=True)
class Written:
    """A formula as it stands in a proof, with `do` where it still has one."""

    expression: Expression

    @cached_property
    def text(self) -> str:
        """The formula in one line; bound copies are primed."""
        return render.line(self.expression)

    @cached_property
    def latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        return render.latex_line(self.expression)

    def line(self, sets: Sets, *, explained: bool = False) -> str:
        """The formula in one line, large sets of nodes by their letters, explained behind it or elsewhere."""
        return render.line(self.expression, sets) + (render.where(sets) if explained else "")

    def latex_line(self, sets: Sets, mark: Mark | None = None, *, explained: bool = False) -> str:
        """The same in LaTeX, each node as `mark(name, latex)` wraps it."""
        return render.latex_line(self.expression, mark, sets) + (render.latex_where(sets, mark) if explained else "")

    def marked_latex(self, mark: Mark) -> str:
        """The formula in LaTeX, each node as `mark(name, latex)` wraps it."""
        return render.latex_line(self.expression, mark)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Written: {self.text}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Written, (self.expression,)


@dataclass(frozen=True)
class CutGraph:
    """A graph without the edges into some nodes and out of others.

    Attributes:
        whole: The graph before the cut.
        into: Nodes that no edge points into any more, as after an intervention on them.
        out_of: Nodes that no directed edge leaves any more.
    """

    whole: Admg
    into: tuple[Name, ...] = ()
    out_of: tuple[Name, ...] = ()

    @cached_property
    def graph(self) -> Admg:
        """What is left."""
        return mutilate(self.whole, into=self.into, out_of=self.out_of)

    @cached_property
    def text(self) -> str:
        """What is left, in the notation that `ld.graph` reads."""
        return str(self.graph)

    @property
    def label(self) -> str:
        """The graph in a few words."""
        return self.words(NO_SETS)

    def words(self, sets: Sets) -> str:
        """The graph in a few words, large sets of nodes by their letters."""
        sides = (("into", self.into), ("out of", self.out_of))
        cuts = [f"{side} {render.listed_names(nodes, sets)}" for side, nodes in sides if nodes]
        return f"the graph without the edges {' and '.join(cuts)}" if cuts else "the graph"

    @property
    def latex(self) -> str:
        """The usual symbol: a bar over nodes whose incoming edges are cut, under nodes whose outgoing edges are."""
        return self.symbol(NO_SETS)

    def symbol(self, sets: Sets) -> str:
        """The usual symbol, large sets of nodes by their letters."""
        sides = (("overline", self.into), ("underline", self.out_of))
        bars = [rf"\{bar}{{{render.latex_names(nodes, sets)}}}" for bar, nodes in sides if nodes]
        return f"G_{{{' '.join(bars)}}}" if bars else "G"

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return CutGraph, (self.whole, self.into, self.out_of)


@dataclass(frozen=True)
class Separation:
    """`first` and `second` are m-separated by `given` in the graph of the step."""

    first: tuple[Name, ...]
    second: tuple[Name, ...]
    given: tuple[Name, ...] = ()

    @property
    def text(self) -> str:
        """The statement in one line."""
        return self.line(NO_SETS)

    def line(self, sets: Sets) -> str:
        """The statement in one line, large sets of nodes by their letters."""
        first, second, given = (render.listed_names(side, sets) for side in (self.first, self.second, self.given))
        return f"({first} ⊥⊥ {second}{f' | {given}' if given else ''})"

    @property
    def latex(self) -> str:
        """The statement in LaTeX."""
        return self.latex_line(NO_SETS)

    def latex_line(self, sets: Sets) -> str:
        """The statement in LaTeX, large sets of nodes by their letters."""
        first, second, given = (render.latex_names(side, sets) for side in (self.first, self.second, self.given))
        return rf"({first} \perp\!\!\!\perp {second}" + (rf" \mid {given})" if given else ")")

    def __str__(self) -> str:
        return self.text


Rule = Literal["rule 1", "rule 2", "rule 3", "marginalise", "chain rule", "condition", "sum out", "cancel", "rearrange"]

MEANINGS: dict[str, str] = {
    "rule 1": "an observation that tells nothing more may be left out",
    "rule 2": "here setting and seeing are the same",
    "rule 3": "an action without effect may be left out or added",
    "marginalise": "a law is the sum of a larger one",
    "chain rule": "P(a, b | c) = P(a | b, c) P(b | c)",
    "condition": "P(a | b, c) = P(a, b | c) / P(b | c)",
    "sum out": "a law sums to one over its outcomes, and what stands above and below cancels",
    "cancel": "what stands above and below cancels",
    "rearrange": "factors without the summed node leave the sum",
}


@dataclass(frozen=True)
class Step:
    """One step: in `before`, every `part` becomes `becomes`, which gives `after`.

    Attributes:
        rule: A rule of do-calculus, or one of probability; `MEANINGS` has a line on each.
        graph: The cut graph that the separation is read from; for rules of probability the whole graph.
        before: The formula before the step.
        after: The formula after it, with the same value.
        part: What is rewritten: wherever it stands by itself, else among the factors of a product.
        becomes: What stands there afterwards.
        separation: What licenses a rule of do-calculus; None for rules of probability, which hold for every law.
        theorem: Which of the derivation's theorems it belongs to, from 0.
    """

    rule: Rule
    graph: CutGraph
    before: Written
    after: Written
    part: Written
    becomes: Written
    separation: Separation | None = None
    theorem: int = 0

    @property
    def reason(self) -> str:
        """What licenses the step, in one line."""
        return self.why(NO_SETS)

    def why(self, sets: Sets) -> str:
        """What licenses the step, in one line, large sets of nodes by their letters."""
        if self.separation is None:
            return MEANINGS[self.rule]
        return f"{self.separation.line(sets)} in {self.graph.words(sets)}"

    @property
    def latex(self) -> str:
        """The step as a line of an `align*` environment, its reason behind it."""
        return self.latex_line(NO_SETS)

    def latex_line(self, sets: Sets) -> str:
        """The same, large sets of nodes by their letters."""
        reason = rf"\text{{{self.rule}}}"
        if self.separation is not None:
            reason += rf"\colon {self.separation.latex_line(sets)}_{{{self.graph.symbol(sets)}}}"
        return rf"&= {self.after.latex_line(sets)} && {reason}"

    def to_json(self) -> dict[str, Any]:
        """The step as plain strings."""
        return {
            "rule": self.rule,
            "graph": self.graph.text,
            "before": self.before.text,
            "after": self.after.text,
            "part": self.part.text,
            "becomes": self.becomes.text,
            "separation": None if self.separation is None else self.separation.text,
            "reason": self.reason,
        }

    def __str__(self) -> str:
        return f"{self.before} = {self.after}   [{self.rule}: {self.reason}]"


@dataclass(frozen=True)
class Theorem:
    """A law and the formula that equals it, on a graph.

    Attributes:
        graph: The measured nodes, with `<->` for common causes that were not.
        law: What was asked, for every value.
        formula: What it equals.
        terms: The terms of the query that ask for this law.
        note: How they read it, where it is not the law itself.
        experiments: What is set in each experiment whose law the formula may use.
        letters: What the letters stand for by which the printed formula, and its proof, abbreviate large sets of nodes.
    """

    graph: Admg
    law: Written
    formula: Written
    terms: tuple[Term, ...] = ()
    note: str = ""
    experiments: tuple[tuple[Name, ...], ...] = ()
    letters: tuple[tuple[str, frozenset[Name]], ...] = ()

    @property
    def sets(self) -> Sets:
        """Each letter with its nodes."""
        return dict(self.letters)
