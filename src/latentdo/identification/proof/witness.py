"""The two explicit models that prove a "no": the same law of what is measured, another answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latentdo.errors import UnsupportedError
from latentdo.graphs import Admg, LatentDag, Name, format_level, project, quote
from latentdo.query import Distribution, Query, Term
from latentdo.sheet import web

from ..criteria.districts import HedgeMasks, decide
from ..engine.experiments import Experiments
from ..engine.reduction import Problem, exchange, problem_of
from ..engine.tables import EXACT, Real
from .contrasts import whole_pair
from .parity import Coin, ParityModel
from .readings import evaluated, filled
from .routes import routes_of
from .twins import Case, Twins

MAX_BITS = 20
EXACT_BITS = 10
"""Up to so many bits the laws are compared exactly whatever is installed."""
SAME = 1e-12
DIFFERENT = 1e-9
MAX_FAULTS = 4

_Fault = tuple[Term, Problem, HedgeMasks]


@dataclass(frozen=True)
class Witness:
    """Two models with positive and equal P(V) that answer a question differently.

    Attributes:
        query: What was asked.
        term: The term of it that the models disagree on.
        graph: The graph over the measured nodes.
        models: The two models; the axes of their laws are `names`.
        bystanders: The other measured nodes: in both models an independent fair coin each.
        case: The values at which the models are compared in that term.
        cases: For each term of the query such values, where the models differ in the whole of it; none where the
            query is one term, or where no models were found that differ in more than a term.
        experiments: What is set in each experiment on whose law the models agree too.
    """

    query: Query
    term: Term
    graph: Admg
    models: tuple[ParityModel, ParityModel]
    bystanders: tuple[Name, ...]
    case: Case
    cases: tuple[Case, ...] = ()
    experiments: Experiments = ()

    @property
    def names(self) -> tuple[Name, ...]:
        """The nodes that matter, which are the axes of the laws of both models."""
        return self.models[0].names

    def agree(self) -> float:
        """The largest difference between the two models in a probability of P(V), or of an experiment at any of its values."""
        return max(self._apart(do) for names in ((), *self.experiments) for do in self._settings(names))

    def _apart(self, do: dict[Name, int]) -> float:
        made_of = EXACT if len(self.models[0].bits) <= EXACT_BITS else None
        first, second = (model.law(do, made_of) for model in self.models)
        one, two = first.sum(), second.sum()
        return float(abs(first * two - second * one).max() / (one * two))

    def _settings(self, names: tuple[Name, ...]) -> Iterator[dict[Name, int]]:
        """Every way to set these nodes; what no model mentions makes no difference."""
        widths = self.models[0].widths
        inside = [name for name in names if name in widths]
        for levels in itertools.product(*(range(1 << widths[name]) for name in inside)):
            yield dict(zip(inside, levels, strict=True))

    @cached_property
    def values(self) -> tuple[float, float]:
        """The answer in each of the two models: of the whole query where they differ in it, or else of `term`."""
        if not self.cases:
            return self.term_values
        first, second = self._values(Case.answer)
        return float(first), float(second)

    @cached_property
    def exact_values(self) -> tuple[Real, Real]:
        """`values` as fractions; what has a standard deviation in it as the nearest numbers."""
        if not self.cases:
            return self.case.exact_answer(self.models[0]), self.case.exact_answer(self.models[1])
        return self._values(Case.exact_answer)

    def _values(self, answer: Callable[[Case, ParityModel], Real]) -> tuple[Real, Real]:
        first, second = (
            {term: answer(case, model) for term, case in self._cases_by_term.items()} for model in self.models
        )
        return evaluated(self.query.expression, first), evaluated(self.query.expression, second)

    @cached_property
    def term_values(self) -> tuple[float, float]:
        """The value of `term` in each of the two models, at the values of `case`."""
        return self.case.answer(self.models[0]), self.case.answer(self.models[1])

    @property
    def _cases_by_term(self) -> dict[Term, Case]:
        return dict(zip(self.query.terms, self.cases, strict=True)) if self.cases else {self.term: self.case}

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
        positive = all(float(model.law({}).min()) > 0 for model in self.models)
        return fits and positive and self.agree() <= SAME and self.differ()

    @property
    def asked(self) -> str:
        """The query at the values at which the models are compared; the term, where they differ in that only."""
        return str(filled(self.query.expression if self.cases else self.term, self._cases_by_term))

    def __str__(self) -> str:
        asked = self.asked
        meanings = dict.fromkeys(text for term, case in self._cases_by_term.items() for text in _meanings(term, case))
        shown = ", ".join(f"P(V | do({', '.join(map(quote, names))}))" for names in self.experiments)
        lines = [
            f"Two models agree on all that is measured{', with and without the experiments,' if shown else ''} and disagree on "
            f"{asked}.",
            *described(self.models, self.bystanders),
            *([f"Here {'; '.join(meanings)}."] if meanings else []),
            f"P(V) is the same in both models (largest difference {self.agree():.2g}), and nowhere zero."
            if not shown
            else f"P(V), nowhere zero, and {shown} are the same in both models (largest difference {self.agree():.2g}).",
            f"{asked} is {_in_both(self.values)}.",
        ]
        if self.cases:
            asked = filled(self.term, {self.term: self.case})
            lines.append(f"Of its terms, {asked} is {_in_both(self.term_values)}.")
        elif not self.query.is_single and self.term in self.query.terms:
            lines.append(
                f"{self.query} is decided term by term: the two models differ in that term only, and none were found "
                "that differ in the whole."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Witness: {self.asked} is {self.values[0]:.4g} or {self.values[1]:.4g}, with the same P(V)>"

    def _repr_html_(self) -> str:
        return web.styled(f"<pre>{web.escape(str(self))}</pre>")

    def to_json(self) -> dict[str, Any]:
        """The witness as plain numbers, strings and lists."""
        return {
            "query": str(self.query),
            "term": str(self.term),
            "asked": self.asked,
            "values": list(self.values),
            "whole": self.query.is_single or bool(self.cases),
            "term_values": list(self.term_values),
            "coins": {str(coin): list(coin.ends) for coin in self.models[0].coins},
            "probabilities": {str(coin): coin.probability for coin in self.models[0].coins},
            "models": [{name: list(made) for name, made in model.equations().items()} for model in self.models],
            "bystanders": list(self.bystanders),
            "largest_difference": self.agree(),
            "checked": self.check(),
            **({"experiments": list(map(list, self.experiments))} if self.experiments else {}),
        }


def witness_of(
    graph: LatentDag | Admg, query: Query, experiments: Experiments = (), *, max_bits: int = MAX_BITS
) -> Witness:
    """Two models that prove that a query is not identified; they are checked by enumeration.

    Both are sums of bits modulo 2 over coins that nobody measures. In the first, every node of the hedge adds up
    its causes; in the second, the smaller set does not listen to the rest. Below the hedge both pass the parity
    on to the answer. Small independent errors make P(V) positive.

    Args:
        experiments: What is set in each experiment on whose law they have to agree too.
        max_bits: How large the models may be whose laws are enumerated.

    Raises:
        UnknownNodeError: The query names a node that the graph does not have.
        QueryError: The query makes no sense: a latent is set, or a node plays two parts.
        UnsupportedError: The query is identified, or the models are too large to be enumerated; or only a thicket, with a
            hedge of its own for some experiment, proves the "no".

    Source:
        Shpitser & Pearl (2006a), Identification of joint interventional distributions, theorem 4; for evidence
        Shpitser & Pearl (2006b), Identification of conditional interventional distributions, theorem 6.
    """
    query.check(graph)
    admg = project(graph)
    faults = _faults(query, admg, experiments)
    if not query.is_single:
        for fault in faults[:MAX_FAULTS]:
            if whole := _whole(query, admg, fault, experiments, max_bits):
                return whole
    term, problem, decided = faults[0]
    try:
        return _witness(query, admg, (term, problem, decided), experiments, max_bits)
    except UnsupportedError:
        # The two laws differ even where this number of them does not.
        if term.law == term or not query.is_single:
            raise
        return _witness(query, admg, (term.law, problem, decided), experiments, max_bits)


def _faults(query: Query, admg: Admg, experiments: Experiments) -> list[_Fault]:
    """The terms with a hedge that all experiments leave alone."""
    masks = admg.sorted_masks
    regimes = tuple(map(masks.mask, experiments))
    faults: list[_Fault] = []
    for term in query.terms:
        problem = problem_of(masks, term, regimes)
        decided = decide(masks, *exchange(problem), regimes)
        faults += [(term, problem, decided)] if isinstance(decided, HedgeMasks) else []
    if not faults:
        raise UnsupportedError(f"{query} is identified on this graph: there are no two models that disagree on it.")
    spared = [fault for fault in faults if fault[2].is_spared]
    if not spared:
        raise UnsupportedError(
            f"For {query} no two models are drawn up: each experiment breaks some hedge and leaves another, so that only all "
            "of them together, the thicket, prove the verdict. It is in `thicket`."
        )
    return spared


def _whole(query: Query, admg: Admg, fault: _Fault, experiments: Experiments, max_bits: int) -> Witness | None:
    """A checked witness whose models differ in the whole query, where one is found."""
    contrast = whole_pair(query, *fault, most_bits=max_bits)
    if contrast is None:
        return None
    models, cases = contrast
    witnesses = [
        Witness(query, term, admg, models, _bystanders(admg, models), case, cases, experiments)
        for term, case in zip(query.terms, cases, strict=True)
    ]
    first = next(one for one in witnesses if one.term == fault[0])
    apart = (one for one in witnesses if abs(one.term_values[0] - one.term_values[1]) > DIFFERENT)
    # With coins that lean, another term may be the one that differs.
    witness = first if abs(first.term_values[0] - first.term_values[1]) > DIFFERENT else next(apart, first)
    return witness if witness.check() else None


def _bystanders(admg: Admg, models: tuple[ParityModel, ParityModel]) -> tuple[Name, ...]:
    return tuple(name for name in admg.nodes if name not in models[0].widths)


def _witness(query: Query, admg: Admg, fault: _Fault, experiments: Experiments, max_bits: int) -> Witness:
    term, problem, hedge = fault
    twins = Twins(term, problem, routes_of(problem, hedge))
    models = (twins.model(deaf=False), twins.model(deaf=True))
    bystanders = _bystanders(admg, models)
    if len(models[0].bits) > max_bits:
        raise UnsupportedError(
            f"The two models for {term} have {len(models[0].bits)} bits. Their laws are enumerated, and so checked, up "
            f"to {max_bits}; larger ones are only described:\n" + "\n".join(described(models, bystanders))
        )
    witness = Witness(query, term, admg, models, bystanders, twins.case(models), (), experiments)
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
    fair = all(coin.probability == 0.5 for coin in models[0].coins)
    kind = "fair coins that nobody measures" if fair else "coins that nobody measures, fair where nothing else is said"
    coins = [f"{coin} is behind {' and '.join(map(quote, coin.ends))}{_share(coin)}" for coin in models[0].coins]
    lines = [f"Every bit is 0 or 1, sums are modulo 2, and c1, c2, … are {kind}:"]
    lines += [f"  {'; '.join(coins)}.", *wide, "In both models:"]
    lines += [f"  {line}" for name in first for line in first[name] if line in second[name]]
    for number, (here, other) in enumerate(((first, second), (second, first)), 1):
        lines.append(f"In model {number}:")
        lines += [f"  {line}" for name in here for line in here[name] if line not in other[name]]
    if bystanders:
        lines.append(f"In both, what else is measured is a fair coin of its own: {', '.join(map(quote, bystanders))}.")
    return lines


def _share(coin: Coin) -> str:
    return "" if coin.probability == 0.5 else f", and 1 in 1 of {round(1 / coin.probability)} units"


def _in_both(values: tuple[float, float]) -> str:
    return f"{values[0]:.4g} in model 1 and {values[1]:.4g} in model 2"


def _bits(name: Name, count: int) -> str:
    places = [f"{quote(name)}.{place + 1}" for place in range(count)]
    value = " + ".join(f"{1 << count - 1 - place}*{bit}" for place, bit in enumerate(places))
    return f"{', '.join(places[:-1])} and {places[-1]}: its level is {value.replace('1*', '')}"


def _meanings(term: Term, case: Case) -> list[str]:
    """What the values of the question mean in the models, where they are not levels themselves."""
    meanings: list[str] = []
    for name, levels in case.given + case.asked:
        compared = [item for item in (*term.given, *term.outcomes) if item.name == name and item.op]
        if compared and not (compared[0].op == "=" and levels == (compared[0].value,)):
            values = " or ".join(f"{quote(name)} = {level}" for level in levels)
            meanings.append(f"{', '.join(map(str, compared))} stands for {values}")
    for setting, (name, level) in zip(term.do, case.do, strict=True):
        if isinstance(setting.value, Distribution) and isinstance(level, tuple):
            shares = ", ".join(map(format_level, level))
            meanings.append(f"{setting} stands for the levels of {quote(name)} with the probabilities {shares}")
        elif setting.value is not None and setting.value != level:
            meanings.append(f"{setting} stands for {quote(name)} = {level}")
    return meanings
