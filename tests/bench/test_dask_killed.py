"""A reproduction on a cluster that loses a worker in the middle: the same numbers, and nothing lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import latentdo as ld
from studies import reproduce

pytest.importorskip("distributed")


sys.path.append(str(Path(__file__).parents[2] / "bench"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_killed_in_the_middle_changes_no_number():
    from dask_killed import killed_in_the_middle, numbers

    asked = {"datasets": 8, "sizes": [40], "models": ["lvm"], "engine": ld.Laplace(draws=100)}
    here = reproduce("napkin", workers=1, progress=False, **asked)
    there, happened = killed_in_the_middle("napkin", 2, tasks=8, **asked)
    assert happened["kept_when_killed"] < 8
    assert happened["replaced"] == 1
    assert not there.failed
    assert numbers(there) == numbers(here)
