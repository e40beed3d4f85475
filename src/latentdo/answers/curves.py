"""Curves with many points: simulated at a few, interpolated to the rest where that changes nothing that can be seen.

Source:
    Berrut & Trefethen (2004), Barycentric Lagrange interpolation, §5, at Chebyshev points of the second kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from latentdo.query import Axis, Query

from .exact import Exact
from .plan import plan_term
from .simulation import FloatArray, Simulation, barycentric, chebyshev
from .values import UNITS, Computed, Simulated, has_settled, settled, simulated

LEAST_POINTS = 60
"""Below so many points each is simulated by itself."""
NODES = (17, 33)
CHECKS = 5
"""Points between the nodes at which the interpolation is compared with the simulation."""
ALLOWED = 0.02
"""Largest error of the interpolation, root mean square over draws, as a share of the posterior sd."""


def interpolated(
    simulation: Simulation, exact: Exact, source: Query, queries: Sequence[Query]
) -> list[Computed] | None:
    """The numbers at all points of a curve; None where every point has to be computed by itself.

    Args:
        source: The curve: a query with one axis.
        queries: Its points in the order of the axis, one each.
    """
    (axis,) = source.axes
    spec = simulation.posterior.spec
    if len(queries) < max(LEAST_POINTS, len(axis.values)) or spec[axis.name].family.discrete:
        return None
    where = np.array([float(value) for value in axis.values])
    plans = {term: plan_term(spec, term) for term in queries[0].terms}
    if all(exact.applies(plan) for plan in plans.values()):
        return None
    for n_nodes in NODES:
        nodes, signs = chebyshev(n_nodes)
        low, width = where.min(), np.ptp(where)
        values, n_units = _at(simulation, exact, source, low + width * nodes, UNITS)
        # Spread over the range, each in the middle between two nodes.
        between = np.linspace(0, n_nodes - 2, CHECKS).round().astype(int)
        checks = 0.5 * (nodes[between] + nodes[between + 1])
        exactly, _ = _at(simulation, exact, source, low + width * checks, (n_units,))
        table = np.stack([value.values for value in values])
        if _error(barycentric(checks, nodes, signs), table, exactly) > ALLOWED:
            continue
        units = [value.units for value in values if value.units is not None]
        fewest = reduce(np.minimum, units) if units else None
        weights = barycentric((where - low) / width, nodes, signs)
        note = f", at {n_nodes} points, the others interpolated"
        return [
            settled(simulation, Simulated(np.asarray(np.tensordot(own, table, 1), dtype=float), fewest), n_units, note)
            for own in weights
        ]
    return None


def _at(
    simulation: Simulation, exact: Exact, source: Query, where: FloatArray, ladder: Sequence[int]
) -> tuple[list[Simulated], int]:
    """The query at some values of its axis, all with the same number of units: the first that is enough for all of them."""
    spec, found = simulation.posterior.spec, []
    name = source.axes[0].name
    queries = [query for _, query in Query(source.expression, (Axis(name, tuple(map(float, where))),)).points]
    plans = [{term: plan_term(spec, term) for term in query.terms} for query in queries]
    known = [
        {
            term: simulation.layout.spread(value)
            for term, plan in own.items()
            if (value := exact.value(plan)) is not None
        }
        for own in plans
    ]
    enough = False
    ladder = simulation.affordable(ladder, [plan for own in plans for plan in own.values()])
    for n_units in ladder:
        found = [
            simulated(simulation, exact, query, {t: p for t, p in own.items() if t not in exactly}, exactly, n_units)
            for query, own, exactly in zip(queries, plans, known, strict=True)
        ]
        if enough or n_units == ladder[-1]:
            return found, n_units
        enough = all(
            has_settled(simulation, query, one, settled(simulation, one, n_units))
            for query, one in zip(queries, found, strict=True)
        )
    return found, ladder[-1]


def _error(weights: FloatArray, table: FloatArray, exactly: Sequence[Simulated]) -> float:
    """How far the interpolation is from the simulation at the checks, as a share of the posterior sd there."""
    worst = 0.0
    for own, value in zip(weights, exactly, strict=True):
        away = np.tensordot(own, table, 1) - value.values
        sd = float(value.values.std())
        with np.errstate(all="ignore"):
            share = float(np.sqrt((away**2).mean())) / sd if sd else np.inf * float(abs(away).max() > 0)
        worst = max(worst, share if np.isfinite(share) else np.inf)
    return worst
