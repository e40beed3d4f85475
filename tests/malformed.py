"""Texts that people and programs get wrong: graphs, models, queries, dagitty texts and study files, deterministic by seed.

Each kind has a grammar that mostly writes what the language reads, and now and then something beside it. Most texts are then
spoilt: cut, swapped, doubled, sprinkled with odd characters, mixed with the words of another notation. `long_texts` are
the regular ones that grow, to see how time grows with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

KINDS = ("graph", "model", "query", "dagitty", "study")
LONGEST = 2000

WORDS = ("X", "Y", "Z", "W", "M", "U", "V", "IL6", "NF_kB", "β1", "Größe", "变量", "e\u0301", "x")
FAMILIES = ("normal", "bernoulli", "gamma", "hill", "linear")
KEYWORDS = (
    "latent", "do", "E", "P", "dag", "graph", "digraph", "weight", "intercept", "mean", "sd", "shape", "max", "levels",
    "latents", "low", "high", "for", "in", "by", "Var", "SD", "Median", "Quantile", "density", "odds",
    "NO", "on", "null", "true", "model", "queries", "Do", "DO", "LATENT", "student", "neural",
    "bb", "pos", "exposure", "nan", "inf", "None", "if", "lambda",
)  # fmt: skip
QUOTED = (
    "`IL-6`", "`a b`", "`latent`", "`do`", "`X`", "`normal`", "`A<->B.1`", "`X<->Y.1`", "`#`", "`U -> V`", "`dag { X }`",
    "`\u202eabc`", "`🧬`", "`\u2028`", "``", "`", "`line 1`", "`{`", "`'`", '`"`', "`1`", "`-`", "`ﬁ`",
)  # fmt: skip
SYMBOLS = (
    "->", "<-", "-|", "<->", "~~", "=~", "~", "+", "-", ",", ":", ";", "(", ")", "[", "]", "=", "|", "<", ">", "<=", ">=",
    "*", "/", "..", "{", "}", "-->", "=>", "--", "==", ":=", "&", "&&", "||", "^", "**", "%", "//", "/*", "*/", "#", "!=", "<>",
    "@", "$", "\\", "?", "!", ".", "_", '"', "'", "`", "\n", "\n\n", "\r\n", "\r", "\t", "...", "→", "↔", "~>", "|-",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "+2", "0.5", "1e-5", "1e22", "1e308", "1e309", "1e99999", "-0", "00", "1.", ".5", "1e", "1_000", "0x10",
    "1,5", "9" * 400, "1e-400", "5e-324", "1.7976931348623157e308", "٣", "²", "½", "1E5", "3X", "1e5e5", "--1", "+-1",
)  # fmt: skip
ODD = (
    "\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b[31m", "\x1c", "\x7f", "\x85", "\xa0", "\xad", "\u0301", "\u061c",
    "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069", "\ufeff", "\ufffd", "\ufffe",
    "\ud800", "\udfff", "\udc80", "\U0010ffff", "\U000e0001", "🧬", "👩\u200d👧", "ﬁ", "ª", "Ａ", "（", "，", "～", "“", "”",
    "’", "–", "−", "ё", "ｎormal", "ال", "שלום", "漢字", "\u3000", "İ", "ß", "ſ", "K", "\u1160", "𝑿", "①",
)  # fmt: skip


class Dice(Random):
    """Chance, and how often the grammars write something that is wrong: `slips`, from 0 to 1."""

    slips: float = 0.0

    def slip(self) -> bool:
        """Whether to write something wrong here."""
        return self.random() < self.slips


def texts(kind: str, count: int, seed: int = 0) -> Iterator[str]:
    """This many texts of a kind, each of at most `LONGEST` characters."""
    random = Dice(f"{kind} {seed}")
    write = {"graph": graph, "model": model, "query": query, "dagitty": dagitty, "study": study}[kind]
    for _ in range(count):
        random.slips = random.choice((0.0, 0.0, 0.02, 0.1))
        yield one_text(random, write)[:LONGEST]


def one_text(random: Dice, write: Callable[[Dice], str]) -> str:
    match random.randrange(20):
        case 0:
            return soup(random)
        case 1:
            return extreme(random, write)
        case 2 | 3 | 4 | 5:
            return write(random)
        case 6:
            return write(random) + random.choice(SYMBOLS) + random.choice((graph, model, query, dagitty))(random)
        case _:
            return spoilt(random, write(random))


# --- grammars


def name(random: Dice) -> str:
    """Mostly a plain name from a small pool, so that names meet again."""
    if random.slip():
        return random.choice(random.choice((KEYWORDS, FAMILIES, QUOTED)))
    if random.random() < 0.03:
        return random.choice(("`IL-6`", "`a b`", "normal", "E", "`latent`", "Größe", "NF_kB"))
    return random.choice(WORDS[:5])


def names(random: Dice, most: int = 3) -> str:
    found = [name(random) for _ in range(random.randint(1, most))]
    return ", ".join(found if random.slip() else dict.fromkeys(found))


def number(random: Dice) -> str:
    return random.choice(NUMBERS) if random.slip() else random.choice(NUMBERS[:7])


def graph(random: Dice) -> str:
    return joined(random, [graph_statement(random) for _ in range(random.randint(1, 6))])


def joined(random: Dice, statements: list[str]) -> str:
    mark = random.choice(("; ", ";", "\n", "\n", "\r\n", " ;\n\n", "  # why\n", "\r", "\n\t"))
    return mark.join(statements) + random.choice(("", "", "", ";", "\n", "\r\n", " "))


def graph_statement(random: Dice) -> str:
    match random.randrange(12):
        case 0:
            return f"latent {names(random)}"
        case 1:
            return name(random)
        case 2:
            count = number(random) if random.slip() else random.choice(("1", "2", "7"))
            return f"{chain(random, ('<->',), 2)} [latents={count}]"
        case 3:
            return f"U{random.randrange(9)} =~ {' + '.join(names(random).split(', '))}"
        case _:
            arrows = ("->", "->", "->", "<-", "-|", "<->", "~~") if random.slip() else ("->", "->", "->", "<->")
            return chain(random, arrows, random.randint(2, 4))


def chain(random: Dice, arrows: tuple[str, ...], length: int) -> str:
    """Names joined by arrows, along one order, so that there are no cycles; unless it slips."""
    ends = [name(random) for _ in range(length)]
    if not random.slip():
        ends = sorted(dict.fromkeys(ends))
    ends += ["Z0"] * (len(ends) < 2)
    return ends[0] + "".join(f" {random.choice(arrows)} {end}" for end in ends[1:])


def model(random: Dice) -> str:
    """Each node's mechanism, its parents mostly among those before it."""
    order = list(dict.fromkeys(name(random) for _ in range(random.randint(1, 6))))
    statements, edges = [], []
    for place, node in enumerate(order):
        parents = [other for other in order[:place] if random.random() < 0.5]
        edges += [(parent, node) for parent in parents]
        parents += [name(random)] * random.slip()
        latent = random.random() < 0.25
        family = random.choice(("normal", "linear") if latent else FAMILIES)
        if random.slip():
            family = random.choice((*KEYWORDS, *WORDS))
        statements.append(f"{'latent ' * latent}{node} ~ {family}{arguments(random, family, parents)}")
    for a, b in random.sample(edges, min(len(edges), random.choice((0, 0, 1)))):
        statements.append(f"{a} {random.choice(('->', '-|'))} {b}")
    if len(order) > 1 and random.random() < 0.4:
        a, b = random.sample(order, 2)
        statements.append(f"{a} <-> {b}{random.choice(('', ' [latents=2]'))}")
    statements += [graph_statement(random)] * random.slip()
    if random.random() < 0.3:
        random.shuffle(statements)
    return joined(random, statements)


OPTIONS = {"normal": ("sd",), "hill": ("sd", "max"), "gamma": ("shape",), "linear": (), "bernoulli": ()}


def arguments(random: Dice, family: str, parents: list[str]) -> str:
    items = [random.choice(("", "", "", "", "", "", "+", "-")) + parent for parent in parents]
    if len(parents) > 1 and random.random() < 0.2:
        items.append(":".join(random.sample(parents, 2)))
    for key in ("weight", "intercept", *OPTIONS.get(family, ())):
        if (key != "weight" or parents) and random.random() < 0.2:
            value = random.choice((number, prior, levels)) if random.slip() else random.choice((positive, prior))
            items.append(f"{key}={'7' if key == 'max' else value(random)}")
    if random.slip():
        value = random.choice((number, prior, levels))
        items.append(f"{random.choice(('mean', 'levels', 'low', *KEYWORDS))}={value(random)}")
    return f"({', '.join(items)})" if items else random.choice(("", "", "", "()"))


def positive(random: Dice) -> str:
    return random.choice(("1", "0.5", "2", "1e-5"))


def prior(random: Dice) -> str:
    if not random.slip():
        right = (
            "normal(0, 1)",
            "normal(1, 0.5, low=0)",
            "halfnormal(2)",
            "student(4, 0, 1)",
            "gamma(2, 1)",
            "uniform(0, 3)",
        )
        return random.choice(right)
    families = ("normal", "cauchy", "exponential", "lognormal", "beta", "uniform", name(random))
    values = [number(random) for _ in range(random.randint(1, 3))]
    values += [f"{random.choice(('low', 'high', 'sd', 'mean'))}={number(random)}"] * (random.random() < 0.3)
    return f"{random.choice(families)}({', '.join(values)})"


def levels(random: Dice) -> str:
    return f"[{', '.join(level(random) for _ in range(random.randint(0, 4)))}]"


def level(random: Dice) -> str:
    if random.random() < 0.6:
        return number(random)
    return random.choice(("high", "'very high'", "'it''s'", '"a"', "''", "'\u202e'", "'1'", "do", "latent"))


def query(random: Dice) -> str:
    factors = [factor(random, 0) for _ in range(random.choice((1, 1, 1, 2, 3)))]
    text = factors[0]
    for other in factors[1:]:
        text += random.choice((" - ", " / ", " + ", " * ", "-", "/")) + other
    return text + sweep(random, text)


def sweep(random: Dice, text: str) -> str:
    """Axes for what may stand open in a query, or nothing."""
    if random.random() < 0.6 and not random.slip():
        return ""
    opened = re.findall(r"(?<=do\()[^=~(),|]+(?=\))", text) if not random.slip() else []
    nodes = opened or ([name(random)] if random.slip() else [])
    axes = [f"{node} in {axis(random)}" for node in nodes[: 1 + random.randrange(3)]]
    return f" for {', '.join(axes)}" if axes else ""


def axis(random: Dice) -> str:
    if random.slip():
        return random.choice(
            (f"{number(random)}..{number(random)}", f"{number(random)}..{number(random)} by {number(random)}")
        )
    if random.random() < 0.4:
        return levels(random)
    low = random.randint(-5, 5)
    step = random.choice(("", f" by {random.choice(('0.1', '0.5', '1', '1e-3', '3'))}"))
    return f"{low}..{low + random.randint(4, 20)}{step}"


def factor(random: Dice, depth: int) -> str:
    match random.randrange(12):
        case 0:
            return f"{number(random)} * {term(random)}"
        case 1 if depth < 5:
            return f"({factor(random, depth + 1)} {random.choice('+-*/')} {factor(random, depth + 1)})"
        case _:
            return term(random)


def term(random: Dice) -> str:
    """A mean or a probability, each node in one place, unless it slips."""
    word = random.choice(
        ("E", "E", "E", "P", "P", "P", "Var", "SD", "Median", "Quantile", "density", "odds", "std", "Q")
    )
    mean = word in ("E", "Var", "SD", "Median", "Quantile", "std", "Q")
    ends = [name(random) for _ in range(6)]
    ends = ends if random.slip() else list(dict.fromkeys(ends))
    outcomes = ends.pop() if mean else outcome(random, ends.pop())
    if word in ("Quantile", "Q"):
        outcomes += f", {random.choice(('0.9', '0.5', '1e-5')) if not random.slip() else number(random)}"
    elif word in ("density", "odds") and not random.slip():
        outcomes = f"{name(random)}={random.choice(('1', '1.3', '-2'))}"
    conditions = []
    if ends and random.random() < 0.8:
        conditions.append(f"do({', '.join(setting(random, ends.pop()) for _ in range(min(len(ends), 1)))})")
    while ends and random.random() < 0.4:
        conditions.append(outcome(random, ends.pop()))
    inside = f"{outcomes} | {', '.join(conditions)}" if conditions else outcomes
    return f"{word}[{inside}]" if mean else f"{word}({inside})"


def outcome(random: Dice, node: str) -> str:
    match random.randrange(4):
        case 0:
            return f"{node}={level(random)}"
        case 1:
            return f"{node} {random.choice(('<', '>', '<=', '>=', '='))} {number(random)}"
        case _:
            return node


def setting(random: Dice, node: str) -> str:
    match random.randrange(6):
        case 0:
            return node
        case 1:
            return f"{node} ~ {prior(random)}"
        case 2:
            return f"{node}={level(random)}"
        case _:
            return f"{node}={number(random)}"


def dagitty_name(random: Dice) -> str:
    if random.slip():
        odd = ('"IL-6"', '"a b"', '""', '"a`b"', '"\u202e"', '"\r"', '"\x00"', '"\ud800"', '"x', '"{"', *KEYWORDS)
        return random.choice(odd)
    if random.random() < 0.1:
        return random.choice(('"IL-6"', '"a b"', "Größe", "1", "a.b"))
    return random.choice(WORDS[:5])


def dagitty(random: Dice) -> str:
    opening = random.choice(("dag {", "dag{", 'dag "G" {', "dag G {", "# c\ndag {", "/* c */ dag\n{"))
    if random.slip():
        opening = random.choice(
            ("pdag {", "mag {", "DAG {", "dag", "digraph {", "graph G {", "strict digraph{", "dag {{")
        )
    mark = random.choice(("\n", "; ", " ", "\r\n", "\n\n", " // c\n", " /* c */ "))
    statements = [dagitty_statement(random) for _ in range(random.randint(1 - random.slip(), 6))]
    return opening + mark + mark.join(statements) + mark + "}" + random.choice(("", "", "\n"))


def dagitty_statement(random: Dice) -> str:
    match random.randrange(8):
        case 0:
            return 'bb="0,0,1,1"'
        case 1 | 2:
            right = ("latent", 'pos="1,2"', "exposure", "outcome", "unobserved", "adjusted")
            wrong = ("selected", "colour=red", "=", "[", "pos=", '"')
            chosen = random.sample(wrong if random.slip() else right, random.randint(0, 2))
            return f"{dagitty_name(random)} [{','.join(chosen)}]"
        case _:
            edges = ("<-", "--", "@->", "@-@") if random.slip() else ("->", "->", "->", "<->")
            ends = [dagitty_name(random) for _ in range(random.randint(1, 4))]
            ends = ends if random.slip() else sorted(dict.fromkeys(ends), key=lambda end: end.strip('"'))
            if random.random() < 0.2:
                ends.append(f"{{{random.choice(('Z1 Z2', 'Z1, Z2'))}}}" if not random.slip() else "{}")
            ends += ["Z9"] * (len(ends) < 2)
            text = ends[0] + "".join(f" {random.choice(edges)} {end}" for end in ends[1:])
            return text + random.choice(("", "", "", ' [pos="0,1"]', "[beta=.5]"))


def study(random: Dice) -> str:
    inner = model(random) if random.slip() else napkin(random)
    indented = "".join(f"  {line}\n" for line in inner.replace("\r", "\n").split("\n"))
    blocks = [f"model: {yaml_text(random, inner)}\n" if random.slip() else "model: |\n" + indented]
    makers = (study_data, study_priors, study_inference, study_queries, study_variants, study_compare)
    blocks += [make(random) for make in makers if random.random() < 0.35]
    if random.slip():
        blocks.append(f"{random.choice(KEYWORDS)}: {number(random)}\n")
    if random.random() < 0.2:
        random.shuffle(blocks)
    return "".join(blocks)


def napkin(random: Dice) -> str:
    """A model that is right, so that the rest of the file is looked at."""
    return random.choice(
        (
            "latent U, V ~ normal\nW ~ gamma(U, V)\nZ ~ normal(W)\nX ~ bernoulli(Z, U)\nY ~ normal(X, V)",
            "X ~ normal; M ~ normal(X); Y ~ normal(M, X)\nX <-> Y [latents=2]",
            "latent U ~ normal\nX ~ hill(+U, max=10)\n\n# a comment\nY ~ normal(X, U, X:U, sd=normal(0, 1))",
        )
    )


def yaml_text(random: Dice, text: str) -> str:
    """A text as YAML may hold it: plain, in quotes, as a block."""
    flat = text.replace("\r", "\n")
    match random.randrange(6):
        case 0:
            return "'" + flat.replace("\n", "; ").replace("'", "''") + "'"
        case 1:
            return '"' + flat.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case 2:
            return random.choice(("|", ">", "|-", ">+", "|2")) + "".join(f"\n      {line}" for line in flat.split("\n"))
        case _:
            return flat.replace("\n", "; ")


def study_data(random: Dice) -> str:
    return f"data: {random.choice(('', '[]', '1', 'true', 'a: b', name(random))) if random.slip() else 'cells.csv'}\n"


def study_priors(random: Dice) -> str:
    def key() -> str:
        if not random.slip():
            return random.choice(
                ("weight", "sd", "intercept", "sd(Y)", '"X -> Y"', "X -> Y", "weight(Y)", "intercept(Y)")
            )
        a, b = name(random), name(random)
        return random.choice((f"sd({a})", f'"{a} -> {b}"', f"{a} -> {b}", f"weight({a})", a, "X:U -> Y", "[a]", "? x"))

    makers = (prior, prior, level) if random.slip() else (prior,)
    rows = {key(): random.choice(makers)(random) for _ in range(random.randint(1, 3))}
    return "priors:\n" + "".join(f"  {key}: {value}\n" for key, value in rows.items())


def study_inference(random: Dice) -> str:
    rows = [f"  engine: {name(random) if random.slip() else 'nuts'}\n"]
    values = ("0", "-1", "1.0", "1e3", "10_000", "many", "0x10", "null", "[]", "9" * 30)
    for key in ("draws", "warmup", "chains", *(("steps", "seed") if random.slip() else ())):
        if random.random() < 0.25:
            rows.append(f"  {key}: {random.choice(values) if random.slip() else '1000'}\n")
    return "inference:\n" + "".join(rows)


def study_queries(random: Dice) -> str:
    known = (
        "E[Y | do(X=1)]", "P(Y > 1 | do(X=1))", "E[Y | do(X=1)] - E[Y | do(X=0)]", "P(X=1 | Y)", "Quantile[Y, 0.9 | do(X=1)]",
        "E[Y | do(X)] for X in 0..10", "1 - q0", "q1 / q2", "odds(Y=1 | do(X=1))",
    )  # fmt: skip
    asked = [query(random) if random.slip() else text for text in random.sample(known, random.randint(1, 3))]
    asked = [yaml_text(random, text) for text in asked]
    if random.slip():
        return f"queries: [{', '.join(asked)}]\n"
    if random.random() < 0.3:
        return "queries:\n" + "".join(f"  - {text}\n" for text in asked)
    keys = [name(random) if random.slip() else f"q{place}" for place in range(3)]
    return "queries:\n" + "".join(f"  {key}: {text}\n" for key, text in zip(keys, asked, strict=False))


def study_variants(random: Dice) -> str:
    changes = ["drop: [Y]", "hide: [X]"]
    if random.slip():
        changes = [
            f"drop: [{names(random)}]",
            f"merge: {{{name(random)}: [{names(random)}]}}",
            f"split: {{{name(random)}: [{names(random)}]}}",
            f"hide: [{names(random)}]",
            f"latents: {{{name(random)} <-> {name(random)}: {number(random)}}}",
            "split: {U: [U1, U2]}",
            f"add: {name(random)}",
        ]
    return f"variants:\n  {name(random)}: {{{', '.join(random.sample(changes, random.randint(1, 2)))}}}\n"


def study_compare(random: Dice) -> str:
    methods = ("plug-in", "aipw", "naive mean", "tmle", "ols", "1", "{}", "[]", "lvm")
    chosen = [random.choice(methods) for _ in range(3)] if random.slip() else random.sample(methods[:3], 2)
    return f"compare: [{', '.join(chosen)}]\n"


# --- spoiling


def piece(random: Dice) -> str:
    """A word or sign of some notation, an odd character, or a number."""
    pools: tuple[tuple[str, ...], ...] = (WORDS, FAMILIES, KEYWORDS, QUOTED, SYMBOLS, SYMBOLS, NUMBERS, ODD)
    return random.choice(random.choice(pools))


def soup(random: Dice) -> str:
    mark = random.choice(("", " ", " "))
    return mark.join(piece(random) for _ in range(random.randint(0, 40)))


def spoilt(random: Dice, text: str) -> str:
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        text = random.choice(SPOILERS)(random, text)
    return text


def cut_out(random: Dice, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + text[start + random.choice((1, 1, 2, 5, 30)) :]


def cut_short(random: Dice, text: str) -> str:
    return text[: random.randint(0, len(text))]


def put_in(random: Dice, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + piece(random) + text[start:]


def put_over(random: Dice, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + piece(random) + text[start + 1 :]


def odd_in(random: Dice, text: str) -> str:
    start = random.randint(0, len(text))
    return text[:start] + random.choice(ODD) + text[start:]


def doubled(random: Dice, text: str) -> str:
    start = random.randint(0, len(text))
    part = text[start : start + random.choice((1, 2, 8, 40))]
    return text[:start] + part * random.choice((2, 2, 3, 20)) + text[start + len(part) :]


def swapped(random: Dice, text: str) -> str:
    a, b, c = sorted(random.randint(0, len(text)) for _ in range(3))
    return text[:a] + text[b:c] + text[a:b] + text[c:]


def lines_swapped(random: Dice, text: str) -> str:
    lines = text.split("\n")
    random.shuffle(lines)
    return "\n".join(lines)


def unbalanced(random: Dice, text: str) -> str:
    places = [i for i, char in enumerate(text) if char in "()[]{}`'\"|"]
    if not places:
        return text + random.choice("()[]{}`'\"")
    at = random.choice(places)
    return text[:at] + random.choice(("", "", "(", ")", "[", "]", "{", "}", "`", "'")) + text[at + 1 :]


def replaced(random: Dice, text: str) -> str:
    """Every arrow, tilde or other sign in place of another, as from another notation."""
    old = random.choice(("->", "~", "<->", "|", ",", "(", "do", "latent", "normal", ":", "=", "\n", " ", "E[", "P("))
    return text.replace(old, piece(random), random.choice((1, 1, -1)))


def lines_ended(random: Dice, text: str) -> str:
    return text.replace("\n", random.choice(("\r\n", "\r", "\x85", "\u2028", "\n\t", "\n\n", "\\n", "\n \n")))


def marked(random: Dice, text: str) -> str:
    return (
        random.choice(("\ufeff", "\ufeff\ufeff", "\n\n", "\t", "---\n", "%YAML 1.1\n", "# c\n", "#" * 60 + "\n")) + text
    )


SPOILERS = (
    cut_out, cut_out, cut_short, put_in, put_in, put_over, odd_in, doubled, swapped, lines_swapped, unbalanced, unbalanced,
    replaced, replaced, lines_ended, marked,
)  # fmt: skip


def extreme(random: Dice, write: Callable[[Dice], str]) -> str:
    """One part of a text many times over: deep nesting, long names, long lines, floods of one sign."""
    text = write(random)
    at = random.randint(0, len(text))
    many = random.choice((50, 101, 300, 900))
    flood = random.choice(
        (*SYMBOLS, *NUMBERS, *ODD, "X", "X ", "X,", "X:", "X -> ", "(", "[", "{", "E[X] + ", "- ", "a.", "[x, ")
    )
    if random.random() < 0.2:
        return flood * many
    return text[:at] + flood * (many // max(1, len(flood)) + 1) + text[at:]


# --- texts that grow


def long_texts(size: int) -> dict[str, tuple[str, str]]:
    """By what grows in them: (kind, a text of about `size` characters)."""
    n = size // 8

    def listed(mark: str, parts: int = n) -> str:
        return mark.join(f"A{i:05d}" for i in range(parts))

    def nodes(count: int) -> str:
        return "\n".join(f"A{i:05d} ~ normal" for i in range(count))

    mechanisms = nodes(size // 16)
    return {
        "a chain": ("graph", listed(" -> ", size // 10)),
        "bare nodes": ("graph", listed("; ")),
        "arcs": ("graph", "; ".join(f"A{i:05d} <-> B{i:05d}" for i in range(size // 17))),
        "latents": ("graph", "latent " + listed(", ")),
        "parents": ("graph", f"Y ~ normal({listed(', ')})"),
        "an interaction": ("graph", f"Y ~ normal({listed(':')})"),
        "levels": ("graph", f"Y ~ normal(levels=[{listed(', ')}])"),
        "a cycle": ("graph", listed(" -> ", size // 10) + " -> A00000"),
        "a name": ("graph", "A" * size),
        "a name in backticks": ("graph", "`" + "a " * (size // 2)),
        "a number": ("graph", f"X -> {'9' * size}"),
        "a comment": ("graph", "#" * size + "\nX -> Y"),
        "a banner": ("graph", "# -- " * (size // 5) + "\nX -> Y"),
        "comments": ("graph", "/* " * (size // 3)),
        "blanks": ("graph", " " * size + "X -> Y"),
        "blanks behind dag": ("graph", "dag" + " " * size + "X"),
        "a word behind dag": ("graph", "dag " + "a" * size),
        "a word behind digraph": ("graph", "digraph " + "a " * (size // 2)),
        "empty lines": ("graph", "\n" * size + "X -> Y ->"),
        "semicolons": ("graph", "X -> Y" + ";" * size),
        "brackets": ("graph", "(" * size),
        "marks": ("graph", "X -> Y" + "\u0301" * size),
        "quotes": ("graph", "'" * size),
        "mechanisms": ("model", mechanisms),
        "a mechanism of many": ("model", listed(", ") + " ~ normal"),
        "parents with mechanisms": (
            "model",
            f"{listed('; ', size // 25)}; {nodes(size // 25)}\nY ~ normal({listed(', ', size // 25)})",
        ),
        "signed weights": ("model", f"{nodes(size // 30)}\nY ~ normal(+{listed(', +', size // 30)})"),
        "interactions": (
            "model",
            f"{nodes(size // 40)}\nY ~ normal({', '.join(f'A00000:A{i:05d}' for i in range(1, size // 40))}, A00001)",
        ),
        "latents of arcs": (
            "model",
            nodes(size // 100) + "".join(f"\nA{i:05d} <-> A{i + 1:05d} [latents=9]" for i in range(size // 100 - 1)),
        ),
        "second mechanisms": ("model", "\n".join(["Y ~ normal"] * (size // 11))),
        "no mechanisms": ("model", f"Y ~ normal\n{listed('; ')}"),
        "many weights": ("model", f"Y ~ normal({listed(', ')})"),
        "a term": ("query", f"P({listed(', ')})"),
        "one outcome again and again": ("query", f"P({', '.join(['Y'] * (size // 3))})"),
        "an interval again and again": ("query", f"P({', '.join(['Y > 1'] * (size // 7))})"),
        "a sum": ("query", " + ".join(["E[Y]"] * (size // 7))),
        "parentheses": ("query", "(" * size),
        "an axis of values": ("query", f"E[Y | do(X)] for X in [{', '.join(map(str, range(size // 7)))}]"),
        "axes": ("query", f"E[Y | do(X)] for {', '.join(['X in 0..1'] * (size // 11))}"),
        "a fine range": ("query", f"E[Y | do(X)] for X in 0..{size // 2} by 1" + " " * size),
        "a sweep of many conditions": ("query", f"P(Y | {listed(', ')}) for A00000 in 0..1"),
        "intervals": ("query", f"P({', '.join(f'A{i:05d} > 1, A{i:05d} < 2' for i in range(size // 24))})"),
        "an axis of a deep sum": ("query", " + ".join(["E[Y | do(X)]"] * 200) + f" for X in 0..{size // 10} by 1" + " " * size),
        "evidence": ("query", f"P(Y | {listed(', ')})"),
        "a level": ("query", f"P(Y='{'x' * size}')"),
        "doubled quotes": ("query", "P(Y='" + "''" * (size // 2)),
        "dagitty edges": ("dagitty", "dag {" + "\n".join(f"A{i:05d} -> B{i:05d}" for i in range(size // 17)) + "}"),
        "a dagitty group": ("dagitty", "dag { X -> {" + listed(" ") + "} }"),
        "dagitty comments": ("dagitty", "dag {" + "/* a */" * (size // 7) + " X }"),
        "an open dagitty comment": ("dagitty", "dag {" + "/* " * (size // 3)),
        "a model in a study": ("study", "model: |\n" + "".join(f"  {line}\n" for line in mechanisms.split("\n"))),
        "priors in a study": (
            "study",
            "model: X ~ normal\npriors:\n" + "".join(f"  sd(A{i:05d}): 1\n" for i in range(size // 15)),
        ),
        "priors of every node": (
            "study",
            "model: |\n"
            + "".join(f"  A{i:05d} ~ normal\n" for i in range(size // 35))
            + "priors:\n"
            + "".join(f"  sd(A{i:05d}): 1\n" for i in range(size // 35)),
        ),
        "queries of every node": (
            "study",
            "model: |\n"
            + "".join(f"  A{i:05d} ~ normal\n" for i in range(size // 35))
            + "queries:\n"
            + "".join(f"  - E[A{i:05d}]\n" for i in range(size // 35)),
        ),
        "variants of every node": (
            "study",
            "model: |\n"
            + "".join(f"  A{i:05d} ~ normal\n" for i in range(size // 45))
            + "variants:\n"
            + "".join(f"  v{i:05d}: {{drop: [A{i:05d}]}}\n" for i in range(size // 45)),
        ),
        "latents of every variant": (
            "study",
            "model: |\n"
            + "".join(f"  A{i:05d} ~ normal\n" for i in range(size // 75))
            + "".join(f"  A{i:05d} <-> A{i + 1:05d}\n" for i in range(size // 75 - 1))
            + "variants:\n  more:\n    latents:\n"
            + "".join(f"      A{i:05d} <-> A{i + 1:05d}: 2\n" for i in range(size // 75 - 1)),
        ),
        "queries in a study": ("study", "model: X ~ normal\nqueries:\n" + "  - E[X]\n" * (size // 9)),
        "named queries in a study": (
            "study",
            "model: X ~ normal\nqueries:\n" + "".join(f"  q{i:05d}: E[X]\n" for i in range(size // 15)) + "  last: []\n",
        ),
        "queries that need each other": (
            "study",
            "model: X ~ normal\nqueries:\n"
            + "".join(f"  q{i:05d}: q{i + 1:05d}\n" for i in range(size // 17))
            + f"  q{size // 17:05d}: E[X]\n",
        ),
        "a circle of queries": (
            "study",
            "model: X ~ normal\nqueries:\n"
            + "".join(f"  q{i:05d}: 1 - q{i + 1:05d}\n" for i in range(size // 21))
            + f"  q{size // 21:05d}: q00000\n",
        ),
        "a study of lists": ("study", "model: " + "[" * size),
        "a study of maps": ("study", "model: " + "{" * size),
        "a study of one line": ("study", "model: " + "x " * (size // 2)),
        "a key of a study": ("study", "k" * size + ": 1"),
        "a quoted text in a study": ("study", "model: '" + "x " * (size // 2)),
    }  # fmt: skip
