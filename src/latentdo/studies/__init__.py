"""The built-in studies: model, questions, published and true answers, and data drawn from the truth."""

from __future__ import annotations

from .registry import STUDIES, simulate, study
from .study import PopulationValue, Study

__all__ = ["STUDIES", "PopulationValue", "Study", "simulate", "study"]
