"""latentdo asked a thousand questions of a saved fit, twice: seconds, compilations, units, memory.

Called by asking.py: `FILE FIT.ldo FIRST.txt SECOND.txt EXACT.txt KINDS`, one question a line, as many of each
kind. The first and the second thousand have
the same shapes and no number in common.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

BEGUN = time.perf_counter()
COMPILED = "/jax/core/compile/backend_compile_duration"


def facts(answers: Any) -> list[dict[str, Any]]:
    """What is compared of each answer."""
    return [
        {"mean": a.mean, "sd": a.sd, "error": a.simulation_error, "n_units": a.n_units, "method": a.method}
        for a in answers
    ]


def timed(posterior: Any, questions: list[str]) -> tuple[Any, float, float]:
    """The answers, and seconds by the clock and of the processor."""
    import latentdo as ld

    begun, processor = time.perf_counter(), time.process_time()
    answers = ld.ask(posterior, *questions)
    return answers, time.perf_counter() - begun, time.process_time() - processor


def main() -> None:
    import latentdo as ld

    path, *texts, n_kinds = sys.argv[1:]
    first, second, exact = (Path(text).read_text(encoding="utf8").splitlines() for text in texts)
    imported = time.perf_counter()
    posterior = ld.load(path)
    loaded = time.perf_counter()
    answers = ld.ask(posterior, *first)
    cold, cold_processor = time.perf_counter(), time.process_time()

    import jax

    compiled: list[float] = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, seconds, **_: compiled.append(seconds) if name == COMPILED else None
    )
    again, warm, warm_processor = timed(posterior, second)
    n_compiled = len(compiled)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    closed, exactly, exactly_processor = timed(posterior, exact)
    # Each kind of question apart.
    size = len(second) // int(n_kinds)
    kinds = [timed(posterior, second[k : k + size])[1:] for k in range(0, len(second), size)]
    # The noise in each draw's number: what another seed changes.
    picked = first[:: max(1, len(first) // 40)]
    own = [
        ((a.draws - b.draws) ** 2).mean() / 2
        for a, b in zip(*(ld.ask(posterior, *picked, seed=s) for s in (0, 1)), strict=True)
    ]
    found = {
        "import": imported - BEGUN,
        "load": loaded - imported,
        "cold": cold - BEGUN,
        "warm": warm,
        "cold_processor": cold_processor,
        "warm_processor": warm_processor,
        "exact": exactly,
        "exact_processor": exactly_processor,
        "kinds": [{"seconds": seconds, "processor": processor} for seconds, processor in kinds],
        "compiled": n_compiled,
        "peak": peak,
        "first": facts(answers),
        "second": facts(again),
        "exactly": facts(closed),
        "noise": dict(zip(picked, map(float, own), strict=True)),
    }
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
