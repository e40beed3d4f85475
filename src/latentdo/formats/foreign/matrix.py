"""Matrices of causal discovery, whose codes contradict each other: which entry is an edge is said, and never guessed.

Source:
    causal-learn, `GeneralGraph.graph`; Shimizu et al. (2011), DirectLiNGAM, and `lingam`'s `adjacency_matrix_`; gCastle,
    `causal_matrix`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from latentdo import arguments
from latentdo.errors import GraphError, UsageError, nearest
from latentdo.graphs import Name, quote

from .. import lines
from ..draft import Draft
from ..report import Read

CONVENTIONS = {
    "causal-learn": "entry [i, j] = -1 and [j, i] = 1 is i -> j; both 1 is i <-> j",
    "lingam": "entry [i, j] is the weight of j -> i; nan in both is i <-> j",
    "gcastle": "entry [i, j] = 1 is i -> j",
    "row-to-column": "entry [i, j] is the weight of i -> j",
    "column-to-row": "entry [i, j] is the weight of j -> i",
}
MOST = 5000
"""Nodes, at most."""
Matrix = list[list[float]]


def read_matrix(
    given: Any, source: str = "matrix", *, convention: str = "", names: Iterable[Name] = (), cycles: str = "refuse"
) -> Read:
    """The graph of a square matrix.

    Args:
        given: A list of rows, an array, a graph of causal-learn, a model of lingam or gCastle, or text of numbers with commas,
            tabs or blanks between them, with a line of names above or not.
        convention: What an entry means; there is no default. One of `CONVENTIONS`.
        names: The nodes in order; those of the matrix or X1, X2, … unless given.

    Raises:
        UsageError: No convention, or one that is not known.
        GraphError: It is no square matrix of numbers, an entry means nothing in the convention, or edges have no direction.
    """
    if convention not in CONVENTIONS:
        known = "; ".join(f"{name!r}: {what}" for name, what in CONVENTIONS.items())
        said = (
            f"convention {convention!r} is not known. {nearest(convention, CONVENTIONS)}"
            if convention
            else ("a matrix has no meaning without its convention, as libraries transpose each other's.")
        )
        raise UsageError(f"{said} Give convention=, or --convention. {known}.")
    own, matrix = _parsed(given) if isinstance(given, str) else _taken(given)
    chosen = list(arguments.names("names", names, UsageError)) or own or [f"X{k + 1}" for k in range(len(matrix))]
    _check(matrix, chosen)
    draft = Draft(f"a matrix ({convention})", source, signed=convention not in ("causal-learn", "gcastle"))
    for name in chosen:
        draft.node(name, "the names")
    if convention == "causal-learn":
        _endpoints(draft, matrix, chosen)
    else:
        _weights(draft, matrix, chosen, convention)
    return draft.read(cycles)


def _taken(given: Any) -> tuple[list[Name], Matrix]:
    """The names, where it has some, and the numbers of an object."""
    own: list[Name] = []
    graph = getattr(given, "G", given)
    if hasattr(graph, "get_node_names"):
        own = [str(name) for name in graph.get_node_names()]
    for attribute in ("adjacency_matrix_", "causal_matrix", "graph"):
        if hasattr(graph, attribute):
            graph = getattr(graph, attribute)
            break
    if hasattr(graph, "columns") and not own:
        own = [str(name) for name in graph.columns]
    if hasattr(graph, "to_numpy"):
        graph = graph.to_numpy()
    rows = graph.tolist() if hasattr(graph, "tolist") else graph
    if not isinstance(rows, list | tuple) or not all(isinstance(row, list | tuple) for row in rows):
        raise GraphError(f"the matrix: expected a list of rows or an array, found {type(given).__name__}.")
    return own, [[_entry(cell, i, j) for j, cell in enumerate(row)] for i, row in enumerate(rows)]


def _entry(cell: Any, i: int, j: int) -> float:
    if isinstance(cell, bool):
        return float(cell)
    if not arguments.is_number(cell):
        raise GraphError(f"row {i + 1}, column {j + 1}: expected a number, found {arguments.shown(cell)}.")
    return float(cell)


def _parsed(text: str) -> tuple[list[Name], Matrix]:
    """The names and the numbers of a text."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = next((sign for sign in ",;\t" if sign in first), "")
    if delimiter:
        rows = list(lines.rows(text, delimiter))
    else:
        rows = [(k, line.split()) for k, line in enumerate(text.split("\n"), 1) if line.strip()]
    own: list[Name] = []
    if rows and not all(_is_number(cell) for cell in rows[0][1]):
        own = rows.pop(0)[1]
        if rows and len(own) == len(rows[0][1]) and len(rows) == len(own) - 1:
            own = own[1:]  # a corner above the names of the rows
    matrix = []
    for k, (line, cells) in enumerate(rows):
        if own and len(cells) == len(own) + 1 and k < len(own) and cells[0] == own[k]:
            cells = cells[1:]
        for j, cell in enumerate(cells):
            if not _is_number(cell):
                raise GraphError(f"line {line}, column {j + 1}: {cell[:40]!r} is no number.")
        matrix.append([float(cell) for cell in cells])
    return own, matrix


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check(matrix: Matrix, names: Sequence[Name]) -> None:
    size = len(matrix)
    if not size or size > MOST:
        raise GraphError(f"the matrix, row 1 to its end: it has {size} rows; expected 1 to {MOST}.")
    for i, row in enumerate(matrix):
        if len(row) != size:
            raise GraphError(
                f"row {i + 1}: it has {len(row)} entries, and the matrix {size} rows; a square one is expected."
            )
    if len(names) != size or len(set(names)) < size:
        raise GraphError(f"names: {len(set(names))} different names for a matrix of {size} rows.")


def _weights(draft: Draft, matrix: Matrix, names: Sequence[Name], convention: str) -> None:
    """Each entry on its own is an edge."""
    binary = convention == "gcastle"
    undirected = []
    for i, row in enumerate(matrix):
        for j, weight in enumerate(row):
            where = f"row {i + 1}, column {j + 1}"
            if math.isnan(weight) and convention == "lingam":
                if not math.isnan(matrix[j][i]):
                    raise GraphError(
                        f"{where}: nan stands here and not in row {j + 1}, column {i + 1}; lingam puts both."
                    )
                if i < j:
                    draft.arc(names[i], names[j], where)
                continue
            if not math.isfinite(weight) or (binary and weight not in (0, 1)):
                raise GraphError(f"{where}: {weight:g} is no entry of a matrix in this convention.")
            if weight and binary and matrix[j][i]:
                undirected += [(names[i], names[j])] if i <= j else []
            elif weight:
                cause, effect = (j, i) if convention in ("lingam", "column-to-row") else (i, j)
                draft.edge(names[cause], names[effect], where, "" if binary else "+-"[weight < 0])
    _refuse(undirected, "have 1 both ways, no direction")


def _endpoints(draft: Draft, matrix: Matrix, names: Sequence[Name]) -> None:
    """Entry [i, j] is the mark at i of the edge between i and j: -1 a tail, 1 an arrow, 2 a circle."""
    undirected = []
    for i, row in enumerate(matrix):
        for j in range(i + 1):
            where = f"row {i + 1}, column {j + 1}"
            match (row[j], matrix[j][i]):
                case (0, 0):
                    pass
                case (-1, 1) if i != j:
                    draft.edge(names[i], names[j], where)
                case (1, -1):
                    draft.edge(names[j], names[i], where)
                case (1, 1) if i != j:
                    draft.arc(names[j], names[i], where)
                case (-1, -1) | (2, _) | (_, 2) if i != j:
                    undirected.append((names[j], names[i]))
                case (a, b):
                    raise GraphError(f"{where}: the marks {a:g} and {b:g} mean nothing in causal-learn's matrices.")
    _refuse(undirected, "have ends that are left open, as in a CPDAG or PAG")


def _refuse(pairs: Sequence[tuple[Name, Name]], why: str) -> None:
    if pairs:
        shown = ", ".join(f"{quote(a)} and {quote(b)}" for a, b in pairs[:12])
        more = f" and {len(pairs) - 12} more pairs" if len(pairs) > 12 else ""
        raise GraphError(
            f"the matrix stands for many graphs at once: {shown}{more} {why}. Decide each of them (background knowledge, or "
            "one member of the class), and read that graph."
        )
