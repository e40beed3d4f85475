"""Rivals: estimators of the same question from the measured columns alone, without a latent variable model."""

from __future__ import annotations

from .arithmetic import linearised
from .back_door import Aipw, GFormula, Ipw, NaiveMean, NaiveRegression, Tmle
from .checks import checked_names
from .dml import DmlId
from .estimate import Estimate
from .learners import AbstractLearner, Auto, Boosted, Foreign, Glm, Models
from .method import AbstractMethod
from .needed import needed_columns
from .nested import NestedAipw, NestedIpw, WermId
from .options import Options
from .plug_in import PlugIn
from .primal import Apipw, Dipw, Pipw
from .rivals import all_methods, estimates

__all__ = [
    "AbstractLearner",
    "AbstractMethod",
    "Aipw",
    "Apipw",
    "Auto",
    "Boosted",
    "Dipw",
    "DmlId",
    "Estimate",
    "Foreign",
    "GFormula",
    "Glm",
    "Ipw",
    "Models",
    "NaiveMean",
    "NaiveRegression",
    "NestedAipw",
    "NestedIpw",
    "Options",
    "Pipw",
    "PlugIn",
    "Tmle",
    "WermId",
    "all_methods",
    "checked_names",
    "estimates",
    "linearised",
    "needed_columns",
]
