"""`Study`: a model with its data, priors, engine and queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from latentdo.errors import LatentdoError, StudyError, nearest
from latentdo.graphs import Call, LatentDag, Name
from latentdo.query import Query

from ..check_settings import CheckSettings
from ..spec import ModelSpec
from ..units import Units
from ..variant import Variant, Varied, vary
from .settings import AUTO, InferenceSettings
from .table import StudyTable


@dataclass(frozen=True)
class Study:
    """A model and what to do with it.

    Attributes:
        name: The file's name without its suffix, or "study".
        model: The model, its priors included.
        data: Where the table is, if the study says so, or the tables, if some come from experiments; they need not exist yet.
        priors: The entries under `priors:`, as typed; they are part of `model` already.
        inference: How to train.
        queries: (name, query); a query without a name goes by its text.
        variants: Other latent structures.
        compare: Names of rival methods.
        path: The study file, where it was read from one.
        units: Measured node and what it is measured in, in the order of the model.
        missing: What is done about missing cells, `latent` or `drop`; None refuses them.
        check: Whether a fit is set against its rows, and how; None where the study does not say.
    """

    name: str
    model: ModelSpec
    data: Path | tuple[StudyTable, ...] | None = None
    priors: tuple[tuple[str, Call | float], ...] = ()
    inference: InferenceSettings = AUTO
    queries: tuple[tuple[str, Query], ...] = ()
    variants: tuple[Variant, ...] = ()
    compare: tuple[str, ...] = ()
    path: Path | None = None
    units: Units = ()
    missing: str | None = None
    check: CheckSettings | None = None

    @property
    def regimes(self) -> tuple[tuple[Name, ...], ...]:
        """The sets of nodes that were set in whole tables of the study."""
        return tuple(dict.fromkeys(table.do for table in self.data if table.do)) if isinstance(self.data, tuple) else ()

    @property
    def files(self) -> str:
        """The tables that the study names, as they are said."""
        return " and ".join(map(str, [self.data] if isinstance(self.data, Path) else [t.file for t in self.data or ()]))

    def varied(self, name: str) -> Varied:
        """The graph of a variant, and its model where its mechanisms make one.

        Raises:
            StudyError: The study has no such variant.
            SpecError: The variant's latents would cause themselves.
        """
        found = {variant.name: variant for variant in self.variants}
        if name not in found:
            offered = nearest(name, found) if found else "It has no variants at all: they stand under `variants:`."
            raise StudyError(f"{self.name} has no variant {name!r}. {offered}", "variants")
        return vary(self.model, found[name])

    def variant(self, name: str) -> Study:
        """This study with the model of one of its variants, and with the queries that can be asked of it.

        Raises:
            StudyError: The study has no such variant.
            SpecError: The variant states no model: a hidden node whose family cannot be latent in this version,
                or merged latents that contradict each other.
        """
        model = self.varied(name).model
        units = tuple((node, unit) for node, unit in self.units if node in model.measured)
        queries = tuple((key, query) for key, query in self.queries if not unaskable(query, model.graph))
        # What stands under `priors:` is in the mechanisms, and may name nodes that are gone.
        return replace(
            self, name=f"{self.name}-{name}", model=model, priors=(), queries=queries, variants=(), units=units
        )


def unaskable(query: Query, graph: LatentDag) -> str:
    """Why the query makes no sense for the graph, or nothing."""
    try:
        query.check(graph)
    except LatentdoError as error:
        return str(error)
    return ""
