"""Checks of a table against a model before training: support, exact functions, collinear parents."""

from __future__ import annotations

import numpy as np
import pytest

from latentdo.errors import DataError
from latentdo.inference.blocks.checks import check_columns, functional_nodes, least_squares
from latentdo.models import ModelSpec
from latentdo.tables import Dataset

RANDOM = np.random.default_rng(11)
X, Z, NOISE = RANDOM.normal(50, 10, 40), RANDOM.normal(3, 1, 40), RANDOM.normal(0, 1, 40)


def cautions(text: str, **columns) -> tuple[str, ...]:
    return check_columns(ModelSpec.parse(text), Dataset.of(columns))


def refusal(text: str, **columns) -> DataError:
    with pytest.raises(DataError) as caught:
        cautions(text, **columns)
    return caught.value


# Regressions


def test_least_squares_are_those_of_the_normal_equations():
    spec = ModelSpec.parse("Y ~ normal(X, Z, X:Z); X, Z ~ normal")
    y = 3 + 0.5 * X - 2 * Z + 0.1 * X * Z + NOISE
    found = least_squares(spec, "Y", Dataset.of({"X": X, "Z": Z, "Y": y}))
    assert found is not None
    design = np.column_stack([np.ones(40), X, Z, X * Z])
    expected = np.linalg.solve(design.T @ design, design.T @ y)
    assert found.coefficients == pytest.approx(expected, rel=1e-6)
    residual = np.sqrt(np.sum((y - design @ expected) ** 2) / 36)
    assert found.relative_residual == pytest.approx(residual / y.std(ddof=1), rel=1e-6)
    assert found.spare == 36
    assert not found.exact


def test_least_squares_are_on_the_link_scale():
    spec = ModelSpec.parse("Y ~ gamma(Z); W ~ hill(Z, max=80); Z ~ normal; B ~ bernoulli(Z)")
    data = Dataset.of({"Z": Z, "Y": np.exp(1 - 0.5 * Z), "W": 80 / (1 + np.exp(-Z + 3)), "B": (Z > 3) * 1.0})
    for node, expected in (("Y", [1.0, -0.5]), ("W", [-3.0, 1.0])):
        found = least_squares(spec, node, data)
        assert found is not None
        assert found.coefficients == pytest.approx(expected)
        assert found.exact
    assert least_squares(spec, "B", data) is None
    assert least_squares(spec, "Z", data) is None


def test_latent_parents_have_no_column_to_regress_on():
    spec = ModelSpec.parse("latent U ~ normal; Y ~ normal(U, X, U:X); X ~ normal")
    data = Dataset.of({"X": X, "Y": 2 * X + NOISE})
    found = least_squares(spec, "Y", data)
    assert found is not None
    assert len(found.coefficients) == 2
    assert least_squares(ModelSpec.parse("latent U ~ normal; Y ~ normal(U)"), "Y", data) is None


# Cautions


def test_ordinary_columns_bring_no_caution():
    assert cautions("Y ~ normal(X, Z); X, Z ~ normal", X=X, Z=Z, Y=X + Z + NOISE) == ()


@pytest.mark.parametrize(
    ("text", "y"),
    [
        ("Y ~ normal(X, Z); X, Z ~ normal", 3 + 2 * X - Z),
        ("Y ~ normal(X, Z, X:Z); X, Z ~ normal", X * Z),
        ("Y ~ gamma(X, Z); X, Z ~ normal", np.exp(0.01 * X - Z)),
        ("Y ~ hill(X, Z); X, Z ~ normal", 100 / (1 + np.exp(-0.02 * X + 0.1 * Z))),
        ("Y ~ normal(X, Z); X, Z ~ normal", np.round(3 + 2 * X - Z, 2)),
    ],
)
def test_a_column_that_its_parents_determine_is_named(text, y):
    (caution,) = cautions(text, X=X, Z=Z, Y=y)
    assert caution == (
        "Y is an exact function of X, Z in these data. It is fitted with a noise floor. Verdicts treat it as one: what needs Y "
        "to vary beside its parents is not identified."
    )


def test_little_noise_is_noise():
    assert cautions("Y ~ normal(X); X ~ normal", X=X, Y=X + 0.02 * NOISE) == ()


def test_an_exact_fit_of_few_rows_says_nothing():
    few = {"X": X[:4], "Y": 2 * X[:4]}
    assert cautions("Y ~ normal(X); X ~ normal", **few) == ()


@pytest.mark.parametrize("family", ["normal", "gamma", "hill", "bernoulli"])
def test_collinear_parents_are_named_whatever_the_family(family):
    y = {"normal": NOISE, "gamma": np.exp(NOISE), "hill": 50 + NOISE, "bernoulli": (NOISE > 0) * 1.0}[family]
    (caution,) = cautions(f"Y ~ {family}(X, W, Z); X, W, Z ~ normal", X=X, W=7 - 2 * X, Z=Z, Y=y)
    assert caution == (
        "The parents of Y are collinear in these data (X, W, Z): their weights are set apart by the prior alone. Their "
        "joint effect is not touched."
    )


def test_more_parents_than_rows_are_collinear():
    (caution,) = cautions("Y ~ normal(X, Z, W); X, Z, W ~ normal", X=X[:3], Z=Z[:3], W=NOISE[:3], Y=NOISE[3:6])
    assert caution.startswith("The parents of Y are collinear")


def test_parents_of_very_different_size_are_not_collinear():
    assert cautions("Y ~ normal(X, Z); X, Z ~ normal", X=1e9 * X, Z=1e-9 * Z, Y=NOISE) == ()


# Linear nodes


def test_a_linear_node_that_fits_exactly_passes():
    assert cautions("Y ~ linear(X, Z); X, Z ~ normal", X=X, Z=Z, Y=3 + 2 * X - Z) == ()
    assert cautions("Y ~ linear(X, Z, X:Z); X, Z ~ normal", X=X, Z=Z, Y=X - X * Z) == ()


def test_a_linear_node_with_a_residual_is_refused():
    y = X + 0.1 * NOISE
    error = refusal("Y ~ linear(X); X ~ normal", X=X, Y=y)
    spec = ModelSpec.parse("Y ~ linear(X); X ~ normal")
    found = least_squares(spec, "Y", Dataset.of({"X": X, "Y": y}))
    assert found is not None
    share = f"{100 * found.relative_residual:.3g}"
    assert str(error) == (
        f"Y is declared linear (no noise), but its parents leave a residual of {share} % of the column's sd. "
        "Declare it normal, or check the column."
    )
    assert error.column == "Y"


def test_a_linear_node_needs_spare_rows():
    error = refusal("Y ~ linear(X); X ~ normal", X=X[:4], Y=2 * X[:4])
    assert "with only 2 spare rows. Declare it normal, or check the column." in str(error)


def test_a_linear_node_needs_measured_parents():
    assert str(refusal("latent U ~ normal; Y ~ linear(U, X); X ~ normal", X=X, Y=X)) == (
        "Y is declared linear (no noise) but has the latent parent U, so its column cannot be checked. Declare it normal."
    )
    assert "has no measured parent, so its column cannot be checked" in str(refusal("Y ~ linear", Y=X))


# Support


def test_a_value_outside_the_support_is_refused():
    error = refusal("Y ~ gamma(X); X ~ normal", X=X, Y=NOISE)
    assert str(error).startswith("Column Y is declared gamma, whose values are positive, but its smallest value is ")
    assert error.column == "Y"


def test_all_faults_of_a_table_are_in_one_message():
    error = refusal(
        "B ~ bernoulli; G ~ gamma(B); L ~ linear(X); H ~ hill(X); X ~ normal", B=X, G=NOISE, L=NOISE, H=0.001 * X, X=X
    )
    lines = str(error).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("Column")] == ["B", "G", "H"]
    assert any(line.startswith("L is declared linear") for line in lines)
    assert len(lines) == 4
    assert error.column == "B"


# Weights


def test_weights_count_rows():
    """A table with counts and the table written out bring the same numbers, whatever rows of weight 0 hold."""
    spec = ModelSpec.parse("Y ~ normal(X, B, X:B); X ~ normal; B ~ bernoulli")
    x, b = np.array([1.0, 2.0, 4.0, 1e6, 7.0]), np.array([0.0, 1.0, 1.0, 0.0, 0.0])
    y = np.array([3.0, 1.0, 2.5, -1e6, 4.0])
    counted = Dataset((("X", x), ("B", b), ("Y", y)), np.array([3.0, 1.0, 4.0, 0.0, 2.0]))
    written_out = counted.expanded(("X", "B", "Y"))
    one, other = least_squares(spec, "Y", counted), least_squares(spec, "Y", written_out)
    assert one is not None
    assert other is not None
    assert one.coefficients == pytest.approx(other.coefficients)
    assert one.relative_residual == pytest.approx(other.relative_residual)
    assert one.spare == other.spare
    assert check_columns(spec, counted) == check_columns(spec, written_out)


def test_rows_of_weight_zero_do_not_part_collinear_parents():
    spec = ModelSpec.parse("Y ~ normal(X, W); X, W ~ normal")
    x, y = np.append(X, 3.0), np.append(NOISE, 0.0)
    w = np.append(1 - X, 1e3)
    data = Dataset((("X", x), ("W", w), ("Y", y)), np.append(np.ones(40), 0.0))
    (caution,) = check_columns(spec, data)
    assert "collinear" in caution


def test_exactness_counts_rows_by_weight():
    spec = ModelSpec.parse("Y ~ linear(X); X ~ normal")
    x = np.array([1.0, 2.0, 3.0])
    assert check_columns(spec, Dataset((("X", x), ("Y", 2 * x)), np.array([4.0, 4.0, 4.0]))) == ()


# Functions


def functions(text: str, **columns) -> dict[str, tuple[str, ...]]:
    return functional_nodes(ModelSpec.parse(text), Dataset.of(columns))


def test_a_continuous_column_without_residual_is_a_function_of_its_measured_parents():
    text = "latent U ~ normal; X, Z ~ normal; Y ~ normal(X, Z, X:Z, U)"
    y = 3 + 2 * X - Z + 0.1 * X * Z
    wave = np.resize([1.0, -1.0, 0.5, -0.5], 40)
    assert functions(text, X=X, Z=Z, Y=y) == {"Y": ("X", "Z")}
    assert functions(text, X=X, Z=Z, Y=y + 0.0009 * y.std() * wave / wave.std()) == {"Y": ("X", "Z")}
    assert functions(text, X=X, Z=Z, Y=y + 0.0012 * y.std() * wave / wave.std()) == {}
    # The product is not declared here, and four parameters need nine rows.
    assert functions(text.replace(", X:Z", ""), X=X, Z=Z, Y=y) == {}
    assert functions(text, X=X[:9], Z=Z[:9], Y=y[:9]) == {"Y": ("X", "Z")}
    assert functions(text, X=X[:8], Z=Z[:8], Y=y[:8]) == {}


def test_linear_nodes_are_functions_without_being_looked_at():
    assert functions("X ~ normal; L ~ linear(X); Y ~ normal(L)", X=X, L=2 * X, Y=X + NOISE) == {"L": ("X",)}


def test_a_discrete_column_is_a_function_where_every_value_was_seen_often():
    text = "A, B ~ bernoulli; C ~ bernoulli(A, B)"

    def table(*counts):
        a, b, c = np.repeat([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], counts, axis=0).T
        return functions(text, A=a, B=b, C=c)

    assert table(11, 11, 11, 11) == {"C": ("A", "B")}
    # Of both values 20 rows beyond the first of each configuration: 22 rows in two of them, 21 in one.
    assert table(11, 11, 11, 10) == {}
    assert table(21, 21, 1, 1) == {"C": ("A", "B")}
    assert table(20, 40, 1, 1) == {}
    a, b = np.repeat([0, 1], 60), np.tile([0, 1], 60)
    assert functions(text, A=a, B=b, C=np.where(np.arange(120) == 7, 1 - a, a)) == {}
    assert functions(text.replace("B ~", "B ~ bernoulli; D ~"), A=a, B=b, C=a, D=b) == {"C": ("A", "B")}


def test_a_discrete_column_with_a_continuous_parent_is_none():
    a = np.repeat([0, 1], 20)
    assert functions("A ~ bernoulli; Z ~ normal; C ~ bernoulli(A, Z)", A=a, Z=Z, C=a) == {}
    assert functions("A ~ bernoulli", A=a) == {}


def test_rows_count_as_often_as_they_occur():
    spec = ModelSpec.parse("A ~ bernoulli; C ~ bernoulli(A)")
    data = Dataset((("A", np.array([0.0, 1.0])), ("C", np.array([1.0, 0.0]))), np.array([21, 21]))
    assert functional_nodes(spec, data) == {"C": ("A",)}
    assert functional_nodes(spec, Dataset(data.columns, np.array([21, 20]))) == {}


def test_a_discrete_function_is_named_without_a_noise_floor():
    a = np.repeat([0, 1], 40)
    assert cautions("A ~ bernoulli; C ~ bernoulli(A)", A=a, C=a) == (
        "C is an exact function of A in these data. Verdicts treat it as one: what needs C to vary beside its parents is not "
        "identified.",
    )


def test_separation_is_told_where_no_row_contradicts_it_and_nowhere_else():
    y = (np.median(X + 10 * Z) < X + 10 * Z).astype(float)
    (caution,) = cautions("X, Z ~ normal; Y ~ bernoulli(X, Z)", X=X, Z=Z, Y=y)
    assert caution.startswith(
        "X, Z tell Y apart without contradiction in these data (separation): the likelihood grows"
    )
    assert cautions("X, Z ~ normal; Y ~ bernoulli(X)", X=X, Z=Z, Y=y) == ()
    y[np.argmax(X + 10 * Z)] = 0.0
    assert cautions("X, Z ~ normal; Y ~ bernoulli(X, Z)", X=X, Z=Z, Y=y) == ()


def test_separation_seen_in_a_sample_of_many_rows_is_verified_in_all(monkeypatch):
    monkeypatch.setattr("latentdo.inference.blocks.checks.LARGEST_PROGRAM", 20)
    y = (np.median(X) < X).astype(float)
    assert len(cautions("X ~ normal; Y ~ bernoulli(X)", X=X, Y=y)) == 1
    y[np.argmax(X)] = 0.0
    assert cautions("X ~ normal; Y ~ bernoulli(X)", X=X, Y=y) == ()


def test_a_long_tail_is_looked_at_on_the_scale_of_the_link():
    assert cautions("Y ~ gamma", Y=np.exp(12 * NOISE)) == ()
    far = np.where(np.arange(len(X)) == 3, 100.0, NOISE)
    assert cautions("Y ~ gamma", Y=np.exp(far))[0].startswith("in Y, 1 cell lies")


def test_a_level_without_rows_makes_no_parents_collinear():
    found = cautions("A ~ categorical(levels=[0, 1, 2]); Y ~ normal(A)", A=(NOISE > 0).astype(float), Y=X)
    assert found == ("A has no row with the level 2: of these the priors alone speak",)
