"""The linear programme of a question: response types of the free nodes, what the rows say of them, what is asked of them."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from scipy.sparse import csr_matrix

from latentdo.arrays import FloatArray, IntArray
from latentdo.errors import DataError, QueryError, UnsupportedError
from latentdo.graphs import Mask, Name, bits, quote
from latentdo.identification import Law
from latentdo.query import Distribution, Outcome, Term, Value
from latentdo.sheet import counted, listed

from .districts import Plan, names_in, pillow
from .frequencies import Frequencies

MOST_TYPES = 200_000
"""Response types beyond which a programme is refused."""
MOST_ENTRIES = 4_000_000
"""Entries of the constraints, or of a formula's table, beyond which it is refused."""

Codes = Mapping[Name, "IntArray | int"]
Monotone = Mapping[tuple[Name, Name], int]


@dataclass(frozen=True, eq=False)
class Table:
    """A function of a few nodes as numbers: (…, place) with the place of their levels.

    Attributes:
        names: The nodes.
        values: One value per combination of levels, the last name's running fastest.
    """

    names: tuple[Name, ...]
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Laws:
    """The conditional laws of one set of weights, or of many: what constraints and questions are made of.

    Attributes:
        free: For each free node its law given its pillow.
        parts: For each term the laws of its other districts.
    """

    free: Mapping[Name, Table]
    parts: Mapping[Term, tuple[Table, ...]]


class Programme:
    """Response types of the free nodes, with what constrains and what is asked of their law.

    Attributes:
        plan: The districts.
        rows: The table.
        blocks: Levels of the shared outer nodes: the types of each have a law of their own.

    Source:
        Balke & Pearl (1994), Counterfactual probabilities; Sachs, Jonzon, Sjölander & Gabriel (2023), A general method for
        deriving tight symbolic bounds on causal effects; Duarte, Finkelstein, Knox, Mummolo & Shpitser (2023), An automated
        approach to causal inference in discrete settings.
    """

    def __init__(self, plan: Plan, rows: Frequencies, monotone: Monotone | None = None) -> None:
        self.plan, self.rows = plan, rows
        self.monotone = monotone or {}
        masks = plan.masks
        self.nodes = masks.nodes(plan.free)
        self.shared = masks.nodes(plan.shared)
        self.outer = masks.nodes(plan.outer)
        self.parents = {node: self._own_parents(node) for node in self.nodes}
        self.blocks = rows.count(self.shared)
        self._check_size()
        self.functions = {node: self._tables(node) for node in self.nodes}

    def _check_size(self) -> None:
        """Raise `UnsupportedError`, with the sizes, where the programme is too large."""
        rows = self.rows
        sizes = {node: (rows.levels[node].count, rows.count(self.parents[node])) for node in self.nodes}
        # As logarithms: the numbers themselves may have more digits than there is memory.
        digits = sum(inputs * math.log10(levels) for levels, inputs in sizes.values())
        types = digits + math.log10(self.blocks)
        entries = digits + math.log10(rows.count(self.outer))
        if types > math.log10(MOST_TYPES) + 1e-9 or entries > math.log10(MOST_ENTRIES) + 1e-9:
            of = " times ".join(f"{levels}^{inputs} of {quote(node)}" for node, (levels, inputs) in sizes.items())
            raise UnsupportedError(
                f"The bounds of {self.plan.query} need about 10^{types:.1f} response types ({of}), each with "
                f"{rows.count(self.outer):,} combinations of levels outside; {MOST_TYPES:,} and {MOST_ENTRIES:,} altogether "
                f"are the limit. Merge levels of {listed(map(quote, self._largest()), 'or')}, or leave out what is not needed."
            )

    def _largest(self) -> list[Name]:
        named = {*self.nodes, *(parent for parents in self.parents.values() for parent in parents)}
        return sorted(named, key=lambda name: -self.rows.levels[name].count)[:3]

    def _own_parents(self, node: Name) -> tuple[Name, ...]:
        masks = self.plan.masks
        return masks.nodes(masks.parents[masks.index[node]] & ~self.plan.shared)

    def _tables(self, node: Name) -> IntArray:
        """(function, place of the parents) the level that each function of the parents gives; those that are monotone."""
        levels, inputs = self.rows.levels[node].count, self.rows.count(self.parents[node])
        made = np.stack(np.unravel_index(np.arange(levels**inputs), (levels,) * inputs), axis=1)
        kept = np.ones(len(made), dtype=bool)
        shape = [self.rows.levels[parent].count for parent in self.parents[node]]
        for axis, parent in enumerate(self.parents[node]):
            if sign := self.monotone.get((parent, node)):
                if self.rows.levels[node].is_open:
                    raise QueryError(
                        f"monotone= names {quote(parent)} -> {quote(node)}, and {quote(node)} has missing cells, of which no "
                        "direction can be assumed. Leave out one of the two, monotone= or missing=."
                    )
                steps = np.diff(made.reshape(len(made), *shape), axis=axis + 1) * sign
                kept &= (steps >= 0).reshape(len(made), -1).all(axis=1)
        return made[kept]

    # --- what the types do

    @cached_property
    def per_block(self) -> int:
        """Types that are left of each block once those that are not monotone are gone."""
        return int(np.prod([len(self.functions[node]) for node in self.nodes], dtype=object))

    def _behaviour(self, codes: Codes, wanted: Sequence[Name], which: IntArray | slice) -> Codes:
        """The levels of the wanted free nodes for each type, where other nodes have these levels."""
        found: dict[Name, IntArray | int] = dict(codes)
        stride = self.per_block
        for node in self.nodes:
            table = self.functions[node]
            stride //= len(table)
            if node not in wanted:
                continue
            function = (np.arange(self.per_block)[which] // stride) % len(table)
            found[node] = table[function, self.rows.place(self.parents[node], found)]
        return found

    def _settings(self, names: Sequence[Name]) -> Iterator[dict[Name, int]]:
        """Each combination of levels of some nodes."""
        for levels in product(*(range(self.rows.levels[name].count) for name in names)):
            yield dict(zip(names, levels, strict=True))

    # --- what the rows say of them

    def laws(self, weights: FloatArray) -> Laws:
        """The conditional laws under some weights of the rows, (…, row)."""
        masks, rows = self.plan.masks, self.rows

        def law(whole: Mask, node: int) -> Table:
            given = masks.nodes(pillow(masks, whole, node))
            return Table((*given, masks.names[node]), rows.conditional(masks.names[node], given, weights))

        free = {masks.names[node]: law(self.plan.free, node) for node in bits(self.plan.free)}
        parts: dict[Term, tuple[Table, ...]] = {}
        for term in self.plan.terms:
            made = []
            for part, whole in self.plan.fixed_parts(term):
                kept = masks.nodes(part | self._near(part))
                made.append(self._margin([law(whole, node) for node in bits(whole)], kept, weights))
            if term in self.plan.known:
                made += [Table((), value) for value in self._known(term, weights)]
            parts[term] = tuple(made)
        return Laws(free, parts)

    def _known(self, term: Term, weights: FloatArray) -> list[FloatArray]:
        """(…, 1) the number that a term's formula gives; where outcomes are missing the least and the most."""
        estimand = self.plan.known[term]
        names = tuple(name for name in self.rows.levels if name in names_in(estimand))
        shape = [self.rows.levels[name].count for name in names]
        if math.prod(shape) > MOST_ENTRIES // 4:
            raise UnsupportedError(
                f"{term} is identified, by a formula over {math.prod(shape):,} cells, which is too many to be tabulated. "
                "ld.compare and a fit answer it."
            )
        shares = self._shares(names, weights).reshape(-1, *shape)
        laws = [estimand.evaluate(joint / joint.sum(), names) for joint in shares]
        ends = (False, True) if self.is_open(term) else (False,)
        found = [[self._number(term, law, most=most) for law in laws] for most in ends]
        return [np.array(each).reshape(*weights.shape[:-1], 1) for each in found]

    def is_open(self, term: Term) -> bool:
        """Whether the outcome of a term has missing cells."""
        return any(self.rows.levels[name].is_open for name in term.outcome_names)

    def _number(self, term: Term, law: Law, *, most: bool) -> float:
        """The term's own number, of the law for all levels."""
        values = law.values
        for setting in term.do:
            values = values[self._set_to(term, setting.name, setting.value)]
        for outcome in term.given:
            values = np.take(
                values, self.rows.levels[outcome.name].code(_value(outcome, term)), axis=len(term.outcome_names)
            )
        codes = {name: np.arange(self.rows.levels[name].count) for name in term.outcome_names}
        grid = dict(zip(codes, np.meshgrid(*codes.values(), indexing="ij"), strict=True))
        return float((values * self._counted(replace(term, given=()), grid, most=most)).sum())

    def _near(self, part: Mask) -> Mask:
        found = 0
        for node in bits(part):
            found |= self.plan.masks.parents[node]
        return found

    def _margin(self, tables: Sequence[Table], kept: tuple[Name, ...], weights: FloatArray) -> Table:
        """A product of laws, summed over what the part does not depend on; averaged over what only the rows make it depend on."""
        names = tuple(dict.fromkeys(name for table in tables for name in table.names))
        if len(tables) == 1 and set(names) <= set(kept):
            return tables[0]
        rows = self.rows
        if rows.count(names) > MOST_ENTRIES or len(names) > len(string.ascii_letters) - 1:
            raise UnsupportedError(
                f"The bounds need the joint law of {counted(len(names), 'column')} with {rows.count(names):,} cells, more than "
                f"{MOST_ENTRIES:,}. Merge levels, or leave out columns that are not needed."
            )
        letter = dict(zip(names, string.ascii_letters, strict=False))
        inputs = ["..." + "".join(letter[name] for name in table.names) for table in tables]
        summed = {table.names[-1] for table in tables} - set(kept)
        own = tuple(name for name in names if name in kept)
        extra = tuple(name for name in names if name not in kept and name not in summed)
        rest = own + extra
        text = f"{','.join(inputs)}->...{''.join(letter[name] for name in rest)}"

        def joined(unseen: float) -> FloatArray:
            values = [np.nan_to_num(self._shaped(table), nan=unseen) for table in tables]
            return np.einsum(text, *values, optimize=True)

        whole = joined(0.0)
        # What was never seen matters unless it is multiplied by zero.
        known = np.isclose(whole, joined(1.0), rtol=0, atol=1e-15)
        if extra:
            shares = self._shares(extra, weights)
            shares = np.where(
                known, shares.reshape(*shares.shape[: -len(extra)], *[1] * len(own), *shares.shape[-len(extra) :]), 0
            )
            axes = tuple(range(-len(extra), 0))
            total = shares.sum(axis=axes)
            with np.errstate(divide="ignore", invalid="ignore"):
                whole = (np.where(known, whole, 0) * shares).sum(axis=axes) / total
        else:
            whole = np.where(known, whole, np.nan)
        return Table(own, whole.reshape(*weights.shape[:-1], -1))

    def _shaped(self, table: Table) -> FloatArray:
        shape = [self.rows.levels[name].count for name in table.names]
        return table.values.reshape(*table.values.shape[:-1], *shape)

    def _shares(self, names: tuple[Name, ...], weights: FloatArray) -> FloatArray:
        rows = self.rows
        place = np.broadcast_to(rows.place(names, {name: rows.column(name) for name in names}), (len(rows.codes),))
        sums = csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), (rows.count(names), len(place)))
        shares = (sums @ np.atleast_2d(weights).T).T / weights.sum(axis=-1, keepdims=True)
        return shares.reshape(*weights.shape[:-1], *(rows.levels[name].count for name in names))

    @cached_property
    def constraints(self) -> Constraints:
        """What the rows say of the law of the types."""
        return Constraints.of(self)

    # --- what is asked of them

    def value(self, term: Term, laws: Laws, which: IntArray | None = None, *, most: bool = False) -> FloatArray:
        """(…, type) what a term's law gives each type: the term is the sum of this times the law of the types.

        Of a term with evidence, that of its outcome and its evidence together.

        Args:
            which: The columns that are wanted; all unless given.
            most: Whether missing outcomes are what counts most, and not least.
        """
        rows, masks = self.rows, self.plan.masks
        columns = np.arange(self.types_in_all) if which is None else which
        if term in self.plan.known:
            # A number of its own, counted once: the law of the types of the first block sums to one.
            table = laws.parts[term][-1 if most else 0]
            return table.values * (columns < self.per_block)
        set_to = {setting.name: self._set_to(term, setting.name, setting.value) for setting in term.do}
        reached = masks.nodes(self.plan.reached(term))
        outside = [name for name in reached if name not in self.nodes]
        free = [node for node in self.nodes if node in reached]
        first = next(iter(laws.parts[term]), None)
        draws = first.values.shape[:-1] if first is not None else ()
        block, own = np.divmod(columns, self.per_block)
        result = np.zeros((*draws, len(columns)))
        for codes in self._settings(outside):
            at = {**codes, **set_to}
            # What no free node has a part in is counted once.
            own_block = int(rows.place(self.shared, at)) if free else 0
            here = np.flatnonzero(block == own_block)
            if not len(here):
                continue
            found = self._behaviour(at, free, own[here])
            weight: FloatArray = np.broadcast_to(self._counted(term, found, most=most), (len(here),))
            for table in laws.parts[term]:
                law = table.values[..., rows.place(table.names, found)]
                weight = np.where(weight == 0, 0.0, weight * (law if law.ndim > len(draws) else law[..., None]))
            result[..., here] += weight
        return result

    @property
    def types_in_all(self) -> int:
        """Columns of the programme."""
        return self.per_block * self.blocks

    def _set_to(self, term: Term, name: Name, value: object) -> int:
        if value is None:
            raise QueryError(f"{name!r} has no value in {term}. Bounds are of a number: write do({quote(name)}=1).")
        if isinstance(value, Distribution):
            raise QueryError(f"{name!r} is drawn from a law in {term}. Bounds set a node to one level.")
        return self.rows.levels[name].code(value)  # type: ignore[arg-type]

    def _counted(self, term: Term, found: Codes, *, most: bool) -> FloatArray:
        """What a type counts: the outcome's level in a mean, one where an event takes place."""
        counted: FloatArray = np.ones(())
        for outcome in term.given:
            counted = counted * self._satisfied(outcome, term)[found[outcome.name]]
        for name in term.outcome_names:
            levels = self.rows.levels[name]
            if term.kind == "mean":
                own = levels.numbers(f"{term} takes")
            else:
                # Of several comparisons of one node a missing cell satisfies all at once, or not.
                own = np.prod([self._satisfied(each, term) for each in term.outcomes if each.name == name], axis=0)
            counted = counted * levels.filled(own, most=most)[found[name]]
        return counted

    def _satisfied(self, outcome: Outcome, term: Term) -> FloatArray:
        _value(outcome, term)
        return self.rows.levels[outcome.name].satisfied(outcome)


@dataclass(frozen=True, eq=False)
class Constraints:
    """What the rows say of the law of the types: each row of `matrix` times the law is a product of observed probabilities.

    Attributes:
        matrix: (cell, type) whether a type has the cell's levels.
        totals: (block, type) the types of each block, whose law sums to one.
        factors: For each free node (cell,) the place in its law; -1 where the cell says nothing of it.
        cells: For each cell its levels, by node, in order: the outer nodes, then the free ones that it has.
        outer: How many of the names of a cell are outer nodes.
    """

    matrix: csr_matrix
    totals: csr_matrix
    factors: Mapping[Name, IntArray]
    cells: tuple[tuple[tuple[Name, int], ...], ...]
    outer: int

    @staticmethod
    def of(programme: Programme) -> Constraints:
        """The cells of the free nodes given the outer ones, as far as the rows know their probabilities."""
        rows, nodes = programme.rows, programme.nodes
        laws = programme.laws(rows.weights).free
        index: dict[tuple[tuple[Name, int], ...], int] = {}
        places: list[list[int]] = []
        entries: list[tuple[IntArray, IntArray]] = []
        for codes in programme._settings(programme.outer):
            known = _Known(rows, nodes, laws, codes)
            block = int(rows.place(programme.shared, codes))
            found = programme._behaviour(dict(codes), nodes, slice(None))
            cell = np.broadcast_to(rows.place(nodes, found), (programme.per_block,))
            row_of = np.full(rows.count(nodes), -1, dtype=np.intp)
            for flat in np.unique(cell):
                levels = np.unravel_index(int(flat), [rows.levels[node].count for node in nodes])
                kept, where = known.prefix(dict(zip(nodes, map(int, levels), strict=True)))
                if kept:
                    key = (*codes.items(), *kept)
                    if key not in index:
                        index[key] = len(index)
                        places.append(where)
                    row_of[flat] = index[key]
            here = row_of[cell]
            chosen = np.flatnonzero(here >= 0)
            entries.append((here[chosen], chosen + block * programme.per_block))
        return Constraints(
            _indicator(entries, (len(index), programme.types_in_all)),
            _indicator(
                [(np.repeat(np.arange(programme.blocks), programme.per_block), np.arange(programme.types_in_all))],
                (programme.blocks, programme.types_in_all),
            ),
            {node: np.array([where[k] for where in places], dtype=np.intp) for k, node in enumerate(nodes)},
            tuple(index),
            len(programme.outer),
        )

    @property
    def count(self) -> int:
        """How many cells there are."""
        return len(self.cells)

    def probabilities(self, laws: Mapping[Name, Table]) -> FloatArray:
        """(…, cell) the right-hand sides."""
        result: FloatArray = np.ones(())
        for node, places in self.factors.items():
            values = laws[node].values[..., np.maximum(places, 0)]
            result = result * np.where(places < 0, 1.0, np.nan_to_num(values))
        return result


class _Known:
    """How far a cell's probability is known: up to the first node whose pillow has no row."""

    def __init__(
        self, rows: Frequencies, nodes: Sequence[Name], laws: Mapping[Name, Table], codes: Mapping[Name, int]
    ) -> None:
        self.rows, self.nodes, self.laws, self.codes = rows, nodes, laws, codes

    def prefix(self, levels: dict[Name, int]) -> tuple[list[tuple[Name, int]], list[int]]:
        """The levels that the cell has, and for each node the place in its law."""
        found = {**self.codes, **levels}
        probability = 1.0
        kept: list[tuple[Name, int]] = []
        where = [-1] * len(self.nodes)
        for k, node in enumerate(self.nodes):
            table = self.laws[node]
            place = int(self.rows.place(table.names, found))
            value = float(table.values[place])
            if np.isnan(value) and probability > 0:
                break
            probability *= 0.0 if np.isnan(value) else value
            kept.append((node, levels[node]))
            where[k] = place
        return kept, where


def _value(outcome: Outcome, term: Term) -> Value:
    if outcome.value is None:
        raise QueryError(f"{outcome.name!r} has no value in {term}. Bounds are of a number: write {outcome}=1.")
    return outcome.value


def _indicator(entries: Sequence[tuple[IntArray, IntArray]], shape: tuple[int, int]) -> csr_matrix:
    row = np.concatenate([each[0] for each in entries]) if entries else np.zeros(0, np.intp)
    column = np.concatenate([each[1] for each in entries]) if entries else np.zeros(0, np.intp)
    return csr_matrix((np.ones(len(row)), (row, column)), shape)


def undefined(programme: Programme, term: Term) -> DataError:
    """What to say where the laws outside the programme have cells without rows that a question needs."""
    if term in programme.plan.known:
        sets = [", ".join(map(quote, sorted(names_in(programme.plan.known[term]))))]
    else:
        sets = [", ".join(map(quote, table.names)) for table in programme.laws(programme.rows.weights).parts[term]]
    return DataError(
        f"{term} needs the frequencies of {listed(sets)}, and some combination of their levels that it weighs has no row. "
        "Merge levels, or leave out a column."
    )
