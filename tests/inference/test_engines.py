"""The engines as values: what they take, and that studies and the command line offer the same."""

from dataclasses import fields

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference import Auto, Laplace, Map, Nuts, Svi
from latentdo.inference.blocks import engines
from latentdo.models.study import ARGUMENTS, load_study
from latentdo.models.study.form import GUIDES, study_schema
from latentdo.opening import engine_of

BY_NAME = {"auto": Auto, "nuts": Nuts, "svi": Svi, "laplace": Laplace, "map": Map}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Svi(steps=0), "steps is a whole number of at least 1, got 0"),
        (lambda: Svi(guide="full"), r"No guide is called 'full'. Did you mean 'full-rank'\?"),
        (lambda: Svi(guide="x"), r"No guide is called 'x'. Known are: full-rank, low-rank, amortised\.$"),
        (
            lambda: Svi(rank=5),
            "rank belongs to the guide low-rank, and the guide is full-rank. Leave rank out, or name",
        ),
        (lambda: Svi(rank=True), "rank is a whole number of at least 1, got True"),
        (lambda: Svi(batch=0.5), "batch is a whole number of at least 1, got 0.5"),
        (lambda: Svi(draws=3), "draws is a whole number of at least 4, got 3"),
        (lambda: Svi(learning_rate=0), "learning_rate is a number above 0 and at most 1, got 0"),
        (lambda: Laplace(draws="many"), "draws is a whole number of at least 4, got 'many'"),
        (lambda: Nuts(chains=0), "chains is a whole number of at least 1, got 0"),
        (lambda: Nuts(draws=10**12), "draws is at most 1,000,000, got 1000000000000"),
        (lambda: Svi(steps=10**400), "steps is at most 100,000,000, got 1000"),
        (
            lambda: Nuts(draws=10**6, chains=100),
            "100 chains of 1,000,000 draws are 100,000,000 draws, 0.7 GiB for each parameter. At most 10,000,000 are kept",
        ),
        (lambda: Auto(max_steps=10), "max_steps is a whole number of at least 200, got 10"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ld.LatentdoError, match=message):
        make()


def test_what_a_study_may_count_up_to_is_what_an_engine_takes():
    (form,) = [part for part in study_schema()["$defs"].values() if "warmup" in part.get("properties", {})]
    stated = {name: part["maximum"] for name, part in form["properties"].items() if part.get("type") == "integer"}
    assert stated == engines.MOST


def test_numbers_of_numpy_are_numbers():
    stated = Svi(
        steps=np.int64(7), guide="low-rank", rank=np.int32(3), draws=np.uint8(9), learning_rate=np.float32(0.5)
    )
    assert repr(stated) == repr(Svi(steps=7, guide="low-rank", rank=3, draws=9, learning_rate=0.5))
    assert Nuts(draws=np.int64(8)) == Nuts(draws=8)
    assert Svi(learning_rate=1).learning_rate == 1.0


def test_only_the_low_rank_guide_has_a_rank():
    assert Svi(guide="low-rank").rank == 10
    assert Svi().rank is None


def test_studies_know_the_arguments_of_every_engine():
    assert list(ARGUMENTS) == list(BY_NAME)
    for name, engine in BY_NAME.items():
        assert set(ARGUMENTS[name]) == {field.name for field in fields(engine)}
    assert GUIDES == engines.GUIDES


def test_the_budget_of_auto_can_be_stated_in_a_study():
    study = load_study("model: X ~ normal\ninference: {engine: auto, max_steps: 400}\n")
    assert engine_of(study) == Auto(max_steps=400)


def test_engines_are_written_as_they_are_typed():
    assert repr(Laplace()) == "Laplace(draws=1000)"
    assert repr(Map()) == "Map()"
    assert eval(repr(Svi(batch=100)), {"Svi": Svi}) == Svi(batch=100)
