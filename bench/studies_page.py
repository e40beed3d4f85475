"""Write the results of reproductions into the documentation: `PYTHONPATH=. python bench/studies_page.py FOLDER`.

FOLDER is where `python -m studies reproduce … -o FOLDER` has kept its results. Between the comments of a study's parts the
page of tables gets its findings, tables and figure anew; parts of studies that FOLDER has no rows of stay as they are. Where
it has rows of all studies, the page of what they show gets its picture and its table too. With `--as-published OTHER`, where
`python -m studies reproduce … --as-published -o OTHER` has kept its results, the table of these is written as well.
What the pages were made of lies in results/reproduced: unpacked into FOLDER, `python -m studies reproduce` goes on from it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from results.filling import filled

from latentdo.sheet import Sheet, duration
from studies import STUDIES, Study, lines, stored_rows
from studies.accuracy import MEAN, MISSPECIFIED, OURS, accuracies
from studies.findings import findings
from studies.pictures import pictures_of, write_figure
from studies.printed import figure, percent, table, with_error
from studies.tables import (
    errors_sheet,
    failures_sheet,
    intervals_sheet,
    judged_against,
    main_rows,
    ratios_sheet,
    rivalries,
    rivals_sheet,
    targets_sheet,
    times,
    times_sheet,
)

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "studies.md"
TABLES = PAGE.parent / "studies" / "tables.md"
"""The page of tables; the figures of both pages are beside it."""
BESIDE = ("plug-in", MEAN, "naive regression", MISSPECIFIED)
"""Whose errors the picture shows as multiples of the model's."""
NO_BREAK = "\N{NO-BREAK SPACE}"


def parts(study: Study, rows: Sequence[Any], folder: Path) -> dict[str, str]:
    """The parts of a study's section in Markdown, by name; the figure is written into a folder."""
    sheets = {
        "errors": errors_sheet(study, rows, quartiles=False),
        "rivals": rivals_sheet(study, rows),
        "ratios": ratios_sheet(study, rows),
        "targets": targets_sheet(study, rows),
        "intervals": intervals_sheet(study, rows),
        "times": times_sheet(study, rows),
        "failures": failures_sheet(study, rows),
    }
    sentences = {
        "findings": findings(study, rows),
        "corrections": study.corrections,
        "remarks": study.remarks,
    }
    return {
        "figure": boxes(study, rows, folder),
        **{name: listed(each) for name, each in sentences.items() if each},
        **{name: narrow(study, sheet) for name, sheet in sheets.items() if sheet.rows},
    }


def summary(rows: Sequence[Any]) -> str:
    """A line per study: how the model fares against all rivals on the same data, its intervals, and the time of a fit."""
    cells = []
    for study in STUDIES.values():
        verdicts = Counter(match.verdict for match in rivalries(study, rows))
        against, _ = judged_against(study)
        own = [a for a in accuracies(main_rows(study, rows), against) if a.cell.method == OURS]
        shares = [a.coverage.share for a in own if a.coverage is not None]
        fits = sorted(second for each in times(study, rows) if each.method == OURS for second in each.fits)
        cells.append(
            (
                study.name,
                *(str(verdicts[verdict]) for verdict in ("wins", "ties", "loses")),
                " to ".join(dict.fromkeys(map(percent, (min(shares), max(shares))))),
                duration(fits[len(fits) // 2]),
            )
        )
    heads = ("study", "wins", "ties", "loses", "90 % intervals hold the answer", "a fit, median")
    return table("", heads, cells, 1).markdown()


def picture(rows: Sequence[Any], folder: Path) -> str:
    """The errors of others as multiples of the model's, at the largest size of each question."""
    from matplotlib.figure import Figure

    labels, found = [], {method: ([], []) for method in BESIDE}
    for study in STUDIES.values():
        rmse = {a.cell: a.rmse for a in accuracies(main_rows(study, rows))}
        for query in study.main:
            cell = next(cell for cell in rmse if cell[1:] == (query, study.sizes[-1], OURS))
            for method in BESIDE:
                if (other := rmse.get(cell._replace(method=method))) is not None:
                    found[method][0].append(other / rmse[cell])
                    found[method][1].append(len(labels))
            labels.append(f"{study.name}: {query}, n = {cell.n}")
    drawn = Figure(figsize=(8, 3.6), layout="constrained")
    axes = drawn.subplots()
    axes.axvline(1, color="black", linewidth=0.8)
    for (method, (x, y)), marker in zip(found.items(), "osD^", strict=True):
        axes.plot(x, y, marker, label=method, alpha=0.8)
    axes.set(
        xscale="log", xlabel="RMSE, as a multiple of that of the model", yticks=range(len(labels)), yticklabels=labels
    )
    axes.set_xticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    axes.minorticks_off()
    axes.invert_yaxis()
    drawn.legend(frameon=False, loc="outside upper center", ncols=len(BESIDE))
    _svg_alone(drawn, folder / "multiples")
    title = "Errors of rivals as multiples of the model's"
    return f"![{title}]({folder.name}/multiples.svg)"


def as_published_table(rows: Sequence[Any], rightly: Sequence[Any]) -> str:
    """What the published code's ways give, between the published numbers and what the right ways give on the same data sets."""
    cells = []
    for study in STUDIES.values():
        own = main_rows(study, rows)
        used = {(row["query"], row["n"], row["dataset"]) for row in own}
        same = [r for r in rightly if r["study"] == study.name and (r["query"], r["n"], r["dataset"]) in used]
        right = {line.cell: line.sample for line in lines(study, same)}
        for line in lines(study, own):
            if line.sample is None or line.published is None:
                continue
            beside = right.get(line.cell)
            cells.append(
                (
                    study.name,
                    line.cell.query,
                    str(line.cell.n),
                    line.cell.method,
                    figure(line.published.median),
                    with_error(line.sample.quartiles[1], line.sample.median_error),
                    str(line.sample.n_datasets),
                    "–" if beside is None else with_error(beside.quartiles[1], beside.median_error),
                )
            )
    heads = ("study", "question", "n", "method", "published", "as published", "data sets", "done rightly")
    return unbroken(table("", heads, cells, 4).markdown())


def narrow(study: Study, sheet: Sheet) -> str:
    """A table for the width of a page: without what says nothing there, and no number broken in two."""
    heads = [column.title for column in sheet.columns]
    empty = [head for k, head in enumerate(heads) if not any(row[k].text for row in sheet.rows)]
    same = ["data sets", *(["question"] if len(study.main) == 1 else [])] if "message" not in heads else []
    return unbroken(sheet.without(*same, *empty).markdown())


def unbroken(text: str) -> str:
    for sign in (" ± ", " %"):
        text = text.replace(sign, sign.replace(" ", NO_BREAK))
    return text


def boxes(study: Study, rows: Sequence[Any], folder: Path) -> str:
    """The boxes of the errors as an image of the page, with what they show below."""
    folder.mkdir(exist_ok=True)
    shown = pictures_of(study, rows)[0]
    _svg_alone(shown.figure, folder / shown.name)
    return f"![{shown.title}]({shown.name}.svg)\n\n*{shown.caption}*"


def _svg_alone(drawn: Any, path: Path) -> None:
    for file in write_figure(drawn, path):
        if file.suffix != ".svg":
            file.unlink()


def listed(sentences: Sequence[str]) -> str:
    """Sentences as a list; a question's letters are no Markdown."""
    return "\n".join(f"- {sentence.replace('*', chr(92) + '*').replace('|', chr(92) + '|')}" for sentence in sentences)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("reproduction"), help="where results were kept")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--tables", type=Path, default=TABLES)
    parser.add_argument("--as-published", type=Path, help="where reproductions as published kept theirs")
    options = parser.parse_args()
    rows = sorted(stored_rows(options.folder), key=lambda row: (row["n"], row["dataset"]))
    page = options.tables.read_text(encoding="utf8")
    written = []
    for study in STUDIES.values():
        if not main_rows(study, rows):
            print(f"{study.name}: no rows in {options.folder}, its part of the page stays as it is")
            continue
        for name, content in parts(study, rows, options.tables.parent).items():
            page = filled(page, f"{study.name} {name}", content)
        written.append(study.name)
    if options.as_published is not None:
        made = as_published_table(stored_rows(options.as_published, as_published=True), rows)
        page = filled(page, "as published", made)
    options.tables.write_text(page, encoding="utf8")
    if len(written) == len(STUDIES):
        page = options.page.read_text(encoding="utf8")
        page = filled(page, "summary", summary(rows))
        page = filled(page, "picture", picture(rows, options.tables.parent))
        options.page.write_text(page, encoding="utf8")
    print(f"wrote {', '.join(written) or 'nothing'} into {options.tables}")


if __name__ == "__main__":
    main()
