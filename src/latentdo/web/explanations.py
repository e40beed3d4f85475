"""Why a verdict is what it is, and what else a graph says: proofs, witnesses, the matrix of all pairs, implications, forms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from latentdo.errors import UnsupportedError
from latentdo.graphs import Name
from latentdo.identification import (
    LONG_PROOF,
    CutGraph,
    Derivation,
    Identified,
    Separation,
    Step,
    Witness,
    testable_implications,
)
from latentdo.identification import answerable as every_pair

from .marks import Marks
from .reading import reading_of
from .request import Request
from .verdicts import asked, experiments_of

Sets: TypeAlias = Mapping[str, frozenset[Name]]
MOST_BITS = 12
"""The models of a witness are enumerated in exact numbers up to this size; larger ones are described."""
MOST_ROWS = 64
"""Rows of the law of a witness that are sent."""


def proof(request: Request) -> dict[str, Any]:
    """The derivation of the formula, step by step, with the check of it.

    Raises:
        NotIdentifiedError: There is no formula.
        UnsupportedError: The proof is too long for a page.
    """
    reading = reading_of(request.text("text"))
    found = asked(reading, request.text("query"), experiments_of(request))
    if not isinstance(found, Identified):
        found.unwrap()
    if found.estimand.proof_size > LONG_PROOF:
        raise UnsupportedError(
            f"The proof takes {found.estimand.proof_size} laws apart, too many for a page. The command writes it to a file: "
            "latentdo identify GRAPH QUERY --proof -o proof.html"
        )
    derivation, marks = found.derivation, Marks(reading.graph.nodes)
    return {
        "query": str(found.query),
        "nodes": list(marks.nodes),
        "theorems": [_theorem(derivation, number, marks) for number in range(len(derivation.theorems))],
        "check": derivation.check(),
        "explain": derivation.explain(),
        "text": str(derivation),
        "latex": derivation.latex,
    }


def _theorem(derivation: Derivation, number: int, marks: Marks) -> dict[str, Any]:
    theorem = derivation.theorems[number]
    before = sum(step.theorem < number for step in derivation.steps)
    steps = derivation.of_theorem(number)
    return {
        "law": marks.formula(theorem.law, theorem.sets),
        "formula": marks.formula(theorem.formula, theorem.sets, explained=True),
        "graph": _cut(CutGraph(theorem.graph), theorem.sets),
        "terms": list(map(str, theorem.terms)),
        "note": theorem.note,
        "steps": [_step(step, before + place, marks, theorem.sets) for place, step in enumerate(steps, 1)],
    }


def _step(step: Step, number: int, marks: Marks, sets: Sets) -> dict[str, Any]:
    formulas = {key: marks.formula(getattr(step, key), sets) for key in ("before", "after", "part", "becomes")}
    separation = None if step.separation is None else _separation(step.separation, sets)
    words = {"number": number, "rule": step.rule, "words": step.why(sets)}
    return {**words, **formulas, "separation": separation, "graph": _cut(step.graph, sets)}


def _separation(separation: Separation, sets: Sets) -> dict[str, Any]:
    sides = {key: list(getattr(separation, key)) for key in ("first", "second", "given")}
    return {**sides, "text": separation.line(sets), "latex": separation.latex_line(sets)}


def _cut(graph: CutGraph, sets: Sets) -> dict[str, Any]:
    whole, into, out_of = graph.whole, set(graph.into), set(graph.out_of)
    edges = [(a, b, "->", b in into or a in out_of) for a, b in sorted(whole.directed)]
    edges += [(a, b, "<->", bool(into & {a, b})) for a, b in sorted(whole.bidirected)]
    return {
        "text": graph.text,
        "label": graph.words(sets),
        "into": list(graph.into),
        "out_of": list(graph.out_of),
        "nodes": list(whole.nodes),
        "edges": [{"tail": a, "head": b, "kind": kind, "cut": cut} for a, b, kind, cut in edges],
    }


def witness(request: Request) -> dict[str, Any]:
    """The two models that agree on the data and differ in the answer, in exact numbers.

    Raises:
        UnsupportedError: The question is identified, or the models are too large.
    """
    reading = reading_of(request.text("text"))
    found = asked(reading, request.text("query"), experiments_of(request)).witness(max_bits=MOST_BITS)
    told = found.to_json()
    return {
        **{key: told[key] for key in ("query", "term", "asked", "whole", "bystanders", "checked")},
        "values": list(map(_number, found.exact_values)),
        "models": [{"mechanisms": made} for made in told["models"]],
        "coins": {
            str(coin): {"ends": list(coin.ends), "probability": str(Fraction(coin.probability))}
            for coin in found.models[0].coins
        },
        "observed": _law(found),
        "text": str(found),
    }


def _number(value: Fraction | float) -> str:
    """A fraction as it is, and what is none, such as a square root, to six digits."""
    return str(value) if isinstance(value, Fraction | int) else f"{value:.6g}"


def _law(found: Witness) -> dict[str, Any]:
    """P(V), which both models share, row by row."""
    model = found.models[0]
    law = model.exact_law()
    places = itertools.product(*(range(1 << model.widths[name]) for name in model.names))
    rows = [{"values": list(at), "probability": str(law[at])} for at in itertools.islice(places, MOST_ROWS)]
    cells = 1 << len(model.bits)
    return {"names": list(model.names), "rows": rows, "cut": cells - len(rows)}


def answerable(request: Request) -> dict[str, Any]:
    """The verdict on every pair of measured nodes, with a sign for each form."""
    reading = reading_of(request.text("text"))
    given, known = request.texts("given"), experiments_of(request)
    table = every_pair(reading.graph, given=given, functional=reading.functional, experiments=known)
    told = table.to_json()
    signs: dict[str, str] = {form: sign for form, sign in table.signs.items() if form in table.counts}
    told["pairs"] = [{**pair, "sign": signs[pair["form"]]} for pair in told["pairs"]]
    legend = {table.signs[form]: f"{form} ({count})" for form, count in table.counts.items()}
    return {**told, "legend": legend, "headline": table.headline, "text": str(table)}


def implications(request: Request) -> dict[str, Any]:
    """What data could contradict."""
    reading = reading_of(request.text("text"))
    found, marks = testable_implications(reading.graph), Marks(reading.graph.nodes)
    told: dict[str, Any] = found.to_json()
    for key in ("independences", "basis"):
        pairs = zip(told[key], getattr(found, key), strict=True)
        told[key] = [{**row, "text": str(each), "latex": each.latex} for row, each in pairs]
    told["verma"] = [
        {**row, "text": str(each), "marked": each.marked_latex(marks.mark)}
        for row, each in zip(told["verma"], found.verma, strict=True)
    ]
    told["inequalities"] = [
        {**row, "text": str(each), "latex": each.latex}
        for row, each in zip(told["inequalities"], found.inequalities, strict=True)
    ]
    return {**told, "nodes": list(marks.nodes), "text": str(found)}


def measurements(request: Request) -> dict[str, Any]:
    """Which measured nodes the answer could do without.

    Raises:
        NotIdentifiedError: The question is not identified.
    """
    reading = reading_of(request.text("text"))
    costs = request.mapping("costs") or None
    found = asked(reading, request.text("query"), experiments_of(request)).measurements(costs=costs)
    return {**found.to_json(), "text": str(found)}


def forms(request: Request) -> dict[str, Any]:
    """The textbook criteria that apply to a question."""
    reading = reading_of(request.text("text"))
    found = asked(reading, request.text("query"), ()).forms
    return {**found.to_json(), "text": str(found)}
