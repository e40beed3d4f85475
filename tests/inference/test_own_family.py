"""A family is one file: a toy one, written into a temporary folder, is used by every verb and every engine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.cli import main
from latentdo.models import FAMILIES

# The log of the node is normal: its mean needs its own parameter, and its link is no identity.
LOGNORMAL = '''
import math
from dataclasses import dataclass

from latentdo.families import AbstractFamily, register


@register
@dataclass(frozen=True)
class LogNormal(AbstractFamily):
    """`log node = predictor + Normal(0, sd)`."""

    name = "toylognormal"
    equation = "log Y = intercept + Σ weight · parent + Normal(0, sd)"
    parameters = ("sd",)
    support = (0.0, math.inf)
    takes = "positive numbers"

    def link(self, m, values):
        return m.np.log(values)

    def mean(self, m, eta, parameters):
        return m.np.exp(eta + 0.5 * parameters["sd"] ** 2)

    def log_density(self, m, y, eta, parameters):
        z = (m.np.log(y) - eta) / parameters["sd"]
        return -0.5 * z**2 - m.np.log(parameters["sd"] * y) - 0.5 * math.log(2 * math.pi)

    def cdf(self, m, y, eta, parameters):
        z = (m.np.log(m.np.maximum(y, 1e-300)) - eta) / parameters["sd"]
        return 0.5 * m.special.erfc(-math.sqrt(0.5) * z)
'''
MODEL = "X ~ normal; Y ~ toylognormal(X)"
EFFECT = "E[Y | do(X=1)]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the family's module, which has been imported; nothing of it is left afterwards."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "toy_families.py").write_text(LOGNORMAL, encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.import_module("toy_families")
    yield folder
    sys.path.remove(str(folder))
    _forget()


def _forget() -> None:
    sys.modules.pop("toy_families", None)
    FAMILIES.pop("toylognormal", None)


def rows() -> dict[str, np.ndarray]:
    """log Y = 0.5 + 0.3 X + Normal(0, 0.4): E[Y | do(X=1)] = exp(0.88)."""
    random = np.random.default_rng(1)
    x = random.normal(size=200)
    return {"X": x, "Y": np.exp(0.5 + 0.3 * x + 0.4 * random.normal(size=200))}


@pytest.fixture(scope="module")
def fit(folder: Path) -> ld.Posterior:
    """Trained once by the default engine."""
    return ld.fit(MODEL, rows(), seed=0, progress=False)


@pytest.mark.parametrize(
    "engine",
    [ld.Nuts(draws=50, warmup=100, chains=2), ld.Svi(steps=300, draws=100), ld.Laplace(draws=100), ld.Map()],
    ids=repr,
)
def test_every_engine_trains_a_family_whose_mean_needs_its_own_parameter(folder, engine):
    answer = ld.ask(ld.fit(MODEL, rows(), engine, seed=0, progress=False), EFFECT)
    assert isinstance(answer, ld.Answer)
    assert answer.mean == pytest.approx(np.exp(0.88), rel=0.15)


def test_it_is_answered_checked_summarised_and_compared(fit):
    answer = ld.ask(fit, EFFECT)
    assert isinstance(answer, ld.Answer)
    assert abs(answer.mean - np.exp(0.88)) < 4 * answer.sd
    assert ld.ask(fit, "P(Y > 2 | do(X=1))", "Median[Y | do(X=1)]")
    assert "log Y = intercept" in fit.summary()
    assert "toylognormal" in str(ld.check(MODEL, rows(), prior=True))
    assert ld.compare(fit, EFFECT, methods=["plug-in"], replicates=0)[0].estimate
    assert "toylognormal" in answer.methods()


def test_a_column_that_it_cannot_make_is_refused(folder):
    with pytest.raises(ld.LatentdoError, match="takes positive numbers, but it has -1"):
        ld.check(MODEL, {**rows(), "Y": np.linspace(-1, 1, 200)})


def test_an_exact_function_of_it_is_seen(folder):
    exact = {"X": rows()["X"], "Y": np.exp(0.5 + 0.3 * rows()["X"])}
    assert "Y is an exact function of X" in str(ld.check(MODEL, exact))


def test_a_saved_fit_is_asked_from_the_command_line_once_its_module_is_named(fit, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    fit.save("own.ldo")
    _forget()
    assert main(["ask", "own.ldo", EFFECT]) == 2
    said = capsys.readouterr().err
    assert "its model has the family 'toylognormal', which is not known here" in said
    assert "--import MODULE" in said and "manifest" not in said
    assert main(["ask", "own.ldo", EFFECT, "--import", "toy_families"]) == 0
    assert "identified" in capsys.readouterr().out
    assert main(["ask", "own.ldo", EFFECT, "--import=lost_families"]) == 2
    assert "No module named 'lost_families'" in capsys.readouterr().err


def test_the_default_parabola_has_a_width_where_a_density_has_no_curvature(folder):
    from latentdo.families import AbstractFamily, Arithmetic
    from latentdo.models.build import NUMPY

    class Double(AbstractFamily):
        name, equation, parameters = "double", "Y = predictor + Laplace(scale)", ("scale",)

        def mean(self, m, eta, parameters):
            return eta

        def log_density(self, m: Arithmetic, y, eta, parameters):
            return -m.np.abs(y - eta) / parameters["scale"] - m.np.log(2 * parameters["scale"])

        def cdf(self, m, y, eta, parameters):
            raise NotImplementedError

    precision, pull = Double().working(NUMPY, np.array([3.0, -2.0]), np.array([0.0, 0.5]), {"scale": np.array(0.5)})
    assert precision == pytest.approx(4.0, rel=0.1), "1/scale², the information of the law"
    assert pull / precision == pytest.approx([3.0, -2.5])
