"""`latentdo sample-size`: the plan of Python as text, object and files, whatever the truth is read from."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import latentdo as ld
from latentdo.planning.planned_size import SampleSize
from latentdo.planning.simulated import Experiments

MODEL = "X ~ bernoulli; Y ~ normal(X)"
EFFECT = "E[Y | do(X=1)] - E[Y | do(X=0)]"
TRUTH = {"intercept(X)": 0, "intercept(Y)": 0, "X -> Y": 1, "sd(Y)": 1}
STUDY = """\
model: |
  X ~ bernoulli
  Y ~ normal(X)
inference: {engine: laplace, draws: 400}
queries:
  effect: E[Y | do(X=1)] - E[Y | do(X=0)]
"""
QUICK = ("--width", 0.6, "--datasets", 60)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A study with one query, and its truth as YAML and JSON."""
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "truth.yaml").write_text("".join(f"{name}: {value}\n" for name, value in TRUTH.items()))
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    return tmp_path


@pytest.fixture(scope="module")
def plan() -> SampleSize:
    return ld.sample_size(MODEL, TRUTH, EFFECT, width=0.6, engine=ld.Laplace(draws=400), datasets=60)


@pytest.fixture
def made(monkeypatch, plan):
    """Nothing is simulated: the plan is there, and the arguments that it was asked for with are kept."""
    kept: dict = {}

    def given(spec, truth, query, goal, engine, budget, seed, tell, **options):
        kept.update(options, spec=spec, truth=truth, query=query, goal=goal, engine=engine, budget=budget, seed=seed)
        return kept.get("plan", plan)

    monkeypatch.setattr("latentdo.planning.plan_size", given)
    return kept


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def test_the_numbers_are_those_of_python(command, folder, plan):
    result = command("sample-size", "study.yaml", "--truth", "truth.yaml", *QUICK, "--json")
    assert result.code == 0, result.err
    assert result.err == ""
    found, wanted = result.json, plan.to_json()
    assert list(found) == list(wanted)
    assert {**found, "seconds": 0} == {**wanted, "seconds": 0}


def test_text_fits_the_terminal_and_files_are_written(command, folder, made, plan):
    result = command(
        "sample-size", "study.yaml", "--truth", "truth.json", *QUICK, "--csv", "sizes.csv", "--plot", "plan.png"
    )
    assert result.code == 0, result.err
    assert words(result.out) == words(str(plan))
    assert max(map(len, result.out.splitlines())) <= 80
    assert f"Wrote {len(plan.curve)} rows to sizes.csv." in result.err
    assert "Drawn in plan.png." in result.err
    with (folder / "sizes.csv").open(encoding="utf-8", newline="") as file:
        assert [int(row["n"]) for row in csv.DictReader(file)] == [point.n for point in plan.curve]
    assert (folder / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_every_option_reaches_the_plan(command, folder, made):
    result = command(
        *("sample-size", "study.yaml", "E[Y | do(X=1)]", "--truth", "truth.yaml", "--excludes", "-1.5"),
        *("--level", 0.95, "--assurance", 0.7, "--datasets", 99, "--precision", 0.2, "--smallest", 30),
        *("--largest", 900, "--engine", "nuts", "--draws", 50, "--workers", 2, "--seed", 7, "--no-progress"),
    )
    assert result.code == 0, result.err
    goal, budget = made["goal"], made["budget"]
    assert (goal.width, goal.excludes, goal.level, goal.assurance) == (None, -1.5, 0.95, 0.7)
    assert (budget.datasets, budget.precision, budget.smallest, budget.largest) == (99, 0.2, 30, 900)
    assert made["engine"] == ld.Nuts(draws=50)
    assert (made["workers"], made["executor"], made["seed"]) == (2, None, 7)
    assert str(made["query"]) == "E[Y | do(X=1)]"


def test_a_variant_is_planned_for_in_place_of_the_model(command, folder, made):
    (folder / "study.yaml").write_text(
        "model: |\n  latent U ~ normal\n  X ~ normal(U)\n  M ~ normal(X)\n  Y ~ normal(M, U)\n"
        "queries:\n  effect: E[Y | do(X=1)]\nvariants:\n  misspecified: {split: {U: [U1, U2]}}\n"
    )
    truth = "U ~ normal(mean=0, sd=1); X, M, Y ~ normal(intercept=0, sd=1)"
    result = command(
        "sample-size", "study.yaml", "--truth", truth, "--variant", "misspecified", "--width", 1, "--engine", "laplace"
    )
    assert result.code == 0, result.err
    assert {"U1", "U2"} <= set(made["spec"].graph.nodes)


@pytest.mark.parametrize(
    ("truth", "label"),
    [
        ("truth.yaml", "a model of fixed numbers"),
        ("truth.json", "a model of fixed numbers"),
        ("fixed.yaml", "a model of fixed numbers"),
        ("X ~ bernoulli(intercept=0); Y ~ normal(X, weight=1, intercept=0, sd=1)", "a model of fixed numbers"),
        ("pilot.ldo", "the posterior predictive of a pilot of "),
    ],
)
def test_the_truth_is_told_apart_by_what_it_is(command, folder, made, truth, label):
    (folder / "fixed.yaml").write_text(
        "model: |\n  X ~ bernoulli(intercept=0)\n  Y ~ normal(X, weight=1, intercept=0, sd=1)\n"
    )
    if truth == "pilot.ldo":
        data = {"X": [0, 1] * 20, "Y": [float(k % 7) for k in range(40)]}
        ld.fit(MODEL, data, ld.Laplace(draws=10)).save(folder / truth)
    result = command("sample-size", "study.yaml", "--truth", truth, *QUICK)
    assert result.code == 0, result.err
    assert made["truth"].label.startswith(label)


def test_a_built_in_study_is_a_truth_by_its_name(command, folder, made):
    result = command(
        "sample-size", "SOS ~ normal; Erk ~ normal(SOS)", "E[Erk | do(SOS=70)]", "--truth", "signaling", *QUICK
    )
    assert result.code == 0, result.err
    assert made["truth"].label == "the simulator of the study signaling"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["study.yaml", *QUICK], "--truth is missing."),
        (["study.yaml", "--truth", "truth.yaml"], "State one goal: --width 0.2"),
        (["study.yaml", "--truth", "truth.yaml", "--width", 1, "--excludes", 0], "State one goal: --width 0.2"),
        (["study.yaml", "--truth", "truth.yaml", "--width", 0], "error: --width (the full width that"),
        (["study.yaml", "--truth", "truth.yaml", "--width", "nan"], "a number above 0, got nan"),
        (["study.yaml", "--truth", "none.json", *QUICK], "none.json does not exist"),
        (["study.yaml", "--truth", "none.yaml", *QUICK], "none.yaml does not exist"),
        (["study.yaml", "--truth", "none.ldo", *QUICK], "none.ldo"),
        (["study.yaml", "--truth", "truth.csv", *QUICK], "truth.csv does not exist"),
        (["study.yaml", "--truth", "signalling", *QUICK], "Did you mean 'signaling'?"),
        (["study.yaml", "--truth", "study.yaml", *QUICK], "The truth has 4 parameters without a number"),
        (["study.yaml", "--truth", "signaling", *QUICK], "does not measure X, Y, which the model is fitted to"),
        ([MODEL, "--truth", "truth.yaml", *QUICK], 'has no query. Give one behind it, such as "E[Y | do(X=1)]".'),
        (["two.yaml", "--truth", "truth.yaml", *QUICK], "two has 2 queries, and an experiment is planned for one. Name it"),
        (["study.yaml", "effekt", "--truth", "truth.yaml", *QUICK], "The study 'study' has no query 'effekt'. It has: effect."),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--workers", 0], "workers= is a whole number from 1"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--steps", 9], "--steps belongs to --engine svi"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--engine", "map"], "whose answers have no interval"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--plot", "a.txt"], "--plot a.txt: expected a name that ends in .png"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--csv", "a.txt"], "--csv a.txt: expected a name that ends in .csv"),
        (["study.yaml", "--truth", "truth.yaml", "--width", 1, "--datasets", 5], "--datasets is a whole number"),
        (["study.yaml", "--truth", "truth.yaml", "--width", "inf"], "a number above 0, got inf"),
        (["study.yaml", "--truth", "truth.yaml", "--excludes", "nan"], "error: --excludes (the value"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--assurance", 0.9999], "--assurance 0.9999 is about one experiment"),
        (["study.yaml", "--truth", "truth.yaml", *QUICK, "--largest", 50], "--largest 50 is less than 4 times --smallest 20:"),
        (["study.yaml", "--truth", "bad.yaml", *QUICK], "--truth says 'sd(Y)': -1. sd(Y) must be positive, got -1."),
        ([STUDY, "--truth", "truth.yaml", *QUICK], "Write it into a file that ends in .yaml, and give its path."),
    ],
)  # fmt: skip
def test_bad_input_is_told_before_anything_is_simulated(command, folder, monkeypatch, arguments, said):
    monkeypatch.setattr("latentdo.planning.plan.crew", None)
    (folder / "two.yaml").write_text(f"{STUDY}  mean: E[Y | do(X=1)]\n")
    (folder / "bad.yaml").write_text((folder / "truth.yaml").read_text().replace("sd(Y): 1", "sd(Y): -1"))
    before = sorted(folder.iterdir())
    result = command("sample-size", *arguments)
    assert result.code == 2
    assert result.out == ""
    assert said in words(result.err)
    assert sorted(folder.iterdir()) == before


def test_what_is_not_identified_ends_with_3_and_names_no_option_that_does_not_help(command):
    model = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"
    truth = "X ~ normal(mean=0, sd=1); Y ~ normal(mean=0, sd=1)"
    result = command("sample-size", model, "E[Y | do(X=1)]", "--truth", truth, "--width", 1, "--json")
    assert result.code == 3
    assert result.error["kind"] == "not_identified"
    assert "No number of samples answers it. Measure another node." in result.err
    assert "--allow-unidentified" not in result.err


def test_fits_that_did_not_converge_and_lost_experiments_end_with_4(command, folder, made, plan):
    from dataclasses import replace

    made["plan"] = replace(plan, n_lost=1)
    assert command("sample-size", "study.yaml", "--truth", "truth.yaml", *QUICK).code == 4
    own = vars(plan.experiments)
    made["plan"] = replace(plan, experiments=Experiments(**{**own, "converged": ~own["converged"]}))
    result = command("sample-size", "study.yaml", "--truth", "truth.yaml", *QUICK)
    assert result.code == 4
    assert "100 % of the fits did not converge" in words(result.out)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_it_at_once(folder, workers):
    tokens = ["sample-size", "study.yaml", "--truth", "truth.yaml", "--width", "0.01", "--workers", str(workers)]
    started = [sys.executable, "-m", "latentdo", *tokens, "--progress", "--engine", "auto"]
    with subprocess.Popen(started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as run:
        time.sleep(8)
        os.kill(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert out == ""
    assert "stopped by Ctrl-C" in err
    assert "Traceback" not in err
