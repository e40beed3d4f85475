"""What a fit keeps of its check, and the word that each answer says."""

import json
from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from latentdo.criticism.evidence import Evidence
from latentdo.errors import UnsupportedError
from latentdo.tables import Dataset
from tests.posteriors import posterior_of

CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
MODEL = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"


def rows(*, squared, n=300):
    random = np.random.default_rng(1)
    z = random.normal(size=n)
    cause = z**2 if squared else z
    x = cause + random.normal(size=n)
    return {"Z": z, "X": x, "Y": 0.5 * x + cause + random.normal(size=n)}


@pytest.fixture(scope="module")
def bent():
    return ld.fit(MODEL, rows(squared=True), progress=False)


def test_an_answer_says_the_word_and_how_far_it_could_move(bent):
    answer = ld.ask(bent, CONTRAST)
    assert answer.fit.word == "misfit moves the answer"
    assert f"misfit moves the answer (could move by ±{answer.fit.could_move:.2g})" in str(answer)
    assert any(warning.startswith("misfit moves the answer: ") for warning in answer.warnings)
    assert answer.to_json()["fit"]["word"] == "misfit moves the answer"
    assert "Result for 1 question: misfit moves the answer" in answer.methods()


def test_several_answers_have_a_column(bent):
    answers = ld.ask(bent, CONTRAST, "Var[Y | do(X=1)]")
    assert "misfit moves the answer" in str(answers)
    assert answers[1].fit.word.fails
    header, (first, _) = answers.rows()
    assert first[header.index("fit")] == "misfit moves the answer"
    assert first[header.index("could_move")] == answers[0].fit.could_move


def test_a_saved_fit_keeps_what_was_found_and_says_what_is_not_at_hand(bent, tmp_path):
    loaded = ld.load(bent.save(tmp_path / "bent.ldo"))
    assert json.loads(loaded.checked)["word"] == "misfit"
    answer = ld.ask(loaded, CONTRAST)
    assert answer.fit.word == "misfit, cannot tell"
    assert "rows are not at hand" in answer.fit.advice[-1]
    (caution,) = [each for each in answer.to_json()["warnings"] if each.startswith("misfit, cannot tell: ")]
    assert "Y bends with Z: write s(Z) or Z^2" in caution
    assert caution.endswith("how far the answer moves is told by latentdo check FIT DATA QUERY")
    assert f"caution: {caution}" in str(answer)


def test_what_fails_elsewhere_is_no_caution_of_a_saved_fit(bent, tmp_path):
    answer = ld.ask(ld.load(bent.save(tmp_path / "bent.ldo")), "E[Z]")
    assert answer.fit.word == "not checked"
    assert answer.fit.advice[-1].startswith("not checked: nothing that it rests on failed when the fit was made")
    assert "caution" not in str(answer)


def test_a_shape_that_fails_is_a_caution_where_nobody_knows_that_means_stand(tmp_path):
    random = np.random.default_rng(5)
    x = random.normal(size=300)
    fit = ld.fit("X ~ normal; Y ~ normal(X)", {"X": x, "Y": x + random.standard_t(2, size=300)}, progress=False)
    question = "E[Y | do(X=1)]"
    assert ld.ask(fit, question).fit.word == "law only"
    assert not any(each.startswith("law only") for each in ld.ask(fit, question).warnings)
    saved = ld.ask(ld.load(fit.save(tmp_path / "fit.ldo")), question)
    assert any(each.startswith("law only: Y has heavier tails") and "how far" in each for each in saved.warnings)


def test_the_summary_of_a_fit_warns_of_what_does_not_fit(bent, tmp_path):
    loaded = ld.load(bent.save(tmp_path / "bent.ldo"))
    for posterior in (bent, loaded):
        warnings = " ".join(str(posterior.summary()).split("Warnings")[-1].split())
        assert warnings.startswith("the rows do not fit: misfit: X bends with Z: write s(Z)")
    good = ld.fit(MODEL, rows(squared=False), progress=False)
    assert (good.misfit, str(good.summary()).split("Warnings")[-1].strip()) == ("", "none")
    assert replace(bent, checked="").misfit == ""


def test_questions_of_the_study_are_kept_with_their_word(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(f'model: "{MODEL}"\nqueries:\n  effect: "{CONTRAST}"\n', encoding="utf-8")
    loaded = ld.load(ld.fit(study, rows(squared=True), progress=False).save(tmp_path / "fit.ldo"))
    answer = ld.ask(loaded, "effect")
    assert answer.fit.word == "misfit moves the answer"
    assert answer.fit.could_move > 0.6


def test_an_unchecked_fit_says_nothing(tmp_path):
    posterior = ld.fit(MODEL, rows(squared=True), progress=False, check=False)
    assert posterior.checked == ""
    answer = ld.ask(posterior, CONTRAST)
    assert answer.fit is None
    assert "misfit" not in str(answer)
    assert answer.to_json()["fit"] is None


def test_a_question_that_cannot_be_checked_says_why():
    posterior = ld.fit(MODEL, rows(squared=False), progress=False)
    text = str(ld.ask(posterior, "E[Y | do(X=1), Z > 4]"))
    assert "· not checked\n" in text
    assert "not checked: what is seen hardly happens" in text


def test_what_cannot_be_read_back_is_as_if_nobody_had_checked(bent):
    assert ld.ask(replace(bent, checked='{"word": 3}'), CONTRAST).fit is None


def test_what_rows_tell_the_draws_is_their_log_likelihood(front_door, napkin):
    binary = posterior_of("latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)", shape=(1, 20))
    random = np.random.default_rng(0)
    table = {"X": random.integers(0, 2, 50), "M": random.normal(size=50), "Y": random.integers(0, 2, 50)}
    known = replace(binary, data=Dataset.of(table))
    for posterior in (front_door, napkin, known):
        evidence = Evidence.of(posterior, posterior.data)
        values = posterior.log_likelihood(posterior.data, draws=evidence.index)
        assert np.abs(evidence.logs - (values - values.mean(axis=0))).max() < 1e-3


def test_a_check_that_could_not_be_made_says_why(monkeypatch):
    def fails(*args, **options):
        raise UnsupportedError("this cannot be checked, for a reason.")

    monkeypatch.setattr("latentdo.criticism.standing.check_nodes", fails)
    answer = ld.ask(ld.fit(MODEL, rows(squared=False, n=60), progress=False), CONTRAST)
    assert answer.fit.word == "not checked"
    assert "this cannot be checked, for a reason." in " ".join(answer.fit.advice)
