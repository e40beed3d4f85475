"""Before anything is trained: is each question identified, and can the table have come from the model?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from latentdo.identification import Identified, NotIdentified, identify
from latentdo.inference import Dataset, check_columns
from latentdo.models import ColumnSummary, ModelSpec
from latentdo.query import Query

from .support import check_values


@dataclass(frozen=True)
class Report:
    """What `ld.check` found.

    Attributes:
        spec: The model.
        verdicts: (name, verdict) per question.
        columns: What each measured node's column looks like; empty without data.
        cautions: About data that can be fitted.
        ignored: Columns that no node names.
        unread: Columns with a latent's name, which are never read.
    """

    spec: ModelSpec
    verdicts: tuple[tuple[str, Identified | NotIdentified], ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    cautions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    n_rows: int | None = None

    @property
    def identified(self) -> bool:
        """Whether every question is identified."""
        return all(verdict.identified for _, verdict in self.verdicts)

    def to_json(self) -> dict[str, Any]:
        """The report as plain numbers, strings and lists."""
        return {
            "measured": list(self.spec.measured),
            "latent": [node for node in self.spec.graph.nodes if node in self.spec.latent],
            "verdicts": [_verdict_json(name, verdict) for name, verdict in self.verdicts],
            "n_rows": self.n_rows,
            "columns": {column.name: column.to_json() for column in self.columns},
            "cautions": list(self.cautions),
            "ignored": list(self.ignored),
            "unread": list(self.unread),
        }

    def __str__(self) -> str:
        return "\n".join([*self._model_lines(), *self._verdict_lines(), *self._data_lines()])

    def _model_lines(self) -> list[str]:
        latent = [node for node in self.spec.graph.nodes if node in self.spec.latent]
        hidden = f", {len(latent)} never measured ({', '.join(latent)})" if latent else ""
        return [f"model: {len(self.spec.measured)} measured nodes{hidden}"]

    def _verdict_lines(self) -> list[str]:
        lines = []
        for name, verdict in self.verdicts:
            lines += [] if name == str(verdict.query) else [f"{name}:"]
            lines += ["  " + line for line in str(verdict).splitlines()]
        return lines

    def _data_lines(self) -> list[str]:
        if self.n_rows is None:
            return []
        lines = [f"data: {self.n_rows} rows"]
        width = max((len(column.name) for column in self.columns), default=0)
        for column in self.columns:
            family = self.spec[column.name].family
            lines.append(
                f"  {column.name:<{width}}  {family!s:<9}  mean {column.mean:.4g}, sd {column.sd:.4g}, "
                f"{column.minimum:.4g} to {column.maximum:.4g}"
            )
        lines += [f"  columns that no node names, ignored: {', '.join(self.ignored)}"] if self.ignored else []
        lines += [f"  columns with a latent's name, never read: {', '.join(self.unread)}"] if self.unread else []
        lines += [f"  caution: {caution}" for caution in self.cautions]
        return lines

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _verdict_json(name: str, verdict: Identified | NotIdentified) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "query": str(verdict.query), "identifiable": verdict.identified}
    match verdict:
        case Identified(estimand=estimand):
            return {**row, "estimand": estimand.text, "hedge": None}
        case NotIdentified(hedge=(larger, smaller)):
            return {**row, "estimand": None, "hedge": [sorted(larger), sorted(smaller)]}


def check_model(spec: ModelSpec, queries: Sequence[tuple[str, Query]], data: Dataset | None) -> Report:
    """The verdict of each question and, where there is a table, its columns against the model's families.

    Raises:
        QueryError: A question that makes no sense for the model.
        SupportError: A value in a question that its node cannot take.
        DataError: A table that cannot have come from the model.
    """
    for _, query in queries:
        query.check(spec.graph)
        check_values(spec, query)
    verdicts = tuple((name, identify(spec.graph, query)) for name, query in queries)
    if data is None:
        return Report(spec, verdicts)
    cautions = check_columns(spec, data)
    return Report(spec, verdicts, data.summaries, cautions, data.ignored, data.unread, data.n_rows)
