"""The families, one file each; importing them registers them with the model language, in this order."""

from .normal import Normal  # isort: skip
from .student import Student  # isort: skip
from .bernoulli import Bernoulli  # isort: skip
from .categorical import Categorical  # isort: skip
from .gamma import Gamma  # isort: skip
from .poisson import Poisson  # isort: skip
from .hill import Hill  # isort: skip
from .linear import Linear  # isort: skip
from .table import Table  # isort: skip
from .constant import Constant  # isort: skip

__all__ = [
    "BUILT_IN",
    "Bernoulli",
    "Categorical",
    "Constant",
    "Gamma",
    "Hill",
    "Linear",
    "Normal",
    "Poisson",
    "Student",
    "Table",
]

BUILT_IN = frozenset({"normal", "student", "bernoulli", "categorical", "table", "gamma", "poisson", "hill", "linear"})
"""The families whose default priors are those that the reference states."""
