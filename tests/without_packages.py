"""Python with the standard library alone: what a browser that runs Python has of latentdo's dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCKED = """\
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "latentdo"}:
            raise ImportError(f"{name} is not of the standard library")

sys.meta_path.insert(0, Blocked())
sys.path[:0] = [SOURCE]
"""


def run_alone(code: str, text: str = "") -> str:
    """What the code prints where nothing but the standard library and latentdo can be imported."""
    head = _BLOCKED.replace("SOURCE", repr(str(ROOT / "src")))
    command = [sys.executable, "-S", "-X", "utf8", "-c", head + code]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
