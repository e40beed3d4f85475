"""Numbers in another unit: a column times k changes an estimate by k, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.estimators import Options, estimates
from latentdo.graphs import parse_graph
from latentdo.query import Query

N = 200


def _napkin() -> tuple[str, dict[str, np.ndarray]]:
    u, v, *noise = np.random.default_rng(1).normal(size=(6, N))
    w = u + v + 0.7 * noise[0]
    z = 0.8 * w + noise[1]
    x = 0.7 * z + u + noise[2]
    return "W -> Z -> X -> Y; W <-> X; W <-> Y", {"W": w, "Z": z, "X": x, "Y": x + v + noise[3]}


def _back_door() -> tuple[str, dict[str, np.ndarray]]:
    c, a, b = np.random.default_rng(2).normal(size=(3, N))
    x = c + a
    return "C -> X -> Y; C -> Y", {"C": c, "X": x, "Y": x + c + b}


def _front_door() -> tuple[str, dict[str, np.ndarray]]:
    u, a, b, c = np.random.default_rng(3).normal(size=(4, N))
    x = u + a
    m = x + b
    return "X -> M -> Y; X <-> Y", {"X": x, "M": m, "Y": m + u + c}


def _napkin_of_levels() -> tuple[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(4)
    u = (rng.random(N) < 0.5) * 1.0
    w = (rng.random(N) < 0.3 + 0.4 * u) * 1.0
    z = (rng.random(N) < 0.3 + 0.4 * w) * 1.0
    x = (rng.random(N) < 0.2 + 0.3 * z + 0.3 * u) * 1.0
    return "W -> Z -> X -> Y; W <-> X; W <-> Y", {"W": w, "Z": z, "X": x, "Y": x + u + rng.normal(size=N)}


@pytest.mark.parametrize("make", [_napkin, _back_door, _front_door, _napkin_of_levels])
@pytest.mark.parametrize("k", [1e-12, 1e12, 1e14])
def test_a_unit_changes_nothing_but_the_unit(make, k: float) -> None:
    text, columns = make()
    graph = parse_graph(text)
    options = Options(replicates=20)
    plain = estimates(graph, columns, Query.parse("E[Y | do(X=1)]"), options=options)
    for name, values in columns.items():
        if len(np.unique(values)) == 2:
            continue
        query = Query.parse(f"E[Y | do(X={k if name == 'X' else 1.0!r})]")
        found = estimates(graph, {**columns, name: k * values}, query, options=options)
        unit = k if name == "Y" else 1.0
        for one, other in zip(plain, found, strict=True):
            assert (one.estimate is None) == (other.estimate is None)
            for field in ("estimate", "sd", "lower", "upper"):
                if (expected := getattr(one, field)) is not None:
                    assert getattr(other, field) / unit == pytest.approx(expected, rel=1e-9, abs=1e-9)
