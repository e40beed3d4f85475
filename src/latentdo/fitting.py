"""One fit from start to end: what the verb and the command both do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo import arguments
from latentdo.errors import SpecError

from .opening import rows_of, study_and_engine

if TYPE_CHECKING:
    from latentdo.inference import Engine, Posterior, Watcher
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study


def fit_resumably(
    model: ModelSpec | Study | str | Path,
    data: Any = None,
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | Watcher | None = None,
    start: Posterior | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    workers: int = 1,
    check: bool | None = None,
    missing: str | None = None,
    do: str | None = None,
) -> tuple[Posterior, Callable[[], None]]:
    """What `fit` gives, by so many processes of our own if there is no executor; and a function that removes its checkpoint.

    Progress may be told to somebody who shows it elsewhere.
    """
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


def facts_of(posterior: Posterior) -> dict[str, Any]:
    """What is known of a fit, as plain values: how it was trained, whether it converged, and what must not be overlooked."""
    return {
        "converged": posterior.converged,
        "doubt": posterior.doubt or None,
        "engine": posterior.engine,
        "approximate": list(posterior.approximate),
        "seed": posterior.seed,
        "chains": posterior.n_chains,
        "draws": posterior.n_draws,
        "n_rows": posterior.facts.n_rows,
        **posterior.facts.cells_json(),
        "seconds": posterior.seconds,
        "plan": posterior.plan.split("\n"),
        "khat": max((block.khat for block in posterior.blocks if block.khat is not None), default=None),
        "diagnostics": [{"name": d.name, "rhat": d.rhat, "ess": d.ess} for d in posterior.diagnostics],
        "queries": [{"name": name, "query": str(query)} for name, query in posterior.queries],
        "units": dict(posterior.units),
        "warnings": [*_cautions(posterior), *posterior.warnings],
    }


def _cautions(posterior: Posterior) -> Iterator[str]:
    """What a program must not overlook: approximate draws, how far off, a fit that has not converged, or that does not fit."""
    from latentdo.inference import KHAT_LIMIT

    for block in posterior.approximated():
        far = block.khat is not None and block.khat > KHAT_LIMIT
        judged = f", and far from it (Pareto k-hat {block.khat:.2f}, above {KHAT_LIMIT:g})" if far else ""
        yield (
            f"{block.block.name}: approximate: {block.approximate}, not draws of the posterior{judged}. Compare with "
            "--engine auto"
        )
    if posterior.is_point:
        yield "one draw: nothing says how uncertain it is. Train with --engine auto for intervals"
    if posterior.doubt:
        yield f"the fit did not converge: {posterior.doubt}"
    if posterior.misfit:
        yield posterior.misfit
