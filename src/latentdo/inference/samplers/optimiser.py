"""The optimiser of variational inference: steps along noisy gradients of a lower bound, one compiled call of many at a time.

A compiled program depends on the shape of a batch and not on how many rows there are. Now and then the coordinates are whitened
by what the guide has learned, so that one step size suits narrow and wide posteriors.

Sources: Kingma & Welling (2014), Auto-encoding variational Bayes, §2.4 (gradients through draws); Hoffman et al. (2013),
Stochastic variational inference (minibatches); Polyak & Juditsky (1992), Acceleration of stochastic approximation by averaging.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..blocks.coordinates import FloatArray
from ..likelihood.density import AbstractForm
from ..runtime import JAX
from .guides import Guide, GuideNumbers, Nodes, Place, nodes_of

SIGNS = ((1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0))
"""Draws of the guide per step: one of x and z, and its reflections; without noise in z the first two are all."""
CHUNK = 50
SHORT_CHUNK = 10
LONG_STEP = 40_000
"""Densities of rows per step beyond which a call makes only `SHORT_CHUNK` steps."""
CHEAP_STEP = 8_000
"""Densities of rows per step up to which several draws are made."""
WHITENED = (0.02, 0.05, 0.09, 0.14, 0.2, 0.26, 0.33, 0.41, 0.5)
"""Shares of the steps after which the coordinates are whitened by the guide so far."""
GROWN = 6
"""Stretches over which the rows' count grows from that of a batch to all: the posterior narrows in steps, not at once."""
AVERAGED = 0.5
"""Share of the last stretch whose guides are averaged; half as much of those before, which may still be on their way."""
NETWORK = 0.3
"""Step size of the guide of z as a share of that of x, before it decays."""
FLOOR = 0.02
"""What that decays to, as a share."""
MOMENTUM, MEMORY = 0.9, 0.99
USUAL = 2.0
"""Size of a gradient in whitened coordinates, but for the noise of the rows' choice; steps along larger ones are cut."""


@dataclass(frozen=True)
class Problem:
    """What a compiled program belongs to.

    Attributes:
        structure: How the arrays of the form's numbers hang together.
        shapes: Of each array without its last axis if that is rows, else None.
    """

    form: AbstractForm
    guide: Guide
    structure: Any
    shapes: tuple[tuple[int, ...] | None, ...]

    @property
    def noisy(self) -> bool:
        """Whether the noise of rows is drawn; where it is of few dimensions it is integrated."""
        return self.form.n_noise > 0 and nodes_of(self.form.n_noise) is None

    @property
    def signs(self) -> FloatArray:
        """The reflections of a step's draw, of x and of z: (draw, 2)."""
        return np.array(SIGNS if self.noisy else SIGNS[:2])

    @property
    def n_nodes(self) -> int:
        """At how many points of z a row's density is computed for one x."""
        nodes = nodes_of(self.form.n_noise)
        return 1 if nodes is None else len(nodes.log_weights)

    @property
    def n_points(self) -> int:
        """At how many points a row's density is computed per step."""
        return len(self.signs) * self.n_nodes

    def numbers(self, constants: Any, rows: Any) -> tuple[Any, Any]:
        """The form's numbers for some rows, and what the network reads, (feature, row)."""
        constants, leaves, at = list(constants), [], 0
        for shape in self.shapes:
            if shape is None:
                leaves.append(constants.pop(0))
                continue
            size = math.prod(shape)
            leaves.append(rows[:, at : at + size].T.reshape(*shape, rows.shape[0]))
            at += size
        return jax.tree.unflatten(self.structure, leaves), rows[:, at : at + self.guide.n_features].T


class Adam(NamedTuple):
    """Learned numbers, their moments, and their mean over the steps that are averaged (names of Kingma & Ba 2015, alg. 1)."""

    numbers: GuideNumbers
    m: GuideNumbers
    v: GuideNumbers
    t: Any
    mean: GuideNumbers
    averaged: Any


class Batch(NamedTuple):
    """What the steps of a call use, one entry per step.

    Attributes:
        normals: (step, draw, normal), before reflections.
        noise: (step, draw, latent, row).
        rate: Step size of the mean of x; 0 for a step that is not taken.
        spread_rate: Step size of the covariance of x.
        noise_rate: Step size of the guide of z.
        counts: Whether the guide after the step is averaged.
        rows: (step, row, column); None where every step takes all rows.
    """

    normals: Any
    noise: Any
    rate: Any
    spread_rate: Any
    noise_rate: Any
    counts: Any
    rows: Any


@partial(jax.jit, static_argnames=("problem",))
def _advance(
    problem: Problem, constants: Any, whole: Any, weight: Any, place: Place, state: Adam, batch: Batch
) -> tuple[Adam, Any, Any]:
    """As many steps as `batch` has entries; and the bound, and whether its gradient was finite, at each.

    Args:
        whole: All rows, (row, column), where every step takes them.
        weight: What a row of a batch counts for.
    """

    def negative_bound(numbers: GuideNumbers, normals: Any, noise: Any, rows: Any) -> Any:
        given, features = problem.numbers(constants, rows)

        def one(sign: Any, normals: Any, noise: Any) -> Any:
            return _bound(problem, given, features, weight, place, numbers, sign[0] * normals, sign[1] * noise)

        # Reflected draws of one batch: what is odd in them cancels, and with it most of the noise of the rows' choice.
        reflected = jax.vmap(jax.vmap(one, in_axes=(0, None, None)), in_axes=(None, 0, 0))
        return -jnp.mean(reflected(jnp.asarray(problem.signs, normals.dtype), normals, noise))

    def step(state: Adam, given: Batch) -> tuple[Adam, Any]:
        rows = whole if given.rows is None else given.rows
        value, slope = jax.value_and_grad(negative_bound)(state.numbers, given.normals, given.noise, rows)
        finite = jnp.isfinite(value) & jnp.all(jnp.stack([jnp.all(jnp.isfinite(part)) for part in slope]))
        slope = jax.tree.map(lambda found, back: jnp.where(finite, found, back), slope, _inwards(state.numbers))
        moved = _moved(state, slope, given, weight)
        state = jax.tree.map(lambda new, old: jnp.where(given.rate > 0, new, old), moved, state)
        return state, (-value, finite)

    state, (bound, finite) = jax.lax.scan(step, state, batch)
    return state, bound, finite


def _bound(
    problem: Problem,
    given: Any,
    features: Any,
    weight: Any,
    place: Place,
    numbers: GuideNumbers,
    normals: Any,
    noise: Any,
) -> Any:
    """One draw's estimate of the evidence lower bound, up to a constant."""
    x, log_guide = problem.guide.draw(numbers, normals)
    u = place.centre + place.axes @ x
    if not problem.form.n_noise:
        log_prior, rows = problem.form.log_parts(JAX, given, u, noise)
        return log_prior + weight * jnp.sum(rows) - log_guide
    shift, log_scale = problem.guide.noise(numbers, features)
    if (nodes := nodes_of(problem.form.n_noise)) is not None:
        log_prior, rows, misfit = _integrated(problem, given, nodes, u, shift, log_scale)
        return log_prior + weight * jnp.sum(rows) - log_guide - misfit
    z = shift + jnp.exp(log_scale) * noise
    log_prior, rows = problem.form.log_parts(JAX, given, u, z)
    held = jax.lax.stop_gradient
    log_noise = -0.5 * ((z - held(shift)) * jnp.exp(-held(log_scale))) ** 2 - held(log_scale)
    # Padding has no data, and must not teach the rows that have some.
    rows = jnp.where(given.weights > 0, rows - jnp.sum(log_noise, axis=0), 0.0)
    return log_prior + weight * jnp.sum(rows) - log_guide


def _integrated(problem: Problem, given: Any, nodes: Nodes, u: Any, shift: Any, log_scale: Any) -> tuple[Any, Any, Any]:
    """Log prior, the log of each row's density with z integrated, and a number of value 0 whose gradient fits the guide of z.

    The guide of z only says where the nodes are put: its mean and scale follow those of z under the nodes' weights.

    Source:
        Naylor & Smith (1982), Applications of a method for the efficient computation of posterior distributions, §3.
    """
    held = jax.lax.stop_gradient
    points = jnp.asarray(nodes.points, u.dtype)[:, :, None]
    z = held(shift) + jnp.exp(held(log_scale)) * points

    def at(z: Any) -> tuple[Any, Any]:
        return problem.form.log_parts(JAX, given, u, z)

    log_prior, each = jax.vmap(at, out_axes=(None, 0))(z)
    each = each + jnp.asarray(nodes.log_weights, u.dtype)[:, None]
    real = given.weights > 0
    rows = jnp.where(real, jax.scipy.special.logsumexp(each, axis=0) + jnp.sum(held(log_scale), axis=0), 0.0)
    shares = jax.nn.softmax(held(each), axis=0)[:, None]
    mean = jnp.sum(shares * z, axis=0)
    log_sd = 0.5 * jnp.log(jnp.sum(shares * (z - mean) ** 2, axis=0) + 1e-4)
    misfit = 0.5 * jnp.sum(jnp.where(real, (shift - mean) ** 2 + (log_scale - log_sd) ** 2, 0.0))
    return log_prior, rows, misfit - held(misfit)


def _inwards(numbers: GuideNumbers) -> GuideNumbers:
    """A gradient for draws at which the density is no number: back to where the stretch began, and narrower.

    Steps that were merely left out would let the guide grow into what is left out.
    """
    still = jax.tree.map(jnp.zeros_like, numbers)
    return still._replace(mean=numbers.mean, log_scale=jnp.exp(2.0 * numbers.log_scale), factor=numbers.factor)


def _moved(state: Adam, slope: GuideNumbers, given: Batch, weight: Any) -> Adam:
    """One optimiser, and the running mean of where such lead.

    In whitened coordinates the bound curves about as much in every direction, and plain steps, averaged, lose nothing to the
    best there are; Adam's division is for gradients that are larger than whitening lets expect. The guide of z is Adam's.
    """
    t = state.t + 1.0
    m = jax.tree.map(lambda old, g: MOMENTUM * old + (1.0 - MOMENTUM) * g, state.m, slope)
    v = jax.tree.map(lambda old, g: MEMORY * old + (1.0 - MEMORY) * g**2, state.v, slope)
    shrunk, grown = 1.0 - MOMENTUM**t, 1.0 - MEMORY**t

    def of_mean(at: Any, a: Any, b: Any) -> Any:
        # Which rows are in a batch moves the mean by about one sd to and fro, however many there are.
        rate = given.rate / jnp.maximum(1.0, 0.25 * given.rate * weight)
        return at - rate * (a / shrunk) / jnp.maximum(1.0, jnp.sqrt(b / grown / weight) / USUAL)

    # One measure for the whole covariance: cut one by one, its many entries would each wander as far as one may.
    whole = jnp.sqrt((jnp.sum(v.log_scale) + jnp.sum(v.factor)) / grown / v.mean.shape[0])

    def of_spread(at: Any, a: Any, b: Any) -> Any:
        del b
        return at - given.spread_rate * (a / shrunk) / jnp.maximum(1.0, whole / USUAL)

    def of_noise(at: Any, a: Any, b: Any) -> Any:
        return at - given.noise_rate * (a / shrunk) / (jnp.sqrt(b / grown) + 1e-8)

    rules = GuideNumbers(of_mean, of_spread, of_spread, of_noise, of_noise, of_noise, of_noise)
    numbers = GuideNumbers(*(rule(*parts) for rule, *parts in zip(rules, state.numbers, m, v, strict=True)))
    averaged = state.averaged + given.counts
    share = given.counts / jnp.maximum(averaged, 1.0)
    mean = jax.tree.map(lambda old, new: old + share * (new - old), state.mean, numbers)
    return Adam(numbers, m, v, t, mean, averaged)


@dataclass(eq=False)
class Optimiser:
    """A running optimisation of one block; `advance` moves it on by one call of the compiled program.

    Attributes:
        table: All rows, (row, column): the numbers of the form that belong to rows, then what the network reads.
        batch: Rows per step; None takes all.
        seed: Words from which the random numbers of call k are drawn, with k: a run that is taken up again draws the same.
        place: Where x is counted from, and in which units.
        bounds: The mean of the bound over each call of the present stretch.
        means: The mean of x after each of them.
    """

    problem: Problem
    constants: tuple[Any, ...]
    table: np.ndarray[Any, Any]
    batch: int | None
    seed: tuple[int, ...]
    steps: int
    rate: float
    place: Place
    state: Adam
    made: int = 0
    calls: int = 0
    bounds: list[float] = field(default_factory=list)
    means: list[FloatArray] = field(default_factory=list)
    n_lost: int = 0
    _order: tuple[int, np.ndarray[Any, Any]] | None = None

    @property
    def chunk(self) -> int:
        """Steps per call."""
        return CHUNK if self._rows_per_step * self.problem.n_points <= LONG_STEP else SHORT_CHUNK

    @property
    def n_draws(self) -> int:
        """Draws per step, before reflections: more where rows are few, which makes long steps safe."""
        return max(n for n in (1, 2, 4, 8) if n == 1 or n * self._rows_per_step * self.problem.n_points <= CHEAP_STEP)

    @property
    def _rows_per_step(self) -> int:
        return len(self.table) if self.batch is None else self.batch

    @property
    def ends(self) -> tuple[int, ...]:
        """The steps at which a stretch ends, the last included."""
        return (*dict.fromkeys(max(1, round(share * self.steps)) for share in WHITENED), self.steps)

    def advance(self) -> bool:
        """One call of the compiled program; True once all steps are done."""
        (begin, end), before = self._stretch, self._weight
        share = (np.arange(self.made, self.made + self.chunk) - begin) / (end - begin)
        self._call(min(self.chunk, end - self.made), share >= 1.0 - AVERAGED * (1.0 if end == self.steps else 0.5))
        if self.made < end:
            return False
        self.settle()
        if end < self.steps:
            self.bounds, self.means = [], []
            # Of so many more rows the posterior is so much narrower.
            self.place = self.place._replace(axes=self.place.axes * math.sqrt(before / self._weight))
        return end == self.steps

    @property
    def _stretch(self) -> tuple[int, int]:
        """Where the present stretch begins and ends."""
        ends = self.ends
        end = next((end for end in ends if end > self.made), self.steps)
        return max((other for other in ends if other < end), default=0), end

    @property
    def _spread_rate(self) -> float:
        # The gradient of a covariance has noise in proportion to its error and to the dimension: longer steps than about
        # twice this would enlarge the error.
        return min(self.rate, 0.7 * self.n_draws / (self.problem.guide.n_normals + 2.0))

    @property
    def _weight(self) -> float:
        """What a row of a batch counts for in the present stretch."""
        if self.batch is None:
            return 1.0
        share = min(1.0, self.ends.index(self._stretch[1]) / GROWN) if len(self.ends) > GROWN else 1.0
        return float((len(self.table) / self.batch) ** share)

    def trial(self, n: int) -> float:
        """Some steps of full size from here, and the bound that they lead to."""
        while self.made < n:
            self._call(min(self.chunk, n - self.made), np.zeros(self.chunk, dtype=bool))
        last = np.array(self.bounds[-max(1, len(self.bounds) // 4) :])
        return float(np.mean(last)) if np.isfinite(last).all() else -np.inf

    def settle(self) -> None:
        """Take the mean of the guides that were averaged, and whiten the coordinates by it."""
        dtype = self.table.dtype
        averaged = self.state.mean if float(self.state.averaged) else self.state.numbers
        numbers = GuideNumbers(*(np.asarray(part, dtype=np.float64) for part in averaged))
        numbers, self.place = self.problem.guide.whitened(numbers, self.place)
        self.state = fresh(numbers, dtype)

    def _call(self, n: int, counts: np.ndarray[Any, Any]) -> None:
        dtype, chunk = self.table.dtype, self.chunk
        random = np.random.default_rng([*self.seed, 1, self.calls])
        guide, form = self.problem.guide, self.problem.form
        rows = self._rows_per_step if self.problem.noisy else 0
        taken = np.arange(chunk) < n
        done = np.minimum((self.made + np.arange(chunk)) / self.steps, 1.0)
        decay = FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + np.cos(np.pi * done))
        batch = Batch(
            random.standard_normal((chunk, self.n_draws, guide.n_normals), dtype=dtype),
            random.standard_normal((chunk, self.n_draws, form.n_noise, rows), dtype=dtype),
            np.where(taken, self.rate, 0.0).astype(dtype),
            np.full(chunk, self._spread_rate, dtype),
            (NETWORK * self.rate * decay).astype(dtype),
            (counts & taken).astype(dtype),
            None if self.batch is None else np.stack([self._picked(self.made + k) for k in range(chunk)]),
        )
        whole = self.table if self.batch is None else None
        place = Place(*(part.astype(dtype) for part in self.place))
        state, bound, finite = _advance(
            self.problem, self.constants, whole, np.asarray(self._weight, dtype), place, self.state, batch
        )
        self.state = jax.tree.map(np.asarray, state)
        kept = np.asarray(finite)[:n]
        self.bounds.append(float(np.asarray(bound, dtype=np.float64)[:n][kept].mean()) if kept.any() else -np.inf)
        self.n_lost += int(n - kept.sum())
        self.means.append(np.asarray(self.state.numbers.mean, dtype=np.float64))
        self.made += n
        self.calls += 1

    def _picked(self, step: int) -> np.ndarray[Any, Any]:
        """The rows of a step: each epoch goes through the table in an order of its own, and leaves out what makes no batch."""
        assert self.batch is not None
        epoch, at = divmod(step, len(self.table) // self.batch)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, np.random.default_rng([*self.seed, 2, epoch]).permutation(len(self.table))
        return self.table[self._order[1][at * self.batch : (at + 1) * self.batch]]

    def dump(self) -> dict[str, Any]:
        """Everything that changes, as arrays and numbers: with it `restore` goes on to the same guide, bit by bit."""
        return {
            **{f"state.{k}": np.asarray(part) for k, part in enumerate(jax.tree.leaves(self.state))},
            **{f"place.{name}": part for name, part in self.place._asdict().items()},
            "bounds": np.array(self.bounds),
            "means": np.array(self.means).reshape(-1, self.problem.guide.n_coordinates),
            "made": self.made,
            "calls": self.calls,
            "n_lost": self.n_lost,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `dump` gave."""
        structure = jax.tree.structure(self.state)
        leaves = [state[f"state.{k}"] for k in range(structure.num_leaves)]
        self.state = jax.tree.unflatten(structure, leaves)
        self.place = Place(*(state[f"place.{name}"] for name in Place._fields))
        self.bounds, self.means = state["bounds"].tolist(), list(state["means"])
        self.made, self.calls, self.n_lost = int(state["made"]), int(state["calls"]), int(state["n_lost"])


def fresh(numbers: GuideNumbers, dtype: Any) -> Adam:
    """An optimiser that has made no step."""
    numbers = GuideNumbers(*(np.asarray(part, dtype) for part in numbers))
    nothing = GuideNumbers(*(np.zeros_like(part) for part in numbers))
    return Adam(numbers, nothing, nothing, np.zeros((), dtype), numbers, np.zeros((), dtype))
