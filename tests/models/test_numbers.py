"""Files of numbers by name: what they hold, which of them are studies, and what is refused."""

from __future__ import annotations

import pytest

from latentdo.errors import StudyError
from latentdo.models.numbers import is_numbers_path, read_numbers

NUMBERS = {"X -> Y": 0.5, "sd(Y)": 1.0, "intercept(X)": -2e-3}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("truth.yaml", "X -> Y: 0.5  # the effect\nsd(Y): 1\nintercept(X): -2e-3\n"),
        ("truth.yml", '{"X -> Y": 0.5, "sd(Y)": 1, "intercept(X)": -0.002}'),
        ("truth.json", '{"X -> Y": 0.5,\n\t"sd(Y)": 1,\n\t"intercept(X)": -0.002}'),
        ("TRUTH.JSON", '\ufeff{"X -> Y": 0.5, "sd(Y)": 1, "intercept(X)": -2e-3}'),
    ],
)
def test_the_same_numbers_in_yaml_and_json(tmp_path, name, text) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_numbers(path) == NUMBERS


def test_a_study_is_told_by_its_key(tmp_path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("model: X ~ normal\nqueries: {a: 'E[X]'}\n", encoding="utf-8")
    assert read_numbers(path) is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "X -> Y: 0.5\nsd(Y): one\n", r"a\.yaml, line 2, column 8: 'sd\(Y\)' has no finite number"),
        ("a.yaml", "modle: X ~ normal\n", "'modle' has no finite number.*; a study has the key `model`"),
        ("a.yaml", "sd(Y): .nan\n", "has no finite number"),
        ("a.yaml", "sd(Y): true\n", "has no finite number"),
        ("a.yaml", f"sd(Y): {'9' * 300}00000000000\n", "has no finite number"),
        ("a.yaml", "sd(Y): [1, 2]\n", "has no finite number"),
        ("a.yaml", "sd(Y): 1\nsd(Y): 2\n", r"the key 'sd\(Y\)' is there twice, first in line 1"),
        ("a.json", '{"sd(Y)": 1, "sd(Y)": 2}', r"the key 'sd\(Y\)' is there twice"),
        ("a.json", '{"sd(Y)": NaN}', "holds NaN, and a parameter is a finite number"),
        ("a.json", '{"sd(Y)": "1"}', r"'sd\(Y\)' has no finite number"),
        ("a.json", '{"sd(Y)": 1,}', r"a\.json, line 1, column 1\d: .*the same as a JSON object"),
        ("a.json", "[1]", "holds no JSON object"),
        ("a.json", "[" * 100_000, "cannot be read as JSON"),
        ("a.json", "{}", "holds no numbers"),
        (
            "a.yaml",
            "# nothing\n",
            r"a\.yaml is empty\. A file of numbers holds one for each parameter, .* the key `model`",
        ),
        (
            "a.yaml",
            "- 1\n",
            r"line 1, column 1: expected a number for each key, found a list\. A file of numbers holds",
        ),
        ("a.yaml", "one\n", r"found one text\. A file of numbers holds"),
    ],
)
def test_what_is_no_number_is_refused_in_its_place(tmp_path, name, text, message) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=f"(?s){message}"):
        read_numbers(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path) -> None:
    with pytest.raises(StudyError, match=r"none\.yaml does not exist \(looked from "):
        read_numbers(tmp_path / "none.yaml")
    with pytest.raises(StudyError, match=r"is a folder; expected a file"):
        read_numbers(tmp_path)
    (tmp_path / "bytes.json").write_bytes(b'{"sd(Y)": \xff}')
    with pytest.raises(StudyError, match=r"is not UTF-8 \(byte 11\)"):
        read_numbers(tmp_path / "bytes.json")


def test_a_text_of_several_lines_is_no_path() -> None:
    assert is_numbers_path("a.yaml")
    assert is_numbers_path("A.JSON")
    assert not is_numbers_path("X ~ normal\na.yaml")
    assert not is_numbers_path("fit.ldo")
