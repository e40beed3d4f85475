"""Rows with missing and with set cells: their likelihood against dense formulas, sums over all values, and integrals by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

import latentdo as ld
from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.cells import hidden_nodes, roles, trained_rows
from latentdo.inference.likelihood.certify import log_likelihood
from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.gaussian import gaussian_form
from latentdo.inference.likelihood.rows import RowLikelihood
from latentdo.inference.likelihood.task import Task
from latentdo.inference.likelihood.writing import program_of
from latentdo.inference.samplers.outcome import node_draws
from latentdo.models.build import NUMPY
from latentdo.tables import Pattern, read_table
from tasks import raw_draws, task_of

FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); Z ~ normal(Y)"


def front_door_rows(n: int = 12, seed: int = 0) -> dict[str, np.ndarray]:
    """Rows of the front door, cells missing in every way, and in some rows M or Y set."""
    rng = np.random.default_rng(seed)
    u, noise = rng.normal(size=n), rng.normal(size=(4, n))
    x = 1.0 + u + noise[0]
    m = 0.5 * x + noise[1]
    y = m - u + noise[2]
    z = 2.0 * y + noise[3]
    columns = {"X": x, "M": m, "Y": y, "Z": z}
    for k, name in enumerate(columns):
        columns[name][k :: 4 + k] = np.nan
    arm = np.array([""] * n, dtype=object)
    arm[[6, 7]] = "M"
    arm[9] = "M, Y"
    m[[6, 7, 9]], y[9] = 3.0, -1.0
    return {**columns, "arm": arm}


def raw_numbers(task: Task, u: np.ndarray) -> dict[str, tuple[np.ndarray, dict[str, float]]]:
    """Each node's coefficients and own parameters in raw units at free coordinates."""
    draws = node_draws(task, u[None, None])

    class _Draws:
        pass

    _Draws.draws = draws
    found = {}
    for node, _ in draws:
        coefficients, parameters = raw_draws(_Draws, node)
        found[node] = coefficients[0], {name: float(values[0]) for name, values in parameters.items()}
    return found


def dense_log_density(numbers: dict, spec: object, row: dict[str, float], held: set[str]) -> float:
    """The log density of a row's seen cells, of nodes that answered to their causes: by the covariance of all nodes."""
    nodes = list(numbers)
    n = len(nodes)
    weights, constants, sds = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    for k, node in enumerate(nodes):
        coefficients, parameters = numbers[node]
        if node in held:
            constants[k] = row[node]
            continue
        constants[k], sds[k] = coefficients[0], parameters["sd"]
        for parent, weight in zip(spec[node].parents, coefficients[1:], strict=True):
            weights[k, nodes.index(parent)] = weight
    effect = np.linalg.inv(np.eye(n) - weights)
    seen = [k for k, node in enumerate(nodes) if node not in held and np.isfinite(row.get(node, np.nan))]
    mean, covariance = effect @ constants, effect @ np.diag(sds**2) @ effect.T
    values = np.array([row[nodes[k]] for k in seen])
    return float(scipy.stats.multivariate_normal.logpdf(values, mean[seen], covariance[np.ix_(seen, seen)]))


def quadrature(task: Task, level: int) -> Callable[[np.ndarray], float]:
    """The log likelihood of all rows by a rule of `rows`, in NumPy: nothing is compiled."""
    form, numbers = RowLikelihood(task, task.cells, np.asarray(task.cells.weights, dtype=float), level=level).halves
    return lambda u: float(numbers.counts @ form.log_rows(NUMPY, numbers, u)[1])


def points(task: Task, n: int = 3) -> np.ndarray:
    return 0.3 * np.random.default_rng(5).normal(size=(n, task.layout.n_free)) + task.starts(1)


def test_the_marginal_of_each_pattern_is_that_of_the_dense_covariance() -> None:
    rows = front_door_rows()
    task = task_of(FRONT_DOOR, rows, "X", missing="latent", do="arm")
    assert set(task.block.nodes) == {"U", "X", "M", "Y", "Z"}
    form = gaussian_form(task)
    assert not isinstance(form, str), form
    found, expected, summed = [], [], []
    for u in points(task):
        numbers = raw_numbers(task, u)
        total = 0.0
        for k in range(len(rows["X"])):
            row = {name: float(values[k]) for name, values in rows.items() if name != "arm"}
            held = {name.strip() for name in rows["arm"][k].split(",")} - {""}
            total += dense_log_density(numbers, task.spec, row, held)
        expected.append(total)
        _, by_pattern = form[0].log_parts(NUMPY, form[1], u, np.empty((0, 1)))
        found.append(float(by_pattern.sum()))
        summed.append(float(log_likelihood(task, u[None, None])[0, 0]))
    assert np.allclose(found, expected, atol=1e-9)
    # Placed where they are, the latents of normal nodes are integrated by one point.
    assert np.allclose(np.diff(summed), np.diff(expected), atol=1e-8)


LEVELS = {"A": (0.0, 1.0), "C": (0.0, 1.0, 2.0), "T": (0.0, 1.0, 2.0), "B": (0.0, 1.0)}
DISCRETE = (
    "A ~ bernoulli; C ~ categorical(A, levels=[a, b, c]); T ~ table(A, C, levels=[0, 1, 2]); B ~ bernoulli(A, C, T, A:C);"
    "Y ~ normal(B, C)"
)


def log_factor(task: Task, numbers: dict, node: str, row: dict[str, float]) -> float:
    """The log density of one node given its parents in a row without missing cells, from raw numbers."""
    mechanism = task.spec[node]
    coefficients, parameters = numbers[node]
    family = mechanism.family
    if family.name == "table":
        at = 0
        for parent in mechanism.parents:
            at = at * len(LEVELS[parent]) + LEVELS[parent].index(row[parent])
        return float(np.log(coefficients[at * len(family.levels) + LEVELS[node].index(row[node])]))
    terms = np.array([1.0, *(float(weight.product(row, NUMPY)) for weight in mechanism.weights)])
    if family.name == "categorical":
        etas = np.array([0.0, *(coefficients.reshape(-1, len(terms)) @ terms)])
        return float(etas[int(row[node])] - np.log(np.exp(etas).sum()))
    eta = terms @ coefficients
    return float(np.squeeze(family.log_density(NUMPY, np.array(row[node]), np.array(eta), parameters)))


def test_missing_levels_are_summed_over_as_all_their_values_are_written_out() -> None:
    rng = np.random.default_rng(1)
    n = 24
    names = np.array(["a", "b", "c"])
    rows: dict = {"A": rng.integers(0, 2, n) * 1.0, "C": names[rng.integers(0, 3, n)].astype(object)}
    rows |= {"T": rng.integers(0, 3, n) * 1.0, "B": rng.integers(0, 2, n) * 1.0, "Y": rng.normal(size=n)}
    for k, name in enumerate(rows):
        gaps = rng.random(n) < 0.25
        rows[name][gaps] = "" if name == "C" else np.nan
        rows[name][k + 5] = rows[name][~gaps][0]
    arm = np.array([""] * n, dtype=object)
    arm[7] = "T"  # row 7 holds T
    rows["T"][7] = 2.0
    task = task_of(DISCRETE, {**rows, "arm": arm}, "A", missing="latent", do="arm")
    rows["C"] = np.array([np.nan if cell == "" else "abc".index(cell) for cell in rows["C"]])
    likelihood = quadrature(task, 0)
    found, expected = [], []
    for u in points(task, 2):
        numbers, total = raw_numbers(task, u), 0.0
        for k in range(n):
            row = {name: float(values[k]) for name, values in rows.items()}
            factors = [node for node in row if arm[k] != node and not (node == "Y" and np.isnan(row["Y"]))]
            unseen = [name for name in LEVELS if np.isnan(row[name])]
            values = [
                sum(log_factor(task, numbers, node, {**row, **dict(zip(unseen, own, strict=True))}) for node in factors)
                for own in itertools.product(*(LEVELS[name] for name in unseen))
            ]
            total += scipy.special.logsumexp(values)
        expected.append(total)
        found.append(likelihood(u))
    assert np.allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("family", "low", "high"),
    [("normal", -12.0, 12.0), ("gamma", 1e-9, 40.0), ("student", -200.0, 200.0), ("hill(max=4)", -12.0, 14.0)],
)
def test_a_missing_cell_is_integrated_over_whatever_its_family(family: str, low: float, high: float) -> None:
    rng = np.random.default_rng(2)
    head, _, options = family.partition("(")
    comma = f", {options}" if options else ")"
    model = f"X ~ normal; M ~ {head}(X{comma}; Y ~ bernoulli(M, X, M:X); W ~ normal(M)"
    n = 16
    x = rng.normal(size=n)
    rows = {"X": x, "M": 2.0 + 0.5 * x + 0.4 * rng.gamma(2.0, size=n), "Y": rng.integers(0, 2, n) * 1.0}
    rows["W"] = rows["M"] + rng.normal(size=n)
    rows["M"][::5], rows["W"][::10] = np.nan, np.nan
    task = task_of(model, rows, "M", missing="latent")
    likelihood = quadrature(task, 4)
    found, expected = [], []
    for u in points(task, 2):
        numbers, total = raw_numbers(task, u), 0.0
        for k in range(n):
            row = {name: float(values[k]) for name, values in rows.items()}
            nodes = [node for node in ("M", "Y", "W") if node == "M" or not np.isnan(row[node])]

            def density(value: float, row: dict = row, nodes: list = nodes, numbers: dict = numbers) -> float:
                return float(np.exp(sum(log_factor(task, numbers, node, {**row, "M": value}) for node in nodes)))

            if np.isnan(row["M"]):
                pieces = np.linspace(low, high, 9)
                total += np.log(
                    sum(scipy.integrate.quad(density, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(pieces))
                )
            else:
                total += np.log(density(row["M"]))
        expected.append(total)
        found.append(likelihood(u))
    assert np.allclose(np.diff(found), np.diff(expected), atol=2e-3)


def test_a_factor_that_is_cut_out_counts_nowhere() -> None:
    rng = np.random.default_rng(3)
    n = 18
    u = rng.normal(size=n)
    x = (u + rng.normal(size=n) > 0) * 1.0
    rows = {"X": x, "Y": np.exp(0.5 * x - u + 0.3 * rng.normal(size=n)), "Z": u + rng.normal(size=n)}
    rows["arm"] = np.array([["", "X", "X, Z"][k % 3] for k in range(n)], dtype=object)
    model = "latent U ~ normal; X ~ bernoulli(U); Y ~ gamma(X, U); Z ~ normal(U)"
    task = task_of(model, rows, "X", do="arm")
    program = program_of(task.layout, task.numbers)
    assert not isinstance(program, str), program
    z = rng.normal(size=(1, task.rows.n_stored))
    by_layout, by_program, by_hand = [], [], []
    for u_free in points(task):
        by_layout.append(float(log_posterior(NUMPY, task.layout, task.numbers, u_free, z)))
        by_program.append(float(log_posterior(NUMPY, *program, u_free, z)))
        # The same rows, each block of a regime as rows of a model of its own.
        numbers, total = raw_numbers(task, u_free), 0.0
        for k in range(n):
            cut = {name.strip() for name in rows["arm"][k].split(",")}

            def density(value: float, k: int = k, cut: set = cut, numbers: dict = numbers) -> float:
                row = {**{name: float(rows[name][k]) for name in "XYZ"}, "U": value}
                logs = [log_factor(task, numbers, node, row) for node in "XYZ" if node not in cut]
                return float(np.exp(sum(logs) + scipy.stats.norm.logpdf(value)))

            total += np.log(scipy.integrate.quad(density, -8.0, 8.0, epsabs=1e-13)[0])
        by_hand.append(total)
    assert np.allclose(np.diff(by_layout), np.diff(by_program), atol=1e-8)
    likelihood = quadrature(task, 4)
    assert np.allclose(np.diff([likelihood(u_free) for u_free in points(task)]), np.diff(by_hand), atol=1e-3)


def test_what_nobody_needs_drops_out_and_what_others_need_is_hidden() -> None:
    spec = ld.model("latent U ~ normal; X ~ normal(U); M ~ normal(X); Y ~ normal(M, U); Z ~ normal(Y)")
    assert roles(spec, Pattern.of(["Z"])).cut == {"Z"}
    assert roles(spec, Pattern.of(["Y", "Z"])).cut == {"Y", "Z"}
    assert roles(spec, Pattern.of(["Y"])).hidden == {"Y"}
    # Where Y was set nothing depends on what M was.
    assert roles(spec, Pattern.of(["M"], ["Y"])) == roles(spec, Pattern(("M",), ("Y",)))
    assert roles(spec, Pattern.of(["M"], ["Y"])).cut == {"M", "Y"}


def test_blocks_are_merged_only_where_a_missing_cell_couples_them() -> None:
    rows = front_door_rows(60)
    spec = ld.model(FRONT_DOOR)
    data = read_table(rows, spec.measured, missing="latent", do="arm")
    merged = blocks_of(spec, hidden_nodes(spec, data))
    assert [block.nodes for block in merged] == [("U", "X", "M", "Y", "Z")]
    gone = {**rows, "Z": rows["Z"], "M": np.nan_to_num(rows["M"]), "Y": np.nan_to_num(rows["Y"])}
    data = read_table(gone, spec.measured, missing="latent", do="arm")
    apart = blocks_of(spec, hidden_nodes(spec, data) - {"X"})
    assert [block.nodes for block in apart] == [("U", "X", "Y"), ("M",), ("Z",)]
    last = trained_rows(spec, apart[-1], data)
    assert last.pattern is None and last.n_rows == 60 - int(np.isnan(gone["Z"]).sum())
    middle = trained_rows(spec, apart[1], data)
    assert middle.n_rows == 60 - sum("M" in arm for arm in rows["arm"])


CURVED_FRONT_DOOR = "latent U ~ normal; X ~ normal(U); M ~ normal(X, X:U); Y ~ bernoulli(M, U); W ~ gamma(M)"


def curved_rows(n: int = 14, seed: int = 4) -> dict[str, np.ndarray]:
    """Rows with holes of several kinds: in a parent, in its child, in both, in one and a leaf."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    x = 2.0 + u + rng.normal(size=n)
    m = 30.0 + 5.0 * x + 4.0 * rng.normal(size=n)
    rows = {"X": x, "M": m, "Y": (m / 10 - 4 + u + rng.logistic(size=n) > 0) * 1.0, "W": rng.gamma(3.0, size=n)}
    rows["Y"][:2] = 0.0, 1.0
    rows["X"][[3, 5, 9]], rows["M"][[4, 5, 8]], rows["W"][[8, 9, 10]] = np.nan, np.nan, np.nan
    return rows


def test_rows_that_lack_other_cells_are_integrated_kind_by_kind_as_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = curved_rows()
    task = task_of(CURVED_FRONT_DOOR, rows, "M", missing="latent")
    at = 0.1 * np.random.default_rng(5).normal(size=(2, task.layout.n_free)) + task.starts(1)
    likelihood = quadrature(task, 2)
    found = [likelihood(u) for u in at]
    # Together in one form, where cells of some rows alone are missing.
    monkeypatch.setattr("latentdo.inference.likelihood.rows.MOST_KINDS", 2)
    together = [quadrature(task, 1)(u) for u in at]
    expected = [sum(np.log(integral_by_hand(task, raw_numbers(task, u), rows, k)) for k in range(14)) for u in at]
    assert np.allclose(np.diff(found), np.diff(expected), atol=1e-3)
    assert np.allclose(np.diff(together), np.diff(expected), atol=2e-2)


def integral_by_hand(task: Task, numbers: dict, rows: dict, k: int) -> float:
    """The density of a row of `CURVED_FRONT_DOOR`: trapezia over U and each missing cell."""
    row: dict = {name: values[k] for name, values in rows.items()}
    axes = {"U": np.linspace(-7.0, 7.0, 41)}
    if np.isnan(row["X"]):
        axes["X"] = np.linspace(-22.0, 28.0, 81)
    if np.isnan(row["M"]):
        axes["M"] = np.linspace(-250.0, 350.0, 301)
    steps = np.prod([axis[1] - axis[0] for axis in axes.values()])
    logs = 0.0
    row |= dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij", sparse=True), strict=True))
    for node in ("U", "X", "M", "Y", "W"):
        if node == "W" and np.isnan(np.sum(row["W"])):
            continue
        coefficients, parameters = numbers[node]
        eta = coefficients[0] + sum(
            weight.product(row, NUMPY) * b for weight, b in zip(task.spec[node].weights, coefficients[1:], strict=True)
        )
        logs = logs + task.spec[node].family.log_density(NUMPY, row[node], eta, parameters)
    return float(np.exp(logs).sum() * steps)
