"""Every estimator, one file or family a file: what stands here and registers itself is found by its name."""

from __future__ import annotations

import functools
from importlib import import_module
from pkgutil import iter_modules

from ..method import AbstractMethod, registered


def all_methods() -> tuple[AbstractMethod, ...]:
    """Every method with its defaults, in the order in which tables show them."""
    _load()
    return registered()


@functools.cache
def _load() -> None:
    # Once: tables ask of each of their rows which methods are baselines.
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


def baselines() -> frozenset[str]:
    """The names of the methods that say what seeing says in place of doing."""
    return frozenset(method.name for method in all_methods() if method.is_baseline)
