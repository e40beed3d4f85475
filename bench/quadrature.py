"""How exact the log likelihood of rows is whose hidden causes are integrated out: every family against brute force.

Run with `python bench/quadrature.py`, or some: `python bench/quadrature.py gamma hill --draws 50`. Each model is trained
roughly on 200 rows. At 200 draws near the mode, and at the same draws with the weights of hidden causes two and three times as
large, `posterior.log_likelihood()` is set against integrals on grids of thousands of points, by SciPy's formulas. Printed is the
largest error in the sum over all rows, beside the error that the package told of itself: it logs one that is above 0.01.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, gammaln, log_expit, logsumexp

import latentdo as ld
from latentdo.inference.likelihood import pointwise

MODELS = {
    "bernoulli": "latent U ~ normal; X ~ bernoulli(U); Y ~ bernoulli(X, U); Z ~ bernoulli(U)",
    "normal": "latent U ~ normal; X ~ bernoulli(U); Y ~ normal(X, U)",
    "gamma": "latent U ~ normal; X ~ gamma(U); Y ~ gamma(X, U)",
    "hill": "latent U ~ normal; X ~ hill(U); Y ~ hill(X, U)",
    "student": "latent U ~ normal; X ~ student(U); Y ~ student(X, U)",
    "categorical": "latent U ~ normal; X ~ categorical(U); Y ~ normal(U)",
    "two causes": "latent U ~ normal; latent V ~ normal; X ~ bernoulli(U); Y ~ gamma(U, V); Z ~ hill(V)",
    "product of two causes": "latent U ~ normal; latent V ~ normal; X ~ normal(U); Y ~ normal(U, V, U:V); Z ~ normal(V)",
    "student cause": "latent U ~ student; X ~ normal(U); Y ~ bernoulli(U)",
    "class and cause": "latent C ~ bernoulli; latent U ~ normal; X ~ normal(C, U); Y ~ bernoulli(C, U)",
}
FACTORS = (1.0, 2.0, 3.0)
ONE_GRID, COARSE, FINE, REACH = 6_001, 61, 161, 100.0
FAR = {"normal": 300.0, "student": 400.0}
FINE_ENOUGH = 0.01


def rows_of(spec: Any, n: int, seed: int) -> dict[str, np.ndarray]:
    """Columns with a common cause, as their families allow."""
    random = np.random.default_rng([seed, 7])
    common = random.standard_normal(n)
    columns: dict[str, np.ndarray] = {}
    for node in spec.measured:
        x = 0.9 * common + random.standard_normal(n)
        match spec[node].family.name:
            case "bernoulli":
                columns[node] = 1.0 * (x > 0)
            case "gamma":
                columns[node] = np.exp(0.5 * x)
            case "hill":
                columns[node] = 100.0 * expit(x) + random.normal(0.0, 5.0, n)
            case "student":
                columns[node] = common + random.standard_t(3, n)
            case "categorical":
                columns[node] = np.array(["a", "b", "c"])[np.digitize(x, [-0.7, 0.7])]
            case _:
                columns[node] = 2.0 + x
    return columns


def log_law(spec: Any, node: str, values: Mapping[str, Any], coefficients: np.ndarray, own: Mapping[str, float]) -> Any:
    """The log density of a node at values that broadcast."""
    weights, y = spec[node].weights, values[node]
    size = 1 + len(weights)

    def eta(first: int) -> Any:
        total = coefficients[first]
        for k, weight in enumerate(weights):
            product = 1.0
            for parent in weight.parents:
                product = product * values[parent]
            total = total + coefficients[first + 1 + k] * product
        return total

    def normal(mean: Any, sd: float) -> Any:
        return -0.5 * ((y - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2.0 * np.pi)

    match spec[node].family.name:
        case "normal":
            return normal(eta(0), own["sd"])
        case "hill":
            return normal(100.0 * expit(eta(0)), own["sd"])
        case "bernoulli":
            return log_expit((2.0 * y - 1.0) * eta(0))
        case "gamma":
            shape = own["shape"]
            return (
                shape * np.log(shape)
                - shape * eta(0)
                - gammaln(shape)
                + (shape - 1) * np.log(y)
                - shape * y * np.exp(-eta(0))
            )
        case "student":
            df, scale = own["df"], own["scale"]
            constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi) - np.log(scale)
            return constant - (df + 1) / 2 * np.log1p(((y - eta(0)) / scale) ** 2 / df)
        case "categorical":
            etas = np.stack([np.zeros(np.shape(eta(0))), *(eta(k) for k in range(0, len(coefficients), size))])
            return sum((y == level) * each for level, each in enumerate(etas)) - np.asarray(logsumexp(etas, axis=0))
        case name:
            raise AssertionError(name)


def brute(spec: Any, draw: Mapping[str, Any], cells: Mapping[str, np.ndarray]) -> np.ndarray:
    """The log likelihood of each row at one draw."""
    classes = [latent for latent in spec.latent if spec[latent].family.points]
    noisy = [latent for latent in spec.latent if latent not in classes]
    rows = {name: values[:, None] for name, values in cells.items()}

    def total(grid: list[np.ndarray], levels: tuple[float, ...]) -> Any:
        values = rows | dict(zip(noisy, grid, strict=True)) | dict(zip(classes, levels, strict=True))
        return sum(log_law(spec, node, values, *draw[node]) for node in spec.graph.nodes)

    each = []
    for levels in itertools.product([0.0, 1.0], repeat=len(classes)):
        each.append(_one(spec, noisy, total, levels) if len(noisy) == 1 else _two(total, levels))
    return np.asarray(logsumexp(np.stack(each), axis=0))


def _one(spec: Any, noisy: list[str], total: Any, levels: tuple[float, ...]) -> np.ndarray:
    """The trapezium rule over one cause; points are close in the middle, and reach as far as its tails do."""
    far = FAR[spec[noisy[0]].family.name]
    t, step = np.linspace(-np.arcsinh(far), np.arcsinh(far), ONE_GRID, retstep=True)
    logs = total([np.sinh(t)[None]], levels) + np.log(step * np.cosh(t))
    return np.asarray(logsumexp(logs, axis=1))


def _two(total: Any, levels: tuple[float, ...]) -> np.ndarray:
    """Over two causes: on a grid of each row, laid anew around what the last one found, never narrower than that could see;
    the last reaches as far as the prior does."""
    centre, root = np.zeros((1, 2)), 1.0 * np.eye(2)[None]
    for n, reach in ((COARSE, 8.0), (COARSE, 8.0), (COARSE, 8.0), (FINE, REACH)):
        t, step = np.linspace(-np.arcsinh(reach), np.arcsinh(reach), n, retstep=True)
        axis, log_cell = np.sinh(t), np.log(step * np.cosh(t))
        square = np.array(list(itertools.product(axis, axis)))
        log_cells = np.add.outer(log_cell, log_cell).ravel()
        # (row, point, cause)
        points = centre[:, None] + square @ np.swapaxes(root, 1, 2)
        logs = total([points[..., 0], points[..., 1]], levels) + log_cells
        result = np.asarray(logsumexp(logs, axis=1))
        shares = np.exp(logs - result[:, None])[..., None]
        result = result + np.linalg.slogdet(root)[1]
        before, moved = root * step, np.broadcast_to(points, (len(logs), *points.shape[1:]))
        centre = (shares * moved).sum(axis=1)
        away = moved - centre[:, None]
        covariance = np.einsum("rpi,rpj->rij", shares * away, away) + before @ np.swapaxes(before, 1, 2)
        root = np.linalg.cholesky(covariance)
    return result


def enlarged(posterior: Any, factor: float) -> Any:
    """The fit with all weights of hidden causes so many times as large."""
    spec = posterior.spec

    def node_draws(node: str, own: Any) -> Any:
        mechanism = spec[node]
        hidden = [0.0, *(1.0 if set(weight.parents) & set(spec.latent) else 0.0 for weight in mechanism.weights)]
        scales = np.where(np.resize(hidden, own.coefficients.shape[-1]) > 0, factor, 1.0)
        return replace(own, coefficients=own.coefficients * scales)

    return replace(
        posterior,
        blocks=tuple(
            replace(block, draws=tuple((node, node_draws(node, own)) for node, own in block.draws))
            for block in posterior.blocks
        ),
    )


def checked(name: str, n_rows: int, n_draws: int) -> list[tuple[float, float, float, float]]:
    """Per factor: the largest error in the sum, its median, the error that was told, and seconds of brute force."""
    spec = ld.model(MODELS[name])
    columns = rows_of(spec, n_rows, 1)
    posterior = ld.fit(spec, columns, ld.Laplace(draws=n_draws), progress=False)
    data = posterior.data
    assert data is not None
    cells = {node: np.repeat(data.column(node), data.weights.astype(int)) for node in spec.measured}
    index = np.linspace(0, posterior.n_chains * posterior.n_draws - 1, n_draws).round().astype(int)
    found = []
    for factor in FACTORS:
        fit = enlarged(posterior, factor)
        got = pointwise.log_likelihood(fit, data, index)
        begun = time.perf_counter()
        off = []
        for k, draw in enumerate(index):
            numbers = {
                node: (
                    own.coefficients.reshape(-1, own.coefficients.shape[-1])[draw],
                    {key: float(values.reshape(-1)[draw]) for key, values in own.parameters},
                )
                for node, own in fit.by_node.items()
            }
            off.append(float(got.values[k].sum() - brute(fit.spec, numbers, cells).sum()))
        size = np.abs(off)
        found.append((float(size.max()), float(np.median(size)), got.error, time.perf_counter() - begun))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"any of {', '.join(MODELS)}; all by default")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    logging.getLogger("latentdo").setLevel(logging.ERROR)
    print("| model | weights times | largest error in the sum | median | told | |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name in options.models or MODELS:
        for factor, (largest, median, told, _) in zip(FACTORS, checked(name, options.rows, options.draws), strict=True):
            verdict = "good" if largest <= FINE_ENOUGH else "told" if told > FINE_ENOUGH else "MISSED"
            print(f"| {name} | {factor:g} | {largest:.2g} | {median:.2g} | {told:.2g} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
