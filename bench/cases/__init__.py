"""The four published studies and some smaller problems: model text, questions, true answers, and data drawn from the truth."""

from __future__ import annotations

from .binary_front_door import BINARY_FRONT_DOOR
from .case import Case, Rows
from .covid import COVID
from .multicause import MULTICAUSE
from .multicause_strong import MULTICAUSE_STRONG
from .napkin import NAPKIN
from .plain import FRONT_DOOR, LATENT_CLASS, NETWORK
from .signaling import SIGNALING

STUDIES = {case.name: case for case in (SIGNALING, NAPKIN, MULTICAUSE, COVID)}
CASES = STUDIES | {case.name: case for case in (FRONT_DOOR, LATENT_CLASS, NETWORK)}
COVERED = {case.name: case for case in (FRONT_DOOR, BINARY_FRONT_DOOR, MULTICAUSE_STRONG, NAPKIN)}

__all__ = [
    "BINARY_FRONT_DOOR",
    "CASES",
    "COVERED",
    "COVID",
    "FRONT_DOOR",
    "LATENT_CLASS",
    "MULTICAUSE",
    "MULTICAUSE_STRONG",
    "NAPKIN",
    "NETWORK",
    "SIGNALING",
    "STUDIES",
    "Case",
    "Rows",
]
