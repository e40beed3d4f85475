"""The stored results of this checkout are read by it, and a run would go on from them."""

from __future__ import annotations

import gzip
from pathlib import Path

from studies import reproduction, stored_rows, study

STORED = Path(__file__).parents[2] / "bench" / "results" / "reproduced"


def test_stored_results_are_those_of_the_study_as_it_is_now(tmp_path):
    (tmp_path / "napkin.jsonl").write_bytes(gzip.decompress((STORED / "napkin.jsonl.gz").read_bytes()))
    rows = stored_rows(tmp_path)
    methods = {"lvm", "lvm misspecified", "mean", "naive mean", "naive regression", "nested ipw", "werm-id", "plug-in"}
    assert {row["method"] for row in rows} == methods
    # 100 data sets of three sizes; the mean of all rows answers the main question alone.
    assert len(rows) == 300 * (2 * len(methods) - 1)


def test_a_run_goes_on_from_them(tmp_path, monkeypatch):
    (tmp_path / "napkin.jsonl").write_bytes(gzip.decompress((STORED / "napkin.jsonl.gz").read_bytes()))
    monkeypatch.setattr(reproduction, "work", None)
    found = reproduction.reproduce("napkin", folder=tmp_path, workers=1, progress=False)
    assert (found.n_done, found.n_kept) == (0, 900)
    assert found.plans[0].sizes == study("napkin").sizes
