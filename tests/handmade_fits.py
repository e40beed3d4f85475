"""Posteriors without training: everything as `fit` leaves it, but the draws are noise. For archives, summaries and plots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import LinkScale, node_coordinates, parent_scales
from latentdo.inference.blocks.diagnostics import Diagnostic
from latentdo.inference.blocks.draws import BlockDraws, DataFacts, NodeDraws
from latentdo.inference.blocks.method import Method
from latentdo.inference.posterior.posterior import Posterior
from latentdo.models import ModelSpec
from latentdo.query import Query
from latentdo.tables import Dataset

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U)"
ODD = """
`Knee pain?`; R
latent `the mood` ~ normal(mean=normal(37, 1), sd=normal(3, 1))
R ~ bernoulli(`Knee pain?`)
`Knee pain?` ~ gamma(`the mood`)
Y ~ hill(+R, Z, Z:`Knee pain?`, `Knee pain?`, max=10, sd=5.4)
Z ~ normal(intercept=student(3, 0, 1, low=-2), weight=normal(0, 10), R)
T ~ normal(-Z, weight=-0.25)
`1/2 [b]` ~ linear(Z)
Z -| T
R <-> Y [latents=2]
"""


def handmade(
    model: str | ModelSpec = FRONT_DOOR,
    *,
    seed: int = 0,
    n_chains: int = 4,
    n_draws: int = 20,
    source: str = "trial.csv",
) -> Posterior:
    """A posterior of the model, trained on noise and made of noise."""
    spec = ModelSpec.parse(model) if isinstance(model, str) else model
    random = np.random.default_rng(seed)
    data = Dataset(
        tuple((node, random.normal(5.0, 2.0, size=30)) for node in spec.measured),
        np.ones(30),
        ignored=("site",),
        unread=tuple(node for node in spec.graph.nodes if node in spec.latent),
        source=source,
    )
    scales = parent_scales(spec, {node: (data.summary(node).mean, data.summary(node).sd) for node in spec.measured})
    coordinates = tuple(
        node_coordinates(spec, node, scales, LinkScale(0.0 if node in spec.latent else 1.25, 1.0, 2.0))
        for node in spec.graph.nodes
    )

    def drawn(node: str) -> NodeDraws:
        mechanism = spec[node]
        return NodeDraws(
            random.normal(size=(n_chains, n_draws, 1 + len(mechanism.weights))),
            tuple((name, random.gamma(2.0, size=(n_chains, n_draws))) for name in mechanism.family.parameters),
        )

    judged = tuple(Diagnostic(f"mean({node})", 1.001, 2000.5) for node in spec.measured)
    posterior = Posterior(
        spec=spec,
        blocks=tuple(
            BlockDraws(
                block,
                Method("other", "drawn by hand"),
                tuple((node, drawn(node)) for node in block.nodes),
                judged[:1],
                acceptance=0.8,
                n_divergent=3,
                n_warmup=500,
                n_made=100,
                compile_seconds=1.5,
                sample_seconds=0.5,
            )
            for block in blocks_of(spec)
        ),
        facts=DataFacts.of(data),
        coordinates=coordinates,
        diagnostics=judged,
        engine="Auto(max_steps=16000)",
        seed=seed,
        warnings=("Two columns are much alike.",),
        seconds=2.25,
        data=data,
    )
    target = spec.measured[-1]
    question = Query.parse(f"E[`{target}` | do(`{spec.measured[0]}`=1)]")
    return replace(posterior, queries=(("effect", question),))
