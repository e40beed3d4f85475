"""The planner is total: whatever the model, the families and the number of rows, some method trains each block."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import latentdo as ld
from latentdo.errors import LatentdoError
from latentdo.inference import Engine, Fit
from latentdo.inference.blocks.draws import BlockDraws
from latentdo.inference.likelihood.task import Task
from latentdo.inference.samplers import planner
from latentdo.tables import read_table
from tasks import task_of

MIXED = "latent U ~ normal; X ~ bernoulli(U); M ~ normal(X); Y ~ bernoulli(M, U)"
BINARY = "latent U ~ normal; A ~ bernoulli(U); M ~ bernoulli(A); Y ~ bernoulli(M, U)"

# Columns of each family, and what a model must say of a latent one.
MEASURED = {
    "normal": lambda random, n: random.normal(3, 2, n),
    "student": lambda random, n: random.standard_t(4, n),
    "bernoulli": lambda random, n: random.integers(0, 2, n),
    "categorical": lambda random, n: random.choice(["a", "b", "c"], n),
    "gamma": lambda random, n: random.gamma(2, 3, n),
    "hill": lambda random, n: random.uniform(5, 95, n),
    "table": lambda random, n: random.integers(0, 3, n),
}
LATENT = {"normal": "", "bernoulli": "", "hill": "", "student": "", "categorical": "levels=[0, 1, 2]"}
DISCRETE = {"bernoulli", "categorical", "table"}


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A model, and the family of each measured node."""
    families: dict[str, str] = {}
    measured: dict[str, str] = {}
    statements = []
    for name in "UVWXYZ"[: draw(st.integers(1, 6))]:
        latent = draw(st.booleans())
        family = draw(st.sampled_from(sorted(LATENT if latent else MEASURED)))
        parents = [parent for parent in families if draw(st.booleans())]
        if family == "table":
            parents = [parent for parent in parents if families[parent] in DISCRETE]
        items = [*parents, *([LATENT[family]] if latent and LATENT[family] else [])]
        statements.append(f"{'latent ' * latent}{name} ~ {family}({', '.join(items)})")
        families[name] = family
        if not latent:
            measured[name] = family
    return "; ".join(statements), measured


@pytest.fixture(scope="module")
def nothing_runs() -> Iterator[list[str]]:
    """Methods are chosen and not run: chains give poor draws at once, and no mode is found; the list says what ran."""
    ran: list[str] = []

    def poor(task: Task, engine: Engine, *args: object, **named: object) -> BlockDraws:
        ran.append("chains")
        return BlockDraws(task.block, "chains", ((task.block.nodes[0], planner.constant_draws(np.zeros(1), 4, 4)),))

    def few_rows(few: Any, engine: Engine) -> BlockDraws:
        return poor(few.task, engine)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("svi", "laplace", "posterior_mode", "_nuts", "run_ensemble"):
            patch.setattr(planner, name, poor)
        patch.setattr("latentdo.inference.samplers.marginal.run_ensemble", poor)
        patch.setattr("latentdo.inference.samplers.cells._placed", lambda *args: "no mode of the posterior was found")
        patch.setattr("latentdo.inference.samplers.rows.pilot", lambda task, *args: task.starts(16))
        patch.setattr("latentdo.inference.samplers.rows._Few.train", few_rows)
        for room in ("marginal", "regression"):
            patch.setattr(f"latentdo.inference.samplers.{room}.find_modes", lambda *args: ())
        yield ran


@given(texts(), st.one_of(st.integers(2, 60), st.integers(2_900, 3_100), st.integers(2, 20_000)), st.data())
def test_some_method_trains_every_block(nothing_runs, model, n, data):
    text, families = model
    engine = data.draw(st.sampled_from([ld.Auto(), ld.Auto(), ld.Nuts(), ld.Svi(), ld.Laplace(), ld.Map()]))
    random = np.random.default_rng(data.draw(st.integers(0, 9)))
    try:
        spec = ld.model(text)
        table = read_table(
            {name: MEASURED[family](random, n) for name, family in families.items()},
            spec.measured, spec.latent, spec.levels,
        )  # fmt: skip
        fit = Fit.of(spec, table, engine, 0)
    except LatentdoError:
        assume(False)
        raise
    for task in fit.tasks(lambda *_: None, threading.Event()):
        found = planner.train_block(task, engine)
        assert found.block == task.block


@pytest.mark.parametrize("n", [2_900, 3_001, 20_000])
def test_a_continuous_node_beside_binary_ones_is_trained_by_chains_however_many_rows(nothing_runs, n):
    random = np.random.default_rng(0)
    rows = {name: random.integers(0, 2, n) for name in "XY"} | {"M": random.normal(size=n)}
    assert planner.train_block(task_of(MIXED, rows, "X"), ld.Auto()).method == "chains"


@pytest.mark.parametrize(("n", "times"), [(2_900, 3), (3_100, 1)])
def test_with_many_rows_no_chains_follow_a_lattice_that_gave_poor_draws(nothing_runs, monkeypatch, n, times):
    random = np.random.default_rng(0)
    task = task_of(BINARY, {name: random.integers(0, 2, n) for name in "AMY"}, "A")
    monkeypatch.setattr(planner, "discrete", lambda task, engine: planner.run_ensemble(task, engine))
    nothing_runs.clear()
    planner.train_block(task, ld.Auto())
    assert len(nothing_runs) == times
