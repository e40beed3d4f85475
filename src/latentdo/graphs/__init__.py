"""Who causes whom: graphs, their notation, projection, separation and surgery."""

from __future__ import annotations

from .admg import Admg
from .bitset import Mask, Masks, bits, components, reach
from .checks import Name
from .dag import LatentDag
from .projection import project
from .separation import connected, m_separated
from .surgery import mutilate

__all__ = [
    "Admg",
    "LatentDag",
    "Mask",
    "Masks",
    "Name",
    "bits",
    "components",
    "connected",
    "m_separated",
    "mutilate",
    "project",
    "reach",
]
