"""`lvm, corrected`: the posterior of a question, each draw one step nearer to what the rows say without the model's shape."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentdo.answers import Answer
from latentdo.arrays import FloatArray
from latentdo.criticism import TrainedLaws
from latentdo.errors import LatentdoError
from latentdo.estimators import (
    Estimate,
    Influence,
    Options,
    Task,
    bootstrap_interval,
    influence_under,
    is_positive_ratio,
    linearised,
    moves_of,
    sets_of_influence,
    size_of_influence,
    tasks_of,
    turned_over,
    why_no_influence,
)
from latentdo.graphs import project
from latentdo.identification import Identified
from latentdo.inference import Posterior
from latentdo.query import Binary, Expression, Term
from latentdo.tables import Dataset

from .row import CORRECTED, ComparisonRow, Question, row_of_estimate

WORK = 20_000_000
"""Numbers that the influence functions of all draws are made of."""
MOST_DRAWS, LEAST_DRAWS = 400, 50
VALUES = 2_000
"""Values of the corrected posterior: each draw meets several weightings of the rows."""
WEIGHTS = 3
"""What the seed of these weightings ends with."""


@dataclass(frozen=True)
class Correcting:
    """How posteriors are corrected.

    Attributes:
        options: Level of the intervals, and replicates by which methods are compared.
        seed: Of the rows' weights.
    """

    options: Options
    seed: int

    def row(
        self, posterior: Posterior, rows: Dataset, question: Question, answer: Answer, reason: str
    ) -> ComparisonRow:
        """The row of one question.

        Args:
            rows: Those that rivals see.
            reason: Why rivals have no form for the question; empty where they may.
        """
        started = time.perf_counter()
        if answer.is_point:
            reason = "a fit of one draw is no posterior."
        try:
            estimate = self._estimate(posterior, rows, question, reason)
        except LatentdoError as problem:
            estimate = self._without(str(problem))
        found = row_of_estimate(question, estimate)
        return found if estimate.estimate is None else replace(found, seconds=time.perf_counter() - started)

    def _without(self, reason: str) -> Estimate:
        return Estimate(CORRECTED, None, level=self.options.level, applies=False, note=reason)

    def _estimate(self, posterior: Posterior, rows: Dataset, question: Question, reason: str) -> Estimate:
        """The estimate, or why there is none.

        Source:
            Yiu, Fong, Holmes & Rousseau (2023), Semiparametric posterior corrections, algorithm 1: to each draw of the model the
            mean of its own influence function is added, under weights of the Bayesian bootstrap.
        """
        verdict = question.verdict
        if reason or not isinstance(verdict, Identified):
            return self._without(reason)
        families = {node: mechanism.family for node, mechanism in posterior.spec.mechanisms}
        numbers = [node for node in posterior.spec.measured if not families[node].points]
        tasks = tasks_of(project(posterior.spec.graph), rows, question.query, verdict, self.options, numbers)
        if reason := next(filter(None, map(why_no_influence, tasks)), ""):
            return self._without(reason)
        size = sum(size_of_influence(task) for task in tasks)
        total = posterior.n_chains * posterior.n_draws
        count = min(total, int(np.clip(WORK // size, LEAST_DRAWS, MOST_DRAWS)))
        index = np.linspace(0, total - 1, count).round().astype(int)
        parts = {}
        for task in tasks:
            laws = TrainedLaws(posterior, index, task.outcome, task.event)
            parts[task.term] = influence_under(task, laws)
        return self._corrected(question, tasks, parts, count)

    def _corrected(
        self, question: Question, tasks: tuple[Task, ...], parts: Mapping[Term, Influence], count: int
    ) -> Estimate:
        expression, level = question.query.expression, self.options.level
        turned = isinstance(expression, Binary) and expression.word == "NNT"
        inner = expression.right if isinstance(expression, Binary) and turned else expression
        values = self._weighted(inner, parts, count)
        mean, sd = float(values.mean()), float(values.std(ddof=1))
        if not math.isfinite(mean):
            return self._without("no number: a divisor vanishes")
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        cautions = dict.fromkeys(words for part in parts.values() for words in part.cautions)
        ranges = {task.term: (float(task.asked.min()), float(task.asked.max())) for task in tasks}
        if is_positive_ratio(inner, ranges):
            means = {term: part.values.mean(keepdims=True) for term, part in parts.items()}
            mean = float(linearised(inner, means)[0].item())
            interval = bootstrap_interval(mean, values, level, is_log=True)
            sd, low, high = interval.sd, interval.lower, interval.upper
            if beyond := int((values <= 0).sum()):
                cautions[
                    f"in {beyond} of {len(values)} corrected draws a part of the ratio is not above 0: "
                    "too few rows have the outcome for this step."
                ] = None
        if (question.scale.base, question.scale.kind) == ("probability", "value"):
            low, high = (min(max(float(end), 0.0), 1.0) for end in (low, high))
        lead = next(task for task in tasks if not task.is_seen)
        sets, words = sets_of_influence(lead)
        estimate = Estimate(
            CORRECTED,
            mean,
            sd,
            float(low),
            float(high),
            level,
            note=f"one step from lvm along the influence function; {words}; {count} draws",
            cautions=tuple(cautions),
            sets=sets,
            interval="corrected posterior",
            moves=self._moves(inner, parts),
        )
        return turned_over(estimate) if turned else estimate

    def _weighted(self, expression: Expression, parts: Mapping[Term, Influence], count: int) -> FloatArray:
        """The corrected draws: each with several weightings of the rows, the same for all terms."""
        rng = np.random.default_rng([self.seed, WEIGHTS])
        n = next(part.values.shape[1] for part in parts.values())
        found = []
        for _ in range(math.ceil(VALUES / count)):
            weights = rng.exponential(size=(count, n))
            weights /= weights.sum(axis=1, keepdims=True)
            means = {term: (weights * part.values).sum(axis=1) for term, part in parts.items()}
            found.append(np.broadcast_to(linearised(expression, means)[0], count))
        return np.concatenate(found)

    def _moves(self, expression: Expression, parts: Mapping[Term, Influence]) -> FloatArray:
        """How far the number moves where the rows get other weights."""
        by_row = {term: part.values.mean(axis=0) for term, part in parts.items()}
        slopes = linearised(expression, {term: values.mean(keepdims=True) for term, values in by_row.items()})[1]
        total = sum(float(slopes[term][0]) * (values - values.mean()) for term, values in by_row.items())
        by_rows = np.asarray(total) / len(next(iter(by_row.values())))
        return moves_of(by_rows[None], self.seed, self.options.replicates)[0]
