"""The built-in studies as they are reproduced: sizes, main questions, what was published of them, what was to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from latentdo import simulators
from latentdo.simulators import PopulationValue

from . import published
from .published import Figure


@dataclass(frozen=True)
class Study(simulators.Study):
    """A built-in study, and what its reproduction needs.

    Attributes:
        rows: Rows of a full data set; data sets of a published size are its first rows, and not rows that were simulated alone.
        sizes: The published sizes.
        main: The labels of the queries that tables and figures are about.
        outcome: The node whose mean is the baseline of every table.
        published: What the paper or its stored results say; where they say two things, the first is that of figures.
        reference: Errors of simple estimators, checked, against which ours are set; likewise.
        corrections: Where what was published is wrong, and why, a sentence or a few each.
        remarks: What else has to be known beside the published numbers, and is no mistake in them; likewise.
        targets: The median error that the model has to reach, by query and size.
        formula: What the graph's formula gives with endless rows, by label, where that is not the population's answer.
    """

    rows: int
    sizes: tuple[int, ...]
    main: tuple[str, ...]
    outcome: str
    published: tuple[Figure, ...] = ()
    reference: tuple[Figure, ...] = ()
    corrections: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    targets: tuple[tuple[str, int, float], ...] = ()
    formula: tuple[PopulationValue, ...] = ()


def _study(name: str, **more: Any) -> Study:
    built_in = simulators.study(name)
    reported = {source: published.FIGURES.get((name, source), ()) for source in ("published", "reference")}
    return Study(**{field.name: getattr(built_in, field.name) for field in fields(built_in)}, **reported, **more)


_CASES = (
    _study(
        "multicause",
        rows=200,
        sizes=(15, 60, 100),
        main=("effect",),
        outcome="Y",
        corrections=published.MULTICAUSE_CORRECTIONS,
        remarks=published.MULTICAUSE_REMARKS,
        targets=(("effect", 60, 0.035),),
    ),
    _study(
        "napkin",
        rows=200,
        sizes=(15, 60, 100),
        main=("effect",),
        outcome="Y",
        corrections=published.NAPKIN_CORRECTIONS,
        remarks=published.NAPKIN_REMARKS,
        targets=(("effect", 60, 0.22), ("effect", 100, 0.26)),
    ),
    _study(
        "signaling",
        rows=500,
        sizes=(30, 60, 100),
        main=("erk",),
        outcome="Erk",
        corrections=published.SIGNALING_CORRECTIONS,
        remarks=published.SIGNALING_REMARKS,
        targets=(("erk", 60, 0.25),),
        # Rows are snapshots: 200 000 cells, each protein a sigmoid of its parents with normal noise (bench/snapshots.py).
        formula=(PopulationValue("erk", 88.675, 0.005),),
    ),
    _study(
        "covid",
        rows=500,
        sizes=(60, 100, 200),
        main=("tocilizumab", "gefitinib"),
        outcome="Cytokine",
        corrections=published.COVID_CORRECTIONS,
        remarks=published.COVID_REMARKS,
    ),
    _study("multicause-strong", rows=200, sizes=(15, 60, 100), main=("low", "high"), outcome="Y"),
    _study("signaling-strong", rows=500, sizes=(30, 60, 100), main=("low", "high"), outcome="Erk"),
)
STUDIES: Mapping[str, Study] = {case.name: case for case in _CASES}


def study(name: str) -> Study:
    """The study of this name.

    Raises:
        StudyError: There is none.
    """
    return STUDIES[simulators.study(name).name]
