"""Families, engines and estimators of one's own: checked where they come in, known everywhere, and told from faults of ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentdo as ld
from latentdo.cli import main
from latentdo.errors import ExtensionError, QueryError, SpecError, StudyError
from latentdo.estimators import AbstractMethod, all_methods
from latentdo.estimators import register as register_estimator
from latentdo.extensions import ENGINES, ESTIMATORS
from latentdo.families import AbstractFamily, Normal, register
from latentdo.inference import AbstractEngine
from latentdo.models import FAMILIES

MODULE = '''
import dataclasses
from dataclasses import dataclass

import numpy as np

from latentdo.estimators import AbstractMethod, Result, Yes
from latentdo.estimators import register as register_estimator
from latentdo.families import AbstractFamily, register
from latentdo.inference import AbstractEngine, BlockDraws, Method
from latentdo.inference.samplers.outcome import node_draws

BROKEN = set()


@register
@dataclass(frozen=True)
class Toy(AbstractFamily):
    """`node = predictor + Normal(0, sd)`."""

    name = "toy"
    equation = "Y = predictor + Normal(0, sd)"
    parameters = ("sd",)

    def link(self, m, values):
        if "link" in BROKEN:
            raise KeyError("lost")
        return values

    def mean(self, m, eta, parameters):
        return eta

    def log_density(self, m, y, eta, parameters):
        if "log_density" in BROKEN:
            raise ValueError("the density is out of order")
        return -0.5 * ((y - eta) / parameters["sd"]) ** 2 - m.np.log(parameters["sd"])

    def cdf(self, m, y, eta, parameters):
        return m.special.ndtr((y - eta) / parameters["sd"])

    @property
    def points(self):
        if "points" in BROKEN:
            raise AttributeError("no points")
        return ()


@dataclass(frozen=True)
class Hunch(AbstractEngine):
    """Draws around where chains would start: no posterior, and enough to be an engine."""

    name = "hunch"

    draws: int = 50
    width: float = 0.1

    def __post_init__(self):
        if self.width <= 0:
            raise ValueError("the width is positive")

    @property
    def shape(self):
        return 1, self.draws

    def train(self, task):
        if "train" in BROKEN:
            raise RuntimeError("the engine stalled")
        u = self.width * task.random().normal(size=(*task.shape, task.layout.n_free))
        draws = BlockDraws(task.block, Method("other", of="guessed"), node_draws(task, u), independent=True)
        return "nothing" if "draws" in BROKEN else draws


@register_estimator
@dataclass(frozen=True)
class Half(AbstractMethod):
    """A half, whatever is asked."""

    name = "half"

    def applies(self, task):
        return "yes" if "applies" in BROKEN else Yes()

    def fit(self, task, fits, sets):
        if "fit" in BROKEN:
            raise ZeroDivisionError("no rows")
        return Result(np.full(3 if "shape" in BROKEN else len(fits.weights), 0.5))
'''
MODEL = "X ~ normal; Y ~ toy(X)"
EFFECT = "E[Y | do(X=1)]"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a module `own_kinds` of one class of each kind and a table; both are forgotten afterwards."""
    all_methods()
    before = [(known, dict(known)) for known in (FAMILIES, ENGINES, ESTIMATORS)]
    (tmp_path / "own_kinds.py").write_text(MODULE, encoding="utf-8")
    x = np.random.default_rng(0).normal(size=40).round(3)
    rows = [f"{a},{2 * a + b}" for a, b in zip(x, np.random.default_rng(1).normal(size=40).round(3), strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["X,Y", *rows]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    yield tmp_path
    sys.modules.pop("own_kinds", None)
    for known, classes in before:
        known.clear()
        known.update(classes)


@pytest.fixture
def module(own: Path) -> Any:
    """The module, imported."""
    import importlib

    return importlib.import_module("own_kinds")


# An error in a user's class


@pytest.mark.parametrize(
    ("broken", "call", "name", "cause"),
    [
        ("link", lambda: ld.fit(MODEL, "data.csv", ld.Map(), progress=False), "family 'toy'", KeyError),
        ("log_density", lambda: ld.fit(MODEL, "data.csv", ld.Map(), progress=False), "family 'toy'", ValueError),
        ("points", lambda: ld.fit(MODEL, "data.csv", ld.Map(), progress=False), "family 'toy'", AttributeError),
        (
            "fit",
            lambda: ld.compare("X -> Y", "data.csv", EFFECT, methods="half"),
            "estimator 'half'",
            ZeroDivisionError,
        ),
    ],
)
def test_an_error_in_a_class_of_ones_own_is_told_as_its_own(module, broken, call, name, cause):
    module.BROKEN.add(broken)
    with pytest.raises(ExtensionError) as caught:
        call()
    assert caught.value.method == broken
    assert isinstance(caught.value.__cause__, cause)
    said = str(caught.value)
    assert f"The {name} failed in {broken}: {cause.__name__}" in said
    assert "mend it there (own_kinds.py, line " in said


def test_an_error_in_an_engine_of_ones_own_is_told_as_its_own(module):
    module.BROKEN.add("train")
    with pytest.raises(ExtensionError, match=r"The engine 'hunch' failed in train: RuntimeError: the engine stalled\."):
        ld.fit("X ~ normal; Y ~ normal(X)", "data.csv", module.Hunch(), progress=False)


def test_the_command_line_calls_it_bad_input_and_no_fault_of_latentdo(own, capsys):
    (own / "own_kinds.py").write_text(MODULE.replace("BROKEN = set()", 'BROKEN = {"log_density"}'), encoding="utf-8")
    assert main(["fit", MODEL, "data.csv", "--engine", "map", "--import", "own_kinds"]) == 2
    said = capsys.readouterr().err
    assert "The family 'toy' failed in log_density: ValueError: the density is out of order." in said
    assert "fault of latentdo" not in said


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("applies", r"failed in applies: it gives str, expected: Yes"),
        ("shape", r"failed in fit: .*values of shape \(1,\)"),
    ],
)
def test_what_an_estimator_gives_is_looked_at(module, broken, expected):
    module.BROKEN.add(broken)
    with pytest.raises(ExtensionError, match=expected):
        ld.compare("X -> Y", "data.csv", EFFECT, methods="half", replicates=0)


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("mean", None, "failed in mean: it gives nothing, expected: a value"),
        ("log_density", None, "failed in log_density: it gives nothing, expected: a value"),
        ("default", 3.0, "failed in default: it gives float, expected: Default"),
    ],
)
def test_what_a_family_gives_is_looked_at(module, method, given, expected):
    changed = {"__module__": "own_kinds", "name": "odd", method: lambda self, *arguments: given}
    register(dataclass(frozen=True)(type("Odd", (module.Toy,), changed)))
    with pytest.raises(ExtensionError, match=expected):
        ld.ask(ld.fit("X ~ normal; Y ~ odd(X)", "data.csv", ld.Laplace(), progress=False), EFFECT)


def test_what_an_engine_gives_is_looked_at(module):
    module.BROKEN.add("draws")
    with pytest.raises(ExtensionError, match="failed in train: it gives str, expected: BlockDraws"):
        ld.fit("X ~ normal; Y ~ normal(X)", "data.csv", module.Hunch(), progress=False)


def test_a_lack_of_memory_and_what_a_family_refuses_on_purpose_stay_what_they_are(module):
    def short(self, m, values):
        raise MemoryError

    def refused(self, column):
        raise ld.LatentdoError("not this column")

    family = type("Short", (module.Toy,), {"link": short, "check": refused, "__module__": "own_kinds"})()
    with pytest.raises(MemoryError):
        family.link(None, 0.0)
    with pytest.raises(ld.LatentdoError, match=r"^not this column$"):
        family.check(None)


# Registration


def family(**attributes: Any) -> type[AbstractFamily]:
    """A class as users write it, with some attributes changed."""
    body = {"__module__": __name__, "name": "odd", "equation": "Y = …"}
    body |= dict.fromkeys(("mean", "log_density", "cdf"), _function)
    return dataclass(frozen=True)(type("Odd", (AbstractFamily,), {**body, **attributes}))


def _function(self: Any, *arguments: Any) -> Any:
    return arguments[-2]


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("parameters", "sd", 'a tuple of names .* such as \\("shape",\\)'),
        ("parameters", ["sd"], "a tuple of names"),
        ("parameters", ("sd", "sd"), "each name once"),
        ("parameters", ("a b",), "a tuple of names"),
        ("parameters", ("sd", 3), "a tuple of names"),
        ("parameters", ("weight",), "another name than weight"),
        ("parameters", None, "a tuple of names"),
        ("support", (1.0, 0.0), "a pair \\(low, high\\)"),
        ("support", (float("nan"), 1.0), "a pair"),
        ("support", "positive", "a pair"),
        ("support", (0.0,), "a pair"),
        ("name", "to y", "a name that can be typed"),
        ("name", 3, "a name that can be typed"),
        ("equation", 3, "a text"),
        ("takes", None, "a text"),
        ("discrete", "no", "True or False"),
        ("link_sd", -1.0, "a positive number, or None"),
        ("needs", {"df": 1.0}, "a dict from parameters"),
        ("as_latent", ("sd", 1.0), "a dict from parameters"),
        ("noise_parameters", ("df",), "names that stand in parameters"),
        ("split", True, "False, or a method respond"),
    ],
)
def test_a_family_that_states_what_cannot_be_is_refused_where_it_is_registered(attribute, value, expected):
    before = dict(FAMILIES)
    with pytest.raises(
        SpecError, match=f"The family Odd has {attribute} = .*; expected: {expected}.* Correct it"
    ) as caught:
        register(family(**{attribute: value}))
    assert str(caught.value).count("\n") == 0
    assert before == FAMILIES


def test_a_family_that_no_model_could_be_saved_with_is_refused():
    body = {"name": "odd", "equation": "Y = …", "mean": _function, "log_density": _function, "cdf": _function}
    with pytest.raises(SpecError, match=r"Two Odd\(\) are not equal.* @dataclass\(frozen=True\) above the class"):
        register(type("Odd", (AbstractFamily,), body))


def test_a_class_that_is_defined_again_takes_its_own_place_and_no_other():
    first, again = family(), family()
    try:
        assert register(register(first)) is first
        assert register(again) is again
        assert FAMILIES["odd"] is again
        elsewhere = family(__module__="other_module")
        with pytest.raises(
            SpecError, match=r"A family is called 'odd' already \(.*test_extensions\.Odd\)\. Give yours"
        ):
            register(elsewhere)
    finally:
        FAMILIES.pop("odd", None)
    with pytest.raises(SpecError, match="A family is called 'normal' already"):
        register(family(name="normal"))
    assert FAMILIES["normal"] is Normal


def test_an_engine_does_not_take_the_name_of_another():
    with pytest.raises(SpecError, match="An engine is called 'nuts' already"):
        type("Mine", (AbstractEngine,), {"name": "nuts"})
    with pytest.raises(SpecError, match="a word that can be typed behind --engine"):
        type("Mine", (AbstractEngine,), {"name": "my engine"})
    assert ENGINES["nuts"] is ld.Nuts


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("name", "a,b", "without commas"),
        ("name", "lvm", "another name"),
        ("place", "top", "a number"),
        ("name", 3, "a text"),
    ],
)
def test_an_estimator_that_states_what_cannot_be_is_refused_where_it_is_registered(attribute, value, expected):
    body = {"name": "odd", "applies": _function, "fit": _function}
    with pytest.raises(QueryError, match=f"has {attribute} = .*; expected: .*{expected}"):
        register_estimator(type("Odd", (AbstractMethod,), {**body, attribute: value}))
    assert "odd" not in ESTIMATORS


def test_an_engine_of_ones_own_that_lacks_something_is_refused_at_the_door():
    class Bare(AbstractEngine):
        shape = (1, 1)

    with pytest.raises(SpecError, match=r"The engine Bare lacks train\. Define train\(self, task\)"):
        ld.fit("X ~ normal", {"X": [1.0, 2.0, 4.0]}, Bare())

    class Plain(Bare):
        def train(self, task):
            return None

    with pytest.raises(SpecError, match=r"The engine Plain is no dataclass"):
        ld.fit("X ~ normal", {"X": [1.0, 2.0, 4.0]}, Plain())

    @dataclass(frozen=True)
    class Shapeless(Plain):
        shape = (1, 2.5)

    with pytest.raises(SpecError, match=r"has shape = \(1, 2\.5\); expected: a pair of whole numbers"):
        ld.fit("X ~ normal", {"X": [1.0, 2.0, 4.0]}, Shapeless())


# Known everywhere

STUDY = """\
model: |
  X ~ normal
  Y ~ toy(X)
data: data.csv
inference:
  engine: hunch
  draws: 60
  width: 0.2
queries:
  effect: E[Y | do(X=1)]
compare: [half, plug-in]
"""


def test_engine_and_estimator_of_ones_own_stand_in_a_study_and_on_the_command_line(own, capsys):
    (own / "study.yaml").write_text(STUDY, encoding="utf-8")
    code = main(["fit", "study.yaml", "-o", "a.ldo", "--import", "own_kinds"])
    assert code in (0, 4), capsys.readouterr().err
    assert ld.load("a.ldo").engine == "Hunch(draws=60, width=0.2)"
    assert ld.load("a.ldo").compare == ("half", "plug-in")
    capsys.readouterr()
    assert main(["compare", "a.ldo", "data.csv", "--replicates", "0", "--import", "own_kinds"]) in (0, 4)
    assert "half" in capsys.readouterr().out
    typed = ["fit", "study.yaml", "-o", "b.ldo", "--import", "own_kinds"]
    assert main([*typed, "--draws", "70"]) in (0, 4)
    assert ld.load("b.ldo").engine == "Hunch(draws=70, width=0.2)"
    assert main([*typed, "--engine", "hunch", "--draws", "20"]) in (0, 4)
    assert ld.load("b.ldo").engine == "Hunch(draws=20, width=0.1)"
    capsys.readouterr()
    assert main([*typed, "--engine", "hunch", "--chains", "3"]) == 2
    assert "--chains belongs to --engine nuts, and the engine is hunch" in capsys.readouterr().err


def test_unknown_names_are_told_with_those_of_ones_own(own, capsys):
    (own / "study.yaml").write_text(STUDY.replace("toy(X)", "normal(X)"), encoding="utf-8")
    with pytest.raises(StudyError, match=r"no engine is called 'hunch'\. Known are: .*--import MODULE") as caught:
        ld.load_study("study.yaml")
    assert caught.value.line == 6
    with pytest.raises(StudyError, match=r"no method is called 'half'\. Known are: .*--import MODULE"):
        ld.load_study(STUDY.replace("toy(X)", "normal(X)").replace("hunch", "svi").replace("  width: 0.2\n", ""))
    import own_kinds

    assert own_kinds.Hunch.arguments() == ("draws", "width")
    with pytest.raises(StudyError, match=r"no engine is called 'gibbs'\. .* Of your own: .*hunch\."):
        ld.load_study(STUDY.replace("hunch", "gibbs"))
    with pytest.raises(StudyError, match=r"no method is called 'zzz'\. .* Of your own: half\."):
        ld.load_study(STUDY.replace("half", "zzz"))
    with pytest.raises(StudyError, match=r"`inference\.widht`: there is no such key\. Did you mean 'width'"):
        ld.load_study(STUDY.replace("width", "widht"))
    with pytest.raises(QueryError, match=r"No method is called 'zzz'\. .* Of your own: half\."):
        ld.compare("X -> Y", "data.csv", EFFECT, methods="zzz")
    assert main(["fit", "study.yaml", "--engine", "gibbs", "--import", "own_kinds"]) == 2
    assert re.search(
        r"no engine is called 'gibbs'\. Known are: auto, nuts, svi, laplace, map.* hunch", capsys.readouterr().err
    )


def test_an_argument_that_an_engine_of_ones_own_refuses_is_told_as_its_own(module, own):
    (own / "study.yaml").write_text(STUDY.replace("0.2", "-1"), encoding="utf-8")
    with pytest.raises(
        ExtensionError, match=r"The engine 'hunch' failed in __init__: ValueError: the width is positive"
    ):
        ld.fit("study.yaml", progress=False)


# A family without a formula for its draws


def test_a_family_that_is_not_split_responds_by_bisection(module):
    from latentdo.models.build import NUMPY

    toy, at = module.Toy(), np.array([0.1, 0.5, 0.9])
    expected = 1.0 + 2.0 * np.array([-1.2815516, 0.0, 1.2815516])
    assert toy.draw(NUMPY, at, np.array(1.0), {"sd": np.array(2.0)}) == pytest.approx(expected, abs=1e-6)
    assert toy.respond(NUMPY, np.array(1.0), at, {"sd": np.array(2.0)}) == pytest.approx(expected, abs=1e-6)
    assert toy.with_levels(("a", "b")) is toy
