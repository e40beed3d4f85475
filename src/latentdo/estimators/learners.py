"""Which learner fits which conditional law."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from latentdo import arguments
from latentdo.errors import QueryError, nearest
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
            and there are rows enough for each combination, else squares and products one by one, all, or none, by
            Schwarz's criterion (BIC).
        penalty: What the square of a coefficient costs, in rows: a column's terms have standard deviation one. Of
            frequencies the rows that are added, in the proportions of the whole table. None: 0.1, and where a model has
            more terms than a third of the rows what predicts rows best that were left out,
            save of the treatment's own term.
    """

    degree: Degree | None = None
    penalty: float | None = None

    def __post_init__(self) -> None:
        if self.degree not in (None, 1, 2, "cells") or isinstance(self.degree, bool):
            raise QueryError(
                f'Glm(degree=…) takes 1, 2, "cells" or None, got {self.degree!r}. None lets the rows decide.'
            )
        if self.penalty is not None:
            repair = "It is what the square of a coefficient costs, in rows; None is usual."
            penalty = arguments.number("Glm(penalty=…)", self.penalty, QueryError, least=0, repair=repair)
            object.__setattr__(self, "penalty", penalty)

    @property
    def least_penalty(self) -> float:
        """The penalty of models with rows enough for their terms."""
        return PENALTY if self.penalty is None else self.penalty


_MOST = 100_000


@dataclass(frozen=True)
class Boosted(AbstractLearner):
    """Gradient-boosted trees on binned columns (scikit-learn), for thousands of rows and surfaces that are not smooth."""

    trees: int = 150
    rate: float = 0.08
    leaves: int = 15
    rows_per_leaf: int = 40

    def __post_init__(self) -> None:
        for option, least, usual in (("trees", 1, 150), ("leaves", 2, 15), ("rows_per_leaf", 1, 40)):
            what, repair = f"Boosted({option}=…)", f"{usual} are usual."
            value = arguments.whole(what, getattr(self, option), QueryError, least=least, cap=_MOST, repair=repair)
            object.__setattr__(self, option, value)
        rate = arguments.number("Boosted(rate=…)", self.rate, QueryError, above=0, repair="0.08 is usual.")
        object.__setattr__(self, "rate", rate)


@dataclass(frozen=True)
class Auto(AbstractLearner):
    """The linear models, or from 5000 rows boosted trees where these predict a quarter of the rows clearly better."""


@dataclass(frozen=True)
class Foreign(AbstractLearner):
    """Your own learners with the interface of scikit-learn, cloned before each fit.

    Attributes:
        classifier: For columns with levels; needs `fit(X, y)`, `classes_` and `predict_proba`.
        regressor: For continuous columns; needs `fit(X, y)` and `predict`. Where `fit` takes `sample_weight`, rows have
            weights; otherwise they are drawn.
    """

    classifier: Any = None
    regressor: Any = None

    def __post_init__(self) -> None:
        for option, model, method in (
            ("classifier", self.classifier, "predict_proba"),
            ("regressor", self.regressor, "predict"),
        ):
            if model is None:
                continue
            if isinstance(model, type):
                raise QueryError(
                    f"Foreign({option}=…) takes an instance, got the class {model.__name__}. Write {model.__name__}()."
                )
            if lacks := [name for name in ("fit", method) if not callable(getattr(model, name, None))]:
                repair = (
                    "Wrap it in sklearn.calibration.CalibratedClassifierCV, or take a classifier that gives probabilities."
                    if option == "classifier" and hasattr(model, "fit")
                    else "It takes an estimator with the interface of scikit-learn."
                )
                raise QueryError(f"Foreign({option}=…): {model!r} has no method {' and no '.join(lacks)}. {repair}")
        if self.regressor is not None and _is_classifier(self.regressor):
            raise QueryError(
                f"Foreign(regressor=…): {self.regressor!r} is a classifier. Write Foreign(classifier=…), or give a regressor."
            )
        if self.classifier is None and self.regressor is None:
            raise QueryError("Foreign() holds no learner. Write Foreign(classifier=…), Foreign(regressor=…) or both.")


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

    def __post_init__(self) -> None:
        """Checks all values; estimators of scikit-learn are wrapped."""
        put = object.__setattr__
        put(self, "learner", learner_of(self.learner, "models"))
        for option in ("own", "seen"):
            if not isinstance(getattr(self, option), Mapping):
                raise QueryError(
                    f"Models({option}=…) takes a dict from names of columns, got {getattr(self, option)!r}. Write "
                    f"{{'Y': {'Glm(degree=1)' if option == 'own' else '(' + repr('X') + ',)'}}}."
                )
        put(self, "own", {name: learner_of(value, f"own={{{name!r}: …}}") for name, value in self.own.items()})
        repair = "Write {'Y': ('X',)}."
        seen = {
            name: arguments.names(f"seen={{{name!r}: …}}", value, QueryError, repair)
            for name, value in self.seen.items()
        }
        put(self, "seen", seen)

    def check(self, measured: Collection[Name]) -> None:
        """Raise unless every name is that of a measured node.

        Raises:
            QueryError: One is not; says which is nearest.
        """
        for option, named in (("own", self.own), ("seen", self.seen)):
            for name in (*named, *(inner for names in self.seen.values() for inner in names if option == "seen")):
                if name not in measured:
                    hint = nearest(str(name), measured)
                    raise QueryError(f"Models({option}=…): {name!r} is no measured node of the graph. {hint}")


def learner_of(value: Any, where: str) -> AbstractLearner:
    """The learner itself, or one around an estimator of scikit-learn.

    Raises:
        QueryError: It is neither.
    """
    if isinstance(value, AbstractLearner):
        return value
    if hasattr(value, "fit") and not isinstance(value, type):
        if hasattr(value, "predict_proba"):
            return Foreign(classifier=value)
        if _is_classifier(value):
            raise QueryError(
                f"{where}: {value!r} is a classifier without predict_proba. Wrap it in "
                "sklearn.calibration.CalibratedClassifierCV."
            )
        if hasattr(value, "predict"):
            return Foreign(regressor=value)
    if isinstance(value, type):
        raise QueryError(f"{where} takes an instance, got the class {value.__name__}. Write {value.__name__}().")
    raise QueryError(
        f"{where} takes a learner such as types.Boosted(), types.Models(…), or an estimator with the methods fit and predict, "
        f"got {value!r}."
    )


def _is_classifier(value: Any) -> bool:
    """Whether scikit-learn calls it a classifier; its own rule, for estimators of any version."""
    if getattr(value, "_estimator_type", None) is not None:
        return value._estimator_type == "classifier"
    if not hasattr(value, "get_params"):
        return False
    from sklearn.base import is_classifier

    return bool(is_classifier(value))
