"""The two explicit models that prove a "no": the same law of what is measured, another answer."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from latentdo.errors import UnsupportedError
from latentdo.graphs import Admg, LatentDag, Name, format_level, project, quote
from latentdo.query import Distribution, Outcome, Query, Setting, Term

from .districts import HedgeMasks, decide
from .parity import Level, ParityModel
from .reduction import Problem, exchange, problem_of
from .routes import routes_of
from .twins import Case, Twins
from .verdict import NotIdentified

MAX_BITS = 20
SAME = 1e-12
DIFFERENT = 1e-9


@dataclass(frozen=True)
class Witness:
    """Two models with positive and equal P(V) that answer a question differently.

    Attributes:
        query: What was asked.
        term: The term of it that the models disagree on.
        graph: The graph over the measured nodes.
        models: The two models; the axes of their laws are `names`.
        bystanders: The other measured nodes: in both models an independent fair coin each.
        case: The values at which the models are compared.
    """

    query: Query
    term: Term
    graph: Admg
    models: tuple[ParityModel, ParityModel]
    bystanders: tuple[Name, ...]
    case: Case

    @property
    def names(self) -> tuple[Name, ...]:
        """The nodes that matter, which are the axes of the laws of both models."""
        return self.models[0].names

    def agree(self) -> float:
        """The largest difference between the two models in a probability of P(V)."""
        first, second = (model.observational() for model in self.models)
        return float(abs(first - second).max())

    @cached_property
    def values(self) -> tuple[float, float]:
        """The answer in each of the two models, at the values of `case`."""
        return self.case.answer(self.models[0]), self.case.answer(self.models[1])

    @property
    def difference(self) -> float:
        """How far the answers of the two models are apart."""
        return abs(self.values[0] - self.values[1])

    def differ(self) -> bool:
        """Whether the two models give different answers to what was asked."""
        return self.difference > DIFFERENT

    def check(self) -> bool:
        """Whether all holds that makes this a proof: the graph, positive and equal P(V), different answers."""
        fits = all(model.fits(self.graph) for model in self.models)
        positive = all(float(model.observational().min()) > 0 for model in self.models)
        return fits and positive and self.agree() <= SAME and self.differ()

    @property
    def asked(self) -> str:
        """The term at the values at which the models are compared."""
        return asked_text(self.term, self.case)

    def __str__(self) -> str:
        first, second = self.values
        lines = [
            f"Two models agree on all that is measured and disagree on {self.asked}.",
            *described(self.models, self.bystanders),
            *_readings(self.term, self.case),
            f"P(V) is the same in both models (largest difference {self.agree():.2g}), and nowhere zero.",
            f"{self.asked} is {first:.4g} in model 1 and {second:.4g} in model 2.",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Witness: {self.asked} is {self.values[0]:.4g} or {self.values[1]:.4g}, with the same P(V)>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_json(self) -> dict[str, Any]:
        """The witness as plain numbers, strings and lists."""
        return {
            "query": str(self.query),
            "term": str(self.term),
            "asked": self.asked,
            "values": list(self.values),
            "coins": {str(coin): list(coin.ends) for coin in self.models[0].coins},
            "models": [{name: list(made) for name, made in model.equations().items()} for model in self.models],
            "bystanders": list(self.bystanders),
            "largest_difference": self.agree(),
            "checked": self.check(),
        }


def witness_of(graph: LatentDag | Admg, query: Query) -> Witness:
    """Two models that prove that a query is not identified; they are checked by enumeration.

    Both are sums of bits modulo 2 over coins that nobody measures. In the first, every node of the hedge adds up
    its causes; in the second, the smaller set does not listen to the rest. Below the hedge both pass the parity
    on to the answer. Small independent errors make P(V) positive.

    Raises:
        UnknownNodeError: The query names a node that the graph does not have.
        QueryError: The query makes no sense: a latent is set, or a node plays two parts.
        UnsupportedError: The query is identified, or the models are too large to be enumerated.

    Source:
        Shpitser & Pearl (2006a), Identification of joint interventional distributions, theorem 4; for evidence
        Shpitser & Pearl (2006b), Identification of conditional interventional distributions, theorem 6.
    """
    query.check(graph)
    admg = project(graph)
    for term in query.terms:
        problem = problem_of(admg.sorted_masks, term)
        found = decide(admg.sorted_masks, *exchange(problem))
        if isinstance(found, HedgeMasks):
            return _witness(query, term, admg, problem, found)
    raise UnsupportedError(f"{query} is identified on this graph: there are no two models that disagree on it.")


def witness_of_verdict(verdict: NotIdentified) -> Witness:
    """The witness of a verdict, on the graph that it was decided on.

    Raises:
        UnsupportedError: There is none: a functional node is set, several terms share a functional node, or the
            models are too large to be enumerated.
    """
    graph, query = verdict.decided_on, verdict.query
    if not verdict.functional or graph is None:
        return witness_of(verdict.graph, query)
    functions = ", ".join(map(quote, verdict.functional))
    if not verdict.proved:
        raise UnsupportedError(
            f"There are no two models to show: {query} sets or asks about nodes tied by a function ({functions}), and is "
            "only not shown identifiable. Ask about the cause of such a node instead."
        )
    if not query.is_single:
        raise UnsupportedError(
            f"{query} has several terms, and {functions} is a function. Ask the terms one by one: the verdict of each "
            "has its own witness."
        )
    # The term may have lost a treatment that reaches nothing, and evidence with it.
    return replace(witness_of(graph, Query(verdict.decided_term or query.term)), query=query)


def _witness(query: Query, term: Term, admg: Admg, problem: Problem, found: HedgeMasks) -> Witness:
    twins = Twins(term, problem, routes_of(problem, found))
    models = (twins.model(deaf=False), twins.model(deaf=True))
    bystanders = tuple(name for name in admg.nodes if name not in models[0].widths)
    if len(models[0].bits) > MAX_BITS:
        raise UnsupportedError(
            f"The two models for {term} have {len(models[0].bits)} bits. Their laws are enumerated, and so checked, up "
            f"to {MAX_BITS}; larger ones are only described:\n" + "\n".join(described(models, bystanders))
        )
    witness = Witness(query, term, admg, models, bystanders, twins.case(models))
    if not witness.check():
        raise UnsupportedError(
            f"The two models drawn up for {term} do not show the disagreement. The hedge proves it all the same; "
            "please report this graph and this query."
        )
    return witness


def described(models: tuple[ParityModel, ParityModel], bystanders: tuple[Name, ...]) -> list[str]:
    """What both models are made of, then what is peculiar to each."""
    first, second = (model.equations() for model in models)
    wide = [f"{quote(name)} has the bits {_bits(name, k)}." for name, k in models[0].widths.items() if k > 1]
    coins = [f"{coin} is behind {' and '.join(map(quote, coin.ends))}" for coin in models[0].coins]
    lines = ["Every bit is 0 or 1, sums are modulo 2, and c1, c2, … are fair coins that nobody measures:"]
    lines += [f"  {'; '.join(coins)}.", *wide, "In both models:"]
    lines += [f"  {line}" for name in first for line in first[name] if line in second[name]]
    for number, (own, other) in enumerate(((first, second), (second, first)), 1):
        lines.append(f"In model {number}:")
        lines += [f"  {line}" for name in own for line in own[name] if line not in other[name]]
    if bystanders:
        lines.append(f"In both, what else is measured is a fair coin of its own: {', '.join(map(quote, bystanders))}.")
    return lines


def _bits(name: Name, count: int) -> str:
    places = [f"{quote(name)}.{place + 1}" for place in range(count)]
    value = " + ".join(f"{1 << count - 1 - place}*{bit}" for place, bit in enumerate(places))
    return f"{', '.join(places[:-1])} and {places[-1]}: its level is {value.replace('1*', '')}"


def asked_text(term: Term, case: Case) -> str:
    """The term with a value for everything that it leaves open."""
    given = [_event(name, levels, term.given) for name, levels in case.given]
    outcomes = [quote(case.mean)] if case.mean else [_event(name, levels, term.outcomes) for name, levels in case.asked]
    settings = {setting.name: setting for setting in term.do}
    do = [_setting(settings[name], level) for name, level in case.do]
    behind = ", ".join(([f"do({', '.join(do)})"] if do else []) + given)
    inside = f"{', '.join(outcomes)}{' | ' if behind else ''}{behind}"
    return f"E[{inside}]" if case.mean else f"P({inside})"


def _setting(setting: Setting, level: Level | tuple[float, ...]) -> str:
    return f"{quote(setting.name)}={level}" if setting.value is None else str(setting)


def _event(name: Name, levels: tuple[Level, ...], outcomes: tuple[Outcome, ...]) -> str:
    compared = [str(outcome) for outcome in outcomes if outcome.name == name and outcome.op]
    return ", ".join(compared) or f"{quote(name)}={levels[0]}"


def _readings(term: Term, case: Case) -> list[str]:
    """What the values of the question mean in the models, where they are not levels themselves."""
    said: list[str] = []
    for name, levels in case.given + case.asked:
        compared = [item for item in (*term.given, *term.outcomes) if item.name == name and item.op]
        if compared and not (compared[0].op == "=" and levels == (compared[0].value,)):
            values = " or ".join(f"{quote(name)} = {level}" for level in levels)
            said.append(f"{', '.join(map(str, compared))} stands for {values}")
    for setting, (name, level) in zip(term.do, case.do, strict=True):
        if isinstance(setting.value, Distribution) and isinstance(level, tuple):
            shares = ", ".join(map(format_level, level))
            said.append(f"{setting} stands for the levels of {quote(name)} with the probabilities {shares}")
        elif setting.value is not None and setting.value != level:
            said.append(f"{setting} stands for {quote(name)} = {level}")
    return [f"Here {'; '.join(said)}."] if said else []
