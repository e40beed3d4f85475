"""Whether the check of a fit names the node that is wrong: one node of a known network, or one column of real rows, damaged.

Run `python bench/damaged.py ecoli70 sachs nhefs --networks FOLDER --output damaged.jsonl`; what the file has is not run again.
The folder holds `ecoli70.json` and `sachs.bif.gz` as in the wheel of pgmpy 1.1.2, in `pgmpy/utils/example_models`.

- **ecoli70**: a linear network of genes. Rows of one node, one of its effects and all that causes these are drawn with one
  mechanism changed: a jump or a bend in place of a line, a product of two parents, a spread that changes with a parent, or an
  edge that the model leaves out. The model stays linear and normal.
- **sachs**: a network of tables. Each edge is left out of the graph in turn, and the graph checked on rows of the network.
- **nhefs**: real rows of smokers. One column is bent, cut or spread along one that is before it, and what it causes moves along
  by its slope. Some rows fail without damage: what counts is where p values fall by a factor of 1,000, farthest first.

A damage is named first if, of all rows that fail, the one with the smallest p value is about the node (of an edge: about its
two ends); among the named if any is; else missed. Rows about other nodes are false names. Of an edge these are hardly false:
without it the graph separates other pairs too, which the rows contradict as well.

Measured (ecoli70 500 rows, sachs 2,000, nhefs 1,566; *repair*: the edge is the first that the check proposes):

    source   damage    tables  first  among  missed
    ecoli70  jump           6      6      0       0
             bend           6      6      0       0
             product        6      6      0       0
             spread         6      6      0       0
             edge           6      5      1       0
             none           6  nothing named in any
    sachs    edge          17     15      0       2   repair 14
             none           1  nothing named
    nhefs    jump           6      4      0       2
             bend           6      6      0       0

Missed on sachs are Plcg -> PIP3 and PKC -> Mek, on nhefs jumps of wt82_71 along smokeyrs and of smokeintensity along age; why
was not looked into. Spreads of nhefs were not run in this form. The real rows fail in ten places without damage: shapes of age,
wt71, smokeyrs and smokeintensity, spreads of smokeyrs, smokeintensity and wt82_71, means of smokeyrs, smokeintensity and wt71.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from converging import gaussian
from networks import Network

import latentdo as ld
from latentdo.criticism import CheckRow

Columns = dict[str, Any]
Case = tuple[str, Callable[[], "dict[str, Any]"]]
KINDS = ("jump", "bend", "product", "spread", "edge")
ROWS, MOST_NODES, CELLS_ROWS, PER_KIND = 500, 14, 2_000, 6
STRONG = 0.7
"""The share of its noise's sd that an edge makes of a node, for damage to it to be seen."""
FALLEN, LEAST, MOST_NAMED = 1e-3, 1e-300, 12
NHEFS = Path(__file__).parents[1] / "docs" / "tutorials" / "data" / "nhefs.csv"
SMOKERS = """
sex ~ bernoulli
age ~ gamma(sex)
smokeyrs ~ normal(age, sex)
smokeintensity ~ normal(sex, age, smokeyrs)
wt71 ~ gamma(sex, age, smokeintensity)
qsmk ~ bernoulli(sex, age, smokeyrs, smokeintensity, wt71)
wt82_71 ~ student(qsmk, sex, age, smokeyrs, smokeintensity, wt71)
"""
OF_SMOKERS = (
    ("wt82_71", "smokeyrs"),
    ("wt82_71", "smokeintensity"),
    ("wt82_71", "wt71"),
    ("wt71", "smokeintensity"),
    ("smokeintensity", "age"),
    ("smokeyrs", "age"),
)


def judged(rows: Sequence[CheckRow], about: frozenset[str], known: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Where the damage is among the rows that fail, the smallest p value first, and how many of these are about other nodes.

    Args:
        about: The damaged node, or the ends of the edge.
        known: P values without damage.
    """
    by = {row.what: (row.p or LEAST) / max((known or {}).get(row.what, 1.0), LEAST) for row in rows}
    failed = [row for row in rows if row.word.fails and (not known or by[row.what] < FALLEN)]
    failed.sort(key=lambda row: by[row.what])
    right = [about <= set(row.nodes) for row in failed]
    place = "first" if right[:1] == [True] else "among" if any(right) else "missed"
    return {"place": place, "false": len(failed) - sum(right), "named": [row.what for row in failed[:MOST_NAMED]]}


def checked(model: str, columns: Columns) -> tuple[CheckRow, ...]:
    """The rows of graph and nodes."""
    posterior = ld.fit(ld.model(model), columns, seed=0, progress=False, check=False)
    return ld.check(posterior, None).rows


# --- a linear network


def drawn(
    weights: Mapping[str, Mapping[str, float]],
    own: Mapping[str, tuple[float, float]],
    order: Sequence[str],
    n: int,
    seed: int,
    damage: tuple[str, str, tuple[str, ...]] = ("none", "", ()),
) -> Columns:
    """Rows of the network, one mechanism changed along some parents."""
    kind, damaged, along = damage
    rows: Columns = {}
    random = np.random.default_rng(seed)
    for node in order:
        noise = own[node][1] * random.standard_normal(n)
        mean = own[node][0] + sum(weight * rows[parent] for parent, weight in weights[node].items())
        if node == damaged:
            z = [(rows[parent] - rows[parent].mean()) / rows[parent].std() for parent in along]
            size = weights[node][along[0]] * rows[along[0]].std()
            match kind:
                case "jump":
                    mean = mean + size * (2.0 * (z[0] > 0.5) - z[0])
                case "bend":
                    mean = mean + 0.5 * size * (z[0] ** 2 - 1.0)
                case "product":
                    mean = mean + 0.5 * own[node][1] * z[0] * z[1]
                case "spread":
                    noise = noise * np.exp(0.5 * z[0])
        rows[node] = mean + noise
    return rows


def of_genes(folder: Path) -> Iterator[Case]:
    """Damages of a linear network, and some parts of it without damage."""
    weights, own = gaussian(folder / "ecoli70.json")
    parents = {node: tuple(ps) for node, ps in weights.items()}

    def closed(nodes: Sequence[str]) -> list[str]:
        needed, waiting = set[str](), list(nodes)
        while waiting:
            node = waiting.pop()
            if node not in needed:
                needed.add(node)
                waiting += parents[node]
        return [node for node in weights if node in needed]

    sds = {node: float(column.std()) for node, column in drawn(weights, own, list(weights), 4_000, 1).items()}
    edges = []
    for node, ps in parents.items():
        child = next((c for c, its in parents.items() if node in its and len(closed([c])) <= MOST_NODES), None)
        part = closed([node] if child is None else [node, child])
        strong = sorted(ps, key=lambda p: -abs(weights[node][p]) * sds[p])
        if (
            strong
            and len(part) <= MOST_NODES
            and abs(weights[node][strong[0]]) * sds[strong[0]] > STRONG * own[node][1]
        ):
            edges.append((node, tuple(strong), part))

    def case(kind: str, node: str, along: tuple[str, ...], part: list[str]) -> Case:
        name = f"ecoli70/{kind}/{node}"

        def run() -> dict[str, Any]:
            rows = drawn(weights, own, part, ROWS, crc32(name.encode()), (kind, node, along))
            kept = {at: [p for p in parents[at] if (kind, at, p) != ("edge", node, along[0])] for at in part}
            model = "\n".join(f"{at} ~ normal" + (f"({', '.join(ps)})" if ps else "") for at, ps in kept.items())
            return judged(checked(model, rows), frozenset({node, along[0]} if kind == "edge" else {node}))

        return name, run

    for kind in KINDS:
        fit = [edge for edge in edges if kind != "product" or len(edge[1]) > 1]
        chosen = np.random.default_rng(len(kind)).permutation(len(fit))[:PER_KIND]
        yield from (case(kind, *fit[k]) for k in sorted(chosen))
    yield from (case("none", *edge) for edge in edges[:PER_KIND])


# --- a network of tables


def of_cells(folder: Path) -> Iterator[Case]:
    """Edges left out of a network of tables, and the network itself."""
    network = Network.read(folder / "sachs.bif.gz")
    edges = [(parent, node) for node, (ps, _) in network.tables.items() for parent in ps]

    def case(left_out: tuple[str, ...]) -> Case:
        name = f"sachs/{'edge' if left_out else 'none'}/{'->'.join(left_out)}"

        def run() -> dict[str, Any]:
            rows = network.simulate(CELLS_ROWS, np.random.default_rng(crc32(name.encode())))
            graph = ld.graph(directed=[edge for edge in edges if edge != left_out], nodes=list(network.tables))
            check = ld.check(graph, rows)
            found = judged(check.rows, frozenset(left_out) or frozenset("?"))
            first = {check.repairs[0].source, check.repairs[0].target} if check.repairs else set()
            return found | {"repair": first == set(left_out)} if left_out else found

        return name, run

    yield from (case(edge) for edge in (*edges, ()))


# --- real rows


def of_smokers(_: Path) -> Iterator[Case]:
    """Columns of real rows bent, cut and spread."""
    table = np.genfromtxt(NHEFS, delimiter=",", names=True)
    names = [line.split(" ~ ")[0] for line in SMOKERS.strip().splitlines()]
    whole = np.all([np.isfinite(table[name]) for name in names], axis=0)
    columns = {name: table[name][whole] for name in names}
    parents = {name: list(ld.model(SMOKERS)[name].parents) for name in names}
    known: dict[str, float] = {}

    def before() -> dict[str, float]:
        if not known:
            known.update({row.what: row.p or LEAST for row in checked(SMOKERS, columns) if row.p is not None})
        return known

    def slopes(node: str) -> Any:
        lines = np.column_stack([*(columns[p] for p in parents[node]), np.ones(len(columns[node]))])
        return np.linalg.lstsq(lines, columns[node], rcond=None)[0][:-1], lines[:, :-1]

    def damaged(kind: str, node: str, along: str) -> Columns:
        z = (columns[along] - columns[along].mean()) / columns[along].std()
        beta, lines = slopes(node)
        left = columns[node] - lines @ beta
        left = left - left.mean()
        add = {"jump": 0.8 * (z > 0.5), "bend": 0.4 * z**2}
        moved = add[kind] * left.std() if kind in add else left * (np.exp(0.4 * np.clip(z, -2, 2)) - 1.0)
        moves: Columns = {node: moved}
        for child in names[names.index(node) + 1 :]:
            shares = zip(parents[child], slopes(child)[0], strict=True) if child != "qsmk" else ()
            moves[child] = sum((share * moves[p] for p, share in shares if p in moves), np.zeros(len(z)))
        return {name: column + moves.get(name, 0.0) for name, column in columns.items()}

    def case(kind: str, node: str, along: str) -> Case:
        def run() -> dict[str, Any]:
            if kind == "none":
                return judged(checked(SMOKERS, columns), frozenset("?"))
            return judged(checked(SMOKERS, damaged(kind, node, along)), frozenset({node}), before())

        return f"nhefs/{kind}/{node}, {along}", run

    yield case("none", "", "")
    yield from (case(kind, *pair) for kind in ("jump", "bend", "spread") for pair in OF_SMOKERS)


SOURCES: Mapping[str, Callable[[Path], Iterator[Case]]] = {
    "ecoli70": of_genes,
    "sachs": of_cells,
    "nhefs": of_smokers,
}


def table(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line per source and kind of damage."""
    groups = dict.fromkeys(tuple(record["case"].split("/")[:2]) for record in records)
    for source, kind in groups:
        own = [record for record in records if record["case"].startswith(f"{source}/{kind}/")]
        counts = {place: sum(record["place"] == place for record in own) for place in ("first", "among", "missed")}
        repairs = f", first repair {sum(record['repair'] for record in own)}" if "repair" in own[0] else ""
        false = f"{sum(record['false'] for record in own)} false names in {sum(record['false'] > 0 for record in own)}"
        said = f"first {counts['first']}, among {counts['among']}, missed {counts['missed']}" if kind != "none" else ""
        yield f"{source:8} {kind:8} {len(own):3} x: {said}{repairs}; {false}"


def main() -> None:
    """Print what each damage came to, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="*", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    lines = options.output.read_text(encoding="utf8").splitlines() if options.output.exists() else []
    done = {record["case"]: record for record in map(json.loads, lines)}
    records = []
    for source in options.sources:
        for name, run in SOURCES[source](options.networks):
            record = done.get(name) or {"case": name, **run()}
            records.append(record)
            if name not in done:
                print(name, record["place"], record["false"], *record["named"], sep="; ", flush=True)
                with options.output.open("a", encoding="utf8") as file:
                    file.write(json.dumps(record) + "\n")
    print(*table(records), sep="\n")


if __name__ == "__main__":
    main()
