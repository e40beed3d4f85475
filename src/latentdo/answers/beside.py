"""What stands beside an answer: the same question with seeing in place of doing, and what the priors alone say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentdo.inference import BlockDraws, Posterior, prior_draws
from latentdo.models import Constant, Linear, ModelSpec
from latentdo.query import Binary, Distribution, Expression, Number, Outcome, Query, Term

PRIOR_DRAWS = 1000
PRIOR = "the priors alone"


def seeing(spec: ModelSpec, query: Query) -> Query | None:
    """The query with E[Y | X=x] for every E[Y | do(X=x)]: what the association says, confounding and all.

    Returns:
        None where nothing is set, where a node is drawn from a law, and where a node without noise is set, whose value has no
        density to be seen by.
    """
    settings = [setting for term in query.terms for setting in term.do]
    if not settings or any(isinstance(setting.value, Distribution) or setting.value is None for setting in settings):
        return None
    if any(isinstance(spec[setting.name].family, Linear | Constant) for setting in settings):
        return None
    return Query(_seen(query.expression))


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
            PRIOR,
            tuple((node, prior_draws(posterior.spec, own[node], PRIOR_DRAWS, random)) for node in block.block.nodes),
            independent=True,
        )
        for block in posterior.blocks
    )
    return replace(posterior, blocks=blocks, diagnostics=(), warnings=())
