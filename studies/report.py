"""A reproduction as a page that stands alone, with its figures and tables as files beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from latentdo.errors import DataError, MissingExtraError, StudyError
from latentdo.files import write_table
from latentdo.sheet import Note, Sheet, counted, page

from .accuracy import FLOOR, MISSPECIFIED, OURS, cell_of
from .cases import Study, study
from .findings import findings
from .pictures import inlined, picture_of_times, pictures_of, write_figure
from .printed import table
from .records import REPORT, Row
from .tables import (
    errors_sheet,
    failures_sheet,
    intervals_sheet,
    main_rows,
    others_sheet,
    questions_of,
    ratios_sheet,
    rivals_sheet,
    targets_sheet,
    times_sheet,
    unfit,
)

SHEETS: Mapping[str, Callable[[Study, Sequence[Row]], Sheet]] = {
    "errors": errors_sheet,
    "intervals": intervals_sheet,
    "rivals": rivals_sheet,
    "ratios": ratios_sheet,
    "others": others_sheet,
    "targets": targets_sheet,
    "times": times_sheet,
    "failures": failures_sheet,
}
TITLE = "The case studies, reproduced"
ABOUT = (
    "The studies are those of Taheri, Ness, Zucker and Vitek, Do-calculus enables causal reasoning with latent variable models "
    "(arXiv 2102.06626), and its public code and stored results. Errors are absolute errors of the answer. Most published "
    "errors are against the sample value, the mean of the outcome in the interventional data set that belongs to the "
    "observational one, which is itself noisy; here both that and the population's answer are used. SE is a standard error "
    "over data sets."
)
_WITHOUT = 'There are no figures: matplotlib is not installed. pip install "latentdo[plot]" and write the report again.'
_PROGRAMS = ("jax", "numpyro", "numpy", "scikit-learn")


def write_report(
    rows: Iterable[Row],
    folder: str | os.PathLike[str],
    *,
    studies: Sequence[Study | str] | None = None,
    about: Mapping[str, str] | None = None,
) -> Path:
    """Write `report.html`, `figures/` and `tables/` into a folder and return the path of the page.

    The page needs no other file. Figures are PNG, SVG and PDF, tables CSV, Markdown and LaTeX; without matplotlib there are no
    figures, and the page says so.

    Args:
        rows: The rows of reproductions; one per data set, size, question and method.
        studies: Which studies, by value or name; those of the rows by default.
        about: What else to say of the run: a heading and its words.

    Raises:
        StudyError: There are no rows, one of them is no row of a result, or the folder cannot be written.
    """
    listed = list(rows)
    chosen = _chosen(listed, studies)
    place = Path(folder)
    try:
        for part in (place / "figures", place / "tables"):
            part.mkdir(parents=True, exist_ok=True)
        pictures = _drawn(chosen, listed, place / "figures")
        run = {**_run(chosen, listed), **(about or {})}
        first = Sheet.of("What was run", ("", ""), run.items(), lead=(ABOUT,), headed=False)
        without = [Sheet(notes=(Note(_WITHOUT),))] if pictures is None else []
        shown = pictures or {}
        sheets = [first, *without, *([shown["times"]] if "times" in shown else [])]
        for each in chosen:
            sheets += _sections(each, listed, place / "tables", shown)
        return write_table(place / REPORT, page(TITLE, sheets).encode())
    except DataError as error:
        raise StudyError(str(error)) from error
    except OSError as error:
        file = error.filename or place
        raise StudyError(f"{file} cannot be written: {error.strerror or error}. Give another folder.") from error


def _chosen(rows: Sequence[Row], studies: Sequence[Study | str] | None) -> list[Study]:
    if not rows:
        raise StudyError("There are no rows to report. Run `python -m studies reproduce` first.", key="results")
    names = dict.fromkeys(cell_of(row).study for row in rows) if studies is None else studies
    listed = [study(each) if isinstance(each, str) else each for each in names]
    for each in listed:
        if not main_rows(each, rows):
            raise StudyError(
                f"There are no rows about {each.name}: {', '.join(each.main)}. Run `python -m studies reproduce {each.name}` "
                "first.",
                key="results",
            )
    return listed


def _drawn(chosen: Sequence[Study], rows: Sequence[Row], folder: Path) -> dict[str, Sheet] | None:
    """Each figure by its name, as a part of the page, the files being written; None without matplotlib."""
    from latentdo.plots import leave

    try:
        drawn = [picture for each in chosen for picture in pictures_of(each, rows)]
        last = picture_of_times(chosen, rows)
    except MissingExtraError:
        return None
    sheets = {}
    for picture in [*drawn, *([last] if last else [])]:
        leave(picture.figure)
        (vector,) = (path for path in write_figure(picture.figure, folder / picture.name) if path.suffix == ".svg")
        sheets[picture.name] = Sheet(picture.title, picture=inlined(vector), notes=(Note(picture.caption),))
    return sheets


# --- the page


def _sections(chosen: Study, rows: Sequence[Row], tables: Path, pictures: Mapping[str, Sheet]) -> Iterator[Sheet]:
    """A study: what it asks, what was found in words, figures, tables, which are written as files too."""
    yield _questions(chosen, rows)
    yield from (pictures[name] for part in ("errors", "intervals") if (name := f"{chosen.name}-{part}") in pictures)
    for title, sentences in (
        ("What was found", findings(chosen, rows)),
        ("Methods that do not apply", [each.words for each in unfit(chosen, rows)]),
        ("Where the published numbers are wrong, and why", chosen.corrections),
        ("What else has to be known beside the published numbers", chosen.remarks),
    ):
        if sentences:
            yield Sheet(title, notes=tuple(map(Note, sentences)))
    for name, make in SHEETS.items():
        sheet = make(chosen, rows)
        for suffix, content in (("csv", sheet.csv()), ("md", f"{sheet.markdown()}\n"), ("tex", sheet.latex())):
            path = tables / f"{chosen.name}-{name}.{suffix}"
            if sheet.rows:
                path.write_text(content, encoding="utf8")
            else:
                # What an earlier report wrote of it.
                path.unlink(missing_ok=True)
        if sheet.rows:
            yield replace(sheet, folded="open" if name in ("errors", "targets", "failures") else "closed")


def _questions(chosen: Study, rows: Sequence[Row]) -> Sheet:
    """The questions with their true answers, the main ones first; others only where there are rows about them."""
    asked = dict(chosen.queries)
    of_study = [row for row in rows if cell_of(row).study == chosen.name]
    true = {row["query"]: (row.get("truth"), row.get("truth_error")) for row in of_study}
    lines = []
    for label in questions_of(chosen):
        if label in chosen.main or label in true:
            value, error = (None if v in (None, "") else float(v) for v in true.get(label, (None, None)))
            shown = "–" if value is None else f"{value:.6g}" + (f" ± {error:.2g}" if error else "")
            lines.append((label, str(asked[label]), shown))
    notes = [words for words in (f"From {chosen.source}." if chosen.source else "", chosen.caution) if words]
    return table(chosen.title, ("question", "asks", "the population's answer"), lines, 2, notes)


def _run(chosen: Sequence[Study], rows: Sequence[Row]) -> dict[str, str]:
    """What was run, with what, on what."""
    facts = {
        "latentdo": metadata.version("latentdo"),
        "with": ", ".join([f"Python {platform.python_version()}", *map(_version, _PROGRAMS)]),
        "on": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, where this page was written",
    }
    for each in chosen:
        main = [cell_of(row) for row in main_rows(each, rows)]
        numbers = sorted({int(row["dataset"]) for row in main_rows(each, rows)})
        sizes = ", ".join(map(str, sorted({cell.n for cell in main})))
        models = [name for name in (OURS, MISSPECIFIED) if any(cell.method == name for cell in main)]
        rivals = dict.fromkeys(cell.method for cell in main if cell.method not in (OURS, MISSPECIFIED, FLOOR))
        facts[each.name] = (
            f"{counted(len(numbers), 'data set')} ({_numbers(numbers)}, each with its number as its seed), n = {sizes}; "
            f"{', '.join([*models, *rivals])}"
        )
    return facts


def _version(program: str) -> str:
    return f"{program} {metadata.version(program)}"


def _numbers(numbers: Sequence[int]) -> str:
    """Numbers in a row as their ends."""
    if not numbers:
        return "none"
    whole = list(range(numbers[0], numbers[-1] + 1)) == list(numbers)
    return f"{numbers[0]} to {numbers[-1]}" if whole and len(numbers) > 1 else ", ".join(map(str, numbers))
