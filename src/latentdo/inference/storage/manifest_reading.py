"""From bytes to a manifest that can be trusted to make sense: every part is checked against the model it holds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from latentdo.errors import ArchiveError, ExtensionError, LatentdoError
from latentdo.models import Table, checked_units
from latentdo.query import Query

from ..blocks.coordinates import Coordinate, bends_of, labels_of, n_coefficients
from ..blocks.diagnostics import Diagnostic
from ..blocks.fitted import Fitted
from .codec import digest, plain_tree, tree_of, value_of
from .manifest import FORMAT, NAME, Manifest, graph_facts, versions

_SHA256, _ROWS_DIGEST = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{32}")
ROUNDING = 1e-6
"""How far the probabilities of a row of a table may be from 1 in all."""


def read_manifest(raw: bytes, path: Path) -> Manifest:
    """The manifest in these bytes, every part of it checked against the others.

    Raises:
        ArchiveError: Naming `path` and what is wrong.
    """
    try:
        tree = tree_of(raw.decode())
    except (ValueError, RecursionError) as problem:
        raise ArchiveError(path, f"{NAME} is not readable JSON ({problem}). The file is damaged.") from None
    _check_format(tree, path)
    try:
        manifest = _converted(tree, path)
        if lost := manifest.lost_family:
            raise ArchiveError(
                path,
                f"its model has the family {lost!r}, which is not known here. If it is one of your own, import the module that "
                "defines it before the fit is read (on the command line: --import MODULE); if not, upgrade latentdo.",
            )
        fault = next(_faults(manifest), None)
    except (LatentdoError, msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as problem:
        if isinstance(problem, ArchiveError | ExtensionError):
            raise
        raise ArchiveError(path, f"{NAME} holds something unusable: {problem}") from None
    if fault:
        raise ArchiveError(path, f"{NAME} does not fit together: {fault}. The file is damaged.")
    return manifest


def _converted(tree: dict[str, Any], path: Path) -> Manifest:
    if digest(plain_tree(tree)) != tree.get("digest"):
        raise ArchiveError(path, f"{NAME} was changed after the fit was saved: its digest does not match.")
    return value_of(tree, Manifest)


def _check_format(tree: Any, path: Path) -> None:
    number = tree.get("format") if isinstance(tree, dict) else None
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ArchiveError(path, f"{NAME} has no format number. This is not a fit saved by latentdo.")
    if number > FORMAT:
        raise ArchiveError(
            path,
            f"written by a newer latentdo (format {number}); this version reads {FORMAT}. Upgrade latentdo to open it.",
        )


def _faults(manifest: Manifest) -> Iterator[str]:
    """What does not fit, part by part; later parts are only looked at once the earlier ones fit."""
    if graph_facts(manifest.spec) != manifest.graph:
        yield "the model text and the graph differ"
    if missing := versions().keys() - manifest.versions.keys():
        yield f"the versions lack {', '.join(sorted(missing))}"
    if len(manifest.timings.blocks) != len(manifest.blocks):
        yield "blocks and timings differ in number"
    yield from _block_faults(manifest)
    yield from _coordinate_faults(manifest)
    yield from _data_faults(manifest)
    if checked_units(manifest.spec, dict(manifest.units)) != manifest.units:
        yield "the units are not in the order of the model"
    if len(set(manifest.compare)) < len(manifest.compare):
        yield "a rival is named twice"
    yield from _member_faults(manifest)
    for _, text in manifest.queries:
        Query.parse(text).check(manifest.spec.graph)


def _diagnostic_faults(name: str, diagnostics: tuple[Diagnostic, ...]) -> Iterator[str]:
    for each in diagnostics:
        # Written so that NaN, which compares with nothing, is a fault; R-hat is infinite where chains stand still.
        if not each.ess >= 0.0 or not (each.rhat is None or each.rhat >= 0.0):
            yield f"the R-hat or the effective draws of {each.name} in {name} are not possible"


def _block_faults(manifest: Manifest) -> Iterator[str]:
    trained = [node for record in manifest.blocks for node, _ in record.parameters]
    if sorted(trained) != sorted(manifest.graph.nodes):
        yield "the blocks do not hold each node once"
    for record in manifest.blocks:
        block = record.block
        latent = tuple(node for node in block.nodes if node in manifest.graph.latent)
        if sorted(block.nodes) != sorted(node for node, _ in record.parameters) or block.latent != latent:
            yield f"the block {block.name} has other nodes than its draws"
        if not set(block.inputs) <= set(manifest.graph.nodes):
            yield f"the block {block.name} has an input that is not a node"
        if record.n_divergent > (0 if record.independent else record.n_made * manifest.chains):
            yield f"in the block {block.name} more transitions diverged than were made"
        if record.khat is not None and math.isnan(record.khat):
            yield f"the k-hat of the block {block.name} is not a number"
        yield from _diagnostic_faults(f"the block {block.name}", record.diagnostics)
    yield from _diagnostic_faults("the fit", manifest.diagnostics)


def _coordinate_faults(manifest: Manifest) -> Iterator[str]:
    if [record.node for record in manifest.coordinates] != list(manifest.graph.nodes):
        yield "the coordinates are not of the model's nodes"
        return
    names = dict(pair for record in manifest.blocks for pair in record.parameters)
    for record in manifest.coordinates:
        mechanism = manifest.spec[record.node]
        family = mechanism.family
        table = isinstance(family, Table)
        terms = () if table else tuple(weight.factors for weight in mechanism.weights)
        factors = tuple(dict.fromkeys(factor for term in terms for factor in term))
        n = family.n_rows * (len(family.levels) - 1) if table else n_coefficients(mechanism)
        size = 0 if table else n
        fits = (
            record.terms == terms
            and len(record.centred) == len(terms)
            and len(record.coefficients) == n
            and record.to_raw.size == size * size
            # Labels of parameters are scored on the sampled scale, through the inverse.
            and (not size or (record.to_raw.shape == (size, size) and bool(np.linalg.slogdet(record.to_raw)[0] != 0)))
            and all(math.isfinite(centre) and 0.0 < scale < math.inf for _, (centre, scale) in record.centres)
            and tuple(name for name, _ in record.centres) == factors
            and tuple(name for name, _ in record.parameters) == mechanism.parameter_names
            and tuple(names.get(record.node, ())) == mechanism.parameter_names
            and record.bends == bends_of(mechanism)
            and all(_is_settled(coordinate) for coordinate in record.coefficients)
            and all(_is_settled(coordinate) for _, coordinate in record.parameters)
        )
        if not fits:
            yield f"the coordinates of {record.node} do not suit its mechanism"
        elif tuple(coordinate.label for coordinate in record.all) != labels_of(manifest.spec, record.node):
            yield f"the parameters of {record.node} are called otherwise than in the model"


def _is_settled(coordinate: Coordinate) -> bool:
    """Whether it is either fixed at a number or has a prior, and counts from a number in units of a number."""
    centre, spread = coordinate.start
    if not (math.isfinite(coordinate.shift) and math.isfinite(centre) and 0.0 <= spread < math.inf):
        return False
    if coordinate.fixed is None:
        return coordinate.prior is not None
    return coordinate.prior is None and math.isfinite(coordinate.fixed)


def _data_faults(manifest: Manifest) -> Iterator[str]:
    data = manifest.data
    columns = [column.name for column in data.columns]
    if len(set(columns)) < len(columns) or not set(columns) >= set(manifest.spec.measured):
        yield "the columns are not those of the model"
    hashes = [("the data", data.hash), *((record.block.name, record.rows_hash) for record in manifest.blocks)]
    for what, own in (*hashes, *((member.name, member.sha256) for member in manifest.members)):
        if own is not None and not _SHA256.fullmatch(own):
            yield f"the hash of {what} is none"
    if data.rows_digest is not None and not _ROWS_DIGEST.fullmatch(data.rows_digest):
        yield "the digest of the rows is none"
    if data.n_rows < max(1, manifest.rows or 0):
        yield f"the data have {data.n_rows} rows"
    for column in data.columns:
        numbers = (column.mean, column.sd, column.minimum, column.maximum, *column.values)
        possible = all(map(math.isfinite, numbers)) and column.sd >= 0.0 and column.minimum <= column.maximum
        if not possible or column.n < 1 or column.n_distinct < 1:
            yield f"the numbers of the column {column.name} are not possible"
    for node, parents in data.functional:
        if node not in manifest.graph.nodes or not parents or not set(parents) <= set(manifest.spec[node].parents):
            yield f"{node} is not a function of its parents"
    for node, rows in data.empty:
        family = manifest.spec[node].family if node in manifest.graph.nodes else None
        if not isinstance(family, Table) or not all(0 <= row < family.n_rows for row in rows):
            yield f"{node} has no table with these rows"


def _member_faults(manifest: Manifest) -> Iterator[str]:
    shapes = manifest.expected()
    if [member.name for member in manifest.members] != list(shapes):
        yield "the members are not those of the model"
        return
    for member in manifest.members:
        if member.shape != shapes[member.name]:
            yield f"{member.name} has another shape than the model needs"
        # An array in the NumPy format: its numbers behind a short header.
        elif not 0 < member.size - 8 * math.prod(member.shape) <= 4096:
            yield f"{member.name} has another size than its shape needs"


def draw_faults(fitted: Fitted) -> Iterator[str]:
    """Parameters of a fit that are out of their range: negative standard deviations, tables that are no probabilities."""
    for own in fitted.coordinates:
        family, draws = fitted.spec[own.node].family, fitted.by_node[own.node]
        if isinstance(family, Table):
            shares = draws.coefficients.reshape(-1, len(family.levels))
            if (shares < 0.0).any() or (np.abs(shares.sum(axis=-1) - 1.0) > ROUNDING).any():
                yield f"the table of {own.node} holds no probabilities"
        for name, values in draws.parameters:
            # What default priors keep above 0 has no other values.
            is_wiggle = name not in family.parameters
            if (is_wiggle or family.default(name, 1.0).prior.low >= 0.0) and (values < 0.0).any():
                yield f"{name}({own.node}) is below 0 in some draws"
