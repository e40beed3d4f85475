"""What a question says of the columns: levels, names, events that no row has; and terms with columns of their own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import softmax

from latentdo.errors import SupportError
from latentdo.estimators import Aipw, GFormula, Ipw, NaiveRegression, Options, PlugIn, Task, estimates
from latentdo.estimators.sample import sample_of
from latentdo.estimators.task import task_of
from latentdo.graphs import parse_graph
from latentdo.query import Query
from latentdo.tables import Dataset

CHAIN = parse_graph("X -> Y -> W")
NO_INTERVAL = Options(replicates=0)


def _chain(repeated: int = 200) -> dict[str, np.ndarray]:
    """P(Y = X) = P(Y = X + 1) = 1/2 and P(W = 1 | Y) = 0.2 + 0.3 Y, in whole numbers of rows."""
    rows = [
        (x, x + step, w)
        for x in (0, 1)
        for step in (0, 1)
        for w, count in ((1, 2 + 3 * (x + step)), (0, 8 - 3 * (x + step)))
        for _ in range(count * repeated)
    ]
    return {name: np.array(values, dtype=float) for name, values in zip("XYW", zip(*rows, strict=True), strict=True)}


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("P(Y=2 | do(X=1)) - P(Y=2 | do(X=1), W=1)", 1 / 2 - 8 / 13),
        ("P(Y=2 | do(X=1), W=1) - P(Y=2 | do(X=1))", 8 / 13 - 1 / 2),
        ("P(Y=1 | do(X=1)) / P(Y=1 | do(X=1), W=1)", (1 / 2) / (5 / 13)),
        ("E[Y | do(X=1)] - P(Y=2 | do(X=1))", 1.0),
    ],
)
def test_terms_share_fits_only_where_their_columns_are_the_same(text, truth):
    (row,) = estimates(CHAIN, _chain(), Query.parse(text), methods=[PlugIn()], options=NO_INTERVAL)
    assert row.estimate == pytest.approx(truth, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("E[Y | do(X=1), W=5]", "No row has W = 5. Its values are: 0, 1."),
        ("E[Y | X=7]", "No row has X = 7. Its values are: 0, 1."),
        ("P(Y=7 | do(X=1))", "No row has Y = 7. Its values are: 0, 1, 2."),
        ("P(Y=2, W=4 | do(X=1))", "No row has W = 4."),
        ("E[Y | do(X=1), W>5]", "No row has W > 5: the column W goes from 0 to 1."),
        ("E[W | do(X=1), Y>0, Y<1]", "No row has Y > 0, Y < 1: the column Y goes from 0 to 2."),
        ("P(Y>0, W>3 | do(X=1))", "No row has W > 3"),
        ("P(Y<red | do(X=1))", "'red' is a name. Give a number."),
    ],
)
def test_what_no_row_has_is_refused(text, said):
    with warnings.catch_warnings(), pytest.raises(SupportError) as problem:
        warnings.simplefilter("error")
        estimates(CHAIN, _chain(10), Query.parse(text), methods=[PlugIn()], options=NO_INTERVAL)
    assert said in str(problem.value)


def test_names_have_no_order():
    columns = _chain(10)
    table = Dataset(tuple(columns.items()), np.ones(400), levels=(("W", ("low", "high")),))
    for text in ("P(W<low | do(X=1))", "E[Y | do(X=1), W>high]", "P(Y=2, W>=low | do(X=1))"):
        with pytest.raises(SupportError, match=r"\(low, high\), which have no order.*Ask for P\(W = high\)"):
            estimates(CHAIN, table, Query.parse(text), methods=[PlugIn()], options=NO_INTERVAL)
    (row,) = estimates(CHAIN, table, Query.parse("P(W=high | do(X=1))"), methods=[PlugIn()], options=NO_INTERVAL)
    assert row.estimate == pytest.approx(0.65, abs=1e-3)


def test_a_value_of_a_continuous_column_is_no_event_but_may_be_given():
    rng = np.random.default_rng(0)
    columns = {**_chain(10), "W": rng.normal(size=400)}
    with pytest.raises(SupportError, match=r"W is continuous, so that W = 0.5 has probability zero"):
        estimates(CHAIN, columns, Query.parse("P(Y=2, W=0.5 | do(X=1))"), methods=[PlugIn()], options=NO_INTERVAL)
    task = task_of(CHAIN, Query.parse("P(Y=2 | do(X=1), W=0.5)").term, sample_of(columns, "XYW"))
    assert isinstance(task, Task) and not task.event


def _arms(n: int, seed: int) -> dict[str, np.ndarray]:
    """Z -> X, Z -> G, X -> G with three levels of G, multinomial logistic in Z and X."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = 0.7 * z + rng.normal(size=n)
    return {"Z": z, "X": x, "G": (rng.random(n)[:, None] > _chances(x, z).cumsum(axis=1)).sum(axis=1) * 1.0}


def _chances(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    return softmax(np.stack([0 * z, 0.5 + 0.6 * z + x, -0.8 + 1.2 * z + 2 * x], axis=-1), axis=-1)


def test_the_levels_of_a_law_sum_to_one_and_are_those_of_the_law():
    graph = parse_graph("Z -> X; Z -> G; X -> G")
    methods = [GFormula(), PlugIn(), NaiveRegression(), Ipw(), Aipw()]
    found = np.array(
        [
            [row.estimate for row in estimates(graph, _arms(8000, 1), query, methods=methods, options=NO_INTERVAL)]
            for query in (Query.parse(f"P(G={level} | do(X=1))") for level in range(3))
        ]
    )
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-9)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    truth = weights @ _chances(np.ones(40), nodes) / weights.sum()
    for column in (0, 1):
        np.testing.assert_allclose(found[:, column], truth, atol=0.012)
    (row,) = estimates(
        graph, _arms(8000, 1), Query.parse("P(G>=1 | do(X=1))"), methods=[GFormula()], options=NO_INTERVAL
    )
    assert row.estimate == pytest.approx(found[1:, 0].sum(), abs=1e-9)


def test_parts_of_the_rows_keep_the_whole_column_of_an_event():
    task = task_of(CHAIN, Query.parse("P(Y=2 | do(X=1))").term, sample_of(_chain(10), "XYW"))
    assert isinstance(task, Task)
    rows = np.arange(0, 400, 7)
    part = task.sample.part(rows)["Y"]
    assert part.whole is not None and ((part.whole.values == 2) == (part.values == 1)).all()
