"""Which learner fits which conditional law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latentdo.graphs import Name

from .features import PENALTY, Degree


class AbstractLearner:
    """How a conditional law is fitted."""


@dataclass(frozen=True)
class Glm(AbstractLearner):
    """Penalised generalised linear models: least squares, logistic, multinomial logistic.

    Attributes:
        degree: 1: one term per column; 2: with squares and products; `cells`: one parameter for each combination of
            levels, relative frequencies where the target has levels; None: cells where all that is given has levels
            and there are rows enough for each combination, else 1 or 2 by Schwarz's criterion (BIC).
        penalty: What the square of a coefficient costs, in rows: a column's terms have standard deviation one. Of
            frequencies the rows that are added, in the proportions of the whole table. None: 0.1, and where a model has
            more terms than a third of the rows what predicts rows best that were left out,
            save of the treatment's own term.
    """

    degree: Degree | None = None
    penalty: float | None = None

    @property
    def least_penalty(self) -> float:
        """The penalty of models with rows enough for their terms."""
        return PENALTY if self.penalty is None else self.penalty


@dataclass(frozen=True)
class Boosted(AbstractLearner):
    """Gradient-boosted trees on binned columns (scikit-learn), for thousands of rows and surfaces that are not smooth."""

    trees: int = 150
    rate: float = 0.08
    leaves: int = 15
    rows_per_leaf: int = 40


@dataclass(frozen=True)
class Auto(AbstractLearner):
    """The linear models, or from 5000 rows boosted trees where these predict a quarter of the rows clearly better."""


@dataclass(frozen=True)
class Foreign(AbstractLearner):
    """Your own learners with the interface of scikit-learn, cloned before each fit.

    Attributes:
        classifier: For columns with levels; needs `fit(X, y, sample_weight)` and `predict_proba`.
        regressor: For continuous columns; needs `fit(X, y, sample_weight)` and `predict`.
    """

    classifier: Any = None
    regressor: Any = None


@dataclass(frozen=True)
class Models:
    """Which learners are used.

    Attributes:
        learner: For every column that `own` does not name.
        own: The learner of single columns.
        seen: What the model of a column is a function of, in place of all that it should be: to see what a wrong model
            does.
        normal: Whether residuals are normal with one standard deviation, instead of what the data prefer.
    """

    learner: AbstractLearner = Glm()
    own: Mapping[Name, AbstractLearner] = field(default_factory=dict)
    seen: Mapping[Name, tuple[Name, ...]] = field(default_factory=dict)
    normal: bool = False
