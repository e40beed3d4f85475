"""The questions from draws of the hand-written models, by simulation code of their own.

Every draw has its own randomly shifted Sobol points, so that its simulation error is small and independent of that of the
other draws. Values of parents stay standardised with the mean and sd of the data, as the models have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy.special import gammaincinv, ndtri
from scipy.stats import qmc

Draws = Mapping[str, np.ndarray]
"""Every sampled site but the latents, one value per draw."""
Rows = Mapping[str, np.ndarray]

CHUNK = 200


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def chunks(draws: Draws) -> Iterator[dict[str, np.ndarray]]:
    """The draws a few at a time, each site as (draw, 1)."""
    total = len(next(iter(draws.values())))
    for start in range(0, total, CHUNK):
        yield {name: values[start : start + CHUNK, None] for name, values in draws.items()}


class Uniforms:
    """Sobol points, shifted at random for every draw: one array (draw, unit) per dimension."""

    def __init__(self, dimensions: int, log2_units: int, seed: int) -> None:
        self.points = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed)).random_base2(log2_units)
        self.random = np.random.default_rng([seed, 1])

    def uniforms(self, n_draws: int) -> list[np.ndarray]:
        """Each within (0, 1)."""
        shifts = self.random.uniform(size=(n_draws, self.points.shape[1]))
        return [
            np.clip((self.points[None, :, k] + shifts[:, k, None]) % 1.0, 1e-12, 1 - 1e-12)
            for k in range(self.points.shape[1])
        ]

    def normals(self, n_draws: int) -> list[np.ndarray]:
        """Standard normal."""
        return [ndtri(points) for points in self.uniforms(n_draws)]


class World:
    """Nodes of one draw's population, in the order they are put in; a node in `held` keeps that value."""

    def __init__(self, rows: Rows, draws: Draws, held: Mapping[str, float]) -> None:
        self.rows, self.draws, self.held = rows, draws, held
        self.values: dict[str, np.ndarray] = {}

    def scaled(self, name: str) -> np.ndarray:
        column = self.rows[name]
        return (self.values[name] - column.mean()) / column.std(ddof=1)

    def eta(self, node: str, **latents: np.ndarray) -> np.ndarray:
        """The linear predictor: parents are read off the names of the sites."""
        eta = self.draws[f"{node}.intercept"]
        for site, weight in self.draws.items():
            owner, _, label = site.partition(".")
            if owner != node or label in ("intercept", "excess", "shape"):
                continue
            parent = label.lstrip("+-")
            value = latents[parent] if parent in latents else self.scaled(parent)
            eta = eta + (-weight if label[0] == "-" else weight) * value
        return eta

    def sd(self, node: str) -> np.ndarray:
        return 0.05 * self.rows[node].std(ddof=1) + self.draws[f"{node}.excess"]

    def put(self, node: str, value: Callable[[], np.ndarray]) -> None:
        self.values[node] = np.full((1, 1), float(self.held[node])) if node in self.held else value()

    def hill(self, node: str, noise: np.ndarray, **latents: np.ndarray) -> None:
        self.put(node, lambda: 100.0 * sigmoid(self.eta(node, **latents)) + self.sd(node) * noise)

    def normal(self, node: str, noise: np.ndarray, **latents: np.ndarray) -> None:
        self.put(node, lambda: self.eta(node, **latents) + self.sd(node) * noise)


def signaling(rows: Rows, draws: Draws, log2_units: int = 11) -> dict[str, np.ndarray]:
    """E[Erk] under do(SOS=70), do(SOS=20), nothing."""
    points = Uniforms(8, log2_units, 31)
    found: dict[str, list[np.ndarray]] = {"E[Erk | do(SOS=70)]": [], "E[Erk | do(SOS=20)]": [], "E[Erk]": []}
    for part in chunks(draws):
        egf, igf, sos, ras, pi3k, akt, raf, mek = points.normals(len(part["SOS.intercept"]))
        for query, held in zip(found, ({"SOS": 70.0}, {"SOS": 20.0}, {}), strict=True):
            world = World(rows, part, held)
            world.hill("SOS", sos, EGF=egf, IGF=igf)
            world.hill("Ras", ras)
            world.hill("PI3K", pi3k, EGF=egf, IGF=igf)
            world.hill("AKT", akt)
            world.hill("Raf", raf)
            world.hill("Mek", mek)
            world.hill("Erk", np.zeros(1))
            found[query].append(world.values["Erk"].mean(axis=1))
    answers = {query: np.concatenate(values) for query, values in found.items()}
    answers["E[Erk | do(SOS=70)] - E[Erk]"] = answers["E[Erk | do(SOS=70)]"] - answers["E[Erk]"]
    return answers


def napkin(rows: Rows, draws: Draws, log2_units: int = 10) -> dict[str, np.ndarray]:
    """E[Y] under do(X=x) is linear in x, for V has mean 0; E[Y] needs E[X]."""
    x = rows["X"]
    slope = draws["Y.X"] / x.std(ddof=1)
    zero = draws["Y.intercept"] - slope * x.mean()
    points = Uniforms(4, log2_units, 32)
    treated = []
    for part in chunks(draws):
        u, v, w, r = points.uniforms(len(part["W.shape"]))
        u, v = ndtri(u), ndtri(v)
        world = World(rows, part, {})
        shape = part["W.shape"]
        mean = np.exp(world.eta("W", U=u, V=v))
        world.values["W"] = gammaincinv(shape, w) / shape * mean
        world.normal("R", ndtri(r))
        treated.append(sigmoid(world.eta("X", U=u)).mean(axis=1))
    outcome = zero + slope * np.concatenate(treated)
    return {
        "E[Y | do(X=0)]": zero,
        "E[Y | do(X=1)]": zero + slope,
        "E[Y | do(X=1)] - E[Y | do(X=0)]": slope,
        "E[Y | do(X=0)] - E[Y]": zero - outcome,
    }


def multicause(rows: Rows, draws: Draws, log2_units: int = 10) -> dict[str, np.ndarray]:
    """E[Y] with all causes set to one value, and with none set; M and Y are summed out."""
    causes = [f"X{j}" for j in range(1, 6)]
    points = Uniforms(8, log2_units, 33)
    arms: list[list[np.ndarray]] = [[], [], []]
    for part in chunks(draws):
        uniforms = points.uniforms(len(part["M.intercept"]))
        u = {f"U{k + 1}": ndtri(uniforms[k]) for k in range(3)}
        for arm, held in zip(arms, (dict.fromkeys(causes, 0.0), dict.fromkeys(causes, 1.0), {}), strict=True):
            world = World(rows, part, held)
            for cause, uniform in zip(causes, uniforms[3:], strict=True):
                world.put(cause, lambda: (uniform < sigmoid(world.eta(cause, **u))).astype(float))  # noqa: B023
            mediated = sigmoid(world.eta("M"))
            outcome = []
            for m in (0.0, 1.0):
                world.values["M"] = np.full((1, 1), m)
                outcome.append(sigmoid(world.eta("Y", **u)))
            arm.append((outcome[0] * (1 - mediated) + outcome[1] * mediated).mean(axis=1))
    zero, one, natural = (np.concatenate(arm) for arm in arms)
    names = ["E[Y | do(" + ", ".join(f"{cause}={value}" for cause in causes) + ")]" for value in (0, 1)]
    return {names[0]: zero, names[1]: one, f"{names[0]} - E[Y]": zero - natural}


def covid(rows: Rows, draws: Draws, log2_units: int = 10) -> dict[str, np.ndarray]:
    """E[Cytokine] with sIL6R, EGFR or both set to 20."""
    arms = {
        "E[Cytokine | do(sIL6R=20)]": {"sIL6R": 20.0},
        "E[Cytokine | do(EGFR=20)]": {"EGFR": 20.0},
        "E[Cytokine | do(sIL6R=20, EGFR=20)]": {"sIL6R": 20.0, "EGFR": 20.0},
    }
    nodes = (
        *("SARS_CoV2", "ACE2", "AngII", "AGTR1", "ADAM17", "sIL6R", "EGF", "TNF", "EGFR", "PRR", "NFkB"),
        *("IL6_STAT3", "IL6_AMP", "Toci", "Gefi"),
    )
    latents = ("A1", "A2", "B1", "B2", "C", "D", "E", "F1", "F2")
    points = Uniforms(len(nodes) + len(latents), log2_units, 34)
    found: dict[str, list[np.ndarray]] = {query: [] for query in arms}
    for part in chunks(draws):
        normals = points.normals(len(part["ACE2.intercept"]))
        noise = dict(zip((*nodes, *latents), normals, strict=True))
        for query, held in arms.items():
            world = World(rows, part, held)
            for node, hidden in (
                ("Toci", ""),
                ("Gefi", ""),
                ("SARS_CoV2", "A1 A2"),
                ("ACE2", ""),
                ("AngII", "A1 A2"),
                ("AGTR1", ""),
                ("ADAM17", "B1 B2"),
                ("sIL6R", "B1 B2"),
                ("EGF", "C"),
                ("TNF", "D"),
                ("EGFR", "C D E"),
                ("PRR", "F1 F2"),
                ("NFkB", "F1 F2"),
                ("IL6_STAT3", "E"),
                ("IL6_AMP", ""),
            ):
                draw = world.normal if node in ("Toci", "Gefi", "ACE2", "AngII") else world.hill
                draw(node, noise[node], **{name: noise[name] for name in hidden.split()})
            found[query].append(sigmoid(world.eta("Cytokine")).mean(axis=1))
    return {query: np.concatenate(values) for query, values in found.items()}


def frontdoor(rows: Rows, draws: Draws) -> dict[str, np.ndarray]:
    """E[Y | do(X=x)] in closed form: all is linear, and the latent has mean 0."""
    (x_mean, x_sd), (m_mean, m_sd) = ((rows[name].mean(), rows[name].std(ddof=1)) for name in ("X", "M"))
    mediated = [draws["M.intercept"] + draws["M.X"] * (x - x_mean) / x_sd for x in (0.0, 1.0)]
    zero, one = (draws["Y.intercept"] + draws["Y.M"] * (m - m_mean) / m_sd for m in mediated)
    return {"E[Y | do(X=1)]": one, "E[Y | do(X=1)] - E[Y | do(X=0)]": one - zero}


def latentclass(rows: Rows, draws: Draws) -> dict[str, np.ndarray]:
    """E[Y | do(M=m)] in closed form: Y is linear in M and in the class."""
    hidden = draws["Y.C"] * (2.0 * sigmoid(draws["C.intercept"]) - 1.0)
    mean, sd = rows["M"].mean(), rows["M"].std(ddof=1)
    zero, one = (draws["Y.intercept"] + draws["Y.M"] * (m - mean) / sd + hidden for m in (0.0, 1.0))
    return {"E[Y | do(M=1)]": one, "E[Y | do(M=1)] - E[Y | do(M=0)]": one - zero}


def network(rows: Rows, draws: Draws) -> dict[str, np.ndarray]:
    """E[D | do(B=b)]: B's table is left out, A's stays."""
    del rows
    a = draws["A.p"]
    zero, one = ((1 - a) * draws[f"D.p0{b}"] + a * draws[f"D.p1{b}"] for b in (0, 1))
    return {"E[D | do(B=1)]": one, "E[D | do(B=1)] - E[D | do(B=0)]": one - zero}


ANSWERS = {
    "signaling": signaling,
    "napkin": napkin,
    "multicause": multicause,
    "covid": covid,
    "frontdoor": frontdoor,
    "latentclass": latentclass,
    "network": network,
}
