"""Where the rows of a planned experiment come from: a model whose parameters are numbers, a pilot, a simulator.

Each can draw rows; those whose process is known can also say what the answer to a question is there.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from latentdo.answers import ask_all
from latentdo.errors import LatentdoError, SpecError, StudyError, nearest
from latentdo.graphs import LatentDag, Name, quote
from latentdo.inference import (
    BlockDraws,
    DataFacts,
    Method,
    NodeDraws,
    Posterior,
    blocks_of,
    coordinates_on,
    flat,
    simulate_nodes,
)
from latentdo.models import AbstractFamily, Belief, Constant, Mechanism, ModelSpec, Table, named
from latentdo.models.study import Study as StudyFile
from latentdo.query import Query
from latentdo.simulators import STUDIES, Study
from latentdo.tables import Dataset, FloatArray

Columns = Mapping[str, Any]
Draw = Callable[[int, int], Columns]
"""Rows from their number and a seed, as columns by name."""

FACT_ROWS = 4096
"""Rows from which a model of fixed numbers learns where its nodes lie."""
ANYWHERE = 1e3
"""A number that every parameter may have: some must be above 0, or above 2."""
FORMS = (
    "a mapping from every parameter of the model to a number ({'X -> Y': 2, 'intercept(Y)': 0, 'sd(Y)': 1, …}), a model or its "
    "text with fixed numbers alone, the name of a built-in study, a pilot (a posterior from ld.fit), the path of a study, of a "
    "saved fit or of a file of numbers, or a function (n, seed) -> columns"
)


_CONTRACT = "It takes (n, seed) and gives a mapping from column names to arrays, or a table."


@dataclass(frozen=True, eq=False)
class KnownAnswer:
    """What a question's answer is in each world that rows may come from.

    Attributes:
        values: One per world.
        error: The standard error of their mean that comes from simulation.
    """

    values: FloatArray
    error: float = 0.0


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows, and the number of the world that they were drawn from."""

    columns: Columns
    world: int = 0


class AbstractTruth(abc.ABC):
    """A process that rows are drawn from."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """What it is, in words."""

    @property
    @abc.abstractmethod
    def model(self) -> ModelSpec | None:
        """The model whose nodes are those of the process; None for a function, of which its first table tells."""

    @abc.abstractmethod
    def draw(self, n: int, seed: int) -> Sample:
        """So many rows, with at least the measured nodes' columns."""

    @abc.abstractmethod
    def answer(self, query: Query, seed: int) -> KnownAnswer | None:
        """The true answer, computed with all parameters known; None where nothing says it.

        Raises:
            QueryError: The question makes no sense for the process: another model may lack a node or a level.
        """


@dataclass(frozen=True, eq=False)
class FixedModel(AbstractTruth):
    """A model whose parameters are all numbers.

    Raises:
        SpecError: Some parameter is none; says which.
    """

    spec: ModelSpec

    def __post_init__(self) -> None:
        _require_numbers(self.spec)

    @property
    def label(self) -> str:
        """What it is, in words."""
        return "a model of fixed numbers"

    @property
    def model(self) -> ModelSpec:
        """The model whose nodes are those of the process."""
        return self.spec

    @cached_property
    def draws(self) -> dict[Name, NodeDraws]:
        """Each node's numbers, as one draw."""
        return {node: _as_draw(mechanism) for node, mechanism in self.spec.mechanisms}

    def draw(self, n: int, seed: int) -> Sample:
        """So many rows, with at least the measured nodes' columns."""
        return Sample(_labelled(self.spec, self._numbers(n, seed)))

    def _numbers(self, n: int, seed: int) -> dict[Name, FloatArray]:
        return _simulated(self.spec, self.draws, n, np.random.default_rng([seed, 11]))

    def answer(self, query: Query, seed: int) -> KnownAnswer | None:
        """The true answer, from the model itself after surgery."""
        numbers = self._numbers(FACT_ROWS, seed)
        rows = Dataset.of({node: _varied(self.spec[node].family, numbers[node]) for node in self.spec.measured})
        with np.errstate(all="ignore"):
            # What overflows is refused with the first table.
            coordinates = tuple(coordinates_on(self.spec, rows).values())
        trained = Posterior(
            spec=self.spec,
            blocks=tuple(
                BlockDraws(
                    block,
                    Method("other", self.label),
                    tuple((node, self.draws[node]) for node in block.nodes),
                    independent=True,
                )
                for block in blocks_of(self.spec)
            ),
            facts=DataFacts.of(rows),
            coordinates=coordinates,
            diagnostics=(),
            engine=self.label,
            seed=seed,
        )
        return _asked(trained, query, seed)


@dataclass(frozen=True, eq=False)
class Pilot(AbstractTruth):
    """The posterior predictive of a trained model: every data set comes from a posterior draw of its own."""

    posterior: Posterior

    @property
    def label(self) -> str:
        """What it is, in words."""
        return f"the posterior predictive of a pilot of {self.posterior.facts.n_rows:,} rows"

    @property
    def model(self) -> ModelSpec:
        """The model whose nodes are those of the process."""
        return self.posterior.spec

    @cached_property
    def _flat(self) -> dict[Name, tuple[FloatArray, dict[str, FloatArray]]]:
        return {node: flat(draws) for node, draws in self.posterior.by_node.items()}

    def draw(self, n: int, seed: int) -> Sample:
        """So many rows, all from one posterior draw."""
        random = np.random.default_rng([seed, 12])
        world = int(random.integers(self.posterior.n_chains * self.posterior.n_draws))
        draws = {
            node: NodeDraws(
                coefficients[world][None, None],
                tuple((name, values[world : world + 1][None]) for name, values in parameters.items()),
            )
            for node, (coefficients, parameters) in self._flat.items()
        }
        spec = self.posterior.spec
        return Sample(_labelled(spec, _simulated(spec, draws, n, random)), world)

    def answer(self, query: Query, seed: int) -> KnownAnswer | None:
        """The answer in each posterior draw."""
        return _asked(self.posterior, query, seed)


@dataclass(frozen=True, eq=False)
class BuiltIn(AbstractTruth):
    """The simulator of a built-in study."""

    study: Study

    def __reduce__(self) -> tuple[Any, ...]:
        # A study holds functions that cannot be sent to another process, which has the same study by its name.
        known = STUDIES.get(self.study.name) is self.study
        return (_built_in, (self.study.name,)) if known else super().__reduce__()  # type: ignore[return-value]

    @property
    def label(self) -> str:
        """What it is, in words."""
        return f"the simulator of the study {self.study.name}"

    @property
    def model(self) -> ModelSpec:
        """The model whose nodes are those of the process."""
        return self.study.model

    def draw(self, n: int, seed: int) -> Sample:
        """So many rows, with at least the measured nodes' columns."""
        return Sample(self.study.simulate(n, seed=seed, do={}, latents=False, progress=None))

    def answer(self, query: Query, seed: int) -> KnownAnswer | None:
        """The population value that the study states; None where it states none."""
        queries = dict(self.study.queries)
        for stated in self.study.population:
            if queries.get(stated.query, stated.query) in (query, str(query)):
                return KnownAnswer(np.array([stated.value]), stated.error)
        return None


def _built_in(name: str) -> BuiltIn:
    return BuiltIn(STUDIES[name])


@dataclass(frozen=True, eq=False)
class Simulator(AbstractTruth):
    """A function of the user's."""

    function: Draw

    @property
    def label(self) -> str:
        """What it is, in words."""
        return f"the function {getattr(self.function, '__name__', type(self.function).__name__)}"

    @property
    def model(self) -> None:
        """None: its first table tells its columns."""

    def draw(self, n: int, seed: int) -> Sample:
        """So many rows, with whatever columns the function gives.

        Raises:
            SpecError: It raises anything, or gives no table.
        """
        try:
            columns = self.function(n, seed)
        # Whatever a user's function raises is told with the call that raised it.
        except Exception as problem:
            raise SpecError(
                f"truth= is {self.label}, which failed for n={n}, seed={seed}: {type(problem).__name__}: {problem}. {_CONTRACT}"
            ) from problem
        if not hasattr(columns, "__getitem__") or isinstance(columns, str | list | tuple):
            raise SpecError(
                f"truth= is {self.label}, which gave {type(columns).__name__} for n={n}, seed={seed}. {_CONTRACT}"
            )
        return Sample(columns)

    def answer(self, query: Query, seed: int) -> KnownAnswer | None:
        """Nothing: a function draws rows and nothing else."""
        return None


def truth_of(source: Any, spec: ModelSpec) -> AbstractTruth:
    """The process that `truth=` names; `spec` is the model that will be fitted.

    Raises:
        SpecError: It is none of the forms there are, has parameters that are no numbers, or does not measure what is fitted.
        StudyError: A name that is no built-in study.
    """
    truth = _read(source, spec)
    of_truth = truth.model
    if of_truth is not None and (missing := [node for node in spec.measured if node not in of_truth.measured]):
        raise SpecError(
            f"The truth, {truth.label}, does not measure {', '.join(map(quote, missing))}, which the model is fitted to; it "
            f"measures {', '.join(map(quote, of_truth.measured))}. Both need the same measured nodes, with the same names.",
            node=missing[0],
        )
    return truth


def _read(source: Any, spec: ModelSpec) -> AbstractTruth:
    match source:
        case Posterior():
            return Pilot(source)
        case ModelSpec():
            return FixedModel(source)
        case StudyFile():
            return FixedModel(source.model)
        case Study():
            return BuiltIn(source)
        case str() if source in STUDIES:
            return BuiltIn(STUDIES[source])
        case str() if "~" not in source:
            raise StudyError(
                f"The truth {source!r} is no built-in study, no model, whose text has a line `Y ~ normal(…)`, and no path of a "
                "study (.yaml), of a saved fit (.ldo) or of a file with a number for every parameter (.yaml, .json). "
                f"{nearest(source, STUDIES).replace('Known are', 'Built-in studies are')}",
                key="truth",
            )
        case str():
            return FixedModel(ModelSpec.parse(source))
        case Mapping():
            return FixedModel(_with_numbers(spec, _numbers_of(source)))
        case LatentDag():
            raise SpecError(f"truth= is a graph, and a graph draws no rows. It is {FORMS}.")
        case _:
            if not callable(source):
                raise SpecError(f"truth= is {type(source).__name__}. It is {FORMS}.")
            return Simulator(cast("Draw", source))


def _with_numbers(spec: ModelSpec, numbers: Mapping[str, float]) -> ModelSpec:
    """The model with numbers for its parameters; raises `SpecError` with the model's own keys where one fits none of them."""
    try:
        return spec.with_priors(numbers)
    except LatentdoError:
        keys = [label for node, mechanism in spec.mechanisms for label, _ in _parameters(node, mechanism)]
        for key, value in numbers.items():
            if (problem := _refused(spec, key, value)) is None:
                continue
            if _refused(spec, key, ANYWHERE) is None:
                raise SpecError(f"truth= says {key!r}: {value:g}. {problem}") from None
            raise SpecError(f"truth= says {key!r}, which is no parameter of the model. {nearest(key, keys)}") from None
        raise


def _refused(spec: ModelSpec, key: str, value: float) -> LatentdoError | None:
    """Why a parameter of the model cannot be this number; None where it can."""
    try:
        spec.with_priors({key: value})
    except LatentdoError as problem:
        return problem
    return None


def _numbers_of(source: Mapping[Any, Any]) -> dict[str, float]:
    numbers = {}
    for key, value in source.items():
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise SpecError(
                f"truth= says {key!r}: {value!r}, and a parameter of the truth is a number. A table of data is no truth: fit it, "
                "and give the posterior."
            )
        if not np.isfinite(value):
            raise SpecError(f"truth= says {key!r}: {value!r}, and a parameter of the truth is a finite number.")
        numbers[str(key)] = float(value)
    return numbers


def _require_numbers(spec: ModelSpec) -> None:
    """Raise unless every parameter is a number."""
    missing = [label for node, mechanism in spec.mechanisms for label in _open_parameters(node, mechanism)]
    if missing:
        shown = ", ".join(missing[:12]) + (", …" if len(missing) > 12 else "")
        raise SpecError(
            f"The truth has {len(missing)} parameter{'s' * (len(missing) > 1)} without a number: {shown}. Fix each: in a "
            f"mapping or a file, {{{missing[0]!r}: 0.5, …}}, or in the text, as in `Y ~ normal(X, weight=2, intercept=0, sd=1)`."
        )
    for node, mechanism in spec.mechanisms:
        if isinstance(mechanism.family, Table):
            raise SpecError(
                f"{node} is a table, whose probabilities cannot be fixed. Use bernoulli or categorical in the truth, a pilot "
                "(a posterior), or a function (n, seed) -> columns.",
                node=node,
            )
        if mechanism.family.has_levels and not mechanism.family.states:
            raise SpecError(
                f"{node} has levels that only a column could tell. Write them in the truth: {quote(node)} ~ "
                f"{mechanism.family.name}(…, levels=[a, b, c]).",
                node=node,
            )


def _open_parameters(node: Name, mechanism: Mechanism) -> list[str]:
    """The parameters of a node that are no numbers, as keys of a mapping."""
    return [label for label, belief in _parameters(node, mechanism) if not isinstance(belief, float)]


def _parameters(node: Name, mechanism: Mechanism) -> list[tuple[str, Belief]]:
    """The parameters of a node, by the keys of a mapping, and what is stated of each."""
    if isinstance(mechanism.family, Constant | Table):
        return []
    pairs = [(f"intercept({quote(node)})", mechanism.intercept)]
    pairs += [(f"{term} -> {quote(node)}", belief) for term, belief in mechanism.weight_beliefs.items()]
    pairs += [(f"{name}({quote(node)})", belief) for name, belief in mechanism.parameters]
    if (spread := mechanism.spread) is not None:
        pairs.append((f"{spread.parameter} intercept({quote(node)})", spread.intercept))
        pairs += [(f"{spread.parameter} weight {w.typed} -> {quote(node)}", w.belief) for w in spread.weights]
    return list(dict(pairs).items())


def _as_draw(mechanism: Mechanism) -> NodeDraws:
    """A mechanism's numbers in the form of one posterior draw."""
    family = mechanism.family
    if isinstance(family, Constant):
        return NodeDraws(np.full((1, 1, 1), family.value))
    row = [
        float(belief)  # type: ignore[arg-type]
        for predictor in mechanism.predictors
        for belief in (predictor.intercept, *(weight.belief for weight in predictor.weights))
    ]
    parameters = tuple((name, np.full((1, 1), float(belief))) for name, belief in mechanism.parameters)  # type: ignore[arg-type]
    return NodeDraws(np.array(row)[None, None], parameters)


def _simulated(
    spec: ModelSpec, draws: Mapping[Name, NodeDraws], n: int, random: np.random.Generator
) -> dict[Name, FloatArray]:
    """n rows of every node from one draw of the parameters."""
    with np.errstate(all="ignore"):
        # What overflows is refused by the table's reader, with its column.
        values = simulate_nodes(
            spec,
            spec.graph.topological_order(),
            draws,
            lambda _: random.uniform(1e-15, 1.0 - 1e-15, size=(1, n)),
            {},
        )
    return {node: np.array(np.broadcast_to(values[node], (1, n))[0]) for node in spec.graph.nodes}


def _varied(family: AbstractFamily, values: FloatArray) -> FloatArray:
    """The column; where a rare value happens not to be there, with another one in its last row.

    The answer comes from the parameters alone; the scales that a fit takes from columns need columns that vary.
    """
    if np.ptp(values) > 0:
        return values
    other = next((point for point in family.points if point != values[0]), values[0] + 1.0)
    return np.append(values[:-1], other)


def _labelled(spec: ModelSpec, values: Mapping[Name, FloatArray]) -> dict[Name, Any]:
    """The measured columns, numbers that stand for names replaced by them."""
    columns: dict[Name, Any] = {}
    for node in spec.measured:
        levels = spec.levels.get(node, ())
        columns[node] = values[node]
        if named(levels):
            places = np.searchsorted(np.asarray(spec[node].family.points), values[node])
            columns[node] = np.asarray([str(level) for level in levels])[places]
    return columns


def _asked(posterior: Posterior, query: Query, seed: int) -> KnownAnswer:
    """The answer in every draw. No identification is needed where all parameters are known."""
    query.check(posterior.spec.graph)
    (answer,) = ask_all(posterior, [(None, query)], seed, allow_unidentified=True)
    return KnownAnswer(answer.draws, answer.simulation_error)
