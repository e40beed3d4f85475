"""Slow and obviously right: discrete models with latents, enumerated; ID as printed; paths, one by one."""

from __future__ import annotations

import itertools
import math
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from latentdo.graphs import Admg, LatentDag, Name
from latentdo.identification.proof.parity import ParityModel
from latentdo.identification.proof.twins import Case
from latentdo.query import Term


@dataclass(frozen=True, eq=False)
class Scm:
    """A discrete model of a latent DAG: a table P(node | parents) per node, its axes parents and node."""

    graph: LatentDag
    tables: dict[Name, np.ndarray]

    def law(self, do: Iterable[Name] = ()) -> np.ndarray:
        """P(V | do), one axis per measured node in node order; a node that is set is an axis of settings."""
        letters = dict(zip(self.graph.nodes, string.ascii_letters, strict=False))
        kept = [node for node in self.graph.nodes if node not in set(do)]
        inputs = ["".join(letters[n] for n in (*self.graph.parents(node), node)) for node in kept]
        arrays = [self.tables[node] for node in kept]
        for node in do:  # so that every setting has an axis, even where nothing depends on it
            inputs.append(letters[node])
            arrays.append(np.ones(self.tables[node].shape[-1]))
        output = "".join(letters[node] for node in self.graph.measured)
        return np.einsum(f"{','.join(inputs)}->{output}", *arrays, optimize="greedy")

    def answer(self, term: Term) -> np.ndarray:
        """P(outcomes | do(treatments), conditions) for all values, axes in that order."""
        names = self.graph.measured
        axes = term.treatments + term.outcome_names + term.conditions
        law = self.law(term.treatments)
        order = [names.index(name) for name in axes]
        law = law.sum(axis=tuple(i for i in range(len(names)) if i not in order))
        kept = sorted(order)
        law = law.transpose([kept.index(i) for i in order])
        first = len(term.treatments)
        outcomes = tuple(range(first, first + len(term.outcome_names)))
        return law / law.sum(axis=outcomes, keepdims=True)


def random_scm(graph: LatentDag | Admg, seed: int, levels: int = 2) -> Scm:
    """A model of the graph with every probability positive."""
    if isinstance(graph, Admg):
        graph = LatentDag(graph.nodes, graph.directed, tuple((a, b, 1) for a, b in graph.bidirected))
    graph = graph.explicit()
    rng = np.random.default_rng(seed)
    tables = {}
    for node in graph.nodes:
        shape = (*[levels] * len(graph.parents(node)), levels)
        table = rng.uniform(0.1, 1, shape) ** 2
        tables[node] = table / table.sum(axis=-1, keepdims=True)
    return Scm(graph, tables)


def random_admg(rng: random.Random, sizes: tuple[int, int] = (3, 7)) -> Admg:
    """An ADMG with node order, edges and densities drawn at random."""
    count = rng.randint(*sizes)
    names = [f"V{i}" for i in range(count)]
    rng.shuffle(names)
    arrows, arcs = rng.choice([0.25, 0.4, 0.6]), rng.choice([0.1, 0.25, 0.4])
    pairs = list(itertools.combinations(names, 2))
    directed = frozenset(pair for pair in pairs if rng.random() < arrows)
    bidirected = frozenset(pair for pair in pairs if rng.random() < arcs)
    return Admg(tuple(rng.sample(names, count)), directed, bidirected)


def random_napkin(rng: random.Random) -> Admg:
    """A graph in which Y needs a ratio: a nest of napkins, with further nodes and edges thrown in."""
    rungs = rng.choice([1, 1, 2])
    directed: set[tuple[Name, Name]] = set()
    bidirected: set[tuple[Name, Name]] = set()
    order: list[Name] = []
    for i in range(rungs, 0, -1):
        w, r, x = f"W{i}", f"R{i}", f"X{i}"
        order += [w, r, x]
        directed |= {(w, r), (r, x), (x, "Y")}
        bidirected |= {(w, x), (w, "Y")}
        if i < rungs:
            directed.add((f"W{i + 1}", f"X{i}"))
    order.append("Y")
    for node in rng.sample(["A", "B"], 3 - rungs if rng.random() < 0.7 else 0):
        order.insert(rng.randint(0, len(order)), node)
        for other in order:
            if other != node and rng.random() < 0.4:
                ends = (node, other) if order.index(node) < order.index(other) else (other, node)
                (directed if rng.random() < 0.7 else bidirected).add(ends)
    for pair in itertools.combinations(order, 2):
        if rng.random() < 0.06:
            directed.add(pair)
    return Admg(tuple(order), frozenset(directed), frozenset(bidirected))


def random_latent_dag(rng: random.Random) -> LatentDag:
    """A DAG in which some nodes, with or without parents, were never measured."""
    count = rng.randint(4, 8)
    names = [f"V{i}" for i in range(count)]
    directed = frozenset(pair for pair in itertools.combinations(names, 2) if rng.random() < 0.4)
    latent = frozenset(rng.sample(names, rng.randint(1, count - 3)))
    bidirected = tuple((*pair, 1) for pair in itertools.combinations(names, 2) if rng.random() < 0.08)
    return LatentDag(tuple(rng.sample(names, count)), directed, bidirected, latent)


def random_term(rng: random.Random, nodes: Iterable[Name], conditions: int = 0) -> str:
    """The text of a law query with free values on some of the nodes."""
    names = list(nodes)
    rng.shuffle(names)
    treated = rng.randint(0 if rng.random() < 0.15 else 1, max(1, min(3, len(names) - 1 - conditions)))
    asked = rng.randint(1, max(1, min(2, len(names) - treated - conditions)))
    do, outcomes = names[:treated], names[treated : treated + asked]
    seen = names[treated + asked : treated + asked + conditions]
    behind = ([f"do({', '.join(do)})"] if do else []) + seen
    return f"P({', '.join(outcomes)}{' | ' if behind else ''}{', '.join(behind)})"


def separated_by_paths(graph: LatentDag | Admg, a: Name, b: Name, given: set[Name]) -> bool:
    """m-separation as defined: every path has a non-collider in `given` or a collider not above it."""
    above = graph.ancestors(given) if given else frozenset()

    def steps(node: Name) -> Iterator[tuple[bool, Name, bool]]:
        """Edges at a node: (arrowhead at the node, the other end, arrowhead there)."""
        yield from ((False, child, True) for child in graph.children(node))
        yield from ((True, parent, False) for parent in graph.parents(node))
        yield from ((True, spouse, True) for spouse in graph.spouses(node))

    def open_from(node: Name, head: bool | None, visited: frozenset[Name]) -> bool:
        if node == b:
            return True
        for leaves_by_head, other, enters_by_head in steps(node):
            if other in visited:
                continue
            if head is not None:
                collider = head and leaves_by_head
                if (collider and node not in above) or (not collider and node in given):
                    continue
            if open_from(other, enters_by_head, visited | {other}):
                return True
        return False

    return not open_from(a, None, frozenset({a}))


class Fail(Exception):
    """Line 5 of ID: the pair of sets that make the hedge."""


def id_value(y: frozenset[Name], x: frozenset[Name], p: np.ndarray, g: Admg, names: tuple[Name, ...]) -> np.ndarray:
    """ID(y, x, P, G) on numbers: P and the result are arrays with one axis for each of `names`.

    Source:
        Shpitser & Pearl (2006a), Identification of joint interventional distributions, figure 3.
    """
    v = frozenset(g.nodes)

    def total(over: frozenset[Name], q: np.ndarray) -> np.ndarray:
        return q.sum(axis=tuple(names.index(name) for name in over), keepdims=True)

    order = [node for node in g.topological_order() if node in v]

    def conditional(node: Name) -> np.ndarray:
        """P(node | all nodes before it), P being the current one."""
        later = frozenset(order[order.index(node) + 1 :])
        upto = total(later, p)
        return upto / total(frozenset({node}), upto)

    # Line 1.
    if not x:
        return total(v - y, p)
    # Line 2.
    an = g.ancestors(y)
    if v - an:
        return id_value(y, x & an, total(v - an, p), g.induced(an), names)
    # Line 3.
    w = (v - x) - g.without_incoming(x).ancestors(y)
    if w:
        return id_value(y, x | w, p, g, names)
    # Line 4.
    parts = g.induced(v - x).districts()
    if len(parts) > 1:
        product = np.ones((1,) * p.ndim)
        for s in parts:
            product = product * id_value(s, v - s, p, g, names)
        return total(v - (y | x), product)
    (s,) = parts
    # Line 5.
    districts = g.districts()
    if districts == (v,):
        raise Fail(v, s)
    # Line 6.
    if s in districts:
        product = np.ones((1,) * p.ndim)
        for node in s:
            product = product * conditional(node)
        return total(s - y, product)
    # Line 7: nodes outside `big` stay axes, so that the new P is carried with its context.
    (big,) = (d for d in districts if s < d)
    product = np.ones((1,) * p.ndim)
    for node in big:
        product = product * conditional(node)
    return id_value(y, x & big, product, g.induced(big), names)


def idc_sets(g: Admg, y: set[Name], x: set[Name], z: set[Name]) -> tuple[frozenset[Name], frozenset[Name]]:
    """The outcomes and treatments of the unconditional query that IDC ends with, by enumerated paths.

    Source:
        Shpitser & Pearl (2006b), Identification of conditional interventional distributions, figure 5.
    """
    for node in sorted(z):
        cut = g.without_incoming(x).without_outgoing({node})
        if all(separated_by_paths(cut, a, node, x | z - {node}) for a in y):
            return idc_sets(g, y, x | {node}, z - {node})
    return frozenset(y | z), frozenset(x)


def hedge_is_valid(
    g: Admg, y: frozenset[Name], x: frozenset[Name], larger: frozenset[Name], smaller: frozenset[Name]
) -> bool:
    """The definition of a hedge for P(y | do(x)), in terms of the sets of nodes of its two forests.

    Source:
        Shpitser & Pearl (2006a), definitions 5 and 6: forests exist on the sets exactly when these hold.
    """
    big, small = g.induced(larger), g.induced(smaller)
    return (
        smaller < larger
        and bool(larger & x)
        and not smaller & x
        and len(big.districts()) == 1
        and len(small.districts()) == 1
        and big.ancestors(smaller) == larger
        and smaller <= g.without_incoming(x).ancestors(y)
    )


def hedge_models_differ(g: Admg, x: frozenset[Name], larger: frozenset[Name], smaller: frozenset[Name]) -> bool:
    """Whether the two models of the hedge construction have equal P(F) and different P(roots | do(x)).

    Every bidirected edge of a spanning tree is a fair coin, every node the parity of its parents in the
    forest and of its coins; in the second model the smaller set does not listen to the rest.

    Source:
        Shpitser & Pearl (2006a), theorem 4.
    """
    coins = _spanning_tree(g, smaller)
    coins |= _spanning_tree(g, larger, coins, smaller)
    child = _forest(g, larger, smaller)
    order = [node for node in g.topological_order() if node in larger]
    roots = [node for node in order if node not in child]
    laws = []
    for deaf in (False, True):
        for do in (frozenset[Name](), x & larger):
            table: dict[tuple[int, ...], int] = {}
            for flips in itertools.product((0, 1), repeat=len(coins)):
                value: dict[Name, int] = {}
                for node in order:
                    inputs = [
                        value[p]
                        for p in order
                        if child.get(p) == node and not (deaf and node in smaller and p not in smaller)
                    ]
                    inputs += [
                        flip
                        for pair, flip in zip(sorted(coins), flips, strict=True)
                        if node in pair and not (deaf and node in smaller and not smaller.issuperset(pair))
                    ]
                    value[node] = 0 if node in do else sum(inputs) % 2
                key = tuple(value[node] for node in (roots if do else order))
                table[key] = table.get(key, 0) + 1
            laws.append(table)
    (seen, done), (seen_deaf, done_deaf) = laws[:2], laws[2:]
    return seen == seen_deaf and done != done_deaf


def _spanning_tree(
    g: Admg,
    nodes: frozenset[Name],
    tree: set[tuple[Name, Name]] = frozenset(),
    start: frozenset[Name] = frozenset(),  # type: ignore[assignment]
) -> set[tuple[Name, Name]]:
    joined = set(start) or {min(nodes)}
    found = set(tree)
    while joined != nodes:
        pair = min(p for p in g.bidirected if nodes.issuperset(p) and len(joined.intersection(p)) == 1)
        found.add(pair)
        joined.update(pair)
    return found


def _forest(g: Admg, larger: frozenset[Name], smaller: frozenset[Name]) -> dict[Name, Name]:
    """One child for each node that is no root, so that the roots of both forests are the same."""
    roots = {node for node in smaller if not smaller.intersection(g.children(node))}
    child: dict[Name, Name] = {}
    placed = set(roots)
    for nodes in (smaller, larger):
        while not placed >= nodes:
            node = min(n for n in nodes - placed if placed.intersection(g.children(n)))
            child[node] = min(placed.intersection(g.children(node)))
            placed.add(node)
    return child


def functional_scm(graph: LatentDag | Admg, functional: Iterable[Name], seed: int, *, deaf: bool = False) -> Scm:
    """A model in which some nodes are functions of their parents, onto all of their levels, and all else is positive.

    Args:
        deaf: Whether the functions depend on measured parents alone, where there are any.
    """
    plain = random_scm(graph, seed)
    graph, tables = plain.graph, dict(plain.tables)
    functional = set(functional)
    rng = np.random.default_rng([seed, 7])
    levels: dict[Name, int] = {}
    for node in graph.topological_order():
        shape = [levels[parent] for parent in graph.parents(node)]
        if node not in functional:
            levels[node] = 2
            table = rng.uniform(0.1, 1, (*shape, 2)) ** 2
            tables[node] = table / table.sum(axis=-1, keepdims=True)
            continue
        heard = [parent not in graph.latent for parent in graph.parents(node)]
        if not deaf or not any(heard):
            heard = [True] * len(shape)
        inner = [size if hears else 1 for size, hears in zip(shape, heard, strict=True)]
        count = int(np.prod(inner))
        levels[node] = int(rng.integers(2, min(4, count) + 1))
        values = np.concatenate([np.arange(levels[node]), rng.integers(0, levels[node], count - levels[node])])
        values = np.broadcast_to(rng.permutation(values).reshape(inner), shape)
        tables[node] = np.eye(levels[node])[values]
    return Scm(graph, tables)


def adjustment_is_valid(g: Admg, x: set[Name], y: set[Name], z: set[Name]) -> bool:
    """The adjustment criterion by enumerated paths.

    Source:
        Perković et al. (2018), Complete graphical characterization, definition 4.3, in the proper back-door graph.
    """
    causal: set[Name] = set()

    def walk(node: Name, path: tuple[Name, ...]) -> None:
        if node in y:
            causal.update(path)
        for child in g.children(node):
            if child not in x:
                walk(child, (*path, child))

    for node in x:
        walk(node, ())
    if z & g.descendants(causal) or z & (x | y):
        return False
    cut = Admg(g.nodes, frozenset((a, b) for a, b in g.directed if a not in x or b not in causal), g.bidirected)
    return all(separated_by_paths(cut, a, b, z) for a in x for b in y)


def front_door_is_valid(g: Admg, x: set[Name], y: set[Name], z: set[Name]) -> bool:
    """The front-door criterion by enumerated paths.

    Source:
        Jeong, Tian & Bareinboim (2022), Finding and listing front-door adjustment sets, definition 1.
    """
    if g.induced(node for node in g.nodes if node not in z).descendants(x) & y:
        return False
    if not all(separated_by_paths(g.without_outgoing(x), a, b, set()) for a in x for b in z):
        return False
    return all(separated_by_paths(g.without_outgoing(z), a, b, x) for a in z for b in y)


def margin(law: np.ndarray, names: tuple[Name, ...], kept: Iterable[Name]) -> np.ndarray:
    """The law of `kept`, with an axis of length one for every other name."""
    keep = set(kept)
    return law.sum(axis=tuple(i for i, name in enumerate(names) if name not in keep), keepdims=True)


def linear_covariance(g: Admg, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The covariance of a random linear Gaussian model, axes in node order, and its matrix of total effects."""
    place = {node: i for i, node in enumerate(g.nodes)}
    count = len(g.nodes)
    direct, shared = np.zeros((count, count)), np.zeros((count, len(g.bidirected)))
    for a, b in sorted(g.directed):
        direct[place[b], place[a]] = rng.normal() * np.exp(0.7 * rng.normal())
    for k, pair in enumerate(sorted(g.bidirected)):
        for node in pair:
            shared[place[node], k] = rng.normal() * np.exp(rng.normal())
    total = np.linalg.inv(np.eye(count) - direct)
    noise = shared @ shared.T + np.diag(np.exp(rng.normal(size=count)))
    return total @ noise @ total.T, total


def partial_covariance(covariance: np.ndarray, i: int, j: int, given: list[int]) -> float:
    """The covariance of i and j once `given` is regressed out of both."""
    if not given:
        return float(covariance[i, j])
    inside = covariance[np.ix_(given, given)]
    return float(covariance[i, j] - covariance[i, given] @ np.linalg.solve(inside, covariance[given, j]))


def sparse_admg(rng: random.Random, sizes: tuple[int, int] = (4, 7)) -> Admg:
    """A graph in which adjustment is often possible: few bidirected edges, names in causal order."""
    names = [f"V{i}" for i in range(rng.randint(*sizes))]
    arrows, arcs = rng.choice([0.25, 0.4, 0.6]), rng.choice([0, 0.1, 0.2, 0.35])
    pairs = list(itertools.combinations(names, 2))
    return Admg(
        tuple(names),
        frozenset(pair for pair in pairs if rng.random() < arrows),
        frozenset(pair for pair in pairs if rng.random() < arcs),
    )


def parity_law(model: ParityModel, do: dict[Name, dict[int, float]]) -> dict[tuple[int, ...], float]:
    """P(levels of the model's nodes | do), by tossing every coin both ways; `do` has a law for each node set."""
    coins = sorted({coin for bit in model.bits for coin in bit.coins}, key=str)
    errors = [(bit.node, bit.place) for bit in model.bits if bit.error]
    widths = {name: sum(bit.node == name for bit in model.bits) for name in model.names}
    # The tosses that each bit hears, by their place in the list of all coins and errors.
    hears = [
        [i for i, coin in enumerate(coins) if coin in bit.coins]
        + [len(coins) + i for i, error in enumerate(errors) if error == (bit.node, bit.place)]
        for bit in model.bits
    ]
    chances = [coin.probability for coin in coins] + [bit.error for bit in model.bits if bit.error]
    law: dict[tuple[int, ...], float] = {}
    for tosses in itertools.product((0, 1), repeat=len(chances)):
        weight = math.prod(p if toss else 1 - p for p, toss in zip(chances, tosses, strict=True))
        for settings in itertools.product(*(do[name].items() for name in do)):
            levels = {name: level for name, (level, _) in zip(do, settings, strict=True)}
            share = weight * math.prod(probability for _, probability in settings)
            value: dict[tuple[Name, int], int] = {}
            for bit, heard in zip(model.bits, hears, strict=True):
                total = sum(value[read] for read in bit.reads) + sum(tosses[i] for i in heard)
                if bit.node in levels:
                    total = levels[bit.node] // 2 ** (widths[bit.node] - 1 - bit.place)
                value[bit.node, bit.place] = total % 2
            key = tuple(
                sum(value[name, place] * 2 ** (widths[name] - 1 - place) for place in range(widths[name]))
                for name in model.names
            )
            law[key] = law.get(key, 0.0) + share
    return law


def parity_answer(model: ParityModel, case: Case) -> float:
    """The answer of a model to the case that a witness names, from `parity_law` alone."""
    do = {
        name: dict(enumerate(level)) if isinstance(level, tuple) else {level: 1.0}
        for name, level in dict(case.do).items()
    }
    above = below = 0.0
    for cell, probability in parity_law(model, do).items():
        levels = dict(zip(model.names, cell, strict=True))
        if any(levels[name] not in allowed for name, allowed in case.given):
            continue
        below += probability
        if case.mean is not None:
            above += probability * levels[case.mean]
        elif all(levels[name] in allowed for name, allowed in case.asked):
            above += probability
    return above / below


def identified_from(g: Admg, y: frozenset[Name], x: frozenset[Name], regimes: Iterable[Iterable[Name]]) -> bool:
    """Whether P(y | do(x)) follows from P(V) and P(V | do(z)) for each z, by ID on each of these laws.

    Source:
        Lee, Correa & Bareinboim (2019), General identifiability with arbitrary surrogate experiments, theorem 3.
    """
    joint = random_scm(g, 0).law()
    needed = g.induced(set(g.nodes) - x).ancestors(y)
    laws = [frozenset[Name](), *map(frozenset, regimes)]
    return all(any(_reached(g, district, held, joint) for held in laws) for district in g.induced(needed).districts())


def identified_with_experiments(g: Admg, y: frozenset[Name], x: frozenset[Name], z: frozenset[Name]) -> bool:
    """Whether P(y | do(x)) follows from P(V) and all P(V | do(z')) with z' in z."""
    sizes = range(1, len(z) + 1)
    return identified_from(g, y, x, (held for size in sizes for held in itertools.combinations(sorted(z), size)))


def _reached(g: Admg, district: frozenset[Name], held: frozenset[Name], joint: np.ndarray) -> bool:
    """Whether ID finds the law of a district, all else set, where some nodes are held by experiment."""
    left = frozenset(g.nodes) - held
    if not district <= left:
        return False
    try:
        id_value(district, left - district, joint, g.induced(left), g.nodes)
    except Fail:
        return False
    return True
