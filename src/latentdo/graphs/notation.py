"""The model language: text to statements.

Only the form is read here. What a family or an option means is the business of the models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from latentdo.errors import NotationError

from .bitset import Name
from .dag import LatentDag
from .statements import (
    LOGLINEAR,
    Call,
    EdgeStatement,
    Form,
    LatentStatement,
    LinearPredictor,
    MeasureStatement,
    MechanismStatement,
    NodeStatement,
    Option,
    Parent,
    Statement,
    graph_of,
)
from .tokens import Lexicon, Position, Token, Tokens, format_level, quote

Factor = TypeVar("Factor")
MAX_LATENTS = 1000
OF_PREDICTORS = ("intercept", "weight")
"""What a parameter that depends on parents has, as keys of priors call it: `sd intercept(Y)`."""
SHAPES = ("log", "s")
"""What may be written around a parent."""

_UNDIRECTED = "an edge has a direction: write -> for a cause, <-> for a hidden common cause."
_GROUP = "groups in braces are not read here: write one chain per name, as in `A -> C; B -> C`."
MODEL = Lexicon(
    "-> <- -| <-> ~~ =~ ~ + - , : ; ( ) [ ] = ^",
    {
        "-->": "an arrow is written ->.",
        "->>": "an arrow is written ->.",
        "=>": "an arrow is written ->.",
        "==>": "an arrow is written ->.",
        "~>": "an arrow is written ->.",
        "<--": "an arrow is written <-.",
        "<-->": "a hidden common cause is written <->.",
        "<=>": "a hidden common cause is written <->.",
        "<~>": "a hidden common cause is written <->.",
        "--": _UNDIRECTED,
        "|-": "an inhibiting arrow is written from left to right: A -| B.",
        ":=": "a mechanism is written with ~, as in Y ~ normal(X).",
        "==": "an option is set with one '='.",
        "*": "an interaction is written X:V.",
        "**": "a power is written X^2.",
        "{": _GROUP,
        "}": _GROUP,
        "<": "a comparison belongs in a query; arrows are -> <- -| <->.",
        ">": "a comparison belongs in a query; arrows are -> <- -| <->.",
        "<=": "a comparison belongs in a query; arrows are -> <- -| <->.",
        ">=": "a comparison belongs in a query; arrows are -> <- -| <->.",
        "|": "conditions belong in a query; parents stand in parentheses: Y ~ normal(X).",
        "/": "unexpected '/'. A name that is not a plain word stands in backticks: `a/b`.",
        "//": "a comment starts with '#'.",
        "&": "names are separated by commas.",
    },
    by_line=True,
)
SWITCH = {"true": True, "false": False}
"""What an option that is on or off is set to."""
_ARROWS = ("->", "<-", "-|", "<->", "~~")


def parse_statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text in the model language, in order.

    Raises:
        NotationError: The text cannot be read; says where, and what would be read.
    """
    tokens = Tokens(text, MODEL)
    statements: list[Statement] = []
    while not tokens.at_end():
        if tokens.current.kind == "newline" or tokens.current.is_symbol(";"):
            tokens.advance()
            continue
        statements.extend(_statement(tokens))
        if not _at_end_of_statement(tokens):
            raise _after_statement(tokens, statements[-1])
    return tuple(statements)


def parse_graph(text: str) -> LatentDag:
    """The graph that a text in the model language states; mechanisms count as arrows from their parents."""
    return graph_of(parse_statements(text), text)


def parse_call(text: str) -> Call | float:
    """One prior or number, as it stands in a study file: `normal(0, 10)` or `5.4`."""
    tokens = Tokens(text, MODEL)
    while tokens.current.kind == "newline":
        tokens.advance()
    value = _prior(tokens, "a number or a prior such as normal(0, 1)")
    _expect_end(tokens, "the end of the prior")
    return value


def parse_weight_key(text: str) -> tuple[str, tuple[Name, ...] | None, Name | None]:
    """What a key under `priors:` names: (parameter, parents, node), with None for what it leaves open.

    `weight` gives ("weight", None, None), `sd(SOS)` gives ("sd", None, "SOS"), `X:V -> Y` gives ("weight", ("X", "V"), "Y"),
    `log(X) -> Y` gives ("weight", ("log(X)",), "Y"), and `C[mid] -> Y`, the weight of one level, ("weight", ("C[mid]",), "Y").
    Of a parameter that depends on parents `sd weight`, `sd intercept(Y)` and `sd weight X -> Y` likewise have `sd weight` and
    `sd intercept` in front.
    """
    tokens = Tokens(text, MODEL)
    first = tokens.name("a parameter such as weight, sd(Y) or X -> Y")
    kind, prefix = "weight", ""
    if any(map(tokens.current.is_word, OF_PREDICTORS)):
        prefix = f"{first.text} "
        first = tokens.advance()
        if first.text == "weight" and tokens.current.kind == "name":
            kind, first = f"{prefix}weight", tokens.advance()
            if not tokens.current.is_symbol("->", ":", "[", "(", "^"):
                raise tokens.unexpected("'->'", f"Such a weight is named {prefix}weight X -> Y.")
    key: tuple[str, tuple[Name, ...] | None, Name | None] = (f"{prefix}{first.text}", None, None)
    if tokens.current.is_symbol("(") and not _opens_shape(tokens, first):
        tokens.advance()
        key = (f"{prefix}{first.text}", None, tokens.name("the name of a node").text)
        tokens.expect(")", "')'", "A key names one node: sd(Y).")
    elif tokens.current.is_symbol("->", ":", "[", "(", "^"):
        parents = _named_factors(tokens, first)
        tokens.expect("->", "'->'", "A weight is named X -> Y, that of an interaction X:V -> Y.")
        key = (kind, parents, tokens.name("the name of the child").text)
    elif tokens.current.is_symbol(*_ARROWS):
        raise tokens.error("a weight is named by its parent and its child: X -> Y.")
    _expect_end(tokens, "the end of the key")
    return key


def _expect_end(tokens: Tokens, expected: str) -> None:
    while tokens.current.kind == "newline":
        tokens.advance()
    if not tokens.at_end():
        raise tokens.unexpected(expected)


def _at_end_of_statement(tokens: Tokens) -> bool:
    return tokens.current.kind in ("newline", "end") or tokens.current.is_symbol(";")


def _statement(tokens: Tokens) -> list[Statement]:
    first = tokens.current
    if first.is_word("latent"):
        return [_latent(tokens)]
    if first.kind == "number":
        raise tokens.error(
            f"expected a statement, found {first.text!r}. A name starts with a letter, or stands in backticks."
        )
    name = tokens.name("a statement such as `X -> Y` or `Y ~ normal(X)`")
    here = tokens.current
    if here.is_symbol(*_ARROWS):
        return _chain(tokens, name)
    if here.is_symbol("=~"):
        return [_measure(tokens, name)]
    if here.is_symbol(","):
        names = _names(tokens, name)
        if not tokens.current.is_symbol("~"):
            raise _after_names(tokens, names)
        return [_mechanism(tokens, names, latent=False, position=first.position)]
    if here.is_symbol("~"):
        return [_mechanism(tokens, (name.text,), latent=False, position=first.position)]
    if _at_end_of_statement(tokens):
        return [NodeStatement(name.text, first.position)]
    raise _after_name(tokens, name)


def _latent(tokens: Tokens) -> Statement:
    word = tokens.advance()
    names = _names(
        tokens,
        tokens.name("a name after 'latent'", "A node that is itself called latent is written `latent`."),
    )
    if tokens.current.is_symbol("~"):
        return _mechanism(tokens, names, latent=True, position=word.position)
    if tokens.current.is_symbol(*_ARROWS):
        raise tokens.error(
            f"a `latent` statement holds no arrows: write `latent {quote(names[0])}; {quote(names[0])} -> …`."
        )
    if tokens.current.is_symbol("=~"):
        raise tokens.error("`=~` makes its left side latent by itself: leave out 'latent'.")
    if tokens.current.kind == "name":
        raise tokens.error(
            f"two names side by side: separate them by a comma (latent {quote(names[-1])}, "
            f"{quote(tokens.current.text)})."
        )
    return LatentStatement(names, word.position)


def _names(
    tokens: Tokens, first: Token, separators: tuple[str, ...] = (",",), expected: str = "a name after the comma"
) -> tuple[Name, ...]:
    """The distinct names that begin here, between separators."""
    names = [first]
    seen = {first.text}
    while tokens.accept(*separators):
        names.append(tokens.name(expected))
        if names[-1].text in seen:
            raise tokens.error(f"{names[-1].text!r} is listed twice.", names[-1])
        seen.add(names[-1].text)
    return tuple(token.text for token in names)


def _chain(tokens: Tokens, first: Token) -> list[Statement]:
    links: list[tuple[Name, Token, Name]] = []
    left = first.text
    while arrow := tokens.accept(*_ARROWS):
        right = tokens.name(f"a name after '{arrow.text}'", _after_arrow(tokens))
        links.append((left, arrow, right.text))
        left = right.text
    latents = 1
    if tokens.current.is_symbol("["):
        if len(links) > 1 or links[0][1].text not in ("<->", "~~"):
            raise tokens.error("[latents=k] stands only after a single <->, as in A <-> B [latents=2].")
        latents = _latents(tokens)
    return [EdgeStatement(a, _kind(arrow), b, latents, arrow.position) for a, arrow, b in links]


def _after_arrow(tokens: Tokens) -> str:
    if tokens.current.is_symbol(*_ARROWS):
        return "One arrow joins two names: X -> Y."
    return ""


def _kind(arrow: Token) -> Literal["->", "<-", "-|", "<->"]:
    match arrow.text:
        case "->" | "<-" | "-|":
            return arrow.text
        case _:
            return "<->"


def _latents(tokens: Tokens) -> int:
    tokens.expect("[", "'['")
    key = tokens.name("'latents='", "The only option of an edge is [latents=k].")
    if key.text != "latents":
        raise tokens.error(f"the only option of an edge is [latents=k], found {key.text!r}.", key)
    tokens.expect("=", "'=' after 'latents'")
    token = tokens.current
    count = tokens.number("a whole number after 'latents='")
    if not (token.text.isdigit() and 1 <= count <= MAX_LATENTS):
        raise tokens.error(f"latents is a whole number from 1 to {MAX_LATENTS}.", token)
    tokens.expect("]", "']'")
    return int(count)


def _measure(tokens: Tokens, latent: Token) -> MeasureStatement:
    tokens.advance()
    indicators = _names(tokens, tokens.name("a name after '=~'"), ("+", ","), "a name")
    return MeasureStatement(latent.text, indicators, latent.position)


def _mechanism(tokens: Tokens, names: tuple[Name, ...], *, latent: bool, position: Position) -> MechanismStatement:
    tokens.expect("~", "'~'")
    child = quote(names[0])
    family = tokens.current
    if family.kind != "name" or not family.bare:
        raise tokens.unexpected("a family after '~'", f"Write {child} ~ normal(X), with the parents inside.")
    tokens.advance()
    parents: tuple[Parent, ...] = ()
    options: tuple[Option, ...] = ()
    has_list = tokens.current.is_symbol("(")
    if has_list:
        parents, options = _items(tokens, family)
    elif tokens.current.is_symbol("+", "-", ":"):
        raise tokens.error(
            f"'~' is followed by a family with the parents inside, separated by commas: "
            f"{child} ~ normal({quote(family.text)}, …)."
        )
    return MechanismStatement(names, latent, family.text, parents, options, position, family.position, has_list)


def _items(tokens: Tokens, family: Token) -> tuple[tuple[Parent, ...], tuple[Option, ...]]:
    tokens.expect("(", "'('")
    parents: list[Parent] = []
    options: list[Option] = []
    seen: set[object] = set()
    if tokens.accept(")"):
        return (), ()
    while True:
        start = tokens.current
        item = _item(tokens, family)
        key = item.key if isinstance(item, Option) else frozenset(item.factors)
        if key in seen:
            raise tokens.error(f"'{_item_name(item)}' is given twice.", start)
        seen.add(key)
        if isinstance(item, Option):
            options.append(item)
        else:
            parents.append(item)
        if tokens.accept(")"):
            return tuple(parents), tuple(options)
        if not tokens.accept(","):
            raise _after_item(tokens, family, item)


def _item_name(item: Parent | Option) -> str:
    return item.key if isinstance(item, Option) else ":".join(item.factors if item.forms else item.names)


def _item(tokens: Tokens, family: Token) -> Parent | Option:
    start = tokens.current
    sign = tokens.accept("+", "-")
    if tokens.current.kind == "number":
        raise tokens.error(
            f"a number cannot stand among the parents. Parameters have names: {family.text}(mean=0, sd=1)."
        )
    repair = "Remove the comma before ')'." if tokens.current.is_symbol(")") and not sign else ""
    if tokens.current.is_symbol(";"):
        repair = "Close the parenthesis first."
    name = tokens.name("a parent or an option", repair)
    if tokens.current.is_symbol("="):
        if sign:
            raise tokens.error(f"an option has no sign: write {name.text}=….", start)
        return _option(tokens, name)
    formed = _product(tokens, name)
    forms = tuple(formed.values()) if any(formed.values()) else ()
    match sign.text if sign else "":
        case "+":
            return Parent(tuple(formed), "+", start.position, forms)
        case "-":
            return Parent(tuple(formed), "-", start.position, forms)
        case _:
            return Parent(tuple(formed), "", start.position, forms)


def _product(tokens: Tokens, first: Token) -> dict[Name, Form | None]:
    """The factors of a product: names, and the form in which each is written."""
    return dict(_factors(tokens, first, _formed))


def _named_factors(tokens: Tokens, first: Token) -> tuple[str, ...]:
    """The factors by which a key names a weight: names, levels of them, `C[mid]`, and forms, `log(X)`."""

    def named(tokens: Tokens, token: Token) -> tuple[Name, str]:
        if not _opens_shape(tokens, token) and not tokens.current.is_symbol("^"):
            return token.text, _level_of(tokens, token)
        name, form = _formed(tokens, token)
        assert form is not None, "it opens a shape"
        return name, form.key(name)

    return tuple(factor for _, factor in _factors(tokens, first, named))


def _factors(
    tokens: Tokens, first: Token, read: Callable[[Tokens, Token], tuple[Name, Factor]]
) -> list[tuple[Name, Factor]]:
    """The factors of a product, with the node of each."""
    factors = [read(tokens, first)]
    while tokens.accept(":"):
        token = tokens.name("a name after ':'")
        name, factor = read(tokens, token)
        if any(name == other for other, _ in factors):
            raise tokens.error(f"an interaction is between different nodes, {name!r} is named twice.", token)
        factors.append((name, factor))
    return factors


def _opens_shape(tokens: Tokens, token: Token) -> bool:
    """Whether the word just read opens a shape, `log(`."""
    return token.bare and token.text in SHAPES and tokens.current.is_symbol("(")


def _formed(tokens: Tokens, token: Token) -> tuple[Name, Form | None]:
    """A parent and the form in which it is written: `X`, `log(X)`, `X^2`."""
    if _opens_shape(tokens, token):
        tokens.advance()
        name = tokens.name(f"the name of a parent, as in {token.text}(X)")
        if token.text == "s" and tokens.accept(","):
            return name.text, Form("s", (("k", _knots(tokens)),))
        tokens.expect(")", "')'", f"{token.text}() takes one parent: {token.text}({quote(name.text)}).")
        return name.text, Form("s" if token.text == "s" else "log")
    if tokens.accept("^"):
        power = tokens.current
        value = tokens.number("a whole number after '^', as in X^2")
        if not power.text.isdigit() or value < 2:
            raise tokens.error("a power is a whole number from 2 on, as in X^2.", power)
        return token.text, Form("^", (("", value),))
    return token.text, None


def _knots(tokens: Tokens) -> float:
    """What stands behind the parent of a spline, `k=12)`."""
    key = tokens.name("'k='", "The only option of a spline is its number of knots, as in s(X, k=12).")
    if key.text != "k":
        raise tokens.error(f"the only option of a spline is k, as in s(X, k=12), found {key.text!r}.", key)
    tokens.expect("=", "'=' after 'k'")
    token = tokens.current
    value = tokens.number("a whole number after 'k='")
    if not token.text.isdigit():
        raise tokens.error("k is a whole number, the number of knots.", token)
    tokens.expect(")", "')'")
    return value


def _level_of(tokens: Tokens, name: Token) -> str:
    if not tokens.accept("["):
        return name.text
    level = tokens.level("a level of the node, as in C[mid]")
    tokens.expect("]", "']'", "A key names one level: C[mid] -> Y.")
    return f"{quote(name.text)}[{format_level(level)}]"


def _option(tokens: Tokens, key: Token) -> Option:
    tokens.expect("=", "'='")
    if tokens.current.is_symbol("["):
        return Option(key.text, tokens.levels(), key.position)
    if tokens.current.kind == "name" and tokens.current.text in SWITCH:
        return Option(key.text, SWITCH[tokens.advance().text], key.position)
    if tokens.current.is_word(LOGLINEAR):
        return Option(key.text, _predictor(tokens, key), key.position)
    what = f"a number, a prior such as normal(0, 1) or a list [a, b] after '{key.text}='"
    return Option(key.text, _prior(tokens, what), key.position)


def _predictor(tokens: Tokens, key: Token) -> LinearPredictor:
    """What stands behind `sd=`, `loglinear(X, -V)`."""
    word = tokens.advance()
    if not tokens.current.is_symbol("("):
        raise tokens.error(
            f"{word.text} has in parentheses what {key.text} depends on: {key.text}={word.text}(X).", word
        )
    parents, options = _items(tokens, word)
    if not parents:
        raise tokens.error(f"{word.text} needs a parent, as in {key.text}={word.text}(X).", word)
    return LinearPredictor(parents, options)


def _prior(tokens: Tokens, expected: str) -> Call | float:
    family = tokens.current
    if family.kind != "name":
        return tokens.number(expected)
    tokens.advance()
    if not tokens.current.is_symbol("("):
        raise tokens.error(
            f"expected {expected}, found {family.text!r}. A prior has its parameters in parentheses: "
            f"{family.text}(0, 1).",
            family,
        )
    args, named = tokens.arguments("the parameters of a prior are numbers, found {!r}. Name them with '=': low=0.")
    return Call(family.text, args, named, family.position)


def _after_statement(tokens: Tokens, statement: Statement) -> NotationError:
    here = tokens.current
    match statement:
        case EdgeStatement(right=right) if here.is_symbol(","):
            return tokens.error(
                f"an arrow joins single names: write one chain per name, as in `… -> {quote(right)}; … -> B`."
            )
        case EdgeStatement() if here.is_symbol("~", "=~"):
            return tokens.error("arrows and a mechanism are two statements: separate them by ';' or a new line.")
        case MechanismStatement(family=family) if here.kind == "name":
            return tokens.unexpected(
                "the end of the statement", f"Parents stand in parentheses: {family}({quote(here.text)})."
            )
        case _:
            return tokens.unexpected("the end of the statement", "Statements are separated by ';' or a new line.")


def _after_names(tokens: Tokens, names: tuple[Name, ...]) -> NotationError:
    first, last = quote(names[0]), quote(names[-1])
    if tokens.current.is_symbol(*_ARROWS):
        return tokens.error(
            f"an arrow joins single names: write one chain per name ({first} {tokens.current.text} …; "
            f"{last} {tokens.current.text} …)."
        )
    return tokens.unexpected(
        "'~' and a family after the names", f"Nodes that nobody measured are `latent {first}, {last}`."
    )


def _after_name(tokens: Tokens, name: Token) -> NotationError:
    here, typed = tokens.current, quote(name.text)
    if here.is_symbol("="):
        return tokens.error(f"a mechanism is written with '~': {typed} ~ normal(X).")
    if here.is_symbol("[", "(") and name.text in ("E", "P"):
        return tokens.error(f"this reads like a query ({name.text}{here.text}…): a model text holds no queries.", name)
    if here.is_symbol("["):
        return tokens.error(
            "square brackets stand only after a single <->, as in A <-> B [latents=2]. A node that nobody "
            f"measured is `latent {typed}`."
        )
    if here.is_symbol("("):
        return tokens.error(f"a family needs a left side: Y ~ {name.text}(…).")
    if here.is_symbol("-", "+", ":"):
        return tokens.error(
            f"expected an arrow or '~' after {name.text!r}, found {here.text!r}. If the sign belongs to the "
            f"name, put it in backticks: `{name.text}{here.text}…`."
        )
    if here.kind == "name" and name.text.casefold() in (
        "latent",
        "latents",
        "hidden",
        "unobserved",
        "unmeasured",
    ):
        return tokens.error(f"did you mean 'latent'? Nodes that nobody measured are `latent {quote(here.text)}`.", name)
    return tokens.unexpected(
        f"an arrow or '~' after {name.text!r}", "A name with blanks stands in backticks: `a name`."
    )


def _after_item(tokens: Tokens, family: Token, item: Parent | Option) -> NotationError:
    here = tokens.current
    if here.is_symbol("+", "-") and isinstance(item, Parent):
        return tokens.error(
            f"parents are separated by commas, a sign stands before its name: "
            f"{family.text}({item}, {'' if here.text == '+' else '-'}…)."
        )
    if here.is_symbol("("):
        return tokens.error(
            "a parent has no parentheses, but for its shape: log(X), X^2 and s(X) are known. A prior needs the name of its "
            "parameter, as in mean=normal(0, 1)."
        )
    return tokens.unexpected("',' or ')'")
