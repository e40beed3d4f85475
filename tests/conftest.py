"""What every test shares: a cache beside the code, reproducible random examples, and saved fits.

pytest adds this folder to the path, so that `known_graphs`, `oracles` and `markdown_pages` can be imported from every test.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).parent.parent

# Compiled programs outlive the test run, so that the second run is quick. Set before JAX is imported, for this
# process and for those that tests start.
os.environ.setdefault("LATENTDO_CACHE", str(ROOT / ".cache"))
os.environ.setdefault("MPLBACKEND", "agg")

settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
