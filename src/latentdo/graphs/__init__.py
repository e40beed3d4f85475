"""Who causes whom: graphs, their notation, projection, separation and surgery."""

from __future__ import annotations

from .admg import Admg
from .checks import Name
from .dag import LatentDag
from .projection import project
from .separation import m_separated
from .surgery import mutilate

__all__ = ["Admg", "LatentDag", "Name", "m_separated", "mutilate", "project"]
