"""The optimiser of variational inference beside NumPyro's `SVI` with Adam: processor seconds to the same lower bound.

Run with `python bench/optimisers.py`. Both fit a full-rank Gaussian to the same log posterior, from the same point, each with its
program compiled before its time is taken; NumPyro with eight particles and the best of three step sizes. The bound is that of
4,000 draws of the guide. Printed is how many nats each is below the best that any of them reached, after so many steps, and how
long each took to come within a tenth of a nat.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import numpyro
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoMultivariateNormal

import latentdo as ld
from latentdo.inference import Fit
from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.gaussian import gaussian_form
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.likelihood.writing import program_of
from latentdo.inference.runtime import JAX, float64
from latentdo.inference.samplers.guides import Guide, Place
from latentdo.inference.samplers.optimiser import Optimiser, Problem, fresh
from latentdo.tables import read_table

STEPS = 5_000
NEAR = 0.1
"""Nats below the best bound at which an optimiser has arrived."""
RATE = ld.Svi().learning_rate
RATES = (0.003, 0.01, 0.03)
PARTICLES = 8
WIDTH = 0.3


def share(eta: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-eta))


def models() -> Iterator[tuple[str, Any, Any]]:
    """Name, both halves of a form without noise."""
    random = np.random.default_rng(0)
    n = 2_000
    u = random.normal(size=n)
    x = 1.0 * (random.uniform(size=n) < share(u))
    yield (
        "regression",
        *_block(
            "; ".join(f"X{k} ~ normal" for k in range(6)) + f"; Y ~ bernoulli({', '.join(f'X{k}' for k in range(6))})",
            {f"X{k}": random.normal(size=n) + u for k in range(6)} | {"Y": x},
            "Y",
        ),
    )
    m = u + random.normal(size=n)
    yield (
        "normal block",
        *_block(
            "latent U, V ~ normal; A, B, C ~ normal(U); D ~ normal(V, A); E, F ~ normal(V, U)",
            {name: 0.7 * m + random.normal(size=n) for name in "ABCDEF"},
            "A",
        ),
    )
    yield (
        "binary block",
        *_block(
            "latent U ~ normal; X ~ bernoulli(U); Y ~ bernoulli(X, U); Z ~ bernoulli(U)",
            {
                "X": x,
                "Y": 1.0 * (random.uniform(size=n) < share(x + u)),
                "Z": 1.0 * (random.uniform(size=n) < share(2 * u)),
            },
            "X",
        ),
    )


def _block(text: str, rows: dict[str, Any], node: str) -> tuple[Any, Any, Any]:
    spec = ld.model(text)
    data = read_table(rows, spec.measured, spec.latent, spec.levels)
    tasks = Fit.of(spec, data, ld.Auto(), 0).tasks(lambda *_: None, threading.Event())
    (task,) = (task for task in tasks if node in task.block.nodes)
    form_found = gaussian_form(task)
    if not isinstance(form_found, str):
        return task, *form_found
    if task.layout.n_noise:
        return task, *RowLikelihood(task, task.cells, np.asarray(task.cells.weights, dtype=float)).halves
    program = program_of(task.layout, task.numbers)
    assert not isinstance(program, str)
    return task, *program


class Target:
    """A log posterior, and the bound of a Gaussian on it."""

    def __init__(self, form: Any, numbers: Any, n: int) -> None:
        self.density = lambda u: log_posterior(JAX, form, numbers, u, np.empty((0, 1)))
        self._many = jax.jit(jax.vmap(self.density))
        self._normals = np.random.default_rng(1).standard_normal((4_000, n))

    def bound(self, mean: Any, root: Any) -> float:
        values = np.asarray(self._many(mean + self._normals @ np.asarray(root).T))
        return float(values.mean() + np.log(np.abs(np.diag(root))).sum())


def ours(task: Any, form: Any, numbers: Any, target: Target, start: Any) -> list[tuple[int, float, float]]:
    """Steps, processor seconds and bound at the end of each stretch."""
    n = len(start)
    leaves, structure = jax.tree.flatten(numbers)
    guide = Guide(n_coordinates=n, n_noise=0, n_features=0, rank=None)
    problem = Problem(form, guide, structure, tuple(None for _ in leaves))
    found: list[tuple[int, float, float]] = []
    for _ in range(2):
        found, spent = [], 0.0
        optimiser = Optimiser(
            problem,
            tuple(np.asarray(leaf) for leaf in leaves),
            np.zeros((task.rows.n_stored, 0)),
            None,
            (0,),
            STEPS,
            RATE,
            Place(start, WIDTH * np.eye(n)),
            fresh(guide.start(np.random.default_rng(0)), np.float64),
        )
        while optimiser.made < STEPS:
            begun = time.process_time()
            optimiser.advance()
            spent += time.process_time() - begun
            if optimiser.made in optimiser.ends:
                # A stretch ends with the mean of its guides, and the place is whitened by it.
                found.append((optimiser.made, spent, target.bound(optimiser.place.centre, optimiser.place.axes)))
    return found


def theirs(target: Target, start: Any, rate: float) -> list[tuple[int, float, float]]:
    """The same of NumPyro's."""
    n = len(start)

    def model() -> None:
        u = numpyro.sample(
            "u", numpyro.distributions.ImproperUniform(numpyro.distributions.constraints.real_vector, (), (n,))
        )
        numpyro.factor("density", target.density(u))

    guide = AutoMultivariateNormal(
        model, init_loc_fn=numpyro.infer.init_to_value(values={"u": start}), init_scale=WIDTH
    )
    svi = SVI(model, guide, numpyro.optim.Adam(rate), Trace_ELBO(num_particles=PARTICLES))
    state = svi.init(jax.random.PRNGKey(0))
    many = jax.jit(lambda state: jax.lax.scan(lambda s, _: svi.update(s), state, None, length=250)[0])
    jax.block_until_ready(many(state))
    found, spent = [], 0.0
    for k in range(STEPS // 250):
        begun = time.process_time()
        state = jax.block_until_ready(many(state))
        spent += time.process_time() - begun
        params = svi.get_params(state)
        found.append((250 * (k + 1), spent, target.bound(params["auto_loc"], params["auto_scale_tril"])))
    return found


def main() -> None:
    with float64():
        for name, task, form, numbers in models():
            n = max(task.layout.n_free, getattr(form, "n_coordinates", task.layout.n_free))
            start = np.concatenate([task.starts(4)[0], np.zeros(n - task.layout.n_free)])
            target = Target(form, numbers, n)
            runs = {"ours": ours(task, form, numbers, target, start)}
            runs |= {f"NumPyro, Adam({rate:g})": theirs(target, start, rate) for rate in RATES}
            best = max(bound for run in runs.values() for _, _, bound in run)
            for who, run in runs.items():
                arrived = next((seconds for _, seconds, bound in run if bound > best - NEAR), None)
                told = "not reached" if arrived is None else f"{arrived:.2f} s"
                last = run[-1]
                print(
                    f"{name}, {n} coordinates; {who}: {told}; {best - last[2]:.3f} below after {last[0]:,} steps",
                    flush=True,
                )


if __name__ == "__main__":
    main()
