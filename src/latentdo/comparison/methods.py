"""Which methods are compared, by name or by value, and what they adjust for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError, UnknownNodeError
from latentdo.estimators import AbstractMethod, all_methods
from latentdo.extensions import ESTIMATORS, unknown

from .row import CORRECTED, LVM

_OF_MODEL = {LVM: LVM, CORRECTED: CORRECTED, "corrected": CORRECTED}
"""What is made of the model, by what may be typed for it: behind --methods a comma stands between names."""


def method_names() -> tuple[str, ...]:
    """The names of all methods that are known, the model first, in the order in which tables show them."""
    return (LVM, CORRECTED, *(method.name for method in all_methods()))


def is_corrected(given: Any = None, *, named: Collection[str] = ()) -> bool:
    """Whether the corrected posterior has a row: where it is named, or no method is."""
    if given is None:
        return not named or CORRECTED in named
    listed = None if isinstance(given, AbstractMethod) else arguments.listed(given)
    return any(isinstance(each, str) and _OF_MODEL.get(each) == CORRECTED for each in listed or [given])


def methods_of(
    given: Any = None, *, named: Collection[str] = (), with_model: bool = True
) -> tuple[AbstractMethod, ...]:
    """The rivals and baselines that are meant, in the order of tables; `lvm` names no rival and is left out.

    Args:
        given: A name, a method, or several of either; if None those that a study names, with the baselines, or else all.
        named: The names in the study.
        with_model: Whether there is a latent variable model to compare with.

    Raises:
        QueryError: No method is called so, one is listed twice, or `lvm` without a model.
    """
    known = {method.name: method for method in all_methods()}
    if given is None and not named:
        return tuple(known.values())
    if given is None:
        # A study is written before anything is trained, and may name the model all the same.
        baselines = (name for name in known if known[name].is_baseline)
        given = list(dict.fromkeys([*baselines, *(name for name in named if name not in _OF_MODEL)]))
    listed = None if isinstance(given, AbstractMethod) else arguments.listed(given)
    listed = [given] if listed is None else listed
    if not listed:
        raise QueryError(f"methods= names no method. Leave it out for all, or name some: {', '.join([*known][:5])}, …")
    chosen: dict[str, AbstractMethod] = {}
    for each in listed:
        if isinstance(each, str) and each in _OF_MODEL:
            if not with_model:
                raise QueryError(
                    "lvm is the latent variable model, and there is no trained one here. Give a fit in place of the graph: "
                    "ld.compare(posterior, query)."
                )
            continue
        if isinstance(each, str) and each not in known:
            said = unknown("method", each, method_names(), ESTIMATORS)
            raise QueryError(said[0].upper() + said[1:])
        if not isinstance(each, str | AbstractMethod):
            raise QueryError(f"A method is a name such as 'aipw', or a value of latentdo.estimators, got {each!r}.")
        method = known[each] if isinstance(each, str) else each
        if method.name in chosen:
            raise QueryError(f"{method.name} is listed twice. Keep one.")
        chosen[method.name] = method
    return tuple(sorted(chosen.values(), key=lambda method: method.place))


def adjust_of(given: Any, measured: Collection[str]) -> Any:
    """What to adjust for: None, `all`, or names of measured nodes as a tuple.

    Raises:
        UnknownNodeError: A name that is no measured node.
        QueryError: It is neither.
    """
    if given is None or (isinstance(given, str) and given == "all"):
        return given
    if isinstance(given, str) and given in measured:
        return (given,)
    repair = 'Write ["Z"] for one, "all" for every minimal set.'
    names = arguments.names("adjust=", given, QueryError, repair)
    for name in names:
        if name not in measured:
            raise UnknownNodeError(name, measured)
    return names
