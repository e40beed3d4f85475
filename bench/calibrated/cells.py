"""The models whose calibration is looked at, each with a latent and without, and what is ranked of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import special
from scipy.stats import qmc

from .laws import LAWS, Array, prior_draw

Theta = Mapping[str, Array]
"""Parameters by label (`X -> Y`, `intercept(Y[1])`, `sd(Y)`, `P(Y=1 | X=0)`), each (draw,)."""
Typed = tuple[str, ...]

N_LEVELS = 3
CONCENTRATION = 2.0
LOG2_UNITS = 7
# Log likelihoods by few points are still the same function of truth and draws: coarse, not wrong.
POINTS = {1: 41, 2: 13}


@dataclass(frozen=True)
class Node:
    """One node of a cell.

    Attributes:
        parents: With their signs (`+M`, `U`).
        priors: Of its parameters by key.
        fixed: Parameters that are known.
    """

    name: str
    family: str
    parents: Typed = ()
    priors: Mapping[str, Typed] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    options: str = ""

    @property
    def n_levels(self) -> int:
        """How many levels it has as a parent and as a node; 0 where it has none."""
        return N_LEVELS if self.family in ("categorical", "table") else 0

    @property
    def text(self) -> str:
        """The statement in the model language."""
        keys = [f"{key}={prior[0]}({', '.join(prior[1:])})" for key, prior in self.priors.items()]
        levels = [f"levels=[{', '.join(map(str, range(self.n_levels)))}]"] if self.n_levels else []
        if self.family == "table":
            levels.append(f"concentration={CONCENTRATION:g}")
        inside = ", ".join((*self.parents, *filter(None, [self.options]), *levels, *keys))
        return f"{self.name} ~ {self.family}" + (f"({inside})" if inside else "")


@dataclass(frozen=True)
class Cell:
    """A model with fixed priors.

    Attributes:
        nodes: Parents before children; the last is the outcome.
        hidden: Which nodes are latent; they come first.
        treatment: The identified effect is E[outcome] with this node set to 1, less that with it set to 0.
    """

    name: str
    nodes: tuple[Node, ...]
    hidden: Typed
    treatment: str

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @property
    def measured(self) -> tuple[Node, ...]:
        """The nodes that have columns."""
        return tuple(node for node in self.nodes if node.name not in self.hidden)

    @property
    def text(self) -> str:
        """The model text."""
        return "\n".join(("latent " if node.name in self.hidden else "") + node.text for node in self.nodes)

    def _factors(self, node: Node) -> Iterator[tuple[str, str, str, int | None]]:
        """What a predictor multiplies its weights with: sign, label, parent, and the level whose indicator it is."""
        for typed in node.parents:
            parent = typed.lstrip("+-")
            sign = typed[: len(typed) - len(parent)]
            if n := self._by_name[parent].n_levels:
                yield from ((sign, f"{parent}[{level}]", parent, level) for level in range(1, n))
            else:
                yield sign, parent, parent, None

    @staticmethod
    def _predicted(node: Node) -> tuple[str, ...]:
        """The names of a node's linear predictors: of a categorical node one for each level but the first."""
        return tuple(f"{node.name}[{level}]" for level in range(1, N_LEVELS)) if node.n_levels else (node.name,)

    def _table_rows(self, node: Node) -> list[list[str]]:
        """Labels of a table's probabilities, row by row, the last parent varying fastest."""
        rows = itertools.product(*(range(self._by_name[parent].n_levels or 2) for parent in node.parents))
        given = [", ".join(f"{p}={k}" for p, k in zip(node.parents, row, strict=True)) for row in rows]
        return [
            [f"P({node.name}={level}{' | ' + row if row else ''})" for level in range(node.n_levels)] for row in given
        ]

    def draw_parameters(self, random: np.random.Generator) -> dict[str, Array]:
        """One draw of the prior."""
        theta: dict[str, float] = {}
        for node in self.nodes:
            if node.family == "table":
                for row in self._table_rows(node):
                    theta |= dict(zip(row, random.dirichlet([CONCENTRATION] * len(row)), strict=True))
                continue
            for key, prior in node.priors.items():
                if key == "weight":
                    for of, (sign, label, _, _) in itertools.product(self._predicted(node), self._factors(node)):
                        value = prior_draw(prior, random)
                        theta[f"{label} -> {of}"] = {"": value, "+": abs(value), "-": -abs(value)}[sign]
                else:
                    for of in self._predicted(node) if key == "intercept" else (node.name,):
                        theta[f"{key}({of})"] = prior_draw(prior, random)
        return {label: np.array([value]) for label, value in theta.items()}

    def predictor(self, node: Node, theta: Theta, values: Mapping[str, Array]) -> Array:
        """(draw, unit), or (level, draw, unit) log probabilities of a node with levels."""
        if node.family == "table":
            return self._table_logs(node, theta, values)
        etas = []
        for of in self._predicted(node):
            eta = self._parameter(node, "intercept", theta, of)
            for _, label, parent, level in self._factors(node):
                at = values[parent] if level is None else (values[parent] == level).astype(float)
                eta = eta + theta[f"{label} -> {of}"][:, None] * at
            etas.append(eta)
        if not node.n_levels:
            return etas[0]
        stacked = np.stack(np.broadcast_arrays(0.0 * etas[0], *etas))
        return stacked - special.logsumexp(stacked, axis=0)

    def _table_logs(self, node: Node, theta: Theta, values: Mapping[str, Array]) -> Array:
        index = np.zeros((1, 1))
        for parent in node.parents:
            index = index * (self._by_name[parent].n_levels or 2) + values[parent]
        labels = self._table_rows(node)
        return np.stack(
            [
                sum(
                    np.where(index == row, np.log(theta[names[level]])[:, None], 0.0)
                    for row, names in enumerate(labels)
                )
                for level in range(node.n_levels)
            ]
        )

    @staticmethod
    def _parameter(node: Node, key: str, theta: Theta, of: str = "") -> Array:
        """(draw, 1), or (1, 1) of one that is known."""
        if key in node.fixed:
            return np.full((1, 1), node.fixed[key])
        return theta[f"{key}({of or node.name})"][:, None]

    def own(self, node: Node, theta: Theta) -> dict[str, Array]:
        """The family's parameters, (draw, 1)."""
        keys = {*node.priors, *node.fixed} - {"weight", "intercept"}
        return {key: self._parameter(node, key, theta) for key in keys}

    def simulate(self, theta: Theta, uniforms: Array, do: Mapping[str, float] | None = None) -> dict[str, Array]:
        """Every node, (draw, unit); `uniforms`: a row per node."""
        values: dict[str, Array] = {}
        for node, quantiles in zip(self.nodes, uniforms, strict=True):
            eta = self.predictor(node, theta, values)
            drawn = LAWS[node.family].quantile(quantiles, eta, self.own(node, theta))
            values[node.name] = np.full_like(drawn, do[node.name]) if do and node.name in do else drawn
        return values

    def _points(self, node: Node, theta: Theta) -> list[tuple[float, Array | float]]:
        """Values of a latent and their log weights, (draw, 1): its levels, or points of a quadrature."""
        if node.n_levels or node.family == "bernoulli":
            law, eta = LAWS[node.family], self.predictor(node, theta, {})
            return [(float(k), law.log_density(np.full((1, 1), float(k)), eta, {})) for k in range(node.n_levels or 2)]
        n = POINTS[len(self.hidden)]
        if node.family == "normal":
            at, weights = np.polynomial.hermite_e.hermegauss(n)
            return list(zip(at.tolist(), np.log(weights / weights.sum()).tolist(), strict=True))
        eta = self.predictor(node, theta, {})
        at = LAWS[node.family].quantile((np.arange(n) + 0.5) / n, eta, self.own(node, theta))
        return [(float(value), -np.log(n)) for value in at[0]]

    def log_likelihood(self, theta: Theta, rows: Mapping[str, Array]) -> Array:
        """Of all rows, the latents summed out; (draw,)."""
        latents = [self._by_name[name] for name in self.hidden]
        parts = []
        for points in itertools.product(*(self._points(node, theta) for node in latents)):
            values = {**rows, **{name: np.full((1, 1), at) for name, (at, _) in zip(self.hidden, points, strict=True)}}
            logs = sum(
                LAWS[node.family].log_density(
                    rows[node.name], self.predictor(node, theta, values), self.own(node, theta)
                )
                for node in self.measured
            )
            parts.append(logs + sum(weight for _, weight in points))
        return special.logsumexp(np.stack(np.broadcast_arrays(*parts)), axis=0).sum(axis=-1)

    @cached_property
    def _uniforms(self) -> Array:
        points = qmc.Sobol(len(self.nodes), rng=np.random.default_rng(8)).random_base2(LOG2_UNITS).T
        return np.clip(points, 1e-9, 1 - 1e-9)

    def functionals(self, theta: Theta, rows: Mapping[str, Array]) -> dict[str, Array]:
        """What is ranked: functions of the parameters (and of the data), the same for the truth and for every draw.

        Units are those of one fixed set of points, so that simulation adds no noise: the ranks test exactly these
        functions, which are close to the moments that they are named for.
        """
        natural = self.simulate(theta, self._uniforms)
        found: dict[str, Array] = {}
        for node in self.measured:
            found[f"mean({node.name})"] = natural[node.name].mean(axis=1)
            found[f"var({node.name})"] = natural[node.name].var(axis=1)
        first, last = self.measured[0].name, self.nodes[-1].name
        products = natural[first] * natural[last]
        found[f"cov({first}, {last})"] = products.mean(axis=1) - found[f"mean({first})"] * found[f"mean({last})"]
        high, low = (
            self.simulate(theta, self._uniforms, {self.treatment: value})[last].mean(axis=1) for value in (1.0, 0.0)
        )
        found[f"E[{last} | do({self.treatment}=1)] - E[{last} | do({self.treatment}=0)]"] = high - low
        found["log likelihood"] = self.log_likelihood(theta, rows)
        return found


# Priors that keep data ordinary: no predictor far out, no sd near 0.
PRIORS: Mapping[str, Mapping[str, Typed]] = {
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
    "categorical": {"weight": ("normal", "0", "1"), "intercept": ("normal", "0", "1")},
    "table": {},
    "ordinal": {"weight": ("normal", "0", "1"), "intercept": ("normal", "0", "1"), "gap2": ("gamma", "4", "3")},
    "lognormal": {"weight": ("normal", "0", "0.4"), "intercept": ("normal", "0", "0.5"), "sd": ("gamma", "5", "10")},
    "beta": {"weight": ("normal", "0", "1"), "intercept": ("normal", "0", "0.5"), "shape": ("gamma", "5", "0.5")},
    "poisson": {"weight": ("normal", "0", "0.3"), "intercept": ("normal", "0.7", "0.5")},
    "poisson zi": {
        "weight": ("normal", "0", "0.3"),
        "intercept": ("normal", "1", "0.5"),
        "zi": ("beta", "2", "5"),
    },
    "negbin": {
        "weight": ("normal", "0", "0.3"),
        "intercept": ("normal", "0.7", "0.5"),
        "shape": ("gamma", "4", "1.5"),
    },
}
OPTIONS = {"ordinal": "levels=[0, 1, 2]"}
ROOT = {"intercept": ("normal", "0", "1"), "sd": ("gamma", "5", "5")}
LATENTS = {
    "normal": Node("U", "normal", fixed={"intercept": 0.0, "sd": 1.0}),
    "student": Node("U", "student", fixed={"intercept": 0.0, "scale": 1.0, "df": 4.0}, options="df=4"),
    "bernoulli": Node("U", "bernoulli", priors={"intercept": ("normal", "0", "1")}),
    "categorical": Node("U", "categorical", priors={"intercept": ("normal", "0", "1")}),
    "table": Node("U", "table"),
}


def _regression(family: str) -> Cell:
    """X ~ normal, Y ~ family(X); of a table X is one too."""
    root = Node("X", "table") if family == "table" else Node("X", "normal", (), ROOT)
    return Cell(family, (root, _node("Y", family, ("X",))), (), "X")


def _node(name: str, kind: str, parents: Typed) -> Node:
    """A node with the priors of its kind, a family or one of its options."""
    return Node(name, kind.split()[0], parents, PRIORS[kind], options=OPTIONS.get(kind, ""))


def _front_door(
    name: str, family: str, latent: str = "normal", *, sign: str = "", outcome: str = "", n_latents: int = 1
) -> Cell:
    """A latent behind X and Y, M between them. The effect of M on Y is identified, given X.

    Of two latents: they have the same children and priors, X, Z and Y.
    """
    hidden = tuple("UVW"[:n_latents])
    outcome = outcome or family
    mediator = "table" if family == "table" else "normal"
    # X of a hill node runs to 100: its weight is per unit.
    slope = {"weight": ("normal", "0", "0.03")} if family == "hill" else {}
    nodes = (
        *(Node(u, (like := LATENTS[latent]).family, (), like.priors, like.fixed, like.options) for u in hidden),
        _node("X", family, tuple(sign + u for u in hidden)),
        *([_node("Z", family, hidden)] if n_latents > 1 else []),
        Node("M", mediator, ("X",), PRIORS[mediator] | slope),
        _node("Y", outcome, (sign + "M", *hidden)),
    )
    return Cell(name, nodes, hidden, "M")


NEW = ("poisson", "poisson zi", "negbin", "lognormal", "beta", "ordinal")
PLAIN = ("normal", "hill", "bernoulli", "gamma", "student", "categorical", "table", *NEW)
CELLS = {
    cell.name: cell
    for cell in (
        *(_regression(family) for family in PLAIN),
        *(_front_door(f"{family}, latent", family) for family in PLAIN if family != "table"),
        # Of a table every parent has levels.
        _front_door("table, latent", "table", "table"),
        _front_door("hill, latent, signs", "hill", sign="+"),
        _front_door("latent student", "normal", "student"),
        _front_door("latent bernoulli", "normal", "bernoulli", outcome="bernoulli"),
        _front_door("latent categorical", "normal", "categorical"),
        _front_door("normal, two latents", "normal", n_latents=2),
        _front_door("bernoulli, two latents", "bernoulli", n_latents=2),
    )
}
