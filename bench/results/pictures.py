"""The one picture that stands on top of each page of measurements, drawn from what its tables hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
OURS, OTHERS, WRONG = "#1f6f8b", "#7a7a7a", "#c1440e"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "latentdo",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
CELL = re.compile(r"(?P<error>[-+]\d+\.\d+) \((?P<covered>\d+) %\)")


def coverage() -> Any:
    """How often 90 % intervals hold the truth: the model's, and the plug-in's on the same tables."""
    lines: list[dict[str, Any]] = json.loads((HERE / "coverage.json").read_text(encoding="utf8"))
    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    y = range(len(lines))
    error = 2 * 100 * (0.9 * 0.1 / lines[0]["datasets"]) ** 0.5
    axes.axvspan(90 - error, 90 + error, color="#e8eef0", zorder=0)
    axes.axvline(90, color=OTHERS, linewidth=0.8)
    axes.plot([100 * line["plug_in_covered"] for line in lines], y, "o", color=OTHERS, mfc="white", label="plug-in")
    axes.plot([100 * line["covered"] for line in lines], y, "o", color=OURS, label="latentdo")
    axes.set_yticks(y, [f"{line['study']}: {_short(line['query'])}" for line in lines])
    axes.invert_yaxis()
    axes.set_xlabel("90 % intervals that hold the truth, in %")
    axes.legend(frameon=False, loc="lower left")
    return figure


def _short(query: str) -> str:
    """A question with `X1=0, …, X5=0` for a long list of settings."""
    return re.sub(r"do\((\w+=\w), .*?, (\w+=\w)\)", r"do(\1, …, \2)", query)


def rivals(page: str) -> Any:
    """Mean errors of each method on each graph, with right models and with wrong ones, from the tables of the page."""
    titles = ("back-door", "front-door", "p-fixable", "napkin")
    figure, panels = plt.subplots(1, len(titles), figsize=(9.4, 3.8), layout="constrained")
    for axes, title in zip(panels, titles, strict=True):
        heads, *rows = _table(page, title)
        rows = [row for row in rows if not row[0].startswith("naive mean")]
        axes.axvline(0, color=OTHERS, linewidth=0.8)
        for column, (head, marker) in enumerate(zip(heads[1:], "o<>x", strict=False), start=1):
            found = [(k, match) for k, row in enumerate(rows) if (match := CELL.match(row[column]))]
            axes.plot(
                [float(match["error"]) for _, match in found],
                [k for k, _ in found],
                marker,
                color=OURS if column == 1 else WRONG,
                mfc=OURS if column == 1 else "none",
                label=head,
                markersize=5,
            )
        axes.set_yticks(range(len(rows)), [row[0] for row in rows])
        axes.invert_yaxis()
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("mean error")
        axes.legend(
            frameon=False,
            fontsize=7,
            loc="upper center",
            bbox_to_anchor=(0.4, -0.13),
            ncol=2,
            handletextpad=0.2,
            columnspacing=0.8,
        )
    return figure


def _table(page: str, title: str) -> list[list[str]]:
    """The cells of the table whose first head is the title."""
    lines = page[page.index(f"| {title} |") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells[0], *cells[2:]]


def real_rows() -> Any:
    """What quitting does to weight: the published numbers, and latentdo's with the book's models."""
    record = json.loads((HERE / "nhefs.json").read_text(encoding="utf8"))
    lines = [(f"published: {name}", own, OTHERS) for name, own in record["published"].items()]
    lines += [
        (f"ld.compare: {name}", own, OURS) for name, own in record["book"].items() if own.get("estimate") is not None
    ]
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    for k, (_, own, colour) in enumerate(lines):
        axes.plot([own["lower"], own["upper"]], [k, k], color=colour)
        axes.plot(own["estimate"], k, "o", color=colour, mfc="white" if colour == OTHERS else colour)
    axes.set_yticks(range(len(lines)), [name for name, _, _ in lines])
    axes.invert_yaxis()
    axes.set_xlabel("effect of quitting on weight, kg, with 95 % interval")
    return figure


def speed(page: str) -> Any:
    """Effective draws per second on each study, cold and with compiled programs, from the table of the page."""
    heads, *rows = _table(page, "study")
    cold, warm = heads.index("ESS per s, cold"), heads.index("warm")
    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    names = [f"{row[0]}: {row[1]}" for row in rows]
    for column, face, label in ((cold, "white", "nothing compiled"), (warm, None, "compiled before")):
        for k, row in enumerate(rows):
            if re.fullmatch(r"[\d,.]+", row[column]):
                colour = OURS if row[1] == "latentdo" else OTHERS
                number = float(row[column].replace(",", ""))
                axes.plot(number, k, "o", color=colour, mfc=face or colour, label=label if k == 0 else None)
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("effective draws per second")
    axes.legend(frameon=False, loc="lower left")
    return figure


def draw(docs: Path, folder: Path) -> None:
    """Draw all pictures anew, into a folder."""
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, figure in (
            ("coverage", coverage()),
            ("rivals", rivals((docs / "explanation" / "rivals.md").read_text(encoding="utf8"))),
            ("real-rows", real_rows()),
            ("speed", speed((docs / "explanation" / "speed.md").read_text(encoding="utf8"))),
        ):
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            plt.close(figure)
