"""Simulation-based calibration: parameters from the prior, data from the parameters, and their ranks in the posterior.

Run some cells: `python bench/calibration.py normal "normal, latent" --engine auto nuts laplace svi --datasets 100`. A cell is a
model with explicit fixed priors on everything. Its parameters are drawn from them, data are simulated from the parameters (by
code of this file, not latentdo's), a fit gives posterior draws, and functionals of the parameters are ranked among those of
the draws: mean and variance of measured nodes, an effect that is identified, the log likelihood with latents integrated out.
If the fit is right the ranks are uniform. Weights of latents are not ranked: their signs need not be identified.

Source:
    Talts, Betancourt, Simpson, Vehtari & Gelman (2018), Validating Bayesian inference algorithms with simulation-based
    calibration; Modrák et al. (2023), Simulation-based calibration checking for Bayesian computation, for the likelihood.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import special, stats
from scipy.stats import qmc

import latentdo as ld

Array = np.ndarray
Theta = Mapping[str, Array]
"""Parameters by label (`X -> Y`, `intercept(Y)`, `sd(Y)`), each (draw,)."""

N_ROWS = 30
LEVELS = 99
"""Posterior draws among which a parameter is ranked: ranks run from 0 to this."""
BINS = 10
LOG2_UNITS = 9
QUADRATURE = np.polynomial.hermite_e.hermegauss(61)


@dataclass(frozen=True)
class Node:
    """One node of a cell: parents with their signs (`+M`, `U`), and the priors of its parameters by key."""

    name: str
    family: str
    parents: tuple[str, ...]
    priors: Mapping[str, tuple[str, ...]]
    options: str = ""

    @property
    def text(self) -> str:
        """The statement in the model language."""
        keys = [f"{key}={prior[0]}({', '.join(prior[1:])})" for key, prior in self.priors.items()]
        return f"{self.name} ~ {self.family}({', '.join((*self.parents, *filter(None, [self.options]), *keys))})"


def prior_draw(prior: tuple[str, ...], random: np.random.Generator) -> float:
    """One value of a prior as typed."""
    family, *numbers = prior
    a = [float(number) for number in numbers if "=" not in number]
    if low := [float(number.partition("=")[2]) for number in numbers if number.startswith("low=")]:
        while (value := prior_draw((family, *(number for number in numbers if "=" not in number)), random)) < low[0]:
            pass
        return value
    match family:
        case "normal":
            return random.normal(a[0], a[1])
        case "gamma":
            return random.gamma(a[0]) / a[1]
        case _:
            raise AssertionError(family)


def expit(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


class Law(NamedTuple):
    """A family: its quantiles, and its log density."""

    quantile: Callable[[Array, Array, Mapping[str, Array]], Array]
    log_density: Callable[[Array, Array, Mapping[str, Array]], Array]


LAWS = {
    "normal": Law(
        lambda q, eta, p: eta + p["sd"] * special.ndtri(q), lambda y, eta, p: stats.norm.logpdf(y, eta, p["sd"])
    ),
    "hill": Law(
        lambda q, eta, p: 100 * expit(eta) + p["sd"] * special.ndtri(q),
        lambda y, eta, p: stats.norm.logpdf(y, 100 * expit(eta), p["sd"]),
    ),
    "bernoulli": Law(
        lambda q, eta, p: (q > expit(-eta)).astype(float),
        lambda y, eta, p: np.where(y > 0.5, -np.logaddexp(0, -eta), -np.logaddexp(0, eta)),
    ),
    "gamma": Law(
        lambda q, eta, p: special.gammaincinv(p["shape"], q) / p["shape"] * np.exp(eta),
        lambda y, eta, p: stats.gamma.logpdf(y, p["shape"], scale=np.exp(eta) / p["shape"]),
    ),
    "student": Law(
        lambda q, eta, p: eta + p["scale"] * special.stdtrit(p["df"], q),
        lambda y, eta, p: stats.t.logpdf(y, p["df"], eta, p["scale"]),
    ),
}


@dataclass(frozen=True)
class Cell:
    """A model with fixed priors.

    Attributes:
        latent: A standard normal latent, if there is one.
        query: The identified effect: E[last node] with its treatment set to 1, less that with it set to 0.
    """

    name: str
    nodes: tuple[Node, ...]
    latent: str | None
    treatment: str

    @property
    def text(self) -> str:
        """The model text."""
        hidden = [f"latent {self.latent} ~ normal"] if self.latent else []
        return "\n".join([*hidden, *(node.text for node in self.nodes)])

    def draw_parameters(self, random: np.random.Generator) -> dict[str, Array]:
        """One draw of the prior."""
        theta: dict[str, Array] = {}
        for node in self.nodes:
            for key, prior in node.priors.items():
                if key == "weight":
                    for typed in node.parents:
                        value, name = prior_draw(prior, random), typed.lstrip("+-")
                        value = abs(value) if typed[0] == "+" else -abs(value) if typed[0] == "-" else value
                        theta[f"{name} -> {node.name}"] = np.array([value])
                else:
                    theta[f"{key}({node.name})"] = np.array([prior_draw(prior, random)])
        return theta

    def predictor(self, node: Node, theta: Theta, values: Mapping[str, Array]) -> Array:
        """(draw, unit)."""
        eta = theta[f"intercept({node.name})"][:, None]
        for typed in node.parents:
            name = typed.lstrip("+-")
            eta = eta + theta[f"{name} -> {node.name}"][:, None] * values[name]
        return eta

    def own(self, node: Node, theta: Theta) -> dict[str, Array]:
        """The family's parameters, (draw, 1)."""
        return {key: theta[f"{key}({node.name})"][:, None] for key in node.priors if key not in ("weight", "intercept")}

    def simulate(self, theta: Theta, uniforms: Array, do: Mapping[str, float] | None = None) -> dict[str, Array]:
        """Every node, (draw, unit); `uniforms`: a row per node, the latent's first."""
        values: dict[str, Array] = {}
        if self.latent:
            values[self.latent] = special.ndtri(uniforms[0])[None, :]
        for node, quantiles in zip(self.nodes, uniforms[1:], strict=True):
            eta = self.predictor(node, theta, values)
            drawn = LAWS[node.family].quantile(quantiles, eta, self.own(node, theta))
            values[node.name] = np.full_like(drawn, do[node.name]) if do and node.name in do else drawn
        return values

    def log_likelihood(self, theta: Theta, rows: Mapping[str, Array]) -> Array:
        """Of all rows, the latent integrated out by quadrature; (draw,)."""
        nodes, weights = QUADRATURE if self.latent else (np.zeros(1), np.ones(1))
        points = np.stack(
            [
                sum(
                    LAWS[node.family].log_density(
                        rows[node.name],
                        self.predictor(node, theta, {**rows, self.latent or "": at}),
                        self.own(node, theta),
                    )
                    for node in self.nodes
                )
                for at in nodes
            ]
        )
        return special.logsumexp(points, axis=0, b=(weights / weights.sum())[:, None, None]).sum(axis=-1)

    def functionals(self, theta: Theta, rows: Mapping[str, Array]) -> dict[str, Array]:
        """What is ranked: functions of the parameters (and of the data), the same for the truth and for every draw.

        Units are those of one fixed set of points, so that simulation adds no noise: the ranks test exactly these
        functions, which are close to the moments that they are named for.
        """
        uniforms = qmc.Sobol(len(self.nodes) + 1, rng=np.random.default_rng(8)).random_base2(LOG2_UNITS).T
        uniforms = np.clip(uniforms, 1e-9, 1 - 1e-9)
        natural = self.simulate(theta, uniforms)
        found: dict[str, Array] = {}
        for node in self.nodes:
            found[f"mean({node.name})"] = natural[node.name].mean(axis=1)
            found[f"var({node.name})"] = natural[node.name].var(axis=1)
        last = self.nodes[-1].name
        high, low = (self.simulate(theta, uniforms, {self.treatment: value})[last].mean(axis=1) for value in (1.0, 0.0))
        found[f"E[{last} | do({self.treatment}=1)] - E[{last} | do({self.treatment}=0)]"] = high - low
        found["log likelihood"] = self.log_likelihood(theta, rows)
        return found


# Priors that keep data ordinary: no predictor far out, no sd near 0.
PRIORS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "normal": {"weight": ("normal", "0", "1"), "intercept": ("normal", "0", "1"), "sd": ("gamma", "5", "5")},
    "hill": {"weight": ("normal", "0", "0.7"), "intercept": ("normal", "0", "0.5"), "sd": ("gamma", "5", "0.5")},
    "bernoulli": {"weight": ("normal", "0", "1.5"), "intercept": ("normal", "0", "1")},
    "gamma": {"weight": ("normal", "0", "0.4"), "intercept": ("normal", "0", "0.5"), "shape": ("gamma", "4", "1")},
    "student": {
        "weight": ("normal", "0", "1"),
        "intercept": ("normal", "0", "1"),
        "scale": ("gamma", "5", "5"),
        "df": ("gamma", "4", "0.5", "low=2"),
    },
}
ROOT = {"intercept": ("normal", "0", "1"), "sd": ("gamma", "5", "5")}


def _regression(family: str) -> Cell:
    """X ~ normal, Y ~ family(X)."""
    return Cell(family, (Node("X", "normal", (), ROOT), Node("Y", family, ("X",), PRIORS[family])), None, "X")


def _front_door(family: str, name: str = "", signs: str = "") -> Cell:
    """U behind X and Y, both of the family; M ~ normal(X) between them. The effect of M is identified, given X."""
    nodes = (
        Node("X", family, (signs + "U",), PRIORS[family]),
        # X of a hill node runs to 100: its weight is per unit.
        Node(
            "M", "normal", ("X",), PRIORS["normal"] | ({"weight": ("normal", "0", "0.03")} if family == "hill" else {})
        ),
        Node("Y", family, (signs + "M", "U"), PRIORS[family]),
    )
    return Cell(name or f"{family}, latent", nodes, "U", "M")


FAMILIES = ("normal", "hill", "bernoulli", "gamma", "student")
CELLS = {
    cell.name: cell
    for cell in (
        *(_regression(family) for family in FAMILIES),
        *(_front_door(family) for family in FAMILIES),
        _front_door("hill", "hill, latent, signs", "+"),
    )
}
ENGINES: Mapping[str, Callable[[], object]] = {
    "auto": lambda: ld.Auto(),
    "nuts": lambda: ld.Nuts(draws=250, warmup=500),
    "laplace": lambda: ld.Laplace(),
    "svi": lambda: ld.Svi(),
}


@dataclass
class Ranks:
    """The ranks of one cell under one engine.

    Attributes:
        ranks: Per functional, one from 0 to `LEVELS` per data set.
        refused: Data sets that were drawn anew, because no such table can be fitted (a constant column).
        unsure: Fits that did not claim to have converged; they count like the others.
    """

    cell: str
    engine: str
    ranks: dict[str, list[int]] = field(default_factory=dict)
    refused: int = 0
    unsure: int = 0
    seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of data sets."""
        return len(next(iter(self.ranks.values()), ()))

    def tests(self) -> dict[str, tuple[float, float, float]]:
        """Per functional: p of chi-square over ten bins, p of the largest deviation of the ranks' cdf, that deviation."""
        found = {}
        for name, ranks in self.ranks.items():
            counts = np.bincount(np.array(ranks) * BINS // (LEVELS + 1), minlength=BINS)
            # Ranks are spread evenly within their step, so that the test for continuous laws holds.
            spread = (np.array(ranks) + np.random.default_rng(3).uniform(size=len(ranks))) / (LEVELS + 1)
            deviation = stats.kstest(spread, "uniform")
            found[name] = (float(stats.chisquare(counts).pvalue), float(deviation.pvalue), float(deviation.statistic))
        return found

    def smallest(self) -> float:
        """The smallest p of both tests of all functionals, times their number (Bonferroni)."""
        pairs = self.tests().values()
        return min(1.0, 2 * len(pairs) * min(min(p[:2]) for p in pairs))


def rank(cell: Cell, engine: str, seed: int) -> tuple[dict[str, int], int, bool]:
    """One data set: the ranks, how many tables were refused before it, and whether the fit claims to have converged."""
    refused = 0
    while True:
        # A table that cannot be fitted is drawn anew, with its parameters: ranks stay uniform given what tables are kept.
        random = np.random.default_rng([seed, refused, 77])
        theta = cell.draw_parameters(random)
        uniforms = random.uniform(size=(len(cell.nodes) + 1, N_ROWS))
        rows = {node.name: cell.simulate(theta, uniforms)[node.name][0] for node in cell.nodes}
        try:
            posterior = ld.fit(ld.model(cell.text), rows, ENGINES[engine](), seed=seed, progress=False)
            break
        except ld.LatentdoError as error:
            if not re.search(r"constant|too small|one end|Rescale", str(error)) or refused > 100:
                raise
            refused += 1
    draws = {label: values.reshape(-1) for label, values in posterior.parameters}
    some = next(iter(draws.values()))
    picked = np.linspace(0, len(some) - 1, LEVELS).round().astype(int)
    true = cell.functionals(theta, rows)
    found = cell.functionals({label: values[picked] for label, values in draws.items()}, rows)
    ranks = {}
    for name, values in found.items():
        below = int((values < true[name][0]).sum())
        # Equal values (of a discrete functional) share their ranks at random.
        ranks[name] = below + int(random.integers(0, int((values == true[name][0]).sum()) + 1))
    return ranks, refused, posterior.converged


def run(
    cell: Cell, engine: str, datasets: int, first: int = 0, tell: Callable[[str], None] = lambda text: None
) -> Ranks:
    """The ranks of many data sets."""
    result = Ranks(cell.name, engine)
    begun = time.perf_counter()
    for seed in range(first, first + datasets):
        ranks, refused, converged = rank(cell, engine, seed)
        for name, value in ranks.items():
            result.ranks.setdefault(name, []).append(value)
        result.refused += refused
        result.unsure += not converged
        result.seconds = time.perf_counter() - begun
        tell(f"{cell.name}, {engine}: {seed - first + 1} of {datasets}, {result.seconds:.0f} s")
    return result


def print_result(result: Ranks) -> None:
    """One line per functional."""
    print(
        f"\n{result.cell}, {result.engine}: {result.n} data sets of {N_ROWS} rows, {result.seconds:.0f} s, "
        f"{result.unsure} fits did not claim convergence, {result.refused} tables drawn anew"
    )
    print(f"  {'':<44}{'chi-square p':>13}{'deviation':>11}{'p':>8}   ranks in ten bins")
    for name, (chi, p, deviation) in result.tests().items():
        counts = np.bincount(np.array(result.ranks[name]) * BINS // (LEVELS + 1), minlength=BINS)
        print(f"  {name:<44}{chi:>13.3f}{deviation:>11.3f}{p:>8.3f}   {' '.join(f'{count:>3}' for count in counts)}")
    print(f"  smallest p, corrected for {2 * len(result.ranks)} tests: {result.smallest():.4f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"any of {', '.join(CELLS)}; all by default")
    parser.add_argument("--engine", nargs="+", choices=tuple(ENGINES), default=["auto"])
    parser.add_argument("--datasets", type=int, default=100)
    parser.add_argument("--json", type=Path, help="a file for the ranks; cells that it has are not run again")
    options = parser.parse_args()
    if unknown := set(options.cells) - CELLS.keys():
        parser.error(f"no cell is called {sorted(unknown)[0]!r}; there are {', '.join(CELLS)}")
    kept = json.loads(options.json.read_text(encoding="utf8")) if options.json and options.json.exists() else {}
    worst = 1.0
    for engine in options.engine:
        for name in options.cells or CELLS:
            key = f"{name} | {engine}"
            if key in kept:
                result = Ranks(**kept[key])
            else:
                result = run(CELLS[name], engine, options.datasets)
                kept[key] = vars(result)
                if options.json:
                    options.json.write_text(json.dumps(kept) + "\n", encoding="utf8")
            print_result(result)
            sys.stdout.flush()
            if engine in ("auto", "nuts"):
                worst = min(worst, result.smallest())
    return 1 if worst < 1e-3 / math.sqrt(len(CELLS)) else 0


if __name__ == "__main__":
    sys.exit(main())
