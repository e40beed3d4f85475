"""Terms by simulation: units of the mutilated model in every posterior draw, in replicates, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentdo.graphs import Name
from latentdo.inference import Posterior, flat
from latentdo.models.build import NUMPY
from latentdo.query import Distribution, Outcome, Term

from ..comparisons import limit_of, number_of
from ..laws import law_quantile
from ..plan import Program, TermPlan
from .noise import CHUNK, FloatArray, Layout, Noise
from .program import Arguments, StepDraws, Sums, added, log_mean_weight, run
from .roots import FARTHEST, smallest_level, where_reached, where_tail

MANY = 24
"""Terms of one shape in a call from which on compiling their program is worth its time."""
MANY_CHUNKS = 16
"""Chunks of one term after which it is compiled too, if each is a good deal of work."""
MUCH_WORK = 5e5
"""Numbers that a chunk computes, node by node."""
TOO_LARGE = 1e100
"""Size beyond which a mean or a variance has no value: below where log links are cut off, beyond what data may hold."""
MOST_UNITS = 1024
"""Units per draw for a quantile of a family whose tails are slow to compute; how large the error then is, the answer says."""
MOST_CELLS = 2**23
"""Numbers in one array at a time: 64 MiB."""


@dataclass(frozen=True, eq=False)
class TermValue:
    """A term, (replicate, column), and what is known of its evidence where that weighs the units.

    Attributes:
        units: The effective number of units behind it.
        chance: The probability of the evidence, where that is none of values of continuous nodes.
    """

    value: FloatArray
    units: FloatArray | None
    chance: FloatArray | None = None


class Simulation:
    """All terms of one call, on the same noise; what terms share is computed once."""

    def __init__(self, posterior: Posterior, seed: int, plans: Iterable[TermPlan] = ()) -> None:
        """
        Args:
            plans: Of the terms that will be asked for: programs that many of them share are compiled.
        """
        self.posterior = posterior
        self.n_draws = posterior.n_chains * posterior.n_draws
        random = np.random.default_rng([seed, 0])
        self.layout = Layout.of(self.n_draws, random, all_equal=_all_equal(posterior))
        self.noise = Noise(posterior.spec, seed)
        self._counts = Counter(plan.program for plan in plans)
        self._draws: dict[Name, StepDraws] = {}
        self._found: dict[tuple[Term, int], TermValue] = {}
        self._sums: dict[tuple[Term, Program], tuple[int, Sums]] = {}
        self._quantiles: dict[Term, FloatArray] = {}
        self._on_device: dict[tuple[str, Name, int], Any] = {}
        self._open = ExitStack()
        self._keeps_programs = False

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def affordable(self, ladder: Sequence[int], plans: Iterable[TermPlan]) -> Sequence[int]:
        """The numbers of units that take seconds: fewer for quantiles of a family whose tails are slow to compute."""
        dear = any(p.statistic == "crossing" and not p.spec[p.outcome].family.cdf_compiles for p in plans)
        return [n_units for n_units in ladder if n_units <= MOST_UNITS] or ladder if dear else ladder

    def term(self, plan: TermPlan, n_units: int) -> TermValue:
        """One term; one that several queries share is simulated once."""
        key = (plan.term, n_units)
        if key not in self._found:
            # A draw far out may overflow; what is not finite in the end is refused by name.
            with np.errstate(all="ignore"):
                self._found[key] = self._value(plan, n_units)
        return self._found[key]

    def _value(self, plan: TermPlan, n_units: int) -> TermValue:
        term = plan.term
        if term.kind == "quantile":
            return self._quantile(plan, n_units)
        sums = self._summed(plan, plan.program, n_units)
        units = self._units(plan.program, sums)
        if plan.statistic == "weight":
            value = log_mean_weight(sums, n_units, NUMPY)
            if plan.evidence_program.weighs:
                evidence = self._summed(plan, plan.evidence_program, n_units)
                value = value - log_mean_weight(evidence, n_units, NUMPY)
                own = self._units(plan.evidence_program, evidence)
                units = own if units is None or own is None else np.minimum(units, own)
            return TermValue(np.exp(value), units)
        first = sums.first / sums.weight
        match term.kind:
            case "mean":
                value = first + self._centre(plan)
            case "variance" | "sd":
                variance = np.maximum(sums.second / sums.weight - first**2, 0.0)
                value = variance if term.kind == "variance" else np.sqrt(variance)
            case "event":
                value = np.clip(first, 0.0, 1.0)
            case _:
                value = first
        if units is not None:
            value = np.where(units > 0, value, np.nan)
        # A log link cuts its exponential off: a number beyond is no number of the model.
        return TermValue(np.where(np.abs(value) < TOO_LARGE, value, np.nan), units, self._chance(plan, sums, n_units))

    def _chance(self, plan: TermPlan, sums: Sums, n_units: int) -> FloatArray | None:
        """The probability of the evidence; None without, and where some of it has a density in its place."""
        given = plan.term.given
        if not given or any(item.op == "=" and not plan.spec[item.name].family.discrete for item in given):
            return None
        return np.exp(log_mean_weight(sums, n_units, NUMPY))

    def _units(self, program: Program, sums: Sums) -> FloatArray | None:
        """The effective number of units, (Σw)²/Σw² (Kong 1992)."""
        if not program.weighs:
            return None
        return np.where(sums.square > 0, sums.weight**2 / sums.square, 0.0)

    def _summed(self, plan: TermPlan, program: Program, n_units: int) -> Sums:
        """The sums over the first units; those over fewer are gone on from."""
        key, n_chunks = (plan.term, program), n_units // CHUNK
        done, total = self._sums.get(key, (0, None))
        if done > n_chunks:
            # What is known of more units must not change what fewer units say.
            done, total = 0, None
        for chunk in range(done, n_chunks):
            more = self._chunk(plan, program, chunk, None)
            total = more if total is None else added([total, more], NUMPY)
        assert total is not None
        self._sums[key] = n_chunks, total
        return total

    def _quantile(self, plan: TermPlan, n_units: int) -> TermValue:
        """The value below which the outcome lies with the level's probability, draw by draw."""
        outcome, level = plan.outcome, plan.term.level
        assert level is not None
        family, column = plan.spec[outcome].family, self.posterior.facts.column(outcome)
        units: list[FloatArray | None] = [None]

        def at(limit: FloatArray) -> Sums:
            limits = np.broadcast_to(limit, self.layout.columns.shape)[..., None]
            sums = added([self._chunk(plan, plan.program, chunk, limits) for chunk in range(n_units // CHUNK)], NUMPY)
            units[0] = self._units(plan.program, sums)
            return sums

        def share(limit: FloatArray) -> FloatArray:
            sums = at(limit)
            return sums.first / sums.weight

        shape = self.layout.columns.shape
        if plan.statistic == "crossing":
            value = self._crossing(plan, at)
        elif family.points:
            value = smallest_level(share, family.points, level, shape)
        else:
            value = where_reached(share, level, (column.minimum, column.maximum), shape, whole=family.discrete)
        return TermValue(value, units[0])

    def _crossing(self, plan: TermPlan, sums_at: Callable[[FloatArray], Sums]) -> FloatArray:
        """The quantile of an outcome with a density; of a positive one by its logarithm, in which a law has no sharp end."""
        level, column = plan.term.level, self.posterior.facts.column(plan.outcome)
        assert level is not None
        is_positive = plan.spec[plan.outcome].family.support[0] == 0.0
        low, high = column.minimum, column.maximum
        if is_positive:
            low, high = np.log(max(low, 1e-3 * high)), np.log(high)

        def tail(place: FloatArray) -> tuple[FloatArray, FloatArray]:
            limit = np.exp(place) if is_positive else place
            sums = sums_at(limit)
            return sums.first / sums.weight, sums.second / sums.weight * (limit if is_positive else 1.0)

        # What fewer or more units gave is near.
        start = self._quantiles.get(plan.term)
        if start is None:
            start = np.full(self.layout.columns.shape, low + level * (high - low))
        place = where_tail(tail, level, start, high - low or 1.0, upper=plan.is_upper)
        self._quantiles[plan.term] = place
        value = np.exp(place) if is_positive else place
        return np.where(np.abs(value) < FARTHEST, value, np.nan)

    def _chunk(self, plan: TermPlan, program: Program, chunk: int, limit: FloatArray | None) -> Sums:
        """One chunk of units, in as many pieces as memory asks for."""
        n_replicates, n_columns = self.layout.columns.shape
        cells = n_replicates * n_columns * CHUNK * len(program.combinations)
        long = chunk >= MANY_CHUNKS and cells * len(program.steps) >= MUCH_WORK
        compiled = program.compiles and (long or self._counts[program] >= MANY)
        arguments = self._arguments(plan, program, chunk, limit, compiled=compiled)
        n_pieces = -(-cells // MOST_CELLS)
        if n_pieces == 1:
            return self._run(program, arguments, (n_replicates, n_columns, CHUNK), compiled)
        # Pieces of one width, so that they share a program; the last one overlaps with the one before.
        width = -(-n_columns // n_pieces)
        starts = [min(start, n_columns - width) for start in range(0, n_columns, width)]
        parts = [
            self._run(program, _piece(arguments, start, width, n_columns), (n_replicates, width, CHUNK), compiled)
            for start in starts
        ]
        whole = [np.empty((n_replicates, n_columns)) for _ in Sums._fields]
        for start, part in zip(starts, parts, strict=True):
            for array, piece in zip(whole, part, strict=True):
                array[:, start : start + width] = piece
        return Sums(*whole)

    def _run(self, program: Program, arguments: Arguments, shape: tuple[int, int, int], compiled: bool) -> Sums:
        if not compiled:
            return run(NUMPY, program, arguments, shape)
        from .compiled import run_compiled

        self._enter_jax()
        with _float64():
            return Sums(*map(np.asarray, run_compiled(program, arguments, shape)))

    def _enter_jax(self) -> None:
        """Keep what is compiled during this call."""
        if not self._keeps_programs:
            from latentdo.inference import compile_cache

            self._open.enter_context(compile_cache())
            self._keeps_programs = True

    def _arguments(
        self, plan: TermPlan, program: Program, chunk: int, limit: FloatArray | None, *, compiled: bool
    ) -> Arguments:
        """The numbers of a question, on the device where it is compiled."""
        settings = {setting.name: setting.value for setting in plan.term.do}
        given = {item.name: item for item in plan.term.given if item.op == "="}
        draws, noise, values, asked, evidence = [], [], [], [], []
        for node, step in zip(plan.order, program.steps, strict=True):
            keep = self._kept if compiled else _as_it_is
            draws.append(None if step.mechanism is None else keep("draws", node, 0, lambda n=node: self._drawn(n)))
            match step.role:
                case "drawn":
                    own = keep("noise", node, chunk, lambda n=node: self.noise.of(n, chunk, self._drawn(n).parameters))
                case "within":
                    own = keep("uniforms", node, chunk, lambda n=node: self.noise.uniforms(n, chunk))
                case _:
                    own = None
            noise.append(own)
            values.append(self._given(plan, node, step.role, settings.get(node), given.get(node), chunk))
            asked.append(
                (limit,) if limit is not None and node == plan.outcome else _limits(plan, plan.events(node), step.asked)
            )
            evidence.append(_limits(plan, plan.given(node), step.given))
        return Arguments(
            tuple(draws),
            tuple(noise),
            tuple(values),
            tuple(asked),
            tuple(evidence),
            _one(self._point(plan)),
            _one(self._centre(plan)),
        )

    def _given(
        self, plan: TermPlan, node: Name, role: str, setting: Any, seen: Outcome | None, chunk: int
    ) -> FloatArray | None:
        """The value of a node that is not drawn: set, evidence, or each level in turn."""
        spec = self.posterior.spec
        match role:
            case "set" if isinstance(setting, Distribution):
                levels = spec[node].family.points
                return law_quantile(setting, self.noise.uniforms(node, chunk), levels)
            case "set":
                return _one(number_of(spec, node, setting))
            case "seen":
                return _one(self._point(plan) if seen is None else limit_of(spec, seen))
            case _:
                return None

    def _point(self, plan: TermPlan) -> float:
        """Where a density is asked for; 0 in any other term."""
        return limit_of(self.posterior.spec, plan.term.outcomes[0]) if plan.term.kind == "density" else 0.0

    def _centre(self, plan: TermPlan) -> float:
        """A number near the outcome's mean: that of its column."""
        return self.posterior.facts.column(plan.outcome).mean if plan.statistic in ("mean", "spread") else 0.0

    def _drawn(self, node: Name) -> StepDraws:
        """What was trained of a node, where its draws are."""
        if node not in self._draws:
            coefficients, parameters = flat(self.posterior.by_node[node])
            columns = self.layout.columns
            placed = {name: values[columns][..., None] for name, values in parameters.items()}
            self._draws[node] = StepDraws(coefficients[columns], placed)
        return self._draws[node]

    def _kept(self, kind: str, node: Name, chunk: int, make: Callable[[], Any]) -> Any:
        """What many questions share, once on the device."""
        key = (kind, node, chunk)
        if key not in self._on_device:
            import jax

            with _float64():
                self._on_device[key] = jax.device_put(make())
        return self._on_device[key]


def _all_equal(posterior: Posterior) -> bool:
    """Whether every draw is the same: a model whose parameters are all fixed."""
    draws = (flat(own) for own in posterior.by_node.values())
    arrays = (values for coefficients, parameters in draws for values in (coefficients, *parameters.values()))
    return all((values == values[:1]).all() for values in arrays)


def _as_it_is(kind: str, node: Name, chunk: int, make: Callable[[], Any]) -> Any:
    del kind, node, chunk
    return make()


def _float64() -> Any:
    from latentdo.inference import float64

    return float64()


def _one(value: float) -> FloatArray:
    return np.full((1, 1, 1), value)


def _limits(plan: TermPlan, items: list[Outcome], operators: tuple[str, ...]) -> tuple[FloatArray, ...]:
    """The limits of a step's comparisons; none where the program does not compare."""
    return tuple(_one(limit_of(plan.spec, item)) for item in items) if operators else ()


def _piece(arguments: Arguments, start: int, width: int, n_columns: int) -> Arguments:
    """The part of the arguments that belongs to some columns."""

    def cut(array: Any) -> Any:
        # Columns are the last axis but one, of coefficients and of everything else.
        return array[..., start : start + width, :] if array.ndim > 2 and array.shape[-2] == n_columns else array

    def within(part: Any) -> Any:
        match part:
            case None:
                return None
            case StepDraws():
                return StepDraws(cut(part.coefficients), {name: cut(value) for name, value in part.parameters.items()})
            case tuple():
                return tuple(map(within, part))
            case _:
                return cut(part)

    return Arguments(*map(within, arguments))
