"""Rivals: estimators of the same question from the measured columns alone, without a latent variable model."""

from __future__ import annotations

from .adjusting import needed_columns
from .arithmetic import linearised
from .instrumental import instrument_columns, with_instrument
from .learners import AbstractLearner, Auto, Boosted, Foreign, Glm, Models
from .method import AbstractMethod, Estimate, Fits, No, Result, Yes, register, same_note
from .methods import all_methods, baselines
from .methods.adjustment import Aipw, GFormula, Ipw, Tmle
from .methods.dml import DmlId
from .methods.naive import NaiveMean, NaiveRegression
from .methods.nested import NestedAipw, NestedIpw, WermId
from .methods.plug_in import PlugIn
from .methods.primal import Apipw, Dipw, Pipw
from .options import Options
from .rivals import estimates, moves_of
from .sample import Column, Sample, sample_of
from .task import Task

__all__ = [
    "AbstractLearner",
    "AbstractMethod",
    "Aipw",
    "Apipw",
    "Auto",
    "Boosted",
    "Column",
    "Dipw",
    "DmlId",
    "Estimate",
    "Fits",
    "Foreign",
    "GFormula",
    "Glm",
    "Ipw",
    "Models",
    "NaiveMean",
    "NaiveRegression",
    "NestedAipw",
    "NestedIpw",
    "No",
    "Options",
    "Pipw",
    "PlugIn",
    "Result",
    "Sample",
    "Task",
    "Tmle",
    "WermId",
    "Yes",
    "all_methods",
    "baselines",
    "estimates",
    "instrument_columns",
    "linearised",
    "moves_of",
    "needed_columns",
    "register",
    "same_note",
    "sample_of",
    "with_instrument",
]
