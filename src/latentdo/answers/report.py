"""Before anything is trained: is each question identified, and can the table have come from the model?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from latentdo.graphs import Name, format_level, quote
from latentdo.identification import Identified, NotIdentified
from latentdo.models import ColumnSummary, ModelSpec, Units, checked_units, named
from latentdo.query import Query
from latentdo.sheet import Column, Note, Sheet, bodies, listed

from .support import check_values, verdict_on

if TYPE_CHECKING:
    from latentdo.inference import PriorCheck
    from latentdo.tables import Dataset

    from .variants import VariantReport

SHOWN_LEVELS = 12
"""Levels of a column that are printed with their counts."""


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
        functional: Nodes that are exact functions of their parents, and these: declared, or shown by the data.
        variants: The study's other latent structures.
        prior: What the priors alone say of each measured node; None unless it was asked for.
        units: Node and what it is measured in, where the study says so.
        counts: Of each measured node whose levels are names, every level and how many rows have it.
    """

    spec: ModelSpec
    verdicts: tuple[tuple[str, Identified | NotIdentified], ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    cautions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    n_rows: int | None = None
    functional: tuple[tuple[Name, tuple[Name, ...]], ...] = ()
    variants: tuple[VariantReport, ...] = ()
    prior: PriorCheck | None = None
    units: Units = ()
    counts: tuple[tuple[Name, tuple[tuple[str, int], ...]], ...] = ()

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
            "counts": {node: dict(levels) for node, levels in self.counts},
            "cautions": list(self.cautions),
            "functional": {node: list(parents) for node, parents in self.functional},
            "ignored": list(self.ignored),
            "unread": list(self.unread),
            "variants": [variant.to_json() for variant in self.variants],
            "prior": None if self.prior is None else self.prior.to_json(),
            "units": dict(self.units),
        }

    @property
    def sheets(self) -> list[Sheet]:
        """The report in parts: the model, the verdicts, the columns, what the priors say, the variants."""
        latent = [node for node in self.spec.graph.nodes if node in self.spec.latent]
        hidden = f", {len(latent)} never measured ({listed(latent, '')})" if latent else ""
        units = [f"{quote(node)} in {unit}" for node, unit in self.units]
        lead = [f"units: {'; '.join(units)}"] if units else []
        lead += [
            f"{quote(node)} is a function of {listed(map(quote, parents), '')}: verdicts treat it as one"
            for node, parents in self.functional
        ]
        model = Sheet(f"model: {len(self.spec.measured)} measured nodes{hidden}", lead=tuple(lead))
        verdicts = [
            # A question without a name of its own needs no title: its verdict begins with it.
            Sheet(f"{name}:" if name != str(verdict.query) else "", lead=_indented(verdict, name))
            for name, verdict in self.verdicts
        ]
        prior = [] if self.prior is None else [self.prior.sheet()]
        variants = [line for variant in self.variants for line in str(variant).splitlines()]
        return [
            model,
            *verdicts,
            *([] if self.n_rows is None else [self._data(self.n_rows)]),
            *prior,
            *([Sheet("variants:", lead=tuple(variants))] if variants else []),
        ]

    def __str__(self) -> str:
        return "\n".join(sheet.text() for sheet in self.sheets)

    def _data(self, n_rows: int) -> Sheet:
        rows = [(column.name, f"{self.spec[column.name].family!s:<9}", self._looks(column)) for column in self.columns]
        notes = [Note(listed(self.ignored, ""), "columns that no node names, ignored")] if self.ignored else []
        notes += [Note(listed(self.unread, ""), "columns with a latent's name, never read")] if self.unread else []
        notes += [Note(caution, "caution") for caution in self.cautions]
        columns = ("column", "family", Column("values", "prose"))
        return Sheet.of(f"data: {n_rows} rows", columns, rows, notes=tuple(notes), headed=False)

    def _looks(self, column: ColumnSummary) -> str:
        """Where a column lies and how wide it is, with its unit; of names, which have no mean, how often each occurs."""
        counts = dict(self.counts).get(column.name)
        if counts is None:
            unit = dict(self.units).get(column.name)
            shown = f"mean {column.mean:.4g}, sd {column.sd:.4g}, {column.minimum:.4g} to {column.maximum:.4g}"
            return f"{shown} {unit}" if unit else shown
        shown = [f"{format_level(level)} {count:,}" for level, count in counts[:SHOWN_LEVELS]]
        return ", ".join(shown + [f"… ({len(counts)} levels in all)"] * (len(counts) > SHOWN_LEVELS))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return bodies(self.sheets)


def _indented(verdict: Identified | NotIdentified, name: str) -> tuple[str, ...]:
    """The lines of a verdict; to the right where no title stands above them."""
    margin = "" if name != str(verdict.query) else "  "
    return tuple(margin + line for line in str(verdict).splitlines())


def _verdict_json(name: str, verdict: Identified | NotIdentified) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "query": str(verdict.query), "identifiable": verdict.identified}
    match verdict:
        case Identified(estimand=estimand):
            return {**row, "estimand": estimand.text, "hedge": None}
        case NotIdentified(hedge=(larger, smaller)):
            hedge = [sorted(larger), sorted(smaller)] if larger else None
            return {**row, "estimand": None, "hedge": hedge}


def check_model(
    spec: ModelSpec,
    queries: Sequence[tuple[str, Query]],
    data: Dataset | None,
    units: Mapping[Name, str] | None = None,
    *,
    known: Mapping[Name, tuple[Name, ...]] = MappingProxyType({}),
    regimes: Sequence[tuple[Name, ...]] = (),
) -> Report:
    """The verdict of each question and, where there is a table, its columns against the model's families.

    Args:
        known: Nodes that earlier rows have shown to be functions, with what determines them.
        regimes: What is set in the experiments that are known where there is no table, whose rows say so otherwise.

    Raises:
        QueryError: A question that makes no sense for the model.
        SupportError: A value in a question that its node cannot take.
        DataError: A table that cannot have come from the model.
    """
    if data is None:
        _check_asked(spec, queries, units)
        functional = {**spec.functional, **known}
        return Report(spec, _verdicts(spec, queries, functional, regimes), functional=tuple(functional.items()))
    from latentdo.inference import check_columns, functional_nodes, levelled  # a model alone needs no arrays

    spec = levelled(spec, data)
    _check_asked(spec, queries, units)
    cautions, functional = check_columns(spec, data), functional_nodes(spec, data)
    return Report(
        spec,
        _verdicts(spec, queries, functional, tuple(held for held in data.regimes if held)),
        data.summaries,
        cautions,
        data.ignored,
        data.unread,
        data.n_rows,
        tuple(functional.items()),
        counts=tuple((node, _counts(spec, data, node)) for node in spec.measured if named(spec.levels.get(node, ()))),
    )


def _check_asked(spec: ModelSpec, queries: Sequence[tuple[str, Query]], units: Mapping[Name, str] | None) -> None:
    """Raise unless units and questions make sense for the model, whose levels are known as far as anything tells them."""
    # Only the column may tell that levels are names, which have no unit.
    checked_units(spec, units or {})
    for _, query in queries:
        query.check(spec.graph)
        check_values(spec, query)


def _verdicts(
    spec: ModelSpec,
    queries: Sequence[tuple[str, Query]],
    functional: Mapping[Name, tuple[Name, ...]],
    regimes: Sequence[tuple[Name, ...]] = (),
) -> tuple[tuple[str, Identified | NotIdentified], ...]:
    return tuple((name, verdict_on(spec.graph, query, functional, regimes)) for name, query in queries)


def _counts(spec: ModelSpec, data: Dataset, node: Name) -> tuple[tuple[str, int], ...]:
    """Each level of a node and its number of rows, in the order of the levels."""
    column = data.column(node)
    pairs = zip(spec.levels[node], spec[node].family.points, strict=True)
    return tuple((str(level), int(data.weights[column == point].sum())) for level, point in pairs)
