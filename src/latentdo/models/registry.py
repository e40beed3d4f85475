"""The families that the model language knows, and what a class must state to be one."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from latentdo.errors import SpecError
from latentdo.extensions import blamed, enter

from .family import AbstractFamily

ENTRY_POINTS = "latentdo.families"
"""The group under which an installed package names the modules that define its families."""


def family_named(name: str) -> type[AbstractFamily] | None:
    """The family that the model language calls so; those of installed packages are looked for when a name is not known.

    Raises:
        SpecError: A package that names its families cannot be imported.
    """
    if name not in FAMILIES:
        _load_installed()
    return FAMILIES.get(name)


@functools.cache
def _load_installed() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        # Somebody else's module: whatever it raises, the user has to know whose it was.
        except Exception as error:
            raise SpecError(
                f"The families of {entry.value} (group {ENTRY_POINTS}) cannot be loaded: {error}"
            ) from error


_Family = TypeVar("_Family", bound=AbstractFamily)

FAMILIES: dict[str, type[AbstractFamily]] = {}
"""The families that the model language knows, by name."""


def register(family: type[_Family]) -> type[_Family]:
    """Make a family known to the model language by its `name`; usable as a class decorator.

    Raises:
        SpecError: A class that is no family, one that lacks something or states what cannot be, a name that is taken.
    """
    if not isinstance(family, type) or not issubclass(family, AbstractFamily):
        raise SpecError(f"A family is a class derived from AbstractFamily, got {family!r}.")
    lacking = [name for name in ("name", "equation") if not hasattr(family, name)]
    lacking += sorted(family.__abstractmethods__)
    if lacking:
        raise SpecError(f"The family {family.__name__} lacks {', '.join(lacking)}. Define them in the class.")
    for attribute, expected in _misstated(family):
        raise SpecError(
            f"The family {family.__name__} has {attribute} = {getattr(family, attribute)!r}; expected: {expected}. Correct it "
            "in the class."
        )
    _check_made(family)
    return enter(FAMILIES, family, "family", SpecError)


_TYPED = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RESERVED = ("weight", "intercept", "mean", "levels", "max")
"""What options and keys of priors are called already, so that no parameter is."""
_FLAGS = (
    "discrete", "may_be_latent", "split", "noiseless", "linear_gaussian", "symmetric_noise", "noise_on_link", "takes_mean",
    "binary", "log_odds", "log_link", "bounded_mean", "fixed_spread", "has_levels", "ordered", "per_level",
    "cdf_compiles",
)  # fmt: skip


def _misstated(family: type[AbstractFamily]) -> Iterator[tuple[str, str]]:
    """Each attribute of a family that states what cannot be, with what is expected in its place."""
    if not _is_typed(family.name):
        yield "name", "a name that can be typed as a family: letters, digits and _, with a letter in front"
    for name in ("equation", "takes", "noise_scale", "heavier"):
        if not isinstance(getattr(family, name), str):
            yield name, "a text"
    for name in ("parameters", "option_keys", "noise_parameters", "switches"):
        names = getattr(family, name)
        if not isinstance(names, tuple) or not all(map(_is_typed, names)):
            yield name, 'a tuple of names made of letters, digits and _, such as ("shape",), with its comma'
        elif len(set(names)) < len(names):
            yield name, "each name once"
    if taken := [name for name in family.parameters if name in (*_RESERVED, *family.option_keys)]:
        yield "parameters", f"another name than {taken[0]}, which is an option already"
    for name in ("noise_parameters", "switches"):
        if not set(getattr(family, name)) <= set(family.parameters):
            yield name, "names that stand in parameters"
    pair = family.support
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(map(_is_number, pair)) and pair[0] < pair[1]):
        yield "support", "a pair (low, high) of numbers with low < high, such as (0.0, math.inf): an open interval"
    own = {*family.parameters}
    for name, known in (("as_latent", {*own, "intercept"}), ("needs", own), ("ceilings", own)):
        numbers = getattr(family, name)
        if not isinstance(numbers, Mapping) or not all(map(_is_number, numbers.values())) or not set(numbers) <= known:
            yield name, "a dict from parameters of the family to numbers"
    if family.link_sd is not None and not (_is_number(family.link_sd) and 0.0 < family.link_sd < math.inf):
        yield "link_sd", "a positive number, or None"
    for name in _FLAGS:
        if not isinstance(getattr(family, name), bool):
            yield name, "True or False"
    if family.split and family.respond is AbstractFamily.respond:
        yield "split", "False, or a method respond(m, eta, noise, parameters) of its own"


def _is_typed(name: object) -> bool:
    return isinstance(name, str) and _TYPED.fullmatch(name) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _check_made(family: type[AbstractFamily]) -> None:
    """Raise unless the class is made without arguments, and what is made twice is equal: models are compared and kept."""
    with blamed(family, "__init__", "family"):
        one, other = family(), family()
    try:
        are_equal = one == other and hash(one) == hash(other)
    except TypeError:
        are_equal = False
    if not are_equal:
        raise SpecError(
            f"Two {family.__name__}() are not equal, or have no hash, so that no model with them could be saved. Put "
            "@dataclass(frozen=True) above the class, and @register above that."
        )
    if family.has_levels and not hasattr(one, "levels"):
        raise SpecError(f"The family {family.__name__} has levels and no field for them. Add levels: tuple = () to it.")
