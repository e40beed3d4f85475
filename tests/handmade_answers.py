"""Answers without asking: stated draws, a real verdict, for everything that is made of an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from latentdo.answers import Answer, Answers, Computation
from latentdo.identification import identify
from latentdo.inference import Posterior
from latentdo.query import Query
from posteriors import posterior_of

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"


def answer_of(question: str, draws: Any, posterior: Posterior | None = None, **fields: Any) -> Answer:
    """An answer to a question about the front door, or about the model of a posterior, with these draws."""
    asked = posterior or posterior_of(FRONT_DOOR)
    query = Query.parse(question)
    given: dict[str, Any] = {
        "verdict": identify(asked.spec.graph, query),
        "rhat": 1.001,
        "ess": 2000.0,
        "simulation_error": 0.0,
        "n_units": 0,
        "computation": Computation("exact", "linear-Gaussian"),
        "posterior": asked,
    }
    return Answer(query, np.asarray(draws, dtype=float), **{**given, **fields})


def line_draws(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope of a line, one of each per draw."""
    random = np.random.default_rng([seed, 5])
    return random.normal(0.2, 0.1, n), random.normal(0.7, 0.1, n)


def sweep_of(
    text: str = "E[Y | do(X)] for X in -2..6 by 1", posterior: Posterior | None = None, **fields: Any
) -> Answers:
    """The answers of a sweep over a line in the sum of its axes; levels count from 0."""
    source, asked = Query.parse(text), posterior or posterior_of(FRONT_DOOR)
    verdict = fields.pop("verdict", None) or identify(asked.spec.graph, source)
    start, slope = line_draws()
    found = []
    for values, point in source.points:
        places = [
            float(axis.values.index(value)) if isinstance(value, str) else value
            for axis, value in zip(source.axes, values, strict=True)
        ]
        at = tuple(zip((axis.name for axis in source.axes), values, strict=True))
        found.append(
            replace(
                answer_of("E[Y]", start + slope * sum(places), asked, **fields),
                query=point,
                at=at,
                source=source,
                verdict=verdict,
            )
        )
    return Answers(tuple(found))
