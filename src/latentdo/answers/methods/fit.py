"""Of a fit: its model, data, training and software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from latentdo.graphs import quote
from latentdo.inference import BlockDraws, Method, Posterior, node_row, versions
from latentdo.sheet import counted, listed

from .priors import names_of
from .sources import BY_METHOD, SHORT

LONG = 1_200
"""Characters beyond which a model is named and not printed."""


EDGES = 24
"""Edges that are listed one by one."""


def model(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    """The model: variables, graph, equations and families."""
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
    in_full = f": {text}" if len(text) <= LONG else ""
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


def data(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    """The rows: how many, what is missing, what was set, their units."""
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


def training(posterior: Posterior, cited: dict[str, None]) -> Iterator[str]:
    """How the blocks were trained, and how well."""
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
    sources = list(BY_METHOD.get(method.kind, ()))
    khats = [block.khat for block in blocks if block.khat is not None]
    sources += ["psis"] if khats and "psis" not in sources else []
    cited.update(dict.fromkeys(sources))
    names = "; ".join(block.block.name for block in blocks)
    findings = [SHORT[key] for key in sources]
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


def software(posterior: Posterior) -> Iterator[str]:
    """What trained the model, and what computed the answers."""
    now = versions()
    yield f"Training (engine {posterior.engine}, seed {posterior.seed}) used {_software_of(dict(posterior.versions) or now)}."
    if posterior.versions and dict(posterior.versions) != now:
        yield f"The answers were computed with {_software_of(now)}."


def _software_of(found: Mapping[str, str]) -> str:
    others = listed(f"{name} {version}" for name, version in found.items() if name not in ("latentdo", "python"))
    return f"latentdo {found['latentdo']} with {others} on Python {found['python']}"
