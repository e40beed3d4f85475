"""Which method trains a block: the cheapest that its own diagnostics certify, said in words with its reasons."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentdo.models import Linear

from .checks import least_squares
from .engines import Auto, Engine, Nuts
from .ensemble import CHAINS, CHUNK, Ensemble
from .outcome import from_chains, node_draws
from .posterior import BlockDraws, constant_draws
from .regression import regression
from .runtime import float64
from .task import Task

KEPT = 250
"""Draws per chain that are kept of an ensemble run, taken evenly: 4,000 in all."""
FIRST_RUN = 500


def kept_draws(engine: Engine) -> tuple[int, int]:
    """Chains, and draws per chain, of every block: the same in all, so that they can be paired."""
    return (engine.chains, engine.draws) if isinstance(engine, Nuts) else (CHAINS, min(KEPT, _first_run(engine)))


Method = Callable[[Task, Engine], "BlockDraws | str"]
"""Trains a block, or says why it does not apply, in words that complete "… does not apply: ..."."""


def train_block(task: Task, engine: Engine) -> BlockDraws:
    """One block by the engine: method after method until one is certified, and what was tried before it in `why`."""
    begun = time.perf_counter()
    with float64():
        tried: list[str] = []
        result: BlockDraws | None = None
        for method in _methods(engine):
            found = method(task, engine)
            if isinstance(found, str):
                continue
            result = replace(found, why="; ".join([*([found.why] if found.why else []), *tried]))
            if result.certified or result.approximate is not None:
                break
            tried.append(f"{found.method} was tried first and not certified")
    assert result is not None, "the last method of every engine applies to every block"
    task.tell(1.0)
    if result.sample_seconds == 0.0:
        result = replace(result, sample_seconds=time.perf_counter() - begun)
    return result


def _methods(engine: Engine) -> tuple[Method, ...]:
    """The methods of an engine, cheapest first; the last applies to every block."""
    if isinstance(engine, Nuts):
        return (_exact, _fixed, _nuts)
    return (_exact, _fixed, regression, _ensemble)


def _exact(task: Task, engine: Engine) -> BlockDraws | str:
    """Nodes without noise: their coefficients are solved for."""
    del engine
    if not any(isinstance(task.spec[node].family, Linear) for node in task.block.measured):
        return "no measured node is linear (without noise)"
    (node,) = task.block.nodes
    regression = least_squares(task.spec, node, task.data)
    assert regression is not None, "checked with the columns"
    draws = ((node, constant_draws(regression.coefficients, *task.shape)),)
    return BlockDraws(task.block, "exact: solved by least squares, no noise", draws, independent=True)


def _fixed(task: Task, engine: Engine) -> BlockDraws | str:
    """Nodes whose parameters are all known."""
    del engine
    if task.layout.n_free:
        return "some parameters are free"
    draws = node_draws(task, np.zeros((*task.shape, 0)))
    return BlockDraws(task.block, "fixed: nothing to learn", draws, independent=True)


def _first_run(engine: Auto) -> int:
    return min(FIRST_RUN, engine.max_steps // 2 // CHUNK * CHUNK)


def _ensemble(task: Task, engine: Engine) -> BlockDraws | str:
    """Run, judge, and run longer from what was learned, until judged well or the budget is spent."""
    assert isinstance(engine, Auto)
    begun = time.perf_counter()
    ensemble = Ensemble.start(task.layout, task.numbers, task.starts(CHAINS), task.rows.n_stored, task.key())
    first_run = _first_run(engine)
    timing: list[float] = []

    def report(steps: int) -> None:
        timing.append(time.perf_counter())
        task.tell(ensemble.made / (2.0 * first_run))

    ensemble.warm_up(first_run, report)
    length = first_run
    while True:
        run = ensemble.draw(length, report)
        result = from_chains(task, run, f"ensemble HMC, {CHAINS} chains x {length} of {ensemble.made} transitions")
        if result.certified or ensemble.made + 2 * length > engine.max_steps:
            break
        ensemble.learn_from(run)
        ensemble.warm_up_again(report)
        length *= 2
    compiling = timing[0] - begun
    return replace(result, compile_seconds=compiling, sample_seconds=time.perf_counter() - begun - compiling)


def _nuts(task: Task, engine: Engine) -> BlockDraws | str:
    from .nuts import run_nuts

    assert isinstance(engine, Nuts)
    begun = time.perf_counter()
    run = run_nuts(
        task.layout,
        task.numbers,
        task.starts(engine.chains),
        task.rows.n_stored,
        engine,
        task.key(),
        task.tell,
        task.checkpoint.part("nuts"),
    )
    result = from_chains(task, run, f"NUTS, {engine.chains} chains x {engine.draws} draws after {engine.warmup}")
    return replace(result, sample_seconds=time.perf_counter() - begun)
