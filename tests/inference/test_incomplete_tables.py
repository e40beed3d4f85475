"""Tables with missing cells and with rows of experiments, from the door on: what is read, trained, said, kept and refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import latentdo as ld
from latentdo.cli import main
from latentdo.errors import DataError, SpecError
from latentdo.tables import Dataset, Pattern, read_table

CHAIN = "X ~ normal; M ~ normal(X); Y ~ normal(M)"
FAST = ld.Laplace(draws=400)


def chain_rows(n: int = 120, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    m = 0.8 * x + 0.6 * rng.normal(size=n)
    return {"X": x, "M": m, "Y": 1.5 * m + 0.5 * rng.normal(size=n)}


def with_gaps(rows: dict[str, np.ndarray], name: str = "M", every: int = 5) -> dict[str, np.ndarray]:
    values = rows[name].copy()
    values[::every] = np.nan
    return {**rows, name: values}


def write(path: Path, rows: dict[str, np.ndarray]) -> Path:
    cells = [["" if isinstance(v, float) and np.isnan(v) else str(v) for v in values] for values in rows.values()]
    path.write_text("\n".join([",".join(rows), *(",".join(row) for row in zip(*cells, strict=True))]) + "\n")
    return path


# What is read


def test_missing_cells_are_refused_with_both_repairs() -> None:
    with pytest.raises(DataError, match=r'Missing cells: .M. 24 .*missing="latent".*missing="drop"') as caught:
        ld.fit(CHAIN, with_gaps(chain_rows()))
    assert caught.value.column == "M"
    with pytest.raises(DataError, match="No missing is called 'ignore'"):
        ld.fit(CHAIN, chain_rows(), missing="ignore")  # type: ignore[arg-type]


def test_a_column_without_any_cell_is_a_latent() -> None:
    rows = {**chain_rows(), "M": np.full(120, np.nan)}
    for missing in ("latent", "drop"):
        with pytest.raises(DataError, match=r"Missing in every row: 'M'.*`latent M`"):
            ld.fit(CHAIN, rows, missing=missing)


def test_only_columns_that_the_model_uses_make_a_row_incomplete() -> None:
    rows = {**with_gaps(chain_rows()), "note": np.full(120, np.nan)}
    data = read_table(rows, ["X", "M", "Y"], missing="drop")
    assert (data.n_rows, data.dropped, data.pattern) == (96, 24, None)
    data = read_table(rows, ["X", "M", "Y"], missing="latent")
    assert data.n_missing == {"M": 24} and data.patterns == (Pattern(), Pattern(("M",)))


def test_levels_that_two_tables_show_are_put_together() -> None:
    first, second = {"C": ["b", "a", "b"], "Y": [1.0, 2.0, 3.0]}, {"C": ["c", "c"], "Y": [0.0, 1.0]}
    data = read_table([first, ld.experiment(second, do=["C"])], ["C", "Y"], (), {"C": ()})
    assert dict(data.levels)["C"] == ("a", "b", "c")
    assert data.column("C").tolist() == [1.0, 0.0, 1.0, 2.0, 2.0] and data.regimes == {(): 3, ("C",): 2}


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (["Z"], "do names 'Z', which is no node of the model"),
        (["U"], "do names 'U', which nobody measured"),
        ([], "do= takes the names of the nodes that were set"),
        ("X", r"do= takes a list of the nodes that were set, got 'X'. Write do=\['X'\]"),
    ],
)
def test_what_cannot_have_been_set_is_refused(do: list[str] | str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ld.fit("latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)", [chain_rows(), ld.experiment(chain_rows(), do=do)])


def test_a_column_of_regimes_is_read_by_names() -> None:
    rows = {**chain_rows(4), "arm": ["", "M", "M, X", None]}
    data = read_table(rows, ["X", "M", "Y"], do="arm")
    assert data.regimes == {(): 2, ("M",): 1, ("M", "X"): 1}
    assert data.do_column == "arm" and "arm" not in data.ignored
    with pytest.raises(DataError, match="Column 'arm', row 1, counting from 0: do names 'N', which is no node"):
        read_table({**rows, "arm": ["", "N", "", ""]}, ["X", "M", "Y"], do="arm")
    with pytest.raises(DataError, match=r"There is no column 'arms'.*Did you mean 'arm'"):
        read_table(rows, ["X", "M", "Y"], do="arms")
    with pytest.raises(DataError, match="'X' is a node of the model"):
        read_table(rows, ["X", "M", "Y"], do="X")
    with pytest.raises(DataError, match="holds no text"):
        read_table({**rows, "arm": [0, 1, 0, 1]}, ["X", "M", "Y"], do="arm")


def test_a_node_that_was_set_has_a_value_and_was_not_set_everywhere() -> None:
    rows = {**with_gaps(chain_rows(10), every=10), "arm": ["M", *[""] * 9]}
    with pytest.raises(DataError, match="'M' was set in row 0, counting from 0, and its cell there is missing"):
        read_table(rows, ["X", "M", "Y"], missing="latent", do="arm")
    with pytest.raises(DataError, match="Set in every row: 'X'"):
        ld.fit(CHAIN, ld.experiment(chain_rows(), do=["X"]))


def test_set_cells_do_not_enter_means_and_spreads_but_are_in_the_range() -> None:
    rows = chain_rows()
    rows["M"][:3] = 50.0
    data = read_table({**rows, "arm": ["M"] * 3 + [""] * 117}, ["X", "M", "Y"], do="arm")
    own = data.summary("M")
    assert own.mean == pytest.approx(rows["M"][3:].mean()) and own.sd == pytest.approx(rows["M"][3:].std(ddof=1))
    assert own.maximum == 50.0 and own.n == 117


def test_rows_keep_their_patterns_whatever_is_done_to_them() -> None:
    rows = with_gaps(chain_rows(20), every=4)
    data = read_table(rows, ["X", "M", "Y"], missing="latent")
    assert data.hash != Dataset(data.columns, data.weights).hash
    shuffled = data.picked(np.random.default_rng(0).permutation(20))
    assert shuffled.rows_digest == data.rows_digest != Dataset(data.columns, data.weights).rows_digest
    assert data.padded(32).picked(np.arange(20)).hash == data.hash
    assert data.collapsed(["X", "M"]).n_missing == {"M": 5}
    assert data.collapsed(["X"]).pattern is None
    assert data.expanded(["M"]).n_missing == {"M": 5}


# What is trained


def test_rows_left_out_by_name_are_those_left_out_by_hand() -> None:
    rows = with_gaps(chain_rows())
    kept = ~np.isnan(rows["M"])
    by_hand = ld.fit(CHAIN, {name: values[kept] for name, values in rows.items()}, FAST)
    dropped = ld.fit(CHAIN, rows, FAST, missing="drop")
    query = "E[Y | do(X=1)]"
    assert np.array_equal(ld.ask(by_hand, query).draws, ld.ask(dropped, query).draws)
    assert "24 rows with missing cells were left out" in dropped.summary()
    assert any("24 rows with missing cells were left out" in words for words in ld.ask(dropped, query).warnings)


def test_a_missing_leaf_costs_no_row_of_the_others() -> None:
    rows = with_gaps(chain_rows(), "Y")
    seen = ~np.isnan(rows["Y"])
    whole, gaps = ld.fit(CHAIN, chain_rows(), FAST), ld.fit(CHAIN, rows, FAST, missing="latent")
    assert [block.block.nodes for block in gaps.blocks] == [("X",), ("M",), ("Y",)]
    for node in ("X", "M"):
        assert np.array_equal(whole.by_node[node].coefficients, gaps.by_node[node].coefficients)
    own = ld.fit(CHAIN, {name: values[seen] for name, values in rows.items()}, FAST)
    means = [fit.by_node["Y"].coefficients.mean(axis=(0, 1)) for fit in (gaps, own)]
    assert np.allclose(*means, atol=0.02)


def test_experiments_cut_the_factor_of_what_was_set() -> None:
    observed, set_rows = chain_rows(120), chain_rows(40, seed=1)
    set_rows["M"] = np.linspace(-4.0, 4.0, 40)
    set_rows["Y"] = 1.5 * set_rows["M"] + 0.1
    posterior = ld.fit(CHAIN, [observed, ld.experiment(set_rows, do=["M"])], FAST)
    assert posterior.regimes == (("M",),)
    alone = ld.fit(CHAIN, observed, FAST)
    own = [fit.by_node["M"].coefficients for fit in (posterior, alone)]
    assert np.allclose(own[0].mean(axis=(0, 1)), own[1].mean(axis=(0, 1)), atol=0.02)
    assert own[0][..., 1].std() == pytest.approx(own[1][..., 1].std(), rel=0.15)
    spread = [fit.by_node["Y"].coefficients[..., 1].std() for fit in (posterior, alone)]
    assert spread[0] < 0.5 * spread[1]
    assert "120 observed, 40 of do(M)" in posterior.summary()
    by_column = {name: np.concatenate([observed[name], set_rows[name]]) for name in observed}
    arms = [""] * 120 + ["M"] * 40
    again = ld.fit(CHAIN, {**by_column, "arm": arms}, FAST, do="arm")
    assert np.array_equal(again.by_node["Y"].coefficients, posterior.by_node["Y"].coefficients)
    # do(M = 4) was seen, and is no extrapolation.
    assert not any("outside the data" in words for words in ld.ask(posterior, "E[Y | do(M=4)]").warnings)


def test_a_hidden_cell_says_what_is_assumed_wherever_a_reader_looks() -> None:
    posterior = ld.fit(CHAIN, with_gaps(chain_rows()), FAST, missing="latent")
    (block,) = (block for block in posterior.blocks if "M" in block.block.nodes)
    assert block.block.nodes == ("M", "Y")
    assert "{M} and {Y} are one where cells of M are missing" in posterior.plan
    assumed = "missing at random given what the model holds"
    answer = ld.ask(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]")
    assert assumed in posterior.summary()
    assert any(assumed in words for words in answer.warnings)
    assert assumed in json.dumps(answer.to_json())
    assert "missing at random given" in answer.methods()
    assert answer.mean == pytest.approx(1.2, abs=4 * answer.sd)


@pytest.mark.parametrize("name", ["X", "M", "Y"])
def test_more_than_half_missing_is_told(name: str) -> None:
    rows = chain_rows()
    rows[name][:70] = np.nan
    words = " ".join(ld.check(CHAIN, rows, missing="latent").cautions)
    assert f"70 of 120 cells of {name} are missing" in words and "more than half" in words


def test_what_cannot_be_averaged_over_is_refused_by_name() -> None:
    rows = with_gaps(chain_rows())
    rows["Y"] = 2.0 * chain_rows()["M"]
    with pytest.raises(DataError, match=r"M is missing in 24 rows.*Y is declared linear"):
        ld.fit("X ~ normal; M ~ normal(X); Y ~ linear(M)", rows, missing="latent")


# What is kept, and who else is told


def test_a_saved_fit_knows_its_rows_and_what_was_assumed(tmp_path: Path) -> None:
    rows = {**with_gaps(chain_rows()), "arm": [""] * 100 + ["M"] * 20}
    rows["M"][100:] = 2.0
    posterior = ld.fit(CHAIN, rows, FAST, missing="latent", do="arm")
    whole = ld.load(posterior.save(tmp_path / "whole.ldo", data=True))
    assert whole.data is not None and posterior.data is not None
    assert whole.data.hash == posterior.data.hash and whole.data.patterns == posterior.data.patterns
    without = ld.load(posterior.save(tmp_path / "without.ldo"))
    assert without.facts == posterior.facts and without.regimes == (("M",),)
    draws = [fit.log_likelihood(rows, draws=3) for fit in (without, whole)]
    assert np.array_equal(*draws) and draws[0].shape == (3, 120)
    kept = ld.fit(CHAIN, rows, FAST, missing="latent", do="arm", start=without)
    assert all("kept from the earlier fit" in block.why for block in kept.blocks)
    changed = {**rows, "M": np.where(np.arange(120) == 1, np.nan, rows["M"])}
    again = ld.fit(CHAIN, changed, FAST, missing="latent", do="arm", start=without)
    assert [("kept from" in block.why) for block in again.blocks] == [True, False]


def test_rivals_see_complete_rows_that_were_only_observed() -> None:
    rows = {**with_gaps(chain_rows()), "arm": [""] * 100 + ["M"] * 20}
    rows["M"][100:] = 2.0
    posterior = ld.fit(CHAIN, rows, FAST, missing="latent", do="arm")
    found = ld.compare(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]", methods=["lvm", "plug-in"], replicates=0)
    assert "The rivals see 80 of the 120 rows: 20 have missing cells and in 20 some node was set." in " ".join(
        str(found).split()
    )
    kept = np.arange(120) < 100
    kept &= ~np.isnan(rows["M"])
    alone = ld.compare(
        ld.graph("X -> M -> Y"),
        {name: rows[name][kept] for name in ("X", "M", "Y")},
        "E[Y | do(X=1)] - E[Y | do(X=0)]",
        methods=["plug-in"],
        replicates=0,
    )
    assert found[1].estimate == pytest.approx(alone[0].estimate)
    assert found[1].note.endswith("; on 80 of 120 rows") and "120" not in found[0].note + alone[0].note


def test_the_check_of_a_fit_says_which_rows_it_looked_at() -> None:
    rows = chain_rows()
    gaps = ld.check(ld.fit(CHAIN, with_gaps(rows), FAST, missing="latent"))
    assert str(gaps.word) == "not checked" and "cells are missing" in str(gaps)
    more = {**chain_rows(40, seed=1), "M": np.zeros(40)}
    regimes = ld.check(ld.fit(CHAIN, [rows, ld.experiment(more, do=["M"])], FAST))
    assert str(regimes.word) != "not checked"
    assert "40 others are left out" in " ".join(regimes.notes)


def test_many_fits_and_reports_take_the_same_options() -> None:
    tables = {"a": with_gaps(chain_rows()), "b": with_gaps(chain_rows(seed=1), "Y")}
    fits = ld.fit_many(CHAIN, tables, FAST, missing="latent")
    assert np.array_equal(
        fits["b"].by_node["X"].coefficients,
        ld.fit(CHAIN, tables["b"], FAST, missing="latent").by_node["X"].coefficients,
    )
    assert "24 rows with missing cells were left out" in " ".join(ld.check(CHAIN, tables["a"], missing="drop").cautions)
    with pytest.raises(SpecError, match="missing= and do= belong to the check of a model"):
        ld.check(ld.graph("X -> M -> Y"), tables["a"], missing="drop")


def test_a_study_and_the_command_line_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    observed, more = with_gaps(chain_rows()), {**chain_rows(10, seed=1), "M": np.full(10, 2.0)}
    write(tmp_path / "cells.csv", observed)
    write(tmp_path / "knockout.csv", more)
    study = tmp_path / "study.yaml"
    study.write_text(
        f"model: '{CHAIN}'\ndata: [cells.csv, {{file: knockout.csv, do: [M]}}]\nmissing: latent\n"
        "inference: {engine: laplace, draws: 400}\n"
    )
    by_study = ld.fit(study)
    by_hand = ld.fit(CHAIN, [observed, ld.experiment(more, do=["M"])], FAST, missing="latent")
    assert np.array_equal(by_study.by_node["Y"].coefficients, by_hand.by_node["Y"].coefficients)
    joined = {name: np.concatenate([observed[name], more[name]]) for name in observed}
    write(tmp_path / "all.csv", {**joined, "arm": np.array([""] * 120 + ["M"] * 10)})
    out = tmp_path / "fit.ldo"
    command = [
        "fit",
        CHAIN,
        str(tmp_path / "all.csv"),
        "-o",
        str(out),
        "--engine",
        "laplace",
        "--draws",
        "400",
        "--json",
    ]
    assert main([*command, "--missing", "latent", "--do-column", "arm"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["regimes"] == [{"do": [], "rows": 120}, {"do": ["M"], "rows": 10}]
    assert told["missing"]["cells"] == {"M": 24} and told["missing"]["handled"] == "latent"
    assert np.array_equal(ld.load(out).by_node["Y"].coefficients, by_hand.by_node["Y"].coefficients)
    assert main([*command, "--do-column", "arm"]) == 2
    assert "--missing latent" in capsys.readouterr().out
    assert main(["check", CHAIN, str(tmp_path / "all.csv"), "--missing", "drop", "--do-column", "arm"]) == 0
    assert main(["check", "X -> M -> Y", str(tmp_path / "all.csv"), "--missing", "drop"]) == 2


def test_a_question_that_an_experiment_identifies_is_answered_and_says_so() -> None:
    rng = np.random.default_rng(2)

    def rows(n: int, *, is_set: bool) -> dict[str, np.ndarray]:
        u = rng.normal(size=n)
        x = rng.normal(size=n) if is_set else u + 0.5 * rng.normal(size=n)
        return {"X": x, "Y": x - 2.0 * u + 0.5 * rng.normal(size=n)}

    bow = "latent U ~ normal; X ~ normal(U); Y ~ normal(X, U)"
    question = "E[Y | do(X=1)] - E[Y | do(X=0)]"
    observed = ld.fit(bow, rows(200, is_set=False), FAST)
    with pytest.raises(ld.NotIdentifiedError):
        ld.ask(observed, question)
    both = ld.fit(bow, [rows(200, is_set=False), ld.experiment(rows(100, is_set=True), do=["X"])], FAST)
    answer = ld.ask(both, question)
    assert "identified with rows of do(X)" in str(answer)
    assert answer.to_json()["experiments"] == [["X"]]
    assert "is identified with rows of do(X) given this graph" in answer.methods()
    assert ld.identify(both, question).identified and not ld.identify(both.spec, question).identified
    assert answer.mean == pytest.approx(1.0, abs=4 * answer.sd) and answer.sd < 0.3
    row = ld.compare(both, question, methods=["lvm", "plug-in"], replicates=0)[1]
    assert row.estimate is None
    alone = {"X": np.zeros(5), "Y": rng.normal(size=5)}
    words = " ".join(
        ld.ask(ld.fit(bow, [rows(200, is_set=False), ld.experiment(alone, do=["X"])], FAST), question).warnings
    )
    assert "X was set to 0 alone" in words


def test_what_a_node_was_set_to_is_said_only_where_something_follows_from_it() -> None:
    knockout = {**chain_rows(40, seed=1), "M": np.zeros(40)}
    fit = ld.fit(CHAIN, [chain_rows(), ld.experiment(knockout, do=["M"])], FAST)
    for query, said in (("E[M | do(X=1)]", False), ("E[Y | do(X=1)]", True), ("E[Y | do(M=1)]", True)):
        assert ("M was set to 0 alone" in " ".join(ld.ask(fit, query).warnings)) == said


def test_an_experiment_without_rows_is_refused_by_name() -> None:
    empty = {name: values[:0] for name, values in chain_rows().items()}
    with pytest.raises(DataError, match=r"Table 2, the experiment do\(M\), has no rows\. Leave it out"):
        ld.fit(CHAIN, [chain_rows(), ld.experiment(empty, do=["M"])], FAST)


@pytest.mark.parametrize("switch", ["zi", "hurdle"])
def test_zeros_that_no_row_has_are_told_by_the_prior(switch: str) -> None:
    x = chain_rows()["X"]
    counts = np.random.default_rng(0).poisson(2.0, len(x))
    model = f"X ~ normal; Y ~ poisson(X, {switch}=true)"
    without, some = (ld.fit(model, {"X": x, "Y": y}, FAST).warnings for y in (counts + 1, counts))
    assert f"Y has {switch}=true, and none of its 120 rows is 0" in " ".join(without)
    assert f"{switch}=true" not in " ".join(some)


def test_what_observation_answers_is_not_said_to_need_an_experiment() -> None:
    more = {**chain_rows(40, seed=1), "X": np.full(40, 2.0)}
    posterior = ld.fit(CHAIN, [chain_rows(), ld.experiment(more, do=["X"])], FAST)
    answer = ld.ask(posterior, "E[Y | do(X=1)]")
    assert "with rows of" not in str(answer) and "experiments" not in answer.to_json()
    rows = ld.compare(posterior, "E[Y | do(X=1)] - E[Y | do(X=0)]", methods=["plug-in"], replicates=0)
    assert rows[0].estimate is not None
