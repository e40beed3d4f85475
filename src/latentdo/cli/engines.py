"""How the command line chooses an engine: that of the study, another one, or single numbers changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from latentdo.errors import UsageError

from .options import EngineChoice

if TYPE_CHECKING:
    from latentdo.models.study import Study


def with_engine(study: Study, engine: EngineChoice | None, given: dict[str, Any]) -> Study:
    """The study with the engine of the command line, or with single numbers of the study's engine changed."""
    from latentdo.models.study import InferenceSettings

    settings = study.inference if engine is None else InferenceSettings(engine)
    settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
    if (found := settings.misplaced()) is not None:
        option, takers = found[0].replace("_", "-"), [name for name in found[1] if name in get_args(EngineChoice)]
        raise UsageError(
            f"--{option} belongs to --engine {' or '.join(takers)}, and the engine is {settings.engine}. "
            f"Add --engine {takers[0]}."
        )
    return replace(study, inference=settings)
