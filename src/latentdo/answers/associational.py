"""What stands beside an answer: the same question with seeing in place of doing, and what the priors alone say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentdo.inference import BlockDraws, Method, Posterior, prior_draws
from latentdo.models import Constant, ModelSpec
from latentdo.query import Binary, Distribution, Expression, Number, Outcome, Query, Term

PRIOR_DRAWS = 1000
PRIOR = "the priors alone"


def seeing(spec: ModelSpec, query: Query) -> Query | None:
    """The query with E[Y | X=x] for every E[Y | do(X=x)]: what the association says, confounding and all.

    Returns:
        None where nothing is set, and where `unseen` says why nothing is to be seen.
    """
    if not any(term.do for term in query.terms) or unseen(spec, query):
        return None
    return Query(_seen(query.expression))


def unseen(spec: ModelSpec, query: Query) -> str:
    """Why some of what the query sets cannot be seen in its place, in words; empty where all can, or where nothing is set."""
    for setting in (setting for term in query.terms for setting in term.do):
        if isinstance(setting.value, Distribution):
            return f"{setting.name} is drawn from a law, and no row shows what that is like"
        if setting.value is None:
            return f"{setting.name} is set to no value"
        if spec[setting.name].family.noiseless or isinstance(spec[setting.name].family, Constant):
            return f"{setting.name} has no noise of its own, so that its value has no density to be seen by"
    return ""


def _seen(expression: Expression) -> Expression:
    match expression:
        case Binary(op=op, left=left, right=right):
            return Binary(op, _seen(left), _seen(right))
        case Number():
            return expression
        case Term():
            values = [(setting.name, setting.value) for setting in expression.do]
            seen = tuple(
                Outcome(name, "=", value)
                for name, value in values
                if value is not None and not isinstance(value, Distribution)
            )
            return replace(expression, do=(), given=(*seen, *expression.given))


def prior_of(posterior: Posterior, seed: int) -> Posterior:
    """The same model untrained: independent draws of every parameter from its prior."""
    random = np.random.default_rng([seed, 4])
    own = {each.node: each for each in posterior.coordinates}
    blocks = tuple(
        BlockDraws(
            block.block,
            Method("other", PRIOR),
            tuple((node, prior_draws(posterior.spec, own[node], PRIOR_DRAWS, random)) for node in block.block.nodes),
            independent=True,
        )
        for block in posterior.blocks
    )
    return replace(posterior, blocks=blocks, diagnostics=(), warnings=())
