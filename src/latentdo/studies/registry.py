"""The built-in studies by name, and data drawn from them."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from latentdo.errors import StudyError, nearest
from latentdo.io import Table

from . import covid, multicause, multicause_strong, napkin, signaling, signaling_strong
from .study import Progress, Study

STUDIES: Mapping[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (multicause, napkin, signaling, covid, multicause_strong, signaling_strong)
}
MAX_UNITS = 10**7


def study(name: str) -> Study:
    """The built-in study of this name."""
    try:
        return STUDIES[name]
    except KeyError:
        raise StudyError(f"There is no study {name!r}. {nearest(name, STUDIES)}", key="study") from None


def simulate(
    name: str,
    n: int,
    *,
    seed: int = 0,
    do: Mapping[str, float] | None = None,
    latents: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Units drawn from a study's true process, not from its model; measured nodes only unless `latents`.

    Args:
        n: Number of units, up to ten million.
        do: Values of the nodes that are set by intervention.
        progress: Called now and then with the fraction done.

    Raises:
        StudyError: No study of that name, or `n` or `seed` out of range.
        UnknownNodeError: A name in `do` is not a node of the study.
        SupportError: A value in `do` is not possible for its node.
    """
    chosen = study(name)
    _require_integer("n", n, 1, MAX_UNITS)
    _require_integer("seed", seed, 0, None)
    return chosen.simulate(int(n), seed=int(seed), do=do or {}, latents=latents, progress=progress)


def _require_integer(key: str, value: Any, low: int, high: int | None) -> None:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or int(value) < low or (high is not None and int(value) > high):
        span = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise StudyError(f"{key}={value!r}: expected a whole number {span}.", key=key)
