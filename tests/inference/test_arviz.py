"""A fit in ArviZ's hands: the same draws under the same names, and the same R-hat."""

from __future__ import annotations

import builtins
from dataclasses import replace

import numpy as np
import pytest

import latentdo as ld
from handmade_fits import ODD, handmade
from latentdo.errors import MissingExtraError
from latentdo.tables import Dataset

pytest.importorskip("arviz_base")


def test_every_draw_is_there_under_its_name(front_door: ld.Posterior):
    tree = front_door.to_arviz()
    drawn = dict(front_door.parameters)
    found = {}
    for kind in tree["posterior"].data_vars:
        for name in tree["posterior"][kind][f"{kind}_of"].values:
            values = tree["posterior"][kind].sel({f"{kind}_of": name})
            assert values.dims == ("chain", "draw")
            found[name if kind == "weight" else f"{kind}({name})"] = values.values
    assert found.keys() == drawn.keys()
    assert all(np.array_equal(found[label], drawn[label]) for label in drawn)


def test_arviz_agrees_on_rhat(front_door: ld.Posterior):
    stats = pytest.importorskip("arviz_stats")
    rhat = stats.rhat(front_door.to_arviz())
    # Independent draws, to which R-hat does not apply, are left out.
    own = {d.name: d.rhat for d in front_door.parameter_diagnostics if d.rhat is not None}
    assert own
    for label, value in own.items():
        kind = label.partition("(")[0] if label.endswith(")") else "weight"
        name = label if kind == "weight" else label.partition("(")[2][:-1]
        assert float(rhat[kind].sel({f"{kind}_of": name})) == pytest.approx(value, abs=1e-6)


def test_rows_density_and_provenance(front_door: ld.Posterior):
    tree = front_door.to_arviz()
    assert front_door.data is not None
    for node in front_door.spec.measured:
        assert np.array_equal(tree["observed_data"][node], front_door.data.column(node))
    for block in front_door.blocks:
        if block.log_posterior is not None:
            assert np.array_equal(tree["sample_stats"]["lp"].sel(block=block.block.name), block.log_posterior)
    for part in (tree, tree["posterior"]):
        assert part.attrs["inference_library"] == "latentdo"
        assert part.attrs["engine"] == front_door.engine
        assert part.attrs["seed"] == front_door.seed
    assert "observed_data" not in replace(front_door, data=None).to_arviz().children


def test_odd_names_are_kept():
    posterior = handmade(ODD + "; row ~ normal")
    tree = posterior.to_arviz()
    assert "Z -> 1/2 [b]" in tree["posterior"]["weight_of"].values
    assert "Knee pain?" in tree["posterior"]["intercept_of"].values
    sizes = [tree["posterior"].sizes[f"{kind}_of"] for kind in tree["posterior"].data_vars]
    assert sum(sizes) == len(posterior.parameters)


def test_a_slash_in_a_column_is_another_slash_and_no_name_takes_that_of_a_dimension():
    names = ("1/2 [b]", "row", "chain")
    posterior = handmade("; ".join(f"`{name}` ~ normal" for name in names))
    rows = Dataset.of({name: np.arange(30.0) + k for k, name in enumerate(names)})
    tree = replace(posterior, data=rows).to_arviz()
    assert tree["observed_data"]["1\N{DIVISION SLASH}2 [b]"].dims == ("row_",)
    assert np.array_equal(tree["observed_data"]["chain"], np.arange(30.0) + 2)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    plain = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name.startswith("arviz"):
            raise ImportError(name)
        return plain(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'latentdo\[diagnostics\]'"):
        handmade().to_arviz()
