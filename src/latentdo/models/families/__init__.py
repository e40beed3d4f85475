"""The families, one file each; importing them registers them with the model language, in this order."""

from .normal import Normal  # isort: skip
from .student import Student  # isort: skip
from .bernoulli import Bernoulli  # isort: skip
from .categorical import Categorical  # isort: skip
from .ordinal import Ordinal  # isort: skip
from .gamma import Gamma  # isort: skip
from .lognormal import LogNormal  # isort: skip
from .beta import Beta  # isort: skip
from .poisson import Poisson  # isort: skip
from .negbin import NegBin  # isort: skip
from .hill import Hill  # isort: skip
from .linear import Linear  # isort: skip
from .table import Table  # isort: skip
from .constant import Constant  # isort: skip
from .counts import AbstractCounts

__all__ = [
    "BUILT_IN",
    "AbstractCounts",
    "Bernoulli",
    "Beta",
    "Categorical",
    "Constant",
    "Gamma",
    "Hill",
    "Linear",
    "LogNormal",
    "NegBin",
    "Normal",
    "Ordinal",
    "Poisson",
    "Student",
    "Table",
]

BUILT_IN = frozenset(
    {
        "normal", "student", "bernoulli", "categorical", "ordinal", "gamma", "lognormal", "beta", "poisson", "negbin", "hill",
        "linear", "table",
    }
)  # fmt: skip
"""The families whose default priors are those that the reference states."""
