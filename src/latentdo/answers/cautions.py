"""What is to be said beside a number: convergence, tails, simulation, evidence, and values outside the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from latentdo.graphs import Name, format_level, format_number, quote
from latentdo.inference import KHAT_LIMIT, BlockDraws, Posterior
from latentdo.query import Binary, Distribution, Query, Setting, Term, law_of, operations_of

from .answer import Answer
from .empty_cells import leaning
from .laws import law_range
from .plan import unbounded_path
from .values import SIMULATION_SHARE, WIDENED_SHARE, Computed, is_rare

HEAVY_DF = 5.0
HEAVY_LOG = 1.0
"""A student law with fewer degrees of freedom, and a lognormal law with a larger sd of the logarithm, have heavy tails."""
RARE = 1e-3
"""Probability of evidence in the model below which there are next to no rows to have learned it from."""
INSISTED = (
    "not nonparametrically identified: this number rests on the prior and on the functional form, "
    "however narrow its interval"
)


def cautions_of(posterior: Posterior, answer: Answer, used: frozenset[Name], computed: Computed) -> list[str]:
    """Every caution, once.

    Args:
        used: The nodes whose parameters the answer depends on.
        computed: The number, and what was seen while it was computed.
    """
    found = [] if answer.identified else [INSISTED]
    found += _approximation(answer, posterior.approximated(used))
    # Of independent draws of an approximation more can be had at once.
    repair = "keep more draws" if answer.approximate and answer.rhat is None else "train longer"
    if not posterior.converged:
        found.append(f"the fit did not converge ({posterior.doubt}): {repair} before you rely on this")
    if not answer.converged:
        mixing = "" if answer.rhat is None else f"R-hat {answer.rhat:.3f}, "
        found.append(f"this question did not converge ({mixing}{answer.ess:.0f} effective draws): {repair}")
    if not answer.has_mean and not answer.is_level:
        found.append(
            f"the draws have heavy tails (Pareto k-hat {answer.tail_index:.2f}): the median is reported, the mean is "
            "unreliable"
        )
    if answer.simulation_error and answer.sd and answer.simulation_error > SIMULATION_SHARE * answer.sd:
        found.append(f"the simulation error is {100 * answer.simulation_error / answer.sd:.0f} % of the posterior sd")
    elif answer.sd == 0.0 and answer.simulation_error > 0.0:
        error = format_number(float(f"{answer.simulation_error:.2g}"))
        found.append(f"every draw is the same, and so the sd is 0; the error of the simulation is {error}")
    elif answer.sd and computed.widening > WIDENED_SHARE * answer.sd:
        found.append(
            f"simulation noise is {100 * computed.widening / answer.sd:.0f} % of the sd of the draws: the interval is too wide"
        )
    if answer.evidence_units is not None and is_rare(answer.evidence_units, answer.n_units):
        found.append(
            f"the evidence is rare: behind the number stand only {answer.evidence_units:.0f} effective units of "
            f"{answer.n_units:,} in the worst 5 % of draws"
        )
    found += [_crossing(ratio, share) for ratio, share in computed.crossing]
    rarest = computed.rarest
    if rarest is not None and rarest < RARE:
        n_rows = posterior.facts.n_rows
        found.append(
            f"the evidence is rare: its probability in the trained model is {rarest:.1g}, about {rarest * n_rows:.1g} of "
            f"{n_rows} rows; what is said of such units rests on the form of the model"
        )
    if not answer.is_exact:
        found += [warning for term in answer.query.terms for warning in _tails(posterior, term)]
    found += [warning for term in answer.query.terms for warning in _support(posterior, term)]
    found += leaning(posterior, tuple(answer.query.terms), used)
    found += [warning for term in answer.query.terms for warning in _moved_evidence(posterior, term)]
    found += _odd_risks(posterior, answer.query)
    # A term alone has the unit of what it asks about.
    if not answer.query.is_single and answer.scale.caution:
        found.append(answer.scale.caution)
    found += posterior.cautions(used)
    return list(dict.fromkeys(found))


def _crossing(ratio: Binary, share: float) -> str:
    """What is to be said of a ratio whose denominator changes its sign."""
    if ratio.word == "NNT":
        difference = replace(ratio.right, word="RD") if isinstance(ratio.right, Binary) else ratio.right
        return (
            f"{difference} is on both sides of 0, in {_share(share)} of the draws on the rarer one: an interval that holds a "
            "difference of 0 goes through infinity, from so many for one more to so many for one fewer. Report the difference too"
        )
    return (
        f"the denominator {ratio.right} is on both sides of 0, in {_share(share)} of the draws on the rarer one: near 0 the "
        "ratio takes any value, and its interval spans values that it cannot take. Report the denominator itself"
    )


def _odd_risks(posterior: Posterior, query: Query) -> list[str]:
    """Cautions about risks of one value among many, as RD[Y | …] has of a count Y."""
    risks = [part.risks[0] for part in operations_of(query.expression) if part.risks is not None]
    items = dict.fromkeys(item for term in risks for item in term.outcomes if item.op == "=")
    many = [
        item for item in items if not isinstance(item.value, str) and len(posterior.spec[item.name].family.points) != 2
    ]
    return [
        f"the risk is that of {item} alone, one value of many. Of all above 0 it is {quote(item.name)} > 0"
        for item in many
    ]


def _approximation(answer: Answer, guessed: Sequence[BlockDraws]) -> list[str]:
    """What is to be said of draws that are not draws of the posterior, and of an answer of one draw."""
    found = []
    if answer.approximate and not answer.is_point:
        worst = max((block.khat for block in guessed if block.khat is not None), default=0.0)
        far = f", and far from it (Pareto k-hat {worst:.2f})" if worst > KHAT_LIMIT else ""
        found.append(f"approximate: {answer.approximate}, not draws of the posterior{far}. Compare with ld.Auto()")
    if answer.is_point:
        what = f"approximate: {answer.approximate}, " if answer.approximate else "the fit is "
        found.append(f"{what}one draw: nothing says how uncertain it is. Train by ld.Auto() for an sd and an interval")
    return found


def _tails(posterior: Posterior, term: Term) -> list[str]:
    """A caution where a moment is simulated under a law whose far tail carries much of it, and units seldom reach it."""
    if term.kind not in ("mean", "variance", "sd"):
        return []
    found = []
    for setting in term.do:
        if not isinstance(setting.value, Distribution):
            continue
        law = law_of(setting.value)
        heavy = (law.family == "student" and law.args[0] < HEAVY_DF) or (
            law.family == "lognormal" and law.args[1] > HEAVY_LOG
        )
        carried = unbounded_path(posterior.spec, setting.name, term.outcomes[0].name)
        if heavy and carried and not math.isfinite(law.high - law.low):
            found.append(
                f"do({setting}) has heavy tails, which {_answered(term)} may hang on: simulated units seldom reach them, and the "
                "simulation error may be told too small. A quantile does not depend on them"
            )
    return found


def _answered(term: Term) -> str:
    """What is asked of the outcome, in a word."""
    return {"mean": "a mean", "variance": "a variance", "sd": "a standard deviation"}[term.kind]


def _support(posterior: Posterior, term: Term) -> list[str]:
    """Cautions about values outside the data: there the answer is an extrapolation along the fitted curves."""
    stated = [(s.name, s.value) for s in term.do] + [(g.name, g.value) for g in term.given if g.op == "="]
    points = [
        (node, value) for node, value in stated if isinstance(value, float | int) and node not in posterior.spec.levels
    ]
    found = [
        f"{node} = {format_level(value)} never occurs in the data: what it does is told by the prior and the form alone"
        for node, value in stated
        if isinstance(value, float | int | str) and _is_unseen(posterior, node, value)
    ]
    for node, value in points:
        column = posterior.facts.column(node)
        if not column.minimum <= value <= column.maximum:
            away = abs(value - column.mean) / column.sd
            found.append(
                f"{node} = {format_number(float(value))} lies outside the data ({column.minimum:.4g} to "
                f"{column.maximum:.4g}; {away:.3g} sd from the mean): an extrapolation along the fitted "
                f"curve{_straight(posterior, node)}"
            )
        odd = posterior.spec[node].family.caution(node, float(value))
        found += [odd] if odd else []
    return found + [caution for setting in term.do for caution in _reach(posterior, setting)]


def _moved_evidence(posterior: Posterior, term: Term) -> list[str]:
    """A caution where what is set changes what is seen: such units are others under each value that is set."""
    if not term.conditions or not term.treatments:
        return []
    cut = posterior.spec.graph.without_incoming(term.treatments)
    found = []
    for node in term.conditions:
        by = [quote(each) for each in term.treatments if node in cut.descendants([each])]
        seen = ", ".join(str(item) for item in term.given if item.name == node)
        found += [
            f"{quote(node)} is a consequence of {' and '.join(by)}, which the question sets: under another setting other units "
            f"have {seen}. A difference between such answers is not an effect in one group of units, and it leaves out what "
            f"works through {quote(node)}. For the whole effect ask without {quote(node)}"
        ] * bool(by)
    return found


def _is_unseen(posterior: Posterior, node: Name, value: float | str) -> bool:
    """Whether a level of a node is in none of the rows."""
    seen = posterior.facts.column(node).values
    known = node in posterior.spec.levels and bool(seen)
    return known and posterior.spec[node].family.check_value(node, value) not in seen


def _reach(posterior: Posterior, setting: Setting) -> list[str]:
    """A caution where a node is drawn from a law whose middle 95 % are not all inside the data."""
    if not isinstance(setting.value, Distribution) or posterior.spec[setting.name].family.points:
        return []
    column = posterior.facts.column(setting.name)
    low, high = law_range(setting.value, 0.025, 0.975)
    if column.minimum <= low and high <= column.maximum:
        return []
    return [
        f"do({setting}) reaches outside the data ({format_number(column.minimum)} to {format_number(column.maximum)}): "
        f"there it is an extrapolation along the fitted curve{_straight(posterior, setting.name)}"
    ]


def _straight(posterior: Posterior, node: Name) -> str:
    """How splines of a node go on."""
    return ", and splines go on straight" if any(shape.bends for shape in posterior.spec.shaped.get(node, ())) else ""


def _share(share: float) -> str:
    return f"{100 * share:.2g} %"
