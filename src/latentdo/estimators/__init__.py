"""Rivals: estimators of the same question from the measured columns alone, without a latent variable model."""

from __future__ import annotations

from .adjusting import needed_columns
from .arithmetic import bootstrap_interval, is_positive_ratio, linearised
from .instrumental import instrument_columns, with_instrument
from .laws import AbstractLaw
from .learners import AbstractLearner, Auto, Boosted, Foreign, Glm, Models
from .method import AbstractMethod, Estimate, Fits, No, Result, Yes, register, same_note, turned_over
from .methods import all_methods, baselines
from .methods.adjustment import Aipw, GFormula, Ipw, Tmle
from .methods.dml import DmlId
from .methods.naive import NaiveMean, NaiveRegression
from .methods.nested import NestedAipw, NestedIpw, WermId
from .methods.plug_in import PlugIn
from .methods.primal import Apipw, Dipw, Pipw
from .one_step import Influence, influence_under, sets_of_influence, size_of_influence, tasks_of, why_no_influence
from .options import Options
from .rivals import estimates, moves_of
from .sample import Column, Sample, sample_of
from .task import Task

__all__ = [
    "AbstractLaw",
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
    "Influence",
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
    "bootstrap_interval",
    "estimates",
    "influence_under",
    "instrument_columns",
    "is_positive_ratio",
    "linearised",
    "moves_of",
    "needed_columns",
    "register",
    "same_note",
    "sample_of",
    "sets_of_influence",
    "size_of_influence",
    "tasks_of",
    "turned_over",
    "why_no_influence",
    "with_instrument",
]
