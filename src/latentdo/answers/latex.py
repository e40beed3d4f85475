"""Answers in LaTeX: the question as it is printed in papers, one table row per answer, a table of several.

The table needs the packages `booktabs` and `amssymb` (for the E of the mean), and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from latentdo.graphs import Name, format_level, format_number
from latentdo.query import Binary, Distribution, Expression, Number, Outcome, Setting, Term

from .text import number

if TYPE_CHECKING:
    from .answer import Answer

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        **{sign: f"\\{sign}" for sign in "_{}$&#%"},
        # The micro sign is in every font of text; the Greek letter, which looks the same, in none.
        "μ": "µ",
    }
)
# pdfLaTeX has no sign for most of these.
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
# Signs of prose that text fonts lack, as mathematics. Greek letters go by their names.
_MATH = {
    "→": r"\to",
    "↔": r"\leftrightarrow",
    "·": r"\cdot",
    "×": r"\times",
    "±": r"\pm",
    "√": r"\surd",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "∞": r"\infty",
    "∫": r"\int",
    "∏": r"\prod",
    "−": "-",
}
_GREEK = re.compile("[Α-Ωα-ωϵ]")
_LATIN_CAPITALS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))
_SIGNS = {"<=": r"\le ", ">=": r"\ge ", "": ""}
_MARKS = {
    "identified": (r"\dagger", "not nonparametrically identified: rests on the prior and on the functional form"),
    "converged": (r"\ddagger", "not converged"),
    "approximate": (r"\ast", "draws of an approximation, not of the posterior"),
    "median": (r"\circ", "median of the draws, as they have no trustworthy mean"),
    "level": (r"\bullet", "median of the draws, each of which is a level"),
}


def escaped(words: str) -> str:
    """Words for text mode."""
    # TeX would read -- and `` as other signs.
    safe = _RAISED.sub(lambda found: rf"\textsuperscript{{{found[0].translate(_LOWERED)}}}", words.translate(_SPECIAL))
    return safe.replace("--", "-{}-").replace("``", "`{}`").replace("''", "'{}'")


def prose(paragraphs: str) -> str:
    """Paragraphs for text mode: escaped, and signs that text fonts lack as mathematics."""
    safe = escaped(paragraphs.replace("->", "→"))
    for sign, command in _MATH.items():
        safe = safe.replace(sign, f"${command}$")
    return _GREEK.sub(lambda found: _greek(found[0]), safe)


def _greek(letter: str) -> str:
    if letter in _LATIN_CAPITALS:
        return _LATIN_CAPITALS[letter]
    name = unicodedata.name(letter).removeprefix("GREEK ").replace("LAMDA", "LAMBDA").split()
    words = {"FINAL": "varsigma", "LUNATE": "epsilon"}.get(name[2] if len(name) > 3 else "", name[-1].lower())
    if words == "omicron":
        return "o"
    return rf"$\{words.capitalize() if name[0] == 'CAPITAL' else words}$"


def question(expression: Expression) -> str:
    r"""The question for math mode: `\mathbb{E}[Y \mid \mathrm{do}(X = 1)]`."""
    match expression:
        case Term():
            return _term(expression)
        case Number(value=value):
            return _figure(format_number(value))
        case Binary(odds_of=Term() as event):
            return rf"\mathrm{{odds}}{_term(event).removeprefix('P')}"
        case Binary(op="/", left=Binary(odds_of=Term()) as left, right=Binary(odds_of=Term()) as right):
            # One below the other they would be fractions of fractions to the eye.
            return f"{question(left)} / {question(right)}"
        case Binary(op="/", left=left, right=right):
            return rf"\frac{{{question(left)}}}{{{question(right)}}}"
        case Binary(op=op, left=left, right=right):
            sign = r"\cdot" if op == "*" else op
            return f"{_operand(left, op)} {sign} {_operand(right, op, is_right=True)}"


def _operand(expression: Expression, op: str, *, is_right: bool = False) -> str:
    shown = question(expression)
    weak = isinstance(expression, Binary) and expression.op in "+-"
    negative = isinstance(expression, Number) and expression.value < 0 and is_right
    if negative or (weak and (op == "*" or (op == "-" and is_right))):
        return rf"\left({shown}\right)"
    return shown


def _term(term: Term) -> str:
    asked = ", ".join(map(_outcome, term.outcomes))
    conditions = [_outcome(outcome) for outcome in term.given]
    if term.do:
        conditions.insert(0, rf"\mathrm{{do}}({', '.join(map(_setting, term.do))})")
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
            named = [rf"\textrm{{{escaped(key)}}} = {_figure(format_number(value))}" for key, value in law.named]
            arguments = ", ".join([*(_figure(format_number(value)) for value in law.args), *named])
            return rf"{_name(setting.name)} \sim \textrm{{{escaped(law.family)}}}({arguments})"
        case value:
            return f"{_name(setting.name)} = {_value(value)}"


def _name(name: Name) -> str:
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", name):
        return f"{match[1]}_{{{match[2]}}}"
    return rf"\textit{{{escaped(name)}}}"


def _value(value: float | str) -> str:
    if isinstance(value, str):
        return rf"\textrm{{{escaped(value)}}}"
    return _figure(format_level(value))


def _figure(shown: str) -> str:
    """A number for math mode; 1e-05 becomes a power of ten."""
    mantissa, e, exponent = shown.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if e else shown


def estimate(answer: Answer, level: float) -> tuple[str, str]:
    """The number and its interval, each for text mode; a dash where there is no interval."""
    marks = "".join(_MARKS[key][0] for key in _marks(answer))
    raised = f"^{{{marks}}}" if marks else ""
    shown = f"${figure(answer.point, answer.grain)}{raised}$"
    interval = answer.interval(level)
    if interval is None:
        return shown, "--"
    low, high = (figure(end, answer.grain) for end in interval)
    return shown, f"$[{low},\\ {high}]$"


def figure(value: float, grain: float) -> str:
    """A number for math mode, with as many digits as its grain gives meaning."""
    shown = number(value, grain)
    return {"inf": r"\infty", "-inf": r"-\infty", "nan": r"\textrm{--}"}.get(shown) or _figure(shown)


def _marks(answer: Answer) -> list[str]:
    found = {
        "identified": not answer.identified,
        "converged": not answer.converged,
        "approximate": answer.approximate is not None,
        "median": answer.is_median and not answer.is_level,
        "level": answer.is_level,
    }
    return [key for key, present in found.items() if present]


def row(answer: Answer, level: float, *, also: Sequence[str] = ()) -> str:
    r"""One table row, with its `\\`: question, what the number is, the number, its interval.

    Args:
        also: Of the answers beside this one, which to add with their intervals: `naive`, `prior`.
    """
    asked = f"${question(answer.query.expression)}$"
    label = f"{escaped(answer.name)}: {asked}" if answer.name else asked
    cells = [label, escaped(str(answer.scale)), *estimate(answer, level)]
    for field in also:
        other: Answer | None = getattr(answer, field)
        cells += ["", ""] if other is None else estimate(other, level)
    return " & ".join(cells) + r" \\"


def table(answers: Sequence[Answer], level: float) -> str:
    """A whole `tabular` in the manner of booktabs, with a line below for each mark that occurs."""
    also = [field for field in ("naive", "prior") if any(getattr(answer, field) is not None for answer in answers)]
    spread = rf"{100 * level:g}\,\% interval"
    headings = ["Question", "Quantity", "Estimate", spread]
    for field in also:
        headings += [{"naive": "Seeing", "prior": "Prior alone"}[field], spread]
    everyone = [*answers, *(other for answer in answers for field in also if (other := getattr(answer, field)))]
    used = {key for answer in everyone for key in _marks(answer)}
    marks = [_MARKS[key] for key in _MARKS if key in used]
    lines = [
        rf"\begin{{tabular}}{{ll{'rl' * (1 + len(also))}}}",
        r"\toprule",
        " & ".join(headings) + r" \\",
        r"\midrule",
        *(row(answer, level, also=also) for answer in answers),
        r"\bottomrule",
        *(
            rf"\multicolumn{{{len(headings)}}}{{l}}{{\footnotesize $^{{{sign}}}$ {words}.}} \\"
            for sign, words in ((sign, words[:1].upper() + words[1:]) for sign, words in marks)
        ),
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"
