"""How often the intervals of `ld.bounds` hold both ends, and how much wider than the bounds they are.

    python bounds.py [REPLICATES [CASE …]]

Models with known bounds: instruments of two and three levels, a front door with a direct effect, no instrument at all, an
instrument that all units obey, one on the edge of the instrumental inequality; a trial and an instrument whose outcome is missing
in some units, more often where it is 1.
"""

from __future__ import annotations

import sys

import numpy as np

import latentdo as ld

IV = "Z -> X -> Y; X <-> Y"
ACE = "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))"


def instrument(shares: list[float], takes: list[list[float]], gains: list[list[float]], u: float = 0.5) -> np.ndarray:
    """P(Z, X, Y) with a hidden cause of two levels: P(X=1 | z, u), P(Y=1 | x, u)."""
    law = np.zeros((len(shares), 2, 2))
    for z, share in enumerate(shares):
        for hidden, weight in enumerate((1 - u, u)):
            for x in (0, 1):
                take = takes[z][hidden] if x else 1 - takes[z][hidden]
                for y in (0, 1):
                    gain = gains[x][hidden] if y else 1 - gains[x][hidden]
                    law[z, x, y] += share * weight * take * gain
    return law


def front_door() -> np.ndarray:
    """P(X, M, Y) with X -> M -> Y, X -> Y and a hidden cause of X and Y."""
    law = np.zeros((2, 2, 2))
    for u in (0, 1):
        for x, m, y in np.ndindex(2, 2, 2):
            p_x = (0.3, 0.7)[u] if x else 1 - (0.3, 0.7)[u]
            p_m = (0.25, 0.8)[x] if m else 1 - (0.25, 0.8)[x]
            one = 0.1 + 0.2 * x + 0.4 * m + 0.25 * u
            law[x, m, y] += 0.5 * p_x * p_m * (one if y else 1 - one)
    return law


def gappy(law: np.ndarray) -> np.ndarray:
    """The law with a third level of Y, its last axis: missing."""
    missing = law * (0.1, 0.25)
    return np.concatenate([law - missing, missing.sum(axis=-1, keepdims=True)], axis=-1)


def cases() -> dict[str, tuple[str, str, tuple[str, ...], np.ndarray]]:
    """Graph, question, names and law by what they are called."""
    zxy = ("Z", "X", "Y")
    usual = instrument([0.5, 0.5], [[0.2, 0.4], [0.7, 0.9]], [[0.2, 0.5], [0.5, 0.8]])
    obeyed = instrument([0.5, 0.5], [[0, 0], [1, 1]], [[0.2, 0.5], [0.5, 0.8]])
    edge = instrument([0.5, 0.5], [[0, 0.6], [0.3, 0.6]], [[0, 0.3], [0, 1]])
    three = instrument([0.3, 0.4, 0.3], [[0.1, 0.3], [0.4, 0.7], [0.8, 0.9]], [[0.2, 0.5], [0.5, 0.8]])
    return {
        "instrument": (IV, ACE, zxy, usual),
        "instrument, three levels": (IV, ACE, zxy, three),
        "all obey": (IV, ACE, zxy, obeyed),
        "never Y=1 where X=0": (IV, ACE, zxy, edge),
        "no instrument": ("X -> Y; X <-> Y", ACE, ("X", "Y"), usual.sum(axis=0)),
        "ratio": (IV, "P(Y=1 | do(X=1)) / P(Y=1 | do(X=0))", zxy, usual),
        "front door, direct effect": ("X -> M -> Y; X -> Y; X <-> Y", ACE, ("X", "M", "Y"), front_door()),
        "trial, missing outcomes": ("X -> Y", ACE, ("X", "Y"), gappy(usual.sum(axis=0))),
        "instrument, missing outcomes": (IV, ACE, zxy, gappy(usual)),
    }


def main(replicates: int, chosen: list[str]) -> None:
    known = cases()
    for name in chosen or known:
        graph, query, names, law = known[name]
        is_open = law.shape[-1] == 3
        truth = ld.bounds(graph, law, query, names=names, levels={"Y": (0, 1, None)} if is_open else None)
        for n in (200, 1_000):
            held, wider, broken, contradicted = [], [], 0, 0
            for k in range(replicates):
                counts = np.random.default_rng(10_000 * n + k).multinomial(n, law.ravel())
                cells = np.repeat(np.arange(law.size), counts)
                columns = np.stack(np.unravel_index(cells, law.shape), axis=1)
                try:
                    table = dict(zip(names, columns.T, strict=True))
                    if is_open:
                        table["Y"] = np.where(table["Y"] == 2, np.nan, table["Y"])
                    found = ld.bounds(graph, table, query, seed=k, missing="any" if is_open else None)
                except ld.LatentdoError as error:
                    print(name, n, k, error, flush=True)
                    continue
                low, high = found.interval(0.9)
                held.append((low <= truth.lower + 1e-9, high >= truth.upper - 1e-9))
                wider.append((high - low) - truth.width)
                broken += bool(found.violated)
                contradicted += found.p is not None and found.p < 0.01
            both = np.array(held)
            share = both.all(axis=1).mean()
            print(
                f"{name:28s} n={n:5d} bounds {truth.lower:.3f} {truth.upper:.3f}  both ends {share:.3f} "
                f"(se {np.sqrt(share * (1 - share) / len(both)):.3f}), lower {both[:, 0].mean():.3f}, upper "
                f"{both[:, 1].mean():.3f}; wider by {np.median(wider):.3f}; breaks the inequality {broken}, told {contradicted}",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:])
