"""An engine is one class: a toy one trains, is saved with its fit, and is refused where its arguments make no sense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference import ENGINES, AbstractEngine, BlockDraws, Method
from latentdo.inference.samplers.outcome import node_draws


@dataclass(frozen=True)
class Guess(AbstractEngine):
    """Draws around where chains would start: no posterior, and enough to be an engine."""

    name = "guess"

    draws: int = 500

    @property
    def shape(self):
        return 1, self.draws

    def train(self, task):
        u = 0.1 * task.random().normal(size=(*task.shape, task.layout.n_free))
        return BlockDraws(
            task.block, Method("other", of="guessed around the start"), node_draws(task, u), independent=True
        )


# Known while these tests run, and to no others of this process.
ENGINES.pop("guess")  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def fit():
    ENGINES["guess"] = Guess  # type: ignore[index]
    random = np.random.default_rng(0)
    x = random.normal(size=100)
    rows = {"X": x, "Y": 2 * x + random.normal(size=100)}
    yield ld.fit("X ~ normal; Y ~ normal(X)", rows, Guess(draws=400), seed=0, progress=False)
    ENGINES.pop("guess", None)  # type: ignore[attr-defined]


def test_a_class_derived_from_the_abstract_engine_trains_every_block(fit):
    assert "guessed around the start" in fit.plan
    assert fit.engine == "Guess(draws=400)"
    assert fit.shape == (1, 400)
    assert "guessed around the start" in fit.summary()


def test_its_fit_is_saved_reloaded_and_asked(fit, tmp_path):
    again = ld.load(fit.save(tmp_path / "guess.ldo"))
    assert again.engine == fit.engine
    assert str(again) == str(fit)
    answer = ld.ask(again, "E[Y | do(X=1)]")
    assert isinstance(answer, ld.Answer)
    assert answer.rhat is None, "independent draws"
    assert "Guess(draws=400)" in answer.methods() or "guessed" in answer.methods()


def test_it_is_known_by_its_name_and_its_arguments(fit):
    assert ENGINES["guess"] is Guess
    assert Guess.arguments() == ("draws",)


def test_the_arguments_that_studies_take_are_those_of_the_engines():
    from latentdo.models.study import ARGUMENTS

    for name, arguments in ARGUMENTS.items():
        assert set(arguments) == set(ENGINES[name].arguments())
