"""L4: how far an answer leans on the priors that users state, by power-scaling."""

from __future__ import annotations

from latentdo.arrays import FloatArray
from latentdo.graphs import Name, format_number
from latentdo.inference import KHAT_LIMIT, SENSITIVE, Posterior, PowerScaled, blocks_of, log_prior_of
from latentdo.query import Query

from .values import CheckRow, Layer, Word


def prior_row(posterior: Posterior, query: Query, draws: FloatArray, nodes: frozenset[Name], bound: float) -> CheckRow:
    """What the priors of the nodes behind an answer have to say.

    Args:
        draws: Of the answer, chains laid end to end.
        nodes: Measured nodes whose laws the answer is made of; the latents of their blocks count too.
        bound: By how much an answer may move before that matters.

    Source:
        Kallioinen, Paananen, Bürkner & Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
        power-scaling, Statistics and Computing 34:57.
    """
    behind = {name for block in blocks_of(posterior.spec) if nodes & set(block.nodes) for name in block.nodes}
    scaled = PowerScaled.of(log_prior_of(posterior, behind))
    what = f"priors behind {query}"
    if not scaled.trusted:
        reason = f"the draws cannot stand for another prior (Pareto k-hat {scaled.khat:.2f}, above {KHAT_LIMIT:g})"
        return CheckRow(Layer.PRIOR, what, Word.NOT_CHECKED, advice=reason, about=(query, ""))
    distance, shift = scaled.sensitivity(draws), scaled.shift(draws)
    if distance <= SENSITIVE:
        return CheckRow(Layer.PRIOR, what, Word.NO_MISFIT, effect=distance, scale="distance", about=(query, ""))
    says = f"the priors have a say: counted twice they move it by {format_number(float(f'{shift:.2g}'))}"
    word = Word.UNSURE if abs(shift) > bound else Word.NO_MISFIT
    return CheckRow(Layer.PRIOR, what, word, effect=distance, scale="distance", advice=says, about=(query, ""))
