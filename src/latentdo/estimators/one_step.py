"""The influence function of an effect under laws that come from elsewhere, such as a trained model: what one step corrects by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from latentdo.graphs import Admg, Name, quote
from latentdo.identification import Fixability, Identified
from latentdo.query import Query
from latentdo.tables import Dataset

from .laws import AbstractLaw
from .methods.primal import augmented_terms, primal_problem, primal_size, sets_of_fixed
from .nuisances import Laws
from .options import Options
from .sample import FloatArray, sample_of
from .task import Task, task_of
from .weighting import rare_caution


@dataclass(frozen=True, eq=False)
class Influence:
    """The uncentred influence function of a term: its mean over the rows is the corrected estimate.

    Attributes:
        values: (draw or 1, row).
        cautions: What may be wrong with it.
    """

    values: FloatArray
    cautions: tuple[str, ...] = ()


def tasks_of(
    graph: Admg, data: Dataset, query: Query, verdict: Identified, options: Options, numbers: Sequence[Name]
) -> tuple[Task, ...]:
    """The terms of a query with the rows of all measured nodes.

    Args:
        verdict: That of the query, or of the law or the sweep that it is one level or one point of.
        numbers: Columns that are continuous whatever their values look like.

    Raises:
        SupportError: A value is no level of its column.
    """
    columns = [name for name in graph.nodes if data.has(name)]
    sample = sample_of(data, columns, numbers=numbers, ordered=options.ordered)
    solutions = {solution.term: solution for solution in verdict.estimand.solutions}
    tasks = (task_of(graph, term, sample, solutions.get(term)) for term in query.terms)
    return tuple(task for task in tasks if isinstance(task, Task))


def why_no_influence(task: Task) -> str:
    """Why a term has no influence function here; empty where it has."""
    if task.is_seen:
        return ""
    if reason := task.why_not_one_treatment:
        return reason
    fixed = _fixed(task)
    treatment = quote(fixed.treatment)
    if not fixed.p_fixable:
        return f"{treatment} is not p-fixable: {dict(fixed.reasons)['p-fixable']}"
    if not task.sample[fixed.treatment].is_discrete:
        return f"{treatment} is a number: what setting it to one value does has no influence function."
    return ""


def sets_of_influence(task: Task) -> tuple[Mapping[str, tuple[Name, ...]], str]:
    """The sets of nodes that the influence function is made of, for programs and for people."""
    return sets_of_fixed(_fixed(task))


def size_of_influence(task: Task) -> int:
    """How many numbers a draw needs."""
    return 1 if task.is_seen else primal_size(primal_problem(task, _NoLaws(), _fixed(task)))


def influence_under(task: Task, laws: Laws) -> Influence:
    """The influence function of a term under these laws, one for each draw that they have.

    Source:
        Bhattacharya, Nabi & Shpitser (2022), theorem 11; of an adjustment it is that of Robins, Rotnitzky & Zhao (1994).
    """
    if task.is_seen:
        return Influence(task.asked[None])
    problem = primal_problem(task, laws, _fixed(task))
    _, rare = problem.rarity()
    terms = augmented_terms(problem, task.sample.weights[None], levelled=False)
    return Influence(terms, rare_caution(rare, task.sample.n))


def _fixed(task: Task) -> Fixability:
    """What kind of fixable the treatment is, instruments left where they are: a trained law of the treatment needs its causes."""
    assert task.forms is not None and task.forms.fixability is not None
    return task.forms.fixability


class _NoLaws:
    """Laws that nobody asks for."""

    def law(self, target: Name, given: Iterable[Name]) -> AbstractLaw:
        raise AssertionError(f"nobody asks for the law of {target}")
