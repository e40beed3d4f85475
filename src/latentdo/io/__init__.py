"""Foreign formats ↔ values: tables in, tables out."""

from __future__ import annotations

from .sources import is_path
from .table import Table
from .tables import read_table

__all__ = ["Table", "is_path", "read_table"]
