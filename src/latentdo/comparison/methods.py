"""Which methods are compared, by name or by value, and with which nuisance models."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError, UnknownNodeError, nearest
from latentdo.estimators import AbstractMethod, Models, all_methods

from .row import LVM


def method_names() -> tuple[str, ...]:
    """The names of all methods that are known, the model first, in the order in which tables show them."""
    return (LVM, *(method.name for method in all_methods()))


def methods_of(given: Any = None, *, with_model: bool = True) -> tuple[AbstractMethod, ...]:
    """The rivals and baselines that are meant, in the order of tables; `lvm` names no rival and is left out.

    Args:
        given: A name, a method, or several of either; all of them if None.
        with_model: Whether there is a latent variable model to compare with.

    Raises:
        QueryError: No method is called so, one is listed twice, or `lvm` without a model.
    """
    known = {method.name: method for method in all_methods()}
    if given is None:
        return tuple(known.values())
    listed = (
        [given] if isinstance(given, str | AbstractMethod) else list(given) if isinstance(given, Iterable) else [given]
    )
    if not listed:
        raise QueryError(f"methods= names no method. Leave it out for all, or name some: {', '.join([*known][:5])}, …")
    chosen: dict[str, AbstractMethod] = {}
    for each in listed:
        if isinstance(each, str) and each == LVM:
            if not with_model:
                raise QueryError(
                    "lvm is the latent variable model, and there is no trained one here. Give a fit in place of the graph: "
                    "ld.compare(posterior, query)."
                )
            continue
        if isinstance(each, str) and each not in known:
            raise QueryError(f"No method is called {each!r}. {nearest(each, method_names())}")
        if not isinstance(each, str | AbstractMethod):
            raise QueryError(f"A method is a name such as 'aipw', or a value of latentdo.estimators, got {each!r}.")
        method = known[each] if isinstance(each, str) else each
        if method.name in chosen:
            raise QueryError(f"{method.name} is listed twice. Keep one.")
        chosen[method.name] = method
    return tuple(sorted(chosen.values(), key=lambda method: method.place))


def study_methods(names: Collection[str]) -> tuple[AbstractMethod, ...]:
    """The methods that a study names, and the baselines; all where it names none."""
    baselines = [method.name for method in all_methods() if method.is_baseline]
    return methods_of(list(dict.fromkeys([*baselines, *names])) if names else None)


def models_of(given: Any = None) -> Models:
    """The nuisance models that are meant.

    Args:
        given: `Models`, a learner, or an estimator with the interface of scikit-learn: a classifier is then used for
            columns with levels and a regressor for continuous ones, the usual models for the others.

    Raises:
        QueryError: It is none of these.
    """
    if isinstance(given, Models):
        return given
    return Models() if given is None else Models(given)


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
