"""The manifest of a saved fit: everything of a posterior but its arrays, as JSON that people can read, and the way back.

The zip around it is the business of `archive.py`; whether a manifest that someone hands in makes sense is checked in
`manifest_reading.py`, before anything in it is used.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import PureWindowsPath
from typing import Annotated

import numpy as np
from msgspec import Meta

from latentdo.errors import DataError
from latentdo.graphs import EdgeStatement, MechanismStatement, Name, Statement, parse_call, parse_statements
from latentdo.models import ModelSpec, Units, family_named, named
from latentdo.query import Query
from latentdo.tables import Dataset

from ..blocks.block import Block
from ..blocks.coordinates import FloatArray, NodeCoordinates, n_coefficients
from ..blocks.diagnostics import Diagnostic
from ..blocks.draws import BlockDraws, DataFacts, NodeDraws
from ..blocks.fitted import Fitted
from ..blocks.method import Method
from .codec import digest, plain_tree

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Size = Annotated[float, Meta(ge=0.0)]

FORMAT = 1
NAME = "manifest.json"
WEIGHTS = "data/weights.npy"
PATTERN = "data/pattern.npy"
"""Which of the patterns of missing and set cells each row has."""


@dataclass(frozen=True)
class Member:
    """One array of the archive: float64, in C order."""

    name: str
    shape: tuple[int, ...]
    size: int
    sha256: str


@dataclass(frozen=True)
class GraphFacts:
    """The graph that the model text must give."""

    nodes: tuple[Name, ...]
    latent: tuple[Name, ...]
    directed: tuple[tuple[Name, Name], ...]


@dataclass(frozen=True)
class BlockRecord:
    """`BlockDraws` without arrays and times; `parameters` has the nodes in the order of the draws.

    Attributes:
        logged: Whether the log posterior of each draw is among the members.
    """

    block: Block
    method: str
    parameters: tuple[tuple[Name, tuple[str, ...]], ...]
    diagnostics: tuple[Diagnostic, ...]
    why: str
    independent: bool
    weight_ess: Size | None
    khat: float | None
    approximate: str | None
    acceptance: Size | None
    n_divergent: Count
    n_warmup: Count
    n_made: Count
    rows_hash: str | None = None
    logged: bool = False


@dataclass(frozen=True)
class Timings:
    """Wall times in seconds; per block compiling and sampling. The one thing in which equal fits may differ."""

    fit: Size
    blocks: tuple[tuple[Size, Size], ...]


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` holds.

    Attributes:
        versions: Of latentdo and what it computes with, at the time of training.
        model, priors: Together the spec: `ModelSpec.parse(model).with_priors(priors)`.
        rows: Stored rows of the data among the members; None where the archive holds none.
        digest: SHA-256 over everything else but the timings.
        unjudged: What was left out of the diagnostics to save time.
        units: Node and what it is measured in.
        compare: Names of the rivals that the study names.
        concerns: The nodes whose columns the first warnings are about; empty in the files of versions that did not keep them.
        checked: What a check of graph and nodes found, as JSON.
        knots: Of the splines: the parent, how many knots were asked for, and where they are.
    """

    format: int
    versions: dict[str, str]
    model: str
    priors: dict[str, str]
    graph: GraphFacts
    data: DataFacts
    rows: Positive | None
    engine: str
    seed: Count
    queries: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    chains: Positive
    draws: Positive
    blocks: tuple[BlockRecord, ...]
    coordinates: tuple[NodeCoordinates, ...]
    diagnostics: tuple[Diagnostic, ...]
    timings: Timings
    members: tuple[Member, ...]
    digest: str
    unjudged: tuple[str, ...] = ()
    units: Units = ()
    compare: tuple[str, ...] = ()
    concerns: tuple[Name, ...] = ()
    checked: str = ""
    knots: tuple[tuple[Name, Positive, tuple[float, ...]], ...] = ()

    @cached_property
    def spec(self) -> ModelSpec:
        """The model, read from its text."""
        implicit = sum(s.latents for s in self._statements if isinstance(s, EdgeStatement) and s.kind == "<->")
        # `[latents=k]` is a few letters that make k nodes: not more than the graph facts have.
        if implicit > len(self.graph.nodes):
            raise DataError("The model text has more latents than the graph.")
        spec = ModelSpec.stated(self._statements, self.model)
        spec = spec.with_priors({key: parse_call(text) for key, text in self.priors.items()})
        return spec.with_knots({(parent, size): knots for parent, size, knots in self.knots})

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        return parse_statements(self.model)

    @property
    def lost_family(self) -> str | None:
        """A family of the model that is not known here; None where all are."""
        named = (each.family for each in self._statements if isinstance(each, MechanismStatement))
        return next((family for family in named if family_named(family) is None), None)

    def fitted(self, arrays: Mapping[str, FloatArray]) -> Fitted:
        """The fit whose arrays these are.

        Raises:
            LatentdoError: Rows of data that do not have the hash of the data.
        """
        return Fitted(
            spec=self.spec,
            blocks=tuple(
                self._block(k, record, times, arrays)
                for k, (record, times) in enumerate(zip(self.blocks, self.timings.blocks, strict=True))
            ),
            facts=self.data,
            coordinates=self.coordinates,
            diagnostics=self.diagnostics,
            engine=self.engine,
            seed=self.seed,
            queries=tuple((name, Query.parse(text)) for name, text in self.queries),
            warnings=self.warnings,
            seconds=self.timings.fit,
            unjudged=self.unjudged,
            versions=tuple(self.versions.items()),
            data=self._dataset(arrays),
            units=self.units,
            compare=self.compare,
            concerns=self.concerns,
            checked=self.checked,
        )

    def _block(
        self, k: int, record: BlockRecord, times: tuple[float, float], arrays: Mapping[str, FloatArray]
    ) -> BlockDraws:
        index = {node: i for i, node in enumerate(self.graph.nodes)}
        draws = {
            node: NodeDraws(
                arrays[_coefficients(index[node])],
                tuple((name, arrays[_parameter(index[node], k)]) for k, name in enumerate(names)),
            )
            for node, names in record.parameters
        }
        return block_of(record, times, draws, arrays[_log_posterior(k)] if record.logged else None)

    def _dataset(self, arrays: Mapping[str, FloatArray]) -> Dataset | None:
        if self.rows is None:
            return None
        facts = self.data
        columns = tuple((column.name, arrays[_column(i)]) for i, column in enumerate(facts.columns))
        # Which columns hold names is known by the model, whose levels they are.
        measured = {name for name, _ in columns}
        levels = tuple(
            (name, tuple(map(str, levels)))
            for name, levels in self.spec.levels.items()
            if name in measured and named(levels)
        )
        data = Dataset(
            columns,
            arrays[WEIGHTS],
            facts.ignored,
            facts.unread,
            facts.source,
            levels,
            facts.patterns,
            arrays[PATTERN].astype(np.intp) if facts.patterns else None,
            facts.dropped,
            facts.do_column,
            facts.origins,
        )
        if (data.hash, data.n_rows) != (facts.hash, facts.n_rows):
            raise DataError("The rows are not those that the model was trained on.")
        return data

    def expected(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array that a fit of this model has."""
        names = dict(pair for record in self.blocks for pair in record.parameters)
        shapes: dict[str, tuple[int, ...]] = {}
        for i, node in enumerate(self.graph.nodes):
            shapes[_coefficients(i)] = (self.chains, self.draws, n_coefficients(self.spec[node]))
            for k in range(len(names[node])):
                shapes[_parameter(i, k)] = (self.chains, self.draws)
        shapes |= {
            _log_posterior(k): (self.chains, self.draws) for k, record in enumerate(self.blocks) if record.logged
        }
        if self.rows is not None:
            shapes |= {_column(i): (self.rows,) for i in range(len(self.data.columns))}
            shapes[WEIGHTS] = (self.rows,)
            shapes |= {PATTERN: (self.rows,)} if self.data.patterns else {}
        return shapes

    def to_bytes(self) -> bytes:
        """The manifest as JSON, its digest filled in."""
        tree = plain_tree(self)
        tree["digest"] = digest(tree)
        return (json.dumps(tree, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()


def arrays_of(posterior: Fitted, *, data: bool) -> Iterator[tuple[str, FloatArray]]:
    """Name and values of every array of an archive, in order.

    Members are named by the node's index: a node's name may hold any character.
    """
    for i, node in enumerate(posterior.spec.graph.nodes):
        draws = posterior.by_node[node]
        yield _coefficients(i), draws.coefficients
        for k, (_, values) in enumerate(draws.parameters):
            yield _parameter(i, k), values
    for k, block in enumerate(posterior.blocks):
        if block.log_posterior is not None:
            yield _log_posterior(k), block.log_posterior
    if data and posterior.data is not None:
        for i, (_, values) in enumerate(posterior.data.columns):
            yield _column(i), values
        yield WEIGHTS, posterior.data.weights
        if posterior.data.pattern is not None:
            yield PATTERN, posterior.data.pattern.astype(np.float64)


def _coefficients(node: int) -> str:
    return f"posterior/{node}.coefficients.npy"


def _parameter(node: int, k: int) -> str:
    return f"posterior/{node}.parameter.{k}.npy"


def _log_posterior(block: int) -> str:
    return f"posterior/block.{block}.log_posterior.npy"


def _column(i: int) -> str:
    return f"data/{i}.npy"


def manifest_of(posterior: Fitted, members: Iterable[Member], *, data: bool) -> Manifest:
    """The manifest of a posterior, without its digest."""
    spec, facts = posterior.spec, posterior.facts
    text, priors = model_text(spec)
    rows = posterior.data.n_stored if data and posterior.data is not None else None
    return Manifest(
        format=FORMAT,
        versions=dict(posterior.versions) or versions(),
        model=text,
        priors=priors,
        graph=graph_facts(spec),
        # Without folders: where a table lay on a machine is nobody else's business.
        data=dataclasses.replace(
            facts,
            source=_without_folder(facts.source),
            origins=tuple(dataclasses.replace(each, file=_without_folder(each.file)) for each in facts.origins),
        ),
        rows=rows,
        engine=posterior.engine,
        seed=posterior.seed,
        queries=tuple((name, str(query)) for name, query in posterior.queries),
        warnings=posterior.warnings,
        chains=posterior.n_chains,
        draws=posterior.n_draws,
        blocks=tuple(block_record(block) for block in posterior.blocks),
        coordinates=posterior.coordinates,
        diagnostics=posterior.diagnostics,
        timings=Timings(
            posterior.seconds,
            tuple((block.compile_seconds, block.sample_seconds) for block in posterior.blocks),
        ),
        members=tuple(members),
        digest="",
        unjudged=posterior.unjudged,
        units=posterior.units,
        compare=posterior.compare,
        concerns=posterior.concerns,
        checked=posterior.checked,
        knots=tuple((parent, size, knots) for (parent, size), knots in posterior.spec.knots.items()),
    )


def _without_folder(source: str) -> str:
    return PureWindowsPath(source).name or source


def model_text(spec: ModelSpec) -> tuple[str, dict[str, str]]:
    """The model as text, and the priors of single weights, such that reading them gives an equal spec.

    Raises:
        LatentdoError: There is no such text: a node was set by surgery.
    """
    text, priors = spec.source
    again = ModelSpec.parse(text).with_priors({key: parse_call(prior) for key, prior in priors})
    if again.with_knots(spec.knots) != spec:
        raise DataError("its text does not give the same model back when it is read")
    return text, dict(priors)


def versions() -> dict[str, str]:
    """Of latentdo and what it computes with, here and now."""
    packages = {name: metadata.version(name) for name in ("latentdo", "numpy", "jax", "numpyro")}
    return {**packages, "python": platform.python_version()}


def graph_facts(spec: ModelSpec) -> GraphFacts:
    nodes = spec.graph.nodes
    rank = {node: i for i, node in enumerate(nodes)}
    directed = sorted(spec.graph.directed, key=lambda edge: (rank[edge[0]], rank[edge[1]]))
    return GraphFacts(nodes, tuple(node for node in nodes if node in spec.latent), tuple(directed))


def block_record(block: BlockDraws) -> BlockRecord:
    """What is kept of a block beside its arrays and times."""
    parameters = tuple((node, tuple(name for name, _ in draws.parameters)) for node, draws in block.draws)
    kept = {field.name for field in dataclasses.fields(BlockRecord)} - {"parameters", "logged"}
    own = {key: getattr(block, key) for key in kept}
    own["method"] = str(block.method)
    return BlockRecord(**own, parameters=parameters, logged=block.log_posterior is not None)


def block_of(
    record: BlockRecord,
    times: tuple[float, float],
    draws: Mapping[Name, NodeDraws],
    log_posterior: FloatArray | None,
) -> BlockDraws:
    """The block of a record, its times (compiling, sampling), its draws by node and their log posterior."""
    own = {key: value for key, value in vars(record).items() if key not in ("parameters", "logged")}
    own["method"] = Method.parse(record.method)
    return BlockDraws(
        **own,
        draws=tuple((node, draws[node]) for node, _ in record.parameters),
        compile_seconds=times[0],
        sample_seconds=times[1],
        log_posterior=log_posterior,
    )
