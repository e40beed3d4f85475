"""Cautions where what is set is all but fixed by what it has to be told from."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.special import expit

from latentdo.estimators import Options, estimates
from latentdo.graphs import parse_graph
from latentdo.query import Query

N = 800
BASELINES = ("naive mean", "naive regression")
BACK_DOOR = "Z -> X -> Y; Z -> Y"
FRONT_DOOR = "X -> M -> Y; X <-> Y"


def said(text: str, rows: dict[str, np.ndarray], query: str = "E[Y | do(X=1)]") -> dict[str, str]:
    found = estimates(parse_graph(text), rows, Query.parse(query), options=Options(replicates=0))
    return {row.method: " ".join(row.cautions) for row in found if row.applies}


def noises(k: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(k, N))


def back_door(kind: str) -> dict[str, np.ndarray]:
    z, a, b = noises(3)
    x = {
        "step": (z > 0) * 1.0,
        "line": 2 * z + 1,
        "nearly": 2 * z + 1 + 0.01 * a,
        "free": z + a,
        "coin": (a < 0.5 * z) * 1.0,
        "square": z**2,
    }[kind]
    return {"Z": z, "X": x, "Y": x + z + b}


def front_door(kind: str) -> dict[str, np.ndarray]:
    u, a, b, c = noises(4)
    x = u + a
    coin = (np.random.default_rng(6).random(N) < expit(u)) * 1.0
    x, m = {
        "line": (x, 2 * x + 1),
        "free": (x, x + b),
        "copy": (coin, coin),
        "coin": (coin, (np.random.default_rng(7).random(N) < 0.2 + 0.5 * coin) * 1.0),
    }[kind]
    return {"X": x, "M": m, "Y": m + u + c}


@pytest.mark.parametrize(
    ("text", "rows", "sentence"),
    [
        (BACK_DOOR, back_door("step"), "what is set has a probability below 0.01: the data hardly say"),
        (BACK_DOOR, back_door("line"), "X is fixed by Z: what X does cannot be told from what Z does."),
        (BACK_DOOR, back_door("square"), "X is all but fixed by Z|X is fixed by Z"),
        (BACK_DOOR, back_door("nearly"), "X is all but fixed by Z: what X does cannot be told"),
        (FRONT_DOOR, front_door("line"), "M is fixed by X: what M does cannot be told from what X does."),
        (
            FRONT_DOOR,
            front_door("copy"),
            f"for {N} of {N} rows M has, under another value of X, a probability below 0.01",
        ),
    ],
    ids=["step", "line", "square", "nearly", "mediator", "mediator of levels"],
)
def test_every_method_says_that_there_is_no_overlap(text, rows, sentence):
    found = said(text, rows)
    assert len(found) > 8
    for method, cautions in found.items():
        assert (re.search(sentence, cautions) is None) == (method in BASELINES), (method, cautions)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (BACK_DOOR, back_door("free")),
        (BACK_DOOR, back_door("coin")),
        (FRONT_DOOR, front_door("free")),
        (FRONT_DOOR, front_door("coin")),
        ("X -> M; M -> Y", front_door("line")),
    ],
    ids=["free", "coin", "mediator", "mediator of levels", "nothing to tell from"],
)
def test_nothing_is_said_where_rows_overlap(text, rows):
    for cautions in said(text, rows).values():
        assert "fixed" not in cautions and "probability below" not in cautions


KERNELS = {"naive mean", "ipw", "aipw", "tmle", "apipw", "pipw", "nested ipw", "nested aipw", "dml-id"}


@pytest.mark.parametrize(("value", "near"), [(30.0, False), (9.0, False), (1.5, True)])
def test_a_kernel_far_from_all_rows_gives_no_number(value, near):
    rows = back_door("free")
    found = estimates(
        parse_graph(BACK_DOOR), rows, Query.parse(f"E[Y | do(X={value})]"), options=Options(replicates=20)
    )
    given = {row.method for row in found if row.estimate is not None}
    silent = {row.method: row.note for row in found if row.estimate is None and "no row lies near" in row.note}
    assert (given if near else silent.keys()) >= KERNELS
    assert {"plug-in", "g-formula", "naive regression"} <= given
    assert all(f"no row lies near X={value:g}, the nearest has" in note for note in silent.values())
    assert not (near and silent)
