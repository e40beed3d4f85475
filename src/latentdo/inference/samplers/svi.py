"""`Svi`: the law of a simple family that is nearest to a block's posterior, by minibatches where rows are many.

Sources: Kucukelbir et al. (2017), Automatic differentiation variational inference; Yao, Vehtari, Simpson & Gelman (2018), Yes,
but did it work? (k-hat of the ratio of posterior to guide).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from scipy.special import logsumexp

from latentdo.errors import FitError
from latentdo.models.build import NUMPY

from ..blocks.coordinates import FloatArray
from ..blocks.draws import UNSETTLED, BlockDraws
from ..blocks.engines import RANK, Engine, Svi
from ..blocks.method import Method
from ..likelihood.density import AbstractForm
from ..likelihood.gaussian import GaussianForm, gaussian_form
from ..likelihood.memory import chains_bytes, claim
from ..likelihood.program import Program
from ..likelihood.task import Task
from ..likelihood.writing import program_of
from ..runtime import converted
from .guides import Draws, Guide, GuideNumbers, Place, nodes_of
from .importance import smoothed
from .modes import Mode, numbers_only
from .optimiser import CHUNK as LONGEST_CALL
from .optimiser import Optimiser, Problem, fresh
from .outcome import from_independent
from .regression import density_of, find_modes
from .sign_symmetry import symmetries_of, turned
from .starts import finite_starts

BATCH = 4_096
"""Rows per step unless told; tables of no more are taken whole."""
MANY_NODES = 25
"""Nodes per row beyond which a quarter of that is taken."""
SINGLE_ROWS = 4_096
"""Rows up to which float32 resolves the bound well enough where every step sees all of them."""
CANDIDATES = 4
TRIAL = 100
"""Steps from each of several dispersed starts before the best goes on."""
FIRST_WIDTH = 0.3
"""Width of the first guide in natural units, where no mode tells."""
WIDEST = 3.0
"""Largest width in natural units that is believed of a mode: flat directions have none."""
RISE = 0.5
"""Rise of the bound, in nats, over the last half of the averaged steps beyond which it counts as still rising."""
DRIFT = 0.5
"""The same of the mean, in sds of the guide."""
KHAT_CELLS = 20_000_000
KHAT_DRAWS = 1_000
CELLS = 250_000
ROW_FIELDS = frozenset({"y", "design", "products", "latent_design", "linked", "slope", "weights", "alive", "seen"})
"""The arrays of `Numbers` and `ProgramNumbers` whose last axis is rows."""

SVI = "variational approximation"
RISING = f"variational approximation, {UNSETTLED}"


def svi(task: Task, engine: Engine) -> BlockDraws:
    """Independent draws of the guide that is nearest to the block's posterior in the Kullback-Leibler sense.

    Linear-Gaussian blocks have their latents integrated, and need no rows; elsewhere continuous latents are part of the guide
    and discrete ones are summed out. The guides of the last steps are averaged; where the bound was still rising by then, or
    the mean still moving, the label on every answer says so. k-hat is that of posterior over guide, parameters and latents
    together, over all rows; it is left out where these are too many.
    """
    assert isinstance(engine, Svi)
    begun = time.perf_counter()
    optimiser, how = _optimiser(task, engine)
    kept = task.checkpoint.part("svi")
    if (state := kept.load()) is not None:
        optimiser.restore(state)
    else:
        _find_start(task, optimiser)
    task.go_on(optimiser.made / optimiser.steps)
    compiling = time.perf_counter() - begun
    while optimiser.made < optimiser.steps:
        optimiser.advance()
        task.tell(optimiser.made / optimiser.steps)
        kept.save(optimiser.dump)
    result = _result(task, optimiser, how)
    return replace(result, compile_seconds=compiling, sample_seconds=time.perf_counter() - begun - compiling)


def _optimiser(task: Task, engine: Svi) -> tuple[Optimiser, Method]:
    """The optimisation of a block, not yet anywhere, and what it is called."""
    form, numbers, how = _form(task)
    # Cross-products stand for the rows, which are then not even looked at.
    weights = np.zeros(0) if isinstance(form, GaussianForm) else task.rows.weights
    n_stored, real = len(weights), np.flatnonzero(weights > 0)
    features = _features(task) if engine.guide == "amortised" and form.n_noise else np.zeros((0, n_stored))
    flat, structure = jax.tree_util.tree_flatten_with_path(numbers)
    leaves = [(np.asarray(leaf), bool(n_stored) and _is_of_rows(path, leaf, n_stored)) for path, leaf in flat]
    columns = [*(leaf.reshape(-1, n_stored) for leaf, of_rows in leaves if of_rows), features]
    crowded = (nodes := nodes_of(form.n_noise)) is not None and len(nodes.log_weights) > MANY_NODES
    size = engine.batch or (BATCH // 4 if crowded else BATCH)
    batch = size if size < len(real) else None
    n_rows = n_stored if batch is None else batch
    dtype = np.float32 if isinstance(form, Program) and n_rows <= SINGLE_ROWS else np.float64
    n_free = task.layout.n_free
    guide = Guide(
        n_coordinates=max(n_free, getattr(form, "n_coordinates", n_free)),
        n_noise=form.n_noise,
        n_features=len(features),
        rank=min(engine.rank or RANK, n_free) if engine.guide == "low-rank" else None,
    )
    problem = Problem(form, guide, structure, tuple(leaf.shape[:-1] if of_rows else None for leaf, of_rows in leaves))
    # The numbers of all rows twice: as they were assembled, and in a table; and those of the rows of one call.
    needed = chains_bytes(task, form, np.empty(n_rows), problem.n_points, 0)
    needed += sum(map(len, columns)) * (16.0 * n_stored + 8.0 * LONGEST_CALL * n_rows)
    claim(task, needed, "Ask for a smaller batch, or fit a sample of the rows.")
    seed = (task.seed, task.code)
    optimiser = Optimiser(
        problem,
        constants=converted(tuple(leaf for leaf, of_rows in leaves if not of_rows), dtype),
        table=_table(columns, slice(None) if batch is None else real, dtype),
        batch=batch,
        seed=seed,
        steps=engine.steps,
        rate=engine.learning_rate,
        place=Place(np.zeros(guide.n_coordinates), np.eye(guide.n_coordinates)),
        state=fresh(guide.start(np.random.default_rng([*seed, 0])), dtype),
    )
    rows = f" of {batch:,} of {len(real):,} rows" if batch is not None else " of all rows"
    method = Method("SVI", of=f"{engine.guide} guide of {how}", steps=engine.steps, note=rows if n_stored else "")
    return optimiser, method


def _table(columns: list[FloatArray], index: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Rows side by side, (row, column), so that those of a batch are gathered in one go; column by column, to save memory."""
    n_rows = len(np.empty(columns[0].shape[1])[index])
    table = np.empty((n_rows, sum(map(len, columns))), dtype)
    for k, column in enumerate(column for part in columns for column in part):
        table[:, k] = column[index]
    return table


def _form(task: Task) -> tuple[AbstractForm, Any, str]:
    """The cheapest form of the block's log posterior, its numbers, and in words what it leaves to the guide."""
    form_found = gaussian_form(task, latents_only=False)
    if not isinstance(form_found, str):
        return (*form_found, "parameters" + (", latents integrated" if task.unseen else ""))
    form_found = program_of(task.layout, task.numbers)
    form, numbers = (task.layout, task.numbers) if isinstance(form_found, str) else form_found
    if not form.n_noise:
        return form, numbers, "parameters"
    by_quadrature = nodes_of(form.n_noise) is not None
    return form, numbers, "parameters, latents integrated by quadrature" if by_quadrature else "parameters and latents"


def _is_of_rows(path: tuple[Any, ...], leaf: Any, n_stored: int) -> bool:
    return getattr(path[-1], "name", "") in ROW_FIELDS and np.shape(leaf)[-1:] == (n_stored,)


def _features(task: Task) -> FloatArray:
    """What the network reads of each row, (feature, row): measured nodes and inputs, standardised; levels by indicators."""
    features = []
    for name in task.names:
        column, points = task.rows.column(name), task.spec[name].family.points
        if len(points) > 2:
            features += [(column == point) - 0.5 for point in points]
            continue
        values = np.log(column) if (column > 0).all() and not points else column
        weights = task.rows.weights
        mean = np.average(values, weights=weights)
        sd = np.sqrt(np.average((values - mean) ** 2, weights=weights)) or 1.0
        features.append(np.clip((values - mean) / sd, -4.0, 4.0))
    return np.array(features, dtype=float).reshape(len(features), task.rows.n_stored)


def _find_start(task: Task, optimiser: Optimiser) -> None:
    """Put the guide on a mode where one is cheap to find; else on the best of several starts, after some steps from each."""
    if (mode := _mode(task, optimiser.problem.form)) is not None:
        _put_on(optimiser, mode)
        return
    n, n_free = optimiser.problem.guide.n_coordinates, task.layout.n_free
    first, best = optimiser.state, -np.inf
    chosen = None
    starts = finite_starts(task, CANDIDATES)
    for start in starts:
        centre = np.concatenate([start, np.zeros(n - n_free)])
        optimiser.state, optimiser.made, optimiser.calls, optimiser.bounds, optimiser.n_lost = first, 0, 0, [], 0
        optimiser.place = Place(centre, np.diag([FIRST_WIDTH] * n_free + [1.0] * (n - n_free)))
        height = optimiser.trial(min(TRIAL, optimiser.steps))
        task.tell(0.0)
        if height > best:
            best, chosen = height, (optimiser.state, optimiser.place)
    if chosen is None:
        raise FitError(
            f"The bound that variational inference raises is not finite near any of {len(starts)} starting points of "
            f"{task.block.name}. Give its parameters tighter priors, or train it by ld.Auto()."
        )
    optimiser.state, optimiser.place = chosen
    optimiser.settle()
    optimiser.made, optimiser.calls, optimiser.bounds, optimiser.means = 0, 0, [], []


def _mode(task: Task, form: AbstractForm) -> Mode | None:
    """The heaviest mode where values of the density are cheap: by cross-products."""
    if not isinstance(form, GaussianForm):
        return None
    exact_form = gaussian_form(task, latents_only=False)
    assert not isinstance(exact_form, str)
    modes = find_modes(task, density_of(form, exact_form[1]), None)
    return max(modes, key=Mode.log_mass) if modes else None


def _put_on(optimiser: Optimiser, mode: Mode) -> None:
    """Start from the Gaussian at a mode; of a low-rank guide, from the nearest that it can be."""
    guide, dtype = optimiser.problem.guide, optimiser.state.t.dtype
    n, n_free = guide.n_coordinates, len(mode.point)
    sides, sizes, _ = np.linalg.svd(mode.axes)
    axes = np.eye(n)
    axes[:n_free, :n_free] = sides * np.clip(sizes, 1e-9, WIDEST)
    numbers = guide.start(np.random.default_rng([*optimiser.seed, 0]))
    if guide.rank is not None:
        covariance = axes @ axes.T
        # Sds given all other coordinates, and the directions in which these leave out most.
        own = 1.0 / np.sqrt(np.diag(np.linalg.inv(covariance)))
        strength, directions = np.linalg.eigh(covariance / np.outer(own, own))
        factor = directions * np.sqrt(np.maximum(strength - 1.0, 0.0))
        numbers = numbers._replace(factor=numbers.factor + factor[:, ::-1][:, : guide.rank])
        axes = np.diag(own)
    centre = np.concatenate([mode.point, np.zeros(n - n_free)])
    optimiser.state, optimiser.place = fresh(numbers, dtype), Place(centre, axes)


def _result(task: Task, optimiser: Optimiser, method: Method) -> BlockDraws:
    guide, place, random = optimiser.problem.guide, optimiser.place, task.random().spawn(6)[5]
    numbers = GuideNumbers(*(np.asarray(part, dtype=np.float64) for part in optimiser.state.numbers))
    if 2 * optimiser.n_lost > optimiser.steps or not np.isfinite(place.centre).all():
        raise FitError(
            f"The bound that variational inference raises was not finite in {optimiser.n_lost} of {optimiser.steps} steps on "
            f"{task.block.name}. Ask for a smaller learning_rate, give its parameters tighter priors, or train it by ld.Auto()."
        )
    draws = guide.draw_many(numbers, place, random, task.n_kept)
    u = draws.u[:, : task.layout.n_free]
    rise, drift = _settled(optimiser)
    unsettled = []
    if np.isinf(drift):
        unsettled.append("too few steps to tell whether it has settled")
    elif rise > RISE:
        unsettled.append(f"its bound was still rising (by {rise:.2g} over the last quarter of the steps)")
    if np.isfinite(drift) and drift > DRIFT:
        unsettled.append(f"its mean was still moving (by {drift:.2g} sd over the last quarter of the steps)")
    why = unsettled or [f"settled, its mean known to about {max(0.5 * drift, 0.01):.1g} sd"]
    if unsettled:
        why.append("ask for more steps")
    # Draws of their own: few that are kept would have no tail to judge by.
    judged = guide.draw_many(numbers, place, random, KHAT_DRAWS)
    log_ratios = _log_ratios(task, optimiser, numbers, judged, random)
    if log_ratios is None:
        khat = None
        why.append("with so many rows Pareto k-hat would take too long")
    else:
        weights, khat = smoothed(numbers_only(log_ratios))
        share = 1.0 / float((weights**2).sum()) / len(weights)
        why.append(f"weighted by the posterior, {100 * share:.2g} % of such draws would count")
    facing = turned(u[None], symmetries_of(task.layout, task.numbers), to_reference=True)[0]
    result = from_independent(task, facing, method, approximate=RISING if unsettled else SVI)
    return replace(result, khat=khat, why="; ".join(why))


def _settled(optimiser: Optimiser) -> tuple[float, float]:
    """How far the last quarter of the steps went beyond the one before: rise of the bound beyond its noise, and the largest
    move of the mean in sds of the guide."""
    half = len(optimiser.bounds) // 2
    trace, means = np.array(optimiser.bounds[half:]), np.array(optimiser.means[half:])
    halves = np.array_split(trace[np.isfinite(trace)], 2)
    places = np.array_split(means, 2)
    if min(map(len, (*halves, *places))) == 0:
        return np.inf, np.inf
    error = np.sqrt(sum(half.var() / len(half) for half in halves))
    rise = float(halves[1].mean() - halves[0].mean() - 3.0 * error)
    drift = float(np.max(np.abs(places[1].mean(axis=0) - places[0].mean(axis=0)), initial=0.0))
    return rise, drift


def _log_ratios(
    task: Task, optimiser: Optimiser, numbers: GuideNumbers, draws: Draws, random: np.random.Generator
) -> FloatArray | None:
    """Log of posterior over guide at draws of it, parameters and latents together; None where it would take too long."""
    form = optimiser.problem.form
    if isinstance(form, GaussianForm):
        exact_form = gaussian_form(task, latents_only=False)
        assert not isinstance(exact_form, str)
        return density_of(form, exact_form[1])(draws.u) - draws.log_density
    rows = task.rows.n_stored
    if rows * KHAT_DRAWS * task.layout.n_states * optimiser.problem.n_nodes > KHAT_CELLS:
        return None
    n_free, n = task.layout.n_free, len(draws.u)
    features = _features(task) if optimiser.problem.guide.n_features else np.zeros((0, rows))
    shift, log_scale = (np.asarray(part)[:, None, :] for part in optimiser.problem.guide.noise(numbers, features))
    real, size, values = task.rows.weights > 0, max(1, CELLS // (rows * task.layout.n_states)), []
    nodes = nodes_of(form.n_noise)

    def log_rows(u: FloatArray, noise: FloatArray) -> tuple[Any, Any]:
        log_prior, each = task.layout.log_parts(NUMPY, task.numbers, u, shift + np.exp(log_scale) * noise)
        return log_prior[:, 0], each + log_scale.sum(axis=0)

    with np.errstate(all="ignore"):
        for begin in range(0, n, size):
            u = draws.u[begin : min(begin + size, n), None, :n_free]
            if nodes is None:
                noise = random.standard_normal((form.n_noise, len(u), rows))
                log_prior, at_noise = log_rows(u, noise)
                each = at_noise + 0.5 * (noise**2).sum(axis=0)
            else:
                by_node = [log_rows(u, point[:, None, None]) for point in nodes.points]
                log_prior = by_node[0][0]
                logs = [part + log for (_, part), log in zip(by_node, nodes.log_weights, strict=True)]
                each = np.asarray(logsumexp(np.stack(logs), axis=0))
            values.append(log_prior + np.where(real, each, 0.0).sum(axis=-1))
    # What pads the coordinates is standard normal under the posterior.
    log_padding = -0.5 * (draws.u[:, n_free:] ** 2).sum(axis=1)
    return np.concatenate(values) + log_padding - draws.log_density
