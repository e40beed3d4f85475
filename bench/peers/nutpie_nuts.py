"""nutpie's NUTS on the same models, written in PyMC."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pymc as pm
from calling import Draws, serve

Rows = dict[str, np.ndarray]


def scaled(column: np.ndarray) -> np.ndarray:
    """Centred and divided by its sd."""
    return (column - column.mean()) / column.std(ddof=1)


class Nodes:
    """Adds nodes to the model in whose context it is used; priors as in references/models.py."""

    def __init__(self, rows: Rows, latents: str) -> None:
        self.rows = rows
        n = len(next(iter(rows.values())))
        self.latents = {name: pm.Normal(name, 0.0, 1.0, shape=n) for name in latents.split()}

    def _predictor(self, node: str, centre: float, spread: float, t: float, parents: str):
        eta = pm.Normal(f"{node}_intercept", centre, spread)
        for typed in parents.split():
            parent = typed.lstrip("+-")
            name = f"{node}_{parent}"
            size = pm.HalfNormal(name, t) if typed[0] in "+-" else pm.Normal(name, 0.0, t)
            values = self.latents[parent] if parent in self.latents else scaled(self.rows[parent])
            eta = eta + (-size if typed[0] == "-" else size) * values
        return eta

    def _sd(self, node: str):
        size = self.rows[node].std(ddof=1)
        return 0.05 * size + pm.HalfNormal(f"{node}_excess", size)

    def normal(self, node: str, parents: str = "") -> None:
        y = self.rows[node]
        t = y.std(ddof=1)
        pm.Normal(node, self._predictor(node, y.mean(), 2 * t, t, parents), self._sd(node), observed=y)

    def hill(self, node: str, parents: str = "") -> None:
        y = self.rows[node]
        share = np.clip(y / 100.0, 0.01, 0.99)
        link = np.log(share / (1 - share))
        t = link.std(ddof=1)
        eta = self._predictor(node, link.mean(), 2 * t, t, parents)
        pm.Normal(node, 100.0 * pm.math.sigmoid(eta), self._sd(node), observed=y)

    def bernoulli(self, node: str, parents: str) -> None:
        pm.Bernoulli(node, logit_p=self._predictor(node, 0.0, 3.0, 2.0, parents), observed=self.rows[node])

    def gamma(self, node: str, parents: str) -> None:
        y = self.rows[node]
        t = np.log(y).std(ddof=1)
        eta = self._predictor(node, np.log(y).mean(), 2 * t, t, parents)
        shape = pm.HalfNormal(f"{node}_shape", 10.0)
        pm.Gamma(node, alpha=shape, beta=shape * pm.math.exp(-eta), observed=y)


def signaling(rows: Rows) -> None:
    nodes = Nodes(rows, "EGF IGF")
    for node, parents in (
        ("SOS", "+EGF +IGF"), ("PI3K", "+EGF +IGF +Ras"), ("Ras", "+SOS"), ("AKT", "+PI3K"), ("Raf", "+Ras -AKT"),
        ("Mek", "+Raf"), ("Erk", "+Mek"),
    ):  # fmt: skip
        nodes.hill(node, parents)


def napkin(rows: Rows) -> None:
    nodes = Nodes(rows, "U V")
    nodes.gamma("W", "U V")
    nodes.normal("R", "W")
    nodes.bernoulli("X", "R U")
    nodes.normal("Y", "X V")


def multicause(rows: Rows) -> None:
    nodes = Nodes(rows, "U1 U2 U3")
    for j in range(1, 6):
        nodes.bernoulli(f"X{j}", "U1 U2 U3")
    nodes.bernoulli("M", "X1 X2 X3 X4 X5")
    nodes.bernoulli("Y", "M U1 U2 U3")


def covid(rows: Rows) -> None:
    nodes = Nodes(rows, "A1 A2 B1 B2 C D E F1 F2")
    for node, parents in (
        ("SARS_CoV2", "A1 A2"), ("AGTR1", "+AngII"), ("ADAM17", "+AGTR1 B1 B2"), ("sIL6R", "+ADAM17 -Toci B1 B2"),
        ("EGF", "+ADAM17 C"), ("TNF", "+ADAM17 D"), ("EGFR", "+EGF -Gefi C D E"), ("PRR", "+SARS_CoV2 F1 F2"),
        ("NFkB", "+PRR +EGFR +TNF F1 F2"), ("IL6_STAT3", "+sIL6R E"), ("IL6_AMP", "+NFkB +IL6_STAT3"),
    ):  # fmt: skip
        nodes.hill(node, parents)
    for node, parents in (("Toci", ""), ("Gefi", ""), ("ACE2", "-SARS_CoV2"), ("AngII", "-ACE2 A1 A2")):
        nodes.normal(node, parents)
    nodes.bernoulli("Cytokine", "+IL6_AMP")


MODELS: dict[str, Callable[[Rows], None]] = {
    "signaling": signaling,
    "napkin": napkin,
    "multicause": multicause,
    "covid": covid,
}


def run(options: argparse.Namespace, rows: Rows) -> tuple[Draws, float]:
    """Compile with Numba, then sample two chains at a time."""
    import nutpie

    with pm.Model() as model:
        MODELS[options.study](rows)
    compiled = nutpie.compile_pymc_model(model)
    begun = time.perf_counter()
    trace = nutpie.sample(
        compiled, chains=options.chains, cores=2, tune=options.warmup, draws=options.draws, seed=options.seed,
        target_accept=0.9, progress_bar=False,
    )  # fmt: skip
    draws = {str(name): np.asarray(values) for name, values in trace.posterior.data_vars.items() if values.ndim == 2}
    return draws, time.perf_counter() - begun


if __name__ == "__main__":
    serve(run)
