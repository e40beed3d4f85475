"""What was published of the studies: legal labels, methods and sizes, and numbers as they stand in their sources."""

from __future__ import annotations

from typing import get_args

import pytest

from latentdo.models.study.form import MethodName
from studies import STUDIES
from studies.accuracy import MEAN
from studies.published import Figure

METHODS = {*get_args(MethodName), MEAN}


def found(name: str, kind: str, query: str, method: str, n: int) -> list[Figure]:
    return [f for f in getattr(STUDIES[name], kind) if (f.query, f.method, f.n) == (query, method, n)]


@pytest.mark.parametrize("name", STUDIES)
def test_labels_methods_and_sizes_are_those_of_the_study(name):
    study = STUDIES[name]
    models = {f"lvm {variant.name}" for variant in study.parsed.variants}
    for figure in (*study.published, *study.reference):
        assert figure.query in study.main
        assert figure.method in METHODS | models
        assert figure.n > 0
        assert (figure.low is None) == (figure.high is None)
        assert 0 <= (figure.low or 0) <= figure.median <= (figure.high or figure.median)
        assert figure.note.endswith(".")
        # Only of the napkin's published errors it is not known.
        assert figure.against or (name, figure in study.published) == ("napkin", True)
    for query, n, wanted in study.targets:
        assert query in study.main
        assert n in study.sizes
        assert wanted > 0
    assert all(sentence.endswith(".") and "  " not in sentence for sentence in (*study.corrections, *study.remarks))


@pytest.mark.parametrize("name", ["multicause", "napkin", "signaling", "covid"])
def test_every_published_size_has_both_models_and_the_plug_in(name):
    study = STUDIES[name]
    for query in study.main:
        for n in study.sizes:
            for method in ("lvm", "lvm misspecified", "plug-in"):
                assert found(name, "published", query, method, n)[0].low is not None
    assert study.corrections
    assert study.reference


@pytest.mark.parametrize(
    ("name", "kind", "query", "method", "n", "numbers"),
    [
        ("multicause", "published", "effect", "lvm", 60, [(0.080, 0.041, 0.131)]),
        ("multicause", "published", "effect", "plug-in", 15, [(0.218, 0.208, 0.230)]),
        ("multicause", "reference", "effect", "plug-in", 60, [(0.033, 0.016, 0.055)]),
        ("napkin", "published", "effect", "lvm misspecified", 60, [(1.805, 0.691, 2.546)]),
        ("napkin", "reference", "effect", "werm-id", 100, [(0.35, None, None)]),
        ("signaling", "published", "erk", "lvm", 60, [(0.439, 0.236, 0.495), (0.393, None, None)]),
        ("signaling", "published", "erk", "pipw", 200, [(0.325, 0.136, 0.476)]),
        ("signaling", "published", "erk", "plug-in", 100, [(11.34, 11.12, 11.41)]),
        ("signaling", "reference", "erk", "dipw", 60, [(0.582, None, None), (7.9, None, None)]),
        ("covid", "published", "gefitinib", "lvm", 100, [(0.036, 0.022, 0.048), (0.114, None, None)]),
        ("covid", "published", "tocilizumab", "aipw", 200, [(0.096, 0.088, 0.105)]),
        ("covid", "reference", "tocilizumab", "naive regression", 100, [(0.075, None, None)]),
    ],
)
def test_numbers_are_those_of_their_source(name, kind, query, method, n, numbers):
    """Both releases where there are two, the first one first."""
    assert [(f.median, f.low, f.high) for f in found(name, kind, query, method, n)] == numbers


def test_the_releases_are_told_apart():
    first, second = found("covid", "published", "tocilizumab", "lvm", 60)
    assert first.note.startswith("First release")
    assert second.note.startswith("Second release")
    assert (first.against, second.against) == ("sample", "population")


def test_targets():
    assert STUDIES["multicause"].targets == (("effect", 60, 0.035),)
    assert STUDIES["napkin"].targets == (("effect", 60, 0.22), ("effect", 100, 0.26))
    assert STUDIES["signaling"].targets == (("erk", 60, 0.25),)
