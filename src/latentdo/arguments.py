"""What callers hand in, checked once and in one style: each check returns the value, or raises the error that its caller names.

Standard library only. NumPy's numbers and truth values are told by their protocols.
"""

from __future__ import annotations

import difflib
import math
import operator
import reprlib
from collections.abc import Callable, Iterable
from functools import wraps
from numbers import Real
from typing import Any, ParamSpec, TypeVar, cast

from .errors import LatentdoError, QueryError, SpecError, UsageError, nearest

MAX_SEED = 2**32 - 1

Raised = Callable[[str], LatentdoError]
"""An error class, or whatever else makes an error of a message."""
P = ParamSpec("P")
R = TypeVar("R")

_WEIGHTS = (
    "Rows have no weights: each is one unit. Repeat a row that stands for several, and put what a survey's sampling "
)
_WEIGHTS += "went by into the model as nodes."
_ONCE = "Rows have no weights: each is one unit, and copies of a row count once where constraints are tested."
_CLUSTERS = (
    "Rows are taken as independent. Make what units of a cluster share a node of the model, with arrows to what it "
)
_CLUSTERS += "changes: `Site ~ categorical`."
_ROLES = "The query says what is set and what is asked about: 'E[Y | do(X=1)]'. The graph says what else causes them."
_ENGINE = (
    "Numbers of the sampler belong to the engine: ld.Nuts(draws=2000, warmup=1000, chains=4), as the third argument of "
)
_ENGINE += "ld.fit."
_SEED = "Chance is given as seed=0, a whole number; the same seed gives the same numbers."
_INTERVAL = "The probability of an interval is level=0.9, of answer.interval(level), ld.compare and ld.sample_size."
_EXECUTOR = (
    "Others train by executor= of ld.fit and ld.fit_many: a pool of processes that does not fork, or a Dask client."
)
_MISSING = "Missing cells are for ld.fit and ld.check of a model, missing='latent' or 'drop', and for ld.bounds, 'any' or 'drop'."
_SPREAD = "Intervals come from the posterior: answer.interval(0.9), answer.sd. Whether rows bear them out is told by ld.check."
_TARGETS = (
    "The query says in whom: 'E[Y | do(X=1)] - E[Y | do(X=0)]' is of all, '… | do(X=1), Z=0' of those with Z = 0."
)
_SHAPES = "Curves stand in the model, in place of a parent: s(X), log(X), X^2; or model.flexible()."
_REFUTED = (
    "Whether rows support graph and numbers is told by ld.check; what an edge left out would do by ld.sensitivity."
)
_ROWS = "All rows of the table are taken. Pick rows before: table[table['Age'] > 50]."
_RIVALS = "Estimators are chosen in ld.compare: methods=['aipw'], models=ld.types.Boosted()."
_PRIORS = "Priors stand in the model: 'Y ~ normal(X, weight=normal(0, 1))', or under `priors:` in a study."
NEIGHBOURS = {
    **dict.fromkeys(("weights", "weight", "sample_weight", "sample_weights", "freq_weights"), _WEIGHTS),
    **dict.fromkeys(("cluster", "clusters", "cluster_id", "groups", "group", "id"), _CLUSTERS),
    **dict.fromkeys(("random_effects", "fixed_effects", "entity_effects", "strata", "panel", "time"), _CLUSTERS),
    **dict.fromkeys(("treatment", "outcome", "covariates", "confounders", "common_causes", "instruments"), _ROLES),
    **dict.fromkeys(("effect_modifiers", "adjustment", "controls", "exposure"), _ROLES),
    **dict.fromkeys(
        ("treatments", "outcomes", "treatment_name", "outcome_name", "target", "y", "x", "endog", "exog"), _ROLES
    ),
    **dict.fromkeys(("mediators", "mediator", "adjustment_set", "effect", "estimand", "estimand_type"), _ROLES),
    **dict.fromkeys(
        ("robust", "se", "se_type", "cov_type", "cov_kwds", "vcov", "std_errors", "standard_errors"), _SPREAD
    ),
    **dict.fromkeys(("target_units", "control_value", "treatment_value", "att", "ate"), _TARGETS),
    **dict.fromkeys(("degree", "spline", "splines", "knots", "basis"), _SHAPES),
    **dict.fromkeys(("refute", "refuter", "refuters", "placebo", "test_significance"), _REFUTED),
    **dict.fromkeys(("subset", "where"), _ROWS),
    "proceed_when_unidentifiable": "What is not identified is refused by ask, unless it is said: allow_unidentified=True.",
    **dict.fromkeys(("draws", "samples", "num_samples", "tune", "warmup", "num_warmup", "burnin"), _ENGINE),
    **dict.fromkeys(("chains", "num_chains", "cores", "steps", "target_accept", "sampler"), _ENGINE),
    **dict.fromkeys(("random_state", "random_seed", "rng", "rng_key", "key"), _SEED),
    **dict.fromkeys(("alpha", "ci", "confidence", "confidence_level", "hdi_prob", "level"), _INTERVAL),
    **dict.fromkeys(("n_boot", "n_bootstraps", "bootstrap"), "The bootstrap belongs to ld.compare: replicates=200."),
    **dict.fromkeys(("missing", "dropna", "na_action"), _MISSING),
    **dict.fromkeys(("method", "methods", "estimator", "learner", "learners", "models"), _RIVALS),
    **dict.fromkeys(("n_jobs", "num_workers", "n_workers", "workers", "pool", "client"), _EXECUTOR),
    **dict.fromkeys(("prior", "priors"), _PRIORS),
    **dict.fromkeys(("verbose", "progressbar", "progress_bar"), "Progress is shown or not by progress=True or False."),
    **dict.fromkeys(
        ("family", "families", "formula"), "Families stand in the model, a line for each node: 'Y ~ normal(X, Z)'."
    ),
}
"""Options that other libraries have and a verb here has not, each with what to do instead."""


def shown(value: Any) -> str:
    """What somebody passed, short enough for a message."""
    try:
        return reprlib.repr(value)
    except ValueError:  # a whole number of more than 4,300 digits has no text
        return f"something of type {type(value).__name__}"


def is_flag(value: Any) -> bool:
    """Whether it is a truth value, of Python or of NumPy."""
    # A NumPy boolean is called "bool", and "bool_" before NumPy 2.
    return type(value).__name__ in ("bool", "bool_")


def is_number(value: Any) -> bool:
    """Whether it is a real number, of whatever library; a truth value is none."""
    return isinstance(value, Real) and not is_flag(value)


def flag(what: str, value: Any, error: Raised) -> bool:
    """True or False. A text such as "no" would count as true, and is refused like every other value."""
    if not is_flag(value):
        raise error(f"{what} is True or False, got {shown(value)}.")
    return bool(value)


def flag_or_none(what: str, value: Any, error: Raised) -> bool | None:
    """True, False or None."""
    if value is None or is_flag(value):
        return None if value is None else bool(value)
    raise error(f"{what} is True, False or None, got {shown(value)}.")


def whole(
    what: str,
    value: Any,
    error: Raised,
    *,
    least: int = 1,
    most: int | None = None,
    cap: int | None = None,
    repair: str = "",
) -> int:
    """The value as an integer within bounds, all of them allowed.

    Args:
        what: What the message calls it: `draws`.
        error: Makes the error of the message.
        cap: A bound that only a slip is above, in place of `most`: messages name it there alone.
        repair: A sentence that ends the message.
    """
    number = _index(value)
    if number is not None and least <= number and (most is None or number <= most):
        if cap is None or number <= cap:
            return number
        raise error(f"{what} is at most {cap:,}, got {shown(value)}.")
    span = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
    if not repair and number is None and _is_finite(value) and value == int(value):
        meant = int(value)
        repair = f"Write {meant}." if least <= meant and (most is None or meant <= most) else ""
    raise error(_sentence(f"{what} is a whole number {span}, got {shown(value)}.", repair))


def number(
    what: str,
    value: Any,
    error: Raised,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    repair: str = "",
) -> float:
    """The value as a finite float within bounds: `least` and `most` are allowed themselves, `above` and `below` are not."""
    fits = (
        _is_finite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    )
    if fits:
        return float(value)
    if (above, below, least, most) == (0, 1, None, None):
        raise error(_sentence(f"{what} lies between 0 and 1, got {shown(value)}.", repair))
    limits = [
        f"{word} {bound:g}"
        for word, bound in (("of at least", least), ("above", above), ("at most", most), ("below", below))
        if bound is not None
    ]
    kind = f"a number {' and '.join(limits)}" if limits else "a finite number"
    raise error(_sentence(f"{what} is {kind}, got {shown(value)}.", repair))


def level(value: Any, error: Raised, what: str = "The level of an interval") -> float:
    """The probability of an interval."""
    return number(what, value, error, above=0, below=1, repair="Write 0.9 for 90 %.")


def with_level(method: Callable[P, R]) -> Callable[P, R]:
    """The method, whose `level`, if one is given, is checked and becomes a float: any real number is one, a fraction too."""
    code, call = method.__code__, cast("Callable[..., R]", method)
    place = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount].index("level")

    @wraps(method)
    def checked(*given: P.args, **options: P.kwargs) -> R:
        values: list[Any] = list(given)
        named: dict[str, Any] = dict(options)
        if "level" in named:
            named["level"] = level(named["level"], QueryError)
        elif place < len(values):
            values[place] = level(values[place], QueryError)
        return call(*values, **named)

    return checked


def seed(value: Any, error: Raised = SpecError) -> int:
    """The seed as an integer."""
    found = _index(value)
    if found is None or not 0 <= found <= MAX_SEED:
        raise error(f"A seed is a whole number from 0 to {MAX_SEED}, got {shown(value)}.")
    return found


def choice(what: str, value: Any, known: Iterable[str], error: Raised) -> str:
    """The value, which is one of the known names: `No guide is called 'ful-rank'. Did you mean 'full-rank'?`"""
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    raise error(f"No {what} is called {shown(value)}. {nearest(str(value), names)}")


def listed(value: Any) -> list[Any] | None:
    """What is in a list, a tuple, a set, an array or a Series; None of a text, and of what is none of them."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return None
    try:
        return list(value)
    except TypeError:  # an array without dimensions, which only seems to be one
        return None


def names(what: str, value: Any, error: Raised, repair: str = "", *, lone: bool = False) -> tuple[str, ...]:
    """The names of nodes in a list, a tuple, a set, an array or a Series, as a tuple.

    Args:
        lone: Whether a text is one name.
    """
    if isinstance(value, str) and lone:
        return (str(value),)
    given = listed(value)
    if given is None:
        repair = repair or ("Leave it out for none." if value is None else "")
        raise error(_sentence(f"{what} takes names of nodes, such as ['M'], got {shown(value)}.", repair))
    for name in given:
        if not isinstance(name, str):
            raise error(_sentence(f"{what} takes names of nodes, such as ['M'], and {shown(name)} is no name.", repair))
    # A NumPy text prints otherwise than Python's.
    return tuple(map(str, given))


def _is_finite(value: Any) -> bool:
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False


def instead_of(option: str) -> str:
    """What to do in place of an option that other libraries have; empty where nobody has it."""
    return NEIGHBOURS.get(option, "")


def with_known_options(verb: Callable[P, R]) -> Callable[P, R]:
    """The verb, which says of an option that it does not have what to do instead, or which one is meant."""
    code = verb.__code__
    known = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]

    @wraps(verb)
    def checked(*given: P.args, **options: P.kwargs) -> R:
        for option in options:
            if option not in known:
                slip = difflib.get_close_matches(option, known, n=1, cutoff=0.85)
                repair = nearest(option, known) if slip else instead_of(option) or nearest(option, known)
                # A row that is there twice is no more evidence against a graph.
                repair = _ONCE if repair == _WEIGHTS and verb.__name__ == "check" else repair
                raise UsageError(f"ld.{verb.__name__} has no option {option}=. {repair}")
        return verb(*given, **options)

    return checked


def _index(value: Any) -> int | None:
    if is_flag(value):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _sentence(message: str, repair: str) -> str:
    return f"{message} {repair}" if repair else message
