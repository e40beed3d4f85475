"""What users hand to the verbs, as values: a path, a text, a study or a fit in place of a model; a table; an engine; a seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from latentdo.errors import SpecError, StudyError
from latentdo.graphs import Admg, LatentDag, MechanismStatement, Name, is_fit_path, is_study_path, parse_statements

if TYPE_CHECKING:
    from latentdo.inference import Dataset, Engine
    from latentdo.models import ModelSpec
    from latentdo.models.study import Study

MAX_SEED = 2**32 - 1


def value_of(source: Any) -> Any:
    """The study or the fit that a path names; whatever is no path as it is."""
    if not isinstance(source, str | Path):
        return source
    if is_fit_path(str(source)):
        from latentdo.inference import read_archive

        return read_archive(Path(source))
    if isinstance(source, Path) or is_study_path(source):
        from latentdo.models.study import load_study

        return load_study(source)
    return source


def graph_of(model: Any) -> tuple[LatentDag | Admg, dict[Name, tuple[Name, ...]]]:
    """The graph, and the nodes that the model declares to be functions of their parents."""
    from latentdo.io import read_graph

    if isinstance(model, LatentDag | Admg):
        return model, {}
    if isinstance(model, str):
        read = read_graph(model)
        if not _states_mechanisms(model):
            return read, {}
        # A model's families and options are checked too: a verdict on a text that could not be trained would mislead.
        spec = model_of(model)
        return spec.graph, spec.functional
    if (spec := spec_of(model)) is not None:
        return spec.graph, dict(getattr(model, "functional", spec.functional))
    return read_graph(model), {}


def spec_of(value: Any) -> ModelSpec | None:
    """The model that a value is or has: a study is told by its model and a fit by its spec, without loading YAML or NumPy."""
    from latentdo.models import ModelSpec

    found = (value, getattr(value, "model", None), getattr(value, "spec", None))
    return next((each for each in found if isinstance(each, ModelSpec)), None)


def _states_mechanisms(text: str) -> bool:
    from latentdo.io import is_dagitty

    return not is_dagitty(text) and any(
        isinstance(statement, MechanismStatement) for statement in parse_statements(text)
    )


def model_of(text: Any) -> ModelSpec:
    """The model that a text states, or the model itself.

    Raises:
        SpecError: It is neither.
    """
    from latentdo.models import ModelSpec

    if isinstance(text, ModelSpec):
        return text
    if not isinstance(text, str):
        raise SpecError(f"A model is a text such as 'X ~ normal; Y ~ normal(X)', got {type(text).__name__}.")
    return ModelSpec.parse(text)


def study_of(model: Any) -> Study:
    """The study, or one around a model or its text."""
    from latentdo.models.study import Study

    opened = value_of(model)
    return opened if isinstance(opened, Study) else Study("model", model_of(opened))


def rows_of(spec: ModelSpec, data: Any, study: Study) -> Dataset:
    """The rows that a model is trained on: of the table given, or else of the one that the study names.

    Raises:
        StudyError: There is neither.
        DataError: The table cannot have come from the model.
    """
    from latentdo.io import read_table

    source = study.data if data is None else data
    if source is None:
        raise StudyError("There is no data: give a table or a path, or name one under `data:` in the study.", "data")
    rows = read_table(source, spec.measured, spec.latent, spec.levels)
    if study.units:
        from latentdo.inference import levelled
        from latentdo.models import checked_units

        # Only the column may tell that levels are names, which have no unit.
        checked_units(levelled(spec, rows), dict(study.units))
    return rows


def engine_of(study: Study) -> Engine:
    """The engine that a study names, with its arguments; raises `FitError` where they make no sense."""
    return _engines()[study.inference.engine](**study.inference.arguments)


def checked_engine(engine: Any) -> Engine:
    """The engine, once it is sure to be one.

    Raises:
        SpecError: It is none.
    """
    if isinstance(engine, tuple(_engines().values())):
        return engine
    raise SpecError(f"An engine is a value such as ld.Auto() or ld.Nuts(draws=1000), got {engine!r}.")


def _engines() -> dict[str, type[Engine]]:
    """The engines by the names that studies give them."""
    from latentdo.inference import Auto, Laplace, Map, Nuts, Svi

    return {"auto": Auto, "nuts": Nuts, "svi": Svi, "laplace": Laplace, "map": Map}


def checked_seed(seed: Any) -> int:
    """The seed as a number.

    Raises:
        SpecError: It is no whole number, or out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, SupportsIndex) or not 0 <= seed.__index__() <= MAX_SEED:
        raise SpecError(f"A seed is a whole number from 0 to {MAX_SEED}, got {seed!r}.")
    return seed.__index__()
