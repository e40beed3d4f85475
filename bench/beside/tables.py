"""What is printed of the outcomes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from beside.workers import Record, Worker


def short(seconds: float | None) -> str:
    """Seconds in a unit that keeps two or three digits."""
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "time-out"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def median(values: Iterable[float | None]) -> float | None:
    """The median of what there is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def percentile(values: Iterable[float | None], share: float) -> float | None:
    """The value below which this share lies; a time-out counts as infinite, a crash does not count."""
    known = sorted(value for value in values if value is not None)
    return known[min(len(known) - 1, math.ceil(share * len(known)) - 1)] if known else None


def spent(records: list[Record], name: str) -> list[float | None]:
    """The seconds of each case; infinite where time ran out, None where it crashed."""
    late = {"out of time", "not asked"}
    found = [record.outcomes[name] for record in records]
    return [math.inf if outcome.fate in late else outcome.seconds for outcome in found]


def joined(values: Iterable[object]) -> str:
    """One value for each library."""
    return " / ".join(map(str, values))


def row(kind: str, records: list[Record], workers: list[Worker]) -> list[str]:
    """What one line of the table says, each number latentdo's before the peer's."""
    names = [worker.name for worker in workers]
    fates = {fate: [sum(r.outcomes[n].fate == fate for r in records) for n in names] for fate in
             ("answered", "out of time", "crashed", "not asked")}  # fmt: skip
    late = [f"{a}{f' +{b}' if b else ''}" for a, b in zip(fates["out of time"], fates["not asked"], strict=True)]
    sizes = [[r.outcomes[n].size for r in records] for n in names]
    largest = [max((size for size in column if size), default=0) for column in sizes]
    unprinted = [sum(r.outcomes[n].error.startswith("printing") for r in records) for n in names]
    return [
        kind, str(len(records)), str(sum(bool(r.outcomes["latentdo"].identified) for r in records)),
        joined(short(median(r.outcomes[n].seconds for r in records)) for n in names),
        joined(short(percentile(spent(records, n), 0.95)) for n in names),
        short(max((r.outcomes["latentdo"].seconds or 0.0 for r in records), default=None)),
        "-" if len(names) < 2 else times(median(r.ratio(names[1]) for r in records)),
        "-" if len(names) < 2 else times(median(r.ratio(names[1], "printed_seconds") for r in records)),
        joined(late), joined(fates["crashed"]), joined(unprinted), str(len(disagreements(records))),
        joined(int(median(column) or 0) for column in sizes), joined(f"{size:,}" for size in largest),
        joined(worker.peak // 1024 for worker in workers),
    ]  # fmt: skip


HEADER = (
    "class", "n", "yes", "median", "p95", "worst", "ratio", "ratio, printed", "time-outs", "crashes", "not printed",
    "disagree", "characters", "at most", "peak MiB",
)  # fmt: skip


def times(ratio: float | None) -> str:
    """A ratio for people."""
    return "-" if ratio is None else f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"


def disagreements(records: list[Record]) -> list[Record]:
    """The cases on which the libraries say different things."""
    verdicts = [(r, {o.identified for o in r.outcomes.values() if o.identified is not None}) for r in records]
    return [record for record, found in verdicts if len(found) > 1]


def print_table(rows: list[list[str]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(line[k]) for line in rows) for k in range(len(rows[0]))]
    for line in rows:
        first, *others = (f"{text:>{width}}" for text, width in zip(line, widths, strict=True))
        print("  ".join([f"{first.strip():<{widths[0]}}", *others]))


def report(found: dict[str, list[Record]], workers: list[Worker]) -> None:
    """What all classes together say, the slowest cases and the disagreements."""
    records = [record for part in found.values() for record in part]
    if len(workers) > 1:
        peer = workers[1].name
        both = [r for r in records if r.ratio(peer)]
        print(f"\nOverall: {peer} takes {times(median(r.ratio(peer) for r in both))} times as long as latentdo (median of "
              f"{len(both)} cases that both answered; {times(median(r.ratio(peer, 'printed_seconds') for r in both))} with "
              f"the formula printed).")  # fmt: skip
        smaller = [r.outcomes["latentdo"].size / r.outcomes[peer].size for r in both
                   if r.outcomes["latentdo"].size and r.outcomes[peer].size]  # fmt: skip
        if smaller:
            print(f"latentdo's printed formula has {median(smaller):.2f} of the characters of {peer}'s (median).")
        differ = disagreements(records)
        print(f"Verdicts that differ: {len(differ)}.")
        for record in differ[:8]:
            said = ", ".join(f"{name} {'yes' if o.identified else 'no'}" for name, o in record.outcomes.items())
            print(f"  {said}: {record.case}")
    for worker in workers:
        kinds = [
            r.outcomes[worker.name].error.split(":")[0] for r in records if r.outcomes[worker.name].fate == "crashed"
        ]
        if kinds:
            print(f"Crashes of {worker.name}: {', '.join(f'{kinds.count(k)} {k}' for k in sorted(set(kinds)))}.")
    print("\nlatentdo's slowest:")
    for record in sorted(records, key=lambda r: -slowness(r))[:8]:
        mine = record.outcomes["latentdo"]
        print(f"  {record.case.name}: {short(mine.seconds)}, printed {short(mine.printed_seconds)} ({mine.fate})")


def slowness(record: Record) -> float:
    """Seconds with printing; infinite where latentdo ran out of time."""
    mine = record.outcomes["latentdo"]
    if mine.fate in ("out of time", "crashed") or mine.error:
        return math.inf
    return mine.printed_seconds or mine.seconds or 0.0
