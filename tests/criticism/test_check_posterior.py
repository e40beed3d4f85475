"""`ld.check` of a fit: the words on right, bent and contradicted models, and everything that is said of them."""

import numpy as np
import pytest

import latentdo as ld

CONTRAST = "E[Y | do(X=1)] - E[Y | do(X=0)]"
BACK_DOOR = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"
N = 300


def fitted(model, rows):
    return ld.fit(model, rows, seed=0, progress=False)


def noise(seed=0, n=N):
    random = np.random.default_rng(seed)
    return lambda: random.normal(size=n)


@pytest.fixture(scope="module")
def straight():
    e = noise()
    z = e()
    x = 0.8 * z + e()
    return fitted(BACK_DOOR, {"Z": z, "X": x, "Y": 0.5 * x + z + e()})


@pytest.fixture(scope="module")
def bent():
    e = noise(1)
    z = e()
    x = z**2 + e()
    return fitted(BACK_DOOR, {"Z": z, "X": x, "Y": 0.5 * x + z**2 + e()})


@pytest.fixture(scope="module")
def bent_check(bent):
    return ld.check(bent, None, CONTRAST)


def test_a_right_model_has_no_misfit_and_says_how_far_it_could_move(straight):
    check = ld.check(straight, None, CONTRAST, tolerance=1.0)
    assert check.word == "no misfit found"
    (question,) = check.queries
    assert 0 < question.could_move < 1
    assert f"±{question.could_move:.2g}" in str(check)


def test_few_rows_for_the_tolerance_cannot_tell(straight):
    (question,) = ld.check(straight, None, CONTRAST, tolerance=1e-3).queries
    assert (question.word, question.tolerance) == ("cannot tell", 1e-3)
    assert "300 rows cannot tell" in question.advice[-1]


def test_a_bend_that_moves_the_answer_is_called_so_with_the_move(bent, bent_check):
    assert bent_check.word == "misfit moves the answer"
    (question,) = bent_check.queries
    model = ld.ask(bent, CONTRAST).mean
    assert model > 0.8
    assert model + question.move == pytest.approx(0.5, abs=0.3)
    assert "E[Y | Z, X]" in question.worst
    assert "write s(Z) or Z^2" in " ".join(question.advice)


def test_rows_name_layer_and_node_and_are_adjusted_layer_by_layer(bent_check):
    layers = {str(row.layer) for row in bent_check.rows}
    assert layers == {"node", "factor", "estimand", "prior"}
    for row in bent_check.rows:
        assert (row.p is None) == (row.adjusted is None)
        assert row.p is None or row.adjusted >= row.p
    failing = [row.what for row in bent_check.failed]
    assert "mean of X given Z" in failing


def test_copies_of_rows_are_no_evidence(bent):
    once = {name: np.asarray(bent.data.column(name)) for name in "ZXY"}
    four = {name: np.tile(values, 4) for name, values in once.items()}
    alone, many = (ld.check(of, None, CONTRAST) for of in (bent, fitted(BACK_DOOR, four)))
    assert "equal rows count once: 300 of 1,200 were tested" in many.notes
    sums = [sum(-np.log(row.p) for row in check.rows if row.p) for check in (alone, many)]
    assert sums[1] == pytest.approx(sums[0], rel=0.25)
    errors = [check.queries[0].could_move for check in (alone, many)]
    assert errors[1] == pytest.approx(errors[0], rel=0.25)


@pytest.mark.parametrize("digits", [0, 1])
def test_numbers_that_repeat_by_rounding_are_no_copies(digits):
    rounded = np.round(10 * np.random.default_rng(3).normal(size=N), digits)
    check = ld.check(fitted("Y ~ normal", {"Y": rounded}), None, "E[Y]")
    assert not any("equal rows count once" in note for note in check.notes)


def test_a_missing_edge_contradicts_and_names_the_constraint():
    e = noise(2)
    a = e()
    b = a + e()
    fit = fitted("A ~ normal; B ~ normal(A); Y ~ normal(B)", {"A": a, "B": b, "Y": b + 2 * a + e()})
    check = ld.check(fit, None, "E[Y | do(A=1)]")
    assert check.word == "contradicted"
    assert any("⊥⊥" in sentence and sentence.endswith("fails") for sentence in check.queries[0].advice)
    assert any(repair.edge == "A -> Y" for repair in check.repairs)
    assert check.queries[0].could_move is None
    assert "· contradicted\n" in str(ld.ask(fit, "E[Y | do(A=1)]"))


def test_heavy_tails_leave_means_standing_but_not_probabilities():
    random = np.random.default_rng(3)
    x = random.normal(size=N)
    rows = {"X": x, "Y": x + random.standard_t(2, size=N)}
    questions = ["E[Y | do(X=1)] - E[Y | do(X=0)]", "P(Y > 3 | do(X=1))"]
    check = ld.check(fitted("X ~ normal; Y ~ normal(X)", rows), None, questions, tolerance=2.0)
    mean, chance = check.queries
    assert mean.word == "law only"
    assert chance.word in ("misfit, answer stands", "misfit moves the answer")
    assert any("student" in sentence for sentence in mean.advice)


def test_tables_with_nothing_hidden_have_the_same_formula():
    random = np.random.default_rng(4)
    z = random.integers(0, 2, N)
    x = (random.uniform(size=N) < 0.3 + 0.4 * z).astype(int)
    y = (random.uniform(size=N) < 0.2 + 0.3 * z + 0.3 * x).astype(int)
    posterior = fitted("Z ~ table; X ~ table(Z); Y ~ table(X, Z)", {"Z": z, "X": x, "Y": y})
    assert ld.check(posterior, None, "P(Y=1 | do(X=1)) - P(Y=1 | do(X=0))").word == "same formula"


@pytest.mark.parametrize(
    "question",
    [
        "Var[Y | do(X=1)]",
        "Median[Y | do(X=1)]",
        "density(Y=1 | do(X=1))",
        "E[Y | do(X=1), Z=1]",
        "E[Y | do(X=1), Z > 0]",
        "E[Z | do(X=1), Y=1]",
        "E[Y | do(X=1, Z=0)] - E[Y | do(X=0, Z=0)]",
        "E[Y | do(X ~ normal(0, 1))]",
        "P(Y > 0, Z > 0 | do(X=1))",
    ],
)
def test_every_form_of_question_is_checked_and_a_right_model_does_not_move(straight, question):
    (found,) = ld.check(straight, None, question, tolerance=10.0).queries
    assert found.word == "no misfit found"
    assert abs(found.z) < 3
    assert found.could_move > 0


def test_a_bend_in_evidence_is_found_too(bent):
    (found,) = ld.check(bent, None, "E[Y | do(X=1), Z=2]").queries
    model = ld.ask(bent, "E[Y | do(X=1), Z=2]").mean
    assert found.word == "misfit moves the answer"
    assert abs(model + found.move - 4.5) < 1 < abs(model - 4.5)


def test_a_question_that_cannot_be_checked_says_why(straight):
    check = ld.check(straight, None, "E[Y | do(X=60)]", "E[Y | do(X=1), Z > 4]", tolerance=0.5)
    assert check.queries[0].word == "cannot tell"
    assert check.queries[1].word == "not checked"
    assert "hardly" in check.queries[1].advice[-1]


def test_without_questions_the_nodes_have_the_word(straight, bent):
    assert ld.check(straight).word == "no misfit found"
    assert ld.check(bent).word == "misfit"


def test_other_rows_than_those_of_the_fit_are_not_checked(straight):
    e = noise(9)
    check = ld.check(straight, {"Z": e(), "X": e(), "Y": e()}, CONTRAST)
    assert check.queries[0].word == "not checked"
    assert "not the rows" in check.queries[0].advice[0]


def test_a_front_door_is_checked_with_its_latent_integrated_out(front_door):
    check = ld.check(front_door, None, CONTRAST)
    assert check.word in ("no misfit found", "cannot tell")
    assert {row.what.split(" in ")[0] for row in check.rows if row.layer == "factor"} == {"P(M | X)", "E[Y | X, M]"}
    assert not check.is_testable
    assert "Nothing in these columns could contradict this graph." in str(check)


def test_mixed_families_with_two_latents_have_a_row_for_every_node(napkin):
    check = ld.check(napkin, None, CONTRAST)
    assert {row.what.split()[2] for row in check.rows if row.layer == "node"} == {"W", "R", "X", "Y"}
    factors = {row.what.split(" in ")[0] for row in check.rows if row.layer == "factor"}
    assert factors == {"P(W)", "P(X | W, R)", "E[Y | W, R, X]"}


def test_a_fit_of_one_draw_is_not_checked():
    e = noise(5)
    x = e()
    posterior = ld.fit("X ~ normal; Y ~ normal(X)", {"X": x, "Y": x + e()}, ld.Map(), progress=False)
    assert ld.check(posterior, None, CONTRAST).word == "not checked"


def test_options_that_belong_elsewhere_are_refused(straight):
    with pytest.raises(ld.LatentdoError, match="belong to the check of a graph"):
        ld.check(straight, None, CONTRAST, every=True)
    with pytest.raises(ld.LatentdoError, match="belongs to the check of a fit"):
        ld.check(BACK_DOOR, tolerance=0.1)
    with pytest.raises(ld.LatentdoError, match="tolerance"):
        ld.check(straight, None, CONTRAST, tolerance=-1)


def test_the_picture_shows_what_nodes_leave_those_that_fail_first(bent_check):
    figure = bent_check.plot().figure
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0] == "what is left of X" or titles[0] == "what is left of Y"
    assert len(titles) == 3
    assert [ax.get_xlabel() for ax in figure.axes].count("Z") == 2


def test_every_form_has_the_word(bent_check):
    assert "misfit moves the answer" in bent_check.html()
    assert bent_check.to_json()["word"] == "misfit moves the answer"
    assert "misfit moves the answer" in bent_check.latex()


def test_heavy_tails_that_the_model_has_are_no_misfit():
    failing = []
    for seed in range(4):
        random = np.random.default_rng([seed, 9])
        z = random.normal(size=N)
        x = 0.7 * z + random.normal(size=N)
        rows = {"Z": z, "X": x, "Y": 0.5 * x + z + random.standard_t(3, size=N)}
        model = "Z ~ normal; X ~ normal(Z); Y ~ student(X, Z, df=3)"
        check = ld.check(ld.fit(model, rows, progress=False, check=False))
        failing += [row.what for row in check.rows if row.p is not None and row.p < 0.01]
    assert failing == []


def test_a_spread_that_changes_is_found():
    random = np.random.default_rng(6)
    x = random.normal(size=N)
    posterior = fitted("X ~ normal; Y ~ normal(X)", {"X": x, "Y": x + (0.3 + np.abs(x)) * random.normal(size=N)})
    assert "spread of Y given X" in [row.what for row in ld.check(posterior).failed]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda random, mean: random.poisson(mean), ""),
        (lambda random, mean: random.poisson(mean * random.gamma(1.5, 1 / 1.5, size=N)), "write Y ~ negbin(…)"),
        (lambda random, mean: random.poisson(mean) * (random.uniform(size=N) > 0.3), "poisson(…, zi=true), as"),
    ],
    ids=["poisson", "more spread", "more zeros"],
)
def test_counts_that_vary_more_than_their_family_allows_are_told_which_would(made, says):
    random = np.random.default_rng(12)
    x = random.normal(size=N)
    rows = {"X": x, "Y": made(random, np.exp(1.0 + 0.5 * x))}
    fit = ld.fit("X ~ normal; Y ~ poisson(X)", rows, ld.Laplace(), seed=0, check=False, progress=False)
    check = ld.check(fit, rows)
    spread = next(row for row in check.rows if row.what == "spread of Y given X")
    assert (spread.word == "law only") == bool(says)
    assert says in spread.advice


@pytest.mark.parametrize("extra", [0.0, 0.3], ids=["as many", "more"])
def test_zeros_beyond_a_count_with_a_hidden_parent_are_found(extra):
    random = np.random.default_rng(3)
    u = random.normal(size=N)
    x = random.normal(size=N)
    counts = random.poisson(np.exp(1.0 + 0.5 * x + 0.4 * u)) * (random.uniform(size=N) >= extra)
    model = "latent U ~ normal; X ~ normal; Y ~ poisson(X, U)"
    fit = ld.fit(model, {"X": x, "Y": counts}, ld.Laplace(), seed=0, check=False, progress=False)
    zeros = next(row for row in ld.check(fit, None).rows if row.what == "zeros of Y given X")
    assert (zeros.word == "law only") == bool(extra)
    assert ("poisson(…, zi=true), as" in zeros.advice) == bool(extra)


def test_a_sign_that_the_rows_contradict_is_said_before_any_bend():
    e = noise(4)
    a = e()
    b = 0.9 * a + e()
    wrong, right = (
        ld.fit(f"A ~ normal; B ~ normal({sign}A)", {"A": a, "B": b}, ld.Laplace(), seed=0, check=False, progress=False)
        for sign in "-+"
    )
    mean = next(row for row in ld.check(wrong, None).rows if row.what == "mean of B given A")
    assert mean.word == "misfit"
    assert "the rows contradict the sign of -A in B: remove the sign" in mean.advice
    assert ld.check(right, None).word == "no misfit found"


def test_a_jump_under_a_spline_is_told_where_curves_see_nothing():
    # A spline of ten knots swings beside a jump; its mean looks right along curves of four degrees of freedom.
    random = np.random.default_rng(2)
    x = random.normal(size=1000)
    rows = {"X": x, "Y": 3.0 * (x > 0.8) + 0.7 * random.normal(size=1000)}
    posterior = fitted("X ~ normal; Y ~ normal(s(X))", rows)
    check = ld.check(posterior, None, "E[Y | do(X=0.45)]")
    by = {row.what: row for row in check.rows}
    assert by["mean of Y given X"].word in ("same formula", "no misfit found")
    jump = by["jumps of Y along X"]
    assert jump.word == "misfit, cannot tell" and jump.adjusted < 0.001
    assert jump.advice.startswith("Y jumps at X = 0.")
    assert check.queries[0].word in ("misfit, cannot tell", "misfit moves the answer")


def test_a_smooth_under_a_spline_has_no_jump():
    random = np.random.default_rng(3)
    x = random.normal(size=1000)
    rows = {"X": x, "Y": np.sin(2.0 * x) + (0.4 + 0.2 * np.abs(x)) * random.normal(size=1000)}
    (jump,) = (row for row in ld.check(fitted("X ~ normal; Y ~ normal(s(X))", rows), None).rows if "jumps" in row.what)
    assert jump.word == "no misfit found"
