"""How each node is generated: families, mechanisms, priors and specs, as data.

`study` (YAML) and `build` (arithmetic in NumPy) are entered by their own names, so that a spec never pays for them.
"""

from .arithmetic import Arithmetic
from .check_settings import CheckSettings
from .column import ColumnSummary
from .families import (
    BUILT_IN,
    AbstractCounts,
    Bernoulli,
    Beta,
    Categorical,
    Constant,
    Gamma,
    Hill,
    Linear,
    LogNormal,
    NegBin,
    Normal,
    Ordinal,
    Poisson,
    Student,
    Table,
)
from .family import AbstractFamily, Default, Level
from .levels import MAX_LEVELS, listed, named
from .mechanism import Belief, Mechanism, Predictor, Sign, Spread, Weight, shown
from .prior import Prior, plain
from .registry import FAMILIES, family_named, register
from .shape import FEWEST_KNOTS, AbstractShape, Log, Power, Spline
from .spec import ModelSpec
from .spreading import Spreading, varying
from .units import Units, checked_units
from .variant import Variant, Varied, vary

__all__ = [
    "BUILT_IN",
    "FAMILIES",
    "FEWEST_KNOTS",
    "MAX_LEVELS",
    "AbstractCounts",
    "AbstractFamily",
    "AbstractShape",
    "Arithmetic",
    "Belief",
    "Bernoulli",
    "Beta",
    "Categorical",
    "CheckSettings",
    "ColumnSummary",
    "Constant",
    "Default",
    "Gamma",
    "Hill",
    "Level",
    "Linear",
    "Log",
    "LogNormal",
    "Mechanism",
    "ModelSpec",
    "NegBin",
    "Normal",
    "Ordinal",
    "Poisson",
    "Power",
    "Predictor",
    "Prior",
    "Sign",
    "Spline",
    "Spread",
    "Spreading",
    "Student",
    "Table",
    "Units",
    "Variant",
    "Varied",
    "Weight",
    "checked_units",
    "family_named",
    "listed",
    "named",
    "plain",
    "register",
    "shown",
    "vary",
    "varying",
]
