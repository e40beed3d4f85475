"""How close anyone could come in the studies that have a goal: `PYTHONPATH=. python bench/floors.py FOLDER`.

A reader who knows everything but the outcome's own equation: how the treatment reaches the outcome's causes, the law of the
hidden causes and what the other measured nodes say about them are those of the true process, by quadrature or from a large
simulation. Only the outcome's equation is learnt, without latentdo's inference, from the same rows as the fits of FOLDER, where
`python -m studies reproduce … -o FOLDER` has kept its results. The Covid study has such a reader in the
reproduction itself: `floor`.
The table is written into the page of the documentation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from results.filling import filled
from scipy.special import expit, roots_hermitenorm
from scipy.stats import gamma, norm

import latentdo as ld
from latentdo.query import Term
from studies import STUDIES, stored_rows
from studies.accuracy import FLOOR, OURS, RESAMPLES

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "studies" / "tables.md"
Floats = npt.NDArray[np.float64]
Rows = dict[str, Floats]
Reader = Callable[[Rows], dict[str, float]]

BOOTSTRAPS = RESAMPLES
SIMULATED = 400_000
SEED = 10**6
"""Of a simulation that knows the truth."""
WORLDS = 60_000
"""Draws of the outcome's equation: half from the default priors, half around the truth, weighted back to the priors."""
AROUND = 0.7
"""Standard deviation of the latter half."""
FEWEST = 50
"""Draws that have to agree with the rows of a data set."""
PARTICLES = 600
"""Hidden causes of a pattern of the five causes."""

HIDDEN = ((-8.0, 10.0), (6.0, 8.0), (-5.0, 7.0))
"""Mean and standard deviation of the three hidden causes of the multi-cause studies."""
EQUATIONS = {"multicause": (-1.1, 0.26, 0.22, 0.15, 0.11), "multicause-strong": (-2.0, 2.5, 0.22, 0.15, 0.11)}
"""Of Y: its intercept, and its weights of M and of the hidden causes."""
PRIOR = (3.0, 2.0, 2.0, 2.0, 2.0)
"""Standard deviations of the default priors: the intercept at the means, weights per standard deviation of a cause."""
NAPKIN = {"W": (0.2, 0.4, 0.5), "shape": 6.0, "X": (-1.7, 1.0, 1.2), "V": 1.0}
"""As in the study: the log mean of W with the weights of U and V, X with those of R and U, the mean of V."""


def napkin(rows: Rows) -> dict[str, float]:
    """E[Y | do(X=0)]: Y by weighted regression on X and on the mean of V given W, R and X, which is known."""
    mean, spread = np.transpose([_v_given(*each) for each in zip(rows["W"], rows["R"], rows["X"], strict=True)])
    design = np.column_stack([np.ones(len(mean)), rows["X"], mean])
    weight = np.ones(len(mean))
    found = np.zeros(3)
    # What V leaves open is noise of Y, more of it where W says less.
    for _ in range(20):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(design * root[:, None], rows["Y"] * root, rcond=None)[0]
        noise = np.mean(weight * (rows["Y"] - design @ found) ** 2)
        weight = 1.0 / np.maximum(1e-9, noise + found[2] ** 2 * (spread - np.average(spread, weights=weight)))
        weight /= weight.mean()
    return {"effect": float(found[0] + found[2] * NAPKIN["V"])}


def _v_given(w: float, r: float, x: float) -> tuple[float, float]:
    """Mean and variance of V given a row's W, R and X, by quadrature over U and V."""
    u, v, log = _grid()
    a, of_u, of_v = NAPKIN["W"]
    log = log + gamma.logpdf(w, NAPKIN["shape"], scale=np.exp(a + of_u * u + of_v * v) / NAPKIN["shape"])
    b, of_r, also_u = NAPKIN["X"]
    log = log - np.logaddexp(0.0, (1.0 - 2.0 * x) * (b + of_r * r + also_u * u))
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    mean = float((mass * v).sum())
    return mean, float((mass * v**2).sum()) - mean**2


@cache
def _grid() -> tuple[Floats, Floats, Floats]:
    points, weights = roots_hermitenorm(60)
    u, v = np.meshgrid(points, NAPKIN["V"] + points, indexing="ij")
    return u, v, np.log(np.outer(weights, weights) / weights.sum() ** 2)


def signaling(rows: Rows) -> dict[str, float]:
    """E[Erk | do(SOS=70)]: the line of Erk on Mek, at the mean of Mek where SOS is held."""
    slope, intercept = np.polyfit(rows["Mek"], rows["Erk"], 1)
    return {"erk": float(intercept + slope * _held_mek())}


@cache
def _held_mek() -> float:
    return float(np.mean(ld.simulate("signaling", 40_000, seed=SEED, do={"SOS": 70.0})["Mek"]))


def causes(name: str) -> Reader:
    """Five causes of one mediator: Y's equation under the default priors, all else known."""
    world = five_causes(name)

    def read(rows: Rows) -> dict[str, float]:
        pattern = np.sum([rows[f"X{k + 1}"].astype(int) << k for k in range(5)], axis=0)
        m, y = rows["M"].astype(int), rows["Y"].astype(int)
        ones, zeros = np.zeros((2, 32)), np.zeros((2, 32))
        np.add.at(ones, (m[y == 1], pattern[y == 1]), 1.0)
        np.add.at(zeros, (m[y == 0], pattern[y == 0]), 1.0)
        log = (
            world.weight + np.tensordot(np.log(world.chance), ones, 2) + np.tensordot(np.log1p(-world.chance), zeros, 2)
        )
        mass = np.exp(log - log.max())
        mass /= mass.sum()
        if 1.0 / (mass**2).sum() < FEWEST:
            raise SystemExit(f"{name}: too few worlds agree with these rows for a floor: raise WORLDS.")
        return {query: float(mass @ answers) for query, answers in world.answers.items()}

    return read


class Worlds(NamedTuple):
    """Draws of Y's equation."""

    weight: Floats
    """Logarithm, of each draw in the prior."""
    chance: Floats
    """Of Y = 1, by world, M and the pattern of the causes."""
    answers: dict[str, Floats]
    """Of each main question, by world."""


@cache
def five_causes(name: str) -> Worlds:
    """What each draw of Y's equation from the default priors says of the rows and of the questions, all else true."""
    rng = np.random.default_rng(SEED)
    drawn = ld.simulate(name, SIMULATED, seed=SEED, latents=True)
    hidden = np.column_stack([np.asarray(drawn[f"U{k}"], float) for k in (1, 2, 3)])
    hidden = (hidden - hidden.mean(0)) / hidden.std(0)
    pattern = np.sum([np.asarray(drawn[f"X{k + 1}"], int) << k for k in range(5)], axis=0)
    spread, middle = float(np.std(drawn["M"])), float(np.mean(drawn["M"]))
    wide, truth = np.array(PRIOR), _true_equation(name, spread, middle)
    centre = np.where(np.arange(WORLDS) % 2, truth[:, None], 0.0)
    draws = centre + rng.normal(size=(5, WORLDS)) * np.where(np.arange(WORLDS) % 2, AROUND, wide[:, None])
    prior = norm.logpdf(draws, 0.0, wide[:, None]).sum(0)
    near = norm.logpdf(draws, truth[:, None], AROUND).sum(0)
    weight = prior - (np.logaddexp(prior, near) - np.log(2.0))
    intercept, of_m, of_hidden = draws[0], draws[1], draws[2:]
    chance = np.empty((WORLDS, 2, 32))
    whole = np.zeros((2, WORLDS))
    for each in range(32):
        own = np.flatnonzero(pattern == each)
        share = len(own) / len(pattern)
        some = hidden[own[:PARTICLES]]
        for m in (0, 1):
            base = intercept + of_m * (m - middle) / spread
            for lot in np.array_split(np.arange(WORLDS), 40):
                chance[lot, m, each] = expit((base[lot] + some @ of_hidden[:, lot]).astype(np.float32)).mean(0)
        whole += share * chance[:, :, each].T
    chance = np.clip(chance, 1e-12, 1 - 1e-12)
    answers = {}
    for query in STUDIES[name].main:
        held = float(np.mean(ld.simulate(name, SIMULATED, seed=SEED + 1, do=_set_by(name, query))["M"]))
        answers[query] = (1 - held) * whole[0] + held * whole[1]
    return Worlds(weight, chance, answers)


def _true_equation(name: str, spread: float, middle: float) -> Floats:
    """Y's true intercept at the means, and its weights per standard deviation of M, U1, U2 and U3."""
    intercept, of_m, *of_hidden = EQUATIONS[name]
    return np.array(
        [
            intercept + of_m * middle + sum(w * mean for w, (mean, _) in zip(of_hidden, HIDDEN, strict=True)),
            of_m * spread,
            *(w * sd for w, (_, sd) in zip(of_hidden, HIDDEN, strict=True)),
        ]
    )


def _set_by(name: str, query: str) -> dict[str, float]:
    """What a main question sets."""
    term = dict(STUDIES[name].queries)[query].expression
    assert isinstance(term, Term)
    return {setting.name: float(setting.value) for setting in term.do if isinstance(setting.value, int | float)}


class Entry(NamedTuple):
    """A line of the table."""

    study: str
    query: str
    n: int
    fit: Floats
    floor: Floats

    @property
    def cells(self) -> tuple[str, ...]:
        fit, floor = np.abs(self.fit), np.abs(self.floor)
        goals = {(query, n): goal for query, n, goal in STUDIES[self.study].targets}
        goal = goals.get((self.query, self.n))
        low, high = np.quantile(_resampled(self.fit, self.floor), (0.05, 0.95))
        ratio = np.sqrt(np.mean(self.fit**2) / np.mean(self.floor**2))
        return (
            self.study,
            self.query,
            str(self.n),
            f"{np.median(floor):.3f} ± {_error(floor):.3f}",
            f"{np.median(fit):.3f} ± {_error(fit):.3f}",
            "–" if goal is None else f"{goal:.3f}",
            f"{np.sqrt(np.mean(self.floor**2)):.3f}",
            f"{np.sqrt(np.mean(self.fit**2)):.3f}",
            f"{ratio:.2f} [{low:.2f}, {high:.2f}]",
        )


def _resampled(fit: Floats, floor: Floats) -> Floats:
    """The ratio of the RMSEs in bootstraps over data sets."""
    chosen = np.random.default_rng(0).integers(0, len(fit), (BOOTSTRAPS, len(fit)))
    return np.sqrt((fit[chosen] ** 2).mean(1) / (floor[chosen] ** 2).mean(1))


def _error(errors: Floats) -> float:
    """The standard error of a median, by bootstrap."""
    chosen = np.random.default_rng(0).integers(0, len(errors), (BOOTSTRAPS, len(errors)))
    return float(np.median(errors[chosen], axis=1).std(ddof=1))


READERS: dict[str, Callable[[], Reader]] = {
    "multicause": lambda: causes("multicause"),
    "multicause-strong": lambda: causes("multicause-strong"),
    "napkin": lambda: napkin,
    "signaling": lambda: signaling,
}


def entries(name: str, folder: Path) -> list[Entry]:
    """The fits of a study beside its reader, on the same data sets."""
    chosen = STUDIES[name]
    stored = [row for row in stored_rows(folder) if row["study"] == name and row["query"] in chosen.main]
    found: dict[tuple[str, int], dict[int, float]] = {}
    for row in stored:
        if row["method"] == OURS and row.get("estimate") is not None:
            found.setdefault((row["query"], row["n"]), {})[row["dataset"]] = row["estimate"] - row["truth"]
    truths = {row["query"]: row["truth"] for row in stored}
    if not found:
        return []
    if name not in READERS:
        return _of_reproduction(name, found, stored)
    read = READERS[name]()
    made = []
    for (query, n), errors in sorted(found.items()):
        own = {}
        for dataset in errors:
            rows = ld.simulate(name, chosen.rows, seed=dataset)
            own[dataset] = read({column: np.asarray(rows[column], float)[:n] for column in chosen.model.measured})[
                query
            ]
        made.append(_entry(name, query, n, errors, {k: value - truths[query] for k, value in own.items()}))
    return made


def _of_reproduction(
    name: str, found: dict[tuple[str, int], dict[int, float]], stored: Sequence[Mapping[str, Any]]
) -> list[Entry]:
    """The floor that the reproduction kept itself."""
    floors: dict[tuple[str, int], dict[int, float]] = {}
    for row in stored:
        if row["method"] == FLOOR:
            floors.setdefault((row["query"], row["n"]), {})[row["dataset"]] = row["estimate"] - row["truth"]
    return [_entry(name, *cell, errors, floors[cell]) for cell, errors in sorted(found.items()) if cell in floors]


def _entry(name: str, query: str, n: int, fit: dict[int, float], floor: dict[int, float]) -> Entry:
    both = sorted(fit.keys() & floor.keys())
    return Entry(name, query, n, np.array([fit[k] for k in both]), np.array([floor[k] for k in both]))


HEAD = (
    "study",
    "question",
    "n",
    "floor, median error",
    "lvm, median error",
    "wanted",
    "floor, RMSE",
    "lvm, RMSE",
    "RMSE, times the floor",
)


def table(found: Sequence[Entry]) -> str:
    """The lines in Markdown."""
    rule = ["---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:"]
    lines = [HEAD, rule, *(entry.cells for entry in found)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where reproductions kept their results")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    names = [name for name in STUDIES if name in READERS or name == "covid"]
    made = table([entry for name in names for entry in entries(name, options.folder)])
    print(made)
    options.page.write_text(filled(options.page.read_text(encoding="utf8"), "floors", made), encoding="utf8")


if __name__ == "__main__":
    main()
