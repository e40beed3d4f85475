"""Convergence of a study's own questions, judged when the model is trained."""

from __future__ import annotations

from collections.abc import Sequence

from latentdo.errors import LatentdoError
from latentdo.identification import identify
from latentdo.inference import Diagnostic, Posterior
from latentdo.query import Query

from .ask import ask_all, used_nodes


def judge(posterior: Posterior, queries: Sequence[tuple[str, Query]]) -> tuple[Diagnostic, ...]:
    """R-hat and effective sample size of each question that the data can answer with a number.

    A question that cannot be asked (not identified, or without values) has nothing to judge here: `ask` says why.
    """
    found = []
    for name, query in queries:
        try:
            if not identify(posterior.spec.graph, query, functional=posterior.functional).identified:
                continue
            answers = ask_all(posterior, [(name, query)], posterior.seed, allow_unidentified=False)
        except LatentdoError:
            continue
        found += [
            posterior.diagnose(str(answer.query), answer.draws, used_nodes(posterior.spec, answer.query))
            for answer in answers
        ]
    return tuple(found)
