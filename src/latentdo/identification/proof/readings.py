"""What the values that a query names stand for in a pair of models: one reading for all terms of the query.

Apart from the models, since a contrast needs the same X = 1 in each of its terms.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from latentdo.graphs import Name
from latentdo.query import Binary, Distribution, Expression, Number, Outcome, Query, Setting, Term, Value

from ..engine.tables import NAN, Real
from .parity import Level
from .twins import Case, shares_of

MAX_READINGS = 200
MAX_PLACES = 2000

Key = tuple[str, Value | None]  # a comparison with a value; ("", None) for what is left open
Choice = Mapping[Key, tuple[Level, ...]]
OPEN: Key = ("", None)

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def readings(query: Query, widths: Mapping[Name, int]) -> Iterator[tuple[Case, ...]]:
    """Ways to read the values of a query as levels, a case for each term; the values themselves first.

    Two values of one node are two levels. A comparison holds of the levels whose numbers satisfy it.

    Args:
        widths: How many bits each node has.
    """
    options = {name: _options(query, name, 1 << widths[name]) for name in named(query)}
    if not all(options.values()):
        return
    plain = {name: choices[0] for name, choices in options.items()}
    one_changed = ({**plain, name: choice} for name, choices in options.items() for choice in choices[1:])
    everything = (dict(zip(options, chosen, strict=True)) for chosen in itertools.product(*options.values()))
    for chosen in itertools.islice(itertools.chain([plain], one_changed, everything), MAX_READINGS):
        cases = tuple(_case(query, term, chosen, widths) for term in query.terms)
        if all(all(levels for _, levels in (*case.given, *case.asked)) for case in cases):
            yield cases


def named(query: Query) -> tuple[Name, ...]:
    """The nodes that some term of a query names, each once."""
    parts = (name for term in query.terms for name in (*term.treatments, *term.conditions, *term.outcome_names))
    return tuple(dict.fromkeys(parts))


def values_named(query: Query, name: Name) -> tuple[Value, ...]:
    """The values that a query sets a node to, or compares it with by '=': numbers in order, then words."""
    values = {value for op, value in _keys(query, name) if op == "=" and value is not None}
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))


def evaluated(expression: Expression, values: Mapping[Term, Real]) -> Real:
    """The value of the arithmetic of a query once its terms have theirs; not a number after a division by 0."""
    match expression:
        case Term():
            return values[expression]
        case Number(value=value):
            # As it was written: 0.1 is a tenth.
            return Fraction(repr(value))
        case Binary(op=op, left=left, right=right):
            a, b = evaluated(left, values), evaluated(right, values)
            match op:
                case "+":
                    return a + b
                case "-":
                    return a - b
                case "*":
                    return a * b
                case "/":
                    return a / b if b else NAN


def filled(expression: Expression, cases: Mapping[Term, Case]) -> Expression:
    """The expression with a value for everything that its terms leave open."""
    match expression:
        case Binary(left=left, right=right):
            return replace(expression, left=filled(left, cases), right=filled(right, cases))
        case Term():
            return _filled(expression, cases[expression])
        case Number():
            return expression


def _filled(term: Term, case: Case) -> Term:
    do, levels = dict(case.do), dict(case.given + case.asked)

    def value(item: Outcome) -> Outcome:
        return item if item.op else replace(item, op="=", value=float(levels[item.name][0]))

    def setting(item: Setting) -> Setting:
        level = do[item.name]
        return item if item.value is not None or isinstance(level, tuple) else replace(item, value=float(level))

    # In models with levels a density is a probability.
    asked = term.law if term.kind == "density" else term
    outcomes = term.outcomes if case.mean else tuple(map(value, term.outcomes))
    kind = "event" if asked.kind == "law" and not case.mean else asked.kind
    return replace(
        asked, kind=kind, outcomes=outcomes, do=tuple(map(setting, term.do)), given=tuple(map(value, term.given))
    )


def _keys(query: Query, name: Name) -> tuple[Key, ...]:
    keys: list[Key] = []
    for term in query.terms:
        keys += [(item.op, item.value) for item in (*term.given, *term.outcomes) if item.name == name]
        for item in term.do:
            if item.name == name and not isinstance(item.value, Distribution):
                keys.append(OPEN if item.value is None else ("=", item.value))
    return tuple(dict.fromkeys(keys))


def _options(query: Query, name: Name, count: int) -> list[Choice]:
    """What the values of one node may stand for, the values themselves first."""
    keys = _keys(query, name)
    is_asked = any(name in term.outcome_names for term in query.terms)
    choices: list[Choice] = []
    for numbers in _numbers(query, name, count):
        choice = {key: tuple(i for i in range(count) if _holds(numbers[i], key)) for key in keys if key != OPEN}
        once = all(len(levels) == 1 if op == "=" else levels for (op, _), levels in choice.items())
        if not once:
            continue
        # What was left open reads best as the law at 1, given 0.
        free = sorted(range(count), reverse=is_asked) if OPEN in keys else [0]
        choices += [{**choice, OPEN: (level,)} for level in free]
    return choices


def _numbers(query: Query, name: Name, count: int) -> list[tuple[Value | None, ...]]:
    """What number each level of a node may stand for; None is some number that the query does not name."""
    plain = tuple(map(float, range(count)))
    # The levels of a mean, a variance or a quantile are the numbers that it is one of.
    if any(term.takes_numbers and name in term.outcome_names for term in query.terms):
        return [plain]
    values = values_named(query, name)
    keys = [key for key in _keys(query, name) if key[0] not in ("", "=")]
    if keys:
        pool = _pool(plain, values, keys)
        readings_of_levels = list(itertools.islice(itertools.product(pool, repeat=count), MAX_PLACES))
    elif len(values) <= count:
        placed = itertools.islice(itertools.permutations(range(count), len(values)), MAX_PLACES)
        readings_of_levels = [tuple(dict(zip(at, values, strict=True)).get(i) for i in range(count)) for at in placed]
    else:
        readings_of_levels = []

    def rank(numbers: tuple[Value | None, ...]) -> int:
        return sum(number is not None and number != i for i, number in enumerate(numbers))

    return sorted(readings_of_levels, key=rank)


def _pool(plain: tuple[float, ...], values: tuple[Value, ...], keys: list[Key]) -> list[Value]:
    """A number for each way in which the comparisons with a node can turn out."""
    cuts = sorted({value for value in (*values, *(value for _, value in keys)) if isinstance(value, float)})
    between = [(a + b) / 2 for a, b in itertools.pairwise(cuts)]
    ends = [cuts[0] - 1, cuts[-1] + 1] if cuts else []
    comparisons = [*keys, *(("=", value) for value in values)]
    by_outcome: dict[tuple[bool, ...], Value] = {}
    for number in (*plain, *sorted({*cuts, *between, *ends}), *(value for value in values if isinstance(value, str))):
        by_outcome.setdefault(tuple(_holds(number, key) for key in comparisons), number)
    return list(by_outcome.values())


def _holds(number: Value | None, key: Key) -> bool:
    op, value = key
    if op == "=":
        return number is not None and number == value
    if number is None or value is None or isinstance(number, str) or isinstance(value, str):
        return False
    return _HOLDS[op](number, value)


def _case(query: Query, term: Term, chosen: Mapping[Name, Choice], widths: Mapping[Name, int]) -> Case:
    """The levels that one term is about."""

    def levels(name: Name, items: tuple[Outcome, ...]) -> tuple[Level, ...]:
        sets = [set(chosen[name][item.op, item.value]) for item in items if item.name == name]
        return tuple(sorted(set[int].intersection(*sets)))

    def level(setting: Setting) -> Level | tuple[float, ...]:
        if isinstance(setting.value, Distribution):
            return shares_of(setting.value, widths[setting.name], _place(query, setting))
        return chosen[setting.name][OPEN if setting.value is None else ("=", setting.value)][0]

    is_number = term.takes_numbers
    return Case(
        tuple((setting.name, level(setting)) for setting in term.do),
        tuple((name, levels(name, term.given)) for name in term.conditions),
        () if is_number else tuple((name, levels(name, term.outcomes)) for name in term.outcome_names),
        term.outcome_names[0] if is_number else None,
        term.kind if is_number else "mean",
        term.level,
    )


def _place(query: Query, setting: Setting) -> int:
    """Which of the laws that the query draws this node from it is."""
    laws = dict.fromkeys(
        item.value
        for term in query.terms
        for item in term.do
        if item.name == setting.name and isinstance(item.value, Distribution)
    )
    return list(laws).index(setting.value) if isinstance(setting.value, Distribution) else 0
