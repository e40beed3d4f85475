"""The built-in studies by name, and data drawn from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from latentdo import arguments
from latentdo.errors import StudyError
from latentdo.tables import Table

from . import covid, knockout, multicause, multicause_strong, napkin, signaling, signaling_strong
from .built_in import Progress, Study

STUDIES: Mapping[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (multicause, napkin, signaling, covid, multicause_strong, signaling_strong, knockout)
}
MAX_UNITS = 10**7


def study(name: str) -> Study:
    """The built-in study of this name."""
    return STUDIES[arguments.choice("study", name, STUDIES, partial(StudyError, key="study"))]


def simulate(
    name: str,
    n: int,
    *,
    seed: int = 0,
    do: Mapping[str, float] | str | None = None,
    latents: bool = False,
    progress: Progress | None = None,
) -> Table:
    """Units drawn from a study's true process, not from its model; measured nodes only unless `latents`.

    Args:
        n: Number of units, up to ten million.
        do: Values of the nodes that are set by intervention, as a mapping or a text such as "SOS=70, Ras=30".
        progress: Called now and then with the fraction done.

    Raises:
        StudyError: No study of that name, `n` or `seed` out of range, or `do` is neither mapping nor such a text.
        UnknownNodeError: A name in `do` is not a node of the study.
        SupportError: A value in `do` is not possible for its node.
    """
    chosen = study(name)
    n = arguments.whole("n", n, partial(StudyError, key="n"), most=MAX_UNITS)
    seed = arguments.whole("seed", seed, partial(StudyError, key="seed"), least=0)
    arguments.flag("latents", latents, partial(StudyError, key="latents"))
    return chosen.simulate(n, seed=seed, do=_held(do), latents=latents, progress=progress)


def _held(do: Any) -> Mapping[str, float]:
    """The nodes that are set, from whatever form that has."""
    if do is None:
        return {}
    if isinstance(do, str):
        return held_of([do])
    if not isinstance(do, Mapping):
        raise StudyError(
            f"do= is {type(do).__name__}; expected a mapping from nodes to values, such as do={{'X': 0}}, or the text 'X=0'.",
            key="do",
        )
    for name in do:
        if not isinstance(name, str):
            raise StudyError(f"do={do!r}: a node is named by a text, got {name!r}, as in do={{'X': 0}}.", key="do")
    return do


def held_of(texts: Iterable[str], option: str = "do=") -> dict[str, float]:
    """The nodes and values in texts such as "SOS=70, Ras=30".

    Args:
        option: What messages call the texts.

    Raises:
        StudyError: Something else than NAME=NUMBER, or a node that is set twice.
    """
    held: dict[str, float] = {}
    for piece in (piece.strip() for text in texts for piece in text.split(",")):
        node, sign, value = (part.strip() for part in piece.rpartition("="))
        try:
            number = float(value)
        except ValueError:
            number = None
        if not sign or not node or number is None:
            raise StudyError(f"{option} {piece}: expected a node and a number, such as {option} SOS=70.", key="do")
        if node in held:
            raise StudyError(f"{option} sets {node} twice. A node is held at one value.", key="do")
        held[node] = int(number) if number.is_integer() else number
    return held
