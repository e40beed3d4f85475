"""latentdo's default engine: import, fit, and every question of the study asked."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("rows")
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=0)
    # What the samplers of the other programs take; the default engine decides for itself how long it runs.
    for name in ("chains", "warmup", "draws"):
        parser.add_argument(f"--{name}", type=int)
    options = parser.parse_args()

    import numpy as np

    import latentdo as ld
    from latentdo.models import ModelSpec

    text = Path(options.rows).with_suffix(".model").read_text(encoding="utf8")
    queries = Path(options.rows).with_suffix(".queries").read_text(encoding="utf8").splitlines()
    imported = time.perf_counter()
    model: ModelSpec = ld.model(text)
    posterior = ld.fit(model, dict(np.load(options.rows)), seed=options.seed, progress=False)
    fitted = time.perf_counter()
    answers = ld.ask(posterior, *queries, seed=options.seed)
    asked = time.perf_counter()
    Path(options.output).write_text(
        json.dumps(
            {
                answer_query: {"mean": a.mean, "mcse": a.mcse, "sd": a.sd, "ess": a.ess, "rhat": a.rhat}
                for answer_query, a in zip(queries, answers, strict=True)
            }
        ),
        encoding="utf8",
    )
    print(
        json.dumps(
            {
                "import": imported - BEGUN,
                "fit": fitted - imported,
                "ask": asked - fitted,
                "converged": posterior.converged,
            }
        )
    )


if __name__ == "__main__":
    main()
