"""From the general form of a block to its generic program: every coordinate's place in the equations as one matrix.

The arithmetic is in `program`.
"""

from __future__ import annotations

import itertools

import numpy as np

from latentdo.models import AbstractFamily, Hill, Student
from latentdo.models.build import LINK_CLIP

from ..blocks.coordinates import FloatArray
from .bends import BendsWriter
from .density import Layout, NodeLayout, NodeNumbers, Numbers, coordinates_of, solved_map
from .program import GAMMA, GROUPS, PRIORS, STUDENT, Program, ProgramNumbers, columns_of, group_of, sizes_of

TRANSFORMS = ("free", "half", "interval")
_SAME = {"halfnormal": "normal"}


def program_of(layout: Layout, numbers: Numbers, *, dimensionless: bool = True) -> tuple[Program, ProgramNumbers] | str:
    """The generic program of a block, or why it has none.

    Args:
        layout, numbers: The general form of the block; its free coordinates are the program's, in the same order.
        dimensionless: Whether columns and equations are centred and scaled, so that float32 will do.
    """
    if (why := _why_not(layout, numbers)) is not None:
        return why
    latent = [k for k, node in enumerate(layout.nodes) if node.latent is not None]
    groups = {k: group_of(node.family) for k, node in enumerate(layout.nodes)}
    measured = [k for group in GROUPS for k in range(len(layout.nodes)) if k not in latent and groups[k] == group]
    counts = tuple(sum(groups[k] == group for k in measured) for group in GROUPS)
    products = [_products(layout.nodes[k], numbers.nodes[k]) for k in measured]
    n_products = 1 + max(len(columns) for columns in products)
    n_terms = 1 + max(sum(not members for members in node.terms) for node in layout.nodes)
    form = Program(
        counts,
        len(latent),
        _padded(n_terms, 4),
        _padded(layout.n_free, 6),
        n_products,
        deep=any(layout.nodes[k].terms for k in latent),
        priors=_priors(layout),
    )
    writer = _Writer(form, layout, numbers)
    for row, (k, columns) in enumerate(zip(measured, products, strict=True)):
        writer.write_measured(row, k, columns)
    for row, k in enumerate(latent):
        writer.write_latent(row, k)
    return form, writer.finished(
        dimensionless, [numbers.nodes[k] for k in measured], [layout.nodes[k].family for k in measured]
    )


def _padded(n: int, step: int) -> int:
    """The next multiple of `step`: few shapes, few compilations."""
    return -(-n // step) * step


def _priors(layout: Layout) -> tuple[str, ...]:
    """The prior families that occur, in the order of `PRIORS`; padding is normal."""
    used = {coordinate.prior for node in layout.nodes for coordinate in coordinates_of(node)} - {None}
    families = {"normal", *(_SAME.get(prior, prior) for prior in used if prior is not None)}
    return tuple(prior for prior in PRIORS if prior in families)


def _why_not(layout: Layout, numbers: Numbers) -> str | None:
    if any(node.clamped for node in layout.nodes):
        return "cells are missing"
    if all(node.latent is not None for node in layout.nodes):
        return "no node is measured"
    if layout.has_curves:
        return "a latent enters by a shape"
    for node in layout.nodes:
        if node.latent is None and group_of(node.family) is None:
            return f"a node is {node.family.name}"
        if node.latent is not None and (node.noise is None or not node.family.linear_gaussian):
            return f"a latent is {node.family.name}"
        own = numbers.nodes[layout.nodes.index(node)]
        for term, (members, centred, design) in enumerate(zip(node.terms, node.centred, own.design, strict=True)):
            if len(members) > 1:
                return "latents are multiplied with each other"
            if members and node.latent is not None and not (design == 1.0).all():
                return "a latent's latent parent is multiplied by a measured node"
            if members and not centred and numbers.latent_centres[members[0]] != 0.0:
                return "an interaction is not centred"
            if members and not (design == 1.0).all() and _as_parent(numbers, own, term, members[0])[1] != 0.0:
                return "an interaction has a centre of its own"
    return None


def _as_parent(numbers: Numbers, own: NodeNumbers, term: int, latent: int) -> tuple[float, float]:
    """A latent as a parent has one centre and scale in a program; slope and shift by which a term makes its own of that."""
    if own.offsets is None:
        return 1.0, 0.0
    centre, scale = own.offsets[term, 0]
    return numbers.latent_scales[latent] / scale, (numbers.latent_centres[latent] - centre) / scale


def _products(node: NodeLayout, own: NodeNumbers) -> list[FloatArray]:
    """The distinct columns, other than ones, that latents are multiplied by."""
    columns: list[FloatArray] = []
    for members, design in zip(node.terms, own.design, strict=True):
        if members and not (design == 1.0).all() and not any(np.array_equal(design, other) for other in columns):
            columns.append(design)
    return columns


class _Writer:
    """Fills the arrays of a program, node by node."""

    def __init__(self, form: Program, layout: Layout, numbers: Numbers) -> None:
        self.form, self.layout, self.numbers = form, layout, numbers
        n_rows = len(numbers.weights)
        k, d = sum(form.counts), form.n_coordinates
        sizes = [int(np.prod(shape)) for shape in sizes_of(form)]
        self.offsets = [0, *itertools.accumulate(sizes)]
        self.place, self.place_offset = np.zeros((self.offsets[-1], d)), np.zeros(self.offsets[-1])
        # A latent without parents multiplies nothing; a padded node's sd would be 0, but there is none.
        self.design = np.zeros((k, form.n_terms, n_rows))
        self.products = np.ones((k, form.n_products, n_rows))
        self.latent_design = np.zeros((form.n_latent, form.n_terms if form.deep else 1, n_rows))
        self.transform = np.zeros(d, dtype=int)
        # Value = anchor + unit · v.
        self.anchor, self.unit = np.zeros(d), np.ones(d)
        # Padding: standard normal coordinates that nothing depends on.
        self.prior, self.arguments = np.full(d, form.priors.index("normal")), np.tile([0.0, 1.0, 1.0], (d, 1))
        self.prior_map, self.prior_offset = np.eye(d), np.zeros(d)
        self.bends = BendsWriter(d)
        self.latent_centres = np.array(numbers.latent_centres, dtype=float)
        self.latent_scales = np.array(numbers.latent_scales, dtype=float)
        starts = itertools.accumulate(
            (sum(c.transform != "fixed" for c in coordinates_of(node)) for node in layout.nodes), initial=0
        )
        self.starts = list(starts)

    def write_measured(self, row: int, k: int, products: list[FloatArray]) -> None:
        """Node `k` of the layout as measured node `row` of the program."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        sampled, offset = self._coordinates(k)
        self.design[row, 0] = 1.0
        self._put(0, (row, 0), sampled[0], offset[0])
        taken = 1
        self.products[row, 1 : 1 + len(products)] = products or 1.0
        for term, (members, design) in enumerate(zip(node.terms, own.design, strict=True)):
            if not members:
                self.design[row, taken] = design
                self._put(0, (row, taken), sampled[term + 1], offset[term + 1])
                taken += 1
                continue
            at = 0
            if not (design == 1.0).all():
                at = 1 + next(i for i, column in enumerate(products) if np.array_equal(column, design))
            slope, shift = _as_parent(self.numbers, own, term, members[0])
            self._put(1, (row, at, members[0]), slope * sampled[term + 1], slope * offset[term + 1])
            self._put(0, (row, 0), shift * sampled[term + 1], shift * offset[term + 1])
        if node.parameters:
            first = len(node.coefficients)
            self._put(2, (row,), sampled[first], offset[first])
        if isinstance(node.family, Student):
            self._put(6, (row - sum(self.form.counts[:-1]),), sampled[-1], offset[-1])

    def write_latent(self, row: int, k: int) -> None:
        """Node `k` of the layout as latent `row`."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        sampled, offset = self._coordinates(k)
        self.latent_design[row, 0] = 1.0
        self._put(3, (row, 0), sampled[0], offset[0])
        taken = 1
        for term, (members, design) in enumerate(zip(node.terms, own.design, strict=True)):
            if members:
                slope, shift = _as_parent(self.numbers, own, term, members[0])
                self._put(4, (row, members[0]), slope * sampled[term + 1], slope * offset[term + 1])
                self._put(3, (row, 0), shift * sampled[term + 1], shift * offset[term + 1])
            else:
                self.latent_design[row, taken] = design
                self._put(3, (row, taken), sampled[term + 1], offset[term + 1])
                taken += 1
        self._put(5, (row,), sampled[-1], offset[-1])
        if len(own.y):
            # A column of its own has a dimension, which is taken out here.
            centre, scale = self.latent_centres[row], self.latent_scales[row]
            for part in (3, 4, 5):
                shape = sizes_of(self.form)[part]
                size = int(np.prod(shape[1:]))
                flat = slice(self.offsets[part] + row * size, self.offsets[part] + (row + 1) * size)
                self.place[flat] /= scale
                self.place_offset[flat] /= scale
            self._put(3, (row, 0), np.zeros(self.form.n_coordinates), -centre / scale)
            self.latent_centres[row], self.latent_scales[row] = 0.0, 1.0

    def _put(self, part: int, index: tuple[int, ...], weights: FloatArray, offset: float) -> None:
        flat = self.offsets[part] + int(np.ravel_multi_index(index, sizes_of(self.form)[part]))
        self.place[flat] += weights
        self.place_offset[flat] += offset

    def _coordinates(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Fill in node `k`'s coordinates and priors; its sampled coefficients and parameters as maps of v and offsets."""
        node, own = self.layout.nodes[k], self.numbers.nodes[k]
        flat = coordinates_of(node)
        n, size = len(node.coefficients), len(flat)
        points, fixed = np.zeros((size, self.form.n_coordinates)), np.zeros(size)
        free: list[int | None] = []
        position = self.starts[k]
        for i, coordinate in enumerate(flat):
            if coordinate.transform == "fixed":
                fixed[i] = own.fixed[i]
                free.append(None)
                continue
            points[i, position] = 1.0
            self._constrain(position, coordinate.transform, own, i)
            free.append(position)
            position += 1
        solved = np.eye(size)
        solved[:n, :n] = solved_map(node, own)
        sampled, sampled_offset = solved @ points, solved @ fixed
        raw = np.eye(size)
        raw[:n, :n] = own.to_raw
        raw_map, raw_offset = raw @ sampled, raw @ sampled_offset
        for i, (coordinate, at) in enumerate(zip(flat, free, strict=True)):
            if at is None:
                continue
            assert coordinate.prior is not None, "what is not fixed has a prior"
            self.prior[at] = self.form.priors.index(_SAME.get(coordinate.prior, coordinate.prior))
            self.arguments[at] = _arguments(coordinate.prior, own.arguments[i])
            on_raw = i < n and coordinate.prior_on_raw
            self.prior_map[at] = raw_map[i] if on_raw else sampled[i]
            self.prior_offset[at] = (raw_offset[i] if on_raw else sampled_offset[i]) - own.shift[i]
        self.bends.write(node.bent, free, fixed)
        return sampled, sampled_offset

    def _constrain(self, at: int, transform: str, own: NodeNumbers, i: int) -> None:
        self.transform[at] = TRANSFORMS.index(transform)
        if transform == "free":
            self.anchor[at], self.unit[at] = own.centre[i], own.scale[i]
        elif transform == "interval":
            self.anchor[at], self.unit[at] = own.low[i], own.high[i] - own.low[i]
        elif np.isinf(own.low[i]):
            self.anchor[at], self.unit[at] = own.high[i], -own.scale[i]
        else:
            self.anchor[at], self.unit[at] = own.low[i], own.scale[i]

    def finished(self, dimensionless: bool, nodes: list[NodeNumbers], families: list[AbstractFamily]) -> ProgramNumbers:
        """All arrays, anchors and units worked into the maps, measured columns without dimension."""
        y = np.array([own.y for own in nodes])
        groups = columns_of(self.form)
        location, gamma = self.form.counts[0], groups[GAMMA]
        students = range(len(nodes))[groups[STUDENT]]
        is_hill = np.array([isinstance(family, Hill) for family in families[:location]], dtype=bool)
        maximum = np.array([getattr(family, "max", 1.0) for family in families[:location]], dtype=float)
        place, offset = self.place * self.unit, self.place_offset + self.place @ self.anchor
        coefficients = place[: self.offsets[1]].reshape(len(nodes), self.form.n_terms, -1)
        intercepts = offset[: self.offsets[1]].reshape(len(nodes), self.form.n_terms)[:, 0]
        loadings = place[self.offsets[1] : self.offsets[2]].reshape(len(nodes), -1)
        parameters, parameter_offset = (part[self.offsets[2] : self.offsets[3]] for part in (place, offset))
        loading_offset = offset[self.offsets[1] : self.offsets[2]].reshape(len(nodes), -1)
        offsets = offset[: self.offsets[1]].reshape(len(nodes), self.form.n_terms)
        for row in (*range(location), *students) if dimensionless else ():
            size = float(np.std(y[row])) or 1.0
            if row < location and is_hill[row]:
                maximum[row] /= size
                y[row] /= size
            else:
                centre = float(np.mean(y[row]))
                y[row] = (y[row] - centre) / size
                intercepts[row] -= centre
                for part in (coefficients, offsets, loadings, loading_offset):
                    part[row] /= size
            parameters[row] /= size
            parameter_offset[row] /= size
        for row in range(gamma.start, gamma.stop) if dimensionless else ():
            centre = float(np.mean(np.log(y[row])))
            y[row] /= np.exp(centre)
            intercepts[row] -= centre
        share = np.clip(y[:location] / maximum[:, None], 2 * LINK_CLIP, 1 - 2 * LINK_CLIP)
        linked = np.where(is_hill[:, None], np.log(share) - np.log1p(-share), y[:location])
        slope = np.where(is_hill[:, None], maximum[:, None] * share * (1 - share), 1.0)
        return ProgramNumbers(
            self.transform,
            self.prior,
            self.arguments,
            self.prior_map * self.unit,
            self.prior_offset + self.prior_map @ self.anchor,
            place,
            offset,
            y,
            self.design,
            self.products,
            self.latent_design,
            self.latent_centres,
            self.latent_scales,
            is_hill,
            maximum,
            linked,
            slope,
            np.asarray(self.numbers.weights, dtype=float),
            _alive(nodes),
            self.bends.finished(self.anchor, self.unit),
        )


def _alive(nodes: list[NodeNumbers]) -> FloatArray | None:
    """See `ProgramNumbers.alive`."""
    if all(node.alive is None for node in nodes):
        return None
    return np.array([np.ones(len(node.y)) if node.alive is None else node.alive for node in nodes])


def _arguments(prior: str, given: FloatArray) -> FloatArray:
    """The arguments where the program's formula has them: a half-normal is a normal about 0."""
    if prior == "halfnormal":
        return np.array([0.0, given[0], 1.0])
    return np.asarray(given, dtype=float)
