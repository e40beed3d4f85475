"""Products of laws that are one law, by what the graph separates: where a ratio has the same product above and below, it cancels.

P(a) P(b | a, c) is P(a, b | c) where a and c are independent; summed over a it is P(b | c), and what is left of the ratio is
P(a | b, c). Each rewriting is told to the listener of the table, the separations as steps of rule 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from latentdo.graphs import Mask, connected

from .expression import AbstractExpression, Expression, Prob, Product, Quotient, Sum, length_of, parts
from .formulas import Factors, Formulas, factors_of, without
from .reduction import informative


@dataclass(frozen=True)
class Merge:
    """Factors, the same given all that comes before them, and the law that their product is."""

    factors: Factors
    given_more: Factors
    law: Expression


def merge_of(formulas: Formulas, factors: Sequence[Expression]) -> Merge | None:
    """The law that some factors are, where the graph makes them one."""
    laws = [law for factor in factors if (law := formulas.law(factor))]
    if len(laws) < max(2, len(factors)) or len({do for _, _, do in laws}) > 1:
        return None
    outcomes = given = 0
    for own, context, _ in laws:
        if outcomes & own:
            return None
        outcomes, given = outcomes | own, given | context
    given, do = given & ~outcomes, laws[0][2]
    masks = formulas.masks.cut(do, do) if do else formulas.masks
    known, ordered, more = given, list[Expression](), list[Expression]()
    for (own, context, _), factor in sorted(zip(laws, factors, strict=True), key=lambda pair: pair[0]):
        if context & ~known or connected(masks, own, context) & known & ~context:
            return None
        ordered.append(factor)
        more.append(formulas.prob(own, known, do))
        known |= own
    return Merge(ordered, more, formulas.prob(outcomes, given, do))


def _apply(formulas: Formulas, merge: Merge) -> None:
    """Tell how the factors become the law, wherever they stand."""
    for factor, more in zip(merge.factors, merge.given_more, strict=True):
        formulas.tell("rule 1", factor, more)
    # Where the product stands by itself, then where it stands among further factors.
    for _ in range(2):
        formulas.tell("chain rule", formulas.one(merge.given_more), merge.law)


def _undo(formulas: Formulas, merge: Merge) -> None:
    """Tell how the law, wherever it still stands, becomes the factors again."""
    formulas.tell("chain rule", merge.law, formulas.one(merge.given_more))
    for factor, more in zip(merge.factors, merge.given_more, strict=True):
        formulas.tell("rule 1", more, factor)


def ratio(formulas: Formulas, over: Mask, factor: Expression, others: Factors) -> Expression:
    """The sum over `over` of `factor` times the others, divided by that of the others alone, in the shorter of two ways."""
    merge = merge_of(formulas, others) if formulas.merges else None
    if merge is None:
        return formulas.ratio(over, factor, others)

    def merged() -> Expression:
        return finished(formulas, formulas.ratio(over, factor, [merge.law]), shorten=True)

    with formulas.silence():
        plain, short = formulas.ratio(over, factor, others), merged()
    made = {id(merge.law), *map(id, merge.given_more)} - set(map(id, merge.factors))
    if length_of(short) >= length_of(plain) or any(id(part) in made for part in parts(short)):
        return formulas.ratio(over, factor, others)
    formulas.merged_in_ratio = True
    _apply(formulas, merge)
    merged()
    _undo(formulas, merge)
    return short


def conditioned(formulas: Formulas, factors: Factors, over: Mask) -> Factors:
    """The factors divided by their sum over `over`, in the shorter of two ways."""
    merges = [merge for group in _grouped(formulas, over, factors) if (merge := merge_of(formulas, group))]
    merges = [merge for merge in merges if not _stands_within(merge.factors, factors)]
    if merges:
        gone = Counter(id(factor) for merge in merges for factor in merge.factors)
        merged = [*without(factors, gone), *(merge.law for merge in merges)]
        with formulas.silence():
            plain, short = (
                formulas.one(formulas.divide(each, formulas.total(over, each))) for each in (factors, merged)
            )
            lengths = [length_of(finished(formulas, each, shorten=True)) for each in (plain, short)]
        if lengths[1] < lengths[0]:
            for merge in merges:
                _apply(formulas, merge)
            factors, formulas.merged = merged, True
    return formulas.divide(factors, formulas.total(over, factors))


def _grouped(formulas: Formulas, over: Mask, factors: Factors) -> Iterable[Factors]:
    """The factors that share names of `over`, directly or through others."""
    left = [factor for factor in factors if formulas.free([factor]) & over]
    while left:
        group = [left.pop(0)]
        while joined := [factor for factor in left if formulas.free([factor]) & formulas.free(group) & over]:
            left = [factor for factor in left if factor not in joined]
            group += joined
        yield group


def _stands_within(chosen: Factors, factors: Factors) -> bool:
    """Whether one of the chosen stands inside another factor, too."""
    wanted = set(map(id, chosen))
    inside = (part for factor in factors if id(factor) not in wanted for part in parts(factor))
    return any(id(part) in wanted for part in inside)


def finished(formulas: Formulas, expression: Expression, *, shorten: bool = False) -> Expression:
    """The expression after the last touches, which are told.

    Args:
        shorten: Whether laws may have been given more than they need.
    """
    while (touch := _touch(formulas, expression, shorten)) is not None:
        formulas.tell(*touch)
        (expression,) = substituted(formulas, (expression,), touch[1], touch[2])
    return expression


def _touch(formulas: Formulas, expression: Expression, shorten: bool) -> tuple[str, Expression, Expression] | None:
    """A fraction whose denominator goes into a sum above, or a law with conditions that the others shield its outcomes from."""
    for part in parts(expression):
        if isinstance(part, Quotient):
            with formulas.silence():
                inside = formulas.divided_inside(part)
            if inside is not part:
                return "cancel", part, inside
        if shorten and isinstance(part, Prob) and (law := formulas.law(part)):
            outcomes, given, do = law
            short = formulas.prob(outcomes, telling(formulas, outcomes, given, do), do)
            if short is not part:
                return "rule 1", part, short
    return None


def telling(formulas: Formulas, outcomes: Mask, given: Mask, do: Mask) -> Mask:
    """What of `given` tells something about the outcomes that the rest of it does not, where `do` is set."""
    masks = formulas.masks
    return informative(masks.cut(do, do) if do else masks, outcomes, given)


def substituted(
    formulas: Formulas, roots: Sequence[Expression], part: Expression, becomes: Expression, *, within: bool = False
) -> list[Expression]:
    """Each root with `becomes` wherever `part` stands, or the very same root where it stands nowhere.

    Args:
        within: Look for the factors of a product among the factors of larger ones.
    """
    new: dict[int, Expression] = {} if within else {id(part): becomes}
    wanted = Counter(map(id, factors_of(part)))
    for root in roots:
        for old in parts(root, new):
            factors = old.factors if within and isinstance(old, Product) else ()
            if len(factors) > len(wanted) and not wanted - Counter(map(id, factors)):
                rest = without(list(factors), wanted)
                new[id(old)] = formulas.one([*(new[id(factor)] for factor in rest), *factors_of(becomes)])
            else:
                new[id(old)] = _rebuilt(formulas, old, new)
    return [new[id(root)] for root in roots]


def _rebuilt(formulas: Formulas, old: AbstractExpression, new: dict[int, Expression]) -> Expression:
    match old:
        case Sum(over=over, body=body) if new[id(body)] is not body:
            return formulas.sum(formulas.masks.mask(over), [new[id(body)]])
        case Product(factors=factors) if any(new[id(factor)] is not factor for factor in factors):
            return formulas.one([new[id(factor)] for factor in factors])
        case Quotient(numerator=above, denominator=below) if new[id(above)] is not above or new[id(below)] is not below:
            return formulas.quotient([new[id(above)]], [new[id(below)]])
        case _:
            return old  # type: ignore[return-value]
