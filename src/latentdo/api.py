"""The public verbs: each parses, converts foreign objects, turns the seed into keys, and calls one room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from latentdo import arguments
from latentdo.errors import ArchiveError, QueryError, SpecError
from latentdo.graphs import Admg, LatentDag, Name, project
from latentdo.identification import Identified, NotIdentified, functions_of
from latentdo.identification import identify as _identify
from latentdo.query import Query, query_of

from .fitting import fit_resumably, with_study
from .opening import (
    checked_fits,
    fitted_rows,
    graph_from,
    graph_of,
    model_of,
    questions_of,
    regimes_of,
    rival_rows,
    settled,
    spec_of,
    stated,
    study_and_engine,
    table_first,
    tables_of,
    unpacked,
    value_of,
)

if TYPE_CHECKING:
    from latentdo.answers import Answer, Answers, EffectMatrix, Effects
    from latentdo.comparison import Comparison
    from latentdo.estimators import AbstractMethod
    from latentdo.graphs import SameAdmg
    from latentdo.identification import Answerable, Nodes
    from latentdo.inference import Engine, Posterior
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study
    from latentdo.tables import Table

    Asked = str | Query | Sequence[str | Query] | Mapping[str, str | Query]
    Methods = str | AbstractMethod | Iterable[str | AbstractMethod] | None

    class OneOrSeveral(Answer, Answers):  # pyright: ignore
        """What one text gives: an answer, or several of a law or a sweep. Type checkers, which do not read it, allow both."""


@arguments.with_known_options
def graph(
    source: Any = None,
    *,
    directed: Iterable[tuple[Name, Name]] = (),
    bidirected: Iterable[tuple[Name, Name]] = (),
    latent: Iterable[Name] = (),
    nodes: Iterable[Name] = (),
) -> LatentDag:
    """A causal graph, some of whose nodes may never have been measured.

    Args:
        source: Text of arrows (`W -> R -> X -> Y; W <-> X; latent U`), a list of edges `[("X", "Y")]`, text or the path of a
            file in another format (DOT, dagitty, lavaan, SIF, INDRA JSON, BIF, …), a networkx graph, a model, a study or its
            path, a fit or its path, or a graph. Leave it out to build from pairs. What a file says and a graph does not hold
            is logged; `latentdo.formats.read` returns it as a report, and takes options.
        directed: Edges (cause, effect).
        bidirected: Pairs with a hidden common cause.
        latent: Nodes that were never measured.
        nodes: Nodes without edges.

    Raises:
        NotationError: The text cannot be read; says where.
        GraphError: A cycle, a self-loop, or a foreign graph that cannot be represented.
    """
    if source is None:
        from latentdo.formats import graph_from_pairs

        return graph_from_pairs(directed, bidirected, latent, nodes)
    if any(arguments.listed(pairs) != [] for pairs in (directed, bidirected, latent, nodes)):
        raise QueryError("ld.graph takes a source or pairs, not both. Put the edges into the text.")
    opened = value_of(source)
    if not isinstance(opened, str) and (spec := spec_of(opened)) is not None:
        return spec.graph
    found = graph_from(opened)
    return found if isinstance(found, LatentDag) else found.graph


@arguments.with_known_options
def identify(
    model: LatentDag | Admg | ModelSpec | str | Any,
    query: str | Query,
    *,
    functional: Mapping[Name, Iterable[Name]] | Iterable[Name] = (),
    experiments: Iterable[Name | Iterable[Name]] = (),
) -> Identified | NotIdentified:
    """Whether the measured nodes can answer a question, with the formula or the reason why not.

    The verdict is complete: a "no" means that no formula exists, and carries the hedge that proves it.

    Args:
        model: A graph, a model, a study (a value, or the path of its file), a fit or its path, or text of a graph or model.
        query: `P(Y | do(X))`, `E[Y | do(X=1), Z=0]`, `E[Y | do(X=1)] - E[Y | do(X=0)]`, …; of a study the names of its
            queries too.
        functional: Nodes that are exact functions of their parents, or a mapping from each to the parents that
            determine it. `linear` nodes of a model count by themselves.
        experiments: Experiments whose rows are there besides those of observation, each as the names of the nodes that it
            sets, such as [["Z"], ["A", "B"]]: P(V | do(Z)) and P(V | do(A, B)) are known too.

    Returns:
        `Identified` with `.estimand`, or `NotIdentified` with `.hedge` and `.reason`; never None.

    Raises:
        NotationError: A text cannot be read; says where.
        QueryError: The question makes no sense for the graph.

    Source:
        Shpitser & Pearl (2006), Identification of joint interventional distributions; and of conditional ones. For
        functional nodes Chen & Darwiche (2024), Identifying causal effects under functional dependencies. With experiments
        Lee, Correa & Bareinboim (2019), General identifiability with arbitrary surrogate experiments.
    """
    opened = stated(value_of(model))
    graph, own = graph_of(opened)
    asked = settled(query_of(query, dict(getattr(opened, "queries", ()))), opened)
    known = regimes_of(opened, experiments)
    return _identify(graph, asked, functional={**own, **functions_of(functional)}, experiments=known)


@arguments.with_known_options
def answerable(
    model: LatentDag | Admg | ModelSpec | Posterior | str | Any,
    treatments: Iterable[Nodes] | None = None,
    outcomes: Iterable[Nodes] | None = None,
    *,
    given: Iterable[Name] = (),
    functional: Mapping[Name, Iterable[Name]] | Iterable[Name] = (),
    experiments: Iterable[Name | Iterable[Name]] = (),
) -> Answerable:
    """Which questions the measured nodes can answer: every ordered pair of them at once.

    Each pair is P(Y | do(X)), and each verdict the one that `ld.identify` gives, by a shorter way.

    Args:
        model: A graph, a model, a study (a value, or the path of its file), a fit or its path, or text of a graph or model.
        treatments: What is set, one row each: names, or tuples of names that are set together. Every measured node
            unless given.
        outcomes: What is asked about, one column each, as for `treatments`.
        given: What is seen after the intervention, in every pair.
        functional: As for `ld.identify`; `linear` nodes of a model count by themselves.
        experiments: As for `ld.identify`.

    Returns:
        A table of verdicts: `table["X", "Y"]` is one of them, with its form, its formula or its hedge. Of a fit,
        `ld.ask(posterior, table)` has the effects.

    Raises:
        UnknownNodeError: A name that is not a node of the graph.
        QueryError: A latent node, or one that is set or asked about and also given.

    Source:
        As for `identify`; for single treatments Tian & Pearl (2002), A general identification condition for causal
        effects, theorem 3, first.
    """
    from latentdo.identification import answerable as _answerable

    graph, own = graph_of(opened := value_of(model))
    functions, known = {**own, **functions_of(functional)}, regimes_of(opened, experiments)
    return _answerable(graph, treatments, outcomes, given=given, functional=functions, experiments=known)


@arguments.with_known_options
def same_admg(a: LatentDag | Admg | ModelSpec | str | Any, b: LatentDag | Admg | ModelSpec | str | Any) -> SameAdmg:
    """Whether two latent structures look the same from the measured nodes, and if not, where they differ.

    With the same latent projection they have the same verdicts and estimands. Whether two *models* of them have the same
    answers in the limit of many data is another question: both must be able to fit what was measured.

    Args:
        a: A graph, a model, a study (a value, or the path of its file), a fit or its path, or text of a graph or model.
        b: Likewise; the order of nodes does not matter.

    Returns:
        A value that is true or false, with `.reason`: `equal`, or which node or edge one of them has alone, and through
        which latents.
    """
    from latentdo.graphs import same_admg as _same_admg

    return _same_admg(graph_of(value_of(a))[0], graph_of(value_of(b))[0])


@arguments.with_known_options
def model(text: str | ModelSpec) -> ModelSpec:
    """A model: a graph with hidden causes, and how each node is generated.

    Args:
        text: One line per node, `Y ~ normal(X, V)`; `latent U ~ normal` for a node nobody measured.

    Raises:
        NotationError: The text cannot be read, or names a family or option that does not exist; says where.
        SpecError: A node has no mechanism.
    """
    return model_of(text)


@arguments.with_known_options
def load_study(path: str | Path) -> Study:
    """A study: model, data, priors, engine and queries from one YAML file, each a value.

    Raises:
        StudyError: The file cannot be read or has an unknown or malformed entry; says where.
    """
    from latentdo.models.study import load_study as _load

    return _load(path)


@arguments.with_known_options
def fit(
    model: ModelSpec | Study | str | Path,
    data: Any = None,
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | None = None,
    start: Posterior | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    check: bool | None = None,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
) -> Posterior:
    """A model trained once: its posterior answers any number of questions.

    Args:
        model: A model or its text, or a study (a value, or the path of its file).
        data: One row per unit: a path (CSV, TSV, Parquet), a mapping of columns, or a pandas, polars or pyarrow table; or a list
            of these, some of them from `ld.experiment(table, do=[…])`. A study that names its data needs none.
        engine: How to train; `ld.Auto()` unless the study says otherwise.
        seed: Same seed, same numbers.
        progress: Whether to show progress on stderr; None shows it on terminals and in notebooks.
        start: An earlier fit: blocks whose factors, priors, scales, data, engine and seed are the same are kept, draw for draw.
        checkpoint: A folder from which the same call goes on after Ctrl-C or a crash, to the same numbers; removed in the end.
        executor: Who trains the blocks, to the same numbers: a `concurrent.futures.Executor` not forking, or a Dask client.
        check: Whether graph and nodes are set against the rows at the end, where that takes seconds; else as the study says.
        missing: What is done about missing cells, refused unless the study says so: `latent` averages over each as over a
            hidden node of its row, assumed missing at random given what the model holds; `drop` leaves out rows with one.
        do: A column that names, row by row, the nodes that were set there (`fur, crp`): they did not answer to their causes.

    Returns:
        The posterior; `.converged` says whether what the data pin down has converged.

    Raises:
        DataError: The table cannot have come from the model; says which column and why.
        FitError: Training cannot go on: a density that is nowhere finite, or too little memory.
        StudyError: An executor that forks, or that was shut down too early.
    """
    posterior, discard = fit_resumably(
        model,
        data,
        engine,
        seed=seed,
        progress=progress,
        start=start,
        checkpoint=checkpoint,
        executor=executor,
        check=check,
        missing=missing,
        do=do,
    )
    discard()
    return posterior


@overload
def fit_many(
    model: ModelSpec | Study | str | Path,
    datasets: Mapping[str, Any],
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
    check: bool | None = None,
) -> dict[str, Posterior]: ...


@overload
def fit_many(
    model: ModelSpec | Study | str | Path,
    datasets: Sequence[Any],
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
    check: bool | None = None,
) -> list[Posterior]: ...


@arguments.with_known_options
def fit_many(
    model: ModelSpec | Study | str | Path,
    datasets: Sequence[Any] | Mapping[str, Any],
    engine: Engine | None = None,
    *,
    seed: int = 0,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    executor: Any = None,
    missing: Literal["latent", "drop"] | None = None,
    do: str | None = None,
    check: bool | None = None,
) -> list[Posterior] | dict[str, Posterior]:
    """One model trained on many tables: compiled once, all blocks of all tables in one queue.

    Each fit is the one that `ld.fit` gives for that table with the same seed. All tables are checked before the first is
    trained, and one that cannot be used refuses the call.

    Args:
        model: As for `fit`.
        datasets: Tables as for `fit`, in a sequence, or in a mapping from names.
        engine: As for `fit`.
        seed: Same seed, same numbers; the same for every table.
        progress: As for `fit`.
        checkpoint, executor, missing, do: As for `fit`: the same for all tables.
        check: As for `fit`, for every table; no unless the study says so, as many checks take long.

    Returns:
        A list in the order of the sequence, or a dict with the keys of the mapping.

    Raises:
        DataError: Some tables cannot have come from the model; says which and why.
        FitError: Training cannot go on; says at which table.
    """
    from latentdo.inference import Identity, checkpoint_folder, checkpoints, train_all, watch

    folder = None if checkpoint is None else checkpoint_folder(checkpoint)
    study, chosen = study_and_engine(model, engine)
    tables = tables_of(datasets)
    fits = checked_fits(study, tables, chosen, arguments.seed(seed), missing=missing, do=do)
    with watch(progress) as told:
        kept = []
        if folder is not None and fits:
            kept = checkpoints(folder, [Identity.of(study.model, fit.data, chosen, fit.seed) for fit in fits])
            fits = [replace(fit, checkpoint=each) for fit, each in zip(fits, kept, strict=True)]
        trained = train_all(fits, told, executor) if fits else ()
        posteriors = [with_study(posterior, study, check, otherwise=False) for posterior in trained]
    for each in kept:
        each.remove()
    return dict(zip(tables, posteriors, strict=True)) if isinstance(datasets, Mapping) else posteriors


@overload
def ask(
    posterior: Posterior, table: Answerable | Effects, /, *, seed: int = 0, allow_unidentified: bool = False
) -> EffectMatrix: ...


@overload
def ask(
    posterior: Posterior,
    query: str | Query = ...,
    /,
    *,
    seed: int = 0,
    allow_unidentified: bool = False,
    naive: bool = False,
) -> OneOrSeveral: ...


@overload
def ask(
    posterior: Posterior, *queries: Asked, seed: int = 0, allow_unidentified: bool = False, naive: bool = False
) -> Answers: ...


@arguments.with_known_options
def ask(
    posterior: Posterior,
    *queries: Asked | Answerable | Effects,
    seed: int = 0,
    allow_unidentified: bool = False,
    naive: bool = False,
) -> Answer | Answers | EffectMatrix:
    """Causal questions answered from one trained model.

    For each posterior draw the nodes in `do( )` are cut from their parents and set, latents and downstream nodes are drawn
    afresh (a new unit of the population), and the outcome is averaged; the answer is the law of that number over draws.

    Args:
        posterior: A trained model.
        queries: `E[Y | do(X=0)]`, contrasts, ratios, `P(Y > 1 | do(X=1))`, with evidence after the do; several are
            answered together. A query of the study may go by its name; without any, all of them are asked. A table from
            `ld.answerable`, or `ld.types.Effects(…)`, asks for the effect of each treatment on each outcome; it stands alone.
        seed: Same seed, same numbers.
        allow_unidentified: Compute questions that the measured nodes cannot answer, label them so, and give beside each what
            the priors alone say (`answer.prior`).
        naive: Whether to give beside each answer what seeing says in place of doing, E[Y | X=x] (`answer.naive`).

    Returns:
        An `Answer` for one question, `Answers` for several (a list of them, or a dict from names), for a law `P(Y | …)`, one
        per level, and for a sweep `… for X in 0..10`, one per point; an `EffectMatrix` for a table.

    Raises:
        NotIdentifiedError: A question is not identified, before anything is computed; `.verdict` has the hedge.
        SupportError: A value that a node cannot take.
        QueryError: A question that makes no sense for the model.

    Source:
        Taheri, Ness, Zucker & Vitek (2021), Do-calculus enables causal reasoning with latent variable models.
    """
    from latentdo.answers import ask_all
    from latentdo.inference import Posterior

    if not isinstance(posterior, Posterior):
        raise QueryError(f"ld.ask takes a trained model from ld.fit or ld.load, got {type(posterior).__name__}.")
    for option, value in (("allow_unidentified", allow_unidentified), ("naive", naive)):
        arguments.flag(option, value, SpecError)
    listed = len(queries) == 1 and isinstance(queries[0], list | tuple | Mapping)
    queries = unpacked(queries)
    if not all(isinstance(query, str | Query) for query in queries):
        # Questions alone do not pay for tables.
        from latentdo.answers import Effects, effects_of
        from latentdo.identification import Answerable

        if tables := [query for query in queries if isinstance(query, Answerable | Effects)]:
            if len(queries) > 1:
                raise QueryError(
                    "A table of effects is asked for alone. Ask the other questions in a call of their own."
                )
            if naive:
                raise QueryError(
                    "A table of effects has no naive estimates beside it. Ask for the contrasts that matter alone."
                )
            return effects_of(posterior, tables[0], arguments.seed(seed), allow_unidentified=allow_unidentified)
    asked = questions_of(queries, posterior.queries)
    answers = ask_all(posterior, asked, arguments.seed(seed), allow_unidentified=allow_unidentified, naive=naive)
    if posterior.checked:
        from latentdo.criticism import with_standing

        answers = replace(answers, items=tuple(with_standing(posterior, answers, arguments.seed(seed))))
    return answers[0] if len(asked) == 1 and len(answers) == 1 and not listed else answers


@arguments.with_known_options
def compare(
    model: Posterior | LatentDag | Admg | ModelSpec | Study | str | Path,
    /,
    *table_and_queries: Any,
    data: Any = None,
    methods: Methods = None,
    models: Any = None,
    level: float = 0.9,
    replicates: int = 200,
    folds: int = 5,
    adjust: Iterable[Name] | Literal["all"] | None = None,
    seed: int = 0,
    allow_unidentified: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """The latent variable model beside the estimators of the literature, which see the measured columns alone.

    `ld.compare(posterior, query)` has the model and its rivals, `ld.compare(graph, data, query)` the rivals alone. Whether a
    method applies follows from the graph; one that does not has a row that says why. Baselines say what seeing says.

    Args:
        model: A fit or its path; or, for the rivals alone, a graph, a model, a study, its path, or text of a graph or model.
        table_and_queries: The table, as for `fit`, where there is no fit that still has its rows; then the queries, as for `ask`:
            means, probabilities, and arithmetic of them. Without any, those of the study.
        data: The table by name: what a loaded fit was trained on. A file of its name that holds the same rows is found
            in the working folder, and beside the fit if that is named by its path.
        methods: Names such as "aipw", or values of `latentdo.estimators`; otherwise those of the study, or else all.
        models: Of the nuisances: `types.Models(…)`, a learner, or an estimator with the interface of scikit-learn.
        level: Probability of the intervals.
        replicates, folds: Of the bootstrap, for methods without an influence function (0 for none); of cross-fitting.
        adjust: What adjusting methods adjust for: names; "all" for a row per minimal set; otherwise the set of least variance.
        seed: Same seed, same numbers.
        allow_unidentified: Give what the measured nodes cannot answer rows too: the model's labelled so, the rivals' blank.
        progress: As for `fit`.

    Raises:
        NotIdentifiedError: A question is not identified, before anything is computed; `.verdict` has the hedge.
        DataError: There are no rows, or others than the fit was trained on; a column is missing, constant or has missing cells.
        SupportError: A value that a node cannot take.
        QueryError: A question that makes no sense, a method that does not exist, or a set that is no adjustment set.
    """
    from latentdo.comparison import Rivals, adjust_of, compare_fit, compare_rivals, is_corrected, methods_of
    from latentdo.estimators import Options, needed_columns
    from latentdo.inference import Posterior, watch

    arguments.flag("allow_unidentified", allow_unidentified, SpecError)
    opened = stated(value_of(model))
    is_fit = isinstance(opened, Posterior)
    graph, functional = graph_of(opened)
    spec = spec_of(opened)
    table, queries = table_first(table_and_queries, data)
    own = getattr(opened, "queries", ())
    asked = [(name, settled(query, opened)) for name, query in questions_of(unpacked(queries), own)]
    chosen = methods_of(methods, named=getattr(opened, "compare", ()), with_model=is_fit)
    ordered = () if spec is None else spec.ordered
    options = Options(models, level, replicates, folds, adjust=adjust_of(adjust, project(graph).nodes), ordered=ordered)
    corrected = is_corrected(methods, named=getattr(opened, "compare", ()))
    rivals = Rivals(chosen, options, arguments.seed(seed), corrected)
    for _, query in asked:
        query.check(graph)
    if isinstance(opened, Posterior):
        folder = Path(model).parent if isinstance(model, str | Path) else Path()
        call = 'ld.compare(posterior, query, data="data.csv")'
        rows, said = fitted_rows(opened, table, folder, "rivals estimate from them", call)
        with watch(progress) as told:
            found = compare_fit(opened, rows, asked, rivals, told, allow_unidentified=allow_unidentified)
        return replace(found, said=" ".join(each for each in (said, found.said) if each))
    source = getattr(opened, "data", None) if table is None else table
    must, may = needed_columns(graph, [query for _, query in asked], chosen, options.adjust)
    rows = rival_rows(graph, spec, source, must, may, missing=getattr(opened, "missing", None))
    units = tuple(getattr(opened, "units", ()))
    with watch(progress) as told:
        return compare_rivals(
            graph, rows, asked, rivals, told, functional=functional, units=units, allow_unidentified=allow_unidentified
        )


@arguments.with_known_options
def load(path: str | Path) -> Posterior:
    """A trained model from a file that `posterior.save` wrote.

    Raises:
        ArchiveError: Not such a file, damaged, or written by a newer version.
    """
    from latentdo.inference import read_archive

    if not isinstance(path, str | Path):
        raise ArchiveError(path, f"a saved fit is named by a path, not by a {type(path).__name__}.")
    return read_archive(Path(path))


@arguments.with_known_options
def simulate(
    name: str, n: int, *, seed: int = 0, do: Mapping[Name, float] | str | None = None, latents: bool = False
) -> Table:
    """Rows from a case study's own simulator, untouched or under an intervention.

    Args:
        name: `multicause`, `napkin`, `signaling` (a pathway, by exact stochastic simulation), `covid`; a variant of a
            study whose effect is no small one, `multicause-strong` or `signaling-strong`; or `knockout`, whose effect is
            identified with rows of an experiment alone.
        n: Number of units. Fewer units are the first of more, except in `signaling`, where only the growth factors are.
        seed: Same seed, same rows.
        do: Nodes and the values they are held at, as a mapping or a text such as `"SOS=70, Ras=30"`.
        latents: Whether to add the latent nodes' columns.

    Raises:
        LatentdoError: An unknown study or node, or a value that the node cannot take.
    """
    from latentdo.simulators import simulate as _simulate

    return _simulate(name, n, seed=seed, do=do, latents=latents)
