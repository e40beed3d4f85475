"""How a peer is called, and what it writes. NumPy and the standard library only: it runs in every peer's Python."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np

Draws = dict[str, np.ndarray]
BEGUN = time.perf_counter()


def serve(run: Callable[[argparse.Namespace, dict[str, np.ndarray]], tuple[Draws, float]]) -> None:
    """Parse the command line, run, write the draws and print one line of JSON.

    Args:
        run: Takes the options and the rows; gives the draws and the seconds that sampling took, compilation left out.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("study")
    parser.add_argument("rows")
    parser.add_argument("output")
    for name, value in (("chains", 4), ("warmup", 500), ("draws", 500), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    draws, sampling = run(options, dict(np.load(options.rows)))
    np.savez(options.output, **draws)
    json.dump({"sampling": sampling, "inside": time.perf_counter() - BEGUN}, sys.stdout)
    print()
