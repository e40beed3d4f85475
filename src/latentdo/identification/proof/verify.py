"""Whether a derivation is a proof: the form of each step, its separation, and both sides by numbers.

Nothing here knows how proofs are written. A step is judged by what it says, as a referee would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

from latentdo.graphs import Admg, connected, reach
from latentdo.query import Query, Term

from ..engine.expression import AbstractExpression, Prob, Product, Quotient, Sum, operands, parts
from ..engine.tables import numbers as numbers_here
from .discrete import MOST_BINARY, FreeLaws, RandomModel
from .steps import MEANINGS, CutGraph, Separation, Step, Theorem, Written

MODELS = 2
TOLERANCE = 1e-9

Key = int


class Forms:
    """Numbers for formulas such that equal numbers mean the same formula, up to the order of factors and of sums."""

    def __init__(self) -> None:
        self._keys: dict[object, Key] = {}
        self._sums: dict[Key, tuple[frozenset[str], Key]] = {}
        self._products: dict[Key, list[Key]] = {}

    def key(self, expression: AbstractExpression) -> Key:
        """The number of a formula."""
        known: dict[int, Key] = {}
        for part in parts(expression):
            known[id(part)] = self._of(part, known)
        return known[id(expression)]

    def factors(self, expression: AbstractExpression) -> Counter[Key]:
        """The numbers of the factors of a formula, its own where it is no product."""
        return Counter(self._factors(self.key(expression)))

    def _of(self, part: AbstractExpression, known: dict[int, Key]) -> Key:
        match part:
            case Prob(outcomes=outcomes, given=given, do=do):
                return self._make("P", frozenset(outcomes), frozenset(given), frozenset(do))
            case Sum(over=over, body=body):
                names, inner = frozenset(over), known[id(body)]
                if inner in self._sums and not names & self._sums[inner][0]:
                    names, inner = names | self._sums[inner][0], self._sums[inner][1]
                key = self._make("sum", names, inner)
                self._sums[key] = names, inner
                return key
            case Product(factors=factors):
                flat = sorted(key for factor in factors for key in self._factors(known[id(factor)]))
                if len(flat) == 1:
                    return flat[0]
                key = self._make("product", *flat)
                self._products[key] = flat
                return key
            case Quotient(numerator=numerator, denominator=denominator):
                above, below = known[id(numerator)], known[id(denominator)]
                return self._make("quotient", above, below) if self._factors(below) else above
            case _:
                raise AssertionError(part)

    def _factors(self, key: Key) -> list[Key]:
        return self._products.get(key, [key])

    def _make(self, *content: object) -> Key:
        return self._keys.setdefault(content, len(self._keys))


def fault_of(query: Query, theorems: tuple[Theorem, ...], steps: tuple[Step, ...]) -> str | None:
    """The first thing wrong with a derivation, as a sentence, or None."""
    if not isinstance(query, Query) or not isinstance(theorems, tuple) or not isinstance(steps, tuple):
        return "The derivation is none: it has a query, a tuple of theorems and a tuple of steps."
    if fault := _unbound(query, theorems):
        return fault
    for number, step in enumerate(steps, 1):
        if fault := _malformed(step):
            return f"Step {number} is no step: {fault}"
        if not 0 <= step.theorem < len(theorems):
            return f"Step {number} belongs to theorem {step.theorem}, and there is none."
    order = [step.theorem for step in steps]
    if order != sorted(order):
        return "The steps are out of order: those of one theorem stand together."
    first = 1
    for number, theorem in enumerate(theorems):
        its = tuple(step for step in steps if step.theorem == number)
        if fault := _fault_of_theorem(theorem, its, first):
            return fault
        first += len(its)
    return None


def _unbound(query: Query, theorems: tuple[Theorem, ...]) -> str | None:
    """Whether the theorems are laws that the query asks for, all of them and no other."""
    for theorem in theorems:
        sides = (getattr(theorem, "law", None), getattr(theorem, "formula", None))
        if not all(isinstance(side, Written) and isinstance(side.expression, AbstractExpression) for side in sides):
            return f"{theorem!r} is no theorem: it states a law and its formula."
        if not isinstance(theorem.graph, Admg) or not isinstance(theorem.note, str):
            return f"The theorem on {theorem.law} has no graph."
    answered = [term for theorem in theorems for term in theorem.terms]
    if sorted(map(str, answered)) != sorted(map(str, query.terms)) or not all(t.terms for t in theorems):
        return f"The theorems are not about the terms of {query}, each once."
    for theorem in theorems:
        for term in theorem.terms:
            if not _asks_for(term, theorem):
                return f"The law {theorem.law} is not the one that {term} asks for."
    return None


def _asks_for(term: Term, theorem: Theorem) -> bool:
    law, graph = theorem.law.expression, theorem.graph
    if not isinstance(law, Prob) or {*law.outcomes, *law.given, *law.do} - graph.masks.index.keys():
        return False
    outcomes, treatments, evidence = set(term.outcome_names), set(term.treatments), set(term.conditions)
    if not outcomes <= set(law.outcomes) <= outcomes | evidence or not set(law.given) <= evidence:
        return False
    if theorem.note:  # events, laws that a treatment is drawn from, functional nodes: the note says how it is read
        return set(law.do) <= treatments | evidence
    return set(law.outcomes) == outcomes and set(law.given) == evidence and set(law.do) == treatments


def _malformed(step: Step) -> str | None:
    """What is not of its kind in a step: whoever alters one may have put anything there."""
    for name in ("before", "after", "part", "becomes"):
        side = getattr(step, name, None)
        if not isinstance(side, Written) or not isinstance(side.expression, AbstractExpression):
            return f"its `{name}` is {side!r}, not a formula."
    if not isinstance(step.graph, CutGraph):
        return f"its `graph` is {step.graph!r}, not a cut graph."
    if not isinstance(step.separation, Separation | None):
        return f"its `separation` is {step.separation!r}, not a separation."
    if not isinstance(step.theorem, int):
        return f"its `theorem` is {step.theorem!r}, not a number."
    return None


def _fault_of_theorem(theorem: Theorem, steps: tuple[Step, ...], first: int) -> str | None:
    forms = Forms()
    now, goal = forms.key(theorem.law.expression), forms.key(theorem.formula.expression)
    known = _known(theorem)
    if any(isinstance(part, Prob) and frozenset(part.do) not in known for part in parts(theorem.formula.expression)):
        return f"The formula {theorem.formula} still has a do that is none of the experiments."
    for number, step in enumerate(steps, first):
        if fault := _fault_of_step(theorem, step, forms, now, number):
            return f"Step {number} ({step.rule}) does not hold: {fault}"
        now = forms.key(step.after.expression)
    if now != goal:
        last = steps[-1].after if steps else theorem.law
        return f"The steps end with {last}, not with the formula {theorem.formula}."
    return None


def _known(theorem: Theorem) -> set[frozenset[str]]:
    """What is set in each law that a formula may use, nothing in P(V)."""
    return {frozenset[str](), *map(frozenset, theorem.experiments)}


def _fault_of_step(theorem: Theorem, step: Step, forms: Forms, now: Key, number: int) -> str | None:
    if forms.key(step.before.expression) != now:
        return f"it begins with {step.before}, which is not what the step before it left."
    part, becomes = step.part.expression, step.becomes.expression
    swapped = forms.key(_swapped(step.before.expression, part, becomes, forms, within=False))
    if swapped == now:
        swapped = forms.key(_swapped(step.before.expression, part, becomes, forms, within=True))
    if swapped == now:
        return f"{step.part} does not stand in {step.before}, or nothing changes."
    if forms.key(step.after.expression) != swapped:
        return f"{step.before} with {step.becomes} for {step.part} is not {step.after}."
    known = theorem.graph.masks.index.keys()
    named = {*step.graph.into, *step.graph.out_of, *_mentioned(part), *_mentioned(becomes)}
    if strange := sorted(named - known):
        return f"{strange[0]!r} is not a node of the graph."
    if step.graph.whole != theorem.graph:
        return "its graph is not the graph of the theorem."
    match step.rule:
        case "rule 1" | "rule 2" | "rule 3":
            fault = _do_calculus(step, part, becomes)
        case rule if rule in list(MEANINGS):  # whatever stands there, also what has no hash
            fault = _probability(step, part, becomes, _known(theorem))
        case _:
            fault = f"{step.rule!r} is no rule."
    return fault or _fault_by_numbers(theorem, step, part, becomes, number)


def _swapped(
    whole: AbstractExpression, part: AbstractExpression, becomes: AbstractExpression, forms: Forms, *, within: bool
) -> AbstractExpression:
    """The whole with `becomes` for `part`; with `within`, for a product that stands among further factors."""
    key, wanted = forms.key(part), forms.factors(part)
    new: dict[int, AbstractExpression] = {}
    for old in parts(whole):
        match old:
            case _ if not within and type(old) is type(part) and forms.key(old) == key:
                new[id(old)] = becomes
            case Sum(over=over, body=body):
                new[id(old)] = Sum(over, new[id(body)])  # type: ignore[arg-type]
            case Product(factors=factors) if within and isinstance(part, Product) and not wanted - forms.factors(old):
                left = Counter(wanted)
                rest: list[AbstractExpression] = [becomes]
                for factor in factors:
                    if left[forms.key(factor)]:
                        left[forms.key(factor)] -= 1
                    else:
                        rest.append(new[id(factor)])
                new[id(old)] = Product(tuple(rest))  # type: ignore[arg-type]
            case Product(factors=factors):
                new[id(old)] = Product(tuple(new[id(factor)] for factor in factors))  # type: ignore[arg-type]
            case Quotient(numerator=numerator, denominator=denominator):
                new[id(old)] = Quotient(new[id(numerator)], new[id(denominator)])  # type: ignore[arg-type]
            case _:
                new[id(old)] = old
    return new[id(whole)]


# --- the rules, by what they say


def _do_calculus(step: Step, part: AbstractExpression, becomes: AbstractExpression) -> str | None:
    if not isinstance(part, Prob) or not isinstance(becomes, Prob):
        return "a rule of do-calculus rewrites one P( ) into another."
    if part.outcomes != becomes.outcomes:
        return "the outcomes changed."
    longer, shorter = (part, becomes) if _size(part) >= _size(becomes) else (becomes, part)
    changed = _changed(step.rule, longer, shorter)
    if not changed:
        return f"{step.part} and {step.becomes} do not differ as the rule says."
    do = frozenset(longer.do) & frozenset(shorter.do)
    given = frozenset(longer.given) & frozenset(shorter.given)
    masks = step.graph.whole.masks
    cut = masks.cut(masks.mask(do))
    into, out_of = do, frozenset[str]()
    if step.rule == "rule 2":
        out_of = changed
    if step.rule == "rule 3":
        above = masks.nodes(reach(masks.mask(given), cut.parents))
        into = do | changed.difference(above)
    if (frozenset(step.graph.into), frozenset(step.graph.out_of)) != (into, out_of):
        return f"the rule cuts the edges into {_set(into)} and out of {_set(out_of)}, not those of {step.graph.label}."
    stated = step.separation
    needed = (frozenset(part.outcomes), changed, do | given)
    if stated is None or (frozenset(stated.first), frozenset(stated.second), frozenset(stated.given)) != needed:
        return f"the separation that the rule needs is that of {_set(needed[0])} and {_set(changed)} given {_set(needed[2])}."
    cut = masks.cut(masks.mask(into), masks.mask(out_of))
    if connected(cut, masks.mask(part.outcomes), masks.mask(needed[2])) & masks.mask(changed):
        return f"{stated} does not hold in {step.graph.label}."
    return None


def _size(law: Prob) -> int:
    return 2 * len(law.given) + 3 * len(law.do)


def _changed(rule: str, longer: Prob, shorter: Prob) -> frozenset[str]:
    """What a rule of do-calculus leaves out of the longer law, or exchanges; nothing where it could not have."""
    seen, do = (frozenset(getattr(longer, side)).difference(getattr(shorter, side)) for side in ("given", "do"))
    same_given, same_do = longer.given == shorter.given, longer.do == shorter.do
    match rule:
        case "rule 1":
            return seen if same_do and set(shorter.given) <= set(longer.given) else frozenset()
        case "rule 2":
            same = set(longer.do) - do == set(shorter.do) and set(shorter.given) == set(longer.given) | do
            return do if same and not do.intersection(longer.given) else frozenset()
        case _:
            return do if same_given and set(shorter.do) <= set(longer.do) else frozenset()


def _set(names: Iterable[str]) -> str:
    return "{" + ", ".join(sorted(names)) + "}"


def _probability(
    step: Step, part: AbstractExpression, becomes: AbstractExpression, known: set[frozenset[str]]
) -> str | None:
    """Rules of probability, by their names; that both sides are equal is for the numbers to say."""
    if step.separation is not None or step.graph.into or step.graph.out_of:
        return "a rule of probability needs no separation and cuts no edge."
    if step.rule == "marginalise":
        return _marginal(part, becomes)
    # These hold for every law, so that the numbers may judge them on laws that no graph restricts.
    of_any_law = step.rule in ("cancel", "sum out", "rearrange")
    laws = [inner for side in (part, becomes) for inner in parts(side) if isinstance(inner, Prob)]
    if of_any_law and any(frozenset(law.do) not in known for law in laws):
        return "a do is left in it."
    rule = rule_of(part, becomes)
    return None if step.rule == rule else f"from {step.part} to {step.becomes} it would be {rule!r}."


def _marginal(part: AbstractExpression, becomes: AbstractExpression) -> str | None:
    if not (isinstance(part, Prob) and isinstance(becomes, Sum) and isinstance(becomes.body, Prob)):
        return "a law becomes a sum of a law."
    larger, over = becomes.body, set(becomes.over)
    fits = (larger.given, larger.do) == (part.given, part.do) and set(larger.outcomes) == set(part.outcomes) | over
    return None if fits and not over & {*part.outcomes, *part.given, *part.do} else "the summed law is another one."


def rule_of(part: AbstractExpression, becomes: AbstractExpression) -> str:
    """Which rule of probability turns one formula into the other, if one does.

    Chain rule, conditioning and cancelling leave the product of powers as it is, P(a | b) being P(a, b) over P(b);
    moving factors out of sums leaves every law as it is; whatever drops a law sums it out.
    """
    if isinstance(part, Prob) and isinstance(becomes, Sum):
        return "marginalise"
    forms = Forms()
    if _powers(part, forms) == _powers(becomes, forms):
        if isinstance(part, Prob) and isinstance(becomes, Quotient):
            return "condition"
        inside = (part, *operands(part), becomes, *operands(becomes))
        return "cancel" if any(isinstance(factor, Quotient) for factor in inside) else "chain rule"
    return "rearrange" if _leaves(part) == _leaves(becomes) else "sum out"


def _leaves(expression: AbstractExpression) -> Counter[tuple[int, Prob]]:
    """How often each law stands in a formula, above fraction strokes and below."""
    counts: dict[int, Counter[tuple[int, Prob]]] = {}
    for part in parts(expression):
        leaves: Counter[tuple[int, Prob]] = Counter()
        if isinstance(part, Prob):
            leaves[1, part] = 1
        for place, operand in enumerate(operands(part)):
            below = isinstance(part, Quotient) and place == 1
            for (side, law), count in counts[id(operand)].items():
                leaves[-side if below else side, law] += count
        counts[id(part)] = leaves
    return counts[id(expression)]


def _powers(expression: AbstractExpression, forms: Forms) -> dict[object, int]:
    powers: Counter[object] = Counter()
    waiting: list[tuple[AbstractExpression, int]] = [(expression, 1)]
    while waiting:
        part, power = waiting.pop()
        match part:
            case Prob(outcomes=outcomes, given=given, do=do):
                powers[frozenset(outcomes + given), do] += power
                if given:
                    powers[frozenset(given), do] -= power
            case Product(factors=factors):
                waiting += ((factor, power) for factor in factors)
            case Quotient(numerator=numerator, denominator=denominator):
                waiting += ((numerator, power), (denominator, -power))
            case _:
                powers[forms.key(part)] += power
    return {key: power for key, power in powers.items() if power}


# --- the numbers


def _fault_by_numbers(
    theorem: Theorem, step: Step, part: AbstractExpression, becomes: AbstractExpression, number: int
) -> str | None:
    names = {name for side in (part, becomes) for name in _mentioned(side)}
    for attempt in range(MODELS):
        random, numbers = Random(number * MODELS + attempt), numbers_here()
        model = RandomModel(theorem.graph, _chosen(theorem, names, random), random, numbers)
        # Rules of probability must hold for laws that the graph does not allow, too.
        free = step.separation is None
        laws = FreeLaws(model.binary, random, numbers) if free else model
        first, second = model.value(part, laws), model.value(becomes, laws)
        off = float((abs(first - second) / (1 + abs(first))).max())
        if not off <= TOLERANCE:
            return f"on a random model {step.part} and {step.becomes} differ by {off:.3g}."
    return None


def _mentioned(expression: AbstractExpression) -> set[str]:
    return {
        name for part in parts(expression) if isinstance(part, Prob) for name in part.outcomes + part.given + part.do
    }


def _chosen(theorem: Theorem, names: set[str], random: Random) -> tuple[str, ...]:
    """The nodes with two levels: those of the step, as far as they can be enumerated, then others."""
    near = [name for name in theorem.graph.nodes if name not in names]
    first, others = (random.sample(some, len(some)) for some in (sorted(names), near))
    return tuple(sorted([*first, *others][:MOST_BINARY]))
