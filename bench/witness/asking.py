"""The side that asks: an environment for each library, and a process that is asked and answers line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("libraries.py")
NEEDED = {
    # scipy: without the pin pip takes a version that statsmodels 0.13, which ananke-causal wants, cannot import.
    "ananke": ("ananke-causal==0.5.0", "scipy==1.11.4"),
    "dowhy": ("dowhy==0.14",),
    "y0": ("y0==0.2.11", "ananke-causal==0.5.0", "scipy==1.11.4"),
}
"""What each environment holds. ananke-causal pulls PyTorch with CUDA, about 7 GB each."""


def python_of(folder: Path, library: str) -> Path:
    """The interpreter of a library's environment; latentdo has this one."""
    if library == "latentdo":
        return Path(sys.executable)
    return folder / library / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_environment(folder: Path, library: str) -> None:
    """A new environment with the library, unless there is one."""
    python = python_of(folder, library)
    if not python.exists():
        venv.create(folder / library, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDED[library]], check=True)


def fresh_import(folder: Path) -> str:
    """What importing ananke's estimators gives beside the newest scipy that pip takes when nothing is pinned."""
    place = folder / "newest-scipy"
    python = python_of(folder, "ananke")
    if not place.exists():
        command = [python, "-m", "pip", "install", "-q", "--no-deps", "--target", place, "scipy"]
        subprocess.run(command, check=True)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", "import scipy; print(scipy.__version__); import ananke.estimation"],
        env=os.environ | {"PYTHONPATH": str(place)}, capture_output=True, text=True,
    )  # fmt: skip
    last = "imported" if done.returncode == 0 else done.stderr.strip().splitlines()[-1].partition(" (")[0]
    return f"scipy {done.stdout.strip()}: {last}"


class Witness:
    """A process that holds one library. Each has one thread: the machine may have other work."""

    def __init__(self, library: str, python: Path) -> None:
        self.library = library
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", SCRIPT, library],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | threads | {"PYTHONHASHSEED": "0"},
        )  # fmt: skip
        self.version: str = self._read()["version"]

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.library} ended without a reply. To see why: {' '.join(map(str, self._process.args))}")
        return json.loads(line)

    def stop(self) -> None:
        """Let the process end."""
        self._process.communicate()
