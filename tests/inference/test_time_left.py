"""Time left, by a simulated clock: after the first tenth of a fit it is right within a factor of two, or not told."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import latentdo as ld
from latentdo.inference.progress import BEGUN, Course
from latentdo.inference.samplers import sampling
from latentdo.inference.samplers.ensemble import Ensemble
from latentdo.inference.samplers.sampling import _Outlook

pytestmark = pytest.mark.usefixtures("as_planned")

Report = tuple[float, str, float]
"""When, which block, and which share of its plan was told; the share 1 is its end."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def steady(name: str, begin: float, seconds: float, *, compiling: float = 0.0, steps: int = 50) -> list[Report]:
    """A block whose first step compiles, and whose steps then take as long as each other."""
    step = seconds / steps
    moving = [(begin + compiling + k * step, name, min(k / steps, 1.0 - BEGUN)) for k in range(1, steps + 1)]
    return [(begin, name, BEGUN), *moving, (moving[-1][0], name, 1.0)]


def extended(name: str, first: float, lengths: Iterable[float], *, step: float = 2.0) -> list[Report]:
    """A block whose run of so many seconds is lengthened to these: what is done is then a smaller share."""
    reports, made = [(0.0, name, BEGUN)], 0.0
    for length in (first, *lengths):
        while made < length:
            made += step
            reports.append((made, name, min(made / length, 1.0 - BEGUN)))
    return [*reports, (made, name, 1.0)]


def warming(name: str, slow: float, quick: float) -> list[Report]:
    """A block whose warm-up, half of its steps, takes longer or shorter than the other half."""
    times = list(itertools.accumulate([slow / 50] * 50 + [quick / 50] * 50))
    return [(0.0, name, BEGUN), *((at, name, (k + 1) / 101) for k, at in enumerate(times)), (times[-1], name, 1.0)]


def queued(n: int, at_a_time: int, seconds: float, compiling: float) -> list[Report]:
    """Blocks of one kind, so many of them at a time."""
    return [
        report
        for k in range(n)
        for report in steady(f"{k}", (k // at_a_time) * (seconds + compiling), seconds, compiling=compiling)
    ]


def followed(name: str, first: float, second: float) -> list[Report]:
    """A block whose first method is not certified, and whose second compiles anew."""
    one = steady(name, 0.0, first)[:-1]
    other = steady(name, first, second, compiling=5.0)
    return [*one, (first, name, 0.0), *other]


def estimates(reports: list[Report], names: Iterable[str] = ()) -> Iterator[tuple[float, float | None, float]]:
    """At each of a hundred moments: the share of the time that has gone by, the estimate, and what was left in truth."""
    clock = Clock()
    course = Course(clock)
    for name in names or dict.fromkeys(report[1] for report in reports):
        course.tell(name, 0.0)
    reports = sorted(reports, key=lambda report: report[0])
    end = reports[-1][0]
    for k in range(1, 100):
        moment = end * k / 100
        while reports and reports[0][0] <= moment:
            clock.now, name, share = reports.pop(0)
            course.tell(name, share)
        clock.now = moment
        yield k / 100, course.left, end - moment


SHAPES = {
    "one block": steady("a", 0, 100),
    "compiling takes a third": steady("a", 0, 100, compiling=50),
    "compiling takes most": steady("a", 0, 100, compiling=300),
    "few steps": steady("a", 0, 100, compiling=10, steps=8),
    "slow warm-up": warming("a", 60, 40),
    "quick warm-up": warming("a", 40, 60),
    "two blocks at a time": [*steady("a", 0, 60), *steady("b", 0, 200)],
    "a queue": queued(12, 2, 20, 2),
    "a queue that compiles once": [
        *steady("0: {X}", 0, 20, compiling=30),
        *steady("1: {X}", 0, 20, compiling=30),
        *[report for k in range(10) for report in steady(f"{k + 2}: {{X}}", 50 + 20 * (k // 2), 20)],
    ],
    "tables with a quick block each": [
        *[report for k in range(6) for report in steady(f"{k}: {{U, X}}", 40 * (k // 2), 40)],
        *[
            report
            for k in range(6)
            for report in ((120 + 0.1 * k, f"{k}: {{M}}", BEGUN), (120.1 + 0.1 * k, f"{k}: {{M}}", 1.0))
        ],
    ],
    "a queue of blocks that do not tell": [
        report for k in range(20) for report in ((10.0 * k, f"{k}", BEGUN), (10.0 * (k + 1), f"{k}", 1.0))
    ],
}


@pytest.mark.parametrize("reports", SHAPES.values(), ids=SHAPES)
def test_it_is_right_within_a_factor_of_two_once_the_first_tenth_is_done(reports):
    told = [(gone, left, truth) for gone, left, truth in estimates(reports) if gone >= 0.1 and left is not None]
    wrong = [(gone, left, truth) for gone, left, truth in told if not truth / 2 - 1.0 <= left <= 2 * truth + 1.0]
    assert not wrong


@pytest.mark.parametrize(
    ("shape", "share"),
    [("one block", 0.95), ("few steps", 0.6), ("slow warm-up", 0.9), ("two blocks at a time", 0.9), ("a queue", 0.9)],
)
def test_it_is_told_most_of_the_time(shape, share):
    told = [left is not None for gone, left, _ in estimates(SHAPES[shape]) if gone >= 0.1]
    assert sum(told) >= share * len(told)


@pytest.mark.parametrize("lengths", [[150], [200], [130, 260], [300]])
def test_once_a_run_is_extended_its_new_length_is_reckoned_with(lengths):
    reports = extended("a", 100, lengths)
    whole = reports[-1][0]
    known = ([100, *lengths][-2] + 0.1 * whole) / whole
    for gone, left, truth in estimates(reports):
        if gone > known:
            assert left is not None
            assert truth / 2 - 2.0 <= left <= 2 * truth + 2.0


def test_a_second_method_is_not_taken_to_be_the_end_of_the_first():
    for gone, left, truth in estimates(followed("a", 50, 100)):
        if gone > 0.5:
            assert left is None or truth / 2 - 2.0 <= left <= 2 * truth + 2.0


def test_while_a_program_compiles_nothing_is_told():
    assert all(left is None for gone, left, _ in estimates(SHAPES["compiling takes most"]) if gone < 0.7)


def test_what_follows_the_last_step_is_not_said_to_take_no_time():
    reports = [*steady("a", 0, 50)[:-1], (90.0, "a", 1.0)]
    late = [(left, truth) for gone, left, truth in estimates(reports) if 0.65 < gone < 0.85]
    assert all(left is not None and 5.0 < left < 40.0 for left, _ in late)


def chains(phase: str, made: int, left: int, length: int = 260) -> Ensemble:
    """An ensemble as far as its plan goes."""
    nothing: Any = None
    return Ensemble(
        nothing, nothing, 0, (), (), 400, length, nothing, nothing, nothing, phase=phase, made=made, left=left
    )


def test_a_run_of_chains_is_planned_for_half_as_much_again_until_one_is_judged():
    begun = _Outlook(chains("warm up", 100, 300), 16_000, lambda: pytest.fail("judged"))
    assert begun.share == pytest.approx(100 / (660 + 330))
    near = _Outlook(chains("draw", 640, 20), 16_000, lambda: pytest.fail("judged"))
    near.look(complete=False)
    assert near.share == pytest.approx(640 / (660 + 330 * 20 / 260)), "it was short, and nobody judged it"


@pytest.mark.parametrize(("needed", "more"), [(200, 0), (260, 0), (400, 140), (3_000, 6_000), (10**6, 16_000)])
def test_what_a_run_still_needs_is_made_in_runs_that_are_doubled(needed, more):
    outlook = _Outlook(chains("draw", 400, 260), 16_000, lambda: pytest.fail("judged"))
    outlook.begin(needed)
    beyond = 400 / outlook.share - 660
    assert 0.4 * more <= beyond <= more
    assert beyond + 660 <= 16_000


def test_judging_a_run_early_changes_no_number(monkeypatch):
    random = np.random.default_rng(0)
    x = random.normal(size=30)
    rows, model = {"X": x, "Y": (x > 0.3).astype(float)}, "latent U ~ normal; X ~ normal(U); Y ~ bernoulli(U)"
    judged: list[int | None] = []
    real, fits = _Outlook._reckon, []

    def reckon(self, needed):
        judged.append(needed)
        real(self, needed)

    monkeypatch.setattr(_Outlook, "_reckon", reckon)
    for seconds in (1e9, 0.0):
        monkeypatch.setattr(sampling, "LONG_RUN", seconds)
        posterior = ld.fit(model, rows, ld.Auto(max_steps=500), progress=False)
        fits.append([draws.coefficients.tobytes() for draws in posterior.by_node.values()])
        judged.append(None)
    assert fits[0] == fits[1]
    assert len(judged[judged.index(None) :]) > judged.index(None) + 1, "the second fit was judged early"
