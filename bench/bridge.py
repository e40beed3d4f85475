"""How long the page waits for Python after a stroke: the edit of the text, its reading, and the verdict on a question.

Run with `make bench`, or `python bench/bridge.py --json FILE`. Graphs of 20, 50 and 200 nodes, arrows alone and as models; a
stroke adds or removes an edge, so that nothing of the answer is known before. Times are those of `latentdo.web.reply` in this
process, on the wall and of the processor: the way to a browser comes on top.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentdo.web import reply

SIZES = (20, 50, 200)
GRAPHS = 12
STROKES = 8
STEPS: tuple[str, ...] = ("edit", "read", "verdict", "verdict without remedies", "edit, read and verdict")


def text_of(size: int, seed: int, *, model: bool) -> tuple[str, list[str], random.Random]:
    """A random graph, sparse as drawn ones are: one or two causes for each node, a hidden cause for every fifth."""
    rng = random.Random(f"{size} {seed}")
    names = [f"V{i}" for i in range(size)]
    causes = {name: rng.sample(names[:i], min(i, rng.choice([1, 1, 2]))) for i, name in enumerate(names)}
    pairs = {tuple(sorted(rng.sample(range(size), 2))) for _ in range(size // 5)}
    hidden = [f"{names[i]} <-> {names[j]}" for i, j in sorted(pairs)]
    if model:
        lines = [f"{name} ~ normal({', '.join(causes[name])})" for name in names]
    else:
        lines = [f"{cause} -> {name}" for name in names for cause in causes[name]]
    return "\n".join([*lines, *hidden, ""]), names, rng


def timed(verb: str, **fields: Any) -> tuple[dict[str, Any], float, float]:
    """A reply, with its seconds on the wall and of the processor."""
    request = json.dumps({"verb": verb, **fields})
    wall, processor = time.perf_counter(), time.process_time()
    text = reply(request)
    times = time.perf_counter() - wall, time.process_time() - processor
    found = json.loads(text)
    assert found["ok"], found["error"]["message"]
    return found, *times


def strokes(size: int, *, model: bool) -> Iterator[dict[str, list[float]]]:
    """The times of each step, stroke by stroke."""
    for seed in range(GRAPHS):
        text, names, rng = text_of(size, seed, model=model)
        for _ in range(STROKES):
            known = {(edge["tail"], edge["head"], edge["kind"]) for edge in timed("read", text=text)[0]["edges"]}
            edge = (*(names[i] for i in sorted(rng.sample(range(size), 2))), rng.choice(["->", "<->"]))
            op = "remove_edge" if edge in known else "add_edge"
            change = {"op": op, **dict(zip(("tail", "head", "kind"), edge, strict=True))}
            changed, *edit = timed("edit", text=text, edit=change)
            text = changed["text"]
            _, *read = timed("read", text=text)
            x, y = names[rng.randrange(size // 3)], names[rng.randrange(2 * size // 3, size)]
            question = f"E[{y} | do({x}=1)] - E[{y} | do({x}=0)]"
            _, *verdict = timed("verdict", text=text, queries=[question])
            # Of another pair, whose verdict is not known yet.
            other = f"E[{names[rng.randrange(2 * size // 3, size)]} | do({names[rng.randrange(size // 3)]}=2)]"
            _, *plain = timed("verdict", text=text, queries=[other], remedies=False)
            total = [sum(parts) for parts in zip(edit, read, verdict, strict=True)]
            yield dict(zip(STEPS, (edit, read, verdict, plain, total), strict=True))


def quantile(values: list[float], share: float) -> float:
    """The value below which a share lies, one of the values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Time every size in both forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    options = parser.parse_args()
    timed("verdict", text="X -> Y; X <-> Y", queries=["P(Y | do(X))"])  # what is loaded once is not waited for again
    timed("verdict", text="X ~ normal; Y ~ normal(X)", queries=["P(Y | do(X))"])
    rows: list[dict[str, Any]] = []
    print(
        f"{'nodes':>5}  {'text':<6} {'step':<26} {'wall ms: median':>16} {'95 %':>7} {'processor ms: median':>22} {'95 %':>7}"
    )
    for size in options.sizes:
        for model in (False, True):
            found = list(strokes(size, model=model))
            for step in STEPS:
                wall, processor = ([1000 * each[step][k] for each in found] for k in (0, 1))
                row = {"nodes": size, "text": "model" if model else "arrows", "step": step, "strokes": len(found)}
                for name, values in (("wall", wall), ("processor", processor)):
                    row |= {f"{name}_median": quantile(values, 0.5), f"{name}_95": quantile(values, 0.95)}
                rows.append(row)
                print(f"{size:>5}  {row['text']:<6} {step:<26} {row['wall_median']:>16.1f} {row['wall_95']:>7.1f} "
                      f"{row['processor_median']:>22.1f} {row['processor_95']:>7.1f}")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
