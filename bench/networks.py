"""Discrete networks with known tables: read from BIF files, simulated, and asked exactly."""

from __future__ import annotations

import gzip
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Network:
    """Known tables.

    Attributes:
        tables: Per node its parents and P(node | parents), the parents' axes first; in topological order.
    """

    tables: Mapping[str, tuple[tuple[str, ...], Array]]

    @staticmethod
    def read(path: Path) -> Network:
        """The network of a BIF file, which may be compressed by gzip."""
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        names = r"variable (\S+) \{\s*type discrete \[ \d+ \] \{ ([^}]*) \};"
        levels = {node: [level.strip() for level in found.split(",")] for node, found in re.findall(names, text)}
        tables = {}
        for head, body in re.findall(r"probability \( ([^)]*) \) \{(.*?)\n\}", text, re.DOTALL):
            node, *rest = re.split(r"[|,]\s*", head)
            node, parents = node.strip(), tuple(parent.strip() for parent in rest)
            table = np.zeros([len(levels[name]) for name in (*parents, node)])
            for given, numbers in re.findall(r"(?:\(([^)]*)\)|table) ([^;]*);", body):
                at = tuple(levels[p].index(level.strip()) for p, level in zip(parents, given.split(","), strict=False))
                table[at] = [float(number) for number in numbers.split(",")]
            tables[node] = (parents, table / table.sum(axis=-1, keepdims=True))
        order: list[str] = []
        while len(order) < len(tables):
            order += [node for node, (parents, _) in tables.items() if node not in order and {*parents} <= {*order}]
        return Network({node: tables[node] for node in order})

    def ancestors(self, node: str) -> set[str]:
        """Of a node, without itself."""
        parents = self.tables[node][0]
        return {*parents}.union(*(self.ancestors(parent) for parent in parents))

    def simulate(self, n: int, random: np.random.Generator) -> dict[str, Array]:
        """So many rows of every node, levels as numbers from 0."""
        columns: dict[str, Array] = {}
        for node, (parents, table) in self.tables.items():
            rows = np.broadcast_to(table[tuple(columns[parent] for parent in parents)], (n, table.shape[-1]))
            columns[node] = (random.uniform(size=(n, 1)) > rows.cumsum(axis=-1)[:, :-1]).sum(axis=-1)
        return columns

    def law(self, outcome: str, treatment: str) -> Array:
        """P(outcome | do(treatment)), (level of the treatment, level of the outcome)."""
        letters = dict(zip(self.tables, string.ascii_letters, strict=False))
        needed, waiting = dict[str, None](), [outcome]
        while waiting:
            node = waiting.pop()
            if node != treatment and node not in needed:
                needed[node] = None
                waiting += self.tables[node][0]
        terms = ["".join(letters[name] for name in (*self.tables[node][0], node)) for node in needed]
        factors = [self.tables[node][1] for node in needed]
        return np.einsum(f"{','.join(terms)}->{letters[treatment]}{letters[outcome]}", *factors, optimize="greedy")

    def model(self, hidden: tuple[str, ...] = (), options: str = "") -> str:
        """The network as a model of tables."""
        return "\n".join(
            f"{'latent ' if node in hidden else ''}{node} ~ table("
            + ", ".join([*parents, f"levels=[{', '.join(map(str, range(table.shape[-1])))}]"])
            + f"{options})"
            for node, (parents, table) in self.tables.items()
        )
