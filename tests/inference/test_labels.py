"""What is said of single parameters: symmetries excuse what they move and nothing else; a prior is told from a posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import scipy.stats

from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import LinkScale, node_coordinates, parent_scales
from latentdo.inference.blocks.diagnostics import Diagnostic, diagnose
from latentdo.inference.blocks.draws import DataFacts, NodeDraws
from latentdo.inference.likelihood.certify import LOG_LIKELIHOOD, LOG_POSTERIOR
from latentdo.inference.likelihood.prior_law import cumulative, quantiles
from latentdo.inference.posterior.labels import invariants, parameter_labels
from latentdo.inference.posterior.posterior import Posterior
from latentdo.inference.posterior.symmetry import symmetries
from latentdo.models import ColumnSummary, ModelSpec, Prior
from posteriors import posterior_of, with_draws

TWO = "latent U1, U2 ~ normal; X ~ normal(U1, U2); Y ~ normal(U1, U2); Z ~ normal(U1, U2)"
CHAINS, DRAWS = 4, 500


def kinds(posterior: Posterior) -> dict[str, str]:
    return {label.name: label.kind for label in parameter_labels(posterior)}


def found(model: str) -> list[str]:
    posterior = posterior_of(model)
    return [str(one) for one in symmetries(posterior.spec, {own.node: own for own in posterior.coordinates})]


def with_weights(posterior: Posterior, weights: dict[str, np.ndarray], density: float = 1.0) -> Posterior:
    """The posterior with these weights (chain, draw, latent) by child, and a density whose R-hat is given."""
    judged = (Diagnostic(LOG_POSTERIOR, density, 1000.0), Diagnostic(LOG_LIKELIHOOD, density, 1000.0))
    blocks = []
    for block in posterior.blocks:
        draws = []
        for node, own in block.draws:
            coefficients = own.coefficients.copy()
            if node in weights:
                coefficients[..., 1:] = weights[node]
            draws.append((node, NodeDraws(coefficients, own.parameters)))
        blocks.append(replace(block, draws=tuple(draws), diagnostics=judged))
    return replace(posterior, blocks=tuple(blocks))


def rotated(angle_of_chain: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of X, Y, Z on two latents: one matrix W with a little noise, turned by another angle in every chain."""
    w = np.array([[1.0, 0.2], [0.3, 0.9], [-0.5, 0.6]]) + 0.05 * random.normal(size=(CHAINS, DRAWS, 3, 2))
    c, s = np.cos(angle_of_chain)[:, None, None], np.sin(angle_of_chain)[:, None, None]
    turned = np.stack([c * w[..., 0] - s * w[..., 1], s * w[..., 0] + c * w[..., 1]], axis=-1)
    return {node: turned[:, :, k] for k, node in enumerate("XYZ")}


def test_symmetries_are_found_where_priors_and_children_agree():
    assert found(TWO) == ["rotation of U1, U2"]
    assert found("latent U ~ normal; X ~ normal(U); Y ~ normal(U)") == ["sign of U"]
    assert found("latent U, V ~ normal; X ~ normal(U); Y ~ normal(U, V); Z ~ normal(V)") == ["sign of U", "sign of V"]
    assert found("latent U, V ~ normal; X ~ normal(+U, +V); Y ~ normal(+U, +V)") == ["labels of U, V"]
    assert found("latent U, V ~ normal; X ~ normal(U, V, weight=student(3, 0, 1)); Y ~ normal(U, V)") == [
        "labels and signs of U, V"
    ]
    assert found("A ~ normal; latent U ~ normal; X ~ normal(A, U, A:U); Y ~ normal(U)") == ["sign of U"]


@pytest.mark.parametrize(
    "model",
    [
        "latent U ~ normal; X ~ normal(+U); Y ~ normal(U)",
        "latent U ~ normal(mean=1); X ~ normal(U); Y ~ normal(U)",
        "latent U ~ normal; X ~ normal(U, weight=normal(1, 1)); Y ~ normal(U)",
        "latent U ~ normal; X ~ normal(U, weight=0.5); Y ~ normal(U)",
        "latent U, V ~ normal; X ~ normal(U, +V); Y ~ normal(+U, +V)",
    ],
)
def test_a_sign_a_mean_or_a_number_breaks_a_symmetry(model):
    assert found(model) == []


def test_invariants_of_a_rotation_are_those_of_the_matrix():
    random = np.random.default_rng(1)
    angles = np.array([0.0, 1.0, 2.5, 4.0])
    plain = rotated(np.zeros(CHAINS), np.random.default_rng(1))
    turned = rotated(angles, random)
    posterior = posterior_of(TWO, shape=(CHAINS, DRAWS))
    (symmetry,) = symmetries(posterior.spec, {own.node: own for own in posterior.coordinates})
    before, after = (list(invariants(with_weights(posterior, weights), symmetry)) for weights in (plain, turned))
    assert len(before) == 6, "the entries of W Wᵀ of three children"
    assert all(np.allclose(one, other) for one, other in zip(before, after, strict=True))
    moved = (
        posterior.by_node["X"].coefficients[..., 1],
        with_weights(posterior, turned).by_node["X"].coefficients[..., 1],
    )
    assert not np.allclose(*moved)


def test_two_exchangeable_latents_are_excused():
    posterior = with_weights(
        posterior_of(TWO, shape=(CHAINS, DRAWS)), rotated(np.arange(4.0), np.random.default_rng(2))
    )
    weight = posterior.by_node["X"].coefficients[..., 1]
    assert diagnose("w", weight).rhat > 2.0, "the chains are at different rotations"
    labels = {label.name: label for label in parameter_labels(posterior)}
    for name in ("U1 -> X", "U2 -> X", "U1 -> Z"):
        assert str(labels[name]) == "not identified (rotation of U1, U2); harmless"
        assert labels[name].harmless
    assert labels["sd(X)"].kind == "narrowed", "no rotation moves an sd"


def test_a_chain_that_is_stuck_is_not_excused_by_the_symmetry():
    weights = rotated(np.arange(4.0), np.random.default_rng(3))
    weights["X"][0] *= 0.2  # one chain at a point that no rotation reaches from the others
    labels = {label.name: label for label in parameter_labels(with_weights(posterior_of(TWO, shape=(4, 500)), weights))}
    assert labels["U1 -> X"].kind == "did not mix"
    assert not labels["U1 -> X"].harmless
    assert "R-hat" in str(labels["U1 -> X"])


def test_a_density_that_differs_between_chains_is_no_symmetry():
    posterior = posterior_of(TWO, shape=(CHAINS, DRAWS))
    weights = rotated(np.arange(4.0), np.random.default_rng(4))
    assert kinds(with_weights(posterior, weights, density=1.3))["U1 -> X"] == "did not mix"


def test_a_stuck_parameter_that_no_symmetry_moves_did_not_mix():
    posterior = posterior_of(TWO, shape=(CHAINS, DRAWS))
    posterior.by_node["Y"].coefficients[0, :, 0] += 3.0
    assert kinds(posterior)["intercept(Y)"] == "did not mix"


def test_a_sign_that_chains_disagree_on_is_harmless_and_one_that_they_agree_on_is_only_noted():
    model = "latent U ~ normal; X ~ normal(U); Y ~ normal(U)"
    agreed = {node: np.random.default_rng(k).normal(0.8, 0.1, (CHAINS, DRAWS, 1)) for k, node in enumerate("XY")}
    sides = np.array([1.0, -1.0, 1.0, -1.0])[:, None, None]
    split = {node: values * sides for node, values in agreed.items()}
    posterior = posterior_of(model, shape=(CHAINS, DRAWS))
    assert str(parameter_labels(with_weights(posterior, split))[1]) == "not identified (sign of U); harmless"
    assert str(parameter_labels(with_weights(posterior, agreed))[1]) == "narrowed by the data (but for the sign of U)"


def test_a_regression_on_measured_columns_is_pinned_down():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)", {"intercept(Y)": 1.0}, spread=0.02, shape=(4, 500))
    assert set(kinds(posterior).values()) == {"pinned down"}


def test_a_posterior_that_is_the_prior_is_called_so():
    posterior = posterior_of("latent U ~ normal; X ~ normal(U); Y ~ normal(X)", spread=0.02, shape=(4, 500))
    own = next(own for own in posterior.coordinates if own.node == "X")
    prior = own.coefficients[1].prior
    assert prior is not None and own.to_raw[1, 1] == 1.0
    posterior.by_node["X"].coefficients[..., 1] = np.random.default_rng(5).normal(0.0, prior.args[1], (4, 500))
    posterior.by_node["X"].parameters[0][1][:] = 0.05 + np.abs(np.random.default_rng(6).normal(0.0, 1.0, (4, 500)))
    labels = kinds(posterior)
    assert labels["U -> X"] == "prior only"
    assert labels["sd(X)"] == "prior only"
    assert labels["X -> Y"] == "pinned down"


def test_collinear_parents_are_pinned_down_only_together():
    posterior = posterior_of("A ~ normal; B ~ normal; Y ~ normal(A, B)", spread=0.02, shape=(4, 500))
    own = next(own for own in posterior.coordinates if own.node == "Y")
    t = own.to_raw
    random = np.random.default_rng(7)
    difference = 0.5 + np.sqrt(0.5) * random.normal(size=(4, 500))  # the prior of A given that A + B = 1
    sampled = np.stack([0.0 * difference, difference, 1.0 - difference], axis=-1)
    sampled += 0.02 * random.normal(size=sampled.shape)
    posterior.by_node["Y"].coefficients[:] = sampled @ t.T
    labels = {label.name: str(label) for label in parameter_labels(posterior)}
    assert labels["A -> Y"] == labels["B -> Y"] == "narrowed by the data (only together with others of Y)"
    assert labels["sd(Y)"] == "pinned down by the data"


def test_a_short_run_has_no_labels_to_give():
    posterior = posterior_of("X ~ normal; Y ~ normal(X)")
    short = replace(posterior, blocks=tuple(replace(block, n_warmup=20) for block in posterior.blocks))
    assert set(kinds(short).values()) == {"not judged"}
    assert not short.converged
    assert "20 transitions of warm-up" in short.doubt
    independent = replace(short, blocks=tuple(replace(block, independent=True) for block in short.blocks))
    assert independent.converged, "independent draws need no warm-up"


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (Prior("normal", (1.0, 2.0)), scipy.stats.norm(1, 2)),
        (Prior("student", (3.0, -1.0, 2.0)), scipy.stats.t(3, -1, 2)),
        (Prior("cauchy", (0.5, 2.0)), scipy.stats.cauchy(0.5, 2)),
        (Prior("halfnormal", (2.0,)), scipy.stats.halfnorm(scale=2)),
        (Prior("chi", (3.0, 2.0)), scipy.stats.chi(3, scale=2)),
        (Prior("exponential", (0.5,)), scipy.stats.expon(scale=2)),
        (Prior("gamma", (2.0, 3.0)), scipy.stats.gamma(2, scale=1 / 3)),
        (Prior("lognormal", (0.2, 0.7)), scipy.stats.lognorm(0.7, scale=np.exp(0.2))),
        (Prior("beta", (2.0, 5.0)), scipy.stats.beta(2, 5)),
        (Prior("uniform", (-1.0, 4.0)), scipy.stats.uniform(-1, 5)),
    ],
)
def test_the_law_of_a_prior_is_scipys(prior, law):
    shares = np.array([0.01, 0.2, 0.5, 0.9, 0.999])
    assert quantiles(prior, shares) == pytest.approx(law.ppf(shares), rel=1e-9)
    assert cumulative(prior, law.ppf(shares)) == pytest.approx(shares, rel=1e-9)
    low, high = law.ppf([0.3, 0.8])
    cut = replace(prior, low=float(low), high=float(high))
    assert cumulative(cut, quantiles(cut, shares)) == pytest.approx(shares, rel=1e-7)
    assert quantiles(cut, shares) == pytest.approx(law.ppf(0.3 + 0.5 * shares), rel=1e-7)


def test_a_prior_cut_far_in_its_tail_keeps_its_digits():
    for low, sign in ((9.0, 1.0), (-9.0, -1.0)):
        prior = Prior("normal", (0.0, 1.0), *((low, np.inf) if sign > 0 else (-np.inf, low)))
        found = sign * quantiles(prior, np.array([0.5]))
        assert found == pytest.approx(scipy.stats.norm.isf(0.5 * scipy.stats.norm.sf(9.0)), rel=1e-9)


def test_labels_know_every_parameter_of_the_model():
    spec = ModelSpec.parse("latent U ~ normal(sd=halfnormal(1)); X ~ gamma(U); B ~ bernoulli(X, U, X:U)")
    posterior = posterior_of(spec, shape=(4, 200))
    assert [label.name for label in parameter_labels(posterior)] == [name for name, _ in posterior.parameters]


CLASS = "latent U ~ table(levels=[0, 1, 2]); A ~ table(U, levels=[0, 1]); B ~ table(U, A, levels=[0, 1])"


def class_posterior(order_of_chain: list[list[int]], shift: float = 0.0) -> Posterior:
    """A latent class whose levels stand in another order in every chain."""
    spec = ModelSpec.parse(CLASS)
    random = np.random.default_rng(9)

    def near(table: np.ndarray) -> np.ndarray:
        noisy = table * np.exp(0.02 * random.normal(size=(CHAINS, DRAWS, *table.shape)))
        return noisy / noisy.sum(axis=-1, keepdims=True)

    u = near(np.array([[0.2, 0.3, 0.5]]))
    a = near(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]))
    b = near(np.array([[0.1, 0.9], [0.3, 0.7], [0.6, 0.4], [0.8, 0.2], [0.55, 0.45], [0.25, 0.75]]))
    a[0, :, 0] += shift * np.array([-1.0, 1.0])
    for chain, order in enumerate(order_of_chain):
        u[chain] = u[chain][..., order]
        a[chain] = a[chain][:, order]
        b[chain] = b[chain].reshape(DRAWS, 3, 2, 2)[:, order].reshape(DRAWS, 6, 2)
    draws = {"U": u, "A": a, "B": b}
    columns = tuple(
        ColumnSummary(node, 30, 0.5, 0.5, 0.0, 1.0, 2, integral=True, values=(0.0, 1.0)) for node in spec.measured
    )
    drawn = {node: NodeDraws(own.reshape(CHAINS, DRAWS, -1)) for node, own in draws.items()}
    return with_draws(spec, drawn, DataFacts("rows.csv", "0" * 64, 30, columns), {})


ORDERS = [[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]]


def test_the_levels_of_a_latent_class_may_change_places():
    labels = parameter_labels(class_posterior(ORDERS))
    assert {str(label) for label in labels} == {"not identified (levels of U); harmless"}
    assert len(labels) == 3 + 3 * 2 + 6 * 2


def test_a_class_that_differs_between_chains_is_not_excused():
    assert {label.kind for label in parameter_labels(class_posterior(ORDERS, shift=0.3))} == {"did not mix"}


def test_a_row_of_a_table_that_was_never_seen_keeps_its_prior():
    spec = "A ~ table(levels=[0, 1]); B ~ table(A, levels=[0, 1, 2])"
    random = np.random.default_rng(10)
    posterior = class_posterior(ORDERS)
    seen, unseen = random.dirichlet([40, 30, 20], (CHAINS, DRAWS)), random.dirichlet([1, 1, 1], (CHAINS, DRAWS))
    draws = {"A": random.dirichlet([90, 1], (CHAINS, DRAWS)), "B": np.concatenate([seen, unseen], axis=-1)}
    model = ModelSpec.parse(spec)
    posterior = replace(
        posterior,
        spec=model,
        blocks=tuple(
            replace(
                posterior.blocks[0], block=block, draws=tuple((node, NodeDraws(draws[node])) for node in block.nodes)
            )
            for block in blocks_of(model)
        ),
        coordinates=tuple(
            node_coordinates(model, node, parent_scales(model, {}), LinkScale(0.0, 1.0, 1.0)) for node in "AB"
        ),
    )
    labels = {label.name: label.kind for label in parameter_labels(posterior)}
    assert {labels[f"P(B={k} | A=0)"] for k in range(3)} == {"pinned down"}
    assert {labels[f"P(B={k} | A=1)"] for k in range(3)} == {"prior only"}


MIXED = """
latent C ~ categorical(levels=[a, b, c]); X ~ normal
I ~ bernoulli(C); T ~ table(C, levels=[0, 1]); Y ~ normal(X, C, C:X)
"""
TWO_LEVELS = "latent C ~ bernoulli(X); X ~ normal; I ~ bernoulli(C); Y ~ normal(X, C, C:X)"


def relevelled(model: str, order_of_chain: list[list[int]], shift: float = 0.0) -> Posterior:
    """A posterior of a latent class C whose levels stand in another order in every chain; `shift` moves Y's slopes on X."""
    random = np.random.default_rng(11)
    spec, n = ModelSpec.parse(model), len(order_of_chain[0])
    centres = np.linspace(-1.0, 1.5, n)[:, None]

    def by_level(size: int) -> np.ndarray:
        """Numbers of each level, (chain, draw, level, number), the levels of a chain in its order."""
        found = centres ** np.arange(1, size + 1) + 0.02 * random.normal(size=(CHAINS, DRAWS, n, size))
        return np.stack([own[:, order] for own, order in zip(found, order_of_chain, strict=True)])

    def beside_the_first(values: np.ndarray) -> np.ndarray:
        """As weights: what the other levels have beside the first, number by number."""
        return np.swapaxes(values[:, :, 1:] - values[:, :, :1], 2, 3).reshape(CHAINS, DRAWS, -1)

    i, y, share = by_level(1), by_level(2), scipy.special.expit(by_level(1))
    y[..., 1] += shift * np.arange(CHAINS)[:, None, None]
    draws = {
        "C": beside_the_first(by_level(1 + len(spec["C"].weights))),
        "I": np.concatenate([i[:, :, 0], beside_the_first(i)], axis=-1),
        "Y": np.concatenate([y[:, :, 0], beside_the_first(y)], axis=-1),
        "T": np.concatenate([share, 1.0 - share], axis=-1).reshape(CHAINS, DRAWS, -1),
        "X": random.normal(size=(CHAINS, DRAWS, 1)),
    }
    random_sd = np.exp(random.normal(size=(CHAINS, DRAWS)))
    drawn = {
        node: NodeDraws(draws[node], tuple((name, random_sd) for name in spec[node].family.parameters))
        for node in spec.graph.nodes
    }
    return with_draws(spec, drawn, DataFacts("rows.csv", "0" * 64, 30, ()), {"X": (2.0, 3.0)})


@pytest.mark.parametrize(("model", "orders"), [(MIXED, ORDERS), (TWO_LEVELS, [[0, 1], [1, 0], [1, 0], [0, 1]])])
def test_levels_with_weights_may_change_places_too(model: str, orders: list[list[int]]):
    """Log odds, intercepts, weights, slopes of an interaction and probabilities, in raw units, move with the names alone."""
    labels = {label.name: label for label in parameter_labels(relevelled(model, orders))}
    alone = {"intercept(X)", "sd(X)", "sd(Y)"}
    assert {str(label) for name, label in labels.items() if name not in alone} == {
        "not identified (levels of C); harmless"
    }
    assert all(labels[name].kind != "not identified" for name in alone)
    apart = {label.name: label.kind for label in parameter_labels(relevelled(model, orders, shift=0.3))}
    assert {kind for name, kind in apart.items() if name not in alone} == {"did not mix"}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("latent C ~ bernoulli; I ~ bernoulli(C); J ~ normal(C)", ["levels of C"]),
        (
            "latent C ~ categorical(levels=[a, b]); I ~ bernoulli(C); J ~ categorical(C, levels=[x, y, z])",
            ["levels of C"],
        ),
        ("latent C ~ table(levels=[a, b]); I ~ bernoulli(C); J ~ table(C, levels=[x, y, z])", ["levels of C"]),
        ("latent C ~ bernoulli; I ~ bernoulli(+C); J ~ normal(C)", []),
        ("latent C ~ bernoulli; I ~ bernoulli(C, weight=normal(1, 1)); J ~ normal(C)", []),
        ("latent C ~ categorical(levels=[a, b, c]); I ~ bernoulli(C, weight=normal(1, 1)); J ~ bernoulli(C)", []),
        (
            "latent C ~ bernoulli; latent D ~ bernoulli(C); I ~ bernoulli(C); J ~ normal(D); K ~ normal(D)",
            ["levels of C", "levels of D"],
        ),
    ],
)
def test_levels_are_exchangeable_where_no_sign_or_prior_tells_them_apart(model: str, expected: list[str]):
    spec = ModelSpec.parse(model)
    scales = parent_scales(spec, {})
    coordinates = {node: node_coordinates(spec, node, scales, LinkScale(0.0, 1.0, 1.0)) for node in spec.graph.nodes}
    assert [str(one) for one in symmetries(spec, coordinates)] == expected
