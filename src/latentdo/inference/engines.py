"""The ways to train, as values: pass one to `ld.fit`."""

from __future__ import annotations

from dataclasses import dataclass

from latentdo.errors import FitError


@dataclass(frozen=True)
class Auto:
    """The default: ensemble Hamiltonian Monte Carlo, block by block, extended until what the data pin down has converged.

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


Engine = Auto | Nuts


def _check_count(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise FitError(f"{name} must be a whole number of at least {least}, got {value!r}.")
