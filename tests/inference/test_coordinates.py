"""Coordinates: polynomials written twice, and priors that mean what the contract says in raw units."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from latentdo.errors import SpecError
from latentdo.graphs import parse_call
from latentdo.inference.blocks.block import blocks_of
from latentdo.inference.blocks.coordinates import LinkScale, coordinates_on, node_coordinates, parent_scales
from latentdo.inference.blocks.unfolding import unfolded
from latentdo.inference.likelihood.assembly import assemble
from latentdo.inference.likelihood.density import coordinates_of
from latentdo.inference.samplers.sign_symmetry import SignSymmetry, symmetries_of
from latentdo.models import ModelSpec, Prior
from latentdo.tables import Dataset
from small_blocks import belief_mean, only_block, random_rows, small_blocks
from strategies import specs

# The matrix T


def polynomial(terms, centred, scales, sampled) -> dict[frozenset[str], float]:
    """The coefficients of Σ w_S Π (x_p - m_p)/s_p over products of raw columns, multiplied out one factor at a time."""
    total: dict[frozenset[str], float] = {}
    for term, whole, w in zip(((), *terms), (True, *centred), sampled, strict=True):
        product = {frozenset[str](): w}
        for name in term:
            centre, scale = scales[name]
            grown: dict[frozenset[str], float] = {}
            for part, c in product.items():
                grown[part | {name}] = grown.get(part | {name}, 0.0) + c / scale
                if whole:
                    grown[part] = grown.get(part, 0.0) - c * centre / scale
            product = grown
        for part, c in product.items():
            total[part] = total.get(part, 0.0) + c
    return total


products = [term for size in (1, 2, 3) for term in itertools.combinations("ABC", size)]


@settings(max_examples=60, deadline=None)
@given(
    terms=st.lists(st.sampled_from(products), min_size=1, unique=True),
    numbers=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
    centres=st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    widths=st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
)
def test_the_matrix_multiplies_the_polynomial_out(terms, numbers, centres, widths):
    text = f"Y ~ normal({', '.join(':'.join(term) for term in terms)}); A, B, C ~ normal"
    scales = dict(zip("ABC", zip(centres, widths, strict=True), strict=True))
    own = node_coordinates(ModelSpec.parse(text), "Y", scales, LinkScale(0.0, 1.0, 1.0))
    assert own.terms == tuple(terms)
    sampled = np.array(numbers[: len(terms) + 1])
    expected = polynomial(own.terms, own.centred, scales, sampled)
    raw = own.to_raw @ sampled
    found = {frozenset(term): b for term, b in zip(((), *terms), raw, strict=True)}
    # Every product that centring brings in is a term: nothing is lost.
    for part, coefficient in expected.items():
        assert found.get(part, 0.0) == pytest.approx(coefficient, rel=1e-9, abs=1e-6 * abs(sampled).max() + 1e-12)
        assert part in found
    # The order in which b = T w is solved: nothing depends on what comes later.
    for rank, row in enumerate(own.order):
        later = list(own.order[rank + 1 :])
        assert not own.to_raw[row, later].any()
        assert own.to_raw[row, row] != 0


@pytest.mark.parametrize(
    ("parents", "centred"),
    [
        ("A, B, A:B", (True, True, True)),
        ("A, A:B", (True, False)),
        ("A:B", (False,)),
        ("A, B, C, A:B, A:C, B:C, A:B:C", (True,) * 7),
        ("A, B, C, A:B, A:C, A:B:C", (True, True, True, True, True, False)),
        ("A, B, C, A:B:C", (True, True, True, False)),
    ],
)
def test_a_product_is_centred_where_all_its_parts_are_terms(parents, centred):
    spec = ModelSpec.parse(
        f"Y ~ normal({parents}); A, B, C ~ normal" if "C" in parents else f"Y ~ normal({parents}); A, B ~ normal"
    )
    scales = dict.fromkeys("ABC", (2.0, 3.0))
    assert node_coordinates(spec, "Y", scales, LinkScale(0.0, 1.0, 1.0)).centred == centred


# Priors


def assert_prior_as_transcribed(block, seed: int, n: int = 4) -> None:
    """Log priors differ between points as the transcription in raw units says."""
    random = np.random.default_rng(seed)
    points = [block.point(random) for _ in range(n)]
    found = [sum(float(at.log_prior) for at in block.unpacked(u).values()) for u in points]
    expected = [block.log_prior(u) for u in points]
    assert np.diff(found) == pytest.approx(np.diff(expected), rel=1e-6, abs=1e-6)


DEFAULTS = [
    "Y ~ normal(X, Z); X, Z ~ normal",
    "Y ~ normal; X ~ normal",
    "Y ~ bernoulli(X, Z); X, Z ~ normal",
    "Y ~ gamma(X, Z); X ~ gamma; Z ~ bernoulli",
    "Y ~ hill(X, Z, max=80); X, Z ~ hill",
    "Y ~ hill(+X, -Z); X, Z ~ hill",
    "Y ~ normal(X, Z, X:Z); X, Z ~ normal",
    "Y ~ gamma(X, X:Z); X, Z ~ normal",
    "Y ~ normal(X, Z, W, X:Z, X:W, Z:W, X:Z:W); X, Z, W ~ normal",
    "latent U ~ normal(X, Z); X, Z ~ normal; Y ~ normal(U)",
    "latent U ~ normal(mean=normal(37, 1), sd=normal(3, 1)); Y ~ hill(U, X, U:X); X ~ normal",
    "latent U ~ normal(mean=5, sd=2); latent L ~ linear(U, X); Y ~ gamma(L, U); X ~ normal",
]
BELIEVED = [
    "Y ~ normal(X, Z, weight=normal(1, 2), intercept=normal(0, 10), sd=halfnormal(1)); X, Z ~ normal",
    "Y ~ normal(X, Z, X:Z, weight=normal(1, 2), intercept=student(4, 0, 10), sd=2); X, Z ~ normal",
    "Y ~ normal(X, Z, X:Z, weight=normal(1, 2, low=-1, high=3), intercept=normal(0, 1, high=2)); X, Z ~ normal",
    "Y ~ normal(+X, -Z, weight=normal(1, 2), sd=gamma(2, 3)); X, Z ~ normal",
    "Y ~ normal(X, Z, X:Z, weight=0.5); X, Z ~ normal",
    "Y ~ normal(X, Z, X:Z, intercept=1.5); X, Z ~ normal",
    "Y ~ normal(X:Z, weight=cauchy(0, 1), intercept=normal(3, 1, low=0)); X, Z ~ normal",
    "Y ~ gamma(X, shape=uniform(1, 4), intercept=uniform(-1, 1)); X ~ normal",
    "Y ~ hill(X, sd=lognormal(1, 1, high=20)); X ~ hill",
]


@pytest.mark.parametrize("text", DEFAULTS + BELIEVED)
def test_priors_mean_what_the_contract_says_in_raw_units(text):
    for seed, block in enumerate(small_blocks(text).values()):
        assert_prior_as_transcribed(block, seed)


def test_priors_of_single_weights_are_in_raw_units_beside_default_ones():
    spec = ModelSpec.parse("Y ~ normal(X, Z, X:Z); X, Z ~ normal").with_priors(
        {"X -> Y": 0.5, "X:Z -> Y": parse_call("normal(0, 1, low=0)")}
    )
    block = only_block(spec, "Y")
    assert_prior_as_transcribed(block, 1)
    at = block.unpacked(block.point(np.random.default_rng(0)))["Y"]
    assert at.raw[1] == pytest.approx(0.5)
    assert at.raw[3] > 0


@settings(max_examples=60, deadline=None)
@given(spec=specs(4, tame=True), seed=st.integers(0, 99))
def test_priors_of_any_model_mean_what_the_contract_says(spec, seed):
    assume(spec.measured)
    try:
        found = small_blocks(spec, random_rows(spec, seed=seed))
    except SpecError as error:
        assume("has no mean" not in str(error))
        raise
    for block in found.values():
        assert_prior_as_transcribed(block, seed, n=3)


def test_fixed_numbers_stay_what_they_are():
    block = only_block(
        "Y ~ normal(X, Z, weight=0.5, intercept=2, sd=3); X, Z ~ normal",
        "Y",
        random_rows(ModelSpec.parse("X, Z, Y ~ normal")),
    )
    assert block.layout.n_free == 0
    at = block.unpacked(np.zeros(0))["Y"]
    assert at.raw == pytest.approx([2.0, 0.5, 0.5])
    assert at.parameters["sd"] == 3.0
    assert float(at.log_prior) == 0.0


def test_a_residual_sd_has_a_floor_of_a_share_of_the_column():
    data = Dataset.of({"X": [0.0, 1.0, 5.0], "Y": [10.0, 30.0, 80.0]})
    sd = data.summary("Y").sd
    for text, floor in (("Y ~ hill(X); X ~ normal", 0.05 * sd), ("Y ~ normal(X, sd=halfnormal(1)); X ~ normal", 0.0)):
        block = only_block(text, "Y", data)
        u = np.full(block.layout.n_free, -30.0)
        assert float(block.unpacked(u)["Y"].parameters["sd"]) == pytest.approx(floor, abs=1e-9)
    coordinate = dict(block.coordinates["X"].parameters)["sd"]
    assert coordinate.default
    assert coordinate.low == pytest.approx(0.05 * data.summary("X").sd)
    assert coordinate.prior == Prior("halfnormal", (data.summary("X").sd,))


def test_bounds_are_kept_whatever_the_point():
    block = only_block(
        "Y ~ normal(+X, -Z, weight=normal(0, 1, low=-2, high=3), sd=exponential(1, high=4)); X, Z ~ normal", "Y"
    )
    for u in (np.full(block.layout.n_free, 30.0), np.full(block.layout.n_free, -30.0), np.zeros(block.layout.n_free)):
        at = block.unpacked(u)["Y"]
        tiny = 1e-9
        assert -tiny <= at.raw[1] <= 3 + tiny
        assert -2 - tiny <= at.raw[2] <= tiny
        assert 0 <= at.parameters["sd"] <= 4


def test_labels_are_those_of_the_summary():
    spec = ModelSpec.parse("Y ~ hill(X, `IL-6`, X:`IL-6`); X, `IL-6` ~ normal")
    own = node_coordinates(spec, "Y", {"X": (0.0, 1.0), "IL-6": (0.0, 1.0)}, LinkScale(0.0, 1.0, 1.0))
    assert [coordinate.label for coordinate in own.all] == [
        "intercept(Y)",
        "X -> Y",
        "`IL-6` -> Y",
        "X:`IL-6` -> Y",
        "sd(Y)",
    ]


def test_a_latent_parent_is_centred_at_its_prior_means():
    spec = ModelSpec.parse(
        "latent U ~ normal; latent V ~ normal(mean=normal(37, 1), sd=normal(3, 1)); latent L ~ linear(V, intercept=2); "
        "Y ~ normal(U, V, L)"
    )
    scales = parent_scales(spec, {"Y": (1.0, 2.0)})
    assert scales["U"] == (0.0, 1.0)
    assert scales["L"] == (2.0, 1.0)
    assert scales["V"] == pytest.approx((37.0, belief_mean(Prior("normal", (3.0, 1.0), low=0.0))), rel=1e-6)
    assert scales["Y"] == (1.0, 2.0)


def test_a_latent_whose_prior_has_no_mean_is_refused():
    spec = ModelSpec.parse("latent U ~ normal(mean=cauchy(0, 1)); Y ~ normal(U)")
    with pytest.raises(SpecError, match="has no mean"):
        parent_scales(spec, {"Y": (0.0, 1.0)})


def test_coordinates_know_their_bounds():
    own = only_block("Y ~ normal(+X, weight=normal(0, 1, high=2)); X ~ normal", "Y").coordinates["Y"]
    intercept, weight, sd = own.all
    assert (intercept.low, intercept.high, intercept.bounded) == (-math.inf, math.inf, False)
    assert (weight.low, weight.high, weight.bounded, weight.unit) == (0.0, 2.0, True, "raw")
    assert sd.bounded
    assert math.isinf(sd.high)


# Signs of hidden causes


def folds(spec: ModelSpec) -> tuple[set[str], set[tuple[str, float]]]:
    """The weights whose bound is lifted, and the weights by whose sign draws are turned to a side, with that side."""
    data = random_rows(spec, 30)
    coordinates = unfolded(spec, coordinates_on(spec, data))
    lifted = {one.label for own in coordinates.values() for one in own.all if one.folded}
    turned = set()
    for block in blocks_of(spec):
        layout, numbers = assemble(spec, block, coordinates, data)
        free = [
            coordinate.label
            for node, own in zip(block.nodes, layout.nodes, strict=True)
            for coordinate, static in zip(coordinates[node].all, coordinates_of(own), strict=True)
            if static.transform != "fixed"
        ]
        for one in symmetries_of(layout, numbers):
            if isinstance(one, SignSymmetry) and one.reference is not None:
                turned.add((free[one.reference[0]], one.reference[1]))
    return lifted, turned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latent U ~ normal; Y ~ normal(+U); Z ~ normal(U)", {("U -> Y", 1.0)}),
        ("latent U ~ student; Y ~ normal(-U); Z ~ bernoulli(U, X); X ~ normal", {("U -> Y", -1.0)}),
        ("latent C ~ bernoulli; Y ~ bernoulli(+C); Z ~ normal(C, X, C:X); X ~ normal", {("C -> Y", 1.0)}),
        ("latent C ~ categorical(levels=[a, b]); Y ~ bernoulli(-C); Z ~ normal(C)", {("C[b] -> Y", -1.0)}),
        ("latent C, D ~ bernoulli; Y ~ normal(+C, -D); Z ~ normal(C, D)", {("C -> Y", 1.0), ("D -> Y", -1.0)}),
        ("latent C ~ bernoulli; latent D ~ bernoulli(+C); Y ~ normal(D); Z ~ normal(C, D)", {("C -> D", 1.0)}),
        # Where the reflection has another density, the bound stays.
        ("latent C ~ bernoulli; Y ~ normal(+C); Z ~ normal(+C)", set()),
        ("latent C ~ bernoulli(intercept=0); Y ~ normal(+C); Z ~ normal(C)", set()),
        ("latent C ~ bernoulli(intercept=normal(1, 1)); Y ~ normal(+C); Z ~ normal(C)", set()),
        ("latent C ~ bernoulli; Y ~ normal(+C); Z ~ normal(C, weight=normal(1, 1))", set()),
        ("latent C ~ bernoulli; Y ~ normal(+C, intercept=normal(0, 1)); Z ~ normal(C)", set()),
        ("latent C ~ bernoulli; Y ~ normal(+C); Z ~ normal(C:X); X ~ normal", set()),
        ("latent C ~ bernoulli; Y ~ normal(+C); latent V ~ normal(C); Z ~ normal(V)", set()),
        ("latent C ~ table(levels=[0, 1]); Y ~ normal(+C); Z ~ normal(C)", set()),
        ("latent H ~ hill; Y ~ normal(+H); Z ~ normal(H)", set()),
    ],
)
def test_a_sign_is_lifted_only_where_draws_are_turned_to_its_side(text: str, expected: set[tuple[str, float]]):
    lifted, turned = folds(ModelSpec.parse(text))
    assert turned == expected
    assert lifted == {label for label, _ in expected}


@settings(max_examples=40, deadline=None)
@given(spec=specs(5, tame=True))
def test_every_lifted_sign_is_kept_by_turning(spec: ModelSpec):
    assume(bool(spec.measured))
    lifted, turned = folds(spec)
    assert lifted == {label for label, _ in turned}
