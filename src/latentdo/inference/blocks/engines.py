"""The ways to train, as values: pass one to `ld.fit`. One of your own derives from `AbstractEngine`, and needs no other place."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from latentdo import arguments, extensions
from latentdo.errors import FitError, SpecError

GUIDES = ("full-rank", "low-rank", "amortised")
"""The families of laws that `Svi` chooses from."""
RANK = 10
"""Directions of the low-rank guide, unless stated."""


class AbstractEngine(abc.ABC):
    """A way to train: a frozen dataclass, whose fields are its arguments and whose `repr` is kept with the fit.

    A class with a `name` is known by it. One of your own `Trains` blocks: it has a method `train` beside its `shape`, and what
    it prints of a block is the `Method("other", of="…")` that it gives its draws. Those of latentdo are trained by the planner.

    Attributes:
        name: What studies and the command line call it.
        is_point: Whether it gives one draw, which has no spread.
    """

    name: ClassVar[str]
    is_point: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        extensions.guard(cls, Trains, "engine")
        extensions.guard(cls, AbstractEngine, "engine")
        if "name" in vars(cls):
            if not isinstance(cls.name, str) or not cls.name.replace("-", "_").isidentifier():
                raise SpecError(
                    f"The engine {cls.__name__} has name = {cls.name!r}; expected: a word that can be typed behind --engine. "
                    "Correct it in the class."
                )
            extensions.enter(extensions.ENGINES, cls, "engine", SpecError)

    @classmethod
    def arguments(cls) -> tuple[str, ...]:
        """The names of its arguments, in order."""
        return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else ()

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """Chains, and draws per chain that are kept of every block: the same in all, so that they can be paired."""


@runtime_checkable
class Trains(Protocol):
    """What an engine of one's own adds to `AbstractEngine`."""

    def train(self, task: Any) -> Any:
        """The draws of one block (a `Task`) as `BlockDraws`; blocks without anything to learn do not come here."""
        ...


ENGINES: Mapping[str, type[AbstractEngine]] = extensions.ENGINES
"""Every engine, by name."""
CHAINS, KEPT = 16, 250
"""Chains of an ensemble run, and draws that are kept of each, taken evenly: 4,000 in all."""
MOST = {
    "max_steps": 10**8,
    "steps": 10**8,
    "draws": 10**6,
    "warmup": 10**6,
    "chains": 1000,
    "rank": 1000,
    "batch": 10**8,
}
"""The largest counts that are taken, in studies too: more would be weeks of work."""
MOST_DRAWS = 10**7
"""Draws of all chains together: of one parameter they take 76 MiB."""
CHUNK = 20
"""Transitions per call of the compiled program: every run length is a multiple of it, so that one program serves all."""


@dataclass(frozen=True)
class Auto(AbstractEngine):
    """The default: block by block the cheapest method that its own diagnostics certify.

    Closed forms where there are any, importance sampling for single equations, ensemble Hamiltonian Monte Carlo for the rest,
    extended until what the data pin down has converged. `Posterior.plan` says what was done, and how it was certified.

    Args:
        max_steps: Most transitions per chain that one block may take, warm-up included, before it is given up and
            the fit says that it did not converge.
    """

    name = "auto"

    max_steps: int = 16_000

    def __post_init__(self) -> None:
        _take_counts(self, max_steps=200)

    @property
    def shape(self) -> tuple[int, int]:
        """Many short chains."""
        return CHAINS, min(KEPT, self.max_steps // 2 // CHUNK * CHUNK)


@dataclass(frozen=True)
class Nuts(AbstractEngine):
    """The No-U-Turn sampler of NumPyro on each block: slower than `Auto`, and the reference to compare it with.

    Args:
        draws: Kept draws per chain.
        warmup: Transitions per chain that adapt the sampler and are thrown away.
        chains: Number of chains, run side by side.

    Source:
        Hoffman & Gelman (2014), The No-U-Turn sampler.
    """

    name = "nuts"

    draws: int = 1000
    warmup: int = 1000
    chains: int = 4

    def __post_init__(self) -> None:
        _take_counts(self, draws=4, warmup=1, chains=1)

    @property
    def shape(self) -> tuple[int, int]:
        """As asked for."""
        return self.chains, self.draws


@dataclass(frozen=True)
class Svi(AbstractEngine):
    """Stochastic variational inference on each block: the Gaussian law nearest to its posterior. An approximation.

    Args:
        steps: Optimiser steps.
        guide: Which laws it chooses from. `full-rank`: Gaussians of the parameters with any covariance; `low-rank`: of a
            diagonal and `rank` directions. Both put a row's latents around where the model itself places them given the
            parameters, with a mean and a spread that all rows share. `amortised`: as `full-rank`, and a small network reads
            mean and spread off the row.
        rank: Directions of the low-rank guide, a whole number: 10 unless stated. No other guide has them.
        batch: Rows per step; None takes all of them while they are few, and minibatches where they are many.
        draws: Draws of the law that are kept.
        learning_rate: Of the optimiser, at its highest.

    Source:
        Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), Automatic differentiation variational inference; minibatches as in
        Hoffman, Blei, Wang & Paisley (2013), Stochastic variational inference.
    """

    name = "svi"

    steps: int = 5_000
    guide: str = "full-rank"
    rank: int | None = None
    batch: int | None = None
    draws: int = 1_000
    learning_rate: float = 0.05

    def __post_init__(self) -> None:
        arguments.choice("guide", self.guide, GUIDES, FitError)
        if self.rank is None and self.guide == "low-rank":
            object.__setattr__(self, "rank", RANK)
        _take_counts(
            self, steps=1, draws=4, **{name: 1 for name in ("rank", "batch") if getattr(self, name) is not None}
        )
        if self.rank is not None and self.guide != "low-rank":
            raise FitError(
                f"rank belongs to the guide low-rank, and the guide is {self.guide}. Leave rank out, or name the guide low-rank."
            )
        rate = arguments.number("learning_rate", self.learning_rate, FitError, above=0, most=1)
        object.__setattr__(self, "learning_rate", rate)

    @property
    def shape(self) -> tuple[int, int]:
        """Draws of one law."""
        return 1, self.draws


@dataclass(frozen=True)
class Laplace(AbstractEngine):
    """Laplace's approximation to each block: the Gaussian at the posterior mode, with the latents integrated.

    Args:
        draws: Draws of it that are kept.

    Source:
        Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities.
    """

    name = "laplace"

    draws: int = 1_000

    def __post_init__(self) -> None:
        _take_counts(self, draws=4)

    @property
    def shape(self) -> tuple[int, int]:
        """Draws of one law."""
        return 1, self.draws


@dataclass(frozen=True)
class Map(AbstractEngine):
    """The posterior mode alone, one draw: answers have no sd and no interval."""

    name = "map"
    is_point = True

    @property
    def shape(self) -> tuple[int, int]:
        """One draw."""
        return 1, 1


Engine = AbstractEngine


def _take_counts(engine: Engine, **least: int) -> None:
    """Check that these fields are whole numbers, each at least so large; those of NumPy become Python's, as archives write.

    Raises:
        FitError: One is none, or so large that its draws could neither be made nor kept.
    """
    for name, smallest in least.items():
        value = arguments.whole(name, getattr(engine, name), FitError, least=smallest, cap=MOST[name])
        object.__setattr__(engine, name, value)
    chains, draws = engine.shape
    if chains * draws > MOST_DRAWS:
        raise FitError(
            f"{chains:,} chains of {draws:,} draws are {chains * draws:,} draws, {8 * chains * draws / 2**30:.1f} GiB for each "
            f"parameter. At most {MOST_DRAWS:,} are kept: ask for fewer."
        )
