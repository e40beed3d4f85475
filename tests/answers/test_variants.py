"""What `ld.check` says of a study's variants: projections, verdicts that change, and what cannot be trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import latentdo as ld
from latentdo.graphs import project

STUDIES = Path(__file__).parents[2] / "examples" / "studies"

STUDY = """\
model: |
  latent U ~ normal
  X ~ normal(U)
  M ~ bernoulli(X)
  Y ~ normal(M, U)
queries:
  effect: E[Y | do(X=1)]
  through: E[Y | do(M=1)]
variants:
  split: {split: {U: [A, B]}}
  open: {drop: [U]}
  hidden: {hide: [M]}
  short: {drop: [M]}
"""


def reports():
    return {variant.name: variant for variant in ld.check(ld.load_study(STUDY)).variants}


def test_a_split_common_cause_looks_the_same():
    split = reports()["split"]
    assert split.projection
    assert split.changed == ()
    assert str(split) == "split: same projection\n  every query has the same verdict as in the model"


def test_without_the_common_cause_the_projection_is_another():
    report = reports()["open"]
    assert not report.projection
    assert "X <-> Y is in the projection of the model only, by way of X <- U -> Y." in str(report)


def test_a_hidden_mediator_leaves_the_measured_nodes_alone():
    hidden = reports()["hidden"]
    assert hidden.unmeasured == ("M",)
    assert hidden.projection
    assert dict(hidden.changed)["effect"].startswith("not identified, though it is in the model. ")
    assert dict(hidden.changed)["through"].startswith("cannot be asked of it: 'M' is latent")
    assert dict(hidden.verdicts)["through"] is None
    assert hidden.problem == "", "a bernoulli node may be latent"
    assert "same projection over the nodes that both measure (without M)" in str(hidden)


def test_a_mediator_that_is_left_out_leads_no_longer_anywhere():
    short = reports()["short"]
    assert "X -> Y is in the projection of the model only, by way of X -> M -> Y" in short.projection.reason
    assert short.problem == ""


def test_the_report_is_text_and_an_object():
    report = ld.check(ld.load_study(STUDY))
    assert "variants:\n  split: same projection\n" in str(report)
    told = json.loads(json.dumps(report.to_json()))["variants"]
    assert [(row["name"], row["same_projection"], row["unmeasured"]) for row in told] == [
        ("split", True, []),
        ("open", False, []),
        ("hidden", True, ["M"]),
        ("short", False, ["M"]),
    ]
    assert told[2]["verdicts"][0]["identifiable"] is False
    assert told[2]["verdicts"][1]["identifiable"] is None
    assert report.identified, "a variant says nothing about the model itself"
    assert ld.check(ld.load_study(STUDY).variant("split")).variants == ()


@pytest.mark.parametrize("name", ["multicause", "napkin", "signaling", "covid"])
def test_the_misspecified_models_of_the_case_studies_look_the_same(name):
    study = ld.load_study(STUDIES / f"{name}.yaml")
    reports = {variant.name: variant for variant in ld.check(study).variants}
    wrong = reports["misspecified"]
    assert wrong.projection
    assert wrong.unmeasured == ()
    assert wrong.changed == ()
    assert wrong.problem == ""
    assert project(study.variant("misspecified").model.graph) == project(study.model.graph)


def test_the_text_of_the_signaling_study_has_the_mediator_hidden():
    study = ld.load_study(STUDIES / "signaling.yaml")
    graph = project(study.varied("mediator_hidden").graph)
    assert ("Ras", "AKT") in graph.directed
    assert ("SOS", "AKT") in graph.bidirected
    assert {"Ras", "AKT"} <= set(graph.nodes)
