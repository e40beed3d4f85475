"""Paragraphs for a paper: graph, questions, formulas, model, priors, training, diagnostics, data and software.

Every clause is read off the fit and the answers themselves, so that none is true of some engines only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from latentdo.errors import QueryError
from latentdo.graphs import quote
from latentdo.identification import Estimand, Identified
from latentdo.inference import BlockDraws, Method, Posterior, node_row, versions
from latentdo.sheet import counted, listed

from .estimate import Estimate
from .priors_in_words import names_of, priors_in_words
from .sheets import checked, remarks

LONG = 600
"""Characters beyond which a formula or a model is named and not printed."""
LISTED = 8
"""Questions that are listed one by one, with their formulas."""
REPEATED = 50
"""Characters of a formula beyond which it is printed once, whatever the values of the questions that have it."""
TOLD = 20
"""Cautions that are given one by one."""
EDGES = 24
"""Edges that are listed one by one."""

REFERENCES = {
    "taheri": "Taheri, Ness, Zucker & Vitek, Do-calculus enables causal reasoning with latent variable models, arXiv:2102.06626",
    "pearl": "Pearl (2009), Causality, 2nd edition",
    "shpitser": "Shpitser & Pearl (2006), Identification of joint interventional distributions in recursive semi-Markovian "
    "causal models, AAAI",
    "conditional": "Shpitser & Pearl (2006), Identification of conditional interventional distributions, UAI",
    "huang": "Huang & Valtorta (2006), Pearl's calculus of intervention is complete, UAI",
    "functional": "Chen & Darwiche (2024), Identifying causal effects under functional dependencies, NeurIPS",
    "hmc": "Neal (2011), MCMC using Hamiltonian dynamics, in: Handbook of Markov chain Monte Carlo",
    "nuts": "Hoffman & Gelman (2014), The No-U-Turn sampler, JMLR 15",
    "numpyro": "Phan, Pradhan & Jankowiak (2019), Composable effects for flexible and accelerated probabilistic programming in "
    "NumPyro, arXiv:1912.11554",
    "psis": "Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25",
    "svi": "Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), Automatic differentiation variational inference, JMLR 18",
    "laplace": "Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities, JASA 81",
    "rhat": "Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved "
    "R-hat, Bayesian Analysis 16",
    # SciPy scrambles by a random linear matrix and a shift.
    "qmc": "Matoušek (1998), On the L2-discrepancy for anchored boxes, Journal of Complexity 14",
}
_SHORT = {
    "hmc": "Neal 2011",
    "nuts": "Hoffman & Gelman 2014",
    "numpyro": "Phan et al. 2019",
    "psis": "Vehtari et al. 2024",
    "svi": "Kucukelbir et al. 2017",
    "laplace": "Tierney & Kadane 1986",
}
_BY_METHOD = {
    "importance sampling": ("psis",),
    "ensemble HMC": ("hmc",),
    "NUTS": ("nuts", "numpyro"),
    "SVI": ("svi",),
    "Laplace": ("laplace",),
}


def methods_of(answers: Sequence[Estimate], level: float) -> str:
    """The paragraphs, with blank lines between; the last lists the references that they cite.

    Args:
        level: Of the intervals that are reported.

    Raises:
        QueryError: There is no answer, answers do not know their posterior, or come from different ones.
    """
    if not answers:
        raise QueryError("There is no answer, and so no methods. Ask a question first.")
    posterior = answers[0].posterior
    if posterior is None or any(answer.posterior is not posterior for answer in answers):
        raise QueryError(
            "Methods are written for answers from one fit, which they know when they come from ld.ask. Ask the questions of "
            "one fit together."
        )
    cited: dict[str, None] = {}
    paragraphs = [
        " ".join(_model(posterior, cited)),
        " ".join(_questions(answers, cited)),
        " ".join([*_data(posterior, cited), *priors_in_words(posterior)]),
        " ".join(_training(posterior, cited)),
        " ".join(_computation(answers, level, cited)),
        " ".join(checked(answers)),
        " ".join(_cautions(answers)),
        " ".join(_software(posterior)),
        "References: " + ". ".join(REFERENCES[key] for key in REFERENCES if key in cited) + ".",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


# --- graph and model


def _model(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    spec = posterior.spec
    cited["pearl"] = None
    latent = [node for node in spec.graph.nodes if node in spec.latent]
    hidden = (
        f" and {counted(len(latent), 'unmeasured one')} ({names_of(latent)})"
        if latent
        else ", all causes being measured"
    )
    yield (
        "We used a structural causal model (Pearl 2009) with "
        f"{counted(len(spec.measured), 'measured variable')} ({names_of(spec.measured)}){hidden}."
    )
    yield _edges(posterior)
    text = "; ".join(line for line in spec.source[0].splitlines() if line.strip())
    in_full = f": {text}" if len(text) <= 2 * LONG else ""
    yield f"Each variable is generated from its parents alone, given which it is independent of its non-descendants{in_full}."
    yield f"Families: {'; '.join(_families(posterior))}."
    fixed = [own.node for own in posterior.coordinates if own.node in spec.latent and node_row(posterior, own).note]
    plain = [node for node in fixed if spec[node].family.linear_gaussian and not spec[node].weights]
    if plain:
        standard = "The unmeasured variables are" if len(plain) == len(latent) else f"{listed(map(quote, plain))} are"
        yield f"{standard if len(plain) > 1 else standard.replace('variables are', 'variable is')} standard normal."


def _families(posterior: Posterior) -> Iterator[str]:
    """Each family with its equation, and the ceilings of those that have one."""
    equations: dict[str, str] = {}
    ceilings: dict[str, dict[float, None]] = {}
    for _, mechanism in posterior.spec.mechanisms:
        family = mechanism.family
        equations[family.title] = family.equation
        if (ceiling := getattr(family, "max", None)) is not None:
            ceilings.setdefault(family.title, {})[float(ceiling)] = None
    for name, equation in equations.items():
        found = list(ceilings.get(name, ()))
        yield f"{name}, {equation}" + (f", max = {found[0]:g}" if len(found) == 1 else "")


def _edges(posterior: Posterior) -> str:
    graph = posterior.spec.graph
    rank = {node: i for i, node in enumerate(graph.nodes)}
    directed = sorted(graph.directed, key=lambda edge: (rank[edge[0]], rank[edge[1]]))
    head = f"Its graph is acyclic and has {counted(len(directed), 'directed edge')}"
    if not directed or len(directed) > EDGES:
        return f"{head}."
    return f"{head}: {', '.join(f'{quote(a)} → {quote(b)}' for a, b in directed)}."


# --- questions and identification


def _questions(answers: Sequence[Estimate], cited: dict[str, None]) -> Iterator[str]:
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


# --- data and priors


def _data(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    facts = posterior.facts
    if facts.missing:
        cells = listed(f"{count:,} of {quote(name)}" for name, count in facts.missing)
        yield (
            f"The data have {counted(facts.n_rows, 'row')}. Missing cells ({cells}) were averaged over within the model, under "
            "the assumption that they are missing at random given what it holds (Rubin 1976)."
        )
    elif facts.dropped:
        yield (
            f"The data have {counted(facts.n_rows, 'row')} without missing cells; {counted(facts.dropped, 'row')} with missing "
            "cells were left out, under the assumption that complete rows are like all rows."
        )
    else:
        yield f"The data have {counted(facts.n_rows, 'row')}, and no missing cells in the columns that were used."
    if facts.regimes:
        yield f"Of the rows {facts.shown_regimes}; the factors of nodes that were set did not count in these rows."
    if posterior.units:
        yield f"Units: {listed(f'{quote(node)} in {unit}' for node, unit in posterior.units)}."
    functional = posterior.functional
    if functional:
        cited["functional"] = None
        shown = [f"{quote(node)} of {listed(map(quote, parents))}" for node, parents in functional.items()]
        yield (
            f"Exact functions of their parents, declared or in the data: {'; '.join(shown)}; identification took them into "
            "account (Chen & Darwiche 2024)."
        )


# --- training


def _training(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    blocks = posterior.blocks
    if len(blocks) > 1:
        yield (
            f"Priors being independent, the posterior is a product over {len(blocks)} blocks of variables that share no "
            "unmeasured cause, each trained by itself:"
        )
    else:
        yield "All variables form one block, trained"
    by_method: dict[Method, list[BlockDraws]] = {}
    for block in blocks:
        by_method.setdefault(block.method, []).append(block)
    yield "; ".join(_trained(method, own, cited, alone=len(blocks) == 1) for method, own in by_method.items()) + "."
    if any(method.kind == "ensemble HMC" for method in by_method):
        yield (
            "Ensemble HMC is Hamiltonian Monte Carlo by many chains at once, which share the step size and the mass matrix "
            "that they adapt while warming up."
        )
    yield _kept(posterior)
    if posterior.approximate and not posterior.is_point:
        yield _approximate(posterior)
    yield from _judged(posterior, cited)


def _trained(method: Method, blocks: Sequence[BlockDraws], cited: dict[str, None], *, alone: bool) -> str:
    sources = list(_BY_METHOD.get(method.kind, ()))
    khats = [block.khat for block in blocks if block.khat is not None]
    sources += ["psis"] if khats and "psis" not in sources else []
    cited.update(dict.fromkeys(sources))
    names = "; ".join(block.block.name for block in blocks)
    findings = [_SHORT[key] for key in sources]
    if khats:
        findings.append(f"Pareto k-hat {'at most ' if len(khats) > 1 else ''}{max(khats):.2f}")
    if divergent := sum(block.n_divergent for block in blocks):
        made = sum(block.n_transitions for block in blocks)
        findings.append(f"{divergent:,} of {made:,} transitions diverged")
    if short := [block.shortfall for block in blocks if block.shortfall is not None]:
        findings.append(f"not certified: {short[0]}")
    told = f" ({'; '.join(findings)})" if findings else ""
    return f"{_spoken(method)}{told}" if alone else f"{names} {_spoken(method)}{told}"


def _spoken(method: Method) -> str:
    """A method of the plan as the end of a sentence."""
    match method.kind:
        case "conjugate":
            return f"by the conjugate {method.of}"
        case "least squares":
            return "exactly, solved by least squares, no noise"
        case "fixed":
            return "with all parameters fixed"
        case "mode":
            return f"by the {method}"
        case _:
            return f"by {method}".replace(" x ", " × ")


def _kept(posterior: Posterior) -> str:
    if posterior.is_point:
        return "One draw was kept, the posterior mode, so that nothing is said of how uncertain the answers are."
    total = posterior.n_chains * posterior.n_draws
    if posterior.independent():
        return f"{total:,} independent draws of each block were kept, and paired by index."
    chains, draws = counted(posterior.n_chains, "chain"), counted(posterior.n_draws, "draw")
    return f"{total:,} draws of each block were kept ({chains} × {draws} where there are chains), and paired by index."


def _approximate(posterior: Posterior) -> str:
    """Which draws are not of the posterior."""
    guessed = posterior.approximated()
    whose = "They" if len(guessed) == len(posterior.blocks) else f"Those of {'; '.join(b.block.name for b in guessed)}"
    return f"{whose} are draws of an approximation, not of the posterior: {', '.join(posterior.approximate)}."


def _judged(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    found = posterior.diagnostics
    if not found or posterior.is_point:
        return
    rhats = [diagnostic.rhat for diagnostic in found if diagnostic.rhat is not None]
    ess = f"at least {min(diagnostic.ess for diagnostic in found):,.0f} effective draws"
    if rhats:
        cited["rhat"] = None
        judged = f"rank-normalised split R-hat (Vehtari et al. 2021) at most {max(rhats):.3f} and {ess}"
    else:
        judged = f"{ess}, the draws being independent, so that R-hat does not apply"
    verdict = "The fit passes" if posterior.converged else f"The fit does not pass ({posterior.doubt})"
    yield f"{counted(len(found), 'functional')} of what was fitted {'has' if len(found) == 1 else 'have'} {judged}."
    yield f"{verdict}; the limits are an R-hat of 1.01 and 400 effective draws."
    if posterior.unjudged:
        yield f"Left out of it: {'; '.join(posterior.unjudged)}."


# --- answers


def _computation(answers: Sequence[Estimate], level: float, cited: dict[str, None]) -> Iterator[str]:
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


def _cautions(answers: Sequence[Estimate]) -> Iterator[str]:
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


def _software(posterior: Posterior) -> Iterator[str]:
    now = versions()
    yield f"Training (engine {posterior.engine}, seed {posterior.seed}) used {_software_of(dict(posterior.versions) or now)}."
    if posterior.versions and dict(posterior.versions) != now:
        yield f"The answers were computed with {_software_of(now)}."


def _software_of(found: Mapping[str, str]) -> str:
    others = listed(f"{name} {version}" for name, version in found.items() if name not in ("latentdo", "python"))
    return f"latentdo {found['latentdo']} with {others} on Python {found['python']}"
