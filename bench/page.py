"""How long a person waits for the page: from a stroke in the drawing to the verdict that stands on the screen.

`python bench/page.py` serves the page, opens it in Chromium, and draws and takes away edges in graphs of 20, 50 and 200 nodes.
A time runs from the edit to the first frame with its verdict in it; what one gesture of the mouse takes is not in it. A first
load is that of a browser that has kept nothing, up to the first frame with a verdict. `--static FOLDER` measures the page without
a server too: FOLDER is what `latentdo site` wrote, and Python's own HTTP server hands it out from disk. `--json FILE` keeps all
times.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from beside.cases import ancestors

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browsing import Visit, chromium, files_served, reason_to_skip, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WINDOW = {"width": 1440, "height": 900}
FIRST = """async () => {
    const { store } = window.latentdo;
    while (!store.state.verdicts || store.state.behind) await new Promise((go) => setTimeout(go));
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    return performance.now();
}"""
STROKES = """async (strokes) => {
    const { store } = window.latentdo;
    const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    const times = [];
    for (const stroke of strokes) {
        await new Promise((go) => setTimeout(go, 250));
        const begun = performance.now();
        await store.edit([stroke]);
        while (store.state.behind) await new Promise((go) => setTimeout(go));
        await frame();
        times.push(performance.now() - begun);
    }
    return times;
}"""


def graph(count: int, rng: random.Random) -> tuple[str, str, list[tuple[str, str]]]:
    """A sparse graph as text, a question on it, and pairs between which no edge is."""
    order = [f"V{k}" for k in range(count)]
    arrows = {(order[rng.randrange(k)], order[k]) for k in range(1, count) for _ in range(2)}
    arcs = {tuple(sorted(rng.sample(order, 2))) for _ in range(count // 5)}
    lines = [f"{a} -> {b}" for a, b in sorted(arrows)] + [f"{a} <-> {b}" for a, b in sorted(arcs)]
    treatment = rng.choice(sorted(ancestors(list(arrows), [order[-1]]) - {order[-1]}))
    free = [
        (a, b)
        for k, b in enumerate(order)
        for a in order[:k]
        if (a, b) not in arrows and tuple(sorted((a, b))) not in arcs
    ]
    return "\n".join(lines), f"P({order[-1]} | do({treatment}))", rng.sample(free, min(len(free), 40))


def processor_seconds() -> float:
    """Processor time of all processes that this one has started, where /proc tells it: what other work does not lengthen."""
    parents: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = (
                int(fields[1]),
                (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            )
    ours = {os.getpid()}
    while more := {pid for pid, (parent, _) in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(parents[pid][1] for pid in ours - {os.getpid()})


def times_of(visit: Visit, count: int, graphs: int, seed: int) -> list[float]:
    """Milliseconds of each stroke: an edge drawn, and the same taken away."""
    found: list[float] = []
    for k in range(graphs):
        rng = random.Random(f"{seed} {count} {k}")
        text, question, pairs = graph(count, rng)
        visit.open(text, question)
        strokes = [
            {"op": op, "tail": a, "head": b, "kind": rng.choice(["->", "<->"]) if op == "add_edge" else None}
            for a, b in pairs[:10]
            for op in ("add_edge", "remove_edge")
        ]
        for add, remove in zip(strokes[::2], strokes[1::2], strict=True):
            remove["kind"] = add["kind"]
        found += visit.page.evaluate(STROKES, strokes)
    return found


def first_loads(browser: Browser, address: str, count: int) -> list[float]:
    """Milliseconds from the address to the verdict on the example, each in a browser that has kept nothing."""
    found = []
    for _ in range(count):
        context = browser.new_context(viewport=WINDOW)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        found.append(page.evaluate(FIRST))
        context.close()
    return found


@contextlib.contextmanager
def addresses(static: Path | None) -> Iterator[dict[str, str]]:
    """Where the page is, served and static."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = {"served": stack.enter_context(served(folder))}
        if static is not None:
            found["static"] = stack.enter_context(files_served(static))
        yield found


def measured(browser: Browser, address: str, asked: argparse.Namespace) -> dict[str, list[float]]:
    """All times of one page, of which it prints a line for each kind."""
    kept = {"first load": first_loads(browser, address, asked.loads)}
    loads = kept["first load"]
    print(
        f"  first load to first verdict: median {statistics.median(loads):.0f}, "
        f"from {min(loads):.0f} to {max(loads):.0f} ({len(loads)} loads)"
    )
    visit = Visit(browser.new_context(viewport=WINDOW).new_page(), address)
    times_of(visit, 10, 1, asked.seed)  # what is loaded once
    for count in asked.sizes:
        begun = processor_seconds()
        kept[str(count)] = times = times_of(visit, count, asked.graphs, asked.seed)
        spent = 1000 * (processor_seconds() - begun) / len(times)
        late = statistics.quantiles(times, n=20)[-1]
        print(
            f"  {count:>3} nodes: median {statistics.median(times):.0f}, 95th percentile {late:.0f} ({len(times)} strokes); "
            f"processor {spent:.0f} a stroke, of server and browser, pauses included"
        )
    visit.leave()
    return kept


def main() -> None:
    """Measure, and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", type=Path, metavar="FOLDER", help="a folder that `latentdo site` wrote")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--graphs", type=int, default=5, help="graphs of each size, 20 strokes in each")
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if reason := reason_to_skip():
        print(f"Skipped: {reason}.")
        return
    if asked.static and not (asked.static / "latentdo.zip").is_file():
        parser.error(f"{asked.static} holds no static page. Write one with: latentdo site -o {asked.static}")
    kept: dict[str, dict[str, list[float]]] = {}
    with addresses(asked.static) as found, chromium() as browser:
        print("From a stroke to its verdict on the screen, ms:")
        for name, address in found.items():
            print(f"{name} page")
            kept[name] = measured(browser, address, asked)
    if asked.json:
        asked.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
