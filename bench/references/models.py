"""The four studies as a statistician would write them in NumPyro, without latentdo: the models of the reference runs.

The priors are latentdo's default ones, written out: parents centred and divided by their sd; with t the sd of the node on the
link scale (2 for a binary node) weights are normal(0, t), halved by a sign, times the widths of measured parents (`widths`);
intercepts normal(link mean, 2 t), of a binary node normal(0, 3), of a hidden one normal(0, 1.5); rows of tables begin with the
shares of the node, each level counted once more, a root's with beta(1, 1); sd = 0.05 sd(column) + half-normal(sd(column)); gamma
shape half-normal(10). Latents are standard normal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.nn import log_sigmoid, sigmoid
from jax.scipy.special import logsumexp

Rows = Mapping[str, np.ndarray]
Parents = tuple[tuple[str, object], ...]
"""Each parent with the sign of its weight in front of its name (`+SOS`, `-AKT`, `U`) and its standardised values."""


def latent(name: str, n: int):
    """A standard normal latent, one value per row."""
    return numpyro.sample(name, dist.Normal(0.0, 1.0).expand([n]).to_event(1))


def scaled(rows: Rows, *names: str) -> Parents:
    """Measured parents, centred and divided by their sd; a sign may stand before a name."""
    columns = [(name, rows[name.lstrip("+-")]) for name in names]
    return tuple((name, (column - column.mean()) / column.std(ddof=1)) for name, column in columns)


def widths(parents: Parents, *, in_bounds: bool) -> list[float]:
    """What t is multiplied by for each parent, as one row would say; 1 for a hidden one.

    A parent with two values counts by half of their difference where the node's mean has bounds. Others have the square root of
    1 + the sizes of their partial correlations, over their sd given the other measured parents; less so with few rows.
    """
    columns = {name: values for name, values in parents if isinstance(values, np.ndarray)}
    if not columns:
        return [1.0] * len(parents)
    x = np.stack(list(columns.values()))
    precision = np.atleast_2d(np.linalg.inv(np.atleast_2d(np.cov(x))))
    along = np.sqrt(np.diag(precision))
    wide = along * np.sqrt(np.abs(precision / np.outer(along, along)).sum(axis=1))
    own = dict(zip(columns, wide ** min(1.0, x.shape[1] / (10 * len(x))), strict=True))
    if in_bounds:
        own |= {name: 2.0 / np.ptp(values) for name, values in columns.items() if len(np.unique(values)) == 2}
    return [float(own.get(name, 1.0)) for name, _ in parents]


def predictor(node: str, intercept: dist.Distribution, t: float, parents: Parents, *, in_bounds: bool):
    """Intercept plus weights times parents, all of them sampled."""
    eta = numpyro.sample(f"{node}.intercept", intercept)
    for (name, values), width in zip(parents, widths(parents, in_bounds=in_bounds), strict=True):
        sd = t * width
        size = numpyro.sample(f"{node}.{name}", dist.HalfNormal(sd) if name[0] in "+-" else dist.Normal(0.0, sd))
        eta = eta + (-size if name[0] == "-" else size) * values
    return eta


def residual_sd(node: str, column: np.ndarray):
    """The sd around the mean, with its floor."""
    size = column.std(ddof=1)
    return 0.05 * size + numpyro.sample(f"{node}.excess", dist.HalfNormal(size))


def normal(node: str, rows: Rows, parents: Parents = ()):
    """A normal node."""
    y = rows[node]
    t = y.std(ddof=1)
    eta = predictor(node, dist.Normal(y.mean(), 2 * t), t, parents, in_bounds=False)
    numpyro.sample(node, dist.Normal(eta, residual_sd(node, y)), obs=y)


def hill(node: str, rows: Rows, parents: Parents = ()):
    """100 times a sigmoid, with normal noise."""
    y = rows[node]
    share = np.clip(y / 100.0, 0.01, 0.99)
    link = np.log(share / (1 - share))
    t = link.std(ddof=1)
    eta = predictor(node, dist.Normal(link.mean(), 2 * t), t, parents, in_bounds=True)
    numpyro.sample(node, dist.Normal(100.0 * sigmoid(eta), residual_sd(node, y)), obs=y)


def bernoulli(node: str, rows: Rows, parents: Parents = ()):
    """A binary node with a logit link."""
    eta = predictor(node, dist.Normal(0.0, 3.0), 2.0, parents, in_bounds=True)
    numpyro.sample(node, dist.BernoulliLogits(eta), obs=rows[node])


def gamma(node: str, rows: Rows, parents: Parents = ()):
    """A positive node with a log link and a shape."""
    y = rows[node]
    t = np.log(y).std(ddof=1)
    eta = predictor(node, dist.Normal(np.log(y).mean(), 2 * t), t, parents, in_bounds=False)
    shape = numpyro.sample(f"{node}.shape", dist.HalfNormal(10.0))
    numpyro.sample(node, dist.Gamma(shape, shape * jnp.exp(-eta)), obs=y)


def signaling(rows: Rows) -> None:
    """Seven proteins, two hidden growth factors."""
    n = len(rows["SOS"])
    factors = (("+EGF", latent("EGF", n)), ("+IGF", latent("IGF", n)))
    hill("SOS", rows, factors)
    hill("PI3K", rows, (*factors, *scaled(rows, "+Ras")))
    hill("Ras", rows, scaled(rows, "+SOS"))
    hill("AKT", rows, scaled(rows, "+PI3K"))
    hill("Raf", rows, scaled(rows, "+Ras", "-AKT"))
    hill("Mek", rows, scaled(rows, "+Raf"))
    hill("Erk", rows, scaled(rows, "+Mek"))


def napkin(rows: Rows) -> None:
    """U behind W and X, V behind W and Y."""
    n = len(rows["W"])
    u, v = ("U", latent("U", n)), ("V", latent("V", n))
    gamma("W", rows, (u, v))
    normal("R", rows, scaled(rows, "W"))
    bernoulli("X", rows, (*scaled(rows, "R"), u))
    normal("Y", rows, (*scaled(rows, "X"), v))


def multicause(rows: Rows) -> None:
    """Five binary causes and the outcome share three latents."""
    n = len(rows["M"])
    hidden = tuple((f"U{k}", latent(f"U{k}", n)) for k in (1, 2, 3))
    causes = [f"X{j}" for j in range(1, 6)]
    for cause in causes:
        bernoulli(cause, rows, hidden)
    bernoulli("M", rows, scaled(rows, *causes))
    bernoulli("Y", rows, (*scaled(rows, "M"), *hidden))


def covid_virus(rows: Rows) -> None:
    """SARS_CoV2 and AngII, with two latents."""
    n = len(rows["AngII"])
    hidden = tuple((f"A{k}", latent(f"A{k}", n)) for k in (1, 2))
    hill("SARS_CoV2", rows, hidden)
    normal("AngII", rows, (*scaled(rows, "-ACE2"), *hidden))


def covid_receptor(rows: Rows) -> None:
    """ADAM17 and sIL6R, with two latents."""
    n = len(rows["AngII"])
    hidden = tuple((f"B{k}", latent(f"B{k}", n)) for k in (1, 2))
    hill("ADAM17", rows, (*scaled(rows, "+AGTR1"), *hidden))
    hill("sIL6R", rows, (*scaled(rows, "+ADAM17", "-Toci"), *hidden))


def covid_growth(rows: Rows) -> None:
    """EGF, EGFR, TNF and IL6_STAT3, with three latents."""
    n = len(rows["AngII"])
    c, d, e = ((name, latent(name, n)) for name in "CDE")
    hill("EGF", rows, (*scaled(rows, "+ADAM17"), c))
    hill("TNF", rows, (*scaled(rows, "+ADAM17"), d))
    hill("EGFR", rows, (*scaled(rows, "+EGF", "-Gefi"), c, d, e))
    hill("IL6_STAT3", rows, (*scaled(rows, "+sIL6R"), e))


def covid_pattern(rows: Rows) -> None:
    """PRR and NFkB, with two latents."""
    n = len(rows["AngII"])
    hidden = tuple((f"F{k}", latent(f"F{k}", n)) for k in (1, 2))
    hill("PRR", rows, (*scaled(rows, "+SARS_CoV2"), *hidden))
    hill("NFkB", rows, (*scaled(rows, "+PRR", "+EGFR", "+TNF"), *hidden))


def covid_rest(rows: Rows) -> None:
    """The nodes without a latent parent: one regression each."""
    normal("Toci", rows)
    normal("Gefi", rows)
    normal("ACE2", rows, scaled(rows, "-SARS_CoV2"))
    hill("AGTR1", rows, scaled(rows, "+AngII"))
    hill("IL6_AMP", rows, scaled(rows, "+NFkB", "+IL6_STAT3"))
    bernoulli("Cytokine", rows, scaled(rows, "+IL6_AMP"))


def covid(rows: Rows) -> None:
    """The whole model: its blocks share no parameter and no latent, so that each may be run alone."""
    for block in (covid_virus, covid_receptor, covid_growth, covid_pattern, covid_rest):
        block(rows)


def frontdoor(rows: Rows) -> None:
    """A latent behind X and Y, M between them; all linear, all normal."""
    u = ("U", latent("U", len(rows["X"])))
    normal("X", rows, (u,))
    normal("M", rows, scaled(rows, "X"))
    normal("Y", rows, (*scaled(rows, "M"), u))


def latentclass(rows: Rows) -> None:
    """A hidden class behind A, B, X and Y, summed out; as a parent it is -1 or 1."""
    share = numpyro.sample("C.intercept", dist.Normal(0.0, 1.5))
    c = ("C", jnp.array([[-1.0], [1.0]]))
    # One row for each class.
    total = jnp.stack([log_sigmoid(-share), log_sigmoid(share)])[:, None]
    for node in ("A", "X"):
        eta = predictor(node, dist.Normal(0.0, 3.0), 2.0, (c,), in_bounds=True)
        total = total + dist.BernoulliLogits(eta).log_prob(rows[node])
    for node, parents in (("B", (c,)), ("Y", (*scaled(rows, "M"), c))):
        y = rows[node]
        eta = predictor(node, dist.Normal(y.mean(), 2 * y.std(ddof=1)), y.std(ddof=1), parents, in_bounds=False)
        total = total + dist.Normal(eta, residual_sd(node, y)).log_prob(y)
    numpyro.factor("rows", logsumexp(total, axis=0).sum())
    bernoulli("M", rows, scaled(rows, "X"))


def network(rows: Rows) -> None:
    """A probability of its own for every combination of the parents."""
    a, b, d = (rows[name] for name in "ABD")
    for site, given, y in (
        ("A.p", a >= 0, a),
        *((f"B.p{i}", a == i, b) for i in (0, 1)),
        *((f"D.p{i}{j}", (a == i) & (b == j), d) for i in (0, 1) for j in (0, 1)),
    ):
        share = (y.sum() + 1.0) / (len(y) + 2.0)
        prior = dist.Beta(1.0, 1.0) if site == "A.p" else dist.Beta(share, 1.0 - share)
        chance = numpyro.sample(site, prior)
        numpyro.sample(f"{site} of rows", dist.Binomial(int(given.sum()), chance), obs=int(y[given].sum()))


Model = Callable[[Rows], None]
WHOLE: Mapping[str, Model] = {
    "signaling": signaling,
    "napkin": napkin,
    "multicause": multicause,
    "covid": covid,
    "frontdoor": frontdoor,
    "latentclass": latentclass,
    "network": network,
}
# Covid as one run would take hours; its posterior is the product of these five, exactly.
PARTS: Mapping[str, tuple[Model, ...]] = {
    "signaling": (signaling,),
    "napkin": (napkin,),
    "multicause": (multicause,),
    "frontdoor": (frontdoor,),
    "latentclass": (latentclass,),
    "network": (network,),
    "covid": (covid_virus, covid_receptor, covid_growth, covid_pattern, covid_rest),
}
