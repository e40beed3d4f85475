"""Of the answers: how their numbers were computed, what is reported, and what they must not be taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from latentdo.sheet import counted, listed

from ..estimate import Estimate
from ..sheets import remarks

TOLD = 20
"""Cautions that are given one by one."""


def computation(answers: Sequence[Estimate], level: float, cited: dict[str, None]) -> Iterator[str]:
    """How the numbers were computed, and what is reported of them."""
    n = len(answers[0].draws)
    each = "For the one draw" if n == 1 else f"For each of the {n:,} draws"
    how = dict.fromkeys(answer.computation for answer in answers if answer.computation is not None)
    exact = [computation.by for computation in how if computation.kind == "exact"]
    simulated = [computation.by for computation in how if computation.kind == "simulated"]
    terms = [term for answer in answers for term in answer.query.terms]
    posterior = answers[0].posterior
    hidden = posterior is not None and bool(posterior.spec.latent)
    if any(term.do for term in terms):
        law = " or drawn from the law that is stated" if any(term.is_stochastic for term in terms) else ""
        unset = "" if all(term.do for term in terms) else " (in the model as it is, where nothing is set)"
        yield (
            f"{each} the variables in do( ) were cut from their causes and set{law}, and the answer was taken in the model so "
            f"changed{unset}."
        )
    else:
        yield f"{each} the answer was taken in the model as it is."
    if exact:
        closed = ", the unmeasured causes integrated out exactly" if hidden else ""
        yield f"{_how_many(answers, 'exact', 'computed without simulation')} ({'; '.join(exact)}){closed}."
    if simulated:
        cited["qmc"] = None
        noise = "units, with their unmeasured causes and noise from" if hidden else "units, with their noise from"
        yield (
            f"{_how_many(answers, 'simulated', 'computed from simulated')} {noise} scrambled Sobol' points (Matoušek 1998) that "
            f"the terms of a question share ({'; '.join(simulated)}{_seeds(answers)})."
        )
        yield from _error(answers)
    units = [answer.evidence_units for answer in answers if answer.evidence_units is not None]
    if units:
        yield (
            "Evidence weighs the simulated units; in 95 % of draws at least "
            f"{min(units):,.0f} effective units stand behind a number."
        )
    if any(not answer.query.is_single for answer in answers):
        yield "Differences, ratios and other arithmetic were formed within each draw."
    yield from _reported(answers, level, cited)
    seen = [answer for answer in answers if answer.naive is not None]
    if seen:
        which = _beside(len(seen), len(answers))
        yield f"Beside {which} stands the association in the same fit: the same question, with the values seen and not set."
    if any(answer.prior is not None for answer in answers):
        yield "Beside what is not identified stands the same question asked of the priors alone."


def _beside(n: int, total: int) -> str:
    return ("the answer" if total == 1 else "each answer") if n == total else f"{n:,} of the {total:,} answers"


def _how_many(answers: Sequence[Estimate], kind: str, words: str) -> str:
    """`The answer was computed …`, `Of the 20 answers 5 were computed …`."""
    n = sum(answer.computation is not None and answer.computation.kind == kind for answer in answers)
    if n == len(answers):
        return f"The answer was {words}" if n == 1 else f"The answers were {words}"
    return f"Of the {len(answers):,} answers {n:,} {'was' if n == 1 else 'were'} {words}"


def _seeds(answers: Sequence[Estimate]) -> str:
    """The seed of the simulation, where all answers have the same."""
    seeds = {answer.seed for answer in answers if not answer.is_exact}
    return f"; seed {seeds.pop()}" if len(seeds) == 1 and None not in seeds else ""


def _error(answers: Sequence[Estimate]) -> Iterator[str]:
    shares = [
        answer.simulation_error / answer.sd
        for answer in answers
        if answer.sd and answer.computation is not None and not answer.is_exact
    ]
    if shares:
        worst = 100 * max(shares)
        most = f"at most {worst:.2g}" if worst >= 0.01 else "below 0.01"
        yield f"The standard error from simulation is {most} % of the posterior sd."


def _reported(answers: Sequence[Estimate], level: float, cited: dict[str, None]) -> Iterator[str]:
    spread = [answer for answer in answers if not answer.is_point]
    if not spread:
        return
    heavy = sum(not answer.has_mean and not answer.is_level for answer in spread)
    levels = sum(answer.is_level for answer in spread)
    reasons = [f"{counted(heavy, 'answer')} with heavy tails (Pareto k-hat above 0.7)"] if heavy else []
    reasons += [f"{counted(levels, 'answer')} whose draws are levels"] if levels else []
    what = "posterior medians" if heavy + levels == len(spread) else "posterior means"
    but = f", of {listed(reasons)} the median," if reasons and what == "posterior means" else ""
    yield f"We report {what}{but} with equal-tailed {100 * level:g} % intervals."
    rhats = [answer.rhat for answer in spread if answer.rhat is not None]
    ess = min(answer.ess for answer in spread)
    the = "The answer has" if len(spread) == 1 else "The answers have"
    if rhats:
        cited["rhat"] = None
        mixing = f"R-hat {'' if len(spread) == 1 else 'at most '}{max(rhats):.3f}, "
    else:
        mixing = ""
    share = max((answer.mcse / answer.sd for answer in spread if answer.sd), default=0.0)
    few = [answer for answer in spread if not answer.converged]
    verdict = (
        f"; {'it has' if len(spread) == 1 else f'{len(few):,} of {len(spread):,} have'} not converged" if few else ""
    )
    least = "" if len(spread) == 1 else "at least "
    yield (
        f"{the} {mixing}{least}{ess:,.0f} effective draws and a Monte Carlo standard error of "
        f"{'' if len(spread) == 1 else 'at most '}{100 * share:.2g} % of the posterior sd{verdict}."
    )


def cautions(answers: Sequence[Estimate]) -> Iterator[str]:
    """What is to be kept in mind beside the numbers."""
    # "This question" would be nobody's among several: whose a caution is stands in brackets behind the kind of remark.
    found = [
        f"{note.label.removeprefix('caution (').removesuffix(')')}: {note.words}"
        if note.label != "caution"
        else note.words
        for note in remarks(answers)
        if note.label.startswith("caution")
    ]
    if found:
        yield "Cautions: " + " ".join(f"({k}) {words.rstrip('.')}." for k, words in enumerate(found[:TOLD], start=1))
    if len(found) > TOLD:
        yield f"{len(found) - TOLD} more are printed with the answers."
