"""Default priors say no more than one row of the data would, whatever the parents have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latentdo as ld
from latentdo.inference.blocks.coordinates import coordinates_on, pseudo_counts
from latentdo.models import ModelSpec, Table
from latentdo.tables import Dataset


def prior_sds(text: str, rows: dict[str, np.ndarray], node: str = "Y") -> np.ndarray:
    """The sd of each weight's prior, per sd of its parents."""
    own = coordinates_on(ModelSpec.parse(text), Dataset.of(rows))[node]
    return np.array([coordinate.prior.args[1] for coordinate in own.coefficients[1:] if coordinate.prior is not None])


def suppressed(n: int, seed: int, correlation: float = 0.99) -> dict[str, np.ndarray]:
    """Two nearly collinear parents whose effects cancel."""
    random = np.random.default_rng(seed)
    z, e = random.standard_normal((2, n))
    x = correlation * z + np.sqrt(1 - correlation**2) * e
    return {"Z": z, "X": x, "Y": 5 * x - 5 * z + random.standard_normal(n)}


MODEL = "Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)"


@pytest.mark.parametrize(("n", "seed"), [(20, 1), (30, 2), (100, 3)])
def test_effects_of_nearly_collinear_parents_that_cancel_are_not_pulled(n, seed):
    rows = suppressed(n, seed)
    answer = ld.ask(ld.fit(MODEL, rows, seed=0, progress=False), "E[Y | do(X=1)] - E[Y | do(X=0)]")
    design = np.column_stack([np.ones(n), rows["X"], rows["Z"]])
    by_least_squares = np.linalg.lstsq(design, rows["Y"], rcond=None)[0][1]
    assert answer.sd is not None
    assert abs(answer.mean - by_least_squares) < 0.25 * answer.sd


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), parents=st.integers(2, 5), more=st.integers(0, 100), near=st.floats(0.03, 1.0))
def test_priors_of_weights_hold_no_more_than_one_row_in_any_direction(seed, parents, more, near):
    """With ten rows per parent or more: D <= S, and the estimate moves by less than a quarter of its sd."""
    random = np.random.default_rng(seed)
    n = 10 * parents + more
    mixed = random.standard_normal((n, parents)) @ np.linalg.qr(random.standard_normal((parents, parents)))[0]
    x = mixed @ np.diag(np.geomspace(1.0, near, parents)) @ random.standard_normal((parents, parents))
    names = [f"X{k}" for k in range(parents)]
    rows = {name: x[:, k] for k, name in enumerate(names)} | {"Y": random.standard_normal(n)}
    sds = prior_sds(f"Y ~ normal({', '.join(names)}); {', '.join(names)} ~ normal", rows) / rows["Y"].std(ddof=1)
    precision = np.diag(sds**-2.0)
    one_row = np.corrcoef(x.T)
    if np.linalg.cond(one_row) < 1e3:
        assert np.linalg.eigvalsh(one_row - precision)[0] > -1e-9
        # The largest pull in its sds: of an effect that leaves half of the outcome to the noise.
        pull = 0.5 / np.sqrt(n) * np.linalg.eigvals(np.linalg.solve(one_row, precision)).real.max()
        assert pull < 0.25


def test_a_single_parent_has_the_prior_per_sd():
    rows = suppressed(50, 4)
    own = coordinates_on(ModelSpec.parse(MODEL), Dataset.of(rows))["X"]
    prior = own.coefficients[1].prior
    assert prior is not None
    # To the last digit: seeds give the numbers that they gave.
    assert prior.args[1] == Dataset.of(rows).summary("X").sd


def test_parents_that_determine_each_other_keep_a_proper_prior_and_a_caution():
    rows = suppressed(60, 5)
    rows["W"] = 2.0 * rows["X"] + 1.0
    text = "X ~ normal; W ~ normal; Y ~ normal(X, W)"
    assert prior_sds(text, rows) == pytest.approx([rows["Y"].std(ddof=1)] * 2)
    posterior = ld.fit(text, {name: rows[name] for name in "XWY"}, seed=0, progress=False)
    assert any("set apart by the prior alone" in warning for warning in posterior.warnings)
    assert posterior.converged


def test_parents_that_all_but_determine_each_other_have_a_prior_of_bounded_width():
    rows = suppressed(60, 6, correlation=1 - 1e-7)
    assert prior_sds(MODEL, rows) == pytest.approx([50 * rows["Y"].std(ddof=1)] * 2)


def test_fewer_rows_than_parents_leave_weights_near_one_per_sd():
    random = np.random.default_rng(7)
    names = [f"X{k}" for k in range(12)]
    rows = {name: random.standard_normal(9) for name in [*names, "Y"]}
    sds = prior_sds(f"Y ~ normal({', '.join(names)}); {', '.join(names)} ~ normal", rows)
    assert (sds / rows["Y"].std(ddof=1)).max() < 3.0


@pytest.mark.parametrize("family", ["bernoulli", "hill"])
def test_a_rare_parent_of_a_bounded_mean_counts_by_the_difference_of_its_values(family):
    random = np.random.default_rng(8)
    x = np.repeat([0.0, 3.0], [98, 2])
    y = random.integers(0, 2, 100).astype(float) if family == "bernoulli" else random.uniform(20, 80, 100)
    t = 2.0
    if family == "hill":
        logits = np.log(y / 100) - np.log1p(-y / 100)
        t = float(logits.std(ddof=1))
    (sd,) = prior_sds(f"X ~ normal; Y ~ {family}(X)", {"X": x, "Y": y})
    # In raw units: t per half of the difference.
    assert sd / x.std(ddof=1) == pytest.approx(t / 1.5)


def test_a_rare_parent_of_a_normal_node_counts_by_its_sd():
    y = np.random.default_rng(9).standard_normal(100)
    rows = {"X": np.repeat([0.0, 1.0], [98, 2]), "Y": y}
    assert prior_sds("X ~ bernoulli; Y ~ normal(X)", rows) == pytest.approx([y.std(ddof=1)])


def test_a_level_without_rows_counts_by_the_difference_of_an_indicator():
    random = np.random.default_rng(10)
    rows = {"C": random.integers(0, 2, 40).astype(float), "Y": random.standard_normal(40)}
    own = coordinates_on(ModelSpec.parse("C ~ categorical(levels=[0, 1, 2]); Y ~ normal(C)"), Dataset.of(rows))["Y"]
    prior = own.coefficients[2].prior
    assert prior is not None
    assert own.to_raw[2, 2] * prior.args[1] == pytest.approx(2 * rows["Y"].std(ddof=1))


def test_weights_of_latent_nodes_and_latent_parents_are_per_sd():
    rows = suppressed(50, 11)
    text = "latent U ~ normal; latent V ~ normal(X, Z); Z ~ normal; X ~ normal; Y ~ normal(X, U, V)"
    assert prior_sds(text, rows, "V") == pytest.approx([1.0, 1.0])
    assert prior_sds(text, rows) == pytest.approx([rows["Y"].std(ddof=1)] * 3)


def test_priors_of_the_user_and_fixed_numbers_stay_what_they_are():
    rows = Dataset.of(suppressed(50, 12))
    believed = coordinates_on(ModelSpec.parse("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z, weight=normal(0, 2))"), rows)
    assert [str(c.prior) for c in believed["Y"].coefficients[1:]] == ["normal(0, 2)", "normal(0, 2)"]
    # Beside a weight that is known a parent counts as if it were alone.
    spec = ModelSpec.parse("Z ~ normal; X ~ normal(Z); Y ~ normal(X, Z)").with_priors({"Z -> Y": -5.0})
    alone = coordinates_on(spec, rows)["Y"].coefficients
    assert alone[2].fixed == -5.0
    assert alone[1].prior is not None
    assert alone[1].prior.args[1] == pytest.approx(rows.summary("Y").sd)


# Tables


def rows_of_table(text: str, rows: dict[str, np.ndarray], node: str = "Y") -> np.ndarray:
    spec = ld.fit(text, rows, seed=0, progress=False)
    own = next(own for own in spec.coordinates if own.node == node)
    family = spec.spec[node].family
    assert isinstance(family, Table)
    return pseudo_counts(own, family)


def test_rows_of_a_table_begin_with_one_row_at_the_shares_of_the_node():
    random = np.random.default_rng(13)
    a, y = random.integers(0, 2, 40).astype(float), np.repeat([0.0, 1.0, 2.0], [27, 9, 4])
    found = rows_of_table("A ~ table; Y ~ table(A)", {"A": a, "Y": y})
    assert found == pytest.approx(np.tile([28 / 43, 10 / 43, 5 / 43], (2, 1)))


def test_a_table_without_parents_and_a_stated_concentration_stay_what_they_were():
    random = np.random.default_rng(14)
    rows = {"A": random.integers(0, 2, 40).astype(float), "Y": random.integers(0, 3, 40).astype(float)}
    text = "A ~ table; Y ~ table(A, concentration=1)"
    assert (rows_of_table(text, rows, "A") == 1.0).all()
    assert (rows_of_table(text, rows) == 1.0).all()
    assert "concentration=1" in ModelSpec.parse(text)["Y"].text()


def test_rows_of_a_table_with_a_latent_parent_begin_alike_but_those_of_the_latent_with_one_count_a_level():
    random = np.random.default_rng(15)
    rows = Dataset.of({"A": np.tile([0.0, 1.0], 20), "Y": random.integers(0, 2, 40).astype(float)})
    text = "latent U ~ table(levels=[0, 1]); A ~ table(U, levels=[0, 1]); Y ~ table(A, levels=[0, 1])"
    spec = ModelSpec.parse(text)
    own = coordinates_on(spec, rows)
    for node, total in (("U", 2.0), ("A", 1.0), ("Y", 1.0)):
        family = spec[node].family
        assert isinstance(family, Table)
        assert pseudo_counts(own[node], family).sum(axis=-1) == pytest.approx(np.full(family.n_rows, total))
