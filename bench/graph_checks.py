"""How often the check of a graph errs, and what it sees: family-wise size at 5 %, power at 1 %, and silent errors.

Run `python bench/graph_checks.py size power silent --tables 400`; `--cells chain/normal verma/binary` picks some. Each cell draws
tables of 100, 300 and 1,000 rows from a right graph, and from one with an edge (.3, in sd of the outcome or twice that on the
logit scale) that the graph leaves out; right graphs are counted as rejected where any constraint fails at 5 % after Holm.

Measured with today's tests, 300 tables a cell. Power at 1 % of the check of a chain of normal columns: .16 of 100 rows; of its
first tests alone, which others look at again where they reject, .80 of 300 rows, and .50 where spreads are unequal. One t test
that knows that all is linear has .16 and .82 at a fifth of 1 %, which is what Holm leaves of five. Of the Verma constraint
alone at .5 %, beside the delta method on least squares, which knows the same:

    edge   rows    test   delta method   as before
    .3     300     .53             .56         .25
    .6     100     .59             .70         .15

Size at 5 % of the whole check, at 100, 300 and 1,000 rows (the standard error of 5 % is .013):

    chain/normal      .037  .037  .040        verma/normal      .057  .057  .050
    chain/binary      .030  .013  .047        verma/mixed       .033  .050  .037
    chain/mixed       .057  .040  .053        verma/curved      .067  .040  .047
    chain/threshold   .070  .040  .027

Before that, rates at 100, 300 and 1,000 rows (400 tables a cell of size, of the chain but binary 200; 60 of power):

    cell              size at 5 %         power at 1 %
    chain/normal      .018  .022  .035    .12   .75   1
    chain/binary      .028  .018  .040    .18   .78   1
    chain/mixed       .035  .030  .045    .08   .72   1
    chain/curved      .010  .045  .040    .02   .40   1
    chain/threshold   .040  .030  .020    .07   .72   1
    chain/unequal     .020  .035  .045    .03   .38   1
    verma/normal      .022  .037  .035    0     .20   .97
    verma/binary      .040  .050  .045    .25   .82   1
    verma/mixed       .025  .040  .030    .12   .68   1
    verma/curved      .022  .018  .040    0     .33   .98
    verma/unequal     .018  .028  .028    0     .15   .90
    instrument        0     0     0       .99   1     1     (Y is Z in nine units of ten)

Of 60 tables of 500 rows each: an edge left out of a chain, and one that leaves a Verma constraint, are contradicted in all; an
edge left out of a front door, and a hidden cause in the wrong place, never, and all say that nothing could contradict them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import latentdo as ld
from latentdo.criticism import graph_rows
from latentdo.tables import Dataset

Columns = Mapping[str, Any]
SIZES = (100, 300, 1000)
CHAIN = "A -> B -> C -> Y; A -> D -> Y"
VERMA = "W -> X -> M -> Y; X <-> Y"
INSTRUMENT = "Z -> X -> Y; X <-> Y"


def coin(rng: np.random.Generator, logit: Any) -> Any:
    """Zeros and ones."""
    return (rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)


def chain(kind: str, rng: np.random.Generator, n: int, edge: float) -> Columns:
    """A -> B -> C -> Y; A -> D -> Y, and A -> Y with this weight."""

    def noise() -> Any:
        return rng.normal(size=n)

    match kind:
        case "normal":
            a = noise()
            b, d = 0.7 * a + noise(), 0.7 * a + noise()
            c = 0.7 * b + noise()
            y = 0.7 * c + 0.7 * d + edge * a + noise()
        case "binary":
            a = coin(rng, 0 * noise())
            b, d = coin(rng, 2 * a - 1), coin(rng, 2 * a - 1)
            c = coin(rng, 2 * b - 1)
            y = coin(rng, 1.5 * c + 1.5 * d - 1.5 + 2 * edge * 2 * (a - 0.5))
        case "mixed":
            a = noise()
            b = coin(rng, 1.5 * a)
            d = np.digitize(a + noise(), [-1.0, 0.0, 1.0]).astype(float)
            c = rng.gamma(2.0, np.exp(0.7 * b))
            y = 0.4 * c + 0.5 * (d == 2) - 0.5 * (d == 1) + edge * a + noise()
            d = np.array(["low", "mid", "high", "top"])[d.astype(int)]
        case "curved":
            a = noise()
            b, d = a + 0.5 * a**2 + noise(), np.exp(0.6 * a) + 0.7 * noise()
            c = np.tanh(b) + 0.7 * noise()
            y = c**2 + np.log(0.3 + np.abs(d)) + edge * a + noise()
        case "threshold":
            a = noise()
            b, d = 2.0 * (a > 0.3) + noise(), 2.0 * (a > 0.3) + noise()
            c = 2.0 * (b > 1) + noise()
            y = c + 1.5 * (d > 1) + edge * a + noise()
        case "unequal":
            a = noise()
            b, d = 0.7 * a + np.exp(0.5 * a) * noise(), 0.7 * a + np.exp(0.5 * a) * noise()
            c = 0.7 * b + (0.5 + np.abs(b) / 2) * noise()
            y = 0.7 * c + 0.7 * d + edge * a + (0.5 + np.abs(d) / 2) * noise()
        case _:
            raise AssertionError(kind)
    return {"A": a, "B": b, "C": c, "D": d, "Y": y}


def verma(kind: str, rng: np.random.Generator, n: int, edge: float) -> Columns:
    """W -> X -> M -> Y; X <-> Y, and W -> Y with this weight."""

    def noise() -> Any:
        return rng.normal(size=n)

    u, w = noise(), noise()
    x, m = w + u + noise(), noise()
    match kind:
        case "normal":
            m = 0.8 * x + noise()
            y = 0.8 * m + u + edge * w + noise()
        case "binary":
            u, w = coin(rng, 0 * u), coin(rng, 0 * u)
            x = coin(rng, 1.5 * (w + u) - 1.5)
            m = coin(rng, 2 * x - 1)
            y = coin(rng, 1.5 * (m + u) - 1.5 + 2 * edge * 2 * (w - 0.5))
        case "mixed":
            w = coin(rng, 0 * u)
            x = w + u + noise()
            m = coin(rng, 1.5 * x)
            y = m + u + 2 * edge * w + noise()
        case "curved":
            x = 0.7 * w**2 + w + u + noise()
            m = np.tanh(x) + 0.7 * noise()
            y = m + 0.5 * m**2 + u + edge * w + noise()
        case "unequal":
            m = 0.8 * x + np.exp(0.3 * np.clip(x, -3, 3)) * noise()
            y = 0.8 * m + u + edge * w + np.exp(0.3 * np.clip(m, -3, 3)) * noise()
        case _:
            raise AssertionError(kind)
    return {"W": w, "X": x, "M": m, "Y": y}


def instrument(_: str, rng: np.random.Generator, n: int, edge: float) -> Columns:
    """Z -> X -> Y; X <-> Y, all of two levels, and Z -> Y: of three in ten units, times ten thirds of the edge, Y is Z."""
    u, z = coin(rng, np.zeros(n)), coin(rng, np.zeros(n))
    x = coin(rng, 0.5 * z + 1.5 * u + 0.5)
    y = coin(rng, 1.5 * x + 1.5 * u - 1.5)
    return {"Z": z, "X": x, "Y": np.where(rng.random(n) < 3 * edge, z, y)}


CELLS: Mapping[str, tuple[str, Callable[..., Columns], tuple[str, ...]]] = {
    "chain": (CHAIN, chain, ("normal", "binary", "mixed", "curved", "threshold", "unequal")),
    "verma": (VERMA, verma, ("normal", "binary", "mixed", "curved", "unequal")),
    "instrument": (INSTRUMENT, instrument, ("binary",)),
}


def dataset(columns: Columns) -> Dataset:
    """The table; names are levels."""
    levels = {name: np.unique(values) for name, values in columns.items() if np.asarray(values).dtype.kind == "U"}
    numbers = {
        name: np.searchsorted(levels[name], values) if name in levels else values for name, values in columns.items()
    }
    made = Dataset.of(numbers)
    return Dataset(
        made.columns, made.weights, levels=tuple((name, tuple(map(str, each))) for name, each in levels.items())
    )


def smallest(graph: Any, columns: Columns) -> float:
    """The smallest p value after Holm's correction."""
    return min((row.adjusted for row in graph_rows(graph, dataset(columns)) if row.adjusted is not None), default=1.0)


def share(hits: list[bool]) -> str:
    """A rate with its standard error."""
    rate = float(np.mean(hits))
    return f"{rate:.3f} ± {np.sqrt(max(rate * (1 - rate), 0.25 / len(hits)) / len(hits)):.3f}"


def sizes_and_powers(what: str, wanted: list[str], tables: int) -> None:
    """Rates of the cells, a line each."""
    level, edge = (0.05, 0.0) if what == "size" else (0.01, 0.3)
    print(f"{what} at {level:g}".ljust(24), *(f"n = {n}".ljust(15) for n in SIZES))
    for name, (text, simulate, kinds) in CELLS.items():
        graph = ld.graph(text)
        for kind in kinds:
            if wanted and f"{name}/{kind}" not in wanted:
                continue
            rates = []
            for n in SIZES:
                rng = np.random.default_rng([n, len(what), *map(ord, kind)])
                rates.append(share([smallest(graph, simulate(kind, rng, n, edge)) < level for _ in range(tables)]))
            print(f"{name}/{kind}".ljust(24), *(rate.ljust(15) for rate in rates), flush=True)


def silent(tables: int) -> None:
    """Errors that nothing warned of: how often the check says that 500 rows contradict the graph, or that none could."""
    cases: dict[str, tuple[str, Callable[[np.random.Generator], Columns]]] = {}

    def case(name: str, graph: str) -> Callable[[Callable[..., Columns]], None]:
        return lambda simulate: cases.__setitem__(name, (graph, simulate))

    @case("A -> Y left out of A -> B -> C -> Y", "A -> B -> C -> Y")
    def _(rng: np.random.Generator) -> Columns:
        a, b, c, y = rng.normal(size=(4, 500))
        b += 0.8 * a
        c += 0.8 * b
        return {"A": a, "B": b, "C": c, "Y": y + 0.8 * c + 0.8 * a}

    @case("W -> Y left out of W -> X -> M -> Y, X <-> Y", VERMA)
    def _(rng: np.random.Generator) -> Columns:
        return verma("normal", rng, 500, 0.8)

    @case("X -> Y left out of a front door", "X -> M -> Y; X <-> Y")
    def _(rng: np.random.Generator) -> Columns:
        x, m, y, u = rng.normal(size=(4, 500))
        x += u
        m += 1.2 * x
        return {"X": x, "M": m, "Y": y + 1.2 * m + u + x}

    @case("confounder on M and Y, not on X and Y", "X -> M -> Y; X <-> Y")
    def _(rng: np.random.Generator) -> Columns:
        x, m, y, u = rng.normal(size=(4, 500))
        m += 1.2 * x + u
        return {"X": x, "M": m, "Y": y + 1.2 * m + u}

    print("silent, 500 rows".ljust(48), "contradicted".ljust(17), "nothing could contradict")
    for name, (text, simulate) in cases.items():
        rng = np.random.default_rng(1)
        checks = [ld.check(ld.graph(text), simulate(rng)) for _ in range(tables)]
        said = [not check.is_testable for check in checks]
        print(name.ljust(48), share([check.word.is_alarm for check in checks]).ljust(17), share(said), flush=True)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="+", choices=("size", "power", "silent"))
    parser.add_argument("--tables", type=int, default=400)
    parser.add_argument("--cells", nargs="*", default=[])
    chosen = parser.parse_args()
    for what in chosen.what:
        if what == "silent":
            silent(chosen.tables)
        else:
            sizes_and_powers(what, chosen.cells, chosen.tables)


if __name__ == "__main__":
    main()
