"""`FitCheck`: everything that was tested, as one value to read, print, draw and hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from latentdo.graphs import Admg, Name
from latentdo.plots import diagram, drawing, residual_panels
from latentdo.sheet import AbstractSheets, Note, Sheet

from .sheets import MOST_QUIET, failed_sheet, headline, queries_sheet, reasons, repairs_sheet, rows_sheet
from .values import CheckedQuery, CheckRow, Layer, Repair, Word

LEVEL = 0.01
"""The level of each layer, after Holm's correction."""
UNTESTABLE = "Nothing in these columns could contradict this graph."


@dataclass(frozen=True, eq=False, repr=False)
class FitCheck(AbstractSheets):
    """What `ld.check` found when it set a graph, or a fit, against data.

    Attributes:
        word: What is said of the whole.
        rows: A row for everything that was tested, or that was not and why, the layers in order.
        graph: The graph over the measured nodes.
        queries: What is said of each question.
        n_rows: How many rows of data there were.
        level: The level of each layer, after Holm's correction.
        repairs: Edges whose addition would remove constraints that fail, the best first.
        notes: Sentences for people: what was left out, and why.
        tolerance: By how much answers may move before that matters, where the user said so.
    """

    word: Word
    rows: tuple[CheckRow, ...]
    graph: Admg
    queries: tuple[CheckedQuery, ...] = ()
    n_rows: int = 0
    level: float = LEVEL
    repairs: tuple[Repair, ...] = ()
    notes: tuple[str, ...] = ()
    tolerance: float | None = None

    @property
    def failed(self) -> tuple[CheckRow, ...]:
        """The rows that found something."""
        return tuple(row for row in self.rows if row.word.fails)

    @property
    def is_testable(self) -> bool:
        """Whether the graph says anything that these columns could contradict."""
        return any(row.layer is Layer.GRAPH for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers, strings and lists."""
        return {
            "word": str(self.word),
            "queries": [query.to_json() for query in self.queries],
            "rows": [row.to_json() for row in self.rows],
            "repairs": [repair.to_json() for repair in self.repairs],
            "testable": self.is_testable,
            "n_rows": self.n_rows,
            "level": self.level,
            "notes": list(self.notes),
            "tolerance": self.tolerance,
        }

    @staticmethod
    def from_json(tree: Mapping[str, Any], graph: Admg) -> FitCheck:
        """The check that `to_json` wrote; without edges and what pictures need.

        Raises:
            KeyError, TypeError, ValueError: It is no such tree.
        """
        rows = tuple(CheckRow.from_json(row) for row in tree["rows"])
        notes = tuple(map(str, tree["notes"]))
        queries = tuple(CheckedQuery.from_json(query) for query in tree["queries"])
        tolerance = tree.get("tolerance")
        return FitCheck(
            Word(tree["word"]),
            rows,
            graph,
            queries,
            int(tree["n_rows"]),
            float(tree["level"]),
            notes=notes,
            tolerance=None if tolerance is None else float(tolerance),
        )

    # --- for people

    @property
    def sheets(self) -> list[Sheet]:
        """The check in parts: its word, what fails, what would remove it, the questions, what found nothing."""
        failed = self.failed
        skipped = [row for row in self.rows if row.word is Word.NOT_CHECKED]
        quiet = [row for row in self.rows if row not in failed and row not in skipped]
        broken = sum(row.layer is Layer.GRAPH for row in failed)
        # Text has no picture: it is made for pages alone, where nobody asks for matplotlib.
        picture = diagram(self.graph, broken=self.broken_pairs) if self.broken_pairs else ""
        untestable = [] if self.is_testable else [Note(UNTESTABLE)]
        return [
            replace(headline(self.word, self.rows, self.n_rows, self.level), picture=picture),
            *([Sheet(notes=(*untestable, *map(Note, self.notes)))] if untestable or self.notes else []),
            *([failed_sheet(failed)] if failed else []),
            *([repairs_sheet(self.repairs, broken)] if self.repairs else []),
            *([queries_sheet(self.queries)] if self.queries else []),
            *([rows_sheet("Nothing found:", quiet, most=MOST_QUIET, folded="closed")] if quiet else []),
            *([Sheet("Not checked:", notes=tuple(reasons(skipped)))] if skipped else []),
        ]

    @property
    def _title(self) -> str:
        return f"Check: {self.word}"

    def _table(self) -> Sheet:
        return rows_sheet("", self.rows)

    def _records(self) -> Sheet:
        return Sheet.of_records([{**row.to_json(), "nodes": ", ".join(row.nodes)} for row in self.rows])

    def plot(self, ax: Any = None) -> Any:
        """The graph with what failed in colour, and what each node leaves beside the columns of its pillow; the axes.

        The graph stands there where rows do not keep apart what it does, with a line between each two such nodes; the nodes where
        a fit was checked in this session: residuals in standard deviations, with a smooth and its 90 % band.

        Args:
            ax: matplotlib axes to draw the graph into, without nodes; a figure of its own unless given.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        title = headline(self.word, self.rows, self.n_rows, self.level).title
        from .pictures import panels_of  # a graph alone needs none

        panels = panels_of(self.rows) if ax is None else []
        if not panels:
            return drawing(self.graph, broken=self.broken_pairs, title=title).plot(ax=ax)
        axes = residual_panels(panels, title=title, with_graph=bool(self.broken_pairs))
        if self.broken_pairs:
            drawing(self.graph, broken=self.broken_pairs).plot(ax=axes[0])
        return axes[0]

    @property
    def broken_pairs(self) -> tuple[tuple[Name, Name], ...]:
        """The pairs of nodes that the graph keeps apart and the rows do not."""
        return tuple(dict.fromkeys(pair for row in self.failed for pair in row.pairs))
