"""Text to query: what is read, and what is said about mistakes."""

from __future__ import annotations

from typing import NoReturn

from latentdo.errors import NotationError
from latentdo.graphs import Lexicon, Token, Tokens, quote

from .term import Binary, Comparison, Distribution, Expression, Number, Outcome, Setting, Term, Value

MAX_TERMS = 200

_ARROW = "a query has no arrows: they belong in the graph. A query is like E[Y | do(X=1)]."
_AND = "parts of a list are separated by commas."
_BRACES = "a term is written E[Y | do(X=1)] or P(Y | do(X=1))."
QUERY = Lexicon(
    "[ ] ( ) , | = < > <= >= + - * / ~",
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
        ":": "unexpected ':'. A name that is not a plain word stands in backticks: `a:b`.",
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
_NOT_YET = frozenset({"var", "sd", "std", "median", "quantile", "q", "cov", "cor"})


class Parser:
    """Reads one query; parentheses around queries are the only recursion, and they are bounded."""

    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text, QUERY)
        self.count = 0

    def query(self) -> Expression:
        if self.tokens.at_end():
            raise self.tokens.error("the query is empty. A query is like E[Y | do(X=1)].")
        expression = self.sum()
        if not self.tokens.at_end():
            raise self.after_query()
        return expression

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
        self.count += 1
        if self.count > MAX_TERMS:
            raise tokens.error(f"a query has at most {MAX_TERMS} terms and numbers.")
        if tokens.accept("("):
            inner = self.sum()
            tokens.expect(")", "')'")
            return inner
        if here.kind == "number":
            return Number(tokens.number())
        if here.is_symbol("+", "-"):
            repair = "A sign belongs to a number: write 0 - E[Y] or -1 * E[Y]." if here.text == "-" else ""
            return Number(tokens.number("a number after the sign", repair))
        if here.kind == "name" and here.bare:
            return self.term(tokens.advance())
        raise tokens.unexpected("a term, E[…] or P(…)")

    def term(self, word: Token) -> Term:
        tokens = self.tokens
        opening = tokens.current
        if word.text not in ("E", "P") or not opening.is_symbol("[", "("):
            raise self.not_a_term(word)
        if word.text == "E" and opening.text == "(":
            raise tokens.error("E takes square brackets: E[Y | do(X=1)].")
        if word.text == "P" and opening.text == "[":
            raise tokens.error("P takes parentheses: P(Y | do(X=1)).")
        tokens.advance()
        closing = "]" if word.text == "E" else ")"
        outcomes = self.outcomes(word, closing)
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
        kind = "mean" if word.text == "E" else "event" if compared else "law"
        return Term(kind, outcomes, tuple(do), tuple(given))

    def outcomes(self, word: Token, closing: str) -> tuple[Outcome, ...]:
        tokens = self.tokens
        found = [self.outcome("an outcome")]
        if word.text == "E":
            self.check_mean(found[0])
        while tokens.accept(","):
            found.append(self.outcome("an outcome after the comma"))
        if not tokens.current.is_symbol("|", closing):
            if tokens.current.is_symbol(*_COMPARISONS):
                raise tokens.error("one comparison per part: an interval is P(Y > 1, Y < 2).")
            raise tokens.unexpected(f"',', '|' or {closing!r}")
        return tuple(found)

    def check_mean(self, outcome: Outcome) -> None:
        tokens = self.tokens
        if outcome.op:
            raise tokens.error(f"E takes an outcome without comparison: for a probability write P({outcome} | …).")
        if tokens.current.is_symbol(","):
            raise tokens.error(f"E takes one outcome: ask E[{quote(outcome.name)}] and the other as two queries.")
        if tokens.current.is_symbol("+", "-", "*", "/"):
            raise tokens.error("arithmetic stands outside the brackets: E[Y] - E[X].")

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
        if tokens.current.is_symbol("+", "-", "*", "/"):
            self.refuse_policy("a shift such as do(X = X + 1)")
        tokens.expect(")", "',' or ')'")

    def setting(self) -> Setting:
        tokens = self.tokens
        repair = "Name what is set: do(X=1)." if tokens.current.is_symbol(")") else ""
        name = tokens.name("a node inside do( )", repair)
        if tokens.accept("="):
            here = tokens.current
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

    def refuse_policy(self, what: str, at: Token | None = None) -> NoReturn:
        raise self.tokens.error(f"{what} is not supported: do( ) sets a number, a level or a distribution.", at)

    def not_a_term(self, word: Token) -> NotationError:
        tokens, typed = self.tokens, word.text.casefold()
        if tokens.current.is_symbol("[", "("):
            if word.text == "do":
                return tokens.error("do( ) stands inside a term: E[Y | do(X=1)].", word)
            if typed in _NOT_YET:
                return tokens.error(f"{word.text} is not read: a term is E[…] or P(…).", word)
            if typed in _LIKE_E:
                return tokens.error(f"a mean is written E[…], found {word.text!r}.", word)
            if typed in _LIKE_P:
                return tokens.error(f"a probability is written P(…), found {word.text!r}.", word)
            return tokens.error(f"a term is E[…] or P(…), found {word.text!r}.", word)
        return tokens.error(
            f"expected a term, found {word.text!r}. Write E[{quote(word.text)}] for its mean, "
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

    def after_query(self) -> NotationError:
        tokens = self.tokens
        if tokens.current.is_symbol(*_COMPARISONS):
            return tokens.error("a query is a number to estimate, not a comparison: ask a difference or a ratio.")
        if tokens.current.is_symbol(","):
            return tokens.error("a text holds one query: ask several as several texts.")
        return tokens.unexpected("an operator or the end of the query")
