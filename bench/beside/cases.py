"""Graphs and queries on them, the same for the same seed: random ones, and families that grow on purpose."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

Edges = list[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A graph and P(outcomes | do(treatments), given) on it; `family` and `size` where it is one of a growing series."""

    name: str
    nodes: list[str]
    directed: Edges
    bidirected: Edges
    treatments: list[str]
    outcomes: list[str]
    given: list[str] = field(default_factory=list)
    family: str = ""

    @property
    def query(self) -> str:
        """The question as text."""
        behind = ([f"do({', '.join(self.treatments)})"] if self.treatments else []) + self.given
        return f"P({', '.join(self.outcomes)}{' | ' if behind else ''}{', '.join(behind)})"

    def __str__(self) -> str:
        edges = [f"{a} -> {b}" for a, b in self.directed] + [f"{a} <-> {b}" for a, b in self.bidirected]
        text = "; ".join(edges)
        return f"{self.name}: {self.query} on {text if len(text) < 400 else f'{len(self.nodes)} nodes'}"


def random_case(rng: random.Random, name: str, count: int, seen: int = 0) -> Case:
    """A random ADMG and a query on it; in most, treatments cause the outcomes."""
    order = [f"V{i}" for i in range(count)]
    pairs = list(itertools.combinations(order, 2))
    if count < 10:
        arrows, arcs = rng.choice([0.25, 0.4, 0.6]), rng.choice([0.1, 0.25, 0.4])
    else:
        arrows = min(0.9, 2 * rng.choice([1, 2, 4, count / 8]) / count)
        arcs = min(0.9, 2 * rng.choice([0.1, 0.3, 0.8, 2]) / count)
    directed = [pair for pair in pairs if rng.random() < arrows]
    bidirected = [pair for pair in pairs if rng.random() < arcs]
    wide = max(1, count // 10) if count >= 10 and rng.random() < 0.2 else 0
    outcomes = rng.sample(order[count // 2 :], min(count // 2, rng.choice([1, 1, 1, 2, wide or 1])))
    causes = sorted(ancestors(directed, outcomes) - set(outcomes))
    others = [node for node in order if node not in outcomes]
    pool = causes if causes and rng.random() < 0.8 else others
    treatments = rng.sample(pool, min(len(pool), wide or rng.choice([1, 1, 2, 3])))
    rest = [node for node in others if node not in treatments]
    given = rng.sample(rest, min(len(rest), seen))
    return Case(name, rng.sample(order, count), directed, bidirected, treatments, outcomes, given)


def ancestors(directed: Edges, nodes: Iterable[str]) -> set[str]:
    """The nodes with a directed path into `nodes`, themselves included; edges come in topological order of their causes."""
    found = set(nodes)
    for cause, effect in reversed(directed):
        if effect in found:
            found.add(cause)
    return found


def sized(low: int, high: int) -> Callable[[random.Random, str], Case]:
    """Random cases with so many nodes; one in five is conditional."""

    def case(rng: random.Random, name: str) -> Case:
        count = rng.randint(low, high)
        seen = rng.choice([0, 0, 0, 0, 1 if count < 10 else rng.choice([1, 2, count // 10])])
        return random_case(rng, name, count, seen)

    return case


def conditional(rng: random.Random, name: str) -> Case:
    """A random case with evidence, up to half of the nodes."""
    count = rng.choice([5, 7, 9, 15, 25, 40])
    return random_case(rng, name, count, rng.choice([1, 2, 3, count // 2]))


def napkin(rng: random.Random, name: str) -> Case:
    """A graph in which Y needs a ratio: a nest of napkins, with further nodes and edges thrown in."""
    rungs = rng.choice([1, 1, 2, 2, 3])
    base = ladder(rungs)
    directed, bidirected = set(base.directed), set(base.bidirected)
    order = [f"{letter}{i}" for i in range(rungs, 0, -1) for letter in "WRX"] + ["Y"]
    extra = rng.sample(["A", "B", "C"], rng.randint(0, 3))
    for node in extra:
        order.insert(rng.randint(0, len(order)), node)
        for other in order:
            if other != node and rng.random() < 0.4:
                ends = (node, other) if order.index(node) < order.index(other) else (other, node)
                (directed if rng.random() < 0.7 else bidirected).add(ends)
    directed |= {pair for pair in itertools.combinations(order, 2) if rng.random() < 0.06}
    seen = rng.sample([*extra, "R1"], 1) if rng.random() < 0.2 else []
    return Case(name, order, sorted(directed), sorted(bidirected), base.treatments, ["Y"], seen)


# Growing families


def ladder(rungs: int) -> Case:
    """Nested napkins: each can only be opened once the one before it is."""
    steps = range(1, rungs + 1)
    directed = [edge for i in steps for edge in ((f"W{i}", f"R{i}"), (f"R{i}", f"X{i}"), (f"X{i}", "Y"))]
    directed += [(f"W{i}", f"X{i - 1}") for i in steps[1:]]
    bidirected = [edge for i in steps for edge in ((f"W{i}", f"X{i}"), (f"W{i}", "Y"))]
    nodes = [f"{letter}{i}" for i in steps for letter in "WRX"] + ["Y"]
    return Case("", nodes, directed, bidirected, [f"X{i}" for i in steps], ["Y"])


def dense_ladder(rungs: int) -> Case:
    """A ladder with every edge that still leaves each rung locked until the one before it is open."""
    base = ladder(rungs)
    steps = range(1, rungs + 1)
    directed = {*base.directed, *((f"W{j}", f"X{i}") for i in steps for j in steps[i:])}
    bidirected = {*base.bidirected, *((f"W{j}", f"X{i}") for i in steps for j in steps[: i - 1])}
    return Case("", base.nodes, sorted(directed), sorted(bidirected), base.treatments, ["Y"])


def broad_ladder(rungs: int) -> Case:
    """A ladder with three latent-linked nodes where a ladder has one W, and causes common to all."""
    base = ladder(rungs)
    directed, bidirected, nodes = list(base.directed), list(base.bidirected), ["Z1", "Z2", *base.nodes]
    for i in range(1, rungs + 1):
        sides = (f"A{i}", f"B{i}")
        nodes += sides
        directed += [(side, f"R{i}") for side in sides] + [("Z1", f"W{i}"), ("Z2", f"X{i}"), ("Z1", f"R{i}")]
        directed += [(side, f"X{i - 1}") for side in sides if i > 1]
        bidirected += [(f"A{i}", f"W{i}"), (f"B{i}", f"A{i}"), (f"B{i}", f"X{i}"), (f"A{i}", "Y")]
    return Case("", nodes, [*directed, ("Z1", "Y"), ("Z2", "Y")], bidirected, base.treatments, ["Y"])


def twin_ladders(rungs: int) -> Case:
    """Two ladders, the outcome of one a cause in the other, both outcomes asked for."""
    base = ladder(rungs)

    def renamed(edges: Edges, tag: str) -> Edges:
        return [(f"{a}{tag}", f"{b}{tag}") for a, b in edges]

    directed = [*renamed(base.directed, "a"), *renamed(base.directed, "b")]
    directed += [("Ya", f"X{i}b") for i in range(1, rungs + 1)]
    bidirected = [*renamed(base.bidirected, "a"), *renamed(base.bidirected, "b")]
    nodes = [f"{node}{tag}" for tag in "ab" for node in base.nodes]
    return Case("", nodes, directed, bidirected, [f"{x}{t}" for t in "ab" for x in base.treatments], ["Ya", "Yb"])


def crowded_ladder(rungs: int) -> Case:
    """A ladder that leads to as many outcomes as it has rungs, each joined to the next by a latent cause."""
    base = ladder(rungs)
    steps = range(1, rungs + 1)
    outcomes = [f"Y{i}" for i in steps]
    kept, joined = ([(a, b) for a, b in edges if b != "Y"] for edges in (base.directed, base.bidirected))
    chain = list(itertools.pairwise(outcomes))
    directed = [*kept, *((f"X{i}", f"Y{i}") for i in steps), *chain]
    bidirected = [*joined, *((f"W{i}", f"Y{i}") for i in steps), *chain]
    return Case("", [*base.nodes[:-1], *outcomes], directed, bidirected, base.treatments, outcomes)


def covered_ladder(rungs: int) -> Case:
    """A dense ladder with as many measured nodes that cause everything in it."""
    base = dense_ladder(rungs)
    roots = [f"Z{i}" for i in range(rungs)]
    directed = base.directed + [(root, node) for root in roots for node in base.nodes]
    bidirected = base.bidirected + list(itertools.pairwise(roots))
    return Case("", roots + base.nodes, directed, bidirected, base.treatments, ["Y"])


def front_doors(count: int) -> Case:
    """A chain of front doors: each node shares a cause with the next but one."""
    v = [f"V{i}" for i in range(count)]
    return Case("", v, list(itertools.pairwise(v)), list(zip(v, v[2:], strict=False)), v[:1], v[-1:])


def complete_dag(count: int) -> Case:
    """Every earlier node causes every later one, the treatment in the middle: adjustment for half of them."""
    v = [f"V{i}" for i in range(count)]
    return Case("", v, list(itertools.combinations(v, 2)), [], [v[count // 2]], v[-1:])


def wide_back_door(count: int) -> Case:
    """Many common causes of treatment and outcome, which share causes with one another."""
    z = [f"Z{i}" for i in range(count - 2)]
    directed = [(node, end) for node in z for end in ("X", "Y")] + [("X", "Y")]
    return Case("", [*z, "X", "Y"], directed, list(itertools.pairwise(z)), ["X"], ["Y"])


def m_bias(count: int) -> Case:
    """A chain of colliders between treatment and outcome, each of which also opens what another closes."""
    z = [f"Z{i}" for i in range(count - 2)]
    bidirected = [("X", z[0]), *itertools.pairwise(z), (z[-1], "Y")]
    directed = [("X", "Y"), *((a, b) for a, b in zip(z, z[3:], strict=False))]
    return Case("", [*z, "X", "Y"], directed, bidirected, ["X"], ["Y"])


def over_time(count: int) -> Case:
    """Treatments over time with latent causes behind the covariates and the outcome: the sequential g-formula."""
    steps = range(count // 2)
    directed: Edges = [(f"L{t}", f"A{t}") for t in steps] + [(f"A{t}", "Y") for t in steps] + [(f"L{steps[-1]}", "Y")]
    directed += [(f"{letter}{t}", f"L{t + 1}") for t in steps[:-1] for letter in "LA"]
    directed += [(f"A{t}", f"A{t + 1}") for t in steps[:-1]]
    bidirected = [(f"L{t}", f"L{t + 1}") for t in steps[:-1]] + [(f"L{t}", "Y") for t in steps]
    nodes = [f"{letter}{t}" for t in steps for letter in "LA"] + ["Y"]
    return Case("", nodes, directed, bidirected, [f"A{t}" for t in steps], ["Y"])


def everything(count: int) -> Case:
    """All that is not set is asked for: every tenth node is set, the others are one district."""
    v = [f"V{i}" for i in range(count)]
    others = [node for i, node in enumerate(v) if i % 10 != 5]
    return Case("", v, [*itertools.pairwise(v), *zip(v, v[7:], strict=False)], list(itertools.pairwise(others)),
                v[5::10], others)  # fmt: skip


def much_evidence(count: int) -> Case:
    """A front door among nodes of which half are seen, all of them connected to the outcome until others are set."""
    v = [f"V{i}" for i in range(count)]
    directed = [*itertools.pairwise(v), *zip(v, v[5:], strict=False)]
    bidirected = [(v[i], v[i + 1]) for i in range(4, count - 1, 3)]
    return Case("", v, directed, bidirected, v[1:2], v[-1:], v[4:-1:2])


def dense_evidence(count: int) -> Case:
    """Every earlier node causes every later one, latent causes join neighbours, and every other node is seen."""
    v = [f"V{i}" for i in range(count)]
    treatment = v[count // 4 * 2]
    bidirected = list(itertools.pairwise(node for node in v if node != treatment))
    return Case("", v, list(itertools.combinations(v, 2)), bidirected, [treatment], v[-1:], v[1:-1:2])


def long_hedge(count: int) -> Case:
    """A path of latent causes as long as the graph: no formula, and a hedge of every node."""
    v = [f"V{i}" for i in range(count)]
    return Case("", v, list(itertools.pairwise(v)), list(itertools.pairwise(v)), v[:1], v[-1:])


def napkins_in_series(count: int) -> Case:
    """One napkin behind the other, the outcome of each the first node of the next."""
    links = max(1, (count - 1) // 3)
    directed: Edges = []
    bidirected: Edges = []
    for i in range(links):
        directed += [(f"W{i}", f"R{i}"), (f"R{i}", f"X{i}"), (f"X{i}", f"W{i + 1}")]
        bidirected += [(f"W{i}", f"X{i}"), (f"W{i}", f"W{i + 1}")]
    nodes = [f"{letter}{i}" for i in range(links) for letter in "WRX"] + [f"W{links}"]
    return Case("", nodes, directed, bidirected, [f"X{i}" for i in range(links)], [f"W{links}"])


def tree(count: int) -> Case:
    """A binary tree towards the outcome with latent causes between cousins, the leaves set."""
    v = [f"V{i}" for i in range(count)]
    directed = [(v[i], v[(i - 1) // 2]) for i in range(1, count)]
    inner = (count - 1) // 2
    bidirected = [(v[i], v[i + 1]) for i in range(1, inner - 1)]
    return Case("", v, directed, bidirected, v[inner:], v[:1])


RUNGS = (1, 2, 5, 12, 25, 50, 166)
LARGEST = 512
SIZES = (10, 41, 100, 500)
LADDERS = {"ladder": ladder}
DEEP = {
    "dense ladder": dense_ladder,
    "covered ladder": covered_ladder,
    "broad ladder": broad_ladder,
    "crowded ladder": crowded_ladder,
    "twin ladders": twin_ladders,
}
ADVERSARIAL = {
    "front doors": front_doors,
    "complete DAG": complete_dag,
    "wide back door": wide_back_door,
    "M-bias": m_bias,
    "over time": over_time,
    "everything": everything,
    "much evidence": much_evidence,
    "dense evidence": dense_evidence,
    "long hedge": long_hedge,
    "napkins in series": napkins_in_series,
    "tree": tree,
}


def series(families: dict[str, Callable[[int], Case]], sizes: Iterable[int], unit: str) -> Iterator[Case]:
    """Every family at every size up to about 500 nodes, the small ones first."""
    for family, made in families.items():
        for size in sizes:
            case = made(size)
            if len(case.nodes) <= LARGEST:
                yield replace(case, name=f"{family} of {size} {unit}", family=family)


RANDOM = {  # the generator, and the share of `--cases` that it gets
    "3-9 nodes": (sized(3, 9), 2.0),
    "10-30 nodes": (sized(10, 30), 1.0),
    "50 nodes": (sized(50, 50), 1.0),
    "100 nodes": (sized(100, 100), 0.5),
    "200 nodes": (sized(200, 200), 0.25),
    "500 nodes": (sized(500, 500), 0.25),
    "napkins": (napkin, 1.0),
    "conditional": (conditional, 1.0),
}
SERIES = {
    "ladders": (LADDERS, RUNGS, "rungs"),
    "deep ladders": (DEEP, RUNGS, "rungs"),
    "adversarial": (ADVERSARIAL, SIZES, "nodes"),
}


def cases_of(kind: str, count: int, seed: int) -> Iterator[Case]:
    """The cases of a class, the same for the same seed."""
    if kind in SERIES:
        yield from series(*SERIES[kind])
        return
    made, share = RANDOM[kind]
    for i in range(math.ceil(count * share)):
        yield made(random.Random(f"{seed} {kind} {i}"), f"{kind} #{i}")
