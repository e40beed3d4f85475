"""latentdo asked a thousand questions of a saved fit, twice: seconds, compilations, units, memory.

Called by asking.py: `FILE FIT.ldo REQUEST.json`. The first and the second thousand have the same shapes and no number in common;
afterwards each kind of question is asked apart, and under another seed.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()
COMPILED = "/jax/core/compile/backend_compile_duration"
JUDGED = 10


def timed(posterior: Any, questions: list[str], seed: int = 0) -> tuple[Any, dict[str, float]]:
    """The answers, and seconds by the clock and of the processor."""
    import latentdo as ld

    begun, processor = time.perf_counter(), time.process_time()
    answers = ld.ask(posterior, *questions, seed=seed)
    return answers, {"seconds": time.perf_counter() - begun, "processor": time.process_time() - processor}


def kind(posterior: Any, questions: list[str]) -> dict[str, Any]:
    """One kind of question: its time, its units, and its errors beside the posterior sd."""
    answers, spent = timed(posterior, questions)
    picked = questions[:: max(1, len(questions) // JUDGED)]
    # The noise in each draw's number: what another seed changes.
    pairs = [timed(posterior, picked, seed)[0] for seed in (0, 1)]
    added = [((a.draws - b.draws) ** 2).mean() / 2 / a.sd**2 for a, b in zip(*pairs, strict=True)]
    return {
        **spent,
        "n": len(questions),
        "error": max(a.simulation_error / a.sd for a in answers),
        "sd": statistics.median(a.sd for a in answers),
        "units": statistics.mean(a.n_units for a in answers),
        "added": float(statistics.median(added)),
        "mean": [a.mean for a in answers],
        "methods": sorted({a.method for a in answers}),
    }


def main() -> None:
    import latentdo as ld

    request = json.loads(Path(sys.argv[2]).read_text(encoding="utf8"))
    posterior = ld.load(sys.argv[1])
    loaded = time.perf_counter()
    timed(posterior, request["first"])
    cold = {"seconds": time.perf_counter() - BEGUN, "processor": time.process_time(), "load": loaded - BEGUN}
    # Only now, as latentdo loads JAX when it needs it.
    import jax

    compiled: list[float] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, seconds, **_: compiled.append(seconds) if name == COMPILED else None
    )
    _, warm = timed(posterior, request["second"])
    n_compiled = len(compiled)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found: dict[str, Any] = {"cold": cold, "warm": warm, "compiled": n_compiled, "peak": peak}
    if request["closed"]:
        _, found["closed"] = timed(posterior, request["closed"])
        found["kinds"] = {text: kind(posterior, questions) for text, questions in request["kinds"].items()}
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
