"""Of the questions: what was asked, whether it is identified, and by which formula."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from latentdo.graphs import quote
from latentdo.identification import Estimand, Identified
from latentdo.query import Term
from latentdo.sheet import counted, listed

from ..estimate import Estimate

LONG = 600
"""Characters beyond which a formula is named and not printed."""


LISTED = 8
"""Questions that are listed one by one, with their formulas."""


REPEATED = 50
"""Characters of a formula beyond which it is printed once, whatever the values of the questions that have it."""


def questions(answers: Sequence[Estimate], cited: dict[str, None]) -> Iterator[str]:
    """What was asked, and the verdict of each question with its formula."""
    asked = list({str(answer.verdict.query): answer for answer in answers}.values())
    alone = len(asked) == 1
    shown = [
        f"{'' if alone else f'({k}) '}{answer.verdict.query} ({answer.scale})"
        for k, answer in enumerate(asked[:LISTED], start=1)
    ]
    n_more = len(asked) - LISTED
    more = (
        f"; and {counted(n_more, 'more question')}, listed with their numbers in the supplement (CSV)"
        if n_more > 0
        else ""
    )
    yield f"We asked for {'; '.join(shown)}{more}."
    terms = [term for answer in asked for term in answer.query.terms]
    if any(term.do for term in terms):
        yield (
            "do( ) sets a variable and cuts it from its causes; the answer speaks of a new unit of the population under that "
            "intervention. It is no counterfactual statement about units that were observed."
        )
    if any(term.given for term in terms):
        yield "Conditions are evidence, in the world after the intervention where there is one."
    yield from _algorithms(terms, cited)
    told: dict[str, str] = {}
    for k, answer in enumerate(asked[:LISTED], start=1):
        yield f"{'It' if alone else f'({k})'} {_verdict(answer, told, f'({k})')}"
    if n_more > 0:
        rest = asked[LISTED:]
        yield f"Of the others {sum(answer.identified for answer in rest):,} of {len(rest):,} are identified."
    if any(answer.identified for answer in asked):
        cited["taheri"] = None
        yield (
            "The answer to an identified question is determined by the distribution of the measured variables alone, whatever "
            "the unmeasured causes; the numbers also assume that some parameter values of the model reproduce that distribution "
            "(Taheri et al.)."
        )


def _algorithms(terms: Sequence[Term], cited: dict[str, None]) -> Iterator[str]:
    """By which algorithms the verdicts were reached."""
    cited.update({"shpitser": None, "huang": None})
    yield (
        "Whether a question is identified was decided by the complete identification algorithm (Shpitser & Pearl 2006; Huang & "
        "Valtorta 2006), given this graph, for a distribution of the measured variables that is positive (but for exact "
        "functions) and without any assumption on families."
    )
    joint = [term for term in terms if term.given and (term.has_event_evidence or term.is_stochastic)]
    if any(term.given and term not in joint for term in terms):
        cited["conditional"] = None
        yield "Evidence that is a value was dealt with as in Shpitser & Pearl (2006, UAI)."
    events = any(term.given and term.has_event_evidence for term in terms)
    drawn = any(term.given and term.is_stochastic for term in terms)
    if events or drawn:
        kinds = ["that is an event"] * events + ["beside an intervention that draws from a law"] * drawn
        yield (
            f"Evidence {' or '.join(kinds)} was judged by the joint law of outcome and evidence under the intervention."
        )


def _verdict(answer: Estimate, told: dict[str, str], name: str) -> str:
    """The verdict as the end of a sentence, and what is to be said of it.

    Args:
        told: Formulas that were printed, each with the question that has it: one is not printed again for other values.
        name: What the text calls this question.
    """
    verdict = answer.verdict
    if isinstance(verdict, Identified) and not any(term.do for term in verdict.query.terms):
        return "sets nothing, and is a property of the distribution of the measured variables."
    if isinstance(verdict, Identified):
        notes = "".join(f" {note}" for note in verdict.notes)
        return f"is identified{answer.with_rows} given this graph{_formula(verdict, told, name)}.{notes}"
    shown = "is not identified given this graph" if verdict.proved else "is not shown to be identified"
    return f"{shown}: {verdict.reason.rstrip('.')}. The number rests on the prior and on the functional form."


def _formula(verdict: Identified, told: dict[str, str], name: str) -> str:
    """The formula behind a colon, or where it was printed."""
    formula, terms = verdict.estimand.text, verdict.estimand.terms
    open_formulas = dict.fromkeys(_without_values(term) for term in terms)
    if all(each in told for each in open_formulas):
        places = dict.fromkeys(told[each] for each in open_formulas)
        whose = "with its values" if len(terms) == 1 else "with the values of each of its terms"
        return f", by the formula of {listed(places)} {whose}"
    told.update({each: name for each in open_formulas if len(each) > REPEATED and each not in told})
    if len(terms) > 1 and len(open_formulas) == 1 and len(formula) > REPEATED:
        return f", with the values of each of its terms: {_printed(next(iter(open_formulas)))}"
    return f": {_printed(formula)}"


def _printed(formula: str) -> str:
    return formula if len(formula) <= LONG else f"a formula of {len(formula):,} characters, not printed here"


def _without_values(estimand: Estimand) -> str:
    """The formula of a term, the same whatever value its treatments and evidence have."""
    (term,) = estimand.query.terms
    formula = estimand.text
    for item in (*term.do, *term.given):
        if item.value is not None:
            formula = re.sub(
                rf"(?<![\w`]){re.escape(str(item))}(?![\w.])", lambda _, item=item: quote(item.name), formula
            )
    return formula
