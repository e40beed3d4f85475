"""The page of the built-in studies says what the studies are."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies import STUDIES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "studies.md").read_text(encoding="utf8")


def section(name: str) -> str:
    _, _, rest = PAGE.partition(f"## `{name}`\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_a_section_with_its_file_and_its_true_answers(name):
    study, text = STUDIES[name], section(name)
    assert f"```yaml\n{study.file}```" in text
    assert study.caution in " ".join(text.split())
    sizes = ", ".join(map(str, study.sizes))
    assert f"| [`{name}`](#{name}) | {study.rows} | {sizes} | {study.outcome} |" in PAGE
    shown = {}
    for line in text.splitlines():
        cells = line.replace("\\|", "\0").split("|")
        if len(cells) == 4 and "`" in cells[1]:
            shown[cells[1].split("`")[1].replace("\0", "|")] = cells[2].strip()
    for truth in study.population:
        value, _, error = shown.pop(truth.query).partition(" ± ")
        assert float(value) == truth.value, truth.query
        assert float(error or 0) == truth.error, truth.query
    assert not shown


@pytest.mark.parametrize("name", [name for name in STUDIES if not name.endswith("-strong")])
def test_the_graph_is_on_the_page(name):
    assert f"```text\n{STUDIES[name].graph}```" in section(name)


@pytest.mark.parametrize("name", STUDIES)
def test_every_correction_is_on_the_page(name):
    shown = " ".join(PAGE.split())
    assert all(sentence in shown for sentence in (*STUDIES[name].corrections, *STUDIES[name].remarks))


@pytest.mark.parametrize("name", STUDIES)
def test_main_questions_are_asked_and_the_mean_of_the_outcome_is_known(name):
    study = STUDIES[name]
    assert set(study.main) <= set(dict(study.queries))
    assert f"E[{study.outcome}]" in {truth.query for truth in study.population}
