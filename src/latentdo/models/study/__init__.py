"""The study file: a model with its data, priors, engine and queries. It has a door of its own, as it needs YAML."""

from ..document import plain, read_document
from .form import engine_names, method_names
from .reading import load_study
from .settings import ARGUMENTS, InferenceSettings, arguments_of
from .study import Study, unaskable
from .table import StudyTable

__all__ = [
    "ARGUMENTS",
    "InferenceSettings",
    "Study",
    "StudyTable",
    "arguments_of",
    "engine_names",
    "load_study",
    "method_names",
    "plain",
    "read_document",
    "unaskable",
]
