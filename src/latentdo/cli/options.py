"""Options that several commands share: annotations, and how a model is trained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, Token

from latentdo.errors import UsageError
from latentdo.extensions import ENGINES, unknown

if TYPE_CHECKING:
    from latentdo.models.study import Study


def _whole(_: object, tokens: Sequence[Token]) -> int:
    """Digits alone: `int` as cyclopts reads it rounds 1.5, and a seed or a count is never meant so."""
    text = tokens[0].value.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text):
        raise ValueError(f"expected a whole number, got {text!r}")
    return int(text)


Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
"""On or off, without a `--no-…`."""

Source = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A text, a path, or `-` for standard input."""

Output = Annotated[str | None, Parameter(name=["-o", "--output"])]

Whole = Annotated[int, Parameter(converter=_whole)]
WholeOrNone = Annotated[int | None, Parameter(converter=_whole)]


def _engine(_: object, tokens: Sequence[Token]) -> str:
    """An engine that is known once the modules of `--import` are."""
    from latentdo.models.study import engine_names

    name = tokens[0].value
    if name not in engine_names():
        raise ValueError(unknown("engine", name, engine_names(), ENGINES))
    return name


EngineChoice = Annotated[str | None, Parameter(converter=_engine)]
GuideChoice = Literal["full-rank", "low-rank", "amortised"]

Names = Annotated[list[str] | None, Parameter(negative=())]


@Parameter(name="*")
@dataclass(frozen=True)
class Training:
    """How a model is trained, where that differs from what its study states.

    Attributes:
        engine: In place of the engine and the numbers that the study states: auto, nuts, svi, laplace, map, or your own.
        max_steps: Most transitions per chain of a block before it is given up, 16000 unless given (auto).
        draws: Kept draws (nuts: per chain; svi, laplace).
        warmup: Draws per chain that adapt the sampler and are thrown away (nuts).
        chains: Number of chains (nuts).
        steps: Optimiser steps (svi).
        guide: The laws that svi chooses from.
        rank: Directions of the low-rank guide (svi).
        batch: Rows per step (svi); left out, all while they are few.
        learning_rate: Of the optimiser, above 0 and at most 1 (svi).
    """

    engine: EngineChoice = None
    max_steps: WholeOrNone = None
    draws: WholeOrNone = None
    warmup: WholeOrNone = None
    chains: WholeOrNone = None
    steps: WholeOrNone = None
    guide: GuideChoice | None = None
    rank: WholeOrNone = None
    batch: WholeOrNone = None
    learning_rate: float | None = None

    def of(self, study: Study) -> Study:
        """The study with this engine, or with single numbers of its own engine changed.

        Raises:
            UsageError: A number that the engine does not take.
        """
        from latentdo.models.study import InferenceSettings

        given = {name: value for name, value in asdict(self).items() if value is not None}
        settings = replace(study.inference if self.engine is None else InferenceSettings(), **given)
        if (found := settings.misplaced()) is not None:
            option, takers = found[0].replace("_", "-"), found[1]
            raise UsageError(
                f"--{option} belongs to --engine {' or '.join(takers)}, and the engine is {settings.engine}. "
                f"Add --engine {takers[0]}."
            )
        return replace(study, inference=settings)


DEFAULT = Training()


def name_groups(option: str, given: list[str] | None) -> list[tuple[str, ...]] | None:
    """Each text as the names that it joins with commas; a name that holds a comma stands in backticks."""
    if given is None:
        return None
    groups = []
    for text in given:
        names = tuple(name.strip() for name in _split(text))
        if not all(names):
            raise UsageError(f"{option} {text!r}: expected a node, or several with commas between them.")
        groups.append(names)
    return groups


def _split(text: str) -> list[str]:
    pieces, quoted = [""], False
    for char in text:
        if char == "`":
            quoted = not quoted
        elif char == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += char
    return pieces
