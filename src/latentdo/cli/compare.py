"""`latentdo compare`: a saved fit beside its rivals, or the rivals alone, in one table."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from latentdo.errors import LatentdoError, MissingExtraError, UsageError
from latentdo.graphs import is_fit_path, is_study_path
from latentdo.opening import stated

from .failures import DONE, NOT_CONVERGED
from .options import Flag, Names, Output, Source, Whole, name_groups
from .output import one_form, output_path, replacing, say, say_json, tell
from .sources import kept_rows, read_questions, source_text, table_first

if TYPE_CHECKING:
    from latentdo.query import Query
    from latentdo.types import Comparison

    from .sources import QuestionFile

USAGE = "latentdo compare FIT.ldo|STUDY [DATA] [QUERY ...] [OPTIONS]"

EXAMPLES = """\
Examples:
  latentdo compare fit.ldo data.csv "E[Y | do(X=1)] - E[Y | do(X=0)]"
  latentdo compare fit.ldo data.csv -o comparison.html
  latentdo compare "X -> M -> Y; X <-> Y" data.csv "E[Y | do(X=1)]"
  latentdo compare study.yaml --methods aipw,tmle,plug-in --json
  latentdo compare fit.ldo data.csv "E[Y | do(X)] for X in 0..10" -o curves.png"""

CODES = """\
Exit codes: 0 done, 3 some query is not identified (nothing is computed),
4 an answer of the model did not converge (but is printed), 2 bad input."""

FILES = (".html", ".png", ".svg", ".pdf", ".tex")
PICTURES = (".png", ".svg", ".pdf")


def command(
    source: Source,
    data: str | None = None,
    /,
    *queries: str,
    file: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    methods: Names = None,
    learner: Literal["glm", "auto", "boosted"] = "glm",
    adjust: Names = None,
    level: float = 0.9,
    replicates: Whole = 200,
    folds: Whole = 5,
    seed: Whole = 0,
    allow_unidentified: Flag = False,
    latex: Flag = False,
    csv: str | None = None,
    output: Output = None,
    progress: bool | None = None,
    json: Flag = False,
) -> int:
    """Set a model beside the estimators of the literature, which see the measured columns alone.

    Of a fit there is its own answer (lvm) and each rival's; of a study or a graph
    the rivals alone. Which apply follows from the graph, and the others say why
    not. The naive ones are baselines: what seeing says in place of doing.

    Args:
        source: A fit (.ldo), the path of a study (.yaml), a model or graph as text, or - for a text on standard input.
        data: The table (.csv, .tsv, .parquet), or the study that names it or several; left out, that of the fit or the study.
        queries: Such as "E[Y | do(X=0)]", "P(Y > 1 | do(X=1))" or a contrast; left out, those of the study.
        file: A file of queries, one per line, "name: query" or query alone, # before comments; - for standard input.
        methods: A method, several with commas (aipw,plug-in); again for more; left out, those of the study, or all.
        learner: Nuisance models: linear ones (glm), boosted trees, or whichever predicts better (auto).
        adjust: A node to adjust for, several with commas; or all, for each minimal set; left out, the set of least variance.
        level: Probability of the intervals, between 0 and 1.
        replicates: Replicates of the bootstrap; 0 for none.
        folds: Parts that cross-fitting makes of the rows.
        seed: A whole number; the same seed gives the same numbers.
        allow_unidentified: Give what cannot be answered rows too: the model's labelled so, the rivals' blank.
        latex: Print a LaTeX table in place of text.
        csv: Write one row per method and query into this file (.csv).
        output: Write a page (.html), a picture (.png, .svg, .pdf) or a LaTeX table (.tex) too.
        progress: Show progress on stderr; left out, only at a terminal.
        json: Print {"rows": […], "differences": […]}; a row has query, method, estimate, sd, lower, upper, level, seconds,
            applies, note, warnings, …
    """
    one_form(latex=latex, json=json)
    rows = None if csv is None else output_path("--csv", csv, "comparison", (".csv",))
    page = None if output is None else _output(output)
    table, asked = table_first(data, queries)
    subject, questions, listed = _subject(source, asked, file)
    call = f"latentdo compare {source} data.csv, followed by the queries"
    kept = [] if table else kept_rows(subject, source, "rivals estimate from them", call)
    named = getattr(subject, "data", None)
    of_study = [each.file for each in named] if isinstance(named, tuple) else [named]
    read = [source, file, *table, *kept, *of_study]
    for option, written in (("--csv", rows), ("-o", page)):
        _spare(option, written, [Path(each) for each in read if isinstance(each, str | Path)])
    found = _compared(
        subject,
        [*table, *questions],
        listed,
        data=kept or None,
        drawn=page is not None and page.suffix.lower() in PICTURES,
        methods=None
        if methods is None
        else [name for group in name_groups("--methods", methods) or [] for name in group],
        models=_learner(learner),
        adjust=_adjust(adjust),
        level=level,
        replicates=replicates,
        folds=folds,
        seed=seed,
        allow_unidentified=allow_unidentified,
        progress=progress,
    )
    if json:
        say_json({"rows": found.to_json(), "differences": [each.to_json() for each in found.differences]})
    else:
        say(found.latex() if latex else found.text())
    if rows is not None:
        found.to_csv(rows)
        tell(f"Wrote {len(found)} {'rows' if len(found) != 1 else 'row'} to {rows}.")
    if page is not None:
        _write(found, page)
        tell(f"{'Drawn in' if page.suffix.lower() in PICTURES else 'Wrote'} {page}.")
    return DONE if found.converged else NOT_CONVERGED


def _output(given: str) -> Path:
    path = output_path("-o", given, "comparison", FILES)
    if path.suffix.lower() in PICTURES and importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("-o", "matplotlib", "plot")
    return path


def _spare(option: str, written: Path | None, read: Sequence[Path]) -> None:
    """Raise if a result would take the place of a file that it was made from."""
    for path in read:
        # A source may be a text, which is too long for a path or has characters that no path has.
        with contextlib.suppress(OSError, ValueError):
            if written is not None and written.exists() and path.exists() and written.samefile(path):
                raise UsageError(f"{option} {written} is what the rows or questions are read from. Give another name.")


def _subject(source: str, typed: list[str], file: str | None) -> tuple[Any, list[Any], QuestionFile | None]:
    """The fit, study, model or graph, its queries of a file beside its own; what is asked; and the file, for its lines."""
    from latentdo.api import load, load_study

    subject: Any = load(Path(source)) if is_fit_path(source) else source_text(source)
    if isinstance(subject, str):
        subject = load_study(subject) if is_study_path(subject) else stated(subject)
    queries: list[Any] = list(typed)
    if file is None:
        return subject, queries, None
    known: dict[str, Query] = dict(getattr(subject, "queries", ()))
    listed = read_questions(file, known)
    if not hasattr(subject, "queries"):
        # A model has no place for names; the questions keep theirs as pairs.
        queries += [query if name is None else (name, query) for name, query in listed.asked]
        return subject, queries, listed
    # By their names, under which the answers then stand.
    named = replace(subject, queries=tuple(listed.named.items()))
    return named, queries + [query if name is None else name for name, query in listed.asked], listed


def _compared(
    subject: Any, arguments: list[Any], listed: QuestionFile | None, *, drawn: bool, **options: Any
) -> Comparison:
    from latentdo.api import compare, graph

    try:
        if drawn:
            _check_drawable(subject, arguments)
        return compare(subject, *arguments, **options)
    except LatentdoError as error:
        if listed is None:
            raise
        raise listed.blame(graph(subject), error, allow_unidentified=options["allow_unidentified"]) from None


def _check_drawable(subject: Any, arguments: list[Any]) -> None:
    """Raise before anything is computed if there is no picture of it."""
    from latentdo.comparison import check_drawable
    from latentdo.opening import questions_of, table_first

    _, queries = table_first(arguments, None)
    asked = questions_of(queries, getattr(subject, "queries", ()))
    check_drawable([query if query.axes else None for _, query in asked])


def _learner(name: str) -> Any:
    from latentdo.estimators import Auto, Boosted, Glm

    return {"glm": Glm, "auto": Auto, "boosted": Boosted}[name]()


def _adjust(given: list[str] | None) -> Any:
    groups = name_groups("--adjust", given)
    if groups is None:
        return None
    names = [name.strip("`") for group in groups for name in group]
    return "all" if names == ["all"] else names


def _write(found: Comparison, path: Path) -> None:
    """The comparison as a file, there whole or not at all."""
    with replacing(path) as beside:
        match path.suffix.lower():
            case ".html":
                beside.write_text(found.to_html(), encoding="utf-8")
            case ".tex":
                beside.write_text(found.latex(), encoding="utf-8")
            case suffix:
                found.plot().figure.savefig(beside, format=suffix[1:], dpi=200)
