"""The verb that checks models, graphs and fits. It stands beside the verbs of `api` and reads models and paths as they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from latentdo import arguments
from latentdo.errors import DataError, SpecError, StudyError
from latentdo.files import exists
from latentdo.graphs import Admg, LatentDag, project
from latentdo.query import Query, queries_of

from .opening import (
    engine_of,
    fitted_rows,
    is_fit,
    model_of,
    regimes_of,
    rival_rows,
    rows_of,
    settled,
    spec_of,
    study_of,
    unpacked,
    value_of,
    with_graph,
)

if TYPE_CHECKING:
    from latentdo.answers import Report
    from latentdo.criticism import FitCheck
    from latentdo.inference import Posterior
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study, StudyTable

    Asked = str | Query | Sequence[str | Query] | Mapping[str, str | Query]

    class OneOrOther(Report, FitCheck):  # pyright: ignore
        """What the check of a text gives: a report on a model, or a check of a graph. Type checkers allow both."""


@overload
def check(
    model: LatentDag | Admg, data: Any, *queries: str | Query, every: bool = False, level: float = 0.01, seed: int = 0
) -> FitCheck: ...


@overload
def check(
    model: Posterior,
    data: Any = None,
    *queries: Asked,
    tolerance: float | None = None,
    folds: int | None = None,
    calibrate: int | None = None,
    beside: Mapping[str, Posterior] | Sequence[Posterior] = (),
    stack: bool = False,
    seed: int = 0,
) -> FitCheck: ...


@overload
def check(
    model: ModelSpec | Study | Path,
    data: Any = None,
    *,
    prior: bool = False,
    seed: int = 0,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
) -> Report: ...


@overload
def check(
    model: str,
    data: Any = None,
    *queries: Asked,
    prior: bool = False,
    every: bool = False,
    level: float = 0.01,
    tolerance: float | None = None,
    folds: int | None = None,
    calibrate: int | None = None,
    beside: Mapping[str, Posterior] | Sequence[Posterior] = (),
    stack: bool = False,
    seed: int = 0,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
) -> OneOrOther: ...


@overload
def check(
    model: Path,
    data: Any,
    *queries: Asked,
    tolerance: float | None = None,
    folds: int | None = None,
    calibrate: int | None = None,
    beside: Mapping[str, Posterior] | Sequence[Posterior] = (),
    stack: bool = False,
    seed: int = 0,
) -> OneOrOther: ...


@arguments.with_known_options
def check(
    model: ModelSpec | Study | Posterior | LatentDag | Admg | str | Path,
    data: Any = None,
    *queries: Asked,
    prior: bool = False,
    every: bool = False,
    level: float = 0.01,
    tolerance: float | None = None,
    folds: int | None = None,
    calibrate: int | None = None,
    beside: Mapping[str, Posterior] | Sequence[Posterior] = (),
    stack: bool = False,
    seed: int = 0,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
) -> Report | FitCheck:
    """Of a model whether the table fits it, of a graph whether rows contradict it, of a fit whether rows support its numbers.

    Of a model or a study: the verdict of each query and every column against its family; of a study's variants whether their
    latent projection is that of the model, and which verdicts change. Of a graph, which has no mechanisms: every constraint
    that it puts on the measured columns, tested without a model, and which edges would remove those that fail. Of a fit all of
    this, each node given its parents and what shares its latents, and of each question how far another shape could move it.

    Args:
        model: A study (a value, or the path of its file), a model, or its text. `study.variant(name)` is a study too. Or a
            graph, or the text of one. Or a fit, or its path; of a path alone, without table and questions, its model.
        data: As for `fit`; without it, a study's own data where its file exists, and the rows that a fit holds. A fit is
            checked against the rows that it was trained on.
        queries: Of a graph, questions: each edge that would repair it says what it does to their verdicts. Of a fit, questions
            with one number each; those of its study unless given.
        prior: Whether to simulate the measured nodes from the priors alone, and set them beside their columns.
        every: Of a graph, whether each minimal separating set of a pair is tested, in place of one.
        level: Of a graph, the chance that a right one has any constraint that fails.
        tolerance: Of a fit, by how much an answer may move before that matters, in its units. What the study says under `check:`,
            else a quarter of the answer, or a tenth of the outcome's standard deviation if that is more, unless given.
        folds: Of a fit, train it so many times more, each time without a part of the rows, and say how far answers go apart.
        calibrate: Of a fit, draw so many tables from it, train and check each, and say how often each word comes up where
            nothing is wrong.
        beside: Of a fit, others of the same rows whose graphs look the same from the measured nodes, by name or in a list: how
            well each predicts rows that it has not seen.
        stack: Whether to give each answer over these models too, weighted by how well they predict together.
        seed: Of that simulation, and of what the tests of a graph draw: same seed, same numbers.
        missing, do: Of a model, as for `fit`. A graph is checked on rows without missing cells, and a fit knows how its table
            was read.

    Raises:
        DataError: The table cannot have come from the model, or lacks a column of the graph.
        StudyError: `prior=True` without data, from which default priors take their scale.
        QueryError: A query that makes no sense for the model.
    """
    arguments.flag("prior", prior, SpecError)
    opened = with_graph(value_of(model))
    if (missing is not None or do is not None) and spec_of(opened) is None:
        raise SpecError(
            "missing= and do= belong to the check of a model. A graph is checked on complete, observed rows."
        )
    if isinstance(opened, LatentDag | Admg):
        return _check_graph(opened, data, queries, prior=prior, every=every, level=level, seed=seed)
    if is_fit(opened) and not prior and (opened is model or data is not None or queries):
        if every or level != 0.01:
            raise SpecError(
                "every= and level= belong to the check of a graph: ld.check(posterior.spec.graph, data, …)."
            )
        folder = Path(model).parent if isinstance(model, str | Path) else Path()
        options = _Options.of(tolerance, folds, calibrate, beside, stack, arguments.seed(seed))
        return _check_fit(opened, data, queries, folder, options)
    of_fit = {
        "tolerance": tolerance,
        "folds": folds,
        "calibrate": calibrate,
        "beside": beside or None,
        "stack": stack or None,
    }
    if given := [name for name, value in of_fit.items() if value is not None]:
        raise SpecError(f"{given[0]}= belongs to the check of a fit: ld.check(posterior, data, query, {given[0]}=…).")
    if queries or every or level != 0.01:
        option = "Queries" if queries else "every=True" if every else "level="
        raise SpecError(
            f"{option} belong to the check of a graph, and this is a model. Check its graph: ld.check(model.graph, data, …)."
        )
    return _check_model(opened, data, prior=prior, seed=seed, missing=missing, do=do)


def _check_model(
    opened: Any,
    data: Any,
    *,
    prior: bool,
    seed: int,
    missing: Literal["latent", "drop"] | None,
    do: str | None,
) -> Report:
    from latentdo.answers import check_model
    from latentdo.models import ModelSpec

    if data is None and not prior and isinstance(opened, str | ModelSpec):
        # Neither YAML nor NumPy is needed to say what a model asks for.
        return check_model(model_of(opened), (), None)
    from latentdo.answers import check_variants

    study = study_of(opened, fits=True)
    engine_of(study)
    source = data if data is not None else study.data if _exists(study.data) else None
    kept, known = (opened.data, opened.functional) if is_fit(opened) else (None, {})
    rows = kept if source is None else rows_of(study.model, source, study, missing=missing, do=do)
    regimes = tuple(regimes_of(opened))
    report = check_model(study.model, study.queries, rows, dict(study.units), known=known, regimes=regimes)
    if prior and rows is None:
        raise StudyError("A check of the priors needs the data: default priors take their scale from them.", "data")
    if prior and rows is not None:
        from latentdo.inference import check_priors_on

        report = replace(report, prior=check_priors_on(report.spec, rows, arguments.seed(seed)))
    regimes = regimes if rows is None else tuple(held for held in rows.regimes if held)
    variants = check_variants(study, report.verdicts, dict(report.functional), regimes)
    return replace(report, variants=variants, units=study.units)


def _exists(named: Path | tuple[StudyTable, ...] | None) -> bool:
    """Whether all tables are there that a study names."""
    files = [named] if isinstance(named, Path) else [each.file for each in named or ()]
    return bool(files) and all(map(exists, files))


@dataclass(frozen=True)
class _Options:
    """What the check of a fit does beside its tests."""

    tolerance: float | None
    folds: int | None
    calibrate: int | None
    beside: Mapping[str, Posterior]
    stack: bool
    seed: int

    @staticmethod
    def of(tolerance: Any, folds: Any, calibrate: Any, beside: Any, stack: Any, seed: int) -> _Options:
        """Each in its range.

        Raises:
            SpecError: One that is not.
        """
        if tolerance is not None:
            repair = "It is in the units of the answer."
            tolerance = arguments.number("tolerance=", tolerance, SpecError, above=0, repair=repair)
        if folds is not None:
            folds = arguments.whole("folds=", folds, SpecError, least=2, most=1000, repair="5 is usual.")
        if calibrate is not None:
            calibrate = arguments.whole(
                "calibrate=", calibrate, SpecError, least=1, most=10_000, repair="100 is usual."
            )
        named = beside if isinstance(beside, Mapping) else {f"fit {k}": each for k, each in enumerate(beside, 2)}
        fits = {str(name): value_of(each) for name, each in named.items()}
        for name, each in fits.items():
            if not is_fit(each):
                raise SpecError(f"beside= takes fits, and {name} is a {type(each).__name__}. Train it with ld.fit.")
        if arguments.flag("stack", stack, SpecError) and not fits:
            raise SpecError('stack=True needs other fits to stack with. Name them: beside={"other": fit}.')
        return _Options(tolerance, folds, calibrate, fits, stack, seed)


def _check_fit(posterior: Posterior, data: Any, queries: Sequence[Any], folder: Path, options: _Options) -> FitCheck:
    from latentdo.criticism import check_posterior, known, with_calibration, with_folds, with_variants

    tolerance, seed = options.tolerance, options.seed
    before = known(posterior)
    if tolerance is None and before is not None:
        tolerance = before.tolerance
    call = 'ld.check(posterior, "data.csv", query)'
    rows, _ = fitted_rows(posterior, data, folder, "the model is set against them", call)
    named = queries_of(unpacked(queries), dict(posterior.queries)) or list(posterior.queries)
    asked = [(name, settled(query, posterior)) for name, query in named]
    found = check_posterior(posterior, rows, asked, tolerance=tolerance, seed=seed)
    if options.beside:
        found = with_variants(found, posterior, rows, options.beside, stack=options.stack, seed=seed)
    if options.folds is not None:
        found = with_folds(found, posterior, rows, options.folds, seed)
    if options.calibrate is not None:
        found = with_calibration(found, posterior, rows, asked, options.calibrate, tolerance, seed)
    return found


def _check_graph(
    graph: LatentDag | Admg, data: Any, queries: Sequence[Any], *, prior: bool, every: bool, level: float, seed: int
) -> FitCheck:
    from latentdo.criticism import check_graph

    arguments.flag("every", every, SpecError)
    repair = "0.01 is usual."
    level = arguments.number("level=", level, SpecError, above=0, below=1, repair=repair)
    if prior:
        raise SpecError("A graph has no priors to look at. Write how each node is generated: X ~ normal(Z).")
    if data is None:
        raise DataError(
            "A graph without mechanisms is checked against rows, and there are none. Give a table or a path behind it: "
            'ld.check(graph, "data.csv"). What it implies is printed by latentdo identify GRAPH --implications.'
        )
    asked = queries_of(unpacked(queries), {})
    rows = rival_rows(graph, None, data, project(graph).nodes)
    return check_graph(graph, rows, asked, every=every, level=level, seed=arguments.seed(seed))
