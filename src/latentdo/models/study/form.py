"""The form of a study file: its keys, what may stand under each, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from latentdo import extensions
from latentdo.errors import nearest

from ..check_settings import CheckSettings
from .shape import Misfit, Says, Shape, schema, shaped

EngineName = Literal["auto", "nuts", "svi", "laplace", "map"]
GuideName = Literal["full-rank", "low-rank", "amortised"]
MethodName = Literal[
    "lvm", "lvm, corrected", "naive mean", "naive regression", "plug-in", "g-formula", "ipw", "aipw", "tmle",
    "pipw", "dipw", "apipw", "nested ipw", "nested aipw", "werm-id", "dml-id",
]  # fmt: skip
ENGINES: tuple[str, ...] = get_args(EngineName)
GUIDES: tuple[str, ...] = get_args(GuideName)
METHODS: tuple[str, ...] = get_args(MethodName)
"""The methods of comparison that come with latentdo."""
MissingName = Literal["latent", "drop"]
ONE_PER_LINE = "Write one query per line: `- E[Y | do(X=1)]`, or `name: E[Y | do(X=1)]`."

_Names = Annotated[list[str], Says(least=1)]


def engine_names() -> tuple[str, ...]:
    """The engines that are known: those of latentdo, then those of users."""
    return tuple(dict.fromkeys((*ENGINES, *extensions.ENGINES)))


def method_names() -> tuple[str, ...]:
    """The methods of comparison that are known, likewise."""
    return tuple(dict.fromkeys((*METHODS, *extensions.ESTIMATORS)))


def own_arguments(engine: object) -> tuple[str, ...]:
    """The arguments of a user's engine; none of those of latentdo, which the form has."""
    if not isinstance(engine, str) or engine in ENGINES or engine not in extensions.ENGINES:
        return ()
    return extensions.ENGINES[engine].arguments()


def _offered(names: tuple[str, ...], what: str) -> tuple[tuple[str, Any], ...]:
    """For the schema: names that editors offer, beside which there may be others."""
    return (("anyOf", [{"enum": list(names)}, {"type": "string", "description": f"{what} of your own."}]),)


def _no_guide(name: str) -> str:
    return f"no guide is called {name!r}. {nearest(name, GUIDES)}"


def _no_way(name: str) -> str:
    known = " or ".join(get_args(MissingName))
    return f"{name!r} is no way to treat missing cells: write {known}, or remove the line."


@dataclass(frozen=True)
class InferenceForm(Shape):
    """How to train: an engine and its arguments."""

    engine: Annotated[str, Says(schema=_offered(ENGINES, "An engine"))] = "auto"
    max_steps: (
        Annotated[int, Says("Most transitions per chain of a block, for auto.", least=200, most=100_000_000)] | None
    ) = None
    draws: Annotated[int, Says("Kept draws, per chain of nuts.", least=4, most=1_000_000)] | None = None
    warmup: Annotated[int, Says("Draws per chain that adapt the sampler.", least=1, most=1_000_000)] | None = None
    chains: Annotated[int, Says("Chains side by side.", least=1, most=1000)] | None = None
    steps: Annotated[int, Says("Optimiser steps.", least=1, most=100_000_000)] | None = None
    guide: Annotated[GuideName, Says("Laws that svi chooses from.", refused=_no_guide)] | None = None
    rank: Annotated[int, Says("Directions of the low-rank guide.", least=1, most=1000)] | None = None
    batch: Annotated[int, Says("Rows per optimiser step; all, unless many.", least=1, most=100_000_000)] | None = None
    learning_rate: Annotated[float, Says("Of the optimiser.", above=0, most=1)] | None = None

    @classmethod
    def known(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Its keys, and the arguments of an engine of the user's own."""
        return (*super().known(values), *own_arguments(values.get("engine")))


@dataclass(frozen=True)
class VariantForm(Shape):
    """Another latent structure for the same data."""

    drop: Annotated[list[str], Says("Nodes to leave out.", least=1)] | None = None
    merge: Annotated[dict[str, _Names], Says("New latent: the latents it replaces.", least=1)] | None = None
    split: Annotated[dict[str, _Names], Says("Latent: the latents that replace it.", least=1)] | None = None
    hide: Annotated[list[str], Says("Measured nodes to make latent.", least=1)] | None = None
    latents: (
        Annotated[
            dict[str, Annotated[int, Says(least=1, most=1000)]],
            Says("A <-> B: how many latents stand behind it.", least=1),
        ]
        | None
    ) = None


@dataclass(frozen=True)
class TableForm(Shape):
    """A table of several, with the nodes that were set in its rows."""

    file: Annotated[str, Says("The table's path, from the study file.", least=1)]
    do: Annotated[list[str], Says("Nodes that were set in every row.", least=1)] | None = None
    do_column: Annotated[str, Says("A column that names the nodes that were set in each row.", least=1)] | None = None


@dataclass(frozen=True)
class CheckForm(Shape):
    """How the fit is set against its rows."""

    tolerance: (
        Annotated[float, Says("By how much an answer may move before that matters, in its units.", above=0)] | None
    ) = None


def settings_of(form: bool | CheckForm | None) -> CheckSettings | None:
    """What a study file says under `check:`; None where it says nothing."""
    match form:
        case bool() as run:
            return CheckSettings(run)
        case CheckForm(tolerance=tolerance):
            return CheckSettings(tolerance=None if tolerance is None else float(tolerance))
        case _:
            return None


_Path = Annotated[str, Says(least=1)]


@dataclass(frozen=True)
class StudyForm(Shape):
    """A latentdo study: a model, and what to do with it."""

    model: Annotated[str, Says("The model, in the model language; written as a block: `model: |`.")]
    data: (
        Annotated[
            _Path | Annotated[list[_Path | TableForm], Says(least=1)] | TableForm,
            Says("The table's path, from the study file; or tables, some of them from experiments."),
        ]
        | None
    ) = None
    missing: (
        Annotated[MissingName, Says("Missing cells: averaged over, or their rows left out.", refused=_no_way)] | None
    ) = None
    priors: (
        Annotated[
            dict[str, float | str],
            Says("weight, sd(Y) or X -> Y: a prior such as normal(0, 1), or a fixed number."),
        ]
        | None
    ) = None
    units: Annotated[dict[str, str], Says("Measured node: what it is measured in, such as mmHg.")] | None = None
    inference: InferenceForm | None = None
    queries: (
        Annotated[dict[str, str] | list[str], Says("Queries by name, or a list of queries.", instead=ONE_PER_LINE)]
        | None
    ) = None
    variants: Annotated[dict[str, VariantForm], Says("Variants by name.")] | None = None
    compare: (
        Annotated[
            list[Annotated[str, Says(schema=_offered(METHODS, "An estimator"))]],
            Says("Rivals to show beside the model."),
        ]
        | None
    ) = None
    check: Annotated[bool | CheckForm, Says("Whether a fit is set against its rows, and how.")] | None = None


def study_schema() -> dict[str, Any]:
    """The JSON Schema of a study file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "latentdo study", **schema(StudyForm)}


def fit_form(values: dict[str, Any]) -> tuple[StudyForm, dict[str, Any]]:
    """The values of a study file in their form, and the arguments of an engine of the user's own, which have none.

    Raises:
        Misfit: At the first departure.
    """
    values, own = _apart(values)
    form = shaped(values, StudyForm)
    for i, method in enumerate(form.compare or ()):
        if method not in (known := method_names()):
            raise Misfit(("compare", i), extensions.unknown("method", method, known, extensions.ESTIMATORS))
    return form, own


def _apart(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values without what only an engine of the user's own understands, and that; the engine has to be known for it."""
    inference = values.get("inference")
    if not isinstance(inference, dict):
        return values, {}
    engine, known = inference.get("engine"), engine_names()
    if isinstance(engine, str) and engine not in known:
        raise Misfit(("inference", "engine"), extensions.unknown("engine", engine, known, extensions.ENGINES))
    names = own_arguments(engine)
    own = {name: value for name, value in inference.items() if name in names}
    rest = {name: value for name, value in inference.items() if name not in names}
    return {**values, "inference": rest}, own
