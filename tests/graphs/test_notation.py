"""The model language: what is read, what is said about mistakes, and that no text breaks the reader."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentdo.errors import CycleError, LatentdoError, NotationError
from latentdo.graphs import (
    Call,
    EdgeStatement,
    LatentDag,
    LatentStatement,
    MeasureStatement,
    MechanismStatement,
    NodeStatement,
    Option,
    Parent,
    Position,
    graph_of,
    parse_call,
    parse_graph,
    parse_statements,
    parse_weight_key,
    quote,
)

NAPKIN = """
latent U, V ~ normal            # a node nobody measured
W ~ gamma(U, V)                 # family(parents)
R ~ normal(W)
X ~ bernoulli(R, U)
Y ~ normal(X, V, X:V)           # X:V is an interaction
"""
OPTIONS = (
    "SOS ~ hill(+EGF, -IGF, max=100, sd=5.4); latent EGF ~ normal(mean=normal(37, 1), sd=normal(3, 1)); "
    "latent IGF; K ~ table(SOS, levels=[low, 'very high', -1.5])"
)
ARROWS = "W -> R -> X -> Y; W <-> X; W <-> Y [latents=3]; latent U; Z; `IL-6` -| Y; U =~ W + R; Größe <- X;"


def place(error: NotationError) -> tuple[int, int]:
    return error.line, error.column


# What is read


def test_a_mechanism_has_names_family_parents_and_options():
    (statement,) = parse_statements("A, B ~ hill(+X, -X:V, sd=5.4, weight=normal(0, 1, low=-2))")
    assert isinstance(statement, MechanismStatement)
    assert statement.names == ("A", "B")
    assert statement.family == "hill"
    assert statement.parents == (Parent(("X",), "+"), Parent(("X", "V"), "-"))
    call = Call("normal", (0.0, 1.0), (("low", -2.0),))
    assert statement.options == (Option("sd", 5.4), Option("weight", call))
    assert str(call) == "normal(0, 1, low=-2)"
    assert statement.family_position == Position(1, 8)


def test_parentheses_are_optional_and_may_be_empty():
    (bare,) = parse_statements("latent U ~ normal")
    (empty,) = parse_statements("latent U ~ normal()")
    assert bare == empty
    assert isinstance(bare, MechanismStatement)
    assert bare.latent


def test_every_form_of_statement_is_read():
    text = "latent U, V; Z; A <- B; A ~~ B; U =~ A + B, C"
    assert parse_statements(text) == (
        LatentStatement(("U", "V"), Position(1, 1)),
        NodeStatement("Z", Position(1, 1)),
        EdgeStatement("A", "<-", "B", 1, Position(1, 1)),
        EdgeStatement("A", "<->", "B", 1, Position(1, 1)),
        MeasureStatement("U", ("A", "B", "C"), Position(1, 1)),
    )


def test_levels_are_numbers_words_or_quoted_texts():
    (statement,) = parse_statements("X ~ table(levels=[0, -1.5, low, 'very high', 'it''s', \"x\"])")
    assert isinstance(statement, MechanismStatement)
    assert statement.options == (Option("levels", (0.0, -1.5, "low", "very high", "it's", "x")),)


def test_line_ends_inside_brackets_are_blanks():
    assert parse_statements("Y ~ normal(\n  X, # first\n\n  Z\n)") == parse_statements("Y ~ normal(X, Z)")


@pytest.mark.parametrize(
    "text",
    ["A -> B\r\nlatent U\r\n", "A -> B\rlatent U", "\ufeffA -> B; latent U;", "A\t->\u00a0B;;latent U # x"],
)
def test_line_ends_marks_and_blanks_of_other_systems_are_read(text: str):
    assert parse_graph(text) == parse_graph("A -> B; latent U")


def test_names_are_case_sensitive_and_may_be_quoted_or_foreign():
    graph = parse_graph("x -> X; `IL-6 (a)` -> größe; `latent` -> do")
    assert graph.nodes == ("x", "X", "IL-6 (a)", "größe", "latent", "do")


def test_quote_gives_what_the_notation_reads():
    assert [quote(name) for name in ("X", "X_1", "größe")] == ["X", "X_1", "größe"]
    assert [quote(name) for name in ("IL-6", "1X", "latent", "do", "a b", "_x")] == [
        "`IL-6`", "`1X`", "`latent`", "`do`", "`a b`", "`_x`"
    ]  # fmt: skip


def test_a_model_text_gives_the_graph_of_its_parents():
    graph = parse_graph(NAPKIN)
    assert graph.nodes == ("U", "V", "W", "R", "X", "Y")
    assert graph.latent == {"U", "V"}
    assert graph.directed == {
        ("U", "W"), ("V", "W"), ("W", "R"), ("R", "X"), ("U", "X"), ("X", "Y"), ("V", "Y")
    }  # fmt: skip


def test_arrows_measures_and_latents_give_a_graph():
    graph = parse_graph(ARROWS)
    assert graph.nodes == ("W", "R", "X", "Y", "U", "Z", "IL-6", "Größe")
    assert graph.bidirected == (("W", "X", 1), ("W", "Y", 3))
    assert graph.inhibiting == {("IL-6", "Y")}
    assert {("U", "W"), ("U", "R"), ("X", "Größe")} <= graph.directed
    assert graph.latent == {"U"}


def test_beside_mechanisms_an_arrow_repeats_a_parent_and_an_arc_adds():
    graph = parse_graph("A ~ normal; B ~ normal(A); A -| B; A <-> B [latents=2]")
    assert graph == LatentDag(("A", "B"), frozenset({("A", "B")}), (("A", "B", 2),), inhibiting=frozenset({("A", "B")}))


def test_an_interaction_gives_one_edge_per_name():
    assert parse_graph("X, V ~ normal; Y ~ normal(X:V)").parents("Y") == ("X", "V")


def test_calls_and_numbers_of_a_study_file():
    assert parse_call("normal(0, 10)\n") == Call("normal", (0.0, 10.0))
    assert parse_call("-5.4e1") == -54.0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("weight", ("weight", None, None)),
        ("sd(SOS)", ("sd", None, "SOS")),
        ("sd(`IL-6`)", ("sd", None, "IL-6")),
        ("EGF -> SOS", ("weight", ("EGF",), "SOS")),
        ("X:V -> Y", ("weight", ("X", "V"), "Y")),
        ("C[mid] -> Y", ("weight", ("C[mid]",), "Y")),
        ("`c d`['a b']:X -> Y", ("weight", ("`c d`['a b']", "X"), "Y")),
        ("C[2] -> Y", ("weight", ("C[2]",), "Y")),
    ],
)
def test_keys_of_priors(text: str, key: object):
    assert parse_weight_key(text) == key


# What is said


MISTAKES = {
    "Y ~ normal(X": (1, 11, "'(' is never closed: ')' is missing."),
    "Y ~ normal(X\nZ ~ normal(Y)": (2, 1, "The '(' of line 1, column 11 is not closed before it."),
    "Y ~ normal(X + Z)": (1, 14, "parents are separated by commas, a sign stands before its name: normal(X"),
    "Y ~ normal(X - Z)": (1, 14, "normal(X, -…)"),
    "Y ~ X + Z": (1, 7, "separated by commas: Y ~ normal(X, …)"),
    "Y = normal(X)": (1, 3, "a mechanism is written with '~': Y ~ normal(X)."),
    "Y := normal(X)": (1, 3, "a mechanism is written with ~"),
    "Y ~ normal(X,)": (1, 14, "Remove the comma before ')'."),
    "Y ~ normal(X]": (1, 13, "brackets do not pair: the '(' of line 1, column 11 needs ')', found ']'."),
    "Y ~ normal(X))": (1, 14, "')' closes nothing"),
    "Y ~ normal(0, 1)": (1, 12, "Parameters have names: normal(mean=0, sd=1)."),
    "Y ~ normal(normal(0, 1))": (1, 18, "A prior needs the name of its parameter, as in mean=normal(0, 1)."),
    "Y ~ normal(X*Z)": (1, 13, "an interaction is written X:V."),
    "Y ~ normal(X:X)": (1, 14, "an interaction is between different nodes"),
    "Y ~ normal(X, X)": (1, 15, "'X' is given twice."),
    "Y ~ normal(X:V, V:X)": (1, 17, "'V:X' is given twice."),
    "Y ~ normal(sd=1, sd=2)": (1, 18, "'sd' is given twice."),
    "Y ~ normal(X;Z)": (1, 13, "expected ',' or ')', found ';'."),
    "Y ~ normal(X, sd=.5)": (1, 18, "a number starts with a digit: write 0.5…"),
    "Y ~ normal(X, sd=5.)": (1, 18, "'5.' is not a number: write it like 5, 0.5 or 1e-3."),
    "Y ~ normal(X, sd=1_000)": (1, 18, "write it without '_'"),
    "Y ~ normal(X, sd=1e999)": (1, 18, "1e999 is too large for a number."),
    "Y ~ normal(X, sd=normal)": (1, 18, "A prior has its parameters in parentheses: normal(0, 1)."),
    "Y ~ normal(X, sd=normal())": (1, 25, "Give the parameters, as in normal(0, 1)."),
    "Y ~ normal(X, sd=normal(0, 1,))": (1, 30, "Remove the comma before ')'."),
    "Y ~ normal(X, sd=normal(low=0, 1))": (1, 32, "a number by position cannot follow one by name"),
    "Y ~ normal(X, sd=normal(W, 1))": (1, 25, "the parameters of a prior are numbers, found 'W'"),
    "Y ~ normal(X, sd=normal(low=0, low=1))": (1, 32, "'low' is given twice."),
    "Y ~ normal(X, +sd=1)": (1, 15, "an option has no sign: write sd=…."),
    "Y ~ table(levels=[a, a])": (1, 22, "the level a is listed twice."),
    "Y ~ table(levels=[])": (1, 19, "expected a level"),
    "Y ~ table(levels=['a)": (1, 19, "the quote ' that opens here is not closed on this line."),
    "Y ~": (1, 4, "Write Y ~ normal(X), with the parents inside."),
    "Y ~ normal X": (1, 12, "Parents stand in parentheses: normal(X)."),
    "Y ~ X; X ~ normal": (1, 5, "X is a node, and '~' is followed by a family: Y ~ normal(X)."),
    "Y ~ X; X ~ linear": (1, 5, "A family that is called like a node has parentheses: Y ~ X()."),
    "X -> Y\rY -| Z\rX -| Y": (3, 3, "X -| Y contradicts X -> Y of line 1."),
    "\ufeffX <-> Y; X <-> Y": (1, 12, "X <-> Y is stated twice."),
    "X ~ normal; X ~ normal": (1, 13, "'X' has a second mechanism: the first is in line 1."),
    "X ~ normal; Z -> X": (1, 15, "Z -> X repeats no parent."),
    "X, X ~ normal": (1, 4, "'X' is listed twice."),
    "X -> -> Y": (1, 6, "One arrow joins two names: X -> Y."),
    "X ->": (1, 5, "expected a name after '->', found the end of the text."),
    "X --> Y": (1, 3, "an arrow is written ->."),
    "X => Y": (1, 3, "an arrow is written ->."),
    "X → Y": (1, 3, "'→' is not read: write '->'."),
    "X ↔ Y": (1, 3, "write '<->'."),
    "X −> Y": (1, 3, "'−' is not read: write '-'."),
    "X -- Y": (1, 3, "write -> for a cause, <-> for a hidden common cause."),
    "X - Y": (1, 3, "put it in backticks: `X-…`."),
    "X -> Y -> ": (1, 11, "expected a name after '->'"),
    "A -> B, C": (1, 7, "write one chain per name"),
    "A, B -> C": (1, 6, "write one chain per name (A -> …; B -> …)."),
    "A, B": (1, 5, "Nodes that nobody measured are `latent A, B`."),
    "A -> {B C}": (1, 6, "groups in braces are not read here"),
    "A -> B ~ normal": (1, 8, "arrows and a mechanism are two statements"),
    "A -> B; A -| B": (1, 11, "A -| B contradicts A -> B of line 1."),
    "A <-> B; B ~~ A": (1, 12, "B <-> A is stated twice."),
    "A <-> B [latents=0]": (1, 18, "latents is a whole number from 1 to 1000."),
    "A <-> B [latents=1.5]": (1, 18, "latents is a whole number"),
    "A <-> B [latent=2]": (1, 10, "the only option of an edge is [latents=k], found 'latent'."),
    "A -> B [latents=2]": (1, 8, "only after a single <->"),
    "A <-> B <-> C [latents=2]": (1, 15, "only after a single <->"),
    "U [latent]": (1, 3, "A node that nobody measured is `latent U`."),
    "latent": (1, 7, "A node that is itself called latent is written `latent`."),
    "latent U V": (1, 10, "separate them by a comma (latent U, V)."),
    "latent U -> X": (1, 10, "write `latent U; U -> …`."),
    "latent U =~ X": (1, 10, "leave out 'latent'."),
    "latent U,": (1, 10, "expected a name after the comma, found the end of the text."),
    "Hidden U": (1, 1, "did you mean 'latent'? Nodes that nobody measured are `latent U`."),
    "two words -> Y": (1, 5, "A name with blanks stands in backticks: `a name`."),
    "U =~ A + A": (1, 10, "'A' is listed twice."),
    "E[Y | do(X=1)]": (1, 1, "a model text holds no queries."),
    "normal(X)": (1, 7, "a family needs a left side: Y ~ normal(…)."),
    "Y | X": (1, 3, "conditions belong in a query"),
    "X > 1": (1, 3, "a comparison belongs in a query"),
    "// X": (1, 1, "a comment starts with '#'."),
    "1X -> Y": (1, 1, "a name starts with a letter, or stands in backticks."),
    "7 -> Y": (1, 1, "A name starts with a letter, or stands in backticks."),
    "X.1 -> Y": (1, 2, "any other name stands in backticks"),
    "_X -> Y": (1, 1, "any other name stands in backticks"),
    "'X y' -> Y": (1, 1, "stands in backticks: `X y`."),
    "“X” -> Y": (1, 1, "'“' is not read: write \"'\"."),
    "`X -> Y": (1, 1, "the backtick ` that opens here is not closed on this line."),
    "`` -> Y": (1, 1, "the name between the backticks is empty."),
    "X１ -> Y": (1, 2, "'１' is not read: write '1', or put the name in backticks."),
    "Ｘ -> Y": (1, 1, "looks like 'X' and is another letter"),
    "A -> B\x00": (1, 7, "the invisible control character U+0000 is not read here."),
    "A -> `B\x00`": (1, 8, "U+0000 cannot stand between backticks."),
    "A\u200b -> B": (1, 2, "the invisible character U+200B (ZERO WIDTH SPACE) is not read here."),
    "": (1, 1, "the text states no node."),
    "# only a comment\n\n": (1, 1, "the text states no node."),
    "(" * 200: (1, 1, "found '('"),
    "Y ~ t(levels=" + "[" * 200: (1, 15, "expected a level"),
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: ascii(text)[:40])
def test_a_mistake_is_told_with_its_place_and_a_repair(text: str):
    line, column, said = MISTAKES[text]
    with pytest.raises(NotationError) as caught:
        parse_graph(text)
    assert said in caught.value.problem
    assert place(caught.value) == (line, column)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("normal(0 1)", "expected ',' or ')', found the number 1."),
        ("normal", "A prior has its parameters in parentheses"),
        ("", "expected a number or a prior such as normal(0, 1)"),
        ("1 2", "expected the end of the prior"),
    ],
)
def test_mistakes_in_a_prior(text: str, said: str):
    with pytest.raises(NotationError, match="line 1, column") as caught:
        parse_call(text)
    assert said in caught.value.problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("X <- Y", "a weight is named by its parent and its child: X -> Y."),
        ("X:V", "A weight is named X -> Y, that of an interaction X:V -> Y."),
        ("sd(X", "'(' is never closed"),
        ("C[] -> Y", "expected a level of the node, as in C[mid], found ']'."),
        ("C[a, b] -> Y", "A key names one level: C[mid] -> Y."),
        ("sd(X, Y)", "A key names one node: sd(Y)."),
        ("5", "expected a parameter such as weight, sd(Y) or X -> Y"),
    ],
)
def test_mistakes_in_a_key_of_priors(text: str, said: str):
    with pytest.raises(NotationError) as caught:
        parse_weight_key(text)
    assert said in caught.value.problem


def test_the_caret_stands_under_the_mistake_in_a_very_long_line():
    with pytest.raises(NotationError) as caught:
        parse_graph("a" * 5000 + " ! b")
    shown, caret = str(caught.value).split("\n")[1:]
    assert shown[caret.index("^")] == "!"
    assert len(shown) < 120


def test_a_cycle_is_a_graph_error():
    with pytest.raises(CycleError):
        parse_graph("A -> B -> A")


def test_messages_can_be_printed_whatever_the_text_holds():
    with pytest.raises(NotationError) as caught:
        parse_graph("A \ud800\x07 -> B")
    assert str(caught.value).encode("utf-8")


# Laws


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="`"), min_size=1)
plain_names = st.sampled_from(["X", "Y", "Z", "latent", "do", "größe", "X_1", "IL-6", "a b", "1", "é", "E", "e\u0301"])


@given(st.lists(st.one_of(plain_names, names), min_size=1, max_size=5, unique=True), st.data())
def test_a_printed_graph_reads_back_equal(nodes: list[str], data: st.DataObject):
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    subset = st.lists(st.sampled_from(pairs), unique=True) if pairs else st.just([])
    directed = data.draw(subset)
    graph = LatentDag(
        tuple(nodes),
        frozenset(directed),
        tuple((a, b, data.draw(st.integers(1, 3))) for a, b in data.draw(subset)),
        frozenset(data.draw(st.lists(st.sampled_from(nodes), unique=True))),
        frozenset(directed[::2]),
    )
    assert parse_graph(str(graph)) == graph


@given(names)
def test_a_quoted_name_reads_back(name: str):
    assert parse_statements(quote(name)) == (NodeStatement(name, Position(1, 1)),)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_call_reads_back_equal(a: float, b: float):
    call = Call("normal", (a,), (("low", b),))
    assert parse_call(str(call)) == call


def mutated(text: str, chance: random.Random) -> str:
    pieces = [
        *"()[]{}~=-<>|+:;,.#'`\"\n\t\0 1eEP_&*/",
        "->",
        "<->",
        "latent",
        "~~",
        "=~",
        "\ufeff",
        "→",
        "１",
        "é",
        "\ud800",
    ]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + text[at + chance.randint(1, 4) :]
            case 1:
                text = text[:at] + chance.choice(pieces) + text[at:]
            case 2:
                text = text[:at] + text[at : at + 6] + text[at:]
            case _:
                text = text[:at]
    return text


@pytest.mark.parametrize("source", [NAPKIN, OPTIONS, ARROWS], ids=["napkin", "options", "arrows"])
def test_no_mutation_of_a_valid_text_breaks_the_reader(source: str):
    chance = random.Random(1)
    for _ in range(1500):
        text = mutated(source, chance)
        try:
            parse_graph(text)
        except NotationError as error:
            assert 1 <= error.line <= error.source.count("\n") + 1, text
            assert 1 <= error.column <= len(error.source.split("\n")[error.line - 1]) + 1, text
            assert error.problem.endswith((".", "…")), error.problem
        except LatentdoError:
            pass


PIECES = [*"XYU ~()[]=,;:+-<>|#'`.\n10", "->", "<->", " ~ normal(", "latent "]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_no_text_breaks_the_reader(text: str):
    for read in (parse_graph, parse_call, parse_weight_key):
        try:
            read(text)
        except LatentdoError as error:
            assert str(error)


def test_time_grows_with_the_length_of_the_text():
    def seconds(count: int) -> float:
        text = "\n".join(f"X{i} -> X{i + 1} # next" for i in range(count))
        start = time.perf_counter()
        assert len(parse_statements(text)) == count
        return time.perf_counter() - start

    # Ten times the text may take at most thirty times as long; quadratic work would take a hundred times.
    assert seconds(100_000) < 30 * max(seconds(10_000), 0.02)


def test_graph_of_needs_a_statement():
    with pytest.raises(NotationError, match="the text states no node"):
        graph_of((), "")


@pytest.mark.parametrize("text", ["normal -> Y; Y ~ normal(normal)", "normal ~ normal(); Y ~ normal(normal)"])
def test_a_node_may_be_called_like_a_family(text: str):
    assert parse_graph(text).directed == {("normal", "Y")}
