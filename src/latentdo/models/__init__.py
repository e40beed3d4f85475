"""How each node is generated: families, mechanisms, priors and specs, as data.

`study` (YAML) and `build` (densities and samplers) are entered by their own names, so that a spec never pays for them.
"""

from .column import ColumnSummary
from .family import FAMILIES, AbstractFamily, Bernoulli, Constant, Gamma, Hill, Linear, Normal
from .mechanism import Belief, Mechanism, Sign, Weight, shown
from .prior import Prior, plain
from .spec import ModelSpec
from .variant import Variant, Varied, vary

__all__ = [
    "FAMILIES",
    "AbstractFamily",
    "Belief",
    "Bernoulli",
    "ColumnSummary",
    "Constant",
    "Gamma",
    "Hill",
    "Linear",
    "Mechanism",
    "ModelSpec",
    "Normal",
    "Prior",
    "Sign",
    "Variant",
    "Varied",
    "Weight",
    "plain",
    "shown",
    "vary",
]
