"""Units of nodes: what a study or a fit takes for one, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

import latentdo as ld
from handmade_fits import handmade
from latentdo.errors import SpecError, StudyError, UnknownNodeError
from latentdo.models import ModelSpec, checked_units
from latentdo.models.study import load_study
from latentdo.models.units import LONGEST_UNIT

MODEL = (
    "latent U ~ normal; dose ~ gamma(U); `my arm` ~ categorical(levels=[low, high]); n ~ categorical(levels=[1, 2, 3]); "
    "dead ~ bernoulli(dose); SBP ~ normal(dose, U)"
)
STUDY = f"model: |\n  {MODEL}\nunits:\n"


def test_units_stand_in_the_order_of_the_model_without_spaces_around_them():
    study = load_study(STUDY + "  SBP: mmHg\n  dose: ' mg/kg '\n  n: pills\n")
    assert study.units == (("dose", "mg/kg"), ("n", "pills"), ("SBP", "mmHg"))
    assert load_study(f"model: |\n  {MODEL}\n").units == ()
    assert load_study(f"model: |\n  {MODEL}\nunits: {{}}\n").units == ()


def test_a_variant_keeps_the_units_of_what_it_still_measures(tmp_path: Path):
    path = tmp_path / "trial.yaml"
    path.write_text(STUDY + "  SBP: mmHg\n  n: pills\nvariants:\n  blind:\n    hide: [n]\n", encoding="utf8")
    assert load_study(path).variant("blind").units == (("SBP", "mmHg"),)


@pytest.mark.parametrize(
    ("lines", "place", "problem"),
    [
        ("SPB: mmHg", (4, 3), "`units`: 'SPB' is not a node of the graph. Did you mean 'SBP'?"),
        ("U: kg", (4, 3), "U is latent, and no question asks for its value: it has no unit. Name a measured node."),
        (
            "my arm: mg",
            (4, 3),
            "The levels of `my arm` are names (low, high): it has no unit. Leave it out of the units.",
        ),
        ("dead: yes", (4, 3), "dead is bernoulli, a 0 or a 1: it has no unit. Leave it out of the units."),
        ("SBP: ' '", (4, 8), "The unit of SBP is empty. Write one such as 'mmHg', or leave the node out."),
        (f"SBP: {'m' * 41}", (4, 8), f"has 41 characters, and a unit at most {LONGEST_UNIT}. Abbreviate it."),
        ('SBP: "mm\\nHg"', (4, 8), "The unit of SBP has the character U+000A, which cannot be printed. Remove it."),
        ('SBP: "mm\\u202eHg"', (4, 8), "the character U+202E, which"),
        ("SBP: 5", (4, 3), "`units.SBP`: expected a text, found 5. Put it in quotes if it is a name or a text."),
        ("SBP:", (4, 3), "`units.SBP`: nothing stands here: fill it in, or remove the line."),
    ],
)
def test_a_mistake_among_the_units_is_told_with_its_place(lines: str, place: tuple[int, int], problem: str):
    with pytest.raises(StudyError) as caught:
        load_study(STUDY + f"  {lines}\n")
    assert problem in str(caught.value)
    assert (caught.value.line, caught.value.column) == place


def test_units_that_are_no_mapping_are_refused():
    with pytest.raises(StudyError, match="`units`: expected a mapping, found a list"):
        load_study(STUDY.removesuffix("units:\n") + "units: [mmHg]\n")


def test_units_of_a_model_name_the_node():
    spec = ModelSpec.parse(MODEL)
    with pytest.raises(UnknownNodeError, match="Did you mean 'SBP'"):
        checked_units(spec, {"SPB": "mmHg"})
    with pytest.raises(SpecError, match="The unit of SBP is a text such as 'mmHg', got int") as caught:
        checked_units(spec, {"SBP": 3})  # type: ignore[dict-item]
    assert caught.value.node == "SBP"


def test_a_fit_is_given_units_in_a_changed_copy():
    posterior = handmade()
    known = posterior.with_units({"Y": "mmHg"})
    assert (posterior.units, known.units) == ((), (("Y", "mmHg"),))
    assert known.with_units({"X": " kg "}).units == (("X", "kg"), ("Y", "mmHg"))
    assert known.with_units({"X": "kg", "Y": None}).units == (("X", "kg"),)
    with pytest.raises(UnknownNodeError, match="'Q' is not a node"):
        posterior.with_units({"Q": None})
    with pytest.raises(SpecError, match="U is latent"):
        posterior.with_units({"U": "kg"})
    with pytest.raises(SpecError, match=r'Units are given as \{"SBP": "mmHg"\}, got list'):
        posterior.with_units([("Y", "kg")])  # type: ignore[arg-type]


def test_a_fit_remembers_the_units_of_its_study(tmp_path: Path):
    path = tmp_path / "pills.yaml"
    path.write_text("model: A ~ table; B ~ table(A)\nunits: {B: pills}\n", encoding="utf8")
    rows = {"A": [0, 1, 0, 1, 1, 0], "B": [1, 2, 1, 1, 2, 2]}
    posterior = ld.fit(path, rows)
    assert posterior.units == ld.fit_many(path, [rows])[0].units == (("B", "pills"),)
    assert ld.load(posterior.save(tmp_path / "pills.ldo")).units == posterior.units
    answer = ld.ask(posterior, "E[B | do(A=1)]")
    assert isinstance(answer, ld.Answer)
    assert answer.to_json()["unit"] == "pills"
    with pytest.raises(SpecError, match=r"levels of B are names \(b, c\): it has no unit"):
        ld.fit(path, {"A": [0, 1, 0, 1], "B": ["b", "c", "b", "b"]})
