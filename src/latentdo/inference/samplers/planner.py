"""Which method trains a block: the cheapest that its own diagnostics certify, said in words with its reasons."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentdo.extensions import wrong

from ..blocks.checks import least_squares
from ..blocks.draws import BlockDraws, constant_draws
from ..blocks.engines import Auto, Engine, Laplace, Map, Nuts, Svi, Trains
from ..blocks.method import Method
from ..likelihood.memory import chains_bytes, claim
from ..likelihood.task import Task
from ..likelihood.writing import program_of
from ..runtime import float64
from .cells import discrete
from .conjugate import conjugate
from .gibbs import gibbs
from .laplace import laplace, posterior_mode
from .marginal import gaussian
from .outcome import from_chains, node_draws
from .regression import regression
from .rows import integrated
from .sampling import SINGLE_ROWS, run_ensemble
from .smooth import smooth
from .starts import finite_starts
from .svi import svi

Trainer = Callable[[Task, Engine], "BlockDraws | str"]
"""Trains a block, or says why it does not apply, in words that complete "… does not apply: ..."."""
LastTrainer = Callable[[Task, Engine], BlockDraws]
"""Trains whatever block it is given."""

MANY_ROWS = 3_000
"""Rows beyond which chains do not move each row's latents where these were integrated out."""
ROUNDED = 0.8
"""Mean acceptance below which rounding may have kept steps too short: less than is aimed at, however short they are."""


def train_block(task: Task, engine: Engine) -> BlockDraws:
    """One block by the engine: method after method until one is certified, and what was tried before it in `why`."""
    begun = time.perf_counter()
    with float64():
        methods, last = _methods(engine)
        tried: list[str] = []
        for method in methods:
            result = method(task, engine)
            if isinstance(result, str):
                continue
            if _is_enough(task, method, result):
                break
            tried.append(f"{result.method} was tried first and not certified")
        else:
            result = last(task, engine)
        result = replace(result, why="; ".join([*([result.why] if result.why else []), *tried]))
    task.end()
    if result.sample_seconds == 0.0:
        result = replace(result, sample_seconds=time.perf_counter() - begun)
    return result


def _methods(engine: Engine) -> tuple[tuple[Trainer, ...], LastTrainer]:
    """The methods of an engine, cheapest first, and the one that is left when none of them was enough."""
    match engine:
        case Nuts():
            return (_exact, _fixed), _nuts
        case Svi():
            return (_exact, _fixed), svi
        case Laplace():
            return (_exact, _fixed, conjugate), laplace
        case Map():
            return (_exact, _fixed, conjugate), posterior_mode
        case Auto():
            return (
                _exact,
                _fixed,
                conjugate,
                gibbs,
                smooth,
                regression,
                gaussian,
                discrete,
                integrated,
                _generic,
            ), _general
        case _:
            return (_exact, _fixed), _own


def _is_enough(task: Task, method: Trainer, result: BlockDraws) -> bool:
    """Whether no other method is tried: the result is certified, or chains that move the latents as well would fare no better.

    That is so where a method that integrates the latents out gave the result; never where it declined.
    """
    if result.certified or method in (gaussian, gibbs):
        return True
    if method in (discrete, integrated):
        return task.data.n_rows > MANY_ROWS
    if method is _generic:
        # What is left is the same density in float64: a second run could mend rounding alone.
        return result.acceptance is not None and result.acceptance > ROUNDED
    return result.approximate is not None


def _exact(task: Task, engine: Engine) -> BlockDraws | str:
    """Nodes without noise: their coefficients are solved for."""
    del engine
    if not any(task.spec[node].family.noiseless for node in task.block.measured):
        return "no measured node is linear (without noise)"
    (node,) = task.block.nodes
    regression = least_squares(task.spec, node, task.data)
    assert regression is not None, "checked with the columns"
    draws = ((node, constant_draws(regression.coefficients, *task.shape)),)
    return BlockDraws(task.block, Method("least squares"), draws, independent=True)


def _fixed(task: Task, engine: Engine) -> BlockDraws | str:
    """Nodes whose parameters are all known."""
    del engine
    if task.layout.n_free:
        return "some parameters are free"
    draws = node_draws(task, np.zeros((*task.shape, 0)))
    return BlockDraws(task.block, Method("fixed"), draws, independent=True)


def _generic(task: Task, engine: Engine) -> BlockDraws | str:
    """Latents left to the sampler, by the program that blocks of one shape share."""
    assert isinstance(engine, Auto)
    program = program_of(task.layout, task.numbers)
    if isinstance(program, str):
        return program
    return run_ensemble(task, engine, *program, _left(task), single=task.rows.n_stored <= SINGLE_ROWS)


def _general(task: Task, engine: Engine) -> BlockDraws:
    """Whatever the block holds, by a program of its own."""
    assert isinstance(engine, Auto)
    return run_ensemble(task, engine, task.layout, task.numbers, _left(task))


def _own(task: Task, engine: Engine) -> BlockDraws:
    """By an engine that trains for itself."""
    assert isinstance(engine, Trains), "checked where engines come in"
    draws = engine.train(task)
    if not isinstance(draws, BlockDraws):
        raise wrong(type(engine), "train", "engine", draws, "BlockDraws")
    return draws


def _left(task: Task) -> str:
    return "parameters and latents" if task.layout.n_noise else "parameters"


def _nuts(task: Task, engine: Engine) -> BlockDraws:
    from .nuts import run_nuts

    assert isinstance(engine, Nuts)
    begun = time.perf_counter()
    needed = chains_bytes(task, task.layout, task.numbers, engine.chains, engine.draws, n_points=45)
    claim(task, needed, "Ask for fewer chains, or fit a sample of the rows.")
    run = run_nuts(
        task.layout,
        task.numbers,
        finite_starts(task, engine.chains),
        task.rows.n_stored,
        engine,
        task.key(),
        task.tell,
        task.checkpoint.part("nuts"),
    )
    method = Method("NUTS", chains=engine.chains, draws=engine.draws, warmup=engine.warmup)
    result = from_chains(task, run, method)
    return replace(result, sample_seconds=time.perf_counter() - begun)
