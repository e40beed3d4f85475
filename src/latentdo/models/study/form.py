"""The form of a study file as types: what msgspec checks, and where its JSON Schema comes from."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from latentdo import extensions
from latentdo.errors import nearest

from ..check_settings import CheckSettings

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

_Names = Annotated[list[str], Meta(min_length=1)]
_LOCATED = re.compile(r"(?P<problem>.*) - at `\$(?P<path>(?:\.\w+|\[(?:\d+|\.\.\.)\])*)`", re.DOTALL)
_Segment = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]|\[(?P<any>\.\.\.)\]")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "nothing",
}


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


def _offered(names: tuple[str, ...], what: str) -> dict[str, Any]:
    """For the schema: names that editors offer, beside which there may be others."""
    return {"anyOf": [{"enum": list(names)}, {"type": "string", "description": f"{what} of your own."}]}


class InferenceForm(Struct, forbid_unknown_fields=True):
    """How to train: an engine and its arguments."""

    engine: Annotated[str, Meta(extra_json_schema=_offered(ENGINES, "An engine"))] = "auto"
    max_steps: (
        Annotated[int, Meta(ge=200, le=100_000_000, description="Most transitions per chain of a block, for auto.")]
        | UnsetType
    ) = UNSET
    draws: Annotated[int, Meta(ge=4, le=1_000_000, description="Kept draws, per chain of nuts.")] | UnsetType = UNSET
    warmup: (
        Annotated[int, Meta(ge=1, le=1_000_000, description="Draws per chain that adapt the sampler.")] | UnsetType
    ) = UNSET
    chains: Annotated[int, Meta(ge=1, le=1000, description="Chains side by side.")] | UnsetType = UNSET
    steps: Annotated[int, Meta(ge=1, le=100_000_000, description="Optimiser steps.")] | UnsetType = UNSET
    guide: Annotated[GuideName, Meta(description="Laws that svi chooses from.")] | UnsetType = UNSET
    rank: Annotated[int, Meta(ge=1, le=1000, description="Directions of the low-rank guide.")] | UnsetType = UNSET
    batch: (
        Annotated[int, Meta(ge=1, le=100_000_000, description="Rows per optimiser step; all, unless many.")] | UnsetType
    ) = UNSET
    learning_rate: Annotated[float, Meta(gt=0, le=1, description="Of the optimiser.")] | UnsetType = UNSET


class VariantForm(Struct, forbid_unknown_fields=True):
    """Another latent structure for the same data."""

    drop: Annotated[list[str], Meta(min_length=1, description="Nodes to leave out.")] | UnsetType = UNSET
    merge: (
        Annotated[dict[str, _Names], Meta(min_length=1, description="New latent: the latents it replaces.")] | UnsetType
    ) = UNSET
    split: (
        Annotated[dict[str, _Names], Meta(min_length=1, description="Latent: the latents that replace it.")] | UnsetType
    ) = UNSET
    hide: Annotated[list[str], Meta(min_length=1, description="Measured nodes to make latent.")] | UnsetType = UNSET
    latents: (
        Annotated[
            dict[str, Annotated[int, Meta(ge=1, le=1000)]],
            Meta(min_length=1, description="A <-> B: how many latents stand behind it."),
        ]
        | UnsetType
    ) = UNSET


class TableForm(Struct, forbid_unknown_fields=True):
    """A table of several, with the nodes that were set in its rows."""

    file: Annotated[str, Meta(min_length=1, description="The table's path, from the study file.")]
    do: Annotated[list[str], Meta(min_length=1, description="Nodes that were set in every row.")] | UnsetType = UNSET
    do_column: (
        Annotated[str, Meta(min_length=1, description="A column that names the nodes that were set in each row.")]
        | UnsetType
    ) = UNSET


class CheckForm(Struct, forbid_unknown_fields=True):
    """How the fit is set against its rows."""

    tolerance: (
        Annotated[float, Meta(gt=0, description="By how much an answer may move before that matters, in its units.")]
        | UnsetType
    ) = UNSET


def settings_of(form: bool | CheckForm | UnsetType) -> CheckSettings | None:
    """What a study file says under `check:`; None where it says nothing."""
    match form:
        case bool() as run:
            return CheckSettings(run)
        case CheckForm(tolerance=tolerance):
            return CheckSettings(tolerance=None if tolerance is UNSET else float(tolerance))
        case _:
            return None


_Path = Annotated[str, Meta(min_length=1)]
MissingName = Literal["latent", "drop"]


class StudyForm(Struct, forbid_unknown_fields=True):
    """A latentdo study: a model, and what to do with it."""

    model: Annotated[str, Meta(description="The model, in the model language; written as a block: `model: |`.")]
    data: (
        Annotated[
            _Path | TableForm | Annotated[list[_Path | TableForm], Meta(min_length=1)],
            Meta(description="The table's path, from the study file; or tables, some of them from experiments."),
        ]
        | UnsetType
    ) = UNSET
    missing: (
        Annotated[MissingName, Meta(description="Missing cells: averaged over, or their rows left out.")] | UnsetType
    ) = UNSET
    priors: (
        Annotated[
            dict[str, float | str],
            Meta(description="weight, sd(Y) or X -> Y: a prior such as normal(0, 1), or a fixed number."),
        ]
        | UnsetType
    ) = UNSET
    units: (
        Annotated[dict[str, str], Meta(description="Measured node: what it is measured in, such as mmHg.")] | UnsetType
    ) = UNSET
    inference: InferenceForm | UnsetType = UNSET
    queries: (
        Annotated[dict[str, str] | list[str], Meta(description="Queries by name, or a list of queries.")] | UnsetType
    ) = UNSET
    variants: Annotated[dict[str, VariantForm], Meta(description="Variants by name.")] | UnsetType = UNSET
    compare: (
        Annotated[
            list[Annotated[str, Meta(extra_json_schema=_offered(METHODS, "An estimator"))]],
            Meta(description="Rivals to show beside the model."),
        ]
        | UnsetType
    ) = UNSET
    check: (
        Annotated[bool | CheckForm, Meta(description="Whether a fit is set against its rows, and how.")] | UnsetType
    ) = UNSET


def study_schema() -> dict[str, Any]:
    """The JSON Schema of a study file."""
    schema = msgspec.json.schema(StudyForm)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "latentdo study", **schema}


class Misfit(Exception):
    """Where a document departs from the form, and how; `.unknown` is a key that has no meaning there."""

    def __init__(self, path: tuple[str | int, ...], problem: str, unknown: str | None = None) -> None:
        self.path = path
        self.problem = problem
        self.unknown = unknown
        super().__init__(problem)


def fit_form(values: dict[str, Any]) -> tuple[StudyForm, dict[str, Any]]:
    """The values of a study file in their form, and the arguments of an engine of the user's own, which have none.

    Raises:
        Misfit: At the first departure.
    """
    values, own = _apart(values)
    form = _formed(values)
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


def _formed(values: dict[str, Any]) -> StudyForm:
    try:
        return msgspec.convert(values, StudyForm)
    except msgspec.ValidationError as error:
        message = str(error)
        # A key at the top may end like a place, and messages about it have none.
        unknown = next((key for key in values if key not in StudyForm.__struct_fields__), "")
        found = None if message == f"Object contains unknown field `{unknown}`" else _LOCATED.fullmatch(message)
        where = _concrete(values, found["path"], message) if found else ()
        raise _explained(values, where, found["problem"] if found else message) from None


def _message(values: Any) -> str:
    try:
        msgspec.convert(values, StudyForm)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _concrete(values: dict[str, Any], path: str, message: str) -> tuple[str | int, ...]:
    """The path with every key: msgspec writes `[...]` for any key of a mapping.

    That key is the first whose entry alone brings the same message; something else may be wrong elsewhere.
    """
    found: tuple[str | int, ...] = ()
    for segment in _Segment.finditer(path):
        if segment["key"]:
            found = (*found, segment["key"])
        elif segment["index"]:
            found = (*found, int(segment["index"]))
        else:
            entries = _at(values, found)
            found = (*found, next(key for key in entries if _message(_only(values, found, key)) == message))
    return found


def _at(values: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _only(values: Any, path: tuple[str | int, ...], key: str) -> Any:
    """The values with a single entry, `key`, in the mapping at `path`."""
    if not path:
        return {key: values[key]}
    # What comes later in the file cannot have been looked at, and may be long.
    copy = dict(itertools.takewhile(lambda entry: entry[0] != path[0], values.items()))
    return {**copy, path[0]: _only(values[path[0]], path[1:], key)}


def _explained(values: dict[str, Any], path: tuple[str | int, ...], problem: str) -> Misfit:
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", problem, re.DOTALL):
        form = VariantForm if path[:1] == ("variants",) else InferenceForm if path else StudyForm
        known = form.__struct_fields__
        if form is InferenceForm:
            known = (*known, *own_arguments(values["inference"].get("engine")))
        return Misfit(path, f"there is no such key. {nearest(found[1], known)}", found[1])
    if found := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return Misfit(path, f"the key `{found[1]}` is missing.")
    value = _at(values, path)
    if problem.startswith("Invalid enum value"):
        if path == ("missing",):
            known = " or ".join(get_args(MissingName))
            return Misfit(path, f"{value!r} is no way to treat missing cells: write {known}, or remove the line.")
        return Misfit(path, f"no guide is called {value!r}. {nearest(str(value), GUIDES)}")
    if value is None:
        return Misfit(path, "nothing stands here: fill it in, or remove the line.")
    wanted = re.sub(r"`([\w |]+)`", lambda match: " or ".join(_WORDS.get(w, w) for w in match[1].split(" | ")), problem)
    wanted = wanted.partition(", got")[0].replace("Expected ", "expected ").replace(">= ", "of at least ")
    wanted = wanted.replace("<= ", "of at most ").replace("> ", "above ").replace("of length of", "of length")
    return Misfit(path, f"{wanted}, found {_shown(value)}.{_repair(problem, value)}")


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list" if value else "an empty list"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= 40 else value[:37] + "…")
        case _:
            return str(value)


def _repair(problem: str, value: Any) -> str:
    wants_text, wants_list = "Expected `str`" in problem, "Expected `array`" in problem
    match value:
        case bool() | int() | float() if wants_text:
            return " Put it in quotes if it is a name or a text."
        case str() if wants_list:
            return f" Write it as a list: [{value[:40]}]."
        case str() if "Expected `int`" in problem and re.fullmatch(r"[0-9][0-9_,]{0,12}", value):
            return f" Write {value.replace('_', '').replace(',', '')}."
        case float() if value.is_integer() and abs(value) < 1e15:
            return f" Write {int(value)}."
        case str() if "`object | array`" in problem:
            return " Write one query per line: `- E[Y | do(X=1)]`, or `name: E[Y | do(X=1)]`."
        case _:
            return ""
