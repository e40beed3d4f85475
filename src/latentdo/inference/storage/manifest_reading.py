"""From bytes to a manifest that can be trusted to make sense: every part is checked against the model it holds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np

from latentdo.errors import ArchiveError, LatentdoError
from latentdo.models import Table, checked_units
from latentdo.query import Query

from ..blocks.coordinates import Coordinate, n_coefficients
from .manifest import FORMAT, NAME, Manifest, digest, graph_facts, plain_tree


def read_manifest(raw: bytes, path: Path) -> Manifest:
    """The manifest in these bytes, every part of it checked against the others.

    Raises:
        ArchiveError: Naming `path` and what is wrong.
    """
    try:
        tree = json.loads(raw.decode(), parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as problem:
        raise ArchiveError(path, f"{NAME} is not readable JSON ({problem}). The file is damaged.") from None
    _check_format(tree, path)
    try:
        manifest = _converted(tree, path)
        fault = next(_faults(manifest), None)
    except (LatentdoError, msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as problem:
        if isinstance(problem, ArchiveError):
            raise
        raise ArchiveError(path, f"{NAME} holds something unusable: {problem}") from None
    if fault:
        raise ArchiveError(path, f"{NAME} does not fit together: {fault}. The file is damaged.")
    return manifest


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    """A JSON object, or the number that JSON lacks."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    match pairs:
        case [("number", "inf" | "-inf" | "nan" as name)]:
            return float(name)
        case _:
            return dict(pairs)


def _converted(tree: dict[str, Any], path: Path) -> Manifest:
    if digest(plain_tree(tree)) != tree.get("digest"):
        raise ArchiveError(path, f"{NAME} was changed after the fit was saved: its digest does not match.")
    return msgspec.convert(tree, type=Manifest)


def _check_format(tree: Any, path: Path) -> None:
    found = tree.get("format") if isinstance(tree, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ArchiveError(path, f"{NAME} has no format number. This is not a fit saved by latentdo.")
    if found > FORMAT:
        raise ArchiveError(
            path,
            f"written by a newer latentdo (format {found}); this version reads {FORMAT}. Upgrade latentdo to open it.",
        )


def _faults(manifest: Manifest) -> Iterator[str]:
    """What does not fit, part by part; later parts are only looked at once the earlier ones fit."""
    if graph_facts(manifest.spec) != manifest.graph:
        yield "the model text and the graph differ"
    if manifest.chains < 1 or manifest.draws < 1:
        yield "there are no draws"
    if manifest.rows is not None and manifest.rows < 1:
        yield "there are no rows"
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
        Query.parse(text)


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
        rows = [row for row in record.to_raw if len(row) == size]
        matrix = np.array(rows).reshape(len(rows), size)
        fits = (
            record.terms == terms
            and len(record.centred) == len(terms)
            and len(record.coefficients) == n
            and matrix.shape == (size, size) == (len(record.to_raw), size)
            and bool(np.isfinite(matrix).all())
            # Labels of parameters are scored on the sampled scale, through the inverse.
            and bool(np.linalg.slogdet(matrix)[0] != 0)
            and tuple(name for name, _ in record.centres) == factors
            and tuple(name for name, _ in record.parameters) == mechanism.family.parameters
            and tuple(names.get(record.node, ())) == mechanism.family.parameters
            and all(_is_settled(coordinate) for coordinate in record.coefficients)
            and all(_is_settled(coordinate) for _, coordinate in record.parameters)
        )
        if not fits:
            yield f"the coordinates of {record.node} do not suit its mechanism"


def _is_settled(coordinate: Coordinate) -> bool:
    """Whether it is either fixed at a number or has a prior."""
    if coordinate.fixed is None:
        return coordinate.prior is not None
    return coordinate.prior is None and math.isfinite(coordinate.fixed)


def _data_faults(manifest: Manifest) -> Iterator[str]:
    columns = [column.name for column in manifest.data.columns]
    if len(set(columns)) < len(columns) or not set(columns) >= set(manifest.spec.measured):
        yield "the columns are not those of the model"
    for node, parents in manifest.data.functional:
        if node not in manifest.graph.nodes or not parents or not set(parents) <= set(manifest.spec[node].parents):
            yield f"{node} is not a function of its parents"


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
