"""The golden record: what latentdo prints, written down before the code is moved and compared after.

    python tests/golden/record.py OUT                     one text file per case, into the folder OUT
    python tests/golden/record.py OUT --only 'ask*'       some cases
    python tests/golden/record.py --diff OLD NEW          what differs, case by case; exit 1 if something does
    python tests/golden/record.py --diff OLD NEW --only 'ask*'

The cases go through the public interface alone, so that the same script records an old version and a new one: put the
`src` of a version on PYTHONPATH. Saved fits are opened from `--fits` (the folder `fits` beside OUT unless given) and
trained there where they are missing: keep those of an old version, and the record shows that they still open. Times, paths,
hashes and versions are masked, and numbers within 1e-9 of each other are equal. It is no test: a difference that was meant
is no fault, one that was not meant is.
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ["COLUMNS"] = "100"
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from cases import CASES  # noqa: E402
from forms import close, masked, shape_of  # noqa: E402


def main() -> int:
    """The exit code of one command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", help="folder of the record")
    parser.add_argument("--diff", type=Path, nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--only", default="*", help="pattern of the names of cases")
    parser.add_argument("--fits", type=Path, help="folder of the saved fits")
    options = parser.parse_args()
    if options.diff:
        return difference(*options.diff, options.only)
    if options.out is None:
        parser.error("name a folder")
    record(options.out.resolve(), (options.fits or options.out.resolve().parent / "fits").resolve(), options.only)
    return 0


def record(out: Path, fits: Path, only: str) -> None:
    """Write the chosen cases, one file each."""
    out.mkdir(parents=True, exist_ok=True)
    fits.mkdir(parents=True, exist_ok=True)
    for name, case in CASES.items():
        if not fnmatch.fnmatch(name, only):
            continue
        started = time.monotonic()
        parts = []
        try:
            for heading, text in case(fits):
                parts.append(f"=== {heading}\n{masked(text)}")
        # A case that breaks off is a difference like any other.
        except Exception as error:  # noqa: BLE001
            parts.append(f"=== broken off\n{type(error).__name__}: {error}")
            print(f"{name} broke off: {error!r}", file=sys.stderr)
        text = "\n".join(parts).encode("utf-8", "backslashreplace").decode()
        (out / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {len(parts)} parts, {time.monotonic() - started:.1f} s", file=sys.stderr)


def difference(old: Path, new: Path, only: str) -> int:
    """Print what differs between two records; 1 if something does."""
    names = sorted({path.stem for folder in (old, new) for path in folder.glob("*.txt")})
    changed = 0
    for name in fnmatch.filter(names, only):
        before, after = ((folder / f"{name}.txt") for folder in (old, new))
        if not before.exists() or not after.exists():
            print(f"##### {name}: only in {old if before.exists() else new}")
            continue
        lines = unlike(before.read_text("utf-8").split("\n"), after.read_text("utf-8").split("\n"))
        if lines:
            changed += 1
            print(f"\n##### {name}")
            print("\n".join(lines))
    return 1 if changed else 0


def unlike(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """A unified diff with the heading of each change; lines that say the same within rounding are equal."""
    aligned = list(new)
    matcher = difflib.SequenceMatcher(None, [shape_of(line) for line in old], [shape_of(line) for line in new], False)
    for i, j, size in matcher.get_matching_blocks():
        for k in range(size):
            if close(old[i + k], new[j + k]):
                aligned[j + k] = old[i + k]
    found, heading = [], ""
    for line in difflib.unified_diff(old, aligned, lineterm="", n=10**9):
        if line.startswith(("---", "+++", "@@")):
            continue
        if line.startswith(" === "):
            heading = line[1:]
        elif not line.startswith(" "):
            if heading:
                found.append(heading)
                heading = ""
            found.append(line if len(line) <= 2000 else line[:2000] + "…")
    return found


if __name__ == "__main__":
    sys.exit(main())
