"""The four published studies: model text, questions, true answers, and data drawn from the truth."""

from __future__ import annotations

from .case import Case, Rows
from .covid import COVID
from .multicause import MULTICAUSE
from .napkin import NAPKIN
from .plain import FRONT_DOOR, LATENT_CLASS, NETWORK
from .signaling import SIGNALING

STUDIES = {case.name: case for case in (SIGNALING, NAPKIN, MULTICAUSE, COVID)}
CASES = STUDIES | {case.name: case for case in (FRONT_DOOR, LATENT_CLASS, NETWORK)}

__all__ = [
    "CASES",
    "COVID",
    "FRONT_DOOR",
    "LATENT_CLASS",
    "MULTICAUSE",
    "NAPKIN",
    "NETWORK",
    "SIGNALING",
    "STUDIES",
    "Case",
    "Rows",
]
