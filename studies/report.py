"""A reproduction as a page that stands alone, with its figures and tables as files beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentdo.errors import DataError, MissingExtraError, StudyError
from latentdo.inference import write_table

from .accuracy import FEWEST, FLOOR, MISSPECIFIED, OURS, Accuracy, accuracies, cell_of
from .cases import Study, study
from .findings import (
    about_failures,
    about_floor,
    about_intervals,
    about_misspecified,
    about_multiples,
    about_targets,
    about_time,
    against_rivals,
)
from .records import Row
from .results_folder import FIGURES, GENERATOR, PICTURES, REPORT, TABLES
from .sheets import Sheet
from .tables import (
    PUBLISHED_TIMES,
    data_sets,
    errors_sheet,
    failures_sheet,
    intervals_missing,
    intervals_sheet,
    judged_against,
    main_rows,
    others_sheet,
    questions_of,
    ratios_sheet,
    rivals_sheet,
    sorted_by,
    targets_sheet,
    times,
    times_sheet,
    unfit,
)

if TYPE_CHECKING:
    from .share import Share

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
PAPER = (
    "Taheri, Ness, Zucker and Vitek, Do-calculus enables causal reasoning with latent variable models (arXiv 2102.06626), "
    "and its public code and stored results."
)
_PROGRAMS = ("jax", "numpyro", "numpy", "scikit-learn")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 100em; margin: 1.5em auto; padding: 0 1.2em; color: #1b1b1b;
  background: #fff; }
h1 { font-size: 1.6em; } h2 { font-size: 1.3em; border-top: 1px solid #d0d0d0; padding-top: 0.8em; margin-top: 1.6em; }
h3 { font-size: 1.05em; margin-bottom: 0.3em; }
table { border-collapse: collapse; margin: 0.6em 0; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.3em; }
th, td { text-align: left; padding: 0.15em 0.9em 0.15em 0; vertical-align: top; font-size: 0.96em; }
thead th { border-bottom: 1px solid #999; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; } .small { color: #555; font-size: 0.92em; max-width: 76em; } p { max-width: 76em; }
.figures { display: flex; flex-wrap: wrap; gap: 0.5em 2em; } figure { flex: 1 1 34em; max-width: 50em; margin: 0.8em 0; }
img { width: 100%; }
.note { background: #fbeac4; padding: 0.5em 0.8em; border-radius: 0.3em; max-width: 74em; }
details { margin: 0.7em 0; } summary { font-weight: 600; cursor: pointer; } li { max-width: 76em; }
"""


@dataclass(frozen=True)
class Picture:
    """A figure of a study: what its file is called, what it shows, and what is said below it."""

    name: str
    figure: Any
    title: str
    caption: str


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
        about: What else to say of the run: a heading and its words, such as how many processes did it.

    Raises:
        StudyError: There are no rows, one of them is no row of a result, or the folder cannot be written.
    """
    found = list(rows)
    chosen = _chosen(found, studies)
    place = Path(folder)
    try:
        for part in (place / "figures", place / "tables"):
            part.mkdir(parents=True, exist_ok=True)
        pictures = _pictures(chosen, found, place / "figures")
        sections = [_section(each, found, place / "tables", pictures) for each in chosen]
        content = _page(chosen, found, sections, pictures, about or {})
        return write_table(place / REPORT, content.encode())
    except DataError as error:
        raise StudyError(str(error)) from error
    except OSError as error:
        file = error.filename or place
        raise StudyError(f"{file} cannot be written: {error.strerror or error}. Give another folder.") from error


def _chosen(rows: Sequence[Row], studies: Sequence[Study | str] | None) -> list[Study]:
    if not rows:
        raise StudyError("There are no rows to report. Run `python -m studies reproduce` first.", key="results")
    names = dict.fromkeys(cell_of(row).study for row in rows) if studies is None else studies
    found = [study(each) if isinstance(each, str) else each for each in names]
    for each in found:
        if not main_rows(each, rows):
            raise StudyError(
                f"There are no rows about {each.name}: {', '.join(each.main)}. Run `python -m studies reproduce {each.name}` "
                "first.",
                key="results",
            )
    return found


# --- figures


def pictures_of(chosen: Study, rows: Sequence[Row]) -> list[Picture]:
    """Absolute errors beside the published ones, and how often intervals hold the answer.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from .box import Box, BoxPanel, boxes, boxes_caption
    from .share import SharePanel, shares

    own = main_rows(chosen, rows)
    by_sample = sorted_by(chosen, accuracies(own, "sample"))
    against, words = judged_against(chosen)
    judged_by = sorted_by(chosen, accuracies(own, against))
    # Of several published values the first, with its quartiles, is that of the stored results.
    published = {(f.query, f.n, f.method): (f.median, f.low, f.high) for f in reversed(chosen.published)}
    panels = [
        BoxPanel(
            query,
            tuple(
                Box(a.cell.method, f"n = {a.cell.n}", tuple(a.absolute.tolist()), published.get(a.cell[1:]))
                for a in by_sample
                if a.cell.query == query
            ),
        )
        for query in chosen.main
    ]
    levels = [
        SharePanel(query, level, tuple(_share_of(a) for a in judged_by if a.cell.query == query))
        for query in chosen.main
        if (level := _level([a for a in judged_by if a.cell.query == query])) is not None
    ]
    title = f"{chosen.title}: absolute error against the sample value"
    found = []
    if any(panel.boxes for panel in panels):
        drawn = boxes(panels, xlabel="rows of a data set", ylabel="absolute error", title=title)
        found.append(Picture(f"{chosen.name}-errors", drawn.figure, title, boxes_caption(panels)))
    if levels:
        title = f"{chosen.title}: intervals that hold {words}"
        drawn = shares(levels, xlabel="rows of a data set", ylabel="hold the answer", title=title)
        caption = " ".join(
            [
                "Circle: share of the intervals, bar: a binomial standard error. Black line: the level. Below its grey line a "
                "method falls short, because chance no longer explains it (exact binomial): a triangle in place of the circle. "
                f"Fewer than {FEWEST} intervals are not judged. A number beside a sign: so many intervals, others are missing. "
                "× on the lower edge: no intervals.",
                *intervals_missing(judged_by),
            ]
        )
        found.append(Picture(f"{chosen.name}-intervals", drawn.figure, title, caption))
    return found


def _level(found: Sequence[Accuracy]) -> float | None:
    """The level of the intervals; None where there are none."""
    return next((a.coverage.level for a in found if a.coverage is not None), None)


def _share_of(found: Accuracy) -> Share:
    """How many intervals of a method hold the answer, as a sign of the figure."""
    from .share import Share

    c, group = found.coverage, f"n = {found.cell.n}"
    if c is None:
        return Share(found.cell.method, group, None)
    least = c.least if c.is_judged else None
    return Share(found.cell.method, group, c.share, c.error, least, f"{c.n}" if found.n_open else "")


def picture_of_times(chosen: Sequence[Study], rows: Sequence[Row]) -> Picture | None:
    """The time of a fit of the true model, by study and size, beside the published time; None where nothing was fitted.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from .span import Span, spans

    drawn = []
    for each in chosen:
        published = PUBLISHED_TIMES.get(each.name)
        for taken in times(each, rows):
            if taken.method == OURS and taken.fits:
                ordered = sorted(taken.fits)
                middle = ordered[len(ordered) // 2]
                label = f"{each.name}, n = {taken.n}"
                beside = published.seconds_per_fit if published and taken.n in each.sizes else None
                drawn.append(Span(label, middle, ordered[0], ordered[-1], beside))
    if not drawn:
        return None
    title = "Time of one fit of the true model"
    names = {each.name for each in chosen if any(span.label.startswith(f"{each.name},") for span in drawn)}
    words = "; ".join(f"{name}: {published.words}" for name, published in PUBLISHED_TIMES.items() if name in names)
    caption = f"Published, divided by the number of fits: {words}." if words else "No time was published."
    return Picture("times", spans(drawn, xlabel="seconds, minutes, hours", title=title).figure, title, caption)


def _pictures(chosen: Sequence[Study], rows: Sequence[Row], folder: Path) -> dict[str, str] | None:
    """The HTML of each figure by its name, the files being written, and those of other rows removed; None without matplotlib."""
    from latentdo.plots import leave

    from .figure_files import inlined, write_figure

    _remove(folder, ["times", *(f"{each.name}-{part}" for each in chosen for part in PICTURES)], FIGURES)
    try:
        drawn = [picture for each in chosen for picture in pictures_of(each, rows)]
        last = picture_of_times(chosen, rows)
    except MissingExtraError:
        return None
    found = {}
    for picture in [*drawn, *([last] if last else [])]:
        leave(picture.figure)
        (vector,) = (path for path in write_figure(picture.figure, folder / picture.name) if path.suffix == ".svg")
        found[picture.name] = (
            f'<figure><img src="{inlined(vector)}" alt="{escape(picture.title)}">'
            f'<figcaption class="small">{escape(picture.caption)}</figcaption></figure>'
        )
    return found


def _remove(folder: Path, names: Iterable[str], suffixes: Sequence[str]) -> None:
    """Take away what an earlier report wrote and this one does not."""
    for name in names:
        for suffix in suffixes:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)


# --- the page


def _section(chosen: Study, rows: Sequence[Row], tables: Path, pictures: Mapping[str, str] | None) -> str:
    """A study: what it asks, what was found in words, figures, tables."""
    sheets = {name: make(chosen, rows) for name, make in SHEETS.items()}
    sheets = {name: sheet for name, sheet in sheets.items() if sheet.rows}
    _remove(tables, [f"{chosen.name}-{name}" for name in SHEETS if name not in sheets], TABLES)
    for name, sheet in sheets.items():
        for suffix, content in (("csv", sheet.csv), ("md", f"{sheet.markdown}\n"), ("tex", sheet.latex)):
            (tables / f"{chosen.name}-{name}.{suffix}").write_text(content, encoding="utf8")
    shown = pictures or {}
    parts = [
        f'<h2 id="{escape(chosen.name)}">{escape(chosen.title)}</h2>',
        _questions(chosen, rows),
        f'<p class="note">{escape(chosen.caution)}</p>' if chosen.caution else "",
        f'<div class="figures">{"".join(shown.get(f"{chosen.name}-{part}", "") for part in ("errors", "intervals"))}</div>',
        _listed(
            "The model against its rivals: squared error on the same data, beyond two standard errors",
            against_rivals(chosen, rows),
        ),
        _listed("What we had set ourselves", about_targets(chosen, rows)),
        _listed(
            "Beside what the data allow, and beside simple estimators",
            [*about_floor(chosen, rows), *about_multiples(chosen, rows)],
        ),
        _listed("Methods that do not apply", [each.words for each in unfit(chosen, rows)]),
        _listed("Where the published numbers are wrong, and why", chosen.corrections),
        _listed("What else has to be known beside the published numbers", chosen.remarks),
        _listed("Intervals, bias and convergence", about_intervals(chosen, rows)),
        _listed("The misspecified model", about_misspecified(chosen, rows)),
        _listed("Time and failures", [*about_time(chosen, rows), *about_failures(chosen, rows)]),
        *(
            f"<details{' open' if name in ('errors', 'targets', 'failures') else ''}><summary>{escape(sheet.title)}</summary>"
            f"{sheet.grid}</details>"
            for name, sheet in sheets.items()
        ),
    ]
    return "\n".join(part for part in parts if part)


def _questions(chosen: Study, rows: Sequence[Row]) -> str:
    """The questions with their true answers, the main ones first; others only where there are rows about them."""
    asked = dict(chosen.queries)
    own = [row for row in rows if cell_of(row).study == chosen.name]
    true = {row["query"]: (row.get("truth"), row.get("truth_error")) for row in own}
    lines = []
    for label in questions_of(chosen):
        if label not in chosen.main and label not in true:
            continue
        value, error = (None if v in (None, "") else float(v) for v in true.get(label, (None, None)))
        shown = "–" if value is None else f"{value:.6g}" + (f" ± {error:.2g}" if error else "")
        lines.append((label, str(asked[label]), shown))
    sheet = Sheet(
        "", ("question", "", "the population's answer"), tuple(lines), 2, (chosen.source,) if chosen.source else ()
    )
    return sheet.grid


def _listed(heading: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    return f"<h3>{escape(heading)}</h3><ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _page(
    chosen: Sequence[Study],
    rows: Sequence[Row],
    sections: Sequence[str],
    pictures: Mapping[str, str] | None,
    about: Mapping[str, str],
) -> str:
    links = " · ".join(f'<a href="#{escape(each.name)}">{escape(each.title)}</a>' for each in chosen)
    without = "" if pictures is not None else f'<p class="note">{escape(_WITHOUT)}</p>'
    run = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(words)}</td></tr>'
        for name, words in {**_run(chosen, rows), **about}.items()
    )
    timed = (pictures or {}).get("times", "")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'{GENERATOR} {escape(metadata.version("latentdo"))}"><title>The case studies, reproduced</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>The case studies, reproduced</h1>\n<p>{links}</p>\n"
        f"<p>The studies are those of {escape(PAPER)} Errors are absolute errors of the answer. Most published errors are "
        "against the sample value, the mean of the outcome in the interventional data set that belongs to the observational "
        "one, which is itself noisy; here both that and the population's answer are used. SE is a standard error over data "
        "sets.</p>\n"
        f"{without}<h3>What was run</h3><table>{run}</table>\n{timed}\n" + "\n".join(sections) + "\n</body></html>\n"
    )


_WITHOUT = 'There are no figures: matplotlib is not installed. pip install "latentdo[plot]" and write the report again.'


def _run(chosen: Sequence[Study], rows: Sequence[Row]) -> dict[str, str]:
    """What was run, with what, on what."""
    found = {
        "latentdo": metadata.version("latentdo"),
        "with": ", ".join([f"Python {platform.python_version()}", *map(_version, _PROGRAMS)]),
        "on": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, where this page was written",
    }
    for each in chosen:
        own = [cell_of(row) for row in main_rows(each, rows)]
        numbers = sorted({int(row["dataset"]) for row in main_rows(each, rows)})
        sizes = ", ".join(map(str, sorted({cell.n for cell in own})))
        models = [name for name in (OURS, MISSPECIFIED) if any(cell.method == name for cell in own)]
        rivals = dict.fromkeys(cell.method for cell in own if cell.method not in (OURS, MISSPECIFIED, FLOOR))
        found[each.name] = (
            f"{data_sets(len(numbers))} ({_numbers(numbers)}, each with its number as its seed), n = {sizes}; "
            f"{', '.join([*models, *rivals])}"
        )
    return found


def _version(program: str) -> str:
    return f"{program} {metadata.version(program)}"


def _numbers(numbers: Sequence[int]) -> str:
    """Numbers in a row as their ends."""
    if not numbers:
        return "none"
    whole = list(range(numbers[0], numbers[-1] + 1)) == list(numbers)
    return f"{numbers[0]} to {numbers[-1]}" if whole and len(numbers) > 1 else ", ".join(map(str, numbers))
