"""One fit from start to end: what the verb and the command both do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import SpecError

from .opening import rows_of, study_and_engine

if TYPE_CHECKING:
    from latentdo.inference import Engine, Posterior
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study


def fit_resumably(
    model: ModelSpec | Study | str | Path,
    data: Any = None,
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | None = None,
    start: Posterior | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    workers: int = 1,
    check: bool | None = None,
    missing: str | None = None,
    do: str | None = None,
) -> tuple[Posterior, Callable[[], None]]:
    """What `fit` gives, by so many processes of our own if there is no executor; and a function that removes its checkpoint."""
    from latentdo.inference import Fit, Identity, Posterior, checkpoint_folder, checkpoints, train_all, watch

    if start is not None and not isinstance(start, Posterior):
        raise SpecError(f"start= is an earlier fit from ld.fit or ld.load, got {type(start).__name__}.")
    folder = None if checkpoint is None else checkpoint_folder(checkpoint)
    study, chosen = study_and_engine(model, engine)
    rows = rows_of(study.model, data, study, missing=missing, do=do)
    with watch(progress) as told:
        prepared = Fit.of(study.model, rows, chosen, arguments.seed(seed), dict(study.units))
        kept = None
        if folder is not None:
            (kept,) = checkpoints(folder, [Identity.of(study.model, rows, chosen, prepared.seed)])
        (posterior,) = train_all([replace(prepared, checkpoint=kept, start=start)], told, executor, workers)
    posterior = with_study(posterior, study, check, otherwise=True)
    return posterior, (lambda: None) if kept is None else kept.remove


def with_study(posterior: Posterior, study: Study, check: bool | None, *, otherwise: bool) -> Posterior:
    """The fit with the study's questions, on which it is judged, units and rivals; set against its rows where that is wanted."""
    from latentdo.answers import judge_fit
    from latentdo.criticism import checked_as_asked

    found = replace(judge_fit(posterior, study.queries), compare=study.compare).with_units(dict(study.units))
    return checked_as_asked(found, study.check, check, otherwise=otherwise)
