"""Write the results of reproductions into the page of the documentation: `PYTHONPATH=. python bench/studies_page.py FOLDER`.

FOLDER is where `python -m studies reproduce … -o FOLDER` has kept its
results. Between the comments of a study's parts the page gets its
findings, tables and figure anew; parts of studies that FOLDER has no rows of stay as they are. With `--as-published OTHER`, where
`python -m studies reproduce … --as-published -o OTHER` has kept its results, the table of these is written as well.
What the page was made of lies in results/reproduced: unpacked into FOLDER, `python -m studies reproduce` goes on from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results.filling import filled

from studies import STUDIES, Study, scoreboard, stored_rows
from studies.figure_files import write_figure
from studies.findings import (
    about_failures,
    about_floor,
    about_intervals,
    about_misspecified,
    about_multiples,
    about_targets,
    about_time,
    against_rivals,
)
from studies.report import pictures_of
from studies.sheets import Sheet, figure, with_error
from studies.tables import (
    errors_sheet,
    failures,
    failures_sheet,
    intervals_sheet,
    main_rows,
    rivals_sheet,
    times_sheet,
)

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "studies.md"
FIGURES = "studies"
"""The folder of the figures, beside the page."""


def parts(study: Study, rows: Sequence[Any], folder: Path) -> dict[str, str]:
    """The parts of a study's section in Markdown, by name; the figure is written into a folder beside the page."""
    return {
        "figure": boxes(study, rows, folder),
        "findings": listed(
            [
                *about_targets(study, rows),
                *about_floor(study, rows),
                *against_rivals(study, rows),
                *about_multiples(study, rows),
                *about_misspecified(study, rows),
                *about_intervals(study, rows),
                *about_time(study, rows),
                *about_failures(study, rows),
            ]
        ),
        **({"corrections": listed(study.corrections)} if study.corrections else {}),
        **({"remarks": listed(study.remarks)} if study.remarks else {}),
        "errors": narrow(study, errors_sheet(study, rows, quartiles=False)),
        "rivals": narrow(study, rivals_sheet(study, rows)),
        "intervals": narrow(study, intervals_sheet(study, rows)),
        "times": narrow(study, times_sheet(study, rows)),
        **({"failures": failures_sheet(study, rows).markdown} if failures(study, rows) else {}),
    }


def as_published_table(rows: Sequence[Any], rightly: Sequence[Any]) -> str:
    """What the published code's ways give, between the published numbers and what the right ways give on the same data sets."""
    heads = ("study", "question", "n", "method", "published", "as published", "data sets", "done rightly")
    lines = []
    for study in STUDIES.values():
        own = main_rows(study, rows)
        used = {(row["query"], row["n"], row["dataset"]) for row in own}
        right = {
            line.cell: line
            for line in scoreboard.lines(
                study, [r for r in rightly if r["study"] == study.name and (r["query"], r["n"], r["dataset"]) in used]
            )
        }
        for line in scoreboard.lines(study, own):
            if line.sample is None or line.published is None:
                continue
            beside = right.get(line.cell)
            lines.append(
                (
                    study.name,
                    line.cell.query,
                    str(line.cell.n),
                    line.cell.method,
                    figure(line.published.median),
                    with_error(line.sample.quartiles[1], line.sample.median_error),
                    str(line.sample.n_datasets),
                    "–"
                    if beside is None or beside.sample is None
                    else with_error(beside.sample.quartiles[1], beside.sample.median_error),
                )
            )
    rule = ("---", "---", "---:", "---", "---:", "---:", "---:", "---:")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *lines)).replace(
        " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    )


def narrow(study: Study, sheet: Sheet) -> str:
    """A table for the width of a page: without what says nothing there, and no number broken in two."""
    empty = [head for k, head in enumerate(sheet.heads) if not any(row[k] for row in sheet.rows)]
    same = ["data sets", *(["question"] if len(study.main) == 1 else [])]
    text = sheet.without(*same, *empty).markdown
    for sign in (" ± ", " %"):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def boxes(study: Study, rows: Sequence[Any], folder: Path) -> str:
    """The boxes of the errors as an image of the page, with what they show below."""
    folder.mkdir(exist_ok=True)
    picture = pictures_of(study, rows)[0]
    for path in write_figure(picture.figure, folder / picture.name):
        if path.suffix != ".svg":
            path.unlink()
    return f"![{picture.title}]({folder.name}/{picture.name}.svg)\n\n*{picture.caption}*"


def listed(sentences: Sequence[str]) -> str:
    """Sentences as a list; a question's letters are no Markdown."""
    return (
        "\n".join(f"- {sentence.replace('*', chr(92) + '*').replace('|', chr(92) + '|')}" for sentence in sentences)
        or "None."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("reproduction"), help="where reproductions kept their results"
    )
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--as-published", type=Path, help="where reproductions as published kept theirs")
    options = parser.parse_args()
    rows = sorted(stored_rows(options.folder), key=lambda row: (row["n"], row["dataset"]))
    page = options.page.read_text(encoding="utf8")
    written = []
    for study in STUDIES.values():
        if not main_rows(study, rows):
            print(f"{study.name}: no rows in {options.folder}, its part of the page stays as it is")
            continue
        for name, content in parts(study, rows, options.page.parent / FIGURES).items():
            page = filled(page, f"{study.name} {name}", content)
        written.append(study.name)
    if options.as_published is not None:
        table = as_published_table(stored_rows(options.as_published, as_published=True), rows)
        page = filled(page, "as published", table)
    options.page.write_text(page, encoding="utf8")
    print(f"wrote {', '.join(written) or 'nothing'} into {options.page}")


if __name__ == "__main__":
    main()
