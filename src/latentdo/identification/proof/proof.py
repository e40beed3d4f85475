"""From a verdict to its proof: the steps of do-calculus and probability that lead from the question to the formula.

The proof follows the plan of the formula. First every P(… | do(…)) is rewritten until none is left, from the question
downwards; then the formulas are shortened from the inside out, by the very code that writes the estimand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from latentdo.graphs import Mask, Masks, bits, reach, union

from ..criteria.districts import Trace, markov_pillow
from ..engine.construct import Kernel, observed, ratio_group, whole, write
from ..engine.expression import Expression, Product
from ..engine.formulas import Formulas
from ..engine.merging import conditioned, finished, ratio, substituted, telling
from ..engine.reduction import Problem, exchanges
from ..engine.simplify import Plan


@dataclass(frozen=True)
class Cut:
    """What licenses a step: sets that are m-separated in the graph without some edges.

    Attributes:
        into: Nodes whose incoming edges are cut.
        out_of: Nodes whose outgoing edges are cut.
        first: One side of the separation.
        second: The other.
        given: What separates them.
    """

    into: Mask = 0
    out_of: Mask = 0
    first: Mask = 0
    second: Mask = 0
    given: Mask = 0


@dataclass(frozen=True)
class Line:
    """One step over bits: in `before` every `part` becomes `becomes`, which gives `after`."""

    rule: str
    part: Expression
    becomes: Expression
    before: Expression
    after: Expression
    cut: Cut | None


@dataclass(frozen=True)
class Proved:
    """A law, the formula that equals it, and the lines between them."""

    start: Expression
    goal: Expression
    lines: tuple[Line, ...]


def prove(problem: Problem, evidence: Mask, plan: Plan) -> Proved:
    """The proof of the formula for a problem.

    Args:
        evidence: All that the term conditions on, also what the problem left out because it tells nothing.
        plan: How the formula is written.
    """
    writer = _Writer(problem, plan)
    if problem.drawn:
        writer.start(plan.outcomes, plan.given, plan.treatments)
    else:
        writer.start(problem.outcomes, evidence & ~problem.outcomes, problem.treatments)
        writer.tidy()
    match plan.form:
        case "seeing":
            writer.see()
        case "adjustment":
            writer.adjust()
        case "districts":
            writer.recurse()
    # The formula is divided by its evidence, so that it is the law of the outcomes given the rest.
    divided = problem if problem.drawn else replace(problem, asked=problem.outcomes)
    goal = whole(writer.formulas, divided, plan)
    writer.close(goal)
    return Proved(writer.first, goal, tuple(writer.lines))


class _Writer:
    """Keeps the whole formula while its parts are rewritten."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.plan = plan
        self.masks = plan.masks
        self.formulas = Formulas(plan.masks, merges=plan.merges)
        self.lines: list[Line] = []
        # Parts that will be rewritten, as they stand after what was rewritten inside them.
        self.tracked: dict[int, Expression] = {}

    def start(self, outcomes: Mask, given: Mask, do: Mask) -> None:
        """Begin with P(outcomes | do(do), given)."""
        self.first = self.whole = self.formulas.prob(outcomes, given, do)
        self.law = _Law(outcomes, given, do)

    def rewrite(self, rule: str, part: Expression, becomes: Expression, cut: Cut | None = None) -> Expression:
        """Put `becomes` wherever `part` stands; nothing is written where it stands nowhere."""
        if part is becomes:
            return becomes
        roots = (self.whole, *self.tracked.values())
        after = substituted(self.formulas, roots, part, becomes)
        if after[0] is self.whole and isinstance(part, Product):
            after = substituted(self.formulas, roots, part, becomes, within=True)
        if after[0] is not self.whole:
            self.lines.append(Line(rule, part, becomes, self.whole, after[0], cut))
            self.whole = after[0]
            self.tracked = dict(zip(self.tracked, after[1:], strict=True))
        return becomes

    def _told(self, rule: str, part: Expression, becomes: Expression) -> None:
        """Write down what the table of formulas did; what rule 1 drops or adds is told apart by its separation."""
        cut = None
        if rule == "rule 1":
            (outcomes, given, do), (_, new, _) = (self.formulas.law(side) or (0, 0, 0) for side in (part, becomes))
            cut = Cut(do, 0, outcomes, given ^ new, do | given & new)
        self.rewrite(rule, part, becomes, cut)

    def close(self, goal: Expression) -> None:
        """End with the goal; what the same rewritings left in another order is put in its order."""
        self.rewrite("rearrange", self.whole, goal)

    # The rules, each on one law P(outcomes | do(do), given).

    def forget(self, law: _Law, gone: Mask) -> _Law:
        """Rule 1: observations that tell nothing are dropped."""
        if not gone:
            return law
        given = law.given & ~gone
        cut = Cut(law.do, 0, law.outcomes, gone, law.do | given)
        return self._law("rule 1", law, replace(law, given=given), cut)

    def exchange(self, law: _Law, seen: Mask, *, to_do: bool) -> _Law:
        """Rule 2: setting `seen` and seeing it are the same."""
        if not seen:
            return law
        do, given = law.do & ~seen, law.given & ~seen
        cut = Cut(do, seen, law.outcomes, seen, do | given)
        do, given = (do | seen, given) if to_do else (do, given | seen)
        return self._law("rule 2", law, replace(law, do=do, given=given), cut)

    def act(self, law: _Law, *, add: Mask = 0, drop: Mask = 0) -> _Law:
        """Rule 3: actions without effect are dropped, or added."""
        if drop:
            do = law.do & ~drop
            law = self._law("rule 3", law, replace(law, do=do), self._rule3(law, do, drop))
        if add:
            law = self._law("rule 3", law, replace(law, do=law.do | add), self._rule3(law, law.do, add))
        return law

    def _rule3(self, law: _Law, do: Mask, changed: Mask) -> Cut:
        above = reach(law.given, self.problem.masks.cut(do).parents)
        return Cut(do | changed & ~above, 0, law.outcomes, changed, do | law.given)

    def _law(self, rule: str, law: _Law, new: _Law, cut: Cut) -> _Law:
        self.rewrite(rule, self.of(law), self.of(new), cut)
        return new

    def of(self, law: _Law) -> Expression:
        """The law as an expression."""
        return self.formulas.prob(law.outcomes, law.given, law.do)

    def marginalise(self, law: _Law, over: Mask) -> _Law:
        """The law as a sum over more outcomes."""
        if not over:
            return law
        new = replace(law, outcomes=law.outcomes | over)
        self.rewrite("marginalise", self.of(law), self.formulas.sum(over, [self.of(new)]))
        return new

    def chain(self, law: _Law, groups: Iterable[Mask]) -> list[_Law]:
        """The law as a product, each group of outcomes given those before it."""
        factors: list[_Law] = []
        before = law.given
        for group in groups:
            factors.append(_Law(group, before, law.do))
            before |= group
        if len(factors) > 1:
            self.rewrite("chain rule", self.of(law), self.formulas.one([self.of(factor) for factor in factors]))
        return factors

    def unchain(self, factors: list[_Law], law: _Law) -> None:
        """The product as one law again."""
        if len(factors) > 1:
            self.rewrite("chain rule", self.formulas.one([self.of(factor) for factor in factors]), self.of(law))

    def condition(self, law: _Law, known: Mask) -> tuple[_Law, _Law]:
        """P(a | b) as P(a, b) over P(b), for the conditions `known`."""
        above = replace(law, outcomes=law.outcomes | known, given=law.given & ~known)
        below = replace(above, outcomes=known)
        self.rewrite("condition", self.of(law), self.formulas.quotient([self.of(above)], [self.of(below)]))
        return above, below

    # The three ways to a formula.

    def tidy(self) -> None:
        """Evidence that tells nothing and treatments that reach nothing leave first."""
        law = self.forget(self.law, self.law.given & ~self.problem.conditions)
        self.law = self.act(law, drop=law.do & ~(self.problem.acting | self.plan.regime))

    def see(self) -> None:
        """P(outcomes | do(treatments), given) where seeing the treatments is setting them, untouched or in an experiment."""
        law = self.act(self.law, add=self.plan.regime & ~self.law.do)
        self._shorten(self.exchange(law, self.plan.seen, to_do=False))

    def _shorten(self, law: _Law) -> None:
        self.forget(law, law.given & ~telling(self.formulas, law.outcomes, law.given, law.do))

    def adjust(self) -> None:
        """The average over covariates that the treatments do not cause."""
        plan = self.plan
        law = self.act(self.law, add=plan.regime & ~self.law.do)
        whole = self.marginalise(law, plan.covariates)
        weights, inner = self.chain(whole, (plan.covariates, plan.outcomes))
        self._shorten(self.act(weights, drop=plan.seen))
        self._shorten(self.exchange(inner, plan.seen, to_do=False))
        formulas = self.formulas
        formulas.listener = self._told
        write(formulas, self.problem, plan)
        formulas.listener = None

    def recurse(self) -> None:
        """The recursion on districts."""
        plan, problem = self.plan, self.problem
        law = _Law(plan.outcomes, 0, plan.treatments)
        outcomes = plan.outcomes
        if not problem.drawn:
            law = self.law
            for seen in exchanges(problem):
                law = self.exchange(law, seen, to_do=True)
            law = self.act(law, drop=law.do & ~plan.treatments)
            if law.given:
                law, below = self.condition(law, law.given)
                self.marginalise(below, problem.outcomes)
        needed = reach(outcomes, self.masks.parents, ~plan.treatments)
        law = self.marginalise(law, needed & ~outcomes)
        factors = {law.outcomes.bit_length() - 1: law for law in self.chain(law, (1 << i for i in bits(needed)))}
        for trace in plan.traces:
            self._district(trace, factors)
        self._write_up(needed)

    def _district(self, trace: Trace, factors: dict[int, _Law]) -> None:
        district = trace.district
        if trace.steps == ((district, district),):
            for i in bits(district):
                self._observe(factors[i], trace)
            return
        causes = _outer_parents(self.masks, district)
        factors_inside: list[_Law] = []
        for i in bits(district):
            law = self.exchange(factors[i], factors[i].given & ~district, to_do=True)
            factors_inside.append(self.act(law, drop=law.do & ~causes, add=causes & ~law.do))
        whole = _Law(district, 0, causes)
        last = len(trace.steps) - 1
        if trace.steps[last][0] == district:
            whole = self._descend(trace, last, factors_inside)
            last -= 1
        else:
            self.unchain(factors_inside, whole)
        for level in range(last, -1, -1):
            joined, ancestors = trace.steps[level]
            outside = _outer_parents(self.masks, joined)
            whole = self.act(whole, add=outside & ~whole.do)
            whole = self.marginalise(whole, joined & ~ancestors)
            whole = self._descend(trace, level, self.chain(whole, (1 << i for i in bits(joined))))

    def _observe(self, law: _Law, trace: Trace) -> None:
        """P(v | do(…), …) is P(v | its Markov pillow), in the experiment that the trace starts from."""
        node, regime = law.outcomes.bit_length() - 1, trace.regime
        within = reach(trace.district, self.masks.parents, ~regime)
        shield = markov_pillow(self.masks, node, within & (1 << node) - 1) | regime
        law = self.exchange(law, law.given & regime, to_do=True)
        law = self.act(law, add=regime & ~law.do)
        law = self.forget(law, law.given & ~shield)
        law = self.act(law, drop=law.do & ~shield)
        self.exchange(law, law.do & ~regime, to_do=False)

    def _descend(self, trace: Trace, level: int, laws: list[_Law]) -> _Law:
        """The factors of Q[S] at one level of a trace in terms of Q at the level below, or of P(V) at the lowest."""
        if not level:
            for law in laws:
                self._observe(law, trace)
            return laws[0]
        inside = trace.steps[level - 1][1]
        outside = _outer_parents(self.masks, inside)
        for law in laws:
            later = law.do & inside & -law.outcomes
            law = self.act(law, drop=later, add=outside & ~law.do)
            law = self.exchange(law, law.do & inside, to_do=False)
            above, below = (law, None) if not law.given else self.condition(law, law.given)
            for part in (above, below):
                if part is not None:
                    self.marginalise(part, inside & ~part.outcomes)
        return _Law(inside, 0, outside)

    # What is left has no `do`: shorten it from the inside out.

    def _write_up(self, needed: Mask) -> None:
        plan, problem, formulas = self.plan, self.problem, self.formulas
        formulas.listener = self._told
        factors: list[Expression] = []
        for trace in plan.traces:
            kernel = observed(formulas, trace)
            for joined, ancestors in trace.steps[1:]:
                kernel = self._split_off(kernel, joined, ancestors)
            factors += formulas.total(kernel.summed, kernel.factors.values())
        factors = formulas.total(needed & ~plan.outcomes, factors)
        if not problem.drawn and plan.outcomes != problem.outcomes:
            conditioned(formulas, factors, problem.outcomes)
        finished(formulas, self.whole, shorten=formulas.merged)
        formulas.listener = None

    def _split_off(self, kernel: Kernel, joined: Mask, ancestors: Mask) -> Kernel:
        """As `construct.split_off`, from quotients as the conditions left them."""
        formulas = self.formulas
        causes = joined | union(formulas.masks.parents, joined)
        summed = kernel.summed | kernel.nodes & ~causes
        self.tracked = {i: self._conditioned(kernel, causes, i) for i in kernel.factors if joined >> i & 1}
        factors: dict[int, Expression] = {}
        before: list[tuple[Expression, Mask]] = []
        for i, factor in kernel.factors.items():
            free = formulas.free([factor])
            if joined >> i & 1:
                if free & kernel.summed:
                    names, _, group = ratio_group(factor, free & summed, before)
                    below = formulas.sum(names & formulas.free(group), group)
                    short = formulas.quotient([formulas.sum(names, [factor, *group])], [below])
                    self.rewrite("sum out", self.tracked[i], short)
                    factors[i] = ratio(formulas, names, factor, group)
                else:
                    factors[i] = self.rewrite("sum out", self.tracked[i], factor)
            before.append((factor, free & summed))
        return Kernel(ancestors, joined & ~ancestors, factors)

    def _conditioned(self, kernel: Kernel, causes: Mask, node: int) -> Expression:
        """The factor of a node as conditioning left it: a sum over Q[kernel.nodes], or a quotient of two."""
        formulas, factors = self.formulas, list(kernel.factors.values())
        known = kernel.nodes & causes & ((1 << node) - 1)
        above = formulas.sum(kernel.summed | kernel.nodes & ~(known | 1 << node), factors)
        if not known:
            return above
        return formulas.quotient([above], [formulas.sum(kernel.summed | kernel.nodes & ~known, factors)])


@dataclass(frozen=True)
class _Law:
    outcomes: Mask
    given: Mask
    do: Mask


def _outer_parents(masks: Masks, nodes: Mask) -> Mask:
    return union(masks.parents, nodes) & ~nodes
