"""latentdo: causal questions on models with hidden causes.

Each public name is loaded on first use (PEP 562), so that a verdict never pays for JAX.
"""

from __future__ import annotations

# As type checkers know it; `typing` itself would be half of what importing this package costs.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .answers import Answer
    from .api import (
        answerable,
        ask,
        compare,
        fit,
        fit_many,
        graph,
        identify,
        load,
        load_study,
        model,
        same_admg,
        simulate,
    )
    from .beyond import bounds, sensitivity
    from .checks import check
    from .errors import LatentdoError, NotIdentifiedError
    from .experiments import experiment, sample_size
    from .identification import Identified, NotIdentified
    from .inference import Auto, Laplace, Map, Nuts, Posterior, Svi

_NAMES = {
    "answers": "Answer",
    "api": "answerable ask compare fit fit_many graph identify load load_study model same_admg simulate",
    "beyond": "bounds sensitivity",
    "checks": "check",
    "errors": "LatentdoError NotIdentifiedError",
    "experiments": "experiment sample_size",
    "identification": "Identified NotIdentified",
    "inference": "Auto Laplace Map Nuts Posterior Svi",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Auto",
    "Identified",
    "Laplace",
    "LatentdoError",
    "Map",
    "NotIdentified",
    "NotIdentifiedError",
    "Nuts",
    "Posterior",
    "Svi",
    "answerable",
    "ask",
    "bounds",
    "check",
    "compare",
    "experiment",
    "fit",
    "fit_many",
    "graph",
    "identify",
    "load",
    "load_study",
    "model",
    "same_admg",
    "sample_size",
    "sensitivity",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name in ("errors", "families", "types"):
        from importlib import import_module

        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
