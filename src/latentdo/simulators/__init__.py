"""The built-in studies: a model, its questions, their true answers and a simulator each."""

from .built_in import PopulationValue, Progress, Study
from .registry import STUDIES, held_of, simulate, study

__all__ = ["STUDIES", "PopulationValue", "Progress", "Study", "held_of", "simulate", "study"]
