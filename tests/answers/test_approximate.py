"""Fits that are not draws of the posterior: every answer that rests on one says so, and one draw has no spread."""

import json
from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld

MODEL = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); Z ~ linear(M)"
EFFECT = "E[Y | do(X=1)]"
EXACT = "E[Z | do(M=1)]"
LAPLACE, MODE = "Laplace approximation", "posterior mode alone"


def table():
    random = np.random.default_rng(0)
    u, noise = random.normal(size=80), random.normal(size=(3, 80))
    x = u + noise[0]
    m = 0.8 * x + noise[1]
    return {"X": x, "M": m, "Y": m + u + noise[2], "Z": 2 * m + 1}


@pytest.fixture(scope="module")
def mode():
    return ld.fit(MODEL, table(), ld.Map(), progress=False)


@pytest.fixture(scope="module")
def gaussian():
    return ld.fit(MODEL, table(), ld.Laplace(draws=500), progress=False)


def test_one_draw_has_neither_sd_nor_interval_and_says_so(mode):
    answer = ld.ask(mode, EFFECT)
    assert answer.draws.shape == (1,)
    assert (answer.sd, answer.interval(), answer.interval(0.5), answer.rhat, answer.ess) == (
        None,
        None,
        None,
        None,
        1.0,
    )
    assert (answer.is_point, answer.converged, answer.approximate) == (True, True, MODE)
    assert answer.warnings == (
        "approximate: posterior mode alone, one draw: nothing says how uncertain it is. Train by ld.Auto() for an sd and an "
        "interval",
    )
    assert f"(no interval: one draw)   identified · APPROXIMATE ({MODE})" in str(answer)
    with pytest.raises(ld.LatentdoError, match="between 0 and 1"):
        answer.interval(2)
    row = answer.to_json()
    assert (row["sd"], row["interval"], row["rhat"], row["approximate"]) == (None, None, None, MODE)
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    summary = answer.summary()
    assert (summary.sd, summary.lower, summary.upper, summary.label) == (None, None, None, f"{EFFECT} [{MODE}]")


def test_one_draw_of_a_linear_gaussian_model_is_exact(mode):
    (intercept, slope), (below, through, _) = (mode.by_node[node].coefficients.reshape(-1) for node in ("M", "Y"))
    answer = ld.ask(mode, EFFECT)
    assert answer.mean == pytest.approx(below + through * (intercept + slope), rel=1e-12)
    assert (answer.simulation_error, answer.n_units) == (0, 0)


@pytest.mark.usefixtures("simulated")
def test_one_draw_is_simulated_in_replicates_that_tell_its_error(mode):
    (intercept, slope), (below, through, _) = (mode.by_node[node].coefficients.reshape(-1) for node in ("M", "Y"))
    truth = below + through * (intercept + slope)
    answers = [ld.ask(mode, EFFECT, seed=seed) for seed in range(8)]
    assert all(0 < answer.mcse == answer.simulation_error < 0.01 for answer in answers)
    assert all(abs(answer.mean - truth) < 5 * answer.mcse for answer in answers)


def test_one_draw_answers_contrasts_events_ratios_and_evidence(mode):
    queries = (
        "E[Y | do(X=1)] - E[Y | do(X=0)]",
        "P(Y > 1 | do(X=1))",
        "P(Y > 1 | do(X=1)) / P(Y > 1 | do(X=0))",
        "E[Y | do(X=1), M > 0]",
    )
    answers = ld.ask(mode, *queries)
    slope, through = mode.by_node["M"].coefficients.item(1), mode.by_node["Y"].coefficients.item(1)
    assert answers[0].mean == pytest.approx(slope * through, abs=1e-9)
    assert all(answer.sd is None and answer.interval() is None and answer.approximate == MODE for answer in answers)
    with pytest.raises(ld.LatentdoError, match="has no value in the one draw: a denominator is 0 there"):
        ld.ask(mode, "P(Y > 1) / (P(X > 0) - P(X > 0))")


def test_only_answers_that_rest_on_an_approximate_block_are_labelled(mode, gaussian):
    for posterior, kind in ((mode, MODE), (gaussian, LAPLACE)):
        effect, exact = ld.ask(posterior, EFFECT, EXACT)
        assert (effect.approximate, exact.approximate) == (kind, None)
        assert not any("approximate" in warning for warning in exact.warnings)
    assert ld.ask(mode, EXACT).interval() is None
    assert ld.ask(gaussian, EXACT).warnings == ()


def test_an_approximation_is_named_in_every_form_of_an_answer(gaussian, mode):
    for posterior, kind in ((mode, MODE), (gaussian, LAPLACE)):
        answers = ld.ask(posterior, EFFECT, EXACT)
        header, first, second, *_ = str(answers).splitlines()
        at = header.index("APPROXIMATE")
        assert first[at:].startswith(kind)
        assert second[at:].startswith("–")
        assert f">{kind}</td>" in answers._repr_html_()
        assert list(answers.to_pandas()["approximate"].fillna("")) == [kind, ""]
        assert kind in answers[0]._repr_html_()
        axes = answers.plot()
        assert axes.figure.get_suptitle() == f"APPROXIMATE: {kind}"
        assert f"[{kind}]" in axes.get_yticklabels()[0].get_text().replace("\n", " ")
    assert "APPROXIMATE" not in str(ld.ask(gaussian, EXACT, EXACT))


def test_one_draw_is_drawn_as_a_point_without_a_line(mode, gaussian):
    assert [len(line.get_xdata()) for line in ld.ask(mode, EFFECT).plot().lines] == [1]
    assert [len(line.get_xdata()) for line in ld.ask(gaussian, EFFECT).plot().lines] == [2, 1]


def test_a_k_hat_that_is_too_large_is_told_with_the_answer(gaussian):
    first, *others = gaussian.blocks
    assert "U" in first.block.nodes
    poor = replace(gaussian, blocks=(replace(first, khat=0.93), *others))
    (warning,) = ld.ask(poor, EFFECT).warnings
    assert warning.endswith("not draws of the posterior, and far from it (Pareto k-hat 0.93). Compare with ld.Auto()")
    # Of a block that the question does not use nothing is said.
    assert not any("far from it" in warning for warning in ld.ask(poor, "E[M | do(X=1)]").warnings)


def test_too_few_draws_of_an_approximation_call_for_more_of_them():
    few = ld.fit(MODEL, table(), ld.Laplace(draws=100), progress=False)
    warnings = ld.ask(few, EFFECT).warnings
    assert any("the fit did not converge (100 effective draws for " in w and "keep more draws" in w for w in warnings)
    assert "this question did not converge (100 effective draws): keep more draws" in warnings


def test_an_answer_is_drawn_at_the_level_asked_for(gaussian):
    answer = ld.ask(gaussian, EFFECT)
    line = answer.plot(level=0.5).lines[0]
    assert tuple(line.get_xdata()) == answer.interval(0.5)
    assert "50 % interval" in answer.plot(level=0.5).get_xlabel()


def test_the_fit_itself_says_what_it_is(mode, gaussian):
    assert mode.converged
    assert not mode.diagnostics
    assert repr(mode).endswith(f"one draw, APPROXIMATE ({MODE})>")
    assert repr(gaussian).endswith(f"converged, APPROXIMATE ({LAPLACE})>")
    page = str(mode)
    assert "Map(), seed 0: 1 draw kept" in page
    assert "Convergence: not judged, there is one draw" in page
    assert "  sd(M) " in page
    assert {label.kind for label in mode.parameter_labels} == {"not judged"}
    line = next(line for line in page.splitlines() if line.startswith("  sd(M) ") and "–" in line)
    assert line.split()[2:] == ["–", "–", "–", "–", "–"]
    assert mode._repr_html_().count(MODE) >= 2
    assert "Laplace(draws=500), seed 0: 500 draws kept" in str(gaussian)
    # Solved exactly, so no approximation whatever the engine.
    assert [block.approximate for block in gaussian.blocks] == [LAPLACE, LAPLACE, None]


def test_fits_of_one_draw_are_saved_loaded_and_handed_to_arviz(mode, gaussian, tmp_path):
    pytest.importorskip("arviz_base")
    for posterior in (mode, gaussian):
        loaded = ld.load(posterior.save(tmp_path / "fit.ldo"))
        assert str(loaded) == str(posterior)
        # Saved without its rows, whose fit nobody can check then.
        answers = [ld.ask(each, EFFECT).to_json() for each in (loaded, posterior)]
        assert answers[0] | {"fit": None} == answers[1] | {"fit": None}
        assert posterior.is_point or answers[0]["fit"]["word"] == "not checked"
        tree = posterior.to_arviz()
        assert tree.attrs["approximate"] == ", ".join(posterior.approximate)
        assert (tree.posterior.sizes["chain"], tree.posterior.sizes["draw"]) == posterior.shape


@pytest.mark.parametrize("engine", [ld.Map(), ld.Laplace(draws=50)], ids=["map", "laplace"])
def test_fits_are_repeated_resumed_and_started_from(engine, tmp_path, monkeypatch):
    rows = table()
    first = ld.fit(MODEL, rows, engine, seed=3, progress=False)
    many = ld.fit_many(MODEL, {"a": rows}, engine, seed=3, progress=False)
    kept = ld.fit(MODEL, rows, engine, seed=3, progress=False, checkpoint=tmp_path / "part")
    assert str(ld.ask(first, EFFECT)) == str(ld.ask(kept, EFFECT))
    # Fits of many tables hold no rows, and so the check of the fit has nothing to say.
    whole, without = ld.ask(first, EFFECT).to_json(), ld.ask(many["a"], EFFECT).to_json()
    assert whole | {"fit": None} == without | {"fit": None}
    with monkeypatch.context() as patch:
        patch.setattr("latentdo.inference.train.train_block", lambda task, engine: pytest.fail("trained anew"))
        again = ld.fit(MODEL, rows, engine, seed=3, progress=False, start=first)
    assert again.approximate == first.approximate
    assert str(ld.ask(again, EFFECT)) == str(ld.ask(first, EFFECT))


def test_study_questions_of_one_draw_are_not_held_against_it():
    study = ld.load_study(f"model: {MODEL}\nqueries:\n  effect: {EFFECT}\ninference:\n  engine: map\n")
    posterior = ld.fit(study, table(), progress=False)
    assert posterior.engine == "Map()"
    assert posterior.converged
    assert ld.ask(posterior).name == "effect"
