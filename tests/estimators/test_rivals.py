"""All methods on one question: rows, reasons, intervals; the napkin and a Gaussian front door against their truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import latentdo as ld
import oracles
from latentdo.errors import QueryError, SupportError
from latentdo.estimators import (
    Aipw,
    Apipw,
    Boosted,
    Dipw,
    DmlId,
    GFormula,
    Glm,
    Ipw,
    Models,
    NestedAipw,
    NestedIpw,
    Options,
    Pipw,
    PlugIn,
    Result,
    WermId,
    estimates,
)
from latentdo.graphs import parse_graph
from latentdo.query import Query
from latentdo.tables import Dataset

NAPKIN = parse_graph("W -> R -> X -> Y; W <-> X; W <-> Y")
FRONT_DOOR = parse_graph("C -> T; C -> M; C -> Y; T -> M -> Y; T <-> Y")
CONTRAST = Query.parse("E[Y | do(T=1)] - E[Y | do(T=0)]")
QUICK = Options(replicates=20)


def napkin(n: int, seed: int) -> dict[str, np.ndarray]:
    """Binary rows of the napkin whose E[Y | do(X=x)] is the mean of two logistic values."""
    rng = np.random.default_rng(seed)

    def coin(p: np.ndarray | float) -> np.ndarray:
        return (rng.random(n) < p).astype(float)

    u, v = coin(0.5), coin(0.5)
    w = coin(expit(-1.5 + 2 * u + 2 * v))
    r = coin(expit(-1 + 2 * w))
    x = coin(expit(-2 + 2 * r + 2 * u))
    return {"W": w, "R": r, "X": x, "Y": coin(expit(-1.5 + x + 2.5 * v))}


def napkin_truth(x: int) -> float:
    return float((expit(-1.5 + x) + expit(1 + x)) / 2)


def front_door(n: int, seed: int) -> dict[str, np.ndarray]:
    """Rows with binary T and M, a measured and a hidden cause of T and Y; the effect of T is 0.621."""
    rng = np.random.default_rng(seed)
    c, u = rng.normal(size=(2, n))
    t = (rng.random(n) < expit(0.5 * c + u)).astype(float)
    m = (rng.random(n) < expit(-1 + 2 * t + 0.8 * c)).astype(float)
    return {"C": c, "T": t, "M": m, "Y": 1 + 1.5 * m + 0.7 * c + 1.2 * u + rng.normal(size=n)}


FRONT_DOOR_TRUTH = 0.621


@pytest.mark.parametrize("x", [0, 1])
def test_the_napkin_is_right_for_every_method_that_applies(x):
    methods = [NestedIpw(), NestedAipw(), WermId(), DmlId(), PlugIn()]
    query = Query.parse(f"E[Y | do(X={x})]")
    for row in estimates(NAPKIN, napkin(300_000, 1), query, methods=methods, options=Options(replicates=0)):
        assert abs(row.estimate - napkin_truth(x)) < 0.005, row
    assert "averaged over {R}" in row.note
    assert "over the values of R the estimate has the standard deviation 0.00" in row.note
    assert "for any R" in row.note


def test_every_method_has_a_row_and_the_others_say_why():
    rows = {row.method: row for row in estimates(FRONT_DOOR, front_door(400, 0), CONTRAST, options=QUICK)}
    assert list(rows) == [
        *("naive mean", "naive regression", "plug-in", "g-formula", "ipw", "aipw", "tmle", "pipw", "dipw", "apipw"),
        *("nested ipw", "nested aipw", "werm-id", "dml-id"),
    ]
    for name in ("g-formula", "ipw", "aipw", "tmle"):
        assert not rows[name].applies and rows[name].estimate is None and "no adjustment set" in rows[name].note
    for name in ("naive mean", "apipw", "dml-id"):
        assert rows[name].interval == "influence function"
    for name in ("naive regression", "pipw", "dipw", "nested ipw", "nested aipw", "werm-id", "plug-in"):
        assert rows[name].interval == "bootstrap" and rows[name].lower < rows[name].estimate < rows[name].upper
    assert rows["apipw"].sets == {"C": ("C",), "L": ("T", "Y"), "M": ("M",)}
    assert rows["apipw"].summary.estimate == rows["apipw"].estimate
    assert rows["dml-id"].estimate == rows["apipw"].estimate


def test_the_same_seed_gives_the_same_rows():
    first, again, other = (
        estimates(FRONT_DOOR, front_door(200, 0), CONTRAST, methods=[Pipw(), Apipw()], options=QUICK, seed=seed)
        for seed in (3, 3, 4)
    )
    assert [(row.estimate, row.lower, row.upper) for row in first] == [
        (row.estimate, row.lower, row.upper) for row in again
    ]
    assert first[0].lower != other[0].lower


def test_row_weights_are_repeated_rows():
    columns = napkin(500, 2)
    weighted = Dataset.of(columns).collapsed(columns)
    query = Query.parse("P(Y=1 | do(X=1))")
    methods = [PlugIn(), WermId()]
    one, two = (
        estimates(NAPKIN, data, query, methods=methods, options=Options(replicates=0)) for data in (columns, weighted)
    )
    assert [row.estimate for row in one] == pytest.approx([row.estimate for row in two])


def test_a_ratio_has_its_interval_by_the_delta_method():
    columns = napkin(2000, 3)
    ratio = Query.parse("P(Y=1 | do(X=1)) / P(Y=1 | do(X=0))")
    (row,) = estimates(NAPKIN, columns, ratio, methods=[DmlId()])
    high, low = (estimates(NAPKIN, columns, Query.parse(f"E[Y | do(X={x})]"), methods=[DmlId()])[0] for x in (1, 0))
    assert row.estimate == pytest.approx(high.estimate / low.estimate)
    # Different rows carry the two, so that their errors hardly depend on each other.
    assert row.sd / row.estimate == pytest.approx(np.hypot(high.sd / high.estimate, low.sd / low.estimate), rel=0.3)


def test_the_gaussian_front_door_has_its_closed_form():
    rng = np.random.default_rng(5)
    u, a, b, c = rng.normal(size=(4, 20_000))
    t = u + a
    m = 0.8 * t + b
    columns = {"T": t, "M": m, "Y": 1.5 * m + 1.2 * u + c}
    graph = parse_graph("T -> M -> Y; T <-> Y")
    for value, tolerance in ((0, 0.06), (1, 0.08)):
        query = Query.parse(f"E[Y | do(T={value})]")
        for row in estimates(
            graph, columns, query, methods=[PlugIn(), Apipw(), Dipw(), Pipw()], options=Options(replicates=0)
        ):
            assert row.estimate == pytest.approx(1.2 * value, abs=tolerance), row


def test_conditions_and_joint_events_are_left_to_the_formula():
    rng = np.random.default_rng(6)
    z, noise = rng.normal(size=(2, 5000))
    x = (rng.random(5000) < expit(z)) * 1.0
    columns = {"Z": z, "X": x, "Y": x + z + noise}
    graph = parse_graph("Z -> X -> Y; Z -> Y")
    for text, truth in (
        ("E[Y | do(X=1), Z=1]", 2.0),
        ("E[Y | do(X=1), Z > 0]", 1 + np.sqrt(2 / np.pi)),
        ("P(Y > 1, Z > 0 | do(X=1))", 3 / 8),
        ("P(Y > 1 | do(X=1))", 1 / 2),
    ):
        rows = {row.method: row for row in estimates(graph, columns, Query.parse(text), options=Options(replicates=0))}
        assert rows["plug-in"].estimate == pytest.approx(truth, abs=0.05), text
        assert rows["aipw"].applies == (text == "P(Y > 1 | do(X=1))")


def test_treatments_over_time_are_a_sequential_g_formula():
    rng = np.random.default_rng(7)
    first, u, e, f = rng.normal(size=(4, 20_000))
    a = (rng.random(20_000) < expit(first)) * 1.0
    second = first + a + u + e
    b = (rng.random(20_000) < expit(second - 0.5)) * 1.0
    columns = {"L": first, "A": a, "K": second, "B": b, "Y": a + 2 * b + second + u + f}
    graph = parse_graph("L -> A; L -> K; A -> K; K -> B; K -> Y; A -> Y; B -> Y; K <-> Y")
    query = Query.parse("E[Y | do(A=1, B=1)] - E[Y | do(A=0, B=0)]")
    rows = {row.method: row for row in estimates(graph, columns, query, options=Options(replicates=0))}
    assert rows["plug-in"].estimate == pytest.approx(4, abs=0.15)
    assert rows["g-formula"].estimate == rows["plug-in"].estimate
    assert "sequential" in rows["g-formula"].note
    assert rows["apipw"].note == "it takes one treatment."


def test_replicates_of_a_part_of_the_rows_are_as_wide_as_those_of_all(monkeypatch):
    columns = front_door(4000, 12)
    methods = [PlugIn(), Dipw()]
    whole = estimates(FRONT_DOOR, columns, CONTRAST, methods=methods)
    monkeypatch.setattr("latentdo.estimators.rivals.MOST_BOOTSTRAPPED", 1000)
    part = estimates(FRONT_DOOR, columns, CONTRAST, methods=methods)
    for row, other in zip(whole, part, strict=True):
        assert row.estimate == other.estimate
        assert row.sd == pytest.approx(other.sd, rel=0.25)
        assert other.lower < other.estimate < other.upper


def test_columns_of_names_are_levels_and_columns_that_do_not_matter_are_not_read():
    rng = np.random.default_rng(9)
    z = rng.normal(size=800)
    k = np.clip(np.digitize(z + rng.normal(size=800), [-0.7, 0.7]), 0, 2).astype(float)
    data = Dataset(
        (("Z", z), ("K", k), ("Y", z + k + rng.normal(size=800))),
        np.ones(800),
        levels=(("K", ("low", "mid", "high", "top")),),
    )
    graph = parse_graph("Z -> K -> Y; Z -> Y; Y -> After")
    query = Query.parse("E[Y | do(K=high)] - E[Y | do(K=low)]")
    for row in estimates(graph, data, query, options=QUICK)[2:]:
        assert row.estimate == pytest.approx(2, abs=5 * row.sd), row
    with pytest.raises(SupportError, match=r"No row has K = top. Its values are: low, mid, high."):
        estimates(graph, data, Query.parse("E[Y | do(K=top)]"))
    with pytest.raises(SupportError, match=r"K has no level 7. Its levels are: low, mid, high, top."):
        estimates(graph, data, Query.parse("E[Y | do(K=7)]"))
    with pytest.raises(QueryError, match=r"The levels of 'K' are names"):
        estimates(graph, data, Query.parse("E[K | do(Y=1)]"))


def test_what_is_not_identified_has_no_estimate():
    columns = {"X": np.arange(40) % 2.0, "Y": np.arange(40) % 7.0}
    for row in estimates(parse_graph("X -> Y; X <-> Y"), columns, Query.parse("E[Y | do(X=1)]")):
        assert row.estimate is None and row.note.startswith("not identified: no method is right.")


def test_a_value_that_few_rows_have_is_said():
    rng = np.random.default_rng(8)
    x = np.r_[np.zeros(95), np.ones(5)]
    rows = estimates(
        parse_graph("X -> Y"), {"X": x, "Y": x + rng.normal(size=100)}, Query.parse("E[Y | do(X=1)]"), options=QUICK
    )
    for row in rows:
        assert "5 rows have X=1: the answer rests on so few." in row.cautions
    x = rng.normal(size=200)
    data = {"X": x, "Y": x + rng.normal(size=200)}
    for row in estimates(parse_graph("X -> Y"), data, Query.parse("E[Y | do(X=4)]"), options=QUICK):
        if row.estimate is None:
            assert row.note.startswith("no number: no row lies near X=4")
            continue
        assert any("X=4 lies outside the middle 98 % of its column" in caution for caution in row.cautions)


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        ("Var[Y | do(T=1)]", QueryError, "Estimators give means and probabilities"),
        ("E[Y | do(T)]", QueryError, "leaves T without a value"),
        ("E[Y | do(T ~ bernoulli(0.5))]", QueryError, "draws a treatment from a law"),
        ("E[Y | do(T=0.5)]", SupportError, r"No row has T = 0.5. Its values are: 0, 1."),
        ("E[Y | do(T=high)]", SupportError, "T is a column of numbers, and 'high' is a name"),
        ("P(Y=1 | do(T=1))", SupportError, "Y is continuous, so that Y = 1 has probability zero"),
        ("P(Y > 900 | do(T=1))", SupportError, "No row satisfies Y > 900"),
        ("E[Y | do(T)] for T in 0..1", QueryError, "has axes"),
    ],
)
def test_questions_that_no_estimator_answers(query, error, message):
    with pytest.raises(error, match=message):
        estimates(FRONT_DOOR, front_door(50, 0), Query.parse(query))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 90}, "The level of an interval lies between 0 and 1, got 90"),
        ({"level": "0.9"}, "got '0.9'"),
        ({"level": None}, "got None"),
        ({"level": float("nan")}, "got nan"),
        ({"replicates": -1}, "replicates is a whole number of at least 0, got -1"),
        ({"replicates": 1.5}, "got 1.5"),
        ({"replicates": 10**12}, "replicates is at most 100,000, got 1000000000000."),
        ({"folds": 10**12}, "folds is at most 10,000, got 1000000000000."),
        ({"replicates": True}, "got True"),
        ({"folds": 1}, "folds is a whole number of at least 2, got 1"),
        ({"folds": 2.5}, "got 2.5"),
        ({"adjust": [3]}, "3 is no name"),
        ({"adjust": [("Z",)]}, "is no name"),
        ({"adjust": 3}, "got 3"),
        ({"numbers": "X"}, "got 'X'"),
        ({"bandwidth": "1"}, "above 0, got '1'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(QueryError, match=message):
        Options(**options)


def test_rows_that_could_not_have_the_treatment_are_said():
    rng = np.random.default_rng(11)
    z = rng.normal(size=600)
    t = (rng.random(600) < expit(4 * z)) * 1.0
    columns = {"Z": z, "T": t, "Y": t + z + rng.normal(size=600)}
    rows = estimates(parse_graph("Z -> T -> Y; Z -> Y"), columns, Query.parse("E[Y | do(T=1)]"), options=QUICK)
    for row in rows:
        if row.method in ("ipw", "aipw", "tmle", "pipw", "apipw", "nested ipw"):
            assert any("of 600 rows what is set has a probability below 0.01" in text for text in row.cautions), row


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seen", "biases", "coverage"),
    [
        ({}, (-0.003, -0.001, -0.003, -0.002), 0.923),
        ({"M": ("T",)}, (-0.003, 0.280, 0.084, -0.003), 0.940),
        ({"T": (), "Y": ("M",)}, (0.512, -0.001, 0.371, -0.002), 0.993),
        ({"M": ("T",), "T": (), "Y": ("M",)}, (0.512, 0.280, 0.512, 0.280), 0.127),
    ],
    ids=["all right", "M wrong", "L wrong", "both wrong"],
)
def test_what_wrong_models_do(seen, biases, coverage):
    """Primal, dual, plug-in and augmented under right and wrong models: biases of an independent program."""
    options = Options(models=Models(Glm(1), seen=seen, normal=True), replicates=0, level=0.95)
    methods = [Pipw(), Dipw(), PlugIn(), Apipw()]
    found, covered = [], []
    for seed in range(300):
        rows = estimates(FRONT_DOOR, front_door(1000, 100 + seed), CONTRAST, methods=methods, options=options)
        found.append([row.estimate for row in rows])
        covered.append(rows[-1].lower < FRONT_DOOR_TRUTH < rows[-1].upper)
    assert np.mean(found, axis=0) - FRONT_DOOR_TRUTH == pytest.approx(biases, abs=0.02)
    assert np.mean(covered) == pytest.approx(coverage, abs=0.05)


@pytest.mark.slow
def test_intervals_of_the_napkin_cover():
    methods = [NestedIpw(), NestedAipw(), WermId(), DmlId(), PlugIn()]
    covered = []
    for seed in range(200):
        rows = estimates(NAPKIN, napkin(1000, seed), Query.parse("E[Y | do(X=1)]"), methods=methods, seed=seed)
        covered.append([row.lower < napkin_truth(1) < row.upper for row in rows])
    assert np.mean(covered, axis=0) == pytest.approx([0.9] * 5, abs=0.05)


def test_weights_that_are_cut_say_what_they_would_have_given():
    """A strong confounder of a continuous treatment: rows near the value have weights of very different size."""
    rng = np.random.default_rng(3)
    z, e, f = rng.normal(size=(3, 400))
    columns = {"Z": z, "T": 2 * z + e, "Y": 1 + 2 * z + e + z + f}
    graph, query = parse_graph("Z -> T -> Y; Z -> Y"), Query.parse("E[Y | do(T=2)]")
    rows = estimates(graph, columns, query, methods=[Ipw(), NestedIpw()], options=Options(replicates=0))
    whole = estimates(
        graph, columns, query, methods=[Ipw()], options=Options(replicates=0, models=Models(seen={"T": ()}))
    )
    for row in rows:
        (text,) = [
            text
            for text in row.cautions
            if "weights were cut: rows that could hardly have what is set count less" in text
        ]
        assert "; with all of their weight the estimate would be" in text
        assert float(text.split()[-1].rstrip(".")) != pytest.approx(row.estimate, abs=0.01)
    # The same without confounding in the weights: nothing is cut, and nothing said.
    assert not any("cut" in text for text in whole[0].cautions)


def test_a_continuous_trapdoor_has_its_interval_from_the_bootstrap():
    rng = np.random.default_rng(4)
    n = 400
    u, v = rng.normal(size=(2, n))
    w = 0.7 * u + 0.7 * v + rng.normal(size=n)
    r = w + rng.normal(size=n)
    x = (rng.random(n) < expit(r + u)) * 1.0
    columns = {"W": w, "R": r, "X": x, "Y": 1.5 * x + 1.5 * v + rng.normal(size=n)}
    (row,) = estimates(NAPKIN, columns, Query.parse("E[Y | do(X=1)]"), methods=[DmlId()], options=QUICK)
    assert row.interval == "bootstrap" and "R drawn from the middle of its column" in row.note
    assert abs(row.estimate - 1.5) < 4 * row.sd


def test_the_interval_of_a_probability_stays_one():
    rng = np.random.default_rng(5)
    x = np.arange(60) % 2.0
    columns = {"X": x, "Y": (rng.random(60) < 0.05 + 0.05 * x) * 1.0}
    query = Query.parse("P(Y=1 | do(X=0))")
    for row in estimates(parse_graph("X -> Y"), columns, query, options=QUICK):
        if row.applies:
            assert 0 <= row.lower <= row.estimate <= row.upper <= 1, row


@pytest.mark.parametrize(
    ("text", "names"), [("Z -> X -> Y; Z -> Y", 14), ("W -> R -> X -> Y; W <-> X; W <-> Y", 7)], ids=["plain", "napkin"]
)
def test_every_kind_of_question_is_surgery(text, names):
    """Methods by kinds of questions, against enumeration of a random model with three levels."""
    graph = parse_graph(text)
    scm = oracles.random_scm(graph, 3, 3)
    joint = scm.law()
    # As many rows of each combination as its probability asks for: no chance is left but the rounding.
    codes = np.repeat(np.arange(joint.size), np.round(joint.ravel() * 30_000).astype(int))
    parts = np.unravel_index(codes, joint.shape)
    columns = {name: part.astype(float) for name, part in zip(scm.graph.measured, parts, strict=True)}
    law = scm.answer(Query.parse("P(Y | do(X))").term)
    means = law @ np.arange(3)
    for query, truth in {
        "E[Y | do(X=1)]": means[1],
        "P(Y=2 | do(X=1))": law[1, 2],
        "P(Y > 0 | do(X=2))": law[2, 1:].sum(),
        "P(Y > 0, Y < 2 | do(X=1))": law[1, 1],
        "E[Y | do(X=2)] - E[Y | do(X=0)]": means[2] - means[0],
        "(P(Y=1 | do(X=2)) - P(Y=1 | do(X=0))) / 2": (law[2, 1] - law[0, 1]) / 2,
    }.items():
        rows = estimates(graph, columns, Query.parse(query), options=Options(replicates=0))
        known = [row for row in rows if row.applies]
        assert len(known) == names
        for row in known:
            if not row.method.startswith("naive"):
                assert row.estimate == pytest.approx(truth, abs=0.01), (query, row)


def test_a_treatment_that_its_causes_determine_is_cautioned_against():
    z = np.random.default_rng(12).normal(size=100)
    columns = {"Z": z, "T": 2 * z, "Y": z}
    rows = estimates(parse_graph("Z -> T -> Y; Z -> Y"), columns, Query.parse("E[Y | do(T=1)]"), options=QUICK)
    for row in rows:
        if row.method in ("ipw", "aipw", "tmle", "pipw", "apipw", "nested ipw"):
            assert any("what is set lies three standard deviations off" in text for text in row.cautions), row


def test_tables_that_are_small_or_odd_have_numbers_and_cautions():
    rng = np.random.default_rng(13)
    n = 50
    z = rng.normal(size=n)
    split, coin = (z > 0) * 1.0, (rng.random(n) < 0.5) * 1.0
    once = np.zeros(n)
    once[0] = 1
    noise = rng.normal(size=n)
    many = {f"Z{i}": rng.normal(size=n) for i in range(60)}
    plain, wide = "Z -> T -> Y; Z -> Y", "; ".join(f"Z{i} -> T; Z{i} -> Y" for i in range(60)) + "; T -> Y"
    cases = [
        (plain, {"Z": z, "T": split, "Y": split + z + noise}, "has a probability below"),
        (plain, {"Z": z[:15], "T": split[:15], "Y": (split + z + noise)[:15]}, "the answer rests on so few"),
        (plain, {"Z": z, "T": once, "Y": z + noise}, "1 row has T=1"),
        (wide, {**many, "T": coin, "Y": coin + noise}, "a model has 62 terms for 50 rows"),
        ("V -> T; V -> Y; " + plain, {"Z": z, "V": z.copy(), "T": coin, "Y": z + coin + noise}, ""),
    ]
    for text, columns, caution in cases:
        rows = estimates(parse_graph(text), columns, CONTRAST, options=Options(replicates=20))
        for row in rows:
            if row.applies:
                assert row.estimate is not None and np.isfinite([row.estimate, row.sd, row.lower, row.upper]).all(), row
                # With hardly a penalty AIPW said 44: a row was all but certain of its treatment, and was not treated so.
                assert text is not wide or abs(row.estimate - 1) < 1.5, row
        assert not caution or any(caution in said for row in rows for said in row.cautions), caution


def test_whole_numbers_that_are_levels_are_said_to_be():
    rng = np.random.default_rng(14)
    few, many = rng.integers(0, 5, 300) * 1.0, rng.poisson(6, 300) * 1.0
    for values, note in ((few, "T as 5 levels"), (many, "bandwidth")):
        columns = {"T": values, "Y": values + rng.normal(size=300)}
        (row,) = estimates(
            parse_graph("T -> Y"),
            columns,
            Query.parse("E[Y | do(T=3)]"),
            methods=[Ipw()],
            options=Options(replicates=0),
        )
        assert note in row.note
        assert row.estimate == pytest.approx(3, abs=0.6)


def test_few_replicates_make_no_interval():
    rows = napkin(300, 2)
    query = Query.parse("E[Y | do(X=1)]")
    (few,) = estimates(NAPKIN, rows, query, methods=[WermId()], options=Options(replicates=19))
    (enough,) = estimates(NAPKIN, rows, query, methods=[WermId()], options=Options(replicates=20))
    assert few.estimate == enough.estimate
    assert (few.sd, few.lower, few.interval) == (None, None, "")
    assert "no interval: 19 replicates, and a bootstrap needs 20 at least" in few.note
    assert enough.lower is not None and enough.interval == "bootstrap"


RATIOS = (
    "P(Y=1 | do(X=1)) / P(Y=1 | do(X=0))",
    "odds(Y=1 | do(X=1)) / odds(Y=1 | do(X=0))",
    "odds(Y=1 | do(X=1))",
    "2 * (E[Y | do(X=1)] / E[Y | do(X=0)]) / 3",
)


@pytest.mark.parametrize("text", RATIOS)
def test_ratios_that_cannot_be_negative_have_intervals_above_zero(text):
    """Where the estimate is uncertain: intervals on the log scale, as far above the estimate in factors as below."""
    rows = estimates(NAPKIN, napkin(120, 3), Query.parse(text), options=Options(replicates=40, level=0.99))
    known = [row for row in rows if row.interval]
    assert {row.interval for row in known} == {"influence function", "bootstrap"}
    for row in known:
        if row.estimate > 0:
            assert 0 < row.lower < row.estimate < row.upper and np.isfinite(row.upper), row
            assert f"interval by {row.interval} on the log scale" in row.note
        if row.estimate > 0 and row.interval == "influence function":
            assert row.lower * row.upper == pytest.approx(row.estimate**2)
    # The standard error stays that of the ratio itself.
    difference = estimates(
        NAPKIN, napkin(120, 3), Query.parse(f"{text} - 1"), options=Options(replicates=40, level=0.99)
    )
    for row, other in zip(rows, difference, strict=True):
        assert row.sd == (None if other.sd is None else pytest.approx(other.sd))
        assert "log scale" not in other.note


def test_a_ratio_of_means_that_may_be_negative_has_the_interval_of_its_own_scale():
    columns = front_door(400, 0)
    ratio = Query.parse("E[Y | do(T=1)] / E[Y | do(T=0)]")
    for row in estimates(FRONT_DOOR, columns, ratio, methods=[Apipw(), Dipw()], options=QUICK):
        assert "log scale" not in row.note
    above = {**columns, "Y": columns["Y"] - columns["Y"].min()}
    for row in estimates(FRONT_DOOR, above, ratio, methods=[Apipw(), Dipw()], options=QUICK):
        assert "log scale" in row.note


def test_notes_use_the_words_of_the_field_and_programs_keep_their_keys():
    rows = {row.method: row for row in estimates(FRONT_DOOR, front_door(200, 0), CONTRAST, options=QUICK)}
    words = "before T {C}; hidden causes join T to {Y}; mediators {M}"
    assert words in rows["pipw"].note and rows["pipw"].sets == {"C": ("C",), "L": ("T", "Y"), "M": ("M",)}
    assert "weights of T given {C}; Y weighted to depend on {C, M} alone" in rows["nested ipw"].note
    assert rows["nested ipw"].sets == {"pillow": ("C",), "kernel Y given": ("C", "M")}
    assert not any(word in row.note for row in rows.values() for word in ("pillow", "kernel", "L {"))


def test_an_outcome_is_no_mediator():
    columns = front_door(200, 0)
    graph = parse_graph("C -> T -> Y; C -> Y; T -> M -> Y")
    for row in estimates(graph, columns, CONTRAST, methods=[Apipw(), Dipw()], options=QUICK):
        assert "before T {C}; mediators {M}; interval" in row.note and row.sets["M"] == ("M", "Y")
    (row,) = estimates(parse_graph("C -> T -> Y; C -> Y"), columns, CONTRAST, methods=[Apipw()], options=QUICK)
    assert "mediator" not in row.note


def test_one_effect_for_all_units_is_said_where_no_product_was_tried():
    columns, said = front_door(200, 0), "no product with T in the law of Y: one effect for all units"
    graph = parse_graph("C -> T -> Y; C -> Y")
    straight = Options(Models(Glm(degree=1)), replicates=0)
    methods = [PlugIn(), GFormula(), Aipw()]
    regressions = [said in row.note for row in estimates(graph, columns, CONTRAST, methods=methods, options=straight)]
    tried = [said in row.note for row in estimates(graph, columns, CONTRAST, methods=methods, options=QUICK)]
    few = {name: column[:25] for name, column in columns.items()}
    small = [said in row.note for row in estimates(graph, few, CONTRAST, methods=methods, options=QUICK)]
    assert regressions == small == [True, True, False] and tried == [False] * 3


def test_a_plug_in_with_linear_models_says_that_it_sees_no_threshold():
    """A mediator that acts above a threshold alone, and whose mean does not move: linear models see an effect."""
    columns = front_door(300, 1)
    (row,) = estimates(FRONT_DOOR, columns, CONTRAST, methods=[PlugIn()], options=QUICK)
    assert "linear models see no threshold: models= takes others" in row.note
    (trees,) = estimates(
        *(FRONT_DOOR, columns, CONTRAST), methods=[PlugIn()], options=Options(Models(Boosted(trees=5)), replicates=0)
    )
    (levels,) = estimates(
        NAPKIN, napkin(600, 1), Query.parse("E[Y | do(X=1)]"), methods=[PlugIn()], options=Options(replicates=0)
    )
    assert "threshold" not in trees.note and "threshold" not in levels.note


def test_one_row_of_all_weight_that_leads_beyond_all_outcomes_gives_no_number(monkeypatch):
    random = np.random.default_rng(0)
    z = random.normal(size=60)
    t = 1.0 * (random.uniform(size=60) < 0.5)
    columns = {"Z": z, "T": t, "Y": z + t}

    def absurd(self, task, fits, sets):
        return Result(np.array([-353_210.0 * task.treatments["T"]]), None, 1.0)

    monkeypatch.setattr(Ipw, "fit", absurd)
    graph, options = parse_graph("Z -> T -> Y; Z -> Y"), Options(replicates=0)
    rows = estimates(graph, columns, CONTRAST, options=options, methods=[Ipw()])
    assert rows[0].estimate is None
    assert rows[0].note.startswith("no number: the weights are worth one row")


def test_a_name_for_every_row_is_nothing_to_adjust_for():
    random = np.random.default_rng(0)
    t = 1.0 * (random.uniform(size=60) < 0.5)
    table = ld.compare(
        "Z -> T -> Y; Z -> Y", {"Z": [f"p{i}" for i in range(60)], "T": t, "Y": t + random.normal(size=60)}, CONTRAST
    )
    by_name = {row.method: row for row in table}
    assert by_name["aipw"].estimate is None
    assert "Z has 60 names in 60 rows" in by_name["aipw"].note
    assert by_name["naive mean"].estimate is not None


def test_the_interval_of_a_mean_of_zeros_and_ones_stays_within_them():
    random = np.random.default_rng(1)
    t = 1.0 * (random.uniform(size=40) < 0.5)
    y = np.zeros(40)
    y[:2] = 1
    for row in ld.compare("T -> Y", {"T": t, "Y": y}, "E[Y | do(T=1)]"):
        if row.lower is not None:
            assert 0 <= row.lower <= row.upper <= 1
