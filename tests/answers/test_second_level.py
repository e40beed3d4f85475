"""`RD[K | …]` and the like of a node whose values are not 0 and 1: the level that counts as the 1, wherever it is asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import latentdo as ld
from latentdo.errors import QueryError
from latentdo.web.bridge import reply
from posteriors import posterior_of

MODEL = "L ~ bernoulli; K ~ bernoulli(L, levels=[1, 2])"
NAMED = "L ~ bernoulli; K ~ bernoulli(L, levels=[well, ill])"
WORDS = ("RD", "RR", "OR", "NNT")


def rows(first: object = 1, second: object = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    cause = random.integers(0, 2, 400)
    return {"L": cause, "K": np.where(random.uniform(size=400) < 0.3 + 0.4 * cause, second, first)}


@pytest.mark.parametrize(("model", "second"), [(MODEL, "2"), (NAMED, "ill")])
def test_an_outcome_without_a_value_is_at_the_level_that_counts_as_the_1(model: str, second: str):
    posterior = posterior_of(model, {"intercept(K)": -0.5, "L -> K": 1.2}, spread=0.1)
    for word in WORDS:
        found = ld.ask(posterior, f"{word}[K | L: 0 -> 1]")
        assert str(found.query) == f"{word}[K={second} | L: 0 -> 1]"
        assert found.mean == ld.ask(posterior, f"{word}[K={second} | L: 0 -> 1]").mean
    assert ld.ask(posterior, "RD[K | L: 0 -> 1]").mean > 0.2
    assert str(ld.identify(model, "RD[K | L: 0 -> 1]").query) == f"RD[K={second} | L: 0 -> 1]"


def test_the_mean_of_two_numbers_agrees_with_the_probability_of_the_second():
    posterior = posterior_of(MODEL, {"intercept(K)": -0.5, "L -> K": 1.2}, spread=0.1)
    mean, chance = (ld.ask(posterior, text).mean for text in ("E[K | do(L=1)]", "P(K=2 | do(L=1))"))
    assert mean == pytest.approx(1 + chance, abs=1e-9)


@pytest.mark.parametrize(("model", "levels"), [(MODEL, (1, 2)), (NAMED, ("well", "ill"))])
def test_rivals_bounds_and_the_page_take_the_same_level(model: str, levels: tuple[object, object]):
    table = rows(*levels)
    truth = sum(sign * np.mean(table["K"][table["L"] == x] == levels[1]) for x, sign in ((1, 1), (0, -1)))
    row = ld.compare(model, table, "RD[K | L: 0 -> 1]", methods="g-formula", replicates=0)[0]
    bounds = ld.bounds(model, table, "RD[K | L: 0 -> 1]")
    assert row.estimate == pytest.approx(truth, abs=1e-3)
    assert bounds.lower == pytest.approx(truth)
    told = reply(json.dumps({"verb": "verdict", "text": model, "queries": ["RD[K | L: 0 -> 1]"]}))
    assert f"K={levels[1]}" in told


def test_a_study_keeps_the_level_in_its_questions(tmp_path):
    study = tmp_path / "study.yaml"
    text = (
        f"model: |\n  {MODEL.replace('; ', chr(10) + '  ')}\nqueries:\n  twice: 2 * gain\n  gain: 'RD[K | L: 0 -> 1]'\n"
    )
    study.write_text(text, encoding="utf-8")
    queries = dict(ld.load_study(study).queries)
    assert str(queries["gain"]) == "RD[K=2 | L: 0 -> 1]"
    assert str(queries["twice"]) == "2 * RD[K=2 | L: 0 -> 1]"


@pytest.mark.parametrize("levels", [(1, 2), ("well", "ill")])
def test_where_nothing_says_which_of_two_values_counts_as_the_1_it_is_asked_for(levels: tuple[object, object]):
    table, said = rows(*levels), "stands without a value, which counts as K=1, and its values are"
    for call in (ld.bounds, ld.compare):
        with pytest.raises(QueryError, match=said):
            call("L -> K", table, "RD[K | L: 0 -> 1]")
    with pytest.raises(QueryError, match=said):
        ld.ask(posterior_of("L ~ table; K ~ table(L, levels=[1, 2])", {}), "RD[K | L: 0 -> 1]")
    assert ld.bounds("L -> K", rows(0, 1), "RD[K | L: 0 -> 1]").lower > 0
