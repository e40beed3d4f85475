"""What all checks of a fit share: its rows as columns, some of its draws, what each row told the draws, and its nodes' laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

from latentdo.arrays import BoolArray, FloatArray, IntArray
from latentdo.errors import UnsupportedError
from latentdo.graphs import Admg, Name, project
from latentdo.inference import Posterior
from latentdo.models.build import NUMPY
from latentdo.tables import Dataset, without_copies

from .chances import chances_below
from .pillow_laws import PillowLaw
from .plans import pillows_of

DRAWS = 500
"""Draws from which influences are made: their correlation with those of all draws is .986 and more."""
MOST_NUMBERS = 10_000_000
"""Draws times rows times nodes that are held at once; with more there are fewer draws."""
LEAST_DRAWS = 100
MOST_ROWS = 4_000
"""Rows that are checked; of more these, evenly chosen."""
MOST_KEPT = 20_000
"""Rows times nodes whose laws at all draws are kept in memory: a quarter of a gigabyte."""
_WITHIN = 5
"""The seed of where within its step a count is placed."""
_KEPT = "_evidence"
_latest: list[tuple[str, Evidence]] = []
"""Rows and evidence of the fit that was checked last: its first question finds it made, and other fits keep nothing in memory."""
MOST_ONCE = 200
"""Fits of residuals that are kept for further questions: a few megabytes each at most."""
LEAST = 1e-300
"""Densities below it are as unlikely as can be told."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, eq=False)
class Moments:
    """Of a node given its pillow, (draw, row) each: its mean, the chance of no more than the row has, and the density there."""

    mean: FloatArray
    below: FloatArray
    density: FloatArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """A fit beside the rows it was trained on.

    Attributes:
        posterior: The fit.
        rows: The rows that are checked, each once.
        share: How many rows of the table stand behind each of them.
        every: All rows, where there are some of experiments too, which trained the fit and are not checked.
        copies: How many equal rows of the table each of these stands for, where whole rows are repeated.
    """

    posterior: Posterior
    rows: Dataset
    share: float = 1.0
    every: Dataset | None = None
    copies: FloatArray | None = None
    _laws: dict[tuple[Name, tuple[Name, ...], int], PillowLaw] = field(default_factory=dict)
    _moments: dict[tuple[Name, tuple[Name, ...]], Moments] = field(default_factory=dict)
    _means: dict[tuple[Name, tuple[Name, ...]], FloatArray] = field(default_factory=dict)

    _once: dict[bytes, Any] = field(default_factory=dict)

    def once(self, what: str, names: Sequence[Name], arrays: Sequence[FloatArray], make: Callable[[], _Made]) -> _Made:
        """What is made of some columns and numbers of the rows, once for all questions."""
        digest = blake2b(repr((what, *names)).encode())
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        key = digest.digest()
        if (kept := self._once.get(key)) is not None:
            return kept
        made = make()
        if len(self._once) >= MOST_ONCE:
            self._once.clear()
        self._once[key] = made
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made again when it is asked for, and holds functions that no other process can be sent."""
        return {**self.__dict__, "_once": {}}

    @staticmethod
    def of(posterior: Posterior, data: Dataset) -> Evidence:
        """The rows in which nothing was set, one by one; evenly chosen ones where there are very many."""
        names = posterior.spec.measured
        rows, copies = without_copies(data.complete().expanded(names), names)
        n = rows.n_rows
        every = data.expanded(names) if data.regimes else None
        if n <= MOST_ROWS:
            return Evidence(posterior, rows, every=every, copies=copies)
        kept = np.linspace(0, n - 1, MOST_ROWS).round().astype(int)
        return Evidence(posterior, rows.picked(kept), n / MOST_ROWS, every, None if copies is None else copies[kept])

    @property
    def n(self) -> int:
        """How many rows are checked."""
        return self.rows.n_stored

    @cached_property
    def graph(self) -> Admg:
        """The graph over the measured nodes."""
        return project(self.posterior.spec.graph)

    @cached_property
    def env(self) -> dict[Name, FloatArray]:
        """The columns, (1, row) each."""
        return {name: values[None, :] for name, values in self.rows.columns}

    @cached_property
    def index(self) -> IntArray:
        """The draws, chains laid end to end."""
        return self.thinned(self.n_draws)

    @cached_property
    def n_draws(self) -> int:
        """How many draws influences are made from."""
        fit_in = MOST_NUMBERS // max(1, self.n * len(self.posterior.spec.measured))
        return min(DRAWS, max(LEAST_DRAWS, fit_in))

    def thinned(self, n: int) -> IntArray:
        """So many draws, evenly chosen."""
        total = self.posterior.n_chains * self.posterior.n_draws
        return np.linspace(0, total - 1, min(n, total)).round().astype(int)

    @cached_property
    def pillows(self) -> dict[Name, tuple[Name, ...]]:
        """The Markov pillow of each measured node."""
        return pillows_of(self.graph, self.graph.topological_order())

    def law(self, node: Name, pillow: tuple[Name, ...] | None = None, draws: int | None = None) -> PillowLaw:
        """The node's law given its pillow, at so many draws; those of `index` unless given.

        Raises:
            UnsupportedError: Its latents cannot be integrated here.
        """
        given = self.pillows[node] if pillow is None else pillow
        draws = self.n_draws if draws is None else draws
        key = (node, given, draws)
        if key not in self._laws:
            self._laws[key] = PillowLaw(self.posterior, node, given, self.thinned(draws))
        return self._laws[key]

    def given(self, pillow: tuple[Name, ...]) -> Mapping[Name, FloatArray]:
        """The columns of a pillow; of an empty one any column, for the number of rows."""
        names = pillow or self.rows.names[:1]
        return {name: self.env[name] for name in names}

    def means(self, node: Name, pillow: tuple[Name, ...]) -> FloatArray:
        """E[node | pillow] of every row, at the draws of `index`, (draw, row); made once."""
        key = (node, pillow)
        if key in self._moments:
            return self._moments[key].mean
        if key not in self._means:
            self._means[key] = self.law(node, pillow).mean(self.given(pillow))
        return self._means[key]

    def moments(self, node: Name, pillow: tuple[Name, ...]) -> Moments:
        """Mean, distribution and density of a node given its pillow, of every row at the draws of `index`; made once."""
        key = (node, pillow)
        if key not in self._moments:
            law, y = self.law(node, pillow), self.env[node]
            family = law.family

            def mean(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
                return family.mean(NUMPY, eta, own)

            # Of a count somewhere within its step, so that what is below is uniform where the law is right.
            within = np.random.default_rng([_WITHIN, self.rows.names.index(node)]).uniform(size=self.n)

            def below(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
                reached = chances_below(family, y, eta, own)
                return reached - within * density(eta, own) if family.discrete and not family.points else reached

            def density(eta: Any, own: dict[str, FloatArray]) -> FloatArray:
                return np.exp(family.log_density(NUMPY, y, eta, own))

            self._moments[key] = Moments(*law.averages(self.given(pillow), [mean, below, density]))
        return self._moments[key]

    @cached_property
    def logs(self) -> FloatArray:
        """The log likelihood of the rows, (draw, row), less each row's mean over the draws.

        The sum over nodes, each given its pillow, where all of these are sure; else by the fit's own quadrature, which costs a
        compilation.
        """
        values = np.zeros((len(self.index), self.n))
        noisy = {n: pillow for n, pillow in self.pillows.items() if not self.posterior.spec[n].family.noiseless}
        try:
            is_sure = all(self.law(node, pillow).has_sure_density for node, pillow in noisy.items())
        except UnsupportedError:
            is_sure = False
        if is_sure:
            for node, pillow in noisy.items():
                values += np.log(np.maximum(self.moments(node, pillow).density, LEAST))
        else:
            values = self.posterior.log_likelihood(self.rows, self.index)
        return values - values.mean(axis=0)

    @cached_property
    def _was_set(self) -> BoolArray:
        assert self.every is not None
        return np.any([self.every.held(name) for name in self.posterior.spec.measured], axis=0)

    @cached_property
    def _other_logs(self) -> FloatArray:
        """The log likelihood of the rows that are not checked, (draw, row), less each row's mean."""
        assert self.every is not None
        values = self.posterior.log_likelihood(self.every, self.index)[:, self._was_set]
        return values - values.mean(axis=0)

    def padded(self, parts: FloatArray) -> FloatArray:
        """Parts of the rows, and zeros for those that are not checked."""
        if self.every is None:
            return parts
        return np.concatenate([parts, np.zeros((int(self._was_set.sum()), *parts.shape[1:]))])

    def influence(self, values: FloatArray) -> FloatArray:
        """What leaving out a row and its copies would do to posterior means of quantities, (row, quantity); the sign turned.

        Rows that are not checked come last: what they told the draws varies from table to table too.

        Args:
            values: (draw, quantity), at the draws of `index`.

        Source:
            Giordano & Broderick (2023), The Bayesian infinitesimal jackknife for variance.
        """
        centred = values - values.mean(axis=0)
        found: FloatArray = self.logs.T @ centred / (len(self.index) - 1)
        if self.copies is not None:
            found = found * self.copies[:, None]
        if self.every is None:
            return found
        # Of the rows here each stands for `share`, of those each for itself.
        more = self._other_logs.T @ centred / (len(self.index) - 1) / self.share
        return np.concatenate([found, more])


def evidence_of(posterior: Posterior, data: Dataset) -> Evidence:
    """The evidence of these rows, kept with the fit in memory: one question after another needs the same."""
    known = vars(posterior).get(_KEPT)
    if known is None or known[0] != data.hash:
        known = _latest_of(posterior, data) or (data.hash, Evidence.of(posterior, data))
        if known[1].n * len(known[1].pillows) <= MOST_KEPT:
            vars(posterior)[_KEPT] = known
    return known[1]


def handed_on(posterior: Posterior) -> None:
    """What was made for a check of this fit is kept for its next copy, until another fit is checked."""
    known = vars(posterior).get(_KEPT)
    if known is not None:
        _latest[:] = [known]


def _latest_of(posterior: Posterior, data: Dataset) -> tuple[str, Evidence] | None:
    """That of the fit that was checked last, if it has these draws and rows."""
    for known in list(_latest):
        same = known[1].posterior.blocks is posterior.blocks and known[1].posterior.spec is posterior.spec
        if same and known[0] == data.hash:
            return known
    return None


def influence_at_hand(posterior: Posterior, data: Dataset, draws: FloatArray) -> FloatArray | None:
    """What each row adds to a posterior mean, where a check of the fit has made what that needs; else None.

    Args:
        draws: The quantity, at every draw.
    """
    known = vars(posterior).get(_KEPT)
    if (
        known is None
        or known[0] != data.hash
        or known[1].share != 1
        or known[1].copies is not None
        or draws.size != posterior.n_chains * posterior.n_draws
    ):
        return None
    return known[1].influence(draws.ravel()[known[1].index][:, None])[:, 0]
