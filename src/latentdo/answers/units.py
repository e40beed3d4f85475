"""What a number is, and what it is counted in: a mean in the units of its outcome, a risk ratio, a variance in squared units.

Names follow from the form of the question and units from a small dimensional analysis, so that no number goes without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from latentdo.graphs import Name, format_number, quote
from latentdo.models import Units
from latentdo.query import Binary, Expression, Number, Query, Term

Powers = tuple[tuple[Name, int], ...]
Kind = Literal["value", "difference", "ratio", "change", "standardised", "constant", "other"]

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_IRREGULAR = {"density": "densities", "probability": "probabilities", "odds": "odds"}


@dataclass(frozen=True)
class Scale:
    """What a number is.

    Attributes:
        name: In words: `mean of Erk`, `risk difference`, `ratio of means of Erk`.
        powers: The outcomes whose units it is counted in, each with its power; none for a pure number.
        base: What it is a value, a difference or a ratio of: `mean`, `probability`, `odds`, `0.9 quantile`.
        of: The outcome that it speaks of, as it is typed; for events what they are events of.
        kind: How it was made of values of its base.
        units: What those outcomes are measured in, where that is known.
        caution: What is wrong with the unit, in a sentence; mostly nothing.
    """

    name: str
    powers: Powers = ()
    base: str = ""
    of: str = ""
    kind: Kind = "other"
    units: Units = ()
    caution: str = ""

    @property
    def dimension(self) -> Powers:
        """What it is counted in, each with its power: a unit where it is known, else `units of Erk`."""
        known = dict(self.units)
        # Two outcomes in mmHg have a difference in mmHg, and a ratio without a unit.
        return _multiplied((), ((known.get(name, f"units of {quote(name)}"), power) for name, power in self.powers), 1)

    @property
    def unit(self) -> str | None:
        """`mmHg`, `mmHg²`, `1/mmHg`; where none is known `units of Erk`, `per unit of Erk`; None for a pure number."""
        known = {unit for _, unit in self.units}
        parts = [(unit, power, unit in known) for unit, power in self.dimension]
        above = [_power(unit, power, known=known) for unit, power, known in parts if power > 0]
        # A unit stands as it was typed, often in the plural: "per litres" would be no English.
        below = [_power(unit, -power, known=True) for unit, power, known in parts if power < 0 and known]
        unknown = [_power(unit, -power, known=False) for unit, power, known in parts if power < 0 and not known]
        whole = " times ".join(above)
        if below:
            divisor = _operand("·".join(below))
            whole = f"{_operand(whole) if all(known for *_, known in parts) else whole or 1}/{divisor}"
        return " ".join([*([whole] if whole else []), *(f"per {_singular(unit)}" for unit in unknown)]) or None

    @property
    def null(self) -> float | None:
        """The value that means no effect: 0 of a difference, 1 of a ratio, None where there is no such value."""
        return {"difference": 0.0, "change": 0.0, "standardised": 0.0, "ratio": 1.0}.get(self.kind)

    def __str__(self) -> str:
        """Name and unit in one phrase: `mean of SBP, in mmHg`, or `mean of Erk, in its units` where no unit is known."""
        if self.unit is None:
            return self.name
        own = len(self.powers) == 1 and not self.units and bool(self.of) and quote(self.powers[0][0]) == self.of
        match self.powers[0][1] if own else 0:
            case 1:
                return f"{self.name}, in its units"
            case 2:
                return f"{self.name}, in squared units"
            case -1:
                return f"{self.name}, {self.unit}"
            case _:
                return f"{self.name}, {self.unit if self.unit.startswith('per ') else f'in {self.unit}'}"


def scale_of(question: Query | Expression, binary: Collection[Name] = (), units: Units = ()) -> Scale:
    """What the numbers are that answer a question.

    Args:
        question: A query, or its arithmetic.
        binary: Nodes with the values 0 and 1: a mean of theirs is a probability.
        units: Nodes and what they are measured in, where that is known.
    """
    expression = question.expression if isinstance(question, Query) else question
    match expression:
        case Term():
            scale = _of_term(expression, binary)
        case Number():
            scale = Scale("number", kind="constant")
        case Binary():
            scale = _special(expression, binary) or _combined(expression, binary, units)
    asked = {name for name, _ in scale.powers}
    return replace(scale, units=tuple(pair for pair in units if pair[0] in asked))


def _of_term(term: Term, binary: Collection[Name]) -> Scale:
    name = term.outcome_names[0]
    shown = quote(name)
    match term.kind:
        case "mean" if name in binary:
            return Scale("probability", (), "probability", f"{shown}=1", "value")
        case "mean":
            return _value("mean", shown, ((name, 1),))
        case "variance":
            return _value("variance", shown, ((name, 2),))
        case "sd":
            return _value("standard deviation", shown, ((name, 1),))
        case "quantile":
            level = term.level
            base = "median" if level is None or level == 0.5 else f"{format_number(level)} quantile"
            return _value(base, shown, ((name, 1),))
        case "density":
            names = term.outcome_names
            return _value("density", ", ".join(map(quote, names)), tuple((each, -1) for each in sorted(names)))
        case _:
            return Scale("probability", (), "probability", ", ".join(map(str, term.outcomes)), "value")


def _value(base: str, of: str, powers: Powers) -> Scale:
    return Scale(f"{base} of {of}", powers, base, of, "value")


def _special(expression: Binary, binary: Collection[Name]) -> Scale | None:
    """The forms that have a name of their own and are more than one operation."""
    op, left, right = expression.op, expression.left, expression.right
    if expression.word == "NNT":
        return Scale("number needed to treat")
    if op == "/" and _is_complement(right, left):
        scale = scale_of(left, binary)
        return Scale("odds", (), "odds", scale.of, "value") if scale.base == "probability" else None
    if op == "-" and left == Number(1.0) and isinstance(right, Term):
        scale = scale_of(right, binary)
        # Of the complement's own event, so that differences and ratios of complements have their names too.
        return replace(scale, of=f"not {scale.of}") if scale.base == "probability" else None
    if op == "/" and isinstance(left, Binary) and left.op == "-" and left.right == right:
        return _change(scale_of(left.left, binary), scale_of(right, binary), "relative change in")
    if op == "-":
        match (left, right):
            case (Binary(op="/", left=a, right=b), Number(value=1.0)):
                return _change(scale_of(a, binary), scale_of(b, binary), "relative change in")
            case (Number(value=1.0), Binary(op="/", left=a, right=b)):
                return _change(scale_of(a, binary), scale_of(b, binary), "relative reduction of")
    return None


def _is_complement(expression: Expression, of: Expression) -> bool:
    return isinstance(expression, Binary) and (expression.op, expression.left, expression.right) == (
        "-",
        Number(1.0),
        of,
    )


def _change(new: Scale, old: Scale, words: str) -> Scale | None:
    """(a - b) / b and a / b - 1, where both are values of one thing."""
    if not _alike(new, old) or new.kind != "value":
        return None
    what = "risk" if new.base == "probability" else f"the {new.base} of {new.of}" if new.powers else new.base
    return Scale(f"{words} {what}", (), new.base, new.of, "change")


def _combined(expression: Binary, binary: Collection[Name], units: Units) -> Scale:
    a, b = scale_of(expression.left, binary, units), scale_of(expression.right, binary, units)
    if "constant" in (a.kind, b.kind):
        return _with_number(expression, a, b)
    match expression.op:
        case "-" if _alike(a, b):
            return _difference(a)
        case "/" if _alike(a, b) and a.kind == "value":
            return _ratio(a)
        case "/" if a.kind == "ratio" and _alike(a, b):
            return Scale(f"ratio of {_plural(a.name)}", (), a.base, a.of, "ratio")
        case "/" if a.kind == "difference" and b.base == "standard deviation" and a.powers == b.powers and a.of == b.of:
            return Scale(f"standardised {a.name} (in sd of {b.of})", (), a.base, a.of, "standardised")
        case "/" if (a.base, b.base, a.of) == ("standard deviation", "mean", b.of) and a.kind == b.kind == "value":
            return Scale(f"coefficient of variation of {a.of}", (), "coefficient of variation", a.of, "value")
        case "+" if _alike(a, b) and a.kind == "value":
            return replace(a, name=f"sum of {_plural(a.name)}", kind="other", base="")
        case "+" | "-" if a.dimension == b.dimension:
            return Scale("number", a.powers, of=a.of if a.of == b.of else "")
        case "+" | "-":
            return _of_two_units(expression.op, a, b)
        case "*":
            return Scale("product", _multiplied(a.powers, b.powers, 1))
        case _:
            name = (
                "ratio of probabilities"
                if a.base == b.base == "probability" and a.kind == b.kind == "value"
                else "ratio"
            )
            return Scale(name, _multiplied(a.powers, b.powers, -1))


def _of_two_units(op: str, a: Scale, b: Scale) -> Scale:
    """A sum or a difference of numbers in different units: it has none, and both are said."""
    first, second = (f"in {scale.unit}" if scale.unit else "without a unit" for scale in (a, b))
    name = f"{'difference' if op == '-' else 'sum'} of a number {first} and one {second}"
    known = all(scale.units or not scale.powers for scale in (a, b))
    return Scale(name, caution=f"the question takes the {name}: the result has no unit" if known else "")


def _alike(a: Scale, b: Scale) -> bool:
    """Whether two numbers are the same thing, so that their difference and ratio have a name."""
    return bool(a.base) and (a.base, a.of, a.kind, a.powers) == (b.base, b.of, b.kind, b.powers)


def _difference(a: Scale) -> Scale:
    if a.kind == "value":
        name = "risk difference" if a.base == "probability" else f"difference in {_plural(a.name)}"
        return replace(a, name=name, kind="difference")
    name = f"difference between {_plural(a.name)}"
    return replace(a, name=name, kind="difference", base=f"{a.kind} of {a.base}")


def _ratio(a: Scale) -> Scale:
    short = {"probability": "risk ratio", "odds": "odds ratio", "density": f"density ratio of {a.of}"}
    return replace(a, name=short.get(a.base, f"ratio of {_plural(a.name)}"), powers=(), kind="ratio")


def _plural(name: str) -> str:
    """`means of Y` of `mean of Y`, `risk ratios` of `risk ratio`."""
    head, of, rest = name.partition(" of ")
    if head.startswith("difference in "):
        return f"differences in {head.removeprefix('difference in ')}{of}{rest}"
    words = head.split(" ")
    words[-1] = _IRREGULAR.get(words[-1], words[-1] + "s")
    return " ".join(words) + of + rest


def _with_number(expression: Binary, a: Scale, b: Scale) -> Scale:
    """A number in the arithmetic changes the name and leaves the unit, unless it is divided by something."""
    number, scale = (expression.left, b) if a.kind == "constant" else (expression.right, a)
    shown = format_number(number.value) if isinstance(number, Number) else "a number"
    if scale.kind == "constant":
        return Scale("number", kind="constant")
    if expression.op == "/" and a.kind == "constant":
        return Scale(f"{shown} divided by the {scale.name}", _multiplied((), scale.powers, -1), of=scale.of)
    if expression.op in ("*", "/"):
        words = "times" if expression.op == "*" else "divided by"
        # A multiple of a difference is 0 where there is no effect; one of a ratio is not 1.
        kind: Kind = scale.kind if scale.kind in ("difference", "change", "standardised") else "other"
        return replace(scale, name=f"{scale.name}, {words} {shown}", base="", kind=kind)
    if expression.op == "-" and a.kind == "constant":
        name = f"{shown} minus the {scale.name}" if shown != "0" else f"minus the {scale.name}"
    else:
        name = f"{scale.name}, {'plus' if expression.op == '+' else 'minus'} {shown}"
    return replace(scale, name=name, base="", kind="other")


def _multiplied(a: Powers, b: Iterable[tuple[str, int]], sign: int) -> Powers:
    powers = dict(a)
    for name, power in b:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _power(unit: str, power: int, *, known: bool) -> str:
    """`mmHg²`, `(mg/kg)²`, `squared units of Y`."""
    if not known:
        word = {1: "", 2: "squared ", 3: "cubed "}.get(power)
        return f"{word}{unit}" if word is not None else f"{unit} to the power {power}"
    return unit if power == 1 else f"{_enclosed(unit, simple=unit.isalpha())}{str(power).translate(_RAISED)}"


def _singular(unit: str) -> str:
    """What stands after `per`: `unit of Y`."""
    return unit.replace("units of ", "unit of ", 1)


def _operand(unit: str) -> str:
    """A unit beside the stroke of a fraction: `mmHg`, `(mg/kg)`, and 1 for none."""
    return _enclosed(unit, simple=not set(unit) & set(" /·*×")) if unit else "1"


def _enclosed(unit: str, *, simple: bool) -> str:
    return unit if simple else f"({unit})"
