"""A question as papers print it, in LaTeX's math mode; needs the package `amssymb`, for the E of the mean."""

from __future__ import annotations

import re
from dataclasses import replace

from latentdo.graphs import Name, format_level, format_number
from latentdo.query import Binary, Distribution, Expression, Number, Outcome, Setting, Term, changes_of
from latentdo.sheet import latex

_SIGNS = {"<=": r"\le ", ">=": r"\ge ", "": ""}


def latex_question(expression: Expression) -> str:
    r"""The question for math mode: `\mathbb{E}[Y \mid \mathrm{do}(X = 1)]`."""
    match expression:
        case Term():
            return _term(expression)
        case Number(value=value):
            return latex.mathematical(format_number(value))
        case Binary(odds_of=Term() as event):
            return rf"\mathrm{{odds}}{_term(event).removeprefix('P')}"
        case Binary(risks=(new, old)):
            return _measure(str(expression.word), new, old)
        case Binary(op="/", left=Binary(odds_of=Term()) as left, right=Binary(odds_of=Term()) as right):
            # One below the other they would be fractions of fractions to the eye.
            return f"{latex_question(left)} / {latex_question(right)}"
        case Binary(op="/", left=left, right=right):
            return rf"\frac{{{latex_question(left)}}}{{{latex_question(right)}}}"
        case Binary(op=op, left=left, right=right):
            sign = r"\cdot" if op == "*" else op
            return f"{_operand(left, op)} {sign} {_operand(right, op, is_right=True)}"


def _operand(expression: Expression, op: str, *, is_right: bool = False) -> str:
    shown = latex_question(expression)
    weak = isinstance(expression, Binary) and expression.op in "+-"
    negative = isinstance(expression, Number) and expression.value < 0 and is_right
    if negative or (weak and (op == "*" or (op == "-" and is_right))):
        return rf"\left({shown}\right)"
    return shown


def _measure(word: str, new: Term, old: Term) -> str:
    changed = changes_of(new, old)
    changes = [rf"{_name(one.name)}\colon {_set_to(other)} \to {_set_to(one)}" for one, other in changed]
    held = _conditions(replace(new, do=tuple(one for one in new.do if one not in [pair[0] for pair in changed])))
    asked = ", ".join(map(_outcome, new.outcomes))
    return rf"\mathrm{{{word}}}[{asked} \mid {', '.join((*changes, *held))}]"


def _set_to(setting: Setting) -> str:
    assert setting.value is not None and not isinstance(setting.value, Distribution), "a change is between values"
    return _value(setting.value)


def _conditions(term: Term) -> list[str]:
    seen = [_outcome(outcome) for outcome in term.given]
    return [*([rf"\mathrm{{do}}({', '.join(map(_setting, term.do))})"] if term.do else []), *seen]


def _term(term: Term) -> str:
    asked = ", ".join(map(_outcome, term.outcomes))
    conditions = _conditions(term)
    inside = rf"{asked} \mid {', '.join(conditions)}" if conditions else asked
    match term.kind:
        case "mean":
            return rf"\mathbb{{E}}[{inside}]"
        case "variance":
            return rf"\mathrm{{Var}}[{inside}]"
        case "sd":
            return rf"\mathrm{{SD}}[{inside}]"
        case "quantile":
            return rf"Q_{{{format_number(0.5 if term.level is None else term.level)}}}[{inside}]"
        case "density":
            return f"p({inside})"
        case _:
            return f"P({inside})"


def _outcome(outcome: Outcome) -> str:
    if outcome.value is None:
        return _name(outcome.name)
    return f"{_name(outcome.name)} {_SIGNS.get(outcome.op, outcome.op + ' ')}{_value(outcome.value)}"


def _setting(setting: Setting) -> str:
    match setting.value:
        case None:
            return _name(setting.name)
        case Distribution() as law:
            named = [
                rf"\textrm{{{latex.escaped(key)}}} = {latex.mathematical(format_number(value))}"
                for key, value in law.named
            ]
            arguments = ", ".join([*(latex.mathematical(format_number(value)) for value in law.args), *named])
            return rf"{_name(setting.name)} \sim \textrm{{{latex.escaped(law.family)}}}({arguments})"
        case value:
            return f"{_name(setting.name)} = {_value(value)}"


def _name(name: Name) -> str:
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", name):
        return f"{match[1]}_{{{match[2]}}}"
    return rf"\textit{{{latex.escaped(name)}}}"


def _value(value: float | str) -> str:
    if isinstance(value, str):
        return rf"\textrm{{{latex.escaped(value)}}}"
    return latex.mathematical(format_level(value))
