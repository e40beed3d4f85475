"""Models of lavaan: `f =~ x + y`, `y ~ a*x`, `x ~~ y`, `total := a*b`.

As in sem(), measured variables that are causes alone covary: each pair is joined unless the text says `x ~~ 0*w`.
What stands in front of a variable is its modifier: a label, a number that fixes the coefficient, `NA*` that frees it.

Source:
    Rosseel (2012), lavaan: an R package for structural equation modeling; its manual, "Model syntax 1" and "2".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from latentdo.errors import NotationError, UnsupportedError
from latentdo.graphs import LatentDag, Name, quote

from ..draft import Draft
from ..report import SHOWN, Edge, Read
from .effects import defined_question

_OPERATOR = re.compile(r"=~|<~|~\*~|~~|:=|==|~|\||<|>")
_NAME = re.compile(r"[^\W\d][\w.]*|\.[^\W\d][\w.]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_CALL = re.compile(r"([A-Za-z][\w.]*)\s*\(")
_BLOCK = re.compile(r"\s*(group|level|class|block)\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class _Formula:
    """One formula: its sides, its operator, the line it begins in."""

    left: str
    operator: str
    right: str
    line: int


@dataclass(frozen=True)
class _Term:
    """A variable of a right-hand side, and what its modifiers say."""

    names: tuple[Name, ...]
    label: str = ""
    fixed: float | None = None


@dataclass
class _Model:
    """What the formulas so far say beside the graph."""

    text: str
    draft: Draft
    labels: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    fixed: dict[Edge, float] = field(default_factory=dict[Edge, float])
    curved: set[Edge] = field(default_factory=set[Edge])
    regressed: set[Name] = field(default_factory=set[Name])
    regressors: dict[Name, None] = field(default_factory=dict[Name, None])
    indicators: set[Name] = field(default_factory=set[Name])
    said: set[frozenset[Name]] = field(default_factory=set[frozenset[Name]])
    defined: list[_Formula] = field(default_factory=list[_Formula])

    def fail(self, problem: str, line: int) -> NotationError:
        """An error at a line."""
        source = "" if self.draft.source == "text" else f"{self.draft.source}: "
        return NotationError(source + problem, self.text, line, 1)


def read_lavaan(text: str, source: str = "text", *, cycles: str = "refuse") -> Read:
    """The graph; a quantity that is defined as a total effect becomes a question.

    Raises:
        NotationError: A formula cannot be read; says the line.
        UnsupportedError: Groups, levels, composites and what else a graph with latents cannot hold.
    """
    model = _Model(text, Draft("lavaan", source))
    for formula in _formulas(model):
        _read(model, formula)
    _join(model)
    _remark(model)
    questions = [each for formula in model.defined if (each := _question(model, formula)) is not None]
    return model.draft.read(cycles, questions=tuple(questions))


def _formulas(model: _Model) -> Iterator[_Formula]:
    """The formulas: lines without an operator go on with the one before, as do those behind a `+`."""
    started: list[tuple[int, str]] = []
    for number, line in enumerate(model.text.split("\n"), start=1):
        for piece in re.split(";", re.sub(r"[#!].*", "", line.replace("\r", ""))):
            if not piece.strip():
                continue
            if _BLOCK.match(piece):
                raise UnsupportedError(
                    f"line {number}: {piece.strip()[:40]!r} begins the model of a group or level, and one model for all rows is "
                    "read. Keep the block that you mean."
                )
            ends_open = bool(started) and re.search(r"[+*~:=(,]\s*$", started[-1][1]) is not None
            if started and (ends_open or not _OPERATOR.search(piece)):
                started[-1] = (started[-1][0], f"{started[-1][1]} {piece.strip()}")
            else:
                started.append((number, piece.strip()))
    for number, whole in started:
        match = _OPERATOR.search(whole)
        if match is None:
            raise model.fail("the formula has no operator such as ~, =~ or ~~.", number)
        yield _Formula(whole[: match.start()].strip(), match.group(), whole[match.end() :].strip(), number)


def _read(model: _Model, formula: _Formula) -> None:
    draft, where = model.draft, f"line {formula.line}"
    if not formula.left or not formula.right:
        raise model.fail(
            f"nothing stands {'before' if not formula.left else 'behind'} {formula.operator}.", formula.line
        )
    match formula.operator:
        case ":=":
            model.defined.append(formula)
            return
        case "==" | "<" | ">":
            draft.drop(where, f"the constraint {formula.left} {formula.operator} {formula.right}")
            return
        case "<~":
            raise UnsupportedError(
                f"{where}: {formula.left} <~ … is a composite, a sum of what was measured, and not a cause. Leave it out, or "
                "make it a column."
            )
        case "|" | "~*~":
            draft.node(_left(model, formula)[0], where)
            kind = "thresholds" if formula.operator == "|" else "scaling factors"
            draft.drop(where, f"the {kind} of {formula.left}")
            return
        case _:
            pass
    for left in _left(model, formula):
        draft.node(left, where, latent=formula.operator == "=~")
        for term in _terms(model, formula):
            _link(model, formula, left, term)


def _left(model: _Model, formula: _Formula) -> list[Name]:
    if re.search(r"\befa\s*\(", formula.left):
        raise UnsupportedError(f"line {formula.line}: efa() leaves open which loadings there are. Write each loading.")
    names = [piece.strip() for piece in formula.left.split("+")]
    for name in names:
        if not _NAME.fullmatch(name):
            raise model.fail(f"{name[:40]!r} is no name of a variable.", formula.line)
    return names


def _link(model: _Model, formula: _Formula, left: Name, term: _Term) -> None:
    draft, where = model.draft, f"line {formula.line}"
    if not term.names:
        if formula.operator == "=~" and term.fixed is None:
            return  # `f =~ 0`: a latent without indicators
        if formula.operator != "~":
            raise model.fail(f"a number alone stands behind {formula.operator}.", formula.line)
        draft.notes.append(f"{where}: the intercept of {quote(left)} is no part of a graph.")
        return
    for name in term.names:
        draft.node(name, where)
    if len(term.names) > 1:
        product = ":".join(map(quote, term.names))
        if formula.operator != "~":
            raise model.fail(f"the product {product} stands behind {formula.operator}.", formula.line)
        draft.notes.append(f"{where}: the interaction {product} is read as an edge from each of its nodes.")
    if formula.operator == "~":
        model.regressed.add(left)
        model.regressors.update(dict.fromkeys(term.names))
    elif formula.operator == "=~":
        model.indicators.update(term.names)
    for name in term.names:
        if formula.operator == "~~":
            _covariance(model, formula, left, name, term)
            continue
        edge = (left, name) if formula.operator == "=~" else (name, left)
        if term.fixed == 0:
            draft.drop(where, f"{quote(edge[0])} -> {quote(edge[1])} is fixed to 0, so that there is no edge")
            continue
        draft.edge(*edge, where)
        if len(term.names) > 1:
            model.curved.add(edge)
        if term.fixed is not None:
            model.fixed[edge] = term.fixed
        if term.label:
            model.labels.setdefault(term.label, []).append(edge)


def _covariance(model: _Model, formula: _Formula, left: Name, name: Name, term: _Term) -> None:
    where = f"line {formula.line}"
    model.said.add(frozenset((left, name)))
    if left == name:
        if term.fixed is not None:
            model.draft.notes.append(f"{where}: the variance of {quote(left)} is fixed to {term.fixed:g}.")
    elif term.fixed == 0:
        model.draft.notes.append(
            f"{where}: {quote(left)} and {quote(name)} have no covariance, so that there is no <->."
        )
    else:
        model.draft.arc(left, name, where)


def _terms(model: _Model, formula: _Formula) -> Iterator[_Term]:
    """The variables of a right-hand side."""
    for piece in _split(formula.right, "+"):
        if not piece:
            raise model.fail("a variable is missing beside '+'.", formula.line)
        *modifiers, variable = [part.strip() for part in _split(piece, "*")]
        label, fixed = "", None
        for modifier in modifiers:
            said = _modifier(model, formula, modifier)
            label = said if isinstance(said, str) and said else label
            fixed = said if isinstance(said, float) else fixed
        if _NUMBER.fullmatch(variable):
            yield _Term((), label, None if variable == "0" else float(variable))
            continue
        names = tuple(name.strip() for name in variable.split(":"))
        for name in names:
            if not _NAME.fullmatch(name):
                raise model.fail(f"{name[:40]!r} is no name of a variable.", formula.line)
        yield _Term(names, label, fixed)


def _split(text: str, sign: str) -> list[str]:
    """The pieces between signs that stand outside parentheses and quotes."""
    pieces, depth, quoted = [""], 0, ""
    for char in text:
        if quoted or char in "\"'":
            quoted = "" if char == quoted else quoted or char
        depth += (char == "(") - (char == ")") if not quoted else 0
        if char == sign and depth == 0 and not quoted:
            pieces.append("")
        else:
            pieces[-1] += char
    return [piece.strip() for piece in pieces]


def _modifier(model: _Model, formula: _Formula, modifier: str) -> str | float:
    """What a modifier says: a label, or a fixed number; an empty text where it says neither."""
    if _NUMBER.fullmatch(modifier):
        return float(modifier)
    if modifier in ("NA", "?"):
        return ""
    if match := re.fullmatch(r"""(["'])([^"']+)\1""", modifier):
        return match.group(2)
    if _NAME.fullmatch(modifier):
        return modifier
    call = _CALL.match(modifier)
    if call is None or not modifier.endswith(")"):
        raise model.fail(f"{modifier[:40]!r} in front of '*' is no label and no number.", formula.line)
    inside = modifier[call.end() : -1].strip().strip("\"'")
    match call.group(1):
        case "label":
            return inside
        case "c":
            raise UnsupportedError(
                f"line {formula.line}: {modifier[:40]} gives groups modifiers of their own, and one model for all rows is read."
            )
        case "start" | "prior" | "lower" | "upper" | "rv" | "equal":
            return ""
        case other:
            raise model.fail(f"{other}() is not read as a modifier.", formula.line)


def _join(model: _Model) -> None:
    """Join the measured variables that are causes alone, as sem() leaves their covariances free."""
    draft = model.draft
    alone = [x for x in model.regressors if x not in model.regressed | model.indicators | draft.latent]
    pairs = _unsaid(model, alone)
    for pair in pairs:
        draft.arc(*pair, "sem()")
    if pairs:
        draft.doubts.append(
            "lavaan's sem() lets measured variables that are causes alone covary, so that they are joined: "
            f"{_pairs(pairs)}. Where two have no common cause, write {pairs[0][0]} ~~ 0*{pairs[0][1]}."
        )


def _pairs(pairs: list[Edge]) -> str:
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return ", ".join(f"{quote(a)} <-> {quote(b)}" for a, b in pairs[:SHOWN]) + more


def _remark(model: _Model) -> None:
    draft = model.draft
    if model.fixed:
        shown = ", ".join(f"{quote(a)} -> {quote(b)} = {value:g}" for (a, b), value in list(model.fixed.items())[:12])
        draft.notes.append(f"fixed coefficients are no part of a graph: {shown}.")
    moved = {effect for _, effect in draft.links}
    free = [node for node in draft.nodes if node in draft.latent and node not in moved]
    acting = model.regressors.keys() | model.indicators | draft.latent
    last = [node for node in draft.nodes if node in model.regressed - acting]
    for nodes, what in (
        (free, "latents covary unless orthogonal=TRUE"),
        (last, "outcomes that cause nothing covary beyond their causes"),
    ):
        if pairs := _unsaid(model, nodes):
            draft.doubts.append(
                f"lavaan's sem() lets {what}; here they are joined where the text says ~~ alone. Not joined: {_pairs(pairs)}. "
                f"Where two have a hidden common cause, write {pairs[0][0]} ~~ {pairs[0][1]}, else ~~ 0*{pairs[0][1]}."
            )


def _unsaid(model: _Model, nodes: Iterable[Name]) -> list[Edge]:
    """The pairs of whose covariance the text says nothing."""
    return [pair for pair in itertools.combinations(nodes, 2) if frozenset(pair) not in model.said]


def _question(model: _Model, formula: _Formula) -> tuple[str, str] | None:
    """The question that a defined quantity asks."""
    latent, links = frozenset(model.draft.latent), tuple(model.draft.links)
    query, why = defined_question(formula.right, model.labels, links, latent, frozenset(model.curved))
    if query:
        return formula.left, query
    model.draft.drop(f"line {formula.line}", f"{formula.left} := {formula.right} is no question: {why}")
    return None


def write_lavaan(graph: LatentDag, questions: tuple[tuple[str, str], ...] = ()) -> str:
    """The graph as a model of lavaan, which `read_lavaan` reads back: loadings are free, latents have variance 1.

    Raises:
        UnsupportedError: A node whose name is no name in R.
    """
    for node in graph.nodes:
        if not _NAME.fullmatch(node):
            raise UnsupportedError(
                f"{node!r} is no name in R, and lavaan knows no quotes. Rename it: letters, digits, dots and underscores."
            )
    lines = []
    for node in graph.nodes:
        children = graph.children(node)
        if node in graph.latent:
            lines.append(f"{node} =~ " + (" + ".join(f"NA*{child}" for child in children) if children else "0"))
            if not graph.parents(node):
                lines.append(f"{node} ~~ 1*{node}")
            continue
        if causes := [parent for parent in graph.parents(node) if parent not in graph.latent]:
            lines.append(f"{node} ~ {' + '.join(causes)}")
        elif not children or all(child in graph.latent for child in children):
            lines.append(f"{node} ~~ {node}")
    for node in graph.nodes:
        if node in graph.latent and (causes := [p for p in graph.parents(node) if p not in graph.latent]):
            lines.append(f"{node} ~ {' + '.join(causes)}")
    lines += [f"{a} ~~ {b}" for a, b, _ in graph.bidirected]
    lines += _unjoined(graph)
    return "\n".join([*lines, *(f"# {name}: {query}" for name, query in questions), ""])


def _unjoined(graph: LatentDag) -> Iterator[str]:
    """That nodes do not covary which sem() would let covary: causes alone, latent ones, outcomes that cause nothing."""
    joined = {frozenset(arc[:2]) for arc in graph.bidirected}
    roots = [node for node in graph.nodes if not graph.parents(node)]
    causes = [node for node in roots if node not in graph.latent and graph.children(node)]
    last = [
        node
        for node in graph.nodes
        if node not in graph.latent
        and not graph.children(node)
        and graph.parents(node)
        and graph.latent.isdisjoint(graph.parents(node))
    ]
    for nodes in (causes, [node for node in roots if node in graph.latent], last):
        for k, node in enumerate(nodes):
            if others := [other for other in nodes[k + 1 :] if frozenset((node, other)) not in joined]:
                yield f"{node} ~~ {' + '.join(f'0*{other}' for other in others)}"
