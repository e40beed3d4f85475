"""The ways to train, as values: pass one to `ld.fit`."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.errors import FitError, nearest

GUIDES = ("full-rank", "low-rank", "amortised")
"""The families of laws that `Svi` chooses from."""


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
        _check_count("max_steps", self.max_steps, 200)


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
        _check_count("draws", self.draws, 4)
        _check_count("warmup", self.warmup, 1)
        _check_count("chains", self.chains, 1)


@dataclass(frozen=True)
class Svi:
    """Stochastic variational inference on each block: the Gaussian law nearest to its posterior. An approximation.

    Args:
        steps: Optimiser steps.
        guide: Which laws it chooses from. `full-rank`: Gaussians of the parameters with any covariance; `low-rank`: of a
            diagonal and `rank` directions. Both put a row's latents around where the model itself places them given the
            parameters, with a mean and a spread that all rows share. `amortised`: as `full-rank`, and a small network reads
            mean and spread off the row.
        rank: Directions of the low-rank guide.
        batch: Rows per step; None takes all of them while they are few, and minibatches where they are many.
        draws: Draws of the law that are kept.
        learning_rate: Of the optimiser, at its highest.

    Source:
        Kucukelbir, Tran, Ranganath, Gelman & Blei (2017), Automatic differentiation variational inference; minibatches as in
        Hoffman, Blei, Wang & Paisley (2013), Stochastic variational inference.
    """

    steps: int = 5_000
    guide: str = "full-rank"
    rank: int = 10
    batch: int | None = None
    draws: int = 1_000
    learning_rate: float = 0.05

    def __post_init__(self) -> None:
        _check_count("steps", self.steps, 1)
        if self.guide not in GUIDES:
            raise FitError(f"guide must be one of {', '.join(GUIDES)}. {nearest(str(self.guide), GUIDES)}")
        _check_count("rank", self.rank, 1)
        if self.batch is not None:
            _check_count("batch", self.batch, 1)
        _check_count("draws", self.draws, 4)
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1:
            raise FitError(f"learning_rate must be a number above 0 and at most 1, got {rate!r}.")


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
        _check_count("draws", self.draws, 4)


@dataclass(frozen=True)
class Map:
    """The posterior mode alone, one draw: answers have no sd and no interval."""


Engine = Auto | Nuts | Svi | Laplace | Map


def _check_count(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise FitError(f"{name} must be a whole number of at least {least}, got {value!r}.")
