"""Blocks of tables with hidden nodes: draws against sums over all that was not seen, gaps and set cells included."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from latentdo.arrays import FloatArray
from latentdo.inference.blocks.coordinates import coordinates_on, pseudo_counts
from latentdo.inference.blocks.draws import BlockDraws, NodeDraws
from latentdo.inference.blocks.engines import Auto
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers.gibbs import _Chains, gibbs
from latentdo.inference.samplers.hidden.moments import table_moments
from latentdo.inference.samplers.hidden.swaps import LevelSwap, level_swaps
from latentdo.inference.samplers.hidden.tables import ALONE, HiddenTables
from latentdo.inference.train import Fit
from latentdo.models import ModelSpec, Table
from latentdo.tables import read_table

MODEL = "latent U ~ table(levels=[0, 1]); X ~ table(U, levels=[0, 1]); Y ~ table(X, U, levels=[0, 1, 2])"
ROWS = {"X": [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0], "Y": [0.0, 0.0, 2.0, 2.0, 1.0, 0.0, 2.0, 0.0]}
GAPS = {"X": [0.0, np.nan, 1.0, 1.0, 0.0, 1.0, np.nan, 0.0], "Y": ROWS["Y"]}


def only_task(rows: Mapping[str, object], text: str = MODEL) -> Task:
    spec = ModelSpec.parse(text)
    data = read_table(rows, list(spec.measured), missing="latent", do="arm" if "arm" in rows else "")
    (task,) = (each for each in Fit.of(spec, data, Auto(), 0).tasks(lambda *_: None, threading.Event()) if each.unseen)
    assert task.shape == (16, 250)
    return task


def expected(task: Task, functionals: Sequence[tuple[tuple[str, int, int], ...]]) -> list[float]:
    """Posterior means of products of cells (node, row, level) of different tables, summed over all that was not seen."""
    spec, rows = task.spec, task.data
    families = {node: family for node in task.block.nodes if isinstance(family := spec[node].family, Table)}
    counts = {node: pseudo_counts(task.coordinates[node], family) for node, family in families.items()}
    options = []
    for k in range(rows.n_stored):
        pattern = rows.patterns[rows.pattern[k]] if rows.pattern is not None else None
        levels = [
            families[node].points
            if node in task.block.latent or (pattern and node in pattern.missing)
            else (rows.column(node)[k],)
            for node in task.block.nodes
        ]
        held = set(pattern.held) if pattern else set()
        options += [
            [(dict(zip(task.block.nodes, each, strict=True)), held) for each in itertools.product(*levels)]
        ] * int(rows.weights[k])
    logs, values = [], []
    for completion in itertools.product(*options):
        seen = {node: own.copy() for node, own in counts.items()}
        for row, held in completion:
            for node in task.block.nodes:
                if node not in held:
                    at = 0
                    for parent in spec[node].parents:
                        at = at * len(families[parent].points) + int(row[parent])
                    seen[node][at, int(row[node])] += 1.0
        logs.append(
            sum(
                (gammaln(seen[n]).sum() - gammaln(seen[n].sum(axis=1)).sum() - gammaln(own).sum())
                for n, own in counts.items()
            )
        )
        values.append([math.prod(seen[n][r, k] / seen[n][r].sum() for n, r, k in cells) for cells in functionals])
    weights = np.exp(np.array(logs) - logsumexp(logs))
    return (weights @ np.array(values)).tolist()


@pytest.mark.parametrize("rows", [ROWS, {**GAPS, "arm": ["Y", "", "X", "X", "", "", "", ""]}], ids=["measured", "gaps"])
def test_draws_have_the_posterior_that_sums_over_all_that_was_not_seen(rows: Mapping[str, object]):
    task = only_task(rows)
    result = gibbs(task, Auto())
    assert isinstance(result, BlockDraws)
    assert result.certified
    draws = {node: own.coefficients.reshape(16, 250, -1) for node, own in result.draws}
    cells: list[tuple[tuple[str, int, int], ...]] = []
    # P(X=1) and P(Y=2 | do(X=1)): sums over U do not mind which level is called 0.
    means = []
    joint = draws["U"].reshape(16, 250, 2)
    x, y = draws["X"].reshape(16, 250, 2, 2), draws["Y"].reshape(16, 250, 2, 2, 3)
    for found, parts in (
        ((joint * x[..., 1]).sum(axis=-1), [(("U", 0, u), ("X", u, 1)) for u in (0, 1)]),
        ((joint * y[:, :, 1, :, 2]).sum(axis=-1), [(("U", 0, u), ("Y", 2 + u, 2)) for u in (0, 1)]),
        (
            (joint * x[..., 1] * y[:, :, 1, :, 0]).sum(axis=-1),
            [(("U", 0, u), ("X", u, 1), ("Y", 2 + u, 0)) for u in (0, 1)],
        ),
    ):
        cells += parts
        means.append((float(found.mean()), float(found.mean(axis=1).std(ddof=1) / 4.0)))
    sums = np.array(expected(task, cells)).reshape(-1, 2).sum(axis=1)
    for (mean, error), truth in zip(means, sums, strict=True):
        assert mean == pytest.approx(truth, abs=4.5 * error)
        assert error < 0.01


def test_chains_that_were_stopped_go_on_to_the_same_draws():
    task = only_task(ROWS)
    families = {node: task.spec[node].family for node in task.block.nodes}
    counts = {node: pseudo_counts(task.coordinates[node], family) for node, family in families.items()}
    chains, other = (_Chains(task, families, counts) for _ in range(2))
    chains.advance(400)
    other.restore(chains.state())
    for each in (chains, other):
        each.advance(300)
    assert chains.made == other.made == 700
    for one, two in zip(chains.kept, other.kept, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (MODEL.replace("X ~ table", "X ~ categorical"), "tables alone"),
        (
            MODEL.replace("(U, ", "(U, concentration=1, ").replace("(X, U, ", "(X, U, concentration=2, "),
            "begins with a count",
        ),
    ],
)
def test_other_blocks_are_left_to_others(text: str, why: str):
    declined = gibbs(only_task(ROWS, text), Auto())
    assert isinstance(declined, str)
    assert why in declined


def test_rows_beside_another_family_begin_with_one_count_a_level():
    text = f"{MODEL}; Z ~ normal(U)"
    data = read_table({**ROWS, "Z": np.arange(8.0)}, ["X", "Y", "Z"])
    own, spec = coordinates_on(ModelSpec.parse(text), data), ModelSpec.parse(text)
    assert isinstance(spec["Y"].family, Table)
    assert (pseudo_counts(own["Y"], spec["Y"].family) == 1.0).all()
    alone = coordinates_on(ModelSpec.parse(MODEL), data)
    assert pseudo_counts(alone["Y"], spec["Y"].family)[0] == pytest.approx([5 / 11, 2 / 11, 4 / 11])


PARTS = "latent U ~ table(W, levels=[0, 1, 2]); X ~ table(U, W, levels=[0, 1]); Y ~ table(U, levels=[0, 1])"
CELLS = {
    "W": [0.0, 0.0, 1.0, 1.0, 1.0, 0.0],
    "X": [0.0, 1.0, 1.0, 1.0, 0.0, np.nan],
    "Y": [0.0, 0.0, 1.0, 0.0, 1.0, 1.0],
    "arm": ["", "Y", "", "", "X", ""],
}


def hidden_tables(task: Task) -> tuple[HiddenTables, list[LevelSwap]]:
    families = {node: family for node in task.block.nodes if isinstance(family := task.spec[node].family, Table)}
    counts = {node: pseudo_counts(task.coordinates[node], family) for node, family in families.items()}
    tables = HiddenTables.of(task, families, counts)
    return tables, [swap for each in level_swaps(task, families, tables) for swap in each]


def test_swaps_of_levels_leave_the_law_of_what_is_hidden_as_it_is():
    task = only_task(CELLS, f"W ~ table(levels=[0, 1]); {PARTS}")
    tables, swaps = hidden_tables(task)
    assert [len(each.parts) for each in swaps] == [2, 2, 2]
    # Every way in which the rows may be in states, (way, row), and the law of these with the tables integrated out.
    options = [np.flatnonzero(np.isfinite(each)) for each in tables.possible[:, :, 0]]
    ways = np.array(list(itertools.product(*options)))
    states = (ways[:, :, None] == np.arange(tables.possible.shape[1])).transpose(1, 2, 0).astype(float)
    own = tables.counts(states) + tables.pseudo
    logs = gammaln(own).sum(axis=0) - gammaln(np.add.reduceat(own, tables.first)).sum(axis=0)
    law = np.exp(logs - logsumexp(logs))
    random = np.random.default_rng(0)
    n = 40_000
    chosen = states[:, :, random.choice(len(law), size=n, p=law)]
    moved = 0
    for each in swaps:
        before = chosen
        chosen, counts, _ = each.done(tables, chosen, tables.counts(chosen), random)
        moved += int((chosen != before).any(axis=(0, 1)).sum())
        np.testing.assert_array_equal(counts, tables.counts(chosen))
    assert moved > n / 10
    places = np.array([len(each) for each in options])
    index = [np.searchsorted(options[k], chosen[k].argmax(axis=0)) for k in range(len(options))]
    found = np.bincount(np.ravel_multi_index(tuple(index), tuple(places)), minlength=len(law)) / n
    often = law > 1e-3
    errors = (found - law)[often] / np.sqrt(law[often] / n)
    assert np.abs(errors).max() < 5.0
    assert np.mean(errors**2) == pytest.approx(1.0, abs=0.4)


def test_states_are_drawn_by_their_chances_of_rows_that_are_rare_and_that_are_many():
    task = only_task({name: [*values * 5, 1.0] for name, values in ROWS.items()})
    tables, _ = hidden_tables(task)
    assert len(tables.alone)
    assert len(tables.often) == 0
    weights = np.where(np.arange(len(tables.weights)) % 2, ALONE + 1, tables.weights)
    many = replace(
        tables,
        weights=weights,
        alone=np.repeat(np.arange(0, len(weights), 2), weights[::2]),
        often=np.arange(1, len(weights), 2),
    )
    n = 20_000
    logs = tables.drawn_logs(np.ones((len(tables.row), 1)), np.random.default_rng(1))
    chances, _ = many.chances(np.repeat(logs, n, axis=1))
    drawn = many.drawn_states(chances, np.random.default_rng(2))
    np.testing.assert_array_equal(drawn.sum(axis=1), np.repeat(weights[:, None], n, axis=1))
    share = np.diff(chances[..., 0], axis=1, prepend=0.0) / chances[:, -1:, 0]
    errors = (drawn.mean(axis=2) / weights[:, None] - share) / np.sqrt(share * (1 - share) / weights[:, None] / n)
    assert np.abs(errors).max() < 4.5


def test_what_is_judged_is_the_law_of_what_was_measured_whatever_the_hidden_levels_are_called():
    text = "W ~ table(levels=[0, 1]); " + PARTS.replace("Y ~ table(U, ", "Y ~ table(X, U, W, ")
    task = only_task({name: CELLS[name][:5] for name in "WXY"}, text)
    random = np.random.default_rng(3)
    shapes = {"U": (2, 3), "X": (3, 2, 2), "Y": (2, 3, 2, 2)}
    tables = {node: random.dirichlet(np.full(shape[-1], 0.3), (16, 250, *shape[:-1])) for node, shape in shapes.items()}

    def judged(tables: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        draws = {node: NodeDraws(own.reshape(16, 250, -1)) for node, own in tables.items()}
        return table_moments(task, draws, 16)

    found = judged(tables)
    # U depends on W, X on both, Y on all: with W = 1 the levels of U change places, and nowhere else.
    other = {node: own.copy() for node, own in tables.items()}
    order = [2, 0, 1]
    other["U"][:, :, 1] = other["U"][:, :, 1][..., order]
    other["X"][:, :, :, 1] = other["X"][:, :, order, 1]
    other["Y"][:, :, :, :, 1] = other["Y"][:, :, :, order, 1]
    again = judged(other)
    assert found.keys() == again.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, again[name], atol=1e-12)
    for w in (0, 1):
        exact = (tables["U"][:, :, w] * tables["X"][:, :, :, w, 1]).sum(axis=-1)
        np.testing.assert_allclose(found[f"mean(X) where W={w}"], exact, atol=1e-12)
        joint = tables["U"][:, :, w][..., None] * tables["X"][:, :, :, w]
        law = np.einsum("cdux,cdxuy->cdy", joint, tables["Y"][:, :, :, :, w])
        # Over units that draw X: near it on the whole.
        assert np.sqrt(np.mean((found[f"mean(Y) where W={w}"] - law[..., 1]) ** 2)) < 0.02
    assert {name for name in found if name.startswith("cov")} == {"cov(W, X)", "cov(W, Y)", "cov(X, Y)"}


def test_rows_of_tables_that_no_row_can_be_in_have_their_prior():
    text = MODEL.replace("X ~ table(U, levels=[0, 1])", "X ~ table(U, levels=[0, 1, 2])")
    task = only_task(ROWS, text)
    tables, _ = hidden_tables(task)
    n, random = 2_000, np.random.default_rng(4)
    # U, then X given U, then Y given X and U: of its six rows those with X = 2 are never reached.
    assert tables.live.sum() == len(tables.live) - 6 == len(tables.row)
    logs = np.repeat(tables.drawn_logs(np.ones((len(tables.row), 16)), random)[None], n, axis=0)
    whole = tables.whole(logs, random)
    np.testing.assert_array_equal(whole[:, tables.live], logs)
    other = np.exp(whole[:, ~tables.live]).reshape(n, 2, 3, 16)
    np.testing.assert_allclose(other.sum(axis=2), 1.0)
    mean = tables.prior[-3:, 0] / tables.prior[-3:].sum()
    error = np.sqrt(mean * (1 - mean) / (1 + tables.prior[-3:].sum()) / (n * 16))
    assert (np.abs(other.mean(axis=(0, 3)) - mean) < 4.5 * error).all()


@pytest.mark.slow
def test_ranks_of_true_laws_are_even_in_the_posteriors_of_tables_drawn_from_the_prior():
    # Talts et al. (2018), Validating Bayesian inference algorithms with simulation-based calibration.
    text = "W ~ table(levels=[0, 1]); latent U ~ table(W, levels=[0, 1], concentration=0.5)"
    text += "; X ~ table(U, W, levels=[0, 1], concentration=0.5); Y ~ table(X, U, levels=[0, 1], concentration=0.5)"
    random, n_sets, ranks = np.random.default_rng(5), 60, []
    while len(ranks) < n_sets:
        u, x, y = (random.dirichlet((0.5, 0.5), shape) for shape in ((2,), (2, 2), (2, 2)))

        def laws(u: FloatArray, x: FloatArray, y: FloatArray) -> list[FloatArray]:
            """P(X=1 | W=w) and P(Y=1 | W=w)."""
            of_x = [np.einsum("...u,...ux->...x", u[..., w, :], x[..., w, :]) for w in (0, 1)]
            of_y = [np.einsum("...u,...ux,...xuy->...y", u[..., w, :], x[..., w, :], y) for w in (0, 1)]
            return [law[..., 1] for law in (*of_x, *of_y)]

        w = np.arange(24) % 2
        hidden = (random.random(24) < u[w, 1]).astype(int)
        seen = (random.random(24) < x[hidden, w, 1]).astype(int)
        last = (random.random(24) < y[seen, hidden, 1]).astype(int)
        columns = {"W": w.astype(float), "X": seen.astype(float), "Y": last.astype(float)}
        if any(np.ptp(column) == 0 for column in columns.values()):
            # Refused. Ranks are even given any event of the data alone.
            continue
        result = gibbs(only_task(columns, text), Auto(max_steps=200))
        assert isinstance(result, BlockDraws)
        draws = {node: own.coefficients for node, own in result.draws}
        shape = draws["U"].shape[:2]
        own = (
            draws["U"].reshape(*shape, 2, 2),
            draws["X"].reshape(*shape, 2, 2, 2),
            draws["Y"].reshape(*shape, 2, 2, 2),
        )
        ranks.append([float(np.mean(drawn < true)) for drawn, true in zip(laws(*own), laws(u, x, y), strict=True)])
    found = np.array(ranks)
    # Of an even law: mean 1/2 and variance 1/12.
    assert (np.abs(found.mean(axis=0) - 0.5) < 4.0 * np.sqrt(1 / 12 / n_sets)).all()
    assert (np.abs(found.var(axis=0) - 1 / 12) < 4.0 * np.sqrt(1 / 180 / n_sets)).all()
