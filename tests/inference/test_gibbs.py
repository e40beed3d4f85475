"""Blocks of tables with hidden nodes: draws against sums over all that was not seen, gaps and set cells included."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from latentdo.inference.blocks.coordinates import coordinates_on, pseudo_counts
from latentdo.inference.blocks.draws import BlockDraws
from latentdo.inference.blocks.engines import Auto
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers.gibbs import _Chains, gibbs
from latentdo.inference.train import Fit
from latentdo.models import ModelSpec, Table
from latentdo.tables import read_table

MODEL = "latent U ~ table(levels=[0, 1]); X ~ table(U, levels=[0, 1]); Y ~ table(X, U, levels=[0, 1, 2])"
ROWS = {"X": [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0], "Y": [0.0, 0.0, 2.0, 2.0, 1.0, 0.0, 2.0, 0.0]}
GAPS = {"X": [0.0, np.nan, 1.0, 1.0, 0.0, 1.0, np.nan, 0.0], "Y": ROWS["Y"]}


def only_task(rows: Mapping[str, object], text: str = MODEL) -> Task:
    spec = ModelSpec.parse(text)
    data = read_table(rows, list(spec.measured), missing="latent", do="arm" if "arm" in rows else "")
    (task,) = Fit.of(spec, data, Auto(), 0).tasks(lambda *_: None, threading.Event())
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
    chains.advance(100, 50)
    other.restore(chains.state())
    for each in (chains, other):
        each.advance(100, 50)
    assert chains.made == other.made == 200
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
