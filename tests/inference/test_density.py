"""The log posterior of a block against a plain transcription, its change of variables of the latents, its symmetries."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latentdo.errors import SpecError
from latentdo.inference.likelihood.density import log_posterior
from latentdo.inference.likelihood.task import starting_points
from latentdo.inference.samplers.sign_symmetry import SignSymmetry, symmetries_of, turned
from latentdo.models import Linear, ModelSpec
from latentdo.models.build import NUMPY, Arithmetic
from latentdo.tables import Dataset
from small_blocks import SmallBlock, log_likelihood, only_block, predictor, random_rows, small_blocks
from strategies import specs

JAX = Arithmetic(jnp, jax.scipy.special)


def density(block: SmallBlock, u: np.ndarray, z: np.ndarray, m: Arithmetic = NUMPY) -> float:
    return float(log_posterior(m, block.layout, block.numbers, m.np.asarray(u), m.np.asarray(z)))


def no_noise(block: SmallBlock) -> np.ndarray:
    return np.zeros((block.layout.n_noise, block.rows.n_stored))


def noisy(block: SmallBlock) -> list[str]:
    return [node for node in block.block.latent if not isinstance(block.spec[node].family, Linear)]


def likelihood(block: SmallBlock, u: np.ndarray, row: int, noise: dict[str, np.ndarray]) -> np.ndarray:
    """The plain log density of one row's measured nodes, given the standard normal noise of each latent."""
    numbers = block.unpacked(u)
    values: dict[str, np.ndarray | float] = {name: block.rows.column(name)[row] for name in block.rows.names}
    total = np.zeros(np.shape(next(iter(noise.values()), 0.0)))
    for node in block.block.nodes:
        at = numbers[node]
        eta = predictor(block.spec, node, np.asarray(at.raw), values)
        if node in block.block.latent:
            values[node] = eta + (at.parameters["sd"] * noise[node] if node in noise else 0.0)
        else:
            total = total + log_likelihood(block.spec, node, values[node], eta, at.parameters)
    return total


# Blocks without latents: pointwise


def assert_density_as_transcribed(block: SmallBlock, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = [block.point(random) for _ in range(3)]
    found, expected = [], []
    for u in points:
        rows = range(block.rows.n_stored)
        found.append(density(block, u, no_noise(block)))
        expected.append(
            block.log_prior(u) + sum(block.rows.weights[i] * float(likelihood(block, u, i, {})) for i in rows)
        )
    assert np.diff(found) == pytest.approx(np.diff(expected), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "Y ~ normal(X, Z, X:Z); X, Z ~ normal",
        "Y ~ bernoulli(X, -Z); X ~ normal; Z ~ bernoulli",
        "Y ~ gamma(X, X:Z, weight=normal(0, 1)); X, Z ~ gamma",
        "Y ~ hill(+X, Z, max=50); X, Z ~ hill(sd=2)",
        "Y ~ bernoulli(log(X), X^2, Z, log(X):Z); X ~ gamma; Z ~ normal",
        "Y ~ gamma(-log(X), Z^3, weight=normal(0, 1)); X ~ gamma; Z ~ normal",
        "Y ~ bernoulli(s(X, k=5), Z, s(X, k=5):Z); X ~ gamma; Z ~ normal",
        "Y ~ hill(+s(X), s(Z, k=4), wiggle=gamma(2, 2), intercept=normal(0, 1, low=-2)); X, Z ~ normal",
    ],
)
def test_log_posteriors_are_prior_times_likelihood(text):
    data = random_rows(ModelSpec.parse(text))
    counts = Dataset(data.columns, np.arange(12) % 4)
    for rows in (data, counts):
        for block in small_blocks(text, data, rows).values():
            assert_density_as_transcribed(block, 3)


@settings(max_examples=40, deadline=None)
@given(spec=specs(4, tame=True), seed=st.integers(0, 99))
def test_log_posteriors_of_any_block_without_latents(spec, seed):
    for block in blocks_of(spec, seed):
        if not block.block.latent and not isinstance(spec[block.block.nodes[0]].family, Linear):
            assert_density_as_transcribed(block, seed)


def blocks_of(spec: ModelSpec, seed: int) -> list[SmallBlock]:
    """The blocks of a random model that a fit would train."""
    assume(spec.measured)
    assume(
        not any(isinstance(spec[node].family, Linear) and spec.latent & {*spec[node].parents} for node in spec.measured)
    )
    try:
        return list(small_blocks(spec, random_rows(spec, seed=seed)).values())
    except SpecError as error:
        assume("has no mean" not in str(error))
        raise


# Latents: the change of variables leaves the law of the parameters as it is


def log_masses(block: SmallBlock, points: list[np.ndarray]) -> list[float]:
    """log ∫ exp(log_posterior) dz of a block with one row, by the trapezoid rule on a grid, at each point."""
    n = block.layout.n_noise
    # Far beyond a normal's tails: the law of z has the shape of the likelihood where it is not nearly normal.
    step, reach = (0.1, 40.0) if n == 1 else (0.25, 20.0)
    axis = np.arange(-reach, reach + step / 2, step)
    grid = np.array(list(itertools.product(axis, repeat=n)))[..., None]
    with jax.enable_x64(True):
        values = jax.jit(
            jax.vmap(lambda u, z: log_posterior(JAX, block.layout, block.numbers, u, z), in_axes=(None, 0))
        )
        return [float(scipy.special.logsumexp(values(u, grid))) + n * np.log(step) for u in points]


def plain_log_mass(block: SmallBlock, u: np.ndarray) -> float:
    """The same with the latents' own standard normal noise: no change of variables."""
    names = noisy(block)
    step = 0.005 if len(names) == 1 else 0.02
    axis = np.arange(-14, 14 + step / 2, step)
    noise = dict(zip(names, np.meshgrid(*[axis] * len(names), indexing="ij"), strict=True))
    values = likelihood(block, u, 0, noise) + sum(scipy.stats.norm.logpdf(e) for e in noise.values())
    return block.log_prior(u) + float(scipy.special.logsumexp(values)) + len(names) * np.log(step)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("latent U ~ normal; Y ~ normal(U, X); X ~ normal", "Y"),
        ("latent U ~ normal; Y ~ bernoulli(U, X); X ~ normal", "Y"),
        ("latent U ~ normal; Y ~ gamma(U, X); Z ~ hill(+U); X ~ normal", "Y"),
        ("latent U ~ normal(X); Y ~ normal(U); X ~ normal", "Y"),
        ("latent U ~ normal(mean=normal(3, 1), sd=normal(2, 1)); Y ~ normal(U); Z ~ gamma(U, -X); X ~ normal", "Y"),
        ("latent U ~ normal; latent L ~ linear(U, X); Y ~ normal(L, X, L:X); Z ~ bernoulli(L); X ~ normal", "Y"),
        ("latent U ~ normal; Y ~ hill(U, X, U:X, max=50); X ~ bernoulli", "Y"),
        ("latent U ~ normal; latent V ~ normal(U); Y ~ normal(V); Z ~ bernoulli(U)", "Y"),
        ("latent U, V ~ normal; Y ~ gamma(U, V, U:V); Z ~ normal(U)", "Y"),
        ("latent U ~ normal; Y ~ normal(U^2, X, U^2:X); Z ~ bernoulli(U^3, U); X ~ normal", "Y"),
        ("latent U ~ normal(mean=1); Y ~ normal(s(U, k=5), X); Z ~ normal(U); X ~ normal", "Y"),
        ("Y ~ normal(X); X ~ normal; X <-> Y", "Y"),
    ],
)
def test_placing_the_latents_leaves_the_law_of_the_parameters(text, node):
    data = random_rows(ModelSpec.parse(text))
    row = Dataset.of({name: values[:1] for name, values in data.columns})
    block = only_block(text, node, data, row)
    random = np.random.default_rng(4)
    points = [block.point(random) for _ in range(3)]
    found = log_masses(block, points)
    expected = [plain_log_mass(block, u) for u in points]
    # In two dimensions the grids are coarser.
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-5 if block.layout.n_noise == 1 else 1e-3)


def test_rows_are_independent_given_the_parameters():
    """Masses of two rows multiply: no row's placing depends on the other row."""
    text = "latent U ~ normal; Y ~ gamma(U); Z ~ bernoulli(U)"
    data = random_rows(ModelSpec.parse(text))
    both = only_block(text, "Y", data, Dataset.of({name: values[:2] for name, values in data.columns}))
    single = [
        only_block(text, "Y", data, Dataset.of({name: values[i : i + 1] for name, values in data.columns}))
        for i in (0, 1)
    ]
    random = np.random.default_rng(1)
    u, z = both.point(random), random.standard_normal((1, 2))
    prior = sum(float(at.log_prior) for at in both.unpacked(u).values())
    parts = [density(block, u, z[:, i : i + 1]) for i, block in enumerate(single)]
    assert density(both, u, z) == pytest.approx(sum(parts) - prior)


def test_latents_of_normal_nodes_are_standard_normal_and_independent_of_the_parameters():
    """Where the Gaussian approximation is exact, the density is a function of u minus half of z squared."""
    text = "latent U, V ~ normal; Y ~ normal(U, V, X); Z ~ normal(U, X, X:U); W ~ normal(V); X ~ normal"
    block = only_block(text, "Y")
    random = np.random.default_rng(2)
    for _ in range(3):
        u, z = block.point(random), random.standard_normal((2, block.rows.n_stored))
        assert density(block, u, z) == pytest.approx(density(block, u, no_noise(block)) - 0.5 * np.sum(z**2))


def test_padding_rows_only_bring_noise_of_their_own():
    text = "latent U ~ normal; Y ~ bernoulli(U, X); Z ~ hill(U); X ~ normal"
    data = random_rows(ModelSpec.parse(text))
    block, padded = only_block(text, "Y", data), only_block(text, "Y", data, data.padded(16))
    random = np.random.default_rng(5)
    u, z = block.point(random), random.standard_normal((1, 16))
    assert density(padded, u, z) == pytest.approx(density(block, u, z[:, :12]) - 0.5 * np.sum(z[:, 12:] ** 2))


@settings(max_examples=15, deadline=None)
@given(spec=specs(4, tame=True), seed=st.integers(0, 99))
def test_jax_and_numpy_agree(spec, seed):
    for block in blocks_of(spec, seed):
        if any(isinstance(spec[node].family, Linear) for node in block.block.measured):
            continue
        random = np.random.default_rng(seed)
        u, z = block.point(random), random.standard_normal(no_noise(block).shape)
        with jax.enable_x64(True):
            assert density(block, u, z, JAX) == pytest.approx(density(block, u, z), rel=1e-9, abs=1e-9)


# Symmetries


def flipped(u: np.ndarray, z: np.ndarray, symmetry: SignSymmetry) -> tuple[np.ndarray, np.ndarray]:
    noise, coordinates = symmetry[:2]
    u, z = u.copy(), z.copy()
    u[list(coordinates)] *= -1
    if noise is not None:
        z[noise] *= -1
    return u, z


def assert_symmetric(block: SmallBlock, seed: int) -> None:
    random = np.random.default_rng(seed)
    for symmetry in symmetries_of(block.layout, block.numbers):
        u, z = block.point(random), random.standard_normal(no_noise(block).shape)
        assert density(block, *flipped(u, z, symmetry)) == pytest.approx(density(block, u, z), rel=1e-9, abs=1e-8)


SYMMETRIC = [
    ("latent U ~ normal; Y ~ normal(U); Z ~ bernoulli(U)", ["U"]),
    ("latent U, V ~ normal; Y ~ normal(U, V); Z ~ gamma(U); W ~ hill(V)", ["U", "V"]),
    ("latent U, V ~ normal; Y ~ normal(U, V, U:V); Z ~ gamma(U)", ["U", "V"]),
    ("latent U ~ normal; Y ~ normal(U, X, U:X); X ~ normal", ["U"]),
    ("latent U ~ normal(sd=halfnormal(1)); Y ~ normal(U); Z ~ normal(U)", ["U"]),
    ("latent U ~ normal; latent L ~ linear(U, X); Y ~ normal(L); X ~ normal", ["U"]),
    ("latent U ~ normal; latent V ~ normal(U); Y ~ normal(V); Z ~ normal(U)", ["U", "V"]),
    ("latent U ~ normal; latent V ~ normal(U, X); Y ~ normal(V); Z ~ normal(U); X ~ normal", ["U", "V"]),
    ("latent U ~ student; latent V ~ normal(U, intercept=normal(0, 1)); Y ~ normal(V); Z ~ gamma(U, V)", ["U"]),
    ("latent U ~ normal(X); Y ~ normal(U); X ~ normal", ["U"]),
    ("Y ~ normal(X, weight=normal(0, 2)); X ~ normal; X <-> Y", ["Y<->X.1"]),
    ("latent U ~ normal; Y ~ normal(U, weight=student(4, 0, 2)); Z ~ normal(U, weight=cauchy(0, 1))", ["U"]),
    ("latent U ~ normal; Y ~ normal(U, U^2, U^3); Z ~ normal(U)", ["U"]),
    ("latent U, V ~ normal; Y ~ normal(U, U^2:V, V); Z ~ normal(U)", ["U", "V"]),
    # Not where a side is preferred.
    ("latent U ~ normal; Y ~ normal(+U); Z ~ normal(U)", []),
    ("latent U ~ normal; Y ~ normal(U, weight=normal(0.5, 1)); Z ~ normal(U)", []),
    ("latent U ~ normal; Y ~ normal(U, weight=student(4, 0.5, 1)); Z ~ normal(U)", []),
    ("latent U ~ normal; Y ~ normal(U, weight=cauchy(1, 1)); Z ~ normal(U)", []),
    ("latent U ~ normal; Y ~ normal(U, weight=normal(0, 1, low=-2)); Z ~ normal(U)", []),
    ("latent U ~ normal; Y ~ normal(U, weight=1); Z ~ normal(U)", []),
    ("latent U ~ normal(mean=2); Y ~ normal(U, intercept=normal(0, 1)); Z ~ normal(U)", []),
    ("latent U ~ normal(mean=normal(0, 1)); Y ~ normal(U); Z ~ normal(U)", []),
    ("latent U ~ normal(X, weight=normal(1, 1)); Y ~ normal(U); X ~ normal", []),
    ("latent U, V ~ normal; Y ~ normal(U, V, U:V, weight=normal(0.5, 1))", []),
    ("latent U, V ~ normal; Y ~ normal(-U, V); Z ~ normal(U, V)", ["V"]),
]


@pytest.mark.parametrize(("text", "expected"), SYMMETRIC)
def test_symmetries_are_reported_where_the_posterior_has_them(text, expected):
    block = only_block(text, "Y")
    names = noisy(block)
    found = symmetries_of(block.layout, block.numbers)
    assert sorted(names[symmetry.noise] for symmetry in found if symmetry.noise is not None) == expected
    assert_symmetric(block, 6)


@pytest.mark.parametrize("text", [text for text, expected in SYMMETRIC if not expected])
def test_no_mirror_is_reported_where_flipping_changes_the_posterior(text):
    """Flipping the latent with its free weights, were it a symmetry, would leave the density as it is."""
    block = only_block(text, "Y")
    random = np.random.default_rng(7)
    u, z = block.point(random), random.standard_normal(no_noise(block).shape)
    free = [
        f"{node}: {coordinate.label}"
        for node in block.block.nodes
        for coordinate in block.coordinates[node].all
        if coordinate.fixed is None
    ]
    weights = tuple(k for k, label in enumerate(free) if "U ->" in label or "U:V ->" in label)
    changed = density(block, *flipped(u, z, (0, weights)))
    assert abs(changed - density(block, u, z)) > 1e-5


@settings(max_examples=40, deadline=None)
@given(spec=specs(5, tame=True), seed=st.integers(0, 99))
def test_every_reported_mirror_leaves_the_posterior_as_it_is(spec, seed):
    assume(not any(curved(spec, node) for node in spec.graph.nodes))
    for block in blocks_of(spec, seed):
        if not any(isinstance(spec[node].family, Linear) for node in block.block.measured):
            assert_symmetric(block, seed)


def curved(spec: ModelSpec, node: str) -> bool:
    """Whether a latent is multiplied with a latent that it causes.

    The predictor is then quadratic in its noise, and the Gaussian approximation, taken on one side, is not symmetric: the
    law of the parameters is the same at both points, that of z given them is not.
    """
    return any(
        a != b and a in spec.latent and b in spec.latent and a in spec.graph.ancestors([b])
        for weight in spec[node].weights
        for a, b in itertools.permutations(weight.parents, 2)
    )


def test_chains_of_latents_are_turned_to_one_of_their_four_sides():
    """A weight between two latents changes with either, so that neither side may be told by it alone."""
    block = only_block("latent U ~ normal; latent V ~ normal(U); Y ~ normal(V); W ~ gamma(V); Z ~ normal(U)", "Y")
    found = symmetries_of(block.layout, block.numbers)
    u = np.random.default_rng(9).standard_normal(block.layout.n_free)
    images = []
    for chosen in itertools.product([False, True], repeat=2):
        image = u.copy()
        for symmetry, is_flipped in zip(found, chosen, strict=True):
            image[list(symmetry.coordinates)] *= -1.0 if is_flipped else 1.0
        images.append(image)
    faced = turned(np.array(images), found)
    assert len(np.unique(images, axis=0)) == 4
    assert (faced == faced[0]).all()


def test_turned_points_have_the_same_density_and_clear_weights_positive():
    block = only_block("latent U, V ~ normal; Y ~ normal(U, V); Z ~ gamma(U); W ~ hill(V)", "Y")
    found = symmetries_of(block.layout, block.numbers)
    random = np.random.default_rng(8)
    u = random.standard_normal((4, 5, block.layout.n_free))
    faced = turned(u, found)
    assert u is not faced
    assert np.abs(faced) == pytest.approx(np.abs(u))
    assert turned(faced, found) == pytest.approx(faced)
    for symmetry in found:
        coordinates = symmetry.coordinates
        assert any((faced[..., k] >= 0).all() for k in coordinates)
        # All weights of a latent are turned together.
        turns = np.sign(faced[..., list(coordinates)]) * np.sign(u[..., list(coordinates)])
        assert (turns == turns[..., :1]).all()
    assert turned(u, ()) == pytest.approx(u)


# Starting points


@settings(max_examples=40, deadline=None)
@given(spec=specs(5, tame=True), seed=st.integers(0, 99))
def test_starting_points_are_dispersed_and_have_a_density(spec, seed):
    for block in blocks_of(spec, seed):
        if any(isinstance(spec[node].family, Linear) for node in block.block.measured):
            continue
        own = tuple(block.coordinates[node] for node in block.block.nodes)
        points = starting_points(block.layout, own, 6, np.random.default_rng(seed))
        assert points.shape == (6, block.layout.n_free)
        assert np.isfinite(points).all()
        if block.layout.n_free:
            assert (np.ptp(points, axis=0) > 0).all()
        assert all(np.isfinite(density(block, u, no_noise(block))) for u in points)


def test_starting_points_lie_around_the_data():
    data = Dataset.of({"X": [1.0, 2.0, 6.0], "Y": [100.0, 101.0, 108.0]})
    block = only_block("Y ~ normal(X); X ~ normal", "Y", data)
    own = (block.coordinates["Y"],)
    points = starting_points(block.layout, own, 200, np.random.default_rng(0))
    values = [block.unpacked(u)["Y"] for u in points]
    centre = np.array([float(at.raw[0] + 3 * at.raw[1]) for at in values])
    sds = np.array([float(at.parameters["sd"]) for at in values])
    sd = data.summary("Y").sd
    # 4 standard errors of the mean of 200 starts with the spreads that coordinates state: 0.3 and 0.2 sd.
    assert centre.mean() == pytest.approx(103, abs=4 * 0.3 * sd / np.sqrt(200))
    assert sds.mean() == pytest.approx(sd, abs=4 * 0.2 * sd / np.sqrt(200))
