"""`Derivation`: the proof that a question's law is its formula, one rule a step, and its check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from latentdo.errors import visible
from latentdo.graphs import Admg, Mask, Masks
from latentdo.query import Distribution, Query
from latentdo.sheet import web

from ..engine.estimand import Estimand, Solution
from ..engine.expression import Prob, parts
from ..engine.render import Sets
from .proof import Cut, Line, prove
from .steps import CutGraph, Separation, Step, Theorem, Written
from .verify import fault_of, rule_of

# Longer formulas are not repeated at every step of a printed proof: only the part that changes is.
LONG = 160

LEGEND = (
    "Above, the measured nodes, with dashed arcs for common causes that were not measured. At each step of do-calculus, the "
    "part of the graph that matters to it, the nodes that it names and their ancestors: edges that it cuts dotted and grey, "
    "what it separates blue and orange, what separates it in green boxes."
)


@dataclass(frozen=True)
class Derivation:
    """The proof, step by step; each step can be checked by itself, and `check` does.

    Attributes:
        query: What was asked.
        theorems: What is proved: one for each law that the query's terms ask for.
        steps: All steps in order, those of the first theorem first; none for a law that is its own formula.

    Source:
        Pearl (2009), Causality, theorem 3.4.1 for the rules; the proof follows Tian & Pearl (2003), On the
        identification of causal effects, lemmas 3 and 4, and Shpitser & Pearl (2006b), theorem 6.
    """

    query: Query
    theorems: tuple[Theorem, ...]
    steps: tuple[Step, ...]

    def check(self) -> bool:
        """Whether every step holds and they lead from each law to its formula.

        Each is checked for its form, do-calculus by m-separation, and every equality by exact evaluation of both sides on
        random discrete models with latents, under the interventions that stand in it: exactly, or by NumPy where it is there.
        """
        return self._fault is None

    def explain(self) -> str:
        """What `check` found: which step does not hold and why, or that all do."""
        if self._fault is not None:
            return self._fault
        count = len(self.steps)
        if not count:
            return "There is no step to check: what is asked for is known as it stands."
        return f"{'The 1 step holds' if count == 1 else f'All {count} steps hold'}: each has the form of its rule, the \
separations hold in the cut graphs, and both sides agree on random models, set or seen."

    @cached_property
    def _fault(self) -> str | None:
        return fault_of(self.query, self.theorems, self.steps)

    @cached_property
    def text(self) -> str:
        """The whole proof in plain text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for number, theorem in enumerate(self.theorems):
            if number:
                yield ""
            steps, sets = self.of_theorem(number), theorem.sets
            yield theorem.law.line(sets, explained=True)
            for index, step in enumerate(steps, 1):
                # In a long formula the eye is led to what changed.
                whole = step.after.line(sets)
                long = len(whole) > LONG and step is not steps[-1]
                yield f"  … {step.part.line(sets)} = {step.becomes.line(sets)}" if long else f"  = {whole}"
                yield f"      {index}. {step.rule}: {step.why(sets)}"
            if not steps:
                yield f"  is {'what an experiment shows' if _sets(theorem.formula) else 'in P(V)'} as it stands."
            if theorem.note:
                yield theorem.note

    @cached_property
    def latex(self) -> str:
        """The whole proof in LaTeX, one `align*` environment per theorem; needs amsmath."""
        blocks: list[str] = []
        for number, theorem in enumerate(self.theorems):
            sets = theorem.sets
            lines = [f"& {theorem.law.latex_line(sets, explained=True)}"]
            lines += [step.latex_line(sets) for step in self.of_theorem(number)]
            blocks.append("\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}")
        return "\n".join(blocks)

    def of_theorem(self, number: int) -> tuple[Step, ...]:
        """The steps of one theorem."""
        return tuple(step for step in self.steps if step.theorem == number)

    def to_json(self) -> list[dict[str, Any]]:
        """The steps as plain strings."""
        return [step.to_json() for step in self.steps]

    def __str__(self) -> str:
        return visible(self.text)

    def __repr__(self) -> str:
        return f"<Derivation: {len(self.steps)} steps for {self.query}>"

    def _repr_html_(self) -> str:
        from latentdo.plots import diagram

        rows: list[str] = []
        for number, theorem in enumerate(self.theorems):
            steps = self.of_theorem(number)
            sets = theorem.sets
            law = web.typeset(theorem.law.latex_line(sets, explained=True), theorem.law.line(sets, explained=True))
            rows.append(f"<p>{law}</p>{diagram(theorem.graph)}")
            if any(step.separation is not None for step in steps):
                rows.append(f"<p><small>{LEGEND}</small></p>")
            rows.append("<ol>")
            rows += (_step_html(step, sets) for step in steps)
            rows.append("</ol>")
            if theorem.note:
                rows.append(f"<p>{web.escape(theorem.note)}</p>")
        return web.styled("".join(rows))

    def __reduce__(self) -> tuple[Any, ...]:
        return Derivation, (self.query, self.theorems, self.steps)


def _sets(formula: Written) -> bool:
    return any(isinstance(part, Prob) and part.do for part in parts(formula.expression))


def _step_html(step: Step, sets: Sets) -> str:
    from latentdo.plots import diagram

    shown = web.typeset(f"= {step.after.latex_line(sets)}", f"= {step.after.line(sets)}")
    if len(step.after.line(sets)) > LONG:
        latex = f"{step.part.latex_line(sets)} = {step.becomes.latex_line(sets)}"
        change = "… " + web.typeset(latex, f"{step.part.line(sets)} = {step.becomes.line(sets)}")
        shown = f"{change}<details><summary>the whole formula</summary>{shown}</details>"
    picture = ""
    if step.separation is not None:
        separation = step.separation
        picture = diagram(
            step.graph.whole,
            into=step.graph.into,
            out_of=step.graph.out_of,
            first=separation.first,
            second=separation.second,
            given=separation.given,
        )
    return f"<li>{shown}<br><b>{step.rule}</b>: {web.escape(step.why(sets))}{picture}</li>"


def derive(query: Query, solutions: Sequence[Solution]) -> Derivation:
    """The proof of an estimand: one theorem for each different law among the terms."""
    theorems: list[Theorem] = []
    steps: list[Step] = []
    known: dict[tuple[Any, ...], int] = {}
    letters = tuple(Estimand(query, tuple(solutions)).sets.items())
    for solution in solutions:
        problem, term = solution.problem, solution.term
        evidence = problem.masks.mask(name for name in term.conditions if name in problem.masks.index)
        key = (problem, evidence)
        if key in known:
            old = theorems[known[key]]
            theorems[known[key]] = replace(old, terms=(*old.terms, term))
            continue
        known[key] = len(theorems)
        proved = prove(problem, evidence, solution.plan)
        graph = admg_of(problem.masks)
        note = _note(solution)
        for line in proved.lines:
            steps.append(_step(graph, problem.masks, line, len(theorems)))
        known_too = tuple(tuple(sorted(problem.masks.nodes(regime))) for regime in problem.regimes)
        law, formula = Written(proved.start), Written(proved.goal)
        theorems.append(Theorem(graph, law, formula, (term,), note, known_too, letters if proved.lines else ()))
    return Derivation(query, tuple(theorems), tuple(steps))


def admg_of(masks: Masks) -> Admg:
    """The graph that the integers state."""
    names = masks.names
    directed = [(names[i], child) for i, children in enumerate(masks.children) for child in masks.nodes(children)]
    beside = [(names[i], other) for i, spouses in enumerate(masks.spouses) for other in masks.nodes(spouses >> i << i)]
    return Admg(names, frozenset(directed), frozenset(beside))


def _step(graph: Admg, masks: Masks, line: Line, theorem: int) -> Step:
    cut = line.cut or Cut()

    def named(mask: Mask) -> tuple[str, ...]:
        return tuple(sorted(masks.nodes(mask)))

    return Step(
        line.rule if line.cut else rule_of(line.part, line.becomes),  # type: ignore[arg-type]
        CutGraph(graph, named(cut.into), named(cut.out_of)),
        Written(line.before),
        Written(line.after),
        Written(line.part),
        Written(line.becomes),
        Separation(named(cut.first), named(cut.second), named(cut.given)) if line.cut else None,
        theorem,
    )


def _note(solution: Solution) -> str:
    """How the term reads the law that was proved, where it is not the law itself."""
    problem, term = solution.problem, solution.term
    notes: list[str] = []
    if set(term.treatments) - set(problem.masks.nodes(problem.treatments)):
        notes.append(f"{term} is this law once functional nodes are written out.")
    law = term if term.kind == "mean" else term.law
    if term.is_stochastic or problem.is_joint:
        drawn = ", ".join(str(setting) for setting in term.do if isinstance(setting.value, Distribution))
        how = [f"averaged over do({drawn})"] if drawn else []
        how += ["summed over the values that the evidence allows"] if problem.is_joint else []
        how += ["and divided by the same over every value of the outcome"] if problem.is_joint else []
        notes.append(f"{law} is this law, {', '.join(how)}.")
    if law != term:
        notes.append(f"{term} is a number that this law has.")
    return " ".join(notes)
