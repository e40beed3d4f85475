"""Text to the parts of a query: what is read, and what is said about mistakes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Literal, NoReturn

from latentdo.errors import NotationError, QueryError
from latentdo.graphs import Lexicon, Name, Token, Tokens, format_number, quote

from .sweep import Axis, axis_fault, swept_text
from .term import (
    MEDIAN,
    Binary,
    Comparison,
    Distribution,
    Expression,
    Kind,
    Measure,
    Number,
    Outcome,
    Setting,
    Term,
    Value,
    measure,
    odds,
    size_of,
)

MAX_TERMS = 200

_ARROW = "a query has no arrows: they belong in the graph. A query is like E[Y | do(X=1)]."
_AND = "parts of a list are separated by commas."
_BRACES = "a term is written E[Y | do(X=1)] or P(Y | do(X=1)), values are listed as [0, 1]."
QUERY = Lexicon(
    "[ ] ( ) , | = < > <= >= + - * / ~ ..",
    {
        "->": _ARROW,
        "-->": _ARROW,
        "<->": _ARROW,
        "<-->": _ARROW,
        "~~": _ARROW,
        "=~": "a query sets values with '=' or '~', as in do(X=1).",
        "==": "write one '=', as in do(X=1).",
        ":=": "write '=', as in do(X=1).",
        "=<": "write <=.",
        "=>": "write >=.",
        "<>": "'not equal' is not read: ask 1 - P(Y=1).",
        "!=": "'not equal' is not read: ask 1 - P(Y=1).",
        "&": _AND,
        "&&": _AND,
        "||": "one '|' separates the outcome from the conditions.",
        "{": _BRACES,
        "}": _BRACES,
        ";": "a text holds one query; conditions are separated by commas.",
        ":": "unexpected ':'. A name that is not a plain word stands in backticks, `a:b`; a range is written 0..10.",
        "#": "a query holds no comments.",
        "^": "powers are not read: a query adds, subtracts, multiplies and divides.",
        "**": "powers are not read: a query adds, subtracts, multiplies and divides.",
        "%": "'%' is not read: write a share as 0.05.",
    },
    by_line=False,
)
_COMPARISONS: tuple[Comparison, ...] = ("=", "<", ">", "<=", ">=")
_LIKE_E = frozenset({"e", "exp", "expectation", "mean", "expected"})
_LIKE_P = frozenset({"p", "pr", "prob", "probability"})

Form = Literal["E", "P", "Var", "SD", "Median", "Quantile", "density", "odds"]
_MEASURES: dict[str, Measure] = {"rd": "RD", "rr": "RR", "or": "OR", "nnt": "NNT"}
_CHANGE = (":", "->")
"""Symbols that stand in the brackets of RD[…] and nowhere else."""
_FORMS: dict[str, Form] = {
    **dict.fromkeys(("var", "variance"), "Var"),
    **dict.fromkeys(("sd", "std", "stdev"), "SD"),
    "median": "Median",
    **dict.fromkeys(("quantile", "q"), "Quantile"),
    **dict.fromkeys(("density", "pdf"), "density"),
    "odds": "odds",
}
_KINDS: dict[Form, Kind] = {"E": "mean", "Var": "variance", "SD": "sd", "Median": "quantile", "Quantile": "quantile"}
_EXAMPLES: dict[Form, str] = {
    "P": "P(Y | do(X=1))",
    "Quantile": "Quantile[Y, 0.9 | do(X=1)]",
    "density": "density(Y=1.3 | do(X=1))",
    "odds": "odds(Y=1 | do(X=1))",
}
_ONE_OUTCOME = "a query has one outcome at a time. How Y moves with what is set is E[Y | do(X=1)] - E[Y | do(X=0)]."
_CONTRAST = "write the contrast, E[Y | do(X=1)] - E[Y | do(X=0)]."
_NOT_READ = {
    **dict.fromkeys(("cov", "covariance", "cor", "corr", "correlation"), _ONE_OUTCOME),
    **dict.fromkeys(("ate", "ace", "effect"), _CONTRAST),
    **dict.fromkeys(("percentile", "quantiles"), "write Quantile[Y, 0.9 | …]."),
    "iqr": "write Quantile[Y, 0.75 | …] - Quantile[Y, 0.25 | …].",
    "cdf": "write P(Y <= 1 | …).",
    **dict.fromkeys(("arr", "ard"), "write RD[Y=1 | X: 0 -> 1]."),
    "rrr": "write 1 - RR[Y=1 | X: 0 -> 1].",
    "log": "a logarithm cannot be asked for: ask the ratio itself.",
}
_OTHERS = (
    "Others are Var[…], SD[…], Median[…], Quantile[Y, 0.9 | …], density(Y=1 | …), odds(Y=1 | …), and RD, RR, OR and "
    "NNT[Y=1 | X: 0 -> 1]."
)
_SWEEP = "a sweep stands at the end of the query: E[Y | do(X)] for X in 0..10."


Parts = tuple[Expression, tuple[Axis, ...]]
"""A query in parts: what it asks, and along which axes."""


def read_query(text: str, named: Mapping[str, Parts], names: Collection[str]) -> tuple[Parts, tuple[str, ...]]:
    """The query that a text states, and the names of other queries that it needs first: then its parts are not whole.

    Args:
        named: Other queries, by the words that stand for their expressions.
        names: The names of queries, of those not yet read too.

    Raises:
        NotationError: The text cannot be read; says where, and what would be read.
    """
    parser = _Parser(text, named, names)
    parts = parser.query()
    return parts, tuple(dict.fromkeys(parser.missing))


def places_of(text: str) -> tuple[Token, ...]:
    """Where the names of nodes stand in the text of a query, in its order.

    Raises:
        NotationError: The text cannot be read.
    """
    parser = _Parser(text, {}, ())
    parser.query()
    return tuple(parser.places)


class _Parser:
    """Reads one query; parentheses around queries are the only recursion, and they are bounded.

    Attributes:
        named: Other queries, by the names that may stand for them.
        names: The names of queries, of those not yet read too.
        places: The names of nodes, as they stand in the text.
        missing: Names that were met and that `named` lacks: what was read is not the whole query then.
    """

    def __init__(self, text: str, named: Mapping[str, Parts], names: Collection[str]) -> None:
        self.tokens = Tokens(text, QUERY)
        self.named = named
        self.names = names
        self.places: list[Token] = []
        self.missing: list[str] = []
        self.count = 0
        self.open_densities: list[Token] = []
        self.swept: tuple[Axis, ...] = ()

    def query(self) -> Parts:
        tokens = self.tokens
        if tokens.at_end():
            raise tokens.error("the query is empty. A query is like E[Y | do(X=1)].")
        expression = self.sum()
        axes = self.axes(expression) if tokens.current.is_word("for") else self.swept
        if not tokens.at_end():
            raise self.after_query(swept=bool(axes))
        for word in self.open_densities:
            if not self.missing and all(axis.name != word.text for axis in axes):
                name = quote(word.text)
                raise tokens.error(
                    f"a density is taken at a value: density({name}=1.3 | …), or along an axis: "
                    f"density({name} | …) for {name} in 0..10.",
                    word,
                )
        return expression, () if self.missing else axes

    def sum(self) -> Expression:
        left = self.product()
        while sign := self.tokens.accept("+", "-"):
            left = Binary("+" if sign.text == "+" else "-", left, self.product())
        return left

    def product(self) -> Expression:
        left = self.factor()
        while sign := self.tokens.accept("*", "/"):
            left = Binary("*" if sign.text == "*" else "/", left, self.factor())
        return left

    def factor(self) -> Expression:
        tokens = self.tokens
        here = tokens.current
        self.add(1, here)
        if tokens.accept("("):
            inner = self.sum()
            if tokens.current.is_word("for"):
                raise tokens.error(_SWEEP)
            tokens.expect(")", "')'")
            return inner
        if here.kind == "number":
            return Number(tokens.number())
        if here.is_symbol("+", "-"):
            repair = "A sign belongs to a number: write 0 - E[Y] or -1 * E[Y]." if here.text == "-" else ""
            return Number(tokens.number("a number after the sign", repair))
        if here.kind == "name" and (here.bare or here.text in self.names):
            word = tokens.advance()
            if word.text in self.names and not tokens.current.is_symbol("[", "("):
                return self.reference(word)
            return self.term(word)
        raise tokens.unexpected("a term, E[…] or P(…)")

    def add(self, count: int, at: Token) -> None:
        self.count += count
        if self.count > MAX_TERMS:
            raise self.tokens.error(f"a query has at most {MAX_TERMS} terms and numbers.", at)

    def reference(self, word: Token) -> Expression:
        """The expression of another query."""
        if word.text not in self.named:
            self.missing.append(word.text)
            return Number(0.0)
        expression, axes = self.named[word.text]
        self.add(size_of(expression) - 1, word)
        if axes:
            if self.count > size_of(expression) or not self.tokens.at_end():
                raise self.tokens.error(
                    f"{word.text!r} is a sweep, and stands for itself alone: {swept_text(expression, axes)}. "
                    "Write what it sweeps in its place.",
                    word,
                )
            self.swept = axes
        return expression

    def term(self, word: Token) -> Expression:
        tokens = self.tokens
        opening = tokens.current
        if word.text.casefold() in _MEASURES and opening.is_symbol("[", "(") and word.bare:
            return self.measure(_MEASURES[word.text.casefold()], word)
        form: Form | None = word.text if word.text in ("E", "P") else _FORMS.get(word.text.casefold())
        if form is None or not opening.is_symbol("[", "(") or not word.bare:
            raise self.not_a_term(word)
        square = form in _KINDS
        if opening.text != ("[" if square else "("):
            example = _EXAMPLES.get(form, f"{form}[Y | do(X=1)]")
            raise tokens.error(f"{form} takes {'square brackets' if square else 'parentheses'}: {example}.")
        tokens.advance()
        closing = "]" if square else ")"
        outcomes = self.asked_number(form) if square else self.asked(form)
        level = self.level(outcomes[0]) if form == "Quantile" else MEDIAN if form == "Median" else None
        self.after_outcomes(form, outcomes[0].name, closing)
        do: list[Setting] = []
        given: list[Outcome] = []
        if tokens.accept("|"):
            self.condition(do, given)
            while tokens.accept(","):
                self.condition(do, given)
            if not tokens.current.is_symbol(closing):
                raise self.after_condition(closing)
        tokens.advance()
        compared = all(outcome.op for outcome in outcomes)
        kind = "density" if form == "density" else _KINDS.get(form, "event" if compared else "law")
        term = Term(kind, outcomes, tuple(do), tuple(given), level)
        if form != "odds":
            return term
        self.add(2, word)
        return odds(term)

    def measure(self, form: Measure, word: Token) -> Expression:
        """A comparison of two risks, behind its word."""
        tokens, written = self.tokens, f"{form}[Y=1 | X: 0 -> 1]"
        if tokens.current.text != "[":
            raise tokens.error(f"{form} takes square brackets: {written}.")
        tokens.tolerated = _CHANGE
        tokens.advance()
        outcomes = tuple(o if o.op else Outcome(o.name, "=", 1.0, assumed=True) for o in self.events())
        new: list[Setting] = []
        old: list[Setting] = []
        do: list[Setting] = []
        given: list[Outcome] = []
        separator = "|"
        while tokens.accept(separator):
            separator = ","
            self.condition(do, given)
            if tokens.current.is_symbol(":", "->"):
                self.change(given, new, old, written)
        if not new:
            raise tokens.error(f"{form} compares two values of what is set: {written}.")
        if not tokens.current.is_symbol("]"):
            raise self.after_condition("]")
        tokens.tolerated = ()
        tokens.advance()
        both = [Term("event", outcomes, (*changed, *do), tuple(given)) for changed in (new, old)]
        made = measure(form, *both)
        self.add(size_of(made) - 1, word)
        return made

    def events(self) -> list[Outcome]:
        """The outcomes of a comparison of risks; one without a comparison is taken at 1."""
        outcomes = [self.outcome("an outcome")]
        while self.tokens.accept(","):
            outcomes.append(self.outcome("an outcome after the comma"))
        if not self.tokens.current.is_symbol("|", "]"):
            raise self.tokens.unexpected("',', '|' or ']'")
        return outcomes

    def change(self, given: list[Outcome], new: list[Setting], old: list[Setting], written: str) -> None:
        """From which value to which a node is set, behind the name, which was taken for a condition."""
        tokens = self.tokens
        here = tokens.current
        if not given or given[-1].op or not tokens.accept(":"):
            raise tokens.error(f"what changes is written with both values, as in {written}.", here)
        name = given.pop().name
        values: list[Value] = []
        for expected in ("the value from which it changes", "the value to which it changes"):
            if values:
                tokens.expect("->", "'->'", f"Both values are given, as in {written}.")
            values.append(tokens.level(expected))
        if values[0] == values[1]:
            raise tokens.error(f"{name!r} changes from a value to the same one. Give two, as in {written}.", here)
        old.append(Setting(name, values[0]))
        new.append(Setting(name, values[1]))

    def asked_number(self, form: Form) -> tuple[Outcome]:
        """The one outcome of a mean, a variance, an sd or a quantile."""
        tokens = self.tokens
        if form == "Quantile" and tokens.current.kind == "number":
            raise tokens.error("the outcome comes first: Quantile[Y, 0.9 | …].")
        outcome = self.outcome("an outcome")
        if outcome.op:
            raise tokens.error(f"{form} takes an outcome without comparison: for a probability write P({outcome} | …).")
        if tokens.current.is_symbol("+", "-", "*", "/"):
            here, level = tokens.current, ", 0.9" if form == "Quantile" else ""
            text = f"arithmetic stands outside the brackets: {form}[Y{level}] - {form}[X{level}]."
            raise tokens.error(text + self.hyphened(outcome.name), here)
        return (outcome,)

    def asked(self, form: Form) -> tuple[Outcome, ...]:
        """The outcomes of a probability, of odds, or the one of a density."""
        tokens = self.tokens
        outcomes: list[Outcome] = []
        while not outcomes or tokens.accept(","):
            word = tokens.current
            outcomes.append(self.outcome("an outcome after the comma" if outcomes else "an outcome"))
            name, op = quote(outcomes[-1].name), outcomes[-1].op
            if form == "odds" and not op:
                raise tokens.error(f"odds are those of an event: odds({name}=1 | …) or odds({name} > 1 | …).", word)
            if form == "density":
                if op not in ("", "="):
                    raise tokens.error(
                        f"a density is taken at a value, density({name}=1.3): an event is P({outcomes[-1]})."
                    )
                if tokens.current.is_symbol(","):
                    raise tokens.error("a density has one outcome: ask for the densities of others one by one.")
                self.open_densities += [] if op else [word]
        return tuple(outcomes)

    def level(self, outcome: Outcome) -> float:
        """The level of a quantile, behind its outcome."""
        tokens = self.tokens
        example = f"Quantile[{quote(outcome.name)}, 0.9 | …]"
        if not tokens.accept(","):
            raise tokens.unexpected("',' and a level", f"A quantile has its level behind the outcome: {example}.")
        here = tokens.current
        level = tokens.number("a level between 0 and 1", f"A quantile is written {example}.")
        if not 0 < level < 1:
            share = f" The {format_number(level)} % quantile has the level {format_number(level / 100)}."
            raise tokens.error(
                f"the level of a quantile lies between 0 and 1, as in {example}.{share if 1 <= level < 100 else ''}",
                here,
            )
        return level

    def after_outcomes(self, form: Form, name: Name, closing: str) -> None:
        tokens = self.tokens
        if tokens.current.is_symbol("|", closing):
            return
        if tokens.current.is_symbol(","):
            if form == "Median":
                raise tokens.error("Median takes one outcome and no level: another quantile is Quantile[Y, 0.9 | …].")
            if form == "Quantile":
                raise tokens.error("Quantile takes one outcome and one level: ask the others as queries of their own.")
            raise tokens.error(f"{form} takes one outcome: ask {form}[{quote(name)}] and the other as two queries.")
        if tokens.current.is_symbol(*_COMPARISONS):
            raise tokens.error("one comparison per part: an interval is P(Y > 1, Y < 2).")
        raise tokens.unexpected(f"'|' or {closing!r}" if form in _KINDS else f"',', '|' or {closing!r}")

    def outcome(self, expected: str) -> Outcome:
        tokens = self.tokens
        if tokens.current.kind == "number":
            raise tokens.error("the node comes first in a comparison: P(Y > 1); an interval is P(Y > 1, Y < 2).")
        if tokens.current.is_word("do"):
            word = tokens.advance()
            if tokens.current.is_symbol("("):
                raise tokens.error("do( ) stands after '|': E[Y | do(X=1)].", word)
            name = word
        else:
            name = tokens.name(expected, self.comma_repair())
        self.places.append(name)
        if tokens.current.is_symbol("("):
            raise tokens.error(
                f"only do( ) has parentheses inside a term, found {name.text}(. An intervention is written do(X=1)."
            )
        for op in _COMPARISONS:
            if tokens.accept(op):
                return Outcome(name.text, op, self.value(op))
        if tokens.current.is_symbol("~"):
            raise tokens.error("a distribution stands only inside do( ): do(X ~ normal(0, 1)).")
        return Outcome(name.text)

    def comma_repair(self) -> str:
        return "Remove the comma or name a node." if self.tokens.current.is_symbol(")", "]", "|") else ""

    def value(self, op: str) -> Value:
        tokens = self.tokens
        if op == "<" and tokens.current.is_symbol("-"):
            sign = tokens.advance()
            if tokens.current.kind != "number":
                raise tokens.error(_ARROW, sign)
            return -tokens.number()
        return tokens.level(f"a number or a level after {op!r}")

    def condition(self, do: list[Setting], given: list[Outcome]) -> None:
        tokens = self.tokens
        word = tokens.current
        if word.kind == "name" and word.bare and word.text.casefold() == "do":
            tokens.advance()
            if word.text == "do" and tokens.accept("("):
                self.settings(do)
                return
            if not tokens.current.is_symbol("|", ",", ")", "]", *_COMPARISONS):
                raise tokens.error("an intervention is written do(X=1), in small letters and parentheses.", word)
            raise tokens.error(f"a node that is called {word.text!r} stands in backticks: `{word.text}`.", word)
        given.append(self.outcome("a condition"))

    def settings(self, do: list[Setting]) -> None:
        tokens = self.tokens
        do.append(self.setting())
        while tokens.accept(","):
            do.append(self.setting())
        if tokens.current.is_symbol("..") or tokens.current.is_word("in"):
            raise tokens.error(_SWEEP)
        if tokens.current.is_symbol("+", "-", "*", "/"):
            here = tokens.current
            self.refuse_policy("a shift such as do(X = X + 1)", here, self.hyphened(do[-1].name))
        tokens.expect(")", "',' or ')'")

    def setting(self) -> Setting:
        tokens = self.tokens
        repair = "Name what is set: do(X=1)." if tokens.current.is_symbol(")") else ""
        name = tokens.name("a node inside do( )", repair)
        self.places.append(name)
        if tokens.accept("="):
            here = tokens.current
            if here.is_symbol("["):
                raise tokens.error(_SWEEP)
            value = tokens.level("a number or a level after '='")
            if tokens.current.is_symbol("+", "-", "*", "/", "("):
                self.refuse_policy("a shift such as do(X = X + 1)", here)
            return Setting(name.text, value)
        if tokens.accept("~"):
            return Setting(name.text, self.distribution())
        if tokens.current.is_symbol("<", ">", "<=", ">="):
            raise tokens.error(
                f"do( ) sets a value: do({quote(name.text)}=1) or do({quote(name.text)} ~ normal(0, 1))."
            )
        return Setting(name.text)

    def distribution(self) -> Distribution:
        tokens = self.tokens
        family = tokens.name("a family after '~'")
        if not tokens.current.is_symbol("("):
            raise tokens.error(f"a distribution has its parameters in parentheses: {family.text}(0, 1).", family)
        args, named = tokens.arguments(
            "policies such as do(X ~ normal(W)) are not supported: the parameters are numbers, found {!r}."
        )
        return Distribution(family.text, args, named)

    def refuse_policy(self, what: str, at: Token | None = None, repair: str = "") -> NoReturn:
        raise self.tokens.error(f"{what} is not supported: do( ) sets a number, a level or a distribution.{repair}", at)

    def hyphened(self, name: Name) -> str:
        """How a name is written that goes on after this minus; empty where no name can."""
        sign, after = self.tokens.accept("-"), self.tokens.current
        whole = sign is not None and after.kind in ("name", "number")
        return f" A name with a hyphen stands in backticks: `{name}-{after.text}`." if whole else ""

    def not_a_term(self, word: Token) -> NotationError:
        tokens, typed = self.tokens, word.text.casefold()
        if tokens.current.is_symbol("[", "("):
            if word.text == "do":
                return tokens.error("do( ) stands inside a term: E[Y | do(X=1)].", word)
            if typed in _NOT_READ:
                return tokens.error(f"{word.text} is not read: {_NOT_READ[typed]}", word)
            if typed in _LIKE_E:
                return tokens.error(f"a mean is written E[…], found {word.text!r}.", word)
            if typed in _LIKE_P:
                return tokens.error(f"a probability is written P(…), found {word.text!r}.", word)
            return tokens.error(f"a term is E[…] or P(…), found {word.text!r}. {_OTHERS}", word)
        close = get_close_matches(typed, {name.casefold() for name in self.names}, n=1)
        known = next((name for name in self.names if close and name.casefold() == close[0]), None)
        meant = f" Did you mean the query {known!r}?" if known is not None else ""
        return tokens.error(
            f"expected a term, found {word.text!r}.{meant} Write E[{quote(word.text)}] for its mean, "
            f"P({quote(word.text)} > 1) for a probability.",
            word,
        )

    def after_condition(self, closing: str) -> NotationError:
        tokens = self.tokens
        if tokens.current.is_symbol("|"):
            return tokens.error("a term has one '|': conditions are separated by commas.")
        if tokens.current.is_symbol(*_COMPARISONS):
            return tokens.error("one comparison per part: an interval is Z > 1, Z < 2.")
        if tokens.current.kind == "name":
            return tokens.unexpected(f"',' or {closing!r}", "Conditions are separated by commas.")
        return tokens.unexpected(f"',' or {closing!r}")

    def after_query(self, *, swept: bool) -> NotationError:
        tokens = self.tokens
        if swept:
            if tokens.current.is_symbol("+", "-", "*", "/"):
                return tokens.error("a sweep stands at the end of the query: arithmetic comes before 'for'.")
            return tokens.unexpected("',' or the end of the query")
        if tokens.current.kind == "name" and tokens.current.text.casefold() in ("for", "over", "along", "with"):
            return tokens.error("a sweep begins with the word for, in small letters: E[Y | do(X)] for X in 0..10.")
        if tokens.current.is_symbol(*_COMPARISONS):
            return tokens.error("a query is a number to estimate, not a comparison: ask a difference or a ratio.")
        if tokens.current.is_symbol(","):
            return tokens.error("a text holds one query: ask several as several texts.")
        return tokens.unexpected("an operator or the end of the query")

    def axes(self, expression: Expression) -> tuple[Axis, ...]:
        """The axes behind the word that stands here."""
        tokens = self.tokens
        tokens.advance()
        axes: list[Axis] = []
        while not axes or tokens.accept(","):
            word = tokens.current
            place = tokens.name("a node to sweep", "A sweep is written for X in 0..10.")
            self.places.append(place)
            axes.append(self.axis(place.text))
            # Of a query that is read without the others that it names nobody knows what stands open.
            if not self.missing and (fault := axis_fault(expression, axes)):
                raise tokens.error(_lowered(fault), word)
        return tuple(axes)

    def axis(self, name: Name) -> Axis:
        tokens = self.tokens
        written = f"A sweep is written for {quote(name)} in 0..10 or for {quote(name)} in [0, 1, 5]."
        if not tokens.current.is_word("in"):
            raise tokens.unexpected("'in'", written)
        tokens.advance()
        here = tokens.current
        try:
            if here.is_symbol("["):
                return Axis(name, self.listed())
            if here.kind in ("name", "level"):
                raise tokens.error(f"levels are listed: for {quote(name)} in [a, b].")
            low = tokens.number("a range or a list of values", written)
            if not tokens.accept(".."):
                raise tokens.unexpected("'..'", written)
            high = tokens.number("a number after '..'")
            step = None
            if tokens.current.is_word("by"):
                tokens.advance()
                step = tokens.number("a step after 'by'")
            elif tokens.current.kind in ("name", "number"):
                raise tokens.unexpected("'by', ',' or the end of the query", "A step is written for X in 0..10 by 0.5.")
            return Axis.of_range(name, low, high, step)
        except QueryError as error:
            raise tokens.error(_lowered(str(error)), here) from None

    def listed(self) -> tuple[Value, ...]:
        """The values in square brackets."""
        try:
            return self.tokens.levels()
        except NotationError:
            if self.tokens.current.is_symbol(".."):
                raise self.tokens.error("a range has no brackets: for X in 0..10.") from None
            raise


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
