"""Rivals: estimators of the same question from the measured columns alone, without a latent variable model."""

from __future__ import annotations

from .back_door import Aipw, GFormula, Ipw, NaiveMean, NaiveRegression, Tmle
from .estimate import Estimate
from .method import AbstractMethod
from .nuisances import AbstractLearner, Auto, Boosted, Foreign, Glm, Models
from .primal import Apipw, Dipw, Pipw
from .rivals import Options, all_methods, estimates

__all__ = [
    "AbstractLearner",
    "AbstractMethod",
    "Aipw",
    "Apipw",
    "Auto",
    "Boosted",
    "Dipw",
    "Estimate",
    "Foreign",
    "GFormula",
    "Glm",
    "Ipw",
    "Models",
    "NaiveMean",
    "NaiveRegression",
    "Options",
    "Pipw",
    "Tmle",
    "all_methods",
    "estimates",
]
