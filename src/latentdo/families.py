"""The families a node can have, as classes; the model language names them in lower case.

A family of one's own derives from `AbstractFamily` and is made known by `register`.
"""

from __future__ import annotations

from latentdo.models import (
    AbstractFamily,
    Arithmetic,
    Bernoulli,
    Beta,
    Categorical,
    ColumnSummary,
    Default,
    Gamma,
    Hill,
    Linear,
    LogNormal,
    NegBin,
    Normal,
    Ordinal,
    Poisson,
    Prior,
    Student,
    Table,
    register,
)

__all__ = [
    "AbstractFamily",
    "Arithmetic",
    "Bernoulli",
    "Beta",
    "Categorical",
    "ColumnSummary",
    "Default",
    "Gamma",
    "Hill",
    "Linear",
    "LogNormal",
    "NegBin",
    "Normal",
    "Ordinal",
    "Poisson",
    "Prior",
    "Student",
    "Table",
    "register",
]
