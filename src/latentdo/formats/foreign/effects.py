"""Products of path coefficients as questions: a defined quantity that sums every directed path is a total effect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set

from latentdo.graphs import Name, quote

from ..report import Edge

_WORD = re.compile(r"\s*(?:([^\W\d][\w.]*)|([0-9]+(?:\.[0-9]*)?)|([()+*-]))")
MOST_PATHS = 2000
"""Directed paths that are compared, at most."""
MOST_PRODUCTS = 2000
Product = tuple[Edge, ...]


class _NoQuestionError(Exception):
    """Why a quantity is no question."""


def defined_question(
    formula: str,
    labels: Mapping[str, Sequence[Edge]],
    edges: Sequence[Edge],
    latent: Set[Name] = frozenset(),
    curved: Set[Edge] = frozenset(),
) -> tuple[str, str]:
    """The question that a sum of products of labelled coefficients asks, or an empty text and the reason.

    The sum over all directed paths from X to Y of the products of their coefficients is the total effect of one unit of X
    in a linear model, E[Y | do(X=1)] - E[Y | do(X=0)].

    Args:
        formula: Labels joined by + and *, with parentheses.
        labels: The edges with each label.
        edges: All directed edges.
        latent: Nodes that no question can set or ask about.
        curved: Edges that stand for an interaction, whose effect is no product of coefficients.

    Source:
        Wright (1921), Correlation and causation: the rules of path coefficients.
    """
    try:
        cause, effect = _ends(formula, labels, edges, latent, curved)
    except _NoQuestionError as problem:
        return "", str(problem)
    return f"E[{quote(effect)} | do({quote(cause)}=1)] - E[{quote(effect)} | do({quote(cause)}=0)]", ""


def _ends(
    formula: str,
    labels: Mapping[str, Sequence[Edge]],
    edges: Sequence[Edge],
    latent: Set[Name],
    curved: Set[Edge],
) -> Edge:
    """The cause and the effect whose directed paths the formula sums."""
    products = [_ordered(product) for product in _Sum(formula, labels).whole()]
    ends = {(product[0][0], product[-1][1]) for product in products}
    if len(ends) != 1:
        raise _NoQuestionError("its paths have different ends")
    ((cause, effect),) = ends
    if hidden := sorted({cause, effect} & latent):
        raise _NoQuestionError(f"{quote(hidden[0])} is latent")
    paths = _paths(edges, cause, effect)
    if any(edge in curved for path in paths for edge in path):
        raise _NoQuestionError("its paths hold an interaction")
    if Counter(products) != Counter(paths):
        raise _NoQuestionError(
            f"it is not the sum over all directed paths from {quote(cause)} to {quote(effect)}, but a part of an effect"
        )
    return cause, effect


class _Sum:
    """A formula, multiplied out."""

    def __init__(self, formula: str, labels: Mapping[str, Sequence[Edge]]) -> None:
        self.labels = labels
        self.words: list[str] = []
        at = 0
        formula = formula.strip()
        while at < len(formula):
            match = _WORD.match(formula, at)
            if match is None:
                raise _NoQuestionError(f"{formula[at:].strip()[:20]!r} is not read in it")
            self.words.append(match.group().strip())
            at = match.end()
        self.words.append("")
        self.at = 0
        self.depth = 0

    def whole(self) -> list[Product]:
        found = self.sum()
        if self.words[self.at]:
            raise _NoQuestionError(f"{self.words[self.at]!r} is out of place in it")
        return found

    def sum(self) -> list[Product]:
        found = self.product()
        while self.words[self.at] == "+":
            self.at += 1
            found = found + self.product()
        if self.words[self.at] == "-":
            raise _NoQuestionError("it is a difference")
        return found

    def product(self) -> list[Product]:
        found = self.factor()
        while self.words[self.at] == "*":
            self.at += 1
            right = self.factor()
            if len(found) * len(right) > MOST_PRODUCTS:
                raise _NoQuestionError("it has too many products")
            found = [(*a, *b) for a in found for b in right]
        return found

    def factor(self) -> list[Product]:
        word = self.words[self.at]
        self.at += 1 if word else 0
        if word == "(":
            self.depth += 1
            if self.depth > 50:
                raise _NoQuestionError("its parentheses stand in each other too deeply")
            found = self.sum()
            if self.words[self.at] != ")":
                raise _NoQuestionError("a parenthesis is not closed")
            self.at += 1
            return found
        edges = self.labels.get(word, ())
        if len(edges) != 1:
            raise _NoQuestionError(
                f"{len(edges)} coefficients have the label {word!r}"
                if edges
                else f"no coefficient has the label {word!r}"
            )
        return [(edges[0],)]


def _ordered(product: Product) -> Product:
    """The edges of a product one after the other."""
    after = {edge[0]: edge for edge in product}
    starts = after.keys() - {edge[1] for edge in product}
    if len(after) < len(product) or len(starts) != 1:
        raise _NoQuestionError("a product of it is no path")
    path = [after[starts.pop()]]
    while len(path) < len(product):
        if path[-1][1] not in after:
            raise _NoQuestionError("a product of it is no path")
        path.append(after[path[-1][1]])
    return tuple(path)


def _paths(edges: Sequence[Edge], cause: Name, effect: Name) -> list[Product]:
    """The directed paths."""
    after: dict[Name, list[Edge]] = {}
    for edge in edges:
        after.setdefault(edge[0], []).append(edge)
    found: list[Product] = []
    waiting: list[tuple[Name, Product]] = [(cause, ())]
    steps = 0
    while waiting:
        node, path = waiting.pop()
        steps += 1
        if len(found) > MOST_PATHS or steps > 50 * MOST_PATHS:
            raise _NoQuestionError("there are too many paths to compare")
        for edge in after.get(node, ()):
            if any(edge[1] == earlier[0] for earlier in path) or edge[1] == cause:
                continue
            if edge[1] == effect:
                found.append((*path, edge))
            else:
                waiting.append((edge[1], (*path, edge)))
    return found
