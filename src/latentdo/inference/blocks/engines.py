"""The ways to train, as values: pass one to `ld.fit`."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo import arguments
from latentdo.errors import FitError

GUIDES = ("full-rank", "low-rank", "amortised")
"""The families of laws that `Svi` chooses from."""
RANK = 10
"""Directions of the low-rank guide, unless stated."""


@dataclass(frozen=True)
class Auto:
    """The default: block by block the cheapest method that its own diagnostics certify.

    Closed forms where there are any, importance sampling for single equations, ensemble Hamiltonian Monte Carlo for the rest,
    extended until what the data pin down has converged. `Posterior.plan` says what was done, and how it was certified.

    Args:
        max_steps: Most transitions per chain that one block may take, warm-up included, before it is given up and
            the fit says that it did not converge.
    """

    max_steps: int = 16_000

    def __post_init__(self) -> None:
        _take_counts(self, max_steps=200)


@dataclass(frozen=True)
class Nuts:
    """The No-U-Turn sampler of NumPyro on each block: slower than `Auto`, and the reference to compare it with.

    Args:
        draws: Kept draws per chain.
        warmup: Transitions per chain that adapt the sampler and are thrown away.
        chains: Number of chains, run side by side.

    Source:
        Hoffman & Gelman (2014), The No-U-Turn sampler.
    """

    draws: int = 1000
    warmup: int = 1000
    chains: int = 4

    def __post_init__(self) -> None:
        _take_counts(self, draws=4, warmup=1, chains=1)


@dataclass(frozen=True)
class Svi:
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


@dataclass(frozen=True)
class Laplace:
    """Laplace's approximation to each block: the Gaussian at the posterior mode, with the latents integrated.

    Args:
        draws: Draws of it that are kept.

    Source:
        Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities.
    """

    draws: int = 1_000

    def __post_init__(self) -> None:
        _take_counts(self, draws=4)


@dataclass(frozen=True)
class Map:
    """The posterior mode alone, one draw: answers have no sd and no interval."""


Engine = Auto | Nuts | Svi | Laplace | Map


def _take_counts(engine: Engine, **least: int) -> None:
    """Check that these fields are whole numbers, each at least so large; those of NumPy become Python's, as archives write."""
    for name, smallest in least.items():
        value = arguments.whole(name, getattr(engine, name), FitError, least=smallest)
        object.__setattr__(engine, name, value)
